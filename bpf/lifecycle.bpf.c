// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Processes that are born, become another program, end, or are killed for lack
 * of memory. Each is a record in the ring buffer; a process that lives between
 * two ticks is known by these alone.
 */
#include "events.bpf.h"
#include "task.bpf.h"

#define SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h */

static __always_inline void mw_header_fill(struct mw_event_header *h, enum mw_event_type type,
					   struct task_struct *leader, __u32 pid)
{
	h->type = type;
	h->pid = pid;
	h->ts_ns = bpf_ktime_get_boot_ns();
	h->start_ns = leader->start_boottime;
	h->ppid = mw_pid_of(leader->real_parent->group_leader);
	h->pad = 0;
	BPF_CORE_READ_INTO(&h->comm, leader, comm);
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(mw_fork, struct task_struct *parent, struct task_struct *child)
{
	struct mw_event_fork *e;
	__u32 tgid = child->tgid, pid;
	struct mw_growth fresh = {};

	if (child->pid != child->tgid) /* a thread */
		return 0;
	if (mw_ctl.nr_targets)
		return 0; /* a new process was not named; its parent's faults stay its parent's */
	fresh.brk_last = BPF_CORE_READ(child, mm, brk);
	if (bpf_map_update_elem(&mw_growth, &tgid, &fresh, BPF_ANY))
		mw_count_lost(MW_LOST_PROCS);
	pid = mw_pid_of(child);
	if (!pid)
		return 0;
	e = bpf_ringbuf_reserve(&mw_events, sizeof(*e), 0);
	if (!e) {
		mw_count_lost(MW_LOST_RING);
		return 0;
	}
	mw_header_fill(&e->h, MW_EVENT_FORK, child, pid);
	mw_submit(e);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(mw_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	__u32 pid = mw_pid_of(task), tgid = task->tgid;
	struct mw_event_exec *e;
	struct mw_growth *growth;

	if (!pid || !mw_is_target(pid))
		return 0;
	growth = bpf_map_lookup_elem(&mw_growth, &tgid);
	if (growth)
		growth->brk_last = BPF_CORE_READ(task, mm, brk);
	e = bpf_ringbuf_reserve(&mw_events, sizeof(*e), 0);
	if (!e) {
		mw_count_lost(MW_LOST_RING);
		return 0;
	}
	mw_header_fill(&e->h, MW_EVENT_EXEC, task, pid);
	if (bpf_probe_read_kernel_str(e->path, sizeof(e->path), BPF_CORE_READ(bprm, filename)) < 0)
		e->path[0] = '\0';
	mw_submit(e);
	return 0;
}

/* The status that wait(2) will give for a process whose last thread is @task. */
static __always_inline int mw_wait_status(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

/* Whether the last thread is leaving. Before 6.16 the tracepoint does not say. */
static __always_inline bool mw_is_last_thread(struct task_struct *task, __u64 *ctx)
{
	if (mw_cfg.exit_has_group_dead)
		return ctx[1] & 1;
	return BPF_CORE_READ(task, signal, live.counter) == 0;
}

static __always_inline int mw_report_exit(__u64 *ctx, const bool has_loop)
{
	struct task_struct *task = (void *)ctx[0];
	struct task_struct *leader;
	struct mw_event_exit *e;
	struct mm_struct *mm;
	__u32 tgid, pid;

	if (!mw_is_last_thread(task, ctx))
		return 0;
	leader = task->group_leader;
	tgid = task->tgid;
	pid = mw_pid_of(leader);
	if (!pid || !mw_is_target(pid))
		goto forget;
	e = bpf_ringbuf_reserve(&mw_events, sizeof(*e), 0);
	if (!e) {
		mw_count_lost(MW_LOST_RING);
		goto forget;
	}
	__builtin_memset(e, 0, sizeof(*e));
	mw_header_fill(&e->h, MW_EVENT_EXIT, leader, pid);
	e->code = mw_wait_status(task);
	mm = mw_cfg.exit_sees_mm ? task->mm : NULL;
	e->has_task = mm != NULL;
	e->task.pid = pid;
	/* maxrss also covers what the process was before exec: only where the mm is gone. */
	mw_task_read(leader, mm, mm ? 0 : task->signal->maxrss, &e->task, has_loop);
	/*
	 * Before 6.16 several threads that leave together can each find themselves the last:
	 * the one that takes the entry away reports.
	 */
	if (bpf_map_delete_elem(&mw_growth, &tgid) && !mw_cfg.exit_has_group_dead)
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
	else
		mw_submit(e);
	return 0;
forget:
	bpf_map_delete_elem(&mw_growth, &tgid);
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int mw_exit(__u64 *ctx)
{
	return mw_report_exit(ctx, true);
}

SEC("?tp_btf/sched_process_exit")
int mw_exit_v510(__u64 *ctx)
{
	return mw_report_exit(ctx, false);
}

/*
 * Finds the limit that a victim ran into: from its own memory cgroup upwards,
 * the first whose charge has reached its limit. The killer runs with the charge
 * still there, less the one that was refused: hence the slack. Nothing found up
 * to the root: the machine's memory ran out.
 */
#define MW_CHARGE_SLACK 256ULL /* pages; an eighth of the limit where that is less */

static __always_inline bool mw_is_exhausted(__u64 usage, __u64 max)
{
	__u64 slack = max / 8 < MW_CHARGE_SLACK ? max / 8 : MW_CHARGE_SLACK;

	return usage + slack >= max;
}

static __always_inline void mw_find_limit(struct task_struct *victim, struct mw_event_oom *e)
{
	struct cgroup_subsys_state *css = mw_memory_css(victim);

	if (!css)
		return;
	for (int level = 0; level < MW_CGROUP_DEPTH; level++) {
		struct mem_cgroup *memcg;
		__u64 usage, max;

		if (!css) {
			e->memcg_known = 1;
			return;
		}
		memcg = (void *)css - bpf_core_field_offset(struct mem_cgroup, css);
		usage = BPF_CORE_READ(memcg, memory.usage.counter);
		max = BPF_CORE_READ(memcg, memory.max);
		if (mw_is_exhausted(usage, max)) {
			e->memcg_known = 1;
			e->limit_cgroup_id = BPF_CORE_READ(css, cgroup, kn, id);
			e->limit_bytes = max << mw_cfg.page_shift;
			e->usage_bytes = usage << mw_cfg.page_shift;
			e->limit_level = level;
			return;
		}
		css = BPF_CORE_READ(css, parent);
	}
}

static __always_inline int mw_report_oom(struct task_struct *victim, const bool has_loop)
{
	struct task_struct *leader = victim->group_leader;
	struct mw_event_oom *e;
	__u32 pid = mw_pid_of(leader);

	if (!pid || !mw_is_target(pid))
		return 0;
	e = bpf_ringbuf_reserve(&mw_events, sizeof(*e), 0);
	if (!e) {
		mw_count_lost(MW_LOST_RING);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	mw_header_fill(&e->h, MW_EVENT_OOM, leader, pid);
	e->cgroup_id = mw_cgroup_id(victim);
	mw_find_limit(victim, e);
	e->task.pid = pid;
	mw_task_read(leader, victim->mm, 0, &e->task, has_loop);
	mw_submit(e);
	return 0;
}

SEC("?tp_btf/mark_victim")
int BPF_PROG(mw_oom, struct task_struct *victim)
{
	return mw_report_oom(victim, true);
}

SEC("?tp_btf/mark_victim")
int BPF_PROG(mw_oom_v510, struct task_struct *victim)
{
	return mw_report_oom(victim, false);
}
