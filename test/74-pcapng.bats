#!/usr/bin/env bats
# The formats themselves: what pcapng.h writes and reads, and the classic files of old that pcap.h reads.
# dump.c prints what pcapng.h reads; strict.py, which shares nothing with it, must print the same:
# compare.py runs both.
load helpers

setup_file() {
	BUILD=$BATS_FILE_TMPDIR
	export BUILD
	"$BATS_TEST_DIRNAME/pcapng/build.sh" "$BUILD"
}

prepare() {
	requires python3
	PATH=$BUILD:$BATS_TEST_DIRNAME/pcapng:$PATH
	cd "$BATS_TEST_TMPDIR" || return
}

# tshark_reads FILE: time, lengths and interface of each packet.
tshark_reads() {
	tshark -r "$1" -T fields -e frame.time_epoch -e frame.cap_len -e frame.len -e frame.interface_id 2> /dev/null
}

as_tshark() { awk -v OFS='\t' '/^packet/ { print $3, $4, $5, $2 }' "$1"; }

@test "both headers stand alone: gcc, clang, g++, glibc and musl, before and behind the kernel's headers" {
	requires clang g++ musl-gcc
	local kernel='#include <linux/if_arp.h>\n#include <linux/if_packet.h>\n#include <linux/filter.h>\n' header compiler
	for header in pcap.h pcapng.h; do
		printf '#include "%s"\n' "$header" > alone.c
		printf "#include \"%s\"\n$kernel" "$header" > before.c
		printf "$kernel#include \"%s\"\n" "$header" > behind.c
		for compiler in "gcc -std=c11" "clang -std=c11" "musl-gcc -std=c11" "g++ -x c++ -std=c++17" "clang++ -x c++ -std=c++17"; do
			[[ $compiler == musl* ]] || $compiler -Wall -Wextra -Wconversion -Wshadow -Werror -Wno-unused-function \
				-I "$BATS_TEST_DIRNAME/.." -fsyntax-only before.c behind.c
			$compiler -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Wno-unused-function \
				-I "$BATS_TEST_DIRNAME/.." -fsyntax-only alone.c
		done
	done
}

@test "what is written is perfect to the last byte, and tshark and capinfos read it" {
	requires tshark capinfos
	write > made.pcapng
	strict.py made.pcapng > theirs
	expect "$(grep -c ^packet theirs)" == 70 "packets"
	compare.py "$BUILD/dump" made.pcapng
	dump made.pcapng > ours
	same theirs ours
	same <(tshark_reads made.pcapng) <(as_tshark ours)
	capinfos made.pcapng > info
	grep -q 'Name = eth0$' info
	grep -q 'Filter string = tcp port 80$' info
	grep -q 'Capture application: rawcap 1.2$' info
	grep -q 'Description = café ??$' info	# bytes that are no UTF-8
}

