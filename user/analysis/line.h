/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The line of least squares, point by point: what warm-ups and changes are found with. */
#ifndef MEMWATCH_ANALYSIS_LINE_H
#define MEMWATCH_ANALYSIS_LINE_H

#include "analysis/trend.h"

/* Means and sums of products about them (Welford 1962): no digits are lost to large values. */
struct line_sums {
	double n, mean_s, mean_bytes;
	double ss, sb, bb;
};

/** line_add - one point more; @sums begins as 0 */
void line_add(struct line_sums *sums, const struct trend_point *p);
/** line_slope - bytes per second; 0 where time does not advance */
double line_slope(const struct line_sums *sums);
/** line_at - its value at @s seconds */
double line_at(const struct line_sums *sums, double s);
/** line_squares - the sum of the squares that the line leaves, >= 0 */
double line_squares(const struct line_sums *sums);

#endif
