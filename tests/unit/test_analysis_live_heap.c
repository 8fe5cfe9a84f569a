/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Live bytes of isolates and their sum; limits and when they are met. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/limit.h"
#include "analysis/live_heap.h"

#define S 1000000000ULL

static void test_isolates(void **state)
{
	struct live_heap h;

	(void)state;
	live_heap_init(&h);
	assert_int_equal(live_heap_add(&h, 11, 1 * S, 100, 1000), 0);
	assert_int_equal(live_heap_add(&h, 22, 2 * S, 50, 0), 0);
	assert_int_equal(h.sum.last, 150);
	assert_int_equal(live_heap_add(&h, 11, 3 * S, 120, 0), 0);
	assert_int_equal(h.sum.last, 170);
	assert_int_equal(h.isolates[0].limit_bytes, 1000); /* stays known */
	assert_int_equal(h.isolates[1].limit_bytes, 0);
	assert_int_equal(live_heap_add(&h, 11, 3 * S, 130, 0), -EINVAL);
	assert_int_equal(live_heap_add(&h, 22, 3 * S, 60, 0), 0); /* at the same instant */
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
		assert_int_equal(live_heap_add(&h, i, (i + 1) * S, 10, 0), 0);
	assert_int_equal(live_heap_add(&h, 99, 99 * S, 10, 0), -ENOSPC);
	assert_int_equal(h.unknown, 1);
	assert_int_equal(h.sum.last, 10 * LIVE_HEAP_ISOLATES);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_isolates),
		cmocka_unit_test(test_too_many_isolates),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("analysis/live_heap", tests, NULL, NULL);
}
