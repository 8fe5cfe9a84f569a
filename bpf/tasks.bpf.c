// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Totals of every process, at each tick: one pass of the task iterator, which
 * user space starts by opening and reading it. Nothing is spent between ticks.
 *
 * The iterator visits threads. A process is reported once, by its leader; if
 * the leader has exited before its threads (it is a zombie without an mm), each
 * of them reports it, and user space takes the first of a tick.
 */
#include "memwatch.bpf.h"
#include "task.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* So that brk(2) has a break to compare with from the first call that is seen (again). */
static __always_inline void mw_seed_growth(struct task_struct *leader, struct mm_struct *mm)
{
	struct mw_growth seed = {.brk_last = BPF_CORE_READ(mm, brk)};
	__u32 tgid = BPF_CORE_READ(leader, tgid);
	struct mw_growth *known = bpf_map_lookup_elem(&mw_growth, &tgid);

	if (known) {
		known->brk_last = seed.brk_last;
		return;
	}
	if (bpf_map_update_elem(&mw_growth, &tgid, &seed, BPF_NOEXIST) == -E2BIG)
		mw_count_lost(MW_LOST_PROCS);
}

static __always_inline int mw_report(struct bpf_iter__task *ctx, const bool has_loop)
{
	struct task_struct *task = ctx->task, *leader;
	struct mw_task out = {};
	struct mm_struct *mm;

	if (!task) /* the end of the pass */
		return 0;
	leader = task->group_leader;
	mm = task->mm;
	if (!mm || task->flags & PF_KTHREAD)
		return 0;
	if (task != leader && leader->mm)
		return 0;
	out.pid = mw_pid_of(leader);
	if (!out.pid || !mw_is_target(out.pid))
		return 0;
	if (mw_ctl.seed)
		mw_seed_growth(leader, mm);
	mw_task_read(leader, mm, 0, &out, has_loop, true);
	if (task->mm != mm) /* it exited or called exec meanwhile */
		return 0;
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

SEC("?iter/task")
int mw_tasks(struct bpf_iter__task *ctx)
{
	return mw_report(ctx, true);
}

SEC("?iter/task")
int mw_tasks_v510(struct bpf_iter__task *ctx)
{
	return mw_report(ctx, false);
}
