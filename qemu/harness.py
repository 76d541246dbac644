# SPDX-License-Identifier: MIT
"""What the scenarios share: frames to send, captures to judge, and the loop that runs them.

A scenario is a function named after its promise. It captures in the guest with both input paths at
once, the ring and -B 0, and judges the files here, byte by byte, against what was on the wire or what
was sent. Nothing that the guest's kernel prints has a say in it: a scenario passes when its function
returns. Each of them is in a list of pairs, name and function, in the order they run.

A program of scenarios is started as PROGRAM ARCH TAP SOCKETS BUILD QEMU...: it boots the guest and
runs them. One line each, then the count; exit 0 if there were any and all passed. $SKIPS has lines
"NAME: WHY" of scenarios that cannot run on this machine, as its file in arch/ knows. $ONLY is a
regular expression: those whose names have it.
"""

import os
import re
import signal
import struct
import sys
import time

from guest import Capture, Failed, Gone, Guest, Wire

GUEST = bytes.fromhex("020000000902")  # eth0 of the guest; the host's end is ...01
HOST = bytes.fromhex("020000000901")
STRANGER = bytes.fromhex("020000007777")
TYPE = 0x88B5  # for experiments
ETHERNET, RAW, SLL, RADIOTAP, CAN, IEEE802154, NETLINK, SLL2 = 1, 101, 113, 127, 227, 230, 253, 276
OUTGOING = 4  # linux/if_packet.h: sll_pkttype
BIGGEST = 65535  # bytes of a frame that the host's tap takes


class CannotRun(Exception):
    """This machine has not what the scenario is about."""


def into(scenarios):
    """Decorates a function, which takes the guest and the wire, as one of this list: its name is the promise."""

    def add(function):
        scenarios.append((function.__name__.replace("_", " "), function))
        return function

    return add


def frame(size, *tags, to=GUEST, source=HOST):
    """A frame of SIZE bytes, tags (TPID, TCI) included, whose bytes depend on size and tags."""
    head = to + source + b"".join(struct.pack("!HH", *tag) for tag in tags) + struct.pack("!H", TYPE)
    return head + bytes((size + 7 * i + len(tags)) % 256 for i in range(size - len(head)))


def frames(sizes, *tags):
    return [frame(size, *tags) for size in sizes]


