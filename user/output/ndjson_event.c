/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output/ndjson_event.h"

#include <string.h>
#include <sys/wait.h>

#include "output/ndjson_record.h"
#include "output/ndjson_verdict.h"

/* --- ends --- */

void ndjson_exit_add(struct json *j, int code, uint64_t lifetime_ns, uint64_t peak_rss_bytes)
{
	if (WIFSIGNALED(code))
		json_u64(j, "signal", WTERMSIG(code));
	else
		json_u64(j, "status", WEXITSTATUS(code));
	if (lifetime_ns)
		json_u64(j, "lifetime_ns", lifetime_ns);
	json_u64(j, "peak_rss_bytes", peak_rss_bytes);
}

void ndjson_oom_limit_add(struct json *j, const struct ndjson_oom_limit *l)
{
	json_object_begin(j, "limit");
	json_str(j, "kind", l->is_machine ? "machine" : "cgroup");
	if (!l->is_machine) {
		if (l->cgroup_id)
			json_u64(j, "cgroup_id", l->cgroup_id);
		json_u64(j, "bytes", l->bytes);
		json_u64(j, "usage_bytes", l->usage_bytes);
		if (l->cgroup)
			json_str(j, "cgroup", l->cgroup);
	}
	json_object_end(j);
}

/* --- of a recording --- */

/* The sizes that it has of an event. */
static void add_sizes(struct json *j, const struct totals *t)
{
	for (size_t i = 0; i < total_field_count; i++) {
		if (total_fields[i].offset <= offsetof(struct totals, vm_bytes))
			json_u64(j, total_fields[i].key, total_value(&total_fields[i], t));
	}
}

static void add_last(struct json *j, const struct recorded_event *e)
{
	if (!e->has_last)
		return;
	json_object_begin(j, "last");
	add_sizes(j, &e->last);
	json_object_end(j);
}

static void add_oom(struct json *j, const struct recorded_event *e)
{
	const struct recorded_process *p = e->process;

	if (e->has_last)
		add_sizes(j, &e->last);
	if (p && p->cgroup)
		json_str(j, "cgroup", p->cgroup);
	if (p && p->verdict)
		ndjson_verdict_brief_add(j, p->verdict);
	if (e->limit_kind)
		ndjson_oom_limit_add(j, &(struct ndjson_oom_limit){
						.is_machine = !strcmp(e->limit_kind, "machine"),
						.cgroup = e->limit_cgroup,
						.bytes = e->limit_bytes,
						.usage_bytes = e->usage_bytes,
					});
}

static void add_what(struct json *j, const struct recorded_event *e)
{
	switch (e->kind) {
	case RECORDED_EXEC:
		if (e->path)
			json_str(j, "path", e->path);
		break;
	case RECORDED_EXIT:
		ndjson_exit_add(j, e->code, e->ns > e->start_ns ? e->ns - e->start_ns : 0,
				e->peak_rss_bytes);
		add_last(j, e);
		break;
	case RECORDED_VANISHED:
		json_u64(j, "peak_rss_bytes", e->peak_rss_bytes);
		add_last(j, e);
		break;
	case RECORDED_OOM:
		add_oom(j, e);
		break;
	default:
		break;
	}
}

void ndjson_recorded_event_add(struct strbuf *out, const struct recorded *r,
			       const struct recorded_event *e)
{
	bool is_vanished = e->kind == RECORDED_VANISHED;
	struct json j;

	ndjson_record_begin(&j, out, is_vanished ? "exit" : recorded_event_name(e->kind), e->ns,
			    recorded_wall_ns(r, e->ns));
	if (e->start_ns) {
		ndjson_identity_add(&j, e->pid, e->start_ns, e->comm);
		json_u64(&j, "ppid", e->ppid);
	} else {
		json_u64(&j, "pid", e->pid);
	}
	add_what(&j, e);
	json_end(&j);
}

/* --- of memwatch --- */

void ndjson_lost_add(struct json *j, const struct lost *lost)
{
	for (unsigned i = 0; i < LOST_MAX; i++) {
		if (lost->count[i])
			json_u64(j, lost_name(i), lost->count[i]);
	}
}

void ndjson_end_begin(struct json *j, struct strbuf *out, const struct end *e)
{
	ndjson_record_begin(j, out, "end", e->now_ns, e->wall_ns);
	json_u64(j, "ticks", e->ticks);
	json_object_begin(j, "self");
	json_fixed(j, "cpu_pct", e->cost.cpu_pct_run, 3);
	json_fixed(j, "once_pct", e->cost.once_pct, 3);
	json_u64(j, "cpu_ns", e->cost.cpu_ns);
	if (e->cost.bpf_known)
		json_u64(j, "bpf_ns", e->cost.bpf_ns);
	json_u64(j, "rss_bytes", e->cost.rss_bytes);
	json_u64(j, "map_bytes", e->cost.map_bytes);
	json_object_end(j);
	json_object_begin(j, "lost");
	ndjson_lost_add(j, &e->lost_total);
	json_object_end(j);
}
