/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A breadth-first walk over the live objects of a heap. Ids are ranks in the bitmap of marks: marks
 * before the object's, by a running count for each word of the bitmap.
 *
 * The walk goes over the same queue twice: first it leaves out what V8 keeps for itself (Maps,
 * code, feedback ...), from where paths lead to everything and tell nobody anything; then it does
 * that, for the rest.
 *
 * LIMITATIONS: what two WeakMaps hold by each other's values may need many rounds; after
 * EPHEMERON_ROUNDS the table counts as the parent.
 */
#include "census/graph.h"

#include <errno.h>
#include <stdlib.h>

#include "census/roots.h"

#define CHUNK_WORDS	 ((1u << HEAP_CHUNK_SHIFT) / 8)
#define CHUNKS_MAX	 ((1ull << 32) / CHUNK_WORDS)
#define EPHEMERON_ROUNDS 64
#define EPHEMERON_FIRST	 5u /* word of the first key: map, length, elements, deleted, capacity */
#define CANCEL_MASK	 0xffffu

/* What refers to something just now. */
struct from {
	struct graph *g;
	uint32_t id;	  /* or GRAPH_ROOT */
	uint64_t owner;	  /* of its page */
	bool any_isolate; /* a root */
};

/* ---- ids and places ---- */

static uint64_t mark_words(const struct heap_page *p)
{
	return ((p->end - p->base) / 8 + 63) / 64;
}

static int number(struct graph *g)
{
	struct heap *h = g->h;
	uint64_t n = 0;

	for (unsigned i = 0; i < h->page_count; i++) {
		struct heap_page *p = &h->pages[i];
		uint64_t words = mark_words(p);

		free(p->ranks);
		p->ranks = calloc(words, sizeof(*p->ranks));
		if (!p->ranks)
			return -ENOMEM;
		for (uint64_t w = 0; w < words; w++) {
			p->ranks[w] = (uint32_t)n;
			n += (unsigned)__builtin_popcountll(p->marks[w]);
		}
	}
	if (n >= GRAPH_ROOT)
		return -ENOMEM;
	g->count = (uint32_t)n;
	return 0;
}

static uint64_t page_chunks(const struct heap_page *p)
{
	return (p->end - p->base + (1ull << HEAP_CHUNK_SHIFT) - 1) >> HEAP_CHUNK_SHIFT;
}

static int places_init(struct graph *g)
{
	const struct heap *h = g->h;
	uint64_t chunks = 0;

	for (unsigned i = 0; i < h->page_count; i++)
		chunks += page_chunks(&h->pages[i]);
	if (chunks > CHUNKS_MAX)
		return -ENOMEM;
	g->first_chunk = calloc(h->page_count + 1ul, sizeof(*g->first_chunk));
	g->chunk_page = calloc(chunks + 1, sizeof(*g->chunk_page));
	if (!g->first_chunk || !g->chunk_page)
		return -ENOMEM;
	chunks = 0;
	for (unsigned i = 0; i < h->page_count; i++) {
		g->first_chunk[i] = (uint32_t)chunks;
		for (uint64_t n = page_chunks(&h->pages[i]); n; n--)
			g->chunk_page[chunks++] = i;
	}
	return 0;
}

static uint32_t id_in(const struct heap_page *p, uint64_t addr)
{
	uint64_t bit = (addr - p->base) >> 3;
	uint64_t marks = p->marks[bit >> 6];

	if (addr & 7 || !(marks >> (bit & 63) & 1))
		return GRAPH_NONE;
	return p->ranks[bit >> 6] +
	       (unsigned)__builtin_popcountll(marks & ((1ull << (bit & 63)) - 1));
}

uint32_t graph_id(const struct graph *g, uint64_t addr)
{
	const struct heap_page *p = heap_page_of(g->h, addr);

	return p ? id_in(p, addr) : GRAPH_NONE;
}

/* Of pages without live objects and the one that has @id, whose first ids are the same: the last.
 */
static unsigned page_of_id(const struct heap *h, uint32_t id)
{
	unsigned low = 0, high = h->page_count;

	while (high - low > 1) {
		unsigned mid = (low + high) / 2;

		if (h->pages[mid].ranks[0] <= id)
			low = mid;
		else
			high = mid;
	}
	return low;
}

uint64_t graph_address(const struct graph *g, uint32_t id)
{
	const struct heap_page *p = &g->h->pages[page_of_id(g->h, id)];
	uint64_t low = 0, high = mark_words(p), bits;

	while (high - low > 1) {
		uint64_t mid = (low + high) / 2;

		if (p->ranks[mid] <= id)
			low = mid;
		else
			high = mid;
	}
	bits = p->marks[low];
	for (uint32_t n = id - p->ranks[low]; n; n--)
		bits &= bits - 1;
	return bits ? p->base + 8 * (64 * low + (unsigned)__builtin_ctzll(bits)) : 0;
}

