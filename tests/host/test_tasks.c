/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/tasks.bpf.c as plain functions: which processes the iterator reports,
 * with what; sums over CPUs and threads; the seeding pass.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes" /* preserve_access_index is clang's */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "../../bpf/tasks.bpf.c"
#pragma GCC diagnostic pop

#include "host/process.h"

#define TGID 100U
#define CPUS 4

/*
 * Per-CPU memory: what the kernel keeps is an offset, here from 0x10000; the
 * address on a CPU is that plus the CPU's base. Each kind of page has a slot.
 */
#define PERCPU_START 0x10000UL

static struct percpu {
	__s32 slot[4];
	__u64 lost[MW_LOST_MAX];
} percpu[CPUS];

static struct process process;
static struct mw_config *config;

static int setup(void **state)
{
	const struct bpf_array array = {
		{(void *)(PERCPU_START + offsetof(struct percpu, lost))},
	};

	(void)state;
	host_reset();
	config = host_writable(&mw_cfg, sizeof(mw_cfg));
	*config = (struct mw_config){.page_shift = 12, .nr_cpus = CPUS};
	mw_ctl = (struct mw_control){0};
	mw_pidns = (struct mw_pidns){0};
	memset(mw_percpu_offsets, 0, sizeof(mw_percpu_offsets));
	memset(percpu, 0, sizeof(percpu));
	process_init(&process, TGID);
	host.current = &process.thread[0];
	for (unsigned i = 0; i < 4; i++)
		process.mm.rss_stat[i].counters = (__s32 *)(PERCPU_START + 4 * i);
	for (int cpu = 0; cpu < CPUS; cpu++) {
		mw_percpu_offsets[cpu] = (__u64)&percpu[cpu] - PERCPU_START;
		host.percpu[cpu] = percpu[cpu].lost;
	}
	memcpy(&mw_lost, &array, sizeof(array)); /* what the kernel has for the map */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

static void visit(struct task_struct *task, __u64 seq_num)
{
	struct seq_file seq;
	struct bpf_iter_meta meta = {.seq = &seq, .seq_num = seq_num};
	struct bpf_iter__task ctx = {.meta = &meta, .task = task};

	assert_int_equal(mw_tasks(&ctx), 0);
}

/* What is reported of the process. */
static struct mw_task *reported(void)
{
	host.seq_count = 0;
	visit(&process.thread[0], 1);
	assert_int_equal(host.seq_count, 1);
	return &host.seq[0];
}

/* ---- which ---- */

static void test_each_process_once(void **state)
{
	(void)state;
	for (int i = 0; i < PROCESS_THREADS; i++)
		visit(&process.thread[i], (unsigned)i);
	visit(NULL, 3);
	assert_int_equal(host.seq_count, 1);
	process_assert_task(&host.seq[0], &process);
	assert_int_equal(host.seq[0].cgroup_id, 42);
	assert_int_equal(host.seq[0].flags, 0);
	assert_int_equal(host_count(&mw_growth), 0); /* looking makes no entries */
}

/* The leader has exited, its threads go on: each reports the process, by its identity. */
static void test_leader_is_gone(void **state)
{
	(void)state;
	process.thread[0].mm = NULL;
	for (int i = 0; i < PROCESS_THREADS; i++)
		visit(&process.thread[i], (unsigned)i);
	assert_int_equal(host.seq_count, PROCESS_THREADS - 1);
	process_assert_task(&host.seq[0], &process);
	process_assert_task(&host.seq[1], &process);
}

static void test_no_kernel_threads(void **state)
{
	(void)state;
	process.thread[0].flags = PF_KTHREAD; /* one that uses a process's mm for a while */
	visit(&process.thread[0], 0);
	process.thread[0].flags = 0;
	process.thread[0].mm = NULL;
	visit(&process.thread[0], 0);
	assert_int_equal(host.seq_count, 0);
}

static void test_targets(void **state)
{
	__u32 pid = TGID;
	__u8 one = 1;

	(void)state;
	mw_ctl.nr_targets = 1;
	visit(&process.thread[0], 0);
	assert_int_equal(host.seq_count, 0);
	bpf_map_update_elem(&mw_targets, &pid, &one, BPF_ANY);
	visit(&process.thread[0], 0);
	assert_int_equal(host.seq_count, 1);
}

/* ---- resident pages ---- */

static void test_percpu_sums(void **state)
{
	struct mw_task *t;

	(void)state;
	for (int cpu = 0; cpu < CPUS; cpu++) {
		percpu[cpu].slot[MW_MM_FILEPAGES] = 1 << cpu;
		percpu[cpu].slot[MW_MM_ANONPAGES] = -10;
		percpu[cpu].slot[MW_MM_SWAPENTS] = cpu ? 0 : -100; /* below zero in sum */
		percpu[cpu].slot[MW_MM_SHMEMPAGES] = cpu ? 5 : INT32_MIN;
	}
	process.mm.rss_stat[MW_MM_SHMEMPAGES].count = 1LL << 31;
	t = reported();
	assert_int_equal(t->file_pages, 200 + 15);
	assert_int_equal(t->anon_pages, 1000 - 40);
	assert_int_equal(t->swap_pages, 0);
	assert_int_equal(t->shmem_pages, 15);
	assert_int_equal(t->flags & MW_TASK_RSS_APPROXIMATE, 0);
}

/* Past the possible CPUs there is garbage. */
static void test_only_possible_cpus(void **state)
{
	(void)state;
	config->nr_cpus = 2;
	for (int cpu = 0; cpu < CPUS; cpu++)
		percpu[cpu].slot[MW_MM_ANONPAGES] = cpu < 2 ? 3 : 1000000;
	assert_int_equal(reported()->anon_pages, 1006);
}

/* Where the parts cannot be had, the shared count stands, and that is said. */
static void test_unreadable_sums(void **state)
{
	struct mw_task *t;

	(void)state;
	for (int cpu = 0; cpu < CPUS; cpu++)
		percpu[cpu].slot[MW_MM_ANONPAGES] = 7;
	config->nr_cpus = 0; /* more CPUs than there is room for */
	t = reported();
	assert_int_equal(t->anon_pages, 1000);
	assert_int_equal(t->flags, MW_TASK_RSS_APPROXIMATE);
	config->nr_cpus = CPUS;
	mw_percpu_offsets[CPUS - 1] = 0; /* not learned */
	t = reported();
	assert_int_equal(t->anon_pages, 1000);
	assert_int_equal(t->flags, MW_TASK_RSS_APPROXIMATE);
	mw_percpu_offsets[CPUS - 1] = 1ULL << 63; /* a fault */
	assert_int_equal(reported()->flags, MW_TASK_RSS_APPROXIMATE);
	mw_percpu_offsets[CPUS - 1] = (__u64)&percpu[CPUS - 1] - PERCPU_START;
	assert_int_equal(reported()->flags, 0);
	process.mm.rss_stat[MW_MM_SWAPENTS].counters = NULL; /* one kind is enough */
	t = reported();
	assert_int_equal(t->flags, MW_TASK_RSS_APPROXIMATE);
	assert_int_equal(t->anon_pages, 1028);
	assert_int_equal(t->swap_pages, 4);
}

/* Up to 6.1: plain counters. */
static void test_old_kernels(void **state)
{
	union {
		struct mm_struct___pre_v62 old;
		struct mm_struct mm; /* to be as large */
	} u = {.old = {.rss_stat = {.count = {{20}, {100}, {-3}, {7}}}}};
	struct mw_task t = {0};

	(void)state;
	host.has_old_rss = true;
	config->nr_cpus = 0;
	mw_rss_read(&u.mm, &t, false);
	assert_int_equal(t.file_pages, 20);
	assert_int_equal(t.anon_pages, 100);
	assert_int_equal(t.swap_pages, 0); /* never below zero */
	assert_int_equal(t.shmem_pages, 7);
	assert_int_equal(t.flags, 0);
}

/* The bases of the CPUs, from an element of mw_lost as the kernel keeps it and as it is. */
static void test_learning_percpu_offsets(void **state)
{
	(void)state;
	memset(mw_percpu_offsets, 0, sizeof(mw_percpu_offsets));
	mw_percpu_learn();
	for (int cpu = 0; cpu < CPUS; cpu++)
		assert_true(mw_percpu_offsets[cpu] == (__u64)&percpu[cpu] - PERCPU_START);
	assert_int_equal(mw_percpu_offsets[CPUS], 0);
	host.percpu[2] = NULL;
	memset(mw_percpu_offsets, 0, sizeof(mw_percpu_offsets));
	mw_percpu_learn();
	assert_int_equal(mw_percpu_offsets[2], 0); /* so that it counts as not learned */
}

static void test_peak(void **state)
{
	(void)state;
	assert_int_equal(reported()->peak_rss_pages, 1234); /* the mm's mark */
	process.mm.rss_stat[MW_MM_ANONPAGES].count = 5000;  /* the mark is updated late */
	assert_int_equal(reported()->peak_rss_pages, 5000 + 200 + 30);
	process.signal.maxrss = 100000; /* of what it was before exec */
	assert_int_equal(reported()->peak_rss_pages, 5230);
}

/* ---- page faults of all threads ---- */

static void test_too_many_threads(void **state)
{
	/* A ring of threads that never comes back to the head. */
	(void)state;
	process.thread[2].thread_node.next = &process.thread[0].thread_node;
	assert_true(reported()->flags & MW_TASK_THREADS_CUT);
	assert_int_equal(host.lost[MW_LOST_THREADS], 1);
	assert_true(host.seq[0].minflt > 500 + 70 * (MW_MAX_THREADS / 3 - 1)); /* a lower bound */
	host.has_loop = false;						       /* before 5.17 */
	assert_true(reported()->flags & MW_TASK_THREADS_CUT);
	assert_int_equal(host.lost[MW_LOST_THREADS], 2);
}

static void test_exactly_so_many_threads(void **state)
{
	static struct task_struct many[MW_MAX_THREADS + 1];

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		int count = MW_MAX_THREADS + extra;

		process.signal.thread_head.next = &many[0].thread_node;
		for (int i = 0; i < count; i++) {
			many[i].min_flt = 2;
			many[i].thread_node.next = i + 1 < count ? &many[i + 1].thread_node
								 : &process.signal.thread_head;
		}
		assert_int_equal(reported()->minflt, 500 + 2 * MW_MAX_THREADS);
		assert_int_equal(host.seq[0].flags, extra ? MW_TASK_THREADS_CUT : 0);
	}
}

