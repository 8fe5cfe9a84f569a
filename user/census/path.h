/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way from an object to a root, step by step, as text that can be read. */
#ifndef MEMWATCH_CENSUS_PATH_H
#define MEMWATCH_CENSUS_PATH_H

#include "census/edge.h"

/** path_step - the text of a reference; strings are interned in the heap's names */
void path_step(const struct graph *g, const struct edge *e, struct retainer_step *out);
/**
 * path_find - from the object at @from up to a root, into @out->steps
 *
 * What repeats is one step with a count; the middle of what is still too long is left out. Scopes
 * within scopes are one. Returns 0 or -ENOMEM.
 */
int path_find(const struct graph *g, uint64_t from, struct retainer *out);

#endif
