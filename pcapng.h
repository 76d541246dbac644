/* SPDX-License-Identifier: MIT
 *
 * pcapng.h: the pcapng file format, and nothing else: blocks written into memory and read from it.
 * A file is one or more sections; a section is a section header, a description of each interface
 * before its first packet, packets and statistics. A block is its type, its total length, its body,
 * options, and the total length again, all padded to 4 bytes. See draft-ietf-opsawg-pcapng.
 */
#ifndef RAWCAP_PCAPNG_H
#define RAWCAP_PCAPNG_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The types of blocks. */
enum {
	PCAPNG_INTERFACE_BLOCK = 1,
	PCAPNG_OBSOLETE_PACKET_BLOCK = 2,	/* as it was before 2010 */
	PCAPNG_SIMPLE_PACKET_BLOCK = 3,		/* no time, of the section's first interface */
	PCAPNG_STATISTICS_BLOCK = 5,
	PCAPNG_PACKET_BLOCK = 6,
	PCAPNG_SECTION_BLOCK = 0x0a0d0d0a,	/* the same in either byte order */
	PCAPNG_BYTE_ORDER = 0x1a2b3c4d,
};

/* The codes of options. Those from 2 on have another meaning in each block. */
enum {
	PCAPNG_END = 0,
	PCAPNG_COMMENT = 1,
	PCAPNG_SECTION_HARDWARE = 2,
	PCAPNG_SECTION_OS = 3,
	PCAPNG_SECTION_PROGRAM = 4,
	PCAPNG_INTERFACE_NAME = 2,
	PCAPNG_INTERFACE_DESCRIPTION = 3,
	PCAPNG_INTERFACE_RESOLUTION = 9,	/* a byte: of time stamps, 10^-N s; 128 + N: 2^-N s */
	PCAPNG_INTERFACE_FILTER = 11,	/* a byte, 0 for a text in libpcap's language, and it */
	PCAPNG_INTERFACE_OS = 12,
	PCAPNG_INTERFACE_OFFSET = 14,	/* signed seconds to add to time stamps */
	PCAPNG_PACKET_FLAGS = 2,
	PCAPNG_STATISTICS_START = 2,
	PCAPNG_STATISTICS_STOP = 3,
	PCAPNG_STATISTICS_RECEIVED = 4,
	PCAPNG_STATISTICS_DROPPED = 5,	/* by the interface, or for want of room before the filter */
};

/* The flags of a packet: which way it went, and whom it was for. 0: not known. */
enum {
	PCAPNG_INBOUND = 1,
	PCAPNG_OUTBOUND = 2,
	PCAPNG_UNICAST = 1 << 2,
	PCAPNG_MULTICAST = 2 << 2,
	PCAPNG_BROADCAST = 3 << 2,
	PCAPNG_PROMISCUOUS = 4 << 2,	/* for another host */
};

/* Bytes that blocks take. */
enum {
	PCAPNG_TEXT_MAX = 255,	/* of a name and the like; what is longer is cut */
	PCAPNG_FILTER_MAX = 65534,	/* of a filter; an option has at most 65535, one is its kind */
	PCAPNG_OPTION_MAX = 4 + 256,	/* an option with such a text */

	PCAPNG_SECTION_MAX = 24 + 2 * PCAPNG_OPTION_MAX + 4 + 4,
	PCAPNG_INTERFACE_MAX = 16 + 3 * PCAPNG_OPTION_MAX + 8 + 4 + 65536 + 4 + 4,
	PCAPNG_STATISTICS_MAX = 20 + 4 * 12 + 4 + 4,
	PCAPNG_PACKET_HEAD = 28,	/* before the packet's bytes */
	PCAPNG_PACKET_TAIL = 3 + 8 + 4 + 4,	/* behind them, at most */
};

/* ---- Writing: blocks in the machine's byte order ---- */

/* How many zeros come behind LEN bytes: 0 to 3. */
static inline uint32_t pcapng_padding(uint32_t len)
{
	return -len & 3;
}

static inline unsigned char *pcapng_put16(unsigned char *at, uint16_t n)
{
	memcpy(at, &n, sizeof n);
	return at + sizeof n;
}

static inline unsigned char *pcapng_put32(unsigned char *at, uint32_t n)
{
	memcpy(at, &n, sizeof n);
	return at + sizeof n;
}

static inline unsigned char *pcapng_put64(unsigned char *at, uint64_t n)
{
	memcpy(at, &n, sizeof n);
	return at + sizeof n;
}

/* A time stamp is two numbers of 32 bits, the high one first in either byte order. */
static inline unsigned char *pcapng_put_time(unsigned char *at, uint64_t time)
{
	return pcapng_put32(pcapng_put32(at, (uint32_t)(time >> 32)), (uint32_t)time);
}

/* Puts the head of an option whose value has LEN bytes, and the zeros that come behind the value.
 * Returns where the value belongs. */
static inline unsigned char *pcapng_put_option(unsigned char *at, uint16_t code, uint16_t len)
{
	at = pcapng_put16(pcapng_put16(at, code), len);
	memset(at + len, 0, pcapng_padding(len));
	return at;
}

static inline unsigned char *pcapng_put_option64(unsigned char *at, uint16_t code, uint64_t n)
{
	return pcapng_put64(pcapng_put_option(at, code, sizeof n), n);
}

static inline unsigned char *pcapng_put_option_time(unsigned char *at, uint16_t code, uint64_t time)
{
	return pcapng_put_time(pcapng_put_option(at, code, 8), time);
}

/* How many bytes the character at TEXT has in UTF-8 (RFC 3629), of the LEN bytes, at least 1, that
 * are there; 0 for a byte that is of none. */
