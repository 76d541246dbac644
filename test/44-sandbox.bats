#!/usr/bin/env bats
# What rawcap may still do once it captures: nothing but its loop. No capability, no way to get one,
# nobody's user where it can be, and only the system calls it goes on to make. The filter is taken
# out of the kernel and run on calls, those that the program makes and those it must not.
load helpers

prepare() { network; }

# --- what /proc says ---

# field NAME FIELD: of its /proc/PID/status.
field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/${pid[$1]}/status"; }

# sealed NAME: no capability in any set but the bounding one, no way to new ones, a filter.
sealed() {
	local set
	for set in CapInh CapPrm CapEff CapAmb; do
		[ "$(field "$1" $set)" = 0000000000000000 ] || { echo "$set: $(field "$1" $set)"; return 1; }
	done
	[ "$(field "$1" NoNewPrivs)" = 1 ] || { echo "NoNewPrivs: $(field "$1" NoNewPrivs)"; return 1; }
	[ "$(field "$1" Seccomp)" = 2 ] || { echo "Seccomp: $(field "$1" Seccomp)"; return 1; }
}

# is_user NAME ID: all of its user and group ids are that, and it has no other groups.
is_user() {
	local ids
	read -r -a ids <<< "$(field "$1" Uid) $(field "$1" Gid) $(field "$1" Groups)"
	[ "${ids[*]}" = "$2 $2 $2 $2 $2 $2 $2 $2" ] || { echo "Uid, Gid, Groups: ${ids[*]}"; return 1; }
}

as_root() { [ "$(id -u)" = 0 ] || cannot_run "not root"; }

# loops NAME: it captures, not only just begun.
loops() {
	ns send vb
	wait_until has_at_least "$1" 1
}

has_at_least() { [ "$(records "$1" 2> /dev/null)" -ge "$2" ]; }

@test "no capability, no_new_privs and a filter: ring, -B 0, any, a pipe, -w, rotation, --wait" {
	local arguments
	tmpfs 16m
	ns chmod 777 "$BATS_TEST_TMPDIR/fast"
	for arguments in "va" "-B 0 va" "any" "-w $BATS_TEST_TMPDIR/fast/f va" \
		"-w $BATS_TEST_TMPDIR/fast/g -C 1m -W 2 va" "-w $BATS_TEST_TMPDIR/fast/h -G 60 va" "--wait va"; do
		start one $arguments
		ns send -c 5 vb
		wait_until sealed one || { echo "with $arguments"; sealed one; }
		stop one INT
		expect "$status" == 0 "exit status with $arguments"
		expect "$(said captured)" == 5 "captured with $arguments"
	done
}

@test "started as root it becomes nobody, without groups: ring, -B 0, -w FILE" {
	as_root
	requires setpriv
	local arguments
	launcher=(setpriv --groups 4,27,100)
	for arguments in "va" "-B 0 va" "-w $BATS_TEST_TMPDIR/f va" "-C 1m va"; do
		start one $arguments
		ns send -c 5 vb
		wait_until is_user one 65534 || { echo "with $arguments"; is_user one 65534; }
		stop one INT
		expect "$status" == 0 "exit status with $arguments"
		expect "$(said captured)" == 5 "captured with $arguments"
	done
}

@test "CAP_NET_RAW alone is enough, and is gone as well" {
	as_root
	requires setpriv
	launcher=(setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw)
	local buffer
	for buffer in 2048 0; do
		start one -B $buffer va
		ns send -c 5 vb
		wait_until sealed one
		is_user one 1234
		expect "$(ns ip -d link show va | grep -c 'promiscuity 1')" == 1 "promiscuous"
		stop one INT
		expect "$status" == 0 "exit status"
		expect "$(records one)" == 5 "records"
		[ -z "$(complaints)" ]
	done
}

@test "without CAP_NET_RAW: exit 1 with both ways to get it" {
	as_root
	requires setpriv
	status=0
	"${NS[@]}" setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all "$RAWCAP" va \
		> "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" || status=$?
	log_end one
	expect "$status" == 1 "exit status"
	says CAP_NET_RAW
	says setcap
	says root
}

