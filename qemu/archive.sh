#!/bin/sh
# archive.sh RAWCAP FILE: writes the cpio archive FILE with RAWCAP as /bin/rawcap. The kernel unpacks
# one archive after another, so it can stand behind any initramfs. There is no entry for bin itself:
# that would take the place of a /bin that is a symbolic link.
set -eu
file=$(realpath "$2")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
install -D -m 755 "$1" "$root/bin/rawcap"
touch -d @0 "$root/bin/rawcap"
cd "$root"
echo bin/rawcap | cpio -o -H newc -R 0:0 --reproducible --quiet > "$file"
