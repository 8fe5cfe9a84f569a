/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The statistics, against published and enumerated values, and by how often they err. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/change.h"
#include "analysis/line.h"
#include "analysis/mann_kendall.h"
#include "analysis/plateau.h"
#include "analysis/trend.h"
#include "analysis/warmup.h"
#include "trace.h"

#define N TREND_MAX

static void make(struct trend_point *p, unsigned n, double base, double slope, double noise,
		 uint64_t seed)
{
	struct trace_state st;

	trace_begin(&st, seed);
	for (unsigned i = 0; i < n; i++)
		p[i] = (struct trend_point){
			.s = i,
			.bytes = base + slope * i + noise * trace_gauss(&st.random),
		};
}

/* ---- slope ---- */

static void test_slope_of_line(void **state)
{
	struct trend_point p[N];
	struct trend t;

	(void)state;
	make(p, N, 1e9, -3, 0, 1);
	assert_int_equal(trend_fit(p, N, &t), 0);
	assert_float_equal(t.slope, -3, 1e-6);
	assert_float_equal(t.low, -3, 1e-6);
	assert_float_equal(t.high, -3, 1e-6);
	assert_int_equal(trend_fit(p, 2, &t), 0);
	assert_float_equal(t.slope, -3, 1e-6);
}

static void test_slope_of_nothing(void **state)
{
	struct trend_point same[3] = {{1, 5}, {1, 6}, {1, 7}};
	struct trend t;

	(void)state;
	assert_int_equal(trend_fit(same, 0, &t), -ENODATA);
	assert_int_equal(trend_fit(same, 1, &t), -ENODATA);
	assert_int_equal(trend_fit(same, 3, &t), -ENODATA);
}

static void test_slope_of_constant(void **state)
{
	struct trend_point p[N];
	struct trend t;

	(void)state;
	make(p, N, 0x1p64, 0, 0, 1);
	assert_int_equal(trend_fit(p, N, &t), 0);
	assert_float_equal(t.slope, 0, 0);
	assert_float_equal(t.low, 0, 0);
	assert_float_equal(t.high, 0, 0);
	assert_float_equal(trend_dependence(p, N, 0), 1, 0);
}

/* A quarter of the points are anything. */
static void test_slope_and_outliers(void **state)
{
	struct trend_point p[N];
	struct trend t;

	(void)state;
	make(p, N, 100, 2, 0.1, 3);
	for (unsigned i = 0; i < N; i += 4)
		p[i].bytes += 1e6;
	assert_int_equal(trend_fit(p, N, &t), 0);
	assert_float_equal(t.slope, 2, 0.1);
}

/* The interval of 95 % holds the truth about that often. */
static void test_interval(void **state)
{
	unsigned inside = 0, runs = 1000;

	(void)state;
	for (unsigned seed = 1; seed <= runs; seed++) {
		struct trend_point p[20];
		struct trend t;

		make(p, 20, 100, 0.5, 3, seed);
		assert_int_equal(trend_fit(p, 20, &t), 0);
		assert_true(t.low <= t.slope && t.slope <= t.high);
		inside += t.low <= 0.5 && t.high >= 0.5;
	}
	print_message("# interval of 95 %% holds the slope in %.1f %%\n", 100.0 * inside / runs);
	assert_in_range(inside, 940, 995);
}

static void test_more_points_than_taken(void **state)
{
	struct trend_point p[N + 10];
	struct trend t;

	(void)state;
	make(p, N + 10, 0, 1, 0, 1);
	for (unsigned i = 0; i < 10; i++)
		p[i].bytes = 1e9;
	assert_int_equal(trend_fit(p, N + 10, &t), 0);
	assert_float_equal(t.slope, 1, 1e-9);
	assert_true(mann_kendall(p, N + 10, 1) < 1e-9);
}

/* ---- is there a trend ---- */

/* Kendall's table of exact probabilities: n = 4, S = 6: 0.042; S = 4: 0.167; n = 5, S = 8: 0.042.
 */
