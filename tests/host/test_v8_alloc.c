/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf/v8.bpf.c as plain functions, first part: allocations in V8's heap, what
 * each stands for, and whose they are.
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
#include "../../bpf/v8.bpf.c"
#pragma GCC diagnostic pop

#include "host/user.h"
#include "host/v8_heap.h"

#define LARGE (MW_REGULAR_MAX + 8)

static const struct mw_v8_sample *followed(__u32 tid, unsigned i)
{
	for (__u32 n = 0; n < MW_V8_ISOLATES; n++) {
		const struct mw_v8_isolate *it = bpf_map_lookup_elem(&mw_v8_isolates, &n);
		__u32 key = n * MW_V8_SAMPLES + i;

		if (it == heap_isolate(tid))
			return bpf_map_lookup_elem(&mw_v8_samples, &key);
	}
	return NULL;
}

static void assert_nothing(void)
{
	assert_int_equal(host_count(&mw_sites), 0);
	assert_int_equal(host.submitted_count, 0);
}

/* ---- the object, by each kind of hook ---- */

static void test_returned(void **state)
{
	__u64 object;

	(void)state;
	heap_alloc_returns(64, (__u64)heap_page(0) + 0x1000); /* not tagged: it failed */
	heap_alloc_returns(64, 0);
	heap_alloc_returns(64, smi(1));
	heap_alloc_returns(64, 3);
	assert_nothing();
	object = heap_alloc(0, 0x1000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x1001, 1);
	assert_int_equal(user_sent(0)->h.kind, MW_SITE_V8_ALLOC);
	assert_int_equal(user_sent(0)->frames[1].kind, MW_FRAME_JS);
	assert_int_equal(heap_isolate(TID)->pid, TGID);
	assert_int_equal(heap_isolate(TID)->allocs, 1);
	assert_int_equal(heap_isolate(TID)->live_samples, 1);
	assert_int_equal(followed(TID, 0)->addr, object);
	assert_int_equal(followed(TID, 0)->size, 64);
	assert_int_equal(followed(TID, 0)->bytes, 0x1001);
	assert_int_equal(followed(TID, 0)->hash, user_sent(0)->hash);
}

static void test_top(void **state)
{
	(void)state;
	heap_proc()->heap.alloc = MW_V8_ALLOC_TOP;
	heap_space.top = (__u64)heap_page(1) + 0x2000;
	heap_alloc_returns(64, 0xffffff00); /* a bool is a byte */
	heap_space.top++;
	heap_alloc_returns(64, 1);
	heap_space.top = 0;
	heap_alloc_returns(64, 1);
	assert_nothing();
	heap_space.top = (__u64)heap_page(1) + 0x2000;
	heap_alloc_returns(64, 0xffffff01);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x2001, 1);
	assert_int_equal(followed(TID, 0)->addr, (__u64)heap_page(1) + 0x2001);
}

static void test_top_behind_a_pointer(void **state)
{
	(void)state;
	heap_proc()->heap.alloc = MW_V8_ALLOC_TOP_AT;
	heap_space.top = 0x10000; /* not readable */
	heap_alloc_returns(64, 1);
	assert_nothing();
	heap_space.top = (__u64)&heap_space.area_before;
	heap_alloc_returns(64, 1);
	assert_nothing();
	heap_space.area[0] = (__u64)heap_page(1) + 0x2000;
	heap_alloc_returns(64, 0);
	assert_nothing();
	heap_alloc_returns(64, 1);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x2001, 1);
	assert_int_equal(followed(TID, 0)->addr, (__u64)heap_page(1) + 0x2001);
}

static void test_unreadable_space(void **state)
{
	struct pt_regs in = user_call_regs(0x10000, 64, 0, 0);
	struct pt_regs out = user_return_regs(HEAP_CALLER, 1);

	(void)state;
	heap_proc()->heap.alloc = MW_V8_ALLOC_TOP;
	mw_v8_alloc_in(&in);
	mw_v8_alloc_out(&out);
	heap_proc()->heap.alloc = MW_V8_ALLOC_NONE;
	heap_alloc_returns(64, 0);
	assert_nothing();
}

/* ---- what it stands for ---- */

static void test_weight_is_what_came_between(void **state)
{
	__u64 sum = 0x1001;

	(void)state;
	heap_alloc(0, 0x1000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, sum, 1);
	heap_alloc(0, 0x5000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, sum += 0x4000, 2);
	heap_alloc(2, 0x800, 64); /* the rest of that page, and what is before on this one */
	heap_assert_site(MW_SITE_V8_ALLOC, sum += HEAP_PAGE - 0x5000 + 0x800, 3);
	heap_alloc(2, 0x3f000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, sum + 0x3e800, 4);
	assert_int_equal(host.submitted_count, 1);
	assert_int_equal(followed(TID, 3)->bytes, 0x3e800);
}

