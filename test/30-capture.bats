#!/usr/bin/env bats
# What is captured, from ordinary and odd interfaces. Each test runs both input paths, the ring and
# -B 0, on the same packets and demands the same bytes from both.
load helpers

prepare() { network; }

# numbered SNAPLEN SEND-OPTION...: the captures have just the frames of this send.
numbered() {
	local snaplen=$1
	shift
	send -p "$@" vb | as_frames "$snaplen" > "$BATS_TEST_TMPDIR/expected"
	same "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/ring.frames"
}

# on_both ARGUMENT... -- SEND-ARGUMENT...: one capture of one send.
on_both() {
	local arguments=()
	while [ "$1" != -- ]; do
		arguments+=("$1")
		shift
	done
	start_both "${arguments[@]}"
	ns send "${@:2}"
	stop_both
}

# tells NAME TEXT: its stderr has this by now.
tells() { grep -q "$2" "$BATS_TEST_TMPDIR/$1.err"; }
both_tell() { wait_until tells ring "$1" && wait_until tells recv "$1"; }

# --- sizes ---

@test "frames of every size from 14 to 1514 bytes are captured as they were sent" {
	on_both va -- -c 1501 -s 14:1514 vb
	numbered 2048 -c 1501 -s 14:1514
	summary_is_true ring
}

@test "jumbo frames and the longest there are, 65549 bytes, with -s 0" {
	ns ip link set va mtu 65535
	ns ip link set vb mtu 65535
	# paced: twenty of the longest are more than the ring can hold at once
	on_both -s 0 va -- -c 40 -r 500 -s 8995:9034 vb
	numbered 262144 -c 40 -s 8995:9034
	on_both -s 0 va -- -c 20 -r 200 -s 65530:65549 vb
	numbered 262144 -c 20 -s 65530:65549
}

@test "the longest frames fit whatever the ring is: -B 128, 300 and 4096 with -s 0" {
	ns ip link set va mtu 65535
	ns ip link set vb mtu 65535
	local kib
	for kib in 128 300 4096; do
		start ring -s 0 -B "$kib" va
		ns send -c 20 -r 50 -s 65549 vb
		stop ring INT
		expect "$status" == 0 "exit status"
		frames ring > "$BATS_TEST_TMPDIR/ring.frames"
		numbered 262144 -c 20 -s 65549
	done
}

@test "a TCP segment of 64 KiB that the sender's card was to cut is one record, cut by -s only" {
	local frame segments=65100
	# 192.0.2.1 to 192.0.2.2, an IPv4 packet of 65086 bytes
	frame=02000000000a02000000000b08004500fe3e000140004006b87ac0000201c0000202
	frame+=100020000000000100000001501010000000
	frame+=0000$(printf '5a%.0s' $(seq $((segments - 54))))
	on_both -s 0 va -- -g vb "$frame"
	[ "$(cut -c 1-60 "$BATS_TEST_TMPDIR/ring.frames")" = "$segments $segments ${frame:0:48}" ]
	expect "$(wc -l < "$BATS_TEST_TMPDIR/ring.frames")" == 1 "records"
	[ "$(tail -c 20001 "$BATS_TEST_TMPDIR/ring.frames")" = "${frame: -20000}" ]
	on_both va -- -g vb "$frame"
	[[ $(cat "$BATS_TEST_TMPDIR/ring.frames") == "2048 $segments ${frame:0:48}"* ]]
}

@test "-s cuts what is kept, never the length on the wire" {
	local snaplen
	for snaplen in 1 14 60 64 1000; do
		on_both -s "$snaplen" va -- -c 30 -s 50:79 vb
		numbered "$snaplen" -c 30 -s 50:79
	done
}

@test "the default of 2048 bytes cuts a jumbo frame and says so" {
	ns ip link set va mtu 9000
	ns ip link set vb mtu 9000
	on_both va -- -c 3 -s 9000 vb
	numbered 2048 -c 3 -s 9000
	says "3 packets cut to 2048 bytes"
}

@test "frames that are no Ethernet II: 802.3 with LLC and SNAP, all zeros, all ones" {
	local frames=(
		ffffffffffff02000000000b00264242030000000000000000000000000000000000000000000000000000000000000000000000
		ffffffffffff02000000000b0008aaaa030000000800
		ffffffffffff02000000000b05ff0102
		ffffffffffff02000000000b060001020304
		0000000000000000000000000000000000000000000000000000
		ffffffffffffffffffffffffffffffffffffffffffffffffffff
	)
	start_both va
	ns send vb "${frames[@]}"
	stop_both
	captured ring "${frames[@]}"
}

# --- VLAN ---

