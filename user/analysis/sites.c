// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Groups by sorting: equal ones stand side by side then. A process has some thousand sites at the
 * most, of which a tick looks at those that have bytes.
 */
#include "analysis/sites.h"

#include <stdlib.h>
#include <string.h>

#define LEADING_MAX 32
#define KINDS_MAX   3

const enum mw_site_kind site_kinds_ordered[MW_SITE_KINDS - 1] = {
	MW_SITE_V8_SURVIVED, MW_SITE_EXTERNAL, MW_SITE_FAULT,
	MW_SITE_BRK,	     MW_SITE_MMAP,     MW_SITE_V8_ALLOC,
};

/* --- which belong together --- */

/* By note, function, chain. Notes are constants of one table: compared by address. */
static int compare_places(const void *a, const void *b)
{
	const struct site *s = *(const struct site *const *)a, *o = *(const struct site *const *)b;

	if (s->note != o->note)
		return (uintptr_t)s->note < (uintptr_t)o->note ? -1 : 1;
	if (s->function_hash != o->function_hash)
		return s->function_hash < o->function_hash ? -1 : 1;
	if (s->chain_hash != o->chain_hash)
		return s->chain_hash < o->chain_hash ? -1 : 1;
	return 0;
}

static bool is_same_function(const struct site *s, const struct site *o)
{
	if (!s->chain.count || !o->chain.count)
		return s->chain.count == o->chain.count;
	return frame_is_same_function(&s->stack->frames[s->chain.at[0]],
				      &o->stack->frames[o->chain.at[0]]);
}

static bool is_same_chain(const struct site *s, const struct site *o)
{
	return s->chain_hash == o->chain_hash &&
	       stack_chain_is_same(s->stack, &s->chain, o->stack, &o->chain);
}

static bool belong_together(const struct site *s, const struct site *o, enum site_grain grain)
{
	if (s->note || o->note)
		return s->note == o->note;
	return grain == SITE_BY_CHAIN ? is_same_chain(s, o) : is_same_function(s, o);
}

/* @before: the site that was added last, or NULL */
static void group_add(struct site_group *g, const struct site *s, const struct site *before)
{
	const struct site *top = g->top;

	if (!top || s->estimated_bytes > top->estimated_bytes ||
	    (s->estimated_bytes == top->estimated_bytes && s->node.key < top->node.key))
		g->top = s;
	g->kind = s->kind;
	g->stacks++;
	g->chains += !before || !is_same_chain(s, before);
	g->bytes += s->bytes;
	g->samples += s->samples;
	g->delta_bytes += s->delta_bytes;
	g->share += s->share;
}

static bool is_larger(const struct site_group *a, const struct site_group *b)
{
	if (a->share != b->share)
		return a->share > b->share;
	return a->top->node.key < b->top->node.key; /* the same order at every tick */
}

static unsigned keep_largest(struct site_group *out, unsigned count, unsigned max,
			     const struct site_group *g)
{
	unsigned at;

	if (count == max && (!max || !is_larger(g, &out[max - 1])))
		return count;
	count += count < max;
	for (at = count - 1; at && is_larger(g, &out[at - 1]); at--)
		out[at] = out[at - 1];
	out[at] = *g;
	return count;
}

static const struct site **sites_of_kind(const struct site_table *t, enum mw_site_kind kind,
					 size_t *count)
{
	const struct site **list = malloc((t->by_hash.count + 1) * sizeof(struct site *));
	struct hmap_node *node;

	*count = 0;
	if (!list)
		return NULL;
	hmap_for_each (&t->by_hash, node) {
		const struct site *s = hmap_entry(node, struct site, node);

		if (s->kind == kind && (s->estimated_bytes || s->delta_bytes))
			list[(*count)++] = s;
	}
	return list;
}

unsigned site_groups(const struct site_table *t, enum mw_site_kind kind, enum site_grain grain,
		     struct site_group *out, unsigned max)
{
	unsigned found = 0;
	size_t count;
	const struct site **list = sites_of_kind(t, kind, &count);