static inline uint32_t pcapng_utf8(const unsigned char *text, uint32_t len)
{
	unsigned char first = text[0], low = 0x80, high = 0xbf;	/* the second byte's range */
	uint32_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (n == 1)
		return 1;
	if (first < 0xc2 || first > 0xf4 || len < n)
		return 0;
	if (first == 0xe0)
		low = 0xa0;	/* below: too long a form */
	else if (first == 0xed)
		high = 0x9f;	/* above: surrogates */
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;	/* above: more than U+10FFFF */
	if (text[1] < low || text[1] > high)
		return 0;
	for (uint32_t i = 2; i < n; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return n;
}

/* Puts LEN bytes of TEXT. Texts have to be UTF-8, so each byte that is of no character becomes a ?. */
static inline void pcapng_put_text(unsigned char *at, const char *text, uint32_t len)
{
	const unsigned char *from = (const unsigned char *)text;
	uint32_t i = 0, n;

	while (i < len) {
		n = pcapng_utf8(from + i, len - i);
		if (n) {
			memcpy(at + i, from + i, n);
			i += n;
		} else {
			at[i++] = '?';
		}
	}
}

/* The length of TEXT, at most MOST. */
static inline uint32_t pcapng_length(const char *text, uint32_t most)
{
	uint32_t len = 0;

	while (len < most && text[len])
		len++;
	return len;
}

/* Puts an option with the first PCAPNG_TEXT_MAX bytes of TEXT, or none where TEXT is NULL or empty.
 * Returns where the next option belongs. */
static inline unsigned char *pcapng_put_option_text(unsigned char *at, uint16_t code, const char *text)
{
	uint32_t len = text ? pcapng_length(text, PCAPNG_TEXT_MAX) : 0;

	if (!len)
		return at;
	at = pcapng_put_option(at, code, (uint16_t)len);
	pcapng_put_text(at, text, len);
	return at + len + pcapng_padding(len);
}

/* Puts the option with the filter TEXT, or none where it is NULL, empty or longer than
 * PCAPNG_FILTER_MAX: half a filter would be another one. */
static inline unsigned char *pcapng_put_filter(unsigned char *at, const char *text)
{
	uint32_t len = text ? pcapng_length(text, PCAPNG_FILTER_MAX + 1) : 0;

	if (!len || len > PCAPNG_FILTER_MAX)
		return at;
	at = pcapng_put_option(at, PCAPNG_INTERFACE_FILTER, (uint16_t)(1 + len));
	*at = 0;	/* a text */
	pcapng_put_text(at + 1, text, len);
	return at + 1 + len + pcapng_padding(1 + len);
}

/* Ends the options at END, and with them BLOCK. Returns the bytes it has. */
static inline uint32_t pcapng_end_block(unsigned char *block, unsigned char *end)
{
	uint32_t len;

	end = pcapng_put32(end, PCAPNG_END);
	len = (uint32_t)(end - block) + 4;
	pcapng_put32(block + 4, len);
	pcapng_put32(end, len);
	return len;
}

/* Puts the head of a section's block up to its options. Returns where they belong. */
static inline unsigned char *pcapng_put_section_head(unsigned char *at)
{
	at = pcapng_put32(at, PCAPNG_SECTION_BLOCK) + 4;
	at = pcapng_put32(at, PCAPNG_BYTE_ORDER);
	at = pcapng_put16(pcapng_put16(at, 1), 0);	/* version 1.0 */
	return pcapng_put64(at, UINT64_MAX);	/* how long the section is: not said */
}

/* Puts a section header, at most PCAPNG_SECTION_MAX bytes: the operating system OS and the PROGRAM
 * that writes, either may be NULL. Returns its bytes. */
static inline uint32_t pcapng_put_section(unsigned char *at, const char *os, const char *program)
{
	unsigned char *end = pcapng_put_section_head(at);

	end = pcapng_put_option_text(end, PCAPNG_SECTION_OS, os);
	end = pcapng_put_option_text(end, PCAPNG_SECTION_PROGRAM, program);
	return pcapng_end_block(at, end);
}

/* An interface as it is described. Texts may be NULL or empty, then they are left out. */
struct pcapng_interface {
	const char *name, *description, *filter, *os;
	uint32_t snaplen;	/* bytes, 0 for no limit */
	uint16_t linktype;	/* LINKTYPE_... */
	uint16_t unit;	/* nanoseconds in a time stamp's last digit: 1 or 1000 */
};

/* Puts the head of an interface's block up to its options, and the one that says UNIT. Returns where
 * the others belong. */
static inline unsigned char *pcapng_put_interface_head(unsigned char *at, uint16_t linktype,
    uint32_t snaplen, unsigned unit)
{
	at = pcapng_put32(at, PCAPNG_INTERFACE_BLOCK) + 4;
	at = pcapng_put16(pcapng_put16(at, linktype), 0);
	at = pcapng_put32(at, snaplen);
	at = pcapng_put_option(at, PCAPNG_INTERFACE_RESOLUTION, 1);
	*at = unit == 1 ? 9 : 6;
	return at + 4;
}

/* Puts the description of an interface, at most PCAPNG_INTERFACE_MAX bytes. The first in a section
 * has the number 0, and so on. Returns its bytes. */
static inline uint32_t pcapng_put_interface(unsigned char *at, const struct pcapng_interface *i)
{
	unsigned char *end = pcapng_put_interface_head(at, i->linktype, i->snaplen, i->unit);

	end = pcapng_put_option_text(end, PCAPNG_INTERFACE_NAME, i->name);
	end = pcapng_put_option_text(end, PCAPNG_INTERFACE_DESCRIPTION, i->description);
	end = pcapng_put_filter(end, i->filter);
	end = pcapng_put_option_text(end, PCAPNG_INTERFACE_OS, i->os);
	return pcapng_end_block(at, end);
}

/* SEC (since 1970, at most PCAPNG_SEC_MAX) and NSEC as a time stamp of an interface with UNIT. */
static inline uint64_t pcapng_time(uint64_t sec, uint32_t nsec, unsigned unit)
{
	return unit == 1 ? sec * 1000000000 + nsec : sec * 1000000 + nsec / 1000;
}

/* The flags of a packet that the kernel calls PKTTYPE (PACKET_HOST and so on, packet(7)). */
static inline uint32_t pcapng_flags(unsigned pkttype)
{
	static const uint8_t flags[] = {
		PCAPNG_INBOUND | PCAPNG_UNICAST,	/* PACKET_HOST */
		PCAPNG_INBOUND | PCAPNG_BROADCAST,	/* PACKET_BROADCAST */
		PCAPNG_INBOUND | PCAPNG_MULTICAST,	/* PACKET_MULTICAST */
		PCAPNG_INBOUND | PCAPNG_PROMISCUOUS,	/* PACKET_OTHERHOST */
		PCAPNG_OUTBOUND,			/* PACKET_OUTGOING */
	};

	return pkttype < sizeof flags ? flags[pkttype] : 0;
}

/* How many bytes the block of a packet has, its CAPLEN bytes included. */
static inline uint32_t pcapng_packet_size(uint32_t caplen)
{
	return PCAPNG_PACKET_HEAD + caplen + pcapng_padding(caplen) + 8 + 4 + 4;
}

/* Puts what stands before the bytes of a packet, PCAPNG_PACKET_HEAD bytes. The length of the block
 * comes with its end. */
static inline void pcapng_put_packet_head(unsigned char *at, uint32_t interface, uint64_t time,
    uint32_t caplen, uint32_t origlen)
{
	at = pcapng_put32(at, PCAPNG_PACKET_BLOCK) + 4;
	at = pcapng_put_time(pcapng_put32(at, interface), time);
	pcapng_put32(pcapng_put32(at, caplen), origlen);
}

/* Puts what is behind the CAPLEN bytes of a packet: what pads them, and FLAGS. Returns where other
 * options belong. */
static inline unsigned char *pcapng_put_packet_flags(unsigned char *at, uint32_t caplen, uint32_t flags)
{
	memset(at, 0, pcapng_padding(caplen));
	at = pcapng_put16(at + pcapng_padding(caplen), PCAPNG_PACKET_FLAGS);
	return pcapng_put32(pcapng_put16(at, sizeof flags), flags);
}

/* Puts the end of BLOCK, a packet whose CAPLEN bytes stand behind its PCAPNG_PACKET_HEAD bytes: at
 * most PCAPNG_PACKET_TAIL. FLAGS is 0 where nothing is known; they are put all the same, so that
 * the length of the block follows from caplen alone. */
static inline void pcapng_put_packet_tail(unsigned char *block, uint32_t caplen, uint32_t flags)
{
	unsigned char *at = block + PCAPNG_PACKET_HEAD + caplen;

	pcapng_end_block(block, pcapng_put_packet_flags(at, caplen, flags));
}

/* What is known of an interface at the end. Times are those of pcapng_time(); each number may be
 * PCAPNG_UNKNOWN. */
struct pcapng_statistics {
	uint64_t start, stop;	/* when the capture began and ended */
	uint64_t received;	/* packets, dropped ones included */
	uint64_t dropped;	/* packets for which there was no room */
};
#define PCAPNG_UNKNOWN UINT64_MAX

/* Puts the statistics of an interface, at most PCAPNG_STATISTICS_MAX bytes. Returns its bytes. */
static inline uint32_t pcapng_put_statistics(unsigned char *at, uint32_t interface,
    const struct pcapng_statistics *s)
{
	unsigned char *end = pcapng_put32(at, PCAPNG_STATISTICS_BLOCK) + 4;

	end = pcapng_put_time(pcapng_put32(end, interface), s->stop != PCAPNG_UNKNOWN ? s->stop : 0);
	if (s->start != PCAPNG_UNKNOWN)
		end = pcapng_put_option_time(end, PCAPNG_STATISTICS_START, s->start);
	if (s->stop != PCAPNG_UNKNOWN)
		end = pcapng_put_option_time(end, PCAPNG_STATISTICS_STOP, s->stop);
	if (s->received != PCAPNG_UNKNOWN)
		end = pcapng_put_option64(end, PCAPNG_STATISTICS_RECEIVED, s->received);
	if (s->dropped != PCAPNG_UNKNOWN)
		end = pcapng_put_option64(end, PCAPNG_STATISTICS_DROPPED, s->dropped);
	return pcapng_end_block(at, end);
}

/* How many bytes the block has that stands at BLOCK, in the machine's byte order. */
static inline uint32_t pcapng_block_size(const unsigned char *block)
{
	uint32_t len;

	memcpy(&len, block + 4, sizeof len);
	return len;
}

/* ---- Reading: bytes of a file in, blocks out. Whoever calls does the reading. ---- */

enum {
	PCAPNG_INTERFACES = 4096,	/* in a section, at most: containers that come and go may bring hundreds a day */
	PCAPNG_NAME_SIZE = 64,	/* bytes kept of an interface's name, with a 0: Windows has names of 50 */
	PCAPNG_SNAPLEN_MAX = 262144,	/* bytes: of a longer packet so many count, as in pcap.h */
	/* bytes of a block that must be there at once: a packet and 64 KiB of options. What a longer
	 * block has behind them is passed over */
	PCAPNG_BLOCK_MAX = 32 + PCAPNG_SNAPLEN_MAX + 65536 + 64,
};
#define PCAPNG_SEC_MAX UINT64_C(18446744072)	/* in 2554: all of its nanoseconds fit into 64 bits */

/* An interface of the section that is being read. */
struct pcapng_link {
	int64_t offset;	/* seconds to add to time stamps */
	uint32_t snaplen;	/* bytes, 0 for no limit */
	uint16_t linktype;	/* LINKTYPE_... */
	uint8_t resolution;	/* as in PCAPNG_INTERFACE_RESOLUTION */
	char name[PCAPNG_NAME_SIZE];	/* any bytes, cut; "" if it has none */
};

/* Zero before the first block. At the end of the file `left` must be 0 and no byte be over, else the
 * file is cut. */
struct pcapng_reader {
	const char *why;	/* the file cannot be read on; NULL until then */
	unsigned in_section;	/* 1 once there was a section header */
	unsigned flip;	/* 7 if the section's numbers are little-endian, 0 if big */
	uint32_t len, left;	/* bytes of the block that is being passed over: all, and to come */
	uint32_t first;	/* number, through the whole file, of the section's interface 0 */
	uint32_t links;	/* interfaces in the section so far */
	struct pcapng_link link[PCAPNG_INTERFACES];
};

/* Bytes within the block that was read. NULL, 0 where it has none. */
struct pcapng_bytes {
	const unsigned char *at;
	uint32_t len;
};

enum pcapng_kind {
	PCAPNG_NOTHING,	/* a block of another kind, or a piece of a block that is passed over */
	PCAPNG_SECTION,	/* begins: its interfaces are counted from 0 again */
	PCAPNG_INTERFACE,	/* number `interface`; from now on it is link[interface], too */
	PCAPNG_PACKET,
	PCAPNG_STATISTICS,	/* of an interface: what its numbers are at the time */
};

struct pcapng_block {
	enum pcapng_kind kind;
	uint32_t interface;	/* its number in the section; less than the reader's links */
	struct pcapng_bytes options;	/* all of them, for pcapng_read_option() */
	struct pcapng_bytes comment;	/* the first, UTF-8 or not */

	/* a packet */
	const unsigned char *data;
	uint32_t caplen;	/* bytes at data, at most PCAPNG_SNAPLEN_MAX */
	uint32_t origlen;	/* bytes on the wire, at least caplen */
	uint64_t sec;	/* since 1970, at most PCAPNG_SEC_MAX; what is before 1970 is 0 */
	uint32_t nsec;	/* 0 to 999999999 */
	uint32_t flags;	/* PCAPNG_INBOUND and so on, and others above them; 0: not known */

	/* an interface: of its number, type and snaplen see its link */
	struct pcapng_bytes name, description, filter, os;

	/* statistics; nanoseconds since 1970, as pcapng_time() has them with a unit of 1 */
	struct pcapng_statistics statistics;
};

/* The number of SIZE bytes, 1 to 8 and a power of 2, at AT in the file. */
static inline uint64_t pcapng_get(const struct pcapng_reader *r, const unsigned char *at, unsigned size)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < size; i++)
		n = n << 8 | at[i ^ (r->flip & (size - 1))];
	return n;
}

