/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Censuses of V8's heaps at both ends of a run, to be kept: of the processes that were named, the
 * largest first. At the begin, which of a process that has just begun is when it has collected for
 * the first time or is ten seconds old; and at the end, that one with who keeps what grew since.
 *
 * Who ends before the run does has none at its end.
 */
#ifndef MEMWATCH_CMD_HEAP_ENDS_H
#define MEMWATCH_CMD_HEAP_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/heap_job.h"
#include "model/census.h"
#include "model/gc.h"
#include "model/kept.h"
#include "model/process.h"
#include "model/recorded.h"

#define HEAP_ENDS_MAX 8 /* processes at once: each stands still twice */

struct heap_ends_options {
	struct heap_job *job;
	const struct process_table *table;
	uint64_t duration_ns; /* of the run; 0: open */
	bool (*is_v8)(void *arg, const struct process *p);
	void (*census)(void *arg, const struct census *c, enum recorded_census_when when);
	/* What of a leak that nobody looked into yet the two censuses show. */
	void (*kept)(void *arg, uint32_t pid, uint64_t start_ns, const struct kept *kept);
	/* heap_ends_last(): nothing is left to wait for. */
	void (*done)(void *arg);
	void *arg;
};

struct heap_ends;

/** heap_ends_new - @options is copied, what it refers to must live as long. NULL with errno set */
struct heap_ends *heap_ends_new(const struct heap_ends_options *options);
/** heap_ends_free - ends what runs; takes NULL */
void heap_ends_free(struct heap_ends *e);

/** heap_ends_gc - a collection: after a full one a young process has something to be counted */
void heap_ends_gc(struct heap_ends *e, const struct gc *gc);
/** heap_ends_tick - processes that were named, as of a tick, the largest first: begins
 *		     with the first that is due */
void heap_ends_tick(struct heap_ends *e, struct process **rows, size_t count, uint64_t now_ns);
/** heap_ends_forget - the process has ended, or is another program now */
void heap_ends_forget(struct heap_ends *e, uint32_t pid, uint64_t start_ns);

/**
 * heap_ends_last - the run ends: one after the other, for 30 s at most
 *
 * Returns whether there is anything to wait for: @done is called when that is over.
 */
bool heap_ends_last(struct heap_ends *e, struct process **rows, size_t count, uint64_t now_ns);
/** heap_ends_stop - ends what runs: nothing comes of it */
void heap_ends_stop(struct heap_ends *e);

#endif
