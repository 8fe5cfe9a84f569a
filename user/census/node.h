/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an object is, in a few words. */
#ifndef MEMWATCH_CENSUS_NODE_H
#define MEMWATCH_CENSUS_NODE_H

#include "census/heap.h"

#define NODE_NAME 256

/* Words of a JSGeneratorObject and what is derived of it (V8 7.8 - 14.6) */
enum { NODE_FUNCTION = 3, NODE_SCOPE, NODE_THIS };

struct node {
	char name[NODE_NAME]; /* "Map", "function open", "Context", "{open, size}" ... */
	const char *file;     /* interned; NULL: none known */
	uint32_t line;	      /* 0: unknown */
};

/** node_describe - of the live object at @addr. Contents of strings are not told */
void node_describe(struct heap *h, uint64_t addr, struct node *out);
/** node_is_suspended - a generator or a call of an async function, which waits */
bool node_is_suspended(struct heap *h, uint64_t addr, const struct heap_map *map);
/** node_is_store - an object of V8's that others keep elements, properties or entries in */
bool node_is_store(const struct heap *h, const struct heap_map *map);
/** node_is_realm - a global object, or the NativeContext that it belongs to */
bool node_is_realm(struct heap *h, uint64_t addr);
/** node_is_type - its instance type has this name in V8's metadata */
bool node_is_type(const struct heap *h, const struct heap_map *map, const char *name);

#endif
