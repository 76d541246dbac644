/* SPDX-License-Identifier: MIT
 *
 * embed INTERFACE SECONDS: a program that captures beside its own work. One poll loop serves the
 * capture, a timer every 10 ms and a pipe (stdin, whose bytes it counts until it ends), without a
 * thread. The capture goes to stdout as pcap; at the end the latest that the timer and the pipe
 * were served, and the counts, go to stderr.
 */
#include <poll.h>
#include <stdint.h>
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
	static unsigned char room[SNAPLEN + HEAD_MAX];
	struct packet p;
	unsigned taken;

	for (taken = 0; taken < BATCH && netif_next(n, &p, room, sizeof room) > 0; taken++) {
		struct pcap_record r = { p.sec, p.nsec / 1000, p.headlen + p.datalen, p.origlen };

		fwrite(&r, sizeof r, 1, stdout);
		fwrite(p.head, p.headlen, 1, stdout);
		fwrite(p.data, p.datalen, 1, stdout);
	}
	return taken;
}

int main(int argc, char **argv)
{
	struct netif n = { 0 };
	struct itimerspec tick = { { 0, TICK_MS * 1000000 }, { 0, TICK_MS * 1000000 } };
	struct pcap_file header;
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	int64_t end, due, late = 0, fed = 0;
	unsigned long packets = 0, ticks = 0;
	uint64_t expired;
	char buf[4096];
	ssize_t got;

	if (argc != 3 || netif_find(&n, argv[1]) < 0 || netif_start(&n, SNAPLEN, 4096, 4096, 20, 1) < 0)
		return perror(n.failed ? n.failed : "embed"), 1;
	pcap_header(&header, LINKTYPE_ETHERNET, SNAPLEN, 0);
	fwrite(&header, sizeof header, 1, stdout);
	timerfd_settime(timer, 0, &tick, NULL);
	due = now_us() + TICK_MS * 1000;
	for (end = now_us() + atoi(argv[2]) * 1000000LL; now_us() < end; ) {
		struct pollfd p[] = { { n.fd, POLLIN, 0 }, { timer, POLLIN, 0 }, { 0, POLLIN, 0 } };

		poll(p, 3, TICK_MS);
		packets += take_packets(&n);
		if (read(timer, &expired, sizeof expired) == sizeof expired) {
			late = now_us() - due > late ? now_us() - due : late;
			ticks += expired;
			due += (int64_t)expired * TICK_MS * 1000;
		}
		if (p[2].revents & POLLIN && (got = read(0, buf, sizeof buf)) > 0)
			fed += got;
	}
	netif_count(&n);
	fprintf(stderr, "packets %lu dropped %llu ticks %lu late_us %lld fed %lld\n", packets,
	    (unsigned long long)n.dropped, ticks, (long long)late, (long long)fed);
	return 0;
}