macs=02000000000a02000000000b
payload=88b500000000000000000000000000000000000000000000000000000000000000000000000000000000
vlan_frames=(
	"${macs}81000005$payload"	# 802.1Q, VLAN 5
	"${macs}81000000$payload"	# VID 0: a priority tag without priority
	"${macs}8100600b$payload"	# priority 3
	"${macs}8100f00b$payload"	# priority 7, DEI
	"${macs}8100ffff$payload"	# every bit
	"${macs}88a8000b$payload"	# 802.1ad
	"${macs}88a8000b81000016$payload"	# QinQ
	"${macs}8100000b81000016$payload"	# two 802.1Q tags
	"${macs}88a8000b88a8000c8100000d$payload"	# three
	"${macs}9100000b$payload"	# not a tag for the kernel
)

@test "VLAN tags that the kernel took out are put back: 802.1Q, 802.1ad, VID 0, priority, QinQ" {
	start_both va
	ns send vb "${vlan_frames[@]}"
	stop_both
	captured ring "${vlan_frames[@]}"
}

@test "VLAN tags on the way out stand where they were" {
	start_both vb
	ns send -l vb "${vlan_frames[@]}"
	stop_both
	captured ring "${vlan_frames[@]}"
}

@test "tagged frames of every size" {
	on_both va -- -c 1485 -s 34:1518 -t 8100:0005 vb
	numbered 2048 -c 1485 -s 34:1518 -t 8100:0005
	on_both va -- -c 200 -s 40:1518 -t 88a8:0007 -t 8100:2005 vb
	numbered 2048 -c 200 -s 40:1518 -t 88a8:0007 -t 8100:2005
}

@test "-s around the tag: never more than snaplen, the first bytes, the length on the wire" {
	local snaplen
	for snaplen in 1 11 12 13 14 15 16 17 18 19 63 64 65; do
		on_both -s "$snaplen" va -- -c 4 -s 62:65 -t 8100:600b vb
		numbered "$snaplen" -c 4 -s 62:65 -t 8100:600b
	done
}

@test "frames that end in or right behind a tag do no harm" {
	local sound="20 20 ${macs}8100000588b50102" broken
	start_both va
	ns send vb "${sound##* }" "${macs}8100" "${macs}88a8" "${macs}810000" "${macs}81000005" \
		"${macs}8100000588" "${macs}8100000588b5" "${macs}810000058100" "${macs}8100000588b501" \
		"${sound##* }"
	stop_both
	# the kernel drops what is too short behind a tag; what it lets through must be as it was sent
	expect "$(grep -cx "$sound" "$BATS_TEST_TMPDIR/ring.frames")" == 2 "sound frames"
	for broken in 8100 88a8 810000 81000005 8100000588 8100000588b5 810000058100 8100000588b501; do
		sed -i "/^$((12 + ${#broken} / 2)) $((12 + ${#broken} / 2)) $macs$broken\$/d" \
			"$BATS_TEST_TMPDIR/ring.frames"
	done
	expect "$(grep -cvx "$sound" "$BATS_TEST_TMPDIR/ring.frames")" == 0 "others"
}

@test "VLAN tags are put back in cooked form as well" {
	start_both -y LINUX_SLL any
	ns send vb "${macs}8100600b$payload"
	stop_both
	captured ring "00000001000602000000000b00008100600b$payload"
	start_both any
	ns send vb "${macs}8100600b$payload"
	stop_both
	local index
	printf -v index %08x "$(ifindex va)"
	captured ring "81000000${index}0001000602000000000b0000600b$payload"
}

# --- kinds of interfaces ---

@test "tun: packets of 1, 13, 14, 20 and 65535 bytes as they are" {
	device tun0
	local packets=(45 45000000000000000000000000 4500000000000000000000000000
		4500001400000000400100000000000000000000 60)
	packets+=("45$(printf 'a5%.0s' {1..65534})")
	start_both -s 0 tun0
	put "${packets[@]}"
	wait_until both_have 6
	stop_both
	captured ring "${packets[@]}"
}

@test "tap: Ethernet frames as they are" {
	device -e tap0
	start_both tap0
	local frames=("${macs}88b5" "${macs}88b501" "${macs}81000005$payload" "${macs}88a80005$payload")
	put "${frames[@]}"
	wait_until both_have 4
	stop_both
	captured ring "${frames[@]}"
}

@test "lo: each packet once" {
	start_both lo
	ns send -l -c 100 -s 60:159 lo
	stop_both
	numbered 2048 -c 100 -s 60:159
	summary_is_true ring
}

@test "any: packets of every interface, those of lo once" {
	start_both any
	ns send -l -c 3 lo
	ns send -c 2 vb
	stop_both
	local index
	printf -v index %08x "$(ifindex lo)"
	expect "$(grep -c "^[0-9]* [0-9]* 88b50000${index}" "$BATS_TEST_TMPDIR/ring.frames")" == 3 "from lo"
	printf -v index %08x "$(ifindex va)"
	expect "$(grep -c "^[0-9]* [0-9]* 88b50000${index}" "$BATS_TEST_TMPDIR/ring.frames")" == 2 "from va"
	expect "$(records ring)" == 5 "records"
}

