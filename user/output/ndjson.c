/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * NDJSON: one object a line. The keys are a contract (`memwatch schema`):
 * absent means unknown, and nothing is guessed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/json.h"
#include "output/ndjson_event.h"
#include "output/ndjson_process.h"
#include "output/ndjson_record.h"
#include "output/ndjson_verdict.h"
#include "output/sink.h"

#define FLUSH_BYTES (256 * 1024)

struct ndjson {
	struct sink sink;
	int fd;
	unsigned page_shift;
	struct strbuf out;
};

static struct ndjson *ndjson_of(struct sink *s)
{
	return (struct ndjson *)s;
}

static int ndjson_begin(struct sink *s, const struct run *run)
{
	struct ndjson *n = ndjson_of(s);

	ndjson_meta_add(&n->out, run);
	return sink_write(n->fd, &n->out);
}

static void add_process(struct strbuf *out, const struct process *p, const struct tick *t)
{
	bool by_place = t->has_fault_places && p->has_growth;
	struct json j;

	ndjson_process_begin(&j, out, p, &(struct ndjson_moment){t->now_ns, t->wall_ns},
			     by_place ? NDJSON_EVENTS_BY_PLACE : NDJSON_EVENTS);
	json_end(&j);
}

static int ndjson_tick(struct sink *s, const struct tick *t)
{
	static const struct lost nothing;
	struct ndjson *n = ndjson_of(s);
	size_t rows = t->rows_wanted && t->rows_wanted < t->count ? t->rows_wanted : t->count;
	struct json j;
	int err = 0;

	for (size_t i = 0; i < rows && !err; i++) {
		add_process(&n->out, t->rows[i], t);
		err = ndjson_site_records_add(&n->out, t->rows[i],
					      &(struct ndjson_moment){t->now_ns, t->wall_ns},
					      t->sites_wanted);
		if (!err && n->out.len > FLUSH_BYTES)
			err = sink_write(n->fd, &n->out);
	}
	if (memcmp(&t->lost, &nothing, sizeof(nothing))) {
		ndjson_record_begin(&j, &n->out, "lost", t->now_ns, t->wall_ns);
		ndjson_lost_add(&j, &t->lost);
		if (t->shed)
			json_str(&j, "shed", t->shed);
		json_end(&j);
	}
	return err ? err : sink_write(n->fd, &n->out);
}

static void add_exit(struct json *j, const struct mw_event_exit *e, const struct process *p,
		     unsigned page_shift)
{
	struct totals last;

	ndjson_exit_add(j, e->code, e->h.ts_ns > e->h.start_ns ? e->h.ts_ns - e->h.start_ns : 0,
			process_exit_peak(p, e, page_shift));
	json_u64(j, "minflt", e->task.minflt);
	json_u64(j, "majflt", e->task.majflt);
	if (e->has_task)
		totals_from_raw(&last, &e->task, page_shift);
	else if (p)
		last = p->now;
	else
		return;
	json_object_begin(j, "last");
	ndjson_totals_add(j, &last);
	json_object_end(j);
}

static void add_oom(struct json *j, const struct mw_event_oom *e, const struct process *p,
		    unsigned page_shift)
{
	struct ndjson_oom_limit limit = {
		.is_machine = !e->limit_cgroup_id,
		.cgroup_id = e->limit_cgroup_id,
		.bytes = e->limit_bytes,
		.usage_bytes = e->usage_bytes,
	};
	struct totals sizes;
	char path[4096];

	totals_from_raw(&sizes, &e->task, page_shift);
	if (e->has_task)
		ndjson_totals_add(j, &sizes);
	if (p && p->cgroup && p->cgroup->path)
		json_str(j, "cgroup", p->cgroup->path);
	if (p && p->verdict)
		ndjson_verdict_brief_add(j, p->verdict);
	if (!e->memcg_known)
		return;
	if (e->limit_cgroup_id && !oom_limit_path(p, e->limit_level, path, sizeof(path)))
		limit.cgroup = path;
	ndjson_oom_limit_add(j, &limit);
}

/* What waits is bounded, however many records come before the next flush. */
static int write_if_much(struct ndjson *n)
{
	return n->out.len > FLUSH_BYTES / 8 ? sink_write(n->fd, &n->out) : 0;
}

