/* SPDX-License-Identifier: MIT
 *
 * netif.h: the kernel side of packet capture on Linux, and nothing else. It finds and lists
 * interfaces, opens a packet socket, and takes packets. It never waits, allocates nothing and keeps
 * no global state, so it fits into the poll loop of any program (test/embed.c is a whole one):
 *
 *	struct netif n;
 *	struct packet p;
 *	unsigned char room[SNAPLEN + NETIF_HEAD_MAX];	(used only without a ring)
 *
 *	netif_find(&n, "eth0")	the interface and a socket that takes nothing yet
 *	netif_filter_all(&n, SNAPLEN)	so many bytes of each packet, or netif_filter: of some
 *	netif_start(&n, ...)	from here on packets wait
 *	for (;;) {
 *		while (netif_next(&n, &p, room, sizeof room) > 0)
 *			... p.head and then p.data are one frame
 *		poll n.fd for POLLIN, or leave it out for netif_pause_us(&n)
 *		on POLLERR: netif_error(&n) says what happened, and clears it
 *	}
 *	netif_stop(&n)		no more packets; netif_next gives those that the kernel still holds
 *	netif_count(&n)		how many there were, and how many found no room
 *
 * Functions return 0 (netif_next: 1 for a packet), or -1 with errno set and, if they take a struct
 * netif, n->failed naming what failed. After a failure close n->fd unless it is -1.
 *
 * The header compiles as C11 and C++17. It defines what it needs of the kernel's headers under
 * names of its own, so linux/if_packet.h and its like may stand before or behind it.
 * See packet(7), netdevice(7), rtnetlink(7), and Documentation/networking/packet_mmap.rst in the
 * kernel's source.
 */
#ifndef NETIF_H
#define NETIF_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

/* The sizes and limits of this header. */
enum {
	NETIF_ALL = 0,	/* the ifindex that stands for every interface at once */
	NETIF_NAME_SIZE = 16,	/* bytes of an interface's name, its 0 included: IFNAMSIZ */
	NETIF_ALTNAME_SIZE = 128,	/* ... of an alternative name: ALTIFNAMSIZ */
	NETIF_SLL_LEN = 16,	/* bytes of the cooked header of LINKTYPE_LINUX_SLL */
	NETIF_SLL2_LEN = 20,	/* ... of LINKTYPE_LINUX_SLL2 */
	NETIF_VLAN_LEN = 4,	/* bytes of a VLAN tag: TPID and TCI */
	NETIF_VLAN_AT = 12,	/* its place in an Ethernet frame: behind the two addresses */
	NETIF_HEAD_MAX = NETIF_SLL2_LEN + 2 * NETIF_VLAN_LEN,

	NETIF_RING_MIN_KIB = 128,	/* a smaller ring loses more than a plain socket does */
	NETIF_BLOCK_MIN = 16 << 10,	/* bytes: four pages; smaller ones cost more than they save */
	NETIF_BLOCK_MAX = 512 << 10,	/* bytes: larger ones gain no time */
	NETIF_BLOCK_OVERHEAD = 256,	/* bytes: more than the headers of a block and one packet */
	NETIF_GSO_MAX = 65536,	/* bytes of a packet that the kernel merged, without BIG TCP */
	NETIF_LINK_HEAD = 128,	/* bytes: more than any link layer puts in front of its MTU */
	NETIF_HOLD_MS = 4000,	/* the ring covers so long a hold-up of its reader at any rate */
	NETIF_BLOCK_MS_MAX = 500,	/* ... with blocks that close after this time at the latest */
	NETIF_PAUSE_SHARE = 4,	/* a pause is the time in which a quarter of the ring fills ... */
	NETIF_PAUSE_PER_MIB = 6000,	/* ... in us, at most this for each MiB of the ring: a gigabit per
					 * second that sets in meanwhile fills three quarters of it */
	NETIF_PAUSE_MAX_US = 20000,	/* ... and at most this */
	NETIF_PAUSE_BLOCKS = 2,	/* a pause in which fewer blocks fill saves nothing */
	NETIF_FILL_MAX_US = 100000,	/* no block counts as slower than this */
	/* Bytes: how far ahead the ring is called into the cache from that of the core that filled it,
	 * which saves a tenth at 64 bytes. Those of large packets come by themselves, in order. */
	NETIF_PREFETCH = 2048,
	NETIF_CACHE_LINE = 64,
	NETIF_LINK_MESSAGE = 8192,	/* bytes: what the kernel tells of one interface at most */
};

/* linux/if_ether.h, linux/if_arp.h */
enum {
	NETIF_ETH_P_ALL = 0x0003,
	NETIF_ETH_P_802_2 = 0x0004,	/* LLC, in a frame that has no type */
	NETIF_ETH_P_IP = 0x0800,
	NETIF_ETH_P_IPV6 = 0x86dd,
	NETIF_ETH_P_PPP_SES = 0x8864,	/* PPPoE */
	NETIF_ETH_P_LOOPBACK = 0x9000,	/* a protocol that is next to never seen */
	NETIF_ETH_P_8021Q = 0x8100,
	NETIF_ETH_P_8021AD = 0x88a8,
	NETIF_ARPHRD_ETHER = 1,
};

/* linux/if_packet.h: socket options and flags */
enum {
	NETIF_PACKET_ADD_MEMBERSHIP = 1,
	NETIF_PACKET_RX_RING = 5,
	NETIF_PACKET_STATISTICS = 6,
	NETIF_PACKET_AUXDATA = 8,
	NETIF_PACKET_VERSION = 10,
	NETIF_TPACKET_V3 = 2,
	NETIF_PACKET_MR_PROMISC = 1,
	NETIF_PACKET_OUTGOING = 4,	/* sll_pkttype */
	NETIF_STATUS_KERNEL = 0,	/* in a block's header: the kernel fills it */
	NETIF_STATUS_USER = 0x01,	/* ... the reader may read it */
	NETIF_STATUS_TIMEOUT = 0x20,	/* ... its timer closed it, not a packet that found no room */
	NETIF_STATUS_VLAN_VALID = 0x10,	/* in a packet's: the kernel took a tag out of the frame */
	NETIF_STATUS_TPID_VALID = 0x40,
};

/* struct sockaddr_ll */
struct netif_address {
	uint16_t family;	/* AF_PACKET */
	uint16_t protocol;	/* in network order */
	int ifindex;
	uint16_t hatype;	/* ARPHRD_*, net/if_arp.h */
	uint8_t pkttype, halen;
	uint8_t addr[8];
};

/* struct packet_mreq */
struct netif_membership {
	int ifindex;
	uint16_t type, alen;
	uint8_t address[8];
};

/* struct tpacket_req3 */
struct netif_ring_request {
	unsigned block_size, block_nr, frame_size, frame_nr;
	unsigned retire_blk_tov;	/* ms */
	unsigned sizeof_priv, feature_req_word;
};

/* struct tpacket_block_desc with its one form of header */
struct netif_block {
	uint32_t version, offset_to_priv, block_status, num_pkts, offset_to_first_pkt, blk_len;
	uint64_t seq_num;	/* from 1, one more for each block that the kernel opens */
	uint32_t ts_first[2];	/* seconds and ns: when the kernel opened the block */
	uint32_t ts_last[2];	/* ... when its last packet came */
};

/* struct tpacket3_hdr */
struct netif_frame {
	uint32_t next_offset, sec, nsec, snaplen, len, status;
	uint16_t mac, net;
	uint32_t rxhash, vlan_tci;
	uint16_t vlan_tpid, padding;
	uint8_t padding2[8];	/* the packet's struct netif_address follows */
};

