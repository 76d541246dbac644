#!/usr/bin/env bats
# The fault matrix: each system call that the program makes fails in turn, as faults.table says. For
# every case: no hang, no crash, the exit status and the message of its row, an output that ends on a
# record's boundary, and as many records in it as the summary claims.
load helpers
export BATS_TEST_TIMEOUT=400	# seconds: one test has hundreds of cases

frames=30	# of each capture, so far apart that they are written in parts and every call is made often
batch=20	# captures that share one stretch of traffic

prepare() {
	requires strace
	network
	cases=() failures=0
}

# --- scenarios: how rawcap is run, and on what ---

# scenario NAME CASE: sets arguments (of rawcap) and launcher (in front of it).
scenario() {
	launcher=()
	case $1 in
	recv) arguments=(-B 0 va) ;;
	any) arguments=(any) ;;
	list) arguments=(-D) ;;
	file) arguments=(-w "$BATS_TEST_TMPDIR/$2.out" va) ;;
	rotate) arguments=(-s 100 -w "$BATS_TEST_TMPDIR/$2.out" -C 1k va) ;;	# 12 frames a file
	reuse) arguments=(-s 100 -w "$BATS_TEST_TMPDIR/$2.out" -C 1k -W 2 va) ;;
	landlock) # without the right to chroot, as for a user with CAP_NET_RAW alone
		launcher=(setpriv --bounding-set=-sys_chroot)
		arguments=(-v -w "$BATS_TEST_TMPDIR/$2.out" -C 64k va)
		;;
	times) arguments=(-w "$BATS_TEST_TMPDIR/$2.out-%s" -G 1 va) ;;
	wait | absent) arguments=(--wait va) ;;
	print) arguments=(--print -w "$BATS_TEST_TMPDIR/$2.out" va) ;;
	copy) arguments=(-r "$BATS_TEST_TMPDIR/sample" -w "$BATS_TEST_TMPDIR/$2.out") ;;
	compile) arguments=(-d -y EN10MB icmp or port 53) ;;
	socket) launcher=(launch -u) arguments=(va) ;;
	*) arguments=(va) ;;	# ring, pipe, flap
	esac
}

# Whether the scenario is a capture, with a summary at its end.
captures() { [[ $1 != list && $1 != copy && $1 != compile ]]; }

# begin CASE SCENARIO [STRACE-OPTION ...]: in the background. strace -D: the child is rawcap itself.
begin() {
	local name=$1 kind=$2 command
	shift 2
	scenario "$kind" "$name"
	command=("${NS[@]}" "${launcher[@]}" strace -D -qq -s 8 -o "$BATS_TEST_TMPDIR/$name.trace" "$@"
		"$RAWCAP" "${arguments[@]}")
	if [ "$kind" = pipe ]; then
		mkfifo "$BATS_TEST_TMPDIR/$name.fifo"
		cat "$BATS_TEST_TMPDIR/$name.fifo" > "$(pcap "$name")" 3>&- &
		readers+=($!)
		"${command[@]}" > "$BATS_TEST_TMPDIR/$name.fifo" 2> "$BATS_TEST_TMPDIR/$name.err" < /dev/null 3>&- &
	elif [ "$kind" = print ]; then
		"${command[@]}" > "$BATS_TEST_TMPDIR/$name.lines" 2> "$BATS_TEST_TMPDIR/$name.err" < /dev/null 3>&- &
	else
		"${command[@]}" > "$(pcap "$name")" 2> "$BATS_TEST_TMPDIR/$name.err" < /dev/null 3>&- &
	fi
	pid["$name"]=$!
}

how_many_ended() {
	local process count=0
	for process in "${pid[@]}"; do
		! ended "$process" || : $((count += 1))
	done
	echo $count
}

