#!/usr/bin/env bats
# The SSH session that rawcap itself runs in is left out of what goes back through it: that very
# connection, if it is one, and nothing else.
load helpers

prepare() {
	network
	ns ip address add 10.0.0.1/24 dev va
	ns ip address add 10.0.0.2/24 dev vb
}

ethernet=02000000000a02000000000b
arp=${ethernet}08060001080006040001020000000000b00a00000202000000000a0a0000010000000000000000

# ip SOURCE PORT DESTINATION PORT: a segment from 10.0.0.SOURCE to 10.0.0.DESTINATION, its type in front
ip() {
	printf '08004500002800010000400600000a0000%02x0a0000%02x%04x%04x00000000000000005002000000000000' \
		"$1" "$3" "$2" "$4"
}
tcp() { echo "$ethernet$(ip "$@")"; }

# session WORDS COMMAND...: as under sshd, which sets SSH_CONNECTION. connected: it has a socket.
session='10.0.0.2 50000 10.0.0.1 22'
in_session() { launcher=(env "SSH_CONNECTION=$1" "${@:2}"); }

# connected: a connection of this machine, 10.0.0.1 port 22, with 10.0.0.2 port 50000.
connected() {
	"${NS[@]}" session 10.0.0.1 22 10.0.0.2 50000 3>&- &
	helpers+=($!)
	wait_until grep -q ':0016 .*:C350 01 ' "/proc/$holder/net/tcp"
}

# through_a_pipe NAME ARGUMENT...: what rawcap writes goes into NAME's file through a pipe.
through_a_pipe() {
	local name=$1
	output=$BATS_TEST_TMPDIR/pipe
	rm -f "$output"
	mkfifo "$output"
	cat "$output" > "$(pcap "$name")" 3>&- &
	helpers+=($!)
	reader=$!
	start "$@"
}

# passes FRAME...: the capture "one" through a pipe has these of the frames that go in at vb, and no
# others. The frames to send are in the array frames; the last one must be among those that pass.
passes() {
	ns send vb "${frames[@]}"
	wait_until last_is one "${*: -1}"
	stop one INT
	expect "$status" == 0 "exit status"
	wait_until ended "$reader"
	captured one "$@"
}

last_is() { frames "$1" 2> /dev/null | tail -n 1 | grep -q "$2"; }
says_now() { grep -qF "$2" "$BATS_TEST_TMPDIR/$1.err" || { cat "$BATS_TEST_TMPDIR/$1.err"; return 1; }; }
silent_about_ssh() { ! grep SSH "$BATS_TEST_TMPDIR/$1.err"; }

# both directions of the session, two that are not it, and one more
mixed=("$(tcp 2 50000 1 22)" "$(tcp 1 22 2 50000)" "$(tcp 2 50001 1 22)" "$(tcp 2 22 1 50000)" "$arp")
others=("${mixed[@]:2}")

@test "the session is left out of a stream, that very connection and no other" {
	connected
	in_session "$session"
	through_a_pipe one va
	says_now one 'SSH: this session is left out (--ssh keeps it): 10.0.0.2 port 50000, 10.0.0.1 port 22'
	frames=("${mixed[@]}")
	passes "${others[@]}"
}

@test "... with its packets in a VLAN, whose tag stands in the frame on the way out" {
	connected
	in_session "$session"
	through_a_pipe one va
	local tagged out=02000000000b02000000000a81000005
	tagged=${ethernet}81000005$(ip 2 50000 1 22)
	ns send -l va "$out$(ip 1 22 2 50000)" "$out$(ip 1 22 2 50001)"
	frames=("$tagged" "$arp")
	passes "$out$(ip 1 22 2 50001)" "$arp"
}

@test "... besides what a filter, or bytecode, wants" {
	local filter
	connected
	in_session "$session"
	for filter in tcp "$("$RAWCAP" -ddd tcp)"; do
		through_a_pipe one va "$filter"
		frames=("$(tcp 2 50000 1 22)" "$arp" "$(tcp 2 80 1 80)")
		passes "$(tcp 2 80 1 80)"
	done
}

@test "... over IPv6, its zone being no part of the address" {
	local hex=${ethernet}86dd6000000000140640fe800000000000000000000000000002fe800000000000000000000000000001
	connected
	in_session 'fe80::2%va 50000 fe80::1%va 22'
	through_a_pipe one va
	frames=("${hex}c350001600000000000000005002000000000000" "$arp")
	passes "$arp"
}

