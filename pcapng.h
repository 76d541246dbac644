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

/* Puts what stands before the bytes of a packet, PCAPNG_PACKET_HEAD bytes. The block has LEN bytes:
 * pcapng_packet_size(), and more where it has more options than the flags. */
static inline void pcapng_put_packet_head(unsigned char *at, uint32_t len, uint32_t interface,
    uint64_t time, uint32_t caplen, uint32_t origlen)
{
	at = pcapng_put32(pcapng_put32(at, PCAPNG_PACKET_BLOCK), len);
	at = pcapng_put_time(pcapng_put32(at, interface), time);
	pcapng_put32(pcapng_put32(at, caplen), origlen);
}

/* Puts the end of BLOCK, a packet whose CAPLEN bytes stand behind its PCAPNG_PACKET_HEAD bytes: at
 * most PCAPNG_PACKET_TAIL. FLAGS is 0 where nothing is known; they are put all the same, so that
 * the length of the block follows from caplen alone. */
static inline void pcapng_put_packet_tail(unsigned char *block, uint32_t caplen, uint32_t flags)
{
	unsigned char *at = block + PCAPNG_PACKET_HEAD + caplen;

	memset(at, 0, pcapng_padding(caplen));
	at = pcapng_put_option(at + pcapng_padding(caplen), PCAPNG_PACKET_FLAGS, sizeof flags);
	pcapng_end_block(block, pcapng_put32(at, flags));
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

#endif
