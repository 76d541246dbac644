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


def seeds(out, frames, ip):
    """What the fuzzers start from: DIR/seeds-show and DIR/seeds-read."""
    for d in ('/seeds-show', '/seeds-read'):
        os.makedirs(out + d, exist_ok=True)
    kinds = [(0, p) for p in frames] + [(0, p) for p in other_ethernet()] + [(3, p) for _, p in ip[::9]]
    kinds += [(1, p) for p in cooked(sll)] + [(2, p) for p in cooked(sll2)] + [(4, p) for p in radiotap()]
    for i, (kind, p) in enumerate(kinds):
        with open(out + '/seeds-show/%d' % i, 'wb') as f:
            f.write(bytes([kind, i & 1, 1, i & 3, 0, 0, 0, 0]) + p)
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
