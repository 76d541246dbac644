# shellcheck shell=bash
# What the tools share that try captures by the hundred. Sourcing it runs the tool again, with the same
# arguments, in a network namespace of its own: there is the wire va - vb, and the directory $dir, which
# goes when the tool ends.

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$tools/../../build/test:$PATH:/usr/sbin

if [ -z "${WIRE_INSIDE:-}" ]; then
	# shellcheck source=test/setup_suite.bash disable=SC1091
	. "$tools/../setup_suite.bash"
	setup_suite
	flags=(-n -m)
	[ "$(id -u)" = 0 ] || flags+=(-U -r)
	WIRE_INSIDE=1 exec unshare "${flags[@]}" "$0" "$@"
fi
unset WIRE_INSIDE

link_is_up() { [[ $(ip link show "$1" 2> /dev/null) == *"state UP"* ]]; }

# Frames of up to 9000 bytes pass.
make_wire() {
	ip link add va mtu 9014 type veth peer name vb mtu 9014
	ip link set va up
	ip link set vb up
	until link_is_up va && link_is_up vb; do sleep 0.02; done
}

# until_bound PID: until there is a packet socket that takes packets. If PID ends before: an error, with
# what it wrote into $dir/err.
until_bound() {
	until grep -q ' 0003 ' /proc/net/packet; do
		kill -0 "$1" 2> /dev/null || { echo "it does not start: $(cat "$dir/err")" >&2; return 1; }
		sleep 0.01
	done
}

# last FILE WHAT: the last figure for WHAT (captured, received, dropped) in the summaries in FILE.
last() { sed -n "s/^\([0-9]*\) packets* $2.*/\1/p" "$1" | tail -n 1; }

dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
# no IPv6: nothing is on the wire but what a tool sends
for scope in all default; do
	[ ! -e /proc/sys/net/ipv6/conf/$scope ] || echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6
done
make_wire
