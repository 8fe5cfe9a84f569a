/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sizes of two runs: the trend of what each falls back to (analysis/valley.h), and whether the
 * second's is steeper. Of several processes slopes add up, and so do the variances of these.
 */
#include "analysis/run_diff_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "analysis/chance.h"
#include "analysis/live_heap.h"
#include "analysis/valley.h"

#define FLOORS	       16	/* stretches that a recording is cut into */
#define POINTS_MIN     5	/* fewer floors are no trend */
#define POINTS_MIN_GC  3	/* full collections are rare, and each says a lot */
#define Z_95	       1.959964 /* as trend_fit()'s interval */
#define POINTS_A_FLOOR 4	/* where nothing changed */

/* A trend of one or more processes. */
struct sum {
	double slope, variance, first, last;
	unsigned points; /* the fewest */
	bool is_unknown; /* of one of them */
};

static uint64_t value_of(enum run_kind kind, const struct totals *t)
{
	switch (kind) {
	case RUN_ANON:
		return t->anon_bytes;
	case RUN_FILE:
		return t->file_bytes;
	case RUN_SHMEM:
		return t->shmem_bytes;
	case RUN_SWAP:
		return t->swap_bytes;
	case RUN_PGTABLE:
		return t->pgtable_bytes;
	case RUN_BRK:
		return t->heap_bytes;
	default:
		return t->anon_bytes + t->swap_bytes;
	}
}

static uint64_t low_of(enum run_kind kind, const struct recorded_tick *t)
{
	return kind == RUN_PRIVATE ? t->private_low : value_of(kind, &t->now);
}

/* It was @value between two rows, or from the last one to the end. @ns: of the earlier row. */
static int fill_gap(struct series *s, uint64_t ns, uint64_t until, uint64_t step, uint64_t value)
{
	int err = 0;

	while (step && until - ns > step + step / 2 && err != -ENOMEM) {
		ns += step;
		err = series_add(s, ns, value);
	}
	return err;
}

/* Rows are there only where something changed: what is between them stayed as it was, which each
 * stretch is to see. */
static int fill_ticks(struct series *s, enum run_kind kind, const struct recorded_process *p,
		      uint64_t interval_ns)
{
	uint64_t step = (p->last_ns - p->first_ns) / ((uint64_t)FLOORS * POINTS_A_FLOOR);
	const struct recorded_tick *t = p->ticks;
	int err = 0;

	if (step < interval_ns)
		step = interval_ns;
	for (size_t i = 0; i < p->tick_count && err != -ENOMEM; i++, t++) {
		if (i && t->ns > t[-1].ns)
			err = fill_gap(s, t[-1].ns, t->ns, step, value_of(kind, &t[-1].now));
		if (err != -ENOMEM)
			err = series_add(s, t->ns, low_of(kind, t));
	}
	if (p->tick_count && p->last_ns > t[-1].ns && err != -ENOMEM) {
		err = fill_gap(s, t[-1].ns, p->last_ns, step, value_of(kind, &p->last));
		if (err != -ENOMEM)
			err = series_add(s, p->last_ns, value_of(kind, &p->last));
	}
	return err == -ENOMEM ? err : 0; /* time that does not advance adds nothing */
}

/* What all heaps of a process held after their full collections. */
static int fill_live(struct series *s, const struct recorded_process *p)
{
	struct live_heap h;
	int err;

	live_heap_init(&h);
	err = live_heap_replay(&h, p);
	for (unsigned i = 0; i < h.sum.count && err != -ENOMEM; i++)
		err = series_add(s, h.sum.points[i].ns, h.sum.points[i].low);
	live_heap_release(&h);
	return err == -ENOMEM ? err : 0;
}

static void add_trend(struct sum *to, const struct series *s, enum run_kind kind)
{
	struct trend_point points[TREND_MAX];
	unsigned blocks = kind == RUN_LIVE ? TREND_MAX : FLOORS, count, least;
	struct trend t;
	double sd;

	if (!s->count) {
		to->is_unknown = true;
		return;
	}
	least = kind == RUN_LIVE ? POINTS_MIN_GC : POINTS_MIN;
	to->first += (double)s->points[0].low;
	to->last += (double)s->last;
	count = valley_floor(s, s->begin_ns, blocks, points);
	if (count < least || trend_fit(points, count, &t)) {
		to->is_unknown = true;
		return;
	}
	sd = (t.high - t.low) / (2 * Z_95);
	to->slope += t.slope;
	to->variance += sd * sd;
	to->points = to->points && to->points < t.points ? to->points : t.points;
}

static int add_side(struct sum *to, const struct run_pair *p, enum run_side side,
		    enum run_kind kind, uint64_t interval_ns)
{
	int err = 0;

	for (unsigned i = 0; i < p->count[side] && !err; i++) {
		const struct recorded_process *of = p->of[side][i];
		struct series s;

		series_init(&s);
		err = kind == RUN_LIVE ? fill_live(&s, of) : fill_ticks(&s, kind, of, interval_ns);
		if (!err)
			add_trend(to, &s, kind);
		series_release(&s);
	}
	return err;
}

static void finish(struct run_pair *p, enum run_kind kind, const struct sum sums[RUN_SIDES])
{
	struct run_diff_kind *k = &p->kinds[kind];
	double variance = 0;

	for (int side = 0; side < RUN_SIDES; side++) {
		const struct sum *s = &sums[side];
		double reach = Z_95 * sqrt(s->variance), per = p->seconds[side] / p->units[side];

		k->first[side] = s->first;
		k->last[side] = s->last;
		k->is_known[side] = !s->is_unknown;
		k->trend[side] = (struct trend){.slope = s->slope,
						.low = s->slope - reach,
						.high = s->slope + reach,
						.points = s->points};
		k->change.per[side] = s->slope * per;
		variance += s->variance * per * per;
	}
	k->change.delta = k->change.per[RUN_B] - k->change.per[RUN_A];
	k->change.more = -1;
	if (!k->is_known[RUN_A] || !k->is_known[RUN_B])
		k->change.delta = 0;
	else if (k->change.delta == 0)
		k->change.more = 0.5;
	else
		k->change.more = chance_normal(k->change.delta / sqrt(variance));
}

int run_pair_add_kinds(struct run_pair *p, const uint64_t interval_ns[RUN_SIDES])
{
	for (int kind = 0; kind < RUN_KINDS; kind++) {
		struct sum sums[RUN_SIDES] = {0};

		for (int side = 0; side < RUN_SIDES; side++) {
			int err = add_side(&sums[side], p, (enum run_side)side, (enum run_kind)kind,
					   interval_ns[side]);

			if (err)
				return err;
		}
		finish(p, (enum run_kind)kind, sums);
	}
	return 0;
}
