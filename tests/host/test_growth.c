/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/growth.bpf.c as plain functions: what is counted of each call and fault,
 * for whom, and by each of the three ways that calls come in.
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

#define PAGE	 4096ULL
#define TGID	 100U
#define ERROR(n) ((__u64) - (__s64)(n))

static struct task_struct task;
static struct mm_struct mm;

static int setup(void **state)
{
	struct mw_config *config = host_writable(&mw_cfg, sizeof(mw_cfg));

	(void)state;
	host_reset();
	*config = (struct mw_config){.page_shift = 12, .fault_period = 61};
	mw_ctl = (struct mw_control){0};
	mm = (struct mm_struct){0};
	task = (struct task_struct){.mm = &mm};
	host.current = &task;
	host.pid_tgid = (__u64)TGID << 32 | 101;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

static struct mw_growth *growth_of(__u32 tgid)
{
	struct host_entry *entry = host_find(&mw_growth, tgid);

	return entry ? entry->value : NULL;
}

static void assert_growth(struct mw_growth expected)
{
	struct mw_growth *g = growth_of(TGID);

	assert_non_null(g);
	assert_int_equal(g->mmap_bytes, expected.mmap_bytes);
	assert_int_equal(g->mmap_count, expected.mmap_count);
	assert_int_equal(g->munmap_bytes, expected.munmap_bytes);
	assert_int_equal(g->munmap_count, expected.munmap_count);
	assert_int_equal(g->mremap_bytes, expected.mremap_bytes);
	assert_int_equal(g->mremap_count, expected.mremap_count);
	assert_int_equal(g->brk_bytes, expected.brk_bytes);
	assert_int_equal(g->brk_count, expected.brk_count);
	assert_int_equal(g->fault_heap, expected.fault_heap);
	assert_int_equal(g->fault_stack, expected.fault_stack);
	assert_int_equal(g->fault_mmap, expected.fault_mmap);
}

#define assert_growth(...) assert_growth((struct mw_growth){__VA_ARGS__})

static void brk_returns(__u64 now)
{
	assert_int_equal(mw_count_call(MW_NR_brk, 0, 0, now, true), 0);
}

/* ---- calls ---- */

static void test_mmap_and_munmap(void **state)
{
	(void)state;
	mw_count_call(MW_NR_mmap, 1, 0, 0x7f0000000000, true);
	assert_growth(.mmap_count = 1, .mmap_bytes = PAGE);
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x7f0000000000, true);
	assert_growth(.mmap_count = 2, .mmap_bytes = 2 * PAGE);
	mw_count_call(MW_NR_mmap, PAGE + 1, 0, 0x7f0000000000, true);
	assert_growth(.mmap_count = 3, .mmap_bytes = 4 * PAGE);
	mw_count_call(MW_NR_munmap, 2 * PAGE - 1, 0, 0, true);
	assert_growth(.mmap_count = 3, .mmap_bytes = 4 * PAGE, .munmap_count = 1,
		      .munmap_bytes = 2 * PAGE);
}

static void test_large_pages(void **state)
{
	struct mw_config *config = host_writable(&mw_cfg, sizeof(mw_cfg));

	(void)state;
	config->page_shift = 16;
	mw_count_call(MW_NR_mmap, 1, 0, 0x10000, true);
	mw_count_call(MW_NR_mmap, 65537, 0, 0x10000, true);
	assert_growth(.mmap_count = 2, .mmap_bytes = 3 * 65536);
}

/* Failed calls count nothing, nor do they make an entry. -4096 is an address, not an error. */
static void test_errors(void **state)
{
	static const long calls[] = {MW_NR_mmap, MW_NR_munmap, MW_NR_mremap, MW_NR_brk};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		mw_count_call(calls[i], PAGE, 2 * PAGE, ERROR(1), true);
		mw_count_call(calls[i], PAGE, 2 * PAGE, ERROR(ENOMEM), true);
		mw_count_call(calls[i], PAGE, 2 * PAGE, ERROR(4095), true);
	}
	assert_null(growth_of(TGID));
	mw_count_call(MW_NR_mmap, PAGE, 0, ERROR(4096), true);
	assert_growth(.mmap_count = 1, .mmap_bytes = PAGE);
}

