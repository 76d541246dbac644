# shellcheck shell=bash disable=SC2154	# who reads this sets $top, $qemu, $shared, $build and the architecture's variables
# What an OpenWrt router has besides its kernel, all of it static with musl: BusyBox, and dropbear from
# Debian's source. Half a minute each, once.
set -e

# Without passwords: the guest has a key of its own.
build_dropbear() {
	local out=$PWD host=${compiler#gcc-}
	source_of dropbear dropbear
	mkdir "$out/obj"
	cd "$out/obj"
	echo '#define DROPBEAR_SVR_PASSWORD_AUTH 0' > localoptions.h
	"$top/build/dropbear/source/configure" --host="${host/musl-tools/$(uname -m)-linux-musl}" --enable-static \
		--enable-bundled-libtom --disable-{zlib,pam,harden,lastlog,utmp,utmpx,wtmp,wtmpx,loginfunc} \
		CC="${guest_cc[*]}" CFLAGS='-Os -ffunction-sections -fdata-sections' LDFLAGS=-Wl,--gc-sections
	make PROGRAMS='dropbear dropbearkey scp' MULTI=1 STATIC=1
	"$(cross)strip" -o "$out/dropbear" dropbearmulti
	rm -rf "$out/obj"
}

# No more than what boots, serves the harness (guest.py) and lets the host in by a key made for this boot.
# rawcap is not in it.
build_openwrt() {
	local busybox=$top/build/qemu/own-$arch/busybox root=$build/openwrt
	SUDO="sudo -n" sh "$top/test/install.sh" "$qemu/openwrt/packages" || cannot_run "packages are missing"
	make_own "$busybox" build_busybox "$qemu/kernel/busybox"
	make_own "$shared/dropbear" build_dropbear "$qemu/openwrt/build.sh"
	base_root "$root" "$busybox"
	mkdir -p "$root/etc" "$root/root/.ssh" "$root/usr/bin"
	cp "$shared/dropbear/dropbear" "$root/bin/dropbear"
	ln -s dropbear "$root/bin/scp"
	echo root::0:0:root:/root:/bin/sh > "$root/etc/passwd"
	cp "$qemu/openwrt/rc.local" "$root/rc.local"
	rm -f "$build"/key*
	ssh-keygen -q -t ed25519 -N '' -C test -f "$build/key"
	cp "$build/key.pub" "$root/root/.ssh/authorized_keys"
	chmod -R go= "$root/root"
	pack_root "$root" "$build/openwrt.gz"
	cp "${RAWCAP:-$top/dist/rawcap-$arch}" "$build/rawcap"
	cat > "$build/ssh_config" <<- END
		Host router
		HostName 10.9.0.2
		User root
		IdentityFile $build/key
		IdentitiesOnly yes
		BatchMode yes
		StrictHostKeyChecking no
		UserKnownHostsFile /dev/null
		LogLevel ERROR
	END
}