static inline uint16_t pcapng_get16(const struct pcapng_reader *r, const unsigned char *at)
{
	return (uint16_t)pcapng_get(r, at, 2);
}

static inline uint32_t pcapng_get32(const struct pcapng_reader *r, const unsigned char *at)
{
	return (uint32_t)pcapng_get(r, at, 4);
}

static inline uint64_t pcapng_get_time(const struct pcapng_reader *r, const unsigned char *at)
{
	return (uint64_t)pcapng_get32(r, at) << 32 | pcapng_get32(r, at + 4);
}

/* Takes a time stamp: *SEC and *NSEC are what is left of TIME, in units of 10^-EXPONENT s. */
static inline void pcapng_split_decimal(uint64_t time, unsigned exponent, uint64_t *sec, uint32_t *nsec)
{
	uint64_t second = 1;

	for (; exponent > 19; exponent--)	/* 10^19 is the last that fits */
		time /= 10;
	for (unsigned i = 0; i < exponent; i++)
		second *= 10;
	*sec = time / second;
	time %= second;
	for (; exponent < 9; exponent++)
		time *= 10;
	for (; exponent > 9; exponent--)
		time /= 10;
	*nsec = (uint32_t)time;
}

/* As pcapng_split_decimal(), in units of 2^-EXPONENT s. */
static inline void pcapng_split_binary(uint64_t time, unsigned exponent, uint64_t *sec, uint32_t *nsec)
{
	for (; exponent > 63; exponent--)
		time >>= 1;
	*sec = time >> exponent;
	time &= ((uint64_t)1 << exponent) - 1;
	if (exponent > 32) {	/* the product may need more than 64 bits: in two halves */
		time = (time >> 32) * 1000000000 + ((time & 0xffffffff) * 1000000000 >> 32);
		*nsec = (uint32_t)(time >> (exponent - 32));
	} else {
		*nsec = (uint32_t)(time * 1000000000 >> exponent);
	}
}

