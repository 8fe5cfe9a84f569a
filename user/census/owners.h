/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All that refer to an object. */
#ifndef MEMWATCH_CENSUS_OWNERS_H
#define MEMWATCH_CENSUS_OWNERS_H

#include "census/graph.h"

/**
 * owners_find - who refers to @container, into @out->owners
 * @inside: a bit by id: objects that @container keeps. That they point back at it keeps nothing
 *
 * Those whose functions put something into it first, as far as their bytecode tells. Scopes are
 * told by these functions ("scope of function add, function set"), or else one that has them; V8's
 * bookkeeping is left out. If the first step of the path to a root is a scope, it is told so, too.
 * O(live objects).
 * Returns 0 or -ECANCELED.
 */
int owners_find(const struct graph *g, uint64_t container, const uint64_t *inside,
		struct retainer *out);

#endif
