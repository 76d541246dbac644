/* SPDX-License-Identifier: MIT
 *
 * netif.h: the kernel side of packet capture, and nothing else: find an interface, open a packet
 * socket on it, take packets. It never blocks, allocates nothing and keeps no global state, so that
 * it fits into any program's own poll loop:
 *
 *	struct netif n = { 0 };
 *	struct packet p;
 *	netif_find(&n, "eth0") || netif_start(&n, ...);
 *	... poll n.fd for POLLIN, and then:
 *	while (netif_next(&n, &p, room, sizeof room) > 0)
 *		... p.head and p.data are one frame
 *
 * Functions return 0 (netif_next: 1 for a packet), or -1 with errno set and, where they take n,
 * n->failed naming what failed. After that close n->fd, if it is one.
 * See packet(7), and Documentation/networking/packet_mmap.rst in the kernel's source.
 */
#ifndef NETIF_H
#define NETIF_H

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

/* linux/if_packet.h: what musl's netpacket/packet.h leaves out */
#define TPACKET_V3 2
#define TP_STATUS_KERNEL 0
#define TP_STATUS_USER 0x01	/* in a block's header: the block is ours to read */
#define TP_STATUS_VLAN_VALID 0x10	/* in a packet's: the kernel took a tag out of the frame */
#define TP_STATUS_VLAN_TPID_VALID 0x40

struct tpacket_req3 {
	unsigned tp_block_size, tp_block_nr, tp_frame_size, tp_frame_nr;
	unsigned tp_retire_blk_tov;	/* ms */
	unsigned tp_sizeof_priv, tp_feature_req_word;
};

struct tpacket_block {	/* struct tpacket_block_desc with its one form of header */
	uint32_t version, offset_to_priv, block_status, num_pkts, offset_to_first_pkt, blk_len;
	uint64_t seq_num;
	uint32_t ts_first[2], ts_last[2];
};

struct tpacket3_hdr {
	uint32_t tp_next_offset, tp_sec, tp_nsec, tp_snaplen, tp_len, tp_status;
	uint16_t tp_mac, tp_net;
	uint32_t tp_rxhash, tp_vlan_tci;
	uint16_t tp_vlan_tpid, tp_padding;
	uint8_t tp_padding2[8];	/* the packet's sockaddr_ll follows */
};

struct tpacket_auxdata {
	uint32_t tp_status, tp_len, tp_snaplen;
	uint16_t tp_mac, tp_net, tp_vlan_tci, tp_vlan_tpid;
};

struct tpacket_stats_v3 {
	uint32_t tp_packets, tp_drops, tp_freeze_q_cnt;
};

/* asm-generic/socket.h: SO_TIMESTAMPNS_OLD, with two longs for a time. Where a long has 32 bits,
 * SO_TIMESTAMPNS is the newer one, with twice 64, which came with Linux 5.1. */
#define TIMESTAMPNS_OLD 35

/* linux/netlink.h, linux/rtnetlink.h, linux/if_link.h */
#define NLM_F_REQUEST 0x01
#define NLM_F_DUMP 0x300
#define RTM_NEWLINK 16
#define NLMSG_DONE 3
#define RTM_GETLINK 18

struct nlmsghdr {
	uint32_t nlmsg_len;	/* bytes, this header included */
	uint16_t nlmsg_type, nlmsg_flags;
	uint32_t nlmsg_seq, nlmsg_pid;
};

struct ifinfomsg {
	uint8_t ifi_family, ifi_pad;
	uint16_t ifi_type;	/* ARPHRD_* */
	int ifi_index;
	unsigned ifi_flags, ifi_change;	/* IFF_* */
};

/* One interface: the kernel puts its name first of all attributes (rtnl_fill_ifinfo), ended by a 0,
 * and pads the whole to 4 bytes. */
struct netif_link {
	struct nlmsghdr h;
	struct ifinfomsg info;
	uint16_t rta_len, rta_type;
	char name[IFNAMSIZ];
};

/* linux/filter.h */
struct sock_fprog {
	unsigned short len;	/* instructions, at most 4096 */
	const void *filter;	/* struct sock_filter[] */
};

