/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/record_sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "output/verdict_text.h"

#define COMMIT_NS (900 * NSEC_PER_MSEC) /* a tick a second is not to miss it by a moment */
#define URGENT_NS                                                                                  \
	(100 * NSEC_PER_MSEC) /* of a build that ends thousands of processes, not each             \
			       */

struct record_sink {
	struct sink sink;
	struct recorder *recorder;
	bool is_named;
	bool is_waiting; /* something is not committed */
	bool is_urgent;	 /* the end of one that was named */
	uint64_t committed_ns;
	struct lost lost_before; /* in all, as of the last tick */
	struct record_result *result;
};

static struct record_sink *record_of(const struct sink *s)
{
	return (struct record_sink *)s;
}

/* The first failure is told of, when the run has ended. */
static int noted(struct record_sink *r, int err)
{
	if (err && !r->result->why[0])
		snprintf(r->result->why, sizeof(r->result->why), "%s", recorder_why(r->recorder));
	return err;
}

/* --- commits --- */

static int commit(struct record_sink *r)
{
	r->is_waiting = r->is_urgent = false;
	r->committed_ns = clock_boot_ns();
	return noted(r, recorder_commit(r->recorder));
}

static int commit_if_due(struct record_sink *r)
{
	uint64_t since_ns = clock_boot_ns() - r->committed_ns;

	if (!r->is_waiting || since_ns < (r->is_urgent ? URGENT_NS : COMMIT_NS))
		return 0;
	return commit(r);
}

/* --- facts --- */

static int record_begin(struct sink *s, const struct run *run)
{
	struct record_sink *r = record_of(s);

	r->is_waiting = true;
	return noted(r, recorder_begin(r->recorder, run));
}

static int record_tick(struct sink *s, const struct tick *t)
{
	struct record_sink *r = record_of(s);
	const struct recorder_tick tick = {
		.now_ns = t->now_ns,
		.wall_ns = t->wall_ns,
		.born = t->born,
		.gone = t->gone,
		.cost = t->cost,
		.lost = t->lost,
	};
	int err = recorder_tick(r->recorder, &tick);

	for (size_t i = 0; i < t->count && !err; i++)
		err = recorder_process(r->recorder, t->rows[i], r->is_named);
	r->lost_before = t->lost_total;
	r->result->end_ns = t->now_ns;
	if (!r->result->begin_ns)
		r->result->begin_ns = t->now_ns;
	r->is_waiting = true;
	return err ? noted(r, err) : commit_if_due(r);
}

/* Of those that the kernel killed the first is told of. Older kernels tell only its PID. */
static void note_killed(struct record_result *result, const struct mw_event_header *h)
{
	if (result->killed++)
		return;
	strbuf_addf(&result->victim, "%u", h->pid);
	if (!h->comm[0])
		return;
	strbuf_adds(&result->victim, " (");
	strbuf_add_text(&result->victim, h->comm, sizeof(h->comm));
	strbuf_addc(&result->victim, ')');
}

static int record_event(struct sink *s, const struct mw_event_header *h, const struct process *p)
{
	struct record_sink *r = record_of(s);
	const struct mw_event_oom *oom = (const struct mw_event_oom *)h;
	const char *limit = NULL;
	char path[4096];

	if (h->type == MW_EVENT_OOM && oom->limit_cgroup_id &&
	    !oom_limit_path(p, oom->limit_level, path, sizeof(path)))
		limit = path;
	if (h->type == MW_EVENT_OOM)
		note_killed(r->result, h);
	r->is_waiting = true;
	r->is_urgent |= h->type == MW_EVENT_OOM || (h->type == MW_EVENT_EXIT && r->is_named);
	return noted(r, recorder_event(r->recorder, h, p, limit));
}

static int record_gc(struct sink *s, const struct gc *gc, const struct process *p)
{
	struct record_sink *r = record_of(s);

	(void)p;
	r->is_waiting = true;
	return noted(r, recorder_gc(r->recorder, gc));
}

static int record_heap_out(struct sink *s, const struct gc *gc)
{
	struct record_sink *r = record_of(s);

	r->is_waiting = true;
	return noted(r, recorder_heap_out(r->recorder, gc));
}

