/* SPDX-License-Identifier: MIT
 *
 * output.h: where captured bytes go: stdout, or the files of -w, one behind the other. Records are
 * put together in one static buffer, and one write takes many of them out.
 *
 * - No function waits: a pipe or socket gets what it has room for, the rest stays in the buffer.
 * - A pipe gets whole records only, so that even a pipe whose reader is stuck ends with one.
 * - A file ends with a whole record also when the disk is full: what a short write left of a record
 *   is cut off again.
 * - No function prints anything. Each returns 0, or -1 with errno and o->failed, the name of the
 *   file that errno is about.
 *
 *	output_schedule(&o, now, wall);
 *	output_open(&o);
 *	while (...) {
 *		at = output_begin_record(&o, &record);
 *		... caplen bytes to AT
 *		output_end_record(&o, &record);
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
#include "text.h"

enum {
	OUTPUT_CHUNK = 256 << 10,	/* bytes: when so many wait they are written; more gain nothing */
	OUTPUT_BACKLOG_MAX = 4 << 20,	/* bytes that may wait for a stuck reader: a machine of 32 MB has them */
	OUTPUT_GAP_MAX = 1 << 20,	/* bytes already written in front of those, before they are moved */
	OUTPUT_HEAD_MAX = 64,	/* bytes in front of a packet: a file's header and its record's */
	OUTPUT_SIZE = OUTPUT_BACKLOG_MAX + OUTPUT_GAP_MAX + OUTPUT_CHUNK + PCAP_SNAPLEN_MAX +
	    2 * OUTPUT_HEAD_MAX,
	OUTPUT_TRIES = 8,	/* writes to a file that answers "try again" */
	OUTPUT_NAME_MAX = 512,	/* bytes of -w's FILE as given */
	OUTPUT_NAME_SIZE = 5 * OUTPUT_NAME_MAX + 16,	/* a form of time takes up to five times its place */
	OUTPUT_FILES_MAX = 1000000,	/* files that are kept, -W */
	OUTPUT_PERIOD_MAX = 1000000000,	/* seconds of one file, -G: 31 years */
	/* Nothing waits for a FIFO's reader; 32-bit machines need O_LARGEFILE. */
	OUTPUT_OPEN_FLAGS = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
	    O_LARGEFILE,
};

/* What stands in front of a packet's bytes. */
struct output_record {
	uint32_t sec, nsec;	/* when the packet came: since 1970, and 0 to 999999999 */
	uint32_t caplen;	/* bytes that are kept */
	uint32_t origlen;	/* bytes that the packet had */
};

struct output {
	const char *failed;	/* the name of the file that errno is about */

	/* What the caller asks for, constant from output_open on. */
	const char *filename;	/* -w; NULL: fd is given, stdout */
	uint64_t size_max;	/* bytes of one file, -C; UINT64_MAX without */
	int numbered;	/* files of one period are numbered: -C was given */
	uint32_t period;	/* seconds of one file, -G; 0 without */
	uint32_t files_max;	/* files that are kept, -W; 0: all */
	uint32_t mode;	/* of new files: permission bits */
	uint32_t linktype;
	uint32_t snaplen;	/* bytes */
	int nano;	/* times have nanoseconds */

	/* The file that is open. */
	int fd;	/* -1: there is no output */
	int is_pipe;
	int is_socket;
	uint64_t room;	/* bytes that the file still takes */
	uint32_t file;	/* its number within the period */
	uint32_t oldest_file;	/* the oldest of the period that is kept */
	uint32_t period_start;	/* seconds since 1970: the period's scheduled start */
	uint64_t period_end;	/* ms on the caller's clock; UINT64_MAX without -G */

	/* What happened. */
	int broken;	/* nothing can be written any more */
	int awaits_space;	/* the pipe has room, but not for the next record: try again soon */
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

struct output_date {
	uint32_t year, month, day;	/* month 1 to 12, day 1 to 31 */
	uint32_t yday;	/* 1 to 366 */
	uint32_t hour, minute, second;
};

static int output_is_leap(uint32_t year)
{
	return year % 4 == 0 && year != 2100;	/* from 1970 to 2106 */
}

static uint32_t output_days_in(uint32_t month, uint32_t year)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && output_is_leap(year) ? 29 : days[month - 1];
}

/* The date in UTC of TIME, in seconds since 1970. */
static struct output_date output_date(uint32_t time)
{
	struct output_date d = { .year = 1970, .month = 1 };
	uint32_t days = time / 86400, in_year = 365;

