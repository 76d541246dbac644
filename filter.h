/* SPDX-License-Identifier: MIT */
/*
 * filter.h - pcap-filter(7) text in, classic BPF out
 *
 * A small compiler by the book, in one pass: words -> grammar -> tests on fields -> instructions.
 * It knows nothing of sockets: a function of its text alone, on static storage.
 *
 *	words		next_word() cuts the text as libpcap's scanner does
 *	instructions	an op has two ways out; a test leaves its yes and no ways open until it is
 *			known what comes next, so `and`, `or` and `not` only join lists of open ways
 *	definitions	`tcp`, `host`, `vlan` ... are defined in the filter language itself, by
 *			shorter words of it: see the table of definitions
 *	arithmetic	tcp[13] & 2 != 0
 *	primitives	what the words with qualifiers before them mean
 *	grammar		one operator-precedence parser for all of it
 *	assembly	ops to instructions, from the last to the first, so each jump's length is
 *			known
 *	bytecode	what `tcpdump -ddd` prints, checked as the kernel checks it
 */
#ifndef RAWCAP_FILTER_H
#define RAWCAP_FILTER_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "bpf.h"

/* What to compile, and for what. */
struct filter {
	/* must hold besides `text`, with offsets of its own; NULL: nothing */
	const char *rule;
	/* an expression, "" for everything, or the output of tcpdump -ddd */
	const char *text;
	int linktype;		/* LINKTYPE_ number of the link */
	/* 1: for a socket's filter, 0: for packets as they stand in a file */
	int live;
	uint32_t snaplen;	/* what an accepted packet returns */
	uint32_t netmask;	/* of the interface, for `ip broadcast`; 0: unknown */
	char *err;		/* gets one line without newline when it fails */
	size_t errsize;		/* of err, at least 1 */
};

/* ---- words ---- */

/* besides these: operator characters as themselves, negative, words from W_AND on */
enum token {
	T_END, T_NUMBER, T_IPV4, T_IPV6, T_MAC, T_NAME, T_FIELD,
	T_UNEQUAL, T_AT_LEAST, T_AT_MOST, T_LEFT, T_RIGHT, T_WORD,
};

/*
 * Lists of words. A word's value is one more than that of the word before it; the first has 0. `=c`
 * in front of a word sets the value to c, `+` makes it the same as the last one. Capital letters
 * stand for pieces of words.
 */
static const char *const pieces =
	"advert\0" "solicit\0" "router\0" "neighbor\0" "multicast\0" "listener\0" "discovery\0"
	"reply\0" "echo\0"
	"redirect\0" "data\0" "-ack\0" "-poll\0" "-cf\0" "qos\0" "-req\0" "-resp\0" "address\0"
	"tcp-\0" "icmp-\0" "icmp6-\0" "nodeinformation\0" "homeagent\0" "mobileprefix\0" "certpath";

/*
 * The words of the language. From W_IP on Ethernet types and SAPs, from W_AH on protocols over IP;
 * what they are to be compared with stands in numbers[].
 */
enum word {
	W_AND = T_WORD, W_OR, W_NOT, W_MASK,
	W_IP, W_IP6, W_ARP, W_RARP, W_DECNET, W_LAT, W_SCA, W_MOPRC, W_MOPDL, W_ISO, W_STP,
	W_NETBEUI,
	W_AH, W_ESP, W_TCP, W_UDP, W_SCTP, W_PIM, W_ICMP, W_IGMP, W_VRRP, W_IGRP, W_CARP, W_ICMP6,
	W_RADIO, W_ETHER,
	W_SRC, W_DST, W_ADDR1, W_ADDR2, W_ADDR3, W_ADDR4, W_RA, W_TA,
	W_HOST, W_NET, W_PORT, W_PORTRANGE, W_PROTO, W_PROTOCHAIN, W_GATEWAY,
	W_BROADCAST, W_MULTICAST, W_TYPE, W_SUBTYPE, W_DIR,
	W_LESS, W_GREATER, W_INBOUND, W_OUTBOUND, W_IFINDEX,
	W_VLAN, W_MPLS, W_PPPOED, W_PPPOES, W_LEN,
};
static const char *const keywords =
	"and or not mask "
	"ip ip6 arp rarp decnet lat sca moprc mopdl iso stp netbeui "
	"ah esp tcp udp sctp pim icmp igmp vrrp igrp carp icmp6 "
	"radio ether +link +ppp +slip +fddi +tr +wlan "
	"src dst addr1 +R1 addr2 +R2 addr3 +R3 addr4 +R4 ra ta "
	"host net port portrange proto protochain gateway "
	"broadcast E type subtype dir +direction "
	"less greater inbound outbound ifindex "
	"vlan mpls pppoed pppoes len +length ";

static const uint16_t numbers[] = {
	0x0800, 0x86dd, 0x0806, 0x8035, 0x6003, 0x6004, 0x6007, 0x6002, 0x6001, 0xfe, 0x42, 0xf0,
	51, 50, 6, 17, 132, 103, 1, 2, 112, 9, 112, 58,
};

/* /etc/protocols and /etc/services in small. A service goes by one transport only, or by both. */
static const char *const protocols =
	"=\4ipencap =\51ipv6 =\54ipv6-frag =\57gre =\72ipv6-icmp =\130eigrp ospf =\136ipip "
	"=\163l2tp ";
static const char *const services =
	"http imap2 imaps pop3 pop3s smtp ssh telnet ftp ftp-K bgp submission ldap mysql "
	"bootps bootpc tftp ntp snmp snmp-trap syslog isakmp openvpn "
	"domain https sunrpc nfs sip microsoft-ds ";
enum { TCP_SERVICES = 14, UDP_SERVICES = 23 };	/* up to here tcp, then udp, then both */
static const uint16_t service_ports[] = {
	80, 143, 993, 110, 995, 25, 22, 23, 21, 20, 179, 587, 389, 3306,
	67, 68, 69, 123, 161, 162, 514, 500, 1194,
	53, 443, 111, 2049, 5060, 445,
};

/* Words for numbers. */
static const char *const constants =
	"icmptype icmpcode =\15tcpflags =\0icmp6type icmp6code "
	"=\1Sfin Ssyn =\4Srst =\10Spush =\20Sack =\40Surg =\100Sece =\200Scwr "
	"=\0TIH =\3Tunreach Tsourcequench TJ =\10TI TCA TCB Ttimxceed Tparamprob Ttstamp TtstampH "
	"Tireq TireqH "
	"Tmaskreq TmaskH "
	"=\1Udestinationunreach Upackettoobig Utimeexceeded Uparameterproblem "
	"=\200UI UIH UEFquery UEFreportv1 UEFdone UCB UCA UDB UDA UJ UCrenum UVquery "
	"UVresponse UiDGB UiDGA UEFreportv2 UWGrequest UWGH UXB UXA UYB UYA =\227UECA UECB UECterm "
	"";

/* The words before a name or number, which hold for the ones after it, too; and where it stands. */
struct context {
	uint8_t proto;		/* 0: none */
	uint8_t dir;		/* W_SRC, W_DST, W_ADDR1 ...; W_AND or W_OR for both ends */
	/* W_HOST, W_NET, W_PORT, W_PORTRANGE, W_PROTO; 0: there are no such words in force */
	uint8_t type;
	uint8_t parens;		/* are there open ones? */
	uint8_t ids;		/* within: names and numbers only, as in port (80 or 443) */
	uint8_t unchecked;	/* within the right side of + - ... */
};

static struct input {
	const char *p;		/* where the next word is looked for */
	const char *at;		/* where the current word begins */
	/* of a number, IPv4 (left-justified), IPv6, MAC (its last 4 bytes, its first 2) */
	uint32_t value[4];
	unsigned len;		/* of the current word */
	int token;
	unsigned bits;		/* of IPv4: 8, 16, 24 or 32 */
	unsigned internal;	/* it is a definition that is read */
	unsigned first_value;	/* the values below belong to a number around this one */
	unsigned unfit;		/* the ways on which a check before the numbers failed */
	struct context now;
} in;

static const struct filter *job;
static const char *text_start;		/* for the column */
static const char *blame;		/* the user's word that is wrong, if any is */
static const char *last_number;		/* the last number alone */
static jmp_buf failed;
static unsigned steps;			/* taken so far: what bounds the time a text takes */
static uint32_t variables[26];		/* A to Z in definitions */
/* A to D, E to H: see the definitions */
static uint32_t *const want = variables, *const want_mask = variables + 4;

static uint32_t *var(int c)
{
	return &variables[c - 'A'];
}

/* Where text is written to, and the last place for a NUL behind it. */
static char *print_at, *print_end;

static void print_char(int c)
{
	if (print_at < print_end)
		*print_at++ = (char)c;
	*print_at = 0;
}

/* A number in base 10 or 16, of at least `width` digits, at least one. */
static void print_number(uint32_t n, unsigned base, unsigned width)
{
	char buffer[12], *d = buffer;

	do {
		*d++ = "0123456789abcdef"[n % base];
		n /= base;
	} while (n || width > (unsigned)(d - buffer));
	while (d > buffer)
		print_char(*--d);
}

