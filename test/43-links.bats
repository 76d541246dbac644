#!/usr/bin/env bats
# --wait: an interface that is not there yet, or goes and comes back, is waited for by its name. What
# was captured stays one stream; what it costs to wait is next to nothing.
load helpers

prepare() { network; }

# begin NAME ARGUMENT...: start, for an interface that may not be there: returns when rawcap has said so.
begin() {
	local name=$1
	shift
	rm -f "$BATS_TEST_TMPDIR/$name.err" "$(pcap "$name")"
	"${NS[@]}" "${launcher[@]}" "$RAWCAP" "$@" \
		> "${output:-$(pcap "$name")}" 2> "$BATS_TEST_TMPDIR/$name.err" < /dev/null 3>&- &
	pid["$name"]=$!
	wait_until told_or_ended "$name"
}

told_or_ended() { [ -s "$BATS_TEST_TMPDIR/$1.err" ] || ended "${pid[$1]}"; }

# va and its other end vb, both up.
make_link() {
	ns ip link add va address 02:00:00:00:00:0a type veth peer name vb address 02:00:00:00:00:0b
	ns ip link set va up
	ns ip link set vb up
	wait_until link_is_up vb
}

# For wait_until: a socket takes packets of va as it is now.
captures() {
	awk -v number="$(ifindex va 2> /dev/null)" '$4 == "0003" && $5 == number { found = 1 }
		END { exit !found }' "/proc/$holder/net/packet"
}

tells() { grep -q "$2" "$BATS_TEST_TMPDIR/$1.err"; }
promiscuity() { ns ip -d link show va | sed -n 's/.*promiscuity \([0-9]*\).*/\1/p'; }
lines() { grep -vc '^rawcap: listening on ' "$BATS_TEST_TMPDIR/$1.err"; }

