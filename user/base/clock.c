/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clocks, in nanoseconds, and the one form in which a time is shown.
 *
 * LIMITATIONS: 64 bits of nanoseconds end in the year 2554. clock_gettime()
 * cannot fail for the clocks used here (all are older than Linux 2.6.39).
 */
#include <stdio.h>
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