/*
 * Text in which these stand for the next of the numbers: % and ! in decimal, signed and unsigned, ?
 * with at least three digits; ~ in hex, $ with #0x before it, @ with eight digits, ^ with two.
 */
static void print_form(const char *form, const uint32_t *n)
{
	static const char signs[] = "%\1!\1?\3~\1$\1@\10^\2";	/* and how many digits at least */
	const char *sign;

	for (; *form; form++) {
		for (sign = signs; *sign && *sign != *form; sign += 2)
			;
		if (!*sign) {
			print_char(*form);
			continue;
		}
		if (*form == '$')
			print_form("#0x", n);
		if (*form == '%' && *n >> 31) {
			print_char('-');
			print_number(-*n++, 10, 1);
		} else {
			print_number(*n++, sign < signs + 6 ? 10 : 16, (unsigned)sign[1]);
		}
	}
}

/* String n of a list of strings. */
static const char *nth(const char *list, unsigned n)
{
	while (n)
		n -= !*list++;
	return list;
}

/* The value of a digit in any base up to 36, more if it is none. */
static unsigned digit(int c)
{
	unsigned d = (unsigned)c - '0', letter = ((unsigned)c | 0x20) - 'a';

	return d < 10 ? d : letter < 26 ? letter + 10 : 99;
}

static int is_one_of(int c, const char *set)
{
	while (*set && *set != c)
		set++;
	return *set;
}

/* How many characters of a set s begins with. */
static unsigned span(const char *s, const char *set)
{
	unsigned n = 0;

	while (is_one_of(s[n], set))
		n++;
	return n;
}

/*
 * The length of the word at s: letters and digits with dots, dashes and underscores between, and
 * dots behind them.
 */
static unsigned word_length(const char *s)
{
	unsigned n, len = 0;

	for (n = 0; digit(s[n]) < 36 || (n && is_one_of(s[n], "._-")); n++)
		if (s[n] != '-' && s[n] != '_')
			len = n + 1;
	return len;
}

/* Say what is wrong with the current word, and give up. */
enum reason {
	UNEXPECTED, OUT_OF_RANGE, NO_PORT, NO_NAME, ALONE, MIXED, NO_LINK, NO_PROTOCOL,
	BAD_MASK, BY_ZERO, NO_KERNEL, TOO_LONG,
};
static _Noreturn void fail(enum reason reason)
{
	static const char *const reasons =
		"not expected here\0" "not a number in range\0" "not a port\0" "names are not "
		"looked up\0"
		"needs host, net, port or the like before it\0" "numbers and conditions mixed up "
		"before it\0"
		"not on this link type\0" "does not go with that protocol\0" "bits outside the "
		"mask\0"
		"divides by zero, or shifts by over 31 bits\0" "the kernel does not take this\0"
		"too long or nested too deep";
	uint32_t n;
	const char *p, *end;

	if (reason == NO_LINK && !*blame) {	/* it is the last word */
		while (blame > text_start && blame[-1] == ' ')
			blame--;
		while (blame > text_start && blame[-1] > ' ')
			blame--;
	}
	n = word_length(blame);
	p = blame;
	end = p + (n ? n : *p != 0);

	while (*blame && p > text_start && p[-1] == ' ')	/* and the word before it */
		p--;
	while (*blame && p > text_start && p[-1] >= 'a' && p[-1] <= 'z')
		p--;
	while (*p == ' ')
		p++;
	print_at = job->err;
	print_end = print_at + job->errsize - 1;
	for (; p < end && p < blame + 40; p++) {
		n = (unsigned char)*p;
		if (n >= ' ' && n < 127)
			print_char(*p);
		else
			print_form("\\x^", &n);
	}
	print_form(p < end ? "...: " : *blame ? ": " : "end: ", &n);
	print_form(nth(reasons, reason), &n);
	n = (uint32_t)(blame - text_start) + 1;
	print_form(" (column %)", &n);
	longjmp(failed, 1);
}

/* The end of the part of s that is the same as a word of a list; NULL if it differs. */
static const char *match(const char *word, const char *s)
{
	for (; s && *word > ' '; word++)
		if (*word >= 'A' && *word <= 'Z')
			s = match(nth(pieces, (unsigned)*word - 'A'), s);
		else
			s = *s == *word ? s + 1 : NULL;
	return s;
}

/* The value of a word in a list of words, -1 if it is not there. */
static int find_word(const char *list, const char *s, unsigned len)
{
	int value = 0;

	for (; *list; list++, value++) {
		if (*list == '=') {
			value = (unsigned char)list[1];
			list += 2;
		}
		if (*list == '+') {
			value--;
			list++;
		}
		if (match(list, s) == s + len)
			return value;
		while (*list != ' ')
			list++;
	}
	return -1;
}

/* what read_digits() read last; right up to 48 bits, above that only too large */
static uint64_t digits_value;

/* Read at most `max` digits at s; returns where they end. */
static const char *read_digits(const char *s, unsigned base, unsigned max)
{
	for (digits_value = 0; max && digit(*s) < base; max--, s++)
		if (!(digits_value >> 48))
			digits_value = digits_value * base + digit(*s);
	return s;
}

/* A number as C writes it; false if the word of that length is none. */
static int read_number(const char *s, unsigned len, uint32_t *value)
{
	const char *end = s + len;
	unsigned base = 10;

	if (*s == '0')
		base = 8;
	if (*s == '0' && (s[1] | 0x20) == 'x') {
		base = 16;
		s += 2;
	}
	if (s >= end || read_digits(s, base, ~0u) != end || digits_value > UINT32_MAX)
		return 0;
	*value = (uint32_t)digits_value;
	return 1;
}

/* a.b, a.b.c or a.b.c.d, also a alone: puts address and bits into `in`, returns where it ends. */
static const char *read_ipv4(const char *s)
{
	const char *end = s, *p;

	in.value[0] = 0;
	for (in.bits = 0; in.bits < 32; s = p + 1) {
		p = read_digits(s, 10, ~0u);
		if (p == s || digits_value > 255)
			break;
		end = p;
		in.bits += 8;
		in.value[0] |= (uint32_t)digits_value << (32 - in.bits);
		if (*p != '.')
			break;
	}
	return end;
}

/*
 * An IPv6 address in full or with ::, perhaps ending in dotted IPv4: its length, 0 if it is none.
 */
static unsigned read_ipv6(const char *s)
{
	const char *p = s, *q, *end;
	unsigned n = 0, gap = 8, i;
	uint16_t group[8];
	uint32_t v;

	while (n < 8) {
		q = p;
		if (n || *p == ':') {
			if (*q++ != ':')
				break;
			if (*q == ':' && gap == 8) {
				gap = n;
				p = ++q;
			} else if (!n) {
				break;
			}
		}
		end = read_digits(q, 16, 4);
		v = (uint32_t)digits_value;
		if (end == q)
			break;
		p = read_ipv4(q);
		if (in.bits == 32 && n < 7) {
			group[n++] = (uint16_t)(in.value[0] >> 16);
			v = in.value[0];
			end = p;
		}
		group[n++] = (uint16_t)v;
		p = end;
	}
	if ((n < 8) == (gap == 8))
		return 0;
	for (; n < 8; n++) {		/* a zero into the gap */
		for (i = n; i > gap; i--)
			group[i] = group[i - 1];
		group[gap] = 0;
	}
	for (i = 0; i < 8; i++)
		in.value[i / 2] = in.value[i / 2] << 16 | group[i];
	return (unsigned)(p - s);
}

/*
 * A MAC address: six groups of one or two digits between colons, dashes or dots, or aabb.ccdd.eeff,
 * or aabbccddeeff. Its length, 0 if it is none.
 */
static unsigned read_mac(const char *s)
{
	const char *p = s, *q;
	uint64_t mac = 0;
	unsigned width = (unsigned)(read_digits(s, 16, 13) - s), left;
	char separator = s[width];

	if (width == 1)
		width = 2;
	if (width != 12 && !is_one_of(separator, width == 2 ? ":-." : width == 4 ? "." : ""))
		return 0;
	for (left = 12; left; left -= width) {
		if (left < 12 && *p++ != separator)
			return 0;
		q = read_digits(p, 16, width);
		if (q == p || (width > 2 && q != p + width))
			return 0;
		mac = mac << width * 4 | digits_value;
		p = q;
	}
	in.value[0] = (uint32_t)mac;
	in.value[1] = (uint32_t)(mac >> 32);
	return (unsigned)(p - s);
}

/* What a word is that begins with a letter or digit; its length is known. */
static int read_word(void)
{
	int i;

	if (digit(*in.at) < 10) {
		if (read_number(in.at, in.len, in.value))
			return T_NUMBER;
		if (read_ipv4(in.at) == in.at + in.len && in.bits > 8)
			return T_IPV4;
		return T_NAME;
	}
	i = find_word(keywords, in.at, in.len);
	if (i >= 0)
		return i + T_WORD;
	i = find_word(constants, in.at, in.len);
	in.value[0] = (uint32_t)i;
	return i < 0 ? T_NAME : T_NUMBER;
}

