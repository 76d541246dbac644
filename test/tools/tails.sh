#!/usr/bin/env bash
# How many of 96 packets are in the file when a capture is interrupted right behind the last of them:
# rawcap, tcpdump, and tcpdump with the options that are said to help. Medians of ROUNDS (7), in a
# network namespace of its own. Needs root, and tcpdump.
set -euo pipefail

# shellcheck source=test/tools/wire.bash disable=SC1091
. "$(dirname "$0")/wire.bash"
rawcap=$(realpath "${RAWCAP:-$tools/../../rawcap}")
rounds=${1:-7}
file=$dir/one.pcap

# kept COMMAND...: what one capture has kept.
kept() {
	"$@" 2> "$dir/err" &
	until_bound $!
	sleep 0.2
	send -c 96 vb > /dev/null
	kill -INT $!
	wait $! || true
	pcapread -c "$file"
}

# median NAME COMMAND...: a line.
median() {
	local name=$1 round
	shift
	for ((round = 0; round < rounds; round++)); do
		kept "$@"
	done | sort -n | awk -v name="$name" '{ n[NR] = $1 } END { printf "%-26s %d of 96\n", name, n[int((NR + 1) / 2)] }'
}

median "rawcap" "$rawcap" -w "$file" va
median "tcpdump" tcpdump -Z root -i va -w "$file"
median "tcpdump -U" tcpdump -Z root -U -i va -w "$file"
median "tcpdump --immediate-mode" tcpdump -Z root --immediate-mode -i va -w "$file"
