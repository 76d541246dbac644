#!/usr/bin/env bats
# --until FILTER: the capture ends with the first packet that matches, which is in the file, or --after
# seconds behind it.
load helpers

prepare() { network; }

# frame NUMBER: the filter that only the numbered frame NUMBER of send passes.
frame() { echo "ether proto 0x88b5 and ether[14:4] = $1"; }

# last_number NAME: the number of the last frame in NAME's file, and how many there are.
last_number() { frames "$1" | tail -n 1 | cut -d ' ' -f 3 | cut -c 29-36; }

# flood ARGUMENT...: send in the background until the capture "one" has ended.
flood() {
	"${NS[@]}" send "$@" vb > /dev/null 3>&- &
	helpers+=($!)
	flooder=$!
}

@test "the packet that matches is the last, at a high rate, fifty times" {
	local i number
	for i in {1..50}; do
		number=$((1000 + i * 37))
		start one --until "$(frame $number)" va
		flood -c 5000 -r 100000
		finish one
		expect "$status" == 0 "exit status in round $i"
		expect "$((0x$(last_number one)))" == $number "the last frame's number"
		expect "$(records one) + $(said dropped)" == $((number + 1)) "records + drops"
		wait_until ended $flooder
	done
}

@test "... without a ring, on any, with several interfaces" {
	local arguments
	for arguments in "-B 0 va" "-i any" "-i va -i lo"; do
		# shellcheck disable=SC2086 # several words
		if [ "$arguments" = "-B 0 va" ]; then
			start one --until "$(frame 500)" $arguments
		else
			start one --until "inbound and ifindex $(ifindex va) and link[0:2] = 0x88b5 and link[20:4] = 500" $arguments
		fi
		ns send -c 2000 -r 20000 vb
		finish one
		expect "$status" == 0 "exit status of $arguments"
		[[ $(frames one | tail -n 1) == *000001f4* ]]
	done
}

@test "a line says which packet it was" {
	start one --until "$(frame 7)" va
	ns send -c 20 vb
	finish one
	[[ $err =~ "rawcap: --until: packet 8: "[0-9:.]+" 02:00:00:00:00:0b > 02:00:00:00:00:0a, ethertype Unknown (0x88b5), length 64" ]]
	start one -q --until "$(frame 7)" va
	ns send -c 20 vb
	finish one
	[[ $err != *--until* ]]
}

@test "--after: the capture goes on for so long behind the packet" {
	local buffer first last seconds=1
	for buffer in 2048 0; do
		start one -B $buffer --nano --until "$(frame 100)" --after $seconds va
		flood -c 0 -r 1000
		finish one
		kill "$flooder"
		expect "$status" == 0 "exit status"
		pcapread "$(pcap one)" | sed 1d > "$BATS_TEST_TMPDIR/lines"
		first=$(sed -n 101p "$BATS_TEST_TMPDIR/lines" | cut -d ' ' -f 1)
		last=$(tail -n 1 "$BATS_TEST_TMPDIR/lines" | cut -d ' ' -f 1)
		awk -v a="$first" -v b="$last" -v s=$seconds 'BEGIN { d = b - a - s; print "duration is off by", d; exit !(d > -0.1 && d < 0.1) }'
	done
}

@test "--after on an idle wire ends as well, and a signal ends it before" {
	start one --until "$(frame 0)" --after 1 va
	ns send vb
	finished one
	expect "$(records one)" == 1 "records"
	start one --until "$(frame 0)" --after 1000 va
	ns send vb
	wait_until has_records one 1
	kept 1
}

@test "the rotation keeps what was before the packet, and behind it" {
	local dir=$BATS_TEST_TMPDIR
	start one -w "$dir/f" -C 20k -W 3 --until "$(frame 2000)" va
	ns send -c 3000 -r 20000 vb
	finished one
	# the last file ends with it, the other two have what was before
	expect "$(printf '%s\n' "$dir"/f? | wc -l)" == 3 "files"
	expect "$(newest "$dir"/f?)" == 2000 "the last frame's number"
	expect "$(records_in "$dir"/f?)" ">" 400 "records in all three"
	start two -w "$dir/t-%s" -G 1 --until "$(frame 5)" --after 2 va
	ns send -c 50 -r 20 vb
	finished two
	expect "$(printf '%s\n' "$dir"/t-* | wc -l)" ">=" 2 "files"
	expect "$(records_in "$dir"/t-*)" ">=" 40 "records"
}

# newest FILE...: the largest number of a frame in them.
newest() {
	local file
	for file; do
		pcapread "$file" | sed 1d | cut -d ' ' -f 4 | cut -c 29-36
	done | sort | tail -n 1 | sed 's/^/0x/' | xargs printf '%d\n'
}

