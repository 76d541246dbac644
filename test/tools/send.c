// SPDX-License-Identifier: MIT
/*
 * send: puts Ethernet frames on an interface and knows exactly how many went out.
 *
 *   send [options] INTERFACE          numbered frames
 *   send [options] INTERFACE HEX ...  these frames, once each
 *
 *   -c N          frames to send (1); 0 = until SIGINT or SIGTERM
 *   -s N[:M]      bytes in a frame, tags included (64); N:M = N, N+1 ... M, and again
 *   -r N          frames a second; without it as fast as it goes
 *   -t TPID:TCI   put a VLAN tag (hex) into each frame; more than one, the first is the outer
 *   -g            each HEX is a TCP segment over IPv4 that leaves uncut whatever the MTU (TSO)
 *   -l            leave the usual way, past the captures on INTERFACE itself
 *   -k PID        send SIGINT to PID right after the last frame
 *   -K N          ... right after frame N instead, and go on
 *   -p            print the frames in hex, send none
 *
 * A numbered frame: destination, source, tags, type 0x88b5 (for experiments), its number from 0
 * in 32 bits big-endian, then filler that differs from frame to frame. Prints the number sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, FRAME_MAX = 65600, TAGS_MAX = 4 };

static struct {
	uint64_t count, rate, signal_at;	/* rate: frames a second, 0 = flat out */
	unsigned smallest, largest, tags;
	uint16_t tag[TAGS_MAX][2];		/* TPID, TCI */
	pid_t pid;
	bool segment, visible, print;
} opt = { .count = 1, .smallest = 64, .largest = 64 };

static unsigned char frames[BATCH][FRAME_MAX];
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* Writes numbered frame `number` to p; returns its size. */
static unsigned numbered_frame(unsigned char *p, uint64_t number)
{
	unsigned size = opt.smallest + (unsigned)(number % (opt.largest - opt.smallest + 1));
	unsigned at = 12;
	uint32_t be = htonl((uint32_t)number);

	memcpy(p, "\x02\0\0\0\0\x0a\x02\0\0\0\0\x0b", 12);
	for (unsigned i = 0; i < opt.tags; i++, at += 4) {
		uint16_t tag[2] = { htons(opt.tag[i][0]), htons(opt.tag[i][1]) };
		memcpy(p + at, tag, 4);
	}
	memcpy(p + at, "\x88\xb5", 2);
	memcpy(p + at + 2, &be, 4);
	for (unsigned i = at + 6; i < size; i++)
		p[i] = (unsigned char)(i + number);
	return size;
}

/* Writes the frame given in hex to p, with -g behind what the kernel wants to know of it. */
static unsigned hex_frame(unsigned char *p, const char *hex)
{
	static const struct virtio_net_hdr tcp = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .hdr_len = 54, .gso_size = 1448,
	    .csum_start = 34, .csum_offset = 16 };
	unsigned size = opt.segment ? sizeof tcp : 0;

	memcpy(p, &tcp, size);
	for (; hex[0] && hex[1] && size < FRAME_MAX; hex += 2)
		p[size++] = (unsigned char)strtoul((char[]){ hex[0], hex[1], 0 }, NULL, 16);
	return size;
}

static int open_socket(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;

	address.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || !address.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&address, sizeof address))
		err(1, "%s", name);
	if (opt.segment && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one))
		err(1, "PACKET_VNET_HDR");
	if (!opt.visible && !opt.segment &&
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one))
		err(1, "PACKET_QDISC_BYPASS");
	return fd;
}

/* Sends sizes[0..n-1] bytes of frames[0..n-1], each exactly once, however often it takes. */
static void send_batch(int fd, const unsigned *sizes, unsigned n)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec iov[BATCH];
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++) {
		iov[i] = (struct iovec){ frames[i], sizes[i] };
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (done < n) {
		int sent = sendmmsg(fd, messages + done, n - done, 0);
		if (sent > 0)
			done += (unsigned)sent;
		else if (errno == ENOBUFS || errno == EAGAIN)
			sched_yield();
		else if (errno != EINTR)
			err(1, "send");
	}
}

static void print_batch(const unsigned *sizes, unsigned n)
{
	for (unsigned i = 0; i < n; i++, putchar('\n'))
		for (unsigned k = 0; k < sizes[i]; k++)
			printf("%02x", frames[i][k]);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Waits for the moment of frame `number` at -r frames a second. */
static void pace(uint64_t number)
{
	static uint64_t start;

	if (start == 0)
		start = now_ns();
	uint64_t due = start + number * 1000000000 / opt.rate;
	if (due <= now_ns())
		return;	/* a sleep that is over already still costs microseconds */
	struct timespec t = { (time_t)(due / 1000000000), (long)(due % 1000000000) };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* How many frames may go in one batch after `sent`. */
static unsigned room(uint64_t sent)
{
	uint64_t n = opt.rate ? 1 : BATCH;

	if (opt.count && opt.count - sent < n)
		n = opt.count - sent;
	if (opt.signal_at > sent && opt.signal_at - sent < n)
		n = opt.signal_at - sent;
	return (unsigned)n;
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:s:r:t:k:K:glp")) != -1)
		switch (option) {
		case 'c': opt.count = strtoull(optarg, NULL, 10); break;
		case 's':
			if (sscanf(optarg, "%u:%u", &opt.smallest, &opt.largest) == 1)
				opt.largest = opt.smallest;
			break;
		case 'r': opt.rate = strtoull(optarg, NULL, 10); break;
		case 't':
			if (opt.tags == TAGS_MAX || sscanf(optarg, "%hx:%hx",
			    &opt.tag[opt.tags][0], &opt.tag[opt.tags][1]) != 2)
				errx(2, "bad tag %s", optarg);
			opt.tags++;
			break;
		case 'k': opt.pid = atoi(optarg); break;
		case 'K': opt.signal_at = strtoull(optarg, NULL, 10); break;
		case 'g': opt.segment = true; break;
		case 'l': opt.visible = true; break;
		case 'p': opt.print = true; break;
		default: exit(2);
		}
	if (optind >= argc || opt.largest > FRAME_MAX || opt.smallest > opt.largest)
		errx(2, "usage: send [options] INTERFACE [HEX ...]");
	if (optind + 1 < argc)
		opt.count = (uint64_t)(argc - optind - 1);
	if (opt.pid && !opt.signal_at)
		opt.signal_at = opt.count;
}

int main(int argc, char **argv)
{
	unsigned sizes[BATCH];
	uint64_t sent = 0;

	parse(argc, argv);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	char **hex = argv + optind + 1;
	int fd = opt.print ? -1 : open_socket(argv[optind]);
	while (!stop && (opt.count == 0 || sent < opt.count)) {
		unsigned n = room(sent);
		for (unsigned i = 0; i < n; i++)
			sizes[i] = *hex ? hex_frame(frames[i], hex[sent + i]) :
			    numbered_frame(frames[i], sent + i);
		if (opt.rate)
			pace(sent);
		if (opt.print)
			print_batch(sizes, n);
		else
			send_batch(fd, sizes, n);
		sent += n;
		if (opt.pid && sent == opt.signal_at && kill(opt.pid, SIGINT))
			err(1, "kill %d", opt.pid);
	}
	if (!opt.print)
		printf("%llu\n", (unsigned long long)sent);
	return 0;
}
