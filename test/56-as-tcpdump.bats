#!/usr/bin/env bats
# Called as tcpdump, rawcap does what tcpdump does with the command lines that people and scripts use:
# those of tcpdump/table, each run beside tcpdump itself. `test/tcpdump/run.py -l` shows what fails and why.
export BATS_TEST_TIMEOUT=400	# seconds: there are hundreds of command lines
load helpers

table() { "$BATS_TEST_DIRNAME/tcpdump/run.py" "$@" 3>&-; }

prepare() {
	requires tcpdump python3 unshare nsenter ip
	local flags=(-n)
	[ "$(id -u)" = 0 ] || flags+=(-U -c --keep-caps)
	unshare "${flags[@]}" true 2> /dev/null || cannot_run "no right to make a network namespace"
}

@test "the table's command lines do what they do with tcpdump, but for the differences that it names" {
	run table --list-failures
	printf '%s\n' "${lines[@]}"
	printf '# %s\n' "${lines[@]: -2}" >&3
	[ "$status" = 0 ]
}

@test "the table has at least 150 command lines, and at most one in ten differs on purpose" {
	local all differ
	all=$(grep -cv '^#\|^$' "$BATS_TEST_DIRNAME/tcpdump/table")
	differ=$(grep -v '^#\|^$' "$BATS_TEST_DIRNAME/tcpdump/table" | awk -F ' [|] ' '$3 != "-"' | wc -l)
	expect "$all" ">=" 150 "command lines"
	expect "$differ * 10" "<=" "$all" "lines that differ"
}

@test "the judge: tcpdump in its own place differs in nothing" {
	run -0 table --self --only '^(sshdump|ksniff|androiddump|rotation|usage)'
}

# lies LIE ONLY ASPECT: tcpdump with a lie in front of it is found out, in that aspect, by the rows ONLY.
lies() {
	printf '#!/bin/sh\n%s\n' "$1" > "$BATS_TEST_TMPDIR/tcpdump"
	chmod +x "$BATS_TEST_TMPDIR/tcpdump"
	run -1 table --program "$BATS_TEST_TMPDIR/tcpdump" --only "$2"
	printf '%s\n' "${lines[@]}"
	grep -q "^    $3:" <<< "$output" || { echo "not found out: $3"; return 1; }
}

@test "the judge finds out each kind of lie: status, files, format, packets, lines, counts, the start line" {
	local real='PATH=/usr/sbin:/usr/bin:/sbin:/bin tcpdump -Z root -nn -S'
	lies "$real \"\$@\"; exit 3" '^file: tcpdump -nnr' exit
	lies "umask 077; $real \"\$@\"" '^redhat' files
	lies "$real \"\$@\"; mv five.pcap six.pcap" '-w five.pcap' files
	lies "$real \"\$@\" -s 2000" '^redhat' format
	lies "$real --nano \"\$@\"" '^redhat' format
	lies "$real -y LINUX_SLL \"\$@\"" '^android: .*trace.pcap' format
	lies "$real \"\$@\" and not arp" '^ksniff: .*sniff.pcap' packets
	lies "$real \"\$@\" not arp" '^guide: tcpdump -n$' lines
	lies "$real -t \"\$@\"" '^file: tcpdump -nnr' lines
	lies "$real \"\$@\" | sed 's/win 502/win 503/'" '^file: tcpdump -nnr' lines
	lies "$real \"\$@\" 2>&1 | sed 's/^0 packets dropped/1 packet dropped/' >&2" '^redhat' summary
	lies "$real \"\$@\" 2>&1 | sed s/listening/waiting/ >&2" '^redhat' listening
	lies "exit 0" '^redhat' packets
}