@test "--wait: the packet may come when the interface is back" {
	start one --wait --until "$(frame 30)" va
	ns send -c 10 vb
	wait_until has_records one 10
	ns ip link del va
	wait_until grep -q 'is gone' "$BATS_TEST_TMPDIR/one.err"
	ns ip link add va type veth peer name vb
	ns ip link set va up
	ns ip link set vb up
	wait_until grep -q 'is back' "$BATS_TEST_TMPDIR/one.err"
	wait_until link_is_up va
	ns send -c 100 vb
	finished one
	expect "$((0x$(last_number one)))" == 30 "the last frame's number"
}

@test "-r stops there" {
	start one va
	ns send -c 100 vb
	kept 100
	run_rawcap -r "$(pcap one)" -w "$BATS_TEST_TMPDIR/part" --until "$(frame 41)"
	expect "$status" == 0 "exit status"
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/part")" == 42 "records"
	run_rawcap -r "$(pcap one)" -w "$BATS_TEST_TMPDIR/all" --until "$(frame 4100)"
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/all")" == 100 "records"
}

@test "inbound and outbound: which way a packet went" {
	start one --until outbound va
	ns send -c 5 vb
	ns send -l va 02000000000b02000000000a88b5ffffffff
	finished one
	expect "$(records one)" == 6 "records"
	[[ $(last_number one) = ffffffff ]]
}

@test "what the capture's own filter refuses, --until never sees" {
	start one --until "$(frame 3)" va ether proto 0x88b5 and 'ether[14:4] != 3'
	ns send -c 10 vb
	wait_until has_records one 9
	kept 9
}

@test "a wrong --until is usage, with the reason, before anything is opened or waited for" {
	run_rawcap --until 'port 70000' va
	failed 2 'rawcap: --until: port 70000: not a port (column 6)'
	[ ! -s "$(pcap run)" ]
	run_rawcap --wait --until 'port 70000' absent
	failed 2 'rawcap: --until: port 70000: not a port'
	run_rawcap --after 3 va
	failed 2 'rawcap: --after: goes with --until'
	run_rawcap --until udp --after x va
	failed 2 '--after takes a number'
}

# --- three faults that a flight recorder waits for ---

# sides: va has 10.0.0.1; the other end is in a namespace of its own, with 10.0.0.2 (far COMMAND...).
sides() {
	requires ip
	"${NS[@]}" unshare -n sleep 600 < /dev/null &> /dev/null 3>&- &
	elsewhere=$!
	helpers+=("$elsewhere")
	wait_until is_sleeping "$elsewhere"
	ns ip link set vb netns "$elsewhere"
	ns ip address add 10.0.0.1/24 dev va
	far ip address add 10.0.0.2/24 dev vb
	far ip link set lo up
	far ip link set vb up
	wait_until link_is_up va
}

far() { "${NS[@]}" nsenter -t "$elsewhere" -n "$@"; }

# last_line: the last packet of the capture "one", as tcpdump has it.
last_line() { tcpdump -nr "$(pcap one)" 2> /dev/null | tail -n 1; }

# ends_with_refused PORT FILTER: a capture until FILTER; pings, then a connection to the other side's PORT,
# where nobody listens.
ends_with_refused() {
	requires tcpdump python3
	sides
	start one --until "$2" va
	ns ping -c 2 -i 0.2 10.0.0.2 > /dev/null
	run -1 ns python3 -c 'import socket, sys; socket.create_connection(("10.0.0.2", int(sys.argv[1])), 5)' "$1"
	finished one
}

@test "until a TCP reset from the server" {
	ends_with_refused 8080 'tcp[tcpflags] & tcp-rst != 0 and src host 10.0.0.2'
	[[ $(last_line) == *"10.0.0.2.8080 > 10.0.0.1."*"Flags [R"* ]]
	says '--until: packet'
}

@test "until DHCP gives a NAK" {
	requires tcpdump busybox python3
	sides
	# a server of one word: every request is refused
	far python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"vb")
s.bind(("", 67))
while True:
    q = s.recv(2000)
    kind = q[q.index(b"\x35\x01", 240) + 2]
    answer = {1: b"\x35\x01\x02", 3: b"\x35\x01\x06"}[kind]
    s.sendto(b"\x02\x01\x06\x00" + q[4:16] + bytes([10, 0, 0, 9]) + bytes(8) + q[28:240] + answer
        + b"\x36\x04\x0a\x00\x00\x02\xff", ("255.255.255.255", 68))' 3>&- &
	helpers+=($!)
	start one --until 'udp src port 67 and udp[248:2] = 0x3501 and udp[250] = 6' va
	ns timeout 3 busybox udhcpc -i va -f -t 3 -T 1 -s /bin/true > /dev/null 2>&1 || true
	finished one
	tcpdump -vnr "$(pcap one)" 2> /dev/null | tail -n 30 | grep -q 'DHCP-Message (53), length 1: NACK'
	[[ $(tcpdump -vnr "$(pcap one)" 2> /dev/null | grep 'DHCP-Message' | tail -n 1) == *NACK* ]]
}

@test "until a packet to a port that nobody should use" {
	ends_with_refused 23 'dst port 23'
	[[ $(last_line) == *"10.0.0.1."*" > 10.0.0.2.23: Flags [S]"* ]]
}
