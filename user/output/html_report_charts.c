// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a process held over time, made ready to be drawn: no more points than can be seen. */
#include "output/html_report_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/limit.h"
#include "analysis/reduce.h"
#include "analysis/verdict.h"
#include "base/clock.h"
#include "model/heap_growth.h"
#include "output/html_chart.h"

#define POINTS	   1000
#define COLUMNS	   8  /* of numbers, a point each */
#define HIGH_LEAST 20 /* a peak in between is shown if it is a twentieth higher */

/* Of the process's life what was recorded of it. */
static void chart_init(struct chart *c, const struct report_page *page,
		       const struct recorded_process *p)
{
	uint64_t end = p->has_ended && p->end_ns > p->last_ns ? p->end_ns : p->last_ns;

	*c = (struct chart){.begin_ns = p->first_ns, .end_ns = end};
	if (c->end_ns <= c->begin_ns)
		c->end_ns = c->begin_ns + NSEC_PER_SEC;
	c->begin_wall_ns = recorded_wall_ns(page->r, c->begin_ns);
}

static const char *end_name(const struct recorded_process *p)
{
	return p->is_oom_killed ? "OOM kill" : "exit";
}

/* OOM kills and the end first: there may be too many of the others. */
static void add_marks(struct chart *c, const struct report_page *page,
		      const struct recorded_process *p)
{
	const struct recorded *r = page->r;

	if (p->has_ended)
		chart_mark_add(c, p->end_ns, end_name(p), !p->is_oom_killed);
	for (size_t i = 0; i < r->event_count; i++) {
		const struct recorded_event *e = &r->events[i];

		if (e->pid != p->pid || (e->start_ns && e->start_ns != p->start_ns))
			continue;
		if (e->kind == RECORDED_OOM && !p->has_ended)
			chart_mark_add(c, e->ns, "OOM kill", false);
		else if (e->kind == RECORDED_EXEC)
			chart_mark_add(c, e->ns, "exec", true);
	}
	if (p->verdict && p->verdict->is_leak)
		chart_mark_add(c, p->verdict->since_ns, "grows since", true);
	for (size_t i = 0; i < p->census_count; i++)
		chart_mark_add(c, p->censuses[i].census->taken_ns, "census", true);
}

/* --- memory by kind --- */

struct columns {
	uint64_t *of[COLUMNS]; /* one allocation */
	size_t *index;
};

static int columns_init(struct columns *c, size_t rows)
{
	c->of[0] = calloc(rows * COLUMNS, sizeof(*c->of[0]));
	c->index = calloc(POINTS, sizeof(*c->index));
	for (size_t i = 1; c->of[0] && i < COLUMNS; i++)
		c->of[i] = c->of[0] + i * rows;
	return c->of[0] && c->index ? 0 : -ENOMEM;
}

static void columns_release(struct columns *c)
{
	free(c->of[0]);
	free(c->index);
}

/* Keeps the rows of @index only. */
static void columns_pick(struct columns *c, size_t count)
{
	for (size_t k = 0; k < COLUMNS; k++) {
		for (size_t i = 0; i < count; i++)
			c->of[k][i] = c->of[k][c->index[i]];
	}
}

enum { COLUMN_NS, COLUMN_ANON, COLUMN_FILE, COLUMN_SHMEM, COLUMN_SWAP, COLUMN_ALL, COLUMN_HIGH };

/* Returns whether there was more in between the ticks than at them. */
static bool fill_memory(struct columns *c, const struct recorded_process *p)
{
	bool has_high = false;

	for (size_t i = 0; i < p->tick_count; i++) {
		const struct recorded_tick *t = &p->ticks[i];
		uint64_t all = totals_footprint(&t->now), high = t->rss_high + t->now.swap_bytes;

		c->of[COLUMN_NS][i] = t->ns;
		c->of[COLUMN_ANON][i] = t->now.anon_bytes;
		c->of[COLUMN_FILE][i] = t->now.file_bytes;
		c->of[COLUMN_SHMEM][i] = t->now.shmem_bytes;
		c->of[COLUMN_SWAP][i] = t->now.swap_bytes;
		c->of[COLUMN_ALL][i] = all;
		c->of[COLUMN_HIGH][i] = high > all ? high : all;
		has_high |= high > all && high - all > all / HIGH_LEAST;
	}
	return has_high;
}

