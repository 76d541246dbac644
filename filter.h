/* SPDX-License-Identifier: MIT */
/*
 * filter.h - pcap-filter(7) text in, classic BPF out
 *
 * A small compiler by the book. It knows nothing of sockets and opens nothing: a function of what
 * struct filter holds, on static storage. Each part below only uses those above it:
 *
 *	messages	what is wrong, where, and what to write instead
 *	pools		equal things are kept once and have a number
 *	scanner		text -> words: the rows of filter_protocols[], filter_words[] ...
 *	names		services and protocols
 *	values		numbers that a packet has: loads and arithmetic
 *	trees		conditions on values: AND, OR, NOT, field IN set, relation
 *	link layers	link types are the rows of filter_links[]; where headers stand
 *	primitives	what tcp, host, port, vlan ... mean, as trees
 *	parser		precedence climbing over words and operators
 *	graph		tests with two ways out, made from a tree
 *	optimizer	ways that know the answer of a test go past it; equal tests become one
 *	emission	the graph as instructions
 *	bytecode	the output of tcpdump -ddd
 *
 * A graph's node is a whole test ("the 2 bytes at 12 equal 0x800"), so any way may lead to any
 * node. Only emission knows of registers: it leaves out a load where A or X hold the value on all
 * ways in.
 */
#ifndef RAWCAP_FILTER_H
#define RAWCAP_FILTER_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "bpf.h"

/* What to compile, and for what; below, what is found. */
struct filter {
	/* must hold besides `text`, with offsets of its own; NULL: nothing */
	const char *rule;
	/* an expression, "" for everything, or the output of tcpdump -ddd */
	const char *text;
	int linktype;		/* LINKTYPE_ number of the link */
	/* 1: for a socket's filter, 0: for packets as they stand in a file */
	int live;
	uint32_t snaplen;	/* what an accepted packet returns, in bytes */
	uint32_t netmask;	/* of the interface, for `ip broadcast`; 0: unknown */
	/* bytes of a switch's tag behind the two Ethernet addresses, on EN10MB; 0: none */
	unsigned taglen;
	/* the text of /etc/services and /etc/protocols, or NULL: asked before built-in names */
	const char *services, *protocols;
	char *err;		/* gets one line without newline when it fails */
	size_t errsize;		/* of err in bytes, at least 1 */
	/* of what is wrong in `text`, from 1; 0: nothing, or it is in `rule` */
	unsigned column;
	/* 1: no packet of this link type can pass (`arp` on a raw IP link) */
	int never;
};

/* ---- state ---- */

enum {
	/* bytes: hardly any longer text fits into 4096 instructions */
	FILTER_TEXT_MAX = 16384,
	/* parentheses and the like within others; each takes a few hundred bytes of stack */
	FILTER_NESTING_MAX = 100,
	/* of each kind: what texts of that length may need, times some */
	FILTER_VALUES_MAX = 8192, FILTER_TREES_MAX = 32768, FILTER_ENTRIES_MAX = 8192,
	FILTER_SETS_MAX = 16384, FILTER_NODES_MAX = 16384, FILTER_LAYERS_MAX = 4096,
	FILTER_HASH_BITS = 12,
};

/* Items of `words` times 32 bits that are all different; 0 is none. */
struct filter_pool {
	uint32_t *items;
	uint16_t *next;			/* of the items with the same hash */
	uint16_t bucket[1 << FILTER_HASH_BITS];	/* the first item of a hash */
	unsigned words, count, max;
};

/* A part of the text. */
struct filter_span {
	const char *at;
	unsigned len;
};

struct filter_token {
	int kind;		/* enum filter_token_kind, or the character of an operator */
	struct filter_span span;
	/* of a number, IPv4 (left-justified), IPv6, MAC (its last 4 bytes, its first 2) */
	uint32_t value[4];
	unsigned bits;		/* of IPv4: 8, 16, 24 or 32 */
};

/* The words before a name or number. They hold for the ones after it, too: `port 80 or 443`. */
struct filter_context {
	unsigned proto;		/* enum filter_proto */
	/* T_SRC, T_DST, T_ADDR1 ..., less T_SRC; both ends: DIR_OR, DIR_AND */
	unsigned dir;
	/* T_HOST ..., less T_HOST, plus 1; 0: there are no such words in force */
	unsigned type;
	int parens;		/* are there open ones? */
	int ids;		/* within: names and numbers only, as in port (80 or 443) */
};

/* A number in the packet. */
struct filter_value {
	unsigned kind;		/* enum filter_value_kind */
	unsigned code;		/* of a load: its size; of arithmetic: the operation */
	/* of a load: the value that X has, 0 for none; of arithmetic: operands */
	unsigned left, right;
	unsigned mem;		/* the words of M[] that it reads, a bit for each */
	/* the constant, the offset, the place in M[], the number of a name */
	uint32_t k;
};

/* A condition. */
struct filter_tree {
	unsigned kind;		/* enum filter_tree_kind */
	unsigned a, b;		/* trees, values, sets, a layer: as the kind says */
	/* of a test: OP_JEQ, OP_JGT, OP_JGE, OP_JSET; of a match: its class */
	unsigned jump;
	uint32_t k;
};

/*
 * What is looked for: from `value` to `upto`, of up to four words; irregular: value under mask
 * upto.
 */
struct filter_entry {
	uint32_t value[4], upto[4];
	uint32_t irregular;
};

/* A set of entries: the union of two, or with right 0 the entry `left`. */
struct filter_set {
	unsigned left, right;
};

/* A test and where its two ways lead, or a register that is set. */
struct filter_node {
	unsigned kind;		/* enum filter_node_kind */
	unsigned jump;		/* of a test; with OP_X `k` is a value's number */
	unsigned value;		/* what is tested, or what the register is set to */
	/* constant; value; for a register the name the value has from then on */
	uint32_t k;
	unsigned yes, no;
};

/* What is known of a node beside its content. */
struct filter_node_state {
	/*
	 * node * 2 + (0: yes, 1: no) of the last way that all ways to the node have in common; 0:
	 * none
	 */
	unsigned known;
	unsigned whole;		/* the value that a test is about, without its mask; 0: no test */
	unsigned depth;		/* how many such ways lie behind it, itself included */
	unsigned place;		/* where its instructions begin; while nodes move: its new number */
	unsigned a, x;		/* the values in A and X when it begins, 0: not known */
	int reached;
};

/* Where a header stands: at a constant offset in bytes and, with x > 0, the value x behind that. */
struct filter_base {
	uint32_t off;
	unsigned x;
};

struct filter_layer {
	const struct filter_link *link;
	/* link header, its type field, what follows it */
	struct filter_base header, type, payload;
	/* from the payload to the network header: LLC and SNAP, MPLS labels; without SNAP */
	uint32_t network, nosnap;
	int kind;		/* enum filter_kind */
	int labels;		/* MPLS: were there any? */
	int tagged;		/* VLAN: were there any? */
	int geneve;		/* is it within a tunnel that may have no link header? */
};

/* What stands at END_SRC and END_DST. */
struct filter_view {
	unsigned end[2][4];	/* values, word by word */
	unsigned words;		/* 0: MAC addresses, which stand where the link layer says */
};

static struct filter_state {
	struct filter *job;
	jmp_buf failed;
	const char *text;		/* of which columns are counted */
	/* scanner */
	const char *p;			/* where the next word is looked for */
	struct filter_token token;	/* the current word */
	/* parser */
	struct filter_context now;
	struct filter_span blame;	/* the word that the primitive is about */
	unsigned depth;
	struct filter_layer layers[FILTER_LAYERS_MAX];
	unsigned layer;			/* the one in force */
	unsigned cooked;		/* bytes of a header that a live socket does not have */
	unsigned registers;		/* of M[], in use from 0 on */
	/* values: where the 802.11 header and its end stand; 0 on other links */
	unsigned radio, wireless;
	unsigned names;			/* given to values so far */
	/* graph */
	int joined;			/* one search for IPv4 and IPv6, or for IP and ARP */
	int could_join;			/* was there one that could be so? */
	unsigned stores;		/* words of M[] that something reads, a bit for each */
	/* left for the optimizer; without, programs only get longer */
	unsigned steps;
	struct filter_view view;	/* of the match that becomes nodes */
	/* emission */
	unsigned a, x;			/* values in A and X */
	unsigned temporary;		/* the next free word of M[], from above */
	struct bpf_instruction code[64];	/* of one node */
	unsigned codelen;
	/* pools */
	struct filter_pool values, trees, entries, sets, nodes;
	struct filter_value value[FILTER_VALUES_MAX];
	struct filter_tree tree[FILTER_TREES_MAX];
	struct filter_entry entry[FILTER_ENTRIES_MAX];
	struct filter_set set[FILTER_SETS_MAX];
	struct filter_node node[FILTER_NODES_MAX];
	struct filter_node_state state[FILTER_NODES_MAX];
} filt;

/* ---- messages ---- */

static inline int filter_is_one_of(int c, const char *set)
{
	while (*set && *set != c)
		set++;
	return *set;
}

/* How many characters of a set s begins with. */
static inline unsigned filter_span_of(const char *s, const char *set)
{
	unsigned n = 0;

	while (filter_is_one_of(s[n], set))
		n++;
	return n;
}

/* The value of a digit in any base up to 36, more if it is none. */
static inline unsigned filter_digit(int c)
{
	unsigned d = (unsigned)c - '0', letter = ((unsigned)c | 0x20) - 'a';

	return d < 10 ? d : letter < 26 ? letter + 10 : 99;
}

static inline int filter_is_small(int c)
{
	return c >= 'a' && c <= 'z';
}

/* A part of the text, with what cannot be printed in hex; not more than 40 characters of it. */
static void filter_quote(struct bpf_text *t, struct filter_span s)
{
	unsigned n = s.len > 40 ? 40 : s.len;

	for (unsigned i = 0; i < n; i++) {
		unsigned c = (unsigned char)s.at[i];

		if (c >= ' ' && c < 127) {
			bpf_put_char(t, (int)c);
		} else {
			bpf_put(t, "\\x");
			bpf_put_number(t, c, 16, 2);
		}
	}
	if (s.len > n)
		bpf_put(t, "...");
}

/* The wrong word and the one before it, as far as that is one. */
static void filter_put_culprit(struct bpf_text *t, struct filter_span wrong)
{
	const char *before = wrong.at;

	while (before > filt.text && before[-1] == ' ')
		before--;
	while (before > filt.text && filter_is_small(before[-1]))
		before--;
	while (*before == ' ')
		before++;
	if (!wrong.len) {
		bpf_put(t, "end");
		return;
	}
	filter_quote(t, (struct filter_span){ before, (unsigned)(wrong.at - before) });
	filter_quote(t, wrong);
}

/* Says what is wrong with a part of the text, and gives up. In `why` % stands for `what`. */
static _Noreturn void filter_fail_with(struct filter_span wrong, const char *why,
    struct filter_span what)
{
	struct bpf_text t = { filt.job->err, filt.job->err + filt.job->errsize - 1 };
	unsigned column = (unsigned)(wrong.at - filt.text) + 1;

	filter_put_culprit(&t, wrong);
	bpf_put(&t, ": ");
	for (; *why; why++) {
		if (*why == '%')
			filter_quote(&t, what);
		else
			bpf_put_char(&t, *why);
	}
	bpf_put(&t, " (column ");
	bpf_put_number(&t, column, 10, 1);
	bpf_put(&t, ")");
	if (filt.text != filt.job->rule)
		filt.job->column = column;
	longjmp(filt.failed, 1);
}

/* The same; % stands for the wrong part itself. */
static _Noreturn void filter_fail(struct filter_span wrong, const char *why)
{
	filter_fail_with(wrong, why, wrong);
}

/* The same; % stands for a text of ours. */
static _Noreturn void filter_fail_naming(struct filter_span wrong, const char *why,
    const char *name)
{
	filter_fail_with(wrong, why, (struct filter_span){ name, (unsigned)strlen(name) });
}

/* Says what is wrong with the word that a primitive is about. */
static _Noreturn void filter_blame(const char *why)
{
	filter_fail(filt.blame, why);
}

/* Gives up for a reason that no single word has. */
static _Noreturn void filter_fail_whole(const char *why)
{
	struct bpf_text t = { filt.job->err, filt.job->err + filt.job->errsize - 1 };

	if (!*filt.job->err)		/* the first reason counts */
		bpf_put(&t, why);
	longjmp(filt.failed, 1);
}

/* ---- pools ---- */

static void filter_pool_clear(struct filter_pool *p)
{
	memset(p->bucket, 0, sizeof p->bucket);
	p->count = 1;
}

/* The number of an item: that of an equal one, or a new one. */
static unsigned filter_pool_add(struct filter_pool *p, const void *item)
{
	const uint32_t *words = item;
	uint32_t hash = 0, *at;
	unsigned i, w;
	uint16_t *bucket;

	for (w = 0; w < p->words; w++)
		hash = (hash ^ words[w]) * 0x9e3779b1u;
	bucket = &p->bucket[hash >> (32 - FILTER_HASH_BITS)];
	for (i = *bucket; i; i = p->next[i]) {
		at = p->items + i * p->words;
		for (w = 0; w < p->words && at[w] == words[w]; w++)
			;
		if (w == p->words)
			return i;
	}
	if (p->count == p->max)
		filter_fail_whole("too long");
	i = p->count++;
	memcpy(p->items + i * p->words, words, p->words * sizeof *words);
	p->next[i] = *bucket;
	*bucket = (uint16_t)i;
	return i;
}

static void filter_pool_init(struct filter_pool *p, void *items, uint16_t *next, size_t size,
    unsigned max)
{
	p->items = items;
	p->next = next;
	p->words = (unsigned)(size / sizeof *p->items);
	p->max = max;
	filter_pool_clear(p);
}

static void filter_pools_init(void)
{
	static uint16_t values[FILTER_VALUES_MAX], trees[FILTER_TREES_MAX],
		entries[FILTER_ENTRIES_MAX], sets[FILTER_SETS_MAX], nodes[FILTER_NODES_MAX];

	filter_pool_init(&filt.values, filt.value, values, sizeof *filt.value, FILTER_VALUES_MAX);
	filter_pool_init(&filt.trees, filt.tree, trees, sizeof *filt.tree, FILTER_TREES_MAX);
	filter_pool_init(&filt.entries, filt.entry, entries, sizeof *filt.entry,
	    FILTER_ENTRIES_MAX);
	filter_pool_init(&filt.sets, filt.set, sets, sizeof *filt.set, FILTER_SETS_MAX);
	filter_pool_init(&filt.nodes, filt.node, nodes, sizeof *filt.node, FILTER_NODES_MAX);
}

/* ---- scanner ---- */

enum filter_token_kind {	/* characters of operators stand for themselves */
	T_END = 0, T_STRANGE = 128 /* no ASCII */, T_NUMBER, T_IPV4, T_IPV6, T_MAC, T_ARC, T_NAME,
	T_UNEQUAL, T_AT_LEAST, T_AT_MOST, T_LEFT, T_RIGHT, T_AND, T_OR, T_NOT, T_MASK,
	T_PROTOCOL,		/* value: enum filter_proto */
	T_SRC, T_DST, T_ADDR1, T_ADDR2, T_ADDR3, T_ADDR4, T_RA, T_TA,
	T_HOST, T_NET, T_PORT, T_PORTRANGE, T_PROTO, T_PROTOCHAIN, T_GATEWAY,
	T_BROADCAST, T_MULTICAST, T_TYPE, T_SUBTYPE, T_DIR,
	T_LESS, T_GREATER, T_BYTE, T_INBOUND, T_OUTBOUND, T_IFINDEX,
	T_VLAN, T_MPLS, T_PPPOED, T_PPPOES, T_GENEVE, T_VXLAN, T_LLC, T_LEN,
	T_FOREIGN,		/* of packet filters and links that Linux does not have */
};

enum filter_proto {
	P_NONE,
	P_IP, P_IP6, P_ARP, P_RARP, P_ATALK, P_AARP, P_DECNET, P_LAT, P_SCA, P_MOPRC, P_MOPDL,
	P_ISO, P_STP, P_IPX, P_NETBEUI,
	P_TCP, P_UDP, P_SCTP, P_PIM, P_AH, P_ESP, P_ICMP, P_IGMP, P_IGRP, P_VRRP, P_CARP, P_ICMP6,
	P_CLNP, P_ESIS, P_ISIS, P_L1, P_L2, P_IIH, P_LSP, P_SNP, P_CSNP, P_PSNP,
	P_LINK, P_RADIO,
};

enum {				/* Ethernet types and LLC SAPs */
	TYPE_IP = 0x0800, TYPE_ARP = 0x0806, TYPE_RARP = 0x8035, TYPE_ATALK = 0x809b,
	TYPE_AARP = 0x80f3, TYPE_IPX = 0x8137, TYPE_IP6 = 0x86dd, TYPE_MPLS = 0x8847,
	TYPE_PPPOED = 0x8863, TYPE_PPPOES = 0x8864, TYPE_MOPDL = 0x6001, TYPE_MOPRC = 0x6002,
	TYPE_DECNET = 0x6003, TYPE_LAT = 0x6004, TYPE_SCA = 0x6007, TYPE_BRIDGED = 0x6558,
	SAP_IP = 0x06, SAP_STP = 0x42, SAP_IPX = 0xe0, SAP_NETBEUI = 0xf0,
	SAP_ISO = 0xfe, LENGTH_MAX = 1500,	/* above that a length field is a type */
};

/* What a protocol's number is. */
enum filter_family {
	FAMILY_IPV4 = 1, FAMILY_IPV6 = 2,	/* a protocol over IPv4, IPv6 */
	FAMILY_IP = 3,		/* over both */
	FAMILY_LINK,		/* an Ethernet type or SAP */
	FAMILY_ISO,		/* a network layer protocol ID behind SAP_ISO */
	FAMILY_ISIS,		/* some types of IS-IS packets: a bit for each from 15 on */
	FAMILY_HEADER,		/* the link header itself */
};

/* Where [offset] behind the word counts from. */
enum filter_from { FROM_NOWHERE, FROM_NETWORK, FROM_IPV4, FROM_IPV6, FROM_START, FROM_HEADER };

static const struct filter_protocol {
	char name[8];
	uint8_t family;
	uint8_t from;
	uint16_t number;
} filter_protocols[] = {
	[P_NONE] = { "", FAMILY_LINK, FROM_NOWHERE, 0 },
	[P_IP] = { "ip", FAMILY_LINK, FROM_NETWORK, TYPE_IP },
	[P_IP6] = { "ip6", FAMILY_LINK, FROM_NETWORK, TYPE_IP6 },
	[P_ARP] = { "arp", FAMILY_LINK, FROM_NETWORK, TYPE_ARP },
	[P_RARP] = { "rarp", FAMILY_LINK, FROM_NETWORK, TYPE_RARP },
	[P_ATALK] = { "atalk", FAMILY_LINK, FROM_NETWORK, TYPE_ATALK },
	[P_AARP] = { "aarp", FAMILY_LINK, FROM_NOWHERE, TYPE_AARP },
	[P_DECNET] = { "decnet", FAMILY_LINK, FROM_NETWORK, TYPE_DECNET },
	[P_LAT] = { "lat", FAMILY_LINK, FROM_NETWORK, TYPE_LAT },
	[P_SCA] = { "sca", FAMILY_LINK, FROM_NETWORK, TYPE_SCA },
	[P_MOPRC] = { "moprc", FAMILY_LINK, FROM_NETWORK, TYPE_MOPRC },
	[P_MOPDL] = { "mopdl", FAMILY_LINK, FROM_NETWORK, TYPE_MOPDL },
	[P_ISO] = { "iso", FAMILY_LINK, FROM_NOWHERE, SAP_ISO },
	[P_STP] = { "stp", FAMILY_LINK, FROM_NOWHERE, SAP_STP },
	[P_IPX] = { "ipx", FAMILY_LINK, FROM_NOWHERE, SAP_IPX },
	[P_NETBEUI] = { "netbeui", FAMILY_LINK, FROM_NOWHERE, SAP_NETBEUI },
	[P_TCP] = { "tcp", FAMILY_IP, FROM_IPV4, 6 },
	[P_UDP] = { "udp", FAMILY_IP, FROM_IPV4, 17 },
	[P_SCTP] = { "sctp", FAMILY_IP, FROM_IPV4, 132 },
	[P_PIM] = { "pim", FAMILY_IP, FROM_IPV4, 103 },
	[P_AH] = { "ah", FAMILY_IP, FROM_NOWHERE, 51 },
	[P_ESP] = { "esp", FAMILY_IP, FROM_NOWHERE, 50 },
	[P_ICMP] = { "icmp", FAMILY_IPV4, FROM_IPV4, 1 },
	[P_IGMP] = { "igmp", FAMILY_IPV4, FROM_IPV4, 2 },
	[P_IGRP] = { "igrp", FAMILY_IPV4, FROM_IPV4, 9 },
	[P_VRRP] = { "vrrp", FAMILY_IPV4, FROM_IPV4, 112 },
	[P_CARP] = { "carp", FAMILY_IPV4, FROM_IPV4, 112 },
	[P_ICMP6] = { "icmp6", FAMILY_IPV6, FROM_IPV6, 58 },
	[P_CLNP] = { "clnp", FAMILY_ISO, FROM_NOWHERE, 0x81 },
	[P_ESIS] = { "esis", FAMILY_ISO, FROM_NOWHERE, 0x82 },
	[P_ISIS] = { "isis", FAMILY_ISO, FROM_NOWHERE, 0x83 },
	[P_L1] = { "l1", FAMILY_ISIS, FROM_NOWHERE, 1 << 0 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11 },
	[P_L2] = { "l2", FAMILY_ISIS, FROM_NOWHERE, 1 << 1 | 1 << 2 | 1 << 5 | 1 << 10 | 1 << 12 },
	[P_IIH] = { "iih", FAMILY_ISIS, FROM_NOWHERE, 1 << 0 | 1 << 1 | 1 << 2 },
	[P_LSP] = { "lsp", FAMILY_ISIS, FROM_NOWHERE, 1 << 3 | 1 << 5 },
	[P_SNP] = { "snp", FAMILY_ISIS, FROM_NOWHERE, 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 },
	[P_CSNP] = { "csnp", FAMILY_ISIS, FROM_NOWHERE, 1 << 9 | 1 << 10 },
	[P_PSNP] = { "psnp", FAMILY_ISIS, FROM_NOWHERE, 1 << 11 | 1 << 12 },
	[P_LINK] = { "ether", FAMILY_HEADER, FROM_HEADER, 0 },
	[P_RADIO] = { "radio", FAMILY_HEADER, FROM_START, 0 },
};