/* Turns TIME, a time stamp of the interface LINK, into seconds since 1970, 0 to PCAPNG_SEC_MAX, and
 * nanoseconds. What is before or behind these becomes the first or the last of them. */
static inline void pcapng_split_time(const struct pcapng_link *link, uint64_t time, uint64_t *sec,
    uint32_t *nsec)
{
	uint64_t offset = (uint64_t)link->offset, back = -offset;

	if (link->resolution & 0x80)
		pcapng_split_binary(time, link->resolution & 0x7f, sec, nsec);
	else
		pcapng_split_decimal(time, link->resolution, sec, nsec);
	if (link->offset < 0 && *sec < back) {
		*sec = 0;
		*nsec = 0;
	} else if (link->offset >= 0 && *sec > UINT64_MAX - offset) {
		*sec = UINT64_MAX;
	} else {
		*sec += offset;
	}
	if (*sec > PCAPNG_SEC_MAX) {
		*sec = PCAPNG_SEC_MAX;
		*nsec = 999999999;
	}
}

/* As pcapng_split_time(), in nanoseconds. */
static inline uint64_t pcapng_nanoseconds(const struct pcapng_link *link, uint64_t time)
{
	uint64_t sec;
	uint32_t nsec;

	pcapng_split_time(link, time, &sec, &nsec);
	return pcapng_time(sec, nsec, 1);
}

