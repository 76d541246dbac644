/* SPDX-License-Identifier: MIT */
/*
 * bpf.h - classic BPF: instructions, the kernel's checks, printing, running
 *
 * Classic BPF is the kernel's language for packet filters and for seccomp: an accumulator A, an
 * index register X, 16 words of memory M[], jumps that only lead forward. See the kernel's
 * Documentation/networking/filter.rst, linux/filter.h and bpf(4) of the BSDs.
 *
 *	struct bpf_instruction		one instruction; laid out as struct sock_filter
 *	OP_...				the parts of an opcode: class | size | mode, or class | operation | source
 *	bpf_check()			would the kernel take a program?
 *	bpf_reads_metadata()		does a program read what stands beside the packet?
 *	bpf_kernel_bytes()		how much of net.core.optmem_max a program takes before Linux 6.8
 *	bpf_print()			one instruction as tcpdump -d, -dd or -ddd prints it
 *	bpf_run()			a program over a packet of a file
 *	bpf_run_packet()		a program over a packet and what stands beside it
 *
 * No name here is one of linux/filter.h's or linux/bpf.h's: both may be included before or behind.
 * A program is an array of struct bpf_instruction and its length, at most BPF_PROGRAM_MAX.
 */
#ifndef RAWCAP_BPF_H
#define RAWCAP_BPF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bpf_instruction {
	uint16_t code;
	uint8_t jt, jf;		/* instructions to skip when a test is true, false */
	uint32_t k;		/* operand: a constant, an offset in bytes, a place in M[] */
};

enum {
	/* classes: bits 0 to 2 of a code */
	OP_LD = 0x00, OP_LDX = 0x01, OP_ST = 0x02, OP_STX = 0x03, OP_ALU = 0x04, OP_JMP = 0x05,
	OP_RET = 0x06, OP_MISC = 0x07, OP_CLASS = 0x07,
	/* loads: the size, and from where: k itself, the packet at k, at X + k, M[k], the length
	 * of the packet, four times the low half of the packet's byte at k */
	OP_W = 0x00, OP_H = 0x08, OP_B = 0x10, OP_SIZE = 0x18,
	OP_IMM = 0x00, OP_ABS = 0x20, OP_IND = 0x40, OP_MEM = 0x60, OP_LEN = 0x80, OP_MSH = 0xa0,
	OP_MODE = 0xe0,
	/* arithmetic: A = A op k, or A = A op X with OP_X */
	OP_ADD = 0x00, OP_SUB = 0x10, OP_MUL = 0x20, OP_DIV = 0x30, OP_OR = 0x40, OP_AND = 0x50,
	OP_LSH = 0x60, OP_RSH = 0x70, OP_NEG = 0x80, OP_MOD = 0x90, OP_XOR = 0xa0, OP_KIND = 0xf0,
	/* jumps: k instructions on, or by comparing A with k (OP_X: with X) */
	OP_JA = 0x00, OP_JEQ = 0x10, OP_JGT = 0x20, OP_JGE = 0x30, OP_JSET = 0x40,
	OP_X = 0x08, OP_A = 0x10 /* of OP_RET */, OP_TAX = 0x00, OP_TXA = 0x80,
};

enum {
	BPF_PROGRAM_MAX = 4096,	/* instructions that the kernel takes */
	BPF_WORDS = 16,		/* of M[] */
	BPF_LINE_MAX = 80,	/* bytes of any printed line, its newline and NUL included */
};

/* Loads from BPF_META on read what stands beside the packet; linux/filter.h: SKF_AD_OFF. */
#define BPF_META 0xfffff000u
enum {
	META_PROTOCOL = 0, META_PKTTYPE = 4, META_IFINDEX = 8, META_VLAN_TAG = 44,
	META_VLAN_PRESENT = 48, META_END = 64,
};

/* A packet, for bpf_run_packet(). */
struct bpf_packet {
	const unsigned char *data;
	uint32_t caplen;	/* bytes at data */
	uint32_t origlen;	/* bytes on the wire */
	/* 1: the five below are known; 0: a load of them ends the program with 0 */
	int has_metadata;
	uint32_t protocol;	/* Ethernet type, as the kernel has it for the packet */
	uint32_t pkttype;	/* 0 to 4: PACKET_HOST ... PACKET_OUTGOING of packet(7) */
	uint32_t ifindex;
	uint32_t vlan_present;	/* 1: the kernel holds a tag */
	uint32_t vlan_tci;	/* that tag, 0 to 65535 */
};

