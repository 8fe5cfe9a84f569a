// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* First and last live bytes, by heap. */
#include "model/heap_growth.h"

#include <string.h>

static void note(struct heap_moment *first, struct heap_moment *last, const struct gc *gc)
{
	last->bytes = gc->live_bytes;
	last->ns = gc->ns;
	if (!first->bytes)
		*first = *last;
}

void heap_growth_add(struct heap_growth *h, const struct gc *gc)
{
	unsigned i = 0;

	if (!gc->live_bytes)
		return;
	while (i < h->count && h->heaps[i].isolate != gc->isolate)
		i++;
	if (i == HEAPS_MAX)
		return;
	if (i == h->count) {
		memset(&h->heaps[i], 0, sizeof(h->heaps[i]));
		h->heaps[i].isolate = gc->isolate;
		h->count++;
	}
	note(&h->heaps[i].any_first, &h->heaps[i].any_last, gc);
	if (!gc_is_full(gc->kind))
		return;
	note(&h->heaps[i].full_first, &h->heaps[i].full_last, gc);
	h->heaps[i].fulls++;
}

void heap_growth_remove(struct heap_growth *h, uint64_t isolate)
{
	for (unsigned i = 0; i < h->count; i++) {
		if (h->heaps[i].isolate != isolate)
			continue;
		h->heaps[i] = h->heaps[--h->count];
		return;
	}
}

void heap_growth_sum(const struct heap_growth *h, uint64_t *first, uint64_t *last,
		     uint64_t *span_ns)
{
	*first = *last = *span_ns = 0;
	for (unsigned i = 0; i < h->count; i++) {
		bool is_whole = h->heaps[i].fulls >= 2;
		const struct heap_moment *from =
			is_whole ? &h->heaps[i].full_first : &h->heaps[i].any_first;
		const struct heap_moment *to =
			is_whole ? &h->heaps[i].full_last : &h->heaps[i].any_last;

		*first += from->bytes;
		*last += to->bytes;
		if (to->ns - from->ns > *span_ns)
			*span_ns = to->ns - from->ns;
	}
}