@test "every order, resolution, offset and kind of block is read as the strict reader does" {
	compare.py "$BUILD/dump" "$BUILD"/good/*
}

@test "a file that arrives in pieces of any size is the same file" {
	local file size
	for file in "$BUILD"/good/{simple,flags,skipped,sections}*; do
		dump "$file" > whole
		for size in 1 3 11 64 1000; do
			dump -p "$size" "$file" > pieces
			same whole pieces
		done
	done
	dump "$BUILD/good/large-big.pcapng" > whole
	dump -p 4096 "$BUILD/good/large-big.pcapng" | cmp - whole
}

@test "a file cut at any byte gives the packets before it, and is called cut" {
	compare.py --cut "$BUILD/dump" "$BUILD"/good/sections-big.pcapng
}

@test "a block that lies ends the file, and the reason is said" {
	local file
	compare.py "$BUILD/dump" "$BUILD"/bad/*[a-z]-little.pcapng "$BUILD"/bad/length-*
	for file in "$BUILD"/bad/*; do
		run -1 dump "$file"
		[[ ${lines[-1]} =~ ^(broken: [a-z]+\ |cut$) ]] || { echo "$file: $output"; return 1; }
	done
}

@test "what editcap, mergecap and reordercap write is read as tshark reads it" {
	requires tshark editcap mergecap reordercap
	python3 "$BATS_TEST_DIRNAME/show/gen.py" made
	editcap -F pcapng made/nano.pcap nano.pcapng
	editcap -F pcapng -a 1:hello -s 60 made/ethernet.pcap edited.pcapng
	mergecap -F pcapng -w merged.pcapng made/raw.pcap made/sll.pcap made/ethernet.pcap
	reordercap merged.pcapng ordered.pcapng
	local file packets=0
	for file in nano edited merged ordered; do
		compare.py "$BUILD/dump" "$file.pcapng"
		dump -w copy.pcapng "$file.pcapng" > ours
		same <(tshark_reads "$file.pcapng") <(as_tshark ours)
		same <(tshark_reads "$file.pcapng") <(tshark_reads copy.pcapng)
		packets=$((packets + $(grep -c ^packet ours)))
	done
	grep -q "^packet 0 .* $(printf hello | xxd -p) " <(dump edited.pcapng)
	expect "$packets" ">" 100 "packets"
}

@test "the files that gopacket's Debian package has, 52 of both orders, are read as the strict reader does" {
	local cache=$BATS_TEST_DIRNAME/../build/pcapng
	mkdir -p "$cache"
	if ! [ -d "$cache/gopacket" ]; then
		(cd "$cache" && apt-get download golang-github-google-gopacket-dev &> /dev/null) || cannot_run "no package to fetch"
		dpkg-deb -x "$cache"/golang-github-google-gopacket-dev_*.deb "$cache/gopacket"
	fi
	# shellcheck disable=SC2046 # no blanks in these names
	run -0 compare.py "$BUILD/dump" $(find "$cache/gopacket" -name '*.pcapng')
	[ "$output" = "52 files, 144 packets" ]
}

# old VERSION MAGIC PYTHON: the file old.pcap, three packets of 60 of 90 bytes; PYTHON may change a
# record's fields sec, usec, first, second, and more, what comes behind them.
old() {
	python3 - "$@" <<- 'END'
		import struct, sys
		major, minor = map(int, sys.argv[1].split('.'))
		for order in '<>':
		    with open('old%s.pcap' % ('-big' if order == '>' else ''), 'wb') as f:
		        f.write(struct.pack(order + 'IHHIIII', int(sys.argv[2], 16), major, minor, 0, 0, 65535, 1))
		        for n in range(3):
		            sec, usec, first, second, more = 1000 + n, n, 60, 90, b''
		            exec(sys.argv[3])
		            f.write(struct.pack(order + '4I', sec, usec, first, second) + more + bytes(12) + b'\x08\x06' + bytes(46))
	END
}

@test "classic files of old are read as tcpdump reads them: 2.0 to 2.3, 543.0, patched" {
	requires tcpdump
	local file swap='first, second = 90, 60'
	while read -r version magic change; do
		old "$version" "$magic" "$change"
		for file in old old-big; do
			tcpdump -r "$file.pcap" -w theirs.pcap 2> /dev/null
			"$RAWCAP" -r "$file.pcap" -w ours.pcap
			cmp <(tail -c +25 theirs.pcap) <(tail -c +25 ours.pcap)
			expect "$(pcapread ours.pcap | grep -c ' 60 90 ')" == 3 "packets in $version $magic"
		done
	done <<- END
		2.0 a1b2c3d4 $swap
		2.2 a1b2c3d4 $swap
		2.3 a1b2c3d4 $swap
		2.3 a1b2c3d4 pass
		2.4 a1b2c3d4 pass
		543.0 a1b2c3d4 $swap
		2.4 a1b2cd34 more = bytes(8)
	END
}

@test "a fraction of a second or more counts as seconds" {
	old 2.4 a1b2c3d4 'usec = [1000000, 5000000, 4294967295][n]'
	run -0 "$RAWCAP" -tt -r old.pcap
	[[ ${lines[0]} == 1001.000000\ * && ${lines[1]} == 1006.000000\ * && ${lines[2]} == 5296.967295\ * ]]
	old 2.4 a1b23c4d 'sec, usec = 2**32 - 1, [999999999, 1000000000, 4294967295][n]'
	run -0 "$RAWCAP" -tt --nano -r old.pcap
	expect "$(grep -c '^4294967295\.999999' <<< "$output")" == 3 "packets in the last second there is"
}

@test "what the header says of frame check sequences is written again" {
	old 2.4 a1b2c3d4 pass
	printf '\1\0\0\x24' | dd of=old.pcap bs=1 seek=20 conv=notrunc status=none
	"$RAWCAP" -r old.pcap -w ours.pcap
	[ "$(xxd -s 20 -l 4 -p ours.pcap)" = 01000024 ]
}

@test "compressed files are refused with the command to use" {
	old 2.4 a1b2c3d4 pass
	local row
	for row in '1f8b gunzip' 'fd377a585a00 xz' '28b52ffd zstd' '425a68 bzip2' '04224d18 lz4'; do
		{ xxd -r -p <<< "${row% *}"; cat old.pcap; } > packed
		run -1 "$RAWCAP" -r packed
		[[ $output == *"${row#* } -"*"c FILE | rawcap -r -"* ]]
	done
}

@test "the names and descriptions of link types are libpcap's" {
	[ -e /usr/include/pcap/pcap.h ] || cannot_run "no libpcap-dev"
	cat > names.c <<- 'END'
		#include <pcap/pcap.h>
		#include "pcap.h"
		#include <stdio.h>
		int main(void)
		{
			for (unsigned i = 0; i < PCAP_LINKTYPES; i++) {
				int dlt = pcap_datalink_name_to_val(pcap_linktypes[i].name);
				if (dlt < 0 || strcmp(pcap_datalink_val_to_description(dlt), pcap_linktypes[i].description))
					printf("%s\n", pcap_linktypes[i].name);
				if (pcap_linktype_named(pcap_linktypes[i].name) != pcap_linktypes[i].linktype)
					printf("%s\n", pcap_linktypes[i].name);
			}
			return pcap_linktype_named("linux-sll2") != 276 || pcap_linktype_named("raw ") != -1 || pcap_linktype_named("") != -1;
		}
	END
	gcc -iquote "$BATS_TEST_DIRNAME/.." -o names names.c -lpcap
	run -0 ./names
	[ -z "$output" ]
}
