#!/usr/bin/env bash
# What a packet costs: rawcap beside its peers and beside the limits, in one run, in turns, over a
# veth pair in a network namespace of its own; sender and this script on one core, the capture on
# the other. Prints Markdown, and leaves it with a chart and all single runs in DIR.
#
#	run.sh [--full] [--only REGEX] [--list] [-n ROUNDS] [-m MINUTES] [-p PERCENT] [-o DIR]
#
#	--full	all loads (about 15 minutes on a machine that does nothing else); without it four
#	--only	of these the loads whose names match, as --list has them: pipe, "^64 B", "no options"
#	--list	only names the loads and their programs, with an estimate of the time
#	-n	rounds (3; without --full 5) through all loads, every other one with the programs backwards
#	-m	no round begins that would end after so many minutes (20)
#	-p	of the usual number of packets (100), to try a load
#	-o	where to (build/bench)
#
# ns/packet is user + system time of the capturing process, from when it was ready to its end, for
# each packet it kept; work that the sender's core does for it is not in. All have a ring or buffer
# of 2 MiB and the same snaplen, but for "no options": there rawcap and tcpdump have nothing but the
# interface and the file. "lo": frames of 60 KB over lo, kept whole.
#	floor	only writes as many bytes, in calls of 256 KiB, to the same place: no capture can be below
#	walk	only walks the ring, writes nothing (measured beside tmpfs, true for any place)
#	plain	one recvmsg a packet into a buffer, one write for each 256 KiB
# Held up: all stand still (SIGSTOP) for the second in which 1.5 MB arrive, headers included, and
# then have as much time as they want.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
: "${RAWCAP:=$here/../../rawcap}"
RAWCAP=$(realpath "$RAWCAP")
build=$here/../../build
PATH=$build/bench:$build/test:$PATH:/usr/sbin:/sbin
kib=2048 cores=$(nproc --all)
peers="tcpdump dumpcap netsniff-ng"
programs="rawcap rawcap-B0 rawcap-pcapng $peers floor walk plain"
stall_programs="rawcap rawcap-B0 rawcap-pcapng $peers rawcap-default tcpdump-default"

usage() {
	echo "usage: run.sh [--full] [--only REGEX] [--list] [-n ROUNDS] [-m MINUTES] [-p PERCENT] [-o DIR]" >&2
	exit 2
}

parse() {
	full='' only=. list='' rounds='' minutes=20 percent=100 results=$build/bench
	while [ $# -gt 0 ]; do
		case $1 in
		--full) full=1 ;;
		--list) list=1 ;;
		--only) only=${2:?}; shift ;;
		-n) rounds=${2:?}; shift ;;
		-m) minutes=${2:?}; shift ;;
		-p) percent=${2:?}; shift ;;
		-o) results=${2:?}; shift ;;
		*) usage ;;
		esac
		shift
	done
	: "${rounds:=$((full ? 3 : 5))}"
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
	for program in $peers; do
		command -v "$program" > /dev/null || echo "bench: skipped, not here: $program" >&2
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
	ip link set lo up
	until [[ $(ip link show vb) == *"state UP"* ]]; do sleep 0.02; done
	taskset -cp 0 $$ > /dev/null
}

# --- the loads ---

# loads: a line for each: bytes of a frame, packets, packets a second (0: flat out), where to, and its
# kind: all, filter, default or lo.
loads() {
	local size rate to kind count
	if [ -z "$full" ]; then
		printf '%s\n' "64 500000 0 tmpfs all" "64 100000 200000 tmpfs all" \
			"1400 150000 0 tmpfs all" "1400 60000 200000 tmpfs all"
		return
	fi
	for kind in all filter; do
		for to in tmpfs pipe null; do
			for size in 64 512 1400 9000; do
				count=$((200000000 / (size + 336)))
				echo "$size $count 0 $to $kind"
				echo "$size $((count > 100000 ? 100000 : count)) 200000 $to $kind"
			done
		done
	done
	for size in 64 512 1400 9000; do
		for to in tmpfs pipe; do
			echo "$size $((200000000 / (size + 336))) 0 $to default"
		done
	done
	for to in tmpfs pipe null; do
		echo "60000 3300 0 $to lo"
	done
}

# take_load SIZE COUNT RATE TO KIND: sets these, what follows from them, and the load's name; an error
# if it was not asked for.
take_load() {
	size=$1 count=$(($2 * percent / 100 + 1)) rate=$3 to=$4 kind=$5
	bytes=$((count * (size + 16))) from=vb interface=va snaplen=16384 filter=()
	name="$size B, $([ "$rate" = 0 ] && echo "flat out" || echo "$((rate / 1000))k/s"), $to"
	case $kind in
	filter) filter=("not port 22") name="$name, \`not port 22\`" ;;
	default) name="$name, no options" ;;
	lo) from=lo interface=lo snaplen=262144 name="$name, lo" ;;
	esac
	[[ $name =~ $only ]]
}

