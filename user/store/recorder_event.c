/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happens between the ticks of a recording: events, collections, verdicts. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "analysis/limit.h"
#include "analysis/verdict.h"
#include "model/kept_json.h"
#include "store/recorder_internal.h"

/* An event on its way; what it has not is NULL. */
struct event {
	enum recorded_event_kind kind;
	const struct mw_event_header *h;
	const char *path;
	const int *code;
	uint64_t peak_bytes;
	const struct mw_task *last;
	const char *limit_kind, *limit_cgroup;
	uint64_t limit_bytes, usage_bytes;
	uint64_t ns;
};

static void bind_last(struct recorder *r, struct row *row, const struct mw_task *last)
{
	if (!last) {
		for (unsigned i = 0; i < 6; i++)
			row_null(row);
		return;
	}
	row_u64(row, last->anon_pages << r->page_shift);
	row_u64(row, last->file_pages << r->page_shift);
	row_u64(row, last->shmem_pages << r->page_shift);
	row_u64(row, last->swap_pages << r->page_shift);
	row_u64(row, last->pgtable_bytes);
	row_u64(row, last->vm_pages << r->page_shift);
}

static int add_event(struct recorder *r, const struct event *ev, int64_t process, uint32_t pid)
{
	struct row row = row_begin(r, ADD_EVENT);

	row_u64(&row, ev->ns);
	row_own(&row, recorded_event_name(ev->kind));
	row_known(&row, (uint64_t)process);
	row_int(&row, pid);
	row_text(&row, ev->path, MW_PATH_LEN);
	if (ev->code)
		row_int(&row, *ev->code);
	else
		row_null(&row);
	row_known(&row, ev->peak_bytes);
	bind_last(r, &row, ev->last);
	row_own(&row, ev->limit_kind);
	row_text(&row, ev->limit_cgroup, PATH_MAX);
	row_known(&row, ev->limit_bytes);
	row_known(&row, ev->usage_bytes);
	r->stats.events++;
	r->thin.events++;
	return row_end(&row);
}

static void fill_exit(const struct recorder *r, const struct mw_event_exit *e,
		      const struct process *p, struct event *out)
{
	out->kind = RECORDED_EXIT;
	out->code = &e->code;
	out->peak_bytes = process_exit_peak(p, e, r->page_shift);
	out->last = e->has_task ? &e->task : NULL;
}

static void fill_oom(const struct mw_event_oom *e, const char *limit_cgroup, struct event *out)
{
	out->kind = RECORDED_OOM;
	out->last = e->has_task ? &e->task : NULL;
	out->limit_bytes = e->limit_bytes;
	out->usage_bytes = e->usage_bytes;
	if (e->limit_cgroup_id) {
		out->limit_kind = "cgroup";
		out->limit_cgroup = limit_cgroup;
	} else if (e->memcg_known) {
		out->limit_kind = "machine";
	}
}

/* false: of no kind that is kept. */
static bool fill(const struct recorder *r, const struct mw_event_header *h, const struct process *p,
		 const char *limit_cgroup, struct event *out)
{
	*out = (struct event){.h = h, .ns = h->ts_ns};
	switch (h->type) {
	case MW_EVENT_FORK:
		out->kind = RECORDED_FORK;
		return true;
	case MW_EVENT_EXEC:
		out->kind = RECORDED_EXEC;
		out->path = ((const struct mw_event_exec *)h)->path;
		return true;
	case MW_EVENT_EXIT:
		fill_exit(r, (const struct mw_event_exit *)h, p, out);
		return true;
	case MW_EVENT_OOM:
		fill_oom((const struct mw_event_oom *)h, limit_cgroup, out);
		return true;
	default:
		return false;
	}
}

static int apply(struct recorder *r, struct recorder_process *e, const struct event *ev)
{
	if (ev->kind == RECORDED_EXEC)
		return recorder_process_exec(r, e, ev->h->comm, ev->path);
	if (ev->kind == RECORDED_EXIT)
		return recorder_process_end(r, e, ev->ns, ev->code, ev->peak_bytes);
	return 0;
}

/* Of a process that nothing else is known of; its end by a signal matters. */
static bool is_small(const struct recorder *r, const struct event *ev)
{
	return ev->kind != RECORDED_OOM && !(ev->code && WIFSIGNALED(*ev->code)) &&
	       !recorder_process_find(r, ev->h->pid, ev->h->start_ns);
}

int recorder_event(struct recorder *r, const struct mw_event_header *h, const struct process *p,
		   const char *limit_cgroup)
{
	int err = recorder_ready(r);
	struct recorder_process *e = NULL;
	struct event ev;

	if (err == -EAGAIN)
		return recorder_drop(r);
	if (err || !fill(r, h, p, limit_cgroup, &ev))
		return err;
	if (r->is_tight && is_small(r, &ev))
		return recorder_drop(r);
	if (h->start_ns) {
		e = recorder_process_get(r, h->pid, h->ppid, h->start_ns, h->comm);
		if (!e)
			return r->err;
		err = apply(r, e, &ev);
	}
	return err ? err : add_event(r, &ev, e ? e->id : 0, h->pid);
}

