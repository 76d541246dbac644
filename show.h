/* show.h: one packet -> one line of text, in the shape of `tcpdump -nnS`.
 *
 * A pure function of the bytes it is given: no state between packets, no allocation, no I/O, no
 * name looked up. The bytes are the most hostile input there is, so all of them are read in one
 * place, get(), which knows where the captured bytes end. The first read past that end makes the
 * line "cut": from there on get() gives 0, put() writes nothing, and the line is closed with
 * " [|tcp]" (the layer that was cut) as tcpdump does. The layers need not check anything else,
 * only not loop for ever on zeros.
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

/* A packet to show, and how. */
struct show {
	const unsigned char *bytes;
	uint32_t caplen;	/* bytes there are, at most 262144 */
	uint32_t origlen;	/* bytes there were on the wire */
	uint32_t linktype;	/* LINKTYPE_..., see link_rows */
	uint32_t sec, nsec;	/* since 1970 UTC; nsec is 0..999999999 */
	uint8_t stamp;		/* times -t was given: 0 hh:mm:ss.uuuuuu in UTC, 1 none, 2 seconds.uuuuuu */
	uint8_t link;		/* -e: the link header too */
	uint8_t hex;		/* what show_hex shows: SHOW_ASCII, SHOW_WHOLE */
	uint32_t linklen;	/* set by show_packet: where the link header ends */
};

enum {
	SHOW_LINE = 1024,	/* bytes of buffer that hold any line; of a longer one the rest is left out */
	SHOW_ASCII = 1,		/* -X, -XX: the characters beside the hex */
	SHOW_WHOLE = 2,		/* -xx, -XX: from the link header on */
};

/* What is known while a line is written. Places in the packet are offsets from its first byte. */
struct line {
	char *to, *limit;	/* where the next character goes; where none goes any more */
	struct show *s;
	const unsigned char *bytes;
	const char *name;	/* of the layer, for "[|name]" */
	uint32_t at;		/* next byte to read */
	uint32_t end;		/* no byte from here on: not captured, or not of this layer */
	uint32_t base;		/* first byte of the layer */
	uint32_t len;		/* bytes of the layer on the wire, from base on */
	uint32_t v;		/* the number that V and IF in a text mean */
	uint32_t net;		/* the source address in the IP header */
	uint8_t six;		/* which is one of IPv6 */
	uint8_t addressed;	/* its addresses are in the line */
	uint8_t fragment;	/* it is one of several, the first */
	uint8_t depth;		/* layers entered */
	uint8_t link;		/* -e, or nothing better to show */
	uint8_t cut;		/* something was to be read that is not there */
};

static void say(struct line *l, const char *text);

/* ---- characters and numbers ---- */

static void put(struct line *l, unsigned c)
{
	if (!l->cut && l->to < l->limit)
		*l->to++ = (char)c;
}

/* How num() writes a number: base, and least digits. */
enum { DEC = 10, HEX = 16, DEC2 = 10 | 1 << 8, DEC6 = 10 | 5 << 8, HEX2 = 16 | 1 << 8, HEX4 = 16 | 3 << 8 };

static void num(struct line *l, uint32_t v, unsigned form)
{
	if (v >= (form & 255) || form >> 8)
		num(l, v / (form & 255), form >> 8 ? form - 256 : form);
	put(l, (unsigned char)"0123456789abcdef"[v % (form & 255)]);
}

/* False, and the line is cut, unless n more bytes can be read. */
static int need(struct line *l, uint32_t n)
{
	if (l->at + n > l->end)
		l->cut = 1;
	return !l->cut;
}

/* The next n bytes, 1 to 4, as a number in network order. 0 if they are not there. */
static uint32_t get(struct line *l, unsigned n)
{
	uint32_t v = 0;

	if (need(l, n))
		while (n--)
			v = v << 8 | l->bytes[l->at++];
	return v;
}

/* A field of n bytes at an offset in the layer. */
static uint32_t field(struct line *l, unsigned offset, unsigned n)
{
	l->at = l->base + offset;
	return get(l, n);
}

/* The layer's first n bytes are done with. */
static void enter(struct line *l, uint32_t n)
{
	l->at = l->base += n;
	l->len -= n;
}

/* n bytes with something between them. */
static void bytes(struct line *l, unsigned n, unsigned between, unsigned form)
{
	for (;;) {
		num(l, get(l, 1), form);
		if (!--n)
			return;
		put(l, between);
	}
}

