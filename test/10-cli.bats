#!/usr/bin/env bats
# The command line: what is understood, what is refused, and how.
load cli

# --- help and version ---

@test "no arguments: a line on stderr says what is missing, exit 2, no socket" {
	wrong INTERFACE
	wrong INTERFACE -p
	wrong INTERFACE --
}

@test "-h and --help: the same text on stdout, exit 0, no socket, every option in it" {
	requires strace
	strace -qq -e trace=socket -o "$BATS_TEST_TMPDIR/trace" "$RAWCAP" -h > "$BATS_TEST_TMPDIR/h" 3>&-
	"$RAWCAP" --help > "$BATS_TEST_TMPDIR/help"
	cmp "$BATS_TEST_TMPDIR/h" "$BATS_TEST_TMPDIR/help"
	expect "$(stat -c %s "$BATS_TEST_TMPDIR/trace")" == 0 "sockets opened"
	local option
	for option in -i -c -s -p -Q -B -D -v -q -U -l -n -y --nano --micro -h --version; do
		grep -qE -e "(^|[ ,(;])$option([ ,:;)]|$)" "$BATS_TEST_TMPDIR/h" || {
			echo "-h does not mention $option"
			false
		}
	done
}

@test "-h fits a rescue shell's screen with its prompt: 80 columns, at most 23 lines" {
	run -0 awk 'length > 80' <("$RAWCAP" -h)
	[ "$output" = "" ]
	expect "$("$RAWCAP" -h | wc -l)" "<=" 23 "lines"
}

@test "the README has the text of -h" {
	local line
	"$RAWCAP" -h > "$BATS_TEST_TMPDIR/h"
	while IFS= read -r line; do
		grep -qxF -e "$line" "$BATS_TEST_DIRNAME/../README.md" || {
			echo "not in README.md: $line"
			false
		}
	done < "$BATS_TEST_TMPDIR/h"
}

@test "--version: one line with a number on stdout, exit 0, no socket" {
	requires strace
	run -0 --separate-stderr strace -qq -e trace=socket -o "$BATS_TEST_TMPDIR/trace" \
		"$RAWCAP" --version
	[[ $output =~ ^rawcap\ [0-9]+(\.[0-9]+)+$ ]]
	expect "$(stat -c %s "$BATS_TEST_TMPDIR/trace")" == 0 "sockets opened"
}

@test "-h and --version into a full device fail with exit 1" {
	[ -c /dev/full ] || cannot_run "no /dev/full"
	run -1 bash -c '"$RAWCAP" -h > /dev/full'
	run -1 bash -c '"$RAWCAP" --version > /dev/full'
}

@test "-D lists every interface and any, one a line, exit 0" {
	ns ip link add name vc1234567890123 type veth peer name vd
	run_rawcap -D
	expect "$status" == 0 "exit status"
	local name
	for name in va vb vc1234567890123 vd lo any; do
		expect "$(grep -cw "$name" "$(pcap run)")" == 1 "lines with $name"
	done
}

@test "-D needs no right at all" {
	launcher=(setpriv --bounding-set=-all --inh-caps=-all)
	requires setpriv
	status=0
	"${NS[@]}" "${launcher[@]}" "$RAWCAP" -D > "$(pcap run)" || status=$?
	expect "$status" == 0 "exit status"
	grep -qw va "$(pcap run)"
}

@test "-D shows no byte of a name that could play tricks on the terminal" {
	ns ip link add name $'x\e[31mY' type veth peer name vd
	run_rawcap -D
	run -1 grep -q $'\e' "$(pcap run)"
	grep -qF 'x?[31mY' "$(pcap run)"
}

@test "-D with a reader that cannot take it fails with exit 1" {
	[ -c /dev/full ] || cannot_run "no /dev/full"
	status=0
	ns "$RAWCAP" -D > /dev/full || status=$?
	expect "$status" == 1 "exit status"
}

# --- options ---

@test "each option alone, with its value joined or separate" {
	understood -c1 va
	understood -c 1 va
	understood -c 1 -i va
	understood -c 1 -iva
	understood -c 1 -s100 va
	understood -c 1 -s 100 va
	understood -c 1 -p va
	understood -c 1 -Qin va
	understood -c 1 -Q inout va
	understood -c 1 -B0 va
	understood -c 1 -B 512 va
	understood -c 1 -v va
	understood -c 1 -q va
	understood -c 1 -U va

	understood -c 1 -n va
	understood -c 1 -nn va
	understood -c 1 -y EN10MB va
	understood -c 1 -yen10mb va
	understood -c 1 --nano va
	understood -c 1 --micro va
}

