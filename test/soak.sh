#!/usr/bin/env bash
# Hours of what a capture goes through in the field, in minutes: traffic of all sizes and rates, flaps,
# the interface deleted and made again, rotation, a SIGSTOP of a second. One capture lives through all
# of it. Shorter ones come and go beside it, with a ring and without, as pcap and as pcapng: into files,
# into rotated files, until a packet, into pipes whose readers are slow, late, stuck or die; ended by
# one signal, by two 0 to 20 ms apart, or by timeout(1). After each round the books of every capture
# must balance: sent = in its files + told as dropped (and, of a reader stuck to the end, as lost).
# Every file must be strictly valid, and the long one's resident memory stay the same to the page.
#
#	test/soak.sh [MINUTES]	(10)	SEED=N repeats a run's choices
set -euo pipefail

# shellcheck source=test/tools/wire.bash disable=SC1091
. "$(dirname "$0")/tools/wire.bash"
: "${RAWCAP:=$tools/../../rawcap}" "${SEED:=$RANDOM}"
RAWCAP=$(realpath "$RAWCAP")
minutes=${1:-10}

for judge in capinfos editcap tcpdump; do
	command -v $judge > /dev/null || { echo "soak: no $judge (apt install tcpdump wireshark-common)" >&2; exit 2; }
done

long=
ended() { ! kill -0 "$1" 2> /dev/null; }
at_exit() {
	[ -z "$long" ] || kill -KILL "$long" 2> /dev/null || true
	umount -l "$dir"
	rmdir "$dir"
}
trap at_exit EXIT
mount -t tmpfs -o size=256m,mode=777 none "$dir"

