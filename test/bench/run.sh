#!/usr/bin/env bash
# What a packet costs: rawcap beside its peers and beside the limits, in one run, in turns, over a
# veth pair in a network namespace of its own; sender and this script on one core, the capture on
# the other. Prints Markdown, and leaves it with a chart and all single runs in DIR.
#
#	run.sh [--full] [-n ROUNDS] [-o DIR]	(5 rounds, build/bench; --full takes most of an hour)
#
# ns/packet is user + system time of the capturing process, from when it was ready to its end, for
# each packet it kept; work that the sender's core does for it is not in. All have a ring or buffer
# of 2 MiB and the same snaplen.
#	floor	only writes as many bytes, in calls of 256 KiB, to the same place: no capture can be below
#	walk	only walks the ring, writes nothing
#	plain	one recvmsg a packet into a buffer, one write for each 256 KiB
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
: "${RAWCAP:=$here/../../rawcap}"
RAWCAP=$(realpath "$RAWCAP")
build=$here/../../build
PATH=$build/bench:$build/test:$PATH:/usr/sbin:/sbin
kib=2048 snaplen=16384 cores=$(nproc --all)
programs="rawcap rawcap-B0 tcpdump dumpcap netsniff-ng floor walk plain"

parse() {
	full='' rounds=5 results=$build/bench
	while [ $# -gt 0 ]; do
		case $1 in
		--full) full=1 ;;
		-n) rounds=$2; shift ;;
		-o) results=$2; shift ;;
		*) echo "usage: run.sh [--full] [-n ROUNDS] [-o DIR]" >&2; exit 2 ;;
		esac
		shift
	done
}

# Builds what measures; then goes on in namespaces.
prepare() {
	local program flags=(-n -m)
	sh "$here/../install.sh" "$here/packages" || echo "bench: not all peers could be installed" >&2
	# shellcheck source=test/setup_suite.bash disable=SC1091
	. "$here/../setup_suite.bash"
	setup_suite
	mkdir -p "$build/bench" "$results"
	for program in flood measure floor limit; do
		[ "$build/bench/$program" -nt "$here/$program.c" ] ||
			cc -O2 -Wall -Wextra -o "$build/bench/$program" "$here/$program.c"
	done
	[ "$(id -u)" = 0 ] || flags+=(-U -r)
	RAWCAP=$RAWCAP BENCH_INSIDE=1 exec unshare "${flags[@]}" "$0" "$@"
}

network() {
	local scope
	dir=$(mktemp -d)
	mount -t tmpfs -o size=3g none "$dir"
	trap 'umount "$dir"; rmdir "$dir"' EXIT
	for scope in all default; do
		[ ! -e /proc/sys/net/ipv6/conf/$scope ] || echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6
	done
	capture_core=$((cores > 1))
	ip link add va mtu 9000 type veth peer name vb mtu 9000
	ip link set va up
	ip link set vb up
	until [[ $(ip link show vb) == *"state UP"* ]]; do sleep 0.02; done
	taskset -cp 0 $$ > /dev/null
}

# command_of PROGRAM PATH: sets command; PATH is - for stdout.
command_of() {
	local words=()
	[ "$filter" = - ] || words=("$filter")
	case $1 in
	rawcap) command=("$RAWCAP" -s $snaplen -B $kib va "${words[@]}") ;;
	rawcap-B0) command=("$RAWCAP" -s $snaplen -B 0 va "${words[@]}") ;;
	tcpdump) command=(tcpdump -i va -n -s $snaplen -B $kib -w "$2" "${words[@]}") ;;
	dumpcap) command=(dumpcap -q -P -i va -s $snaplen -B $((kib / 1024)) -w "$2"
		${words:+-f "${words[@]}"}) ;;
	netsniff-ng) command=(netsniff-ng -A -Q -s -i va -o "$2" -T 0xa1b2c3d4 -S ${kib}KiB
		"${words[@]}") ;;
	walk | plain) command=(limit "$1" va) ;;
	esac
}

# fits PROGRAM: whether it has something to do in this load.
fits() {
	case $1 in
	floor) [ "$rate$filter" = 0- ] ;;
	walk) [ "$filter" = - ] && [[ $to = null || -z $full ]] ;;
	plain) [ "$to$filter" = tmpfs- ] ;;
	*) command -v "${1/#rawcap*/$RAWCAP}" > /dev/null ;;
	esac
}

# Pages that were in use a moment ago: a virtual machine's first touch of a page costs many times
# that of another, and whoever comes first would pay.
warm_memory() {
	floor 262144 $((bytes * 5 / 4 + (16 << 20))) > "$dir/warm"
	rm "$dir/warm"
}

# How many packets the capture that just ended took: by its file, or else by its own words.
kept() {
	if [ "$to" = tmpfs ] && [ "$1" != walk ] && [ "$1" != plain ]; then
		pcapread -c "$dir/capture" 2> /dev/null || tcpdump -nr "$dir/capture" --count 2> /dev/null |
			cut -d ' ' -f 1
	else
		cat "$dir/words" "$dir/stderr" | tr '\r' '\n' | sed -n \
			-e 's/^ *\([0-9]*\) packets captured$/\1/p' \
			-e 's/^Packets captured: \([0-9]*\)$/\1/p' \
			-e 's/^ *\([0-9]*\)  *packets passed filter$/\1/p' | tail -n 1
	fi
}