int recorder_vanished(struct recorder *r, const struct process *p, uint64_t now_ns)
{
	struct event ev = {.kind = RECORDED_VANISHED, .ns = now_ns};
	int err = recorder_ready(r);
	struct recorder_process *e;

	if (err)
		return err == -EAGAIN ? recorder_drop(r) : err;
	e = recorder_process_get(r, p->pid, p->ppid, p->start_ns, p->comm);
	if (!e)
		return r->err;
	ev.peak_bytes = p->peak_rss_bytes;
	err = recorder_process_end(r, e, now_ns, NULL, p->peak_rss_bytes);
	return err ? err : add_event(r, &ev, e->id, p->pid);
}

static int add_gc(struct recorder *r, const struct gc *gc, const char *kind)
{
	struct recorder_process *e = recorder_process_get(r, gc->pid, 0, gc->start_ns, gc->comm);
	struct row row;

	if (!e)
		return r->err;
	row = row_begin(r, ADD_GC);
	row_u64(&row, gc->ns);
	row_int(&row, e->id);
	row_known(&row, gc->isolate);
	row_int(&row, gc->tid);
	row_own(&row, kind);
	row_own(&row, gc_via_name(gc->via));
	row_u64(&row, gc->pause_ns);
	row_u64(&row, gc->pause_ns);
	row_known(&row, gc->live_bytes);
	row_known(&row, gc->external_bytes);
	row_known(&row, gc->limit_bytes);
	return row_end(&row);
}

int recorder_gc(struct recorder *r, const struct gc *gc)
{
	int err = recorder_ready(r);

	if (err)
		return err == -EAGAIN ? recorder_drop(r) : err;
	if (r->is_tight && !gc_is_full(gc->kind))
		return recorder_drop(r);
	r->stats.gcs++;
	return add_gc(r, gc, gc_kind_name(gc->kind));
}

int recorder_heap_out(struct recorder *r, const struct gc *gc)
{
	struct gc out = {
		.pid = gc->pid,
		.start_ns = gc->start_ns,
		.ns = gc->ns,
		.isolate = gc->isolate,
		.tid = gc->tid,
		.via = gc->via,
	};
	int err = recorder_ready(r);

	memcpy(out.comm, gc->comm, sizeof(out.comm));
	if (err)
		return err == -EAGAIN ? recorder_drop(r) : err;
	return add_gc(r, &out, RECORDED_HEAP_OUT);
}

/* --- verdicts --- */

static void bind_trend(struct row *row, const struct trend *t)
{
	bool is_known = t->points;

	row_real(row, is_known ? t->slope : NAN);
	row_real(row, is_known ? t->low : NAN);
	row_real(row, is_known ? t->high : NAN);
	row_int(row, t->points);
}

static void bind_limit(struct row *row, const struct verdict *v)
{
	bool is_met = v->limit.kind != LIMIT_NONE;

	row_own(row, is_met ? limit_kind_name(v->limit.kind) : NULL);
	row_known(row, is_met ? v->limit.bytes : 0);
	row_known(row, is_met ? v->limit.used_bytes : 0);
	row_text(row, is_met ? v->limit.where : NULL, PATH_MAX);
	row_real(row, is_met ? v->limit_seconds : NAN);
}

static void bind_evidence(struct row *row, const struct verdict *v)
{
	struct strbuf b;

	strbuf_init(&b);
	strbuf_addc(&b, '[');
	for (unsigned i = 0; i < v->evidence_count && i < VERDICT_EVIDENCE_MAX; i++) {
		if (i)
			strbuf_addc(&b, ',');
		strbuf_add_json_string(&b, v->evidence[i], VERDICT_SENTENCE);
	}
	strbuf_addc(&b, ']');
	row_own(row, b.err ? NULL : b.s);
	strbuf_release(&b);
}

static void bind_kept(struct row *row, const struct kept *k)
{
	struct strbuf b;

	strbuf_init(&b);
	if (k)
		kept_json_write(&b, k);
	row_own(row, k && !b.err ? b.s : NULL);
	strbuf_release(&b);
}

int recorder_verdict(struct recorder *r, const struct process *p, uint64_t now_ns, bool is_last)
{
	const struct verdict *v = p->verdict;
	int err = recorder_ready(r);
	struct recorder_process *e;
	struct row row;

	if (err || !v)
		return err == -EAGAIN ? recorder_drop(r) : err;
	e = recorder_process_get(r, p->pid, p->ppid, p->start_ns, p->comm);
	if (!e)
		return r->err;
	row = row_begin(r, ADD_VERDICT);
	row_u64(&row, now_ns);
	row_int(&row, e->id);
	row_own(&row, verdict_class_name(v->class));
	row_int(&row, v->is_leak);
	row_real(&row, v->confidence);
	row_known(&row, v->since_ns);
	bind_trend(&row, &v->trend);
	bind_limit(&row, v);
	bind_evidence(&row, v);
	bind_kept(&row, p->kept);
	row_int(&row, is_last);
	return row_end(&row);
}
