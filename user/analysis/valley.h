/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a series comes back to. Memory that is taken and given back makes it saw; what is kept
 * shows in its minima. For these to say something, each must be taken over a whole tooth.
 */
#ifndef MEMWATCH_ANALYSIS_VALLEY_H
#define MEMWATCH_ANALYSIS_VALLEY_H

#include "analysis/series.h"
#include "analysis/trend.h"

/**
 * valley_floor - the minimum of each of @blocks equal stretches from @from_ns to the newest point
 * @out: at least @blocks; seconds since @from_ns, at the time of the minimum
 *
 * Stretches without a point (a gap) are left out. As many stretches as points are one for each
 * that does not follow another at once: full collections come unevenly. Returns how many there are.
 */
unsigned valley_floor(const struct series *s, uint64_t from_ns, unsigned blocks,
		      struct trend_point *out);

struct valley_cycles {
	unsigned count;	   /* falls that turned into a rise again */
	double longest_s;  /* longest time from one bottom to the next, the first from @from_ns */
	double given_back; /* the largest fall from a high to a later low, bytes */
	double low, high;  /* the least and the greatest value */
};

/**
 * valley_cycles - how the series goes up and down from @from_ns up to, not including, @to_ns
 *
 * A fall and a rise count if they are at least a third of the largest fall. All 0 without a point.
 */
void valley_cycles(const struct series *s, uint64_t from_ns, uint64_t to_ns,
		   struct valley_cycles *out);

#endif
