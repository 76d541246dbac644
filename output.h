/* SPDX-License-Identifier: MIT
 *
 * output.h: where captured bytes go: stdout, or the files of -w, one behind the other. Records are
 * put together in one static buffer, and one write takes many of them out.
 *
 * - No function waits: a pipe or socket gets what it has room for, the rest stays in the buffer.
 * - A pipe or socket gets whole records only, so that even one whose reader is stuck ends with one.
 * - A file ends with a whole record also when the disk is full: what a short write left of a record
 *   is cut off again.
 * - The files of a rotation stand in one directory, which is opened once. They are made anew, so none
 *   is a link or a file of somebody else, and a run goes on behind what earlier runs left there.
 * - No function prints anything. Each returns 0, or -1 with errno and o->failed, the name of the
 *   file that errno is about.
 *
 *	output_open_directory(&o);	(here rights may go, see sandbox.h)
 *	output_schedule(&o, now, wall);
 *	output_open(&o);
 *	while (...) {
 *		at = output_begin_record(&o, &record);
 *		... caplen bytes to AT
 *		output_end_record(&o, &record, size);
 *		output_flush(&o);
 *	}
 *	output_flush_all(&o) or output_abandon(&o);
 *	output_close(&o, 1);
 */
#ifndef RAWCAP_OUTPUT_H
#define RAWCAP_OUTPUT_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pcap.h"
#include "pcapng.h"
#include "text.h"
#include "zone.h"

enum {
	OUTPUT_CHUNK = 256 << 10,	/* bytes: when so many wait they are written; more gain nothing */
	OUTPUT_BACKLOG_MAX = 4 << 20,	/* bytes that may wait for a stuck reader: a machine of 32 MB has them */
	OUTPUT_GAP_MAX = 1 << 20,	/* bytes already written in front of those, before they are moved */
	OUTPUT_FILTER_MAX = 1024,	/* bytes of a filter that pcapng files tell; a longer one is left out */
	/* Bytes in front of a packet, at most: a section header, an interface and the packet's head. */
	OUTPUT_HEAD_MAX = 4096,
	/* Bytes of an interface's description in a pcapng file, at most. */
	OUTPUT_INTERFACE_MAX = OUTPUT_HEAD_MAX - PCAPNG_SECTION_MAX - PCAPNG_PACKET_HEAD,
	OUTPUT_SIZE = OUTPUT_BACKLOG_MAX + OUTPUT_GAP_MAX + OUTPUT_CHUNK + PCAP_SNAPLEN_MAX +
	    2 * OUTPUT_HEAD_MAX,
	OUTPUT_TRIES = 8,	/* writes to a file that answers "try again" */
	OUTPUT_NAME_MAX = 512,	/* bytes of -w's FILE as given */
	OUTPUT_NAME_SIZE = 8 * OUTPUT_NAME_MAX + 16,	/* a form of time takes up to eight times its place */
	OUTPUT_FILES_MAX = 1000000,	/* files that are kept, -W */
	OUTPUT_DIGITS_MAX = 6,	/* of their numbers */
	OUTPUT_LEFT_MAX = 1024,	/* files of earlier runs that are known at once */
	OUTPUT_SKIPS = 16,	/* names in a row that are taken by what cannot be removed */
	OUTPUT_PIPE_SIZE = 1 << 20,	/* bytes of a pipe: what everybody may have, see pipe(7) */
	OUTPUT_PERIOD_MAX = 1000000000,	/* seconds of one file, -G: 31 years */
	/* Nothing waits for a FIFO's reader; 32-bit machines need O_LARGEFILE. */
	OUTPUT_EARLY_FLAGS = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_LARGEFILE,
	OUTPUT_OPEN_FLAGS = OUTPUT_EARLY_FLAGS | O_TRUNC,	/* of -w FILE alone */
	OUTPUT_NEW_FLAGS = OUTPUT_EARLY_FLAGS | O_EXCL | O_NOFOLLOW,	/* of a rotation's files */
	OUTPUT_LOOK_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_LARGEFILE,
	OUTPUT_SCAN_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_LARGEFILE,
};

/* linux/stat.h: struct statx */
struct output_stat {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare;
	uint64_t ino, size, blocks, attributes_mask;
	struct { int64_t sec; uint32_t nsec; int32_t reserved; } atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t more[14];
};

/* A file that an earlier run left. */
struct output_left {
	uint64_t changed;	/* grows with the time at which it was last written */
	uint64_t began;	/* where that is the same: with the time of its first packet; 0 until it is read */
	uint32_t number;	/* at the end of its name, of so many digits; 0 without */
	uint8_t digits;
	uint8_t is_empty;	/* there is no record in it */
};

/* What stands in front of a packet's bytes. */
struct output_record {
	uint32_t sec, nsec;	/* when the packet came: since 1970, and 0 to 999999999 */
	uint32_t caplen;	/* bytes that are kept */
	uint32_t origlen;	/* bytes that the packet had */
	/* for pcapng: */
	uint32_t interface;	/* what output_add_interface returned for its interface in this file */
	uint32_t flags;	/* PCAPNG_INBOUND and so on; 0: not known */
};

struct output {
	const char *failed;	/* the name of the file that errno is about */

	/* What the caller asks for, constant from output_open on. */
	const char *filename;	/* -w; NULL: fd is given, stdout */
	uint64_t size_max;	/* bytes of one file, -C; UINT64_MAX without */
	int numbered;	/* files of one period are numbered: -C was given */
	uint32_t period;	/* seconds of one file, -G; 0 without */
	struct zone zone;	/* of the time in their names */
	uint32_t files_max;	/* files that are kept, -W; 0: all */
	uint32_t mode;	/* of new files: permission bits */
	int goes_on;	/* a rotation begins behind the files of earlier runs */
	int is_pcapng;	/* the newer format */
	const char *program;	/* what writes, for pcapng */
	uint32_t linktype;
	uint32_t snaplen;	/* bytes */
	int nano;	/* times have nanoseconds */

	struct output_stat kept;	/* the file that is never removed: see output_keep */