/* ---- the words of a text ---- */

#define U8	"\1"	/* the next 1, 2 or 4 bytes as a number */
#define U16	"\2"
#define U32	"\4"
#define X32	"\14"	/* 4 bytes in hex, without leading zeros */
#define IP4	"\3"	/* the next bytes as an address */
#define IP6	"\5"
#define MAC	"\6"
#define V	"\7"	/* the value, in decimal, in 4 digits of hex */
#define VX	"\10"
#define LOAD	"\13"	/* the value becomes the next byte */
#define LOAD2	"\15"
#define IF	"\16"	/* what follows up to FI, if the value has one of the bits of the next byte ("\377": is not 0) */
#define FI	"\17"
#define NOLINK	"\20"	/* the value is 1 if -e was not given */
#define NAME	"\21"	/* the layer's name, for "[|name]", up to the tab */
#define PICK	"\22"	/* the rest is a table: on with the row that the next two bytes are the key of */
#define ENTER	"\23"	/* the layer starts here */
#define SRC	"\24"	/* the addresses of the packet */
#define DST	"\25"
#define LEN	"\26"	/* ", length 12": the layer's */
#define LENGTH	"\27"	/* its number alone */
#define QUOTED	"\30"	/* go to the port in an IPv4 packet that an ICMP message quotes */

/* Common phrases, in phrase_rows. */
#define UNREACH	"\31"
#define IDSEQ	"\32"
#define QDST	"\33"
#define UNR6	"\34"
#define LISTEN	"\35"
#define TOPORT	"\36"
#define MLDADDR	"\37"

/* "\204" = go to byte 4 of the layer: 0200 and the offset, at most 077 */

/* layers[] */
#define DO_IP4	"\300"
#define DO_IP6	"\301"
#define DO_TCP	"\302"
#define DO_UDP	"\303"
#define DO_DNS	"\304"
#define DO_DHCP	"\305"
#define DO_TYPE	"\306"
#define DO_VLAN	"\307"
#define DO_RAW	"\310"
#define DO_RADIO "\311"
#define DO_SLL	"\312"
/* texts[] */
#define DO_ARP	"\340"
#define DO_ICMP	"\341"
#define DO_ICMP6 "\342"
#define DO_LLC	"\343"
#define DO_DHCP6 "\344"
#define DO_PPPOE "\345"
#define DO_PPP "\346"

static const char phrase_rows[] =
	"\0" UNREACH " unreachable\n"
	"\0" IDSEQ ", id \204" U16 ", seq " U16 LEN "\n"
	"\0" QDST "\230" IP4 "\n"
	"\0" UNR6 "destination unreachable, unreachable \n"
	"\0" LISTEN "multicast listener \n"
	"\0" TOPORT "\16\6tcp port \17\n"
	"\0" MLDADDR "max resp delay: \204" U16 " addr: \210" IP6 LEN "\n";

/* The text of the row with that key. A key byte of 255 stands for any, as in the last row of every table. */
static const char *find(const char *row, unsigned key)
{
	for (;; row++) {
		unsigned high = (unsigned char)*row++;
		unsigned low = (unsigned char)*row++;
		if ((high == 255 || high == key >> 8) && (low == 255 || low == (key & 255)))
			return row;
		while (*row != '\n')
			row++;
	}
}

/* ---- applications ---- */

static const char dns_type_rows[] =
	"\0\1A\n" "\0\34AAAA\n" "\0\14PTR\n" "\0\5CNAME\n" "\0\20TXT\n" "\0\41SRV\n"
	"\0\17MX\n" "\0\2NS\n" "\0\6SOA\n" "\0\377ANY\n" "\377\377Type" V "\n";

/* A name, every label with its dot. What the labels point to is not followed: a question has no reason to. */
static void dns_name(struct line *l)
{
	uint32_t n, c;

	while ((n = get(l, 1)) && n < 64) {
		while (n--) {
			c = get(l, 1);
			put(l, c - 33 < 94 ? c : '.');
		}
		put(l, '.');
	}
}

static void dns(struct line *l)
{
	uint32_t answer;
	char *to;

	say(l, U16 LOAD);
	answer = l->v & 128;
	say(l, answer ? " q: \214" : IF "\1+" FI " \214");
	to = l->to;
	dns_name(l);
	l->v = get(l, 2);
	l->to = to;
	say(l, find(dns_type_rows, l->v));
	say(l, "? \214");
	dns_name(l);
	say(l, answer ? " \206" U16 "/" U16 "/" U16 " (" LENGTH ")" : " (" LENGTH ")");
}

