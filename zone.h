/* SPDX-License-Identifier: MIT
 *
 * zone.h: from seconds since 1970 to the date and the time of day, in UTC or in the time zone of a
 * POSIX TZ string, as OpenWrt keeps it in /etc/TZ: "CET-1CEST,M3.5.0,M10.5.0/3". No allocation,
 * no file is read: names like "Europe/Berlin", which need the zone database, mean UTC.
 *
 *	zone_parse	a TZ string -> struct zone
 *	zone_at		struct zone, time -> seconds east of UTC, and the abbreviation
 *	zone_date	time -> year, month, day, hour ...
 *
 * See POSIX.1-2017, Base Definitions, 8.3, the TZ variable; and tzset(3).
 */
#ifndef ZONE_H
#define ZONE_H

#include <stdint.h>
#include <string.h>

enum {
	ZONE_NAME = 16,		/* bytes of an abbreviation with its NUL; a longer one is cut */
	ZONE_DAY = 86400,	/* seconds */
	ZONE_HOURS_MAX = 167,	/* hours that a rule's time may have: a week, RFC 8536 */
};

/* The day and time of each year when the clocks change. */
struct zone_rule {
	char form;		/* 'M' month.week.weekday; 'J' day 1..365, no leap day; 'N' day 0..365 */
	uint16_t day;		/* of 'J' and 'N'; of 'M' the weekday, 0 is Sunday */
	uint8_t month, week;	/* of 'M': 1..12; 1..5, 5 is the last one */
	int32_t time;		/* seconds after midnight, by the clock before the change */
};

/* A time zone. All zeros but the names mean UTC. */
struct zone {
	char standard[ZONE_NAME], summer[ZONE_NAME];	/* abbreviations; no summer time: summer is "" */
	int32_t standard_offset, summer_offset;		/* seconds east of UTC */
	struct zone_rule begin, end;			/* of summer time */
};

/* A date and a time of day. */
struct zone_date {
	int32_t year;
	uint8_t month, day;		/* 1..12, 1..31 */
	uint8_t hour, minute, second;	/* 0..23, 0..59, 0..59 */
	uint8_t weekday;		/* 0..6, 0 is Sunday */
	uint16_t yearday;		/* 0..365 */
};

/* Days from 1970-01-01 to the first of March of YEAR, the start of a year whose leap day is its last. */
static inline int64_t zone_days_to_march(int64_t year)
{
	int64_t era = year - (year < 0 ? 399 : 0);	/* division rounds towards zero */

	era /= 400;
	year -= era * 400;
	return era * 146097 + year * 365 + year / 4 - year / 100 + 60 - 719528;
}

static inline int zone_is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days of the year before its MONTH, 1..12. */
static inline int zone_month_start(int64_t year, int month)
{
	static const int16_t start[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };

	return start[month - 1] + (month > 2 && zone_is_leap(year));
}

/* Days from 1970-01-01 to the first of January of YEAR. */
static inline int64_t zone_year_start(int64_t year)
{
	return zone_days_to_march(year) - 59 - zone_is_leap(year);
}

/* The date and time of day of SECONDS since 1970, -2^55 to 2^55, in UTC (or in a zone, whose offset
 * the caller has added). */
static inline void zone_date(struct zone_date *d, int64_t seconds)
{
	int64_t day = seconds / ZONE_DAY, year;
	int32_t rest = (int32_t)(seconds % ZONE_DAY);
	int month = 12;

	if (rest < 0) {
		rest += ZONE_DAY;
		day--;
	}
	year = 1970 + day * 400 / 146097;	/* a year has 365.2425 days: within one of it */
	while (zone_year_start(year) > day)
		year--;
	while (zone_year_start(year + 1) <= day)
		year++;
	d->yearday = (uint16_t)(day - zone_year_start(year));
	while (zone_month_start(year, month) > d->yearday)
		month--;
	d->year = (int32_t)year;
	d->month = (uint8_t)month;
	d->day = (uint8_t)(d->yearday - zone_month_start(year, month) + 1);
	d->weekday = (uint8_t)(((day + 4) % 7 + 7) % 7);	/* 1970-01-01 was a Thursday */
	d->hour = (uint8_t)(rest / 3600);
	d->minute = (uint8_t)(rest / 60 % 60);
	d->second = (uint8_t)(rest % 60);
}

/* ---- parsing: each takes the place in the string, returns the place behind what it read, or NULL ---- */

/* A number of at most MOST. */
static inline const char *zone_number(const char *s, int32_t most, int32_t *number)
{
	int32_t n = 0;

	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (*s - '0');
		if (n > most)
			return NULL;
	}
	*number = n;
	return s;
}

/* [+-]hh[:mm[:ss]], in seconds. */
static inline const char *zone_time(const char *s, int32_t *seconds)
{
	int32_t sign = *s == '-' ? -1 : 1, part, unit;

	if (*s == '-' || *s == '+')
		s++;
	s = zone_number(s, ZONE_HOURS_MAX, &part);
	if (!s)
		return NULL;
	*seconds = part * 3600;
	for (unit = 60; unit && *s == ':'; unit /= 60) {
		s = zone_number(s + 1, 59, &part);
		if (!s)
			return NULL;
		*seconds += part * unit;
	}
	*seconds *= sign;
	return s;
}

