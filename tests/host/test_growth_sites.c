/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/growth.bpf.c as plain functions, second part: growth by the stack that
 * made it, of the processes whose sites are taken.
 */
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
#include "../../bpf/growth.bpf.c"
#pragma GCC diagnostic pop

#include "host/user.h"

#define PAGE   4096ULL
#define PERIOD 61
#define CPUS   2

/* As the kernel keeps a per-CPU pointer: an offset. */
#define PERCPU_START 0x10000UL

static struct task_struct task;
static struct mm_struct mm;
static struct pt_regs regs;
static __s32 percpu[CPUS][4]; /* of the counters of mm */

static int setup(void **state)
{
	struct mw_config *config = host_writable(&mw_cfg, sizeof(mw_cfg));
	struct mw_site_proc proc;

	(void)state;
	host_reset();
	*config = (struct mw_config){
		.page_shift = 12, .fault_period = 5, .nr_cpus = CPUS, .has_types = 1};
	user_init();
	user_chain(3);
	proc = user_proc();
	user_watch(&task, &proc);
	mm = (struct mm_struct){0};
	memset(percpu, 0, sizeof(percpu));
	for (unsigned i = 0; i < 4; i++)
		mm.rss_stat[i].counters = (__s32 *)(PERCPU_START + 4 * i);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		mw_percpu_offsets[cpu] = (__u64)percpu[cpu] - PERCPU_START;
	task.mm = &mm;
	regs = user_leaf_regs(USER_TEXT + 4);
	host.user_regs = &regs;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

static struct mw_site_proc *proc_of_task(void)
{
	return mw_site_proc_of(TGID);
}

static void assert_site(__u32 kind, __u64 bytes, __u64 samples)
{
	struct mw_site *site = user_site(kind, user_sent(0)->hash);

	assert_non_null(site);
	assert_int_equal(site->bytes, bytes);
	assert_int_equal(site->samples, samples);
}

/* ---- calls ---- */

static void test_calls_that_grow(void **state)
{
	struct mw_growth seed = {.brk_last = 0x100000};
	__u32 pid = TGID;

	(void)state;
	bpf_map_update_elem(&mw_growth, &pid, &seed, BPF_ANY);
	mw_count_call(MW_NR_mmap, PAGE + 1, 0, 0x7f0000000000, true);
	assert_site(MW_SITE_MMAP, 2 * PAGE, 1);
	assert_int_equal(user_sent(0)->frames[0].ip, USER_TEXT + 4);
	mw_count_call(MW_NR_mremap, PAGE, 4 * PAGE, 0x7f0000000000, true);
	assert_site(MW_SITE_MMAP, 5 * PAGE, 2);
	mw_count_call(MW_NR_brk, 0, 0, 0x121000, true);
	assert_site(MW_SITE_BRK, 0x21000, 1);
	assert_int_equal(host_count(&mw_sites), 2);
}

static void test_calls_that_do_not_grow(void **state)
{
	(void)state;
	mw_count_call(MW_NR_munmap, PAGE, 0, 0, true);
	mw_count_call(MW_NR_mremap, 4 * PAGE, PAGE, 0x7f0000000000, true);
	mw_count_call(MW_NR_mmap, PAGE, 0, (__u64)-ENOMEM, true);
	mw_count_call(MW_NR_mmap, 0, 0, 0x1000, true);
	mw_count_call(MW_NR_brk, 0, 0, 0x100000, true); /* first seen */
	mw_count_call(MW_NR_brk, 0, 0, 0x100000, true);
	mw_count_call(MW_NR_brk, 0, 0, 0x90000, true);
	assert_int_equal(host_count(&mw_sites), 0);
	assert_int_equal(host.submitted_count, 0);
}

static void test_only_whose_sites_are_taken(void **state)
{
	(void)state;
	task.tgid = 200;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	task.tgid = TGID;
	mw_ctl.nr_site_procs = 0;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	assert_int_equal(host_count(&mw_sites), 0);
	mw_ctl.nr_site_procs = 1;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	assert_site(MW_SITE_MMAP, PAGE, 1);
}

/* The kernel without bpf_loop() counts, and takes no sites. */
static void test_twins(void **state)
{
	struct bpf_perf_event_data fault = {.addr = PAGE, .sample_period = PERIOD};
	struct mw_growth *growth;

	(void)state;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, false);
	mw_fault_perf_v510(&fault);
	growth = host_find(&mw_growth, TGID)->value;
	assert_int_equal(growth->mmap_count, 1);
	assert_int_equal(growth->fault_mmap, 5); /* the period that was asked for */
	assert_int_equal(host_count(&mw_sites), 0);
}

