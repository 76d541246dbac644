#define _GNU_SOURCE
/* SPDX-License-Identifier: MIT */
/*
 * diff.c - filter.h against libpcap: random expressions, random packets, the same verdict for each pair
 *
 *	diff [-n PAIRS] [-s SEED] [-f FILE]
 *
 * -f: the expressions of a file in place of random ones, each for every link type that libpcap takes it for.
 * Prints how many expressions and pairs agreed and how long the programs are; a disagreement is shrunk and
 * printed, and makes the exit status 1. What may differ, and why, stands in may_differ() and in DIFFERENCES.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "../../filter.h"
#include "judge.h"

#ifndef SO_ATTACH_FILTER
#define SO_ATTACH_FILTER 26
#endif

/* libpcap asks the name service for words it does not know; here none is known. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	struct addrinfo h = *hints;

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (node)
		h.ai_flags |= AI_NUMERICHOST;
	return real(node, service, &h, res);
}

/* ---- chance ---- */

static uint64_t chance;		/* xorshift state */

static uint32_t rnd(uint32_t n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (uint32_t)(chance >> 16) % n;
}

static int one_in(uint32_t n)
{
	return !rnd(n);
}

#define PICK(a) (a)[rnd(sizeof(a) / sizeof *(a))]

/* ---- values that expressions and packets share, so that tests often hold ---- */

static const char *const ip4s[] = { "10.0.0.1", "10.0.0.2", "10.1.2.3", "192.168.1.1", "224.0.0.251", "255.255.255.255", "0.0.0.0" };
static const uint8_t ip4_bytes[][4] = { {10,0,0,1}, {10,0,0,2}, {10,1,2,3}, {192,168,1,1}, {224,0,0,251}, {255,255,255,255}, {0,0,0,0} };
static const char *const nets[] = { "10", "10.0.0.0/8", "10.0.0.0/30", "192.168", "192.168.1", "192.168.1.0/24", "224.0.0.0/4", "0.0.0.0/0",
	"10.1.0.0 mask 255.255.0.0", "10.0.0.1", "10.0.0.0/31", "10.0.0.1/32", "172.16", "10.0.0.0 mask 255.0.255.0" };
static const char *const ip6s[] = { "::1", "fe80::1", "2001:db8::1:2", "ff02::1", "2001:db8:1:2:3:4:5:6", "::ffff:10.0.0.1", "::" };
static const uint8_t ip6_bytes[][16] = { {[15]=1}, {0xfe,0x80,[15]=1}, {0x20,1,0xd,0xb8,[13]=1,[15]=2}, {0xff,2,[15]=1},
	{0x20,1,0xd,0xb8,0,1,0,2,0,3,0,4,0,5,0,6}, {[10]=0xff,0xff,10,0,0,1}, {0} };
static const char *const net6s[] = { "::/0", "fe80::/10", "2001:db8::/32", "2001:db8::/33", "ff00::/8", "2001:db8::1:0/112", "::1/128", "fe80::/64", "2001:db8:1:2::/64" };
static const char *const macs[] = { "02:00:00:00:00:01", "2:0:0:0:0:2", "ff:ff:ff:ff:ff:ff", "01-00-5e-00-00-fb", "0200.0000.0001", "020000000002", "33.33.0.0.0.1" };
static const uint8_t mac_bytes[][6] = { {2,0,0,0,0,1}, {2,0,0,0,0,2}, {255,255,255,255,255,255}, {1,0,0x5e,0,0,0xfb}, {0x33,0x33,0,0,0,1} };
static const char *const ports[] = { "80", "443", "22", "53", "0x35", "0", "65535", "1024", "http", "domain", "ssh", "ntp", "https",
	"snmp", "syslog", "openvpn", "www", "imap", "ldap", "microsoft-ds", "tftp", "bootps", "kerberos", "ldaps", "radius", "postgresql", "rtsp", "ipp", "mysql", "submission", "sunrpc", "isakmp" };
static const uint16_t port_numbers[] = { 80, 443, 22, 53, 123, 0, 65535, 1024, 90 };
static const char *const ranges[] = { "80-90", "90-80", "22-53", "0-65535", "1024", "http-https", "53-domain", "443-443", "80-http" };
static const char *const vlan_ids[] = { "5", "100", "0", "4095", "0x5", "(100)" };
static const uint16_t vlan_numbers[] = { 5, 100, 0, 4095 };
static const char *const numbers_text[] = { "0", "1", "2", "5", "6", "17", "0x0f", "64", "010", "80", "255", "0x1fff", "0xffffffff", "1500", "tcp-syn", "tcp-ack",
	"icmp-echo", "icmp6-echo", "icmp-echoreply", "icmp6-neighborsolicit", "tcpflags", "icmptype", "4294967295", "2147483648" };

/* ---- packets ---- */

enum { POOL = 1500, MAX_PACKET = 400 };
struct sample {
	struct packet live, file;	/* as the kernel holds it, as a file holds it */
	int no_live;		/* cut within the cooked header: the kernel never does that */
	uint8_t live_data[MAX_PACKET], file_data[MAX_PACKET];
};
enum { ETH, RAWIP, SLL, SLL2, RADIOTAP, WLAN, AVS, PRISM, PPP, PPP_ETHER, HDLC, LOOP, NULLBSD, IPV4ONLY, IPV6ONLY, FDDI, RING, FIBRE, ARCNET, LINKS };
static struct sample pool[LINKS][POOL];
static const int linktypes_tested[LINKS] = { 1, 101, 113, 276, 127, 105, 163, 119, 9, 51, 104, 108, 0, 228, 229, 10, 6, 122, 129 };

static uint8_t buf[MAX_PACKET];
static unsigned len;

static void b8(unsigned v) { if (len < MAX_PACKET - 64) buf[len++] = (uint8_t)v; }
static void b16(unsigned v) { b8(v >> 8); b8(v & 255); }
static void b32(uint32_t v) { b16(v >> 16); b16(v & 0xffff); }
static void bytes_of(const uint8_t *p, unsigned n) { while (n--) b8(*p++); }

