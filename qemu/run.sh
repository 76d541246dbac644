#!/bin/bash
# shellcheck disable=SC2154	# the architecture's file sets variables
# Runs rawcap in a machine of its own: a Debian kernel, booted in QEMU by software emulation, with an
# initramfs that holds BusyBox and rawcap.
#
#   run.sh [ARCH...]           runs the scenarios (scenarios/); without ARCH, on every machine that
#                              has a kernel of Debian's
#   run.sh --shell [ARCH]      the guest's shell on this terminal, to try things by hand
#   run.sh --rescue            rawcap behind an initramfs of Debian's own, on x86_64 (rescue.py)
#   run.sh --openwrt           rawcap over SSH from a router with 64 MB and 8 MB of flash, on x86_64 (openwrt/)
#   run.sh --small [i386|mips] rawcap in a machine of 32 MB, and what memory it takes (small.py)
#   run.sh --kernel SUITE ...  any of these with the kernel of another suite of Debian's than this machine's
#                              release: bullseye, bookworm-backports, trixie-backports, sid
#
# An architecture is a file in arch/, a machine if it names a kernel. What is downloaded or built
# stays in build/qemu. RAWCAP: the program to test, if not dist/rawcap-ARCH.
# Exit status: 0 every scenario passed, 1 not, 2 nothing to test, 77 this machine cannot run them.
set -euo pipefail
export LC_ALL=C

qemu=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$qemu")
# shellcheck source=/dev/null
. "$qemu/apt.sh"
# shellcheck source=/dev/null
. "$qemu/kernel.sh"
# shellcheck source=/dev/null
. "$qemu/openwrt/build.sh"

cannot_run() {
	echo "qemu: cannot run: $*" >&2
	exit 77
}

# Installs what is missing. Where that cannot be done, what is missing is named.
install_packages() {
	command -v apt-get > /dev/null || cannot_run "this needs a Debian machine, for its kernels and apt-get"
	printf '%s\n' "${packages[@]}" > "$build/packages"
	SUDO="sudo -n" sh "$top/test/install.sh" "$qemu/packages" "$build/packages" || cannot_run "packages are missing"
}

# download FOLDER COMMAND FROM PACKAGE: runs the command in the new folder, which is kept if it succeeds; if
# not, once more with fresh lists. FROM is what apt_for takes.
download() {
	local folder=$1
	[ ! -e "$folder/complete" ] || return 0
	rm -rf "$folder"
	mkdir -p "$folder"
	cd "$folder"
	shift
	if ! "$@" > apt.log 2>&1; then
		rm -rf "$top/build/apt/${2/:/-}/lists"
		"$@" >> apt.log 2>&1 || { cat apt.log >&2; cannot_run "cannot download ${*: -1}"; }
	fi
	touch complete
	cd "$top"
}

# get_kernel FROM PACKAGE: the kernel is unpacked as far as the guest needs it, not installed. The package that
# moves with the kernel's version is the one that PACKAGE depends on; from Linux 7 on it depends on those that
# hold its parts, the modules are packed, and the image lies beside them.
get_kernel() {
	local version parts=() file
	version=$(apt_for "$1" apt-cache depends "$2" | sed -n 's/^ *Depends: linux-image-\([0-9].*\)/\1/p')
	[ -n "$version" ] || return 1
	mapfile -t parts < <(apt_for "$1" apt-cache depends "linux-image-$version" |
		sed -n "s/^ *Depends: \(linux-.*-$version\)$/\1/p")
	apt_for "$1" apt-get download "linux-image-$version" "${parts[@]}" || return 1
	for file in *.deb; do
		dpkg-deb --fsys-tarfile "$file" | tar -x --transform 's,^\./usr/,./,' --wildcards \
			'*/vmlinu*' '*/lib/modules/*/modules.*' \
			'*/lib/modules/*/kernel/'{arch,crypto,lib,net,drivers/{char,net,virtio}} || true
	done
	find lib -name '*.ko.xz' -exec unxz {} +
	file=$(find . -name 'vmlinu*')
	unpack_image "$file" image || return 1
	rm -r ./*.deb "$file"
}

# An architecture's file may have a better one.
unpack_image() { cp "$1" "$2"; }

# get_busybox FROM PACKAGE
get_busybox() {
	apt_for "$1" apt-get download "$2" || return 1
	dpkg-deb -x ./*.deb . || return 1
	rm ./*.deb
}

# module_files NAME...: the files of these modules and of all that they need, for the list `files`.
# Each names in .modinfo what it needs; what has no file is built into this kernel.
module_files() {
	local name file
	for name; do
		file=$(cd "$kernel" && find lib -name "${name//_/[-_]}.ko")
		if [ -z "$file" ]; then
			grep -q "/${name//_/[-_]}.ko" "$kernel"/lib/modules/*/modules.builtin ||
				echo "qemu: this kernel has no module $name" >&2
			continue
		fi
		[[ " ${files[*]} " != *" $file "* ]] || continue
		files+=("$file")
		# shellcheck disable=SC2046	# a list of names
		module_files $(grep -aoz 'depends=[[:print:]]*' "$kernel/$file" |
			tr '\0' '\n' | sed -n 's/^depends=//p' | tr , ' ')
	done
}