/* The longest word at in.at: its token; its length in in.len. */
static int read_token(void)
{
	static const int8_t doubles[] = {
		'&', '&', W_AND, '|', '|', W_OR, '>', '=', T_AT_LEAST, '<', '=', T_AT_MOST,
		'!', '=', T_UNEQUAL, '=', '=', -'=', '<', '<', T_LEFT, '>', '>', T_RIGHT, 0,
	};
	const int8_t *d;
	const char *s = in.at;
	unsigned len;

	in.len = 1;
	if (in.internal && *s >= 'A' && *s <= 'Z') {
		*in.value = *var(*s);
		return T_NUMBER;
	}
	if (in.internal && (is_one_of(*s, "#$@") || (*s >= 'a' && s[1] < 'a')))
		return T_FIELD;
	if (in.internal && *s == ',')
		return W_AND;
	if (in.internal && *s == ';')
		return W_OR;
	len = word_length(s);
	if (!in.internal) {	/* definitions have none: half the time of long texts */
		in.len = read_ipv6(s);
		if (in.len)
			return T_IPV6;
		in.len = read_mac(s);
		if (in.len && in.len >= len)
			return T_MAC;
	}
	in.len = len;
	if (len)
		return read_word();
	if (*s == '\\') {
		for (in.at++; in.at[in.len] && !is_one_of(in.at[in.len], " !()\n\t"); in.len++)
			;
		return T_NAME;
	}
	in.len = 2;
	for (d = doubles; *d; d += 3)
		if (d[0] == *s && d[1] == s[1])
			return d[2];
	in.len = *s != 0;
	if (*s && (*s < ' ' || *s > '~'))
		return -'$';
	return *s == '!' ? W_NOT : -*s;
}

/*
 * Go on to the next word. A word costs as much time as 8 steps back over tests. 550,000 steps make
 * 4096 instructions of ports; 750,000 take some milliseconds.
 */
static void next_word(void)
{
	steps += 8;
	if (steps > 750000)
		fail(TOO_LONG);
	in.p += span(in.p, " \r\n\t");
	in.at = in.p;
	if (!in.internal)
		blame = in.at;
	in.token = read_token();
	in.p = in.at + in.len;
}

/* Is the current word this one? Then go on to the next. */
static int accept_token(int token)
{
	if (in.token != token)
		return 0;
	next_word();
	return 1;
}

/* ---- instructions ---- */

/*
 * An op is an instruction with two ways out: the first when it is a jump whose test is true or no
 * jump at all, the second when its test is false. A way's number is the op's index * 2 + 0 or 1.
 * Ways that lead to the same, still unknown place form a list through the `to` they will be written
 * to; 0 ends it.
 */
struct op {
	uint16_t code;
	/* the only way that leads here, 0: there are more; at assembly its place */
	uint16_t from;
	uint32_t k;
};
struct way {
	uint16_t to;		/* an op's index, once known */
	uint16_t a, x;		/* the ops that loaded A and X as they stand on it, 0: not known */
	/* on all ways here a test of the link layer's type was true: on this one; 0: none */
	uint16_t fact;
};
enum { ACCEPT, REJECT, ENTRY, FIRST };		/* indexes of ops with a meaning */

static struct op ops[BPF_PROGRAM_MAX];
static struct way ways[2 * BPF_PROGRAM_MAX];
static unsigned nops;

/*
 * What is emitted next is where the list `flow` leads; when that is empty it is dead code, and not
 * emitted. A condition ends with the ways on which it is true in `flow`, and those on which it is
 * false in `no`.
 */
static unsigned flow, no;
static int linking;		/* tests made now are of the link layer's type */

/* Put more ways at the end of a list. */
static void join_ways(unsigned *list, unsigned more)
{
	unsigned end = *list;

	if (!end) {
		*list = more;
		return;
	}
	while (ways[end].to)
		end = ways[end].to;
	ways[end].to = (uint16_t)more;
}

static void swap_ways(void)
{
	unsigned was = flow;

	flow = no;
	no = was;
}

/* The op that loaded X as it is on all ways of a list. */
static unsigned common_x(unsigned list)
{
	unsigned x = ways[list].x;

	for (; list; list = ways[list].to)
		if (ways[list].x != x)
			return 0;
	return x;
}

/* Lead the ways of a list to an op; returns the fact they all know. */
static unsigned lead_ways(unsigned list, unsigned target)
{
	unsigned rest, fact = ways[list].fact;

	ops[target].from = (uint16_t)(ways[list].to ? 0 : list);
	for (; list; list = rest) {
		rest = ways[list].to;
		ways[list].to = (uint16_t)target;
		if (ways[list].fact != fact)
			fact = 0;
	}
	return fact;
}

/* What flows on goes through this instruction; returns the op's index, 0 if there is none. */
static unsigned emit(unsigned code, uint32_t k)
{
	unsigned x = common_x(flow);

	/* that is in X already */
	if (!flow || ((code & 7) == OP_LDX && code == ops[x].code && k == ops[x].k))
		return 0;
	if (nops == BPF_PROGRAM_MAX)
		fail(TOO_LONG);
	if (code == OP_ST || code == (OP_MISC | OP_TAX))
		x = 0;
	if ((code & 7) == OP_LDX)
		x = nops;
	ops[nops] = (struct op){ .code = (uint16_t)code, .k = k };
	ways[nops * 2].fact = (uint16_t)lead_ways(flow, nops);
	flow = nops * 2;
	ways[flow].to = ways[flow].a = 0;
	ways[flow].x = (uint16_t)x;
	ways[flow + 1] = ways[flow];
	return nops++;
}

/* The result of a relation between two numbers. */
static unsigned holds(unsigned jump, uint32_t a, uint32_t k)
{
	return jump == OP_JEQ ? a == k : jump == OP_JSET ? (a & k) != 0 :
	    jump == OP_JGT ? a > k : a >= k;
}

/* A field against a constant. */
struct test {
	unsigned code;		/* of the load */
	uint32_t off, mask;
	unsigned jump;
	uint32_t k;
};

/* Is it this field that A holds on way w, with X as it is on way `now`? */
static int is_loaded(unsigned w, unsigned now, const struct test *t)
{
	unsigned a = ways[w].a;
	const struct op *o = &ops[a];

	if (t->mask != UINT32_MAX && (o->code != (OP_ALU | OP_AND) || o--->k != t->mask))
		return 0;
	return o->code == t->code && o->k == t->off &&
	    ((t->code & 0xe0) != OP_IND || (ways[now].x && ways[a * 2].x == ways[now].x));
}

/* tests that lie behind; more only make programs a little shorter */
enum { LOOK_BACK = 32 };
enum { IS_FALSE, IS_TRUE, IS_HELD, IS_OPEN };

/*
 * What the tests on the way here say about one that follows; IS_HELD: nothing, but A holds the
 * field.
 */
static unsigned is_decided(unsigned now, const struct test *t)
{
	unsigned n, w = ways[now].fact;

	if (is_loaded(w, now, t))
		return holds(t->jump, ops[w >> 1].k, t->k);
	for (n = 0, w = now; w && n < LOOK_BACK; n++, w = ops[w >> 1].from) {
		const struct op *o = &ops[w >> 1];

		steps++;
		if (!is_loaded(w, now, t))
			continue;
		if (o->code == (OP_JMP | t->jump) && o->k == t->k)
			return !(w & 1);
		if (o->code == (OP_JMP | OP_JEQ) && !(w & 1))
			return holds(t->jump, o->k, t->k);
	}
	return is_loaded(now, now, t) ? IS_HELD : IS_OPEN;
}

/* A test on A, which op `a` loaded. */
static void branch(unsigned jump, uint32_t k, unsigned a)
{
	unsigned yes = emit(OP_JMP | jump, k) * 2;

	no = 0;
	if (!yes)
		return;
	no = yes + 1;
	ways[yes].a = ways[no].a = (uint16_t)a;
	if (linking && jump == OP_JEQ)
		ways[yes].fact = (uint16_t)yes;
}

/*
 * A field against a constant. Ways on which A holds the field already skip the load,
 * those on which the answer is known skip the test as well.
 */
static void test(const struct test *t)
{
	unsigned lists[IS_OPEN + 1] = { 0 }, rest, a = 0, known;

	for (; flow; flow = rest) {
		rest = ways[flow].to;
		known = is_decided(flow, t);
		if (known == IS_HELD)
			a = ways[flow].a;
		ways[flow].to = (uint16_t)lists[known];
		lists[known] = flow;
	}
	flow = lists[IS_OPEN];
	if (flow) {
		a = emit(t->code, t->off);
		if (t->mask != UINT32_MAX)
			a = emit(OP_ALU | OP_AND, t->mask);
	}
	join_ways(&flow, lists[IS_HELD]);
	branch(t->jump, t->k, a);
	join_ways(&flow, lists[IS_TRUE]);
	join_ways(&no, lists[IS_FALSE]);
}

