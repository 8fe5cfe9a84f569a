/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * PIDs as memwatch's user sees them.
 *
 * In a container memwatch may run in a PID namespace of its own, where the
 * kernel's global numbers mean nothing. The level of that namespace is learned
 * by bpf/learn.bpf.c, which runs as memwatch itself. At level 0, the usual case,
 * the global number is the answer and nothing more is read.
 */
#ifndef MEMWATCH_PIDNS_BPF_H
#define MEMWATCH_PIDNS_BPF_H

#include "memwatch.bpf.h"

struct mw_pidns mw_pidns __weak = {};

static __always_inline void mw_pidns_read(struct pid *pid, __u32 level, struct upid *out)
{
	void *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);

	/* struct upid is {int nr; ns *}: its size is relocated, not compiled in. */
	bpf_probe_read_kernel(out, sizeof(*out), numbers + level * bpf_core_type_size(struct upid));
}

/* Called in the context of memwatch. */
static __always_inline void mw_pidns_learn(void)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(self, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	mw_pidns_read(pid, level, &upid);
	mw_pidns.inum = BPF_CORE_READ(upid.ns, ns.inum);
	mw_pidns.level = level;
}

/* Of @leader, whose global number is @tgid. */
static __always_inline __u32 mw_pid_translate(struct task_struct *leader, __u32 tgid)
{
	__u32 level = mw_pidns.level;
	struct upid upid = {};
	struct pid *pid;

	if (!level)
		return tgid;
	pid = BPF_CORE_READ(leader, thread_pid);
	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	mw_pidns_read(pid, level, &upid);
	if (!upid.ns || BPF_CORE_READ(upid.ns, ns.inum) != mw_pidns.inum)
		return 0;
	return upid.nr;
}

/* The thread group id of @leader in our namespace; 0 if it is not in it. */
static __always_inline __u32 mw_pid_of(struct task_struct *leader)
{
	return mw_pid_translate(leader, BPF_CORE_READ(leader, tgid));
}

/* The same of the current thread. */
static __always_inline __u32 mw_pid_of_current(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return mw_pid_translate(BPF_CORE_READ(task, group_leader),
				bpf_get_current_pid_tgid() >> 32);
}

/* When @leader's process began, CLOCK_BOOTTIME; with its PID its identity, on both sides the same.
 */
static __always_inline __u64 mw_start_ns(struct task_struct *leader)
{
	__u64 ns = BPF_CORE_READ(leader, start_boottime);

	return mw_cfg.start_unit_ns ? ns - ns % mw_cfg.start_unit_ns : ns;
}

/* Whether the user asked for the process with this PID (of our namespace). */
static __always_inline bool mw_is_target(__u32 pid)
{
	return !mw_ctl.nr_targets || bpf_map_lookup_elem(&mw_targets, &pid);
}

#endif
