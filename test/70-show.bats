#!/usr/bin/env bats
# Packets as lines: show.h, the pcap reader and the filter interpreter, by themselves, judged by tcpdump.

load helpers

strict="-std=gnu11 -g -O1 -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wpedantic -Werror -Wno-unused-function"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all"

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	BUILD=$PWD/build/show
	export BUILD
	mkdir -p "$BUILD"
	gcc $strict $sanitize -o "$BUILD/pcapshow" test/show/pcapshow.c
	gcc $strict $sanitize -o "$BUILD/cut" test/show/cut.c
	python3 test/show/gen.py "$BUILD/made"
}

prepare() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
}

# compares FILE...: compare.py's figures, in output too.
compares() {
	requires tcpdump
	run -0 python3 test/show/compare.py "$BUILD/pcapshow" "$@"
	echo "$output"
}

# line HEX [OPTION...]: the line of an Ethernet frame.
line() { typed 1 "$@"; }

# typed LINKTYPE HEX [OPTION...]: the line of a packet of that link type, without its time.
typed() {
	python3 - "$1" "$2" "$BATS_TEST_TMPDIR/one.pcap" <<- 'END'
		import struct, sys
		data = bytes.fromhex(sys.argv[2])
		head = struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, int(sys.argv[1]))
		open(sys.argv[3], 'wb').write(head + struct.pack('<4I', 0, 0, len(data), len(data)) + data)
	END
	"$BUILD/pcapshow" "$BATS_TEST_TMPDIR/one.pcap" -t "${@:3}"
}

# is EXPECTED GOT
is() {
	[ "$1" = "$2" ] && return 0
	printf 'expected: %s\n     got: %s\n' "$1" "$2"
	return 1
}

ether=020000000002020000000001
udp4=450000241234000040110000c0000201c0000202
port1000=03e803e90010000000112233445566 # UDP from 1000 to 1001, a byte short of its 8

@test "the lines of made packets are tcpdump's, or all of tcpdump's and more behind, or shorter by the payload" {
	local file files=()
	for file in "$BUILD"/made/*.pcap; do
		[[ $file == */flipped* || $file == */cut* ]] || files+=("$file")
	done
	compares "${files[@]}"
}

@test "each text of show.h's tables fits into its row, with the NUL behind it" {
	run -0 gcc -std=gnu11 -fsyntax-only -Wc++-compat -x c show.h
	[[ $output != *initializer-string* ]]
	sed 's/"802.1aq"/"802.1aq!"/' show.h > "$BATS_TEST_TMPDIR/show.h"
	run -0 gcc -std=gnu11 -I . -fsyntax-only -Wc++-compat -x c "$BATS_TEST_TMPDIR/show.h"
	[[ $output == *initializer-string* ]]
}

@test "hex and text of made packets are tcpdump's, byte for byte" {
	export LOOKS=1
	compares "$BUILD"/made/{ethernet,sll,padded,raw}.pcap
	[[ $output =~ hex:\ [0-9]{4,}\ equal ]]
}

@test "the lines of packets that are cut or contradict themselves begin as tcpdump's" {
	export LEAST=99.5 EQUAL=99
	compares "$BUILD"/made/{flipped,cut,cut-raw,cut-sll,cut-sll2}.pcap
}

