/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who keeps the objects of a constructor: the container that most of them are reached through, the
 * path from it to a root, and all that own it.
 */
#ifndef MEMWATCH_CENSUS_RETAIN_H
#define MEMWATCH_CENSUS_RETAIN_H

#include "census/heap.h"

struct retain;

/**
 * retain_new - the tree of shortest paths from the roots to all live objects of a marked and
 *              tallied heap
 *
 * 12 bytes an object, until retain_free(). NULL with errno set: ENOMEM, ECANCELED.
 */
struct retain *retain_new(struct heap *h);
/** retain_free - takes NULL */
void retain_free(struct retain *r);
/**
 * retain_find - of the objects of group @group in @isolate
 * @out: its strings are interned in h->names
 *
 * With no one container (or a single object) @out->share is 0, and its path that of one object.
 * Returns 0; -ENOENT if there are none; -ENOMEM, -ECANCELED.
 */
int retain_find(struct retain *r, uint32_t group, unsigned isolate, struct retainer *out);

#endif
