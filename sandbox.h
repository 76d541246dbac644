/* SPDX-License-Identifier: MIT
 *
 * sandbox.h: gives up every right of the process, and every system call that its loop does not make.
 * What it has open stays what it is: a packet socket needs no right any more once it is bound.
 * See capabilities(7), seccomp(2) and linux/seccomp.h.
 */
#ifndef RAWCAP_SANDBOX_H
#define RAWCAP_SANDBOX_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf.h"

enum {
	/* linux/seccomp.h */
	SANDBOX_MODE_FILTER = 2,
	SANDBOX_RET_ERRNO = 0x50000,	/* the call fails with the errno in the low 16 bits */
	SANDBOX_RET_ALLOW = 0x7fff0000,
	/* Offsets in struct seccomp_data: the call, the machine, and 8 bytes for each argument. */
	SANDBOX_CALL_AT = 0,
	SANDBOX_ARCH_AT = 4,
	SANDBOX_ARGS_AT = 16,
	SANDBOX_LOW_WORD = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0,
	SANDBOX_CAPABILITY_VERSION = 0x20080522,	/* linux/capability.h: version 3 */
};

static const long sandbox_nobody = 65534;	/* the user and group without rights, everywhere */

/* What the loop works on: descriptors, or -1 for what there is not. */
struct sandbox {
	int output;
	int screen;	/* where lines go */
	int messages;	/* stderr, or the terminal behind it */
	int packets;	/* the packet socket */
	int signals;	/* signalfd(2) */
	int source;	/* the file of -r */
	int rotates;	/* 1: files are opened and removed */
	int waits;	/* 1: the socket is bound again when its interface comes back */
	uint32_t open_flags;	/* of the files that are opened */
};

/* ---- Rights ---- */

/* Drops user, groups and every capability, now and for what would ever be run. With KEEP_USER the
 * user stays, for files that are to be made and removed. Returns 0, or -1 where root stays root. */
static inline int sandbox_drop_rights(int keep_user)
{
	static const struct { uint32_t version; int pid; } header = { SANDBOX_CAPABILITY_VERSION, 0 };
	static const uint32_t none[6];	/* effective, permitted, inheritable: twice 32 bits each */
	unsigned long cap = 0;
	int stays = 0;

	while (syscall(SYS_prctl, PR_CAPBSET_DROP, cap, 0l, 0l, 0l) == 0)
		cap++;
	/* -1: a call of 16 bits that the kernel has not; then the others tell */
	if (syscall(SYS_geteuid) <= 0 && !keep_user)
		stays = syscall(SYS_setgroups, 0l, NULL) < 0 ||
		    syscall(SYS_setresgid, sandbox_nobody, sandbox_nobody, sandbox_nobody) < 0 ||
		    syscall(SYS_setresuid, sandbox_nobody, sandbox_nobody, sandbox_nobody) < 0;
	syscall(SYS_capset, &header, none);
	return stays ? -1 : 0;
}

/* ---- System calls ---- */

/* Descriptors of a rule; ANY_FD: the first argument is not looked at. */
enum sandbox_fd { ANY_FD, OUTPUT_FD, SCREEN_FD, PACKET_FD, SIGNAL_FD, SOURCE_FD, MESSAGE_FD };
/* When a rule holds. */
enum sandbox_when { ALWAYS, WAITS, ROTATES };
enum { ANY_VALUE = 0 };	/* no second condition: argument 0 is the descriptor's */
#define SANDBOX_OPEN_FLAGS 0xffffffffu	/* stands for the flags of struct sandbox */

/* One call that is left, on one descriptor, with one value of one more argument. */
struct sandbox_rule {
	uint16_t call;
	uint8_t when;	/* enum sandbox_when */
	uint8_t fd;	/* enum sandbox_fd: what argument 0 is */
	uint8_t arg;	/* 1 to 5: the argument that must be VALUE; ANY_VALUE: none */
	uint32_t value;
};

