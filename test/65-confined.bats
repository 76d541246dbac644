#!/usr/bin/env bats
# Rotation in a directory where others may write, and as root: it follows no link, opens no file that
# another made, removes nothing outside, and nobody but the recorder reads what it wrote.
load files

as_root() { [ "$(id -u)" = 0 ] || cannot_run "not root"; }

# rotates WHAT...: a rotation over f, f1 and f2, two of them planted before it comes there, works.
# WHAT prepares f2 in the directory $fast, as another user.
rotates() {
	start one -w "$inside/f" -C 64k -W 4 va
	"$@"
	ns send -c 200 -s 1000 -r 20000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(records_in "$fast"/f[0-3])" == 200 "records"
	[ "$(stat -c %F:%a "$fast/f2")" = "regular file:600" ]
}

# as_other COMMAND...: in the directory, as a user who may write there too
as_other() {
	ns sh -c 'cd "$0" && exec setpriv --reuid 1234 --regid 1234 --clear-groups "$@"' "$inside" "$@"
}

shared() {
	as_root
	requires setpriv
	ns chmod 1777 "$inside"
	ns sh -c "echo precious > '$inside/../precious'"
}

precious() { [ "$(cat "$BATS_TEST_TMPDIR/precious")" = precious ]; }

@test "a planted symlink to a file of root's: that stays as it is" {
	shared
	rotates as_other ln -s "$BATS_TEST_TMPDIR/precious" f2
	precious
}

@test "a planted symlink to nowhere, to itself, to a directory" {
	shared
	rotates as_other ln -s "$BATS_TEST_TMPDIR/none" f2
	[ ! -e "$BATS_TEST_TMPDIR/none" ]
	rm "$fast"/f?
	rotates as_other ln -s f2 f2
	rm "$fast"/f?
	rotates as_other ln -s . f2
}

@test "a planted file that all may read, held open by its owner: it receives nothing" {
	shared
	plant() {
		as_other sh -c "umask 0; echo mine > f2; exec sleep 60 < f2" 3>&- &
		helpers+=($!)
		wait_until test -s "$fast/f2"
		ns ln "$inside/f2" "$inside/link"
	}
	rotates plant
	[ "$(cat "$fast/link")" = mine ]
	[ "$(stat -c %u "$fast/f2")" = 0 ]
}

@test "a planted FIFO, a socket, an empty directory: they go" {
	shared
	rotates as_other mkfifo f2
	rm "$fast"/f?
	rotates as_other mkdir f2
	rm "$fast"/f?
	requires /usr/bin/python3
	rotates as_other /usr/bin/python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('f2')"
}

@test "a planted directory that is not empty: its number is left out" {
	shared
	start one -w "$inside/f" -C 64k -W 4 va
	as_other mkdir -p f1/full
	ns send -c 150 -s 1000 -r 20000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(records_in "$fast"/f0 "$fast"/f2 "$fast"/f3)" == 150 "records"
	# without another number there is one clear line
	as_other mkdir -p g/full
	run_rawcap -w "$inside/g" -G 60 va
	failed 1 "rawcap: $inside/g: "
	[ -d "$fast/g/full" ]
}

@test "a planted file that is there at the start is not the first file" {
	shared
	as_other ln -s "$BATS_TEST_TMPDIR/precious" f0
	start one -w "$inside/f" -C 64k -W 4 va
	ns send -c 5 vb
	stop one INT
	expect "$status" == 0 "exit status"
	expect "$(pcapread -c "$fast/f0")" == 5 "records"
	[ ! -L "$fast/f0" ]
	precious
}

@test "a device is never removed: -C onto /dev/null is exit 1" {
	as_root
	ns mknod "$inside/null" c 1 3 || cannot_run "no right to make a device"
	run_rawcap -w "$inside/null" -C 64k va
	failed 1 "rawcap: $inside/null: not a file"
	[ -c "$fast/null" ]
}

@test "whose files they are: root's in its own directory, else the directory's owner's, without groups" {
	as_root
	requires setpriv
	local owner ids
	launcher=(setpriv --groups 4,27,100)
	for owner in 0 1234; do
		ns install -d -o $owner -g $owner "$inside/dir$owner"
		start one -w "$inside/dir$owner/f" -C 64k va
		ns send vb
		read -r -a ids <<< "$(sed -n 's/^\(Uid\|Gid\|Groups\)://p' "/proc/${pid[one]}/status" | tr '\n' ' ')"
		stop one INT
		expect "$status" == 0 "exit status"
		[ "${ids[*]}" = "$owner $owner $owner $owner $owner $owner $owner $owner" ] || { echo "${ids[*]}"; return 1; }
		expect "$(stat -c %u "$fast/dir$owner/f")" == $owner "owner"
	done
}

