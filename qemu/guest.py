# SPDX-License-Identifier: MIT
"""The machine that runs rawcap, seen from outside: its shell, its console's plug, its wire."""

import socket
import struct
import subprocess
import threading
import time

ANSWER = 240  # seconds that a boot, or one command in the guest, may take on a slow and busy machine
UNDER_US = ["setpriv", "--pdeathsig", "TERM"]  # in front of timeout and QEMU: they end with this process


class Gone(Exception):
    """The guest does not answer any more."""


class Failed(Exception):
    """A command in the guest failed."""


def tcpdump():
    """Its command. As root it gives its rights up, even to read stdin. A namespace's root cannot; as nobody it
    need not."""
    as_root = "deny" not in open("/proc/self/setgroups").read()
    return ["tcpdump", "-Z", "root"] if as_root else ["unshare", "-U", "tcpdump"]


class Guest:
    """Boots QEMU; then run() does things in the guest's shell, monitor() to the machine itself."""

    def __init__(self, command, sockets, log, console):
        self.log = open(log, "w")
        self.console_log = console  # what the machine's serial port has said
        self.start = time.monotonic()
        listeners = [self._listen(f"{sockets}/{name}") for name in ("monitor", "agent")]
        self.process = subprocess.Popen(UNDER_US + list(command), stdin=subprocess.DEVNULL)
        try:
            self.control, self.agent = (self._accept(s) for s in listeners)
            self._control_until_prompt()
        except OSError as error:
            self.end()
            raise Gone(f"QEMU did not start: {error}") from error

    @staticmethod
    def _listen(path):
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.listen(1)
        s.settimeout(ANSWER)
        return s

    @staticmethod
    def _accept(listener):
        connection = listener.accept()[0]
        connection.settimeout(ANSWER)
        return connection.makefile("rwb", buffering=0)

    def ask(self, command):
        """Runs one line of shell: (exit status, the bytes that it printed)."""
        start = time.monotonic()
        try:
            self.agent.write(command.encode() + b"\n")
            status, size = self.agent.readline().split()
            answer = b""
            while len(answer) < int(size):
                part = self.agent.read(int(size) - len(answer))
                if not part:
                    raise EOFError
                answer += part
        except (OSError, ValueError, EOFError) as error:
            for question in ("info status", "info registers", "info pic"):  # dead, busy, or waiting for an interrupt
                self.monitor(question)
            raise Gone(f"no answer from the guest to: {command[:80]}") from error
        took = time.monotonic() - start
        self.log.write(f"$ {command[:2000]}\n{answer[:2000]!r} -> {int(status)}, {took:.3f} s\n")
        self.log.flush()
        return int(status), answer

    def run(self, command):
        """Runs one line of shell that must succeed: what it printed."""
        status, answer = self.ask(command)
        if status:
            raise Failed(f"{command[:80]}: exit {status}: {answer[-300:].decode(errors='replace').strip()}")
        return answer

    def text(self, command):
        return self.run(command).decode(errors="replace").strip()

    def console(self):
        """What stands on the guest's console, without the carriage returns."""
        with open(self.console_log, "rb") as log:
            return log.read().decode(errors="replace").replace("\r", "")

    def wait_for_console(self, text):
        deadline = time.monotonic() + ANSWER
        while text not in self.console():
            if time.monotonic() > deadline:
                raise Failed(f"the console does not show {text!r}: {self.console()[-500:]}")
            time.sleep(0.01)

    def monitor(self, command):
        """A command of QEMU's own monitor."""
        try:
            self.control.write(command.encode() + b"\n")
            self.log.write(f"(qemu) {self._control_until_prompt()}\n")
        except OSError as error:
            raise Gone("QEMU does not answer") from error

    def _control_until_prompt(self):
        said = b""
        while not said.endswith(b"(qemu) "):
            part = self.control.read(4096)
            if not part:
                raise Gone("QEMU has ended")
            said += part
        return said.decode(errors="replace")

    def end(self):
        """Switches the machine off, by the switch or by the plug."""
        try:
            self.control.write(b"quit\n")
            self.process.wait(5)
        except (OSError, AttributeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.log.close()


class Wire:
    """The host's end of the guest's cable: sends frames, and writes down all that come out of it.

    In `frames` stand those that left the guest and those that the host's kernel sent, each as
    it was on the wire; frames sent by send() are not in it.
    """

    SOL_PACKET, PACKET_AUXDATA, TAGGED = 263, 8, 0x10  # linux/if_packet.h
    SO_RCVBUFFORCE = 33  # asm-generic/socket.h

    def __init__(self, interface):
        self.frames = []
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((interface, 3))
        self.socket.setsockopt(self.SOL_PACKET, self.PACKET_AUXDATA, 1)
        for option, size in ((socket.SO_RCVBUF, 4 << 20), (self.SO_RCVBUFFORCE, 32 << 20)):
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, option, size)
            except PermissionError:  # not the machine's root: the smaller one will do
                pass
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            frame, control, _, _ = self.socket.recvmsg(70000, 64)
            self.frames.append(self._with_tag(frame, control))

    def _with_tag(self, frame, control):
        """The kernel hands a VLAN tag beside the frame; its place is behind the addresses."""
        for level, kind, data in control:
            if level == self.SOL_PACKET and kind == self.PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data)
                if status & self.TAGGED:
                    return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        return frame

    def send(self, frames):
        for frame in frames:
            self.socket.send(frame)

    def wait_for(self, count):
        """Until so many frames have come, which are then taken off the list."""
        deadline = time.monotonic() + ANSWER
        while len(self.frames) < count:
            if time.monotonic() > deadline:
                raise Failed(f"{len(self.frames)} of {count} frames came out of the guest")
            time.sleep(0.005)
        frames, self.frames = self.frames, []
        return frames


class Packet:
    """One record of a capture file."""

    def __init__(self, line):
        when, caplen, origlen, *data = line.split()
        self.time = float(when)
        self.origlen = int(origlen)
        self.data = bytes.fromhex(data[0] if data else "")
        assert len(self.data) == int(caplen)


class Capture:
    """A capture file, read by the strict reader of the tests and counted by tcpdump."""

    reader = None  # the path of pcapread

    def __init__(self, content):
        judged = subprocess.run([self.reader, "-"], input=content, capture_output=True, check=False)
        if judged.returncode:
            raise AssertionError(judged.stderr.decode().strip())
        head, *lines = judged.stdout.decode().splitlines()
        fields = head.split()
        self.snaplen, self.linktype = int(fields[4]), int(fields[6])
        self.packets = [Packet(line) for line in lines]
        self.frames = [packet.data for packet in self.packets]
        self._count_with_tcpdump(content)

    def _count_with_tcpdump(self, content):
        command = tcpdump() + ["-nn", "--count", "-r", "-"]
        told = subprocess.run(command, input=content, capture_output=True, check=False)
        counted = told.stdout.split()
        if not counted or int(counted[0]) != len(self.packets):
            raise AssertionError(f"tcpdump -r counts {counted}: {told.stderr.decode()[-200:]}")
