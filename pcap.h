/* SPDX-License-Identifier: MIT
 *
 * pcap.h: the classic pcap file format, and nothing else. A file is one struct pcap_file and then,
 * for each packet, one struct pcap_record followed by caplen bytes; all numbers stand in the
 * writer's byte order, which the magic shows. See pcap-savefile(5) and draft-ietf-opsawg-pcap.
 */
#ifndef RAWCAP_PCAP_H
#define RAWCAP_PCAP_H

#include <net/if_arp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pcap_file {
	uint32_t magic;	/* PCAP_MICRO or PCAP_NANO */
	uint16_t major, minor;	/* 2, 4: two fields; as one they would be 4.2 on big-endian */
	uint32_t reserved[2];	/* 0 */
	uint32_t snaplen;	/* bytes, never 0 */
	uint32_t linktype;
};

struct pcap_record {
	uint32_t sec;	/* since 1970, unsigned: until 2106 */
	uint32_t fraction;	/* microseconds or nanoseconds, by the magic */
	uint32_t caplen;	/* bytes that follow, at most origlen and snaplen */
	uint32_t origlen;	/* bytes that the packet had */
} __attribute__((packed));	/* records stand at any address */

_Static_assert(sizeof(struct pcap_file) == 24 && sizeof(struct pcap_record) == 16,
    "pcap-savefile(5)");

enum {
	PCAP_SNAPLEN_MAX = 262144,	/* bytes; libpcap takes a longer record for a broken file */
};
#define PCAP_MICRO 0xa1b2c3d4u	/* does not fit into an enum */
#define PCAP_NANO 0xa1b23c4du

/* https://www.tcpdump.org/linktypes.html */
enum {
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_RAW = 101,
	LINKTYPE_LINUX_SLL = 113,
	LINKTYPE_IEEE802_11_RADIOTAP = 127,
	LINKTYPE_LINUX_IRDA = 144,
	LINKTYPE_LINUX_LAPD = 177,
	LINKTYPE_CAN_SOCKETCAN = 227,
	LINKTYPE_NETLINK = 253,
	LINKTYPE_LINUX_SLL2 = 276,
	LINKTYPE_DSA_TAG_BRCM = 281,
	LINKTYPE_DSA_TAG_BRCM_PREPEND = 282,
	LINKTYPE_DSA_TAG_DSA = 284,
	LINKTYPE_DSA_TAG_EDSA = 285,
};

/* Fills the header of a file of LINKTYPE whose packets have at most SNAPLEN bytes. */
static inline void pcap_header(struct pcap_file *f, uint32_t linktype, uint32_t snaplen, int nano)
{
	memset(f, 0, sizeof *f);
	f->magic = nano ? PCAP_NANO : PCAP_MICRO;
	f->major = 2;
	f->minor = 4;
	f->snaplen = snaplen;
	f->linktype = linktype;
}

/* The link type that fits what the kernel calls HATYPE (ARPHRD_*), as libpcap maps them, or -1.
 * ARPHRD_RAWIP, modems without a link layer, is raw IP by its definition; libpcap knows it not. */
static inline int pcap_linktype(int hatype)
{
	static const struct { uint16_t hatype, linktype; } map[] = {
		{ ARPHRD_ETHER, LINKTYPE_ETHERNET }, { ARPHRD_LOOPBACK, LINKTYPE_ETHERNET },
		{ ARPHRD_METRICOM, LINKTYPE_ETHERNET }, { ARPHRD_EETHER, 2 }, { ARPHRD_AX25, 202 },
		{ ARPHRD_PRONET, 4 }, { ARPHRD_CHAOS, 5 }, { ARPHRD_IEEE802, 6 },
		{ ARPHRD_IEEE802_TR, 6 }, { ARPHRD_ARCNET, 129 }, { ARPHRD_FDDI, 10 },
		{ ARPHRD_CAN, LINKTYPE_CAN_SOCKETCAN }, { ARPHRD_ATM, LINKTYPE_LINUX_SLL },
		{ ARPHRD_PPP, LINKTYPE_LINUX_SLL },
		{ ARPHRD_IEEE80211, 105 }, { ARPHRD_IEEE80211_PRISM, 119 },
		{ ARPHRD_IEEE80211_RADIOTAP, LINKTYPE_IEEE802_11_RADIOTAP },
		{ ARPHRD_IEEE802154, 230 },
		{ ARPHRD_CISCO, 104 }, { ARPHRD_FRAD, 107 }, { ARPHRD_LOCALTLK, 114 },
		{ 18 /* IP over Fibre Channel */, 122 },
		{ ARPHRD_SLIP, LINKTYPE_RAW }, { ARPHRD_CSLIP, LINKTYPE_RAW },
		{ ARPHRD_SLIP6, LINKTYPE_RAW }, { ARPHRD_CSLIP6, LINKTYPE_RAW },
		{ ARPHRD_ADAPT, LINKTYPE_RAW },
		{ ARPHRD_RAWHDLC, LINKTYPE_RAW }, { ARPHRD_TUNNEL, LINKTYPE_RAW },
		{ ARPHRD_SIT, LINKTYPE_RAW }, { ARPHRD_DLCI, LINKTYPE_RAW },
		{ ARPHRD_NONE, LINKTYPE_RAW },
		{ ARPHRD_RAWIP, LINKTYPE_RAW }, { ARPHRD_FCPP, 224 }, { ARPHRD_FCAL, 224 },
		{ ARPHRD_FCPL, 224 }, { ARPHRD_FCFABRIC, 224 },
		{ ARPHRD_IRDA, LINKTYPE_LINUX_IRDA },
		{ 8445 /* ARPHRD_LAPD */, LINKTYPE_LINUX_LAPD },
		{ 824 /* ARPHRD_NETLINK */, LINKTYPE_NETLINK }, { 826 /* ARPHRD_VSOCKMON */, 271 },
	};

	for (size_t i = 0; i < sizeof map / sizeof *map; i++)
		if (map[i].hatype == hatype)
			return map[i].linktype;
	return -1;
}

