#!/usr/bin/env bats
# Options as getopt_long and tcpdump have them: where they may stand, how they may be written, what they
# take, and what is refused with which reason. Under rawcap's own name; 56-as-tcpdump has the other.
load cli

ours='ether proto 0x88b5'	# what send sends

# matches PATTERN: the last stderr has it, an extended regular expression.
matches() {
	[[ $err =~ $1 ]] && return 0
	printf 'stderr does not match "%s":\n%s\n' "$1" "$err"
	return 1
}

# refuses OPTION REASON ARGUMENT...: a usage error whose line names OPTION and has REASON, a pattern; not merely that
# there is no such option.
refuses() {
	wrong "$1" "${@:3}"
	matches "$2"
	[[ $err != *"no such option"* ]]
}

altname() { ns ip link property add dev va altname "$1" 2> /dev/null || cannot_run "no alternative names here"; }

# number_of NAME: the number before it in -D's list.
number_of() { ns "$RAWCAP" -D | sed -n "s/^\([0-9]*\)\.$1\( .*\)*\$/\1/p"; }

# --- where options stand ---

@test "options may stand before, between and behind the operands" {
	understood va -c 1
	understood va $ours -c 1
	understood va -c 1 $ours
	understood va ether -c1 proto 0x88b5
	understood va $ours -pc1 -s 60
	understood -c 1 va -p $ours -n
	understood $ours -i va -c 1
	understood ether proto -iva 0x88b5 -c 1
	understood va "$ours" --snapshot-length=60 --no-promiscuous-mode -c 1
}

@test "behind -- nothing is an option, a lone - never is one" {
	understood -c 1 -- va $ours
	understood -c 1 va -- $ours
	understood -c 1 va len - 14 '>' 0
	wrong 'filter: ' va -- $ours -c 1
	wrong 'filter: ' -i va -- -c 1
}

@test "what stands behind the operands is read like what stands before: faults are named" {
	wrong -Y va $ours -Y
	wrong -c va $ours -c
	wrong x va $ours -c x
	wrong --nonsense va --nonsense $ours
}

# --- long options ---

@test "a long option takes its value behind = or as the next word" {
	understood --interface=va -c 1
	understood --interface va -c 1
	understood -c 1 --snapshot-length=60 --buffer-size=512 --direction=in --linktype=EN10MB va
	understood -c 1 --snapshot-length 60 --buffer-size 512 --direction in --linktype EN10MB va
	understood -c 1 --time-stamp-precision=nano va
	understood -c 1 --time-stamp-precision micro va
	start one --snapshot-length 61 --time-stamp-precision=nano va -c 1
	ns send vb
	finish one
	[[ $(pcapread "$(pcap one)") == "header native nsec snaplen 61 "* ]]
}

@test "a long option may be any beginning of its name that no other option shares" {
	understood --int=va -c 1
	understood --interf va -c 1
	understood -c 1 --snap=60 --buf 512 --dir=in --linkt EN10MB --no-p va
	understood -c 1 --time-stamp-p=nano --imm --packet va
	run -0 "$RAWCAP" --vers
	[[ $output == rawcap\ * ]]
	run -0 "$RAWCAP" --hel
	[[ $output == *INTERFACE* ]]
	run -0 ns "$RAWCAP" --list-i
	[[ $output == *va* ]]
}

@test "a beginning that several options share is refused, an exact name never" {
	wrong --n --n va
	wrong --time-stamp --time-stamp=nano va
	wrong --list --list va
	wrong --p --p va
	understood -c 1 --nano va
	output=/dev/null start one -c 1 --print -w "$BATS_TEST_TMPDIR/f" va
	ns send vb
	finish one
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/f")" == 1 "records"
}

@test "a long option with a value too many or too few is named" {
	wrong --nano --nano=1 va
	wrong --no-promiscuous-mode --no-promiscuous-mode=yes va
	wrong --interface --interface
	wrong --snapshot-length --snapshot-length
	wrong number --snapshot-length= va
	wrong interface --interface=
	wrong pico --time-stamp-precision=pico va
	wrong sideways --direction=sideways va
}

# --- interfaces ---

@test "-i takes the number that -D prints" {
	local number
	second_wire
	number=$(number_of va)
	understood -i "$number" -c 1
	understood -i"$number" -c 1
	understood --interface="$number" -c 1
	start all -i "$(number_of any)" -c 1
	ns send vb
	finish all
	[[ $(pcapread "$(pcap all)") == *"linktype 276"* ]]
}

