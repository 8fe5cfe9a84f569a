// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Processes that are born, become another program, end, or are killed for lack
 * of memory. Each is a record in the ring buffer; a process that lives between
 * two ticks is known by these alone.
 *
 * Each program exists twice, for tp_btf and, where the kernel does not know its
 * own types, raw_tp. What it does is the same, and reads nothing by typed pointers.
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
	h->start_ns = mw_start_ns(leader);
	h->ppid = mw_pid_of(BPF_CORE_READ(leader, real_parent, group_leader));
	h->pad = 0;
	BPF_CORE_READ_INTO(&h->comm, leader, comm);
}

static __always_inline int mw_report_fork(struct task_struct *child)
{
	struct mw_event_fork *e;
	__u32 tgid = BPF_CORE_READ(child, tgid), pid;
	struct mw_growth fresh = {};

	if ((__u32)BPF_CORE_READ(child, pid) != tgid) /* a thread */
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

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(mw_fork, struct task_struct *parent, struct task_struct *child)
{
	return mw_report_fork(child);
}

SEC("?raw_tp/sched_process_fork")
int BPF_PROG(mw_raw_fork, struct task_struct *parent, struct task_struct *child)
{
	return mw_report_fork(child);
}

static __always_inline int mw_report_exec(struct task_struct *task, struct linux_binprm *bprm)
{
	__u32 pid = mw_pid_of(task), tgid = BPF_CORE_READ(task, tgid);
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

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(mw_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	return mw_report_exec(task, bprm);
}

SEC("?raw_tp/sched_process_exec")
int BPF_PROG(mw_raw_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	return mw_report_exec(task, bprm);
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
	leader = BPF_CORE_READ(task, group_leader);
	tgid = BPF_CORE_READ(task, tgid);
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
	mm = mw_cfg.exit_sees_mm ? BPF_CORE_READ(task, mm) : NULL;
	e->has_task = mm != NULL;
	e->task.pid = pid;
	/* maxrss also covers what the process was before exec: only where the mm is gone. */
	mw_task_read(leader, mm, mm ? 0 : BPF_CORE_READ(task, signal, maxrss), &e->task, has_loop,
		     false);
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

SEC("?raw_tp/sched_process_exit")
int mw_raw_exit(__u64 *ctx)
{
	return mw_report_exit(ctx, true);
}

SEC("?raw_tp/sched_process_exit")
int mw_raw_exit_v510(__u64 *ctx)
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
	struct task_struct *leader = BPF_CORE_READ(victim, group_leader);
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
	e->cgroup_id = mw_cgroup_id(victim, false);
	mw_find_limit(victim, e);
	e->task.pid = pid;
	e->has_task = 1;
	mw_task_read(leader, BPF_CORE_READ(victim, mm), 0, &e->task, has_loop, false);
	mw_submit(e);
	return 0;
}

/*
 * mark_victim passes the task since 6.8 (kernel commit 72ba14deb40a, also in 5.10.262 and 6.1.170),
 * and only its PID before. Who that is: __oom_kill_process() has sent it SIGKILL the line before,
 * which signal_generate shows with the task. It holds a spinlock from there to here, so a note on
 * this CPU is this victim's, also where a whole cgroup is killed (memory.oom.group). One that was
 * dying anyway is not killed but marked: it is the current task, or nobody knows more than its PID.
 */
#define MW_SIGKILL	 9
#define MW_SEND_SIG_PRIV 1 /* from the kernel itself; include/linux/sched/signal.h */

struct mw_oom_killed {
	__u64 killer; /* pid_tgid */
	struct task_struct *task;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mw_oom_killed);
} mw_oom_killed SEC(".maps");

static __always_inline int mw_note_kill(int sig, __u64 info, struct task_struct *task)
{
	struct mw_oom_killed *note;
	__u32 zero = 0;

	if (sig != MW_SIGKILL || info != MW_SEND_SIG_PRIV)
		return 0;
	note = bpf_map_lookup_elem(&mw_oom_killed, &zero);
	if (note) {
		note->killer = bpf_get_current_pid_tgid();
		note->task = task;
	}
	return 0;
}

/* The task of this (global) PID, which is being marked; NULL: see above. */
static __always_inline struct task_struct *mw_victim_of(__u32 pid)
{
	struct mw_oom_killed *note;
	struct task_struct *task;
	__u32 zero = 0;

	if (pid == (__u32)bpf_get_current_pid_tgid())
		return (void *)bpf_get_current_task();
	note = bpf_map_lookup_elem(&mw_oom_killed, &zero);
	if (!note || note->killer != bpf_get_current_pid_tgid())
		return NULL;
	task = note->task;
	note->task = NULL; /* a note is good for one kill: the task may be freed later */
	return (__u32)BPF_CORE_READ(task, pid) == pid ? task : NULL;
}

/* Nothing but its PID is known, and who ran into the limit: this task. */
static __always_inline int mw_report_oom_unknown(__u32 pid)
{
	struct mw_event_oom *e;

	if (mw_pidns.level || !mw_is_target(pid))
		return 0;
	e = bpf_ringbuf_reserve(&mw_events, sizeof(*e), 0);
	if (!e) {
		mw_count_lost(MW_LOST_RING);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->h.type = MW_EVENT_OOM;
	e->h.pid = pid;
	e->h.ts_ns = bpf_ktime_get_boot_ns();
	mw_find_limit((void *)bpf_get_current_task(), e);
	e->limit_level = MW_CGROUP_DEPTH; /* above the victim's cgroup it is unknown where */
	mw_submit(e);
	return 0;
}

static __always_inline int mw_report_oom_pid(__u32 pid, const bool has_loop)
{
	struct task_struct *victim = mw_victim_of(pid);

	return victim ? mw_report_oom(victim, has_loop) : mw_report_oom_unknown(pid);
}

/* The programs of one kind of hook. */
#define MW_OOM_PROGRAMS(type, prefix, twin, has_loop)                                              \
	SEC("?" type "/mark_victim")                                                               \
	int BPF_PROG(prefix##oom##twin, struct task_struct *victim)                                \
	{                                                                                          \
		return mw_report_oom(victim, has_loop);                                            \
	}                                                                                          \
	SEC("?" type "/mark_victim")                                                               \
	int BPF_PROG(prefix##oom_pid##twin, int pid)                                               \
	{                                                                                          \
		return mw_report_oom_pid(pid, has_loop);                                           \
	}

MW_OOM_PROGRAMS("tp_btf", mw_, , true)
MW_OOM_PROGRAMS("tp_btf", mw_, _v510, false)
MW_OOM_PROGRAMS("raw_tp", mw_raw_, , true)
MW_OOM_PROGRAMS("raw_tp", mw_raw_, _v510, false)

SEC("?tp_btf/signal_generate")
int BPF_PROG(mw_oom_kill, int sig, __u64 info, struct task_struct *task)
{
	return mw_note_kill(sig, info, task);
}

SEC("?raw_tp/signal_generate")
int BPF_PROG(mw_raw_oom_kill, int sig, __u64 info, struct task_struct *task)
{
	return mw_note_kill(sig, info, task);
}
