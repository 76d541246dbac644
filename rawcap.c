/* SPDX-License-Identifier: MIT
 *
 * rawcap: captures packets from a network interface into a pcap stream, on Linux, without libpcap.
 *
 * How it works:
 * - A packet socket is opened for protocol 0, so it takes nothing; filter, ring and promiscuous
 *   mode are set; then bind starts it. Nothing of another interface or past the filter slips in.
 * - The kernel writes packets into a ring that is mapped into this process (TPACKET_V3). Each is
 *   copied once, behind its record header, into one buffer; one write takes many out. Without a
 *   ring (-B 0) recvmsg puts each packet where it would have been copied to.
 * - A filter is compiled here and run by the kernel, which copies and counts only what passes.
 * - Length, time and VLAN tag of a packet are the kernel's. The tag, which it keeps beside the
 *   frame, is put back where it was.
 * - One ppoll waits for the interface, for the reader and for signals, which come through a
 *   descriptor. No write makes the process wait: a pipe gets what it has room for.
 * - When no packet is ready, everything taken has been written. At the end the filter is closed and
 *   the ring drained, until what was taken and what the kernel dropped is all that the kernel saw.
 * - Packets can be shown as lines as well. Those wait in a buffer of their own, and what the
 *   terminal cannot follow is counted: it never holds up the capture.
 * - Once all is open every right is given up, and of the system calls only the loop's are left.
 * - Nothing is allocated: static buffers, one static state.
 *
 * See packet(7), pcap-savefile(5), netif.h (the kernel side), pcap.h (the file format), filter.h
 * (the filter compiler) and show.h (a packet as a line).
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "filter.h"
#include "netif.h"
#include "pcap.h"
#include "show.h"

#define VERSION "0.1"

enum {
	SNAPLEN_DEFAULT = 2048,	/* bytes: any frame of a 1500 MTU, a part of merged ones */
	RING_KIB_DEFAULT = 2048,	/* KiB: 16 ms of a full gigabit, 3 % of a router's 64 MB */
	RING_KIB_MAX = (2 << 20) - 1,	/* KiB: the kernel counts bytes in an int */
	OUT_FLUSH = 256 << 10,	/* bytes: when so many wait they are written; more gain nothing */
	/* Bytes: how many may wait for a reader that is stuck, if the ring has as many; more than a
	 * machine of 32 MB has room for must not stand in the program's size. */
	OUT_HOLD = 8 << 20,
	/* Bytes: behind that, the longest record still fits. */
	OUT_SIZE = OUT_HOLD + (int)sizeof(struct pcap_file) + (int)sizeof(struct pcap_record) +
	    PCAP_SNAPLEN_MAX + NETIF_HEAD_MAX,
	CHUNK = 16,	/* bytes of a packet that are copied at a time */
	/* Bytes of lines that may wait for the terminal: three seconds of a serial console. Behind
	 * them, and as many that are written already, the longest packet has room. */
	LINES_WAIT = 32 << 10,
	LINES_SIZE = 2 * LINES_WAIT + 2 * SHOW_LINE + PCAP_SNAPLEN_MAX / 16 * SHOW_HEX_LINE,
	TTY_PIECE = 256,	/* bytes that a terminal takes if poll says so: WAKEUP_CHARS of n_tty.c */
	LINE_SIZE = 512,	/* bytes of one message, or of the summary */
	WORD_MAX = 120,	/* bytes of any one word in it, so that a user's cannot fill it */

	/* How late the kernel may hand over packets of an idle link; on the other hand a block of
	 * the ring is gone each time, so four times that is what a capture into a file, whose disk
	 * may be slow, can be held up. Where the kernel counts time in steps of 10 ms: one more. */
	LIVE_MS = 20,
	STORED_MS = 1000,
	TICK_MS = 30,	/* a pause in which packets on their way through the kernel arrive */
	GRACE_MS = 120,	/* after a stop signal: the most that packets on their way have */
	STALL_MS = 3000,	/* a reader that takes nothing for so long after it is given up */
	FLAP_MS = 50,	/* after an interface went down: by then a deletion shows */
	LINK_MS = 250,	/* between looks at one that stays down: the kernel may not tell */
	FULL_MS = 10,	/* until a pipe with room, but not for the next record, is tried again */
	TELL_MS = 1000,	/* between two running counts */
	COUNT_MS = 60000,	/* between fetching the kernel's counts, which have 32 bits */

	/* An unread fifo is refused, not waited for; 32-bit machines need the last one. */
	OPEN_FLAGS = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_LARGEFILE,
	TRIES = 8,	/* to write to a file that says "try again" */
	FILES_MAX = 1000000,	/* of -W */
	SLICE_MAX = 1000000000,	/* seconds of -G: 31 years */
	NAME_MAX_GIVEN = 512,	/* bytes of -w's FILE; a form of time takes five times its place */
	NOBODY = 65534,	/* the user and group without rights, everywhere */
};

/* Why the capture ends: a signal; the interface is gone; from here on nothing more is taken: -c is
 * reached, or receiving fails; nothing can be written any more. */
enum stop { NO, SIGNALLED, GONE, LIMIT, BROKEN };
enum { INOUT, IN, OUT };	/* -Q */
enum link { UP, WENT_DOWN /* not said yet: it may be a flap */, DOWN, ABSENT };

/* linux/filter.h */
struct sock_fprog {
	unsigned short len;
	const void *filter;
};

/* linux/seccomp.h */
enum { SECCOMP_MODE_FILTER = 2, SECCOMP_RET_ERRNO = 0x50000, SECCOMP_RET_ALLOW = 0x7fff0000 };
enum { LOW_WORD = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0 };	/* where in 8 bytes it is */

/* The options without a letter, in the order of their names; rc.option has them too. */
enum { MICRO, NANO, SSH, WAIT, PRINT, PRINT_VERSION, HELP };
#define LONG_OPTIONS "--micro\0--nano\0--ssh\0--wait\0--print\0--version\0--help\0"

/* All there is to know while the program runs. */
static struct {
	/* what the user asked for */
	char *option[128];	/* by letter: its value, or its place if it takes none; or NULL */
	unsigned char count[128];	/* how often a letter without value was given */
	const char *ifname;
	const char *filename;	/* of -w, if not stdout */
	char *ssh;	/* SSH_CONNECTION, as sshd sets it; or NULL */
	uint64_t limit;	/* packets */
	uint64_t size;	/* bytes of a file, -C; UINT64_MAX without */
	uint32_t seconds;	/* of a file, -G; 0 without */
	uint32_t files;	/* how many are kept, -W; 0: all */
	uint32_t snaplen;	/* bytes, 1 to PCAP_SNAPLEN_MAX */
	uint32_t ring_kib;	/* KiB, 0 = no ring */
	int nano;
	int direction;	/* INOUT, IN or OUT */

	/* the capture */
	struct netif net;
	int linktype;
	int switched;	/* frames have the tag of a DSA switch in them */
	enum stop stop;
	enum link link;
	int signals;	/* a descriptor that gives the signals one by one, signalfd(2) */
	int stop_signals;	/* how many said stop */
	uint64_t due;	/* ms: when to look at the kernel's counts and a link that is down */
	uint64_t taken;	/* packets put into the buffer */
	uint64_t cut;	/* those cut to snaplen */

	/* the output: stdout, or the file of -w */
	int fd;
	uint64_t room;	/* bytes that the file still takes */
	uint32_t file;	/* how many files of -C came before this one ... */
	uint32_t oldest;	/* ... and before the oldest of them that is kept */
	uint32_t slice;	/* likewise of -G */
	uint32_t slice_time;	/* when this one began: seconds since 1970 */
	uint64_t slice_end;	/* ms: when to begin the next; UINT64_MAX without -G */
	int gave_up;	/* a file, for a full disk: that has been said */
	int pipe;	/* bytes that it holds, if it is a pipe; else 0 or less */
	int socket;	/* it is one */
	int full;	/* the pipe has room, but not for the next record */
	uint64_t lost;	/* packets of taken that never reached the output */
	uint32_t first;	/* in the buffer: the start of the first record not wholly written */
	uint32_t sent;	/* ... up to where it is written */
	uint32_t end;	/* ... and filled */
	int status;	/* the exit status */

	/* packets as lines */
	uint32_t piece;	/* bytes that are written at a time */
	int screen;	/* where they go: stdout, or the terminal behind it; -1 if they are not shown */
	struct show look;
	uint32_t lines_sent;	/* up to where they are written ... */
	uint32_t lines_end;	/* ... and filled */
	uint64_t skipped;	/* packets since the last line for which there was no room */
} rc;

/* What goes to stdout or into a file: its header, then whole records. Before there is any, the
 * filter's text and the list of interfaces have this place. */
static _Alignas(8) unsigned char out[OUT_SIZE];

/* Lines on their way to the terminal. */
static char lines[LINES_SIZE];

enum { SANDBOX = 1 };

/* ==== Saying what went wrong ==== */

static char line[LINE_SIZE];
static unsigned linelen;

/* Appends TEXT to the line. */
static void put(const char *text)
{
	unsigned last = linelen + WORD_MAX;

	while (*text && linelen < last && linelen < LINE_SIZE - 1)
		line[linelen++] = *text++;
}

