/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How fast a process grows: the plain measures that the live view sorts by. */
#ifndef MEMWATCH_ANALYSIS_GROWTH_H
#define MEMWATCH_ANALYSIS_GROWTH_H

#include "model/process.h"

#define GROWTH_WINDOW_NS (10ULL * 1000000000)

/**
 * growth_rate - change of the footprint (rss + swap) in bytes per second
 *
 * From the oldest sample of the last GROWTH_WINDOW_NS (or the last two, where
 * ticks are further apart) to the newest. 0 with fewer than two samples.
 */
double growth_rate(const struct process *p);

/** growth_delta - change of the footprint since the tick before, bytes; 0 without one */
int64_t growth_delta(const struct process *p);

/** growth_since_first - change of the footprint since memwatch first saw it, bytes */
int64_t growth_since_first(const struct process *p);

#endif
