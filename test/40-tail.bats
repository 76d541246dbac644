#!/usr/bin/env bats
# Stopping without losing the tail, and books that balance: what was sent is in the file, or among
# the drops that the summary reports. No more, no less, at any load.
load helpers

prepare() {
	network
	tmpfs 400m
}

# whole NAME FRAMES: the file has all of FRAMES, in order, and the summary knows it.
whole() {
	[ "$(pcapread -q 14 "$(pcap "$1")")" = "$2 0 $(($2 - 1)) 0" ] || {
		echo "sent $2, the file has: $(pcapread -q 14 "$(pcap "$1")") (records, first, last, missing)"
		return 1
	}
	expect "$(said captured)" == "$2" "captured"
	expect "$(said received)" == "$2" "received"
	expect "$(said dropped)" == 0 "dropped"
}

# balanced NAME SENT: sent = records + drops, in order, none twice.
balanced() {
	local found
	found=$(pcapread -q 14 "$(pcap "$1")")
	expect "$status" == 0 "exit status"
	summary_is_true "$1"
	expect "$2" == $(($(said captured) + $(said dropped))) "sent = captured + dropped"
	# gaps before the last record are drops; those behind it as well
	expect "${found##* }" "<=" "$(said dropped)" "gaps in the sequence"
}

# tail_of FRAMES TIMES RAWCAP-ARGUMENT...: sent, then SIGINT at once, all in the file; TIMES of TIMES.
tail_of() {
	local frames=$1 times=$2 i
	shift 2
	for ((i = 1; i <= times; i++)); do
		start one "$@" va
		ns send -c "$frames" -k "${pid[one]}" vb
		finish one
		expect "$status" == 0 "exit status in round $i"
		whole one "$frames"
	done
}

@test "96 frames, SIGINT at once: 96 in the file, 20 of 20 times (ring)" {
	tail_of 96 20
}

@test "96 frames, SIGINT at once: 96 in the file, 20 of 20 times (-B 0)" {
	tail_of 96 20 -B 0
}

@test "1 frame, SIGINT at once: 1 in the file, 20 of 20 times (ring)" {
	tail_of 1 20
}

@test "1 frame, SIGINT at once: 1 in the file, 20 of 20 times (-B 0)" {
	tail_of 1 20 -B 0
}

@test "10,000 frames flat out, SIGINT at once: 10,000 in the file, 5 of 5 times (ring)" {
	tail_of 10000 5
}

@test "10,000 frames flat out, SIGINT at once: all in the file or counted, 5 of 5 times (-B 0)" {
	local i
	for i in {1..5}; do
		start one -B 0 va
		ns send -c 10000 -k "${pid[one]}" vb
		finish one
		balanced one 10000
	done
}

@test "SIGTERM and SIGHUP keep the tail as well" {
	local signal
	for signal in TERM HUP; do
		start ring va
		start recv -B 0 va
		ns send -c 200 vb
		kill -s "$signal" "${pid[ring]}" "${pid[recv]}"
		finish ring
		whole ring 200
		finish recv
		whole recv 200
	done
}

@test "an interface deleted right behind the last frame: the tail is there" {
	local i
	for i in {1..5}; do
		start_both va
		ns sh -c 'send -c 500 vb && ip link del va'
		finish_both 1
		[ "$(pcapread -q 14 "$(pcap ring)")" = "500 0 499 0" ]
		ns sh -ec 'ip link add va type veth peer name vb; ip link set va up; ip link set vb up'
		wait_until link_is_up vb
	done
}

# in_flood RAWCAP-ARGUMENT...: SIGINT comes after frame 100,000 of a flood that goes on. All that
# came before it is in the file or among the drops.
in_flood() {
	local total last
	start one "$@" va
	total=$(ns send -c 300000 -K 100000 -k "${pid[one]}" vb)
	finish one
	expect "$status" == 0 "exit status"
	summary_is_true one
	last=$(pcapread -q 14 "$(pcap one)" | cut -d ' ' -f 3)
	expect $(($(said captured) + $(said dropped))) ">=" 100000 "all before the signal accounted for"
	expect $(($(said captured) + $(said dropped))) "<=" "$total" "no more than were sent"
	if [ "$(said dropped)" = 0 ]; then
		whole one "$(said captured)"
	fi
	expect "$last" "<" "$(($(said captured) + $(said dropped)))" "the last one's number"
}

@test "SIGINT in the middle of a flood: all that came before it is in the file or counted (ring)" {
	in_flood
	in_flood -B 8192
}

