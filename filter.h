/* SPDX-License-Identifier: MIT */
/*
 * filter.h - pcap-filter(7) text in, classic BPF out
 *
 * A small compiler by the book, in one pass: words -> grammar -> tests on fields -> instructions.
 * It knows nothing of sockets: a pure function of its text, on static storage.
 *
 *	words		next() cuts the text as libpcap's scanner does
 *	instructions	each op has two ways out; a test leaves its yes and no ways open until it is
 *			known what comes next, so `and`, `or` and `not` only join lists of open ways
 *	link layer	where the headers are, and what `ip`, `arp`, `vlan` ... mean on this link type
 *	primitives	host, net, port, proto ...: tests on fields
 *	arithmetic	tcp[13] & 2 != 0
 *	grammar		one operator-precedence parser for all of it
 *	assembly	ops to instructions, from the last to the first, so each jump's length is known
 *	bytecode	what `tcpdump -ddd` prints, checked as the kernel checks it
 *	printing	-d, -dd, -ddd, one line at a time
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* linux/filter.h, linux/bpf_common.h */
struct sock_filter {
	uint16_t code;
	uint8_t jt, jf;		/* instructions to skip when the test is true, false */
	uint32_t k;
};

enum {
	BPF_LD = 0x00, BPF_LDX = 0x01, BPF_ST = 0x02, BPF_ALU = 0x04,
	BPF_JMP = 0x05, BPF_RET = 0x06, BPF_MISC = 0x07,
	BPF_W = 0x00, BPF_H = 0x08, BPF_B = 0x10,
	BPF_IMM = 0x00, BPF_ABS = 0x20, BPF_IND = 0x40, BPF_MEM = 0x60, BPF_LEN = 0x80, BPF_MSH = 0xa0,
	BPF_ADD = 0x00, BPF_SUB = 0x10, BPF_MUL = 0x20, BPF_DIV = 0x30, BPF_OR = 0x40, BPF_AND = 0x50,
	BPF_LSH = 0x60, BPF_RSH = 0x70, BPF_NEG = 0x80, BPF_MOD = 0x90, BPF_XOR = 0xa0,
	BPF_JA = 0x00, BPF_JEQ = 0x10, BPF_JGT = 0x20, BPF_JGE = 0x30, BPF_JSET = 0x40,
	BPF_K = 0x00, BPF_X = 0x08, BPF_TAX = 0x00,
	BPF_MAXINSNS = 4096, BPF_MEMWORDS = 16,
};
#define SKF_AD_OFF 0xfffff000u		/* -0x1000: loads from here on read metadata, not bytes */
enum {
	SKF_AD_PROTOCOL = 0, SKF_AD_PKTTYPE = 4, SKF_AD_IFINDEX = 8,
	SKF_AD_VLAN_TAG = 44, SKF_AD_VLAN_TAG_PRESENT = 48, SKF_AD_MAX = 64,
};

/* What to compile, and for what. */
struct filter {
	const char *rule;	/* must hold besides `text`, with offsets of its own; NULL: nothing */
	const char *text;	/* an expression, "" for everything, or the output of tcpdump -ddd */
	int linktype;		/* LINKTYPE_ number of the link */
	int live;		/* 1: for a socket's filter, 0: for packets as they stand in a file */
	uint32_t snaplen;	/* what an accepted packet returns */
	uint32_t netmask;	/* of the interface, for `ip broadcast`; 0: unknown */
	char *err;		/* gets one line without newline when it fails */
	size_t errsize;		/* of err, at least 1 */
};

/* ---- words ---- */

enum token {		/* besides these: operator characters as themselves, words from WORD on */
	END, NUMBER, IPV4, IPV6, MAC, NAME,
	NOT_EQUAL = 'n', AT_LEAST = 'g', AT_MOST = 'l', LEFT = 'L', RIGHT = 'R', WORD = 128,
};

static const char keywords[] =
	"and or not ip ip6 arp rarp atalk aarp decnet lat sca moprc mopdl iso stp ipx netbeui "
	"tcp udp sctp ah esp pim icmp igmp igrp vrrp carp icmp6 "
	"radio ether link ppp slip fddi tr wlan "
	"src dst addr1 addr2 addr3 addr4 ra ta address1 address2 address3 address4 "
	"host net port portrange proto protochain gateway mask "
	"broadcast multicast less greater inbound outbound ifindex "
	"vlan mpls pppoed pppoes geneve len length type subtype dir direction llc "
	"icmptype icmpcode icmp6type icmp6code tcpflags ";
enum word {		/* in the order of keywords */
	AND = WORD, OR, NOT, IP, IP6, ARP, RARP, ATALK, AARP, DECNET, LAT, SCA, MOPRC, MOPDL, ISO, STP, IPX, NETBEUI,
	TCP, UDP, SCTP, AH, ESP, PIM, ICMP, IGMP, IGRP, VRRP, CARP, ICMP6,
	RADIO, ETHER, LINK, PPP, SLIP, FDDI, TR, WLAN,
	SRC, DST, ADDR1, ADDR2, ADDR3, ADDR4, RA, TA, ADDRESS1, ADDRESS2, ADDRESS3, ADDRESS4,
	HOST, NET, PORT, PORTRANGE, PROTO, PROTOCHAIN, GATEWAY, MASK,
	BROADCAST, MULTICAST, LESS, GREATER, INBOUND, OUTBOUND, IFINDEX,
	VLAN, MPLS, PPPOED, PPPOES, GENEVE, LEN, LENGTH, TYPE, SUBTYPE, DIR, DIRECTION, LLC,
	ICMPTYPE, ICMPCODE, ICMP6TYPE, ICMP6CODE, TCPFLAGS,
};

/* From IP on: an Ethernet type, or an LLC SAP up to NETBEUI. */
enum { V4 = 0x100, V6 = 0x200 };	/* From TCP on: a protocol number and the IP versions it is for. */
static const uint16_t numbers[] = {
	0x0800, 0x86dd, 0x0806, 0x8035, 0x809b, 0x80f3, 0x6003, 0x6004, 0x6007, 0x6002, 0x6001,
	0xfe, 0x42, 0xe0, 0xf0,
	V4 | V6 | 6, V4 | V6 | 17, V4 | V6 | 132, V4 | V6 | 51, V4 | V6 | 50, V4 | V6 | 103,
	V4 | 1, V4 | 2, V4 | 9, V4 | 112, V4 | 112, V6 | 58,
};
enum { ETHERTYPE_IP = 0x0800, ETHERTYPE_IPV6 = 0x86dd, ETHERTYPE_IPX = 0x8137, ETHERTYPE_LOOPBACK = 0x9000 };

/* /etc/protocols and /etc/services in small. A service goes by one transport only, or by both. */
static const char protocols[] = "ipencap gre ipv6 ipv6-frag ipv6-icmp eigrp ospf ipip l2tp udplite ";
static const uint8_t protocol_numbers[] = { 4, 47, 41, 44, 58, 88, 89, 94, 115, 136 };
static const char services[] =
	"http imap2 imaps pop3 pop3s smtp ssh telnet ftp ftp-data bgp submission ldap ldaps mysql postgresql "
	"bootps bootpc tftp ntp snmp snmp-trap syslog isakmp openvpn "
	"domain https kerberos sunrpc nfs sip sip-tls microsoft-ds ";
enum { TCP_SERVICES = 16, UDP_SERVICES = 25 };	/* up to here tcp, then udp, then both */
static const uint16_t service_ports[] = {
	80, 143, 993, 110, 995, 25, 22, 23, 21, 20, 179, 587, 389, 636, 3306, 5432,
	67, 68, 69, 123, 161, 162, 514, 500, 1194,
	53, 443, 88, 111, 2049, 5060, 5061, 445,
};

/* Values by position: icmp-echo is 8. */
static const char icmp_types[] = "echoreply - - unreach sourcequench redirect - - echo routeradvert routersolicit "
	"timxceed paramprob tstamp tstampreply ireq ireqreply maskreq maskreply ";
static const char icmp6_errors[] = "- destinationunreach packettoobig timeexceeded parameterproblem ";
static const char icmp6_types[] =	/* from 128 on */
	"echo echoreply multicastlistenerquery multicastlistenerreportv1 multicastlistenerdone routersolicit "
	"routeradvert neighborsolicit neighboradvert redirect routerrenum nodeinformationquery "
	"nodeinformationresponse ineighbordiscoverysolicit ineighbordiscoveryadvert multicastlistenerreportv2 "
	"homeagentdiscoveryrequest homeagentdiscoveryreply mobileprefixsolicit mobileprefixadvert "
	"certpathsolicit certpathadvert - multicastrouteradvert multicastroutersolicit multicastrouterterm ";
static const char tcp_flags[] = "fin syn rst push ack urg ece cwr ";

static struct {
	const char *start;	/* of the text, for the column */
	const char *p;		/* where the next word is looked for */
	const char *at;		/* where the current word begins */
	uint32_t value[4];	/* of NUMBER, IPV4 (left-justified), IPV6, MAC (4 bytes, 2 bytes) */
	unsigned len;		/* of the current word */
	uint8_t token;
	uint8_t bits;		/* of IPV4: 8, 16, 24 or 32 */
	const struct filter *f;	/* NULL once something has failed */
} in;

/* Put a character where there is room for it and the NUL. */
static void put(char **s, char *end, char c)
{
	if (*s < end - 1)
		*(*s)++ = c;
	**s = 0;
}

static void put_text(char **s, char *end, const char *text)
{
	while (*text)
		put(s, end, *text++);
}

/* A number in base 10 or 16, at least `width` digits. */
static void put_number(char **s, char *end, uint32_t n, unsigned base, unsigned width)
{
	char digits[12], *d = digits + sizeof digits - 1;

	*d = 0;
	while (n || width) {
		*--d = "0123456789abcdef"[n % base];
		n /= base;
		if (width)
			width--;
	}
	put_text(s, end, d);
}

/* Say what is wrong with the current word, the first time; from then on there are no more words. */
static void fail(const char *reason)
{
	char *s, *end;
	unsigned i;

	if (!in.f)
		return;
	s = in.f->err;
	end = s + in.f->errsize;
	for (i = 0; i < in.len && i < 40; i++) {
		unsigned char c = (unsigned char)in.at[i];

		if (c > ' ' && c < 127) {
			put(&s, end, (char)c);
			continue;
		}
		put_text(&s, end, "\\x");
		put_number(&s, end, c, 16, 2);
	}
	put_text(&s, end, i < in.len ? "...: " : in.len ? ": " : "end: ");
	put_text(&s, end, reason);
	put_text(&s, end, " (column ");
	put_number(&s, end, (uint32_t)(in.at - in.start) + 1, 10, 1);
	put(&s, end, ')');
	in.f = NULL;
	in.token = END;
}

/* The place of a word in a list of words, -1 if it is not there. */
static int find(const char *list, const char *word, unsigned len)
{
	int i = 0;

	for (; *list; i++, list++) {
		if (!strncmp(list, word, len) && list[len] == ' ')
			return i;
		while (*list != ' ')
			list++;
	}
	return -1;
}

