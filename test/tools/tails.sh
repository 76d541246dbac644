#!/usr/bin/env bash
# How many of 96 packets are in the file when a capture is interrupted right behind the last of them:
# rawcap, tcpdump, and tcpdump with the options that are said to help. Medians of ROUNDS (7), in a
# network namespace of its own. Needs root, and tcpdump.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
PATH=$here/../../build/test:$PATH:/usr/sbin
rawcap=${RAWCAP:-$here/../../rawcap}
rounds=${1:-7}

if [ -z "${TAILS_INSIDE:-}" ]; then
	# shellcheck source=test/setup_suite.bash disable=SC1091
	. "$here/../setup_suite.bash"
	setup_suite
	TAILS_INSIDE=1 exec unshare -n "$0" "$@"
fi

file=$(mktemp)
trap 'rm "$file"' EXIT
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link add va type veth peer name vb
ip link set va up
ip link set vb up
until [[ $(ip link show va) == *"state UP"* ]]; do sleep 0.02; done

# kept COMMAND...: what one capture has kept.
kept() {
	"$@" 2> /dev/null &
	until grep -q ' 0003 ' /proc/net/packet; do
		kill -0 $! || { echo "$1 does not start here (tcpdump needs root)" >&2; exit 1; }
		sleep 0.02
	done
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
