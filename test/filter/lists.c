#define _GNU_SOURCE
/* SPDX-License-Identifier: MIT */
/*
 * lists.c - how long the programs of everyday expressions and of lists are, beside libpcap's optimized ones
 *
 *	lists [-e | -s]
 *
 * One line for each: instructions of rawcap and libpcap, the most and the mean executed over packets that ask for
 * members of the list and others, bytes of net.core.optmem_max before Linux 6.8, the expression's name. The exit
 * status is 1 if a program is longer than libpcap's and 2 instructions (1.1 times, where it executes at most half),
 * or executes more than libpcap's at most. -e: everyday expressions only; -s: and lists of up to 50.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "../../filter.h"
#include "judge.h"

enum { TEXT = 16384, PACKETS = 4000, BYTES = 90 };

static struct bpf_instruction mine[BPF_PROGRAM_MAX];
static uint8_t packets[PACKETS][BYTES];
static uint32_t chance = 1;
static int bad;

static uint32_t rnd(uint32_t n)
{
	chance = chance * 1664525u + 1013904223u;
	return (chance >> 8) % n;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* IPv4, IPv6 and ARP, with addresses and ports that lists have and others. */
static void make_packets(void)
{
	for (unsigned i = 0; i < PACKETS; i++) {
		uint8_t *p = packets[i];
		unsigned kind = rnd(8), transport = rnd(3) ? 6 : 17;

		for (unsigned b = 0; b < BYTES; b++)
			p[b] = (uint8_t)rnd(256);
		p[0] = 2;
		put16(p + 12, kind < 4 ? 0x0800 : kind < 7 ? 0x86dd : 0x0806);
		if (kind < 4) {
			p[14] = 0x45;
			put16(p + 20, 0x4000);
			p[23] = (uint8_t)transport;
		}
		for (unsigned end = 0; end < 2; end++) {
			uint8_t *ip4 = p + (kind < 4 ? 26 + 4 * end : 28 + 10 * end), *ip6 = p + 22 + 16 * end;

			put16(p + (kind < 4 ? 34 : 54) + 2 * end, rnd(2) ? 1000 + 7 * rnd(300) : rnd(65536));
			if (kind < 4 || kind == 7) {
				put16(ip4, 0x0a00);
				put16(ip4 + 2, 3 * rnd(400));
			} else {
				memset(ip6, 0, 16);
				put16(ip6, 0x2001);
				put16(ip6 + 2, 0xdb8);
				put16(ip6 + 14, 3 * rnd(400));
			}
		}
		if (kind >= 4 && kind < 7)
			p[20] = (uint8_t)transport;
	}
}

struct cost { unsigned length, most; double mean; };

static struct cost run(const struct bpf_instruction *program, unsigned length, int *verdicts, int compare)
{
	struct cost c = { length, 0, 0 };
	unsigned long total = 0, was;

	for (unsigned i = 0; i < PACKETS; i++) {
		struct packet p = { .data = packets[i], .caplen = BYTES, .len = BYTES };
		int verdict;

		was = judge_steps;
		verdict = judge_run(program, &p) != 0;
		total += judge_steps - was;
		if (judge_steps - was > c.most)
			c.most = (unsigned)(judge_steps - was);
		if (compare && verdict != verdicts[i]) {
			printf("ANOTHER VERDICT on packet %u\n", i);
			bad = 1;
			break;
		}
		verdicts[i] = verdict;
	}
	c.mean = (double)total / PACKETS;
	return c;
}

static void compare(const char *name, const char *text)
{
	static int verdicts[PACKETS];
	static char error[200];
	struct filter f = { .text = text, .linktype = 1, .snaplen = 262144, .err = error, .errsize = sizeof error };
	struct bpf_program theirs;
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 262144);
	unsigned n = filter_compile(&f, mine);
	struct cost a, b = { 0, 0, 0 };
	int longer;

	if (!n) {
		printf("REFUSED %s: %s\n", name, error);
		bad = 1;
		return;
	}
	a = run(mine, n, verdicts, 0);
	if (pcap_compile(dead, &theirs, text, 1, 0)) {
		printf("%5u %5s  %4u %4s  %6.1f %6s  %6u         %s\n", a.length, "-", a.most, "-", a.mean, "-",
		    bpf_kernel_bytes(mine, n), name);
	} else {
		b = run((const struct bpf_instruction *)theirs.bf_insns, theirs.bf_len, verdicts, 1);
		longer = a.length > b.length + 2 && (a.length * 10 > b.length * 11 || a.most * 2 > b.most);
		if (longer || a.most > b.most + (b.most < 30))
			bad = 1;
		printf("%5u %5u  %4u %4u  %6.1f %6.1f  %6u %6u  %s%s\n", a.length, b.length, a.most, b.most, a.mean, b.mean,
		    bpf_kernel_bytes(mine, n),
		    bpf_kernel_bytes((const struct bpf_instruction *)theirs.bf_insns, theirs.bf_len), name,
		    longer ? "  LONGER" : a.most > b.most + (b.most < 30) ? "  EXECUTES MORE" : "");
		pcap_freecode(&theirs);
	}
	pcap_close(dead);
}