	if (!list)
		return 0;
	qsort(list, count, sizeof(*list), compare_places);
	for (size_t i = 0; i < count;) {
		const struct site *first = list[i];
		struct site_group g = {.begin_ns = t->begin_ns};

		if (kind == MW_SITE_V8_SURVIVED && t->v8_is_scaled)
			g.span_ns = t->v8_live_span_ns;
		do {
			group_add(&g, list[i], g.top ? list[i - 1] : NULL);
			i++;
		} while (i < count && belong_together(first, list[i], grain));
		found = keep_largest(out, found, max, &g);
	}
	free(list);
	return found;
}

/* --- which matter most --- */

static const char *const allocators[] = {
	"malloc", "calloc",   "realloc",	"_int_malloc",	 "sysmalloc",	 "memalign",
	"mmap",	  "__mmap64", "posix_memalign", "aligned_alloc", "operator new",
};

static bool is_allocator(const char *fn)
{
	for (size_t i = 0; i < sizeof(allocators) / sizeof(allocators[0]); i++) {
		if (!strncmp(fn, allocators[i], strlen(allocators[i])))
			return true;
	}
	return false;
}

/* Whether a page fault was in V8's heap: JavaScript, or V8 itself, touched it, not an allocator's.
 */
static bool is_in_v8_heap(const struct stack *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		const struct frame *f = &s->frames[i];

		if (f->kind == FRAME_JS || f->kind == FRAME_BUILTIN)
			return true;
		if (!f->fn)
			continue;
		if (strstr(f->fn, "v8::internal::"))
			return true;
		if (is_allocator(f->fn) || f->origin != FRAME_RUNTIME) /* it has a name */
			return false;
	}
	return false;
}

/* Faults in V8's heap say who touched it first, where survivors say who fills it. */
static bool is_told_by_survivors(const struct site_table *t, const struct site *s)
{
	return s->kind == MW_SITE_FAULT && t->samples[MW_SITE_V8_SURVIVED] &&
	       is_in_v8_heap(s->stack);
}

/* 0 leads. */
static int class_of(const struct site_table *t, const struct site_group *g)
{
	if (g->top->note || !g->bytes)
		return 2;
	return is_told_by_survivors(t, g->top);
}

struct ranked {
	struct site_group group;
	int class;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *r = a, *o = b;

	if (r->class != o->class)
		return r->class - o->class;
	if (r->group.bytes != o->group.bytes)
		return r->group.bytes < o->group.bytes ? 1 : -1;
	return is_larger(&r->group, &o->group) ? -1 : 1;
}

static unsigned rank_kind(const struct site_table *t, enum mw_site_kind kind, struct ranked *out)
{
	struct site_group groups[LEADING_MAX];
	unsigned count = site_groups(t, kind, SITE_BY_FUNCTION, groups, LEADING_MAX);

	for (unsigned i = 0; i < count; i++)
		out[i] = (struct ranked){groups[i], class_of(t, &groups[i])};
	return count;
}

/* The same code by another kind of growth: the same bytes, likely, seen twice. */
static bool is_there(const struct site_group *list, unsigned count, const struct site_group *g)
{
	for (unsigned i = 0; i < count; i++) {
		if (belong_together(list[i].top, g->top, SITE_BY_FUNCTION))
			return true;
	}
	return false;
}

unsigned site_groups_of_kinds(const struct site_table *t, const enum mw_site_kind *kinds,
			      unsigned kind_count, struct site_group *out, unsigned max)
{
	struct ranked all[KINDS_MAX * LEADING_MAX];
	unsigned ranked = 0, count = 0;

	for (unsigned i = 0; i < kind_count && i < KINDS_MAX; i++)
		ranked += rank_kind(t, kinds[i], all + ranked);
	if (!ranked)
		return 0;
	qsort(all, ranked, sizeof(all[0]), compare_ranked);
	for (unsigned i = 0; i < ranked && count < max; i++) {
		if (!is_there(out, count, &all[i].group))
			out[count++] = all[i].group;
	}
	return count;
}

