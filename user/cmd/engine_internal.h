/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of the engine share: engine.c, engine_events.c, engine_tick.c. */
#ifndef MEMWATCH_CMD_ENGINE_INTERNAL_H
#define MEMWATCH_CMD_ENGINE_INTERNAL_H

#include "cmd/closely.h"
#include "cmd/engine.h"
#include "cmd/heap_ends.h"
#include "cmd/heap_watch.h"
#include "cmd/watch_verdict.h"
#include "collect/budget.h"
#include "collect/self.h"
#include "collect/session.h"

struct engine {
	struct run_options *options;
	const struct engine_front *front;
	struct session *session;
	struct closely closely;
	struct process_table table;
	struct loop *loop;
	struct sink *sink;
	struct watch_verdict *verdicts;
	struct heap_job heap_job;
	struct heap_watch *heap; /* NULL: nobody allowed it */
	struct heap_ends *ends;	 /* NULL: nobody keeps censuses */
	int out_fd;
	bool is_over; /* no more ticks */

	struct budget budget;
	struct self_meter meter;
	unsigned long long timer_ticks, ticks;
	uint64_t last_tick_ns;
	uint64_t ticks_cpu_ns,
		ticks_cpu_seen_ns; /* own CPU time of ticks, and as of the last look */
	uint64_t ticks_seen_at_ns;
	struct lost lost;	 /* since the start */
	struct lost lost_before; /* as of the last tick that was shown */
	uint64_t born, gone;
	bool calls_whole, places_whole; /* were on since the tick before */
	uint64_t events_measured;	/* of a tick, when own cost was last measured for it */
};

/** engine_has_targets - whether there is anything to watch still */
bool engine_has_targets(const struct engine *e);

/** engine_on_event - a record of the kernel's, to the sink; forgets who ended */
void engine_on_event(void *arg, const struct mw_event_header *h);
/** engine_on_vanished - a process that a tick did not see and that no exit record explained;
 * whether it is gone */
bool engine_on_vanished(void *arg, const struct process *p);
/** engine_named_gone - the end of a process; of the last one that was named ends the run */
void engine_named_gone(struct engine *e, uint32_t pid, uint64_t start_ns);

/** engine_tick - collects and shows. 0 or a negative errno, said on stderr if it is not the sink's
 */
int engine_tick(struct engine *e);
/** engine_rows - those that are meant, to free(). NULL when memory is short */
struct process **engine_rows(const struct engine *e, size_t *count);

/** engine_heap_prepare - if heaps may be looked into. 0 or a negative errno, said on stderr */
int engine_heap_prepare(struct engine *e);
void engine_heap_release(struct engine *e);
void engine_heap_gc(struct engine *e, const struct gc *gc);
void engine_heap_tick(struct engine *e, struct process **rows, size_t count, uint64_t now_ns);
/** engine_heap_forget - the process has ended, or is another program now */
void engine_heap_forget(struct engine *e, uint32_t pid, uint64_t start_ns);
/** engine_heap_last - the run has ended: waits for the censuses that are due then. 0, -errno */
int engine_heap_last(struct engine *e);

#endif
