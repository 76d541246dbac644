#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""small.py ARCH TAP SOCKETS BUILD QEMU...: rawcap in a machine of 32 MB.

What a capture takes of the memory, that it gives all of it back, and what it does where there is not
enough: a smaller ring or none, never a packet that is neither kept nor counted, never a process that the
kernel has to kill. As harness.py otherwise. Lines that begin with # are the figures.
"""

import sys

from guest import Capture
from harness import arrive, expect, frames, into, main, said, same
from scenarios.surroundings import a_flood_in_a_small_machine_is_kept_or_counted

MACHINE = 32 << 10  # KiB
RING, SMALLEST = 2048, 128  # KiB: the default, and below that there is none
BLOCK = 512  # KiB: a ring has one block more than it says, of at most so much (netif.h: netif_make_ring)
NOISE = 512  # KiB: what else the kernel takes or frees meanwhile
SCENARIOS = []
scenario = into(SCENARIOS)


def memory(guest, name):
    return int(guest.text(f"field /proc/meminfo {name}"))


def begin(guest, name, options):
    """A capture in the background: the KiB of its ring."""
    guest.run(f"begin {name} -v {options} eth0")
    line = guest.text(f"grep 'ring KiB' /tmp/{name}.err")
    return int(line.split()[-1])


def captured(guest, name):
    """Stops it: its frames, none of them lost."""
    status = guest.ask(f"finish {name} INT")[0]
    error = guest.text(f"cat /tmp/{name}.err")
    expect(status == 0 and said(error, "dropped") == 0, f"{name}: exit status {status}: {error}")
    return Capture(guest.run(f"cat /tmp/{name}.pcap; rm /tmp/{name}.pcap")).frames


def use(guest, wire, options):
    """One capture of 200 frames. KiB: of its ring, of its process, and free before it, with it and after it."""
    sent = frames(range(60, 260))
    free = [memory(guest, "MemFree")]
    ring = begin(guest, "one", options)
    arrive(guest, wire, sent)
    free.append(memory(guest, "MemFree"))
    process = {name: int(guest.text(f"field /proc/$one/status {name}")) for name in ("RssAnon", "RssFile", "RssShmem")}
    same(captured(guest, "one"), sent)
    free.append(memory(guest, "MemFree"))
    return ring, process, free


@scenario
def a_capture_takes_its_ring_and_little_else_and_gives_it_all_back(guest, wire):
    expect(memory(guest, "MemTotal") <= MACHINE, "the machine has more than 32 MB")
    print(f"# {memory(guest, 'MemTotal')} KiB, {memory(guest, 'MemAvailable')} of them available")
    use(guest, wire, "")  # what the first one loads stays
    for options, most in (("", RING), (f"-B {SMALLEST}", SMALLEST), ("-B 0", 0)):
        ring, process, (before, then, after) = use(guest, wire, options)
        print(f"# {options or 'default'}: ring {ring} KiB, process {process}, taken of the machine {before - then} KiB")
        expect(min(most, before // 10) <= ring <= min(most, before // 4), f"{options}: a ring of {ring} KiB in {before}")
        expect(ring <= before - then + NOISE, f"{options}: {before - then} KiB taken for a ring of {ring}")
        expect(before - then <= ring + (BLOCK if ring else 0) + NOISE, f"{options}: {before - then} KiB taken for a ring of {ring}")
        expect(abs(before - after) <= NOISE, f"{options}: {before} KiB were free, and {after} at the end")


@scenario
def a_ring_larger_than_the_memory_becomes_one_that_fits(guest, wire):
    for asked in (16 << 10, 64 << 10, 1 << 20):
        ring, _, _ = use(guest, wire, f"-B {asked}")
        print(f"# -B {asked}: ring {ring} KiB")
        expect(SMALLEST <= ring < MACHINE, f"-B {asked}: a ring of {ring} KiB")


@scenario
def captures_beside_each_other_share_what_is_left_and_each_one_has_every_packet(guest, wire):
    sent = frames(range(60, 160))
    names = [f"c{i}" for i in range(5)]
    rings = [begin(guest, name, "") for name in names]
    print(f"# rings of {len(names)} captures at once: {rings} KiB, then {memory(guest, 'MemAvailable')} available")
    expect(rings == sorted(rings, reverse=True) and rings[-1] < rings[0], f"rings: {rings}")
    arrive(guest, wire, sent)
    for name in names:
        same(captured(guest, name), sent, name)


scenario(a_flood_in_a_small_machine_is_kept_or_counted)


@scenario
def the_flight_recorder_runs_in_it(guest, wire):
    guest.run("rawcap -q -w /tmp/last -C 1m -W 4 eth0 2> /tmp/one.err 3>&- 4>&- & one=$!; wait_until bound")
    sent = frames([1400 + i % 100 for i in range(5000)])
    arrive(guest, wire, sent)
    expect(guest.ask("finish one INT")[0] == 0, guest.text("cat /tmp/one.err"))
    files = sorted((Capture(guest.run(f"cat /tmp/last{i}; rm /tmp/last{i}")) for i in range(4)),
                   key=lambda capture: capture.packets[0].time)
    kept = [packet for capture in files for packet in capture.frames]
    expect(3 << 20 < sum(map(len, kept)) <= 4 << 20, f"{len(kept)} packets kept")
    same(kept, sent[-len(kept):])


@scenario
def nothing_was_killed_for_want_of_memory(guest, wire):
    told = guest.text("dmesg")
    expect("emory" in told, "dmesg tells of memory at all")
    for word in ("Out of memory", "oom", "Killed"):
        expect(word not in told, f"dmesg: {word}: {told[-500:]}")


if __name__ == "__main__":
    sys.exit(main(SCENARIOS, *sys.argv[1:]))
