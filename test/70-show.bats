#!/usr/bin/env bats
# Packets as lines: show.h, the pcap reader and the filter interpreter, by themselves, judged by tcpdump.

load helpers

strict="-std=gnu11 -g -O1 -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wpedantic -Werror -Wno-unused-function"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all"

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	BUILD=$PWD/build/show
	export BUILD
	mkdir -p "$BUILD"
	gcc $strict $sanitize -o "$BUILD/pcapshow" test/show/pcapshow.c
	gcc $strict $sanitize -o "$BUILD/cut" test/show/cut.c
	python3 test/show/gen.py "$BUILD/made"
}

prepare() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
}

@test "the lines of made packets are tcpdump's up to the transport's own fields, but for the differences that are listed" {
	requires tcpdump
	run -0 python3 test/show/compare.py "$BUILD/pcapshow" "$BUILD"/made/*.pcap
	echo "$output"
	# whole lines, payload included: fewer than once means that something was lost
	[[ $output =~ ([0-9]+)\ packets:\ ([0-9]+)\ equal ]]
	[ $((BASH_REMATCH[2] * 100 / BASH_REMATCH[1])) -ge 67 ]
}

@test "the lines of real traffic are tcpdump's: DHCP, ARP, neighbour discovery, ping, fragments, TCP, DNS, unreachable" {
	requires tcpdump
	requires busybox
	requires unshare
	private="unshare -n"
	[ "$(id -u)" = 0 ] || private="unshare -Un -c --keep-caps"
	if ! $private true 2>/dev/null; then
		cannot_run "no right to make a network namespace"
	fi
	rm -rf "$BATS_TEST_TMPDIR/real"
	mkdir "$BATS_TEST_TMPDIR/real"
	chmod 777 "$BATS_TEST_TMPDIR/real"
	timeout 50 $private sh test/show/traffic.sh "$BATS_TEST_TMPDIR/real" 3>&-
	run -0 "$BUILD/pcapshow" "$BATS_TEST_TMPDIR/real/real-ethernet.pcap" -t
	for what in 'ARP, Request who-has' 'ARP, Reply' ', Discover' ', Offer' ', ACK' 'neighbor solicitation' 'neighbor advertisement' \
		'ICMP echo reply' 'ICMP6, echo reply' 'ip-proto-1' 'frag (' 'Flags \[S\.\]' 'Flags \[R\.\]' 'A? example.com.' 'udp port 5000 unreachable'; do
		grep -q -- "$what" <<<"$output" || { echo "nothing of: $what"; return 1; }
	done
	python3 test/show/compare.py "$BUILD/pcapshow" "$BATS_TEST_TMPDIR"/real/*.pcap
}

@test "a packet cut at any length gives one line of printable ASCII, the same each time, and no fault" {
	run -0 "$BUILD/cut" "$BUILD"/made/{ip,ethernet,sll,sll2,radiotap}.pcap
	echo "$output"
	[[ $output =~ ^[0-9]{4,}\ packets ]]
}

@test "times are tcpdump's: the clock in UTC, -t none, -tt seconds" {
	requires tcpdump
	for look in "" -t -tt; do
		TZ=UTC tcpdump -nnS $look -r "$BUILD/made/nano.pcap" 2>/dev/null | sed 's/ .*//' >"$BATS_TEST_TMPDIR/theirs"
		"$BUILD/pcapshow" "$BUILD/made/nano.pcap" $look | sed 's/ .*//' >"$BATS_TEST_TMPDIR/ours"
		cmp "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours"
	done
}

@test "a file of either byte order and either resolution gives the same lines" {
	"$BUILD/pcapshow" "$BUILD/made/big-endian.pcap" >"$BATS_TEST_TMPDIR/big"
	"$BUILD/pcapshow" "$BUILD/made/nano.pcap" >"$BATS_TEST_TMPDIR/nano"
	[ -s "$BATS_TEST_TMPDIR/big" ]
	cmp "$BATS_TEST_TMPDIR/big" "$BATS_TEST_TMPDIR/nano"
}

@test "what is no pcap file is refused by name, a record that lies ends the reading" {
	file=$BATS_TEST_TMPDIR/file
	{ printf '\n\r\r\n'; head -c 60 /dev/zero; } >"$file"
	run -1 "$BUILD/pcapshow" "$file"
	[[ $output == *pcapng* ]]
	head -c 60 /dev/zero >"$file"
	run -1 "$BUILD/pcapshow" "$file"
	[[ $output == *"not a pcap file"* ]]
	{ printf '\324\303\262\241\2\0\5\0'; head -c 60 /dev/zero; } >"$file"
	run -1 "$BUILD/pcapshow" "$file"
	[[ $output == *"not pcap 2.0"* ]]
	{ head -c 24 "$BUILD/made/sll.pcap"; printf '\0\0\0\0\0\0\0\0\1\0\4\0\1\0\4\0'; head -c 300000 /dev/zero; } >"$file"
	run -1 "$BUILD/pcapshow" "$file"
	[[ $output == *"lying"* ]]
}

@test "the filter interpreter keeps the packets that tcpdump keeps" {
	requires tcpdump
	kept=0
	while read -r filter; do
		tcpdump -ddd -y EN10MB -s 262144 $filter >"$BATS_TEST_TMPDIR/program" 2>/dev/null
		for f in ip ethernet flipped cut; do
			tcpdump -nn -tt -r "$BUILD/made/$f.pcap" $filter 2>/dev/null | grep -o '^[0-9]*\.[0-9]*' >"$BATS_TEST_TMPDIR/theirs" || true
			"$BUILD/pcapshow" "$BUILD/made/$f.pcap" -tt -f "$BATS_TEST_TMPDIR/program" | grep -o '^[0-9]*\.[0-9]*' >"$BATS_TEST_TMPDIR/ours" || true
			cmp "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours" || { echo "$filter: $f"; return 1; }
			kept=$((kept + $(wc -l <"$BATS_TEST_TMPDIR/ours")))
		done
	done < test/show/filters
	echo "$kept packets kept"
	[ "$kept" -gt 10000 ]
}

@test "the fuzzers find nothing in a bounded run" {
	requires clang
	for t in show read; do
		clang -std=gnu11 -w -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o "$BUILD/fuzz_$t" test/show/fuzz_$t.c
		"$BUILD/fuzz_$t" -runs=30000 -seed=1 -max_len=600 -artifact_prefix="$BUILD/" "$BUILD/made/seeds-$t" >"$BUILD/fuzz_$t.log" 2>&1 ||
			{ tail -40 "$BUILD/fuzz_$t.log"; return 1; }
	done
}
