/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "store/recorder_thin.h"

#include "base/clock.h"
#include "store/recorder_internal.h"

#define LEVEL_MAX	12
#define YOUNGEST_NS	(20 * NSEC_PER_SEC) /* ticks that are younger stay at any level */
#define EVENT_AGE_NS	(3600 * NSEC_PER_SEC)
#define EVENT_YOUNG_NS	(60 * NSEC_PER_SEC)
#define EVENT_BYTES	96 /* with its part of a process's row */
#define EVENT_SHARE	8
#define GC_AGE_NS	(600 * NSEC_PER_SEC)
#define GC_WIDTH_NS	(60 * NSEC_PER_SEC)
#define ROWS_A_TICK	2000 /* that are gone through, and some for each that was written */
#define ROWS_FOR_ONE	3
#define ALL_GCS_LEVEL	2
#define CENSUSES_KEPT	2
#define NO_CENSUS_LEVEL 3

/* Shares of the room that a recording has, in percent. */
#define PRESSED_PCT 85 /* above that the next level begins */
#define TIGHT_PCT   91 /* above that: of what is new what matters least */
#define FULL_PCT    96 /* above that what is new is left out */

static const struct {
	uint64_t spacing_ns, age_ns;
} bands[THIN_BANDS] = {
	{10 * NSEC_PER_SEC, 600 * NSEC_PER_SEC},
	{60 * NSEC_PER_SEC, 3600 * NSEC_PER_SEC},
};

static uint64_t before(const struct recorder *r, uint64_t age_ns)
{
	age_ns >>= r->thin.level;
	return r->now_ns > age_ns ? r->now_ns - age_ns : 0;
}

static uint64_t ticks_before(const struct recorder *r, uint64_t age_ns)
{
	uint64_t ns = before(r, age_ns);

	return ns + YOUNGEST_NS > r->now_ns ? before(r, YOUNGEST_NS << r->thin.level) : ns;
}

static uint64_t events_before(const struct recorder *r)
{
	bool is_many = r->thin.events > r->max_bytes / EVENT_SHARE / EVENT_BYTES;

	return before(r, is_many ? EVENT_YOUNG_NS : EVENT_AGE_NS);
}

/* What is due at this level, one piece of it. false: nothing is. */
static bool thin_piece(struct recorder *r)
{
	struct recorder_thin *t = &r->thin;
	unsigned level = t->level;

	if (prune_events(r, events_before(r)))
		return true;
	if (fold_gcs(r, GC_WIDTH_NS << level, before(r, GC_AGE_NS), level >= ALL_GCS_LEVEL))
		return true;
	for (unsigned i = 0; i < THIN_BANDS; i++) {
		if (fold_ticks(r, &t->bands[i], bands[i].spacing_ns << level,
			       ticks_before(r, bands[i].age_ns)))
			return true;
	}
	return level &&
	       (prune_cgroups(r) || prune_census(r, level < NO_CENSUS_LEVEL ? CENSUSES_KEPT : 0));
}

static uint64_t room(const struct recorder *r)
{
	return r->max_bytes - 3 * r->log_bytes;
}

static uint64_t pages(struct recorder *r, enum statement which)
{
	struct row row = row_begin(r, which);

	return (uint64_t)row_number(&row, 0) * RECORDER_PAGE;
}

static uint64_t used(struct recorder *r)
{
	return pages(r, GET_PAGES) - pages(r, GET_FREE_PAGES);
}

/* Whoever reads keeps the log from being moved, and it grows: beside the file, free pages or not.
 */
static bool is_log_full(struct recorder *r)
{
	return pages(r, GET_PAGES) + r->log_used > r->max_bytes - r->log_bytes;
}

void recorder_thin_measure(struct recorder *r)
{
	uint64_t bytes = used(r);

	r->is_tight = bytes > room(r) / 100 * TIGHT_PCT;
	r->is_full = bytes > room(r) / 100 * FULL_PCT || is_log_full(r);
	r->measured_rows = r->rows;
}

/* From the begin once more, with less to be left. */
static int next_level(struct recorder *r)
{
	struct recorder_thin *t = &r->thin;

	t->level++;
	t->event_id = t->gc_id = 0;
	for (unsigned i = 0; i < THIN_BANDS; i++)
		t->bands[i] = (struct thin_band){0};
	return prune_verdicts(r, before(r, EVENT_AGE_NS));
}

int recorder_thin(struct recorder *r)
{
	struct recorder_thin *t = &r->thin;
	bool is_pressed = used(r) > room(r) / 100 * PRESSED_PCT;

	t->rows = ROWS_A_TICK + ROWS_FOR_ONE * (r->rows - r->tick_rows);
	if (is_pressed)
		t->rows *= 2;
	do {
		t->is_due = thin_piece(r);
		recorder_relieve(r);
	} while (t->is_due && t->rows && !r->err);
	if (is_pressed && !t->is_due && t->level < LEVEL_MAX && !r->err)
		next_level(r);
	recorder_thin_measure(r);
	return r->err;
}
