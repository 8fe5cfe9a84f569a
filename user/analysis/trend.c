/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Theil-Sen's slope and its interval. */
#include "analysis/trend.h"

#include <errno.h>
#include <math.h>

#include "analysis/doubles.h"

#define PAIRS_MAX	       (TREND_MAX * (TREND_MAX - 1) / 2)
#define Z_95		       1.959964 /* of the normal distribution: 95 %, two-sided */
#define SMALL_REST	       0.01 /* of the growth: whether that is correlated is of no matter */
#define CORRELATION_MAX	       0.6
#define CORRELATION_MIN_POINTS 8
#define INTERVAL_MIN_POINTS    4

static unsigned pair_slopes(const struct trend_point *p, unsigned n, double *slopes)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n; j++)
			if (p[j].s > p[i].s)
				slopes[count++] = (p[j].bytes - p[i].bytes) / (p[j].s - p[i].s);
	doubles_sort(slopes, count);
	return count;
}

static double median(const double *sorted, unsigned n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double trend_dependence(const struct trend_point *p, unsigned n, double slope)
{
	double mean = 0, product = 0, square = 0, before = 0, growth, r;

	if (n < CORRELATION_MIN_POINTS)
		return 1;
	growth = slope * (p[n - 1].s - p[0].s);
	for (unsigned i = 0; i < n; i++)
		mean += (p[i].bytes - slope * (p[i].s - p[0].s)) / n;
	for (unsigned i = 0; i < n; i++) {
		double rest = p[i].bytes - slope * (p[i].s - p[0].s) - mean;

		product += i ? rest * before : 0;
		square += rest * rest;
		before = rest;
	}
	if (square <= n * SMALL_REST * SMALL_REST * growth * growth)
		return 1;
	r = fmin(fmax(product / square, 0), CORRELATION_MAX);
	return (1 + r) / (1 - r);
}

/* By ranks of the slopes, as far from the middle as chance alone may bring Mann-Kendall's S. */
static void fill_interval(struct trend *t, const double *slopes, unsigned count, double dependence)
{
	double n = t->points;
	double reach = Z_95 * sqrt(n * (n - 1) * (2 * n + 5) / 18 * dependence);
	double low = (count - reach) / 2, high = (count + reach) / 2;

	if (t->points < INTERVAL_MIN_POINTS) {
		low = 0;
		high = count;
	}
	t->low = slopes[low > 1 ? (unsigned)low - 1 : 0];
	t->high = slopes[high < count - 1 ? (unsigned)ceil(high) : count - 1];
}

int trend_fit(const struct trend_point *p, unsigned n, struct trend *out)
{
	double slopes[PAIRS_MAX];
	unsigned count;

	if (n > TREND_MAX) {
		p += n - TREND_MAX;
		n = TREND_MAX;
	}
	count = pair_slopes(p, n, slopes);
	if (!count)
		return -ENODATA;
	out->slope = median(slopes, count);
	out->points = n;
	fill_interval(out, slopes, count, trend_dependence(p, n, out->slope));
	return 0;
}
