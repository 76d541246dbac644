#!/usr/bin/env bats
# Outputs that fail, descriptors that are missing or odd: one line says what and the exit status tells,
# the file ends on a record's boundary, and nothing goes on the wire.
load helpers

prepare() { network; }

# silent_on_wire BEFORE: va has sent no frame since its counter was BEFORE.
silent_on_wire() { expect "$(sent_by va)" == "$1" "frames sent by va"; }

# --- full outputs ---

@test "/dev/full: exit 1 at the file header, without any traffic" {
	[ -c /dev/full ] || cannot_run "no /dev/full"
	local buffer
	for buffer in 2048 0; do
		status=0
		"${NS[@]}" timeout -k 1 20 "$RAWCAP" -B $buffer va > /dev/full 2> "$BATS_TEST_TMPDIR/one.err" || status=$?
		log_end one
		failed 1 "rawcap: stdout: no space left"
	done
}

@test "a tmpfs that fills up: exit 1, the file cut to whole records, the summary counts them" {
	tmpfs 64k
	local name buffer=2048
	for name in ring recv; do
		start $name -B $buffer va
		ns send -c 300 -s 1514 -r 5000 vb
		finish $name
		failed 1 "rawcap: stdout: no space left"
		expect "$(records $name)" ">=" 36 "records"
		expect "$(said captured)" == "$(records $name)" "captured"
		[ "$(pcapread -q 14 "$(pcap $name)" | cut -d ' ' -f 2,4)" = "0 0" ]
		rm "$(pcap $name)"
		buffer=0
	done
}

@test "a tmpfs that fills up in one large write: cut to whole records as well" {
	tmpfs 1m
	start ring va
	ns send -c 20000 -s 700 vb
	finish ring
	failed 1 "no space left"
	expect "$(said captured)" == "$(records ring)" "captured"
	[ "$(pcapread -q 14 "$(pcap ring)" | cut -d ' ' -f 2)" = 0 ]
}

@test "a tmpfs that is full already: exit 1, no part of a header" {
	tmpfs 64k
	ns dd if=/dev/zero "of=$BATS_TEST_TMPDIR/fast/filler" bs=4k count=16 status=none
	status=0
	timeout 20 "${NS[@]}" "$RAWCAP" va > "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" || status=$?
	log_end one
	failed 1 "rawcap: stdout: no space left"
	expect "$(stat -c %s "$(pcap one)")" == 0 "bytes in the file"
}

@test "space that is free again does not start a second part: a full disk is the end" {
	tmpfs 64k
	ns dd if=/dev/zero "of=$BATS_TEST_TMPDIR/fast/filler" bs=4k count=12 status=none
	start one va
	ns send -c 100 -s 1514 vb
	finish one
	ns rm "$BATS_TEST_TMPDIR/fast/filler"
	expect "$status" == 1 "exit status"
	expect "$(said captured)" == "$(records one)" "captured"
}

@test "RLIMIT_FSIZE: not killed by SIGXFSZ, exit 1, whole records up to the limit" {
	requires prlimit
	local name buffer=2048
	for name in ring recv; do
		launcher=(prlimit --fsize=4000)
		start $name -B $buffer va
		ns send -c 10 -s 1500 vb
		finish $name
		failed 1 "rawcap: stdout: file too large"
		expect "$(stat -c %s "$(pcap $name)")" == $((24 + 2 * 1516)) "bytes in the file"
		expect "$(records $name)" == 2 "records"
		expect "$(said captured)" == 2 "captured"
		buffer=0
	done
}

# failing_write ERROR TIMES ARGUMENT...: the TIMES-th write to the file fails so; each of 30 packets
# has one.
failing_write() {
	requires strace
	launcher=(strace -qq -P "$(pcap one)" -e trace=write -e "inject=write:error=$1:when=$2" -o /dev/null)
	start one "${@:3}" va
	ns send -c 30 -r 8 vb	# for a file the ring collects for a second: some writes
}

@test "a write that fails, the first or a later one: exit 1, whole records, the summary counts them" {
	local error times buffer
	for buffer in 2048 0; do
		for error in ENOSPC EIO EDQUOT ESTALE; do
			for times in 2 3; do
				failing_write $error $times -B $buffer
				finish one
				failed 1 "rawcap: stdout: "
				expect "$(said captured)" == "$(records one)" "captured after $error"
				expect "$(records one)" "<" 30 "records"
			done
		done
		failing_write EIO 1 -B $buffer
		finish one
		failed 1 "rawcap: stdout: "
		expect "$(stat -c %s "$(pcap one)")" == 0 "bytes in the file"
		expect "$(said captured)" == 0 "captured"
	done
}