static void test_mremap(void **state)
{
	(void)state;
	mw_count_call(MW_NR_mremap, 2 * PAGE, 5 * PAGE, 0x7f0000000000, true);
	assert_growth(.mremap_count = 1, .mremap_bytes = 3 * PAGE);
	mw_count_call(MW_NR_mremap, 5 * PAGE, PAGE, 0x7f0000000000,
		      true); /* what it shrinks is unmapped */
	assert_growth(.mremap_count = 2, .mremap_bytes = 3 * PAGE, .munmap_bytes = 4 * PAGE);
	mw_count_call(MW_NR_mremap, PAGE, PAGE, 0x7f0000000000, true);	       /* moved */
	mw_count_call(MW_NR_mremap, PAGE + 1, 2 * PAGE, 0x7f0000000000, true); /* within a page */
	assert_growth(.mremap_count = 4, .mremap_bytes = 3 * PAGE, .munmap_bytes = 4 * PAGE);
	mw_count_call(MW_NR_mremap, 0, PAGE, 0x7f0000000000,
		      true); /* a second mapping of shared memory */
	assert_growth(.mremap_count = 5, .mremap_bytes = 4 * PAGE, .munmap_bytes = 4 * PAGE);
}

/* Lengths that no kernel grants: nothing but a wrong number may come of them. */
static void test_huge_lengths(void **state)
{
	(void)state;
	mw_count_call(MW_NR_mmap, 1ULL << 47, 0, 0x1000, true);
	assert_growth(.mmap_count = 1, .mmap_bytes = 1ULL << 47);
	mw_count_call(MW_NR_mmap, UINT64_MAX, 0, 0x1000, true); /* rounds up to 2^64 */
	mw_count_call(MW_NR_munmap, UINT64_MAX - PAGE + 2, 0, 0, true);
	assert_growth(.mmap_count = 2, .mmap_bytes = 1ULL << 47, .munmap_count = 1);
	mw_count_call(MW_NR_munmap, UINT64_MAX - PAGE + 1, 0, 0, true);
	assert_growth(.mmap_count = 2, .mmap_bytes = 1ULL << 47, .munmap_count = 2,
		      .munmap_bytes = UINT64_MAX - PAGE + 1);
}

static void test_brk(void **state)
{
	(void)state;
	brk_returns(0x100000); /* first seen: where from is not known */
	assert_growth(.brk_count = 0);
	assert_int_equal(growth_of(TGID)->brk_last, 0x100000);
	brk_returns(0x100000); /* brk(0), or a refused move */
	assert_growth(.brk_count = 0);
	brk_returns(0x121000);
	assert_growth(.brk_count = 1, .brk_bytes = 0x21000);
	brk_returns(0x110000); /* given back: a move, not taken off */
	assert_growth(.brk_count = 2, .brk_bytes = 0x21000);
	brk_returns(0x121000); /* grown again by as much */
	assert_growth(.brk_count = 3, .brk_bytes = 0x32000);
	brk_returns(0x121001); /* the break is in bytes */
	assert_growth(.brk_count = 4, .brk_bytes = 0x32001);
	brk_returns(ERROR(ENOMEM)); /* never so, but not an address either */
	assert_int_equal(growth_of(TGID)->brk_last, 0x121001);
}

/* The seeding pass of the iterator, fork or exec noted the break. */
static void test_brk_from_a_known_break(void **state)
{
	struct mw_growth seed = {.brk_last = 0x100000};
	__u32 tgid = TGID;

	(void)state;
	bpf_map_update_elem(&mw_growth, &tgid, &seed, BPF_ANY);
	brk_returns(0x101000);
	assert_growth(.brk_count = 1, .brk_bytes = 0x1000);
}

/* ---- whose ---- */

static void test_threads_share_an_entry(void **state)
{
	(void)state;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	host.pid_tgid = (__u64)TGID << 32 | 555;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	host.pid_tgid = (__u64)200 << 32 | 101;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	assert_int_equal(growth_of(TGID)->mmap_count, 2);
	assert_int_equal(growth_of(200)->mmap_count, 1);
	assert_int_equal(host_count(&mw_growth), 2);
}

/* In a watch of named processes only those have an entry, and the others are not "lost". */
static void test_targets(void **state)
{
	struct mw_growth seed = {0};
	__u32 tgid = TGID;

	(void)state;
	mw_ctl.nr_targets = 1;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	mw_count_fault(PAGE, 61);
	assert_int_equal(host_count(&mw_growth), 0);
	assert_int_equal(host.lost[MW_LOST_PROCS], 0);
	bpf_map_update_elem(&mw_growth, &tgid, &seed, BPF_ANY);
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	mw_count_fault(PAGE, 61);
	assert_growth(.mmap_count = 1, .mmap_bytes = PAGE, .fault_mmap = 61);
}

