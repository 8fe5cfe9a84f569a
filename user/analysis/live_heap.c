/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sizes by isolate, their sums, and what full collections leave of what came before them. */
#include "analysis/live_heap.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "model/recorded.h"

void live_heap_init(struct live_heap *h)
{
	memset(h, 0, sizeof(*h));
}

static void size_release(struct live_size *s)
{
	series_release(&s->held);
	series_release(&s->risen);
	series_release(&s->fallen);
}

static void isolate_release(struct live_isolate *isolate)
{
	series_release(&isolate->live);
	size_release(&isolate->heap);
	size_release(&isolate->external);
}

void live_heap_release(struct live_heap *h)
{
	for (unsigned i = 0; i < h->isolate_count; i++)
		isolate_release(&h->isolates[i]);
	series_release(&h->sum);
	series_release(&h->heap_held);
	series_release(&h->external_held);
	live_heap_init(h);
}

static struct live_isolate *find(struct live_heap *h, uint64_t id)
{
	for (unsigned i = 0; i < h->isolate_count; i++)
		if (h->isolates[i].id == id)
			return &h->isolates[i];
	return NULL;
}

static struct live_isolate *find_or_add(struct live_heap *h, uint64_t id)
{
	struct live_isolate *isolate = find(h, id);

	if (isolate || h->isolate_count == LIVE_HEAP_ISOLATES)
		return isolate;
	isolate = &h->isolates[h->isolate_count++];
	memset(isolate, 0, sizeof(*isolate));
	isolate->id = id;
	series_init(&isolate->live);
	return isolate;
}

/* Isolates collect at any time: where two do in one instant, the later one's sum waits. */
static int add_point(struct series *s, uint64_t ns, uint64_t value)
{
	int err = series_add(s, ns, value);

	return err == -EINVAL ? 0 : err;
}

static int add_live_sum(struct live_heap *h, uint64_t ns)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < h->isolate_count; i++)
		sum += h->isolates[i].live.last;
	return add_point(&h->sum, ns, sum);
}

static int add_held(struct live_heap *h, uint64_t ns)
{
	uint64_t heap = 0, external = 0;
	int err = 0;

	for (unsigned i = 0; i < h->isolate_count; i++) {
		heap += h->isolates[i].heap.held.last;
		external += h->isolates[i].external.held.last;
	}
	if (heap || h->heap_held.count)
		err = add_point(&h->heap_held, ns, heap);
	if (!err && (external || h->external_held.count))
		err = add_point(&h->external_held, ns, external);
	return err;
}

/* What came since the full collection before this one, and what went with this one. */
static int add_full(struct live_size *size, uint64_t ns, uint64_t left)
{
	uint64_t before = size->held.last > left ? size->held.last : left;
	uint64_t risen = before > size->base ? before - size->base : 0;
	int err = add_point(&size->risen, ns, size->risen.last + risen);

	if (!err)
		err = add_point(&size->fallen, ns, size->fallen.last + (before - left));
	size->base = left;
	return err;
}

static int note_size(struct live_size *size, const struct gc *gc, uint64_t bytes)
{
	int err = 0;

	if (!bytes)
		return 0;
	if (!size->held.count)
		size->base = bytes;
	if (gc_is_full(gc->kind))
		err = add_full(size, gc->ns, bytes);
	return err ? err : add_point(&size->held, gc->ns, bytes);
}

int live_heap_collect(struct live_heap *h, const struct gc *gc)
{
	bool is_mark = gc_is_full(gc->kind) && gc->live_bytes;
	struct live_isolate *isolate = find_or_add(h, gc->isolate);
	int err = 0;

	h->marks += is_mark;
	if (!isolate) {
		h->unknown += is_mark;
		return -ENOSPC;
	}
	if (is_mark)
		err = series_add(&isolate->live, gc->ns, gc->live_bytes);
	if (err)
		return err;
	if (gc->limit_bytes)
		isolate->limit_bytes = gc->limit_bytes;
	err = note_size(&isolate->heap, gc, gc->live_bytes);
	if (!err)
		err = note_size(&isolate->external, gc, gc->external_bytes);
	if (!err)
		err = add_held(h, gc->ns);
	return !err && is_mark ? add_live_sum(h, gc->ns) : err;
}

