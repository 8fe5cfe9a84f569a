/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types as the BPF sources use them, and no more: so that these
 * can be compiled for this machine and called as plain functions.
 */
#ifndef __VMLINUX_H__ /* bpf_tracing.h takes the kernel's names of registers by it */
#define __VMLINUX_H__

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct {
	long counter;
} atomic_long_t;

struct list_head {
	struct list_head *next, *prev;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

enum cgroup_subsys_id { cpu_cgrp_id, memory_cgrp_id, CGROUP_SUBSYS_COUNT };

struct css_set {
	struct cgroup_subsys_state *subsys[CGROUP_SUBSYS_COUNT];
	struct cgroup *dfl_cgrp;
};

struct page_counter {
	atomic_long_t usage;
	unsigned long max;
};

struct mem_cgroup {
	long not_first; /* so that the way from css to memcg is not a no-op */
	struct cgroup_subsys_state css;
	struct page_counter memory;
};

struct percpu_counter {
	__s64 count;
	__s32 *counters;
};

struct mm_struct {
	struct percpu_counter rss_stat[4];
	atomic_long_t pgtables_bytes;
	unsigned long total_vm, data_vm, stack_vm, start_brk, brk, start_stack, hiwater_rss;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[4];
};

struct signal_struct {
	struct {
		int counter;
	} live;
	int nr_threads;
	struct list_head thread_head;
	int group_exit_code;
	unsigned int flags;
	unsigned long min_flt, maj_flt, maxrss;
};

struct task_struct {
	struct {
		unsigned long flags;
		__u32 status;
	} thread_info;
	unsigned int flags;
	struct mm_struct *mm;
	int exit_code;
	pid_t pid, tgid;
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	struct list_head thread_node;
	__u64 start_boottime;
	unsigned long min_flt, maj_flt;
	char comm[16];
	struct signal_struct *signal;
	struct css_set *cgroups;
};

struct linux_binprm {
	const char *filename;
};

struct bpf_array {
	void *pptrs[1];
};

struct seq_file {
	int unused;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_perf_event_data {
	__u64 sample_period, addr;
};

#if defined(__x86_64__)
#define __TARGET_ARCH_x86
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip,
		sp;
};
#elif defined(__aarch64__)
#define __TARGET_ARCH_arm64
struct user_pt_regs {
	__u64 regs[31], sp, pc;
};
struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		__u64 regs[31];
	};
	__u64 orig_x0;
	__s32 syscallno;
};
#endif

#endif
