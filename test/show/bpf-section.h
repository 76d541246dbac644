/* ---- running: a program over a packet that stands in a file ---- */

/* The accumulator after an operation with B, which is not 0 where it divides. */
static uint32_t filter_alu(unsigned op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_DIV: return a / b;
	case BPF_MOD: return a % b;
	case BPF_OR: return a | b;
	case BPF_AND: return a & b;
	case BPF_XOR: return a ^ b;
	case BPF_NEG: return 0 - a;
	default: break;
	}
	if (b > 31)
		return 0;
	return op == BPF_LSH ? a << b : a >> b;
}

static int filter_test(unsigned op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_JEQ: return a == b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	default: return (a & b) != 0;
	}
}

/*
 * Run n instructions, at most BPF_MAXINSNS, over a packet as libpcap and the kernel do. Returns how
 * many bytes of it to keep, 0 for none of it. A load from behind its caplen bytes (metadata too: a
 * file has none), a division by 0 and a jump out of the program all drop the packet. Jumps go
 * forward only, so n bounds the run.
 */
static uint32_t filter_run(const struct sock_filter *prog, unsigned n, const unsigned char *data,
    uint32_t caplen, uint32_t origlen)
{
	uint32_t reg[2] = { 0, 0 }, mem[BPF_MEMWORDS] = { 0 };	/* A and X */
	uint32_t pc, at, size, v;

	for (pc = 0; pc < n; pc++) {
		unsigned code = prog[pc].code & 0xff, mode = code & 0xe0, op = code & 0xf0;
		uint32_t k = prog[pc].k, b = code & BPF_X ? reg[1] : k;

		switch (code & 7) {
		case BPF_LD: case BPF_LDX:
			v = k;
			if (mode == BPF_MEM)
				v = mem[k % BPF_MEMWORDS];
			else if (mode == BPF_LEN)
				v = origlen;
			else if (mode) {	/* BPF_ABS, BPF_IND, BPF_MSH: from the packet */
				at = mode == BPF_IND ? reg[1] + k : k;
				size = code & BPF_B ? 1 : code & BPF_H ? 2 : 4;
				if (at < k || at >= caplen || size > caplen - at)
					return 0;
				for (v = 0; size; size--)
					v = v << 8 | data[at++];
				if (mode == BPF_MSH)
					v = (v & 15) * 4;
			}
			reg[code & 1] = v;
			break;
		case BPF_ST: case BPF_ST + 1:
			mem[k % BPF_MEMWORDS] = reg[code & 1];
			break;
		case BPF_ALU:
			if (!b && (op == BPF_DIV || op == BPF_MOD))
				return 0;
			reg[0] = filter_alu(op, reg[0], b);
			break;
		case BPF_JMP:
			if (op)
				k = filter_test(op, reg[0], b) ? prog[pc].jt : prog[pc].jf;
			if (k >= n)
				return 0;
			pc += k;
			break;
		case BPF_RET:
			return code & 0x10 ? reg[0] : k;
		default:	/* BPF_MISC: TAX, TXA */
			reg[!(code >> 7)] = reg[code >> 7];
		}
	}
	return 0;
}
