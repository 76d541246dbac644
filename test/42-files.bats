#!/usr/bin/env bats
# Captures into files that rawcap opens itself: -w, and -C, -G and -W, which start a new one in time.
# Names are tcpdump's; what a file holds is better: none grows past its limit, none is torn, and no
# packet is lost from one to the next.
load helpers

# A directory at memory's speed.
prepare() {
	network
	tmpfs 400m
	inside=$BATS_TEST_TMPDIR/fast	# as rawcap sees $fast
}

failed() {
	expect "$status" == "$1" "exit status"
	says "$2"
}

# names PATTERN: the files' names on one line, in the order of ls.
names() { (cd "$fast" && printf '%s ' $1); }

# in_order PATTERN: the files' paths by their numbers, which is the order they were written in.
in_order() { (cd "$fast" && printf "$fast/%s\n" $1 | sort -V); }

# by_packets PATTERN: the files' paths by the numbers of their first packets, empty ones left out.
by_packets() {
	local file first
	for file in "$fast"/$1; do
		read -r _ first _ < <(pcapread -q 14 "$file") && echo "$first $file"
	done | sort -n | cut -d ' ' -f 2
}

# joined FILE...: all strict-valid and one behind the other: "RECORDS FIRST LAST MISSING" of the sequence
# numbers; an error where one does not rise.
joined() {
	local file count=0 first='' last='' missing=0 n f l m
	for file; do
		[ "$(pcapread -c "$file")" != 0 ] || continue
		read -r n f l m < <(pcapread -q 14 "$file") && [ -n "$m" ] || return 1
		if [ -n "$last" ]; then
			expect "$f" ">" "$last" "the first number of $file" || return 1
			missing=$((missing + f - last - 1))
		fi
		: "${first:=$f}"
		count=$((count + n)) last=$l missing=$((missing + m))
	done
	echo "$count $first $last $missing"
}

# sum_is SENT FILE...: what was sent is in these files or among the drops.
sum_is() {
	local total
	total=$(joined "${@:2}")
	expect "${total%% *}" == "$(said captured)" "records in all files = captured"
	expect "$(said captured) + $(said dropped)" == "$1" "captured + dropped = sent"
	expect "$(said received)" == "$1" "received"
}

# full FILE LIMIT RECORD: the file is not larger than LIMIT and has no room for another RECORD bytes.
full() {
	local size
	size=$(stat -c %s "$1")
	expect "$size" "<=" "$2" "bytes in $1"
	expect "$size + $3" ">" "$2" "bytes in $1 with one more record"
}

has_files() { [ "$(names "$1" | wc -w)" -ge "$2" ]; }
file_has() { [ "$(pcapread -c "$1" 2> /dev/null)" = "$2" ]; }

# --- one file ---

@test "-w FILE: the capture is there, with mode 0600, and nothing is on stdout" {
	local mask
	for mask in 000 022 077; do
		rm -f "$fast/f"
		launcher=(sh -c "umask $mask; exec \"\$@\"" sh)
		start one -w "$inside/f" va
		ns send -c 100 vb
		wait_until file_has "$fast/f" 100
		stop one INT
		expect "$status" == 0 "exit status"
		expect "$(pcapread -c "$fast/f")" == 100 "records"
		expect "$(said captured)" == 100 "captured"
		expect "$(stat -c %s "$(pcap one)")" == 0 "bytes on stdout"
		[ "$(stat -c %a "$fast/f")" = 600 ]
	done
}

@test "-w - is stdout" {
	start one -w - va
	ns send -c 10 vb
	kept 10
}

@test "-w over an old, longer file: nothing of that is left" {
	head -c 100000 /dev/zero > "$fast/f"
	start one -w "$inside/f" va
	ns send -c 3 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(pcapread -c "$fast/f")" == 3 "records"
}

@test "a start that fails does not touch the old file" {
	echo old > "$fast/f"
	run_rawcap -w "$inside/f" nosuch
	expect "$status" == 1 "exit status"
	[ "$(cat "$fast/f")" = old ]
	run_rawcap -w "$inside/f" -s x va
	expect "$status" == 2 "exit status"
	[ "$(cat "$fast/f")" = old ]
}

