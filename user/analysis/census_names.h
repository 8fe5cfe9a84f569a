/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Constructors by the name that a user gives, as he remembers it. */
#ifndef MEMWATCH_ANALYSIS_CENSUS_NAMES_H
#define MEMWATCH_ANALYSIS_CENSUS_NAMES_H

#include "model/census.h"

/**
 * census_find - the constructors that are called exactly @name, in the order of the census
 *
 * There may be several: of one name in two files, or in two isolates. Returns how many, at most
 * @max.
 */
unsigned census_find(const struct census *c, const char *name, const struct constructor **out,
		     unsigned max);

/**
 * census_suggest - the name that may have been meant by @name, which is none
 *
 * The same in another case, else one that contains it or is spelled like it; of these the one with
 * most bytes. NULL if there is nothing like it.
 */
const char *census_suggest(const struct census *c, const char *name);

#endif