static const struct sandbox_rule sandbox_rules[] = {
	/* waiting, and the time */
	{ SYS_ppoll, ALWAYS, ANY_FD, ANY_VALUE, 0 },
#if UINTPTR_MAX < UINT64_MAX
	{ SYS_ppoll_time64, ALWAYS, ANY_FD, ANY_VALUE, 0 },
	{ SYS_clock_gettime64, ALWAYS, ANY_FD, ANY_VALUE, 0 },
	{ SYS_clock_gettime32, ALWAYS, ANY_FD, ANY_VALUE, 0 },
#else
	{ SYS_clock_gettime, ALWAYS, ANY_FD, ANY_VALUE, 0 },
#endif
	{ SYS_read, ALWAYS, SIGNAL_FD, ANY_VALUE, 0 },
	{ SYS_read, ALWAYS, SOURCE_FD, ANY_VALUE, 0 },
	{ SYS_restart_syscall, ALWAYS, ANY_FD, ANY_VALUE, 0 },
	{ SYS_exit_group, ALWAYS, ANY_FD, ANY_VALUE, 0 },
	/* packets, and their interface */
	{ SYS_recvmsg, ALWAYS, PACKET_FD, ANY_VALUE, 0 },
	{ SYS_getsockopt, ALWAYS, PACKET_FD, ANY_VALUE, 0 },
	{ SYS_getsockname, ALWAYS, PACKET_FD, ANY_VALUE, 0 },
	{ SYS_setsockopt, ALWAYS, PACKET_FD, 2, SO_ATTACH_FILTER },
	{ SYS_ioctl, ALWAYS, PACKET_FD, 1, SIOCGIFNAME },
	{ SYS_ioctl, ALWAYS, PACKET_FD, 1, SIOCGIFFLAGS },
	{ SYS_bind, ALWAYS, PACKET_FD, ANY_VALUE, 0 },
	{ SYS_ioctl, WAITS, PACKET_FD, 1, SIOCGIFINDEX },
	{ SYS_ioctl, WAITS, PACKET_FD, 1, SIOCGIFHWADDR },
	{ SYS_ioctl, WAITS, PACKET_FD, 1, SIOCGIFNETMASK },
	{ SYS_setsockopt, WAITS, PACKET_FD, 2, PACKET_ADD_MEMBERSHIP },
	/* what is written */
	{ SYS_write, ALWAYS, OUTPUT_FD, ANY_VALUE, 0 },
	{ SYS_sendto, ALWAYS, OUTPUT_FD, ANY_VALUE, 0 },
	{ SYS_write, ALWAYS, SCREEN_FD, ANY_VALUE, 0 },
	{ SYS_sendto, ALWAYS, SCREEN_FD, ANY_VALUE, 0 },
	{ SYS_write, ALWAYS, MESSAGE_FD, ANY_VALUE, 0 },
	{ SYS_sendto, ALWAYS, MESSAGE_FD, ANY_VALUE, 0 },
	{ SYS_ioctl, ALWAYS, MESSAGE_FD, 1, TCGETS },
	{ SYS_fcntl, ALWAYS, SCREEN_FD, 1, F_GETFL },
	{ SYS_fcntl, ALWAYS, SCREEN_FD, 1, F_SETFL },
	{ SYS_fcntl, ALWAYS, MESSAGE_FD, 1, F_GETFL },
	{ SYS_fcntl, ALWAYS, MESSAGE_FD, 1, F_SETFL },
	{ SYS_ioctl, ALWAYS, OUTPUT_FD, 1, FIONREAD },
	{ SYS_fcntl, ALWAYS, OUTPUT_FD, 1, F_GETPIPE_SZ },
	{ SYS_getsockopt, ALWAYS, OUTPUT_FD, 2, SO_TYPE },
#if UINTPTR_MAX < UINT64_MAX
	{ SYS_ftruncate64, ALWAYS, OUTPUT_FD, ANY_VALUE, 0 },
#else
	{ SYS_lseek, ALWAYS, OUTPUT_FD, ANY_VALUE, 0 },
	{ SYS_ftruncate, ALWAYS, OUTPUT_FD, ANY_VALUE, 0 },
#endif
#ifdef SYS__llseek	/* lseek is made of it where it exists, on powerpc64 too */
	{ SYS__llseek, ALWAYS, OUTPUT_FD, ANY_VALUE, 0 },
#endif
	{ SYS_fdatasync, ALWAYS, OUTPUT_FD, ANY_VALUE, 0 },
	{ SYS_close, ALWAYS, OUTPUT_FD, ANY_VALUE, 0 },
	{ SYS_openat, ROTATES, ANY_FD, 2, SANDBOX_OPEN_FLAGS },
	{ SYS_unlinkat, ROTATES, ANY_FD, 2, 0 },
};

enum {
	SANDBOX_RULES = sizeof sandbox_rules / sizeof *sandbox_rules,
	SANDBOX_RULE_MAX = 7,	/* instructions of one rule */
};

