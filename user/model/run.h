/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Facts about this run of memwatch: what it watches, by which hooks, and what it costs. */
#ifndef MEMWATCH_MODEL_RUN_H
#define MEMWATCH_MODEL_RUN_H

#include <stdbool.h>
#include <stdint.h>

#define MEMWATCH_SCHEMA 1 /* version of the NDJSON contract */

#define RUN_MAX_HOOKS	16

struct run {
	const char *version;
	const char *kernel, *arch;
	uint64_t interval_ns;
	const uint32_t *pids; /* named by PID */
	unsigned pid_count;
	const char *comm;   /* named by -n, or NULL */
	const char *cgroup; /* named by -c, or NULL */
	struct {
		const char *capability, *hook; /* hook NULL: not available */
	} hooks[RUN_MAX_HOOKS];
	unsigned hook_count;
};

/* What memwatch itself takes. */
struct self_cost {
	double cpu_pct;	    /* of one CPU, since the tick before: own time and BPF time */
	double cpu_pct_run; /* the same, since the first tick */
	double once_pct;    /* of that: own time that is spent once, to know a process's names */
	uint64_t cpu_ns;    /* own CPU time since the start */
	uint64_t bpf_ns;    /* BPF programs in other processes' time (an estimate) */
	bool bpf_known;
	uint64_t rss_bytes;
	uint64_t map_bytes;
};

#endif