# For wait_until: each of the captures in pid is bound (to va as it is now) or has ended.
all_started() { [ $(($(bound_sockets) + $(how_many_ended))) -ge ${#pid[@]} ]; }
all_back() {
	local bound
	bound=$(awk -v index_now="$(ifindex va)" '$4 == "0003" && $5 == index_now' "/proc/$holder/net/packet" | wc -l)
	[ $((bound + $(how_many_ended))) -ge ${#pid[@]} ]
}

make_link() {
	ns ip link add va type veth peer name vb
	ns ip link set va up
	ns ip link set vb up
	wait_until link_is_up vb
}

# traffic SCENARIO: what happens on the wire while it captures.
traffic() {
	case $1 in
	flap)
		ns send -c 10 -r 200 vb > /dev/null
		ns ip link set va down
		sleep 0.4	# it looks at the link 50 ms and 300 ms after that
		ns ip link set va up
		wait_until link_is_up va
		ns send -c $((frames - 10)) -r 200 vb > /dev/null
		;;
	wait)
		ns send -c 10 -r 200 vb > /dev/null
		ns ip link del va
		sleep 0.5	# it looks every 250 ms; the message that says so may be what fails
		make_link
		wait_until all_back
		ns send -c $((frames - 10)) -r 200 vb > /dev/null
		;;
	times)
		ns send -c 10 -r 200 vb > /dev/null
		sleep 1.1	# a rotation is what time makes
		ns send -c $((frames - 10)) -r 200 vb > /dev/null
		;;
	recv | pipe | socket | landlock) ns send -c $frames -r 100 vb > /dev/null ;;
	*) ns send -c $frames -r 6 vb > /dev/null ;;	# for a file the ring collects for a second: five writes
	esac
}

# conduct SCENARIO: traffic for the captures in pid, then their end. What hangs is killed.
conduct() {
	local name process deadline
	if [ "$1" = absent ]; then
		sleep 0.5
		make_link
	fi
	if captures "$1"; then
		wait_until all_started
		traffic "$1"
		for process in "${pid[@]}"; do
			kill -CONT "$process" 2> /dev/null || true
			kill -INT "$process" 2> /dev/null || true
		done
	fi
	deadline=$((SECONDS + 8))
	for name in "${!pid[@]}"; do
		while ! ended "${pid[$name]}"; do
			[ $SECONDS -lt $deadline ] || kill -KILL "${pid[$name]}"
			kill -CONT "${pid[$name]}" 2> /dev/null || true	# a fault may have stopped it just now
			sleep 0.01
		done
		result[$name]=0
		wait "${pid[$name]}" 2> /dev/null || result[$name]=$?
		unset "pid[$name]"
	done
	for process in "${readers[@]}"; do
		wait_until ended "$process"
	done
	readers=()
}

# --- the table ---

