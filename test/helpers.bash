# shellcheck shell=bash
# What the suites share. A test makes a network of its own and captures there:
#
#	network                       a namespace with va and vb, two ends of one wire
#	start one -s 100 va           rawcap in the background, its files called one.*
#	ns send -c 5 vb               five frames go in at vb and arrive at va
#	stop one INT                  ends it: $status, $err (its stderr), $(pcap one)
#
# start_both and stop_both do the same with two captures at once, one with the ring, one with -B 0.

bats_require_minimum_version 1.5.0

: "${RAWCAP:=$BATS_TEST_DIRNAME/../rawcap}"
RAWCAP=$(realpath "$RAWCAP")
PATH=$(realpath "$BATS_TEST_DIRNAME/../build/test"):$PATH
export RAWCAP PATH LC_ALL=C
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-120}	# seconds: a hang is a failure with a name

# --- gates ---

# A test that cannot run here: a visible skip, but a failure where everything must be tested.
cannot_run() {
	if [ "${CI:-}" = true ]; then
		echo "cannot run: $*"
		return 1
	fi
	skip "$*"
}

# requires TOOL...
requires() {
	local tool
	for tool; do
		command -v "$tool" > /dev/null || cannot_run "no $tool"
	done
}

# --- waiting and logging ---

# wait_until COMMAND...: until it succeeds; gives up after 15 s.
wait_until() {
	local i
	for ((i = 0; i < 1500; i++)); do
		"$@" && return 0
		sleep 0.01
	done
	echo "waited in vain for: $*"
	return 1
}

# For wait_until: the process has ended.
ended() { ! kill -0 "$1" 2> /dev/null; }

# expect A OP B WHAT: an arithmetic check that shows what it compared.
expect() {
	# shellcheck disable=SC2219 # the operator is an argument
	let "$1 $2 $3" && return 0
	echo "expected $4: $1 $2 $3"
	return 1
}

# says TEXT: rawcap's last stderr contains it.
says() {
	[[ $err == *"$1"* ]] && return 0
	printf 'stderr does not say "%s":\n%s\n' "$1" "$err"
	return 1
}

# What rawcap's last stderr tells besides the counts and that it listens.
complaints() { grep '^rawcap: ' <<< "$err" | grep -v '^rawcap: listening on '; }

# failed STATUS TEXT: the last rawcap ended so, and its stderr contains the text.
failed() {
	expect "$status" == "$1" "exit status"
	says "$2"
}

# --- the namespace ---

# namespace: an empty one; processes enter it with: ns COMMAND...
namespace() {
	local flags=(-n -m)
	requires unshare nsenter ip
	[ "$(id -u)" = 0 ] || flags=(-U -r "${flags[@]}")
	unshare "${flags[@]}" true 2> /dev/null || cannot_run "no right to make a network namespace"
	unshare "${flags[@]}" sleep 600 < /dev/null &> /dev/null 3>&- &
	holder=$!
	wait_until is_sleeping "$holder"
	holders+=("$holder")
	NS=(nsenter -t "$holder" -n -m)
	[ "$(id -u)" = 0 ] || NS+=(-U --preserve-credentials)
}

# For wait_until: unshare has done its work and become the sleep.
is_sleeping() { [ "$(cat "/proc/$1/comm" 2> /dev/null)" = sleep ]; }

ns() { "${NS[@]}" "$@"; }

# network: a namespace with the wire va - vb. No IPv6, so nothing is on it but what a test sends.
network() {
	namespace
	ns sh -ec '
		for scope in all default; do
			sysctl=/proc/sys/net/ipv6/conf/$scope/disable_ipv6
			[ ! -e $sysctl ] || echo 1 > $sysctl
		done
		ip link add va address 02:00:00:00:00:0a type veth peer name vb address 02:00:00:00:00:0b
		ip link set lo up
		ip link set va up
		ip link set vb up'
	wait_until link_is_up va
	wait_until link_is_up vb
}

