/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths. A linked list can make one of millions of references: only those at both ends are named,
 * the ones between count as repetitions if they are within a row of such.
 */
#include "census/path.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "census/node.h"
#include "v8/v8_scope_info.h"

#define ENDS		1024u /* references that are named, at each end of a long path */
#define SCOPE_INFO_WORD 2u    /* of a Context */
#define SCOPES_MAX	64u   /* within one another */
#define PERIOD_MAX	4u    /* steps that may repeat together */
#define TIMES_MIN	3u    /* so often, or they are told one by one */

struct path {
	const struct graph *g;
	struct edge *edges; /* the first ENDS, then a ring of the last */
	uint64_t count;
	struct retainer_step *steps;
	unsigned step_count;
	unsigned gap;  /* before this step ... */
	uint64_t left; /* ... so many are missing */
};

/* A function that has the Context as its scope, or one within it; 0: none on the way to a root. */
static uint64_t function_of(const struct graph *g, uint64_t context)
{
	struct edge e;

	for (unsigned i = 0; i < SCOPES_MAX && edge_up(g, context, &e); i++) {
		const struct heap_map *map = heap_map_of(g->h, e.owner);

		if (!map || !edge_is_scope(g->h, &e))
			break;
		if (node_is_suspended(g->h, e.owner, map))
			return heap_word(g->h, e.owner, 8 * NODE_FUNCTION) - 1;
		if (!heap_is_context(g->h, map))
			return e.owner;
		context = e.owner;
	}
	return 0;
}

/* Where a Context's variables are declared: in the function that it was made for. */
static void place_context(const struct graph *g, uint64_t context, struct retainer_step *out)
{
	struct heap *h = g->h;
	uint64_t function = function_of(g, context);
	struct v8_function *fn = function ? heap_function(h, function) : NULL;
	char name[NODE_NAME];
	int32_t position;

	if (!fn || !fn->script)
		return;
	out->file = fn->script->file;
	if (!v8_scope_info_read(&h->v8, heap_word(h, context, 8 * SCOPE_INFO_WORD), name,
				sizeof(name), &position) &&
	    position > 0) /* else it is the file */
		out->line = v8_function_position_line(&h->functions, fn, position);
}

void path_step(const struct graph *g, const struct edge *e, struct retainer_step *out)
{
	const struct heap_map *map = heap_map_of(g->h, e->owner);
	char name[NODE_NAME];
	struct node node;

	edge_name(g, e, name, sizeof(name));
	node_describe(g->h, e->owner, &node);
	out->edge = intern_str(g->h->names, name);
	out->node = intern_str(g->h->names, node.name);
	out->file = node.file;
	out->line = node.line;
	if (map && heap_is_context(g->h, map))
		place_context(g, e->owner, out);
}

/* ---- which references ---- */

static bool is_outer_scope(const struct path *p, const struct edge *e)
{
	const struct heap_map *map = heap_map_of(p->g->h, e->owner);

	return map && heap_is_context(p->g->h, map) && edge_is_scope(p->g->h, e);
}

/* Returns the object that has no parent. */
static uint64_t walk(struct path *p, uint64_t at)
{
	struct edge e;

	/* Parents come before their children in the graph's order: this ends */
	for (; edge_up(p->g, at, &e); at = e.owner) {
		if (is_outer_scope(p, &e))
			continue;
		p->edges[p->count < ENDS ? p->count : ENDS + p->count % ENDS] = e;
		p->count++;
	}
	return at;
}

static void name_all(struct path *p)
{
	uint64_t tail = p->count > 2 * ENDS ? p->count - ENDS : ENDS;

	for (uint64_t i = 0; i < p->count && i < ENDS; i++)
		path_step(p->g, &p->edges[i], &p->steps[p->step_count++]);
	p->gap = p->step_count;
	p->left = p->count > 2 * ENDS ? p->count - 2 * ENDS : 0;
	for (uint64_t i = tail; i < p->count; i++)
		path_step(p->g, &p->edges[ENDS + i % ENDS], &p->steps[p->step_count++]);
}

