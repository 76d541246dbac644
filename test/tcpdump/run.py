#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py [options]: the command lines of the table, by rawcap in tcpdump's place and by tcpdump itself.

  -l, --list-failures   only the rows that fail, and why
  -o, --only REGEX      only rows whose kind or command line has it
  -p, --program FILE    what stands in PATH as tcpdump ($RAWCAP, or ./rawcap)
  -s, --self            tcpdump in its own place: all rows must be the same
  -k, --keep FOLDER     a new folder, where what each row wrote stays, in NUMBER/theirs and NUMBER/ours
  -j, --jobs N          rows that share one stretch of traffic (40)

Both run each line at the same time, in a network namespace of this program's own, in folders of their
own, on the same frames (traffic.py). Then their exit status, files, packets and lines are compared: see the
head of the table. Exit 0 if each row is the same in all that does not differ on purpose.
"""
import argparse
import collections
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

import traffic

HERE = os.path.dirname(os.path.abspath(__file__))
ASPECTS = ("exit", "files", "format", "packets", "lines", "summary", "listening")
SIDES = ("theirs", "ours")
INTERFACES = ("eth0", "eth1", "br-lan", "wlan0", "docker0", "cni0", "Ethernet0", "veth1")
TRIES = 3  # of a row in which tcpdump lost packets
HANDED_OVER = 1.3  # seconds: libpcap asks the kernel for a block each second
LATE = 3  # seconds: -G of the rows that need a packet behind it, without which tcpdump does not end
PACE = 0.001  # seconds between frames: --immediate-mode has a ring of few packets
TO_APPEAR, TO_START, TO_END = 1.5, 15, 10  # seconds

Row = collections.namedtuple("Row", "number kind differs reason command")
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "HOME": "/nonexistent", "LANG": "C"}


# --- the table ---


def read_table(path):
    rows = []
    with open(path, encoding="utf-8") as table:
        for number, line in enumerate(table, 1):
            if not line.strip() or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split(" | ", 3)]
            if len(fields) != 4:
                sys.exit(f"table:{number}: not four fields")
            kind, differs, reason, command = fields
            differs = () if differs == "-" else tuple(differs.split(","))
            if unknown := [word for word in differs if word not in (*ASPECTS, "refused")]:
                sys.exit(f"table:{number}: no aspect: {unknown[0]}")
            if bool(differs) != (reason != "-"):
                sys.exit(f"table:{number}: a difference and its reason go together")
            rows.append(Row(number, kind, differs, reason, command))
    return rows


def group(row):
    """Rows of one group can share a stretch of traffic."""
    if re.search(r"\b(timeout|sleep) ", row.command) and not row.kind.endswith("/late"):
        return "timed/odd" if row.kind.endswith("/odd") else "timed"
    return row.kind.partition("/")[2] or "plain"


# --- the network ---


class Wire:
    """Interfaces in this namespace, whose other ends are in another one; frames go in at those, or out here."""

    def __init__(self):
        for scope in ("all", "default"):
            path = f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"
            if os.path.exists(path):
                with open(path, "w") as switch:
                    switch.write("1")
        self.peer = subprocess.Popen(["unshare", "-n", "sleep", "600"], stdin=subprocess.DEVNULL)
        here = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.peer.pid}/ns/net") == here:
            time.sleep(0.01)
        commands = ["link set lo up"]
        for i, name in enumerate(INTERFACES):
            commands += [f"link add {name} index {i + 2} address 02:00:00:00:00:0a type veth peer name p{i} netns {self.peer.pid}"]
        commands += [f"link set {name} up" for name in INTERFACES]
        commands += ["link add down0 type veth peer name down1", "link property add dev eth0 altname enp0s3"]
        for command in commands:
            subprocess.run(["ip", *command.split()], check=True)
        for i in range(len(INTERFACES)):
            subprocess.run(["nsenter", "-t", str(self.peer.pid), "-n", "sh", "-c",
                            f"echo 1 > /proc/sys/net/ipv6/conf/p{i}/disable_ipv6; ip link set p{i} up"], check=True)
        self.inside = {name: self._socket(name) for name in INTERFACES}
        self.outside = self._outside()
        self.tun = self._tun("tun0")

    @staticmethod
    def _socket(name):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.bind((name, 0))
        return s

    def _outside(self):
        """Sockets in the other namespace: setns(2), there and back."""
        libc = ctypes.CDLL(None, use_errno=True)
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self.peer.pid}/ns/net", os.O_RDONLY)
        try:
            if libc.setns(there, 0x40000000):  # CLONE_NEWNET
                raise OSError(ctypes.get_errno(), "setns")
            return {name: self._socket(f"p{i}") for i, name in enumerate(INTERFACES)}
        finally:
            libc.setns(here, 0)
            os.close(here)
            os.close(there)

    @staticmethod
    def _tun(name):
        try:
            tun = os.open("/dev/net/tun", os.O_RDWR)
        except OSError:
            return None
        fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH14x", name.encode(), 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        return tun

    @staticmethod
    def _received(name):
        """Packets: proc(5), /proc/net/dev."""
        with open("/proc/self/net/dev") as table:
            for line in table:
                device, _, numbers = line.partition(":")
                if device.strip() == name:
                    return int(numbers.split()[1])
        return 0

    def send(self, kind):
        """One stretch of traffic; what comes in is there before anything goes out."""
        inward = traffic.incoming() + (traffic.odd() if kind.endswith("odd") else [])
        for name in INTERFACES:
            before = self._received(name)
            for frame in inward:
                self.outside[name].send(frame)
                time.sleep(PACE)
            deadline = time.monotonic() + TO_END
            while self._received(name) < before + len(inward) and time.monotonic() < deadline:
                time.sleep(0.002)
            for frame in traffic.outgoing():
                self.inside[name].send(frame)
                time.sleep(PACE)
        if self.tun is not None:
            for packet in traffic.packets():
                os.write(self.tun, packet)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"to myself", ("127.0.0.1", 9))

    def send_late(self):
        for name in INTERFACES:
            self.outside[name].send(traffic.incoming()[0])

    def end(self):
        self.peer.kill()
        self.peer.wait()


def bound_sockets():
    """Inodes of the packet sockets that take packets of all protocols: packet(7), /proc/net/packet."""
    with open("/proc/self/net/packet") as table:
        rows = [line.split() for line in table][1:]
    return {row[8] for row in rows if row[3] == "0003"}


# --- one row, on one side ---


class Run:
    """A command line at work, in a session and a folder of its own."""

    def __init__(self, row, folder, samples, path):
        self.row, self.folder = row, folder
        os.makedirs(f"{folder}/tmp")
        for directory in (folder, f"{folder}/tmp"):
            os.chmod(directory, 0o777)
        command = re.sub(r"/(tmp|var/tmp|var/log|sdcard|data/local/tmp|opt/capture)/", "tmp/", row.command)
        self.samples = {}
        for name in SAMPLES:
            if name in command:
                shutil.copy(f"{samples}/{name}", folder)
                self.samples[name] = os.path.getsize(f"{folder}/{name}")
        with open(f"{folder}/stdout", "wb") as out, open(f"{folder}/stderr", "wb") as err:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**ENVIRONMENT, "PATH": path}, start_new_session=True)
        self.status = None
        self.begun = time.monotonic()

    def ended(self):
        if self.status is None:
            self.status = self.process.poll()
        return self.status is not None

    def mine(self, table):
        """Of the processes in TABLE those of this line, each with its name."""
        return [(pid, name) for pid, (name, session) in table.items() if session == self.process.pid]

    def has_started(self, bound, table):
        """It captures, or has ended, or has no tcpdump any more that could."""
        programs = [pid for pid, name in self.mine(table) if name == "tcpdump"]
        if not programs and time.monotonic() > self.begun + TO_APPEAR:
            return True
        return self.ended() or any(is_capturing(pid, bound) for pid in programs)

    def interrupt(self, table):
        for pid, name in self.mine(table):
            if name == "tcpdump":
                send_signal(pid, signal.SIGINT)

    def clean_up(self):
        """Ends what is left of it: the line itself, if it hangs, and what it left in the background."""
        for pid, _ in self.mine(processes()):
            send_signal(pid, signal.SIGKILL)
        if not self.ended():
            self.process.wait()
            self.status = "hangs"


def send_signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def processes():
    """Of each process its name and session: proc(5), /proc/PID/stat."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="latin-1") as file:
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except (OSError, IndexError):
            continue
        fields = rest.split()
        if fields[0] != "Z":
            found[int(entry)] = (name, int(fields[3]))
    return found