static void payload(unsigned n)
{
	while (n--)
		b8(one_in(3) ? rnd(256) : rnd(8));
}

static void network(unsigned type);

static const uint8_t transports[] = { 6, 6, 6, 17, 17, 17, 132, 1, 2, 58, 50, 51, 103, 112, 9, 47, 4 };

static void tagged(unsigned tags);

/* RFC 8926, with an Ethernet frame or an IP packet inside. */
static void geneve_packet(void)
{
	unsigned options = rnd(3), inner = one_in(2) ? 0x6558 : one_in(2) ? 0x800 : 0x86dd;

	b16(PICK(port_numbers));
	b16(6081);
	b32(0x00400000);
	b8(options | (one_in(8) ? 0x40 : 0));
	b8(0);
	b16(inner);
	b32(PICK(vlan_numbers) << 8);
	payload(4 * options);
	if (inner == 0x6558) {
		bytes_of(PICK(mac_bytes), 6);
		bytes_of(PICK(mac_bytes), 6);
		tagged(one_in(4));
	} else {
		network(inner);
	}
}

static void transport(unsigned proto)
{
	if (proto == 17 && one_in(3)) {
		geneve_packet();
		return;
	}
	if (proto == 6 || proto == 17 || proto == 132) {
		b16(PICK(port_numbers));
		b16(PICK(port_numbers));
		payload(8);
		b8(0x50);
		b8(1u << rnd(8));
	}
	if (proto == 1 || proto == 58)
		b8(one_in(2) ? 8 : one_in(2) ? 128 : rnd(256));
	payload(rnd(40));
}

static void ipv4(void)
{
	unsigned ihl = one_in(4) ? 5 + rnd(11) : 5, proto = PICK(transports), i;

	b8(0x40 | (one_in(40) ? rnd(16) : ihl));
	b8(rnd(256));
	b16(60);
	b16(rnd(65536));
	b16(one_in(4) ? rnd(65536) : one_in(2) ? 0x4000 : 0);
	b8(64);
	b8(proto);
	b16(0);
	bytes_of(PICK(ip4_bytes), 4);
	bytes_of(PICK(ip4_bytes), 4);
	for (i = 5; i < ihl; i++)
		b32(rnd(7));
	transport(proto);
}

static void ipv6(void)
{
	static const uint8_t extensions[] = { 0, 43, 44, 60 };
	unsigned proto = PICK(transports), ext = one_in(3) ? PICK(extensions) : 255;

	b32(0x60000000);
	b16(20);
	b8(ext != 255 ? ext : proto);
	b8(64);
	bytes_of(PICK(ip6_bytes), 16);
	bytes_of(PICK(ip6_bytes), 16);
	if (ext != 255) {
		b8(proto);
		b8(0);
		b16(0);
		b32(rnd(8));
	}
	transport(proto);
}

static void arp(void)
{
	b16(1);
	b16(0x0800);
	b8(6);
	b8(4);
	b16(1 + rnd(2));
	bytes_of(PICK(mac_bytes), 6);
	bytes_of(PICK(ip4_bytes), 4);
	bytes_of(PICK(mac_bytes), 6);
	bytes_of(PICK(ip4_bytes), 4);
}

static void llc(void)
{
	static const uint8_t saps[] = { 0xfe, 0x42, 0xe0, 0xf0, 0x06, 0xaa, 0xaa, 0xff };
	unsigned sap = PICK(saps);

	static const uint8_t controls[] = { 3, 3, 3, 0, 1, 5, 9, 0x63, 0x43, 0x0f, 0x6f, 0xe3, 0xaf, 0x87, 0xbf };

	b8(sap);
	b8(sap);
	b8(sap == 0xaa ? 3 : PICK(controls));
	if (sap == 0xfe) {
		b8(0x81 + rnd(3));
		b8(27);
		b8(1);
		b8(0);
		b8(14 + rnd(14));
	}
	if (sap == 0xaa) {
		b8(one_in(2) ? 8 : 0);
		b16(one_in(2) ? 7 : 0);
		b16(one_in(2) ? 0x8137 : one_in(2) ? 0x809b : 0x80f3);
	}
	payload(rnd(30));
}

static void ppp(void)
{
	static const uint16_t protos[] = { 0x21, 0x57, 0xc021, 0x281 };
	unsigned p = PICK(protos);

	b8(0x11);
	b8(0);
	b16(PICK(vlan_numbers));
	b16(40);
	b16(p);
	network(p == 0x21 ? 0x800 : p == 0x57 ? 0x86dd : p == 0x281 ? 0x8847 : 0);
}

static void labels(void)
{
	static const uint32_t values[] = { 100, 1024, 5, 3 };
	unsigned bottom;

	do {
		bottom = rnd(2);
		b32(PICK(values) << 12 | bottom << 8 | 64);
	} while (!bottom && len < 100);
	if (one_in(2))
		ipv4();
	else
		ipv6();
}

static void decnet_packet(void);

static void network(unsigned type)
{
	switch (type) {
	case 0x0800: ipv4(); break;
	case 0x86dd: ipv6(); break;
	case 0x0806: case 0x8035: arp(); break;
	case 0x8847: labels(); break;
	case 0x8864: case 0x8863: ppp(); break;
	case 0x6003: decnet_packet(); break;
	default: payload(rnd(60));
	}
}

static unsigned ethertype(void)
{
	static const uint16_t types[] = { 0x800, 0x800, 0x800, 0x86dd, 0x86dd, 0x806, 0x8035, 0x8847, 0x8864, 0x8863, 0x809b, 0x80f3, 0x6003, 0x8137, 0x9000 };

	return PICK(types);
}

/* A type field and what follows it, with tags inside. */
static void tagged(unsigned tags)
{
	static const uint16_t tpids[] = { 0x8100, 0x88a8, 0x9100 };
	unsigned type = ethertype();

	while (tags--) {
		b16(PICK(tpids));
		b16(rnd(8) << 13 | PICK(vlan_numbers));
	}
	if (one_in(10)) {
		b16(rnd(1501));
		llc();
		return;
	}
	b16(type);
	network(type);
}

