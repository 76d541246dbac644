/* SPDX-License-Identifier: MIT
 *
 * show.h: one packet -> one line of text, in the shape of `tcpdump -nnS`.
 * The short names of its words are macros: include it last.
 *
 * A pure function of the bytes it is given: no state between packets, no allocation, no I/O, no
 * name looked up. The bytes are the most hostile input there is, so all of them are read in one
 * place, line_get(), which knows where the captured bytes end. The first read past that end makes
 * the line "cut": from there on line_get() gives 0, line_put() writes nothing, and the line is
 * closed with " [|tcp]" (the layer that was cut) as tcpdump does. The layers need not check
 * anything else, only not loop for ever on zeros.
 *
 * Most of a layer is a text: characters to print, and between them words (below) that take the
 * next bytes of the packet. A table is rows of two bytes of key, a text, "\n". What a text
 * cannot say is a function. So a new protocol is a text or a function, its word, and a row in
 * the table of the layer below it.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stddef.h>
#include <stdint.h>

enum {
	SHOW_LINE = 1024,	/* bytes that hold a line; of a longer one the rest is left out */
	SHOW_ASCII = 1,		/* -X, -XX: the characters beside the hex */
	SHOW_WHOLE = 2,		/* -xx, -XX: from the link header on */
	SHOW_HEX_LINE = 72,	/* bytes that hold any line of hex */
};

/* A packet to show, and how: what the caller sets. */
struct show {
	const unsigned char *bytes;
	uint32_t caplen;	/* bytes there are, at most 262144 */
	uint32_t origlen;	/* bytes there were on the wire */
	uint32_t linktype;	/* LINKTYPE_..., see show_link() */
	uint32_t sec, nsec;	/* since 1970 UTC; nsec is 0..999999999 */
	uint8_t stamp;		/* times -t was given: 0 hh:mm:ss.uuuuuu, 1 none, 2 sec.uuuuuu */
	uint8_t nano;		/* 1: of nine digits; or 0, of six */
	uint8_t link;		/* 1 for -e, the link header too; or 0 */
	uint8_t hex;		/* what show_hex shows: SHOW_ASCII, SHOW_WHOLE */

	/* What is known while the line is written. Places are offsets from the first byte. */
	uint8_t ether;		/* 1: the link header is shown, for -e, or for want of more; or 0 */
	uint8_t cut;		/* something was to be read that is not there */
	uint8_t depth;		/* layers entered */
	uint8_t six;		/* 1 if the IP header is one of IPv6 */
	uint8_t addressed;	/* its addresses are in the line */
	uint8_t fragment;	/* it is one of several, the first */
	uint8_t next;		/* the protocol it carries */
	uint32_t net;		/* the source address in it */
	uint32_t at;		/* next byte to read */
	uint32_t end;		/* no byte from here on: not captured, or not of this layer */
	uint32_t base;		/* first byte of the layer */
	uint32_t len;		/* bytes of the layer on the wire, from base on */
	uint32_t v, w;		/* the numbers that V, IF and W in a text mean */
	uint32_t linklen;	/* where the link header ends */
	const char *name;	/* of the layer, for "[|name]" */
	char *to, *limit;	/* where the next character goes; where none goes any more */
	char *from;		/* behind the time */
};

enum { LAYERS_MAX = 16 };	/* more layers of one packet are not shown: it bounds the stack */

/* Functions that are smaller when the compiler does not put their code where they are called. */
#define APART static __attribute__((noinline))

static void line_say(struct show *l, const char *text);
APART void show_link(struct show *l);

/* ---- characters and numbers ---- */

static void line_put(struct show *l, unsigned c)
{
	if (!l->cut && l->to < l->limit)
		*l->to++ = (char)c;
}

/* How line_num() writes a number: base 10 or 16, and from bit 8 on the digits it has at least. */
enum {
	BASE10 = 10, BASE16 = 16,
	DEC2 = 10 | 2 << 8, DEC6 = 10 | 6 << 8, DEC9 = 10 | 9 << 8, HEX2 = 16 | 2 << 8, HEX4 = 16 | 4 << 8,
	CLOCK = 60 | 3 << 8,	/* seconds as hh:mm:ss */
};

static void line_num(struct show *l, uint32_t v, unsigned form)
{
	unsigned base = form & 63, digit = v % base;

	v /= base;
	if (form >= 256)
		form -= 256;
	if (v || form >= 256) {
		line_num(l, v, form);
		if (base == 60)
			line_put(l, ':');
	}
	if (base == 60) {
		line_num(l, digit, DEC2);
		return;
	}
	if (digit > 9)
		digit += 'a' - 10 - '0';
	line_put(l, digit + '0');
}

