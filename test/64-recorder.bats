#!/usr/bin/env bats
# The flight recorder that is started again: it goes on behind its newest file, and removes only what
# the bound of -W asks for, however the run before it ended.
: "${BATS_TEST_TIMEOUT:=400}"
load files

# run_of COUNT ARGUMENT...: a run that captures COUNT packets of 1000 bytes, and ends.
run_of() {
	start one "${@:2}" va
	[ "$1" = 0 ] || ns send -c "$1" -s 1000 -r 20000 vb
	stop one INT
	expect "$status" == 0 "exit status"
}

# file NAME [AGE]: a file that holds one record, taken and last written AGE seconds ago.
file() {
	local second
	second=$(printf %08x $(($(date +%s) - ${2:-0})))
	{ printf '\xa1\xb2\xc3\xd4\0\2\0\4\0\0\0\0\0\0\0\0\0\0\10\0\0\0\0\1'
		printf '%b' "\x${second:0:2}\x${second:2:2}\x${second:4:2}\x${second:6:2}"
		printf '\0\0\0\0\0\0\0\4\0\0\0\4file'; } > "$fast/$1"
	touch -d "@$((16#$second))" "$fast/$1"
}

# ring AGE NAME...: such files, each a second younger than the one before it.
ring() {
	local age=$1 name
	for name in "${@:2}"; do
		file "$name" $((age--))
	done
}

# are NAME...: these files are there, no others but what went to stdout.
are() {
	local found
	rm -f "$(pcap one)" "$(pcap run)"
	found=$(cd "$fast" && printf '%s ' *)
	[ "$found" = "$*${*:+ }" ] || { echo "found $found instead of $*"; return 1; }
}

@test "-C -W: a second run goes on behind the newest file of the first, and the oldest goes" {
	run_of 100 -w "$inside/f" -C 64k -W 4
	are f0 f1
	md5sum "$fast"/f? > "$BATS_TEST_TMPDIR/sums"
	run_of 10 -w "$inside/f" -C 64k -W 4
	are f0 f1 f2
	run_of 10 -w "$inside/f" -C 64k -W 4
	are f0 f1 f2 f3
	md5sum -c "$BATS_TEST_TMPDIR/sums"
	cp "$fast/f0" "$BATS_TEST_TMPDIR/first"
	run_of 5 -w "$inside/f" -C 64k -W 4
	are f0 f1 f2 f3
	[ "$(pcapread -c "$fast/f0")" = 5 ]
	tail -n 1 "$BATS_TEST_TMPDIR/sums" | md5sum -c
}

@test "killed again and again: what it recorded is still there, and the torn end of each run" {
	local i
	for i in 0 1 2; do
		start one -w "$inside/f" -C 64k -W 4 va
		ns send -c 20 -s 1000 vb
		wait_until file_has "$fast/f$i" 20
		stop one KILL
		printf 'torn' >> "$fast/f$i"	# a record that was only begun
		cp -p "$fast/f$i" "$BATS_TEST_TMPDIR/"
	done
	start one -w "$inside/f" -C 64k -W 4 va
	wait_until test -e "$fast/f3"
	for i in 0 1 2; do
		cmp "$fast/f$i" "$BATS_TEST_TMPDIR/f$i"
	done
	stop one INT
}

@test "runs that capture nothing push nothing out: an empty file is used again" {
	local i
	run_of 200 -w "$inside/f" -C 64k -W 4
	are f0 f1 f2 f3
	for i in 1 2 3 4 5 6; do
		run_of 0 -w "$inside/f" -C 64k -W 4
	done
	are f0 f1 f2 f3
	expect "$(pcapread -c "$fast/f0")" == 0 "records in the newest file"
	[ "$(joined "$fast"/f{1,2,3} | cut -d ' ' -f 3,4)" = "199 0" ]
}

@test "another -W, smaller: only as many files stay, the newest ones" {
	ring 100 f6 f7 f8 f9 f0 f1 f2 f3 f4 f5
	run_of 1 -w "$inside/f" -C 64k -W 4
	are f2 f3 f4 f5
	run_of 70 -w "$inside/f" -C 64k -W 4	# f3 was the oldest, then come f0 and f1, and two old ones go
	are f0 f2 f3 f5
}

@test "another -W, larger, with longer numbers: the old files count, and go one by one" {
	ring 100 f0 f1 f2 f3
	run_of 1 -w "$inside/f" -C 64k -W 11
	are f0 f04 f1 f2 f3
	local i
	for i in 5 6 7 8 9 10; do
		run_of 1 -w "$inside/f" -C 64k -W 11
	done
	are f0 f04 f05 f06 f07 f08 f09 f1 f10 f2 f3
	run_of 130 -w "$inside/f" -C 64k -W 11
	are f00 f01 f02 f04 f05 f06 f07 f08 f09 f10 f3
}