@test "options are bundled, the last one takes a value joined or separate" {
	understood -pc1 va
	understood -pc 1 va
	understood -pUnnqc1 va
	understood -nUs0 -pc1 -iva
	understood -nUpiva -c1
}

@test "-- ends the options, also before a name that starts with a dash" {
	understood -c 1 -- va
	ns ip link add name vc type veth peer name vd
	ns ip link set dev vc name -c
	ns ip link set dev -c up
	ns ip link set dev vd up
	start dash -- -c
	stop dash INT
	expect "$status" == 0 "exit status"
	start dash -i -c
	stop dash INT
	expect "$status" == 0 "exit status"
}

@test "the last of an option given twice counts" {
	understood -c 7 -c 1 va
	start one --nano --micro -s 50 -s 60 -c 1 va
	ns send -c 1 vb
	finish one
	[[ $(pcapread "$(pcap one)") == "header native usec snaplen 60 "* ]]
}

@test "an option that does not exist is named" {
	wrong "-Y" -Y va
	wrong "Y" -pY va
	wrong "-%" -% va
	wrong "--nonsense" --nonsense va
	wrong "--nanos" --nanos va
	wrong "--nano=1" --nano=1 va
	wrong "---" --- va
}

@test "an option without its value is named" {
	local option
	for option in -i -c -s -Q -B -y; do
		wrong "$option" "$option"
		wrong "$option" "-p$option" || wrong "${option#-}" "-p${option#-}"
	done
}

@test "directions and link types that do not exist are named" {
	wrong "sideways" -Q sideways va
	wrong "inn" -Q inn va
	wrong "IN" -Q IN va
	wrong "" -Q "" va
	wrong "NONSENSE" -y NONSENSE va
	wrong "EN10M" -y EN10M va
	wrong "" -y "" va
}

@test "-y with a link type that the interface cannot have is refused before anything is written" {
	run_rawcap -y RAW va
	silently_failed 2 RAW
	run_rawcap -y LINUX_SLL2 lo
	silently_failed 2 LINUX_SLL2
	run_rawcap -y EN10MB any
	silently_failed 2 EN10MB
}

# --- numbers ---

@test "a number that is none is named: empty, signs, blanks, letters, hex, fractions" {
	local option word
	for option in -c -s -B; do
		for word in -1 +1 1x x " 1" "1 " 0x10 1e3 1.5 1,5; do
			wrong "$word" "$option" "$word" va
		done
		for word in "" $'1\n' ٣ $'1\xff'; do
			wrong number "$option" "$word" va
		done
	done
}

@test "a number too large is refused, not wrapped" {
	local option word
	for option in -c -s -B; do
		for word in 18446744073709551616 18446744073709551617 18446744073709555712 \
			340282366920938463463374607431768211457; do
			wrong "$word" "$option" "$word" va
		done
	done
	for word in 262145 2147483648 4294967296 4294967396 9223372036854775808; do
		wrong "$word" -s "$word" va
	done
	for word in 4194304 4294967296 4294969344 18014398509481984 18014398509483008; do
		wrong "$word" -B "$word" va
	done
	wrong 0 -c 0 va
}

@test "a number of 100,000 digits is refused in a line" {
	local digits
	digits=$(printf '9%.0s' {1..100000})
	wrong 99999 -c "$digits" va
	expect "${#err}" "<" 1000 "length of the message"
	wrong 19999 -s "1$digits" va
	wrong 00000 -B "${digits//9/0}x" va
}

@test "-c takes the largest numbers as they are: 2^32 and 2^32+1 are not 0 and 1" {
	local count
	for count in 4294967295 4294967296 4294967297 9223372036854775809 18446744073709551615; do
		start "c$count" -c "$count" va
	done
	ns send -c 3 vb
	for count in 4294967295 4294967296 4294967297 9223372036854775809 18446744073709551615; do
		stop "c$count" INT
		expect "$status" == 0 "exit status with -c $count"
		expect "$(records "c$count")" == 3 "records with -c $count"
	done
}

