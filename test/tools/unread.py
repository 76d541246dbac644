#!/usr/bin/env python3
# unread.py KIND FILE PROGRAM [ARGUMENT ...]: PROGRAM's stdout is a socket or pipe that nobody reads
# while it runs. When it has ended, what the kernel holds of it goes to FILE.
#
# KIND: unix, tcp, pipe, or pipe=BYTES for a pipe of that size. INT and USR1 go on to PROGRAM.
import fcntl
import os
import signal
import socket
import subprocess
import sys


def ends(kind):
    if kind == "unix":
        a, b = socket.socketpair()
        return a.detach(), b.detach()
    if kind == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
        b = socket.create_connection(listener.getsockname())
        return listener.accept()[0].detach(), b.detach()
    a, b = os.pipe()
    if "=" in kind:
        fcntl.fcntl(a, 1031, int(kind.split("=")[1]))  # F_SETPIPE_SZ
    return a, b


kind, name, *program = sys.argv[1:]
reader, writer = ends(kind)
child = subprocess.Popen(program, stdout=writer)
os.close(writer)
for number in (signal.SIGINT, signal.SIGUSR1):
    signal.signal(number, lambda number, _: child.send_signal(number))
status = child.wait()
with open(name, "wb") as file:
    while part := os.read(reader, 1 << 20):
        file.write(part)
sys.exit(status)
