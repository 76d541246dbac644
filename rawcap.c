/* SPDX-License-Identifier: MIT
 *
 * rawcap: captures packets from a network interface into a pcap stream, on Linux, without libpcap.
 *
 * How it works:
 * - A packet socket is opened for protocol 0, so it takes nothing. Filter, ring and promiscuous mode
 *   are set; then bind starts it. No packet of another interface or past the filter slips in.
 * - The kernel writes packets into a ring that is mapped into this process (TPACKET_V3). Each is
 *   copied once, behind its record header, into one buffer; one write takes many of them out.
 *   Without a ring (-B 0) recvmsg puts each packet where it would have been copied to.
 * - A filter is compiled here and run by the kernel, which copies and counts only what passes.
 * - Length, time and VLAN tag of a packet are the kernel's. The kernel keeps the tag beside the
 *   frame; netif.h puts it back where it was.
 * - One ppoll waits for packets, for the reader and for signals, which come through a descriptor. No
 *   write makes the process wait: a pipe gets what it has room for.
 * - When no packet is ready, everything taken has been written. At the end the kernel gets a filter
 *   that refuses everything, and the ring is drained until taken + dropped = seen.
 * - Packets can be shown as lines as well. Lines wait in a buffer of their own; what the terminal
 *   cannot follow is counted, and never holds up the capture.
 * - Once everything is open, the process gives up every right and every system call that the loop
 *   does not make.
 * - No memory is allocated: buffers and state are static.
 *
 * The parts of this file stand in the order in which main calls them. See packet(7) and
 * pcap-savefile(5), and the rooms: netif.h (the kernel side), filter.h and bpf.h (filters), pcap.h
 * (the file format), output.h (where bytes go), show.h (a packet as a line), sandbox.h (rights).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bpf.h"
#include "filter.h"
#include "netif.h"
#include "output.h"
#include "pcap.h"
#include "pcapng.h"
#include "sandbox.h"
#include "show.h"
#include "text.h"
#include "zone.h"

#define VERSION "0.2"

enum {
	RULE_SIZE = 2048,	/* bytes of what stands before the user's filter: a session twice, 16 ifindexes */
	SERVICES_MAX = 64 << 10,	/* bytes of /etc/services that are read: Debian's has 13 KiB */
	PROTOCOLS_MAX = 8 << 10,	/* bytes of /etc/protocols */
	SNAPLEN_DEFAULT = 2048,	/* bytes: any frame of a 1500 MTU, a part of merged ones */
	RING_KIB_DEFAULT = 2048,	/* KiB: 16 ms of a full gigabit, 3 % of a router's 64 MB */
	RING_KIB_MAX = (2 << 20) - 1,	/* KiB: the kernel counts bytes in an int */
	INTERFACES_MAX = 16,	/* times -i */
	LINKTYPES_MAX = 8,	/* link types in one file, for which a filter is kept */
	KNOWN_LINKS_MAX = 1024,	/* interfaces that are told apart in lines and in pcapng */
	NAME_MS = 1000,	/* for so long a name that was asked for is believed */
	EXPRESSION_MAX = 256 << 10,	/* bytes: twice the longest program that -ddd prints */
	MESSAGE_SIZE = 512,	/* bytes of one message, or of the summary */
	ENVIRONMENT_MAX = 32 << 10,	/* bytes of a parent's environment that are searched */
	GENERATIONS_MAX = 16,	/* parents that are asked: a shell, sudo, tmux ... and sshd */
	ZONE_FILE_MAX = 8 << 10,	/* bytes of a file of the zone database: the largest has 4 KiB */
	WORD_MAX = 120,	/* bytes of a stranger's word in a message, so that it cannot fill it */
	COPY_CHUNK = 16,	/* bytes of a packet that are copied at a time */
	/* Bytes of lines that may wait for the terminal: three seconds of a serial console. */
	LINES_BACKLOG = 32 << 10,
	/* Behind those, and as many that are written already, the longest packet has room. */
	LINES_SIZE = 2 * LINES_BACKLOG + 2 * SHOW_LINE + PCAP_SNAPLEN_MAX / 16 * SHOW_HEX_LINE,

	/* The kernel hands over a block of the ring after this time even if it is not full. Short:
	 * live readers see packets sooner. Long: the ring covers a longer hold-up. */
	LIVE_MS = 20,
	STORED_MS = 1000,
	TICK_MS = 30,	/* a pause in which packets on their way through the kernel arrive */
	GRACE_MS = 120,	/* after a stop signal: the most that packets on their way get */
	STALL_MS = 3000,	/* after a stop signal: a reader that takes nothing for so long is given up */
	HURRY_MS = 500,	/* ... after a second one */
	PATIENCE_MS = 1000,	/* at the end: until a stderr that takes nothing is given up */
	FLAP_MS = 50,	/* after an interface went down: by then a deletion shows */
	LINK_MS = 250,	/* between checks of an interface that stays down: the kernel may not tell */
	FIFO_MS = 50,	/* between two tries to open a FIFO that nobody reads */
	/* us until a pipe with room, but not for the next record, is tried again: a reader that keeps up
	 * makes room at once, for another one the time doubles with each try in vain, so many times */
	PIPE_US = 5,
	PIPE_DOUBLINGS = 11,
	PROGRESS_MS = 1000,	/* between two running counts */
	COUNT_MS = 60000,	/* between fetching the kernel's counts, which have 32 bits */
};

enum mode { CAPTURE, READ, LIST_INTERFACES, LIST_LINKTYPES, PRINT_FILTER };
enum direction { INOUT, IN, OUT };	/* -Q */

/* What the user asks for; constant once the command line is parsed. */
static struct {
	enum mode mode;
	int as_tcpdump;	/* called by that name */
	const char *ifname[INTERFACES_MAX];	/* -i or the first operand */
	unsigned ifnames;	/* how many of them */
	const char *read_name;	/* -r; - is stdin */
	const char *write_name;	/* -w; - is stdout; NULL if not given */
	const char *filter_name;	/* -F */
	const char *until;	/* --until: the packet that ends the capture; NULL without */
	uint32_t after;	/* --after: seconds that the capture goes on then */
	char *linktype_name;	/* -y */
	int linktype;	/* of -y; -1 without */
	uint64_t packets_max;	/* -c */
	const char *size_word;	/* -C as given; NULL without */
	uint64_t size_max;	/* -C in bytes; UINT64_MAX without */
	uint32_t period;	/* -G in seconds; 0 without */
	uint32_t files_max;	/* -W; 0: all */
	uint32_t snaplen;	/* -s in bytes; 0: not given */
	uint32_t ring_kib;	/* -B in KiB; 0: no ring */
	enum direction direction;
	unsigned dump;	/* times -d: how a compiled filter is printed */
	unsigned verbose;	/* times -v */
	int quiet;	/* -q: see is_quiet; as tcpdump, lines are shorter instead */
	int no_promisc;
	int waits;	/* --wait */
	int keeps_ssh;	/* --ssh */
	int micro, nano;	/* the last one given; both 0 without */
	int pcapng;	/* --pcapng, or a name that ends so */
	int print;	/* --print: lines, whatever stdout is */
	int line_buffered;	/* -l: lines, unless -w is given */
	int count_only;	/* --count */
	int number;	/* -#: lines have numbers */
	int link;	/* -e: lines have the link header */
	unsigned hex, hex_ascii;	/* times -x, -X */
	int ascii;	/* -A */
	unsigned stamp;	/* times -t */
	char filter[EXPRESSION_MAX];	/* the expression; "" without */
	int is_operand;	/* the interface is the first operand */
} opt;

/* Why the capture ends, the weaker reason first. From LIMIT on nothing more is taken. */
enum stop {
	NO,
	TIMED_OUT,	/* the time of -G or --after is over */
	SIGNALLED,
	GONE,	/* the interface is gone for good */
	LIMIT,	/* -c, -C or --until is reached */
	FAILED,	/* receiving fails */
	BROKEN,	/* nothing can be written any more */
};
/* WENT_DOWN: not told yet, since it may be a flap. */
enum link { UP, WENT_DOWN, DOWN, ABSENT };

/* The capture: the socket, its link, why it stops, what it counts. */
static struct {
	struct netif net;
	int several[INTERFACES_MAX];	/* ifindex of each -i, if there are several; 0: it is gone */
	const char *name;	/* of the interface, for messages */
	int linktype;
	int has_dsa_tag;	/* frames carry the tag of a switch (DSA) */
	int sees_behind_tag;	/* filters know where the tag stands */
	uint32_t taglen;	/* bytes of that tag behind the addresses; 0: none, or elsewhere */
	uint32_t snaplen;	/* bytes, 1 to PCAP_SNAPLEN_MAX */
	int nano;	/* times have nanoseconds */
	int signals;	/* signalfd(2) */
	unsigned stop_signals;	/* how many have come */
	int interrupted;	/* SIGINT was one of them: a terminal shows ^C */
	enum stop stop;
	enum link link;
	uint64_t round_ms;	/* when the round of the loop began: now_ms */
	uint64_t next_check_ms;	/* when counts and link are looked at: ms of now_ms */
	uint32_t backlog_max;	/* bytes that may wait for the reader while packets are taken */
	uint64_t start_time;	/* when it began, as pcapng_time has it */
	uint64_t taken;	/* packets put into the output buffer or, without output, shown */
	uint64_t cut;	/* packets cut to snaplen */
	uint64_t unwritten;	/* packets lost with the output: told at the end */
	int status;	/* the exit status */
	unsigned instructions;	/* of the filter */
	struct bpf_instruction filter[BPF_PROGRAM_MAX];	/* the kernel runs it; for -r, this program */
} capture;

static struct output output;

/* The interfaces that packets have come through, for pcapng and for lines. */
static struct {
	unsigned count;
	struct known_link {
		int ifindex;
		char name[NETIF_NAME_SIZE];
		uint64_t asked_ms;	/* when its name was asked for: it may change */
		uint32_t file;	/* the file (output.begun) in which NUMBER holds */
		uint32_t number;	/* what that file calls it */
	} entry[KNOWN_LINKS_MAX];
} known;

/* A stream that people look at: stdout or stderr, which may be a terminal. */
struct terminal {
	int fd;	/* -1: nothing is written */
	int blocks;	/* a terminal without O_NONBLOCK: a write to it may wait */
	int is_socket;
};

/* Packets as lines. */
static struct {
	struct terminal to;	/* stdout, or the terminal behind it; fd -1 if no lines are shown */
	struct show look;
	struct zone zone;	/* the time zone of lines and, as tcpdump, of file names */
	uint64_t skipped;	/* packets since the last line for which there was no room */
	uint32_t sent, end;	/* bytes [sent, end) of the buffer are still to be written */
	char buffer[LINES_SIZE];
} screen;

/* The packet that ends the capture, --until. */
static struct {
	unsigned instructions;	/* of the program; 0: there is none */
	struct bpf_instruction program[BPF_PROGRAM_MAX];
	/* --after: when the capture ends, in ms of now_ms() or, with -r, of the packets' own times;
	 * UINT64_MAX before the packet */
	uint64_t end_ms;
} until;

/* The file that -r reads. */
static struct {
	const char *name;
	int fd;
	int is_pcapng;
	struct pcap_reader format;	/* of a classic file */
	struct pcapng_reader blocks;	/* of the newer one */
	struct pcapng_block block;	/* the one that was read last */
	int has_block;	/* it is still to be used */
	int rewinds;	/* what has been read stays in the buffer, to be read again */
	uint32_t flags;	/* of the packet that was read last: PCAPNG_INBOUND and so on; 0: not known */
	struct {
		uint32_t file;	/* the file (output.begun) in which NUMBER holds */
		uint32_t number;	/* what that file calls it */
	} link[PCAPNG_INTERFACES];	/* the interfaces of the section, where pcapng is written */
	struct {
		int linktype;
		unsigned instructions;	/* 0: its packets do not pass */
		unsigned until_instructions;	/* of --until; 0: none of its packets is the one */
		struct bpf_instruction program[BPF_PROGRAM_MAX], until_program[BPF_PROGRAM_MAX];
	} filter[LINKTYPES_MAX];	/* the filters for each link type that came */
	unsigned filters;
	uint64_t good;	/* records */
	uint32_t at, have;	/* in the buffer: the next record, and the end of what was read */
	unsigned char buffer[OUTPUT_CHUNK + PCAPNG_BLOCK_MAX];
} source;

/* ==== Writing without waiting ==== */

static int is_terminal(int fd)
{
	char termios[64];	/* the kernel's has less on every machine */

	return ioctl(fd, TCGETS, termios) == 0;
}

/* Opens a terminal once more, so that no write to it makes the process wait: the flags of what the
 * shell gave us are shared with the shell, and stay as they are. PATH is FD's name in /proc. Without
 * /proc, or where the terminal is another user's, see write_terminal. */
static void open_terminal(struct terminal *t, const char *path)
{
	int fd;

	if (t->fd < 0 || !is_terminal(t->fd))
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		t->fd = fd;
	else
		t->blocks = 1;
}

/* Writes LEN bytes of TEXT as far as that goes without waiting. A terminal that poll calls writable
 * may have room for one byte, and makes two of a newline: so where only the shell's own descriptor is
 * there, O_NONBLOCK is borrowed for the one write. Returns how many bytes were taken, 0 for none now,
 * or -1. */
static ssize_t write_terminal(const struct terminal *t, const char *text, size_t len)
{
	int flags = 0;
	ssize_t n;

	if (t->blocks) {
		flags = (int)syscall(SYS_fcntl, t->fd, F_GETFL);
		syscall(SYS_fcntl, t->fd, F_SETFL, flags | O_NONBLOCK);
	}
	if (t->is_socket)
		n = syscall(SYS_sendto, t->fd, text, len, MSG_DONTWAIT, NULL, 0);
	else
		n = write(t->fd, text, len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		n = 0;
	if (t->blocks)
		syscall(SYS_fcntl, t->fd, F_SETFL, flags);
	return n;
}

/* ==== Messages ==== */

static char message_memory[MESSAGE_SIZE];
static struct text message = { message_memory, sizeof message_memory, 0 };
static struct terminal message_stream = { STDERR_FILENO, 0, 0 };	/* where messages go */

/* Whether FD is ready for EVENTS within MS. POLLOUT of a pipe promises PIPE_BUF bytes. */
static int is_ready(int fd, short events, uint32_t ms)
{
	struct pollfd p = { fd, events, 0 };
	struct timespec wait = { ms / 1000, (long)(ms % 1000) * 1000000 };

	return output_poll(&p, 1, &wait) > 0;
}

/* Sends the message to stderr. A stderr that is full or closed loses it: no message may hold up the
 * capture. Only at the end there is a second's patience. */
static void send_message(void)
{
	if (message_stream.fd >= 0 &&
	    is_ready(message_stream.fd, POLLOUT, capture.stop == NO ? 0 : PATIENCE_MS))
		write_terminal(&message_stream, message.at, message.len);
	text_clear(&message);
}

/* Adds "7 packets WHAT" to the message. */
static void add_count(uint64_t n, const char *what)
{
	text_add_number(&message, n, 1);
	text_add(&message, n == 1 ? " packet " : " packets ");
	text_add(&message, what);
}

/* Begins the message "rawcap: THING: ...", and returns it. THING may be a stranger's word. */
static struct text *begin_message(const char *thing)
{
	text_add(text_clear(&message), "rawcap: ");
	text_add_foreign(&message, *thing ? thing : "''", WORD_MAX);
	text_add(&message, ": ");
	return &message;
}

static void end_message(void)
{
	if (message.len + 1 == message.size)	/* of a longer one the rest is left out */
		message.len--;
	text_add(&message, "\n");
	send_message();
}

/* Prints one line on stderr, "rawcap: THING: REASON". THING may be a stranger's word. */
static void say(const char *thing, const char *reason)
{
	begin_message(thing);
	text_add(&message, reason);
	end_message();
}

/* Whether -q keeps what is no error to itself: the summary, and the lines about the start, about the
 * first packet that is cut and about --until. tcpdump's -q does not. */
static int is_quiet(void)
{
	return opt.quiet && !opt.as_tcpdump;
}

/* The exit status for a wrong command line; tcpdump has 1. */
static int usage_status(void)
{
	return opt.as_tcpdump ? 1 : 2;
}

/* The command line is wrong: names the word and the reason, and ends. */
_Noreturn static void usage(const char *word, const char *reason)
{
	say(word, reason);
	_exit(usage_status());
}

/* What ERROR means, and what to do about it where that is not plain; NULL if it is not known. */
static const char *error_text(int error)
{
	static const struct { int error; const char *text; } texts[] = {
		{ EPERM, "no CAP_NET_RAW: run as root, or once: setcap cap_net_raw=ep rawcap" },
		{ ENODEV, "no such interface (see -D)" },
		{ EAFNOSUPPORT, "kernel has no CONFIG_PACKET" },
		{ ENOSPC, "no space left" },
		{ EDQUOT, "quota exceeded" },
		{ EFBIG, "file too large" },
		{ EIO, "I/O error" },
		{ EPIPE, "the reader is gone" },
		{ ENOMEM, "out of memory" },
		{ EMFILE, "too many open files" },
		{ EACCES, "permission denied" },
		{ ENOENT, "no such file or directory" },
		{ EISDIR, "a directory" },
		{ EROFS, "read-only file system" },
		{ ENXIO, "nobody reads it" },
		{ ESPIPE, "not a file" },
		{ EPROTOTYPE, "came back with another link type" },
		{ ENOTDIR, "not a directory" },
		{ ENAMETOOLONG, "name too long" },
		{ ELOOP, "too many links" },
		{ ETXTBSY, "a running program" },
		{ EDEADLK, "is what is read" },
		{ ENETDOWN, "is down" },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].error == error)
			return texts[i].text;
	return NULL;
}

