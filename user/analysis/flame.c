// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Nodes are found by a hash of their parent and of what a reader sees of their frame, and are a
 * list, parents before their children: so sums and order need no recursion.
 *
 * Functions without a name are told apart by where they begin, others are not: a release moves
 * them, and they are still the same. Code without a symbol is the same at the same address of the
 * same file, wherever that is mapped.
 */
#include "analysis/flame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/sites.h"
#include "base/hash.h"
#include "base/hmap.h"

#define ROOT_LABEL "all"
#define CUT_LABEL  "(callers not known)"
#define BARE_LABEL "(no stack)"
#define MAX_PROBES 16 /* of nodes that share a hash */

struct node {
	struct flame_node node;
	struct hmap_node by_place;
	uint64_t self_samples[FLAME_SIDES];
	unsigned index; /* in the order of making */
	char label[];	/* a copy, if it has one */
};

struct tree {
	struct flame flame;
	struct hmap by_place;
	struct node **nodes; /* flame.node_count of them */
	size_t room;
	bool has_side[FLAME_SIDES];
};

#define tree_of(f) ((struct tree *)(f)) /* the first member */
#define node_of(n) ((struct node *)(n))

/* What a node is found by. */
struct place {
	struct flame_node *parent;
	const struct frame *frame; /* or */
	const char *label;
};

/* --- who is who --- */

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool is_anonymous(const struct frame *f)
{
	return f->fn && !strcmp(f->fn, "(anonymous)");
}

static bool has_address(const struct frame *f)
{
	return !f->fn && f->build_id && f->module_address;
}

static const char *base_of(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && slash[1] ? slash + 1 : path;
}

static bool is_same_file(const struct tree *t, const char *a, const char *b)
{
	return t->flame.by_name ? is_same_text(base_of(a), base_of(b)) : is_same_text(a, b);
}

static bool is_same_frame(const struct tree *t, const struct frame *a, const struct frame *b)
{
	if (has_address(a) && has_address(b))
		return a->module_address == b->module_address &&
		       is_same_text(a->build_id, b->build_id);
	if (a->kind != b->kind || !is_same_text(a->fn, b->fn))
		return false;
	if (!a->fn && a->ip != b->ip)
		return false;
	if (is_anonymous(a) && a->fn_line != b->fn_line)
		return false;
	return is_same_file(t, a->file, b->file) && is_same_file(t, a->module, b->module);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return fnv1a_add_text(hash, text) * FNV1A_PRIME;
}

/* The same whether folders count or not. */
static uint64_t hash_frame(const struct frame *f)
{
	uint64_t hash = FNV1A_BEGIN;

	if (has_address(f))
		return hash_text(hash ^ f->module_address, f->build_id);
	hash = hash_text(f->fn ? hash : hash ^ f->ip, f->fn);
	hash = hash_text(hash, base_of(f->file));
	return hash_text(hash, base_of(f->module)) ^ (is_anonymous(f) ? f->fn_line : 0);
}

static uint64_t hash_of(const struct place *at)
{
	uint64_t hash = at->frame ? hash_frame(at->frame) : hash_text(1, at->label);

	hash ^= at->parent ? (node_of(at->parent)->index + 1) * 0x9e3779b97f4a7c15ULL : 0;
	return hash ^ hash >> 29;
}

static bool is_at(const struct tree *t, const struct flame_node *n, const struct place *at)
{
	if (n->parent != at->parent || !n->frame != !at->frame)
		return false;
	return n->frame ? is_same_frame(t, n->frame, at->frame) : !strcmp(n->label, at->label);
}

/* --- nodes --- */

static int make_room(struct tree *t)
{
	size_t room = t->room ? 2 * t->room : 64;
	struct node **nodes;

	if (t->flame.node_count < t->room)
		return 0;
	nodes = realloc(t->nodes, room * sizeof(struct node *));
	if (!nodes)
		return -ENOMEM;
	t->nodes = nodes;
	t->room = room;
	return 0;
}

static struct flame_node *node_new(struct tree *t, const struct place *at, uint64_t key)
{
	size_t len = at->label ? strlen(at->label) + 1 : 0;
	struct node *n;

	if (make_room(t))
		return NULL;
	n = calloc(1, sizeof(*n) + len);
	if (!n)
		return NULL;
	if (at->label) {
		memcpy(n->label, at->label, len);
		n->node.label = n->label;
	}
	n->node.frame = at->frame;
	n->node.parent = at->parent;
	n->node.depth = at->parent ? at->parent->depth + 1 : 0;
	n->index = t->flame.node_count;
	t->nodes[t->flame.node_count++] = n;
	if (n->node.depth > t->flame.depth_max)
		t->flame.depth_max = n->node.depth;
	hmap_add(&t->by_place, &n->by_place, key);
	return &n->node;
}

/* The parent itself where there is no room for more. NULL: out of memory. */
static struct flame_node *node_get(struct tree *t, const struct place *at)
{
	uint64_t key = hash_of(at);

	if (at->parent && at->parent->depth >= FLAME_DEPTH_MAX)
		return at->parent;
	for (unsigned i = 0; i < MAX_PROBES; i++, key++) {
		struct hmap_node *found = hmap_find(&t->by_place, key);
		struct flame_node *n;

		if (!found && t->flame.node_count >= FLAME_NODES_MAX)
			break;
		if (!found)
			return node_new(t, at, key);
		n = &hmap_entry(found, struct node, by_place)->node;
		if (is_at(t, n, at))
			return n;
	}
	return at->parent;
}

