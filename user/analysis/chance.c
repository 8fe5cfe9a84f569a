/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "analysis/chance.h"

#include <math.h>

double chance_normal(double z)
{
	return 0.5 * erfc(-z / M_SQRT2);
}

double chance_laplace(double z)
{
	return z < 0 ? 0.5 * exp(z) : 1 - 0.5 * exp(-z);
}

/* Of @n trials that succeed with @p, that fewer than @k do, and half of that just @k do. */
static double binomial_below(unsigned n, unsigned k, double p)
{
	double sum = 0;

	for (unsigned i = 0; i <= k; i++) {
		double ways = lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0);
		double chance = exp(ways + i * log(p) + (n - i) * log1p(-p));

		sum += i < k ? chance : chance / 2;
	}
	return fmin(sum, 1);
}

double chance_more(uint64_t a, double exposure_a, uint64_t b, double exposure_b)
{
	double p = exposure_b / (exposure_a + exposure_b), n = (double)a + (double)b;

	if (!(n > 0) || !(p > 0) || !(p < 1))
		return 0.5;
	if (n <= CHANCE_EXACT)
		return binomial_below((unsigned)n, (unsigned)b, p);
	return chance_normal(((double)b - n * p) / sqrt(n * p * (1 - p)));
}