@test "-i with a number that -D does not print: it is named, nothing is captured" {
	local number
	for number in 0 99 4294967297 99999999999999999999; do
		run_rawcap -i "$number"
		expect "$status" ">=" 1 "exit status"
		expect "$status" "<=" 2 "exit status"
		says "rawcap: $number"
		[ ! -s "$(pcap run)" ]
	done
}

@test "an interface whose name is a number is that one" {
	second_wire
	ns ip link set vc down
	ns ip link set vc name 1
	ns ip link set 1 up
	start one -i 1 -c 1
	ns send vd
	finish one
	expect "$status" == 0 "exit status"
	expect "$(records one)" == 1 "records"
}

@test "an alternative name of 14, 15 and 30 characters stands for the interface" {
	local name
	for name in abcdefghijklmn abcdefghijklmno abcdefghijklmnopqrstuvwxyz0123; do
		altname "$name"
		understood -i "$name" -c 1
		understood "$name" -c 1
		understood "--interface=$name" -c 1 $ours
	done
	run_rawcap -i abcdefghijklmnopqrstuvwxyz0124
	silently_failed 2 'rawcap: abcdefghijklmnopqrstuvwxyz0124: '
}

@test "eth0:1, as ifconfig names a second address, is eth0" {
	understood va:0 -c 1
	understood -i va:1 -c 1
	run_rawcap nosuch:0
	silently_failed 1 'no such interface'
}

@test "several -i: those interfaces and no other, in cooked form" {
	local indexes
	second_wire
	ns ip link add name other type veth peer name far
	ns ip link set other up
	ns ip link set far up
	wait_until link_is_up other
	start one -i va -i vc
	ns send -c 2 vb
	ns send -c 9 far
	ns send -c 3 vd
	kept 5
	[[ $(pcapread "$(pcap one)") == *"linktype 276"* ]]
	indexes=$(frames one | cut -d ' ' -f 3 | cut -c 9-16 | uniq -c | awk '{ print $1, $2 }' | paste -sd ' ')
	[ "$indexes" = "2 $(printf %08x "$(ifindex va)") 3 $(printf %08x "$(ifindex vc)")" ]
}

@test "several -i with a filter, with --interface, by number, and one that does not exist" {
	second_wire
	start one -i va --interface=vc less 61
	ns send -c 2 -s 60 vb
	ns send -c 9 -s 200 vb
	ns send -c 3 -s 60 vd
	kept 5
	start one -i "$(number_of va)" -i "$(number_of vc)" -c 2
	ns send vb
	ns send vd
	finish one
	expect "$(records one)" == 2 "records"
	run_rawcap -i va -i nosuch
	silently_failed 1 'rawcap: nosuch: no such interface'
}

@test "a forgotten interface is called that, not a missing interface or a wrong filter" {
	local words
	for words in 'port 53' icmp tcp 'tcp port 80' 'host 192.0.2.1' 'not port 22' '( udp )' 'less 100' 'vlan 5' 'src net 10.0.0.0/8'; do
		run_rawcap $words
		expect "$status" == 2 "exit status of $words"
		says "rawcap: ${words%% *}"
		matches 'rawcap: .*: .*(INTERFACE|interface)'
		[ ! -s "$(pcap run)" ]
		[[ $err != *"filter:"* ]]
	done
	run_rawcap 'tcp[13] & 2 != 0'
	expect "$status" == 2 "exit status"
	matches 'interface'
}

@test "an interface that is called like a word of filters is captured" {
	second_wire
	ns ip link set vc down
	ns ip link set vc name icmp
	ns ip link set icmp up
	start one icmp -c 1
	ns send vd
	finish one
	expect "$status" == 0 "exit status"
	expect "$(records one)" == 1 "records"
}

# --- lists ---

@test "-D: every line has a number, in order, and is what androiddump and ksniff take apart" {
	local androiddump='^\d+\.(?<iface>\S+)(\s+?(?:(?:\(.*\))*)(\s*?\[(?<flags>.*?)\])?)?$'
	second_wire
	run_rawcap -D
	expect "$status" == 0 "exit status"
	run -1 grep -vP "$androiddump" "$(pcap run)"
	cut -d . -f 1 "$(pcap run)" > "$BATS_TEST_TMPDIR/numbers"
	seq "$(wc -l < "$(pcap run)")" > "$BATS_TEST_TMPDIR/expected"
	same "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/numbers"
	[ "$(number_of any)" -gt 0 ]
	ns "$RAWCAP" --list-interfaces > "$BATS_TEST_TMPDIR/long"
	cmp "$BATS_TEST_TMPDIR/long" "$(pcap run)"
}

