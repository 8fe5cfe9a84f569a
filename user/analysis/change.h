/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a series changes its way: a step, growth that begins, growth that ends. */
#ifndef MEMWATCH_ANALYSIS_CHANGE_H
#define MEMWATCH_ANALYSIS_CHANGE_H

#include "analysis/trend.h"

#define CHANGE_SEGMENTS_MAX   8
#define CHANGE_SEGMENT_POINTS 3 /* of a segment, at least */

/* A stretch that is one line. */
struct change_segment {
	unsigned begin, end; /* points [begin, end) */
	double slope;	     /* bytes per second */
	double first, last;  /* the line's values at its first and last point, bytes */
};

/**
 * change_segments - @n points as few lines, each with a level and a slope of its own
 * @quantum: what the values are rounded to, bytes
 * @out: at least CHANGE_SEGMENTS_MAX
 *
 * Binary segmentation: the split that leaves the least squares, then the same in the parts. A split
 * counts if it is worth its three numbers (level, slope, place) by twice the penalty of the
 * Bayesian information criterion (Schwarz 1978); twice, because the best of all places is looked
 * at. O(n * CHANGE_SEGMENTS_MAX); n <= TREND_MAX, of more points the last are taken (and counted
 * from 0).
 *
 * Returns how many; 0 for no points.
 */
unsigned change_segments(const struct trend_point *p, unsigned n, double quantum,
			 struct change_segment *out);

/**
 * change_step - the largest jump from one segment to the next, bytes, either way; 0 with one
 * @at: the segment that it leads to; may be NULL
 */
double change_step(const struct change_segment *segments, unsigned count, unsigned *at);

#endif
