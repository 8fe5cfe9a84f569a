/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The budget's controller, driven by made-up costs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collect/budget.h"

#define LIMIT	     1.0
#define PATIENCE_MIN 5
#define A_MINUTE     60 /* the bound of the patience, in updates */

struct cost {
	double part[BUDGET_PARTS]; /* while nothing of it is given up */
	double rest;		   /* cannot be given up */
};

/* What the costs come to with what is given up now. */
static bool update(struct budget *b, const struct cost *c)
{
	double used[BUDGET_PARTS] = {
		[BUDGET_FAULTS] = budget_has(b, BUDGET_FAULTS) ? 0 : c->part[BUDGET_FAULTS],
		[BUDGET_CALLS] = budget_has(b, BUDGET_CALLS) ? 0 : c->part[BUDGET_CALLS],
		[BUDGET_TICKS] = c->part[BUDGET_TICKS] / (1 << budget_has(b, BUDGET_TICKS)),
	};

	return budget_update(
		b, used, used[BUDGET_FAULTS] + used[BUDGET_CALLS] + used[BUDGET_TICKS] + c->rest);
}

/* Updates until something changes; how many that took, 0 if nothing did within @most. */
static unsigned updates_to_change(struct budget *b, const struct cost *c, unsigned most)
{
	for (unsigned i = 1; i <= most; i++) {
		if (update(b, c))
			return i;
	}
	return 0;
}

static void test_nothing_to_do(void **state)
{
	const struct cost cheap = {.part = {0.1, 0.1, 0.3}};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	assert_int_equal(updates_to_change(&b, &cheap, 1000), 0);
	assert_int_equal(b.given_up_count, 0);
	assert_null(budget_text(&b));
}

static void test_no_limit(void **state)
{
	const struct cost dear = {.part = {50, 50, 50}};
	struct budget b;

	(void)state;
	budget_init(&b, 0);
	assert_int_equal(updates_to_change(&b, &dear, 1000), 0);
	assert_null(budget_text(&b));
}

/* One expensive second is not a reason; two in a row are. */
static void test_two_in_a_row(void **state)
{
	const struct cost high = {.part = {0.5, 0.2, 0.2}}, low = {.part = {0.1, 0.1, 0.1}};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	for (int i = 0; i < 20; i++) {
		assert_false(update(&b, &high));
		assert_false(update(&b, &low));
	}
	assert_false(update(&b, &high));
	assert_true(update(&b, &high));
	assert_int_equal(budget_has(&b, BUDGET_FAULTS), 1);
	assert_int_equal(b.given_up_count, 1);
}

/* Already at 80 % of the limit, so that the limit itself is not passed. */
static void test_threshold(void **state)
{
	const struct cost below = {.part = {0.79, 0, 0}}, above = {.part = {0.81, 0, 0}};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	assert_int_equal(updates_to_change(&b, &below, 100), 0);
	assert_int_equal(updates_to_change(&b, &above, 100), 2);
}

static void test_at_once(void **state)
{
	const struct cost dear = {.part = {0.1, 3.0, 0.1}};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	assert_true(update(&b, &dear));
	assert_int_equal(budget_has(&b, BUDGET_CALLS), 1);
	assert_string_equal(budget_text(&b), "calls");
}

