/* libFuzzer target for the reader of pcapng.h: the input is a file. It is read whole, and again in
 * pieces, which must give the same; what is read is checked, and written again, and what was written
 * must be read as the same. */
#include <stdlib.h>

#include "../../pcapng.h"

enum { FILE_MAX = 1 << 16 };

static struct pcapng_reader reader, again;
static unsigned char written[4 * FILE_MAX];
static struct pcapng_block packet;	/* the one that is compared */

static void check(int good)
{
	if (!good)
		abort();
}

/* Reads every byte of B, so that the sanitizer sees one that is not there. */
static uint32_t sum(const struct pcapng_bytes *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->len; i++)
		n = n * 31 + b->at[i];
	return n;
}

static uint32_t check_block(const struct pcapng_reader *r, const struct pcapng_block *b)
{
	struct pcapng_bytes data = { b->data, b->caplen };
	uint32_t n = b->kind + sum(&b->options) + sum(&b->comment) + sum(&b->name) + sum(&b->filter) +
	    sum(&b->description) + sum(&b->os) + sum(&data) + b->flags + b->nsec + (uint32_t)b->sec;

	check(b->caplen <= PCAPNG_SNAPLEN_MAX && b->caplen <= b->origlen);
	check(b->sec <= PCAPNG_SEC_MAX && b->nsec < 1000000000);
	check(b->kind < PCAPNG_INTERFACE || b->interface < r->links);
	check(r->links <= PCAPNG_INTERFACES);
	if (b->kind == PCAPNG_INTERFACE)
		check(!r->link[b->interface].name[PCAPNG_NAME_SIZE - 1]);
	return n;
}

/* Writes B again. Returns the bytes of it, 0 for what is not written. */
static uint32_t copy(unsigned char *at, const struct pcapng_block *b)
{
	switch (b->kind) {
	case PCAPNG_SECTION:
		return pcapng_copy_section(at, &reader, b, "fuzz");
	case PCAPNG_INTERFACE:
		return pcapng_copy_interface(at, &reader, b, reader.link[b->interface].snaplen, 1);
	case PCAPNG_PACKET:
		return pcapng_copy_packet(at, &reader, b, b->caplen, b->interface, 1);
	case PCAPNG_STATISTICS:
		return pcapng_copy_statistics(at, &reader, b, b->interface, 1);
	default:
		return 0;
	}
}

/* What is written of B at AT says what B says. Returns its bytes. */
static uint32_t copy_and_check(unsigned char *at, const struct pcapng_block *b)
{
	uint32_t most = b->kind == PCAPNG_SECTION ? PCAPNG_SECTION_MAX : 32;
	uint64_t time = b->statistics.start;
	uint32_t len;

	check(at + b->options.len + b->caplen + PCAPNG_SECTION_MAX <= written + sizeof written);
	len = copy(at, b);

	if (b->kind == PCAPNG_PACKET)
		check(len == pcapng_copied_packet_size(&reader, b, b->caplen));
	else
		check(len <= b->options.len + most);
	check(pcapng_block_size(at) == len);
	check(pcapng_read_block(&again, at, len, &packet) == len);
	check(packet.kind == b->kind && packet.interface == b->interface);
	check(packet.sec == b->sec && packet.nsec == b->nsec && packet.flags == b->flags);
	check(packet.caplen == b->caplen && packet.origlen == b->origlen);
	check(!b->caplen || !memcmp(packet.data, b->data, b->caplen));
	check(!b->comment.len || !*b->comment.at || packet.comment.len > 0);
	check(packet.statistics.received == b->statistics.received);
	check(packet.statistics.dropped == b->statistics.dropped);
	check(packet.statistics.start == time && packet.statistics.stop == b->statistics.stop);
	return len;
}

/* Reads the file, in pieces of at most PIECE bytes, copied to where nothing stands behind them.
 * Returns a sum of all that was read; writes it again if ALSO. */
static uint32_t read_file(const uint8_t *data, uint32_t size, uint32_t piece, int also)
{
	struct pcapng_block b;
	uint32_t at = 0, have = 0, n, total = 0, room = 0;
	unsigned char *bytes;

	memset(&reader, 0, sizeof reader);
	memset(&again, 0, sizeof again);
	for (;;) {
		bytes = malloc(have ? have : 1);
		if (have)
			memcpy(bytes, data + at, have);
		n = pcapng_read_block(&reader, bytes, have, &b);
		check(n <= PCAPNG_BLOCK_MAX && !n == !!reader.why);
		if (n && n <= have && b.kind != PCAPNG_NOTHING) {
			total = total * 31 + check_block(&reader, &b);
			if (also)
				room += copy_and_check(written + room, &b);
		}
		free(bytes);
		if (!n)
			return total * 31 + 7;
		if (n > have && have == size - at)
			return total * 31 + (have || reader.left);
		if (n > have) {
			have = size - at < have + piece ? size - at : have + piece;
		} else {
			at += n;
			have -= n;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t whole;

	if (size > FILE_MAX / 16)
		return 0;
	whole = read_file(data, (uint32_t)size, (uint32_t)size + 1, 1);
	check(read_file(data, (uint32_t)size, 1 + (uint32_t)size % 37, 0) == whole);
	return 0;
}