/* Says that THING failed with ERROR. */
static void complain(const char *thing, int error)
{
	const char *text;

	if (error == EPERM && strcmp(thing, "socket"))	/* a file that is not to be changed */
		error = EACCES;
	text = error_text(error);
	begin_message(thing);
	text_add(&message, text ? text : "error ");
	if (!text)
		text_add_number(&message, (unsigned)error, 1);
	end_message();
}

/* THING failed with errno: says so and ends. */
_Noreturn static void die(const char *thing)
{
	complain(thing, errno);
	_exit(1);
}

/* ==== Options ==== */

static const char help[] =
"rawcap [options] INTERFACE [FILTER] > FILE.pcap    -D lists interfaces, any: all\n"
"-i NAME   interface (again: several)      -c N      stop after N packets\n"
"-p        not promiscuous                 -s N      bytes kept (2048; 0: 262144)\n"
"-Q DIR    in, out or inout                -B KIB    ring (2048; 0: none)\n"
"-F FILE   holds the filter                -y TYPE   link type (-L lists them)\n"
"--wait    for INTERFACE, when it is gone  --ssh     keep its own SSH session\n"
"-r FILE   read FILE (-: stdin)            -w FILE   write FILE, not stdout\n"
"--pcapng  write pcapng, as for *.pcapng   --nano    timestamps (--micro)\n"
"-C SIZE   next file before SIZE MB (or k, m, g); without -w the end\n"
"-G SECS   next file (%Y%m%d%H%M%S) after SECS seconds; without -w the end\n"
"-W N      keep N files; with -G alone end after them\n"
"--until FILTER   end with the first packet that matches; --after SECS later\n"
"-l --print       packets as lines, as on a terminal (--print: beside -w, too)\n"
"-e -x -xx -X -XX -A -v -t -tt -ttt -tttt -ttttt -# --number   how lines look\n"
"--count   with -r: how many packets       -q        no summary\n"
"-d -dd -ddd      print FILTER compiled    -h --help --version\n"
"Long names as tcpdump's: --interface NAME, --time-stamp-precision nano ...\n"
"No effect: -b -f -j host -K -n -N -O -S -T -u -U -Z --immediate-mode\n"
"Refused, with the reason: -E -I -J -M -R -V -z\n"
"INT TERM HUP stop, USR1 counts, USR2 flushes; exit 0 stopped, 1 failed, 2 usage\n";

/* Options without a letter. */
enum {
	OPT_AFTER = 256, OPT_COUNT, OPT_IGNORED, OPT_MICRO, OPT_NANO, OPT_PCAPNG, OPT_PRECISION, OPT_PRINT, OPT_SSH,
	OPT_UNTIL, OPT_VERSION, OPT_WAIT,
};

/* Every option: its letter or one of the numbers above, whether it takes a value, and its long name
 * or NULL. Letters and names are tcpdump's where it has them. A new one needs a row, a field of opt, a
 * case in set_flag or set_value, and a word in help[], README.md and rawcap.8. A new long name should
 * leave the abbreviations that people use alone. */
struct option {
	int id;
	int has_value;
	const char *name;
};
static const struct option options[] = {
	{ '#', 0, "number" },
	{ 'A', 0, NULL },
	{ 'B', 1, "buffer-size" },
	{ 'C', 1, NULL },
	{ 'D', 0, "list-interfaces" },
	{ 'E', 1, NULL },
	{ 'F', 1, NULL },
	{ 'G', 1, NULL },
	{ 'I', 0, "monitor-mode" },
	{ 'J', 0, "list-time-stamp-types" },
	{ 'K', 0, "dont-verify-checksums" },
	{ 'L', 0, "list-data-link-types" },
	{ 'M', 1, NULL },
	{ 'N', 0, NULL },
	{ 'O', 0, "no-optimize" },
	{ 'Q', 1, "direction" },
	{ 'R', 0, NULL },
	{ 'S', 0, "absolute-tcp-sequence-numbers" },
	{ 'T', 1, NULL },
	{ 'U', 0, "packet-buffered" },
	{ 'V', 1, NULL },
	{ 'W', 1, NULL },
	{ 'X', 0, NULL },
	{ 'Z', 1, "relinquish-privileges" },
	{ 'b', 0, NULL },
	{ 'c', 1, NULL },
	{ 'd', 0, NULL },
	{ 'e', 0, NULL },
	{ 'f', 0, NULL },
	{ 'h', 0, "help" },
	{ 'i', 1, "interface" },
	{ 'j', 1, "time-stamp-type" },
	{ 'l', 0, NULL },
	{ 'n', 0, NULL },
	{ 'p', 0, "no-promiscuous-mode" },
	{ 'q', 0, NULL },
	{ 'r', 1, NULL },
	{ 's', 1, "snapshot-length" },
	{ 't', 0, NULL },
	{ 'u', 0, NULL },
	{ 'v', 0, NULL },
	{ 'w', 1, NULL },
	{ 'x', 0, NULL },
	{ 'y', 1, "linktype" },
	{ 'z', 1, NULL },
	{ OPT_AFTER, 1, "after" },
	{ OPT_COUNT, 0, "count" },
	{ OPT_IGNORED, 0, "immediate-mode" },
	{ OPT_MICRO, 0, "micro" },
	{ OPT_NANO, 0, "nano" },
	{ OPT_PCAPNG, 0, "pcapng" },
	{ OPT_PRECISION, 1, "time-stamp-precision" },
	{ OPT_PRINT, 0, "print" },
	{ OPT_SSH, 0, "ssh" },
	{ OPT_UNTIL, 1, "until" },
	{ OPT_VERSION, 0, "version" },
	{ OPT_WAIT, 0, "wait" },
};

static const char no_such_option[] = "no such option (see -h)";

/* How FD is open: O_RDONLY, O_WRONLY or O_RDWR, and O_APPEND; -1 if it is not. */
static int open_mode(int fd)
{
	int flags = (int)syscall(SYS_fcntl, fd, F_GETFL);

	return flags < 0 ? flags : flags & (O_ACCMODE | O_APPEND);
}

static void need_stdout(void)
{
	int mode = open_mode(STDOUT_FILENO);

	if (mode < 0 || !(mode & (O_WRONLY | O_RDWR)))
		usage("stdout", "not open for writing");
}

static void write_answer(const char *text, size_t len)
{
	if (write(STDOUT_FILENO, text, len) < 0)
		die("stdout");
}

/* TEXT on stdout is all that the user asked for. */
_Noreturn static void answer(const char *text)
{
	need_stdout();
	write_answer(text, strlen(text));
	_exit(0);
}

/* As tcpdump, version and help begin with tcpdump's line: programs look for it. */
_Noreturn static void answer_version(const char *rest)
{
	need_stdout();
	if (opt.as_tcpdump)
		write_answer("tcpdump version 4.99 (rawcap " VERSION ")\n",
		    sizeof "tcpdump version 4.99 (rawcap " VERSION ")\n" - 1);
	answer(rest);
}

/* WORD is no number that option NAME takes. */
_Noreturn static void refuse_number(const char *name, const char *word, uint64_t min, uint64_t max)
{
	begin_message(word);
	text_add(&message, name);
	text_add(&message, " takes a number from ");
	text_add_number(&message, min, 1);
	text_add(&message, " to ");
	text_add_number(&message, max, 1);
	end_message();
	_exit(usage_status());
}

/* Reads the decimal number that *WORD starts with, at most MAX, and moves *WORD behind it. */
static uint64_t parse_digits(const char **word, uint64_t max)
{
	const char *c = *word;
	uint64_t n = 0;

	while (*c >= '0' && *c <= '9') {
		unsigned digit = (unsigned)(*c - '0');

		if (digit > max || n > (max - digit) / 10)
			break;
		n = n * 10 + digit;
		c++;
	}
	*word = c;
	return n;
}

/* WORD, the value of option NAME, as a number from MIN to MAX. */
static uint64_t parse_number(const char *name, const char *word, uint64_t min, uint64_t max)
{
	const char *c = word;
	uint64_t n = parse_digits(&c, max);

	if (c == word || *c || n < min)
		refuse_number(name, word, min, max);
	return n;
}

/* The value of -C in bytes: millions of them, or with a unit a power of 1024. */
static uint64_t parse_size(const char *name, const char *word)
{
	const char *c = word;
	uint64_t n = parse_digits(&c, UINT32_MAX);

	if (c == word || n == 0 || (*c && c[1]))
		refuse_number(name, word, 1, UINT32_MAX);
	switch (*c) {
	case 0: return n * 1000000;
	case 'k': case 'K': return n << 10;
	case 'm': case 'M': return n << 20;
	case 'g': case 'G': return n << 30;
	default: usage(word, "-C takes a number with k, m, g or nothing behind it");
	}
}

static enum direction parse_direction(const char *word)
{
	if (!strcmp(word, "inout"))
		return INOUT;
	if (!strcmp(word, "in"))
		return IN;
	if (!strcmp(word, "out"))
		return OUT;
	usage(word, "-Q takes in, out or inout");
}

static void parse_precision(const char *word)
{
	opt.nano = !strcmp(word, "nano");
	opt.micro = !strcmp(word, "micro");
	if (!opt.nano && !opt.micro)
		usage(word, "--time-stamp-precision takes micro or nano");
}

static void add_interface(const char *name)
{
	if (opt.ifnames == INTERFACES_MAX)
		usage(name, "too many interfaces: any has them all");
	opt.ifname[opt.ifnames++] = name;
}

/* What rawcap does not do, and what to do instead. */
_Noreturn static void refuse_option(int id, const char *word)
{
	switch (id) {
	case 'E': usage(word, "nothing is decrypted here: do it where the file is read");
	case 'I': usage(word, "set the mode yourself: iw dev wlan0 set type monitor");
	case 'J': usage(word, "times are the kernel's, there is no choice");
	case 'M': usage(word, "TCP-MD5 is not checked");
	case 'R': usage(word, "not an option of tcpdump's any more");
	case 'V': usage(word, "one file at a time: -r FILE");
	case 'z': usage(word, "nothing is run: each file is complete when the next one begins");
	default: usage(word, no_such_option);
	}
}

/* An option without value; NAME is what messages call it. */
static void set_flag(int id, const char *name)
{
	switch (id) {
	case '#': opt.number = 1; break;
	case 'A': opt.ascii = 1; break;
	case 'D': opt.mode = LIST_INTERFACES; break;
	case 'L': opt.mode = LIST_LINKTYPES; break;
	case 'X': opt.hex_ascii++; break;
	case 'd': opt.dump++; break;
	case 'e': opt.link = 1; break;
	case 'h': answer_version(help);
	case 'l': opt.line_buffered = 1; break;
	case 'p': opt.no_promisc = 1; break;
	case 'q': opt.quiet = 1; break;
	case 't': opt.stamp++; break;
	case 'v': opt.verbose++; break;
	case 'x': opt.hex++; break;
	case 'K': case 'N': case 'O': case 'S': case 'U': case 'b': case 'f': case 'n': case 'u':
	case OPT_IGNORED: break;	/* how it works anyway, or of no effect here */
	case OPT_COUNT: opt.count_only = 1; break;
	case OPT_MICRO: opt.micro = 1; opt.nano = 0; break;
	case OPT_NANO: opt.nano = 1; opt.micro = 0; break;
	case OPT_PCAPNG: opt.pcapng = 1; break;
	case OPT_PRINT: opt.print = 1; break;
	case OPT_SSH: opt.keeps_ssh = 1; break;
	case OPT_VERSION: answer_version("rawcap " VERSION "\n");
	case OPT_WAIT: opt.waits = 1; break;
	default: refuse_option(id, name);
	}
}

/* An option with its VALUE; NAME is what messages call it. */
static void set_value(int id, const char *name, char *value)
{
	switch (id) {
	case 'B': opt.ring_kib = (uint32_t)parse_number(name, value, 0, RING_KIB_MAX); break;
	case 'C': opt.size_max = parse_size(name, value); opt.size_word = value; break;
	case 'F': opt.filter_name = value; break;
	case 'G': opt.period = (uint32_t)parse_number(name, value, 0, OUTPUT_PERIOD_MAX); break;
	case 'Q': opt.direction = parse_direction(value); break;
	case 'T': case 'Z': break;	/* of no effect here */
	case 'W': opt.files_max = (uint32_t)parse_number(name, value, 1, OUTPUT_FILES_MAX); break;
	case 'c': opt.packets_max = parse_number(name, value, 1, UINT64_MAX); break;
	case 'i': add_interface(value); break;
	case 'j':
		if (strcmp(value, "host"))
			usage(value, "-j takes host: times are the kernel's");
		break;
	case 'r': opt.read_name = value; break;
	case 's':
		opt.snaplen = (uint32_t)parse_number(name, value, 0, PCAP_SNAPLEN_MAX);
		if (!opt.snaplen)
			opt.snaplen = PCAP_SNAPLEN_MAX;
		break;
	case 'w': opt.write_name = value; break;
	case 'y': opt.linktype_name = value; break;
	case OPT_AFTER: opt.after = (uint32_t)parse_number(name, value, 0, OUTPUT_PERIOD_MAX); break;
	case OPT_PRECISION: parse_precision(value); break;
	case OPT_UNTIL: opt.until = value; break;
	default: refuse_option(id, name);
	}
}

/* The option with this LETTER in WORD. */
static const struct option *find_letter(char letter, const char *word)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (options[i].id == letter)
			return options + i;
	usage(word, no_such_option);
}

/* The long option that WORD is, or begins as no other does: its name has LEN bytes. */
static const struct option *find_name(const char *word, size_t len)
{
	const struct option *found = options;
	unsigned matches = 0;

	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (!options[i].name || strncmp(options[i].name, word + 2, len))
			continue;
		found = options + i;
		matches++;
		if (!found->name[len])	/* the whole name */
			return found;
	}
	if (matches != 1)
		usage(word, no_such_option);
	return found;
}

/* Sets option O, with VALUE (NULL if it has none). NAME is what messages call it. */
static void set_option(const struct option *o, const char *name, char *value)
{
	if (o->has_value)
		set_value(o->id, name, value);
	else
		set_flag(o->id, name);
}

/* Takes the long option in *ARGV, and the word behind it where that is its value. Returns the last
 * word it took. */
static char **parse_long(char **argv)
{
	char *word = *argv, *value = strchr(word, '=');
	const struct option *o = find_name(word, value ? (size_t)(value - word) - 2 : strlen(word + 2));
	char memory[40];
	struct text name = { memory, sizeof memory, 0 };

	if (value && !o->has_value)
		usage(word, "takes no value");
	if (value)
		value++;
	else if (o->has_value)
		value = *++argv;
	if (o->has_value && !value)
		usage(word, "needs a value");
	text_add(&name, "--");
	text_add(&name, o->name);
	set_option(o, name.at, value);
	return argv;
}

