/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a run's facts go: NDJSON, lines of text, or the live view. A command
 * makes one sink and feeds it; none knows where its data come from.
 */
#ifndef MEMWATCH_OUTPUT_SINK_H
#define MEMWATCH_OUTPUT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memwatch/abi.h"
#include "model/census.h"
#include "model/gc.h"
#include "model/lost.h"
#include "model/process.h"
#include "model/recorded.h"
#include "model/run.h"
#include "output/fields.h"

/* One tick, as every sink sees it. */
struct tick {
	uint64_t now_ns, wall_ns;
	struct process **rows; /* sorted */
	size_t count;
	size_t rows_wanted;    /* -r; 0: the sink's own default */
	unsigned sites_wanted; /* --sites: of each kind */
	const struct column *sort;
	struct lost lost;	/* since the tick before */
	struct lost lost_total; /* since the start */
	uint64_t born, gone;	/* processes since the tick before */
	struct self_cost cost;
	bool has_fault_places;
	const char *shed; /* what was given up to stay within the budget, or NULL */
};

/* How a run ended. */
struct end {
	uint64_t now_ns, wall_ns;
	struct self_cost cost;
	struct lost lost_total;
	uint64_t ticks;
	struct process **rows; /* those still there, sorted */
	size_t count;
};

struct sink;

struct sink_ops {
	/* Each returns 0 or a negative errno; -EPIPE means that nobody reads any more. */
	int (*begin)(struct sink *s, const struct run *run);
	int (*tick)(struct sink *s, const struct tick *t);
	/* @p: the process as last seen at a tick, or NULL when it never was. */
	int (*event)(struct sink *s, const struct mw_event_header *h, const struct process *p);
	/* A garbage collection; may be NULL. */
	int (*gc)(struct sink *s, const struct gc *gc, const struct process *p);
	/* The heap of @gc is gone, a worker's; may be NULL. */
	int (*heap_out)(struct sink *s, const struct gc *gc);
	/* @p->verdict is new, has changed, or is the last one of @p; may be NULL. */
	int (*verdict)(struct sink *s, const struct process *p, uint64_t now_ns, bool is_last);
	/* Of V8's heaps of a process; may be NULL: nobody takes one then but for a leak. */
	int (*census)(struct sink *s, const struct census *c, enum recorded_census_when when);
	/* A process that vanished without an exit record. */
	int (*vanished)(struct sink *s, const struct process *p, uint64_t now_ns);
	/* After each round of events: writes out what waits. */
	int (*flush)(struct sink *s);
	int (*end)(struct sink *s, const struct end *e);
	void (*free)(struct sink *s);
};

struct sink {
	const struct sink_ops *ops;
};

/** ndjson_sink_new - the contract of `memwatch schema`, to @fd (not owned). NULL with errno set */
struct sink *ndjson_sink_new(int fd, unsigned page_shift);
/** text_sink_new - a line a process a tick, to @fd (not owned). NULL with errno set */
struct sink *text_sink_new(int fd, unsigned page_shift);

/**
 * sink_write - all of @b to @fd, then clear it
 *
 * Waits for a reader that stalls, but not longer than until a stop signal is pending
 * (-EINTR). 0 or a negative errno.
 */
int sink_write(int fd, struct strbuf *b);

/** sink_wall_ns - a CLOCK_BOOTTIME moment as CLOCK_REALTIME, by the difference of the two now */
uint64_t sink_wall_ns(uint64_t boot_ns);

/**
 * oom_limit_path - path of the cgroup @level levels above the one that @p is in
 * @p: NULL, or the victim as last seen
 *
 * Returns 0, -ENOENT when the path is not known.
 */
int oom_limit_path(const struct process *p, unsigned level, char *out, size_t size);

#endif
