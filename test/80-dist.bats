#!/usr/bin/env bats
# What `make dist` builds: a file for each architecture in qemu/arch, run here by qemu-user. That passes
# no packet socket's option on to the kernel, so there is no ring, and no promiscuous mode, times or
# statistics; all of that is tested where a kernel is booted (90-qemu.bats).
export BATS_TEST_TIMEOUT=600	# seconds: the first run downloads a C library's source and builds it
load helpers

QEMU=$BATS_TEST_DIRNAME/../qemu
DIST=$BATS_TEST_DIRNAME/../dist
BIG_ENDIAN=" mips mips64 powerpc s390x "

setup_file() {
	local sizes
	command -v apt-get > /dev/null || { echo "no apt-get, so no compilers" > "$BATS_FILE_TMPDIR/why"; return; }
	if ! sizes=$("$QEMU/dist.sh" 2> "$BATS_FILE_TMPDIR/log"); then
		mv "$BATS_FILE_TMPDIR/log" "$BATS_FILE_TMPDIR/why"
		return
	fi
	echo "# $sizes" >&3
}

prepare() {
	[ ! -e "$BATS_FILE_TMPDIR/why" ] || cannot_run "$(tail -n 3 "$BATS_FILE_TMPDIR/why")"
}

# variable NAME FILE: of an architecture's file.
variable() {
	# shellcheck disable=SC2016,SC2034	# the inner shell expands it; the files use these
	qemu=$QEMU top=$QEMU/.. bash -uc '. "$1"; echo "${!0}"' "$@"
}

# each COMMAND...: for every architecture: $arch, $RAWCAP, and $launcher, which runs that.
each() {
	local file user
	for file in "$QEMU"/arch/*; do
		arch=${file##*/}
		user=$(variable user "$file")
		RAWCAP=$DIST/rawcap-$arch
		launcher=("qemu-$user-static")
		echo "$arch:"
		"$@"	# not behind a || or an if: each line of it must succeed
	done
	expect "${#launcher[@]}" == 1 "architectures to be there"
}

size() { stat -c %s "$1"; }

rebuilt() { DIST=$BATS_TEST_TMPDIR/again "$QEMU/dist.sh" "$@" > /dev/null; }

# --- the files ---

@test "two builds have the same bytes, and SHA256SUMS has their sums" {
	(cd "$DIST" && sha256sum --quiet -c SHA256SUMS)
	expect "$(wc -l < "$DIST/SHA256SUMS")" ">=" "$(find "$QEMU/arch" -type f | wc -l)" "sums"
	rebuilt
	grep -v cpio "$DIST/SHA256SUMS" | (cd "$BATS_TEST_TMPDIR/again" && sha256sum --quiet -c -)
}

not_fat() { expect "$(size "$RAWCAP") * 10" "<=" "$(size "$DIST/rawcap-x86_64") * 16" "bytes of $arch"; }

@test "no file is more than 1.6 times as large as x86-64's" { each not_fat; }

# Instructions that only an FPU has, in a file with its symbols: without them code and data look alike.
fpu_instructions() {
	case $1 in
	mips*) "$2objdump" -d "$3" | grep -cwE '[ls][wd]x?c1|m[tf]h?c1|dm[tf]c1|c[tf]c1|[a-z]+\.[sd](\.[swdl])?|bc1[tf]l?' ;;
	arm*) "$2objdump" -d "$3" | grep -cwE 'v(ldr|str|mov|add|sub|mul|div|cvt|cmp|ldm|stm|push|pop|mrs|msr)[a-z0-9.]*|f(ld|st|cpy|add|sub|mul|div|mr|ms|sit|uit|to)[a-z]+|ldf[a-z]*|stf[a-z]*|(ldc|stc|mrc|mcr|cdp)[a-z0-9]*[[:space:]]+(1|2|10|11),' ;;
	esac || true
}

