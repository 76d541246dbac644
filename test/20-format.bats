#!/usr/bin/env bats
# The stream: classic pcap 2.4 that every reader takes.
load helpers

prepare() { network; }

header() { pcapread "$(pcap "$1")" | head -n 1; }

# outsiders NAME COUNT: tcpdump and capinfos read the file without complaint and count the same.
outsiders() {
	requires tcpdump capinfos
	tcpdump -nr "$(pcap "$1")" > "$BATS_TEST_TMPDIR/lines" 2> "$BATS_TEST_TMPDIR/complaints"
	expect "$(grep -c '^[^[:blank:]]' "$BATS_TEST_TMPDIR/lines")" == "$2" "packets that tcpdump reads"
	run -1 grep -vE '^reading from file|interface names might be incorrect' "$BATS_TEST_TMPDIR/complaints"
	capinfos -Mrc "$(pcap "$1")" > "$BATS_TEST_TMPDIR/info"
	grep -qE "Number of packets *[:=] *$2\$" "$BATS_TEST_TMPDIR/info"
}

@test "the file header, byte by byte: microseconds, 2.4, zeros, snaplen 2048, Ethernet" {
	start one va
	stop one INT
	expect "$(stat -c %s "$(pcap one)")" == 24 "bytes in a file without packets"
	# od -t x4 shows words in the machine's order, which is the order asked for
	run -0 od -A n -t x4 -w24 "$(pcap one)"
	[[ ${output// /} == a1b2c3d4????????000000000000000000000800"00000001" ]]
	run -0 od -A n -t u2 -j 4 -N 4 "$(pcap one)"
	[ "${output// /}" = 24 ]
}

@test "--nano: the other magic number, nine digits of a second" {
	start_both --nano va
	ns send -c 30 -r 1000 vb
	stop_both
	local name
	for name in ring recv; do
		[ "$(header $name)" = "header native nsec snaplen 2048 linktype 1" ]
		# all thirty times would be whole microseconds in one of 1000^30 runs
		pcapread "$(pcap $name)" | sed 1d | cut -d ' ' -f 1 | grep -qv '000$'
	done
	outsiders ring 30
}

@test "--micro is the default" {
	start one --micro va
	start other va
	stop one INT
	stop other INT
	cmp "$(pcap one)" "$(pcap other)"
}

@test "the header's snaplen is the one in force: 2048, -s N, 262144 for -s 0" {
	local pair
	for pair in 64:64 65535:65535 0:262144; do
		start_both -s "${pair%:*}" va
		stop_both
		[ "$(header ring)" = "header native usec snaplen ${pair#*:} linktype 1" ]
		cmp "$(pcap ring)" "$(pcap recv)"
	done
}

@test "Ethernet is link type 1, on veth and bridge" {
	ns ip link add br0 type bridge
	ns ip link set br0 up
	local name ring
	for name in va br0; do
		for ring in 2048 0; do	# not at once: a bridge may send something by itself
			start one -B "$ring" "$name"
			stop one INT
			[ "$(header one)" = "header native usec snaplen 2048 linktype 1" ]
		done
	done
}

@test "tap is link type 1" {
	device -e tap0
	start_both tap0
	stop_both
	[ "$(header ring)" = "header native usec snaplen 2048 linktype 1" ]
}

@test "lo is link type 1" {
	start_both lo
	stop_both
	[ "$(header ring)" = "header native usec snaplen 2048 linktype 1" ]
}

@test "tun is link type 101, raw IP, and its packets have no byte more" {
	device tun0
	start_both tun0
	put 45000014000000004001000ac0000201c0000202 6000000000003b0120010db8000000000000000000000001ff020000000000000000000000000001
	wait_until both_have 2
	stop_both
	[ "$(header ring)" = "header native usec snaplen 2048 linktype 101" ]
	captured ring 45000014000000004001000ac0000201c0000202 6000000000003b0120010db8000000000000000000000001ff020000000000000000000000000001
	outsiders ring 2
}

@test "any is LINUX_SLL2, link type 276: interface, direction and protocol of each packet" {
	start_both any
	ns send -c 1 -l -s 60 vb
	stop_both
	[ "$(header ring)" = "header native usec snaplen 2048 linktype 276" ]
	local payload a b
	payload=$(send -p -s 60 vb)
	payload=${payload:28}
	printf -v b %08x "$(ifindex vb)"
	printf -v a %08x "$(ifindex va)"
	# protocol, 0, ifindex, ARPHRD_ETHER, to us / outgoing, length and source address
	captured ring "88b50000${b}0001040602000000000b0000$payload" \
		"88b50000${a}0001000602000000000b0000$payload"
	outsiders ring 2
}

@test "any with -y LINUX_SLL is link type 113" {
	start_both -y LINUX_SLL any
	ns send -c 1 -l -s 60 vb
	stop_both
	[ "$(header ring)" = "header native usec snaplen 2048 linktype 113" ]
	local payload
	payload=$(send -p -s 60 vb)
	payload=${payload:28}
	# outgoing / to us, ARPHRD_ETHER, length and source address, protocol
	captured ring "00040001000602000000000b000088b5$payload" "00000001000602000000000b000088b5$payload"
	outsiders ring 2
}

@test "the cooked header counts in the lengths and is cut by snaplen" {
	start_both -s 30 any
	ns send -c 1 -s 60 vb
	stop_both
	[[ $(frames ring) == "30 66 "* ]]
	start_both -s 10 -y LINUX_SLL any
	ns send -c 1 -s 60 vb
	stop_both
	[[ $(frames ring) == "10 62 "* ]]
}

@test "tcpdump and capinfos read what was captured: many sizes, cut and whole" {
	start_both -s 100 va
	ns send -c 500 -s 60:1514 vb
	stop_both
	outsiders ring 500
	outsiders recv 500
}

@test "the records of a file rise in time and lie between start and end of the capture" {
	local before after
	before=$EPOCHREALTIME
	start_both va
	ns send -c 200 -r 2000 vb
	after=$EPOCHREALTIME
	stop_both
	local name
	for name in ring recv; do
		pcapread "$(pcap $name)" | sed 1d | cut -d ' ' -f 1 > "$BATS_TEST_TMPDIR/times"
		sort -c -n "$BATS_TEST_TMPDIR/times"
		expect "$(head -n 1 "$BATS_TEST_TMPDIR/times" | tr -d .)" ">=" "${before/./}" "first time"
		expect "$(tail -n 1 "$BATS_TEST_TMPDIR/times" | tr -d .)" "<=" "${after/./}" "last time"
	done
}

@test "ring and -B 0 write the same file, times included, byte for byte" {
	start_both --nano va
	# the kernel stamps packets on arrival from a moment after -B 0 asked for it; until then
	# each socket reads the clock for itself
	local first=0
	wait_until same_stamp
	ns send -c 1000 -r 20000 -s 60:1514 vb
	stop_both
	expect "$(records ring)" == $((first + 1000)) "records"
	pcapread "$(pcap ring)" | tail -n 1000 > "$BATS_TEST_TMPDIR/ring.tail"
	pcapread "$(pcap recv)" | tail -n 1000 > "$BATS_TEST_TMPDIR/recv.tail"
	same "$BATS_TEST_TMPDIR/ring.tail" "$BATS_TEST_TMPDIR/recv.tail"
}

# Sends a frame; did both captures give it the same time?
same_stamp() {
	ns send vb
	first=$((first + 1))
	wait_until both_have "$first"
	[ "$(pcapread "$(pcap ring)" | tail -n 1)" = "$(pcapread "$(pcap recv)" | tail -n 1)" ]
}
