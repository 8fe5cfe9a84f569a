/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which limit a growth meets first, and when. */
#ifndef MEMWATCH_ANALYSIS_LIMIT_H
#define MEMWATCH_ANALYSIS_LIMIT_H

#include "model/limit.h"

/** limit_seconds - until @l is met at @slope bytes per second; 0: it is; INFINITY: never */
double limit_seconds(const struct limit *l, double slope);

/**
 * limit_first - the one of @count that is met first at @slope bytes per second
 * @seconds: until then; only with a result
 *
 * NULL if there is none, or nothing grows.
 */
const struct limit *limit_first(const struct limit *limits, unsigned count, double slope,
				double *seconds);

/** limit_kind_name - "memory.high", "memory.max", "v8-heap", "machine"; "none" */
const char *limit_kind_name(enum limit_kind kind);
/** limit_kind_parse - the kind of that name; LIMIT_NONE for others */
enum limit_kind limit_kind_parse(const char *name);

#endif
