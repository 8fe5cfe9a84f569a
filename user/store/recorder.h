/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes a recording: one SQLite file (recording.sql says what is in it).
 *
 * A tick is a transaction: who is killed loses what came since the last one. It is not waited for
 * that it is on the disk: a thread sees to that right after, at most twice a second, and moves what
 * is there from the write-ahead log into the file. So a slow disk does not hold up the run.
 *
 * What is old is thinned out: see recorder_thin.h. The file stays below @max_bytes.
 *
 * Errors stick: after the first, all calls return it and do nothing, and recorder_why() says what
 * happened. What was committed before stays readable.
 */
#ifndef MEMWATCH_STORE_RECORDER_H
#define MEMWATCH_STORE_RECORDER_H

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

#define RECORDER_MAX_BYTES (256ull << 20) /* by default */
#define RECORDER_MIN_BYTES (4ull << 20)	  /* less cannot be asked for */
#define RECORDER_LOCKED_NS (30ull * 1000000000)
#define RECORDER_WHY	   256

struct recorder;

struct recorder_options {
	const char *path;
	uint64_t max_bytes; /* of file and log together; 0: RECORDER_MAX_BYTES */
	unsigned page_shift;
	const char *command; /* NULL: none */
	uint64_t requests;   /* 0: unknown */
	uint64_t locked_ns;  /* that another may keep it locked; 0: RECORDER_LOCKED_NS */
};

/* What there is to say of a tick, beside its processes. */
struct recorder_tick {
	uint64_t now_ns, wall_ns; /* CLOCK_BOOTTIME, CLOCK_REALTIME */
	uint64_t born, gone;	  /* processes since the tick before */
	struct self_cost cost;
	struct lost lost; /* since the tick before */
};

/* How much there is in it, for the last words of a recording. */
struct recorder_stats {
	uint64_t bytes; /* of file and log together */
	uint64_t ticks, processes, sites, gcs, events, censuses;
};

/**
 * recorder_new - makes the file
 *
 * A recording that is there already is kept as PATH.old, one that is there as such is replaced;
 * anything else that is there is not touched (-EEXIST). A new file is for its owner only: names and
 * paths of other people's programs are in it.
 * @why: on failure a clause for people
 *
 * Returns 0 or a negative errno; *@out to be closed by recorder_free().
 */
int recorder_new(const struct recorder_options *options, struct recorder **out,
		 char why[RECORDER_WHY]);
/** recorder_free - what is not committed is lost; takes NULL. After recorder_end() one file is left
 */
void recorder_free(struct recorder *r);
/**
 * recorder_who_has - the other process that has the recording @fd open, its writer most likely
 *
 * Who has an SQLite file open in WAL mode holds one of its shared locks. Before SQLite opens that
 * file in this process: closing @fd gives up all locks that the process has on it (fcntl(2)).
 * Returns 0 if there is none, or if it is not known.
 */
pid_t recorder_who_has(int fd);
/** recorder_why - what the error that sticks means, and what to do */
const char *recorder_why(const struct recorder *r);

/* Each returns 0 or the negative errno that sticks. */

/** recorder_begin - what the run is about: before all else */
int recorder_begin(struct recorder *r, const struct run *run);
/** recorder_tick - a tick begins: what recorder_process() adds until the next one is of it */
int recorder_tick(struct recorder *r, const struct recorder_tick *tick);
/** recorder_process - what @p holds at this tick if that has changed, and its sites that have */
int recorder_process(struct recorder *r, const struct process *p, bool is_named);
/** recorder_event - as sinks are told of it; @p as last seen at a tick, or NULL */
int recorder_event(struct recorder *r, const struct mw_event_header *h, const struct process *p,
		   const char *limit_cgroup);
/** recorder_vanished - gone without a record of its end */
int recorder_vanished(struct recorder *r, const struct process *p, uint64_t now_ns);
/** recorder_gc - a collection ended; young ones are left out where there is little room */
int recorder_gc(struct recorder *r, const struct gc *gc);
/** recorder_heap_out - the heap that @gc->isolate was of is gone: a worker has ended */
int recorder_heap_out(struct recorder *r, const struct gc *gc);
/** recorder_verdict - @p->verdict, with @p->kept if there is one */
int recorder_verdict(struct recorder *r, const struct process *p, uint64_t now_ns, bool is_last);
/** recorder_census - @c with its constructors, the largest 20,000 of them, and its retainers */
int recorder_census(struct recorder *r, const struct census *c, enum recorded_census_when when);
/** recorder_commit - what came since the last one stays, also when memwatch is killed */
int recorder_commit(struct recorder *r);
/** recorder_end - the run is over: commits, waits for the disk, leaves one file */
int recorder_end(struct recorder *r, const struct recorder_tick *last);

/** recorder_stats - so far */
void recorder_stats(const struct recorder *r, struct recorder_stats *out);

#endif