# second_wire: vc - vd beside it.
second_wire() {
	ns ip link add name vc address 02:00:00:00:00:0c type veth peer name vd address 02:00:00:00:00:0d
	ns ip link set vc up
	ns ip link set vd up
	wait_until link_is_up vc
	wait_until link_is_up vd
}

link_is_up() { [[ $(ns ip link show "$1") == *"state UP"* ]]; }

# Where files can be written at memory's speed; in the namespace, so it vanishes with it.
# tmpfs SIZE: sets $fast.
tmpfs() {
	mkdir -p "$BATS_TEST_TMPDIR/fast"
	ns mount -t tmpfs -o "size=$1" none "$BATS_TEST_TMPDIR/fast" ||
		cannot_run "no right to mount a tmpfs"
	fast=/proc/$holder/root$BATS_TEST_TMPDIR/fast
}

# device [-e] NAME: a tun (-e: tap) device; put HEX... lets packets arrive on it.
device() {
	ns test -w /dev/net/tun || cannot_run "no right to use /dev/net/tun"
	mkfifo "$BATS_TEST_TMPDIR/packets"
	exec 7<> "$BATS_TEST_TMPDIR/packets"
	"${NS[@]}" tun "$@" < "$BATS_TEST_TMPDIR/packets" 3>&- 7>&- &
	helpers+=($!)
	wait_until ns ip link set "${*: -1}" up 2> /dev/null
}

put() { printf '%s\n' "$@" >&7; }

ifindex() { ns ip -o link show "$1" | cut -d : -f 1; }

# counter IFACE COLUMN: a number from /proc/net/dev: 2 = packets received, 10 = packets sent.
counter() { awk -v name="$1:" -v column="$2" '$1 == name { print $(column + 1) }' "/proc/$holder/net/dev"; }
sent_by() { counter "$1" 10; }

# --- rawcap ---

pcap() { printf '%s\n' "${fast:-$BATS_TEST_TMPDIR}/$1.pcap"; }

# run_rawcap ARGUMENT...: to its end, in the namespace. Sets status, err and $(pcap run).
run_rawcap() {
	status=0
	"${NS[@]}" timeout -k 1 20 "$RAWCAP" "$@" \
		> "$(pcap run)" 2> "$BATS_TEST_TMPDIR/run.err" < /dev/null || status=$?
	log_end run "$@"
}

# start NAME ARGUMENT...: in the background; returns when its packet socket is bound
# (or it has ended, which stop and finish will tell).
# The array launcher is a command in front of rawcap. $output is a path for stdout, $output_fd an
# open descriptor.
start() {
	local name=$1 before command
	shift
	before=$(bound_sockets)
	command=("${NS[@]}" "${launcher[@]}" "$RAWCAP" "$@")
	if [ -n "${output_fd:-}" ]; then
		"${command[@]}" >&"$output_fd" 2> "$BATS_TEST_TMPDIR/$name.err" < /dev/null 3>&- &
	else
		"${command[@]}" > "${output:-$(pcap "$name")}" 2> "$BATS_TEST_TMPDIR/$name.err" < /dev/null 3>&- &
	fi
	pid[$name]=$!
	wait_until bound_or_ended "$before" "${pid[$name]}"
}

# Packet sockets that are bound to take packets (protocol 0003, ETH_P_ALL).
bound_sockets() { awk '$4 == "0003"' "/proc/$holder/net/packet" | wc -l; }
bound_or_ended() { [ "$(bound_sockets)" -gt "$1" ] || ended "$2"; }

# finish NAME: waits for its end. Sets status and err.
finish() {
	if ! wait_until ended "${pid[$1]}"; then
		kill -KILL "${pid[$1]}"
		log_end "$1" "(killed: it did not end)"
		return 1
	fi
	status=0
	wait "${pid[$1]}" || status=$?
	unset "pid[$1]"
	log_end "$1"
}

# stop NAME SIGNAL
stop() {
	kill -s "$2" "${pid[$1]}" || true	# if it has ended by itself, finish shows how
	finish "$1"
}

# stopped NAME, finished NAME: SIGINT ends it, or it ends by itself, with exit 0.
stopped() {
	stop "$1" INT
	expect "$status" == 0 "exit status"
}

