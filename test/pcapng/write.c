// SPDX-License-Identifier: MIT
/* write: a file with all that pcapng.h writes, to stdout: two interfaces, one in microseconds, packets of
 * 0 to 69 bytes with every kind of flags, and statistics. */
#include <stdio.h>

#include "../../pcapng.h"

static unsigned char file[1 << 17], *end = file;

static void put_packet(uint32_t caplen)
{
	uint32_t interface = caplen & 1;
	uint64_t time = pcapng_time(1700000000u + caplen, 123456789, interface ? 1000 : 1);

	pcapng_put_packet_head(end, interface, time, caplen, caplen + 5);
	memset(end + PCAPNG_PACKET_HEAD, (int)caplen, caplen);
	pcapng_put_packet_tail(end, caplen, pcapng_flags(caplen % 6));
	if (pcapng_block_size(end) != pcapng_packet_size(caplen))
		fprintf(stderr, "a packet of %u bytes: another size\n", caplen);
	end += pcapng_block_size(end);
}

int main(void)
{
	static char longer[65536 + 1];
	struct pcapng_interface wan = { "eth0", "caf\xc3\xa9 \xff\xc3", "tcp port 80", "Linux", 2048, 1, 1 };
	struct pcapng_interface lan = { longer, "", longer, NULL, 0, 101, 1000 };
	struct pcapng_statistics all = {
		pcapng_time(1700000000, 5, 1), pcapng_time(1700000100, 7, 1), 1000, 17,
	};
	struct pcapng_statistics some = { PCAPNG_UNKNOWN, pcapng_time(1700000100, 7000, 1000), PCAPNG_UNKNOWN, 18 };

	memset(longer, 'x', 65536);
	end += pcapng_put_section(end, "Linux 6.1", "rawcap 1.2");
	end += pcapng_put_interface(end, &wan);
	end += pcapng_put_interface(end, &lan);
	for (uint32_t caplen = 0; caplen < 70; caplen++)
		put_packet(caplen);
	end += pcapng_put_statistics(end, 0, &all);
	end += pcapng_put_statistics(end, 1, &some);
	fwrite(file, 1, (size_t)(end - file), stdout);
	return 0;
}