/* Takes the bundle of letters in *ARGV, likewise: the last one may have a value. */
static char **parse_letters(char **argv)
{
	char *word = *argv;

	for (char *c = word + 1; *c; c++) {
		const struct option *o = find_letter(*c, word);
		const char name[] = { '-', *c, 0 };

		if (!o->has_value) {
			set_option(o, name, NULL);
			continue;
		}
		if (!c[1] && !*++argv)
			usage(word, "needs a value");
		set_option(o, name, c[1] ? c + 1 : *argv);
		break;
	}
	return argv;
}

/* Takes the options out of ARGV, wherever they stand, and leaves the operands. */
static void parse_options(char **argv)
{
	char **operand = argv;

	for (; *argv; argv++) {
		char *word = *argv;

		if (word[0] != '-' || !word[1]) {
			*operand++ = word;
		} else if (!strcmp(word, "--")) {
			argv++;
			break;
		} else {
			argv = word[1] == '-' ? parse_long(argv) : parse_letters(argv);
		}
	}
	while (*argv)
		*operand++ = *argv++;
	*operand = NULL;
}

_Noreturn static void refuse_form(const char *name)
{
	text_add(begin_message(name), "of % it may have ");
	text_add(&message, output_forms);
	end_message();
	_exit(usage_status());
}

/* What concerns files: -w, -C, -G, -W. */
static void check_files(void)
{
	static const char ending[] = ".pcapng";
	const char *name = opt.write_name;
	size_t len;
	char form;

	if (!name || !strcmp(name, "-"))
		return;
	len = strlen(name);
	if (len >= strlen(ending) && !strcmp(name + len - strlen(ending), ending))
		opt.pcapng = 1;
	if (!len || len > OUTPUT_NAME_MAX)
		usage("-w", "not a file name");
	if (!opt.period)
		return;
	form = output_unknown_form(name);
	if (form)
		refuse_form(name);
}

/* An interface name must be one that the kernel takes as it stands, or an alternative name, which
 * may be longer. The alias eth0:1 is eth0. */
static void check_interface_name(char *name)
{
	char *c = name;

	while (*c > ' ' && *c <= '~' && *c != '/' && *c != ':')
		c++;
	if (*c == ':' && c > name)
		*c = 0;
	if (*c || c == name || c - name >= NETIF_ALTNAME_SIZE || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		usage(name, "not an interface name");
}

/* The filter: the operands with spaces between them. */
static void join_filter(char **words)
{
	struct text filter = { opt.filter, sizeof opt.filter, 0 };

	for (; *words; words++) {
		if (filter.len > 0)
			text_add_char(&filter, ' ');
		text_add(&filter, *words);
	}
	if (filter.len + 1 == filter.size)
		usage("filter", "too long");
}

/* -F: the filter stands in a file, and operands do not count. */
static void read_filter(const char *name)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = -1;

	if (fd >= 0)
		do {
			n = read(fd, opt.filter + len, sizeof opt.filter - 1 - len);
			len += n > 0 ? (size_t)n : 0;
		} while (n > 0);
	if (n < 0)
		die(name);
	close(fd);
	if (len == sizeof opt.filter - 1)
		usage(name, "too long for a filter");
	opt.filter[len] = 0;
	if (strlen(opt.filter) < len)
		usage(name, "not a text: it has a byte of zeros");
	for (char *c = strchr(opt.filter, '#'); c; c = strchr(c, '#'))	/* comments, up to the line's end */
		while (*c && *c != '\n')
			*c++ = ' ';
}

/* What the program does, from the options that say so. */
static void choose_mode(void)
{
	if (opt.mode != CAPTURE)
		return;
	if (opt.dump)
		opt.mode = PRINT_FILTER;
	else if (opt.read_name)
		opt.mode = READ;
}

/* Whether an interface is needed that nobody has named yet. */
static int wants_interface(void)
{
	return !opt.ifnames && (opt.mode == CAPTURE || opt.mode == LIST_LINKTYPES);
}

static int is_called_tcpdump(const char *program)
{
	const char *slash = strrchr(program, '/');

	return !strcmp(slash ? slash + 1 : program, "tcpdump");
}

/* What holds unless the command line says otherwise. */
static void set_defaults(void)
{
	output.fd = screen.to.fd = source.fd = capture.net.fd = -1;
	output.period_end = until.end_ms = UINT64_MAX;
	opt.linktype = -1;
	opt.packets_max = UINT64_MAX;
	opt.size_max = UINT64_MAX;
	opt.ring_kib = RING_KIB_DEFAULT;
}

static void parse_arguments(char **argv)
{
	set_defaults();
	if (*argv) {	/* argv may be empty before Linux 5.18 */
		opt.as_tcpdump = is_called_tcpdump(*argv);
		argv++;
	}
	parse_options(argv);
	choose_mode();
	if (opt.mode == LIST_INTERFACES)
		return;
	if (wants_interface() && *argv && !opt.as_tcpdump) {
		add_interface(*argv++);
		opt.is_operand = 1;
	}
	for (unsigned i = 0; i < opt.ifnames; i++)
		check_interface_name((char *)opt.ifname[i]);
	if (wants_interface() && !opt.as_tcpdump)
		usage("no interface", "rawcap INTERFACE > FILE.pcap (see -h)");
	check_files();
	if (opt.after && !opt.until)
		usage("--after", "goes with --until");
	if (opt.filter_name)
		read_filter(opt.filter_name);
	else
		join_filter(argv);
	if (opt.linktype_name) {
		opt.linktype = pcap_linktype_named(opt.linktype_name);
		if (opt.linktype < 0)
			usage(opt.linktype_name, "not a link type here");
	}
	if (!opt.snaplen)
		opt.snaplen = opt.mode == CAPTURE && !opt.as_tcpdump ? SNAPLEN_DEFAULT : PCAP_SNAPLEN_MAX;
	capture.snaplen = opt.snaplen;
	capture.nano = opt.nano || (opt.pcapng && !opt.micro);
}

/* ==== Standard streams and signals ==== */

/* Whether packets are shown as lines. */
static int shows_lines(void)
{
	if (opt.print)
		return 1;
	if (opt.write_name || opt.count_only)
		return 0;
	return opt.as_tcpdump || opt.line_buffered || opt.mode == READ || is_terminal(STDOUT_FILENO);
}

static int writes_file(void)
{
	return opt.write_name && strcmp(opt.write_name, "-");
}

static void check_stdin(void)
{
	int mode = open_mode(STDIN_FILENO);

	if (opt.read_name && !strcmp(opt.read_name, "-") && (mode < 0 || mode & O_WRONLY))
		usage("stdin", "not open for reading");
}

/* The kind of socket that FD is: SOCK_STREAM and so on; 0 if it is none. */
static int socket_type(int fd)
{
	socklen_t len = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ? 0 : type;
}

/* A stderr that was closed at the start stays closed, whatever gets its number. */
static void check_stderr(void)
{
	if (open_mode(STDERR_FILENO) < 0)
		message_stream.fd = -1;
	message_stream.is_socket = socket_type(STDERR_FILENO) != 0;
}

/* Opens the terminals again, while rights are still there. */
static void open_terminals(void)
{
	open_terminal(&message_stream, "/proc/self/fd/2");
	open_terminal(&screen.to, "/proc/self/fd/1");
}

/* What goes to stdout: the capture, lines, an answer or nothing. It must be fit for that. Nothing
 * has been opened yet. */
static void check_stdout(void)
{
	int type;

	if (writes_file() && !opt.print)
		return;
	need_stdout();
	if (opt.mode != CAPTURE && opt.mode != READ)
		return;
	type = socket_type(STDOUT_FILENO);
	if (type && type != SOCK_STREAM)
		usage("stdout", "a socket of messages, which would tear records: only streams will do");
	if (shows_lines()) {
		screen.to.is_socket = type != 0;
		if (opt.write_name && !writes_file())
			usage("--print", "stdout is not free for lines");
		screen.to.fd = STDOUT_FILENO;
		return;
	}
	if (opt.count_only) {
		if (opt.write_name && !writes_file())
			usage("--count", "stdout is not free for the number");
		return;
	}
	if (is_terminal(STDOUT_FILENO))
		usage("stdout", "a terminal: rawcap eth0 > /tmp/c.pcap");
	if (open_mode(STDOUT_FILENO) & O_APPEND && lseek(STDOUT_FILENO, 0, SEEK_END) > 0)
		usage("stdout", "not empty: use >");
	output.fd = STDOUT_FILENO;
}

#define SIGBIT(sig) (1ul << ((sig) - 1))	/* in the first word of the kernel's signal sets */

/* Whether SIGHUP was ignored at the start, as nohup makes it. */
static int ignores_hangup(void)
{
#ifdef __mips__
	enum { HANDLER = 1 };	/* in the kernel's struct sigaction: behind the flags */
#else
	enum { HANDLER = 0 };
#endif
	unsigned long action[20] = { 0 };

	syscall(SYS_rt_sigaction, SIGHUP, NULL, action, _NSIG / 8);
	return action[HANDLER] == (unsigned long)SIG_IGN;
}

/* Signals are never let in: they are read, as from any other descriptor, where the program waits.
 * None can slip in between a look at a flag and the wait, none breaks off a write; a dead reader and
 * a file at its limit show as errors of write. SIGTTOU, blocked, does not stop a process in the
 * background that writes to its terminal (stty tostop). And a descriptor of signals, made until one is above
 * stderr, takes the place of a missing 0 or 2: a packet socket would transmit what is written
 * there. */
static void catch_signals(void)
{
	unsigned long mask[_NSIG / 8 / sizeof(long)] = { 0 }, blocked[_NSIG / 8 / sizeof(long)] = { 0 };

	mask[0] = SIGBIT(SIGINT) | SIGBIT(SIGTERM) | SIGBIT(SIGUSR1) | SIGBIT(SIGUSR2) |
	    SIGBIT(SIGPIPE) | SIGBIT(SIGXFSZ);
	if (!ignores_hangup())
		mask[0] |= SIGBIT(SIGHUP);
	blocked[0] = mask[0] | SIGBIT(SIGTTOU);
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, blocked, NULL, _NSIG / 8) < 0)
		die("signals");
	do
		capture.signals = (int)syscall(SYS_signalfd4, -1, mask, _NSIG / 8,
		    SFD_NONBLOCK | SFD_CLOEXEC);
	while ((unsigned)capture.signals <= STDERR_FILENO);
	if (capture.signals < 0)
		die("signalfd");
}

/* Takes one signal that has come: its number, or 0 for none. */
static unsigned next_signal(void)
{
	struct signalfd_siginfo info;

	return read(capture.signals, &info, sizeof info) < 0 ? 0 : info.ssi_signo;
}

static int is_stop_signal(unsigned signal)
{
	return signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
}

/* Reads the file PATH into BUFFER, of SIZE bytes, as a text with a 0 behind it. Returns its length; 0
 * if it cannot be read. */
