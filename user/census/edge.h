/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * References between objects as a developer knows them: a Map's value is kept by the Map, not by
 * the table that V8 keeps its entries in; a property by its object, not by the object's
 * PropertyArray.
 */
#ifndef MEMWATCH_CENSUS_EDGE_H
#define MEMWATCH_CENSUS_EDGE_H

#include "census/graph.h"

#define EDGE_PARTS 4 /* objects between what is kept and who keeps it */
#define EDGE_KEY                                                                                   \
	UINT32_MAX /* in place of a word: not a reference; the key of a WeakMap's entry            \
		    */

struct edge {
	uint64_t to;
	uint64_t owner;
	/* Objects that @owner is made of: @parts[0] refers to @to, the last is what @owner refers
	   to; with none of them @owner refers to @to */
	uint64_t parts[EDGE_PARTS];
	unsigned part_count;
	uint32_t word; /* of @parts[0], or @owner, that refers to @to */
};

/** edge_up - how the parent of @to, or what that is a part of, refers to it; false: it has none */
bool edge_up(const struct graph *g, uint64_t to, struct edge *out);
/** edge_from - the same for word @word of @holder, which refers to @to */
void edge_from(const struct graph *g, uint64_t to, uint64_t holder, uint32_t word,
	       struct edge *out);
/** edge_is_scope - from a function (also one that waits) to the variables around it, or from these
 *  to the ones around them */
bool edge_is_scope(struct heap *h, const struct edge *e);
/**
 * edge_name - "variable `handleMap`", ".exports", "[3]", "value of an entry" ...
 *
 * Names that code gives are told, keys of dictionaries and Maps only with h->show_values.
 */
void edge_name(const struct graph *g, const struct edge *e, char *out, size_t size);

#endif
