#!/usr/bin/env bats
# Filters in the kernel: rawcap and tcpdump side by side, the same expression, the same packets.
load helpers

prepare() {
	requires tcpdump
	network
	ns ip address add 10.0.0.1/24 dev va
	ns ip address add 10.0.0.2/24 dev vb
}

# side_by_side EXPRESSION FRAME...: both take the same of these frames (hex), in the same order. The last
# frame is one both must take: when it is there, all of them have passed.
side_by_side() {
	local expression=$1 tcpdump
	shift
	rm -f "$BATS_TEST_TMPDIR/theirs.err"
	"${NS[@]}" tcpdump -U -s 0 -i va -w "$BATS_TEST_TMPDIR/theirs.pcap" "$expression" \
		2> "$BATS_TEST_TMPDIR/theirs.err" 3>&- &
	tcpdump=$!
	helpers+=("$tcpdump")
	wait_until grep -q 'listening on' "$BATS_TEST_TMPDIR/theirs.err"
	start one -s 0 va "$expression"
	ns send vb "$@"
	wait_until last_is "$BATS_TEST_TMPDIR/theirs.pcap" "${*: -1}"
	kill -INT "$tcpdump"
	wait "$tcpdump" || true
	stop one INT
	pcapread "$BATS_TEST_TMPDIR/theirs.pcap" | sed 1d | cut -d ' ' -f 2- > "$BATS_TEST_TMPDIR/theirs"
	frames one > "$BATS_TEST_TMPDIR/mine"
	same "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/mine"
}

last_is() { pcapread "$1" 2> /dev/null | tail -n 1 | grep -q "$2"; }

has_one() { [ "$(records one 2> /dev/null || echo 0)" -ge 1 ] 2> /dev/null; }

ethernet=02000000000a02000000000b
udp53=${ethernet}08004500001c00010000401100000a0000020a000001003500350008000000000000
tcp80=${ethernet}08004500002800010000400600000a0000020a000001c00000500000000000000000500200000000000000000000
arp=${ethernet}08060001080006040001020000000000b00a00000202000000000a0a0000010000000000000000
vlan5=${ethernet}81000005${udp53:24}

@test "port, proto, host, not and len: what tcpdump takes, rawcap takes" {
	local expression
	for expression in 'udp port 53' 'not tcp' 'host 10.0.0.2 and not arp' 'less 60 and ip' 'tcp[13] & 2 != 0 or udp'; do
		side_by_side "$expression" "$arp" "$tcp80" "$udp53"
	done
}

@test "a VLAN tag that the kernel keeps in metadata is found, and what is in the frame behind it" {
	side_by_side 'vlan 5 and udp port 53' "$udp53" "$vlan5"
	side_by_side 'vlan or arp' "$udp53" "$arp" "$vlan5"
}

@test "on any a VLAN tag is found, where tcpdump refuses to look" {
	start one -i any inbound and vlan 5 and udp port 53
	ns send vb "$udp53" "$vlan5"
	wait_until has_one
	stop one INT
	expect "$(records one)" == 1 "records, of two frames sent"
}

@test "no packet slips past the filter before it is attached" {
	for _ in 1 2 3 4 5; do
		start one va udp port 53
		ns send vb "$tcp80" "$arp" "$udp53"
		wait_until has_one
		stop one INT
		captured one "$udp53"
	done
}

@test "what -ddd prints for all interfaces means the same when it is read in again" {
	local filter
	for filter in 'udp port 53' 'ip[20:2] = 53' 'ether proto 0x806'; do
		start_both any "$filter"
		start again any "$("$RAWCAP" -ddd -i any "$filter")"
		ns send vb "$udp53" "$arp" "$tcp80"
		stop_both
		stop again INT
		expect "$(records again)" == 1 "records of $filter"
		cmp <(frames ring) <(frames again)
	done
}

@test "a filter for which the kernel has no room says what to change" {
	requires strace
	launcher=(strace -qq -e trace=setsockopt -e inject=setsockopt:error=ENOMEM:when=2 -o /dev/null)
	start one va port 80
	finish one
	expect "$status" == 1 "exit status"
	says 'net.core.optmem_max'
}

@test "ip broadcast is measured by the interface's own netmask" {
	ns ip address del 10.0.0.1/24 dev va
	ns ip address add 10.0.0.1/16 dev va
	start one va ip broadcast
	local near=${udp53:0:60}0a0000ff${udp53:68} far=${udp53:0:60}0a00ffff${udp53:68}
	ns send vb "$near" "$far"
	wait_until last_is "$(pcap one)" "$far"
	stop one INT
	captured one "$far"
}

@test "a wrong filter is usage: the word is named, its column too, and the output stays empty" {
	run_rawcap va port 70000
	expect "$status" == 2 "exit status"
	says 'rawcap: filter: port 70000: not a port (column 6)'
	[ ! -s "$(pcap run)" ]
}

@test "-d, -dd and -ddd print what tcpdump can read, and for an interface what it would attach" {
	[ "$("$RAWCAP" -d arp | wc -l)" = 4 ]
	[ "$("$RAWCAP" -dd arp | tail -n 1)" = '{ 0x6, 0, 0, 0x00040000 },' ]
	[ "$("$RAWCAP" -ddd "$(tcpdump -ddd -y EN10MB arp)")" = "$(tcpdump -ddd -y EN10MB arp)" ]
	[ "$("$RAWCAP" -d -s 100 -y RAW ip | tail -n 1)" = '(004) ret      #100' ]
	[[ $(ns "$RAWCAP" -d -i va vlan 5) == *'[vlanp]'* ]]
}