/* The value of a digit in any base up to 16, 99 if it is none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 99;
}

static int is_alnum(char c)
{
	return digit(c) < 10 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* a, a.b, a.b.c, a.b.c.d: the bits read, 0 if it is none; *end is what follows. */
static unsigned read_ipv4(const char *s, uint32_t *value, const char **end)
{
	unsigned bits = 0, n;

	for (*value = 0; bits < 32; s++) {
		if (digit(*s) > 9)
			return 0;
		for (n = 0; digit(*s) < 10; s++)
			if ((n = n * 10 + digit(*s)) > 255)
				return 0;
		bits += 8;
		*value |= n << (32 - bits);
		if (*s != '.')
			break;
	}
	*end = s;
	return bits;
}

/* An IPv6 address in full or with ::, perhaps ending in dotted IPv4: its length, 0 if it is none. */
static unsigned read_ipv6(const char *s, uint32_t value[4])
{
	const char *p = s, *q;
	unsigned n = 0, gap = 9, i;
	uint16_t group[9];
	uint32_t v4;

	while (n < 8) {
		if (gap > 8 && p[0] == ':' && p[1] == ':') {
			gap = n;
			p += 2;
		} else if (n && p[0] == ':' && digit(p[1]) < 16) {
			p++;
		} else if (p != s) {
			break;
		}
		if (digit(*p) > 15)
			break;
		for (group[n] = 0, q = p; q < p + 4 && digit(*q) < 16; q++)
			group[n] = (uint16_t)((unsigned)group[n] << 4 | digit(*q));
		if (*q == '.' && read_ipv4(p, &v4, &q) == 32) {
			group[n++] = (uint16_t)(v4 >> 16);
			group[n] = (uint16_t)v4;
		}
		n++;
		p = q;
	}
	if (gap > 8 ? n != 8 : n > 7)
		return 0;
	for (i = 0; i < 8; i++) {	/* after the gap the groups stand at the end */
		unsigned from = i < gap ? i : i + n - 8;
		unsigned v = i < gap || i + n >= gap + 8 ? group[from] : 0;

		value[i / 2] = value[i / 2] << 16 | v;
	}
	return (unsigned)(p - s);
}

/*
 * A MAC address: six groups of one or two digits between colons, dashes or dots, or aabb.ccdd.eeff,
 * or aabbccddeeff. Its length, 0 if it is none.
 */
static unsigned read_mac(const char *s, uint32_t value[2])
{
	const char *p = s;
	unsigned i, shape = 0, n;
	uint8_t m[6];

	for (i = 0; i < 6; i++) {
		if (i && (*p == ':' || *p == '-' || *p == '.'))
			shape = shape << 2 | (*p == ':' ? 1u : *p == '-' ? 2u : 3u), p++;
		else
			shape <<= 2;
		if (digit(*p) > 15)
			return 0;
		for (n = 0, m[i] = 0; n < 2 && digit(*p) < 16; n++)
			m[i] = (uint8_t)((unsigned)m[i] << 4 | digit(*p++));
	}
	if (shape != 0x155 && shape != 0x2aa && shape != 0x3ff && (n < 2 || (shape && shape != 0xcc)))
		return 0;
	value[0] = (uint32_t)m[2] << 24 | (uint32_t)m[3] << 16 | (uint32_t)m[4] << 8 | m[5];
	value[1] = (uint32_t)m[0] << 8 | m[1];
	return (unsigned)(p - s);
}

/* The value of icmp-echo, tcp-syn ...; -1 if the word is none of them. */
static int read_constant(const char *s, unsigned len)
{
	int i;

	if (len > 4 && !strncmp(s, "tcp-", 4)) {
		i = find(tcp_flags, s + 4, len - 4);
		return i < 0 ? -1 : 1 << i;
	}
	if (len > 5 && !strncmp(s, "icmp-", 5))
		return find(icmp_types, s + 5, len - 5);
	if (len < 7 || strncmp(s, "icmp6-", 6))
		return -1;
	i = find(icmp6_errors, s + 6, len - 6);
	if (i >= 0)
		return i;
	i = find(icmp6_types, s + 6, len - 6);
	return i < 0 ? -1 : i + 128;
}

/* A number as C writes it; false if the word of that length is none. */
static int read_number(const char *s, unsigned len, uint32_t *value)
{
	unsigned base = 10, i = 0;

	if (len > 2 && s[0] == '0' && (s[1] | 0x20) == 'x')
		base = 16, i = 2;
	for (*value = 0; i < len; i++) {
		unsigned d = digit(s[i]);

		if (d >= base)
			return 0;
		if (!i && !d && len > 1)
			base = 8;
		if (*value > (UINT32_MAX - d) / base)
			return 0;
		*value = *value * base + d;
	}
	return 1;
}

/* A word that begins with a letter or digit and has `len` characters. */
static unsigned read_word(const char *s, unsigned len)
{
	const char *end;
	int i = find(keywords, s, len);

	if (i >= 0) {
		i += WORD;
		if (i >= ETHER && i <= WLAN)
			i = ETHER;
		if (i >= ADDRESS1 && i <= ADDRESS4)
			i -= ADDRESS1 - ADDR1;
		return (unsigned)i;
	}
	i = read_constant(s, len);
	in.value[0] = (uint32_t)i;
	if (i >= 0 || read_number(s, len, in.value))
		return NUMBER;
	in.bits = (uint8_t)read_ipv4(s, in.value, &end);
	if (in.bits > 8 && end == s + len)
		return IPV4;
	if (strspn(s, "0123456789") >= len || (s[0] == '0' && (s[1] | 0x20) == 'x'))
		fail("not a number of 32 bits");
	return NAME;
}

/* The longest word here: its token; its length in in.len. */
static unsigned read_token(const char *s)
{
	static const char doubles[] = "&&||>=<=!===<<>>";
	static const uint8_t meanings[] = { AND, OR, AT_LEAST, AT_MOST, NOT_EQUAL, '=', LEFT, RIGHT };
	unsigned i, len = 0;

	if (is_alnum(*s))
		for (i = 0; is_alnum(s[i]) || s[i] == '.' || s[i] == '-' || s[i] == '_'; i++)
			if (s[i] != '-' && s[i] != '_')
				len = i + 1;
	in.len = read_ipv6(s, in.value);
	if (in.len)
		return IPV6;
	in.len = read_mac(s, in.value);
	if (in.len && in.len >= len)
		return MAC;
	in.len = len;
	if (len)
		return read_word(s, len);
	if (*s == '\\') {
		in.at++;
		in.len = (unsigned)strcspn(in.at, " !()\n\t");
		return NAME;
	}
	for (i = 0; i < sizeof meanings; i++)
		if (*s == doubles[2 * i] && s[1] == doubles[2 * i + 1]) {
			in.len = 2;
			return meanings[i];
		}
	in.len = *s != 0;
	if (*s && !strchr("+-*/%:[]!<>()&|^=", *s))
		fail("not part of any filter");
	return *s == '!' ? NOT : (unsigned char)*s;
}

static void next(void)
{
	in.p += strspn(in.p, " \r\n\t");
	in.at = in.p;
	in.token = (uint8_t)read_token(in.at);
	in.p = in.at + in.len;
	if (!in.f)
		in.token = END;
}

/* Is the current word this one? Then go on to the next. */
static int take(unsigned token)
{
	if (in.token != token)
		return 0;
	next();
	return 1;
}

/* ---- instructions ---- */

/*
 * An op is an instruction with two ways out, to[0] when it is a jump whose test is true or no jump at all,
 * to[1] when its test is false. A way is named by a number: the op's index * 2 + 0 or 1. Ways that lead to
 * the same, still unknown place form a list through the to[] they will be written to; 0 ends it.
 */
struct op {
	uint16_t code;
	uint16_t a;		/* the op that loaded A as it stands after this one, 0: not known. At assembly: its place */
	uint16_t to[2];		/* an op's index, once known */
	uint32_t k;
};

/* What a condition leaves open. */
struct ways {
	uint16_t yes, no;
};

enum { ACCEPT, REJECT, ENTRY, FIRST };		/* indexes with a meaning */

static struct op ops[BPF_MAXINSNS];
static unsigned nops;
static unsigned x_written;	/* the last op that changed X */
static uint16_t flow;		/* the ways that lead to what is emitted next; none: dead code, not emitted */

static uint16_t *way(unsigned w)
{
	return &ops[w >> 1].to[w & 1];
}

static uint16_t join(uint16_t a, uint16_t b)
{
	uint16_t *end = &a;

	while (*end)
		end = way(*end);
	*end = b;
	return a;
}

static void push(uint16_t *list, uint16_t w)
{
	*way(w) = *list;
	*list = w;
}

static void bind(uint16_t list, unsigned target)
{
	uint16_t rest;

	for (; list; list = rest) {
		rest = *way(list);
		*way(list) = (uint16_t)target;
	}
}

/* Returns the op's index; it stands where flow led, and flow goes on behind it. */
static unsigned emit(unsigned code, uint32_t k)
{
	if (!flow)
		return 0;
	if (nops == BPF_MAXINSNS) {
		fail("makes more than 4096 instructions");
		return 0;
	}
	bind(flow, nops);
	ops[nops] = (struct op){ .code = (uint16_t)code, .k = k };
	if ((code & 7) == BPF_LDX || code == (BPF_MISC | BPF_TAX))
		x_written = nops;
	flow = (uint16_t)(nops * 2);
	return nops++;
}

static struct ways negate(struct ways w)
{
	return (struct ways){ w.no, w.yes };
}

/* `a and b`, `a or b` = enter(a, op), b = ..., meet(a, op, b). */
static void enter(struct ways a, unsigned op)
{
	flow = op == AND ? a.yes : a.no;
}

static struct ways meet(struct ways a, unsigned op, struct ways b)
{
	if (op == AND)
		return (struct ways){ b.yes, join(b.no, a.no) };
	return (struct ways){ join(b.yes, a.yes), b.no };
}

static struct ways never(void)
{
	return (struct ways){ 0, flow };
}

/* The result of a relation between two numbers. */
static int holds(unsigned jump, uint32_t a, uint32_t k)
{
	if (jump == BPF_JEQ)
		return a == k;
	if (jump == BPF_JSET)
		return (a & k) != 0;
	return jump == BPF_JGT ? a > k : a >= k;
}

/* Does A, as op `a` left it, hold this field? */
static int is_loaded(unsigned a, unsigned code, uint32_t k, uint32_t mask)
{
	const struct op *o = &ops[a];

	if (!a)
		return 0;
	if (mask != UINT32_MAX && (o->code != (BPF_ALU | BPF_AND | BPF_K) || o--->k != mask))
		return 0;
	return o->code == code && o->k == k && ((code & 0xe0) != BPF_IND || a > x_written);
}

/* What a test has already decided for one that follows on its way w: 1 true, 0 false, -1 nothing. */
static int is_decided(unsigned w, unsigned jump, uint32_t k)
{
	const struct op *o = &ops[w >> 1];

	if (o->code == (BPF_JMP | jump | BPF_K) && o->k == k)
		return !(w & 1);
	if (o->code == (BPF_JMP | BPF_JEQ | BPF_K) && !(w & 1))
		return holds(jump, o->k, k);
	return -1;
}

