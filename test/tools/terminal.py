#!/usr/bin/env python3
"""terminal.py [-e] FILE COMMAND...: runs COMMAND on a terminal of its own.

What COMMAND writes to the terminal goes into FILE, byte by byte as a terminal gets it. -e: its stderr
is the terminal too. While FILE.stuck exists nothing is read: the terminal is slow. What is written
into FILE.keys is typed. Signals are passed on. Ends as COMMAND does, with everything in FILE.
"""
import fcntl, os, pty, select, signal, sys, termios


def child(slave, both, command):
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.dup2(slave, 0)
    os.dup2(slave, 1)
    if both:
        os.dup2(slave, 2)
    os.closerange(3, 256)
    os.execvp(command[0], command)


def typed(name):
    """What has been written into FILE.keys since the last look."""
    try:
        with open(name, 'rb') as f:
            keys = f.read()
        os.unlink(name)
    except FileNotFoundError:
        return b''
    return keys


def main():
    arguments = sys.argv[1:]
    both = arguments[0] == '-e'
    name, command = arguments[both], arguments[both + 1:]
    master, slave = pty.openpty()
    pid = os.fork()
    if not pid:
        child(slave, both, command)
    os.close(slave)
    for s in (signal.SIGINT, signal.SIGTERM):
        signal.signal(s, lambda number, frame: os.kill(pid, number))
    with open(name, 'wb', buffering=0) as out:
        while True:
            os.write(master, typed(name + '.keys'))
            if os.path.exists(name + '.stuck'):
                select.select([], [], [], 0.01)
                continue
            if not select.select([master], [], [], 0.01)[0]:
                continue
            try:
                data = os.read(master, 65536)
            except OSError:  # the last one who had the terminal open is gone
                break
            out.write(data)
    status = os.waitpid(pid, 0)[1]
    sys.exit(os.waitstatus_to_exitcode(status) & 255)


main()
