/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How likely it is that of two amounts the second is really the larger one. */
#ifndef MEMWATCH_ANALYSIS_CHANCE_H
#define MEMWATCH_ANALYSIS_CHANCE_H

#include <stdint.h>

/** chance_normal - of a normal distribution, that a value is below @z standard deviations */
double chance_normal(double z);

/** chance_laplace - the same of Laplace's, whose tails are heavier; @z: in its scale */
double chance_laplace(double z);

/**
 * chance_more - that the rate behind @b samples is greater than that behind @a
 * @a, @b: samples, each counted by chance (Poisson)
 * @exposure_a, @exposure_b: how many there would be of each if the rates were the same, in any
 *                           common unit; > 0
 *
 * Given how many there are in all, those of b are binomial if the rates are the same (Przyborowski
 * and Wilenski 1940, "Homogeneity of Results in Testing Samples from Poisson Series"); half of the
 * chance of just so many counts (mid-p), so that equal amounts give 0.5. Past CHANCE_EXACT samples
 * by the normal distribution.
 */
double chance_more(uint64_t a, double exposure_a, uint64_t b, double exposure_b);

#define CHANCE_EXACT 1000

#endif
