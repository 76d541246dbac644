/* linux/filter.h, linux/bpf_common.h */
#ifndef BPF_SECTION_HAS_SOCK_FILTER
struct sock_filter {
	uint16_t code;
	uint8_t jt, jf;		/* instructions to skip */
	uint32_t k;
};
#endif

/* A register after an operation with b. The caller sees to it that b is not 0 where it divides. */
static uint32_t bpf_alu(unsigned op, uint32_t a, uint32_t b)
{
	if (op == 0x00)
		return a + b;
	if (op == 0x10)
		return a - b;
	if (op == 0x20)
		return a * b;
	if (op == 0x30)
		return a / b;
	if (op == 0x40)
		return a | b;
	if (op == 0x50)
		return a & b;
	if (op == 0x80)
		return 0 - a;
	if (op == 0x90)
		return a % b;
	if (op == 0xa0)
		return a ^ b;
	if (b > 31)
		return 0;
	return op == 0x60 ? a << b : a >> b;
}

/* Whether a jump is taken. */
static int bpf_test(unsigned op, uint32_t a, uint32_t b)
{
	if (op == 0x10)
		return a == b;
	if (op == 0x20)
		return a > b;
	if (op == 0x30)
		return a >= b;
	return (a & b) != 0;
}

/* Runs a filter over a packet as libpcap and the kernel do. Returns how much of the packet to keep, 0 for none. A load from behind
 * caplen or a division by zero drops the packet. Jumps go forward only, so count, at most 4096, bounds the run. */
static uint32_t bpf_run(const struct sock_filter *prog, unsigned count, const unsigned char *p, uint32_t caplen, uint32_t origlen)
{
	uint32_t reg[2] = { 0, 0 }, mem[16] = { 0 };	/* A and X */
	uint32_t pc, at, n, v;

	for (pc = 0; pc < count; pc++) {
		uint8_t code = (uint8_t)prog[pc].code, mode = code & 0xe0, op = code & 0xf0;
		uint32_t k = prog[pc].k, b = code & 8 ? reg[1] : k;

		switch (code & 7) {
		case 0: case 1:	/* ld, ldx */
			v = k;
			if (mode == 0x60)
				v = mem[k & 15];
			else if (mode == 0x80)
				v = origlen;
			else if (mode) {	/* from the packet, at k or x + k; 0xa0: the length of an IPv4 header */
				at = mode == 0x40 ? reg[1] + k : k;
				n = code & 0x10 ? 1 : code & 8 ? 2 : 4;
				if (at < k || at >= caplen || n > caplen - at)
					return 0;
				for (v = 0; n; n--)
					v = v << 8 | p[at++];
				if (mode == 0xa0)
					v = (v & 15) * 4;
			}
			reg[code & 1] = v;
			break;
		case 2: case 3:	/* st, stx */
			mem[k & 15] = reg[code & 1];
			break;
		case 4:
			if (!b && (op == 0x30 || op == 0x90))
				return 0;
			reg[0] = bpf_alu(op, reg[0], b);
			break;
		case 5:
			if (op)
				k = bpf_test(op, reg[0], b) ? prog[pc].jt : prog[pc].jf;
			if (k >= count)
				return 0;
			pc += k;
			break;
		case 6:
			return code & 0x10 ? reg[0] : k;
		default:	/* tax, txa */
			v = code >> 7 & 1;
			reg[!v] = reg[v];
		}
	}
	return 0;
}
