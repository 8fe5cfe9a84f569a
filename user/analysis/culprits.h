/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which growth sites explain a verdict. */
#ifndef MEMWATCH_ANALYSIS_CULPRITS_H
#define MEMWATCH_ANALYSIS_CULPRITS_H

#include "analysis/sites.h"
#include "analysis/verdict.h"

/**
 * culprits_find - the likeliest sites of what a verdict of @class is about, best first
 * @t:   NULL: no stacks are taken; none then
 * @out: at least @max
 *
 * Of the kinds of growth that the class is about, the ones that are most direct and were sampled:
 * what survives V8's collections before who touched a page first. What the runtime does of its own
 * accord is nobody's fault and not among them, nor is what keeps nothing.
 * Returns how many; none for classes of which no code is the cause. They point into @t: until its
 * next tick.
 */
unsigned culprits_find(enum verdict_class class, const struct site_table *t, struct site_group *out,
		       unsigned max);

#endif
