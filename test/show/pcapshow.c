/* pcapshow FILE [-e] [-t] [-tt] [-x] [-xx] [-X] [-XX] [-f PROGRAM]: the lines of a pcap file, by
 * show.h, pcap.h and the filter interpreter. PROGRAM is a file of `tcpdump -ddd` output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../pcap.h"
#include "../../filter.h"
#include "../../show.h"

static unsigned char record[24 + PCAP_SNAPLEN_MAX];
static struct bpf_instruction prog[4096];
static unsigned count;

static void load_program(const char *name)
{
	FILE *f = fopen(name, "r");
	unsigned i, code, jt, jf, k;

	if (!f || fscanf(f, "%u", &count) != 1 || count > 4096)
		exit(2);
	for (i = 0; i < count; i++) {
		if (fscanf(f, "%u %u %u %u", &code, &jt, &jf, &k) != 4)
			exit(2);
		prog[i].code = (uint16_t)code;
		prog[i].jt = (uint8_t)jt;
		prog[i].jf = (uint8_t)jf;
		prog[i].k = k;
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	char line[SHOW_LINE];
	struct pcap_reader reader;
	struct pcap_record r;
	struct show s = { 0 };
	const char *why;
	uint32_t at, n;
	int i, hex = 0;
	FILE *f;

	for (i = 2; i < argc; i++) {
		const char *a = argv[i];
		if (!strcmp(a, "-e")) s.link = 1;
		else if (!strcmp(a, "-t")) s.stamp = 1;
		else if (!strcmp(a, "-tt")) s.stamp = 2;
		else if (!strcmp(a, "-x")) hex = 1;
		else if (!strcmp(a, "-xx")) hex = 1, s.hex = SHOW_WHOLE;
		else if (!strcmp(a, "-X")) hex = 1, s.hex = SHOW_ASCII;
		else if (!strcmp(a, "-XX")) hex = 1, s.hex = SHOW_ASCII | SHOW_WHOLE;
		else if (!strcmp(a, "-f")) load_program(argv[++i]);
		else return 2;
	}
	f = argc > 1 ? fopen(argv[1], "rb") : stdin;
	if (!f || fread(record, sizeof(struct pcap_file), 1, f) != 1) {
		fprintf(stderr, "no file header\n");
		return 1;
	}
	if ((why = pcap_read_header(&reader, record))) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	s.linktype = reader.linktype;
	s.bytes = record + reader.head;
	while (fread(record, reader.head, 1, f) == 1) {
		n = pcap_read_record(&reader, record, reader.head, &r);
		if (!n) {
			fprintf(stderr, "lying record\n");
			return 1;
		}
		if (fread(record + reader.head, 1, n - reader.head, f) != n - reader.head) {
			fprintf(stderr, "truncated record\n");
			return 1;
		}
		if (count && !bpf_run(prog, count, s.bytes, r.caplen, r.origlen))
			continue;
		s.caplen = r.caplen;
		s.origlen = r.origlen;
		s.sec = r.sec;
		s.nsec = r.fraction;
		fwrite(line, 1, show_packet(line, &s), stdout);
		if (hex)
			for (at = 0; (i = (int)show_hex(line, &s, &at)); )
				fwrite(line, 1, (size_t)i, stdout);
	}
	return 0;
}
