#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scenarios.py ARCH TAP SOCKETS BUILD QEMU...: boots the guest and makes rawcap keep its promises there.

Each scenario is a function named after its promise. It captures in the guest with both input paths at
once, the ring and -B 0, and judges the files here, byte by byte, against what was on the wire or what
was sent. Nothing that the guest's kernel prints has a say in it: a scenario passes when its function
returns. One line each, then the count; exit 0 if there were any and all passed. $SKIPS has lines
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
    """Decorates a function, which takes the guest and the wire, as one of these: its name is the promise."""

    def add(function):
        scenarios.append((function.__name__.replace("_", " "), function))
        return function

    return add


SCENARIOS = []  # name and function of each, in order
scenario = into(SCENARIOS)


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


# --- frames on the wire ---


@scenario
def frames_of_every_size_come_in_byte_for_byte(guest, wire):
    sent = frames(range(14, 1515))
    captures = Captures(guest, "eth0")
    arrive(guest, wire, sent)
    capture = captures.end()
    expect(capture.linktype == ETHERNET, f"link type {capture.linktype}")
    same(capture.frames, sent)


@scenario
def frames_of_every_size_go_out_byte_for_byte(guest, wire):
    captures = Captures(guest, "eth0")
    guest.run("send -l -s 14:1514 -c 1501 eth0")
    on_the_wire = wire.wait_for(1501)
    same(captures.end().frames, on_the_wire)


@scenario
def frames_as_large_as_the_card_takes_are_whole(guest, wire):
    largest = min(int(guest.text("cat /sys/class/net/eth0/mtu")) + 14, BIGGEST)
    sent = frames([2047, 2048, 2049, 9014, largest - 1, largest] if largest > 9014 else [largest - 1, largest])
    captures = Captures(guest, "-s 0 eth0")
    arrive(guest, wire, sent)
    guest.run(f"send -l -s {largest} -c 3 eth0")
    sent += wire.wait_for(3)
    same(captures.end().frames, sent)


@scenario
def what_is_cut_has_its_length_on_the_wire_and_is_counted(guest, wire):
    sent = frames([60, 100, 101, 1514])
    captures = Captures(guest, "-s 100 eth0")
    arrive(guest, wire, sent)
    capture = captures.end()
    same(capture.frames, [f[:100] for f in sent])
    expect([p.origlen for p in capture.packets] == [60, 100, 101, 1514], "lengths on the wire")
    captures.say("^2 packets cut to 100 bytes")


@scenario
def a_ping_shows_in_both_directions(guest, wire):
    captures = Captures(guest, "eth0")
    guest.run("for i in 1 2 3; do ping -c 1 -s 1200 -W 5 10.9.0.1; done")
    same(captures.end().frames, wire.wait_for(6))


@scenario
def a_count_ends_a_capture_by_itself(guest, wire):
    captures = Captures(guest, "-c 3 eth0")
    arrive(guest, wire, frames(range(60, 70)))
    for path in captures.paths:
        status = guest.ask(f"finish {path}")[0]
        expect(status == 0, f"{path}: exit status {status}")
        same(Capture(guest.run(f"cat /tmp/{path}.pcap")).frames, frames(range(60, 63)), path)


@scenario
def frames_of_others_come_only_in_promiscuous_mode(guest, wire):
    batch = [frame(80, to=STRANGER), frame(81)]
    captures = Captures(guest, "-p eth0")
    arrive(guest, wire, batch, lost=1)
    same(captures.end().frames, batch[1:], "with -p, frames")
    captures = Captures(guest, "eth0")
    arrive(guest, wire, batch)
    same(captures.end().frames, batch, "frames")


# --- VLANs ---


