#!/bin/bash
# shellcheck disable=SC2154	# the architecture's file sets variables
# dist.sh [--cpio] [ARCH...]: rawcap for each architecture in arch/, as dist/rawcap-ARCH (or in the
# folder $DIST), with SHA256SUMS; without ARCH the source, too, as rawcap-VERSION.tar.gz. --cpio: and
# as rawcap-ARCH.cpio, with /bin/rawcap in it, to stand behind any initramfs. Prints a line with the
# bytes of each. Installs the compilers. The C library, where the compiler's package
# has none, is what rawcap needs of musl, built from Debian's source in build/musl.
set -euo pipefail
export LC_ALL=C TZ=UTC
unset MAKEFLAGS MFLAGS MAKEOVERRIDES	# musl's make has an ARCH of its own

qemu=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$qemu")
dist=${DIST:-$top/dist}
# shellcheck source=/dev/null
. "$qemu/apt.sh"

# What rawcap calls, and what that calls in turn.
FUNCTIONS='string/mem* string/str* ctype/is* internal/* unistd/* fcntl/* setjmp/* env/* exit/* errno/*
	network/bind network/socket network/recv* network/send* network/getsock* network/setsock*
	thread/__* thread/atomics thread/default_attr misc/syscall misc/getauxval
	misc/ioctl misc/getrlimit conf/sysconf linux/ppoll linux/sysinfo mman/m* time/clock_gettime
	time/timespec_get'

each_arch() {	# COMMAND...: in a shell of its own, with the variables of $arch
	local arch
	for arch in "${archs[@]}"; do
		[ -e "$qemu/arch/$arch" ] || { echo "dist: $arch: not in qemu/arch" >&2; return 1; }
		# shellcheck source=/dev/null
		(. "$qemu/arch/$arch"; "$@")
	done
}

name_compiler() { echo "$compiler"; }

fetch_musl() {
	local folder=$top/build/musl
	[ ! -e "$folder/source/configure" ] || return 0
	rm -rf "$folder"
	mkdir -p "$folder/source"
	(cd "$folder" && apt_for source apt-get -q source --download-only musl > apt.log 2>&1) ||
		{ cat "$folder/apt.log" >&2; return 1; }
	tar -xz --strip-components=1 -C "$folder/source" -f "$folder"/musl_*.orig.tar.gz
}

# musl's parts that rawcap is linked with, in build/musl/ARCH-FLAGS.
build_musl() {
	local source=$top/build/musl/source folder=$1 common=() special=() function
	[ -n "$(find "$qemu/support.c" "$qemu/dist.sh" -newer "$folder/complete" 2> /dev/null || echo new)" ] || return 0
	for function in $FUNCTIONS; do
		common+=("$source/src/$function.c")
		special+=("$source/src/${function%/*}/\$(ARCH)/${function##*/}.[csS]")
	done
	rm -rf "$folder"
	mkdir -p "$folder"
	cd "$folder"
	trap 'tail -n 3 log >&2; echo "dist: no C library for $arch, see build/musl/$arch/log" >&2' EXIT
	{
		"$source/configure" --target="${cross%-}" --prefix="$folder" --disable-shared --disable-wrapper \
			CC="${cross}gcc -fno-pie ${cflags[*]}" AR="${cross}ar" RANLIB="${cross}ranlib" \
			CFLAGS="-Os -fno-stack-protector" LIBCC=-lgcc
		make -j "$(nproc)" srcdir="$source" BASE_GLOBS="${common[*]} $source/crt/*.c" \
			ARCH_GLOBS="${special[*]} $source/crt/\$(ARCH)/*.[csS]" \
			lib/libc.a lib/crt1.o install-headers
		"${cross}gcc" -fno-pie "${cflags[@]}" -isystem include -Os -ffunction-sections -fno-stack-protector \
			-fno-unwind-tables -fno-asynchronous-unwind-tables -c -o support.o "$qemu/support.c"
		"${cross}ld" -r -o lib/crt.o lib/crt1.o support.o
		mv lib/crt.o lib/crt1.o
		touch complete
	} > log 2>&1
	trap - EXIT
	cd "$top"
}

build() {
	local musl settings=() ldflags=('-Wl,--fatal-warnings') cross
	if [[ $compiler == gcc-* ]]; then	# not musl-tools, which is all that a PC needs
		cross=${compiler#gcc-}-
		musl=$top/build/musl/$arch
		build_musl "$musl"
		settings=(CROSS_COMPILE="$cross" CC="${cross}gcc -isystem $musl/include -L$musl/lib")
		ldflags+=(-nostartfiles -l:crt1.o)	# the compiler's own are for an FPU; main needs no constructors
		settings+=(CFLAGS="-Os ${cflags[*]} ${rawcap_cflags[*]-}")
	fi
	rm -f "$dist/rawcap-$arch" "$dist/rawcap-$arch.cpio"
	make --no-print-directory -s -C "$top" PROGRAM="$dist/rawcap-$arch" \
		"${settings[@]}" LDFLAGS="${ldflags[*]}" "$dist/rawcap-$arch"
}

archive() { "$qemu/archive.sh" "$dist/rawcap-$arch" "$dist/rawcap-$arch.cpio"; }

# The source as it was last committed: the same bytes from each clone.
archive_source() {
	local version
	version=$(sed -n 's/^#define VERSION "\(.*\)"/\1/p' "$top/rawcap.c")
	rm -f "$dist"/rawcap-*.tar.gz
	[ -e "$top/.git" ] || return 0	# this is such an archive, unpacked
	if ! git -C "$top" diff --quiet HEAD; then
		echo "dist: no archive of the source: it has changes that are not committed" >&2
		return 0
	fi
	git -C "$top" archive --prefix="rawcap-$version/" HEAD | gzip -9n > "$dist/rawcap-$version.tar.gz"
}

name_file() { echo "rawcap-$arch"; }

main() {
	local cpio='' archs files
	[ "${1-}" != --cpio ] || { cpio=yes; shift; }
	archs=("$@")
	[ $# -gt 0 ] || mapfile -t archs < <(cd "$qemu/arch" && ls)
	mkdir -p "$dist" "$top/build"
	each_arch name_compiler > "$top/build/compilers"
	SUDO="sudo -n" sh "$top/test/install.sh" "$qemu/packages.dist" "$top/build/compilers"
	fetch_musl
	each_arch build
	[ -z "$cpio" ] || each_arch archive
	[ $# -gt 0 ] || archive_source
	mapfile -t files < <(each_arch name_file)
	cd "$dist"
	sha256sum rawcap-* > SHA256SUMS
	stat -c '%n %s' "${files[@]}" | sed 's/^rawcap-//' | paste -s -d , | sed 's/,/, /g; s/$/ bytes/'
}

main "$@"
