#!/usr/bin/env bats
# Reading files: shown, filtered and rewritten as tcpdump does it; bad ones refused with a count.
load helpers

setup_file() {
	MADE=$BATS_FILE_TMPDIR/made
	export MADE
	python3 "$BATS_TEST_DIRNAME/show/gen.py" "$MADE"
}

prepare() {
	requires python3 tcpdump
	out=$BATS_TEST_TMPDIR/out.pcap
	damaged=$BATS_TEST_TMPDIR/damaged.pcap
}

# read_file ARGUMENT...: sets status, output (the lines, also in the file lines) and err.
read_file() {
	status=0
	timeout -k 1 20 "$RAWCAP" "$@" > "$BATS_TEST_TMPDIR/lines" 2> "$BATS_TEST_TMPDIR/read.err" || status=$?
	output=$(< "$BATS_TEST_TMPDIR/lines")
	log_end read "$@"
}

tcpdump_writes() { tcpdump -r "$1" -w "$BATS_TEST_TMPDIR/theirs.pcap" "${@:2}" 2> /dev/null; }

# edit FILE PYTHON: writes $damaged: PYTHON changes data, the bytes of FILE; record(n) is where record n begins.
edit() {
	python3 - "$1" "$damaged" "$2" <<- 'END'
		import random, struct, sys
		data = bytearray(open(sys.argv[1], 'rb').read())
		def record(n):
		    at = 24
		    for _ in range(n):
		        at += 16 + struct.unpack('<I', data[at + 8:at + 12])[0]
		    return at
		exec(sys.argv[3])
		open(sys.argv[2], 'wb').write(data)
	END
}

# refuses PACKETS [ARGUMENT...]: of $damaged so many packets are shown, then one line says so; exit 1.
refuses() {
	read_file -t -r "$damaged" "${@:2}"
	expect "$status" == 1 "exit status"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/lines")" == "$1" "lines of good packets"
	expect "$(grep -c . <<< "$err")" == 1 "one line on stderr"
	[[ $err =~ ^"rawcap: $damaged: $1 packet"s?" good, then " ]]
}

@test "-r shows made packets as tcpdump does, with every look" {
	printf '#!/bin/sh\nfile=$1\nshift\nexec "$RAWCAP" "$@" -r "$file"\n' > "$BATS_TEST_TMPDIR/show"
	chmod +x "$BATS_TEST_TMPDIR/show"
	python3 "$BATS_TEST_DIRNAME/show/compare.py" "$BATS_TEST_TMPDIR/show" \
		"$MADE"/{ethernet,raw,sll,sll2,nano,padded,big-endian}.pcap
}

@test "times are tcpdump's: the clock in UTC, -t none, -tt seconds" {
	local look
	edit "$MADE/nano.pcap" '
for n in range(50):
    data[record(n):record(n) + 8] = struct.pack("<2I", n * 42949672, n * 20408163)'
	for look in "" -t -tt; do
		# shellcheck disable=SC2086 # nothing is no argument
		read_file $look -r "$damaged"
		# shellcheck disable=SC2086
		TZ=UTC tcpdump -nnS $look -r "$damaged" 2> /dev/null | cut -d ' ' -f 1 > "$BATS_TEST_TMPDIR/theirs"
		cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/lines" > "$BATS_TEST_TMPDIR/ours"
		expect "$(wc -l < "$BATS_TEST_TMPDIR/ours")" ">=" 50 "lines"
		same "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours"
	done
}

@test "-r needs no interface, no root and no right at all" {
	requires setpriv
	[ "$(id -u)" = 0 ] || cannot_run "not root, so there is nothing to give up"
	# the file as stdin, the program through its descriptor: nobody may enter no directory of ours
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
		/proc/self/fd/9 -t -r - < "$MADE/nano.pcap" 9< "$RAWCAP" > "$BATS_TEST_TMPDIR/nobody"
	read_file -t -r "$MADE/nano.pcap"
	[ -s "$BATS_TEST_TMPDIR/nobody" ]
	same "$BATS_TEST_TMPDIR/lines" "$BATS_TEST_TMPDIR/nobody"
}

@test "-r opens no socket" {
	requires strace
	strace -f -o "$BATS_TEST_TMPDIR/trace" "$RAWCAP" -r "$MADE/nano.pcap" > "$BATS_TEST_TMPDIR/lines"
	grep -q '^[0-9]* *read(' "$BATS_TEST_TMPDIR/trace"
	run -1 grep 'socket(' "$BATS_TEST_TMPDIR/trace"
}

