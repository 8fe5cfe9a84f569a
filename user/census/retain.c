/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who keeps the objects of a constructor.
 *
 *   1. At most SAMPLES of them, evenly over the heap.
 *   2. How many of their paths to a root each object is on: the paths join and form a tree, whose
 *      nodes are listed once each, so that a list of a million is walked once.
 *   3. The container: the deepest object of another constructor that is on half of the paths; the
 *      object that a developer knows, in place of V8's table in it. Of a linked list, whose deepest
 *      such object is somewhere in its middle: the head.
 *   4. What the tree has below it, the path from it to a root, and all that refer to it.
 *
 * LIMITATIONS: of two containers that hold the same objects the one is named that is nearer to a
 * root; @count and @bytes are what is reached through it first, which may be reached otherwise.
 */
#include "census/retain.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "census/node.h"
#include "census/owners.h"
#include "census/path.h"

#define SAMPLES	    4096u
#define LIST_GAP    24u /* references between two nodes of a list, at the most */
#define CANCEL_MASK 0xffffu
/* An instance that all others are below of is their container if it is on so many of the paths */
#define OWN_LIST_PCT  90u
#define OWN_LIST_MIN  3u    /* instances */
#define LIST_SAMPLES  64u   /* that are asked whether they are in a list */
#define LIST_STEPS    4096u /* from one to the head */
#define WEAK_SAMPLES  8u    /* that are asked whether it is a WeakMap that they are in */
#define WEAK_DISTANCE 32u   /* references from one to the container */
#define WIDER_PCT     105u  /* of another's paths: clearly more */
#define LIST_NODES    3u    /* that most paths have, of a list */

struct retain {
	struct graph g;
	uint16_t *through; /* by id: 0: not on a path; else 1 + how many samples' paths */
	uint32_t *touched; /* ids with @through, nearer to a root before farther */
	size_t touched_count, touched_cap;
	uint64_t *inside; /* a bit by id: below the container */
};

struct search {
	struct retain *r;
	uint32_t group;
	unsigned isolate;
	uint64_t looked_at, seen, stride;
	uint32_t samples[SAMPLES];
	unsigned count;
	uint64_t container;
	uint32_t container_id;
	bool is_list;
	struct retainer *out;
};

/* ---- samples ---- */

static void sample(struct search *s, uint32_t id)
{
	if (s->seen++ % s->stride)
		return;
	if (s->count == SAMPLES) { /* every second one, from here on too */
		for (unsigned i = 0; i < SAMPLES / 2; i++)
			s->samples[i] = s->samples[2 * i];
		s->count = SAMPLES / 2;
		s->stride *= 2;
		if ((s->seen - 1) % s->stride)
			return;
	}
	s->samples[s->count++] = id;
}

static int on_live(void *arg, uint64_t addr, const struct heap_map *map)
{
	struct search *s = arg;
	struct graph *g = &s->r->g;
	uint32_t id;

	if (!(++s->looked_at & CANCEL_MASK) && g->h->cancelled && g->h->cancelled(g->h->arg))
		return -ECANCELED;
	if (map->visit == HEAP_NOTHING || heap_page_of(g->h, addr)->isolate != s->isolate ||
	    heap_group_of(g->h, addr, map) != s->group)
		return 0;
	id = graph_id(g, addr);
	if (id != GRAPH_NONE && g->parents[id] != GRAPH_NONE)
		sample(s, id);
	return 0;
}

/* ---- paths of the samples ---- */

