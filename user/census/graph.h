/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The live objects of a heap as a tree: each has the object as its parent that it is reached from
 * by a shortest path, from what JavaScript itself begins at: global objects first, then the realms'
 * other state, then whatever else native memory refers to. V8's bookkeeping (Maps, code, feedback)
 * is a way to an object only if there is no other.
 *
 * Objects have ids: their number by address. Isolates are apart: references from one to another are
 * none. What a WeakMap holds has the key as its parent, whose life it shares.
 */
#ifndef MEMWATCH_CENSUS_GRAPH_H
#define MEMWATCH_CENSUS_GRAPH_H

#include "census/heap.h"

#define GRAPH_NONE UINT32_MAX	    /* in place of an id: not reached */
#define GRAPH_ROOT (UINT32_MAX - 1) /* not an object refers to it, but native memory */

struct graph {
	struct heap *h;
	uint32_t count;	   /* live objects */
	uint32_t *parents; /* by id: an id, GRAPH_ROOT or GRAPH_NONE */
	uint32_t *order;   /* places of objects as they were reached: parents before children */
	uint32_t reached;
	uint32_t early; /* of @reached: not by what V8's bookkeeping (Maps, code ...) refers to */
	/* A place is a word of the heap: (number of its chunk) * (words of a chunk) + its word */
	uint32_t *first_chunk, *chunk_page; /* of each page; of each chunk */
	uint64_t *tables;		    /* of WeakMaps and WeakSets, reached */
	size_t table_count, table_cap;
	bool is_late[CENSUS_TYPES]; /* V8's bookkeeping */
	uint32_t *late;		    /* of @order: bookkeeping that was put off */
	size_t late_count, late_cap;
	int err;
};

/**
 * graph_init - of a marked heap
 * @g: zeroed
 *
 * 8 bytes an object, and 1 % of the heap. Returns 0, -ENOMEM (also for more than 32 GiB of pages),
 * -ECANCELED; graph_release() in any case.
 */
int graph_init(struct graph *g, struct heap *h);
void graph_release(struct graph *g);

/** graph_id - of the live object at @addr; GRAPH_NONE if there is none */
uint32_t graph_id(const struct graph *g, uint64_t addr);
/** graph_address - of a live object. O(log n) */
uint64_t graph_address(const struct graph *g, uint32_t id);
/** graph_parent - the address of an object's parent; 0: it has none (a root, or not reached) */
uint64_t graph_parent(const struct graph *g, uint64_t addr);
/** graph_is_late - of V8's bookkeeping: Maps, code, feedback */
bool graph_is_late(const struct graph *g, const struct heap_map *map);
/** graph_weak_map - the WeakMap that has an entry of that key and value; 0: none */
uint64_t graph_weak_map(const struct graph *g, uint64_t key, uint64_t value);
/** graph_at - the address of the object that was reached as number @i of g->reached */
uint64_t graph_at(const struct graph *g, uint32_t i);

#endif