uint64_t graph_parent(const struct graph *g, uint64_t addr)
{
	uint32_t id = graph_id(g, addr);
	uint32_t parent = id == GRAPH_NONE ? GRAPH_NONE : g->parents[id];

	return parent >= GRAPH_ROOT ? 0 : graph_address(g, parent);
}

uint64_t graph_at(const struct graph *g, uint32_t i)
{
	uint32_t place = g->order[i];
	uint32_t page = g->chunk_page[place / CHUNK_WORDS];

	return g->h->pages[page].base + 8ull * (place - g->first_chunk[page] * CHUNK_WORDS);
}

/* ---- the walk ---- */

/* Returns true if it is reached now, and was not before. */
static bool reach(struct graph *g, const struct from *from, uint64_t word)
{
	uint64_t addr = word - 1;
	const struct heap_page *p;
	uint32_t id;

	if (!heap_is_reference(word))
		return false;
	p = heap_page_of(g->h, addr);
	if (!p || p->is_read_only || !p->owner || (!from->any_isolate && p->owner != from->owner))
		return false;
	id = id_in(p, addr);
	if (id == GRAPH_NONE || g->parents[id] != GRAPH_NONE)
		return false;
	g->parents[id] = from->id;
	g->order[g->reached++] =
		g->first_chunk[p - g->h->pages] * CHUNK_WORDS + (uint32_t)((addr - p->base) >> 3);
	return true;
}

static int on_reference(void *arg, uint64_t word, uint32_t index)
{
	const struct from *from = arg;

	(void)index;
	reach(from->g, from, word);
	return 0;
}

static int on_root(void *arg, uint64_t word)
{
	return on_reference(arg, word, 0);
}

static void table_add(struct graph *g, uint64_t table)
{
	if (g->table_count == g->table_cap) {
		size_t cap = g->table_cap ? 2 * g->table_cap : 256;
		uint64_t *v = realloc(g->tables, cap * sizeof(*v));

		if (!v) {
			g->err = -ENOMEM;
			return;
		}
		g->tables = v;
		g->table_cap = cap;
	}
	g->tables[g->table_count++] = table;
}

bool graph_is_late(const struct graph *g, const struct heap_map *map)
{
	return map->visit == HEAP_CODE || map->visit == HEAP_MAP ||
	       (map->type < CENSUS_TYPES && g->is_late[map->type]);
}

/* Whose references are followed. */
enum { EARLY = 1, LATE };

/* What object number @i refers to is reached. */
static void expand(struct graph *g, uint32_t i, int what)
{
	uint64_t addr = graph_at(g, i);
	const struct heap_map *map = heap_map_of(g->h, addr);
	const struct heap_page *p = heap_page_of(g->h, addr);
	struct from from = {.g = g, .id = graph_id(g, addr)};

	if (!map || !p)
		return;
	from.owner = p->owner;
	if (what & (graph_is_late(g, map) ? LATE : EARLY)) {
		if (map->visit == HEAP_EPHEMERONS)
			table_add(g, addr);
		else
			heap_for_each_reference(g->h, addr, map, on_reference, &from);
	}
	if (what & LATE) /* for its prototype */
		reach(g, &from, map->address + 1);
}

static void give_up_if_asked(struct graph *g, uint32_t i)
{
	struct heap *h = g->h;

	if (i & CANCEL_MASK)
		return;
	if (h->progress)
		h->progress(h->arg, "finding retainers", g->reached, g->count);
	if (h->cancelled && h->cancelled(h->arg))
		g->err = -ECANCELED;
}

/* All that is reached from number *@next on. */
static void run(struct graph *g, uint32_t *next)
{
	for (; *next < g->reached && !g->err; ++*next) {
		give_up_if_asked(g, *next);
		expand(g, *next, g->what);
	}
}

static bool pair_reach(struct graph *g, uint64_t table, uint64_t key, uint64_t value, bool any_key)
{
	const struct heap_page *p = heap_page_of(g->h, table);
	struct from from = {.g = g, .owner = p ? p->owner : 0};

	from.id = heap_is_reference(key) ? graph_id(g, key - 1) : GRAPH_NONE;
	if (any_key || from.id == GRAPH_NONE || heap_page_of(g->h, key - 1)->is_read_only)
		from.id = graph_id(g, table);
	else if (g->parents[from.id] == GRAPH_NONE)
		return false;
	return reach(g, &from, value);
}

static bool table_reach(struct graph *g, uint64_t table, bool any_key)
{
	const struct heap_map *map = heap_map_of(g->h, table);
	uint64_t words = map ? heap_size(g->h, table, map) / 8 : 0;
	bool any = false;

	for (uint64_t i = EPHEMERON_FIRST; i + 1 < words; i += 2)
		any |= pair_reach(g, table, heap_word(g->h, table, (uint32_t)(8 * i)),
				  heap_word(g->h, table, (uint32_t)(8 * i + 8)), any_key);
	return any;
}