/* ---- the instructions there are ---- */

enum bpf_form {		/* how an operand is printed */
	BPF_FORM_NONE, BPF_FORM_ABS, BPF_FORM_IND, BPF_FORM_HEX, BPF_FORM_DECIMAL, BPF_FORM_MEM,
	BPF_FORM_MSH, BPF_FORM_LEN, BPF_FORM_JUMP,
};

static const struct bpf_opcode {
	uint8_t code;
	uint8_t form;		/* of the constant k */
	uint8_t has_x;		/* 1: the same with OP_X exists */
	char name[5];
} bpf_opcodes[] = {
	{ OP_LD | OP_ABS | OP_W, BPF_FORM_ABS, 0, "ld" },
	{ OP_LD | OP_ABS | OP_H, BPF_FORM_ABS, 0, "ldh" },
	{ OP_LD | OP_ABS | OP_B, BPF_FORM_ABS, 0, "ldb" },
	{ OP_LD | OP_IND | OP_W, BPF_FORM_IND, 0, "ld" },
	{ OP_LD | OP_IND | OP_H, BPF_FORM_IND, 0, "ldh" },
	{ OP_LD | OP_IND | OP_B, BPF_FORM_IND, 0, "ldb" },
	{ OP_LD | OP_LEN, BPF_FORM_LEN, 0, "ld" },
	{ OP_LD | OP_IMM, BPF_FORM_HEX, 0, "ld" },
	{ OP_LD | OP_MEM, BPF_FORM_MEM, 0, "ld" },
	{ OP_LDX | OP_IMM, BPF_FORM_HEX, 0, "ldx" },
	{ OP_LDX | OP_MEM, BPF_FORM_MEM, 0, "ldx" },
	{ OP_LDX | OP_LEN, BPF_FORM_LEN, 0, "ldx" },
	{ OP_LDX | OP_MSH | OP_B, BPF_FORM_MSH, 0, "ldxb" },
	{ OP_ST, BPF_FORM_MEM, 0, "st" },
	{ OP_STX, BPF_FORM_MEM, 0, "stx" },
	{ OP_JMP | OP_JA, BPF_FORM_JUMP, 0, "ja" },
	{ OP_JMP | OP_JEQ, BPF_FORM_HEX, 1, "jeq" },
	{ OP_JMP | OP_JGT, BPF_FORM_HEX, 1, "jgt" },
	{ OP_JMP | OP_JGE, BPF_FORM_HEX, 1, "jge" },
	{ OP_JMP | OP_JSET, BPF_FORM_HEX, 1, "jset" },
	{ OP_ALU | OP_ADD, BPF_FORM_DECIMAL, 1, "add" },
	{ OP_ALU | OP_SUB, BPF_FORM_DECIMAL, 1, "sub" },
	{ OP_ALU | OP_MUL, BPF_FORM_DECIMAL, 1, "mul" },
	{ OP_ALU | OP_DIV, BPF_FORM_DECIMAL, 1, "div" },
	{ OP_ALU | OP_MOD, BPF_FORM_DECIMAL, 1, "mod" },
	{ OP_ALU | OP_AND, BPF_FORM_HEX, 1, "and" },
	{ OP_ALU | OP_OR, BPF_FORM_HEX, 1, "or" },
	{ OP_ALU | OP_XOR, BPF_FORM_HEX, 1, "xor" },
	{ OP_ALU | OP_LSH, BPF_FORM_DECIMAL, 1, "lsh" },
	{ OP_ALU | OP_RSH, BPF_FORM_DECIMAL, 1, "rsh" },
	{ OP_ALU | OP_NEG, BPF_FORM_NONE, 0, "neg" },
	{ OP_MISC | OP_TAX, BPF_FORM_NONE, 0, "tax" },
	{ OP_MISC | OP_TXA, BPF_FORM_NONE, 0, "txa" },
	{ OP_RET, BPF_FORM_DECIMAL, 0, "ret" },
	{ OP_RET | OP_A, BPF_FORM_NONE, 0, "ret" },
};
enum { BPF_OPCODES = sizeof bpf_opcodes / sizeof *bpf_opcodes };

/* The row of a code, NULL if the kernel has no such instruction. */
static inline const struct bpf_opcode *bpf_opcode(unsigned code)
{
	for (size_t i = 0; i < BPF_OPCODES; i++) {
		const struct bpf_opcode *row = &bpf_opcodes[i];

		if (row->code == code || (row->has_x && (row->code | OP_X) == (int)code))
			return row;
	}
	return NULL;
}