void live_heap_remove(struct live_heap *h, uint64_t id, uint64_t ns)
{
	struct live_isolate *isolate = find(h, id);

	if (!isolate)
		return;
	isolate_release(isolate);
	*isolate = h->isolates[--h->isolate_count];
	if (!h->isolate_count)
		return;
	if (h->sum.count)
		add_live_sum(h, ns); /* out of memory: the next mark-compact says it */
	add_held(h, ns);
}

int live_heap_replay(struct live_heap *h, const struct recorded_process *p)
{
	int err = 0;

	for (size_t i = 0; i < p->gc_count && err != -ENOMEM; i++) {
		const struct gc *gc = &p->gcs[i].gc;

		if (p->gcs[i].is_heap_out)
			live_heap_remove(h, gc->isolate, gc->ns);
		else if (gc->live_bytes)
			err = live_heap_collect(h, gc);
	}
	return err == -ENOMEM ? err : 0;
}

/* The last full collection before @ns, or where the sum begins. */
static uint64_t begin_before(const struct live_size *s, uint64_t ns)
{
	unsigned i = series_from(&s->risen, ns);

	return i ? s->risen.points[i - 1].ns : s->held.begin_ns;
}

/* A sum since the beginning, as of the last point before @ns; 0 before the first. */
static double total_before(const struct series *s, uint64_t ns)
{
	unsigned i = series_from(s, ns);

	return i ? (double)s->points[i - 1].high : 0;
}

/* What the last full collection added to a sum over all of them. */
static double last_of(const struct series *sum)
{
	unsigned n = sum->count;

	return (double)sum->last - (n > 1 ? (double)sum->points[n - 2].high : 0);
}

void live_survival_since(const struct live_size *s, uint64_t since_ns, struct live_survival *out)
{
	double fallen = (double)s->fallen.last - total_before(&s->fallen, since_ns);
	unsigned last = series_from(&s->held, s->risen.last_ns);
	double span_s, after = 0;

	memset(out, 0, sizeof(*out));
	out->collections = s->risen.count - series_from(&s->risen, since_ns);
	out->risen = (double)s->risen.last - total_before(&s->risen, since_ns);
	if (!out->collections || !(out->risen > 0))
		return;
	out->share = fmax(1 - fallen / out->risen, 0);
	out->last_share = last_of(&s->risen) > 0
				  ? fmax(1 - last_of(&s->fallen) / last_of(&s->risen), 0)
				  : out->share;
	if (last < s->held.count)
		after = fmax((double)s->held.last - (double)s->held.points[last].low, 0);
	span_s = (double)(s->held.last_ns - begin_before(s, since_ns)) / 1e9;
	if (span_s > 0)
		out->rate = out->share * (out->risen + after) / span_s;
}

/* Points [begin, end) lie between two full collections. */
struct stretch {
	unsigned begin, end;
	double base;  /* left by the one before; 0 before the first */
	double share; /* of what came, that was left by the one after */
};

static void add_stretch(const struct series *held, const struct stretch *t, double kept,
			struct series *out)
{
	for (unsigned i = t->begin; i < t->end; i++) {
		double came = fmax((double)held->points[i].low - t->base, 0);

		/* In room that is there: it cannot fail. */
		series_add(out, held->points[i].ns, (uint64_t)(kept + t->share * came));
	}
}

int live_kept(const struct live_size *s, const struct series *full, struct series_point *points,
	      struct series *out)
{
	const struct series *held = &s->held;
	struct stretch t = {0};
	double all = s->risen.last > 0 ? (double)s->fallen.last / (double)s->risen.last : 1;

	*out = (struct series){.points = points, .cap = SERIES_CAP};
	if (!full->count || !held->count)
		return -ENODATA;
	for (unsigned i = 0; i < full->count; i++) {
		double left, before;

		t.end = series_from(held, full->points[i].ns);
		if (t.end >= held->count)
			break;
		left = (double)held->points[t.end].low;
		before = t.end > t.begin ? (double)held->points[t.end - 1].high : left;
		t.share = before > t.base ? fmin(fmax(left - t.base, 0) / (before - t.base), 1) : 1;
		add_stretch(held, &t, t.base, out);
		t.begin = t.end;
		t.base = left;
	}
	t.end = held->count;
	t.share = fmin(fmax(1 - all, 0), 1);
	add_stretch(held, &t, t.base, out);
	return 0;
}
