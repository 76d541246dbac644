/* SPDX-License-Identifier: MIT
 *
 * embed INTERFACE SECONDS: a program that captures beside its own work. One poll loop serves the
 * capture, a timer every 10 ms and a pipe (stdin, whose bytes it counts until it ends), without a
 * thread. The capture goes to stdout as pcap. At the end stderr gets the counts, and by how much the
 * timer was late at most.
 */
#define _GNU_SOURCE	/* ppoll */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>

#include "../netif.h"
#include "../pcap.h"

enum { SNAPLEN = 2048, BATCH = 256, TICK_MS = 10 };

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* At most BATCH packets, so that the rest of the program has its turn. */
static unsigned take_packets(struct netif *n)
{
	static unsigned char room[SNAPLEN + NETIF_HEAD_MAX];
	struct packet p;
	unsigned taken;

	for (taken = 0; taken < BATCH && netif_next(n, &p, room, sizeof room) > 0; taken++) {
		if (p.datalen > SNAPLEN - p.headlen)	/* the head was not in what the filter cut */
			p.datalen = SNAPLEN - p.headlen;
		struct pcap_record r = { p.sec, p.nsec / 1000, p.headlen + p.datalen, p.origlen };

		fwrite(&r, sizeof r, 1, stdout);
		fwrite(p.head, p.headlen, 1, stdout);
		fwrite(p.data, p.datalen, 1, stdout);
	}
	return taken;
}

/* Starts the capture and writes the file's header. */
static int open_capture(struct netif *n, const char *name)
{
	struct pcap_file header;
	int linktype;

	if (netif_find(n, name) < 0)
		return -1;
	linktype = pcap_linktype(n->hatype);
	if (linktype < 0)	/* no type of its own */
		linktype = LINKTYPE_LINUX_SLL;
	if ((pcap_cooked(linktype) && netif_cook(n, pcap_cooked(linktype)) < 0) ||
	    netif_filter_all(n, SNAPLEN) < 0 || netif_start(n, SNAPLEN, 4096, 4096, 20, 1) < 0)
		return -1;
	pcap_header(&header, (uint32_t)linktype, SNAPLEN, 0);
	fwrite(&header, sizeof header, 1, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	struct netif n = { 0 };
	struct itimerspec tick = { { 0, TICK_MS * 1000000 }, { 0, TICK_MS * 1000000 } };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), feed = 0;
	int64_t end, due, late = 0, fed = 0;
	unsigned long packets = 0, ticks = 0, turns = 0;
	uint64_t expired;
	char buf[4096];
	ssize_t got;

	if (argc != 3 || open_capture(&n, argv[1]) < 0)
		return perror(n.failed ? n.failed : "embed"), 1;
	timerfd_settime(timer, 0, &tick, NULL);
	due = now_us() + TICK_MS * 1000;
	for (end = now_us() + atoi(argv[2]) * 1000000LL; now_us() < end; turns++) {
		uint32_t pause_us = netif_pause_us(&n);
		struct timespec wait = { 0, pause_us ? pause_us * 1000 : TICK_MS * 1000000 };
		struct pollfd p[] = { { pause_us ? -1 : n.fd, POLLIN, 0 }, { timer, POLLIN, 0 },
			{ feed, POLLIN, 0 } };

		ppoll(p, 3, &wait, NULL);
		packets += take_packets(&n);
		if (p[0].revents & POLLERR)
			netif_error(&n);	/* it is down: else poll would not wait any more */
		if (read(timer, &expired, sizeof expired) == sizeof expired) {
			late = now_us() - due > late ? now_us() - due : late;
			ticks += expired;
			due += (int64_t)expired * TICK_MS * 1000;
		}
		if (p[2].revents && (got = read(feed, buf, sizeof buf)) > 0)
			fed += got;
		else if (p[2].revents)
			feed = -1;	/* at its end: poll leaves it out */
	}
	netif_count(&n);
	fprintf(stderr, "packets %lu dropped %llu ticks %lu late_us %lld fed %lld turns %lu\n", packets,
	    (unsigned long long)n.dropped, ticks, (long long)late, (long long)fed, turns);
	return 0;
}