@test "of tcpdump's own tests 99.5 % of the whole packets are the same up to the payload, 75 % the same" {
	run test/show/tests-of-tcpdump.sh build/tests-of-tcpdump
	[ "$status" = 0 ] || cannot_run "no source package of tcpdump: $output"
	export LEAST=99.5 EQUAL=75
	compares build/tests-of-tcpdump/*.pcap
	[[ $output =~ shown:\ [0-9]{5}: ]]
}

@test "-v shows IP's header and judges checksums as tcpdump -vv does" {
	export WAYS=-v LEAST=97 EQUAL=95
	compares "$BUILD"/made/ip.pcap
}

@test "-v of DNS shows the question, whose each record is, and all sections, as tcpdump -vv does" {
	export WAYS=-v
	compares "$BUILD"/made/dns.pcap
}

@test "the first fragment of a UDP datagram tells the datagram's length, not the fragment's" {
	is "IP 192.0.2.1.1000 > 192.0.2.2.1001: UDP, length 1992" \
		"$(line ${ether}0800450000241234200040110000c0000201c000020203e803e907d000000011223344556677)"
	is "IP6 2001:db8::1 > 2001:db8::2: frag (0|16) 1000 > 1001: UDP, length 1992" \
		"$(line ${ether}86dd6000000000182c4020010db800000000000000000000000120010db8000000000000000000000002110000010000000703e803e907d000000011223344556677)"
}

@test "an answer without a question tells its code, and nothing is read where QDCOUNT is 0" {
	is "IP 192.0.2.1.53 > 192.0.2.2.49152: 4660 FormErr- [0q] 0/0/0 (12)" \
		"$(line ${ether}0800450000281234000040110000c0000201c00002020035c00000140000123480010000000000000000)"
}

@test "nothing is read behind the UDP length" {
	is "IP 192.0.2.1.53 > 192.0.2.2.49152: 4660+ [|domain]" \
		"$(line ${ether}08004500002e1234000040110000c0000201c00002020035c000001400001234010000010000000000000161000001000100)"
}

@test "a cooked packet of a link without addresses shows none; its direction stands to the right" {
	[[ $(typed 113 0000fffe000000000000000000000800${udp4}${port1000}77 -e) == " In ethertype IPv4 (0x0800), length 52: 192.0.2.1.1000 > "* ]]
	[[ $(typed 113 00040001000602000000000100000800${udp4}${port1000}77 -e) == "Out 02:00:00:00:00:01 ethertype IPv4 "* ]]
}

@test "cooked: CAN is CAN, and what is no Ethernet protocol is not LLC" {
	is "CAN id 123, length 2: 11 22" "$(typed 113 0001011800000000000000000000000c00000123020000001122000000000000)"
	[[ $(typed 113 00040001000602000000000100000003aaaa03000000) == "Out 02:00:00:00:00:01 ethertype Unknown (0x0003), length 22: " ]]
}

@test "the interface of a cooked packet has its name if the caller knows it, else its number" {
	is "ifindex 3 Out IP 192.0.2.1.1000 > 192.0.2.2.1001: UDP, length 8" \
		"$(typed 276 0800000000000003000104060200000000010000${udp4}${port1000}77)"
	is "eth0  Out IP 192.0.2.1.1000 > 192.0.2.2.1001: UDP, length 8" \
		"$(typed 276 0800000000000003000104060200000000010000${udp4}${port1000}77 -i eth0)"
}

@test "PPPoE believes its own length, and protocols of one byte" {
	is "PPPoE  [ses 0x1] LCP, Conf-Request (0x01), id 1, length 12" \
		"$(line ${ether}886411000001000cc0210101000a0506deadbeef00000000000000000000)"
	is "PPPoE  [ses 0x1] IP 192.0.2.1.1000 > 192.0.2.2.1001: UDP, length 8" \
		"$(line ${ether}886411000001002521${udp4}${port1000}77)"
	is "PPPoE  [ses 0x1] CHAP, Fail (0x04), id 1, Msg no account" \
		"$(line ${ether}8864110000010010c2230401000e6e6f206163636f756e740000000000)"
}

@test "BIG TCP: a length of 0 is the packet's own, for IPv6 the jumbo option's" {
	python3 - "$BATS_TEST_TMPDIR/big.pcap" <<- 'END'
		import struct, sys
		tcp = bytes.fromhex('03e803e900000001000000025010010000000000')
		four = bytes.fromhex('450000001234000040060000c0000201c0000202') + tcp + bytes(70000)
		six = bytes.fromhex('60000000000000402001' + '0db8' + '00' * 11 + '01' + '20010db8' + '00' * 11 + '02' + '0600c204') + struct.pack('>I', 70028) + tcp + bytes(70000)
		with open(sys.argv[1], 'wb') as f:
		    f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
		    for p in four, six:
		        f.write(struct.pack('<4I', 0, 0, len(p), len(p)) + p)
	END
	run -0 "$BUILD/pcapshow" "$BATS_TEST_TMPDIR/big.pcap" -t
	is "IP 192.0.2.1.1000 > 192.0.2.2.1001: Flags [.], seq 1:70001, ack 2, win 256, length 70000" "${lines[0]}"
	[[ ${lines[1]} == "IP6 2001:db8::1 > "*": HBH 1000 > 1001: Flags [.], seq 1:70001, ack 2, win 256, length 70000" ]]
}

@test "an IPv6 extension header that is cut is the one that is named" {
	[[ $(line ${ether}86dd6000000000182c4020010db800000000000000000000000120010db80000000000000000000000021100) == *" [|frag6]" ]]
	[[ $(line ${ether}86dd600000000018004020010db800000000000000000000000120010db80000000000000000000000021100) == *" [|hbhopt]" ]]
}

@test "DHCP tells the relay, what is neither request nor reply, and with -v lease, router, DNS and host name" {
	local relay='0a000001020000000001' end
	end=$(printf '00%.0s' {1..202})63825363
	[[ $(line ${ether}0800450001481234000040110000c0000201c0000202004300440134000003060600000000070000000000000000000000000000000$(printf 0)${relay}${end}350101ff) == *"unknown (0x03), length 300, relay 10.0.0.1, xid 0x7"* ]]
	[[ $(line ${ether}0800450001481234000040110000c0000201c00002020043004401340000020106000000000700000000000000000a00000700000000${relay}${end}350105330400000e100304c00002010608c0000201c00002020c04686f7374ff -v) == *", ACK, lease 3600s, router 192.0.2.1, dns 192.0.2.1 192.0.2.2, hostname \"host\""* ]]
}

@test "a link type that is not shown is told by its number" {
	is "link type 189, length 4" "$(typed 189 00000000)"
}

@test "microseconds of a file that are a second and more are carried" {
	{ head -c 24 "$BUILD/made/raw.pcap"; printf '\5\0\0\0\300\134\25\0\0\0\0\0\0\0\0\0'; } > "$BATS_TEST_TMPDIR/late.pcap"
	[[ $("$BUILD/pcapshow" "$BATS_TEST_TMPDIR/late.pcap" -tt) == "6.400000 "* ]]
}

@test "WireGuard's messages, TLS' server name and EAPOL's keys are told behind what tcpdump tells" {
	run -0 "$BUILD/pcapshow" "$BUILD/made/tunnels.pcap" -t
	[[ $output == *"UDP, length 148: WireGuard handshake initiation"* && $output == *"UDP, length 96: WireGuard data"* ]]
	run -0 "$BUILD/pcapshow" "$BUILD/made/services.pcap" -t
	[[ $output == *": TLS ClientHello, server name a.example"* && $output == *": HTTP: GET / HTTP/1.1"* ]]
	run -0 "$BUILD/pcapshow" "$BUILD/made/access.pcap" -t
	[[ $output == *", message 3 of 4"* && $output == *", Identity: bob@example"* && $output == *", chassis 02:00:00:00:00:01, port Gi0/1"* ]]
}

@test "-# numbers the packets, -q is short, as tcpdump's" {
	requires tcpdump
	for look in "-# -t" "-q -t" "-q -e -t"; do
		# shellcheck disable=SC2086 # several
		tcpdump -nnS $look -r "$BUILD/made/raw.pcap" 2> /dev/null | grep -v '^	' | head -n 100 > "$BATS_TEST_TMPDIR/theirs"
		# shellcheck disable=SC2086
		"$BUILD/pcapshow" "$BUILD/made/raw.pcap" $look | head -n 100 > "$BATS_TEST_TMPDIR/ours"
		diff "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours" | head -n 20
		cmp "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours"
	done
}

@test "-A shows the text of a packet as tcpdump does" {
	requires tcpdump
	tcpdump -nnS -t -A -r "$BUILD/made/services.pcap" 2> /dev/null | grep -a -A 3 'HTTP: ' | tr -d '\0' > "$BATS_TEST_TMPDIR/theirs"
	"$BUILD/pcapshow" "$BUILD/made/services.pcap" -t -A | grep -a -A 3 'HTTP: ' > "$BATS_TEST_TMPDIR/ours"
	grep -q '^Host: x' "$BATS_TEST_TMPDIR/ours"
	cmp "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours"
}

@test "a POSIX time zone gives the C library's dates and times; what is none is refused" {
	gcc $strict $sanitize -o "$BUILD/zone" test/show/zone.c
	run -0 "$BUILD/zone"
	[[ $output =~ ^[0-9]{6,}\ times$ ]]
}

@test "the lines of real traffic are tcpdump's: DHCP, ARP, neighbour discovery, ping, fragments, TCP, DNS, unreachable" {
	requires tcpdump
	requires busybox
	requires unshare
	private="unshare -n"
	[ "$(id -u)" = 0 ] || private="unshare -Un -c --keep-caps"
	if ! $private true 2>/dev/null; then
		cannot_run "no right to make a network namespace"
	fi
	rm -rf "$BATS_TEST_TMPDIR/real"
	mkdir "$BATS_TEST_TMPDIR/real"
	chmod 777 "$BATS_TEST_TMPDIR/real"
	timeout 50 $private sh test/show/traffic.sh "$BATS_TEST_TMPDIR/real" 3>&-
	run -0 "$BUILD/pcapshow" "$BATS_TEST_TMPDIR/real/real-ethernet.pcap" -t
	for what in 'ARP, Request who-has' 'ARP, Reply' ', Discover' ', Offer' ', ACK' 'neighbor solicitation' 'neighbor advertisement' \
		'ICMP echo reply' 'ICMP6, echo reply' 'ip-proto-1' 'frag (' 'Flags \[S\.\]' 'Flags \[R\.\]' 'A? example.com.' 'udp port 5000 unreachable'; do
		grep -q -- "$what" <<<"$output" || { echo "nothing of: $what"; return 1; }
	done
	python3 test/show/compare.py "$BUILD/pcapshow" "$BATS_TEST_TMPDIR"/real/*.pcap
}

@test "a packet cut at any length gives one line of printable ASCII, the same each time, and no fault" {
	run -0 "$BUILD/cut" "$BUILD"/made/*.pcap
	echo "$output"
	[[ $output =~ ^[0-9]{4,}\ packets ]]
}

@test "times are tcpdump's: -t to -ttttt, in UTC and in a zone" {
	requires tcpdump
	python3 - "$BUILD/made/nano.pcap" "$BATS_TEST_TMPDIR/times.pcap" <<- 'END'
		import random, struct, sys
		data = bytearray(open(sys.argv[1], 'rb').read())
		at, r = 24, random.Random(1)
		for n in range(40):
		    struct.pack_into('<2I', data, at, r.randrange(1 << 31) if n % 3 else 1700000000 + n * 40000, r.randrange(10 ** 9))
		    at += 16 + struct.unpack_from('<I', data, at + 8)[0]
		open(sys.argv[2], 'wb').write(data[:at])
	END
	for look in "" -t -tt -ttt -tttt -ttttt; do
		for zone in UTC0 CET-1CEST,M3.5.0,M10.5.0/3; do
			TZ=$zone tcpdump -nnS $look -r "$BATS_TEST_TMPDIR/times.pcap" 2>/dev/null | grep -v '^	' | cut -c 1-27 >"$BATS_TEST_TMPDIR/theirs"
			"$BUILD/pcapshow" "$BATS_TEST_TMPDIR/times.pcap" $look -z $zone | cut -c 1-27 >"$BATS_TEST_TMPDIR/ours"
			diff "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours" | head -n 8
			cmp "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours"
		done
	done
}

@test "a file of either byte order and either resolution gives the same lines" {
	"$BUILD/pcapshow" "$BUILD/made/big-endian.pcap" >"$BATS_TEST_TMPDIR/big"
	"$BUILD/pcapshow" "$BUILD/made/nano.pcap" >"$BATS_TEST_TMPDIR/nano"
	[ -s "$BATS_TEST_TMPDIR/big" ]
	cmp "$BATS_TEST_TMPDIR/big" "$BATS_TEST_TMPDIR/nano"
}

@test "what is no pcap file is refused by name, a record that lies ends the reading" {
	file=$BATS_TEST_TMPDIR/file
	{ printf '\n\r\r\n'; head -c 60 /dev/zero; } >"$file"
	run -1 "$BUILD/pcapshow" "$file"
	[[ $output == *pcapng* ]]
	head -c 60 /dev/zero >"$file"
	run -1 "$BUILD/pcapshow" "$file"
	[[ $output == *"not a pcap file"* ]]
	{ printf '\324\303\262\241\2\0\5\0'; head -c 60 /dev/zero; } >"$file"
	run -1 "$BUILD/pcapshow" "$file"
	[[ $output == *"not pcap 2.0"* ]]
	{ head -c 24 "$BUILD/made/sll.pcap"; printf '\0\0\0\0\0\0\0\0\1\0\4\0\1\0\4\0'; head -c 300000 /dev/zero; } >"$file"
	run -1 "$BUILD/pcapshow" "$file"
	[[ $output == *"lying"* ]]
}

@test "the filter interpreter keeps the packets that tcpdump keeps" {
	requires tcpdump
	kept=0
	while read -r filter; do
		tcpdump -ddd -y EN10MB -s 262144 $filter >"$BATS_TEST_TMPDIR/program" 2>/dev/null
		for f in ip ethernet flipped cut; do
			tcpdump -nn -tt -r "$BUILD/made/$f.pcap" $filter 2>/dev/null | grep -o '^[0-9]*\.[0-9]*' >"$BATS_TEST_TMPDIR/theirs" || true
			"$BUILD/pcapshow" "$BUILD/made/$f.pcap" -tt -f "$BATS_TEST_TMPDIR/program" | grep -o '^[0-9]*\.[0-9]*' >"$BATS_TEST_TMPDIR/ours" || true
			cmp "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours" || { echo "$filter: $f"; return 1; }
			kept=$((kept + $(wc -l <"$BATS_TEST_TMPDIR/ours")))
		done
	done < test/show/filters
	echo "$kept packets kept"
	[ "$kept" -gt 10000 ]
}

@test "the fuzzers find nothing in a bounded run" {
	requires clang
	for t in show read; do
		clang -std=gnu11 -w -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o "$BUILD/fuzz_$t" test/show/fuzz_$t.c
		"$BUILD/fuzz_$t" -runs=12000 -seed=1 -max_len=600 -artifact_prefix="$BUILD/" "$BUILD/made/seeds-$t" >"$BUILD/fuzz_$t.log" 2>&1 ||
			{ tail -40 "$BUILD/fuzz_$t.log"; return 1; }
	done
}
