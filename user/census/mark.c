/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is alive: everything that strong references lead to, from the roots. Weak references (low
 * bits 11) are not followed, nor are targets of WeakRefs; what a WeakMap holds is alive if its
 * key is.
 *
 * Objects of types whose size is not known yet are put off, and the more of them are seen, the
 * better it is learned (heap_size.c).
 *
 * LIMITATIONS: after EPHEMERON_ROUNDS what WeakMaps hold counts as alive, whatever its key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/heap_internal.h"
#include "census/roots.h"

#define EPHEMERON_ROUNDS 64
#define LEARN_ROUNDS	 64
#define WORDS_SLACK	 (1u << 20)
#define OVERLAP_FACTOR	 4 /* sizes that are guessed may overlap */
#define TABLE_FIELD	 3 /* word of a JSWeakMap or JSWeakSet: its table */
#define TABLE_FIRST	 5 /* word of an ephemeron table: its first key */

struct addresses {
	uint64_t *v;
	size_t count, cap;
};

struct mark {
	struct heap *h;
	struct addresses waiting; /* marked, not yet visited */
	struct addresses put_off; /* until their sizes are known */
	struct addresses tables;  /* of ephemerons */
	uint64_t visited;
	bool all_ephemerons; /* count as strong */
	uint64_t words_left; /* that may be looked at: a heap that is sound has each once */
	int err;
};

static void push(struct mark *m, struct addresses *a, uint64_t addr)
{
	if (a->count == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 4096;
		uint64_t *v = realloc(a->v, cap * sizeof(*v));

		if (!v) {
			m->err = -ENOMEM;
			return;
		}
		a->v = v;
		a->cap = cap;
	}
	a->v[a->count++] = addr;
}

static bool mark_word(struct mark *m, uint64_t word)
{
	uint64_t addr = heap_untag(word), bit;
	struct heap_page *p;

	if (!heap_is_reference(word))
		return false;
	p = heap_page_of(m->h, addr);
	if (!p || page_is_marked(p, addr) || !heap_map_of(m->h, addr))
		return false;
	bit = (addr - p->base) >> 3;
	p->marks[bit >> 6] |= 1ull << (bit & 63);
	push(m, &m->waiting, addr);
	return true;
}

static int on_reference(void *arg, uint64_t word, uint32_t index)
{
	(void)index;
	mark_word(arg, word);
	return 0;
}

static int on_root(void *arg, uint64_t word)
{
	struct mark *m = arg;

	mark_word(m, word);
	return m->err;
}

/* Node 12's metadata does not name the types. */
static bool is_weak_collection(struct heap *h, uint64_t addr, const struct heap_map *map)
{
	const struct census_types *t = &h->layout->types;
	const struct constructor *c;

	if (t->js_weak_map != V8_ABSENT)
		return map->type == t->js_weak_map || map->type == t->js_weak_set;
	c = heap_group(h, heap_group_of(h, addr, map));
	return c && (!strcmp(c->name, "WeakMap") || !strcmp(c->name, "WeakSet"));
}

/* From here on objects like its table are ephemerons. */
static void learn_table(struct heap *h, uint64_t addr, const struct heap_map *map)
{
	uint64_t table;

	if (map->words <= TABLE_FIELD || !is_weak_collection(h, addr, map))
		return;
	table = heap_word(h, addr, 8 * TABLE_FIELD);
	if (heap_is_reference(table)) {
		/* heap_map_get() gives them out const for all others */
		struct heap_map *of = (struct heap_map *)heap_map_of(h, heap_untag(table));

		if (of && of->size_rule == SIZE_ARRAY && !of->words)
			of->visit = HEAP_EPHEMERONS;
	}
}

