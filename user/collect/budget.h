/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The promise not to cost more than a given share of one CPU: what is given up
 * when memwatch comes near it, and when it is taken back.
 * Pure: it decides, the caller acts.
 */
#ifndef MEMWATCH_COLLECT_BUDGET_H
#define MEMWATCH_COLLECT_BUDGET_H

#include <stdbool.h>

/* What can be given up. */
enum budget_part {
	BUDGET_FAULTS, /* where page faults land */
	BUDGET_CALLS,  /* mmap, munmap, mremap, brk */
	BUDGET_TICKS,  /* half of the collections; again: half of the rest */
	BUDGET_PARTS,
};

#define BUDGET_TICKS_MAX 3 /* one collection in eight at the least */
#define BUDGET_STACK_MAX (2 + BUDGET_TICKS_MAX)

struct budget {
	double limit_pct;			     /* of one CPU; 0: no limit */
	enum budget_part given_up[BUDGET_STACK_MAX]; /* in order */
	unsigned given_up_count;
	bool is_settling;  /* the last figures still have what was given up since */
	unsigned over;	   /* updates in a row near the limit */
	unsigned calm;	   /* updates in a row that would have allowed more */
	unsigned patience; /* how many it takes */
	unsigned since_taken_back;
};

/** budget_init - @limit_pct of one CPU; 0 switches it off */
void budget_init(struct budget *b, double limit_pct);

/**
 * budget_update - after a collection, about once a second
 * @used_pct: of one CPU since the update before, by what it was used for;
 *            BUDGET_TICKS is memwatch's own CPU time
 * @total_pct: all of it, what cannot be given up included
 *
 * Twice in a row above 80 % of the limit (so that it is not passed), or once
 * above three times the limit, and the dearest part is given up. The last one is taken back after a
 * time below 40 %; the time doubles, up to a minute at an update a second, when that turns out to
 * be too early. Returns whether anything changed.
 */
bool budget_update(struct budget *b, const double used_pct[BUDGET_PARTS], double total_pct);

/** budget_has - whether @part has been given up; for BUDGET_TICKS how many times */
unsigned budget_has(const struct budget *b, enum budget_part part);

/** budget_collects - whether tick number @n is one to collect at */
bool budget_collects(const struct budget *b, unsigned long long n);

/** budget_text - what is given up, for people: a constant string; NULL when nothing is */
const char *budget_text(const struct budget *b);

#endif