/* ---- link layer ---- */

enum kind { K_UNKNOWN, K_RAW, K_PPP, K_ETHERNET, K_WIRELESS, K_COOKED, K_PLAIN };

/* From where an offset counts: a constant, and for reg > 0 also M[reg - 1], known at run time. */
struct base {
	uint32_t off;
	uint32_t reg;
};

static const struct linktype {
	uint16_t linktype;	/* LINKTYPE_ number */
	uint8_t kind;
	uint8_t type, payload;	/* offsets of the type field and of what follows the link header */
} linktypes[] = {
	{ 1, K_ETHERNET, 12, 14 },	/* EN10MB */
	{ 101, K_RAW, 0, 0 },		/* RAW */
	{ 113, K_COOKED, 14, 16 },	/* LINUX_SLL */
	{ 276, K_PLAIN, 0, 20 },	/* LINUX_SLL2 */
	{ 127, K_WIRELESS, 0, 0 },	/* IEEE802_11_RADIO */
	{ 144, K_UNKNOWN, 14, 16 },	/* LINUX_IRDA, LINUX_LAPD, NETLINK: cooked, too */
	{ 177, K_UNKNOWN, 14, 16 },
	{ 253, K_UNKNOWN, 14, 16 },
	{ 0, K_UNKNOWN, 0, 0 },
};

static struct layer {
	struct base header, type, payload;	/* link header, its type field, what follows it */
	/* from the payload to the network header: LLC and SNAP, MPLS labels */
	uint32_t network;
	unsigned kind;
	/* length of the cooked header, which a live socket does not have; 0: not cooked */
	unsigned cooked;
	unsigned vlans, labels;	/* how many were named */
} layer;
static unsigned regs;		/* highest reg in use */

static void link_layer(int linktype)
{
	const struct linktype *l = linktypes;

	while (l->linktype && l->linktype != linktype)
		l++;
	layer = (struct layer){ .kind = l->kind, .type.off = l->type, .payload.off = l->payload };
	if (layer.payload.off >= 16)
		layer.cooked = layer.payload.off;
	if (layer.kind == K_WIRELESS) {
		layer.header.reg = 1;
		layer.payload.reg = 2;
		layer.network = 8;
	}
}

/* ---- arithmetic ---- */

enum result { LITERAL, CONSTANT, VALUE, CONDITION, ID };	/* what an expression is */
static uint32_t constant;		/* its value, of a LITERAL or CONSTANT */

/*
 * The code that computes a VALUE into A waits here until all the checks that must come before it
 * are made.
 */
/* BPF_PROGRAM_MAX of them: the program's own place, not used until assembly */
static struct bpf_instruction *values;
static unsigned nvalues;
static unsigned scratch;	/* the next free M[] */

static void value(unsigned code, uint32_t k)
{
	if (nvalues == BPF_PROGRAM_MAX || scratch > BPF_WORDS)
		fail(TOO_LONG);
	values[nvalues++] = (struct bpf_instruction){ .code = (uint16_t)code, .k = k };
}

static void flush(unsigned end)
{
	unsigned i;

	for (i = in.first_value; i < end; i++)
		emit(values[i].code, values[i].k);
	nvalues = in.first_value;
}

/* Does this instruction divide by zero or shift by more than 31 bits? The kernel refuses that. */
static int is_undefined(unsigned code, uint32_t k)
{
	return code == (OP_ALU | OP_DIV) || code == (OP_ALU | OP_MOD) ? !k :
	    k > 31 && (code == (OP_ALU | OP_LSH) || code == (OP_ALU | OP_RSH));
}

/*
 * left op right: the right one was computed last, a left VALUE stands in M[scratch], constants are
 * a and number.
 */
static enum result calculate(enum result left, uint32_t a, unsigned op, enum result right)
{
	if (right == VALUE) {
		value(OP_MISC | OP_TAX, 0);
		if (left == VALUE)
			value(OP_LD | OP_MEM, scratch);
		else
			value(OP_LD | OP_IMM, a);
		value(OP_ALU | OP_X | op, 0);
		return VALUE;
	}
	if (is_undefined(OP_ALU | op, constant))
		fail(BY_ZERO);
	if (left == VALUE) {
		if (op != OP_AND || constant != UINT32_MAX)
			value(OP_ALU | op, constant);
		return VALUE;
	}
	constant = bpf_compute(op, a, constant);
	return CONSTANT;
}

/* The bytes at base letter + offset, size 1, 2 or 4; kind is the offset's. */
static void read_bytes(int letter, enum result kind, unsigned size)
{
	struct base b = letter == 'h' ? layer.header : letter == 't' ? layer.type : layer.payload;
	unsigned code = OP_LD | OP_W, x = 0;

	if (letter == 'm' || letter == 'r')
		b = (struct base){ letter == 'm' ? BPF_META : 0, 0 };
	if (letter == 'n' || letter == 'i' || letter == 'j')
		b.off += layer.network;
	if (letter == 'j')
		b.off += 40;
	if (b.reg > regs)
		regs = b.reg;
	/* the IPv4 header's length becomes part of an offset in A */
	if (letter == 'i' && b.reg) {
		uint32_t offset = constant;

		if (kind == VALUE)
			value(OP_ST, scratch++);
		constant = 0;
		read_bytes('n', CONSTANT, 1);
		value(OP_ALU | OP_AND, 15);
		value(OP_ALU | OP_LSH, 2);
		if (kind == VALUE) {
			scratch--;
			calculate(VALUE, 0, OP_ADD, VALUE);
		} else {
			b.off += offset;
		}
		kind = VALUE;
	}
	if (b.reg)
		value(x = OP_LDX | OP_MEM, b.reg - 1);
	else if (letter == 'i')
		value(x = OP_LDX | OP_MSH | OP_B, b.off);
	if (kind == VALUE) {
		if (x)
			value(OP_ALU | OP_ADD | OP_X, 0);
		value(x = OP_MISC | OP_TAX, 0);
	} else {
		b.off += constant;
	}
	if (size == 1)
		code = OP_LD | OP_B;
	if (size == 2)
		code = OP_LD | OP_H;
	if (!x && b.off >> 31 && letter != 'm')
		fail(OUT_OF_RANGE);
	value(code | (x ? OP_IND : OP_ABS), b.off);
}

/* The condition that the VALUE and k are so related. */
static void compare_value(unsigned jump, uint32_t k)
{
	struct test t = { .mask = UINT32_MAX, .jump = jump, .k = k };
	const struct bpf_instruction *v = values + nvalues - 1;
	int negated;

	if (v->code == (OP_ALU | OP_AND))
		t.mask = v--->k;
	t.code = v->code;
	t.off = v->k;
	if ((t.code & 7) != OP_LD || (t.code & 0x60) == OP_MEM || t.code == OP_LD) {
		flush(nvalues);
		branch(jump, k, 0);
		return;
	}
	flush((unsigned)(v - values));
	negated = t.mask != UINT32_MAX && jump == OP_JEQ && !k;
	if (negated) {
		t.jump = OP_JSET;
		t.k = t.mask;
		t.mask = UINT32_MAX;
	}
	test(&t);
	if (negated)
		swap_ways();
}

enum { NEGATED = 1 };		/* the opposite of a jump */

/* Two numbers as they are related, as calculate() finds them. */
static void compare(enum result left, uint32_t a, unsigned relation, enum result right)
{
	unsigned jump = relation & 0xf0u, negated = relation & NEGATED;

	/* the right one is in A: a > b is not b >= a */
	if (right == VALUE && jump != OP_JEQ) {
		jump ^= OP_JGT ^ OP_JGE;
		negated ^= NEGATED;
	}
	if (left == VALUE && right == VALUE) {
		value(OP_LDX | OP_MEM, scratch);
		flush(nvalues);
		branch(jump | OP_X, 0, 0);
	} else if (left == VALUE || right == VALUE) {
		compare_value(jump, left == VALUE ? constant : a);
	} else {
		no = 0;
		if (!holds(jump, a, constant))
			swap_ways();
	}
	if (negated)
		swap_ways();
	join_ways(&no, in.unfit);
	in.unfit = 0;
}

/* ---- definitions ---- */

static int want_dir;		/* W_SRC, W_DST ...: at which end to look for what is wanted */

static enum result operand(void);
static enum result expression(unsigned level);
static enum result condition(enum result r);

