/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What garbage-collected heaps hold after their collections: all isolates of a process together,
 * and each. Only a full collection (V8's mark-compact) says what is kept; what a scavenge leaves
 * is kept or garbage of the old generation. But full collections are rare: V8 lets a heap grow to
 * several times its size in between. So what grows from scavenge to scavenge is looked at too, and
 * of what grew before each full collection, how much it left.
 *
 * LIMITATIONS: past LIVE_HEAP_ISOLATES, isolates are counted only.
 */
#ifndef MEMWATCH_ANALYSIS_LIVE_HEAP_H
#define MEMWATCH_ANALYSIS_LIVE_HEAP_H

#include <stdint.h>

#include "analysis/series.h"
#include "model/gc.h"

#define LIVE_HEAP_ISOLATES 16

struct recorded_process;

/* One size of one isolate. */
struct live_size {
	struct series held; /* after its collections of any kind, bytes */
	/* Since the beginning, at each full collection: */
	struct series risen;  /* what came in between full collections, bytes */
	struct series fallen; /* what of it these took away */
	uint64_t base;	      /* after the last full one; before there was one, when first seen */
};

struct live_isolate {
	uint64_t id;
	uint64_t limit_bytes;		 /* of its heap; 0: unknown */
	struct series live;		 /* bytes after each mark-compact */
	struct live_size heap, external; /* external: of ArrayBuffers and the like */
};

struct live_heap {
	struct series sum; /* of what each isolate held last; begins with the first mark-compact */
	struct series heap_held, external_held; /* the same after collections of any kind */
	struct live_isolate isolates[LIVE_HEAP_ISOLATES];
	unsigned isolate_count;
	uint64_t marks;	  /* mark-compacts so far */
	uint64_t unknown; /* of these, in isolates past LIVE_HEAP_ISOLATES: not in @sum */
};

void live_heap_init(struct live_heap *h);
void live_heap_release(struct live_heap *h);

/**
 * live_heap_collect - a collection ended, of whatever kind
 *
 * Returns 0; -ENOSPC past LIVE_HEAP_ISOLATES (a full one is counted in @unknown); -EINVAL if time
 * does not advance for that isolate; -ENOMEM.
 */
int live_heap_collect(struct live_heap *h, const struct gc *gc);

/** live_heap_replay - all that is recorded of @p. 0, or -ENOMEM: the rest is not there */
int live_heap_replay(struct live_heap *h, const struct recorded_process *p);

/** live_heap_remove - an isolate has ended at @ns (a worker): what it held is gone from the sums */
void live_heap_remove(struct live_heap *h, uint64_t isolate, uint64_t ns);

/**
 * live_kept - what is kept, as far as full collections tell: @s->held without what they took
 * @points: room for SERIES_CAP, which @out points to
 * @full: when full collections were: the isolate's @live
 *
 * What came between two full collections is told by the share of it that the second left, so that
 * the line has no teeth; what came since the last, by the share of all of them.
 * Returns 0, -ENODATA before the first full collection.
 */
int live_kept(const struct live_size *s, const struct series *full, struct series_point *points,
	      struct series *out);

/* What full collections say about what grew since a moment. */
struct live_survival {
	unsigned collections; /* full ones since then */
	double risen;	      /* that came before the last of them, bytes */
	double share;	      /* of it, that they left: 0..1; 0 if nothing came */
	double last_share;    /* of what came between the last two, that the last one left */
	double rate; /* that is kept, bytes per second: what came after the last of them counts by
			that share */
};

/** live_survival_since - of one size of one isolate, since @since_ns */
void live_survival_since(const struct live_size *s, uint64_t since_ns, struct live_survival *out);

#endif