/* Of the windows in which samples are taken, each stands for several. */
static void test_weight_of_windows(void **state)
{
	(void)state;
	heap_proc()->alloc_weight = 50;
	heap_alloc(0, 0x1000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, 50 * 0x1001, 1);
	heap_proc()->alloc_weight = 0; /* not said */
	heap_alloc(0, 0x2000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, 50 * 0x1001 + 0x1000, 2);
	assert_int_equal(followed(TID, 0)->bytes, 50 * 0x1001);
	assert_int_equal(followed(TID, 1)->bytes, 0x1000);
}

/* An object with pages of its own is not between two others. */
static void test_weight_of_large_objects(void **state)
{
	(void)state;
	heap_alloc(0, 0x1000, 64);
	heap_alloc(1, 0x100, LARGE);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x1001 + LARGE, 2);
	heap_alloc(0, 0x3000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x1001 + LARGE + 0x2000, 3);
	heap_alloc(HEAP_OLD, 0x100, LARGE);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x3001 + 2 * LARGE, 4);
	heap_assert_site(MW_SITE_V8_SURVIVED, LARGE, 1);
	heap_alloc(0, 0x4000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x4001 + 2 * LARGE, 5);
}

static void test_more_than_32_bits(void **state)
{
	const __u64 size = 100 << 20;

	(void)state;
	heap_proc()->alloc_weight = 50;
	heap_alloc(0, 0x100, size);
	heap_assert_site(MW_SITE_V8_ALLOC, 50 * size, 1);
	assert_true(followed(TID, 0)->bytes == 50 * size);
}

/* Two hooks may tell of the same allocation. */
static void test_same_object_twice(void **state)
{
	(void)state;
	heap_alloc(0, 0x1000, 64);
	heap_alloc(0, 0x1000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x1001, 1);
}

/* ---- old space ---- */

static void test_old_at_once(void **state)
{
	(void)state;
	heap_alloc(0, 0x1000, 64);
	heap_proc()->alloc_weight = 2;
	heap_alloc(HEAP_OLD, 0x7000, 64); /* how large the piece is, is not known */
	heap_assert_site(MW_SITE_V8_ALLOC, 0x1001 + 2 * MW_OLD_PIECE, 2);
	heap_assert_site(MW_SITE_V8_SURVIVED, 2 * MW_OLD_PIECE, 1);
	assert_int_equal(heap_isolate(TID)->direct_old, 1);
	assert_int_equal(heap_isolate(TID)->allocs, 2);
	assert_int_equal(heap_isolate(TID)->live_samples, 1);
	assert_int_equal(followed(TID, 1)->addr, 0);
	heap_proc()->alloc_weight = 1;
	heap_alloc(0, 0x3000, 64); /* new space is filled on as if nothing had been */
	heap_assert_site(MW_SITE_V8_ALLOC, 0x3001 + 2 * MW_OLD_PIECE, 3);
}

static void old_piece(__u32 origin, __u64 returned, __u64 size)
{
	struct pt_regs in = user_call_regs((__u64)&heap_space, size, origin, 0);
	struct pt_regs out = user_return_regs(HEAP_CALLER, returned);

	assert_int_equal(mw_v8_old_in(&in), 0);
	assert_int_equal(mw_v8_old_out(&out), 0);
}

static void test_pieces_of_old_space(void **state)
{
	(void)state;
	heap_proc()->heap.alloc = MW_V8_ALLOC_TOP;
	heap_proc()->heap.old_alloc = MW_V8_ALLOC_TOP;
	heap_proc()->heap.old_top_offset = HEAP_TOP_OFFSET;
	heap_space.top = (__u64)heap_page(HEAP_OLD) + 0x4000;
	heap_space.limit = heap_space.top + 0x6000;
	old_piece(MW_ORIGIN_GC, 1, 64); /* the collector's, which moves there what survives */
	old_piece(0, 0xff00, 64);
	assert_nothing();
	old_piece(0, 1, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x6000, 1);
	heap_assert_site(MW_SITE_V8_SURVIVED, 0x6000, 1);
	heap_space.limit = heap_space.top + HEAP_PAGE; /* not a piece: what was asked for */
	old_piece(1, 1, 0x5000);
	heap_assert_site(MW_SITE_V8_SURVIVED, 0xb000, 2);
	/* A small one: by chance, and then for others */
	heap_space.limit = heap_space.top;
	host.is_drawn = true;
	host.draw = 64;
	old_piece(1, 1, 64);
	heap_assert_site(MW_SITE_V8_SURVIVED, 0xb000, 2);
	host.draw = 63;
	old_piece(1, 1, 64);
	heap_assert_site(MW_SITE_V8_SURVIVED, 0xb000 + MW_OLD_SAMPLE, 3);
	assert_int_equal(heap_isolate(TID)->allocs, 4);
	assert_int_equal(heap_isolate(TID)->direct_old, 4);
	assert_int_equal(heap_isolate(TID)->live_samples, 0);
}