/* The line is cut unless n more bytes can be read. */
APART void line_need(struct show *l, uint32_t n)
{
	if (l->at + n > l->end)
		l->cut = 1;
}

/* The next n bytes, 1 to 4, as a number in network order. 0 if they are not there. */
static uint32_t line_get(struct show *l, unsigned n)
{
	uint32_t v = 0;

	for (line_need(l, n); n && !l->cut; n--)
		v = v << 8 | l->bytes[l->at++];
	return v;
}

/* A field of n bytes at an offset in the layer. */
static uint32_t line_field(struct show *l, unsigned offset, unsigned n)
{
	l->at = l->base + offset;
	return line_get(l, n);
}

/* The layer's first n bytes are done with: the next one starts behind them. */
static void line_enter(struct show *l, uint32_t n)
{
	if (n > l->len)
		l->cut = 1;
	l->len -= n;
	l->at = l->base += n;
}

/* The next byte as a character, if it is one that can be seen. */
static void line_letter(struct show *l)
{
	unsigned c = line_get(l, 1);

	line_put(l, c - '!' <= '~' - '!' ? c : '.');
}

/* ---- the words of a text ---- */

#define U8	"\1"	/* the next 1, 2 or 4 bytes, in decimal */
#define U16	"\2"
#define U32	"\4"
#define X8	"\5"	/* the next 1, 2 or 4 bytes, in hex */
#define X16	"\6"
#define X32	"\10"
#define TAKE	"\21"	/* the value becomes the next 1, 2 or 4 bytes */
#define TAKE2	"\22"
#define TAKE4	"\24"
#define V	"\16"	/* the value, the other one, in decimal; the first in 4 digits of hex */
#define W	"\17"
#define VX	"\20"
#define LENGTH	"\37"	/* the layer's length */
#define NEED	"\14"	/* the line is cut unless as many bytes can be read as the next byte says */
#define IP6	"\15"	/* the next bytes as an address */
#define IF	"\23"	/* what follows up to FI, if the value has a bit of the next byte */
#define NONZERO	IF "\377"	/* ... if it is not 0 */
#define WHEN	"\25"	/* what follows up to FI, if the value is the next byte */
#define FI	"\26"
#define LINK	"\27"	/* the value becomes 2 if -e was given, else 1 */
#define NAME	"\30"	/* the layer's name, for "[|name]", up to the tab */
#define NAMED	"\7"	/* the layer's name */
#define PICK	"\31"	/* a table follows: on with the row whose key the next two bytes are */
#define PICKW	"\36"	/* ... the other value */
#define ENTER	"\32"	/* the next layer starts here; the value behind the start of this */
#define SKIP	"\33"
#define SRC	"\34"	/* the addresses of the packet */
#define DST	"\35"
#define QUOTED	"\3"	/* go to the port in an IPv4 packet that an ICMP message quotes */
#define LEN	"\13"	/* ", length 12", and the end of the row */

/* "\204" = go to byte 4 of the layer: octal 200 and the offset, at most 077 */

/* A layer that is a function: see show_layer(). */
#define DO_TYPE	"\300"
#define DO_VLAN	"\301"
#define DO_IP4	"\302"
#define DO_IP6	"\303"
#define DO_EXT	"\304"
#define DO_FRAG	"\305"
#define DO_TCP	"\306"
#define DO_UDP	"\307"
#define DO_DNS	"\310"
#define DO_DHCP	"\311"

/* What many texts say, and a layer that is a text: the place in show_texts[]. */
#define IP4	"\312"	/* the next bytes as an address */
#define MAC	"\313"
#define ENDS	"\314"	/* both addresses */
#define LONG	"\315"
#define IDSEQ	"\316"
#define QDST	"\317"	/* the destination of the IPv4 packet that is quoted, of the IPv6 packet */
#define QDST6	"\320"
#define UNREACH	"\321"
#define PROHIB	"\322"
#define UNREACH6 "\323"
#define GROUP	"\324"
#define ADDR	"\325"
#define TOPORT	"\326"
#define REQUEST	"\327"
#define REPLY	"\330"
#define EXCEEDED "\331"
#define DO_WAY	"\332"
#define DO_FRAME "\333"
#define DO_ARP4	"\334"
#define DO_DHCP6 "\335"
#define DO_PPP	"\336"
#define DO_ARP	"\337"
#define DO_LLC	"\340"
#define DO_PPPOE "\341"
#define DO_ICMP	"\342"
#define DO_ICMP6 "\343"
#define NEXT	"\376"	/* between them, and no byte of any */