def is_capturing(pid, bound):
    """It has a bound packet socket, and waits."""
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
        mine = {os.readlink(f"/proc/{pid}/fd/{d}") for d in descriptors}
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            state = file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state == "S" and any(f"socket:[{inode}]" in mine for inode in bound)


# --- what it left ---


def parse_capture(data):
    """A pcap file's format and packets, or None: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html"""
    kinds = {b"\xd4\xc3\xb2\xa1": ("<", "microseconds"), b"\x4d\x3c\xb2\xa1": ("<", "nanoseconds"),
             b"\xa1\xb2\xc3\xd4": (">", "microseconds"), b"\xa1\xb2\x3c\x4d": (">", "nanoseconds")}
    if data[:4] not in kinds or len(data) < 24:
        return None
    order, unit = kinds[data[:4]]
    snaplen, linktype = struct.unpack(order + "II", data[16:24])
    packets, at = [], 24
    while at < len(data):
        if at + 16 > len(data):
            return (order, unit, "torn"), packets
        caplen, origlen = struct.unpack(order + "II", data[at + 8:at + 16])
        if at + 16 + caplen > len(data):
            return (order, unit, "torn"), packets
        packets.append((origlen, data[at + 16:at + 16 + caplen].hex()))
        at += 16 + caplen
    return (order, unit, f"snaplen {snaplen}", f"link type {linktype}"), packets


