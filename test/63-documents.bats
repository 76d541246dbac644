#!/usr/bin/env bats
# What is written about rawcap agrees with what it is: its table of options, -h, README.md, the manual
# page, the version, and what make installs.
load helpers

prepare() {
	top=$BATS_TEST_DIRNAME/..
	page=$top/rawcap.8
}

# The options of rawcap.c's table: a line for each, "LETTER NAME", either may be -.
table() {
	sed -n '/^static const struct option options/,/^};/ {
		s/^\t{ '\''\(.\)'\'', [01], NULL },$/\1 -/p
		s/^\t{ '\''\(.\)'\'', [01], "\(.*\)" },$/\1 \2/p
		s/^\t{ OPT_[A-Z]*, [01], "\(.*\)" },$/- \1/p
	}' "$top/rawcap.c"
}

# The options that the text on stdin names: a line for each, LETTER or NAME, without dashes.
named() {
	tr -c '[:alnum:]#-' '\n' |
		sed -nE 's/^-([[:alnum:]#]|d{2,3}|t{2,5}|xx|XX)$/\1/p; s/^--([a-z][a-z-]+)$/\1/p' | sort -u
}

# The page as people read it, in one line: a word is never divided there.
page_text() {
	requires mandoc
	mandoc -T ascii -O width=1000 "$page" 2> /dev/null | sed 's/.\x08//g'
}

# The three texts, by name.
text() {
	case $1 in
	-h) "$RAWCAP" -h ;;
	README.md) cat "$top/README.md" ;;
	rawcap.8) page_text ;;
	esac
}

@test "the table of options was read: as many lines as it has rows" {
	expect "$(table | wc -l)" == \
		"$(sed -n '/^static const struct option options/,/^};/p' "$top/rawcap.c" | grep -c '^	{')" "rows"
	expect "$(table | wc -l)" ">" 50 "options"
}

@test "every option of the table is in -h, in README.md and on the manual page, by its letter or its name" {
	local document letter name
	for document in -h README.md rawcap.8; do
		text $document > "$BATS_TEST_TMPDIR/text"
		named < "$BATS_TEST_TMPDIR/text" > "$BATS_TEST_TMPDIR/named"
		while read -r letter name; do
			[ "$letter" != - ] || letter=$name
			grep -qxF -e "$letter" "$BATS_TEST_TMPDIR/named" || {
				echo "$document does not name $letter"
				false
			}
		done < <(table)
	done
}

@test "the manual page has every long name" {
	local letter name
	page_text | named > "$BATS_TEST_TMPDIR/named"
	while read -r letter name; do
		[ "$name" = - ] || grep -qxF -e "$name" "$BATS_TEST_TMPDIR/named" || {
			echo "rawcap.8 does not name --$name"
			false
		}
	done < <(table)
}

@test "every option that -h and the manual page name is in the table" {
	local document option
	table | tr ' ' '\n' > "$BATS_TEST_TMPDIR/known"
	printf '%s\n' dd ddd tt ttt tttt ttttt xx XX >> "$BATS_TEST_TMPDIR/known"	# letters given twice
	for document in -h rawcap.8; do
		# of a pipe only what rawcap itself is given
		text $document | sed 's/ | wireshark .*//' | named > "$BATS_TEST_TMPDIR/named"
		expect "$(wc -l < "$BATS_TEST_TMPDIR/named")" ">" 50 "options in $document"
		while read -r option; do
			grep -qxF -e "$option" "$BATS_TEST_TMPDIR/known" || {
				echo "$document names $option, which is none"
				false
			}
		done < "$BATS_TEST_TMPDIR/named"
	done
}

@test "every rawcap command in README.md has only options that there are" {
	local command option
	table | tr ' ' '\n' > "$BATS_TEST_TMPDIR/known"
	printf '%s\n' dd ddd tt ttt tttt ttttt xx XX >> "$BATS_TEST_TMPDIR/known"
	# of a line, what stands behind the program's name, up to a pipe, a redirection or a comment
	grep -oE '^    (.*/)?rawcap [^|>#]*' "$top/README.md" | grep -e ' -' > "$BATS_TEST_TMPDIR/commands"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/commands")" ">=" 8 "commands"
	while read -r command; do
		for option in $(named <<< "$command"); do
			grep -qxF -e "$option" "$BATS_TEST_TMPDIR/known" || {
				echo "$command: $option is no option"
				false
			}
		done
	done < "$BATS_TEST_TMPDIR/commands"
}

