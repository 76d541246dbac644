#!/usr/bin/env bash
# How exactly a capture ends with its packet, in a network namespace of its own.
#
#	until.sh exact RUNS [PROGRAM]	the packet that matches --until must be the last of the file, at
#					100,000 frames a second, with a ring and without in turn
#	until.sh after RUNS [PROGRAM]	--after 1: how far the time from that packet to the last one is
#					from a second, at 1,000 frames a second, the worst of all runs
set -euo pipefail

# shellcheck source=test/tools/wire.bash disable=SC1091
. "$(dirname "$0")/wire.bash"
kind=$1 runs=$2
program=$(realpath "${3:-$tools/../../rawcap}")

# begin NUMBER ARGUMENT...: a capture until frame NUMBER of send.
begin() {
	"$program" "${@:2}" --nano -w "$dir/one.pcap" --until "ether proto 0x88b5 and ether[14:4] = $1" va 2> "$dir/err" &
	pid=$!
	until_bound $pid
}

bad=0 dropped=0 worst=0
for ((run = 1; run <= runs; run++)); do
	buffer=$((run % 2 ? 2048 : 0))
	if [ "$kind" = exact ]; then
		number=$((500 + RANDOM % 1500))
		begin $number -B $buffer
		send -c 2500 -r 100000 vb > /dev/null
		wait $pid || echo "run $run: exit $?"
		drops=$(last "$dir/err" dropped)
		dropped=$((dropped + drops))
		last=$(pcapread "$dir/one.pcap" | tail -n 1 | cut -d ' ' -f 4 | cut -c 29-36)
		if [ "$((0x$last))" != $number ] || [ $(($(pcapread -c "$dir/one.pcap") + drops)) != $((number + 1)) ]; then
			bad=$((bad + 1))
			echo "run $run: frame $number, the last one is $((0x$last)), drops $drops"
		fi
	else
		begin 100 -B $buffer --after 1
		send -c 0 -r 1000 vb > /dev/null &
		wait $pid || echo "run $run: exit $?"
		kill $!
		wait $! || true
		worst=$(pcapread "$dir/one.pcap" | sed 1d | awk -v worst="$worst" '
			substr($4, 29, 8) == "00000064" { start = $1 }
			END { d = $1 - start - 1; d = d < 0 ? -d : d; print (d > worst ? d : worst) }')
	fi
done
if [ "$kind" = exact ]; then
	echo "exact: $runs runs, $bad of them bad, frames counted as dropped: $dropped"
else
	echo "after: $runs runs, at most $worst s off"
fi
[ $bad = 0 ]