# copy_modules NAME...: these and the drivers.
copy_modules() {
	local files=() version
	module_files "${drivers[@]}" "$@"
	version=$(basename "$kernel"/lib/modules/*)
	mkdir -p "$root/lib/modules/$version"
	[ ${#files[@]} = 0 ] || (cd "$kernel" && cp --parents "${files[@]}" "$root")
	cp "$kernel"/lib/modules/*/modules.{order,builtin} "$root/lib/modules/$version"
	busybox depmod -b "$root" "$version"
}

# What BusyBox lacks: frames sent byte by byte, interfaces that a process must hold.
copy_helpers() {
	local source
	for source in "$top"/test/tools/{send,tun}.c "$qemu"/{can,ppp,calls}.c; do
		"${guest_cc[@]}" -static -Os -s -o "$root/bin/$(basename "$source" .c)" "$source" 2> "$build/cc.log" ||
			{ cat "$build/cc.log" >&2; return 1; }
	done
}

# A file of 32 bits for a kernel of 64, if there is one that it runs: in /short of the guest.
copy_short() {
	[ -n "${short-}" ] || return 0
	mkdir "$root/short"
	# shellcheck source=/dev/null
	(. "$qemu/arch/$short"; "${guest_cc[@]}" -static -Os -s -o "$root/short/calls" "$qemu/calls.c")
	cp "$top/dist/rawcap-$short" "$root/short/rawcap"
}

# base_root ROOT BUSYBOX MODULE...: what boots and does what the host says, with these modules besides the
# drivers.
base_root() {
	local root=$1 busybox=$2
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,proc,sys,tmp}
	cp "$busybox/bin/busybox" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	cp "$qemu/init" "$root/init"
	cp "$qemu/guest.sh" "$root/guest.sh"
	printf '%s\n' "${drivers[@]}" > "$root/drivers"
	chmod 755 "$root/init"
	copy_modules "${@:3}"
	"${TEST_CC:-cc}" -O2 -o "$build/pcapread" "$top/test/tools/pcapread.c"
}

pack_root() { (cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) > "$2"; }

# rawcap comes in an archive of its own behind the other, as make cpio writes it.
build_initramfs() {
	local root=$build/root names
	mapfile -t names < "$qemu/modules"
	base_root "$root" "$shared/busybox" "${names[@]}"
	copy_helpers
	copy_short
	pack_root "$root" "$build/initramfs.gz"
	"$qemu/archive.sh" "${RAWCAP:-$top/dist/rawcap-$arch}" "$build/rawcap.cpio"
	truncate -s %4 "$build/initramfs.gz"	# an archive begins at a multiple of 4
	cat "$build/rawcap.cpio" >> "$build/initramfs.gz"
}

# BusyBox and rawcap alone.
build_small() {
	base_root "$build/small" "$shared/busybox"
	cp "${RAWCAP:-$top/dist/rawcap-$arch}" "$build/small/bin/rawcap"
	pack_root "$build/small" "$build/small.gz"
}

