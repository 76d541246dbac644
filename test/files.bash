# shellcheck shell=bash
# What the suites about files share that rawcap opens itself (-w): they stand in $fast, a directory at
# memory's speed, which rawcap sees as $inside.
load helpers

prepare() {
	network
	tmpfs 400m
	inside=$BATS_TEST_TMPDIR/fast	# as rawcap sees $fast
}

# small_disk SIZE: $fast/small, a disk of its own.
small_disk() {
	ns mkdir "$inside/small"
	ns mount -t tmpfs -o "size=$1" none "$inside/small"
}

# names PATTERN: the files' names on one line, in the order of ls.
names() { (cd "$fast" && printf '%s ' $1); }

# in_order PATTERN: the files' paths by their numbers, which is the order they were written in.
in_order() { (cd "$fast" && printf "$fast/%s\n" $1 | sort -V); }

# by_packets PATTERN: the files' paths by the numbers of their first packets, empty ones left out.
by_packets() {
	local file first
	for file in "$fast"/$1; do
		read -r _ first _ < <(pcapread -q 14 "$file") && echo "$first $file"
	done | sort -n | cut -d ' ' -f 2
}

# joined FILE...: all strict-valid and one behind the other: "RECORDS FIRST LAST MISSING" of the sequence
# numbers; an error where one does not rise.
joined() {
	local file count=0 first='' last='' missing=0 n f l m
	for file; do
		[ "$(pcapread -c "$file")" != 0 ] || continue
		read -r n f l m < <(pcapread -q 14 "$file") && [ -n "$m" ] || return 1
		if [ -n "$last" ]; then
			expect "$f" ">" "$last" "the first number of $file" || return 1
			missing=$((missing + f - last - 1))
		fi
		: "${first:=$f}"
		count=$((count + n)) last=$l missing=$((missing + m))
	done
	echo "$count $first $last $missing"
}

# sum_is SENT FILE...: what was sent is in these files or among the drops.
sum_is() {
	local total
	total=$(joined "${@:2}")
	expect "${total%% *}" == "$(said captured)" "records in all files = captured"
	expect "$(said captured) + $(said dropped)" == "$1" "captured + dropped = sent"
	expect "$(said received)" == "$1" "received"
}

# full FILE LIMIT RECORD: the file is not larger than LIMIT and has no room for another RECORD bytes.
full() {
	local size
	size=$(stat -c %s "$1")
	expect "$size" "<=" "$2" "bytes in $1"
	expect "$size + $3" ">" "$2" "bytes in $1 with one more record"
}

has_files() { [ "$(names "$1" | wc -w)" -ge "$2" ]; }
file_has() { [ "$(pcapread -c "$1" 2> /dev/null)" = "$2" ]; }
