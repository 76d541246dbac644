#!/bin/bash
# shellcheck disable=SC2154	# the architecture's file sets variables
# Runs rawcap in a machine of its own: a Debian kernel, booted in QEMU by software emulation, with an
# initramfs that holds BusyBox and rawcap.
#
#   run.sh [ARCH]              runs the scenarios (scenarios.py); x86_64 by default
#   run.sh --shell [ARCH]      the guest's shell on this terminal, to try things by hand
#   run.sh --install           only installs the packages that this needs (the file packages)
#
# An architecture is a file in arch/. What is downloaded or built stays in build/qemu/ARCH.
# Exit status: 0 every scenario passed, 1 not, 2 nothing to test, 77 this machine cannot run them.
set -euo pipefail
export LC_ALL=C

qemu=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(dirname "$qemu")
: "${RAWCAP:=$top/rawcap}"	# the program to test, built for ARCH
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)

cannot_run() {
	echo "qemu: cannot run: $*" >&2
	exit 77
}

# Installs what is missing. Where that cannot be done, what is missing is named.
install_packages() {
	command -v apt-get > /dev/null || cannot_run "this needs a Debian machine, for its kernels and apt-get"
	SUDO="sudo -n" sh "$top/test/install.sh" "$qemu/packages" || cannot_run "packages are missing"
}

# An apt command; once more with fresh lists where the old ones do not serve. Says nothing if it works.
with_fresh_lists() {
	local log=$top/build/qemu/apt.log
	mkdir -p "$top/build/qemu"
	"$@" > "$log" 2>&1 && return
	"${as_root[@]}" apt-get update >> "$log" 2>&1 || true
	"$@" >> "$log" 2>&1 || { cat "$log" >&2; return 1; }
}

# The kernel: its package is downloaded and unpacked as far as the guest needs it, not installed.
fetch_kernel() {
	[ ! -e "$build/kernel/complete" ] || return 0
	rm -rf "$build/kernel"
	mkdir -p "$build/kernel"
	cd "$build/kernel"
	with_fresh_lists download_kernel || cannot_run "cannot download a kernel ($kernel_package)"
	dpkg-deb --fsys-tarfile ./*.deb |
		tar -x --wildcards './boot/vmlinuz-*' './lib/modules/*/modules.*' \
			'./lib/modules/*/kernel/'{arch,crypto,lib,net,drivers/{char,net,virtio}}
	unpack_image boot/vmlinuz-* image
	rm -r ./*.deb boot
	touch complete
	cd "$top"
}

# The package that moves with the kernel's version is the one that the package named here depends on.
download_kernel() {
	local package
	package=$(apt-cache depends "$kernel_package" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
	[ -n "$package" ] && apt-get download "$package"
}

# module_files NAME...: the files of these modules and of all that they need, for the list `files`.
# Each names in .modinfo what it needs; what has no file is built into this kernel.
module_files() {
	local name file
	for name; do
		file=$(cd "$build/kernel" && find lib -name "${name//_/[-_]}.ko")
		if [ -z "$file" ]; then
			grep -q "/${name//_/[-_]}.ko" "$build"/kernel/lib/modules/*/modules.builtin ||
				echo "qemu: this kernel has no module $name" >&2
			continue
		fi
		[[ " ${files[*]} " != *" $file "* ]] || continue
		files+=("$file")
		# shellcheck disable=SC2046	# a list of names
		module_files $(grep -aoz 'depends=[[:print:]]*' "$build/kernel/$file" |
			tr '\0' '\n' | sed -n 's/^depends=//p' | tr , ' ')
	done
}

copy_modules() {
	local files=() names=() version
	mapfile -t names < "$qemu/modules"
	module_files "${drivers[@]}" "${names[@]}"
	(cd "$build/kernel" && cp --parents "${files[@]}" "$root")
	version=$(basename "$build"/kernel/lib/modules/*)
	cp "$build"/kernel/lib/modules/*/modules.{order,builtin} "$root/lib/modules/$version"
	busybox depmod -b "$root" "$version"
}

# What BusyBox lacks: frames sent byte by byte, interfaces that a process must hold.
copy_helpers() {
	local source
	for source in "$top"/test/{send,tun}.c "$qemu"/{can,ppp}.c; do
		"${guest_cc[@]}" -static -Os -s -o "$root/bin/$(basename "$source" .c)" "$source"
	done
}

build_initramfs() {
	local root=$build/root
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,proc,sys,tmp}
	cp "$busybox" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	cp "$qemu/init" "$root/init"
	cp "$qemu/guest.sh" "$root/guest.sh"
	printf '%s\n' "${drivers[@]}" > "$root/drivers"
	cp "$RAWCAP" "$root/bin/rawcap"
	chmod 755 "$root/init" "$root/bin/rawcap"
	copy_modules
	copy_helpers
	"${TEST_CC:-cc}" -O2 -o "$build/pcapread" "$top/test/pcapread.c"
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) > "$build/initramfs.gz"
}

# A network namespace, as root or as the root of a user namespace; it ends with what runs in it.
in_namespace() {
	local flags=(-n)
	[ "$(id -u)" = 0 ] || flags=(-U -r -n)
	unshare "${flags[@]}" true 2> /dev/null || cannot_run "no right to make a network namespace"
	[ -w /dev/net/tun ] || cannot_run "no right to use /dev/net/tun"
	unshare "${flags[@]}" "$@"
}

main() {
	local mode=test
	case ${1:-} in
	--shell) mode=shell; shift ;;
	--install) install_packages; return ;;
	esac
	local arch=${1:-x86_64}
	build=$top/build/qemu/$arch
	busybox=/bin/busybox	# where Debian's busybox-static has it
	[ -e "$qemu/arch/$arch" ] || { echo "qemu: $arch: not an architecture in qemu/arch" >&2; exit 2; }
	[ -x "$RAWCAP" ] || { echo "qemu: there is no $RAWCAP to test: run make" >&2; exit 2; }
	# shellcheck source=/dev/null
	. "$qemu/arch/$arch"
	install_packages
	mkdir -p "$build"
	exec 9> "$build/lock"
	# one at a time: they share what they build
	flock -n 9 || { echo "qemu: waiting for another run to end" >&2; flock 9; }
	fetch_kernel
	build_initramfs
	in_namespace "$qemu/boot.sh" "$mode" "$arch" "$build"
}

main "$@"