# fits PROGRAM: whether it has something to do in this load.
fits() {
	case $kind-$1 in
	*-rawcap | *-tcpdump | lo-floor) ;;
	all-walk | all-plain | all-rawcap-* | lo-walk) [ "$to" = tmpfs ] || return 1 ;;
	all-netsniff-ng) [ "$to" != pipe ] || return 1 ;;	# it would not say how many it kept
	all-*) ;;
	*) return 1 ;;
	esac
	is_here "$1"
}

is_here() {
	case $1 in
	tcpdump* | dumpcap | netsniff-ng) command -v "${1%-default}" > /dev/null ;;
	esac
}

# Held up: a load like others for --only.
takes_stalls() { [ -n "$full" ] && [[ "held up for 1 s" =~ $only ]]; }

# The loads asked for, with their programs, and about how long they take where nothing else runs: a
# second for a run, for tcpdump two.
tell_loads() {
	local program line fitting runs=0 seconds=0
	while read -r -a line; do
		take_load "${line[@]}" || continue
		fitting=
		for program in $programs; do
			fits "$program" || continue
			fitting+=" $program" runs=$((runs + 1)) seconds=$((seconds + 1))
			[ "$program" != tcpdump ] || seconds=$((seconds + 1))
		done
		[ -z "$list" ] || echo "$name:$fitting"
	done < <(loads)
	if takes_stalls; then
		seconds=$((seconds + 20))
		[ -z "$list" ] || echo "held up for 1 s: $stall_programs"
	fi
	echo "bench: $rounds rounds of $runs runs, about $((rounds * seconds / 60 + 1)) minutes" >&2
}

# --- one capture ---

# command_of PROGRAM PATH: sets command; PATH is - for stdout.
command_of() {
	case $1 in
	rawcap-default) command=("$RAWCAP" "$interface") ;;
	tcpdump-default) command=(tcpdump -i "$interface" -w "$2") ;;
	rawcap) command=("$RAWCAP" -s $snaplen -B $kib "$interface" "${filter[@]}") ;;
	rawcap-B0) command=("$RAWCAP" -s $snaplen -B 0 "$interface" "${filter[@]}") ;;
	rawcap-pcapng) command=("$RAWCAP" --pcapng -s $snaplen -B $kib "$interface" "${filter[@]}") ;;
	tcpdump) command=(tcpdump -i "$interface" -n -s $snaplen -B $kib -w "$2" "${filter[@]}") ;;
	dumpcap) command=(dumpcap -q -P -i "$interface" -s $snaplen -B $((kib / 1024)) -w "$2") ;;
	netsniff-ng) command=(netsniff-ng -A -Q -s -i "$interface" -o "$2" -T 0xa1b2c3d4 -S ${kib}KiB) ;;
	walk | plain) command=(limit "$1" "$interface" $snaplen) ;;
	esac
}

# Pages that were in use a moment ago: a virtual machine's first touch of a page costs many times
# that of another, and whoever comes first would pay.
warm_memory() {
	floor 262144 $((bytes * 5 / 4 + (16 << 20))) > "$dir/warm"
	rm "$dir/warm"
}

# records FILE: how many a capture has.
records() {
	pcapread -c "$1" 2> /dev/null || tcpdump -nr "$1" --count 2> /dev/null | cut -d ' ' -f 1
}

# How many packets the capture that just ended took: by its file, or else by its own words.
kept() {
	if [ "$to" = tmpfs ] && [ "$1" != walk ] && [ "$1" != plain ]; then
		records "$dir/capture"
	else
		cat "$dir/words" "$dir/stderr" | tr '\r' '\n' | sed -n \
			-e 's/^ *\([0-9]*\) packets captured$/\1/p' \
			-e 's/^Packets captured: \([0-9]*\)$/\1/p' \
			-e 's/^ *\([0-9]*\)  *packets passed filter$/\1/p' | tail -n 1
	fi
}

# patience PROGRAM: how long it gets, in seconds, to take what has arrived. Those that look at a ring
# that is not full once a second get more.
patience() {
	case $1 in
	rawcap*) echo 0.1 ;;
	tcpdump*) echo 1.3 ;;
	*) echo 0.3 ;;
	esac
}

# capture PROGRAM: runs it on its core, a flood beside it, and puts the figures into $dir/cost. Sets
# packets and sent_rate.
capture() {
	local pid place=/dev/null stdout=$dir/words
	[ "$to" != tmpfs ] || place=$dir/capture
	case $to-$1 in
	pipe-*) place=- ;;	# it goes to cat below
	null-dumpcap) place=- stdout=/dev/null ;;	# it refuses a device
	*-rawcap* | *-plain | *-walk) stdout=$place ;;
	esac
	command_of "$1$([ "$kind" != default ] || echo -default)" "$place"
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
	sent_rate=$(flood $from "$size" "$count" "$rate")
	sleep "$(patience "$1")"
	kill -INT "$pid"
	wait "$pid" || true
	packets=$(kept "$1")
}

