/* SPDX-License-Identifier: MIT
 *
 * pcap.h: the classic pcap file format, and nothing else. A file is one struct pcap_file and then,
 * for each packet, one struct pcap_record followed by caplen bytes; all numbers stand in the
 * writer's byte order, which the magic shows. See pcap-savefile(5) and draft-ietf-opsawg-pcap.
 */
#ifndef RAWCAP_PCAP_H
#define RAWCAP_PCAP_H

#include <assert.h>
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

static_assert(sizeof(struct pcap_file) == 24 && sizeof(struct pcap_record) == 16,
    "pcap-savefile(5)");

enum {
	PCAP_SNAPLEN_MAX = 262144,	/* bytes; libpcap takes a longer record for a broken file */
};
#define PCAP_MICRO 0xa1b2c3d4u	/* does not fit into an enum */
#define PCAP_NANO 0xa1b23c4du
#define PCAP_PATCHED 0xa1b2cd34u	/* Kuznetzov's: microseconds, and 8 bytes more in each record */
#define PCAP_FCS 0xfc000000u	/* of the link type's field: what it says of frame check sequences */

/* https://www.tcpdump.org/linktypes.html */
enum {
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_EN3MB = 2,
	LINKTYPE_PRONET = 4,
	LINKTYPE_CHAOS = 5,
	LINKTYPE_IEEE802_5 = 6,
	LINKTYPE_FDDI = 10,
	LINKTYPE_RAW = 101,
	LINKTYPE_C_HDLC = 104,
	LINKTYPE_IEEE802_11 = 105,
	LINKTYPE_FRELAY = 107,
	LINKTYPE_LINUX_SLL = 113,
	LINKTYPE_LTALK = 114,
	LINKTYPE_IEEE802_11_PRISM = 119,
	LINKTYPE_IP_OVER_FC = 122,
	LINKTYPE_IEEE802_11_RADIOTAP = 127,
	LINKTYPE_ARCNET_LINUX = 129,
	LINKTYPE_LINUX_IRDA = 144,
	LINKTYPE_LINUX_LAPD = 177,
	LINKTYPE_AX25_KISS = 202,
	LINKTYPE_FC_2 = 224,
	LINKTYPE_CAN_SOCKETCAN = 227,
	LINKTYPE_IEEE802_15_4_NOFCS = 230,
	LINKTYPE_NETLINK = 253,
	LINKTYPE_VSOCK = 271,
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
 * ARPHRD_RAWIP, modems without a link layer, is raw IP by its definition; libpcap knows it not.
 * Numbers, because net/if_arp.h and linux/if_arp.h cannot both be included. */
static inline int pcap_linktype(int hatype)
{
	static const struct { uint16_t hatype, linktype; } map[] = {
		{ 1, LINKTYPE_ETHERNET },		/* ARPHRD_ETHER */
		{ 2, LINKTYPE_EN3MB },			/* ARPHRD_EETHER */
		{ 3, LINKTYPE_AX25_KISS },		/* ARPHRD_AX25 */
		{ 4, LINKTYPE_PRONET },			/* ARPHRD_PRONET */
		{ 5, LINKTYPE_CHAOS },			/* ARPHRD_CHAOS */
		{ 6, LINKTYPE_IEEE802_5 },		/* ARPHRD_IEEE802 */
		{ 7, LINKTYPE_ARCNET_LINUX },		/* ARPHRD_ARCNET */
		{ 15, LINKTYPE_RAW },			/* ARPHRD_DLCI */
		{ 18, LINKTYPE_IP_OVER_FC },		/* IP over Fibre Channel */
		{ 19, LINKTYPE_LINUX_SLL },		/* ARPHRD_ATM */
		{ 23, LINKTYPE_ETHERNET },		/* ARPHRD_METRICOM */
		{ 256, LINKTYPE_RAW },			/* ARPHRD_SLIP */
		{ 257, LINKTYPE_RAW },			/* ARPHRD_CSLIP */
		{ 258, LINKTYPE_RAW },			/* ARPHRD_SLIP6 */
		{ 259, LINKTYPE_RAW },			/* ARPHRD_CSLIP6 */
		{ 264, LINKTYPE_RAW },			/* ARPHRD_ADAPT */
		{ 280, LINKTYPE_CAN_SOCKETCAN },	/* ARPHRD_CAN */
		{ 512, LINKTYPE_LINUX_SLL },		/* ARPHRD_PPP */
		{ 513, LINKTYPE_C_HDLC },		/* ARPHRD_CISCO */
		{ 518, LINKTYPE_RAW },			/* ARPHRD_RAWHDLC */
		{ 519, LINKTYPE_RAW },			/* ARPHRD_RAWIP */
		{ 768, LINKTYPE_RAW },			/* ARPHRD_TUNNEL */
		{ 770, LINKTYPE_FRELAY },		/* ARPHRD_FRAD */
		{ 772, LINKTYPE_ETHERNET },		/* ARPHRD_LOOPBACK */
		{ 773, LINKTYPE_LTALK },		/* ARPHRD_LOCALTLK */
		{ 774, LINKTYPE_FDDI },			/* ARPHRD_FDDI */
		{ 776, LINKTYPE_RAW },			/* ARPHRD_SIT */
		{ 783, LINKTYPE_LINUX_IRDA },		/* ARPHRD_IRDA */
		{ 784, LINKTYPE_FC_2 },			/* ARPHRD_FCPP */
		{ 785, LINKTYPE_FC_2 },			/* ARPHRD_FCAL */
		{ 786, LINKTYPE_FC_2 },			/* ARPHRD_FCPL */
		{ 787, LINKTYPE_FC_2 },			/* ARPHRD_FCFABRIC */
		{ 800, LINKTYPE_IEEE802_5 },		/* ARPHRD_IEEE802_TR */
		{ 801, LINKTYPE_IEEE802_11 },		/* ARPHRD_IEEE80211 */
		{ 802, LINKTYPE_IEEE802_11_PRISM },	/* ARPHRD_IEEE80211_PRISM */
		{ 803, LINKTYPE_IEEE802_11_RADIOTAP },	/* ARPHRD_IEEE80211_RADIOTAP */
		{ 804, LINKTYPE_IEEE802_15_4_NOFCS },	/* ARPHRD_IEEE802154 */
		{ 824, LINKTYPE_NETLINK },		/* ARPHRD_NETLINK */
		{ 826, LINKTYPE_VSOCK },		/* ARPHRD_VSOCKMON */
		{ 8445, LINKTYPE_LINUX_LAPD },		/* ARPHRD_LAPD, not in the kernel */
		{ 65534, LINKTYPE_RAW },		/* ARPHRD_NONE */
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

/* ---- Link types by name ---- */

struct pcap_linktype_row {
	uint16_t linktype;	/* LINKTYPE_... */
	const char *name;	/* tcpdump's: pcap_datalink_val_to_name(3PCAP) */
	const char *description;	/* libpcap's: pcap_datalink_val_to_description(3PCAP) */
};

/* Those that people meet, in the order of their numbers. */
static const struct pcap_linktype_row pcap_linktypes[] = {
	{ 0, "NULL", "BSD loopback" },
	{ 1, "EN10MB", "Ethernet" },
	{ 6, "IEEE802", "Token ring" },
	{ 9, "PPP", "PPP" },
	{ 10, "FDDI", "FDDI" },
	{ 50, "PPP_SERIAL", "PPP over serial" },
	{ 51, "PPP_ETHER", "PPPoE" },
	{ 101, "RAW", "Raw IP" },
	{ 104, "C_HDLC", "Cisco HDLC" },
	{ 105, "IEEE802_11", "802.11" },
	{ 107, "FRELAY", "Frame Relay" },
	{ 108, "LOOP", "OpenBSD loopback" },
	{ 113, "LINUX_SLL", "Linux cooked v1" },
	{ 119, "PRISM_HEADER", "802.11 plus Prism header" },
	{ 127, "IEEE802_11_RADIO", "802.11 plus radiotap header" },
	{ 143, "DOCSIS", "DOCSIS" },
	{ 144, "LINUX_IRDA", "Linux IrDA" },
	{ 177, "LINUX_LAPD", "Linux vISDN LAPD" },
	{ 189, "USB_LINUX", "USB with Linux header" },
	{ 195, "IEEE802_15_4", "IEEE 802.15.4 with FCS" },
	{ 202, "AX25_KISS", "AX.25 with KISS header" },
	{ 220, "USB_LINUX_MMAPPED", "USB with padded Linux header" },
	{ 227, "CAN_SOCKETCAN", "CAN-bus with SocketCAN headers" },
	{ 228, "IPV4", "Raw IPv4" },
	{ 229, "IPV6", "Raw IPv6" },
	{ 230, "IEEE802_15_4_NOFCS", "IEEE 802.15.4 without FCS" },
	{ 239, "NFLOG", "Linux netfilter log messages" },
	{ 251, "BLUETOOTH_LE_LL", "Bluetooth Low Energy air interface" },
	{ 253, "NETLINK", "Linux netlink" },
	{ 271, "VSOCK", "Linux vsock" },
	{ 276, "LINUX_SLL2", "Linux cooked v2" },
	{ 281, "DSA_TAG_BRCM", "Broadcom tag" },
	{ 282, "DSA_TAG_BRCM_PREPEND", "Broadcom tag (prepended)" },
	{ 284, "DSA_TAG_DSA", "Marvell DSA" },
	{ 285, "DSA_TAG_EDSA", "Marvell EDSA" },
};

enum { PCAP_LINKTYPES = sizeof pcap_linktypes / sizeof *pcap_linktypes };

/* The row of LINKTYPE, or NULL where the table has none. */
static inline const struct pcap_linktype_row *pcap_linktype_find(uint32_t linktype)
{
	for (unsigned i = 0; i < PCAP_LINKTYPES; i++)
		if (pcap_linktypes[i].linktype == linktype)
			return pcap_linktypes + i;
	return NULL;
}

/* tcpdump's name of LINKTYPE, such as EN10MB, or NULL where the table has none. */
static inline const char *pcap_linktype_name(uint32_t linktype)
{
	const struct pcap_linktype_row *row = pcap_linktype_find(linktype);

	return row ? row->name : NULL;
}

/* What LINKTYPE is in words, such as Ethernet, or NULL where the table has none. */
static inline const char *pcap_linktype_description(uint32_t linktype)
{
	const struct pcap_linktype_row *row = pcap_linktype_find(linktype);

	return row ? row->description : NULL;
}

/* A character of a name as the table has it: a capital, and _ for -. */
static inline char pcap_linktype_letter(char c)
{
	if (c == '-')
		return '_';
	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* Whether A and B are one name: capitals or not, - for _, as people type them. */
static inline int pcap_is_name(const char *a, const char *b)
{
	while (*a && pcap_linktype_letter(*a) == pcap_linktype_letter(*b)) {
		a++;
		b++;
	}
	return !*a && !*b;
}

/* The link type that tcpdump calls NAME, in capitals or not, with _ or -; -1 for none. */
static inline int pcap_linktype_named(const char *name)
{
	for (unsigned i = 0; i < PCAP_LINKTYPES; i++)
		if (pcap_is_name(name, pcap_linktypes[i].name))
			return pcap_linktypes[i].linktype;
	return -1;
}

/* ---- Reading: bytes of a file in, numbers out. Whoever calls does the reading. ---- */

/* In which order a record has its two lengths. Up to version 2.2 the original one came first; of
 * the files that call themselves 2.3 some have the one order, some the other. */
enum pcap_order {
	PCAP_CAPLEN_FIRST,
	PCAP_SMALLER_FIRST,
	PCAP_ORIGLEN_FIRST,
};

/* What a file's header says about its records. */
struct pcap_reader {
	uint32_t snaplen;	/* bytes, 1 to PCAP_SNAPLEN_MAX: of a longer record so many count */
	uint32_t linktype;
	uint32_t fcs;	/* bits beside the link type: how long frame check sequences are, or 0 */
	uint32_t unit;	/* nanoseconds in a record's fraction: 1 or 1000 */
	uint32_t head;	/* bytes of a record before those of its packet: 16, or 24 */
	enum pcap_order order;
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

static inline uint32_t pcap_read16(const struct pcap_reader *f, const unsigned char *at)
{
	return f->flip ? (uint32_t)at[1] << 8 | at[0] : (uint32_t)at[0] << 8 | at[1];
}

/* The command that turns a compressed file, which begins with the 24 bytes at AT, into what it was;
 * NULL if it is none. */
static inline const char *pcap_unpacker(const unsigned char *at)
{
	static const struct { unsigned char len, magic[6]; const char *command; } rows[] = {
		{ 2, { 0x1f, 0x8b }, "gunzip -c" },
		{ 2, { 0x1f, 0x9d }, "gunzip -c" },	/* compress, .Z */
		{ 6, { 0xfd, '7', 'z', 'X', 'Z', 0 }, "xz -dc" },
		{ 4, { 0x28, 0xb5, 0x2f, 0xfd }, "zstd -dc" },
		{ 3, { 'B', 'Z', 'h' }, "bzip2 -dc" },
		{ 4, { 0x04, 0x22, 0x4d, 0x18 }, "lz4 -dc" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!memcmp(at, rows[i].magic, rows[i].len))
			return rows[i].command;
	return NULL;
}

/* The link type that a file means with N: 12 is what raw IP was before it had a number of its own. */
static inline uint32_t pcap_read_linktype(uint32_t n)
{
	return n == 12 ? (uint32_t)LINKTYPE_RAW : n;
}

/* Takes the version at AT: 2.0 to 2.4, or 543.0, that of DG/UX. */
static inline int pcap_read_version(struct pcap_reader *f, const unsigned char *at)
{
	uint32_t major = pcap_read16(f, at), minor = pcap_read16(f, at + 2);

	f->order = PCAP_CAPLEN_FIRST;
	if (major == 2 && minor == 3)
		f->order = PCAP_SMALLER_FIRST;
	else if ((major == 2 && minor < 3) || (major == 543 && minor == 0))
		f->order = PCAP_ORIGLEN_FIRST;
	return major == 2 ? minor <= 4 : f->order == PCAP_ORIGLEN_FIRST;
}

/* Takes the header of a file, sizeof(struct pcap_file) bytes. Returns NULL, or why the file cannot
 * be read. */
static inline const char *pcap_read_header(struct pcap_reader *f, const unsigned char *at)
{
	uint32_t magic;

	f->flip = *at == 0xa1 ? 0 : 3;	/* only a big-endian file starts with that */
	magic = pcap_read32(f, at);
	if (magic == 0x0a0d0d0a)	/* in either order */
		return "pcapng, the newer format";
	if (magic != PCAP_MICRO && magic != PCAP_NANO && magic != PCAP_PATCHED)
		return "not a pcap file";
	if (!pcap_read_version(f, at + 4))
		return "not pcap 2.0 to 2.4";
	f->unit = magic == PCAP_NANO ? 1 : 1000;
	f->head = sizeof(struct pcap_record);
	f->snaplen = pcap_read32(f, at + 16);
	if (f->snaplen - 1 >= PCAP_SNAPLEN_MAX)	/* 0 is written by some for no limit */
		f->snaplen = PCAP_SNAPLEN_MAX;
	f->linktype = pcap_read_linktype((uint16_t)pcap_read32(f, at + 20));
	f->fcs = pcap_read32(f, at + 20) & PCAP_FCS;
	if (magic == PCAP_PATCHED) {
		f->head += 8;
		if (f->linktype == LINKTYPE_ETHERNET)	/* its writer may have put a header in front */
			f->snaplen += 14;
		if (f->snaplen > PCAP_SNAPLEN_MAX)
			f->snaplen = PCAP_SNAPLEN_MAX;
	}
	return NULL;
}

/* Takes the time at AT into R. A fraction of a second or more counts as these seconds; behind the
 * last second there is, its last nanosecond comes. */
static inline void pcap_read_time(const struct pcap_reader *f, const unsigned char *at,
    struct pcap_record *r)
{
	uint32_t second = 1000000000 / f->unit, fraction = pcap_read32(f, at + 4);

	r->sec = pcap_read32(f, at);
	if (fraction / second > UINT32_MAX - r->sec) {
		r->sec = UINT32_MAX;
		r->fraction = 999999999;
		return;
	}
	r->sec += fraction / second;
	r->fraction = fraction % second * f->unit;
}

/* Takes the record at AT, of which HAVE bytes are there. Returns how many it has with its header:
 * more than HAVE means that so many must be there before R says anything; 0, that its header lies,
 * and with it the rest of the file is lost. The packet's bytes begin at AT + head. In R the fraction
 * is nanoseconds, 0 to 999999999, caplen at most snaplen, and origlen no less than what is there. */
static inline uint32_t pcap_read_record(const struct pcap_reader *f, const unsigned char *at,
    uint32_t have, struct pcap_record *r)
{
	uint32_t caplen, origlen;

	memset(r, 0, sizeof *r);
	if (have < f->head)
		return f->head;
	pcap_read_time(f, at, r);
	caplen = pcap_read32(f, at + 8);
	origlen = pcap_read32(f, at + 12);
	if (f->order == PCAP_ORIGLEN_FIRST || (f->order == PCAP_SMALLER_FIRST && caplen > origlen)) {
		caplen = origlen;
		origlen = pcap_read32(f, at + 8);
	}
	if (caplen > PCAP_SNAPLEN_MAX)
		return 0;
	r->origlen = origlen > caplen ? origlen : caplen;
	r->caplen = caplen < f->snaplen ? caplen : f->snaplen;
	return f->head + caplen;
}

#endif