static void test_list_that_breaks_off(void **state)
{
	(void)state;
	process.thread[1].thread_node.next = NULL;
	assert_int_equal(reported()->minflt, 500 + 10 + 20);
	host.has_loop = false;
	assert_int_equal(reported()->minflt, 500 + 10 + 20);
	process.signal.thread_head.next = NULL;
	assert_int_equal(reported()->minflt, 500);
	process.signal.thread_head.next = &process.signal.thread_head;
	assert_int_equal(reported()->minflt, 500);
	assert_int_equal(host.seq[0].flags, 0);
}

/* Where the rest of the totals is from /proc, a start is known to 10 ms. */
static void test_start_in_units(void **state)
{
	(void)state;
	process.thread[0].start_boottime = 1234567890123;
	assert_int_equal(reported()->start_ns, 1234567890123);
	config->start_unit_ns = 10000000;
	assert_int_equal(reported()->start_ns, 1234560000000);
}

/* ---- event counters ---- */

static void test_growth_is_reported(void **state)
{
	struct mw_growth growth = {.mmap_count = 3, .brk_last = 5};
	__u32 tgid = TGID;

	(void)state;
	assert_int_equal(reported()->flags & MW_TASK_GROWTH, 0);
	bpf_map_update_elem(&mw_growth, &tgid, &growth, BPF_ANY);
	assert_int_equal(reported()->flags, MW_TASK_GROWTH);
	assert_memory_equal(&host.seq[0].growth, &growth, sizeof(growth));
}