static const char dhcp_rows[] =
	"\1\65, Discover\n" "\2\65, Offer\n" "\3\65, Request\n" "\4\65, Decline\n" "\5\65, ACK\n" "\6\65, NACK\n" "\7\65, Release\n" "\10\65, Inform\n"
	"\377\62, requested " IP4 "\n"
	"\377\66, server " IP4 "\n"
	"\377\377\n";

static void dhcp(struct line *l)
{
	uint32_t tag, next;

	say(l, get(l, 1) == 1 ? "BOOTP/DHCP, Request from \234" MAC LEN : "BOOTP/DHCP, Reply" LEN ", client \234" MAC ", your \220" IP4);
	say(l, ", xid 0x\204" X32);
	l->at = l->base + 240;
	while ((tag = get(l, 1)) != 255 && !l->cut) {
		if (!tag)
			continue;
		next = get(l, 1);
		next += l->at;
		tag |= get(l, 1) << 8;
		l->at--;
		say(l, find(dhcp_rows, tag));
		l->at = next;
	}
}

static const char dhcp6[] =
	"dhcp6 " PICK "\1\377solicit\n" "\2\377advertise\n" "\3\377request\n" "\5\377renew\n" "\7\377reply\n"
	"\10\377release\n" "\13\377inf-req\n" "\377\377type \200" U8 "\n";

/* ---- transport ---- */

static const char udp_rows[] =
	"\0\65" NAME "domain\t" DO_DNS "\n"
	"\24\351" NAME "domain\t" DO_DNS "\n"
	"\0\103" NAME "bootp\t" DO_DHCP "\n"
	"\0\104" NAME "bootp\t" DO_DHCP "\n"
	"\0\105" "TFTP" LEN "\n"
	"\0\173" "NTP" LEN "\n"
	"\2\42" DO_DHCP6 "\n"
	"\2\43" DO_DHCP6 "\n"
	"\377\377UDP, length " LENGTH "\n";

/* The addresses, and the ports between them where the layer starts with them. */
static void ports(struct line *l)
{
	say(l, l->end < l->base + 4 ? SRC " > " DST ": " : l->addressed ? U16 " > " U16 ": " : SRC "." U16 " > " DST "." U16 ": ");
}

static void udp(struct line *l)
{
	const char *row;

	ports(l);
	l->v = field(l, 4, 2);
	if (l->v < 8) {
		say(l, "truncated-udplength " V);
		return;
	}
	l->v -= 8;
	row = find(udp_rows, field(l, 2, 2));
	if (*row == 'U')
		row = find(udp_rows, field(l, 0, 2));
	l->at = l->base;
	need(l, 8);
	enter(l, 8);
	if (l->v > l->len && !l->fragment)
		row = "UDP, bad length " V " > " LENGTH;
	else if (l->v < l->len)
		l->len = l->v;
	say(l, row);
}

static const char tcp_option_rows[] =
	"\0\0eol\n"
	"\0\1nop\n"
	"\4\2mss " U16 "\n"
	"\3\3wscale " U8 "\n"
	"\2\4sackOK\n"
	"\377\5sack " V " \n"
	"\12\10TS val " U32 " ecr " U32 "\n"
	"\2\377unknown-" V "\n"
	"\377\377unknown-" V " 0x\n";

static void tcp_options(struct line *l, uint32_t end)
{
	uint32_t kind, n, next;

	say(l, ", options [");
	for (;;) {
		kind = get(l, 1);
		next = l->at;
		n = 0;
		if (kind > 1) {
			n = get(l, 1);
			next += n - 1;
			if (n < 2 || next > end)
				return;
		}
		l->v = kind == 5 ? n / 8 : kind;
		say(l, find(tcp_option_rows, n << 8 | kind));
		while (l->at < next && !l->cut)
			if (kind == 5)
				say(l, "{" U32 ":" U32 "}");
			else
				num(l, get(l, 1), HEX2);
		if (next >= end || !kind || l->cut)
			break;
		put(l, ',');
	}
	put(l, ']');
}

