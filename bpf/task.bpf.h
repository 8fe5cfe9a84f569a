/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * struct mw_task from a process: the totals that the iterator reports at each
 * tick and that the exit and OOM records carry.
 *
 * The iterator, which meets every process at each tick, follows pointers as
 * typed ones; what happens seldom reads by calls (MW_READ), and so also works on
 * a kernel that does not know its own types.
 *
 * Nothing is locked. The iterator may meet a process that is exiting: its mm
 * is read only through loads that cannot fault, and the record is dropped if
 * task->mm changed meanwhile (exit_mm clears it before the mm can be freed).
 */
#ifndef MEMWATCH_TASK_BPF_H
#define MEMWATCH_TASK_BPF_H

#include "memwatch.bpf.h"
#include "pidns.bpf.h"
#include "rss.bpf.h"

/* The cgroup that limits the memory of @task: see mw_config.cgroup_v1. */
static __always_inline struct cgroup_subsys_state *mw_memory_css(struct task_struct *task)
{
	struct cgroup_subsys_state *css = NULL;
	struct css_set *set;
	__u32 index;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	set = BPF_CORE_READ(task, cgroups);
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(struct css_set, subsys) +
				      index * sizeof(css));
	return css;
}

static __always_inline __u64 mw_cgroup_id(struct task_struct *task, const bool typed)
{
	if (mw_cfg.cgroup_v1) {
		struct cgroup_subsys_state *css = mw_memory_css(task);

		return css ? BPF_CORE_READ(css, cgroup, kn, id) : 0;
	}
	return typed ? task->cgroups->dfl_cgrp->kn->id
		     : BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

/*
 * Adds up the page faults of a process: what its dead threads left in the
 * signal_struct, and each live thread's own.
 */
struct mw_thread_walk {
	__u64 head; /* address of signal->thread_head: the end of the list */
	struct list_head *node;
	__u64 minflt, majflt;
};

static long mw_walk_thread(__u32 i, void *ctx)
{
	struct mw_thread_walk *w = ctx;
	struct list_head *node = w->node;
	struct task_struct *t;

	if (!node || (__u64)node == w->head)
		return 1;
	t = (void *)node - bpf_core_field_offset(struct task_struct, thread_node);
	w->minflt += BPF_CORE_READ(t, min_flt);
	w->majflt += BPF_CORE_READ(t, maj_flt);
	w->node = BPF_CORE_READ(node, next);
	return 0;
}

/* Returns false if there are more threads than could be visited. */
static __always_inline bool mw_sum_faults(struct task_struct *leader, struct mw_task *out,
					  const bool has_loop, const bool typed)
{
	struct signal_struct *signal = MW_READ(typed, leader, signal);
	struct mw_thread_walk walk = {
		.head = (__u64)signal + bpf_core_field_offset(struct signal_struct, thread_head),
		.node = MW_READ(typed, signal, thread_head.next),
		.minflt = MW_READ(typed, signal, min_flt),
		.majflt = MW_READ(typed, signal, maj_flt),
	};

	if (out->threads == 1) { /* most processes */
		out->minflt = walk.minflt + MW_READ(typed, leader, min_flt);
		out->majflt = walk.majflt + MW_READ(typed, leader, maj_flt);
		return true;
	}
	if (has_loop) {
		bpf_loop(MW_MAX_THREADS, mw_walk_thread, &walk, 0);
	} else {
		for (int i = 0; i < MW_MAX_THREADS_NO_LOOP; i++) {
			if (mw_walk_thread(i, &walk))
				break;
		}
	}
	out->minflt = walk.minflt;
	out->majflt = walk.majflt;
	return !walk.node || (__u64)walk.node == walk.head;
}

static __always_inline void mw_mm_read(struct mm_struct *mm, struct mw_task *out,
				       const bool has_loop, const bool typed)
{
	mw_rss_read(mm, out, has_loop);
	out->pgtable_bytes = MW_READ(typed, mm, pgtables_bytes.counter);
	out->vm_pages = MW_READ(typed, mm, total_vm);
	out->data_pages = MW_READ(typed, mm, data_vm);
	out->stack_pages = MW_READ(typed, mm, stack_vm);
	out->brk_bytes = MW_READ(typed, mm, brk) - MW_READ(typed, mm, start_brk);
}

/* The larger of the mm's high-water mark, what is resident now, and @maxrss. */
static __always_inline __u64 mw_peak_rss(struct mm_struct *mm, const struct mw_task *now,
					 __u64 maxrss, const bool typed)
{
	__u64 peak = now->anon_pages + now->file_pages + now->shmem_pages;
	__u64 hiwater = mm ? MW_READ(typed, mm, hiwater_rss) : 0;

	if (hiwater > peak)
		peak = hiwater;
	return maxrss > peak ? maxrss : peak;
}

/*
 * Fills @out, zeroed, for the process that @leader leads; its sizes from @mm,
 * or none if that is NULL. @maxrss: signal_struct's, when it holds for this
 * process alone and not also for what it was before exec; else 0.
 */
static __always_inline void mw_task_read(struct task_struct *leader, struct mm_struct *mm,
					 __u64 maxrss, struct mw_task *out, const bool has_loop,
					 const bool typed)
{
	__u32 tgid = MW_READ(typed, leader, tgid);
	struct mw_growth *growth;

	out->start_ns = mw_start_ns(leader);
	out->ppid = mw_pid_of(typed ? leader->real_parent->group_leader
				    : BPF_CORE_READ(leader, real_parent, group_leader));
	out->threads =
		typed ? leader->signal->nr_threads : BPF_CORE_READ(leader, signal, nr_threads);
	BPF_CORE_READ_INTO(&out->comm, leader, comm);
	out->cgroup_id = mw_cgroup_id(leader, typed);
	if (mm)
		mw_mm_read(mm, out, has_loop, typed);
	out->peak_rss_pages = mw_peak_rss(mm, out, maxrss, typed);
	if (!mw_sum_faults(leader, out, has_loop, typed)) {
		out->flags |= MW_TASK_THREADS_CUT;
		mw_count_lost(MW_LOST_THREADS);
	}
	growth = bpf_map_lookup_elem(&mw_growth, &tgid);
	if (growth) {
		out->growth = *growth;
		out->flags |= MW_TASK_GROWTH;
	}
}

#endif
