# SPDX-License-Identifier: MIT
"""The end: no packet that came before it is missing, and promiscuous mode is given back."""

from guest import Capture
from harness import Captures, counter, expect, frames, into, make, same

SCENARIOS = []
scenario = into(SCENARIOS)


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