static void tcp(struct line *l)
{
	uint32_t hlen, flags, i;

	ports(l);
	l->at = l->base;
	need(l, 20);
	l->v = hlen = (field(l, 12, 1) >> 4) * 4;
	flags = get(l, 1);
	if (hlen < 20 || hlen > l->len) {
		say(l, " [bad hdr length " V "]");
		return;
	}
	say(l, "Flags [");
	for (i = 0; i < 8; i++)
		if (flags >> i & 1)
			put(l, (unsigned char)"FSRP.UEW"[i]);
	say(l, flags ? "]" : "none]");
	l->len -= hlen;
	if (l->len || flags & 7)
		say(l, ", seq \204" U32);
	if (l->len) {
		l->v = field(l, 4, 4) + l->len;
		say(l, ":" V);
	}
	l->v = flags;
	say(l, IF "\20, ack \210" U32 FI ", win \216" U16 IF "\40, urg \222" U16 FI);
	if (hlen > 20) {
		l->at = l->base + 20;
		tcp_options(l, l->base + hlen);
	}
	say(l, LEN);
}

static const char icmp[] = NAME "icmp\tICMP " PICK
	"\0\377" "echo reply" IDSEQ "\n"
	"\10\377" "echo request" IDSEQ "\n"
	"\3\0" "net " QDST UNREACH LEN "\n"
	"\3\1" "host " QDST UNREACH LEN "\n"
	"\3\2" QDST " protocol \221" U8 UNREACH LEN "\n"
	"\3\3" QDST " " TOPORT QUOTED U16 UNREACH LEN "\n"
	"\3\4" QDST UNREACH " - need to frag\206" LOAD2 IF "\377 (mtu " V ")" FI LEN "\n"
	"\3\11" "net " QDST UNREACH " - admin prohibited" LEN "\n"
	"\3\12" "host " QDST UNREACH " - admin prohibited" LEN "\n"
	"\3\15" "host " QDST UNREACH " - admin prohibited filter" LEN "\n"
	"\3\377" QDST UNREACH " - #\201" U8 LEN "\n"
	"\5\0" "redirect " QDST " to net \204" IP4 LEN "\n"
	"\5\1" "redirect " QDST " to host \204" IP4 LEN "\n"
	"\13\0" "time exceeded in-transit" LEN "\n"
	"\13\1" "ip reassembly time exceeded" LEN "\n"
	"\377\377" "type-#\200" U8 LEN "\n";

static const char icmp6[] = NAME "icmp6\tICMP6, " PICK
	"\1\0" UNR6 "route \240" IP6 LEN "\n"
	"\1\1" UNR6 "prohibited \240" IP6 LEN "\n"
	"\1\3" UNR6 "address \240" IP6 LEN "\n"
	"\1\4" UNR6 "port, \240" IP6 " \262" U16 LEN "\n"
	"\2\377" "packet too big, mtu \204" U32 LEN "\n"
	"\3\0" "time exceeded in-transit for \240" IP6 LEN "\n"
	"\200\377" "echo request" IDSEQ "\n"
	"\201\377" "echo reply" IDSEQ "\n"
	"\202\377" LISTEN "query" LEN "\n"
	"\203\377" LISTEN "report" MLDADDR "\n"
	"\204\377" LISTEN "done" MLDADDR "\n"
	"\205\377" "router solicitation" LEN "\n"
	"\206\377" "router advertisement" LEN "\n"
	"\207\377" "neighbor solicitation, who has \210" IP6 LEN "\n"
	"\210\377" "neighbor advertisement, tgt is \210" IP6 LEN "\n"
	"\211\377" "redirect, \230" IP6 " to \210" IP6 LEN "\n"
	"\217\377" LISTEN "report v2, \206" U16 " group record(s)" LEN "\n"
	"\377\377" "unknown icmp6 type (\200" U8 ")" LEN "\n";

/* ---- network ---- */

static const char arp[] = NAME "arp\t\233" LOAD NOLINK IF "\1ARP, " FI "\206" PICK
	"\0\1" "Request who-has \230" IP4 " tell \216" IP4 LEN "\n"
	"\0\2" "Reply \216" IP4 " is-at \210" MAC LEN "\n"
	"\0\3" "Reverse Request who-is \222" MAC " tell \210" MAC LEN "\n"
	"\0\4" "Reverse Reply \222" MAC " at \230" IP4 LEN "\n"
	"\377\377" "Unknown (\206" U16 ")" LEN "\n";