/* Appends a text that others chose: bytes that could play tricks on a terminal become ?. */
static void put_foreign(const char *text)
{
	unsigned i = linelen;

	for (put(text); i < linelen; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
}

/* Whether FD is ready for EVENTS, at the latest in SECONDS. POLLOUT promises PIPE_BUF bytes of a
 * pipe. */
static int ready(int fd, short events, time_t seconds)
{
	struct pollfd p = { fd, events, 0 };
	struct timespec wait = { seconds, 0 };

	return ppoll(&p, 1, &wait, NULL) > 0;
}

/* Sends the line to stderr. A stderr that is full or closed loses it: no message may hold up the
 * capture. Only at the end is there a second's patience. */
static void put_out(void)
{
	if (ready(STDERR_FILENO, POLLOUT, rc.stop != NO))
		write(STDERR_FILENO, line, linelen);
	linelen = 0;
}

/* What was put, as a string until the next put. */
static const char *put_string(void)
{
	line[linelen] = 0;
	linelen = 0;
	return line;
}

/* N in decimal, until the next call. */
static const char *decimal(uint64_t n)
{
	static char text[21];
	char *d = text + sizeof text - 1;

	do
		*--d = (char)('0' + n % 10);
	while (n /= 10);
	return d;
}

static void put_count(uint64_t n, const char *what)
{
	put(decimal(n));
	put(n == 1 ? " packet " : " packets ");
	put(what);
}

/* One line on stderr: "rawcap: THING: TEXT". Bytes of THING, which may be a word of the user's,
 * that could play tricks on a terminal become ?. */
static void say(const char *thing, const char *text)
{
	put("rawcap: ");
	put_foreign(*thing ? thing : "''");
	put(": ");
	put(text);
	put("\n");
	put_out();
}

/* The command line is wrong: names the word and why, exit 2. */
_Noreturn static void usage(const char *word, const char *why)
{
	say(word, why);
	_exit(2);
}

/* Says that THING failed with ERROR, and what to do about it where that is not plain. */
static void complain(const char *thing, int error)
{
	static const uint16_t errors[] = {
		EPERM, ENODEV, EAFNOSUPPORT, ENOSPC, EDQUOT, EFBIG, EIO, EPIPE, ENOMEM, EMFILE,
		EACCES, ENOENT, EISDIR, EROFS, ENXIO, ESPIPE, EPROTOTYPE, ENOTDIR, ENAMETOOLONG,
		ELOOP, ETXTBSY,
	};
	static char number[] = "error 12345";
	const char *digits;
	const char *text =	/* in that order, each with a 0 behind it */
	    "no CAP_NET_RAW: run as root, or once: setcap cap_net_raw=ep rawcap\0"
	    "no such interface (see -D)\0kernel has no CONFIG_PACKET\0"
	    "no space left\0quota exceeded\0file too large\0I/O error\0the reader is gone\0"
	    "out of memory\0too many open files\0"
	    "permission denied\0no such file or directory\0a directory\0read-only file system\0"
	    "nobody reads it\0not a file\0came back with another link type\0not a directory\0"
	    "name too long\0too many links\0a running program\0";

	if (error == EPERM && strcmp(thing, "socket"))	/* a file that is not to be changed */
		error = EACCES;
	for (size_t i = 0; *text && errors[i] != error; i++)
		text += strlen(text) + 1;
	digits = decimal((unsigned)error);
	memcpy(number + sizeof "error", digits, strlen(digits) + 1);
	say(thing, *text ? text : number);
}

/* THING failed with errno: says so, exit 1. */
_Noreturn static void die(const char *thing)
{
	complain(thing, errno);
	_exit(1);
}

/* ==== The command line ==== */

static const char help[] =
"rawcap [options] INTERFACE [FILTER] > FILE.pcap\n"
"-i NAME  INTERFACE, tcpdump's way (any: all)\n"
"-c N     stop after N packets\n"
"-s N     keep N bytes each (2048; 0: 262144)\n"
"-p       not promiscuous\n"
"-Q DIR   in, out or inout\n"
"-B KIB   ring size (2048; 0: no ring)\n"
"-y TYPE  link type to write\n"
"-w FILE  write FILE, not stdout\n"
"-C SIZE  next file (without -w the end) before SIZE MB, or with k, m, g KiB ...\n"
"-G SECS  next file (without -w the end) after SECS; FILE may have %Y%m%d%H%M%S\n"
"-W N     keep N files; with -G alone end after them\n"
"--wait   for the interface, whenever it is gone\n"
"--nano   timestamps (--micro)\n"
"-v       progress\n"
"-q       no summary\n"
"-r FILE  read FILE instead (-: stdin)\n"
"--print  show packets as lines, as on a terminal; -e -x -xx -X -XX -t -tt: how\n"
"-D       list interfaces\n"
"-d       print FILTER compiled (-dd, -ddd)\n"
"--ssh    keep the SSH session it runs in\n"
"-U -l -n -S accepted\n"
"-h, --help, --version\n"
"INT TERM HUP stop (twice: at once), USR1 counts, USR2 flushes\n"
"Exit: 0 stopped, 1 failed, 2 usage\n";

/* How FD is open: O_RDONLY, O_WRONLY or O_RDWR, and O_APPEND; -1 if it is not. */
static int mode_of(int fd)
{
	int flags = (int)syscall(SYS_fcntl, fd, F_GETFL);

	return flags < 0 ? flags : flags & (O_ACCMODE | O_APPEND);
}

static void need_stdout(void)
{
	int mode = mode_of(STDOUT_FILENO);

	if (mode < 0 || !(mode & (O_WRONLY | O_RDWR)))
		usage("stdout", "not open for writing");
}

/* TEXT on stdout is all that was asked for. */
_Noreturn static void answer(const char *text)
{
	need_stdout();
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		die("stdout");
	_exit(0);
}

static const char bad_number[] = "not a number in range";
static const char no_such_option[] = "no such option (see -h)";

static int one_of(char letter, const char *letters)
{
	while (*letters && *letters != letter)
		letters++;
	return *letters;
}

/* Which of the words in LIST, each with a 0 behind it, WORD is: from 0; -1 for none. */
static int which(const char *word, const char *list)
{
	for (int i = 0; *list; i++, list += strlen(list) + 1)
		if (!strcmp(word, list))
			return i;
	return -1;
}

static void long_option(char *word)
{
	int i = which(word, LONG_OPTIONS);

	if (i < 0)
		usage(word, no_such_option);
	if (i == PRINT_VERSION)
		answer("rawcap " VERSION "\n");
	if (i == HELP)
		answer(help);
	if (i <= NANO)
		rc.nano = i;
	rc.option[i] = word;
}

/* Takes the options in front and gives the first operand. */
static char **options(char **argv)
{
	char *word, *c;

	for (; (word = *argv) && word[0] == '-' && word[1]; argv++) {
		if (word[1] == '-') {
			if (!word[2])
				return argv + 1;
			long_option(word);
			continue;
		}
		for (c = word + 1; one_of(*c, "hpvqdDUlnSexXt"); c++) {
			rc.option[(int)*c] = c;
			rc.count[(int)*c]++;
		}
		if (rc.count['t'] > 2)
			usage(word, no_such_option);
		if (!*c)
			continue;
		if (!one_of(*c, "icsBQywCGWr"))
			usage(word, no_such_option);
		rc.option[(int)*c] = c[1] ? c + 1 : *++argv;
		if (!*argv)
			usage(word, "needs a value");
	}
	return argv;
}

/* The decimal number that *WORD starts with, which never wraps: to MAX. Moves *WORD behind it. */
static uint64_t number_at(const char **word, uint64_t max)
{
	const char *c = *word;
	uint64_t n = 0;
	unsigned digit;

	for (; (digit = (unsigned)*c - '0') < 10 && n <= (max - digit) / 10; c++)
		n = n * 10 + digit;
	*word = c;
	return n;
}

/* The value of an option as a number to MAX; OTHERWISE without the option. */
static uint64_t option_number(char letter, uint64_t otherwise, uint64_t max)
{
	const char *word = rc.option[(int)letter], *c = word;
	uint64_t n;

	if (!word)
		return otherwise;
	n = number_at(&c, max);
	if (c == word || *c)
		usage(word, bad_number);
	return n;
}

/* The value of -C in bytes: millions of them, or with a unit a power of 1024. */
static uint64_t size_limit(void)
{
	const char *word = rc.option['C'], *c = word;
	uint64_t n;

	if (!word)
		return UINT64_MAX;
	n = number_at(&c, UINT32_MAX);
	if (c == word || (*c && c[1]))
		usage(word, bad_number);
	switch (*c | ' ') {
	case ' ': return n * 1000000;
	case 'k': return n << 10;
	case 'm': return n << 20;
	case 'g': return n << 30;
	default: usage(word, bad_number);
	}
}

/* A file must have room for any packet: what -W keeps is then never larger than it may be. */
static void check_size(void)
{
	if (rc.size < sizeof(struct pcap_file) + sizeof(struct pcap_record) + rc.snaplen)
		usage(rc.option['C'], "too small for a packet of -s bytes");
}

/* What concerns files: -w, -C, -G, -W. */
static void parse_files(void)
{
	const char *name;

	rc.size = size_limit();
	if (!rc.option['r'])	/* else snaplen is not known yet */
		check_size();
	rc.seconds = (uint32_t)option_number('G', 0, SLICE_MAX);
	rc.files = (uint32_t)option_number('W', 0, FILES_MAX);
	rc.slice_end = UINT64_MAX;
	if ((rc.option['G'] && !rc.seconds) || (rc.option['W'] && !rc.files))
		usage(rc.option['G'] && !rc.seconds ? rc.option['G'] : rc.option['W'], bad_number);
	if (rc.option['w'] && strcmp(rc.option['w'], "-"))
		rc.filename = rc.option['w'];
	else if (rc.option['w'] && rc.option[PRINT])
		usage("--print", "stdout is not free for lines");
	name = rc.filename;
	if (rc.files && !(name && (rc.option['C'] || rc.seconds)))
		usage("-W", "needs -w FILE and -C or -G");
	if (name && (!*name || strlen(name) > NAME_MAX_GIVEN))
		usage("-w", "not a file name");
	for (; name && rc.seconds && *name; name++)
		if (*name == '%' && !one_of(*++name, "YmdHMSjsyFT%"))
			usage(rc.filename, "of % it may have YmdHMSjsyFT%");
}

/* An interface name must be one that the kernel takes as it stands; it would cut eth0:1 to
 * eth0, and 16 characters to 15. */
static void check_interface_name(void)
{
	const char *c = rc.ifname;

	while (*c > ' ' && *c <= '~' && *c != '/' && *c != ':')
		c++;
	if (*c || which(rc.ifname, ".\0..\0") >= 0 || (size_t)(c - rc.ifname) - 1 >= IFNAMSIZ - 1)
		usage(rc.ifname, "not an interface name");
}

/* The link type that tcpdump calls NAME; -1 for none. Turns NAME into capitals, and its - into
 * _. */
static int linktype_called(char *name)
{
	static const uint16_t named[] = PCAP_NAMED;
	int i;

	for (char *c = name; *c; c++)
		*c = (char)(*c == '-' ? '_' : *c >= 'a' ? *c - 32 : *c);
	i = which(name, PCAP_NAMES);
	return i < 0 ? i : named[i];
}

/* The filter: WORDS with spaces between them, in the output buffer, which nothing needs yet. What
 * does not fit is far too long for a filter as well. */
static void join(char **words)
{
	char *at = (char *)out, *end = at + sizeof out - 2;

	for (; *words; words++) {
		if (at > (char *)out && at < end)
			*at++ = ' ';
		for (const char *c = *words; *c && at < end; )
			*at++ = *c++;
	}
	*at = 0;
}

static void parse_arguments(char **argv)
{
	if (*argv)	/* it may be empty before Linux 5.18 */
		argv = options(argv + 1);
	if (rc.option['h'])
		answer(help);
	rc.snaplen = (uint32_t)option_number('s', rc.option['d'] || rc.option['r'] ? 0 : SNAPLEN_DEFAULT,
	    PCAP_SNAPLEN_MAX);
	if (!rc.snaplen)
		rc.snaplen = PCAP_SNAPLEN_MAX;
	rc.ring_kib = (uint32_t)option_number('B', RING_KIB_DEFAULT, RING_KIB_MAX);
	rc.limit = option_number('c', UINT64_MAX, UINT64_MAX);
	if (!rc.limit)
		usage(rc.option['c'], bad_number);
	if (rc.option['Q'] && (rc.direction = which(rc.option['Q'], "inout\0in\0out\0")) < INOUT)
		usage(rc.option['Q'], "not in, out or inout");
	rc.ifname = rc.option['i'];
	if (!rc.ifname && !rc.option['d'] && !rc.option['r'] && *argv)
		rc.ifname = *argv++;
	if (rc.option['D'])
		return;
	if (rc.ifname)
		check_interface_name();
	else if (!rc.option['d'] && !rc.option['r'])
		usage("usage", "rawcap INTERFACE > FILE.pcap (see -h)");
	parse_files();
	join(argv);
	rc.linktype = -1;
	if (rc.option['y'] && (rc.linktype = linktype_called(rc.option['y'])) < 0)
		usage(rc.option['y'], "not a link type here");
}

/* ==== Before the capture ==== */

static int is_terminal(int fd)
{
	char termios[64];	/* the kernel's has less on every machine */

	return ioctl(fd, TCGETS, termios) == 0;
}

/* Where the lines go: a terminal is opened once more, so that it never makes the process wait; the
 * flags of stdout are shared with the shell and stay as they are. Where there is no /proc it gets
 * so little at a time that a serial console has room for it once poll says so. */
static void open_screen(void)
{
	int fd;

	rc.piece = PIPE_BUF;
	if (!is_terminal(rc.screen))
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/fd/1",
	    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		rc.piece = TTY_PIECE;
	else
		rc.screen = fd;
}

static void check_stdin(void)
{
	int mode = mode_of(STDIN_FILENO);

	if (rc.option['r'] && !strcmp(rc.option['r'], "-") && (mode < 0 || mode & O_WRONLY))
		usage("stdin", "not open for reading");
}

/* What goes to stdout: the capture, lines, an answer or nothing. It must be fit for that. Nothing
 * has been opened yet. What it is shows in what works on it. */
static void check_stdout(void)
{
	int terminal = is_terminal(STDOUT_FILENO), asks = rc.option['D'] || rc.option['d'];
	int shows = rc.option[PRINT] || (!rc.option['w'] && (terminal || rc.option['r']));

	rc.fd = rc.screen = -1;
	if (rc.filename && !shows)
		return;
	need_stdout();
	if (asks)
		return;
	if (shows) {
		rc.screen = STDOUT_FILENO;
		return;
	}
	if (terminal)
		usage("stdout", "a terminal: rawcap eth0 > /tmp/c.pcap");
	if (mode_of(STDOUT_FILENO) & O_APPEND && lseek(STDOUT_FILENO, 0, SEEK_END) > 0)
		usage("stdout", "not empty: use >");
	rc.fd = STDOUT_FILENO;
}

#define SIGBIT(sig) (1ul << ((sig) - 1))	/* in the first word of the kernel's signal sets */

/* Signals are never let in: they are read, as from any other descriptor, where the program
 * waits. None can slip in between a look at a flag and the wait, none breaks off a write; a
 * dead reader and a file at its limit show as errors of write. And a descriptor of signals,
 * made until one is above stderr, takes the place of a missing 0 or 2: a packet socket would
 * transmit what is written there. */
static void catch_signals(void)
{
	unsigned long mask[_NSIG / 8 / sizeof(long)] = { 0 }, old[20];
#ifdef __mips__
	enum { HANDLER = 1 };	/* in the kernel's struct sigaction: behind the flags */
#else
	enum { HANDLER = 0 };
#endif

	mask[0] = SIGBIT(SIGINT) | SIGBIT(SIGTERM) | SIGBIT(SIGUSR1) | SIGBIT(SIGUSR2) |
	    SIGBIT(SIGPIPE) | SIGBIT(SIGXFSZ);
	syscall(SYS_rt_sigaction, SIGHUP, NULL, old, _NSIG / 8);
	if (old[HANDLER] != (unsigned long)SIG_IGN)	/* as nohup makes it */
		mask[0] |= SIGBIT(SIGHUP);
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, _NSIG / 8) < 0)
		die("signals");
	do
		rc.signals = (int)syscall(SYS_signalfd4, -1, mask, _NSIG / 8,
		    SFD_NONBLOCK | SFD_CLOEXEC);
	while ((unsigned)rc.signals <= STDERR_FILENO);
	if (rc.signals < 0)
		die("signalfd");
}

