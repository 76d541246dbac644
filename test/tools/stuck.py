#!/usr/bin/env python3
"""stuck.py CASE TRIES [PROGRAM]: how often a terminal that nobody reads holds up a capture.

	stderr		it is stderr: more counts are asked for (SIGUSR1) than it takes
	lines		it is stdout as well: more lines than it takes, and the counts
	no-proc		both in turn, without /proc: no terminal can be opened again
	rotation	both in turn, as root with -C: its rights go, root it stays

Each try has a new terminal, and a network namespace of its own; eight run at once. A try is blocked if
the capture does not take the next packets, or does not end, within 10 s: nobody will ever read. One
that does not fill its terminal counts as blocked too.
"""
import concurrent.futures, fcntl, os, pty, select, signal, subprocess, sys, tempfile, termios, time

HERE = os.path.dirname(os.path.realpath(__file__))
SEND = os.path.join(HERE, '../../build/test/send')
CASES = {'stderr': (0, []), 'lines': (1, []), 'no-proc': (None, []), 'rotation': (None, ['-C', '10m'])}
HEADER, RECORD = 24, 80  # bytes of the file's header, and of a frame of send
AT_ONCE, LIMIT = 8, 10  # tries; seconds


def within(condition):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def has(name, packets):
    return lambda: os.path.exists(name) and os.path.getsize(name) >= HEADER + packets * RECORD


def start(slave, lines, command):
    pid = os.fork()
    if not pid:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        os.dup2(slave if lines else os.open('/dev/null', os.O_WRONLY), 1)
        os.dup2(slave, 2)
        os.closerange(3, 256)
        os.execv(command[0], command)
    return pid


def send(count):
    subprocess.run([SEND, '-c', str(count), 'vb'], stdout=subprocess.DEVNULL, check=True)


def ask(pid, counts):
    """Asks for so many counts, one by one: signals that come together are one."""
    for _ in range(counts):
        os.kill(pid, signal.SIGUSR1)
        time.sleep(0.0005)


def is_full(slave):
    return not select.select([], [slave], [], 0)[1]


def serve(pid, slave, name):
    """What is wrong with the capture, if something is."""
    if not within(has(name, 0)):
        return 'does not start'
    send(1000)
    if not within(lambda: ask(pid, 10) or is_full(slave)):
        return 'does not fill the terminal'
    for packets in (1001, 1002, 1003):
        ask(pid, 100)
        send(1)
        if not within(has(name, packets)):
            return 'takes no packets'


def end(pid):
    os.kill(pid, signal.SIGINT)
    if within(lambda: os.waitpid(pid, os.WNOHANG)[0]):
        return None
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return 'does not end'


def one_try(case, number, program):
    """In its namespace."""
    lines, options = CASES[case]
    lines = number % 2 if lines is None else lines
    if case == 'no-proc':
        subprocess.run('mount -t tmpfs none /proc'.split(), check=True)
    for command in ('ip link add va type veth peer name vb', 'ip link set va up', 'ip link set vb up'):
        subprocess.run(command.split(), check=True)
    time.sleep(0.3)  # until they are
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, 'one.pcap')
        master, slave = pty.openpty()
        command = [program, '-w', name] + lines * ['--print'] + options + ['va', 'ether proto 0x88b5']
        pid = start(slave, lines, command)
        wrong = serve(pid, slave, name)
        wrong = end(pid) or wrong
        os.close(slave)
        os.close(master)
    print(wrong or 'served', end='')


def outcome(case, number, program):
    flags = ['-n', '-m'] if os.getuid() == 0 else ['-U', '-r', '-n', '-m']
    command = ['unshare', *flags, sys.executable, __file__, '--one', case, str(number), program]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def main():
    case, tries = sys.argv[1], int(sys.argv[2])
    program = os.path.realpath(sys.argv[3] if len(sys.argv) > 3 else os.path.join(HERE, '../../rawcap'))
    blocked, begin = 0, time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = pool.map(lambda number: outcome(case, number, program), range(tries))
        for number, what in enumerate(outcomes):
            if what != 'served':
                blocked += 1
                print(f'try {number}: {what}', flush=True)
    print(f'{case}: {tries} tries, {blocked} blocked ({time.monotonic() - begin:.0f} s)')
    sys.exit(blocked > 0)


if sys.argv[1] == '--one':
    one_try(sys.argv[2], int(sys.argv[3]), sys.argv[4])
else:
    main()