static void test_mann_kendall_exact(void **state)
{
	struct trend_point up[5] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}};
	struct trend_point one[4] = {{0, 2}, {1, 1}, {2, 3}, {3, 4}};
	struct trend_point two[5] = {{0, 2}, {1, 1}, {2, 3}, {3, 4}, {4, 5}};
	struct trend_point down[3] = {{0, 3}, {1, 2}, {2, 1}};

	(void)state;
	assert_float_equal(mann_kendall(up, 4, 1), 1.0 / 24, 1e-12);
	assert_float_equal(mann_kendall(up, 5, 1), 1.0 / 120, 1e-12);
	assert_float_equal(mann_kendall(up, 3, 1), 1.0 / 6, 1e-12);
	assert_float_equal(mann_kendall(one, 4, 1), 4.0 / 24, 1e-12);
	assert_float_equal(mann_kendall(two, 5, 1), 5.0 / 120, 1e-12);
	assert_float_equal(mann_kendall(down, 3, 1), 1, 1e-12);
}

static void test_mann_kendall_edges(void **state)
{
	struct trend_point same[6] = {{0, 7}, {1, 7}, {2, 7}, {3, 7}, {4, 7}, {5, 7}};
	struct trend_point ties[6] = {{0, 1}, {1, 1}, {2, 2}, {3, 2}, {4, 3}, {5, 3}};

	(void)state;
	assert_float_equal(mann_kendall(same, 0, 1), 1, 0);
	assert_float_equal(mann_kendall(same, 1, 1), 1, 0);
	assert_float_equal(mann_kendall(same, 6, 1), 1, 0);
	/* S = 12, variance (6 5 17 - 3 (2 1 9)) / 18 = 25.33: z = 11 / 5.033 */
	assert_float_equal(mann_kendall(ties, 6, 1), 0.01443, 1e-4);
	assert_true(mann_kendall(ties, 6, 4) > 0.1);
}

/* Without a trend it says one as often as it is told to, by both ways. */
static void test_mann_kendall_size(void **state)
{
	(void)state;
	for (unsigned n = 8; n <= 24; n += 16) {
		unsigned said = 0, runs = 2000;

		for (unsigned seed = 1; seed <= runs; seed++) {
			struct trend_point p[N];

			make(p, n, 100, 0, 1, seed);
			said += mann_kendall(p, n, 1) <= 0.05;
		}
		print_message("# %u points without a trend: p <= 0.05 in %.1f %%\n", n,
			      100.0 * said / runs);
		assert_in_range(said, runs * 2 / 100, runs * 65 / 1000);
	}
}

static void test_dependence(void **state)
{
	struct trend_point p[N];
	struct trace_state st;
	double x = 0;

	(void)state;
	trace_begin(&st, 5);
	for (unsigned i = 0; i < N; i++) {
		x = 0.95 * x + trace_gauss(&st.random);
		p[i] = (struct trend_point){.s = i, .bytes = x};
	}
	assert_true(trend_dependence(p, N, 0) > 2);
	assert_true(trend_dependence(p, N, 0) <= 4);
	make(p, N, 0, 0, 1, 5);
	assert_true(trend_dependence(p, N, 0) < 2);
	assert_float_equal(trend_dependence(p, 7, 0), 1, 0);
}

/* ---- line, warm-up, changes, plateau ---- */

static void test_line(void **state)
{
	struct line_sums sums = {0};
	struct trend_point p[N];

	(void)state;
	assert_float_equal(line_slope(&sums), 0, 0);
	assert_float_equal(line_squares(&sums), 0, 0);
	make(p, N, 0x1p60, 4096, 0, 1);
	for (unsigned i = 0; i < N; i++)
		line_add(&sums, &p[i]);
	assert_float_equal(line_slope(&sums), 4096, 1);
	assert_float_equal(line_at(&sums, 10), 0x1p60 + 40960, 1024);
	assert_true(line_squares(&sums) < 1e6);
}

static void test_warmup(void **state)
{
	struct trend_point p[N] = {0};

	(void)state;
	assert_int_equal(warmup_end(p, 0, 1, 0), 0);
	make(p, N, 100, 0, 0, 1);
	assert_int_equal(warmup_end(p, N, 1, 0), 0);
	make(p, N, 100, 1000, 0, 1); /* a leak is no warm-up */
	assert_int_equal(warmup_end(p, N, 1, 0), 0);
	for (unsigned end = 4; end <= 24; end += 5) { /* no fixed share */
		make(p, N, 1000, 1, 1, end);
		for (unsigned i = 0; i < end; i++)
			p[i].bytes -= 100.0 * (end - i);
		assert_in_range(warmup_end(p, N, 1, 0), end - 1, end + 2);
	}
	make(p, N, 1000, 0, 0, 1); /* what says the most is too short: the most that may be cut */
	for (unsigned i = 0; i < N - 6; i++)
		p[i].bytes -= 100.0 * (N - 6 - i) * (N - 6 - i);
	assert_int_equal(warmup_end(p, N, 1, 0), N - 6);
	assert_int_equal(warmup_end(p, N, 1, p[N - 1].s - p[N - 13].s), N - 13);
}

