/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/sites.bpf.h as plain functions: which allocations are in the sample and
 * what they then stand for; a stack is sent once; full tables; stacks that are copied.
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
#include "../../bpf/sites.bpf.h"
#pragma GCC diagnostic pop

#include "host/user.h"

#define LEAF  (USER_TEXT + 4)
#define PIECE MW_COPY_PIECE

static struct task_struct task;
static struct pt_regs regs;
static struct mw_site_proc *proc;

static int setup(void **state)
{
	struct mw_site_proc fresh;

	(void)state;
	host_reset();
	*(struct mw_config *)host_writable(&mw_cfg, sizeof(mw_cfg)) =
		(struct mw_config){.has_types = 1};
	user_init();
	user_chain(3);
	fresh = user_proc();
	fresh.copies_left = 3;
	user_watch(&task, &fresh);
	regs = user_leaf_regs(LEAF);
	host.user_regs = &regs;
	host.now_ns = 12345;
	proc = mw_site_proc_of(TGID);
	assert_non_null(proc);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

/* ---- which are sampled ---- */

static void test_threshold(void **state)
{
	(void)state;
	host.is_drawn = true;
	host.draw = UINT32_MAX;
	assert_int_equal(mw_sample(1, 0), 1); /* none: all are taken */
	assert_int_equal(mw_sample(0, 0), 0);
	assert_int_equal(mw_sample(1000, 1000), 1000); /* certain, and weighs what it is */
	assert_int_equal(mw_sample(1001, 1000), 1001);
	assert_int_equal(mw_sample(1ULL << 47, UINT32_MAX), 1ULL << 47);
	assert_int_equal(mw_sample(1ULL << 32, 1), 1ULL << 32);
	host.draw = 998;
	assert_int_equal(mw_sample(999, 1000), 1000);
	assert_int_equal(mw_sample(998, 1000), 0);
	host.draw = 999;
	assert_int_equal(mw_sample(999, 1000), 0);
	assert_int_equal(mw_sample(1000, 1000), 1000);
	host.draw = 5000; /* that is 0, too */
	assert_int_equal(mw_sample(1, 1000), 1000);
	assert_int_equal(mw_sample(0, 1000), 0);
}

/* Whether @sum lies within five standard deviations of @expected. */
static bool is_likely(double sum, double expected, double variance)
{
	return (sum - expected) * (sum - expected) <= 25 * variance;
}

static void assert_unbiased(__u64 bytes, __u32 threshold, unsigned draws)
{
	double spread = bytes < threshold ? (double)bytes * (threshold - (double)bytes) : 0;
	double sum = 0, expected = (double)bytes * draws;

	for (unsigned i = 0; i < draws; i++)
		sum += (double)mw_sample(bytes, threshold);
	if (!is_likely(sum, expected, spread * draws))
		fail_msg("%llu bytes by %u: %.0f, not %.0f", bytes, threshold, sum, expected);
}

static void test_unbiased(void **state)
{
	static const __u32 thresholds[] = {65536, 100000, 1 << 20, 12345};
	static const __u64 sizes[] = {16, 64, 4096, 12344, 12346, 65535, 65537, 99999, 1 << 20};

	(void)state;
	for (unsigned t = 0; t < 4; t++) {
		for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			assert_unbiased(sizes[s], thresholds[t], 200000);
	}
}

/* Sizes of all kinds at once, as programs have them. */
static void test_unbiased_over_mixed_sizes(void **state)
{
	double sum = 0, sampled = 0, variance = 0;
	const __u32 threshold = 1 << 18;

	(void)state;
	for (unsigned i = 0; i < 500000; i++) {
		__u64 bytes = 16ULL << host_random() % 17;

		sum += (double)bytes;
		sampled += (double)mw_sample(bytes, threshold);
		if (bytes < threshold)
			variance += (double)bytes * (threshold - (double)bytes);
	}
	assert_true(is_likely(sampled, sum, variance));
}

/* ---- sites ---- */

static void sample(__u32 kind, __u64 bytes)
{
	mw_site_sample(proc, TGID, kind, bytes, MW_SCRATCH_CALL);
}

static void assert_site(__u32 kind, __u64 hash, __u64 bytes, __u64 samples)
{
	const struct mw_site expected = {.bytes = bytes, .samples = samples};
	struct mw_site *site = user_site(kind, hash);

	assert_non_null(site);
	assert_memory_equal(site, &expected, sizeof(expected));
}

static void test_new_stack_is_sent_once(void **state)
{
	const struct mw_stack *stack;

	(void)state;
	sample(MW_SITE_MMAP, 4096);
	sample(MW_SITE_MMAP, 8192);
	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(host.submitted[0].flags, BPF_RB_NO_WAKEUP);
	stack = user_sent(0);
	assert_int_equal(stack->h.pid, TGID);
	assert_int_equal(stack->h.tid, TID);
	assert_int_equal(stack->h.kind, MW_SITE_MMAP);
	assert_int_equal(stack->h.ts_ns, 12345);
	assert_int_equal(stack->flags, 0);
	assert_int_equal(stack->count, 3);
	assert_int_equal(stack->frames[0].ip, LEAF);
	assert_int_equal(stack->frames[1].ip, user_text(1));
	assert_int_equal(stack->frames[2].ip, user_text(2));
	assert_site(MW_SITE_MMAP, stack->hash, 12288, 2);
	assert_int_equal(host_count(&mw_sites), 1);
}

static void test_kinds_and_stacks_are_apart(void **state)
{
	(void)state;
	sample(MW_SITE_MMAP, 1);
	sample(MW_SITE_BRK, 2);
	user_fp(0)[1] = user_text(8);
	sample(MW_SITE_MMAP, 4);
	mw_site_sample(proc, TGID + 1, MW_SITE_MMAP, 8, MW_SCRATCH_CALL);
	assert_int_equal(host_count(&mw_sites), 4);
	assert_int_equal(host.submitted_count, 4);
	assert_int_equal(user_sent(0)->hash, user_sent(1)->hash);
	assert_int_not_equal(user_sent(0)->hash, user_sent(2)->hash);
	assert_int_equal(user_sent(3)->h.pid, TGID + 1);
	assert_site(MW_SITE_MMAP, user_sent(0)->hash, 1, 1);
	assert_site(MW_SITE_BRK, user_sent(0)->hash, 2, 1);
	assert_site(MW_SITE_MMAP, user_sent(2)->hash, 4, 1);
}

/* A stack that could not be sent has no entry: else nobody would ever name it. */
static void test_ring_full(void **state)
{
	(void)state;
	host.ring_is_full = true;
	sample(MW_SITE_MMAP, 4096);
	sample(MW_SITE_MMAP, 4096);
	assert_int_equal(host_count(&mw_sites), 0);
	assert_int_equal(host.lost[MW_LOST_STACKS], 2);
	assert_int_equal(host.lost[MW_LOST_SITES], 0);
	host.ring_is_full = false;
	sample(MW_SITE_MMAP, 4096);
	assert_site(MW_SITE_MMAP, user_sent(0)->hash, 4096, 1);
	host.ring_is_full = true; /* which a known stack does not need */
	sample(MW_SITE_MMAP, 4096);
	assert_site(MW_SITE_MMAP, user_sent(0)->hash, 8192, 2);
	assert_int_equal(host.lost[MW_LOST_STACKS], 2);
}

static void test_sites_full(void **state)
{
	__u64 known;

	(void)state;
	host.max_entries = 1;
	sample(MW_SITE_MMAP, 1);
	known = user_sent(0)->hash;
	user_fp(0)[1] = user_text(8);
	sample(MW_SITE_MMAP, 2);
	assert_int_equal(host.lost[MW_LOST_SITES], 1);
	assert_int_equal(host.lost[MW_LOST_STACKS], 0);
	assert_int_equal(host.submitted_count, 1); /* no stack without an entry */
	assert_int_equal(host_count(&mw_sites), 1);
	user_chain(3);
	sample(MW_SITE_MMAP, 4); /* who has an entry is counted as ever */
	assert_site(MW_SITE_MMAP, known, 5, 2);
	assert_int_equal(host.lost[MW_LOST_SITES], 1);
}

/* Another CPU had the same stack at the same time: one entry, sent by the other; no sample is lost.
 */
static void test_race_for_an_entry(void **state)
{
	(void)state;
	sample(MW_SITE_BRK, 4096); /* to know the stack's hash */
	host.is_raced = true;
	sample(MW_SITE_MMAP, 4096);
	assert_int_equal(host.submitted_count, 1);
	assert_site(MW_SITE_MMAP, user_sent(0)->hash, 4096, 1);
	assert_int_equal(host.lost[MW_LOST_SITES], 0);
}

/* ---- whose ---- */

static void test_whose(void **state)
{
	struct pid_namespace ns = {.ns = {.inum = 4}};
	struct pid pid = {.level = 1, .numbers = {{.nr = TGID}, {.nr = 7, .ns = &ns}}};
	struct task_struct leader = {.tgid = 555, .thread_pid = &pid};

	(void)state;
	task.group_leader = &leader;
	assert_int_equal(mw_current_pid(), 555);
	mw_pidns = (struct mw_pidns){.inum = 4, .level = 1};
	assert_int_equal(mw_current_pid(), 7);
	mw_pidns = (struct mw_pidns){0};
	assert_non_null(mw_site_proc_of(TGID));
	assert_null(mw_site_proc_of(7));
	mw_ctl.nr_site_procs = 0;
	assert_null(mw_site_proc_of(TGID));
}

/* ---- stacks to be unwound in user space ---- */

static char *stack_end; /* behind it nothing is mapped */
static char *stack_pages;
#define STACK_PAGES_BYTES (8 * 4096)

static int setup_copies(void **state)
{
	int err = setup(state);

	stack_pages = mmap(NULL, STACK_PAGES_BYTES + 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_end = stack_pages + STACK_PAGES_BYTES;
	for (unsigned i = 0; i < STACK_PAGES_BYTES; i++)
		stack_pages[i] = (char)(i * 2654435761U >> 13);
	proc->walk = MW_WALK_COPY;
	return err ?: mprotect(stack_end, 4096, PROT_NONE);
}

static int teardown_copies(void **state)
{
	munmap(stack_pages, STACK_PAGES_BYTES + 4096);
	return teardown(state);
}

static const struct mw_stack_copy *copy_from(const char *sp)
{
	unsigned i = host.submitted_count;
	const struct mw_stack_copy *copy;

	regs = user_regs(LEAF, sp, (void *)0x1234);
	sample(MW_SITE_BRK, 777);
	assert_int_equal(host.submitted_count, i + 1);
	assert_ptr_equal(host.submitted[i].ring, &mw_stacks);
	assert_int_equal(host.submitted[i].size, sizeof(*copy));
	assert_int_equal(host.submitted[i].flags, BPF_RB_NO_WAKEUP);
	copy = host.submitted[i].data;
	assert_int_equal(copy->h.record, MW_STACK_COPY);
	assert_int_equal(copy->h.pid, TGID);
	assert_int_equal(copy->h.tid, TID);
	assert_int_equal(copy->h.kind, MW_SITE_BRK);
	assert_int_equal(copy->h.ts_ns, 12345);
	assert_int_equal(copy->bytes, 777);
	assert_int_equal(copy->pad, 0);
	return copy;
}

static void assert_copied(const char *sp, __u32 size)
{
	const struct mw_stack_copy *copy = copy_from(sp);

	assert_int_equal(copy->size, size);
	assert_memory_equal(copy->stack, sp, size);
}

static void test_copy_is_bounded(void **state)
{
	(void)state;
	assert_copied(stack_pages, MW_STACK_COPY_BYTES);
	assert_copied(stack_end - MW_STACK_COPY_BYTES, MW_STACK_COPY_BYTES);
	assert_int_equal(host_count(&mw_sites), 0);
	assert_int_equal(proc->copies_left, 1);
}

/* By pieces, up to the first that cannot be read as a whole. */
static void test_copy_ends_where_the_stack_does(void **state)
{
	(void)state;
	proc->copies_left = 100;
	assert_copied(stack_end - 3 * PIECE, 3 * PIECE);
	assert_copied(stack_end - 4 * PIECE + 8, 3 * PIECE);
	assert_copied(stack_end - PIECE, PIECE);
	assert_copied(stack_end - PIECE + 8, 0);
	assert_copied(stack_end - MW_STACK_COPY_BYTES + 8, MW_STACK_COPY_BYTES - PIECE);
	assert_int_equal(copy_from(stack_end)->size, 0);
	assert_int_equal(copy_from(NULL)->size, 0);
	assert_int_equal(copy_from((char *)UINTPTR_MAX - 7)->size, 0);
}

/* As DWARF numbers them. */
static void test_copied_registers(void **state)
{
	__u64 expected[MW_REGS] = {0};
	const struct mw_stack_copy *copy;

	(void)state;
	regs = user_regs(LEAF, stack_pages, (void *)0x1234);
#if defined(__TARGET_ARCH_x86)
	regs.bx = expected[3] = 0x103;
	regs.r12 = expected[12] = 0x112;
	regs.r13 = expected[13] = 0x113;
	regs.r14 = expected[14] = 0x114;
	regs.r15 = expected[15] = 0x115;
	expected[6] = 0x1234;
	expected[7] = (__u64)stack_pages;
	expected[16] = LEAF;
#else
	for (unsigned i = 0; i < 31; i++)
		regs.user_regs.regs[i] = expected[i] = 0x100 + i;
	expected[31] = (__u64)stack_pages;
	expected[32] = LEAF;
#endif
	sample(MW_SITE_BRK, 777);
	assert_int_equal(host.submitted_count, 1);
	copy = host.submitted[0].data;
	assert_memory_equal(copy->regs, expected, sizeof(expected));
}

static void test_copies_are_rationed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		regs = user_regs(LEAF, stack_pages, NULL);
		sample(MW_SITE_BRK, 1);
	}
	assert_int_equal(host.submitted_count, 3);
	assert_int_equal(host.lost[MW_LOST_STACKS], 2);
	assert_int_equal(proc->copies_left, 0);
}

static void test_copy_with_a_full_ring(void **state)
{
	(void)state;
	host.ring_is_full = true;
	sample(MW_SITE_BRK, 1);
	assert_int_equal(host.submitted_count, 0);
	assert_int_equal(host.lost[MW_LOST_STACKS], 1);
}

#define IN_KERNEL(test)	  cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITH_COPIES(test) cmocka_unit_test_setup_teardown(test, setup_copies, teardown_copies)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_threshold),
		IN_KERNEL(test_unbiased),
		IN_KERNEL(test_unbiased_over_mixed_sizes),
		IN_KERNEL(test_new_stack_is_sent_once),
		IN_KERNEL(test_kinds_and_stacks_are_apart),
		IN_KERNEL(test_ring_full),
		IN_KERNEL(test_sites_full),
		IN_KERNEL(test_race_for_an_entry),
		IN_KERNEL(test_whose),
		WITH_COPIES(test_copy_is_bounded),
		WITH_COPIES(test_copy_ends_where_the_stack_does),
		WITH_COPIES(test_copied_registers),
		WITH_COPIES(test_copies_are_rationed),
		WITH_COPIES(test_copy_with_a_full_ring),
	};

	return cmocka_run_group_tests_name("bpf/sites", tests, NULL, NULL);
}