fail() {
	[ -z "${short:-}" ] || kill -KILL "$short" 2> /dev/null || true
	echo "soak: FAILED in round $rounds (SEED=$SEED): $*" >&2
	tail -n 20 "$dir"/*.err >&2
	exit 1
}

# wait_until SECONDS COMMAND...
wait_until() {
	local i
	for ((i = 0; i < $1 * 50; i++)); do
		"${@:2}" && return
		sleep 0.02
	done
	fail "waited $1 s for: ${*:2}"
}

# For wait_until: N packet sockets are bound to va as it is now.
captures() {
	local number
	number=$(cat /sys/class/net/va/ifindex 2> /dev/null || ip -o link show va | cut -d : -f 1)
	[ "$(awk -v n="$number" '$4 == "0003" && $5 == n' /proc/net/packet | wc -l)" -ge "$1" ]
}

# --- the books ---

sent=0 captured=0 dropped=0 in_files=0 files=0 rounds=0 returns=0 flaps=0 stops=0
short_runs=0 short_sent=0 short_in_files=0 short_dropped=0 short_lost=0 second_signals=0 untils=0 dead=0

# counts: asks the long capture, sets captured and dropped.
counts() {
	: > "$dir/long.err"
	kill -USR1 "$long" || fail "the long capture has ended"
	wait_until 10 grep -q 'dropped by kernel' "$dir/long.err"
	captured=$(last "$dir/long.err" captured)
	dropped=$(last "$dir/long.err" dropped)
}

balanced() {
	counts
	[ $((captured + dropped)) = "$sent" ]
}

# Takes the finished files (all but the newest; with "all" that too): each is strictly valid.
collect() {
	local file count number
	while number=${files/#0/} file=$dir/long$number; do
		[ -e "$file" ] || break
		[ "${1:-}" = all ] || [ -e "$dir/long$((files + 1))" ] || break
		count=$(pcapread -c "$file") || fail "$file is not whole"
		[ "$(stat -c %s "$file")" -le 4194304 ] || fail "$file is larger than -C says"
		in_files=$((in_files + count)) files=$((files + 1))
		rm "$file"
	done
}

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$long/status"; }

# --- what happens ---

# below N: sets number to a random one.
below() { number=$(((RANDOM << 15 | RANDOM) % $1)); }

# plan_burst: traffic of random size, rate and length. Sets planned, size and rate.
plan_burst() {
	below 1450; size=$((64 + number))
	rate=()
	below 4
	case $number in
	0) below 60000; planned=$((20000 + number)) ;;	# flat out
	1) below 20000; planned=$((5000 + number)) rate=(-r $((planned * 2))) ;;
	2) below 1000; planned=$((10 + number)) rate=(-r $((planned + 200))) ;;
	3) below 150000; planned=$((50000 + number)) size=64 rate=(-r 150000) ;;
	esac
}

# send_burst: what was planned; adds to sent, and sets burst to what it was.
send_burst() {
	burst=$(send -c "$planned" -s "$size" "${rate[@]}" vb) || fail "send"
	sent=$((sent + burst))
}

burst() {
	plan_burst
	send_burst
}

# --- captures beside the long one ---

# begin_short ARGUMENT...: one that writes to $out. The array launcher is a command in front of it. HUP
# ends it, also where nohup(1) runs the soak.
begin_short() {
	local options=(-s 512)
	below 3; options+=(-B $((number * 1024)))
	below 3; format=pcap
	[ $number != 0 ] || { format=pcapng; options+=(--pcapng); }
	launch -d 1 "${launcher[@]}" "$RAWCAP" "${options[@]}" "$@" va > "$out" 2> "$dir/short.err" &
	short=$!
	wait_until 10 captures 2
}

# signal_short: one signal, or a second one 0 to 20 ms behind it: HUP twice is a lost terminal, INT twice
# a Ctrl-C that a script hands on. The process may have ended before the second.
signal_short() {
	local signals=(INT TERM HUP)
	below 3; kill -s "${signals[number]}" "$short"
	below 4; [ $number != 0 ] || return 0
	below 21; sleep 0.0"$(printf %02d $number)"
	below 3; kill -s "${signals[number]}" "$short" 2> /dev/null || true
	second_signals=$((second_signals + 1))
}

# records_of FILE...: in all of them; an error where one is not whole.
records_of() {
	local file sum=0
	if [ $format = pcapng ]; then
		capinfos -TrcM "$@" | awk '{ sum += $2 } END { print sum }'
		return
	fi
	for file; do
		sum="$sum + $(pcapread -c "$file")" || return
	done
	echo $((sum))
}

# told TEXT: a number of packets that the short capture tells in a line with this text, 0 without one.
told() { sed -n "s/^rawcap: .*: \(.*, \)\{0,1\}\([0-9]*\) packets* $1.*/\2/p" "$dir/short.err" | grep . || echo 0; }

# end_short PATIENT FILE: it has been told to end; its reader too, if it has one (reader=PID). FILE, and
# FILE1, FILE2 ... if there are any, are what it wrote. With PATIENT=no it may have given up its reader:
# then what the reader has not got is told.
end_short() {
	local patient=$1 status=0 in drops lost
	wait_until 20 ended "$short"
	wait "$short" || status=$?
	[ -z "$reader" ] || { kill -CONT "$reader" 2> /dev/null || true; wait "$reader"; }
	in=$(last "$dir/short.err" captured) drops=$(last "$dir/short.err" dropped)
	lost=$(($(told lost) + $(told missing)))
	[ $lost = 0 ] || [ "$patient" = no ] || fail "the short capture lost $lost packets"
	[ $status = $((lost > 0)) ] || fail "the short capture's exit $status with $lost packets lost"
	[ $((in + drops + lost)) = "$burst" ] || fail "the short capture's books: $burst sent"
	[ "$(records_of "$2"*)" = "$in" ] || fail "the short capture's files"
	short_runs=$((short_runs + 1)) short_sent=$((short_sent + burst)) short_in_files=$((short_in_files + in))
	short_dropped=$((short_dropped + drops)) short_lost=$((short_lost + lost))
}

# reader KIND: a capture into a pipe: its reader is slow, late, stuck for 2.5 s, or to the end.
reader() {
	local stall=
	mkfifo "$out"
	case $1 in
	late) (sleep 0.5; exec cat "$out" > "$dir/copy") & ;;
	*) cat "$out" > "$dir/copy" & ;;
	esac
	reader=$!
	begin_short
	case $1 in
	slow)
		for _ in 1 2 3 4 5 6; do
			kill -STOP $reader 2> /dev/null || break
			sleep 0.1
			kill -CONT $reader
			sleep 0.02
		done &
		stall=$!
		;;
	stuck)
		kill -STOP $reader
		(sleep 2.5; kill -CONT $reader) &
		stall=$!
		;;
	never) kill -STOP $reader ;;
	esac
	burst
	[ -z "$stall" ] || wait $stall
	signal_short
	end_short "$([ $1 = never ] && echo no)" "$dir/copy"
}

# A capture whose reader dies: it ends with exit 1, though nothing comes any more.
dead_reader() {
	local status=0
	mkfifo "$out"
	below 300000; head -c $((number + 100)) "$out" > /dev/null & reader=$!
	begin_short
	burst
	kill $reader 2> /dev/null || true
	wait $reader || true
	wait_until 10 ended "$short"
	wait "$short" || status=$?
	[ $status = 1 ] || fail "exit $status with a reader that died"
	dead=$((dead + 1))
}

file() {
	begin_short
	burst
	signal_short
	end_short yes "$out"
}

# Its time is over: timeout(1) signals the process and then its group.
timed() {
	launcher=(timeout --preserve-status -s TERM 60)
	begin_short
	burst
	kill -ALRM "$short"
	end_short yes "$out"
}

