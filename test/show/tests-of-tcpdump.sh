#!/bin/bash
# tests-of-tcpdump.sh DIR: tcpdump's own capture files, from Debian's source package of it, into DIR; or they are there.
set -euo pipefail
dir=$1
top=$(cd "$(dirname "$0")/../.." && pwd)
[ -e "$dir/done" ] && exit 0
# shellcheck source=qemu/apt.sh
. "$top/qemu/apt.sh"
mkdir -p "$dir/source"
(cd "$dir/source" && apt_for source apt-get -q source --download-only tcpdump > apt.log 2>&1) ||
	{ cat "$dir/source/apt.log" >&2; exit 1; }
tar -xf "$dir"/source/tcpdump_*.orig.tar.?z -C "$dir" --strip-components=2 --wildcards 'tcpdump-*/tests/*.pcap'
touch "$dir/done"