@test "... with addresses that are mapped into IPv6" {
	connected
	in_session '::ffff:10.0.0.2 50000 ::ffff:10.0.0.1 22'
	through_a_pipe one va
	frames=("${mixed[@]}")
	passes "${others[@]}"
}

@test "... by the lines of a screen that is no terminal of ours (-l into a pipe)" {
	connected
	in_session "$session"
	output=$BATS_TEST_TMPDIR/lines
	mkfifo "$output"
	cat "$output" > "$BATS_TEST_TMPDIR/shown" 3>&- &
	helpers+=($!)
	start one -l va
	ns send vb "${mixed[@]}"
	wait_until grep -q ARP "$BATS_TEST_TMPDIR/shown"
	stop one INT
	run -1 grep '10.0.0.2.50000' "$BATS_TEST_TMPDIR/shown"
}

@test "sudo strips the variable: it is found in a parent's environment" {
	connected
	in_session "$session" launch -d 2 bash -c 'env -u SSH_CONNECTION "$@" & child=$!; trap "kill -INT $child" INT; wait; wait $child' bash
	through_a_pipe one va
	says_now one 'SSH: this session is left out'
	frames=("${mixed[@]}")
	passes "${others[@]}"
}

@test "tmux hands on what was true once: a session that is no connection any more is said to be ignored" {
	in_session "$session"
	through_a_pipe one va
	says_now one 'SSH_CONNECTION: ignored, of a session that is over'
	frames=("${mixed[@]}")
	passes "${mixed[@]}"
}

@test "where nobody knows the connections there are (no /proc), it is taken for one" {
	in_session "$session" unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh
	through_a_pipe one va
	says_now one 'SSH: this session is left out'
	frames=("${mixed[@]}")
	passes "${others[@]}"
}

@test "a file gets the session too, and so does a stream with --ssh; no line speaks of it" {
	connected
	in_session "$session"
	start one va
	ns send vb "${mixed[@]}"
	wait_until last_is one "$arp"
	stop one INT
	captured one "${mixed[@]}"
	silent_about_ssh one
	through_a_pipe one --ssh va
	frames=("${mixed[@]}")
	passes "${mixed[@]}"
	silent_about_ssh one
}

@test "-w FIFO is a stream as well" {
	connected
	in_session "$session"
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	cat "$BATS_TEST_TMPDIR/fifo" > "$(pcap copy)" 3>&- &
	helpers+=($!)
	start one -w "$BATS_TEST_TMPDIR/fifo" va
	ns send vb "${mixed[@]}"
	wait_until last_is copy "$arp"
	stop one INT
	captured copy "${others[@]}"
}

@test "a variable that is no session's is said to be ignored, and leaves nothing out" {
	local words
	connected
	for words in '' x '10.0.0.2 50000 10.0.0.1' '10.0.0.2 50000 10.0.0.1 70000' '1)or(2 50000 10.0.0.1 22' \
	    '10.0.0.2 50000 10.0.0.1 22 or' '10.0.0.2 tcp 10.0.0.1 22' "$(printf '9%.0s' {1..9000}) 1 2 3"; do
		in_session "$words"; echo "case: ${words:0:60}"
		through_a_pipe one va
		says_now one "SSH_CONNECTION: ignored, "
		frames=("$(tcp 2 50000 1 22)")
		passes "$(tcp 2 50000 1 22)"
	done
}

@test "into a pipe, with no session known: one line says what to add" {
	# no /proc: the tests themselves may run in a session
	launcher=(env -u SSH_CONNECTION unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh)
	through_a_pipe one va
	says_now one 'rawcap: SSH: no session known; if this pipe goes through one, add: not port 22 and not (vlan and port 22)'
	stop one INT
	unset output
	start one va
	stop one INT
	silent_about_ssh one
}

@test "... and what it says is a filter, which leaves out port 22 with a tag or without" {
	start one va 'not port 22 and not (vlan and port 22)'
	ns send vb "$(tcp 2 50000 1 22)" "${ethernet}81000005$(ip 1 22 2 50000)" "${ethernet}81000005$(ip 1 80 2 50000)" "$arp"
	wait_until last_is one "$arp"
	stop one INT
	captured one "${ethernet}81000005$(ip 1 80 2 50000)" "$arp"
}
