#!/usr/bin/env bats
# The examples that people copy: their command lines run as they stand.
load helpers

prepare() {
	examples=$BATS_TEST_DIRNAME/examples
}

# run_as_written COMMAND...: in a namespace where its interface comes later; its files under a tmpfs.
run_as_written() {
	local interface=$1
	shift
	network
	ns mount -t tmpfs none /tmp || cannot_run "no right to mount a tmpfs"
	ns mount -t tmpfs none /var/lib
	ns mkdir /var/lib/rawcap
	"${NS[@]}" "$RAWCAP" "${@:2}" 2> "$BATS_TEST_TMPDIR/one.err" 3>&- &
	pid[one]=$!
	wait_until grep -q 'waiting for it' "$BATS_TEST_TMPDIR/one.err"
	ns ip link set va down
	ns ip link set va name "$interface"
	ns ip link set "$interface" up
	wait_until link_is_up "$interface"
	wait_until bound_or_ended 0 "${pid[one]}"
}

@test "the init script for OpenWrt is a shell script, and its command records the wan interface" {
	local command
	sh -n "$examples/rawcap.init"
	procd_open_instance() { :; }
	procd_close_instance() { :; }
	procd_set_param() { [ "$1" != command ] || command=("${@:2}"); }
	# shellcheck source=/dev/null
	. "$examples/rawcap.init"
	start_service
	[ "${command[0]}" = /usr/bin/rawcap ]
	run_as_written wan "${command[@]}"
	ns send -c 5 vb
	wait_until eval '[ "$(pcapread -c "/proc/$holder/root/tmp/wan0")" = 5 ]'
	stop one INT
	expect "$status" == 0 "exit status"
}

@test "the systemd unit is one, and its command records eth0" {
	local command
	read -ra command <<< "$(sed -n 's/^ExecStart=//p' "$examples/rawcap.service")"
	[ "${command[0]}" = /usr/local/bin/rawcap ]
	if command -v systemd-analyze > /dev/null; then
		sed "s,^ExecStart=[^ ]*,ExecStart=$RAWCAP," "$examples/rawcap.service" > "$BATS_TEST_TMPDIR/rawcap.service"
		systemd-analyze verify "$BATS_TEST_TMPDIR/rawcap.service"
	fi
	run_as_written eth0 "${command[@]}"
	ns send -c 5 vb
	wait_until eval '[ "$(pcapread -c "/proc/$holder/root/var/lib/rawcap/eth0-0")" = 5 ]'
	stop one INT
	expect "$status" == 0 "exit status"
}