without_fpu() {
	local cross compiler
	case $arch in mips* | armv5) ;; *) return 0 ;; esac
	compiler=$(variable compiler "$QEMU/arch/$arch")
	cross=${compiler#gcc-}-
	STRIP=true rebuilt "$arch"
	expect "$(fpu_instructions "$arch" "$cross" "$BATS_TEST_TMPDIR/again/rawcap-$arch")" == 0 "FPU instructions"
	"${cross}strip" -s -R .comment "$BATS_TEST_TMPDIR/again/rawcap-$arch"
	cmp "$BATS_TEST_TMPDIR/again/rawcap-$arch" "$RAWCAP"	# it is the file that was looked at
	# the eyes are open: with an FPU there are some
	echo 'double f(double a, double b) { return a * b + 1; }' |
		"${cross}gcc" -O1 -mhard-float -mfpu=vfp -c -x c -o "$BATS_TEST_TMPDIR/fpu.o" - 2> /dev/null ||
		echo 'double f(double a, double b) { return a * b + 1; }' |
		"${cross}gcc" -O1 -mhard-float -c -x c -o "$BATS_TEST_TMPDIR/fpu.o" -
	expect "$(fpu_instructions "$arch" "$cross" "$BATS_TEST_TMPDIR/fpu.o")" ">" 0 "FPU instructions in a program with some"
}

@test "MIPS and ARMv5 files have no FPU instruction" { each without_fpu; }

# --- the command line ---

interfaces() { sed 's/^[0-9]*\.//; s/, \(Connected\|Disconnected\)//' | sort; }

answers() {
	local status=0
	"${launcher[@]}" "$RAWCAP" -h > "$BATS_TEST_TMPDIR/help"
	cmp "$BATS_TEST_TMPDIR/help" <("$DIST/rawcap-x86_64" -h)
	# qemu-user has no ethtool: nobody knows there whether a card is connected
	"${launcher[@]}" "$RAWCAP" -D | interfaces > "$BATS_TEST_TMPDIR/list"
	cmp "$BATS_TEST_TMPDIR/list" <("$DIST/rawcap-x86_64" -D | interfaces)
	"${launcher[@]}" "$RAWCAP" -c 0 lo > "$BATS_TEST_TMPDIR/none" 2> "$BATS_TEST_TMPDIR/usage" || status=$?
	expect "$status" == 2 "exit status"
	[ "$(cat "$BATS_TEST_TMPDIR/usage")" = "rawcap: 0: -c takes a number from 1 to 18446744073709551615" ]
	status=0
	"${launcher[@]}" "$RAWCAP" nosuch0 > "$BATS_TEST_TMPDIR/none" 2> "$BATS_TEST_TMPDIR/usage" || status=$?
	expect "$status" == 1 "exit status"
	grep -q '^rawcap: nosuch0: no such interface' "$BATS_TEST_TMPDIR/usage"
}

@test "help, list, usage and errors are the same on every architecture" { each answers; }

# --- captures ---

captures() {
	local small=(-s 60:1514 -c 200)
	start one -v va
	ns send "${small[@]}" vb
	wait_until has_records one 200
	stop one INT
	expect "$status" == 0 "exit status"
	ns send -p "${small[@]}" vb | as_frames 2048 > "$BATS_TEST_TMPDIR/sent"
	frames one | same "$BATS_TEST_TMPDIR/sent" /dev/stdin
	says "200 packets captured"
	says "timestamps: the clock's, not the kernel's"
	says "drops unknown"
	[ "$(tcpdump -nn --count -r "$(pcap one)" 2> /dev/null)" = "200 packets" ]
	[ "$(head -c 4 "$(pcap one)" | od -A n -t x1)" = "$(magic)" ]
	local age=$(($(date +%s) - $(pcapread "$(pcap one)" | tail -n 1 | cut -d . -f 1)))
	expect "$age" "<" 100 "seconds of age"
	expect "$age" ">=" 0 "seconds of age"
}

# As the machine writes a1b2c3d4.
magic() {
	case $BIG_ENDIAN in
	*" $arch "*) echo " a1 b2 c3 d4" ;;
	*) echo " d4 c3 b2 a1" ;;
	esac
}

@test "200 frames come byte for byte, readable here, with the clock's time where the kernel gives none" {
	network
	each captures
}