/* Takes one signal that has come: its number, or 0 for none. */
static unsigned next_signal(void)
{
	struct signalfd_siginfo info;

	return read(rc.signals, &info, sizeof info) < 0 ? 0 : info.ssi_signo;
}

static int says_stop(unsigned signal)
{
	return signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
}

/* The link type of an Ethernet device, which may be a DSA switch's conduit: then frames have the
 * switch's tag in them. The kernel shows that tag's format in sysfs; without sysfs nobody knows. */
static int ethernet_linktype(void)
{
	char name[40] = "DSA_TAG_", *tagging = name + 8, *end = tagging;
	int fd, type;

	put("/sys/class/net/");
	put(rc.ifname);
	put("/dsa/tagging");
	fd = (int)syscall(SYS_openat, AT_FDCWD, put_string(), O_RDONLY);
	read(fd, tagging, sizeof name - 9);
	close(fd);
	while (*end >= ' ')
		end++;
	*end = 0;
	if (!*tagging || !strcmp(tagging, "none"))
		return LINKTYPE_ETHERNET;
	say("DSA tag", tagging);
	rc.switched = 1;
	type = linktype_called(name);
	return type < 0 ? LINKTYPE_ETHERNET : type;
}

/* Whether packets of the link type OWN can be written as those ASKED for. */
static int can_be(int own, int asked)
{
	if (own == LINKTYPE_LINUX_SLL || own == LINKTYPE_LINUX_SLL2)
		return asked == LINKTYPE_LINUX_SLL || asked == LINKTYPE_LINUX_SLL2;
	return asked == own || (asked == LINKTYPE_ETHERNET && own >= LINKTYPE_DSA_TAG_BRCM);
}

/* Settles the link type: the interface's own, cooked form for what has none, or the one asked for.
 * Cooked form comes from a socket of another kind. */
static void choose_linktype(void)
{
	int own = pcap_linktype(rc.net.hatype);
	uint32_t cooked;

	if (rc.net.ifindex == NETIF_ALL) {
		own = LINKTYPE_LINUX_SLL2;
	} else if (rc.net.hatype == ARPHRD_ETHER) {
		own = ethernet_linktype();
	} else if (own < 0) {
		say(rc.ifname, "unknown kind: cooked form");
		own = LINKTYPE_LINUX_SLL;
	}
	if (rc.linktype < 0)
		rc.linktype = own;
	if (!can_be(own, rc.linktype))
		usage(rc.option['y'], "not a link type here");
	cooked = pcap_cooked(rc.linktype);
	if (cooked && netif_cook(&rc.net, cooked) < 0)
		die(rc.net.failed);
}

static struct sock_filter program[BPF_MAXINSNS];	/* what the kernel runs for each packet */

static char reason[LINE_SIZE];	/* why there is none */

/* Compiles a filter's TEXT, with RULE in front, for packets of the socket (LIVE) or as they stand
 * in a file. Returns how many instructions it has; 0 for none, with the reason. */
static unsigned compile_filter(const char *rule, const char *text, int live)
{
	uint32_t cooked = live ? rc.net.cooked : 0;	/* what the socket's packets do not have */
	static struct filter f;	/* it outlives the call in filter.h */

	f = (struct filter){
		.rule = rule, .text = text, .linktype = rc.linktype, .live = live,
		.snaplen = rc.snaplen > cooked ? rc.snaplen - cooked : 1,
		.netmask = rc.net.netmask, .err = reason, .errsize = sizeof reason,
	};
	return filter_compile(&f, program);
}

