// SPDX-License-Identifier: MIT
/*
 * measure: runs a program and tells what it cost.
 *
 *   measure FILE CORE PROGRAM [ARGUMENT ...]
 *
 * PROGRAM is kept on CORE. SIGINT and SIGTERM to measure go to it. Once it has bound a packet socket
 * and has nothing more to do, there is a file FILE.ready. When it has ended FILE holds one line: user
 * and system time since then in ns, times it went to sleep, times it was pushed aside, write calls,
 * peak RSS in KiB, and ns from exec to its packet socket being bound. A program that ends without a
 * socket is measured from its start, with 0 for the last.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child;

static void pass_on(int number)
{
	kill(child, number);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Becomes the program, on CORE; tells TELL at what time. */
static _Noreturn void become(char **argv, int core, int tell)
{
	uint64_t now;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	sched_setaffinity(0, sizeof set, &set);
	now = now_ns();
	if (write(tell, &now, sizeof now) < 0)
		err(127, "pipe");
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

/* Whether this namespace has a packet socket bound to take everything: a line of /proc/net/packet
 * with ETH_P_ALL. */
static int bound(void)
{
	static char text[4096];
	int fd = open("/proc/net/packet", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	return strstr(text, " 0003 ") != NULL;
}

static int ended(void)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT | WNOHANG) || info.si_pid;
}

/* Waits for the exec, whose time comes through START_PIPE, then for the socket. */
static uint64_t time_to_bound(int start_pipe)
{
	uint64_t start;

	if (read(start_pipe, &start, sizeof start) < 0)
		err(1, "pipe");
	while (!bound())
		if (ended())
			return 0;
	return now_ns() - start;
}

/* The CPU time of the child so far. */
static uint64_t cpu_ns(void)
{
	struct timespec t = { 0, 0 };
	clockid_t clock;

	if (!clock_getcpuclockid(child, &clock))
		clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Waits until the child has done nothing for IDLE_MS; what it took until then. */
static uint64_t cpu_to_ready(void)
{
	enum { IDLE_MS = 60 };
	uint64_t before, now = cpu_ns();

	do {
		before = now;
		usleep(IDLE_MS * 1000);
		now = cpu_ns();
	} while (now != before && !ended());
	return now;
}

static void make_file(const char *path, const char *end)
{
	char name[4096];
	int fd;

	snprintf(name, sizeof name, "%s%s", path, end);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		err(1, "%s", name);
	close(fd);
}

/* Write calls of the child, which has ended. */
static unsigned long writes(void)
{
	unsigned long n = 0;
	char path[40], line[80];
	FILE *io;

	snprintf(path, sizeof path, "/proc/%d/io", (int)child);
	io = fopen(path, "r");
	while (io && fgets(line, sizeof line, io))
		if (!strncmp(line, "syscw: ", 7))
			n = strtoul(line + 7, NULL, 10);
	if (io)
		fclose(io);
	return n;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	int status, start_pipe[2];
	struct rusage u;
	uint64_t start_up, cpu, cpu_before = 0;
	siginfo_t info;
	FILE *file;

	if (argc < 4 || pipe2(start_pipe, O_CLOEXEC))
		errx(2, "usage: measure FILE CORE PROGRAM [ARGUMENT ...]");
	file = fopen(argv[1], "we");
	if (!file)
		err(1, "%s", argv[1]);
	child = fork();
	if (!child)
		become(argv + 3, atoi(argv[2]), start_pipe[1]);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	close(start_pipe[1]);
	start_up = time_to_bound(start_pipe[0]);
	if (start_up) {
		cpu_before = cpu_to_ready();
		make_file(argv[1], ".ready");
	}
	while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT))
		;
	unsigned long written = writes();
	wait4(child, &status, 0, &u);
	cpu = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
	    (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
	cpu -= cpu_before < cpu ? cpu_before : cpu;
	fprintf(file, "%llu %ld %ld %lu %ld %llu\n", (unsigned long long)cpu, u.ru_nvcsw,
	    u.ru_nivcsw, written, u.ru_maxrss, (unsigned long long)start_up);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
