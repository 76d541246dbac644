#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rescue.py TAP SOCKETS BUILD QEMU...: rawcap in an initramfs that it is no part of.

The initramfs is one as Debian's initramfs-tools makes it, with rawcap's archive behind it. It stops at
break=premount, before any root file system is there, with a shell on the console. There rawcap
captures, and the file, printed in base64, is judged here. Exit 0 if all was right.
"""

import base64
import re
import socket
import subprocess
import sys
import time

from guest import UNDER_US, Capture, Failed, Gone, Wire

BOOT = 240  # seconds until the shell is there, on a slow and busy machine
SHELL = rb"\(initramfs\) "
FRAMES = [bytes.fromhex("020000000902020000000901" + "88b5") + bytes([i] * (60 + i)) for i in range(50)]


class Console:
    """The shell on the guest's first serial port."""

    def __init__(self, path, log):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(BOOT)
        self.listener = listener
        self.log = log
        self.seen = b""
        self.socket = None

    def open(self):
        self.socket = self.listener.accept()[0]
        self.socket.settimeout(BOOT)

    def wait_for(self, pattern):
        """What was printed up to the pattern."""
        deadline = time.monotonic() + BOOT
        while not (found := re.search(pattern, self.seen)):
            part = self.socket.recv(4096) if time.monotonic() < deadline else b""
            if not part:
                raise Gone(f"no {pattern.decode()} on the console")
            self.log.write(part)
            self.seen += part
        before, self.seen = self.seen[: found.start()], self.seen[found.end() :]
        return before.decode(errors="replace")

    def run(self, command):
        """Runs one line: what it printed. Its echo is passed over."""
        self.socket.sendall(command.encode() + b"; echo stat''us $?.\n")
        printed = self.wait_for(rb"status \d+\.")
        self.wait_for(SHELL)
        return printed


def try_rawcap(console, wire):
    console.wait_for(SHELL)
    listed = console.run("rawcap -D")
    if "eth0" not in listed:
        raise Failed(f"rawcap -D: {listed[-300:]}")
    console.run("dmesg -n 1; ip link set eth0 up")
    console.run("rawcap -c 50 eth0 ether proto 0x88b5 > /c.pcap 2> /err & until test -s /c.pcap; do sleep 0.1; done")
    wire.send(FRAMES)
    summary = console.run("wait; cat /err")
    if "50 packets captured" not in summary:
        raise Failed(f"summary: {summary[-300:]}")
    printed = console.run("base64 /c.pcap").split("\n", 1)[1]  # behind the echo of the command
    content = base64.b64decode(re.sub(r"[^A-Za-z0-9+/=]", "", printed))
    if Capture(content).frames != FRAMES:
        raise Failed("the frames are not those that were sent")


def main(tap, sockets, build, *command):
    Capture.reader = f"{build}/pcapread"
    start = time.monotonic()
    with open(f"{build}/rescue.log", "wb") as log:
        console = Console(f"{sockets}/console", log)
        machine = subprocess.Popen(UNDER_US + list(command), stdin=subprocess.DEVNULL)
        try:
            console.open()
            try_rawcap(console, Wire(tap))
        except (AssertionError, Failed, Gone, OSError) as error:
            print(f"not ok a Debian initramfs' rescue shell has rawcap: {error} (see {build}/rescue.log)")
            return 1
        finally:
            machine.terminate()  # timeout passes it on
            machine.wait()
    print(f"ok a Debian initramfs' rescue shell has rawcap; {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