static struct ways branch(unsigned jump, uint32_t k, unsigned a)
{
	unsigned n = emit(BPF_JMP | jump, k);

	if (!n)
		return (struct ways){ 0, 0 };
	ops[n].a = (uint16_t)a;
	flow = 0;
	ops[n].to[0] = ops[n].to[1] = 0;
	return (struct ways){ (uint16_t)(n * 2), (uint16_t)(n * 2 + 1) };
}

/*
 * A field against a constant. Ways on which A holds the field already skip the load,
 * those on which the answer is known skip the test as well.
 */
static struct ways test(unsigned code, uint32_t off, uint32_t mask, unsigned jump, uint32_t k)
{
	struct ways w = { 0, 0 }, more;
	uint16_t ready = 0, load = 0, rest;
	unsigned a = 0;

	for (; flow; flow = rest) {
		unsigned loaded = ops[flow >> 1].a;
		int known;

		rest = *way(flow);
		if (!is_loaded(loaded, code, off, mask)) {
			push(&load, flow);
			continue;
		}
		known = is_decided(flow, jump, k);
		push(known > 0 ? &w.yes : known ? &ready : &w.no, flow);
		if (known < 0)
			a = loaded;
	}
	flow = load;
	if (load) {
		a = emit(code, off);
		if (mask != UINT32_MAX)
			a = emit(BPF_ALU | BPF_AND, mask);
		flow = join(flow, ready);
	} else {
		flow = ready;
	}
	more = branch(jump, k, a);
	return (struct ways){ join(more.yes, w.yes), join(more.no, w.no) };
}

/* ---- link layer ---- */

enum kind { UNKNOWN, ETHERNET, WIRELESS, COOKED, RAW_IP, PLAIN, PPP_SESSION };

/* From where an offset counts: a constant, and for reg > 0 also M[reg - 1], known at run time. */
struct base {
	uint32_t off;
	uint8_t reg;
};
enum { FIELD = UINT32_MAX };	/* as a mask: all of it */

static const struct {
	uint16_t linktype;	/* LINKTYPE_ number */
	uint8_t kind;
	uint8_t type, payload;	/* offsets of the type field and of what follows the link header */
} linktypes[] = {
	{ 1, ETHERNET, 12, 14 },	/* EN10MB */
	{ 101, RAW_IP, 0, 0 },		/* RAW */
	{ 113, COOKED, 14, 16 },	/* LINUX_SLL */
	{ 276, PLAIN, 0, 20 },		/* LINUX_SLL2 */
	{ 127, WIRELESS, 0, 0 },	/* IEEE802_11_RADIO */
	{ 104, PLAIN, 2, 4 },		/* C_HDLC */
};

static struct {
	struct base header, type, payload;	/* link header, its type field, what follows it */
	uint32_t network;	/* from the payload to the network header: LLC, SNAP, MPLS labels */
	uint32_t netmask;
	int linktype;
	uint8_t kind, live;
	uint8_t cooked;		/* length of the cooked header, which a live socket does not have; 0: not cooked */
	uint8_t vlans, labels;	/* how many were named */
} layer;

static uint8_t regs;		/* highest reg used in the program */

static void link_layer(const struct filter *f)
{
	unsigned i;

	memset(&layer, 0, sizeof layer);
	layer.linktype = f->linktype;
	layer.live = f->live != 0;
	layer.netmask = f->netmask;
	for (i = 0; i < sizeof linktypes / sizeof *linktypes; i++)
		if (linktypes[i].linktype == f->linktype) {
			layer.kind = linktypes[i].kind;
			layer.type.off = linktypes[i].type;
			layer.payload.off = linktypes[i].payload;
		}
	if (layer.kind == WIRELESS) {
		layer.header.reg = 1;
		layer.payload.reg = 2;
		layer.network = 8;
	}
	if (layer.payload.off >= 16)
		layer.cooked = (uint8_t)layer.payload.off;
}

/* Load X with the run-time part of a base, if it has one. */
static unsigned load_base(const struct base *b)
{
	if (!b->reg)
		return BPF_LD | BPF_ABS;
	if (b->reg > regs)
		regs = b->reg;
	emit(BPF_LDX | BPF_MEM, b->reg - 1u);
	return BPF_LD | BPF_IND;
}

static struct ways field(const struct base *b, unsigned size, uint32_t off, uint32_t mask, unsigned jump, uint32_t k)
{
	unsigned code = load_base(b) | size;

	return test(code, b->off + off, mask, jump, k);
}

static struct ways header_is(unsigned size, uint32_t off, uint32_t mask, uint32_t k)
{
	return field(&layer.header, size, off, mask, BPF_JEQ, k);
}

static struct ways type_is(uint32_t k)
{
	return field(&layer.type, BPF_H, 0, FIELD, BPF_JEQ, k);
}

/* A field of the network header. */
static struct ways network_is(unsigned size, uint32_t off, uint32_t mask, uint32_t k)
{
	return field(&layer.payload, size, layer.network + off, mask, BPF_JEQ, k);
}

static struct ways llc_is(unsigned size, uint32_t off, uint32_t k)
{
	return field(&layer.payload, size, off, FIELD, BPF_JEQ, k);
}

static struct ways metadata_is(uint32_t what, uint32_t mask, uint32_t k)
{
	return test(BPF_LD | BPF_ABS | BPF_H, SKF_AD_OFF + what, mask, BPF_JEQ, k);
}

/* A SNAP header with this organisation and type. */
static struct ways snap_is(uint32_t organisation, uint32_t type)
{
	struct ways w = llc_is(BPF_W, 4, organisation << 16 | type);

	enter(w, AND);
	return meet(w, AND, llc_is(BPF_W, 0, 0xaaaa0300 | organisation >> 16));
}

/* An IP version by its first nibble, where nothing else tells. */
static struct ways version_is(uint32_t ethertype)
{
	if (ethertype != ETHERTYPE_IP && ethertype != ETHERTYPE_IPV6)
		return never();
	return network_is(BPF_B, 0, 0xf0, ethertype == ETHERTYPE_IP ? 0x40 : 0x60);
}

/* What follows an LLC header: an Ethernet type after SNAP, or a SAP. */
static struct ways after_llc(uint32_t proto)
{
	struct ways w;

	if (proto == numbers[ATALK - IP])
		return snap_is(0x080007, proto);
	if (layer.kind != WIRELESS && proto == numbers[AARP - IP])
		return snap_is(0, proto);
	if (proto == 0xfe || proto == 0xf0 || proto == 6)
		return llc_is(BPF_H, 0, proto << 8 | proto);
	if (proto > 1500)
		return llc_is(BPF_H, 6, proto);
	if (proto != 0xe0 || layer.kind == WIRELESS)
		return llc_is(BPF_B, 0, proto);
	if (layer.kind == COOKED) {	/* IPX is in SNAP as well, on Ethernet also without LLC */
		w = llc_is(BPF_B, 0, proto);
		enter(w, OR);
		return meet(w, OR, snap_is(0, ETHERTYPE_IPX));
	}
	w = snap_is(0, ETHERTYPE_IPX);
	enter(w, OR);
	w = meet(w, OR, llc_is(BPF_B, 0, proto));
	enter(w, OR);
	return meet(w, OR, llc_is(BPF_H, 0, 0xffff));
}

/* Does an LLC header follow? */
static struct ways has_llc(void)
{
	struct ways w;

	if (layer.kind == COOKED)
		return type_is(4);	/* LINUX_SLL_P_802_2 */
	if (layer.kind == ETHERNET)
		return negate(field(&layer.type, BPF_H, 0, FIELD, BPF_JGT, 1500));
	w = negate(field(&layer.header, BPF_B, 0, FIELD, BPF_JSET, 4));	/* 802.11: a data frame */
	enter(w, AND);
	return meet(w, AND, field(&layer.header, BPF_B, 0, FIELD, BPF_JSET, 8));
}

/* PPP has numbers of its own for some. */
static uint32_t ppp_number(uint32_t proto)
{
	static const uint16_t pairs[][2] = {
		{ ETHERTYPE_IP, 0x21 }, { ETHERTYPE_IPV6, 0x57 }, { 0x6003, 0x27 }, { 0x809b, 0x29 },
		{ 0x0600, 0x25 }, { 0xfe, 0x23 }, { 0x42, 0x31 }, { 0xe0, 0x2b }, { 0x8847, 0x281 },
	};
	unsigned i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i][0] == proto)
			return pairs[i][1];
	return proto;
}

static struct ways under_label(uint32_t proto)
{
	struct ways w;

	if (proto != ETHERTYPE_IP && proto != ETHERTYPE_IPV6)
		fail("not known under an MPLS label");
	w = network_is(BPF_B, (uint32_t)-2, 1, 1);	/* the label is the last one */
	enter(w, AND);
	return meet(w, AND, version_is(proto));
}

/* Does a packet of this Ethernet type, or this LLC SAP, follow? */
static struct ways link_is(uint32_t proto)
{
	struct ways w, v;

	if (layer.labels)
		return under_label(proto);
	if (layer.kind == UNKNOWN)
		fail("this link type has no protocol field");
	if (layer.kind == RAW_IP)
		return version_is(proto);
	if (layer.kind == PPP_SESSION)
		return type_is(ppp_number(proto));
	if (layer.kind == PLAIN)
		return type_is(proto);
	v = never();
	if (layer.kind != WIRELESS) {
		if (proto > 1500 && proto != numbers[ATALK - IP] && proto != numbers[AARP - IP])
			return type_is(proto);
		if (proto > 1500 || proto == 0xe0)
			v = type_is(proto > 1500 ? proto : ETHERTYPE_IPX);
		if (proto == 0xe0 && layer.kind == COOKED) {
			enter(v, OR);
			v = meet(v, OR, type_is(1));	/* LINUX_SLL_P_802_3 */
		}
	}
	enter(v, OR);
	w = has_llc();
	enter(w, AND);
	w = meet(w, AND, after_llc(proto));
	return meet(v, OR, w);
}

/* ---- primitives ---- */

/* Code that computes a number into A waits here until all the checks that must come before it are made. */
static struct sock_filter *values;	/* BPF_MAXINSNS of them: the program's own place, not used until assembly */
static unsigned nvalues;

static void value(unsigned code, uint32_t k)
{
	if (nvalues == BPF_MAXINSNS) {
		fail("makes more than 4096 instructions");
		return;
	}
	values[nvalues++] = (struct sock_filter){ .code = (uint16_t)code, .k = k };
}

static void flush(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		emit(values[i].code, values[i].k);
	nvalues = 0;
}

/* X = where the IPv4 payload begins, less the constant part of the network header's offset. */
static void load_header_length(void)
{
	uint32_t at = layer.payload.off + layer.network;

	if (!layer.payload.reg) {
		value(BPF_LDX | BPF_MSH | BPF_B, at);
		return;
	}
	value(BPF_LDX | BPF_MEM, layer.payload.reg - 1u);
	value(BPF_LD | BPF_IND | BPF_B, at);
	value(BPF_ALU | BPF_AND, 15);
	value(BPF_ALU | BPF_LSH, 2);
	value(BPF_ALU | BPF_ADD | BPF_X, 0);
	value(BPF_MISC | BPF_TAX, 0);
}