/* Compiles the user's filter so. A wrong one is usage. */
static unsigned users_filter(const char *rule, int live)
{
	unsigned n = compile_filter(rule, (char *)out, live);

	if (!n)
		usage("filter", reason);
	return n;
}

/* What no kind of link takes is a wrong filter whatever comes: that is said before anything is
 * opened. */
static void check_filter(void)
{
	static const uint16_t kinds[] = {	/* the last one's reason is given */
		LINKTYPE_IEEE802_11_RADIOTAP, LINKTYPE_LINUX_SLL2, LINKTYPE_RAW, LINKTYPE_ETHERNET,
	};
	int asked = rc.linktype;
	unsigned n = 0;

	for (size_t i = 0; !n && i < sizeof kinds / sizeof *kinds; i++) {
		rc.linktype = kinds[i];
		n = compile_filter(NULL, (char *)out, 1);
	}
	rc.linktype = asked;
	if (!n && asked >= 0)	/* for its own reason */
		n = compile_filter(NULL, (char *)out, 1);
	if (!n)
		usage("filter", reason);
}

/* A loopback device shows each packet twice, outgoing and incoming: one of them is left out, also
 * among all interfaces. (CAN devices likewise: they hear themselves.) */
static void put_direction(void)
{
	if (rc.direction == OUT)
		put("outbound");
	else if (rc.direction == IN || rc.net.hatype == ARPHRD_LOOPBACK ||
	    rc.net.hatype == ARPHRD_CAN)
		put("inbound");
	else if (rc.net.ifindex == NETIF_ALL)	/* lo is the first in every namespace */
		put("not(outbound and ifindex 1)");
}

/* Cuts the first word off *TEXT and the zone (%eth0) off that. A word with any other characters
 * than ALLOWED becomes empty: it is to stand in a filter. */
static const char *cut_word(char **text, const char *allowed)
{
	char *word = *text, *c = word, *colon = NULL;

	for (; one_of(*c, allowed); c++)
		if (*c == ':')
			colon = c;
		else if (*c == '.' && colon)
			word = colon + 1;	/* an IPv4 address, mapped into IPv6 */
	if (*c != ' ' && *c != '%' && *c)
		*word = 0;
	for (; *c && *c != ' '; c++)
		*c = 0;
	*text = c + (*c == ' ');
	*c = 0;
	return word;
}

static void put_side(const char *dir, const char *host, const char *port)
{
	put(dir);
	put(" host ");
	put(host);
	put(" and tcp ");
	put(dir);
	put(" port ");
	put(port);
}

/* The rule that leaves the SSH session out in which rawcap itself runs, whose packets would carry
 * those captured. sshd names it: the client's address and port, then its own. Gives what stands
 * behind them. */
static const char *put_session(char *words)
{
	static const char host[] = "0123456789abcdefABCDEF.:", *port = "0123456789";
	const char *a = cut_word(&words, host), *a_port = cut_word(&words, port);
	const char *b = cut_word(&words, host), *b_port = cut_word(&words, port);

	put(linelen ? " and not(" : "not(");
	put_side("src", a, a_port);
	put(" and ");
	put_side("dst", b, b_port);
	put(" or (");
	put_side("src", b, b_port);
	put(" and ");
	put_side("dst", a, a_port);
	put("))");
	return words;
}

/* Whether somebody may follow what goes out: not if it is all written into files. */
static int is_live(void)
{
	uint16_t is[128] = { 0 };	/* linux/stat.h: struct statx, stx_mode at byte 28 */

	if (rc.screen >= 0 || rc.fd >= 0)
		return lseek(STDOUT_FILENO, 0, SEEK_CUR) < 0;
	return syscall(SYS_statx, AT_FDCWD, rc.filename, 0, 1 /* STATX_TYPE */, is) == 0 &&
	    !S_ISREG(is[14]);
}

/* The SSH session, from the environment. */
static void find_session(char **env)
{
	static const char name[] = "SSH_CONNECTION=";
	const char *n;
	char *c;

	for (; *env; env++) {
		for (n = name, c = *env; *n && *n == *c; n++)
			c++;
		if (!*n)
			rc.ssh = c;
	}
}

/* Gives the kernel the program that it runs for each packet: what is not wanted is neither copied
 * nor counted, and of the rest only snaplen bytes are copied. */
static void attach_filter(void)
{
	static char rule[LINE_SIZE];
	const char *rest = rc.ssh;
	unsigned n, without;

	put_direction();
	without = linelen;
	if (rc.ssh)
		rest = put_session(rc.ssh);
	memcpy(rule, put_string(), sizeof rule);
	if (rc.ssh && rc.switched) {
		say("SSH", "this session is not left out: its packets have the switch's tag");
		rule[without] = 0;
	} else if (rc.ssh && !*rest && compile_filter(rule, "", 1)) {
		say("SSH", "this session is left out (--ssh keeps it)");
	} else if (rc.ssh) {
		say("SSH_CONNECTION", "ignored, not a session's, or of another link type");
		rule[without] = 0;
	}
	n = users_filter(*rule ? rule : NULL, 1);
	/* the one that ends the capture comes first: if both have no room, that shows now */
	if (netif_close_filter(&rc.net) < 0 || netif_filter(&rc.net, program, n) < 0) {
		if (errno != ENOMEM)
			die(rc.net.failed);
		say(rc.net.failed, "too long for this kernel, see net.core.optmem_max");
		_exit(1);
	}
}

/* Milliseconds on a clock that nobody sets. */
static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint32_t)t.tv_nsec / 1000000;
}

static void take_no_more(void)
{
	if (rc.stop < LIMIT)
		rc.stop = LIMIT;
}

/* What the interface's socket reports: it went down, or something that ends the capture. */
static void link_error(int error)
{
	if (error == ENETDOWN && rc.link == UP) {
		rc.due = now_ms() + FLAP_MS;
		rc.link = WENT_DOWN;
	} else if (error && error != ENETDOWN) {
		complain(rc.ifname, error);
		rc.status = 1;
		take_no_more();
	}
}

/* The counts in tcpdump's words. Packets that never reached the output were not captured. */
static void tell_counts(void)
{
	netif_count(&rc.net);
	put_count(rc.taken - rc.lost, "captured\n");
	if (!rc.net.no_statistics) {
		put_count(rc.net.seen, "received by filter\n");
		put_count(rc.net.dropped, "dropped by kernel\n");
	} else if (!rc.option['r']) {
		put("drops unknown\n");
	}
	if (rc.cut) {
		put_count(rc.cut, "cut to ");
		put(decimal(rc.snaplen));
		put(" bytes (-s 0 keeps them whole)\n");
	}
	put_out();
}

/* Finds the interface, and with --wait waits for it. */
static void find_interface(void)
{
	struct pollfd p[2] = {
		{ rc.signals, POLLIN, 0 }, { rc.screen < 0 ? rc.fd : rc.screen, 0, 0 },
	};
	int found = netif_find(&rc.net, strcmp(rc.ifname, "any") ? rc.ifname : NULL);

	if (found < 0 && (errno != ENODEV || !rc.option[WAIT]))
		die(rc.net.failed);
	if (found < 0)
		say(rc.ifname, "is not there: waiting for it");
	while (found < 0) {
		struct timespec t = { 0, LINK_MS * 1000000 };
		unsigned signal;

		p[0].revents = p[1].revents = 0;
		ppoll(p, 2, &t, NULL);
		signal = p[0].revents ? next_signal() : 0;
		if (signal == SIGUSR1 || (says_stop(signal) && !rc.option['q']))
			tell_counts();
		if (says_stop(signal))
			_exit(0);
		if (p[1].revents) {
			errno = EPIPE;
			die("stdout");
		}
		found = netif_look_up(&rc.net, rc.ifname);
		if (found < 0 && errno != ENODEV)
			die(rc.net.failed);
	}
	choose_linktype();
}

/* -d: prints the user's filter, compiled for packets as they come from the interface or, without
 * one, as they stand in a file, that of -r for instance. */
_Noreturn static void print_filter(void)
{
	unsigned n, len;

	if (rc.ifname)
		find_interface();
	else if (rc.linktype < 0)
		rc.linktype = LINKTYPE_ETHERNET;
	/* of all interfaces as in a file, too, as tcpdump does: read in again it means the same (but
	 * for a VLAN, which a live socket has beside the packet) */
	n = users_filter(NULL, rc.ifname && !rc.net.cooked);
	for (unsigned i = 0; i < n; i++) {
		len = filter_print(line, program, n, i, rc.count['d']);
		if (write(STDOUT_FILENO, line, len) < 0)
			die("stdout");
	}
	_exit(0);
}

/* Opens the interface: after this packets wait for us. ENV is the environment. */
static void open_interface(char **env)
{
	int live = is_live();

	if (live && !rc.option[SSH])	/* into a file, or if the user says so, it may go */
		find_session(env);
	find_interface();
	attach_filter();
	if (netif_start(&rc.net, rc.snaplen, rc.ring_kib, RING_KIB_DEFAULT,
	    live ? LIVE_MS : STORED_MS, !rc.option['p']) < 0)
		die(rc.net.failed);
	if (rc.net.promisc_error)
		complain("promiscuous", rc.net.promisc_error);
	if (rc.net.own_time)
		say("timestamps", "the clock's, not the kernel's");
	link_error(netif_error(&rc.net));	/* bound to an interface that is down */
	if (rc.option['v'])
		say("ring KiB", decimal((size_t)(rc.net.ring_end - rc.net.ring) >> 10));
}

/* ==== The output ==== */

static char *append(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	return at;
}

