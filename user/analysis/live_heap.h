/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What V8 holds after full collections (mark-compact): all isolates of a process together, and
 * each. A scavenge leaves garbage of the old generation where it is, so it says nothing here.
 *
 * LIMITATIONS: past LIVE_HEAP_ISOLATES, isolates are counted only.
 */
#ifndef MEMWATCH_ANALYSIS_LIVE_HEAP_H
#define MEMWATCH_ANALYSIS_LIVE_HEAP_H

#include <stdint.h>

#include "analysis/series.h"

#define LIVE_HEAP_ISOLATES 16

struct live_isolate {
	uint64_t id;
	uint64_t limit_bytes; /* of its heap; 0: unknown */
	struct series live;   /* bytes after each mark-compact */
};

struct live_heap {
	struct series sum; /* of what each isolate held last; begins with the first mark-compact */
	struct live_isolate isolates[LIVE_HEAP_ISOLATES];
	unsigned isolate_count;
	uint64_t marks;	  /* mark-compacts so far */
	uint64_t unknown; /* of these, in isolates past LIVE_HEAP_ISOLATES: not in @sum */
};

void live_heap_init(struct live_heap *h);
void live_heap_release(struct live_heap *h);

/**
 * live_heap_add - a mark-compact ended
 * @isolate: what tells it from the others of the process
 * @live_bytes: held after it
 * @limit_bytes: of that isolate's heap; 0: unknown, what was known stays
 *
 * Returns 0; -ENOSPC past LIVE_HEAP_ISOLATES (it is counted in @unknown); -EINVAL if time does not
 * advance for that isolate; -ENOMEM.
 */
int live_heap_add(struct live_heap *h, uint64_t isolate, uint64_t ns, uint64_t live_bytes,
		  uint64_t limit_bytes);

/** live_heap_remove - an isolate has ended at @ns (a worker): what it held is gone from the sum */
void live_heap_remove(struct live_heap *h, uint64_t isolate, uint64_t ns);

#endif
