// SPDX-License-Identifier: MIT
/*
 * sandbox: what the seccomp filter of a running process lets through, asked of the kernel.
 *
 *   sandbox PID           reads lines "NUMBER [ARGUMENT ...]" (decimal or 0x..) from stdin, runs the
 *                         process's filters on each such system call and prints what comes of
 *                         it: "allow", "errno N" or "kill", and behind that the line
 *   sandbox -a ARCH PID   ... as if it were made with this AUDIT_ARCH_* number
 *   sandbox -d PID        prints the filters' instructions: INDEX CODE JT JF K
 *   sandbox -x PID        makes the process make the one system call of stdin in place of its next,
 *                         and prints what it returns (x86-64 only); the process then goes on.
 *                         One argument may be a path: /TEXT, ./TEXT or ../TEXT
 *
 * It needs CAP_SYS_ADMIN and a kernel with CONFIG_CHECKPOINT_RESTORE; exit 3 without.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c	/* linux/ptrace.h */
#endif
#if defined __x86_64__
enum { ARCH = (int)AUDIT_ARCH_X86_64 };
#elif defined __aarch64__
enum { ARCH = (int)AUDIT_ARCH_AARCH64 };
#else
enum { ARCH = 0 };
#endif

enum { FILTERS_MAX = 4, LINE = 256 };

static struct {
	struct sock_filter code[BPF_MAXINSNS];
	long len;
} filters[FILTERS_MAX];
static int filter_count;

static uint32_t alu(unsigned op, uint32_t a, uint32_t operand)
{
	switch (op) {
	case BPF_ADD: return a + operand;
	case BPF_SUB: return a - operand;
	case BPF_AND: return a & operand;
	case BPF_OR: return a | operand;
	case BPF_XOR: return a ^ operand;
	case BPF_LSH: return a << (operand & 31);
	case BPF_RSH: return a >> (operand & 31);
	case BPF_NEG: return -a;
	default: errx(1, "no such operation in a filter: %#x", op);
	}
}

static int jumps(unsigned op, uint32_t a, uint32_t operand)
{
	switch (op) {
	case BPF_JA: return 1;
	case BPF_JEQ: return a == operand;
	case BPF_JGT: return a > operand;
	case BPF_JGE: return a >= operand;
	case BPF_JSET: return (a & operand) != 0;
	default: errx(1, "no such jump in a filter: %#x", op);
	}
}

/* Runs one filter on DATA as the kernel does; returns its verdict. */
static uint32_t run(const struct sock_filter *code, long len, const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = { 0 };

	for (long at = 0; at < len; at++) {
		const struct sock_filter *i = code + at;
		uint32_t operand = BPF_SRC(i->code) == BPF_X ? x : i->k;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (BPF_MODE(i->code) == BPF_ABS)
				memcpy(&a, (const char *)data + i->k, sizeof a);
			else
				a = BPF_MODE(i->code) == BPF_MEM ? memory[i->k] : i->k;
			break;
		case BPF_LDX: x = BPF_MODE(i->code) == BPF_MEM ? memory[i->k] : i->k; break;
		case BPF_ST: memory[i->k] = a; break;
		case BPF_STX: memory[i->k] = x; break;
		case BPF_ALU: a = alu(BPF_OP(i->code), a, operand); break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				at += i->k;
			else
				at += jumps(BPF_OP(i->code), a, operand) ? i->jt : i->jf;
			break;
		case BPF_RET: return BPF_RVAL(i->code) == BPF_A ? a : i->k;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				x = a;
			else
				a = x;
			break;
		}
	}
	errx(1, "a filter without an end");
}

/* The verdict of all filters together: the one that allows least. */
static uint32_t verdict(const struct seccomp_data *data)
{
	uint32_t least = SECCOMP_RET_ALLOW, ret;

	for (int i = 0; i < filter_count; i++) {
		ret = run(filters[i].code, filters[i].len, data);
		if ((int32_t)(ret & SECCOMP_RET_ACTION_FULL) < (int32_t)(least & SECCOMP_RET_ACTION_FULL))
			least = ret;
	}
	return least;
}

/* Reads "NUMBER [ARGUMENT ...]" into *data, and at most one argument that is /TEXT, ./TEXT or ../TEXT
 * into text; its place among the arguments is returned, or -1. */
static int parse(char *line, struct seccomp_data *data, char *text)
{
	char *at = line, *end;
	int path = -1;

	data->nr = (int)strtoul(at, &at, 0);
	memset(data->args, 0, sizeof data->args);
	for (int i = 0; i < 6; i++, at = end) {
		at += strspn(at, " \n");
		end = at;
		if (*at == '/' || *at == '.') {
			end += strcspn(at, " \n");
			memcpy(text, at, (size_t)(end - at));
			text[end - at] = 0;
			path = i;
			continue;
		}
		data->args[i] = strtoull(at, &end, 0);
		if (end == at)
			break;
	}
	return path;
}

