/* show.h: one packet -> one line of text, in the shape of `tcpdump -nnS`. The short names of its words are macros: include it last.
 *
 * A pure function of the bytes it is given: no state between packets, no allocation, no I/O, no
 * name looked up. The bytes are the most hostile input there is, so all of them are read in one
 * place, line_get(), which knows where the captured bytes end. The first read past that end makes the
 * line "cut": from there on line_get() gives 0, line_put() writes nothing, and the line is closed with
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

enum {
	SHOW_LINE = 1024,	/* bytes of buffer that hold any line; of a longer one the rest is left out */
	SHOW_ASCII = 1,		/* -X, -XX: the characters beside the hex */
	SHOW_WHOLE = 2,		/* -xx, -XX: from the link header on */
};

/* A packet to show, and how: what the caller sets. */
struct show {
	const unsigned char *bytes;
	uint32_t caplen;	/* bytes there are, at most 262144 */
	uint32_t origlen;	/* bytes there were on the wire */
	uint32_t linktype;	/* LINKTYPE_..., see show_link_rows */
	uint32_t sec, nsec;	/* since 1970 UTC; nsec is 0..999999999 */
	uint8_t stamp;		/* times -t was given: 0 hh:mm:ss.uuuuuu in UTC, 1 none, 2 seconds.uuuuuu */
	uint8_t link;		/* 1 for -e, the link header too; or 0 */
	uint8_t hex;		/* what show_hex shows: SHOW_ASCII, SHOW_WHOLE */

