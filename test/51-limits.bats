#!/usr/bin/env bats
# Limits: counters past 32 bits, clocks that step, resources that are just enough or just not, memory.
load helpers

prepare() {
	network
	dir=$BATS_TEST_TMPDIR
}

# at_use CALL TEXT: at which of its uses CALL has TEXT, in a run like that of launcher and ARGUMENT...
at_use() {
	ns timeout 20 strace -qq -o "$dir/peace" "$RAWCAP" "${@:3}" > /dev/null 2> /dev/null
	grep "^$1(" "$dir/peace" | grep -nF -m 1 -- "$2" | cut -d : -f 1
}

# --- counters ---

@test "the kernel's counts are summed in 64 bits" {
	requires strace
	local first
	first=$(at_use getsockopt PACKET_STATISTICS -G 1 va)
	# three times all ones for packets and for drops, as if 2^32 - 1 had passed since the last look
	launcher=(strace -D -qq -o /dev/null -e trace=getsockopt
		-e "inject=getsockopt:poke_exit=@arg4=FFFFFFFFFFFFFFFF:when=$((first + 1))..$((first + 3))")
	start one va
	ns send -c 5 vb
	wait_until has_records one 5
	kill -USR1 "${pid[one]}"
	wait_until grep -q 'packets captured' "$dir/one.err"
	kill -USR1 "${pid[one]}"
	wait_until shows 'packets captured' 2
	stop one INT
	expect "$status" == 0 "exit status"
	local expected=$((3 * 0xffffffff))
	expect "$(said dropped | tail -n 1)" ">=" $expected "dropped"
	expect "$(said dropped | tail -n 1)" "<" $((expected + 10)) "dropped"
	expect "$(said received | tail -n 1)" ">=" $expected "received"
	expect "$(said received | tail -n 1)" "<" $((expected + 10)) "received"
}

shows() { [ "$(grep -c "$1" "$dir/one.err")" -ge "$2" ]; }

# --- time ---
#
# strace changes what the kernel answers. It sees only clocks that rawcap asks for by a system call:
# one that is read through the vDSO, as clock_gettime() of the C library does, never enters the kernel.

# little_endian NUMBER: its 8 bytes as the memory has them, in hex.
little_endian() {
	local i n=$1
	for i in 1 2 3 4 5 6 7 8; do
		printf %02x $((n & 255))
		n=$((n >> 8))
	done
}

@test "-G: the names are date's at the turns of years, in leap years, in 2000, 2038 and 2100" {
	requires strace
	local format='%Y.%m.%d.%H.%M.%S.%j.%y' moment second first expected
	launcher=()
	first=$(at_use clock_gettime CLOCK_REALTIME -W 1 -G 1 -w "$dir/peace-%s" va)
	for moment in "1970-01-01 00:00:10" "1999-12-31 23:59:59" "2000-02-29 12:00:00" "2000-03-01 00:00:00" \
		"2024-02-29 23:59:59" "2024-12-31 00:00:00" "2025-03-01 00:00:00" "2026-11-30 01:02:03" \
		"2038-01-19 03:14:07" "2038-01-19 03:14:08" "2096-02-29 00:00:00" "2099-12-31 23:59:59" \
		"2100-02-28 00:00:00" "2100-03-01 00:00:00" "2105-12-31 23:59:59"; do
		second=$(date -u -d "$moment" +%s)
		launcher=(strace -D -qq -o /dev/null -e trace=clock_gettime
			-e "inject=clock_gettime:poke_exit=@arg2=$(little_endian "$second"):when=$first")
		start one -c 1 -G 100 -w "$dir/time-$format" va
		ns send vb
		finish one
		expect "$status" == 0 "exit status"
		expected=$dir/time-$(date -u -d "$moment" "+$format")
		[ -s "$expected" ] || { echo "$moment: $(echo "$dir"/time-*)"; return 1; }
		rm "$dir"/time-*
	done
}