enum { POSITIONS = 0200, LAYERS = 0300, TEXTS = 0312 };

/* Tables and texts of bytes. Left alone, the compiler would put each at a multiple of 32. */
#define TEXT static const char __attribute__((aligned(1)))

/* Rows end with "\n" or LEN. A key byte of 255 stands for any: so in the last row of all tables. */
TEXT show_texts[] =
	NEED "\4" U8 "." U8 "." U8 "." U8 NEXT
	NEED "\6" X8 ":" X8 ":" X8 ":" X8 ":" X8 ":" X8 NEXT
	SRC " > " DST ": " NEXT
	", length " LENGTH NEXT
	", id \204" U16 ", seq " U16 LEN NEXT
	"\230" IP4 NEXT
	"\240" IP6 NEXT
	"unreachable" NEXT
	" " UNREACH " - admin prohibited" NEXT
	"destination " UNREACH ", " NEXT
	"multicast listener " NEXT
	"max resp delay: \204" U16 " addr: \210" IP6 LEN NEXT
	TAKE " " WHEN "\6tcp" FI WHEN "\21udp" FI " port " NEXT
	"request" NEXT
	"reply" NEXT
	"time exceeded" NEXT

	/* key: which way the packet went, any */
	PICK "\0\377In \n" "\1\377B  \n" "\2\377M  \n" "\3\377P  \n" "\4\377Out\n"
	"\377\377?  " NEXT

	/* key: frame control of 802.11, first byte */
	PICK "\200\377Beacon\n" "\100\377Probe Request\n" "\120\377Probe Response\n"
	"\260\377Authentication\n" "\324\377Acknowledgment\n" "\10\377Data\n" "\210\377QoS Data\n"
	"\377\377type 0x\200" X8 NEXT

	/* key: operation of ARP */
	PICK "\0\1Request who-has \230" IP4 "\224" TAKE4 NONZERO " (\222" MAC ")" FI
		" tell \216" IP4 LEN
	"\0\2Reply \216" IP4 " is-at \210" MAC LEN
	"\0\3Reverse Request who-is \222" MAC " tell \210" MAC LEN
	"\0\4Reverse Reply \222" MAC " at \230" IP4 LEN
	"\377\377Unknown (\206" U16 ")" LEN NEXT

	/* DHCPv6; key: message type, any */
	"dhcp6 " PICK "\1\377solicit\n" "\2\377advertise\n" "\3\377" REQUEST "\n" "\5\377renew\n"
	"\7\377" REPLY "\n" "\10\377release\n" "\13\377inf-req\n" "\377\377type \200" U8 NEXT

	/* key: protocol in PPP */
	PICK "\0\41" ENTER DO_IP4 "\n" "\0\127" ENTER DO_IP6 "\n" "\377\377PPP" LEN NEXT

	/* key: length of hardware and of protocol addresses */
	NAME "arp\t\233" TAKE "\204" PICK "\6\4" LINK IF "\1ARP, " FI "\206" DO_ARP4 "\n"
	"\377\377ARP" LEN NEXT

	/* key: service access points */
	PICK "\102\102STP 802.1d" LEN "\377\377LLC" LEN NEXT

	/* key: version and type, code of PPPoE */
	NAME "pppoe\t\205" TAKE "\200PPPoE " PICK "\21\0 [ses 0x" X16 "] \206" DO_PPP "\n"
	"\21\11PADI\n" "\21\7PADO\n" "\21\31PADR\n" "\21\145PADS\n" "\21\247PADT\n" "\377\377" NEXT

	/* key: type, code */
	NAME "icmp\tICMP " PICK
	"\0\377echo " REPLY IDSEQ "\n"
	"\10\377echo " REQUEST IDSEQ "\n"
	"\3\0net " QDST " " UNREACH LEN
	"\3\1host " QDST " " UNREACH LEN
	"\3\2" QDST " protocol \221" U8 " " UNREACH LEN
	"\3\3" QDST "\221" TOPORT QUOTED U16 " " UNREACH LEN
	"\3\4" QDST " " UNREACH " - need to frag\206" TAKE2 NONZERO " (mtu " V ")" FI LEN
	"\3\11net " QDST PROHIB LEN
	"\3\12host " QDST PROHIB LEN
	"\3\15host " QDST PROHIB " filter" LEN
	"\3\377" QDST " " UNREACH " - #\201" U8 LEN
	"\5\0redirect " QDST " to net \204" IP4 LEN
	"\5\1redirect " QDST " to host \204" IP4 LEN
	"\13\0" EXCEEDED " in-transit" LEN
	"\13\1ip reassembly " EXCEEDED LEN
	"\377\377type-#\200" U8 LEN NEXT

	/* key: type, code */
	NAME "icmp6\tICMP6, " PICK
	"\1\0" UNREACH6 UNREACH " route " QDST6 LEN
	"\1\3" UNREACH6 UNREACH " address " QDST6 LEN
	"\1\4" UNREACH6 UNREACH " port, " QDST6 "\216" TOPORT "\262" U16 LEN
	"\1\377" UNREACH6 "#" "\201" U8 " " QDST6 LEN
	"\2\377packet too big, mtu \204" U32 LEN
	"\3\0" EXCEEDED " in-transit for " QDST6 LEN
	"\200\377echo " REQUEST IDSEQ "\n"
	"\201\377echo " REPLY IDSEQ "\n"
	"\202\377" GROUP "query" LEN
	"\203\377" GROUP "report" ADDR "\n"
	"\204\377" GROUP "done" ADDR "\n"
	"\205\377router solicitation" LEN
	"\206\377router advertisement" LEN
	"\207\377neighbor solicitation, who has \210" IP6 LEN
	"\210\377neighbor advertisement, tgt is \210" IP6 LEN
	"\211\377redirect, \230" IP6 " to \210" IP6 LEN
	"\217\377" GROUP "report v2, \206" U16 " group record(s)" LEN
	"\377\377unknown icmp6 type (\200" U8 ")" LEN;