@scenario
def a_vlan_tag_is_back_in_its_place(guest, wire):
    """Inner, outer, both; priority without a VLAN; all bits set: with the module 8021q there or not."""
    tags = [[(0x8100, 5)], [(0x8100, 0xA000)], [(0x8100, 0)], [(0x88A8, 7), (0x8100, 5)], [(0x8100, 0xFFFF)],
            [(0x9100, 3)], [(0x8100, 7), (0x8100, 5)], []]
    sent = [frame(60 + i, *tag) for i, tag in enumerate(tags)]
    captures = Captures(guest, "eth0")
    for module in ("", "modprobe 8021q; ip link add link eth0 name eth0.5 type vlan id 5; ip link set eth0.5 up"):
        guest.run(module)
        for one in sent:  # one by one: in a batch the kernel lets tagged frames overtake others
            arrive(guest, wire, [one])
    capture = captures.end()
    same(capture.frames, sent + sent)
    expect(all(p.origlen == len(p.data) for p in capture.packets), "the tag counts in the packet's length")


@scenario
def a_vlan_interface_shows_its_frames_untagged_its_parent_tagged(guest, wire):
    guest.run("modprobe 8021q")
    make(guest, "eth0.5", "ip link add link eth0 name eth0.5 type vlan id 5")
    captures = Captures(guest, "eth0.5")
    guest.run("begin parent eth0")
    arrive(guest, wire, frames([64, 65], (0x8100, 5)) + frames([66], (0x8100, 6)))
    guest.run("send -l -s 60:70 -c 11 eth0.5")
    out = wire.wait_for(11)
    guest.run("finish parent INT")
    parent = Capture(guest.run("cat /tmp/parent.pcap"))
    untagged = frames([64, 65], (0x8100, 5)) + out
    same(captures.end().frames, [f[:12] + f[16:] for f in untagged], "frames of the VLAN")
    same(parent.frames, frames([64, 65], (0x8100, 5)) + frames([66], (0x8100, 6)) + out, "frames of its parent")
    expect(all(f[12:16] == bytes.fromhex("81000005") for f in out), "tags of what went out")


@scenario
def a_vlan_within_a_vlan_shows_both_tags_on_the_parent(guest, wire):
    guest.run("modprobe 8021q")
    make(guest, "outer", "ip link add link eth0 name outer type vlan protocol 802.1ad id 7")
    make(guest, "inner", "ip link add link outer name inner type vlan id 5")
    captures = Captures(guest, "eth0")
    guest.run("send -l -s 60:70 -c 11 inner")
    out = wire.wait_for(11)
    expect(all(f[12:20] == bytes.fromhex("88a8000781000005") for f in out), "tags of what went out")
    arrive(guest, wire, frames([64, 65], (0x88A8, 7), (0x8100, 5)))
    same(captures.end().frames, out + frames([64, 65], (0x88A8, 7), (0x8100, 5)))


# --- the link ---


@scenario
def a_pulled_cable_does_not_end_a_capture(guest, wire):
    captures = Captures(guest, "eth0")
    arrive(guest, wire, frames([60]))
    guest.monitor("set_link nic off")
    guest.run("wait_until net eth0 carrier = 0")
    guest.monitor("set_link nic on")
    guest.run("wait_until net eth0 carrier = 1")
    arrive(guest, wire, frames([61, 62]))
    same(captures.end().frames, frames([60, 61, 62]))


@scenario
def a_link_set_down_and_up_is_told_and_captured_on(guest, wire):
    captures = Captures(guest, "eth0")
    for i in range(3):
        arrive(guest, wire, frames([60 + 2 * i, 61 + 2 * i]))
        guest.run("ip link set eth0 down")
        guest.run("wait_until grep -q down /tmp/ring.err && wait_until grep -q down /tmp/recv.err")
        guest.run("card_up")
    arrive(guest, wire, frames([66]))
    same(captures.end().frames, frames(range(60, 67)))
    captures.say("eth0: .*down")


@scenario
def an_interface_that_is_down_is_captured_once_it_is_up(guest, wire):
    guest.run("modprobe dummy; ip link add dummy7 type dummy")
    captures = Captures(guest, "dummy7")
    guest.run("wait_until grep -q down /tmp/ring.err && wait_until grep -q down /tmp/recv.err")
    guest.run("ip link set dummy7 up")
    guest.run("send -l -s 60 -c 5 dummy7")
    expect(len(captures.end().frames) == 5, "frames sent after it came up")
    captures.say("dummy7: .*down")