static struct flame_node *label_get(struct tree *t, struct flame_node *parent, const char *label)
{
	return node_get(t, &(struct place){.parent = parent, .label = label});
}

struct flame *flame_new(void)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (hmap_init(&t->by_place) ||
	    !(t->flame.root = node_new(t, &(struct place){.label = ROOT_LABEL}, 0))) {
		flame_free(&t->flame);
		errno = ENOMEM;
		return NULL;
	}
	return &t->flame;
}

void flame_free(struct flame *f)
{
	struct tree *t = tree_of(f);

	if (!f)
		return;
	for (unsigned i = 0; i < f->node_count; i++)
		free(t->nodes[i]);
	free(t->nodes);
	hmap_release(&t->by_place);
	free(t);
}

/* --- adding --- */

/* What is read from a file may be anything: sums stop at the largest that can be drawn. */
static uint64_t add_up(uint64_t a, uint64_t b)
{
	return a + b < a || a + b > INT64_MAX ? INT64_MAX : a + b;
}

static uint64_t scaled(uint64_t bytes, double scale)
{
	double product = (double)bytes * scale;

	if (scale == 1)
		return bytes;
	return product >= (double)INT64_MAX ? INT64_MAX : (uint64_t)(product + 0.5);
}

static struct flame_node *leaf_get(struct tree *t, struct flame_node *from, const struct site *s)
{
	const struct stack *stack = s->stack;
	struct flame_node *n = from;

	if (s->note)
		n = label_get(t, n, s->note);
	if (n && !stack->count)
		return s->note ? n : label_get(t, n, BARE_LABEL);
	if (n && stack->is_cut)
		n = label_get(t, n, CUT_LABEL);
	for (unsigned i = stack->count; i && n; i--) {
		struct flame_node *below = n;

		n = node_get(t, &(struct place){.parent = below, .frame = &stack->frames[i - 1]});
		if (n == below) /* full */
			break;
	}
	return n;
}

int flame_add_process(struct flame *f, const struct recorded_process *p, const char *label,
		      enum flame_side side, double scale)
{
	struct tree *t = tree_of(f);
	struct flame_node *from = f->root;
	struct hmap_node *node;

	t->has_side[side] = true;
	f->is_diff = t->has_side[FLAME_A] && t->has_side[FLAME_B];
	if (!p->sites)
		return 0;
	hmap_for_each (&p->sites->by_hash, node) {
		const struct site *s = hmap_entry(node, struct site, node);
		struct flame_node *leaf;

		if (!s->bytes || !site_is_growth(p->sites, s))
			continue;
		if (label && from == f->root)
			from = label_get(t, from, label);
		leaf = from ? leaf_get(t, from, s) : NULL;
		if (!leaf)
			return -ENOMEM;
		leaf->self[side] = add_up(leaf->self[side], scaled(s->bytes, scale));
		node_of(leaf)->self_samples[side] += s->samples;
	}
	return 0;
}

/* --- sums and order --- */

static int compare_made(const void *a, const void *b)
{
	const struct node *n = *(struct node *const *)a, *o = *(struct node *const *)b;

	return n->index < o->index ? -1 : n->index > o->index;
}

/* The children of one parent beside each other. */
static int compare_order(const void *a, const void *b)
{
	const struct flame_node *n = *(struct flame_node *const *)a,
				*o = *(struct flame_node *const *)b;
	uint64_t bytes = add_up(n->bytes[FLAME_A], n->bytes[FLAME_B]);
	uint64_t other = add_up(o->bytes[FLAME_A], o->bytes[FLAME_B]);

	if (n->parent != o->parent)
		return node_of(n->parent)->index < node_of(o->parent)->index ? -1 : 1;
	if (bytes != other)
		return bytes > other ? -1 : 1;
	return compare_made(a, b);
}

static void sum_up(struct tree *t)
{
	for (unsigned i = 0; i < t->flame.node_count; i++) {
		struct node *n = t->nodes[i];

		memcpy(n->node.bytes, n->node.self, sizeof(n->node.bytes));
		memcpy(n->node.samples, n->self_samples, sizeof(n->node.samples));
		n->node.first_child = n->node.next = NULL;
	}
	for (unsigned i = t->flame.node_count; i-- > 1;) {
		struct flame_node *n = &t->nodes[i]->node;

		for (unsigned side = 0; side < FLAME_SIDES; side++) {
			n->parent->bytes[side] = add_up(n->parent->bytes[side], n->bytes[side]);
			n->parent->samples[side] =
				add_up(n->parent->samples[side], n->samples[side]);
		}
	}
}

void flame_finish(struct flame *f)
{
	struct tree *t = tree_of(f);

	qsort(t->nodes, f->node_count, sizeof(struct node *), compare_made);
	sum_up(t);
	qsort(t->nodes + 1, f->node_count - 1, sizeof(struct node *), compare_order);
	for (unsigned i = f->node_count; i-- > 1;) { /* the last first: each goes to the front */
		struct flame_node *n = &t->nodes[i]->node;

		n->next = n->parent->first_child;
		n->parent->first_child = n;
	}
}