def ipv4(size):
    """An IP packet of SIZE bytes, 20 or more."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 1, 0, 64, 253, 0, bytes((10, 9, 9, 1)), bytes((10, 9, 9, 2)))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack("!H", ~total & 0xFFFF) + head[12:] + bytes(i % 251 for i in range(size - 20))


def expect(true, what):
    if not true:
        raise AssertionError(what)


def same(got, wanted, what="frames"):
    """Both lists of byte strings are equal; else tells the first difference."""
    for i, (a, b) in enumerate(zip(got, wanted)):
        if a != b:
            at = next((k for k in range(min(len(a), len(b))) if a[k] != b[k]), min(len(a), len(b)))
            raise AssertionError(f"{what}: number {i + 1} of {len(a)} bytes, not {len(b)}, is different from byte {at} "
                                 f"on: {a[at:at + 20].hex()}, not {b[at:at + 20].hex()}")
    expect(len(got) == len(wanted), f"{what}: {len(got)} instead of {len(wanted)}")


class Captures:
    """rawcap with the same arguments twice, at the same time: through the ring and with -B 0."""

    def __init__(self, guest, arguments, surroundings="", paths=("ring", "recv")):
        self.guest = guest
        self.paths = paths
        self.errors = {}  # what each said on stderr
        for path in paths:
            no_ring = "-B 0 " if path == "recv" else ""
            guest.run(f"surroundings='{surroundings}' begin {path} {no_ring}{arguments}")

    def end(self, how="INT", status=0):
        """Stops both (how = "": they end by themselves); the capture, which must be the same."""
        captures = [self._end_one(path, how, status) for path in self.paths]
        same(captures[0].frames, captures[-1].frames, "ring and -B 0 differ, frames")
        lengths = [[packet.origlen for packet in capture.packets] for capture in captures]
        expect(lengths[0] == lengths[-1], "ring and -B 0 differ in the packets' lengths")
        expect(captures[0].linktype == captures[-1].linktype, "ring and -B 0 differ in the link type")
        return captures[0]

    def _end_one(self, path, how, status):
        ended = self.guest.ask(f"finish {path} {how}")[0]
        error = self.errors[path] = self.guest.text(f"cat /tmp/{path}.err")
        expect(ended == status, f"{path}: exit status {ended}, not {status}: {error[-200:]}")
        capture = Capture(self.guest.run(f"cat /tmp/{path}.pcap"))
        captured, received, dropped = (said(error, word) for word in ("captured", "received", "dropped"))
        expect(captured == len(capture.packets), f"{path}: {len(capture.packets)} records, but it says: {error}")
        expect(received == captured + dropped, f"{path}: counts do not add up: {error}")
        expect(dropped == 0, f"{path}: lost packets: {error}")
        return capture

    def say(self, pattern):
        for path, error in self.errors.items():
            expect(re.search(pattern, error, re.MULTILINE), f"{path}: no line about {pattern} on stderr: {error}")


def said(error, word):
    """A figure of the summary on stderr, -1 if it is not there."""
    line = re.search(rf"^(\d+) packets? {word}", error, re.MULTILINE)
    return int(line[1]) if line else -1


def counter(guest, interface="eth0"):
    return int(guest.text(f"cat /sys/class/net/{interface}/statistics/rx_packets"))


def arrive(guest, wire, batch, lost=0):
    """Sends frames into the guest and waits until its kernel has them, all but those it must not take."""
    before = counter(guest)
    for i in range(0, len(batch), 250):  # fewer than any queue on the way holds
        wire.send(batch[i : i + 250])
        guest.run(f"wait_until received eth0 {before + min(i + 250, len(batch)) - lost}")


def make(guest, name, command, address=""):
    """Makes the interface NAME by COMMAND and sets it up."""
    guest.run(f"{command}; wait_until test -e /sys/class/net/{name}")
    if address:
        guest.run(f"ip addr add {address} dev {name}")
    guest.run(f"ip link set {name} up")


# --- running them ---


def run_one(name, function, guest, wire):
    wire.frames.clear()
    guest.log.write(f"\n# {time.monotonic() - guest.start:.1f} s: {name}\n")
    try:
        function(guest, wire)
        print(f"ok {name}", flush=True)
        return True
    except CannotRun as why:
        print(f"skipped {name}: {why}", flush=True)
        return None
    except Exception as error:  # whatever it is, it is this scenario's
        reason = error if isinstance(error, (AssertionError, Failed, Gone)) else repr(error)
        print(f"not ok {name}: " + " / ".join(str(reason).split("\n")), flush=True)
        return False


def main(scenarios, arch, tap, sockets, build, *command):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    Capture.reader = f"{build}/pcapread"
    skips = dict(line.split(": ", 1) for line in os.environ.get("SKIPS", "").splitlines())
    results = []  # True, False, or None for what cannot run
    guest, kernel = None, "no kernel"
    try:
        guest = Guest(command, sockets, f"{build}/transcript.log", f"{build}/console.log")
        kernel = "Linux " + guest.text("uname -r")
        wire = Wire(tap)
        if os.environ.get("MONITOR"):
            guest.monitor(os.environ["MONITOR"])
        for name, function in scenarios:
            if not re.search(os.environ.get("ONLY", ""), name):
                continue
            if name in skips:
                print(f"skipped {name}: {skips.pop(name)}", flush=True)
                results.append(None)
                continue
            results.append(run_one(name, function, guest, wire))
            guest.run("tidy")
        if skips and "ONLY" not in os.environ:
            raise Failed(f"no scenario is called {' or '.join(skips)}")
    except (Gone, Failed) as error:
        print(f"not ok {arch} lives to the end: {error} (see {build}/console.log)")
        results.append(False)
    finally:
        if guest:
            guest.end()
    took = time.monotonic() - guest.start if guest else 0
    print(f"{arch}: {results.count(True)} passed, {results.count(False)} failed, "
          f"{results.count(None)} cannot run there; {took:.0f} s on {kernel}")
    return 0 if True in results and False not in results else 1
