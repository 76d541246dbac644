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
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void handle(const char *number, void (*handler)(int))
{
	if (signal(atoi(number), handler) == SIG_ERR)
		err(2, "signal %s", number);
}

static void block(int number)
{
	sigset_t set;

	sigemptyset(&set);
	if (sigaddset(&set, number))
		err(2, "signal %d", number);
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

int main(int argc, char **argv)
{
	int option, no_arguments = 0;

	while ((option = getopt(argc, argv, "+nP:i:d:b:ue0")) != -1)
		switch (option) {
		case 'n': fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK); break;
		case 'P': fcntl(1, F_SETPIPE_SZ, atoi(optarg)); break;
		case 'i': handle(optarg, SIG_IGN); break;
		case 'd': handle(optarg, SIG_DFL); break;
		case 'b': block(atoi(optarg)); break;
		case 'u': socket_stdout(); break;
		case 'e': dup2(eventfd(0, EFD_CLOEXEC), 1); break;
		case '0': no_arguments = 1; break;
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
