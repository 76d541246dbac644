/* SPDX-License-Identifier: MIT
 *
 * sandbox.h: gives up every right of the process, and every system call that its loop does not make.
 * What it has open stays what it is: a packet socket needs no right any more once it is bound.
 *
 *	sandbox_drop_rights(directory)	user, groups and capabilities
 *	sandbox_confine(directory)	with a rotation: no file outside of its directory
 *	sandbox_enter(&s)		the calls that are left
 *
 * A process that is to wait before it starts to capture drops its rights and calls sandbox_enter with
 * s.starts first; the calls that are left then are those of the start to come, and of the loop.
 * See capabilities(7), seccomp(2), landlock(7) and linux/seccomp.h.
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
#include <sys/mman.h>
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
	SANDBOX_HIGH_WORD = 4 - SANDBOX_LOW_WORD,
	/* linux/capability.h */
	SANDBOX_CAPABILITY_VERSION = 0x20080522,	/* 3 */
	SANDBOX_CAP_SYS_CHROOT = 18,
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
	int directory;	/* of a rotation's files, which are made and removed */
	int waits;	/* 1: the socket is bound again when its interface comes back */
	int starts;	/* 1: the capture is still to be started, and only DIRECTORY is known */
	uint32_t new_flags, new_mode;	/* of the files that are made */
	uint32_t look_flags;	/* of those that are looked at */
	const void *closing_filter;	/* the one program that the packet socket may still get */
};

/* ---- Rights ---- */

/* The effective and permitted capabilities, those below 32; the others and the inheritable ones are
 * none. Returns 0, or -1. */
static int sandbox_set_capabilities(uint32_t set)
{
	struct { uint32_t version; int pid; } header = { SANDBOX_CAPABILITY_VERSION, 0 };
	const uint32_t sets[6] = { set, set };	/* effective, permitted, inheritable: low, then high */

	return (int)syscall(SYS_capset, &header, sets);
}

/* Those of the capabilities SET that the process may have. */
static uint32_t sandbox_permitted(uint32_t set)
{
	struct { uint32_t version; int pid; } header = { SANDBOX_CAPABILITY_VERSION, 0 };
	uint32_t sets[6] = { 0 };

	syscall(SYS_capget, &header, sets);
	return sets[1] & set;
}

/* Becomes the user UID and the group GID, without other groups. Returns 0, or -1. */
static int sandbox_become(uint32_t uid, uint32_t gid)
{
	if (syscall(SYS_setgroups, 0l, NULL) < 0 || syscall(SYS_setresgid, gid, gid, gid) < 0 ||
	    syscall(SYS_setresuid, uid, uid, uid) < 0)
		return -1;
	return 0;
}

/* Who root becomes: nobody or, with a rotation, the owner of its directory. In a directory of its own
 * root stays root, without a right that another user would not have. */
static int sandbox_leave_root(int directory)
{
	uint32_t about[64] = { 0 };	/* linux/stat.h: struct statx has uid and gid at byte 20 */
	enum { UID = 5, GID = 6, EMPTY_PATH = 0x1000, BASIC_STATS = 0x7ff };

	if (directory < 0)
		return sandbox_become(sandbox_nobody, sandbox_nobody);
	syscall(SYS_statx, directory, "", EMPTY_PATH, BASIC_STATS, about);
	if (about[UID] != 0)
		return sandbox_become(about[UID], about[GID]);
	syscall(SYS_setgroups, 0l, NULL);
	return 0;
}

/* Drops user, groups and every capability, now and for what would ever be run. DIRECTORY is that of a
 * rotation's files, or -1; where there is one the right to confine the process to it stays until
 * sandbox_confine. Returns 0, or -1 where root stays root. */
static inline int sandbox_drop_rights(int directory)
{
	const uint32_t kept = directory < 0 ? 0 :
	    sandbox_permitted(UINT32_C(1) << SANDBOX_CAP_SYS_CHROOT);
	unsigned long cap = 0;
	int result = 0;

	while (syscall(SYS_prctl, PR_CAPBSET_DROP, cap, 0l, 0l, 0l) == 0)
		cap++;
	syscall(SYS_prctl, PR_SET_KEEPCAPS, (long)(kept != 0), 0l, 0l, 0l);
	/* -1: a call of 16 bits that the kernel has not; then the others tell */
	if (syscall(SYS_geteuid) <= 0)
		result = sandbox_leave_root(directory);
	sandbox_set_capabilities(kept);
	return result;
}