@scenario
def a_renamed_interface_is_captured_on(guest, wire):
    make(guest, "dummy7", "modprobe dummy; ip link add dummy7 type dummy")
    captures = Captures(guest, "dummy7")
    guest.run("send -l -c 5 dummy7; ip link set dummy7 down; ip link set dummy7 name renamed; ip link set renamed up")
    guest.run("send -l -c 7 renamed")
    expect(len(captures.end().frames) == 12, "frames under both names")


@scenario
def a_deleted_interface_ends_with_1_and_keeps_its_packets(guest, wire):
    for down_first in ("", "ip link set dummy7 down;"):
        make(guest, "dummy7", "modprobe dummy; ip link add dummy7 type dummy")
        captures = Captures(guest, "dummy7")
        guest.run(f"send -l -c 9 dummy7; {down_first} ip link del dummy7")
        expect(len(captures.end("", status=1).frames) == 9, "frames before it was deleted")
        captures.say("rawcap: dummy7: ")


@scenario
def a_card_that_is_taken_away_ends_with_1_and_keeps_its_packets(guest, wire):
    captures = Captures(guest, "eth0")
    arrive(guest, wire, frames(range(60, 90)))
    guest.run("cd -P /sys/class/net/eth0/device; card=${PWD##*/}; cd -P driver; echo $card > unbind")
    try:
        same(captures.end("", status=1).frames, frames(range(60, 90)))
        captures.say("rawcap: eth0: ")
    finally:
        guest.run("echo $card > bind; cd /; network_up")


# --- kinds of interface ---


@scenario
def a_tun_device_is_raw_ip(guest, wire):
    packets = [ipv4(size) for size in (20, 21, 1500)] + [b"\x45", b"\x60" + bytes(12), ipv4(60)]
    make(guest, "tun7", "modprobe tun; hold tun tun7")
    captures = Captures(guest, "tun7")
    guest.run("say " + " ".join(p.hex() for p in packets))
    guest.run(f"wait_until received tun7 {len(packets)}")
    guest.run(f"send -l tun7 {ipv4(99).hex()}")
    capture = captures.end()
    expect(capture.linktype == RAW, f"link type {capture.linktype}")
    same(capture.frames, packets + [ipv4(99)], "packets")
    guest.run("let_go")


@scenario
def a_tap_device_is_ethernet(guest, wire):
    batch = frames([14, 15, 60, 1514])
    make(guest, "tap7", "modprobe tun; hold tun -e tap7")
    captures = Captures(guest, "tap7")
    guest.run("say " + " ".join(f.hex() for f in batch))
    guest.run(f"wait_until received tap7 {len(batch)}")
    guest.run(f"send -l tap7 {frame(77).hex()}")
    guest.run("let_go")  # the interface goes with its process
    capture = captures.end("", status=1)
    expect(capture.linktype == ETHERNET, f"link type {capture.linktype}")
    same(capture.frames, batch + [frame(77)])


def sends_as_is(linktype, name, command, packet):
    """A scenario: what is sent on this interface stands in the file as it is, under this link type."""

    def sends(guest, _):
        make(guest, name, command)
        captures = Captures(guest, name)
        guest.ask(f"send -l {name} {packet.hex()}")  # a tunnel without a peer says no, but has shown it
        capture = captures.end()
        expect(capture.linktype == linktype, f"link type {capture.linktype}, not {linktype}")
        same(capture.frames, [packet], "packets")

    return sends


def is_cooked(name, command, hatype, told):
    """A scenario: the interface's packets stand behind a cooked header that names its hardware type."""

    def pings(guest, _):
        make(guest, name, command, address="10.8.0.1/24")
        captures = Captures(guest, name)
        guest.ask("ping -c 1 -W 1 10.8.0.2")
        capture = captures.end()
        expect(capture.linktype == SLL, f"link type {capture.linktype}, not {SLL}")
        expect(len(capture.packets) == 1, f"{len(capture.packets)} packets of one ping")
        data = capture.frames[0]
        kind, kind_of_link, _, protocol = struct.unpack("!HHH8xH", data[:16])
        expect((kind, kind_of_link, protocol) == (OUTGOING, hatype, 0x0800), f"cooked header {data[:16].hex()}")
        expect(data[16] == 0x45 and data[28:36] == bytes((10, 8, 0, 1, 10, 8, 0, 2)), "the ping's IP header")
        expect(struct.unpack("!H", data[18:20])[0] == len(data) - 16, "the ping's length")
        if told:
            captures.say(name)

    return pings