# wakeups NAME: how often it was woken in 3 seconds.
wakeups() {
	local before after
	before=$(awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/${pid[$1]}/status")
	sleep 3	# a stretch of time to measure in
	after=$(awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/${pid[$1]}/status")
	echo $((after - before))
}

@test "absent at start: a line says so, nothing is written, then all is captured" {
	local buffer
	for buffer in 2048 0; do
		ns ip link del va
		begin one --wait -B $buffer va
		tells one 'rawcap: va: '
		expect "$(lines one)" == 1 "lines on stderr"
		expect "$(stat -c %s "$(pcap one)")" == 0 "bytes before it is there"
		make_link
		wait_until captures
		expect "$(promiscuity)" == 1 "promiscuity"
		ns send -c 20 vb
		stop one INT
		expect "$status" == 0 "exit status"
		[ "$(pcapread -q 14 "$(pcap one)")" = "20 0 19 0" ]
		summary_is_true one
	done
}

@test "absent at start, made but down, then up: all is captured" {
	ns ip link del va
	begin one --wait va
	ns ip link add va type veth peer name vb
	ns ip link set vb up
	wait_until captures
	ns ip link set va up
	wait_until link_is_up va
	ns send -c 20 vb
	kept 20
}

@test "an interface that never comes: SIGINT ends it with exit 0" {
	local signal
	for signal in INT TERM; do
		begin one --wait nosuch
		stop one $signal
		expect "$status" == 0 "exit status"
		[ ! -s "$(pcap one)" ] || expect "$(records one)" == 0 "records"
	done
}

@test "without --wait an absent interface is exit 1 at once, and a bad name is usage with it too" {
	run_rawcap nosuch
	expect "$status" == 1 "exit status"
	run_rawcap --wait eth0/1
	expect "$status" == 2 "exit status"
}

@test "--wait does not excuse other failures: no right to capture is exit 1 at once" {
	requires setpriv
	launcher=(setpriv --bounding-set=-net_raw,-net_admin --inh-caps=-all)
	status=0
	"${NS[@]}" "${launcher[@]}" timeout 20 "$RAWCAP" --wait va > "$(pcap one)" \
		2> "$BATS_TEST_TMPDIR/one.err" || status=$?
	log_end one
	expect "$status" == 1 "exit status"
	says CAP_NET_RAW
}

@test "deleted and made again, five times: one stream of all its packets, lines that tell" {
	local name buffer=2048 i
	for name in ring recv; do
		start $name --wait -B $buffer va
		for i in {1..5}; do
			ns sh -c 'send -c 100 vb && ip link del va'
			wait_until tells $name "rawcap: va: "
			make_link
			wait_until captures
		done
		ns send -c 100 vb
		stop $name INT
		expect "$status" == 0 "exit status"
		expect "$(records $name)" == 600 "records"
		expect "$(said captured)" == 600 "captured"
		expect "$(said dropped)" == 0 "dropped"
		expect "$(lines $name)" "<=" $((5 * 4 + 3)) "lines on stderr"
		buffer=0
	done
}

@test "back again: promiscuous mode is taken again, with -p it is not, and at the end it is given back" {
	start one --wait va
	start modest --wait -p va
	expect "$(promiscuity)" == 1 "promiscuity"
	ns ip link del va
	make_link
	wait_until captures
	wait_until is_promiscuous 1
	ns send -c 3 vb
	wait_until has_records one 3
	wait_until has_records modest 3
	expect "$(promiscuity)" == 1 "promiscuity after it came back"
	stop one INT
	wait_until is_promiscuous 0
	stop modest INT
}

is_promiscuous() { [ "$(promiscuity)" = "$1" ]; }

@test "back again: the ring holds what comes while the program is held up" {
	start one --wait va
	ns ip link del va
	make_link
	wait_until captures
	kill -STOP "${pid[one]}"
	ns send -c 5000 -s 200 vb	# several times what a socket's default buffer takes
	kill -CONT "${pid[one]}"
	kept 5000
	summary_is_true one
}

@test "back again: the filter is still in force" {
	start one --wait va ether proto 0x88b5
	ns ip link del va
	make_link
	wait_until captures
	ns send vb 02000000000a02000000000b88b60000 02000000000a02000000000b88b50001
	stop one INT
	expect "$status" == 0 "exit status"
	captured one 02000000000a02000000000b88b50001
}

@test "deleted while it is down, and made again" {
	start one --wait va
	ns send -c 3 vb
	ns ip link set va down
	wait_until tells one 'va: .*down'
	ns ip link del va
	make_link
	wait_until captures
	ns send -c 4 vb
	kept 7
}

@test "moved to another namespace and back" {
	"${NS[@]}" unshare -n sleep 600 < /dev/null &> /dev/null 3>&- &
	local elsewhere=$!
	helpers+=("$elsewhere")
	wait_until is_sleeping "$elsewhere"
	start one --wait va
	ns send -c 3 vb
	ns ip link set va netns "$elsewhere"
	wait_until tells one 'rawcap: va: '
	"${NS[@]}" nsenter -t "$elsewhere" -n ip link set va netns "$holder"
	ns ip link set va up
	wait_until captures
	wait_until link_is_up va
	ns send -c 4 vb
	kept 7
}

@test "a rename does not disturb, with --wait as without" {
	start one --wait va
	ns send -c 3 vb
	ns ip link set va name renamed
	ns send -c 4 vb
	kept 7
}

@test "renamed and then deleted: what has the old name is waited for" {
	start one --wait va
	ns send -c 3 vb
	ns ip link set va name renamed
	ns ip link del renamed
	wait_until tells one 'rawcap: '
	make_link
	wait_until captures
	ns send -c 4 vb
	kept 7
}

@test "flaps: the same as without --wait" {
	start one --wait va
	local i
	for i in {1..20}; do
		ns send -s 60 vb
		ns ip link set va down
		ns ip link set va up
	done
	wait_until link_is_up va
	ns send -s 60 vb
	kept 21
}

@test "another link type when it is back: exit 1, a line says so, what was captured is whole" {
	start one --wait va
	ns send -c 3 vb
	ns ip link del va
	device va
	finish one
	expect "$status" == 1 "exit status"
	says "link type"
	expect "$(records one)" == 3 "records"
	expect "$(said captured)" == 3 "captured"
}

@test "all that was sent before the deletion is there, ten times" {
	local i
	start one --wait va
	for i in {1..10}; do
		ns sh -c 'send -c 1000 vb && ip link del va'
		make_link
		wait_until captures
	done
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(records one) + $(said dropped)" == 10000 "records + drops"
	expect "$(records one)" == 10000 "records"
}

@test "SIGINT while the interface is away: exit 0, the summary counts what there was" {
	start one --wait va
	ns send -c 50 vb
	ns ip link del va
	wait_until tells one 'rawcap: va: '
	kept 50
	summary_is_true one
}

@test "SIGUSR1 while the interface is away tells the counts" {
	start one --wait va
	ns send -c 50 vb
	ns ip link del va
	wait_until tells one 'rawcap: va: '
	wait_until eval '[ "$(records one)" = 50 ]'
	kill -USR1 "${pid[one]}"
	wait_until tells one '^50 packets captured'
	stop one INT
	expect "$status" == 0 "exit status"
}

@test "a reader that leaves while the interface is away: the end, exit 1" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	cat "$BATS_TEST_TMPDIR/fifo" > "$BATS_TEST_TMPDIR/copy.pcap" 3>&- &
	local reader=$!
	helpers+=($!)
	output=$BATS_TEST_TMPDIR/fifo start one --wait va
	ns ip link del va
	wait_until tells one 'rawcap: va: '
	kill "$reader"
	finish one
	expect "$status" == 1 "exit status"
	says "rawcap: stdout: the reader is gone"
}

@test "it waits in silence: fewer than 5 wake-ups a second while absent, gone, down and idle" {
	local woken
	begin absent --wait nosuch
	woken=$(wakeups absent)
	expect "$woken" "<" 15 "wake-ups in 3 s while absent"
	start idle --wait va
	woken=$(wakeups idle)
	expect "$woken" "<" 15 "wake-ups in 3 s while idle"
	ns ip link set va down
	wait_until tells idle 'va: .*down'
	woken=$(wakeups idle)
	expect "$woken" "<" 15 "wake-ups in 3 s while down"
	ns ip link del va
	woken=$(wakeups idle)
	expect "$woken" "<" 15 "wake-ups in 3 s while gone"
	stop idle INT
	stop absent INT
	make_link
	start plain va
	woken=$(wakeups plain)
	expect "$woken" "<" 15 "wake-ups in 3 s while idle, without --wait"
	stop plain INT
}

@test "-G goes on while the interface is away" {
	local dir=$BATS_TEST_TMPDIR
	start one --wait -w "$dir/f-%s" -G 1 va
	ns send -c 5 vb
	ns ip link del va
	wait_until tells one 'rawcap: va: '
	local before
	before=$(printf '%s\n' "$dir"/f-* | wc -l)
	wait_until has_files $((before + 3))
	make_link
	wait_until captures
	ns send -c 5 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(records_in "$dir"/f-*)" == 10 "records"
}

has_files() { [ "$(printf '%s\n' "$BATS_TEST_TMPDIR"/f-* | wc -l)" -ge "$1" ]; }

@test "while it waits: a wrong filter is told before, a stop has its summary" {
	run_rawcap --wait absent port 70000
	expect "$status" == 2 "exit status"
	says 'not a port (column 6)'
	begin one --wait absent
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(said captured)" == 0 "captured"
}

@test "--wait any is any" {
	start one --wait any
	ns ip link del va
	make_link
	ns send -c 5 vb
	kept 5
}