@test "-s 262144 and -s 0 are the largest snaplen, -s 1 the smallest" {
	local pair
	for pair in 262144:262144 0:262144 1:1; do
		start one -s "${pair%:*}" va
		stop one INT
		[[ $(pcapread "$(pcap one)") == "header native usec snaplen ${pair#*:} linktype 1" ]]
	done
}

# --- interface names ---

@test "names that the kernel would bend are refused: empty, with / or blanks" {
	local name
	for name in "" ../va a/b /va " va" "va " $'va\n' $'va\t' . ..; do
		wrong "" "$name"
		wrong "" -i "$name"
	done
	wrong ../va ../va
}

@test "a name of 16 characters and more that is no alternative name is refused, not cut to one that exists" {
	local name
	ns ip link add name abcdefghijklmno type veth peer name vc
	for name in abcdefghijklmnop abcdefghijklmnopq; do
		run_rawcap "$name"
		silently_failed 2 "rawcap: $name"
		run_rawcap -i "$name"
		silently_failed 2 "rawcap: $name"
	done
}

@test "a name of 15 characters, the longest, is captured" {
	ns ip link add name abcdefghijklmno type veth peer name vc
	ns ip link set abcdefghijklmno up
	ns ip link set vc up
	start long -c 1 abcdefghijklmno
	ns send vc
	finish long
	expect "$(records long)" == 1 "records"
}