/*
 * A definition is an expression of the language that is defined, with , for and, ; for or, and of
 *	n6:2	the field at offset 6 with 2 bytes, from: h the link header, t its type field,
 *		l what follows it, n the network header, i what follows an IPv4 header,
 *		j an IPv6 header, m metadata, r the start
 *	A	a variable; nA2: the field at offset A + 2
 *	#p0:2	definition p with O = 0 for the source, 2 for the destination, as the words before
 *		say; #p0 for O = 0
 *	@2048	the link layer says that this protocol follows
 *	$4	M[0] becomes 4
 * A to D are the address that is looked for and E to H its mask, or A and B two ports; N is a
 * number that the word before has, of a protocol or its own. Below, each text begins with its name:
 * from 0 on the kinds of link layers, from A on addr1 ...
 */
static const char *const definitions =
	"0\0" "1P=2048,n0&240=64;(P=34525,n0&240=96)\0" "2t0:2=P\0"
	"3P>1500,t0:2=P;(P<1501,t0:2<=1500,#l0)\0"
	"4h0&4=0,h0&8!=0,(P>1500,l6:2=P;(P<1501,#l0))\0" "5P>1500,t0:2=P;(P<1501,t0:2=4,#l0)\0"
	"6t0:2=P\0"
	"7n4294967294&1=1,#10\0"					/* 7: under MPLS labels */
	"lP=254;P=240;P=6,l0:2=P*257;(P!=254,P!=240,P!=6,l0=P)\0"	/* LLC SAPs */
	"pA=B,iO:2=A;(A!=B,iO:2>=A,iO:2<=B)\0"				/* a port, over IPv6 */
	"qA=B,jO:2=A;(A!=B,jO:2>=A,jO:2<=B)\0"
	"aE=0;nO:4&E=A\0"						/* an address, of IPv6 */
	"bE=0;nO:4&E=A,(F=0;nO4:4&F=B),(G=0;nO8:4&G=C),(H=0;nO12:4&H=D)\0"
	"mI=0,hO2:4=A,hO:2=B;(I=1,hO&1=1)\0"			/* a MAC address, on 802.11 */
	"wO=1,h0&4=0,(h0&8=0,#m4;(h0&8!=0,(h1&1=0,#m4;(h1&1!=0,#m16))));(O=0,h0&4=0,"
	"(h0&8=0,#m10;(h0&8!=0,(h1&2=0,#m10;(h1&2!=0,(h1&1=0,#m16;(h1&1!=0,#m24)))))))\0"
	"A#m4\0" "Bh0&12!=4;(h0&240!=192,h0&240!=208),#m10\0" "Ch0&12!=4,#m16\0" "Dh1&3=3,#m24\0"
	"Eh0&8!=0,#m4\0" "Fh0&8!=0,#B0\0"
	"t@33024;@34984;@37120,(N>4095;n0:2&4095=N)\0"		/* a tag, in metadata */
	"um48=1,(N>4095;m44&4095=N)";

/* The condition that a text describes. */
static void means(const char *text)
{
	struct input outer = in;

	no = 0;
	if (!flow)		/* dead code */
		return;
	in = (struct input){ .p = text, .internal = 1, .first_value = nvalues };
	next_word();
	condition(expression(1));
	in = outer;
}

/* The condition that the definition of that name describes. */
static void is_named(int name)
{
	const char *p = definitions;

	while (*p++ != name)
		while (*p++)
			;
	means(p);
}

/* PPP has numbers of its own for some. */
static uint32_t ppp_number(uint32_t proto)
{
	static const uint16_t pairs[] = {
		0x0800, 0x21, 0x86dd, 0x57, 0x6003, 0x27, 0xfe, 0x23, 0x42, 0x31, 0x8847, 0x281, 0,
	};
	const uint16_t *p;

	for (p = pairs; *p; p += 2)
		if (p[0] == proto)
			return p[1];
	return proto;
}

/* Does a packet of this Ethernet type, or with this LLC SAP, follow? */
static void link_is(uint32_t proto)
{
	if (flow && (layer.kind == K_UNKNOWN ||
	    (layer.labels && proto != 0x0800 && proto != 0x86dd)))
		fail(NO_LINK);
	*var('P') = layer.kind == K_PPP && !layer.labels ? ppp_number(proto) : proto;
	linking = !layer.labels;
	is_named(layer.labels ? '7' : '0' + (int)layer.kind);
	linking = 0;
}

/* What follows # in a definition. */
static void ends(void)
{
	int dir = want_dir, name = *in.p++;
	unsigned was, *decided = dir == W_AND ? &no : &flow;
	uint32_t source, destination;

	next_word();
	source = *in.value;
	next_word();
	if (accept_token(-':')) {
		destination = *in.value;
		next_word();
	} else {
		destination = source;
		dir = W_SRC;
	}
	if (flow)		/* in dead code O still belongs to the definition around this one */
		*var('O') = dir == W_DST ? destination : source;
	is_named(name);
	if (dir > W_OR)
		return;
	was = *decided;
	if (dir == W_OR)
		flow = no;
	*var('O') = destination;
	is_named(name);
	join_ways(decided, was);
}

/* ---- primitives ---- */

static uint32_t number_of(int proto)
{
	return proto ? numbers[proto - W_IP] : 0;
}

/* Over IPv4, IPv6 or both: versions 1, 2, 3. */
static void protocol_is(uint32_t n, unsigned versions)
{
	*var('N') = n;
	*var('V') = versions;
	means("V!=2,ip,n9=N;(V!=1,ip6,(n6=N;(n6=44,n40=N)))");
}

/* A protocol named alone. */
static void named_alone(int proto)
{
	if (proto >= W_RADIO)
		fail(NO_PROTOCOL);
	if (proto < W_AH)
		link_is(number_of(proto));
	else
		protocol_is(number_of(proto), proto < W_ICMP ? 3 : proto < W_ICMP6 ? 1 : 2);
}

static void protocol_number(uint32_t n)
{
	int proto = in.now.proto;

	if (proto == W_ETHER)
		link_is(n);
	else if (proto > W_IP6)
		fail(NO_PROTOCOL);
	else
		protocol_is(n, proto ? (unsigned)(proto - W_IP + 1) : 3);
}

static void port_is(int proto)
{
	if ((proto && (proto < W_TCP || proto > W_SCTP)) || want_dir > W_DST)
		fail(NO_PROTOCOL);
	if (want[0] > want[1]) {
		uint32_t least = want[1];

		want[1] = want[0];
		want[0] = least;
	}
	*var('N') = number_of(proto);
	means("ip6,(N!=0,n6=N;(N=0,(n6=6;n6=17;n6=132))),#q0:2;"
	    "(ip,(N!=0,n9=N;(N=0,(n9=6;n9=17;n9=132))),n6:2&8191=0,#p0:2)");
}

static void host_is(unsigned words)
{
	int proto = in.now.proto;

	if (!proto && layer.labels)
		proto = words == 4 ? W_IP6 : W_IP;
	if (want_dir > W_DST || (proto && (proto > W_RARP || (proto == W_IP6) != (words == 4))))
		fail(NO_PROTOCOL);
	*var('Q') = number_of(proto);
	means(words == 4 ? "ip6,#b8:24" :
	    "Q=0;Q=2048,ip,#a12:16;(Q=0;Q=2054,arp,#a14:24);(Q=0;Q=32821,rarp,#a14:24)");
}

/* A MAC address, or (I) any group address. */
static void mac_is(void)
{
	if (layer.kind != K_WIRELESS && (layer.kind != K_ETHERNET || want_dir > W_DST))
		fail(NO_LINK);
	if (want_dir > W_DST)
		is_named(want_dir - W_ADDR1 + 'A');
	else
		means(layer.kind == K_ETHERNET ? "#m6:0" : "#w0:1");
}

/* A mask of that many bits; beside it there must be nothing. */
static void set_mask(unsigned words, uint32_t bits)
{
	unsigned i, b;

	if (bits > words * 32)
		fail(OUT_OF_RANGE);
	for (i = 0; i < words; i++, bits -= b) {
		b = bits > 32 ? 32 : bits;
		want_mask[i] = b ? UINT32_MAX << (32 - b) : 0;
		if (want[i] & ~want_mask[i])
			fail(BAD_MASK);
	}
}

/* A number alone, as the qualifiers say. */
static void number_is(uint32_t n)
{
	unsigned bits = 32, type = in.now.type;

	want_dir = in.now.dir;
	want[0] = want[1] = n;
	blame = last_number;
	if (!type)
		fail(ALONE);
	if (type == W_PROTO) {
		protocol_number(n);
	} else if (type >= W_PORT) {
		if (n > 65535)
			fail(NO_PORT);
		port_is(in.now.proto);
	} else {
		for (; type == W_NET && want[0] && !(want[0] >> 24); bits -= 8)
			want[0] <<= 8;
		set_mask(1, bits);
		host_is(1);
	}
}

/* A service's port, by name or number; returns its transport, 0 if it goes by both. */
static int service(const char *s, unsigned len, uint32_t *n)
{
	int i = find_word(services, s, len);

	if (i < 0) {
		if (!read_number(s, len, n) || *n > 65535 || !len)
			fail(NO_PORT);
		return 0;
	}
	*n = service_ports[i];
	return i < TCP_SERVICES ? W_TCP : i < UDP_SERVICES ? W_UDP : 0;
}