@test "a write that takes nothing, without an error, for ever: a stop is heeded, exit 1" {
	requires strace
	local buffer
	for buffer in 2048 0; do
		launcher=(strace -D -qq -e trace=write -e inject=write:retval=0:when=2+ -P "$(pcap one)" -o /dev/null)
		start one -B $buffer va
		ns send -c 30 vb
		stop one INT
		failed 1 "rawcap: stdout: "
		expect "$(said captured)" == 0 "captured"
	done
}

@test "writes that are interrupted or have to be repeated change nothing" {
	local error buffer
	for buffer in 2048 0; do
		for error in EINTR EAGAIN; do
			failing_write $error 2+2 -B $buffer
			wait_until has_records one 30
			kill -s INT "$(pgrep -P "${pid[one]}")"
			finish one
			expect "$status" == 0 "exit status"
			[ "$(pcapread -q 14 "$(pcap one)")" = "30 0 29 0" ]
		done
	done
}

@test "a file that is removed while it is written: no matter, exit 0" {
	start one va
	rm "$(pcap one)"
	ns send -c 5 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(said captured)" == 5 "captured"
}

# --- descriptors ---

@test "descriptors 0, 1, 2 closed in all combinations: no socket takes their place, nothing is sent" {
	local closed before buffer
	before=$(sent_by va)
	for buffer in 2048 0; do
		for closed in "0<&-" "2>&-" "0<&- 2>&-"; do
			rm -f "$(pcap one)"
			"${NS[@]}" timeout 20 bash -c "exec \"\$@\" $closed" bash "$RAWCAP" -B $buffer -c 5 va \
				> "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" 3>&- &
			wait_until bound_or_ended 0 "$!"
			ns send -c 5 vb
			wait_until ended "$!"
			wait "$!"
			expect "$(records one)" == 5 "records with $closed"
			silent_on_wire "$before"
		done
		for closed in "1>&-" "0<&- 1>&-" "1>&- 2>&-" "0<&- 1>&- 2>&-"; do
			status=0
			"${NS[@]}" timeout 20 bash -c "exec \"\$@\" $closed" bash "$RAWCAP" -B $buffer va \
				2> "$BATS_TEST_TMPDIR/one.err" 3>&- || status=$?
			log_end one
			expect "$status" == 2 "exit status with $closed"
			[[ $closed == *2* ]] || says "rawcap: stdout: "
			silent_on_wire "$before"
		done
	done
}

@test "a closed stdout is refused before any socket is opened" {
	requires strace
	status=0
	ns bash -c 'exec "$@" >&-' bash strace -qq -e trace=socket -o "$BATS_TEST_TMPDIR/trace" \
		"$RAWCAP" va 2> "$BATS_TEST_TMPDIR/one.err" || status=$?
	log_end one
	failed 2 "rawcap: stdout: "
	expect "$(stat -c %s "$BATS_TEST_TMPDIR/trace")" == 0 "sockets opened"
}

@test "no message ever lands in the capture or on the wire: stderr closed, the interface deleted" {
	local before
	before=$(sent_by vb)
	launcher=(bash -c 'exec "$@" 2>&-' bash)
	start one vb
	ns ip link set vb down
	ns ip link set vb up
	wait_until link_is_up va
	ns send -c 2 va
	kept 2
	expect "$(sent_by vb)" == "$before" "frames sent by vb"
}

@test "a stderr that is full or stuck does not hold up the capture" {
	[ -c /dev/full ] || cannot_run "no /dev/full"
	launcher=(bash -c 'exec "$@" 2> /dev/full' bash)
	start one va
	ns send -c 5 vb
	kept 5
	# a pipe that nobody reads, filled to the brim
	mkfifo "$BATS_TEST_TMPDIR/err.fifo"
	exec 8<> "$BATS_TEST_TMPDIR/err.fifo"
	timeout 1 dd if=/dev/zero "of=$BATS_TEST_TMPDIR/err.fifo" bs=4096 oflag=nonblock status=none || true
	launcher=(bash -c 'exec "$@" 2>&8' bash)
	start two va
	ns send -c 5 vb
	kill -USR1 "${pid[two]}"
	wait_until has_records two 5
	ns send -c 5 vb
	wait_until has_records two 10
	stop two INT
	exec 8>&-
	expect "$status" == 0 "exit status"
}

