#!/usr/bin/env bash
# What a capture loses when more than one signal ends it, in a network namespace of its own: a line for
# each run that lost something, and one for all of them.
#
#	stopping.sh CASE RUNS [PROGRAM]
#
#	twice	two signals of INT, TERM and HUP, 0 to 20 ms apart, behind 300 frames
#	timeout	timeout(1), which signals the process and then its group, at 20,000 frames a second
#	forward	Ctrl-C, which a script hands on to the capture that has got it as well
#	hangup	the terminal is lost: the kernel sends HUP, and then bash, at 20,000 frames a second
#	reader	two signals, 0 to 20 ms apart, while the reader of its pipe is slow, but reads
#
# Every frame has been sent before the first signal: all of them must be in the file, or counted as
# dropped. SEED=N repeats a run's choices.
set -euo pipefail

# shellcheck source=test/tools/wire.bash disable=SC1091
. "$(dirname "$0")/wire.bash"
kind=$1 runs=$2
program=$(realpath "${3:-$tools/../../rawcap}")
RANDOM=${SEED:-$$}

pause() { sleep "0.0$(printf %02d $((RANDOM % 21)))"; }

two_signals() {
	local signals=(INT TERM HUP)
	kill -s "${signals[RANDOM % 3]}" "$1"
	pause
	kill -s "${signals[RANDOM % 3]}" "$1" 2> /dev/null || true
}

run_twice() {
	sent=300
	"$program" -w "$dir/one.pcap" va 2> "$dir/err" &
	until_bound $!
	send -c $sent vb > /dev/null
	two_signals $!
	wait $! || exit_status=$?
}

run_timeout() {
	sent=2000
	timeout -s TERM 60 "$program" -w "$dir/one.pcap" va 2> "$dir/err" &
	until_bound $!
	send -c $sent -r 20000 vb > /dev/null
	kill -ALRM $!	# its time is over
	wait $! || exit_status=$?
	[ "$exit_status" != 124 ] || exit_status=0
}

# shellcheck disable=SC2016 # the script's own variables
run_forward() {
	local script
	sent=2000
	setsid launch -d 2 bash -c 'trap "kill -INT \$child" INT
		"$@" & child=$!
		wait $child; wait $child' bash "$program" -w "$dir/one.pcap" va 2> "$dir/err" &
	script=$!
	until_bound $script
	send -c $sent -r 20000 vb > /dev/null
	kill -INT -- -$script
	wait $script || exit_status=$?
	[ "$exit_status" != 130 ] || exit_status=0
}

run_hangup() {
	sent=2000
	mkfifo "$dir/line"
	python3 -c 'import os, pty, sys
pid, terminal = pty.fork()
if not pid:
    os.execlp("bash", "bash", "--norc", "-i")
os.write(terminal, " ".join(sys.argv[2:]).encode() + b"\n")
open(sys.argv[1]).read()
os.close(terminal)
os.waitpid(pid, 0)' "$dir/line" "$program" -w "$dir/one.pcap" va "2>" "$dir/err" &
	until_bound $!
	send -c $sent -r 20000 vb > /dev/null
	: > "$dir/line"
	wait $! || exit_status=$?
	until grep -q 'dropped by kernel' "$dir/err"; do sleep 0.02; done
	rm "$dir/line"
}

run_reader() {
	local reader
	sent=2000
	mkfifo "$dir/pipe"
	python3 -c 'import sys, time
with open(sys.argv[1], "rb", buffering=0) as pipe, open(sys.argv[2], "wb") as file:
    while data := pipe.read(8192):
        file.write(data)
        time.sleep(0.01)' "$dir/pipe" "$dir/one.pcap" &
	reader=$!
	"$program" va > "$dir/pipe" 2> "$dir/err" &
	until_bound $!
	send -c $sent -s 200 -r 20000 vb > /dev/null
	two_signals $!
	wait $! || exit_status=$?
	wait $reader
	rm "$dir/pipe"
}

lost=0 dropped=0 bad=0
for ((run = 1; run <= runs; run++)); do
	exit_status=0
	rm -f "$dir/one.pcap"
	"run_$kind"
	records=$(pcapread -c "$dir/one.pcap")
	drops=$(last "$dir/err" dropped)
	missing=$((sent - records - ${drops:-0}))
	lost=$((lost + missing)) dropped=$((dropped + ${drops:-0}))
	if [ $missing != 0 ] || [ "$exit_status" != 0 ]; then
		bad=$((bad + 1))
		echo "run $run: sent $sent records $records drops ${drops:-?} exit $exit_status: $(grep rawcap: "$dir/err" | tail -n 1)"
	fi
done
echo "$kind: $runs runs, $bad of them bad, frames missing: $lost, counted as dropped: $dropped"
[ $bad = 0 ]
