/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of one process over time: its sizes at each tick, what its collections left, and
 * what happened to it. From this it is judged.
 *
 * Bounded: at most SERIES_CAP points of each size; a process that does not change takes a few
 * hundred bytes a size.
 *
 * LIMITATIONS: past LIVE_HEAP_ISOLATES heaps, what objects of the others hold outside is not known.
 */
#ifndef MEMWATCH_ANALYSIS_COURSE_H
#define MEMWATCH_ANALYSIS_COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/verdict.h"
#include "model/gc.h"
#include "model/process.h"

#define COURSE_MARKS 4 /* the newest are kept */

struct course {
	uint64_t start_ns; /* CLOCK_BOOTTIME of the program's; 0: unknown */
	struct series private_bytes, file, shmem, brk, vm, threads;
	struct series full;	 /* private memory as of each full collection */
	struct live_heap *heaps; /* NULL: none was seen to be collected */
	struct verdict_mark marks[COURSE_MARKS];
	unsigned mark_count;
};

/* What a judgement rests on beside the course. */
struct course_view {
	uint64_t now_ns; /* CLOCK_BOOTTIME */
	enum collector collector;
	enum verdict_class called; /* see struct verdict_input */
	const struct limit *limits;
	unsigned limit_count;
};

/** course_init - empty; takes no memory before the first tick */
void course_init(struct course *c, uint64_t start_ns);
void course_release(struct course *c);

/** course_restart - another program runs since @ns (exec): nothing of before is about it */
void course_restart(struct course *c, uint64_t ns);

/** course_add - what @p holds at this tick. 0; -EINVAL if time does not advance; -ENOMEM */
int course_add(struct course *c, const struct process *p);

/**
 * course_gc - a collection ended
 *
 * See live_heap_collect(). Returns 0; -ENOSPC past LIVE_HEAP_ISOLATES; -EINVAL if time does not
 * advance for that heap; -ENOMEM.
 */
int course_gc(struct course *c, const struct gc *gc);

/** course_heap_out - a heap is gone (a worker's): what it held is not held any more */
void course_heap_out(struct course *c, uint64_t isolate, uint64_t ns);

/**
 * course_mark - something happened; the same again within a second is one mark
 * @where: must live as long as the course
 */
void course_mark(struct course *c, enum verdict_mark_kind kind, uint64_t ns, const char *where);

/** course_is_quiet - whether no size ever changed, and nothing happened */
bool course_is_quiet(const struct course *c);

/**
 * course_judge - see verdict_give()
 *
 * What grows in one that collects garbage is called a leak only where it is seen what collections
 * leave, or what memory falls back to; in one that was not looked at (COLLECTOR_UNKNOWN), never.
 */
void course_judge(const struct course *c, const struct course_view *view, struct verdict *out);

#endif