/* key: 0 for IPv4, 1 for IPv6; protocol */
static const char proto_rows[] =
	"\0\1" DO_ICMP "\n"
	"\0\2" "igmp" LEN "\n"
	"\377\4" DO_IP4 "\n"
	"\377\6" NAME "tcp\t" DO_TCP "\n"
	"\377\21" NAME "udp\t" DO_UDP "\n"
	"\377\51" DO_IP6 "\n"
	"\377\57" "GRE" LEN "\n"
	"\1\72" DO_ICMP6 "\n"
	"\377\73" "no next header\n"
	"\377\204" "sctp" LEN "\n"
	"\377\377 ip-proto-" V " " LENGTH "\n";

static void carry(struct line *l, uint32_t proto)
{
	if (proto != 6 && proto != 17 && !l->addressed)
		say(l, SRC " > " DST ": ");
	l->v = proto;
	say(l, find(proto_rows, (unsigned)l->six << 8 | proto));
}

/* No byte from there on belongs to the packet. */
static void stop(struct line *l, uint32_t len)
{
	l->v = len - l->len;
	if (l->len < len)
		say(l, l->six ? "truncated-ip6 - " V " bytes missing!" : "truncated-ip - " V " bytes missing! ");
	l->len = len;
	if (l->end > l->base + len)
		l->end = l->base + len;
}

static void ip4(struct line *l)
{
	uint32_t hlen, len, fragment, proto;

	l->net = l->base + 12;
	l->addressed = l->six = 0;
	hlen = (field(l, 0, 1) & 15) * 4;
	say(l, NOLINK IF "\1IP " FI "\223" LOAD);
	len = field(l, 2, 2);
	if (hlen < 20 || len < hlen) {
		l->v = len;
		say(l, "bad-len " V);
		return;
	}
	stop(l, len);
	fragment = field(l, 6, 2);
	l->fragment = fragment >> 13 & 1;
	proto = field(l, 9, 1);
	if (fragment & 0x1fff) {
		l->v = proto;
		say(l, SRC " > " DST ": ip-proto-" V);
		return;
	}
	enter(l, hlen);
	carry(l, proto);
}

static void ip6(struct line *l)
{
	uint32_t next, len, n;

	l->net = l->base + 8;
	l->addressed = 0;
	l->six = 1;
	l->name = "ip6";
	need(l, 40);
	say(l, NOLINK IF "\1IP6 " FI);
	stop(l, field(l, 4, 2) + 40);
	next = get(l, 1);
	enter(l, 40);
	while (next == 0 || next == 60 || next == 43 || next == 44) {
		if (!l->addressed)
			say(l, SRC " > " DST ": ");
		l->addressed = 1;
		n = next;
		next = get(l, 1);
		len = get(l, 1) * 8 + 8;
		if (n == 44)
			len = 8;
		l->v = field(l, 2, 2) & 0xfff8;
		l->at = l->base;
		need(l, len);
		enter(l, len);
		say(l, n == 44 ? NAME "frag6\tfrag (" V "|" LENGTH ") " : n == 43 ? NAME "rt6\tRT6 " : n ? NAME "dstopt\tDSTOPT " : NAME "hbhopt\tHBH ");
		if (n == 44) {
			if (l->v)
				return;
			l->fragment = 1;
		}
		if (l->base >= l->end)
			return;
	}
	carry(l, next);
}

static void raw(struct line *l)
{
	uint32_t first = field(l, 0, 1) >> 4;

	l->at = l->base;
	if (l->link)
		say(l, "ip: ");
	say(l, first == 6 ? DO_IP6 : NAME "ip\t" DO_IP4);
}

/* ---- link ---- */

/* key: protocol; text: its name, a tab, and the layer */
static const char ether_rows[] =
	"\10\0" "IPv4\t" NAME "ip\t" DO_IP4 "\n"
	"\206\335" "IPv6\t" DO_IP6 "\n"
	"\10\6" "ARP\t" DO_ARP "\n"
	"\200\65" "Reverse ARP\t" DO_ARP "\n"
	"\201\0" "802.1Q\t" NAME "vlan\t" DO_VLAN "\n"
	"\210\250" "802.1Q-QinQ\t" NAME "vlan\t" DO_VLAN "\n"
	"\210\143" "PPPoE D\tPPPoE " DO_PPPOE "\n"
	"\210\144" "PPPoE S\tPPPoE " DO_PPPOE "\n"
	"\210\216" "EAPOL\tEAPOL" LEN "\n"
	"\210\314" "LLDP\tLLDP" LEN "\n"
	"\0\0" "802.3\t" DO_LLC "\n"
	"\377\377" "Unknown\t\n";