/* DECnet's long and short headers, with and without padding. */
static void decnet_packet(void)
{
	unsigned form = rnd(4);

	b16(rnd(256));
	if (form & 1)
		b8(0x81);
	b8(form & 2 ? 0x06 : 0x02);
	for (unsigned i = 0; i < 20; i++)
		b8(one_in(2) ? 2 : 4);
}

static void radiotap(void)
{
	unsigned flags = rnd(4), tsft = rnd(2), fc, ds = rnd(4), rtlen = 8, pad = 0;

	if (tsft)
		rtlen += 8;
	if (flags)
		rtlen += 1;
	rtlen += rnd(4);
	b16(0);
	b8(rtlen);
	b8(0);
	b8((flags ? 2 : 0) | tsft);
	b16(0);
	b8(one_in(10) ? 0x80 : 0);
	if (tsft)
		payload(8);
	if (flags)
		b8(pad = flags == 1 ? 0x20 : 0);
	while (len < rtlen)
		b8(0);
	fc = one_in(3) ? rnd(64) << 2 : 8 | (one_in(2) ? 0x80 : 0);
	b8(fc);
	b8(ds);
	b16(0);
	bytes_of(PICK(mac_bytes), 6);
	bytes_of(PICK(mac_bytes), 6);
	bytes_of(PICK(mac_bytes), 6);
	b16(0);
	if (ds == 3 && one_in(2))
		bytes_of(PICK(mac_bytes), 6);
	if (fc & 0x80)
		b16(0);
	while (pad && (len - rtlen) % 4)
		b8(0);
	b16(0xaaaa);
	b8(3);
	b8(0);
	b16(0);
	tagged(one_in(6));
}

/* The packet in buf becomes a sample; `live_from`: the bytes before it are not there on a live socket. */
static void finish(struct sample *s, unsigned live_from)
{
	unsigned full = len + rnd(100);

	if (one_in(6))
		len = rnd(len + 1);
	if (one_in(30))
		for (unsigned i = 0; i < len; i++)
			buf[i] = (uint8_t)rnd(256);
	memcpy(s->file_data, buf, len);
	s->file.data = s->file_data;
	s->file.libpcap = 1;
	s->file.caplen = len;
	s->file.len = full > len ? full : len;
	if (len < live_from)
		live_from = len;
	memcpy(s->live_data, buf + live_from, len - live_from);
	s->live.data = s->live_data;
	s->live.caplen = len - live_from;
	s->live.len = s->file.len - live_from;
	s->live.has_metadata = 1;
	s->live.ifindex = 1 + rnd(5);
	if (!s->live.pkttype)
		s->live.pkttype = rnd(5);
}

/* An 802.11 frame, as radiotap() makes it, behind another header or none. */
static void wireless(unsigned link)
{
	unsigned header;

	radiotap();
	header = buf[2];
	memmove(buf, buf + header, len - header);
	len -= header;
	if (link == WLAN)
		return;
	header = link == AVS || one_in(3) ? 64 : 144;
	if (len + header > MAX_PACKET)
		len = MAX_PACKET - header;
	memmove(buf + header, buf, len);
	memset(buf, 0, header);
	len += header;
	if (header == 64) {
		buf[0] = 0x80, buf[1] = 0x21, buf[2] = 0x10;
		buf[7] = 64;
	} else {
		buf[3] = 0x41;
	}
}

/* Links with other headers: `size` bytes, 802.2 with SNAP or PPP's or other numbers for the type. */
static void other_link(unsigned link)
{
	static const uint16_t ppp_numbers[][2] = { { 0x800, 0x21 }, { 0x86dd, 0x57 }, { 0x6003, 0x27 }, { 0, 0x23 }, { 0, 0x29 }, { 0, 0x2b }, { 0x8847, 0x281 } };
	static const uint16_t arc_numbers[][2] = { { 0x800, 212 }, { 0x800, 240 }, { 0x86dd, 196 }, { 0x806, 213 }, { 0x8035, 214 }, { 0, 221 } };
	unsigned type = ethertype(), n = link == FDDI ? 13 : link == RING ? 14 : 16, i = rnd(7);

	switch (link) {
	case FDDI: case RING: case FIBRE:
		for (unsigned k = 0; k < n; k++)
			b8(0);
		memcpy(buf + (link == FDDI ? 1 : 2), PICK(mac_bytes), 6);
		memcpy(buf + (link == FDDI ? 7 : link == RING ? 8 : 10), PICK(mac_bytes), 6);
		if (one_in(4)) {
			llc();
			return;
		}
		b32(0xaaaa0300);
		b16(type == 0x809b ? 7 : 0);
		break;
	case PPP: case PPP_ETHER:
		if (link == PPP_ETHER) {
			b32(0x11000005);
			b16(40);
		} else {
			b16(0xff03);
		}
		b16(ppp_numbers[i][1]);
		network(ppp_numbers[i][0]);
		return;
	case HDLC:
		b16(0x0f00);
		if (one_in(5)) {
			b16(0xfefe);
			b8(3);
			b8(0x81 + rnd(3));
			for (unsigned k = 0; k < 8; k++)
				b8(14 + rnd(14));
			return;
		}
		break;
	case LOOP:
		type = one_in(2) ? 0x800 : 0x86dd;
		b32(type == 0x800 ? 2 : 10);
		network(type);
		return;
	case NULLBSD:
		type = one_in(2) ? 0x800 : 0x86dd;
		b32(htonl(type == 0x800 ? 2 : 10));
		network(type);
		return;
	case ARCNET:
		i %= 6;
		b8(rnd(4));
		b8(rnd(4));
		b16(0);
		b8(arc_numbers[i][1]);
		b8(0);
		b16(0);
		network(arc_numbers[i][0]);
		return;
	}
	b16(type);
	network(type);
}

