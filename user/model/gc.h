/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One garbage collection of one process, as it was seen from outside. */
#ifndef MEMWATCH_MODEL_GC_H
#define MEMWATCH_MODEL_GC_H

#include <stdbool.h>
#include <stdint.h>

#include "memwatch/abi.h"

struct gc {
	uint32_t pid;
	uint64_t start_ns; /* of the process, CLOCK_BOOTTIME */
	char comm[MW_COMM_LEN + 1];
	uint64_t ns; /* when it ended, CLOCK_BOOTTIME */
	uint64_t
		isolate; /* the heap that it was of: V8's, by its address; 0: the process has one */
	uint32_t tid;	 /* the thread that made it, as the kernel numbers it */
	enum mw_gc_kind kind;
	enum mw_gc_via via;
	uint64_t pause_ns;
	/* 0: unknown */
	uint64_t live_bytes; /* held after it; of garbage, what a full collection leaves: nothing */
	uint64_t external_bytes; /* of ArrayBuffers and the like, that objects of that heap hold */
	uint64_t limit_bytes;	 /* of the heap's old generation: V8 ends the process there */
};

/* Whether what one can know of a process's garbage is known. */
enum collector {
	COLLECTOR_UNKNOWN, /* it was not looked at */
	COLLECTOR_NONE,	   /* none was found: malloc and free */
	COLLECTOR_HIDDEN,  /* there is one, but its collections cannot be seen */
	COLLECTOR_SEEN,	   /* its collections are seen, not what they leave */
	COLLECTOR_LIVE,	   /* what its full collections leave is seen too */
};

/** gc_is_full - whether what it leaves is what is kept */
bool gc_is_full(enum mw_gc_kind kind);
/** gc_kind_name - "scavenge", "mark-compact", "minor-mark-sweep", "young", "full", "other" */
const char *gc_kind_name(enum mw_gc_kind kind);
/** gc_kind_parse - the kind of that name; MW_GC_OTHER for others */
enum mw_gc_kind gc_kind_parse(const char *name);
/** gc_via_name - "uprobe", "usdt" */
const char *gc_via_name(enum mw_gc_via via);

#endif