@test "Docker's default set of capabilities is enough" {
	as_root
	requires setpriv
	local set=chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,setfcap
	launcher=(setpriv "--bounding-set=-all,+${set//,/,+}" --inh-caps=-all)
	start_both va
	ns send -c 5 vb
	wait_until sealed ring
	wait_until sealed recv
	stop_both
	expect "$(records ring)" == 5 "records"
}

@test "a user namespace where nobody is not mapped: a line says so, it goes on without capabilities" {
	requires unshare
	unshare -U -r -n true 2> /dev/null || cannot_run "no right to make a user namespace"
	# a namespace of its own, in which only root exists
	launcher=(unshare -U -r -n sh -c 'ip link set lo up; exec "$@"' sh)
	"${launcher[@]}" "$RAWCAP" lo > "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" < /dev/null 3>&- &
	pid[one]=$!
	wait_until sealed one
	wait_until grep -q '^rawcap: ' "$BATS_TEST_TMPDIR/one.err"
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(grep -c '^rawcap: ' <<< "$err")" == 1 "lines about it"
}

@test "no right to change user or groups, injected: said, and the capture goes on" {
	as_root
	requires strace
	local call
	for call in setuid setgid setgroups setresuid setresgid capset; do
		launcher=(strace -D -qq -e "trace=$call" -e "inject=$call:error=EPERM" -o "$BATS_TEST_TMPDIR/trace")
		start one va
		ns send -c 5 vb
		local rights
		rights=$(field one CapPrm)
		stop one INT
		if ! grep -q INJECTED "$BATS_TEST_TMPDIR/trace"; then
			continue	# it does not make this call
		fi
		expect "$status" == 0 "exit status without $call"
		expect "$(records one)" == 5 "records"
		[ "$(grep -c '^rawcap: ' <<< "$err")" -ge 1 ] || [ "$rights" = 0000000000000000 ] ||
			{ echo "silent about $call"; return 1; }
	done
}

@test "a kernel without seccomp: it goes on, and -v says so" {
	requires strace
	local error
	for error in EINVAL ENOSYS; do
		launcher=(strace -D -qq -e trace=seccomp,prctl -e "inject=seccomp:error=$error" -o "$BATS_TEST_TMPDIR/trace")
		if ! uses_seccomp_call; then
			# prctl(PR_SET_SECCOMP) comes behind prctl(PR_SET_NO_NEW_PRIVS)
			launcher=(strace -D -qq -e trace=prctl -e "inject=prctl:error=$error:when=$(prctl_number)"
				-o "$BATS_TEST_TMPDIR/trace")
		fi
		start quiet va
		ns send -c 5 vb
		stop quiet INT
		expect "$status" == 0 "exit status"
		[ -z "$(complaints)" ]
		expect "$(records quiet)" == 5 "records"
		grep -q INJECTED "$BATS_TEST_TMPDIR/trace"
		start one -v va
		stop one INT
		expect "$status" == 0 "exit status"
		says seccomp
	done
}

# Whether it installs its filter with seccomp(2), not prctl(2). A run in peace tells.
uses_seccomp_call() {
	ns timeout 20 strace -qq -o "$BATS_TEST_TMPDIR/peace" "$RAWCAP" -G 1 va > /dev/null 2>&1
	grep -q '^seccomp(' "$BATS_TEST_TMPDIR/peace"
}

prctl_number() { grep '^prctl(' "$BATS_TEST_TMPDIR/peace" | grep -n PR_SET_SECCOMP | cut -d : -f 1; }

# --- the filter ---

# Needs the right to look into another process's filter.
filter_tools() {
	as_root
	requires strace cc
	# the numbers of all system calls, by name
	cc -E -dM -include sys/syscall.h -x c /dev/null |
		sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\1 \2/p' > "$BATS_TEST_TMPDIR/numbers"
}

number() { awk -v name="$1" '$1 == name { print $2 }' "$BATS_TEST_TMPDIR/numbers"; }

