/* SPDX-License-Identifier: MIT */
/*
 * bpf.h - a classic BPF interpreter for tests, with the metadata a Linux socket adds
 * Include filter.h first: it declares struct sock_filter and the opcodes.
 *
 * Not filter_run(): that one is for packets in files, has no metadata, and takes any program. The two were written
 * apart and judge each other: test/show/fuzz_read.c runs both over the same packets.
 */
enum { AD_VLAN_TAG = 44, AD_VLAN_TAG_PRESENT = 48 };	/* linux/filter.h; filter.h has them only in its language */

struct packet {
	const uint8_t *data;
	uint32_t caplen, len;
	int has_metadata;	/* 0: a packet from a file; metadata loads reject it, as loads beyond its end do */
	uint32_t protocol, pkttype, ifindex, tag_present, tag;
};

static int bpf_load(const struct packet *p, uint64_t at, unsigned size, uint32_t *value)
{
	unsigned n = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;

	if (at + n > p->caplen)
		return 0;
	for (*value = 0; n; n--)
		*value = *value << 8 | p->data[at++];
	return 1;
}

static int bpf_metadata(const struct packet *p, uint32_t what, uint32_t *value)
{
	switch (what) {
	case SKF_AD_PROTOCOL: *value = p->protocol; break;
	case SKF_AD_PKTTYPE: *value = p->pkttype; break;
	case SKF_AD_IFINDEX: *value = p->ifindex; break;
	case AD_VLAN_TAG: *value = p->tag; break;
	case AD_VLAN_TAG_PRESENT: *value = p->tag_present; break;
	default: return 0;
	}
	return p->has_metadata;
}

/* Returns 0 when the program divides by zero. */
static int bpf_alu(unsigned op, uint32_t *a, uint32_t b)
{
	if ((op == BPF_DIV || op == BPF_MOD) && !b)
		return 0;
	switch (op) {
	case BPF_ADD: *a += b; break;
	case BPF_SUB: *a -= b; break;
	case BPF_MUL: *a *= b; break;
	case BPF_DIV: *a /= b; break;
	case BPF_MOD: *a %= b; break;
	case BPF_OR: *a |= b; break;
	case BPF_AND: *a &= b; break;
	case BPF_XOR: *a ^= b; break;
	case BPF_LSH: *a = b < 32 ? *a << b : 0; break;
	case BPF_RSH: *a = b < 32 ? *a >> b : 0; break;
	case BPF_NEG: *a = -*a; break;
	}
	return 1;
}

static int bpf_true(unsigned op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_JEQ: return a == b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JSET: return (a & b) != 0;
	}
	return 0;
}

/* What the program returns for the packet. */
static uint32_t bpf_run(const struct sock_filter *s, const struct packet *p)
{
	uint32_t a = 0, x = 0, m[16] = { 0 }, b;

	for (;; s++) {
		b = s->code & BPF_X ? x : s->k;
		switch (s->code & 7) {
		case BPF_LD:
			switch (s->code & 0xe0) {
			case BPF_IMM: a = s->k; break;
			case BPF_LEN: a = p->len; break;
			case BPF_MEM: a = m[s->k & 15]; break;
			case BPF_ABS:
				if (s->k >= SKF_AD_OFF && p->has_metadata) {
					if (!bpf_metadata(p, s->k - SKF_AD_OFF, &a))
						return 0;
					break;
				}
				if (!bpf_load(p, s->k, s->code & 0x18, &a))
					return 0;
				break;
			case BPF_IND:	/* a sum that wraps is one for the kernel, not for libpcap */
				if (!p->has_metadata && x + s->k < x)
					return 0;
				if (!bpf_load(p, (uint32_t)(x + s->k), s->code & 0x18, &a))
					return 0;
				break;
			}
			break;
		case BPF_LDX:
			if ((s->code & 0xe0) == BPF_MSH) {
				if (!bpf_load(p, s->k, BPF_B, &x))
					return 0;
				x = (x & 15) * 4;
			} else {
				x = s->code == (BPF_LDX | BPF_IMM) ? s->k : m[s->k & 15];
			}
			break;
		case BPF_ST: m[s->k & 15] = a; break;
		case BPF_ST + 1: m[s->k & 15] = x; break;
		case BPF_ALU:
			if (!bpf_alu(s->code & 0xf0, &a, b))
				return 0;
			break;
		case BPF_JMP:
			if (s->code == BPF_JMP)
				s += s->k;
			else
				s += bpf_true(s->code & 0xf0, a, b) ? s->jt : s->jf;
			break;
		case BPF_RET: return s->code & 0x18 ? a : s->k;
		case BPF_MISC:
			if (s->code & 0x80)
				a = x;
			else
				x = a;
			break;
		}
	}
}
