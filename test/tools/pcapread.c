// SPDX-License-Identifier: MIT
/*
 * pcapread: a strict reader of classic pcap files, the judge of the tests. It shares no code
 * with rawcap and forgives nothing: every field of the header, every record whole.
 *
 *   pcapread FILE            one `header` line, then one line per record: TIME CAPLEN ORIGLEN HEX
 *   pcapread -c FILE         only the number of records
 *   pcapread -q OFFSET FILE  records carry a 32-bit big-endian sequence number at OFFSET:
 *                            "RECORDS FIRST LAST MISSING", an error where it does not rise
 *   pcapread -d FILE         how long after its time stamp each record was readable, in
 *                            microseconds, one line each
 *   -n N                     with any of them: stop after N records
 *
 * FILE may be -, read as it arrives. Exit 1, with the reason on stderr: not a perfect file.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SNAPLEN_MAX = 262144 };	/* libpcap's MAXIMUM_SNAPLEN: readers refuse more */

static struct {
	FILE *file;
	bool swapped;		/* the other byte order */
	uint32_t fractions;	/* in a second: 10^6 or 10^9 */
	uint32_t snaplen;
	uint64_t records;	/* read so far */
} in;

static struct {
	bool count, delays, sequence;
	size_t offset;		/* of the sequence number in a record */
	uint64_t most;		/* records to read, 0 = all */
} want;

static struct {
	uint32_t first, last;
	uint64_t missing;
} seq;

static void fail(const char *why)
{
	fflush(stdout);
	fprintf(stderr, "pcapread: record %llu: %s\n", (unsigned long long)in.records + 1, why);
	exit(1);
}

static uint32_t word(const unsigned char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof value);
	return in.swapped ? __builtin_bswap32(value) : value;
}

static void read_header(void)
{
	unsigned char head[24];
	uint16_t major, minor;

	if (fread(head, 1, sizeof head, in.file) != sizeof head)
		fail("no whole file header");
	in.swapped = word(head) == 0xd4c3b2a1 || word(head) == 0x4d3cb2a1;
	if (word(head) != 0xa1b2c3d4 && word(head) != 0xa1b23c4d)
		fail("no magic number of a pcap file");
	in.fractions = word(head) == 0xa1b2c3d4 ? 1000000 : 1000000000;
	memcpy(&major, head + 4, 2);
	memcpy(&minor, head + 6, 2);
	if (in.swapped) {
		major = __builtin_bswap16(major);
		minor = __builtin_bswap16(minor);
	}
	if (major != 2 || minor != 4)
		fail("version is not 2.4");
	if (word(head + 8) != 0 || word(head + 12) != 0)
		fail("reserved fields are not 0");
	in.snaplen = word(head + 16);
	if (in.snaplen == 0 || in.snaplen > SNAPLEN_MAX)
		fail("snaplen out of range");
	if (word(head + 20) > 0xffff)
		fail("reserved bits beside the link type");
	if (!want.count && !want.delays && !want.sequence)
		printf("header %s %s snaplen %u linktype %u\n", in.swapped ? "swapped" : "native",
		    in.fractions == 1000000 ? "usec" : "nsec", in.snaplen, word(head + 20));
}

static void print_delay(uint32_t sec, uint32_t fraction)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	printf("%lld\n", (long long)(now.tv_sec - sec) * 1000000 + now.tv_nsec / 1000 -
	    (long long)fraction / (in.fractions / 1000000));
	fflush(stdout);
}

static void check_sequence(const unsigned char *data, uint32_t caplen)
{
	uint32_t number;

	if (caplen < want.offset + 4)
		fail("too short for a sequence number");
	memcpy(&number, data + want.offset, sizeof number);
	number = __builtin_bswap32(number);	/* tests run on little-endian machines */
	if (in.records > 0 && number <= seq.last)
		fail("sequence number does not rise: a frame twice, or out of order");
	if (in.records == 0)
		seq.first = number;
	else
		seq.missing += number - seq.last - 1;
	seq.last = number;
}

static void print_record(const unsigned char *head, const unsigned char *data, uint32_t caplen)
{
	printf("%u.%0*u %u %u ", word(head), in.fractions == 1000000 ? 6 : 9, word(head + 4),
	    caplen, word(head + 12));
	for (uint32_t i = 0; i < caplen; i++)
		printf("%02x", data[i]);
	putchar('\n');
}

/* Reads one record; false at a clean end. */
static bool read_record(void)
{
	static unsigned char data[SNAPLEN_MAX];
	unsigned char head[16];
	size_t got = fread(head, 1, sizeof head, in.file);
	uint32_t caplen;

	if (got == 0 && feof(in.file))
		return false;
	if (got != sizeof head)
		fail("torn record header");
	caplen = word(head + 8);
	if (word(head + 4) >= in.fractions)
		fail("fraction of a second is a second or more");
	if (caplen > word(head + 12))
		fail("more captured than there was");
	if (caplen > in.snaplen)
		fail("longer than snaplen");
	if (fread(data, 1, caplen, in.file) != caplen)
		fail("torn record");
	if (want.delays)
		print_delay(word(head), word(head + 4));
	else if (want.sequence)
		check_sequence(data, caplen);
	else if (!want.count)
		print_record(head, data, caplen);
	in.records++;
	return true;
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "cdq:n:")) != -1)
		switch (option) {
		case 'c': want.count = true; break;
		case 'd': want.delays = true; break;
		case 'q': want.sequence = true; want.offset = strtoul(optarg, NULL, 10); break;
		case 'n': want.most = strtoull(optarg, NULL, 10); break;
		default: return 2;
		}
	in.file = optind < argc && strcmp(argv[optind], "-") ? fopen(argv[optind], "rb") : stdin;
	if (!in.file)
		fail("cannot open the file");
	read_header();
	while ((want.most == 0 || in.records < want.most) && read_record())
		;
	if (want.count)
		printf("%llu\n", (unsigned long long)in.records);
	if (want.sequence)
		printf("%llu %u %u %llu\n", (unsigned long long)in.records, seq.first, seq.last,
		    (unsigned long long)seq.missing);
	return 0;
}