static void make_sample(unsigned link, struct sample *s)
{
	unsigned type = ethertype(), pkttype = rnd(5);

	len = 0;
	switch (link) {
	case ETH:
		bytes_of(PICK(mac_bytes), 6);
		bytes_of(PICK(mac_bytes), 6);
		tagged(one_in(3) ? 1 + rnd(2) : 0);
		finish(s, 0);
		s->live.tag_present = one_in(3);
		s->live.tag = s->live.tag_present ? PICK(vlan_numbers) | rnd(8) << 13 : 0;
		return;
	case RAWIP:
		if (one_in(2))
			ipv4();
		else
			ipv6();
		finish(s, 0);
		return;
	case SLL:
		if (one_in(8))
			type = one_in(2) ? 4 : 1;
		b16(pkttype);
		b16(1);
		b16(6);
		bytes_of(PICK(mac_bytes), 6);
		b16(0);
		break;
	case SLL2:
		b16(type);
		b16(0);
		b32(1 + rnd(5));
		b16(1);
		b8(pkttype);
		b8(6);
		bytes_of(PICK(mac_bytes), 6);
		b16(0);
		break;
	case IPV4ONLY:
		ipv4();
		finish(s, 0);
		return;
	case IPV6ONLY:
		ipv6();
		finish(s, 0);
		return;
	case RADIOTAP:
		radiotap();
		finish(s, 0);
		return;
	case WLAN: case AVS: case PRISM:
		wireless(link);
		finish(s, 0);
		return;
	default:
		other_link(link);
		finish(s, 0);
		return;
	}
	if (link == SLL)
		b16(type);
	s->live.pkttype = pkttype;
	if (type == 4)
		llc();
	else
		network(type);
	finish(s, link == SLL ? 16 : 20);
	s->no_live = s->file.caplen < 20;
	s->live.protocol = (uint32_t)(link == SLL ? s->file_data[14] << 8 | s->file_data[15] : s->file_data[0] << 8 | s->file_data[1]);
	s->live.pkttype = (uint32_t)(link == SLL ? s->file_data[0] << 8 | s->file_data[1] : s->file_data[10]);
	s->live.ifindex = 1;
	if (link == SLL2)
		judge_load(&s->file, 4, OP_W, &s->live.ifindex);
}

/* ---- expressions ---- */

static char expr[8192];
static unsigned nexpr;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	nexpr += (unsigned)vsnprintf(expr + nexpr, sizeof expr - nexpr, format, ap);
	va_end(ap);
	if (nexpr >= sizeof expr)
		nexpr = sizeof expr - 1;
}

static unsigned link_now;	/* what the expression is for */

static int is_wireless(unsigned link)
{
	return link >= RADIOTAP && link <= PRISM;
}

static void arithmetic(unsigned depth)
{
	static const char *const readable[] = { "ip", "ip", "ip6", "tcp", "tcp", "udp", "icmp", "icmp6", "arp", "rarp", "ether", "link", "sctp", "igmp", "vrrp", "pim",
		"carp", "igrp", "decnet", "lat", "wlan", "moprc", "radio" };
	static const char *const ops[] = { " + ", " - ", " & ", " | ", "*", "/", " << ", " >> ", " % ", " ^ " };

	switch (rnd(depth ? 9 : 4)) {
	case 0: say("len"); return;
	case 1: say("%s", PICK(numbers_text)); return;
	case 2: case 3:
		say("%s[", PICK(readable));
		if (depth && one_in(4))
			arithmetic(depth - 1);
		else
			say("%u", rnd(one_in(3) ? 70 : 24));
		say("%s", one_in(2) ? "]" : one_in(2) ? ":2]" : one_in(3) ? ":1]" : ":4]");
		return;
	case 4:
		say(one_in(3) ? "-" : "");
		say("(");
		arithmetic(depth - 1);
		say(")");
		return;
	default:
		arithmetic(depth - 1);
		say("%s", PICK(ops));
		if (one_in(3))
			arithmetic(depth - 1);
		else
			say("%u", 1 + rnd(20));
	}
}

static const char *some_number(void) { return PICK(numbers_text); }

static void direction_words(void)
{
	static const char *const dirs[] = { "src ", "dst ", "src or dst ", "src and dst ", "dst or src ", "dst and src " };

	if (one_in(2))
		say("%s", PICK(dirs));
}

/* A primitive with qualifiers; returns what may follow it as an identifier: h, n, p, r, m, or 0. */
static int qualified(void)
{
	static const char *const nl[] = { "", "", "", "ip ", "ip6 ", "arp ", "rarp " };
	static const char *const tl[] = { "", "", "tcp ", "udp ", "sctp " };
	static const char *const protos[] = { "6", "17", "\\tcp", "\\udp", "1", "58", "44", "gre", "0", "\\esp", "ipv6-icmp", "UDP", "TCP", "ipv6-route", "rsvp", "ipcomp", "ospf", "255", "\\sctp", "\\icmp" };
	static const char *const ethers[] = { "\\ip", "\\arp", "0x800", "0x86dd", "\\ip6", "0x8100", "1500", "0x42", "\\stp", "\\iso", "\\netbeui", "6", "1501",
		"0xfe", "loopback", "\\decnet", "\\lat", "0x88a8", "\\aarp", "\\atalk", "\\ipx", "\\moprc", "0xe0", "0xaa", "0x6003", "0x8137" };
	static const char *const wl[] = { "addr1 ", "addr2 ", "addr3 ", "addr4 ", "ra ", "ta ", "address1 ", "address3 ", "src ", "dst ", "host " };

	switch (rnd(9)) {
	case 0: case 1:
		say("%s", PICK(nl));
		direction_words();
		say("host %s", one_in(3) ? PICK(ip6s) : PICK(ip4s));
		return 'h';
	case 2:
		say("%s", one_in(4) ? PICK(nl) : "");
		direction_words();
		say("net %s", one_in(3) ? PICK(net6s) : PICK(nets));
		return 'n';
	case 3: case 4:
		say("%s", PICK(tl));
		direction_words();
		say("port %s", PICK(ports));
		return 'p';
	case 5:
		say("%s", PICK(tl));
		direction_words();
		say("portrange %s", PICK(ranges));
		return 'r';
	case 6:
		if (is_wireless(link_now))
			say("wlan %s%s", PICK(wl), PICK(macs));
		else if (one_in(2))
			say("ether %s%s", one_in(3) ? "src " : one_in(2) ? "dst " : one_in(2) ? "host " : "src and dst ", PICK(macs));
		else
			say("ether proto %s", PICK(ethers));
		return 'm';
	case 7:
		say("%sproto %s", one_in(3) ? "ip " : one_in(2) ? "ip6 " : "", PICK(protos));
		return 0;
	default:
		say("%s %s", one_in(2) ? "src" : "dst", one_in(3) ? PICK(ip6s) : PICK(ip4s));
		return 'h';
	}
}

