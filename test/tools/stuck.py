#!/usr/bin/env python3
"""stuck.py RUNS [PROGRAM]: how often a terminal that nobody reads holds up a capture.

In a network namespace of its own (where it is run with: unshare -n, or unshare -n -m). Each run has a
new terminal, in turn as stderr (with more counts asked for than it takes), as stdout (with more lines
than it takes), and both with rotation. A run is blocked if the capture does not take the next packets
within 3 s, or does not end within 6 s. -P: without /proc, so that no terminal can be opened again.
"""
import fcntl, os, pty, signal, subprocess, sys, tempfile, termios, time

HERE = os.path.dirname(os.path.realpath(__file__))
SEND = os.path.join(HERE, '../../build/test/send')
HEADER, RECORD = 24, 80  # bytes of the file's header, and of a frame of send


def within(seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return False


def has(name, packets):
    return lambda: os.path.exists(name) and os.path.getsize(name) >= HEADER + packets * RECORD


def start(slave, command):
    pid = os.fork()
    if not pid:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        os.dup2(slave, 1)
        os.dup2(slave, 2)
        os.closerange(3, 256)
        os.execv(command[0], command)
    return pid


def send(count):
    subprocess.run([SEND, '-c', str(count), 'vb'], stdout=subprocess.DEVNULL, check=True)


def run(number, program, folder):
    lines, rotates = number % 2, number // 2 % 2
    name = os.path.join(folder, f'{number}.pcap')
    master, slave = pty.openpty()
    command = [program, '-w', name] + lines * ['--print'] + rotates * ['-C', '10m'] + ['va', 'ether proto 0x88b5']
    pid = start(slave, command)
    os.close(slave)
    why = None
    if not within(5, has(name, 0)):
        why = 'does not start'
    for count in range(300):
        os.kill(pid, signal.SIGUSR1)
    send(1000)
    if not why and not within(3, has(name, 1000)):
        why = 'takes no packets'
    for count in range(300):
        os.kill(pid, signal.SIGUSR1)
        if count % 100 == 99:
            send(1)
    if not why and not within(3, has(name, 1003)):
        why = 'takes no more packets'
    os.kill(pid, signal.SIGINT)
    if not within(6, lambda: os.waitpid(pid, os.WNOHANG)[0]):
        why = why or 'does not end'
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.close(master)
    os.unlink(name)
    return why


def main():
    arguments = sys.argv[1:]
    without_proc = '-P' in arguments
    if without_proc:
        arguments.remove('-P')
        subprocess.run(['mount', '-t', 'tmpfs', 'none', '/proc'], check=True)
    runs = int(arguments[0])
    program = os.path.realpath(arguments[1] if len(arguments) > 1 else os.path.join(HERE, '../../rawcap'))
    for command in ('ip link add va type veth peer name vb', 'ip link set va up', 'ip link set vb up'):
        subprocess.run(command.split(), check=True)
    time.sleep(0.3)
    blocked = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            why = run(number, program, folder)
            if why:
                blocked += 1
                print(f'run {number}: {why}', flush=True)
    print(f'stuck terminals{", no /proc" if without_proc else ""}: {runs} runs, {blocked} blocked')
    sys.exit(blocked > 0)


main()
