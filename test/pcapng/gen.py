#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gen.py DIR: pcapng files of every kind there is, good ones into DIR/good, others into DIR/bad."""
import os
import struct
import sys


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    n = struct.pack(order + 'I', len(body) + 12)
    return struct.pack(order + 'I', kind) + n + body + n


def option(order, code, value):
    return struct.pack(order + 'HH', code, len(value)) + value + bytes(-len(value) % 4)


def section(o, major=1, extra=b''):
    return block(o, 0x0a0d0d0a, struct.pack(o + 'IHHq', 0x1a2b3c4d, major, 0, -1) + extra)


def interface(o, linktype=1, snaplen=0, extra=b''):
    return block(o, 1, struct.pack(o + 'HHI', linktype, 0, snaplen) + extra)


def packet(o, number=0, time=0, data=b'bytes', original=None, extra=b'', kept=None):
    return block(o, 6, struct.pack(o + 'IIIII', number, time >> 32, time & 0xffffffff,
                                   len(data) if kept is None else kept, original or len(data)) +
                 data + bytes(-len(data) % 4) + extra)


def old(o, number=0, drops=7, time=0, data=b'old', extra=b''):
    return block(o, 2, struct.pack(o + 'HHIIII', number, drops, time >> 32, time & 0xffffffff,
                                   len(data), len(data)) + data + bytes(-len(data) % 4) + extra)


def simple(o, original, data):
    return block(o, 3, struct.pack(o + 'I', original) + data)


def good(o):
    def text(code, value):
        return option(o, code, value)
    begin = section(o, extra=text(1, b'a comment') + text(3, b'an OS') + option(o, 0, b''))
    times = [0, 1, 999, 10**6, 1700000000 * 10**6 + 123456, 1700000000 * 10**9 + 123456789, 2**32,
             2**33 + 5, 2**63, 2**64 - 1]
    for resolution in (0, 3, 6, 9, 10, 12, 18, 19, 20, 29, 60, 127, 128, 129, 138, 160, 161, 191, 192, 255):
        for offset in (None, 1, -1, 1700000000, -2**63, 2**63 - 1):
            extra = text(9, bytes([resolution])) + text(2, b'eth%d' % resolution)
            if offset is not None:
                extra += option(o, 14, struct.pack(o + 'q', offset))
            yield 'time-%d-%s' % (resolution, offset), begin + interface(o, extra=extra) + b''.join(
                packet(o, time=t) + old(o, time=t) for t in times) + block(
                    o, 5, struct.pack(o + 'III', 0, 0, 0) + text(2, struct.pack(o + 'II', 2, 9)) +
                    text(3, struct.pack(o + 'II', 1, 5)) + text(4, struct.pack(o + 'Q', 5)) +
                    text(5, struct.pack(o + 'Q', 2**64 - 2)))
    yield 'simple', begin + interface(o, snaplen=10) + interface(o, linktype=101) + b''.join(
        simple(o, n, bytes(range(min(n, 10)))) for n in range(20))
    yield 'simple-whole', begin + interface(o) + b''.join(simple(o, n, bytes(n)) for n in range(20))
    yield 'flags', begin + interface(o) + b''.join(
        make(o, extra=option(o, 2, struct.pack(o + 'I', f)) + text(1, b'c%d' % f) + text(1, b'second') +
             option(o, 4, struct.pack(o + 'Q', 77)) + option(o, 0, b'') + b'junk')
        for f in (0, 1, 2, 0xffffffff) for make in (packet, old))
    yield 'skipped', begin + b''.join(block(o, k, bytes(range(n))) + interface(o) + packet(o, number=i)
                                      for i, (k, n) in enumerate([(4, 4), (10, 40), (0xbad, 0), (0x80000001, 100)]))
    yield 'large', begin + block(o, 10, bytes(1000000)) + interface(o) + block(
        o, 0xbad, b'x' * 700000) + packet(o, data=b'y' * 262144, extra=text(1, b'kept')) + packet(
            o, data=b'z' * 500000) + packet(o, data=b'z' * 262145, extra=text(1, b'c' * 65535)) + packet(
            o, data=b'z' * 262144, extra=text(1, b'c' * 65535) * 3) + packet(o) + section(
                o, extra=text(1, b'c' * 65535) * 6) + interface(o) + packet(o)
    yield 'options-lie', begin + interface(o) + packet(o, extra=struct.pack(o + 'HH', 1, 50) + b'1234') + packet(o)
    yield 'more-than-there-was', begin + interface(o) + packet(o, original=2)
    yield 'interfaces', begin + interface(o) * 4096 + packet(o, number=4095)
    yield 'empty', begin
    other = '<' if o == '>' else '>'
    yield 'sections', b''.join(section(x) + interface(x, linktype=l) + packet(x, time=l) + block(
        x, 5, struct.pack(x + 'III', 0, 0, 0)) for x, l in ((o, 1), (other, 101), (o, 276), (other, 1)))


def bad(o):
    begin = section(o) + interface(o) + packet(o)
    lying = bytearray(packet(o))
    lying[-4:] = b'\0\0\0\x40'
    yield 'two-lengths', begin + bytes(lying)
    passed = bytearray(block(o, 99, bytes(100)))
    passed[-2] ^= 1
    yield 'two-lengths-skipped', begin + bytes(passed)
    for n in (0, 4, 11, 13, 28, 31, 2**31, 2**32 - 1):
        yield 'length-%d' % n, begin + struct.pack(o + 'II', 6, n) + bytes(100)
    yield 'no-interface', begin + packet(o, number=1)
    yield 'no-interface-simple', section(o) + simple(o, 4, b'1234')
    yield 'no-interface-in-section', begin + section(o) + packet(o)
    yield 'longer-than-block', begin + packet(o, kept=9)
    yield 'longer-than-all', begin + packet(o, kept=2**32 - 1)
    yield 'longer-simple', section(o) + interface(o) + simple(o, 9, b'1234')
    yield 'version', section(o, major=2)
    yield 'order', block(o, 0x0a0d0d0a, bytes(16))
    yield 'no-section', interface(o)
    yield 'resolution', section(o) + interface(o, extra=option(o, 9, b'12'))
    yield 'resolution-none', section(o) + interface(o, extra=option(o, 9, b''))
    yield 'offset', section(o) + interface(o, extra=option(o, 14, b'12'))
    yield 'interface-options', section(o) + interface(o, extra=struct.pack(o + 'HH', 2, 9))
    yield 'interfaces-4097', section(o) + interface(o) * 4097


for kind, make in (('good', good), ('bad', bad)):
    os.makedirs(os.path.join(sys.argv[1], kind), exist_ok=True)
    for name, order in (('little', '<'), ('big', '>')):
        for what, data in make(order):
            with open(os.path.join(sys.argv[1], kind, '%s-%s.pcapng' % (what, name)), 'wb') as f:
                f.write(data)
