/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Owners of one object: in one pass over all, and in a second one the functions of those that are
 * scopes, if the tree does not lead to them by a function.
 */
#include "census/owners.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "census/node.h"
#include "census/path.h"

#define CANCEL_MASK 0xffffu
#define NAMED_MAX   4096u /* references, of which many may have the same name */

struct owners {
	const struct graph *g;
	struct retainer *out;
	uint64_t container;
	uint64_t parent;		      /* its owner on the path to a root; 0: none */
	uint64_t holder;		      /* that is looked at */
	uint64_t contexts[CENSUS_OWNERS_MAX]; /* by owner: whose function is still to be found */
	unsigned missing;
	unsigned seen; /* references */
};

static void put_function(struct heap *h, uint64_t function, struct retainer_step *step)
{
	char text[2 * NODE_NAME];
	struct node node;

	node_describe(h, function, &node);
	snprintf(text, sizeof(text), "scope of %s", node.name);
	step->node = intern_str(h->names, text);
	step->file = node.file;
	step->line = node.line;
}

static bool is_scope(struct heap *h, uint64_t addr)
{
	const struct heap_map *map = heap_map_of(h, addr);

	return map && heap_is_context(h, map) && !node_is_realm(h, addr);
}

/* The variables around a function are known by the function. */
static void find_scope(struct owners *o, const struct edge *e, unsigned i)
{
	const struct graph *g = o->g;
	struct edge up;

	if (!is_scope(g->h, e->owner))
		return;
	if (edge_up(g, e->owner, &up) && edge_is_scope(g->h, &up) &&
	    heap_map_of(g->h, up.owner)->is_receiver) {
		put_function(g->h, up.owner, &o->out->owners[i]);
		return;
	}
	o->contexts[i] = e->owner;
	o->missing++;
}

/* Among the first @count of them */
static bool is_known_owner(const struct retainer *out, const struct retainer_step *step,
			   unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct retainer_step *o = &out->owners[i];

		if (o->edge == step->edge && o->node == step->node && o->file == step->file &&
		    o->line == step->line)
			return true;
	}
	return false;
}

static int on_owner(void *arg, uint64_t word, uint32_t index)
{
	struct owners *o = arg;
	struct retainer *out = o->out;
	struct retainer_step step;
	struct edge e;

	if (word != o->container + 1)
		return 0;
	if (++o->seen > NAMED_MAX) {
		out->owners_left_out++;
		return 0;
	}
	edge_from(o->g, o->container, o->holder, index, &e);
	path_step(o->g, &e, &step);
	/* Scopes are told apart by their functions, which are found later */
	if (!is_scope(o->g->h, e.owner) && is_known_owner(out, &step, out->owner_count))
		return 0;
	if (out->owner_count == CENSUS_OWNERS_MAX) {
		out->owners_left_out++;
		return 0;
	}
	out->owners[out->owner_count] = step;
	if (e.owner != o->parent) /* whose scope that is, the path tells */
		find_scope(o, &e, out->owner_count);
	out->owner_count++;
	return 0;
}

static int on_function(void *arg, uint64_t addr, const struct heap_map *map)
{
	struct owners *o = arg;
	struct heap *h = o->g->h;
	uint64_t context;

	if (!map->is_receiver || !heap_is_function(h, addr, map))
		return 0;
	context = heap_word(h, addr, (uint32_t)h->layout->offsets.function_context) - 1;
	for (unsigned i = 0; i < CENSUS_OWNERS_MAX; i++) {
		if (o->contexts[i] != context)
			continue;
		put_function(h, addr, &o->out->owners[i]);
		o->contexts[i] = 0;
		o->missing--;
	}
	return !o->missing;
}

/* Scopes of one function, as each call of it has its own, are one owner. */
static void merge(struct retainer *out)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < out->owner_count; i++) {
		struct retainer_step step = out->owners[i];

		if (!is_known_owner(out, &step, kept))
			out->owners[kept++] = step;
	}
	out->owner_count = kept;
}

int owners_find(const struct graph *g, uint64_t container, const uint64_t *inside,
		struct retainer *out)
{
	struct heap *h = g->h;
	struct owners o = {.g = g, .out = out, .container = container};
	struct edge up;

	if (edge_up(g, container, &up))
		o.parent = up.owner;
	for (uint32_t i = 0; i < g->early; i++) {
		const struct heap_map *map;
		uint32_t id;

		o.holder = graph_at(g, i);
		if (!(i & CANCEL_MASK) && h->cancelled && h->cancelled(h->arg))
			return -ECANCELED;
		map = heap_map_of(h, o.holder);
		id = graph_id(g, o.holder);
		if (map && !graph_is_late(g, map) && !(inside[id >> 6] >> (id & 63) & 1))
			heap_for_each_reference(h, o.holder, map, on_owner, &o);
	}
	if (o.missing)
		heap_for_each_live(h, on_function, &o);
	merge(out);
	return 0;
}
