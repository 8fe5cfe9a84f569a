/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ends a growth: the limits that bite a process. */
#ifndef MEMWATCH_MODEL_LIMIT_H
#define MEMWATCH_MODEL_LIMIT_H

#include <stdint.h>

enum limit_kind {
	LIMIT_NONE,
	LIMIT_CGROUP_HIGH, /* memory.high: slowed down and reclaimed from */
	LIMIT_CGROUP_MAX,  /* memory.max: killed */
	LIMIT_V8_HEAP,	   /* V8 ends the process */
	LIMIT_MACHINE,	   /* the kernel kills what it finds the worst */
};

/* One limit as it stands: a cgroup of the chain upwards, the machine, an isolate's heap. */
struct limit {
	enum limit_kind kind;
	uint64_t bytes;	     /* the limit; of the machine, all of its memory */
	uint64_t used_bytes; /* what counts against it now; of the machine, what is not available */
	const char *where;   /* the cgroup's path, or NULL */
};

#endif