# Debian's own initramfs with rawcap's archive behind it. mkinitramfs looks for modules and the kernel's
# configuration in their usual places alone, so it is shown a file system in which they are there.
build_rescue() {
	local version
	version=$(basename "$kernel"/lib/modules/*)
	[ "$(id -u)" = 0 ] || cannot_run "mkinitramfs needs root"
	echo initramfs-tools-core > "$build/packages"
	SUDO="sudo -n" sh "$top/test/install.sh" "$build/packages" || cannot_run "no initramfs-tools"
	mkdir -p /lib/modules
	# shellcheck disable=SC2016	# the inner shell expands it
	unshare -m sh -ec 'mount --bind "$0" /lib/modules
		mount -t tmpfs none /boot
		echo CONFIG_RD_GZIP=y > "/boot/config-$1"
		depmod -a "$1"
		mkinitramfs -c gzip -o "$2" "$1"' \
		"$kernel/lib/modules" "$version" "$build/rescue.initrd" 2> "$build/mkinitramfs.log" ||
		{ cat "$build/mkinitramfs.log" >&2; return 1; }
	"$qemu/archive.sh" "${RAWCAP:-$top/dist/rawcap-$arch}" "$build/rawcap.cpio"
	truncate -s %4 "$build/rescue.initrd"
	cat "$build/rawcap.cpio" >> "$build/rescue.initrd"
	"${TEST_CC:-cc}" -O2 -o "$build/pcapread" "$top/test/tools/pcapread.c"
}

# A network namespace, as root or as the root of a user namespace; it ends with what runs in it.
in_namespace() {
	local flags=(-n)
	[ "$(id -u)" = 0 ] || flags=(-U -r -n)
	unshare "${flags[@]}" true 2> /dev/null || cannot_run "no right to make a network namespace"
	[ -w /dev/net/tun ] || cannot_run "no right to use /dev/net/tun"
	unshare "${flags[@]}" "$@"
}

# make_own FOLDER COMMAND SETTINGS...: as download, for what kernel.sh builds, and again with other settings.
make_own() {
	[ ! -e "$1/complete" ] || [ -n "$(find "${@:3}" -newer "$1/complete")" ] || return 0
	echo "qemu: building ${1##*/} for $arch, see ${1#"$top"/}/log" >&2
	rm -rf "$1"
	mkdir -p "$1"
	cd "$1"
	"${@:2}" > log 2>&1
	cd "$top"
	touch "$1/complete"	# the command may have gone elsewhere
}

# run MODE ARCH
run() {
	local mode=$1 arch=$2 build=$top/build/qemu/$2${suite:+-$suite} shared kernel
	# shellcheck source=/dev/null
	. "$qemu/arch/$arch"
	[ "$mode" != small ] || small
	[ -n "${machine-}" ] || { echo "qemu: $arch: no machine in qemu/arch/$arch" >&2; exit 2; }
	[ -z "$suite" ] || [ -n "${debian-}" ] || { echo "qemu: $arch: its kernel is none of Debian's" >&2; exit 2; }
	shared=$top/build/qemu/${debian:+debian-}${debian:-own-$arch}
	kernel=$shared/kernel${suite:+-$suite}
	mkdir -p "$build" "$shared"
	exec 9> "$shared/lock"
	# one at a time: they share what they build
	flock -n 9 || { echo "qemu: waiting for another run to end" >&2; flock 9; }
	install_packages
	[ -n "${BUILT-}" ] || build_rawcap "$arch" > /dev/null
	if [ -n "${debian-}" ]; then
		download "$kernel" get_kernel "$debian${suite:+:$suite}" "$kernel_package"
		download "$shared/busybox" get_busybox "$debian" busybox-static
	else
		SUDO="sudo -n" sh "$top/test/install.sh" "$qemu/packages.kernel" || cannot_run "packages are missing"
		own_compiler
		[ -n "${kernel_options-}" ] || kernel_options=(common "$arch")
		make_own "$kernel" build_kernel "${kernel_options[@]/#/$qemu/kernel/}"
		make_own "$shared/busybox" build_busybox "$qemu/kernel/busybox"
	fi
	case $mode in
	rescue) build_rescue ;;
	openwrt) build_openwrt ;;
	small) build_small ;;
	*) build_initramfs ;;
	esac
	in_namespace "$qemu/boot.sh" "$mode" "$arch" "$build" "$kernel/image"
}

# build_rawcap ARCH...: for these, and for what else their kernels run.
build_rawcap() {
	local arch archs=("$@")
	for arch; do
		# shellcheck disable=SC2207,SC1090	# one word or none
		archs+=($(. "$qemu/arch/$arch"; echo "${short-}"))
	done
	"$qemu/dist.sh" "${archs[@]}"
}

# Those whose files name a kernel.
machines() {
	local file
	for file in "$qemu"/arch/*; do
		# shellcheck source=/dev/null
		(. "$file"; [ -z "${kernel_package-}" ] || echo "${file##*/}")
	done
}

# Several machines, two at a time; the output of each in one piece.
run_all() {
	local options=(${suite:+--kernel "$suite"})
	mkdir -p "$top/build/qemu"
	build_rawcap "$@"
	# shellcheck disable=SC2016	# the inner shell expands it
	printf '%s\n' "$@" | BUILT=yes xargs -P "${JOBS:-2}" -I ARCH sh -c 'log=$1; shift
		"$0" "$@" > "$log" 2>&1; status=$?; cat "$log"; exit $status' \
		"$qemu/run.sh" "$top/build/qemu/ARCH${suite:+-$suite}.log" "${options[@]}" ARCH
}

main() {
	local mode=test suite='' arch
	[ "${1-}" != --kernel ] || { suite=${2:?a suite of Debian}; shift 2; }
	case ${1-} in
	--shell | --rescue | --openwrt) mode=${1#--}; shift; set -- "${1:-x86_64}" ;;
	--small) mode=small; shift; set -- "${1:-i386}" ;;
	esac
	for arch; do
		[ -e "$qemu/arch/$arch" ] || { echo "qemu: $arch: not an architecture in qemu/arch" >&2; exit 2; }
	done
	case $# in
	0) mapfile -t archs < <(machines); run_all "${archs[@]}" ;;
	1) run "$mode" "$1" ;;
	*) run_all "$@" ;;
	esac
}

main "$@"
