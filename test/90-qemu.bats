#!/usr/bin/env bats
# bats file_tags=qemu
# A kernel boots in QEMU with rawcap in its initramfs, and every scenario of qemu/scenarios must
# pass there. The log of a boot is kept in build/qemu/ARCH.

export BATS_TEST_TIMEOUT=1800	# seconds: the first run downloads one kernel and builds another
load helpers

# boots ARCH [SUITE]: with that suite's kernel. Shows the count, and every scenario's line on failure.
boots() {
	status=0
	[ "$1" = x86_64 ] || unset RAWCAP	# that one is for this machine
	"$BATS_TEST_DIRNAME/../qemu/run.sh" ${2:+--kernel "$2"} "$1" > "$BATS_TEST_TMPDIR/log" 2>&1 3>&- || status=$?
	cat "$BATS_TEST_TMPDIR/log"
	if [ "$status" = 77 ]; then
		# mirrors drop old suites, and not each has the backports
		[ -z "${2-}" ] || ! grep -q 'cannot download' "$BATS_TEST_TMPDIR/log" || skip "this mirror has no kernel of $2's"
		cannot_run "$(tail -n 1 "$BATS_TEST_TMPDIR/log")"
	fi
	[ "$status" = 0 ]
	grep "^$1: [1-9][0-9]* passed, 0 failed" "$BATS_TEST_TMPDIR/log" | sed 's/^/# /' >&3
	grep '^skipped' "$BATS_TEST_TMPDIR/log" | sed 's/^/# /' >&3 || true
}

# boots_as MODE PATTERN: another of run.sh's ways, whose last line must match. Shows that and the figures.
boots_as() {
	run "$BATS_TEST_DIRNAME/../qemu/run.sh" "$1" 3>&-
	echo "$output"
	[ "$status" != 77 ] || cannot_run "${lines[-1]}"
	[ "$status" = 0 ]
	[[ ${lines[-1]} =~ $2 ]]
	printf '%s\n' "${lines[@]}" | sed -n 's/^# .*/&/p; $ s/^/# /p' >&3
}

@test "booted on x86_64, rawcap keeps its promises" { boots x86_64; }

@test "booted on s390x, big-endian, rawcap keeps its promises" { boots s390x; }

@test "on the oldest kernel that it is for, Linux 5.10, rawcap keeps its promises" {
	boots x86_64 bullseye
	grep "passed.* on Linux 5\.10\." "$BATS_TEST_TMPDIR/log"
}

@test "on the newest kernel that Debian has, rawcap keeps its promises" { boots x86_64 trixie-backports; }

@test "an initramfs of Debian's own, with rawcap's archive behind it, has rawcap in its rescue shell" {
	boots_as --rescue "^ok a Debian initramfs' rescue shell has rawcap"
}

@test "from a router with 64 MB, BusyBox and dropbear, captures come live over SSH, and none is left behind" {
	boots_as --openwrt "^x86_64: [1-9][0-9]* passed, 0 failed, 0 cannot"
}

@test "in a machine of 32 MB rawcap takes what ring can be spared, captures, and nothing runs out of memory" {
	unset RAWCAP	# it is an i386
	boots_as --small "^i386: [1-9][0-9]* passed, 0 failed, 0 cannot"
}
