/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ranges, sorted and searched by halves.
 *
 * LIMITATIONS: ranges that enclose others are found through up to MAX_BACK that begin after them.
 */
#include "sym/dwarf_ranges.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_RANGES   (4u << 20)
#define MAX_BACK     64
#define MIN_CAPACITY 64

int dwarf_ranges_add(struct dwarf_ranges *r, uint64_t low, uint64_t high, uint64_t what)
{
	if (low >= high || !low)
		return 0;
	if (r->count >= MAX_RANGES)
		return -E2BIG;
	if (r->count == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : MIN_CAPACITY;
		struct dwarf_range *v = realloc(r->v, capacity * sizeof(*v));

		if (!v)
			return -ENOMEM;
		r->v = v;
		r->capacity = capacity;
	}
	r->v[r->count++] = (struct dwarf_range){low, high, what};
	return 0;
}

static int by_low(const void *a, const void *b)
{
	const struct dwarf_range *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->high != y->high) /* what encloses comes first */
		return x->high > y->high ? -1 : 1;
	return x->what < y->what ? -1 : x->what > y->what;
}

void dwarf_ranges_sort(struct dwarf_ranges *r)
{
	if (r->count)
		qsort(r->v, r->count, sizeof(*r->v), by_low);
}

const struct dwarf_range *dwarf_ranges_find(const struct dwarf_ranges *r, uint64_t addr)
{
	size_t low = 0, high = r->count; /* the first behind @addr */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->v[mid].low <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t back = 0; back < MAX_BACK && back < low; back++) {
		if (addr < r->v[low - 1 - back].high)
			return &r->v[low - 1 - back];
	}
	return NULL;
}

void dwarf_ranges_release(struct dwarf_ranges *r)
{
	free(r->v);
	*r = (struct dwarf_ranges){0};
}
