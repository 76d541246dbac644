#!/bin/bash
# shellcheck disable=SC2154	# the architecture's file sets variables
# boot.sh test|shell|rescue|openwrt|small ARCH BUILD IMAGE: boots the kernel IMAGE and the initramfs that
# run.sh made.
# Runs in a network namespace of its own:
#
#	   scenarios -- tap (10.9.0.1) ===== eth0 (10.9.0.2) -- rawcap, the guest's shell
#	      \_________________ virtio-serial port __________________/
#
# The guest's console goes to a log, which only the scenarios about lines on it judge.
set -euo pipefail

mode=$1 arch=$2 build=$3 image=$4
qemu=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
. "$qemu/arch/$arch"

LIMIT=900	# seconds that a boot with all scenarios may take
tap=rawcap$$
mtu=65521	# the most that a tap takes: frames of 65535 bytes

make_tap() {
	local scope
	for scope in all default; do	# nothing is on the wire but what a scenario sends
		[ ! -e /proc/sys/net/ipv6/conf/$scope ] || echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6
	done
	ip tuntap add dev "$tap" mode tap
	ip link set dev "$tap" address 02:00:00:00:09:01 mtu "$mtu" txqueuelen 10000
	ip addr add 10.9.0.1/24 dev "$tap"
	ip neigh add 10.9.0.2 lladdr 02:00:00:00:09:02 dev "$tap" nud permanent
	ip link set dev "$tap" up
}

clean_up() {
	ip link del dev "$tap" 2> /dev/null || true
	rm -rf "$sockets"
}

sockets=$(mktemp -d "${TMPDIR:-/tmp}/rawcap-qemu.XXXXXX")
trap clean_up EXIT
make_tap
export PYTHONPATH=$qemu	# guest.py and harness.py, for those in folders
if [ "$mode" = rescue ]; then
	python3 -B "$qemu/rescue.py" "$tap" "$sockets" "$build" \
		timeout -k 5 "$LIMIT" "${machine[@]}" -m 256 -accel tcg -nodefaults -display none -no-reboot \
		-kernel "$image" -initrd "$build/rescue.initrd" \
		-netdev "tap,id=wire,ifname=$tap,script=no,downscript=no" \
		-device "$nic,netdev=wire,mac=02:00:00:00:09:02" \
		-append "console=$console break=premount net.ifnames=0 mitigations=off" \
		-serial "unix:$sockets/console" < /dev/null
	exit
fi
initrd=initramfs.gz judge=scenarios
case $mode in
openwrt) initrd=openwrt.gz judge=openwrt/scenarios.py ;;
small) initrd=small.gz judge=small.py; small ;;
esac
# mitigations: what they are against has no way into an emulated processor; they double a fork's time
command=("${machine[@]}" -accel tcg -nodefaults -display none -no-reboot
	-kernel "$image" -initrd "$build/$initrd"
	-netdev "tap,id=wire,ifname=$tap,script=no,downscript=no"
	-device "$nic,id=nic,netdev=wire,mac=02:00:00:00:09:02"
	-append "console=$console quiet panic=-1 mitigations=off ${parameters-} mode=$mode")

if [ "$mode" = shell ]; then
	echo "The guest's shell; rawcap is in it. Control-A X ends QEMU."
	"${command[@]}" -serial mon:stdio
	exit
fi
[ "$mode" = test ] || skips=()	# they are of scenarios/
monitor=
# as its firmware does: IRQ 10 and 11, PCI's, by level, or some get lost
[[ ${machine[*]} != *malta* ]] || monitor='o/b 0x4d1 0xc'
# Stdin: QEMU would stop itself to take a terminal.
SKIPS=$(printf '%s\n' "${skips[@]-}") SMALL=${small-64} MONITOR=$monitor \
	python3 -B "$qemu/$judge" "$arch" "$tap" "$sockets" "$build" \
	timeout -k 5 "$LIMIT" "${command[@]}" -serial "file:$build/console.log" -monitor "unix:$sockets/monitor" \
	-device "$serial_bus" -chardev "socket,id=agent,path=$sockets/agent" \
	-device virtserialport,chardev=agent < /dev/null