	/* The files of a rotation. */
	int directory;	/* where they stand; -1 without rotation */
	uint32_t directory_len;	/* bytes of FILE that name it, the last / included */
	int unlisted;	/* they cannot be listed: those of earlier runs are not known */
	uint32_t files;	/* with -C and -W: how many there are, those of earlier runs as well */
	/* Of those: the ones that this run does not write again, as they have other numbers. */
	uint32_t left_at, left_end;	/* [left_at, left_end) are still there */
	struct output_left left[OUTPUT_LEFT_MAX];	/* the oldest first */

	/* The file that is open. */
	int fd;	/* -1: there is no output */
	int is_pipe;
	int is_socket;
	uint64_t room;	/* bytes that the file still takes */
	uint32_t reserve;	/* bytes of those that the description of a packet's interface may take */
	uint32_t begun;	/* how many files were begun, this one included */
	uint32_t interfaces;	/* described in this file, for pcapng */
	uint32_t file;	/* its number within the period */
	uint32_t oldest_file;	/* the oldest of the period that is kept */
	uint32_t period_start;	/* seconds since 1970: the period's scheduled start */
	uint64_t period_end;	/* ms on the caller's clock; UINT64_MAX without -G */

	/* What happened. */
	int broken;	/* nothing can be written any more */
	int awaits_space;	/* the output has room, but not for the next record: try again soon */
	unsigned vain;	/* ... and how many times in a row nothing could be written */
	uint64_t lost;	/* packets that were added and never reached the output */
	uint64_t removed_early;	/* files that went before their time because the disk was full */

	/* The buffer: bytes [sent, end) are still to be written. */
	uint32_t first;	/* start of the first record that is not wholly written */
	uint32_t sent;
	uint32_t end;
	_Alignas(8) unsigned char buffer[OUTPUT_SIZE];
};

static int output_fail(struct output *o, const char *name)
{
	o->failed = name;
	return -1;
}

/* ---- File names ---- */

static const char output_forms[] = "aAbBCdeFgGhHIjklmMpPrRsSTuUVwWXyYzZ%";

/* What some forms of strftime(3) are made of. */
static const struct { char form; char meaning[12]; } output_composed[] = {
	{ 'F', "%Y-%m-%d" }, { 'R', "%H:%M" }, { 'T', "%H:%M:%S" }, { 'X', "%H:%M:%S" }, { 'h', "%b" },
	{ 'r', "%I:%M:%S %p" },
};

/* Adds N, 0 to 99, with a blank for a zero in front. */
static void output_add_padded(struct text *t, uint32_t n)
{
	if (n < 10)
		text_add_char(t, ' ');
	text_add_number(t, n, 1);
}

/* Adds the week, or its year, of ISO 8601, FORM being V, G or g. A week belongs to the year that its
 * Thursday lies in; SECONDS is any time in it, by the local clock. */
static void output_add_week(struct text *t, char form, int64_t seconds, unsigned days_from_monday)
{
	struct zone_date thursday;

	zone_date(&thursday, seconds + (3 - (int64_t)days_from_monday) * ZONE_DAY);
	if (form == 'V')
		text_add_number(t, thursday.yearday / 7u + 1, 2);
	else if (form == 'G')
		text_add_number(t, (uint32_t)thursday.year, 4);
	else
		text_add_number(t, (uint32_t)thursday.year % 100, 2);
}

/* Adds what the form %FORM of strftime(3), one of output_forms but those composed, stands for. The
 * time is D, and SECONDS since 1970; its zone is OFFSET seconds east of UTC and called NAME. */
static void output_add_form(struct text *t, char form, const struct zone_date *d, uint32_t seconds,
    int32_t offset, const char *name)
{
	static const char *const days[] = {
		"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
	};
	static const char *const months[] = {
		"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December",
	};
	const unsigned monday = (d->weekday + 6u) % 7, east = (unsigned)(offset < 0 ? -offset : offset);

	switch (form) {
	case 'A': text_add(t, days[d->weekday]); break;
	case 'a': text_add_foreign(t, days[d->weekday], 3); break;
	case 'B': text_add(t, months[d->month - 1]); break;
	case 'b': text_add_foreign(t, months[d->month - 1], 3); break;
	case 'C': text_add_number(t, (uint32_t)d->year / 100, 2); break;
	case 'Y': text_add_number(t, (uint32_t)d->year, 4); break;
	case 'y': text_add_number(t, (uint32_t)d->year % 100, 2); break;
	case 'm': text_add_number(t, d->month, 2); break;
	case 'd': text_add_number(t, d->day, 2); break;
	case 'e': output_add_padded(t, d->day); break;
	case 'G': case 'g': case 'V':
		output_add_week(t, form, (int64_t)seconds + offset, monday);
		break;
	case 'j': text_add_number(t, d->yearday + 1u, 3); break;
	case 'u': text_add_number(t, monday + 1, 1); break;
	case 'w': text_add_number(t, d->weekday, 1); break;
	case 'U': text_add_number(t, (d->yearday + 7u - d->weekday) / 7, 2); break;
	case 'W': text_add_number(t, (d->yearday + 7u - monday) / 7, 2); break;
	case 'H': text_add_number(t, d->hour, 2); break;
	case 'I': text_add_number(t, (d->hour + 11u) % 12 + 1, 2); break;
	case 'k': output_add_padded(t, d->hour); break;
	case 'l': output_add_padded(t, (d->hour + 11u) % 12 + 1); break;
	case 'p': text_add(t, d->hour < 12 ? "AM" : "PM"); break;
	case 'P': text_add(t, d->hour < 12 ? "am" : "pm"); break;
	case 'M': text_add_number(t, d->minute, 2); break;
	case 'S': text_add_number(t, d->second, 2); break;
	case 's': text_add_number(t, seconds, 1); break;
	case 'Z': text_add(t, name); break;
	case 'z':
		text_add_char(t, offset < 0 ? '-' : '+');
		text_add_number(t, east / 3600, 2);
		text_add_number(t, east / 60 % 60, 2);
		break;
	default: text_add_char(t, form);	/* %% */
	}
}