enum {
	NETIF_ALL = 0,	/* the ifindex that stands for every interface at once */
	SLL_LEN = 16,	/* bytes of the cooked header of LINKTYPE_LINUX_SLL */
	SLL2_LEN = 20,	/* ... of LINKTYPE_LINUX_SLL2 */
	VLAN_LEN = 4,	/* bytes of a VLAN tag: TPID and TCI */
	VLAN_AT = 12,	/* where it stands in an Ethernet frame: behind the two addresses */
	HEAD_MAX = SLL2_LEN + VLAN_LEN,
	/* Bytes of a block: a quarter of the ring, up to a size at which waking up for one costs
	 * little: at 64 bytes flat out a packet takes 91 ns with 8 blocks in 2 MiB, and 76 with 4. */
	BLOCK_MIN = 64 << 10,	/* the largest page of any machine */
	BLOCK_MAX = 512 << 10,
	BLOCK_OVERHEAD = 256,	/* bytes: more than the block's and one packet's headers need */
	RING_MIN_KIB = 128,	/* below this a ring loses more than a plain socket does */
	/* Bytes: how far ahead the ring is called into the cache from that of the core that filled it,
	 * which saves a tenth at 64 bytes. Those of large packets come by themselves, in order. */
	PREFETCH_AHEAD = 2048,
	CACHE_LINE = 64,
};

/* One captured packet: the frame is head (what was rebuilt) and then data (what the kernel
 * holds). */
struct packet {
	const unsigned char *data;	/* in the ring or the caller's room, until the next one */
	uint32_t datalen;	/* bytes */
	uint32_t headlen;	/* bytes, 0 to HEAD_MAX */
	uint32_t origlen;	/* bytes on the wire, with the VLAN tag and the cooked header */
	uint32_t sec, nsec;	/* when the kernel received it: since 1970, and 0 to 999999999 */
	unsigned char head[HEAD_MAX];
};

struct netif {
	const char *failed;	/* what errno is about */
	int fd;	/* the packet socket: poll it for POLLIN */
	int ifindex;	/* NETIF_ALL, or from 1 */
	int hatype;	/* ARPHRD_*, net/if_arp.h; 0 for NETIF_ALL */
	uint32_t netmask;	/* of its IPv4 network; 0 if it has none */
	uint32_t cooked;	/* bytes of cooked header in front: 0, SLL_LEN or SLL2_LEN */
	int promisc_error;	/* errno, where promiscuous mode was asked for and refused */
	int own_time;	/* the kernel gives no times: a packet's is when it is taken */

	unsigned char *ring, *ring_end;	/* NULL: packets come one by one from the socket */
	uint32_t block_size;	/* bytes */
	unsigned char *block;	/* the one being read */
	unsigned char *at;	/* the next packet in it */
	uint32_t left;	/* packets from there on */
	int held;	/* the block is ours, not yet given back */

	uint64_t seen;	/* packets that passed the filter, dropped ones too */
	uint64_t dropped;	/* those that found no room */
	int blind;	/* the kernel keeps no such statistics */
};

/* Two bytes in network order at AT. */
static void netif_put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static int netif_fail(struct netif *n, const char *call)
{
	n->failed = call;
	return -1;
}

static int netif_set(struct netif *n, int level, int option, const void *value, socklen_t len)
{
	return setsockopt(n->fd, level, option, value, len);
}

/* Protocol 0: the socket takes nothing until it is bound, so nothing of another interface and
 * nothing that the filter refuses can slip in. */