static void test_table_full(void **state)
{
	(void)state;
	host.max_entries = 1;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	host.pid_tgid = (__u64)200 << 32 | 200;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	mw_count_fault(PAGE, 61);
	assert_null(growth_of(200));
	assert_int_equal(host.lost[MW_LOST_PROCS], 2);
	host.pid_tgid = (__u64)TGID << 32 | TGID; /* who has an entry is counted as ever */
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	assert_growth(.mmap_count = 2, .mmap_bytes = 2 * PAGE);
	assert_int_equal(host.lost[MW_LOST_PROCS], 2);
}

/* Another CPU made the entry between the look-up and the update. */
static void test_race_for_an_entry(void **state)
{
	(void)state;
	host.is_raced = true;
	mw_count_call(MW_NR_mmap, PAGE, 0, 0x1000, true);
	assert_growth(.mmap_count = 1, .mmap_bytes = PAGE);
	assert_int_equal(host.lost[MW_LOST_PROCS], 0);
}

/* ---- the three ways in ---- */

static struct pt_regs call_regs(long nr, __u64 arg2, __u64 arg3)
{
#if defined(__TARGET_ARCH_x86)
	return (struct pt_regs){
		.orig_ax = (unsigned long)nr, .si = arg2, .dx = arg3, .di = 7 * PAGE};
#else
	return (struct pt_regs){.syscallno = (int)nr, .regs = {7 * PAGE, arg2, arg3}};
#endif
}

static struct pt_regs return_regs(__u64 ret)
{
#if defined(__TARGET_ARCH_x86)
	return (struct pt_regs){.ax = ret, .si = 77, .dx = 77};
#else
	return (struct pt_regs){.regs = {ret, 77, 77}};
#endif
}

static const struct mw_growth after_all_calls = {
	.mmap_bytes = PAGE,
	.mmap_count = 1,
	.munmap_bytes = 2 * PAGE,
	.munmap_count = 1,
	.mremap_bytes = 2 * PAGE,
	.mremap_count = 1,
	.brk_last = 0x5000,
};

static void test_fexit(void **state)
{
	struct pt_regs regs = call_regs(0, PAGE, 3 * PAGE), unmap = call_regs(0, 2 * PAGE, 0);
	unsigned long long ctx[] = {(__u64)&regs, 0x1000};

	(void)state;
	mw_fx_mmap(ctx);
	mw_fx_mremap(ctx);
	ctx[1] = 0x5000;
	mw_fx_brk(ctx);
	ctx[0] = (__u64)&unmap;
	ctx[1] = 0;
	mw_fx_munmap(ctx);
	assert_memory_equal(growth_of(TGID), &after_all_calls, sizeof(after_all_calls));
	ctx[1] = ERROR(EINVAL);
	mw_fx_munmap(ctx);
	assert_memory_equal(growth_of(TGID), &after_all_calls, sizeof(after_all_calls));
}

static void test_kretprobe(void **state)
{
	struct pt_regs regs = call_regs(0, PAGE, 3 * PAGE), unmap = call_regs(0, 2 * PAGE, 0);
	struct pt_regs mapped = return_regs(0x1000), moved = return_regs(0x5000);
	struct pt_regs done = return_regs(0), failed = return_regs(ERROR(ENOMEM));

	(void)state;
	host.user_regs = &regs;
	mw_kr_mmap(&mapped);
	mw_kr_mremap(&mapped);
	mw_kr_brk(&moved);
	host.user_regs = &unmap;
	mw_kr_munmap(&done);
	mw_kr_mmap(&failed);
	assert_memory_equal(growth_of(TGID), &after_all_calls, sizeof(after_all_calls));
}

static void sys_exit(long nr, __u64 arg2, __u64 arg3, __u64 ret)
{
	struct pt_regs regs = call_regs(nr, arg2, arg3);
	unsigned long long ctx[] = {(__u64)&regs, ret};

	assert_int_equal(mw_sys_exit(ctx), 0);
}

static void test_sys_exit(void **state)
{
	(void)state;
	for (long nr = -1; nr < 600; nr++) {
		if (nr != MW_NR_mmap && nr != MW_NR_munmap && nr != MW_NR_mremap && nr != MW_NR_brk)
			sys_exit(nr, PAGE, 3 * PAGE, 0x1000);
	}
	assert_null(growth_of(TGID));
	sys_exit(MW_NR_mmap, PAGE, 0, 0x1000);
	sys_exit(MW_NR_mremap, PAGE, 3 * PAGE, 0x1000);
	sys_exit(MW_NR_brk, 0, 0, 0x5000);
	sys_exit(MW_NR_munmap, 2 * PAGE, 0, 0);
	assert_memory_equal(growth_of(TGID), &after_all_calls, sizeof(after_all_calls));
}

