/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts in a run: the course of each process that is watched, judged as it goes on.
 *
 * Those that matter (named, growing, looked at more closely, or a leak) are judged at each tick,
 * the rest in turn, both within a share of a CPU: with very many, each is judged less often. A
 * process that never changed is judged every ten seconds, and costs next to nothing.
 */
#ifndef MEMWATCH_CMD_WATCH_VERDICT_H
#define MEMWATCH_CMD_WATCH_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/gc.h"
#include "model/process.h"
#include "output/sink.h"

struct watch_verdict;

/**
 * watch_verdict_new - nothing is known of any process yet
 * @table: the processes of the run; must live as long
 * @sink: is told what changes; must live as long
 * @is_named: the user named whom to watch: all of them matter
 *
 * Returns NULL with errno set.
 */
struct watch_verdict *watch_verdict_new(const struct process_table *table, struct sink *sink,
					bool is_named);
/** watch_verdict_free - takes NULL; each p->verdict is gone then */
void watch_verdict_free(struct watch_verdict *v);

/**
 * watch_verdict_tick - a tick has seen @rows: adds it to their courses, judges, sets p->verdict
 * @now_ns: CLOCK_BOOTTIME of the tick
 *
 * A verdict is told when its class, whether it is a leak, its tenths of confidence or the kind of
 * its limit differ from what was told before; until something was, that is "too early".
 * Returns 0 or what the sink returned.
 */
int watch_verdict_tick(struct watch_verdict *v, struct process **rows, size_t count,
		       uint64_t now_ns);

/** watch_verdict_gc - a collection of a process that a tick has seen; others are ignored */
void watch_verdict_gc(struct watch_verdict *v, const struct gc *gc);

/**
 * watch_verdict_event - exec: begins anew; exit: the last verdict; OOM: marks all in that cgroup
 * @p: the process as last seen at a tick, or NULL when it never was
 *
 * To be called before @p is forgotten. Returns 0 or what the sink returned.
 */
int watch_verdict_event(struct watch_verdict *v, const struct mw_event_header *h,
			struct process *p);

/**
 * watch_verdict_tell - the verdict of @p once more: something beside it has changed, as p->kept
 *
 * Nothing if it is not judged. Returns 0 or what the sink returned.
 */
int watch_verdict_tell(struct watch_verdict *v, const struct process *p, uint64_t now_ns);

/** watch_verdict_vanished - @p ended without a record. Returns 0 or what the sink returned */
int watch_verdict_vanished(struct watch_verdict *v, const struct process *p, uint64_t now_ns);

/** watch_verdict_end - the run ends: the last verdict of each. 0 or what the sink returned */
int watch_verdict_end(struct watch_verdict *v, struct process **rows, size_t count,
		      uint64_t now_ns);

#endif