static size_t read_file(const char *path, char *buffer, size_t size)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;
	ssize_t n = 1;

	while (fd >= 0 && n > 0 && len < size - 1) {
		n = read(fd, buffer + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	buffer[len] = 0;
	return len;
}

/* ==== Time and counts ==== */

/* The rule that the zone database's file PATH ends with: a POSIX TZ string between the last two
 * newlines, tzfile(5). NULL if there is none. */
static const char *read_zone_rule(const char *path, char *buffer, size_t size)
{
	size_t len = read_file(path, buffer, size);
	char *start;

	if (len < 2 || buffer[len - 1] != '\n')
		return NULL;
	buffer[len - 1] = 0;
	start = memrchr(buffer, '\n', len - 1);
	return start ? start + 1 : NULL;
}

/* The time zone, as tzset(3) finds it: TZ, a rule or a name of the zone database; else OpenWrt's
 * /etc/TZ, else /etc/localtime. What cannot be read means UTC. */
static void set_zone(void)
{
	static char file[ZONE_FILE_MAX];
	char memory[128];
	struct text path = { memory, sizeof memory, 0 };
	const char *tz = getenv("TZ"), *rule = NULL;

	if (!tz) {
		if (read_file("/etc/TZ", file, sizeof file))
			rule = strtok(file, "\n");
		else
			rule = read_zone_rule("/etc/localtime", file, sizeof file);
	} else if (zone_parse(&screen.zone, tz) < 0) {
		text_add(&path, "/usr/share/zoneinfo/");
		text_add(&path, tz + (*tz == ':'));
		rule = read_zone_rule(path.at, file, sizeof file);
	} else {
		return;
	}
	if (!rule || zone_parse(&screen.zone, rule) < 0)
		zone_parse(&screen.zone, "UTC0");
}

/* Raw calls, so that a test can change the clock that the program sees. On machines of 32 bits the
 * call with a time of 64 bits came with Linux 5.1, and a kernel may have only that one. */
static struct timespec read_clock(clockid_t clock)
{
	struct timespec t = { 0, 0 };
#ifdef SYS_clock_gettime64
	long old[2] = { 0, 0 };

	if (syscall(SYS_clock_gettime64, clock, &t) < 0) {
		syscall(SYS_clock_gettime32, clock, old);
		t.tv_sec = (unsigned long)old[0];	/* to the year 2106, as the file's */
		t.tv_nsec = old[1];
	}
#else
	syscall(SYS_clock_gettime, clock, &t);
#endif
	return t;
}

/* Milliseconds on a clock that nobody sets. */
static uint64_t now_ms(void)
{
	struct timespec t = read_clock(CLOCK_MONOTONIC);

	return (uint64_t)t.tv_sec * 1000 + (uint32_t)t.tv_nsec / 1000000;
}

/* The time of day, in seconds since 1970. */
static uint32_t wall_seconds(void)
{
	return (uint32_t)read_clock(CLOCK_REALTIME).tv_sec;
}

/* The time of day as pcapng has it. */
static uint64_t wall_time(void)
{
	struct timespec t = read_clock(CLOCK_REALTIME);

	return pcapng_time((uint64_t)t.tv_sec, (uint32_t)t.tv_nsec, capture.nano ? 1 : 1000);
}

/* Prints the counts in tcpdump's words. Packets that never reached the output were not captured. */
static void tell_counts(void)
{
	netif_count(&capture.net);
	text_clear(&message);
	add_count(capture.taken - output.lost, "captured\n");
	if (!capture.net.no_statistics) {
		add_count(capture.net.seen, "received by filter\n");
		add_count(capture.net.dropped, "dropped by kernel\n");
	} else if (opt.mode == CAPTURE) {
		text_add(&message, "drops unknown\n");
	}
	if (capture.cut) {
		add_count(capture.cut, "cut to ");
		text_add_number(&message, capture.snaplen, 1);
		text_add(&message, capture.snaplen < PCAP_SNAPLEN_MAX ?
		    " bytes (-s 0 keeps them whole)\n" : " bytes\n");
	}
	send_message();
}

/* ==== Listing interfaces ==== */

enum { LISTED_MAX = 1024 };	/* interfaces of a router with many tunnels */

/* The interfaces there are, in the order of -D. */
static struct {
	unsigned count;
	struct netif_interface entry[LISTED_MAX];
	struct netif_interface *sorted[LISTED_MAX];
} list;

/* How useful an interface is to capture from, as libpcap ranks them: the smaller, the better. */
static unsigned rank_interface(const struct netif_interface *i)
{
	unsigned rank = 0;

	if (!(i->flags & IFF_RUNNING))
		rank |= 1u << 31;
	if (!(i->flags & IFF_UP))
		rank |= 1u << 30;
	if (!i->is_wireless && i->has_link == 0)
		rank |= 1u << 29;
	if (i->flags & IFF_LOOPBACK)
		rank |= 1u << 28;
	if (!i->ifindex)	/* any */
		rank |= 1u << 27;
	return rank;
}

static void list_one(const struct netif_interface *i)
{
	unsigned at = list.count;

	if (list.count == LISTED_MAX)
		return;
	list.entry[list.count] = *i;
	while (at > 0 && rank_interface(i) < rank_interface(list.sorted[at - 1])) {
		list.sorted[at] = list.sorted[at - 1];
		at--;
	}
	list.sorted[at] = list.entry + list.count++;
}

/* Lists the interfaces, any among them. */
static void list_interfaces(void)
{
	static const struct netif_interface any = {
		.name = "any", .flags = IFF_UP | IFF_RUNNING, .has_link = -1,
	};

	list_one(&any);
	if (netif_list(list_one) < 0)
		die("netlink");
}

/* Adds a word to a list in brackets. */
static void add_flag(const char *word)
{
	if (message.at[message.len - 1] != '[')
		text_add(&message, ", ");
	text_add(&message, word);
}

static void add_flags(const struct netif_interface *i)
{
	if (i->flags & IFF_UP)
		add_flag("Up");
	if (i->flags & IFF_RUNNING)
		add_flag("Running");
	if (i->flags & IFF_LOOPBACK)
		add_flag("Loopback");
	if (i->is_wireless)
		add_flag("Wireless");
	if (message.at[message.len - 1] == '[')
		add_flag("none");
	if (i->is_wireless)
		add_flag(i->has_link > 0 ? "Associated" : "Not associated");
	else if (i->has_link >= 0)
		add_flag(i->has_link ? "Connected" : "Disconnected");
}

/* -D: prints the interfaces in tcpdump's words, which programs parse. */
_Noreturn static void print_interfaces(void)
{
	list_interfaces();
	for (unsigned n = 0; n < list.count; n++) {
		const struct netif_interface *i = list.sorted[n];

		text_add_number(text_clear(&message), n + 1, 1);
		text_add(&message, ".");
		text_add_foreign(&message, i->name, WORD_MAX);
		if (!i->ifindex)
			text_add(&message, " (Pseudo-device that captures on all interfaces)");
		text_add(&message, " [");
		add_flags(i);
		text_add(&message, "]\n");
		write_answer(message.at, message.len);
	}
	_exit(0);
}

/* The name of the interface that NAME stands for: NAME itself or, if that is a number and no
 * interface is called so, the one with this number in -D. */
static const char *resolve_number(const char *name)
{
	const char *c = name;
	uint64_t n = parse_digits(&c, LISTED_MAX);

	if (*c || n == 0)
		return name;
	if (!list.count)
		list_interfaces();
	for (unsigned i = 0; i < list.count; i++)
		if (!strcmp(list.entry[i].name, name))
			return name;
	if (n > list.count)
		usage(name, "no interface has this number (see -D)");
	return list.sorted[n - 1]->name;
}

/* Makes names of what the command line calls the interfaces. As tcpdump, without a name, the best
 * interface is meant. */
static void resolve_interfaces(void)
{
	if (wants_interface()) {
		list_interfaces();
		add_interface(list.sorted[0]->name);
	}
	for (unsigned i = 0; i < opt.ifnames; i++)
		opt.ifname[i] = resolve_number(opt.ifname[i]);
}

/* ==== Session: interface ==== */

/* Whether several interfaces are captured at once, in cooked form. */
static int is_many(void)
{
	return capture.net.ifindex == NETIF_ALL;
}

/* Whether they are those of several -i, and not all that there are. */
static int is_several(void)
{
	return opt.ifnames > 1;
}

/* Where the tag TAG of a DSA switch stands, by its name in sysfs (net/dsa/tag_*.c): bytes of it behind
 * the two addresses; 0: at the frame's end, where it disturbs nothing; -1: elsewhere, or unknown. */
static int dsa_taglen(const char *tag)
{
	static const struct { char tag[12]; int8_t len; } tags[] = {
		{ "a5psw", 8 }, { "brcm-legacy", 6 }, { "lan9303", 4 }, { "mtk", 4 }, { "qca", 2 },
		{ "rtl4a", 4 }, { "rtl8_4", 8 },
		{ "hellcreek", 0 }, { "ksz8795", 0 }, { "ksz9477", 0 }, { "ksz9893", 0 }, { "lan937x", 0 },
		{ "rtl8_4t", 0 }, { "trailer", 0 }, { "xrs700x", 0 },
	};

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (!strncmp(tag, tags[i].tag, sizeof tags[i].tag))
			return tags[i].len;
	return -1;
}

/* The link type of an Ethernet device, which may be a DSA switch's conduit: its frames carry the
 * switch's tag. Some tags have a link type of their own, which filters know. */
static int ethernet_linktype(void)
{
	char name[40] = "DSA_TAG_", *tag = name + strlen(name);
	int type, len;

	if (netif_dsa_tag(&capture.net, tag, sizeof name - strlen("DSA_TAG_")) <= 0)
		return LINKTYPE_ETHERNET;
	say("DSA tag", tag);
	len = dsa_taglen(tag);
	type = pcap_linktype_named(name);
	capture.has_dsa_tag = 1;
	capture.taglen = len > 0 ? (uint32_t)len : 0;
	capture.sees_behind_tag = len >= 0 || (type >= 0 && opt.linktype != LINKTYPE_ETHERNET);
	return type < 0 ? LINKTYPE_ETHERNET : type;
}

/* The link type of the interface itself; cooked form for what has none. */
static int own_linktype(void)
{
	int own = pcap_linktype(capture.net.hatype);

	if (is_many())
		return LINKTYPE_LINUX_SLL2;
	if (capture.net.hatype == ARPHRD_ETHER)
		return ethernet_linktype();
	if (own >= 0)
		return own;
	say(capture.name, "unknown kind: cooked form");
	return LINKTYPE_LINUX_SLL;
}

/* Whether packets of the link type OWN can be written as those ASKED for. */
static int can_write_as(int own, int asked)
{
	if (own == LINKTYPE_LINUX_SLL || own == LINKTYPE_LINUX_SLL2)
		return asked == LINKTYPE_LINUX_SLL || asked == LINKTYPE_LINUX_SLL2;
	return asked == own || (asked == LINKTYPE_ETHERNET && own >= LINKTYPE_DSA_TAG_BRCM);
}

/* Settles the link type: the one asked for, or the interface's own. Cooked form comes from a socket
 * of another kind. */
static void choose_linktype(void)
{
	int own = own_linktype();
	uint32_t cooked;

	capture.linktype = opt.linktype < 0 ? own : opt.linktype;
	if (!can_write_as(own, capture.linktype))
		usage(opt.linktype_name, "not a link type here");
	cooked = pcap_cooked(capture.linktype);
	if (cooked && netif_cook(&capture.net, cooked) < 0)
		die(capture.net.failed);
}

static void give_up_rights_to_wait(void);

/* Waits, with --wait, for the interface to appear. A stop signal and a dead reader end that. */
static void wait_for_interface(void)
{
	struct pollfd p[2] = {
		{ capture.signals, POLLIN, 0 }, { screen.to.fd < 0 ? output.fd : screen.to.fd, 0, 0 },
	};
	struct timespec t = { 0, LINK_MS * 1000000 };
	unsigned signal;

	give_up_rights_to_wait();
	say(capture.name, "is not there: waiting for it");
	while (netif_look_up(&capture.net, capture.name) < 0) {
		if (errno != ENODEV)
			die(capture.net.failed);
		p[0].revents = p[1].revents = 0;
		output_poll(p, 2, &t);
		signal = p[0].revents ? next_signal() : 0;
		if (signal == SIGUSR1 || (is_stop_signal(signal) && !opt.quiet))
			tell_counts();
		if (is_stop_signal(signal))
			_exit(0);
		if (p[1].revents) {
			errno = EPIPE;
			die(screen.to.fd < 0 ? output_name(&output) : "stdout");
		}
	}
}

static void check_forgotten_interface(void);

/* An interface that cannot be found ends the program. A name that is too long for the kernel, and no
 * alternative name, can never be one. */
_Noreturn static void refuse_interface(const char *name)
{
	const int error = errno;

	if (errno == ENODEV)
		check_forgotten_interface();
	errno = error;
	if (errno == ENODEV && strlen(name) >= NETIF_NAME_SIZE && name == capture.net.failed)
		usage(name, "no interface is called so, and it is too long for a name");
	die(capture.net.failed);
}

/* Several interfaces are captured as all of them are, through a filter that knows their numbers. */
static void find_several(void)
{
	capture.name = "any";
	if (opt.waits)
		usage("--wait", "waits for one interface");
	if (netif_find(&capture.net, NULL) < 0)
		die(capture.net.failed);
	for (unsigned i = 0; i < opt.ifnames; i++) {
		if (!strcmp(opt.ifname[i], "any"))
			usage("any", "has every interface: it stands alone");
		if (netif_look_up(&capture.net, opt.ifname[i]) < 0)
			refuse_interface(opt.ifname[i]);
		capture.several[i] = capture.net.ifindex;
	}
	capture.net.ifindex = NETIF_ALL;
	capture.net.hatype = 0;
}

/* Finds the interface and settles its link type. */
static void find_interface(void)
{
	resolve_interfaces();
	capture.name = opt.ifname[0];
	if (is_several()) {
		find_several();
	} else if (netif_find(&capture.net, strcmp(capture.name, "any") ? capture.name : NULL) < 0) {
		if (errno != ENODEV || !opt.waits || strlen(capture.name) >= NETIF_NAME_SIZE)
			refuse_interface(capture.name);
		wait_for_interface();
	}
	choose_linktype();
}

/* Adds "NAME (description)" of a link type to the message. */
static void add_linktype_name(int linktype)
{
	const struct pcap_linktype_row *row = pcap_linktype_find((uint32_t)linktype);

	if (!row) {
		text_add_number(&message, (unsigned)linktype, 1);
		return;
	}
	text_add(&message, row->name);
	text_add(&message, " (");
	text_add(&message, row->description);
	text_add(&message, ")");
}

static void add_linktype(int linktype)
{
	text_add(&message, "  ");
	add_linktype_name(linktype);
	text_add(&message, "\n");
}

/* -L: prints the link types that the interface can be captured with. */
_Noreturn static void print_linktypes(void)
{
	static const uint16_t offered[] = { LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2, LINKTYPE_ETHERNET };
	int own;

	find_interface();
	own = capture.linktype;
	text_add(text_clear(&message), "Data link types for ");
	text_add_foreign(&message, capture.name, WORD_MAX);
	text_add(&message, " (use option -y to set):\n");
	add_linktype(own);
	for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
		if (offered[i] != own && can_write_as(own, offered[i]))
			add_linktype(offered[i]);
	write_answer(message.at, message.len);
	_exit(0);
}

/* ==== Session: filter ==== */

static char filter_error[MESSAGE_SIZE];	/* why there is no program */

/* The names that this machine has for ports and protocols; "" without such files. */
static char services[SERVICES_MAX], protocols[PROTOCOLS_MAX];

static void read_names(void)
{
	if (!*opt.filter && !opt.until)
		return;
	read_file("/etc/services", services, sizeof services);
	read_file("/etc/protocols", protocols, sizeof protocols);
}

/* Compiles TEXT, with RULE in front (NULL: none), for packets of the socket (LIVE) or as they stand
 * in a file. Returns how many instructions PROGRAM has; 0 for none, see filter_error. */
static unsigned compile_program(struct bpf_instruction *program, const char *rule,
    const char *text, int live)
{
	uint32_t cooked = live ? capture.net.cooked : 0;	/* bytes that the socket's packets lack */
	static struct filter f;	/* it outlives the call in filter.h */

	f = (struct filter){
		.rule = rule, .text = text, .linktype = capture.linktype, .live = live,
		.snaplen = capture.snaplen > cooked ? capture.snaplen - cooked : 1,
		.netmask = capture.net.netmask, .taglen = capture.taglen,
		.services = services, .protocols = protocols,
		.err = filter_error, .errsize = sizeof filter_error,
	};
	return filter_compile(&f, program);
}

/* The same into capture.filter. */
static unsigned compile_filter(const char *rule, const char *text, int live)
{
	return compile_program(capture.filter, rule, text, live);
}

/* --until: the program that recognises the packet, as it stands in the file. */
static void compile_until(void)
{
	if (!opt.until)
		return;
	if (!opt.until[strspn(opt.until, " \t\n")])
		usage("--until", "an empty filter, which any packet passes");
	until.instructions = compile_program(until.program, NULL, opt.until, 0);
	if (!until.instructions)
		usage("--until", filter_error);
}

/* Compiles the user's filter likewise. A wrong one is usage. */
static void compile_users_filter(const char *rule, int live)
{
	capture.instructions = compile_filter(rule, opt.filter, live);
	if (!capture.instructions)
		usage("filter", filter_error);
}

/* Whether some kind of link takes TEXT as a filter, LIVE or in a file; filter_error says why not. */
static int is_filter(const char *text, int live)
{
	static const uint16_t kinds[] = {	/* the last one's reason is given */
		LINKTYPE_IEEE802_11_RADIOTAP, LINKTYPE_LINUX_SLL2, LINKTYPE_RAW, LINKTYPE_ETHERNET,
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		capture.linktype = kinds[i];
		if (compile_filter(NULL, text, live))
			return 1;
	}
	if (opt.linktype < 0)
		return 0;
	capture.linktype = opt.linktype;	/* for its own reason */
	return compile_filter(NULL, text, live) != 0;
}

/* Where the interface was forgotten, the filter's first word stands in its place: says so, if the
 * two together are a filter. */
static void check_forgotten_interface(void)
{
	static char text[EXPRESSION_MAX];
	struct text words = { text, sizeof text, 0 };

	if (!opt.is_operand)
		return;
	text_add(&words, opt.ifname[0]);
	text_add(&words, " ");
	text_add(&words, opt.filter);
	capture.linktype = LINKTYPE_ETHERNET;
	if (compile_filter(NULL, text, 0))
		usage(opt.ifname[0], "begins a filter; the interface comes before it");
}

/* What no kind of link takes is a wrong filter whatever comes: says so before anything is opened. */
static void check_filters(void)
{
	if (!is_filter(opt.filter, 1)) {
		check_forgotten_interface();
		is_filter(opt.filter, 1);	/* once more, for the reason */
		usage("filter", filter_error);
	}
	if (opt.until && !is_filter(opt.until, 0))
		usage("--until", filter_error);
}

/* Adds a term to a rule. */
static void add_term(struct text *rule, const char *term)
{
	if (rule->len > 0)
		text_add(rule, " and ");
	text_add(rule, term);
}

/* -Q, and what the kernel shows twice: a loopback device each packet, outgoing and incoming; CAN
 * devices hear themselves. */
static void add_direction(struct text *rule)
{
	int hatype = capture.net.hatype;

	if (opt.direction == OUT)
		add_term(rule, "outbound");
	else if (opt.direction == IN || hatype == ARPHRD_LOOPBACK || hatype == ARPHRD_CAN)
		add_term(rule, "inbound");
	else if (is_many())	/* lo is the first in every namespace */
		add_term(rule, "not(outbound and ifindex 1)");
}

/* Several -i: only packets of those interfaces. */
static void add_interfaces(struct text *rule)
{
	if (!is_several())
		return;
	add_term(rule, "(");
	for (unsigned i = 0; i < opt.ifnames; i++) {
		text_add(rule, i ? " or ifindex " : "ifindex ");
		text_add_number(rule, (unsigned)capture.several[i], 1);
	}
	text_add(rule, ")");
}

/* ---- The SSH session that rawcap itself runs in ---- */

/* One side of a session: an address and a port, as a filter takes them; both empty if they are
 * none. */
struct side {
	char host[48];
	char port[8];
};

/* Takes the next word off *TEXT into WORD, of SIZE bytes, without its zone (%eth0) and without what
 * maps an IPv4 address into IPv6. A word with other characters than ALLOWED, or too long, becomes
 * empty: it is to stand in a filter. */
static void take_word(const char **text, char *word, size_t size, const char *allowed)
{
	size_t n = strspn(*text, allowed);
	const char *c = *text, *end = c + n, *colon;

	*text = end + strcspn(end, " ");
	if (**text == ' ')
		++*text;
	if (memchr(c, '.', n)) {
		colon = memrchr(c, ':', n);
		c = colon ? colon + 1 : c;
	}
	n = (size_t)(end - c);
	if (n >= size || (*end && *end != ' ' && *end != '%'))
		n = 0;
	memcpy(word, c, n);
	word[n] = 0;
}

static void take_side(const char **text, struct side *s)
{
	take_word(text, s->host, sizeof s->host, "0123456789abcdefABCDEF.:");
	take_word(text, s->port, sizeof s->port, "0123456789");
}

/* Reads /proc/PID/ENTRY likewise. */
static size_t read_process(unsigned pid, const char *entry, char *buffer, size_t size)
{
	char memory[64];
	struct text path = { memory, sizeof memory, 0 };

	text_add(&path, "/proc/");
	text_add_number(&path, pid, 1);
	text_add(&path, entry);
	return read_file(path.at, buffer, size);
}

/* The parent of a process, by proc_pid_stat(5): "PID (NAME) STATE PARENT ..."; 0 if nobody knows. */
static unsigned parent_of(unsigned pid)
{
	char stat[512];
	const char *c;

	if (!read_process(pid, "/stat", stat, sizeof stat))
		return 0;
	c = strrchr(stat, ')');
	if (!c || strlen(c) < 5)
		return 0;
	c += 4;	/* ") S " */
	return (unsigned)parse_digits(&c, INT_MAX);
}

/* SSH_CONNECTION as our own environment has it or, since sudo strips it, that of a parent: where
 * /proc and rights allow to look. NULL if there is none. */
static const char *find_session(void)
{
	static const char name[] = "SSH_CONNECTION=";
	static char environment[ENVIRONMENT_MAX];
	const char *own = getenv("SSH_CONNECTION");
	unsigned pid = (unsigned)syscall(SYS_getppid);
	size_t len;

	if (own)
		return own;
	for (int generation = 0; pid > 1 && generation < GENERATIONS_MAX; generation++) {
		len = read_process(pid, "/environ", environment, sizeof environment);
		for (const char *c = environment; c < environment + len; c += strlen(c) + 1)
			if (!strncmp(c, name, strlen(name)))
				return c + strlen(name);
		pid = parent_of(pid);
	}
	return NULL;
}

/* Reads the port of an end of a connection, "ADDRESS:PORT" in hexadecimal digits, at *C, and moves *C
 * behind it. */
static unsigned read_port(const char **c)
{
	unsigned port = 0;

	*c += strspn(*c, " ");
	*c += strcspn(*c, ":");
	for (*c += **c == ':'; isxdigit((unsigned char)**c); ++*c)
		port = port << 4 | (unsigned)(**c <= '9' ? **c - '0' : (**c | ' ') - 'a' + 10);
	return port;
}

/* Whether LINE of proc_net_tcp(5), "N: LOCAL REMOTE ...", is a connection from port OURS to port
 * THEIRS. Two ports tell one connection well enough. */
static int is_connection(const char *line, unsigned ours, unsigned theirs)
{
	const char *c = strchr(line, ':');

	if (!c)
		return 0;
	c++;
	return read_port(&c) == ours && read_port(&c) == theirs;
}

/* Looks for such a connection in the table PATH. Returns 1 if it is there, 0 if not, -1 if the table
 * cannot be read. */
static int search_connections(const char *path, unsigned ours, unsigned theirs)
{
	char buffer[1024];	/* a line has at most 200 bytes */
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n = 0;
	int found = 0;

	if (fd < 0)
		return -1;
	do {
		char *line = buffer, *end;

		have += (size_t)n;
		buffer[have] = 0;
		for (end = strchr(line, '\n'); end && !found; end = strchr(line, '\n')) {
			*end = 0;
			found = is_connection(line, ours, theirs);
			line = end + 1;
		}
		have -= (size_t)(line - buffer);
		memmove(buffer, line, have);
		n = read(fd, buffer + have, sizeof buffer - 1 - have);
	} while (n > 0 && !found);
	close(fd);
	return found;
}

/* Whether the session is one of the connections there are: tmux and screen hand on what was true when
 * they were started. Where nobody knows, it is taken for one. */
static int has_connection(const struct side *client, const struct side *server)
{
	const char *our_port = server->port, *their_port = client->port;
	unsigned ours = (unsigned)parse_digits(&our_port, UINT16_MAX);
	unsigned theirs = (unsigned)parse_digits(&their_port, UINT16_MAX);
	int in_tcp = search_connections("/proc/net/tcp", ours, theirs);
	int in_tcp6 = search_connections("/proc/net/tcp6", ours, theirs);

	return in_tcp > 0 || in_tcp6 > 0 || (in_tcp < 0 && in_tcp6 < 0);
}

static void add_side(struct text *rule, const char *direction, const struct side *s)
{
	text_add(rule, direction);
	text_add(rule, " host ");
	text_add(rule, s->host);
	text_add(rule, " and tcp ");
	text_add(rule, direction);
	text_add(rule, " port ");
	text_add(rule, s->port);
}

/* Adds the packets of a session in one direction. */
static void add_way(struct text *rule, const struct side *from, const struct side *to)
{
	text_add(rule, "(");
	add_side(rule, "src", from);
	text_add(rule, " and ");
	add_side(rule, "dst", to);
	text_add(rule, ")");
}

/* Adds the rule that leaves a session out, in both directions, and in a VLAN as well: where the tag
 * of an outgoing packet still stands in the frame, only "vlan" sees behind it. */
static void add_session(struct text *rule, const struct side *a, const struct side *b, int has_vlan)
{
	add_term(rule, "not(");
	add_way(rule, a, b);
	text_add(rule, " or ");
	add_way(rule, b, a);
	text_add(rule, ")");
	if (!has_vlan)
		return;
	add_term(rule, "not(vlan and (");
	add_way(rule, a, b);
	text_add(rule, " or ");
	add_way(rule, b, a);
	text_add(rule, "))");
}

/* Says which packets are left out: what the filter does, whatever else may happen to addresses on
 * their way (DNAT). */
static void tell_session(const struct side *client, const struct side *server)
{
	begin_message("SSH");
	text_add(&message, "this session is left out (--ssh keeps it): ");
	text_add(&message, client->host);
	text_add(&message, " port ");
	text_add(&message, client->port);
	text_add(&message, ", ");
	text_add(&message, server->host);
	text_add(&message, " port ");
	text_add(&message, server->port);
	end_message();
}

/* What kind of file NAME is, S_IFREG and so on; 0 if it is not there. linux/stat.h: struct statx has
 * stx_mode at byte 28. */
static unsigned file_type(const char *name)
{
	uint16_t file[128] = { 0 };

	if (syscall(SYS_statx, AT_FDCWD, name, 0, 1 /* STATX_TYPE */, file) < 0)
		return 0;
	return file[14] & S_IFMT;
}

/* Whether somebody may follow what goes out: not if all of it goes into files. */
static int is_live(void)
{
	int fd = screen.to.fd >= 0 ? screen.to.fd : output.fd;
	unsigned type;

	if (fd >= 0)
		return lseek(fd, 0, SEEK_CUR) < 0;
	type = file_type(opt.write_name);
	return type && type != S_IFREG;
}

/* Where the capture goes into a pipe, it may well go through an SSH session that nobody told us
 * of. */
static void warn_of_session(void)
{
	if (output.fd >= 0 && syscall(SYS_fcntl, output.fd, F_GETPIPE_SZ) > 0 && !writes_file())
		say("SSH", "no session known; if this pipe goes through one, add: "
		    "not port 22 and not (vlan and port 22)");
}

/* Leaves the session out of what goes back through it: sshd names the client's address and port,
 * then its own, in SSH_CONNECTION. Into a file, or with --ssh, its packets go too. */
static void leave_session_out(struct text *rule, int live)
{
	const char *session;
	struct side client, server;
	size_t without = rule->len;

	if (!live || opt.keeps_ssh)
		return;
	session = find_session();
	if (!session) {
		warn_of_session();
		return;
	}
	take_side(&session, &client);
	take_side(&session, &server);
	if (capture.has_dsa_tag && !capture.sees_behind_tag) {
		say("SSH", "this session is not left out: its packets have the switch's tag");
		return;
	}
	if (*session || !*client.host || !*client.port || !*server.host || !*server.port) {
		say("SSH_CONNECTION", "ignored, not a session's");
		return;
	}
	if (!has_connection(&client, &server)) {
		say("SSH_CONNECTION", "ignored, of a session that is over");
		return;
	}
	add_session(rule, &client, &server, 1);
	if (!compile_filter(rule->at, "", 1)) {
		rule->len = without;
		add_session(rule, &client, &server, 0);	/* a link that has no VLANs */
	}
	if (compile_filter(rule->at, "", 1)) {
		tell_session(&client, &server);
		return;
	}
	say("SSH_CONNECTION", "ignored, no packets of this link type");
	rule->len = without;
	rule->at[without] = 0;
}

/* Gives the kernel the program that it runs for each packet: what is not wanted is neither copied
 * nor counted, and of the rest only snaplen bytes are copied. */
static void attach_filter(int live)
{
	static char memory[RULE_SIZE];
	struct text rule = { memory, sizeof memory, 0 };

	if (capture.has_dsa_tag && !capture.sees_behind_tag && *opt.filter)
		usage("filter", "cannot see behind this switch's tag: capture br-lan or a port instead");
	add_direction(&rule);
	add_interfaces(&rule);
	leave_session_out(&rule, live);
	compile_users_filter(rule.len ? rule.at : NULL, 1);
	/* the filter that ends the capture comes first: if both have no room, that shows now */
	if (netif_close_filter(&capture.net) == 0 &&
	    netif_filter(&capture.net, capture.filter, capture.instructions) == 0)
		return;
	if (errno != ENOMEM)
		die(capture.net.failed);
	text_add(begin_message(capture.net.failed), "too long for this kernel: sysctl net.core.optmem_max=");
	text_add_number(&message, bpf_kernel_bytes(capture.filter, capture.instructions), 1);
	text_add(&message, " would do");
	end_message();
	_exit(1);
}

/* -d: prints the user's filter, compiled for packets as they come from the interface or, without
 * one, as they stand in a file. What is printed for any can be read in again: it is compiled as for
 * a file, as tcpdump does it. */
_Noreturn static void print_filter(void)
{
	char line[BPF_LINE_MAX];
	unsigned len;

	if (opt.ifnames)
		find_interface();
	else if (opt.mode == PRINT_FILTER && !opt.read_name)
		capture.linktype = opt.linktype < 0 ? LINKTYPE_ETHERNET : opt.linktype;
	compile_users_filter(NULL, opt.ifnames && !capture.net.cooked);
	for (unsigned i = 0; i < capture.instructions; i++) {
		len = bpf_print(line, capture.filter, capture.instructions, i, (int)opt.dump);
		write_answer(line, len);
	}
	_exit(0);
}

/* ==== Session: start ==== */

/* Takes no more packets: what is there already is written. */
static void end_at_limit(void)
{
	if (capture.stop < LIMIT)
		capture.stop = LIMIT;
}

/* What the interface's socket reports: it went down, or something that ends the capture. */
static void handle_link_error(int error)
{
	if (error == ENETDOWN && capture.link == UP) {
		capture.next_check_ms = now_ms() + FLAP_MS;
		capture.link = WENT_DOWN;
	} else if (error && error != ENETDOWN) {
		complain(capture.name, error);
		capture.status = 1;
		if (capture.stop < FAILED)
			capture.stop = FAILED;
	}
}

/* How many bytes may wait for a stuck reader: as many as the ring has. */
static uint32_t choose_backlog(void)
{
	size_t ring = (size_t)(capture.net.ring_end - capture.net.ring);

	if (!ring)
		ring = RING_KIB_DEFAULT << 10;
	if (ring < OUTPUT_CHUNK)
		return OUTPUT_CHUNK;
	return ring < OUTPUT_BACKLOG_MAX ? (uint32_t)ring : OUTPUT_BACKLOG_MAX;
}

/* Asks for promiscuous mode on each of several interfaces; netif_start does so for one. */
static void make_several_promiscuous(void)
{
	if (!is_several() || opt.no_promisc)
		return;
	for (unsigned i = 0; i < opt.ifnames; i++)
		netif_make_promiscuous(&capture.net, capture.several[i]);
}

/* Opens the interface: after this, packets wait in the ring. */
static void open_interface(void)
{
	int live = is_live();

	find_interface();
	compile_until();
	attach_filter(live);
	if (netif_start(&capture.net, capture.snaplen, opt.ring_kib, RING_KIB_DEFAULT,
	    live ? LIVE_MS : STORED_MS, !opt.no_promisc) < 0)
		die(capture.net.failed);
	make_several_promiscuous();
	if (capture.net.promisc_error)
		complain("promiscuous", capture.net.promisc_error);
	if (capture.net.own_time)
		say("timestamps", "the clock's, not the kernel's");
	handle_link_error(netif_error(&capture.net));	/* bound to an interface that is down */
	if (opt.as_tcpdump && capture.link != UP) {
		errno = ENETDOWN;
		die(capture.name);
	}
	capture.backlog_max = choose_backlog();
	capture.round_ms = now_ms();
	if (!opt.verbose || opt.as_tcpdump)
		return;
	begin_message("ring KiB");	/* the ring has one block more than asked for */
	text_add_number(&message,
	    ((size_t)(capture.net.ring_end - capture.net.ring) - capture.net.block_size) >> 10, 1);
	end_message();
}

/* ==== Session: output and screen ==== */

/* A FIFO that nobody reads yet is waited for, as a shell's > would wait. It is opened before the
 * interface is, so that nothing piles up meanwhile. */
static void wait_for_fifo_reader(void)
{
	const char *name = opt.write_name;
	int told = 0;

	if (!writes_file() || output_rotates(&output) || file_type(name) != S_IFIFO)
		return;
	for (;;) {
		output.fd = (int)syscall(SYS_openat, AT_FDCWD, name, OUTPUT_OPEN_FLAGS, 0600);
		if (output.fd >= 0)
			return;
		if (errno != ENXIO)
			die(name);
		if (!told++)
			say(name, "waiting for its reader");
		if (is_ready(capture.signals, POLLIN, FIFO_MS) && is_stop_signal(next_signal()))
			_exit(0);
	}
}

/* A file must have room for any packet: what -W keeps is then never larger than it may be. */
static void check_size(void)
{
	if (opt.size_max < output_smallest(&output, capture.snaplen))
		usage(opt.size_word, "too small for a packet of -s bytes");
}

/* Hands the output what the user asks of it. */
static void set_up_output(void)
{
	output.filename = writes_file() ? opt.write_name : NULL;
	output.size_max = opt.size_max;
	output.numbered = opt.size_word != NULL;
	output.period = opt.period;
	output.files_max = opt.files_max;
	output.mode = opt.as_tcpdump ? 0666 : 0600;
	output.goes_on = opt.mode == CAPTURE;
	output.is_pcapng = opt.pcapng;
	output.program = "rawcap " VERSION;
	if (opt.as_tcpdump)
		output.zone = screen.zone;
	else
		zone_parse(&output.zone, "UTC0");
}

/* How lines look. */
static void set_up_lines(void)
{
	screen.look.linktype = (uint32_t)capture.linktype;
	screen.look.stamp = (uint8_t)(opt.stamp < SHOW_SINCE_FIRST ? opt.stamp : SHOW_SINCE_FIRST);
	screen.look.nano = capture.nano && opt.nano;
	screen.look.link = opt.link != 0;
	if (opt.hex > 1 || opt.hex_ascii > 1)
		screen.look.hex |= SHOW_WHOLE;
	if (opt.hex_ascii)
		screen.look.hex |= SHOW_ASCII;
	if (opt.ascii)
		screen.look.hex |= SHOW_TEXT;
	screen.look.verbose = opt.verbose != 0;
	screen.look.quiet = opt.as_tcpdump && opt.quiet;
}

/* Where lines go, and what --count answers; -1 if there is neither. */
static int answer_fd(void)
{
	return screen.to.fd < 0 && opt.count_only ? STDOUT_FILENO : screen.to.fd;
}

/* A file is not written onto itself, and no rotation removes it. */
static void check_source(void)
{
	output_schedule(&output, now_ms(), wall_seconds());	/* a name may hold the time */
	output_keep(&output, source.fd);
	if (output.filename && !output.numbered &&
	    output_is_kept(&output, AT_FDCWD, output_file_name(&output, 0)))
		usage(output.filename, "is what is read");
	if ((output.fd == STDOUT_FILENO || answer_fd() == STDOUT_FILENO) &&
	    output_is_kept(&output, STDOUT_FILENO, ""))
		usage("stdout", "is what is read");
}

static void open_output(void)
{
	const uint64_t now = now_ms();
	const uint32_t wall = wall_seconds();

	capture.round_ms = now;
	output.linktype = (uint32_t)capture.linktype | source.format.fcs;
	output.snaplen = capture.snaplen;
	output.nano = capture.nano;
	output_schedule(&output, now, wall);
	if (output_open(&output, now, wall) < 0)
		die(output.failed);
	if (output_takes_same_file(&output) && !opt.as_tcpdump && !is_quiet())
		say(output.filename, "each period overwrites the last: put its time into the name, like %H%M");
	if (output.unlisted)
		say(output.filename, "its directory cannot be listed: earlier files do not count");
	capture.start_time = wall_time();
	set_up_lines();
}

/* Opens the directory of a rotation, while every right is there. */
static void open_directory(void)
{
	if (output_open_directory(&output) < 0)
		die(output.failed);
}

static void drop_rights(void)
{
	static int dropped;

	if (!dropped++ && sandbox_drop_rights(output.directory) < 0)
		say("uid", "stays 0 here");
}

/* Confines a rotation to its directory. */
static void confine(void)
{
	if (output.directory < 0)
		return;
	drop_rights();
	if (sandbox_confine(output.directory) < 0 && opt.verbose)
		say("rotation", "no right to chroot and no Landlock: not confined to its directory");
}

/* Leaves only the calls of the loop or, before the capture STARTS, also those until then. */
static void enter_sandbox(int starts)
{
	const struct sandbox sandbox = {
		.output = output.fd, .screen = answer_fd(), .messages = message_stream.fd,
		.packets = capture.net.fd,
		.signals = capture.signals, .source = source.fd, .directory = output.directory,
		.waits = opt.waits, .starts = starts,
		.new_flags = OUTPUT_NEW_FLAGS, .new_mode = output.mode,
		.look_flags = AT_SYMLINK_NOFOLLOW, .closing_filter = netif_closing_program(),
	};

	if (sandbox_enter(&sandbox) < 0 && opt.verbose && !starts)
		say("seccomp", "this kernel has none");
}

/* Before a long wait for the interface: does what needs rights, and gives them up. */
static void give_up_rights_to_wait(void)
{
	if (opt.mode != CAPTURE)
		return;
	if (netif_reserve(&capture.net, RING_KIB_DEFAULT) < 0)
		die(capture.net.failed);
	if (output_open_early(&output) < 0)
		die(output.failed);
	drop_rights();
	enter_sandbox(1);
}

/* Adds the names of several interfaces to the message. */
static void add_names(void)
{
	for (unsigned i = 0; i < opt.ifnames; i++) {
		text_add(&message, i ? ", " : " (");
		text_add_foreign(&message, opt.ifname[i], WORD_MAX);
	}
	text_add(&message, ")");
}

/* Tells that the capture runs: people see it, programs wait for it. */
static void tell_start(void)
{
	if (is_quiet())
		return;
	text_add(text_clear(&message), opt.as_tcpdump ? "tcpdump" : "rawcap");
	text_add(&message, ": listening on ");
	text_add_foreign(&message, capture.name, WORD_MAX);
	if (is_several())
		add_names();
	text_add(&message, ", link-type ");
	add_linktype_name(capture.linktype);
	text_add(&message, ", snapshot length ");
	text_add_number(&message, capture.snaplen, 1);
	text_add(&message, " bytes");
	if (output.is_pipe && !writes_file() && !opt.as_tcpdump)
		text_add(&message, "; pcap goes into the pipe, -l shows lines");
	end_message();
}

/* ==== Names of interfaces ==== */

/* The entry of IFINDEX; a new one where there is none yet. Where there is no room for another one, an
 * old entry makes way: its interface is described again when its next packet comes. */
static struct known_link *find_link(int ifindex)
{
	static struct known_link *last = known.entry;	/* packets come in groups */
	static uint32_t oldest;

	if (known.count && last->ifindex == ifindex)
		return last;
	for (uint32_t i = 0; i < known.count; i++) {
		last = known.entry + i;
		if (last->ifindex == ifindex)
			return last;
	}
	if (known.count < KNOWN_LINKS_MAX)
		last = known.entry + known.count++;
	else
		last = known.entry + oldest++ % KNOWN_LINKS_MAX;
	*last = (struct known_link){ .ifindex = ifindex };
	return last;
}

/* The interface that a packet came through, by its present name. An interface that is renamed, or
 * another one that has its index now, is told apart a second later. */
static struct known_link *look_up_link(int ifindex)
{
	struct known_link *link = find_link(ifindex);
	char name[NETIF_NAME_SIZE] = "";

	if (link->asked_ms && capture.round_ms - link->asked_ms < NAME_MS)
		return link;
	link->asked_ms = capture.round_ms;
	if (netif_name(&capture.net, ifindex, name) < 0 && link->name[0])
		return link;	/* gone: it keeps the name that it had */
	if (strcmp(name, link->name)) {
		memcpy(link->name, name, sizeof name);
		link->file = 0;
	}
	return link;
}

/* Learns the names of the interfaces that the user has named, where packets are told with them: they may
 * be gone when their first packets are taken. */
static void learn_names(void)
{
	if (!is_many() && output.is_pcapng)
		look_up_link(capture.net.ifindex);
	for (unsigned i = 0; is_several() && i < opt.ifnames; i++)
		look_up_link(capture.several[i]);
}

/* Describes an interface in the pcapng file. */
static void describe_link(struct known_link *link)
{
	const struct pcapng_interface interface = {
		.name = link->name, .snaplen = capture.snaplen, .linktype = (uint16_t)capture.linktype,
		.unit = capture.nano ? 1 : 1000,
		.filter = strlen(opt.filter) < OUTPUT_FILTER_MAX ? opt.filter : NULL,
	};

	link->number = output_add_interface(&output, &interface);
	link->file = output.begun;
}

/* ==== Taking packets ==== */

/* Copies N bytes, inline and COPY_CHUNK at a time, the last of them over some that are there already.
 * At 64 bytes that saves a fifth of all it costs to capture a packet; four such steps in one round
 * save a tenth at 1400. */
static inline void copy_bytes(unsigned char *to, const unsigned char *from, uint32_t n)
{
	uint32_t i = 0;

	if (n < COPY_CHUNK) {
		memcpy(to, from, n);
		return;
	}
	for (; i + 4 * COPY_CHUNK <= n; i += 4 * COPY_CHUNK) {
		memcpy(to + i, from + i, COPY_CHUNK);
		memcpy(to + i + COPY_CHUNK, from + i + COPY_CHUNK, COPY_CHUNK);
		memcpy(to + i + 2 * COPY_CHUNK, from + i + 2 * COPY_CHUNK, COPY_CHUNK);
		memcpy(to + i + 3 * COPY_CHUNK, from + i + 3 * COPY_CHUNK, COPY_CHUNK);
	}
	for (; i + COPY_CHUNK < n; i += COPY_CHUNK)
		memcpy(to + i, from + i, COPY_CHUNK);
	memcpy(to + n - COPY_CHUNK, from + n - COPY_CHUNK, COPY_CHUNK);
}

/* CAN XL's length and acceptance field are little-endian in a file, the machine's in the kernel. */
static void convert_can_xl(unsigned char *frame)
{
	uint16_t length;
	uint32_t acceptance;

	memcpy(&length, frame + 6, sizeof length);
	memcpy(&acceptance, frame + 8, sizeof acceptance);
	length = htole16(length);
	acceptance = htole32(acceptance);
	memcpy(frame + 6, &length, sizeof length);
	memcpy(frame + 8, &acceptance, sizeof acceptance);
}

/* LINKTYPE_CAN_SOCKETCAN has the identifier in network order, and a flag in frames of CAN FD, whose
 * length tells them. Frames of CAN XL have a flag of their own, and keep what stands there; see
 * linux/can.h. */
static void convert_can(unsigned char *frame, uint32_t len)
{
	enum { CANFD_SIZE = 72, CANFD_FLAG = 4, CANXL_FLAG = 0x80 };
	uint32_t id;

	memcpy(&id, frame, sizeof id);
	netif_put16(frame, id >> 16);
	netif_put16(frame + 2, id);
	if (frame[4] & CANXL_FLAG)
		convert_can_xl(frame);
	else
		frame[5] = (unsigned char)(len == CANFD_SIZE ? frame[5] | CANFD_FLAG : 0);
}

/* The output is in trouble: says so, and gives it up. */
static void lose_output(int error)
{
	uint64_t before = output.lost;

	complain(output_name(&output), error);
	output_abandon(&output);
	capture.unwritten += output.lost - before;
	capture.status = 1;
	capture.stop = BROKEN;
}

/* Tells once that the disk is full and the oldest files go. */
static void tell_disk_full(void)
{
	static int told;

	if (output.removed_early && !told++)
		say(output.filename, "disk full: the oldest files go");
}

static void flush_output(void)
{
	if (output_flush(&output) < 0)
		lose_output(errno);
	tell_disk_full();
}

static void close_output(int sync)
{
	if (output_close(&output, sync) == 0)
		return;
	complain(output.failed, errno);
	capture.status = 1;
}

/* Ends a pcapng file with what the kernel counted. */
static void add_statistics(void)
{
	const struct pcapng_statistics statistics = {
		.start = capture.start_time,
		.stop = wall_time(),
		.received = capture.net.no_statistics ? PCAPNG_UNKNOWN : capture.net.seen,
		.dropped = capture.net.no_statistics ? PCAPNG_UNKNOWN : capture.net.dropped,
	};

	if (opt.mode == CAPTURE)
		output_add_statistics(&output, &statistics);
}

/* Goes on in another file: the next of this period or, with PERIOD, the first of the next one.
 * Returns 0, or -1 if that cannot be had. */
static int begin_file(int period)
{
	int result;

	netif_count(&capture.net);
	add_statistics();
	if (output_flush_all(&output) < 0) {
		lose_output(errno);
		return -1;
	}
	close_output(1);
	result = period ? output_next_period(&output, now_ms(), wall_seconds()) :
	    output_next_file(&output);
	tell_disk_full();
	if (result == 0)
		return 0;
	complain(output.failed, errno);
	capture.status = 1;
	capture.stop = BROKEN;
	return -1;
}

/* This file is full: goes on in the next one. Returns 0 where the stream ends instead. */
static int begin_next_file(void)
{
	if (output.filename)
		return begin_file(0) == 0;
	end_at_limit();
	return 0;
}

/* Makes room for a record of SIZE bytes, in the next file if need be. Returns as begin_next_file. A call
 * of its own would take 5 of 188 instructions that a packet of 64 bytes takes. */
static inline __attribute__((always_inline)) int make_room(uint32_t size)
{
	return output_has_room(&output, size) || begin_next_file();
}

/* The time of a file is over; or, without files or where -W has them all, that of the capture. */
static void end_period(void)
{
	static uint32_t periods;

	periods++;
	if (output.filename && (!output.files_max || output.numbered || periods < output.files_max)) {
		begin_file(1);
		return;
	}
	if (capture.stop == NO)
		capture.stop = TIMED_OUT;
	output.period_end = UINT64_MAX;
}

/* Puts the kept bytes of a packet to AT. Without a ring its data stand in place already, or the length
 * of a VLAN tag before it. */
static inline void copy_packet(unsigned char *at, const struct packet *p, uint32_t caplen)
{
	uint32_t len = caplen > p->headlen ? caplen - p->headlen : 0;
	unsigned char *data = at + p->headlen;

	if (capture.net.ring)
		copy_bytes(data, p->data, len);
	else if (data != p->data)	/* musl would copy it onto itself, byte by byte */
		memmove(data, p->data, len);
	if (p->headlen)
		memcpy(at, p->head, p->headlen);
	if (capture.linktype == LINKTYPE_CAN_SOCKETCAN && opt.mode == CAPTURE)
		convert_can(data, p->origlen);
}

/* The first packet that is cut is told at once: merged ones (GRO) make that common. */
static void count_cut(void)
{
	capture.cut++;
	if (capture.cut > 1 || opt.mode != CAPTURE || is_quiet() || output.fd < 0)
		return;	/* without output nothing is kept, so nothing is cut */
	begin_message(capture.name);
	text_add(&message, "packets are cut to ");
	text_add_number(&message, capture.snaplen, 1);
	text_add(&message, capture.snaplen < PCAP_SNAPLEN_MAX ? " bytes (-s 0 keeps them whole)" :
	    " bytes");
	end_message();
}

/* For pcapng: which interface a packet came through, and which way. */
static void add_origin(struct output_record *r, const struct packet *p)
{
	struct known_link *link = look_up_link(p->ifindex);

	if (link->file != output.begun)	/* once in each file */
		describe_link(link);
	r->interface = link->number;
	if (opt.mode == CAPTURE)
		r->flags = pcapng_flags(p->pkttype);
}

static void show_record(const struct packet *p, const struct output_record *r,
    const unsigned char *data);

/* The name of the interface that a packet came through, where a line has to tell it: among several,
 * or from a file that knows. NULL otherwise. */
static const char *origin_name(const struct packet *p)
{
	if (opt.mode == CAPTURE)
		return is_many() ? look_up_link(p->ifindex)->name : NULL;
	if (source.is_pcapng && *source.blocks.link[source.block.interface].name)
		return source.blocks.link[source.block.interface].name;
	return NULL;
}

/* The way that a packet of a file went, where the file tells. */
static uint8_t origin_direction(void)
{
	if (source.flags & PCAPNG_OUTBOUND)
		return SHOW_OUT;
	return source.flags & PCAPNG_INBOUND ? SHOW_IN : SHOW_NO_DIRECTION;
}

enum { DIRECTIONS = PCAPNG_INBOUND | PCAPNG_OUTBOUND };

/* The same as the kernel has it, see packet(7), for filters. */
static uint8_t source_pkttype(void)
{
	return source.flags & PCAPNG_OUTBOUND ? NETIF_PACKET_OUTGOING : 0;
}

/* Hands show.h a packet, whose kept bytes are DATA. */
static void fill_look(const struct packet *p, const struct output_record *r, const unsigned char *data)
{
	screen.look.ifname = origin_name(p);
	screen.look.direction = origin_direction();
	screen.look.number = opt.number ? (uint32_t)capture.taken : 0;
	screen.look.utc_offset = zone_at(&screen.zone, r->sec, NULL);
	screen.look.bytes = data;
	screen.look.caplen = r->caplen;
	screen.look.origlen = r->origlen;
	screen.look.sec = r->sec;
	screen.look.nsec = r->nsec;
}

/* Prints the line of the packet that --until has waited for, unless lines are shown anyway. */
static void tell_until(const struct packet *p, const struct output_record *r,
    const unsigned char *data)
{
	static char line[SHOW_LINE];
	size_t len;

	if (screen.to.fd >= 0 || is_quiet())
		return;
	fill_look(p, r, data);
	len = show_packet(line, &screen.look);
	begin_message("--until");
	text_add(&message, "packet ");
	text_add_number(&message, capture.taken, 1);
	text_add(&message, ": ");
	text_add_foreign(&message, line, len - 1);	/* without its newline */
	end_message();
}

/* How long ago a packet came, in ms: the kernel hands over a block some time later. 0 where the clock
 * was set meanwhile. */
static uint64_t age_ms(const struct output_record *r)
{
	const struct timespec now = read_clock(CLOCK_REALTIME);
	int64_t ms = ((int64_t)now.tv_sec - r->sec) * 1000 + (now.tv_nsec - (int64_t)r->nsec) / 1000000;

	return ms > 0 && ms < STALL_MS ? (uint64_t)ms : 0;
}

/* When a packet came, in ms since 1970. */
static uint64_t packet_ms(const struct packet *p)
{
	return p->sec * UINT64_C(1000) + p->nsec / 1000000;
}

/* Whether this packet is the one that --until waits for: then the capture ends, --after seconds
 * later. */
static void check_until(const struct packet *p, const struct output_record *r,
    const unsigned char *data)
{
	const struct bpf_packet packet = {
		.data = data, .caplen = r->caplen, .origlen = r->origlen,
		.has_metadata = opt.mode == CAPTURE || (source.flags & DIRECTIONS),
		.pkttype = opt.mode == CAPTURE ? p->pkttype : source_pkttype(),
		.ifindex = (unsigned)p->ifindex,
	};

	if (until.end_ms != UINT64_MAX ||
	    !bpf_run_packet(until.program, until.instructions, &packet))
		return;
	tell_until(p, r, data);
	until.end_ms = opt.mode == READ ? packet_ms(p) : now_ms() - age_ms(r);
	until.end_ms += opt.after * UINT64_C(1000);
	capture.next_check_ms = 0;	/* the next check learns of it */
	if (!opt.after)
		end_at_limit();
}

/* Shows a packet, and looks whether it is the one that --until waits for. */
static void watch_packet(const struct packet *p, const struct output_record *r,
    const unsigned char *data)
{
	if (screen.to.fd >= 0)
		show_record(p, r, data);
	if (until.instructions)
		check_until(p, r, data);
}

/* Counts a packet that has been put into the output, watches it, and looks whether it is the last.
 * A call of its own would take 24 of 188 instructions that a packet of 64 bytes takes. */
static inline __attribute__((always_inline)) void add_packet(const struct packet *p,
    const struct output_record *r, const unsigned char *data)
{
	capture.taken++;
	if (r->caplen < p->origlen)
		count_cut();
	if (screen.to.fd >= 0 || until.instructions)
		watch_packet(p, r, data);
	if (capture.taken == opt.packets_max)
		end_at_limit();
}

/* Adds a packet to the output, and its line to the screen. */
static void add_record(const struct packet *p)
{
	const uint32_t len = p->headlen + p->datalen;
	struct output_record r = {
		.sec = p->sec, .nsec = p->nsec, .origlen = p->origlen,
		.caplen = len < capture.snaplen ? len : capture.snaplen,
	};
	const uint32_t size = output_record_size(&output, r.caplen);
	unsigned char *at;

	if (!make_room(size))
		return;
	if (output.is_pcapng)
		add_origin(&r, p);
	at = output_begin_record(&output, &r);
	copy_packet(at, p, r.caplen);
	output_end_record(&output, &r, size);
	add_packet(p, &r, at);
}

/* Whether the buffer takes more packets, a stuck reader or not. */
static int takes_packets(void)
{
	return capture.stop < LIMIT && output_backlog(&output) < capture.backlog_max;
}

/* Takes packets from the kernel until none is ready, or as many have come as are written at once.
 * Returns 1 where more may be ready. */
static int take_packets(void)
{
	uint32_t limit = output_backlog(&output) + OUTPUT_CHUNK;
	struct packet p;
	unsigned char *room = NULL;
	size_t size = 0;
	int got;

	if (limit > capture.backlog_max)
		limit = capture.backlog_max;
	while (capture.stop < LIMIT && output_backlog(&output) < limit) {
		if (!capture.net.ring)
			room = output_packet_room(&output, &size);
		got = netif_next(&capture.net, &p, room, size);
		if (got < 0)
			handle_link_error(errno);
		if (got <= 0)
			return 0;
		add_record(&p);
	}
	return capture.stop < LIMIT;
}

/* ==== Screen ==== */

/* Says how many packets the terminal was too slow for. */
static void show_skipped(void)
{
	struct text line = { screen.buffer + screen.end, LINES_SIZE - screen.end, 0 };

	if (!screen.skipped)
		return;
	text_add(&line, "[");
	text_add_number(&line, screen.skipped, 1);
	text_add(&line, screen.skipped == 1 ? " packet not shown]\n" : " packets not shown]\n");
	screen.end += (uint32_t)line.len;
	screen.skipped = 0;
}

/* Puts the line of a packet, whose kept bytes are DATA, into the buffer, and its bytes as -x has them.
 * What the terminal cannot follow is left out. */
static void show_record(const struct packet *p, const struct output_record *r,
    const unsigned char *data)
{
	uint32_t at = 0;
	size_t len;

	if (screen.end - screen.sent > LINES_BACKLOG) {
		screen.skipped++;
		return;
	}
	show_skipped();
	fill_look(p, r, data);
	screen.end += (uint32_t)show_packet(screen.buffer + screen.end, &screen.look);
	if (!opt.hex && !opt.hex_ascii && !opt.ascii)
		return;
	do {
		len = show_hex(screen.buffer + screen.end, &screen.look, &at);
		screen.end += (uint32_t)len;
	} while (len > 0);
}

/* Nobody looks at the lines any more: that ends the capture, unless it goes into a file as well. */
static void abandon_screen(int error)
{
	complain("stdout", error);
	screen.to.fd = -1;
	screen.sent = screen.end = 0;
	screen.skipped = 0;
	capture.status = 1;
	if (output.fd < 0)
		end_at_limit();
}

/* How many bytes of lines the next write takes: whole lines, as many as a pipe has room for when poll
 * says so. */
static uint32_t lines_share(void)
{
	uint32_t len = screen.end - screen.sent;

	if (len <= PIPE_BUF)
		return len;
	len = PIPE_BUF;
	while (len > 0 && screen.buffer[screen.sent + len - 1] != '\n')
		len--;
	return len ? len : PIPE_BUF;
}

/* Writes lines as far as that goes without waiting. */
static void flush_screen(void)
{
	ssize_t n;

	if (screen.to.fd < 0)
		return;
	for (;;) {
		if (screen.sent == screen.end)	/* the terminal has caught up */
			show_skipped();
		if (screen.sent == screen.end || !is_ready(screen.to.fd, POLLOUT, 0))
			break;
		n = write_terminal(&screen.to, screen.buffer + screen.sent, lines_share());
		if (n < 0) {
			abandon_screen(errno);
			return;
		}
		if (n == 0)
			break;
		screen.sent += (uint32_t)n;
	}
	if (screen.sent < screen.end && screen.sent <= LINES_BACKLOG)
		return;
	memmove(screen.buffer, screen.buffer + screen.sent, screen.end - screen.sent);
	screen.end -= screen.sent;
	screen.sent = 0;
}

/* ==== Loop ==== */

/* The interface is gone for good. */
static void lose_interface(void)
{
	capture.status = 1;
	capture.stop = GONE;
	capture.link = UP;	/* there is nothing to wait for */
}

/* With --wait, an interface that is gone may be back under its name. */
static void check_return(void)
{
	if (capture.link != ABSENT)
		say(capture.name, "is gone: waiting for it");
	capture.link = ABSENT;
	if (netif_again(&capture.net, capture.name, !opt.no_promisc) == 0) {
		say(capture.name, "is back");
		capture.link = UP;
		learn_names();
		handle_link_error(netif_error(&capture.net));
	} else if (errno != ENODEV) {
		complain(capture.net.failed, errno);
		lose_interface();
	}
}

/* Looks after an interface that went down: it comes back, or it is gone for good. Deleting one that
 * is down already makes no event at all. */
static void check_link(void)
{
	enum netif_link state = netif_state(&capture.net);

	if (state == NETIF_GONE && opt.waits) {
		check_return();
	} else if (state == NETIF_GONE) {
		say(capture.name, "is gone");
		lose_interface();
	} else if (state == NETIF_OTHER_TYPE) {
		complain(capture.name, EPROTOTYPE);
		lose_interface();
	} else if (state == NETIF_UP) {
		if (capture.link == DOWN)
			say(capture.name, "is up");
		capture.link = UP;
	} else if (capture.link == WENT_DOWN) {
		say(capture.name, "is down: waiting for it");
		capture.link = DOWN;
	}
}

/* Tells of each of several interfaces that is deleted. The capture ends with the last of them. */
static void check_several(void)
{
	char name[NETIF_NAME_SIZE];
	unsigned left = 0;

	for (unsigned i = 0; i < opt.ifnames; i++) {
		if (!capture.several[i])
			continue;
		if (netif_name(&capture.net, capture.several[i], name) == 0 || errno != ENODEV) {
			left++;
			continue;
		}
		capture.several[i] = 0;
		capture.status = 1;
		say(opt.ifname[i], "is gone");
	}
	if (!left)
		lose_interface();
}

/* Whether the running count is shown: on a terminal that shows no lines. */
static int shows_progress(void)
{
	return opt.verbose && screen.to.fd < 0 && message_stream.fd >= 0 && is_terminal(message_stream.fd);
}

/* What is due from time to time: the kernel's counts, the next file of -G, the running count, an
 * interface that is down. NOW is now_ms(). */
static void check_timers(uint64_t now)
{
	netif_count(&capture.net);
	capture.next_check_ms = now + COUNT_MS;
	if (now >= output.period_end && capture.stop == NO)
		end_period();
	if (now >= until.end_ms && capture.stop == NO)
		capture.stop = TIMED_OUT;
	if (shows_progress()) {
		capture.next_check_ms = now + PROGRESS_MS;
		text_clear(&message);
		add_count(capture.taken, "captured\r");	/* what comes next stands over it */
		send_message();
	}
	if (capture.link != UP && capture.stop == NO) {	/* afterwards it does not matter */
		capture.next_check_ms = now + LINK_MS;
		check_link();
	}
	if (is_several() && capture.stop == NO) {
		capture.next_check_ms = now + NAME_MS;
		check_several();
	}
	if (capture.next_check_ms > output.period_end)
		capture.next_check_ms = output.period_end;
	if (capture.next_check_ms > until.end_ms)
		capture.next_check_ms = until.end_ms;
}

/* Takes a signal: SIGUSR1 prints the counts, SIGUSR2 flushes by waking up, a stop signal ends the
 * capture. A further stop signal only ends the wait for a stuck reader, see drain. */
static void handle_signal(void)
{
	unsigned signal = next_signal();

	if (signal == SIGUSR1)
		tell_counts();
	if (!is_stop_signal(signal))
		return;
	capture.stop_signals++;
	capture.interrupted |= signal == SIGINT;
	if (capture.stop < SIGNALLED)
		capture.stop = SIGNALLED;
}

/* The one place where the program waits: on FD for packets or a file's bytes (with EVENTS), for the
 * reader while there is something for it (else only to see it die), for signals, and for US
 * microseconds at most. Returns what happened on FD. */
static short wait_events(int fd, short events, uint64_t us)
{
	struct pollfd p[4] = {
		{ fd, events, 0 },
		{ output.fd, output.sent < output.end && !output.awaits_space ? POLLOUT : 0, 0 },
		{ capture.signals, POLLIN, 0 },
		{ screen.to.fd, screen.sent < screen.end ? POLLOUT : 0, 0 },
	};
	struct timespec t = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };

	if (output_poll(p, 4, &t) <= 0)
		return 0;
	if (p[1].revents & (POLLERR | POLLHUP) && capture.stop != BROKEN)
		lose_output(EPIPE);
	if (p[3].revents & (POLLERR | POLLHUP))
		abandon_screen(EPIPE);
	if (p[2].revents)
		handle_signal();
	return p[0].revents;
}