rotation() {
	begin_short -w "$dir/rotated" -C 1m
	burst
	signal_short
	end_short yes "$dir/rotated"
}

# A capture that ends with the first packet it takes of number WANTED and above, by itself. If all of
# them were dropped, others come.
until_packet() {
	local wanted count last
	plan_burst
	below "$planned"; wanted=$number
	begin_short --until "ether proto 0x88b5 and ether[14:4] >= $wanted"
	send_burst
	until ended "$short"; do
		sleep 0.1
		send vb "$(printf '02000000000a02000000000b88b5%08x' "$burst")" > /dev/null
		burst=$((burst + 1)) sent=$((sent + 1))
	done
	wait "$short" || fail "exit $? of --until"
	[ $format = pcap ] || { editcap -F pcap "$out" "$dir/copy"; out=$dir/copy; }
	read -r count _ last _ < <(pcapread -q 14 "$out")
	[ "$count" = "$(last "$dir/short.err" captured)" ] || fail "the records of --until"
	[ "$last" -ge "$wanted" ] || fail "--until $wanted ended with $last"
	[ "$(tcpdump -r - --count "ether[14:4] >= $wanted" < "$out" 2> /dev/null)" = "1 packet" ] ||
		fail "--until $wanted took more than one"
	[ $((last + 1 - count)) -le "$(last "$dir/short.err" dropped)" ] || fail "the books of --until"
	untils=$((untils + 1))
}

# beside COMMAND...: with a short capture of its own.
beside() {
	launcher=() out=$dir/one reader=
	rm -f "$dir"/{one,copy,rotated}*
	"$@"
}

round() {
	below 15
	case $number in
	0 | 1) burst ;;
	2)	# held up while traffic comes
		kill -STOP "$long"
		(sleep 1; kill -CONT "$long") &
		burst
		wait $!
		stops=$((stops + 1))
		;;
	3)	# a flap
		ip link set va down
		sleep 0.1
		ip link set va up
		wait_until 5 link_is_up va
		flaps=$((flaps + 1))
		burst
		;;
	4)	# away and back
		burst
		wait_until 20 balanced
		ip link del va
		sleep 0.2
		make_wire
		wait_until 10 captures 1
		returns=$((returns + 1))
		burst
		;;
	5)	# a storm of signals
		for _ in {1..50}; do
			kill -USR2 "$long"
		done
		burst
		;;
	6) beside reader slow ;;
	7) beside reader late ;;
	8) beside reader stuck ;;
	9) beside reader never ;;
	10) beside dead_reader ;;
	11) beside file ;;
	12) beside timed ;;
	13) beside rotation ;;
	14) beside until_packet ;;
	esac
}

# --- the run ---

RANDOM=$SEED
"$RAWCAP" --wait -w "$dir/long" -C 4m -s 512 va > /dev/null 2>> "$dir/long.err" &
long=$!
wait_until 10 captures 1
begin=$SECONDS shown=$SECONDS resident=
echo "soak: $minutes minutes, SEED=$SEED, $("$RAWCAP" --version), Linux $(uname -r)"
while [ $((SECONDS - begin)) -lt $((minutes * 60)) ]; do
	rounds=$((rounds + 1))
	round
	wait_until 20 balanced
	collect
	# everything has happened a few times by then; from there on no page more
	[ $rounds != 80 ] || resident=$(rss)
	[ -z "$resident" ] || [ "$(rss)" = "$resident" ] || fail "resident: $resident KiB before, $(rss) KiB now"
	if [ $((SECONDS - shown)) -ge 60 ]; then
		shown=$SECONDS
		echo "$(((SECONDS - begin) / 60)) min: $rounds rounds, $sent sent = $captured captured + $dropped dropped," \
			"$files files, $(rss) KiB resident"
	fi
	below 3
	sleep 0.$number
done
memory=$(rss)
kill -INT "$long"
status=0
wait "$long" || status=$?
long=
[ $status = 0 ] || fail "exit $status at the end"
[ $(($(last "$dir/long.err" captured) + $(last "$dir/long.err" dropped))) = $sent ] || fail "the last summary"
collect all
[ $in_files = "$(last "$dir/long.err" captured)" ] || fail "$in_files records in all files"
echo "soak: passed: $rounds rounds, $sent sent = $in_files in $files files + $(last "$dir/long.err" dropped) dropped;" \
	"$flaps flaps, $returns times away and back, $stops stops of 1 s; $memory KiB resident throughout"
echo "soak: beside it $short_runs captures, $short_sent sent = $short_in_files in files + $short_dropped dropped +" \
	"$short_lost told as lost; $second_signals second signals, $untils with --until, $dead dead readers"