/* The text of the row with that key. */
static const char *show_find(const char *row, unsigned key)
{
	uint8_t high, low;

	for (;;) {
		high = (uint8_t)*row++;
		low = (uint8_t)*row++;
		if ((high == 255 || high == (uint8_t)(key >> 8)) &&
		    (low == 255 || low == (uint8_t)key))
			return row;
		while ((*row++ | 1) != *LEN)
			;
	}
}

/* ---- applications ---- */

/* A name, every label with its dot. No pointer is followed: the first name has none. */
static void show_dns_name(struct show *l)
{
	uint32_t n;

	while ((n = line_get(l, 1)) && n < 64) {
		while (n--)
			line_letter(l);
		line_put(l, '.');
	}
}

static void show_dns(struct show *l)
{
	char *to;

	line_say(l, U16 TAKE);
	if (l->v & 128)
		l->v = 128;	/* an answer; else bit 0 asks for recursion */
	line_say(l, IF "\1+" FI IF "\200 q:" FI " \214");
	to = l->to;
	show_dns_name(l);	/* only to get to the type, which is shown first */
	l->to = to;
	l->w = line_get(l, 2);
	line_say(l, PICKW "\0\1A\n" "\0\34AAAA\n" "\0\14PTR\n" "\0\5CNAME\n" "\0\20TXT\n"
		"\0\41SRV\n" "\0\17MX\n" "\0\2NS\n" "\0\6SOA\n" "\377\377Type" W);
	line_say(l, "? \214");
	show_dns_name(l);
	line_say(l, IF "\200 \206" U16 "/" U16 "/" U16 FI " (" LENGTH ")");
}

static void show_dhcp(struct show *l)
{
	uint32_t next;

	line_say(l, "BOOTP/DHCP, " TAKE WHEN "\1Request from \234" MAC LONG FI
		WHEN "\2Reply" LONG ", client \234" MAC ", your \220" IP4 FI ", xid 0x\204" X32);
	for (l->at = l->base + 240; !l->cut; ) {
		l->w = line_get(l, 1);
		if (l->w == 255)
			return;
		if (!l->w)
			continue;
		next = line_get(l, 1);
		next += l->at;
		l->w |= line_get(l, 1) << 8;
		l->at--;
		/* key: first byte of the option's value, option */
		line_say(l, PICKW "\1\65, Discover\n" "\2\65, Offer\n" "\3\65, Request\n"
			"\4\65, Decline\n" "\5\65, ACK\n" "\6\65, NACK\n" "\7\65, Release\n"
			"\10\65, Inform\n" "\377\62, requested " IP4 "\n"
			"\377\66, server " IP4 "\n" "\377\377");
		l->at = next;
	}
}

