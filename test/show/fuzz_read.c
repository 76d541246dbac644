/* libFuzzer target for the reader of pcap.h and for the filter interpreter: the input is a file.
 * What it holds is shown as well. Its first bytes are taken as a filter program too, which runs over
 * every packet in the file, by filter_run() and by the tests' own interpreter: they must agree. */
#include "../../pcap.h"
#include "../../filter.h"
#include "bpf-section.h"
#include "../filter/bpf.h"
#include "check.h"

enum { PROGRAM_MAX = 32 };

/* Takes a program from the bytes of the file: what the kernel would refuse becomes a return. */
static unsigned program(struct sock_filter *prog, const uint8_t *data, size_t size)
{
	unsigned n = (unsigned)(size / sizeof *prog), i;

	if (n > PROGRAM_MAX)
		n = PROGRAM_MAX;
	memcpy(prog, data, n * sizeof *prog);
	for (i = 0; i < n; i++)
		if (i + 1 == n || is_refused(prog + i, i, n))
			prog[i] = (struct sock_filter){ .code = BPF_RET, .k = i };
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sock_filter prog[PROGRAM_MAX];
	unsigned count = program(prog, data, size);
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
		if (r.caplen > n - sizeof r || r.origlen < r.caplen)
			abort();
		s.bytes = p.data = data + at + sizeof r;
		s.caplen = p.caplen = r.caplen;
		s.origlen = p.len = r.origlen;
		s.sec = r.sec;
		s.nsec = r.fraction;
		if (count && filter_run(prog, count, p.data, p.caplen, p.len) != bpf_run(prog, &p))
			abort();
		check_packet(&s);
	}
	return 0;
}