/* The other words of the language, pcap-filter(7). The order has no meaning. */
static const struct filter_word {
	char name[11];
	uint8_t token;		/* enum filter_token_kind */
	uint8_t value;		/* of T_NUMBER; of T_PROTOCOL: enum filter_proto */
} filter_words[] = {
	{ "and", T_AND, 0 }, { "or", T_OR, 0 }, { "not", T_NOT, 0 }, { "mask", T_MASK, 0 },
	{ "es-is", T_PROTOCOL, P_ESIS }, { "is-is", T_PROTOCOL, P_ISIS },
	{ "link", T_PROTOCOL, P_LINK }, { "ppp", T_PROTOCOL, P_LINK },
	{ "slip", T_PROTOCOL, P_LINK }, { "fddi", T_PROTOCOL, P_LINK },
	{ "tr", T_PROTOCOL, P_LINK }, { "wlan", T_PROTOCOL, P_LINK },
	{ "src", T_SRC, 0 }, { "dst", T_DST, 0 }, { "ra", T_RA, 0 }, { "ta", T_TA, 0 },
	{ "addr1", T_ADDR1, 0 }, { "address1", T_ADDR1, 0 }, { "addr2", T_ADDR2, 0 },
	{ "address2", T_ADDR2, 0 }, { "addr3", T_ADDR3, 0 }, { "address3", T_ADDR3, 0 },
	{ "addr4", T_ADDR4, 0 }, { "address4", T_ADDR4, 0 },
	{ "host", T_HOST, 0 }, { "net", T_NET, 0 }, { "port", T_PORT, 0 },
	{ "portrange", T_PORTRANGE, 0 }, { "proto", T_PROTO, 0 },
	{ "protochain", T_PROTOCHAIN, 0 }, { "gateway", T_GATEWAY, 0 },
	{ "broadcast", T_BROADCAST, 0 }, { "multicast", T_MULTICAST, 0 }, { "type", T_TYPE, 0 },
	{ "subtype", T_SUBTYPE, 0 }, { "dir", T_DIR, 0 }, { "direction", T_DIR, 0 },
	{ "less", T_LESS, 0 }, { "greater", T_GREATER, 0 }, { "byte", T_BYTE, 0 },
	{ "inbound", T_INBOUND, 0 }, { "outbound", T_OUTBOUND, 0 }, { "ifindex", T_IFINDEX, 0 },
	{ "vlan", T_VLAN, 0 }, { "mpls", T_MPLS, 0 }, { "pppoed", T_PPPOED, 0 },
	{ "pppoes", T_PPPOES, 0 }, { "geneve", T_GENEVE, 0 }, { "vxlan", T_VXLAN, 0 },
	{ "llc", T_LLC, 0 }, { "len", T_LEN, 0 }, { "length", T_LEN, 0 },
	{ "icmptype", T_NUMBER, 0 }, { "icmpcode", T_NUMBER, 1 }, { "tcpflags", T_NUMBER, 13 },
	{ "icmp6type", T_NUMBER, 0 }, { "icmp6code", T_NUMBER, 1 },
};

/* What may stand behind tcp-, icmp- and icmp6-. */
static const struct filter_number {
	char name[26];
	uint8_t value;
} filter_tcp_flags[] = {
	{ "fin", 0x01 }, { "syn", 0x02 }, { "rst", 0x04 }, { "push", 0x08 }, { "ack", 0x10 },
	{ "urg", 0x20 }, { "ece", 0x40 }, { "cwr", 0x80 },
}, filter_icmp_types[] = {
	{ "echoreply", 0 }, { "unreach", 3 }, { "sourcequench", 4 }, { "redirect", 5 },
	{ "echo", 8 }, { "routeradvert", 9 }, { "routersolicit", 10 }, { "timxceed", 11 },
	{ "paramprob", 12 }, { "tstamp", 13 }, { "tstampreply", 14 }, { "ireq", 15 },
	{ "ireqreply", 16 }, { "maskreq", 17 }, { "maskreply", 18 },
}, filter_icmp6_types[] = {
	{ "destinationunreach", 1 }, { "packettoobig", 2 }, { "timeexceeded", 3 },
	{ "parameterproblem", 4 }, { "echo", 128 }, { "echoreply", 129 },
	{ "multicastlistenerquery", 130 }, { "multicastlistenerreportv1", 131 },
	{ "multicastlistenerdone", 132 }, { "routersolicit", 133 }, { "routeradvert", 134 },
	{ "neighborsolicit", 135 }, { "neighboradvert", 136 }, { "redirect", 137 },
	{ "routerrenum", 138 }, { "nodeinformationquery", 139 },
	{ "nodeinformationresponse", 140 }, { "ineighbordiscoverysolicit", 141 },
	{ "ineighbordiscoveryadvert", 142 }, { "multicastlistenerreportv2", 143 },
	{ "homeagentdiscoveryrequest", 144 }, { "homeagentdiscoveryreply", 145 },
	{ "mobileprefixsolicit", 146 }, { "mobileprefixadvert", 147 },
	{ "certpathsolicit", 148 }, { "certpathadvert", 149 }, { "multicastrouteradvert", 151 },
	{ "multicastroutersolicit", 152 }, { "multicastrouterterm", 153 },
};

/* Words of pf(4), ATM and SS7, which Linux's links do not have. */
static const char filter_foreign_words[] =
	" on ifname rset ruleset rnr rulenum srnr subrulenum reason action lane metac bcc oam oamf4"
	" oamf4ec oamf4sc sc ilmic vpi vci connectmsg metaconnect fisu lssu lsu msu hfisu hlssu hmsu"
	" sio opc dpc sls hsio hopc hdpc hsls ";

/* Are these the same, but for capitals? */
static int filter_is_word(struct filter_span s, const char *name)
{
	unsigned i;

	for (i = 0; i < s.len; i++) {
		int c = s.at[i] >= 'A' && s.at[i] <= 'Z' ? s.at[i] + ('a' - 'A') : s.at[i];

		if (!name[i] || c != name[i])
			return 0;
	}
	return !name[i];
}

/*
 * The row whose name these are, but for capitals, in a table of `size` bytes with rows of `row`
 * bytes, which begin with their names; NULL if there is none.
 */
static const void *filter_find(const void *table, size_t size, size_t row, struct filter_span s)
{
	const char *end = (const char *)table + size;

	for (const char *name = table; name < end; name += row)
		if (*name == (*s.at | 0x20) && filter_is_word(s, name))
			return name;
	return NULL;
}

static int filter_has_capital(struct filter_span s)
{
	for (unsigned i = 0; i < s.len; i++)
		if (s.at[i] >= 'A' && s.at[i] <= 'Z')
			return 1;
	return 0;
}

static int filter_is_foreign(struct filter_span s)
{
	for (const char *p = filter_foreign_words; (p = strchr(p, ' ')) != NULL && *++p; )
		if (!strncmp(p, s.at, s.len) && p[s.len] == ' ')
			return 1;
	return 0;
}

/* A number of the kind of tcp-syn: its token, 0 if there is no such word. */
static int filter_find_number(struct filter_span s, uint32_t *value)
{
	const char *dash = memchr(s.at, '-', s.len);
	struct filter_span proto = s;
	const struct filter_number *row = NULL;

	if (!dash)
		return 0;
	proto.len = (unsigned)(dash - s.at);
	s.at = dash + 1;
	s.len -= proto.len + 1;
	if (filter_is_word(proto, "icmp"))
		row = filter_find(filter_icmp_types, sizeof filter_icmp_types, sizeof *row, s);
	if (filter_is_word(proto, "icmp6"))
		row = filter_find(filter_icmp6_types, sizeof filter_icmp6_types, sizeof *row, s);
	if (filter_is_word(proto, "tcp"))
		row = filter_find(filter_tcp_flags, sizeof filter_tcp_flags, sizeof *row, s);
	if (!row)
		return 0;
	*value = row->value;
	return T_NUMBER;
}

/* A word of the language, but for capitals: its token and value; 0 if it is none. */
static int filter_find_word(struct filter_span s, uint32_t *value)
{
	const struct filter_protocol *p;
	const struct filter_word *w;

	p = filter_find(filter_protocols, sizeof filter_protocols, sizeof *p, s);
	if (p) {
		*value = (uint32_t)(p - filter_protocols);
		return T_PROTOCOL;
	}
	w = filter_find(filter_words, sizeof filter_words, sizeof *w, s);
	if (!w)
		return filter_find_number(s, value);
	*value = w->value;
	return w->token;
}

/*
 * The length of the word at s: letters and digits with dots, dashes and underscores between, and
 * dots behind them.
 */
static unsigned filter_word_length(const char *s)
{
	unsigned n, len = 0;

	for (n = 0; filter_digit(s[n]) < 36 || (n && filter_is_one_of(s[n], "._-")); n++)
		if (s[n] != '-' && s[n] != '_')
			len = n + 1;
	return len;
}

/*
 * Reads at most `max` digits at s; returns where they end. The value is right up to 48 bits, above
 * that it is only too large.
 */
static const char *filter_digits(const char *s, unsigned base, unsigned max, uint64_t *value)
{
	for (*value = 0; max && filter_digit(*s) < base; max--, s++)
		if (!(*value >> 48))
			*value = *value * base + filter_digit(*s);
	return s;
}

/* A number as C writes it; 0 if the word is none of up to 32 bits. */
static int filter_number(struct filter_span s, uint32_t *value)
{
	const char *p = s.at, *end = s.at + s.len;
	unsigned base = 10;
	uint64_t v;

	if (*p == '0')
		base = 8;
	if (*p == '0' && (p[1] | 0x20) == 'x') {
		base = 16;
		p += 2;
	}
	if (p >= end || filter_digits(p, base, ~0u, &v) != end || v > UINT32_MAX)
		return 0;
	*value = (uint32_t)v;
	return 1;
}

/* a.b, a.b.c or a.b.c.d, also a alone: address and bits into `t`; returns where it ends. */
static const char *filter_ipv4(const char *s, struct filter_token *t)
{
	const char *end = s, *p;
	uint64_t v;

	t->value[0] = 0;
	for (t->bits = 0; t->bits < 32; s = p + 1) {
		p = filter_digits(s, 10, ~0u, &v);
		if (p == s || v > 255)
			break;
		end = p;
		t->bits += 8;
		t->value[0] |= (uint32_t)v << (32 - t->bits);
		if (*p != '.')
			break;
	}
	return end;
}

/* The groups of an IPv6 address as they stand; `gap` is where :: stands, 8 if it does not. */
static const char *filter_ipv6_groups(const char *p, uint16_t *group, unsigned *count,
    unsigned *gap)
{
	struct filter_token dotted;
	const char *q, *end;
	unsigned n = 0;
	uint64_t v;

	for (*gap = 8; n < 8; p = end) {
		q = p;
		if (n || *p == ':') {
			if (*q++ != ':')
				break;
			if (*q == ':' && *gap == 8) {
				*gap = n;
				p = ++q;
			} else if (!n) {
				break;
			}
		}
		end = filter_digits(q, 16, 4, &v);
		if (end == q)
			break;
		q = filter_ipv4(q, &dotted);
		if (dotted.bits == 32 && n < 7) {
			group[n++] = (uint16_t)(dotted.value[0] >> 16);
			v = dotted.value[0] & 0xffff;
			end = q;
		}
		group[n++] = (uint16_t)v;
	}
	*count = n;
	return p;
}

/*
 * An IPv6 address in full or with ::, perhaps ending in dotted IPv4: its length, 0 if it is none.
 */
static unsigned filter_ipv6(const char *s, struct filter_token *t)
{
	uint16_t group[8];
	unsigned n, gap, i, zeros;
	const char *end = filter_ipv6_groups(s, group, &n, &gap);

	if ((n < 8) == (gap == 8))
		return 0;
	zeros = 8 - n;
	for (i = n; i > gap; i--)
		group[i - 1 + zeros] = group[i - 1];
	for (i = gap; i < gap + zeros; i++)
		group[i] = 0;
	for (i = 0; i < 4; i++)
		t->value[i] = (uint32_t)group[2 * i] << 16 | group[2 * i + 1];
	return (unsigned)(end - s);
}

/*
 * A MAC address: six groups of one or two digits between colons, dashes or dots, or aabb.ccdd.eeff,
 * or aabbccddeeff. Its length, 0 if it is none.
 */
static unsigned filter_mac(const char *s, struct filter_token *t)
{
	const char *p = s, *q;
	uint64_t mac = 0, v;
	unsigned width = (unsigned)(filter_digits(s, 16, 13, &v) - s), left;
	char separator = s[width];

	if (width == 1)
		width = 2;
	if (width != 12 &&
	    !filter_is_one_of(separator, width == 2 ? ":-." : width == 4 ? "." : ""))
		return 0;
	for (left = 12; left; left -= width) {
		if (left < 12 && *p++ != separator)
			return 0;
		q = filter_digits(p, 16, width, &v);
		if (q == p || (width > 2 && q != p + width))
			return 0;
		mac = mac << width * 4 | v;
		p = q;
	}
	t->value[0] = (uint32_t)mac;
	t->value[1] = (uint32_t)(mac >> 32);
	return (unsigned)(p - s);
}

/* What a word is that begins with a letter or digit. */
static int filter_word_kind(struct filter_token *t)
{
	int kind;

	if (filter_digit(*t->span.at) < 10) {
		if (filter_number(t->span, t->value))
			return T_NUMBER;
		if (filter_ipv4(t->span.at, t) == t->span.at + t->span.len && t->bits > 8)
			return T_IPV4;
		return T_NAME;
	}
	kind = filter_find_word(t->span, t->value);
	if (kind && !filter_has_capital(t->span))
		return kind;
	return filter_is_foreign(t->span) ? T_FOREIGN : T_NAME;
}

/* The kind of an operator of one or two characters, and its length. */
static int filter_operator(const char *s, unsigned *len)
{
	static const struct { char first, second; uint16_t token; } doubles[] = {
		{ '&', '&', T_AND }, { '|', '|', T_OR }, { '>', '=', T_AT_LEAST },
		{ '<', '=', T_AT_MOST }, { '!', '=', T_UNEQUAL }, { '=', '=', '=' },
		{ '<', '<', T_LEFT }, { '>', '>', T_RIGHT },
	};

	*len = 2;
	for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
		if (doubles[i].first == s[0] && doubles[i].second == s[1])
			return doubles[i].token;
	*len = *s != 0;
	if ((unsigned char)*s >= T_STRANGE)
		return T_STRANGE;
	return *s == '!' ? T_NOT : *s;
}

/* The longest word at s. */
static void filter_scan(const char *s, struct filter_token *t)
{
	unsigned len = filter_word_length(s), n;

	t->span = (struct filter_span){ s, filter_ipv6(s, t) };
	t->kind = T_IPV6;
	if (t->span.len)
		return;
	t->kind = T_MAC;
	t->span.len = filter_mac(s, t);
	if (t->span.len && t->span.len >= len)
		return;
	t->span.len = len;
	if (len) {
		t->kind = filter_word_kind(t);
		return;
	}
	t->kind = filter_operator(s, &t->span.len);
	if (*s == '\\') {		/* a name, although the language has such a word */
		for (n = 1; s[n] && !filter_is_one_of(s[n], " !()\n\t"); n++)
			;
		t->span = (struct filter_span){ s + 1, n - 1 };
		t->kind = T_NAME;
	/* the address of a host on ARCnet */
	} else if (*s == '$' && filter_digit(s[1]) < 16) {
		uint64_t v;

		t->span.len = (unsigned)(filter_digits(s + 1, 16, 2, &v) - s);
		t->value[0] = (uint32_t)v;
		t->kind = T_ARC;
	}
}

/* Goes on to the next word. */
static void filter_next(void)
{
	filt.p += filter_span_of(filt.p, " \r\n\t");
	filter_scan(filt.p, &filt.token);
	filt.p = filt.token.span.at + filt.token.span.len;
}

/* Is the current word this one? Then goes on to the next. */
static int filter_accept(int kind)
{
	if (filt.token.kind != kind)
		return 0;
	filter_next();
	return 1;
}

/* ---- names ---- */

enum { BY_TCP = 1, BY_UDP = 2 };

/* /etc/services in small: what people look for on a router. */
static const struct filter_service {
	char name[14];
	uint16_t port;
	uint8_t by;		/* the transports */
} filter_services[] = {
	{ "bgp", 179, BY_TCP }, { "bootpc", 68, BY_UDP }, { "bootps", 67, BY_UDP },
	{ "dhcpv6-client", 546, BY_UDP }, { "dhcpv6-server", 547, BY_UDP },
	{ "domain", 53, BY_TCP | BY_UDP }, { "ftp", 21, BY_TCP }, { "ftp-data", 20, BY_TCP },
	{ "http", 80, BY_TCP }, { "www", 80, BY_TCP }, { "https", 443, BY_TCP | BY_UDP },
	{ "imap", 143, BY_TCP }, { "imap2", 143, BY_TCP }, { "imaps", 993, BY_TCP },
	{ "ipp", 631, BY_TCP }, { "isakmp", 500, BY_UDP }, { "kerberos", 88, BY_TCP | BY_UDP },
	{ "ldap", 389, BY_TCP | BY_UDP }, { "ldaps", 636, BY_TCP | BY_UDP },
	{ "mail", 25, BY_TCP }, { "mdns", 5353, BY_UDP }, { "microsoft-ds", 445, BY_TCP },
	{ "mqtt", 1883, BY_TCP }, { "mysql", 3306, BY_TCP },
	{ "netbios-dgm", 138, BY_UDP }, { "netbios-ns", 137, BY_UDP },
	{ "netbios-ssn", 139, BY_TCP }, { "nfs", 2049, BY_TCP | BY_UDP }, { "ntp", 123, BY_UDP },
	{ "openvpn", 1194, BY_TCP | BY_UDP }, { "pop-3", 110, BY_TCP }, { "pop3", 110, BY_TCP },
	{ "pop3s", 995, BY_TCP }, { "postgresql", 5432, BY_TCP },
	{ "radius", 1812, BY_TCP | BY_UDP }, { "radius-acct", 1813, BY_TCP | BY_UDP },
	{ "rsync", 873, BY_TCP }, { "rtsp", 554, BY_TCP | BY_UDP },
	{ "sip", 5060, BY_TCP | BY_UDP }, { "sip-tls", 5061, BY_TCP | BY_UDP },
	{ "smtp", 25, BY_TCP }, { "snmp", 161, BY_TCP | BY_UDP },
	{ "snmp-trap", 162, BY_TCP | BY_UDP }, { "snmptrap", 162, BY_TCP | BY_UDP },
	{ "ssh", 22, BY_TCP }, { "submission", 587, BY_TCP }, { "sunrpc", 111, BY_TCP | BY_UDP },
	{ "syslog", 514, BY_TCP | BY_UDP }, { "telnet", 23, BY_TCP }, { "tftp", 69, BY_UDP },
};

/* /etc/protocols in small, but for those that are words of the language. */
static const struct filter_ip_name {
	char name[11];
	uint8_t number;
} filter_ip_names[] = {
	{ "ipencap", 4 }, { "dccp", 33 }, { "ipv6", 41 }, { "ipv6-route", 43 },
	{ "ipv6-frag", 44 }, { "rsvp", 46 }, { "gre", 47 }, { "ipv6-icmp", 58 },
	{ "ipv6-nonxt", 59 }, { "ipv6-opts", 60 }, { "eigrp", 88 }, { "ospf", 89 }, { "ipip", 94 },
	{ "ipcomp", 108 }, { "l2tp", 115 }, { "udplite", 136 },
};

/* The next word of a line of /etc/services or /etc/protocols; its length is 0 at the line's end. */
static struct filter_span filter_file_word(const char **p)
{
	struct filter_span s;

	*p += filter_span_of(*p, " \t\r");
	s.at = *p;
	s.len = 0;
	while (**p && !filter_is_one_of(**p, " \t\r\n#")) {
		(*p)++;
		s.len++;
	}
	return s;
}

static int filter_same_span(struct filter_span a, struct filter_span b)
{
	return a.len == b.len && !memcmp(a.at, b.at, a.len);
}

/*
 * Looks for a name in the text of such a file, from *p on: lines of a name, a number and other
 * names. Returns the word with the number and leaves *p at the next line; its length is 0 if there
 * is no such line.
 */
static struct filter_span filter_find_line(const char **p, struct filter_span name)
{
	struct filter_span first, number, s;
	int found;

	while (**p) {
		first = filter_file_word(p);
		number = filter_file_word(p);
		found = filter_same_span(first, name);
		do {
			s = filter_file_word(p);
			found |= s.len && filter_same_span(s, name);
		} while (s.len);
		while (**p && *(*p)++ != '\n')
			;
		if (found && number.len)
			return number;
	}
	return (struct filter_span){ *p, 0 };
}

/* A service in /etc/services: its transports, 0 if it is not there. TCP's port counts. */
static unsigned filter_service_of_file(struct filter_span name, uint32_t *port)
{
	const char *p = filt.job->services, *slash;
	uint32_t ports[2] = { 0, 0 }, *to;
	struct filter_span line, number;

	while (p && *p) {
		line = filter_find_line(&p, name);
		slash = line.len ? memchr(line.at, '/', line.len) : NULL;
		if (!slash)
			continue;
		number = (struct filter_span){ line.at, (unsigned)(slash - line.at) };
		line.len -= number.len + 1;
		line.at = slash + 1;
		to = filter_is_word(line, "tcp") ? &ports[0] :
		    filter_is_word(line, "udp") ? &ports[1] : NULL;
		if (to && !*to && (!filter_number(number, to) || *to > 65535))
			*to = 0;
	}
	*port = ports[0] ? ports[0] : ports[1];
	return (ports[0] ? BY_TCP : 0u) | (ports[1] && ports[1] == *port ? BY_UDP : 0u);
}

/* The transports by which a service goes, and its port; 0 if there is no such name. */
static unsigned filter_service(struct filter_span name, uint32_t *port)
{
	unsigned by = filter_service_of_file(name, port);
	const struct filter_service *s;

	if (by || filter_has_capital(name))
		return by;
	s = filter_find(filter_services, sizeof filter_services, sizeof *s, name);
	if (!s)
		return 0;
	*port = s->port;
	return s->by;
}

/* The number of a protocol by its name behind `proto`; -1 if there is none. */
static int filter_protocol(unsigned proto, struct filter_span name)
{
	int over_ip = proto == P_NONE || proto == P_IP || proto == P_IP6;
	const char *file = over_ip ? filt.job->protocols : NULL;
	const struct filter_protocol *p;
	const struct filter_ip_name *row = NULL;
	struct filter_span line;
	uint32_t n;

	if (file) {
		line = filter_find_line(&file, name);
		if (line.len && filter_number(line, &n) && n < 256)
			return (int)n;
	}
	if (filter_find_word(name, &n) == T_PROTOCOL) {
		p = &filter_protocols[n];
		if (over_ip ? p->family <= FAMILY_IP : proto == P_LINK ? p->family == FAMILY_LINK :
		    proto == P_ISO && p->family == FAMILY_ISO)
			return p->number;
	}
	if (over_ip)
		row = filter_find(filter_ip_names, sizeof filter_ip_names, sizeof *row, name);
	if (proto == P_LINK && filter_is_word(name, "loopback"))
		return 0x9000;
	if (proto == P_LINK && filter_is_word(name, "lldp"))
		return 0x88cc;
	return row ? row->number : -1;
}