static void test_the_dearest_first(void **state)
{
	static const double costs[][BUDGET_PARTS] = {
		{3, 2, 1}, {3, 1, 2}, {2, 3, 1}, {1, 3, 2}, {2, 1, 3}, {1, 2, 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		unsigned dearest = 0;
		struct budget b;

		for (unsigned p = 1; p < BUDGET_PARTS; p++)
			dearest = costs[i][p] > costs[i][dearest] ? p : dearest;
		budget_init(&b, LIMIT);
		assert_true(budget_update(&b, costs[i], 6));
		assert_int_equal(b.given_up_count, 1);
		assert_int_equal(b.given_up[0], dearest);
		assert_int_equal(budget_has(&b, dearest), 1);
	}
}

/* The figures that follow a change still have what was given up: they do not count. */
static void test_settles(void **state)
{
	const double dear[BUDGET_PARTS] = {5, 4, 3};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	assert_true(budget_update(&b, dear, 12));
	assert_false(budget_update(&b, dear, 12));
	assert_int_equal(b.given_up_count, 1);
	assert_true(budget_update(&b, dear, 12));
	assert_int_equal(b.given_up_count, 2);
	assert_int_equal(b.given_up[1], BUDGET_CALLS);
}

/* What costs nothing is not worth giving up, whatever the total is. */
static void test_what_costs_nothing_is_kept(void **state)
{
	const struct cost rest = {.part = {0, 0, 0}, .rest = 100};
	const struct cost faults = {.part = {1, 0, 0}, .rest = 100};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	assert_int_equal(updates_to_change(&b, &rest, 100), 0);
	assert_int_equal(updates_to_change(&b, &faults, 100), 1);
	assert_int_equal(updates_to_change(&b, &faults, 100), 0);
	assert_int_equal(b.given_up_count, 1);
}

static void test_gives_up_all_there_is(void **state)
{
	const struct cost dear = {.part = {1, 1, 100}, .rest = 100};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	for (int i = 0; i < 1000; i++)
		update(&b, &dear);
	assert_int_equal(b.given_up_count, BUDGET_STACK_MAX);
	assert_int_equal(budget_has(&b, BUDGET_FAULTS), 1);
	assert_int_equal(budget_has(&b, BUDGET_CALLS), 1);
	assert_int_equal(budget_has(&b, BUDGET_TICKS), BUDGET_TICKS_MAX);
	assert_string_equal(budget_text(&b), "page-fault places, calls, 7 of 8 ticks");
}

static void test_takes_back(void **state)
{
	const struct cost dear = {.part = {3, 1.5, 0.1}}, cheap = {.part = {0.1, 0.1, 0.1}};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	assert_int_equal(updates_to_change(&b, &dear, 10), 1); /* faults */
	assert_int_equal(updates_to_change(&b, &dear, 10), 3); /* one settles, then 2 in a row */
	assert_int_equal(b.given_up_count, 2);
	assert_int_equal(updates_to_change(&b, &cheap, 100), 1 + PATIENCE_MIN);
	assert_int_equal(budget_has(&b, BUDGET_CALLS), 0); /* the last one first */
	assert_int_equal(budget_has(&b, BUDGET_FAULTS), 1);
	assert_int_equal(updates_to_change(&b, &cheap, 100), 1 + PATIENCE_MIN);
	assert_int_equal(b.given_up_count, 0);
	assert_null(budget_text(&b));
	assert_int_equal(updates_to_change(&b, &cheap, 100), 0);
}

/* Between 40 % and 80 % nothing moves; and the calm must be unbroken. */
static void test_calm_is_in_a_row(void **state)
{
	const struct cost dear = {.part = {4, 0, 0}}, cheap = {.rest = 0.1}, middle = {.rest = 0.6};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	assert_int_equal(updates_to_change(&b, &dear, 10), 1);
	assert_int_equal(updates_to_change(&b, &middle, 1000), 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(updates_to_change(&b, &cheap, PATIENCE_MIN - 1), 0);
		assert_false(update(&b, &middle));
	}
	assert_int_equal(updates_to_change(&b, &cheap, 100), PATIENCE_MIN);
}

/*
 * A cost that comes back whenever the detail does: each relapse doubles the
 * wait, up to a minute, so that the detail does not flap.
 */
static void test_patience_doubles_and_is_bounded(void **state)
{
	const struct cost relapsing = {.part = {1.5, 0, 0}, .rest = 0.1};
	unsigned expected = PATIENCE_MIN;
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	assert_int_equal(updates_to_change(&b, &relapsing, 10), 2);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(updates_to_change(&b, &relapsing, 1000), 1 + expected);
		assert_int_equal(b.given_up_count, 0);
		assert_int_equal(updates_to_change(&b, &relapsing, 1000), 1 + 2);
		assert_int_equal(b.given_up_count, 1);
		expected = expected * 2 < A_MINUTE ? expected * 2 : A_MINUTE;
	}
}

/* A burst long after the detail came back is not a relapse. */
static void test_late_burst_is_no_relapse(void **state)
{
	const struct cost dear = {.part = {1.5, 0, 0}}, cheap = {.part = {0.1, 0, 0}};
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(updates_to_change(&b, &dear, 100), 2);
		assert_int_equal(updates_to_change(&b, &cheap, 100), 1 + PATIENCE_MIN);
		assert_int_equal(updates_to_change(&b, &cheap, 4 * PATIENCE_MIN), 0);
	}
}