@test "-r - reads a pipe, in pieces of any size" {
	local size
	read_file -r "$MADE/ethernet.pcap" -w -
	cp "$BATS_TEST_TMPDIR/lines" "$BATS_TEST_TMPDIR/whole"
	cmp "$BATS_TEST_TMPDIR/whole" "$MADE/ethernet.pcap"
	for size in 1 7 24 1000 4096; do
		dd bs="$size" status=none if="$MADE/ethernet.pcap" | "$RAWCAP" -r - -w - > "$out"
		cmp "$MADE/ethernet.pcap" "$out"
	done
}

@test "lines of a pipe come as its packets do, without waiting for more" {
	mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/pipe"
	exec 7<> "$BATS_TEST_TMPDIR/in" 8<> "$BATS_TEST_TMPDIR/pipe"
	"$RAWCAP" -t -r - < "$BATS_TEST_TMPDIR/in" > "$BATS_TEST_TMPDIR/pipe" 3>&- &
	pid[one]=$!
	local line
	edit "$MADE/ip.pcap" 'data = data[:record(1)]'
	cat "$damaged" >&7
	read -r -t 10 -u 8 line
	[[ $line == "IP 10.0.0.1.40000 > "* ]]
	kill "${pid[one]}"	# it waits for the second packet
	wait_until ended "${pid[one]}"
	wait "${pid[one]}"
	unset "pid[one]"
}

@test "either byte order and either resolution give the same lines and, written, the same file" {
	local file
	tcpdump_writes "$MADE/nano.pcap"
	read_file -r "$MADE/nano.pcap"
	cp "$BATS_TEST_TMPDIR/lines" "$BATS_TEST_TMPDIR/expected"
	for file in nano big-endian; do
		read_file -r "$MADE/$file.pcap"
		same "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/lines"
		read_file -r "$MADE/$file.pcap" --micro -w "$out"
		expect "$status" == 0 "exit status"
		cmp "$BATS_TEST_TMPDIR/theirs.pcap" "$out"
	done
}

@test "nanoseconds stay nanoseconds" {
	edit "$MADE/nano.pcap" 'data[record(0) + 4:record(0) + 8] = struct.pack("<I", 123456789)'
	read_file -r "$damaged" -w "$out"
	cmp "$damaged" "$out"
	read_file -tt -c 1 -r "$out"
	[[ $output == 0.123456\ * ]]
}

@test "what a filter keeps, shown and written, is what tcpdump keeps" {
	local filter file kept=0
	while read -r filter; do
		for file in ip ethernet flipped sll sll2 raw; do
			tcpdump_writes "$MADE/$file.pcap" "$filter" || continue	# not for that link type
			read_file -r "$MADE/$file.pcap" -w "$out" "$filter"
			cmp "$BATS_TEST_TMPDIR/theirs.pcap" "$out" || { echo "$file: $filter"; return 1; }
			kept=$((kept + $(pcapread -c "$out")))
		done
	done < "$BATS_TEST_DIRNAME/show/filters"
	echo "$kept packets kept"
	expect "$kept" ">" 10000 "packets kept"
	read_file -t -r "$MADE/ip.pcap" udp port 53
	tcpdump -nnS -t -r "$MADE/ip.pcap" udp port 53 2> /dev/null > "$BATS_TEST_TMPDIR/theirs"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/lines")" == "$(wc -l < "$BATS_TEST_TMPDIR/theirs")" "lines"
}

@test "a filter that is wrong is a usage error, and names the column" {
	read_file -r "$MADE/ip.pcap" tcp portt 80
	expect "$status" == 2 "exit status"
	says filter
}

@test "what a file does not say cannot be asked: inbound of Ethernet is usage, of cooked packets not" {
	read_file -r "$MADE/ip.pcap" inbound
	expect "$status" == 2 "exit status"
	says 'which way a packet went'
	read_file -r "$MADE/sll.pcap" inbound
	expect "$status" == 0 "exit status"
}

@test "a file is not written onto itself, under whatever name" {
	cp "$MADE/ip.pcap" "$damaged"
	ln "$damaged" "$BATS_TEST_TMPDIR/other"
	read_file -r "$damaged" -w "$BATS_TEST_TMPDIR/other"
	expect "$status" == 2 "exit status"
	says "$BATS_TEST_TMPDIR/other: is what is read"
	cmp "$MADE/ip.pcap" "$damaged"
	cp "$MADE/ip.pcap" "$BATS_TEST_TMPDIR/c$(date -u +%Y)"
	read_file -r "$BATS_TEST_TMPDIR/c$(date -u +%Y)" -G 100 -w "$BATS_TEST_TMPDIR/c%Y"
	expect "$status" == 2 "exit status with a time in the name"
	cmp "$MADE/ip.pcap" "$BATS_TEST_TMPDIR/c$(date -u +%Y)"
}

