/* SPDX-License-Identifier: MIT */
/*
 * steps.c - how much work a hostile text is for the filter compiler, in steps that no machine's load changes
 *
 * A step is a basic block of filter.h: the compiler of C calls __sanitizer_cov_trace_pc() in each (gcc and clang:
 * -fsanitize-coverage=trace-pc). Texts of 16 KiB are made of parts that repeat, for several link types, in files and
 * live. Prints the steps of the worst; the exit status is 1 if these are more than STEPS_MAX.
 */
#include <stdio.h>
#include <string.h>
#include "../../filter.h"

enum { STEPS_MAX = 10000000 };

extern unsigned long steps_taken;	/* counted in steps_count.c, which is not counted itself */

static struct bpf_instruction program[BPF_PROGRAM_MAX];
static char text[FILTER_TEXT_MAX + 200];

/* In an item %u and %x are a number that goes up by `by`, to `most`, and begins again. */
static const struct { const char *before, *item, *between; unsigned by, most; } kinds[] = {
	{ "", "port %u", " or ", 7, 65535 }, { "", "port %u", " or not ", 7919, 65535 },
	{ "", "port %u", "||", 7919, 65535 }, { "", "not port %u", " and ", 7, 65535 },
	{ "", "portrange %u-9000 and proto 198", " or ", 7919, 65535 },
	{ "", "portrange %u-9000 or not proto 9", " and ", 7919, 65535 },
	{ "", "(host 10.0.0.%u and port %u)", " or ", 1, 255 },
	{ "vlan and vlan and ", "(host 10.0.0.%u and port %u)", " or ", 1, 255 },
	{ "", "(src host 10.0.0.%u or dst port %u)", "||", 1, 255 },
	{ "vlan and ", "(src host 10.0.0.%u or dst port %u)", " or ", 1, 255 },
	{ "", "port %u and ip[%u]&220=0", " or ", 7, 60 }, { "", "port %u or ip6[%u]=1", " or not ", 7, 60 },
	{ "", "l1 and not host 39.4.153.%u and l2 or not host 1.2.3.%u", " and ", 7, 255 },
	{ "", "src and dst net 10.%u", " or ", 1, 255 }, { "", "net 10.%u.0.1 mask 255.%u.0.255", " or ", 1, 255 },
	{ "", "host %x::1", " or ", 7919, 65535 }, { "", "ether host 2:0:0:0:%x:1", " or ", 7, 255 },
	{ "", "ip[%u]=ip[%u]", " or ", 7, 60 }, { "", "ip[ip[%u]]=%u", " and not ", 7, 60 },
	{ "", "ether[%u]>%u", " or ", 7, 60 }, { "", "len>%u", "&&", 7919, 65535 },
	{ "", "protochain %u", " or ", 1, 8 }, { "", "ip6 protochain %u", " and not ", 1, 255 },
	{ "pppoes and ", "tcp port %u", " or not ", 7, 65535 }, { "mpls and ", "host 10.0.0.%u", " or ", 7, 255 },
	{ "geneve and ", "(host 10.0.0.%u and not port %u)", " or ", 7, 255 }, { "vxlan and ", "port %u", "||", 7, 65535 },
	{ "", "l1", " or not ", 1, 1 }, { "", "decnet host %u.%u", " or ", 1, 63 }, { "", "vlan", " or ", 1, 1 },
	{ "", "(", "", 1, 1 }, { "", "!", "", 1, 1 }, { "len", "-", "", 1, 1 }, { "", "len+", "", 1, 1 }, { "", "a", "", 1, 1 },
	{ "", "1", "", 1, 1 }, { "", "1:", "", 1, 1 }, { "", "a ", "", 1, 1 }, { "", "tcp-", "", 1, 1 }, { "", "\\", "", 1, 1 },
};

static void make_text(size_t kind)
{
	unsigned n = 1;
	size_t at = (size_t)sprintf(text, "%s", kinds[kind].before);

	for (;;) {
		char item[200];
		size_t len = (size_t)snprintf(item, sizeof item, kinds[kind].item, n, n);

		if (at + len + strlen(kinds[kind].between) > FILTER_TEXT_MAX)
			break;
		at += (size_t)sprintf(text + at, "%s%s", n == 1 ? "" : kinds[kind].between, item);
		n = (n + kinds[kind].by) % (kinds[kind].most + 1);
	}
}

int main(void)
{
	static const int links[] = { 1, 101, 113, 127, 6 };
	char error[200], worst[60] = "";
	unsigned long most = 0;

	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
		make_text(kind);
		for (size_t i = 0; i < 2 * sizeof links / sizeof *links; i++) {
			struct filter f = { .text = text, .linktype = links[i / 2], .live = i % 2,
				.snaplen = 262144, .err = error, .errsize = sizeof error };

			steps_taken = 0;
			filter_compile(&f, program);
			if (steps_taken > most) {
				most = steps_taken;
				snprintf(worst, sizeof worst, "link type %d: %.40s", links[i / 2], text);
			}
		}
	}
	printf("%lu steps at most, of %d: %s\n", most, STEPS_MAX, worst);
	return most > STEPS_MAX;
}