/* How many bytes of cooked header a packet of LINKTYPE has in front: 0, 16 or 20. */
static inline uint32_t pcap_cooked(int linktype)
{
	if (linktype == LINKTYPE_LINUX_SLL2)
		return 20;
	return linktype == LINKTYPE_LINUX_SLL || linktype == LINKTYPE_LINUX_IRDA ||
	    linktype == LINKTYPE_LINUX_LAPD || linktype == LINKTYPE_NETLINK ? 16 : 0;
}

/* ---- Reading: bytes of a file in, numbers out. Whoever calls does the reading. ---- */

/* What a file's header says about its records. */
struct pcap_reader {
	uint32_t snaplen;	/* bytes, 1 to PCAP_SNAPLEN_MAX: of a longer record so many count */
	uint32_t linktype;
	uint32_t unit;	/* nanoseconds in a record's fraction: 1 or 1000 */
	unsigned flip;	/* 3 if its numbers are little-endian, 0 if big */
};

/* The number at AT in the file. */
static inline uint32_t pcap_read32(const struct pcap_reader *f, const unsigned char *at)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < sizeof n; i++)
		n = n << 8 | at[i ^ f->flip];
	return n;
}

/* Takes the header of a file, sizeof(struct pcap_file) bytes. Returns NULL, or why the file cannot
 * be read. */
static inline const char *pcap_read_header(struct pcap_reader *f, const unsigned char *at)
{
	uint32_t magic, version;

	f->flip = *at == 0xa1 ? 0 : 3;	/* only a big-endian file starts with that */
	magic = pcap_read32(f, at);
	version = pcap_read32(f, at + 4);	/* two numbers of 16 bits */
	if (magic == 0x0a0d0d0a)	/* in either order */
		return "pcapng: convert it with editcap -F pcap";
	f->unit = magic == PCAP_MICRO ? 1000 : 1;
	if (magic != PCAP_MICRO && magic != PCAP_NANO)	/* or a patched one, longer records */
		return "not a pcap file";
	if (version != (f->flip ? 0x00040002 : 0x00020004))
		return "not pcap 2.4";
	f->snaplen = pcap_read32(f, at + 16);
	if (f->snaplen - 1 >= PCAP_SNAPLEN_MAX)	/* 0 is written by some for no limit */
		f->snaplen = PCAP_SNAPLEN_MAX;
	f->linktype = (uint16_t)pcap_read32(f, at + 20);	/* above it: check sequences */
	return NULL;
}

/* Takes the record at AT, of which HAVE bytes are there. Returns how many it has with its header:
 * more than HAVE means that so many must be there before R says anything; 0, that its header lies,
 * and with it the rest of the file is lost. In R the fraction is nanoseconds, 0 to 999999999,
 * caplen at most snaplen, and origlen no less than what is there. */
static inline uint32_t pcap_read_record(const struct pcap_reader *f, const unsigned char *at,
    uint32_t have, struct pcap_record *r)
{
	uint64_t nsec;
	uint32_t caplen;

	if (have < sizeof *r)
		return sizeof *r;
	nsec = (uint64_t)pcap_read32(f, at + 4) * f->unit;	/* some write a second of it and more */
	r->sec = pcap_read32(f, at) + (uint32_t)(nsec / 1000000000);
	r->fraction = (uint32_t)(nsec % 1000000000);
	caplen = pcap_read32(f, at + 8);
	r->origlen = pcap_read32(f, at + 12);
	if (caplen > PCAP_SNAPLEN_MAX)
		return 0;
	if (r->origlen < caplen)
		r->origlen = caplen;
	r->caplen = caplen < f->snaplen ? caplen : f->snaplen;
	return (uint32_t)sizeof *r + caplen;
}

/* tcpdump's names (pcap_datalink_val_to_name(3PCAP)) of the link types that people meet, each
 * with a 0 behind it, and their numbers. */
#define PCAP_NAMES "EN10MB\0RAW\0LINUX_SLL\0LINUX_SLL2\0IEEE802_11_RADIO\0" \
	"DSA_TAG_BRCM\0DSA_TAG_BRCM_PREPEND\0DSA_TAG_DSA\0DSA_TAG_EDSA\0"
#define PCAP_NAMED { LINKTYPE_ETHERNET, LINKTYPE_RAW, LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2, \
	LINKTYPE_IEEE802_11_RADIOTAP, LINKTYPE_DSA_TAG_BRCM, LINKTYPE_DSA_TAG_BRCM_PREPEND, \
	LINKTYPE_DSA_TAG_DSA, LINKTYPE_DSA_TAG_EDSA }

#endif