@test "a file that cannot be made: exit 1, its name and the reason" {
	run_rawcap -w "$inside/none/f" va
	failed 1 "rawcap: $inside/none/f: "
	run_rawcap -w "$inside" va
	failed 1 "rawcap: $inside: "
	run_rawcap -w '' va
	expect "$status" ">=" 1 "exit status"
	expect "$status" "<=" 2 "exit status"
	says "rawcap: "
}

@test "-w takes a capture from stdout's faults: closed, full, a terminal" {
	launcher=(bash -c 'exec "$@" >&-' bash)
	start one -c 5 -w "$inside/f" va
	ns send -c 5 vb
	finish one
	expect "$status" == 0 "exit status with stdout closed"
	expect "$(pcapread -c "$fast/f")" == 5 "records"
	launcher=()
	output=/dev/full start one -c 5 -w "$inside/f" va
	ns send -c 5 vb
	finish one
	expect "$status" == 0 "exit status with a full stdout"
	expect "$(pcapread -c "$fast/f")" == 5 "records"
}

@test "-w onto a device: /dev/null takes it, /dev/full is exit 1" {
	start one -c 5 -w /dev/null va
	ns send -c 5 vb
	finish one
	expect "$status" == 0 "exit status"
	run_rawcap -w /dev/full va
	failed 1 "no space left"
}

@test "-C, -G and -W want numbers above 0: exit 2 with the word" {
	local option value
	for option in C G W; do
		for value in 0 x 1z -1 '' 99999999999999999999; do
			run_rawcap -w "$inside/f" -$option "$value" va
			failed 2 "rawcap: "
			[ ! -e "$fast/f" ]
		done
	done
}

# --- -C ---

@test "-C: FILE, FILE1, FILE2 ..., each full and none past the limit, no packet lost between them" {
	start one -w "$inside/f" -C 1 -s 0 va
	ns send -c 4000 -s 1000 -r 20000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	[ "$(names 'f*')" = "f f1 f2 f3 f4 " ]
	local file
	for file in f f1 f2 f3; do
		full "$fast/$file" 1000000 1016
		[ "$(stat -c %a "$fast/$file")" = 600 ]
	done
	[ "$(joined "$fast"/f "$fast"/f{1..4})" = "4000 0 3999 0" ]
	sum_is 4000 "$fast"/f "$fast"/f{1..4}
}

@test "-C: every frame is byte for byte what was sent, in whichever file it is: ring and -B 0" {
	local buffer file
	for buffer in 2048 0; do
		start one -w "$inside/f" -C 64k -B $buffer va
		ns send -c 1000 -s 34:1514 -r 5000 -t 8100:600b vb
		stop one INT
		expect "$status" == 0 "exit status"
		send -p -c 1000 -s 34:1514 -t 8100:600b vb | as_frames 262144 > "$BATS_TEST_TMPDIR/expected"
		for file in $(in_order 'f*'); do
			pcapread "$file" | sed 1d | cut -d ' ' -f 2-
		done > "$BATS_TEST_TMPDIR/found"
		same "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
		expect "$(names 'f*' | wc -w)" ">=" 5 "files"
		rm "$fast"/f*
	done
}

