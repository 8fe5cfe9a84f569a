/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * While a process stands still, memwatch has the CPU before others: with both CPUs of a machine
 * busy, a copy of 560 MB takes 80 ms then, else 200 to 350 (Linux 6.18). They get no less of it in
 * the end, only later, and by at most URGENT_MS.
 */
#ifndef MEMWATCH_CENSUS_URGENT_H
#define MEMWATCH_CENSUS_URGENT_H

#include <stdbool.h>
#include <stdint.h>

#define URGENT_MS 250

struct urgent {
	uint64_t until_ns;    /* CLOCK_BOOTTIME; 0: it is not */
	int policy, priority; /* before */
};

/**
 * urgent_begin - the calling thread, and those that it starts meanwhile, go first (SCHED_RR)
 *
 * Takes CAP_SYS_NICE; without, nothing changes.
 */
void urgent_begin(struct urgent *u);
/** urgent_check - ends it for the calling thread if URGENT_MS have passed: to be called often */
void urgent_check(const struct urgent *u);
/** urgent_end - by the thread that began it; harmless if it has ended */
void urgent_end(struct urgent *u);

#endif
