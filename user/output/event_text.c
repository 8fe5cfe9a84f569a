/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events as lines for people. Names and paths are hostile: strbuf_add_text(). */
#include "output/event_text.h"

#include <string.h>
#include <sys/wait.h>

#include "base/units.h"
#include "output/sink.h"

static void add_head(struct strbuf *out, const char *what, uint32_t pid, const char *comm)
{
	strbuf_addf(out, "%s: %u (", what, pid);
	strbuf_add_text(out, comm, MW_COMM_LEN);
	strbuf_addc(out, ')');
}

static void add_size(struct strbuf *out, const char *label, uint64_t bytes)
{
	char size[UNITS_SIZE];

	strbuf_addf(out, " %s %s", label, units_format_bytes(size, sizeof(size), bytes));
}

/* "signal 9 (SIGKILL)" behind @by, "status 1" behind @with */
static void add_code(struct strbuf *out, int code, const char *by, const char *with)
{
	const char *name = WIFSIGNALED(code) ? sigabbrev_np(WTERMSIG(code)) : NULL;

	if (WIFSIGNALED(code))
		strbuf_addf(out, "%s signal %d (SIG%s)", by, WTERMSIG(code), name ? name : "?");
	else
		strbuf_addf(out, "%s status %d", with, WEXITSTATUS(code));
}

static void add_exit(struct strbuf *out, uint32_t pid, const char *comm, int code, uint64_t peak)
{
	add_head(out, "exit", pid, comm);
	add_code(out, code, " by", " with");
	strbuf_addc(out, ',');
	add_size(out, "peak rss", peak);
}

static void add_sizes(struct strbuf *out, const struct totals *t)
{
	add_size(out, "anon", t->anon_bytes);
	add_size(out, "file", t->file_bytes);
	add_size(out, "shmem", t->shmem_bytes);
}

static const char machine_ran_out[] = " - the machine's memory ran out";

static void add_oom(struct strbuf *out, const struct mw_event_oom *e, const struct process *p,
		    unsigned page_shift)
{
	struct totals sizes;
	char path[4096];

	add_head(out, "OOM kill", e->h.pid, e->h.comm);
	totals_from_raw(&sizes, &e->task, page_shift);
	if (e->has_task)
		add_sizes(out, &sizes);
	if (e->limit_cgroup_id) {
		add_size(out, "- limit", e->limit_bytes);
		strbuf_adds(out, " of cgroup ");
		if (!oom_limit_path(p, e->limit_level, path, sizeof(path)))
			strbuf_add_text(out, path, strlen(path));
		else
			strbuf_addf(out, "id %llu", (unsigned long long)e->limit_cgroup_id);
	} else if (e->memcg_known) {
		strbuf_adds(out, machine_ran_out);
	}
}

static void add_recorded_oom(struct strbuf *out, const struct recorded_event *e)
{
	add_head(out, "OOM kill", e->pid, e->comm);
	if (e->has_last)
		add_sizes(out, &e->last);
	if (e->limit_bytes) {
		add_size(out, "- limit", e->limit_bytes);
		strbuf_adds(out, " of ");
		if (e->limit_cgroup)
			strbuf_add_text(out, e->limit_cgroup, strlen(e->limit_cgroup));
		else
			strbuf_adds(out, "a cgroup");
	} else if (e->limit_kind && !strcmp(e->limit_kind, "machine")) {
		strbuf_adds(out, machine_ran_out);
	}
}

static void add_gone(struct strbuf *out, uint32_t pid, const char *comm, uint64_t rss)
{
	add_head(out, "gone", pid, comm);
	strbuf_addc(out, ',');
	add_size(out, "last rss", rss);
}

void event_text_add_recorded(struct strbuf *out, const struct recorded_event *e)
{
	if (e->kind == RECORDED_OOM) {
		add_recorded_oom(out, e);
	} else if (e->kind == RECORDED_EXIT) {
		add_exit(out, e->pid, e->comm, e->code, e->peak_rss_bytes);
	} else if (e->kind == RECORDED_VANISHED) {
		add_gone(out, e->pid, e->comm, e->last.rss_bytes);
	} else {
		add_head(out, recorded_event_name(e->kind), e->pid, e->comm);
		strbuf_addc(out, ' ');
		if (e->path)
			strbuf_add_text(out, e->path, strlen(e->path));
	}
}

bool event_text_add(struct strbuf *out, const struct mw_event_header *h, const struct process *p,
		    unsigned page_shift, bool is_named)
{
	if (h->type == MW_EVENT_OOM) {
		add_oom(out, (const struct mw_event_oom *)h, p, page_shift);
	} else if (h->type == MW_EVENT_EXIT && is_named) {
		const struct mw_event_exit *e = (const struct mw_event_exit *)h;

		add_exit(out, h->pid, h->comm, e->code, process_exit_peak(p, e, page_shift));
	} else if (h->type == MW_EVENT_EXEC && is_named) {
		add_head(out, "exec", h->pid, h->comm);
		strbuf_addc(out, ' ');
		strbuf_add_text(out, ((const struct mw_event_exec *)h)->path, MW_PATH_LEN);
	} else {
		return false;
	}
	return true;
}

void event_text_add_end(struct strbuf *out, int code)
{
	add_code(out, code, "was killed by", "ended with");
}

void event_text_add_vanished(struct strbuf *out, const struct process *p)
{
	add_gone(out, p->pid, p->comm, p->now.rss_bytes);
}

void lost_text_add(struct strbuf *out, const struct lost *lost)
{
	for (unsigned i = 0; i < LOST_MAX; i++) {
		if (lost->count[i])
			strbuf_addf(out, " %s=%llu", lost_name(i),
				    (unsigned long long)lost->count[i]);
	}
}

void end_text_add(struct strbuf *out, const struct self_cost *cost, const struct lost *lost)
{
	size_t before;

	strbuf_addf(out, "memwatch took %.2f %% of a CPU (BPF %sincluded", cost->cpu_pct_run,
		    cost->bpf_known ? "" : "not ");
	if (cost->once_pct >= 0.005)
		strbuf_addf(out, "; %.2f of it once, to learn names", cost->once_pct);
	strbuf_adds(out, "),");
	add_size(out, "rss", cost->rss_bytes);
	add_size(out, "+ maps", cost->map_bytes);
	strbuf_adds(out, "; lost:");
	before = out->len;
	lost_text_add(out, lost);
	if (out->len == before)
		strbuf_adds(out, " nothing");
}