@test "-D: the words are tcpdump's, for interfaces that are up, down, without a carrier, and lo" {
	requires tcpdump
	second_wire
	ns ip link add name gone type veth peer name gone2
	ns ip link set gone up
	"${NS[@]}" tcpdump -D > "$BATS_TEST_TMPDIR/theirs.all"
	grep -vE '^[0-9]+\.(bluetooth|nflog|nfqueue|dbus|usbmon)' "$BATS_TEST_TMPDIR/theirs.all" |
		cut -d . -f 2- | sort > "$BATS_TEST_TMPDIR/theirs"
	ns "$RAWCAP" -D | cut -d . -f 2- | sort > "$BATS_TEST_TMPDIR/ours"
	same "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours"
	grep -qxF 'any (Pseudo-device that captures on all interfaces) [Up, Running]' "$BATS_TEST_TMPDIR/ours"
}

@test "-L lists the link types that the interface can have, by the names that -y takes" {
	local pair type
	device tun7
	for pair in va:EN10MB any:LINUX_SLL2 any:LINUX_SLL tun7:RAW; do
		run_rawcap -L "${pair%:*}"
		expect "$status" == 0 "exit status"
		grep -qwE "^ *${pair#*:}" "$(pcap run)"
		run_rawcap -i "${pair%:*}" --list-data-link-types
		grep -qwE "^ *${pair#*:}" "$(pcap run)"
	done
	for type in $("${NS[@]}" "$RAWCAP" -L any | grep -oE '^ +[A-Z0-9_]+'); do
		understood -i any -y "$type" -c 1
	done
	wrong interface -L
	run_rawcap -L nosuch
	silently_failed 1 'rawcap: nosuch: no such interface'
}

# --- a filter from a file, packets counted ---

@test "-F FILE: the filter is in FILE, with lines and comments as tcpdump has them" {
	printf '# those of the test\nether proto\n\t0x88b5 # and\nand less 61\n' > "$BATS_TEST_TMPDIR/filter"
	start one -F "$BATS_TEST_TMPDIR/filter" va
	ns send -c 3 -s 60 vb
	ns send -c 9 -s 100 vb
	kept 3
	start one "-F$BATS_TEST_TMPDIR/filter" -i va
	ns send -c 3 -s 60 vb
	ns send -c 9 -s 100 vb
	kept 3
	: > "$BATS_TEST_TMPDIR/empty"
	understood -F "$BATS_TEST_TMPDIR/empty" va -c 1
}

@test "-F with a program as tcpdump -ddd prints it" {
	requires tcpdump
	tcpdump -ddd -y EN10MB "$ours and less 61" > "$BATS_TEST_TMPDIR/program"
	start one -F "$BATS_TEST_TMPDIR/program" va
	ns send -c 3 -s 60 vb
	ns send -c 9 -s 100 vb
	kept 3
}

@test "-F: a file that is not there, is none, is too long or is wrong is named" {
	run_rawcap -F "$BATS_TEST_TMPDIR/none" va
	silently_failed 1 "rawcap: $BATS_TEST_TMPDIR/none: "
	run_rawcap -F "$BATS_TEST_TMPDIR" va
	silently_failed 1 "rawcap: $BATS_TEST_TMPDIR: "
	echo port 70000 > "$BATS_TEST_TMPDIR/filter"
	wrong 'port 70000' -F "$BATS_TEST_TMPDIR/filter" va
	head -c 1000000 /dev/zero | tr '\0' '(' > "$BATS_TEST_TMPDIR/filter"
	run_rawcap -F "$BATS_TEST_TMPDIR/filter" va
	expect "$status" != 0 "exit status"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/run.err")" == 1 "lines on stderr"
	expect "${#err}" "<" 1000 "length of the message"
	wrong -F va -F
}

@test "--count: of a file the number of packets, and nothing else" {
	start one -c 30 va
	ns send -c 20 -s 60 vb
	ns send -c 10 -s 100 vb
	finish one
	[ "$("$RAWCAP" -r "$(pcap one)" --count)" = "30 packets" ]
	[ "$("$RAWCAP" --count -r "$(pcap one)" greater 90)" = "10 packets" ]
	[ "$("$RAWCAP" -c 1 --count -r "$(pcap one)")" = "1 packet" ]
	[ "$("$RAWCAP" --count -r - icmp < "$(pcap one)")" = "0 packets" ]
}

# --- what is taken and has no effect ---

