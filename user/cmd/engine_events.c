/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events in a run: to the sink if they are meant, and who is gone is forgotten. */
#include "cmd/engine_internal.h"

#include <stdlib.h>
#include <string.h>

#include "collect/cgroup.h"
#include "collect/proc_tasks.h"

static void forget_named(struct engine *e, uint32_t pid, uint64_t start_ns)
{
	struct process *successor = process_table_find(&e->table, pid, 0);

	session_remove_target(e->session, pid);
	if (successor && successor->start_ns != start_ns) /* the PID, but not who was named */
		process_table_remove(&e->table, successor);
}

void engine_named_gone(struct engine *e, uint32_t pid, uint64_t start_ns)
{
	if (!targets_gone(&e->options->targets, pid, start_ns))
		return;
	if (e->options->targets.count)
		forget_named(e, pid, start_ns);
	if (!engine_has_targets(e))
		engine_stop(e, 0);
}

static bool event_is_wanted(const struct engine *e, const struct mw_event_header *h,
			    const struct process *p)
{
	const struct targets *t = &e->options->targets;

	if (t->tree)
		return tree_has(t->tree, h->pid, h->start_ns);
	if (!t->comm[0] && !t->cgroup)
		return true;
	if (p)
		return targets_match(t, p);
	return !t->cgroup && !strncmp(h->comm, t->comm, MW_COMM_LEN - 1);
}

/*
 * No tick may have seen the victim in this cgroup: what that is called, and so whether -c means it,
 * is to be asked now or never.
 */
static int show_victim(struct engine *e, const struct mw_event_oom *oom, const struct process *p)
{
	struct cgroup cgroup = {.node.key = oom->cgroup_id};
	struct process victim = {.pid = oom->h.pid, .start_ns = oom->h.start_ns, .cgroup = &cgroup};
	int err = 0;

	memcpy(victim.comm, oom->h.comm, MW_COMM_LEN);
	if (!p || !p->cgroup || p->cgroup->node.key != oom->cgroup_id || !p->cgroup->path) {
		victim.verdict = p ? p->verdict : NULL;
		cgroup_read_by_id(&cgroup, oom->cgroup_id);
		p = &victim;
	}
	if (targets_match(&e->options->targets, p))
		err = e->sink->ops->event(e->sink, &oom->h, p);
	free(cgroup.path);
	return err;
}

/* A collection, or the end of a heap: to the sink, and to who keeps count. */
static int on_collection(struct engine *e, const struct mw_event_gc *record,
			 const struct process *p)
{
	struct gc gc;

	if (!closely_take_gc(&e->closely, record, &gc))
		return 0;
	if (record->h.type == MW_EVENT_HEAP_OUT)
		return e->sink->ops->heap_out ? e->sink->ops->heap_out(e->sink, &gc) : 0;
	watch_verdict_gc(e->verdicts, &gc);
	engine_heap_gc(e, &gc);
	return e->sink->ops->gc ? e->sink->ops->gc(e->sink, &gc, p) : 0;
}

static int show_event(struct engine *e, const struct mw_event_header *h, const struct process *p)
{
	if (h->type == MW_EVENT_OOM)
		return show_victim(e, (const struct mw_event_oom *)h, p);
	if (h->type == MW_EVENT_GC || h->type == MW_EVENT_HEAP_OUT)
		return on_collection(e, (const struct mw_event_gc *)h, p);
	return event_is_wanted(e, h, p) ? e->sink->ops->event(e->sink, h, p) : 0;
}

/* A victim of whom the kernel told no more than its PID is who had that at the last tick. */
static void fill_victim(const struct process *p, unsigned page_shift, struct mw_event_oom *oom)
{
	oom->h.start_ns = p->start_ns;
	oom->h.ppid = p->ppid;
	memcpy(oom->h.comm, p->comm, MW_COMM_LEN);
	oom->cgroup_id = p->cgroup ? p->cgroup->node.key : 0;
	oom->has_task = 1;
	oom->task = (struct mw_task){
		.pid = p->pid,
		.start_ns = p->start_ns,
		.threads = p->now.threads,
		.flags = p->now.heap_unknown ? MW_TASK_HEAP_UNKNOWN : 0,
		.anon_pages = p->now.anon_bytes >> page_shift,
		.file_pages = p->now.file_bytes >> page_shift,
		.shmem_pages = p->now.shmem_bytes >> page_shift,
		.swap_pages = p->now.swap_bytes >> page_shift,
		.pgtable_bytes = p->now.pgtable_bytes,
		.vm_pages = p->now.vm_bytes >> page_shift,
		.data_pages = p->now.data_bytes >> page_shift,
		.stack_pages = p->now.stack_bytes >> page_shift,
		.brk_bytes = p->now.heap_bytes,
		.minflt = p->now.minflt,
		.majflt = p->now.majflt,
	};
}

void engine_on_event(void *arg, const struct mw_event_header *h)
{
	struct engine *e = arg;
	struct process *p = process_table_find(&e->table, h->pid, h->start_ns);
	struct mw_event_oom oom;
	int err;

	if (h->type == MW_EVENT_OOM && !h->start_ns && p) {
		oom = *(const struct mw_event_oom *)h;
		fill_victim(p, e->table.page_shift, &oom);
		h = &oom.h;
	}
	e->born += h->type == MW_EVENT_FORK;
	e->gone += h->type == MW_EVENT_EXIT;
	if (h->type == MW_EVENT_FORK && e->options->targets.tree)
		tree_born(e->options->targets.tree, h);
	err = watch_verdict_event(e->verdicts, h, p); /* the last one before its end is shown */
	if (!err)
		err = show_event(e, h, p);
	if (h->type == MW_EVENT_EXEC || h->type == MW_EVENT_EXIT)
		engine_heap_forget(e, h->pid, h->start_ns);
	if (h->type == MW_EVENT_EXEC) { /* another program: looked at anew */
		closely_forget(&e->closely, h->pid);
		if (p) {
			p->sites = NULL;
			p->kept = NULL;
			p->peak_rss_bytes = 0;
		}
	}
	if (h->type == MW_EVENT_EXIT) {
		if (p) /* not those of another that has the PID now */
			closely_forget(&e->closely, h->pid);
		if (p)
			process_table_remove(&e->table, p);
		engine_named_gone(e, h->pid, h->start_ns);
	}
	if (err)
		engine_stop(e, err);
}

int engine_drain(struct engine *e)
{
	int err = session_drain(e->session, engine_on_event, e);

	if (err >= 0)
		err = e->sink->ops->flush(e->sink);
	return err < 0 ? engine_stop(e, err) : 0;
}

bool engine_on_vanished(void *arg, const struct process *p)
{
	struct engine *e = arg;

	/* Its PID is another's now, or it is gone; or it will be seen again, or its end be told. */
	if (process_table_find(&e->table, p->pid, p->start_ns) == p && proc_is_running(p->pid))
		return false;
	e->gone++;
	watch_verdict_vanished(e->verdicts, p, e->table.now_ns);
	if (targets_match(&e->options->targets, p))
		e->sink->ops->vanished(e->sink, p, e->table.now_ns);
	engine_heap_forget(e, p->pid, p->start_ns);
	engine_named_gone(e, p->pid, p->start_ns);
	session_forget_process(e->session, p->pid);
	closely_forget(&e->closely, p->pid);
	return true;
}