SUMMARY = re.compile(r"^(\d+) packets? (captured|received by filter|dropped by kernel)$")
ANOTHER_COUNT = re.compile(r"^\d+ packets? (dropped|cut|not|still)\b")
LISTENING = re.compile(r"^(?:tcpdump: |rawcap: )?listening on (.*)$")
COMPLAINT = re.compile(r"^(tcpdump|rawcap): (?!verbose output)")
TALK = re.compile(r"^reading from file |^$|^tcpdump: verbose output")
PSEUDO = re.compile(r"^\d+\.(bluetooth|nflog|nfqueue|dbus|usbmon|ifb)")
TIME = re.compile(r"^( *\d+  )?( ?)(\d{4}-\d\d-\d\d )?(\d\d:\d\d:\d\d|\d{9,10})\.(\d{6,9})\b")


def without_time(line):
    """The digits of the packet's time are zeros, its form stays."""
    found = TIME.match(line)
    if not found:
        return line
    head = found.group(1) or ""
    return head + re.sub(r"\d", "0", found.group(0)[len(head):]) + line[found.end():]


class Result:
    """What is compared, by aspect."""

    def __init__(self, run):
        self.exit = run.status
        self.files, self.format, self.packets, self.lines = {}, {}, {}, {}
        self.counts, self.listening = [], []
        self.said = ""  # a complaint
        for folder, _, names in os.walk(run.folder):
            for name in names:
                self._look_at(run, os.path.relpath(f"{folder}/{name}", run.folder))
        self.summary = self.counts

    def _look_at(self, run, name):
        path = f"{run.folder}/{name}"
        mode = os.lstat(path).st_mode
        shown = re.sub(r"\d", "9", name) if "-G" in run.row.command else name
        if not stat.S_ISREG(mode):
            self.files[shown] = oct(mode)
            return
        with open(path, "rb") as file:
            data = file.read()
        if name not in ("stdout", "stderr") and run.samples.get(name) != len(data):
            self.files[shown] = oct(mode & 0o777)
        capture = parse_capture(data)
        if capture:
            self.format[shown], self.packets[shown] = capture
        else:
            self._read(shown, data.decode("latin-1"))

    def _read(self, name, text):
        lines = []
        for line in text.replace("\r\n", "\n").split("\n"):
            if found := SUMMARY.match(line):
                self.counts.append(found.group(2, 1))
            elif found := LISTENING.match(line):
                self.listening.append(found.group(1))
            elif COMPLAINT.match(line):
                self.said = line
            elif not TALK.match(line) and not PSEUDO.match(line) and not ANOTHER_COUNT.match(line):
                lines.append(without_time(line))
        if name != "stderr" and lines:
            self.lines[name] = lines

    def count(self, what):
        return [int(number) for kind, number in self.counts if kind == what]


def more_is_received(row):
    """With -c by a race, with -Q and on lo because tcpdump itself throws packets away."""
    return re.search(r" -[a-zA-Z#]*c ?\d| -Q|--dir| -[a-zA-Z#]*i *(any|lo)\b|=any", row.command)


def lost_packets(row, result):
    """tcpdump dropped some, or took fewer than its filter let through, for no such reason."""
    fewer = not more_is_received(row) and result.count("captured") != result.count("received by filter")
    return fewer or any(result.count("dropped by kernel"))


def short(value):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 160 else text[:157] + "..."