# Writes as many bytes as the captures of this load.
write_floor() {
	local place=/dev/null
	[ "$to" != tmpfs ] || place=$dir/capture
	packets=$count sent_rate=0
	if [ "$to" = pipe ]; then
		measure "$dir/cost" "$capture_core" floor 262144 "$bytes" > >(cat > /dev/null)
	else
		measure "$dir/cost" "$capture_core" floor 262144 "$bytes" > "$place"
	fi
}

# run_once PROGRAM: a line of the table of single runs.
run_once() {
	packets=0
	[ "$to" != tmpfs ] || warm_memory
	: > "$dir/capture"
	: > "$dir/words"
	if [ "$1" = floor ]; then
		write_floor
	else
		capture "$1" || true
	fi
	rm -f "$dir/capture" "$dir/cost.ready"
	if [ "${packets:-0}" = 0 ]; then
		echo "bench: $name: $1 kept nothing" >&2
		return
	fi
	awk -v load="$name" -v program="$1" -v kept="$packets" -v sent="$count" -v rate="$sent_rate" '{
		printf "%s\t%s\t%.1f\t%.3f\t%.3f\t%.3f\t%d\t%.2f\t%.1f\t%d\n", load, program, $1 / kept,
		    $2 * 1000 / kept, $3 * 1000 / kept, $4 * 1000 / kept, $5, $6 / 1e6, kept * 100 / sent, rate / 1000
	}' "$dir/cost" >> "$results/runs.tsv"
}

# in_turn ROUND PROGRAM...: the programs, in every other round backwards.
in_turn() {
	local round=$1
	shift
	printf '%s\n' "$@" | if [ $((round % 2)) = 1 ]; then cat; else tac; fi
}

# run_loads ROUND
run_loads() {
	local program line
	while read -r -a line; do
		take_load "${line[@]}" || continue
		# shellcheck disable=SC2086 # words
		for program in $(in_turn "$1" $programs); do
			if fits "$program"; then run_once "$program" < /dev/null; fi
		done
	done < <(loads)
}

# --- held up ---

bound_sockets() { grep -c ' 0003 ' /proc/net/packet; }

# stall SIZE: what each program, side by side with the others, loses of frames of this size: lines of
# the table of stalls.
stall() {
	local program pids=() held=() lost
	to=tmpfs interface=va snaplen=16384 filter=() size=$1
	count=$((1500000 / (size + 96)))
	rm -f "$dir"/held.*
	for program in $stall_programs; do
		is_here "$program" || continue
		command_of "$program" "$dir/held.$program"
		: > "$dir/held.$program"
		case $program in
		rawcap*) "${command[@]}" > "$dir/held.$program" 2> /dev/null & ;;
		*) "${command[@]}" > /dev/null 2>&1 & ;;
		esac
		pids+=($!) held+=("$program")
	done
	until [ "$(bound_sockets)" -ge ${#held[@]} ]; do sleep 0.02; done
	sleep 1.2
	kill -STOP "${pids[@]}"
	flood vb "$size" "$count" "$count" > /dev/null
	kill -CONT "${pids[@]}"
	sleep 1.5
	kill -INT "${pids[@]}"
	wait "${pids[@]}" || true
	for program in "${held[@]}"; do
		lost=$((count - $(records "$dir/held.$program")))
		printf '%s\t%s\t%s\t%s\n' "$program" "$size" "$lost" "$count" >> "$results/stalls.tsv"
	done
}

run_stalls() {
	local size
	for size in 64 512 1400 9000; do
		stall $size < /dev/null
	done
}

# All rounds, or as many as there is time for: sets rounds.
run_rounds() {
	local round
	for ((round = 1; round <= rounds; round++)); do
		run_loads $round
		if takes_stalls; then run_stalls; fi
		echo "bench: $SECONDS s: round $round" >&2
		[ $((SECONDS * (round + 1) / round)) -le $((minutes * 60)) ] || rounds=$round
	done
}

# --- the results ---

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
[ -n "${BENCH_INSIDE:-}" ] || tell_loads
[ -z "$list" ] || exit 0
[ -n "${BENCH_INSIDE:-}" ] || prepare "$@"
network
: > "$results/runs.tsv"
: > "$results/stalls.tsv"
run_rounds
{
	versions
	awk -f "$here/table.awk" "$results/stalls.tsv" "$results/runs.tsv"
} > "$results/table.md"
awk -v subtitle="$(versions | head -n 1)" -f "$here/chart.awk" "$results/runs.tsv" \
	> "$results/chart.svg"
cat "$results/table.md"
echo "bench: also $(realpath "$results")/{chart.svg,runs.tsv,stalls.tsv}" >&2