@test "SIGINT in the middle of a flood: all that came before it is in the file or counted (-B 0)" {
	in_flood -B 0
}

@test "a tiny ring under a flood, -B 128: sent = records + drops, exactly" {
	start one -B 128 va
	ns send -c 300000 -k "${pid[one]}" vb
	finish one
	balanced one 300000
}

@test "no ring under a flood, -B 0: sent = records + drops, exactly" {
	start one -B 0 va
	ns send -c 300000 -k "${pid[one]}" vb
	finish one
	balanced one 300000
}

@test "a stopped capture drops, and counts each frame it dropped" {
	local name
	start ring -B 128 va
	start recv -B 0 va
	kill -STOP "${pid[ring]}" "${pid[recv]}"
	ns send -c 20000 vb
	kill -CONT "${pid[ring]}" "${pid[recv]}"
	kill -INT "${pid[ring]}" "${pid[recv]}"
	for name in ring recv; do
		finish $name
		balanced $name 20000
		expect "$(said dropped)" ">" 0 "drops, or this proved nothing"
	done
}

@test "drops in the middle of a capture are counted once, and capture goes on behind them" {
	start ring -B 128 va
	kill -STOP "${pid[ring]}"
	ns send -c 20000 vb
	kill -CONT "${pid[ring]}"
	kill -USR1 "${pid[ring]}"
	wait_until grep -q captured "$BATS_TEST_TMPDIR/ring.err"
	kill -USR1 "${pid[ring]}"
	ns send -c 100 vb
	stop ring INT
	err=$(tail -n 3 "$BATS_TEST_TMPDIR/ring.err")
	summary_is_true ring
	expect $(($(said captured) + $(said dropped))) == 20100 "captured + dropped"
}

# million SIZE RAWCAP-ARGUMENT...: a million frames flat out, sender and capture on a core each.
million() {
	local size=$1 cores
	shift
	cores=$(nproc)
	requires taskset
	if [ "$cores" -gt 1 ]; then
		launcher=(taskset -c 1)
	fi
	start one "$@" va
	ns taskset -c 0 "$(command -v send)" -c 1000000 -s "$size" -k "${pid[one]}" vb
	finish one
	balanced one 1000000
	echo "# $* $size bytes: kept $(said captured) of 1000000" >&3
}

@test "a million 64-byte frames flat out: sent = records + drops, in order" {
	million 64
}

@test "a million 64-byte frames flat out, -B 0: sent = records + drops, in order" {
	million 64 -B 0
}

@test "300,000 frames of 1400 bytes, cut to 96, flat out: sent = records + drops" {
	start one -s 96 va
	ns send -c 300000 -s 1400 -k "${pid[one]}" vb
	finish one
	balanced one 300000
	says "packets cut to 96 bytes"
}

@test "an endless flood does not hold up the end: SIGINT ends it, the books balance" {
	local name begin
	for name in ring recv; do
		start ring va
		start recv -B 0 va
		"${NS[@]}" send -c 0 vb > "$BATS_TEST_TMPDIR/sent" 3>&- &
		helpers+=($!)
		wait_until has_grown ring 1000000
		begin=${EPOCHREALTIME/./}
		stop ring INT
		expect "$status" == 0 "exit status (ring)"
		summary_is_true ring
		stop recv INT
		expect "$status" == 0 "exit status (-B 0)"
		summary_is_true recv
		expect $((${EPOCHREALTIME/./} - begin)) "<" 5000000 "microseconds until both had ended"
		kill -0 "$!"
		kill "$!"
		wait_until ended "$!"
	done
}

# For wait_until: the file has this many bytes.
has_grown() { [ "$(stat -c %s "$(pcap "$1")")" -ge "$2" ]; }

@test "SIGUSR1 counts in the middle, the summary at the end counts all" {
	start ring va
	start recv -B 0 va
	ns send -c 50 vb
	wait_until both_have 50
	local name
	for name in ring recv; do
		kill -USR1 "${pid[$name]}"
		wait_until grep -q '^50 packets captured' "$BATS_TEST_TMPDIR/$name.err"
	done
	ns send -c 20 vb
	for name in ring recv; do
		stop $name INT
		[ "$(grep -c captured <<< "$err")" = 2 ]
		err=$(tail -n 3 <<< "$err")
		expect "$(said captured)" == 70 "captured"
		expect "$(said received)" == 70 "received"
		summary_is_true $name
	done
}
