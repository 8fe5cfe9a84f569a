/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which processes of a run are watched closely: those that were named; if none was, the fastest
 * growers and the one that the user looks at. Of these, growth sites are taken and garbage
 * collections seen.
 */
#ifndef MEMWATCH_CMD_CLOSELY_H
#define MEMWATCH_CMD_CLOSELY_H

#include "cmd/targets.h"
#include "collect/gcs.h"
#include "collect/sites.h"
#include "model/process.h"

struct closely {
	struct runtime_files *files;
	struct sites *sites; /* NULL: none are taken */
	struct gcs *gcs;
};

/**
 * closely_init - as far as it can be done here
 * @budget_pct: of one CPU, that sampling may cost; 0: no limit
 *
 * Returns 0, or a negative errno after it has said why. closely_release() in any case.
 */
int closely_init(struct closely *c, struct session *s, double budget_pct);
void closely_release(struct closely *c);
/** closely_learning_ns - own CPU time that is spent once, on getting to know processes */
uint64_t closely_learning_ns(const struct closely *c);

/**
 * closely_tick - chooses, and shows in each of @rows what is known, as of now
 * @rows: the processes that match the targets
 * @looked_at: PID of the one that the user looks at, or 0
 */
void closely_tick(const struct closely *c, const struct targets *targets, struct process **rows,
		  size_t count, uint32_t looked_at);

/** closely_show - the same, as of the last tick, less those that were forgotten since */
void closely_show(const struct closely *c, struct process **rows, size_t count);

/** closely_take_gc - gcs_take(), and the sites know as well */
bool closely_take_gc(const struct closely *c, const struct mw_event_gc *record, struct gc *out);

/** closely_is_v8 - whether it has V8 in it, as far as it was looked at */
bool closely_is_v8(const struct closely *c, uint32_t pid, uint64_t start_ns);

/** closely_forget - the process is gone, or is another program now */
void closely_forget(const struct closely *c, uint32_t pid);

#endif
