#!/usr/bin/env bash
# Hours of what a capture goes through in the field, in minutes: traffic of all sizes and rates, flaps,
# the interface deleted and made again, rotation, SIGSTOPs, readers that are slow or die. One capture
# lives through all of it. After each round the books must balance: sent = captured + dropped. Every
# file must be strictly valid, their records sum up to what was captured, and resident memory stay
# the same to the page.
#
#	test/soak.sh [MINUTES]	(10)	SEED=N repeats a run's choices
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
: "${RAWCAP:=$here/../rawcap}" "${SEED:=$RANDOM}"
RAWCAP=$(realpath "$RAWCAP")
PATH=$here/../build/test:$PATH
minutes=${1:-10}

if [ -z "${SOAK_INSIDE:-}" ]; then
	# shellcheck source=test/setup_suite.bash
	. "$here/setup_suite.bash"
	setup_suite
	flags=(-n -m)
	[ "$(id -u)" = 0 ] || flags+=(-U -r)
	RAWCAP=$RAWCAP SEED=$SEED SOAK_INSIDE=1 exec unshare "${flags[@]}" "$0" "$@"
fi

dir=$(mktemp -d)
long=
ended() { ! kill -0 "$1" 2> /dev/null; }
at_exit() {
	[ -z "$long" ] || kill -KILL "$long" 2> /dev/null || true
	umount -l "$dir"
	rmdir "$dir"
}
trap at_exit EXIT
mount -t tmpfs -o size=256m,mode=777 none "$dir"
for scope in all default; do
	[ ! -e /proc/sys/net/ipv6/conf/$scope ] || echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6
done

fail() {
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

link_is_up() { [[ $(ip link show "$1" 2> /dev/null) == *"state UP"* ]]; }

make_link() {
	ip link add va type veth peer name vb
	ip link set va up
	ip link set vb up
	wait_until 5 link_is_up va
	wait_until 5 link_is_up vb
}

# For wait_until: N packet sockets are bound to va as it is now.
captures() {
	local number
	number=$(cat /sys/class/net/va/ifindex 2> /dev/null || ip -o link show va | cut -d : -f 1)
	[ "$(awk -v n="$number" '$4 == "0003" && $5 == n' /proc/net/packet | wc -l)" -ge "$1" ]
}

# --- the books ---

sent=0 captured=0 dropped=0 in_files=0 files=0 rounds=0 readers=0 returns=0 flaps=0 stops=0

# last FILE WHAT: the last figure that a summary in FILE has for it.
last() { sed -n "s/^\([0-9]*\) packets* $2.*/\1/p" "$1" | tail -n 1; }

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

# burst: traffic of random size, rate and length; adds to sent, and sets burst to what it was.
burst() {
	local size rate=() count
	below 1450; size=$((64 + number))
	below 4
	case $number in
	0) below 60000; count=$((20000 + number)) ;;	# flat out
	1) below 20000; count=$((5000 + number)) rate=(-r $((count * 2))) ;;
	2) below 1000; count=$((10 + number)) rate=(-r $((count + 200))) ;;
	3) below 150000; count=$((50000 + number)) size=64 rate=(-r 150000) ;;
	esac
	burst=$(send -c "$count" -s "$size" "${rate[@]}" vb) || fail "send"
	sent=$((sent + burst))
}


# reader KIND: another capture, into a pipe: its reader is slow, late, or dies.
reader() {
	local capture cat status=0
	readers=$((readers + 1))
	rm -f "$dir/fifo"
	mkfifo "$dir/fifo"
	case $1 in
	dies) below 300000; head -c $((number + 100)) "$dir/fifo" > "$dir/copy" & cat=$! ;;
	late) (sleep 0.5; exec cat "$dir/fifo" > "$dir/copy") & cat=$! ;;
	*) cat "$dir/fifo" > "$dir/copy" & cat=$! ;;
	esac
	"$RAWCAP" -s 512 va > "$dir/fifo" 2> "$dir/short.err" &
	capture=$!
	wait_until 10 captures 2
	if [ "$1" = slow ]; then
		for _ in 1 2 3 4 5 6; do
			kill -STOP $cat 2> /dev/null || break
			sleep 0.1
			kill -CONT $cat
			sleep 0.02
		done &
	fi
	burst
	if [ "$1" = dies ]; then
		kill $cat 2> /dev/null || true
		wait $cat || true
		wait_until 10 ended $capture
		wait $capture || status=$?
		[ $status = 1 ] || fail "exit $status with a reader that died"
		return
	fi
	sleep 0.05
	kill -INT $capture
	wait $capture || status=$?
	wait $cat
	[ $status = 0 ] || fail "exit $status with a reader that is $1"
	[ $(($(last "$dir/short.err" captured) + $(last "$dir/short.err" dropped))) = "$burst" ] ||
		fail "the short capture's books: $burst sent"
	[ "$(pcapread -c "$dir/copy")" = "$(last "$dir/short.err" captured)" ] || fail "the reader's copy"
}

round() {
	below 10
	case $number in
	0 | 1 | 2) burst ;;
	3)	# held up while traffic comes
		kill -STOP "$long"
		(sleep 0.3; kill -CONT "$long") &
		burst
		wait $!
		stops=$((stops + 1))
		;;
	4)	# a flap
		ip link set va down
		sleep 0.1
		ip link set va up
		wait_until 5 link_is_up va
		flaps=$((flaps + 1))
		burst
		;;
	5) reader slow ;;
	6) reader late ;;
	7) reader dies ;;
	8)	# away and back
		burst
		wait_until 10 balanced
		ip link del va
		sleep 0.2
		make_link
		wait_until 10 captures 1
		returns=$((returns + 1))
		burst
		;;
	9)	# a storm of signals
		for _ in {1..50}; do
			kill -USR2 "$long"
		done
		burst
		;;
	esac
}

# --- the run ---

make_link
RANDOM=$SEED
"$RAWCAP" --wait -w "$dir/long" -C 4m -s 512 va > /dev/null 2>> "$dir/long.err" &
long=$!
wait_until 10 captures 1
begin=$SECONDS shown=$SECONDS resident=
echo "soak: $minutes minutes, SEED=$SEED, $("$RAWCAP" --version), Linux $(uname -r)"
while [ $((SECONDS - begin)) -lt $((minutes * 60)) ]; do
	rounds=$((rounds + 1))
	round
	wait_until 10 balanced
	collect
	# everything has happened a few times by then; from there on no page more
	[ $rounds != 40 ] || resident=$(rss)
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
	"$flaps flaps, $returns times away and back, $stops stops, $readers other readers; $memory KiB resident throughout"