static void primitive_words(void)
{
	static const char *const names[] = { "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "esp", "ah", "pim", "vrrp", "carp", "igrp", "decnet",
		"lat", "sca", "moprc", "mopdl", "iso", "stp", "netbeui", "clnp", "esis", "isis", "es-is", "l1", "l2", "iih", "lsp", "snp", "csnp", "psnp", "atalk", "aarp", "ipx",
		"llc", "llc i", "llc s", "llc u", "llc rr", "llc rnr", "llc UI", "llc xid", "llc disc", "llc frmr", "isis proto 18", "iso proto \\clnp", "iso proto 0x82", "byte 14 = 0xfe", "byte 13 > 8", "byte 0 < 2",
		"decnet host 1.2", "decnet src 0.2", "decnet dst host 0.4", "decnet src and dst 0.2", "protochain 6", "ip6 protochain \\udp", "ip protochain 17", "geneve", "geneve 5", "geneve 100",
		"broadcast", "multicast", "ether broadcast", "ether multicast", "ip multicast",
		"ip6 multicast", "ip broadcast", "inbound", "outbound", "pppoed", "tcp", "udp", "icmp", "ip", "ip6" };
	static const char *const frames[] = { "type mgt", "type ctl", "type data", "type mgt subtype beacon", "subtype probe-req", "type data subtype qos-data", "subtype data",
		"type mgt subtype assocreq", "subtype proberesp", "type mgt subtype PROBE-REQ", "subtype deauthentication", "type data subtype null", "subtype cf-end-ack", "subtype qos", "type management",
		"dir nods", "dir tods", "dir fromds", "dir dstods", "type ctl subtype ack", "wlan type 8", "type 4 subtype 0xb0", "subtype rts", "dir 2" };

	switch (rnd(12)) {
	case 0: case 1: say("%s", PICK(names)); return;
	case 2:
		say("%s %s", one_in(2) ? "less" : "greater", some_number());
		return;
	case 3:
		if (is_wireless(link_now))
			say("%s", PICK(frames));
		else
			say("ifindex %u", rnd(6));
		return;
	case 4:
		say("vlan");
		if (one_in(2))
			say(" %s", PICK(vlan_ids));
		return;
	case 5:
		say(one_in(2) ? "mpls" : "pppoes");
		if (one_in(2))
			say(" %s", one_in(2) ? "100" : "5");
		return;
	case 6: case 7: case 8:
		arithmetic(rnd(3));
		say("%s", one_in(3) ? " = " : one_in(2) ? " != " : one_in(2) ? " > " : one_in(2) ? " <= " : one_in(2) ? " < " : " >= ");
		arithmetic(rnd(2));
		return;
	default: say("%s", PICK(names)); return;
	}
}

static const char *identifier(int kind)
{
	switch (kind) {
	case 'h': return one_in(3) ? PICK(ip6s) : PICK(ip4s);
	case 'n': return one_in(3) ? PICK(net6s) : PICK(nets);
	case 'p': return PICK(ports);
	case 'r': return PICK(ranges);
	}
	return PICK(macs);
}

static int term_words(unsigned depth);

static int expression_words(unsigned depth)
{
	int kind = term_words(depth);
	unsigned more = rnd(one_in(8) ? 6 : 3);

	while (more--) {
		say("%s", one_in(2) ? one_in(2) ? " and " : " && " : one_in(2) ? " or " : " || ");
		if (kind && one_in(3)) {
			if (one_in(5))
				say("not ");
			if (one_in(5))
				say("(%s or %s)", identifier(kind), identifier(kind));
			else
				say("%s", identifier(kind));
		} else {
			kind = term_words(depth);
		}
	}
	return kind;
}

static int term_words(unsigned depth)
{
	int kind;

	if (one_in(5))
		say("%s", one_in(2) ? "not " : "! ");
	if (depth && one_in(4)) {
		say("(");
		expression_words(depth - 1);
		say(")");
		return 0;
	}
	if (one_in(2)) {
		primitive_words();
		return 0;
	}
	kind = qualified();
	return kind;
}

/* Words at random: mostly nonsense, which both must refuse. */
static void nonsense(void)
{
	static const char *const words[] = { "and", "or", "not", "(", ")", "host", "port", "net", "src", "dst", "80", "10.0.0.1", "tcp", "ip", "ether", "[", "]", "0", "=", "+", "len",
		"vlan", "::1", "proto", "&", "-", "mask", "/8", "type", "less", "broadcast", "1:2:3:4:5:6", "portrange", "80-90", "\\tcp", ":", "2", "!=", "<<", "%", "multicast",
		"domain", "wlan", "addr1", "foo", "mpls", "ip6", "icmp6", "radio", "!", "||", "tcp[", "13]", "inbound", "ifindex", "0x", "08", "1.2", "gateway" };
	unsigned n = 1 + rnd(7);

	while (n--)
		say("%s%s", PICK(words), one_in(5) ? "" : " ");
}

