/* libFuzzer target for the pcap reader and the filter interpreter: the input is a file. Its first bytes are taken as a filter program
 * as well, which runs over every packet that the file holds. */
#include "check.h"
#include "reader-section.h"
#include "bpf-section.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sock_filter prog[32];
	unsigned count = (unsigned)(size / sizeof prog[0]);
	struct savefile f;
	struct record r;
	size_t at;

	if (count > 32)
		count = 32;
	memcpy(prog, data, count * sizeof prog[0]);
	for (at = 0; at < count; at++)
		prog[at].code &= 0xff;
	if (size < PCAP_FILE_HEADER || savefile_header(&f, data))
		return 0;
	if (f.snaplen < 1 || f.snaplen > PCAP_CAPLEN_MAX)
		abort();
	for (at = PCAP_FILE_HEADER; size - at >= PCAP_RECORD_HEADER; at += r.caplen) {
		struct show s = { 0 };

		if (!savefile_record(&f, data + at, &r))
			return 0;
		if (r.nsec > 999999999)
			abort();
		at += PCAP_RECORD_HEADER;
		if (r.caplen > size - at)
			return 0;
		bpf_run(prog, count, data + at, r.caplen, r.origlen);
		s.bytes = data + at;
		s.caplen = r.caplen;
		s.origlen = r.origlen;
		s.linktype = f.linktype;
		s.sec = r.sec;
		s.nsec = r.nsec;
		check_packet(&s);
	}
	return 0;
}
