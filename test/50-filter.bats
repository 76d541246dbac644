#!/usr/bin/env bats
# Filters: the same language and meaning as libpcap's, programs the kernel takes, an answer to any bytes.
load helpers

setup_file() {
	local program
	for program in check diff lists steps; do
		"$BATS_TEST_DIRNAME/filter/build.sh" "$program" > /dev/null || echo "filter-$program was not built" >&3
	done
}

prepare() {
	check=$BATS_TEST_DIRNAME/../build/test/filter-check
	differ=$BATS_TEST_DIRNAME/../build/test/filter-diff
	lists=$BATS_TEST_DIRNAME/../build/test/filter-lists
}

# refuses TEXT MESSAGE [OPTION...]: exit 2 and exactly this message.
refuses() {
	local text=$1 message=$2
	shift 2
	run -2 "$check" "$@" "$text"
	# the word before the wrong one may stand in front
	[ "$output" = "$message" ] || [[ $output == *" $message" ]] || { printf 'wanted: %s\n' "$message"; return 1; }
}

# --- the proof ---

@test "every random expression has libpcap's verdict on every random packet: 200,000 pairs, files and live" {
	[ -x "$differ" ] || cannot_run "no libpcap-dev"
	namespace
	ns ip link set lo up
	ns "$differ" -n 200000 -s 1 | tee "$BATS_TEST_TMPDIR/out"
	sed 's/^/# /' "$BATS_TEST_TMPDIR/out" >&3
	grep -q ' 0 disagree$' "$BATS_TEST_TMPDIR/out"
	run ! grep -q 'NO LIVE' "$BATS_TEST_TMPDIR/out"
}

@test "98 % of random programs are at most twice as long as libpcap's optimized ones" {
	[ -x "$differ" ] || cannot_run "no libpcap-dev"
	"$differ" -n 100000 -s 2 > "$BATS_TEST_TMPDIR/out"
	awk '/at most 2 times/ { print; exit !($1 >= 98) }' "$BATS_TEST_TMPDIR/out"
}

@test "everyday expressions and lists are as short as libpcap's, and execute no more" {
	[ -x "$lists" ] || cannot_run "no libpcap-dev"
	"$lists" -s > "$BATS_TEST_TMPDIR/out" || { grep -E 'LONGER|EXECUTES|ANOTHER|REFUSED' "$BATS_TEST_TMPDIR/out"; return 1; }
	grep -E ' (10|50|300) (ports|hosts)$' "$BATS_TEST_TMPDIR/out" | sed 's/^/# /' >&3
}

# --- the language ---

@test "the everyday expressions compile for every link type, and the kernel takes them live" {
	local link text
	for link in 1 101 113 276 127; do
		while read -r text; do
			"$check" -y "$link" "$text"
			"$check" -y "$link" -l -k "$text"
		done <<- 'END'
			host 192.168.1.1
			not port 22
			net 10.0.0.0/8 and not net 10.1
			tcp port 80 or 443
			src host fe80::1 and dst port (53 or 5353)
			icmp or icmp6
			portrange 6000-6008
			ip proto \tcp and less 100
			tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 192.168
			tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)
			icmp6[icmp6type] = icmp6-neighborsolicit
			inbound and not (udp port 67 or 68)
		END
	done
}

@test "VLAN tags count on any, in files and live, where libpcap refuses" {
	"$check" -y 276 'vlan 5 and ip'
	"$check" -y 113 -l -k 'vlan 5 and ip'
	run -0 "$check" -y 276 -l -d 'vlan 5'
	[[ $output == *'[vlanp]'*'[vlan_tci]'* ]]
	refuses 'vlan' 'vlan: not on RAW links (column 1)' -y 101
}

@test "an empty text accepts everything" {
	run -0 "$check" -ddd ''
	[ "$output" = $'1\n6 0 0 262144' ]
	run -0 "$check" -s 96 -ddd '  '
	[ "$output" = $'1\n6 0 0 96' ]
}

@test "a rule holds besides the text, and counts its offsets for itself" {
	run -0 "$check" -r 'not port 22' -d 'host 10.0.0.1'
	[[ $output == *'#0x16 '* && $output == *'[30]'* ]]
	run -0 "$check" -n -r vlan ip		# not what follows the rule's tag
	[ "$output" = never ]
	run -0 "$check" -r 'not port 22' -ddd '1,6 0 0 100'
	[ "${lines[-1]}" = '6 0 0 100' ]
	"$check" -l -k -r 'not port 22' 'vlan and tcp port 80'
}

# --- what is wrong, and where ---

