#!/usr/bin/env bats
# However a capture is ended, what was sent before the first signal is in the file, or counted as
# dropped; what is neither is told, and makes the exit status 1. tools/stopping.sh has the loops: 200
# runs of each case take it some minutes by hand.
load helpers

prepare() { network; }

# loses_none CASE: 20 runs of stopping.sh.
loses_none() {
	"$BATS_TEST_DIRNAME/tools/stopping.sh" "$1" 20 "$RAWCAP" 3>&-
}

@test "two signals 0 to 20 ms apart, of INT, TERM and HUP, lose nothing" { loses_none twice; }

@test "timeout(1), which signals twice, loses nothing at 20,000 frames a second" { loses_none timeout; }

@test "a Ctrl-C that a script hands on loses nothing" {
	requires setsid
	loses_none forward
}

@test "a lost terminal, which hangs up twice, loses nothing" {
	requires python3
	loses_none hangup
}

@test "a reader that is slow, but reads, gets everything after two signals" {
	requires python3
	loses_none reader
}

@test "without a ring two signals lose nothing either" {
	local i
	for i in 0 1 2 3 4 5 6 7 8 9; do
		start one -B 0 va
		ns send -c 1000 vb
		kill -INT "${pid[one]}"
		sleep "0.00$i"	# any moment will do
		kill -TERM "${pid[one]}" 2> /dev/null || true
		finish one
		expect "$status" == 0 "exit status"
		expect "$(records one) + $(said dropped)" == 1000 "records + drops"
	done
}

# stuck: a capture into a pipe that nobody empties; it has taken what it can.
stuck() {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 8<> "$BATS_TEST_TMPDIR/pipe"
	output_fd=8
	start one va
	unset output_fd
	ns send -c 3000 -s 1000 vb
}

@test "a second signal ends the wait for a stuck reader, what it has not got is told, exit 1" {
	local begin lost missing
	stuck
	kill -INT "${pid[one]}"
	sleep 0.3	# the first signal's own patience is ten times that
	! ended "${pid[one]}" || { echo "it does not wait for its reader"; return 1; }
	begin=${EPOCHREALTIME/./}
	kill -INT "${pid[one]}"
	finish one
	expect $((${EPOCHREALTIME/./} - begin)) "<" 2500000 "microseconds from the second signal to the end"
	expect "$status" == 1 "exit status"
	lost=$(sed -n 's/^rawcap: stdout: stuck reader, \([0-9]*\) packets lost$/\1/p' <<< "$err")
	expect "$lost" ">" 0 "packets that are told"
	missing=$(sed -n 's/^rawcap: va: \([0-9]*\) packets missing: .*/\1/p' <<< "$err")	# still in the ring
	expect "$(said captured) + $lost + ${missing:-0} + $(said dropped)" == 3000 "in the pipe + told + dropped"
	timeout 1 cat <&8 > "$(pcap one)" || true	# what the pipe holds
	exec 8>&-
	expect "$(records one)" == "$(said captured)" "records in the pipe"
}

@test "packets that the kernel saw and never hands over are told with their number, exit 1" {
	requires strace
	# the kernel's count is changed on its way: 5 packets and no drop, where there were none
	launcher=(strace -D -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=getsockopt
		-e "inject=getsockopt:poke_exit=@arg4=0500000000000000:when=$(first_count)")
	start one va
	stop one INT
	expect "$status" == 1 "exit status"
	says "rawcap: va: 5 packets missing: "
	expect "$(said captured)" == 0 "captured"
	expect "$(said received)" == 5 "received"
}

# first_count: at which of its uses getsockopt asks for the kernel's counts for the first time.
first_count() {
	ns timeout 20 strace -qq -o "$BATS_TEST_TMPDIR/peace" "$RAWCAP" -G 1 va > "$BATS_TEST_TMPDIR/peace.pcap" 2> /dev/null
	grep '^getsockopt(' "$BATS_TEST_TMPDIR/peace" | grep -n -m 1 PACKET_STATISTICS | cut -d : -f 1
}

@test "what a full disk does not take is told with its number" {
	local missing
	tmpfs 64k
	start one va
	ns send -c 300 -s 1000 vb
	finish one
	failed 1 "rawcap: stdout: no space left"
	missing=$(sed -n 's/^rawcap: va: \([0-9]*\) packets missing: .*/\1/p' <<< "$err")
	expect "$missing" ">" 0 "packets that are told"
	expect "$(said captured) + $missing + $(said dropped)" == "$(said received)" "captured + told + dropped"
	expect "$(records one)" == "$(said captured)" "records"
}

@test "what comes behind a limit is not missing" {
	start one -c 10 va
	ns send -c 500 vb
	finish one
	expect "$status" == 0 "exit status"
	[[ $err != *missing* ]]
}
