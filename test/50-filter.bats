#!/usr/bin/env bats
# Filters: the same language and meaning as libpcap's, programs the kernel takes, an answer to any bytes.
load helpers

setup_file() {
	local program
	for program in check diff; do
		"$BATS_TEST_DIRNAME/filter/build.sh" "$program" > /dev/null || echo "filter-$program was not built" >&3
	done
}

prepare() {
	check=$BATS_TEST_DIRNAME/../build/test/filter-check
	differ=$BATS_TEST_DIRNAME/../build/test/filter-diff
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

@test "95 % of the programs are at most twice as long as libpcap's optimized ones" {
	[ -x "$differ" ] || cannot_run "no libpcap-dev"
	"$differ" -n 200000 -s 2 > "$BATS_TEST_TMPDIR/out"
	awk '/at most 2 times/ { print; exit !($1 >= 95) }' "$BATS_TEST_TMPDIR/out"
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
	refuses 'vlan' 'vlan: not on this link type (column 1)' -y 101
}

@test "an empty text accepts everything" {
	run -0 "$check" -ddd ''
	[ "$output" = $'1\n6 0 0 262144' ]
	run -0 "$check" -s 96 -ddd '  '
	[ "$output" = $'1\n6 0 0 96' ]
}

@test "a rule holds besides the text, and counts its offsets for itself" {
	run -0 "$check" -r 'not port 22' -d 'vlan and host 10.0.0.1'
	[[ $output == *'#0x16'*'#0x8100'* ]]
	run -0 "$check" -r 'not port 22' -ddd '1,6 0 0 100'
	[ "${lines[-1]}" = '6 0 0 100' ]
	"$check" -l -k -r 'not port 22' 'vlan and tcp port 80'
}

# --- what is wrong, and where ---

@test "an error names the word, the reason and the column" {
	refuses 'port 70000' 'port 70000: not a port (column 6)'
	refuses 'port 80 or 70000' '70000: not a port (column 12)'
	refuses 'host 1.2.3.4 or foo' 'foo: names are not looked up (column 17)'
	refuses 'tcp port' 'end: not expected here (column 9)'
	refuses '(tcp' 'end: not expected here (column 5)'
	refuses 'tcp udp' 'udp: not expected here (column 5)'
	refuses 'ether[0:3] = 1' ']: not a number in range (column 10)'
	refuses 'net 10.0.0.1/8' 'end: bits outside the mask (column 15)'
	refuses 'vlan 4096' '4096: not a number in range (column 6)'
	refuses 'port 99999999999' '99999999999: not a port (column 6)'
	refuses 'gateway foo' 'gateway: names are not looked up (column 1)'
	refuses $'host \xff\xfe' '\xff: not expected here (column 6)'
	refuses 'len / 0 = 1' '=: divides by zero, or shifts by over 31 bits (column 9)'
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