BEACON = bytes.fromhex("0000080000000000" + "80000000ffffffffffff020000000001020000000001" + "0000")
DATA_154 = bytes.fromhex("018801ffffffff0000") + bytes(20)

TUNNEL = "remote 10.9.0.1 local 10.9.0.2"
SCENARIOS += [
    ("wireguard is raw IP", sends_as_is(RAW, "wg7", "modprobe wireguard; ip link add wg7 type wireguard", ipv4(80))),
    ("sit is raw IP", sends_as_is(RAW, "sit7", f"modprobe sit; ip tunnel add sit7 mode sit {TUNNEL}", ipv4(80))),
    ("ipip is raw IP", sends_as_is(RAW, "ipip7", f"modprobe ipip; ip tunnel add ipip7 mode ipip {TUNNEL}", ipv4(80))),
    ("dummy is Ethernet", sends_as_is(ETHERNET, "dummy7", "modprobe dummy; ip link add dummy7 type dummy", frame(80))),
    ("hwsim0 is radiotap", sends_as_is(RADIOTAP, "hwsim0", "modprobe mac80211_hwsim", BEACON)),
    ("wpan is IEEE 802.15.4", sends_as_is(IEEE802154, "wpan0", "modprobe mac802154_hwsim", DATA_154)),
    ("gre is cooked and said to be",
     is_cooked("gre7", f"modprobe ip_gre; ip tunnel add gre7 mode gre {TUNNEL}", 778, told=True)),
    ("ppp is cooked", is_cooked("ppp0", "modprobe ppp_generic; hold ppp", 512, told=False)),
]


@scenario
def can_frames_come_once_under_their_link_type(guest, wire):
    make(guest, "vcan7", "modprobe can_raw; modprobe vcan; ip link add vcan7 type vcan")
    captures = Captures(guest, "vcan7")
    guest.run("can vcan7 0x123 hello")
    capture = captures.end()
    expect(capture.linktype == CAN, f"link type {capture.linktype}, not {CAN}")
    expect(len(capture.frames) == 1, f"{len(capture.frames)} packets of one frame")
    # https://www.tcpdump.org/linktypes/LINKTYPE_CAN_SOCKETCAN.html: the identifier is big-endian
    expect(capture.frames[0] == b"\0\0\1\x23\5\0\0\0hello\0\0\0", f"frame {capture.frames[0].hex()}")


@scenario
def nlmon_is_netlink(guest, wire):
    make(guest, "nlmon7", "modprobe nlmon; ip link add nlmon7 type nlmon")
    # ring alone: what ends one capture may show in the other; a filter counts from the cooked header on
    captures = Captures(guest, "nlmon7 'link[16:4] != 0'", paths=("ring",))
    guest.run("ip link show lo")
    capture = captures.end()
    expect(capture.linktype == NETLINK, f"link type {capture.linktype}, not {NETLINK}")
    expect(capture.frames, "no packet")
    for data in capture.frames:
        expect(data[2:4] == struct.pack("!H", 824), f"hardware type in {data[:16].hex()}")


@scenario
def a_dsa_conduit_has_its_tags_link_type(guest, wire):
    for tagging, options, linktype in (("brcm", "", 281), ("brcm-prepend", "", 282), ("dsa", "", 284),
                                       ("edsa", "", 285), ("edsa", "-y EN10MB", ETHERNET),
                                       ("mtk", "", ETHERNET), ("none", "", ETHERNET)):
        captures = Captures(guest, f"{options} eth0", surroundings=f"conduit {tagging}")
        arrive(guest, wire, frames([90]))
        capture = captures.end()
        expect(capture.linktype == linktype, f"{tagging} {options}: link type {capture.linktype}, not {linktype}")
        same(capture.frames, frames([90]))
        if tagging in ("brcm", "mtk"):
            captures.say(tagging)