/* N in decimal, at least WIDTH digits. */
static char *append_number(char *at, unsigned width, uint32_t n)
{
	const char *digits_of_n = decimal(n);

	for (size_t len = strlen(digits_of_n); len < width; len++)
		*at++ = '0';
	return append(at, digits_of_n);
}

/* FORMAT with its forms of strftime(3) filled in for the time when the slice began, in UTC. */
static char *append_times(char *at, const char *format)
{
	uint32_t time = rc.slice_time, day = time / 86400, year = 1970, month = 1, leap, yday, len;

	for (; leap = year % 4 == 0 && year != 2100, day >= 365 + leap; day -= 365 + leap++)	/* until 2106 */
		year++;
	for (yday = day; day >= (len = month == 2 ? 28 + leap : 30 + (month + month / 8) % 2); month++)
		day -= len;
	for (; *format; format++) {
		if (*format != '%') {
			*at++ = *format;
			continue;
		}
		switch (*++format) {
		case 'Y': at = append_number(at, 4, year); break;
		case 'y': at = append_number(at, 2, year % 100); break;
		case 'm': at = append_number(at, 2, month); break;
		case 'd': at = append_number(at, 2, day + 1); break;
		case 'j': at = append_number(at, 3, yday + 1); break;
		case 'H': at = append_number(at, 2, time / 3600 % 24); break;
		case 'M': at = append_number(at, 2, time / 60 % 60); break;
		case 'S': at = append_number(at, 2, time % 60); break;
		case 's': at = append_number(at, 1, time); break;
		case 'F': at = append_times(at, "%Y-%m-%d"); break;
		case 'T': at = append_times(at, "%H:%M:%S"); break;
		default: *at++ = '%';
		}
	}
	return at;
}

/* The name of -w's file number N, as tcpdump makes it: with -G the time filled in, with -C from the
 * second file on a number behind, or with -W always, and always as long. */
static const char *file_name(uint32_t n)
{
	static char name[NAME_MAX_GIVEN * 5 + 16];
	char *at = rc.seconds ? append_times(name, rc.filename) : append(name, rc.filename);
	unsigned width = 0;

	if (rc.files && rc.option['C']) {
		n %= rc.files;
		for (uint32_t last = rc.files - 1; last; last /= 10)
			width++;
	}
	if (n || width)
		at = append_number(at, width, n);
	*at = 0;
	return name;
}

/* What messages about the output name. */
static const char *output_name(void)
{
	return rc.filename ? file_name(rc.file) : "stdout";
}

/* If errno says that the disk is full: gives up the oldest file of -C and -W before this one. Returns
 * 0 if that is no help. */
static int give_up_oldest(void)
{
	if ((errno != ENOSPC && errno != EDQUOT) || !rc.files || rc.oldest == rc.file)
		return 0;
	syscall(SYS_unlinkat, AT_FDCWD, file_name(rc.oldest++), 0);
	if (!rc.gave_up++)
		say(rc.filename, "disk full: the oldest files go");
	return 1;
}

/* A new file is begun whenever one is full or its time is over. */
static int rotates(void)
{
	return rc.filename && (rc.option['C'] || rc.seconds);
}

/* Opens the output, and puts the file's header into the buffer. Returns -1 with errno set if it
 * can't be had. */
static int open_output(void)
{
	socklen_t len = sizeof(int);
	int type;

	if (rc.filename) {
		do
			rc.fd = (int)syscall(SYS_openat, AT_FDCWD, file_name(rc.file), OPEN_FLAGS, 0600);
		while (rc.fd < 0 && give_up_oldest());
		if (rc.fd < 0 || (rotates() && lseek(rc.fd, 0, SEEK_CUR) < 0))
			return -1;
	} else {
		/* of a file that was opened without cutting it the old rest goes, so that nothing
		 * stands behind the capture; on anything else that fails */
		ftruncate(rc.fd, lseek(rc.fd, 0, SEEK_CUR));
	}
	rc.pipe = (int)syscall(SYS_fcntl, rc.fd, F_GETPIPE_SZ);
	rc.socket = !getsockopt(rc.fd, SOL_SOCKET, SO_TYPE, &type, &len);
	pcap_header((void *)out, (uint32_t)rc.linktype, rc.snaplen, rc.nano);
	rc.first = rc.end = sizeof(struct pcap_file);
	rc.room = rc.size - sizeof(struct pcap_file);
	return 0;
}

/* The time at which files of -G begin: as planned, not when it is got round to, so that none takes
 * the name of the next; the clock's where that is off by a file or more, since it was set. */
static void begin_slice(uint64_t now)
{
	struct timespec t;

	if (!rc.seconds)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	if (rc.slice_end == UINT64_MAX) {	/* the first one */
		rc.slice_end = now;
		rc.slice_time = (uint32_t)t.tv_sec - rc.seconds;
	}
	for (; rc.slice_end <= now; rc.slice_end += rc.seconds * UINT64_C(1000))
		rc.slice_time += rc.seconds;
	if ((uint32_t)t.tv_sec - rc.slice_time + rc.seconds >= 2 * rc.seconds)
		rc.slice_time = (uint32_t)t.tv_sec;
}

/* What -r reads. */
static struct {
	const char *name;
	int fd;
	struct pcap_reader format;
	uint32_t at, have;	/* in the buffer: the next record, and the end of what was read */
	unsigned n;	/* instructions of the filter */
	uint64_t good;	/* records */
	unsigned char buf[OUT_SIZE];
} source;

/* Whether NAME is the file that FD has open. linux/stat.h, struct statx: the inode stands at byte
 * 32, the device at 136. */
static int same_file(int fd, const char *name)
{
	enum { AT_EMPTY = 0x1000, INO = 0x100 /* STATX_INO */ };
	unsigned char a[256], b[256];

	return syscall(SYS_statx, fd, "", AT_EMPTY, INO, a) == 0 &&
	    syscall(SYS_statx, AT_FDCWD, name, 0, INO, b) == 0 &&
	    !memcmp(a + 32, b + 32, 8) && !memcmp(a + 136, b + 136, 8);
}

static void begin_output(void)
{
	rc.room = UINT64_MAX;
	begin_slice(now_ms());
	if (rc.option['r'] && rc.filename && same_file(source.fd, file_name(0)))
		usage(rc.filename, "is what is read");
	if ((rc.filename || rc.fd >= 0) && open_output() < 0)
		die(output_name());
	open_screen();
	rc.look.linktype = (uint32_t)rc.linktype;
	rc.look.stamp = rc.count['t'];
	rc.look.nano = rc.nano && rc.option[NANO];
	rc.look.link = rc.count['e'];
	rc.look.hex = (rc.count['x'] > 1 || rc.count['X'] > 1 ? SHOW_WHOLE : 0) |
	    (rc.count['X'] ? SHOW_ASCII : 0);
}

/* ==== Privileges ==== */

/* Gives up root's identity and every capability; the socket stays what it is. Only who rotates
 * files stays root, to make and remove them. */
static void drop_rights(void)
{
	static const struct { uint32_t version; int pid; } header = { 0x20080522, 0 };
	static const uint32_t none[6];	/* linux/capability.h: _LINUX_CAPABILITY_VERSION_3 */
	unsigned long cap = 0;

	while (syscall(SYS_prctl, PR_CAPBSET_DROP, cap, 0l, 0l, 0l) == 0)
		cap++;
	/* -1: a call of 16 bits that the kernel has not; then the others say so */
	if (syscall(SYS_geteuid) <= 0 && !rotates() &&
	    (syscall(SYS_setgroups, 0l, NULL) < 0 ||
	     syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) < 0 ||
	     syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) < 0))
		say("uid", "stays 0 here");
	syscall(SYS_capset, &header, none);
}

/* What seccomp calls this machine, linux/audit.h: its ELF number, and bits for its words' size and
 * order, all of which stand in the program's own header. */
static uint32_t audit_arch(void)
{
	extern const Elf32_Ehdr __ehdr_start;	/* the linker's; both sizes of header begin alike */

	return __ehdr_start.e_machine |
	    (uint32_t)(__ehdr_start.e_ident[EI_CLASS] == ELFCLASS64) << 31 |
	    (uint32_t)(__ehdr_start.e_ident[EI_DATA] == ELFDATA2LSB) << 30;
}

/* The calls of the loop, some with what one of their arguments must be. */
enum { ALWAYS, WAITS, ROTATES };	/* when they are needed */
enum { ANY = 7 };	/* any argument */
#define OUTPUT 0xfffffff0u	/* descriptors that are known only later: rc.fd ... */
#define SCREEN 0xfffffff1u
#define SOCKET 0xfffffff2u
static const struct { uint16_t call; uint8_t when, arg; uint32_t value; } calls[] = {
	{ SYS_ppoll, ALWAYS, ANY, 0 }, { SYS_write, ALWAYS, 0, OUTPUT },
	{ SYS_write, ALWAYS, 0, STDERR_FILENO },
	{ SYS_write, ALWAYS, 0, SCREEN }, { SYS_sendto, ALWAYS, 0, SCREEN },
	{ SYS_recvmsg, ALWAYS, ANY, 0 }, { SYS_sendto, ALWAYS, 0, OUTPUT },
	{ SYS_ioctl, ALWAYS, 1, FIONREAD }, { SYS_ioctl, ALWAYS, 1, TCGETS },
	{ SYS_ioctl, ALWAYS, 1, SIOCGIFNAME }, { SYS_ioctl, ALWAYS, 1, SIOCGIFFLAGS },
	{ SYS_getsockopt, ALWAYS, ANY, 0 }, { SYS_getsockname, ALWAYS, ANY, 0 },
	{ SYS_setsockopt, ALWAYS, 2, SO_ATTACH_FILTER }, { SYS_read, ALWAYS, ANY, 0 },
#if UINTPTR_MAX < UINT64_MAX
	{ SYS_ppoll_time64, ALWAYS, ANY, 0 }, { SYS_clock_gettime64, ALWAYS, ANY, 0 },
	{ SYS_clock_gettime32, ALWAYS, ANY, 0 },
	{ SYS_ftruncate64, ALWAYS, 0, OUTPUT },
#else
	{ SYS_clock_gettime, ALWAYS, ANY, 0 },
	{ SYS_lseek, ALWAYS, 0, OUTPUT }, { SYS_ftruncate, ALWAYS, 0, OUTPUT },
#endif
#ifdef SYS__llseek	/* which lseek is made of where there is one, on powerpc64 too */
	{ SYS__llseek, ALWAYS, 0, OUTPUT },
#endif
	{ SYS_fdatasync, ALWAYS, 0, OUTPUT }, { SYS_close, ALWAYS, ANY, 0 },
	{ SYS_exit_group, ALWAYS, ANY, 0 }, { SYS_restart_syscall, ALWAYS, ANY, 0 },
	{ SYS_setsockopt, WAITS, 2, PACKET_ADD_MEMBERSHIP }, { SYS_bind, ALWAYS, 0, SOCKET },
	{ SYS_ioctl, WAITS, 1, SIOCGIFINDEX }, { SYS_ioctl, WAITS, 1, SIOCGIFHWADDR },
	{ SYS_ioctl, WAITS, 1, SIOCGIFNETMASK },
	{ SYS_openat, ROTATES, 2, OPEN_FLAGS }, { SYS_unlinkat, ROTATES, 2, 0 },
	{ SYS_fcntl, ALWAYS, 1, F_GETPIPE_SZ },
};

