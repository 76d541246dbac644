#!/usr/bin/env bats
# Pipes and sockets take what they can hold: as many records as there is room for, and whole ones only,
# also where nobody ever reads. No write makes rawcap wait: it still answers to signals.
load helpers

prepare() {
	network
	ns ip link set va mtu 9000
	ns ip link set vb mtu 9000
	requires python3
	under=()
}

# stuck KIND ARGUMENT...: a capture whose reader does not read, under frames of many sizes. Sets held
# to the records in the pipe or socket, which must all be whole. The array under is a command in front.
stuck() {
	local kind=$1
	shift
	launcher=("$BATS_TEST_DIRNAME/tools/unread.py" "$kind" "$BATS_TEST_TMPDIR/held" "${under[@]}")
	[ "$kind" != tcp ] || ns ip link set lo up
	start one "$@" va
	ns send -c 300 -s 2049 -r 1000 vb	# each of them alone takes a page that it does not fill
	ns send -c 600 -s 60:9000 -r 3000 vb
	ns send -c 2000 -s 9000 vb
	kill -USR1 "${pid[one]}"
	wait_until grep -q 'packets captured' "$BATS_TEST_TMPDIR/one.err"
	kill -INT "${pid[one]}"
	sleep 0.1	# one signal behind the other, as two
	kill -INT "${pid[one]}" || true
	finish one
	failed 1 "stuck reader, "
	held=$(pcapread -c "$BATS_TEST_TMPDIR/held")
	expect "$held" == "$(said captured | tail -n 1)" "records that the reader would have got"
}

@test "a pipe that nobody reads: whole records, up to a megabyte" {
	stuck pipe -s 0
	expect "$(stat -c %s "$BATS_TEST_TMPDIR/held")" ">" $((1 << 19)) "bytes in the pipe"
}

@test "a pipe of one page, of two, of 64 KiB, where no larger one is allowed" {
	requires strace
	local size first tries
	ns strace -qq -e trace=fcntl -o "$BATS_TEST_TMPDIR/peace" "$RAWCAP" -G 1 va | cat > /dev/null
	first=$(grep -n -m 1 F_SETPIPE_SZ "$BATS_TEST_TMPDIR/peace" | cut -d : -f 1)
	for size in 4096:8 8192:7 65536:4; do
		tries=${size#*:} size=${size%:*}
		under=(strace -D -qq -e trace=fcntl -e "inject=fcntl:error=EPERM:when=$first..$((first + tries - 1))"
			-o "$BATS_TEST_TMPDIR/trace")
		stuck pipe=$size -s 2048
		expect "$(grep -c INJECTED "$BATS_TEST_TMPDIR/trace")" == "$tries" "refused sizes"
		run -1 grep 'F_SETPIPE_SZ.* = [0-9]' "$BATS_TEST_TMPDIR/trace"
		expect "$(stat -c %s "$BATS_TEST_TMPDIR/held")" ">=" $((size == 4096 ? 24 : size / 3)) "bytes in the pipe"
		expect "$(stat -c %s "$BATS_TEST_TMPDIR/held")" "<=" $size "bytes in the pipe"
	done
}

@test "a socket that nobody reads: whole records" {
	local kind
	for kind in unix tcp; do
		stuck $kind -s 0
		expect "$held" ">=" 10 "records in the socket"
	done
}

@test "a pipe whose reader makes it small while it is used" {
	launcher=(bash -c '"$@" | python3 -c "
import fcntl, os, time
time.sleep(0.5)
for size in 4096, 65536, 8192, 1 << 20, 4096:
	try:
		fcntl.fcntl(0, 1031, size)
	except OSError:
		pass	# more is in it
	time.sleep(0.1)
	for _ in range(30):
		part = os.read(0, 100000)
		os.write(1, part)
while part := os.read(0, 100000):
	os.write(1, part)
"' bash)
	start one -s 0 -c 2000 va
	ns send -c 2000 -s 1000:9000 -r 3000 vb
	finish one
	expect "$status" == 0 "exit status"
	[ "$(pcapread -q 14 "$(pcap one)")" = "2000 0 1999 0" ]
}
