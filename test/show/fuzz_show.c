/* libFuzzer target for show.h: 8 bytes choose link type, look and lengths, the rest is the
 * packet. */
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t linktypes[] = { 1, 113, 276, 101, 127, 105 };
	struct show s = { 0 };

	if (size < 8)
		return 0;
	s.linktype = linktypes[data[0] % 6];
	s.link = data[1] & 1;
	s.stamp = (uint8_t)(data[2] % 3);
	s.hex = data[3] & 3;
	s.sec = data[4] * 16843009u;
	s.nsec = data[5] * 3921568u;
	s.bytes = data + 8;
	s.caplen = (uint32_t)size - 8;
	s.origlen = s.caplen + data[6] * 64u - data[7];
	check_packet(&s);
	return 0;
}
