/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Constructors by name, and the name that was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/census_names.h"
#include "census_sample.h"

static void test_find(void **state)
{
	struct census *c = sample_service(0, 1);
	const struct constructor *found[2];

	(void)state;
	assert_int_equal(census_find(c, "StatusContext", found, 2), 1);
	assert_string_equal(found[0]->file, "/app/handles.js");
	assert_int_equal(census_find(c, "statuscontext", found, 2), 0);
	assert_int_equal(census_find(c, "", found, 2), 0);
	for (unsigned i = 0; i < 3; i++)
		sample_add(c, (struct constructor){.name = "Same", .line = i, .bytes = i});
	assert_int_equal(census_find(c, "Same", found, 2), 2);
	assert_int_equal(found[0]->line, 0);
	assert_int_equal(found[1]->line, 1);
	census_free(c);
}

static void suggests(const struct census *c, const char *name, const char *wanted)
{
	const char *like = census_suggest(c, name);

	if (!wanted)
		assert_null(like);
	else if (!like || strcmp(like, wanted))
		fail_msg("'%s' gives '%s', not '%s'", name, like ? like : "nothing", wanted);
}

static void test_suggest(void **state)
{
	static char long_name[5000];
	struct census *c = sample_service(0, 1);

	(void)state;
	memset(long_name, 'x', sizeof(long_name) - 1);
	sample_add(c, (struct constructor){.name = long_name, .bytes = UINT32_MAX});
	sample_add(c, (struct constructor){.name = "onTick()", .bytes = 1});
	sample_add(c, (struct constructor){.name = "onTicket()", .bytes = 2});
	suggests(c, "statuscontext", "StatusContext");
	suggests(c, "StatusContxt", "StatusContext");
	suggests(c, "StatusConetxt", "StatusContext");
	suggests(c, "Context", "StatusContext");
	suggests(c, "onTick", "onTicket()"); /* both hold it: the larger one */
	suggests(c, "ONTICK()", "onTick()");
	suggests(c, "string", "(string)");
	suggests(c, "tags", "{tags, note, buf}");
	suggests(c, "Nothing", NULL);
	suggests(c, "", NULL);
	suggests(c, "q", NULL);
	suggests(c, long_name, long_name);
	long_name[0] = 'y';
	suggests(c, long_name, NULL);
	census_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_suggest),
	};

	return cmocka_run_group_tests_name("analysis/census_names", tests, NULL, NULL);
}
