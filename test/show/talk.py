#!/usr/bin/env python3
"""talk.py serve READY | talk.py ask: TCP, UDP and DNS between the two sides of traffic.sh, over IPv4 and IPv6."""
import signal, socket, struct, sys, threading

SIDES = (('10.9.0.2', socket.AF_INET), ('fd00::2', socket.AF_INET6))


def serve(ready):
    signal.alarm(100)  # whatever becomes of the test

    def echo(family, address):
        s = socket.socket(family, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, 4000))
        s.listen()
        started.release()
        while True:
            c, _ = s.accept()
            while True:
                data = c.recv(65536)
                if not data:
                    break
                c.sendall(data)
            c.close()

    def answer(family, address):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.bind((address, 53))
        started.release()
        while True:
            q, who = s.recvfrom(2048)
            s.sendto(q[:2] + b'\x81\x80' + q[4:6] + b'\0\1\0\0\0\0' + q[12:] + b'\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\x09\0\x02', who)

    started = threading.Semaphore(0)
    for address, family in SIDES:
        for f in (echo, answer):
            threading.Thread(target=f, args=(family, address), daemon=True).start()
    for _ in range(4):
        started.acquire()
    open(ready, 'w').close()
    threading.Event().wait()


def ask():
    socket.setdefaulttimeout(10)
    for address, family in SIDES:
        s = socket.socket(family, socket.SOCK_STREAM)
        s.connect((address, 4000))
        for size in (1, 100, 20000):
            s.sendall(b'x' * size)
            got = 0
            while got < size:
                got += len(s.recv(65536))
        s.close()
        s = socket.socket(family, socket.SOCK_STREAM)
        try:
            s.connect((address, 4001))
        except OSError:
            pass
        s = socket.socket(family, socket.SOCK_DGRAM)
        for name, kind in (('example.com', 1), ('www.example.com', 28), ('x.test', 16)):
            q = struct.pack('>6H', kind, 0x100, 1, 0, 0, 0) + b''.join(bytes([len(p)]) + p.encode() for p in name.split('.')) + b'\0' + struct.pack('>2H', kind, 1)
            s.settimeout(2)
            for _ in range(5):
                try:
                    s.sendto(q, (address, 53))
                    s.recv(2048)
                    break
                except OSError:
                    pass
        s.sendto(b'nobody listens', (address, 5000))
    # UDP both ways of which nothing comes back, the last with the mark that the capture is waited for
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.sendto(b'm' * 1200, ('10.9.0.255', 6000))
    s.sendto(b'the end of it', ('10.9.0.255', 6001))


serve(sys.argv[2]) if sys.argv[1] == 'serve' else ask()