/* Is it a load from the packet at a fixed offset, of whatever size? */
static inline int bpf_is_absolute(unsigned code)
{
	return (code & (OP_CLASS | OP_MODE)) == (OP_LD | OP_ABS);
}

/* Does an instruction that compares or computes take X for its operand? */
static inline int bpf_takes_x(unsigned code)
{
	return ((code & OP_CLASS) == OP_ALU || (code & OP_CLASS) == OP_JMP) && (code & OP_X);
}

/* ---- the kernel's checks ---- */

/* Has the instruction a code of the kernel's and an operand within its range? */
static inline int bpf_operand_fits(const struct bpf_instruction *s)
{
	uint32_t k = s->k;

	if (!bpf_opcode(s->code))
		return 0;
	switch (s->code) {
	case OP_ALU | OP_DIV: case OP_ALU | OP_MOD:
		return k != 0;
	case OP_ALU | OP_LSH: case OP_ALU | OP_RSH:
		return k < 32;
	case OP_LD | OP_MEM: case OP_LDX | OP_MEM: case OP_ST: case OP_STX:
		return k < BPF_WORDS;
	}
	if (bpf_is_absolute(s->code) && k >= BPF_META)
		return k - BPF_META < META_END && k % 4 == 0;
	return 1;
}

/* Do jumps from an instruction with `behind` others behind it end at one of those? */
static inline int bpf_jumps_fit(const struct bpf_instruction *s, unsigned behind)
{
	if ((s->code & OP_CLASS) != OP_JMP)
		return 1;
	if (s->code == (OP_JMP | OP_JA))
		return s->k < behind;
	return s->jt < behind && s->jf < behind;
}

/*
 * Are words of M[] read only where all ways there have written them? Returns the index of the
 * first instruction that reads another, `count` if there is none. Operands and jumps fit. As in
 * the kernel, what is known before a return counts for the instruction behind it.
 */
static inline unsigned bpf_check_memory(const struct bpf_instruction *program, unsigned count)
{
	static uint16_t known[BPF_PROGRAM_MAX];	/* words written on all jumps to an instruction */
	uint16_t now = 0;

	memset(known, 0xff, sizeof known);
	for (unsigned i = 0; i < count; i++) {
		const struct bpf_instruction *s = &program[i];
		uint16_t word = (uint16_t)(1u << (s->k % BPF_WORDS));

		now &= known[i];
		if (s->code == OP_ST || s->code == OP_STX)
			now |= word;
		if ((s->code == (OP_LD | OP_MEM) || s->code == (OP_LDX | OP_MEM)) && !(now & word))
			return i;
		if ((s->code & OP_CLASS) != OP_JMP)
			continue;
		if (s->code == (OP_JMP | OP_JA)) {
			known[i + 1 + s->k] &= now;
		} else {
			known[i + 1 + s->jt] &= now;
			known[i + 1 + s->jf] &= now;
		}
		now = 0xffff;
	}
	return count;
}

/*
 * Would the kernel take these instructions (bpf_check_classic() in net/core/filter.c)? Returns 0 if
 * it would, else the number of the one that it refuses, counted from 1; BPF_PROGRAM_MAX + 1 for a
 * wrong count.
 */
static inline unsigned bpf_check(const struct bpf_instruction *program, unsigned count)
{
	unsigned i;

	if (!count || count > BPF_PROGRAM_MAX)
		return BPF_PROGRAM_MAX + 1;
	for (i = 0; i < count; i++)
		if (!bpf_operand_fits(&program[i]) || !bpf_jumps_fit(&program[i], count - 1 - i))
			return i + 1;
	if ((program[count - 1].code & OP_CLASS) != OP_RET)
		return count;
	i = bpf_check_memory(program, count);
	return i < count ? i + 1 : 0;
}

/* Does the program read what stands beside a packet? In a file nothing does. */
static inline int bpf_reads_metadata(const struct bpf_instruction *program, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (bpf_is_absolute(program[i].code) && program[i].k >= BPF_META)
			return 1;
	return 0;
}

/* ---- the room that the kernel takes for a program ---- */

