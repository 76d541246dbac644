# SPDX-License-Identifier: MIT
"""Frames on the wire: every size, in both directions, whole, cut, counted, of others."""

from guest import Capture
from harness import BIGGEST, ETHERNET, STRANGER, Captures, arrive, expect, frame, frames, into, same

SCENARIOS = []
scenario = into(SCENARIOS)


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