static void add_root(struct path *p, uint64_t root)
{
	struct heap *h = p->g->h;
	if (node_is_realm(h, root))
		return;
	p->steps[p->step_count++] = (struct retainer_step){
		.edge = intern_str(h->names, "a handle"),
		.node = intern_str(h->names, "native code"),
	};
}

/* ---- the same in fewer steps ---- */

/* "[3]" of "Array", ".children" of something: ".children[3]" of it. */
static void join_arrays(struct path *p)
{
	struct intern *names = p->g->h->names;
	const char *array = intern_str(names, "Array");
	unsigned n = 0;

	for (unsigned i = 0; i < p->step_count; i++) {
		struct retainer_step *s = &p->steps[i];

		if (i == p->gap)
			p->gap = n;
		if (i + 1 < p->step_count && i + 1 != p->gap && s->node == array &&
		    *s->edge == '[' && *s[1].edge == '.') {
			char edge[2 * NODE_NAME];

			snprintf(edge, sizeof(edge), "%s%s", s[1].edge, s->edge);
			s[1].edge = intern_str(names, edge);
			continue;
		}
		p->steps[n++] = *s;
	}
	if (p->gap > n)
		p->gap = n;
	p->step_count = n;
}

/* The same but for numbers in brackets. */
static bool is_same_edge(const char *a, const char *b)
{
	while (*a && *a == *b) {
		bool bracket = *a == '[';

		a++;
		b++;
		while (bracket && isdigit((unsigned char)*a))
			a++;
		while (bracket && isdigit((unsigned char)*b))
			b++;
	}
	return *a == *b;
}

static bool is_same(const struct retainer_step *a, const struct retainer_step *b)
{
	return a->node == b->node && (a->edge == b->edge || is_same_edge(a->edge, b->edge));
}

/* How often @period steps from @i on come one after another. */
static unsigned times_of(const struct path *p, unsigned i, unsigned period)
{
	unsigned n = period;

	while (i + n < p->step_count && is_same(&p->steps[i + n], &p->steps[i + n - period]))
		n++;
	return n / period;
}

static void fold(struct path *p)
{
	struct intern *names = p->g->h->names;
	unsigned out = 0, i = 0;

	while (i < p->step_count) {
		uint64_t times = 0;
		unsigned period = 1, steps;
		char edge[2 * NODE_NAME];

		while (period <= PERIOD_MAX && (times = times_of(p, i, period)) < TIMES_MIN)
			period++;
		if (period > PERIOD_MAX) {
			p->steps[out++] = p->steps[i++];
			continue;
		}
		steps = (unsigned)times * period;
		if (p->left && i < p->gap && p->gap <= i + steps) {
			times += p->left / period;
			p->left = 0;
		}
		memmove(&p->steps[out], &p->steps[i], period * sizeof(*p->steps));
		out += period;
		if (period == 1)
			snprintf(edge, sizeof(edge), "%s × %llu", p->steps[out - 1].edge,
				 (unsigned long long)times);
		else
			snprintf(edge, sizeof(edge), "%s (these %u steps × %llu)",
				 p->steps[out - 1].edge, period, (unsigned long long)times);
		p->steps[out - 1].edge = intern_str(names, edge);
		i += steps;
	}
	p->step_count = out;
}

static void keep(const struct path *p, struct retainer *out)
{
	unsigned n = p->step_count;

	out->steps_left_out = (unsigned)p->left;
	if (n > CENSUS_STEPS_MAX) {
		out->steps_left_out += n - CENSUS_STEPS_MAX;
		n = CENSUS_STEPS_MAX;
	}
	memcpy(out->steps, p->steps, n * sizeof(*p->steps));
	if (n)
		out->steps[n - 1] = p->steps[p->step_count - 1];
	out->step_count = n;
}

int path_find(const struct graph *g, uint64_t from, struct retainer *out)
{
	struct path p = {.g = g};
	int err = -ENOMEM;

	p.edges = calloc(2 * ENDS, sizeof(*p.edges));
	p.steps = calloc(2 * ENDS + 1, sizeof(*p.steps));
	if (p.edges && p.steps) {
		uint64_t root = walk(&p, from);

		name_all(&p);
		add_root(&p, root);
		join_arrays(&p);
		fold(&p);
		keep(&p, out);
		err = 0;
	}
	free(p.edges);
	free(p.steps);
	return err;
}