/* The words before a name or number; they hold for the ones after it, too. type 0: there are none. */
struct qualifiers {
	uint8_t proto;		/* 0: none */
	uint8_t dir;		/* SRC, DST, ADDR1 ...; AND or OR for both ends */
	uint8_t type;		/* HOST, NET, PORT, PORTRANGE, PROTO */
};

/* What the ends of a packet are compared with: an address by words, or a range of ports. */
static struct {
	uint32_t value[4], mask[4];
	uint16_t load;		/* the code that loads a port: from X on or not */
} want;

/* `src`, `dst`, either or both of the fields at two offsets. */
static struct ways ends(unsigned dir, uint32_t src, uint32_t dst, struct ways (*at)(uint32_t off))
{
	struct ways w;

	if (dir != AND && dir != OR)
		return at(dir == SRC ? src : dst);
	w = at(src);
	enter(w, dir);
	return meet(w, dir, at(dst));
}

static struct ways ipv4_at(uint32_t off)
{
	if (!want.mask[0])
		return (struct ways){ flow, 0 };
	return network_is(BPF_W, off, want.mask[0], want.value[0]);
}

static struct ways ipv6_at(uint32_t off)
{
	struct ways w = { flow, 0 };
	unsigned i;

	for (i = 0; i < 4; i++) {
		enter(w, AND);
		if (want.mask[i])
			w = meet(w, AND, network_is(BPF_W, off + 4 * i, want.mask[i], want.value[i]));
	}
	return w;
}

static struct ways mac_at(uint32_t off)
{
	struct ways w = header_is(BPF_W, off + 2, FIELD, want.value[0]);

	enter(w, AND);
	return meet(w, AND, header_is(BPF_H, off, FIELD, want.value[1]));
}

/* A port in the range. */
static struct ways port_at(uint32_t off)
{
	struct ways w;

	off += layer.payload.off + layer.network;
	if (want.value[0] == want.value[1])
		return test(want.load, off, FIELD, BPF_JEQ, want.value[0]);
	w = test(want.load, off, FIELD, BPF_JGE, want.value[0]);
	enter(w, AND);
	return meet(w, AND, negate(test(want.load, off, FIELD, BPF_JGT, want.value[1])));
}

/* Neither not a fragment, nor not the first: there is a transport header. */
static struct ways first_fragment(void)
{
	return negate(field(&layer.payload, BPF_H, layer.network + 6, FIELD, BPF_JSET, 0x1fff));
}

/* One of the transports from first to last in the field at this offset. */
static struct ways transport_is(uint32_t off, unsigned first, unsigned last)
{
	struct ways w = never();

	for (; first <= last; first++) {
		enter(w, OR);
		w = meet(w, OR, network_is(BPF_B, off, FIELD, numbers[first - IP] & 0xff));
	}
	return w;
}

/* Ports of TCP, UDP and SCTP, or of one of them, over IPv6, then over IPv4. */
static struct ways port(struct qualifiers q)
{
	unsigned first = q.proto ? q.proto : TCP, last = q.proto ? q.proto : SCTP;
	struct ways w, v;

	if (first < TCP || last > SCTP)
		fail("ports are those of tcp, udp or sctp");
	w = link_is(ETHERTYPE_IPV6);
	enter(w, AND);
	w = meet(w, AND, transport_is(6, first, last));
	enter(w, AND);
	want.load = (uint16_t)(load_base(&layer.payload) | BPF_H);
	w = meet(w, AND, ends(q.dir, 40, 42, port_at));
	enter(w, OR);
	v = link_is(ETHERTYPE_IP);
	enter(v, AND);
	v = meet(v, AND, transport_is(9, first, last));
	enter(v, AND);
	v = meet(v, AND, first_fragment());
	enter(v, AND);
	load_header_length();
	flush(nvalues);
	want.load = BPF_LD | BPF_IND | BPF_H;
	v = meet(v, AND, ends(q.dir, 0, 2, port_at));
	return meet(w, OR, v);
}

/* `tcp`, `ip proto 6`, `proto 6`: over the IP versions given, one fragment header of IPv6 skipped. */
static struct ways protocol_is(uint32_t number, unsigned versions)
{
	struct ways w = never(), v, u, f;

	if (versions & V4) {
		w = link_is(ETHERTYPE_IP);
		enter(w, AND);
		w = meet(w, AND, network_is(BPF_B, 9, FIELD, number));
	}
	if (!(versions & V6))
		return w;
	enter(w, OR);
	v = link_is(ETHERTYPE_IPV6);
	enter(v, AND);
	u = network_is(BPF_B, 6, FIELD, number);
	enter(u, OR);
	f = network_is(BPF_B, 6, FIELD, 44);
	enter(f, AND);
	u = meet(u, OR, meet(f, AND, network_is(BPF_B, 40, FIELD, number)));
	return meet(w, OR, meet(v, AND, u));
}

/* A protocol named alone. */
static struct ways is_proto(unsigned proto)
{
	unsigned number;

	if (proto >= RADIO) {
		fail("is no protocol by itself");
		return never();
	}
	number = numbers[proto - IP];
	return proto < TCP ? link_is(number) : protocol_is(number & 0xff, number & (V4 | V6));
}

/* An IPv4 address or network in ip, arp and rarp. */
static struct ways host_ipv4(struct qualifiers q)
{
	struct ways w, v;

	if (!q.proto) {
		q.proto = IP;
		w = host_ipv4(q);
		if (layer.labels)
			return w;
		for (q.proto = ARP; q.proto <= RARP; q.proto++) {
			enter(w, OR);
			w = meet(w, OR, host_ipv4(q));
		}
		return w;
	}
	if (q.proto != IP && q.proto != ARP && q.proto != RARP)
		fail("an IPv4 address is not part of that protocol");
	v = is_proto(q.proto);
	enter(v, AND);
	return meet(v, AND, q.proto == IP ? ends(q.dir, 12, 16, ipv4_at) : ends(q.dir, 14, 24, ipv4_at));
}

static struct ways host_ipv6(struct qualifiers q)
{
	struct ways w;

	if (q.proto && q.proto != IP6)
		fail("an IPv6 address is not part of that protocol");
	w = link_is(ETHERTYPE_IPV6);
	enter(w, AND);
	return meet(w, AND, ends(q.dir, 8, 24, ipv6_at));
}

/* The address of an 802.11 frame's source (at 10) or destination (at 4) stands where the DS bits say. */
static struct ways wireless_at(uint32_t which, struct ways (*at)(uint32_t off))
{
	static const uint8_t rows[][3] = {	/* byte, bit, and where the address is if it is clear */
		{ 0, 8, 10 }, { 1, 2, 10 }, { 1, 1, 16 }, { 0, 0, 24 },
		{ 0, 8, 4 }, { 1, 1, 4 }, { 0, 0, 16 },
	};
	const uint8_t *row = rows[which == 4 ? 4 : 0];
	struct ways bit = field(&layer.header, BPF_B, 0, FIELD, BPF_JSET, 4), w = { 0, bit.yes }, a;

	for (flow = bit.no;; flow = bit.yes) {
		if (row[1]) {
			bit = field(&layer.header, BPF_B, row[0], FIELD, BPF_JSET, row[1]);
			flow = bit.no;
		}
		a = at(row[2]);
		w = (struct ways){ join(a.yes, w.yes), join(a.no, w.no) };
		if (!row[1])
			return w;
		row += 3;
	}
}

static struct ways wireless_mac_at(uint32_t which)
{
	return wireless_at(which, mac_at);
}

static struct ways group_at(uint32_t off)
{
	return field(&layer.header, BPF_B, off, FIELD, BPF_JSET, 1);
}

/* addr1 ... addr4, ra, ta: an 802.11 address by its place, in the frames that have it there. */
static struct ways numbered_address(unsigned dir)
{
	static const uint8_t places[] = { 4, 10, 16, 24, 4, 10 };
	struct ways w = { flow, 0 }, v;

	if (dir == ADDR4)
		w = header_is(BPF_B, 1, 3, 3);
	if (dir == RA || dir == TA)
		w = field(&layer.header, BPF_B, 0, FIELD, BPF_JSET, 8);
	enter(w, AND);
	if (dir == ADDR2 || dir == ADDR3 || dir == TA) {
		v = negate(header_is(BPF_B, 0, 0x0c, 4));	/* no control frame */
		if (dir != ADDR3) {				/* or neither CTS nor ACK */
			struct ways u;

			enter(v, OR);
			u = negate(header_is(BPF_B, 0, 0xf0, 0xc0));
			enter(u, AND);
			u = meet(u, AND, negate(header_is(BPF_B, 0, 0xf0, 0xd0)));
			v = meet(v, OR, u);
		}
		w = meet(w, AND, v);
		enter(w, AND);
	}
	return meet(w, AND, mac_at(places[dir - ADDR1]));
}

static struct ways host_mac(unsigned dir)
{
	if (layer.kind == WIRELESS)
		return dir >= ADDR1 && dir <= TA ? numbered_address(dir) : ends(dir, 10, 4, wireless_mac_at);
	if (layer.kind != ETHERNET || (dir >= ADDR1 && dir <= TA))
		fail("this link type has no such address");
	return ends(dir, 6, 0, mac_at);
}

static struct ways broadcast(unsigned proto)
{
	struct ways w, v;

	if (proto && proto != ETHER && proto != IP)
		fail("broadcasts are those of ether or ip");
	if (proto != IP) {
		want.value[0] = want.value[1] = UINT32_MAX;
		want.value[1] = 0xffff;
		return host_mac(DST);
	}
	w = link_is(ETHERTYPE_IP);
	enter(w, AND);
	v = network_is(BPF_W, 16, ~layer.netmask, 0);
	enter(v, OR);
	v = meet(v, OR, network_is(BPF_W, 16, ~layer.netmask, ~layer.netmask));
	return meet(w, AND, v);
}

static struct ways multicast(unsigned proto)
{
	struct ways w;

	if (proto && proto != ETHER) {
		if (proto != IP && proto != IP6)
			fail("multicasts are those of ether, ip or ip6");
		w = is_proto(proto);
		enter(w, AND);
		if (proto == IP6)
			return meet(w, AND, network_is(BPF_B, 24, FIELD, 255));
		return meet(w, AND, field(&layer.payload, BPF_B, layer.network + 16, FIELD, BPF_JGE, 224));
	}
	if (layer.kind == WIRELESS)
		return wireless_at(4, group_at);
	if (layer.kind != ETHERNET)
		fail("this link type has no such address");
	return group_at(0);
}

/* A tag in the frame, with this number or any. */
static struct ways tag_is(int any, uint32_t id)
{
	static const uint16_t types[] = { 0x8100, 0x88a8, 0x9100 };
	struct ways w = never();
	unsigned i;

	for (i = 0; i < 3; i++) {
		enter(w, OR);
		w = meet(w, OR, link_is(types[i]));
	}
	if (any)
		return w;
	enter(w, AND);
	return meet(w, AND, network_is(BPF_H, 0, 0xfff, id));
}

