/* libFuzzer target for the reader of pcap.h and for the filter interpreter: the input is a file.
 * What it holds is shown as well. Its first packet is taken as a filter program too, which runs
 * over every packet in the file, by bpf_run() and by the tests' own interpreter: they must
 * agree. */
#include "../../pcap.h"
#include "../../filter.h"
#include "../filter/judge.h"
#include "check.h"

enum { PROGRAM_MAX = 32 };

/* Takes a program from the bytes of the file: instructions that there are, with operands that reach
 * something. What the kernel would refuse all the same becomes a return. */
static unsigned program(struct bpf_instruction *prog, const uint8_t *data, size_t size)
{
	static const uint8_t codes[] = {
		0x00, 0x01, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x61, 0x80, 0x81, 0xb1,
		0x02, 0x03, 0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54,
		0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac, 0x05, 0x15, 0x1d,
		0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16, 0x07, 0x87,
	};
	unsigned n = (unsigned)(size / sizeof *prog), i, left;

	if (n > PROGRAM_MAX)
		n = PROGRAM_MAX;
	memcpy(prog, data, n * sizeof *prog);
	for (i = 0; i < n; i++) {
		left = n - 1 - i;
		prog[i].code = codes[prog[i].code % sizeof codes];
		prog[i].jt = (uint8_t)(left ? prog[i].jt % left : 0);
		prog[i].jf = (uint8_t)(left ? prog[i].jf % left : 0);
		if (prog[i].k >> 24)	/* else as large as it is */
			prog[i].k %= prog[i].code == 0x05 && left ? left : 80;
		if (!left)
			prog[i] = (struct bpf_instruction){ .code = OP_RET, .k = i };
	}
	while (n && (i = bpf_check(prog, n)) != 0)
		prog[i - 1] = (struct bpf_instruction){ .code = OP_RET, .k = i };
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bpf_instruction prog[PROGRAM_MAX];
	unsigned count = size > 40 ? program(prog, data + 40, size - 40) : 0;
	struct pcap_reader reader;
	struct pcap_record r;
	uint32_t at, n;

	if (size < sizeof(struct pcap_file) || pcap_read_header(&reader, data))
		return 0;
	if (reader.snaplen < 1 || reader.snaplen > PCAP_SNAPLEN_MAX || reader.linktype > 65535)
		abort();
	for (at = sizeof(struct pcap_file); ; at += n) {
		struct show s = { .linktype = reader.linktype };
		struct packet p = { 0 };

		n = pcap_read_record(&reader, data + at, (uint32_t)size - at, &r);
		if (!n || n > size - at)
			return 0;
		if (r.fraction > 999999999 || r.caplen > reader.snaplen)
			abort();
		if (r.caplen > n - reader.head || r.origlen < r.caplen)
			abort();
		s.bytes = p.data = data + at + reader.head;
		s.caplen = p.caplen = r.caplen;
		s.origlen = p.len = r.origlen;
		s.sec = r.sec;
		s.nsec = r.fraction;
		if (count && bpf_run(prog, count, p.data, p.caplen, p.len) != judge_run(prog, &p))
			abort();
		check_packet(&s);
	}
	return 0;
}