@test "an error names the word, the reason and the column" {
	refuses 'port 70000' 'port 70000: not a port (column 6)'
	refuses 'port 80 or 70000' '70000: not a port (column 12)'
	refuses 'host 1.2.3.4 or foo' 'foo: names are not looked up: write the address (column 17)'
	refuses 'tcp port' 'end: not expected here (column 9)'
	refuses 'tcp port 80 adn host 1.2.3.4' 'adn: and, or or the end is expected here (column 13)'
	refuses '(port 80' '(: its ) is missing (column 1)'
	refuses 'port 80)' '): has no ( before it (column 8)'
	refuses 'tcp[13' 'tcp: its ] is missing (column 1)'
	refuses 'tcp udp' 'udp: and, or or the end is expected here (column 5)'
	refuses 'vlan 4096' "4096: a VLAN's number is 0 to 4095 (column 6)"
	refuses 'port 99999999999' '99999999999: not a port (column 6)'
	refuses $'host \xff\xfe' '\xff: not expected here (column 6)'
}

@test "an error says what to write instead" {
	refuses 'port 80,443' ',: a list is written with or: port 80 or 443 (column 8)'
	refuses 'host 10.0.0.256' 'host 10.0.0.256: not an IPv4 address, whose four numbers are 0 to 255 (column 6)'
	refuses 'host 10.0.0.0/24' 'host 10.0.0.0/24: a network, not a host: write net 10.0.0.0/24 (column 6)'
	refuses 'net 10.0.0.1/24' 'net 10.0.0.1: bits outside the mask: write 10.0.0.0/24 (column 5)'
	refuses 'net 192.168.1.0/33' '33: the length of an IPv4 mask is 0 to 32 (column 17)'
	refuses 'net fe80::/129' '129: the length of an IPv6 mask is 0 to 128 (column 12)'
	refuses 'ether host 10.0.0.1' 'host 10.0.0.1: an IP address: write host 10.0.0.1 (column 12)'
	refuses 'host aa:bb:cc:dd:ee:ff' \
		'host aa:bb:cc:dd:ee:ff: an Ethernet address: write ether host aa:bb:cc:dd:ee:ff (column 6)'
	refuses 'udp[10:3] = 1' '3: of a size there are 1, 2 or 4 bytes (column 8)'
	refuses 'ip[2:2]/0 = 1' '0: divides by zero (column 9)'
	refuses 'len << 32 = 1' '32: shifts by over 31 bits (column 8)'
	refuses 'tcp[tcpflags] & tcp-syn' 'tcp: a number, not a condition: compare it, for instance != 0 (column 1)'
	refuses 'ip proto tcp' 'proto tcp: a word of the language: write \tcp (column 10)'
	refuses 'port http/tcp' 'port http: write tcp port http (column 6)'
	refuses 'ip.addr == 1.2.3.4' \
		"ip.addr: Wireshark's display language; here it is host 1.2.3.4, tcp port 80 (column 1)"
	refuses 'dns' 'dns: not a word of filters: write port 53 (column 1)'
	refuses 'udp and dhcp' 'dhcp: not a word of filters: write udp port 67 or 68 (column 9)'
	refuses 'http' 'http: not a word of filters: write tcp port 80 (column 1)'
	refuses 'TCP' 'TCP: write it in small letters (column 1)'
	refuses 'Port 22' 'Port: write it in small letters (column 1)'
	refuses 'tcp AND port 22' 'tcp AND: write it in small letters (column 5)'
	refuses '“port 80”' '\xe2: a typographic quote or dash: write '\'' " or - (column 1)'
	refuses 'vpi 5' 'vpi: of pf, ATM or SS7 links, which Linux does not capture (column 1)'
	refuses 'gateway foo' 'gateway: names are not looked up: write ether host MAC and not host ADDRESS (column 1)'
	refuses 'eth0 -c 2' 'eth0: not a word of filters, and needs host, port or the like before it (column 1)'
	refuses 'tcp -c 2' '-: not expected here; options stand before the filter (column 5)'
	refuses 'udp port telnet' 'port telnet: goes by tcp only (column 10)'
	refuses 'decnet host 1.' 'host 1.: not a DECnet address: area.node, up to 63.1023 (column 13)'
	refuses 'ether proto foo' 'proto foo: not a protocol that is known: write its number (column 13)'
}

# -n also says whether a filter holds for no packet at all.
@test "a filter that no packet of the link can pass is known as one" {
	run -0 "$check" -n -y 101 arp
	[ "$output" = 'never' ]
	run -0 "$check" -n 'ip and ip6'
	[ "$output" = 'never' ]
	run -0 "$check" -n arp
	[ "$output" = '' ]
}

@test "an error in a rule is no column of the text" {
	refuses 'ip' 'port x: not a port (column 6)' -r 'port x'
}