static void visit(struct mark *m, uint64_t addr)
{
	struct heap *h = m->h;
	const struct heap_map *map = heap_map_of(h, addr);
	uint64_t words;

	if (!map)
		return;
	mark_word(m, map->address + 1);
	if (!heap_size_is_known(h, addr, map)) {
		push(m, &m->put_off, addr);
		return;
	}
	if (map->is_receiver)
		learn_table(h, addr, map);
	words = heap_size(h, addr, map) / 8;
	if (words > m->words_left) {
		m->err = -EBADMSG;
		return;
	}
	m->words_left -= words;
	if (map->visit == HEAP_EPHEMERONS && !m->all_ephemerons)
		push(m, &m->tables, addr);
	else
		heap_for_each_reference(h, addr, map, on_reference, m);
}

static void drain(struct mark *m)
{
	while (m->waiting.count && !m->err) {
		if (!(++m->visited & (HEAP_CANCEL_OBJECTS - 1))) {
			if (m->h->progress)
				m->h->progress(m->h->arg, "marking", m->visited, 0);
			if (m->h->cancelled && m->h->cancelled(m->h->arg))
				m->err = -ECANCELED;
		}
		visit(m, m->waiting.v[--m->waiting.count]);
	}
}

static bool table_mark(struct mark *m, uint64_t table)
{
	const struct heap_map *map = heap_map_of(m->h, table);
	uint64_t words = map ? heap_size(m->h, table, map) / 8 : 0;
	bool any = false;

	for (uint64_t i = TABLE_FIRST; i + 1 < words; i += 2) {
		uint64_t key = heap_word(m->h, table, (uint32_t)(8 * i));

		if (m->all_ephemerons)
			any |= mark_word(m, key);
		if (m->all_ephemerons || !heap_is_reference(key) ||
		    heap_is_live(m->h, heap_untag(key)))
			any |= mark_word(m, heap_word(m->h, table, (uint32_t)(8 * i + 8)));
	}
	return any;
}

static void mark_ephemerons(struct mark *m)
{
	bool any = true;

	for (unsigned round = 0; any && !m->err; round++) {
		m->all_ephemerons = round >= EPHEMERON_ROUNDS;
		any = false;
		for (size_t i = 0; i < m->tables.count && !m->err; i++) {
			any |= table_mark(m, m->tables.v[i]);
			drain(m);
		}
	}
}

/* Sizes that were put off are learned by what was seen. */
static void mark_put_off(struct mark *m)
{
	for (unsigned round = 0; m->put_off.count && !m->err; round++) {
		struct addresses again = m->put_off;

		m->put_off = (struct addresses){0};
		heap_sizes_learn(m->h);
		for (size_t i = 0; i < again.count; i++)
			push(m, &m->waiting, again.v[i]);
		free(again.v);
		drain(m);
		mark_ephemerons(m);
		if (round >= LEARN_ROUNDS)
			break;
	}
}

int heap_mark(struct heap *h)
{
	struct mark m = {.h = h, .words_left = WORDS_SLACK + OVERLAP_FACTOR * h->page_words};
	int err = roots_for_each(h, on_root, &m);

	if (err && !m.err)
		m.err = err;
	drain(&m);
	mark_ephemerons(&m);
	mark_put_off(&m);
	free(m.waiting.v);
	free(m.put_off.v);
	free(m.tables.v);
	return m.err ? m.err : h->err;
}

int heap_for_each_live(struct heap *h,
		       int (*fn)(void *arg, uint64_t addr, const struct heap_map *map), void *arg)
{
	for (unsigned i = 0; i < h->page_count; i++) {
		const struct heap_page *p = &h->pages[i];
		uint64_t words = ((p->end - p->base) / 8 + 63) / 64;

		for (uint64_t w = 0; w < words; w++) {
			for (uint64_t bits = p->marks[w]; bits; bits &= bits - 1) {
				uint64_t addr =
					p->base + 8 * (64 * w + (unsigned)__builtin_ctzll(bits));
				const struct heap_map *map = heap_map_of(h, addr);
				int ret = map ? fn(arg, addr, map) : 0;

				if (ret)
					return ret;
			}
		}
	}
	return 0;
}
