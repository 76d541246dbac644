// SPDX-License-Identifier: MIT
/*
 * floor: the physical limit of a capture's write path: writes TOTAL bytes to stdout in calls of CHUNK
 * bytes, always the same ones, and does nothing else. A pipe gets a megabyte, if that is allowed.
 *
 *   floor CHUNK TOTAL
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static unsigned char bytes[4 << 20];

int main(int argc, char **argv)
{
	uint64_t chunk, total;
	ssize_t n;

	if (argc != 3)
		errx(2, "usage: floor CHUNK TOTAL");
	chunk = strtoull(argv[1], NULL, 10);
	total = strtoull(argv[2], NULL, 10);
	if (!chunk || chunk > sizeof bytes)
		errx(2, "bad chunk %s", argv[1]);
	for (size_t i = 0; i < chunk; i++)
		bytes[i] = (unsigned char)(i * 7);
	fcntl(1, F_SETPIPE_SZ, 1 << 20);	/* no pipe, or not allowed: as it is */
	for (; total; total -= (uint64_t)n) {
		n = write(1, bytes, total < chunk ? total : chunk);
		if (n <= 0)
			err(1, "write");
	}
	return 0;
}
