# shellcheck shell=bash
# What the suites about the command line share.
load helpers

prepare() { network; }

# wrong WORD ARGUMENT...: a usage error. Exit 2, one line on stderr that names WORD, nothing on
# stdout, no socket opened.
wrong() {
	local word=$1 trace=$BATS_TEST_TMPDIR/trace
	shift
	requires strace
	status=0
	"${NS[@]}" timeout -k 1 20 strace -qq -e trace=socket -o "$trace" "$RAWCAP" "$@" \
		> "$(pcap run)" 2> "$BATS_TEST_TMPDIR/run.err" < /dev/null || status=$?
	log_end run
	expect "$status" == 2 "exit status of a usage error"
	expect "$(stat -c %s "$(pcap run)")" == 0 "bytes on stdout"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/run.err")" == 1 "lines on stderr"
	says "$word"
	expect "$(stat -c %s "$trace")" == 0 "sockets opened (bytes of trace)"
}

# silently_failed STATUS WORD: the last run_rawcap failed so, with WORD on stderr and nothing on stdout.
silently_failed() {
	failed "$@"
	expect "$(stat -c %s "$(pcap run)")" == 0 "bytes on stdout"
}

# Nothing on stderr could play tricks on a terminal.
printable() {
	run -1 grep -qP '[^\x20-\x7e]' "$BATS_TEST_TMPDIR/run.err"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/run.err")" == 1 "lines on stderr"
}

# understood ARGUMENT...: a capture that ends after one packet.
understood() {
	start one "$@"
	ns send -c 1 vb
	finish one
	expect "$status" == 0 "exit status of $*"
	expect "$(records one)" == 1 "records with $*"
}
