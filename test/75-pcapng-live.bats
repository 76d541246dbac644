#!/usr/bin/env bats
# Captures written as pcapng: each interface under its own name, directions, the kernel's counts at the end;
# and what -r makes of such files. Judged by tshark, capinfos and the strict reader of pcapng/.
load helpers

prepare() {
	requires tshark capinfos python3
	network
	tmpfs 64m
	inside=$BATS_TEST_TMPDIR/fast	# as rawcap sees $fast
	PATH=$BATS_TEST_DIRNAME/pcapng:$PATH
}

# fields FILE FIELD...: of each packet, as tshark reads them.
# Flags of which nothing is known count as none.
fields() {
	local file=$1 field options=()
	shift
	for field; do options+=(-e "$field"); done
	tshark -r "$file" -T fields "${options[@]}" 2> /dev/null | sed 's/^0x0*$//'
}

packets() { capinfos -Mcr "$1" | sed -n 's/^Number of packets: *//p'; }

# is_strict FILE...: perfect to the last byte.
is_strict() {
	local file
	for file; do
		strict.py "$file" > /dev/null || { echo "$file is not strict"; return 1; }
	done
}

file_has() { [ "$(packets "$fast/f.pcapng" 2> /dev/null)" = "$1" ]; }

@test "a name that ends in .pcapng, or --pcapng: one interface, its name, nanoseconds, the counts (ring and -B 0)" {
	local buffer
	for buffer in 2048 0; do
		start one -B $buffer -w "$inside/f.pcapng" va
		ns send -c 200 -s 60:400 -r 2000 vb
		stop one INT
		expect "$status" == 0 "exit status"
		is_strict "$fast/f.pcapng"
		expect "$(packets "$fast/f.pcapng")" == 200 "packets"
		[ "$(fields "$fast/f.pcapng" frame.interface_name | sort -u)" = va ]
		strict.py "$fast/f.pcapng" | grep -q '^statistics.* 200 0'
	done
	start one --pcapng va
	ns send -c 10 vb
	stop one INT
	is_strict "$(pcap one)"
	expect "$(packets "$(pcap one)")" == 10 "packets into a stream"
}

@test "any: every packet under the name and the direction of its interface" {
	ns ip address add 10.9.0.1/24 dev va
	start one -w "$inside/f.pcapng" any
	ns send -c 30 vb	# what send sends is seen where it arrives only
	ns send -c 20 va
	ns bash -c 'echo > /dev/udp/10.9.0.2/9'	# asks for the address first: outgoing
	stop one INT
	expect "$status" == 0 "exit status"
	is_strict "$fast/f.pcapng"
	fields "$fast/f.pcapng" frame.interface_name frame.packet_flags_direction | sort | uniq -c |
		awk '{ print $1, $2, $3 }' > "$BATS_TEST_TMPDIR/found"
	grep -qE '^30 va 0x0*1$' "$BATS_TEST_TMPDIR/found"
	grep -qE '^[0-9]+ va 0x0*2$' "$BATS_TEST_TMPDIR/found"
	grep -qE '^2[0-9] vb 0x0*1$' "$BATS_TEST_TMPDIR/found"
	run -1 grep -qE ' vb 0x0*2$' "$BATS_TEST_TMPDIR/found"
}

@test "an interface that is renamed goes on under its new name; a new one is described when it speaks" {
	start one -w "$inside/f.pcapng" any
	ns send -c 5 vb
	wait_until file_has 5	# a packet has the name that its interface has when it is taken
	ns ip link set va down
	ns ip link set va name new
	ns ip link set new up
	wait_until link_is_up new
	sleep 1.1	# a name is believed for a second
	ns send -c 7 vb
	second_wire
	ns send -c 3 vd
	stop one INT
	is_strict "$fast/f.pcapng"
	local names
	names=$(fields "$fast/f.pcapng" frame.interface_name frame.packet_flags_direction frame.len | awk '$2 ~ /1$/ { print $1 }' | sort | uniq -c)
	[[ $names == *"5 va"* && $names == *"7 new"* && $names == *"3 vc"* ]] || { echo "$names"; false; }
}

@test "300 interfaces: packets by name are those that were sent" {
	local i
	for ((i = 0; i < 300; i += 2)); do
		echo "link add d$i type veth peer name d$((i + 1))"
		echo "link set d$i up"
		echo "link set d$((i + 1)) up"
	done > "$BATS_TEST_TMPDIR/links"
	ns ip -batch - < "$BATS_TEST_TMPDIR/links"
	start one -w "$inside/f.pcapng" -B 8192 any
	for ((i = 0; i < 300; i++)); do ns send -c 2 "d$i"; done > /dev/null
	stop one INT
	expect "$status" == 0 "exit status"
	is_strict "$fast/f.pcapng"
	fields "$fast/f.pcapng" frame.interface_name | grep '^d' | sort | uniq -c > "$BATS_TEST_TMPDIR/found"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/found")" == 300 "interfaces"
	expect "$(awk '$1 != 2' "$BATS_TEST_TMPDIR/found" | wc -l)" == 0 "interfaces with other than 2 packets"
}