@test "-C: plain numbers are millions of bytes, k, m and g powers of 1024" {
	local size bytes
	for size in 64k:65536 64K:65536 1m:1048576 1M:1048576 1:1000000; do
		bytes=${size#*:}
		start one -w "$inside/f" -C "${size%:*}" va
		ns send -c $((bytes / 1016 + 30)) -s 1000 -r 20000 vb
		stop one INT
		expect "$status" == 0 "exit status"
		full "$fast/f" "$bytes" 1016
		sum_is $((bytes / 1016 + 30)) "$fast/f" "$fast/f1"
		rm "$fast"/f*
	done
	start one -c 5 -w "$inside/f" -C 2g va
	ns send -c 5 vb
	finish one
	expect "$status" == 0 "exit status with 2g"
}

@test "-C -W N: FILE with as many digits as N needs, and the first again behind the last" {
	local count
	for count in 2:1 3:1 10:1 11:2; do
		start one -w "$inside/f" -C 64k -W "${count%:*}" va
		ns send -c $((${count%:*} * 64 + 80)) -s 1000 -r 20000 vb
		stop one INT
		expect "$status" == 0 "exit status"
		(cd "$fast" && seq -f "f%0${count#*:}g" -s ' ' 0 $((${count%:*} - 1))) > "$BATS_TEST_TMPDIR/names"
		[ "$(names 'f*')" = "$(cat "$BATS_TEST_TMPDIR/names") " ]
		# the newest files have the newest packets, whole
		read -r _ _ last missing < <(joined $(by_packets 'f*'))
		expect "$last" == $((${count%:*} * 64 + 79)) "the last packet"
		expect "$missing" == 0 "packets missing between the files"
		expect "$(said captured)" == $((${count%:*} * 64 + 80)) "captured, overwritten ones too"
		rm "$fast"/f*
	done
}

@test "-C -W 1: the one FILE again and again" {
	start one -w "$inside/f" -C 64k -W 1 va
	ns send -c 500 -s 1000 -r 20000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	[ "$(names 'f*')" = "f " ]
	expect "$(stat -c %s "$fast/f")" "<=" 65536 "bytes"
	[ "$(joined "$fast/f" | cut -d ' ' -f 3,4)" = "499 0" ]
}

@test "the same names as tcpdump, side by side: -C, -C -W 1, -C -W 3, -C -W 11" {
	requires tcpdump
	local arguments
	ns mkdir "$inside/ours" "$inside/theirs"
	for arguments in "-C 1" "-C 1 -W 3" "-C 1 -W 1" "-C 1 -W 11"; do
		"${NS[@]}" tcpdump -Z root -i va --immediate-mode -B 8192 -w "$inside/theirs/f.pcap" $arguments \
			2> "$BATS_TEST_TMPDIR/tcpdump.err" 3>&- &
		local other=$!
		helpers+=($!)
		wait_until grep -q listening "$BATS_TEST_TMPDIR/tcpdump.err"
		start one -w "$inside/ours/f.pcap" $arguments va
		ns send -c 4500 -s 1000 -r 5000 vb
		stop one INT
		kill -INT "$other"
		wait_until ended "$other"
		[ "$(ls "$fast/ours")" = "$(ls "$fast/theirs")" ] || {
			echo "$arguments: $(ls "$fast/ours") instead of $(ls "$fast/theirs")"
			return 1
		}
		rm "$fast"/*/*
	done
}

# --- -G ---

@test "-G rotates on time although nothing comes: each file a whole header" {
	start one -w "$inside/f-%s" -G 1 va
	wait_until has_files 'f-*' 4
	stop one INT
	expect "$status" == 0 "exit status"
	local file times
	for file in "$fast"/f-*; do
		expect "$(pcapread -c "$file")" == 0 "records in $file"
	done
	times=$(names 'f-*')
	# the first three are a second apart: on time is within that second and the next
	read -r -a times <<< "${times//f-/}"
	expect "${times[2]} - ${times[0]}" "<=" 3 "seconds from the first to the third"
}

@test "-G under traffic: each packet in the file of its time, none lost, none twice" {
	start one -w "$inside/f-%s" -G 1 -B 8192 va
	ns send -c 35000 -s 200 -r 10000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	sum_is 35000 $(in_order 'f-*')
	expect "$(names 'f-*' | wc -w)" ">=" 3 "files"
}

@test "-G: the time formats, in UTC whatever TZ says" {
	local format='%Y.%m.%d.%H.%M.%S.%s.%j.%y.%%' second
	launcher=(env TZ=Asia/Kathmandu LC_ALL=de_DE.UTF-8)
	start one -w "$inside/f-$format" -G 3600 va
	stop one INT
	expect "$status" == 0 "exit status"
	second=$(names 'f-*' | cut -d . -f 7)
	[ "$(names 'f-*')" = "f-$(date -u -d "@$second" "+$format") " ]
}

@test "-G: the longer forms, %F %T %e %b, are date's, or refused as usage" {
	local format
	for format in %F %T %e %b %a %I %p; do
		status=0
		start one -c 1 -w "$inside/f-%s-$format" -G 3600 va
		ns send vb
		finish one
		[ "$status" = 2 ] && continue
		expect "$status" == 0 "exit status with $format"
		local second
		second=$(names 'f-*' | cut -d - -f 2)
		[ "$(names 'f-*')" = "f-$second-$(date -u -d "@$second" "+$format") " ]
		rm "$fast"/f-*
	done
}

@test "-w with a % but without -G: the name as it stands" {
	start one -c 1 -w "$inside/f-%Y" va
	ns send vb
	finish one
	expect "$status" == 0 "exit status"
	[ "$(names 'f*')" = "f-%Y " ]
}

@test "-G without a time in the name: the same file again, always whole" {
	start one -w "$inside/f" -G 1 va
	local i
	for i in 1 2 3; do
		ns send -c 10 vb
		sleep 0.9	# rotations are what time makes
		pcapread -c "$fast/f"
	done
	stop one INT
	expect "$status" == 0 "exit status"
	[ "$(names 'f*')" = "f " ]
	expect "$(said captured)" == 30 "captured, those in earlier files too"
	expect "$(pcapread -c "$fast/f")" "<" 30 "records in the last"
}

@test "-G -W N: ends with exit 0 after N files" {
	start one -w "$inside/f-%s" -G 1 -W 2 va
	ns send -c 20 vb
	finish one
	expect "$status" == 0 "exit status"
	[ "$(names 'f-*' | wc -w)" = 2 ]
	sum_is 20 "$fast"/f-*
}

@test "-G with -C: a number behind the time, from the start again with each new time" {
	start one -w "$inside/f-%s." -G 1 -C 256k -B 8192 va
	ns send -c 3000 -s 1000 -r 1000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	sum_is 3000 $(in_order 'f-*')
	local file
	for file in "$fast"/f-*; do
		expect "$(stat -c %s "$file")" "<=" 262144 "bytes in $file"
		[[ ${file##*/} =~ ^f-[0-9]+\.[1-9]?$ ]]
	done
	expect "$(names 'f-*.' | wc -w)" ">=" 2 "times"
	expect "$(names 'f-*.1' | wc -w)" ">=" 1 "second files of a time"
}

