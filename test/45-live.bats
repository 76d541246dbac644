#!/usr/bin/env bats
# Live by nature: an idle link's packet is there at once, a busy one's come in large writes, and
# neither a dead nor a stuck reader holds anything up.
load helpers

prepare() { network; }

# start_pipe NAME ARGUMENT...: like start, into the FIFO whose reader the test has started before.
start_pipe() {
	output=$BATS_TEST_TMPDIR/$1.fifo
	start "$@"
	unset output
}

# reader NAME COMMAND...: reads NAME's FIFO; its output goes to NAME.read, its pid to $reader.
reader() {
	local name=$1
	shift
	mkfifo "$BATS_TEST_TMPDIR/$name.fifo"
	"$@" < "$BATS_TEST_TMPDIR/$name.fifo" > "$BATS_TEST_TMPDIR/$name.read" 3>&- &
	reader=$!
	helpers+=("$reader")
}

# The reader has ended: without complaint.
reader_is_content() {
	wait_until ended "$reader"
	wait "$reader"
}

# --- delay ---

# How long it takes from a packet's arrival until a reader of the pipe has it.
delays() {
	reader one pcapread -n 20 -d -
	start_pipe one "$@" va
	ns send -c 20 -r 20 vb
	reader_is_content
	stop one INT || true
	sort -n "$BATS_TEST_TMPDIR/one.read" > "$BATS_TEST_TMPDIR/delays"
	echo "# delay on an idle link ${*:-with a ring}: median $(sed -n 10p "$BATS_TEST_TMPDIR/delays") us," \
		"longest $(tail -n 1 "$BATS_TEST_TMPDIR/delays") us" >&3
	expect "$(sed -n 19p "$BATS_TEST_TMPDIR/delays")" "<" 50000 "us, all but one of 20"
	# a machine busy with something else may hold up one
	expect "$(sed -n 20p "$BATS_TEST_TMPDIR/delays")" "<" 500000 "us, each of 20"
}

@test "a packet on an idle link is readable within 50 ms (ring)" {
	delays
}

@test "a packet on an idle link is readable within 50 ms (-B 0)" {
	delays -B 0
}

@test "into a file as well: a lone packet is there while the capture goes on" {
	start_both va
	local i
	for i in 1 2 3; do
		ns send vb
		wait_until both_have "$i"
	done
	stop_both
}

@test "the file header is readable before any packet" {
	local name
	reader ring head -c 24
	start_pipe ring va
	reader_is_content
	reader recv head -c 24
	start_pipe recv -B 0 va
	reader_is_content
	for name in ring recv; do
		expect "$(stat -c %s "$BATS_TEST_TMPDIR/$name.read")" == 24 "bytes"
	done
}

# --- writes ---

# writes RATE ARGUMENT...: 20 packets share a write call, at least, when 50,000 come at this rate.
writes() {
	local rate=$1
	shift
	requires strace pgrep
	launcher=(strace -qq --seccomp-bpf -f -e "trace=write,writev,pwrite64,sendto,sendmsg"
		-o "$BATS_TEST_TMPDIR/trace")
	start one "$@" va
	ns send -c 50000 $rate vb
	kill -s INT "$(child_of "${pid[one]}")"
	finish one
	expect "$status" == 0 "exit status"
	summary_is_true one
	echo "# $(wc -l < "$BATS_TEST_TMPDIR/trace") write calls for $(said captured) packets, ${rate:-flat out} $*" >&3
	expect $(($(wc -l < "$BATS_TEST_TMPDIR/trace") * 20)) "<" "$(said captured)" "20 packets a write"
}

child_of() { pgrep -P "$1"; }

@test "under load many packets share a write (ring)" {
	writes "-r 50000"
}

@test "under load many packets share a write (-B 0)" {
	writes "" -B 0
}

@test "an idle capture writes nothing and hardly wakes up" {
	requires strace pgrep
	launcher=(strace -qq -o "$BATS_TEST_TMPDIR/trace")
	start one va
	local before after
	before=$(wc -l < "$BATS_TEST_TMPDIR/trace")
	sleep 2	# a stretch of time to count in
	after=$(wc -l < "$BATS_TEST_TMPDIR/trace")
	expect $((after - before)) "<=" 20 "system calls in 2 s"
	run -1 grep -c '^write(1' <(tail -n +$((before + 1)) "$BATS_TEST_TMPDIR/trace")
	kill -s INT "$(child_of "${pid[one]}")"
	finish one
}

# --- readers that go ---

# dead_reader ARGUMENT...: the reader goes on an idle wire; the capture ends by itself.
dead_reader() {
	reader one head -c 24
	start_pipe one "$@" va
	finish one
	expect "$status" == 1 "exit status"
	says "rawcap: stdout: "
	expect "$(said captured)" == 0 "captured"
}

@test "a reader that goes ends the capture with exit 1, without traffic (ring)" {
	dead_reader
}

@test "a reader that goes ends the capture with exit 1, without traffic (-B 0)" {
	dead_reader -B 0
}

