#!/bin/bash
# fuzz.sh [MINUTES]: the fuzzers of the filter compiler, the packet lines and the readers of files, MINUTES (default 1)
# each, with ASan and UBSan; then how much of show.h and of the reader their inputs reach. Inputs are kept in
# build/fuzz for the next run. A finding ends it with status 1 and stays as a file in build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$((${1:-1} * 60))
out=build/fuzz
mkdir -p "$out"
python3 test/show/gen.py "$out/made"
python3 test/pcapng/gen.py "$out/pcapng-made"
mkdir -p "$out/seeds-pcapng"
find "$out/pcapng-made" -name '*.pcapng' -size -8 -exec cp {} "$out/seeds-pcapng" \;

flags=(-std=gnu11 -g -w)
checked=(-O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
covered=(-O0 -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping)

# fuzz NAME SOURCE SEEDS OPTION...
fuzz() {
	local name=$1 source=$2 seeds=$3
	shift 3
	mkdir -p "$out/$name"
	clang "${flags[@]}" "${checked[@]}" -o "$out/fuzz-$name" "$source"
	"$out/fuzz-$name" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$out/$name-" "$@" "$out/$name" "$seeds" > "$out/$name.log" 2>&1 || {
		tail -n 40 "$out/$name.log"
		return 1
	}
	echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log") runs," \
		"$(find "$out/$name" -type f | wc -l) inputs kept, no finding"
}

# coverage NAME SOURCE SEEDS FILE [FUNCTIONS]: of FILE, or of its functions of that name
coverage() {
	clang "${flags[@]}" "${covered[@]}" -o "$out/covered-$1" "$2"
	LLVM_PROFILE_FILE=$out/$1.profraw "$out/covered-$1" -runs=0 "$out/$1" "$3" > "$out/$1-covered.log" 2>&1
	llvm-profdata merge -o "$out/$1.profdata" "$out/$1.profraw"
	llvm-cov report -show-functions -instr-profile "$out/$1.profdata" "$out/covered-$1" "$4" |
		awk -v only="${5:-.}" -v file="$4" '
			NF == 10 && $1 ~ only && $2 ~ /^[0-9]+$/ && $1 != "TOTAL" {
				regions += $2; missed += $3; lines += $5; unseen += $6
			}
			END {
				printf "%s: %d of %d lines, %d of %d regions reached\n", file,
					lines - unseen, lines, regions - missed, regions
			}'
}

fuzz filter test/filter/fuzz.c test/filter/corpus -dict=test/filter/words.dict
fuzz show test/show/fuzz_show.c "$out/made/seeds-show" -max_len=700
fuzz read test/show/fuzz_read.c "$out/made/seeds-read" -max_len=1500
fuzz pcapng test/pcapng/fuzz.c "$out/seeds-pcapng" -max_len=4000
coverage show test/show/fuzz_show.c "$out/made/seeds-show" show.h
coverage read test/show/fuzz_read.c "$out/made/seeds-read" pcap.h pcap_read
coverage read test/show/fuzz_read.c "$out/made/seeds-read" bpf.h bpf_run
coverage pcapng test/pcapng/fuzz.c "$out/seeds-pcapng" pcapng.h