# ask NAME [OPTION ...]: what its filter says to the calls on stdin.
ask() {
	local status=0
	sandbox "${@:2}" "${pid[$1]}" || status=$?
	[ $status != 3 ] || cannot_run "no right to read a process's filter"
	return $status
}

# as_numbers: "NAME ARGUMENT ..." on stdin with numbers for names; unknown names are left out.
as_numbers() {
	awk 'NR == FNR { number[$1] = $2; next } $1 in number { $1 = number[$1]; print }' \
		"$BATS_TEST_TMPDIR/numbers" -
}

# sockets NAME: the number of its packet socket; signals NAME: that of its signals.
descriptor() {
	local link
	for link in "/proc/${pid[$1]}/fd"/*; do
		[[ $(readlink "$link") == $2* ]] && basename "$link" && return
	done
	return 1
}

# calls_of TRACE: the calls that follow the installation of the filter, as "NAME ARGUMENT ...", from
# a trace with raw arguments.
calls_of() {
	awk '/^(seccomp|prctl)\(/ { last = NR } { line[NR] = $0 }
		END { for (i = last + 1; i <= NR; i++) print line[i] }' "$1" |
		sed -n 's/^\([a-z0-9_]*\)(\([^)]*\)).*/\1 \2/p' | tr -d ,
}

# every_call_is_allowed NAME ARGUMENT...: a capture with flaps, a burst, signals and its end, under strace;
# all that it does behind the installation of its filter is what that lets through.
every_call_is_allowed() {
	local name=$1
	shift
	launcher=(strace -D -qq -e raw=all -o "$BATS_TEST_TMPDIR/$name.trace")
	start "$name" "$@"
	wait_until sealed "$name"
	ns send -c 2000 -s 1000 vb
	ns ip link set va down
	wait_until grep -q 'va: .*down' "$BATS_TEST_TMPDIR/$name.err"
	ns ip link set va up
	wait_until link_is_up va
	kill -USR1 "${pid[$name]}"
	kill -USR2 "${pid[$name]}"
	ns send -c 2000 -s 1000 vb
	[ -z "${behind_traffic:-}" ] || $behind_traffic
	launcher=()
	# the filter is read from a twin: one process has only one tracer
	start twin "$@"
	wait_until sealed twin
	stop "$name" INT
	expect "$status" == 0 "exit status"
	calls_of "$BATS_TEST_TMPDIR/$name.trace" > "$BATS_TEST_TMPDIR/calls"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/calls")" ">=" 20 "calls behind the filter"
	as_numbers < "$BATS_TEST_TMPDIR/calls" | sort -u | ask twin > "$BATS_TEST_TMPDIR/verdicts"
	stop twin INT
	if grep -v '^allow' "$BATS_TEST_TMPDIR/verdicts"; then
		return 1
	fi
	echo "# $name: $(cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/calls" | sort -u | tr '\n' ' ')" >&3
}

@test "each call of the loop is allowed: ring" { filter_tools; every_call_is_allowed ring va; }
@test "each call of the loop is allowed: -B 0" { filter_tools; every_call_is_allowed recv -B 0 va; }
@test "each call of the loop is allowed: -v" { filter_tools; every_call_is_allowed verbose -v va; }
@test "each call of the loop is allowed: any" {
	filter_tools
	launcher=(strace -D -qq -e raw=all -o "$BATS_TEST_TMPDIR/any.trace")
	start any any
	ns send -c 100 vb
	stop any INT
	expect "$status" == 0 "exit status"
	launcher=()
	start twin any
	wait_until sealed twin
	calls_of "$BATS_TEST_TMPDIR/any.trace" | as_numbers | sort -u | ask twin > "$BATS_TEST_TMPDIR/verdicts"
	run -1 grep -v '^allow' "$BATS_TEST_TMPDIR/verdicts"
}

@test "each call of the loop is allowed: -w FILE" {
	filter_tools
	every_call_is_allowed file -w "$BATS_TEST_TMPDIR/f" va
}

