/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose heap a run looks into (--heap): processes of V8 whose live heap leaks by the verdict. Two
 * censuses, some seconds apart, tell which constructors grow and who keeps them: p->kept.
 *
 * Each census stops its process for some milliseconds: one process at a time, each once in ten
 * minutes, or when its leak is called anew.
 */
#ifndef MEMWATCH_CMD_HEAP_WATCH_H
#define MEMWATCH_CMD_HEAP_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/heap_job.h"
#include "model/census.h"
#include "model/gc.h"
#include "model/kept.h"
#include "model/process.h"

struct heap_watch_options {
	struct heap_job *job;
	const struct process_table *table;
	bool is_brief; /* the run soon ends: the two censuses are close together */
	/* Each of the two; may be NULL. */
	void (*census)(void *arg, const struct census *c);
	/* p->kept has changed, outside of a tick. */
	void (*told)(void *arg, struct process *p);
	/* heap_watch_last(): nothing is left to wait for. */
	void (*done)(void *arg);
	void *arg;
};

struct heap_watch;

/** heap_watch_new - @options is copied, what it refers to must live as long. NULL with errno set */
struct heap_watch *heap_watch_new(const struct heap_watch_options *options);
/** heap_watch_free - ends what runs; takes NULL; each p->kept is gone then */
void heap_watch_free(struct heap_watch *h);

/** heap_watch_gc - a collection: that tells whose heap is V8's */
void heap_watch_gc(struct heap_watch *h, const struct gc *gc);

/**
 * heap_watch_tick - processes as of a tick, with their verdicts: sets p->kept, and begins with the
 *                   one that leaks fastest, if one is due
 */
void heap_watch_tick(struct heap_watch *h, struct process **rows, size_t count, uint64_t now_ns);

/**
 * heap_watch_forget - the process has ended, or is another program now: what runs for it ends
 *
 * Its p->kept goes with the next tick.
 */
void heap_watch_forget(struct heap_watch *h, uint32_t pid, uint64_t start_ns);

/**
 * heap_watch_last - the run ends: what is due, or under way, is waited for, for 15 s
 *
 * Returns whether there is anything to wait for: @done is called when that is over.
 */
bool heap_watch_last(struct heap_watch *h, struct process **rows, size_t count, uint64_t now_ns);

/** heap_watch_tell - what others have found: sets p->kept of a process of V8, until the next */
void heap_watch_tell(struct heap_watch *h, uint32_t pid, uint64_t start_ns,
		     const struct kept *kept);

/** heap_watch_stop - ends what runs: nothing comes of it */
void heap_watch_stop(struct heap_watch *h);

#endif