/* ---- values ---- */

enum filter_value_kind {
	V_CONSTANT, V_LENGTH, V_LOAD,
	/* four times the low half of the byte at k: an IPv4 header's length */
	V_HEADER,
	V_MEMORY, V_ARITHMETIC,
	V_NAMED,		/* what a register was set to on each way here: TREE_REGISTER */
};

static unsigned filter_value(unsigned kind, unsigned code, unsigned left, unsigned right,
    uint32_t k)
{
	struct filter_value v = {
		kind, code, left, right, filt.value[left].mem | filt.value[right].mem, k,
	};

	if (kind == V_MEMORY)
		v.mem = 1u << k;
	return filter_pool_add(&filt.values, &v);
}

static unsigned filter_constant(uint32_t k)
{
	return filter_value(V_CONSTANT, 0, 0, 0, k);
}

static unsigned filter_length(void)
{
	return filter_value(V_LENGTH, 0, 0, 0, 0);
}

static int filter_is_constant(unsigned v)
{
	return filt.value[v].kind == V_CONSTANT;
}

static unsigned filter_memory(uint32_t k)
{
	return filter_value(V_MEMORY, 0, 0, 0, k);
}

/* A new name for what a register will hold. */
static unsigned filter_name(void)
{
	return filter_value(V_NAMED, 0, 0, 0, ++filt.names);
}

/* The next word of M[] that is free from here to the end of the program. */
static unsigned filter_register(void)
{
	enum { TEMPORARY = 4 };		/* words left for arithmetic */

	if (filt.registers == BPF_WORDS - TEMPORARY)
		filter_fail(filt.token.span, "too many tags and tunnels");
	return filt.registers++;
}

/*
 * A live cooked socket's data begins behind the cooked header, of which the kernel knows a few
 * fields by other names. Returns where the bytes at k stand; x is not 0 if something is added.
 */
static uint32_t filter_uncook(uint32_t k, unsigned size, unsigned x)
{
	static const struct { uint8_t cooked, k, size, metadata; } fields[] = {
		{ 16, 0, OP_H, META_PKTTYPE }, { 16, 14, OP_H, META_PROTOCOL },
		{ 20, 0, OP_H, META_PROTOCOL }, { 20, 4, OP_W, META_IFINDEX },
		{ 20, 10, OP_B, META_PKTTYPE },
	};

	if (!filt.cooked || (k >= BPF_META && !x))
		return k;
	if (k >= filt.cooked)
		return k - filt.cooked;
	for (size_t i = 0; !x && i < sizeof fields / sizeof *fields; i++)
		if (fields[i].cooked == filt.cooked && fields[i].k == k && fields[i].size == size)
			return BPF_META + fields[i].metadata;
	filter_blame("the kernel does not have these bytes of the cooked header");
}

/* The bytes at k, behind the value x if that is not 0; size is OP_B, OP_H or OP_W. */
static unsigned filter_load(unsigned size, unsigned x, uint32_t k)
{
	return filter_value(V_LOAD, size, x, 0, filter_uncook(k, size, x));
}

static unsigned filter_metadata(uint32_t which, unsigned size)
{
	return filter_load(size, 0, BPF_META + which);
}

/* Is it (b & 15) << 2, where b is a byte at a constant offset? The kernel has that as one load. */
static int filter_is_header(unsigned operation, unsigned left, unsigned right)
{
	const struct filter_value *and = &filt.value[left], *byte = &filt.value[and->left];

	return operation == OP_LSH && filt.value[right].k == 2 &&
	    and->kind == V_ARITHMETIC && and->code == OP_AND && filter_is_constant(and->right) &&
	    filt.value[and->right].k == 15 && byte->kind == V_LOAD && byte->code == OP_B &&
	    !byte->left && byte->k < BPF_META;
}

/* left op right; constants do not divide by 0 or shift by 32 and more. */
static unsigned filter_arithmetic(unsigned operation, unsigned left, unsigned right)
{
	const struct filter_value *l = &filt.value[left], *r = &filt.value[right];

	if (l->kind == V_CONSTANT && r->kind == V_CONSTANT)
		return filter_constant(bpf_compute(operation, l->k, r->k));
	if (operation == OP_AND && r->kind == V_CONSTANT && r->k == UINT32_MAX)
		return left;
	if (r->kind == V_CONSTANT && filter_is_header(operation, left, right))
		return filter_value(V_HEADER, 0, 0, 0, filt.value[l->left].k);
	return filter_value(V_ARITHMETIC, operation, left, right, 0);
}

/* A field behind a base. */
static unsigned filter_field(unsigned size, struct filter_base b, uint32_t offset)
{
	return filter_load(size, b.x, b.off + offset);
}

/* How far behind the constant part of `b`, an IPv4 header, what follows that header stands. */
static unsigned filter_header(struct filter_base b)
{
	unsigned first = filter_field(OP_B, b, 0), length;

	length = filter_arithmetic(OP_LSH,
	    filter_arithmetic(OP_AND, first, filter_constant(15)), filter_constant(2));
	return b.x ? filter_arithmetic(OP_ADD, length, b.x) : length;
}

/* The same for IPv6, whose header has 40 bytes. */
static unsigned filter_header6(struct filter_base b)
{
	return b.x ? filter_arithmetic(OP_ADD, b.x, filter_constant(40)) :
	    filter_constant(40);
}

/* ---- trees ---- */

enum filter_tree_kind {
	TREE_CONSTANT,		/* k */
	TREE_AND, TREE_OR,	/* a, b */
	TREE_NOT,		/* a */
	TREE_TEST,		/* value a, jump, constant k */
	TREE_COMPARE,		/* value a, jump, value b */
	/* class `jump`, layer b, key k: what is around the tree a of ends */
	TREE_MATCH,
	TREE_END,		/* set a at the end k of a match */
	TREE_STORE,		/* M[k] = value a; true */
	/* A (k is 0) or X (1) = value a, by the name b from here on; true */
	TREE_REGISTER,
};

/* What is looked for, and what its key is. */
enum filter_class {
	MATCH_PORT,		/* protocol over IP, 0: TCP, UDP or SCTP */
	MATCH_HOST4,		/* BY_IP | BY_ARP | BY_RARP */
	MATCH_HOST6,
	MATCH_MAC,
	MATCH_PROTOCOL,		/* FAMILY_IPV4, FAMILY_IPV6 or both */
};
enum { BY_IP = 1, BY_ARP = 2, BY_RARP = 4 };

/* The ends of a match, in the order of T_SRC ... T_TA. */
enum {
	END_SRC, END_DST, END_ADDR1, END_ADDR2, END_ADDR3, END_ADDR4, END_RA, END_TA,
	DIR_OR, DIR_AND,	/* both ends */
};

static unsigned filter_tree(unsigned kind, unsigned a, unsigned b, unsigned jump, uint32_t k)
{
	struct filter_tree t = { kind, a, b, jump, k };

	return filter_pool_add(&filt.trees, &t);
}

static unsigned filter_truth(int is)
{
	return filter_tree(TREE_CONSTANT, 0, 0, 0, is != 0);
}

static int filter_is_truth(unsigned t, uint32_t is)
{
	return filt.tree[t].kind == TREE_CONSTANT && filt.tree[t].k == is;
}

static unsigned filter_not(unsigned t)
{
	if (filt.tree[t].kind == TREE_NOT)
		return filt.tree[t].a;
	if (filt.tree[t].kind == TREE_CONSTANT)
		return filter_truth(!filt.tree[t].k);
	return filter_tree(TREE_NOT, t, 0, 0, 0);
}

static unsigned filter_test(unsigned v, unsigned jump, uint32_t k)
{
	if (filter_is_constant(v))
		return filter_truth(bpf_compare(jump, filt.value[v].k, k));
	return filter_tree(TREE_TEST, v, 0, jump, k);
}

static unsigned filter_equals(unsigned v, uint32_t k)
{
	return filter_test(v, OP_JEQ, k);
}

/* Are these bits of a value as they are in `k`? */
static unsigned filter_masked(unsigned v, uint32_t mask, uint32_t k)
{
	return filter_equals(filter_arithmetic(OP_AND, v, filter_constant(mask)), k);
}

static unsigned filter_union(unsigned a, unsigned b)
{
	struct filter_set s = { a, b };

	return a == b ? a : filter_pool_add(&filt.sets, &s);
}

/* The set of one entry. */
static unsigned filter_single(const struct filter_entry *e)
{
	struct filter_set s = { filter_pool_add(&filt.entries, e), 0 };

	return filter_pool_add(&filt.sets, &s);
}

/*
 * Lists become sets: `port 80 or port 443` is one match with two entries. What is fused:
 *	match OR match		-> match of (ends OR ends)
 *	match AND match		-> match of (ends AND ends)
 *	match AND NOT match	-> match of (ends AND NOT ends)
 *	NOT match AND NOT match	-> NOT (match OR match)
 *	end OR the same end	-> end of the union
 *	(a AND b) OR (a AND c)	-> a AND (b OR c)
 * Both matches have the same class, layer and key.
 */
static unsigned filter_and(unsigned a, unsigned b);
static unsigned filter_or(unsigned a, unsigned b);

static int filter_are_alike(unsigned a, unsigned b)
{
	const struct filter_tree *s = &filt.tree[a], *t = &filt.tree[b];

	return s->kind == TREE_MATCH && t->kind == TREE_MATCH && s->jump == t->jump &&
	    s->b == t->b && s->k == t->k;
}

static unsigned filter_rematch(unsigned match, unsigned ends)
{
	const struct filter_tree *t = &filt.tree[match];

	return filter_tree(TREE_MATCH, ends, t->b, t->jump, t->k);
}

/* `b`, an end, put to the same end within a; 0: there is none. */
static unsigned filter_join_end(unsigned a, unsigned b)
{
	struct filter_tree s = filt.tree[a], t = filt.tree[b];
	unsigned joined;

	if (t.kind != TREE_END)
		return 0;
	if (s.kind == TREE_END && s.k == t.k && s.a && t.a)
		return filter_tree(TREE_END, filter_union(s.a, t.a), 0, 0, s.k);
	if (s.kind != TREE_OR)
		return 0;
	joined = filter_join_end(s.a, b);
	if (joined)
		return filter_tree(TREE_OR, joined, s.b, 0, 0);
	joined = filter_join_end(s.b, b);
	return joined ? filter_tree(TREE_OR, s.a, joined, 0, 0) : 0;
}

/* a OR b as one tree of another kind than OR, or a list of ends; 0: that is not possible. */
static unsigned filter_fuse_or(unsigned a, unsigned b)
{
	struct filter_tree s = filt.tree[a], t = filt.tree[b];

	if (filter_are_alike(a, b))
		return filter_rematch(a, filter_or(s.a, t.a));
	if (s.kind == TREE_AND && t.kind == TREE_AND && s.a == t.a)
		return filter_and(s.a, filter_or(s.b, t.b));
	return filter_join_end(a, b);
}

/* Is it a list of ends? */
static int filter_has_ends(unsigned t)
{
	while (filt.tree[t].kind == TREE_OR)
		t = filt.tree[t].b;
	return filt.tree[t].kind == TREE_END;
}

static unsigned filter_or(unsigned a, unsigned b)
{
	unsigned fused;

	if (a == b || filter_is_truth(a, 1) || filter_is_truth(b, 0))
		return a;
	if (filter_is_truth(b, 1) || filter_is_truth(a, 0))
		return b;
	if (filt.tree[b].kind == TREE_OR && filter_has_ends(a) && filter_has_ends(b))
		return filter_or(filter_or(a, filt.tree[b].a), filt.tree[b].b);
	fused = filter_fuse_or(a, b);
	if (fused)
		return fused;
	if (filt.tree[a].kind == TREE_OR) {
		fused = filter_fuse_or(filt.tree[a].b, b);
		if (fused)
			return filter_or(filt.tree[a].a, fused);
	}
	return filter_tree(TREE_OR, a, b, 0, 0);
}

/* a AND b as one tree of another kind than AND; 0: that is not possible. */
static unsigned filter_fuse_and(unsigned a, unsigned b)
{
	struct filter_tree s = filt.tree[a], t = filt.tree[b];

	if (s.kind == TREE_NOT && t.kind == TREE_NOT && filter_are_alike(s.a, t.a))
		return filter_not(filter_or(s.a, t.a));
	if (s.kind != TREE_MATCH || s.jump == MATCH_PROTOCOL)
		return 0;
	if (filter_are_alike(a, b))
		return filter_rematch(a, filter_and(s.a, t.a));
	if (t.kind == TREE_NOT && filter_are_alike(a, t.a))
		return filter_rematch(a, filter_and(s.a, filter_not(filt.tree[t.a].a)));
	return 0;
}

static unsigned filter_and(unsigned a, unsigned b)
{
	unsigned fused;

	if (a == b || filter_is_truth(b, 1) || filter_is_truth(a, 0))
		return a;
	if (filter_is_truth(a, 1) || filter_is_truth(b, 0))
		return b;
	fused = filter_fuse_and(a, b);
	if (fused)
		return fused;
	if (filt.tree[a].kind == TREE_AND) {
		fused = filter_fuse_and(filt.tree[a].b, b);
		if (fused)
			return filter_and(filt.tree[a].a, fused);
	}
	return filter_tree(TREE_AND, a, b, 0, 0);
}

/* ---- link layers ---- */

enum filter_kind {
	KIND_OTHER,		/* only bytes and lengths can be looked at */
	KIND_ETHERNET, KIND_COOKED,
	KIND_PLAIN,		/* an Ethernet type, and no 802.2 */
	KIND_LLC,		/* 802.2 behind an address header */
	KIND_WIRELESS, KIND_RAW, KIND_IPV4, KIND_IPV6, KIND_PPP, KIND_HDLC, KIND_FRELAY,
	KIND_NULL, KIND_LOOP, KIND_ARCNET,
};

/* What libpcap has of the link types that a Linux interface or a file of one has. */
static const struct filter_link {
	uint16_t linktype;	/* LINKTYPE_ number */
	uint8_t kind;
	uint8_t type, payload;	/* offsets of the type field and of what follows the link header */
	uint8_t dst, src;	/* offsets of addresses; both 0: there are none */
	char name[17];
} filter_links[] = {
	{ 1, KIND_ETHERNET, 12, 14, 0, 6, "EN10MB" },
	{ 281, KIND_ETHERNET, 16, 18, 0, 6, "DSA_TAG_BRCM" },
	{ 282, KIND_ETHERNET, 16, 18, 0, 6, "DSA_TAG_BRCM_PRE" },
	{ 284, KIND_ETHERNET, 16, 18, 0, 6, "DSA_TAG_DSA" },
	{ 285, KIND_ETHERNET, 20, 22, 0, 6, "DSA_TAG_EDSA" },
	{ 113, KIND_COOKED, 14, 16, 0, 0, "LINUX_SLL" },
	{ 276, KIND_PLAIN, 0, 20, 0, 0, "LINUX_SLL2" },
	{ 144, KIND_OTHER, 14, 16, 0, 0, "LINUX_IRDA" },
	{ 177, KIND_OTHER, 14, 16, 0, 0, "LINUX_LAPD" },
	{ 253, KIND_OTHER, 14, 16, 0, 0, "NETLINK" },
	{ 101, KIND_RAW, 0, 0, 0, 0, "RAW" }, { 12, KIND_RAW, 0, 0, 0, 0, "RAW" },
	{ 14, KIND_RAW, 0, 0, 0, 0, "RAW" },
	{ 228, KIND_IPV4, 0, 0, 0, 0, "IPV4" }, { 229, KIND_IPV6, 0, 0, 0, 0, "IPV6" },
	{ 127, KIND_WIRELESS, 0, 0, 4, 10, "IEEE802_11_RADIO" },
	{ 163, KIND_WIRELESS, 0, 0, 4, 10, "IEEE802_11_AVS" },
	{ 119, KIND_WIRELESS, 0, 0, 4, 10, "PRISM_HEADER" },
	{ 105, KIND_WIRELESS, 0, 0, 4, 10, "IEEE802_11" },
	{ 9, KIND_PPP, 2, 4, 0, 0, "PPP" }, { 50, KIND_PPP, 2, 4, 0, 0, "PPP_SERIAL" },
	{ 51, KIND_PPP, 6, 8, 0, 0, "PPP_ETHER" }, { 104, KIND_HDLC, 2, 4, 0, 0, "C_HDLC" },
	{ 107, KIND_FRELAY, 2, 4, 0, 0, "FRELAY" },
	{ 0, KIND_NULL, 0, 4, 0, 0, "NULL" }, { 108, KIND_LOOP, 0, 4, 0, 0, "LOOP" },
	{ 10, KIND_LLC, 13, 13, 1, 7, "FDDI" }, { 6, KIND_LLC, 14, 14, 2, 8, "IEEE802" },
	{ 122, KIND_LLC, 16, 16, 2, 10, "IP_OVER_FC" },
	{ 100, KIND_LLC, 0, 0, 0, 0, "ATM_RFC1483" }, { 106, KIND_LLC, 0, 0, 0, 0, "LINUX_CLIP" },
	{ 129, KIND_ARCNET, 4, 8, 1, 0, "ARCNET_LINUX" },
};
static const struct filter_link filter_other_link = { 0, KIND_OTHER, 0, 0, 0, 0, "these" };

enum {
	LINK_EN10MB = 1, LINK_WIRELESS = 105, LINK_SLL = 113, LINK_PRISM = 119, LINK_RADIOTAP = 127,
	LINK_IRDA = 144, LINK_AVS = 163, LINK_LAPD = 177, LINK_NETLINK = 253, LINK_SLL2 = 276,
	LINK_PREPENDED = 282,
};
enum { GROUP_SET = 0 };		/* in place of a set of MAC addresses: all group addresses */

static struct filter_layer *filter_layer(void)
{
	return &filt.layers[filt.layer];
}

/* Fails: the words say what links of this type do not have. */
static _Noreturn void filter_fail_link(void)
{
	filter_fail_naming(filt.blame, "not on % links", filter_layer()->link->name);
}

/* A copy of the layer in force becomes the one in force: what is behind it will be changed. */
static struct filter_layer *filter_push_layer(void)
{
	if (filt.layer + 1 == FILTER_LAYERS_MAX)
		filter_fail_whole("too long");
	filt.layers[filt.layer + 1] = filt.layers[filt.layer];
	return &filt.layers[++filt.layer];
}

/* The outermost layer, for one whole text. */
static void filter_first_layer(void)
{
	const struct filter_link *l = &filter_other_link;
	struct filter_layer *layer = filter_push_layer();

	for (size_t i = 0; i < sizeof filter_links / sizeof *filter_links; i++)
		if (filter_links[i].linktype == filt.job->linktype)
			l = &filter_links[i];
	*layer = (struct filter_layer){
		.link = l, .kind = l->kind, .type.off = l->type, .payload.off = l->payload,
		.header.off = l->linktype == LINK_PREPENDED ? 4 : 0,
		.nosnap = l->kind == KIND_ETHERNET ? 3 : 0,
	};
	if (l->linktype == LINK_EN10MB) {
		layer->type.off += filt.job->taglen;
		layer->payload.off += filt.job->taglen;
	}
	if (l->kind == KIND_LLC || l->kind == KIND_WIRELESS) {
		layer->network = 8;
		layer->nosnap = 3;
	}
	if (l->kind == KIND_WIRELESS) {
		layer->header.x = l->linktype == LINK_WIRELESS ? 0 : filt.radio;
		layer->payload.x = filt.wireless;
	}
}

/* Do packets of this type come from a socket without the header that they have in a file? */
static int filter_is_cooked(int linktype)
{
	return linktype == LINK_SLL || linktype == LINK_SLL2 || linktype == LINK_IRDA ||
	    linktype == LINK_LAPD || linktype == LINK_NETLINK;
}

/* The network header of the layer, as a base. */
static struct filter_base filter_network(const struct filter_layer *l)
{
	return (struct filter_base){ l->payload.off + l->network, l->payload.x };
}

static unsigned filter_in_network(unsigned size, uint32_t offset)
{
	return filter_field(size, filter_network(filter_layer()), offset);
}

static unsigned filter_in_header(unsigned size, uint32_t offset)
{
	return filter_field(size, filter_layer()->header, offset);
}

static unsigned filter_in_payload(unsigned size, uint32_t offset)
{
	return filter_field(size, filter_layer()->payload, offset);
}

static unsigned filter_type(void)
{
	return filter_field(OP_H, filter_layer()->type, 0);
}

/* Are the bytes at an offset of the network header, the payload, the type field equal to k? */
static unsigned filter_network_is(unsigned size, uint32_t offset, uint32_t k)
{
	return filter_equals(filter_in_network(size, offset), k);
}

static unsigned filter_payload_is(unsigned size, uint32_t offset, uint32_t k)
{
	return filter_equals(filter_in_payload(size, offset), k);
}

static unsigned filter_type_is(uint32_t k)
{
	return filter_equals(filter_type(), k);
}

/* 802.2 with SNAP: an organization and its type. */
static unsigned filter_snap(uint32_t organization, uint32_t type)
{
	unsigned second = filter_payload_is(OP_W, 4, (organization & 0xffff) << 16 | type);

	return filter_and(second, filter_payload_is(OP_W, 0, 0xaaaa0300 | organization >> 16));
}

/* Both SAPs of an 802.2 header, which is known to be there. */
static unsigned filter_both_saps(uint32_t sap)
{
	return filter_payload_is(OP_H, 0, sap << 8 | sap);
}

/* IPX stands behind an Ethernet type, behind its SAP, in SNAP, or right behind a length. */
static unsigned filter_ipx(unsigned has_llc, unsigned bare)
{
	unsigned sap = filter_payload_is(OP_B, 0, SAP_IPX), snap = filter_snap(0, TYPE_IPX), t;

	if (filter_layer()->kind == KIND_ETHERNET)
		t = filter_and(has_llc, filter_or(filter_or(sap, bare), snap));
	else
		t = filter_or(bare, filter_and(has_llc, filter_or(sap, snap)));
	return filter_or(filter_type_is(TYPE_IPX), t);
}

/* A type that stands for itself above 1500, and for a SAP below; has_llc: 802.2 follows. */
static unsigned filter_type_or_sap(uint32_t type, unsigned has_llc, unsigned bare)
{
	switch (type) {
	case SAP_ISO: case SAP_IP: case SAP_NETBEUI:
		return filter_and(has_llc, filter_both_saps(type));
	case SAP_IPX:
		return filter_ipx(has_llc, bare);
	case TYPE_ATALK:
		return filter_or(filter_type_is(type),
		    filter_and(has_llc, filter_snap(0x080007, type)));
	case TYPE_AARP:
		return filter_or(filter_type_is(type),
		    filter_and(has_llc, filter_snap(0, type)));
	}
	if (type <= LENGTH_MAX)
		return filter_and(has_llc, filter_payload_is(OP_B, 0, type));
	return filter_type_is(type);
}