/* ---- transport ---- */

/* The addresses, with the ports between them that the layer starts with. */
static void show_ports(struct show *l)
{
	line_say(l, l->end < l->base + 4 ? ENDS :
		l->addressed ? U16 " > " U16 ": " : SRC "." U16 " > " DST "." U16 ": ");
}

static void show_udp(struct show *l)
{
	uint32_t n;

	show_ports(l);
	n = line_field(l, 2, 2);
	l->w = line_field(l, 0, 2);
	if (l->w > n)
		l->w = n;	/* the lower port is the service's */
	n = line_field(l, 4, 2);
	l->v = n < 8 ? n : n - 8;
	line_need(l, 2);
	line_enter(l, 8);
	if (n - 8 > l->len && !l->fragment) {
		line_say(l, "UDP, bad length " V " > " LENGTH);
		return;
	}
	if (l->v < l->len)
		l->len = l->v;
	line_say(l, PICKW
		"\0\65" NAME "domain\t" DO_DNS "\n"
		"\24\351" NAME "domain\t" DO_DNS "\n"
		"\0\103" NAME "bootp\t" DO_DHCP "\n"
		"\0\104" NAME "bootp\t" DO_DHCP "\n"
		"\0\105TFTP" LEN
		"\0\173NTP" LEN
		"\2\42" DO_DHCP6 "\n"
		"\2\43" DO_DHCP6 "\n"
		"\377\377UDP" LEN);
}

static void show_tcp_options(struct show *l, uint32_t end)
{
	uint32_t n, kind, next;

	line_say(l, ", options [\224");
	for (;;) {
		l->v = kind = line_get(l, 1);
		next = l->at;
		n = 0;
		if (kind > 1) {
			n = line_get(l, 1);
			next += n - 1;
			if (n < 2 || next > end) {
				line_say(l, "[bad opt]]");
				return;
			}
		}
		l->w = n << 8 | kind;
		if (kind == 5)
			l->v = n / 8;
		/* key: length, kind */
		line_say(l, PICKW "\0\0eol\n" "\0\1nop\n" "\4\2mss " U16 "\n" "\3\3wscale " U8 "\n"
			"\2\4sackOK\n" "\377\5sack " V " \n" "\12\10TS val " U32 " ecr " U32 "\n"
			"\2\377unknown-" V "\n" "\377\377unknown-" V " 0x");
		while (l->at < next && !l->cut)
			line_say(l, kind == 5 ? "{" U32 ":" U32 "}" : X8);
		if (next >= end || !kind)
			break;
		line_put(l, ',');
	}
	line_put(l, ']');
}

static void show_tcp(struct show *l)
{
	uint32_t hlen;

	show_ports(l);
	/* byte 19 first: of a header that is cut nothing is shown */
	line_say(l, "\223" TAKE "\215" TAKE "Flags [" IF "\1F" FI IF "\2S" FI IF "\4R" FI
		IF "\10P" FI IF "\20." FI IF "\40U" FI IF "\100E" FI IF "\200W" FI
		WHEN "\0none" FI "]");
	hlen = line_field(l, 12, 1) >> 2 & 60;
	if (hlen < 20 || hlen > l->len) {
		line_say(l, " [bad hdr length]");
		return;
	}
	l->len -= hlen;
	l->w = line_field(l, 4, 4) + l->len;
	l->v = (l->v & 63) | (l->len ? 64 : 0);
	line_say(l, IF "\107, seq \204" U32 FI IF "\100:" W FI IF "\20, ack \210" U32 FI
		", win \216" U16 IF "\40, urg \222" U16 FI);
	if (hlen > 20)
		show_tcp_options(l, l->base + hlen);
	line_say(l, LEN);
}

/* ---- network ---- */

