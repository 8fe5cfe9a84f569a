/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Growth sites of one process: how much memory each stack made it grow by.
 * No I/O here; collect fills it, outputs read it.
 */
#ifndef MEMWATCH_MODEL_SITE_H
#define MEMWATCH_MODEL_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hmap.h"
#include "memwatch/sites.h"
#include "model/frame.h"

#define SITES_MAX 4096 /* of a process; what comes after is counted in @dropped_bytes */

/* For who writes sites down: as they were last written. */
struct site_recorded {
	int64_t id; /* there; 0: not yet */
	uint64_t bytes, samples;
	bool is_left_out; /* there was no room for it: counted */
};

struct site {
	struct hmap_node node; /* by kind and hash of the frames */
	enum mw_site_kind kind;
	struct stack *stack;
	struct stack_chain chain;	    /* of @stack */
	uint64_t chain_hash, function_hash; /* of it, and of its first frame's function */
	const char *note;	/* what the runtime's own work is (model/site_note.h), or NULL */
	uint64_t sampled_bytes; /* weights of the samples, less what was freed */
	uint64_t samples, freed_samples;
	uint64_t kept_bytes,
		kept_samples; /* V8_SURVIVED: of these, found alive by full collections */
	/* Set by site_table_finish_tick(). */
	uint64_t estimated_bytes; /* @sampled_bytes; of V8_SURVIVED what of them is known to be kept
				   */
	uint64_t bytes; /* what is shown: @estimated_bytes, for V8_SURVIVED scaled: see below */
	int64_t delta_bytes; /* of @bytes since the tick before */
	double share;	     /* of what was sampled of the kind in this process, 0..1 */
	struct site_recorded recorded;
};

/* How well the sites of a process can be told; for outputs and doctor -p. */
struct site_quality {
	const char *level; /* what JS sites are told by: "v8-survived", "v8-alloc", "fault", ... */
	const char *why;   /* why not better, a sentence; NULL: nothing is missing */
	uint64_t stacks, stacks_cut, stacks_unreadable, stacks_recovered; /* as records came */
	uint64_t frames, frames_unnamed;
};

struct site_table {
	struct hmap by_hash;
	uint64_t begin_ns; /* CLOCK_BOOTTIME when it was made: rates are since then */
	uint64_t total_bytes[MW_SITE_KINDS]; /* of @bytes, this tick */
	uint64_t samples[MW_SITE_KINDS];
	uint64_t dropped_bytes; /* of sites past SITES_MAX */
	uint64_t unnamed_bytes; /* of stacks that could not be read in time */
	/* Live bytes of V8's heaps after the first and the last collection seen; what V8_SURVIVED
	 * is scaled to. 0: unknown, then shares are all that is true and @bytes is the raw estimate
	 */
	uint64_t v8_live_first, v8_live_last;
	uint64_t v8_live_span_ns; /* from the first to the last */
	bool v8_is_scaled;	  /* V8_SURVIVED was, at the last tick: by ... */
	double v8_scale; /* ... this, which holds since the collection of v8_scale_first and _last
			  */
	uint64_t v8_scale_first, v8_scale_last;
	struct site_quality quality;
};

/** site_table_new - begins now. NULL with errno set */
struct site_table *site_table_new(void);
/** site_table_free - takes NULL */
void site_table_free(struct site_table *t);

/**
 * site_table_get - the site of @kind with these frames, made if it is new
 *
 * It stays where it is until the table is freed.
 * Returns NULL with errno set: ENOSPC past SITES_MAX, EINVAL, ENOMEM.
 */
struct site *site_table_get(struct site_table *t, enum mw_site_kind kind,
			    const struct frame *frames, unsigned count, bool is_cut);

/**
 * site_set_frames - other frames for a site that stays the same: the old ones, by name
 *
 * site_table_get() goes on to know it by the old ones. 0, -EINVAL or -ENOMEM.
 */
int site_set_frames(struct site *s, const struct frame *frames, unsigned count);

/**
 * site_table_finish_tick - bytes, deltas and shares anew, after all of a tick's samples are in
 *
 * Of V8_SURVIVED counts what two full collections found alive, and of what came since the share
 * that they found of its site before. Until they have found enough: also what came to the old
 * generation of sites of which they freed nothing.
 *
 * What survives is known in shares only, since not all samples are followed for ever. So what was
 * estimated is scaled such that, at each collection, the sum is the growth of the live heap; a heap
 * that did not grow leaves 0. Until the next collection, which may be minutes away, the scale
 * holds.
 */
void site_table_finish_tick(struct site_table *t);

/** site_kind_name - "fault", "brk", "mmap", "v8-alloc", "v8-survived", "external" */
const char *site_kind_name(enum mw_site_kind kind);
/** site_kind_parse - the kind of that name, or 0 */
enum mw_site_kind site_kind_parse(const char *name);
/** site_kind_help - what its bytes mean, a phrase */
const char *site_kind_help(enum mw_site_kind kind);

#endif