/* The pass before calls are counted (again): each process's break is noted. */
static void test_seeding_pass(void **state)
{
	struct mw_growth *g;

	(void)state;
	mw_ctl.seed = 1;
	visit(&process.thread[0], 0);
	assert_non_null(host_find(&mw_growth, TGID));
	g = host_find(&mw_growth, TGID)->value;
	assert_int_equal(g->brk_last, 0x31000);
	assert_int_equal(host.seq[0].flags & MW_TASK_GROWTH, MW_TASK_GROWTH);
	g->brk_last = 0x99000; /* it moved while nobody counted */
	g->brk_bytes = 7;
	visit(&process.thread[0], 1);
	assert_int_equal(g->brk_last, 0x31000);
	assert_int_equal(g->brk_bytes, 7);
	assert_int_equal(host.lost[MW_LOST_PROCS], 0);
	host.max_entries = 1;
	process_init(&process, 200);
	visit(&process.thread[0], 2);
	assert_int_equal(host.lost[MW_LOST_PROCS], 1);
	assert_int_equal(host_count(&mw_growth), 1);
}

static void test_only_targets_are_seeded(void **state)
{
	(void)state;
	mw_ctl.seed = 1;
	mw_ctl.nr_targets = 1;
	visit(&process.thread[0], 0);
	assert_int_equal(host_count(&mw_growth), 0);
}

#define IN_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_each_process_once),
		IN_KERNEL(test_leader_is_gone),
		IN_KERNEL(test_no_kernel_threads),
		IN_KERNEL(test_targets),
		IN_KERNEL(test_percpu_sums),
		IN_KERNEL(test_only_possible_cpus),
		IN_KERNEL(test_unreadable_sums),
		IN_KERNEL(test_old_kernels),
		IN_KERNEL(test_learning_percpu_offsets),
		IN_KERNEL(test_peak),
		IN_KERNEL(test_too_many_threads),
		IN_KERNEL(test_exactly_so_many_threads),
		IN_KERNEL(test_list_that_breaks_off),
		IN_KERNEL(test_growth_is_reported),
		IN_KERNEL(test_start_in_units),
		IN_KERNEL(test_seeding_pass),
		IN_KERNEL(test_only_targets_are_seeded),
	};

	return cmocka_run_group_tests_name("bpf/tasks", tests, NULL, NULL);
}
