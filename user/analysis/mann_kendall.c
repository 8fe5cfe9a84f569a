/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mann-Kendall's test. S is the number of pairs that rise less the number of those that fall. */
#include "analysis/mann_kendall.h"

#include <math.h>
#include <stdbool.h>

#define EXACT_MAX	10
#define EXACT_PAIRS_MAX (EXACT_MAX * (EXACT_MAX - 1) / 2)

static int kendall_s(const struct trend_point *p, unsigned n)
{
	int s = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n; j++)
			s += (p[j].bytes > p[i].bytes) - (p[j].bytes < p[i].bytes);
	return s;
}

/* Of S, over all orders of the values; each group of t equal ones takes t (t - 1) (2t + 5) off. */
static double kendall_variance(const struct trend_point *p, unsigned n, bool *has_ties)
{
	double sum = (double)n * (n - 1) * (2.0 * n + 5);

	*has_ties = false;
	for (unsigned i = 0; i < n; i++) {
		unsigned before = 0, t = 1;

		for (unsigned j = 0; j < i; j++)
			before += p[j].bytes == p[i].bytes;
		for (unsigned j = i + 1; j < n; j++)
			t += p[j].bytes == p[i].bytes;
		if (before || t == 1) /* counted with the first of its group */
			continue;
		*has_ties = true;
		sum -= (double)t * (t - 1) * (2.0 * t + 5);
	}
	return sum / 18;
}

/*
 * Orders of n values by how many pairs fall: the n-th value put in at each of its n places makes
 * 0 to n - 1 more of them. S >= s: no more than (pairs - s) / 2 fall.
 */
static double exact_probability(unsigned n, int s)
{
	double ways[EXACT_PAIRS_MAX + 1] = {1}, all = 1, sum = 0;
	int pairs = n * (n - 1) / 2, falling = (pairs - s) / 2;

	for (int k = 2; k <= (int)n; k++) {
		all *= k;
		for (int f = pairs; f >= 0; f--)
			for (int more = 1; more < k && more <= f; more++)
				ways[f] += ways[f - more];
	}
	for (int f = 0; f <= falling; f++)
		sum += ways[f];
	return sum / all;
}

double mann_kendall(const struct trend_point *p, unsigned n, double dependence)
{
	double variance, z;
	bool has_ties;
	int s;

	if (n > TREND_MAX) {
		p += n - TREND_MAX;
		n = TREND_MAX;
	}
	if (n < 2)
		return 1;
	s = kendall_s(p, n);
	variance = kendall_variance(p, n, &has_ties);
	if (!(variance > 0))
		return 1;
	if (n <= EXACT_MAX && !has_ties && dependence <= 1)
		return exact_probability(n, s);
	z = (s - 1) / sqrt(variance * fmax(dependence, 1)); /* S is discrete: P(S >= s) */
	return erfc(z / sqrt(2)) / 2;
}