static const char llc[] = PICK "\102\102STP 802.1d" LEN "\n" "\377\377LLC" LEN "\n";

static const char pppoe[] = PICK
	"\21\0 [ses 0x" U16 "] \210" ENTER DO_PPP "\n"
	"\21\11PADI\n" "\21\7PADO\n" "\21\31PADR\n" "\21\145PADS\n" "\21\247PADT\n" "\377\377\n";
static const char ppp[] = "\206" PICK
	"\0\41" DO_IP4 "\n" "\0\127" DO_IP6 "\n" "\377\377" "PPP" LEN "\n";

/* What follows the link header: tags, and the protocol. */
static void type(struct line *l)
{
	uint32_t key = get(l, 2);
	const char *row = find(ether_rows, key < 1536 ? 0 : key);

	enter(l, 2);
	l->s->linklen = l->base;
	if (l->link) {
		say(l, "ethertype ");
		say(l, row);
		l->v = key;
		say(l, " (0x" VX "), ");
		l->v = l->s->origlen;
		if (l->depth < 3)
			say(l, "length " V ": ");
	}
	while (*row++ != '\t')
		;
	say(l, row);
}

static void vlan(struct line *l)
{
	uint32_t tag = get(l, 2);

	if (l->link) {
		l->v = tag & 4095;
		say(l, "vlan " V);
		l->v = tag >> 13;
		say(l, ", p " V);
		say(l, tag & 4096 ? ", DEI, " : ", ");
	}
	enter(l, 2);
	say(l, DO_TYPE);
}

static const char packet_rows[] =
	"\377\0In \n" "\377\1B  \n" "\377\2M  \n" "\377\3P  \n" "\377\4Out\n" "\377\377?  \n";

static void sll(struct line *l)
{
	say(l, find(packet_rows, get(l, 1)));
	put(l, ' ');
}

static const char radio_rows[] =
	"\377\0management\n" "\377\4control\n" "\377\10data\n" "\377\377extension\n";

static void radio(struct line *l)
{
	uint32_t hlen;

	hlen = field(l, 2, 2);
	hlen = (hlen & 255) << 8 | hlen >> 8;
	say(l, "802.11 ");
	enter(l, hlen);
	say(l, find(radio_rows, get(l, 1) & 12));
	say(l, LEN);
}

static const char link_rows[] =
	"\0\1" NAME "ether\t\215" LOAD NOLINK IF "\2\206" MAC " > \200" MAC ", " FI "\214" ENTER DO_TYPE "\n"
	"\0\161" NAME "sll\t\217" LOAD NOLINK IF "\2\201" DO_SLL "\206" MAC " " FI "\216" ENTER DO_TYPE "\n"
	"\1\24" NAME "sll2\t\223" LOAD "ifindex \204" U32 " \212" DO_SLL NOLINK IF "\2\214" MAC " " FI "\222" ENTER "\200" DO_TYPE "\n"
	"\0\145" DO_RAW "\n"
	"\0\177" NAME "802.11_radio\t" DO_RADIO "\n"
	"\377\377" "link type" LEN "\n";

/* ---- the whole line ---- */

static void (*const layers[])(struct line *) = { ip4, ip6, tcp, udp, dns, dhcp, type, vlan, raw, radio, sll };
static const char *const texts[] = { arp, icmp, icmp6, llc, dhcp6, pppoe, ppp };

/* An IPv6 address as RFC 5952 wants it: the longest run of two or more zeros left out, the first of equals. */
static void address6(struct line *l)
{
	uint32_t word[8];
	unsigned i, n, best = 0, run = 1;

	for (i = 0; i < 8; i++)
		word[i] = get(l, 2);
	for (i = 0; i < 8; i++) {
		for (n = 0; i + n < 8 && !word[i + n]; n++)
			;
		if (n > run) {
			best = i;
			run = n;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == best && run > 1) {
			i += run - 1;
			put(l, ':');
			if (i == 7)
				put(l, ':');
			continue;
		}
		if (i)
			put(l, ':');
		if (i == 6 && !best && (run == 6 || (run == 5 && word[5] == 0xffff))) {
			l->at -= 4;
			bytes(l, 4, '.', DEC);
			return;
		}
		num(l, word[i], HEX);
	}
}

