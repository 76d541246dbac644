// SPDX-License-Identifier: MIT
/*
 * launch: starts a program in surroundings that no shell can make.
 *
 *   launch [options] PROGRAM [ARGUMENT ...]
 *
 *   -n        stdout non-blocking
 *   -P BYTES  stdout is a pipe: of this size
 *   -i SIG    ignore signal SIG (a number), as a parent may have left it
 *   -d SIG    signal SIG as by default: shells ignore INT and QUIT in what they start with &
 *   -b SIG    block signal SIG
 *   -u        stdout becomes a socket; what comes out of it goes to the old stdout
 *   -e        stdout becomes an eventfd
 *   -0        an empty argument vector, not even a name
 *   -t FILE   when PROGRAM has ended, put its user and system time there, in microseconds;
 *             SIGINT and SIGTERM to launch go to PROGRAM
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;

static void pass_on(int number)
{
	kill(child, number);
}

static void block(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* stdout becomes one end of a socket pair, a cat empties the other into the old stdout. */
static void socket_stdout(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		err(1, "socketpair");
	if (fork() == 0) {
		dup2(ends[0], 0);
		close(ends[0]);
		close(ends[1]);
		execlp("cat", "cat", (char *)NULL);
		err(1, "cat");
	}
	dup2(ends[1], 1);
	close(ends[0]);
	close(ends[1]);
}

/* Becomes the parent that measures: returns only in the child. */
static void measure(const char *path)
{
	struct rusage usage;
	int status;

	child = fork();
	if (child <= 0)
		return;
	signal(SIGINT, pass_on);
	signal(SIGTERM, pass_on);
	while (wait4(child, &status, 0, &usage) < 0)
		;
	FILE *file = fopen(path, "w");
	if (!file)
		err(1, "%s", path);
	fprintf(file, "%lld\n", (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL +
	    usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	fclose(file);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv)
{
	int option, no_arguments = 0;

	while ((option = getopt(argc, argv, "+nP:i:d:b:ue0t:")) != -1)
		switch (option) {
		case 'n': fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK); break;
		case 'P': fcntl(1, F_SETPIPE_SZ, atoi(optarg)); break;
		case 'i': signal(atoi(optarg), SIG_IGN); break;
		case 'd': signal(atoi(optarg), SIG_DFL); break;
		case 'b': block(atoi(optarg)); break;
		case 'u': socket_stdout(); break;
		case 'e': dup2(eventfd(0, EFD_CLOEXEC), 1); break;
		case '0': no_arguments = 1; break;
		case 't': measure(optarg); break;
		default: return 2;
		}
	if (optind >= argc)
		errx(2, "no program");
	if (no_arguments)
		execv(argv[optind], (char *[]){ NULL });
	else
		execvp(argv[optind], argv + optind);
	err(127, "%s", argv[optind]);
}