static void named_ports(void)
{
	int from, to, proto = in.now.proto;
	unsigned len = in.len;

	if (in.now.type == W_PORTRANGE)
		for (len = 0; len < in.len && in.at[len] != '-'; len++)
			;
	from = to = service(in.at, len, &want[0]);
	want[1] = want[0];
	if (len < in.len)
		to = service(in.at + len + 1, in.len - len - 1, &want[1]);
	else if (in.now.type == W_PORTRANGE)
		fail(NO_PORT);
	if (from != to)
		from = 0;
	if (from && proto && proto != from)
		fail(NO_PROTOCOL);
	port_is((int)(from ? from : proto));
}

static void named_protocol(void)
{
	int i = find_word(keywords, in.at, in.len) + T_WORD, ether = in.now.proto == W_ETHER;

	if (ether ? i >= W_IP && i <= W_NETBEUI : i >= W_AH && i <= W_VRRP) {
		protocol_number(number_of(i));
		return;
	}
	i = find_word(ether ? "loopback " : protocols, in.at, in.len);
	if (i < 0)
		fail(NO_NAME);
	protocol_number(ether ? 0x9000 : (uint32_t)i);
}

/* An address and, behind it, the length of its mask or (IPv4) the mask. */
static void address_is(unsigned words)
{
	uint32_t bits = words == 1 ? in.bits : 128;
	unsigned type = in.now.type;
	int separator;

	if (type != W_HOST && type != W_NET)
		fail(UNEXPECTED);
	next_word();
	separator = in.token;
	if (separator == -'/' || (separator == W_MASK && words == 1)) {
		next_word();
		bits = *in.value;
		if (in.token != (separator == -'/' ? T_NUMBER : T_IPV4) ||
		    (type == W_HOST && bits != 128))
			fail(UNEXPECTED);
		next_word();
	}
	if (separator == W_MASK) {
		want_mask[0] = bits;
		if (want[0] & ~bits)
			fail(BAD_MASK);
	} else {
		set_mask(words, bits);
	}
	host_is(words);
}

/* A name or address, as the qualifiers say. */
static void name_is(void)
{
	unsigned type = in.now.type;

	if (!type)
		fail(ALONE);
	want_dir = in.now.dir;
	memcpy(want, in.value, sizeof in.value);
	if (in.token == T_IPV4 || in.token == T_IPV6) {
		address_is(in.token == T_IPV4 ? 1 : 4);
		return;
	}
	if (in.token == T_MAC) {
		if (in.now.proto != W_ETHER || type != W_HOST)
			fail(NO_PROTOCOL);
		*var('I') = 0;
		mac_is();
	} else if (type == W_PORT || type == W_PORTRANGE) {
		named_ports();
	} else if (type == W_PROTO) {
		named_protocol();
	} else {
		fail(NO_NAME);
	}
	next_word();
}

/* ---- grammar ---- */

/* operands within operands; each takes a few hundred bytes of stack */
enum { NESTING = 100 };
static unsigned depth;

/* A result as a condition: a number alone is what the qualifiers in force say. */
static enum result condition(enum result r)
{
	if (r == LITERAL) {
		number_is(constant);
		return ID;
	}
	if (r != ID && (r != CONDITION || in.now.ids))
		fail(MIXED);
	return r;
}

static void must(int token)
{
	if (in.token != token)
		fail(UNEXPECTED);
	next_word();
}

/* The current word as a number, up to a limit; the word after it becomes current. */
static uint32_t operand_number(uint32_t limit)
{
	uint32_t n = *in.value;

	if (in.token != T_NUMBER || n > limit)
		fail(OUT_OF_RANGE);
	next_word();
	return n;
}

/* proto[expression:size]: the current word is the bracket. */
static void indexed_bytes(int proto)
{
	unsigned here, failing, size = 1;
	uint32_t offset;
	enum result r;

	if (proto >= W_ISO && proto <= W_ESP)
		fail(NO_PROTOCOL);
	next_word();
	r = expression(3);
	offset = constant;
	if (r >= CONDITION)
		fail(MIXED);
	if (accept_token(-':')) {
		size = operand_number(4);
		if (!size || size == 3)
			fail(OUT_OF_RANGE);
	}
	must(-']');
	here = flow;
	no = 0;
	/* as libpcap: right of an operator there is no check of the protocol */
	if (in.now.unchecked)
		flow = 0;
	failing = in.unfit;
	if (proto < W_AH) {
		link_is(number_of(proto));
	} else if (proto == W_ICMP6) {
		means("ip6,n6=58");
	} else if (proto < W_RADIO) {
		*var('N') = number_of(proto);
		means("ip,n9=N,n6:2&8191=0");
	} else if (proto == W_RADIO && layer.kind != K_WIRELESS) {
		fail(NO_LINK);
	}
	join_ways(&no, failing);
	in.unfit = no;
	if (in.now.unchecked)
		flow = here;
	constant = offset;
	read_bytes(proto < W_AH ? 'n' : proto < W_ICMP6 ? 'i' : "jrh"[proto - W_ICMP6], r, size);
}

/* src, dst, src or dst, src and dst, addr1 ... */
static int direction(void)
{
	int dir = in.token, op;

	next_word();
	op = in.token;
	if ((dir != W_SRC && dir != W_DST) || (op != W_AND && op != W_OR))
		return dir;
	next_word();
	must(W_SRC + W_DST - dir);
	return op;
}

/* The current word as a number, or as its place in a list. */
static unsigned place(const char *list)
{
	int i = in.token == T_NUMBER ? (int)(*in.value & 0xff) : find_word(list, in.at, in.len);

	if (i < 0 || in.token == T_END)
		fail(NO_LINK);
	return (unsigned)i;
}

/*
 * type T, type T subtype S, subtype S, dir D: bits of the first byte of the 802.11 header, for dir
 * of the second
 */
static void frame_is(void)
{
	static const char *const subtypes =	/* 16 of each type */
		"assocP assocQ reassocP reassocQ probeP probeQ =\10beacon atim disassoc auth "
		"deauth "
		"=\32psM rts cts ack cf-end cf-endL K KNL KNM KNLM null cfL cfM cfLM "
		"O-K O-KNL O-KNM O-KNLM O =\56ONM ONLM ";
	unsigned type = 0, mask = 12, n;
	int what = in.token;

	if (layer.kind != K_WIRELESS)
		fail(NO_LINK);
	next_word();
	if (what == W_DIR) {
		mask = 3;
		type = place("nods tods fromds dstods ");
		next_word();
	}
	if (what == W_TYPE) {
		type = place("mgt +management ctl +control K ");
		if (in.token != T_NUMBER)
			type *= 4;
		next_word();
	}
	if (what == W_SUBTYPE || (what == W_TYPE && accept_token(W_SUBTYPE))) {
		n = place(subtypes);
		if (in.token != T_NUMBER)
			n = n % 16 * 16 | n / 16 * 4;
		else
			n |= type;
		if (what == W_SUBTYPE)
			type = in.token != T_NUMBER ? n & 12 : 16;
		if ((n & 15) != type)
			fail(NO_LINK);
		type = n;
		mask = 0xfc;
		next_word();
	}
	*var('O') = mask == 3;
	*var('M') = mask;
	*var('N') = type;
	if (type & ~mask && what != W_DIR)
		fail(NO_LINK);
	means("hO&M=N");
}

/* After an optional protocol: what is asked about it. */
static enum result primitive(int proto)
{
	int token = in.token;
	uint8_t ids = in.now.ids;

	if (token == -'[' && proto) {
		indexed_bytes(proto);
		return VALUE;
	}
	in.now.proto = (uint8_t)proto;
	in.now.dir = W_OR;
	if (token == W_BROADCAST || token == W_MULTICAST) {
		want_dir = W_DST;
		want[0] = UINT32_MAX;
		want[1] = 0xffff;
		*var('I') = token == W_MULTICAST;
		*var('M') = ~job->netmask;
		if (!proto || proto == W_ETHER)
			mac_is();
		else if (proto == W_IP)
			means(token == W_MULTICAST ? "ip,n16>=224" : "ip,(n16:4&M=0;n16:4&M=M)");
		else if (proto == W_IP6 && token == W_MULTICAST)
			means("ip6,n24=255");
		else
			fail(NO_PROTOCOL);
		next_word();
	} else if (token == W_PROTOCHAIN || token == W_GATEWAY) {
		fail(token == W_GATEWAY ? NO_NAME : NO_KERNEL);
	} else if (token >= W_TYPE && token <= W_DIR) {
		frame_is();
	} else if (token < W_SRC || token > W_DIR) {
		named_alone(proto);
	} else {
		in.now.type = W_HOST;
		if (token <= W_TA)
			in.now.dir = (uint8_t)direction();
		if (token == W_PROTO || (in.token >= W_HOST && in.token <= W_PORTRANGE)) {
			in.now.type = (uint8_t)in.token;
			next_word();
		}
		in.now.ids = 1;
		condition(operand());
		in.now.ids = ids;
		return CONDITION;
	}
	in.now.type = 0;
	return CONDITION;
}