@test "stdout that is the file which is read is refused: no line and no packet goes over it" {
	local more
	cp "$MADE/ip.pcap" "$damaged"
	for more in "-w -" "-l" "--count"; do
		# shellcheck disable=SC2086 # several words
		status=0
		"$RAWCAP" -r "$damaged" $more 1<> "$damaged" 2> "$BATS_TEST_TMPDIR/err" || status=$?
		expect "$status" == 2 "exit status"
		grep -q "stdout: is what is read" "$BATS_TEST_TMPDIR/err"
	done
	cmp "$MADE/ip.pcap" "$damaged"
	"$RAWCAP" -r - --count < "$damaged"
}

@test "the file that is read is removed by no rotation that would take its name" {
	local name
	for name in last0 last2 last7; do	# the first, another, one beyond -W
		rm -f "$BATS_TEST_TMPDIR"/last*
		cp "$MADE/ip.pcap" "$BATS_TEST_TMPDIR/$name"
		touch -d "1 hour ago" "$BATS_TEST_TMPDIR/$name"
		read_file -r "$BATS_TEST_TMPDIR/$name" -s 100 -C 512 -W 4 -w "$BATS_TEST_TMPDIR/last"
		expect "$status" == 0 "exit status"
		cmp "$MADE/ip.pcap" "$BATS_TEST_TMPDIR/$name"
		expect "$(find "$BATS_TEST_TMPDIR" -name 'last*' | wc -l)" ">" 1 "files"
	done
	rm -f "$BATS_TEST_TMPDIR"/last*
	cp "$MADE/ip.pcap" "$BATS_TEST_TMPDIR/last"	# all that -W 1 has
	read_file -r "$BATS_TEST_TMPDIR/last" -s 100 -C 512 -W 1 -w "$BATS_TEST_TMPDIR/last"
	failed 1 "last: is what is read"
	cmp "$MADE/ip.pcap" "$BATS_TEST_TMPDIR/last"
}

@test "a filter in a file that has a byte of zeros is refused, not cut off there" {
	printf 'port 80\0 or port 81' > "$damaged"
	read_file -r "$MADE/ip.pcap" -F "$damaged"
	expect "$status" == 2 "exit status"
	says "not a text: it has a byte of zeros"
}

@test "--until and --after go by the times in the file" {
	# ten packets, half a second apart, numbered in their last byte
	python3 -c 'import struct, sys
sys.stdout.buffer.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
for i in range(10):
    sys.stdout.buffer.write(struct.pack("<IIII", 1700000000 + i // 2, i % 2 * 500000, 15, 15) + bytes(14) + bytes([i]))' > "$damaged"
	read_file -r "$damaged" -w "$BATS_TEST_TMPDIR/part" --until 'ether[14] = 3' --after 2
	expect "$status" == 0 "exit status"
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/part")" == 8 "packets up to number 7, 2.0 seconds later"
	read_file -r "$damaged" -w "$BATS_TEST_TMPDIR/part" --until 'ether[14] = 3'
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/part")" == 4 "packets up to number 3"
}

@test "--count and -w - are refused together: both want stdout" {
	read_file -r "$MADE/ip.pcap" -w - --count
	expect "$status" == 2 "exit status"
	says "--count: stdout is not free for the number"
}

# endless: the packets of a file again and again.
endless() {
	head -c 24 "$MADE/ip.pcap"
	while tail -c +25 "$MADE/ip.pcap"; do :; done
}

# For wait_until: the process has a descriptor that gives it signals.
has_signals() { grep -qs sigmask "/proc/$1/fdinfo/"*; }

@test "reading what never ends: SIGUSR1 counts, SIGINT stops" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	endless > "$BATS_TEST_TMPDIR/pipe" 2> /dev/null 3>&- &
	"$RAWCAP" -r - -w /dev/null < "$BATS_TEST_TMPDIR/pipe" 2> "$BATS_TEST_TMPDIR/one.err" 3>&- &
	pid[one]=$!
	wait_until has_signals "${pid[one]}"
	kill -USR1 "${pid[one]}"
	wait_until grep -q captured "$BATS_TEST_TMPDIR/one.err"
	run -1 grep -q unknown "$BATS_TEST_TMPDIR/one.err"
	stop one INT
	expect "$status" == 0 "exit status"
}

@test "-G begins files by the time that passes while a pipe is read" {
	{ head -c 24 "$MADE/ip.pcap"; sleep 2.5; tail -c +25 "$MADE/ip.pcap"; } |
		bash -c '"$RAWCAP" "$@" && times' bash -r - -G 1 -w "$BATS_TEST_TMPDIR/f-%s" > "$BATS_TEST_TMPDIR/times"
	run -0 tail -n 1 "$BATS_TEST_TMPDIR/times"	# of its child: 0m0.003s 0m0.002s
	[[ $output =~ ^0m0\.[0-4].*\ 0m0\.[0-4] ]]	# it slept in between
	set -- "$BATS_TEST_TMPDIR"/f-*
	expect $# ">=" 3 "files"
	expect "$(records_in "$@")" == "$(records_in "$MADE/ip.pcap")" "records"
	expect "$(records_in "${@: -1}")" == "$(records_in "$@")" "records of the last file"
}

@test "-G without -w ends what is read from a pipe on time, though nothing more comes" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	{ cat "$MADE/ip.pcap"; exec sleep 600; } > "$BATS_TEST_TMPDIR/pipe" 3>&- &
	helpers+=($!)
	"$RAWCAP" -r - -G 1 -w - < "$BATS_TEST_TMPDIR/pipe" > "$out"
	cmp "$MADE/ip.pcap" "$out"
}