/* 802.2 without any type field before it. */
static unsigned filter_llc_is(uint32_t type)
{
	switch (type) {
	case SAP_ISO: case SAP_IP: case SAP_NETBEUI:
		return filter_both_saps(type);
	case TYPE_ATALK:
		return filter_snap(0x080007, type);
	}
	if (type <= LENGTH_MAX)
		return filter_payload_is(OP_B, 0, type);
	return filter_payload_is(OP_H, 6, type);
}

static unsigned filter_is_data_frame(void)
{
	unsigned control = filter_in_header(OP_B, 0);

	return filter_and(filter_not(filter_test(control, OP_JSET, 4)),
	    filter_test(control, OP_JSET, 8));
}

/*
 * What some links have in place of Ethernet types and SAPs: PPP's numbers (RFC 1661, IANA); Frame
 * Relay's control byte and network layer protocol ID (RFC 2427); address families, of which
 * AF_INET6 is 10 on Linux, 24, 28 and 30 on BSDs and macOS; ARCnet's (RFC 1201, RFC 1051).
 */
static const struct {
	uint8_t kind;		/* enum filter_kind */
	uint16_t type, number;
} filter_link_numbers[] = {
	{ KIND_PPP, TYPE_IP, 0x21 }, { KIND_PPP, TYPE_IP6, 0x57 },
	{ KIND_PPP, TYPE_DECNET, 0x27 }, { KIND_PPP, TYPE_ATALK, 0x29 },
	{ KIND_PPP, 0x0600, 0x25 }, { KIND_PPP, SAP_ISO, 0x23 }, { KIND_PPP, SAP_STP, 0x31 },
	{ KIND_PPP, SAP_IPX, 0x2b }, { KIND_HDLC, SAP_ISO, 0xfefe },
	{ KIND_FRELAY, TYPE_IP, 0x03cc }, { KIND_FRELAY, TYPE_IP6, 0x038e },
	{ KIND_FRELAY, SAP_ISO, 0x0381 }, { KIND_FRELAY, SAP_ISO, 0x0382 },
	{ KIND_FRELAY, SAP_ISO, 0x0383 },
	{ KIND_LOOP, TYPE_IP, 2 }, { KIND_LOOP, TYPE_IP6, 10 }, { KIND_LOOP, TYPE_IP6, 24 },
	{ KIND_LOOP, TYPE_IP6, 28 }, { KIND_LOOP, TYPE_IP6, 30 },
	{ KIND_ARCNET, TYPE_IP, 212 }, { KIND_ARCNET, TYPE_IP, 240 },
	{ KIND_ARCNET, TYPE_ARP, 213 }, { KIND_ARCNET, TYPE_ARP, 241 },
	{ KIND_ARCNET, TYPE_RARP, 214 }, { KIND_ARCNET, TYPE_IP6, 196 },
	{ KIND_ARCNET, TYPE_ATALK, 221 },
};

/* Is the type field, so many bytes wide, one of the numbers that a kind of link has for a type? */
static unsigned filter_link_number_is(int kind, unsigned size, uint32_t type)
{
	unsigned v = filter_field(size, filter_layer()->type, 0), t = filter_truth(0);

	for (size_t i = 0; i < sizeof filter_link_numbers / sizeof *filter_link_numbers; i++) {
		uint32_t number = filter_link_numbers[i].number;

		if (filter_link_numbers[i].kind != kind || filter_link_numbers[i].type != type)
			continue;
		if (filter_layer()->kind == KIND_NULL)	/* some machine's byte order */
			t = filter_or(t, filter_equals(v, number << 24));
		t = filter_or(t, filter_equals(v, number));
	}
	return t;
}

/* A version nibble, where there is no type field. */
static unsigned filter_version_is(unsigned byte, uint32_t type)
{
	if (type != TYPE_IP && type != TYPE_IP6)
		return filter_truth(0);
	return filter_masked(byte, 0xf0, type == TYPE_IP ? 0x40 : 0x60);
}

/* Under MPLS labels: the bottom of the stack, and IP's version behind it. */
static unsigned filter_mpls_carries(uint32_t type)
{
	if (type != TYPE_IP && type != TYPE_IP6)
		filter_blame("not looked for behind MPLS labels");
	return filter_and(filter_test(filter_in_network(OP_B, (uint32_t)-2), OP_JSET, 1),
	    filter_version_is(filter_in_network(OP_B, 0), type));
}

/* Does a packet of this Ethernet type, or with this LLC SAP, follow? The words say so. */
static unsigned filter_link_is(uint32_t type)
{
	int kind = filter_layer()->kind;
	unsigned v;

	if (filter_layer()->labels)
		return filter_mpls_carries(type);
	switch (kind) {
	case KIND_ETHERNET:
		v = filter_type();
		return filter_type_or_sap(type, filter_not(filter_test(v, OP_JGT, LENGTH_MAX)),
		    filter_both_saps(0xff));
	case KIND_COOKED:	/* linux/if_ether.h: ETH_P_802_2, ETH_P_802_3 */
		v = filter_type();
		return filter_type_or_sap(type, filter_equals(v, 4), filter_equals(v, 1));
	case KIND_PLAIN:
		return filter_type_is(type);
	case KIND_LLC:
		return filter_llc_is(type);
	case KIND_WIRELESS:
		return filter_and(filter_is_data_frame(), filter_llc_is(type));
	case KIND_RAW:
		return filter_version_is(filter_in_header(OP_B, 0), type);
	case KIND_IPV4:
		return filter_truth(type == TYPE_IP);
	case KIND_IPV6:
		return filter_truth(type == TYPE_IP6);
	case KIND_PPP: case KIND_HDLC:
		v = filter_link_number_is(kind, OP_H, type);
		return filter_is_truth(v, 0) ? filter_type_is(type) : v;
	case KIND_FRELAY:
		return filter_link_number_is(kind, OP_H, type);
	case KIND_NULL: case KIND_LOOP:
		return filter_link_number_is(KIND_LOOP, OP_W, type);
	case KIND_ARCNET:
		return filter_link_number_is(kind, OP_B, type);
	}
	filter_fail_link();
}

/* ---- primitives ---- */

static unsigned filter_match(unsigned class, uint32_t key, unsigned ends)
{
	return filter_tree(TREE_MATCH, ends, filt.layer, class, key);
}

static unsigned filter_end(unsigned end, unsigned set)
{
	return filter_tree(TREE_END, set, 0, 0, end);
}

/* Fails if the words name another end than the source's or the destination's. */
static void filter_need_src_or_dst(const char *why)
{
	if (filt.now.dir > END_DST && filt.now.dir < DIR_OR)
		filter_blame(why);
}

/* What must hold of the end that the words name, or of both; 0: they name another. */
static unsigned filter_at_ends(unsigned src, unsigned dst)
{
	switch (filt.now.dir) {
	case END_SRC:
		return src;
	case END_DST:
		return dst;
	case DIR_AND:
		return filter_and(src, dst);
	case DIR_OR:
		return filter_or(src, dst);
	}
	return 0;
}

/* A set at the ends that the words name. */
static unsigned filter_ends(unsigned set)
{
	unsigned t = filter_at_ends(filter_end(END_SRC, set), filter_end(END_DST, set));

	return t ? t : filter_end(filt.now.dir, set);
}

/* The set of the numbers from `least` to `most`. */
static unsigned filter_range(uint32_t least, uint32_t most)
{
	struct filter_entry e = { .value = { least }, .upto = { most } };

	return filter_single(&e);
}

/* A protocol over IPv4, IPv6 or both. */
static unsigned filter_protocol_is(uint32_t n, unsigned versions)
{
	if (versions & FAMILY_IPV4)
		filter_link_is(TYPE_IP);		/* for what it may have to say */
	if (versions & FAMILY_IPV6)
		filter_link_is(TYPE_IP6);
	return filter_match(MATCH_PROTOCOL, versions, filter_end(END_SRC, filter_range(n, n)));
}

/* A network layer protocol ID of OSI. */
static unsigned filter_iso_is(uint32_t id)
{
	const struct filter_layer *l = filter_layer();
	uint32_t at = l->nosnap + (l->kind == KIND_HDLC);

	if (l->kind == KIND_FRELAY)
		return filter_equals(filter_in_header(OP_H, 2), 0x0300 | id);
	return filter_and(filter_link_is(SAP_ISO),
	    filter_payload_is(OP_B, at, id));
}

/* One type of IS-IS packets. */
static unsigned filter_isis_is(uint32_t type)
{
	return filter_and(filter_iso_is(0x83),
	    filter_payload_is(OP_B, filter_layer()->nosnap + 4, type));
}

/* A protocol named alone: `tcp`, `arp`, `isis`. */
static unsigned filter_protocol_alone(unsigned proto)
{
	const struct filter_protocol *p = &filter_protocols[proto];
	unsigned t = filter_truth(0);

	switch (p->family) {
	case FAMILY_LINK:
		return filter_link_is(p->number);
	case FAMILY_IPV4: case FAMILY_IPV6: case FAMILY_IP:
		return filter_protocol_is(p->number, p->family);
	case FAMILY_ISO:
		return filter_iso_is(p->number);
	case FAMILY_ISIS:
		for (unsigned i = 0; i < 16; i++)
			if (p->number >> i & 1)
				t = filter_or(t, filter_isis_is(15 + i));
		return t;
	}
	filter_blame("needs host, proto, broadcast, [...] or the like behind it");
}

/* proto N, behind a protocol or none. */
static unsigned filter_protocol_number(unsigned proto, uint32_t n)
{
	switch (proto) {
	case P_NONE:
		return filter_protocol_is(n, FAMILY_IP);
	case P_IP:
		return filter_protocol_is(n, FAMILY_IPV4);
	case P_IP6:
		return filter_protocol_is(n, FAMILY_IPV6);
	case P_LINK:
		return filter_link_is(n);
	case P_ISO:
		return filter_iso_is(n);
	case P_ISIS:
		return filter_isis_is(n);
	}
	filter_blame("does not go with that protocol");
}

/* Ports from `least` to `most` of a transport; 0: of TCP, UDP and SCTP. */
static unsigned filter_ports(unsigned transport, uint32_t least, uint32_t most)
{
	filter_need_src_or_dst("ports have src and dst only");
	filter_link_is(TYPE_IP6);		/* for what it may have to say */
	filter_link_is(TYPE_IP);
	return filter_match(MATCH_PORT, transport, filter_ends(least < most ?
	    filter_range(least, most) : filter_range(most, least)));
}

/* Is a mask ones first, then zeros? */
static int filter_is_prefix(uint32_t mask)
{
	return !(~mask & (~mask + 1));
}

/* The set of addresses of that many words that are as `value` under `mask`. */
static unsigned filter_addresses(const uint32_t *value, const uint32_t *mask, unsigned words)
{
	struct filter_entry e = { .irregular = 0 };

	for (unsigned i = 0; i < words; i++) {
		e.irregular |= !filter_is_prefix(mask[i]);
		e.value[i] = value[i];
		e.upto[i] = value[i] | ~mask[i];
	}
	for (unsigned i = 0; e.irregular && i < words; i++)
		e.upto[i] = mask[i];
	return filter_single(&e);
}

/* An IPv4 address or network, in IP, ARP and RARP or one of them. */
static unsigned filter_host4(uint32_t value, uint32_t mask)
{
	static const char *const why = "an IPv4 address does not go with the words before it";
	unsigned key = 0;

	switch (filt.now.proto) {
	case P_NONE:
		key = filter_layer()->labels ? BY_IP : BY_IP | BY_ARP | BY_RARP;
		break;
	case P_IP:
		key = BY_IP;
		break;
	case P_ARP:
		key = BY_ARP;
		break;
	case P_RARP:
		key = BY_RARP;
		break;
	default:
		filter_blame(why);
	}
	filter_need_src_or_dst(why);
	filter_link_is(key & BY_IP ? TYPE_IP : TYPE_ARP);	/* for what it may have to say */
	return filter_match(MATCH_HOST4, key, filter_ends(filter_addresses(&value, &mask, 1)));
}

static unsigned filter_host6(const uint32_t *value, const uint32_t *mask)
{
	static const char *const why = "an IPv6 address does not go with the words before it";

	if (filt.now.proto != P_NONE && filt.now.proto != P_IP6)
		filter_blame(why);
	filter_need_src_or_dst(why);
	filter_link_is(TYPE_IP6);
	return filter_match(MATCH_HOST6, 0, filter_ends(filter_addresses(value, mask, 4)));
}

/* Behind Geneve there may be no link header. */
static unsigned filter_has_header(void)
{
	const struct filter_layer *l = filter_layer();

	if (!l->geneve)
		return filter_truth(1);
	return filter_not(filter_tree(TREE_COMPARE, l->header.x, l->payload.x, OP_JEQ, 0));
}

/* MAC addresses of a set, or group addresses. */
static unsigned filter_macs(unsigned set)
{
	const struct filter_layer *l = filter_layer();
	int wireless = l->kind == KIND_WIRELESS;

	if (!wireless && l->kind != KIND_ETHERNET && (l->kind != KIND_LLC || !l->link->src))
		filter_fail_link();
	if (!wireless && filt.now.dir > END_DST && filt.now.dir < DIR_OR)
		filter_fail_link();
	return filter_and(filter_has_header(), filter_match(MATCH_MAC, 0, filter_ends(set)));
}

static unsigned filter_mac_is(const uint32_t *value)
{
	struct filter_entry e = { .value = { value[0], value[1] }, .upto = { value[0], value[1] } };

	return filter_macs(filter_single(&e));
}

/* A host on ARCnet, whose addresses are one byte. */
static unsigned filter_arc_is(uint32_t address)
{
	unsigned src = filter_equals(filter_in_header(OP_B, 0), address);
	unsigned t = filter_at_ends(src, filter_equals(filter_in_header(OP_B, 1), address));

	if (filter_layer()->kind != KIND_ARCNET || !t)
		filter_fail_link();
	return t;
}

/* A DECnet address at one end. */
static unsigned filter_decnet_end(uint32_t address, unsigned end)
{
	/* flags that say: a long or short header, with a byte of padding before it or without */
	static const struct { uint8_t size, at[2]; uint16_t mask, flags; } forms[] = {
		{ OP_H, { 18, 10 }, 0xff07, 0x8106 }, { OP_B, { 17, 9 }, 7, 6 },
		{ OP_H, { 6, 4 }, 0xff07, 0x8102 }, { OP_B, { 5, 3 }, 7, 2 },
	};
	/* little-endian on the wire */
	uint32_t swapped = (address & 0xff) << 8 | address >> 8;
	unsigned t = filter_truth(0);

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		t = filter_or(t, filter_and(
		    filter_masked(filter_in_network(forms[i].size, 2), forms[i].mask,
		    forms[i].flags),
		    filter_network_is(OP_H, forms[i].at[end], swapped)));
	return t;
}

/* decnet host AREA.NODE */
static unsigned filter_decnet_host(uint32_t address)
{
	unsigned decnet = filter_link_is(TYPE_DECNET);

	filter_need_src_or_dst("DECnet addresses have src and dst only");
	return filter_and(decnet, filter_at_ends(filter_decnet_end(address, END_SRC),
	    filter_decnet_end(address, END_DST)));
}

static unsigned filter_not_fragment(void)
{
	return filter_not(filter_test(filter_in_network(OP_H, 6), OP_JSET, 0x1fff));
}

/*
 * What must hold for bytes behind a protocol's word to be looked at: IPv4 only, no later
 * fragment.
 */
static unsigned filter_index_guard(unsigned proto)
{
	const struct filter_protocol *p = &filter_protocols[proto];

	switch (p->from) {
	case FROM_NETWORK:
		return filter_link_is(p->number);
	case FROM_IPV4:
		return filter_and(filter_and(filter_link_is(TYPE_IP),
		    filter_network_is(OP_B, 9, p->number)), filter_not_fragment());
	case FROM_IPV6:
		return filter_and(filter_link_is(TYPE_IP6),
		    filter_network_is(OP_B, 6, p->number));
	}
	return filter_truth(1);
}

static unsigned filter_broadcast(void)
{
	uint32_t hosts = ~filt.job->netmask;
	unsigned to = filter_in_network(OP_W, 16);

	return filter_and(filter_link_is(TYPE_IP),
	    filter_or(filter_masked(to, hosts, 0), filter_masked(to, hosts, hosts)));
}

/* broadcast and multicast, behind a protocol or none. */
static unsigned filter_to_many(unsigned proto, int multicast)
{
	static const uint32_t all[4] = { UINT32_MAX, 0xffff };

	filt.now.dir = END_DST;
	switch (proto) {
	case P_NONE: case P_LINK:
		if (filter_layer()->kind == KIND_ARCNET)
			return filter_arc_is(0);
		return multicast ? filter_macs(GROUP_SET) : filter_mac_is(all);
	case P_IP:
		if (!multicast)
			return filter_broadcast();
		return filter_and(filter_link_is(TYPE_IP),
		    filter_masked(filter_in_network(OP_B, 16), 0xf0, 0xe0));
	case P_IP6:
		if (!multicast)
			break;
		return filter_and(filter_link_is(TYPE_IP6),
		    filter_network_is(OP_B, 24, 0xff));
	}
	filter_blame("does not go with that protocol");
}

/* Which way a packet went: 1 out, 0 in. */
static unsigned filter_direction(int out)
{
	unsigned v, t;

	if (filt.job->linktype == LINK_SLL)
		v = filter_load(OP_H, 0, 0);
	else if (filt.job->linktype == LINK_SLL2)
		v = filter_load(OP_B, 0, 10);
	else
		v = filter_metadata(META_PKTTYPE, OP_B);
	t = filter_equals(v, 4);	/* PACKET_OUTGOING */
	return out ? t : filter_not(t);
}

static unsigned filter_ifindex(uint32_t n)
{
	if (filt.job->linktype == LINK_SLL2)
		return filter_equals(filter_load(OP_W, 0, 4), n);
	return filter_equals(filter_metadata(META_IFINDEX, OP_W), n);
}

/* A VLAN tag in the frame, with an ID or (above 4095) any. */
static unsigned filter_tag_in_frame(uint32_t id)
{
	unsigned t = filter_or(filter_or(filter_link_is(0x8100),
	    filter_link_is(0x88a8)), filter_link_is(0x9100));

	if (id <= 4095)
		t = filter_and(t, filter_masked(filter_in_network(OP_H, 0), 4095, id));
	return t;
}

static unsigned filter_tag_in_metadata(uint32_t id)
{
	unsigned t = filter_equals(filter_metadata(META_VLAN_PRESENT, OP_B), 1);

	if (id <= 4095)
		t = filter_and(t, filter_masked(filter_metadata(META_VLAN_TAG, OP_H), 4095, id));
	return t;
}

/*
 * What follows `vlan` counts from behind the tag, to the end of the text. The kernel keeps the
 * outermost tag in metadata, so a live program looks there first; then what follows stands where
 * it stood: a word of M[] says by how much it moved.
 */
static unsigned filter_vlan(uint32_t id)
{
	struct filter_layer *l = filter_layer();
	unsigned t, reg;

	if (l->labels || (l->kind != KIND_ETHERNET && l->kind != KIND_WIRELESS &&
	    l->kind != KIND_COOKED && l->kind != KIND_PLAIN))
		filter_fail_link();
	if (!filt.job->live || l->kind == KIND_WIRELESS || l->tagged) {
		t = filter_tag_in_frame(id);
		l = filter_push_layer();
		l->type.off = l->payload.off + 2;
		l->payload.off += 4;
		l->tagged = 1;
		return t;
	}
	if (l->kind != KIND_ETHERNET) {
		filter_push_layer()->tagged = 1;
		return filter_tag_in_metadata(id);
	}
	reg = filter_register();
	t = filter_and(filter_tree(TREE_STORE, filter_constant(4), 0, 0, reg),
	    filter_tag_in_frame(id));
	t = filter_or(filter_tag_in_metadata(id), filter_and(
	    filter_not(filter_equals(filter_metadata(META_VLAN_PRESENT, OP_B), 1)), t));
	l = filter_push_layer();
	l->type.x = l->payload.x = filter_memory(reg);
	l->tagged = 1;
	return t;
}

/* A label, or (above 20 bits) any. What follows counts from behind it, to the end of the text. */
static unsigned filter_mpls(uint32_t label)
{
	struct filter_layer *l = filter_layer();
	unsigned t;

	if (l->labels)		/* the one before is not the last */
		t = filter_not(filter_test(filter_in_network(OP_B, (uint32_t)-2), OP_JSET, 1));
	else if (l->kind == KIND_ETHERNET || l->kind == KIND_HDLC)
		t = filter_link_is(TYPE_MPLS);
	else if (l->kind == KIND_PPP)
		t = filter_type_is(0x281);
	else
		filter_fail_link();
	if (label <= 0xfffff)
		t = filter_and(t, filter_masked(filter_in_network(OP_W, 0), 0xfffff000,
		    label << 12));
	l = filter_push_layer();
	l->network += 4;
	l->nosnap += 4;
	l->labels = 1;
	return t;
}

/* A session, or (above 16 bits) any. What follows counts from the PPP header on. */
static unsigned filter_pppoes(uint32_t session)
{
	unsigned t = filter_link_is(TYPE_PPPOES);
	struct filter_layer *l;

	if (session <= 0xffff)
		t = filter_and(t, filter_network_is(OP_H, 2, session));
	l = filter_push_layer();
	l->header = filter_network(l);
	l->header.off += 6;
	l->type = l->payload = l->header;
	l->payload.off += 2;
	l->network = l->nosnap = 0;
	l->kind = KIND_PPP;
	l->geneve = 0;
	return t;
}

static unsigned filter_store(unsigned reg, unsigned v)
{
	return filter_tree(TREE_STORE, v, 0, 0, reg);
}

/* What tunnels in UDP have in common. */
struct filter_tunnel {
	uint32_t port;
	uint32_t mask, flags;	/* of the first byte behind the UDP header */
	uint32_t network;	/* 24 bits; above that: any */
};

/* The UDP header stands at x + the network header + off, x 0 for none; reg gets x. */
static unsigned filter_tunnel_at(const struct filter_tunnel *u, unsigned x, uint32_t off,
    unsigned reg)
{
	unsigned t = filter_equals(filter_load(OP_H, x, off + 2), u->port);

	t = filter_and(t, filter_masked(filter_load(OP_B, x, off + 8), u->mask, u->flags));
	if (u->network <= 0xffffff)
		t = filter_and(t, filter_masked(filter_load(OP_W, x, off + 12), 0xffffff00,
		    u->network << 8));
	return filter_and(t, filter_store(reg, x));
}