@test "-W 1: the one file is replaced, as its bound asks" {
	run_of 10 -w "$inside/f" -C 64k -W 1
	run_of 5 -w "$inside/f" -C 64k -W 1
	are f
	expect "$(pcapread -c "$fast/f")" == 5 "records"
}

@test "a thousand files and more, of a larger -W" {
	local i
	run_of 1 -w "$inside/a-capture"
	for ((i = 0; i < 2500; i++)); do
		cp "$fast/a-capture" "$fast/$(printf 'f%04d' $i)"
	done
	touch -d "@$(($(date +%s) - 10))" "$fast"/f*
	touch "$fast"/f1{0,1,2}??
	run_of 1 -w "$inside/f" -C 64k -W 200
	expect "$(names 'f*' | wc -w)" == 200 "files"
}

@test "what is called alike and is no capture stays" {
	ring 100 f0 f1
	echo "not a capture" > "$fast/f2023"
	run_of 200 -w "$inside/f" -C 64k -W 2
	grep -q "not a capture" "$fast/f2023"
}

@test "what is not a file of the recorder stays: other names, longer numbers, -w FILE's own" {
	ring 100 f f-1 f1x f20261128 g0 f0.pcap xf0
	run_of 200 -w "$inside/f" -C 64k -W 2
	are f f-1 f0 f0.pcap f1 f1x f20261128 g0 xf0
}

@test "files of another user do not steer what is removed" {
	[ "$(id -u)" = 0 ] || cannot_run "not root"
	ring 100 f0 f1
	ring 50 f2 f3 f7 f8 f9
	ns chown 1234 "$inside"/f{2,3,7,8,9}
	cp "$fast/f0" "$BATS_TEST_TMPDIR/"
	cp "$fast/f1" "$BATS_TEST_TMPDIR/"
	run_of 1 -w "$inside/f" -C 64k -W 4
	cmp "$fast/f0" "$BATS_TEST_TMPDIR/f0"
	cmp "$fast/f1" "$BATS_TEST_TMPDIR/f1"
	run -0 stat -c %u "$fast"/f{7,8,9}
}

@test "a disk that knows only seconds: several newest files, the last of them is meant" {
	ring 100 f3 f4 f5 f6
	ring 50 f7 f8 f9 f0 f1 f2
	touch -r "$fast/f2" "$fast"/f{8,9,0,1}
	run_of 1 -w "$inside/f" -C 64k -W 10
	are f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
	[ "$(stat -c %Y "$fast/f3")" -ge $(($(date +%s) - 20)) ]
}

@test "a clock that starts in the past, as a router's: files from before are older than those since" {
	local uptime
	uptime=$(cut -d . -f 1 /proc/uptime)
	[ "$uptime" -gt 60 ] || cannot_run "the machine has just started"
	# f0 and f1 were written before the reboot, a day ahead of the clock; f2 since
	ring -86400 f0 f1
	file f2 20
	run_of 1 -w "$inside/f" -C 64k -W 4
	are f0 f1 f2 f3
	expect "$(pcapread -c "$fast/f3")" == 1 "records"
	run_of 1 -w "$inside/f" -C 64k -W 4
	[ "$(stat -c %Y "$fast/f0")" -le "$(date +%s)" ]	# the oldest one
	run -0 cat "$fast/f1" "$fast/f2"
}

@test "-G with -C and -W: goes on within the period, and its bound holds there" {
	run_of 100 -w "$inside/%Y-" -G 3600 -C 64k -W 4
	run_of 10 -w "$inside/%Y-" -G 3600 -C 64k -W 4
	local year
	year=$(date -u +%Y)
	are "$year-0" "$year-1" "$year-2"
	[ "$(joined "$fast/$year-0" "$fast/$year-1")" = "100 0 99 0" ]
	run_of 130 -w "$inside/%Y-" -G 3600 -C 64k -W 4
	are "$year-0" "$year-1" "$year-2" "$year-3"
	expect "$(pcapread -c "$fast/$year-2")" == 10 "records"
}

