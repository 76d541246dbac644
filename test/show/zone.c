/* zone: dates and times of zone.h, held against those of the C library: random ones, and those around every
 * change of the clocks. Then TZ strings that are none. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "../../zone.h"

static unsigned long tried;

static void check_time(const struct zone *zone, const char *tz, time_t t)
{
	struct zone_date d;
	const char *name;
	struct tm tm;
	int32_t offset = zone_at(zone, t, &name);

	zone_date(&d, t + offset);
	localtime_r(&t, &tm);
	tried++;
	if (offset == tm.tm_gmtoff && !strcmp(name, tm.tm_zone) && d.year == tm.tm_year + 1900 &&
	    d.month == tm.tm_mon + 1 && d.day == tm.tm_mday && d.hour == tm.tm_hour &&
	    d.minute == tm.tm_min && d.second == tm.tm_sec && d.weekday == tm.tm_wday &&
	    d.yearday == tm.tm_yday)
		return;
	printf("%s %ld: %d %s, not %ld %s\n", tz, (long)t, offset, name, tm.tm_gmtoff, tm.tm_zone);
	exit(1);
}

int main(void)
{
	static const char *const zones[] = {
		"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "AEST-10AEDT,M10.1.0,M4.1.0/3",
		"<+0330>-3:30", "<-03>3", "NZST-12NZDT,M9.5.0,M4.1.0/3", "IST-1GMT0,M10.5.0,M3.5.0/1",
		"XXX3YYY,J60/0,J300/25:30", "XXX3YYY2:30,59,299/-1", "GMT0BST,M3.5.0/1,M10.5.0",
		"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
	};
	static const char *const none[] = {
		"Europe/Berlin", "CET", "CE-1", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.5.0",
		"CET-1CEST,M3.5.0,M10.5.0x", "<CET-1", "CET-1CEST,J0,J5", "CET-1:60", "CET-200",
	};
	struct zone zone;

	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		setenv("TZ", zones[i], 1);
		tzset();
		if (zone_parse(&zone, zones[i])) {
			printf("refused: %s\n", zones[i]);
			return 1;
		}
		srand(1);
		for (int n = 0; n < 50000; n++)
			check_time(&zone, zones[i], (time_t)rand() * 2 % 4294967296);
		for (time_t t = 0; t < 4294967296; t += 1799 * 48)	/* every change has times near it */
			check_time(&zone, zones[i], t);
	}
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (!zone_parse(&zone, none[i]) || zone_at(&zone, 0, NULL) != 0) {
			printf("taken: %s\n", none[i]);
			return 1;
		}
	printf("%lu times\n", tried);
	return 0;
}