/* Denies the process every file but those in DIRECTORY, which it may list, read, make, write and
 * remove, with Landlock. Returns -1 where the kernel has none. linux/landlock.h */
static int sandbox_restrict_files(int directory)
{
	enum {
		WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3, REMOVE_DIR = 1 << 4, REMOVE_FILE = 1 << 5,
		MAKE_REG = 1 << 8, EVERYTHING = (1 << 13) - 1, PATH_BENEATH = 1,
	};
	const struct { uint64_t handled; } ruleset = { EVERYTHING };
	const struct { uint64_t allowed; int32_t directory; } beneath = {
		WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR | REMOVE_FILE | MAKE_REG, directory,
	};
	int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0l), result;

	if (fd < 0)
		return -1;
	result = (int)syscall(SYS_landlock_add_rule, fd, (long)PATH_BENEATH, &beneath, 0l);
	if (result == 0)
		result = (int)syscall(SYS_landlock_restrict_self, fd, 0l);
	close(fd);
	return result;
}

/* Confines a process that makes files to DIRECTORY: as its root where the right to that is there,
 * else with Landlock. No capability is left then. Returns -1 where neither can be had. */
static inline int sandbox_confine(int directory)
{
	int result = -1;

	syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1l, 0l, 0l, 0l);
	if (syscall(SYS_fchdir, directory) == 0)
		result = (int)syscall(SYS_chroot, ".");
	if (result < 0)
		result = sandbox_restrict_files(directory);
	sandbox_set_capabilities(0);
	return result;
}

/* ---- System calls ---- */

/* What an argument must be. */
enum sandbox_kind {
	ARG_ANY = 0,
	ARG_IS,	/* the value that stands beside it */
	ARG_LACKS,	/* none of the bits beside it */
	/* a descriptor of struct sandbox; there is no rule where it is -1 */
	OUTPUT_FD, SCREEN_FD, PACKET_FD, SIGNAL_FD, SOURCE_FD, MESSAGE_FD, DIRECTORY_FD,
	/* another field of it */
	NEW_FLAGS, NEW_MODE, LOOK_FLAGS, CLOSING_FILTER,
};
/* When a rule holds. */
enum sandbox_when { ALWAYS, WAITS, STARTS };

enum { SANDBOX_ARGUMENTS = 4 };	/* of a rule, at most */

/* One call that is left. */
struct sandbox_rule {
	uint16_t call;
	uint8_t when;	/* enum sandbox_when */
	struct sandbox_argument {
		uint8_t index;	/* 0 to 5 */
		uint8_t kind;	/* enum sandbox_kind; ARG_ANY: no more arguments */
		uint32_t value;
	} argument[SANDBOX_ARGUMENTS];
};