@test "-C -W: each file stands alone, none grows past its limit, no packet is lost between them" {
	start one -w "$inside/f.pcapng" -C 64k -W 20 any
	ns send -c 600 -s 500 -r 5000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	is_strict "$fast"/f.pcapng*
	local file sum=0
	for file in "$fast"/f.pcapng*; do
		expect "$(stat -c %s "$file")" "<=" 65536 "bytes in $file"
		sum=$((sum + $(packets "$file")))
	done
	expect "$sum" == "$(said captured)" "packets in all files"
}

@test "a full disk ends with a whole block" {
	tmpfs 1m
	start one -w "$inside/f.pcapng" -s 0 va
	ns send -c 3000 -s 1000 -r 20000 vb
	finish one
	expect "$status" == 1 "exit status"
	says "no space left"
	is_strict "$fast/f.pcapng"
	expect "$(packets "$fast/f.pcapng")" == "$(said captured)" "packets"
}

@test "drops stand in the file as in the summary" {
	start one -B 128 -w "$inside/f.pcapng" va
	kill -STOP "${pid[one]}"
	ns send -c 20000 -s 200 vb
	kill -CONT "${pid[one]}"
	stop one INT
	expect "$(said dropped)" ">" 0 "packets dropped"
	is_strict "$fast/f.pcapng"
	strict.py "$fast/f.pcapng" | grep -q "^statistics.* $(said received) $(said dropped)"
}

@test "-r shows, counts and filters it, and makes a classic file of one link type" {
	start one -w "$inside/f.pcapng" any
	ns send -c 30 vb
	stop one INT
	[ "$("$RAWCAP" -r "$fast/f.pcapng" --count 2> /dev/null)" = "30 packets" ]
	[ "$("$RAWCAP" -r "$fast/f.pcapng" --count inbound 2> /dev/null)" = "30 packets" ]
	expect "$("$RAWCAP" -r "$fast/f.pcapng" 2> /dev/null | grep -c ' va  *In ')" == 30 "lines that name va"
	"$RAWCAP" -r "$fast/f.pcapng" -w "$fast/f.pcap"
	[[ $(capinfos -t "$fast/f.pcap") == *nanosecond* ]]
	expect "$(packets "$fast/f.pcap")" == 30 "packets"
}

@test "-r -w FILE.pcapng keeps names, directions and comments; several link types stay several" {
	start one -w "$inside/f.pcapng" any
	start two va
	ns send -c 5 vb
	stop one INT
	stop two INT
	editcap -F pcapng -a 1:why "$(pcap two)" "$fast/two.pcapng"
	mergecap -a -w "$fast/both.pcapng" "$fast/f.pcapng" "$fast/two.pcapng"
	"$RAWCAP" -r "$fast/both.pcapng" -w "$fast/again.pcapng"
	is_strict "$fast/again.pcapng"
	local field
	for field in frame.interface_name frame.packet_flags_direction frame.comment frame.time_epoch frame.len; do
		[ "$(fields "$fast/both.pcapng" $field)" = "$(fields "$fast/again.pcapng" $field)" ] || {
			echo "$field differs"
			diff <(fields "$fast/both.pcapng" $field) <(fields "$fast/again.pcapng" $field)
			false
		}
	done
	run -1 "$RAWCAP" -r "$fast/both.pcapng" -w "$fast/both.pcap"
	[[ $output == *EN10MB*LINUX_SLL2* ]]
}

@test "an interface has its name though it is deleted as soon as its packet has come" {
	second_wire
	start one -w "$inside/f.pcapng" vc
	ns send -c 1 vd
	ns ip link del vc
	finish one
	[ "$(fields "$fast/f.pcapng" frame.interface_name | sort -u)" = vc ]
}

@test "-r -w FILE.pcapng keeps what the file's header tells: its comments, hardware and system" {
	start one va
	ns send -c 5 vb
	stop one INT
	editcap -F pcapng --capture-comment "the fault of 3 a.m." --capture-comment second "$(pcap one)" "$fast/one.pcapng"
	"$RAWCAP" -r "$fast/one.pcapng" -w "$fast/again.pcapng"
	is_strict "$fast/again.pcapng"
	run capinfos -k "$fast/again.pcapng"
	[[ $output == *"the fault of 3 a.m."*second* ]]
	expect "$(packets "$fast/again.pcapng")" == 5 "packets"
}

@test "a classic file becomes pcapng, and the same again" {
	start one va
	ns send -c 50 -s 60:300 vb
	stop one INT
	"$RAWCAP" -r "$(pcap one)" -w "$fast/f.pcapng"
	is_strict "$fast/f.pcapng"
	"$RAWCAP" -r "$fast/f.pcapng" --micro -s 2048 -w "$fast/f.pcap"
	cmp "$fast/f.pcap" "$(pcap one)"
}