/* A good expression with a word lost, doubled or replaced. */
static void mutate(void)
{
	char copy[sizeof expr];
	unsigned at;

	if (!nexpr)
		return;
	memcpy(copy, expr, nexpr + 1);
	at = rnd(nexpr);
	switch (rnd(3)) {
	case 0: memmove(expr + at, copy + at + 1, nexpr - at); nexpr--; break;
	case 1: expr[at] = " ()[]&|!=0:.-/\\x"[rnd(16)]; break;
	default:
		snprintf(expr + at, sizeof expr - at, " %s%s", one_in(2) ? "not" : one_in(2) ? "port" : one_in(2) ? "(" : "5", copy + at);
		nexpr = (unsigned)strlen(expr);
	}
}

static void make_expression(void)
{
	nexpr = 0;
	expr[0] = 0;
	if (one_in(20)) {
		nonsense();
		return;
	}
	expression_words(one_in(3) ? 2 : one_in(2) ? 1 : 0);
	if (one_in(12))
		mutate();
}

/* ---- comparison ---- */

enum { FILE_FORM, LIVE_FORM };
static pcap_t *dead[LINKS], *live_ethernet;
static struct bpf_instruction mine[BPF_PROGRAM_MAX];
static char mine_error[256], their_error[256];

static unsigned compile_mine(const char *text, unsigned link, int form)
{
	struct filter f = { .text = text, .linktype = linktypes_tested[link], .live = form == LIVE_FORM, .snaplen = 262144,
		.err = mine_error, .errsize = sizeof mine_error };

	return filter_compile(&f, mine);
}

static pcap_t *handle(unsigned link, int form)
{
	return form == LIVE_FORM && link == ETH ? live_ethernet : dead[link];
}

static int compile_theirs(const char *text, unsigned link, int form, int optimize, struct bpf_program *p)
{
	pcap_t *h = handle(link, form);

	if (pcap_compile(h, p, text, optimize, 0))  {
		snprintf(their_error, sizeof their_error, "%s", pcap_geterr(h));
		return -1;
	}
	return 0;
}

struct verdicts {
	int mine;		/* -1: refused */
	int theirs, unoptimized;	/* -1: refused, -2: rejects all packets */
	unsigned mine_length, their_length;
	int cut;		/* libpcap's program read behind the packet, mine took it */
};

static int their_verdict(const struct bpf_program *p, const struct packet *k)
{
	return judge_run((const struct bpf_instruction *)p->bf_insns, k) != 0;
}

/*
 * libpcap 1.10.3 gives the register that holds a header's end at run time to sums that come before it was needed,
 * and so writes over it: does this program?
 */
static int clobbers_offset(const struct bpf_program *p)
{
	unsigned i, own = 0, prologue = 0, stored;

	for (i = 0; i < p->bf_len && i < 31; i++)	/* what the code before the first test stores */
		if (p->bf_insns[i].code == OP_ST && (i < 2 ||
		    (p->bf_insns[i - 1].code == (OP_ALU | OP_ADD) && p->bf_insns[i - 1].k == 24) ||	/* the end of an 802.11 header */
		    (p->bf_insns[0].code == (OP_LD | OP_ABS | OP_B) && p->bf_insns[0].k == 3 && i < 10))) {
			own |= 1u << p->bf_insns[i].k;
			prologue = i;
		}
	for (i = prologue + 1; own && i < p->bf_len; i++) {
		stored = p->bf_insns[i].code == OP_ST ? 1u << p->bf_insns[i].k : 0;
		if ((stored & own) && p->bf_insns[i - 1].code != (OP_ALU | OP_ADD) && p->bf_insns[i - 1].code != (OP_ALU | OP_AND))
			return 1;
	}
	return 0;
}

/* Why the answers to one expression differ, when that is meant so; NULL: it is not. */
static const char *may_differ(const struct verdicts *v, const char *text, unsigned link, int form)
{
	if (v->mine >= 0 && v->theirs == -1) {
		if (strstr(their_error, "unsupported protocol over mpls"))
			return "a test that is never reached is not looked at";
		if (strstr(their_error, "no destination found"))
			return "libpcap fails on its own program";
		if (strstr(their_error, "no VLAN support for Linux cooked"))
			return "vlan on cooked links";
		if (strstr(their_error, "division by zero") || strstr(their_error, "modulus by zero") || strstr(their_error, "shift by more than 31"))
			return "0 or a shift over 31 only as the first operand of a sum";
		if (strstr(their_error, "'llc' not supported for") || strstr(their_error, "'protochain' not supported with variable"))
			return "llc and protochain on more links";
		if (strstr(their_error, "no MPLS support for PPP"))
			return "mpls on every kind of PPP";
		if (strstr(their_error, "out of registers"))
			return "deeper arithmetic";
		return NULL;
	}
	if (v->mine == -1) {
		if (strstr(mine_error, "shifts by over 31"))
			return "a shift by a computed constant over 31";
		if (strstr(mine_error, "divides by zero") && (strchr(text, '/') || strchr(text, '%')))
			return "a division by a computed constant 0";
		if (strstr(mine_error, "the offset is too large"))
			return "offsets from 2^31 on refused";
		if (strstr(mine_error, "not a port") && strstr(text, "range"))
			return "anything after the second port of a range";
		if (strstr(mine_error, "not a protocol that is known") && (strstr(text, "proto") || strchr(text, '\\')))
			return "names beyond the small tables";
		if (strstr(mine_error, "the kernel does not have") && form == LIVE_FORM && (link == SLL || link == SLL2))
			return "bytes of the cooked header, live";
	}
	return NULL;
}

/* What libpcap's program looks at: on a cooked link the cooked header, and what the kernel says besides. */
static struct packet their_view(unsigned link, int form, const struct sample *s)
{
	struct packet p = s->live;

	if (form == FILE_FORM)
		return s->file;
	if (link == SLL || link == SLL2) {
		p.data = s->file.data;
		p.caplen = s->file.caplen;
	}
	return p;
}

