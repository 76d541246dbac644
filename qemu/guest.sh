# shellcheck shell=sh disable=SC3043
# What the scenarios say in the guest, in BusyBox's sh. A program's start takes milliseconds here, so
# what is done often is done by the shell itself.

# wait_until COMMAND...: gives up after some 10 s.
wait_until() {
	local tries=1000
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || { echo "waited in vain for: $*"; return 1; }
		usleep 2000
	done
}

network_up() {
	for scope in all default; do	# no packet but those of a scenario
		echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6
	done
	ip link set lo up
	wait_until test -e /sys/class/net/eth0
	ip addr add 10.9.0.2/24 dev eth0
	card_up
}

# Up, and knowing the host without asking.
card_up() {
	ip link set eth0 up
	wait_until net eth0 carrier = 1
	arp -i eth0 -s 10.9.0.1 02:00:00:00:09:01
}

# net INTERFACE FILE TEST...: looks at a number in the interface's folder of /sys.
net() {
	local value
	read -r value < "/sys/class/net/$1/$2" && shift 2 && test "$value" "$@"
}

# field FILE NAME: the number behind NAME in a file of /proc.
field() {
	local name value rest
	while read -r name value rest; do
		[ "$name" != "$2:" ] || echo "$value"
	done < "$1"
}

# received INTERFACE COUNT: so many packets have come in.
received() { net "$1" statistics/rx_packets -ge "$2"; }

# files COUNT FOLDER...: at least so many are in them.
files() {
	local count="$1"
	shift
	[ "$(find "$@" -type f | wc -l)" -ge "$count" ]
}

# promiscuous INTERFACE: /sys shows the kernel's flags, "ip link" only those set by hand.
promiscuous() {
	local flags
	read -r flags < "/sys/class/net/$1/flags"
	[ $((flags & 0x100)) != 0 ]
}

# begin NAME ARGUMENT...: rawcap in the background, its output in /tmp/NAME.pcap (or $output) and
# /tmp/NAME.err, its process in $NAME. Returns when the file's header is there: nothing is written
# before the socket is bound.
begin() {
	local name="$1" output="${output:-/tmp/$1.pcap}"
	shift
	rm -f "$output"
	${surroundings:-} rawcap "$@" > "$output" 2> "/tmp/$name.err" < /dev/null 3>&- 4>&- &
	eval "$name=$!"
	wait_until begun "$name"
	[ -s "$output" ] && return
	finish "$name"
	echo "rawcap $*: exit status $?"
	cat "/tmp/$name.err"
	return 1
}

begun() { [ -s "$output" ] || ended "$1"; }
ended() { eval "! kill -0 \$$1" 2> /dev/null; }

# finish NAME [SIGNAL]: waits for its end, which a signal may bring; gives its exit status.
finish() {
	[ -z "${2:-}" ] || eval "kill -s $2 \$$1"
	wait_until ended "$1" || eval "kill -KILL \$$1"
	eval "wait \$$1"
}

# A rescue shell's surroundings, in a mount namespace of its own: no /proc, no /sys, and /dev as it
# was before anything was mounted. Stdin is closed.
rescue() { exec unshare -m /bin/sh -c 'umount -l /proc /sys /dev && exec "$@" <&-' sh "$@"; }

# dhcp_network: a cable from dhcp0, where $server gives addresses of 10.8.0.0/24, to dhcp1.
dhcp_network() {
	modprobe veth
	ip link add dhcp0 type veth	# the other end is veth0: this ip cannot name it
	ip link set veth0 name dhcp1
	ip addr add 10.8.0.1/24 dev dhcp0
	ip link set dhcp0 up
	ip link set dhcp1 up
	printf '%s\n' 'start 10.8.0.50' 'end 10.8.0.60' 'interface dhcp0' 'lease_file /tmp/leases' \
		'option subnet 255.255.255.0' > /tmp/udhcpd.conf
	: > /tmp/leases
	udhcpd -f /tmp/udhcpd.conf > /dev/null 2>&1 3>&- 4>&- &
	# shellcheck disable=SC2034	# the scenario ends it
	server=$!
	wait_until grep -q ':0043 ' /proc/net/udp	# the server's port, 67
}

# watch INTERFACE: rawcap as $watcher in a rescue shell, which shows packets on the console.
watch() {
	rescue rawcap "$1" > /dev/console 2>&1 3>&- 4>&- &
	# shellcheck disable=SC2034
	watcher=$!
	wait_until bound
}

# For wait_until: a packet socket takes packets of all protocols.
bound() { grep -q ' 0003 ' /proc/net/packet; }

# conduit TAGGING COMMAND...: with a sysfs that takes eth0 for the conduit of a DSA switch.
conduit() {
	# shellcheck disable=SC2016	# the inner shell expands it
	exec unshare -m /bin/sh -c 'cd /sys/class/net/eth0 && index=$(cat ifindex) && address=$(cat address) &&
		mount -t tmpfs none /sys/class/net && mkdir -p /sys/class/net/eth0/dsa &&
		cd /sys/class/net/eth0 && echo "$index" > ifindex && echo "$address" > address &&
		echo "$0" > dsa/tagging && cd / && exec "$@"' "$@"
}

# hold COMMAND...: in the background, with a stdin that stays open: "say WORD..." writes lines to
# it, "let_go" ends it, and with it the interface that the command made.
hold() {
	rm -f /tmp/held
	mkfifo /tmp/held
	"$@" < /tmp/held 3>&- &
	held=$!
	exec 4> /tmp/held
}
say() { printf '%s\n' "$@" >&4; }
let_go() { exec 4>&-; wait "$held"; }

# Clears away what a scenario left behind.
tidy() {
	local link
	exec 4>&-
	killall -CONT rawcap; killall -KILL rawcap
	rm -f /tmp/*.pcap /tmp/*.err
	for link in /sys/class/net/*; do
		case ${link##*/} in lo | eth0) ;; *) ip link del "${link##*/}" ;; esac
	done
	card_up
	wait
	true
} 2> /dev/null