/* A tunnel over IPv4 or IPv6; M[reg] gets how far behind the network header UDP begins. */
static unsigned filter_tunnel_is(const struct filter_tunnel *u, unsigned reg)
{
	struct filter_base b = filter_network(filter_layer());
	unsigned v4 = filter_and(filter_index_guard(P_UDP),
	    filter_tunnel_at(u, filter_header(b), b.off, reg));
	unsigned v6 = filter_and(filter_link_is(TYPE_IP6), filter_network_is(OP_B, 6, 17));

	return filter_or(v4, filter_and(v6, filter_tunnel_at(u, filter_header6(b), b.off, reg)));
}

/* RFC 8926. Behind its options stands an Ethernet header, or what the type field says. */
static unsigned filter_geneve(uint32_t network)
{
	const struct filter_tunnel u = { 6081, 0xc0, 0, network };
	unsigned udp = filter_register(), header = filter_register(), type = filter_register();
	unsigned payload = filter_register(), at = filter_memory(udp), h = filter_memory(header);
	uint32_t off = filter_network(filter_layer()).off + 8;
	unsigned t = filter_tunnel_is(&u, udp), ethernet, other, options;
	struct filter_layer *l;

	options = filter_arithmetic(OP_AND, filter_load(OP_B, at, off), filter_constant(0x3f));
	options = filter_arithmetic(OP_MUL, options, filter_constant(4));
	options = filter_arithmetic(OP_ADD, options, filter_constant(off + 8));
	t = filter_and(t, filter_store(header, filter_arithmetic(OP_ADD, options, at)));
	ethernet = filter_and(filter_equals(filter_load(OP_H, at, off + 2), TYPE_BRIDGED),
	    filter_store(type, filter_arithmetic(OP_ADD, h, filter_constant(12))));
	ethernet = filter_and(ethernet,
	    filter_store(payload, filter_arithmetic(OP_ADD, h, filter_constant(14))));
	other = filter_and(filter_store(payload, h),
	    filter_store(type, filter_arithmetic(OP_ADD, at, filter_constant(off + 2))));
	t = filter_and(t, filter_or(ethernet, other));
	l = filter_push_layer();
	l->header = (struct filter_base){ 0, h };
	l->type = (struct filter_base){ 0, filter_memory(type) };
	l->payload = (struct filter_base){ 0, filter_memory(payload) };
	l->network = 0;
	l->kind = KIND_ETHERNET;
	l->geneve = l->tagged = 1;
	return t;
}

/* RFC 7348: an Ethernet frame behind eight bytes. */
static unsigned filter_vxlan(uint32_t network)
{
	const struct filter_tunnel u = { 4789, 0x08, 0x08, network };
	unsigned udp = filter_register(), t = filter_tunnel_is(&u, udp), x = filter_memory(udp);
	struct filter_layer *l = filter_push_layer();
	uint32_t off = filter_network(l).off + 16;

	l->header = (struct filter_base){ off, x };
	l->type = (struct filter_base){ off + 12, x };
	l->payload = (struct filter_base){ off + 14, x };
	l->network = 0;
	l->nosnap = 3;
	l->kind = KIND_ETHERNET;
	l->geneve = 0;
	l->tagged = 1;
	return t;
}

/*
 * One step of protochain: the header whose number is in A and which stands X bytes behind the
 * network header's constant part is passed over. next and x get what A and X are called then.
 */
static unsigned filter_pass_header(unsigned reg, unsigned x, uint32_t off, int is_ah,
    unsigned next_x)
{
	unsigned units = filter_arithmetic(OP_ADD, filter_load(OP_B, x, off + 1),
	    filter_constant(is_ah ? 2 : 1));
	unsigned length = filter_arithmetic(OP_MUL, units, filter_constant(is_ah ? 4 : 8));

	return filter_and(filter_store(reg, filter_load(OP_B, x, off)),
	    filter_tree(TREE_REGISTER, filter_arithmetic(OP_ADD, length, x), next_x, 0, 1));
}

/* Is `number` a header of the chain that begins with `first`, `x` behind off? */
static unsigned filter_chain(uint32_t number, unsigned versions, unsigned first, unsigned x,
    uint32_t off)
{
	enum { HEADERS_MAX = 8 };	/* in a chain; the kernel has no loops */
	unsigned reg = filter_register(), names[HEADERS_MAX + 1], xs[HEADERS_MAX + 1], t, pass, v;

	for (unsigned i = 0; i <= HEADERS_MAX; i++) {
		names[i] = filter_name();
		xs[i] = filter_name();
	}
	t = filter_equals(names[HEADERS_MAX], number);
	for (unsigned i = HEADERS_MAX; i-- > 0; ) {
		v = names[i];
		pass = filter_and(filter_equals(v, 51), filter_pass_header(reg, xs[i], off, 1,
		    xs[i + 1]));
		if (versions == FAMILY_IPV6)
			pass = filter_or(pass, filter_and(
			    filter_or(filter_or(filter_equals(v, 0), filter_equals(v, 60)),
			    filter_or(filter_equals(v, 43), filter_equals(v, 44))),
			    filter_pass_header(reg, xs[i], off, 0, xs[i + 1])));
		pass = filter_and(pass, filter_tree(TREE_REGISTER, filter_memory(reg),
		    names[i + 1], 0, 0));
		t = filter_or(filter_equals(v, number), filter_and(pass, t));
	}
	t = filter_and(filter_tree(TREE_REGISTER, first, names[0], 0, 0), t);
	return filter_and(filter_tree(TREE_REGISTER, x, xs[0], 0, 1), t);
}

/* protochain N: a protocol behind any extension headers of IPv6 and authentication headers. */
static unsigned filter_protochain(unsigned proto, uint32_t n)
{
	struct filter_base b = filter_network(filter_layer());
	unsigned t = filter_truth(0);

	if (proto != P_NONE && proto != P_IP && proto != P_IP6)
		filter_blame("does not go with that protocol");
	if (proto != P_IP6)
		t = filter_and(filter_link_is(TYPE_IP), filter_chain(n, FAMILY_IPV4,
		    filter_in_network(OP_B, 9), filter_header(b), b.off));
	if (proto != P_IP)
		t = filter_or(t, filter_and(filter_link_is(TYPE_IP6), filter_chain(n,
		    FAMILY_IPV6, filter_in_network(OP_B, 6), filter_header6(b), b.off)));
	return t;
}

/* Is there an 802.2 header? */
static unsigned filter_has_llc(void)
{
	switch (filter_layer()->kind) {
	case KIND_ETHERNET:
		return filter_and(filter_not(filter_test(filter_type(), OP_JGT, LENGTH_MAX)),
		    filter_not(filter_both_saps(0xff)));
	case KIND_COOKED:
		return filter_type_is(4);
	case KIND_LLC:
		return filter_truth(1);
	case KIND_WIRELESS:
		return filter_is_data_frame();
	}
	filter_fail_link();
}

/* ---- parser ---- */

/*
 * What an expression is: a number alone, one that was computed, one of the packet, a condition, a
 * name.
 */
enum filter_result { R_LITERAL, R_CONSTANT, R_VALUE, R_CONDITION, R_NAME };

struct filter_operand {
	enum filter_result kind;
	unsigned value;		/* of a number */
	unsigned guard;		/* of a number in the packet: what must hold before it is read */
	unsigned tree;		/* of a condition or name */
	struct filter_span span;	/* its first word */
};

static void filter_expression(unsigned tight, struct filter_operand *r);
static void filter_operand(struct filter_operand *r);

/* Words that people use, and what they are in this language. */
static const struct { const char *word, *instead; } filter_advice[] = {
	{ "dns", "port 53" }, { "dhcp", "udp port 67 or 68" }, { "dhcp6", "udp port 546 or 547" },
	{ "dhcpv6", "udp port 546 or 547" }, { "http", "tcp port 80" }, { "https", "port 443" },
	{ "tls", "tcp port 443" }, { "ssl", "tcp port 443" }, { "quic", "udp port 443" },
	{ "ssh", "tcp port 22" }, { "ntp", "udp port 123" }, { "sip", "port 5060" },
	{ "ftp", "tcp port 21" }, { "smtp", "tcp port 25" }, { "mdns", "udp port 5353" },
	{ "snmp", "port 161" }, { "ipv4", "ip" }, { "ipv6", "ip6" }, { "icmpv6", "icmp6" },
	{ "eth", "ether" }, { "mac", "ether host" }, { "source", "src" }, { "dest", "dst" },
	{ "destination", "dst" }, { "lldp", "ether proto 0x88cc" },
	{ "eapol", "ether proto 0x888e" }, { "gre", "proto 47" }, { "ospf", "proto 89" },
};

/* The fields of Wireshark's display filters begin so. */
static int filter_is_display_language(struct filter_span s)
{
	static const char protocols[][8] = {
		"ip.", "ipv6.", "tcp.", "udp.", "eth.", "arp.", "icmp.", "icmpv6.", "dns.", "http.",
		"frame.", "vlan.", "wlan.", "dhcp.", "sctp.", "tls.",
	};

	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		size_t n = strlen(protocols[i]);

		if (s.len > n && !memcmp(s.at, protocols[i], n))
			return 1;
	}
	return 0;
}

/* Is it a word of the language, but for its capitals? */
static int filter_is_in_capitals(struct filter_span s)
{
	uint32_t value;

	return filter_has_capital(s) && filter_find_word(s, &value);
}

/* Fails for the current word. */
static _Noreturn void filter_fail_here(const char *why)
{
	filter_fail(filt.token.span, why);
}

/* Fails: the current word is a name that is not expected; gives the reason if it is a known one. */
static void filter_fail_name(void)
{
	struct filter_span s = filt.token.span;

	if (filter_is_in_capitals(s))
		filter_fail_here("write it in small letters");
	if (filter_is_display_language(s))
		filter_fail_here("Wireshark's display language; here it is host 1.2.3.4,"
		    " tcp port 80");
	for (size_t i = 0; i < sizeof filter_advice / sizeof *filter_advice; i++)
		if (filter_is_word(s, filter_advice[i].word))
			filter_fail_naming(s, "not a word of filters: write %",
			    filter_advice[i].instead);
}

/* Fails: the current word is not expected, for the reason that fits best. */
static _Noreturn void filter_fail_word(const char *otherwise)
{
	struct filter_span s = filt.token.span;

	if (filt.token.kind == T_NAME)
		filter_fail_name();
	if ((unsigned char)*s.at == 0xe2 && (unsigned char)s.at[1] == 0x80)
		filter_fail_here("a typographic quote or dash: write ' \" or -");
	if (filt.token.kind == '-' && filter_digit(s.at[1]) < 36)
		filter_fail_here("not expected here; options stand before the filter");
	if (filt.token.kind == T_FOREIGN)
		filter_fail_here("of pf, ATM or SS7 links, which Linux does not capture");
	if (filt.token.kind == T_GATEWAY)
		filter_fail_here("names are not looked up:"
		    " write ether host MAC and not host ADDRESS");
	filter_fail_here(otherwise);
}

static _Noreturn void filter_unexpected(void)
{
	filter_fail_word("not expected here");
}

static void filter_must(int kind)
{
	if (!filter_accept(kind))
		filter_unexpected();
}

/* The ) that belongs to a ( at `open`. */
static void filter_must_close(struct filter_span open)
{
	if (filt.token.kind == T_END)
		filter_fail(open, "its ) is missing");
	if (filt.token.kind == ',')
		filter_fail_here("a list is written with or: port 80 or 443");
	filter_must(')');
}

/* The current word as a number up to a limit, whose name is `what`; goes on behind it. */
static uint32_t filter_number_up_to(uint32_t limit, const char *what)
{
	uint32_t n = filt.token.value[0];

	if (filt.token.kind != T_NUMBER || n > limit)
		filter_fail_word(what);
	filter_next();
	return n;
}

/* Shows a network as it should be written, in place of one with bits outside its mask. */
static _Noreturn void filter_fail_mask(uint32_t network, unsigned bits)
{
	char net[20];
	struct bpf_text t = { net, net + sizeof net - 1 };

	for (unsigned shift = 32; shift; shift -= 8) {
		bpf_put_number(&t, network >> (shift - 8) & 255, 10, 1);
		bpf_put_char(&t, shift > 8 ? '.' : '/');
	}
	bpf_put_number(&t, bits, 10, 1);
	filter_fail_naming(filt.blame, "bits outside the mask: write %", net);
}

/* An IPv6 mask of that many bits; outside of it the address has none. */
static void filter_mask6(const uint32_t *value, uint32_t bits,
    uint32_t *mask)
{
	for (unsigned i = 0; i < 4; i++) {
		uint32_t here = bits < 32 ? bits : 32;

		bits -= here;
		mask[i] = here ? UINT32_MAX << (32 - here) : 0;
		if (value[i] & ~mask[i])
			filter_blame("bits outside the mask");
	}
}

/* The first so many bits. */
static uint32_t filter_prefix(unsigned bits)
{
	return bits ? UINT32_MAX << (32 - bits) : 0;
}

enum { TYPE_HOST = 1, TYPE_NET, TYPE_PORT, TYPE_PORTRANGE, TYPE_PROTO, TYPE_PROTOCHAIN };

/* The transport that the words before a port name. */
static unsigned filter_transport(void)
{
	unsigned proto = filt.now.proto;

	if (proto != P_NONE && proto != P_TCP && proto != P_UDP && proto != P_SCTP)
		filter_blame("ports are of tcp, udp and sctp");
	return filter_protocols[proto].number;
}

/* A number alone, as the words before it say. */
static unsigned filter_number_is(struct filter_span words, uint32_t n)
{
	unsigned bits = 32;

	filt.blame = words;
	switch (filt.now.type) {
	case TYPE_PROTO:
		return filter_protocol_number(filt.now.proto, n);
	case TYPE_PROTOCHAIN:
		return filter_protochain(filt.now.proto, n);
	case TYPE_PORT: case TYPE_PORTRANGE:
		if (n > 65535)
			filter_blame("not a port");
		return filter_ports(filter_transport(), n, n);
	case TYPE_HOST: case TYPE_NET:
		for (; filt.now.type == TYPE_NET && n && !(n >> 24); bits -= 8)
			n <<= 8;
		return filter_host4(n, filter_prefix(bits));
	}
	filter_blame("needs host, net, port or the like before it");
}

/* A service's port by name or number; `by` gets its transports. */
static uint32_t filter_port(struct filter_span name, unsigned *by)
{
	uint32_t n;

	*by = filter_service(name, &n);
	if (*by)
		return n;
	if (memchr(name.at, '.', name.len) || !filter_number(name, &n) || n > 65535)
		filter_fail(name, filter_is_in_capitals(name) ? "write it in small letters" :
		    "not a port");
	*by = BY_TCP | BY_UDP;
	return n;
}

/* Fails where a service does not go by the transport that was asked for. */
static unsigned filter_narrow(unsigned transport, unsigned by)
{
	if (by == (BY_TCP | BY_UDP))
		return transport;
	if (transport == 0)
		return by == BY_TCP ? 6 : 17;
	if (transport != (by == BY_TCP ? 6u : 17u))
		filter_blame(by == BY_TCP ? "goes by tcp only" : "goes by udp only");
	return transport;
}

/* A port, or a range of them, by names. */
static unsigned filter_named_ports(void)
{
	struct filter_span words = filt.token.span, first = words, second;
	unsigned by, also, transport;
	const char *dash = NULL;
	uint32_t least, most;

	filt.blame = words;
	transport = filter_transport();
	if (words.at[words.len] == '/')
		filter_blame("write tcp port %");
	if (filt.now.type == TYPE_PORTRANGE)
		dash = memchr(words.at, '-', words.len);
	if (dash)
		first.len = (unsigned)(dash - words.at);
	least = most = filter_port(first, &by);
	if (dash) {
		second = (struct filter_span){ dash + 1, words.len - first.len - 1 };
		most = filter_port(second, &also);
		if (by != also)
			by = BY_TCP | BY_UDP;
	} else if (filt.now.type == TYPE_PORTRANGE && filter_digit(*words.at) < 10) {
		filter_blame("not a range of ports");
	}
	return filter_ports(filter_narrow(transport, by), least, most);
}

static unsigned filter_named_protocol(void)
{
	struct filter_span words = filt.token.span;
	int n = filter_protocol(filt.now.proto, words);

	filt.blame = words;
	if (n < 0)
		filter_blame("not a protocol that is known: write its number");
	return filter_number_is(words, (uint32_t)n);
}

/* Do words about ports or protocols stand before an address? */
static void filter_check_address(void)
{
	if (!filt.now.type)
		filter_fail_here("needs host, net or the like before it");
	if (filt.now.proto == P_LINK)
		filter_fail_here("an IP address: write host %");
	if (filt.now.type != TYPE_HOST && filt.now.type != TYPE_NET)
		filter_fail_here("an address; port and proto are followed by numbers");
}

/* A DECnet address: an area, 0 to 63, a dot and a node, 0 to 1023. */
static unsigned filter_decnet_is(void)
{
	struct filter_span s = filt.token.span;
	const char *end = s.at + s.len, *dot;
	uint64_t area, node;

	filt.blame = s;
	dot = filter_digits(s.at, 10, 9, &area);
	if (*dot != '.' || dot + 1 == end || filter_digits(dot + 1, 10, 9, &node) != end ||
	    area > 63 || node > 1023)
		filter_blame("not a DECnet address: area.node, up to 63.1023");
	filter_next();
	return filter_decnet_host((uint32_t)(area << 10 | node));
}

/* Fails where the words before an address/length, whose length is the current word, say host. */
static void filter_must_be_net(void)
{
	if (filt.now.type == TYPE_NET || filt.token.kind != T_NUMBER)
		return;
	filt.blame.len = (unsigned)(filt.p - filt.blame.at);
	filter_blame("a network, not a host: write net %");
}

/* An IPv4 address and, behind it, the length of its mask or the mask. */
static unsigned filter_ipv4_is(void)
{
	struct filter_token t = filt.token;
	struct filter_span words = t.span;
	uint32_t mask = filter_prefix(t.bits);

	filt.blame = words;
	filter_check_address();
	if (filt.now.proto == P_DECNET)
		return filter_decnet_is();
	filter_next();
	if (filt.token.kind == '/') {
		filter_next();
		filter_must_be_net();
		mask = filter_prefix(filter_number_up_to(32,
		    "the length of an IPv4 mask is 0 to 32"));
		if (t.value[0] & ~mask)
			filter_fail_mask(t.value[0] & mask, (unsigned)__builtin_popcount(mask));
	} else if (filter_accept(T_MASK)) {
		if (filt.token.kind != T_IPV4 || filt.now.type != TYPE_NET)
			filter_unexpected();
		mask = filt.token.value[0];
		filter_next();
		if (t.value[0] & ~mask)
			filter_blame("bits outside the mask");
	}
	return filter_host4(t.value[0], mask);
}

static unsigned filter_ipv6_is(void)
{
	struct filter_token t = filt.token;
	uint32_t bits = 128, mask[4];

	filt.blame = t.span;
	filter_check_address();
	filter_next();
	if (filter_accept('/')) {
		if (filt.token.value[0] != 128)
			filter_must_be_net();
		bits = filter_number_up_to(128, "the length of an IPv6 mask is 0 to 128");
	}
	filter_mask6(t.value, bits, mask);
	return filter_host6(t.value, mask);
}

static unsigned filter_link_address_is(void)
{
	struct filter_token t = filt.token;

	filt.blame = t.span;
	if (filt.now.proto != P_LINK || filt.now.type != TYPE_HOST)
		filter_blame("an Ethernet address: write ether host %");
	filter_next();
	if (t.kind == T_ARC)
		return filter_arc_is(t.value[0]);
	return filter_mac_is(t.value);
}

/* Fails: a word that is no address stands behind host or net. */
static _Noreturn void filter_fail_host(void)
{
	struct filter_span s = filt.token.span;
	unsigned digits = filter_span_of(s.at, "0123456789.");

	if (digits == s.len && filter_digit(*s.at) < 10)
		filter_fail(s, "not an IPv4 address, whose four numbers are 0 to 255");
	filter_fail_word("names are not looked up: write the address");
}

/* A name or address, as the words before it say. */
static unsigned filter_name_is(void)
{
	unsigned t;

	switch (filt.token.kind) {
	case T_IPV4:
		return filter_ipv4_is();
	case T_IPV6:
		return filter_ipv6_is();
	case T_MAC: case T_ARC:
		return filter_link_address_is();
	}
	switch (filt.now.type) {
	case 0:
		filter_fail_word("not a word of filters, and needs host,"
		    " port or the like before it");
	case TYPE_PORT: case TYPE_PORTRANGE:
		t = filter_named_ports();
		break;
	case TYPE_PROTO: case TYPE_PROTOCHAIN:
		t = filter_named_protocol();
		break;
	default:
		if (filt.now.proto == P_DECNET)
			return filter_decnet_is();
		filter_fail_host();
	}
	filter_next();
	return t;
}

/* An operand becomes a condition: a number alone is what the words before it say. */
static void filter_condition(struct filter_operand *r)
{
	if (r->kind == R_LITERAL) {
		r->tree = filter_number_is(r->span, filt.value[r->value].k);
		r->kind = R_NAME;
	} else if (r->kind == R_VALUE || r->kind == R_CONSTANT) {
		filter_fail(r->span, "a number, not a condition: compare it, for instance != 0");
	} else if (r->kind == R_CONDITION && filt.now.ids) {
		filter_fail(r->span, "only names and numbers stand within these parentheses");
	}
}

static void filter_must_be_number(const struct filter_operand *r)
{
	if (r->kind >= R_CONDITION)
		filter_fail(r->span, "a condition, not a number");
}

static void filter_number_expression(unsigned tight, struct filter_operand *r)
{
	filter_expression(tight, r);
	filter_must_be_number(r);
}

/* proto[expression:size]: the current word is the bracket. */
static void filter_indexed(unsigned proto, struct filter_operand *r)
{
	static const char *const why = "of a size there are 1, 2 or 4 bytes";
	struct filter_base b = filter_network(filter_layer());
	struct filter_operand at;
	unsigned from = filter_protocols[proto].from, size = 1;

	if (from == FROM_NOWHERE)
		filter_blame("its bytes cannot be looked at with [...]");
	if (proto == P_RADIO && (!filt.radio || filt.job->linktype == LINK_WIRELESS))
		filter_fail_link();
	filter_next();
	filter_number_expression(3, &at);
	if (filter_accept(':')) {
		if (filt.token.kind == T_NUMBER && (filt.token.value[0] == 3 ||
		    !filt.token.value[0]))
			filter_fail_here(why);
		size = filter_number_up_to(4, why);
	}
	size = size == 1 ? OP_B : size == 2 ? OP_H : OP_W;
	filt.blame = r->span;
	if (filt.token.kind == T_END)
		filter_blame("its ] is missing");
	filter_must(']');
	r->guard = filter_index_guard(proto);
	if (at.kind == R_VALUE)
		r->guard = filter_and(at.guard, r->guard);
	if (from == FROM_START)
		b = (struct filter_base){ 0, 0 };
	if (from == FROM_HEADER)
		b = filter_layer()->header;
	if (from == FROM_IPV6)
		b.off += 40;
	if (from == FROM_IPV4)
		b.x = filter_header(b);
	if (at.kind == R_VALUE)
		b.x = b.x ? filter_arithmetic(OP_ADD, at.value, b.x) : at.value;
	else
		b.off += filt.value[at.value].k;
	if (!b.x && b.off >> 31)
		filter_blame("the offset is too large");
	r->value = filter_field(size, b, 0);
	r->kind = R_VALUE;
}

