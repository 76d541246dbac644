#!/usr/bin/env python3
"""gen.py DIR: writes pcap files of made packets into DIR, the same ones every time.

One file for each link type and family. A packet's time is its number in the file, so that
compare.py can put the lines of two programs side by side."""
import random, struct, sys, os

H = bytes.fromhex
A, B = H('0a0000010a000002'), None
MAC1, MAC2, BC = H('020000000001'), H('020000000002'), b'\xff' * 6
V4A, V4B = bytes([10, 0, 0, 1]), bytes([192, 168, 200, 254])
V6A = H('20010db8000000000000000000000001')
V6B = H('fe8000000000000002aabbfffeccddee')


def u16(*v): return struct.pack('>%dH' % len(v), *v)
def u32(*v): return struct.pack('>%dI' % len(v), *v)


def ether(kind, data, dst=MAC2, src=MAC1):
    return dst + src + u16(kind) + data


def ip4(proto, data, options=b'', frag=0, length=None, ihl=None, src=V4A, dst=V4B, version=4):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(data) if length is None else length
    return bytes([version << 4 | ihl, 0]) + u16(length & 65535, 0x1234, frag) + bytes([64, proto, 0, 0]) + src + dst + options + data


def ip6(nxt, data, length=None, src=V6A, dst=V6B, version=6):
    return bytes([version << 4, 0, 0, 0]) + u16(len(data) if length is None else length) + bytes([nxt, 64]) + src + dst + data


def tcp(flags=0x10, data=b'', options=b'', seq=1000, ack=2000, win=502, urg=0, off=None, sport=40000, dport=8080):
    options += b'\0' * (-len(options) % 4)
    off = 5 + len(options) // 4 if off is None else off
    return u16(sport, dport) + u32(seq, ack) + bytes([off << 4, flags]) + u16(win, 0, urg) + options + data


def udp(sport, dport, data=b'', length=None):
    return u16(sport, dport, len(data) + 8 if length is None else length, 0) + data


def icmp(kind, code, rest=b'\0' * 4, data=b''):
    return bytes([kind, code, 0, 0]) + rest + data


def name(text):
    return b''.join(bytes([len(p)]) + p.encode() for p in text.split('.') if p) + b'\0'


def dns(ident, flags, question, kind, an=0, ns=0, ar=0, rest=b''):
    return u16(ident, flags, 1, an, ns, ar) + name(question) + u16(kind, 1) + rest


def dhcp(op, kind, options=b'', your=b'\0' * 4):
    return (bytes([op, 1, 6, 0]) + u32(0x3903f326) + u16(0, 0x8000) + b'\0' * 4 + your + b'\0' * 8 + MAC1 + b'\0' * 10
            + b'\0' * 192 + H('63825363') + bytes([53, 1, kind]) + options + b'\xff')


def arp(op, hrd=1, pro=0x800, hlen=6, plen=4, tha=b'\0' * 6, sha=MAC1, spa=V4A, tpa=V4B):
    return u16(hrd, pro) + bytes([hlen, plen]) + u16(op) + sha + spa + tha + tpa


def tcp_packets():
    for flags in range(256):
        yield tcp(flags)
        yield tcp(flags, b'x' * 7, seq=4294967290, urg=flags)
    for win in (0, 1, 65535):
        yield tcp(0x10, win=win)
    ts = bytes([8, 10]) + u32(123456789, 4294967295)
    for o in (H('020405b4'), H('0402'), H('030307'), ts, H('01'), H('0101'), H('00'), H('020405b40402') + ts + H('01030307'),
              H('0101') + ts, H('0101050a') + u32(1, 2), H('01010512') + u32(1, 2, 3, 4), H('0101051a') + u32(1, 2, 3, 4, 5, 6),
              ts + H('0101050a') + u32(4294967295, 0), H('0509') + b'\0' * 7, H('0504') + b'\0' * 2,
              H('2002'), H('fa03aa'), H('c8060102030405'), H('0100010101'), H('0502')):
        for f in (2, 0x12, 0x10, 0x18):
            yield tcp(f, b'' if f == 2 else b'data', options=o)
    for o in (H('0200'), H('0201'), H('02ff'), H('0301'), H('0822'), H('020305'), H('0204'), H('030407aa'), H('040300'), H('080b') + b'\0' * 9,
              H('01010101010101'), H('010203')):
        yield tcp(2, options=o)
    for off in range(16):
        yield tcp(0x10, off=off)
        yield tcp(0x10, b'y' * 20, off=off)


def quote4(proto, data, options=b''):
    return ip4(proto, data, options=options, src=V4B, dst=V4A)


def icmp_packets():
    for kind in (0, 8):
        for size in (0, 1, 56):
            yield icmp(kind, 0, u16(4242, 7), b'p' * size)
    quotes = [quote4(17, udp(1234, 53)), quote4(6, tcp()[:8]), quote4(132, u16(5, 6) + b'\0' * 4), quote4(17, udp(1, 33434), H('01010101')), quote4(1, icmp(8, 0))]
    for q in quotes:
        for code in range(17):
            yield icmp(3, code, u16(0, 1400), q)
    yield icmp(3, 4, u16(0, 0), quotes[0])
    yield icmp(3, 4, u16(0, 1280), quotes[0])
    for code in range(5):
        yield icmp(5, code, bytes([10, 9, 8, 7]), quotes[0])
    for code in range(3):
        yield icmp(11, code, b'\0' * 4, quotes[0])
    for kind in range(256):
        if kind not in (9, 14):
            yield icmp(kind, 0, u32(0x01020304), quotes[1])
    for code in (0, 1):
        yield icmp(12, code, b'\x14\0\0\0', quotes[0])


def mld2(n):
    return b''.join(bytes([4, 0, 0, 0]) + H('ff02' + '00' * 13) + bytes([i + 1]) for i in range(n))