/*
 * What follows `vlan` counts from behind the tag, to the end of the expression. The kernel keeps the outermost tag
 * in metadata, so a live program looks there first; then what follows stands where it stood: M[0] says.
 */
static struct ways vlan(int any, uint32_t id)
{
	struct ways w, v;

	if (layer.labels || layer.kind == PPP_SESSION || (layer.kind != ETHERNET && layer.kind != WIRELESS && !layer.cooked))
		fail("this link type has no VLAN tags");
	if (!layer.live || layer.kind == WIRELESS || layer.vlans++) {
		w = tag_is(any, id);
		layer.type.off = layer.payload.off + 2;
		layer.payload.off += 4;
		return w;
	}
	w = metadata_is(SKF_AD_VLAN_TAG_PRESENT, FIELD, 1);
	enter(w, AND);
	v = (struct ways){ flow, 0 };
	if (!any)
		v = metadata_is(SKF_AD_VLAN_TAG, 0xfff, id);
	flow = w.no;
	if (layer.cooked)
		return (struct ways){ v.yes, join(v.no, flow) };
	emit(BPF_LD, 4);
	emit(BPF_ST, 0);
	w = tag_is(any, id);
	layer.type.reg = layer.payload.reg = regs = 1;
	return (struct ways){ join(w.yes, v.yes), join(w.no, v.no) };
}

static struct ways mpls(int any, uint32_t label)
{
	struct ways w;

	if (layer.labels) {
		w = network_is(BPF_B, (uint32_t)-2, 1, 0);	/* the label before is not the last */
	} else {
		if (layer.kind != ETHERNET && layer.kind != PPP_SESSION && layer.linktype != 104)
			fail("this link type has no MPLS");
		w = link_is(0x8847);
	}
	if (!any) {
		enter(w, AND);
		w = meet(w, AND, network_is(BPF_W, 0, 0xfffff000, label << 12));
	}
	layer.network += 4;
	layer.labels = 1;
	return w;
}

/* What follows `pppoes` counts from the PPP header on, to the end of the expression. */
static struct ways pppoes(int any, uint32_t id)
{
	struct ways w = link_is(0x8864);

	if (!any) {
		enter(w, AND);
		w = meet(w, AND, network_is(BPF_W, 0, 0xffff, id));
	}
	layer.header = layer.payload;
	layer.header.off += layer.network + 6;
	layer.type = layer.payload = layer.header;
	layer.payload.off += 2;
	layer.network = 0;
	layer.kind = PPP_SESSION;
	return w;
}

static struct ways outbound(void)
{
	if (layer.linktype == 113)
		return test(BPF_LD | BPF_ABS | BPF_H, 0, FIELD, BPF_JEQ, 4);	/* PACKET_OUTGOING */
	if (layer.linktype == 276)
		return test(BPF_LD | BPF_ABS | BPF_B, 10, FIELD, BPF_JEQ, 4);
	return metadata_is(SKF_AD_PKTTYPE, FIELD, 4);
}

static struct ways ifindex_is(uint32_t ifindex)
{
	if (layer.linktype == 276)
		return test(BPF_LD | BPF_ABS | BPF_W, 4, FIELD, BPF_JEQ, ifindex);
	return metadata_is(SKF_AD_IFINDEX, FIELD, ifindex);
}

/* A service's port and its transport, 0 if it goes by both. */
static unsigned service(const char *s, unsigned len, uint32_t *number)
{
	int i;

	for (*number = 0, i = 0; (unsigned)i < len && digit(s[i]) < 10 && *number < 65536; i++)
		*number = *number * 10 + digit(s[i]);
	if (len && (unsigned)i == len)
		return 0;
	i = find(services, s, len);
	if (i < 0) {
		fail("not a port");
		return 0;
	}
	*number = service_ports[i];
	return i < TCP_SERVICES ? TCP : i < UDP_SERVICES ? UDP : 0;
}

/* Ports by name, or from-to. */
static struct ways named_port(struct qualifiers q)
{
	const char *dash = q.type == PORTRANGE ? memchr(in.at, '-', in.len) : NULL;
	unsigned first, second, len = dash ? (unsigned)(dash - in.at) : in.len;

	first = second = service(in.at, len, &want.value[0]);
	want.value[1] = want.value[0];
	if (dash)
		second = service(dash + 1, in.len - len - 1, &want.value[1]);
	else if (q.type == PORTRANGE)
		fail("not a range of ports");
	if (first != second)
		first = 0;
	if (first && q.proto && q.proto != first)
		fail("is a port of another protocol");
	if (first)
		q.proto = (uint8_t)first;
	return port(q);
}

static struct ways proto_number(struct qualifiers q, uint32_t number)
{
	if (q.proto == ETHER)
		return link_is(number);
	if (q.proto && q.proto != IP && q.proto != IP6)
		fail("that protocol carries no other");
	return protocol_is(number, q.proto == IP ? V4 : q.proto == IP6 ? V6 : V4 | V6);
}

static struct ways named_proto(struct qualifiers q)
{
	int i = find(keywords, in.at, in.len) + WORD;

	if (q.proto == ETHER) {
		if (i >= IP && i <= NETBEUI)
			return link_is(numbers[i - IP]);
		if (!find("loopback ", in.at, in.len))
			return link_is(ETHERTYPE_LOOPBACK);
	} else {
		if (i >= TCP && i <= VRRP && i != IGRP)
			return proto_number(q, numbers[i - IP] & 0xff);
		i = find(protocols, in.at, in.len);
		if (i >= 0)
			return proto_number(q, protocol_numbers[i]);
	}
	fail("not a protocol");
	return never();
}

/* mask = this many bits, starting with the highest; nothing of value beside it. */
static void set_mask(unsigned words, uint32_t bits)
{
	unsigned i;

	if (bits > words * 32)
		fail("too many bits for a mask");
	for (i = 0; i < words; i++) {
		unsigned b = bits > 32 * i ? bits - 32 * i : 0;

		want.mask[i] = b ? FIELD << (b > 31 ? 0 : 32 - b) : 0;
		if (want.value[i] & ~want.mask[i])
			fail("has bits outside its mask");
	}
}

static struct qualifiers quals;		/* in force */

static struct ways host_number(uint32_t number)
{
	uint32_t bits = 32;

	if (quals.type == PROTO)
		return proto_number(quals, number);
	want.value[0] = want.value[1] = number;
	if (quals.type == PORT || quals.type == PORTRANGE) {
		if (number > 65535)
			fail("not a port");
		return port(quals);
	}
	while (quals.type == NET && number && !(number >> 24)) {
		number <<= 8;
		bits -= 8;
	}
	want.value[0] = number;
	set_mask(1, bits);
	return host_ipv4(quals);
}

static struct ways host_name(void)
{
	if (quals.type == PORT || quals.type == PORTRANGE)
		return named_port(quals);
	if (quals.type == PROTO)
		return named_proto(quals);
	fail("not an address; names are not looked up");
	return never();
}

/* An address and, behind it, the length of its mask or (IPv4) the mask. */
static struct ways address(unsigned words, uint32_t bits)
{
	memcpy(want.value, in.value, sizeof want.value);
	if (quals.type != HOST && quals.type != NET)
		fail("an address where none belongs");
	next();
	if (in.token == '/' || (in.token == MASK && words == 1)) {
		unsigned wanted = in.token == MASK ? IPV4 : NUMBER;

		next();
		if (in.token != wanted)
			fail("not a mask");
		if (quals.type == HOST && (words == 1 || in.value[0] != 128))
			fail("a mask belongs to net");
		if (wanted == NUMBER) {
			set_mask(words, in.value[0]);
		} else {
			want.mask[0] = in.value[0];
			if (want.value[0] & ~want.mask[0])
				fail("mask leaves bits of the network out");
		}
		next();
	} else {
		set_mask(words, bits);
	}
	return words == 1 ? host_ipv4(quals) : host_ipv6(quals);
}

/* A name, address or MAC, with the qualifiers in force. */
static struct ways id(void)
{
	struct ways w;

	if (!quals.type)
		fail("needs a word before it, such as host, net or port");
	if (in.token != MAC && quals.dir >= ADDR1 && quals.dir <= TA)
		fail("not an 802.11 address");
	if (in.token == IPV4)
		return address(1, in.bits);
	if (in.token == IPV6)
		return address(4, 128);
	if (in.token == NAME) {
		w = host_name();
	} else {
		memcpy(want.value, in.value, sizeof want.value);
		if (quals.proto != ETHER || quals.type != HOST)
			fail("a MAC address belongs to ether host, src or dst");
		w = host_mac(quals.dir);
	}
	next();
	return w;
}

/* ---- arithmetic ---- */

struct node {
	struct ways w;		/* of a condition; of a number: no = where a check before it fails */
	uint32_t k;		/* of a constant */
	uint8_t kind;
};
enum { LITERAL, CONSTANT, VALUE, CONDITION, ID };	/* VALUE: in A, by the code in values */

static unsigned scratch;	/* the next free M[] */

/* Copy A away while another number is computed; taken back when that turns out constant. */
static void save(struct node a)
{
	if (a.kind != VALUE)
		return;
	if (scratch == BPF_MEMWORDS)
		fail("too many numbers at a time");
	value(BPF_ST, scratch++);
}

static void unsave(struct node a, struct node b)
{
	if (a.kind != VALUE)
		return;
	scratch--;
	if (b.kind != VALUE && nvalues)
		nvalues--;
}

static uint32_t compute(unsigned op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_DIV: return a / b;
	case BPF_MOD: return a % b;
	case BPF_OR: return a | b;
	case BPF_AND: return a & b;
	case BPF_XOR: return a ^ b;
	case BPF_LSH: return a << b;
	}
	return a >> b;
}

/* a op b; b was computed last. */
static struct node calculate(struct node a, unsigned op, struct node b)
{
	struct node result = { { 0, join(b.w.no, a.w.no) }, 0, VALUE };

	if (b.kind != VALUE && !b.k && (op == BPF_DIV || op == BPF_MOD))
		fail("division by zero");
	if (b.kind != VALUE && b.k > 31 && (op == BPF_LSH || op == BPF_RSH))
		fail("shift by more than 31 bits");
	if (!in.f)
		return result;
	if (a.kind != VALUE && b.kind != VALUE) {
		result.kind = CONSTANT;
		result.k = compute(op, a.k, b.k);
	} else if (b.kind != VALUE) {
		value(BPF_ALU | op, b.k);
	} else {
		value(BPF_MISC | BPF_TAX, 0);
		if (a.kind == VALUE)
			value(BPF_LD | BPF_MEM, scratch);
		else
			value(BPF_LD | BPF_IMM, a.k);
		value(BPF_ALU | op | BPF_X, 0);
	}
	return result;
}

/* The condition that the number in A, as computed by values, and k are so related. */
static struct ways compare_value(unsigned jump, uint32_t k)
{
	unsigned n = nvalues;
	uint32_t mask = FIELD;
	struct sock_filter load;