static int touch(struct retain *r, uint32_t id)
{
	if (r->touched_count == r->touched_cap) {
		size_t cap = r->touched_cap ? 2 * r->touched_cap : 8192;
		uint32_t *v = realloc(r->touched, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		r->touched = v;
		r->touched_cap = cap;
	}
	r->touched[r->touched_count++] = id;
	r->through[id] = 1;
	return 0;
}

/* The part of a path that no other one had before, turned round. */
static int touch_path(struct retain *r, uint32_t id)
{
	size_t first = r->touched_count, last;
	uint32_t at = id;

	for (; at < GRAPH_ROOT && !r->through[at]; at = r->g.parents[at]) {
		if (touch(r, at))
			return -ENOMEM;
	}
	r->through[id]++;
	for (last = r->touched_count; first + 1 < last; first++) {
		uint32_t swap = r->touched[first];

		r->touched[first] = r->touched[--last];
		r->touched[last] = swap;
	}
	return 0;
}

/* A path joins one that was touched before it: so from the end on, children come before parents. */
static int count_paths(struct search *s)
{
	struct retain *r = s->r;

	for (unsigned i = 0; i < s->count; i++) {
		if (touch_path(r, s->samples[i]))
			return -ENOMEM;
	}
	for (size_t i = r->touched_count; i-- > 0;) {
		uint32_t id = r->touched[i], parent = r->g.parents[id];

		if (parent < GRAPH_ROOT)
			r->through[parent] += (uint16_t)(r->through[id] - 1);
	}
	return 0;
}

static void forget_paths(struct retain *r)
{
	for (size_t i = 0; i < r->touched_count; i++)
		r->through[r->touched[i]] = 0;
	r->touched_count = 0;
}

static unsigned paths_through(const struct retain *r, uint32_t id)
{
	return id < GRAPH_ROOT && r->through[id] ? r->through[id] - 1u : 0;
}

/* ---- the container ---- */

static uint32_t group_of(struct retain *r, uint64_t addr)
{
	const struct heap_map *map = heap_map_of(r->g.h, addr);

	return map ? heap_group_of(r->g.h, addr, map) : HEAP_NO_GROUP;
}

/* The deepest object on half of the paths; of another constructor, if @other. */
static uint32_t deepest(const struct search *s, bool other)
{
	struct retain *r = s->r;
	unsigned least = s->count + 1;
	uint32_t best = GRAPH_NONE;

	for (size_t i = r->touched_count; i-- > 0;) {
		uint32_t id = r->touched[i];
		unsigned n = paths_through(r, id);

		if (2 * n < s->count || n >= least)
			continue;
		if (other && group_of(r, graph_address(&r->g, id)) == s->group)
			continue;
		least = n;
		best = id;
	}
	return best;
}

/*
 * The first node of the list that the object is a node of: the last one upwards that is like it.
 * Objects whose properties are a dictionary are all of one constructor, also the global one: they
 * are not alike.
 */
static uint64_t list_head(struct retain *r, uint64_t addr)
{
	const struct heap_map *map = heap_map_of(r->g.h, addr);
	uint32_t group = group_of(r, addr);
	uint64_t head = addr, at = addr;

	for (unsigned gap = 0; map && !map->is_dictionary && gap < LIST_GAP; gap++) {
		at = graph_parent(&r->g, at);
		if (!at)
			break;
		if (group_of(r, at) == group) {
			head = at;
			gap = 0;
		}
	}
	return head;
}

static uint64_t object_of(const struct graph *g, uint64_t addr)
{
	struct edge e;

	edge_from(g, 0, addr, 0, &e);
	return e.owner;
}

/* Whether most instances are between others and the root, as the nodes of a list are. */
static bool is_chain(const struct search *s)
{
	const struct retain *r = s->r;
	unsigned inner = 0;

	for (unsigned i = 0; i < s->count; i++)
		inner += paths_through(r, s->samples[i]) > 1;
	return 2 * inner > s->count;
}

/* The topmost instance on the way down from @holder, if it has nearly all others below it. */
static bool find_own_list(struct search *s, uint32_t holder)
{
	struct retain *r = s->r;
	uint32_t at = deepest(s, false), head = GRAPH_NONE;

	for (; at < GRAPH_ROOT && at != holder; at = r->g.parents[at]) {
		if (group_of(r, graph_address(&r->g, at)) == s->group)
			head = at;
	}
	if (head == GRAPH_NONE || 100 * paths_through(r, head) < OWN_LIST_PCT * s->count)
		return false;
	s->container = graph_address(&r->g, head);
	s->is_list = is_chain(s);
	return true;
}

/* Whether most paths lead over some other nodes that are like @head before they come to it. */
static bool is_list_of_nodes(const struct search *s, uint64_t head)
{
	struct retain *r = s->r;
	uint32_t group = group_of(r, head), id = graph_id(&r->g, head);
	unsigned step = s->count / LIST_SAMPLES + 1, yes = 0, of = 0;

	for (unsigned i = 0; i < s->count; i += step) {
		uint32_t at = s->samples[i];
		unsigned nodes = 0;

		for (unsigned n = 0; n < LIST_STEPS && at < GRAPH_ROOT && at != id; n++) {
			nodes += group_of(r, graph_address(&r->g, at)) == group;
			at = r->g.parents[at];
		}
		if (at < GRAPH_ROOT) { /* it ends there, or is so long */
			of++;
			yes += nodes >= LIST_NODES;
		}
	}
	return 2 * yes > of;
}

/* On clearly more paths. */
static bool is_wider(const struct retain *r, uint64_t a, uint64_t b)
{
	return 100 * paths_through(r, graph_id(&r->g, a)) >
	       WIDER_PCT * paths_through(r, graph_id(&r->g, b));
}

/*
 * The head of a list is on more paths than the nodes behind it. It has two ends: of a ring, half
 * of the nodes are nearer to what holds it by each.
 */
static void find_list(struct search *s)
{
	struct retain *r = s->r;
	uint64_t head = list_head(r, s->container), holder = graph_parent(&r->g, head);

	holder = holder ? object_of(&r->g, holder) : 0;
	if (holder && !node_is_realm(r->g.h, holder) && is_wider(r, holder, head) &&
	    is_list_of_nodes(s, head)) {
		s->container = holder;
		return;
	}
	s->is_list = is_wider(r, head, s->container);
	if (s->is_list)
		s->container = head;
}

static void find_container(struct search *s)
{
	struct retain *r = s->r;
	uint32_t best = deepest(s, true);

	if (s->count >= OWN_LIST_MIN && find_own_list(s, best))
		return;
	if (best == GRAPH_NONE)
		return;
	s->container = object_of(&r->g, graph_address(&r->g, best));
	find_list(s);
}

/* ---- what is below it ---- */

static bool is_inside(const struct retain *r, uint32_t id)
{
	return id < GRAPH_ROOT && r->inside[id >> 6] >> (id & 63) & 1;
}

static int measure(struct search *s)
{
	struct retain *r = s->r;
	struct graph *g = &r->g;
	struct heap *h = g->h;

	memset(r->inside, 0, (g->count / 64 + 1ul) * sizeof(*r->inside));
	for (uint32_t i = 0; i < g->early; i++) {
		uint64_t addr = graph_at(g, i);
		uint32_t id = graph_id(g, addr);
		const struct heap_map *map;

		if (!(i & CANCEL_MASK) && h->cancelled && h->cancelled(h->arg))
			return -ECANCELED;
		if (id != s->container_id && !is_inside(r, g->parents[id]))
			continue;
		r->inside[id >> 6] |= 1ull << (id & 63);
		map = heap_map_of(h, addr);
		if (!map || graph_is_late(g, map))
			continue;
		s->out->count++;
		s->out->bytes += heap_size(h, addr, map);
	}
	return 0;
}

/* ---- all of it ---- */

/* The WeakMap whose values the samples are, or what leads to them, for keys that the container has.
 */
static uint64_t weak_map_between(const struct search *s)
{
	const struct graph *g = &s->r->g;

	for (unsigned i = 0; i < s->count && i < WEAK_SAMPLES; i++) {
		uint64_t at = graph_address(g, s->samples[i]);
		struct edge e;

		for (unsigned n = 0; n < WEAK_DISTANCE && at != s->container && edge_up(g, at, &e);
		     n++) {
			if (e.word == EDGE_KEY)
				return graph_weak_map(g, e.owner, e.to);
			at = e.owner;
		}
	}
	return 0;
}

static void name_container(struct search *s)
{
	struct heap *h = s->r->g.h;
	uint64_t weak_map = weak_map_between(s);
	char text[NODE_NAME + PATH_MAX];
	struct retainer_step holder;
	struct node node;
	struct edge e;

	node_describe(h, s->container, &node);
	if (s->is_list)
		snprintf(text, sizeof(text), "list of %s", node.name);
	else if (node.file && node.line)
		snprintf(text, sizeof(text), "%s (%s:%u)", node.name, node.file, node.line);
	else
		snprintf(text, sizeof(text), "%s", node.name);
	if (weak_map && edge_up(&s->r->g, weak_map, &e)) {
		size_t len = strlen(text);

		path_step(&s->r->g, &e, &holder);
		snprintf(text + len, sizeof(text) - len, ", of keys of a WeakMap (%s of %s)",
			 holder.edge, holder.node);
	}
	s->out->container = intern_str(h->names, text);
}

/* No one container: how one of the objects is kept. */
static int look_at_one(struct search *s)
{
	return path_find(&s->r->g, graph_address(&s->r->g, s->samples[0]), s->out);
}

static int look(struct search *s)
{
	struct retain *r = s->r;
	int err;

	if (s->count > 1)
		find_container(s);
	if (!s->container || node_is_realm(r->g.h, s->container))
		return look_at_one(s);
	s->container_id = graph_id(&r->g, s->container);
	s->out->share = (double)paths_through(r, s->container_id) / s->count;
	name_container(s);
	err = path_find(&r->g, s->container, s->out);
	if (!err)
		err = measure(s);
	return err ? err : owners_find(&r->g, s->container, r->inside, s->out);
}

int retain_find(struct retain *r, uint32_t group, unsigned isolate, struct retainer *out)
{
	struct heap *h = r->g.h;
	const struct constructor *of = heap_group(h, group);
	struct search *s;
	int err;

	*out = (struct retainer){.isolate = (uint8_t)isolate};
	if (!of || isolate >= h->isolate_count)
		return -ENOENT;
	out->of = intern_str(h->names, of->name);
	out->of_file = intern_str(h->names, of->file);
	out->of_kind = of->kind;
	out->instances = heap_group_tally(h, group, isolate)->count;
	if (!out->instances)
		return -ENOENT;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct search){.r = r, .group = group, .isolate = isolate, .stride = 1, .out = out};
	err = heap_for_each_live(h, on_live, s);
	if (!err && s->count)
		err = count_paths(s);
	if (!err && s->count)
		err = look(s);
	forget_paths(r);
	free(s);
	return err;
}

struct retain *retain_new(struct heap *h)
{
	struct retain *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return NULL;
	err = graph_init(&r->g, h);
	if (!err) {
		r->through = calloc(r->g.count + 1ul, sizeof(*r->through));
		r->inside = calloc(r->g.count / 64 + 1ul, sizeof(*r->inside));
		if (!r->through || !r->inside)
			err = -ENOMEM;
	}
	if (!err)
		return r;
	retain_free(r);
	errno = -err;
	return NULL;
}

void retain_free(struct retain *r)
{
	if (!r)
		return;
	graph_release(&r->g);
	free(r->through);
	free(r->touched);
	free(r->inside);
	free(r);
}
