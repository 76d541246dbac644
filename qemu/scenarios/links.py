# SPDX-License-Identifier: MIT
"""The link goes down, is renamed, is deleted, is pulled out; a capture survives or says so."""

from harness import Captures, arrive, expect, frames, into, make, same

SCENARIOS = []
scenario = into(SCENARIOS)


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
