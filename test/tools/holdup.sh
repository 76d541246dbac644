#!/usr/bin/env bash
# What a capture loses while it is held up: a line for each case, with the packets sent, those in its
# file, and those that its kernel dropped, in a network namespace of its own.
#
#	holdup.sh CASE RING_KIB SIZE [PROGRAM [OPTION ...]]
#
#	stop	SIGSTOP for 1 s, at 150 packets a second (into a file)
#	stall	a reader of its pipe that takes nothing for 2.5 s, at 250 packets a second
#	sync	an fdatasync of 1 s at a rotation, at 600 packets a second
#
# SIZE: bytes of a frame. PROGRAM: ./rawcap, or another that takes the same options.
set -euo pipefail

# shellcheck source=test/tools/wire.bash disable=SC1091
. "$(dirname "$0")/wire.bash"
hold=$1 kib=$2 size=$3
program=$(realpath "${4:-$tools/../../rawcap}")
options=("${@:5}")

# started COMMAND...: in the background, to its packet socket being bound. Sets pid.
started() {
	"$@" 2> "$dir/err" &
	pid=$!
	until_bound $pid
	sleep 0.1
}

arguments=(-B "$kib" "${options[@]}" va)
case $hold in
stop)
	sent=150
	started "$program" "${arguments[@]}" > "$dir/one.pcap"
	kill -STOP $pid
	send -c 150 -r 150 -s "$size" vb > /dev/null
	kill -CONT $pid
	kill -INT $pid
	;;
stall)
	sent=800
	mkfifo "$dir/pipe"
	# a pipe holds 64 KiB; the reader starts late
	{ sleep 2.7; cat; } < "$dir/pipe" > "$dir/one.pcap" &
	reader=$!
	started "$program" "${arguments[@]}" > "$dir/pipe"
	send -c 800 -r 250 -s "$size" vb > /dev/null
	kill -INT $pid
	wait $reader
	;;
sync)
	sent=900
	# the second file begins while packets come; strace makes closing the first last a second
	kept_size=$((size < 2048 ? size : 2048))	# the default snaplen
	limit=$(((kept_size + 16) * 200 + 24))
	[ $limit -gt 20000 ] || limit=20000
	started strace -f -o /dev/null -e trace=fdatasync -e inject=fdatasync:delay_enter=1000000:when=1 \
		"$program" -w "$dir/one.pcap" -C $(((limit + 1023) / 1024))k "${arguments[@]}"
	send -c 900 -r 600 -s "$size" vb > /dev/null
	kill -INT "$(pgrep -P $pid)"
	;;
esac
wait $pid || true
kept=0
for file in "$dir"/one.pcap*; do
	kept=$((kept + $(pcapread -c "$file")))
done
printf '%-5s -B %-6s %5s bytes  sent %s kept %s lost %s\n' "$hold" "$kib" "$size" "$sent" "$kept" $((sent - kept))