/* us until a pipe that has room, but not for the next record, is tried again. */
static uint32_t pipe_pause_us(void)
{
	return (uint32_t)PIPE_US << (output.vain < PIPE_DOUBLINGS ? output.vain : PIPE_DOUBLINGS);
}

/* Waits for packets, for MS at most. After a block of a flood, the socket is left out for a moment:
 * so the flood does not wake the program for each of the ring's many small blocks. */
static void wait_packets(uint32_t ms)
{
	uint32_t pause_us = capture.stop == NO ? netif_pause_us(&capture.net) : 0;
	short events = takes_packets() && !pause_us ? POLLIN : 0;
	uint64_t us = ms * UINT64_C(1000);

	if (output.awaits_space && us > pipe_pause_us())
		us = pipe_pause_us();
	if (takes_packets() && pause_us && pause_us < us)
		us = pause_us;
	if (wait_events(capture.net.fd, events, us) & POLLERR)
		handle_link_error(netif_error(&capture.net));
}

/* One round: takes what is ready, writes it, waits for more, for MS at most. */
static void run_once(uint32_t ms)
{
	enum stop before = capture.stop;
	int more = take_packets();
	uint64_t now;

	flush_output();
	flush_screen();
	now = capture.round_ms = now_ms();
	if (now >= capture.next_check_ms)
		check_timers(now);
	if (capture.stop != before)	/* nothing more to wait for */
		return;
	if (ms > capture.next_check_ms - now)
		ms = (uint32_t)(capture.next_check_ms - now);
	wait_packets(more && takes_packets() ? 0 : ms);
}