static void test_collects(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, LIMIT);
	for (unsigned halved = 0; halved <= BUDGET_TICKS_MAX; halved++) {
		unsigned collected = 0;

		for (unsigned long long n = 1; n <= 800; n++)
			collected += budget_collects(&b, n);
		assert_int_equal(collected, 800 >> halved);
		b.given_up[b.given_up_count++] = BUDGET_TICKS;
	}
	assert_true(800 >> BUDGET_TICKS_MAX == 800 / 8); /* one in eight at the least */
}

/* Every state has a text, its own, and only the empty one has none. */
static void test_text(void **state)
{
	const char *seen[16];
	unsigned n = 0;

	(void)state;
	for (unsigned parts = 0; parts < 4; parts++) {
		for (unsigned ticks = 0; ticks <= BUDGET_TICKS_MAX; ticks++) {
			struct budget b;
			const char *text;

			budget_init(&b, LIMIT);
			if (parts & 1)
				b.given_up[b.given_up_count++] = BUDGET_FAULTS;
			for (unsigned i = 0; i < ticks; i++)
				b.given_up[b.given_up_count++] = BUDGET_TICKS;
			if (parts & 2)
				b.given_up[b.given_up_count++] = BUDGET_CALLS;
			text = budget_text(&b);
			if (!parts && !ticks) {
				assert_null(text);
				continue;
			}
			assert_non_null(text);
			assert_int_equal(!!strstr(text, "page-fault places"), parts & 1);
			assert_int_equal(!!strstr(text, "calls"), parts >> 1);
			assert_int_equal(!!strstr(text, "tick"), ticks > 0);
			for (unsigned i = 0; i < n; i++)
				assert_string_not_equal(text, seen[i]);
			seen[n++] = text;
		}
	}
}

static double random_cost(void)
{
	static const double odd[] = {0, -1, 1e308, 1e-308, NAN, INFINITY, -INFINITY, 0.4, 0.8, 2};

	if (random() % 10 == 0)
		return odd[random() % (sizeof(odd) / sizeof(odd[0]))];
	return (double)random() / RAND_MAX * 3;
}

static void check_invariants(const struct budget *b)
{
	unsigned ticks = budget_has(b, BUDGET_TICKS);

	assert_true(b->given_up_count <= BUDGET_STACK_MAX);
	assert_true(budget_has(b, BUDGET_FAULTS) <= 1);
	assert_true(budget_has(b, BUDGET_CALLS) <= 1);
	assert_true(ticks <= BUDGET_TICKS_MAX);
	assert_int_equal(b->given_up_count,
			 budget_has(b, BUDGET_FAULTS) + budget_has(b, BUDGET_CALLS) + ticks);
	assert_true(b->patience >= PATIENCE_MIN && b->patience <= A_MINUTE);
	assert_int_equal(!budget_text(b), !b->given_up_count);
}

/* Whatever the figures: at most one step at a time, in bounds; all comes back in the end. */
static void test_random_costs(void **state)
{
	static const double nothing[BUDGET_PARTS];

	(void)state;
	srandom(2);
	for (int run = 0; run < 500; run++) {
		struct budget b;
		int idle = 0;

		budget_init(&b, run % 5 ? LIMIT : random_cost());
		if (!(b.limit_pct > 0 && b.limit_pct < 1e9))
			b.limit_pct = LIMIT;
		for (int i = 0; i < 300; i++) {
			double used[BUDGET_PARTS] = {random_cost(), random_cost(), random_cost()};
			unsigned before = b.given_up_count;
			bool changed = budget_update(&b, used,
						     random() % 3 ? used[0] + used[1] + used[2]
								  : random_cost());

			check_invariants(&b);
			assert_int_equal(changed, b.given_up_count != before);
			assert_true(abs((int)b.given_up_count - (int)before) <= 1);
		}
		while (b.given_up_count) {
			budget_update(&b, nothing, 0);
			check_invariants(&b);
			assert_true(++idle <= (BUDGET_STACK_MAX + 1) * (A_MINUTE + 1));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_two_in_a_row),
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_the_dearest_first),
		cmocka_unit_test(test_settles),
		cmocka_unit_test(test_what_costs_nothing_is_kept),
		cmocka_unit_test(test_gives_up_all_there_is),
		cmocka_unit_test(test_takes_back),
		cmocka_unit_test(test_calm_is_in_a_row),
		cmocka_unit_test(test_patience_doubles_and_is_bounded),
		cmocka_unit_test(test_late_burst_is_no_relapse),
		cmocka_unit_test(test_collects),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_random_costs),
	};

	return cmocka_run_group_tests_name("collect/budget", tests, NULL, NULL);
}
