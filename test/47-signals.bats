#!/usr/bin/env bats
# Signals, in every phase and however the parent left them.
load helpers

prepare() { network; }

# clean NAME: whole records, or nothing at all.
clean() { [ ! -s "$(pcap "$1")" ] || records "$1" > /dev/null; }

@test "INT, TERM and HUP stop with exit 0 and a summary" {
	local signal
	for signal in INT TERM HUP; do
		start_both va
		ns send -c 5 vb
		kill -s $signal "${pid[ring]}" "${pid[recv]}"
		finish_both 0
		expect "$(records ring)" == 5 "records after SIG$signal"
		summary_is_true ring
	done
}

@test "USR1 prints the counts and goes on, USR2 goes on" {
	start_both va
	ns send -c 5 vb
	local name
	for name in ring recv; do
		kill -USR2 "${pid[$name]}"
		kill -USR1 "${pid[$name]}"
		wait_until grep -q 'packets received by filter' "$BATS_TEST_TMPDIR/$name.err"
	done
	ns send -c 5 vb
	stop_both
	expect "$(records ring)" == 10 "records"
}

@test "CHLD, WINCH, CONT, URG, PIPE and XFSZ: nothing happens" {
	start_both va
	local signal
	for signal in CHLD WINCH CONT URG PIPE XFSZ; do
		kill -s $signal "${pid[ring]}" "${pid[recv]}"
		ns send -c 1 -s 60 vb
	done
	stop_both
	expect "$(records ring)" == 6 "records"
}

@test "QUIT and ALRM end it as they end any program; the file is clean" {
	local signal
	launcher=(launch -d 3)
	for signal in QUIT ALRM; do
		start one va
		ns send -c 5 vb
		wait_until has_records one 5
		stop one $signal
		expect "$status" == $((128 + $(kill -l $signal))) "exit status"
		expect "$(records one)" == 5 "records"
	done
}

@test "KILL on an idle link leaves a file with all that came" {
	start_both va
	ns send -c 50 vb
	wait_until both_have 50
	kill -KILL "${pid[ring]}" "${pid[recv]}"
	finish_both 137
	expect "$(records ring)" == 50 "records"
}

# at_call SIGNAL CALL TIMES: sets launcher so that the signal comes as rawcap makes this system call
# for the TIMES-th time.
at_call() {
	requires strace
	launcher=(strace -qq -e "trace=$2" -e "inject=$2:signal=SIG$1:when=$3" -o /dev/null)
}

@test "INT, TERM, HUP while starting: exit 0 and a clean file from the packet socket on" {
	local signal call
	for signal in INT TERM HUP; do
		for call in socket:1 setsockopt:1 setsockopt:2 bind:1; do
			at_call $signal "${call%:*}" "${call#*:}"
			start one va
			finish one
			expect "$status" == 0 "exit status after SIG$signal in $call"
			expect "$(records one)" == 0 "records"
		done
	done
}

@test "USR1 and USR2 while starting are no end" {
	local signal call
	for signal in USR1 USR2; do
		for call in socket:1 setsockopt:1 bind:1; do
			at_call $signal "${call%:*}" "${call#*:}"
			start one -c 1 va
			[ $signal = USR2 ] || wait_until grep -q '^0 packets captured' "$BATS_TEST_TMPDIR/one.err"
			ns send vb
			finish one
			expect "$status" == 0 "exit status after SIG$signal in $call"
			expect "$(records one)" == 1 "records"
		done
	done
}

@test "SIGTERM at any moment of the start: exit 0 and a clean file, or death before the first byte" {
	local i
	for i in {1..40}; do
		rm -f "$(pcap one)"
		: > "$BATS_TEST_TMPDIR/one.err"
		"${NS[@]}" "$RAWCAP" va > "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" < /dev/null 3>&- &
		pid[one]=$!
		sleep "0.00$((i % 10))$((i / 10))"
		stop one TERM
		clean one
		[ "$status" = 0 ] || [ ! -s "$(pcap one)" ]
	done
}