	/* What is known while the line is written. Places in the packet are offsets from its first byte. */
	uint8_t ether;		/* 1: the link header is shown, for -e or for want of anything better; or 0 */
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

enum { LAYERS_MAX = 16 };	/* more layers than that in one packet are not shown: it bounds the stack */

static void line_say(struct show *l, const char *text);
static void show_link(struct show *l);

/* ---- characters and numbers ---- */

static void line_put(struct show *l, unsigned c)
{
	if (!l->cut && l->to < l->limit)
		*l->to++ = (char)c;
}

/* How line_num() writes a number: base, 10 or 16, and from bit 8 on the digits to be written even if 0, less the last. */
enum { BASE10 = 10, BASE16 = 16, DEC2 = 10 | 1 << 8, DEC6 = 10 | 5 << 8, HEX2 = 16 | 1 << 8, HEX4 = 16 | 3 << 8 };

static void line_num(struct show *l, uint32_t v, unsigned form)
{
	unsigned base = form & 31;

	if (v >= base || form >> 8)
		line_num(l, v / base, form >> 8 ? form - 256 : form);
	line_put(l, (unsigned char)"0123456789abcdef"[v % base]);
}

/* The line is cut unless n more bytes can be read. */
static void line_need(struct show *l, uint32_t n)
{
	if (l->at + n > l->end)
		l->cut = 1;
}

/* The next n bytes, 1 to 4, as a number in network order. 0 if they are not there. */
static uint32_t line_get(struct show *l, unsigned n)
{
	uint32_t v = 0;

	line_need(l, n);
	if (!l->cut)
		while (n--)
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

/* n bytes with something between them. */
static void line_several(struct show *l, unsigned n, unsigned between, unsigned form)
{
	line_need(l, n);
	for (;;) {
		line_num(l, line_get(l, 1), form);
		if (!--n)
			return;
		line_put(l, between);
	}
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
#define IP4	"\13"	/* the next bytes as an address */
#define IP6	"\14"
#define MAC	"\15"
#define V	"\16"	/* the values, in decimal; the first in 4 digits of hex */
#define W	"\17"
#define VX	"\20"
#define LOAD	"\21"	/* the value becomes the next 1, 2 or 4 bytes */
#define LOAD2	"\22"
#define LOAD4	"\24"
#define IF	"\23"	/* what follows up to FI, if the value has one of the bits of the next byte ("\377": is not 0) */
#define IS	"\25"	/* what follows up to FI, if the value is the next byte */
#define FI	"\26"
#define LINK	"\27"	/* the value becomes 2 if -e was given, else 1 */
#define NAME	"\30"	/* the layer's name, for "[|name]", up to the tab */
#define PICK	"\31"	/* the rest is a table: on with the row that the next two bytes are the key of */
#define ENTER	"\32"	/* the next layer starts here; or as many bytes behind the start of this as the value says */
#define SKIP	"\33"
#define SRC	"\34"	/* the addresses of the packet */
#define DST	"\35"
#define LEN	"\36"	/* ", length 12": the layer's */
#define LENGTH	"\37"	/* its number alone */
#define NAMED	"\7"	/* the layer's name */
#define QUOTED	"\3"	/* go to the port in an IPv4 packet that an ICMP message quotes */

/* "\204" = go to byte 4 of the layer: octal 200 and the offset, at most 077 */

/* A layer that is a function: its place in show_layers[]. */
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

/* A layer that is a text with a table: its place in show_texts[]. */
#define DO_ARP	"\340"
#define DO_ARP4	"\341"
#define DO_ICMP	"\342"
#define DO_ICMP6 "\343"
#define DO_LLC	"\344"
#define DO_DHCP6 "\345"
#define DO_PPPOE "\346"
#define DO_PPP	"\347"
#define DO_WAY	"\350"
#define DO_FRAME "\351"

/* What many texts say. */
#define ENDS	"\360"	/* addresses */
#define IDSEQ	"\361"
#define QDST	"\362"	/* the destination of the IPv4 packet that is quoted, of the IPv6 packet */
#define QDST6	"\363"
#define UNREACH	"\364"
#define PROHIB	"\365"
#define UNREACH6 "\366"
#define GROUP	"\367"
#define GROUPADDR "\370"
#define TOPORT	"\371"

/* Tables and texts of bytes. Left alone, the compiler would put each at a multiple of 32. */
#define TEXT static const char __attribute__((aligned(1)))

TEXT show_phrase_rows[] =
	"\0" ENDS	SRC " > " DST ": \n"
	"\0" IDSEQ	", id \204" U16 ", seq " U16 LEN "\n"
	"\0" QDST	"\230" IP4 "\n"
	"\0" QDST6	"\240" IP6 "\n"
	"\0" UNREACH	" unreachable\n"
	"\0" PROHIB	UNREACH " - admin prohibited\n"
	"\0" UNREACH6	"destination unreachable, unreachable \n"
	"\0" GROUP	"multicast listener \n"
	"\0" GROUPADDR	"max resp delay: \204" U16 " addr: \210" IP6 LEN "\n"
	"\0" TOPORT	LOAD " " IS "\6tcp" FI IS "\21udp" FI " port \n";

/* The text of the row with that key. A key byte of 255 stands for any, as in the last row of every table. */
static const char *show_find(const char *row, unsigned key)
{
	unsigned high, low;

	for (;;) {
		high = (unsigned char)*row++;
		low = (unsigned char)*row++;
		if ((high == 255 || high == key >> 8) && (low == 255 || low == (key & 255)))
			return row;
		while (*row++ != '\n')
			;
	}
}

/* ---- applications ---- */

TEXT show_dns_type_rows[] =
	"\0\1A\n" "\0\34AAAA\n" "\0\14PTR\n" "\0\5CNAME\n" "\0\20TXT\n" "\0\41SRV\n"
	"\0\17MX\n" "\0\2NS\n" "\0\6SOA\n" "\377\377Type" W "\n";

/* A name, every label with its dot. No pointer is followed: the first name has nothing to point to. */
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

	line_say(l, U16 LOAD);
	if (l->v & 128)
		l->v = 128;	/* an answer; else bit 0 asks for recursion */
	line_say(l, IF "\1+" FI IF "\200 q:" FI " \214");
	to = l->to;
	show_dns_name(l);	/* only to get to the type, which is shown first */
	l->to = to;
	l->w = line_get(l, 2);
	line_say(l, show_find(show_dns_type_rows, l->w));
	line_say(l, "? \214");
	show_dns_name(l);
	line_say(l, IF "\200 \206" U16 "/" U16 "/" U16 FI " (" LENGTH ")");
}

/* key: first byte of the option's value, option */
TEXT show_dhcp_rows[] =
	"\1\65, Discover\n"
	"\2\65, Offer\n"
	"\3\65, Request\n"
	"\4\65, Decline\n"
	"\5\65, ACK\n"
	"\6\65, NACK\n"
	"\7\65, Release\n"
	"\10\65, Inform\n"
	"\377\62, requested " IP4 "\n"
	"\377\66, server " IP4 "\n"
	"\377\377\n";

static void show_dhcp(struct show *l)
{
	uint32_t next, option, first;

	line_say(l, "BOOTP/DHCP, " LOAD
		IS "\1Request from \234" MAC LEN FI
		IS "\2Reply" LEN ", client \234" MAC ", your \220" IP4 FI
		", xid 0x\204" X32);
	for (next = l->base + 240; !l->cut; next = l->at + first) {
		l->at = next;
		option = line_get(l, 1);
		if (option == 255)
			return;
		first = 0;
		if (!option)
			continue;
		first = line_get(l, 1);
		next = l->at;
		option |= line_get(l, 1) << 8;
		l->at = next;
		line_say(l, show_find(show_dhcp_rows, option));
		l->at = next;
	}
}

TEXT show_dhcp6[] = "dhcp6 " PICK
	"\1\377solicit\n" "\2\377advertise\n" "\3\377request\n" "\5\377renew\n" "\7\377reply\n"
	"\10\377release\n" "\13\377inf-req\n" "\377\377type \200" U8 "\n";

/* ---- transport ---- */

/* key: port */
TEXT show_udp_rows[] =
	"\0\65" NAME "domain\t" DO_DNS "\n"
	"\24\351" NAME "domain\t" DO_DNS "\n"
	"\0\103" NAME "bootp\t" DO_DHCP "\n"
	"\0\104" NAME "bootp\t" DO_DHCP "\n"
	"\0\105TFTP" LEN "\n"
	"\0\173NTP" LEN "\n"
	"\2\42" DO_DHCP6 "\n"
	"\2\43" DO_DHCP6 "\n"
	"\377\377UDP, length " LENGTH "\n";

/* The addresses, with the ports between them that the layer starts with. */
static void show_ports(struct show *l)
{
	line_say(l, l->end < l->base + 4 ? ENDS : l->addressed ? U16 " > " U16 ": " : SRC "." U16 " > " DST "." U16 ": ");
}

static void show_udp(struct show *l)
{
	const char *row;
	uint32_t n;

	show_ports(l);
	row = show_find(show_udp_rows, line_field(l, 2, 2));
	if (*row == 'U')
		row = show_find(show_udp_rows, line_field(l, 0, 2));
	n = line_field(l, 4, 2);
	l->v = n < 8 ? n : n - 8;
	line_need(l, 2);
	line_enter(l, 8);
	if (n - 8 > l->len && !l->fragment)
		row = "UDP, bad length " V " > " LENGTH;
	else if (l->v < l->len)
		l->len = l->v;
	line_say(l, row);
}

/* key: length, kind */
TEXT show_tcp_option_rows[] =
	"\0\0eol\n"
	"\0\1nop\n"
	"\4\2mss " U16 "\n"
	"\3\3wscale " U8 "\n"
	"\2\4sackOK\n"
	"\377\5sack " W " \n"
	"\12\10TS val " U32 " ecr " U32 "\n"
	"\2\377unknown-" V "\n"
	"\377\377unknown-" V " 0x\n";

static void show_tcp_options(struct show *l, uint32_t end)
{
	uint32_t n, next;

	line_say(l, ", options [\224");
	for (;;) {
		l->v = line_get(l, 1);
		next = l->at;
		n = 0;
		if (l->v > 1) {
			n = line_get(l, 1);
			next += n - 1;
			if (n < 2 || next > end) {
				line_say(l, "[bad opt]]");
				return;
			}
		}
		l->w = n / 8;
		line_say(l, show_find(show_tcp_option_rows, n << 8 | l->v));
		while (l->at < next && !l->cut)
			line_say(l, l->v == 5 ? "{" U32 ":" U32 "}" : X8);
		if (next >= end || !l->v)
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
	line_say(l, "\223" LOAD "\215" LOAD "Flags ["
		IF "\1F" FI IF "\2S" FI IF "\4R" FI IF "\10P" FI IF "\20." FI IF "\40U" FI IF "\100E" FI IF "\200W" FI IS "\0none" FI "]");
	hlen = line_field(l, 12, 1) >> 2 & 60;
	if (hlen < 20 || hlen > l->len) {
		line_say(l, " [bad hdr length]");
		return;
	}
	l->len -= hlen;
	l->w = line_field(l, 4, 4) + l->len;
	l->v &= 63;
	if (l->len)
		l->v |= 64;
	line_say(l, IF "\107, seq \204" U32 FI IF "\100:" W FI IF "\20, ack \210" U32 FI ", win \216" U16 IF "\40, urg \222" U16 FI);
	if (hlen > 20)
		show_tcp_options(l, l->base + hlen);
	line_say(l, LEN);
}

/* key: type, code */
TEXT show_icmp[] = NAME "icmp\tICMP " PICK
	"\0\377echo reply" IDSEQ "\n"
	"\10\377echo request" IDSEQ "\n"
	"\3\0net " QDST UNREACH LEN "\n"
	"\3\1host " QDST UNREACH LEN "\n"
	"\3\2" QDST " protocol \221" U8 UNREACH LEN "\n"
	"\3\3" QDST "\221" TOPORT QUOTED U16 UNREACH LEN "\n"
	"\3\4" QDST UNREACH " - need to frag\206" LOAD2 IF "\377 (mtu " V ")" FI LEN "\n"
	"\3\11net " QDST PROHIB LEN "\n"
	"\3\12host " QDST PROHIB LEN "\n"
	"\3\15host " QDST PROHIB " filter" LEN "\n"
	"\3\377" QDST UNREACH " - #\201" U8 LEN "\n"
	"\5\0redirect " QDST " to net \204" IP4 LEN "\n"
	"\5\1redirect " QDST " to host \204" IP4 LEN "\n"
	"\13\0time exceeded in-transit" LEN "\n"
	"\13\1ip reassembly time exceeded" LEN "\n"
	"\377\377type-#\200" U8 LEN "\n";

/* key: type, code */
TEXT show_icmp6[] = NAME "icmp6\tICMP6, " PICK
	"\1\0" UNREACH6 "route " QDST6 LEN "\n"
	"\1\3" UNREACH6 "address " QDST6 LEN "\n"
	"\1\4" UNREACH6 "port, " QDST6 "\216" TOPORT "\262" U16 LEN "\n"
	"\1\377destination unreachable, #" "\201" U8 " " QDST6 LEN "\n"
	"\2\377packet too big, mtu \204" U32 LEN "\n"
	"\3\0time exceeded in-transit for " QDST6 LEN "\n"
	"\200\377echo request" IDSEQ "\n"
	"\201\377echo reply" IDSEQ "\n"
	"\202\377" GROUP "query" LEN "\n"
	"\203\377" GROUP "report" GROUPADDR "\n"
	"\204\377" GROUP "done" GROUPADDR "\n"
	"\205\377router solicitation" LEN "\n"
	"\206\377router advertisement" LEN "\n"
	"\207\377neighbor solicitation, who has \210" IP6 LEN "\n"
	"\210\377neighbor advertisement, tgt is \210" IP6 LEN "\n"
	"\211\377redirect, \230" IP6 " to \210" IP6 LEN "\n"
	"\217\377" GROUP "report v2, \206" U16 " group record(s)" LEN "\n"
	"\377\377unknown icmp6 type (\200" U8 ")" LEN "\n";

/* ---- network ---- */

/* key: length of hardware and of protocol addresses */
TEXT show_arp[] = NAME "arp\t\233" LOAD "\204" PICK
	"\6\4" LINK IF "\1ARP, " FI "\206" DO_ARP4 "\n"
	"\377\377ARP" LEN "\n";

/* key: operation */
TEXT show_arp4[] = PICK
	"\0\1Request who-has \230" IP4 "\224" LOAD4 IF "\377 (\222" MAC ")" FI " tell \216" IP4 LEN "\n"
	"\0\2Reply \216" IP4 " is-at \210" MAC LEN "\n"
	"\0\3Reverse Request who-is \222" MAC " tell \210" MAC LEN "\n"
	"\0\4Reverse Reply \222" MAC " at \230" IP4 LEN "\n"
	"\377\377Unknown (\206" U16 ")" LEN "\n";

/* key: 1 for IPv6, 0 for IPv4; protocol */
TEXT show_proto_rows[] =
	"\0\1" DO_ICMP "\n"
	"\0\2igmp" LEN "\n"
	"\377\4" DO_IP4 "\n"
	"\377\6" NAME "tcp\t" DO_TCP "\n"
	"\377\21" NAME "udp\t" DO_UDP "\n"
	"\377\51" DO_IP6 "\n"
	"\377\57GRE" LEN "\n"
	"\1\0" NAME "hbhopt\tHBH " DO_EXT "\n"
	"\1\53" NAME "rt6\tRT6 " DO_EXT "\n"
	"\1\54" NAME "frag6\t" DO_FRAG "\n"
	"\1\74" NAME "dstopt\tDSTOPT " DO_EXT "\n"
	"\1\72" DO_ICMP6 "\n"
	"\377\73no next header\n"
	"\377\204sctp" LEN "\n"
	"\377\377 ip-proto-" V " " LENGTH "\n";

/* What IP carries. TCP and UDP put the addresses down themselves, with the ports between them. */
static void show_carry(struct show *l)
{
	if (l->next != 6 && l->next != 17 && !l->addressed++)
		line_say(l, ENDS);
	l->v = l->next;
	line_say(l, show_find(show_proto_rows, l->six * 256u + l->next));
}

/* The packet is that long: no byte from there on belongs to it. */
static void show_stop(struct show *l, uint32_t len)
{
	l->v = l->six;
	l->w = len - l->len;
	if (len > l->len)
		line_say(l, "truncated-ip" IF "\1" "6" FI " - " W " bytes missing!" IS "\0 " FI);
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
	line_say(l, NAME "ip\t" LINK IF "\1IP " FI "\223" LOAD);
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
	line_say(l, NAME "ip6\t\247" LOAD LINK IF "\1IP6 " FI);
	if (line_field(l, 0, 1) >> 4 != 6) {
		line_say(l, "(invalid)");
		return;
	}
	show_stop(l, line_field(l, 4, 2) + 40);
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

/* key: protocol; text: its name, a tab, and the layer */
TEXT show_ether_rows[] =
	"\10\0IPv4\t" DO_IP4 "\n"
	"\206\335IPv6\t" DO_IP6 "\n"
	"\10\6ARP\t" DO_ARP "\n"
	"\200\65Reverse ARP\t" DO_ARP "\n"
	"\201\0" "802.1Q\t" NAME "vlan\t" DO_VLAN "\n"
	"\210\250802.1Q-QinQ\t" NAME "vlan\t" DO_VLAN "\n"
	"\210\143PPPoE D\t" DO_PPPOE "\n"
	"\210\144PPPoE S\t" DO_PPPOE "\n"
	"\210\216EAPOL\tEAPOL" LEN "\n"
	"\210\314LLDP\tLLDP" LEN "\n"
	"\0\0" "802.3\t" DO_LLC "\n"
	"\377\377Unknown\t\n";

/* key: service access points */
TEXT show_llc[] = PICK
	"\102\102STP 802.1d" LEN "\n"
	"\377\377LLC" LEN "\n";

/* key: version and type, code */
TEXT show_pppoe[] = NAME "pppoe\t\205" LOAD "\200PPPoE " PICK
	"\21\0 [ses 0x" X16 "] \206" DO_PPP "\n"
	"\21\11PADI\n" "\21\7PADO\n" "\21\31PADR\n" "\21\145PADS\n" "\21\247PADT\n"
	"\377\377\n";

/* key: protocol */
TEXT show_ppp[] = PICK
	"\0\41" ENTER DO_IP4 "\n"
	"\0\127" ENTER DO_IP6 "\n"
	"\377\377PPP" LEN "\n";

/* The protocol, and what it says. */
static void show_type(struct show *l)
{
	const char *name = show_find(show_ether_rows, l->v < 1536 ? 0 : l->v), *text = name;

	if (l->cut)
		return;
	while (*text++ != '\t')
		;
	l->linklen = l->base;
	if (*text == '\n' && !l->ether) {
		l->ether = 1;
		show_link(l);
		return;
	}
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
	uint32_t tag = line_get(l, 2);

	l->v = tag & 4095;
	l->w = tag >> 13;
	if (l->ether)
		line_say(l, "vlan " V ", p " W "\200" LOAD IF "\20, DEI" FI ", ");
	line_say(l, "\202" LOAD2 ENTER DO_TYPE);
}

/* key: which way the packet went, any */
TEXT show_way[] = PICK
	"\0\377In \n" "\1\377B  \n" "\2\377M  \n" "\3\377P  \n" "\4\377Out\n" "\377\377?  \n";

/* key: frame control, first byte */
TEXT show_frame[] = PICK
	"\200\377Beacon\n" "\100\377Probe Request\n" "\120\377Probe Response\n" "\260\377Authentication\n"
	"\324\377Acknowledgment\n" "\10\377Data\n" "\210\377QoS Data\n" "\377\377type 0x\200" X8 "\n";

/* key: LINKTYPE_... */
TEXT show_link_rows[] =
	"\0\1" NAME "ether\t\215" LOAD LINK IF "\2\206" MAC " > \200" MAC ", " FI "\214" LOAD2 ENTER DO_TYPE "\n"
	"\0\161" NAME "sll\t\217" LOAD LINK IF "\2\201" DO_WAY " \206" MAC " " FI "\216" LOAD2 ENTER DO_TYPE "\n"
	"\1\24" NAME "sll2\t\223" LOAD "ifindex \204" U32 " \212" DO_WAY " " LINK IF "\2\214" MAC " " FI "\200" LOAD2 "\224" ENTER DO_TYPE "\n"
	"\0\145" LINK IF "\2ip: " FI LOAD IF "\40" DO_IP6 "\t" FI DO_IP4 "\n"
	"\0\177" NAME "802.11_radio\t802.11 \202" LOAD SKIP DO_FRAME LEN "\n"
	"\377\377link type" LEN "\n";

static void show_link(struct show *l)
{
	l->to = l->from;
	l->base = l->at = l->depth = 0;
	l->len = l->origlen;
	line_say(l, show_find(show_link_rows, l->linktype));
}

/* ---- the whole line ---- */

static void (*const show_layers[])(struct show *) = {
	show_type, show_vlan, show_ip4, show_ip6, show_extension, show_fragment6, show_tcp, show_udp, show_dns, show_dhcp
};
static const char *const show_texts[] = {
	show_arp, show_arp4, show_icmp, show_icmp6, show_llc, show_dhcp6, show_pppoe, show_ppp, show_way, show_frame
};

/* An IPv6 address as RFC 5952 wants it: the longest run of two or more zeros left out, the first of equals. */
static void show_address6(struct show *l)
{
	uint32_t word[8];
	unsigned i, n, best = 8, run = 1;

	for (i = 0; i < 8; i++)
		word[i] = line_get(l, 2);
	for (i = 0; i < 8; i++) {
		for (n = 0; i + n < 8 && !word[i + n]; n++)
			;
		if (n > run) {
			best = i;
			run = n;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i - best < run) {	/* in the run: the first of its two colons */
			if (i == best)
				line_put(l, ':');
			continue;
		}
		if (i)
			line_put(l, ':');
		if (i == 6 && !best && (run == 6 || (run == 5 && word[5] == 0xffff))) {
			l->at -= 4;
			line_several(l, 4, '.', BASE10);
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

/* What a character above ASCII stands for: a place in the layer, a phrase, a layer. */
static void show_refer(struct show *l, unsigned c)
{
	if (c < 0300)
		l->at = l->base + (c & 077);
	else if (c >= 0360)
		line_say(l, show_find(show_phrase_rows, c));
	else if (l->depth++ >= LAYERS_MAX)
		return;
	else if (c >= 0340)
		line_say(l, show_texts[c & 037]);
	else
		show_layers[c & 037](l);
}

/* The words that stand for a number: from the packet, or known. */
static void show_number(struct show *l, unsigned c)
{
	unsigned form = BASE10;
	uint32_t v = l->v;

	if (c < 011) {
		v = line_get(l, (c - 1) % 4 + 1);
		if (c > 4)
			form = c == 5 ? HEX2 : BASE16;
	} else if (c == 017)	/* W */
		v = l->w;
	else if (c == 020)	/* VX */
		form = HEX4;
	else if (c >= 036) {	/* LEN, LENGTH */
		if (c == 036)
			line_say(l, ", length ");
		v = l->len;
	}
	line_num(l, v, form);
}

/* The words that stand for anything else. */
static void show_word(struct show *l, unsigned c)
{
	if (c == 003)	/* QUOTED */
		l->at = l->base + 10 + (line_field(l, 8, 1) & 15) * 4;
	else if (c == 007)	/* NAMED */
		line_say(l, l->name);
	else if (c == 013)	/* IP4 */
		line_several(l, 4, '.', BASE10);
	else if (c == 014)	/* IP6 */
		show_address6(l);
	else if (c == 015)	/* MAC */
		line_several(l, 6, ':', HEX2);
	else if (c == 021 || c == 022 || c == 024)	/* LOAD, LOAD2, LOAD4 */
		l->v = line_get(l, c & 7);
	else if (c == 027)	/* LINK */
		l->v = 1u << l->ether;
	else if (c == 032)	/* ENTER */
		line_enter(l, l->at - l->base);
	else if (c == 033)	/* SKIP */
		line_enter(l, l->v);
	else if (c == 034 || c == 035)	/* SRC, DST */
		show_address(l, c & 1);
	else if (c != 026)	/* FI */
		show_number(l, c);
}

/* Writes a text up to its end, a newline or a tab. */
static void line_say(struct show *l, const char *text)
{
	for (;;) {
		unsigned c = (unsigned char)*text++, of;

		switch (c) {
		case 0: case '\t': case '\n':
			return;
		case 023: case 025:	/* IF, IS */
			of = (unsigned char)*text++;
			if (c == 025 ? l->v == of : of == 255 ? l->v : l->v & of)
				continue;
			while (*text++ != 026)
				;
			continue;
		case 030:	/* NAME */
			l->name = text;
			while (*text++ != '\t')
				;
			continue;
		case 031:	/* PICK */
			text = show_find(text, line_get(l, 2));
			continue;
		default:
			break;
		}
		if (c < ' ')
			show_word(l, c);
		else if (c < 0200)
			line_put(l, c);
		else
			show_refer(l, c);
	}
}

static void line_start(struct show *l, char *out)
{
	l->to = out;
	l->limit = out + SHOW_LINE - 2;
	l->end = l->caplen;
	l->cut = 0;
}

static size_t line_finish(struct show *l, const char *out)
{
	*l->to++ = '\n';
	*l->to = 0;
	return (size_t)(l->to - out);
}

/* Writes the line of a packet, with "\n" and 0 behind it, into SHOW_LINE bytes. Returns its length without the 0. */
static size_t show_packet(char *out, struct show *l)
{
	uint32_t unit;

	line_start(l, out);
	if (l->stamp != 1) {
		if (l->stamp) {
			line_num(l, l->sec, BASE10);
			line_put(l, '.');
		} else
			for (unit = 3600; unit; unit /= 60) {
				line_num(l, l->sec % 86400 / unit % 60, DEC2);
				line_put(l, unit > 1 ? ':' : '.');
			}
		line_num(l, l->nsec / 1000, DEC6);
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
	return line_finish(l, out);
}

/* Writes a line of hex into SHOW_LINE bytes: up to 16 bytes of the packet that show_packet has just shown, from *at on, which is moved
 * behind them. *at is 0 before the first one. Returns the length of the line, or 0 when there are no more. */
static size_t show_hex(char *out, struct show *l, uint32_t *at)
{
	unsigned i;

	line_start(l, out);
	l->v = l->base = *at;
	if (!(l->hex & SHOW_WHOLE))
		l->base += l->linklen;
	if (l->base >= l->end)
		return 0;
	*at += 16;
	line_put(l, '\t');
	line_say(l, "0x" VX ": \200");
	for (i = 0; i < 8 && l->at < l->end; i++)
		line_say(l, " " X8 X8);
	l->cut = 0;	/* the second of the last two may not be there */
	if (l->hex & SHOW_ASCII) {
		while (l->to < out + 51)
			line_put(l, ' ');
		l->at = l->base;
		for (i = 0; i < 16 && l->at < l->end; i++)
			line_letter(l);
	}
	return line_finish(l, out);
}

#endif
