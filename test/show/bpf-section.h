/* linux/filter.h, linux/bpf_common.h */
#ifndef BPF_SECTION_HAS_SOCK_FILTER
struct sock_filter {
	uint16_t code;
	uint8_t jt, jf;		/* instructions to skip */
	uint32_t k;
};
#endif

/* n bytes of the packet, 1, 2 or 4, at an offset. False if they were not captured. */
static int bpf_load(uint32_t *v, const unsigned char *p, uint32_t caplen, uint32_t at, uint32_t n)
{
	if (at >= caplen || n > caplen - at)
		return 0;
	for (*v = 0; n; n--)
		*v = *v << 8 | p[at++];
	return 1;
}

/* a OP b. The caller has seen to it that b is not 0 where it divides. */
static uint32_t bpf_alu(unsigned op, uint32_t a, uint32_t b)
{
	switch (op) {
	case 0x00: return a + b;
	case 0x10: return a - b;
	case 0x20: return a * b;
	case 0x30: return a / b;
	case 0x40: return a | b;
	case 0x50: return a & b;
	case 0x60: return b < 32 ? a << b : 0;
	case 0x70: return b < 32 ? a >> b : 0;
	case 0x80: return 0 - a;
	case 0x90: return a % b;
	default: return a ^ b;	/* 0xa0 */
	}
}

/* Runs a filter over a packet as the kernel and libpcap do: returns how much of the packet to keep,
 * 0 for none. A load from behind caplen, a division by zero, a jump or a memory index out of bounds
 * drop the packet. Jumps go forward only, so count bounds the run. */
static uint32_t bpf_run(const struct sock_filter *prog, unsigned count, const unsigned char *p, uint32_t caplen, uint32_t origlen)
{
	uint32_t a = 0, x = 0, mem[16] = { 0 }, pc, k, v, b;

	for (pc = 0; pc < count; pc++) {
		unsigned code = prog[pc].code, class = code & 7, mode = code & 0xe0;

		k = prog[pc].k;
		b = code & 8 ? x : k;
		if (class < 2) {	/* ld, ldx */
			v = mode == 0x80 ? origlen : k;
			if (mode == 0x60) {
				if (k > 15)
					return 0;
				v = mem[k];
			} else if (mode == 0x40 && k + x < x)
				return 0;
			else if (mode == 0x20 || mode == 0x40) {
				if (!bpf_load(&v, p, caplen, mode == 0x40 ? k + x : k, code & 0x10 ? 1 : code & 8 ? 2 : 4))
					return 0;
			} else if (mode == 0xa0) {
				if (!bpf_load(&v, p, caplen, k, 1))
					return 0;
				v = (v & 15) * 4;
			}
			if (class)
				x = v;
			else
				a = v;
		} else if (class < 4) {	/* st, stx */
			if (k > 15)
				return 0;
			mem[k] = class == 2 ? a : x;
		} else if (class == 4) {
			mode = code & 0xf0;
			if (!b && (mode == 0x30 || mode == 0x90))
				return 0;
			a = bpf_alu(mode, a, b);
		} else if (class == 5) {
			int yes = 1;

			mode = code & 0xf0;
			if (!mode) {
				if (k >= count)
					return 0;
				pc += k;
				continue;
			}
			yes = mode == 0x10 ? a == b : mode == 0x20 ? a > b : mode == 0x30 ? a >= b : (a & b) != 0;
			pc += yes ? prog[pc].jt : prog[pc].jf;
		} else if (class == 6)
			return code & 0x10 ? a : k;
		else if (code & 0x80)	/* txa, tax */
			a = x;
		else
			x = a;
	}
	return 0;
}