@test "-c N takes the first N that the filter lets through" {
	read_file -r "$MADE/ip.pcap" -c 7 -w "$out" udp
	expect "$status" == 0 "exit status"
	tcpdump_writes "$MADE/ip.pcap" -c 7 udp
	cmp "$BATS_TEST_TMPDIR/theirs.pcap" "$out"
	read_file -r "$MADE/ip.pcap" -c 7 udp
	expect "$(wc -l < "$BATS_TEST_TMPDIR/lines")" == 7 "lines"
}

@test "-s N cuts what is written; without it nothing is cut" {
	read_file -r "$MADE/ip.pcap" -w "$out"
	cmp "$MADE/ip.pcap" "$out"
	read_file -r "$MADE/ip.pcap" -s 50 -w "$out"
	expect "$status" == 0 "exit status"
	pcapread "$MADE/ip.pcap" | sed 1d | cut -d ' ' -f 4 | as_frames 50 > "$BATS_TEST_TMPDIR/expected"
	pcapread "$out" | sed 1d | cut -d ' ' -f 2- > "$BATS_TEST_TMPDIR/found"
	same "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
	expect "$(od -A n -t u4 -j 16 -N 4 "$out")" == 50 "snaplen of the file"
}

@test "a file larger than any buffer, with the longest record there can be, comes out as it went in" {
	python3 - "$BATS_TEST_TMPDIR/large.pcap" <<- 'END'
		import random, struct, sys
		r = random.Random(3)
		with open(sys.argv[1], 'wb') as f:
		    f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
		    for i in range(400):
		        size = r.choice((0, 1, 60, 1514, 9000, 65549, 262143, 262144))
		        f.write(struct.pack('<4I', i, i, size, size) + r.randbytes(size))
	END
	read_file -r "$BATS_TEST_TMPDIR/large.pcap" -w "$out"
	expect "$status" == 0 "exit status"
	cmp "$BATS_TEST_TMPDIR/large.pcap" "$out"
	"$RAWCAP" -r - -w - < "$out" | cmp "$BATS_TEST_TMPDIR/large.pcap"
	# and all of it shown, through a pipe that is read slowly: nothing is left out
	"$RAWCAP" -xx -r "$BATS_TEST_TMPDIR/large.pcap" | dd bs=100 status=none | grep -c '^	0x' > "$BATS_TEST_TMPDIR/count"
	expect "$(< "$BATS_TEST_TMPDIR/count")" == "$(pcapread "$out" | sed 1d |
		awk '{ n += int(($2 + 15) / 16) } END { print n }')" "lines of hex"
}

@test "a file with no packet in it is no error" {
	head -c 24 "$MADE/ip.pcap" > "$damaged"
	read_file -r "$damaged"
	expect "$status" == 0 "exit status"
	[ -z "$output$err" ]
	read_file -r "$damaged" -w "$out"
	cmp "$damaged" "$out"
}

@test "a file that ends within a packet: the good ones are shown, then how many there were" {
	local bytes
	for bytes in 1 8 15 16 17 30; do
		edit "$MADE/ip.pcap" "data = data[:record(5) + $bytes]"
		refuses 5
	done
	edit "$MADE/ip.pcap" 'data = data[:record(1) + 20]'
	refuses 1
}