# refused STATUS TEXT SHELL-REDIRECTION: stdout as the redirection makes it.
refused() {
	status=0
	"${NS[@]}" timeout 20 bash -c "exec \"\$@\" $3" bash "$RAWCAP" va 2> "$BATS_TEST_TMPDIR/one.err" || status=$?
	log_end one
	failed "$1" "$2"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/one.err")" ">=" 1 "lines on stderr"
}

@test "a read-only stdout is refused, exit 2: a file, a directory" {
	echo old > "$BATS_TEST_TMPDIR/old"
	refused 2 "rawcap: stdout: " "1< '$BATS_TEST_TMPDIR/old'"
	[ "$(cat "$BATS_TEST_TMPDIR/old")" = old ]
	refused 2 "rawcap: stdout: " "1< '$BATS_TEST_TMPDIR'"
	refused 2 "rawcap: stdout: " "1< /dev/null"
}

@test ">> behind something is refused, exit 2, the file stays as it was" {
	echo old > "$BATS_TEST_TMPDIR/old"
	refused 2 "rawcap: stdout: " ">> '$BATS_TEST_TMPDIR/old'"
	says ">"
	[ "$(cat "$BATS_TEST_TMPDIR/old")" = old ]
}

@test ">> to an empty file works" {
	"${NS[@]}" bash -c 'exec "$@" >> "$0"' "$(pcap one)" "$RAWCAP" -c 3 va 2> "$BATS_TEST_TMPDIR/one.err" 3>&- &
	wait_until bound_or_ended 0 "$!"
	ns send -c 3 vb
	wait_until ended "$!"
	wait "$!"
	expect "$(records one)" == 3 "records"
}

@test ">> to an empty file that fills up is cut to whole records too" {
	requires prlimit
	launcher=(prlimit --fsize=4000 bash -c 'exec "$@" >> "$0"' "$(pcap append)")
	start one va
	ns send -c 10 -s 1500 vb
	finish one
	failed 1 "file too large"
	expect "$(records append)" == 2 "records"
}

@test "1<> over a longer file: nothing old stands behind the capture" {
	head -c 100000 /dev/zero | tr '\0' x > "$(pcap one)"
	launcher=(bash -c 'exec "$@" 1<> "$0"' "$(pcap one)")
	output=/dev/null start other va
	ns send -c 3 vb
	stop other INT
	expect "$status" == 0 "exit status"
	expect "$(records one)" == 3 "records"
}

@test "behind something that the same descriptor wrote, the capture is whole and can be cut off" {
	# (echo old; rawcap va) > file: not a pcap file, but ours is all there behind it
	(
		printf '%-100s' old
		timeout 20 "${NS[@]}" "$RAWCAP" -c 3 va 2> "$BATS_TEST_TMPDIR/one.err" 3>&-
	) > "$BATS_TEST_TMPDIR/mixed" &
	wait_until bound_or_ended 0 "$!"
	ns send -c 3 vb
	wait_until ended "$!"
	tail -c +101 "$BATS_TEST_TMPDIR/mixed" > "$(pcap one)"
	expect "$(records one)" == 3 "records"
}

@test "an eventfd as stdout is refused or fails, with a line and without a frame on the wire" {
	local before
	before=$(sent_by va)
	status=0
	timeout 20 "${NS[@]}" launch -e "$RAWCAP" -c 1 va 2> "$BATS_TEST_TMPDIR/one.err" || status=$?
	log_end one
	expect "$status" ">=" 1 "exit status"
	expect "$status" "<=" 2 "exit status"
	says "rawcap: stdout: "
	silent_on_wire "$before"
}

@test "/dev/null takes a capture" {
	output=/dev/null
	start one va
	ns send -c 5 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(said captured)" == 5 "captured"
}

@test "200 inherited descriptors do no harm" {
	launcher=(bash -c 'for ((i = 10; i < 210; i++)); do eval "exec $i< /dev/null"; done; exec "$@"' bash)
	start_both va
	ns send -c 5 vb
	stop_both
	expect "$(records ring)" == 5 "records"
}

@test "an inherited non-blocking stdout: its flags are the same afterwards" {
	local before
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	exec 8<> "$BATS_TEST_TMPDIR/fifo"
	launcher=(launch -n)
	output_fd=8
	"${launcher[@]}" true >&8	# sets the flag on the description that both share
	before=$(grep flags /proc/self/fdinfo/8)
	start one va
	ns send -c 5 vb
	stop one INT
	expect "$status" == 0 "exit status"
	[ "$(grep flags /proc/self/fdinfo/8)" = "$before" ]
	exec 8>&-
}