@scenario
def any_shows_all_interfaces_each_packet_once(guest, wire):
    make(guest, "dummy7", "modprobe dummy; ip link add dummy7 type dummy")
    index = {name: int(guest.text(f"cat /sys/class/net/{name}/ifindex")) for name in ("lo", "eth0", "dummy7")}
    captures = Captures(guest, "any")
    arrive(guest, wire, frames([90, 91]))
    guest.run("send -l -c 3 dummy7")
    guest.run("ping -c 1 127.0.0.1")
    capture = captures.end()
    expect(capture.linktype == SLL2, f"link type {capture.linktype}, not {SLL2}")
    seen = [struct.unpack("!I", data[4:8])[0] for data in capture.frames]
    expect(seen == [index["eth0"]] * 2 + [index["dummy7"]] * 3 + [index["lo"]] * 2, f"interfaces {seen} of {index}")
    same([data[20:] for data in capture.frames[:2]], [f[14:] for f in frames([90, 91])], "payloads")


@scenario
def the_list_names_every_interface(guest, wire):
    make(guest, "dummy7", "modprobe dummy; ip link add dummy7 type dummy")
    listed = guest.text("rawcap -D")
    for name in guest.text("ls /sys/class/net").split():
        expect(re.search(rf"(^|[ .]){name}\b", listed, re.MULTILINE), f"{name} is missing in: {listed}")


# --- surroundings ---


@scenario
def a_rescue_shell_has_all_that_it_takes(guest, wire):
    """No /proc, no /sys, in /dev nothing but the console, stdin closed."""
    dev = guest.text("(rescue ls /dev)")
    expect(dev == "console", f"/dev of the rescue shell has: {dev}")
    captures = Captures(guest, "eth0", surroundings="rescue")
    arrive(guest, wire, frames(range(60, 160)))
    same(captures.end().frames, frames(range(60, 160)))
    listed = guest.text("(rescue rawcap -D)")
    expect("eth0" in listed, f"-D without /sys: {listed}")


@scenario
def a_rescue_shell_watches_a_dhcp_exchange_on_its_console(guest, wire):
    """No /proc, no file to write: the lines come on the terminal, as they do for who stares at it."""
    guest.run("dhcp_network; watch dhcp0")
    try:
        guest.run("udhcpc -f -q -n -i dhcp1 -s /bin/true -t 10 -T 1")
        guest.wait_for_console(", ACK")
    finally:
        status = guest.ask("kill $server; finish watcher INT")[0]
    guest.wait_for_console("dropped by kernel\n")
    shown = guest.console()
    expect(status == 0, f"exit status {status}: {shown}")
    mac = guest.text("cat /sys/class/net/dhcp1/address")
    time = r"\d\d:\d\d:\d\d\.\d{6} IP "
    client, server = r"0\.0\.0\.0\.68 > 255\.255\.255\.255\.67", r"10\.8\.0\.1\.67 > .*\.68"
    lines = iter(shown.splitlines())
    for pattern in (
            f"{time}{client}: BOOTP/DHCP, Request from {mac}, length \\d+, xid 0x[0-9a-f]+, Discover",
            f"{time}{server}: BOOTP/DHCP, Reply, length \\d+, client {mac}, your 10.8.0.\\d+, xid 0x[0-9a-f]+, Offer",
            f"{time}{client}: BOOTP/DHCP, Request from {mac}, .*, Request, requested 10.8.0.\\d+",
            f"{time}{server}: BOOTP/DHCP, Reply, length \\d+, client {mac}, your 10.8.0.\\d+, xid 0x[0-9a-f]+, ACK",
            r"\d+ packets captured", r"\d+ packets received by filter", r"0 packets dropped by kernel"):
        expect(any(re.match(pattern, line) for line in lines), f"no {pattern} in its place in: {shown}")


