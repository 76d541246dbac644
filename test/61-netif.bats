#!/usr/bin/env bats
# netif.h on the kernel's own interfaces: how they are found and listed, what their frames become.
load helpers

prepare() {
	network
	build=$BATS_TEST_DIRNAME/../build/test
	local source stale=
	for source in test/tools/netif.c netif.h; do
		[ "$build/netif" -nt "$BATS_TEST_DIRNAME/../$source" ] || stale=yes
	done
	[ -z "$stale" ] || cc -O2 -Wall -Wextra -o "$build/netif" "$BATS_TEST_DIRNAME/tools/netif.c"
}

# found NAME EXPECTED: what "netif find NAME" prints.
found() {
	local line
	line=$(ns netif find "$1") || return 1
	[ "$line" = "$2" ] && return 0
	echo "find $1: $line, not $2"
	return 1
}

@test "an interface is found by its name, by alternative names of 14, 15 and 30 bytes, and by number" {
	local name number
	number=$(ifindex va)
	for name in fourteen890123 fifteen89012345 thirty789012345678901234567890; do
		ns ip link property add dev va altname "$name"
		found "$name" "$number va 1 ?"
	done
	found va "$number va 1 ?"
	found va:0 "$number va 1 ?"
	found "$number" "$number va 1 ?"
}

@test "what is no interface's name or number is not found" {
	local name
	for name in nosuch 9999 0 "" 2x 99999999999999999999 nosuch7890123456 \
		"$(printf 'n%.0s' {1..200})"; do
		! ns netif find "$name" 2> "$BATS_TEST_TMPDIR/err"
		grep 'No such device' "$BATS_TEST_TMPDIR/err"
	done
}

@test "a number that is also a name is the name" {
	ns ip link add name 2 type veth peer name peer
	found 2 "$(ifindex 2) 2 1 ?"
}

@test "the DSA tag is known only from the /sys of the same network namespace" {
	found va "$(ifindex va) va 1 ?"	# this /sys shows another one's interfaces
	ns mount -t sysfs none /sys || cannot_run "no right to mount a sysfs"
	found va "$(ifindex va) va 1 -"
}

# For wait_until: the interface is up, and its link is known to be down.
runs_no_more() { [[ $(ns ip link show "$1") == *"state LOWERLAYERDOWN"* ]]; }

@test "the list has each interface's flags and link, as tcpdump -D tells them" {
	ns ip link set vb down
	wait_until runs_no_more va	# the kernel tells that a moment later
	ns netif list > "$BATS_TEST_TMPDIR/list"
	cat "$BATS_TEST_TMPDIR/list"
	grep "^1 lo 772 10049 [0-9]* 0 -1$" "$BATS_TEST_TMPDIR/list"	# up, loopback, running
	grep "^$(ifindex va) va 1 1003 [0-9]* 0 0$" "$BATS_TEST_TMPDIR/list"	# up, not running
	grep "^$(ifindex vb) vb 1 1002 [0-9]* 0 0$" "$BATS_TEST_TMPDIR/list"	# down
}

@test "the largest packet is known where BIG TCP makes more than 64 KiB" {
	ns ip link set va gro_max_size 190000 2> /dev/null || cannot_run "no gro_max_size here"
	ns netif list | grep " va 1 [0-9a-f]* 190000 "
	ns netif list | grep " vb 1 [0-9a-f]* 65536 "
}

# Addresses, and headers of IPv4 and IPv6 with right lengths and checksums; ARP; a frame with a length
# instead of a type.
mac=02000000000a02000000000b
ip4=08004500001c0000000040117ccf7f0000017f0000010009000900080000
ip6=86dd6000000000081140$(printf '%031d1' 0 0)0009000900080000
arp=080600010800060400010200000000000a7f0000010000000000007f000002
llc=0026424203$(printf '0%.0s' {1..70})

# Each payload behind these tags; in the cooked form everything behind the addresses is as it was sent.
@test "of one, two or three tags none is lost in cooked form on the way in" {
	local tags payload
	start_both any
	: > "$BATS_TEST_TMPDIR/sent"
	for tags in 81000064 88a8006481004005 8100006481000005 8100006481006008 \
		88a800648100000581000007; do
		for payload in $ip4 $ip6 $arp $llc; do
			ns send vb "$mac$tags$payload" > /dev/null
			echo "$tags$payload" >> "$BATS_TEST_TMPDIR/sent"
		done
	done
	wait_until both_have 20
	stop_both
	# the cooked header is 20 bytes, and begins with the first type
	frames ring | awk '{ print substr($3, 1, 4) substr($3, 41) }' > "$BATS_TEST_TMPDIR/found"
	same "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/found"
}

@test "one tag stays one tag, though the length of a packet says 0x0800" {
	local frame ip
	# 2048 bytes of IPv4: its length looks like a type, its first bytes like a VLAN
	ip=080045000800000000004011$(printf '%04x' $((0x7ccf - 0x800 + 0x1c)))7f0000017f000001$(printf '45%.0s' {1..2028})
	frame=$mac$(printf 8100)0064$ip
	ns ip link set va mtu 9000
	ns ip link set vb mtu 9000
	start_both -s 0 any
	ns send vb "$frame" > /dev/null
	wait_until both_have 1
	stop_both
	frames ring | awk '{ print substr($3, 1, 4) substr($3, 41) }' > "$BATS_TEST_TMPDIR/found"
	echo "81000064$ip" > "$BATS_TEST_TMPDIR/sent"
	same "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/found"
}

@test "a device that comes back with another link type ends the capture, and none of its frames is in it" {
	requires python3
	ns test -w /dev/net/tun || cannot_run "no right to use /dev/net/tun"
	mkfifo "$BATS_TEST_TMPDIR/go"
	exec 7<> "$BATS_TEST_TMPDIR/go"
	cat > "$BATS_TEST_TMPDIR/tap.py" <<- 'END'
		import fcntl, os, struct, subprocess, sys
		tap = os.open("/dev/net/tun", os.O_RDWR)
		fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"t0", 0x1002))	# TUNSETIFF
		def link(state): subprocess.check_call(["ip", "link", "set", "t0", state])
		link("up")
		sys.stdin.readline()
		os.write(tap, bytes(60))
		link("down")
		fcntl.ioctl(tap, 0x400454cd, 803)	# TUNSETLINK: ARPHRD_IEEE80211_RADIOTAP
		link("up")
		for _ in range(100): os.write(tap, bytes(60))
		sys.stdin.readline()
	END
	"${NS[@]}" python3 "$BATS_TEST_TMPDIR/tap.py" <&7 7>&- 3>&- &
	helpers+=($!)
	wait_until ns ip link show t0 up 2> /dev/null
	start ring t0
	start recv -B 0 t0
	echo go >&7
	finish_both 1
	says "came back with another link type"
	expect "$(records ring)" == 1 "frames, all of the first type"
}
