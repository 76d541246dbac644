// SPDX-License-Identifier: MIT
/*
 * dump: what pcapng.h reads in a file, a line for each thing:
 *
 *   section                                  and its first comment, in hex, where there is one
 *   interface N LINKTYPE SNAPLEN NAME        NAME and all other texts in hex, - for none
 *   packet N SEC.NSEC CAPLEN ORIGLEN FLAGS COMMENT DATA
 *   statistics N RECEIVED DROPPED START STOP     - for what is not known
 *   end | cut | broken: WHY                  how the file ends
 *
 *   -p BYTES   the file arrives in pieces of so many bytes
 *   -w FILE    what was read is written again, as pcapng
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../pcapng.h"

static unsigned char in[2 * PCAPNG_BLOCK_MAX], out[PCAPNG_BLOCK_MAX + 1024];
static struct pcapng_reader reader;
static FILE *file, *copy;
static size_t piece = sizeof in;
static uint32_t have;

static void print_hex(const unsigned char *at, uint32_t len)
{
	putchar(' ');
	if (!len)
		putchar('-');
	for (uint32_t i = 0; i < len; i++)
		printf("%02x", at[i]);
}

static void print_number(uint64_t n)
{
	if (n == PCAPNG_UNKNOWN)
		printf(" -");
	else
		printf(" %llu", (unsigned long long)n);
}

static void print_block(const struct pcapng_block *b)
{
	const struct pcapng_link *link = reader.link + b->interface;

	switch (b->kind) {
	case PCAPNG_NOTHING:
		return;
	case PCAPNG_SECTION:
		printf("section");
		print_hex(b->comment.at, b->comment.len);
		break;
	case PCAPNG_INTERFACE:
		printf("interface %u %u %u", b->interface, link->linktype, link->snaplen);
		print_hex(b->name.at, b->name.len);
		break;
	case PCAPNG_PACKET:
		printf("packet %u %llu.%09u %u %u %08x", b->interface, (unsigned long long)b->sec,
		    b->nsec, b->caplen, b->origlen, b->flags);
		print_hex(b->comment.at, b->comment.len);
		print_hex(b->data, b->caplen);
		break;
	case PCAPNG_STATISTICS:
		printf("statistics %u", b->interface);
		print_number(b->statistics.received);
		print_number(b->statistics.dropped);
		print_number(b->statistics.start);
		print_number(b->statistics.stop);
		break;
	}
	putchar('\n');
}

static uint32_t copy_block(const struct pcapng_block *b)
{
	uint32_t len;

	switch (b->kind) {
	case PCAPNG_SECTION:
		return pcapng_copy_section(out, &reader, b, "dump");
	case PCAPNG_INTERFACE:
		return pcapng_copy_interface(out, &reader, b, reader.link[b->interface].snaplen, 1);
	case PCAPNG_PACKET:
		len = pcapng_copy_packet(out, &reader, b, b->caplen, b->interface, 1);
		if (len != pcapng_copied_packet_size(&reader, b, b->caplen))
			abort();
		return len;
	case PCAPNG_STATISTICS:
		return pcapng_copy_statistics(out, &reader, b, b->interface, 1);
	default:
		return 0;
	}
}

/* Reads on, so that NEED bytes are there, or to the end of the file. */
static int read_on(uint32_t at, uint32_t need)
{
	size_t n = 1;

	memmove(in, in + at, have - at);
	have -= at;
	while (have < need && n > 0) {
		n = fread(in + have, 1, piece < sizeof in - have ? piece : sizeof in - have, file);
		have += (uint32_t)n;
	}
	return have >= need;
}

static const char *read_file(void)
{
	struct pcapng_block b;
	uint32_t at = 0, n;

	for (;;) {
		n = pcapng_read_block(&reader, in + at, have - at, &b);
		if (!n)
			return reader.why;
		if (n > have - at) {
			if (!read_on(at, n))
				return have || reader.left ? "cut" : NULL;
			at = 0;
			continue;
		}
		print_block(&b);
		if (copy)
			fwrite(out, 1, copy_block(&b), copy);
		at += n;
	}
}

int main(int argc, char **argv)
{
	const char *why;
	int option;

	while ((option = getopt(argc, argv, "p:w:")) != -1)
		switch (option) {
		case 'p': piece = strtoul(optarg, NULL, 10); break;
		case 'w': copy = fopen(optarg, "wb"); break;
		default: return 2;
		}
	file = fopen(argv[optind], "rb");
	if (!file)
		return 2;
	why = read_file();
	if (!why)
		puts("end");
	else if (reader.why)
		printf("broken: %s\n", why);
	else
		puts(why);
	return why != NULL;
}
