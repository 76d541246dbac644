# shellcheck shell=bash disable=SC2154	# who reads this sets $top
# apt for another architecture, or for source packages, in a state of its own under build/apt: the
# machine's own lists stay as they are. The mirror is the machine's, and so is the release unless a suite
# is named; only one suite, since those of updates are now and then out of step between architectures.

# apt_for DEBIAN-ARCHITECTURE[:SUITE]|source COMMAND...: e.g. apt_for s390x apt-get download busybox-static,
# apt_for amd64:bullseye apt-get download linux-image-amd64
apt_for() {
	local arch=${1%%:*} suite state=$top/build/apt/${1/:/-} type=deb mirror file said
	suite=${1#"$arch"}
	suite=${suite#:}
	shift
	mkdir -p "$state"/{lists,archives}/partial
	: > "$state/status"
	[ "$arch" != source ] || { type=deb-src; arch=$(dpkg --print-architecture); }
	# shellcheck source=/dev/null
	[ -n "$suite" ] || suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mirror=$({ cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2> /dev/null || true; } |
		sed -n 's/^URIs: *\([^ ]*debian\/*\)$/\1/p; s/^deb \(.* \)\?\([^ ]*debian\/*\) .*/\2/p' | head -n 1)
	echo "$type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$state/sources.list"
	cat > "$state/apt.conf" <<- END
		APT::Architecture "$arch";
		APT::Architectures "$arch";
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Dir::State "$state";
		Dir::State::Lists "$state/lists";
		Dir::State::status "$state/status";
		Dir::Cache "$state";
		Dir::Etc::SourceList "$state/sources.list";
		Dir::Etc::SourceParts "/dev/null";
	END
	said=$state/log
	for file in "$state"/lists/*_{Packages,Sources}; do	# the lists are there, or they are fetched
		[ ! -e "$file" ] || break
	done
	[ -e "$file" ] || APT_CONFIG=$state/apt.conf apt-get update > "$said" 2>&1 || cat "$said" >&2
	APT_CONFIG=$state/apt.conf "$@"
}
