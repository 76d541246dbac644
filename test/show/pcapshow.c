/* pcapshow FILE [-e] [-q] [-v] [-#] [-t] [-tt] ... [-ttttt] [-x] [-xx] [-X] [-XX] [-A] [-i NAME] [-z TZ]
 * [-f PROGRAM]: the lines of a pcap file, by show.h, pcap.h and the filter interpreter. NAME is shown as
 * the interface's. PROGRAM is a file of `tcpdump -ddd` output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../pcap.h"
#include "../../filter.h"
#include "../../show.h"

static unsigned char record[24 + PCAP_SNAPLEN_MAX];
static struct bpf_instruction prog[4096];
static unsigned count;
static struct zone zone;
static int hex, number;

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

/* Takes an option of the look. Returns 0 if A is none. */
static int take_look(struct show *s, const char *a)
{
	static const struct { const char *name; int hex; } hexes[] = {
		{ "-x", 0 }, { "-xx", SHOW_WHOLE }, { "-X", SHOW_ASCII }, { "-XX", SHOW_ASCII | SHOW_WHOLE },
		{ "-A", SHOW_TEXT },
	};

	for (size_t i = 0; i < sizeof hexes / sizeof *hexes; i++)
		if (!strcmp(a, hexes[i].name)) {
			hex = 1;
			s->hex = (uint8_t)hexes[i].hex;
			return 1;
		}
	if (!strcmp(a, "-e"))
		s->link = 1;
	else if (!strcmp(a, "-q"))
		s->quiet = 1;
	else if (!strcmp(a, "-v"))
		s->verbose = 1;
	else if (!strcmp(a, "-#"))
		number = 1;
	else if (!strncmp("-ttttt", a, strlen(a)))
		s->stamp = (uint8_t)(strlen(a) - 1);
	else
		return 0;
	return 1;
}

static void show_one(struct show *s, const struct pcap_record *r)
{
	char line[SHOW_LINE];
	uint32_t at = 0;
	size_t n;

	s->caplen = r->caplen;
	s->origlen = r->origlen;
	s->sec = r->sec;
	s->nsec = r->fraction;
	s->number += (uint32_t)number;
	s->utc_offset = zone_at(&zone, r->sec, NULL);
	fwrite(line, 1, show_packet(line, s), stdout);
	while (hex && (n = show_hex(line, s, &at)) > 0)
		fwrite(line, 1, n, stdout);
}

int main(int argc, char **argv)
{
	struct pcap_reader reader;
	struct pcap_record r;
	struct show s = { 0 };
	const char *why;
	uint32_t n;
	FILE *f;

	zone_parse(&zone, "");
	for (int i = 2; i < argc; i++)
		if (i + 1 < argc && !strcmp(argv[i], "-f"))
			load_program(argv[++i]);
		else if (i + 1 < argc && !strcmp(argv[i], "-i"))
			s.ifname = argv[++i];
		else if (i + 1 < argc && !strcmp(argv[i], "-z"))
			zone_parse(&zone, argv[++i]);
		else if (!take_look(&s, argv[i]))
			return 2;
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
		show_one(&s, &r);
	}
	return 0;
}
