/* libFuzzer target for show.h: 8 bytes choose link type, look and lengths, the rest is the
 * packet. */
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t linktypes[] = {
		1, 113, 276, 101, 127, 105, 0, 9, 12, 50, 51, 104, 107, 108, 227, 228, 229, 281, 282, 284, 285, 189,
	};
	struct show s = { 0 };

	if (size < 8)
		return 0;
	s.linktype = linktypes[data[0] % (sizeof linktypes / sizeof *linktypes)];
	s.link = data[1] & 1;
	s.verbose = data[1] >> 1 & 1;
	s.quiet = data[1] >> 2 & 1;
	s.nano = data[1] >> 3 & 1;
	s.direction = data[1] >> 4 & 3;
	s.ifname = data[1] & 64 ? "e\033[2J\377%s" : NULL;
	s.number = data[1] & 128 ? data[7] : 0;
	s.stamp = data[2] & 7;
	s.hex = data[3] & 7;
	s.utc_offset = (data[3] >> 3) * 3600 - 43200;
	s.sec = data[4] * 16843009u;
	s.nsec = data[5] * 16843009u;
	s.since_sec = data[5] * 16843009u;
	s.bytes = data + 8;
	s.caplen = (uint32_t)size - 8;
	s.origlen = s.caplen + data[6] * 64u - data[7];
	check_packet(&s);
	return 0;
}
