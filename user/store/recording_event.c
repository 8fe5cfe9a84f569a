/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happened to the processes of a recording: births, ends, OOM kills, and collections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/recording_internal.h"

#define ROWS_MAX (1ull << 32) /* that are gone through */

static int kind_of(const char *name)
{
	for (int kind = 0; name && kind < RECORDED_EVENTS; kind++) {
		if (!strcmp(name, recorded_event_name(kind)))
			return kind;
	}
	return -1;
}

/* Doubled at each power of two. */
static struct recorded_event *new_event(struct recorded *out)
{
	size_t n = out->event_count;

	if (!(n & (n - 1))) {
		struct recorded_event *events =
			realloc(out->events, (n ? 2 * n : 1) * sizeof(*events));

		if (!events)
			return NULL;
		out->events = events;
	}
	return &out->events[out->event_count++];
}

static void take_last(sqlite3_stmt *row, struct recorded_event *e)
{
	struct totals *t = &e->last;

	e->has_last = column_is_known(row, 7);
	if (!e->has_last)
		return;
	*t = (struct totals){.anon_bytes = column_bytes(row, 7),
			     .file_bytes = column_bytes(row, 8),
			     .shmem_bytes = column_bytes(row, 9),
			     .swap_bytes = column_bytes(row, 10),
			     .pgtable_bytes = column_bytes(row, 11),
			     .vm_bytes = column_bytes(row, 12),
			     .heap_unknown = true};
	t->rss_bytes = t->anon_bytes + t->file_bytes + t->shmem_bytes;
}

static void take_whose(struct recorded_event *e, struct recorded_process *p)
{
	if (!p)
		return;
	e->process = p;
	e->pid = p->pid;
	e->ppid = p->ppid;
	e->start_ns = p->start_ns;
	memcpy(e->comm, p->comm, sizeof(e->comm));
	if (e->kind == RECORDED_OOM)
		p->is_oom_killed = true;
}

static int take_event(struct reading *r, sqlite3_stmt *row, void *arg)
{
	int kind = kind_of(column_chars(row, 1));
	struct recorded_event *e;

	(void)arg;
	if (kind < 0)
		return 0;
	e = new_event(r->out);
	if (!e)
		return reading_refuse(r, -ENOMEM, "out of memory");
	*e = (struct recorded_event){
		.kind = (enum recorded_event_kind)kind,
		.ns = column_time(row, 0),
		.pid = (uint32_t)column_number(row, 3, UINT32_MAX),
		.path = column_text(r, row, 4),
		.code = (int)column_number(row, 5, 0xffff),
		.peak_rss_bytes = column_bytes(row, 6),
		.limit_kind = column_text(r, row, 13),
		.limit_cgroup = column_text(r, row, 14),
		.limit_bytes = column_bytes(row, 15),
		.usage_bytes = column_bytes(row, 16),
	};
	take_last(row, e);
	take_whose(e, reading_process(r, column_int(row, 2)));
	return 0;
}

static int compare_events(const void *a, const void *b)
{
	const struct recorded_event *e = a, *o = b;

	if (e->ns != o->ns)
		return e->ns < o->ns ? -1 : 1;
	if (e->kind != o->kind) /* a birth before an end */
		return e->kind < o->kind ? -1 : 1;
	return e->pid < o->pid ? -1 : e->pid > o->pid;
}

#define EVENTS                                                                                     \
	"SELECT ns, kind, process, pid, path, code, peak_rss_bytes, anon_bytes, file_bytes, "      \
	"shmem_bytes, swap_bytes, pgtable_bytes, vm_bytes, limit_kind, limit_cgroup, "             \
	"limit_bytes, "                                                                            \
	"usage_bytes FROM event "

/* Ends first, so that what may find no room are births. */
int reading_events(struct reading *r)
{
	int err = reading_each(r, EVENTS "WHERE kind NOT IN ('fork', 'exec') ORDER BY ns", 0,
			       READ_EVENTS_MAX, take_event, NULL);

	if (!err)
		err = reading_each(r, EVENTS "WHERE kind IN ('fork', 'exec') ORDER BY ns", 0,
				   READ_EVENTS_MAX, take_event, NULL);
	if (!err && r->out->event_count)
		qsort(r->out->events, r->out->event_count, sizeof(r->out->events[0]),
		      compare_events);
	return err;
}

/* --- collections --- */

static struct recorded_gc *new_gc(struct recorded_process *p)
{
	size_t n = p->gc_count;

	if (!(n & (n - 1))) {
		struct recorded_gc *gcs = realloc(p->gcs, (n ? 2 * n : 1) * sizeof(*gcs));

		if (!gcs)
			return NULL;
		p->gcs = gcs;
	}
	return &p->gcs[p->gc_count++];
}

static int take_gc(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct recorded_process *p = reading_process(r, column_int(row, 1));
	const char *kind = column_chars(row, 4), *via = column_chars(row, 5);
	struct recorded_gc *g;

	(void)arg;
	if (!p || !p->is_loaded)
		return 0;
	if (r->gcs >= READ_GCS_MAX) {
		r->out->left_out++;
		return 0;
	}
	g = new_gc(p);
	if (!g)
		return reading_refuse(r, -ENOMEM, "out of memory");
	r->gcs++;
	*g = (struct recorded_gc){
		.gc = {.pid = p->pid,
		       .start_ns = p->start_ns,
		       .ns = column_time(row, 0),
		       .isolate = (uint64_t)column_int(row, 2),
		       .tid = (uint32_t)column_number(row, 3, UINT32_MAX),
		       .kind = kind ? gc_kind_parse(kind) : MW_GC_OTHER,
		       .via = via && !strcmp(via, "usdt") ? MW_GC_VIA_USDT : MW_GC_VIA_UPROBE,
		       .pause_ns = column_bytes(row, 7),
		       .live_bytes = column_bytes(row, 9),
		       .external_bytes = column_bytes(row, 10),
		       .limit_bytes = column_bytes(row, 11)},
		.count = column_number(row, 6, UINT32_MAX),
		.pause_max_ns = column_bytes(row, 8),
	};
	memcpy(g->gc.comm, p->comm, sizeof(g->gc.comm));
	g->is_heap_out = kind && !strcmp(kind, RECORDED_HEAP_OUT);
	g->count = g->count ? g->count : 1;
	if (!g->pause_max_ns || g->pause_max_ns > g->gc.pause_ns)
		g->pause_max_ns = g->gc.pause_ns;
	return 0;
}

int reading_gcs(struct reading *r)
{
	return reading_each(r,
			    "SELECT ns, process, isolate, tid, kind, via, count, pause_ns, "
			    "pause_max_ns, live_bytes, external_bytes, limit_bytes "
			    "FROM gc ORDER BY ns, id",
			    0, ROWS_MAX, take_gc, NULL);
}