static void run_capture(void)
{
	while (capture.stop == NO)
		run_once(COUNT_MS);
}

/* Goes on for MS. */
static void run_for(uint32_t ms)
{
	uint64_t now = now_ms(), end = now + ms;

	while (now < end && capture.stop != BROKEN) {
		run_once((uint32_t)(end - now));
		now = now_ms();
	}
	netif_count(&capture.net);
}

/* ==== Ending ==== */

/* After a signal: packets that the kernel was still handing on when it came get in. */
static void wait_for_late_packets(void)
{
	unsigned ticks = GRACE_MS / TICK_MS;
	uint64_t before;

	do {
		before = capture.net.seen;
		run_for(TICK_MS);
		ticks--;
	} while (capture.net.seen != before && ticks > 0);
}

/* Closes the capture to new packets. */
static void close_capture(void)
{
	int refused;

	if (capture.stop != TIMED_OUT)
		wait_for_late_packets();
	refused = netif_stop(&capture.net) < 0;
	run_for(refused || capture.net.no_statistics ? 2 * capture.net.block_ms + TICK_MS : TICK_MS);
	if (refused)	/* packets would come for ever */
		end_at_limit();
}

/* Packets that the kernel holds for us. */
static uint64_t kernel_backlog(void)
{
	uint64_t accounted = capture.taken + capture.net.dropped;

	return capture.stop < LIMIT && capture.net.seen > accounted ? capture.net.seen - accounted : 0;
}

