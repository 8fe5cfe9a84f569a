/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All that a recording has, put in the order of time by one list of what there is to say.
 *
 * LIMITATIONS: code and what is kept are as of the end: they are told with the last verdict only.
 */
#include "output/report_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/census_diff.h"
#include "output/ndjson_census.h"
#include "output/ndjson_event.h"
#include "output/ndjson_process.h"
#include "output/ndjson_record.h"
#include "output/ndjson_verdict.h"

#define FLUSH_BYTES (256 << 10)

/* What comes first where times are the same. */
enum item_kind { ITEM_EVENT, ITEM_GC, ITEM_TICK, ITEM_CENSUS, ITEM_VERDICT };

struct item {
	uint64_t ns;
	enum item_kind kind;
	size_t at; /* among those of its kind, of @p; of events: of the recording */
	const struct recorded_process *p;
};

struct report {
	struct strbuf *out;
	const struct recorded *r;
	const struct report_json *options;
	struct item *items;
	size_t count;
};

/* --- what there is --- */

static void add_item(struct report *rep, enum item_kind kind, uint64_t ns,
		     const struct recorded_process *p, size_t at)
{
	rep->items[rep->count++] = (struct item){ns, kind, at, p};
}

static void list_process(struct report *rep, const struct recorded_process *p)
{
	for (size_t i = 0; i < p->tick_count; i++)
		add_item(rep, ITEM_TICK, p->ticks[i].ns, p, i);
	for (size_t i = 0; i < p->gc_count; i++)
		if (!p->gcs[i].is_heap_out)
			add_item(rep, ITEM_GC, p->gcs[i].gc.ns, p, i);
	for (size_t i = 0; i < p->census_count; i++)
		add_item(rep, ITEM_CENSUS, p->censuses[i].census->taken_ns, p, i);
	for (size_t i = 0; i < p->verdict_count; i++)
		add_item(rep, ITEM_VERDICT, p->verdicts[i].ns, p, i);
}

static int compare_items(const void *a, const void *b)
{
	const struct item *i = a, *o = b;

	if (i->ns != o->ns)
		return i->ns < o->ns ? -1 : 1;
	if (i->kind != o->kind)
		return i->kind < o->kind ? -1 : 1;
	if (i->p != o->p)
		return i->p < o->p ? -1 : 1; /* of one array */
	return i->at < o->at ? -1 : i->at > o->at;
}

static bool is_asked_for(const struct recorded_event *e)
{
	return !e->process || e->process->is_loaded;
}

static int list_all(struct report *rep)
{
	const struct recorded *r = rep->r;
	size_t room = r->event_count + 1;

	for (size_t i = 0; i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		room += p->tick_count + p->gc_count + p->census_count + p->verdict_count;
	}
	rep->items = calloc(room, sizeof(*rep->items));
	if (!rep->items)
		return -ENOMEM;
	for (size_t i = 0; i < r->process_count; i++) {
		if (r->processes[i].is_loaded)
			list_process(rep, &r->processes[i]);
	}
	for (size_t i = 0; i < r->event_count; i++) {
		if (is_asked_for(&r->events[i]))
			add_item(rep, ITEM_EVENT, r->events[i].ns, NULL, i);
	}
	qsort(rep->items, rep->count, sizeof(*rep->items), compare_items);
	return 0;
}

/* --- each of it --- */

static struct ndjson_moment moment_of(const struct report *rep, uint64_t ns)
{
	return (struct ndjson_moment){ns, recorded_wall_ns(rep->r, ns)};
}

static enum ndjson_events events_of(const struct recorded_tick *t)
{
	const struct activity *a = &t->activity;

	if (!t->has_activity)
		return NDJSON_NO_EVENTS;
	return a->fault_heap || a->fault_stack || a->fault_mmap ? NDJSON_EVENTS_BY_PLACE
								: NDJSON_EVENTS;
}

/* What was between two ticks is told, too: those of old times are far from each other. */
static void add_tick(struct report *rep, const struct item *i)
{
	const struct recorded_tick *t = &i->p->ticks[i->at];
	struct ndjson_moment at = moment_of(rep, t->ns);
	struct process p;
	struct cgroup cgroup;
	struct json j;

	recorded_as_process(i->p, &cgroup, &p);
	p.sites = NULL; /* as of the end */
	p.now = t->now;
	p.now_ns = t->ns;
	p.activity = t->activity;
	p.calls_counted = t->calls_counted;
	p.has_delta = i->at > 0;
	if (p.has_delta)
		p.before = i->p->ticks[i->at - 1].now;
	ndjson_process_begin(&j, rep->out, &p, &at, events_of(t));
	if (t->private_low != t->now.anon_bytes + t->now.swap_bytes)
		json_u64(&j, "private_low_bytes", t->private_low);
	if (t->rss_high != t->now.rss_bytes)
		json_u64(&j, "rss_high_bytes", t->rss_high);
	json_end(&j);
}