/* eBPF instructions that the kernel makes of a load, convert_bpf_ld_abs() and its neighbours. */
static inline unsigned bpf_ebpf_load(const struct bpf_instruction *s)
{
	unsigned swapped = (s->code & OP_SIZE) != OP_B, has_offset = s->k != 0;

	switch (s->code & OP_MODE) {
	case OP_MSH:
		return 18 + has_offset;
	case OP_IND:
		return 8 + has_offset;
	case OP_ABS:
		return s->k >= BPF_META ? 4 : 12 + has_offset + swapped;
	}
	return 1;
}

/* eBPF instructions that the kernel makes of one classic instruction. */
static inline unsigned bpf_ebpf_length(const struct bpf_instruction *s)
{
	unsigned negative = !(s->code & OP_X) && s->k >> 31;	/* needs a register */

	switch (s->code & OP_CLASS) {
	case OP_LD: case OP_LDX:
		return bpf_ebpf_load(s);
	case OP_RET:
		return 2;
	case OP_ALU:
		return s->code == (OP_ALU | OP_DIV | OP_X) || s->code == (OP_ALU | OP_MOD | OP_X) ? 5 : 1;
	case OP_JMP:
		if (s->code == (OP_JMP | OP_JA))
			return 1;
		if (s->jf && (s->jt || (s->code & OP_KIND) == OP_JSET))
			return 2 + negative;	/* two ways, neither is the next one */
		return 1 + negative;
	}
	return 1;
}

/*
 * Bytes that the program takes of net.core.optmem_max, at most. A socket's filter is refused with
 * ENOMEM where they exceed it: 20480 on 64 bits and 10240 on 32 before Linux 6.8, 131072 since.
 */
static inline uint32_t bpf_kernel_bytes(const struct bpf_instruction *program, unsigned count)
{
	/* bytes of struct bpf_prog, 56 to 96; instructions that set up registers; bytes of one */
	enum { HEADER = 96, PROLOGUE = 7, EBPF_INSTRUCTION = 8 };
	uint32_t length = PROLOGUE;

	for (unsigned i = 0; i < count; i++)
		length += bpf_ebpf_length(&program[i]);
	return HEADER + length * EBPF_INSTRUCTION;
}

/* ---- printing ---- */

/* Text as it is written: a NUL stands behind it; what does not fit is left out. */
struct bpf_text {
	char *at;
	char *end;		/* the last place for the NUL */
};

static inline void bpf_put_char(struct bpf_text *t, int c)
{
	if (t->at < t->end)
		*t->at++ = (char)c;
	*t->at = 0;
}

static inline void bpf_put(struct bpf_text *t, const char *s)
{
	while (*s)
		bpf_put_char(t, *s++);
}