static int output_waits(void)
{
	return output.sent < output.end;
}

static int screen_waits(void)
{
	return screen.to.fd >= 0 && (screen.sent < screen.end || screen.skipped > 0);
}

/* Whether the wait is over that has brought nothing for IDLE ms. A reader is waited for as long as it
 * likes; after a stop signal only while it goes on reading, after a second one with less patience: what
 * reads slowly is not stuck. What the kernel holds is fetched all the same. */
static int is_over(uint64_t idle)
{
	if (kernel_backlog() && takes_packets())
		return idle > STALL_MS;
	if (!output_waits() && !screen_waits())
		return idle > STALL_MS;	/* the kernel has what never comes */
	return (capture.stop_signals > 1 && idle > HURRY_MS) ||
	    (capture.stop_signals && idle > STALL_MS);
}

/* What could not be written is lost: says how much. */
static void give_up_readers(void)
{
	uint64_t before = output.lost;

	if (output_waits()) {
		output_abandon(&output);
		capture.status = 1;
		begin_message(output_name(&output));
		text_add(&message, "stuck reader, ");
		add_count(output.lost - before, "lost");
		end_message();
	}
	if (screen_waits()) {
		capture.status = 1;
		say("stdout", "stuck reader, lines lost");
		screen.to.fd = -1;
	}
}

/* Fetches all that the kernel holds and waits until the readers have it. */
static void drain(void)
{
	uint64_t before, since;
	int ended = 0;

	if (capture.stop < LIMIT) {
		close_capture();
	} else if (opt.mode == CAPTURE) {	/* the counts for the file's statistics are those of now */
		netif_stop(&capture.net);
		netif_count(&capture.net);
	}
	since = now_ms();
	for (;;) {
		if (!ended && !kernel_backlog()) {
			add_statistics();	/* behind the last packet */
			ended = 1;
		}
		if (capture.stop == BROKEN || !(kernel_backlog() || output_waits() || screen_waits()))
			break;
		before = capture.taken + output.sent + screen.sent;
		run_for(TICK_MS);
		if (before != capture.taken + output.sent + screen.sent)
			since = now_ms();
		if (is_over(now_ms() - since))
			break;
	}
	give_up_readers();
}

/* Packets that the kernel saw, and that are neither in the output nor counted as dropped, are told.
 * What comes after a limit was not asked for. */
static void tell_missing(void)
{
	const uint64_t accounted = capture.taken + capture.net.dropped;
	uint64_t missing = capture.unwritten;

	if (capture.stop != LIMIT && capture.net.seen > accounted)
		missing += capture.net.seen - accounted;
	if (!missing)
		return;
	capture.status = 1;
	begin_message(capture.name);
	add_count(missing, capture.stop == BROKEN ? "missing: nothing can be written any more" :
	    "missing: they stayed in the kernel");
	end_message();
}

/* --count: prints how many packets there are. */
static void tell_packets(void)
{
	text_add_number(text_clear(&message), capture.taken, 1);
	text_add(&message, capture.taken == 1 ? " packet\n" : " packets\n");
	if (write(answer_fd(), message.at, message.len) < 0)
		die("stdout");
}

/* A terminal shows ^C where it was typed: what follows begins on a line of its own. */
static void leave_interrupted_line(void)
{
	if (!capture.interrupted || message_stream.fd < 0 || !is_terminal(message_stream.fd))
		return;
	text_add(text_clear(&message), "\n");
	send_message();
}