static int record_census(struct sink *s, const struct census *c, enum recorded_census_when when)
{
	struct record_sink *r = record_of(s);

	r->is_waiting = r->is_urgent = true;
	return noted(r, recorder_census(r->recorder, c, when));
}

static int record_vanished(struct sink *s, const struct process *p, uint64_t now_ns)
{
	struct record_sink *r = record_of(s);

	r->is_waiting = true;
	r->is_urgent |= r->is_named;
	return noted(r, recorder_vanished(r->recorder, p, now_ns));
}

/* Of those that end as leaks, the fastest is told of when all is over. */
static void note_last(struct record_result *result, const struct process *p)
{
	const struct verdict *v = p->verdict;

	if (!v || !v->is_leak)
		return;
	if (result->leaks++ && v->trend.slope <= result->worst_slope)
		return;
	result->worst_slope = v->trend.slope;
	strbuf_clear(&result->worst);
	strbuf_addf(&result->worst, "%u (", p->pid);
	strbuf_add_text(&result->worst, p->comm, sizeof(p->comm));
	strbuf_adds(&result->worst, "): ");
	verdict_text_add(&result->worst, v);
}

static int record_verdict(struct sink *s, const struct process *p, uint64_t now_ns, bool is_last)
{
	struct record_sink *r = record_of(s);

	if (is_last)
		note_last(r->result, p);
	r->is_waiting = true;
	return noted(r, recorder_verdict(r->recorder, p, now_ns, is_last));
}

static int record_flush(struct sink *s)
{
	return commit_if_due(record_of(s));
}

static int record_end(struct sink *s, const struct end *e)
{
	struct record_sink *r = record_of(s);
	struct recorder_tick last = {.now_ns = e->now_ns, .wall_ns = e->wall_ns, .cost = e->cost};

	lost_since(&last.lost, &e->lost_total, &r->lost_before);
	r->is_waiting = false;
	r->result->end_ns = e->now_ns;
	return noted(r, recorder_end(r->recorder, &last));
}

/* --- the whole --- */

/* A run that fails for a reason of its own keeps what it has recorded, too. */
static void record_free(struct sink *s)
{
	struct record_sink *r = record_of(s);

	if (r->is_waiting)
		commit(r);
	recorder_stats(r->recorder, &r->result->stats);
	recorder_free(r->recorder);
	free(r);
}

static const struct sink_ops record_ops = {
	.begin = record_begin,
	.tick = record_tick,
	.event = record_event,
	.gc = record_gc,
	.heap_out = record_heap_out,
	.verdict = record_verdict,
	.census = record_census,
	.vanished = record_vanished,
	.flush = record_flush,
	.end = record_end,
	.free = record_free,
};

struct sink *record_sink_new(unsigned page_shift, const struct record_sink_options *options)
{
	struct record_sink *r = calloc(1, sizeof(*r));
	struct recorder_options recorder = options->recorder;
	int err;

	if (!r)
		return NULL;
	r->sink.ops = &record_ops;
	r->is_named = options->is_named;
	r->result = options->result;
	recorder.page_shift = page_shift;
	err = recorder_new(&recorder, &r->recorder, r->result->why);
	if (!err)
		return &r->sink;
	free(r);
	errno = -err;
	return NULL;
}

/* --- for people --- */

static void add_count(struct strbuf *out, uint64_t count, const char *one, const char *many)
{
	if (out->len)
		strbuf_adds(out, ", ");
	strbuf_addf(out, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
}

void record_contents_add(struct strbuf *out, const struct recorder_stats *stats)
{
	add_count(out, stats->processes, "process", "processes");
	add_count(out, stats->sites, "site", "sites");
	if (stats->censuses)
		add_count(out, stats->censuses, "census", "censuses");
}

void record_sink_progress(const struct sink *s, struct strbuf *out)
{
	struct recorder_stats stats;
	char size[UNITS_SIZE];

	recorder_stats(record_of(s)->recorder, &stats);
	record_contents_add(out, &stats);
	strbuf_addf(out, ", %s", units_format_bytes(size, sizeof(size), stats.bytes));
}

void record_result_init(struct record_result *r)
{
	*r = (struct record_result){0};
	strbuf_init(&r->worst);
	strbuf_init(&r->victim);
}

void record_result_release(struct record_result *r)
{
	strbuf_release(&r->worst);
	strbuf_release(&r->victim);
}
