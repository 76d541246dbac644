#!/usr/bin/env bats
# netif.h and pcap.h inside another program: its own poll loop with a timer and a pipe, no threads.
# embed.c is that program; it prints how late its timer ever was.
load helpers

prepare() {
	network
	tmpfs 400m
	build=$BATS_TEST_DIRNAME/../build/test
	local source stale=
	for source in test/embed.c netif.h pcap.h; do
		[ "$build/embed" -nt "$BATS_TEST_DIRNAME/../$source" ] || stale=yes
	done
	[ -z "$stale" ] || cc -O2 -Wall -Wextra -o "$build/embed" "$BATS_TEST_DIRNAME/embed.c"
}

# embed SECONDS [INTERFACE]: in the background, stdin from $BATS_TEST_TMPDIR/feed.
embed() {
	local before
	before=$(bound_sockets)
	"${NS[@]}" embed "${2:-va}" "$1" > "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" < "$BATS_TEST_TMPDIR/feed" 3>&- &
	pid[one]=$!
	wait_until bound_or_ended "$before" "${pid[one]}"
}

# figure NAME: a number from its last line, "packets N dropped N ticks N late_us N fed N turns N".
figure() { sed -n "s/.*\b$1 \([0-9]*\).*/\1/p" <<< "$err"; }

@test "the program is short: under 110 lines" {
	expect "$(wc -l < "$BATS_TEST_DIRNAME/embed.c")" "<" 110 "lines"
}

@test "it compiles without a warning, with glibc and with musl" {
	cc -std=gnu11 -Wall -Wextra -Werror -O2 -o "$BATS_TEST_TMPDIR/embed" "$BATS_TEST_DIRNAME/embed.c"
	requires musl-gcc
	musl-gcc -std=gnu11 -Wall -Wextra -Werror -O2 -o "$BATS_TEST_TMPDIR/embed" "$BATS_TEST_DIRNAME/embed.c"
}

# header_use ORDER: a program that includes netif.h and the kernel's headers in this order.
header_use() {
	local header kernel="linux/filter.h linux/if_packet.h linux/netlink.h linux/rtnetlink.h"
	[ "$1" = behind ] || for header in $kernel; do echo "#include <$header>"; done
	echo "#include \"$BATS_TEST_DIRNAME/../netif.h\""
	echo "#include \"$BATS_TEST_DIRNAME/../pcap.h\""
	[ "$1" = before ] || for header in $kernel; do echo "#include <$header>"; done
	echo 'int main(void) { struct netif n; return netif_find(&n, "lo") + pcap_linktype(n.hatype); }'
}

@test "netif.h and pcap.h compile before and behind the kernel's headers, as C11 and as C++17" {
	local order compiler
	requires gcc g++ clang musl-gcc
	for order in before behind both; do
		header_use "$order" > "$BATS_TEST_TMPDIR/use.c"
		cp "$BATS_TEST_TMPDIR/use.c" "$BATS_TEST_TMPDIR/use.cc"
		for compiler in "gcc -std=c11" "clang -std=c11" \
			"musl-gcc -std=c11 -idirafter /usr/include -idirafter /usr/include/$(gcc -dumpmachine)"; do
			$compiler -Wall -Wextra -Werror -O1 -o "$BATS_TEST_TMPDIR/use" "$BATS_TEST_TMPDIR/use.c"
		done
		for compiler in "g++ -std=c++17" "clang++ -std=c++17"; do
			$compiler -Wall -Wextra -Werror -O1 -o "$BATS_TEST_TMPDIR/use" "$BATS_TEST_TMPDIR/use.cc"
		done
	done
}

# punctual TEST-FUNCTION: its timer is never 50 ms late. What the program does wrong it does each
# time; a machine that is busy with something else may spoil one of three.
punctual() {
	local round
	mkfifo "$BATS_TEST_TMPDIR/feed"
	exec 8<> "$BATS_TEST_TMPDIR/feed"
	for round in 1 2 3; do
		"$1"
		echo "# embedded, ${1//_/ }: $err" >&3
		[ "$(figure late_us)" -ge 50000 ] || return 0
	done
	return 1
}

idle() {
	embed 1
	ns send -c 3 vb
	finish one
	expect "$status" == 0 "exit status"
	expect "$(figure packets)" == 3 "packets"
	expect "$(figure ticks)" ">=" 90 "ticks of 10 ms in 1 s"
	[ "$(pcapread -q 14 "$(pcap one)")" = "3 0 2 0" ]
}

@test "idle: the timer is on time, and a lone packet is there" {
	punctual idle
}

flood() {
	embed 2
	"${NS[@]}" send -c 0 vb > "$BATS_TEST_TMPDIR/sent" 3>&- 8>&- &
	local flood=$!
	helpers+=("$flood")
	head -c 1000000 /dev/zero >&8
	finish one
	kill "$flood"
	expect "$status" == 0 "exit status"
	expect "$(figure packets)" ">" 100000 "packets, or it was no flood"
	expect "$(figure packets)" == "$(records one)" "packets and records"
	expect "$(figure ticks)" ">=" 180 "ticks of 10 ms in 2 s"
	expect "$(figure fed)" == 1000000 "bytes from the pipe"
}

@test "a flood never delays its timer by 50 ms, and its pipe is emptied" {
	punctual flood
}

busy_pipe() {
	embed 2
	cat /dev/zero >&8 2> /dev/null 3>&- &
	local writer=$!
	helpers+=("$writer")
	ns send -c 20000 -r 20000 -s 200 vb
	finish one
	kill "$writer"
	expect "$status" == 0 "exit status"
	expect "$(records one)" == "$(figure packets)" "packets and records"
	expect $(($(figure packets) + $(figure dropped))) == 20000 "packets and drops"
	expect "$(figure fed)" ">" 1000000 "bytes from the pipe"
	expect "$(figure dropped)" == 0 "dropped"
}

@test "a busy pipe and a timer do not cost it a packet" {
	punctual busy_pipe
}

@test "no record is longer than the header's snaplen, whatever the kernel merged" {
	: > "$BATS_TEST_TMPDIR/feed"
	embed 1 lo	# its MTU is 65536
	ns send -c 3 -s 9000 -l lo
	finish one
	expect "$(frames one | awk '$1 > 2048' | wc -l)" == 0 "records longer than 2048 bytes"
	expect "$(frames one | awk '$1 == 2048 && $2 == 9000' | wc -l)" ">=" 3 "frames of 9000 bytes"
}

@test "an interface that goes down costs no processor time, and its return goes on" {
	: > "$BATS_TEST_TMPDIR/feed"
	embed 2
	ns ip link set va down
	sleep 0.5
	ns ip link set va up
	wait_until link_is_up va
	ns send -c 3 vb
	finish one
	expect "$(figure packets)" == 3 "packets behind the return"
	expect "$(figure turns)" "<" 1000 "turns of its loop in 2 s"
}

@test "a pipe that is at its end costs no processor time" {
	: > "$BATS_TEST_TMPDIR/feed"
	embed 1
	finish one
	expect "$status" == 0 "exit status"
	expect "$(figure turns)" "<" 500 "turns of its loop in 1 s"
}

@test "the file of a tun is raw IP, not Ethernet" {
	: > "$BATS_TEST_TMPDIR/feed"
	device t0
	embed 1 t0
	put 4500001400000000401100007f0000017f000001
	finish one
	expect "$status" == 0 "exit status"
	expect "$(od -An -tu4 -j 20 -N 4 "$(pcap one)")" == 101 "link type"
	captured one 4500001400000000401100007f0000017f000001
}