@test "what rawcap does anyway, or what has no effect, is taken" {
	local option
	for option in -K -O -N -f -b -u -U -n -nn -S --immediate-mode --packet-buffered --dont-verify-checksums \
		--absolute-tcp-sequence-numbers --no-optimize; do
		understood $option -c 1 va
	done
	understood -KONfbuUnS -c 1 va
	understood -T rpc -c 1 va
	understood -Tsnmp -c 1 va
	understood -Z root -c 1 va
	understood -Z nosuchuser -c 1 va
	understood --relinquish-privileges=nobody -c 1 va
	understood -j host -c 1 va
	understood --time-stamp-type=host -c 1 va
}

@test "options that look after lines are taken in a capture too, once or more often" {
	local option
	for option in -e -x -xx -X -XX -A -t -tt -ttt -tttt -ttttt -# --number -vv -vvv; do
		understood $option -c 1 va
	done
	understood -tttt -nnvvveXA -c 1 va
}

@test "-W without -C or -G: one file, as with tcpdump" {
	start one -W 3 -w "$BATS_TEST_TMPDIR/f" -c 1 va
	ns send vb
	finish one
	expect "$status" == 0 "exit status"
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/f")" == 1 "records"
	[ "$(echo "$BATS_TEST_TMPDIR"/f*)" = "$BATS_TEST_TMPDIR/f" ]
}

@test "-G 0: no rotation, the name as it stands" {
	start one -G 0 -w "$BATS_TEST_TMPDIR/f-%S" -c 3 va
	ns send -c 3 vb
	finish one
	expect "$status" == 0 "exit status"
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/f-%S")" == 3 "records"
	understood -G 0 -c 1 va
}

@test "-G: every form of strftime that needs no locale, as date prints it in English" {
	local format second
	for format in a A b B C d e F g G h H I j k l m M p P R S s T u U V w W y Y z Z X r %; do
		start one -c 1 -w "$BATS_TEST_TMPDIR/f-%s-%$format" -G 3600 va
		ns send vb
		finish one
		expect "$status" == 0 "exit status with %$format"
		second=$(basename "$BATS_TEST_TMPDIR"/f-* | cut -d - -f 2)
		[ -e "$BATS_TEST_TMPDIR/f-$second-$(LC_ALL=C date -u -d "@$second" "+%$format")" ] ||
			{ ls "$BATS_TEST_TMPDIR"; return 1; }
		rm "$BATS_TEST_TMPDIR"/f-*
	done
}

# --- what is refused, and why ---

@test "what is refused says why, and what to do instead" {
	refuses -z 'run|complete' -z gzip -w f -C 1 va
	refuses -E 'decrypt' -E secret va
	refuses -I 'iw' -I va
	refuses -I 'iw' -pIc1 va
	refuses -V '-r' -V files
	refuses -M 'TCP|MD5|digest' -M secret va
	refuses -J 'kernel|host' -J va
	refuses -j 'kernel|host' -j adapter va
	refuses -j 'kernel|host' --time-stamp-type=adapter va
	wrong --monitor-mode --monitor-mode va
	[[ $err == *iw* ]]
	[ ! -e f ]
}

@test "a number out of range: its option and the range stand in the message" {
	refuses -c '-c.*1' -c 0 va
	refuses -s '-s.*0.*262144' -s 262145 va
	refuses snapshot-length '262144' --snapshot-length=262145 va
	refuses -B '-B.*[0-9]' -B 99999999999 va
	refuses buffer-size '[0-9]' --buffer-size=99999999999 va
	refuses -C '-C.*[0-9]' -w f -C 0 va
	refuses -G '-G.*[0-9]' -w f -G 99999999999999999999 va
	refuses -W '-W.*[0-9]' -w f -C 1 -W 0 va
	refuses -c '-c' -c x va
	refuses -s '-s' -ps x va
}

# --- what is said at the start ---

# heard NAME TEXT: its stderr has it, the line at the start included, which $err leaves out.
heard() { grep -qF -- "$2" "$BATS_TEST_TMPDIR/$1.err"; }

@test "once it captures, a line says so, as tcpdump's: interface, link type, snaplen" {
	start one va
	stop one INT
	heard one "rawcap: listening on va, link-type EN10MB (Ethernet), snapshot length 2048 bytes"
	start one -s 60 va
	stop one INT
	heard one "listening on va, link-type EN10MB (Ethernet), snapshot length 60 bytes"
	start one -s 0 -i any
	stop one INT
	heard one "listening on any, link-type LINUX_SLL2 (Linux cooked v2), snapshot length 262144 bytes"
	start one -i any -y LINUX_SLL
	stop one INT
	heard one "listening on any, link-type LINUX_SLL (Linux cooked v1), snapshot length 2048 bytes"
	start one -w "$BATS_TEST_TMPDIR/f" va
	stop one INT
	heard one "listening on va, "
}