/* The end of the program. After a second stop signal there is no time to wait for the disk. */
_Noreturn static void finish(void)
{
	close_output(capture.stop_signals < 2);
	if (opt.count_only && opt.mode == READ)
		tell_packets();
	if (opt.mode == CAPTURE) {
		netif_stop(&capture.net);	/* no more are counted, however it ends */
		netif_count(&capture.net);
		tell_missing();
	}
	if (opt.mode == CAPTURE && !is_quiet()) {
		leave_interrupted_line();
		tell_counts();
	}
	_exit(capture.status);
}

/* ==== Reading a file ==== */

/* Waits until output and screen have everything that was put, or the program is to stop. */
static void wait_until_written(void)
{
	for (;;) {
		flush_output();
		flush_screen();
		if (capture.stop != NO || (!output_waits() && !screen_waits()))
			return;
		wait_events(-1, 0, output.awaits_space ? pipe_pause_us() : COUNT_MS * UINT64_C(1000));
	}
}

/* Begins the next file of -G if it is time, and returns the ms until then, COUNT_MS at most. */
static uint32_t next_period_ms(void)
{
	uint64_t now = now_ms();

	if (now >= output.period_end) {
		end_period();
		flush_output();	/* the header: else the wait for the file's room never waits */
	}
	if (capture.stop != NO)	/* that was the last one */
		return 0;
	return output.period_end - now < COUNT_MS ? (uint32_t)(output.period_end - now) : COUNT_MS;
}

/* Waits for more bytes of the file, once at least, so that signals are served where nothing has to
 * wait as well. Returns 0 when the program is to stop. */
static int wait_for_source(void)
{
	short events;

	do
		events = wait_events(source.fd, POLLIN, next_period_ms() * UINT64_C(1000));
	while (capture.stop == NO && !events);
	return capture.stop == NO;
}

/* Moves what is still to be used to the front of the buffer. What is to be read again stays before it
 * as long as any block has room behind. */
static void compact_source(void)
{
	source.rewinds &= source.at <= OUTPUT_CHUNK;
	if (source.rewinds)
		return;
	memmove(source.buffer, source.buffer + source.at, source.have - source.at);
	source.have -= source.at;
	source.at = 0;
}

/* Reads more of the file behind what is there. Returns 0 at its end. */
static int read_more(void)
{
	ssize_t n;

	compact_source();
	wait_until_written();
	while (wait_for_source()) {
		n = read(source.fd, source.buffer + source.have, sizeof source.buffer - source.have);
		if (n >= 0) {
			source.have += (uint32_t)n;
			return n > 0;
		}
		if (errno != EAGAIN && errno != EINTR) {
			complain(source.name, errno);
			capture.status = 1;
			return 0;
		}
	}
	return 0;
}

/* Opens the file of -r. */
static void open_source(void)
{
	source.name = opt.read_name;
	if (!strcmp(source.name, "-")) {
		source.name = "stdin";
		source.fd = STDIN_FILENO;
		return;
	}
	source.fd = (int)syscall(SYS_openat, AT_FDCWD, source.name,
	    O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_LARGEFILE);
	if (source.fd < 0)
		die(source.name);
}

/* The file has to be unpacked first, by COMMAND. */
_Noreturn static void refuse_compressed(const char *command)
{
	begin_message(source.name);
	text_add(&message, "compressed; use ");
	text_add(&message, command);
	text_add(&message, " FILE | rawcap -r -");
	end_message();
	_exit(1);
}

/* The rest of the file is worth nothing: HOW says why. */
static void give_up_source(const char *how)
{
	capture.status = 1;
	begin_message(source.name);
	add_count(source.good, how);
	end_message();
}

/* The file ends in the middle of a record. */
static void end_source(void)
{
	if ((source.have > source.at || source.blocks.left) && capture.stop == NO && !capture.status)
		give_up_source("good, then cut off");
}

/* Reads the next block of a pcapng file, unless one is still to be used. Returns 0 at the end. */
static int next_block(void)
{
	uint32_t have, len;

	if (source.has_block) {
		source.has_block = 0;
		return 1;
	}
	do {
		have = source.have - source.at;
		len = pcapng_read_block(&source.blocks, source.buffer + source.at, have, &source.block);
	} while (len > have && read_more());
	if (len > have) {
		end_source();
		return 0;
	}
	if (!len) {
		say(source.name, source.blocks.why);
		give_up_source("good, then broken");
		return 0;
	}
	source.at += len;
	return 1;
}

/* Whether times keep their nanoseconds, where the file HAS them. tcpdump drops them unless they are
 * asked for. */
static int chooses_nano(int has)
{
	return !opt.micro && (opt.nano || opt.pcapng || (has && !opt.as_tcpdump));
}

/* Goes back to the start of the file: what stands before its first packet is to be copied. Where that
 * is more than the buffer has, the first packet comes next. */
static void rewind_source(void)
{
	if (!source.rewinds)
		return;
	source.rewinds = 0;
	source.at = 0;
	source.has_block = 0;
	memset(&source.blocks, 0, sizeof source.blocks);
}

/* Reads a pcapng file up to its first packet, which tells the link type. */
static void read_first_packet(void)
{
	const struct pcapng_link *link = source.blocks.link;

	source.is_pcapng = source.rewinds = 1;
	while (next_block())
		if (source.block.kind == PCAPNG_PACKET) {
			source.has_block = 1;
			link += source.block.interface;
			break;
		}
	if (source.blocks.why)
		_exit(1);
	capture.linktype = source.blocks.links ? link->linktype : LINKTYPE_ETHERNET;
	capture.nano = chooses_nano(link->resolution > 6);
	rewind_source();
}

/* Reads the header of a classic file. */
static void read_classic_header(void)
{
	const char *why = pcap_read_header(&source.format, source.buffer);

	if (why) {
		say(source.name, why);
		_exit(1);
	}
	source.at = sizeof(struct pcap_file);
	capture.linktype = (int)source.format.linktype;
	capture.nano = chooses_nano(source.format.unit == 1);
	if (capture.snaplen > source.format.snaplen)
		capture.snaplen = source.format.snaplen;
}

/* Finds out what kind of file it is, and its link type. */
static void read_source_header(void)
{
	while (source.have < sizeof(struct pcap_file) && read_more())
		;
	if (capture.status || capture.stop != NO)
		_exit(capture.status);
	if (source.have < sizeof(struct pcap_file)) {
		say(source.name, "too short for a pcap file");
		_exit(1);
	}
	if (pcap_unpacker(source.buffer))
		refuse_compressed(pcap_unpacker(source.buffer));
	if (pcapng_is_file(source.buffer))
		read_first_packet();
	else
		read_classic_header();
}

/* Compiles the filter and that of --until for packets of LINKTYPE, as number I. */
static void compile_filters(unsigned i, int linktype)
{
	source.filter[i].linktype = linktype;
	source.filter[i].instructions = compile_filter(NULL, opt.filter, 0);
	memcpy(source.filter[i].program, capture.filter, sizeof capture.filter);
	if (opt.until)
		source.filter[i].until_instructions =
		    compile_program(source.filter[i].until_program, NULL, opt.until, 0);
}

/* The filters for packets of LINKTYPE, compiled when the first one comes. A filter that the file's
 * first link type cannot have is usage; others just let nothing pass. */
static void use_filter(int linktype)
{
	unsigned i = 0;

	while (i < source.filters && source.filter[i].linktype != linktype)
		i++;
	if (i == source.filters && source.filters < LINKTYPES_MAX)
		source.filters++;
	if (i == LINKTYPES_MAX)
		i--;
	capture.linktype = linktype;
	screen.look.linktype = (uint32_t)linktype;
	if (source.filter[i].linktype != linktype || !source.filter[i].instructions)
		compile_filters(i, linktype);
	capture.instructions = source.filter[i].instructions;
	memcpy(capture.filter, source.filter[i].program, capture.instructions * sizeof *capture.filter);
	until.instructions = source.filter[i].until_instructions;
	memcpy(until.program, source.filter[i].until_program,
	    until.instructions * sizeof *until.program);
}

/* A classic file does not say what the PROGRAM that WORD stands for may ask. */
static void refuse_metadata(const char *word, const struct bpf_instruction *program, unsigned n)
{
	if (!source.is_pcapng && bpf_reads_metadata(program, n))
		usage(word, "the file does not say which way a packet went");
}

/* Opens the file and compiles the filter for its packets. */
static void open_file(void)
{
	open_source();
	read_source_header();
	check_size();
	compile_until();
	use_filter(capture.linktype);
	if (!capture.instructions)
		usage("filter", filter_error);
	refuse_metadata("filter", capture.filter, capture.instructions);
	refuse_metadata("--until", until.program, until.instructions);
}

/* A section begins, whose interfaces are counted from 0 again. What the first one's header tells goes
 * into the header of the pcapng file that is written, while nothing stands behind that. */
static void copy_section(void)
{
	memset(source.link, 0, sizeof source.link);
	if (output.is_pcapng && output.begun == 1 && !output.interfaces)
		output_copy_section(&output, &source.blocks, &source.block);
}

/* Takes what is no packet of a pcapng file: interfaces and their statistics are written again, where
 * pcapng is written. */
static void copy_block(void)
{
	const struct pcapng_block *b = &source.block;
	unsigned char *at;
	uint32_t size = b->options.len + PCAPNG_STATISTICS_MAX;

	if (b->kind == PCAPNG_SECTION)
		copy_section();
	if (!output.is_pcapng || size > OUTPUT_INTERFACE_MAX || !make_room(size))
		return;
	at = output.buffer + output.end;	/* not before: in a new file it is another place */
	if (b->kind == PCAPNG_INTERFACE) {
		source.link[b->interface].file = output.begun;
		source.link[b->interface].number = output.interfaces++;
		output_add_block(&output, pcapng_copy_interface(at, &source.blocks, b,
		    capture.snaplen, capture.nano ? 1 : 1000));
	} else if (b->kind == PCAPNG_STATISTICS && source.link[b->interface].file == output.begun) {
		output_add_block(&output, pcapng_copy_statistics(at, &source.blocks, b,
		    source.link[b->interface].number, capture.nano ? 1 : 1000));
	}
}

/* Reads the next packet of a pcapng file. Returns 1, or 0 at the end. */
static int next_pcapng_packet(struct packet *p)
{
	const struct pcapng_block *b = &source.block;

	for (;;) {
		if (!next_block())
			return 0;
		if (b->kind == PCAPNG_PACKET)
			break;
		copy_block();
	}
	p->data = b->data;
	p->datalen = b->caplen;
	p->origlen = b->origlen;
	p->sec = b->sec < UINT32_MAX ? (uint32_t)b->sec : UINT32_MAX;
	p->nsec = b->nsec;
	source.flags = b->flags;
	source.good++;
	return 1;
}

/* Reads the next packet of a classic file, likewise. */
static int next_classic_packet(struct packet *p)
{
	struct pcap_record r;
	uint32_t have, len;

	do {
		have = source.have - source.at;
		len = pcap_read_record(&source.format, source.buffer + source.at, have, &r);
	} while (len > have && read_more());
	if (len > have) {
		end_source();
		return 0;
	}
	if (!len) {
		give_up_source("good, then broken");
		return 0;
	}
	p->data = source.buffer + source.at + source.format.head;
	p->datalen = r.caplen;
	p->origlen = r.origlen;
	p->sec = r.sec;
	p->nsec = r.fraction;
	source.at += len;
	source.good++;
	return 1;
}

/* Describes the interface of a packet in the pcapng file that is written. Returns its number
 * there. */
static uint32_t describe_source_link(uint32_t interface)
{
	const struct pcapng_link *link = source.blocks.link + interface;
	const struct pcapng_interface again = {
		.name = link->name, .snaplen = capture.snaplen, .linktype = link->linktype,
		.unit = capture.nano ? 1 : 1000,
	};

	if (source.link[interface].file != output.begun) {
		source.link[interface].number = output_add_interface(&output, &again);
		source.link[interface].file = output.begun;
	}
	return source.link[interface].number;
}

/* Leaves out the options of a packet, CAPLEN bytes of which are kept, where no file of -C has room for
 * them. */
static void leave_out_long_options(uint32_t caplen)
{
	struct pcapng_block *b = &source.block;
	uint32_t more = pcapng_copied_packet_size(&source.blocks, b, caplen) - pcapng_packet_size(caplen);

	if (output_smallest(&output, caplen) + more > opt.size_max)
		b->options.len = 0;
}

/* Adds a packet of a pcapng file to one of the same kind, with its comments and flags. */
static void copy_pcapng_packet(const struct packet *p)
{
	const struct pcapng_block *b = &source.block;
	struct output_record r = {
		.sec = p->sec, .nsec = p->nsec, .origlen = p->origlen,
		.caplen = p->datalen < capture.snaplen ? p->datalen : capture.snaplen,
	};
	unsigned char *at;

	leave_out_long_options(r.caplen);
	if (!make_room(pcapng_copied_packet_size(&source.blocks, b, r.caplen)))
		return;
	r.interface = describe_source_link(b->interface);
	at = output.buffer + output.end;
	output_add_block(&output, pcapng_copy_packet(at, &source.blocks, b, r.caplen, r.interface,
	    capture.nano ? 1 : 1000));
	add_packet(p, &r, at + PCAPNG_PACKET_HEAD);
}

/* Settles link type and filter for a packet of a pcapng file. Returns 0 where the output, a classic
 * file, cannot have such packets: that ends it. */
static int take_linktype(int linktype)
{
	if (linktype == capture.linktype)
		return 1;
	if (output.fd < 0 || output.is_pcapng) {
		use_filter(linktype);
		return 1;
	}
	text_add(begin_message(source.name), "packets of ");
	add_linktype_name(linktype);
	text_add(&message, " behind those of ");
	add_linktype_name(capture.linktype);
	text_add(&message, ": a pcap file has one link type, write FILE.pcapng");
	end_message();
	capture.status = 1;
	end_at_limit();
	return 0;
}

/* Whether the filter lets the packet that was read pass. */
static int passes_filter(const struct packet *p)
{
	const struct bpf_packet packet = {
		.data = p->data, .caplen = p->datalen, .origlen = p->origlen,
		.has_metadata = (source.flags & DIRECTIONS) != 0,
		.pkttype = source_pkttype(),
	};

	return bpf_run_packet(capture.filter, capture.instructions, &packet) != 0;
}

static int next_packet(struct packet *p)
{
	return source.is_pcapng ? next_pcapng_packet(p) : next_classic_packet(p);
}

/* Takes the packets of the file. What shows them or writes them is waited for. */
static void replay(void)
{
	struct packet p = { 0 };

	while (capture.stop == NO && next_packet(&p)) {
		if (source.is_pcapng &&
		    !take_linktype(source.blocks.link[source.block.interface].linktype))
			break;
		if (packet_ms(&p) > until.end_ms)
			break;
		if (!passes_filter(&p))
			continue;
		if (output_backlog(&output) >= OUTPUT_CHUNK || screen.end - screen.sent > LINES_BACKLOG)
			wait_until_written();
		if (capture.stop != NO)
			break;
		if (source.is_pcapng && output.is_pcapng)
			copy_pcapng_packet(&p);
		else
			add_record(&p);
	}
	wait_until_written();
	end_at_limit();
}

int main(int argc, char **argv)
{
	(void)argc;
	parse_arguments(argv);
	check_stderr();
	check_stdin();
	check_stdout();
	catch_signals();
	if (opt.mode == LIST_INTERFACES)
		print_interfaces();
	if (opt.mode == LIST_LINKTYPES)
		print_linktypes();
	open_terminals();
	set_zone();
	set_up_output();
	if (opt.mode == CAPTURE)	/* of -r the snaplen is not known yet */
		check_size();
	read_names();
	check_filters();
	if (opt.mode == READ || opt.read_name)	/* -d with -r: the file tells the link type */
		open_file();
	if (opt.mode == PRINT_FILTER)
		print_filter();
	open_directory();
	if (opt.mode == CAPTURE) {
		wait_for_fifo_reader();
		open_interface();
	} else {
		check_source();
	}
	confine();
	open_output();
	drop_rights();
	enter_sandbox(0);
	if (opt.mode == CAPTURE) {
		learn_names();
		tell_start();
		run_capture();
	} else {
		replay();
	}
	drain();
	finish();
}