/* struct tpacket_auxdata */
struct netif_auxdata {
	uint32_t status, len, snaplen;
	uint16_t mac, net, vlan_tci, vlan_tpid;
};

/* What the kernel tells of a packet beside its bytes, on either way. */
struct netif_beside {
	uint32_t status;	/* TP_STATUS_*: which of the next two hold */
	uint16_t vlan_tci, vlan_tpid;	/* a tag that is not in the frame */
	const struct netif_address *address;	/* in the ring, or FROM */
	struct netif_address from[2];	/* two, for hardware addresses of up to 28 bytes */
};

/* struct tpacket_stats_v3 */
struct netif_statistics {
	uint32_t packets, drops, freezes;
};

/* asm-generic/socket.h, as all machines but SPARC and PA-RISC have it; C11 alone hides the first
 * two. SO_TIMESTAMPNS_OLD gives a time as two longs. Where a long has 32 bits, SO_TIMESTAMPNS is the
 * newer one, with twice 64, which came with Linux 5.1. */
enum {
	NETIF_SO_ATTACH_FILTER = 26,
	NETIF_SO_RCVBUFFORCE = 33,
	NETIF_SO_TIMESTAMPNS_OLD = 35,
};

/* linux/filter.h: struct sock_fprog, struct sock_filter */
struct netif_instruction {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct netif_program {
	unsigned short len;	/* instructions, at most 4096 */
	const void *filter;
};

/* net/if.h: struct ifreq, see netdevice(7) */
struct netif_request {
	char name[NETIF_NAME_SIZE];
	union {
		int ifindex;
		short flags;	/* IFF_* */
		uint16_t hatype;	/* sa_family of a hardware address */
		uint8_t address[16];	/* struct sockaddr: an Ethernet address is at byte 2, IPv4 at 4 */
		void *data;
		uint64_t room[3];	/* as much as the kernel copies */
	} is;
};

enum { NETIF_IFF_UP = 0x1, NETIF_IFF_LOOPBACK = 0x8 };

/* linux/ethtool.h: struct ethtool_value, and the question whether there is a link */
struct netif_ethtool {
	uint32_t command;
	uint32_t data;
};

enum { NETIF_SIOCETHTOOL = 0x8946, NETIF_ETHTOOL_GLINK = 0xa };

/* linux/netlink.h, linux/rtnetlink.h, linux/if_link.h */
enum {
	NETIF_NLM_F_REQUEST = 0x01,
	NETIF_NLM_F_DUMP = 0x300,
	NETIF_NLMSG_ERROR = 2,
	NETIF_NLMSG_DONE = 3,
	NETIF_RTM_NEWLINK = 16,
	NETIF_RTM_GETLINK = 18,
	NETIF_IFLA_IFNAME = 3,
	NETIF_IFLA_MTU = 4,
	NETIF_IFLA_GSO_MAX_SIZE = 41,
	NETIF_IFLA_ALT_IFNAME = 53,
	NETIF_IFLA_GRO_MAX_SIZE = 58,
	NETIF_IFLA_GSO_IPV4_MAX_SIZE = 63,
	NETIF_IFLA_GRO_IPV4_MAX_SIZE = 64,
};

/* struct nlmsghdr and struct ifinfomsg; attributes follow */
struct netif_message {
	uint32_t len;	/* bytes, this header included */
	uint16_t type, flags;
	uint32_t seq, pid;
	uint8_t family, pad;
	uint16_t hatype;
	int ifindex;
	unsigned ifi_flags, change;
};

enum {
	NETIF_NLMSGHDR_LEN = 16,	/* bytes of struct nlmsghdr alone */
	NETIF_ATTRIBUTE = 4,	/* bytes of a struct rtattr: length and type, 16 bits each */
};

/* ---- What the caller sees ---- */

/* One captured packet: the frame is head (rebuilt by netif_next) and then data (kept by the
 * kernel). Data stay where they are until the next call of netif_next. */
struct packet {
	const unsigned char *data;
	uint32_t datalen;	/* bytes */
	uint32_t headlen;	/* bytes, 0 to NETIF_HEAD_MAX */
	uint32_t origlen;	/* bytes on the wire, with the VLAN tag and the cooked header */
	uint32_t sec, nsec;	/* when the kernel received it: since 1970, and 0 to 999999999 */
	int ifindex;	/* where it came through, also for NETIF_ALL */
	unsigned pkttype;	/* PACKET_HOST (0) to PACKET_OUTGOING (4), packet(7) */
	unsigned char head[NETIF_HEAD_MAX];
};

struct netif {
	const char *failed;	/* what errno is about */
	int fd;	/* the packet socket: poll it for POLLIN */
	int spare_fd;	/* one for cooked packets, see netif_reserve; -1 without */
	int is_reserved;	/* netif_reserve did all that needs a right */
	int ifindex;	/* NETIF_ALL, or from 1 */
	int hatype;	/* ARPHRD_*, net/if_arp.h; 0 for NETIF_ALL */
	char name[NETIF_NAME_SIZE];	/* as the kernel calls it; empty for NETIF_ALL */
	uint8_t address[6];	/* of an Ethernet interface */
	uint32_t netmask;	/* of its IPv4 network, in host order; 0 if it has none */
	uint32_t cooked;	/* bytes of cooked header in front: 0, NETIF_SLL_LEN or NETIF_SLL2_LEN */
	int promisc_error;	/* errno, where promiscuous mode was asked for and refused */
	int own_time;	/* the kernel gives no times: a packet's is when netif_next takes it */

	unsigned char *ring, *ring_end;	/* NULL: packets come one by one from the socket */
	uint32_t block_size;	/* bytes */
	uint32_t block_ms;	/* the kernel hands over a block with packets after this time */
	unsigned char *block;	/* the block being read */
	unsigned char *at;	/* the next packet in it */
	uint32_t left;	/* packets from there on */
	int block_is_ours;	/* the reader has the block, and has not yet given it back */
	uint64_t seq_num;	/* of the newest block that was read */
	int is_still;	/* the kernel writes no more packets into the ring */
	uint32_t fill_us;	/* the shortest time in which a block was filled lately */
	uint32_t pause_us;	/* how long the next wait may leave the socket out */
	int has_read;	/* blocks were read since the last wait */