@test "any: interfaces that come and go later are captured, and their end is not the capture's" {
	start_both any
	second_wire
	ns send -c 3 vd
	wait_until both_have 3
	ns ip link del vc
	ns send -c 2 vb
	stop_both
	expect "$(records ring)" == 5 "records"
}

@test "an interface index beyond 16 bits" {
	ns ip link add vc index 70000 type veth peer name vd
	ns ip link set vc up
	ns ip link set vd up
	wait_until link_is_up vd
	on_both vc -- -c 3 vd
	numbered 2048 -c 3
	on_both any -- -c 3 vd
	expect "$(grep -c ' 88b5000000011170' "$BATS_TEST_TMPDIR/ring.frames")" == 3 "records of it"
}

@test "no packet of another interface slips in while the capture starts" {
	second_wire
	"${NS[@]}" send -c 0 vd > /dev/null 3>&- &
	helpers+=($!)
	local i
	for i in {1..8}; do
		start_both va
		stop_both
		expect "$(records ring)" == 0 "records of an idle interface"
	done
	kill -0 "${helpers[0]}"	# the flood went on all the time
}

# --- direction, count, promiscuous mode ---

@test "-Q in, out and inout: what came, what left, and both in their order" {
	start in -Q in va
	start out -Q out va
	start in0 -B 0 -Q in va
	start out0 -B 0 -Q out va
	start_both -Q inout va
	ns send vb "${macs}88b50001"
	ns send -l va "${macs}88b50002"
	ns send vb "${macs}88b50003"
	stop_both
	captured ring "${macs}88b50001" "${macs}88b50002" "${macs}88b50003"
	local name
	for name in in out in0 out0; do
		stop "$name" INT
		summary_is_true "$name"
	done
	captured in "${macs}88b50001" "${macs}88b50003"
	captured out "${macs}88b50002"
	captured in0 "${macs}88b50001" "${macs}88b50003"
	captured out0 "${macs}88b50002"
}

@test "-Q in any and -Q out any" {
	start in -Q in any
	start out -B 0 -Q out any
	ns send -l vb "${macs}88b50001"
	stop in INT
	stop out INT
	expect "$(records in)" == 1 "records in"
	expect "$(records out)" == 1 "records out"
	[[ $(frames in) == *"0001000602000000000b0000"* ]]
	[[ $(frames out) == *"0001040602000000000b0000"* ]]
}

@test "-c N: exactly N records of a flood, and exit 0 without a signal" {
	local count
	for count in 1 2 63 64 65 1000; do
		start_both -q -c "$count" va
		ns send -c $((count + 1000)) vb
		finish_both 0
		[ "$(pcapread -q 14 "$(pcap ring)")" = "$count 0 $((count - 1)) 0" ]
		[ "$(pcapread -q 14 "$(pcap recv)")" = "$count 0 $((count - 1)) 0" ]
	done
}

@test "promiscuous mode: taken once by each capture, not with -p, given back at the end" {
	start one va
	expect "$(promiscuity)" == 1 "promiscuity with one"
	start two -B 0 va
	expect "$(promiscuity)" == 2 "promiscuity with two"
	start modest -p va
	expect "$(promiscuity)" == 2 "promiscuity with -p"
	stop one INT
	stop two TERM
	wait_until is_promiscuous 0
	stop modest INT
}

@test "promiscuous mode is given back after kill -9" {
	start one va
	expect "$(promiscuity)" == 1 "promiscuity"
	stop one KILL
	wait_until is_promiscuous 0
}

promiscuity() { ns ip -d link show va | sed -n 's/.*promiscuity \([0-9]*\).*/\1/p'; }
is_promiscuous() { [ "$(promiscuity)" = "$1" ]; }

# --- links that go and come ---

@test "an interface that is down at start: a line says so, no time is burned, then all is captured" {
	ns ip link set va down
	start_both va
	both_tell "va: .*down"
	local before after name
	for name in ring recv; do
		before=$(cut -d ' ' -f 1 "/proc/${pid[$name]}/schedstat")
		sleep 0.3	# a stretch of time to measure in
		after=$(cut -d ' ' -f 1 "/proc/${pid[$name]}/schedstat")
		expect $((after - before)) "<" 30000000 "ns of CPU in 0.3 s ($name)"
	done
	ns ip link set va up
	wait_until link_is_up va
	ns send -c 5 vb
	stop_both
	numbered 2048 -c 5
}

