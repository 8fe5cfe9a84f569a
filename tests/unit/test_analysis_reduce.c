// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/reduce.h"

#define POINTS 10000
#define MOST   100

static uint64_t ns[POINTS], values[POINTS];

static bool is_in(const size_t *index, size_t count, size_t wanted)
{
	for (size_t i = 0; i < count; i++) {
		if (index[i] == wanted)
			return true;
	}
	return false;
}

static void assert_rising(const size_t *index, size_t count)
{
	for (size_t i = 1; i < count; i++)
		assert_true(index[i] > index[i - 1]);
}

static void test_few_stay_as_they_are(void **state)
{
	size_t index[MOST];

	(void)state;
	assert_int_equal(reduce_extremes(ns, values, values, 0, MOST, index), 0);
	assert_int_equal(reduce_extremes(ns, values, values, MOST, MOST, index), MOST);
	for (size_t i = 0; i < MOST; i++)
		assert_int_equal(index[i], i);
}

static void test_extremes_stay(void **state)
{
	size_t index[MOST], count;

	(void)state;
	for (size_t i = 0; i < POINTS; i++) {
		ns[i] = 1000 + i * 7;
		values[i] = 500 + i % 3;
	}
	values[1234] = 9000;
	values[1240] = 1;
	values[7777] = 8000;
	count = reduce_extremes(ns, values, values, POINTS, MOST, index);
	assert_in_range(count, MOST / 2, MOST);
	assert_rising(index, count);
	assert_int_equal(index[0], 0);
	assert_int_equal(index[count - 1], POINTS - 1);
	assert_true(is_in(index, count, 1234));
	assert_true(is_in(index, count, 1240));
	assert_true(is_in(index, count, 7777));
}

/* All within a moment, or all but one: stretches are of time, not of points. */
static void test_uneven_times(void **state)
{
	size_t index[MOST], count;

	(void)state;
	for (size_t i = 0; i < POINTS; i++)
		ns[i] = 5;
	count = reduce_extremes(ns, values, values, POINTS, MOST, index);
	assert_in_range(count, 2, 4);
	ns[POINTS - 1] = UINT64_MAX;
	count = reduce_extremes(ns, values, values, POINTS, MOST, index);
	assert_in_range(count, 2, 5);
	assert_rising(index, count);
	assert_int_equal(index[count - 1], POINTS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_stay_as_they_are),
		cmocka_unit_test(test_extremes_stay),
		cmocka_unit_test(test_uneven_times),
	};

	return cmocka_run_group_tests_name("analysis/reduce", tests, NULL, NULL);
}
