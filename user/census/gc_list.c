/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a collection of the young generation has copied is on lists that it leaves behind
 * (ObjectAndSize in src/heap/scavenger.h, V8 7.8 to 14.6):
 *
 *	0 object	8 size (32 bits)
 *
 * The sizes are of that time; by now others may lie there. So an entry also counts if one next to
 * it is the size of what is there, or says where the next one begins: copies are made one behind
 * the other.
 */
#include "census/gc_list.h"

#include <string.h>

#include "census/heap_internal.h"

#define ENTRY_BYTES 16
#define NEXT_MAX    16 /* entries that are looked at, in each direction */

struct entry {
	uint64_t object; /* a reference */
	uint32_t size;
};

static bool entry_read(struct heap *h, const struct image_range *r, uint64_t at, struct entry *out)
{
	if (at < r->start || at + 12 > r->end)
		return false;
	memcpy(&out->object, r->bytes + (at - r->start), sizeof(out->object));
	memcpy(&out->size, r->bytes + (at + 8 - r->start), sizeof(out->size));
	return out->size > 8 && !(out->size & 7) && heap_is_reference(out->object) &&
	       heap_page_of(h, heap_untag(out->object));
}

static bool is_as_large(struct heap *h, const struct entry *e)
{
	const struct heap_map *map = heap_map_of(h, heap_untag(e->object));

	return map && (map->words || map->size_rule != SIZE_LEARNED) &&
	       e->size == heap_size(h, heap_untag(e->object), map);
}

/* From the entry at @at on, @step by @step: whether one tells that this is a list. */
static bool direction_tells(struct heap *h, const struct image_range *r, uint64_t at, int step)
{
	struct entry last = {0}, e;

	for (unsigned i = 0; i < NEXT_MAX && entry_read(h, r, at, &e); i++, at += (uint64_t)step) {
		const struct entry *low = step < 0 ? &e : &last, *high = step < 0 ? &last : &e;

		if (is_as_large(h, &e) || (i && low->object + low->size == high->object))
			return true;
		last = e;
	}
	return false;
}

bool gc_list_has(struct heap *h, const struct image_range *r, uint64_t addr)
{
	return direction_tells(h, r, addr, ENTRY_BYTES) ||
	       direction_tells(h, r, addr, -ENTRY_BYTES);
}