/* From V8 12 on one function is both generations'; what it returns tells which. */
static void test_pieces_of_either_space(void **state)
{
	(void)state;
	heap_alloc(HEAP_OLD, 0x4000, 64); /* where its piece is is not known */
	heap_assert_site(MW_SITE_V8_SURVIVED, MW_OLD_PIECE, 1);
	heap_proc()->heap.old_alloc = MW_V8_ALLOC_TOP_AT;
	heap_proc()->heap.old_top_offset = HEAP_TOP_OFFSET;
	heap_space.top = (__u64)&heap_space.area_before;
	heap_space.area[0] = (__u64)heap_page(HEAP_OLD) + 0x5040;
	heap_space.area[1] = heap_space.area[0] + 0x5000;
	heap_alloc(HEAP_OLD, 0x5000, 64);
	heap_assert_site(MW_SITE_V8_SURVIVED, MW_OLD_PIECE + 0x5040, 2);
	heap_space.area[1] = heap_space.area[0]; /* all of it is used up */
	heap_alloc(HEAP_OLD, 0x5400, 0x4008);
	heap_assert_site(MW_SITE_V8_SURVIVED, MW_OLD_PIECE + 0x9048, 3);
	heap_alloc(0, 0x1000, 64); /* young: by what came before */
	heap_assert_site(MW_SITE_V8_ALLOC, MW_OLD_PIECE + 0x9048 + 0x1001, 4);
	heap_assert_site(MW_SITE_V8_SURVIVED, MW_OLD_PIECE + 0x9048, 3);
}

/* Objects with pages of their own stand for themselves. */
static void test_large_objects(void **state)
{
	struct pt_regs two = user_call_regs((__u64)&heap_space, LARGE, 77, 0);
	struct pt_regs three = user_call_regs((__u64)&heap_space, 77, LARGE, 0);
	struct pt_regs out = user_return_regs(HEAP_CALLER, heap_object(0, 0x1000));
	struct pt_regs failed = user_return_regs(HEAP_CALLER, smi(1));

	(void)state;
	mw_v8_large_in(&two); /* not known which argument it is: the second */
	mw_v8_large_out(&out);
	heap_assert_site(MW_SITE_V8_ALLOC, LARGE, 1);
	heap_proc()->heap.large_arg = 3;
	mw_v8_large_in(&three);
	out = user_return_regs(HEAP_CALLER, heap_object(1, 0x1000));
	mw_v8_large_out(&out);
	heap_assert_site(MW_SITE_V8_ALLOC, 2 * LARGE, 2);
	mw_v8_large_in(&three);
	mw_v8_large_out(&failed);
	mw_v8_large_in(&two); /* 77 bytes */
	mw_v8_large_out(&out);
	heap_assert_site(MW_SITE_V8_ALLOC, 2 * LARGE, 2);
	heap_alloc(2, 0x1000, 64); /* they are not what small ones are counted from */
	heap_assert_site(MW_SITE_V8_ALLOC, 2 * LARGE + 0x1001, 3);
}

/* ---- whose ---- */

/* Threads of the collector, and V8 for itself: no function of JavaScript is on the stack. */
static void test_no_javascript(void **state)
{
	(void)state;
	user_fp(1)[-2] = 0;
	heap_alloc(0, 0x1000, 64);
	assert_nothing();
	assert_null(heap_isolate(TID));
}

static void test_not_watched(void **state)
{
	(void)state;
	heap_task.tgid = 200;
	host.pid_tgid = 200ULL << 32 | TID;
	heap_alloc(0, 0x1000, 64);
	assert_nothing();
	mw_ctl.nr_site_procs = 0;
	heap_task.tgid = TGID;
	heap_be_thread(TID);
	heap_alloc(0, 0x2000, 64);
	assert_nothing();
}

static void test_return_without_a_call(void **state)
{
	struct pt_regs out;

	(void)state;
	out = user_return_regs(HEAP_CALLER, heap_object(0, 0x1000));
	mw_v8_alloc_out(&out);
	mw_v8_old_out(&out);
	assert_nothing();
}

