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
#include "analysis/shape.h"
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
	assert_int_equal(valley_floor(&s, TRACE_SECOND, 3, p), 2);
	assert_float_equal(p[0].bytes, 3, 0);
	assert_float_equal(p[0].s, 1, 1e-9);
	assert_float_equal(p[1].bytes, 8, 0);
	assert_float_equal(p[1].s, 8, 1e-9);
	series_release(&s);
}

/* As many stretches as points: each is one, but for those that come together. */
static void test_floor_of_few(void **state)
{
	struct trend_point p[8];
	struct series s;

	(void)state;
	series_init(&s);
	series_add(&s, TRACE_SECOND, 5);
	series_add(&s, 2 * TRACE_SECOND, 3);
	series_add(&s, 3 * TRACE_SECOND, 4);
	series_add(&s, 9 * TRACE_SECOND, 8);
	assert_int_equal(valley_floor(&s, TRACE_SECOND, 4, p), 4);
	assert_float_equal(p[1].bytes, 3, 0);
	assert_float_equal(p[1].s, 1, 1e-9);
	assert_float_equal(p[2].bytes, 4, 0);
	series_add(&s, 9 * TRACE_SECOND + TRACE_SECOND / 10, 7);
	assert_int_equal(valley_floor(&s, TRACE_SECOND, 8, p), 4);
	assert_float_equal(p[3].bytes, 7, 0);
	assert_float_equal(p[3].s, 8.1, 1e-9);
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

/* ---- what never changes ---- */

static uint64_t same_value(unsigned i)
{
	(void)i;
	return (uint64_t)(100 * TRACE_MIB);
}

/* Days without a change take little room, and are still known to be days. */
static void test_constant(void **state)
{
	struct series s;

	(void)state;
	series_init(&s);
	fill(&s, 1, 200000, same_value);
	assert_true(s.is_constant);
	assert_int_equal(s.count, SERIES_CAP_CONSTANT);
	assert_int_equal(s.cap, SERIES_CAP_CONSTANT);
	assert_int_equal(s.begin_ns, TRACE_SECOND);
	assert_int_equal(s.points[0].ns, TRACE_SECOND);
	assert_int_equal(s.points[s.count - 1].ns, 200000 * TRACE_SECOND);
	for (unsigned i = 1; i < s.count; i++) {
		uint64_t gap = s.points[i].ns - s.points[i - 1].ns;

		assert_int_equal(s.points[i].low, same_value(0));
		assert_int_equal(s.points[i].high, same_value(0));
		assert_true(gap <= (s.last_ns - s.points[i - 1].ns) * 3 / 4 + TRACE_SECOND);
	}
	assert_int_equal(series_add(&s, 200001 * TRACE_SECOND, 1), 0);
	assert_false(s.is_constant);
	fill(&s, 200002, 2 * SERIES_CAP, same_value); /* once is enough */
	assert_false(s.is_constant);
	assert_int_equal(s.count, SERIES_CAP);
	series_release(&s);
}

/* A first value that another follows at once is no constant, and thinning has its full room. */
static void test_not_constant_from_the_start(void **state)
{
	struct series s;

	(void)state;
	series_init(&s);
	series_add(&s, TRACE_SECOND, 5);
	assert_true(s.is_constant);
	series_add(&s, 2 * TRACE_SECOND, 6);
	assert_false(s.is_constant);
	fill(&s, 3, SERIES_CAP - 2, same_value);
	assert_int_equal(s.count, SERIES_CAP);
	series_release(&s);
}

/* @is_folded: or else the first value of all is a page less, and all points are kept. */
static void shape_after(bool is_folded, unsigned constant_s, const double *then, struct shape *out)
{
	struct series s;

	series_init(&s);
	if (!is_folded)
		series_add(&s, TRACE_SECOND / 2, same_value(0) - 4096);
	fill(&s, 1, constant_s, same_value);
	for (unsigned i = 1; i <= then[0]; i++) {
		uint64_t value = same_value(i) + (uint64_t)((then[1] + then[2] * i) * TRACE_MIB);

		assert_int_equal(series_add(&s, (constant_s + i) * TRACE_SECOND, value), 0);
	}
	shape_of(&s, &shape_rule_memory, out);
	series_release(&s);
}

/* However long nothing happened before: what happens then is seen as soon, and as what it is. */
static void test_shape_after_constant(void **state)
{
	static const unsigned before[] = {30, 300, 3600, 86400, 300000};
	static const struct {
		double then[3]; /* seconds, a step and growth a second in MiB */
		enum shape_kind kind;
	} cases[] = {
		{{0, 0, 0}, SHAPE_FLAT},
		{{1, 1 / 256.0, 0}, SHAPE_FLAT},
		{{60, 50, 0}, SHAPE_FLAT},
		{{300, 50, 0}, SHAPE_FLAT},
		{{60, 0, 1}, SHAPE_GROWING},
		{{30, 0, 10}, SHAPE_GROWING},
		{{600, 0, 1 / 60.0}, SHAPE_GROWING},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
			struct shape folded, all;

			shape_after(true, before[i], cases[k].then, &folded);
			shape_after(false, before[i], cases[k].then, &all);
			assert_int_equal(folded.kind, cases[k].kind);
			assert_int_equal(all.kind, cases[k].kind);
			assert_float_equal(folded.confidence, all.confidence, 0.1);
			assert_float_equal(folded.trend.slope, all.trend.slope,
					   TRACE_MIB / 100 + 0.08 * fabs(all.trend.slope));
			assert_float_equal(folded.rise, all.rise, 2 * TRACE_MIB);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_they_came),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_floor_of_thinned),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_floor_of_few),
		cmocka_unit_test(test_cycles),
		cmocka_unit_test(test_constant),
		cmocka_unit_test(test_not_constant_from_the_start),
		cmocka_unit_test(test_shape_after_constant),
	};

	return cmocka_run_group_tests_name("analysis/series", tests, NULL, NULL);
}