struct pcapng_option {
	uint16_t code, len;
	const unsigned char *value;
};

/* Takes the first option off LEFT, which begins as a block's options. Returns 1; 0 behind the last;
 * -1 if the option is longer than what is left. */
static inline int pcapng_next_option(const struct pcapng_reader *r, struct pcapng_bytes *left,
    struct pcapng_option *o)
{
	uint32_t size;

	if (left->len < 4)
		return 0;
	o->code = pcapng_get16(r, left->at);
	o->len = pcapng_get16(r, left->at + 2);
	o->value = left->at + 4;
	size = 4 + o->len + pcapng_padding(o->len);
	if (o->code == PCAPNG_END)
		return 0;
	if (size > left->len)
		return -1;
	left->at += size;
	left->len -= size;
	return 1;
}

/* Keeps the value of O as TEXT, unless there is one. */
static inline void pcapng_keep_text(struct pcapng_bytes *text, const struct pcapng_option *o)
{
	if (text->at)
		return;
	text->at = o->value;
	text->len = o->len;
}

/* The file cannot be read on, and WHY. */
static inline int pcapng_fail(struct pcapng_reader *r, const char *why)
{
	r->why = why;
	return -1;
}

static inline int pcapng_read_section(struct pcapng_reader *r, const unsigned char *at, uint32_t end,
    struct pcapng_block *b)
{
	struct pcapng_option o;
	struct pcapng_bytes left;

	if (pcapng_get16(r, at + 12) != 1)
		return pcapng_fail(r, "pcapng of another version than 1");
	r->in_section = 1;
	r->first += r->links;
	r->links = 0;
	b->kind = PCAPNG_SECTION;
	b->options.at = at + 24;
	b->options.len = end - 24;
	left = b->options;
	while (pcapng_next_option(r, &left, &o) > 0)
		if (o.code == PCAPNG_COMMENT)
			pcapng_keep_text(&b->comment, &o);
	return 0;
}

/* Takes an option of the interface LINK. Returns -1 if it lies about the time. */
static inline int pcapng_read_interface_option(const struct pcapng_reader *r, struct pcapng_link *link,
    struct pcapng_block *b, const struct pcapng_option *o)
{
	switch (o->code) {
	case PCAPNG_COMMENT:
		pcapng_keep_text(&b->comment, o);
		return 0;
	case PCAPNG_INTERFACE_NAME:
		pcapng_keep_text(&b->name, o);
		return 0;
	case PCAPNG_INTERFACE_DESCRIPTION:
		pcapng_keep_text(&b->description, o);
		return 0;
	case PCAPNG_INTERFACE_OS:
		pcapng_keep_text(&b->os, o);
		return 0;
	case PCAPNG_INTERFACE_FILTER:
		if (o->len > 1 && *o->value == 0 && !b->filter.at) {
			b->filter.at = o->value + 1;
			b->filter.len = o->len - 1u;
		}
		return 0;
	case PCAPNG_INTERFACE_RESOLUTION:
		if (o->len != 1)
			return -1;
		link->resolution = *o->value;
		return 0;
	case PCAPNG_INTERFACE_OFFSET:
		if (o->len != 8)
			return -1;
		link->offset = (int64_t)pcapng_get(r, o->value, 8);
		return 0;
	default:
		return 0;
	}
}

static inline int pcapng_read_interface(struct pcapng_reader *r, const unsigned char *at, uint32_t end,
    struct pcapng_block *b)
{
	struct pcapng_link *link = r->link + r->links;
	struct pcapng_option o;
	struct pcapng_bytes left;
	int more;

	if (r->links == PCAPNG_INTERFACES)
		return pcapng_fail(r, "more than 4096 interfaces in a section");
	memset(link, 0, sizeof *link);
	link->linktype = pcapng_get16(r, at + 8);
	link->snaplen = pcapng_get32(r, at + 12);
	link->resolution = 6;	/* microseconds, where nothing else is said */
	b->kind = PCAPNG_INTERFACE;
	b->interface = r->links;
	b->options.at = at + 16;
	b->options.len = end - 16;
	left = b->options;
	do {
		more = pcapng_next_option(r, &left, &o);
		if (more < 0 || (more && pcapng_read_interface_option(r, link, b, &o) < 0))
			return pcapng_fail(r, "an interface with broken options");
	} while (more);
	if (b->name.at)
		memcpy(link->name, b->name.at,
		    b->name.len < PCAPNG_NAME_SIZE ? b->name.len : PCAPNG_NAME_SIZE - 1);
	r->links++;
	return 0;
}

static inline void pcapng_read_statistics_option(const struct pcapng_reader *r, struct pcapng_block *b,
    const struct pcapng_option *o)
{
	const struct pcapng_link *link = r->link + b->interface;

	if (o->code == PCAPNG_COMMENT)
		pcapng_keep_text(&b->comment, o);
	if (o->len != 8)
		return;
	switch (o->code) {
	case PCAPNG_STATISTICS_START:
		b->statistics.start = pcapng_nanoseconds(link, pcapng_get_time(r, o->value));
		return;
	case PCAPNG_STATISTICS_STOP:
		b->statistics.stop = pcapng_nanoseconds(link, pcapng_get_time(r, o->value));
		return;
	case PCAPNG_STATISTICS_RECEIVED:
		b->statistics.received = pcapng_get(r, o->value, 8);
		return;
	case PCAPNG_STATISTICS_DROPPED:
		b->statistics.dropped = pcapng_get(r, o->value, 8);
		return;
	}
}

