# SPDX-License-Identifier: MIT
"""Clocks: set while a capture runs, and asked by the calls of older kernels and of newer."""

from guest import Capture
from harness import CannotRun, Captures, arrive, expect, frame, frames, into, same

SCENARIOS = []
scenario = into(SCENARIOS)


def settable_clocks(guest):
    """Far on, far back, and beyond 31 bits; the last where the guest's date knows it: Debian's of 32 bits does not."""
    beyond = 2200000000
    return [2000000000, 1000000000] + [beyond] * (guest.ask(f"date -d @{beyond}")[0] == 0)


@scenario
def time_stamps_follow_a_clock_that_is_set(guest, wire):
    now = guest.text("date +%s")
    captures = Captures(guest, "eth0")
    spans = []
    for clock in settable_clocks(guest):
        guest.run(f"date -s @{clock}")
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
    for clock in settable_clocks(guest):
        guest.run(f"date -s @{clock}")
        files = int(guest.text("set -- /tmp/ring/* /tmp/recv/*; echo $#"))
        guest.run(f"wait_until files {files + 4} /tmp/ring /tmp/recv")  # two periods for each
        start = int(guest.text("date +%s"))
        arrive(guest, wire, frames([60 + len(spans)]))
        guest.run("sleep 3")  # the ring hands it over after a second, some kernels after two
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
