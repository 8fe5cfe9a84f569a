/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* By how much the garbage-collected heaps of a process grew since their collections are seen. */
#ifndef MEMWATCH_MODEL_HEAP_GROWTH_H
#define MEMWATCH_MODEL_HEAP_GROWTH_H

#include <stdint.h>

#include "model/gc.h"

#define HEAPS_MAX 32 /* of a process: V8 has one for each worker. More are not counted */

struct heap_moment {
	uint64_t bytes, ns; /* alive after a collection, CLOCK_BOOTTIME */
};

struct heap_growth {
	struct {
		uint64_t isolate;
		unsigned fulls;
		struct heap_moment any_first, any_last;	  /* after any collection */
		struct heap_moment full_first, full_last; /* after a full one */
	} heaps[HEAPS_MAX];
	unsigned count;
};

/** heap_growth_add - @gc has ended; without live bytes it says nothing */
void heap_growth_add(struct heap_growth *h, const struct gc *gc);
/** heap_growth_remove - the heap is gone, with all that was in it */
void heap_growth_remove(struct heap_growth *h, uint64_t isolate);

/**
 * heap_growth_sum - over all heaps that are there
 * @first, @last: alive after the first collection that was seen, and after the last; 0: none was
 * @span_ns: from the one to the other, the longest of all
 *
 * Of a heap with two full collections these are meant; before that, any.
 */
void heap_growth_sum(const struct heap_growth *h, uint64_t *first, uint64_t *last,
		     uint64_t *span_ns);

#endif