static inline void pcapng_read_statistics(const struct pcapng_reader *r, const unsigned char *at,
    uint32_t end, struct pcapng_block *b)
{
	struct pcapng_option o;
	struct pcapng_bytes left;

	b->interface = pcapng_get32(r, at + 8);
	if (b->interface >= r->links)
		return;	/* worth nothing, but no harm to packets */
	b->kind = PCAPNG_STATISTICS;
	b->options.at = at + 20;
	b->options.len = end - 20;
	b->statistics.start = b->statistics.stop = PCAPNG_UNKNOWN;
	b->statistics.received = b->statistics.dropped = PCAPNG_UNKNOWN;
	left = b->options;
	while (pcapng_next_option(r, &left, &o) > 0)
		pcapng_read_statistics_option(r, b, &o);
}

/* Takes the bytes of a packet, which begin at HEAD in its block, and its options behind them.
 * b->interface, caplen and origlen are as the file has them; LEN and END as in
 * pcapng_read_body(). */
static inline int pcapng_read_bytes(struct pcapng_reader *r, const unsigned char *at, uint32_t head,
    uint32_t len, uint32_t end, struct pcapng_block *b)
{
	struct pcapng_option o;
	struct pcapng_bytes left;
	uint32_t behind;

	if (b->interface >= r->links)
		return pcapng_fail(r, "a packet of an interface that is not described");
	if (b->caplen > len - 4 - head)
		return pcapng_fail(r, "a packet longer than its block");
	behind = head + b->caplen + pcapng_padding(b->caplen);
	if (b->origlen < b->caplen)
		b->origlen = b->caplen;
	if (b->caplen > PCAPNG_SNAPLEN_MAX)
		b->caplen = PCAPNG_SNAPLEN_MAX;
	b->kind = PCAPNG_PACKET;
	b->data = at + head;
	if (behind >= end)
		return 0;
	b->options.at = at + behind;
	b->options.len = end - behind;
	left = b->options;
	while (pcapng_next_option(r, &left, &o) > 0) {
		if (o.code == PCAPNG_COMMENT)
			pcapng_keep_text(&b->comment, &o);
		else if (o.code == PCAPNG_PACKET_FLAGS && o.len == 4)
			b->flags = pcapng_get32(r, o.value);
	}
	return 0;
}

/* A packet as it is now, or as it was: then the interface has 16 bits. */
static inline int pcapng_read_packet(struct pcapng_reader *r, const unsigned char *at, uint32_t type,
    uint32_t len, uint32_t end, struct pcapng_block *b)
{
	b->interface = type == PCAPNG_PACKET_BLOCK ? pcapng_get32(r, at + 8) : pcapng_get16(r, at + 8);
	b->caplen = pcapng_get32(r, at + 20);
	b->origlen = pcapng_get32(r, at + 24);
	if (pcapng_read_bytes(r, at, PCAPNG_PACKET_HEAD, len, end, b) < 0)
		return -1;
	pcapng_split_time(r->link + b->interface, pcapng_get_time(r, at + 12), &b->sec, &b->nsec);
	return 0;
}

/* A packet of which only the original length is said: it was cut to the snaplen of interface 0. */
static inline int pcapng_read_simple_packet(struct pcapng_reader *r, const unsigned char *at,
    uint32_t len, uint32_t end, struct pcapng_block *b)
{
	uint32_t snaplen = r->links ? r->link->snaplen : 0;

	b->origlen = b->caplen = pcapng_get32(r, at + 8);
	if (snaplen && b->caplen > snaplen)
		b->caplen = snaplen;
	return pcapng_read_bytes(r, at, 12, len, end, b);
}

/* Takes the block of TYPE and LEN at AT, of which END bytes are there, the length at its end not
 * counted. */
static inline int pcapng_read_body(struct pcapng_reader *r, const unsigned char *at, uint32_t type,
    uint32_t len, uint32_t end, struct pcapng_block *b)
{
	switch (type) {
	case PCAPNG_SECTION_BLOCK:
		return pcapng_read_section(r, at, end, b);
	case PCAPNG_INTERFACE_BLOCK:
		return pcapng_read_interface(r, at, end, b);
	case PCAPNG_STATISTICS_BLOCK:
		pcapng_read_statistics(r, at, end, b);
		return 0;
	case PCAPNG_SIMPLE_PACKET_BLOCK:
		return pcapng_read_simple_packet(r, at, len, end, b);
	case PCAPNG_PACKET_BLOCK:
	case PCAPNG_OBSOLETE_PACKET_BLOCK:
		return pcapng_read_packet(r, at, type, len, end, b);
	default:
		return 0;
	}
}

/* The bytes that a block of TYPE has at least; 12 for those that are passed over. */
static inline uint32_t pcapng_smallest(uint32_t type)
{
	switch (type) {
	case PCAPNG_SECTION_BLOCK:
		return 28;
	case PCAPNG_INTERFACE_BLOCK:
		return 20;
	case PCAPNG_STATISTICS_BLOCK:
		return 24;
	case PCAPNG_SIMPLE_PACKET_BLOCK:
		return 16;
	case PCAPNG_PACKET_BLOCK:
	case PCAPNG_OBSOLETE_PACKET_BLOCK:
		return 32;
	default:
		return 12;
	}
}

/* Whether a file that begins with the 4 bytes at AT is pcapng. */
static inline int pcapng_is_file(const unsigned char *at)
{
	return at[0] == 0x0a && at[1] == 0x0d && at[2] == 0x0d && at[3] == 0x0a;
}

/* Settles the byte order of the section whose header stands at AT. */
static inline int pcapng_read_order(struct pcapng_reader *r, const unsigned char *at)
{
	r->flip = 0;
	if (pcapng_get32(r, at + 8) == PCAPNG_BYTE_ORDER)
		return 0;
	r->flip = 7;
	if (pcapng_get32(r, at + 8) == PCAPNG_BYTE_ORDER)
		return 0;
	return pcapng_fail(r, "a section in no known byte order");
}

