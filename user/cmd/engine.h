/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The engine of a run: collects at each tick, drains events in between, and feeds
 * one sink. What a command adds of its own, it adds as a front.
 *
 * A run ends by a signal, -d, the front, a reader that went away, or when all
 * processes that were named by PID are gone.
 */
#ifndef MEMWATCH_CMD_ENGINE_H
#define MEMWATCH_CMD_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "cmd/run_options.h"
#include "output/sink.h"

struct engine;

/* What a command makes of a run. @arg goes to each; all but open_sink may be NULL. */
struct engine_front {
	void *arg;
	/* It draws on the terminal itself, or has a file: nobody looks whether a reader is gone. */
	bool has_no_reader;
	/* What the run finds is told at its end: a census that is due then is waited for. */
	bool is_told_last;
	/* To @fd (not owned). The engine frees it. NULL with errno set. */
	struct sink *(*open_sink)(void *arg, int fd, unsigned page_shift);
	/* What is to be said of the run's failure instead of its errno; NULL: that. */
	const char *(*why)(void *arg);
	/* More sources of the loop, such as keys, before the first tick. 0 or a negative errno. */
	int (*add_sources)(void *arg, struct engine *e, struct loop *loop);
	/* The first tick is made: what is to be watched may begin. */
	void (*started)(void *arg);
	/*
	 * The run has ended, and its last tick is made, or it has failed. While this returns true,
	 * the loop runs on, without ticks, until the next engine_stop() or failure: it must come to
	 * an end by itself.
	 */
	bool (*lingers)(void *arg);
	/* The order of the rows now; NULL: that of the options. */
	const struct column *(*sort)(void *arg, bool *reversed);
	/* PID of the process that the user looks at, or 0. */
	uint32_t (*looked_at)(void *arg);
};

/**
 * engine_run - a whole run: sets up, loops, tears down
 * @options: parsed and checked; what becomes of its targets is noted there
 *
 * Returns 0 or a negative errno, after it has said on stderr what failed.
 */
int engine_run(struct run_options *options, const struct engine_front *front);

/**
 * engine_stop - ends the run: at once, but in the loop's own time. Returns 0, for callbacks
 * @err: 0 or a negative errno; that nobody reads any more is an end like any other
 */
int engine_stop(struct engine *e, int err);

/** engine_drain - all records that wait. 0; what failed ends the run */
int engine_drain(struct engine *e);

/** engine_show - the last tick again, as when the order has changed. 0 or a negative errno */
int engine_show(struct engine *e);

#endif
