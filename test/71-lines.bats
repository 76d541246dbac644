#!/usr/bin/env bats
# Packets as lines while they are captured: on a terminal, through a pipe, beside a file.
load helpers

prepare() {
	requires python3 tcpdump busybox
	network
	ns ip address add 10.9.0.1/24 dev lo
	screen=$BATS_TEST_TMPDIR/screen
}

# on_terminal NAME ARGUMENT...: like start; its stdout is a terminal, which $screen shows.
on_terminal() {
	launcher=("$BATS_TEST_DIRNAME/tools/terminal.py" "$screen")
	start "$@"
	launcher=()
}

# What the terminal shows, without the carriage returns that it adds.
lines() { tr -d '\r' < "$screen"; }

# For wait_until: N lines are there, or more.
shows() { [ "$(lines | wc -l)" -ge "$1" ]; }

# Something of everything on lo: ping, TCP that is refused, UDP that nobody takes.
talk() {
	ns busybox ping -q -c 2 -i 0.01 -s "${1:-56}" 10.9.0.1 > /dev/null
	ns python3 - <<- 'END'
		import socket
		s = socket.socket()
		s.connect_ex(('10.9.0.1', 7))
		listener = socket.create_server(('10.9.0.1', 4000))
		client = socket.create_connection(('10.9.0.1', 4000))
		server, _ = listener.accept()
		client.sendall(b'hello ' * 50)
		got = 0
		while got < 300:
		    got += len(server.recv(1000))
		server.close()
		client.close()
		socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'the end of it', ('10.9.0.1', 6001))
	END
}

# For wait_until: the last of talk is in the file.
has_talked() { grep -aq 'the end of it' "$1"; }

# tcpdump's lines of a file.
tcpdump_lines() { TZ=UTC tcpdump -nnS "${@:2}" -r "$1" 2> /dev/null; }

@test "a terminal gets one line for each packet at once, and stdout no pcap" {
	on_terminal one va
	ns send -c 3 vb
	wait_until shows 3
	stop one INT
	expect "$status" == 0 "exit status"
	lines > "$BATS_TEST_TMPDIR/lines"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/lines")" == 3 "a line for each packet"
	run -1 grep -av '^[0-9:]*\.[0-9]* .* > .* ethertype Unknown (0x88b5), length 64:' "$BATS_TEST_TMPDIR/lines"
	expect "$(said captured)" == 3 "captured"
}

@test "--print shows lines in a pipe: each is there, whole, while the capture goes on" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 8<> "$BATS_TEST_TMPDIR/pipe"
	output_fd=8
	start one --print va
	unset output_fd
	local i line
	for i in 1 2 3; do
		ns send vb
		read -r -t 10 -u 8 line
		[[ $line =~ ^[0-9:]{8}\.[0-9]{6}\ .*\ Unknown\ \(0x88b5\),\ length\ 64: ]]
	done
	stop one INT
	expect "$status" == 0 "exit status"
}

@test "grep in a pipe behind --print finds what it looks for while the capture goes on" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	grep --line-buffered 'echo request' < "$BATS_TEST_TMPDIR/pipe" > "$BATS_TEST_TMPDIR/found" 3>&- &
	helpers+=($!)
	output=$BATS_TEST_TMPDIR/pipe
	start one --print lo
	ns busybox ping -q -c 2 -i 0.01 10.9.0.1 > /dev/null
	wait_until eval '[ "$(wc -l < "$BATS_TEST_TMPDIR/found")" = 2 ]'
	stop one INT
	expect "$status" == 0 "exit status"
}

# both_of LOOK...: what is shown beside a file is what tcpdump shows of the file.
both_of() {
	local file=$BATS_TEST_TMPDIR/file.pcap
	rm -f "$file"
	output=$BATS_TEST_TMPDIR/shown
	start one --print -s 0 -w "$file" "$@" lo
	unset output
	talk 1000
	wait_until has_talked "$file"
	stop one INT
	expect "$status" == 0 "exit status"
	tcpdump_lines "$file" "$@" > "$BATS_TEST_TMPDIR/theirs"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/theirs")" ">=" 12 "lines"
	same "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/shown"
}

@test "-w FILE --print writes and shows the same packets, in tcpdump's lines" {
	both_of
	expect "$(said captured)" == "$(wc -l < "$BATS_TEST_TMPDIR/shown")" "captured"
}

@test "-e -x -xx -X -XX -t -tt make lines look as they do in tcpdump" {
	local look
	for look in -e -x -xx -X -XX -t -tt "-e -XX -tt"; do
		echo "$look"
		# shellcheck disable=SC2086 # some are several words
		both_of $look
	done
}

@test "--nano shows nine digits, as tcpdump does" {
	local file=$BATS_TEST_TMPDIR/file.pcap
	output=$BATS_TEST_TMPDIR/shown
	start one --nano --print -w "$file" -c 1 va
	unset output
	ns send vb
	finish one
	[[ $(< "$BATS_TEST_TMPDIR/shown") =~ ^[0-9:]{8}\.([0-9]{9})\  ]]
	[[ $(tcpdump --nano -nnr "$file" 2> /dev/null) == *."${BASH_REMATCH[1]} "* ]]
}

