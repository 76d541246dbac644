#!/usr/bin/env bats
# Disks that are full, directories that go away or belong to others: one line says what happened, and
# the files are whole.
load files

@test "a full disk with -w FILE: exit 1, whole records, the summary counts them" {
	small_disk 256k
	start one -w "$inside/small/f" va
	ns send -c 1000 -s 1000 -r 10000 vb
	finish one
	failed 1 "no space left"
	says "$inside/small/f"
	expect "$(pcapread -c "$fast/small/f")" == "$(said captured)" "records"
	expect "$(said captured)" ">=" 250 "captured"
}

@test "a full disk with -C but no -W: exit 1, all files whole, the summary counts them all" {
	small_disk 256k
	start one -w "$inside/small/f" -C 100k va
	ns send -c 1000 -s 1000 -r 10000 vb
	finish one
	failed 1 "no space left"
	expect "$(records_in "$fast"/small/f*)" == "$(said captured)" "records in all files"
}

@test "a full disk with -W: gives up its own oldest file and goes on, and says so once" {
	small_disk 512k
	start one -w "$inside/small/f" -C 128k -W 8 va
	ns send -c 5000 -s 1000 -r 10000 vb
	stopped one
	expect "$(complaints | wc -l)" == 1 "lines about it"
	says "rawcap: $inside/small/f: disk full"
	local file last=0 found
	for file in "$fast"/small/f*; do
		[ -s "$file" ] || continue
		found=$(pcapread -q 14 "$file" | cut -d ' ' -f 3)
		[ "$found" -le $last ] || last=$found
	done
	expect $last == 4999 "the last packet"
	# three files' worth of a disk of four is still there
	expect "$(cat "$fast"/small/f* | wc -c)" ">" $((3 * 131072 - 65536)) "bytes kept"
}

@test "a quota that is used up is a full disk, also for the next file to be made" {
	local call
	requires strace
	for call in write openat; do
		launcher=(strace -qq -e trace=$call -o "$BATS_TEST_TMPDIR/trace")
		if [ $call = write ]; then
			launcher+=(-e inject=write:error=EDQUOT:when=6)
		else	# the third file, while the two before it are kept
			launcher+=(-P openat2 -e inject=openat:error=EDQUOT:when=1)
		fi
		start one -w "$inside/$call" -C 10k -W 4 -c 100 va
		ns send -c 100 -s 1000 -r 1000 vb
		finished one
		grep 'EDQUOT.*(INJECTED)' "$BATS_TEST_TMPDIR/trace"
		says "rawcap: $inside/$call: disk full: the oldest files go"
	done
}

@test "a disk that others have filled: with -W too the end is exit 1, all files whole" {
	small_disk 256k
	ns dd if=/dev/zero "of=$inside/small/filler" bs=4k count=63 status=none
	start one -w "$inside/small/f" -C 128k -W 3 va
	ns send -c 100 -s 1000 vb
	finish one
	failed 1 "no space left"
	local file
	for file in "$fast"/small/f[0-9]; do
		[ ! -s "$file" ] || pcapread -c "$file"
	done
}

@test "a file size limit: exit 1, whole records up to it, also in the second file" {
	requires prlimit
	launcher=(prlimit --fsize=4000)
	start one -w "$inside/f" va
	ns send -c 10 -s 1500 vb
	finish one
	failed 1 "$inside/f: file too large"
	expect "$(stat -c %s "$fast/f")" == $((24 + 2 * 1516)) "bytes in the file"
	expect "$(said captured)" == 2 "captured"
}

@test "the directory gets another name: the rotation goes on in it" {
	ns mkdir "$inside/sub"
	start one -w "$inside/sub/f" -C 64k va
	ns send -c 30 -s 1000 vb
	wait_until file_has "$fast/sub/f" 30
	ns mv "$inside/sub" "$inside/moved"
	ns send -c 100 -s 1000 vb
	stopped one
	expect "$(records_in "$fast"/moved/f*)" == 130 "records in all files"
}

@test "the directory is removed before a rotation: exit 1 with the name" {
	ns mkdir "$inside/sub"
	start one -w "$inside/sub/f" -C 64k va
	ns send -c 30 -s 1000 vb
	wait_until file_has "$fast/sub/f" 30
	ns rm -r "$inside/sub"
	ns send -c 100 -s 1000 vb
	finish one
	failed 1 "rawcap: $inside/sub/f1: no such file"
}

@test "root rotates into a directory of somebody else, as its owner: a NAS share, sudo at home" {
	[ "$(id -u)" = 0 ] || cannot_run "not root"
	ns install -d -o 1234 -g 4321 -m 700 "$inside/theirs"
	start one -w "$inside/theirs/f" -C 64k -W 3 va
	ns send -c 100 -s 1000 vb
	stopped one
	sum_is 100 "$fast/theirs/f0" "$fast/theirs/f1"
	[ "$(stat -c %u:%g:%a "$fast/theirs/f0")" = 1234:4321:600 ]
	# again, behind those
	start one -w "$inside/theirs/f" -C 64k -W 3 va
	ns send -c 5 vb
	stopped one
	expect "$(pcapread -c "$fast/theirs/f2")" == 5 "records"
}

@test "a file removed while it is written, and a rotation after it: no matter" {
	start one -w "$inside/f" -C 64k va
	ns send -c 30 -s 1000 vb
	wait_until file_has "$fast/f" 30
	rm "$fast/f"
	ns send -c 100 -s 1000 vb
	stopped one
	expect "$(said captured)" == 130 "captured"
	pcapread -c "$fast/f1"
}
