/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* memwatch measures itself: CPU, BPF time in other processes, memory. */
#ifndef MEMWATCH_COLLECT_SELF_H
#define MEMWATCH_COLLECT_SELF_H

#include "collect/session.h"
#include "model/run.h"

struct self_meter {
	uint64_t start_ns, start_cpu_ns;
	uint64_t last_ns, last_cpu_ns, last_bpf_ns[CAPABILITY_MAX];
	double own_pct;			/* of one CPU, between the last two updates */
	double bpf_pct[CAPABILITY_MAX]; /* the same, in other processes' time */
	double total_pct;
	uint64_t excused_ns, last_excused_ns; /* own CPU time that is spent once */
	uint64_t rss_bytes, map_bytes;
};

/** self_meter_start - what came before (loading, the first pass) does not count */
void self_meter_start(struct self_meter *m, struct session *s);
/**
 * self_meter_excuse - so much of the own CPU time so far was spent once, on getting to know a
 * process: it is in the totals, and not in the shares that the budget goes by
 */
void self_meter_excuse(struct self_meter *m, uint64_t ns);
/**
 * self_meter_update - at each tick
 *
 * Returns whether a second or more has passed since the figures were made
 * anew, and they are: shorter spans say little.
 */
bool self_meter_update(struct self_meter *m, struct session *s);
/** self_meter_read - as of the last update; the run's share as of now */
void self_meter_read(const struct self_meter *m, struct session *s, struct self_cost *out);

#endif
