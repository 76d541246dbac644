#!/usr/bin/env bats
# A capture that is held up, by whatever it is, loses nothing as long as less arrives than the ring has
# bytes. tools/holdup.sh makes the hold-ups; the program never learns of them.
load helpers

prepare() {
	requires unshare ip strace
	unshare -n true 2> /dev/null || unshare -U -r -n true 2> /dev/null ||
		cannot_run "no right to make a network namespace"
}

# loses_nothing CASE RINGS SIZES [OPTION...]: for each size of ring, in KiB, and each size of frame, in
# bytes, side by side.
loses_nothing() {
	local hold=$1 rings=$2 sizes=$3 kib size runs=() run
	shift 3
	for kib in $rings; do
		for size in $sizes; do
			"$BATS_TEST_DIRNAME/tools/holdup.sh" "$hold" "$kib" "$size" "$RAWCAP" "$@" \
				> "$BATS_TEST_TMPDIR/$kib.$size" 3>&- &
			runs+=($!)
		done
	done
	for run in "${runs[@]}"; do
		wait "$run"
	done
	cat "$BATS_TEST_TMPDIR"/*.*
	! grep -v ' lost 0$' "$BATS_TEST_TMPDIR"/*.*
}

@test "stopped for a second at 150 packets a second, it loses none" {
	loses_nothing stop "2048 8192" "60 600 1400 9000"
}

@test "... nor with the smallest ring" {
	loses_nothing stop 128 60
}

@test "... nor with blocks that hold the largest packet (-s 0)" {
	loses_nothing stop "2048 8192" "60 600 1400 9000" -s 0
}

@test "a reader that takes nothing for 2.5 s at 250 packets a second costs none" {
	loses_nothing stall "2048 8192" "60 600 1400"
}

@test "... nor with -s 0, and frames of 9000 bytes that the ring has room for" {
	loses_nothing stall 8192 "60 600 1400 9000" -s 0
}

@test "a disk that takes a second for a sync costs none, at 600 packets a second" {
	loses_nothing sync "2048 8192" "60 600 1400 9000"
}