@scenario
def a_flood_in_a_small_machine_is_kept_or_counted(guest, wire):
    """Linux has 64 MB at most ($SMALL where no kernel comes up in 64), the file grows in them, and nothing is
    lost that is not counted."""
    memory = int(guest.text("field /proc/meminfo MemTotal"))
    expect(memory <= int(os.environ.get("SMALL", "64")) << 10, f"the guest has {memory} KiB")
    for path, options in (("ring", ""), ("recv", "-B 0")):
        before = counter(guest)
        guest.run(f"begin {path} {options} eth0")
        for _ in range(40):
            wire.send([frame(200)] * 250)
            guest.run(f"received eth0 {before + 100} || true")
        guest.run(f"wait_until received eth0 {before + 9000}")
        settle(guest)
        size = int(guest.text(f"field /proc/${path}/status VmRSS"))
        guest.run(f"finish {path} INT")
        error = guest.text(f"cat /tmp/{path}.err")
        capture = Capture(guest.run(f"cat /tmp/{path}.pcap; rm /tmp/{path}.pcap"))
        arrived = counter(guest) - before
        expect(set(capture.frames) == {frame(200)}, "frames")
        expect(len(capture.frames) + said(error, "dropped") == arrived, f"{arrived} frames arrived, but: {error}")
        expect(path == "ring" or size <= 1024, f"{size} KiB of memory without a ring")
    expect("Out of memory" not in guest.text("dmesg"), "memory ran out")


def settle(guest):
    """Until no more frames come in."""
    last, now = -1, counter(guest)
    while now != last:
        time.sleep(0.05)
        last, now = now, counter(guest)


@scenario
def a_full_disk_ends_with_1_on_a_packets_end(guest, wire):
    guest.run("mkdir -p /tmp/small; mount -t tmpfs -o size=64k none /tmp/small")
    try:
        for options in ("", "-B 0"):
            sent = frames([1000 + i for i in range(100)])
            guest.run(f"output=/tmp/small/c.pcap begin full {options} eth0")
            arrive(guest, wire, sent)
            status = guest.ask("finish full")[0]
            error = guest.text("cat /tmp/full.err")
            expect(status == 1, f"exit status {status}: {error}")
            expect("no space" in error.lower(), f"stderr: {error}")
            capture = Capture(guest.run("cat /tmp/small/c.pcap"))
            same(capture.frames, sent[: len(capture.frames)])
            expect(len(capture.frames) > 50, f"only {len(capture.frames)} packets in 64 KiB")
            expect(said(error, "captured") == len(capture.frames), f"{len(capture.frames)} records: {error}")
    finally:
        guest.run("umount /tmp/small")


@scenario
def time_stamps_follow_a_clock_that_is_set(guest, wire):
    now = guest.text("date +%s")
    captures = Captures(guest, "eth0")
    spans = []
    for clock in (2000000000, 1000000000, 2200000000):  # the last is beyond 31 bits
        guest.ask(f"date -s @{clock}")
        start = int(guest.text("date +%s"))
        arrive(guest, wire, frames([60]))
        spans.append((start, int(guest.text("date +%s")) + 1))
    guest.run(f"date -s @{now}")
    times = [packet.time for packet in captures.end().packets]
    expect(len(times) == len(spans), f"{len(times)} packets")
    for at, (start, end) in zip(times, spans):
        expect(start <= at <= end, f"time {at} between {start} and {end}")


