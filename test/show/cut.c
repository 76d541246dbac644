/* cut FILE...: every packet of the pcap files, cut at every length from 0 to its end (to 400, and whole), with and without -e: a good line, no fault.
 * Then the same with the lie that the wire had fewer bytes than were captured. */
#include "check.h"
#include "reader-section.h"

static unsigned char packet[PCAP_CAPLEN_MAX];

int main(int argc, char **argv)
{
	unsigned long packets = 0, lines = 0;
	unsigned char head[24];
	struct savefile sf;
	struct record r;
	FILE *f;
	int i;

	for (i = 1; i < argc; i++) {
		f = fopen(argv[i], "rb");
		if (!f || fread(head, 24, 1, f) != 1 || savefile_header(&sf, head))
			return 1;
		while (fread(head, 16, 1, f) == 1 && savefile_record(&sf, head, &r) && fread(packet, 1, r.caplen, f) == r.caplen) {
			uint32_t cut, origlen = r.caplen > 400 ? 400 : r.caplen;
			unsigned way;

			packets++;
			for (cut = 0; cut <= r.caplen; cut = cut == origlen ? r.caplen + (cut == r.caplen) : cut + 1)
				for (way = 0; way < 3; way++, lines++) {
					struct show s = { .bytes = packet, .caplen = cut, .origlen = way == 2 ? cut / 2 : r.origlen, .linktype = sf.linktype,
						.sec = r.sec, .nsec = r.nsec, .stamp = (uint8_t)way, .link = way == 1, .hex = (uint8_t)way };
					check_packet(&s);
				}
		}
		fclose(f);
	}
	printf("%lu packets, %lu lines\n", packets, lines);
	return packets == 0;
}