/* The source (0) or destination (1) address of the packet. */
static void address(struct line *l, unsigned which)
{
	uint32_t at = l->at;

	l->at = l->net + which * (l->six ? 16 : 4);
	say(l, l->six ? IP6 : IP4);
	l->at = at;
}

/* Writes a text up to its end, a newline or a tab. */
static void say(struct line *l, const char *text)
{
	unsigned c;

	while ((c = (unsigned char)*text++) != '\0') switch (c) {
	case '\n': case '\t':
		return;
	case 1: case 2: case 4:
		num(l, get(l, c), DEC);
		break;
	case 3:
		bytes(l, 4, '.', DEC);
		break;
	case 5:
		address6(l);
		break;
	case 6:
		bytes(l, 6, ':', HEX2);
		break;
	case 7:
		num(l, l->v, DEC);
		break;
	case 8:
		num(l, l->v, HEX4);
		break;
	case 12:
		num(l, get(l, 4), HEX);
		break;
	case 11:
		l->v = get(l, 1);
		break;
	case 13:
		l->v = get(l, 2);
		break;
	case 14:
		if (!(l->v & (uint32_t)(signed char)*text++))
			while (*text++ != 15)
				;
		break;
	case 15:
		break;
	case 16:
		l->v = 1u << l->link;
		break;
	case 17:
		l->name = text;
		while (*text++ != '\t')
			;
		break;
	case 18:
		text = find(text, get(l, 2));
		break;
	case 19:
		enter(l, l->at - l->base);
		break;
	case 20: case 21:
		address(l, c - 20);
		break;
	case 22:
		say(l, ", length ");
	case 23:
		num(l, l->len, DEC);
		break;
	case 24:
		l->at = l->base + 10 + (field(l, 8, 1) & 15) * 4;
		break;
	default:
		if (c < 32)
			say(l, find(phrase_rows, c));
		else if (c < 128)
			put(l, c);
		else if (c < 192)
			l->at = l->base + (c & 63);
		else if (l->depth++ < 16) {
			if (c < 224)
				layers[c - 192](l);
			else
				say(l, texts[c - 224]);
		}
	}
}

static size_t show_packet(char *out, size_t size, struct show *s)
{
	struct line l = { .to = out, .limit = out + size - 2, .s = s, .bytes = s->bytes, .end = s->caplen, .len = s->origlen, .link = s->link };
	uint32_t unit;

	if (s->stamp != 1) {
		if (s->stamp)
			num(&l, s->sec, DEC);
		else
			for (unit = 3600; ; put(&l, ':')) {
				num(&l, s->sec % 86400 / unit % 60, DEC2);
				unit /= 60;
				if (!unit)
					break;
			}
		put(&l, '.');
		num(&l, s->nsec / 1000, DEC6);
		put(&l, ' ');
	}
	say(&l, find(link_rows, s->linktype));
	if (l.cut) {
		l.cut = 0;
		say(&l, " [|");
		say(&l, l.name);
		put(&l, ']');
	}
	*l.to++ = '\n';
	*l.to = 0;
	return (size_t)(l.to - out);
}

/* Writes the hex line of the packet's bytes from *at on, and moves *at behind them. */
static size_t show_hex(char *out, size_t size, const struct show *s, uint32_t *at)
{
	struct line l = { .to = out, .limit = out + size - 2 };
	uint32_t start = s->hex & SHOW_WHOLE ? 0 : s->linklen, i, c, n;

	if (start + *at >= s->caplen)
		return 0;
	n = s->caplen - start - *at;
	l.v = *at;
	say(&l, "{0x" VX ": ");
	for (i = 0; i < 16; i++) {
		if (!(i & 1))
			put(&l, ' ');
		if (i < n)
			num(&l, s->bytes[start + *at + i], HEX2);
		else
			say(&l, "  ");
	}
	if (s->hex & SHOW_ASCII) {
		say(&l, "  ");
		for (i = 0; i < 16 && i < n; i++) {
			c = s->bytes[start + *at + i];
			put(&l, c - 33 < 94 ? c : '.');
		}
	}
	*at += 16;
	*l.to++ = '\n';
	*l.to = 0;
	return (size_t)(l.to - out);
}

#endif
