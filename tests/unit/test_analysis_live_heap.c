/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Live bytes of isolates and their sum; limits and when they are met. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/limit.h"
#include "analysis/live_heap.h"
#include "mark_sample.h"
#include "model/recorded.h"

#define S 1000000000ULL

static void test_isolates(void **state)
{
	struct live_heap h;

	(void)state;
	live_heap_init(&h);
	assert_int_equal(sample_mark(&h, 11, 1 * S, 100, 1000), 0);
	assert_int_equal(sample_mark(&h, 22, 2 * S, 50, 0), 0);
	assert_int_equal(h.sum.last, 150);
	assert_int_equal(sample_mark(&h, 11, 3 * S, 120, 0), 0);
	assert_int_equal(h.sum.last, 170);
	assert_int_equal(h.isolates[0].limit_bytes, 1000); /* stays known */
	assert_int_equal(h.isolates[1].limit_bytes, 0);
	assert_int_equal(sample_mark(&h, 11, 3 * S, 130, 0), -EINVAL);
	assert_int_equal(sample_mark(&h, 22, 3 * S, 60, 0), 0); /* at the same instant */
	assert_int_equal(h.isolates[1].live.last, 60);
	assert_int_equal(h.marks, 5);
	live_heap_remove(&h, 11, 4 * S);
	assert_int_equal(h.isolate_count, 1);
	assert_int_equal(h.isolates[0].id, 22);
	assert_int_equal(h.sum.last, 60);
	live_heap_remove(&h, 11, 5 * S); /* not there */
	live_heap_remove(&h, 22, 5 * S);
	assert_int_equal(h.isolate_count, 0);
	live_heap_release(&h);
	assert_int_equal(h.sum.count, 0);
}

static void test_too_many_isolates(void **state)
{
	struct live_heap h;

	(void)state;
	live_heap_init(&h);
	for (unsigned i = 0; i < LIVE_HEAP_ISOLATES; i++)
		assert_int_equal(sample_mark(&h, i, (i + 1) * S, 10, 0), 0);
	assert_int_equal(sample_mark(&h, 99, 99 * S, 10, 0), -ENOSPC);
	assert_int_equal(h.unknown, 1);
	assert_int_equal(h.sum.last, 10 * LIVE_HEAP_ISOLATES);
	live_heap_release(&h);
}

static int collect(struct live_heap *h, uint64_t isolate, unsigned s, enum mw_gc_kind kind,
		   uint64_t live, uint64_t external)
{
	const struct gc gc = {
		.isolate = isolate,
		.ns = s * S,
		.kind = kind,
		.live_bytes = live,
		.external_bytes = external,
	};

	return live_heap_collect(h, &gc);
}

/* Of 60 that came before the first full collection 20 went, of 30 before the second 10. */
static void test_survival(void **state)
{
	struct live_survival v;
	struct live_heap h;

	(void)state;
	live_heap_init(&h);
	for (unsigned i = 0; i <= 6; i++)
		assert_int_equal(collect(&h, 1, 10 + i, MW_GC_SCAVENGE, 100 + 10 * i, 0), 0);
	live_survival_since(&h.isolates[0].heap, 0, &v);
	assert_int_equal(v.collections, 0);
	collect(&h, 1, 20, MW_GC_MARK_COMPACT, 140, 0);
	live_survival_since(&h.isolates[0].heap, 0, &v);
	assert_int_equal(v.collections, 1);
	assert_float_equal(v.risen, 60, 0);
	assert_float_equal(v.share, 40 / 60.0, 1e-9);
	assert_float_equal(v.rate, 40 / 10.0, 1e-9);
	collect(&h, 1, 25, MW_GC_SCAVENGE, 170, 0);
	live_survival_since(&h.isolates[0].heap, 0, &v); /* what came since counts by that share */
	assert_float_equal(v.rate, (40 + 20) / 15.0, 1e-9);
	collect(&h, 1, 30, MW_GC_MARK_COMPACT, 160, 0);
	live_survival_since(&h.isolates[0].heap, 21 * S, &v);
	assert_int_equal(v.collections, 1);
	assert_float_equal(v.share, 20 / 30.0, 1e-9);
	assert_float_equal(v.last_share, 20 / 30.0, 1e-9);
	assert_float_equal(v.rate, 2, 1e-9);
	collect(&h, 1, 32, MW_GC_SCAVENGE, 190, 0);
	collect(&h, 1, 34, MW_GC_MARK_COMPACT, 160, 0);
	live_survival_since(&h.isolates[0].heap, 0, &v); /* the last one left nothing */
	assert_float_equal(v.share, 60 / 120.0, 1e-9);
	assert_float_equal(v.last_share, 0, 1e-9);
	assert_int_equal(h.sum.count, 3);
	assert_int_equal(h.heap_held.last, 160);
	assert_int_equal(h.external_held.count, 0);
	live_heap_release(&h);
}