/* What says that memory is held, and, where nothing does, that it was asked for. */
static const enum mw_site_kind resident[] = {MW_SITE_V8_SURVIVED, MW_SITE_EXTERNAL, MW_SITE_FAULT};
static const enum mw_site_kind asked_for[] = {MW_SITE_BRK, MW_SITE_MMAP};

unsigned site_groups_leading(const struct site_table *t, struct site_group *out, unsigned max)
{
	unsigned count = site_groups_of_kinds(t, resident, 3, out, max);

	for (unsigned i = 0; i < 2 && !count; i++)
		count = site_groups_of_kinds(t, &asked_for[i], 1, out, max);
	return count;
}

/* --- each byte once --- */

/* The kinds that a process's growth is told by. */
static bool is_kind_of_growth(const struct site_table *t, enum mw_site_kind kind)
{
	for (size_t i = 0; i < sizeof(resident) / sizeof(resident[0]); i++) {
		if (t->total_bytes[resident[i]])
			return kind == MW_SITE_V8_SURVIVED || kind == MW_SITE_EXTERNAL ||
			       kind == MW_SITE_FAULT;
	}
	return kind == (t->total_bytes[MW_SITE_BRK] ? MW_SITE_BRK : MW_SITE_MMAP);
}

/* Of the function of @s. */
static uint64_t bytes_of_function(const struct site_table *t, const struct site *s,
				  enum mw_site_kind kind)
{
	uint64_t bytes = 0;
	struct hmap_node *node;

	hmap_for_each (&t->by_hash, node) {
		const struct site *o = hmap_entry(node, struct site, node);

		if (o->kind == kind && o->bytes && o->function_hash == s->function_hash &&
		    belong_together(o, s, SITE_BY_FUNCTION) && !is_told_by_survivors(t, o))
			bytes += o->bytes;
	}
	return bytes;
}

/* Who asks for external memory mostly touches it first, too: what is larger of the two counts. */
static bool is_told_by_other_kind(const struct site_table *t, const struct site *s)
{
	uint64_t external, fault;

	if ((s->kind != MW_SITE_FAULT && s->kind != MW_SITE_EXTERNAL) ||
	    !t->total_bytes[MW_SITE_FAULT] || !t->total_bytes[MW_SITE_EXTERNAL])
		return false;
	external = bytes_of_function(t, s, MW_SITE_EXTERNAL);
	fault = bytes_of_function(t, s, MW_SITE_FAULT);
	return s->kind == MW_SITE_FAULT ? external && external >= fault : fault > external;
}

bool site_is_growth(const struct site_table *t, const struct site *s)
{
	return is_kind_of_growth(t, s->kind) && !is_told_by_survivors(t, s) &&
	       !is_told_by_other_kind(t, s);
}

/* Whether V8 mapped it for its own heap, and no allocator for somebody's malloc. */
static bool is_mapped_by_v8(const struct stack *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		const char *fn = s->frames[i].fn;

		if (!fn || strstr(fn, "mmap"))
			continue;
		if (!strncmp(fn, "v8::", 4))
			return true;
		if (is_allocator(fn) || s->frames[i].origin != FRAME_RUNTIME)
			return false;
	}
	return false;
}

bool site_is_asked_for(const struct site_table *t, const struct site *s)
{
	switch (s->kind) {
	case MW_SITE_V8_ALLOC:
	case MW_SITE_BRK:
		return true;
	case MW_SITE_MMAP:
		return !t->samples[MW_SITE_V8_ALLOC] || !is_mapped_by_v8(s->stack);
	default:
		return false;
	}
}

double site_rate(const struct site_group *g, uint64_t now_ns)
{
	uint64_t span = g->span_ns;

	if (!span && now_ns > g->begin_ns)
		span = now_ns - g->begin_ns;
	return span ? (double)g->bytes * 1e9 / (double)span : 0;
}