static int ndjson_event(struct sink *s, const struct mw_event_header *h, const struct process *p)
{
	static const char *const types[] = {
		[MW_EVENT_FORK] = "fork",
		[MW_EVENT_EXEC] = "exec",
		[MW_EVENT_EXIT] = "exit",
		[MW_EVENT_OOM] = "oom",
	};
	struct ndjson *n = ndjson_of(s);
	struct json j;

	if (h->type >= sizeof(types) / sizeof(types[0]) || !types[h->type])
		return 0;
	ndjson_record_begin(&j, &n->out, types[h->type], h->ts_ns, sink_wall_ns(h->ts_ns));
	if (h->start_ns) {
		ndjson_identity_add(&j, h->pid, h->start_ns, h->comm);
		json_u64(&j, "ppid", h->ppid);
	} else { /* an OOM victim of whom nobody knows more */
		json_u64(&j, "pid", h->pid);
	}
	if (h->type == MW_EVENT_EXEC)
		json_strn(&j, "path", ((const struct mw_event_exec *)h)->path, MW_PATH_LEN);
	else if (h->type == MW_EVENT_EXIT)
		add_exit(&j, (const struct mw_event_exit *)h, p, n->page_shift);
	else if (h->type == MW_EVENT_OOM)
		add_oom(&j, (const struct mw_event_oom *)h, p, n->page_shift);
	json_end(&j);
	return write_if_much(n);
}

static int ndjson_gc(struct sink *s, const struct gc *gc, const struct process *p)
{
	struct ndjson *n = ndjson_of(s);
	struct json j;

	(void)p;
	ndjson_record_begin(&j, &n->out, "gc", gc->ns, sink_wall_ns(gc->ns));
	ndjson_identity_add(&j, gc->pid, gc->start_ns, gc->comm);
	ndjson_gc_add(&j, gc);
	json_end(&j);
	return write_if_much(n);
}

static int ndjson_verdict(struct sink *s, const struct process *p, uint64_t now_ns, bool is_last)
{
	struct ndjson *n = ndjson_of(s);

	ndjson_verdict_record_add(&n->out, p, &(struct ndjson_moment){now_ns, sink_wall_ns(now_ns)},
				  is_last);
	return write_if_much(n);
}

static int ndjson_vanished(struct sink *s, const struct process *p, uint64_t now_ns)
{
	struct ndjson *n = ndjson_of(s);
	struct json j;

	ndjson_record_begin(&j, &n->out, "exit", now_ns, sink_wall_ns(now_ns));
	ndjson_identity_add(&j, p->pid, p->start_ns, p->comm);
	json_u64(&j, "ppid", p->ppid);
	json_u64(&j, "peak_rss_bytes", p->peak_rss_bytes);
	json_object_begin(&j, "last");
	ndjson_totals_add(&j, &p->now);
	json_object_end(&j);
	json_end(&j);
	return 0;
}

static int ndjson_flush(struct sink *s)
{
	struct ndjson *n = ndjson_of(s);

	return n->out.len ? sink_write(n->fd, &n->out) : 0;
}

static int ndjson_end(struct sink *s, const struct end *e)
{
	struct ndjson *n = ndjson_of(s);
	struct json j;

	ndjson_end_begin(&j, &n->out, e);
	json_end(&j);
	return sink_write(n->fd, &n->out);
}

static void ndjson_free(struct sink *s)
{
	struct ndjson *n = ndjson_of(s);

	strbuf_release(&n->out);
	free(n);
}

static const struct sink_ops ndjson_ops = {
	.begin = ndjson_begin,
	.tick = ndjson_tick,
	.event = ndjson_event,
	.gc = ndjson_gc,
	.verdict = ndjson_verdict,
	.vanished = ndjson_vanished,
	.flush = ndjson_flush,
	.end = ndjson_end,
	.free = ndjson_free,
};

struct sink *ndjson_sink_new(int fd, unsigned page_shift)
{
	struct ndjson *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->sink.ops = &ndjson_ops;
	n->fd = fd;
	n->page_shift = page_shift;
	strbuf_init(&n->out);
	return &n->sink;
}