def first_difference(a, b):
    """Of two lists or dictionaries or values: in short words."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            if a.get(key) != b.get(key):
                return f"{key}: " + first_difference(a.get(key), b.get(key))
    if isinstance(a, list) and isinstance(b, list):
        for i, (x, y) in enumerate(zip(a, b), 1):
            if x != y:
                return f"number {i} is\n      {short(y)}\n    not\n      {short(x)}"
        return f"{len(b)} instead of {len(a)}"
    return f"{short('none' if b is None else b)} instead of {short('none' if a is None else a)}"


def compare(row, theirs, ours, is_self):
    """The aspects in which the two are not the same, with words about it."""
    wrong = {}
    if "refused" in row.differs and not is_self:
        return {} if ours.exit == 1 else {"exit": f"{ours.exit}, not 1"}
    for aspect in ASPECTS:
        a, b = getattr(theirs, aspect), getattr(ours, aspect)
        if aspect == "summary" and (more_is_received(row) or theirs.count("captured") != theirs.count("received by filter")):
            a, b = ([pair for pair in pairs if pair[0] != "received by filter"] for pairs in (a, b))
        if a != b and (is_self or aspect not in row.differs):
            wrong[aspect] = first_difference(a, b)
    if theirs.exit == "hangs" or ours.exit == "hangs":
        wrong["exit"] = f"{'tcpdump' if theirs.exit == 'hangs' else 'the program'} does not end"
    if wrong and ours.said:
        wrong["it says"] = short(ours.said)
    if is_self and theirs.exit == 0 and not any(theirs.packets.values()) and not theirs.lines:
        wrong["the row"] = "nothing comes of it"
    return wrong


# --- running them ---

SAMPLES = ("capture.pcap", "nano.pcap", "cooked.pcap", "odd.pcap", "empty.pcap", "text.pcap", "filter.txt")


def write_samples(folder):
    """Files for -r and -F."""
    os.makedirs(folder)

    def capture(name, frames, magic=0xA1B2C3D4, linktype=1, head=b""):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(struct.pack("=IHHiIII", magic, 2, 4, 0, 0, 262144, linktype))
            for i, frame in enumerate(frames):
                data = head + frame
                file.write(struct.pack("=IIII", 1700000000 + 7 * i, 1234 + 1000 * i, len(data), len(data)) + data)

    plain = [frame for pair in zip(traffic.incoming(), traffic.outgoing()) for frame in pair]
    capture("capture.pcap", plain)
    capture("nano.pcap", plain, magic=0xA1B23C4D)
    cooked = [struct.pack("!HHH8sH", 0, 1, 6, traffic.ROUTER_MAC + b"\0\0", 0x0800) + packet for packet in traffic.packets()]
    capture("cooked.pcap", cooked, linktype=113)
    capture("odd.pcap", traffic.odd())
    capture("empty.pcap", [])
    with open(f"{folder}/text.pcap", "w") as file:
        file.write("this is no capture\n")
    with open(f"{folder}/filter.txt", "w") as file:
        file.write("icmp or\narp\n")


def write_tools(folder, program):
    """Folders for PATH: tcpdump is one thing or the other in them, and what else the lines name."""
    tcpdump = shutil.which("tcpdump", path="/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ["PATH"])
    os.makedirs(f"{folder}/theirs")
    os.makedirs(f"{folder}/ours")
    os.makedirs(f"{folder}/both")
    wrapper = f"""#!/bin/sh
# As rawcap shows packets: without names, with whole sequence numbers, and -v is -vv.
for word; do
	shift
	case $word in
	--*) ;;
	-*v*) word=$(echo "$word" | sed '/^-[a-zA-Z#]*$/s/vv*/vv/') ;;
	esac
	set -- "$@" "$word"