/* What IP carries. TCP and UDP put the addresses down themselves, with the ports between them. */
static void show_carry(struct show *l)
{
	l->v = l->next;
	l->w = l->six * 256u + l->next;
	if (l->v != 6 && l->v != 17 && !l->addressed++)
		line_say(l, ENDS);
	/* key: 1 for IPv6, 0 for IPv4; protocol */
	line_say(l, PICKW
		"\0\1" DO_ICMP "\n"
		"\0\2igmp" LEN
		"\377\4" DO_IP4 "\n"
		"\377\6" NAME "tcp\t" DO_TCP "\n"
		"\377\21" NAME "udp\t" DO_UDP "\n"
		"\377\51" DO_IP6 "\n"
		"\377\57GRE" LEN
		"\1\0" NAME "hbhopt\tHBH " DO_EXT "\n"
		"\1\53" NAME "rt6\tRT6 " DO_EXT "\n"
		"\1\54" NAME "frag6\t" DO_FRAG "\n"
		"\1\74" NAME "dstopt\tDSTOPT " DO_EXT "\n"
		"\1\72" DO_ICMP6 "\n"
		"\377\73no next header\n"
		"\377\204sctp" LEN
		"\377\377 ip-proto-" V " " LENGTH);
}

/* The packet is that long: no byte from there on belongs to it. */
APART void show_stop(struct show *l, uint32_t len)
{
	l->v = l->six;
	l->w = len - l->len;
	if (len > l->len)
		line_say(l, "truncated-ip" IF "\1" "6" FI " - " W " bytes missing!" WHEN "\0 " FI);
	l->len = len;
	len += l->base;
	if (l->end > len)
		l->end = len;
}

static void show_ip4(struct show *l)
{
	uint32_t first, len;

	l->net = l->base + 12;
	l->addressed = l->six = 0;
	line_say(l, NAME "ip\t" LINK IF "\1IP " FI "\223" TAKE);
	first = line_field(l, 0, 1);
	len = line_field(l, 2, 2);
	first = first - 0x45 < 11 ? (first & 15) * 4 : len + 1;
	if (len < first) {
		line_say(l, "(invalid)");
		return;
	}
	show_stop(l, len);
	l->next = (uint8_t)line_field(l, 9, 1);
	len = line_field(l, 6, 2);
	l->fragment = len >> 13 & 1;
	l->v = l->next;
	if (len & 0x1fff) {
		line_say(l, ENDS "ip-proto-" V);
		return;
	}
	line_enter(l, first);
	show_carry(l);
}

static void show_ip6(struct show *l)
{
	l->net = l->base + 8;
	l->addressed = l->fragment = 0;
	l->six = 1;
	line_say(l, NAME "ip6\t\247" TAKE LINK IF "\1IP6 " FI);
	if (line_field(l, 0, 4) >> 28 != 6) {
		line_say(l, "(invalid)");
		return;
	}
	show_stop(l, line_get(l, 2) + 40);
	l->next = (uint8_t)line_get(l, 1);
	line_enter(l, 40);
	show_carry(l);
}

/* An extension header of IPv6. */
static void show_extension(struct show *l)
{
	uint32_t len;

	l->next = (uint8_t)line_get(l, 1);
	len = line_get(l, 1) * 8 + 8;
	line_need(l, len - 2);
	line_enter(l, len);
	show_carry(l);
}

static void show_fragment6(struct show *l)
{
	l->next = (uint8_t)line_get(l, 1);
	l->v = line_field(l, 2, 2) & 0xfff8;
	line_enter(l, 8);
	l->fragment = 1;
	line_say(l, "frag (" V "|" LENGTH ")");
	if (l->v || l->base >= l->end)
		return;
	line_put(l, ' ');
	show_carry(l);
}

/* ---- link ---- */

/* Key: protocol; text: its name, a tab, and the layer */
TEXT show_ether_rows[] =
	"\10\0IPv4\t" DO_IP4 "\n"
	"\206\335IPv6\t" DO_IP6 "\n"
	"\10\6ARP\t" DO_ARP "\n"
	"\200\65Reverse ARP\t" DO_ARP "\n"
	"\201\0" "802.1Q\t" NAME "vlan\t" DO_VLAN "\n"
	"\210\250802.1Q-QinQ\t" NAME "vlan\t" DO_VLAN "\n"
	"\210\143PPPoE D\t" DO_PPPOE "\n"
	"\210\144PPPoE S\t" DO_PPPOE "\n"
	"\210\216EAPOL\tEAPOL" LEN
	"\210\314LLDP\tLLDP" LEN
	"\0\0" "802.3\t" DO_LLC "\n"
	"\377\377Unknown\t\n";