static bool has_pair(struct heap *h, uint64_t table, uint64_t key, uint64_t value)
{
	const struct heap_map *map = heap_map_of(h, table);
	uint64_t words = map ? heap_size(h, table, map) / 8 : 0;

	for (uint64_t i = EPHEMERON_FIRST; i + 1 < words; i += 2) {
		if (heap_word(h, table, (uint32_t)(8 * i)) == key + 1 &&
		    heap_word(h, table, (uint32_t)(8 * i + 8)) == value + 1)
			return true;
	}
	return false;
}

uint64_t graph_weak_map(const struct graph *g, uint64_t key, uint64_t value)
{
	for (size_t i = 0; i < g->table_count; i++) {
		if (has_pair(g->h, g->tables[i], key, value))
			return graph_parent(g, g->tables[i]);
	}
	return 0;
}

static void run_ephemerons(struct graph *g, uint32_t *next)
{
	bool any = true;

	for (unsigned round = 0; any && !g->err; round++) {
		any = false;
		for (size_t i = 0; i < g->table_count && !g->err; i++) {
			any |= table_reach(g, g->tables[i], round >= EPHEMERON_ROUNDS);
			run(g, next);
		}
	}
}

/* The rest: what only V8's bookkeeping leads to. */
static void run_late(struct graph *g)
{
	uint32_t next = g->early = g->reached;

	g->what = EARLY | LATE;
	for (uint32_t i = 0; i < next && !g->err; i++) {
		give_up_if_asked(g, i);
		expand(g, i, LATE);
	}
	run(g, &next);
	run_ephemerons(g, &next);
}

struct realms {
	struct from from;
	bool is_global; /* their global objects, else the NativeContexts */
};

static int on_live(void *arg, uint64_t addr, const struct heap_map *map)
{
	struct realms *r = arg;
	struct heap *h = r->from.g->h;
	unsigned global;

	if (heap_is_native_context(h, addr, map, &global))
		reach(r->from.g, &r->from,
		      r->is_global ? heap_word(h, addr, 8 * global) : addr + 1);
	return 0;
}

static void walk(struct graph *g)
{
	struct realms realms = {.from = {.g = g, .id = GRAPH_ROOT, .any_isolate = true}};
	uint32_t next = 0;
	int err;

	g->what = EARLY;
	realms.is_global = true;
	heap_for_each_live(g->h, on_live, &realms);
	run(g, &next);
	realms.is_global = false;
	heap_for_each_live(g->h, on_live, &realms);
	run(g, &next);
	run_ephemerons(g, &next);
	err = roots_for_each(g->h, on_root, &realms.from);
	if (err)
		g->err = err;
	run(g, &next);
	run_ephemerons(g, &next);
	run_late(g);
}

static void late_set(struct graph *g, int32_t type)
{
	if (type >= 0 && type < CENSUS_TYPES)
		g->is_late[type] = true;
}

static void late_init(struct graph *g)
{
	const struct census_types *t = &g->h->layout->types;
	const struct v8_types *v8 = &g->h->layout->v8->types;
	const int32_t late[] = {
		v8->shared_info,
		v8->script,
		v8->scope_info,
		v8->debug_info,
		v8->interpreter_data,
		v8->baseline_data,
		v8->code,
		v8->code_stream,
		v8->bytecode_array,
		t->transition_array,
		t->descriptors,
		t->strong_descriptors,
		t->feedback_vector,
		t->feedback_metadata,
		t->preparse_data,
		t->allocation_site,
		t->function_template,
		t->weak_fixed_array,
		t->weak_array_list,
	};

	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		late_set(g, late[i]);
}

int graph_init(struct graph *g, struct heap *h)
{
	int err;

	g->h = h;
	late_init(g);
	err = number(g);
	if (!err)
		err = places_init(g);
	if (err)
		return err;
	g->parents = malloc((g->count + 1ul) * sizeof(*g->parents));
	g->order = malloc((g->count + 1ul) * sizeof(*g->order));
	if (!g->parents || !g->order)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->count; i++)
		g->parents[i] = GRAPH_NONE;
	walk(g);
	return g->err ? g->err : h->err;
}

void graph_release(struct graph *g)
{
	for (unsigned i = 0; g->h && i < g->h->page_count; i++) {
		free(g->h->pages[i].ranks);
		g->h->pages[i].ranks = NULL;
	}
	free(g->parents);
	free(g->order);
	free(g->first_chunk);
	free(g->chunk_page);
	free(g->tables);
	*g = (struct graph){0};
}
