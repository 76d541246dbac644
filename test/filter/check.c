/* SPDX-License-Identifier: MIT */
/*
 * check.c - filter.h at the command line, for the bats tests
 *
 *	check [-y LINKTYPE] [-l] [-s SNAPLEN] [-r RULE] [-k] [-t] [-d | -dd | -ddd] TEXT
 *
 * -l compiles for a live socket, -k hands the program to the kernel, -t prints the microseconds of processor time it took,
 * TEXT `-` is read from stdin. Exit status 0, or 2 with the reason on stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "../../filter.h"

#ifndef SO_ATTACH_FILTER
#define SO_ATTACH_FILTER 26
#endif

static struct bpf_instruction program[BPF_PROGRAM_MAX];
static char text[1 << 20];

static int kernel_takes(unsigned n)
{
	struct { unsigned short len; struct bpf_instruction *filter; } p = { (unsigned short)n, program };
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	return s >= 0 && !setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	char error[200], line[BPF_LINE_MAX];
	struct filter f = { .linktype = 1, .snaplen = 262144, .err = error, .errsize = sizeof error };
	int detail = 0, attach = 0, timed = 0, c;
	unsigned n, i;
	double start;

	while ((c = getopt(argc, argv, "y:ls:r:ktd")) != -1) {
		switch (c) {
		case 'y': f.linktype = atoi(optarg); break;
		case 'l': f.live = 1; break;
		case 's': f.snaplen = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'r': f.rule = optarg; break;
		case 'k': attach = 1; break;
		case 't': timed = 1; break;
		case 'd': detail++; break;
		default: return 1;
		}
	}
	f.text = argv[optind] ? argv[optind] : "";
	if (!strcmp(f.text, "-")) {
		text[fread(text, 1, sizeof text - 1, stdin)] = 0;
		f.text = text;
	}
	start = now();
	n = filter_compile(&f, program);
	if (timed)
		printf("%.0f\n", now() - start);
	if (!n) {
		fprintf(stderr, "%s\n", error);
		return 2;
	}
	for (i = 0; detail && i < n; i++)
		fwrite(line, 1, bpf_print(line, program, n, i, detail), stdout);
	if (attach && !kernel_takes(n)) {
		perror("the kernel refuses it");
		return 1;
	}
	return 0;
}