@test "two SIGINTs at once: exit 0, or the end at once, with a clean file" {
	local i
	for i in {1..10}; do
		start one va
		ns send -c 100 vb
		kill -INT "${pid[one]}"
		kill -INT "${pid[one]}" 2> /dev/null || true
		finish one
		expect "$status" "<=" 1 "exit status"
		clean one
	done
}

@test "other signals while it drains do not spoil the end" {
	requires strace
	local signal
	for signal in USR1 USR2 WINCH PIPE CHLD; do
		start one va
		ns send -c 500 vb
		kill -s INT "${pid[one]}"
		kill -s "$signal" "${pid[one]}" 2> /dev/null || true
		kill -s "$signal" "${pid[one]}" 2> /dev/null || true
		finish one
		expect "$status" == 0 "exit status after SIG$signal"
		expect "$(records one)" == 500 "records"
	done
}

@test "nohup: an ignored SIGHUP stays ignored, SIGTERM stops" {
	launcher=(launch -i 1)
	start_both va
	kill -HUP "${pid[ring]}" "${pid[recv]}"
	ns send -c 3 vb
	wait_until both_have 3
	kill -HUP "${pid[ring]}" "${pid[recv]}"
	ns send -c 3 vb
	wait_until both_have 6
	kill -TERM "${pid[ring]}" "${pid[recv]}"
	finish_both 0
	expect "$(records ring)" == 6 "records"
}

@test "INT and TERM stop a capture whose parent ignored them" {
	launcher=(launch -i 2 -i 15)
	start one va
	stop one INT
	expect "$status" == 0 "exit status"
	start one va
	stop one TERM
	expect "$status" == 0 "exit status"
}

@test "signals that the parent left blocked are served: INT, TERM, HUP, USR1" {
	launcher=(launch -b 2 -b 15 -b 1 -b 10 -b 12)
	local signal
	for signal in INT TERM HUP; do
		start one va
		kill -USR1 "${pid[one]}"
		wait_until grep -q 'packets received by filter' "$BATS_TEST_TMPDIR/one.err"
		stop one $signal
		expect "$status" == 0 "exit status after SIG$signal"
	done
}

@test "thousands of SIGUSR1 under traffic: no torn record, no packet unaccounted for" {
	local name i
	for name in ring recv; do
		if [ $name = ring ]; then start $name va; else start $name -B 0 va; fi
		"${NS[@]}" send -c 30000 -r 20000 vb > /dev/null 3>&- &
		local flood=$!
		helpers+=($!)
		while ! ended "$flood"; do
			for i in {1..100}; do
				kill -USR1 "${pid[$name]}"
			done
			sleep 0.01
		done
		stop $name INT
		expect "$status" == 0 "exit status"
		expect "$(grep -c captured <<< "$err")" ">" 20 "times the counts were shown"
		err=$(tail -n 3 <<< "$err")
		summary_is_true $name
		pcapread -q 14 "$(pcap $name)"
		expect $(($(said captured) + $(said dropped))) == 30000 "captured + dropped"
	done
}

@test "SIGSTOP and SIGCONT: what came meanwhile is there" {
	start_both va
	local i
	for i in 1 2 3; do
		kill -STOP "${pid[ring]}" "${pid[recv]}"
		ns send -c 100 vb
		kill -CONT "${pid[ring]}" "${pid[recv]}"
		wait_until both_have $((i * 100))
	done
	stop_both
	expect "$(records ring)" == 300 "records"
	summary_is_true ring
}

@test "stopped by SIGSTOP when SIGTERM comes: it ends when it goes on, with all packets" {
	start_both va
	kill -STOP "${pid[ring]}" "${pid[recv]}"
	ns send -c 100 vb
	kill -TERM "${pid[ring]}" "${pid[recv]}"
	kill -CONT "${pid[ring]}" "${pid[recv]}"
	finish_both 0
	expect "$(records ring)" == 100 "records"
}

@test "signals while the interface is down: USR1 counts, TERM ends" {
	ns ip link set va down
	start_both va
	local name
	for name in ring recv; do
		kill -USR1 "${pid[$name]}"
		wait_until grep -q '^0 packets captured' "$BATS_TEST_TMPDIR/$name.err"
	done
	kill -TERM "${pid[ring]}" "${pid[recv]}"
	finish_both 0
}
