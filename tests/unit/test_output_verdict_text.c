/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verdicts as phrases: what is told of which, how wide it gets, and nothing raw from others. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/verdict_text.h"
#include "verdict_sample.h"

#define REPLACEMENT "\xEF\xBF\xBD"

typedef void add_fn(struct strbuf *out, const struct verdict *v);

static void assert_says(add_fn *add, const struct verdict *v, const char *expected)
{
	struct strbuf out;

	strbuf_init(&out);
	add(&out, v);
	assert_string_equal(out.s, expected);
	strbuf_release(&out);
}

static void test_label(void **state)
{
	struct verdict v = sample_leak();

	(void)state;
	assert_says(verdict_label_add, NULL, "-");
	assert_says(verdict_label_add, &v, "leak 92%");
	v.confidence = 0.9999; /* nothing is certain */
	assert_says(verdict_label_add, &v, "leak 99%");
	v.confidence = NAN;
	assert_says(verdict_label_add, &v, "leak 99%");
	v = sample_calm(VERDICT_WARMING, 0.8);
	assert_says(verdict_label_add, &v, "warming");
	v = sample_calm(VERDICT_EARLY, 0);
	assert_says(verdict_label_add, &v, "too-early");
}

/* Each fits into its column. */
static void test_widths(void **state)
{
	static const double seconds[] = {0,	 1,	59,	3599, 35999, 86399,
					 863999, 8.6e6, 8.64e6, 1e12, 1e300, INFINITY};
	struct verdict v = sample_leak();
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	for (int class = 0; class < VERDICT_CLASSES; class ++) {
		v.class = class;
		v.confidence = 1;
		/* Only these are ever leaks: verdict.c. */
		v.is_leak = class == VERDICT_LEAK || class >= VERDICT_SHMEM;
		strbuf_clear(&out);
		verdict_label_add(&out, &v);
		assert_in_range(out.len, 1, 12);
	}
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		v.limit_seconds = seconds[i];
		strbuf_clear(&out);
		verdict_limit_add(&out, &v);
		assert_in_range(out.len, 1, 6);
	}
	strbuf_release(&out);
}

static void test_limit(void **state)
{
	struct verdict v = sample_leak();

	(void)state;
	assert_says(verdict_limit_add, NULL, "-");
	assert_says(verdict_limit_add, &v, "3m20s");
	v.limit_seconds = 0;
	assert_says(verdict_limit_add, &v, "0s");
	v.limit_seconds = 100 * 86400.0;
	assert_says(verdict_limit_add, &v, ">99d");
	v.limit_seconds = INFINITY;
	assert_says(verdict_limit_add, &v, "-");
	assert_false(verdict_has_limit(&v));
	v = sample_calm(VERDICT_STEADY, 0.9);
	assert_says(verdict_limit_add, &v, "-");
	assert_false(verdict_has_limit(&v));
	assert_false(verdict_has_limit(NULL));
}

static void test_text(void **state)
{
	struct verdict v = sample_leak();

	(void)state;
	assert_says(verdict_text_add, &v,
		    "leak, 92 % sure: +1.2M/s (+1.1M/s to +1.3M/s); memory.max of /x (512.0M) in "
		    "3m20s");
	v.class = VERDICT_EXTERNAL;
	v.limit.kind = LIMIT_MACHINE;
	v.limit.where = NULL;
	assert_says(verdict_text_add, &v,
		    "leak (external), 92 % sure: +1.2M/s (+1.1M/s to +1.3M/s); machine (512.0M) in "
		    "3m20s");
	v.limit.kind = LIMIT_NONE;
	assert_says(verdict_text_add, &v,
		    "leak (external), 92 % sure: +1.2M/s (+1.1M/s to +1.3M/s)");
	/* Of what is no leak a slope would be noise. */
	v = sample_calm(VERDICT_STEADY, 0.9);
	v.trend.slope = 1;
	assert_says(verdict_text_add, &v, "steady, 90 % sure: comes back to the same floor");
	v = sample_calm(VERDICT_EARLY, 0);
	assert_says(verdict_text_add, &v, "too early to say");
}

static void add_evidence(struct strbuf *out, const struct verdict *v)
{
	verdict_evidence_add(out, v, "#  ");
}

/* Paths of cgroups are made by others, and a sentence may be cut within a character. */
static void test_hostile(void **state)
{
	struct verdict v = sample_leak();
	struct strbuf out;

	(void)state;
	v.limit.where = "/a\n# fake\033[2J\xff";
	strbuf_init(&out);
	verdict_text_add(&out, &v);
	assert_non_null(
		strstr(out.s, "/a" REPLACEMENT "# fake" REPLACEMENT "[2J" REPLACEMENT " ("));
	assert_null(strpbrk(out.s, "\n\033\xff"));
	strbuf_release(&out);
	strcpy(v.evidence[0], "of /a\n\033[2J\u202e");
	strcpy(v.evidence[1], "cut \xe2\x82");
	assert_says(add_evidence, &v,
		    "#  of /a" REPLACEMENT REPLACEMENT "[2J" REPLACEMENT "\n#  cut " REPLACEMENT
		    "\n");
	memset(v.evidence[0], 'x', VERDICT_SENTENCE); /* no NUL: to its end and no further */
	v.evidence_count = 1;
	strbuf_init(&out);
	add_evidence(&out, &v);
	assert_int_equal(out.len, 3 + VERDICT_SENTENCE + 1);
	strbuf_release(&out);
	v.evidence_count = 0;
	assert_says(add_evidence, &v, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_label),	cmocka_unit_test(test_widths),
		cmocka_unit_test(test_limit),	cmocka_unit_test(test_text),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests_name("output/verdict_text", tests, NULL, NULL);
}