/* The protocol, and what it says. */
static void show_type(struct show *l)
{
	const char *name = show_find(show_ether_rows, l->v < 1536 ? 0 : l->v), *text = name;

	if (l->cut)
		return;
	l->linklen = l->base;
	if (*name == 'U' && !l->ether) {	/* then the header says more than nothing */
		l->ether = 1;
		show_link(l);
		return;
	}
	while (*text++ != '\t')
		;
	if (l->ether) {
		l->name = name;
		l->w = l->origlen;
		line_say(l, "ethertype " NAMED " (0x" VX "), ");
		if (l->depth < 3)	/* no tag was in front */
			line_say(l, "length " W ": ");
	}
	line_say(l, text);
}

static void show_vlan(struct show *l)
{
	l->v = line_get(l, 2);
	l->w = l->v >> 13;
	l->v &= 4095;
	if (l->ether)
		line_say(l, "vlan " V ", p " W "\200" TAKE IF "\20, DEI" FI ", ");
	line_say(l, "\202" TAKE2 ENTER DO_TYPE);
}

APART void show_link(struct show *l)
{
	l->to = l->from;
	l->base = l->at = l->depth = 0;
	l->len = l->origlen;
	l->w = l->linktype;
	/* key: LINKTYPE_... */
	line_say(l, PICKW
		"\0\1" NAME "ether\t\215" TAKE LINK IF "\2\206" MAC " > \200" MAC ", " FI
			"\214" TAKE2 ENTER DO_TYPE "\n"
		"\0\161" NAME "sll\t\217" TAKE LINK IF "\2\201" DO_WAY " \206" MAC " " FI
			"\216" TAKE2 ENTER DO_TYPE "\n"
		"\1\24" NAME "sll2\t\223" TAKE "ifindex \204" U32 " \212" DO_WAY " " LINK
			IF "\2\214" MAC " " FI "\200" TAKE2 "\224" ENTER DO_TYPE "\n"
		"\0\145" LINK IF "\2ip: " FI TAKE IF "\40" DO_IP6 "\t" FI DO_IP4 "\n"
		"\0\177" NAME "802.11_radio\t802.11 \202" TAKE SKIP DO_FRAME LEN
		"\377\377link type" LEN);
}

/* What a character from LAYERS to TEXTS stands for. */
APART void show_layer(struct show *l, unsigned c)
{
	if (l->depth++ >= LAYERS_MAX)
		return;
	switch (c - LAYERS) {
	case 0: show_type(l); return;
	case 1: show_vlan(l); return;
	case 2: show_ip4(l); return;
	case 3: show_ip6(l); return;
	case 4: show_extension(l); return;
	case 5: show_fragment6(l); return;
	case 6: show_tcp(l); return;
	case 7: show_udp(l); return;
	case 8: show_dns(l); return;
	default: show_dhcp(l);
	}
}

/* ---- the whole line ---- */

/* An IPv6 address as RFC 5952 wants it: the longest run of two or more zeros left out, the first of
 * equals. */
APART void show_address6(struct show *l)
{
	unsigned i, n = 0, best = 8, run = 1;
	uint32_t word[8];

	for (i = 0; i < 8; i++) {
		word[i] = line_get(l, 2);
		n = word[i] ? 0 : n + 1;
		if (n > run) {
			run = n;
			best = i + 1 - n;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == best) {	/* the run: the first of its two colons */
			line_put(l, ':');
			i += run - 1;
			continue;
		}
		if (i)
			line_put(l, ':');
		if (i == 6 && !best && (run == 6 || (run == 5 && word[5] == 0xffff))) {
			l->at -= 4;
			line_say(l, IP4);
			return;
		}
		line_num(l, word[i], BASE16);
	}
	if (best + run == 8)
		line_put(l, ':');
}

/* The source (0) or destination (1) address of the packet. */
static void show_address(struct show *l, unsigned which)
{
	uint32_t at = l->at;

	l->at = l->net + which * (l->six ? 16 : 4);
	line_say(l, l->six ? IP6 : IP4);
	l->at = at;
}

/* Goes on with the text that C stands for. */
static void show_text(struct show *l, unsigned c)
{
	const char *text = show_texts;

	for (; c > TEXTS; c--)
		while (*text++ != *NEXT)
			;
	line_say(l, text);
}

/* The words that take bytes of the packet, and those that are numbers. */
APART void show_number(struct show *l, unsigned c)
{
	unsigned form = BASE10;
	uint32_t v;

	if (c == 016)
		v = l->v;
	else if (c == 017)
		v = l->w;
	else if (c == 037)
		v = l->len;
	else if (c == 020) {	/* VX */
		v = l->v;
		form = HEX4;
	} else {
		v = line_get(l, (c - 1) % 4 + 1);
		if (c > 020) {	/* TAKE, TAKE2, TAKE4 */
			l->v = v;
			return;
		}
		if (c > 004)	/* X8, X16, X32 */
			form = c == 005 ? HEX2 : BASE16;
	}
	line_num(l, v, form);
}

