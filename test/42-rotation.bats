#!/usr/bin/env bats
# Rotation: -C, -G and -W start a new file in time. Names are tcpdump's; what a file holds is better:
# none grows past its limit, none is torn, and no packet is lost from one to the next.
load files

@test "-C and -W want a number above 0, -G a number: exit 2 with the word" {
	local option value
	for option in C G W; do
		for value in 0 x 1z -1 '' 99999999999999999999; do
			[ "$option$value" != G0 ] || continue	# never a new file
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
	stopped one
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
		stopped one
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
		stopped one
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
		stopped one
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
	stopped one
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
	stopped one
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
	stopped one
	sum_is 35000 $(in_order 'f-*')
	expect "$(names 'f-*' | wc -w)" ">=" 3 "files"
}

@test "-G: the time formats, in UTC whatever TZ says" {
	local format='%Y.%m.%d.%H.%M.%S.%s.%j.%y.%%' second
	launcher=(env TZ=Asia/Kathmandu LC_ALL=de_DE.UTF-8)
	start one -w "$inside/f-$format" -G 3600 va
	stopped one
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
	finished one
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
	stopped one
	[ "$(names 'f*')" = "f " ]
	says "f: each period overwrites the last"
	expect "$(said captured)" == 30 "captured, those in earlier files too"
	expect "$(pcapread -c "$fast/f")" "<" 30 "records in the last"
}

@test "-G -W N: ends with exit 0 after N files" {
	start one -w "$inside/f-%s" -G 1 -W 2 va
	ns send -c 20 vb
	finished one
	[ "$(names 'f-*' | wc -w)" = 2 ]
	sum_is 20 "$fast"/f-*
}

@test "-G with -C: a number behind the time, from the start again with each new time" {
	start one -w "$inside/f-%s." -G 1 -C 256k -B 8192 va
	ns send -c 3000 -s 1000 -r 1000 vb
	stopped one
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
	stopped one
	expect "$(records_in "$fast"/f-*)" == 10 "records"
}

# --- nothing lost, nothing torn ---

@test "full load across rotations: sent = records of all files + drops, in order" {
	start one -w "$inside/f" -C 4m va
	ns send -c 500000 -s 64 vb
	stopped one
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
	stopped one
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
	small_disk 1m
	start one -w "$inside/small/f" -C 256k -W 4 va
	ns send -c 50000 -s 500 -r 50000 vb
	stopped one
	[ -z "$(complaints)" ]
	local file
	for file in 0 1 2 3; do
		pcapread -c "$fast/small/f$file"
		expect "$(stat -c %s "$fast/small/f$file")" "<=" 262144 "bytes in f$file"
	done
	[ "$(names 'small/*' | wc -w)" = 4 ]
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
		stopped one
		for file in "$fast"/calm*; do
			pcapread "$file" | sed 1d | cut -d ' ' -f 4
		done | sort | uniq -c > "$BATS_TEST_TMPDIR/found"
		echo "     12 $frame" > "$BATS_TEST_TMPDIR/expected"
		same "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/found"
	done
}