# --- words ---

# same_program OPTION TEXT OPTION TEXT
same_program() { [ "$("$check" -ddd ${1:+$1} "$2")" = "$("$check" -ddd ${3:+$3} "$4")" ]; }

@test "every spelling of a word makes the same program" {
	same_program '' 'proto UDP' '' 'proto 17'
	same_program '' 'ether proto lldp' '' 'ether proto 0x88cc'
	same_program '' 'port snmptrap' '' 'port snmp-trap'
	same_program '' 'port www' '' 'port http'
	same_program '' 'es-is' '' 'esis'
	same_program '' 'ip proto \carp' '' 'ip proto 112'
	same_program '' 'iso proto \es-is' '' 'esis'
	same_program -y127 'subtype probereq' -y127 'type mgt subtype probe-req'
	same_program -y127 'type ctl subtype ba' -y127 'type ctl subtype 0x90'
	same_program '' 'llc RNR' '' 'llc rnr'
}

@test "a service goes by the transports that it has" {
	same_program '' 'port ssh' '' 'tcp port 22'
	same_program '' 'port ntp' '' 'udp port 123'
	for name in openvpn:1194 snmp:161 ldap:389 syslog:514 domain:53; do
		same_program '' "port ${name%:*}" '' "port ${name#*:}"
	done
	same_program '' 'port microsoft-ds' '' 'tcp port 445'
}

@test "/etc/services and /etc/protocols are asked before the built-in names" {
	printf 'ssh 2222/tcp # ours\nfoo\t7/udp bar\nfoo 7/tcp\n' > "$BATS_TEST_TMPDIR/services"
	printf '# none\nfoo 200 FOO\n' > "$BATS_TEST_TMPDIR/protocols"
	same_program "-S$BATS_TEST_TMPDIR/services" 'port ssh' '' 'tcp port 2222'
	same_program "-S$BATS_TEST_TMPDIR/services" 'port foo' '' 'port 7'
	same_program "-S$BATS_TEST_TMPDIR/services" 'port bar' '' 'udp port 7'
	same_program "-S$BATS_TEST_TMPDIR/services" 'port http' '' 'tcp port 80'
	same_program "-P$BATS_TEST_TMPDIR/protocols" 'proto FOO' '' 'proto 200'
	same_program "-P$BATS_TEST_TMPDIR/protocols" 'proto gre' '' 'proto 47'
}

# moved BYTES: a -ddd program's loads from behind the Ethernet addresses, that much further behind.
moved() {
	awk -v by="$1" 'NF == 4 && ($1 == 40 || $1 == 48 || $1 == 32 || $1 == 72 || $1 == 80 || $1 == 64 || $1 == 177) &&
		$4 >= 12 && $4 < 4096 { $4 += by } { print }'
}

@test "a switch's tag is passed over: its own link types, and a tag of any length on Ethernet" {
	local text
	for text in 'tcp port 80' 'host 10.0.0.1' 'vlan 5 and ip' 'icmp6[0] = 128' 'ether host 2:0:0:0:0:1 or arp'; do
		"$check" -ddd "$text" | moved 4 > "$BATS_TEST_TMPDIR/moved4"
		"$check" -ddd -y 284 "$text" | cmp - "$BATS_TEST_TMPDIR/moved4"
		"$check" -ddd -y 281 "$text" | cmp - "$BATS_TEST_TMPDIR/moved4"
		"$check" -ddd -T 4 "$text" | cmp - "$BATS_TEST_TMPDIR/moved4"
		"$check" -ddd "$text" | moved 8 > "$BATS_TEST_TMPDIR/moved8"
		"$check" -ddd -y 285 "$text" | cmp - "$BATS_TEST_TMPDIR/moved8"
		"$check" -ddd -T 2 "$text" | cmp - <("$check" -ddd "$text" | moved 2)
	done
}

@test "libpcap's own and its manual's expressions are accepted, with its verdicts" {
	[ -x "$differ" ] || cannot_run "no libpcap-dev"
	"$differ" -f "$BATS_TEST_DIRNAME/filter/expressions" | tee "$BATS_TEST_TMPDIR/out" | sed 's/^/# /' >&3
	grep -q ' 0 disagree$' "$BATS_TEST_TMPDIR/out"
}

@test "protochain, geneve and vxlan are programs that the kernel takes live" {
	local text
	for text in 'protochain 6' 'ip6 protochain 58 or arp' 'geneve 5 and ip' 'geneve or vlan' 'vxlan 7 and tcp port 80' \
	    'vlan and geneve and host 10.0.0.1' 'vxlan and vlan 5'; do
		"$check" -l -k "$text"
	done
}

