// SPDX-License-Identifier: MIT
/*
 * calls: runs a program as on a kernel that knows only one of the two sets of calls with a time that a
 * machine of 32 bits has.
 *
 *   calls old PROGRAM [ARGUMENT ...]   before Linux 5.1: those with a time of 32 bits
 *   calls new PROGRAM [ARGUMENT ...]   without CONFIG_COMPAT_32BIT_TIME: those with 64
 *
 * See seccomp(2). A machine of 64 bits has one set; there it fails.
 */
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __NR_ppoll_time64
#define CALL(n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (n), 0, 1)
#define FAIL(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (at))
#define OPTION (offsetof(struct seccomp_data, args[2]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

#ifndef __NR_clock_gettime	/* musl's name for it */
#define __NR_clock_gettime __NR_clock_gettime32
#endif

enum { TIMESTAMPNS_NEW = 64 };	/* asm-generic/socket.h */

static struct sock_filter without_new[] = {
	LOAD(offsetof(struct seccomp_data, nr)),
	CALL(__NR_ppoll_time64), FAIL(ENOSYS),
	CALL(__NR_clock_gettime64), FAIL(ENOSYS),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_setsockopt, 0, 3),
	LOAD(OPTION),
	CALL(TIMESTAMPNS_NEW), FAIL(ENOPROTOOPT),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static struct sock_filter without_old[] = {
	LOAD(offsetof(struct seccomp_data, nr)),
	CALL(__NR_ppoll), FAIL(ENOSYS),
	CALL(__NR_clock_gettime), FAIL(ENOSYS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void leave(const char *which)
{
	struct sock_fprog old = { sizeof without_new / sizeof *without_new, without_new };
	struct sock_fprog new = { sizeof without_old / sizeof *without_old, without_old };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, strcmp(which, "old") ? &new : &old))
		err(1, "seccomp");
}
#else
static void leave(const char *which)
{
	errx(1, "%s: this machine has one set of calls", which);
}
#endif

int main(int argc, char **argv)
{
	if (argc < 3 || (strcmp(argv[1], "old") && strcmp(argv[1], "new")))
		errx(2, "usage: calls old|new PROGRAM [ARGUMENT ...]");
	leave(argv[1]);
	execvp(argv[2], argv + 2);
	err(1, "%s", argv[2]);
}
