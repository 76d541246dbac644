# SPDX-License-Identifier: MIT
"""The frames of the table's traffic: what a host at 192.168.1.10 sees of ARP, ICMP, TCP, UDP and DNS.

Their lines are the same in rawcap and in `tcpdump -nnS`. ODD holds other protocols: rows that ask for
them by a filter write files.
"""
import socket
import struct

HOST_MAC, ROUTER_MAC, OTHER_MAC = (bytes.fromhex("02000000000" + digit) for digit in "abc")
BROADCAST = b"\xff" * 6
HOST, ROUTER, OTHER, SERVER, RESOLVER = "192.168.1.10", "192.168.1.1", "192.168.1.50", "93.184.216.34", "8.8.8.8"
HOST6, ROUTER6, SERVER6 = "fd00::10", "fd00::1", "2001:db8::22"
IPV4, ARP, IPV6, VLAN = 0x0800, 0x0806, 0x86DD, 0x8100
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
FIN, SYN, RST, PUSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ethernet(kind, payload, source=ROUTER_MAC, to=HOST_MAC, tags=()):
    head = to + source + b"".join(struct.pack("!HH", VLAN, tag) for tag in tags) + struct.pack("!H", kind)
    return (head + payload).ljust(60, b"\0")


def ip(protocol, payload, source, to, identifier=1, fragment=0x4000, ttl=64, tos=0):
    """An IPv4 or IPv6 packet; the transport's checksum is put in where the protocol has one."""
    a, b = address(source), address(to)
    place = {TCP: 16, UDP: 6, ICMP6: 2, ICMP: 2}.get(protocol)
    if place is not None:
        pseudo = b"" if protocol == ICMP else a + b + struct.pack("!IHBB", len(payload), 0, 0, protocol)
        if len(a) == 4 and pseudo:
            pseudo = a + b + struct.pack("!BBH", 0, protocol, len(payload))
        payload = payload[:place] + struct.pack("!H", checksum(pseudo + payload)) + payload[place + 2:]
    if len(a) == 16:
        return struct.pack("!IHBB", 6 << 28 | tos << 20, len(payload), protocol, ttl) + a + b + payload
    head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(payload), identifier, fragment, ttl, protocol, 0) + a + b
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source, sport, to, dport, payload, **more):
    return ip(UDP, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload, source, to, **more)


