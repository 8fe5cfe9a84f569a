/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one table of what can be lost. */
#include "model/lost.h"

static const struct {
	const char *name, *help;
} causes[LOST_MAX] = {
	[MW_LOST_RING] = {"ring_full", "fork, exec, exit or OOM records dropped: ring buffer full"},
	[MW_LOST_PROCS] = {"procs_full", "events not counted: table of processes full"},
	[MW_LOST_THREADS] = {"threads_cut", "processes with too many threads to add up all faults"},
	[MW_LOST_SITES] = {"sites_full", "samples not counted: table of sites full"},
	[MW_LOST_STACKS] = {"stacks_full", "samples dropped: no room to hand over their stacks"},
	[MW_LOST_SAMPLES] = {"v8_samples_full", "V8 allocations not followed: table full"},
	[LOST_TICKS] = {"ticks", "ticks missed: memwatch was stopped or had no CPU"},
	[LOST_SITES] = {"sites_dropped", "samples of sites past the limit of a process"},
	[LOST_NAMES] = {"names_full", "names of functions and files that found no room"},
	[LOST_MISSED] = {"missed",
			 "runs of BPF programs left out by the kernel, one being under way"},
	[LOST_SHED] = {"shed_ticks", "ticks without full detail, to stay within the budget"},
};

const char *lost_name(unsigned cause)
{
	return causes[cause].name;
}

const char *lost_help(unsigned cause)
{
	return causes[cause].help;
}

uint64_t lost_since(struct lost *out, const struct lost *now, const struct lost *before)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < LOST_MAX; i++) {
		out->count[i] = now->count[i] - before->count[i];
		sum += out->count[i];
	}
	return sum;
}