	if (n && values[n - 1].code == (BPF_ALU | BPF_AND))
		mask = values[--n].k;
	load = values[n ? n - 1 : 0];
	if (!n || (load.code & 7) != BPF_LD || (load.code & 0x60) == BPF_MEM || !(load.code & 0xe0)) {
		flush(nvalues);
		return branch(jump, k, 0);
	}
	flush(n - 1);
	if (mask != FIELD && jump == BPF_JEQ && !k)
		return negate(test(load.code, load.k, FIELD, BPF_JSET, mask));
	return test(load.code, load.k, mask, jump, k);
}

/* a token b; b was computed last. */
static struct ways compare(struct node a, unsigned token, struct node b)
{
	unsigned jump = token == '=' || token == NOT_EQUAL ? BPF_JEQ : token == '>' || token == AT_MOST ? BPF_JGT : BPF_JGE;
	int no = token == NOT_EQUAL || token == '<' || token == AT_MOST;
	struct ways w;

	if (b.kind == VALUE && jump != BPF_JEQ) {	/* b is in A: a > b is not b >= a */
		jump ^= BPF_JGT ^ BPF_JGE;
		no = !no;
	}
	if (a.kind == VALUE && b.kind == VALUE) {
		value(BPF_LDX | BPF_MEM, scratch);
		flush(nvalues);
		w = branch(jump | BPF_X, 0, 0);
	} else if (a.kind == VALUE || b.kind == VALUE) {
		w = compare_value(jump, b.kind == VALUE ? a.k : b.k);
	} else {
		w = holds(jump, a.k, b.k) ? (struct ways){ flow, 0 } : never();
	}
	if (no)
		w = negate(w);
	return (struct ways){ w.yes, join(w.no, join(b.w.no, a.w.no)) };
}

/* What must hold before proto[...] is read. */
static struct ways readable(unsigned proto)
{
	struct ways w = { flow, 0 };

	if (proto == RADIO && layer.linktype != 127)
		fail("this link type has no radio header");
	if (proto >= RADIO)
		return w;
	if (proto == AARP || (proto >= ISO && proto <= NETBEUI) || proto == AH || proto == ESP)
		fail("has no bytes to read");
	if (proto < TCP)
		return is_proto(proto);
	w = link_is(proto == ICMP6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	enter(w, AND);
	if (proto == ICMP6)
		return meet(w, AND, network_is(BPF_B, 6, FIELD, 58));
	w = meet(w, AND, network_is(BPF_B, 9, FIELD, numbers[proto - IP] & 0xff));
	enter(w, AND);
	return meet(w, AND, first_fragment());
}

/* proto[index:size], after the checks; index was computed last. */
static void read_bytes(unsigned proto, struct node index, unsigned size)
{
	struct base b = layer.payload;
	int transport = proto >= TCP && proto < ICMP6, spare;

	b.off += layer.network + (proto == ICMP6 ? 40 : 0);
	if (proto >= ETHER)
		b = layer.header;
	if (proto == RADIO)
		b = (struct base){ 0, 0 };
	if (index.kind != VALUE)
		b.off += index.k;
	if (b.reg > regs)
		regs = b.reg;
	if (index.kind != VALUE && !b.reg && !transport) {
		if (b.off >> 31)
			fail("offset out of range");
		value(BPF_LD | BPF_ABS | size, b.off);
		return;
	}
	spare = index.kind == VALUE && b.reg && transport;	/* load_header_length() will need A */
	if (spare)
		value(BPF_ST, scratch);
	if (spare && scratch == BPF_MEMWORDS)
		fail("too many numbers at a time");
	if (transport)
		load_header_length();
	else if (b.reg)
		value(BPF_LDX | BPF_MEM, b.reg - 1u);
	if (spare)
		value(BPF_LD | BPF_MEM, scratch);
	if (index.kind == VALUE && (b.reg || transport))
		value(BPF_ALU | BPF_ADD | BPF_X, 0);
	if (index.kind == VALUE)
		value(BPF_MISC | BPF_TAX, 0);
	value(BPF_LD | BPF_IND | size, b.off);
}

/* ---- grammar ---- */

enum { FILTER_NESTING = 200 };		/* operands within operands; each takes some 200 bytes of stack */

static struct {
	uint8_t parens;		/* open */
	uint8_t ids;		/* within: names and numbers only, as in port (80 or 443) */
	uint16_t depth;
} state;

static struct node expression(unsigned level);
static struct node operand(void);

/* A node as a condition: a number alone is what the qualifiers in force say. */
static struct node condition(struct node n)
{
	if (n.kind == LITERAL) {
		if (!quals.type)
			fail("a number alone: compare it, or say what it is");
		n.w = host_number(n.k);
		n.kind = ID;
	}
	if (n.kind != ID && (n.kind != CONDITION || state.ids))
		fail("not a condition");
	return n;
}

static struct node condition_from(struct ways w)
{
	return (struct node){ w, 0, CONDITION };
}

/* proto[expression:size] */
static struct node bytes(unsigned proto)
{
	static const uint8_t sizes[] = { 0, BPF_B, BPF_H, 0, BPF_W };
	struct node index;
	unsigned size = 1;
	struct ways w;

	next();
	index = expression(2);
	if (index.kind >= CONDITION)
		fail("not a number");
	if (take(':')) {
		size = in.token == NUMBER && in.value[0] < 5 ? in.value[0] : 0;
		if (!size || size == 3)
			fail("a size is 1, 2 or 4");
		next();
	}
	if (in.token != ']')
		fail("] expected");
	next();
	w = readable(proto);
	enter(w, AND);
	read_bytes(proto, index, sizes[size]);
	return (struct node){ { 0, join(w.no, index.w.no) }, 0, VALUE };
}

/* src, dst, src or dst, src and dst, addr1 ... */
static unsigned direction(void)
{
	unsigned dir = in.token, op;

	next();
	if ((dir != SRC && dir != DST) || (in.token != AND && in.token != OR))
		return dir;
	op = in.token;
	next();
	if (in.token != (dir == SRC ? DST : SRC))
		fail("src or dst expected");
	next();
	return op;
}

/* The current word as a number, or as its place in a list. */
static unsigned number_or(const char *list)
{
	int i = in.token == NUMBER ? (int)(in.value[0] & 0xff) : find(list, in.at, in.len);

	if (i < 0 || in.token == END)
		fail("not an 802.11 type or direction");
	return (unsigned)i;
}

/* type T, type T subtype S, subtype S, dir D */
static struct ways wireless_type(void)
{
	static const char subtypes[] =	/* 16 of each type */
		"assoc-req assoc-resp reassoc-req reassoc-resp probe-req probe-resp - - "
		"beacon atim disassoc auth deauth - - - - - - - - - - - - - "
		"ps-poll rts cts ack cf-end cf-end-ack data data-cf-ack data-cf-poll data-cf-ack-poll null cf-ack "
		"cf-poll cf-ack-poll qos-data qos-data-cf-ack qos-data-cf-poll qos-data-cf-ack-poll qos - "
		"qos-cf-poll qos-cf-ack-poll ";
	unsigned what = in.token, mask = 0x0c, type = 0, i;

	if (layer.kind != WIRELESS)
		fail("only on 802.11");
	next();
	if (what != TYPE && what != SUBTYPE) {
		i = number_or("nods tods fromds dstods ");
		next();
		return header_is(BPF_B, 1, 3, i);
	}
	if (what == TYPE) {
		i = number_or("mgt ctl data management control ");
		type = in.token == NUMBER ? i : i % 3 << 2;
		if (type & ~0x0cu)
			fail("not an 802.11 type");
		next();
	}
	if (what == SUBTYPE || take(SUBTYPE)) {
		i = number_or(subtypes);
		if (in.token != NUMBER)
			i = (i & 0xf) << 4 | (i >> 4) << 2;
		if (what == SUBTYPE)
			type = i & 0x0c;
		if ((i & 0x0c) != (in.token == NUMBER ? 0 : type) || (in.token == NUMBER && (what == SUBTYPE || i & 3)))
			fail("not a subtype of that type");
		type |= i & 0xf0;
		mask = 0xfc;
		next();
	}
	return header_is(BPF_B, 0, mask, type);
}

/* After an optional protocol: what is asked about it. */
static struct node primitive(unsigned proto)
{
	uint8_t token = in.token, ids = state.ids;
	struct node n;

	if (token == '[' && proto)
		return bytes(proto);
	quals.type = 0;
	if (token == BROADCAST || token == MULTICAST) {
		n = condition_from(token == BROADCAST ? broadcast(proto) : multicast(proto));
		next();
		return n;
	}
	if (token == GATEWAY)
		fail("needs names; write ether host M and not host A");
	if (token == PROTOCHAIN)
		fail("needs a loop, which the kernel has not");
	if (token >= TYPE && token <= DIRECTION)
		return condition_from(wireless_type());
	if (token < SRC || token > PROTO)
		return condition_from(is_proto(proto));
	quals = (struct qualifiers){ (uint8_t)proto, OR, HOST };
	if (token <= TA)
		quals.dir = (uint8_t)direction();
	if (token == PROTO || (in.token >= HOST && in.token <= PORTRANGE)) {
		quals.type = in.token;
		next();
	}
	state.ids = 1;
	n = condition(operand());
	state.ids = ids;
	n.kind = CONDITION;
	return n;
}

/* A number, in parentheses or not, up to a limit; 0 and *any if there is none. */
static uint32_t optional(int *any, uint32_t limit)
{
	unsigned parens = 0;
	uint32_t n = 0;

	while (take('('))
		parens++;
	*any = in.token != NUMBER && !parens;
	if (*any)
		return 0;
	n = in.value[0];
	if (in.token != NUMBER || n > limit)
		fail("not a number in range");
	for (next(); parens; parens--)
		if (!take(')'))
			fail(") expected");
	return n;
}

/* The words that are primitives by themselves, with or without a number. */
static struct ways other(unsigned token)
{
	uint32_t number;
	int any = 0;

	quals.type = 0;
	switch (token) {
	case INBOUND: return negate(outbound());
	case OUTBOUND: return outbound();
	case PPPOED: return link_is(0x8863);
	case VLAN:
		number = optional(&any, 0xfff);
		return vlan(any, number);
	case MPLS:
		number = optional(&any, 0xfffff);
		return mpls(any, number);
	case PPPOES:
		number = optional(&any, 0xffff);
		return pppoes(any, number);
	}
	if (token != LESS && token != GREATER && token != IFINDEX)
		fail("not supported");
	number = in.value[0];
	if (in.token != NUMBER)
		fail("not a number");
	next();
	if (token == IFINDEX)
		return ifindex_is(number);
	if (token == GREATER)
		return test(BPF_LD | BPF_LEN, 0, FIELD, BPF_JGE, number);
	return negate(test(BPF_LD | BPF_LEN, 0, FIELD, BPF_JGT, number));
}

/* What begins with a word. */
static struct node word(void)
{
	unsigned token = in.token;
	struct node n = { { 0, 0 }, 0, VALUE };