done
exec {tcpdump} -Z root -nn -S "$@"
"""
    tools = {
        "theirs/tcpdump": wrapper,
        "both/sudo": '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"\n',
        "both/ssh": '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\nshift\nexec sh -c "$*"\n',
        "both/wireshark": "#!/bin/sh\nexec cat > wireshark.pcap\n",
        "both/terminal": f'#!/bin/sh\nexec python3 {HERE}/../tools/terminal.py -e terminal.txt "$@"\n',
    }
    for name, text in tools.items():
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
        os.chmod(f"{folder}/{name}", 0o755)
    os.symlink(f"{folder}/theirs/tcpdump" if program is None else program, f"{folder}/ours/tcpdump")


class Table:
    def __init__(self, scratch, wire, is_self):
        self.scratch, self.wire, self.is_self = scratch, wire, is_self
        self.results = {}  # of each row: what is wrong with it

    def path(self, side):
        return f"{self.scratch}/tools/{side}:{self.scratch}/tools/both:/usr/sbin:/usr/bin:/sbin:/bin:{os.environ['PATH']}"

    def start(self, rows):
        runs = []
        for row in rows:
            folder = f"{self.scratch}/{row.number}"
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            os.chmod(folder, 0o755)
            runs += [Run(row, f"{folder}/{side}", f"{self.scratch}/samples", self.path(side)) for side in SIDES]
        deadline = time.monotonic() + TO_START
        seen = 0
        while seen < 3 and time.monotonic() < deadline:  # three looks in a row: what waits now waits for packets
            bound, table = bound_sockets(), processes()
            seen = seen + 1 if all(run.has_started(bound, table) for run in runs) else 0
            time.sleep(0.03)
        return runs

    def run(self, rows, kind):
        """These rows on one stretch of traffic; those to be tried again."""
        runs = self.start(rows)
        self.wire.send(kind)
        time.sleep(HANDED_OVER)
        if kind == "late":
            time.sleep(LATE)
            self.wire.send_late()
            time.sleep(HANDED_OVER)
        if not kind.startswith("timed"):
            table = processes()
            for run in runs:
                run.interrupt(table)
        deadline = time.monotonic() + TO_END
        while not all([run.ended() for run in runs]) and time.monotonic() < deadline:
            time.sleep(0.02)
        for run in runs:
            run.clean_up()
        return [row for row, theirs, ours in zip(rows, runs[::2], runs[1::2]) if self.judge(row, Result(theirs), Result(ours))]

    def judge(self, row, theirs, ours):
        """Whether the row is to be tried again: tcpdump is not to blame for a machine that is busy."""
        self.results[row] = compare(row, theirs, ours, self.is_self)
        return bool(self.results[row]) and lost_packets(row, theirs)


def tell(table, rows, only_failures):
    failed = 0
    aspects = collections.Counter(aspect for row in rows for aspect in table.results[row] if aspect in ASPECTS)
    for row in rows:
        wrong = table.results[row]
        failed += bool(wrong)
        if wrong or not only_failures:
            print(f"{'FAILED' if wrong else 'same  '} {row.number}: {row.kind}: {row.command}")
        for aspect, why in wrong.items():
            print(f"    {aspect}: {why}")
    if aspects:
        print("what is not the same: " + ", ".join(f"{aspect} in {count}" for aspect, count in aspects.most_common()))
    differ = sum(bool(row.differs) for row in rows)
    print(f"{len(rows)} command lines: {len(rows) - failed} as expected "
          f"({len(rows) - differ} of all are to be the same in all, {differ} differ on purpose in part), {failed} not")
    return failed


def inside(arguments):
    rows = [row for row in read_table(f"{HERE}/table") if re.search(arguments.only, f"{row.kind}: {row.command}")]
    scratch = arguments.keep or tempfile.mkdtemp(prefix="rawcap-table.")
    os.makedirs(scratch, exist_ok=True)
    os.chmod(scratch, 0o755)
    os.umask(0o022)
    write_samples(f"{scratch}/samples")
    write_tools(f"{scratch}/tools", None if arguments.self else os.path.realpath(arguments.program))
    wire = Wire()
    if wire.tun is None:
        rows = [row for row in rows if "tun0" not in row.command]
    table = Table(scratch, wire, arguments.self)
    start = time.monotonic()
    try:
        groups = collections.defaultdict(list)
        for row in rows:
            groups[group(row)].append(row)
        for kind, members in groups.items():
            for attempt in range(TRIES):
                size = 2 * arguments.jobs if kind == "timed" else arguments.jobs
                members = [row for i in range(0, len(members), size) for row in table.run(members[i:i + size], kind)]
        failed = tell(table, rows, arguments.list_failures)
        print(f"{time.monotonic() - start:.0f} s")
    finally:
        wire.end()
        if not arguments.keep:
            shutil.rmtree(scratch)
    return 1 if failed or not rows else 0


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("-l", "--list-failures", action="store_true")
    parser.add_argument("-o", "--only", default="")
    parser.add_argument("-p", "--program", default=os.environ.get("RAWCAP", f"{HERE}/../../rawcap"))
    parser.add_argument("-s", "--self", action="store_true")
    parser.add_argument("-k", "--keep")
    parser.add_argument("-j", "--jobs", type=int, default=40)
    arguments = parser.parse_args()
    if arguments.help:
        print(__doc__)
        return 0
    if os.environ.get("TABLE_INSIDE"):
        return inside(arguments)
    flags = ["-n"] if os.getuid() == 0 else ["-n", "-U", "-c", "--keep-caps"]  # tcpdump cannot be a namespace's root
    os.environ["TABLE_INSIDE"] = "yes"
    os.execvp("unshare", ["unshare", *flags, sys.executable, "-B", *sys.argv])


if __name__ == "__main__":
    sys.exit(main())