@test "a rotation that was missed is made up for: SIGSTOP over three of them" {
	start one -w "$inside/f-%s" -G 1 va
	ns send -c 5 vb
	wait_until has_files 'f-*' 1
	kill -STOP "${pid[one]}"
	sleep 2.2	# rotations are what time makes
	kill -CONT "${pid[one]}"
	ns send -c 5 vb
	wait_until has_files 'f-*' 3
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(records_in "$fast"/f-*)" == 10 "records"
}

# --- nothing lost, nothing torn ---

@test "full load across rotations: sent = records of all files + drops, in order" {
	start one -w "$inside/f" -C 4m va
	ns send -c 500000 -s 64 vb
	stop one INT
	expect "$status" == 0 "exit status"
	local files=("$fast/f") i=1
	while [ -e "$fast/f$i" ]; do
		files+=("$fast/f$i")
		i=$((i + 1))
	done
	expect "${#files[@]}" ">=" 5 "files"
	sum_is 500000 "${files[@]}"
	echo "# ${#files[@]} files, $(said dropped) of 500000 dropped" >&3
	# what is missing between the files is among the drops
	expect "$(joined "${files[@]}" | cut -d ' ' -f 4)" "<=" "$(said dropped)" "gaps"
}

@test "while it runs, every file but the newest is whole" {
	start one -w "$inside/f" -C 1m va
	"${NS[@]}" send -c 400000 -s 200 -r 100000 vb > /dev/null 3>&- &
	local sender=$! file files checked=0
	helpers+=($!)
	until ended "$sender"; do
		mapfile -t files < <(in_order 'f*' 2> /dev/null | head -n -1 | tail -n 3)
		for file in "${files[@]}"; do
			pcapread -c "$file" > /dev/null || return 1
			full "$file" 1048576 216
			checked=$((checked + 1))
		done
	done
	stop one INT
	expect "$status" == 0 "exit status"
	expect $checked ">" 10 "looks at finished files"
}

@test "killed in the middle of many rotations: every file but the newest is whole" {
	start one -w "$inside/f" -C 256k va
	"${NS[@]}" send -c 0 -s 200 vb > /dev/null 3>&- &
	helpers+=($!)
	wait_until has_files 'f*' 30
	stop one KILL
	local file whole=0
	for file in $(in_order 'f*' | head -n -1); do
		pcapread -c "$file" > /dev/null || return 1
		whole=$((whole + 1))
	done
	expect $whole ">=" 29 "whole files"
}