/* What seccomp calls this machine, linux/audit.h: its ELF number, and bits for the size and order of
 * its words. All of it stands in the program's own header, which begins alike in both sizes. */
static uint32_t sandbox_machine(void)
{
	extern const Elf32_Ehdr __ehdr_start;	/* the linker's */

	return __ehdr_start.e_machine |
	    (uint32_t)(__ehdr_start.e_ident[EI_CLASS] == ELFCLASS64) << 31 |
	    (uint32_t)(__ehdr_start.e_ident[EI_DATA] == ELFDATA2LSB) << 30;
}

/* The descriptor that KIND stands for; -1 if there is none. */
static int sandbox_descriptor(const struct sandbox *s, uint8_t kind)
{
	switch (kind) {
	case OUTPUT_FD: return s->output;
	case SCREEN_FD: return s->screen;
	case PACKET_FD: return s->packets;
	case SIGNAL_FD: return s->signals;
	case SOURCE_FD: return s->source;
	default: return s->messages;
	}
}

static int sandbox_needs(const struct sandbox *s, const struct sandbox_rule *r)
{
	if ((r->when == WAITS && !s->waits) || (r->when == ROTATES && !s->rotates))
		return 0;
	return r->fd == ANY_FD || sandbox_descriptor(s, r->fd) >= 0;
}

static struct bpf_instruction sandbox_load(uint32_t at)
{
	return (struct bpf_instruction){ OP_LD | OP_W | OP_ABS, 0, 0, at };
}

/* Skips as many instructions if A is not VALUE. */
static struct bpf_instruction sandbox_unless(uint32_t value, uint8_t skip)
{
	return (struct bpf_instruction){ OP_JMP | OP_JEQ, 0, skip, value };
}

static struct bpf_instruction sandbox_return(uint32_t verdict)
{
	return (struct bpf_instruction){ OP_RET, 0, 0, verdict };
}

/* Adds the instructions of one rule at P, and returns where the next one goes. */
static struct bpf_instruction *sandbox_add_rule(struct bpf_instruction *p, const struct sandbox *s,
    const struct sandbox_rule *r)
{
	const int has_fd = r->fd != ANY_FD, has_value = r->arg != ANY_VALUE;
	uint32_t value = r->value == SANDBOX_OPEN_FLAGS ? s->open_flags : r->value;
	uint8_t skip = (uint8_t)(1 + 2 * has_fd + 2 * has_value);

	*p++ = sandbox_load(SANDBOX_CALL_AT);
	*p++ = sandbox_unless(r->call, skip);
	if (has_fd) {
		skip = (uint8_t)(skip - 2);
		*p++ = sandbox_load(SANDBOX_ARGS_AT + SANDBOX_LOW_WORD);
		*p++ = sandbox_unless((uint32_t)sandbox_descriptor(s, r->fd), skip);
	}
	if (has_value) {
		*p++ = sandbox_load(SANDBOX_ARGS_AT + 8u * r->arg + SANDBOX_LOW_WORD);
		*p++ = sandbox_unless(value, 1);
	}
	*p++ = sandbox_return(SANDBOX_RET_ALLOW);
	return p;
}

/* Leaves the process only the calls of the rules that S needs; others fail with EPERM. Returns 0, or
 * -1 where the kernel has no seccomp. */
static inline int sandbox_enter(const struct sandbox *s)
{
	static struct bpf_instruction program[SANDBOX_RULES * SANDBOX_RULE_MAX + 4];
	struct { unsigned short len; const struct bpf_instruction *program; } fprog;
	struct bpf_instruction *p = program;

	*p++ = sandbox_load(SANDBOX_ARCH_AT);
	*p++ = (struct bpf_instruction){ OP_JMP | OP_JEQ, 1, 0, sandbox_machine() };
	*p++ = sandbox_return(SANDBOX_RET_ERRNO | EPERM);
	for (size_t i = 0; i < SANDBOX_RULES; i++)
		if (sandbox_needs(s, sandbox_rules + i))
			p = sandbox_add_rule(p, s, sandbox_rules + i);
	*p++ = sandbox_return(SANDBOX_RET_ERRNO | EPERM);
	fprog.len = (unsigned short)(p - program);
	fprog.program = program;
	syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1l, 0l, 0l, 0l);
	return (int)syscall(SYS_prctl, PR_SET_SECCOMP, (long)SANDBOX_MODE_FILTER, &fprog);
}

#endif