def tcp(source, sport, to, dport, flags, sequence, acknowledged=0, payload=b"", **more):
    options = b"\2\4\5\xb4\1\1\4\2\1\3\3\7" if flags & SYN else b""
    head = struct.pack("!HHIIBBHHH", sport, dport, sequence, acknowledged, 5 + len(options) // 4 << 4, flags, 502, 0, 0)
    return ip(TCP, head + options + payload, source, to, **more)


def echo(source, to, reply, sequence, size=56, **more):
    six = ":" in source
    kind = (129 if reply else 128) if six else (0 if reply else 8)
    body = struct.pack("!BBHHH", kind, 0, 0, 7, sequence) + bytes(range(size))
    return ip(ICMP6 if six else ICMP, body, source, to, **more)


def dns(number, response, name, kind, answer=b""):
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    head = struct.pack("!HHHHHH", number, 0x8180 if response else 0x0100, 1, 1 if response else 0, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(answer)) + answer if response else b""
    return head + question + struct.pack("!HH", kind, 1) + record


def arp(operation, sender_mac, sender, target_mac, target):
    return struct.pack("!HHBBH", 1, IPV4, 6, 4, operation) + sender_mac + address(sender) + target_mac + address(target)


def incoming():
    """What comes from the wire."""
    packets = [
        (IPV4, echo(ROUTER, HOST, False, 1)),
        (IPV4, udp(RESOLVER, 53, HOST, 40000, dns(4660, True, "example.com", 1, address(SERVER)), identifier=2)),
        (IPV4, tcp(SERVER, 443, HOST, 50000, SYN | ACK, 9000, 1001, identifier=3)),
        (IPV4, tcp(SERVER, 443, HOST, 50000, ACK | PUSH, 9001, 1101, b"\x17\3\3\0\x20" + bytes(range(32)), identifier=4)),
        (IPV4, tcp(OTHER, 51000, HOST, 22, SYN, 7000, identifier=5)),
        (IPV4, tcp(OTHER, 51000, HOST, 22, ACK, 7001, 8001, identifier=6)),
        (IPV4, tcp(OTHER, 52000, HOST, 8000, SYN, 100, identifier=7)),
        (IPV4, tcp(OTHER, 52000, HOST, 8000, ACK | PUSH, 101, 201, b"a request of sixty bytes".ljust(60, b"."), identifier=8)),
        (IPV4, tcp(OTHER, 52001, HOST, 3306, ACK | PUSH, 300, 400, b"\x0f\0\0\0\3select 1", identifier=9)),
        (IPV4, tcp(OTHER, 52001, HOST, 3306, FIN | ACK, 312, 400, identifier=10)),
        (IPV4, udp(OTHER, 60000, HOST, 5001, b"iperf udp payload", identifier=11)),
        (IPV4, echo(ROUTER, HOST, False, 2, identifier=12, fragment=0)),
        (IPV6, echo(ROUTER6, HOST6, False, 1)),
        (IPV6, tcp(SERVER6, 443, HOST6, 50006, RST | ACK, 1, 1)),
        (IPV6, udp(ROUTER6, 53, HOST6, 40006, dns(22136, True, "example.com", 28, address(SERVER6)))),
    ]
    frames = [ethernet(ARP, arp(1, ROUTER_MAC, ROUTER, bytes(6), HOST), to=BROADCAST)]
    frames += [ethernet(kind, packet) for kind, packet in packets]
    frames += [ethernet(IPV4, udp(OTHER, 137, "192.168.1.255", 1900, b"to all", identifier=14), source=OTHER_MAC, to=BROADCAST)]
    return frames


def outgoing():
    """What the host sends."""
    packets = [
        (IPV4, echo(HOST, ROUTER, True, 1)),
        (IPV4, udp(HOST, 40000, RESOLVER, 53, dns(4660, False, "example.com", 1), identifier=2)),
        (IPV4, tcp(HOST, 50000, SERVER, 443, SYN, 1000, identifier=3)),
        (IPV4, tcp(HOST, 50000, SERVER, 443, ACK | PUSH, 1001, 9001, b"\x16\3\1\0\x5f" + bytes(95), identifier=4)),
        (IPV4, tcp(HOST, 22, OTHER, 51000, SYN | ACK, 8000, 7001, identifier=5)),
        (IPV4, tcp(HOST, 22, OTHER, 51000, ACK | PUSH, 8001, 7001, bytes(36), identifier=6)),
        (IPV4, tcp(HOST, 8000, OTHER, 52000, RST | ACK, 201, 161, identifier=7)),
        (IPV4, udp(HOST, 5001, OTHER, 60000, b"answer", identifier=8)),
        (IPV6, echo(HOST6, ROUTER6, True, 1)),
        (IPV6, udp(HOST6, 40006, ROUTER6, 53, dns(22136, False, "example.com", 28))),
    ]
    frames = [ethernet(ARP, arp(2, HOST_MAC, HOST, ROUTER_MAC, ROUTER), source=HOST_MAC, to=ROUTER_MAC)]
    return frames + [ethernet(kind, packet, source=HOST_MAC, to=ROUTER_MAC) for kind, packet in packets]


def packets():
    """IPv4 packets without a link layer, for tun0."""
    return [frame[14:14 + int.from_bytes(frame[16:18], "big")] for frame in incoming() if frame[12:14] == b"\x08\0"]


def odd():
    """What comes from the wire of other protocols."""
    lldp = b"\2\7\4" + ROUTER_MAC + b"\4\6\5port1" + b"\6\2\0\x78" + b"\x0a\3sw1" + b"\0\0"
    cdp = b"\xaa\xaa\3\0\0\x0c\x20\0" + b"\2\xb4" + bytes(2) + b"\0\1\0\7sw1"
    stp = b"\x42\x42\3" + bytes(35)
    frames = [
        ethernet(0x88CC, lldp, to=bytes.fromhex("0180c200000e")),
        ethernet(len(cdp), cdp, to=bytes.fromhex("01000ccccccc")),
        ethernet(len(stp), stp, to=bytes.fromhex("0180c2000000")),
        ethernet(0x888E, b"\1\1\0\0"),
        ethernet(0x8863, b"\x11\x09\0\0\0\4\1\1\0\0", to=BROADCAST),
        ethernet(0x8864, b"\x11\0\0\1\0\x2c\0\x21" + echo(ROUTER, HOST, False, 5, 14)),
        ethernet(0x88B5, bytes(46)),
        ethernet(0x8809, b"\1\1" + bytes(108), to=bytes.fromhex("0180c2000002")),
        ethernet(0x88F7, bytes(44)),
        ethernet(0x8847, b"\0\6\x41\x40" + echo(ROUTER, HOST, False, 6)),
    ]
    for protocol, size in ((2, 8), (47, 4), (50, 40), (51, 24), (89, 44), (112, 20), (132, 28), (103, 4)):
        frames.append(ethernet(IPV4, ip(protocol, bytes(size), ROUTER, HOST, identifier=100 + protocol)))
    plain = [(67, 68), (68, 67), (123, 123), (161, 40001), (514, 514), (1812, 40002), (4500, 4500), (500, 500), (4789, 4789),
             (5060, 5060), (5353, 5353), (69, 40003), (1194, 40004), (51820, 51820), (2152, 2152), (6081, 6081), (5004, 5004), (2055, 2055)]
    frames += [ethernet(IPV4, udp(OTHER, a, HOST, b, bytes(48), identifier=200)) for a, b in plain]
    http = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: x\r\n\r\n"
    get = b"GET /index.html HTTP/1.1\r\nHost: example.com\r\nUser-Agent: curl\r\nCookie: a=b\r\n\r\n"
    post = b"POST /login HTTP/1.1\r\nHost: example.com\r\n\r\nuser=me&pass=word"
    streams = [(80, get, 0), (80, post, 0), (80, http, 1), (25, b"MAIL FROM:<a@example.com>\r\n", 0), (21, b"USER me\r\n", 0),
               (389, b"\x30\x0c", 0), (179, b"\xff" * 16 + b"\0\x13\4", 0), (445, b"\0\0\0\4\xfeSMB", 0), (110, b"RETR 1\r\n", 0),
               (5432, b"Q\0\0\0\x0dselect 1\0", 0), (6379, b"PING\r\n", 0), (9092, bytes(8), 0), (2049, bytes(8), 0),
               (11211, b"get key\r\n", 0), (3868, bytes(8), 0), (1883, bytes(2), 0), (6443, bytes(8), 0), (3389, bytes(8), 0)]
    for port, payload, back in streams:
        ends = (SERVER, port, HOST, 53000) if back else (OTHER, 53000, HOST, port)
        frames.append(ethernet(IPV4, tcp(*ends, PUSH | ACK, 1, 1, payload, identifier=300)))
    frames.append(ethernet(IPV4, tcp(OTHER, 53001, HOST, 80, FIN | PUSH | 32, 1, 0, identifier=301)))
    frames.append(ethernet(IPV4, ip(ICMP, b"\3\3" + bytes(6) + udp(HOST, 1, ROUTER, 33434, b"x")[:28], ROUTER, HOST, identifier=302)))
    frames.append(ethernet(IPV4, ip(ICMP, b"\x0b\0" + bytes(6) + udp(HOST, 1, ROUTER, 33434, b"x")[:28], ROUTER, HOST, identifier=303)))
    frames.append(ethernet(IPV4, udp(OTHER, 9, HOST, 9, bytes(1400), identifier=304, fragment=0x2000)))
    frames.append(ethernet(IPV4, udp(OTHER, 5353, "224.0.0.251", 5353, bytes(12), identifier=305, ttl=1), to=bytes.fromhex("01005e0000fb")))
    frames.append(ethernet(IPV4, tcp(OTHER, 53002, HOST, 443, SYN, 1, identifier=306, tos=0xB8)))
    frames.append(ethernet(IPV4, tcp(OTHER, 53003, HOST, 80, SYN, 1, identifier=307), tags=[10, 20]))
    frames.append(ethernet(IPV4, echo(ROUTER, HOST, False, 3, identifier=13), tags=[100]))
    frames.append(ethernet(IPV4, echo(ROUTER, HOST, False, 4, identifier=14, fragment=0x8000)))
    frames.append(ethernet(IPV4, tcp(OTHER, 51000, HOST, 22, ACK | PUSH, 7001, 8001, b"SSH-2.0-OpenSSH_9.2\r\n", identifier=15)))
    return frames
