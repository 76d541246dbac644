#!/usr/bin/env bats
# One file: -w, and what -C and -G mean without it, where the stream on stdout is the file.
load files

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