@test "unprintable bytes of a word play no tricks on a terminal" {
	local byte
	for byte in 01 07 08 0a 0d 1b 7f 80 9b c3 ff; do
		run_rawcap "$(printf '%b' "v\\x${byte}[31mx")"
		silently_failed "$status" "rawcap: v"
		expect "$status" != 0 "exit status"
		printable
	done
	run_rawcap $'-\x1b'
	printable
	run_rawcap $'--\x1b[2J'
	printable
	run_rawcap -Q $'\x1b[2J' va
	printable
	run_rawcap -y $'\x1b[2J' va
	printable
	run_rawcap -c $'1\rrawcap: all is well' va
	printable
}

@test "an interface that does not exist: its name and the reason, exit 1, nothing on stdout" {
	run_rawcap nosuch0
	silently_failed 1 "rawcap: nosuch0: no such interface"
	run_rawcap -B 0 -i nosuch0
	silently_failed 1 "rawcap: nosuch0: no such interface"
}

@test "an interface of another network namespace does not exist here" {
	ns ip link add name vc type veth peer name vd
	namespace
	run_rawcap vc
	silently_failed 1 "rawcap: vc: no such interface"
}

@test "a single argument of 128 KiB is refused in one short line" {
	local word
	word=$(printf 'x%.0s' {1..131000})
	wrong xxx "$word"
	expect "${#err}" "<" 1000 "length of the message"
	wrong xxx -i "$word"
	wrong xxx "--$word"
	wrong xxx -Q "$word" va
}

@test "an empty argument vector is a usage error, not a crash" {
	run -2 --separate-stderr ns launch -0 "$RAWCAP"
	[ "$output" = "" ]
	[[ $stderr == "rawcap: "*INTERFACE* ]]
}

# --- surroundings ---

@test "the environment makes no difference: none, a huge one, odd locale and time zone" {
	local huge
	huge=$(printf 'x%.0s' {1..100000})
	launcher=(env -i)
	start none -c 1 va
	launcher=(env TZ=:/dev/zero LC_ALL=xx_YY.UTF-7 LANG=$'\xff' "A=$huge" "B=$huge" "C=$huge" "D=$huge")
	start huge -c 1 va
	ns send vb
	finish none
	expect "$status" == 0 "exit status without an environment"
	local bare=$err
	finish huge
	expect "$status" == 0 "exit status with a huge environment"
	[ "$err" = "$bare" ]
	captured none "$(frames huge | cut -d ' ' -f 3)"
}

@test "without CAP_NET_RAW: exit 1, the line names it and both ways to get it, nothing on stdout" {
	requires setpriv
	status=0
	"${NS[@]}" setpriv --bounding-set=-net_raw --inh-caps=-net_raw "$RAWCAP" va \
		> "$(pcap run)" 2> "$BATS_TEST_TMPDIR/run.err" || status=$?
	log_end run
	silently_failed 1 CAP_NET_RAW
	expect "$(wc -l < "$BATS_TEST_TMPDIR/run.err")" == 1 "lines on stderr"
	says root
	says setcap
}

@test "CAP_NET_RAW alone is enough, for both input paths" {
	requires setpriv
	launcher=(setpriv --bounding-set=-all,+net_raw --inh-caps=-all)
	start_both -c 2 va
	ns send -c 2 vb
	finish_both 0
	expect "$(records ring)" == 2 "records"
}

# --- stderr ---

@test "a capture says nothing but that it listens, and its summary" {
	start one va
	ns send -c 3 vb
	stop one INT
	[ "$(cat "$BATS_TEST_TMPDIR/one.err")" = $'rawcap: listening on va, link-type EN10MB (Ethernet), snapshot length 2048 bytes\n3 packets captured\n3 packets received by filter\n0 packets dropped by kernel' ]
}

@test "the summary tells of packets cut, and what keeps them whole" {
	start one -s 40 va
	ns send -c 2 vb
	stop one INT
	says $'2 packets captured\n2 packets received by filter\n0 packets dropped by kernel\n'
	says "2 packets cut to 40 bytes"
	says "-s 0"
}

@test "-q: no summary" {
	start one -q va
	ns send -c 3 vb
	stop one INT
	expect "$status" == 0 "exit status"
	[ "$err" = "" ]
	expect "$(records one)" == 3 "records"
}

@test "-v: the running count on a terminal, once a second; not into a file" {
	requires script
	local log=$BATS_TEST_TMPDIR/terminal
	start file -v -c 4 va
	"${NS[@]}" script -qefc "exec '$RAWCAP' -v -c 4 va > '$(pcap one)'" /dev/null \
		< /dev/null > "$log" 3>&- &
	helpers+=($!)
	wait_until bound_or_ended 1 "$!"
	ns send -c 3 vb
	wait_until grep -aqE '(^|[^0-9])3 packets' "$log"
	ns send -c 1 vb
	wait_until ended "${helpers[0]}"
	finish file
	expect "$(grep -c 'captured' "$BATS_TEST_TMPDIR/file.err")" == 1 "counts in a file"
	run -1 grep -q $'\r' "$BATS_TEST_TMPDIR/file.err"
}

@test "-w - on a terminal is refused with the redirection to type, exit 2, no socket" {
	requires script strace
	local log=$BATS_TEST_TMPDIR/terminal trace=$BATS_TEST_TMPDIR/trace
	run -2 ns script -qec "exec strace -qq -e trace=socket -o $trace '$RAWCAP' -w - va" "$log"
	expect "$(stat -c %s "$trace")" == 0 "sockets opened"
	grep -aqF 'rawcap: stdout' "$log"
	grep -aqE 'rawcap [a-z0-9]+ > /' "$log"
}

# --- what others may make of it ---

@test "a command line as long as the kernel takes is no more than a wrong filter" {
	local word
	word=$(printf 'x%.0s' {1..120000})
	# shellcheck disable=SC2046 # as many words as that
	run_rawcap va "$word" "$word" "$word" "$word" "$word" $(printf 'y %.0s' {1..60000})
	expect "$status" == 2 "exit status"
	says 'rawcap: filter: '
}

@test "a filter that no interface could take opens nothing: no right is missed, no file touched" {
	wrong 'rawcap: filter: port 70000: not a port (column 6)' va port 70000
	wrong 'rawcap: filter: port 70000: not a port (column 6)' -r /nonexistent port 70000
	wrong 'rawcap: filter: ' --wait nonexistent bogus filter
}

@test "an interface's name may begin with a dot" {
	ns ip link add name .va type veth peer name vd
	ns ip link set .va up
	ns ip link set vd up
	start one -c 1 .va
	ns send vd
	finish one
	expect "$status" == 0 "exit status"
	wrong "rawcap: .: not an interface name" .
	wrong "rawcap: ..: not an interface name" ..
}

@test "what goes wrong with a file is said in words" {
	local name
	name=$(printf 'x%.0s' {1..300})
	ln -s loop "$BATS_TEST_TMPDIR/loop"
	run_rawcap -w /etc/passwd/x va
	silently_failed 1 'rawcap: /etc/passwd/x: not a directory'
	run_rawcap -w "$BATS_TEST_TMPDIR/$name" va
	silently_failed 1 ': name too long'
	run_rawcap -w "$BATS_TEST_TMPDIR/loop" va
	silently_failed 1 ': too many links'
	run_rawcap -w "$RAWCAP" va
	silently_failed 1 ': a running program'
}