# uses_of CASE CALL USE: at which of its uses CALL is to fail: USE is a number, or a part of a call's
# line, which a run without faults (CASE) has at that number. See faults.table for more.
uses_of() {
	local use=${3%%+*} more=${3#"${3%%+*}"} text nth=1
	if [[ $2 = write && $use =~ ^[0-9]+$ ]]; then	# the output's, behind those of the start on stderr
		use=$((use + $(grep "^write(" "$BATS_TEST_TMPDIR/$1.trace" | sed '/^write([^2]/Q' | wc -l)))
	fi
	if [[ $2 = read && $use =~ ^[0-9]+$ ]]; then	# behind those of files in /etc at the start
		use=$((use + $(sed -n '/^openat(.*"\/etc\/.*= [0-9]/,/^close(/p' "$BATS_TEST_TMPDIR/$1.trace" | grep -c "^read(")))
	fi
	if [[ $use == -* ]]; then	# from the end
		use=$(($(grep -c "^$2(" "$BATS_TEST_TMPDIR/$1.trace") + 1 + use))
	elif [[ $use == *[!0-9]* && $use != stderr && $use != lines ]]; then
		text=${use%#*}
		[ "$text" = "$use" ] || nth=${use#*#}
		use=$(grep "^$2(" "$BATS_TEST_TMPDIR/$1.trace" | grep -nF -- "$text" | sed -n "${nth}s/:.*//p")
		[ -n "$use" ] || { echo "no $2 with $3 in a run of $1" >&2; return 1; }
	fi
	echo "$use$more"
}

# expand SCENARIO: its rows of the table, one case each, into cases:
# "CALL USE FAULT EXIT RECORDS TEXT", USE a number.
expand() {
	local kind call uses faults exit_status count text use fault
	while read -r kind call uses faults exit_status count text; do
		[ "$kind" = "$1" ] || continue
		for use in ${uses//,/ }; do
			use=$(uses_of "$1" "$call" "$use") || return 1
			for fault in ${faults//,/ }; do
				[[ $fault == *=* ]] || fault=error=$fault
				cases+=("$call $use $fault $exit_status $count $text")
			done
		done
	done < <(sed 's/^#.*//' "$BATS_TEST_DIRNAME/faults.table")
}

# every_call_fails SCENARIO: no call of a run without faults is missing in the table.
every_call_fails() {
	local call missing=0
	while read -r call; do
		printf '%s\n' "${cases[@]}" | grep -q "^$call " && continue
		grep -q "^[^#]*[[:space:]]${call}[[:space:]]" "$BATS_TEST_DIRNAME/faults.table" && continue
		echo "no row for the call $call"
		missing=1
	done < <(sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' "$BATS_TEST_TMPDIR/$1.trace" | grep -vx execve | sort -u)
	return $missing
}

# --- judging ---

# wrong CASE REASON
wrong() {
	printf 'FAILED %s: %s\n%s\n' "$1" "$2" "$(tail -n 5 <<< "$err" | cut -c -200)"
	failures=$((failures + 1))
}

# happened CASE CALL USE FAULT: the fault really came about.
happened() {
	local trace=$BATS_TEST_TMPDIR/$1.trace
	case $4 in
	signal=*) [ "$(grep -c "^$2(" "$trace")" -ge "${3%%+*}" ] ;;
	delay_*) grep -q '(DELAYED)' "$trace" ;;
	*) grep -q '(INJECTED)' "$trace" ;;
	esac
}

# outputs CASE: its files.
outputs() { find "$BATS_TEST_TMPDIR" -name "$1.pcap" -o -name "$1.out*"; }

# output_is CASE RECORDS: the output is what the word in the table says. Prints why not.
output_is() {
	local file count=0 more bytes=0 lost
	[ "$2" != text ] || return 0
	for file in $(outputs "$1"); do
		[ -s "$file" ] || continue
		more=$(pcapread -c "$file" 2>&1) || { echo "${file##*/}: $more"; return 1; }
		count=$((count + more)) bytes=$((bytes + $(stat -c %s "$file")))
	done
	lost=$(said dropped | tail -n 1)
	case $2 in
	all) [ $count -gt 0 ] && [ $((count + lost)) = $frames ] ;;	# a busy machine drops a few
	some) [ $count -lt $frames ] && [ $bytes -gt 0 ] ;;
	head) [ $count = 0 ] && [ $bytes -gt 0 ] ;;
	none) [ $bytes = 0 ] ;;
	counted) [ $((count + lost)) = $frames ] ;;
	latest) [ $bytes -gt 0 ] && return 0 ;;
	any) true ;;
	esac || { echo "$count records in $bytes bytes, ${lost:-0} drops: not $2"; return 1; }
	[ -z "$(said captured)" ] || expect "$(said captured | tail -n 1)" == $count "the summary to count the records"
}

# The summary's figures agree: whoever ends in peace has or has counted all that was received.
balanced() {
	local seen
	seen=$(said received | tail -n 1)
	[ -z "$seen" ] || [ -n "$(complaints)" ] ||
		expect "$(said captured | tail -n 1) + $(said dropped | tail -n 1)" == "$seen" "captured + dropped"
}

# message_is TEXT CASE: stderr has that line (OUT: the case's file, IN: that of -r); -: no complaint;
# ?: whatever.
message_is() {
	case $1 in
	-) [ -z "$(complaints)" ] ;;
	'?') true ;;
	IN*) [[ $err == *"rawcap: $BATS_TEST_TMPDIR/sample${1#IN}"* ]] ;;
	OUT*) [[ $err == *"rawcap: $BATS_TEST_TMPDIR/$2.out${1#OUT}"* ]] ;;
	*) [[ $err == *"rawcap: $1"* ]] ;;
	esac
}

