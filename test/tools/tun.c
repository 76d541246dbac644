// SPDX-License-Identifier: MIT
/*
 * tun: an interface without hardware. `tun NAME` makes a tun device (IP packets, no link layer),
 * `tun -e NAME` a tap device (Ethernet). Each line of hex on stdin arrives on it as one packet;
 * the device lives until stdin ends.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PACKET_MAX = 65535 };

static int open_device(const char *name, short flags)
{
	struct ifreq request = { .ifr_flags = (short)(flags | IFF_NO_PI) };
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0)
		err(1, "/dev/net/tun");
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request))
		err(1, "TUNSETIFF %s", name);
	return fd;
}

int main(int argc, char **argv)
{
	static char line[2 * PACKET_MAX + 2];
	static unsigned char packet[PACKET_MAX];
	int ether = argc == 3 && !strcmp(argv[1], "-e");

	if (argc != 2 + ether)
		errx(2, "usage: tun [-e] NAME");
	int fd = open_device(argv[1 + ether], ether ? IFF_TAP : IFF_TUN);
	while (fgets(line, sizeof line, stdin)) {
		size_t size = 0;
		for (char *p = line; p[0] > ' ' && p[1] > ' '; p += 2)
			packet[size++] = (unsigned char)strtoul((char[]){ p[0], p[1], 0 }, NULL, 16);
		if (write(fd, packet, size) != (ssize_t)size)
			err(1, "write %zu bytes", size);
	}
	return 0;
}