/*
 * N = the number that may follow, in parentheses or not, up to a limit; above that if there is
 * none.
 */
static void optional(uint32_t limit)
{
	unsigned parens = 0;

	for (; accept_token(-'('); parens++)
		;
	*var('N') = UINT32_MAX;
	if (in.token == T_NUMBER || parens)
		*var('N') = operand_number(limit);
	for (; parens; parens--)
		must(-')');
}

/*
 * What follows `vlan` counts from behind the tag, to the end of the expression. The kernel keeps
 * the outermost tag in metadata, so a live program looks there first; then what follows stands
 * where it stood: M[0] says.
 */
static void vlan_is(void)
{
	if (layer.labels || layer.kind < K_ETHERNET)
		fail(NO_LINK);
	if (!job->live || layer.kind == K_WIRELESS || layer.vlans++) {
		is_named('t');
		layer.type.off = layer.payload.off + 2;
		layer.payload.off += 4;
	} else if (layer.kind >= K_COOKED) {
		is_named('u');
	} else {
		means("#u0;(m48!=1,$4,#t0)");
		layer.type.reg = layer.payload.reg = regs = 1;
	}
}

static void mpls_is(void)
{
	*var('K') = layer.labels;
	if (!layer.labels && layer.kind != K_ETHERNET && layer.kind != K_PPP)
		fail(NO_LINK);
	means("K=0,@34887;(K=1,n4294967294&1=0),(N>1048575;n0:4>>12=N)");
	layer.network += 4;
	layer.labels = 1;
}

/* What follows `pppoes` counts from the PPP header on, to the end of the expression. */
static void pppoes_is(void)
{
	means("@34916,(N>65535;n2:2=N)");
	layer.header = layer.payload;
	layer.header.off += layer.network + 6;
	layer.type = layer.payload = layer.header;
	layer.payload.off += 2;
	layer.network = 0;
	layer.kind = K_PPP;
}

/* The words that are primitives by themselves, with or without a number. */
static void numbered_word(int token)
{
	in.now.type = 0;
	*var('L') = (uint32_t)job->linktype;
	switch (token) {
	case W_VLAN:
		optional(4095);
		vlan_is();
		return;
	case W_MPLS:
		optional(0xfffff);
		mpls_is();
		return;
	case W_PPPOES:
		optional(0xffff);
		pppoes_is();
		return;
	case W_PPPOED:
		means("@34915");
		return;
	case W_INBOUND: case W_OUTBOUND:
		means("L=113,h0:2=4;(L=276,h10=4);(L!=113,L!=276,m4=4)");
		if (token == W_INBOUND)
			swap_ways();
		return;
	}
	*var('N') = operand_number(UINT32_MAX);
	means(token == W_LESS ? "len<=N" : token == W_GREATER ? "len>=N" :
	    "L=276,h4:4=N;(L!=276,m8=N)");
}

/* What begins with a word. */
static enum result word(void)
{
	int token = in.token;

	if (token < W_IP)
		fail(UNEXPECTED);
	if (token >= W_SRC && token <= W_DIR)
		return primitive(0);
	next_word();
	if (token <= W_ETHER)
		return primitive(token);
	if (token == W_LEN) {
		value(OP_LD | OP_LEN, 0);
		return VALUE;
	}
	numbered_word(token);
	return CONDITION;
}

/* What only definitions have. */
static enum result internal_operand(void)
{
	int letter = *in.at;
	unsigned size = 1;

	if (letter == '#') {
		ends();
		return CONDITION;
	}
	next_word();
	constant = *in.value;
	next_word();
	if (letter == '@') {
		link_is(constant);
		return CONDITION;
	}
	if (letter == '$') {
		emit(OP_LD, constant);
		emit(OP_ST, 0);
		return CONDITION;
	}
	if (in.token == T_NUMBER) {
		constant += *in.value;
		next_word();
	}
	if (accept_token(-':')) {
		size = *in.value;
		next_word();
	}
	read_bytes(letter, LITERAL, size);
	return VALUE;
}

/*
 * A number, an address, a primitive, something in parentheses, or a not or minus and what it is
 * about.
 */
static enum result operand(void)
{
	struct context was = in.now;
	int negated = 0;
	enum result r;

	if (++depth > NESTING)
		fail(TOO_LONG);
	constant = *in.value;
	no = 0;
	if (!in.internal)
		last_number = blame;
	if (in.token == T_FIELD) {
		r = internal_operand();
	} else if (in.token == W_NOT) {
		for (; accept_token(W_NOT); negated = !negated)
			;
		r = condition(expression(2));
		if (negated)
			swap_ways();
	} else if (accept_token(-'(')) {
		in.now.parens = 1;
		r = expression(1);
		must(-')');
		in.now = was;
	} else if (accept_token(-'-')) {
		r = expression(8);
		if (r >= CONDITION)
			fail(MIXED);
		r = calculate(CONSTANT, 0, OP_SUB, r);
	} else if (accept_token(T_NUMBER)) {
		r = LITERAL;
	} else if (in.token >= T_IPV4 && in.token <= T_NAME) {
		name_is();
		r = ID;
	} else {
		r = word();
	}
	depth--;
	return r;
}

static const struct operator {
	int8_t token;
	uint8_t tight;		/* how tight it binds, 1 to 8 */
	uint8_t computes;	/* or how it relates */
} operators[] = {
	{ W_AND, 1, 0 }, { W_OR, 1, 0 },
	{ -'=', 2, OP_JEQ }, { T_UNEQUAL, 2, OP_JEQ | NEGATED },
	{ -'<', 2, OP_JGE | NEGATED }, { -'>', 2, OP_JGT },
	{ T_AT_MOST, 2, OP_JGT | NEGATED }, { T_AT_LEAST, 2, OP_JGE },
	{ -'|', 3, OP_OR }, { -'&', 4, OP_AND },
	{ T_LEFT, 5, OP_LSH }, { T_RIGHT, 5, OP_RSH },
	{ -'+', 6, OP_ADD }, { -'-', 6, OP_SUB },
	{ -'*', 7, OP_MUL }, { -'/', 7, OP_DIV },
	/* these take all arithmetic to their right, as libpcap's do */
	{ -'%', 8, OP_MOD }, { -'^', 8, OP_XOR },
	{ T_END, 0, 0 },
};

/* Operands with operators between them that bind at least as tight as `level`. */
static enum result expression(unsigned level)
{
	const struct operator *o;
	enum result r = operand(), right;
	unsigned was;
	uint32_t a;
	int token;
	uint8_t unchecked;

	for (;;) {
		token = in.token;
		for (o = operators; o->token && o->token != token; o++)
			;
		if (o->tight < level)
			return r;
		if (o->tight == 1) {
			unsigned *decided = token == W_AND ? &no : &flow;

			r = condition(r);
			if (r == ID && in.now.parens)
				in.now.ids = 1;
			was = *decided;
			if (token == W_OR)
				flow = no;
			next_word();
			condition(expression(2));
			join_ways(decided, was);
			continue;
		}
		a = constant;
		if (r == VALUE)		/* taken back when the right side is constant */
			value(OP_ST, scratch++);
		next_word();
		unchecked = in.now.unchecked;
		in.now.unchecked |= o->tight > 2;
		right = expression(o->tight == 8 ? 3 : o->tight + 1u);
		in.now.unchecked = unchecked;
		if (r >= CONDITION || right >= CONDITION)
			fail(MIXED);
		if (r == VALUE) {
			scratch--;
			nvalues -= right != VALUE;
		}
		if (o->tight > 2) {
			r = calculate(r, a, o->computes, right);
			continue;
		}
		compare(r, a, o->computes, right);
		r = CONDITION;
		in.now.type = 0;
	}
}

/* hardly any longer text makes less than 4096 instructions; answers take milliseconds */
enum { LONGEST = 16384 };

/* One whole text as a condition; an empty one is always true. */
static void whole_text(const char *text)
{
	in = (struct input){ .p = text };
	blame = text_start = text;
	nvalues = depth = no = 0;
	scratch = 2;		/* M[0] and M[1] are for offsets known at run time */
	while (*text)
		if (text++ - text_start == LONGEST)
			fail(TOO_LONG);
	link_layer(job->linktype);
	next_word();
	if (in.token)
		condition(expression(1));
	if (in.token)
		fail(UNEXPECTED);
}

/* ---- assembly ---- */
/*
 * Lay out the ops in front of prog[first], which is where accepted packets go on; from the last to
 * the first, because all jumps lead forward: where they end is known. Returns the index of the
 * first instruction.
 */
