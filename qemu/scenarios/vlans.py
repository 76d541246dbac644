# SPDX-License-Identifier: MIT
"""VLANs: the tag is where it was on the wire, and an interface of a VLAN shows none."""

from guest import Capture
from harness import Captures, arrive, expect, frame, frames, into, make, same

SCENARIOS = []
scenario = into(SCENARIOS)


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
