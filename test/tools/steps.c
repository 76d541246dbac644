// SPDX-License-Identifier: MIT
/*
 * steps: counts the instructions of a capture exactly, however busy the machine is.
 *
 *   steps FILE SEND PROGRAM [ARGUMENT ...]
 *
 * Runs PROGRAM until it has bound a socket, then the shell command SEND to its end while PROGRAM
 * stands still, and then PROGRAM to its end, step by step. Puts into FILE how many instructions in
 * user space that last part took; a system call is one, a string instruction one for each round.
 */
#define _GNU_SOURCE
#include <err.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;
static int status;

/* Lets the child go on to the next stop of the kind that REQUEST makes; what other signals it gets,
 * it gets. Returns 0 when it has ended. */
static int go_on(enum __ptrace_request request)
{
	long signal = 0;

	do {
		if (ptrace(request, child, NULL, signal) < 0 || waitpid(child, &status, 0) < 0)
			err(1, "ptrace");
		if (!WIFSTOPPED(status))
			return 0;
		signal = WSTOPSIG(status);
	} while (signal != SIGTRAP && signal != (SIGTRAP | 0x80));
	return 1;
}

/* Whether the child stands at the entry of bind. */
static int binds(void)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) < 0)
		err(1, "PTRACE_GET_SYSCALL_INFO");
	return info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_bind;
}

static void run_until_bound(void)
{
	do
		if (!go_on(PTRACE_SYSCALL))
			errx(1, "it ended before it bound a socket");
	while (!binds());
	go_on(PTRACE_SYSCALL);	/* to its end */
}

/* Keeps this process and the child to come on one core: a step is a change between them. */
static void share_a_core(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof one, &one);
}

int main(int argc, char **argv)
{
	unsigned long instructions = 0;
	FILE *file;

	if (argc < 4)
		errx(2, "usage: steps FILE SEND PROGRAM [ARGUMENT ...]");
	share_a_core();
	child = fork();
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp(argv[3], argv + 3);
		err(127, "%s", argv[3]);
	}
	if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
		errx(1, "it does not start");
	ptrace(PTRACE_SETOPTIONS, child, NULL,
	    (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	run_until_bound();
	if (system(argv[2]) != 0)
		errx(1, "failed: %s", argv[2]);
	do
		instructions++;
	while (go_on(PTRACE_SINGLESTEP));
	file = fopen(argv[1], "w");
	if (!file || fprintf(file, "%lu\n", instructions) < 0 || fclose(file))
		err(1, "%s", argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