@test "a reader that goes while the interface is down, or before the first byte" {
	ns ip link set va down
	dead_reader
	rm "$BATS_TEST_TMPDIR/one.fifo"
	ns ip link set va up
	status=0
	"${NS[@]}" timeout 20 bash -c '"$@" | true; exit "${PIPESTATUS[0]}"' bash "$RAWCAP" va \
		2> "$BATS_TEST_TMPDIR/one.err" || status=$?
	log_end one
	expect "$status" == 1 "exit status"
}

@test "a parent that ignores SIGPIPE makes no difference to a reader that goes" {
	launcher=(launch -i 13)
	dead_reader
}

@test "a reader that goes under traffic: exit 1, the summary counts what arrived" {
	local name
	for name in ring recv; do
		reader $name head -c $((24 + 100 * 80))
		if [ $name = ring ]; then start_pipe $name va; else start_pipe $name -B 0 va; fi
		ns send -c 300 vb
		finish $name
		expect "$status" == 1 "exit status"
		says "rawcap: stdout: "
		expect "$(said captured)" ">=" 100 "captured"
	done
}

# --- readers that are stuck ---

# stuck ARGUMENT...: a capture whose reader is stopped and whose pipe is full.
stuck() {
	reader one cat
	start_pipe one "$@" va
	kill -STOP "$reader"
	ns send -c 20000 -s 200 vb
	wait_until asleep "${pid[one]}"
}

# For wait_until: the process waits for something.
asleep() { [ "$(awk '$1 == "State:" { print $2 }' "/proc/$1/status")" = S ]; }

@test "a stuck reader: SIGUSR1 shows the counts, again and again (ring and -B 0)" {
	local buffer
	for buffer in 2048 0; do
		stuck -B $buffer
		local i
		for i in 1 2 3; do
			kill -USR1 "${pid[one]}"
			wait_until counted "$i"
		done
		kill -CONT "$reader"
		stop one INT
		expect "$status" == 0 "exit status"
		reader_is_content
		cp "$BATS_TEST_TMPDIR/one.read" "$(pcap one)"
		err=$(tail -n 3 "$BATS_TEST_TMPDIR/one.err")
		summary_is_true one
		expect $(($(said captured) + $(said dropped))) == 20000 "captured + dropped"
		rm "$BATS_TEST_TMPDIR/one.fifo"
	done
}

counted() { [ "$(grep -c 'received by filter' "$BATS_TEST_TMPDIR/one.err")" -ge "$1" ]; }

@test "a stuck reader: SIGTERM is taken, and what was captured waits for the reader to go on" {
	local buffer
	for buffer in 2048 0; do
		stuck -B $buffer
		kill -TERM "${pid[one]}"
		wait_until no_signal_pending "${pid[one]}"
		kill -CONT "$reader"
		finish one
		expect "$status" == 0 "exit status"
		reader_is_content
		cp "$BATS_TEST_TMPDIR/one.read" "$(pcap one)"
		summary_is_true one
		expect $(($(said captured) + $(said dropped))) == 20000 "captured + dropped"
		rm "$BATS_TEST_TMPDIR/one.fifo"
	done
}

no_signal_pending() {
	ended "$1" || [ "$(awk '/^(SigPnd|ShdPnd):/ && $2 != 0' "/proc/$1/status")" = "" ]
}

@test "a stuck reader: the second SIGTERM ends at once, and the stream ends on a record's boundary" {
	local buffer begin
	for buffer in 2048 0; do
		stuck -B $buffer
		kill -TERM "${pid[one]}"
		wait_until no_signal_pending "${pid[one]}"
		begin=${EPOCHREALTIME/./}
		kill -TERM "${pid[one]}"
		finish one
		expect $((${EPOCHREALTIME/./} - begin)) "<" 1500000 "microseconds until the end"
		kill -CONT "$reader"
		reader_is_content
		cp "$BATS_TEST_TMPDIR/one.read" "$(pcap one)"
		records one
		rm "$BATS_TEST_TMPDIR/one.fifo"
	done
}

@test "a pipe that its reader makes smaller does not block: signals are served" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 8<> "$BATS_TEST_TMPDIR/pipe"
	output=$BATS_TEST_TMPDIR/pipe
	start one va
	python3 -c 'import fcntl; fcntl.fcntl(8, 1031, 4096)'	# F_SETPIPE_SZ
	ns send -c 2000 -s 200 vb
	wait_until asleep "${pid[one]}"
	kill -USR1 "${pid[one]}"
	wait_until counted 1
	kill -TERM "${pid[one]}"
	stop one TERM
	expect "$status" == 1 "exit status"
}

@test "a reader that stays stuck does not keep a stopped capture for ever" {
	stuck
	kill -TERM "${pid[one]}"
	finish one
	kill -CONT "$reader"
	reader_is_content
	cp "$BATS_TEST_TMPDIR/one.read" "$(pcap one)"
	expect "$(said captured)" == "$(records one)" "the summary counts what the reader got"
}