static const struct sandbox_rule sandbox_rules[] = {
	/* waiting, and the time */
	{ SYS_ppoll, ALWAYS, { { 0 } } },
#if UINTPTR_MAX < UINT64_MAX
	{ SYS_ppoll_time64, ALWAYS, { { 0 } } },
	{ SYS_clock_gettime64, ALWAYS, { { 0 } } },
	{ SYS_clock_gettime32, ALWAYS, { { 0 } } },
#else
	{ SYS_clock_gettime, ALWAYS, { { 0 } } },
#endif
	{ SYS_read, ALWAYS, { { 0, SIGNAL_FD, 0 } } },
	{ SYS_read, ALWAYS, { { 0, SOURCE_FD, 0 } } },
	{ SYS_restart_syscall, ALWAYS, { { 0 } } },
	{ SYS_exit_group, ALWAYS, { { 0 } } },
	{ SYS_exit, ALWAYS, { { 0 } } },	/* what musl calls if that fails */
	/* packets, and their interface */
	{ SYS_recvmsg, ALWAYS, { { 0, PACKET_FD, 0 } } },
	{ SYS_getsockopt, ALWAYS, { { 0, PACKET_FD, 0 } } },
	{ SYS_getsockname, ALWAYS, { { 0, PACKET_FD, 0 } } },
	{ SYS_setsockopt, ALWAYS, { { 0, PACKET_FD, 0 }, { 1, ARG_IS, SOL_SOCKET },
	    { 2, ARG_IS, SO_ATTACH_FILTER }, { 3, CLOSING_FILTER, 0 } } },
	{ SYS_ioctl, ALWAYS, { { 0, PACKET_FD, 0 }, { 1, ARG_IS, SIOCGIFNAME } } },
	{ SYS_ioctl, ALWAYS, { { 0, PACKET_FD, 0 }, { 1, ARG_IS, SIOCGIFFLAGS } } },
	{ SYS_bind, ALWAYS, { { 0, PACKET_FD, 0 } } },
	{ SYS_ioctl, WAITS, { { 0, PACKET_FD, 0 }, { 1, ARG_IS, SIOCGIFINDEX } } },
	{ SYS_ioctl, WAITS, { { 0, PACKET_FD, 0 }, { 1, ARG_IS, SIOCGIFHWADDR } } },
	{ SYS_ioctl, WAITS, { { 0, PACKET_FD, 0 }, { 1, ARG_IS, SIOCGIFNETMASK } } },
	{ SYS_setsockopt, WAITS, { { 0, PACKET_FD, 0 }, { 1, ARG_IS, SOL_PACKET },
	    { 2, ARG_IS, PACKET_ADD_MEMBERSHIP } } },
	/* what is written */
	{ SYS_write, ALWAYS, { { 0, OUTPUT_FD, 0 } } },
	{ SYS_sendto, ALWAYS, { { 0, OUTPUT_FD, 0 } } },
	{ SYS_write, ALWAYS, { { 0, SCREEN_FD, 0 } } },
	{ SYS_sendto, ALWAYS, { { 0, SCREEN_FD, 0 } } },
	{ SYS_fcntl, ALWAYS, { { 0, SCREEN_FD, 0 }, { 1, ARG_IS, F_GETFL } } },
	{ SYS_fcntl, ALWAYS, { { 0, SCREEN_FD, 0 }, { 1, ARG_IS, F_SETFL } } },
	{ SYS_write, ALWAYS, { { 0, MESSAGE_FD, 0 } } },
	{ SYS_sendto, ALWAYS, { { 0, MESSAGE_FD, 0 } } },
	{ SYS_ioctl, ALWAYS, { { 0, MESSAGE_FD, 0 }, { 1, ARG_IS, TCGETS } } },
	{ SYS_fcntl, ALWAYS, { { 0, MESSAGE_FD, 0 }, { 1, ARG_IS, F_GETFL } } },
	{ SYS_fcntl, ALWAYS, { { 0, MESSAGE_FD, 0 }, { 1, ARG_IS, F_SETFL } } },
	{ SYS_ioctl, ALWAYS, { { 0, OUTPUT_FD, 0 }, { 1, ARG_IS, FIONREAD } } },
	{ SYS_fcntl, ALWAYS, { { 0, OUTPUT_FD, 0 }, { 1, ARG_IS, F_GETPIPE_SZ } } },
	{ SYS_getsockopt, ALWAYS, { { 0, OUTPUT_FD, 0 }, { 1, ARG_IS, SOL_SOCKET },
	    { 2, ARG_IS, SO_TYPE } } },
	{ SYS_getsockopt, ALWAYS, { { 0, OUTPUT_FD, 0 }, { 1, ARG_IS, SOL_SOCKET },
	    { 2, ARG_IS, SO_MEMINFO } } },
#if UINTPTR_MAX < UINT64_MAX
	{ SYS_ftruncate64, ALWAYS, { { 0, OUTPUT_FD, 0 } } },
#else
	{ SYS_lseek, ALWAYS, { { 0, OUTPUT_FD, 0 } } },
	{ SYS_ftruncate, ALWAYS, { { 0, OUTPUT_FD, 0 } } },
#endif
#ifdef SYS__llseek	/* lseek is made of it where it exists, on powerpc64 too */
	{ SYS__llseek, ALWAYS, { { 0, OUTPUT_FD, 0 } } },
#endif
	{ SYS_fdatasync, ALWAYS, { { 0, OUTPUT_FD, 0 } } },
	{ SYS_close, ALWAYS, { { 0, OUTPUT_FD, 0 } } },
	/* a rotation's files */
	{ SYS_openat, ALWAYS, { { 0, DIRECTORY_FD, 0 }, { 2, NEW_FLAGS, 0 }, { 3, NEW_MODE, 0 } } },
	{ SYS_statx, ALWAYS, { { 0, DIRECTORY_FD, 0 }, { 2, LOOK_FLAGS, 0 } } },
	{ SYS_unlinkat, ALWAYS, { { 0, DIRECTORY_FD, 0 }, { 2, ARG_IS, 0 } } },
	{ SYS_unlinkat, ALWAYS, { { 0, DIRECTORY_FD, 0 }, { 2, ARG_IS, AT_REMOVEDIR } } },
	/* the start: what the interface is, from the kernel and from /sys */
	{ SYS_socket, STARTS, { { 0, ARG_IS, AF_NETLINK } } },
	{ SYS_openat, STARTS, { { 2, ARG_LACKS, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC } } },
	{ SYS_read, STARTS, { { 0 } } },
	{ SYS_close, STARTS, { { 0 } } },
	/* ... the socket's options and its ring */
	{ SYS_setsockopt, STARTS, { { 0 } } },
	{ SYS_sysinfo, STARTS, { { 0 } } },
#ifdef SYS_mmap2
	{ SYS_mmap2, STARTS, { { 2, ARG_LACKS, PROT_EXEC } } },
#else
	{ SYS_mmap, STARTS, { { 2, ARG_LACKS, PROT_EXEC } } },
#endif
	{ SYS_munmap, STARTS, { { 0 } } },
	/* ... the output, and the files that earlier runs left */
	{ SYS_lseek, STARTS, { { 0 } } },
	{ SYS_statx, STARTS, { { 0 } } },
	{ SYS_getdents64, STARTS, { { 0 } } },
	{ SYS_fcntl, STARTS, { { 1, ARG_IS, F_SETPIPE_SZ } } },
	{ SYS_ioctl, STARTS, { { 1, ARG_IS, TCGETS } } },
	{ SYS_geteuid, STARTS, { { 0 } } },
#ifdef SYS_geteuid32
	{ SYS_geteuid32, STARTS, { { 0 } } },
#endif
	/* ... and the rights that go last */
	{ SYS_fchdir, STARTS, { { 0 } } },
	{ SYS_chroot, STARTS, { { 0 } } },
	{ SYS_landlock_create_ruleset, STARTS, { { 0 } } },
	{ SYS_landlock_add_rule, STARTS, { { 0 } } },
	{ SYS_landlock_restrict_self, STARTS, { { 0 } } },
	{ SYS_capset, STARTS, { { 0 } } },
	{ SYS_prctl, STARTS, { { 0, ARG_IS, PR_SET_NO_NEW_PRIVS } } },
	{ SYS_prctl, STARTS, { { 0, ARG_IS, PR_SET_SECCOMP } } },
};