@test "-G, with -W or without: this period's file is not emptied, a number follows" {
	local bound year
	year=$(date -u +%Y)
	for bound in "" "-W 3"; do
		run_of 10 -w "$inside/%Y" -G 3600 $bound
		run_of 20 -w "$inside/%Y" -G 3600 $bound
		run_of 30 -w "$inside/%Y" -G 3600 $bound
		are "$year" "${year}1" "${year}2"
		expect "$(pcapread -c "$fast/$year")" == 10 "records of the first run"
		expect "$(pcapread -c "$fast/${year}1")" == 20 "records of the second"
		rm "$fast"/*
	done
}

@test "-G in directories with times: goes on in them as well" {
	local year
	year=$(date -u +%Y)
	mkdir -p "$fast/$year"
	run_of 10 -w "$inside/%Y/f" -G 3600 -C 64k -W 4
	run_of 10 -w "$inside/%Y/f" -G 3600 -C 64k -W 4
	are "$year"
	[ "$(names "$year/*")" = "$year/f0 $year/f1 " ]
}

@test "-G without a time in the name takes the same file again, as tcpdump: -G 1 -W 1 is a limit" {
	local i
	for i in 1 2; do
		start one -w "$inside/f" -G 1 -W 1 va
		ns send -c $i vb
		finish one
		expect "$status" == 0 "exit status"
		are f
		expect "$(pcapread -c "$fast/f")" == $i "records"
	done
}

@test "-C without -W goes on behind the highest number" {
	run_of 100 -w "$inside/f" -C 64k
	run_of 100 -w "$inside/f" -C 64k
	are f f1 f2 f3
	[ "$(joined "$fast"/f "$fast"/f1)" = "100 0 99 0" ]
}

@test "a directory that cannot be listed: begins in the first number that is free, and says so" {
	mkdir -m 300 "$fast/box"
	run_of 100 -w "$inside/box/f" -C 64k -W 4
	says "rawcap: $inside/box/f: its directory cannot be listed"
	expect "$(records_in "$fast"/box/f{0,1})" == 100 "records of the first run"
	run_of 10 -w "$inside/box/f" -C 64k -W 4
	expect "$(records_in "$fast"/box/f{0,1})" == 100 "records of the first run"
	expect "$(records_in "$fast/box/f2")" == 10 "records of the second run"
	run_of 10 -w "$inside/box/g" -C 64k
	run_of 20 -w "$inside/box/g" -C 64k
	expect "$(records_in "$fast/box/g")" == 10 "records without -W"
	expect "$(records_in "$fast/box/g1")" == 20 "records without -W"
}

@test "-r with -w is no recorder: the same files again" {
	run_of 100 -w "$inside/c"
	local i
	for i in 1 2; do
		run_rawcap -r "$inside/c" -w "$inside/f" -C 64k
		expect "$status" == 0 "exit status"
		are c f f1
	done
}

@test "a disk that the run before filled: its oldest file goes, and the recorder goes on" {
	ns mkdir "$inside/small"
	ns mount -t tmpfs -o size=256k none "$inside/small"
	start one -w "$inside/small/f" -C 64k -W 8 va
	ns send -c 1000 -s 1000 -r 10000 vb
	stop one KILL
	run_of 100 -w "$inside/small/f" -C 64k -W 8
	local file newest=0
	for file in "$fast"/small/f?; do
		[ "$(pcapread -q 14 "$file" | cut -d ' ' -f 3)" != 99 ] || newest=1
	done
	expect $newest == 1 "the second run's last packet"
}

# --- a hundred kills ---

# first_number FILE: of its first packet, from its bytes; nothing where there is none.
first_number() {
	[ "$(stat -c %s "$1")" -ge 64 ] || return 0
	echo $((16#$(od -An -v -tx1 -j $((24 + 16 + 14)) -N 4 "$1" | tr -d ' \n')))
}

# by_age DIRECTORY: its files with packets, the oldest first.
by_age() {
	local file number
	for file in "$1"/f?; do
		number=$(first_number "$file")
		[ -z "$number" ] || echo "$number $file"
	done | sort -n | cut -d ' ' -f 2
}

@test "kills at random moments under load (KILLS=100): whatever is within the bound is there after the restart" {
	local kills=${KILLS:-30} bound=5 i sender file kept=0
	tmpfs 64m
	mkdir "$fast/snap"
	"${NS[@]}" send -c 0 -s 300 -r 40000 vb > /dev/null 3>&- &
	sender=$!
	helpers+=($!)
	for ((i = 0; i < kills; i++)); do
		start one -w "$inside/f" -C 64k -W $bound va
		sleep "0.0$((RANDOM % 90 + 10))"	# a random moment is what is tested
		kill -KILL "${pid[one]}"
		kill -STOP "$sender"
		finish one
		rm -f "$fast"/snap/*
		cp -p "$fast"/f? "$fast/snap/"
		start one -w "$inside/f" -C 64k -W $bound va
		wait_until grep -q listening "$BATS_TEST_TMPDIR/one.err"
		expect "$(names 'f?' | wc -w)" "<=" $bound "files" || return
		for file in $(by_age "$fast/snap" | tail -n $((bound - 1))); do
			cmp "$file" "$fast/${file##*/}" || { echo "kill $i"; ls -l --full-time "$fast" "$fast/snap"; return 1; }
			kept=$((kept + 1))
		done
		kill -CONT "$sender"
		kill -KILL "${pid[one]}"
		finish one
	done
	echo "# $kept files compared after $kills kills" >&3
	expect $kept ">=" $((kills * (bound - 1) / 2)) "files compared"
}