static void add_gc(struct report *rep, const struct item *i)
{
	const struct recorded_gc *g = &i->p->gcs[i->at];
	struct json j;

	ndjson_record_begin(&j, rep->out, "gc", g->gc.ns, recorded_wall_ns(rep->r, g->gc.ns));
	ndjson_identity_add(&j, g->gc.pid, g->gc.start_ns, g->gc.comm);
	ndjson_gc_add(&j, &g->gc);
	if (g->count > 1) {
		json_u64(&j, "count", g->count);
		json_u64(&j, "pause_max_ns", g->pause_max_ns);
	}
	json_end(&j);
}

/* As `memwatch heap --every` writes them. */
static int add_census(struct report *rep, const struct item *i)
{
	const struct recorded_census *all = i->p->censuses;
	const struct census *now = all[i->at].census;
	struct census_diff *d;

	ndjson_census_add(rep->out, now);
	if (i->at) {
		d = census_diff_new(all[0].census, i->at > 1 ? all[i->at - 1].census : NULL, now);
		if (!d)
			return -ENOMEM;
		ndjson_changes_add(rep->out, d);
		census_diff_free(d);
	} else {
		ndjson_constructors_add(rep->out, now);
	}
	ndjson_retainers_add(rep->out, now);
	return 0;
}

static void add_verdict(struct report *rep, const struct item *i)
{
	struct ndjson_moment at = moment_of(rep, i->ns);
	struct process p;
	struct cgroup cgroup;

	bool is_last = i->at + 1 == i->p->verdict_count;

	recorded_as_process(i->p, &cgroup, &p);
	p.verdict = i->p->verdicts[i->at].verdict;
	if (!is_last) {
		p.sites = NULL;
		p.kept = NULL;
	}
	ndjson_verdict_record_add(rep->out, &p, &at, is_last);
}

static int add_one(struct report *rep, const struct item *i)
{
	int err = 0;

	switch (i->kind) {
	case ITEM_EVENT:
		ndjson_recorded_event_add(rep->out, rep->r, &rep->r->events[i->at]);
		break;
	case ITEM_GC:
		add_gc(rep, i);
		break;
	case ITEM_TICK:
		add_tick(rep, i);
		break;
	case ITEM_CENSUS:
		err = add_census(rep, i);
		break;
	case ITEM_VERDICT:
		add_verdict(rep, i);
		break;
	}
	if (!err && rep->options->flush && rep->out->len > FLUSH_BYTES)
		err = rep->options->flush(rep->options->arg, rep->out);
	return err;
}

/* --- all --- */

static int add_sites(struct report *rep)
{
	const struct recorded *r = rep->r;
	int err = 0;

	for (size_t i = 0; i < r->process_count && !err; i++) {
		const struct recorded_process *from = &r->processes[i];
		struct ndjson_moment at = moment_of(rep, from->sites_ns);
		struct process p;
		struct cgroup cgroup;

		if (!from->is_loaded || !from->sites)
			continue;
		recorded_as_process(from, &cgroup, &p);
		err = ndjson_site_records_add(rep->out, &p, &at, rep->options->sites);
	}
	return err;
}

static void add_end(struct report *rep)
{
	const struct recorded *r = rep->r;
	const struct end end = {
		.now_ns = r->end_ns,
		.wall_ns = recorded_wall_ns(r, r->end_ns),
		.cost = r->cost,
		.lost_total = r->lost,
		.ticks = r->ticks,
	};
	struct json j;

	ndjson_end_begin(&j, rep->out, &end);
	if (!r->is_whole)
		json_flag(&j, "cut", true);
	if (r->thinned_ns)
		json_u64(&j, "thinned_ns", r->thinned_ns);
	if (r->dropped_events)
		json_u64(&j, "dropped_events", r->dropped_events);
	if (r->dropped_sites)
		json_u64(&j, "dropped_sites", r->dropped_sites);
	json_end(&j);
}

int report_json_add(struct strbuf *out, const struct recorded *r, const struct report_json *o)
{
	struct report rep = {.out = out, .r = r, .options = o};
	int err = list_all(&rep);

	ndjson_meta_add_at(out, &r->run, r->begin_ns, r->begin_wall_ns);
	for (size_t i = 0; i < rep.count && !err; i++)
		err = add_one(&rep, &rep.items[i]);
	free(rep.items);
	if (!err)
		err = add_sites(&rep);
	if (err)
		return err;
	add_end(&rep);
	return out->err;
}