@test "whoever waits for that line loses no packet sent after it" {
	local i buffer
	for buffer in 2048 0; do
		for i in {1..10}; do
			rm -f "$BATS_TEST_TMPDIR/one.err"
			"${NS[@]}" "$RAWCAP" -B $buffer -c 1 va > "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" 3>&- &
			wait_until grep -qs 'listening on' "$BATS_TEST_TMPDIR/one.err"
			ns send vb
			wait_until ended "$!"
			wait "$!"
			expect "$(records one)" == 1 "records"
		done
	done
}

@test "that line: not with -q, not where nothing is captured, only once an absent interface is there" {
	start one -q va
	stop one INT
	[ "$err" = "" ]
	run_rawcap -w "$BATS_TEST_TMPDIR/none/f" va
	silently_failed 1 'rawcap: '
	[[ $(cat "$BATS_TEST_TMPDIR/one.err") != *listening* ]]
	run_rawcap nosuch
	[[ $(cat "$BATS_TEST_TMPDIR/one.err") != *listening* ]]
	"${NS[@]}" "$RAWCAP" --wait -c 1 late > "$(pcap late)" 2> "$BATS_TEST_TMPDIR/late.err" 3>&- &
	helpers+=($!)
	wait_until grep -q late "$BATS_TEST_TMPDIR/late.err"
	run -1 grep -q listening "$BATS_TEST_TMPDIR/late.err"
	ns ip link add name late type veth peer name vd
	ns ip link set late up
	ns ip link set vd up
	wait_until grep -q 'listening on late, ' "$BATS_TEST_TMPDIR/late.err"
}

# --- lines into a pipe ---

# through_pipe ARGUMENT...: what three packets give at the other end of a pipe, in $piped; stderr in $err.
through_pipe() {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	cat "$BATS_TEST_TMPDIR/pipe" > "$BATS_TEST_TMPDIR/piped" 3>&- &
	local reader=$!
	helpers+=("$reader")
	output=$BATS_TEST_TMPDIR/pipe start one "$@"
	ns send -c 3 vb
	finish one
	expect "$status" == 0 "exit status"
	wait_until ended "$reader"
	rm "$BATS_TEST_TMPDIR/pipe"
	piped=$BATS_TEST_TMPDIR/piped
}

@test "-l: lines into a pipe; without it the stream" {
	through_pipe -l -c 3 va
	expect "$(grep -c 88b5 "$piped")" == 3 "lines"
	through_pipe --print -c 3 va
	expect "$(grep -c 88b5 "$piped")" == 3 "lines"
	through_pipe -nle -c 3 va
	expect "$(grep -c 'ethertype Unknown (0x88b5)' "$piped")" == 3 "lines"
	through_pipe -c 3 va
	expect "$(pcapread -c "$piped")" == 3 "records"
	through_pipe -c 3 -U -w - va
	expect "$(pcapread -c "$piped")" == 3 "records"
}

@test "-l with -w writes the file, and shows nothing" {
	through_pipe -l -w "$BATS_TEST_TMPDIR/f" -c 3 va
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/f")" == 3 "records"
	[ ! -s "$piped" ]
}

@test "each line is in the pipe before the next packet comes" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	cat "$BATS_TEST_TMPDIR/pipe" > "$BATS_TEST_TMPDIR/piped" 3>&- &
	helpers+=($!)
	output=$BATS_TEST_TMPDIR/pipe start one -l va
	local count
	for count in 1 2 3 4 5; do
		ns send vb
		wait_until eval '[ "$(grep -c 88b5 "$BATS_TEST_TMPDIR/piped")" = $count ]'
	done
	stop one INT
	expect "$status" == 0 "exit status"
}

@test "who pipes a capture into grep learns how to get lines" {
	"${NS[@]}" "$RAWCAP" -c 3 va 2> "$BATS_TEST_TMPDIR/one.err" 3>&- | grep -c nothing > /dev/null 3>&- &
	wait_until bound_or_ended 0 "$!"
	ns send -c 3 vb
	wait_until ended "$!"
	grep -qE 'rawcap: .*(-l|--print)' "$BATS_TEST_TMPDIR/one.err"
}