/* Old space gets a piece from the collector, inside a call for new space: not its arguments. */
static void test_calls_do_not_mix(void **state)
{
	struct pt_regs in = user_call_regs((__u64)&heap_space, 64, 0, 0);
	struct pt_regs out = user_return_regs(HEAP_CALLER, 1);

	(void)state;
	heap_proc()->heap.old_alloc = MW_V8_ALLOC_TOP;
	heap_proc()->heap.old_top_offset = HEAP_TOP_OFFSET;
	heap_space.top = (__u64)heap_page(HEAP_OLD) + 0x4000;
	heap_space.limit = heap_space.top + 0x6000;
	mw_v8_alloc_in(&in);
	old_piece(MW_ORIGIN_GC, 1, 64);
	mw_v8_old_out(&out);
	assert_nothing();
	out = user_return_regs(HEAP_CALLER, heap_object(0, 0x1000));
	mw_v8_alloc_out(&out);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x1001, 1);
}

/* Another thread's program was interrupted on this CPU, in the middle of its walk. */
static void test_scratch_is_taken(void **state)
{
	struct mw_scratch *s = mw_scratch_take(MW_SCRATCH_UPROBE);

	(void)state;
	assert_non_null(s);
	heap_alloc(0, 0x1000, 64);
	assert_nothing();
	assert_int_equal(host.lost[MW_LOST_SAMPLES], 1);
	mw_scratch_put(s);
	heap_alloc(0, 0x2000, 64);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x2001, 1);
	assert_int_equal(s->is_taken, 0);
}

/* Each has its own pages, so that one's do not count for the other's. */
static void test_isolates(void **state)
{
	static const __u32 tids[] = {TID, TID + MW_V8_ISOLATES,
				     TID + 1}; /* the first two collide */

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		heap_be_thread(tids[i]);
		heap_alloc(i, 0x1000, 64);
	}
	for (unsigned i = 0; i < 3; i++) {
		heap_be_thread(tids[i]);
		heap_alloc(i, 0x3000, 64);
	}
	heap_assert_site(MW_SITE_V8_ALLOC, 3 * 0x3001, 6);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(heap_isolate(tids[i])->allocs, 2);
		assert_int_equal(followed(tids[i], 0)->addr, (__u64)heap_page(i) + 0x1001);
		assert_int_equal(followed(tids[i], 1)->addr, (__u64)heap_page(i) + 0x3001);
	}
}

static void test_too_many_isolates(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= MW_V8_ISOLATES; i++) {
		heap_be_thread(500 + i);
		heap_alloc(0, 0x1000 + 8 * i, 64);
	}
	assert_non_null(heap_isolate(500 + MW_V8_ISOLATES - 1));
	assert_null(heap_isolate(500 + MW_V8_ISOLATES));
	assert_int_equal(user_site(MW_SITE_V8_ALLOC, user_sent(0)->hash)->samples, MW_V8_ISOLATES);
}

static void test_no_room_to_follow(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MW_V8_SAMPLES; i++)
		heap_alloc(0, 0x1000 + 64 * i, 64);
	assert_int_equal(host.lost[MW_LOST_SAMPLES], 0);
	heap_alloc(0, 0x3f000, 64);
	assert_int_equal(host.lost[MW_LOST_SAMPLES], 1);
	assert_int_equal(heap_isolate(TID)->live_samples, MW_V8_SAMPLES);
	heap_assert_site(MW_SITE_V8_ALLOC, 0x3f001, MW_V8_SAMPLES + 1); /* it is counted, still */
}

/* What has no entry for its site is not followed either. */
static void test_ring_full(void **state)
{
	(void)state;
	host.ring_is_full = true;
	heap_alloc(0, 0x1000, 64);
	assert_int_equal(host.lost[MW_LOST_STACKS], 1);
	assert_int_equal(heap_isolate(TID)->live_samples, 0);
}

#define IN_HEAP(test) cmocka_unit_test_setup_teardown(test, heap_setup, heap_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HEAP(test_returned),
		IN_HEAP(test_top),
		IN_HEAP(test_top_behind_a_pointer),
		IN_HEAP(test_unreadable_space),
		IN_HEAP(test_weight_is_what_came_between),
		IN_HEAP(test_weight_of_windows),
		IN_HEAP(test_weight_of_large_objects),
		IN_HEAP(test_more_than_32_bits),
		IN_HEAP(test_same_object_twice),
		IN_HEAP(test_old_at_once),
		IN_HEAP(test_pieces_of_old_space),
		IN_HEAP(test_pieces_of_either_space),
		IN_HEAP(test_large_objects),
		IN_HEAP(test_no_javascript),
		IN_HEAP(test_not_watched),
		IN_HEAP(test_return_without_a_call),
		IN_HEAP(test_calls_do_not_mix),
		IN_HEAP(test_scratch_is_taken),
		IN_HEAP(test_isolates),
		IN_HEAP(test_too_many_isolates),
		IN_HEAP(test_no_room_to_follow),
		IN_HEAP(test_ring_full),
	};

	return cmocka_run_group_tests_name("bpf/v8, allocation", tests, NULL, NULL);
}
