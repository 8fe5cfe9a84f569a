/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How far a census is, as one line on the terminal that is written over, when it takes long.
 *
 * The process may stand still meanwhile: a terminal that does not take the line at once (^S) is
 * not waited for.
 */
#ifndef MEMWATCH_CMD_HEAP_PROGRESS_H
#define MEMWATCH_CMD_HEAP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct heap_progress {
	bool is_on; /* stderr is a terminal */
	bool is_shown;
	uint64_t begin_ns, last_ns; /* CLOCK_BOOTTIME */
};

/** heap_progress_begin - of work that begins now; nothing is shown of it for half a second */
void heap_progress_begin(struct heap_progress *p);
/** heap_progress - for census_options.progress; @arg: a struct heap_progress */
void heap_progress(void *arg, const char *step, uint64_t done, uint64_t of);
/** heap_progress_end - wipes the line: before anything else is written */
void heap_progress_end(struct heap_progress *p);

#endif