/* Verdicts that differ because libpcap's own is wrong, in ways read from its code. */
static int libpcap_is_wrong(const char *text, unsigned link, const struct sample *s)
{
	/* an authentication header's length is added to nothing; byte with & and | has no byte */
	if (strstr(text, "protochain"))
		for (unsigned i = 0; i < s->file.caplen && i < 80; i++)
			if (s->file.data[i] == 51)
				return 1;
	if (strstr(text, "ip multicast") || strstr(text, "ip  multicast"))		/* 224 and above, mended in 1.10.6 */
		return 1;
	int metadata = strstr(text, "inbound") || strstr(text, "outbound") || strstr(text, "ifindex"), pppoes = strstr(text, "pppoes") || strstr(text, "geneve");

	if (is_wireless(link))		/* metadata looked for behind the radiotap header; the same register used for two offsets */
		return metadata || pppoes || strstr(text, "/0");	/* and an address with an empty mask is loaded there only */
	return metadata && pppoes;	/* metadata looked for behind the PPPoE header */
}

static struct verdicts judge(const char *text, unsigned link, int form, const struct sample *s)
{
	struct verdicts v = { -1, -1, -1, 0, 0, 0 };
	struct bpf_program o, u;
	struct packet view = their_view(link, form, s);
	const struct packet *theirs = &view;
	const struct packet *ours = form == LIVE_FORM ? &s->live : &s->file;

	v.mine_length = compile_mine(text, link, form);
	if (v.mine_length)
		v.mine = judge_run(mine, ours) != 0;
	if (!compile_theirs(text, link, form, 1, &o)) {
		v.theirs = their_verdict(&o, theirs);
		v.cut = judge_cut && v.mine > 0;
		v.their_length = o.bf_len;
		pcap_freecode(&o);
		v.unoptimized = v.theirs;
		if (v.theirs != v.mine && !compile_theirs(text, link, form, 0, &u)) {
			v.unoptimized = their_verdict(&u, theirs);
			pcap_freecode(&u);
		}
	} else if (strstr(their_error, "rejects all packets")) {
		v.theirs = v.unoptimized = -2;
	}
	return v;
}

static int agrees(const struct verdicts *v)
{
	if (v->theirs == -2)
		return v->mine == 0;
	if (v->cut)
		return 1;
	return v->mine == v->theirs || v->mine == v->unoptimized;
}

/* Take words away while the two still disagree in the same way. */
static void shrink(const char *text, unsigned link, int form, const struct sample *s, struct verdicts was)
{
	static char best[8192], next_try[8192];
	unsigned at, n, size;
	int changed = 1;

	snprintf(best, sizeof best, "%s", text);
	while (changed) {
		changed = 0;
		for (size = (unsigned)strlen(best); size >= 1 && !changed; size = size > 40 ? size / 2 : size - 1)
			for (at = 0, n = (unsigned)strlen(best); at + size <= n && !changed; at++) {
				struct verdicts v;

				memcpy(next_try, best, at);
				memcpy(next_try + at, best + at + size, n - at - size + 1);
				v = judge(next_try, link, form, s);
				if (v.mine == was.mine && v.theirs == was.theirs && !agrees(&v) && !may_differ(&v, next_try, link, form)) {
					memcpy(best, next_try, sizeof best);
					changed = 1;
				}
			}
	}
	was = judge(best, link, form, s);
	printf("DISAGREE on %d%s: %s\n  mine %d (%s) libpcap %d/%d (%s)\n  packet:", linktypes_tested[link], form ? " live" : "", best, was.mine,
	    was.mine < 0 ? mine_error : "", was.theirs, was.unoptimized, was.theirs < 0 ? their_error : "");
	for (n = 0; n < s->file.caplen && n < 100; n++)
		printf(" %02x", s->file_data[n]);
	printf("\n");
}

/* ---- the kernel as judge of what it takes ---- */

static int kernel_socket = -1;