enum {
	SANDBOX_RULES = sizeof sandbox_rules / sizeof *sandbox_rules,
	/* instructions of one rule: two for the call, two for each word of its arguments, the verdict */
	SANDBOX_RULE_MAX = 2 + 2 * (SANDBOX_ARGUMENTS + 1) + 1,
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

/* What an argument of KIND must be, VALUE beside it: 64 bits, of which an int has the lower ones. */
static uint64_t sandbox_value(const struct sandbox *s, const struct sandbox_argument *a)
{
	switch (a->kind) {
	case OUTPUT_FD: return (uint64_t)s->output;
	case SCREEN_FD: return (uint64_t)s->screen;
	case PACKET_FD: return (uint64_t)s->packets;
	case SIGNAL_FD: return (uint64_t)s->signals;
	case SOURCE_FD: return (uint64_t)s->source;
	case MESSAGE_FD: return (uint64_t)s->messages;
	case DIRECTORY_FD: return (uint64_t)s->directory;
	case NEW_FLAGS: return s->new_flags;
	case NEW_MODE: return s->new_mode;
	case LOOK_FLAGS: return s->look_flags;
	case CLOSING_FILTER: return (uintptr_t)s->closing_filter;
	default: return a->value;
	}
}

static int sandbox_is_descriptor(const struct sandbox_argument *a)
{
	return a->kind >= OUTPUT_FD && a->kind <= DIRECTORY_FD;
}

/* Whether an argument is left unchecked: before the start most descriptors do not exist yet. */
static int sandbox_is_open(const struct sandbox *s, const struct sandbox_argument *a)
{
	return s->starts && sandbox_is_descriptor(a) && a->kind != DIRECTORY_FD;
}

static int sandbox_needs(const struct sandbox *s, const struct sandbox_rule *r)
{
	if ((r->when == WAITS && !s->waits) || (r->when == STARTS && !s->starts))
		return 0;
	for (int i = 0; i < SANDBOX_ARGUMENTS && r->argument[i].kind != ARG_ANY; i++) {
		const struct sandbox_argument *a = r->argument + i;

		if (sandbox_is_descriptor(a) && !sandbox_is_open(s, a) && (int)sandbox_value(s, a) < 0)
			return 0;
	}
	return 1;
}

static struct bpf_instruction sandbox_load(uint32_t at)
{
	return (struct bpf_instruction){ OP_LD | OP_W | OP_ABS, 0, 0, at };
}

static struct bpf_instruction sandbox_return(uint32_t verdict)
{
	return (struct bpf_instruction){ OP_RET, 0, 0, verdict };
}

/* Goes on if A is VALUE; else the jump is still to be set, see sandbox_end_rule. */
static struct bpf_instruction sandbox_need(uint32_t value)
{
	return (struct bpf_instruction){ OP_JMP | OP_JEQ, 0, 0, value };
}

/* Goes on if A has none of BITS, likewise. */
static struct bpf_instruction sandbox_need_none(uint32_t bits)
{
	return (struct bpf_instruction){ OP_JMP | OP_JSET, 0, 0, bits };
}

/* Adds the check of one argument at P, and returns where the next instruction goes. */
static struct bpf_instruction *sandbox_add_argument(struct bpf_instruction *p,
    const struct sandbox *s, const struct sandbox_argument *a)
{
	uint32_t at = SANDBOX_ARGS_AT + 8u * a->index;
	uint64_t value = sandbox_value(s, a);

	*p++ = sandbox_load(at + SANDBOX_LOW_WORD);
	*p++ = a->kind == ARG_LACKS ? sandbox_need_none((uint32_t)value) : sandbox_need((uint32_t)value);
	if (a->kind == CLOSING_FILTER) {	/* an address */
		*p++ = sandbox_load(at + SANDBOX_HIGH_WORD);
		*p++ = sandbox_need((uint32_t)(value >> 32));
	}
	return p;
}

/* Ends the rule in [FIRST, P): what does not meet it goes on behind it. */
static struct bpf_instruction *sandbox_end_rule(struct bpf_instruction *first,
    struct bpf_instruction *p)
{
	*p = sandbox_return(SANDBOX_RET_ALLOW);
	for (struct bpf_instruction *i = first; i < p; i++) {
		if (i->code == (OP_JMP | OP_JEQ))
			i->jf = (uint8_t)(p - i);
		else if (i->code == (OP_JMP | OP_JSET))
			i->jt = (uint8_t)(p - i);
	}
	return p + 1;
}

/* Adds the instructions of one rule at P, and returns where the next one goes. */
static struct bpf_instruction *sandbox_add_rule(struct bpf_instruction *p, const struct sandbox *s,
    const struct sandbox_rule *r)
{
	struct bpf_instruction *first = p;

	*p++ = sandbox_load(SANDBOX_CALL_AT);
	*p++ = sandbox_need(r->call);
	for (int i = 0; i < SANDBOX_ARGUMENTS && r->argument[i].kind != ARG_ANY; i++)
		if (!sandbox_is_open(s, r->argument + i))
			p = sandbox_add_argument(p, s, r->argument + i);
	return sandbox_end_rule(first, p);
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