# judge CASE CALL USE FAULT EXIT RECORDS TEXT
judge() {
	local why name="$2 #$3 $4"
	err=$(expected_lines_removed "$BATS_TEST_TMPDIR/$1.err")
	if [ "${result[$1]}" = 137 ]; then
		wrong "$name" "it hangs"
		return
	fi
	[[ ${result[$1]} =~ ^($5)$ ]] || wrong "$name" "exit ${result[$1]} instead of $5"
	happened "$1" "$2" "$3" "$4" || wrong "$name" "the fault did not come about"
	why=$(output_is "$1" "$6") || wrong "$name" "$why"
	message_is "$7" "$1" || wrong "$name" "no message \"$7\""
	if captures "$kind" && [[ ${result[$1]} == [01] && $6 != none && $6 != text && $7 != '?' ]]; then
		grep -q captured <<< "$err" || wrong "$name" "no summary"
		why=$(balanced) || wrong "$name" "$why"
	fi
}

# matrix SCENARIO: all its cases.
matrix() {
	local i=0 row fields use only kind=$1
	declare -gA result=()
	readers=()
	[ "$1" != absent ] || ns ip link del va
	begin "$1" "$1"
	conduct "$1"
	err=$(cat "$BATS_TEST_TMPDIR/$1.err")
	expect "${result[$1]}" == 0 "exit status without a fault"
	if captures "$1"; then
		expect "$(said captured) + $(said dropped)" == $frames "captured without a fault"
	fi
	expand "$1"
	every_call_fails "$1"
	while [ $i -lt ${#cases[@]} ]; do
		[ "$1" != absent ] || ns ip link del va
		for row in "${cases[@]:i:batch}"; do
			read -r -a fields <<< "$row"
			use=${fields[1]} only=()
			case $use in
			stderr) use=1 only=(-P "$BATS_TEST_TMPDIR/case-$i.err") ;;
			lines) use=1 only=(-P "$BATS_TEST_TMPDIR/case-$i.lines") ;;
			esac
			begin "case-$i" "$1" "${only[@]}" -e "trace=${fields[0]}" \
				-e "inject=${fields[0]}:${fields[2]}:when=$use"
			i=$((i + 1))
		done
		conduct "$1"
	done
	for ((i = 0; i < ${#cases[@]}; i++)); do
		read -r -a fields <<< "${cases[i]}"
		judge "case-$i" "${fields[@]:0:5}" "${fields[*]:5}"
	done
	echo "# $1: ${#cases[@]} cases, $failures failures" >&3
	[ $failures = 0 ]
}

@test "each call fails in turn: a ring, into a file" { matrix ring; }
@test "each call fails in turn: no ring, into a file" { matrix recv; }
@test "each call fails in turn: into a pipe" { matrix pipe; }
@test "each call fails in turn: into a socket" { matrix socket; }
@test "each call fails in turn: all interfaces" { matrix any; }
@test "each call fails in turn: an interface that goes down and comes back" { matrix flap; }
@test "each call fails in turn: -w FILE" { matrix file; }
@test "each call fails in turn: rotation by size" { matrix rotate; }
@test "each call fails in turn: rotation into the same files again" { matrix reuse; }
@test "each call fails in turn: a rotation that Landlock confines" {
	[ "$(id -u)" = 0 ] || cannot_run "not root"
	requires setpriv
	matrix landlock
}
@test "each call fails in turn: rotation by time" { matrix times; }
@test "each call fails in turn: --wait, the interface goes away and comes back" { matrix wait; }
@test "each call fails in turn: --wait, the interface is not there yet" { matrix absent; }
@test "each call fails in turn: packets as lines beside the file" { matrix print; }
@test "each call fails in turn: from a file into another" {
	frames=3000	# more than it reads at once
	start one -w "$BATS_TEST_TMPDIR/sample" va
	ns send -c $frames -s 500 -r 20000 vb
	stop one INT
	matrix copy
}
@test "each call fails in turn: a filter shown" { matrix compile; }
@test "each call fails in turn: the list of interfaces" { matrix list; }
