/* cut FILE...: every packet of the pcap files, cut at every length from 0 to its end (to 400, and
 * whole), plain with -v, and with -e: a good line, no fault. Then the same with the lie that the wire had
 * fewer bytes than were captured. */
#include "check.h"
#include "../../pcap.h"

static unsigned char file[1 << 25];

/* Shows the packet at AT of RECORD, cut at every length. Returns how many lines that were. */
static unsigned long cut(const unsigned char *at, const struct pcap_record *record,
    uint32_t linktype)
{
	uint32_t caplen = record->caplen, most = caplen > 400 ? 400 : caplen, n;
	unsigned long lines = 0;
	unsigned way;

	for (n = 0; n <= caplen; n = n == most ? caplen + (n == caplen) : n + 1)
		for (way = 0; way < 3; way++, lines++) {
			struct show s = {
				.bytes = at, .caplen = n, .linktype = linktype,
				.origlen = way == 2 ? n / 2 : record->origlen,
				.sec = record->sec, .nsec = record->fraction,
				.stamp = (uint8_t)way, .link = way == 1, .hex = (uint8_t)(way ? way : SHOW_TEXT),
				.verbose = way != 1,
			};
			check_packet(&s);
		}
	return lines;
}

int main(int argc, char **argv)
{
	unsigned long packets = 0, lines = 0;
	struct pcap_reader reader;
	struct pcap_record record;
	uint32_t at, size, n;
	FILE *f;
	int i;

	for (i = 1; i < argc; i++) {
		f = fopen(argv[i], "rb");
		size = f ? (uint32_t)fread(file, 1, sizeof file, f) : 0;
		if (size < sizeof(struct pcap_file) || pcap_read_header(&reader, file))
			return 1;
		fclose(f);
		for (at = sizeof(struct pcap_file); ; at += n) {
			n = pcap_read_record(&reader, file + at, size - at, &record);
			if (!n || n > size - at)
				break;
			packets++;
			lines += cut(file + at + reader.head, &record, reader.linktype);
		}
	}
	printf("%lu packets, %lu lines\n", packets, lines);
	return packets == 0;
}