@test "a down interface's capture ends at a signal like any other" {
	ns ip link set va down
	start_both va
	stop_both
	expect "$(records ring)" == 0 "records"
}

@test "50 flaps under traffic: nothing ends, each frame sent while up is there, stderr is no flood" {
	start_both va
	local i
	for ((i = 0; i < 50; i++)); do
		ns send -s 60 vb
		ns ip link set va down
		ns ip link set va up
	done
	wait_until link_is_up va
	ns send -s 60 vb
	stop_both
	expect "$(records ring)" == 51 "records"
	says "va: "
	expect "$(grep -c '' "$BATS_TEST_TMPDIR/ring.err")" "<=" 110 "lines on stderr"
}

@test "a flap is told, and no time is burned while the link is down" {
	start_both va
	ns ip link set va down
	both_tell "va: .*down"
	local before after name
	for name in ring recv; do
		before=$(cut -d ' ' -f 1 "/proc/${pid[$name]}/schedstat")
		sleep 0.3
		after=$(cut -d ' ' -f 1 "/proc/${pid[$name]}/schedstat")
		expect $((after - before)) "<" 30000000 "ns of CPU in 0.3 s ($name)"
	done
	ns ip link set va up
	both_tell "va: .*up"
	wait_until link_is_up va
	ns send -c 2 vb
	stop_both
	expect "$(records ring)" == 2 "records"
}

@test "frames taken right before the link goes down are in the file" {
	start_both va
	ns sh -c 'send -c 300 vb && ip link set va down'
	both_tell "va: .*down"
	stop_both
	numbered 2048 -c 300
}

@test "deleted: what was captured is written, a line says so, exit 1" {
	start_both va
	ns sh -c 'send -c 300 vb && ip link del va'
	finish_both 1
	numbered 2048 -c 300
	says "va: "
	expect "$(said captured)" == 300 "captured"
}

@test "deleted while down, and deleted after the capture began with it down" {
	start_both va
	ns send -c 3 vb
	ns ip link set va down
	both_tell "va: .*down"
	ns ip link del va
	finish_both 1
	numbered 2048 -c 3
	ns ip link add va type veth peer name vb
	start_both va
	both_tell "va: .*down"
	ns ip link del va
	finish_both 1
	expect "$(records ring)" == 0 "records"
}

@test "deleted and made again at once, under the same name: still the end" {
	start_both va
	ns send -c 3 vb
	ns sh -c 'ip link del va && ip link add va type veth peer name vb && ip link set va up'
	finish_both 1
	numbered 2048 -c 3
}

@test "moved to another namespace: the end, with exit 1" {
	"${NS[@]}" unshare -n sleep 600 < /dev/null &> /dev/null 3>&- &
	local elsewhere=$!
	helpers+=("$elsewhere")
	wait_until is_sleeping "$elsewhere"
	start_both va
	ns send -c 3 vb
	ns ip link set va netns "$elsewhere"
	finish_both 1
	expect "$(records ring)" == 3 "records"
}

@test "a rename does not disturb: while up, while down" {
	start_both va
	ns send -c 1 -s 60 vb
	ns ip link set va name renamed
	ns send -c 1 -s 60 vb
	ns ip link set renamed down
	both_tell "down"
	ns ip link set renamed name again
	ns ip link set again up
	wait_until link_is_up again
	ns send -c 1 -s 60 vb
	stop_both
	expect "$(records ring)" == 3 "records"
	summary_is_true ring
}

@test "while the kernel renames it, no name finds it: that is not the end" {
	local names
	start_both va
	ns ip link set va down
	names=$(yes $'link set va name vx\nlink set vx name va' | head -n 2000)
	ns ip -batch - <<< "$names"
	both_tell "va: .*down"
	ns ip link set va up
	wait_until link_is_up va
	ns send -c 3 vb
	stop_both
	expect "$(records ring)" == 3 "records"
	summary_is_true ring
}

@test "a new MTU, a new address, a bridge above: the capture goes on" {
	start_both va
	ns ip link set va mtu 9000
	ns ip link set vb mtu 9000
	ns send -s 60 vb
	ns ip link set va address 02:00:00:00:00:77
	ns send -s 60 vb
	ns ip link add br0 type bridge
	ns ip link set br0 up
	ns ip link set va master br0
	ns send -s 60 vb
	stop_both
	# the bridge itself may have something to say on va
	expect "$(grep -c " ${macs}88b5" "$BATS_TEST_TMPDIR/ring.frames")" == 3 "records"
}

@test "the other end goes down and comes back: no error, the capture goes on" {
	start_both va
	ns send -s 60 vb
	ns ip link set vb down
	ns ip link set vb up
	wait_until link_is_up vb
	ns send -s 60 vb
	stop_both
	expect "$(records ring)" == 2 "records"
}
