/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Garbage collections of the processes that are watched closely: probes at the
 * collector of each (its own USDT probes, else V8's functions), and what their records say.
 */
#ifndef MEMWATCH_COLLECT_GCS_H
#define MEMWATCH_COLLECT_GCS_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/runtime_files.h"
#include "collect/session.h"
#include "model/gc.h"

#define GC_PROCS 64 /* processes at once */

struct gcs;

/**
 * gcs_new - no process is watched yet
 * @files: must outlive it
 *
 * Where collections cannot be probed here (doctor says why), it is still told which
 * processes have a collector. NULL with errno set.
 */
struct gcs *gcs_new(struct session *s, struct runtime_files *files);
/** gcs_free - detaches; takes NULL */
void gcs_free(struct gcs *g);

/** gcs_want - before gcs_settle(): the collections of this process are wanted (still) */
void gcs_want(struct gcs *g, uint32_t pid, uint64_t start_ns);
/**
 * gcs_settle - begins with those that are wanted, ends with the others
 *
 * A process in which nothing was found is looked at again now and then: libraries come late.
 */
void gcs_settle(struct gcs *g, uint64_t now_ns);
/** gcs_forget - the process is gone, or is another program now */
void gcs_forget(struct gcs *g, uint32_t pid);

/** gcs_learning_ns - own CPU time that went into getting to know processes and their files */
uint64_t gcs_learning_ns(const struct gcs *g);

/** gcs_is_watched - whether its collections are wanted, and probed as far as can be */
bool gcs_is_watched(const struct gcs *g, uint32_t pid, uint64_t start_ns);

/** What is known of how a process's garbage is collected. */
struct gc_source {
	enum collector collector;
	const char *runtime; /* "V8", "HotSpot", ...; NULL: none was found */
	const char *by;	     /* what tells: "uprobes on V8's functions", ...; NULL: nothing does */
	const char *why;     /* a sentence: what is missing, and why; NULL: nothing is */
};

/** gcs_source - of a process, as far as it was looked at; else COLLECTOR_UNKNOWN */
void gcs_source(const struct gcs *g, uint32_t pid, uint64_t start_ns, struct gc_source *out);

/**
 * gcs_peek - looks which runtime a process has, without any probe
 *
 * It stays known until gcs_forget(). Reads the process's mappings, and the files that are new.
 */
void gcs_peek(struct gcs *g, uint32_t pid, uint64_t start_ns);

/**
 * gcs_take - a record of the kernel (MW_EVENT_GC, MW_EVENT_HEAP_OUT), completed by what is read
 * from the process: limit and external bytes
 *
 * False if it is of no process that is watched.
 */
bool gcs_take(struct gcs *g, const struct mw_event_gc *e, struct gc *out);

#endif
