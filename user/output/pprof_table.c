// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keys are compared by their bytes: structs as keys have no padding. */
#include "output/pprof_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct pprof_block {
	struct pprof_block *next;
	max_align_t data[];
};

struct entry {
	struct hmap_node node;
	uint64_t number;
	size_t len;
	char key[];
};

void *pprof_alloc(struct pprof_pool *p, size_t size)
{
	struct pprof_block *b = p->err ? NULL : calloc(1, sizeof(*b) + size);

	if (!b) {
		p->err = -ENOMEM;
		return NULL;
	}
	b->next = p->blocks;
	p->blocks = b;
	return b->data;
}

void pprof_pool_release(struct pprof_pool *p)
{
	struct pprof_block *next;

	for (struct pprof_block *b = p->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	p->blocks = NULL;
}

int pprof_table_init(struct pprof_table *t, struct pprof_pool *pool)
{
	*t = (struct pprof_table){.pool = pool};
	return hmap_init(&t->by_key);
}

void pprof_table_release(struct pprof_table *t)
{
	hmap_release(&t->by_key);
	free(t->items);
}

bool pprof_table_add(struct pprof_table *t, void *item)
{
	size_t room = t->room ? 2 * t->room : 64;
	void **items;

	if (t->count == t->room) {
		items = realloc(t->items, room * sizeof(*items));
		if (!items) {
			t->pool->err = -ENOMEM;
			return false;
		}
		t->items = items;
		t->room = room;
	}
	t->items[t->count++] = item;
	return true;
}

uint64_t pprof_table_get(struct pprof_table *t, const void *key, size_t len, bool *is_new)
{
	uint64_t hash = fnv1a_add(FNV1A_BEGIN, key, len);
	struct hmap_node *node;
	struct entry *e;

	*is_new = false;
	for (node = hmap_find(&t->by_key, hash); node; node = hmap_find(&t->by_key, ++hash)) {
		e = hmap_entry(node, struct entry, node);
		if (e->len == len && !memcmp(e->key, key, len))
			return e->number;
	}
	e = pprof_alloc(t->pool, sizeof(*e) + len + 1);
	if (!e || !pprof_table_add(t, e->key))
		return 0;
	memcpy(e->key, key, len);
	e->len = len;
	e->number = t->count;
	hmap_add(&t->by_key, &e->node, hash);
	*is_new = true;
	return e->number;
}