def icmp6_packets():
    for kind in (128, 129):
        for size in (0, 1, 56):
            yield icmp(kind, 0, u16(4242, 7), b'p' * size)
    mac = H('0101') + MAC1
    yield icmp(133, 0)
    yield icmp(133, 0, data=mac)
    yield icmp(134, 0, H('40c00708'), u32(0, 0) + mac + H('030440c0') + u32(86400, 14400, 0) + V6A + H('0501') + u16(0) + u32(1500))
    yield icmp(135, 0, data=V6B)
    yield icmp(135, 0, data=V6B + mac)
    for flags in (0x60000000, 0xe0000000, 0):
        yield icmp(136, 0, u32(flags), V6B + H('0201') + MAC1)
    yield icmp(137, 0, data=V6B + V6A + H('0201') + MAC1)
    quotes = [ip6(17, udp(1234, 53), src=V6B, dst=V6A), ip6(6, tcp(), src=V6B, dst=V6A), ip6(58, icmp(128, 0), src=V6B, dst=V6A)]
    for q in quotes:
        for code in (0, 1, 2, 3, 4):
            yield icmp(1, code, data=q)
    yield icmp(2, 0, u32(1280), quotes[0])
    for code in (0, 1, 2):
        yield icmp(3, code, data=quotes[0])
    for code in (0, 1, 2):
        yield icmp(4, code, u32(40), quotes[0])
    yield icmp(130, 0, u16(10000, 0), b'\0' * 16)
    yield icmp(130, 0, u16(10000, 0), b'\0' * 16 + H('027d0000'))
    yield icmp(131, 0, u16(0, 0), H('ff02' + '00' * 13 + '16'))
    yield icmp(132, 0, u16(0, 0), H('ff02' + '00' * 13 + '16'))
    for n in (0, 1, 3):
        yield icmp(143, 0, u16(0, n), mld2(n))
    yield icmp(200, 0)


def addresses6():
    for w in ('0:0:0:0:0:0:0:0', '0:0:0:0:0:0:0:1', '1:0:0:0:0:0:0:0', '2001:db8:0:1:1:1:1:1', '2001:db8:0:0:1:0:0:1', '0:0:1:0:0:0:1:1',
              '1:2:3:4:5:6:7:8', '0:0:0:0:0:ffff:c0a8:1', '0:0:0:0:0:0:c0a8:1', '0:1:0:0:0:0:0:0', 'fe80:0:0:0:abcd:ff:fe00:1', '0:0:0:0:0:0:0:ffff',
              '1:0:0:2:0:0:0:3', 'ff02:0:0:0:0:1:ff00:1', '64:ff9b:0:0:0:0:102:304', '0:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:0', '0:0:3:4:5:6:0:0'):
        yield u16(*[int(x, 16) for x in w.split(':')])
    r = random.Random(6)
    for _ in range(60):
        yield u16(*[r.choice((0, 0, 0, 1, 0xffff, 0x20, r.randrange(65536))) for _ in range(8)])


def udp_packets():
    for n in (0, 1, 7, 100, 1400):
        yield udp(40000, 40001, b'z' * n)
    for n in (0, 1, 7, 8, 9, 20, 65535):
        yield udp(40000, 40001, b'z' * 12, length=n)
    for port in (53, 5353):
        for kind in (1, 28, 12, 5, 16, 33, 15, 2, 6, 255, 65, 43, 257):
            yield udp(40000, port, dns(kind, 0x100, 'www.example.com', kind))
            yield udp(port, 40000, dns(kind, 0x8180, 'www.example.com', kind, an=0, ns=1, ar=2))
    for flags in (0, 0x100, 0x8580, 0x8583, 0x8500, 0x8180, 0x0110):
        yield udp(40000, 53, dns(7, flags, 'a.b', 1))
        yield udp(53, 40000, dns(7, flags | 0x8000, 'a.b', 1))
    yield udp(40000, 53, dns(7, 0x100, 'a.b', 1, ar=1, rest=H('00002904d000000000') + b'\0\0'))
    yield udp(40000, 53, dns(7, 0x100, '', 2))
    yield udp(40000, 53, dns(7, 0x100, 'x' * 63 + '.' + 'y' * 63, 28))
    yield udp(40000, 53, dns(7, 0x100, '.'.join(['w' * 60] * 30), 1))
    yield udp(40000, 53, u16(1, 0x100, 1, 0, 0, 0) + b'\3a\x01\xffz\0' + u16(1, 1))
    yield udp(40000, 53, b'short')
    yield udp(68, 67, dhcp(1, 1, H('3204') + bytes([10, 0, 0, 77]) + H('3d0701') + MAC1))
    yield udp(67, 68, dhcp(2, 2, H('3604') + V4A + H('330400000e10'), bytes([10, 0, 0, 77])))
    yield udp(68, 67, dhcp(1, 3, H('3204') + bytes([10, 0, 0, 77]) + H('3604') + V4A))
    for kind in (4, 5, 6, 7, 8):
        yield udp(67, 68, dhcp(2 if kind in (5, 6) else 1, kind))
    for kind in range(1, 14):
        yield udp(546, 547, bytes([kind]) + H('a1b2c3'))
    yield udp(123, 123, b'\x23' + b'\0' * 47)
    yield udp(40000, 69, b'\0\1file\0octet\0')


