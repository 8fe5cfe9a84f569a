/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the beginning ends: what came before the series went its present way. */
#ifndef MEMWATCH_ANALYSIS_WARMUP_H
#define MEMWATCH_ANALYSIS_WARMUP_H

#include "analysis/trend.h"

#define WARMUP_MIN_POINTS 4 /* that are left after it */

/**
 * warmup_end - index of the first point after the warm-up; 0: there is none
 * @quantum: what the values are rounded to (bytes of a page): differences below it mean nothing
 * @min_span_s: that the rest must span; no cut leaves less, or less than WARMUP_MIN_POINTS
 *
 * No fixed share: MSER, the rule of simulation studies (White 1997, "An Effective Truncation
 * Heuristic for Bias Reduction in Simulation Output"): cut off what makes the rest the most
 * certain. Here the rest is a line rather than a mean, so that a leak that goes on is no warm-up:
 * the cut d that makes squares(d) / (n - d)^2 the least, squares being those left by the best line
 * through the rest. To cut at all must make that at most half of what it is uncut, so that noise
 * does not. O(n).
 */
unsigned warmup_end(const struct trend_point *p, unsigned n, double quantum, double min_span_s);

#endif
