/* SPDX-License-Identifier: MIT */
/*
 * fuzz.c - any bytes as a filter: an answer, and never a program the kernel would refuse
 *
 * The first byte chooses link type and form, the second the room for the error; up to a newline, if there is one,
 * the text is a rule. For libFuzzer. A program that comes out is printed, read back as bytecode and run.
 */
#include <stdlib.h>
#include "../../filter.h"
#include "judge.h"

static struct bpf_instruction program[BPF_PROGRAM_MAX], again[BPF_PROGRAM_MAX];
static char text[1 << 17], printed[BPF_PROGRAM_MAX * BPF_LINE_MAX];

static void insist(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int linktypes_tested[] = { 1, 101, 113, 276, 127, 12345, 105, 119, 9, 104, 107, 0, 229, 10, 129, 285 };
	static const uint8_t bytes_seen[64] = { [12] = 8, [14] = 0x45, [23] = 6 };
	struct packet p = { .data = bytes_seen, .caplen = 64, .len = 64, .has_metadata = 1 };
	char error[300], line[BPF_LINE_MAX];
	struct filter f = { .text = text, .snaplen = 262144, .err = error };
	unsigned n, i, detail;
	size_t at = 0;

	if (size < 2 || size > sizeof text)
		return 0;
	f.linktype = linktypes_tested[data[0] % 16];
	f.live = data[0] >> 7;
	f.errsize = 1 + data[1];
	memcpy(text, data + 2, size - 2);
	text[size - 2] = 0;
	f.rule = NULL;
	if (strchr(text, '\n')) {
		f.rule = text;
		f.text = strchr(text, '\n') + 1;
		*strchr(text, '\n') = 0;
	}
	f.taglen = data[0] >> 4 & 4;
	if (data[0] & 0x20) {
		f.services = f.text;
		f.protocols = f.text;
	}
	memset(error, '#', sizeof error);
	n = filter_compile(&f, program);
	insist(n <= BPF_PROGRAM_MAX);
	if (!n) {
		insist(strlen(error) < f.errsize && error[f.errsize] == '#');
		for (i = 0; error[i]; i++)
			insist(error[i] >= ' ' && error[i] < 127);
		return 0;
	}
	insist(!bpf_check(program, n) && bpf_kernel_bytes(program, n));
	for (i = 0; i < n; i++) {
		for (detail = 1; detail <= 3; detail++) {
			unsigned length = bpf_print(line, program, n, i, (int)detail);

			insist(length && length < BPF_LINE_MAX && line[length - 1] == '\n');
			if (detail == 3) {
				memcpy(printed + at, line, length);
				at += length;
			}
		}
	}
	printed[at] = 0;
	judge_run(program, &p);
	f.text = printed;
	f.rule = NULL;
	f.linktype = 1;		/* on a live cooked link its offsets would move */
	insist(filter_compile(&f, again) == n && !memcmp(program, again, n * sizeof *program));
	return 0;
}