/* Adds FORMAT with the forms of strftime(3) filled in for SECONDS since 1970, in zone Z. */
static void output_add_time(struct text *t, const char *format, uint32_t seconds, const struct zone *z)
{
	const char *name;
	const int32_t offset = zone_at(z, seconds, &name);
	struct zone_date d;
	size_t i;

	zone_date(&d, (int64_t)seconds + offset);
	for (; *format; format++) {
		if (*format != '%' || !format[1]) {
			text_add_char(t, *format);
			continue;
		}
		format++;
		for (i = 0; i < sizeof output_composed / sizeof *output_composed; i++)
			if (output_composed[i].form == *format)
				break;
		if (i < sizeof output_composed / sizeof *output_composed)
			output_add_time(t, output_composed[i].meaning, seconds, z);
		else
			output_add_form(t, *format, &d, seconds, offset, name);
	}
}

/* The first form of strftime(3) in NAME that output_add_time does not know; 0 if there is none, and
 * % for one at the end. */
static inline char output_unknown_form(const char *name)
{
	for (; *name; name++) {
		if (*name != '%')
			continue;
		name++;
		if (!*name)
			return '%';
		if (!strchr(output_forms, *name))
			return *name;
	}
	return 0;
}

/* Digits of the numbers that -W gives to its files: as many as the largest one has. */
static unsigned output_digits(const struct output *o)
{
	unsigned digits = 0;

	for (uint32_t last = o->files_max - 1; last > 0; last /= 10)
		digits++;
	return digits;
}

/* Puts the name of a file of this period into MEMORY, as tcpdump makes it: with -G the time is filled
 * in; NUMBER follows with at least so many DIGITS, 0 of none is left out. Returns MEMORY. */
static const char *output_put_name(const struct output *o, char *memory, uint32_t number,
    unsigned digits)
{
	struct text name = { memory, OUTPUT_NAME_SIZE, 0 };

	if (o->period)
		output_add_time(&name, o->filename, o->period_start, &o->zone);
	else
		text_add(&name, o->filename);
	if (number || digits)
		text_add_number(&name, number, digits ? digits : 1);
	return memory;
}

/* Whether the files have the numbers 0 to -W less 1, again and again. */
static int output_is_bounded(const struct output *o)
{
	return o->files_max && o->numbered;
}

/* The name of file NUMBER of this period: with -C the number follows from the second file on, with -C
 * and -W always, and always as long. */
static const char *output_file_name(const struct output *o, uint32_t number)
{
	static char memory[OUTPUT_NAME_SIZE];

	if (output_is_bounded(o))
		return output_put_name(o, memory, number % o->files_max, output_digits(o));
	return output_put_name(o, memory, number, 0);
}

/* The name of what is open, for messages. */
static const char *output_name(const struct output *o)
{
	return o->filename ? output_file_name(o, o->file) : "stdout";
}

/* ---- The directory of a rotation's files ---- */

/* Whether a new file begins when one is full or its time is over. */
static inline int output_rotates(const struct output *o)
{
	return o->filename && (o->numbered || o->period);
}

/* Whether FILE has a form of time, so that each period has names of its own. */
static int output_has_time(const struct output *o)
{
	return o->period && strchr(o->filename, '%') != NULL;
}

/* Whether each period of -G writes over the file of the one before. */
static int output_takes_same_file(const struct output *o)
{
	return o->filename && o->period && !o->numbered && !output_has_time(o);
}

/* Bytes of FILE that name a directory, the same one in every period. */
static uint32_t output_find_directory(const struct output *o)
{
	uint32_t len = 0;

	for (uint32_t i = 0; o->filename[i] && !(o->period && o->filename[i] == '%'); i++)
		if (o->filename[i] == '/')
			len = i + 1;
	return len;
}

/* Opens the directory that the files of a rotation stand in, as o->directory: from here on they are
 * found through it, whatever becomes of its name. Without rotation that is -1. */
