// SPDX-License-Identifier: MIT
/*
 * limit: what a capture costs that does not do the work, until SIGINT.
 *
 *   limit walk INTERFACE SNAPLEN    only walks a ring of 2 MiB, writes nothing
 *   limit plain INTERFACE SNAPLEN   one recvmsg for each packet and one write for each 256 KiB, no more
 *
 * SNAPLEN: bytes kept of a packet, from 1 to 262144. plain asks for time and length of each packet as a
 * capture must. Both take what is there when they end, and say "N packets captured".
 */
#define _GNU_SOURCE
#include <err.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../netif.h"

enum { SNAPLEN_MAX = 262144, RECORD = 16, FLUSH = 256 << 10, KIB = 2048,
	BLOCK_MS = 200 };

static unsigned char out[FLUSH + RECORD + SNAPLEN_MAX];
static size_t end;
static uint32_t snaplen;
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void flush(void)
{
	if (end && write(1, out, end) < 0)
		err(1, "write");
	end = 0;
}

static uint64_t walk(struct netif *n)
{
	uint64_t packets = 0;
	struct packet p;

	while (netif_next(n, &p, out, sizeof out) > 0)
		packets++;
	return packets;
}

static uint64_t receive(int fd)
{
	struct sockaddr_ll from;
	uint64_t control[16], packets = 0;
	struct iovec iov = { NULL, snaplen };
	struct msghdr m = { .msg_name = &from, .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t len;

	for (;; packets++) {
		iov.iov_base = out + end + RECORD;
		m.msg_namelen = sizeof from;
		m.msg_control = control;
		m.msg_controllen = sizeof control;
		len = recvmsg(fd, &m, MSG_TRUNC);
		if (len < 0)
			break;
		end += RECORD + ((size_t)len < snaplen ? (size_t)len : snaplen);
		if (end >= FLUSH)
			flush();
	}
	flush();
	return packets;
}

/* Waits as rawcap does: for packets, or for the time in which many come. */
static void wait_packets(const struct netif *n)
{
	const uint32_t pause_us = netif_pause_us(n);
	struct pollfd p = { pause_us ? -1 : n->fd, POLLIN, 0 };
	struct timespec t = { !pause_us, (long)pause_us * 1000 };

	ppoll(&p, 1, &t, NULL);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct netif n = { 0 };
	uint64_t packets = 0;
	int walks;

	if (argc != 4)
		errx(2, "usage: limit walk|plain INTERFACE SNAPLEN");
	snaplen = (uint32_t)strtoul(argv[3], NULL, 10);
	if (!snaplen || snaplen > SNAPLEN_MAX)
		errx(2, "bad snaplen %s", argv[3]);
	walks = !strcmp(argv[1], "walk");
	sigaction(SIGINT, &action, NULL);
	if (netif_find(&n, argv[2]) < 0 || netif_filter_all(&n, snaplen) < 0 ||
	    netif_start(&n, snaplen, walks ? KIB : 0, KIB, BLOCK_MS, 1) < 0)
		err(1, "%s", n.failed);
	while (!stop) {
		packets += walks ? walk(&n) : receive(n.fd);
		wait_packets(&n);
	}
	packets += walks ? walk(&n) : receive(n.fd);
	fprintf(stderr, "%llu packets captured\n", (unsigned long long)packets);
	return 0;
}