@test "lines that a stuck reader never took are told: exit 1" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	# shellcheck disable=SC2217 # that is the point
	sleep 600 < "$BATS_TEST_TMPDIR/pipe" 3>&- &
	helpers+=($!)
	output=$BATS_TEST_TMPDIR/pipe
	start one --print va
	ns send -c 5000 vb
	kill -TERM "${pid[one]}"
	stop one TERM
	expect "$status" == 1 "exit status"
	says "rawcap: stdout: stuck reader, lines lost"
}

@test "any: lines of cooked packets name what tcpdump names" {
	local file=$BATS_TEST_TMPDIR/any.pcap
	output=$BATS_TEST_TMPDIR/shown
	start one --print -t -w "$file" -i any
	unset output
	talk
	wait_until has_talked "$file"
	stop one INT
	grep -q 'ICMP echo request' "$BATS_TEST_TMPDIR/shown"
	# a file has the interface's number only, which tcpdump takes for one of this machine
	sed 's/^[^ ]* *//' "$BATS_TEST_TMPDIR/shown" > "$BATS_TEST_TMPDIR/ours"
	tcpdump_lines "$file" -t | sed 's/^[^ ]* *//' > "$BATS_TEST_TMPDIR/theirs"
	same "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours"
}

@test "a terminal that stands still holds nothing up: every packet is in the file, the rest is counted" {
	local file=$BATS_TEST_TMPDIR/file.pcap
	touch "$screen.stuck"
	on_terminal one --print -w "$file" va
	ns send -c 5000 vb
	wait_until eval '[ "$(pcapread -c "$file")" = 5000 ]'
	rm "$screen.stuck"
	wait_until eval "lines | grep -q 0x88b5"
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(said captured)" == 5000 "captured"
	lines > "$BATS_TEST_TMPDIR/lines"
	local shown hidden
	shown=$(grep -c 'Unknown (0x88b5)' "$BATS_TEST_TMPDIR/lines")
	hidden=$(sed -n 's/^\[\([0-9]*\) packets* not shown\]$/\1/p' "$BATS_TEST_TMPDIR/lines" | paste -s -d +)
	echo "shown $shown, not shown $hidden"
	expect "$((hidden))" ">" 0 "packets that were not shown"
	expect "$((shown + hidden))" == 5000 "all of them"
	# else Ctrl-C would be heard, but lines go on for half a minute of a serial console
	expect "$(stat -c %s "$screen")" "<" 200000 "bytes of lines that had waited"
	run -1 grep -av -e ' Unknown (0x88b5), length 64' -e '^\[[0-9]* packets* not shown\]$' -e '^	0x' \
		"$BATS_TEST_TMPDIR/lines"
}

@test "Ctrl-C ends it: the summary stands below the last whole line" {
	launcher=("$BATS_TEST_DIRNAME/tools/terminal.py" -e "$screen")
	start one va
	ns send -c 4 vb
	wait_until shows 4
	printf '\003' > "$screen.keys.new"
	mv "$screen.keys.new" "$screen.keys"
	finish one
	expect "$status" == 0 "exit status"
	lines | grep -v ': listening on ' > "$BATS_TEST_TMPDIR/lines"
	cat "$BATS_TEST_TMPDIR/lines"
	expect "$(head -n 4 "$BATS_TEST_TMPDIR/lines" | grep -c 0x88b5)" == 4 "packets first"
	[ "$(sed -n 5p "$BATS_TEST_TMPDIR/lines")" = '^C' ]	# and a new line behind it
	[ "$(sed -n 6p "$BATS_TEST_TMPDIR/lines")" = '4 packets captured' ]
	[ "$(sed -n 7p "$BATS_TEST_TMPDIR/lines")" = '4 packets received by filter' ]
	[ "$(sed -n 8p "$BATS_TEST_TMPDIR/lines")" = '0 packets dropped by kernel' ]
}

@test "a reader of lines that goes away ends the capture, if there is nothing but lines" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	head -n 1 < "$BATS_TEST_TMPDIR/pipe" > "$BATS_TEST_TMPDIR/first" 3>&- &
	helpers+=($!)
	output=$BATS_TEST_TMPDIR/pipe
	start one --print va
	ns send vb
	wait_until ended "${helpers[-1]}"
	ns send vb
	finish one
	expect "$status" == 1 "exit status"
	says "stdout: the reader is gone"
}

@test "a reader of lines that goes away does not end the writing of a file" {
	local file=$BATS_TEST_TMPDIR/file.pcap
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	head -n 1 < "$BATS_TEST_TMPDIR/pipe" > "$BATS_TEST_TMPDIR/first" 3>&- &
	helpers+=($!)
	output=$BATS_TEST_TMPDIR/pipe
	start one --print -w "$file" va
	ns send vb
	wait_until ended "${helpers[-1]}"
	ns send -c 9 vb
	wait_until eval '[ "$(pcapread -c "$file")" = 10 ]'
	stop one INT
	says "stdout: the reader is gone"
	expect "$(said captured)" == 10 "captured"
}

@test "lines and pcap do not go to one place, and pcap to no terminal" {
	run -2 "${NS[@]}" "$RAWCAP" --print -w - lo
	[[ $output == *"--print"* ]]
	run -2 "${NS[@]}" "$BATS_TEST_DIRNAME/tools/terminal.py" -e "$screen" "$RAWCAP" -w - lo
	grep -q terminal "$screen"
}
