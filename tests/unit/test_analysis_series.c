/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Series: bounded, thinned by age, minima kept; and the valley of them. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/series.h"
#include "analysis/valley.h"
#include "trace.h"

static void fill(struct series *s, unsigned from_s, unsigned n, uint64_t (*value)(unsigned))
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(series_add(s, (from_s + i) * TRACE_SECOND, value(i)), 0);
}

static uint64_t index_value(unsigned i)
{
	return 1000 + i;
}

/* A tooth of 50 s with its bottom at each 25th second. */
static uint64_t tooth_value(unsigned i)
{
	return 100 + (i + 25) % 50;
}

static void test_as_they_came(void **state)
{
	struct series s;

	(void)state;
	series_init(&s);
	assert_int_equal(s.count, 0);
	assert_int_equal(series_from(&s, 0), 0);
	assert_float_equal(series_span_s(&s), 0, 0);
	fill(&s, 10, SERIES_CAP, index_value);
	assert_int_equal(s.count, SERIES_CAP);
	for (unsigned i = 0; i < SERIES_CAP; i++) {
		assert_int_equal(s.points[i].ns, (10 + i) * TRACE_SECOND);
		assert_int_equal(s.points[i].low, 1000 + i);
		assert_int_equal(s.points[i].high, 1000 + i);
	}
	assert_int_equal(series_from(&s, 0), 0);
	assert_int_equal(series_from(&s, 12 * TRACE_SECOND), 2);
	assert_int_equal(series_from(&s, 12 * TRACE_SECOND + 1), 3);
	assert_int_equal(series_from(&s, UINT64_MAX), SERIES_CAP);
	assert_float_equal(series_span_s(&s), SERIES_CAP - 1, 1e-9);
	series_release(&s);
	assert_null(s.points);
}

static void test_clock(void **state)
{
	struct series s;

	(void)state;
	series_init(&s);
	assert_int_equal(series_add(&s, TRACE_SECOND, 1), 0);
	assert_int_equal(series_add(&s, TRACE_SECOND, 2), -EINVAL);
	assert_int_equal(series_add(&s, TRACE_SECOND - 1, 3), -EINVAL);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.last, 1);
	assert_int_equal(series_add(&s, UINT64_MAX, UINT64_MAX), 0); /* a long sleep */
	assert_int_equal(s.last, UINT64_MAX);
	series_release(&s);
}

/* Three days of ticks: bounded, new ones fine, old ones coarse, no minimum or maximum lost. */
static void test_days(void **state)
{
	struct series s;
	uint64_t low = UINT64_MAX, high = 0;

	(void)state;
	series_init(&s);
	fill(&s, 1, 100000, tooth_value);
	assert_int_equal(series_add(&s, 100001 * TRACE_SECOND, 7), 0); /* one low, then much */
	fill(&s, 100002, 160000, tooth_value);
	assert_int_equal(s.count, SERIES_CAP);
	assert_int_equal(s.begin_ns, TRACE_SECOND);
	for (unsigned i = 0; i < s.count; i++) {
		const struct series_point *p = &s.points[i];
		uint64_t age_s = (s.last_ns - p->ns) / TRACE_SECOND;

		if (p->low < low)
			low = p->low;
		if (p->high > high)
			high = p->high;
		if (!i)
			continue;
		assert_true(p->ns > p[-1].ns);
		/* What a point stands for: no more than an eighth of its age, and a tooth. */
		assert_true((p->ns - p[-1].ns) / TRACE_SECOND <= age_s / 8 + 60);
	}
	assert_int_equal(low, 7);
	assert_int_equal(high, 149);
	for (unsigned i = s.count - 10; i + 1 < s.count; i++)
		assert_int_equal(s.points[i + 1].ns - s.points[i].ns, TRACE_SECOND);
	series_release(&s);
}

/* Thinned or not, minima of whole teeth are the same. */
static void test_floor_of_thinned(void **state)
{
	struct trend_point p[TREND_MAX];
	struct series s;
	unsigned n;

	(void)state;
	series_init(&s);
	fill(&s, 1, 20000, tooth_value);
	n = valley_floor(&s, s.begin_ns, TREND_MAX, p);
	assert_int_equal(n, TREND_MAX);
	for (unsigned i = 0; i < n; i++)
		assert_float_equal(p[i].bytes, 100, 0);
	series_release(&s);
}

static void test_floor(void **state)
{
	struct trend_point p[8];
	struct series s;

	(void)state;
	series_init(&s);
	assert_int_equal(valley_floor(&s, 0, 8, p), 0);
	series_add(&s, TRACE_SECOND, 5);
	assert_int_equal(valley_floor(&s, TRACE_SECOND, 8, p), 1);
	assert_int_equal(valley_floor(&s, TRACE_SECOND, 0, p), 0);
	assert_int_equal(valley_floor(&s, 2 * TRACE_SECOND, 8, p), 0); /* nothing is later */
	series_add(&s, 2 * TRACE_SECOND, 3);
	series_add(&s, 3 * TRACE_SECOND, 4);
	series_add(&s, 9 * TRACE_SECOND, 8); /* after a gap */
	assert_int_equal(valley_floor(&s, TRACE_SECOND, 4, p), 3);
	assert_float_equal(p[0].bytes, 3, 0);
	assert_float_equal(p[0].s, 1, 1e-9);
	assert_float_equal(p[1].bytes, 4, 0);
	assert_float_equal(p[2].bytes, 8, 0);
	assert_float_equal(p[2].s, 8, 1e-9);
	series_release(&s);
}

static void test_cycles(void **state)
{
	struct valley_cycles c;
	struct series s;

	(void)state;
	series_init(&s);
	valley_cycles(&s, 0, UINT64_MAX, &c);
	assert_int_equal(c.count, 0);
	fill(&s, 1, 200, tooth_value);
	valley_cycles(&s, s.begin_ns, UINT64_MAX, &c);
	assert_int_equal(c.count, 4);
	assert_float_equal(c.longest_s, 50, 1e-9);
	assert_float_equal(c.given_back, 49, 0);
	assert_float_equal(c.low, 100, 0);
	assert_float_equal(c.high, 149, 0);
	valley_cycles(&s, s.begin_ns, s.begin_ns + 20 * TRACE_SECOND, &c);
	assert_int_equal(c.count, 0);
	assert_float_equal(c.given_back, 0, 0);
	assert_float_equal(c.high, 144, 0);
	series_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_they_came), cmocka_unit_test(test_clock),
		cmocka_unit_test(test_days),	     cmocka_unit_test(test_floor_of_thinned),
		cmocka_unit_test(test_floor),	     cmocka_unit_test(test_cycles),
	};

	return cmocka_run_group_tests_name("analysis/series", tests, NULL, NULL);
}
