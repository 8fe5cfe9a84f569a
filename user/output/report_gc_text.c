/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Garbage collection: what it took, and what it left. Only what full collections leave is kept; of
 * several isolates the sum.
 */
#include <errno.h>

#include "analysis/evidence.h"
#include "analysis/live_heap.h"
#include "base/units.h"
#include "output/fields.h"
#include "output/report_text_internal.h"

#define MS 1e6

struct kind_sum {
	uint64_t count, pause_ns, longest_ns;
};

/* Returns how many there were. */
static uint64_t sum_up(const struct recorded_process *p, struct kind_sum sums[MW_GC_KINDS])
{
	uint64_t all = 0;

	for (size_t i = 0; i < p->gc_count; i++) {
		const struct recorded_gc *g = &p->gcs[i];
		struct kind_sum *sum = &sums[g->gc.kind];

		if (g->is_heap_out)
			continue;
		all += g->count;
		sum->count += g->count;
		sum->pause_ns += g->gc.pause_ns;
		if (g->pause_max_ns > sum->longest_ns)
			sum->longest_ns = g->pause_max_ns;
	}
	return all;
}

static void add_ms(struct strbuf *out, uint64_t ns)
{
	double ms = (double)ns / MS;

	if (ms < 9999.95)
		strbuf_addf(out, " %8.1f ms", ms);
	else
		strbuf_addf(out, " %9.1f s", ms / 1000);
}

static void add_kinds(struct strbuf *out, const struct recorded_process *p,
		      const struct kind_sum sums[MW_GC_KINDS])
{
	double ns = (double)(p->last_ns - p->first_ns);
	char count[UNITS_SIZE];

	strbuf_adds(out, "\n  COLLECTION         COUNT      PAUSES     LONGEST  OF TIME\n");
	for (int kind = 0; kind < MW_GC_KINDS; kind++) {
		if (!sums[kind].count)
			continue;
		strbuf_addf(out, "  %-17s %6s", gc_kind_name((enum mw_gc_kind)kind),
			    units_format_count(count, sizeof(count), sums[kind].count));
		add_ms(out, sums[kind].pause_ns);
		add_ms(out, sums[kind].longest_ns);
		if (ns > 0)
			strbuf_addf(out, "  %5.2f %%", 100 * (double)sums[kind].pause_ns / ns);
		strbuf_addc(out, '\n');
	}
}

static void add_live(struct strbuf *out, const struct series *s, const char *after,
		     const struct report_view *v)
{
	const struct series_point *first = &s->points[0], *last = &s->points[s->count - 1];
	char from[UNITS_SIZE], to[UNITS_SIZE], rate[EVIDENCE_BYTES], span[EVIDENCE_BYTES];
	double seconds = (double)(last->ns - first->ns) / 1e9;
	struct history course = {0};
	unsigned cells = s->count < REPORT_COURSE ? s->count : REPORT_COURSE;

	for (unsigned i = 0; i < cells; i++) {
		unsigned at = cells > 1 ? i * (s->count - 1) / (cells - 1) : 0;

		history_add(&course, s->points[at].ns, s->points[at].low);
	}
	strbuf_addf(out, "  live heap after %s: %s", after,
		    units_format_bytes(from, sizeof(from), first->low));
	if (s->count > 1) {
		strbuf_addf(out, " to %s in %s, %s  ", units_format_bytes(to, sizeof(to), s->last),
			    evidence_span(span, seconds),
			    evidence_rate(rate, ((double)s->last - (double)first->low) / seconds));
		sparkline(out, &course, cells, v->utf8);
	}
	strbuf_addc(out, '\n');
}

void report_gc_add(struct strbuf *out, const struct recorded_process *p,
		   const struct report_view *v)
{
	struct kind_sum sums[MW_GC_KINDS] = {0};
	struct live_heap heap;

	if (!sum_up(p, sums))
		return;
	add_kinds(out, p, sums);
	live_heap_init(&heap);
	if (live_heap_replay(&heap, p))
		out->err = -ENOMEM;
	if (heap.sum.count)
		add_live(out, &heap.sum, "full collections", v);
	if (heap.sum.count < 2 && heap.heap_held.count > 1) /* better than nothing */
		add_live(out, &heap.heap_held, "collections of any kind", v);
	live_heap_release(&heap);
}
