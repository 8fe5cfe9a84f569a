/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which sites explain which class of a verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/culprits.h"
#include "sample.h"

#define MIB (1024ULL * 1024)
#define MAX 5

static int setup(void **state)
{
	*state = site_table_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	site_table_free(*state);
	return 0;
}

/* So many samples of a MiB each in a function of the user's own. */
static void add(struct site_table *t, enum mw_site_kind kind, const char *fn, unsigned mib)
{
	const struct frame f = sample_native(FRAME_USER, fn, "/srv/app", 1);

	while (mib--)
		sample_site(t, kind, &f, 1, MIB);
	site_table_finish_tick(t);
}

/* The function of the one that is found at @at; NULL: there is none. */
static const char *culprit(struct site_table *t, enum verdict_class class, unsigned at)
{
	struct site_group list[MAX];
	unsigned count = culprits_find(class, t, list, MAX);

	return at < count ? list[at].top->stack->frames[0].fn : NULL;
}

static void test_kinds(void **state)
{
	struct site_table *t = *state;

	add(t, MW_SITE_MMAP, "map", 9);
	assert_string_equal(culprit(t, VERDICT_LEAK, 0), "map"); /* better than nothing */
	add(t, MW_SITE_BRK, "extend", 1);
	assert_string_equal(culprit(t, VERDICT_LEAK, 0), "extend");
	add(t, MW_SITE_FAULT, "touch", 1);
	assert_string_equal(culprit(t, VERDICT_LEAK, 0), "touch");
	assert_string_equal(culprit(t, VERDICT_EXTERNAL, 0), "touch");
	add(t, MW_SITE_EXTERNAL, "buffer", 3);
	add(t, MW_SITE_V8_SURVIVED, "keep", 3);
	assert_string_equal(culprit(t, VERDICT_LEAK, 0), "keep");
	assert_null(culprit(t, VERDICT_LEAK, 1));
	assert_string_equal(culprit(t, VERDICT_WARMING, 0), "keep");
	assert_string_equal(culprit(t, VERDICT_EXTERNAL, 0), "buffer");
	assert_string_equal(culprit(t, VERDICT_EXTERNAL, 1), "touch");
	assert_string_equal(culprit(t, VERDICT_MAPPINGS, 0), "map");
	assert_string_equal(culprit(t, VERDICT_STACKS, 0), "map");
	assert_string_equal(culprit(t, VERDICT_SHMEM, 0), "touch");
	assert_null(culprit(t, VERDICT_STEADY, 0));
	assert_null(culprit(t, VERDICT_CHURN, 0));
	assert_null(culprit(t, VERDICT_EARLY, 0));
}

static void test_order(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
	struct site_table *t = *state;

	for (unsigned i = 0; i < 7; i++)
		add(t, MW_SITE_FAULT, names[i], i + 1);
	for (unsigned i = 0; i < MAX; i++)
		assert_string_equal(culprit(t, VERDICT_LEAK, i), names[6 - i]);
	assert_null(culprit(t, VERDICT_LEAK, MAX));
}

/* The runtime's own work is nobody's fault, and then the next kind is looked at. */
static void test_innocent(void **state)
{
	struct site_table *t = *state;
	const struct frame gc = sample_native(FRAME_RUNTIME, "v8::internal::Scavenger::Process()",
					      "/usr/bin/node", 1);

	assert_null(culprit(t, VERDICT_LEAK, 0));
	assert_int_equal(culprits_find(VERDICT_LEAK, NULL, NULL, 0), 0);
	assert_non_null(sample_site(t, MW_SITE_FAULT, &gc, 1, 9 * MIB)->note);
	site_table_finish_tick(t);
	assert_null(culprit(t, VERDICT_LEAK, 0));
	add(t, MW_SITE_BRK, "extend", 1);
	assert_string_equal(culprit(t, VERDICT_LEAK, 0), "extend");
	add(t, MW_SITE_FAULT, "touch", 1);
	assert_string_equal(culprit(t, VERDICT_LEAK, 0), "touch");
	assert_null(culprit(t, VERDICT_LEAK, 1));
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TABLE(test_kinds),
		WITH_TABLE(test_order),
		WITH_TABLE(test_innocent),
	};

	return cmocka_run_group_tests_name("analysis/culprits", tests, NULL, NULL);
}
