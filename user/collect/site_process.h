/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One process whose growth sites are taken: its symbols, its V8, its probes, the
 * stacks seen so far with their names, and what they sum up to (model/site.h).
 */
#ifndef MEMWATCH_COLLECT_SITE_PROCESS_H
#define MEMWATCH_COLLECT_SITE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hmap.h"
#include "base/memreader.h"
#include "collect/runtime_files.h"
#include "collect/session.h"
#include "collect/v8_probes.h"
#include "memwatch/sites.h"
#include "model/heap_growth.h"
#include "model/site.h"
#include "sym/symbolizer.h"
#include "v8/v8_process.h"

/* When V8's allocations are sampled: a window in each period. CLOCK_BOOTTIME. */
struct v8_window {
	unsigned share;				      /* of the period, in 1/WINDOW_SHARES */
	uint64_t period_end_ns, open_at_ns, since_ns; /* of this period; since when it is open */
	bool is_done;				      /* its window is over */
	uint64_t open_ns;			      /* for so long */
	double rate;				      /* samples in a second of window */
	uint64_t allocs;			      /* samples so far, as of the last look ... */
	uint64_t planned;			      /* ... and when the period began */
	uint64_t sampled_ns, scavenges_first;	      /* for the self-test */
};

struct site_process {
	struct hmap_node node; /* by pid */
	uint32_t pid;
	uint64_t start_ns;
	struct session *session;
	struct mw_site_proc config; /* as in the map */
	struct memreader memory;
	struct symbol_process *symbols;
	struct v8_process *v8; /* NULL: none, or not readable */
	struct v8_hooks hooks;
	struct v8_probes probes;
	struct v8_window window;
	struct hmap stacks; /* struct known_stack by hash */
	struct site_table *table;
	struct heap_growth heaps;
	uint64_t mark_compacts;	  /* when V8's caches were last checked */
	uint64_t refresh_due_ns;  /* since its mappings were read */
	uint64_t external_calls;  /* ArrayBuffers made, as of the tick before */
	uint64_t external_aim;	  /* live samples at which they become rarer */
	unsigned external_excess; /* ticks with more calls than the budget allows */
	uint64_t tick_samples;	  /* of faults and calls, since the tick before */
	uint64_t dropped_samples; /* of sites past SITES_MAX */
	bool is_wanted;
};

/* What all of them share. */
struct site_shared {
	struct session *session;
	struct runtime_files *files;
	struct symbolizer *symbolizer;
	struct intern *names;
	int procs_fd;		   /* mw_site_procs */
	unsigned thrift;	   /* sample so many times more rarely: naming is too dear */
	double external_max_per_s; /* ArrayBuffers of one process, likewise */
	double v8_max_per_s; /* allocation samples of one process that the budget allows; 0: no
				limit */
};

/** site_process_new - looks at the process and attaches. NULL with errno set, @why a sentence */
struct site_process *site_process_new(const struct site_shared *shared, uint32_t pid,
				      uint64_t start_ns);
/** site_process_free - detaches; takes NULL */
void site_process_free(struct site_process *p, const struct site_shared *shared);

/** site_process_stack - a stack that the kernel had not seen: named now */
void site_process_stack(struct site_process *p, const struct mw_stack *s);
/** site_process_copy - a stack to unwind, with its weight */
void site_process_copy(struct site_process *p, const struct mw_stack_copy *copy);
/** site_process_count - what the kernel has counted for a stack so far */
void site_process_count(struct site_process *p, const struct mw_site_key *key,
			const struct mw_site *now);
/** site_process_make_room - the kernel's table is nearly full: stacks that no sample came of for a
 *  while are forgotten; their sites stay, and what comes later is added to them */
void site_process_make_room(struct site_process *p, int sites_fd);
/** site_process_isolates - what the kernel has seen of V8's isolates: @all of all processes */
void site_process_isolates(struct site_process *p, const struct mw_v8_isolate *all, unsigned count);
/** site_process_step - every 0.1 s: opens and closes the window of allocation samples */
void site_process_step(struct site_process *p, const struct site_shared *shared);
/** site_process_tick - after a tick's counts are in: totals, and how densely to sample now */
void site_process_tick(struct site_process *p, const struct site_shared *shared,
		       uint64_t interval_ns);

#endif