@test "each call of the loop is allowed: rotation by size and time, files used again" {
	filter_tools
	every_call_is_allowed rotation -w "$BATS_TEST_TMPDIR/f" -C 64k -W 3 va
	expect "$(stat -c %s "$BATS_TEST_TMPDIR"/f? | wc -l)" == 3 "files, or it never rotated"
	every_call_is_allowed times -w "$BATS_TEST_TMPDIR/t-%s" -G 1 -C 64k va
}

@test "each call of the loop is allowed: --wait, and the interface away and back" {
	filter_tools
	behind_traffic=away_and_back
	every_call_is_allowed wait --wait va
	grep -q '^bind(' "$BATS_TEST_TMPDIR/wait.trace"
}

away_and_back() {
	ns ip link del va
	wait_until grep -q 'va: .*gone\|va: .*wait' "$BATS_TEST_TMPDIR/wait.err"
	ns ip link add va type veth peer name vb
	ns ip link set va up
	ns ip link set vb up
	wait_until link_is_up vb
	wait_until bound_or_ended 0 "${pid[wait]}"
}

@test "each call of the loop is allowed: a pipe whose reader is slow, a socket" {
	filter_tools
	local name calls
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	for name in pipe socket; do
		launcher=(strace -D -qq -e raw=all -o "$BATS_TEST_TMPDIR/$name.trace")
		if [ $name = socket ]; then
			launcher=(launch -u "${launcher[@]}")
			output=$BATS_TEST_TMPDIR/socket.pcap
		else
			(sleep 1; exec cat) < "$BATS_TEST_TMPDIR/fifo" > "$BATS_TEST_TMPDIR/copy" 3>&- &
			helpers+=($!)
			output=$BATS_TEST_TMPDIR/fifo
		fi
		start $name va
		ns send -c 500 -s 1000 vb
		stop $name INT
		expect "$status" == 0 "exit status"
		launcher=()
		if [ $name = socket ]; then
			launcher=(launch -u)
		else
			cat "$BATS_TEST_TMPDIR/fifo" > /dev/null 3>&- &
			helpers+=($!)
		fi
		start twin va
		wait_until sealed twin
		calls_of "$BATS_TEST_TMPDIR/$name.trace" | as_numbers | sort -u | ask twin > "$BATS_TEST_TMPDIR/verdicts"
		stop twin INT
		expect "$(wc -l < "$BATS_TEST_TMPDIR/verdicts")" ">=" 10 "calls judged"
		run -1 grep -v '^allow' "$BATS_TEST_TMPDIR/verdicts"
	done
}

# What the loop is made of: no other call may pass, whatever its arguments. The last line is rotation's.
loop=' read write sendto recvmsg ppoll getsockopt setsockopt ioctl bind lseek ftruncate fdatasync fsync
 close exit exit_group clock_gettime restart_syscall rt_sigreturn getsockname munmap '
rotating=' openat unlinkat statx '

