#!/usr/bin/env bats
# A terminal that nobody reads holds nothing up: not the capture, not signals, not the end. Also what
# else may stand where people look: sockets, full disks, nothing at all.
load helpers

prepare() {
	requires python3 pgrep
	network
	terminal=$BATS_TEST_DIRNAME/tools/terminal.py
	screen=$BATS_TEST_TMPDIR/screen
}

# on_terminal [COMMAND...]: launcher becomes a terminal that nobody reads, for stdout and stderr.
on_terminal() {
	touch "$screen.stuck"
	launcher=(python3 "$terminal" -e "$screen" "$@")
}

# Where no terminal can be opened again: there is no /proc.
without_proc=(unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh)

# serves ARGUMENT...: a capture into the file "out" on that terminal gets 300 packets and 300 times
# SIGUSR1, which is more than a terminal takes, and ends when it is told to.
serves() {
	local capturing file i
	rm -f "$BATS_TEST_TMPDIR"/out*
	start one -w "$BATS_TEST_TMPDIR/out" "$@" va
	capturing=$(pgrep -P "${pid[one]}")
	for i in 1 2 3; do
		ns send -c 100 -r 5000 vb
		for _ in {1..100}; do
			kill -USR1 "$capturing"
		done
	done
	wait_until signals_served "$capturing"
	stop one INT
	expect "$status" == "${expected_status:-0}" "exit status"
	expect "$(records_in "$BATS_TEST_TMPDIR"/out*)" == 300 "records"
}

# For wait_until: no signal waits to be read. It does while the process stands still in a write.
signals_served() { [ "$(awk '/^(SigPnd|ShdPnd):/ && $2 !~ /^0*$/' "/proc/$1/status")" = "" ]; }

# unstuck: reads the terminal again, some moments after the end of the capture is asked for.
unstuck() {
	(sleep 1; rm -f "$screen.stuck") &
	helpers+=($!)
}

@test "stderr on a stuck terminal: the capture goes on, signals are served, it ends" {
	local i
	for i in 1 2; do
		on_terminal
		unstuck
		serves
	done
}

@test "... where the terminal cannot be opened again: no /proc" {
	local i
	for i in 1 2; do
		on_terminal "${without_proc[@]}"
		unstuck
		serves
	done
}

@test "... with rotation, where root stays root without rights" {
	on_terminal
	unstuck
	serves -C 1m -W 3
	on_terminal "${without_proc[@]}"
	unstuck
	serves -C 1m -W 3
}

@test "lines on a stuck terminal: skipped and counted, the file beside them has every packet" {
	local command
	for command in "" proc; do
		on_terminal
		[ -z "$command" ] || on_terminal "${without_proc[@]}"
		start one --print -w "$BATS_TEST_TMPDIR/out" va
		ns send -c 3000 -r 20000 vb
		wait_until file_has 3000
		rm "$screen.stuck"
		wait_until grep -q 'packets not shown' "$screen"
		ns send vb
		wait_until file_has 3001
		stopped one
		# every packet has its line, or is counted in one
		expect "$(grep -c 'ethertype Unknown (0x88b5)\|0x88b5' "$screen") + $(sed -n 's/^\[\([0-9]*\) packets* not shown.*/\1/p' "$screen" | paste -sd +)" == 3001 "lines + not shown"
		rm -f "$screen"
	done
}

file_has() { [ "$(pcapread -c "$BATS_TEST_TMPDIR/out" 2> /dev/null)" = "$1" ]; }

@test "the terminal's flags are as before while nothing is written, wherever it could not be opened again" {
	touch "$screen"
	launcher=(python3 "$terminal" -e "$screen" "${without_proc[@]}")
	start one -w "$BATS_TEST_TMPDIR/out" va
	ns send -c 5 vb
	wait_until file_has 5
	expect "$((0$(awk '/^flags:/ { print $2 }' "/proc/$(pgrep -P "${pid[one]}")/fdinfo/2") & 04000))" == 0 "O_NONBLOCK"
	stopped one
}

@test "stty tostop: in the background it writes to its terminal, and is not stopped" {
	launcher=(python3 "$terminal" -e "$screen" bash -c 'set -m; stty tostop; "$@" & trap "kill $!" TERM; wait; wait' bash)
	start one --print -w "$BATS_TEST_TMPDIR/out" va
	ns send -c 5 vb
	wait_until file_has 5
	wait_until eval '[ "$(grep -c 0x88b5 "$screen")" = 5 ]'
	stop one TERM
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/out")" == 5 "records"
	grep -q '5 packets captured' "$screen"
}

@test "a socket of messages as stdout, datagrams or packets, is refused: exit 2" {
	local kind
	for kind in SOCK_DGRAM SOCK_SEQPACKET; do
		status=0
		"${NS[@]}" timeout 20 python3 -c 'import os, socket, sys
ends = socket.socketpair(socket.AF_UNIX, getattr(socket, sys.argv[1]))
os.dup2(ends[0].fileno(), 1)
os.execv(sys.argv[2], sys.argv[2:])' $kind "$RAWCAP" va 2> "$BATS_TEST_TMPDIR/one.err" || status=$?
		log_end one
		failed 2 "rawcap: stdout: a socket of messages"
	done
}

@test "stderr on a full disk does no harm to a capture elsewhere" {
	tmpfs 16k
	ns dd if=/dev/zero "of=$BATS_TEST_TMPDIR/fast/filler" bs=4k count=4 status=none || true
	launcher=(bash -c 'exec "$@" 2> "$0"' "$BATS_TEST_TMPDIR/fast/err")
	start one -w "$BATS_TEST_TMPDIR/out" va
	ns send -c 5 vb
	kill -USR1 "${pid[one]}"
	stopped one
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/out")" == 5 "records"
}

@test "a stderr that is closed is left alone: nothing is written to it, nothing waits for it" {
	requires strace
	launcher=(bash -c 'exec "$@" 2>&-' bash strace -D -qq -o "$BATS_TEST_TMPDIR/trace")
	start one va
	ns send -c 5 vb
	kill -USR1 "${pid[one]}"
	kept 5
	sed '1,/signalfd4/d' "$BATS_TEST_TMPDIR/trace" > "$BATS_TEST_TMPDIR/after"
	grep -q exit_group "$BATS_TEST_TMPDIR/after"
	run -1 grep -E 'write\(2,|sendto\(2,|ppoll\(\[\{fd=2,' "$BATS_TEST_TMPDIR/after"
}

@test "a stderr whose reader has gone holds nothing up" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	# shellcheck disable=SC2094 # both ends of a pipe
	exec 8<> "$BATS_TEST_TMPDIR/pipe" 9> "$BATS_TEST_TMPDIR/pipe" 8>&-
	launcher=(bash -c 'exec "$@" 2>&9' bash)
	start one va
	exec 9>&-
	ns send -c 5 vb
	kill -USR1 "${pid[one]}"
	kept 5
}