@test "no window: SIGTERM at twenty moments of a full pipe is served each time" {
	local i
	for i in {1..20}; do
		reader one cat
		start_pipe one va
		kill -STOP "$reader"
		"${NS[@]}" send -c 3000 -s 200 vb > /dev/null 3>&- &
		helpers+=($!)
		local flood=$!
		sleep "0.0$((i * 37 % 50 + 10))"	# any moment will do
		kill -TERM "${pid[one]}"
		wait_until no_signal_pending "${pid[one]}"
		kill -CONT "$reader"
		finish one
		expect "$status" == 0 "exit status in round $i"
		reader_is_content
		cp "$BATS_TEST_TMPDIR/one.read" "$(pcap one)"
		summary_is_true one
		wait_until ended "$flood"
		rm "$BATS_TEST_TMPDIR/one.fifo"
	done
}

@test "a limit reached while the reader is stuck: the rest comes when it goes on, exit 0" {
	reader one cat
	start_pipe one -c 3000 va
	kill -STOP "$reader"
	ns send -c 5000 -s 100 vb
	kill -CONT "$reader"
	finish one
	expect "$status" == 0 "exit status"
	reader_is_content
	cp "$BATS_TEST_TMPDIR/one.read" "$(pcap one)"
	[ "$(pcapread -q 14 "$(pcap one)")" = "3000 0 2999 0" ]
}

# --- readers that are slow ---

@test "a slow reader gets a clean stream, and the books balance" {
	local name buffer=2048
	for name in ring recv; do
		reader $name cat
		start_pipe $name -B $buffer va
		"${NS[@]}" send -c 60000 -s 300 -r 60000 vb > "$BATS_TEST_TMPDIR/sent" 3>&- &
		local flood=$!
		helpers+=($!)
		while ! ended $flood; do
			kill -STOP "$reader"
			sleep 0.02
			kill -CONT "$reader"
			sleep 0.005
		done
		stop $name INT
		expect "$status" == 0 "exit status"
		reader_is_content
		cp "$BATS_TEST_TMPDIR/$name.read" "$(pcap $name)"
		pcapread -q 14 "$(pcap $name)"
		summary_is_true $name
		expect $(($(said captured) + $(said dropped))) == 60000 "captured + dropped"
		buffer=0
	done
}

@test "a reader of one byte at a time gets a clean stream" {
	reader one dd bs=1 status=none
	start_pipe one va
	ns send -c 300 -s 60:359 vb
	stop one INT
	expect "$status" == 0 "exit status"
	reader_is_content
	cp "$BATS_TEST_TMPDIR/one.read" "$(pcap one)"
	captured one $(send -p -c 300 -s 60:359 vb)
}

@test "a pipe of one page, blocking or not: the same stream, and its flags stay as they were" {
	local mode
	for mode in "" -n; do
		reader one cat
		exec 8> "$BATS_TEST_TMPDIR/one.fifo"
		ns launch -P 4096 ${mode:+"$mode"} true >&8
		local flags
		flags=$(grep flags /proc/$$/fdinfo/8)
		output_fd=8
		start one va
		unset output_fd
		ns send -c 5000 -s 60:359 -r 20000 vb
		[ "$(grep flags "/proc/${pid[one]}/fdinfo/1")" = "$flags" ]
		stop one INT
		expect "$status" == 0 "exit status"
		[ "$(grep flags /proc/$$/fdinfo/8)" = "$flags" ]
		exec 8>&-
		reader_is_content
		cp "$BATS_TEST_TMPDIR/one.read" "$(pcap one)"
		summary_is_true one
		if [ "$(said dropped)" = 0 ]; then
			captured one $(send -p -c 5000 -s 60:359 vb)
		fi
		rm "$BATS_TEST_TMPDIR/one.fifo"
	done
}

@test "frames longer than the pipe come through whole" {
	ns ip link set va mtu 65535
	ns ip link set vb mtu 65535
	launcher=(launch -P 4096)
	reader one cat
	start_pipe one -s 0 va
	ns send -c 20 -r 100 -s 65530:65549 vb
	stop one INT
	expect "$status" == 0 "exit status"
	reader_is_content
	cp "$BATS_TEST_TMPDIR/one.read" "$(pcap one)"
	captured one $(send -p -c 20 -s 65530:65549 vb)
}

@test "stdout may be a socket: the same stream" {
	launcher=(launch -u)
	start_both va
	ns send -c 2000 -r 20000 -s 60:359 vb
	kill -s INT "${pid[ring]}" "${pid[recv]}"
	local name
	for name in ring recv; do
		finish $name
		expect "$status" == 0 "exit status"
		wait_until has_records $name 2000
	done
	captured ring $(send -p -c 2000 -s 60:359 vb)
	captured recv $(send -p -c 2000 -s 60:359 vb)
}

@test "a socket whose reader goes ends the capture with exit 1, without traffic" {
	requires pgrep
	launcher=(launch -u)
	local buffer
	for buffer in 2048 0; do
		reader one head -c 24
		start_pipe one -B $buffer va
		kill "$(child_of "${pid[one]}")"
		finish one
		expect "$status" == 1 "exit status"
		rm "$BATS_TEST_TMPDIR/one.fifo"
	done
}