/* src, dst, src or dst, src and dst, addr1 ... */
static unsigned filter_direction_words(void)
{
	int first = filt.token.kind, joined;

	filter_next();
	joined = filt.token.kind;
	if ((first != T_SRC && first != T_DST) || (joined != T_AND && joined != T_OR))
		return (unsigned)(first - T_SRC);
	filter_next();
	filter_must(first == T_SRC ? T_DST : T_SRC);
	return joined == T_AND ? DIR_AND : DIR_OR;
}

/* The types of 802.11 frames, and the subtypes: bits of the first byte of the header. */
static const struct filter_frame_name {
	char name[21];
	uint8_t bits;
} filter_frame_types[] = {
	{ "mgt", 0x00 }, { "management", 0x00 }, { "ctl", 0x04 }, { "control", 0x04 },
	{ "data", 0x08 },
}, filter_frame_subtypes[] = {
	{ "assocreq", 0x00 }, { "assoc-req", 0x00 }, { "assocresp", 0x10 }, { "assoc-resp", 0x10 },
	{ "reassocreq", 0x20 }, { "reassoc-req", 0x20 }, { "reassocresp", 0x30 },
	{ "reassoc-resp", 0x30 }, { "probereq", 0x40 }, { "probe-req", 0x40 },
	{ "proberesp", 0x50 }, { "probe-resp", 0x50 }, { "beacon", 0x80 }, { "atim", 0x90 },
	{ "disassoc", 0xa0 }, { "disassociation", 0xa0 }, { "auth", 0xb0 },
	{ "authentication", 0xb0 }, { "deauth", 0xc0 }, { "deauthentication", 0xc0 },
	{ "bar", 0x84 }, { "ba", 0x94 }, { "ps-poll", 0xa4 }, { "rts", 0xb4 }, { "cts", 0xc4 },
	{ "ack", 0xd4 }, { "cf-end", 0xe4 }, { "cf-end-ack", 0xf4 },
	{ "data", 0x08 }, { "data-cf-ack", 0x18 }, { "data-cf-poll", 0x28 },
	{ "data-cf-ack-poll", 0x38 }, { "null", 0x48 }, { "cf-ack", 0x58 }, { "cf-poll", 0x68 },
	{ "cf-ack-poll", 0x78 }, { "qos-data", 0x88 }, { "qos-data-cf-ack", 0x98 },
	{ "qos-data-cf-poll", 0xa8 }, { "qos-data-cf-ack-poll", 0xb8 }, { "qos", 0xc8 },
	{ "qos-cf-poll", 0xe8 }, { "qos-cf-ack-poll", 0xf8 },
}, filter_frame_directions[] = {
	{ "nods", 0 }, { "tods", 1 }, { "fromds", 2 }, { "dstods", 3 },
};

enum { FRAME_TYPE = 0x0c, FRAME_SUBTYPE = 0xf0, FRAME_DIRECTION = 0x03 };

/* The current word as a row of a table, or as a number that has no bits outside of mask. */
static uint32_t filter_frame_bits(const struct filter_frame_name *table, size_t size, uint32_t mask,
    const char *why)
{
	const struct filter_frame_name *row = filter_find(table, size, sizeof *row,
	    filt.token.span);
	uint32_t n = row ? row->bits : filt.token.value[0];

	if (!row && (filt.token.kind != T_NUMBER || n & ~mask))
		filter_fail_here(why);
	filter_next();
	return n;
}

/* type T, type T subtype S, subtype S, dir D of 802.11 frames */
static unsigned filter_frame(void)
{
	struct filter_span words = filt.token.span;
	int what = filt.token.kind, by_name;
	uint32_t type = 0, subtype;

	filt.blame = words;
	if (filter_layer()->kind != KIND_WIRELESS)
		filter_fail_link();
	filter_next();
	if (what == T_DIR)
		return filter_masked(filter_in_header(OP_B, 1), FRAME_DIRECTION,
		    filter_frame_bits(filter_frame_directions, sizeof filter_frame_directions,
		    UINT32_MAX, "not a direction of frames"));
	if (what == T_TYPE) {
		type = filter_frame_bits(filter_frame_types, sizeof filter_frame_types, FRAME_TYPE,
		    "not a type of frames");
		if (!filter_accept(T_SUBTYPE))
			return filter_masked(filter_in_header(OP_B, 0), FRAME_TYPE, type);
	}
	words = filt.token.span;
	by_name = filt.token.kind != T_NUMBER;
	subtype = filter_frame_bits(filter_frame_subtypes, sizeof filter_frame_subtypes,
	    FRAME_SUBTYPE, "not a subtype of frames");
	if (what == T_SUBTYPE && !by_name)
		filter_fail(words, "a number needs its type before it: type mgt subtype 0x80");
	if (what == T_TYPE && by_name && (subtype & FRAME_TYPE) != type)
		filter_fail(words, "not a subtype of this type");
	return filter_masked(filter_in_header(OP_B, 0), FRAME_TYPE | FRAME_SUBTYPE, type | subtype);
}

/* 802.2's formats and commands: bits of the control byte, under a mask. */
static const struct filter_llc_type {
	char name[6];
	uint8_t mask, bits;
} filter_llc_types[] = {
	{ "s", 0x03, 0x01 }, { "u", 0x03, 0x03 }, { "rr", 0x0f, 0x01 }, { "rnr", 0x0f, 0x05 },
	{ "rej", 0x0f, 0x09 }, { "ui", 0xef, 0x03 }, { "ua", 0xef, 0x63 }, { "disc", 0xef, 0x43 },
	{ "dm", 0xef, 0x0f }, { "sabme", 0xef, 0x6f }, { "test", 0xef, 0xe3 },
	{ "xid", 0xef, 0xaf }, { "frmr", 0xef, 0x87 }, { "i", 0x01, 0x00 },
};

/* llc, llc TYPE: the current word is the one behind llc. */
static unsigned filter_llc(void)
{
	const struct filter_llc_type *row = filter_find(filter_llc_types, sizeof filter_llc_types,
	    sizeof *row, filt.token.span);
	unsigned t = filter_has_llc();

	if (!row && filt.token.kind == T_NAME)
		filter_fail_word("not a type of llc");
	if (!row || (filt.token.kind != T_NAME && filt.token.kind != T_FOREIGN))
		return t;
	filter_next();
	return filter_and(t, filter_masked(filter_in_payload(OP_B, 2), row->mask, row->bits));
}

/* byte N op N, of the link header */
static unsigned filter_byte(void)
{
	uint32_t at = filter_number_up_to(0xffff, "an offset is expected"), k;
	unsigned v = filter_in_header(OP_B, at);
	int op = filt.token.kind;

	if (op != '=' && op != '<' && op != '>' && op != '&' && op != '|')
		filter_unexpected();
	filter_next();
	k = filter_number_up_to(255, "a byte is 0 to 255");
	switch (op) {
	case '=':
		return filter_equals(v, k);
	case '<':
		return filter_not(filter_test(v, OP_JGE, k));
	case '>':
		return filter_test(v, OP_JGT, k);
	}
	v = filter_arithmetic(op == '&' ? OP_AND : OP_OR, v, filter_constant(k));
	return filter_not(filter_equals(v, 0));
}

/* The words in force for what follows, and the names and numbers themselves. */
static unsigned filter_qualified(unsigned proto)
{
	int ids = filt.now.ids;
	struct filter_operand r;

	filt.now.proto = proto;
	filt.now.dir = DIR_OR;
	filt.now.type = TYPE_HOST;
	if (filt.token.kind >= T_SRC && filt.token.kind <= T_TA)
		filt.now.dir = filter_direction_words();
	if (filt.token.kind >= T_HOST && filt.token.kind <= T_PROTOCHAIN) {
		if (filt.token.kind >= T_PROTO && filt.now.dir != DIR_OR)
			filter_fail_here("has no src and dst");
		filt.now.type = (unsigned)(filt.token.kind - T_HOST + TYPE_HOST);
		filter_next();
	}
	if (filt.token.kind == T_PROTOCOL && filt.now.type >= TYPE_PROTO)
		filter_fail_here("a word of the language: write \\%");
	filt.now.ids = 1;
	filter_operand(&r);
	filter_condition(&r);
	filt.now.ids = ids;
	return r.tree;
}

/* Behind an optional protocol: what is asked about it. */
static void filter_primitive(unsigned proto, struct filter_operand *r)
{
	int token = filt.token.kind;

	filt.blame = r->span;
	if (token == '[' && proto != P_NONE) {
		filter_indexed(proto, r);
		return;
	}
	if (token >= T_SRC && token <= T_PROTOCHAIN) {
		r->tree = filter_qualified(proto);
		return;
	}
	if (token == T_GATEWAY)
		filter_unexpected();
	filt.now.proto = proto;
	filt.now.dir = DIR_OR;
	filt.now.type = 0;
	if (token >= T_TYPE && token <= T_DIR) {
		r->tree = filter_frame();
	} else if (token == T_BROADCAST || token == T_MULTICAST) {
		filt.blame = filt.token.span;
		r->tree = filter_to_many(proto, token == T_MULTICAST);
		filter_next();
	} else {
		r->tree = filter_protocol_alone(proto);
	}
}

/* The number that may follow, in parentheses or not, up to a limit; above that if there is none. */
static uint32_t filter_optional(uint32_t limit, const char *what)
{
	struct filter_span open = filt.token.span;
	uint32_t n = UINT32_MAX;
	unsigned parens = 0;

	for (; filter_accept('('); parens++)
		;
	if (filt.token.kind == T_NUMBER || parens)
		n = filter_number_up_to(limit, what);
	for (; parens; parens--)
		filter_must_close(open);
	return n;
}

/* The words that are primitives by themselves, with or without a number; it is behind the word. */
static unsigned filter_numbered(struct filter_span words, int token)
{
	static const char *const number = "a number is expected";

	filt.blame = words;
	switch (token) {
	case T_VLAN:
		return filter_vlan(filter_optional(4095, "a VLAN's number is 0 to 4095"));
	case T_MPLS:
		return filter_mpls(filter_optional(0xfffff, "a label is 0 to 1048575"));
	case T_PPPOES:
		return filter_pppoes(filter_optional(0xffff, "a session is 0 to 65535"));
	case T_GENEVE:
		return filter_geneve(filter_optional(0xffffff, "a VNI is 0 to 16777215"));
	case T_VXLAN:
		return filter_vxlan(filter_optional(0xffffff, "a VNI is 0 to 16777215"));
	case T_PPPOED:
		return filter_link_is(TYPE_PPPOED);
	case T_LLC:
		return filter_llc();
	case T_BYTE:
		return filter_byte();
	case T_INBOUND: case T_OUTBOUND:
		return filter_direction(token == T_OUTBOUND);
	case T_IFINDEX:
		return filter_ifindex(filter_number_up_to(UINT32_MAX, number));
	case T_LESS:
		return filter_not(filter_test(filter_length(),
		    OP_JGT, filter_number_up_to(UINT32_MAX, number)));
	case T_GREATER:
		return filter_test(filter_length(),
		    OP_JGE, filter_number_up_to(UINT32_MAX, number));
	}
	filter_fail(words, "not expected here");
}

/* What begins with a word of the language. */
static void filter_word_operand(struct filter_operand *r)
{
	int token = filt.token.kind;
	unsigned proto = filt.token.value[0];

	if (token < T_PROTOCOL || token == T_FOREIGN)
		filter_unexpected();
	if (token >= T_SRC && token <= T_DIR) {
		filter_primitive(P_NONE, r);
		return;
	}
	filter_next();
	if (token == T_PROTOCOL) {
		filter_primitive(proto, r);
	} else if (token == T_LEN) {
		r->kind = R_VALUE;
		r->value = filter_length();
	} else {
		filt.now.type = 0;
		r->tree = filter_numbered(r->span, token);
	}
}

static void filter_parenthesized(struct filter_operand *r)
{
	struct filter_context was = filt.now;
	struct filter_span open = filt.token.span;

	filter_next();
	filt.now.parens = 1;
	filter_expression(1, r);
	filter_must_close(open);
	filt.now = was;
}

static void filter_negated(struct filter_operand *r)
{
	int odd = 0;

	while (filter_accept(T_NOT))
		odd = !odd;
	filter_expression(2, r);
	filter_condition(r);
	if (odd)
		r->tree = filter_not(r->tree);
}

static void filter_minus(struct filter_operand *r)
{
	const char *p = filt.token.span.at + 1;
	struct filter_span behind = { p, filter_word_length(p) };
	uint32_t value;

	if (filter_digit(*p) >= 10 && filter_digit(*p) < 36 && !filter_find_word(behind, &value))
		filter_unexpected();
	filter_next();
	filter_number_expression(8, r);
	r->value = filter_arithmetic(OP_SUB, filter_constant(0), r->value);
	if (r->kind == R_LITERAL)
		r->kind = R_CONSTANT;
}

/*
 * A number, an address, a primitive, something in parentheses, or a not or minus and what it is
 * about.
 */
static void filter_operand(struct filter_operand *r)
{
	*r = (struct filter_operand){
		.kind = R_CONDITION, .guard = filter_truth(1), .span = filt.token.span,
	};
	if (++filt.depth > FILTER_NESTING_MAX)
		filter_fail_here("nested too deep");
	switch (filt.token.kind) {
	case T_NOT:
		filter_negated(r);
		break;
	case '(':
		filter_parenthesized(r);
		break;
	case '-':
		filter_minus(r);
		break;
	case T_NUMBER:
		r->kind = R_LITERAL;
		r->value = filter_constant(filt.token.value[0]);
		filter_next();
		break;
	case T_IPV4: case T_IPV6: case T_MAC: case T_ARC: case T_NAME:
		r->kind = R_NAME;
		r->tree = filter_name_is();
		break;
	default:
		filter_word_operand(r);
	}
	filt.depth--;
}

enum { NEGATED = 1 };		/* the opposite of a jump */

static const struct filter_operator {
	uint16_t token;
	uint8_t tight;		/* how tight it binds, 1 to 8 */
	uint8_t code;		/* what it computes, or how it relates */
} filter_operators[] = {
	{ T_AND, 1, 0 }, { T_OR, 1, 0 },
	{ '=', 2, OP_JEQ }, { T_UNEQUAL, 2, OP_JEQ | NEGATED },
	{ '<', 2, OP_JGE | NEGATED }, { '>', 2, OP_JGT },
	{ T_AT_MOST, 2, OP_JGT | NEGATED }, { T_AT_LEAST, 2, OP_JGE },
	{ '|', 3, OP_OR }, { '&', 4, OP_AND }, { T_LEFT, 5, OP_LSH }, { T_RIGHT, 5, OP_RSH },
	{ '+', 6, OP_ADD }, { '-', 6, OP_SUB }, { '*', 7, OP_MUL }, { '/', 7, OP_DIV },
	/* these take all arithmetic to their right, as libpcap's do */
	{ '%', 8, OP_MOD }, { '^', 8, OP_XOR },
	{ 0, 0, 0 },
};

static const struct filter_operator *filter_find_operator(int token)
{
	const struct filter_operator *o = filter_operators;

	while (o->tight && o->token != token)
		o++;
	return o;
}

/* left op right. What must hold before the right one is read is not asked, as in libpcap. */
static void filter_compute(struct filter_operand *left, unsigned code,
    const struct filter_operand *right)
{
	uint32_t k = filt.value[right->value].k;

	if (filter_is_constant(right->value)) {
		if (!k && (code == OP_DIV || code == OP_MOD))
			filter_fail(right->span, "divides by zero");
		if (k > 31 && (code == OP_LSH || code == OP_RSH))
			filter_fail(right->span, "shifts by over 31 bits");
	}
	left->value = filter_arithmetic(code, left->value, right->value);
	if (left->kind == R_LITERAL || right->kind == R_VALUE)
		left->kind = right->kind == R_VALUE ? R_VALUE : R_CONSTANT;
}

/* Are two numbers so related? */
static void filter_relate(struct filter_operand *left, unsigned code,
    const struct filter_operand *right)
{
	unsigned jump = code & OP_KIND, negated = code & NEGATED, t;
	unsigned a = left->value, b = right->value;

	if (filter_is_constant(a) && !filter_is_constant(b)) {
		a = b;
		b = left->value;
		if (jump != OP_JEQ) {		/* k > v is not v >= k */
			jump ^= OP_JGT ^ OP_JGE;
			negated ^= NEGATED;
		}
	}
	if (filter_is_constant(b))
		t = filter_test(a, jump, filt.value[b].k);
	else
		t = filter_tree(TREE_COMPARE, a, b, jump, 0);
	if (negated)
		t = filter_not(t);
	left->tree = filter_and(filter_and(left->guard, right->guard), t);
	left->kind = R_CONDITION;
	filt.now.type = 0;
}

/* Operands with operators between them that bind at least as tight. */
static void filter_expression(unsigned tight, struct filter_operand *r)
{
	struct filter_operand right;
	const struct filter_operator *o;

	filter_operand(r);
	for (;;) {
		o = filter_find_operator(filt.token.kind);
		if (o->tight < tight)
			return;
		if (o->tight == 1) {
			filter_condition(r);
			if (r->kind == R_NAME && filt.now.parens)
				filt.now.ids = 1;
			filter_next();
			filter_expression(2, &right);
			filter_condition(&right);
			r->tree = o->token == T_AND ? filter_and(r->tree, right.tree) :
			    filter_or(r->tree, right.tree);
			continue;
		}
		if (r->kind >= R_CONDITION && filt.token.kind == '-')
			filter_unexpected();
		filter_must_be_number(r);
		filter_next();
		filter_number_expression(o->tight == 8 ? 3 : o->tight + 1u, &right);
		if (o->tight > 2)
			filter_compute(r, o->code, &right);
		else
			filter_relate(r, o->code, &right);
	}
}

/* Fails: there is more behind a whole expression. */
static _Noreturn void filter_fail_end(const struct filter_operand *r)
{
	if (filt.token.kind == ',')
		filter_fail_here("a list is written with or: port 80 or 443");
	if (filt.token.kind == '/')
		filter_fail(r->span, "no / is expected behind it");
	if (filt.token.kind == ')')
		filter_fail_here("has no ( before it");
	filter_fail_word("and, or or the end is expected here");
}

/* One whole text as a condition; an empty one is always true. */
static unsigned filter_whole(const char *text)
{
	struct filter_operand r = { .tree = filter_truth(1) };
	const char *end = text;

	filt.text = filt.p = text;
	filt.now = (struct filter_context){ 0 };
	filt.depth = 0;
	while (*end)
		if (end++ - text == FILTER_TEXT_MAX)
			filter_fail_whole("too long");
	filter_first_layer();
	filter_next();
	if (filt.token.kind != T_END) {
		filter_expression(1, &r);
		filter_condition(&r);
	}
	if (filt.token.kind != T_END)
		filter_fail_end(&r);
	return r.tree;
}

/* ---- graph ---- */

enum filter_node_kind {
	NODE_TEST,		/* value with k, or with OP_X with the value k */
	NODE_STORE,		/* M[k] = value, then yes */
	/* A (jump is 0) or X (1) = value, by the name k from here on, then yes */
	NODE_REGISTER,
};
enum { ACCEPT = 1, REJECT, NODES_FIRST };	/* numbers of nodes; children have smaller ones */
enum { NODES_TOO_MANY = BPF_PROGRAM_MAX + 1000 };	/* some have no instruction */

static unsigned filter_node(unsigned kind, unsigned jump, unsigned v, uint32_t k, unsigned yes,
    unsigned no)
{
	struct filter_node n = { kind, jump, v, k, yes, no };

	return filter_pool_add(&filt.nodes, &n);
}

/* The value under a mask, and the mask; all ones if there is none. */
static unsigned filter_unmasked(unsigned v, uint32_t *mask)
{
	const struct filter_value *x = &filt.value[v];

	*mask = UINT32_MAX;
	if (x->kind != V_ARITHMETIC || x->code != OP_AND || !filter_is_constant(x->right))
		return v;
	*mask = filt.value[x->right].k;
	return x->left;
}

/* A test in its plainest form, so that equal ones look alike and A holds the value without mask. */
static unsigned filter_node_test(unsigned v, unsigned jump, uint32_t k, unsigned yes, unsigned no)
{
	uint32_t mask;
	unsigned whole = filter_unmasked(v, &mask);

	if (yes == no || (jump == OP_JGE && !k))
		return yes;
	if ((jump == OP_JSET && !k) || (jump == OP_JGT && k == UINT32_MAX))
		return no;
	if (whole != v && jump == OP_JSET)
		return filter_node_test(whole, OP_JSET, k & mask, yes, no);
	if (whole != v && jump == OP_JEQ && !k)
		return filter_node_test(whole, OP_JSET, mask, no, yes);
	if (whole != v && jump == OP_JEQ && k == mask && !(mask & (mask - 1)))
		return filter_node_test(whole, OP_JSET, mask, yes, no);
	if (jump == OP_JEQ && k & ~mask)
		return no;
	return filter_node(NODE_TEST, jump, v, k, yes, no);
}

/* Values from lo to hi lead to a node. */
struct filter_segment {
	uint32_t lo, hi;
	unsigned to;
};

/* What is looked for: the fields, word by word, and where the search leads. */
struct filter_search {
	const unsigned *word;	/* values */
	unsigned words;
	unsigned yes, no;
};

static struct filter_segment filter_segments[FILTER_ENTRIES_MAX];
static unsigned filter_segments_used;
static uint16_t filter_picked[FILTER_ENTRIES_MAX];	/* entries of a set */

/*
 * Finds the segment that a value is in; they are in order and apart. The value is known to be from
 * lo to hi. A few are tried one by one, more are halved first.
 */