/* Leaves the process only these calls. Others fail with EPERM: see seccomp(2). */
static void enter_sandbox(void)
{
	enum { FETCH = BPF_LD | BPF_ABS, EQUALS = BPF_JMP | BPF_JEQ };
	const int does[] = { 1, rc.option[WAIT] != NULL, rotates() };
	const int fds[] = { rc.fd, rc.screen, rc.net.fd };
	struct sock_filter filter[5 * sizeof calls / sizeof *calls + 4], *p = filter;
	struct sock_fprog fprog = { 0, filter };
	uint32_t value;

	/* struct seccomp_data: the call, the machine, 8 bytes of address, 8 of each argument */
	*p++ = (struct sock_filter){ FETCH, 0, 0, 4 };
	*p++ = (struct sock_filter){ EQUALS, 1, 0, audit_arch() };
	*p++ = (struct sock_filter){ BPF_RET, 0, 0, SECCOMP_RET_ERRNO | EPERM };
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		value = calls[i].value;
		if (value >= OUTPUT)
			value = (uint32_t)fds[value - OUTPUT];
		if (!does[calls[i].when] || value == UINT32_MAX)	/* no such descriptor */
			continue;
		*p++ = (struct sock_filter){ FETCH, 0, 0, 0 };
		*p++ = (struct sock_filter){ EQUALS, 0, calls[i].arg == ANY ? 1 : 3, calls[i].call };
		if (calls[i].arg != ANY) {
			*p++ = (struct sock_filter){ FETCH, 0, 0, 16u + 8u * calls[i].arg + LOW_WORD };
			*p++ = (struct sock_filter){ EQUALS, 0, 1, value };
		}
		*p++ = (struct sock_filter){ BPF_RET, 0, 0, SECCOMP_RET_ALLOW };
	}
	*p++ = (struct sock_filter){ BPF_RET, 0, 0, SECCOMP_RET_ERRNO | EPERM };
	fprog.len = (unsigned short)(p - filter);
	syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1l, 0l, 0l, 0l);
	if (SANDBOX && syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) < 0 &&
	    rc.option['v'])
		say("seccomp", "this kernel has none");
}

/* ==== Writing ==== */

/* The end of the record that starts at AT in the buffer. */
static uint32_t record_end(uint32_t at)
{
	const struct pcap_record *r = (void *)(out + at);

	return at + (uint32_t)sizeof *r + r->caplen;
}

/* The end of the last record behind rc.first that ends by LIMIT; rc.first if none does. */
static uint32_t whole_records(uint32_t limit)
{
	uint32_t at = rc.first, next;

	for (; at < rc.end && (next = record_end(at)) <= limit; at = next)
		;
	return at;
}

/* How many bytes a pipe is given, so that the write does not wait: all that it can hold when
 * it is empty, PIPE_BUF when poll says there is room, 0 otherwise, see pipe(7). They are whole
 * records, so that even a pipe whose reader is stuck ends with one; only what the empty pipe
 * cannot hold goes in parts. */
static uint32_t pipe_share(void)
{
	uint32_t room = PIPE_BUF, whole;
	int used = 0;

	ioctl(rc.fd, FIONREAD, &used);
	if (!used)	/* asked each time: its reader may have made it smaller */
		room = (uint32_t)syscall(SYS_fcntl, rc.fd, F_GETPIPE_SZ);
	else if (!ready(rc.fd, POLLOUT, 0))
		return 0;
	if (room >= rc.end - rc.sent)
		return rc.end - rc.sent;
	whole = whole_records(rc.sent + room);
	if (whole > rc.sent)
		return whole - rc.sent;
	rc.full = used && rc.sent <= rc.first;
	return rc.full ? 0 : room;
}

/* The output is as good as it gets: takes back the part of a record that a file got, and counts
 * what never arrived. */
static void end_output(void)
{
	uint32_t whole = rc.sent < rc.first ? 0 : rc.first;
	off_t end = lseek(rc.fd, (off_t)whole - (off_t)rc.sent, SEEK_CUR);

	if (end >= 0)
		ftruncate(rc.fd, end);
	for (; rc.first < rc.end; rc.first = record_end(rc.first))
		rc.lost++;
	rc.sent = rc.end;
	rc.stop = BROKEN;
	rc.status = 1;
}

/* Writes out the buffer, as far as that goes without waiting. */
static void send_out(void)
{
	uint32_t len;
	ssize_t n;

	rc.full = 0;
	if (rc.fd < 0)	/* packets are only shown */
		rc.first = rc.sent = rc.end;
	while (rc.sent < rc.end) {
		len = rc.pipe > 0 ? pipe_share() : rc.end - rc.sent;
		if (!len)
			break;
		n = rc.socket ?
		    syscall(SYS_sendto, rc.fd, out + rc.sent, len, MSG_DONTWAIT, NULL, 0) :
		    write(rc.fd, out + rc.sent, len);
		if (n == 0)	/* not in a loop that nothing ends */
			errno = EAGAIN;
		if (n > 0) {
			rc.sent += (uint32_t)n;
			rc.first = rc.sent == rc.end ? rc.end : whole_records(rc.sent);
		} else if (errno == EAGAIN || errno == EINTR) {
			break;	/* poll says when to try again */
		} else if (!give_up_oldest()) {
			complain(output_name(), errno);
			end_output();
		}
	}
	if (rc.sent == rc.end || rc.first > rc.end / 2) {	/* makes room at the end */
		memmove(out, out + rc.first, rc.end - rc.first);
		rc.sent -= rc.first;
		rc.end -= rc.first;
		rc.first = 0;
	}
}

/* Closes the output. Some errors show only here: of a disk that took the bytes but cannot keep
 * them, of a file on another machine. */
static void close_output(void)
{
	int error = 0;

	if (rc.fd < 0)
		return;
	/* after the second stop signal there is no time for it; EINVAL, EROFS: it is no file */
	if (rc.stop_signals < 2 && syscall(SYS_fdatasync, rc.fd) < 0 && errno != EINVAL &&
	    errno != EROFS)
		error = errno;
	if (close(rc.fd) < 0)
		error = errno;
	if (error) {
		complain(output_name(), error);
		rc.status = 1;
	}
}

/* Writes out the whole buffer, as a file takes it. */
static void send_all(void)
{
	for (int tries = 0; rc.sent < rc.end && tries < TRIES; tries++)
		send_out();
	if (rc.sent < rc.end) {
		complain(output_name(), errno);
		end_output();
	}
}

/* Goes on in another file, number FILE of this time or, from 0, of the next. The ring holds what
 * arrives meanwhile. */
static void next_file(uint32_t file)
{
	send_all();
	if (rc.stop == BROKEN)
		return;
	close_output();
	rc.file = file;
	if (!file) {
		rc.oldest = 0;
		begin_slice(now_ms());
	}
	if (rc.files && file - rc.oldest >= rc.files)
		rc.oldest++;
	if (open_output() < 0) {
		complain(output_name(), errno);
		rc.status = 1;
		rc.stop = BROKEN;
	}
}

/* Whether a record of SIZE bytes has room: else it goes into the next file, or the stream ends. */
static int has_room(uint32_t size)
{
	if (size <= rc.room)
		return 1;
	if (!rc.filename)
		rc.stop = LIMIT;
	else
		next_file(rc.file + 1);
	return rc.stop < LIMIT;
}

/* The time of a file is over, or all there is. */
static void next_slice(void)
{
	if (!rc.filename || (rc.files && !rc.option['C'] && ++rc.slice >= rc.files)) {
		rc.stop = SIGNALLED;
		rc.slice_end = UINT64_MAX;
		return;
	}
	next_file(0);
}

/* ==== Showing ==== */

/* Nobody looks at the lines any more: that ends the capture, unless it goes into a file as well. */
static void lose_screen(int error)
{
	complain("stdout", error);
	rc.screen = -1;
	rc.lines_sent = rc.lines_end = 0;
	rc.skipped = 0;
	rc.status = 1;
	if (rc.fd < 0)
		take_no_more();
}

/* Says how many packets the terminal was too slow for. */
static void tell_skipped(void)
{
	if (!rc.skipped)
		return;
	put("[");
	put_count(rc.skipped, "not shown]\n");
	memcpy(lines + rc.lines_end, line, linelen);
	rc.lines_end += linelen;
	linelen = 0;
	rc.skipped = 0;
}

