/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* "marking 3.1M objects": on stderr, over and over. */
#include "cmd/heap_progress.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"

#define QUIET_NS  (NSEC_PER_SEC / 2)
#define PERIOD_NS (NSEC_PER_SEC / 10)
#define WIPE	  "\r\033[K" /* EL, ECMA-48 8.3.41 */

/* A line that the terminal does not take now is left out. */
static bool write_now(const char *text, size_t len)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&out, 1, 0) == 1 && out.revents == POLLOUT &&
	       write(STDERR_FILENO, text, len) == (ssize_t)len;
}

void heap_progress_begin(struct heap_progress *p)
{
	p->is_on = isatty(STDERR_FILENO) && log_get_level() >= LOG_INFO;
	p->begin_ns = clock_boot_ns();
	p->last_ns = 0;
}

static void format(char *out, size_t size, const char *step, uint64_t done, uint64_t of)
{
	bool is_bytes = !strcmp(step, "copying");
	char number[UNITS_SIZE];

	if (is_bytes)
		units_format_bytes(number, sizeof(number), done);
	else
		units_format_count(number, sizeof(number), done);
	if (of)
		snprintf(out, size, WIPE "memwatch: %s: %.0f %%", step,
			 100.0 * (double)done / (double)of);
	else if (done)
		snprintf(out, size, WIPE "memwatch: %s: %s%s", step, number,
			 is_bytes ? "" : " objects");
	else
		snprintf(out, size, WIPE "memwatch: %s ...", step);
}

void heap_progress(void *arg, const char *step, uint64_t done, uint64_t of)
{
	struct heap_progress *p = arg;
	char line[128];
	uint64_t now_ns;

	if (!p->is_on)
		return;
	now_ns = clock_boot_ns();
	if (now_ns - p->begin_ns < QUIET_NS || now_ns - p->last_ns < PERIOD_NS)
		return;
	p->last_ns = now_ns;
	format(line, sizeof(line), step, done, of);
	p->is_shown |= write_now(line, strlen(line));
}

void heap_progress_end(struct heap_progress *p)
{
	if (p->is_shown)
		(void)write_now(WIPE, strlen(WIPE));
	p->is_shown = false;
}