/* Words without text behind them. */
static void show_word(struct show *l, unsigned c)
{
	switch (c) {
	case 003:	/* QUOTED */
		l->at = l->base + 10 + (line_field(l, 8, 1) & 15) * 4;
		return;
	case 007:	/* NAMED */
		line_say(l, l->name);
		return;
	case 015:	/* IP6 */
		show_address6(l);
		return;
	case 026:	/* FI */
		return;
	case 027:	/* LINK */
		l->v = 1u << l->ether;
		return;
	case 032:	/* ENTER */
		line_enter(l, l->at - l->base);
		return;
	case 033:	/* SKIP */
		line_enter(l, l->v);
		return;
	case 034: case 035:	/* SRC, DST */
		show_address(l, c & 1);
		return;
	default:
		show_number(l, c);
	}
}

/* Writes a text up to its end. */
static void line_say(struct show *l, const char *text)
{
	for (;;) {
		unsigned c = (unsigned char)*text++, of;

		if (c == 023 || c == 025) {	/* IF, WHEN */
			of = (unsigned char)*text++;
			if (c == 025 ? l->v == of : of == 255 ? l->v : l->v & of)
				continue;
			while (*text++ != *FI)
				;
		} else if (c == 030) {	/* NAME */
			l->name = text;
			while (*text++ != '\t')
				;
		} else if (c == 031 || c == 036) {	/* PICK, PICKW */
			text = show_find(text, c == 036 ? l->w : line_get(l, 2));
		} else if (c == 014) {	/* NEED */
			line_need(l, (unsigned char)*text++);
		} else if (c == 0 || c == '\t' || c == '\n' || c == 0376) {
			return;
		} else if (c == 013) {	/* LEN */
			text = LONG;
		} else if (c < ' ') {
			show_word(l, c);
		} else if (c < POSITIONS) {
			line_put(l, c);
		} else if (c < LAYERS) {
			l->at = l->base + c - POSITIONS;
		} else if (c < TEXTS) {
			show_layer(l, c);
		} else {
			show_text(l, c);
		}
	}
}

APART void line_start(struct show *l, char *into)
{
	l->to = into;
	l->limit = into + SHOW_LINE - 1;
	l->end = l->caplen;
	l->cut = 0;
}

static size_t line_finish(struct show *l, const char *into)
{
	*l->to++ = '\n';
	return (size_t)(l->to - into);
}

/* Writes the line of a packet, "\n" behind it, into SHOW_LINE bytes. Returns its length. */
static size_t show_packet(char *into, struct show *l)
{
	line_start(l, into);
	if (l->stamp != 1) {
		if (l->stamp)
			line_num(l, l->sec, BASE10);
		else
			line_num(l, l->sec % 86400, CLOCK);
		line_put(l, '.');
		line_num(l, l->nano ? l->nsec : l->nsec / 1000, l->nano ? DEC9 : DEC6);
		line_put(l, ' ');
	}
	l->from = l->to;
	l->ether = l->link;
	l->linklen = 0;
	show_link(l);
	if (l->cut) {
		l->cut = 0;
		line_say(l, " [|" NAMED "]");
	}
	return line_finish(l, into);
}

/* Writes a line of hex into SHOW_LINE bytes: up to 16 bytes of the packet that show_packet has just
 * shown, from *at on, which is moved behind them. *at is 0 before the first one. Returns the length
 * of the line, or 0 when there are no more. */
static size_t show_hex(char *into, struct show *l, uint32_t *at)
{
	line_start(l, into);
	l->v = l->base = *at;
	if (!(l->hex & SHOW_WHOLE))
		l->base += l->linklen;
	if (l->base >= l->end)
		return 0;
	*at += 16;
	if (l->end > l->base + 16)
		l->end = l->base + 16;
	line_put(l, '\t');
	line_say(l, "0x" VX ": \200");
	while (l->at < l->end)
		line_say(l, " " X8 X8);
	l->cut = 0;	/* the second of the last two may not be there */
	if (l->hex & SHOW_ASCII) {
		while (l->to < into + 51)
			line_put(l, ' ');
		for (l->at = l->base; l->at < l->end; )
			line_letter(l);
	}
	return line_finish(l, into);
}

#endif
