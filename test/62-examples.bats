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
	# a clone below /tmp is about to vanish
	ns mount -t tmpfs none /mnt || cannot_run "no right to mount a tmpfs"
	ns cp "$RAWCAP" "$(command -v send)" /mnt
	RAWCAP=/mnt/$(basename "$RAWCAP")
	PATH=/mnt:$PATH
	ns mount -t tmpfs none /tmp
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

# start_service_of SCRIPT: what it hands procd: sets command, and respawn if that is asked for.
# shellcheck disable=SC2317 # the script calls these
start_service_of() {
	procd_open_instance() { :; }
	procd_close_instance() { :; }
	procd_set_param() {
		[ "$1" != command ] || command=("${@:2}")
		[ "$1" != respawn ] || respawn=1
	}
	# shellcheck source=/dev/null
	. "$examples/$1"
	start_service
}

@test "the init script for OpenWrt is a shell script, and its command records the device of UCI's wan" {
	local command
	sh -n "$examples/rawcap.init"
	uci() { [ "$*" = "-q get network.wan.device" ] && echo eth1; }
	start_service_of rawcap.init
	[ "${command[0]}" = /usr/bin/rawcap ]
	run_as_written eth1 "${command[@]}"
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

# package ARGUMENT...: make in the package's folder, as OpenWrt's build does it, with a stand-in for its SDK.
package() {
	make -s -C "$examples/openwrt/rawcap" "TOPDIR=$BATS_TEST_DIRNAME/openwrt" "WORK=$BATS_TEST_TMPDIR" "$@"
}

@test "the OpenWrt packages have their fields, rawcap's version, and the init script where it may be changed" {
	package --warn-undefined-variables info > "$BATS_TEST_TMPDIR/info" 2> "$BATS_TEST_TMPDIR/warnings"
	cat "$BATS_TEST_TMPDIR/info" "$BATS_TEST_TMPDIR/warnings"
	[ ! -s "$BATS_TEST_TMPDIR/warnings" ]
	has() { grep -qx "$1" "$BATS_TEST_TMPDIR/info"; }
	for name in rawcap rawcap-recorder; do
		has "$name SECTION=net"
		has "$name CATEGORY=Network"
		has "$name TITLE=..*"
		has "$name PKG_VERSION=$("$RAWCAP" --version | cut -d ' ' -f 2)"
		has "$name PKG_RELEASE=[1-9]"
		has "$name PKG_LICENSE=$(head -n 1 "$BATS_TEST_DIRNAME/../LICENSE" | cut -d ' ' -f 1)"
		has "$name words=[1-9][0-9]"
	done
	has "rawcap DEPENDS="
	has "rawcap conffiles="
	has "rawcap-recorder DEPENDS=+rawcap"
	has "rawcap-recorder PKGARCH=all"
	has "rawcap-recorder conffiles=/etc/init.d/rawcap"
}

@test "the OpenWrt package builds a rawcap that captures, with a hardened SDK's flags, and leaves the sources alone" {
	local sources=$BATS_TEST_DIRNAME/.. before
	requires musl-gcc
	before=$(cd "$sources" && stat -c '%n %Y %Z' ./*)
	package install TARGET_CROSS= TARGET_CC=musl-gcc \
		TARGET_CFLAGS='-Os -pipe -fno-caller-saves -fno-plt -fstack-protector-strong -fPIE -Wformat -Werror=format-security'
	[ "$before" = "$(cd "$sources" && stat -c '%n %Y %Z' ./*)" ]
	[ "$(cd "$BATS_TEST_TMPDIR/bin" && find . -type f -printf '%m %P\n' | sort)" = \
		"755 rawcap-recorder/etc/init.d/rawcap"$'\n'"755 rawcap/usr/bin/rawcap" ]
	cmp "$BATS_TEST_TMPDIR/bin/rawcap-recorder/etc/init.d/rawcap" "$examples/rawcap.init"
	RAWCAP=$BATS_TEST_TMPDIR/bin/rawcap/usr/bin/rawcap
	network
	start one -c 5 va
	ns send -c 5 vb
	finish one
	expect "$status" == 0 "exit status"
	expect "$(records one)" == 5 "packets"
}

# recorded FRAME: rawcap-until ends with FRAME (hex); $found is the folder of its files.
recorded() {
	network
	export TMPDIR=$BATS_TEST_TMPDIR/work
	mkdir "$BATS_TEST_TMPDIR/kept" "$TMPDIR"
	"${NS[@]}" env RAWCAP="$RAWCAP" sh "$BATS_TEST_TMPDIR/until" va "$BATS_TEST_TMPDIR/kept" "${@:2}" \
		2> "$BATS_TEST_TMPDIR/one.err" 3>&- &
	pid[one]=$!
	wait_until bound_or_ended 0 "${pid[one]}"
	ns send -c 5 vb
	ns send vb "$1"
	finish one
	expect "$status" == 0 "exit status"
	found=$(echo "$BATS_TEST_TMPDIR"/kept/va-2*)
}

@test "rawcap-until: when the fault was there the files are copied, with the log, and a mail says so" {
	# ten seconds are one here
	sed 's/--after 10/--after 1/' "$examples/rawcap-until" > "$BATS_TEST_TMPDIR/until"
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho "$@" > %s/mailed\ncat >> %s/mailed\n' "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" > "$BATS_TEST_TMPDIR/bin/mail"
	chmod +x "$BATS_TEST_TMPDIR/bin/mail"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	recorded 02000000000a02000000000b88b60000 'ether proto 0x88b6' me@example.org
	expect "$(records_in "$found"/packets?)" == 6 "records"
	grep -q -- '--until: packet 6: ' "$found/log"
	grep -q "^-s va: the fault was there, see $found me@example.org" "$BATS_TEST_TMPDIR/mailed"
	grep -q -- '--until: packet 6: ' "$BATS_TEST_TMPDIR/mailed"
	[ "$(find "$TMPDIR" -mindepth 1)" = "" ]
}

@test "rawcap-until: stopped before, it ends with 0, leaves no recorder behind and copies nothing" {
	network
	export TMPDIR=$BATS_TEST_TMPDIR/work
	mkdir "$TMPDIR"
	"${NS[@]}" launch -d 15 env RAWCAP="$RAWCAP" sh "$examples/rawcap-until" va "$BATS_TEST_TMPDIR/kept" udp \
		2> "$BATS_TEST_TMPDIR/one.err" 3>&- &
	pid[one]=$!
	wait_until bound_or_ended 0 "${pid[one]}"
	stop one TERM
	expect "$status" == 0 "exit status"
	expect "$(bound_sockets)" == 0 "captures that go on"
	[ ! -e "$BATS_TEST_TMPDIR/kept" ]
	[ "$(find "$TMPDIR" -mindepth 1)" = "" ]
}

@test "rawcap-until: what rawcap refuses is told, with rawcap's exit status" {
	network
	status=0
	"${NS[@]}" env RAWCAP="$RAWCAP" sh "$examples/rawcap-until" va "$BATS_TEST_TMPDIR/kept" 'port 70000' \
		2> "$BATS_TEST_TMPDIR/one.err" 3>&- || status=$?
	log_end one
	failed 2 'rawcap: --until: port 70000: not a port'
}

@test "rawcap-until's init script has no respawn, its unit none after success" {
	local command respawn=
	sh -n "$examples/rawcap-until.init"
	start_service_of rawcap-until.init
	[ "${command[0]}" = /usr/bin/rawcap-until ]
	[ -z "$respawn" ]
	"$RAWCAP" -d "${command[3]}" > /dev/null
	grep -qx 'Restart=on-failure' "$examples/rawcap-until.service"
	"$RAWCAP" -d "$(sed -n "s/^ExecStart=.* '\(.*\)'$/\1/p" "$examples/rawcap-until.service")" > /dev/null
	if command -v systemd-analyze > /dev/null; then
		sed "s,^ExecStart=[^ ]*,ExecStart=$RAWCAP," "$examples/rawcap-until.service" > "$BATS_TEST_TMPDIR/rawcap-until.service"
		systemd-analyze verify "$BATS_TEST_TMPDIR/rawcap-until.service"
	fi
}
