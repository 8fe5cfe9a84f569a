/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether there is a trend at all. */
#ifndef MEMWATCH_ANALYSIS_MANN_KENDALL_H
#define MEMWATCH_ANALYSIS_MANN_KENDALL_H

#include "analysis/trend.h"

/**
 * mann_kendall - how likely points without any trend rise as much as these
 * @dependence: of the points, by trend_dependence(); 1: independent
 *
 * Mann 1945, Kendall 1975: by the number of pairs that rise less those that fall. Only the order of
 * values counts, so any noise will do. Exact up to 10 points without ties that do not depend on
 * each other (Kendall's own bound for tables), else by the normal approximation with the variance
 * corrected for ties.
 * O(n^2); of more than TREND_MAX points the last are taken.
 *
 * Returns the probability, one-sided: near 0, they rise; near 1, they fall. 1 with fewer than 2
 * points, or if all are equal.
 */
double mann_kendall(const struct trend_point *p, unsigned n, double dependence);

#endif