	d.hour = time / 3600 % 24;
	d.minute = time / 60 % 60;
	d.second = time % 60;
	while (days >= in_year) {
		days -= in_year;
		d.year++;
		in_year = output_is_leap(d.year) ? 366 : 365;
	}
	d.yday = days + 1;
	while (days >= output_days_in(d.month, d.year)) {
		days -= output_days_in(d.month, d.year);
		d.month++;
	}
	d.day = days + 1;
	return d;
}

/* Adds what the form %C of strftime(3) stands for at TIME. */
static void output_add_time(struct text *t, char c, uint32_t time)
{
	const struct output_date d = output_date(time);

	switch (c) {
	case 'Y': text_add_number(t, d.year, 4); break;
	case 'y': text_add_number(t, d.year % 100, 2); break;
	case 'm': text_add_number(t, d.month, 2); break;
	case 'd': text_add_number(t, d.day, 2); break;
	case 'j': text_add_number(t, d.yday, 3); break;
	case 'H': text_add_number(t, d.hour, 2); break;
	case 'M': text_add_number(t, d.minute, 2); break;
	case 'S': text_add_number(t, d.second, 2); break;
	case 's': text_add_number(t, time, 1); break;
	case 'F':
		output_add_time(t, 'Y', time);
		text_add_char(t, '-');
		output_add_time(t, 'm', time);
		text_add_char(t, '-');
		output_add_time(t, 'd', time);
		break;
	case 'T':
		output_add_time(t, 'H', time);
		text_add_char(t, ':');
		output_add_time(t, 'M', time);
		text_add_char(t, ':');
		output_add_time(t, 'S', time);
		break;
	default: text_add_char(t, c);	/* %% */
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
		if (!strchr("YmdHMSjsyFT%", *name))
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

/* The name of file NUMBER of this period, as tcpdump makes it: with -G the time is filled in, with
 * -C the number follows from the second file on, with -C and -W always, and always as long. */
static const char *output_file_name(const struct output *o, uint32_t number)
{
	static char memory[OUTPUT_NAME_SIZE];
	struct text name = { memory, sizeof memory, 0 };
	unsigned digits = 0;

	for (const char *c = o->filename; *c; c++) {
		if (o->period && *c == '%' && c[1])
			output_add_time(&name, *++c, o->period_start);
		else
			text_add_char(&name, *c);
	}
	if (o->files_max && o->numbered) {
		number %= o->files_max;
		digits = output_digits(o);
	}
	if (number || digits)
		text_add_number(&name, number, digits ? digits : 1);
	return memory;
}

/* The name of what is open, for messages. */
static const char *output_name(const struct output *o)
{
	return o->filename ? output_file_name(o, o->file) : "stdout";
}

/* ---- Opening ---- */

/* Whether a new file begins when one is full or its time is over. */
static inline int output_rotates(const struct output *o)
{
	return o->filename && (o->numbered || o->period);
}

/* Where the disk is full and -W keeps older files of this period: removes the oldest. Returns 1 then;
 * 0 with errno as it was where that is no help. */
static int output_remove_oldest(struct output *o)
{
	if ((errno != ENOSPC && errno != EDQUOT) || !o->files_max || o->oldest_file == o->file)
		return 0;
	syscall(SYS_unlinkat, AT_FDCWD, output_file_name(o, o->oldest_file), 0);
	o->oldest_file++;
	o->removed_early++;
	return 1;
}

static int output_open_file(struct output *o)
{
	const char *name;

	do {
		name = output_file_name(o, o->file);
		o->fd = (int)syscall(SYS_openat, AT_FDCWD, name, OUTPUT_OPEN_FLAGS, o->mode);
	} while (o->fd < 0 && output_remove_oldest(o));
	if (o->fd < 0 || (output_rotates(o) && lseek(o->fd, 0, SEEK_CUR) < 0))
		return output_fail(o, output_name(o));
	return 0;
}

/* Opens the next file, finds out what it is and puts its header into the empty buffer. */
static int output_begin_file(struct output *o)
{
	socklen_t len = sizeof(int);
	int type;

	if (o->filename && output_open_file(o) < 0)
		return -1;
	if (!o->filename)	/* of a file that was not emptied the old rest goes; else this fails */
		ftruncate(o->fd, lseek(o->fd, 0, SEEK_CUR));
	o->is_pipe = syscall(SYS_fcntl, o->fd, F_GETPIPE_SZ) > 0;
	o->is_socket = getsockopt(o->fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
	pcap_header((void *)o->buffer, o->linktype, o->snaplen, o->nano);
	o->first = o->end = sizeof(struct pcap_file);
	o->sent = 0;
	o->room = o->size_max - sizeof(struct pcap_file);
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

/* Opens the output, once that is done. */
static inline int output_open(struct output *o)
{
	return o->filename || o->fd >= 0 ? output_begin_file(o) : 0;
}

/* ---- Records ---- */

/* Bytes of a record with CAPLEN bytes of its packet. */
static inline uint32_t output_record_size(uint32_t caplen)
{
	return (uint32_t)sizeof(struct pcap_record) + caplen;
}

/* Whether a record of SIZE bytes has room in this file. */
static inline int output_has_room(const struct output *o, uint32_t size)
{
	return size <= o->room;
}

/* Where a packet can be received to, so that output_begin_record finds it in place, or with the
 * length of a VLAN tag before it. A file's header may come to stand before the record. */
static inline unsigned char *output_packet_room(struct output *o, size_t *size)
{
	uint32_t at = o->end + (uint32_t)sizeof(struct pcap_record);

	if (o->end == 0 && output_rotates(o))
		at += (uint32_t)sizeof(struct pcap_file);
	*size = sizeof o->buffer - at;
	return o->buffer + at;
}

/* Bytes that wait to be written. */
static inline uint32_t output_backlog(const struct output *o)
{
	return o->end - o->first;
}

/* Begins a record behind the others: returns where its packet's bytes go. There is room for it as
 * long as output_flush is called whenever OUTPUT_CHUNK bytes have come, and no record is begun while
 * the backlog is OUTPUT_BACKLOG_MAX or more. */
static inline unsigned char *output_begin_record(struct output *o, const struct output_record *r)
{
	struct pcap_record *head = (void *)(o->buffer + o->end);

	head->sec = r->sec;
	/* nsec / 1000 for all 32 bits of it, without the slow division */
	head->fraction = o->nano ? r->nsec : (uint32_t)(r->nsec * UINT64_C(274877907) >> 38);
	head->caplen = r->caplen;
	head->origlen = r->origlen;
	return (unsigned char *)(head + 1);
}

static inline void output_end_record(struct output *o, const struct output_record *r)
{
	uint32_t size = output_record_size(r->caplen);

	o->end += size;
	o->room -= size;
}

/* The end of the record that starts at AT in the buffer. */
static uint32_t output_record_end(const struct output *o, uint32_t at)
{
	const struct pcap_record *r = (const void *)(o->buffer + at);

	return at + output_record_size(r->caplen);
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

static int output_is_writable(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };
	struct timespec now = { 0, 0 };

	return ppoll(&p, 1, &now, NULL) > 0;
}

/* How many bytes a pipe is given, so that the write does not wait: all that it can hold when it is
 * empty, PIPE_BUF when poll says there is room, 0 otherwise, see pipe(7). They are whole records;
 * only a record that the empty pipe cannot hold goes in parts. */
static uint32_t output_pipe_share(struct output *o)
{
	uint32_t room = PIPE_BUF, whole;
	int used = 0;

	ioctl(o->fd, FIONREAD, &used);
	if (!used)	/* asked each time: the reader may have made it smaller */
		room = (uint32_t)syscall(SYS_fcntl, o->fd, F_GETPIPE_SZ);
	else if (!output_is_writable(o->fd))
		return 0;
	if (room >= o->end - o->sent)
		return o->end - o->sent;
	whole = output_whole_records(o, o->sent + room);
	if (whole > o->sent)
		return whole - o->sent;
	o->awaits_space = used && o->sent <= o->first;
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
	ssize_t n;
	uint32_t len;

	o->awaits_space = 0;
	if (o->fd < 0)	/* packets are only shown */
		o->first = o->sent = o->end;
	while (o->sent < o->end) {
		len = o->is_pipe ? output_pipe_share(o) : o->end - o->sent;
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
		o->lost++;
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
	if (!error)
		return 0;
	errno = error;
	return output_fail(o, output_name(o));
}

/* ---- Rotation ---- */

/* Goes on in file NUMBER of this period. On an error the output is broken where o->broken says so;
 * otherwise only the end of the file before it is in doubt. */
static int output_begin_number(struct output *o, uint32_t number)
{
	o->file = number;
	if (o->files_max && number - o->oldest_file >= o->files_max)
		o->oldest_file++;
	if (output_begin_file(o) < 0) {
		o->broken = 1;
		return -1;
	}
	return 0;
}

/* Closes the file, all of it written, and begins the next one of this period. The ring holds what
 * arrives meanwhile. */
static inline int output_next_file(struct output *o)
{
	return output_begin_number(o, o->file + 1);
}

/* Begins the first file of the period that NOW lies in, likewise. */
static inline int output_next_period(struct output *o, uint64_t now, uint32_t wall)
{
	o->oldest_file = 0;
	output_begin_period(o, now, wall);
	return output_begin_number(o, 0);
}

#endif
