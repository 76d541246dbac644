#!/bin/bash
# A capture of real traffic between two network namespaces that go with this script.
# demo.sh: makes them; "inside": in the first of them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rawcap=$here/../rawcap
file=${TMPDIR:-/tmp}/rawcap-demo.$$.pcap

if [ "${1:-}" != inside ]; then
	flags=(-n)
	[ "$(id -u)" = 0 ] || flags=(-n -U -r)
	exec unshare "${flags[@]}" "$0" inside
fi

trap 'kill "$peer"; rm -f "$file"' EXIT
unshare -n sleep 60 &
peer=$!
until [ "$(cat "/proc/$peer/comm")" = sleep ]; do sleep 0.01; done
for process in $$ "$peer"; do	# no IPv6, whose own traffic would come at any time
	nsenter -t "$process" -n sh -c 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6' || true
done
ip link add eth0 type veth peer name eth1
ip link set eth1 netns "$peer"
nsenter -t "$peer" -n ip addr add 10.9.0.2/24 dev eth1
nsenter -t "$peer" -n ip link set eth1 up
ip addr add 10.9.0.1/24 dev eth0
ip link set eth0 up
until [[ $(ip link show eth0) == *"state UP"* ]]; do sleep 0.01; done

echo '$ rawcap eth0 > c.pcap &		and then some traffic: ARP, UDP, ICMP, TCP'
"$rawcap" eth0 > "$file" &
capture=$!
until grep -q ' 0003 ' /proc/net/packet; do sleep 0.01; done
for i in 1 2 3; do
	echo "hello $i" > /dev/udp/10.9.0.2/9
	(true > "/dev/tcp/10.9.0.2/$((7000 + i))") 2> /dev/null || true
done
echo '$ kill -INT %1'
kill -INT "$capture"
wait "$capture"
echo '$ rawcap -r c.pcap'
"$rawcap" -r "$file"
echo "$(stat -c %s "$file") bytes in the file; rawcap itself: $(stat -c %s "$rawcap") bytes"