static unsigned filter_halve(unsigned v, const struct filter_segment *s, unsigned n, unsigned few,
    uint32_t lo, uint32_t hi, unsigned no)
{
	unsigned half = (n / 2 + few - 1) / few * few, below;
	uint32_t k;

	if (!n)
		return no;
	if (n > few) {
		k = s[half - 1].hi;
		return filter_node_test(v, OP_JGT, k,
		    filter_halve(v, s + half, n - half, few, k + 1, hi, no),
		    filter_halve(v, s, half, few, lo, k, no));
	}
	if (s->lo == s->hi && lo < hi)
		return filter_node_test(v, OP_JEQ, s->lo, s->to,
		    filter_halve(v, s + 1, n - 1, few, lo, hi, no));
	below = s->lo <= lo ? s->to : filter_node_test(v, OP_JGE, s->lo, s->to, no);
	if (s->hi >= hi)
		return below;
	return filter_node_test(v, OP_JGT, s->hi,
	    filter_halve(v, s + 1, n - 1, few, s->hi + 1, hi, no), below);
}

/* Takes a segment in, behind those of this search; they come in order. */
static void filter_add_segment(unsigned begin, const struct filter_segment *s)
{
	struct filter_segment *last;

	if (filter_segments_used > begin) {
		last = &filter_segments[filter_segments_used - 1];
		if (s->lo <= last->hi && s->hi <= last->hi)	/* within it */
			return;
		if (s->lo <= last->hi || (s->to == last->to && s->lo == last->hi + 1)) {
			last->hi = s->hi;
			return;
		}
	}
	filter_segments[filter_segments_used++] = *s;
}

/* Does the entry want nothing of the words from w on? */
static int filter_is_free(const struct filter_search *f, const struct filter_entry *e, unsigned w)
{
	for (; w < f->words; w++)
		if (e->value[w] || e->upto[w] != UINT32_MAX)
			return 0;
	return 1;
}

/* Searches the entries picked[0 to n - 1], in order and alike before word w, from there on. */
static unsigned filter_search_word(const struct filter_search *f, const uint16_t *picked,
    unsigned n,
    unsigned w)
{
	/* tried one by one: more make a slower program, fewer a longer one */
	enum { SHORT = 16, FEW_OF_SHORT = 5, FEW_OF_LONG = 10 };
	unsigned begin = filter_segments_used, i, run, found;

	if (filter_is_free(f, &filt.entry[*picked], w))
		return f->yes;
	for (i = 0; i < n; i += run) {
		const struct filter_entry *e = &filt.entry[picked[i]];
		struct filter_segment s = { e->value[w], e->upto[w], 0 };

		for (run = 1; i + run < n; run++) {
			const struct filter_entry *next = &filt.entry[picked[i + run]];

			if (next->value[w] != s.lo || next->upto[w] != s.hi)
				break;
		}
		s.to = filter_search_word(f, picked + i, run, w + 1);
		filter_add_segment(begin, &s);
	}
	n = filter_segments_used - begin;
	found = filter_halve(f->word[w], filter_segments + begin, n,
	    n <= SHORT ? FEW_OF_SHORT : FEW_OF_LONG, 0, UINT32_MAX, f->no);
	filter_segments_used = begin;
	return found;
}

/* In which order do two entries stand? Wider ones come before those they contain. */
static int filter_is_before(uint16_t a, uint16_t b)
{
	const struct filter_entry *s = &filt.entry[a], *t = &filt.entry[b];

	for (unsigned w = 0; w < 4; w++) {
		if (s->value[w] != t->value[w])
			return s->value[w] < t->value[w];
		if (s->upto[w] != t->upto[w])
			return s->upto[w] > t->upto[w];
	}
	return 0;
}

/* Shell's sort. */
static void filter_sort(uint16_t *picked, unsigned n)
{
	for (unsigned gap = n / 2; gap; gap = gap == 2 ? 1 : gap * 5 / 11)
		for (unsigned i = gap; i < n; i++) {
			uint16_t moving = picked[i];
			unsigned j = i;

			for (; j >= gap && filter_is_before(moving, picked[j - gap]); j -= gap)
				picked[j] = picked[j - gap];
			picked[j] = moving;
		}
}

/* Picks the entries of a set: those with masks that are no prefixes go to the front. */
static unsigned filter_pick(unsigned set, unsigned n)
{
	while (set) {
		struct filter_set s = filt.set[set];
		unsigned leaf = s.right ? 0 : s.left;

		if (s.right)
			n = filter_pick(s.right, n);
		if (leaf && n < FILTER_ENTRIES_MAX)
			filter_picked[n++] = (uint16_t)leaf;
		set = leaf ? 0 : s.left;
	}
	return n;
}

/* An entry whose mask is no prefix, by itself. */
static unsigned filter_search_masked(const struct filter_search *f, const struct filter_entry *e,
    unsigned no)
{
	unsigned to = f->yes;

	for (unsigned w = f->words; w-- > 0; ) {
		unsigned v = filter_arithmetic(OP_AND, f->word[w], filter_constant(e->upto[w]));

		to = filter_node_test(v, OP_JEQ, e->value[w], to, no);
	}
	return to;
}

/* Is what stands in some words, 1 to 4, in the set? */
static unsigned filter_search_set(const unsigned *word, unsigned words, unsigned set, unsigned yes,
    unsigned no)
{
	struct filter_search f = { word, words, yes, no };
	unsigned n = filter_pick(set, 0), regular = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct filter_entry *e = &filt.entry[filter_picked[i]];

		if (e->irregular)
			f.no = filter_search_masked(&f, e, f.no);
		else
			filter_picked[regular++] = filter_picked[i];
	}
	if (!regular)
		return f.no;
	filter_sort(filter_picked, regular);
	filter_segments_used = 0;
	return filter_search_word(&f, filter_picked, regular, 0);
}

static unsigned filter_graph(unsigned tree, unsigned yes, unsigned no);

/* A MAC address at a place in the link header. */
static unsigned filter_mac_at(uint32_t off, unsigned set, unsigned yes, unsigned no)
{
	const unsigned words[] = { filter_in_header(OP_W, off + 2), filter_in_header(OP_H, off) };

	if (set == GROUP_SET)
		return filter_node_test(filter_in_header(OP_B, off), OP_JSET, 1, yes, no);
	return filter_search_set(words, 2, set, yes, no);
}

/*
 * The address at an end of an 802.11 frame: IEEE 802.11, 9.2.4 and 9.3; as libpcap has them. The
 * first row of the end that holds says where the address stands.
 */
static unsigned filter_wireless_end(unsigned end, unsigned set, unsigned yes, unsigned no)
{
	enum { TO_DS = 1, FROM_DS = 2, CONTROL = 0x04, DATA = 0x08, CTS_OR_ACK = 0xc4 };
	static const struct {
		uint8_t end;
		uint8_t byte, mask, bits;	/* holds if that byte has these bits there */
		uint8_t at;			/* 0: there is no such address */
	} rows[] = {
		{ END_SRC, 0, CONTROL, CONTROL, 0 }, { END_SRC, 0, DATA, 0, 10 },
		{ END_SRC, 1, FROM_DS, 0, 10 }, { END_SRC, 1, TO_DS, 0, 16 },
		{ END_SRC, 0, 0, 0, 24 },
		{ END_DST, 0, CONTROL, CONTROL, 0 }, { END_DST, 0, DATA, 0, 4 },
		{ END_DST, 1, TO_DS, 0, 4 }, { END_DST, 0, 0, 0, 16 },
		{ END_ADDR1, 0, 0, 0, 4 },
		{ END_ADDR2, 0, 0xec, CTS_OR_ACK, 0 }, { END_ADDR2, 0, 0, 0, 10 },
		{ END_ADDR3, 0, FRAME_TYPE, CONTROL, 0 }, { END_ADDR3, 0, 0, 0, 16 },
		{ END_ADDR4, 1, FRAME_DIRECTION, TO_DS | FROM_DS, 24 },
		{ END_RA, 0, DATA, DATA, 4 },
		{ END_TA, 0, DATA, 0, 0 }, { END_TA, 0, 0xec, CTS_OR_ACK, 0 },
		{ END_TA, 0, 0, 0, 10 },
	};
	unsigned to = no;

	for (size_t i = sizeof rows / sizeof *rows; i-- > 0; )
		if (rows[i].end == end)
			to = filter_graph(filter_masked(filter_in_header(OP_B, rows[i].byte),
			    rows[i].mask, rows[i].bits),
			    rows[i].at ? filter_mac_at(rows[i].at, set, yes, no) : no, to);
	return to;
}

/* Is what stands at an end of the match in work in the set? */
static unsigned filter_graph_end(unsigned end, unsigned set, unsigned yes, unsigned no)
{
	const struct filter_layer *l = filter_layer();

	if (filt.view.words)
		return filter_search_set(filt.view.end[end], filt.view.words, set, yes, no);
	if (l->kind == KIND_WIRELESS)
		return filter_wireless_end(end, set, yes, no);
	if (l->kind == KIND_LLC)
		return filter_mac_at(end == END_DST ? l->link->dst : l->link->src, set, yes, no);
	return filter_mac_at(end == END_DST ? 0 : 6, set, yes, no);
}

/* A register gets a value, by a name. */
static unsigned filter_node_register(int is_x, unsigned v, unsigned name, unsigned then)
{
	return filter_node(NODE_REGISTER, is_x != 0, v, name, then, 0);
}

/* Is the byte a protocol with ports? */
static unsigned filter_is_transport(unsigned v, uint32_t which)
{
	if (which)
		return filter_equals(v, which);
	return filter_or(filter_equals(v, 132),
	    filter_or(filter_equals(v, 6), filter_equals(v, 17)));
}

/* Ports. Joined: X is set to the length of the IP header, and one search serves both versions. */
static unsigned filter_graph_ports(const struct filter_tree *t, unsigned yes, unsigned no)
{
	struct filter_base b = filter_network(filter_layer());
	unsigned x = filter_header(b), is4, is6, found4, found6, end;

	is4 = filter_and(filter_and(filter_link_is(TYPE_IP),
	    filter_is_transport(filter_in_network(OP_B, 9), t->k)), filter_not_fragment());
	is6 = filter_and(filter_link_is(TYPE_IP6),
	    filter_is_transport(filter_in_network(OP_B, 6), t->k));
	filt.view.words = 1;
	for (end = END_SRC; end <= END_DST; end++)
		filt.view.end[end][0] = filter_load(OP_H, x, b.off + 2 * end);
	found4 = filter_graph(t->a, yes, no);
	if (filt.joined) {
		found6 = filter_node_register(1, filter_header6(b), x, found4);
		found4 = filter_node_register(1, x, x, found4);
	} else {
		for (end = END_SRC; end <= END_DST; end++)
			filt.view.end[end][0] = filter_in_network(OP_H, 40 + 2 * end);
		found6 = filter_graph(t->a, yes, no);
	}
	filt.could_join = 1;
	return filter_graph(is6, found6, filter_graph(is4, found4, no));
}

/*
 * May one search serve IP and ARP? It looks at one end, or at the source's and then, with X, at the
 * destination's: X must be free.
 */
static int filter_can_join(unsigned tree)
{
	const struct filter_tree *t = &filt.tree[tree];
	const struct filter_tree *a = &filt.tree[t->a], *b = &filt.tree[t->b];

	if (t->kind == TREE_END)
		return 1;
	return !filter_layer()->payload.x && (t->kind == TREE_OR || t->kind == TREE_AND) &&
	    a->kind == TREE_END && b->kind == TREE_END && a->k == END_SRC && b->k == END_DST;
}

/*
 * IPv4 addresses in IP and ARP by one search: A gets the first end that is looked at, X how much
 * further behind it the destination stands in ARP.
 */
static unsigned filter_join_hosts(const struct filter_tree *t, const unsigned *is,
    const uint32_t (*at)[2], unsigned yes, unsigned no)
{
	struct filter_base b = filter_network(filter_layer());
	const struct filter_tree *ends = &filt.tree[t->a];
	unsigned first = ends->kind == TREE_END ? ends->k : END_SRC;
	unsigned a = filter_name(), x = filter_name();
	unsigned found, set;

	filt.view.words = 1;
	filt.view.end[END_DST][0] = filter_load(OP_W, x, b.off + at[0][END_DST]);
	filt.view.end[first][0] = a;
	found = filter_graph(t->a, yes, no);
	for (unsigned i = 2; i-- > 0; ) {
		set = filter_node_register(0, filter_in_network(OP_W, at[i][first]), a, found);
		if (ends->kind != TREE_END)
			set = filter_node_register(1,
			    filter_constant(at[i][END_DST] - at[0][END_DST]), x, set);
		no = filter_graph(is[i], set, no);
	}
	return no;
}

/* IPv4 addresses, in IP, ARP and RARP. Apart, each is a way of its own, as long as they differ. */
static unsigned filter_graph_hosts4(const struct filter_tree *t, unsigned yes, unsigned no)
{
	/* RFC 791, 826, 903 */
	static const uint32_t at[3][2] = { { 12, 16 }, { 14, 24 }, { 14, 24 } };
	static const uint16_t type[3] = { TYPE_IP, TYPE_ARP, TYPE_RARP };
	unsigned is[3], i;

	filt.view.words = 1;
	for (i = 0; i < 3; i++)
		is[i] = t->k >> i & 1 ? filter_link_is(type[i]) : filter_truth(0);
	if (t->k == (BY_IP | BY_ARP | BY_RARP) && filter_can_join(t->a)) {
		filt.could_join = 1;
		is[1] = filter_or(is[1], is[2]);
		if (filt.joined)
			return filter_join_hosts(t, is, at, yes, no);
		is[1] = filter_link_is(TYPE_ARP);
	}
	for (i = 3; i-- > 0; ) {
		filt.view.end[END_SRC][0] = filter_in_network(OP_W, at[i][END_SRC]);
		filt.view.end[END_DST][0] = filter_in_network(OP_W, at[i][END_DST]);
		if (!filter_is_truth(is[i], 0))
			no = filter_graph(is[i], filter_graph(t->a, yes, no), no);
	}
	return no;
}

static unsigned filter_graph_hosts6(const struct filter_tree *t, unsigned yes, unsigned no)
{
	filt.view.words = 4;
	for (unsigned i = 0; i < 4; i++) {
		filt.view.end[END_SRC][i] = filter_in_network(OP_W, 8 + 4 * i);
		filt.view.end[END_DST][i] = filter_in_network(OP_W, 24 + 4 * i);
	}
	return filter_graph(filter_link_is(TYPE_IP6), filter_graph(t->a, yes, no), no);
}

/* A protocol over IP, in a byte of the network header. */
static unsigned filter_graph_protocol_at(uint32_t at, unsigned tree, unsigned yes, unsigned no)
{
	filt.view.words = 1;
	filt.view.end[END_SRC][0] = filter_in_network(OP_B, at);
	return filter_graph(tree, yes, no);
}

/* A protocol over IP: in IPv6 also the one that a fragment header names. */
static unsigned filter_graph_protocols(const struct filter_tree *t, unsigned yes, unsigned no)
{
	unsigned otherwise = no, found;

	if (t->k & FAMILY_IPV6) {
		found = filter_node_test(filter_in_network(OP_B, 6), OP_JEQ, 44,
		    filter_graph_protocol_at(40, t->a, yes, no), no);
		found = filter_graph_protocol_at(6, t->a, yes, found);
		otherwise = filter_graph(filter_link_is(TYPE_IP6), found, no);
	}
	if (!(t->k & FAMILY_IPV4))
		return otherwise;
	found = filter_graph_protocol_at(9, t->a, yes, no);
	return filter_graph(filter_link_is(TYPE_IP), found, otherwise);
}

static unsigned filter_graph_match(const struct filter_tree *t, unsigned yes, unsigned no)
{
	filt.layer = t->b;
	switch (t->jump) {
	case MATCH_PORT:
		return filter_graph_ports(t, yes, no);
	case MATCH_HOST4:
		return filter_graph_hosts4(t, yes, no);
	case MATCH_HOST6:
		return filter_graph_hosts6(t, yes, no);
	case MATCH_PROTOCOL:
		return filter_graph_protocols(t, yes, no);
	}
	filt.view.words = 0;		/* MATCH_MAC */
	return filter_graph(t->a, yes, no);
}

/* The first node of a tree, which leads to `yes` where it holds, else to `no`. */
static unsigned filter_graph(unsigned tree, unsigned yes, unsigned no)
{
	for (;;) {
		struct filter_tree t = filt.tree[tree];
		unsigned swapped = yes;

		switch (t.kind) {
		case TREE_CONSTANT:
			return t.k ? yes : no;
		case TREE_AND:
			yes = filter_graph(t.b, yes, no);
			break;
		case TREE_OR:
			no = filter_graph(t.b, yes, no);
			break;
		case TREE_NOT:
			yes = no;
			no = swapped;
			break;
		case TREE_TEST:
			return filter_node_test(t.a, t.jump, t.k, yes, no);
		case TREE_COMPARE:
			return yes == no ? yes : filter_node(NODE_TEST, t.jump | OP_X, t.a, t.b,
			    yes, no);
		case TREE_STORE:
			return filter_node(NODE_STORE, 0, t.a, t.k, yes, 0);
		case TREE_REGISTER:
			return filter_node_register((int)t.k, t.a, t.b, yes);
		case TREE_END:
			return filter_graph_end(t.k, t.a, yes, no);
		default:
			return filter_graph_match(&t, yes, no);
		}
		tree = t.a;
	}
}

/* ---- optimizer ---- */

/* What the tests on the way say about a value and its bits. */
struct filter_facts {
	uint32_t lo, hi;	/* the value under the mask of the question */
	uint32_t bits, ones;	/* known bits of the value without mask, those of them that are 1 */
};

enum { IS_FALSE, IS_TRUE, IS_OPEN };

/* Takes in what a test says that had this result; same: it is about the value under the mask. */
static void filter_learn(struct filter_facts *f, const struct filter_node *n, int result, int same)
{
	uint32_t mask, k = n->k;

	filter_unmasked(n->value, &mask);
	if (n->jump == OP_JEQ && result) {
		f->bits |= mask;
		f->ones |= k;
	} else if (n->jump == OP_JSET && (!result || !(k & (k - 1)))) {
		f->bits |= k;
		f->ones |= result ? k : 0;
	}
	if (!same || n->jump == OP_JSET)
		return;
	if (n->jump == OP_JEQ) {
		if (result)
			f->lo = f->hi = k;
		return;
	}
	if (n->jump == OP_JGE)		/* v >= k is v > k - 1; there is none with 0 */
		k--;
	if (result && f->lo <= k)
		f->lo = k + 1;
	if (!result && f->hi > k)
		f->hi = k;
}

/* What the facts say about a test on the value under `mask`. */
static int filter_conclude(const struct filter_facts *f, uint32_t mask, unsigned jump, uint32_t k)
{
	if (f->lo == f->hi)
		return bpf_compare(jump, f->lo, k);
	if ((f->bits & mask) == mask)
		return bpf_compare(jump, f->ones & mask, k);
	switch (jump) {
	case OP_JEQ:
		if (k < f->lo || k > f->hi || ((k ^ f->ones) & f->bits & mask))
			return IS_FALSE;
		return IS_OPEN;
	case OP_JGE:
		k--;
		/* fall through */
	case OP_JGT:
		return f->lo > k ? IS_TRUE : f->hi <= k ? IS_FALSE : IS_OPEN;
	}
	if (k & f->bits & f->ones)
		return IS_TRUE;
	return k & ~f->bits ? IS_OPEN : IS_FALSE;
}

/* What the tests on the way, which ends with `way`, say about a test. */
static int filter_decide(const struct filter_node *n, unsigned way)
{
	enum { LOOK_BACK = 64 };	/* tests; more hardly make programs shorter */
	struct filter_facts f = { 0, UINT32_MAX, 0, 0 };
	const struct filter_node *was;
	uint32_t mask;
	unsigned whole = filter_unmasked(n->value, &mask), from, steps = 0;
	unsigned most = filt.steps < LOOK_BACK ? filt.steps : LOOK_BACK;
	int answer = IS_OPEN;

	for (; way && steps < most && answer == IS_OPEN; steps++) {
		from = way;
		way = filt.state[from >> 1].known;
		if (filt.state[from >> 1].whole != whole)
			continue;
		was = &filt.node[from >> 1];
		if (was->value == n->value && was->jump == n->jump && was->k == n->k)
			answer = from & 1 ? IS_FALSE : IS_TRUE;
		else if (!((was->jump | n->jump) & OP_X))
			filter_learn(&f, was, !(from & 1), was->value == n->value);
	}
	filt.steps -= steps;
	if (answer != IS_OPEN || n->jump & OP_X)
		return answer;
	return filter_conclude(&f, mask, n->jump, n->k);
}

/* The last way that two ways have in common, 0 if there is none or no time to find it. */
static uint32_t filter_common(uint32_t a, uint32_t b)
{
	while (a != b) {
		if (!filt.steps)
			return 0;
		filt.steps--;
		unsigned of_a = a ? filt.state[a >> 1].depth + 1 : 0;
		unsigned of_b = b ? filt.state[b >> 1].depth + 1 : 0;

		if (of_a >= of_b)
			a = filt.state[a >> 1].known;
		if (of_b >= of_a)
			b = filt.state[b >> 1].known;
	}
	return a;
}

/* Follows a way past the tests whose answer is known; returns where it really leads. */
static unsigned filter_follow(uint32_t way, unsigned to)
{
	struct filter_node_state *s;
	int answer;

	/* cppcheck-suppress arrayIndexOutOfBoundsCond ; nodes have numbers below FILTER_NODES_MAX */
	while (to >= NODES_FIRST && filt.node[to].kind == NODE_TEST) {
		/* cppcheck-suppress arrayIndexOutOfBoundsCond */
		answer = filter_decide(&filt.node[to], way);
		if (answer == IS_OPEN)
			break;
		to = answer == IS_TRUE ? filt.node[to].yes : filt.node[to].no;
	}
	s = &filt.state[to];
	s->known = s->reached ? filter_common(s->known, way) : way;
	s->reached = 1;
	return to;
}

/* Words of M[] that the node reads. */
static unsigned filter_node_reads(const struct filter_node *n)
{
	unsigned mem = filt.value[n->value].mem;

	if (n->kind == NODE_TEST && (n->jump & OP_X))
		mem |= filt.value[n->k].mem;
	return mem;
}

/* Leads all ways to where they really go. Returns whether any led elsewhere. */
static int filter_thread(unsigned start)
{
	int changed = 0;
	uint32_t mask;

	memset(filt.state, 0, filt.nodes.count * sizeof *filt.state);
	filt.state[start].reached = 1;
	filt.stores = 0;
	for (unsigned i = start; i >= NODES_FIRST; i--) {
		struct filter_node *n = &filt.node[i], was = *n;
		struct filter_node_state *s = &filt.state[i];

		if (!s->reached)
			continue;
		if (s->known)
			s->depth = filt.state[s->known >> 1].depth + 1;
		if (n->kind == NODE_TEST)
			s->whole = filter_unmasked(n->value, &mask);
		n->yes = filter_follow(2 * i, n->yes);
		if (n->kind == NODE_TEST)
			n->no = filter_follow(2 * i + 1, n->no);
		changed |= n->yes != was.yes || n->no != was.no;
		filt.stores |= filter_node_reads(n);
	}
	return changed;
}