@test "disk use is never above W x C: a disk of just that size suffices" {
	ns mkdir "$inside/small"
	ns mount -t tmpfs -o size=1m none "$inside/small"
	start one -w "$inside/small/f" -C 256k -W 4 va
	ns send -c 50000 -s 500 -r 50000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	run -1 grep 'rawcap:' "$BATS_TEST_TMPDIR/one.err"
	local file
	for file in 0 1 2 3; do
		pcapread -c "$fast/small/f$file"
		expect "$(stat -c %s "$fast/small/f$file")" "<=" 262144 "bytes in f$file"
	done
	[ "$(names 'small/*' | wc -w)" = 4 ]
}

# --- a full disk ---

@test "a full disk with -w FILE: exit 1, whole records, the summary counts them" {
	ns mkdir "$inside/small"
	ns mount -t tmpfs -o size=256k none "$inside/small"
	start one -w "$inside/small/f" va
	ns send -c 1000 -s 1000 -r 10000 vb
	finish one
	failed 1 "no space left"
	says "$inside/small/f"
	expect "$(pcapread -c "$fast/small/f")" == "$(said captured)" "records"
	expect "$(said captured)" ">=" 250 "captured"
}

@test "a full disk with -C but no -W: exit 1, all files whole, the summary counts them all" {
	ns mkdir "$inside/small"
	ns mount -t tmpfs -o size=256k none "$inside/small"
	start one -w "$inside/small/f" -C 100k va
	ns send -c 1000 -s 1000 -r 10000 vb
	finish one
	failed 1 "no space left"
	expect "$(records_in "$fast"/small/f*)" == "$(said captured)" "records in all files"
}

@test "a full disk with -W: gives up its own oldest file and goes on, and says so once" {
	ns mkdir "$inside/small"
	ns mount -t tmpfs -o size=512k none "$inside/small"
	start one -w "$inside/small/f" -C 128k -W 8 va
	ns send -c 5000 -s 1000 -r 10000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(grep -c 'rawcap:' "$BATS_TEST_TMPDIR/one.err")" == 1 "lines about it"
	says "rawcap: $inside/small/f: disk full"
	local file last=0 found
	for file in "$fast"/small/f*; do
		[ -s "$file" ] || continue
		found=$(pcapread -q 14 "$file" | cut -d ' ' -f 3)
		[ "$found" -le $last ] || last=$found
	done
	expect $last == 4999 "the last packet"
	# three files' worth of a disk of four is still there
	expect "$(cat "$fast"/small/f* | wc -c)" ">" $((3 * 131072 - 65536)) "bytes kept"
}

@test "a quota that is used up is a full disk, also for the next file to be made" {
	local call
	requires strace
	for call in write openat; do
		launcher=(strace -qq -e trace=$call -e "inject=$call:error=EDQUOT:when=6" -o /dev/null)
		start one -w "$inside/$call" -C 10k -W 4 -c 100 va
		ns send -c 100 -s 1000 -r 1000 vb
		finish one
		expect "$status" == 0 "exit status"
		says "rawcap: $inside/$call: disk full: the oldest files go"
	done
}

@test "a disk that others have filled: with -W too the end is exit 1, all files whole" {
	ns mkdir "$inside/small"
	ns mount -t tmpfs -o size=256k none "$inside/small"
	ns dd if=/dev/zero "of=$inside/small/filler" bs=4k count=63 status=none
	start one -w "$inside/small/f" -C 128k -W 3 va
	ns send -c 100 -s 1000 vb
	finish one
	failed 1 "no space left"
	local file
	for file in "$fast"/small/f[0-9]; do
		[ ! -s "$file" ] || pcapread -c "$file"
	done
}

@test "a file size limit: exit 1, whole records up to it, also in the second file" {
	requires prlimit
	launcher=(prlimit --fsize=4000)
	start one -w "$inside/f" va
	ns send -c 10 -s 1500 vb
	finish one
	failed 1 "$inside/f: file too large"
	expect "$(stat -c %s "$fast/f")" == $((24 + 2 * 1516)) "bytes in the file"
	expect "$(said captured)" == 2 "captured"
}

@test "the directory vanishes before a rotation: exit 1 with the name, what was written is whole" {
	ns mkdir "$inside/sub"
	start one -w "$inside/sub/f" -C 64k va
	ns send -c 30 -s 1000 vb
	wait_until file_has "$fast/sub/f" 30
	ns mv "$inside/sub" "$inside/moved"
	ns send -c 100 -s 1000 vb
	finish one
	failed 1 "rawcap: $inside/sub/f1: "
	expect "$(pcapread -c "$fast/moved/f")" == "$(said captured)" "records"
	full "$fast/moved/f" 65536 1016
}