static bool has_any(const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (values[i])
			return true;
	}
	return false;
}

/* A kind that was never there is no series. */
static void add_memory_series(struct chart *chart, const struct columns *c)
{
	static const struct {
		const char *name;
		int column;
	} kinds[] = {
		{"anon", COLUMN_ANON},
		{"file", COLUMN_FILE},
		{"shmem", COLUMN_SHMEM},
		{"swap", COLUMN_SWAP},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint64_t *bytes = c->of[kinds[i].column];

		if (has_any(bytes, chart->count))
			chart->series[chart->series_count++] =
				(struct chart_series){kinds[i].name, kinds[i].name, bytes, false};
	}
}

/*
 * A long gap is one in which nothing changed, unless ticks were thinned out there. A short one may
 * be of ticks that did not happen.
 */
static uint64_t hold_of(const struct report_page *page, const struct recorded_process *p)
{
	const struct recorded *r = page->r;

	if (r->thinned_ns > p->first_ns || r->ticks < 2 || r->end_ns <= r->begin_ns)
		return 0;
	return (r->end_ns - r->begin_ns) / (r->ticks - 1);
}

static void set_memory_limit(struct chart *c, const struct recorded_process *p)
{
	const struct verdict *v = p->verdict;

	if (v && (v->limit.kind == LIMIT_CGROUP_MAX || v->limit.kind == LIMIT_CGROUP_HIGH)) {
		c->limit_bytes = v->limit.bytes;
		c->limit_name = limit_kind_name(v->limit.kind);
	}
}

int html_memory_add(struct report_page *page, const struct recorded_process *p)
{
	struct columns c;
	struct chart chart;
	bool has_high;
	int err;

	if (!p->tick_count)
		return 0;
	err = columns_init(&c, p->tick_count);
	if (err)
		goto out;
	has_high = fill_memory(&c, p);
	chart_init(&chart, page, p);
	chart.count = reduce_extremes(c.of[COLUMN_NS], c.of[COLUMN_ALL], c.of[COLUMN_HIGH],
				      p->tick_count, POINTS, c.index);
	columns_pick(&c, chart.count);
	chart.title = "Memory by kind";
	chart.ns = c.of[COLUMN_NS];
	add_memory_series(&chart, &c);
	chart.is_stacked = true;
	chart.total_name = "all";
	chart.high = has_high ? c.of[COLUMN_HIGH] : NULL;
	chart.hold_ns = hold_of(page, p);
	set_memory_limit(&chart, p);
	add_marks(&chart, page, p);
	html_chart_add(page->out, &chart);
out:
	columns_release(&c);
	return err;
}

/* --- live heap --- */

enum { HEAP_NS, HEAP_HELD, HEAP_LIVE, HEAP_OUTSIDE, HEAP_LOW, HEAP_YOUNG, HEAP_FULL };

/* What all heaps of a process hold, by the last collection of each. */
struct heaps {
	struct {
		uint64_t isolate, bytes, external, live;
	} of[HEAPS_MAX];
	unsigned count;
	uint64_t limit_bytes; /* the least of them */
	size_t rows, young, full;
};

static void heaps_take(struct heaps *h, const struct gc *gc)
{
	unsigned i = 0;

	while (i < h->count && h->of[i].isolate != gc->isolate)
		i++;
	if (i == HEAPS_MAX)
		return;
	if (i == h->count)
		h->of[h->count++].isolate = gc->isolate;
	h->of[i].bytes = gc->live_bytes;
	h->of[i].external = gc->external_bytes;
	if (gc_is_full(gc->kind))
		h->of[i].live = gc->live_bytes;
	if (gc->limit_bytes && (!h->limit_bytes || gc->limit_bytes < h->limit_bytes))
		h->limit_bytes = gc->limit_bytes;
}