/* Each heap has its own base; what is known of one size says nothing of the other. */
static void test_survival_of_two(void **state)
{
	struct live_survival v;
	struct live_heap h;

	(void)state;
	live_heap_init(&h);
	collect(&h, 1, 1, MW_GC_SCAVENGE, 100, 1000);
	collect(&h, 2, 2, MW_GC_SCAVENGE, 50, 0);
	assert_int_equal(h.heap_held.last, 150);
	assert_int_equal(h.external_held.last, 1000);
	collect(&h, 1, 3, MW_GC_SCAVENGE, 200, 5000);
	collect(&h, 2, 4, MW_GC_MARK_COMPACT, 50, 0);
	live_survival_since(&h.isolates[1].heap, 0, &v);
	assert_float_equal(v.risen, 0, 0);
	collect(&h, 1, 5, MW_GC_MARK_COMPACT, 100, 5000);
	live_survival_since(&h.isolates[0].heap, 0, &v);
	assert_float_equal(v.risen, 100, 0);
	assert_float_equal(v.share, 0, 0); /* all was garbage */
	live_survival_since(&h.isolates[0].external, 0, &v);
	assert_float_equal(v.risen, 4000, 0);
	assert_float_equal(v.share, 1, 0);
	assert_int_equal(h.sum.last, 150);
	live_heap_remove(&h, 1, 6 * S);
	assert_int_equal(h.heap_held.last, 50);
	assert_int_equal(h.external_held.last, 0);
	live_heap_release(&h);
}

/* A leak of 10 a second under garbage that full collections take: the line has no teeth. */
static void test_kept(void **state)
{
	struct series_point points[SERIES_CAP];
	struct series kept;
	struct live_heap h;

	(void)state;
	live_heap_init(&h);
	for (unsigned i = 0; i <= 40; i++) {
		uint64_t leaked = 1000 + 10 * i, garbage = 30 * (i % 10);
		bool is_full = i && i % 10 == 0;

		if (i == 10)
			assert_int_equal(
				live_kept(&h.isolates[0].heap, &h.isolates[0].live, points, &kept),
				-ENODATA);
		assert_int_equal(collect(&h, 1, 10 + i,
					 is_full ? MW_GC_MARK_COMPACT : MW_GC_SCAVENGE,
					 leaked + garbage, 0),
				 0);
	}
	collect(&h, 1, 55, MW_GC_SCAVENGE, 1400 + 200, 0); /* a quarter is kept, they say */
	assert_int_equal(live_kept(&h.isolates[0].heap, &h.isolates[0].live, points, &kept), 0);
	assert_int_equal(kept.count, 42);
	assert_float_equal(kept.points[40].low, 1400, 1);
	assert_float_equal(kept.last, 1450, 15);
	for (unsigned i = 11; i < 41; i++) {
		assert_true(kept.points[i].low >= kept.points[i - 1].low);
		assert_float_equal(kept.points[i].low, 1000 + 10 * i, 20);
	}
	live_heap_release(&h);
}

static void test_limits(void **state)
{
	const struct limit limits[] = {
		{.kind = LIMIT_NONE},
		{.kind = LIMIT_MACHINE, .bytes = 100000, .used_bytes = 10000},
		{.kind = LIMIT_CGROUP_MAX, .bytes = 2000, .used_bytes = 1000, .where = "/a"},
		{.kind = LIMIT_CGROUP_HIGH, .bytes = 1900, .used_bytes = 1000, .where = "/a"},
	};
	const struct limit full = {.kind = LIMIT_CGROUP_MAX, .bytes = 5, .used_bytes = 6};
	double seconds = -1;

	(void)state;
	assert_ptr_equal(limit_first(limits, 3, 10, &seconds), &limits[2]);
	assert_float_equal(seconds, 100, 1e-9);
	assert_ptr_equal(limit_first(limits, 4, 10, &seconds), &limits[3]);
	assert_float_equal(seconds, 90, 1e-9);
	assert_null(limit_first(limits, 4, 0, &seconds));
	assert_null(limit_first(limits, 4, -1, &seconds));
	assert_null(limit_first(limits, 1, 10, &seconds));
	assert_null(limit_first(NULL, 0, 10, &seconds));
	assert_float_equal(limit_seconds(&full, 1), 0, 0);
	assert_true(isinf(limit_seconds(&limits[2], 0)));
	assert_string_equal(limit_kind_name(LIMIT_CGROUP_MAX), "memory.max");
	assert_string_equal(limit_kind_name(LIMIT_V8_HEAP), "v8-heap");
}

static void test_replay(void **state)
{
	struct recorded_gc gcs[] = {
		{.gc = {.isolate = 1, .ns = 1, .kind = MW_GC_MARK_COMPACT, .live_bytes = 100}},
		{.gc = {.isolate = 2, .ns = 2, .kind = MW_GC_MARK_COMPACT, .live_bytes = 40}},
		{.gc = {.isolate = 2, .ns = 3, .kind = MW_GC_SCAVENGE, .live_bytes = 55}},
		{.gc = {.isolate = 2, .ns = 4}, .is_heap_out = true},
		{.gc = {.isolate = 9, .ns = 5}, .is_heap_out = true}, /* that was never seen */
		{.gc = {.isolate = 1, .ns = 6, .kind = MW_GC_MARK_COMPACT, .live_bytes = 110}},
	};
	const struct recorded_process p = {.gcs = gcs, .gc_count = 6};
	struct live_heap h;

	(void)state;
	live_heap_init(&h);
	assert_int_equal(live_heap_replay(&h, &p), 0);
	assert_int_equal(h.sum.count, 4);
	assert_int_equal(h.sum.points[1].low, 140);
	assert_int_equal(h.sum.points[2].low, 100); /* the worker has ended */
	assert_int_equal(h.sum.last, 110);
	assert_int_equal(h.heap_held.points[2].low, 155);
	live_heap_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_isolates),
		cmocka_unit_test(test_too_many_isolates),
		cmocka_unit_test(test_survival),
		cmocka_unit_test(test_survival_of_two),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("analysis/live_heap", tests, NULL, NULL);
}
