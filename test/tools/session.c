// SPDX-License-Identifier: MIT
/*
 * session: a TCP connection that stands without a packet sent: session ADDRESS PORT ADDRESS PORT
 *
 * The first pair is this side, an address of this machine. It lives until it is killed. See
 * TCP_REPAIR in linux/tcp.h, which checkpoints of processes are made with.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address_of(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
		errx(2, "%s: not an address", host);
	return a;
}

int main(int argc, char **argv)
{
	struct sockaddr_in ours, theirs;
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (argc != 5)
		errx(2, "usage: session ADDRESS PORT ADDRESS PORT");
	ours = address_of(argv[1], argv[2]);
	theirs = address_of(argv[3], argv[4]);
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &one, sizeof one))
		err(1, "TCP_REPAIR");
	if (bind(fd, (struct sockaddr *)&ours, sizeof ours))
		err(1, "bind");
	if (connect(fd, (struct sockaddr *)&theirs, sizeof theirs))
		err(1, "connect");
	for (;;)
		pause();
}
