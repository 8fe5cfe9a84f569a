/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From two censuses of a process that leaks: which constructors, and who keeps them. */
#ifndef MEMWATCH_ANALYSIS_CENSUS_KEPT_H
#define MEMWATCH_ANALYSIS_CENSUS_KEPT_H

#include "analysis/census_diff.h"
#include "model/kept.h"

/**
 * census_kept - the growers of @d since its first census, with their retainers in its last one
 * @out: overwritten; refers to nothing
 */
void census_kept(const struct census_diff *d, struct kept *out);

#endif