@test "root rotates into a directory of somebody else: it works, or fails before anything is captured" {
	[ "$(id -u)" = 0 ] || cannot_run "not root"
	ns install -d -o 1234 -m 755 "$inside/theirs"
	start one -w "$inside/theirs/f" -C 64k va
	ns send -c 100 -s 1000 vb
	stop one INT
	if [ "$status" = 1 ]; then
		says "rawcap: $inside/theirs/f: permission denied"
		[[ $err != *captured* ]]
	else
		expect "$status" == 0 "exit status"
		sum_is 100 "$fast/theirs/f" "$fast/theirs/f1"
	fi
}

@test "a file removed while it is written, and a rotation after it: no matter" {
	start one -w "$inside/f" -C 64k va
	ns send -c 30 -s 1000 vb
	wait_until file_has "$fast/f" 30
	rm "$fast/f"
	ns send -c 100 -s 1000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(said captured)" == 130 "captured"
	pcapread -c "$fast/f1"
}

# --- without -w: the limits end the stream ---

@test "-C without -w: the stream ends before it grows past the size, exit 0" {
	local buffer
	for buffer in 2048 0; do
		start one -C 64k -B $buffer va
		ns send -c 100 -s 1000 -r 2000 vb
		finish one
		expect "$status" == 0 "exit status"
		full "$(pcap one)" 65536 1016
		expect "$(records one)" == "$(said captured)" "captured"
	done
}

@test "-C without -w: exact to the byte, in a flood, into a pipe" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	cat "$BATS_TEST_TMPDIR/fifo" > "$BATS_TEST_TMPDIR/copy.pcap" 3>&- &
	local reader=$!
	helpers+=($!)
	output=$BATS_TEST_TMPDIR/fifo start one -C 1 va
	ns send -c 50000 -s 100 vb
	finish one
	wait_until ended "$reader"
	expect "$status" == 0 "exit status"
	full "$BATS_TEST_TMPDIR/copy.pcap" 1000000 116
	expect "$(pcapread -c "$BATS_TEST_TMPDIR/copy.pcap")" == "$(said captured)" "captured"
}

@test "-G without -w: ends after so many seconds, also when nothing comes, with all packets" {
	local begin=${EPOCHREALTIME/./}
	start_both -G 1 va
	ns send -c 50 vb
	finish_both 0
	expect "${EPOCHREALTIME/./} - $begin" ">=" 1000000 "microseconds"
	expect "$(records ring)" == 50 "records"
	summary_is_true ring
	start one -G 1 va
	finish one
	expect "$status" == 0 "exit status"
	expect "$(records one)" == 0 "records"
}

@test "an inherited non-blocking stdout: its flags are the same afterwards" {
	local before
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	exec 8<> "$BATS_TEST_TMPDIR/fifo"
	launcher=(launch -n)
	output_fd=8
	"${launcher[@]}" true >&8	# sets the flag on the description that both share
	before=$(grep flags /proc/self/fdinfo/8)
	start one va
	ns send -c 5 vb
	stop one INT
	expect "$status" == 0 "exit status"
	[ "$(grep flags /proc/self/fdinfo/8)" = "$before" ]
	exec 8>&-
}

calm_bytes() { cat "$fast"/calm* 2> /dev/null | wc -c; }

@test "the first packet of each file is as whole as any, on a calm link, ring and -B 0" {
	local ring file before frame
	frame=02000000000a02000000000b88b5$(printf '%0400d' 0)
	for ring in 2048 0; do
		rm -f "$fast"/calm*
		before=24	# a file's header
		start one -B "$ring" -s 400 -C 1k -w "$inside/calm" va
		for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
			ns send vb "$frame"
			wait_until eval '[ "$(calm_bytes)" -gt "$before" ]'
			before=$(calm_bytes)
		done
		stop one INT
		expect "$status" == 0 "exit status"
		for file in "$fast"/calm*; do
			pcapread "$file" | sed 1d | cut -d ' ' -f 4
		done | sort | uniq -c > "$BATS_TEST_TMPDIR/found"
		echo "     12 $frame" > "$BATS_TEST_TMPDIR/expected"
		same "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
	done
}
