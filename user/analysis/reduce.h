/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fewer points for a picture of a long series, without its peaks and valleys getting lost. */
#ifndef MEMWATCH_ANALYSIS_REDUCE_H
#define MEMWATCH_ANALYSIS_REDUCE_H

#include <stddef.h>
#include <stdint.h>

#define REDUCE_LEAST 8

/**
 * reduce_extremes - which points of a series to draw
 * @ns:        in the order of time
 * @low, @high: of each point; may be the same array
 * @most:      at least REDUCE_LEAST
 * @out:       indices, rising; room for @most
 *
 * All of them if there are no more than @most. Else the first and the last, and in each of equal
 * stretches of time in between the least of @low and the greatest of @high.
 * Returns how many.
 */
size_t reduce_extremes(const uint64_t *ns, const uint64_t *low, const uint64_t *high, size_t count,
		       size_t most, size_t *out);

#endif
