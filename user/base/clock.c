/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clocks, in nanoseconds, and the one form in which a time is shown.
 *
 * LIMITATIONS: 64 bits of nanoseconds end in the year 2554. clock_gettime()
 * cannot fail for the clocks used here (all are older than Linux 2.6.39).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts = {0};

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

uint64_t clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_cpu_ns_of(pid_t pid)
{
	clockid_t id;

	return clock_getcpuclockid(pid, &id) ? 0 : read_clock(id);
}

void clock_format_rfc3339(char *out, size_t size, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NSEC_PER_SEC);
	unsigned int ms = (unsigned int)(wall_ns % NSEC_PER_SEC / NSEC_PER_MSEC);
	char date[CLOCK_RFC3339_SIZE] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, size, "%s.%03uZ", date, ms);
}

int clock_parse_rfc3339(const char *text, uint64_t *wall_ns)
{
	struct tm tm = {0};
	time_t seconds;
	unsigned ms;
	int len = 0;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3uZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, &len) != 7 ||
	    len != (int)strlen("2026-11-23T08:50:26.123Z") || text[len])
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	seconds = timegm(&tm);
	if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / NSEC_PER_SEC - 1)
		return -EINVAL;
	*wall_ns = (uint64_t)seconds * NSEC_PER_SEC + ms * NSEC_PER_MSEC;
	return 0;
}
