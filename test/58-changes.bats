#!/usr/bin/env bats
# What changes while a capture runs, or has not begun: another link type, a FIFO without a reader,
# packets that are cut.
load helpers

prepare() { network; }

tells() { grep -q "$2" "$BATS_TEST_TMPDIR/$1.err"; }

# --- another link type ---

# set_type NAME TYPE: the tun device gets another ARPHRD_*, as a wireless one does for monitor mode.
set_type() {
	ns python3 -c 'import fcntl, os, struct, sys
fd = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", sys.argv[1].encode(), 0x1002 | int(sys.argv[3])))
fcntl.ioctl(fd, 0x400454cd, int(sys.argv[2]))' "$@"
}

# persistent NAME FLAGS: a device that lives without a process: tap has 0, tun -1.
persistent() {
	requires python3
	ns test -w /dev/net/tun || cannot_run "no right to use /dev/net/tun"
	ns ip tuntap add dev "$1" mode "$2"
	ns ip link set "$1" up
}

@test "down, another link type, up again: the end, exit 1, a line says so" {
	local buffer
	for buffer in 2048 0; do
		persistent tap0 tap
		start one -B $buffer tap0
		ns ip link set tap0 down
		wait_until tells one 'tap0: is down: waiting for it'
		set_type tap0 803 0
		ns ip link set tap0 up
		finish one
		failed 1 "rawcap: tap0: "
		says "link type"
		[[ $err != *"is up"* ]]
		expect "$(records one)" ">=" 0 "whole records"
		ns ip link del tap0
	done
}

@test "... as fast as it goes, with --wait as well" {
	persistent tap0 tap
	start one --wait tap0
	ns ip link set tap0 down
	set_type tap0 803 0
	ns ip link set tap0 up
	finish one
	failed 1 "rawcap: tap0: "
	says "link type"
}

@test "is up is said only behind is down" {
	local i
	start one va
	for i in 1 2 3 4 5; do
		ns ip link set va down
		ns ip link set va up
		sleep 0.1	# it looks 50 ms after the event
	done
	ns ip link set va down
	wait_until tells one 'va: is down: waiting for it'
	ns ip link set va up
	wait_until tells one 'va: is up'
	stop one INT
	expect "$status" == 0 "exit status"
	# they take turns, the first is down
	[ "$(grep -o 'is down\|is up' "$BATS_TEST_TMPDIR/one.err" | uniq | wc -l)" = "$(grep -c 'is down\|is up' "$BATS_TEST_TMPDIR/one.err")" ]
	[ "$(grep -o 'is down\|is up' "$BATS_TEST_TMPDIR/one.err" | head -n 1)" = "is down" ]
}

# --- a FIFO that waits for its reader ---

# begin ARGUMENT...: rawcap in the background, until it has said something.
begin() {
	rm -f "$BATS_TEST_TMPDIR/one.err"
	"${NS[@]}" "$RAWCAP" "$@" > "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" < /dev/null 3>&- &
	pid[one]=$!
	wait_until told_or_ended
}

told_or_ended() { [ -s "$BATS_TEST_TMPDIR/one.err" ] || ended "${pid[one]}"; }

@test "-w FIFO waits for its reader, says so, and then captures" {
	local fifo=$BATS_TEST_TMPDIR/fifo
	mkfifo "$fifo"
	begin -w "$fifo" va
	tells one "rawcap: $fifo: waiting for its reader"
	expect "$(bound_sockets)" == 0 "sockets that take packets meanwhile"
	cat "$fifo" > "$(pcap copy)" 3>&- &
	helpers+=($!)
	wait_until tells one 'listening on'
	ns send -c 5 vb
	stop one INT
	expect "$status" == 0 "exit status"
	wait_until has_records copy 5
}

@test "-w FIFO: INT, TERM and HUP end the wait, exit 0" {
	local signal
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	for signal in INT TERM HUP; do
		begin -w "$BATS_TEST_TMPDIR/fifo" va
		stop one $signal
		expect "$status" == 0 "exit status after SIG$signal"
	done
}

@test "-w FIFO: it waits without using the processor" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	begin -w "$BATS_TEST_TMPDIR/fifo" va
	sleep 1	# a stretch of time to measure in
	expect "$(awk '{ print $14 + $15 }' "/proc/${pid[one]}/stat")" "<=" 10 "hundredths of a second of it"
	stop one INT
}

# --- one of several interfaces is deleted ---

@test "of several interfaces, one that is deleted is told at once: the others go on, exit 1 at the end" {
	second_wire
	start one -i va -i vc
	ns ip link del vc
	wait_until tells one 'rawcap: vc: is gone'
	ns send -c 3 vb
	wait_until has_records one 3
	stop one INT
	expect "$status" == 1 "exit status"
	expect "$(grep -c 'is gone' "$BATS_TEST_TMPDIR/one.err")" == 1 "lines that tell it"
	expect "$(records one)" ">=" 3 "captured"
}

@test "... and the last of them ends the capture" {
	second_wire
	start one -i vb -i vc
	ns ip link del vc
	ns ip link del va	# and its peer
	finish one
	failed 1 "rawcap: vc: is gone"
	says "rawcap: vb: is gone"
}

# --- packets that are cut ---

@test "the first packet cut is told at once, the others in the summary" {
	start one -s 60 va
	ns send -c 3 -s 100 vb
	wait_until tells one 'rawcap: va: packets are cut to 60 bytes (-s 0 keeps them whole)'
	ns send -c 3 -s 100 vb
	stop one INT
	expect "$(grep -c 'are cut to' "$BATS_TEST_TMPDIR/one.err")" == 1 "lines that tell it"
	says '6 packets cut to 60 bytes (-s 0 keeps them whole)'
	start one -q -s 60 va
	ns send -c 3 -s 100 vb
	wait_until has_records one 3
	stop one INT
	[[ $err != *cut* ]]
}

@test "a packet that is not cut is not told" {
	start one -s 100 va
	ns send -c 3 -s 100 vb
	stop one INT
	[[ $err != *cut* ]]
}