/* Puts the line of a packet in the buffer, and its bytes as -x has them. What the terminal cannot
 * follow is left out. */
static void show_record(const struct pcap_record *r, uint32_t nsec)
{
	uint32_t at = 0;
	size_t len;

	if (rc.lines_end - rc.lines_sent > LINES_WAIT) {
		rc.skipped++;
		return;
	}
	tell_skipped();
	rc.look.bytes = (const unsigned char *)(r + 1);
	rc.look.caplen = r->caplen;
	rc.look.origlen = r->origlen;
	rc.look.sec = r->sec;
	rc.look.nsec = nsec;
	rc.lines_end += (uint32_t)show_packet(lines + rc.lines_end, &rc.look);
	while ((rc.option['x'] || rc.option['X']) &&
	    (len = show_hex(lines + rc.lines_end, &rc.look, &at)) > 0)
		rc.lines_end += (uint32_t)len;
}

/* Writes lines as far as that goes without waiting: whole ones, as many as a pipe takes at once. */
static void show_out(void)
{
	uint32_t len;
	ssize_t n;

	if (rc.lines_sent == rc.lines_end)
		tell_skipped();
	while (rc.lines_sent < rc.lines_end && ready(rc.screen, POLLOUT, 0)) {
		len = rc.lines_end - rc.lines_sent;
		if (len > rc.piece)
			for (len = rc.piece; rc.piece > SHOW_LINE && lines[rc.lines_sent + len - 1] != '\n'; )
				len--;
		n = syscall(SYS_sendto, rc.screen, lines + rc.lines_sent, len, MSG_DONTWAIT, NULL, 0);
		if (n < 0 && errno == ENOTSOCK)
			n = write(rc.screen, lines + rc.lines_sent, len);
		if (n == 0)
			errno = EAGAIN;
		if (n <= 0 && errno != EAGAIN && errno != EINTR)
			lose_screen(errno);
		if (n <= 0)
			break;
		rc.lines_sent += (uint32_t)n;
	}
	if (rc.lines_sent == rc.lines_end || rc.lines_sent > LINES_WAIT) {
		memmove(lines, lines + rc.lines_sent, rc.lines_end - rc.lines_sent);
		rc.lines_end -= rc.lines_sent;
		rc.lines_sent = 0;
	}
}

/* LINKTYPE_CAN_SOCKETCAN has the identifier in network order, and a flag in frames of CAN FD, whose
 * length tells them; see linux/can.h. */
static void mend_can(unsigned char *frame, uint32_t len)
{
	uint32_t id;

	memcpy(&id, frame, sizeof id);
	netif_put16(frame, id >> 16);
	netif_put16(frame + 2, id);
	frame[5] = (unsigned char)(len == 72 /* CANFD_MTU */ ? frame[5] | 4 /* CANFD_FDF */ : 0);
}

/* Copies N bytes, inline and 16 at a time, the last of them over some that are there already. At 64
 * bytes that saves a fifth of all it costs to capture a packet; four such steps in one round save a
 * tenth at 1400. */
static inline void copy(unsigned char *to, const unsigned char *from, uint32_t n)
{
	uint32_t i = 0;

	if (n < CHUNK) {
		memcpy(to, from, n);
		return;
	}
	n -= CHUNK;
	for (; i + 4 * CHUNK <= n; i += 4 * CHUNK) {
		memcpy(to + i, from + i, CHUNK);
		memcpy(to + i + CHUNK, from + i + CHUNK, CHUNK);
		memcpy(to + i + 2 * CHUNK, from + i + 2 * CHUNK, CHUNK);
		memcpy(to + i + 3 * CHUNK, from + i + 3 * CHUNK, CHUNK);
	}
	for (; i < n; i += CHUNK)
		memcpy(to + i, from + i, CHUNK);
	memcpy(to + n, from + n, CHUNK);
}

/* Puts one packet into the buffer. Without a ring its data stand in their place already, or the
 * length of a VLAN tag before it. */
static void put_record(const struct packet *p)
{
	uint32_t caplen = p->headlen + p->datalen, len;
	struct pcap_record *r;
	unsigned char *at;

	if (caplen > rc.snaplen)
		caplen = rc.snaplen;
	if (!has_room((uint32_t)sizeof *r + caplen))
		return;
	r = (void *)(out + rc.end);	/* in another file it starts anew */
	at = (unsigned char *)(r + 1) + p->headlen;
	len = caplen > p->headlen ? caplen - p->headlen : 0;
	if (rc.net.ring)
		copy(at, p->data, len);
	else if (at != p->data)	/* musl would copy it onto itself, byte by byte */
		memmove(at, p->data, len);
	if (p->headlen)
		memcpy(r + 1, p->head, p->headlen);
	if (rc.linktype == LINKTYPE_CAN_SOCKETCAN && !rc.option['r'])
		mend_can(at, p->origlen);
	r->sec = p->sec;
	/* nsec / 1000 for all 32 bits of it, without the slow division */
	r->fraction = rc.nano ? p->nsec : (uint32_t)(p->nsec * UINT64_C(274877907) >> 38);
	r->caplen = caplen;
	r->origlen = p->origlen;
	rc.end += (uint32_t)sizeof *r + caplen;
	rc.room -= sizeof *r + caplen;
	rc.taken++;
	rc.cut += caplen < p->origlen;
	if (rc.screen >= 0)
		show_record(r, p->nsec);
}

/* ==== The end ==== */

/* The end of the program. */
_Noreturn static void finish(void)
{
	close_output();
	if (!rc.option['q'] && !rc.option['r'])
		tell_counts();
	_exit(rc.status);
}

/* Ends without waiting for anybody: what cannot be written at once is lost, and that is said. */
_Noreturn static void end_at_once(void)
{
	send_out();
	show_out();
	if (rc.sent < rc.end) {
		say(output_name(), "stuck reader, packets lost");
		end_output();
	}
	if (rc.lines_sent < rc.lines_end) {
		say("stdout", "stuck reader, lines lost");
		rc.status = 1;
	}
	finish();
}

/* ==== The loop ==== */

/* The interface is gone for good. */
static void lose_interface(void)
{
	rc.status = 1;
	rc.stop = GONE;
	rc.link = UP;	/* there is nothing to wait for */
}

/* An interface that is gone may be back, under its name. */
static void check_return(void)
{
	if (rc.link != ABSENT)
		say(rc.ifname, "is gone: waiting for it");
	rc.link = ABSENT;
	if (netif_again(&rc.net, rc.ifname, !rc.option['p']) == 0) {
		say(rc.ifname, "is back");
		rc.link = UP;
		link_error(netif_error(&rc.net));
	} else if (errno != ENODEV) {
		complain(rc.net.failed, errno);
		lose_interface();
	}
}

/* Looks after an interface that went down: it comes back, or it is gone for good. Deleting one that
 * is down already makes no event at all. */
static void check_link(void)
{
	enum netif_link up = netif_state(&rc.net);

	if (up == NETIF_GONE && rc.option[WAIT]) {
		check_return();
	} else if (up == NETIF_GONE) {
		say(rc.ifname, "is gone");
		lose_interface();
	} else if (up == NETIF_OTHER_TYPE) {
		complain(rc.ifname, EPROTOTYPE);
		lose_interface();
	} else if (up == NETIF_UP) {
		say(rc.ifname, "is up");
		rc.link = UP;
	} else if (rc.link == WENT_DOWN) {
		say(rc.ifname, "is down: waiting for it");
		rc.link = DOWN;
	}
}

/* What is due from time to time: the kernel's counts, an interface that is down, the running
 * count. */
static void look_around(uint64_t now)
{
	netif_count(&rc.net);
	rc.due = now + COUNT_MS;
	if (now >= rc.slice_end && rc.stop == NO)
		next_slice();
	if (rc.option['v'] && rc.screen < 0 && is_terminal(STDERR_FILENO)) {
		rc.due = now + TELL_MS;
		put_count(rc.taken, "captured\r");	/* what comes next stands over it */
		put_out();
	}
	if (rc.link != UP && rc.stop == NO) {	/* afterwards it does not matter */
		rc.due = now + LINK_MS;
		check_link();
	}
	if (rc.due > rc.slice_end)
		rc.due = rc.slice_end;
}

/* Bytes that may wait in the buffer while the reader is stuck: as many as the ring has. */
static uint32_t hold_limit(void)
{
	size_t ring = (size_t)(rc.net.ring_end - rc.net.ring);

	return ring < OUT_FLUSH ? OUT_FLUSH : ring > OUT_HOLD ? OUT_HOLD : (uint32_t)ring;
}

/* Takes packets into the buffer until none is ready (0) or it has LIMIT bytes (1). */
static int take(uint32_t limit)
{
	unsigned char *room;
	struct packet p;
	int got;

	while (rc.end < limit && rc.stop < LIMIT) {
		room = out + rc.end + sizeof(struct pcap_record);
		if (!rc.end && rotates())	/* it may come to stand behind a file's header */
			room += sizeof(struct pcap_file);
		got = netif_next(&rc.net, &p, room, (size_t)(out + sizeof out - room));
		if (got < 0)
			link_error(errno);
		if (got <= 0)
			return 0;
		put_record(&p);
		if (rc.taken == rc.limit)
			rc.stop = LIMIT;
	}
	return rc.end >= limit;
}

static void take_signal(void)
{
	unsigned signal = next_signal();

	if (signal == SIGUSR1)
		tell_counts();
	if (!says_stop(signal))
		return;	/* SIGUSR2 flushes by waking up */
	if (rc.stop_signals++)
		end_at_once();
	if (rc.stop == NO)
		rc.stop = SIGNALLED;
}

/* Where a capture waits: for packets (while the buffer has room), for the reader (while there is
 * something for it; else only to see it die), for signals, and for MS at most. */