finished() {
	finish "$1"
	expect "$status" == 0 "exit status"
}

# What every capture says, or says because of where the tests run: tests of their own look at it.
expected_lines_removed() { tr -d '\0' < "$1" | sed '/: listening on /d; /^rawcap: SSH[:_]/d'; }

log_end() {
	err=$(expected_lines_removed "$BATS_TEST_TMPDIR/$1.err")
	printf '%s: exit %s\n%s\n' "$*" "$status" "$err" | cut -c -300
}

# start_both ARGUMENT... / stop_both: ring and -B 0 side by side on the same packets. They must end
# with exit 0 (finish_both STATUS: with another) and have the same bytes; then either file speaks for both.
start_both() {
	start ring "$@"
	start recv -B 0 "$@"
}

stop_both() {
	kill -s INT "${pid[ring]}" "${pid[recv]}" || true
	finish_both 0
}

finish_both() {
	finish ring
	expect "$status" == "$1" "exit status with a ring"
	finish recv
	expect "$status" == "$1" "exit status with -B 0"
	frames ring > "$BATS_TEST_TMPDIR/ring.frames"
	frames recv > "$BATS_TEST_TMPDIR/recv.frames"
	same "$BATS_TEST_TMPDIR/ring.frames" "$BATS_TEST_TMPDIR/recv.frames"
}

# For wait_until: both files have N records, while the captures go on.
both_have() {
	has_records ring "$1" && has_records recv "$1"
}

# --- judging a capture ---

records() { pcapread -c "$(pcap "$1")"; }

# For wait_until: has_records NAME COUNT, while the capture goes on.
has_records() { [ "$(records "$1" 2> /dev/null)" = "$2" ]; }

# kept COUNT: stops the capture "one", which must end with exit 0 and so many records.
kept() {
	stopped one
	expect "$(records one)" == "$1" "records"
}

# records_in FILE...: in all of them together; one that has not been begun has none.
records_in() {
	local file sum=0
	for file; do
		[ ! -s "$file" ] || sum="$sum + $(pcapread -c "$file")" || return
	done
	echo $((sum))
}

# One line per record: CAPLEN ORIGLEN HEX.
frames() { pcapread "$(pcap "$1")" | sed 1d | cut -d ' ' -f 2-; }

# The same lines from one frame in hex per line on stdin, cut at the snaplen $1.
as_frames() {
	awk -v snaplen="$1" '{
		size = length($0) / 2
		kept = size < snaplen ? size : snaplen
		print kept, size, substr($0, 1, kept * 2)
	}'
}

# same FILE FILE: no difference, or the first ones, in short.
same() {
	cmp -s "$1" "$2" && return 0
	diff "$1" "$2" | cut -c -150 | head -n 8
	return 1
}

# captured NAME FRAME...: these frames (hex), whole and in this order.
captured() {
	local name=$1
	shift
	printf '%s\n' "$@" | as_frames 262144 > "$BATS_TEST_TMPDIR/expected"
	frames "$name" > "$BATS_TEST_TMPDIR/found"
	same "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
}

# said NUMBER-OF: a figure of the summary in $err: captured, received or dropped.
said() {
	sed -n "s/^\([0-9]*\) packets* $1\( .*\)*\$/\1/p" <<< "$err"
}

# The summary speaks the truth: it counts the file's records, and the kernel saw what was captured
# or dropped, no more and no less.
summary_is_true() {
	expect "$(said captured)" == "$(records "$1")" "summary to count the records"
	expect "$(said received)" == "$(($(said captured) + $(said dropped)))" "received = captured + dropped"
}

# --- around every test ---

setup() {
	declare -gA pid=()
	holders=() NS=() launcher=() helpers=()
	unset output output_fd fast
	if declare -F prepare > /dev/null; then
		prepare
	fi
}

teardown() {
	local process
	for process in "${pid[@]}" "${helpers[@]}" "${holders[@]}"; do
		disown "$process" 2> /dev/null || true
		kill -CONT "$process" 2> /dev/null || true
		kill -KILL "$process" 2> /dev/null || true
	done
}