static inline int output_open_directory(struct output *o)
{
	char name[OUTPUT_NAME_MAX + 1] = ".";

	o->directory = -1;
	if (!output_rotates(o))
		return 0;
	o->directory_len = output_find_directory(o);
	errno = ENAMETOOLONG;
	if (o->directory_len >= sizeof name)
		return output_fail(o, o->filename);
	if (o->directory_len > 0) {
		memcpy(name, o->filename, o->directory_len);
		name[o->directory_len] = 0;
	}
	o->directory = (int)syscall(SYS_openat, AT_FDCWD, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return o->directory < 0 ? output_fail(o, o->filename) : 0;
}

enum {
	OUTPUT_BASIC_STATS = 0x7ff,	/* STATX_BASIC_STATS */
	OUTPUT_EMPTY_PATH = 0x1000,	/* AT_EMPTY_PATH */
};

/* Finds out what the file NAME in DIRECTORY is; a link is a link. */
static int output_look_at(int directory, const char *name, struct output_stat *s)
{
	return (int)syscall(SYS_statx, directory, name, AT_SYMLINK_NOFOLLOW, OUTPUT_BASIC_STATS, s);
}

/* Whether S is the file that output_keep was called for. */
static int output_is_kept_file(const struct output *o, const struct output_stat *s)
{
	return o->kept.ino && s->ino == o->kept.ino && s->dev_major == o->kept.dev_major &&
	    s->dev_minor == o->kept.dev_minor;
}

/* The file that FD has open, if it is one, is never removed and counts for no bound: it is read. */
static inline void output_keep(struct output *o, int fd)
{
	if (syscall(SYS_statx, fd, "", OUTPUT_EMPTY_PATH, OUTPUT_BASIC_STATS, &o->kept) < 0 ||
	    !S_ISREG(o->kept.mode))
		o->kept.ino = 0;
}

/* Whether the file NAME in DIRECTORY, or what a link of that name leads to, is the kept one; with an
 * empty name what the descriptor DIRECTORY has open. */
static inline int output_is_kept(const struct output *o, int directory, const char *name)
{
	struct output_stat s;

	return syscall(SYS_statx, directory, name, OUTPUT_EMPTY_PATH, OUTPUT_BASIC_STATS, &s) == 0 &&
	    output_is_kept_file(o, &s);
}

/* Removes the file NAME, whatever it is. A device stays: it is no file that was planted. The kept file
 * stays as well. */
static int output_remove(const struct output *o, const char *name)
{
	const char *local = name + o->directory_len;
	struct output_stat s;

	if (output_look_at(o->directory, local, &s) < 0)
		return -1;
	if (S_ISCHR(s.mode) || S_ISBLK(s.mode)) {
		errno = ESPIPE;
		return -1;
	}
	if (output_is_kept_file(o, &s)) {
		errno = EDEADLK;
		return -1;
	}
	return (int)syscall(SYS_unlinkat, o->directory, local, S_ISDIR(s.mode) ? AT_REMOVEDIR : 0);
}

/* ---- What earlier runs left ----
 *
 * A run that is started again goes on behind the newest file of those before it. What it removes is
 * what the bound of -W asks for, the oldest first: also files of a run with another -W, which have
 * numbers beyond it or of other length. */

/* linux/dirent.h: struct linux_dirent64 */
struct output_entry {
	uint64_t ino;
	int64_t offset;
	uint16_t length;	/* bytes of this entry */
	uint8_t type;
	char name[];
};

/* One look through the directory. */
struct output_survey {
	char base[OUTPUT_NAME_SIZE];	/* the files' name without directory and number */
	int directory;	/* where they stand: the rotation's, or one below it */
	uint32_t uid;	/* whose files they are, or root's */
	int64_t boot, wall;	/* seconds since 1970: the machine's start, and now */
	int others_only;	/* files that this run writes again are left out */
	uint32_t files;	/* how many there are */
	struct output_left newest;
	struct output_left highest;	/* the one with the highest number */
	int is_pcapng;	/* the format of this run's files */
};

static const char *output_left_name(const struct output *o, const struct output_left *left)
{
	static char memory[OUTPUT_NAME_SIZE];

	return output_put_name(o, memory, left->number, left->digits);
}

/* Whether this run will write a file of that name again. */
static int output_is_own_number(const struct output *o, const struct output_left *left)
{
	return left->digits == output_digits(o) && left->number < o->files_max;
}

/* Reads the number at the end of NAME. Returns 0 where it is not a name of this rotation's. */
static int output_parse_name(const struct output *o, const struct output_survey *s,
    const char *name, struct output_left *left)
{
	size_t base = strlen(s->base), digits;

	if (strncmp(name, s->base, base))
		return 0;
	digits = strspn(name + base, "0123456789");
	if (name[base + digits] || digits > OUTPUT_DIGITS_MAX)
		return 0;
	if (!digits && output_is_bounded(o) && output_digits(o) > 0)	/* of -w FILE alone */
		return 0;
	left->digits = (uint8_t)digits;
	left->number = 0;
	for (size_t i = 0; i < digits; i++)
		left->number = left->number * 10 + (uint32_t)(name[base + i] - '0');
	return 1;
}

/* Whether the file that F tells of was made by a run before this one. Files of other people never
 * count: they could steer what is removed. */
static int output_is_ours(const struct output_survey *s, const struct output_stat *f)
{
	return S_ISREG(f->mode) && (f->uid == s->uid || f->uid == 0);
}

/* Finds out when the first packet of the file LEFT came. A file without one is the youngest: it has
 * just been made. */
static void output_find_began(const struct output *o, struct output_left *left)
{
	const char *name = output_left_name(o, left) + o->directory_len;
	unsigned char head[sizeof(struct pcap_file) + sizeof(struct pcap_record)];
	int fd = (int)syscall(SYS_openat, o->directory, name, OUTPUT_LOOK_FLAGS, 0);
	struct pcap_reader format;
	struct pcap_record r;

	left->began = UINT64_MAX;
	if (fd < 0)
		return;
	if (read(fd, head, sizeof head) == sizeof head && !pcap_read_header(&format, head)) {
		pcap_read_record(&format, head + sizeof(struct pcap_file), sizeof r, &r);
		left->began = (uint64_t)r.sec << 30 | r.fraction;
	}
	close(fd);
}

/* Whether A was written before B. The time of the last write may be the same, as the kernel counts
 * that in steps of its own and some disks in seconds; then the packets decide. */
static int output_is_older(const struct output *o, struct output_left *a, struct output_left *b)
{
	if (a->changed != b->changed)
		return a->changed < b->changed;
	if (!a->began)
		output_find_began(o, a);
	if (!b->began)
		output_find_began(o, b);
	return a->began < b->began;
}

/* Notes what F tells of a file. Times are those of the last write. One that lies in the future is
 * older than those since the machine's start: its clock was put back then, as that of a router
 * without a battery is. An hour makes no future: a disk on the network may have a clock of its own. */
static void output_note(const struct output_survey *s, const struct output_stat *f,
    struct output_left *left)
{
	enum {
		FUTURE = 3600,	/* seconds */
		EMPTY_PCAPNG = 128,	/* bytes: a section header has less, with a packet behind it more */
	};
	uint64_t era = f->mtime.sec < s->boot ? 0 : f->mtime.sec > s->wall + FUTURE ? 1 : 2;

	left->changed = era << 62 | (uint64_t)(uint32_t)f->mtime.sec << 30 | f->mtime.nsec;
	left->began = 0;
	left->is_empty = f->size <= (s->is_pcapng ? EMPTY_PCAPNG : sizeof(struct pcap_file));
}

/* Puts LEFT among the oldest files, as far as those have room. */
static void output_keep_oldest(struct output *o, struct output_left *left)
{
	uint32_t at = o->left_end;

	if (at == OUTPUT_LEFT_MAX && !output_is_older(o, left, o->left + at - 1))
		return;
	if (at == OUTPUT_LEFT_MAX)
		at--;
	else
		o->left_end++;
	for (; at > 0 && output_is_older(o, left, o->left + at - 1); at--)
		o->left[at] = o->left[at - 1];
	o->left[at] = *left;
}

/* Whether the file NAME may be a capture: an empty one may, and one that cannot be read. */
static int output_may_be_capture(const struct output_survey *s, const char *name)
{
	unsigned char head[sizeof(struct pcap_file)];
	int fd = (int)syscall(SYS_openat, s->directory, name, OUTPUT_LOOK_FLAGS, 0);
	struct pcap_reader format;
	ssize_t n;

	if (fd < 0)
		return 1;
	n = read(fd, head, sizeof head);
	close(fd);
	if (n <= 0)
		return 1;
	return n == sizeof head && (pcapng_is_file(head) || !pcap_read_header(&format, head));
}

/* Takes the file NAME into account. With -W one that this run does not write again has to be a
 * capture: FILE2024 may be anything. */
static void output_survey_file(struct output *o, struct output_survey *s, const char *name)
{
	struct output_left left;
	struct output_stat f;

	if (!output_parse_name(o, s, name, &left))
		return;
	if (s->others_only && output_is_own_number(o, &left))
		return;
	if (output_look_at(s->directory, name, &f) < 0 || !output_is_ours(s, &f) ||
	    output_is_kept_file(o, &f))
		return;
	if (output_is_bounded(o) && !output_is_own_number(o, &left) && !output_may_be_capture(s, name))
		return;
	output_note(s, &f, &left);
	s->files++;
	if (s->files == 1 || output_is_older(o, &s->newest, &left))
		s->newest = left;
	if (left.number >= s->highest.number)
		s->highest = left;
	output_keep_oldest(o, &left);
}

/* Looks through the directory: o->left has the oldest files then. */
static int output_survey(struct output *o, struct output_survey *s)
{
	static _Alignas(8) char entries[8192];
	const struct output_entry *e;
	long n;

	o->left_at = o->left_end = 0;
	s->files = 0;
	memset(&s->newest, 0, sizeof s->newest);
	memset(&s->highest, 0, sizeof s->highest);
	if (lseek(s->directory, 0, SEEK_SET) < 0)
		return -1;
	while ((n = syscall(SYS_getdents64, s->directory, entries, sizeof entries)) > 0)
		for (long at = 0; at < n; at += e->length) {
			e = (const void *)(entries + at);
			output_survey_file(o, s, e->name);
		}
	return (int)n;
}

/* Opens the directory of this period's files for S. NOW, WALL: as for output_open. */
static int output_begin_survey(const struct output *o, struct output_survey *s, uint64_t now,
    uint32_t wall)
{
	const char *local = output_put_name(o, s->base, 0, 0) + o->directory_len;
	char *slash = strrchr(local, '/');

	s->uid = geteuid();
	s->is_pcapng = o->is_pcapng;
	s->wall = wall;
	s->boot = (int64_t)wall - (int64_t)(now / 1000);
	s->others_only = 0;
	if (slash)
		*slash = 0;
	s->directory = (int)syscall(SYS_openat, o->directory, slash ? local : ".",
	    OUTPUT_SCAN_FLAGS, 0);
	local = slash ? slash + 1 : local;
	memmove(s->base, local, strlen(local) + 1);
	return s->directory;
}

/* Removes the oldest files until KEEP are left, or no more can be removed. */
static int output_trim(struct output *o, struct output_survey *s, uint32_t keep)
{
	uint32_t removed;

	do {
		removed = 0;
		for (uint32_t i = 0; i < o->left_end && s->files - removed > keep; i++)
			removed += output_remove(o, output_left_name(o, o->left + i)) == 0;
		if (output_survey(o, s) < 0)
			return -1;
	} while (removed && s->files > keep);
	return 0;
}

/* Whether there is a file with this number. */
static int output_is_taken(const struct output *o, uint32_t number)
{
	const char *name = output_file_name(o, number);
	struct output_stat f;

	return output_look_at(o->directory, name + o->directory_len, &f) == 0;
}

/* Begins behind the newest of the files that S found, in a number that is free. One without a record
 * is used again: runs that fail one behind the other must not push out what there is. */
static int output_go_on_bounded(struct output *o, struct output_survey *s)
{
	const uint32_t kept = o->files_max;
	uint32_t number = s->newest.number + 1;

	if (s->newest.is_empty && output_remove(o, output_left_name(o, &s->newest)) == 0)
		number--;
	if (output_survey(o, s) < 0 || output_trim(o, s, kept - 1) < 0)
		return -1;
	for (uint32_t i = 0; i < kept && output_is_taken(o, number); i++)
		number++;
	o->file = number % kept + kept;
	o->oldest_file = o->file - (kept - 1);
	o->files = s->files;
	s->others_only = 1;
	return output_survey(o, s);
}

/* Begins in the first number that is free, where the directory cannot be listed: files may be made in
 * a drop box that may not be read. Where all of -W's numbers are taken it begins with 0. */
static void output_go_on_unlisted(struct output *o)
{
	const uint32_t end = output_is_bounded(o) ? o->files_max : UINT32_MAX;
	uint32_t number = 0;

	o->unlisted = 1;
	o->left_at = o->left_end = 0;
	o->files = 0;
	while (number < end && output_is_taken(o, number))
		number++;
	o->file = o->oldest_file = number < end ? number : 0;
}

/* Chooses the number of the first file. Without a time in its name -G alone takes the same file again
 * and again, also in the next run. */
static void output_go_on(struct output *o, uint64_t now, uint32_t wall)
{
	static struct output_survey s;
	int result;

	if (!o->numbered && !output_has_time(o))
		return;
	if (output_begin_survey(o, &s, now, wall) < 0) {
		output_go_on_unlisted(o);
		return;
	}
	result = output_survey(o, &s);
	if (result == 0 && s.files && output_is_bounded(o)) {
		result = output_go_on_bounded(o, &s);
	} else {
		if (s.files)
			o->file = o->oldest_file = s.highest.number + !s.highest.is_empty;
		o->left_end = 0;
	}
	if (result < 0)
		output_go_on_unlisted(o);
	close(s.directory);
}

/* ---- Opening ---- */

/* Takes NUMBER for the file to come. */
static void output_set_number(struct output *o, uint32_t number)
{
	o->file = number;
	if (o->files_max && number - o->oldest_file >= o->files_max)
		o->oldest_file++;
}

/* Removes the oldest file of an earlier run that this run does not write again. Returns whether there
 * was one. */
static int output_remove_left(struct output *o)
{
	while (o->left_at < o->left_end)
		if (output_remove(o, output_left_name(o, o->left + o->left_at++)) == 0) {
			o->files--;
			return 1;
		}
	return 0;
}

/* Where the disk is full and -W keeps older files of this period: removes the oldest. Returns 1 then;
 * 0 with errno as it was where that is no help. */
static int output_remove_oldest(struct output *o)
{
	int error = errno, removed;

	if ((error != ENOSPC && error != EDQUOT) || !o->files_max)
		return 0;
	removed = output_remove_left(o);
	while (!removed && o->oldest_file != o->file)
		removed = output_remove(o, output_file_name(o, o->oldest_file++)) == 0;
	o->removed_early += (unsigned)removed;
	errno = error;
	return removed;
}

/* Makes the file o->file, in the place of what has its name. Returns 0; 1 where that cannot be removed,
 * or -1. */
static int output_make_file(struct output *o)
{
	const char *name = output_file_name(o, o->file);

	for (int tries = 0; tries < OUTPUT_TRIES; tries++) {
		o->fd = (int)syscall(SYS_openat, o->directory, name + o->directory_len, OUTPUT_NEW_FLAGS,
		    o->mode);
		if (o->fd >= 0) {
			o->files += !tries;
			if (o->files > o->files_max)
				output_remove_left(o);
			return 0;
		}
		if (errno != EEXIST)
			return -1;
		if (output_remove(o, name) < 0 && errno != ENOENT)
			return errno == ESPIPE ? -1 : 1;
	}
	return 1;
}

/* Makes the next file of a rotation. A number whose name cannot be had is left out. */
static int output_make_next(struct output *o)
{
	unsigned skips = 0;
	int result;

	for (;;) {
		result = output_make_file(o);
		if (result == 0)
			return 0;
		if (output_remove_oldest(o))
			continue;
		if (result < 0 || !o->numbered || ++skips > OUTPUT_SKIPS)
			return output_fail(o, output_name(o));
		output_set_number(o, o->file + 1);
	}
}

/* Opens FILE of -w alone as it is, to be emptied by output_open: for a wait in which the right to
 * open it goes. */
static inline int output_open_early(struct output *o)
{
	if (!o->filename || output_rotates(o) || o->fd >= 0)
		return 0;
	o->fd = (int)syscall(SYS_openat, AT_FDCWD, o->filename, OUTPUT_EARLY_FLAGS, o->mode);
	return o->fd < 0 ? output_fail(o, o->filename) : 0;
}

static int output_open_file(struct output *o)
{
	if (output_rotates(o))
		return output_make_next(o);
	o->fd = (int)syscall(SYS_openat, AT_FDCWD, o->filename, OUTPUT_OPEN_FLAGS, o->mode);
	return o->fd < 0 ? output_fail(o, o->filename) : 0;
}

/* Makes a pipe as large as everybody may have it, as far as the user's share goes. */
static void output_enlarge_pipe(int fd, long size)
{
	for (long larger = OUTPUT_PIPE_SIZE; larger > size; larger /= 2)
		if (syscall(SYS_fcntl, fd, F_SETPIPE_SZ, larger) >= 0)
			return;
}

/* Puts the file's header into the empty buffer. A pcapng file keeps room for its statistics. */
static void output_put_header(struct output *o)
{
	o->begun++;
	o->interfaces = 0;
	if (o->is_pcapng) {
		o->end = pcapng_put_section(o->buffer, "Linux", o->program);
		o->room = o->size_max - o->end - PCAPNG_STATISTICS_MAX;
		o->reserve = OUTPUT_INTERFACE_MAX;
	} else {
		pcap_header((void *)o->buffer, o->linktype, o->snaplen, o->nano);
		o->end = sizeof(struct pcap_file);
		o->room = o->size_max - o->end;
	}
	o->first = o->is_pcapng ? 0 : o->end;	/* a section header is a block as any other */
	o->sent = 0;
}

/* Opens the next file, finds out what it is and puts its header into the empty buffer. */
static int output_begin_file(struct output *o)
{
	socklen_t len = sizeof(int);
	long pipe_size;
	int type;

	if (o->fd < 0 && output_open_file(o) < 0)
		return -1;
	if (!output_rotates(o))	/* of a file that was not emptied the old rest goes; else this fails */
		ftruncate(o->fd, lseek(o->fd, 0, SEEK_CUR));
	pipe_size = syscall(SYS_fcntl, o->fd, F_GETPIPE_SZ);
	o->is_pipe = pipe_size > 0;
	if (o->is_pipe)
		output_enlarge_pipe(o->fd, pipe_size);
	o->is_socket = getsockopt(o->fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
	output_put_header(o);
	return 0;
}

/* Schedules the period that NOW (ms) lies in; WALL is the time of day, in seconds since 1970. A file
 * is named for its scheduled start, so that no two files share a name. Where the clock was set by a
 * period or more, the schedule follows it. */
static void output_begin_period(struct output *o, uint64_t now, uint32_t wall)
{
	if (!o->period)
		return;
	while (o->period_end <= now) {
		o->period_end += o->period * UINT64_C(1000);
		o->period_start += o->period;
	}
	if (wall - o->period_start + o->period >= 2 * o->period)
		o->period_start = wall;
}

/* Schedules the first file of the output, whose fields that the caller asks for are set; fd is stdout
 * or, for files and for no output at all, -1. NOW: ms on a clock that nobody sets. WALL: seconds since
 * 1970. */
static inline void output_schedule(struct output *o, uint64_t now, uint32_t wall)
{
	o->room = UINT64_MAX;
	o->period_end = UINT64_MAX;
	if (o->period) {
		o->period_end = now;
		o->period_start = wall - o->period;
	}
	output_begin_period(o, now, wall);
}

/* Opens the first file, or takes stdout as it is. The caller has called output_open_directory and
 * output_schedule; NOW and WALL are as there. */
static inline int output_open(struct output *o, uint64_t now, uint32_t wall)
{
	if (!o->filename && o->fd < 0)
		return 0;
	if (output_rotates(o) && o->goes_on)
		output_go_on(o, now, wall);
	return output_begin_file(o);
}

/* ---- Records ---- */

/* Bytes of a record with CAPLEN bytes of its packet. */
static inline uint32_t output_record_size(const struct output *o, uint32_t caplen)
{
	return o->is_pcapng ? pcapng_packet_size(caplen) : (uint32_t)sizeof(struct pcap_record) + caplen;
}

/* The least that a file must have room for, with a packet of CAPLEN bytes. */
static inline uint64_t output_smallest(const struct output *o, uint32_t caplen)
{
	uint32_t heads = o->is_pcapng ? OUTPUT_HEAD_MAX + PCAPNG_STATISTICS_MAX : sizeof(struct pcap_file);

	return (uint64_t)heads + output_record_size(o, caplen);
}

/* Whether a record of SIZE bytes has room in this file, with what has to stand before it. */
static inline int output_has_room(const struct output *o, uint32_t size)
{
	return size + o->reserve <= o->room;
}

/* Where a packet can be received to, so that output_begin_record finds it in place, or near it: what
 * may come to stand before it has room. */
static inline unsigned char *output_packet_room(struct output *o, size_t *size)
{
	uint32_t at = o->end + (uint32_t)sizeof(struct pcap_record);

	if (o->is_pcapng)
		at = o->end + OUTPUT_HEAD_MAX;
	else if (o->end < sizeof(struct pcap_file) && output_rotates(o))
		at += (uint32_t)sizeof(struct pcap_file);
	*size = sizeof o->buffer - at;
	return o->buffer + at;
}

/* Bytes that wait to be written. */
static inline uint32_t output_backlog(const struct output *o)
{
	return o->end - o->first;
}

static void output_add_block(struct output *o, uint32_t size)
{
	o->end += size;
	o->room -= size < o->room ? size : o->room;
}

/* Describes an interface in this pcapng file; there is room for it. Returns its number there. */
static inline uint32_t output_add_interface(struct output *o, const struct pcapng_interface *i)
{
	output_add_block(o, pcapng_put_interface(o->buffer + o->end, i));
	return o->interfaces++;
}

/* Puts the section header B of another file, which R reads, in the place of this file's own: nothing
 * stands behind it yet. One that takes too much room is left out. */
static inline void output_copy_section(struct output *o, const struct pcapng_reader *r,
    const struct pcapng_block *b)
{
	const uint32_t most = b->options.len + PCAPNG_SECTION_MAX;
	const uint32_t old = o->end;

	if (most > OUTPUT_INTERFACE_MAX || most > o->room)
		return;
	o->end = pcapng_copy_section(o->buffer, r, b, o->program);
	o->room += old;
	o->room -= o->end;
}

/* Adds the statistics of a pcapng file's first interface, for which room is kept. */
static inline void output_add_statistics(struct output *o, const struct pcapng_statistics *s)
{
	if (!o->is_pcapng || !o->interfaces || o->fd < 0 || o->broken)
		return;
	o->end += pcapng_put_statistics(o->buffer + o->end, 0, s);
}

/* Begins a record behind the others: returns where its packet's bytes go. There is room for it as
 * long as output_flush is called whenever OUTPUT_CHUNK bytes have come, and no record is begun while
 * the backlog is OUTPUT_BACKLOG_MAX or more. */
static inline unsigned char *output_begin_record(struct output *o, const struct output_record *r)
{
	unsigned char *at = o->buffer + o->end;
	struct pcap_record *head = (void *)at;

	if (o->is_pcapng)
		return at + PCAPNG_PACKET_HEAD;	/* the packet may still stand where the head goes */
	head->sec = r->sec;
	/* nsec / 1000 for all 32 bits of it, without the slow division */
	head->fraction = o->nano ? r->nsec : (uint32_t)(r->nsec * UINT64_C(274877907) >> 38);
	head->caplen = r->caplen;
	head->origlen = r->origlen;
	return (unsigned char *)(head + 1);
}

/* Ends the record of SIZE bytes, which output_has_room was asked for and whose packet's bytes are in
 * place. */
static inline void output_end_record(struct output *o, const struct output_record *r, uint32_t size)
{
	unsigned char *at = o->buffer + o->end;

	if (o->is_pcapng) {
		pcapng_put_packet_head(at, r->interface, pcapng_time(r->sec, r->nsec, o->nano ? 1 : 1000),
		    r->caplen, r->origlen);
		pcapng_put_packet_tail(at, r->caplen, r->flags);
	}
	o->end += size;
	o->room -= size;
}

/* The end of the record, or block, that starts at AT in the buffer. */
static uint32_t output_record_end(const struct output *o, uint32_t at)
{
	const struct pcap_record *r = (const void *)(o->buffer + at);

	if (o->is_pcapng)
		return at + pcapng_block_size(o->buffer + at);
	return at + output_record_size(o, r->caplen);
}

/* Whether the record at AT is a packet: pcapng has other blocks as well. */
static int output_is_packet(const struct output *o, uint32_t at)
{
	uint32_t type;

	memcpy(&type, o->buffer + at, sizeof type);
	return !o->is_pcapng || type == PCAPNG_PACKET_BLOCK;
}

/* The end of the last record that ends by LIMIT; o->first if none does. */
static uint32_t output_whole_records(const struct output *o, uint32_t limit)
{
	uint32_t at = o->first;

	while (at < o->end && output_record_end(o, at) <= limit)
		at = output_record_end(o, at);
	return at;
}

/* ---- Writing ---- */

/* ppoll(2) by its newer call, and by the older one where the kernel lacks that. On machines of 32 bits
 * a kernel may have either; the C library tries the older one only. */
static inline int output_poll(struct pollfd *p, unsigned n, const struct timespec *timeout)
{
	enum { SIGNALS = 8 };	/* bytes of the signal set that there is none of */
#ifdef SYS_ppoll_time64
	int64_t time64[2] = { timeout->tv_sec, timeout->tv_nsec };
	long time32[2] = { (long)timeout->tv_sec, timeout->tv_nsec };
	int ready = (int)syscall(SYS_ppoll_time64, p, n, time64, NULL, SIGNALS);

	if (ready < 0 && errno == ENOSYS)
		ready = (int)syscall(SYS_ppoll, p, n, time32, NULL, SIGNALS);
	return ready;
#else
	struct timespec rest = *timeout;	/* the kernel writes what is left of it */

	return (int)syscall(SYS_ppoll, p, n, &rest, NULL, SIGNALS);
#endif
}

static int output_is_writable(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };
	struct timespec now = { 0, 0 };

	return output_poll(&p, 1, &now) > 0;
}

/* Bytes that the pipe takes without waiting. *USED: bytes that are in it. A pipe has slots of a page
 * each, and a write begins a new one where its last part page does not fit behind what is there: of
 * two neighbours only the sum is more than a page (fs/pipe.c: pipe_write). Where that leaves nothing,
 * poll may know of one free slot. The size is asked each time: the reader may have changed it. */
static uint32_t output_pipe_room(const struct output *o, uint32_t *used)
{
	const uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	long size = syscall(SYS_fcntl, o->fd, F_GETPIPE_SZ);
	uint32_t slots = size > 0 ? (uint32_t)size / page : 0, taken = 0;
	int bytes = 0;

	ioctl(o->fd, FIONREAD, &bytes);
	*used = (uint32_t)bytes;
	if (*used)
		taken = 2 * ((*used - 1) / page) + 2;
	if (slots > taken)
		return (slots - taken) * page;
	return output_is_writable(o->fd) ? PIPE_BUF : 0;
}

/* Bytes that the socket takes without waiting. *USED: bytes of its memory that are in use. Bytes in a
 * socket take up to twice their number of it. linux/sock_diag.h has the order of SO_MEMINFO. */
static uint32_t output_socket_room(const struct output *o, uint32_t *used)
{
	enum { WMEM_ALLOC = 2, SNDBUF = 3, WMEM_QUEUED = 5, VALUES = 9 };
	uint32_t memory[VALUES] = { 0 };
	socklen_t len = sizeof memory;

	*used = 0;
	if (getsockopt(o->fd, SOL_SOCKET, SO_MEMINFO, memory, &len) < 0)
		return UINT32_MAX;
	*used = memory[WMEM_ALLOC] > memory[WMEM_QUEUED] ? memory[WMEM_ALLOC] : memory[WMEM_QUEUED];
	return *used < memory[SNDBUF] ? (memory[SNDBUF] - *used) / 2 : 0;
}

/* How many bytes the next write has: as many whole records as there is room for. Only a record that
 * the empty output cannot hold goes in parts. */
static uint32_t output_share(struct output *o)
{
	uint32_t waiting = o->end - o->sent, room, used, whole;

	if (o->is_pipe)
		room = output_pipe_room(o, &used);
	else if (o->is_socket)
		room = output_socket_room(o, &used);
	else
		return waiting;
	if (room >= waiting)
		return waiting;
	whole = output_whole_records(o, o->sent + room);
	if (whole > o->sent)
		return whole - o->sent;
	o->awaits_space = used && room && o->sent <= o->first;
	return o->awaits_space ? 0 : room;
}

/* One write of LEN bytes. Returns how many were taken; 0 if the output takes none now. */
static ssize_t output_write(struct output *o, uint32_t len)
{
	const unsigned char *from = o->buffer + o->sent;
	ssize_t n;

	if (o->is_socket)
		n = syscall(SYS_sendto, o->fd, from, len, MSG_DONTWAIT, NULL, 0);
	else
		n = write(o->fd, from, len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n;
}

/* Moves what waits to the front of the buffer, where nothing waits or much is free. */
static void output_compact(struct output *o)
{
	if (o->sent < o->end && o->first < OUTPUT_GAP_MAX)
		return;
	memmove(o->buffer, o->buffer + o->first, o->end - o->first);
	o->sent -= o->first;
	o->end -= o->first;
	o->first = 0;
}

/* Writes the buffer, as far as that goes without waiting: o->sent < o->end tells that poll has to say
 * when to go on. An error is for good: nothing can be written any more. */
static inline int output_flush(struct output *o)
{
	const uint32_t before = o->sent;
	ssize_t n;
	uint32_t len;

	o->awaits_space = 0;
	if (o->fd < 0)	/* packets are only shown */
		o->first = o->sent = o->end;
	while (o->sent < o->end) {
		len = output_share(o);
		n = len ? output_write(o, len) : 0;
		if (n < 0 && output_remove_oldest(o))
			continue;
		if (n < 0)
			return output_fail(o, output_name(o));
		if (n == 0)
			break;
		o->sent += (uint32_t)n;
		o->first = o->sent == o->end ? o->end : output_whole_records(o, o->sent);
	}
	o->vain = o->awaits_space && o->sent == before ? o->vain + 1 : 0;
	output_compact(o);
	return 0;
}

/* Writes the whole buffer, as a file takes it. */
static int output_flush_all(struct output *o)
{
	for (int tries = 0; o->sent < o->end && tries < OUTPUT_TRIES; tries++)
		if (output_flush(o) < 0)
			return -1;
	if (o->sent == o->end)
		return 0;
	errno = EAGAIN;
	return output_fail(o, output_name(o));
}

/* Gives up on the output: cuts off a half-written record where that is possible, and counts the
 * packets that never arrived. */
static inline void output_abandon(struct output *o)
{
	uint32_t whole = o->sent < o->first ? 0 : o->first;
	off_t end = lseek(o->fd, (off_t)whole - (off_t)o->sent, SEEK_CUR);

	if (end >= 0)
		ftruncate(o->fd, end);
	for (; o->first < o->end; o->first = output_record_end(o, o->first))
		o->lost += (uint64_t)output_is_packet(o, o->first);
	o->sent = o->end;
	o->broken = 1;
}

/* Closes the output, with SYNC once its bytes are on the disk. Some errors show only here: of a disk
 * that took the bytes and cannot keep them, of a file on another machine. */
static inline int output_close(struct output *o, int sync)
{
	int error = 0;

	if (o->fd < 0)
		return 0;
	/* EINVAL, EROFS: fdatasync(2) is not for what it is */
	if (sync && syscall(SYS_fdatasync, o->fd) < 0 && errno != EINVAL && errno != EROFS)
		error = errno;
	if (close(o->fd) < 0)
		error = errno;
	o->fd = -1;
	if (!error)
		return 0;
	errno = error;
	return output_fail(o, output_name(o));
}

/* ---- Rotation ---- */

/* Begins file NUMBER of this period. Returns 0, or -1: the file cannot be had, and the output is
 * broken. */
static int output_begin_number(struct output *o, uint32_t number)
{
	output_set_number(o, number);
	if (output_begin_file(o) < 0) {
		o->broken = 1;
		return -1;
	}
	return 0;
}

/* Begins the next file of this period. The caller has flushed and closed the one before it; the ring
 * holds what arrives meanwhile. */
static inline int output_next_file(struct output *o)
{
	return output_begin_number(o, o->file + 1);
}

/* Begins the first file of the period that NOW lies in, likewise. */
static inline int output_next_period(struct output *o, uint64_t now, uint32_t wall)
{
	o->oldest_file = 0;
	o->left_at = o->left_end = 0;	/* they are of the period that is over */
	output_begin_period(o, now, wall);
	return output_begin_number(o, 0);
}

#endif
