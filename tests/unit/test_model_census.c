/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A census as data: what is added is a copy, through growth; the order; kinds by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/census.h"

#define MANY 1000

static void test_constructors_are_copies(void **state)
{
	struct census *c = census_new();
	char name[32], file[] = "/app/handles.js";

	(void)state;
	assert_non_null(c);
	for (unsigned i = 0; i < MANY; i++) {
		struct constructor from = {.kind = CENSUS_CLOSURE,
					   .isolate = 3,
					   .name = name,
					   .file = i % 2 ? file : NULL,
					   .line = i,
					   .count = i + 1,
					   .bytes = 7 * i,
					   .external_bytes = 9 * i};

		snprintf(name, sizeof(name), "Class%u", i);
		assert_int_equal(census_add_constructor(c, &from), 0);
	}
	memset(file, 'x', sizeof(file) - 1);
	assert_int_equal(c->constructor_count, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		const struct constructor *k = &c->constructors[i];

		snprintf(name, sizeof(name), "Class%u", i);
		assert_string_equal(k->name, name);
		assert_int_equal(k->kind, CENSUS_CLOSURE);
		assert_int_equal(k->isolate, 3);
		assert_null(k->class_name);
		if (i % 2)
			assert_string_equal(k->file, "/app/handles.js");
		else
			assert_null(k->file);
		assert_true(k->line == i && k->count == i + 1 && k->bytes == 7 * i &&
			    k->external_bytes == 9 * i);
	}
	assert_int_equal(c->lost.names, 0);
	census_free(c);
	census_free(NULL);
}

static void test_retainers_are_copies(void **state)
{
	struct census *c = census_new();
	char of[] = "StatusContext", edge[] = "variable `handleMap`", node[] = "Context";
	struct retainer from = {.of = of,
				.share = 0.5,
				.instances = 10,
				.step_count = 2,
				.owner_count = 1,
				.steps_left_out = 4};

	(void)state;
	assert_non_null(c);
	from.steps[0] = (struct retainer_step){edge, node, "/app/a.js", 12};
	from.owners[0] = (struct retainer_step){edge, node, NULL, 0};
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(census_add_retainer(c, &from), 0);
	of[0] = edge[0] = node[0] = '?';
	for (unsigned i = 0; i < 40; i++) {
		const struct retainer *r = &c->retainers[i];

		assert_string_equal(r->of, "StatusContext");
		assert_null(r->of_file);
		assert_null(r->container);
		assert_string_equal(r->steps[0].edge, "variable `handleMap`");
		assert_string_equal(r->steps[0].node, "Context");
		assert_string_equal(r->steps[0].file, "/app/a.js");
		assert_int_equal(r->steps[0].line, 12);
		assert_string_equal(r->steps[1].edge, ""); /* never NULL */
		assert_ptr_equal(r->owners[0].node, r->steps[0].node);
		assert_true(r->instances == 10 && r->steps_left_out == 4);
	}
	census_free(c);
}

static void add(struct census *c, const char *name, const char *file, uint64_t count,
		uint64_t bytes)
{
	struct constructor k = {.name = name, .file = file, .count = count, .bytes = bytes};

	assert_int_equal(census_add_constructor(c, &k), 0);
}

static void test_order(void **state)
{
	static const char *const wanted[] = {"most", "more", "b", "b", "c", "least"};
	struct census *c = census_new();

	(void)state;
	assert_non_null(c);
	census_sort(c); /* of nothing */
	add(c, "least", NULL, 9, 1);
	add(c, "c", NULL, 2, 10);
	add(c, "b", "z.js", 2, 10);
	add(c, "more", NULL, 3, 10);
	add(c, "b", "a.js", 2, 10);
	add(c, "most", NULL, 1, 12);
	c->constructors[5].bytes = 1;
	c->constructors[5].external_bytes = 11; /* of a Buffer */
	census_sort(c);
	for (unsigned i = 0; i < 6; i++)
		assert_string_equal(c->constructors[i].name, wanted[i]);
	assert_string_equal(c->constructors[2].file, "a.js");
	census_free(c);
}

static void test_names_that_do_not_fit(void **state)
{
	static char large[(20u << 20) + 1];
	struct census *c = census_new();

	(void)state;
	assert_non_null(c);
	memset(large, 'a', sizeof(large) - 1);
	add(c, large, NULL, 1, 1);
	large[0] = 'b';
	add(c, large, "f.js", 1, 1);
	assert_string_equal(c->constructors[1].name, INTERN_FULL);
	assert_string_equal(c->constructors[1].file, "f.js");
	assert_int_equal(c->lost.names, 1);
	census_free(c);
}

static void test_kinds(void **state)
{
	(void)state;
	for (int kind = 0; kind < CENSUS_KINDS; kind++) {
		assert_non_null(census_kind_name((unsigned)kind));
		assert_int_equal(census_kind_parse(census_kind_name((unsigned)kind)), kind);
	}
	assert_int_equal(census_kind_parse("objects"), -1);
	assert_int_equal(census_kind_parse(""), -1);
	assert_string_equal(census_kind_name(255), "system");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constructors_are_copies),
		cmocka_unit_test(test_retainers_are_copies),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_names_that_do_not_fit),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests_name("model/census", tests, NULL, NULL);
}