/* Not known until each heap had a full one. */
static uint64_t live_of(const struct heaps *h)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < h->count; i++) {
		if (!h->of[i].live)
			return CHART_UNKNOWN;
		sum += h->of[i].live;
	}
	return sum;
}

/* Returns whether it was there. */
static bool heaps_drop(struct heaps *h, uint64_t isolate)
{
	for (unsigned i = 0; i < h->count; i++) {
		if (h->of[i].isolate == isolate) {
			h->of[i] = h->of[--h->count];
			return true;
		}
	}
	return false;
}

/* @is_live_known: after a full collection, or without a heap that is gone. */
static void add_row(struct columns *c, struct heaps *h, const struct gc *gc, bool is_live_known)
{
	size_t row = h->rows++;

	c->of[HEAP_NS][row] = gc->ns;
	c->of[HEAP_HELD][row] = 0;
	c->of[HEAP_OUTSIDE][row] = 0;
	for (unsigned i = 0; i < h->count; i++) {
		c->of[HEAP_HELD][row] += h->of[i].bytes;
		c->of[HEAP_OUTSIDE][row] += h->of[i].external;
	}
	c->of[HEAP_LIVE][row] = is_live_known ? live_of(h) : CHART_UNKNOWN;
	/* Full ones are among the least; and they are to stay. */
	c->of[HEAP_LOW][row] = gc_is_full(gc->kind) ? 0 : c->of[HEAP_HELD][row];
}

static void fill_heap(struct columns *c, struct heaps *h, const struct recorded_process *p)
{
	for (size_t i = 0; i < p->gc_count; i++) {
		const struct gc *gc = &p->gcs[i].gc;

		if (p->gcs[i].is_heap_out) {
			if (heaps_drop(h, gc->isolate) && h->count)
				add_row(c, h, gc, true);
			continue;
		}
		if (gc_is_full(gc->kind))
			c->of[HEAP_FULL][h->full++] = gc->ns;
		else
			c->of[HEAP_YOUNG][h->young++] = gc->ns;
		if (gc->live_bytes) {
			heaps_take(h, gc);
			add_row(c, h, gc, gc_is_full(gc->kind));
		}
	}
}

static void draw_heap(struct report_page *page, const struct recorded_process *p, struct columns *c,
		      const struct heaps *h)
{
	struct chart chart;

	chart_init(&chart, page, p);
	/* Strokes are of all collections: these columns stay as they are. */
	chart.strokes[0] = (struct chart_strokes){"young", c->of[HEAP_YOUNG], h->young};
	chart.strokes[1] = (struct chart_strokes){"full", c->of[HEAP_FULL], h->full};
	chart.count = reduce_extremes(c->of[HEAP_NS], c->of[HEAP_LOW], c->of[HEAP_HELD], h->rows,
				      POINTS, c->index);
	for (size_t k = HEAP_NS; k <= HEAP_OUTSIDE; k++) {
		for (size_t i = 0; i < chart.count; i++)
			c->of[k][i] = c->of[k][c->index[i]];
	}
	chart.title = "Heap after collections";
	chart.ns = c->of[HEAP_NS];
	chart.series[0] = (struct chart_series){"live, after full collections", "live",
						c->of[HEAP_LIVE], true};
	chart.series[1] =
		(struct chart_series){"after any collection", "held", c->of[HEAP_HELD], false};
	chart.series_count = 2;
	if (has_any(c->of[HEAP_OUTSIDE], chart.count))
		chart.series[chart.series_count++] = (struct chart_series){
			"outside of it (ArrayBuffers)", "outside", c->of[HEAP_OUTSIDE], false};
	chart.limit_bytes = h->limit_bytes;
	chart.limit_name = "heap limit";
	add_marks(&chart, page, p);
	html_chart_add(page->out, &chart);
}

int html_heap_add(struct report_page *page, const struct recorded_process *p)
{
	struct heaps h = {0};
	struct columns c;
	int err;

	if (!p->gc_count)
		return 0;
	err = columns_init(&c, p->gc_count);
	if (!err) {
		fill_heap(&c, &h, p);
		if (h.rows)
			draw_heap(page, p, &c, &h);
	}
	columns_release(&c);
	return err;
}
