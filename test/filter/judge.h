/* SPDX-License-Identifier: MIT */
/*
 * judge.h - a classic BPF interpreter for tests, with the metadata a Linux socket adds
 *
 * Not bpf_run(): the two were written apart and judge each other, test/show/fuzz_read.c runs both over the same
 * packets.
 */
#include "../../bpf.h"

struct packet {
	const uint8_t *data;
	uint32_t caplen, len;
	int libpcap;		/* 1: shifts by 32 and more give 0, X + k does not wrap: as libpcap does, not the kernel */
	int has_metadata;	/* 0: a packet from a file; metadata loads reject it, as loads beyond its end do */
	uint32_t protocol, pkttype, ifindex, tag_present, tag;
};

static int judge_cut;		/* the last program that ran was ended by a load from behind the packet, or a division by 0 */

static unsigned long judge_steps;	/* instructions executed since the start */

static int judge_load(const struct packet *p, uint64_t at, unsigned size, uint32_t *value)
{
	unsigned n = size == OP_W ? 4 : size == OP_H ? 2 : 1;

	if (at + n > p->caplen) {
		judge_cut = 1;
		return 0;
	}
	for (*value = 0; n; n--)
		*value = *value << 8 | p->data[at++];
	return 1;
}

static int judge_metadata(const struct packet *p, uint32_t what, uint32_t *value)
{
	switch (what) {
	case META_PROTOCOL: *value = p->protocol; break;
	case META_PKTTYPE: *value = p->pkttype; break;
	case META_IFINDEX: *value = p->ifindex; break;
	case META_VLAN_TAG: *value = p->tag; break;
	case META_VLAN_PRESENT: *value = p->tag_present; break;
	default: return 0;
	}
	return p->has_metadata;
}

/* Returns 0 when the program divides by zero. */
static int judge_alu(unsigned op, uint32_t *a, uint32_t b)
{
	if ((op == OP_DIV || op == OP_MOD) && !b) {
		judge_cut = 1;
		return 0;
	}
	switch (op) {
	case OP_ADD: *a += b; break;
	case OP_SUB: *a -= b; break;
	case OP_MUL: *a *= b; break;
	case OP_DIV: *a /= b; break;
	case OP_MOD: *a %= b; break;
	case OP_OR: *a |= b; break;
	case OP_AND: *a &= b; break;
	case OP_XOR: *a ^= b; break;
	case OP_LSH: *a = *a << (b & 31); break;
	case OP_RSH: *a = *a >> (b & 31); break;
	case OP_NEG: *a = -*a; break;
	}
	return 1;
}

static int judge_true(unsigned op, uint32_t a, uint32_t b)
{
	switch (op) {
	case OP_JEQ: return a == b;
	case OP_JGT: return a > b;
	case OP_JGE: return a >= b;
	case OP_JSET: return (a & b) != 0;
	}
	return 0;
}

/* What the program returns for the packet. */
static uint32_t judge_run(const struct bpf_instruction *s, const struct packet *p)
{
	uint32_t a = 0, x = 0, m[16] = { 0 }, b;

	judge_cut = 0;
	for (;; s++) {
		judge_steps++;
		b = s->code & OP_X ? x : s->k;
		switch (s->code & 7) {
		case OP_LD:
			switch (s->code & 0xe0) {
			case OP_IMM: a = s->k; break;
			case OP_LEN: a = p->len; break;
			case OP_MEM: a = m[s->k & 15]; break;
			case OP_ABS:
				if (s->k >= BPF_META && p->has_metadata) {
					if (!judge_metadata(p, s->k - BPF_META, &a))
						return 0;
					break;
				}
				if (!judge_load(p, s->k, s->code & 0x18, &a))
					return 0;
				break;
			case OP_IND:	/* a sum that wraps is one for the kernel, not for libpcap */
				if (p->libpcap && x + s->k < x)
					return 0;
				if (!judge_load(p, (uint32_t)(x + s->k), s->code & 0x18, &a))
					return 0;
				break;
			}
			break;
		case OP_LDX:
			if ((s->code & 0xe0) == OP_MSH) {
				if (!judge_load(p, s->k, OP_B, &x))
					return 0;
				x = (x & 15) * 4;
			} else {
				x = s->code == (OP_LDX | OP_IMM) ? s->k : s->code == (OP_LDX | OP_LEN) ? p->len : m[s->k & 15];
			}
			break;
		case OP_ST: m[s->k & 15] = a; break;
		case OP_ST + 1: m[s->k & 15] = x; break;
		case OP_ALU:
			if (p->libpcap && b > 31 && ((s->code & 0xf0) == OP_LSH || (s->code & 0xf0) == OP_RSH))
				a = b = 0;
			if (!judge_alu(s->code & 0xf0, &a, b))
				return 0;
			break;
		case OP_JMP:
			if (s->code == OP_JMP)
				s += (int32_t)s->k;	/* libpcap's go back for protochain */
			else
				s += judge_true(s->code & 0xf0, a, b) ? s->jt : s->jf;
			break;
		case OP_RET: return s->code & 0x18 ? a : s->k;
		case OP_MISC:
			if (s->code & 0x80)
				a = x;
			else
				x = a;
			break;
		}
	}
}