def exthdr(nxt, size=8):
    return bytes([nxt, size // 8 - 1, 1, size - 4]) + b'\0' * (size - 4)


def fragment6(nxt, offset, more=1):
    return bytes([nxt, 0]) + u16(offset | more) + u32(77)


def ip_packets():
    """over IPv4 and over IPv6, without the link header: (ethertype, packet)"""
    for t in tcp_packets():
        yield 0x800, ip4(6, t)
    for i, t in enumerate(tcp_packets()):
        if i % 7 == 0:
            yield 0x86dd, ip6(6, t)
    for u in udp_packets():
        yield 0x800, ip4(17, u)
        yield 0x86dd, ip6(17, u)
    for i in icmp_packets():
        yield 0x800, ip4(1, i)
    for i in icmp6_packets():
        yield 0x86dd, ip6(58, i)
    for a in addresses6():
        yield 0x86dd, ip6(58, icmp(135, 0, data=a), src=a, dst=V6B)
        yield 0x86dd, ip6(17, udp(1000, 1001), src=V6A, dst=a)
    for proto in range(256):
        yield 0x800, ip4(proto, b'\x45' + b'\0' * 39)
        if proto not in (0, 43, 44, 60, 135):
            yield 0x86dd, ip6(proto, b'\x45' + b'\0' * 39)
    for o in (H('01010101'), H('94040000'), H('0707040a00000100'), H('44080501') + b'\0' * 4, H('00000000') * 10):
        yield 0x800, ip4(17, udp(40000, 40001, b'opt'), options=o)
        yield 0x800, ip4(6, tcp(), options=o)
        yield 0x800, ip4(1, icmp(8, 0), options=o)
    yield 0x800, ip4(2, H('1600000') if False else H('16000000') + bytes([239, 1, 1, 1]), options=H('94040000'))
    yield 0x800, ip4(2, H('11640000') + b'\0' * 4, options=H('94040000'))
    yield 0x800, ip4(2, H('17000000') + bytes([239, 1, 1, 1]), options=H('94040000'))
    yield 0x800, ip4(2, H('22000000') + u16(0, 1) + H('04000000') + bytes([239, 1, 1, 1]), options=H('94040000'))
    for frag in (0x2000, 0x4000, 0x2001, 0x0001, 0x00b9, 0x1fff, 0x8000):
        yield 0x800, ip4(17, udp(40000, 40001, b'f' * 16, length=3000), frag=frag)
        yield 0x800, ip4(6, tcp(0x18, b'f' * 16), frag=frag)
        yield 0x800, ip4(1, icmp(8, 0, u16(1, 2), b'f' * 16), frag=frag)
        yield 0x800, ip4(47, b'\0' * 16, frag=frag)
    for length in (0, 1, 19, 20, 21, 28, 35, 36, 37, 100, 1500, 65535):
        yield 0x800, ip4(17, udp(40000, 40001, b'l' * 8), length=length)
        yield 0x800, ip4(6, tcp(0x18, b'l' * 8), length=length)
        yield 0x800, ip4(1, icmp(8, 0, u16(1, 2), b'l' * 8), length=length)
        yield 0x86dd, ip6(17, udp(40000, 40001, b'l' * 8), length=length)
        yield 0x86dd, ip6(6, tcp(0x18, b'l' * 8), length=length)
        yield 0x86dd, ip6(58, icmp(128, 0, u16(1, 2), b'l' * 8), length=length)
    for ihl in range(16):
        yield 0x800, ip4(17, udp(40000, 40001, b'h' * 60), ihl=ihl)
    for version in range(16):
        yield 0x800, ip4(17, udp(40000, 40001), version=version)
        yield 0x86dd, ip6(17, udp(40000, 40001), version=version)
    for upper, data in ((17, udp(40000, 40001, b'e')), (6, tcp(2)), (58, icmp(128, 0)), (59, b'')):
        for ext in (0, 60):
            for size in (8, 16, 64):
                yield 0x86dd, ip6(ext, exthdr(upper, size) + data)
        yield 0x86dd, ip6(0, exthdr(60) + exthdr(upper) + data)
        yield 0x86dd, ip6(60, exthdr(44) + fragment6(upper, 0) + data)
        for offset in (0, 8, 1448, 65528):
            for more in (0, 1):
                yield 0x86dd, ip6(44, fragment6(upper, offset, more) + data)
        yield 0x86dd, ip6(43, bytes([upper, 2, 4, 0, 0, 0, 0, 0]) + V6A + data)
        yield 0x86dd, ip6(43, bytes([upper, 2, 2, 1, 0, 0, 0, 0]) + V6A + data)
    yield 0x800, ip4(4, ip4(6, tcp()))
    yield 0x800, ip4(41, ip6(6, tcp()))
    yield 0x86dd, ip6(4, ip4(17, udp(40000, 40001)))
    yield 0x86dd, ip6(41, ip6(58, icmp(128, 0)))
    deep = ip4(6, tcp())
    for _ in range(3):
        deep = ip4(4, deep)
    yield 0x800, deep
    yield 0x800, ip4(132, u16(5000, 6000) + u32(1, 2) + H('01000014') + b'\0' * 16)
    yield 0x800, ip4(47, H('00000800') + ip4(1, icmp(8, 0)))


def other_ethernet():
    for op in (1, 2, 3, 4, 8, 9, 5, 0, 256):
        yield ether(0x806, arp(op) + b'\0' * 18, dst=BC)
        yield ether(0x806, arp(op), dst=BC)
    yield ether(0x806, arp(1, tha=MAC2))
    yield ether(0x806, arp(1, spa=b'\0' * 4))
    yield ether(0x806, arp(1, tpa=V4A))
    yield ether(0x806, arp(1, hrd=6))
    yield ether(0x806, arp(1, pro=0x86dd))
    yield ether(0x806, arp(1, hlen=8, sha=MAC1 + b'\1\2', tha=b'\0' * 8))
    yield ether(0x806, arp(1, plen=6, spa=V4A + b'\0\0', tpa=V4B + b'\0\0'))
    yield ether(0x8035, arp(3))
    inner = ip4(17, udp(40000, 40001, b'v'))
    for tci in (0, 1, 5, 0x6005, 0x1fff, 0xffff):
        for tpid in (0x8100, 0x88a8, 0x9100):
            yield ether(tpid, u16(tci, 0x800) + inner)
        yield ether(0x88a8, u16(tci, 0x8100, 100, 0x800) + inner)
        yield ether(0x8100, u16(tci, 0x806) + arp(1))
        yield ether(0x8100, u16(tci, 0x86dd) + ip6(58, icmp(135, 0, data=V6B)))
        yield ether(0x8100, u16(tci, 0x1234) + b'\0' * 40)
    yield ether(0x8100, u16(1, 0x8100) * 5 + u16(1, 0x800) + inner)
    for kind in (0x88b5, 0x0600, 0x8847, 0x88cc, 0x888e, 0x8863, 0x8864, 0x9000, 0xffff):
        yield ether(kind, b'\0' * 46)
    yield ether(0x888e, H('02030075') + b'\0' * 117)
    yield ether(0x88cc, H('0207040200000000010403050607060200780000'))
    for code in (9, 7, 0x19, 0x65, 0xa7):
        yield ether(0x8863, bytes([0x11, code]) + u16(0 if code != 0xa7 else 17, 4, 0x0101, 0))
    yield ether(0x8864, H('1100') + u16(17, 2 + len(inner), 0x21) + inner)
    yield ether(0x8864, H('1100') + u16(17, 10, 0xc021) + H('01010008') + b'\0' * 4)
    yield ether(0x8864, H('1100') + u16(17, 50, 0x57) + ip6(58, icmp(128, 0)))
    yield ether(38, H('424203') + b'\0' * 32 + b'\0' * 8, dst=H('0180c2000000'))
    yield ether(38, H('424203') + H('0000000000') + H('8000' + '020000000001') + u32(0) + H('8000' + '020000000001') + H('80010000140002000f00') + b'\0' * 8, dst=H('0180c2000000'))
    yield ether(46, H('aaaa03000000') + u16(0x800) + b'\0' * 38)
    yield ether(3, H('f0f003') + b'\0' * 43)


def sll(kind, data, packet=0, hatype=1, halen=6):
    return u16(packet, hatype, halen) + MAC1 + b'\0\0' + u16(kind) + data


def sll2(kind, data, packet=0, hatype=1, halen=6, ifindex=3):
    return u16(kind, 0) + u32(ifindex) + u16(hatype) + bytes([packet, halen]) + MAC1 + b'\0\0' + data


def cooked(make):
    for packet in range(6):
        yield make(0x800, ip4(6, tcp(2)), packet)
        yield make(0x86dd, ip6(58, icmp(135, 0, data=V6B)), packet)
        yield make(0x806, arp(1), packet)
    yield make(0x800, ip4(1, icmp(8, 0)), 4, 772, 6)
    yield make(0x800, ip4(1, icmp(8, 0)), 0, 512, 0)
    yield make(0x88b5, b'\0' * 20)
    yield make(0x8100, u16(5, 0x800) + ip4(6, tcp(2)))


def radiotap():
    for fc in range(0, 256, 4):
        yield H('0000080000000000') + bytes([fc, 0]) + b'\0' * 30


def v4(proto, data):
    return ether(0x800, ip4(proto, data))


def v6(proto, data):
    return ether(0x86dd, ip6(proto, data))


def u(port, data, other=40000):
    return v4(17, udp(other, port, data))


def tunnels():
    inner, inner6 = ip4(1, icmp(8, 0, u16(1, 2), b'in')), ip6(58, icmp(128, 0, u16(1, 2), b'in'))
    frame = ether(0x800, inner)
    for flags, more in ((0, b''), (0x2000, u32(7)), (0x1000, u32(9)), (0x3000, u32(7, 9)), (0x8000, u16(1, 2)), (0xb000, u16(1, 2) + u32(3, 4)), (5, b'')):
        for kind, data in ((0x800, inner), (0x86dd, inner6), (0x6558, frame), (0x8847, u32(0x00010140) + inner), (0x1234, b'??')):
            yield v4(47, u16(flags, kind) + more + data)
            yield v6(47, u16(flags, kind) + more + data)
    ppp_ip = H('ff030021') + inner
    for flags, more in ((0x3001, u16(len(ppp_ip), 77) + u32(1)), (0x3081, u16(len(ppp_ip), 77) + u32(1, 2)), (0x2081, u16(0, 77) + u32(5)), (0x3001, u16(4, 77) + u32(1))):
        yield v4(47, u16(flags, 0x880b) + more + ppp_ip)
    for label in (0x00000140, 0x00002140, 0x00003140, 0x00010140, 0x12345f40):
        for data in (inner, inner6, b''):
            yield ether(0x8847, u32(label) + data)
            yield ether(0x8848, u32(0x00064000) + u32(label) + data)
    yield u(4789, H('08000000') + H('00007b00') + frame)
    yield u(4789, H('00000000') + H('00007b00') + ether(0x8100, u16(9, 0x800) + inner))
    for opt in (0, 2):
        for flags in (0, 0x40, 0x80, 0xc0):
            for kind, data in ((0x6558, frame), (0x800, inner), (0x86dd, inner6), (0x4321, b'')):
                yield u(6081, bytes([opt, flags]) + u16(kind) + H('00007b00') + b'\0' * 4 * opt + data)
    yield u(6081, H('40000800') + H('00007b00') + inner)
    yield u(6635, u32(0x00010140) + inner)
    for flags in (2, 0x4002, 0x0802, 0x4802, 0x0202, 0x0102):
        body = (u16(2, 3) + (u16(4, 5) if flags & 0x800 else b'') + (u16(0) if flags & 0x200 else b'') + ppp_ip)
        yield u(1701, u16(flags) + (u16(len(body) + 4) if flags & 0x4000 else b'') + body)
    for message in (1, 2, 3, 4, 6, 10, 14, 99):
        yield u(1701, u16(0xc802, 20, 2, 3, 4, 5) + u16(0x8008, 0, 0, message))
    yield u(1701, u16(0xc802, 12, 2, 3, 4, 5))
    yield u(1701, u16(0x0001) + b'\0' * 10)
    yield v4(50, u32(0xdeadbeef, 17) + b'e' * 40)
    yield v6(50, u32(0xdeadbeef, 17) + b'e' * 40)
    yield v4(51, bytes([1, 4]) + u16(0) + u32(0x1000, 5) + b'\xaa' * 12 + icmp(8, 0))
    yield v6(51, bytes([6, 4]) + u16(3) + u32(0x1000, 5) + b'\xaa' * 12 + tcp(2))
    for version in (0x10, 0x20):
        for exchange in (0, 2, 4, 5, 32, 34, 35, 36, 37, 99):
            for flags in (0, 1, 8, 0x20, 0x28):
                yield u(500, b'i' * 8 + b'\0' * 8 + bytes([1, version, exchange, flags]) + u32(exchange & 1, 28))
    yield u(4500, b'\xff')
    yield u(4500, u32(0x1234, 7) + b'e' * 30)
    yield u(4500, u32(0) + b'i' * 8 + b'\0' * 8 + H('01202208') + u32(0, 28))
    for kind, n in ((1, 148), (2, 92), (3, 64), (4, 32), (4, 96), (4, 33), (5, 64), (1, 147)):
        yield v4(17, udp(51820, 51820, bytes([kind, 0, 0, 0]) + b'w' * (n - 4)))


def routing():
    for kind in range(1, 6):
        yield v4(89, bytes([2, kind]) + u16(44) + V4A + b'\0' * 4 + b'\0' * 32)
        yield v6(89, bytes([3, kind]) + u16(36) + V4A + b'\0' * 4 + b'\0' * 24)
    for version, rest in ((2, H('0001')), (3, H('0064')), (2, H('0105'))):
        yield v4(112, bytes([version << 4 | 1, 7, 100, 1]) + rest + u16(0) + V4A)
    yield v6(112, H('3107640100640000') + V6A)
    for command in range(1, 8):
        for version in (1, 2):
            yield u(520, bytes([command, version, 0, 0]) + u16(2, 0) + V4A + u32(0xffffff00, 0, 3))
    yield u(521, H('01010000') + b'\0' * 16 + H('00000010'))
    yield u(521, H('02010000') + V6A + H('00004001'))
    for state in range(4):
        for flags in (0, 0x20, 0x3f):
            for port in (3784, 4784, 6784):
                yield u(port, bytes([0x20, state << 6 | flags, 3, 24]) + u32(1, 2, 3, 4, 5))
    for kind in (1, 2, 3, 4, 5):
        yield v4(6, tcp(0x18, b'\xff' * 16 + u16(19) + bytes([kind]), sport=179))
    for kind, fixed, rest in ((15, 27, b'\1' * 12 + H('40') + b'\3' * 7), (16, 27, b'\1' * 12 + H('40') + b'\3' * 7), (17, 20, b'\1' * 12), (18, 27, u16(40, 1199) + b'\5' * 8 + u32(9) + b'\0' * 3),
                              (20, 27, u16(40, 5) + b'\5' * 8 + u32(9) + b'\0' * 3), (24, 33, u16(40) + b'\6' * 23), (25, 33, u16(40) + b'\6' * 23), (26, 17, u16(40) + b'\6' * 7), (27, 17, u16(40) + b'\6' * 7)):
        pdu = H('83') + bytes([fixed, 1, 0, kind, 1, 0, 0]) + rest
        yield ether(3 + len(pdu), H('fefe03') + pdu)


def igmp_packets():
    for kind in (0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x22, 0x30):
        for code in (0, 100, 50):
            yield v4(2, bytes([kind, code, 0, 0, 239, 1, 1, 1]))
    for code in (100, 20, 130, 255):
        yield v4(2, bytes([0x11, code, 0, 0, 239, 1, 1, 1, 2, 125]) + u16(0))
        yield v4(2, bytes([0x11, code, 0, 0, 0, 0, 0, 0, 2, 125]) + u16(0))
        yield v4(2, bytes([0x11, code, 0, 0, 239, 1, 1, 1, 2, 125]) + u16(2) + V4A + V4B)
    yield v4(2, H('22000000') + u16(0, 2) + H('04000000') + bytes([239, 1, 1, 1]) + H('03000001') + bytes([239, 1, 1, 2]) + V4A)


def ppp_frames():
    inner = ip4(1, icmp(8, 0, u16(1, 2), b'in'))
    yield H('0021') + inner
    yield H('21') + inner
    yield H('ff030021') + inner
    yield H('0057') + ip6(58, icmp(128, 0))
    yield H('0281') + u32(0x00010140) + inner
    yield H('00fd') + b'z' * 10
    for proto in ('c021', '8021', '8057', '80fd', '8281', '8023'):
        for code in range(0, 17):
            yield H(proto) + bytes([code, 7]) + u16(10) + H('0506deadbeef')
    for code, data in ((1, b'\4user\6secret'), (2, b'\2ok'), (3, b'\6denied'), (4, b'')):
        yield H('c023') + bytes([code, 7]) + u16(4 + len(data)) + data
    for code, data in ((1, b'\4\1\2\3\4name'), (2, b'\4\1\2\3\4name'), (3, b'welcome'), (4, b'go away'), (9, b'')):
        yield H('c223') + bytes([code, 7]) + u16(4 + len(data)) + data


def access():
    """802.1X, STP, LLDP, CDP, LACP, PPPoE, LLC: what a port says before there is IP"""
    for frame in ppp_frames():
        yield ether(0x8864, H('1100') + u16(0x11, len(frame)) + frame + b'\0' * 20)
    for code in (9, 7, 0x19, 0x65, 0xa7, 0x33):
        tags = H('01010000') + u16(0x0102, 4) + b'acme' + u16(0x0103, 4) + H('00010203') + u16(0x0203, 7) + b'no room' + u16(0x4444, 2) + b'ab' + u16(0, 0)
        yield ether(0x8863, bytes([0x11, code]) + u16(0 if code < 0x20 else 17, len(tags)) + tags + b'\0' * 9)
    yield ether(0x8863, H('1109') + u16(0, 40) + H('01010000'))
    yield ether(0x8863, H('2309') + u16(0, 4) + H('01010000'))
    bridge = H('8000') + MAC1
    for version, kind in ((0, 0), (0, 0x80), (2, 2), (2, 0), (3, 2), (5, 0), (1, 0)):
        for flags in (0, 1, 0x3c, 0x7e, 0x80):
            body = u16(0) + bytes([version, kind, flags]) + bridge + u32(19) + bridge + H('8001') + u16(0, 5120, 512, 3840) + b'\0'
            if version > 2:
                body += u16(64) + b'\0' * 51 + b'\0' * 4 + bridge + b'\x14'
            if kind == 0x80:
                body = body[:4]
            yield ether(3 + len(body), H('424203') + body, dst=H('0180c2000000'))
    body = u16(0) + H('000001') + bridge + u32(19) + bridge + H('8001') + u16(0, 5120, 512, 3840)
    yield ether(8 + len(body), H('aaaa0300000c010b') + body, dst=H('01000ccccccd'))
    tlv = lambda kind, data: u16(kind << 9 | len(data)) + data
    for chassis in (b'\4' + MAC1, b'\7box', b'\5\1' + V4A):
        for name_ in (tlv(5, b'switch.example'), b'', tlv(5, b'\xffx\1')):
            yield ether(0x88cc, tlv(1, chassis) + tlv(2, b'\5Gi0/1') + tlv(3, u16(120)) + name_ + tlv(6, b'text') + tlv(0, b''), dst=H('0180c200000e'))
    cdp = H('02b40000') + u16(1, 10) + b'router' + u16(3, 9) + b'Gi0/1'
    yield ether(8 + len(cdp), H('aaaa0300000c2000') + cdp, dst=H('01000ccccccc'))
    yield ether(0x8809, H('0101') + H('0114') + u16(1) + MAC1 + u16(1, 2, 3) + H('3d000000') + H('0214') + u16(1) + MAC2 + u16(1, 2, 3) + H('3d000000') + b'\0' * 70)
    yield ether(0x8809, H('0201') + b'\0' * 108)
    yield ether(0x8809, H('0301') + b'\0' * 42)
    yield ether(0x8809, H('0102') + b'\0' * 42)
    for kind in (0, 1, 2, 3, 4, 7):
        yield ether(0x888e, bytes([2, kind]) + u16(0) + b'\0' * 42)
    for code, data in ((1, b'\1'), (2, b'\1bob@example'), (1, b'\4' + b'c' * 16), (2, b'\3\x15'), (3, b''), (4, b''), (1, b'\x0d\x20')):
        yield ether(0x888e, H('0100') + u16(4 + len(data)) + bytes([code, 9]) + u16(4 + len(data)) + data)
    for info in (0x008a, 0x010a, 0x13ca, 0x030a, 0x1382, 0x0302):
        yield ether(0x888e, H('0203') + u16(95) + H('02') + u16(info, 16) + b'\0' * 90)
    for dsap, ssap, control in ((0xf0, 0xf0, 'af81010a'), (0, 1, 'af810100'), (0, 0, 'f3'), (0xf0, 0xf1, '0102'), (4, 8, '0200'), (0x12, 0x13, '7f'), (0, 0, 'af')):
        yield ether(2 + len(control) // 2, bytes([dsap, ssap]) + H(control) + b'\0' * 43)
    for kind in (0x0800, 0x0806, 0x1234):
        yield ether(8 + 28, H('aaaa03000000') + u16(kind) + (arp(1) if kind == 0x806 else ip4(17, udp(1000, 1001))))


ANSWERS = {1: V4A, 28: V6A, 5: H('c00c'), 12: name('host.example'), 2: H('027a7ac010'), 15: u16(10) + H('046d61696cc010'), 16: b'\5hello\2ab',
           33: u16(1, 2, 53) + name('srv.example'), 6: name('ns.example') + name('root.example') + u32(1, 2, 3, 4, 5), 65: u16(1) + b'\0', 43: u16(1) + b'\1\1ab', 39: name('d.example'), 256: u16(1, 2) + b'http://x'}


def record(kind, data, owner=H('c00c'), cls=1, ttl=60):
    return owner + u16(kind, cls) + u32(ttl) + u16(len(data)) + data


def dns_sections():
    """Records of every kind in each section of questions and answers: what -v shows of DNS."""
    opt, opt_do = record(41, b'', b'\0', 4096, 0), record(41, b'', b'\0', 1232, 0x8000)
    soa = record(6, ANSWERS[6], H('c010'))
    for port in (53, 5353):
        for kind, data in ANSWERS.items():
            rr = record(kind, data)
            for sections in ((1, 1, 1), (2, 0, 1), (0, 2, 0), (0, 0, 2), (3, 1, 2)):
                for flags in (0x8180, 0x0100):
                    rest = rr * sections[0] + soa * sections[1] + opt * sections[2]
                    yield u(40000, dns(9, flags, 'www.example.com', kind, *sections, rest), port)
    yield u(40000, dns(9, 0x8183, 'no.such.example', 1, 0, 1, 1, record(6, ANSWERS[6]) + opt_do), 53)
    yield u(40000, u16(9, 0x8180, 2, 1, 0, 0) + name('a.example') + u16(1, 1) + name('b.example') + u16(28, 1) + record(1, V4A), 53)
    yield u(40000, u16(9, 0x8180, 0, 1, 0, 0) + record(1, V4A, b'\0'), 53)
    yield u(5353, dns(0, 0, 'x.local', 255, 0, 2, 0, record(1, V4A) + record(28, V6A, cls=0x8001)), 5353)
    yield u(40000, dns(9, 0x8180, 'www.example.com', 1, 1, 0, 0, record(1, V4A, cls=3)), 53)
    yield u(40000, dns(9, 0x8180, 'www.example.com', 1, 1, 0, 0, record(1, V4A, H('c0ff'))), 53)


def services():
    for port in (53, 5353):
        for kind, data in ANSWERS.items():
            rr = record(kind, data)
            for flags in (0x8180, 0x8583, 0x87a0):
                yield u(40000, dns(9, flags, 'www.example.com', kind, 1, 0, 0, rr), port)
            yield u(40000, dns(9, 0x8180, 'www.example.com', kind, 3, 0, 0, rr * 3), port)
            yield v4(6, tcp(0x18, u16(len(dns(9, 0x8180, 'a.b', kind, 1, 0, 0, rr))) + dns(9, 0x8180, 'a.b', kind, 1, 0, 0, rr), sport=53, dport=40000))
    for code in range(16):
        yield u(40000, dns(9, 0x8180 | code, 'x.y', 1), 53)
    for n in (0, 2, 3):
        yield u(40000, u16(7, 0x8180, n, 0, 0, 0) + (name('q.w') + u16(1, 1)) * n, 53)
        yield u(53, u16(7, 0x0100, n, 0, 0, 0) + (name('q.w') + u16(1, 1)) * n)
    yield u(53, dns(7, 0x0120, '', 2, ar=1, rest=H('0000290200000000') + u16(0)))
    for kind in (1, 255, 33, 43, 35, 64, 65, 257, 999):
        for class_ in (1, 3, 255, 0x8001):
            yield u(5353, u16(0, 0, 1, 0, 0, 0) + name('_http._tcp.local') + u16(kind, class_), 5353)
    yield u(40000, dns(9, 0x8180, 'x.y', 1, 1, 0, 0, H('c01c') + u16(1, 1) + u32(1) + u16(4) + V4A), 53)
    for kind in range(8):
        for version in (3, 4):
            yield u(123, bytes([version << 3 | kind, 2]) + b'\0' * 46)
    for op, data in ((1, b'boot.img\0octet\0'), (2, b'x\0netascii\0blksize\x001432\0'), (3, u16(7) + b'd' * 20), (4, u16(7)), (5, u16(1) + b'no such file\0'), (6, b'blksize\x001432\0'), (9, b'')):
        yield u(69, u16(op) + data)
    seq = lambda tag, data: bytes([tag, len(data)]) + data
    for version in (0, 1):
        for kind in (0xa0, 0xa1, 0xa2, 0xa3):
            for community in (b'public', b'secret'):
                pdu = seq(kind, seq(2, b'\1') + seq(2, b'\0') + seq(2, b'\0') + seq(0x30, seq(0x30, seq(6, H('2b06010201010100')) + (seq(5, b'') if kind < 0xa2 else seq(2, b'\5')))))
                yield u(161, seq(0x30, seq(2, bytes([version])) + seq(4, community) + pdu))
    for code in (1, 2, 3, 4, 5, 11, 40, 43, 99):
        yield u(1812, bytes([code, 0x5a]) + u16(20) + b'a' * 16)
    for priority in (0, 13, 30, 165, 191):
        yield u(514, b'<%d>su: failed' % priority)
    yield u(514, b'no priority')
    for kind in range(1, 17):
        yield v6(17, udp(546, 547, bytes([kind]) + H('a1b2c3') + b'\0' * 30))
    ia = u16(3, 40) + u32(1, 2, 3) + u16(5, 24) + V6A + u32(10, 20) + u16(25, 41) + u32(1, 2, 3) + u16(26, 25) + u32(10, 20) + b'\x38' + V6A
    yield v6(17, udp(547, 546, H('07a1b2c3') + u16(1, 4) + b'duid' + ia))
    yield v6(17, udp(547, 547, H('0d00') + V6A + V6B + u16(9, 4 + len(ia)) + H('07a1b2c3') + ia))
    for htype, hlen, op in ((1, 6, 1), (6, 6, 1), (1, 0, 1), (1, 6, 2), (1, 6, 3), (32, 20, 2)):
        d = bytearray(dhcp(op, 1, bytes([3, 4]) + V4A + bytes([6, 8]) + V4A + V4B + bytes([12, 4]) + b'host' + bytes([51, 4]) + u32(3600)))
        d[1:3] = bytes([htype, hlen])
        d[24:28] = V4A
        yield u(68, bytes(d), 67)
    for text in (b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', b'HTTP/1.1 404 Not Found\r\n\r\n', b'POST /a b HTTP/1.0\n', b'\x17\3\3 no text', b'just data here\r\n'):
        yield v4(6, tcp(0x18, text, dport=80))
    sni = u16(0, 14, 12) + b'\0' + u16(9) + b'a.example'
    hello = H('0303') + b'r' * 32 + b'\0' + u16(2, 0x1301) + b'\1\0' + u16(len(sni) + 4) + u16(23, 0) + sni
    yield v4(6, tcp(0x18, H('160301') + u16(len(hello) + 4) + b'\1\0' + u16(len(hello)) + hello, dport=443))
    for kind in (0, 1, 2, 3, 4, 6, 10, 14, 0xc0, 0x33):
        body = bytes([kind, 3]) + u16(24) + u32(1, 2) + u16(3, 4) + u32(5, 6)
        yield v4(132, u16(5000, 6000) + u32(1, 2) + body)
        yield v6(132, u16(5000, 6000) + u32(1, 2) + body + body)


def wifi():
    ies = b'\0\4home' + H('01048284 8b96'.replace(' ', '')) + H('030106')
    head = lambda fc, flags=0: bytes([fc, flags]) + u16(0) + BC + MAC1 + MAC2 + u16(0x10)
    for fc, fixed in ((0x00, 4), (0x10, 6), (0x20, 10), (0x30, 6), (0x40, 0), (0x50, 12), (0x80, 12), (0x90, 0)):
        for capability in (H('0100'), H('1100'), H('0200')):
            body = bytearray(b'\0' * fixed)
            at = 10 if fixed == 12 else 0
            body[at:at + 2] = capability[:max(0, fixed - at)]
            yield head(fc) + bytes(body) + ies
    for code in (1, 2, 3, 6, 7, 8, 15):
        yield head(0xa0) + bytes([code, 0])
        yield head(0xc0) + bytes([code, 0])
    for way in (0, 1, 3):
        for step in (1, 2, 3):
            yield head(0xb0) + bytes([way, 0, step, 0, 13 if step == 3 else 0, 0])
    for subtype in range(7, 16):
        yield bytes([subtype << 4 | 4, 0]) + u16(0) + MAC1 + MAC2 + b'\0' * 8
    llc = H('aaaa030000000800') + ip4(17, udp(1000, 1001, b'air'))
    for flags in (0, 1, 2, 3):
        for fc in (0x08, 0x48, 0x88, 0xc8):
            yield bytes([fc, flags]) + u16(0) + MAC1 + MAC2 + BC + u16(0) + (MAC1 if flags == 3 else b'') + (u16(0) if fc & 0x80 else b'') + (b'' if fc & 0x40 else llc)
    yield head(0x08, 0x41) + H('11223320') + b'\0' * 20


def tapped():
    """802.11 behind radiotap headers"""
    beacon = bytes([0x80, 0]) + u16(0) + BC + MAC1 + MAC2 + u16(0) + b'\0' * 10 + H('1100') + b'\0\4home' + H('010482848b96') + H('030106')
    le = lambda *v: struct.pack('<%dH' % len(v), *v)
    for present, fields in ((0x0e, b'\0\2' + le(2412, 0xa0)), (0x6e, b'\0\x0c' + le(5180, 0x140) + b'\xd0\xa5'), (0x2e, b'\x10\x0c' + le(2437, 0x480) + b'\xd0'), (0x2a, b'\x42' + b'\0' + le(2437, 0x480) + b'\xd0'),
                            (1, struct.pack('<Q', 123456789012)), (0x840, b'\xc4\x01'), (0x0, b'')):
        yield bytes([0, 0]) + le(8 + len(fields)) + struct.pack('<I', present) + fields + beacon + (b'fcs!' if fields[:1] == b'\x10' else b'')


def links():
    """(link type, packets): those that have only a few"""
    inner, inner6 = ip4(1, icmp(8, 0, u16(1, 2), b'in')), ip6(58, icmp(128, 0, u16(1, 2), b'in'))
    frame = inner
    yield 0, [struct.pack(o + 'I', f) + p for o in '<>' for f, p in ((2, inner), (24, inner6), (28, inner6), (30, inner6))]
    yield 108, [u32(2) + inner, u32(30) + inner6]
    yield 9, list(ppp_frames())
    yield 50, [H('ff03') + f for f in ppp_frames() if len(f) > 3 and not f[0] & 1]
    yield 12, [inner, inner6]
    yield 228, [inner]
    yield 229, [inner6]
    yield 104, [H('0f000800') + inner, H('8f0086dd') + inner6, H('0f008035') + u32(2, 1, 2) + u16(0xffff) + u32(1000), H('0f008035') + u32(0, 0, 0) + u16(0), H('0f001234') + inner]
    yield 107, [H('18410800') + inner, H('184103cc') + inner, H('1841038e') + inner6, H('184186dd') + inner6, H('1841030080000000') + u16(0x800) + inner]
    yield 105, list(wifi())
    for linktype, tag in ((284, H('c0280065')), (284, H('40280065')), (284, H('00280065')), (285, H('dada0000c0280065')), (281, H('00000005')), (281, H('20000020'))):
        yield linktype, [MAC2 + MAC1 + tag + u16(0x800) + frame, MAC2 + MAC1 + tag + u16(0x806) + arp(1)]
    yield 282, [H('00000005') + ether(0x800, frame)]


def save(path, linktype, packets, cut=None, magic=0xa1b2c3d4, order='<'):
    with open(path, 'wb') as f:
        f.write(struct.pack(order + 'IHHIIII', magic, 2, 4, 0, 0, 262144, linktype))
        for i, p in enumerate(packets):
            p, original = p if isinstance(p, tuple) else (p, len(p))
            f.write(struct.pack(order + 'IIII', i, 0, len(p), original) + p)


def cuts(packets):
    for p in packets:
        for n in range(1, len(p)):
            yield p[:n], len(p)


SEED_LINKS = (1, 113, 276, 101, 127, 105, 0, 9, 12, 50, 51, 104, 107, 108, 227, 228, 229, 281, 282, 284, 285)  # as fuzz_show.c


def seeds(out, frames, ip):
    """What the fuzzers start from: DIR/seeds-show and DIR/seeds-read."""
    for d in ('/seeds-show', '/seeds-read'):
        os.makedirs(out + d, exist_ok=True)
    kinds = [(0, p) for p in frames] + [(0, p) for p in other_ethernet()] + [(3, p) for _, p in ip[::9]]
    kinds += [(1, p) for p in cooked(sll)] + [(2, p) for p in cooked(sll2)] + [(4, p) for p in radiotap()]
    kinds += [(0, p) for make in (tunnels, routing, igmp_packets, access, services, dns_sections) for p in make()] + [(4, p) for p in tapped()]
    kinds += [(SEED_LINKS.index(linktype), p) for linktype, packets in links() for p in packets]
    for i, (kind, p) in enumerate(kinds):
        with open(out + '/seeds-show/%d' % i, 'wb') as f:
            f.write(bytes([kind, i & 3, 1, i & 3, 0, 0, 0, 0]) + p)
    for i, order in enumerate('<>'):
        for j, magic in enumerate((0xa1b2c3d4, 0xa1b23c4d, 0x0a0d0d0a)):
            save(out + '/seeds-read/%d%d' % (i, j), 1, frames[:4], magic=magic, order=order)


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    ip = list(ip_packets())
    eth = [ether(k, p) for k, p in ip]
    save(out + '/ip.pcap', 1, eth)
    save(out + '/ethernet.pcap', 1, other_ethernet())
    save(out + '/padded.pcap', 1, [p + b'\0' * max(0, 60 - len(p)) for p in eth[::3]])
    save(out + '/raw.pcap', 101, [p for _, p in ip[::5]])
    save(out + '/sll.pcap', 113, cooked(sll))
    save(out + '/sll2.pcap', 276, cooked(sll2))
    save(out + '/radiotap.pcap', 127, radiotap())
    save(out + '/big-endian.pcap', 1, eth[::40], order='>')
    save(out + '/nano.pcap', 1, eth[::40], magic=0xa1b23c4d)
    some = [ip4(6, tcp(2, options=H('020405b40402080a0000000100000002') + H('01030307'))), ip4(6, tcp(0x18, b'data')), ip4(17, udp(40000, 40001, b'data')),
            ip4(1, icmp(8, 0, data=b'data')), ip4(1, icmp(3, 3, data=quote4(17, udp(1, 2)))), ip4(17, udp(1, 2), options=H('01010101'))]
    some6 = [ip6(6, tcp(2)), ip6(17, udp(40000, 40001, b'data')), ip6(58, icmp(135, 0, data=V6B)), ip6(58, icmp(128, 0, data=b'data')),
             ip6(0, exthdr(58) + icmp(143, 0, u16(0, 1), mld2(1))), ip6(44, fragment6(17, 0) + udp(40000, 40001, b'frag')), ip6(58, icmp(1, 4, data=ip6(17, udp(1, 2))))]
    short = [ether(0x800, p) for p in some] + [ether(0x86dd, p) for p in some6] + [ether(0x806, arp(1)), ether(0x8100, u16(5, 0x800) + some[0])]
    save(out + '/cut.pcap', 1, cuts(short))
    save(out + '/cut-raw.pcap', 101, cuts(some + some6))
    save(out + '/cut-sll2.pcap', 276, cuts([sll2(0x800, some[0])]))
    save(out + '/cut-sll.pcap', 113, cuts([sll(0x800, some[0])]))
    families = (('tunnels', tunnels), ('routing', routing), ('igmp', igmp_packets), ('access', access), ('services', services),
                ('dns', dns_sections))
    for family, make in families:
        save(out + '/%s.pcap' % family, 1, make())
    save(out + '/tapped.pcap', 127, tapped())
    for i, (linktype, packets) in enumerate(links()):
        save(out + '/link-%d-%d.pcap' % (i, linktype), linktype, packets)
    seeds(out, short, ip)
    r = random.Random(7)
    noise = []
    for i in range(3000):
        p = bytearray(r.choice(eth))
        for _ in range(r.randrange(1, 4)):
            p[r.randrange(12, len(p))] = r.randrange(256)
        noise.append(bytes(p))
    save(out + '/flipped.pcap', 1, noise)


main()