@test "with CAP_NET_RAW alone Landlock confines it, without that it goes on" {
	as_root
	requires setpriv strace
	ns install -d -o 1234 "$inside/mine"
	launcher=(sh -c 'cd "$0" && exec "$@"' "$inside/mine"
		setpriv --reuid 1234 --regid 1234 --clear-groups --inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw)
	start one -w f -C 64k -W 3 va
	ns send -c 100 -s 1000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	sum_is 100 "$fast"/mine/f{0,1}
	# as on a kernel without it: the right to chroot is not there either
	launcher=(strace -D -qq -e trace=chroot,landlock_create_ruleset -o "$BATS_TEST_TMPDIR/trace"
		-e inject=chroot:error=EPERM -e inject=landlock_create_ruleset:error=ENOSYS)
	start one -v -w "$inside/g" -C 64k -W 3 va
	ns send -c 100 -s 1000 vb
	stop one INT
	expect "$status" == 0 "exit status"
	says "rotation: "
	grep -q 'landlock_create_ruleset.*INJECTED' "$BATS_TEST_TMPDIR/trace"
	sum_is 100 "$fast"/g{0,1}
}

# --- while an interface is waited for ---

@test "while --wait waits: nobody, or the owner of the files, no right but chroot's, a filter" {
	as_root
	local name
	ns install -d -o 1234 "$inside/theirs"
	for name in plain stream rotation; do
		case $name in
		plain) set -- -w "$inside/p" ;;
		stream) set -- ;;
		rotation) set -- -w "$inside/theirs/r" -C 64k -W 3 ;;
		esac
		"${NS[@]}" "$RAWCAP" --wait "$@" nosuch > "$(pcap $name)" 2> "$BATS_TEST_TMPDIR/$name.err" 3>&- &
		pid["$name"]=$!
		wait_until grep -q 'waiting for it' "$BATS_TEST_TMPDIR/$name.err"
		grep -E '^(Uid|CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/${pid[$name]}/status" |
			tr -s '\t\n' '  ' > "$BATS_TEST_TMPDIR/found"
		cat "$BATS_TEST_TMPDIR/found"
		grep -q 'CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2' "$BATS_TEST_TMPDIR/found"
		if [ $name = rotation ]; then
			grep -q 'Uid: 1234 1234 1234 1234 CapPrm: 0000000000040000' "$BATS_TEST_TMPDIR/found"
		else
			grep -q 'Uid: 65534 65534 65534 65534 CapPrm: 0000000000000000' "$BATS_TEST_TMPDIR/found"
		fi
	done
	# and then each of them captures
	ns ip link set va down
	ns ip link set va name nosuch
	ns ip link set nosuch up
	wait_until link_is_up nosuch
	for name in plain stream rotation; do
		wait_until grep -q listening "$BATS_TEST_TMPDIR/$name.err"
		grep -q '^CapPrm:.0000000000000000$' "/proc/${pid[$name]}/status"
	done
	ns send -c 100 -s 1000 vb
	for name in plain stream rotation; do
		stop $name INT
		expect "$status" == 0 "exit status of $name"
		expect "$(said captured)" == 100 "captured by $name"
	done
	expect "$(pcapread -c "$fast/p")" == 100 "records"
	sum_is 100 "$fast"/theirs/r{0,1}
}

@test "--wait, waiting: an old FILE of -w is not emptied before there is something to capture" {
	echo old > "$fast/f"
	"${NS[@]}" "$RAWCAP" --wait -w "$inside/f" nosuch 2> "$BATS_TEST_TMPDIR/one.err" 3>&- &
	pid[one]=$!
	wait_until grep -q 'waiting for it' "$BATS_TEST_TMPDIR/one.err"
	[ "$(cat "$fast/f")" = old ]
	stop one INT
	[ "$(cat "$fast/f")" = old ]
}

@test "--wait comes back in every form that a capture has: -B 0, one file, several files" {
	as_root
	local arguments number=0
	for arguments in "" "-B 0" "-w $inside/w" "-w $inside/r -C 64k -W 3"; do
		number=$((number + 1))
		"${NS[@]}" "$RAWCAP" --wait $arguments nosuch$number > "$(pcap one)" 2> "$BATS_TEST_TMPDIR/one.err" 3>&- &
		pid[one]=$!
		wait_until grep -q 'waiting for it' "$BATS_TEST_TMPDIR/one.err"
		ns ip link add nosuch$number type veth peer name peer$number
		ns ip link set nosuch$number up
		ns ip link set peer$number up
		wait_until grep -q listening "$BATS_TEST_TMPDIR/one.err"
		wait_until link_is_up peer$number
		ns send -c 10 peer$number
		stop one INT
		expect "$status" == 0 "exit status with $arguments"
		expect "$(said captured)" == 10 "captured with $arguments"
	done
}