static void test_threshold_of_calls(void **state)
{
	(void)state;
	proc_of_task()->sample_bytes = 1 << 20;
	host.is_drawn = true;
	host.draw = PAGE;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	assert_int_equal(host_count(&mw_sites), 0);
	host.draw = PAGE - 1;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	assert_site(MW_SITE_MMAP, 1 << 20, 1);
}

/* ---- faults ---- */

static void fault(__u64 period)
{
	struct bpf_perf_event_data ctx = {.addr = PAGE, .sample_period = period};

	assert_int_equal(mw_fault_perf(&ctx), 0);
}

static void set_rss(__s64 anon, __s64 shmem, __s64 swap, __s64 file)
{
	mm.rss_stat[1].count = anon;
	mm.rss_stat[3].count = shmem;
	mm.rss_stat[2].count = swap;
	mm.rss_stat[0].count = file;
}

static void test_faults(void **state)
{
	struct mw_growth *growth;

	(void)state;
	fault(PERIOD);
	assert_site(MW_SITE_FAULT, PERIOD * PAGE, 1);
	fault(1);
	assert_site(MW_SITE_FAULT, (PERIOD + 1) * PAGE, 2);
	growth = host_find(&mw_growth, TGID)->value;
	assert_int_equal(growth->fault_mmap, PERIOD + 1);
}

/* A fault may bring 512 pages: what RSS grew by tells. */
static void test_huge_pages(void **state)
{
	(void)state;
	set_rss(1000, 0, 0, 0);
	fault(PERIOD); /* the first: grown from what is not known */
	assert_site(MW_SITE_FAULT, PERIOD * PAGE, 1);
	assert_int_equal(proc_of_task()->rss_pages, 1000);
	set_rss(1000 + 512, 0, 0, 0); /* so much may have been small pages */
	fault(PERIOD);
	assert_site(MW_SITE_FAULT, 2 * PERIOD * PAGE, 2);
	set_rss(1512 + 300, 400, 50, 99999); /* file pages are not growth */
	fault(PERIOD);
	assert_site(MW_SITE_FAULT, (2 * PERIOD + 750) * PAGE, 3);
	assert_int_equal(proc_of_task()->rss_pages, 1512 + 750);
	set_rss(100, 0, 0, 0); /* given back */
	fault(PERIOD);
	assert_site(MW_SITE_FAULT, (3 * PERIOD + 750) * PAGE, 4);
	percpu[1][1] = 2000; /* what a CPU has not added yet is grown, too */
	fault(PERIOD);
	assert_site(MW_SITE_FAULT, (3 * PERIOD + 2750) * PAGE, 5);
}

/* Faults of other CPUs that are not sampled yet explain this much. */
static void test_growth_by_other_cpus(void **state)
{
	(void)state;
	set_rss(1000, 0, 0, 0);
	fault(600);
	set_rss(1000 + CPUS * 600, 0, 0, 0);
	fault(600);
	assert_site(MW_SITE_FAULT, 1200 * PAGE, 2);
	set_rss(1000 + 2 * CPUS * 600 + 1, 0, 0, 0);
	fault(600);
	assert_site(MW_SITE_FAULT, (1200 + CPUS * 600 + 1) * PAGE, 3);
}

static void test_fault_without_an_mm(void **state)
{
	(void)state;
	task.mm = NULL;
	fault(1);
	assert_site(MW_SITE_FAULT, PAGE, 1);
	assert_null(host_find(&mw_growth, TGID));
}

#define IN_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_calls_that_grow),
		IN_KERNEL(test_calls_that_do_not_grow),
		IN_KERNEL(test_only_whose_sites_are_taken),
		IN_KERNEL(test_twins),
		IN_KERNEL(test_threshold_of_calls),
		IN_KERNEL(test_faults),
		IN_KERNEL(test_huge_pages),
		IN_KERNEL(test_growth_by_other_cpus),
		IN_KERNEL(test_fault_without_an_mm),
	};

	return cmocka_run_group_tests_name("bpf/growth, sites", tests, NULL, NULL);
}