	if (token < IP || token == MASK) {
		fail(token == END ? "something is missing" : "not expected here");
		return n;
	}
	if ((token >= SRC && token <= MULTICAST) || (token >= TYPE && token <= DIRECTION))
		return primitive(0);
	next();
	if (token <= WLAN)
		return primitive(token);
	if (token == LEN || token == LENGTH) {
		value(BPF_LD | BPF_LEN, 0);
		return n;
	}
	if (token < ICMPTYPE)
		return condition_from(other(token));
	n.kind = LITERAL;
	n.k = token == TCPFLAGS ? 13 : token == ICMPCODE || token == ICMP6CODE;
	return n;
}

/* A number, an address, a primitive, something in parentheses, or a not or minus and what it is about. */
static struct node operand(void)
{
	struct qualifiers outer = quals;
	uint8_t ids = state.ids;
	int negated = 0, any_not = 0;
	struct node n = { { 0, 0 }, in.value[0], LITERAL };

	if (++state.depth > FILTER_NESTING)
		fail("nested too deep");
	for (; take(NOT); any_not = 1)
		negated = !negated;
	if (any_not) {
		n = condition(expression(1));
		if (negated)
			n.w = negate(n.w);
	} else if (take('(')) {
		state.parens++;
		n = expression(0);
		if (in.token != ')')
			fail(") expected");
		next();
		state.parens--;
		quals = outer;
		state.ids = ids;
	} else if (take('-')) {
		n = calculate((struct node){ { 0, 0 }, 0, CONSTANT }, BPF_SUB, expression(7));
	} else if (!take(NUMBER)) {
		if (in.token >= IPV4 && in.token <= NAME)
			n = (struct node){ id(), 0, ID };
		else
			n = word();
	}
	state.depth--;
	return n;
}

/* Operands with operators between them that bind at least as tight as `level`. */
static struct node expression(unsigned level)
{
	static const uint8_t operators[][3] = {		/* how tight, what it computes */
		{ AND, 0, 0 }, { OR, 0, 0 },
		{ '=', 1, 0 }, { NOT_EQUAL, 1, 0 }, { '<', 1, 0 }, { '>', 1, 0 }, { AT_MOST, 1, 0 }, { AT_LEAST, 1, 0 },
		{ '|', 2, BPF_OR }, { '&', 3, BPF_AND }, { LEFT, 4, BPF_LSH }, { RIGHT, 4, BPF_RSH },
		{ '+', 5, BPF_ADD }, { '-', 5, BPF_SUB }, { '*', 6, BPF_MUL }, { '/', 6, BPF_DIV },
		{ '%', 7, BPF_MOD }, { '^', 7, BPF_XOR },	/* take all arithmetic to their right, as libpcap's do */
	};
	struct node a = operand(), b;
	unsigned i, token, tight;

	for (;;) {
		token = in.token;
		for (i = 0; i < sizeof operators / sizeof *operators && operators[i][0] != token; i++)
			;
		if (i == sizeof operators / sizeof *operators || operators[i][1] < level)
			return a;
		tight = operators[i][1];
		if (!tight) {
			a = condition(a);
			if (a.kind == ID && state.parens)
				state.ids = 1;
			next();
			enter(a.w, token);
			b = condition(expression(1));
			a.w = meet(a.w, token, b.w);
			continue;
		}
		if (a.kind >= CONDITION)
			fail("a number expected before it");
		next();
		save(a);
		b = expression(tight == 7 ? 2 : tight + 1);
		if (b.kind >= CONDITION)
			fail("a number expected before it");
		unsave(a, b);
		if (tight > 1) {
			a = calculate(a, operators[i][2], b);
			continue;
		}
		a = condition_from(compare(a, token, b));
		quals.type = 0;
	}
}

/* ---- assembly ---- */

/* Begin reading a text. */
static void read_text(const char *text)
{
	in.start = in.p = text;
	memset(&quals, 0, sizeof quals);
	memset(&state, 0, sizeof state);
	nvalues = 0;
	scratch = 2;		/* M[0] and M[1] are for offsets known at run time */
	next();
}

/* One whole text as a condition; an empty one is always true. */
static struct ways whole(const struct filter *f, const char *text)
{
	struct ways w = { flow, 0 };

	link_layer(f);
	read_text(text);
	if (in.token == END)
		return w;
	w = condition(expression(0)).w;
	if (in.token != END)
		fail("and or or expected before it");
	return w;
}


/*
 * Lay out the ops in front of prog[first], which is where accepted packets go on; from the last to the first,
 * because all jumps lead forward: where they end is known. Returns the index of the first instruction.
 */
static unsigned assemble(struct sock_filter *prog, unsigned first, struct ways w)
{
	unsigned i, side, to[2] = { 0, 0 };

	bind(w.yes, ACCEPT);
	bind(w.no, REJECT);
	ops[ACCEPT].a = (uint16_t)first;
	if (w.no)
		prog[--first] = (struct sock_filter){ .code = BPF_RET };
	ops[REJECT].a = (uint16_t)first;
	for (i = nops; i-- > ENTRY; ) {
		struct op *o = &ops[i];
		int jump = (o->code & 7) == BPF_JMP;

		if (first < 32) {	/* room for what one op takes, and for the prologue */
			fail("makes more than 4096 instructions");
			return 0;
		}
		for (side = 0; side <= (unsigned)jump; side++) {
			to[side] = ops[o->to[side]].a;
			if (to[side] - first < (jump ? 254u : 1u))
				continue;
			prog[first - 1] = (struct sock_filter){ .code = BPF_JMP, .k = to[side] - first };
			to[side] = --first;
		}
		if (i == ENTRY)
			break;
		o->a = (uint16_t)--first;
		prog[first] = (struct sock_filter){ .code = o->code, .k = o->k };
		if (jump) {
			prog[first].jt = (uint8_t)(to[0] - first - 1);
			prog[first].jf = (uint8_t)(to[1] - first - 1);
		}
	}
	return first;
}

/* What computes M[0] and M[1] where they are used; returns the index of the first instruction. */
static unsigned prologue(struct sock_filter *prog, unsigned first)
{
	static const uint8_t vlan[][4] = { { BPF_LD, 0, 0, 0 }, { BPF_ST, 0, 0, 0 } };
	static const uint8_t radiotap[][4] = {		/* code, jt, jf, k */
		{ BPF_LD | BPF_ABS | BPF_B, 0, 0, 3 },	/* M[0]: the radiotap header's length, little-endian */
		{ BPF_ALU | BPF_LSH, 0, 0, 8 },
		{ BPF_MISC | BPF_TAX, 0, 0, 0 },
		{ BPF_LD | BPF_ABS | BPF_B, 0, 0, 2 },
		{ BPF_ALU | BPF_OR | BPF_X, 0, 0, 0 },
		{ BPF_ST, 0, 0, 0 },
		{ BPF_MISC | BPF_TAX, 0, 0, 0 },	/* M[1]: where the 802.11 header ends */
		{ BPF_ALU | BPF_ADD, 0, 0, 24 },
		{ BPF_ST, 0, 0, 1 },
		{ BPF_LD | BPF_IND | BPF_B, 0, 0, 0 },
		{ BPF_JMP | BPF_JSET, 0, 19, 8 },	/* a data frame? */
		{ BPF_JMP | BPF_JSET, 18, 0, 4 },
		{ BPF_JMP | BPF_JSET, 0, 3, 0x80 },	/* two bytes of QoS */
		{ BPF_LD | BPF_MEM, 0, 0, 1 },
		{ BPF_ALU | BPF_ADD, 0, 0, 2 },
		{ BPF_ST, 0, 0, 1 },
		{ BPF_LD | BPF_ABS | BPF_B, 0, 0, 7 },
		{ BPF_JMP | BPF_JSET, 12, 0, 0x80 },	/* radiotap extended: no more is known */
		{ BPF_LD | BPF_ABS | BPF_B, 0, 0, 4 },
		{ BPF_JMP | BPF_JSET, 0, 10, 2 },	/* its flags, after the TSFT if that is there, tell ... */
		{ BPF_JMP | BPF_JSET, 0, 2, 1 },
		{ BPF_LD | BPF_ABS | BPF_B, 0, 0, 16 },
		{ BPF_JMP | BPF_JSET, 2, 7, 0x20 },
		{ BPF_LD | BPF_ABS | BPF_B, 0, 0, 8 },
		{ BPF_JMP | BPF_JSET, 0, 5, 0x20 },
		{ BPF_LD | BPF_MEM, 0, 0, 1 },		/* ... of padding to a multiple of 4 */
		{ BPF_ALU | BPF_ADD, 0, 0, 3 },
		{ BPF_ALU | BPF_RSH, 0, 0, 2 },
		{ BPF_ALU | BPF_LSH, 0, 0, 2 },
		{ BPF_ST, 0, 0, 1 },
	};
	const uint8_t (*rows)[4] = radiotap;
	unsigned n = regs > 1 ? sizeof radiotap / sizeof *radiotap : 6;

	if (!regs)
		return first;
	if (layer.linktype != 127) {
		rows = vlan;
		n = 2;
	}
	while (n--)
		prog[--first] = (struct sock_filter){ rows[n][0], rows[n][1], rows[n][2], rows[n][3] };
	return first;
}

/* On a live cooked socket the data begins behind the cooked header, of which the kernel knows a few fields. */
static void uncook(struct sock_filter *s)
{
	static const uint8_t fields[][4] = {	/* header length, offset, size, what the kernel calls it */
		{ 16, 0, BPF_H, SKF_AD_PKTTYPE }, { 16, 14, BPF_H, SKF_AD_PROTOCOL },
		{ 20, 0, BPF_H, SKF_AD_PROTOCOL }, { 20, 4, BPF_W, SKF_AD_IFINDEX }, { 20, 10, BPF_B, SKF_AD_PKTTYPE },
	};
	unsigned mode = s->code & 0xe7, i;

	if (mode != (BPF_LD | BPF_ABS) && mode != (BPF_LD | BPF_IND) && mode != (BPF_LDX | BPF_MSH))
		return;
	if (mode == (BPF_LD | BPF_ABS) && s->k >= SKF_AD_OFF)
		return;
	if (s->k >= layer.cooked) {
		s->k -= layer.cooked;
		return;
	}
	for (i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i][0] == layer.cooked && fields[i][1] == s->k && (fields[i][2] | BPF_LD | BPF_ABS) == s->code) {
			s->k = SKF_AD_OFF + fields[i][3];
			return;
		}
	fail("reads the cooked header, which a live socket has not");
}

/* ---- bytecode ---- */

enum { NONE, ABSOLUTE, INDIRECT, PACKETLEN, HEADERLEN, MEMORY, HEX, DECIMAL, INDEX, TARGET };
static const char forms[][12] = {	/* how operands look */
	"", "[%]", "[x + %]", "#pktlen", "4*([%]&0xf)", "M[%]", "#0x$", "#%", "x", "%",
};

