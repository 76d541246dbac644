#!/usr/bin/env bash
# What a packet costs: rawcap beside tcpdump -w, from a veth pair into a tmpfs file, sender on one
# core, capture on another, same snaplen, same ring size; user + system time of the capturing
# process. Flat out, and at a rate that both can follow. Prints a Markdown table of medians.
#
#	test/bench.sh [ROUNDS]	(5)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
: "${RAWCAP:=$here/../rawcap}"
RAWCAP=$(realpath "$RAWCAP")
PATH=$here/../build/test:$PATH
rounds=${1:-5}
snaplen=2048 ring_kib=2048

if [ -z "${BENCH_INSIDE:-}" ]; then
	for tool in tcpdump taskset unshare ip; do
		command -v $tool > /dev/null || { echo "bench: no $tool" >&2; exit 1; }
	done
	# shellcheck source=test/setup_suite.bash
	. "$here/setup_suite.bash"
	setup_suite
	flags=(-n -m)
	[ "$(id -u)" = 0 ] || flags+=(-U -r)
	RAWCAP=$RAWCAP BENCH_INSIDE=1 exec unshare "${flags[@]}" "$0" "$@"
fi

dir=$(mktemp -d)
trap 'umount "$dir"; rmdir "$dir"' EXIT
mount -t tmpfs -o size=2g none "$dir"
for scope in all default; do
	[ ! -e /proc/sys/net/ipv6/conf/$scope ] || echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6
done
ip link add va type veth peer name vb
ip link set va up
ip link set vb up
until [[ $(ip link show vb) == *"state UP"* ]]; do sleep 0.02; done

capture_core=$(($(nproc) > 1))

# frame size, packets, packets a second (0 = flat out)
loads=("64 1000000 0" "64 500000 200000" "1400 300000 0" "1400 300000 200000")

# run_once TOOL SIZE PACKETS RATE: appends "ns-per-packet percent-kept" to the tool's results.
run_once() {
	local command pid kept rate=()
	[ "$4" = 0 ] || rate=(-r "$4")
	if [ "$1" = rawcap ]; then
		command=("$RAWCAP" -s $snaplen -B $ring_kib va)
	else
		command=(tcpdump -i va -n -s $snaplen -B $ring_kib -w -)
	fi
	taskset -c "$capture_core" launch -t "$dir/cpu" "${command[@]}" > "$dir/capture" 2> "$dir/stderr" &
	pid=$!
	until awk '$4 == "0003" { found = 1 } END { exit !found }' /proc/net/packet; do
		kill -0 "$pid" || { cat "$dir/stderr" >&2; exit 1; }
		sleep 0.02
	done
	taskset -c 0 "$(command -v send)" -c "$3" -s "$2" "${rate[@]}" vb > "$dir/sent"
	sleep 1.3	# tcpdump looks at what is left in its ring once a second, and not at the end
	kill -INT "$pid"
	wait "$pid"
	kept=$(pcapread -c "$dir/capture")
	echo "$(($(cat "$dir/cpu") * 1000 / kept)) $(awk -v k="$kept" -v n="$3" 'BEGIN { printf "%.1f", k * 100 / n }')" \
		>> "$dir/$1.$2.$4"
	rm "$dir/capture"
}

# median TOOL SIZE RATE COLUMN
median() {
	cut -d ' ' -f "$4" "$dir/$1.$2.$3" | sort -n | sed -n "$(((rounds + 1) / 2))p"
}

for ((round = 0; round < rounds; round++)); do
	for load in "${loads[@]}"; do
		run_once rawcap $load
		run_once tcpdump $load
	done
done

cat << END
$(uname -m), Linux $(uname -r), $(nproc) cores, $(tcpdump --version 2>&1 | head -n 1), medians of $rounds

| frame | packets/s | rawcap ns/packet | tcpdump ns/packet | ratio | rawcap kept | tcpdump kept |
| --- | --- | --- | --- | --- | --- | --- |
END
for load in "${loads[@]}"; do
	read -r size _ rate <<< "$load"
	ours=$(median rawcap "$size" "$rate" 1)
	theirs=$(median tcpdump "$size" "$rate" 1)
	echo "| $size B | ${rate/#0/flat out} | $ours | $theirs" \
		"| $(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')" \
		"| $(median rawcap "$size" "$rate" 2) % | $(median tcpdump "$size" "$rate" 2) % |"
done
