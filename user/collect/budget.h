/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The promise not to cost more than a given share of one CPU: what is given up,
 * in order, when memwatch comes near it, and when it is taken back.
 * Pure: it decides, the caller acts.
 */
#ifndef MEMWATCH_COLLECT_BUDGET_H
#define MEMWATCH_COLLECT_BUDGET_H

#include <stdbool.h>

/* How far down. Each step also gives up what the ones before it did. */
enum budget_level {
	BUDGET_FULL,
	BUDGET_NO_FAULT_PLACES,
	BUDGET_NO_CALLS,
	BUDGET_HALF_TICKS,    /* collects at every second tick */
	BUDGET_QUARTER_TICKS, /* ... every fourth */
	BUDGET_EIGHTH_TICKS,
	BUDGET_LEVELS,
};

struct budget {
	double limit_pct; /* of one CPU; 0: no limit */
	enum budget_level level;
	unsigned calm;	  /* updates in a row that would have allowed more */
	unsigned patience; /* how many it takes; doubles with each relapse */
};

/** budget_init - @limit_pct of one CPU; 0 switches it off */
void budget_init(struct budget *b, double limit_pct);

/**
 * budget_update - after each collection
 * @used_pct: of one CPU, since the collection before, BPF time included
 *
 * Goes a step down at 80 % of the limit (so that it is not passed), two steps
 * above it, and a step up again after a time below 40 %. The time doubles at
 * each relapse, up to about a minute at one update a second.
 * Returns whether the level changed.
 */
bool budget_update(struct budget *b, double used_pct);

/** budget_collects - whether tick number @n is one to collect at */
bool budget_collects(const struct budget *b, unsigned long long n);

/** budget_text - what is given up at @level, for people; NULL at BUDGET_FULL */
const char *budget_text(enum budget_level level);

#endif
