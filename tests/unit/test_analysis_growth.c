/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth rates over the window, against what was put into the history. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/growth.h"
#include "sample.h"

#define MIB (1ULL << 20)

static void assert_rate(const struct process *p, double expected)
{
	double rate = growth_rate(p);

	if (fabs(rate - expected) > fabs(expected) * 1e-9)
		fail_msg("rate %.3f, expected %.3f", rate, expected);
}

static void test_too_few_samples(void **state)
{
	struct process p = {0};

	(void)state;
	assert_rate(&p, 0);
	history_add(&p.history, SAMPLE_SECOND, MIB);
	assert_rate(&p, 0);
	history_add(&p.history, 2 * SAMPLE_SECOND, 3 * MIB);
	assert_rate(&p, 2 * MIB);
}

static void test_shrinking(void **state)
{
	struct process p = {0};

	(void)state;
	history_add(&p.history, SAMPLE_SECOND, 100 * MIB);
	history_add(&p.history, 5 * SAMPLE_SECOND, 80 * MIB);
	assert_rate(&p, -5.0 * MIB);
	history_add(&p.history, 9 * SAMPLE_SECOND, 0);
	assert_rate(&p, -12.5 * MIB);
}

/* Past samples leave the window: a step counts for ten seconds and no more. */
static void test_window(void **state)
{
	struct process p = {0};

	(void)state;
	for (unsigned s = 1; s <= 30; s++) {
		uint64_t bytes = s >= 10 ? 50 * MIB : 10 * MIB;
		unsigned span = s - 1 < 10 ? s - 1 : 10;
		bool step_is_inside = s >= 10 && s - span < 10;

		history_add(&p.history, s * SAMPLE_SECOND, bytes);
		assert_rate(&p, step_is_inside ? 40.0 * MIB / span : 0);
	}
}

/* A sample of exactly ten seconds ago is inside; one nanosecond older is not. */
static void test_edge_of_the_window(void **state)
{
	struct process p = {0}, q = {0};

	(void)state;
	history_add(&p.history, 1, 0);
	history_add(&p.history, 2, 0);
	history_add(&p.history, 1 + GROWTH_WINDOW_NS / 2, 4 * MIB);
	history_add(&p.history, 2 + GROWTH_WINDOW_NS, 10 * MIB);
	assert_rate(&p, 1.0 * MIB); /* from the second sample */
	history_add(&q.history, 1, 0);
	history_add(&q.history, 2 + GROWTH_WINDOW_NS / 2, 5 * MIB);
	history_add(&q.history, 2 + GROWTH_WINDOW_NS, 10 * MIB);
	assert_rate(&q, 5.0 * MIB * 1e9 / (GROWTH_WINDOW_NS / 2));
}

/* Ticks further apart than the window: the last two. */
static void test_long_intervals(void **state)
{
	struct process p = {0};

	(void)state;
	history_add(&p.history, 60 * SAMPLE_SECOND, 0);
	history_add(&p.history, 120 * SAMPLE_SECOND, 600 * MIB);
	assert_rate(&p, 10.0 * MIB);
	history_add(&p.history, 180 * SAMPLE_SECOND, 660 * MIB);
	assert_rate(&p, 1.0 * MIB);
}

/* Short ticks fill the ring before they fill the window. */
static void test_short_intervals(void **state)
{
	struct process p = {0};

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		history_add(&p.history, (i + 1) * 10000000ULL, i < 500 ? 0 : (i - 500) * MIB);
	assert_rate(&p, 100.0 * MIB);
}

static void test_clock_that_does_not_advance(void **state)
{
	struct process p = {0};

	(void)state;
	history_add(&p.history, SAMPLE_SECOND, 0);
	history_add(&p.history, SAMPLE_SECOND, 5 * MIB);
	assert_rate(&p, 0);
	history_add(&p.history, SAMPLE_SECOND / 2, 5 * MIB); /* backwards */
	assert_true(isfinite(growth_rate(&p)));
}

static void test_huge_sizes(void **state)
{
	struct process p = {0};

	(void)state;
	history_add(&p.history, SAMPLE_SECOND, UINT64_MAX);
	history_add(&p.history, 2 * SAMPLE_SECOND, 0);
	assert_rate(&p, -0x1p64);
}

static void test_deltas(void **state)
{
	struct mw_task raw = sample_task(1, 1, "node");
	struct process_table t;
	struct process *p;

	(void)state;
	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	p = sample_tick(&t, SAMPLE_SECOND, &raw);
	assert_int_equal(growth_delta(p), 0);
	assert_int_equal(growth_since_first(p), 0);
	assert_rate(p, 0);
	raw.anon_pages += SAMPLE_MIB_PAGES; /* swap counts as well */
	raw.swap_pages += SAMPLE_MIB_PAGES;
	p = sample_tick(&t, 2 * SAMPLE_SECOND, &raw);
	assert_int_equal(growth_delta(p), 2 * MIB);
	assert_int_equal(growth_since_first(p), 2 * MIB);
	assert_rate(p, 2.0 * MIB);
	raw.anon_pages -= 3 * SAMPLE_MIB_PAGES;
	p = sample_tick(&t, 3 * SAMPLE_SECOND, &raw);
	assert_int_equal(growth_delta(p), -3 * (int64_t)MIB);
	assert_int_equal(growth_since_first(p), -1 * (int64_t)MIB);
	assert_rate(p, -0.5 * MIB);
	/* Swapped out: it is the same footprint. */
	raw.anon_pages -= 10;
	raw.swap_pages += 10;
	p = sample_tick(&t, 4 * SAMPLE_SECOND, &raw);
	assert_int_equal(growth_delta(p), 0);
	process_table_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_few_samples),
		cmocka_unit_test(test_shrinking),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_edge_of_the_window),
		cmocka_unit_test(test_long_intervals),
		cmocka_unit_test(test_short_intervals),
		cmocka_unit_test(test_clock_that_does_not_advance),
		cmocka_unit_test(test_huge_sizes),
		cmocka_unit_test(test_deltas),
	};

	return cmocka_run_group_tests_name("analysis/growth", tests, NULL, NULL);
}