static int kernel_takes(unsigned n)
{
	struct { unsigned short len; struct bpf_instruction *filter; } program = { (unsigned short)n, mine };

	return kernel_socket < 0 || !setsockopt(kernel_socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static struct {
	unsigned long expressions, accepted, refused, pairs, matches, live_pairs, disagree, different, selves, wrong, clobbered, cut, twice, longest, attached, in_kernel;
} count;

/* Does the kernel, running the program on these bytes, agree with the interpreter? */
static int kernel_agrees(unsigned n, const struct sample *s)
{
	struct { unsigned short len; struct bpf_instruction *filter; } program = { (unsigned short)n, mine };
	struct packet p = s->file;
	int pair[2], got;
	char byte;
	unsigned i;

	p.libpcap = 0;
	p.len = p.caplen;		/* a datagram is as long as its bytes */
	for (i = 0; i < n; i++)
		if ((mine[i].code & 7) == OP_LD && mine[i].k >= 0xffe00000u)
			return 1;	/* metadata, or headers a datagram has not */
	if (!p.caplen || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return 1;
	if (setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)) {
		close(pair[0]);
		close(pair[1]);
		return errno == ENOMEM;	/* net.core.optmem_max */
	}
	send(pair[0], p.data, p.caplen, 0);
	got = recv(pair[1], &byte, 1, MSG_DONTWAIT) >= 0;
	close(pair[0]);
	close(pair[1]);
	count.in_kernel++;
	return got == (judge_run(mine, &p) != 0);
}


static void judge_expression(unsigned link, int form);

static void one_expression(unsigned link, int form)
{
	make_expression();
	judge_expression(link, form);
}

static void judge_expression(unsigned link, int form)
{
	struct verdicts v;
	struct bpf_program o, u;
	unsigned n = 50;
	const char *why;
	int have_unoptimized = 0;

	count.expressions++;
	v = judge(expr, link, form, &pool[link][0]);
	if ((v.mine < 0) != (v.theirs == -1)) {
		why = may_differ(&v, expr, link, form);
		if (why) {
			count.different++;
			return;
		}
		count.disagree++;
		shrink(expr, link, form, &pool[link][0], v);
		return;
	}
	count.pairs++;
	if (v.mine < 0) {
		count.refused++;
		return;
	}
	count.accepted++;
	if (form == LIVE_FORM) {
		count.attached++;
		if (!kernel_takes(v.mine_length) && errno != ENOMEM) {
			count.disagree++;
			printf("REFUSED by the kernel: %s\n", expr);
		}
	}
	if (v.theirs == -2) {
		v.their_length = v.mine_length;		/* libpcap gives no program */
	} else {
		if (compile_theirs(expr, link, form, 1, &o))
			return;
		v.their_length = o.bf_len;
	}
	if (v.mine_length > count.longest)
		count.longest = v.mine_length;
	count.twice += v.mine_length <= 2 * v.their_length;
	if (v.mine_length > 2 * v.their_length && getenv("LONG"))
		printf("LONG %u %u: %d%s %s\n", v.mine_length, v.their_length, linktypes_tested[link], form ? " live" : "", expr);
	while (n--) {
		const struct sample *s = &pool[link][rnd(POOL)];
		struct packet view = their_view(link, form, s);
		int is_mine, is_theirs, cut;

		if (form == LIVE_FORM && s->no_live)
			continue;
		is_mine = judge_run(mine, form == LIVE_FORM ? &s->live : &s->file) != 0;
		is_theirs = v.theirs == -2 ? 0 : their_verdict(&o, &view);
		cut = v.theirs != -2 && judge_cut;
		if (form == FILE_FORM && n % 10 == 0 && !kernel_agrees(v.mine_length, s)) {
			count.disagree++;
			printf("the KERNEL disagrees with the interpreter: %d %s\n", linktypes_tested[link], expr);
		}
		count.pairs++;
		count.live_pairs += form == LIVE_FORM;
		count.matches += (unsigned long)is_mine;
		if (is_mine == is_theirs)
			continue;
		if (is_mine && cut) {	/* theirs read behind the packet; mine had no need to */
			count.cut++;
			continue;
		}
		if (libpcap_is_wrong(expr, link, s)) {
			count.wrong++;
			break;
		}
		if (!have_unoptimized)
			have_unoptimized = compile_theirs(expr, link, form, 0, &u) ? -1 : 1;
		if (have_unoptimized > 0 && (clobbers_offset(&u) || (v.theirs != -2 && clobbers_offset(&o)))) {
			count.clobbered++;
			break;
		}
		if (have_unoptimized > 0 && their_verdict(&u, &view) == is_mine) {
			count.selves++;
			if (getenv("SELF"))
				printf("SELF %d%s: %s\n", linktypes_tested[link], form ? " live" : "", expr);
			continue;
		}
		v.mine = is_mine;
		v.theirs = v.theirs == -2 ? -2 : is_theirs;
		count.disagree++;
		shrink(expr, link, form, s, v);
		break;
	}
	if (have_unoptimized > 0)
		pcap_freecode(&u);
	if (v.theirs != -2)
		pcap_freecode(&o);
}

/* What only makes sense live, or only where the kernel and libpcap look at different things, is left to the bats tests. */
static int comparable(unsigned link, int form)
{
	if (form == FILE_FORM || link >= WLAN)
		return form == FILE_FORM;
	if (link == ETH)
		return live_ethernet != NULL;
	return 1;
}

/* Every expression of a file; where libpcap takes none for a link, what it says must be said here as well. */
static void from_file(const char *name)
{
	FILE *f = fopen(name, "r");

	if (!f)
		exit(2);
	while (fgets(expr, sizeof expr, f)) {
		nexpr = (unsigned)strcspn(expr, "\n");
		expr[nexpr] = 0;
		for (unsigned link = 0; *expr && *expr != '#' && link < LINKS; link++)
			judge_expression(link, FILE_FORM);
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	const char *file = NULL;
	unsigned long pairs = 200000, max_disagree = 20;
	char error[PCAP_ERRBUF_SIZE];
	unsigned i, link;
	int c;

	chance = 1;
	while ((c = getopt(argc, argv, "n:s:f:")) != -1) {
		if (c == 'f')
			file = optarg;
		else if (c == 'n')
			pairs = strtoul(optarg, NULL, 0);
		else if (c == 's')
			chance = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	chance = chance * 0x9e3779b97f4a7c15u | 1;
	for (link = 0; link < LINKS; link++) {	/* of these only RAW has another number in programs than in files */
		dead[link] = pcap_open_dead(link == RAWIP ? DLT_RAW : linktypes_tested[link], 262144);
		for (i = 0; i < POOL; i++)
			make_sample(link, &pool[link][i]);
	}
	live_ethernet = pcap_create("lo", error);
	if (live_ethernet && pcap_activate(live_ethernet) < 0)
		live_ethernet = NULL;
	if (live_ethernet)
		pcap_set_snaplen(live_ethernet, 262144);
	kernel_socket = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (file)
		from_file(file);
	while (!file && count.pairs < pairs && count.disagree < max_disagree) {
		int form = one_in(3) ? LIVE_FORM : FILE_FORM;

		link_now = link = one_in(2) ? ETH : one_in(2) ? rnd(5) : rnd(LINKS);
		if (comparable(link, form))
			one_expression(link, form);
	}
	printf("%lu expressions (%lu accepted, %lu refused by both, %lu differ as documented), %lu pairs (%lu live%s, %lu matches), %lu disagree\n",
	    count.expressions, count.accepted, count.refused, count.different, count.pairs, count.live_pairs,
	    live_ethernet ? "" : "; NO LIVE ETHERNET: needs CAP_NET_RAW and lo up", count.matches, count.disagree);
	printf("%lu pairs on which libpcap's optimizer changed its own verdict, %lu programs in which libpcap looks at a wrong offset\n",
	    count.selves, count.clobbered + count.wrong);
	printf("%lu packets, cut short, that libpcap's programs needlessly looked behind the end of\n", count.cut);
	printf("%lu live programs attached to a socket, none refused by the kernel unless said above; %lu verdicts given by the kernel itself\n",
	    count.attached, count.in_kernel);
	printf("%.2f %% of the programs at most 2 times libpcap's, the longest %lu instructions\n",
	    100.0 * (double)count.twice / (double)(count.accepted ? count.accepted : 1), count.longest);
	return count.disagree != 0;
}