@scenario
def files_by_time_go_on_when_the_clock_is_set(guest, wire):
    """A file's time is the machine's, its name the clock's: none is skipped, and every packet is in one."""
    now = guest.text("date +%s")
    guest.run("mkdir -p /tmp/ring /tmp/recv")
    guest.run("rawcap -w /tmp/ring/%s -G 1 eth0 2> /tmp/ring.err 3>&- 4>&- & ring=$!")
    guest.run("rawcap -w /tmp/recv/%s -G 1 -B 0 eth0 2> /tmp/recv.err 3>&- 4>&- & recv=$!")
    guest.run("wait_until files 1 /tmp/ring && wait_until files 1 /tmp/recv")
    spans = []
    for clock in (2000000000, 1000000000, 2200000000):
        guest.run(f"date -s @{clock}")
        files = int(guest.text("set -- /tmp/ring/* /tmp/recv/*; echo $#"))
        guest.run(f"wait_until files {files + 4} /tmp/ring /tmp/recv")  # two periods for each
        start = int(guest.text("date +%s"))
        arrive(guest, wire, frames([60 + len(spans)]))
        spans.append((start - 2, int(guest.text("date +%s")) + 1))
    guest.run(f"date -s @{now}")
    for path in ("ring", "recv"):
        expect(guest.ask(f"finish {path} INT")[0] == 0, f"{path}: {guest.text(f'cat /tmp/{path}.err')}")
        kept = {int(name): Capture(guest.run(f"cat /tmp/{path}/{name}")).frames
                for name in guest.text(f"ls /tmp/{path}").split()}
        for i, (start, end) in enumerate(spans):
            at = [name for name, packets in kept.items() if frame(60 + i) in packets]
            expect(len(at) == 1 and start <= at[0] <= end, f"{path}: packet {i + 1} is in {at}, not {start} to {end}")
        expect(sum(map(len, kept.values())) == len(spans), f"{path}: {kept}")
    guest.run("rm -r /tmp/ring /tmp/recv")


@scenario
def times_are_right_with_the_calls_of_older_kernels_and_of_newer(guest, wire):
    """32 bits, on a kernel of 64 too: before Linux 5.1 no call had times of 64, some kernels have only those."""
    path = "/bin"
    if guest.run("od -A n -t u1 -j 4 -N 1 /bin/rawcap").split() == [b"2"]:  # elf.h: ELFCLASS64
        path = "/short:/bin"
        if guest.ask("test -e /short/rawcap")[0]:
            raise CannotRun("a machine of 64 bits has one set of calls, and this kernel runs no file of 32")
    for which in ("old", "new"):
        start = int(guest.text("date +%s"))
        captures = Captures(guest, "eth0", surroundings=f"env PATH={path} calls {which}")
        arrive(guest, wire, frames(range(60, 90)))
        capture = captures.end()
        same(capture.frames, frames(range(60, 90)), f"{which} calls, frames")
        end = int(guest.text("date +%s")) + 1
        expect(all(start <= packet.time <= end for packet in capture.packets), f"times with the {which} calls")


# --- the end ---


@scenario
def sigint_right_after_a_burst_loses_nothing(guest, wire):
    make(guest, "dummy7", "modprobe dummy; ip link add dummy7 type dummy")
    for path in ("", "-B 0"):
        for _ in range(10):
            guest.run(f"begin tail {path} dummy7; send -l -c 96 -k $tail dummy7 && finish tail")
            kept = len(Capture(guest.run("cat /tmp/tail.pcap")).frames)
            expect(kept == 96, f"{kept} of 96 frames {path}")


@scenario
def sigint_right_after_a_burst_from_the_wire_loses_nothing(guest, wire):
    for _ in range(3):
        captures = Captures(guest, "eth0")
        before = counter(guest)
        wire.send(frames(range(60, 260)))
        guest.run(f"wait_until received eth0 {before + 200} && kill -INT $ring $recv")
        same(captures.end("").frames, frames(range(60, 260)))


@scenario
def promiscuous_mode_is_given_back_however_it_ends(guest, wire):
    guest.run("! promiscuous eth0")
    for options in ("", "-B 0"):
        for how in ("INT", "KILL"):
            guest.run(f"begin one {options} eth0; promiscuous eth0")
            guest.ask(f"finish one {how}")
            guest.run("! promiscuous eth0")


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
    guest = None
    try:
        guest = Guest(command, sockets, f"{build}/transcript.log", f"{build}/console.log")
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
          f"{results.count(None)} cannot run there; {took:.0f} s")
    return 0 if True in results and False not in results else 1


if __name__ == "__main__":
    sys.exit(main(SCENARIOS, *sys.argv[1:]))
