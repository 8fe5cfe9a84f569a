/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a profile is made of: things that are there once and referred to by number, and memory that
 * is given back all at once. Out of memory is remembered: callers ask at the end.
 */
#ifndef MEMWATCH_OUTPUT_PPROF_TABLE_H
#define MEMWATCH_OUTPUT_PPROF_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hmap.h"

struct pprof_block;

struct pprof_pool {
	struct pprof_block *blocks;
	int err; /* 0 or -ENOMEM */
};

/** pprof_alloc - zeroed, until pprof_pool_release(). NULL with @p->err set */
void *pprof_alloc(struct pprof_pool *p, size_t size);
void pprof_pool_release(struct pprof_pool *p);

/* Things by what they are equal by, numbered from 1 as they come. */
struct pprof_table {
	struct pprof_pool *pool;
	struct hmap by_key;
	void **items; /* @count of them, for the caller to fill in */
	size_t count, room;
};

/** pprof_table_init - memory is that of @pool; 0 or -ENOMEM */
int pprof_table_init(struct pprof_table *t, struct pprof_pool *pool);
void pprof_table_release(struct pprof_table *t);
/**
 * pprof_table_get - the number of what has this key
 * @is_new: set if it has come first now; then its item is the key's copy, NUL-terminated
 *
 * Returns 0 when out of memory.
 */
uint64_t pprof_table_get(struct pprof_table *t, const void *key, size_t len, bool *is_new);
/** pprof_table_add - what is equal to nothing; false when out of memory */
bool pprof_table_add(struct pprof_table *t, void *item);

#endif