/* Makes equal nodes one, leaves out those that nothing leads to or that decide nothing. */
static unsigned filter_share(unsigned start)
{
	unsigned count = filt.nodes.count;

	filter_pool_clear(&filt.nodes);
	filt.nodes.count = NODES_FIRST;
	filt.state[ACCEPT].place = ACCEPT;
	filt.state[REJECT].place = REJECT;
	for (unsigned i = NODES_FIRST; i < count; i++) {
		struct filter_node n = filt.node[i];

		if (!filt.state[i].reached)
			continue;
		n.yes = filt.state[n.yes].place;
		n.no = n.kind == NODE_TEST ? filt.state[n.no].place : 0;
		if (n.kind == NODE_STORE ? !(filt.stores >> n.k & 1) : n.yes == n.no)
			filt.state[i].place = n.yes;
		else
			filt.state[i].place = filter_pool_add(&filt.nodes, &n);
	}
	return filt.state[start].place;
}

static unsigned filter_optimize(unsigned start)
{
	/* a step is some nanoseconds; everyday filters take hundreds, 300 ports some 30,000 */
	enum { ROUNDS = 6, STEPS = 300000 };
	unsigned before;
	int changed;

	/* of so many nodes hardly ever becomes a program */
	filt.steps = filt.nodes.count > NODES_TOO_MANY ? STEPS / 4 : STEPS;
	for (unsigned i = 0; i < ROUNDS && filt.steps; i++) {
		before = filt.nodes.count;
		changed = filter_thread(start);
		start = filter_share(start);
		if (filt.nodes.count > NODES_TOO_MANY || (!changed && filt.nodes.count == before))
			break;
	}
	return start;
}

/* ---- emission ---- */

static void filter_emit(unsigned code, uint32_t k)
{
	if (filt.codelen == sizeof filt.code / sizeof *filt.code)
		filter_fail_whole("arithmetic too long");
	filt.code[filt.codelen++] = (struct bpf_instruction){ .code = (uint16_t)code, .k = k };
}

static void filter_to_a(unsigned v);

/* Can X get the value without A? */
static int filter_goes_to_x(unsigned v)
{
	unsigned kind = filt.value[v].kind;

	return v == filt.x || kind == V_CONSTANT || kind == V_MEMORY || kind == V_LENGTH ||
	    kind == V_HEADER;
}

/* X gets a value; what A holds may be lost, unless filter_goes_to_x(). */
static void filter_to_x(unsigned v)
{
	const struct filter_value *x = &filt.value[v];

	if (filt.x == v)
		return;
	switch (x->kind) {
	case V_CONSTANT: filter_emit(OP_LDX | OP_IMM, x->k); break;
	case V_MEMORY: filter_emit(OP_LDX | OP_MEM, x->k); break;
	case V_LENGTH: filter_emit(OP_LDX | OP_LEN, 0); break;
	case V_HEADER: filter_emit(OP_LDX | OP_MSH | OP_B, x->k); break;
	default:
		filter_to_a(v);
		filter_emit(OP_MISC | OP_TAX, 0);
	}
	filt.x = v;
}

/* Does a load of it leave X alone? */
static int filter_leaves_x(unsigned v)
{
	const struct filter_value *x = &filt.value[v];

	return v == filt.a || x->kind == V_CONSTANT || x->kind == V_LENGTH || x->kind == V_MEMORY ||
	    (x->kind == V_LOAD && !x->left);
}

/* A gets the left value, X the right one. */
static void filter_to_both(unsigned left, unsigned right)
{
	if (filter_goes_to_x(right)) {
		filter_to_a(left);
		if (filter_goes_to_x(right)) {
			filter_to_x(right);
			return;
		}
	}
	if (filter_leaves_x(left) && filt.a != left) {
		filter_to_x(right);
		filter_to_a(left);
		return;
	}
	if (filt.temporary <= filt.registers)
		filter_fail_whole("arithmetic nested too deep");
	filter_to_a(right);
	filter_emit(OP_ST, --filt.temporary);
	filt.x = 0;
	filter_to_a(left);
	filter_emit(OP_LDX | OP_MEM, filt.temporary++);
	filt.x = right;
}

static void filter_calculate(const struct filter_value *v)
{
	unsigned commutes = v->code == OP_ADD || v->code == OP_MUL || v->code == OP_AND ||
	    v->code == OP_OR || v->code == OP_XOR;

	if (filter_is_constant(v->right)) {
		filter_to_a(v->left);
		filter_emit(OP_ALU | v->code, filt.value[v->right].k);
	} else if (commutes && filter_is_constant(v->left)) {
		filter_to_a(v->right);
		filter_emit(OP_ALU | v->code, filt.value[v->left].k);
	} else {
		if (commutes && filter_goes_to_x(v->left) && !filter_goes_to_x(v->right))
			filter_to_both(v->right, v->left);
		else
			filter_to_both(v->left, v->right);
		filter_emit(OP_ALU | OP_X | v->code, 0);
	}
}

/* A gets a value. */
static void filter_to_a(unsigned v)
{
	const struct filter_value *x = &filt.value[v];

	if (filt.a == v)
		return;
	switch (x->kind) {
	case V_CONSTANT:
		filter_emit(OP_LD | OP_IMM, x->k);
		break;
	case V_LENGTH:
		filter_emit(OP_LD | OP_LEN, 0);
		break;
	case V_MEMORY:
		filter_emit(OP_LD | OP_MEM, x->k);
		break;
	case V_LOAD:
		if (x->left)
			filter_to_x(x->left);
		filter_emit(OP_LD | x->code | (x->left ? OP_IND : OP_ABS), x->k);
		break;
	case V_ARITHMETIC:
		filter_calculate(x);
		break;
	default:		/* V_HEADER, V_NAMED */
		if (x->kind == V_HEADER)
			filter_to_x(v);
		if (filt.x != v)
			filter_fail_whole("cannot be compiled");
		filter_emit(OP_MISC | OP_TXA, 0);
	}
	filt.a = v;
}

/* The instructions of a node before its jump, into filt.code; A and X are as when it begins. */
static void filter_node_code(const struct filter_node *n, const struct filter_node_state *s)
{
	filt.a = s->a;
	filt.x = s->x;
	filt.codelen = 0;
	filt.temporary = BPF_WORDS;
	if (n->kind == NODE_TEST && (n->jump & OP_X)) {
		filter_to_both(n->value, n->k);
	} else if (n->kind == NODE_REGISTER && n->jump) {
		if (filt.x != n->k)
			filter_to_x(n->value);
		filt.x = n->k;
	} else if (n->kind == NODE_REGISTER) {
		if (filt.a != n->k)
			filter_to_a(n->value);
		filt.a = n->k;
	} else {
		filter_to_a(n->value);
		if (n->kind == NODE_STORE)
			filter_emit(OP_ST, n->k);
	}
}

/* The state of A and X goes on to a node: what differs between ways there is not known. */
static void filter_hand_on(unsigned to)
{
	struct filter_node_state *s = &filt.state[to];

	s->a = !s->reached || s->a == filt.a ? filt.a : 0;
	s->x = !s->reached || s->x == filt.x ? filt.x : 0;
	s->reached = 1;
}

/* What A and X hold when each node begins. */
static void filter_flow(unsigned start)
{
	memset(filt.state, 0, filt.nodes.count * sizeof *filt.state);
	/* the kernel begins with 0 in both */
	filt.a = filt.x = filt.stores ? 0 : filter_constant(0);
	filter_hand_on(start);
	for (unsigned i = start; i >= NODES_FIRST; i--) {
		const struct filter_node *n = &filt.node[i];

		if (!filt.state[i].reached)
			continue;
		filter_node_code(n, &filt.state[i]);
		filter_hand_on(n->yes);
		if (n->kind == NODE_TEST)
			filter_hand_on(n->no);
	}
}

/* A program as it grows, from its end to its beginning. */
struct filter_program {
	struct bpf_instruction *code;	/* BPF_PROGRAM_MAX of them */
	unsigned first;			/* of those that are written */
	unsigned hop[NODES_FIRST];	/* the nearest other way to ACCEPT, REJECT */
	int goes_on;			/* accepted packets go on to instructions behind */
};

static void filter_put_before(struct filter_program *p, struct bpf_instruction s)
{
	enum { ROOM = 100 };		/* for the prologue and what is put before one check */

	if (p->first < ROOM)
		filter_fail_whole("too long: more than 4096 instructions, which no kernel takes");
	p->code[--p->first] = s;
}

/* Puts a way to a node that is too far for a jump with a test. */
static void filter_put_way(struct filter_program *p, unsigned to)
{
	unsigned place = filt.state[to].place;

	if (to < NODES_FIRST && !(to == ACCEPT && p->goes_on))
		filter_put_before(p, p->code[place]);
	else
		filter_put_before(p, (struct bpf_instruction){
			.code = OP_JMP | OP_JA, .k = place - p->first,
		});
}

/* A place within reach of a test that is put next, from where it goes on to a node. */
static unsigned filter_reach(struct filter_program *p, unsigned to)
{
	enum { REACH = 253 };		/* instructions; another way may be put between */
	unsigned place = filt.state[to].place;

	if (place - p->first < REACH)
		return place;
	if (to < NODES_FIRST && p->hop[to] && p->hop[to] - p->first < REACH)
		return p->hop[to];
	filter_put_way(p, to);
	if (to < NODES_FIRST)
		p->hop[to] = p->first;
	return p->first;
}

static void filter_put_node(struct filter_program *p, unsigned i)
{
	const struct filter_node *n = &filt.node[i];
	struct filter_node_state *s = &filt.state[i];
	unsigned yes, no;

	filter_node_code(n, s);
	if (n->kind == NODE_TEST) {
		yes = filter_reach(p, n->yes);
		no = filter_reach(p, n->no);
		filter_put_before(p, (struct bpf_instruction){
			.code = (uint16_t)(OP_JMP | n->jump), .k = n->jump & OP_X ? 0 : n->k,
			.jt = (uint8_t)(yes - p->first), .jf = (uint8_t)(no - p->first),
		});
	} else if (!filt.codelen) {
		s->place = filt.state[n->yes].place;
		return;
	} else if (filt.state[n->yes].place != p->first) {
		filter_put_way(p, n->yes);
	}
	while (filt.codelen)
		filter_put_before(p, filt.code[--filt.codelen]);
	s->place = p->first;
}

enum { TO_END = 255 };		/* as a jump in these tables: to the end of all of them */

/* M[0]: the length of what stands before the 802.11 header; M[1]: where that header ends. */
static const struct bpf_instruction
filter_radiotap[] = {
	{ OP_LD | OP_ABS | OP_B, 0, 0, 3 },	/* little-endian */
	{ OP_ALU | OP_LSH, 0, 0, 8 },
	{ OP_MISC | OP_TAX, 0, 0, 0 },
	{ OP_LD | OP_ABS | OP_B, 0, 0, 2 },
	{ OP_ALU | OP_OR | OP_X, 0, 0, 0 },
	{ OP_ST, 0, 0, 0 },
	{ OP_MISC | OP_TAX, 0, 0, 0 },
},
filter_avs[] = {
	{ OP_LD | OP_ABS | OP_W, 0, 0, 4 },
	{ OP_ST, 0, 0, 0 },
	{ OP_MISC | OP_TAX, 0, 0, 0 },
},
filter_prism[] = {	/* drivers give an AVS header by that name, too */
	{ OP_LD | OP_ABS | OP_W, 0, 0, 0 },
	{ OP_ALU | OP_AND, 0, 0, 0xfffff000 },
	{ OP_JMP | OP_JEQ, 0, 2, 0x80211000 },
	{ OP_LD | OP_ABS | OP_W, 0, 0, 4 },
	{ OP_JMP | OP_JA, 0, 0, 1 },
	{ OP_LD | OP_IMM, 0, 0, 144 },
	{ OP_ST, 0, 0, 0 },
	{ OP_MISC | OP_TAX, 0, 0, 0 },
},
filter_wireless[] = {	/* A and X hold M[0], or 0 where there is none */
	{ OP_ALU | OP_ADD, 0, 0, 24 },
	{ OP_ST, 0, 0, 1 },
	{ OP_LD | OP_IND | OP_B, 0, 0, 0 },
	{ OP_JMP | OP_JSET, 0, TO_END, 8 },	/* a data frame? */
	{ OP_JMP | OP_JSET, TO_END, 0, 4 },
	{ OP_JMP | OP_JSET, 0, 3, 0x80 },	/* two bytes of QoS */
	{ OP_LD | OP_MEM, 0, 0, 1 },
	{ OP_ALU | OP_ADD, 0, 0, 2 },
	{ OP_ST, 0, 0, 1 },
},
filter_padding[] = {
	{ OP_LD | OP_ABS | OP_B, 0, 0, 7 },
	{ OP_JMP | OP_JSET, TO_END, 0, 0x80 },	/* radiotap extended: no more is known */
	{ OP_LD | OP_ABS | OP_B, 0, 0, 4 },
	/* its flags, after the TSFT if that is there, tell ... */
	{ OP_JMP | OP_JSET, 0, TO_END, 2 },
	{ OP_JMP | OP_JSET, 0, 2, 1 },
	{ OP_LD | OP_ABS | OP_B, 0, 0, 16 },
	{ OP_JMP | OP_JSET, 2, TO_END, 0x20 },
	{ OP_LD | OP_ABS | OP_B, 0, 0, 8 },
	{ OP_JMP | OP_JSET, 0, TO_END, 0x20 },
	/* ... of padding to a multiple of 4 */
	{ OP_LD | OP_MEM, 0, 0, 1 },
	{ OP_ALU | OP_ADD, 0, 0, 3 },
	{ OP_ALU | OP_AND, 0, 0, ~3u },
	{ OP_ST, 0, 0, 1 },
};

static void filter_emit_all(const struct bpf_instruction *s, size_t size)
{
	for (size_t i = 0; i < size / sizeof *s; i++) {
		filter_emit(s[i].code, s[i].k);
		filt.code[filt.codelen - 1].jt = s[i].jt;
		filt.code[filt.codelen - 1].jf = s[i].jf;
	}
}

/* Where an 802.11 header begins and ends, as far as that is read. */
static void filter_emit_wireless(void)
{
	int linktype = filt.job->linktype;

	if (linktype == LINK_RADIOTAP)
		filter_emit_all(filter_radiotap, sizeof filter_radiotap);
	if (linktype == LINK_AVS)
		filter_emit_all(filter_avs, sizeof filter_avs);
	if (linktype == LINK_PRISM)
		filter_emit_all(filter_prism, sizeof filter_prism);
	if (filt.stores & 2)
		filter_emit_all(filter_wireless, sizeof filter_wireless);
	if ((filt.stores & 2) && linktype == LINK_RADIOTAP)
		filter_emit_all(filter_padding, sizeof filter_padding);
	for (unsigned i = 0; i < filt.codelen; i++) {
		struct bpf_instruction *s = &filt.code[i];

		if (s->jt == TO_END)
			s->jt = (uint8_t)(filt.codelen - 1 - i);
		if (s->jf == TO_END)
			s->jf = (uint8_t)(filt.codelen - 1 - i);
	}
}

/* What fills the words of M[] that are read before everything else. */
static void filter_put_prologue(struct filter_program *p)
{
	unsigned i = 0;

	filt.codelen = 0;
	if (filt.wireless) {
		i = 2;
		if (filt.stores & 3)
			filter_emit_wireless();
	}
	if (filt.stores >> i)
		filter_emit(OP_LD | OP_IMM, 0);
	for (; i < BPF_WORDS; i++)
		if (filt.stores >> i & 1)
			filter_emit(OP_ST, i);
	while (filt.codelen)
		filter_put_before(p, filt.code[--filt.codelen]);
}

/* Lays the graph out, from what is last to what is first. */
static void filter_put_graph(struct filter_program *p, unsigned start)
{
	if (p->goes_on)
		filt.state[ACCEPT].place = p->first;
	if (filt.state[ACCEPT].reached && !p->goes_on) {
		filter_put_before(p, (struct bpf_instruction){
			.code = OP_RET, .k = filt.job->snaplen,
		});
		filt.state[ACCEPT].place = p->first;
	}
	if (filt.state[REJECT].reached) {
		filter_put_before(p, (struct bpf_instruction){ .code = OP_RET });
		filt.state[REJECT].place = p->first;
	}
	for (unsigned i = NODES_FIRST; i <= start; i++)
		if (filt.state[i].reached)
			filter_put_node(p, i);
	if (filt.state[start].place != p->first)
		filter_put_way(p, start);
	filter_put_prologue(p);
}

/* ---- bytecode ---- */

/* Is this text numbers only, and more than one? */
static int filter_is_bytecode(const char *text)
{
	unsigned n = filter_span_of(text, "0123456789");

	return n && text[n] && !text[filter_span_of(text, "0123456789, \t\r\n")];
}

/* The next number; its place is the current token's. */
static uint32_t filter_bytecode_number(uint32_t limit)
{
	struct filter_span *s = &filt.token.span;
	uint32_t n;

	s->at = filt.p + filter_span_of(filt.p, ", \t\r\n");
	s->len = filter_span_of(s->at, "0123456789");
	filt.p = s->at + s->len;
	if (!s->len || !filter_number(*s, &n) || n > limit)
		filter_fail(*s, "not a number in range");
	return n;
}

/* Fails for an instruction, counted from 1: its last number is shown. */
static _Noreturn void filter_fail_instruction(unsigned number)
{
	filt.p = filt.text;
	filter_bytecode_number(UINT32_MAX);
	for (unsigned i = 0; i < 4 * number; i++)
		filter_bytecode_number(UINT32_MAX);
	filter_fail_here("the kernel does not take this");
}

/*
 * A program was made for packets as they stand in a file: on a live cooked socket they begin behind
 * the cooked header. It keeps no more than the snapshot length.
 */
static void filter_adapt(struct bpf_instruction *prog, unsigned n)
{
	filt.blame = filt.token.span;
	for (unsigned i = 0; i < n; i++) {
		struct bpf_instruction *s = &prog[i];
		unsigned load = s->code & (OP_CLASS | OP_MODE);
		unsigned moves = load == (OP_LD | OP_IND) || load == (OP_LDX | OP_MSH);

		if (bpf_is_absolute(s->code) || moves)
			s->k = filter_uncook(s->k, s->code & OP_SIZE, moves);
		if (s->code == OP_RET && s->k > filt.job->snaplen)
			s->k = filt.job->snaplen;
	}
}

/* Reads and checks a compiled program, to the end of the room; returns its length. */
static unsigned filter_bytecode(struct bpf_instruction *prog)
{
	unsigned i, n, refused;

	filt.p = filt.text = filt.job->text;
	n = filter_bytecode_number(BPF_PROGRAM_MAX);
	prog += BPF_PROGRAM_MAX - n;
	for (i = 0; i < n; i++) {
		prog[i].code = (uint16_t)filter_bytecode_number(255);
		prog[i].jt = (uint8_t)filter_bytecode_number(255);
		prog[i].jf = (uint8_t)filter_bytecode_number(255);
		prog[i].k = filter_bytecode_number(UINT32_MAX);
	}
	filt.token.span.at = filt.p + filter_span_of(filt.p, ", \t\r\n");
	filt.token.span.len = filter_span_of(filt.token.span.at, "0123456789");
	if (filt.token.span.len || !n)
		filter_fail_here("not expected here");
	refused = bpf_check(prog, n);
	if (refused)
		filter_fail_instruction(refused);
	filter_adapt(prog, n);
	return n;
}

/* ---- all of it ---- */

static void filter_begin(struct filter *f)
{
	filt.job = f;
	filt.text = f->text;
	filt.layer = 0;
	filt.names = filt.registers = filt.radio = filt.wireless = filt.cooked = 0;
	filt.could_join = 0;
	f->column = 0;
	f->never = 0;
	*f->err = 0;
	filter_pools_init();
	filter_first_layer();
	if (f->live && filter_is_cooked(f->linktype))
		filt.cooked = filter_layer()->link->payload;
	if (filter_layer()->kind == KIND_WIRELESS) {
		filt.radio = filter_memory(filter_register());
		filt.wireless = filter_memory(filter_register());
	}
}

/* Reads rule and text; returns what must hold, or 0 after writing what is wrong. */
static unsigned filter_parse(struct filter *f)
{
	unsigned rule, text;

	if (setjmp(filt.failed))
		return 0;
	filter_begin(f);
	rule = f->rule ? filter_whole(f->rule) : filter_truth(1);
	text = filter_is_bytecode(f->text) ? filter_truth(1) : filter_whole(f->text);
	return filter_and(rule, text);
}

/* Makes the program; returns its length, or 0 after writing what is wrong. */
static unsigned filter_try(struct bpf_instruction *prog, unsigned tree, int joined)
{
	struct filter_program p = { .code = prog, .first = BPF_PROGRAM_MAX };
	unsigned start;

	if (setjmp(filt.failed))
		return 0;
	filt.joined = joined;
	if (filter_is_bytecode(filt.job->text)) {
		p.first -= filter_bytecode(prog);
		p.goes_on = 1;
	}
	filter_pool_clear(&filt.nodes);
	filt.nodes.count = NODES_FIRST;
	start = filter_optimize(filter_graph(tree, ACCEPT, REJECT));
	if (start == REJECT)
		filt.job->never = 1;
	if (start == ACCEPT && p.goes_on) {
		memmove(prog, prog + p.first, (BPF_PROGRAM_MAX - p.first) * sizeof *prog);
		return BPF_PROGRAM_MAX - p.first;
	}
	filter_flow(start);
	filter_put_graph(&p, start);
	memmove(prog, prog + p.first, (BPF_PROGRAM_MAX - p.first) * sizeof *prog);
	return BPF_PROGRAM_MAX - p.first;
}

/*
 * Compiles f->rule and f->text into prog, which has room for BPF_PROGRAM_MAX. Returns the number of
 * instructions, 1 or more; 0 after writing what is wrong to f->err and, if it is in f->text,
 * f->column.
 */
static unsigned filter_compile(struct filter *f, struct bpf_instruction *prog)
{
	/* instructions: loads behind X, which joined searches have, are slower */
	enum { WORTH = 4 };
	static struct bpf_instruction other[BPF_PROGRAM_MAX];
	unsigned tree = filter_parse(f), apart, joined;

	if (!tree)
		return 0;
	apart = filter_try(prog, tree, 0);
	/* joined, a program has half the nodes at best */
	joined = filt.could_join && filt.nodes.count <= 2 * NODES_TOO_MANY ?
	    filter_try(other, tree, 1) : 0;
	if (!joined || (apart && joined + WORTH > apart))
		return apart;
	memcpy(prog, other, joined * sizeof *prog);
	return joined;
}

#endif