/* All the instructions there are. */
static const struct {
	uint8_t code;
	uint8_t operand;	/* its form */
	char name[5];
} opcodes[] = {
	{ 0x20, ABSOLUTE, "ld" }, { 0x28, ABSOLUTE, "ldh" }, { 0x30, ABSOLUTE, "ldb" }, { 0x80, PACKETLEN, "ld" },
	{ 0x40, INDIRECT, "ld" }, { 0x48, INDIRECT, "ldh" }, { 0x50, INDIRECT, "ldb" }, { 0x00, HEX, "ld" },
	{ 0x01, HEX, "ldx" }, { 0xb1, HEADERLEN, "ldxb" }, { 0x60, MEMORY, "ld" }, { 0x61, MEMORY, "ldx" },
	{ 0x02, MEMORY, "st" }, { 0x03, MEMORY, "stx" }, { 0x05, TARGET, "ja" },
	{ 0x15, HEX, "jeq" }, { 0x25, HEX, "jgt" }, { 0x35, HEX, "jge" }, { 0x45, HEX, "jset" },
	{ 0x1d, INDEX, "jeq" }, { 0x2d, INDEX, "jgt" }, { 0x3d, INDEX, "jge" }, { 0x4d, INDEX, "jset" },
	{ 0x04, DECIMAL, "add" }, { 0x14, DECIMAL, "sub" }, { 0x24, DECIMAL, "mul" }, { 0x34, DECIMAL, "div" },
	{ 0x44, HEX, "or" }, { 0x54, HEX, "and" }, { 0x64, DECIMAL, "lsh" }, { 0x74, DECIMAL, "rsh" },
	{ 0x94, DECIMAL, "mod" }, { 0xa4, HEX, "xor" },
	{ 0x0c, INDEX, "add" }, { 0x1c, INDEX, "sub" }, { 0x2c, INDEX, "mul" }, { 0x3c, INDEX, "div" },
	{ 0x4c, INDEX, "or" }, { 0x5c, INDEX, "and" }, { 0x6c, INDEX, "lsh" }, { 0x7c, INDEX, "rsh" },
	{ 0x9c, INDEX, "mod" }, { 0xac, INDEX, "xor" }, { 0x84, NONE, "neg" },
	{ 0x07, NONE, "tax" }, { 0x87, NONE, "txa" }, { 0x06, DECIMAL, "ret" }, { 0x16, NONE, "ret" },
};
enum { OPCODES = sizeof opcodes / sizeof *opcodes };

static unsigned find_opcode(unsigned code)
{
	unsigned i;

	for (i = 0; i < OPCODES && opcodes[i].code != code; i++)
		;
	return i;
}

/* What the kernel's bpf_check_classic() finds wrong with instruction i of n; NULL: nothing. */
static const char *bad_instruction(const struct sock_filter *s, unsigned i, unsigned n)
{
	unsigned op = s->code & 0xf0, class = s->code & 7, left = n - 1 - i;

	if (s->code > 255 || find_opcode(s->code) == OPCODES)
		return "no such instruction";
	if (class == BPF_ALU && !(s->code & BPF_X)) {
		if (!s->k && (op == BPF_DIV || op == BPF_MOD))
			return "division by zero";
		if (s->k > 31 && (op == BPF_LSH || op == BPF_RSH))
			return "shift by more than 31 bits";
	}
	if ((s->code & 0xe7) == (BPF_LD | BPF_ABS) && s->k >= SKF_AD_OFF && (s->k - SKF_AD_OFF >= SKF_AD_MAX || s->k & 3))
		return "no such metadata";
	if (class == BPF_JMP && (op ? s->jt > s->jf ? s->jt : s->jf : s->k) >= left)
		return "jumps out of the program";
	if (!left && class != BPF_RET)
		return "the last instruction is not ret";
	return NULL;
}

/* Is scratch memory written on every way to where it is read? The kernel refuses what is not. */
static int memory_is_sound(const struct sock_filter *prog, unsigned n)
{
	static uint16_t stored[BPF_MAXINSNS];	/* M[] written on all ways that jump here */
	unsigned i, now = 0xffff, bit;

	memset(stored, 0xff, sizeof stored);
	stored[0] = 0;
	for (i = 0; i < n; i++) {
		const struct sock_filter *s = prog + i;
		unsigned class = s->code & 7;

		now &= stored[i];
		bit = s->k < BPF_MEMWORDS ? 1u << s->k : 0x10000;
		if (class == BPF_ST || class == BPF_ST + 1)
			now |= bit;
		if ((class <= BPF_LDX && (s->code & 0xe0) == BPF_MEM) && !(now & bit))
			return 0;
		if (now & 0x10000)
			return 0;
		if (class != BPF_JMP)
			continue;
		if (s->code == BPF_JMP) {
			stored[i + 1 + s->k] &= (uint16_t)now;
		} else {
			stored[i + 1 + s->jt] &= (uint16_t)now;
			stored[i + 1 + s->jf] &= (uint16_t)now;
		}
		now = 0xffff;
	}
	return 1;
}

/* Is this text numbers only, and more than one? */
static int is_bytecode(const char *text)
{
	return digit(*text) < 10 && strpbrk(text, ", \t\r\n") && !text[strspn(text, "0123456789, \t\r\n")];
}

static uint32_t bytecode_number(uint32_t limit)
{
	uint32_t n = 0;

	in.at += in.len;
	in.at += strspn(in.at, ", \t\r\n");
	in.len = (unsigned)strspn(in.at, "0123456789");
	if (!in.len || !read_number(in.at, in.len, &n) || n > limit)
		fail("not a number in range");
	return n;
}

/* Read and check a compiled program; returns its length. */
static unsigned read_bytecode(struct sock_filter *prog, const char *text, uint32_t snaplen)
{
	const char *wrong;
	unsigned i, n;

	in.start = in.at = text;
	in.len = 0;
	n = bytecode_number(BPF_MAXINSNS);
	if (!n)
		fail("an empty program");
	for (i = 0; i < n && in.f; i++) {
		struct sock_filter *s = prog + i;

		s->code = (uint16_t)bytecode_number(0xffff);
		s->jt = (uint8_t)bytecode_number(0xff);
		s->jf = (uint8_t)bytecode_number(0xff);
		s->k = bytecode_number(UINT32_MAX);
		wrong = bad_instruction(s, i, n);
		if (wrong)
			fail(wrong);
		if (s->code == BPF_RET && s->k > snaplen)
			s->k = snaplen;
	}
	if (in.f && !memory_is_sound(prog, n))
		fail("scratch memory read before it is written");
	in.at += in.len;
	in.len = (unsigned)strlen(in.at);
	if (in.at[strspn(in.at, ", \t\r\n")])
		fail("more than the program says");
	return n;
}

/*
 * Compile f->rule and f->text into prog, which has room for BPF_MAXINSNS.
 * Returns the number of instructions, 1 or more; 0 after writing what is wrong to f->err.
 */
static unsigned filter_compile(const struct filter *f, struct sock_filter *prog)
{
	unsigned first = BPF_MAXINSNS, n = 0, i;
	struct ways w;

	in.f = f;
	values = prog;
	nops = FIRST;
	x_written = regs = 0;
	memset(ops, 0, FIRST * sizeof *ops);
	flow = ENTRY * 2;
	w = (struct ways){ flow, 0 };
	if (f->rule)
		w = whole(f, f->rule);
	enter(w, AND);
	if (is_bytecode(f->text)) {
		link_layer(f);
		n = read_bytecode(prog, f->text, f->snaplen);
		first -= n;
		memmove(prog + first, prog, n * sizeof *prog);
	} else {
		w = meet(w, AND, whole(f, f->text));
		if (w.yes)
			prog[--first] = (struct sock_filter){ .code = BPF_RET, .k = f->snaplen };
	}
	if (!in.f)
		return 0;
	first = assemble(prog, first, w);
	if (!in.f)
		return 0;
	first = prologue(prog, first);
	n = BPF_MAXINSNS - first;
	memmove(prog, prog + first, n * sizeof *prog);
	for (i = 0; i < n && layer.live && layer.cooked; i++)
		uncook(prog + i);
	return in.f ? n : 0;
}

/* ---- printing ---- */

/* A number as %d prints it. */
static void put_signed(char **s, char *end, uint32_t n)
{
	if (n >> 31) {
		put(s, end, '-');
		n = -n;
	}
	put_number(s, end, n, 10, 1);
}

/* An operand in its form: % is the number in decimal, $ in hex. */
static void put_operand(char **s, char *end, const char *form, uint32_t k)
{
	for (; *form; form++) {
		if (*form == '%')
			put_signed(s, end, k);
		else if (*form == '$')
			put_number(s, end, k, 16, 1);
		else
			put(s, end, *form);
	}
}

static void put_blanks(char **s, char *end, const char *from, unsigned width)
{
	while (*s < from + width && *s < end - 1)
		put(s, end, ' ');
}

/* One instruction in words, as tcpdump -d shows it. */
static void put_instruction(char **s, char *end, const struct sock_filter *p, unsigned i)
{
	static const char metadata[] = "proto type ifidx nla nlan mark queue hatype rxhash cpu xor_x vlan_tci vlanp poff "
		"random vlan_tpid ";
	const char *from, *name = metadata;
	unsigned op = find_opcode(p->code), which = (p->k - SKF_AD_OFF) / 4;

	put(s, end, '(');
	put_number(s, end, i, 10, 3);
	put_text(s, end, ") ");
	from = *s;
	put_text(s, end, opcodes[op].name);
	put_blanks(s, end, from, 9);
	from = *s;
	if (opcodes[op].operand == ABSOLUTE && p->k >= SKF_AD_OFF && p->k < SKF_AD_OFF + SKF_AD_MAX) {
		for (; which; which--)
			name = strchr(name, ' ') + 1;
		put(s, end, '[');
		while (*name != ' ')
			put(s, end, *name++);
		put(s, end, ']');
	} else {
		put_operand(s, end, forms[opcodes[op].operand], p->code == BPF_JMP ? i + 1 + p->k : p->k);
	}
	if ((p->code & 7) != BPF_JMP || p->code == BPF_JMP)
		return;
	put_blanks(s, end, from, 16);
	put_operand(s, end, " jt %", i + 1 + p->jt);
	put_operand(s, end, "\tjf %", i + 1 + p->jf);
}

enum { FILTER_LINE = 80 };	/* room for any line, its newline and NUL */

/*
 * Instruction i of n as tcpdump prints it, into line[FILTER_LINE], with its newline: detail 1 is -d, 2 -dd,
 * 3 -ddd (before the first instruction there is a line with their number). Returns the length.
 */
static unsigned filter_print(char *line, const struct sock_filter *prog, unsigned n, unsigned i, int detail)
{
	const struct sock_filter *p = prog + i;
	char *s = line, *end = line + FILTER_LINE;

	if (detail == 1) {
		put_instruction(&s, end, p, i);
	} else if (detail == 2) {
		put_operand(&s, end, "{ 0x$, ", p->code);
		put_operand(&s, end, "%, ", p->jt);
		put_operand(&s, end, "%, 0x", p->jf);
		put_number(&s, end, p->k, 16, 8);
		put_text(&s, end, " },");
	} else {
		if (!i)
			put_operand(&s, end, "%\n", n);
		put_operand(&s, end, "% ", p->code);
		put_operand(&s, end, "% ", p->jt);
		put_operand(&s, end, "% ", p->jf);
		put_number(&s, end, p->k, 10, 1);
	}
	put(&s, end, '\n');
	return (unsigned)(s - line);
}