@test "README.md fits: under 200 lines, of at most 100 columns" {
	expect "$(wc -l < "$top/README.md")" "<" 200 "lines"
	run -0 awk 'length > 100' "$top/README.md"
	[ "$output" = "" ]
}

@test "the filters that README.md shows compile" {
	local filter
	sed -n '/^## Filter/,/^## /p' "$top/README.md" | grep -oE 'rawcap eth0( [^ ]+)+' |
		sed "s/rawcap eth0 //; s/'//g" > "$BATS_TEST_TMPDIR/filters"
	expect "$(wc -l < "$BATS_TEST_TMPDIR/filters")" "==" 6 "filters"
	while read -r filter; do
		"$RAWCAP" -d -- "$filter" > /dev/null
	done < "$BATS_TEST_TMPDIR/filters"
}

@test "the manual page is clean mdoc" {
	requires mandoc
	run mandoc -T lint "$page"
	# which other pages this machine has is not the page's fault
	run -1 grep -vE 'referenced manual not found|outdated mandoc.db' <<< "$output"
}

@test "the version stands in one place, and --version, the package and pcapng files have it from there" {
	local version
	version=$(sed -n 's/^#define VERSION "\(.*\)"$/\1/p' "$top/rawcap.c")
	[[ $version =~ ^[0-9]+\.[0-9]+$ ]]
	[ "$("$RAWCAP" --version)" = "rawcap $version" ]
	grep -q "^## $version" "$top/CHANGELOG.md"
	run -1 grep -lE "VERSION[:?]?= *\"?[0-9]" "$top"/*.h "$top/Makefile" "$top/qemu/dist.sh" \
		"$top/test/examples/openwrt/rawcap/Makefile"
}

@test "make install puts the program and its page under DESTDIR and PREFIX, and uninstall takes both away" {
	local root=$BATS_TEST_TMPDIR/root
	cp "$top"/*.[ch8] "$top/Makefile" "$BATS_TEST_TMPDIR"
	cp "$RAWCAP" "$BATS_TEST_TMPDIR/rawcap"
	make -s -C "$BATS_TEST_TMPDIR" -o all install DESTDIR="$root" PREFIX=/usr
	[ "$(cd "$root" && find . -type f -printf '%m %P\n' | sort)" = \
		"644 usr/share/man/man8/rawcap.8"$'\n'"755 usr/bin/rawcap" ]
	make -s -C "$BATS_TEST_TMPDIR" uninstall DESTDIR="$root" PREFIX=/usr
	[ "$(find "$root" -type f)" = "" ]
}

@test "make says what to install where the compiler makes no static program" {
	printf '#!/bin/sh\necho "cannot find -lc" >&2\nexit 1\n' > "$BATS_TEST_TMPDIR/cc"
	chmod +x "$BATS_TEST_TMPDIR/cc"
	run -2 make -s -C "$top" PROGRAM="$BATS_TEST_TMPDIR/rawcap" CC="$BATS_TEST_TMPDIR/cc"
	[[ $output == *"makes no static program; install: musl-tools"* ]]
	run -2 make -s -C "$top" PROGRAM="$BATS_TEST_TMPDIR/rawcap" CC="$BATS_TEST_TMPDIR/nosuch"
	[[ $output == *"makes no static program; install: musl-tools"* ]]
}

@test "the demo shows its capture, as root and as an ordinary user" {
	local user=()
	if [ "$(id -u)" = 0 ]; then
		requires setpriv
		user=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/)
		"${user[@]}" unshare -n -U -r true 2> /dev/null || cannot_run "no user namespaces here"
	fi
	# where another user can reach it
	demo=$(mktemp -d /tmp/rawcap-demo.XXXXXX)
	chmod 755 "$demo"
	mkdir "$demo/test"
	cp "$top/test/demo.sh" "$demo/test"
	cp "$RAWCAP" "$demo/rawcap"
	run "$demo/test/demo.sh"
	shown
	run env TMPDIR=/tmp "${user[@]}" "$demo/test/demo.sh"
	rm -r "$demo"
	shown
}

# The demo's packets are in its output, and no error.
shown() {
	echo "$output"
	[ "$status" = 0 ]
	grep -q 'ARP, Request who-has 10.9.0.2' <<< "$output"
	expect "$(grep -c 'UDP, length 8' <<< "$output")" == 3 "UDP packets"
	expect "$(grep -c 'Flags \[S\]' <<< "$output")" == 3 "connections"
	grep -q '^14 packets captured' <<< "$output"
	grep -q '^0 packets dropped by kernel' <<< "$output"
}