# capture PROGRAM: runs it on its core, a flood beside it, and puts the figures into $dir/cost. Sets
# packets and sent_rate.
capture() {
	local pid place=/dev/null stdout=$dir/words pause=0.3
	[ "$to" != tmpfs ] || place=$dir/capture
	case $to-$1 in
	pipe-*) place=- ;;	# it goes to cat below
	null-dumpcap) place=- stdout=/dev/null ;;	# it refuses a device
	*-rawcap* | *-plain | *-walk) stdout=$place ;;
	esac
	[ "$1" != tcpdump ] || pause=1.3	# it looks at a ring that is not full once a second
	command_of "$1" "$place"
	if [ "$to" = pipe ]; then
		measure "$dir/cost" "$capture_core" "${command[@]}" 2> "$dir/stderr" > >(cat > /dev/null) &
	else
		measure "$dir/cost" "$capture_core" "${command[@]}" > "$stdout" 2> "$dir/stderr" &
	fi
	pid=$!
	until [ -e "$dir/cost.ready" ]; do
		kill -0 "$pid" 2> /dev/null || { cat "$dir/stderr" >&2; return 1; }
		sleep 0.02
	done
	sent_rate=$(flood vb "$size" "$count" "$rate")
	sleep "$pause"
	kill -INT "$pid"
	wait "$pid" || true
	packets=$(kept "$1")
}

# run_once PROGRAM: a line of the table of single runs.
run_once() {
	local place=/dev/null
	warm_memory
	: > "$dir/capture"
	: > "$dir/words"
	if [ "$1" = floor ]; then
		[ "$to" != tmpfs ] || place=$dir/capture
		packets=$count sent_rate=0
		if [ "$to" = pipe ]; then
			measure "$dir/cost" "$capture_core" floor 262144 "$bytes" > >(cat > /dev/null)
		else
			measure "$dir/cost" "$capture_core" floor 262144 "$bytes" > "$place"
		fi
	else
		capture "$1" || packets=0
	fi
	rm -f "$dir/capture" "$dir/cost.ready"
	[ "${packets:-0}" -gt 0 ] || return 0
	awk -v key="$size,$rate,$to,$filter,$1" -v kept="$packets" -v sent="$count" -v rate="$sent_rate" '{
		printf "%s\t%.1f\t%.3f\t%.3f\t%.3f\t%d\t%.2f\t%.1f\t%d\n", key, $1 / kept, $2 * 1000 / kept,
		    $3 * 1000 / kept, $4 * 1000 / kept, $5, $6 / 1e6, kept * 100 / sent, rate / 1000
	}' "$dir/cost" >> "$results/runs.tsv"
}

# The loads, a line each: bytes of a frame, packets, packets a second (0: flat out), where to, filter.
loads() {
	local size rate to filter count
	if [ -z "$full" ]; then
		printf '%s\n' "64 500000 0 tmpfs -" "64 100000 200000 tmpfs -" "1400 150000 0 tmpfs -" \
			"1400 60000 200000 tmpfs -"
		return
	fi
	for filter in - "not port 22"; do
		for to in tmpfs pipe null; do
			for size in 64 512 1400 9000; do
				count=$((200000000 / (size + 336)))
				echo "$size $count 0 $to $filter"
				echo "$size $((count > 100000 ? 100000 : count)) 200000 $to $filter"
			done
		done
	done
}

run_all() {
	local program round
	: > "$results/runs.tsv"
	for program in $programs; do
		case $program in
		tcpdump | dumpcap | netsniff-ng)
			command -v "$program" > /dev/null || echo "bench: skipped, not here: $program" >&2 ;;
		esac
	done
	while read -r size count rate to filter; do
		bytes=$((count * (size + 16)))
		for ((round = 0; round < rounds; round++)); do
			for program in $programs; do
				if fits "$program"; then run_once "$program" < /dev/null; fi
			done
		done
		echo "bench: measured $size bytes, ${rate/#0/flat out}, $to, $filter" >&2
	done < <(loads)
}

versions() {
	echo "$(uname -m), $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)," \
		"$cores cores, Linux $(uname -r), $(date -u +%F)."
	echo "rawcap $("$RAWCAP" --version | cut -d ' ' -f 2) ($(wc -c < "$RAWCAP") bytes)," \
		"$(tcpdump --version 2>&1 | head -n 1)," \
		"$(dumpcap --version 2> /dev/null | head -n 1 | cut -d '(' -f 1,2)," \
		"$(netsniff-ng --version 2> /dev/null | head -n 1)."
	echo "Medians of $rounds rounds (least to most)."
}

parse "$@"
[ -n "${BENCH_INSIDE:-}" ] || prepare "$@"
network
run_all
{
	versions
	awk -f "$here/table.awk" "$results/runs.tsv"
} > "$results/table.md"
awk -v subtitle="$(versions | head -n 1)" -f "$here/chart.awk" "$results/runs.tsv" \
	> "$results/chart.svg"
cat "$results/table.md"
echo "bench: also $(realpath "$results")/{chart.svg,runs.tsv}" >&2
