#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""strict.py [-l] FILE: a reader of pcapng files, the judge of the tests. It shares no code with
rawcap and forgives nothing: every length, every byte that pads, every option, their order. It prints
what dump.c prints, and exits 1 with the reason on stderr at what is not perfect. -l: lenient, for
files that others wrote; only what makes a file unreadable ends it."""
import contextlib
import io
import struct
import sys

SECTION, INTERFACE, OLD, SIMPLE, STATISTICS, PACKET = 0x0a0d0d0a, 1, 2, 3, 5, 6
UNKNOWN = None
# code: its length, None for any, 's' for a text
OPTIONS = {
    SECTION: {2: 's', 3: 's', 4: 's'},
    INTERFACE: {2: 's', 3: 's', 4: 8, 5: 17, 6: 6, 7: 8, 8: 8, 9: 1, 11: None, 12: 's', 13: 1,
                14: 8, 15: 's', 16: 8, 17: 8},
    PACKET: {2: 4, 3: None, 4: 8, 5: 8, 6: 4, 7: None},
    OLD: {2: 4, 3: None},
    STATISTICS: {2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 8, 8: 8},
    SIMPLE: {},
}
SEC_MAX = (1 << 64) // 10**9 - 1
lenient = False


class Broken(Exception):
    pass


def must(true, what):
    if not true and not lenient:
        raise Broken(what)


def text(value):
    try:
        must(b'\0' not in value and value.decode() is not None, 'a 0 in a text')
    except UnicodeDecodeError:
        must(False, 'a text that is not UTF-8')


def options(kind, data, order):
    found, ended, at = [], False, 0
    while at < len(data):
        code, length = struct.unpack_from(order + 'HH', data, at)
        at += 4
        if code == 0:
            must(length == 0 and at == len(data), 'something behind the end of options')
            ended = True
            break
        value, pad = data[at:at + length], data[at + length:at + length + -length % 4]
        if len(value) + len(pad) < length + -length % 4:
            must(False, 'an option longer than its block')
            if kind == INTERFACE:
                raise Broken('options')
            break
        must(not any(pad), 'an option padded with other bytes than 0')
        want = 's' if code == 1 else OPTIONS[kind].get(code)
        must(code == 1 or code in OPTIONS[kind], 'option %d in block %d' % (code, kind))
        must(code == 1 or code not in [c for c, v in found], 'an option twice')
        if want == 's':
            text(value)
            must(value, 'an empty text')
        elif want is not None:
            must(length == want, 'option %d has %d bytes' % (code, length))
        found.append((code, value))
        at += length + -length % 4
    must(ended or not data, 'no end of options')
    return found


def first(found, code, length=None):
    for c, v in found:
        if c == code and length in (None, len(v)):
            return v
    return b''


class Link:
    def __init__(self, linktype, snaplen, found, order):
        self.linktype, self.snaplen = linktype, snaplen
        if any((c == 9 and len(v) != 1) or (c == 14 and len(v) != 8) for c, v in found):
            raise Broken('options')
        resolution = (first(found, 9) or b'\6')[0]
        self.second = 2**(resolution & 127) if resolution & 128 else 10**resolution
        self.offset = struct.unpack(order + 'q', first(found, 14) or bytes(8))[0]

    def time(self, stamp):
        """As seconds and nanoseconds, within what rawcap says it gives."""
        ns = stamp * 10**9 // self.second + self.offset * 10**9
        if ns < 0:
            return 0, 0
        return divmod(min(ns, SEC_MAX * 10**9 + 999999999), 10**9)


def stamp(data, order):
    high, low = struct.unpack(order + 'II', data)
    return high << 32 | low


def hexed(data):
    return data.hex() or '-'


class Reader:
    def __init__(self, data):
        self.data, self.order, self.links, self.at = data, None, [], 0

    def section(self, body, found):
        magic, major, minor, length = struct.unpack(self.order + 'IHHq', body[:16])
        if major != 1:
            raise Broken('version')
        must(minor == 0, 'version')
        must(length == -1 or length > 0, 'section length')
        self.links = []
        print('section', hexed(first(found, 1)))

    def interface(self, body, found):
        linktype, reserved, snaplen = struct.unpack(self.order + 'HHI', body[:8])
        must(reserved == 0, 'a reserved field that is not 0')
        self.links.append(Link(linktype, snaplen, found, self.order))
        print('interface', len(self.links) - 1, linktype, snaplen, hexed(first(found, 2)))

    def packet(self, kind, body):
        if kind == SIMPLE:
            original, = struct.unpack(self.order + 'I', body[:4])
            number, head, time = 0, 4, None
            if not self.links:
                raise Broken('interface')
            kept = min(original, self.links[0].snaplen or original)
        else:
            number, _, kept, original = struct.unpack(self.order + 'IQII', body[:20])
            if kind == OLD:
                number, = struct.unpack(self.order + 'H', body[:2])
            head, time = 20, stamp(body[4:12], self.order)
        if number >= len(self.links):
            raise Broken('interface')
        link, end = self.links[number], head + kept + -kept % 4
        if end > len(body):
            raise Broken('longer than its block')
        must(not any(body[head + kept:end]), 'padded with other bytes than 0')
        must(kept <= original, 'more kept than there was')
        must(not link.snaplen or kept <= link.snaplen, 'longer than snaplen')
        found = options(kind, body[end:], self.order)
        flags = first(found, 2, 4)
        seconds = link.time(time) if time is not None else (0, 0)
        kept_here = min(kept, 262144)
        print('packet %d %d.%09d %d %d %08x %s %s' % (
            number, *seconds, kept_here, max(original, kept),
            struct.unpack(self.order + 'I', flags)[0] if flags else 0,
            hexed(first(found, 1)), hexed(body[head:head + kept_here])))

    def statistics(self, body, found):
        number, = struct.unpack(self.order + 'I', body[:4])
        if number >= len(self.links):
            must(False, 'statistics of no interface')
            return
        link, shown = self.links[number], []
        for code in (4, 5):
            v = first(found, code, 8)
            shown.append(struct.unpack(self.order + 'Q', v)[0] if v else '-')
        for code in (2, 3):
            v = first(found, code, 8)
            sec, nsec = link.time(stamp(v, self.order)) if v else (0, 0)
            shown.append(sec * 10**9 + nsec if v else '-')
        must(not first(found, 3) or first(found, 3) == body[4:12], 'two times of statistics')
        print('statistics', number, *shown)

    def block(self):
        kind = self.data[self.at:self.at + 4]
        if kind == b'\n\r\r\n':
            magic = self.data[self.at + 8:self.at + 12]
            self.order = {b'\x1a\x2b\x3c\x4d': '>', b'\x4d\x3c\x2b\x1a': '<'}[magic]
        elif self.order is None:
            raise Broken('no section')
        kind, length = struct.unpack_from(self.order + 'II', self.data, self.at)
        if length % 4 or length < 12:
            raise Broken('length')
        block = self.data[self.at:self.at + length]
        if len(block) != length:
            raise EOFError
        if struct.unpack(self.order + 'I', block[-4:])[0] != length:
            raise Broken('two lengths')
        body = block[8:-4]
        fixed = {SECTION: 16, INTERFACE: 8, STATISTICS: 12}.get(kind)
        if fixed:
            if len(body) < fixed:
                raise Broken('length')
            found = options(kind, body[fixed:], self.order)
            {SECTION: self.section, INTERFACE: self.interface, STATISTICS: self.statistics}[kind](
                body, found)
        elif kind in (PACKET, OLD, SIMPLE):
            if len(body) < (4 if kind == SIMPLE else 20):
                raise Broken('length')
            self.packet(kind, body)
        else:
            must(False, 'block of type %d' % kind)
        self.at += length


def read(data, forgiving=False):
    """What dump.c is to print, and why the file is not perfect, or None."""
    global lenient
    lenient, why, out = forgiving, None, io.StringIO()
    reader = Reader(data)
    with contextlib.redirect_stdout(out):
        try:
            while reader.at < len(data):
                if len(data) - reader.at < 12:
                    raise EOFError
                reader.block()
            print('end')
        except EOFError:
            why = 'cut'
            print('cut')
        except (Broken, KeyError) as e:
            why = 'byte %d: %s' % (reader.at, e)
            print('broken')
    return out.getvalue(), why


def main():
    out, why = read(open(sys.argv[-1], 'rb').read(), sys.argv[1] == '-l')
    print(out, end='')
    if why:
        sys.exit('strict.py: ' + why)


if __name__ == '__main__':
    main()
