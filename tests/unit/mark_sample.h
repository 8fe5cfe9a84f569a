/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A full collection, as the kernel side tells it. */
#ifndef MEMWATCH_TESTS_MARK_SAMPLE_H
#define MEMWATCH_TESTS_MARK_SAMPLE_H

#include "analysis/live_heap.h"

static inline int sample_mark(struct live_heap *h, uint64_t isolate, uint64_t ns,
			      uint64_t live_bytes, uint64_t limit_bytes)
{
	const struct gc gc = {
		.isolate = isolate,
		.ns = ns,
		.kind = MW_GC_MARK_COMPACT,
		.live_bytes = live_bytes,
		.limit_bytes = limit_bytes,
	};

	return live_heap_collect(h, &gc);
}

#endif
