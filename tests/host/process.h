/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A process as the kernel has it: all that the programs follow pointers to. */
#ifndef MEMWATCH_TESTS_HOST_PROCESS_H
#define MEMWATCH_TESTS_HOST_PROCESS_H

#include "vmlinux.h"

#define PROCESS_LEVELS	20
#define PROCESS_THREADS 3
#define NO_LIMIT	(LONG_MAX / 4096)

struct process {
	struct task_struct thread[PROCESS_THREADS]; /* the first leads */
	struct task_struct parent;
	struct signal_struct signal;
	struct mm_struct mm;
	struct pid pid;
	struct css_set css_set;
	struct cgroup cgroup; /* of the v2 hierarchy */
	struct kernfs_node kn;
	/* The memory cgroups: its own first, then upwards. */
	struct mem_cgroup memcg[PROCESS_LEVELS];
	struct cgroup memory_cgroup[PROCESS_LEVELS];
	struct kernfs_node memory_kn[PROCESS_LEVELS];
};

static inline void process_init(struct process *p, pid_t tgid)
{
	struct list_head *last = &p->signal.thread_head;

	memset(p, 0, sizeof(*p));
	for (int i = 0; i < PROCESS_THREADS; i++) {
		struct task_struct *t = &p->thread[i];

		*t = (struct task_struct){
			.mm = &p->mm,
			.pid = tgid + i,
			.tgid = tgid,
			.group_leader = &p->thread[0],
			.real_parent = &p->parent,
			.thread_pid = &p->pid,
			.signal = &p->signal,
			.cgroups = &p->css_set,
			.start_boottime = 1000 + (unsigned)tgid,
			.min_flt = 10U << i,
			.maj_flt = 1U << i,
			.comm = "0123456789abcde",
		};
		last->next = &t->thread_node;
		last = &t->thread_node;
	}
	last->next = &p->signal.thread_head;
	p->parent = (struct task_struct){.pid = 9, .tgid = 9, .group_leader = &p->parent};
	p->signal.nr_threads = PROCESS_THREADS;
	p->signal.min_flt = 500;
	p->signal.maj_flt = 50;
	p->mm = (struct mm_struct){
		.rss_stat = {{.count = 200}, {.count = 1000}, {.count = 4}, {.count = 30}},
		.pgtables_bytes = {40960},
		.total_vm = 9000,
		.data_vm = 800,
		.stack_vm = 33,
		.start_brk = 0x10000,
		.brk = 0x31000,
		.hiwater_rss = 1234,
	};
	p->css_set.dfl_cgrp = &p->cgroup;
	p->css_set.subsys[memory_cgrp_id] = &p->memcg[0].css;
	p->cgroup.kn = &p->kn;
	p->kn.id = 42;
	for (int i = 0; i < PROCESS_LEVELS; i++) {
		p->memcg[i].css.cgroup = &p->memory_cgroup[i];
		p->memcg[i].css.parent = i + 1 < PROCESS_LEVELS ? &p->memcg[i + 1].css : NULL;
		p->memcg[i].memory.max = NO_LIMIT;
		p->memory_cgroup[i].kn = &p->memory_kn[i];
		p->memory_kn[i].id = 70 + (unsigned)i;
	}
}

/* Only so many memory cgroups, the root included. */
static inline void process_set_levels(struct process *p, int levels)
{
	p->memcg[levels - 1].css.parent = NULL;
}

/* The sizes that process_init() gave it. */
static inline void process_assert_task(const struct mw_task *t, const struct process *p)
{
	assert_int_equal(t->pid, p->thread[0].tgid);
	assert_int_equal(t->ppid, 9);
	assert_int_equal(t->start_ns, p->thread[0].start_boottime);
	assert_memory_equal(t->comm, "0123456789abcde", MW_COMM_LEN);
	assert_int_equal(t->threads, PROCESS_THREADS);
	assert_int_equal(t->file_pages, 200);
	assert_int_equal(t->anon_pages, 1000);
	assert_int_equal(t->swap_pages, 4);
	assert_int_equal(t->shmem_pages, 30);
	assert_int_equal(t->pgtable_bytes, 40960);
	assert_int_equal(t->vm_pages, 9000);
	assert_int_equal(t->data_pages, 800);
	assert_int_equal(t->stack_pages, 33);
	assert_int_equal(t->brk_bytes, 0x21000);
	assert_int_equal(t->peak_rss_pages, 1234);
	assert_int_equal(t->minflt, 500 + 10 + 20 + 40);
	assert_int_equal(t->majflt, 50 + 1 + 2 + 4);
}

#endif