static const char pcapng_lengths_differ[] = "a block with two lengths";

/* Passes over more of a block that is not kept. Returns as pcapng_read_block(). */
static inline uint32_t pcapng_pass_over(struct pcapng_reader *r, const unsigned char *at, uint32_t have)
{
	uint32_t body = r->left - 4;

	if (body) {
		if (body > have)
			body = have;
		r->left -= body;
		return body ? body : 1;
	}
	if (have < 4)
		return 4;
	r->left = 0;
	if (pcapng_get32(r, at) != r->len)
		pcapng_fail(r, pcapng_lengths_differ);
	return r->why ? 0 : 4;
}

/* Takes the next block of the file, which begins at AT and of which HAVE bytes are there. Returns how
 * many bytes it takes, and what they are in B. More than HAVE means that so many must be there, at
 * most PCAPNG_BLOCK_MAX, before B says anything; 0, that the rest of the file is lost, for the reason
 * in r->why. What is not kept is taken in pieces of any size, each PCAPNG_NOTHING. B points into the
 * bytes at AT. */
static inline uint32_t pcapng_read_block(struct pcapng_reader *r, const unsigned char *at,
    uint32_t have, struct pcapng_block *b)
{
	uint32_t type, len, take, smallest;

	memset(b, 0, sizeof *b);
	if (r->why)
		return 0;
	if (r->left)
		return pcapng_pass_over(r, at, have);
	if (have < 12)
		return 12;
	if (!pcapng_is_file(at) && !r->in_section)
		pcapng_fail(r, "not a pcapng file");
	else if (pcapng_is_file(at))
		pcapng_read_order(r, at);
	type = pcapng_get32(r, at);
	len = pcapng_get32(r, at + 4);
	smallest = pcapng_smallest(type);
	if (len < smallest || len % 4)
		pcapng_fail(r, "a block of impossible length");
	if (r->why)
		return 0;
	take = len;
	if (smallest == 12)
		take = 8;	/* its type and its length; the rest is passed over */
	else if (len > PCAPNG_BLOCK_MAX)
		take = PCAPNG_BLOCK_MAX;
	if (have < take)
		return take;
	if (take == len && pcapng_get32(r, at + len - 4) != len)
		pcapng_fail(r, pcapng_lengths_differ);
	else
		pcapng_read_body(r, at, type, len, take == len ? len - 4 : take, b);
	r->len = len;
	r->left = len - take;
	return r->why ? 0 : take;
}

/* ---- Writing what was read ---- */

/* What of a file's options is kept when it is written again. Those of another byte order are turned,
 * times and flags are the caller's. */
enum pcapng_form {
	PCAPNG_TEXT,
	PCAPNG_RAW,	/* bytes as they stand */
	PCAPNG_NUMBER,	/* of 4 or 8 bytes */
};

struct pcapng_kept {
	uint8_t kind, code, form;
	uint8_t len;	/* bytes of the value, 0 for any number */
};

/* How the option CODE of a block of KIND is kept, or NULL where it is left out. */
static inline const struct pcapng_kept *pcapng_find_kept(enum pcapng_kind kind, uint16_t code)
{
	static const struct pcapng_kept kept[] = {
		{ PCAPNG_SECTION, PCAPNG_COMMENT, PCAPNG_TEXT, 0 },
		{ PCAPNG_INTERFACE, PCAPNG_COMMENT, PCAPNG_TEXT, 0 },
		{ PCAPNG_PACKET, PCAPNG_COMMENT, PCAPNG_TEXT, 0 },
		{ PCAPNG_STATISTICS, PCAPNG_COMMENT, PCAPNG_TEXT, 0 },
		{ PCAPNG_SECTION, PCAPNG_SECTION_HARDWARE, PCAPNG_TEXT, 0 },
		{ PCAPNG_SECTION, PCAPNG_SECTION_OS, PCAPNG_TEXT, 0 },
		{ PCAPNG_INTERFACE, PCAPNG_INTERFACE_NAME, PCAPNG_TEXT, 0 },
		{ PCAPNG_INTERFACE, PCAPNG_INTERFACE_DESCRIPTION, PCAPNG_TEXT, 0 },
		{ PCAPNG_INTERFACE, 4, PCAPNG_RAW, 8 },	/* IPv4 address */
		{ PCAPNG_INTERFACE, 5, PCAPNG_RAW, 17 },	/* IPv6 address */
		{ PCAPNG_INTERFACE, 6, PCAPNG_RAW, 6 },	/* MAC address */
		{ PCAPNG_INTERFACE, 7, PCAPNG_RAW, 8 },	/* EUI-64 */
		{ PCAPNG_INTERFACE, 8, PCAPNG_NUMBER, 8 },	/* speed, bits per second */
		{ PCAPNG_INTERFACE, PCAPNG_INTERFACE_FILTER, PCAPNG_RAW, 0 },
		{ PCAPNG_INTERFACE, PCAPNG_INTERFACE_OS, PCAPNG_TEXT, 0 },
		{ PCAPNG_INTERFACE, 13, PCAPNG_RAW, 1 },	/* bytes of frame check sequence */
		{ PCAPNG_INTERFACE, 15, PCAPNG_TEXT, 0 },	/* hardware */
		{ PCAPNG_INTERFACE, 16, PCAPNG_NUMBER, 8 },	/* speed of sending */
		{ PCAPNG_INTERFACE, 17, PCAPNG_NUMBER, 8 },	/* speed of receiving */
		{ PCAPNG_PACKET, 4, PCAPNG_NUMBER, 8 },	/* packets lost before this one */
		{ PCAPNG_PACKET, 5, PCAPNG_NUMBER, 8 },	/* packet identifier */
		{ PCAPNG_PACKET, 6, PCAPNG_NUMBER, 4 },	/* queue of the interface */
		{ PCAPNG_STATISTICS, PCAPNG_STATISTICS_RECEIVED, PCAPNG_NUMBER, 8 },
		{ PCAPNG_STATISTICS, PCAPNG_STATISTICS_DROPPED, PCAPNG_NUMBER, 8 },
		{ PCAPNG_STATISTICS, 6, PCAPNG_NUMBER, 8 },	/* accepted by the filter */
		{ PCAPNG_STATISTICS, 7, PCAPNG_NUMBER, 8 },	/* dropped by the operating system */
		{ PCAPNG_STATISTICS, 8, PCAPNG_NUMBER, 8 },	/* given to the user */
	};

	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (kept[i].kind == kind && kept[i].code == code)
			return kept + i;
	return NULL;
}