static const char *const everyday[] = {
	"port 80", "not port 22", "tcp", "udp", "icmp", "icmp6", "arp", "ip", "ip6", "tcp port 80", "udp port 53", "src port 80",
	"dst port 443", "port 80 or 443", "port 80 or port 443", "tcp port 80 or udp port 53", "portrange 6000-6008",
	"host 10.0.0.1", "src host 10.0.0.1", "dst host 10.0.0.1", "host 10.0.0.1 and port 80", "host 10.0.0.1 and not port 22",
	"host 10.0.0.1 or 10.0.0.2", "host 10.0.0.1 and host 10.0.0.2", "src host 10.0.0.1 and dst host 10.0.0.2",
	"net 10.0.0.0/8", "net 10 and not net 10.1", "src net 10.0.0.0/24", "dst net 192.168.0.0/16", "host fe80::1", "net fe80::/10",
	"ip6 and tcp port 22", "ether host 2:0:0:0:0:1", "ether src 2:0:0:0:0:1", "ether broadcast", "multicast", "ip multicast",
	"broadcast or multicast", "vlan", "vlan 5", "vlan 5 and host 10.0.0.1", "vlan and tcp port 80", "pppoes and ip", "mpls",
	"less 100", "greater 1000 and tcp", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[tcpflags] & tcp-syn != 0",
	"tcp[13] = 2", "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn", "icmp[icmptype] = icmp-echo", "icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply",
	"icmp6[icmp6type] = icmp6-neighborsolicit", "icmp or icmp6", "icmp or arp", "tcp or udp", "not arp", "not (arp or icmp)",
	"arp or (udp and (port 67 or port 68))", "udp port 67 or udp port 68", "port 67 or port 68 or port 546 or port 547",
	"((port 67 or port 68) and (udp[8:1] = 0x1))", "host 10.0.0.1 and (port 80 or port 443)",
	"(host 10.0.0.1 and port 80) or (host 10.0.0.2 and port 443)", "src or dst port 53", "tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
	"tcp[((tcp[12] & 0xf0) >>2)] = 0x16", "ip[6:2] & 0x1fff != 0", "ip proto 47", "proto 47", "esp or ah", "ip[8] < 5", "stp", "ether proto 0x88cc",
	"port domain", "tcp port ssh", "not host 10.0.0.1", "not port 22 and not port 80", "ip and not net 10.0.0.0/8", "sctp",
	"igmp", "not broadcast and not multicast", "tcp and not port 22 and host 10.0.0.1", "src net 10.0.0.0/8 and not dst net 10.0.0.0/8",
	"ip host 10.0.0.1", "arp host 10.0.0.1", "udp and not port 53 and not port 123", "len > 1500",
};

static char text[1 << 17];

/* N items between `before` and `after`, joined. */
static void list(const char *name, unsigned n, const char *join, const char *item)
{
	char title[80];
	unsigned at = 0;

	for (unsigned i = 0; i < n && at < sizeof text - 200; i++) {
		at += (unsigned)sprintf(text + at, "%s", i ? join : "");
		if (strstr(item, "PORT"))
			at += (unsigned)sprintf(text + at, "%.*s%u", (int)(strstr(item, "PORT") - item), item, 1000 + 7 * i);
		else if (strstr(item, "RANGE"))
			at += (unsigned)sprintf(text + at, "%.*s%u-%u", (int)(strstr(item, "RANGE") - item), item, 1000 + 14 * i, 1007 + 14 * i);
		else if (strstr(item, "HOST6"))
			at += (unsigned)sprintf(text + at, "%.*s2001:db8::%x", (int)(strstr(item, "HOST6") - item), item, 3 * i);
		else if (strstr(item, "HOST"))
			at += (unsigned)sprintf(text + at, "%.*s10.0.%u.%u", (int)(strstr(item, "HOST") - item), item, 3 * i / 256, 3 * i % 256);
		else if (strstr(item, "NET"))
			at += (unsigned)sprintf(text + at, "%.*s10.%u.%u.0/24", (int)(strstr(item, "NET") - item), item, 3 * i / 256, 3 * i % 256);
		else
			at += (unsigned)sprintf(text + at, "%.*s02:00:00:00:%02x:%02x", (int)(strstr(item, "MAC") - item), item, 3 * i / 256, 3 * i % 256);
	}
	snprintf(title, sizeof title, "%u %s", n, name);
	compare(title, text);
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = { 2, 3, 5, 10, 24, 50, 100, 200, 300 };
	size_t count = sizeof sizes / sizeof *sizes;

	if (argc > 1)		/* libpcap takes minutes for the longest */
		count = strcmp(argv[1], "-s") ? 0 : 6;
	make_packets();
	printf("length       most        mean           optmem_max     (rawcap, libpcap %s)\n", pcap_lib_version());
	for (size_t i = 0; i < sizeof everyday / sizeof *everyday; i++)
		compare(everyday[i], everyday[i]);
	for (size_t i = 0; i < count; i++) {
		unsigned n = sizes[i];

		list("ports", n, " or ", "port PORT");
		list("TCP ports", n, " or ", "tcp port PORT");
		list("destination ports", n, " or ", "dst port PORT");
		list("ranges of ports", n, " or ", "portrange RANGE");
		list("ports excluded", n, " and ", "not port PORT");
		list("hosts", n, " or ", "host HOST");
		list("source hosts", n, " or ", "src host HOST");
		list("hosts excluded", n, " and ", "not host HOST");
		list("IP hosts", n, " or ", "ip host HOST");
		list("nets", n, " or ", "net NET");
		list("IPv6 hosts", n, " or ", "host HOST6");
		list("Ethernet hosts", n, " or ", "ether host MAC");
	}
	return bad;
}