static unsigned assemble(struct bpf_instruction *prog, unsigned first)
{
	unsigned i, side, to[2] = { 0, 0 };

	lead_ways(flow, ACCEPT);
	lead_ways(no, REJECT);
	ops[ACCEPT].from = (uint16_t)first;
	if (no)
		prog[--first] = (struct bpf_instruction){ .code = OP_RET };
	ops[REJECT].from = (uint16_t)first;
	for (i = nops; i-- > ENTRY; ) {
		struct op *o = &ops[i];
		unsigned jump = (o->code & 7) == OP_JMP;

		if (first < 40)		/* room for what one op takes, and for the prologue */
			fail(TOO_LONG);
		for (side = 0; side <= jump; side++) {
			to[side] = ops[ways[i * 2 + side].to].from;
			if (to[side] - first < (jump ? 254 : 1))
				continue;
			prog[first - 1] = (struct bpf_instruction){
				.code = OP_JMP, .k = to[side] - first,
			};
			to[side] = --first;
		}
		if (i == ENTRY)
			break;
		if (!jump)
			to[1] = to[0];
		o->from = (uint16_t)--first;
		prog[first] = (struct bpf_instruction){
			o->code, (uint8_t)(to[0] - first - 1), (uint8_t)(to[1] - first - 1), o->k,
		};
	}
	return first;
}

/* What computes M[0] and M[1] where they are used; returns the index of the first instruction. */
static unsigned prologue(struct bpf_instruction *prog, unsigned first)
{
	static const uint8_t vlan[][4] = { { OP_LD, 0, 0, 0 }, { OP_ST, 0, 0, 0 } };
	static const uint8_t radiotap[][4] = {		/* code, jt, jf, k */
		/* M[0]: the radiotap header's length, little-endian */
		{ OP_LD | OP_ABS | OP_B, 0, 0, 3 },
		{ OP_ALU | OP_LSH, 0, 0, 8 },
		{ OP_MISC | OP_TAX, 0, 0, 0 },
		{ OP_LD | OP_ABS | OP_B, 0, 0, 2 },
		{ OP_ALU | OP_OR | OP_X, 0, 0, 0 },
		{ OP_ST, 0, 0, 0 },
		{ OP_MISC | OP_TAX, 0, 0, 0 },	/* M[1]: where the 802.11 header ends */
		{ OP_ALU | OP_ADD, 0, 0, 24 },
		{ OP_ST, 0, 0, 1 },
		{ OP_LD | OP_IND | OP_B, 0, 0, 0 },
		{ OP_JMP | OP_JSET, 0, 19, 8 },	/* a data frame? */
		{ OP_JMP | OP_JSET, 18, 0, 4 },
		{ OP_JMP | OP_JSET, 0, 3, 0x80 },	/* two bytes of QoS */
		{ OP_LD | OP_MEM, 0, 0, 1 },
		{ OP_ALU | OP_ADD, 0, 0, 2 },
		{ OP_ST, 0, 0, 1 },
		{ OP_LD | OP_ABS | OP_B, 0, 0, 7 },
		{ OP_JMP | OP_JSET, 12, 0, 0x80 },	/* radiotap extended: no more is known */
		{ OP_LD | OP_ABS | OP_B, 0, 0, 4 },
		/* its flags, after the TSFT if that is there, tell ... */
		{ OP_JMP | OP_JSET, 0, 10, 2 },
		{ OP_JMP | OP_JSET, 0, 2, 1 },
		{ OP_LD | OP_ABS | OP_B, 0, 0, 16 },
		{ OP_JMP | OP_JSET, 2, 7, 0x20 },
		{ OP_LD | OP_ABS | OP_B, 0, 0, 8 },
		{ OP_JMP | OP_JSET, 0, 5, 0x20 },
		{ OP_LD | OP_MEM, 0, 0, 1 },		/* ... of padding to a multiple of 4 */
		{ OP_ALU | OP_ADD, 0, 0, 3 },
		{ OP_ALU | OP_RSH, 0, 0, 2 },
		{ OP_ALU | OP_LSH, 0, 0, 2 },
		{ OP_ST, 0, 0, 1 },
	};
	const uint8_t (*rows)[4] = radiotap;
	unsigned n = regs > 1 ? sizeof radiotap / sizeof *radiotap : 6;

	if (!regs)
		return first;
	if (job->linktype != 127) {
		rows = vlan;
		n = 2;
	}
	while (n--)
		prog[--first] = (struct bpf_instruction){
			rows[n][0], rows[n][1], rows[n][2], rows[n][3],
		};
	return first;
}

/*
 * On a live cooked socket the data begins behind the cooked header, of which the kernel knows a few
 * fields.
 */
static void uncook(struct bpf_instruction *s)
{
	/* header length, offset, code, what the kernel calls it */
	static const uint8_t fields[] = {
		16, 0, OP_LD | OP_ABS | OP_H, META_PKTTYPE,
		16, 14, OP_LD | OP_ABS | OP_H, META_PROTOCOL,
		20, 0, OP_LD | OP_ABS | OP_H, META_PROTOCOL,
		20, 4, OP_LD | OP_ABS | OP_W, META_IFINDEX,
		20, 10, OP_LD | OP_ABS | OP_B, META_PKTTYPE,
		0,
	};
	const uint8_t *f;
	unsigned mode = s->code & 0xe7;

	if ((mode != (OP_LD | OP_IND) && mode != (OP_LDX | OP_MSH)) &&
	    (mode != (OP_LD | OP_ABS) || s->k >= BPF_META))
		return;
	if (s->k >= layer.cooked) {
		s->k -= layer.cooked;
		return;
	}
	for (f = fields; *f; f += 4)
		if (f[0] == layer.cooked && f[1] == s->k && f[2] == s->code) {
			s->k = BPF_META + f[3];
			return;
		}
	fail(NO_KERNEL);
}

/* ---- bytecode ---- */

/* Is this text numbers only, and more than one? */
static int is_bytecode(const char *text)
{
	unsigned n = span(text, "0123456789");

	return n && text[n] && !text[span(text, "0123456789, \t\r\n")];
}

static uint32_t bytecode_number(uint32_t limit)
{
	uint32_t n;

	blame = in.p + span(in.p, ", \t\r\n");
	in.len = span(blame, "0123456789");
	in.p = blame + in.len;
	if (!read_number(blame, in.len, &n) || n > limit)
		fail(OUT_OF_RANGE);
	return n;
}

/* Blame the last number of an instruction, counted from 1. */
static void blame_instruction(unsigned number)
{
	in.p = job->text;
	bytecode_number(UINT32_MAX);
	for (; number; number--)
		for (unsigned i = 0; i < 4; i++)
			bytecode_number(UINT32_MAX);
}

/* Read and check a compiled program, to the end of the room; returns its length. */
static unsigned read_bytecode(struct bpf_instruction *prog)
{
	unsigned i, n, refused;

	in.p = text_start = job->text;
	n = bytecode_number(BPF_PROGRAM_MAX);
	prog += BPF_PROGRAM_MAX - n;
	for (i = 0; i < n; i++) {
		prog[i].code = (uint16_t)bytecode_number(255);
		prog[i].jt = (uint8_t)bytecode_number(255);
		prog[i].jf = (uint8_t)bytecode_number(255);
		prog[i].k = bytecode_number(UINT32_MAX);
		if (prog[i].code == OP_RET && prog[i].k > job->snaplen)
			prog[i].k = job->snaplen;
	}
	blame = in.p + span(in.p, ", \t\r\n");
	if (*blame || !n)
		fail(UNEXPECTED);
	refused = bpf_check(prog, n);
	if (refused) {
		blame_instruction(refused);
		fail(NO_KERNEL);
	}
	return n;
}

static unsigned compile(struct bpf_instruction *prog)
{
	unsigned first = BPF_PROGRAM_MAX, n, failing = 0;

	values = prog;
	nops = FIRST;
	steps = regs = 0;
	linking = 0;
	flow = ENTRY * 2;
	ways[flow] = (struct way){ 0 };
	if (job->rule) {
		whole_text(job->rule);
		failing = no;
	}
	if (is_bytecode(job->text)) {
		link_layer(job->linktype);
		first -= read_bytecode(prog);
		no = 0;
	} else {
		whole_text(job->text);
		if (flow)
			prog[--first] = (struct bpf_instruction){ .code = OP_RET, .k = job->snaplen };
	}
	join_ways(&no, failing);
	if (!flow) {		/* nothing can be accepted: no need to look */
		nops = FIRST;
		regs = 0;
		no = ENTRY * 2;
		ways[no].to = 0;
	}
	first = prologue(prog, assemble(prog, first));
	for (n = 0; first < BPF_PROGRAM_MAX; first++, n++) {
		prog[n] = prog[first];
		if (job->live && layer.cooked)
			uncook(prog + n);
	}
	return n;
}

/*
 * Compile f->rule and f->text into prog, which has room for BPF_PROGRAM_MAX.
 * Returns the number of instructions, 1 or more; 0 after writing what is wrong to f->err.
 */
static unsigned filter_compile(const struct filter *f, struct bpf_instruction *prog)
{
	job = f;
	return setjmp(failed) ? 0 : compile(prog);
}

#endif
