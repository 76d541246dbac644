# SPDX-License-Identifier: MIT
"""Surroundings: a rescue shell, little memory, a full disk."""

import os
import re
import time

from guest import Capture
from harness import Captures, arrive, counter, expect, frame, frames, into, said, same

SCENARIOS = []
scenario = into(SCENARIOS)


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
    guest.run("dhcp_network && watch dhcp0")
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
    take_beyond(guest, int(os.environ.get("SMALL", "64")) << 10)
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
    guest.ask("umount /tmp/taken")


def take_beyond(guest, limit):
    """Takes what memory Linux has beyond LIMIT KiB: one kernel leaves some MB more of a machine than another."""
    surplus = int(guest.text("field /proc/meminfo MemTotal")) - limit
    expect(surplus <= 8 << 10, f"the guest has {surplus} KiB more than {limit}")
    if surplus > 0:
        guest.run("mkdir -p /tmp/taken; mount -t tmpfs none /tmp/taken")
        guest.run(f"head -c {surplus << 10} /dev/zero > /tmp/taken/surplus")


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
