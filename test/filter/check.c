/* SPDX-License-Identifier: MIT */
/*
 * check.c - filter.h at the command line, for the bats tests
 *
 *	check [-y LINKTYPE] [-T TAGLEN] [-l] [-s SNAPLEN] [-r RULE] [-S SERVICES] [-P PROTOCOLS] [-k] [-t] [-n] [-b]
 *	    [-d | -dd | -ddd] TEXT
 *
 * -l compiles for a live socket, -k hands the program to the kernel, -t prints the microseconds of processor time it took,
 * -n says whether no packet can pass, -b the bytes of optmem_max, -S and -P name files like /etc/services.
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

static const char *whole_file(const char *name)
{
	FILE *f = fopen(name, "r");
	char *content = calloc(1, 1 << 16);

	if (!f || !fread(content, 1, (1 << 16) - 1, f))
		exit(1);
	fclose(f);
	return content;
}

int main(int argc, char **argv)
{
	char error[200], line[BPF_LINE_MAX];
	struct filter f = { .linktype = 1, .snaplen = 262144, .err = error, .errsize = sizeof error };
	int detail = 0, attach = 0, timed = 0, never = 0, room = 0, c;
	unsigned n, i;
	double start;

	while ((c = getopt(argc, argv, "y:T:ls:r:S:P:ktnbd")) != -1) {
		switch (c) {
		case 'y': f.linktype = atoi(optarg); break;
		case 'T': f.taglen = (unsigned)atoi(optarg); break;
		case 'S': f.services = whole_file(optarg); break;
		case 'P': f.protocols = whole_file(optarg); break;
		case 'n': never = 1; break;
		case 'b': room = 1; break;
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
	if (never && f.never)
		puts("never");
	if (room)
		printf("%u\n", bpf_kernel_bytes(program, n));
	if (attach && !kernel_takes(n)) {
		perror("the kernel refuses it");
		return 1;
	}
	return 0;
}
