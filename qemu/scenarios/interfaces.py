# SPDX-License-Identifier: MIT
"""Kinds of interface: the link type of each, and its packets as they are."""

import re
import struct

from harness import (
    CAN, ETHERNET, IEEE802154, NETLINK, OUTGOING, RADIOTAP, RAW, SLL, SLL2,
    Captures, arrive, expect, frame, frames, into, ipv4, make, same,
)

SCENARIOS = []
scenario = into(SCENARIOS)


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
