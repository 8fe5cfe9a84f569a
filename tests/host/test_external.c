/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/external.bpf.c as plain functions: ArrayBuffers' memory by the stack that
 * allocated it, less what was freed.
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
#include "../../bpf/external.bpf.c"
#pragma GCC diagnostic pop

#include "host/user.h"

#define CALLER	  (USER_TEXT + 4)
#define ALLOCATOR 0x5000 /* this */

static struct task_struct task;

static int setup(void **state)
{
	struct mw_site_proc proc;

	(void)state;
	host_reset();
	user_init();
	user_chain(3);
	user_js_frame(1, 0, USER_JIT);
	proc = user_proc();
	proc.external_sample_bytes = 1000;
	user_watch(&task, &proc);
	host.is_drawn = true;
	host.draw = 500; /* 501 bytes are in the sample, 500 are not */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

static void be_thread(__u32 tid)
{
	host.pid_tgid = (__u64)TGID << 32 | tid;
}

static void enter_alloc(__u64 size)
{
	struct pt_regs regs = user_call_regs(ALLOCATOR, size, 77, 77);

	assert_int_equal(mw_ext_alloc_in(&regs), 0);
}

static void leave(__u64 addr)
{
	struct pt_regs regs = user_return_regs(CALLER, addr);

	assert_int_equal(mw_ext_out(&regs), 0);
}

static void alloc(__u64 size, __u64 addr)
{
	enter_alloc(size);
	leave(addr);
}

static void enter_resize(__u64 old, __u64 old_size, __u64 size)
{
	struct pt_regs regs = user_call_regs(ALLOCATOR, old, old_size, size);

	assert_int_equal(mw_ext_real_in(&regs), 0);
}

static void resize(__u64 old, __u64 old_size, __u64 size, __u64 addr)
{
	enter_resize(old, old_size, size);
	leave(addr);
}

static void release(__u64 addr)
{
	struct pt_regs regs = user_call_regs(ALLOCATOR, addr, 77, 77);

	assert_int_equal(mw_ext_free(&regs), 0);
}

#define assert_site(i, ...)                                                                        \
	do {                                                                                       \
		const struct mw_site expected = {__VA_ARGS__};                                     \
		struct mw_site *site = user_site(MW_SITE_EXTERNAL, user_sent(i)->hash);            \
		assert_non_null(site);                                                             \
		assert_memory_equal(site, &expected, sizeof(expected));                            \
	} while (0)

static void test_allocated_and_freed(void **state)
{
	(void)state;
	alloc(4096, 0x10000);
	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(user_sent(0)->h.kind, MW_SITE_EXTERNAL);
	assert_int_equal(user_sent(0)->count, 3);
	assert_int_equal(user_sent(0)->frames[0].ip, CALLER);
	assert_int_equal(user_sent(0)->frames[1].kind, MW_FRAME_JS);
	assert_site(0, .bytes = 4096, .samples = 1);
	alloc(2000, 0x20000);
	assert_site(0, .bytes = 6096, .samples = 2);
	release(0x10000);
	assert_site(0, .bytes = 6096, .samples = 2, .freed_bytes = 4096, .freed_samples = 1);
	release(0x10000); /* not its memory any more */
	assert_site(0, .bytes = 6096, .samples = 2, .freed_bytes = 4096, .freed_samples = 1);
	release(0x20000);
	assert_site(0, .bytes = 6096, .samples = 2, .freed_bytes = 6096, .freed_samples = 2);
	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(host_count(&mw_external), 0);
	assert_int_equal(host_count(&mw_ext_calls), 0);
}

/* A sample stands for the threshold, also when it is freed. */
static void test_weight(void **state)
{
	(void)state;
	alloc(501, 0x10000);
	assert_site(0, .bytes = 1000, .samples = 1);
	release(0x10000);
	assert_site(0, .bytes = 1000, .samples = 1, .freed_bytes = 1000, .freed_samples = 1);
}

static void test_what_is_not_sampled_is_not_tracked(void **state)
{
	(void)state;
	alloc(500, 0x10000);
	alloc(0, 0x20000);
	assert_int_equal(host_count(&mw_external), 0);
	assert_int_equal(host_count(&mw_sites), 0);
	release(0x10000);
	release(0x20000);
	release(0);
	assert_int_equal(host_count(&mw_sites), 0);
	assert_int_equal(host.submitted_count, 0);
}

static void test_failed(void **state)
{
	(void)state;
	alloc(4096, 0);
	assert_int_equal(host_count(&mw_external), 0);
	assert_int_equal(host_count(&mw_sites), 0);
	assert_int_equal(host_count(&mw_ext_calls), 0);
}

/* A return whose call was not seen: the probe came in between. */
static void test_return_without_a_call(void **state)
{
	(void)state;
	leave(0x10000);
	assert_int_equal(host_count(&mw_sites), 0);
	alloc(4096, 0x10000);
	leave(0x20000); /* nor is the last call taken again */
	assert_site(0, .bytes = 4096, .samples = 1);
}

static void test_freed_by_another_thread(void **state)
{
	(void)state;
	alloc(4096, 0x10000);
	be_thread(900);
	release(0x10000);
	assert_site(0, .bytes = 4096, .samples = 1, .freed_bytes = 4096, .freed_samples = 1);
}

static void test_threads_allocate_at_once(void **state)
{
	(void)state;
	enter_alloc(4096);
	be_thread(900);
	enter_alloc(2000);
	be_thread(TID);
	leave(0x10000);
	assert_site(0, .bytes = 4096, .samples = 1);
	be_thread(900);
	leave(0x20000);
	assert_site(0, .bytes = 6096, .samples = 2);
}

/* The same address in another process is other memory. */
static void test_processes(void **state)
{
	(void)state;
	alloc(4096, 0x10000);
	task.tgid = 200;
	host.pid_tgid = 200ULL << 32 | 200;
	release(0x10000);
	assert_site(0, .bytes = 4096, .samples = 1);
	alloc(4096, 0x10000); /* which nobody watches */
	assert_int_equal(host_count(&mw_external), 1);
	assert_site(0, .bytes = 4096, .samples = 1);
}

static void test_resized(void **state)
{
	(void)state;
	alloc(4096, 0x10000);
	resize(0x10000, 4096, 8192, 0x20000); /* moved */
	assert_site(0, .bytes = 12288, .samples = 2, .freed_bytes = 4096, .freed_samples = 1);
	resize(0x20000, 8192, 10000, 0x20000); /* in place */
	assert_site(0, .bytes = 22288, .samples = 3, .freed_bytes = 12288, .freed_samples = 2);
	resize(0x20000, 10000, 100, 0x20000); /* so small that it is not in the sample */
	assert_site(0, .bytes = 22288, .samples = 3, .freed_bytes = 22288, .freed_samples = 3);
	assert_int_equal(host_count(&mw_external), 0);
	resize(0, 0, 4096, 0x30000); /* of nothing */
	assert_site(0, .bytes = 26384, .samples = 4, .freed_bytes = 22288, .freed_samples = 3);
}

/* While one thread moves a block, another gets the place where it was. */
static void test_place_reused_while_resized(void **state)
{
	(void)state;
	alloc(4096, 0x10000);
	enter_resize(0x10000, 4096, 8192);
	be_thread(TID + 1);
	alloc(5000, 0x10000);
	be_thread(TID);
	leave(0x20000);
	assert_site(0, .bytes = 17288, .samples = 3, .freed_bytes = 4096, .freed_samples = 1);
	release(0x10000);
	assert_site(0, .bytes = 17288, .samples = 3, .freed_bytes = 9096, .freed_samples = 2);
}

/* A block that could not be resized is still there. */
static void test_failed_to_resize(void **state)
{
	(void)state;
	alloc(4096, 0x10000);
	resize(0x10000, 4096, 1ULL << 46, 0);
	assert_site(0, .bytes = 4096, .samples = 1);
	release(0x10000);
	assert_site(0, .bytes = 4096, .samples = 1, .freed_bytes = 4096, .freed_samples = 1);
}

static void test_no_room_to_remember(void **state)
{
	(void)state;
	host.max_entries = 1;
	alloc(4096, 0x10000);
	alloc(4096, 0x20000); /* it could not be taken off again: is not counted at all */
	assert_site(0, .bytes = 4096, .samples = 1);
	assert_int_equal(host.lost[MW_LOST_SAMPLES], 1);
	release(0x20000);
	assert_site(0, .bytes = 4096, .samples = 1);
}

static void test_ring_full(void **state)
{
	(void)state;
	host.ring_is_full = true;
	alloc(4096, 0x10000);
	assert_int_equal(host.lost[MW_LOST_STACKS], 1);
	assert_int_equal(host_count(&mw_external), 0);
	release(0x10000);
	assert_int_equal(host_count(&mw_sites), 0);
}

#define IN_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_allocated_and_freed),
		IN_KERNEL(test_weight),
		IN_KERNEL(test_what_is_not_sampled_is_not_tracked),
		IN_KERNEL(test_failed),
		IN_KERNEL(test_return_without_a_call),
		IN_KERNEL(test_freed_by_another_thread),
		IN_KERNEL(test_threads_allocate_at_once),
		IN_KERNEL(test_processes),
		IN_KERNEL(test_resized),
		IN_KERNEL(test_place_reused_while_resized),
		IN_KERNEL(test_failed_to_resize),
		IN_KERNEL(test_no_room_to_remember),
		IN_KERNEL(test_ring_full),
	};

	return cmocka_run_group_tests_name("bpf/external", tests, NULL, NULL);
}
