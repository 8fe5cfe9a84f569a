/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which processes are worth a closer look when none was named: those that grow. */
#ifndef MEMWATCH_ANALYSIS_PROMOTE_H
#define MEMWATCH_ANALYSIS_PROMOTE_H

#include <stddef.h>

#include "model/process.h"

#define PROMOTE_MAX	    3
#define PROMOTE_BYTES_PER_S (256 * 1024.0) /* grows so fast: begin to look ... */
#define PROMOTE_KEEP_PER_S  (32 * 1024.0)  /* ... until it grows no faster than this */
#define PROMOTE_MIN_TICKS   3

/**
 * promote_growers - the fastest growers among @list, fastest first
 * @is_watched: whether a process is looked at already: those stay longer
 * @out: PROMOTE_MAX pointers
 *
 * Returns how many.
 */
unsigned promote_growers(struct process *const *list, size_t count,
			 bool (*is_watched)(void *arg, const struct process *), void *arg,
			 const struct process **out);

#endif
