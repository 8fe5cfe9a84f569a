/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What two censuses tell of a leak: constructors, their retainers, bounds of what is copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/census_kept.h"
#include "census_sample.h"

static struct kept compare(const struct census *first, const struct census *now)
{
	struct census_diff *d = census_diff_new(first, NULL, now);
	struct kept k;

	assert_non_null(d);
	memset(&k, 0xff, sizeof(k));
	census_kept(d, &k);
	census_diff_free(d);
	return k;
}

static void test_leak(void **state)
{
	struct census *first = sample_service(0, 0), *now = sample_service(5, 2500);
	const struct kept_constructor *c;
	struct kept k;

	(void)state;
	sample_retainer(now);
	first->pause_ns = 7;
	k = compare(first, now);
	census_free(first);
	census_free(now); /* what was copied refers to nothing */
	assert_int_equal(k.taken_ns, 105 * NSEC_PER_SEC);
	assert_float_equal(k.seconds, 5, 1e-9);
	assert_int_equal(k.pauses_ns[0], 7);
	assert_int_equal(k.pauses_ns[1], 18200000);
	assert_true(k.count >= 1 && k.count <= KEPT_MAX);
	c = &k.constructors[0];
	assert_string_equal(c->name, "StatusContext");
	assert_int_equal(c->kind, CENSUS_OBJECT);
	assert_string_equal(c->file, "/app/handles.js");
	assert_int_equal(c->line, 25);
	assert_int_equal(c->count, 3000);
	assert_int_equal(c->delta_count, 2500);
	assert_int_equal(c->delta_bytes, 160000);
	assert_string_equal(c->by.container, "Map");
	assert_string_equal(c->by.edge, "variable `handleMap`");
	assert_string_equal(c->by.node, "Context, scope of open");
	assert_string_equal(c->by.file, "/app/handles.js");
	assert_int_equal(c->by.line, 12);
	assert_int_equal(c->by.count, 41007);
	for (unsigned i = 1; i < k.count; i++) /* nobody asked who keeps those */
		assert_string_equal(k.constructors[i].by.edge, "");
}

static void test_nothing_grew(void **state)
{
	struct census *first = sample_service(0, 10), *now = sample_service(5, 10);
	struct kept k = compare(first, now);

	(void)state;
	assert_int_equal(k.count, 0);
	census_free(first);
	census_free(now);
}

static struct census *of_long_names(uint64_t count)
{
	static char name[4 * KEPT_NAME], file[4 * KEPT_FILE];
	struct census *c = sample_census((unsigned)count);

	memset(name, 'n', sizeof(name) - 1);
	memset(file, 'f', sizeof(file) - 1);
	strcpy(file + sizeof(file) - 6, "/a.js");
	sample_add(c, (struct constructor){.kind = CENSUS_OBJECT,
					   .name = name,
					   .file = file,
					   .count = count,
					   .bytes = 64 * count});
	return c;
}

/* Of a name the beginning is kept, of a path the end. No container: no share of it. */
static void test_bounds(void **state)
{
	struct census *first = of_long_names(10), *now = of_long_names(1000);
	struct retainer r = {.of = now->constructors[0].name,
			     .of_file = now->constructors[0].file,
			     .container = "Map",
			     .step_count = 2};
	struct kept_constructor *c;
	struct kept k;

	(void)state;
	r.steps[0] = (struct retainer_step){.edge = r.of, .node = r.of};
	r.steps[1] = (struct retainer_step){"x", "y", "/b.js", 3};
	assert_int_equal(census_add_retainer(now, &r), 0);
	k = compare(first, now);
	assert_int_equal(k.count, 1);
	c = &k.constructors[0];
	assert_int_equal(strlen(c->name), KEPT_NAME - 1);
	assert_int_equal(strlen(c->file), KEPT_FILE - 1);
	assert_memory_equal(c->file, "...f", 4);
	assert_string_equal(c->file + KEPT_FILE - 6, "/a.js");
	assert_string_equal(c->by.container, "");
	assert_int_equal(strlen(c->by.edge), KEPT_NAME - 1);
	assert_string_equal(c->by.file, "/b.js");
	assert_int_equal(c->by.line, 3);
	census_free(first);
	census_free(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leak),
		cmocka_unit_test(test_nothing_grew),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("analysis/census_kept", tests, NULL, NULL);
}
