#!/bin/sh
# traffic.sh DIR: real traffic between two network namespaces, captured by tcpdump into DIR/real-ethernet.pcap and DIR/real-any.pcap.
# Runs in namespaces of its own: unshare -n traffic.sh DIR, or unshare -Un -c --keep-caps (tcpdump wants to be no root there).
set -eu
dir=$1
here=$(dirname "$0")
unshare -n sleep 120 &
peer=$!
pids=$peer
trap 'kill $pids 2>/dev/null || true' EXIT
until [ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
on_peer() { nsenter -t "$peer" -n "$@"; }

ip link set lo up
ip link add v0 type veth peer name v1 netns "$peer"
ip addr add 10.9.0.1/24 dev v0
ip addr add fd00::1/64 dev v0 nodad
ip link set v0 up
on_peer ip link set lo up
on_peer ip link set v1 up
on_peer ip addr add fd00::2/64 dev v1 nodad

tcpdump -U --immediate-mode -s 0 -i v0 -w "$dir/real-ethernet.pcap" 2>"$dir/tcpdump1" &
one=$!
tcpdump -U --immediate-mode -s 0 -i any -w "$dir/real-any.pcap" 2>"$dir/tcpdump2" &
two=$!
pids="$pids $one $two"
until grep -q 'listening on' "$dir/tcpdump1" && grep -q 'listening on' "$dir/tcpdump2"; do sleep 0.05; done

cat >"$dir/udhcpd.conf" <<END
start 10.9.0.50
end 10.9.0.60
interface v0
lease_file $dir/udhcpd.leases
pidfile $dir/udhcpd.pid
option subnet 255.255.255.0
option router 10.9.0.1
option lease 600
END
: >"$dir/udhcpd.leases"
busybox udhcpd -f "$dir/udhcpd.conf" >/dev/null 2>&1 &
pids="$pids $!"
on_peer busybox udhcpc -f -q -n -i v1 -s /bin/true -t 10 -T 1 >/dev/null 2>&1
on_peer ip addr add 10.9.0.2/24 dev v1
busybox arping -c 1 -I v0 10.9.0.2 >/dev/null || true
busybox arping -U -c 1 -I v0 10.9.0.1 >/dev/null || true
nsenter -t "$peer" -n python3 "$here/talk.py" serve "$dir/ready" &
pids="$pids $!"
until [ -e "$dir/ready" ]; do sleep 0.05; done
busybox ping -c 2 -i 0.1 -w 5 10.9.0.2 >/dev/null
busybox ping -c 1 -w 5 -s 3000 10.9.0.2 >/dev/null
busybox ping6 -c 2 -i 0.1 -w 5 fd00::2 >/dev/null
busybox ping6 -c 1 -w 5 -s 3000 fd00::2 >/dev/null
busybox ping -c 1 -W 1 10.9.0.99 >/dev/null || true
python3 "$here/talk.py" ask
until grep -aq 'the end of it' "$dir/real-ethernet.pcap" && grep -aq 'the end of it' "$dir/real-any.pcap"; do sleep 0.05; done
kill "$one" "$two"
wait "$one" "$two" || true
