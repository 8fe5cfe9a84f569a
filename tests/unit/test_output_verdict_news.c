/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which verdicts are told: another one, not each one; of a whole machine leaks only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kept_sample.h"
#include "output/verdict_news.h"
#include "verdict_sample.h"

static int setup(void **state)
{
	static struct verdict_news news;

	*state = &news;
	return verdict_news_init(&news);
}

static int teardown(void **state)
{
	verdict_news_release(*state);
	return 0;
}

/* What a change to @class of process 1 is; leaks are surely so. */
static enum news take(struct verdict_news *n, enum verdict_class class, bool is_last,
		      bool only_leaks)
{
	struct verdict v = sample_calm(class, class == VERDICT_EARLY ? 0 : 0.9);
	struct process p = {.pid = 1, .start_ns = 5, .now_ns = 60000000000, .verdict = &v};

	v.is_leak = class >= VERDICT_SHMEM;
	return verdict_news_take(n, &p, is_last, only_leaks);
}

static void test_named(void **state)
{
	struct verdict_news *n = *state;

	assert_int_equal(take(n, VERDICT_EARLY, false, false), NEWS_NONE);
	assert_int_equal(take(n, VERDICT_STEADY, false, false), NEWS_LINE);
	assert_int_equal(take(n, VERDICT_STEADY, false, false), NEWS_NONE);
	assert_int_equal(take(n, VERDICT_LEAK, false, false), NEWS_FULL);
	assert_int_equal(take(n, VERDICT_LEAK, false, false), NEWS_NONE);
	assert_int_equal(take(n, VERDICT_EXTERNAL, false, false), NEWS_LINE);
	assert_int_equal(take(n, VERDICT_EARLY, false, false), NEWS_LINE);
	assert_int_equal(take(n, VERDICT_WARMING, false, false), NEWS_LINE);
	assert_int_equal(take(n, VERDICT_WARMING, true, false), NEWS_FULL);
	assert_int_equal(n->told.count, 0);
	assert_int_equal(take(n, VERDICT_EARLY, true, false), NEWS_FULL); /* also of another */
}

/* It came and went: that nothing can be said is no news. */
static void test_brief(void **state)
{
	struct verdict v = sample_calm(VERDICT_EARLY, 0);
	struct process p = {.pid = 1, .now_ns = 9000000000, .verdict = &v};

	assert_int_equal(verdict_news_take(*state, &p, true, false), NEWS_NONE);
	p.now_ns = 11000000000;
	assert_int_equal(verdict_news_take(*state, &p, true, false), NEWS_FULL);
}

static void test_whole_machine(void **state)
{
	struct verdict_news *n = *state;

	assert_int_equal(take(n, VERDICT_STEADY, false, true), NEWS_NONE);
	assert_int_equal(take(n, VERDICT_WARMING, true, true), NEWS_NONE);
	assert_int_equal(n->told.count, 0);
	assert_int_equal(take(n, VERDICT_STACKS, false, true), NEWS_FULL);
	assert_int_equal(take(n, VERDICT_STACKS, false, true), NEWS_NONE);
	assert_int_equal(take(n, VERDICT_STEADY, false, true), NEWS_LINE); /* no longer */
	assert_int_equal(take(n, VERDICT_WARMING, false, true), NEWS_NONE);
	assert_int_equal(take(n, VERDICT_LEAK, false, true), NEWS_FULL);
	assert_int_equal(take(n, VERDICT_LEAK, true, true), NEWS_FULL);
	assert_int_equal(n->told.count, 0);
}

/* Of one that ends while it is too early there may be no last verdict: nothing is kept till then.
 */
static void test_nothing_stays(void **state)
{
	struct verdict_news *n = *state;

	assert_int_equal(take(n, VERDICT_LEAK, false, true), NEWS_FULL);
	assert_int_equal(take(n, VERDICT_EARLY, false, true), NEWS_LINE);
	assert_int_equal(n->told.count, 0);
	assert_int_equal(take(n, VERDICT_EARLY, false, true), NEWS_NONE); /* told once */
	assert_int_equal(take(n, VERDICT_LEAK, false, true), NEWS_FULL);
	verdict_news_gone(n, 1, 4); /* who had the PID before */
	verdict_news_gone(n, 2, 5);
	assert_int_equal(take(n, VERDICT_LEAK, false, true), NEWS_NONE);
	verdict_news_gone(n, 1, 5);
	assert_int_equal(n->told.count, 0);
	verdict_news_gone(n, 1, 5);
}

/* A PID that is used again is another process; one that is not judged is none. */
static void test_identity(void **state)
{
	struct verdict_news *n = *state;
	struct verdict v = sample_leak();
	struct process p = {.pid = 1, .start_ns = 5};

	assert_int_equal(verdict_news_take(n, &p, true, false), NEWS_NONE);
	p.verdict = &v;
	assert_int_equal(verdict_news_take(n, &p, false, true), NEWS_FULL);
	assert_int_equal(verdict_news_take(n, &p, false, true), NEWS_NONE);
	p.start_ns = 6;
	assert_int_equal(verdict_news_take(n, &p, false, true), NEWS_FULL);
	for (uint32_t pid = 2; pid < 5000; pid++) {
		p.pid = pid;
		assert_int_equal(verdict_news_take(n, &p, false, true), NEWS_FULL);
	}
	p.pid = 4321;
	assert_int_equal(verdict_news_take(n, &p, false, true), NEWS_NONE);
}

/* What it consists of is told once for each time that it was looked into. */
static void test_kept(void **state)
{
	struct verdict v = sample_leak();
	struct kept kept = sample_kept();
	struct process p = {.pid = 1, .start_ns = 5, .verdict = &v};

	assert_int_equal(verdict_news_take(*state, &p, false, true), NEWS_FULL);
	p.kept = &kept;
	assert_int_equal(verdict_news_take(*state, &p, false, true), NEWS_KEPT);
	assert_int_equal(verdict_news_take(*state, &p, false, true), NEWS_NONE);
	kept.taken_ns++;
	assert_int_equal(verdict_news_take(*state, &p, false, true), NEWS_KEPT);
	p.kept = NULL; /* it is no leak any more, or not known of this one */
	assert_int_equal(verdict_news_take(*state, &p, false, true), NEWS_NONE);
	p.kept = &kept;
	assert_int_equal(verdict_news_take(*state, &p, false, true), NEWS_NONE);
	assert_int_equal(verdict_news_take(*state, &p, true, true), NEWS_FULL);
}

#define WITH_NEWS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_NEWS(test_named),	       WITH_NEWS(test_brief),
		WITH_NEWS(test_whole_machine), WITH_NEWS(test_nothing_stays),
		WITH_NEWS(test_identity),      WITH_NEWS(test_kept),
	};

	return cmocka_run_group_tests_name("output/verdict_news", tests, NULL, NULL);
}
