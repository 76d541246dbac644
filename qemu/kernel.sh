# shellcheck shell=bash disable=SC2154,SC2164	# who reads this sets -e, $top, $qemu, $arch and its variables
# The kernel and the BusyBox of a machine for which Debian has none: Debian's source, configured by
# kernel/common and kernel/ARCH, or what kernel_options names, and by kernel/busybox. Some ten minutes on two
# cores, once. That BusyBox is with musl, so the router of openwrt/ has it also where Debian has one.

# A compiler for BusyBox and the guest's programs, with all of musl.
own_compiler() {
	local cross=${compiler#gcc-} musl=$top/build/musl/$arch-whole
	guest_cc=("$cross-gcc" -isystem "$musl/include" -idirafter "/usr/$cross/include" "-L$musl/lib" "-B$musl/lib"
		-fno-pie "${guest_cflags[@]}")
}

# source_of PACKAGE FOLDER: Debian's source of it, unpacked.
source_of() {
	local folder=$top/build/$2
	[ ! -e "$folder/complete" ] || return 0
	rm -rf "$folder"
	mkdir -p "$folder/source"
	cd "$folder"
	case $1 in
	linux)
		local package
		package=$(apt_for amd64 apt-cache depends linux-source | sed -n 's/^ *Depends: \(linux-source-[0-9].*\)/\1/p')
		apt_for amd64 apt-get -q download "$package"
		dpkg-deb -x linux-source*.deb .
		tar -xJ --strip-components=1 -C source -f usr/src/linux-source-*.tar.xz
		rm -r usr ./*.deb
		;;
	*)
		apt_for source apt-get -q source --download-only "$1"
		tar -x --strip-components=1 -C source -f "$1"_*.orig.tar.*[2z]
		;;
	esac
	touch complete
	cd "$top"
}

# What stands before a tool's name.
cross() { [[ $compiler != gcc-* ]] || echo "${compiler#gcc-}-"; }

# build_kernel SETTINGS...
build_kernel() {
	local out=$PWD settings=(ARCH="$kernel_arch" CROSS_COMPILE="$(cross)" O="$PWD/obj")
	source_of linux linux
	cd "$top/build/linux/source"
	mkdir -p "$out/obj"
	make -s "${settings[@]}" tinyconfig
	scripts/kconfig/merge_config.sh -m -O "$out/obj" "$out/obj/.config" "$@"
	make -s "${settings[@]}" olddefconfig
	make -s -j2 "${settings[@]}" "$kernel_image" modules
	make -s "${settings[@]}" INSTALL_MOD_PATH="$out" modules_install
	cp "$(find "$out/obj" -name "$kernel_image" -size +1000k)" "$out/image"
	"$(cross)strip" "$out/image" || true	# what is no ELF file stays
	rm -rf "$out/obj"
}

build_whole_musl() {
	local folder=$top/build/musl/$arch-whole source=$top/build/musl/source cross=${compiler#gcc-}- library
	[ ! -e "$folder/complete" ] || return 0
	mkdir -p "$folder"
	cd "$folder"
	"$source/configure" --target="${cross%-}" --prefix="$folder" --disable-shared --disable-wrapper \
		CC="${cross}gcc -fno-pie ${guest_cflags[*]}" AR="${cross}ar" RANLIB="${cross}ranlib" \
		CFLAGS="-Os -fno-stack-protector" LIBCC=-lgcc
	make -j2 srcdir="$source" lib/libc.a lib/crt1.o lib/crti.o lib/crtn.o install-headers
	for library in m crypt rt resolv; do
		"${cross}ar" rc "lib/lib$library.a"
	done
	touch complete
}

# build_busybox SETTINGS
build_busybox() {
	local out=$PWD names
	source_of busybox busybox
	[ "$compiler" = musl-tools ] || (build_whole_musl)
	mkdir -p "$out/bin" "$out/obj"
	cd "$top/build/busybox/source"
	make -s O="$out/obj" allnoconfig
	names=$(sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=.*/(^|# )\1[= ]/p' "$1" | paste -sd '|')
	grep -vE "$names" "$out/obj/.config" > "$out/rest"
	cat "$1" "$out/rest" > "$out/obj/.config"
	yes '' | make -s O="$out/obj" oldconfig || true	# yes dies of SIGPIPE
	make -s -j2 O="$out/obj" ARCH="${kernel_arch-}" CROSS_COMPILE="$(cross)" CC="${guest_cc[*]}" busybox
	cp "$out/obj/busybox" "$out/bin/busybox"
	rm -rf "$out/obj"
}