/* Puts N as SIZE bytes, 4 or 8. */
static inline void pcapng_put_number(unsigned char *at, uint64_t n, uint32_t size)
{
	if (size == 4)
		pcapng_put32(at, (uint32_t)n);
	else
		pcapng_put64(at, n);
}

/* Puts O again, if it is among those kept; of a text what is before a 0. Returns the bytes it takes.
 * With AT NULL it only counts. */
static inline uint32_t pcapng_copy_option(unsigned char *at, const struct pcapng_reader *r,
    enum pcapng_kind kind, const struct pcapng_option *o)
{
	const struct pcapng_kept *kept = pcapng_find_kept(kind, o->code);
	const char *text = (const char *)o->value;
	uint32_t len = o->len;

	if (kept && kept->form == PCAPNG_TEXT)
		len = pcapng_length(text, len);
	if (!kept || !len || (kept->len && kept->len != len))
		return 0;
	if (at) {
		at = pcapng_put_option(at, o->code, (uint16_t)len);
		if (kept->form == PCAPNG_NUMBER)
			pcapng_put_number(at, pcapng_get(r, o->value, len), len);
		else if (kept->form == PCAPNG_TEXT)
			pcapng_put_text(at, text, len);
		else
			memcpy(at, o->value, len);
	}
	return 4 + len + pcapng_padding(len);
}

/* Puts again the options of B that are kept. Returns the bytes they take. With AT NULL it only
 * counts. */
static inline uint32_t pcapng_copy_options(unsigned char *at, const struct pcapng_reader *r,
    const struct pcapng_block *b)
{
	struct pcapng_bytes left = b->options;
	struct pcapng_option o;
	uint32_t len = 0;

	while (pcapng_next_option(r, &left, &o) > 0)
		len += pcapng_copy_option(at ? at + len : NULL, r, b->kind, &o);
	return len;
}

/* Puts the section header B again, as PROGRAM (or NULL) writes it: at most b->options.len +
 * PCAPNG_SECTION_MAX bytes. Returns its bytes. */
static inline uint32_t pcapng_copy_section(unsigned char *at, const struct pcapng_reader *r,
    const struct pcapng_block *b, const char *program)
{
	unsigned char *end = pcapng_put_section_head(at);

	end += pcapng_copy_options(end, r, b);
	end = pcapng_put_option_text(end, PCAPNG_SECTION_PROGRAM, program);
	return pcapng_end_block(at, end);
}

/* Puts the interface B again, with another SNAPLEN and time stamps of UNIT (see struct
 * pcapng_interface): at most b->options.len + 32 bytes. Returns its bytes. */
static inline uint32_t pcapng_copy_interface(unsigned char *at, const struct pcapng_reader *r,
    const struct pcapng_block *b, uint32_t snaplen, unsigned unit)
{
	unsigned char *end = pcapng_put_interface_head(at, r->link[b->interface].linktype, snaplen, unit);

	end += pcapng_copy_options(end, r, b);
	return pcapng_end_block(at, end);
}

/* Puts the statistics B again, those of INTERFACE with UNIT: at most b->options.len + 28 bytes.
 * Returns its bytes. */
static inline uint32_t pcapng_copy_statistics(unsigned char *at, const struct pcapng_reader *r,
    const struct pcapng_block *b, uint32_t interface, unsigned unit)
{
	const struct pcapng_statistics *s = &b->statistics;
	unsigned char *end = pcapng_put32(at, PCAPNG_STATISTICS_BLOCK) + 4;
	uint64_t stop = s->stop != PCAPNG_UNKNOWN ? s->stop / unit : 0;

	end = pcapng_put_time(pcapng_put32(end, interface), stop);
	if (s->start != PCAPNG_UNKNOWN)
		end = pcapng_put_option_time(end, PCAPNG_STATISTICS_START, s->start / unit);
	if (s->stop != PCAPNG_UNKNOWN)
		end = pcapng_put_option_time(end, PCAPNG_STATISTICS_STOP, stop);
	end += pcapng_copy_options(end, r, b);
	return pcapng_end_block(at, end);
}

/* How many bytes pcapng_copy_packet() puts. */
static inline uint32_t pcapng_copied_packet_size(const struct pcapng_reader *r,
    const struct pcapng_block *b, uint32_t caplen)
{
	return pcapng_packet_size(caplen) + pcapng_copy_options(NULL, r, b);
}

/* Puts the packet B again, its first CAPLEN bytes, at most b->caplen, as one of INTERFACE with UNIT.
 * Returns its bytes. */
static inline uint32_t pcapng_copy_packet(unsigned char *at, const struct pcapng_reader *r,
    const struct pcapng_block *b, uint32_t caplen, uint32_t interface, unsigned unit)
{
	unsigned char *end = at + PCAPNG_PACKET_HEAD;

	pcapng_put_packet_head(at, interface, pcapng_time(b->sec, b->nsec, unit), caplen, b->origlen);
	memcpy(end, b->data, caplen);
	end = pcapng_put_packet_flags(end + caplen, caplen, b->flags);
	end += pcapng_copy_options(end, r, b);
	return pcapng_end_block(at, end);
}

#endif