# refuses NAME ALLOWED: its filter has an errno for every other call with any of some arguments.
refuses() {
	local name number
	while read -r name number; do
		[[ ${2//$'\n'/ } == *" $name "* ]] && continue
		printf '%s\n' "$number" "$number 1" "$number 2" "$number 4 1 2 3 4 5" "$number -1 -1 -1 -1 -1 -1"
	done < "$BATS_TEST_TMPDIR/numbers" | ask "$1" > "$BATS_TEST_TMPDIR/verdicts"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/verdicts")" ">" 1000 "calls judged"
	if grep -v '^errno [1-9]' "$BATS_TEST_TMPDIR/verdicts"; then
		return 1
	fi
}

@test "every call outside the loop is refused with an errno: a stream, -w FILE, rotation, --wait" {
	filter_tools
	start stream va
	start file -w "$BATS_TEST_TMPDIR/f" va
	start waiting --wait va
	start rotation -w "$BATS_TEST_TMPDIR/r" -C 1m -W 2 va
	local name
	for name in stream file waiting; do
		wait_until sealed $name
		refuses $name "$loop"
	done
	wait_until sealed rotation
	refuses rotation "$loop$rotating"
}

# judged NAME VERDICT CALL ARGUMENT...
judged() {
	local answer
	answer=$(echo "${*:3}" | as_numbers | ask "$1")
	[[ $answer == "$2"* ]] || { echo "$1: ${*:3}: $answer instead of $2"; return 1; }
}

@test "arguments matter: which descriptor is written, which ioctl, which option of a socket" {
	filter_tools
	start one va
	wait_until sealed one
	local socket fd
	socket=$(descriptor one socket:)
	judged one allow write 1 0 100
	judged one allow write 2 0 100
	for fd in 0 "$socket" $((socket + 1)) 9 1000; do
		judged one errno write $fd 0 100
	done
	judged one errno sendto "$socket" 0 100 0 0 0
	# SIOCSIFFLAGS, SIOCSIFNAME, SIOCSIFADDR, TIOCSTI, TUNSETIFF, FIONBIO
	for request in 0x8914 0x8923 0x8916 0x5412 0x400454ca 0x5421; do
		judged one errno ioctl "$socket" $request 0
		judged one errno ioctl 1 $request 0
		judged one errno ioctl 0 $request 0
	done
	# PACKET_RX_RING, PACKET_TX_RING, PACKET_FANOUT: what nearly all of the kernel's holes needed
	for option in 5 13 18; do
		judged one errno setsockopt "$socket" 263 $option 0 16
	done
	for option in 26 27 50; do	# SO_ATTACH_FILTER of any program but the closing one, its likes
		judged one errno setsockopt "$socket" 1 $option 0x7ffd00001000 16
	done
	for call in read recvmsg bind close getsockopt; do
		judged one errno $call 0 0 100
		judged one errno $call $((socket + 1)) 0 100
	done
	judged one errno read 1 0 100
	judged one errno recvmsg 1 0 0
	judged one errno close "$socket"
	judged one errno bind 1 0 20
}

# made NAME CALL ARGUMENT...: it makes the call in place of its next one; prints what that returns.
made() { echo "${*:2}" | as_numbers | ask "$1" -x; }

# returns RESULT NAME CALL ARGUMENT...: an errno is below 0.
returns() {
	local result
	result=$(made "${@:2}")
	[ "$result" = "$1" ] || { echo "${*:2}: $result instead of $1"; return 1; }
}

@test "a sealed rotation, call by call: it makes and removes files in its directory, and nothing else" {
	filter_tools
	[ "$(uname -m)" = x86_64 ] || cannot_run "for x86-64 only"
	local inside=$BATS_TEST_TMPDIR/inside new directory confined call path
	ns mkdir "$inside"
	echo precious > "$BATS_TEST_TMPDIR/outside"
	for confined in chroot landlock; do
		[ $confined = chroot ] || launcher=(setpriv --bounding-set=-sys_chroot)
		start one -w "$inside/r" -C 1m -W 2 va
		wait_until sealed one
		directory=$(descriptor one "$inside")
		new=$(rotation_flags "$confined")
		# its own files: as meant
		returns -2 one unlinkat "$directory" ./r7 0
		made one openat "$directory" ./made $new 0600 > "$BATS_TEST_TMPDIR/fd"
		expect "$(cat "$BATS_TEST_TMPDIR/fd")" ">=" 3 "a descriptor"
		[ "$(stat -c %a "$inside/made")" = 600 ]
		returns -17 one openat "$directory" ./r0 $new 0600	# EEXIST: what is there is not opened
		returns 0 one unlinkat "$directory" ./made 0
		# the same with other flags, modes, directories: EPERM of the filter
		for call in "openat $directory ./r0 0 0" "openat $directory ./r0 2 0" "openat $directory ./r0 1 0" \
			"openat $directory ./s $new 04755" "openat -100 ./s $new 0600" "openat 0 ./s $new 0600" \
			"unlinkat -100 ./r0 0" "unlinkat $directory ./r0 0x100" "open ./s 0 0" "unlink ./r0" \
			"rename ./r0 ./r1" "link ./r0 ./r1" "symlink ./r0 ./r1" "mkdir ./r2 0700" "chmod ./r0 0777" \
			"chown ./r0 1 1" "mknod ./r2 0 0" "chroot ./" "chdir /" "fchdir $directory" \
			"mount 0 0 0 0 0" "execve ./r0 0 0" "statx -100 ./r0 0x100 0x7ff 0" "getdents64 $directory 0 0"; do
			returns -1 one $call
		done
		# no path leads out
		for path in "$BATS_TEST_TMPDIR/outside" ../outside ../../../../../../../etc/passwd; do
			made one unlinkat "$directory" "$path" 0 > "$BATS_TEST_TMPDIR/result"
			[[ $(cat "$BATS_TEST_TMPDIR/result") = -[0-9]* ]]
			[ "$(cat "$BATS_TEST_TMPDIR/outside")" = precious ]
			made one openat "$directory" "$path.new" $new 0600 > "$BATS_TEST_TMPDIR/result"
			[ ! -e "$BATS_TEST_TMPDIR/outside.new" ]
			[ ! -e /etc/passwd.new ]
		done
		ns send -c 5 vb
		stop one INT
		expect "$status" == 0 "exit status"
		expect "$(said captured)" == 5 "captured"
		rm -f "$inside"/*
	done
}

# rotation_flags NAME: what openat has as flags in a rotation, from a trace.
rotation_flags() {
	ns timeout 20 strace -qq -e trace=openat -e raw=openat -o "$BATS_TEST_TMPDIR/$1.open" \
		"$RAWCAP" -G 1 -W 1 -C 1m -w "$BATS_TEST_TMPDIR/flags-%s" va 2> /dev/null
	sed -n 's/^openat.*, \(0x[0-9a-f]*\), 0x180) .*/\1/p' "$BATS_TEST_TMPDIR/$1.open" | tail -n 1
}

@test "another architecture's calls and x32 ones are no way around" {
	filter_tools
	[ "$(uname -m)" = x86_64 ] || cannot_run "for x86-64 only"
	start one va
	wait_until sealed one
	local answer
	answer=$(seq 0 450 | ask one -a 0x40000003)	# AUDIT_ARCH_I386
	[[ $answer != *allow* ]]
	answer=$(seq 0x40000000 $((0x40000000 + 450)) | ask one)
	[[ $answer != *allow* ]]
}

@test "a call outside the loop, really made by it, fails with an errno, and the capture goes on" {
	filter_tools
	[ "$(uname -m)" = x86_64 ] || cannot_run "for x86-64 only"
	start one va
	wait_until sealed one
	local call result
	for call in getpid socket openat execve ptrace mmap mprotect clone fork kill setuid chmod unlink bpf; do
		result=$(number $call | ask one -x)
		expect "$result" "<" 0 "result of $call"
		expect "$result" ">" -4096 "result of $call"
		echo "$call: $result"
	done
	ns send -c 5 vb
	wait_until has_records one 5
	kept 5
}

@test "the filter stands when the first packet is read" {
	requires strace
	launcher=(strace -D -qq -o "$BATS_TEST_TMPDIR/trace")
	start one -B 0 -c 1 va
	ns send -c 1 vb
	finish one
	expect "$status" == 0 "exit status"
	expect "$(grep -n '^recvmsg' "$BATS_TEST_TMPDIR/trace" | head -n 1 | cut -d : -f 1)" ">" \
		"$(grep -nE '^(seccomp|prctl\(PR_SET_SECCOMP)' "$BATS_TEST_TMPDIR/trace" | cut -d : -f 1)" "the line of the first packet"
	# and nothing that it does behind it fails for it: no ENOSYS, no EPERM
	run -1 awk '/^(seccomp|prctl\(PR_SET_SECCOMP)/ { on = 1; next } on && /ENOSYS|EPERM/ { print; found = 1 }
		END { exit !found }' "$BATS_TEST_TMPDIR/trace"
}