@test "a program takes at most as much of optmem_max as is said" {
	local text said
	namespace
	for text in 'port 80' 'host 10.0.0.1' "port ($(seq -s ' or ' 1 30))" 'tcp[((tcp[12] & 0xf0) >>2)] = 0x16' 'vlan 5 and len < 100'; do
		said=$("$check" -l -b "$text")
		echo "$said $text"
		ns sysctl -qw net.core.optmem_max="$((said + 1))" || cannot_run "optmem_max is not the namespace's own"
		ns "$check" -l -k "$text"
		ns sysctl -qw net.core.optmem_max="$((said * 6 / 10))"
		run -1 ns "$check" -l -k "$text"
	done
}

@test "long and deep texts are answered: refused, or a program the kernel takes" {
	local text
	run -2 "$check" "$(printf '%4000s' '' | tr ' ' '(')"
	printf '%100000s' '' | tr ' ' '(' | run -2 "$check" -
	printf 'port %100000s' '' | tr ' ' 9 | run -2 "$check" -
	seq -s ' or port ' 1 12000 | run -2 "$check" -
	head -c 131072 /dev/urandom | tr -d '\0' | run -2 "$check" -
	text=$(seq -s " or " 1 60)
	"$check" -l -k "port ($text)"
	"$check" -l -k "not port ($text)"
	text=$(seq -f 'host 10.0.0.%g' -s " or " 1 80)
	"$check" -l -k "$text"
}

# A step is a basic block: 10 million are some 10 ms. Everyday texts take thousands.
@test "no hostile text takes more than 10 million steps" {
	steps=$BATS_TEST_DIRNAME/../build/test/filter-steps
	[ -x "$steps" ] || cannot_run "cc has no -fsanitize-coverage=trace-pc"
	"$steps" > "$BATS_TEST_TMPDIR/out" || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
	sed 's/^/# /' "$BATS_TEST_TMPDIR/out" >&3
}

# --- bytecode ---

@test "what tcpdump -ddd prints is taken, with newlines or commas" {
	requires tcpdump
	local program
	program=$(tcpdump -ddd -y EN10MB 'tcp port 80 or vlan 5' 2> /dev/null)
	run -0 "$check" -k -ddd "$program"
	[ "$output" = "$program" ]
	run -0 "$check" -ddd "$(tr '\n' ',' <<< "$program")"
	[ "$output" = "$program" ]
}

@test "bytecode that the kernel would refuse is refused before" {
	refuses '1,40 0 0 12' '12: the kernel does not take this (column 10)'
	refuses '2,21 0 1 5,6 0 0 0' '5: the kernel does not take this (column 10)'
	refuses '2,5 0 0 7,6 0 0 0' '7: the kernel does not take this (column 9)'
	refuses '2,52 0 0 0,6 0 0 0' '0: the kernel does not take this (column 10)'
	refuses '2,100 0 0 32,6 0 0 0' '32: the kernel does not take this (column 11)'
	refuses '2,99 0 0 1,6 0 0 0' '1: the kernel does not take this (column 10)'
	refuses '2,96 0 0 1,6 0 0 0' '1: the kernel does not take this (column 10)'
	refuses '2,40 0 0 4294967295,6 0 0 0' '4294967295: the kernel does not take this (column 10)'
	refuses '0,6' '6: not expected here (column 3)'
	refuses '4097,6 0 0 0' '4097: not a number in range (column 1)'
	refuses '1,6 0 0 0,7' '7: not expected here (column 11)'
	refuses '1,6 0 0' 'end: not a number in range (column 8)'
}

# --- printing ---

@test "-d, -dd and -ddd look as tcpdump's do, byte for byte" {
	requires tcpdump
	local detail text
	for detail in -d -dd -ddd; do
		while read -r text; do
			tcpdump "$detail" -y EN10MB "$text" > "$BATS_TEST_TMPDIR/theirs" 2> /dev/null
			"$check" "$detail" "$(tcpdump -ddd -y EN10MB "$text" 2> /dev/null)" > "$BATS_TEST_TMPDIR/mine"
			cmp "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/mine"
		done <<- 'END'
			tcp port 80
			vlan 5 and (ip[2:2] - ((ip[0]&0xf)<<2)) / 7 > len % 3
			inbound and ifindex 3
			tcp[tcpflags] & tcp-syn != 0 or udp[4:2] ^ 5 = icmp[0] * 2
			ip6 net 2001:db8::/33 and ip6[40] | 0x80000000 = 0x80000001
			ip[0] - -ip[2] < 5 or ip[ip[1]:4] >> len = 3
			ether[0:4] - 5 = 0xfffffff0 and len != 4294967295
		END
	done
}
