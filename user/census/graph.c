/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A breadth-first walk over the live objects of a heap. Ids are ranks in the bitmap of marks: marks
 * before the object's, by a running count for each word of the bitmap.
 *
 * What V8 keeps for itself (Maps, code, feedback ...) is put off until all else is done: paths lead
 * from there to everything, and tell nobody anything.
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

static const struct heap_page *place_of(const struct graph *g, uint32_t i, uint64_t *addr)
{
	uint32_t place = g->order[i];
	uint32_t page = g->chunk_page[place / CHUNK_WORDS];
	const struct heap_page *p = &g->h->pages[page];

	*addr = p->base + 8ull * (place - g->first_chunk[page] * CHUNK_WORDS);
	return p;
}

uint64_t graph_at(const struct graph *g, uint32_t i)
{
	uint64_t addr;

	place_of(g, i, &addr);
	return addr;
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

/* Room for one more in a growing array of @size bytes each. */
static void *grow(struct graph *g, void *v, size_t count, size_t *cap, size_t size)
{
	size_t more = *cap ? 2 * *cap : 256;

	if (count < *cap)
		return v;
	v = realloc(v, more * size);
	if (!v)
		g->err = -ENOMEM;
	else
		*cap = more;
	return v;
}

static void table_add(struct graph *g, uint64_t table)
{
	uint64_t *v = grow(g, g->tables, g->table_count, &g->table_cap, sizeof(*v));

	if (!v)
		return;
	g->tables = v;
	g->tables[g->table_count++] = table;
}

static void late_add(struct graph *g, uint32_t i)
{
	uint32_t *v = grow(g, g->late, g->late_count, &g->late_cap, sizeof(*v));

	if (!v)
		return;
	g->late = v;
	g->late[g->late_count++] = i;
}

bool graph_is_late(const struct graph *g, const struct heap_map *map)
{
	return map->visit == HEAP_CODE || map->visit == HEAP_MAP ||
	       (map->type < CENSUS_TYPES && g->is_late[map->type]);
}

/* What object number @i refers to is reached. */
static void expand(struct graph *g, uint32_t i)
{
	uint64_t addr;
	const struct heap_page *p = place_of(g, i, &addr);
	const struct heap_map *map = heap_map_of(g->h, addr);
	struct from from = {.g = g, .id = id_in(p, addr), .owner = p->owner};

	if (!map)
		return;
	if (!g->early && graph_is_late(g, map)) {
		late_add(g, i);
		return;
	}
	if (map->visit == HEAP_EPHEMERONS)
		table_add(g, addr);
	else
		heap_for_each_reference(g->h, addr, map, on_reference, &from);
	reach(g, &from, map->address + 1); /* for its prototype */
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
		expand(g, *next);
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
	uint32_t next = g->reached;

	g->early = g->reached;
	for (size_t i = 0; i < g->late_count && !g->err; i++)
		expand(g, g->late[i]);
	run(g, &next);
	run_ephemerons(g, &next);
}

/* All NativeContexts. */
struct realms {
	struct graph *g;
	uint64_t *v;
	size_t count, cap;
};

static int on_live(void *arg, uint64_t addr, const struct heap_map *map)
{
	struct realms *r = arg;
	unsigned global;
	uint64_t *v;

	if (!heap_is_native_context(r->g->h, addr, map, &global))
		return 0;
	v = grow(r->g, r->v, r->count, &r->cap, sizeof(*v));
	if (!v)
		return -ENOMEM;
	r->v = v;
	r->v[r->count++] = addr;
	return 0;
}

static void reach_realms(const struct realms *r, const struct from *from, bool globals)
{
	struct heap *h = r->g->h;
	unsigned global;

	for (size_t i = 0; i < r->count; i++) {
		if (!globals)
			reach(r->g, from, r->v[i] + 1);
		else if (heap_is_native_context(h, r->v[i], heap_map_of(h, r->v[i]), &global))
			reach(r->g, from, heap_word(h, r->v[i], 8 * global));
	}
}

static void walk(struct graph *g)
{
	struct from from = {.g = g, .id = GRAPH_ROOT, .any_isolate = true};
	struct realms realms = {.g = g};
	uint32_t next = 0;
	int err;

	heap_for_each_live(g->h, on_live, &realms);
	reach_realms(&realms, &from, true);
	run(g, &next);
	reach_realms(&realms, &from, false);
	run(g, &next);
	run_ephemerons(g, &next);
	free(realms.v);
	err = roots_for_each(g->h, on_root, &from);
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
	free(g->late);
	*g = (struct graph){0};
}
