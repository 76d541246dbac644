# shellcheck shell=bash
# Runs once, before the first test: builds the small programs that the tests use, and stops the run
# where nothing at all could be tested, instead of turning every test into a skip.

setup_suite() {
	local here source program
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
	mkdir -p "$here/../build/test"
	for program in pcapread send tun launch steps sandbox session; do
		source=$here/tools/$program.c
		program=$here/../build/test/$program
		[ "$program" -nt "$source" ] || {	# two suites may start side by side
			cc -O2 -Wall -Wextra -o "$program.$$" "$source" && mv "$program.$$" "$program" || return 1
		}
	done
	if ! [ -x "${RAWCAP:-$here/../rawcap}" ]; then
		echo "there is no rawcap to test: run make, or set RAWCAP" >&2
		return 1
	fi
}