cuts() {
	start one --nano -s 100 -c 3 any
	ns send -s 200 -c 3 vb
	finish one
	expect "$status" == 0 "exit status"
	[ "$(pcapread "$(pcap one)" | head -n 1 | cut -d ' ' -f 3-)" = "nsec snaplen 100 linktype 276" ]
	[ "$(frames one | cut -d ' ' -f 1 | sort -u)" = 100 ]
}

@test "what is cut, cooked, counted and in nanoseconds is so on every architecture" {
	network
	each cuts
}

heeds() {
	launcher=(launch -i 1 "${launcher[@]}")	# 1: HUP, everywhere
	start one va
	ns send -c 5 vb
	wait_until has_records one 5	# what USR1 counts is what has been read
	kill -HUP "${pid[one]}"
	kill -USR1 "${pid[one]}"
	wait_until grep -q '^5 packets captured' "$BATS_TEST_TMPDIR/one.err"
	ns send -c 5 vb
	wait_until has_records one 10	# the kernel's counts, by which the end waits for them, are missing here
	stop one TERM
	expect "$status" == 0 "exit status"
	expect "$(records one)" == 10 "records"
	launcher=("${launcher[@]:3}")
}

@test "signals have the machine's numbers, and one that was ignored at the start stays so" {
	network
	each heeds
}

# --- filters ---

compiles() {
	local expression
	while read -r expression; do
		"${launcher[@]}" "$RAWCAP" -ddd "$expression" || echo "exit $?"
	done < "$BATS_TEST_TMPDIR/expressions" &> "$BATS_TEST_TMPDIR/$arch"
	same "$BATS_TEST_TMPDIR/x86_64" "$BATS_TEST_TMPDIR/$arch"
}

@test "a filter is the same program on every architecture" {
	cat > "$BATS_TEST_TMPDIR/expressions" <<- 'END'
		tcp port 80 and not host 10.0.0.1
		ip6 net 2001:db8::/33 or arp
		vlan 5 and (udp portrange 1000-2000 or icmp)
		ether host 02:00:00:00:00:0a and greater 100
		ip[2:2] - ((ip[0] & 0xf) << 2) != 0xfffffff0
		tcp[tcpflags] & (tcp-syn|tcp-fin) != 0
		net 192.168.0.0 mask 255.255.255.128
		host
		tcp port 99999
	END
	arch=x86_64 RAWCAP=$DIST/rawcap-x86_64
	compiles
	expect "$(wc -l < "$BATS_TEST_TMPDIR/x86_64")" ">" 60 "instructions"
	each compiles
}

filters() {
	start one va ether proto 0x88b5 and greater 100
	ns send -c 20 -s 90:109 vb
	wait_until has_records one 10
	stop one INT
	expect "$(records one)" == 10 "records"
}

@test "the kernel runs the filter of every architecture" {
	network
	each filters
}

# --- as an OpenWrt package ---

@test "the OpenWrt package builds with a cross compiler and a MIPS router's flags, and compiles the same filters" {
	local musl=$QEMU/../build/musl/mips
	make -s -C "$BATS_TEST_DIRNAME/examples/openwrt/rawcap" install \
		"TOPDIR=$BATS_TEST_DIRNAME/openwrt" "WORK=$BATS_TEST_TMPDIR" TARGET_CROSS=mips-linux-gnu- \
		"TARGET_CC=mips-linux-gnu-gcc -isystem $musl/include -L$musl/lib -nostartfiles -l:crt1.o" \
		TARGET_CFLAGS='-Os -pipe -mips32r2 -mtune=24kc -msoft-float -mno-abicalls -mips16 -minterlink-mips16'
	RAWCAP=$BATS_TEST_TMPDIR/bin/rawcap/usr/bin/rawcap
	qemu-mips-static "$RAWCAP" -ddd 'tcp port 80 and not net 10.0.0.0/8' > "$BATS_TEST_TMPDIR/program"
	cmp "$BATS_TEST_TMPDIR/program" <("$DIST/rawcap-x86_64" -ddd 'tcp port 80 and not net 10.0.0.0/8')
}