static void print_verdict(uint32_t ret, const char *line)
{
	switch (ret & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG: printf("allow %s", line); break;
	case SECCOMP_RET_ERRNO: printf("errno %u %s", ret & SECCOMP_RET_DATA, line); break;
	default: printf("kill %s", line); break;
	}
}

/* Stops the process and fetches its filters. */
static void fetch(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0L, PTRACE_O_TRACESYSGOOD) || ptrace(PTRACE_INTERRUPT, pid, 0L, 0L))
		err(3, "ptrace %d", pid);
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		errx(1, "process %d does not stop", pid);
	for (; filter_count < FILTERS_MAX; filter_count++) {
		long len = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (long)filter_count,
		    filters[filter_count].code);
		if (len < 0) {
			if (errno != ENOENT && errno != EINVAL)
				err(3, "PTRACE_SECCOMP_GET_FILTER");
			break;
		}
		filters[filter_count].len = len;
	}
}

static void dump(void)
{
	for (int f = 0; f < filter_count; f++)
		for (long i = 0; i < filters[f].len; i++) {
			const struct sock_filter *s = filters[f].code + i;
			printf("%ld %#x %u %u %#x\n", i, s->code, s->jt, s->jf, s->k);
		}
}

#ifdef __x86_64__
/* Lets the process run to its next system call, or to the end of that. */
static void to_call(pid_t pid)
{
	int status;

	do {
		if (ptrace(PTRACE_SYSCALL, pid, 0L, 0L) || waitpid(pid, &status, __WALL) != pid)
			err(1, "ptrace");
		if (!WIFSTOPPED(status))
			errx(1, "it has ended, status %#x", status);
	} while (WSTOPSIG(status) != (SIGTRAP | 0x80));
}

/* Puts TEXT into the process's memory, below its stack, and returns its address. */
static uint64_t put_text(pid_t pid, const char *text, uint64_t stack)
{
	uint64_t at = (stack - 8192) & ~7ull;
	long word;

	for (size_t i = 0; i <= strlen(text); i += sizeof word) {
		word = 0;
		memcpy(&word, text + i, strnlen(text + i, sizeof word));
		if (ptrace(PTRACE_POKEDATA, pid, (long)(at + i), word))
			err(1, "PTRACE_POKEDATA");
	}
	return at;
}

/* The tracer's stop at a call's entry comes before the filters run: they judge the number that is put
 * there. Afterwards the call that was meant is made again. */
static void make_call(pid_t pid, struct seccomp_data *data, const char *text, int path)
{
	struct user_regs_struct meant, regs;

	to_call(pid);
	if (ptrace(PTRACE_GETREGS, pid, 0L, &meant))
		err(1, "PTRACE_GETREGS");
	if (path >= 0)
		data->args[path] = put_text(pid, text, meant.rsp);
	regs = meant;
	regs.orig_rax = (unsigned long long)data->nr;
	regs.rdi = data->args[0];
	regs.rsi = data->args[1];
	regs.rdx = data->args[2];
	regs.r10 = data->args[3];
	regs.r8 = data->args[4];
	regs.r9 = data->args[5];
	ptrace(PTRACE_SETREGS, pid, 0L, &regs);
	to_call(pid);
	ptrace(PTRACE_GETREGS, pid, 0L, &regs);
	printf("%lld\n", (long long)regs.rax);
	meant.rax = meant.orig_rax;
	meant.rip -= 2;	/* the length of the instruction syscall */
	ptrace(PTRACE_SETREGS, pid, 0L, &meant);
}
#else
static void make_call(pid_t pid, struct seccomp_data *data, const char *text, int path)
{
	(void)pid;
	(void)data;
	(void)text;
	(void)path;
	errx(3, "-x is for x86-64");
}
#endif

int main(int argc, char **argv)
{
	struct seccomp_data data = { .arch = (uint32_t)ARCH };
	int option, print = 0, execute = 0, path;
	char line[LINE], text[LINE];

	while ((option = getopt(argc, argv, "a:dx")) != -1)
		switch (option) {
		case 'a': data.arch = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'd': print = 1; break;
		case 'x': execute = 1; break;
		default: return 2;
		}
	if (optind >= argc)
		errx(2, "usage: sandbox [-a ARCH] [-d] [-x] PID");
	pid_t pid = atoi(argv[optind]);
	fetch(pid);
	if (print)
		dump();
	while (!print && fgets(line, sizeof line, stdin)) {
		path = parse(line, &data, text);
		if (execute)
			make_call(pid, &data, text, path);
		else
			print_verdict(verdict(&data), line);
	}
	ptrace(PTRACE_DETACH, pid, 0L, 0L);
	if (filter_count == 0)
		errx(4, "process %d has no filter", pid);
	return 0;
}