# rotates_at TIME: four files of a second each, in $dir/f-*; the clock shows TIME when it is first asked.
rotates_at() {
	local first
	requires strace
	first=$(at_use clock_gettime CLOCK_REALTIME -W 1 -G 1 -w "$dir/peace-%s" va)
	launcher=(strace -D -qq -o "$dir/trace" -e trace=clock_gettime
		-e "inject=clock_gettime:poke_exit=@arg2=$(little_endian "$1"):when=$first")
	start one -G 1 -w "$dir/f-%s" va
	wait_until has_files 4
	stop one INT
	expect "$status" == 0 "exit status"
}

@test "-G: a clock that steps back a day changes the name, not the rhythm" {
	local yesterday=$(($(date +%s) - 86400)) file
	rotates_at $yesterday
	[ -e "$dir/f-$yesterday" ]
	for file in "$dir"/f-*; do
		pcapread -c "$file"
	done
}

@test "-G: a clock that was a day ahead and is set right: the names are right from then on" {
	local tomorrow=$(($(date +%s) + 86400)) now second right=0
	rotates_at $tomorrow
	[ -e "$dir/f-$tomorrow" ]
	now=$(date +%s)
	for second in "$dir"/f-*; do
		second=${second##*-}
		[ "$second" -gt $((now + 2)) ] || right=$((right + 1))
	done
	expect $right ">=" 3 "files with the right time"
}

has_files() { [ "$(printf '%s\n' "$dir"/f-* | wc -l)" -ge "$1" ]; }

# --- resources ---

@test "descriptors: enough, or exit 1 with the reason before anything is captured; rotation needs no more" {
	requires prlimit
	local count worked=0
	for count in 3 4 5 6 7 8; do
		launcher=(prlimit --nofile=$count)
		start one -w "$dir/f" -C 64k va
		ns send -c 150 -s 1000 vb
		stop one INT
		if [ "$status" = 0 ]; then
			worked=$((worked + 1))
			expect "$(pcapread -c "$dir/f") + $(pcapread -c "$dir/f1") + $(pcapread -c "$dir/f2")" == 150 "records"
		else
			expect $worked == 0 "success with fewer descriptors"
			expect "$status" == 1 "exit status with $count descriptors"
			says "too many open files"
			[[ $err != *captured* ]]
		fi
		rm -f "$dir"/f*
	done
	expect $worked ">" 0 "numbers of descriptors with which it works"
}

@test "a file size of 0: exit 1, no part of a header" {
	requires prlimit
	# its messages go through a pipe: files of 0 bytes take none
	launcher=(bash -c 'exec 2> >(cat > "$0"); exec prlimit --fsize=0 "$@"' "$dir/said")
	start one va
	ns send vb
	finish one
	expect "$status" == 1 "exit status"
	wait_until grep -q "rawcap: stdout: file too large" "$dir/said"
	[ ! -s "$(pcap one)" ]
	start one -w "$dir/f" va
	ns send vb
	finish one
	expect "$status" == 1 "exit status"
	wait_until grep -q "rawcap: $dir/f: file too large" "$dir/said"
	[ ! -s "$dir/f" ]
}

@test "a file size limit below -C's: exit 1, whole records in every file, the summary counts them" {
	requires prlimit
	launcher=(prlimit --fsize=50000)
	start one -w "$dir/f" -C 64k -W 4 va
	ns send -c 300 -s 1000 vb
	finish one
	expect "$status" == 1 "exit status"
	says "file too large"
	expect "$(records_in "$dir"/f?)" == "$(said captured)" "records"
}

@test "16 KiB of stack, no locked memory, no children: rotation and --wait work" {
	requires prlimit
	launcher=(prlimit --stack=16384 --memlock=0 --core=0 --nproc=0)
	start one --wait -w "$dir/f" -C 64k va
	ns send -c 100 -s 1000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(pcapread -c "$dir/f") + $(pcapread -c "$dir/f1")" == 100 "records"
}

@test "no descriptor left for the socket: exit 1 with the reason, nothing on stdout" {
	requires prlimit
	status=0
	timeout 20 "${NS[@]}" prlimit --nofile=3 "$RAWCAP" va > "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" || status=$?
	log_end one
	failed 1 "too many open files"
	expect "$(stat -c %s "$(pcap one)")" == 0 "bytes on stdout"
}

# Bytes that the program's own segments take: code, data, buffers of fixed size.
static_bytes() { size "$RAWCAP" | awk 'NR == 2 { print $4 }'; }

@test "little address space: a smaller ring or none, the capture works all the same" {
	requires prlimit size
	local space
	for space in $(($(static_bytes) + 400000)) $(($(static_bytes) + 1000000)) $(($(static_bytes) + 4000000)); do
		launcher=(prlimit --as=$space)
		start one va
		ns send -c 50 vb
		stop one INT
		expect "$status" == 0 "exit status with $space bytes"
		expect "$(records one)" == 50 "records with $space bytes"
	done
}

@test "-v says how large a ring it got" {
	requires prlimit size
	launcher=(prlimit --as=$(($(static_bytes) + 1000000)))
	start one -v va
	stop one INT
	expect "$status" == 0 "exit status"
	says KiB
	run -1 grep -c ' 2048 KiB' "$BATS_TEST_TMPDIR/one.err"
}

@test "a stack of 16 KiB, no byte of data more than its own, no locked memory, no children, no core: no matter" {
	requires prlimit size
	launcher=(prlimit --stack=16384 --memlock=0 --core=0 --nproc=0 "--data=$(static_bytes)")
	start_both va
	ns send -c 50 vb
	stop_both
	expect "$(records ring)" == 50 "records"
}

@test "no heap and no memory beside the ring: neither brk nor mmap but that of the socket" {
	requires strace
	launcher=(strace -qq -e trace=mmap,mmap2,brk,mremap -o "$BATS_TEST_TMPDIR/trace")
	start one -c 10 va
	ns send -c 10 vb
	finish one
	expect "$status" == 0 "exit status"
	run -1 grep -vE 'MAP_SHARED' "$BATS_TEST_TMPDIR/trace"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/trace")" == 1 "mappings"
}

# resident NAME: KiB of memory that are its own, the ring left out.
resident() {
	awk '/^[0-9a-f]+-/ { ring = /socket:/ } /^Rss:/ && !ring { sum += $2 } END { print sum }' \
		"/proc/${pid[$1]}/smaps"
}

@test "resident memory without the ring stays under 1 MiB, also after 100,000 packets" {
	start_both va
	ns send -c 100000 -s 200 vb
	local name
	for name in ring recv; do
		echo "# resident with $name: $(resident $name) KiB" >&3
		expect "$(resident $name)" "<=" 1024 "KiB resident ($name)"
		stop $name INT
	done
}

# --- signals in numbers ---

@test "a thousand SIGUSR1 a second across rotations: sent = records + drops, every file whole" {
	local i sender
	start one -w "$dir/f" -C 256k va
	"${NS[@]}" send -c 60000 -r 30000 -s 100 vb > /dev/null 3>&- &
	sender=$!
	helpers+=($!)
	while ! ended "$sender"; do
		for i in {1..10}; do
			kill -USR1 "${pid[one]}"
		done
		sleep 0.01
	done
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(grep -c captured "$dir/one.err")" ">" 20 "times the counts were shown"
	err=$(tail -n 3 "$dir/one.err")
	expect "$(records_in "$dir"/f*)" == "$(said captured)" "records in all files"
	expect "$(said captured) + $(said dropped)" == 60000 "records + drops"
}

@test "SIGSTOP and SIGCONT fifty times under traffic, across rotations: nothing unaccounted for" {
	local i sender
	start one -w "$dir/f" -C 256k va
	"${NS[@]}" send -c 40000 -r 20000 -s 100 vb > /dev/null 3>&- &
	sender=$!
	helpers+=($!)
	for i in {1..50}; do
		kill -STOP "${pid[one]}"
		sleep 0.01
		kill -CONT "${pid[one]}"
		sleep 0.01
	done
	wait_until ended "$sender"
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(records_in "$dir"/f*)" == "$(said captured)" "records in all files"
	expect "$(said captured) + $(said dropped)" == 40000 "records + drops"
}
