/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Owners of one object: in one pass over all, and in a second one the functions of those that are
 * scopes.
 *
 * Of several functions in one scope those are told that call the container's own method to put
 * something into it, as far as it is known from their bytecode's constants: they are whom one looks
 * for. Else the one that the tree leads to, or any.
 *
 * LIMITATIONS: constants tell that a method of this name is called, not of what.
 */
#include "census/owners.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "census/heap_internal.h"
#include "census/node.h"
#include "census/path.h"

#define CANCEL_MASK 0xffffu
#define NAMED_MAX   4096u /* references, of which many may have the same name */
#define METHOD_NAME 16	  /* bytes, with its NUL: longer names are none of method_of() */
#define INSERTERS   3	  /* of one scope; what comes after is not named */

/* Functions of a scope that call the method, and what they are called together. */
struct inserters {
	uint64_t shared[INSERTERS]; /* so that closures of one function count once */
	unsigned count;
	char text[(INSERTERS + 1) * NODE_NAME];
};

struct owners {
	const struct graph *g;
	struct retainer *out;
	uint64_t container;
	uint64_t parent;		      /* its owner on the path to a root; 0: none */
	uint64_t holder;		      /* that is looked at */
	uint64_t contexts[CENSUS_OWNERS_MAX]; /* by owner: whose function is still to be found */
	bool has_function[CENSUS_OWNERS_MAX]; /* one of them is known, if not the best */
	bool is_in_path[CENSUS_OWNERS_MAX];   /* it is the first step there */
	struct inserters inserters[CENSUS_OWNERS_MAX];
	unsigned missing;
	const char *method; /* by which something is put into the container; NULL: unknown */
	uint64_t asked;	    /* SharedFunctionInfo that was looked at last: closures may be many */
	bool answer;	    /* of calls_method() */
	unsigned seen;	    /* references */
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

/* --- who puts something into it --- */

static const char *method_of(const char *container)
{
	static const struct {
		const char *container, *method;
	} methods[] = {
		{"Map", "set"},	    {"WeakMap", "set"}, {"Set", "add"},
		{"WeakSet", "add"}, {"Array", "push"},
	};

	for (size_t i = 0; container && i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(container, methods[i].container))
			return methods[i].method;
	}
	return NULL;
}

static int on_constant(void *arg, uint64_t word, uint32_t index)
{
	const struct owners *o = arg;
	char name[METHOD_NAME];

	(void)index;
	return heap_name_string(o->g->h, word, name, sizeof(name)) && !strcmp(name, o->method);
}

/* Constants of a bytecode are in an array of its own. */
static int on_constants(void *arg, uint64_t word, uint32_t index)
{
	const struct owners *o = arg;
	const struct heap_map *map = heap_map_of(o->g->h, heap_untag(word));

	(void)index;
	return map ? heap_for_each_reference(o->g->h, heap_untag(word), map, on_constant, arg) : 0;
}

static bool calls_method(struct owners *o, const struct v8_function *fn)
{
	struct heap *h = o->g->h;
	const struct heap_map *map;
	uint64_t code;

	if (o->asked == fn->shared)
		return o->answer;
	code = v8_function_bytecode_array(&h->functions, fn);
	map = code ? heap_map_of(h, heap_untag(code)) : NULL;
	o->asked = fn->shared;
	o->answer = map && heap_for_each_reference(h, heap_untag(code), map, on_constants, o);
	return o->answer;
}

/* The owner @i is told by @function, beside others, if that puts something into it. */
static bool put_inserter(struct owners *o, unsigned i, uint64_t function)
{
	struct heap *h = o->g->h;
	const struct v8_function *fn = o->method ? heap_function(h, function) : NULL;
	struct inserters *in = &o->inserters[i];
	struct node node;
	size_t len = strlen(in->text);

	for (unsigned k = 0; fn && k < in->count; k++) {
		if (in->shared[k] == fn->shared)
			return true;
	}
	if (!fn || !calls_method(o, fn))
		return false;
	if (in->count == INSERTERS)
		return true;
	if (!in->count)
		put_function(h, function, &o->out->owners[i]);
	in->shared[in->count++] = fn->shared;
	node_describe(h, function, &node);
	snprintf(in->text + len, sizeof(in->text) - len, "%s%s", len ? ", " : "scope of ",
		 node.name);
	o->out->owners[i].node = intern_str(h->names, in->text);
	return true;
}

/* --- scopes --- */

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
		o->has_function[i] = true;
		if (!o->method)
			return;
	}
	o->contexts[i] = e->owner;
	o->missing++;
}

/* Whose scope it is the path tells; who puts something into it, it does not. */
static void find_inserters(struct owners *o, uint64_t scope, unsigned i)
{
	o->is_in_path[i] = o->has_function[i] = true;
	o->contexts[i] = scope;
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
	if (e.owner != o->parent)
		find_scope(o, &e, out->owner_count);
	else if (o->method && is_scope(o->g->h, e.owner))
		find_inserters(o, e.owner, out->owner_count);
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
		if (!put_inserter(o, i, addr) && !o->has_function[i])
			put_function(h, addr, &o->out->owners[i]);
		o->has_function[i] = true;
		if (o->method) /* there may be more that do it */
			continue;
		o->contexts[i] = 0;
		o->missing--;
	}
	return !o->missing;
}

/* The path's first step is told as the owner that it is. */
static void rename_in_path(const struct owners *o)
{
	for (unsigned i = 0; i < o->out->owner_count && o->out->step_count; i++) {
		if (o->is_in_path[i] && o->out->owners[i].edge == o->out->steps[0].edge)
			o->out->steps[0] = o->out->owners[i];
	}
}

/* Those that put something into it first. Scopes of one function, as each call of it has its own,
 * are one owner. */
static void merge(const struct owners *o)
{
	struct retainer *out = o->out;
	struct retainer_step all[CENSUS_OWNERS_MAX];
	unsigned count = out->owner_count;

	memcpy(all, out->owners, count * sizeof(all[0]));
	out->owner_count = 0;
	for (int inserters = 1; inserters >= 0; inserters--) {
		for (unsigned i = 0; i < count; i++) {
			if ((o->inserters[i].count > 0) == inserters &&
			    !is_known_owner(out, &all[i], out->owner_count))
				out->owners[out->owner_count++] = all[i];
		}
	}
}

int owners_find(const struct graph *g, uint64_t container, const uint64_t *inside,
		struct retainer *out)
{
	struct heap *h = g->h;
	struct owners o = {
		.g = g, .out = out, .container = container, .method = method_of(out->container)};
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
	rename_in_path(&o);
	merge(&o);
	return 0;
}
