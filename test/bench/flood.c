// SPDX-License-Identifier: MIT
/*
 * flood: the benchmark's sender: UDP over IPv4 from port 9 to port 9, all frames alike, so that
 * next to all its time goes into sending. Prints the frames a second.
 *
 *   flood INTERFACE SIZE COUNT RATE    SIZE: bytes of a frame, from 64; RATE: a second, 0 = flat out
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 256, FRAME_MAX = 65536, HEADERS = 42 };

static unsigned char frame[FRAME_MAX];

static void fill_frame(unsigned size)
{
	static const unsigned char headers[HEADERS] = {
		2, 0, 0, 0, 0, 10, 2, 0, 0, 0, 0, 11, 8, 0,
		0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2,
		0, 9, 0, 9, 0, 0, 0, 0,
	};
	unsigned ip = size - 14, udp = ip - 20;

	memcpy(frame, headers, sizeof headers);
	frame[16] = (unsigned char)(ip >> 8);
	frame[17] = (unsigned char)ip;
	frame[38] = (unsigned char)(udp >> 8);
	frame[39] = (unsigned char)udp;
	for (unsigned i = HEADERS; i < size; i++)
		frame[i] = (unsigned char)i;
}

static int open_socket(const char *name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;

	if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof to) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one))
		err(1, "%s", name);
	return fd;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Waits, spinning, as a wire would: for the moment of frame NUMBER at RATE. */
static void pace(uint64_t start, uint64_t number, uint64_t rate)
{
	while (rate && now_ns() < start + number * 1000000000 / rate)
		;
}

int main(int argc, char **argv)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec iov = { frame, 0 };
	uint64_t count, rate, sent = 0, start;
	int fd, n;

	if (argc != 5)
		errx(2, "usage: flood INTERFACE SIZE COUNT RATE");
	iov.iov_len = strtoul(argv[2], NULL, 10);
	count = strtoull(argv[3], NULL, 10);
	rate = strtoull(argv[4], NULL, 10);
	if (iov.iov_len < 64 || iov.iov_len > FRAME_MAX)
		errx(2, "bad size %s", argv[2]);
	fill_frame((unsigned)iov.iov_len);
	for (unsigned i = 0; i < BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	fd = open_socket(argv[1]);
	start = now_ns();
	while (sent < count) {
		uint64_t batch = rate ? 1 : BATCH;

		pace(start, sent, rate);
		n = sendmmsg(fd, messages, (unsigned)(count - sent < batch ? count - sent : batch), 0);
		if (n > 0)
			sent += (uint64_t)n;
		else if (errno == ENOBUFS || errno == EAGAIN)
			sched_yield();
		else if (errno != EINTR)
			err(1, "send");
	}
	printf("%llu\n", (unsigned long long)(count * 1000000000 / (now_ns() - start)));
	return 0;
}