/* To a 32-bit program the same numbers are other calls. */
static void test_sys_exit_of_32_bit_programs(void **state)
{
	(void)state;
	task.thread_info.status = 0x2;
	task.thread_info.flags = 1UL << 22;
	sys_exit(MW_NR_mmap, PAGE, 0, 0x1000);
	assert_null(growth_of(TGID));
}

/* ---- faults ---- */

#define HEAP	    0x10000ULL
#define HEAP_END    0x20000ULL
#define STACK	    0x7ffffff0ULL
#define STACK_PAGES 33ULL

static void lay_out(void)
{
	mm.start_brk = HEAP;
	mm.brk = HEAP_END;
	mm.start_stack = STACK;
	mm.stack_vm = STACK_PAGES;
}

static void test_where_faults_land(void **state)
{
	(void)state;
	lay_out();
	mw_count_fault(HEAP, 1);
	mw_count_fault(HEAP_END - 1, 1);
	assert_growth(.fault_heap = 2);
	mw_count_fault(STACK, 1);
	mw_count_fault(STACK - STACK_PAGES * PAGE, 1);
	assert_growth(.fault_heap = 2, .fault_stack = 2);
	mw_count_fault(HEAP - 1, 1);
	mw_count_fault(HEAP_END, 1);
	mw_count_fault(STACK + 1, 1);
	mw_count_fault(STACK - STACK_PAGES * PAGE - 1, 1);
	mw_count_fault(0, 1);
	mw_count_fault(UINT64_MAX, 1);
	assert_growth(.fault_heap = 2, .fault_stack = 2, .fault_mmap = 6);
}

/* Sizes that do not fit together, as an mm that is being torn down may have them. */
static void test_faults_in_an_odd_mm(void **state)
{
	(void)state;
	mm.start_brk = HEAP_END;
	mm.brk = HEAP;
	mm.start_stack = 5;
	mm.stack_vm = 1UL << 60;
	mw_count_fault(HEAP + 1, 1);
	mw_count_fault(5, 1);
	assert_int_equal(growth_of(TGID)->fault_heap, 0);
	assert_int_equal(growth_of(TGID)->fault_stack + growth_of(TGID)->fault_mmap, 2);
}

/* One sampled fault stands for as many as the period says. */
static void test_weight(void **state)
{
	struct bpf_perf_event_data ctx = {.addr = HEAP, .sample_period = 61};

	(void)state;
	lay_out();
	mw_fault_perf(&ctx);
	assert_growth(.fault_heap = 61);
	mw_fault_perf(&ctx);
	assert_growth(.fault_heap = 122);
}

/* Such an entry would never be taken away again. */
static void test_no_entry_for_who_is_leaving(void **state)
{
	static const unsigned flags[] = {PF_EXITING, PF_KTHREAD, PF_EXITING | PF_KTHREAD | 1};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		task.flags = flags[i];
		mw_count_fault(HEAP, 1);
	}
	task.flags = 0;
	task.mm = NULL;
	mw_count_fault(HEAP, 1);
	assert_int_equal(host_count(&mw_growth), 0);
	assert_int_equal(host.lost[MW_LOST_PROCS], 0);
	task.mm = &mm;
	task.flags = ~(PF_EXITING | PF_KTHREAD);
	mw_count_fault(HEAP, 1);
	assert_growth(.fault_mmap = 1);
}

#define IN_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_mmap_and_munmap),
		IN_KERNEL(test_large_pages),
		IN_KERNEL(test_errors),
		IN_KERNEL(test_mremap),
		IN_KERNEL(test_huge_lengths),
		IN_KERNEL(test_brk),
		IN_KERNEL(test_brk_from_a_known_break),
		IN_KERNEL(test_threads_share_an_entry),
		IN_KERNEL(test_targets),
		IN_KERNEL(test_table_full),
		IN_KERNEL(test_race_for_an_entry),
		IN_KERNEL(test_fexit),
		IN_KERNEL(test_kretprobe),
		IN_KERNEL(test_sys_exit),
		IN_KERNEL(test_sys_exit_of_32_bit_programs),
		IN_KERNEL(test_where_faults_land),
		IN_KERNEL(test_faults_in_an_odd_mm),
		IN_KERNEL(test_weight),
		IN_KERNEL(test_no_entry_for_who_is_leaving),
	};

	return cmocka_run_group_tests_name("bpf/growth", tests, NULL, NULL);
}