static int netif_socket(struct netif *n, int type)
{
	n->fd = socket(AF_PACKET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return n->fd < 0 ? netif_fail(n, "socket") : 0;
}

/* What the interface called NAME, of 1 to 15 bytes, is. */
static int netif_look_up(struct netif *n, const char *name)
{
	struct ifreq ifr;
	size_t i;

	for (i = 0; i < IFNAMSIZ - 1 && name[i]; i++)
		ifr.ifr_name[i] = name[i];
	ifr.ifr_name[i] = 0;
	if (ioctl(n->fd, SIOCGIFINDEX, &ifr) < 0)
		return netif_fail(n, name);
	n->ifindex = ifr.ifr_ifindex;
	if (ioctl(n->fd, SIOCGIFHWADDR, &ifr) < 0)
		return netif_fail(n, name);
	n->hatype = ifr.ifr_hwaddr.sa_family;
	if (ioctl(n->fd, SIOCGIFNETMASK, &ifr) == 0)
		n->netmask = ntohl(((struct sockaddr_in *)(void *)&ifr.ifr_netmask)->sin_addr.s_addr);
	return 0;
}

/* Looks the interface up and opens a socket that takes nothing yet; *n is all zero. NAME is NULL for
 * all interfaces (which the kernel gives in cooked form only). */
static inline int netif_find(struct netif *n, const char *name)
{
	if (netif_socket(n, name ? SOCK_RAW : SOCK_DGRAM) < 0)
		return -1;
	return name ? netif_look_up(n, name) : 0;
}

/* Asks for packets without their link layer, each behind a cooked header of SLL_LEN or SLL2_LEN
 * bytes instead. After netif_find, before netif_start. */
static inline int netif_cook(struct netif *n, uint32_t headerlen)
{
	n->cooked = headerlen;
	if (n->ifindex == NETIF_ALL)
		return 0;
	close(n->fd);
	return netif_socket(n, SOCK_DGRAM);
}

/* Attaches COUNT instructions (struct sock_filter of linux/filter.h) in the kernel, in place
 * of any before. */
static inline int netif_filter(struct netif *n, const void *program, unsigned count)
{
	struct sock_fprog fprog = { (unsigned short)count, program };

	if (netif_set(n, SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof fprog) < 0)
		return netif_fail(n, "filter");
	return 0;
}

/* Takes no more packets; those that the kernel holds can still be read. */
static inline int netif_close_filter(struct netif *n)
{
	static const struct { uint16_t code; uint8_t jt, jf; uint32_t k; } nothing = { 6, 0, 0, 0 };

	return netif_filter(n, &nothing, 1);	/* ret #0 */
}

/* KiB that a ring may have: a quarter of what is free or, where the rest serves as a cache, a 128th of all.
 * The kernel is no judge of that: before it refuses a ring it kills processes for their memory
 * (net/packet/af_packet.c: alloc_one_pg_vec_page, from vzalloc on). */
static uint64_t netif_spare_kib(void)
{
	struct sysinfo memory;
	uint64_t quarter, least;

	if (syscall(SYS_sysinfo, &memory) < 0)
		return UINT64_MAX;
	quarter = (uint64_t)memory.freeram * memory.mem_unit >> 12;
	least = (uint64_t)memory.totalram * memory.mem_unit >> 17;
	return quarter > least ? quarter : least;
}

/* A ring of KIB or, where memory is short, of half as much, down to RING_MIN_KIB. Without one
 * n->ring stays NULL and netif_next receives from the socket. A packet never crosses blocks, so a
 * block holds at least one of SNAPLEN bytes; a ring that has no two such blocks is none. */
static void netif_ring(struct netif *n, uint32_t kib, uint32_t block_ms, uint32_t snaplen)
{
	struct tpacket_req3 req = { .tp_retire_blk_tov = block_ms };
	const uint64_t spare_kib = netif_spare_kib();
	int version = TPACKET_V3;
	uint32_t size;
	void *ring;

	if (netif_set(n, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0)
		return;
	for (; kib >= RING_MIN_KIB; kib /= 2) {
		size = BLOCK_MIN;
		while ((size < BLOCK_MAX && size >> 10 < kib / 4) ||
		    size < snaplen + BLOCK_OVERHEAD)
			size *= 2;
		req.tp_block_size = req.tp_frame_size = size;	/* V3 packs frames of any size */
		req.tp_block_nr = req.tp_frame_nr = kib / (size >> 10);
		if (kib > spare_kib || req.tp_block_nr < 2 ||
		    netif_set(n, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) < 0)
			continue;
		n->block_size = size;
		size *= req.tp_block_nr;
		ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, n->fd, 0);
		if (ring != MAP_FAILED) {
			n->ring = n->block = ring;
			n->ring_end = n->ring + size;
			return;
		}
		req.tp_block_nr = req.tp_frame_nr = 0;	/* gives the memory back */
		netif_set(n, SOL_PACKET, PACKET_RX_RING, &req, sizeof req);
	}
}

/* Without a ring: a receive buffer of KIB, and length, tag and time of each packet beside its
 * bytes. Where the kernel refuses one of them a packet has what is left: its received length,
 * no tag, the time at which it is taken. */
static void netif_plain(struct netif *n, uint32_t kib)
{
	int on = 1, bytes = (int)(kib << 10);

	/* CAP_NET_ADMIN lifts the limit of net.core.rmem_max; the kernel doubles both */
	if (netif_set(n, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		netif_set(n, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	netif_set(n, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on);
	n->own_time = netif_set(n, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 &&
	    (SO_TIMESTAMPNS == TIMESTAMPNS_OLD ||
	    netif_set(n, SOL_SOCKET, TIMESTAMPNS_OLD, &on, sizeof on) < 0);
}

/* Takes packets of n->ifindex from here on. */
static int netif_bind(struct netif *n, int promisc)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_ifindex = n->ifindex,
	};

	/* a membership: the kernel takes it back with the socket, however that ends */
	struct packet_mreq mreq = { .mr_ifindex = n->ifindex, .mr_type = PACKET_MR_PROMISC };

	netif_put16((void *)&ll.sll_protocol, ETH_P_ALL);
	if (promisc && n->ifindex != NETIF_ALL &&
	    netif_set(n, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof mreq) < 0)
		n->promisc_error = errno;
	if (bind(n->fd, (struct sockaddr *)&ll, sizeof ll) < 0)
		return netif_fail(n, "bind");
	return 0;
}

/* Starts the capture: from here on packets wait in a ring of RING_KIB (0: none; less than 2
 * GiB) or in the socket's buffer of BUFFER_KIB. SNAPLEN: the most bytes of a packet that the
 * filter lets through. BLOCK_MS: after so long a block of the ring is handed over though it is not
 * full. An interface that is down is no error here; netif_error tells of it. */
static inline int netif_start(struct netif *n, uint32_t snaplen, uint32_t ring_kib,
    uint32_t buffer_kib, uint32_t block_ms, int promisc)
{
	netif_ring(n, ring_kib, block_ms, snaplen);
	if (!n->ring)
		netif_plain(n, buffer_kib);
	return netif_bind(n, promisc);
}

/* Goes on with an interface that was deleted and made again as NAME, on the same socket: needs no
 * right, and filter and ring are still there. errno is ENODEV as long as it is not back, and
 * EPROTOTYPE if it is of another kind now. */
static inline int netif_again(struct netif *n, const char *name, int promisc)
{
	int hatype = n->hatype;

	if (netif_look_up(n, name) < 0)
		return -1;
	if (n->hatype != hatype) {
		errno = EPROTOTYPE;
		return netif_fail(n, name);
	}
	return netif_bind(n, promisc);
}

/* Writes the cooked header, PROTOCOL being the type of what follows it.
 * https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and ..._SLL2.html */
static void netif_cooked(unsigned char *h, uint32_t cooked, unsigned protocol,
    const struct sockaddr_ll *ll)
{
	if (cooked == SLL2_LEN) {
		netif_put16(h, protocol);
		netif_put16(h + 2, 0);
		netif_put16(h + 4, (unsigned)ll->sll_ifindex >> 16);
		netif_put16(h + 6, (unsigned)ll->sll_ifindex);
		netif_put16(h + 8, ll->sll_hatype);
		netif_put16(h + 10, ll->sll_pkttype << 8 | ll->sll_halen);
		h += 12;
	} else {
		netif_put16(h, ll->sll_pkttype);
		netif_put16(h + 2, ll->sll_hatype);
		netif_put16(h + 4, ll->sll_halen);
		netif_put16(h + 14, protocol);
		h += 6;
	}
	memcpy(h, ll->sll_addr, 8);
}

/* Rebuilds what stands in front of the data: the cooked header, and the VLAN tag where it was,
 * which is between the addresses and the type. */
static void netif_head(const struct netif *n, struct packet *p, uint32_t status, unsigned tci,
    unsigned tpid, const struct sockaddr_ll *ll)
{
	int tagged = status & TP_STATUS_VLAN_VALID;	/* not tci: a tag of VLAN 0 is one too */
	const unsigned char *type = (const void *)&ll->sll_protocol;
	unsigned protocol;

	p->headlen = n->cooked;
	p->origlen += n->cooked;
	if (!n->cooked && !tagged)
		return;
	protocol = (unsigned)type[0] << 8 | type[1];
	if (!(status & TP_STATUS_VLAN_TPID_VALID))
		tpid = ETH_P_8021Q;
	if (n->cooked)
		netif_cooked(p->head, n->cooked, tagged ? tpid : protocol, ll);
	if (!tagged)
		return;
	p->origlen += VLAN_LEN;
	if (n->cooked) {
		netif_put16(p->head + n->cooked, tci);
		netif_put16(p->head + n->cooked + 2, protocol);
	} else if (p->datalen >= VLAN_AT) {
		memcpy(p->head, p->data, VLAN_AT);
		netif_put16(p->head + VLAN_AT, tpid);
		netif_put16(p->head + VLAN_AT + 2, tci);
		p->headlen = VLAN_AT;
		p->data += VLAN_AT;
		p->datalen -= VLAN_AT;
	} else {
		return;	/* cut before it */
	}
	p->headlen += VLAN_LEN;
}

/* Gives back the block that has been read, if there is one, and makes the next one ours.
 * Returns 0 if the kernel still fills that. */
static int netif_next_block(struct netif *n)
{
	struct tpacket_block *b = (void *)n->block;

	if (n->held) {
		__atomic_store_n(&b->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		n->block += n->block_size;
		if (n->block == n->ring_end)
			n->block = n->ring;
		b = (void *)n->block;
	}
	n->held = __atomic_load_n(&b->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER;
	n->left = n->held ? b->num_pkts : 0;
	n->at = n->block + b->offset_to_first_pkt;
	return n->held;
}

/* The next packet of the ring: its data stay where the kernel put them. */
static int netif_next_ring(struct netif *n, struct packet *p)
{
	const struct tpacket3_hdr *h;
	size_t room;

	while (!n->left)
		if (!netif_next_block(n))
			return 0;
	h = (const void *)n->at;
	room = (size_t)(n->block + n->block_size - n->at);
	if (room > n->block_size || room < sizeof *h + sizeof(struct sockaddr_ll) ||
	    h->tp_mac + (uint64_t)h->tp_snaplen > room) {
		errno = EBADMSG;
		return netif_fail(n, "ring");
	}
	__builtin_prefetch(n->at + PREFETCH_AHEAD);	/* what 64 bytes take in the ring: three lines */
	__builtin_prefetch(n->at + PREFETCH_AHEAD + CACHE_LINE);
	__builtin_prefetch(n->at + PREFETCH_AHEAD + 2 * CACHE_LINE);
	n->at += h->tp_next_offset;
	n->left--;
	p->data = (const unsigned char *)h + h->tp_mac;
	p->datalen = h->tp_snaplen;
	p->origlen = h->tp_len;
	p->sec = h->tp_sec;
	p->nsec = h->tp_nsec;
	netif_head(n, p, h->tp_status, h->tp_vlan_tci, h->tp_vlan_tpid, (const void *)(h + 1));
	return 1;
}

/* What stands beside a received packet, in LEFT bytes of control messages at AT: original
 * length, tag and time. See cmsg(3). */
static void netif_control(const unsigned char *at, size_t left, struct tpacket_auxdata *aux,
    struct packet *p)
{
	const struct cmsghdr *c;
	union {
		struct timespec ts;
		long old[2];
	} when;
	size_t len;

	for (; left >= sizeof *c; at += len, left -= len) {
		c = (const void *)at;
		len = CMSG_ALIGN(c->cmsg_len);
		if (len < sizeof *c + sizeof when.old || len > left)
			return;
		memcpy(&when, c + 1, len < sizeof *c + sizeof when ? sizeof when.old : sizeof when);
		if (c->cmsg_type == SO_TIMESTAMPNS) {
			p->sec = (uint32_t)when.ts.tv_sec;
			p->nsec = (uint32_t)when.ts.tv_nsec;
		} else if (c->cmsg_type == TIMESTAMPNS_OLD) {
			p->sec = (uint32_t)when.old[0];
			p->nsec = (uint32_t)when.old[1];
		} else if (len >= sizeof *c + sizeof *aux) {	/* PACKET_AUXDATA */
			memcpy(aux, c + 1, sizeof *aux);
			p->origlen = aux->tp_len;
		}
	}
}

/* The next packet of the socket, received into ROOM with space for a cooked header before it. */
static int netif_next_plain(struct netif *n, struct packet *p, unsigned char *room, size_t size)
{
	struct sockaddr_ll from[2];	/* two, for hardware addresses of up to 28 bytes */
	uint64_t control[16];	/* time (twice where long has 32 bits) and auxdata */
	struct iovec iov = { room + n->cooked, size - n->cooked };
	struct msghdr m = {
		.msg_name = from, .msg_namelen = sizeof from,
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control,
	};
	struct tpacket_auxdata aux = { 0 };
	struct timespec now;
	ssize_t len = recvmsg(n->fd, &m, MSG_TRUNC);

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : netif_fail(n, "receive");
	p->data = iov.iov_base;
	p->datalen = (size_t)len < iov.iov_len ? (uint32_t)len : (uint32_t)iov.iov_len;
	p->origlen = (uint32_t)len;
	p->sec = p->nsec = 0;
	if (n->own_time) {
		clock_gettime(CLOCK_REALTIME, &now);
		p->sec = (uint32_t)now.tv_sec;
		p->nsec = (uint32_t)now.tv_nsec;
	}
	netif_control((const void *)control, m.msg_controllen, &aux, p);
	netif_head(n, p, aux.tp_status, aux.tp_vlan_tci, aux.tp_vlan_tpid, from);
	return 1;
}

/* Takes one packet. Returns 1, or 0 if none is ready, or -1. Never waits. Without a ring the bytes
 * land in ROOM, of SIZE bytes, which must hold the snaplen; a ring leaves it alone. */
static inline int netif_next(struct netif *n, struct packet *p, unsigned char *room, size_t size)
{
	return n->ring ? netif_next_ring(n, p) : netif_next_plain(n, p, room, size);
}

/* Adds what the kernel counted since the last call (it starts again from 0, in 32 bits: call at
 * least every 2^31 packets). Its count of packets has those in it that it dropped. */
static inline void netif_count(struct netif *n)
{
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t len = sizeof stats;

	n->blind = getsockopt(n->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0;
	n->seen += stats.tp_packets;
	n->dropped += stats.tp_drops;
}

/* The error that poll shows as POLLERR, once: ENETDOWN when the interface went down. With a ring
 * only this clears it; poll would return at once for ever. */
static inline int netif_error(struct netif *n)
{
	int error = 0;
	socklen_t len = sizeof error;

	getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

/* Whether the interface is up (1), down (0) or, deleted or moved away, no longer there (-1). The
 * socket knows that, though another may have the index by now; and the name may have changed. */
static inline int netif_state(struct netif *n)
{
	struct sockaddr_ll ll = { .sll_ifindex = -1 };
	socklen_t len = sizeof ll;
	struct ifreq ifr;

	getsockname(n->fd, (struct sockaddr *)&ll, &len);
	ifr.ifr_ifindex = ll.sll_ifindex;
	/* it may be renamed between the two, though not each time */
	for (int tries = 0; tries < 8 && ioctl(n->fd, SIOCGIFNAME, &ifr) == 0; tries++)
		if (ioctl(n->fd, SIOCGIFFLAGS, &ifr) == 0)
			return ifr.ifr_flags & IFF_UP;
	return -1;
}

/* Reads the kernel's list of interfaces from FD. */
static int netif_answers(int fd, void *buf, size_t size,
    void (*each)(const char *, const struct ifinfomsg *))
{
	const struct netif_link *link;
	ssize_t left, len;

	while ((left = read(fd, buf, size)) > 0)
		for (link = buf; left > 0; link = (const void *)((const char *)link + len)) {
			len = (ssize_t)link->h.nlmsg_len;
			if (link->h.nlmsg_type == NLMSG_DONE)
				return 0;
			if (link->h.nlmsg_type != RTM_NEWLINK || len > left ||
			    len <= (ssize_t)sizeof *link) {
				errno = EBADMSG;
				return -1;
			}
			left -= len;
			each(link->name, &link->info);
		}
	return -1;
}

/* Calls EACH for every interface; BUF of SIZE bytes, aligned for an int, holds the kernel's
 * answers. Asked by rtnetlink(7), which needs neither rights nor /proc. Returns 0, or -1 with
 * errno set. */
static inline int netif_list(void *buf, size_t size,
    void (*each)(const char *, const struct ifinfomsg *))
{
	static const struct { struct nlmsghdr h; struct ifinfomsg info; } ask = {
		.h = { sizeof ask, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 0, 0 },
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), result = -1;

	if (fd < 0)
		return -1;
	if (write(fd, &ask, sizeof ask) >= 0)
		result = netif_answers(fd, buf, size, each);
	close(fd);
	return result;
}

#endif
