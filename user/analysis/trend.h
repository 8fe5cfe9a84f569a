/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How fast something grows: a slope that outliers do not move, and how far it can be trusted. */
#ifndef MEMWATCH_ANALYSIS_TREND_H
#define MEMWATCH_ANALYSIS_TREND_H

#define TREND_MAX 32 /* points: all pairs of them are looked at */

/* Points are in the order of time. */
struct trend_point {
	double s;     /* seconds since any moment */
	double bytes; /* or what else is counted */
};

struct trend {
	double slope;	  /* bytes per second */
	double low, high; /* its confidence interval, 95 % */
	unsigned points;
};

/**
 * trend_fit - robust slope of @n points with its interval
 *
 * Theil-Sen: the median of the slopes of all pairs. Up to 29 % of the points may be anything
 * (Sen 1968, "Estimates of the Regression Coefficient Based on Kendall's Tau"). The interval is
 * Sen's too, by ranks of those slopes (Gilbert 1987, "Statistical Methods for Environmental
 * Pollution Monitoring", 16.5), widened by trend_dependence(). With fewer than 4 points it is
 * from the least to the greatest slope.
 * O(n^2 log n), n <= TREND_MAX: of more, the last TREND_MAX are taken.
 *
 * Returns 0, -ENODATA with fewer than 2 points or where time does not advance.
 */
int trend_fit(const struct trend_point *p, unsigned n, struct trend *out);

/**
 * trend_dependence - by how much the variance of a trend is greater than that of independent points
 *
 * Neighbours in time resemble each other, and then a few of them going up prove less. From the
 * lag-1 correlation r of what is left when @slope is taken off: (1 + r) / (1 - r) (Yue and Wang
 * 2004, "The Mann-Kendall Test Modified by Effective Sample Size"). r is taken for at least 0, and
 * for at most 0.6: steps and curves of a real growth look like correlation, too.
 *
 * Returns 1 to 4; 1 with fewer than 8 points, or if what is left is below 1 % of the growth.
 */
double trend_dependence(const struct trend_point *p, unsigned n, double slope);

#endif
