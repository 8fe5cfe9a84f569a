/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether something has stopped growing, which is more than not being seen to grow. */
#ifndef MEMWATCH_ANALYSIS_PLATEAU_H
#define MEMWATCH_ANALYSIS_PLATEAU_H

#include <stdbool.h>

#include "analysis/trend.h"

#define PLATEAU_MIN_POINTS 5

/**
 * plateau_holds - that it grows by no more than @tolerance bytes per second, tested
 * @before: what it grew by before, bytes per second; 0: it did not
 *
 * One side of the equivalence test (Schuirmann 1987): the whole interval of the slope must be below
 * what is tolerated and, after a growth, below a quarter of that. Few or noisy points have a wide
 * interval, and hold no plateau.
 */
bool plateau_holds(const struct trend *t, double tolerance, double before);

#endif