/* An abbreviation: three letters or more, or <anything of letters, digits, + and ->. */
static inline const char *zone_name(const char *s, char *name)
{
	int quoted = *s == '<';
	size_t n = 0, kept;

	for (s += quoted; ; n++) {
		char c = s[n], lower = (char)(c | 32);
		int letter = lower >= 'a' && lower <= 'z';
		int other = (c >= '0' && c <= '9') || c == '+' || c == '-';

		if (!letter && !(quoted && other))
			break;
	}
	if (n < 3 || (quoted && s[n] != '>'))
		return NULL;
	kept = n < ZONE_NAME ? n : ZONE_NAME - 1;
	memcpy(name, s, kept);
	name[kept] = 0;
	return s + n + quoted;
}

/* A rule: ",Mm.w.d", ",Jn" or ",n", and "/time" behind it. */
static inline const char *zone_rule(const char *s, struct zone_rule *rule)
{
	int32_t a = 1, b = 1, c;

	if (*s++ != ',')
		return NULL;
	rule->form = *s == 'M' || *s == 'J' ? *s++ : 'N';
	if (rule->form == 'M') {
		s = zone_number(s, 12, &a);
		s = s && *s == '.' ? zone_number(s + 1, 5, &b) : NULL;
		s = s && *s == '.' ? zone_number(s + 1, 6, &c) : NULL;
	} else {
		s = zone_number(s, 365, &c);
	}
	if (!s || a < 1 || b < 1 || (rule->form == 'J' && c < 1))
		return NULL;
	rule->month = (uint8_t)a;
	rule->week = (uint8_t)b;
	rule->day = (uint16_t)c;
	rule->time = 2 * 3600;
	return *s == '/' ? zone_time(s + 1, &rule->time) : s;
}

/* All of the string TZ. Returns -1 if it is none that POSIX describes. */
static inline int zone_read(struct zone *z, const char *s)
{
	int32_t west;

	s = zone_name(s, z->standard);
	s = s ? zone_time(s, &west) : NULL;
	if (!s)
		return -1;
	z->standard_offset = -west;
	if (!*s)
		return 0;
	s = zone_name(s, z->summer);
	if (!s)
		return -1;
	z->summer_offset = z->standard_offset + 3600;
	if (*s && *s != ',') {
		s = zone_time(s, &west);
		if (!s)
			return -1;
		z->summer_offset = -west;
	}
	if (!*s)	/* the rules that are taken when there are none, those of New York */
		s = ",M3.2.0,M11.1.0";
	s = zone_rule(s, &z->begin);
	s = s ? zone_rule(s, &z->end) : NULL;
	return s && !*s ? 0 : -1;
}

/* Reads the TZ string TZ; NULL, "" and what cannot be read mean UTC. A ':' in front is skipped. Returns 0, or
 * -1 if TZ holds something that cannot be read. */
static inline int zone_parse(struct zone *z, const char *tz)
{
	int status = 0;

	memset(z, 0, sizeof *z);
	if (tz && *tz == ':')
		tz++;
	if (tz && *tz)
		status = zone_read(z, tz);
	if (status || !z->standard[0]) {
		memset(z, 0, sizeof *z);
		memcpy(z->standard, "UTC", 4);
	}
	return status;
}

/* ---- what holds at a time ---- */

/* When RULE takes effect in YEAR: seconds since 1970 by a clock that is OFFSET seconds east of UTC. */
static inline int64_t zone_change(const struct zone_rule *rule, int64_t year, int32_t offset)
{
	int64_t start = zone_year_start(year), day;
	int64_t next;

	if (rule->form == 'N') {
		day = start + rule->day;
	} else if (rule->form == 'J') {
		day = start + rule->day - 1 + (rule->day > 59 && zone_is_leap(year));
	} else {
		next = rule->month < 12 ? start + zone_month_start(year, rule->month + 1) :
		    zone_year_start(year + 1);
		day = start + zone_month_start(year, rule->month);
		day += (rule->day - (day + 4) % 7 + 14) % 7 + 7 * (rule->week - 1);
		while (day >= next)	/* week 5 is the last, which may be the fourth */
			day -= 7;
	}
	return day * ZONE_DAY + rule->time - offset;
}

/* The zone's offset at SECONDS since 1970: seconds east of UTC. *name becomes the abbreviation then in
 * use; NAME may be NULL. */
static inline int32_t zone_at(const struct zone *z, int64_t seconds, const char **name)
{
	struct zone_date local;
	int64_t begin, end;
	int summer = 0;

	if (z->summer[0]) {
		zone_date(&local, seconds + z->standard_offset);
		begin = zone_change(&z->begin, local.year, z->standard_offset);
		end = zone_change(&z->end, local.year, z->summer_offset);
		summer = begin < end ? seconds >= begin && seconds < end :
		    seconds >= begin || seconds < end;	/* south of the equator */
	}
	if (name)
		*name = summer ? z->summer : z->standard;
	return summer ? z->summer_offset : z->standard_offset;
}

#endif
