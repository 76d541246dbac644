#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scenarios.py ARCH TAP SOCKETS BUILD QEMU...: rawcap on a router that is reached over SSH alone.

The guest is what OpenWrt is: BusyBox, dropbear and musl, with 64 MB of memory and a root of 8 MB. rawcap
comes over scp, and what it captures goes live through ssh into tcpdump, tshark and Wireshark's own sshdump.
The serial port (guest.py) is beside all that: by it a scenario knows what runs there. As harness.py
otherwise; the first one brings rawcap, so $ONLY must have it.
"""

import contextlib
import glob
import os
import re
import signal
import struct
import subprocess
import sys
import time

from guest import ANSWER, UNDER_US, Capture, tcpdump
from harness import arrive, expect, frames, into, main, said, same

BUILD = sys.argv[4]
os.environ["HOME"] = BUILD  # nobody's own settings of ssh or Wireshark
SSH = ["ssh", "-F", f"{BUILD}/ssh_config"]
ROOT = 8 << 10  # KiB: the flash
MEMORY = 64 << 10  # KiB
DEAD = 30  # seconds in which a router has noticed a dead client: dropbear -K 1 asks 3 times
SCENARIOS = []
scenario = into(SCENARIOS)


def wait_until(true, what):
    deadline = time.monotonic() + ANSWER
    while not true():
        expect(time.monotonic() < deadline, f"waited in vain until {what}")
        time.sleep(0.02)


def content(path):
    with open(path, "rb") as file:
        return file.read()


@contextlib.contextmanager
def running(command, stdin=subprocess.DEVNULL, out="out", err="err"):
    """A process on the host as long as the block lasts; it writes into files in BUILD."""
    with open(f"{BUILD}/{out}", "wb") as stdout, open(f"{BUILD}/{err}", "wb") as stderr:
        process = subprocess.Popen(UNDER_US + command, stdin=stdin, stdout=stdout, stderr=stderr)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def capturing(guest, command, *options, **files):
    """ssh router COMMAND, begun: rawcap's socket is bound."""
    with running(SSH + list(options) + ["router", command], **files) as client:
        guest.run("wait_until bound")
        yield client


@contextlib.contextmanager
def piped(guest, command, reader):
    """ssh router COMMAND | READER, begun."""
    end, start = os.pipe()
    with running(reader, stdin=end, out="shown", err="told") as process:
        os.close(end)
        with subprocess.Popen(UNDER_US + SSH + ["router", command], stdin=subprocess.DEVNULL, stdout=start,
                              stderr=subprocess.DEVNULL) as client:
            os.close(start)
            try:
                guest.run("wait_until bound")
                yield process
            finally:
                client.kill()


def ended(guest, process, status=0):
    """Stops rawcap in the guest, and with it the ssh client or what drives it: what came, and what was said."""
    guest.ask("killall -INT rawcap")
    expect(process.wait(ANSWER) == status, f"exit status {process.returncode}: {content(f'{BUILD}/err')[-300:]}")
    return Capture(content(f"{BUILD}/out")), content(f"{BUILD}/err").decode(errors="replace")


def left(guest):
    """The lines of ps about rawcap, or the shell that runs it."""
    return [line for line in guest.text("ps").splitlines() if "rawcap" in line]


def gone(guest, what):
    start = time.monotonic()
    while lines := left(guest):
        expect(time.monotonic() < start + DEAD, f"{what}: still there after {DEAD} s: {lines}")


# --- what is on the wire: TCP in IPv4 without options, in Ethernet ---


def ports(frame):
    """Source and destination, or None for what is no TCP."""
    return struct.unpack("!HH", frame[34:38]) if frame[12:14] == b"\x08\0" and frame[23] == 6 else None


def sessions(batch):
    """The clients' ports of the SSH sessions that began in these frames, in their order."""
    began = [ports(f)[0] for f in batch if ports(f) and ports(f)[1] == 22 and f[47] & 0x12 == 2]  # SYN, no ACK
    return list(dict.fromkeys(began))