static void wait_events(uint32_t ms)
{
	struct pollfd p[4];
	struct timespec t = { ms / 1000, (long)(ms % 1000 * 1000000) };
	uint32_t pause_us = rc.option['r'] || rc.stop != NO ? 0 : netif_pause_us(&rc.net);

	if (pause_us / 1000 >= ms)
		pause_us = 0;
	if (pause_us)	/* a flood: leaves the socket out for so long */
		t = (struct timespec){ 0, (long)pause_us * 1000 };
	p[0].fd = pause_us ? -1 : rc.net.fd;
	p[0].events = rc.end < (rc.option['r'] ? OUT_FLUSH : hold_limit()) && rc.stop < LIMIT ? POLLIN : 0;
	p[1].fd = rc.fd;
	p[1].events = rc.sent < rc.end && !rc.full ? POLLOUT : 0;
	p[2].fd = rc.signals;
	p[2].events = POLLIN;
	p[3].fd = rc.screen;
	p[3].events = rc.lines_sent < rc.lines_end ? POLLOUT : 0;
	if (ppoll(p, 4, &t, NULL) <= 0)
		return;
	if (p[0].revents & POLLERR && !rc.option['r'])
		link_error(netif_error(&rc.net));
	if (p[1].revents & (POLLERR | POLLHUP) && rc.stop != BROKEN) {
		complain(output_name(), EPIPE);
		end_output();
	}
	if (p[3].revents & (POLLERR | POLLHUP))
		lose_screen(EPIPE);
	if (p[2].revents)
		take_signal();
}

/* One turn: take what is ready, write it out, wait for more, for MS at most. */
static void turn(uint32_t ms)
{
	enum stop stop = rc.stop;
	int more = take(OUT_FLUSH);
	uint64_t now;

	send_out();
	if (rc.sent < rc.end) {	/* the reader does not follow: go on taking */
		more = take(hold_limit());
		send_out();
	}
	show_out();
	now = now_ms();
	if (now >= rc.due)
		look_around(now);
	if (rc.stop != stop)	/* nothing more to wait for */
		return;
	if (ms > rc.due - now)
		ms = (uint32_t)(rc.due - now);
	if (rc.full)
		ms = FULL_MS;
	wait_events(more && rc.sent == rc.end ? 0 : ms);
}

static void capture(void)
{
	while (rc.stop == NO)
		turn(COUNT_MS);
}

/* ==== Reading a file ==== */

/* Waits until the output and the terminal have all that was put. */
static void settle(void)
{
	rc.net.fd = -1;
	for (;;) {
		send_out();
		show_out();
		if (rc.stop != NO || (rc.sent == rc.end && rc.lines_sent == rc.lines_end))
			return;
		wait_events(rc.full ? FULL_MS : COUNT_MS);
	}
}

/* Begins the next file of -G if it is time, and gives the ms until then, COUNT_MS at most. */
static uint32_t until_slice(void)
{
	uint64_t now = now_ms();

	if (now >= rc.slice_end) {
		next_slice();
		send_out();	/* its header: else the wait for the file's room never waits */
	}
	if (rc.stop != NO)	/* that was the last */
		return 0;
	return rc.slice_end - now < COUNT_MS ? (uint32_t)(rc.slice_end - now) : COUNT_MS;
}

/* Reads more of the file behind what is there: 0 at its end. */
static int read_more(void)
{
	ssize_t n = -1;

	memmove(source.buf, source.buf + source.at, source.have - source.at);
	source.have -= source.at;
	source.at = 0;
	settle();
	until_slice();
	while (n < 0 && rc.stop == NO) {
		rc.net.fd = source.fd;
		do	/* once at least: signals are for what need not wait, too */
			wait_events(ready(source.fd, POLLIN, 0) ? 0 : until_slice());
		while (rc.stop == NO && !ready(source.fd, POLLIN, 0));
		if (rc.stop != NO)	/* nothing may come any more */
			return 0;
		n = read(source.fd, source.buf + source.have, sizeof source.buf - source.have);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			complain(source.name, errno);
			rc.status = 1;
			return 0;
		}
	}
	source.have += n > 0 ? (uint32_t)n : 0;
	return n > 0;
}

/* Opens the file of -r, and reads what its header says. */
static void open_file(void)
{
	const char *why;

	source.name = rc.option['r'];
	if (!strcmp(source.name, "-"))
		source.name = "stdin";
	else if ((source.fd = (int)syscall(SYS_openat, AT_FDCWD, source.name,
	    O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_LARGEFILE)) < 0)
		die(source.name);
	while (source.have < sizeof(struct pcap_file) && read_more())
		;
	if (rc.status || rc.stop != NO)
		_exit(rc.status);
	why = source.have < sizeof(struct pcap_file) ? "too short for a pcap file" :
	    pcap_read_header(&source.format, source.buf);
	if (why) {
		say(source.name, why);
		_exit(1);
	}
	source.at = sizeof(struct pcap_file);
	rc.linktype = (int)source.format.linktype;
	if (!rc.option[MICRO] && source.format.unit == 1)
		rc.nano = 1;
	if (rc.snaplen > source.format.snaplen)
		rc.snaplen = source.format.snaplen;
	check_size();
	source.n = users_filter(NULL, 0);
	for (unsigned i = 0; i < source.n; i++)
		if ((program[i].code & 0xe7) == (BPF_LD | BPF_ABS) && program[i].k >= SKF_AD_OFF)
			usage("filter", "the file does not say which way a packet went");
}

/* The rest of the file is worth nothing. */
static void file_is(const char *how)
{
	rc.status = 1;
	put_count(source.good, how);
	memcpy(reason, put_string(), sizeof reason);
	say(source.name, reason);
}

/* Takes the packets of the file. What shows them or writes them is waited for. */
static void replay(void)
{
	struct pcap_record r;
	struct packet p = { 0 };
	uint32_t len;

	while (rc.stop == NO) {
		len = pcap_read_record(&source.format, source.buf + source.at, source.have - source.at, &r);
		if (len > source.have - source.at) {
			if (read_more())
				continue;
			if (source.have && rc.stop == NO && !rc.status)
				file_is("good, then cut off");
			break;
		}
		if (!len) {
			file_is("good, then broken");
			break;
		}
		p.data = source.buf + source.at + sizeof r;
		source.at += len;
		source.good++;
		if (!filter_run(program, source.n, p.data, r.caplen, r.origlen))
			continue;
		p.datalen = r.caplen;
		p.origlen = r.origlen;
		p.sec = r.sec;
		p.nsec = r.fraction;
		if (rc.end >= OUT_FLUSH || rc.lines_end - rc.lines_sent > LINES_WAIT)
			settle();
		if (rc.stop != NO)
			break;
		put_record(&p);
		if (rc.taken == rc.limit)
			rc.stop = LIMIT;
	}
	settle();
	take_no_more();
}

/* Goes on for MS. */
static void linger(uint32_t ms)
{
	uint64_t now = now_ms(), end = now + ms;

	for (; now < end && rc.stop != BROKEN; now = now_ms())
		turn((uint32_t)(end - now));
	netif_count(&rc.net);
}

/* Ends the capture without losing its tail. Packets that the kernel was still handing on when the
 * signal came get in; then nothing more does. */
static void close_filter(void)
{
	int open, ticks = GRACE_MS / TICK_MS;
	uint64_t before;

	do {
		before = rc.net.seen;
		linger(TICK_MS);
	} while (rc.net.seen != before && --ticks);
	open = netif_stop(&rc.net);
	linger(open || rc.net.no_statistics ? 2 * rc.net.block_ms + TICK_MS : TICK_MS);
	if (open)	/* there would be no end */
		take_no_more();
}

/* Goes on until all that the kernel saw is taken or dropped (it hands over a block that is not
 * full after LIVE_MS or STORED_MS), and until the reader has it: as long as it likes, but after a
 * stop signal only while it goes on reading. */
static void drain(void)
{
	uint64_t before, since;

	if (rc.stop < LIMIT)
		close_filter();
	since = now_ms();
	while (rc.sent < rc.end || ((rc.lines_sent < rc.lines_end || rc.skipped) && rc.stop != BROKEN) ||
	    (rc.stop < LIMIT && rc.taken + rc.net.dropped < rc.net.seen)) {
		before = rc.taken + rc.sent + rc.lines_sent;
		linger(TICK_MS);
		if (before != rc.taken + rc.sent + rc.lines_sent)
			since = now_ms();
		else if (now_ms() - since > STALL_MS && (rc.stop_signals ||
		    (rc.sent == rc.end && rc.lines_sent == rc.lines_end)))
			end_at_once();
	}
}

static void list_one(const struct netif_interface *i)
{
	const char *text;

	put(decimal((unsigned)i->ifindex));
	put(".");
	put_foreign(i->name);
	put(i->flags & IFF_UP ? " [Up" : " [Down");
	put(i->flags & IFF_RUNNING ? ", Running]\n" : "]\n");
	text = put_string();
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		die("stdout");
}

_Noreturn static void list_interfaces(void)
{
	if (netif_list(list_one) < 0)
		die("netlink");
	answer("any [all]\n");
}

int main(int argc, char **argv)
{
	parse_arguments(argv);
	check_stdin();
	check_stdout();
	catch_signals();
	if (rc.option['D'])
		list_interfaces();
	check_filter();
	if (rc.option['r'])
		open_file();
	if (rc.option['d'])
		print_filter();
	if (!rc.option['r'])
		open_interface(argv + argc + 1);
	if (rotates())	/* as later: what it cannot do then must show now */
		drop_rights();
	begin_output();
	if (!rotates())
		drop_rights();
	enter_sandbox();
	if (rc.option['r'])
		replay();
	else
		capture();
	drain();
	finish();
}
