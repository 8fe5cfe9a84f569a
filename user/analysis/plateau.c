/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The plateau test. */
#include "analysis/plateau.h"

#include <math.h>

#define STOPPED_SHARE 4 /* what goes on at less than one in so many of its rate has stopped */

bool plateau_holds(const struct trend *t, double tolerance, double before)
{
	if (t->points < PLATEAU_MIN_POINTS)
		return false;
	if (before > 0)
		tolerance = fmin(tolerance, before / STOPPED_SHARE);
	return t->high <= tolerance;
}
