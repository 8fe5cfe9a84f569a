/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* MSER on what a line leaves. */
#include "analysis/warmup.h"

#include <math.h>

#include "analysis/line.h"

#define GAIN_MIN 2

unsigned warmup_end(const struct trend_point *p, unsigned n, double quantum, double min_span_s)
{
	double uncut = 0, least = HUGE_VAL;
	struct line_sums sums = {0};
	unsigned end = 0;

	for (unsigned left = 1; left <= n; left++) {
		double error;

		line_add(&sums, &p[n - left]);
		if (left < WARMUP_MIN_POINTS || p[n - 1].s - p[n - left].s < min_span_s)
			continue;
		error = (line_squares(&sums) + quantum * quantum * left) / ((double)left * left);
		if (error <= least) {
			least = error;
			end = n - left;
		}
		uncut = error;
	}
	return least * GAIN_MIN <= uncut ? end : 0;
}