static void test_warmup_is_not_noise(void **state)
{
	unsigned cut = 0, runs = 500;

	(void)state;
	for (unsigned seed = 1; seed <= runs; seed++) {
		struct trend_point p[N];

		make(p, N, 1000, 1, 20, seed);
		cut += warmup_end(p, N, 1, 0) != 0;
	}
	print_message("# warm-up seen in noise in %.1f %%\n", 100.0 * cut / runs);
	assert_true(cut <= runs / 4);
}

static void test_changes(void **state)
{
	struct change_segment seg[CHANGE_SEGMENTS_MAX];
	struct trend_point p[N] = {0};
	unsigned at = 0;

	(void)state;
	assert_int_equal(change_segments(p, 0, 1, seg), 0);
	make(p, N, 100, 0, 0, 1);
	assert_int_equal(change_segments(p, N, 1, seg), 1);
	assert_float_equal(change_step(seg, 1, &at), 0, 0);
	make(p, 3, 100, 50, 0, 1);
	assert_int_equal(change_segments(p, 3, 1, seg), 1);
	/* a step */
	make(p, N, 100, 0, 1, 2);
	for (unsigned i = 20; i < N; i++)
		p[i].bytes += 500;
	assert_int_equal(change_segments(p, N, 1, seg), 2);
	assert_int_equal(seg[1].begin, 20);
	assert_float_equal(change_step(seg, 2, &at), 500, 3);
	assert_int_equal(at, 1);
	/* growth begins, without a step */
	make(p, N, 100, 0, 1, 3);
	for (unsigned i = 16; i < N; i++)
		p[i].bytes += 40.0 * (i - 15);
	assert_int_equal(change_segments(p, N, 1, seg), 2);
	assert_in_range(seg[1].begin, 15, 17);
	assert_float_equal(seg[0].slope, 0, 1);
	assert_float_equal(seg[1].slope, 40, 1);
}

static void test_changes_are_not_noise(void **state)
{
	unsigned seen = 0, runs = 500;

	(void)state;
	for (unsigned seed = 1; seed <= runs; seed++) {
		struct change_segment seg[CHANGE_SEGMENTS_MAX];
		struct trend_point p[N];

		make(p, N, 1000, 1, 20, seed);
		seen += change_segments(p, N, 1, seg) != 1;
	}
	print_message("# change seen in noise in %.1f %%\n", 100.0 * seen / runs);
	assert_true(seen <= runs / 20);
}

static void test_plateau(void **state)
{
	struct trend_point p[N];
	struct trend t;

	(void)state;
	make(p, N, 1000, 0, 1, 1);
	trend_fit(p, N, &t);
	assert_true(plateau_holds(&t, 1, 0));
	assert_true(plateau_holds(&t, 1, 10));
	assert_false(plateau_holds(&t, 1, 0.001)); /* cannot tell it from so slow a growth */
	trend_fit(p, 3, &t);
	assert_false(plateau_holds(&t, 1e9, 0)); /* too few */
	make(p, N, 1000, 5, 1, 1);
	trend_fit(p, N, &t);
	assert_false(plateau_holds(&t, 1, 0));
	make(p, N, 1000, -5, 1, 1);
	trend_fit(p, N, &t);
	assert_true(plateau_holds(&t, 1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slope_of_line),
		cmocka_unit_test(test_slope_of_nothing),
		cmocka_unit_test(test_slope_of_constant),
		cmocka_unit_test(test_slope_and_outliers),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_more_points_than_taken),
		cmocka_unit_test(test_mann_kendall_exact),
		cmocka_unit_test(test_mann_kendall_edges),
		cmocka_unit_test(test_mann_kendall_size),
		cmocka_unit_test(test_dependence),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_warmup),
		cmocka_unit_test(test_warmup_is_not_noise),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_changes_are_not_noise),
		cmocka_unit_test(test_plateau),
	};

	return cmocka_run_group_tests_name("analysis/trend", tests, NULL, NULL);
}