def of_session(batch, port):
    return [f for f in batch if ports(f) in ((port, 22), (22, port))]


def stream(batch, port):
    """Every byte that a session's two ends sent, by its sender and sequence number, however it was cut into packets."""
    sent = {}
    for frame in of_session(batch, port):
        source, _, number = struct.unpack("!HHI", frame[34:42])
        for i, byte in enumerate(frame[34 + (frame[46] >> 4) * 4 : 14 + int.from_bytes(frame[16:18], "big")]):
            sent[source, (number + i) % 2**32] = byte
    return sent


def others(batch):
    return [f for f in batch if not ports(f)]


# --- the router ---


@scenario
def a_router_of_64_mb_with_8_mb_of_flash_takes_rawcap_over_scp(guest, wire):
    memory = int(guest.text("field /proc/meminfo MemTotal"))
    expect(memory <= MEMORY, f"{memory} KiB of memory")
    done = subprocess.run(["scp", "-F", f"{BUILD}/ssh_config", "-O", f"{BUILD}/rawcap", "router:/tmp/"],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    expect(done.returncode == 0, f"scp: {done.stderr.decode()}")
    done = subprocess.run(SSH + ["router", "mv /tmp/rawcap /usr/bin/ && rawcap -D"],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    expect(done.returncode == 0 and b"eth0" in done.stdout, f"rawcap -D over ssh: {done.stdout} {done.stderr}")
    same([guest.run("cat /usr/bin/rawcap")], [content(f"{BUILD}/rawcap")], "the copy")
    size, used, free = (int(word) for word in guest.text("df -k /").split("\n")[1].split()[1:4])
    expect(size == ROOT and free > 0, f"a root of {size} KiB, {free} free")
    print(f"# of {size} KiB of root {used} used, of {memory} KiB of memory "
          f"{guest.text('field /proc/meminfo MemAvailable')} available")


# --- live ---


def show_live(guest, wire, reader, packet):
    """Each packet is shown before the next one is sent. PACKET: what is in its line alone."""
    with piped(guest, "rawcap eth0", reader):
        for count in range(1, 11):
            arrive(guest, wire, frames([60 + count]))
            wait_until(lambda n=count: content(f"{BUILD}/shown").count(packet) >= n, f"packet {count} is shown")
    expect(content(f"{BUILD}/shown").count(packet) == 10, "10 packets are shown")


@scenario
def tcpdump_shows_each_packet_while_ssh_still_runs(guest, wire):
    show_live(guest, wire, tcpdump() + ["-r", "-", "-nnel"], b"ethertype Unknown (0x88b5)")


@scenario
def tshark_shows_each_packet_while_ssh_still_runs(guest, wire):
    show_live(guest, wire, ["tshark", "-Qlni", "-", "-T", "fields", "-e", "eth.type"], b"0x88b5\n")


@scenario
def tshark_reads_it_from_its_stdin(guest, wire):
    with piped(guest, "rawcap -c 500 eth0", ["tshark", "-nr", "-", "-T", "fields", "-e", "frame.len"]) as reader:
        arrive(guest, wire, frames(range(60, 560)))
        expect(reader.wait(ANSWER) == 0, content(f"{BUILD}/told"))
    same(content(f"{BUILD}/shown").split(), [b"%d" % i for i in range(60, 560)], "lengths")


@scenario
def a_terminal_over_ssh_shows_lines_without_its_own_session(guest, wire):
    with capturing(guest, "rawcap eth0", "-tt") as client:
        arrive(guest, wire, frames(range(60, 80)))
        wait_until(lambda: content(f"{BUILD}/out").count(b"88b5") == 20, "20 lines are there")
        guest.run("killall -INT rawcap")
        expect(client.wait(ANSWER) == 0, "exit status")
    shown = content(f"{BUILD}/out").decode()
    expect("this session is left out" in shown and "20 packets captured" in shown, shown[-500:])


# --- its own session ---


@scenario
def its_own_ssh_session_is_left_out_and_all_else_is_there(guest, wire):
    with capturing(guest, "rawcap -s 0 eth0") as client:
        sent = frames(range(60, 160))
        arrive(guest, wire, sent)
        second = subprocess.run(SSH + ["router", "cat /usr/bin/rawcap"], stdin=subprocess.DEVNULL,
                                capture_output=True, check=True)
        expect(second.stdout == content(f"{BUILD}/rawcap"), "what came over the second session")
        arrive(guest, wire, sent)
        capture, told = ended(guest, client)
    expect("SSH: this session is left out" in told, f"it says: {told}")
    own, other = sessions(wire.frames)
    expect(len(of_session(wire.frames, own)) > 20, "its own session was on the wire")
    expect(not of_session(capture.frames, own), "a packet of its own session is in the capture")
    on_the_wire, captured = stream(wire.frames, other), stream(capture.frames, other)
    expect(len(on_the_wire) > 40000 and on_the_wire == captured,
           f"of the second session's {len(on_the_wire)} bytes {len(captured)} are there, or they differ")
    same(others(capture.frames), sent + sent)
    expect(said(told, "dropped") == 0, told)


@scenario
def with_ssh_its_own_session_is_there_too(guest, wire):
    with capturing(guest, "rawcap --ssh -c 50 eth0") as client:
        arrive(guest, wire, frames(range(60, 70)))
        capture, told = ended(guest, client)
    (own,) = sessions(wire.frames)
    expect(of_session(capture.frames, own), "no packet of its own session")
    expect("left out" not in told, told)


# --- Wireshark's sshdump ---


def sshdump_options(**more):
    options = {"remote-host": "10.9.0.2", "remote-username": "root", "sshkey": f"{BUILD}/key", **more}
    return [(name.replace("_", "-"), str(value)) for name, value in options.items()]


def sshdump(*mode, **more):
    """Its command, as Wireshark runs it."""
    (program,) = glob.glob("/usr/lib/*/wireshark/extcap/sshdump")
    options = [f"--{name}={value}" for name, value in sshdump_options(**more)]
    return [program, "--extcap-interface=sshdump", *mode, *options]


def through_sshdump(**more):
    """A command that writes what comes out of sshdump's pipe, and ends as that does."""
    return ["sh", "-c", 'rm -f "$0"; mkfifo "$0"; cat "$0" & "$@"; status=$?; wait; exit $status', f"{BUILD}/fifo",
            *sshdump("--capture", f"--fifo={BUILD}/fifo", **more)]


OTHER = {"remote_capture_command_select": "other"}


@scenario
def sshdump_runs_rawcap_with_a_filter(guest, wire):
    batch = frames(range(60, 160))
    command = "rawcap eth0 ether proto 0x88b5 and greater 100"
    with running(through_sshdump(**OTHER, remote_capture_command=command)) as process:
        guest.run("wait_until bound")
        arrive(guest, wire, batch)
        capture, _ = ended(guest, process)
    same(capture.frames, batch[40:])


@scenario
def sshdump_runs_rawcap_with_a_count(guest, wire):
    with running(through_sshdump(**OTHER, remote_capture_command="rawcap -c 7 eth0")) as process:
        guest.run("wait_until bound")
        arrive(guest, wire, frames(range(60, 80)))
        expect(process.wait(ANSWER) == 0, content(f"{BUILD}/err"))
    same(Capture(content(f"{BUILD}/out")).frames, frames(range(60, 67)))
    gone(guest, "after the count")


@scenario
def in_tcpdumps_place_it_serves_what_sshdump_asks_by_itself(guest, wire):
    """Interface, -U, -w -, -c, and the filter that it proposes: no SSH with any address of the client."""
    proposed = subprocess.run(sshdump("--extcap-config"), capture_output=True, check=True).stdout.decode()
    proposed = re.search(r"--remote-filter\}.*\{default=(not .*host 10\.9\.0\.1.* port 22.*?)\}", proposed)[1]
    guest.run("ln -sf rawcap /usr/bin/tcpdump")
    try:
        with running(through_sshdump(remote_interface="eth0", remote_count=9, remote_filter=proposed)) as process:
            guest.run("wait_until bound")
            expect(f"tcpdump -U -i eth0 -w - -c 9 {proposed}" in guest.text("ps"), "its words")
            arrive(guest, wire, frames(range(60, 90)))
            expect(process.wait(ANSWER) == 0, content(f"{BUILD}/err"))
        same(Capture(content(f"{BUILD}/out")).frames, frames(range(60, 69)))
    finally:
        guest.run("rm /usr/bin/tcpdump")


@scenario
def tshark_captures_through_sshdump_and_leaves_nothing_behind(guest, wire):
    preferences = [f"-oextcap.sshdump.{name.replace('-', '')}:{value}" for name, value in
                   sshdump_options(**OTHER, remote_capture_command="rawcap eth0")]
    shown = ["-T", "fields", "-e", "frame.len"]
    with running(["tshark", "-i", "sshdump", "-nQl", "-c", "20", *shown, *preferences]) as process:
        guest.run("wait_until bound")
        arrive(guest, wire, frames(range(60, 100)))
        expect(process.wait(ANSWER) == 0, content(f"{BUILD}/err"))
    same(content(f"{BUILD}/out").split(), [b"%d" % i for i in range(60, 80)], "lengths")
    gone(guest, "after tshark's end")


# --- a broken connection ---


@scenario
def a_killed_client_leaves_no_rawcap_behind(guest, wire):
    """With traffic and without, in a pipe and on a terminal, through the ring and with -B 0."""
    for options in ([], ["-tt"]):
        for command in ("rawcap eth0", "rawcap -B 0 eth0", "rawcap eth0 port 1"):
            with capturing(guest, command, *options) as client:
                expect(left(guest), "ps shows it while it runs")
                arrive(guest, wire, frames(range(60, 70)))
                client.kill()
                gone(guest, f"{command} {options}")


@scenario
def a_killed_client_whose_reader_was_stuck_leaves_no_rawcap_behind(guest, wire):
    with capturing(guest, "rawcap eth0") as client:
        client.send_signal(signal.SIGSTOP)
        arrive(guest, wire, frames([1500] * 2000))
        expect(left(guest), "it waits for its reader")
        client.kill()
        gone(guest, "with packets that nobody took")


@scenario
def a_pulled_cable_leaves_no_rawcap_behind(guest, wire):
    """No FIN, no RST comes: dropbear's -K notices, as on OpenWrt."""
    for command in ("rawcap eth0", "rawcap -i any"):
        with capturing(guest, command) as client:
            arrive(guest, wire, frames(range(60, 70)))
            guest.monitor("set_link nic off")
            try:
                gone(guest, command)
                expect(client.poll() is None, "the client has not noticed")
            finally:
                guest.monitor("set_link nic on")
                guest.run("wait_until net eth0 carrier = 1")


@scenario
def a_client_that_falls_silent_leaves_no_rawcap_behind_amid_traffic(guest, wire):
    with capturing(guest, "rawcap eth0") as client:
        arrive(guest, wire, frames(range(60, 70)))
        subprocess.run(["ip", "route", "add", "blackhole", "10.9.0.2"], check=True)
        try:
            start = time.monotonic()
            while left(guest):
                arrive(guest, wire, frames([1000] * 50))
                expect(time.monotonic() < start + DEAD, f"still there after {DEAD} s")
            expect(client.poll() is None, "the client has not noticed")
        finally:
            subprocess.run(["ip", "route", "del", "blackhole", "10.9.0.2"], check=True)


@scenario
def a_session_killed_on_the_router_leaves_no_rawcap_behind(guest, wire):
    with capturing(guest, "rawcap eth0"):
        _, session = (line.split()[0] for line in guest.text("ps").splitlines() if "dropbear" in line)
        guest.run(f"kill -KILL {session}")
        gone(guest, "without its dropbear")


if __name__ == "__main__":
    sys.exit(main(SCENARIOS, *sys.argv[1:]))
