#!/bin/sh
# install.sh LIST...: installs the Debian packages named in the LISTs, a line each, that are not there.
set -eu
missing=$(cat "$@" | sort -u | while read -r package; do
	dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed ||
		printf ' %s' "$package"
done)
[ -n "$missing" ] || exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root=${SUDO:-sudo}
if ! command -v apt-get > /dev/null; then
	echo "please install what Debian calls:$missing" >&2
	exit 1
fi
echo "installing${as_root:+ through sudo}:$missing" >&2
# shellcheck disable=SC2086	# words
install() { DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing; }
if ! install > /dev/null 2>&1; then
	$as_root apt-get update -qq	# the lists may be old, or none yet
	install > /dev/null
fi