	uint64_t seen;	/* packets that passed the filter, dropped ones too */
	uint64_t dropped;	/* those that found no room */
	int no_statistics;	/* the kernel keeps no such counts */
};

/* One interface of netif_list. */
struct netif_interface {
	char name[NETIF_NAME_SIZE];
	int ifindex;
	int hatype;	/* ARPHRD_*, net/if_arp.h */
	unsigned flags;	/* IFF_*, net/if.h */
	uint32_t largest;	/* bytes of the largest packet that it may show, without its link layer */
	int is_wireless;
	int has_link;	/* 1 or 0; -1: nobody knows, or it makes no sense (loopback) */
};

/* What netif_state says. */
enum netif_link { NETIF_GONE, NETIF_DOWN, NETIF_UP, NETIF_OTHER_TYPE };

/* ---- Small helpers ---- */

/* Stores VALUE as two bytes in network order at AT. */
static inline void netif_put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

/* Reads two bytes in network order at AT. */
static inline unsigned netif_get16(const void *at)
{
	const unsigned char *byte = (const unsigned char *)at;

	return (unsigned)byte[0] << 8 | byte[1];
}

/* Notes what errno is about. Returns -1. */
static inline int netif_fail(struct netif *n, const char *what)
{
	n->failed = what;
	return -1;
}

static inline int netif_set(struct netif *n, int level, int option, const void *value, socklen_t len)
{
	return setsockopt(n->fd, level, option, value, len);
}

/* ---- Asking rtnetlink(7), which needs neither rights nor /proc ---- */

/* Takes one attribute of TYPE with LEN bytes at VALUE. */
static inline void netif_take_attribute(struct netif_interface *i, unsigned type, const void *value,
    size_t len)
{
	uint32_t number = 0;

	if (type == NETIF_IFLA_IFNAME && len <= sizeof i->name) {
		memcpy(i->name, value, len);
		i->name[sizeof i->name - 1] = 0;
	}
	if (len == sizeof number)
		memcpy(&number, value, len);
	if ((type == NETIF_IFLA_MTU || type == NETIF_IFLA_GSO_MAX_SIZE ||
	    type == NETIF_IFLA_GRO_MAX_SIZE || type == NETIF_IFLA_GSO_IPV4_MAX_SIZE ||
	    type == NETIF_IFLA_GRO_IPV4_MAX_SIZE) && number > i->largest)
		i->largest = number;
}

/* Takes an RTM_NEWLINK message M, whose length has been checked. */
static inline void netif_take_link(struct netif_interface *i, const struct netif_message *m)
{
	const unsigned char *at = (const unsigned char *)(m + 1);
	size_t left = m->len - sizeof *m, step;
	uint16_t rta[2];	/* struct rtattr: bytes with this header, type */

	memset(i, 0, sizeof *i);
	i->ifindex = m->ifindex;
	i->hatype = m->hatype;
	i->flags = m->ifi_flags;
	i->has_link = -1;
	for (; left >= NETIF_ATTRIBUTE; at += step, left -= step) {
		memcpy(rta, at, sizeof rta);
		if (rta[0] < NETIF_ATTRIBUTE || rta[0] > left)
			return;
		netif_take_attribute(i, rta[1], at + NETIF_ATTRIBUTE, (size_t)rta[0] - NETIF_ATTRIBUTE);
		step = ((size_t)rta[0] + 3) & ~(size_t)3;
		if (step > left)
			return;
	}
}

/* Calls EACH with ARG for each interface in the messages at BUF, LEN bytes. Returns 1 if more
 * messages are to come, 0 at the end, -1 with errno set. */
static inline int netif_take_messages(const unsigned char *buf, size_t len, int is_dump,
    void (*each)(void *arg, struct netif_interface *), void *arg)
{
	const struct netif_message *m;
	struct netif_interface i;
	size_t step;
	int error;

	for (; len >= NETIF_NLMSGHDR_LEN; buf += step, len -= step) {
		m = (const struct netif_message *)(const void *)buf;
		if (m->type == NETIF_NLMSG_DONE)
			return 0;
		if (m->type == NETIF_NLMSG_ERROR && len >= NETIF_NLMSGHDR_LEN + sizeof error) {
			memcpy(&error, buf + NETIF_NLMSGHDR_LEN, sizeof error);
			errno = -error;
			return -1;
		}
		step = ((size_t)m->len + 3) & ~(size_t)3;
		if (m->type != NETIF_RTM_NEWLINK || m->len < sizeof *m || step > len)
			break;
		netif_take_link(&i, m);
		each(arg, &i);
		if (!is_dump)
			return 0;
	}
	if (!len)
		return 1;
	errno = EBADMSG;
	return -1;
}

/* Asks for the interface with IFINDEX or, if that is 0, with the (alternative) NAME; for all of
 * them without either. Calls EACH with ARG for each answer. */
static inline int netif_ask(int ifindex, const char *name,
    void (*each)(void *arg, struct netif_interface *), void *arg)
{
	struct {
		struct netif_message m;
		uint16_t rta[2];
		char name[NETIF_ALTNAME_SIZE];
	} ask;
	union {	/* aligned for the kernel's numbers */
		uint64_t align;
		unsigned char bytes[2 * NETIF_LINK_MESSAGE];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), more = 1, is_dump = !ifindex && !name;
	size_t namelen = name ? strlen(name) + 1 : 0;
	ssize_t len;

	if (fd < 0)
		return -1;
	memset(&ask, 0, sizeof ask);
	ask.m.len = sizeof ask.m;
	ask.m.type = NETIF_RTM_GETLINK;
	ask.m.flags = is_dump ? NETIF_NLM_F_REQUEST | NETIF_NLM_F_DUMP : NETIF_NLM_F_REQUEST;
	ask.m.ifindex = ifindex;
	if (namelen && namelen <= sizeof ask.name) {
		ask.rta[0] = (uint16_t)(sizeof ask.rta + namelen);
		ask.rta[1] = NETIF_IFLA_ALT_IFNAME;
		memcpy(ask.name, name, namelen);
		ask.m.len += (uint32_t)(sizeof ask.rta + namelen + 3) & ~3u;
	}
	if (write(fd, &ask, ask.m.len) < 0)
		more = -1;
	while (more > 0) {
		len = read(fd, answer.bytes, sizeof answer);
		more = len < 0 ? -1 : netif_take_messages(answer.bytes, (size_t)len, is_dump, each, arg);
	}
	close(fd);
	return more;
}

/* For netif_ask: keeps the answer. */
static inline void netif_keep(void *arg, struct netif_interface *i)
{
	memcpy(arg, i, sizeof *i);
}

/* For netif_ask: keeps the size of the largest packet of all. */
static inline void netif_keep_largest(void *arg, struct netif_interface *i)
{
	uint32_t *largest = (uint32_t *)arg;

	if (i->largest > *largest)
		*largest = i->largest;
}

/* ---- What sysfs knows of an interface ---- */

int openat(int dirfd, const char *path, int flags, ...);	/* C11 alone hides it */

/* Opens /sys/class/net/NAME/ENTRY for reading. Returns the descriptor, or -1. */
static inline int netif_open_sysfs(const char *name, const char *entry)
{
	enum { CURRENT_DIRECTORY = -100 };	/* AT_FDCWD; the path is absolute anyway */
	static const char root[] = "/sys/class/net/";
	char path[sizeof root + NETIF_NAME_SIZE + 32];
	size_t namelen = strlen(name), entrylen = strlen(entry);

	if (sizeof root + namelen + 1 + entrylen > sizeof path)
		return -1;
	memcpy(path, root, sizeof root - 1);
	memcpy(path + sizeof root - 1, name, namelen);
	path[sizeof root - 1 + namelen] = '/';
	memcpy(path + sizeof root + namelen, entry, entrylen + 1);
	return openat(CURRENT_DIRECTORY, path, O_RDONLY);
}

/* Reads the first line of /sys/class/net/NAME/ENTRY into TEXT of SIZE bytes, without its end.
 * Returns its length, or -1. */
static inline int netif_read_sysfs(const char *name, const char *entry, char *text, size_t size)
{
	int fd = netif_open_sysfs(name, entry);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read(fd, text, size - 1);
	close(fd);
	if (len < 0)
		return -1;
	text[len] = 0;
	text[strcspn(text, "\n")] = 0;
	return (int)strlen(text);
}

/* Whether /sys shows the interface NAME with IFINDEX. It may show those of another network
 * namespace, among them one of the same name, seldom with the same number as well. */
static inline int netif_is_in_sysfs(const char *name, int ifindex)
{
	char text[16];
	int number = 0;

	if (netif_read_sysfs(name, "ifindex", text, sizeof text) <= 0)
		return 0;
	for (const char *c = text; *c >= '0' && *c <= '9' && number < 100000000; c++)
		number = number * 10 + (*c - '0');
	return number == ifindex;
}

/* Whether /sys shows the Ethernet address of N. */
static inline int netif_has_address_of_sysfs(const struct netif *n)
{
	static const char digits[] = "0123456789abcdef";
	char text[3 * sizeof n->address + 2], own[3 * sizeof n->address];

	for (size_t i = 0; i < sizeof n->address; i++) {
		own[3 * i] = digits[n->address[i] >> 4];
		own[3 * i + 1] = digits[n->address[i] & 0xf];
		own[3 * i + 2] = ':';
	}
	own[sizeof own - 1] = 0;
	return netif_read_sysfs(n->name, "address", text, sizeof text) > 0 && !strcmp(text, own);
}

/* Reads into TAG, of SIZE bytes, which tag a DSA switch puts into the frames of its conduit N: "mtk",
 * "brcm-prepend" ... Returns 1; 0 if N is no conduit, or its frames have no tag; -1 if nobody knows
 * (no /sys, or that of another network namespace). Calls only openat, read and close. */
static inline int netif_dsa_tag(const struct netif *n, char *tag, size_t size)
{
	*tag = 0;
	if (n->hatype != NETIF_ARPHRD_ETHER)
		return 0;
	if (!netif_is_in_sysfs(n->name, n->ifindex) || !netif_has_address_of_sysfs(n))
		return -1;
	return netif_read_sysfs(n->name, "dsa/tagging", tag, size) > 0 && strcmp(tag, "none") != 0;
}

/* ---- Finding the interface ---- */

/* Opens a packet socket for protocol 0: it takes nothing until it is bound, so nothing of another
 * interface and nothing that the filter refuses slips in. */
static inline int netif_socket(struct netif *n, int type)
{
	n->fd = socket(AF_PACKET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return n->fd < 0 ? netif_fail(n, "socket") : 0;
}

/* The ifindex of the interface NAME, or -1 with errno set. A short name costs one ioctl. */
static inline int netif_index(struct netif *n, const char *name)
{
	struct netif_request r;
	struct netif_interface i;
	size_t len = strlen(name);

	if (len < NETIF_NAME_SIZE) {
		memset(&r, 0, sizeof r);
		memcpy(r.name, name, len);
		return ioctl(n->fd, SIOCGIFINDEX, &r) < 0 ? -1 : r.is.ifindex;
	}
	i.ifindex = -1;
	errno = ENODEV;
	if (len < NETIF_ALTNAME_SIZE && netif_ask(0, name, netif_keep, &i) < 0)
		return -1;
	return i.ifindex;
}

/* The number that TEXT is, from 1 to 999999999; 0 if it is none. */
static inline int netif_number(const char *text)
{
	int number = 0;

	while (*text >= '0' && *text <= '9' && number < 100000000)
		number = number * 10 + (*text++ - '0');
	return *text ? 0 : number;
}

/* Finds out what the interface called NAME is, or else the one whose ifindex NAME is in decimal.
 * NAME may be an alternative name, of up to 127 bytes; one of 16 and more needs a netlink socket,
 * all else only the calls ioctl SIOCGIFINDEX, SIOCGIFNAME, SIOCGIFHWADDR and SIOCGIFNETMASK. */
static inline int netif_look_up(struct netif *n, const char *name)
{
	struct netif_request r;
	int ifindex = netif_index(n, name);

	memset(&r, 0, sizeof r);
	r.is.ifindex = ifindex;
	if (ifindex < 0 && errno == ENODEV)
		r.is.ifindex = netif_number(name);
	if (r.is.ifindex <= 0)
		return netif_fail(n, name);
	ifindex = r.is.ifindex;
	if (ioctl(n->fd, SIOCGIFNAME, &r) < 0)
		return netif_fail(n, name);
	n->ifindex = ifindex;
	memcpy(n->name, r.name, sizeof n->name);
	if (ioctl(n->fd, SIOCGIFHWADDR, &r) < 0)
		return netif_fail(n, name);
	n->hatype = r.is.hatype;
	memcpy(n->address, r.is.address + sizeof r.is.hatype, sizeof n->address);
	n->netmask = 0;
	if (ioctl(n->fd, SIOCGIFNETMASK, &r) == 0)
		n->netmask = netif_get16(r.is.address + 4) << 16 | netif_get16(r.is.address + 6);
	return 0;
}

/* Clears *n, looks the interface NAME up (see netif_look_up) and opens a socket that takes nothing
 * yet. NAME is NULL for all interfaces, which the kernel gives in cooked form only: netif_cook must
 * follow. Needs CAP_NET_RAW. errno: EPERM without it, ENODEV if there is no such interface (the
 * socket is open; netif_look_up may be tried again), EAFNOSUPPORT without CONFIG_PACKET. */
static inline int netif_find(struct netif *n, const char *name)
{
	memset(n, 0, sizeof *n);
	n->spare_fd = -1;
	if (netif_socket(n, name ? SOCK_RAW : SOCK_DGRAM) < 0)
		return -1;
	return name ? netif_look_up(n, name) : 0;
}

/* Asks for packets without their link layer, each behind a cooked header of HEADERLEN bytes
 * (NETIF_SLL_LEN or NETIF_SLL2_LEN) instead. After netif_find, before netif_filter. */
static inline int netif_cook(struct netif *n, uint32_t headerlen)
{
	n->cooked = headerlen;
	if (n->ifindex == NETIF_ALL)
		return 0;
	close(n->fd);
	if (n->spare_fd < 0)
		return netif_socket(n, SOCK_DGRAM);
	n->fd = n->spare_fd;
	n->spare_fd = -1;
	return 0;
}

/* ---- The filter ---- */

/* Attaches COUNT instructions at PROGRAM (struct sock_filter of linux/filter.h, 1 to 4096) in the
 * kernel, in place of any before. The kernel keeps as many bytes of a packet as the program returns;
 * nothing else cuts to a snaplen, and without a filter a packet of a 1500 MTU may have 65,226 bytes
 * (GRO). A VLAN tag and a cooked header come on top, up to NETIF_HEAD_MAX bytes. */
static inline int netif_filter(struct netif *n, const void *program, unsigned count)
{
	struct netif_program p;

	p.len = (unsigned short)count;
	p.filter = program;
	if (netif_set(n, SOL_SOCKET, NETIF_SO_ATTACH_FILTER, &p, sizeof p) < 0)
		return netif_fail(n, "filter");
	return 0;
}

/* Attaches the filter that takes SNAPLEN bytes of every packet; no packet at all if that is 0. */
static inline int netif_filter_all(struct netif *n, uint32_t snaplen)
{
	struct netif_instruction ret = { 6 /* BPF_RET | BPF_K */, 0, 0, snaplen };

	return netif_filter(n, &ret, 1);
}

/* The program of netif_close_filter, always at the same address: a sandbox may let only this one
 * be attached. */
static inline const struct netif_program *netif_closing_program(void)
{
	static const struct netif_instruction nothing = { 6, 0, 0, 0 };	/* ret #0 */
	static const struct netif_program program = { 1, &nothing };

	return &program;
}

/* Takes no more packets. Those that the kernel holds can still be read. */
static inline int netif_close_filter(struct netif *n)
{
	const struct netif_program *p = netif_closing_program();

	if (netif_set(n, SOL_SOCKET, NETIF_SO_ATTACH_FILTER, p, sizeof *p) < 0)
		return netif_fail(n, "filter");
	return 0;
}

/* ---- The ring ---- */

/* KiB that a ring may have: a quarter of what is free or, where the rest serves as a cache, a 128th
 * of all. The kernel is no judge of that: before it refuses a ring it kills processes for their
 * memory (net/packet/af_packet.c: alloc_one_pg_vec_page, from vzalloc on). */
static inline uint64_t netif_spare_kib(void)
{
	struct sysinfo memory;
	uint64_t quarter, least;

	if (sysinfo(&memory) < 0)
		return UINT64_MAX;
	quarter = (uint64_t)memory.freeram * memory.mem_unit >> 12;
	least = (uint64_t)memory.totalram * memory.mem_unit >> 17;
	return quarter > least ? quarter : least;
}

/* Bytes of the largest packet that can come, if the filter lets SNAPLEN bytes through. The kernel
 * merges packets (GRO, TSO) to 64 KiB, or to more where the interface says so (BIG TCP). */
static inline uint32_t netif_largest(const struct netif *n, uint32_t snaplen)
{
	uint32_t largest = NETIF_GSO_MAX;

	if (snaplen <= largest)
		return snaplen;
	netif_ask(n->ifindex, NULL, netif_keep_largest, &largest);
	if (largest < snaplen)
		largest += NETIF_LINK_HEAD;
	return largest < snaplen ? largest : snaplen;
}

/* Bytes of a block in a ring of KIB. A packet never crosses blocks, so a block has room for the
 * LARGEST, and it is made of whole pages (of 64 KiB on some machines). The kernel hands a block
 * over after BLOCK_MS however little is in it, so a hold-up costs blocks, not bytes: there are enough
 * of them for NETIF_HOLD_MS, or as many as can be. */
static inline uint32_t netif_block_size(uint32_t kib, uint32_t block_ms, uint32_t largest)
{
	const uint32_t page = (uint32_t)getauxval(AT_PAGESZ);
	uint32_t size = NETIF_BLOCK_MIN;

	while (size < page || size < largest + NETIF_BLOCK_OVERHEAD)
		size *= 2;
	while (size < NETIF_BLOCK_MAX &&
	    (uint64_t)(kib / (size >> 9)) * block_ms >= NETIF_HOLD_MS)	/* with half as many blocks */
		size *= 2;
	return size;
}

/* Milliseconds after which a block closes, so that BLOCKS of them last for NETIF_HOLD_MS: at least
 * BLOCK_MS. */
static inline uint32_t netif_block_ms(uint32_t blocks, uint32_t block_ms)
{
	uint32_t needed = NETIF_HOLD_MS / blocks;

	if (needed > NETIF_BLOCK_MS_MAX)
		needed = NETIF_BLOCK_MS_MAX;
	return needed > block_ms ? needed : block_ms;
}

/* Makes a ring of BLOCKS blocks of n->block_size bytes and maps it. Returns 0, or -1. */
static inline int netif_map_ring(struct netif *n, uint32_t blocks)
{
	struct netif_ring_request r;
	size_t size = (size_t)n->block_size * blocks;
	void *ring;

	memset(&r, 0, sizeof r);
	r.block_size = r.frame_size = n->block_size;	/* V3 packs frames of any size */
	r.block_nr = r.frame_nr = blocks;
	r.retire_blk_tov = n->block_ms;
	if (netif_set(n, SOL_PACKET, NETIF_PACKET_RX_RING, &r, sizeof r) < 0)
		return -1;
	ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, n->fd, 0);
	if (ring == MAP_FAILED) {
		memset(&r, 0, sizeof r);	/* gives the memory back */
		netif_set(n, SOL_PACKET, NETIF_PACKET_RX_RING, &r, sizeof r);
		return -1;
	}
	n->ring = n->block = (unsigned char *)ring;
	n->ring_end = n->ring + size;
	n->fill_us = NETIF_FILL_MAX_US;
	return 0;
}

/* Makes a ring of KIB or, where memory is short, of half as much, down to NETIF_RING_MIN_KIB. It has
 * one block more than that: the block at which a hold-up begins may be nearly full already.
 * Without one n->ring stays NULL and netif_next receives from the socket. */
static inline void netif_make_ring(struct netif *n, uint32_t kib, uint32_t block_ms, uint32_t snaplen)
{
	const uint64_t spare_kib = netif_spare_kib();
	const uint32_t largest = netif_largest(n, snaplen);
	int version = NETIF_TPACKET_V3;
	uint32_t blocks;

	if (netif_set(n, SOL_PACKET, NETIF_PACKET_VERSION, &version, sizeof version) < 0)
		return;
	for (; kib >= NETIF_RING_MIN_KIB; kib /= 2) {
		n->block_size = netif_block_size(kib, block_ms, largest);
		blocks = kib / (n->block_size >> 10) + 1;
		if (kib > spare_kib || blocks < 2)
			continue;
		n->block_ms = netif_block_ms(blocks, block_ms);
		if (netif_map_ring(n, blocks) == 0)
			return;
	}
}

/* Asks for a receive buffer of KIB. CAP_NET_ADMIN lifts the limit of net.core.rmem_max; the kernel
 * doubles both. */
static inline void netif_enlarge_buffer(struct netif *n, uint32_t kib)
{
	int bytes = (int)(kib << 10);

	if (netif_set(n, SOL_SOCKET, NETIF_SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		netif_set(n, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

/* Does what needs a right, for an interface that is still to be found: opens a socket for either kind
 * of packet, with a receive buffer of BUFFER_KIB should there be no ring. After netif_find said
 * ENODEV; from here on no call of this header needs a right. */
static inline int netif_reserve(struct netif *n, uint32_t buffer_kib)
{
	int fd = n->fd;

	netif_enlarge_buffer(n, buffer_kib);
	if (netif_socket(n, SOCK_DGRAM) < 0) {
		n->fd = fd;
		return -1;
	}
	netif_enlarge_buffer(n, buffer_kib);
	n->spare_fd = n->fd;
	n->fd = fd;
	n->is_reserved = 1;
	return 0;
}

/* Without a ring: asks for a receive buffer of KIB, and for length, tag and time of each packet
 * beside its bytes. Where the kernel refuses one of them a packet has what is left: its received
 * length, no tag, the time at which it is taken. */
static inline void netif_make_buffer(struct netif *n, uint32_t kib)
{
	int on = 1;

	if (!n->is_reserved)
		netif_enlarge_buffer(n, kib);
	netif_set(n, SOL_PACKET, NETIF_PACKET_AUXDATA, &on, sizeof on);
	n->own_time = netif_set(n, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 &&
	    (SO_TIMESTAMPNS == NETIF_SO_TIMESTAMPNS_OLD ||
	    netif_set(n, SOL_SOCKET, NETIF_SO_TIMESTAMPNS_OLD, &on, sizeof on) < 0);
}

/* ---- Starting and stopping ---- */

/* Binds the socket to n->ifindex and PROTOCOL. */
static inline int netif_bind_to(struct netif *n, unsigned protocol)
{
	struct netif_address a;

	memset(&a, 0, sizeof a);
	a.family = AF_PACKET;
	a.ifindex = n->ifindex;
	netif_put16((unsigned char *)&a.protocol, protocol);
	return bind(n->fd, (const struct sockaddr *)(const void *)&a, sizeof a);
}

/* Asks for promiscuous mode on IFINDEX by a membership: the kernel takes it back with the socket,
 * however that ends. n->promisc_error tells if it was refused. */
static inline void netif_make_promiscuous(struct netif *n, int ifindex)
{
	struct netif_membership m;

	memset(&m, 0, sizeof m);
	m.ifindex = ifindex;
	m.type = NETIF_PACKET_MR_PROMISC;
	if (netif_set(n, SOL_PACKET, NETIF_PACKET_ADD_MEMBERSHIP, &m, sizeof m) < 0)
		n->promisc_error = errno;
}

/* Takes packets of n->ifindex from here on. */
static inline int netif_bind(struct netif *n, int promisc)
{
	if (promisc && n->ifindex != NETIF_ALL)
		netif_make_promiscuous(n, n->ifindex);
	return netif_bind_to(n, NETIF_ETH_P_ALL) < 0 ? netif_fail(n, "bind") : 0;
}

/* Starts the capture: from here on packets wait in a ring of RING_KIB (0: none; less than 2 GiB)
 * or in the socket's buffer of BUFFER_KIB.
 *	SNAPLEN		the most bytes of a packet that the filter returns, 1 to 262144
 *	BLOCK_MS	the kernel hands over packets after this time, 1 to 10000; twice this time
 *			since Linux 6.18. Short (20): a live reader sees them sooner. Long (1000):
 *			blocks are larger, and each packet costs less. Where the ring has too few blocks to last for NETIF_HOLD_MS
 *			the time becomes longer; n->block_ms is the time in force.
 *	PROMISC		asks for promiscuous mode; n->promisc_error says if that was refused
 * An interface that is down is no error here: call netif_error once behind this, it returns
 * ENETDOWN then. errno: ENODEV if the interface went away. */
static inline int netif_start(struct netif *n, uint32_t snaplen, uint32_t ring_kib,
    uint32_t buffer_kib, uint32_t block_ms, int promisc)
{
	if (n->spare_fd >= 0)
		close(n->spare_fd);
	n->spare_fd = -1;
	netif_make_ring(n, ring_kib, block_ms, snaplen);
	if (!n->ring)
		netif_make_buffer(n, buffer_kib);
	return netif_bind(n, promisc);
}

/* Goes on with an interface that was deleted and made again as NAME, on the same socket: needs no
 * right, and filter and ring are still there. errno is ENODEV as long as it is not back, and
 * EPROTOTYPE if its link type is another now. */
static inline int netif_again(struct netif *n, const char *name, int promisc)
{
	int hatype = n->hatype;

	if (netif_look_up(n, name) < 0)
		return -1;
	if (n->hatype != hatype) {
		n->hatype = hatype;
		errno = EPROTOTYPE;
		return netif_fail(n, name);
	}
	return netif_bind(n, promisc);
}

/* Ends the capture: takes no more packets, and lets netif_next give all that the kernel took until
 * now, also those in the block that is not full yet. Call netif_next until it returns 0, then
 * netif_count. Returns -1 if the kernel refuses the closing filter, which leaves the capture as it
 * was. Where it refuses the bind, netif_next gives the last block only after n->block_ms, twice that
 * since Linux 6.18.
 *
 * The bind to another protocol waits until nobody writes into the ring any more
 * (net/packet/af_packet.c: packet_do_bind, synchronize_net). */
static inline int netif_stop(struct netif *n)
{
	if (netif_close_filter(n) < 0)
		return -1;
	n->is_still = netif_bind_to(n, NETIF_ETH_P_LOOPBACK) == 0;
	return 0;
}

/* ---- Taking packets ---- */

/* Writes the cooked header, PROTOCOL being the type of what follows it.
 * https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and ..._SLL2.html */
static inline void netif_put_cooked(unsigned char *h, uint32_t cooked, unsigned protocol,
    const struct netif_address *a)
{
	if (cooked == NETIF_SLL2_LEN) {
		netif_put16(h, protocol);
		netif_put16(h + 2, 0);
		netif_put16(h + 4, (unsigned)a->ifindex >> 16);
		netif_put16(h + 6, (unsigned)a->ifindex);
		netif_put16(h + 8, a->hatype);
		h[10] = a->pkttype;
		h[11] = a->halen;
		h += 12;
	} else {
		netif_put16(h, a->pkttype);
		netif_put16(h + 2, a->hatype);
		netif_put16(h + 4, a->halen);
		netif_put16(h + 14, protocol);
		h += 6;
	}
	memcpy(h, a->addr, 8);
}

/* Whether an IPv4 header stands at DATA, in a packet of LEN bytes of which HAVE are there: its length
 * and its checksum tell (RFC 791, RFC 1071). */
static inline int netif_is_ipv4(const unsigned char *data, uint32_t have, uint32_t len)
{
	const uint32_t headerlen = 4 * (data[0] & 0xfu);
	uint32_t sum = 0;

	if (data[0] >> 4 != 4 || headerlen < 20 || headerlen > have || netif_get16(data + 2) > len)
		return 0;
	for (uint32_t i = 0; i < headerlen; i += 2)
		sum += netif_get16(data + i);
	return sum % 0xffff == 0;	/* as a sum in ones' complement is */
}

/* Whether an IPv6 header stands at DATA (RFC 8200): its payload has no more than LEN bytes. */
static inline int netif_is_ipv6(const unsigned char *data, uint32_t have, uint32_t len)
{
	return data[0] >> 4 == 6 && have >= 40 && netif_get16(data + 4) + 40u <= len;
}

/* Whether what P holds is what PROTOCOL says. A 0 means no or unknown. */
static inline int netif_is_payload(const struct packet *p, unsigned protocol)
{
	if (protocol == NETIF_ETH_P_IP)
		return netif_is_ipv4(p->data, p->datalen, p->origlen);
	if (protocol == NETIF_ETH_P_IPV6)
		return netif_is_ipv6(p->data, p->datalen, p->origlen);
	return protocol == NETIF_ETH_P_PPP_SES && netif_get16(p->data) == 0x1100;	/* RFC 2516 */
}

/* The type that stands behind the tag which the kernel took out of a packet in cooked form. Of a
 * packet with more tags (QinQ) kernels since 6.11 tell the PROTOCOL behind the last one instead: then
 * P's data begin with the rest of the second tag, and that its type was 0x8100 is next to certain.
 * The data say so themselves: the types in them lead to PROTOCOL, and they are not yet its payload.
 * (net/packet/af_packet.c: vlan_get_protocol_dgram) */
static inline unsigned netif_type_behind_tag(const struct packet *p, unsigned protocol)
{
	uint32_t at = 2;	/* behind a TCI */

	if (protocol == NETIF_ETH_P_802_2)	/* which had its length there (IEEE 802.3) */
		return p->origlen;
	while (at + 2 <= p->datalen && (netif_get16(p->data + at) == NETIF_ETH_P_8021Q ||
	    netif_get16(p->data + at) == NETIF_ETH_P_8021AD))
		at += NETIF_VLAN_LEN;
	if (at + 2 > p->datalen || netif_get16(p->data + at) != protocol ||
	    netif_is_payload(p, protocol))
		return protocol;
	return NETIF_ETH_P_8021Q;
}

/* Rebuilds what stands in front of the data: the cooked header, and the VLAN tag where it was,
 * which is between the addresses and the type. */
static inline void netif_put_head(const struct netif *n, struct packet *p,
    const struct netif_beside *b)
{
	/* not tci: a tag of VLAN 0 is one too */
	const int is_tagged = (b->status & NETIF_STATUS_VLAN_VALID) != 0;
	const unsigned protocol = netif_get16(&b->address->protocol);
	unsigned tpid = NETIF_ETH_P_8021Q;

	p->headlen = n->cooked;
	if (b->status & NETIF_STATUS_TPID_VALID)
		tpid = b->vlan_tpid;
	if (n->cooked)
		netif_put_cooked(p->head, n->cooked, is_tagged ? tpid : protocol, b->address);
	if (!is_tagged) {
		p->origlen += n->cooked;
		return;
	}
	if (n->cooked) {
		netif_put16(p->head + n->cooked, b->vlan_tci);
		netif_put16(p->head + n->cooked + 2, netif_type_behind_tag(p, protocol));
	} else if (p->datalen >= NETIF_VLAN_AT) {
		memcpy(p->head, p->data, NETIF_VLAN_AT);
		netif_put16(p->head + NETIF_VLAN_AT, tpid);
		netif_put16(p->head + NETIF_VLAN_AT + 2, b->vlan_tci);
		p->headlen = NETIF_VLAN_AT;
		p->data += NETIF_VLAN_AT;
		p->datalen -= NETIF_VLAN_AT;
	} else {
		p->origlen += NETIF_VLAN_LEN;
		return;	/* cut before it */
	}
	p->headlen += NETIF_VLAN_LEN;
	p->origlen += n->cooked + NETIF_VLAN_LEN;
}

/* Completes P with what stands beside its bytes. Returns 1, or -1 with EPROTOTYPE if the frame is
 * not of the link type that the capture began with (a device that was down may change it). */
static inline int netif_finish(struct netif *n, struct packet *p,
    const struct netif_beside *b)
{
	const struct netif_address *a = b->address;

	if (!n->cooked && a->hatype != n->hatype) {
		errno = EPROTOTYPE;
		return netif_fail(n, "link type");
	}
	p->ifindex = a->ifindex;
	p->pkttype = a->pkttype;
	p->headlen = 0;
	if (n->cooked || b->status & NETIF_STATUS_VLAN_VALID)	/* seldom: most frames are whole */
		netif_put_head(n, p, b);
	return 1;
}

/* Microseconds in which the block B was filled. */
static inline uint32_t netif_fill_us(const struct netif_block *b)
{
	const uint32_t seconds = b->ts_last[0] - b->ts_first[0];
	uint32_t us;

	if (b->block_status & NETIF_STATUS_TIMEOUT || seconds > 1)	/* also if the clock was set */
		return NETIF_FILL_MAX_US;
	us = (seconds * 1000000000 + b->ts_last[1] - b->ts_first[1]) / 1000;
	return us < NETIF_FILL_MAX_US ? us : (uint32_t)NETIF_FILL_MAX_US;
}

/* Works out how long the next wait may be. Blocks are expected to fill as fast as the fastest did
 * lately, so that a burst after a lull does not meet a long pause: what B says is forgotten by an
 * 8th with each block. */
static inline void netif_plan_pause(struct netif *n, const struct netif_block *b)
{
	const uint64_t ring = (uint64_t)(n->ring_end - n->ring);
	const uint32_t blocks = (uint32_t)(ring / n->block_size);
	const uint32_t expected = n->fill_us + n->fill_us / 8 + 1, fill_us = netif_fill_us(b);
	uint64_t longest = ring * NETIF_PAUSE_PER_MIB >> 20;

	if (longest > NETIF_PAUSE_MAX_US)
		longest = NETIF_PAUSE_MAX_US;
	n->fill_us = fill_us < expected ? fill_us : expected;
	n->pause_us = n->fill_us * (blocks / NETIF_PAUSE_SHARE);
	if (n->pause_us > longest)
		n->pause_us = (uint32_t)longest;
	if (n->pause_us < n->fill_us * NETIF_PAUSE_BLOCKS || b->block_status & NETIF_STATUS_TIMEOUT)
		n->pause_us = 0;
}

/* Whether the next packets of B can be read: the kernel has handed it over, or the kernel writes no
 * more and B is the one that it filled last. */
static inline int netif_is_readable(const struct netif *n, const struct netif_block *b)
{
	if (__atomic_load_n(&b->block_status, __ATOMIC_ACQUIRE) & NETIF_STATUS_USER)
		return 1;
	return n->is_still && b->seq_num == n->seq_num + 1;
}

/* Gives back the block that has been read, if there is one, and takes the next one. Returns 0 if the
 * kernel still fills that. */
static inline int netif_next_block(struct netif *n)
{
	struct netif_block *b = (struct netif_block *)(void *)n->block;

	if (n->block_is_ours) {
		__atomic_store_n(&b->block_status, NETIF_STATUS_KERNEL, __ATOMIC_RELEASE);
		n->block += n->block_size;
		if (n->block == n->ring_end)
			n->block = n->ring;
		b = (struct netif_block *)(void *)n->block;
	}
	n->block_is_ours = netif_is_readable(n, b);
	if (!n->block_is_ours) {
		if (!n->has_read)
			n->pause_us = 0;
		n->has_read = 0;
		return 0;
	}
	n->has_read = 1;
	n->seq_num = b->seq_num;
	netif_plan_pause(n, b);
	n->left = b->num_pkts;
	n->at = n->block + b->offset_to_first_pkt;
	return 1;
}

/* Takes the next packet of the ring. Its data stay where the kernel put them. */
static inline int netif_next_ring(struct netif *n, struct packet *p, struct netif_beside *beside)
{
	const struct netif_frame *f;
	size_t room;

	while (!n->left)
		if (!netif_next_block(n))
			return 0;
	f = (const struct netif_frame *)(const void *)n->at;
	room = (size_t)(n->block + n->block_size - n->at);
	if (room > n->block_size || room < sizeof *f + sizeof(struct netif_address) ||
	    f->mac + (uint64_t)f->snaplen > room) {
		errno = EBADMSG;
		return netif_fail(n, "ring");
	}
	__builtin_prefetch(n->at + NETIF_PREFETCH);	/* what 64 bytes take in the ring: three lines */
	__builtin_prefetch(n->at + NETIF_PREFETCH + NETIF_CACHE_LINE);
	__builtin_prefetch(n->at + NETIF_PREFETCH + 2 * NETIF_CACHE_LINE);
	n->at += f->next_offset;
	n->left--;
	p->data = (const unsigned char *)f + f->mac;
	p->datalen = f->snaplen;
	p->origlen = f->len;
	p->sec = f->sec;
	p->nsec = f->nsec;
	beside->status = f->status;
	beside->vlan_tci = (uint16_t)f->vlan_tci;
	beside->vlan_tpid = f->vlan_tpid;
	beside->address = (const struct netif_address *)(f + 1);
	return 1;
}

/* Takes what stands beside a received packet, LEFT bytes of control messages at AT: original
 * length, tag and time. See cmsg(3). */
static inline void netif_take_control(const unsigned char *at, size_t left,
    struct netif_auxdata *aux, struct packet *p)
{
	const struct cmsghdr *c;
	union {
		struct timespec ts;
		long old[2];
	} when;
	size_t len;

	for (; left >= sizeof *c; at += len, left -= len) {
		c = (const struct cmsghdr *)(const void *)at;
		len = CMSG_ALIGN(c->cmsg_len);
		if (len < sizeof *c + sizeof when.old || len > left)
			return;
		memcpy(&when, c + 1, len < sizeof *c + sizeof when ? sizeof when.old : sizeof when);
		if (c->cmsg_type == SO_TIMESTAMPNS) {
			p->sec = (uint32_t)when.ts.tv_sec;
			p->nsec = (uint32_t)when.ts.tv_nsec;
		} else if (c->cmsg_type == NETIF_SO_TIMESTAMPNS_OLD) {
			p->sec = (uint32_t)when.old[0];
			p->nsec = (uint32_t)when.old[1];
		} else if (len >= sizeof *c + sizeof *aux) {	/* PACKET_AUXDATA */
			memcpy(aux, c + 1, sizeof *aux);
			p->origlen = aux->len;
		}
	}
}

/* Sets P's time to the clock's. */
static inline void netif_take_clock(struct packet *p)
{
	struct timespec now;

	timespec_get(&now, TIME_UTC);
	p->sec = (uint32_t)now.tv_sec;
	p->nsec = (uint32_t)now.tv_nsec;
}

/* Receives the next packet of the socket into ROOM, behind space for a cooked header. */
static inline int netif_next_plain(struct netif *n, struct packet *p, struct netif_beside *beside,
    unsigned char *room, size_t size)
{
	uint64_t control[16];	/* time (twice where long has 32 bits) and auxdata */
	struct netif_auxdata aux;
	struct iovec iov;
	struct msghdr m;
	ssize_t len;

	iov.iov_base = room + n->cooked;
	iov.iov_len = size - n->cooked;
	aux.status = 0;	/* without it the rest says nothing */
	aux.vlan_tci = aux.vlan_tpid = 0;
	memset(&m, 0, sizeof m);
	m.msg_name = beside->from;
	m.msg_namelen = sizeof beside->from;
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control;
	m.msg_controllen = sizeof control;
	len = recvmsg(n->fd, &m, MSG_TRUNC);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : netif_fail(n, "receive");
	p->data = (const unsigned char *)iov.iov_base;
	p->datalen = (size_t)len < iov.iov_len ? (uint32_t)len : (uint32_t)iov.iov_len;
	p->origlen = (uint32_t)len;
	p->sec = p->nsec = 0;
	if (n->own_time)
		netif_take_clock(p);
	netif_take_control((const unsigned char *)control, m.msg_controllen, &aux, p);
	beside->status = aux.status;
	beside->vlan_tci = aux.vlan_tci;
	beside->vlan_tpid = aux.vlan_tpid;
	beside->address = beside->from;
	return 1;
}

/* Takes one packet. Returns 1; 0 if none is ready (also after ENETDOWN was read); or -1. Never waits.
 * Without a ring the bytes land in ROOM of SIZE bytes, which must be the snaplen and
 * NETIF_HEAD_MAX more; with a ring ROOM is not used. errno: ENETDOWN without a ring, once, when the
 * interface went down; EPROTOTYPE if its link type has changed: the packet is left out; EBADMSG if
 * the kernel's ring makes no sense. */
static inline int netif_next(struct netif *n, struct packet *p, unsigned char *room, size_t size)
{
	struct netif_beside beside;
	const int got = n->ring ? netif_next_ring(n, p, &beside) :
	    netif_next_plain(n, p, &beside, room, size);

	return got > 0 ? netif_finish(n, p, &beside) : got;
}

/* For how many microseconds, 0 to NETIF_PAUSE_MAX_US, the caller's next wait should leave the socket
 * out of its poll and then call netif_next again. So a flood does not wake the caller for each of
 * many small blocks. 0: poll the socket. Whoever always polls the socket loses nothing but time. */
static inline uint32_t netif_pause_us(const struct netif *n)
{
	return n->block_is_ours ? 0 : n->pause_us;	/* packets are left in it: poll says so at once */
}

/* ---- Looking after the socket ---- */

/* Puts the name of the interface IFINDEX into NAME. Returns 0, or -1: ENODEV if there is none. Calls
 * only ioctl SIOCGIFNAME. */
static inline int netif_name(struct netif *n, int ifindex, char name[NETIF_NAME_SIZE])
{
	struct netif_request r;

	memset(&r, 0, sizeof r);
	r.is.ifindex = ifindex;
	if (ioctl(n->fd, SIOCGIFNAME, &r) < 0)
		return netif_fail(n, "interface name");
	memcpy(name, r.name, NETIF_NAME_SIZE);
	return 0;
}

/* Adds to n->seen and n->dropped what the kernel counted since the last call (it starts again from
 * 0, in 32 bits: call at least every 2^31 packets). Its count of packets has those in it that it
 * dropped. */
static inline void netif_count(struct netif *n)
{
	struct netif_statistics s;
	socklen_t len = sizeof s;

	memset(&s, 0, sizeof s);
	n->no_statistics = getsockopt(n->fd, SOL_PACKET, NETIF_PACKET_STATISTICS, &s, &len) < 0;
	n->seen += s.packets;
	n->dropped += s.drops;
}

/* Returns the error that poll shows as POLLERR, and clears it: ENETDOWN when the interface went
 * down. Call it on each POLLERR: with a ring nothing else clears it, and poll would return at once
 * for ever. Also after netif_start. The capture goes on by itself once the interface is up again;
 * netif_state says whether there still is one. */
static inline int netif_error(struct netif *n)
{
	int error = 0;
	socklen_t len = sizeof error;

	getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

/* Says whether the interface is up, down (also: just being renamed), gone (deleted, or moved to
 * another network namespace), or has another link type than at the start. The socket knows that,
 * though another interface may have the index by now, or the name may have changed. Calls only
 * getsockname and ioctl SIOCGIFNAME and SIOCGIFFLAGS. An interface that is deleted while it is down
 * makes no POLLERR: ask from time to time. */
static inline enum netif_link netif_state(struct netif *n)
{
	union {
		struct netif_address a;
		unsigned char room[64];	/* for hardware addresses of up to 32 bytes */
	} is;
	socklen_t len = sizeof is;
	struct netif_request r;

	memset(&is, 0, sizeof is);
	is.a.ifindex = -1;
	getsockname(n->fd, (struct sockaddr *)(void *)&is, &len);
	memset(&r, 0, sizeof r);
	r.is.ifindex = is.a.ifindex;
	if (ioctl(n->fd, SIOCGIFNAME, &r) < 0)
		return NETIF_GONE;
	if (is.a.hatype != n->hatype)
		return NETIF_OTHER_TYPE;
	/* while the kernel gives it another name, it has none for some milliseconds */
	if (ioctl(n->fd, SIOCGIFFLAGS, &r) < 0)
		return NETIF_DOWN;
	return r.is.flags & NETIF_IFF_UP ? NETIF_UP : NETIF_DOWN;
}

/* ---- Listing ---- */

/* Finds out what rtnetlink does not tell: whether the interface has a link, by its driver, and
 * whether it is wireless. */
static inline void netif_add_details(int fd, struct netif_interface *i)
{
	struct netif_ethtool value = { NETIF_ETHTOOL_GLINK, 0 };
	struct netif_request r;
	int wireless;

	if (i->flags & NETIF_IFF_LOOPBACK)
		return;
	memset(&r, 0, sizeof r);
	memcpy(r.name, i->name, sizeof r.name);
	r.is.data = &value;
	if (ioctl(fd, NETIF_SIOCETHTOOL, &r) == 0)
		i->has_link = value.data != 0;
	wireless = netif_is_in_sysfs(i->name, i->ifindex) ? netif_open_sysfs(i->name, "wireless") : -1;
	i->is_wireless = wireless >= 0;
	if (i->is_wireless)
		close(wireless);
}

/* For netif_ask: passes the interface on to the caller of netif_list. */
struct netif_listing {
	int fd;
	void (*each)(const struct netif_interface *);
};

static inline void netif_list_one(void *arg, struct netif_interface *i)
{
	const struct netif_listing *listing = (const struct netif_listing *)arg;

	netif_add_details(listing->fd, i);
	listing->each(i);
}

/* Calls EACH for every interface, in the kernel's order. Needs no rights. Returns 0, or -1 with
 * errno set. */
static inline int netif_list(void (*each)(const struct netif_interface *))
{
	struct netif_listing listing;
	int result;

	listing.each = each;
	listing.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);	/* any socket takes an ioctl */
	if (listing.fd < 0)
		return -1;
	result = netif_ask(0, NULL, netif_list_one, &listing);
	close(listing.fd);
	return result;
}

#endif
