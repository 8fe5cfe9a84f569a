/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth of live heaps, from collections of one and of several heaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/heap_growth.h"

static void collect(struct heap_growth *h, uint64_t isolate, enum mw_gc_kind kind, uint64_t ns,
		    uint64_t live)
{
	struct gc gc = {.isolate = isolate, .kind = kind, .ns = ns, .live_bytes = live};

	heap_growth_add(h, &gc);
}

static void assert_sum(const struct heap_growth *h, uint64_t first, uint64_t last, uint64_t span)
{
	uint64_t f, l, s;

	heap_growth_sum(h, &f, &l, &s);
	assert_int_equal(f, first);
	assert_int_equal(l, last);
	assert_int_equal(s, span);
}

static void test_one_heap(void **state)
{
	struct heap_growth h = {0};

	(void)state;
	assert_sum(&h, 0, 0, 0);
	collect(&h, 1, MW_GC_SCAVENGE, 10, 0); /* not known */
	assert_sum(&h, 0, 0, 0);
	collect(&h, 1, MW_GC_SCAVENGE, 20, 1000);
	assert_sum(&h, 1000, 1000, 0);
	collect(&h, 1, MW_GC_MARK_COMPACT, 30, 500); /* one says nothing of a growth */
	assert_sum(&h, 1000, 500, 10);
	collect(&h, 1, MW_GC_SCAVENGE, 40, 900);
	assert_sum(&h, 1000, 900, 20);
	collect(&h, 1, MW_GC_MARK_COMPACT, 50, 600);
	assert_sum(&h, 500, 600, 20);
	collect(&h, 1, MW_GC_SCAVENGE, 60, 5000); /* garbage of the old generation is in it */
	assert_sum(&h, 500, 600, 20);
}

static void test_several(void **state)
{
	struct heap_growth h = {0};

	(void)state;
	collect(&h, 1, MW_GC_MARK_COMPACT, 10, 100);
	collect(&h, 2, MW_GC_MARK_COMPACT, 20, 1000);
	collect(&h, 1, MW_GC_MARK_COMPACT, 40, 150);
	collect(&h, 2, MW_GC_SCAVENGE, 90, 1200);
	assert_sum(&h, 1100, 1350, 70);
	heap_growth_remove(&h, 3);
	heap_growth_remove(&h, 2);
	assert_sum(&h, 100, 150, 30);
	collect(&h, 2, MW_GC_SCAVENGE, 100, 7); /* its place is another's */
	assert_sum(&h, 107, 157, 30);
}

static void test_too_many(void **state)
{
	struct heap_growth h = {0};

	(void)state;
	for (uint64_t i = 1; i <= HEAPS_MAX + 3; i++)
		collect(&h, i, MW_GC_MARK_COMPACT, i, 1);
	assert_sum(&h, HEAPS_MAX, HEAPS_MAX, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_heap),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests_name("model/heap_growth", tests, NULL, NULL);
}