/* A number in base 10 or 16, of at least `digits` digits. */
static inline void bpf_put_number(struct bpf_text *t, uint32_t n, unsigned base, unsigned digits)
{
	char buffer[10];
	unsigned used = 0;

	do {
		buffer[used++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n || used < digits);
	while (used)
		bpf_put_char(t, buffer[--used]);
}

/* A number in base 10 with its sign: tcpdump prints k so. */
static inline void bpf_put_signed(struct bpf_text *t, uint32_t n)
{
	if (n >> 31)
		bpf_put_char(t, '-');
	bpf_put_number(t, n >> 31 ? 0 - n : n, 10, 1);
}

/* Blanks up to a column. */
static inline void bpf_put_blanks(struct bpf_text *t, const char *column)
{
	while (t->at < column && t->at < t->end)
		bpf_put_char(t, ' ');
}

/* The name of what stands beside the packet, a multiple of 4 bytes behind BPF_META. */
static inline const char *bpf_metadata_name(uint32_t offset)
{
	static const char names[][10] = {
		"proto", "type", "ifidx", "nla", "nlan", "mark", "queue", "hatype", "rxhash", "cpu",
		"xor_x", "vlan_tci", "vlanp", "poff", "random", "vlan_tpid",
	};

	return names[offset / 4];
}

/* The operand of instruction i. */
static inline void bpf_put_operand(struct bpf_text *t, const struct bpf_instruction *s, unsigned i)
{
	static const struct { char before[8], behind[7]; } around[] = {
		[BPF_FORM_NONE] = { "", "" }, [BPF_FORM_ABS] = { "[", "]" },
		[BPF_FORM_IND] = { "[x + ", "]" }, [BPF_FORM_HEX] = { "#0x", "" },
		[BPF_FORM_DECIMAL] = { "#", "" }, [BPF_FORM_MEM] = { "M[", "]" },
		[BPF_FORM_MSH] = { "4*([", "]&0xf)" }, [BPF_FORM_LEN] = { "#pktlen", "" },
		[BPF_FORM_JUMP] = { "", "" },
	};
	unsigned form = bpf_opcode(s->code)->form;

	if (bpf_takes_x(s->code)) {
		bpf_put_char(t, 'x');
		return;
	}
	bpf_put(t, around[form].before);
	if (form == BPF_FORM_HEX)
		bpf_put_number(t, s->k, 16, 1);
	else if (form == BPF_FORM_JUMP)
		bpf_put_number(t, i + 1 + s->k, 10, 1);
	else if (form == BPF_FORM_ABS && s->k >= BPF_META && s->k - BPF_META < META_END)
		bpf_put(t, bpf_metadata_name(s->k - BPF_META));
	else if (form != BPF_FORM_NONE && form != BPF_FORM_LEN)
		bpf_put_signed(t, s->k);
	bpf_put(t, around[form].behind);
}

/* Instruction i in words, as tcpdump -d prints it. */
static inline void bpf_put_words(struct bpf_text *t, const struct bpf_instruction *s, unsigned i)
{
	char *column;

	bpf_put_char(t, '(');
	bpf_put_number(t, i, 10, 3);
	bpf_put(t, ") ");
	column = t->at + 9;
	bpf_put(t, bpf_opcode(s->code)->name);
	bpf_put_blanks(t, column);
	column = t->at + 16;
	bpf_put_operand(t, s, i);
	if ((s->code & OP_CLASS) != OP_JMP || s->code == (OP_JMP | OP_JA))
		return;
	bpf_put_blanks(t, column);
	bpf_put(t, " jt ");
	bpf_put_number(t, i + 1 + s->jt, 10, 1);
	bpf_put(t, "\tjf ");
	bpf_put_number(t, i + 1 + s->jf, 10, 1);
}

/* The four numbers of an instruction: as a C initializer, or as plain decimals. */
static inline void bpf_put_numbers(struct bpf_text *t, const struct bpf_instruction *s, int as_c)
{
	const uint32_t numbers[] = { s->code, s->jt, s->jf, s->k };

	for (unsigned i = 0; i < 4; i++) {
		int hex = as_c && (i == 0 || i == 3);

		bpf_put(t, !as_c ? (i ? " " : "") : i ? ", " : "{ ");
		bpf_put(t, hex ? "0x" : "");
		bpf_put_number(t, numbers[i], hex ? 16 : 10, hex && i ? 8 : 1);
	}
	bpf_put(t, as_c ? " }," : "");
}

/*
 * Instruction i of a program that bpf_check() takes, as tcpdump prints it, into line[BPF_LINE_MAX]
 * with its newline: detail 1 is -d, 2 -dd, 3 and more -ddd (before the first instruction stands a
 * line with their number). Returns the length.
 */
static inline unsigned bpf_print(char *line, const struct bpf_instruction *program, unsigned count,
    unsigned i, int detail)
{
	struct bpf_text t = { line, line + BPF_LINE_MAX - 1 };

	if (detail > 2 && !i) {
		bpf_put_number(&t, count, 10, 1);
		bpf_put_char(&t, '\n');
	}
	if (detail == 1)
		bpf_put_words(&t, &program[i], i);
	else
		bpf_put_numbers(&t, &program[i], detail == 2);
	bpf_put_char(&t, '\n');
	return (unsigned)(t.at - line);
}

/* ---- running ---- */

/*
 * a op b in 32 bits. As in the kernel, only the low five bits of b shift; b is not 0 where it
 * divides.
 */
static inline uint32_t bpf_compute(unsigned operation, uint32_t a, uint32_t b)
{
	switch (operation) {
	case OP_ADD: return a + b;
	case OP_SUB: return a - b;
	case OP_MUL: return a * b;
	case OP_DIV: return a / b;
	case OP_MOD: return a % b;
	case OP_OR: return a | b;
	case OP_AND: return a & b;
	case OP_XOR: return a ^ b;
	case OP_LSH: return a << (b & 31);
	case OP_RSH: return a >> (b & 31);
	}
	return 0 - a;		/* OP_NEG */
}

/* Does a compare so with b? */
static inline int bpf_compare(unsigned jump, uint32_t a, uint32_t b)
{
	switch (jump) {
	case OP_JEQ: return a == b;
	case OP_JGT: return a > b;
	case OP_JGE: return a >= b;
	}
	return (a & b) != 0;	/* OP_JSET */
}

/* One of the values beside the packet; 0 if it is not known. */
static inline int bpf_metadata(const struct bpf_packet *p, uint32_t which, uint32_t *value)
{
	switch (which) {
	case META_PROTOCOL: *value = p->protocol; break;
	case META_PKTTYPE: *value = p->pkttype; break;
	case META_IFINDEX: *value = p->ifindex; break;
	case META_VLAN_TAG: *value = p->vlan_tci; break;
	case META_VLAN_PRESENT: *value = p->vlan_present; break;
	default: return 0;
	}
	return p->has_metadata;
}

/* The big-endian value of that size at an offset of the packet; 0 if it is not all there. */
static inline int bpf_fetch(const struct bpf_packet *p, uint32_t at, unsigned size, uint32_t *value)
{
	unsigned left = size == OP_B ? 1 : size == OP_H ? 2 : 4;

	if (at >= p->caplen || left > p->caplen - at)
		return 0;
	for (*value = 0; left; left--)
		*value = *value << 8 | p->data[at++];
	return 1;
}

/* What a load gives; 0 if it cannot be had. X + k wraps at 32 bits, as in the kernel. */
static inline int bpf_load(const struct bpf_instruction *s, const struct bpf_packet *p, uint32_t x,
    const uint32_t *memory, uint32_t *value)
{
	switch (s->code & OP_MODE) {
	case OP_ABS:
		if (s->k >= BPF_META)
			return bpf_metadata(p, s->k - BPF_META, value);
		return bpf_fetch(p, s->k, s->code & OP_SIZE, value);
	case OP_IND:
		return bpf_fetch(p, x + s->k, s->code & OP_SIZE, value);
	case OP_MSH:
		if (!bpf_fetch(p, s->k, OP_B, value))
			return 0;
		*value = (*value & 15) * 4;
		return 1;
	}
	*value = s->k;		/* OP_IMM */
	if ((s->code & OP_MODE) == OP_MEM)
		*value = memory[s->k % BPF_WORDS];
	if ((s->code & OP_MODE) == OP_LEN)
		*value = p->origlen;
	return 1;
}

/*
 * Runs `count` instructions, at most BPF_PROGRAM_MAX, as the kernel does. Returns how many bytes of
 * the packet to keep, 0 for none of it. A load from behind its caplen bytes, of metadata that is
 * not known, a division by 0 and a jump out of the program all give 0. Jumps only lead forward, so
 * `count` bounds the run; any program is safe, also one that bpf_check() refuses.
 */
static inline uint32_t bpf_run_packet(const struct bpf_instruction *program, unsigned count,
    const struct bpf_packet *p)
{
	uint32_t a = 0, x = 0, memory[BPF_WORDS] = { 0 };

	for (uint32_t pc = 0; pc < count; pc++) {
		const struct bpf_instruction *s = &program[pc];
		unsigned kind = s->code & OP_KIND;
		uint32_t b = bpf_takes_x(s->code) ? x : s->k, skip;

		switch (s->code & OP_CLASS) {
		case OP_LD: case OP_LDX:
			if (!bpf_load(s, p, x, memory, (s->code & 1) ? &x : &a))
				return 0;
			break;
		case OP_ST: case OP_STX:
			memory[s->k % BPF_WORDS] = (s->code & 1) ? x : a;
			break;
		case OP_ALU:
			if (!b && (kind == OP_DIV || kind == OP_MOD))
				return 0;
			a = bpf_compute(kind, a, b);
			break;
		case OP_JMP:
			skip = kind == OP_JA ? s->k : bpf_compare(kind, a, b) ? s->jt : s->jf;
			if (skip >= count)
				return 0;
			pc += skip;
			break;
		case OP_RET:
			return s->code & OP_A ? a : s->k;
		case OP_MISC:
			if (s->code & OP_TXA)
				a = x;
			else
				x = a;
		}
	}
	return 0;
}

/* Runs a program over a packet of a file, which has no metadata. */
static inline uint32_t bpf_run(const struct bpf_instruction *program, unsigned count,
    const unsigned char *data, uint32_t caplen, uint32_t origlen)
{
	struct bpf_packet p = { .data = data, .caplen = caplen, .origlen = origlen };

	return bpf_run_packet(program, count, &p);
}

#endif