@test "the packets before the damage are written" {
	edit "$MADE/ip.pcap" 'data = data[:record(9) + 20]'
	read_file -r "$damaged" -w "$out"
	expect "$status" == 1 "exit status"
	says "9 packets good, then "
	expect "$(pcapread -c "$out")" == 9 "packets written"
	cmp -n "$(stat -c %s "$out")" "$out" "$MADE/ip.pcap"
}

@test "a record that claims more than there can be is refused" {
	local size
	for size in 262145 1000000000 4294967295; do
		edit "$MADE/ip.pcap" "data[record(3) + 8:record(3) + 16] = struct.pack('<2I', $size, $size)"
		refuses 3
	done
}

@test "a packet longer than the file's snaplen is cut to it, as tcpdump does" {
	edit "$MADE/ip.pcap" 'data[16:20] = struct.pack("<I", 50)'
	read_file -r "$damaged" -w "$out"
	expect "$status" == 0 "exit status"
	tcpdump_writes "$damaged"
	cmp "$BATS_TEST_TMPDIR/theirs.pcap" "$out"
}

@test "a packet of more bytes than it had on the wire: then it had these" {
	edit "$MADE/ip.pcap" 'data[record(2) + 12:record(2) + 16] = struct.pack("<I", 1)'
	read_file -r "$damaged" -w "$out"
	expect "$status" == 0 "exit status"
	cmp "$MADE/ip.pcap" "$out"
}

@test "what is no pcap file is refused: empty, short, random, another version, another magic" {
	local bytes edits=(
		'data = bytearray(random.Random(1).randbytes(5000))' 'data = bytearray(5000)'
		'data[4] = 3' 'data[6] = 5' 'data[0:4] = bytes.fromhex("cd34b2a1")' 'data = data[::-1]'
	)
	for bytes in 0 1 4 23; do
		head -c "$bytes" "$MADE/ip.pcap" > "$damaged"
		read_file -r "$damaged" -w "$out"
		expect "$status" == 1 "exit status of $bytes bytes"
		says "rawcap: $damaged: too short"
		[ ! -e "$out" ]
	done
	for bytes in "${edits[@]}"; do
		edit "$MADE/ip.pcap" "$bytes"
		read_file -r "$damaged" -w "$out"
		expect "$status" == 1 "exit status of $bytes"
		says "rawcap: $damaged: not "
		[ ! -e "$out" ]
	done
}

@test "a file that is not there, or may not be read, is named" {
	read_file -r "$BATS_TEST_TMPDIR/none"
	expect "$status" == 1 "exit status"
	says "rawcap: $BATS_TEST_TMPDIR/none: "
	read_file -r "$BATS_TEST_TMPDIR"
	expect "$status" == 1 "exit status"
	says "rawcap: $BATS_TEST_TMPDIR: "
}

@test "damage of any kind ends in lines or a message, never in a crash" {
	local seed
	for seed in $(seq 60); do
		edit "$MADE/ethernet.pcap" "
r = random.Random($seed)
for _ in range(r.randrange(1, 30)):
    data[r.choice((r.randrange(24), r.randrange(24, 400), r.randrange(len(data))))] = r.randrange(256)
data = data[:r.randrange(len(data))] if r.randrange(3) == 0 else data"
		read_file -e -XX -r "$damaged" > /dev/null
		expect "$status" "<" 2 "exit status of seed $seed"
		run -1 env LC_ALL=C grep -aqP '[^\x20-\x7e\t]' "$BATS_TEST_TMPDIR/lines"
		read_file -r "$damaged" -w "$out" > /dev/null
		expect "$status" "<" 2 "exit status of seed $seed"
	done
}

@test "nothing but printable ASCII is shown, whatever the packets hold" {
	read_file -X -r "$MADE/flipped.pcap"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/lines")" ">" 9000 "lines"
	run -1 env LC_ALL=C grep -aP '[^\x20-\x7e\t]|.\t' "$BATS_TEST_TMPDIR/lines"
}

@test "a reader that has seen enough ends it" {
	status=0
	{ "$RAWCAP" -r "$MADE/ip.pcap" 2> "$BATS_TEST_TMPDIR/err" || echo "exit $?" >> "$BATS_TEST_TMPDIR/err"; } |
		head -n 1 > "$BATS_TEST_TMPDIR/first"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/first")" == 1 "lines"
	[[ $(< "$BATS_TEST_TMPDIR/err") == "" || $(< "$BATS_TEST_TMPDIR/err") == *"the reader is gone"*"exit 1" ]]
}
