/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses side by side: what is one constructor, what came and went, and which are the growers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/census_diff.h"
#include "census_sample.h"

static const struct census_change *find(const struct census_diff *d, const char *name)
{
	for (unsigned i = 0; i < d->count; i++) {
		if (!strcmp(d->changes[i].what->name, name))
			return &d->changes[i];
	}
	fail_msg("no %s", name);
	return NULL;
}

static void test_growth(void **state)
{
	static const char *const order[] = {"StatusContext", "(anonymous)()", "{tags, note, buf}"};
	struct census *a = sample_service(0, 0), *b = sample_service(10, 2000),
		      *c = sample_service(14, 2500);
	struct census_diff *d = census_diff_new(a, b, c);
	const struct census_change *k;

	(void)state;
	assert_non_null(d);
	assert_true(d->by_isolate && d->isolate_count == 1 && d->isolates[0].id == 0x7f001000);
	assert_int_equal(d->count, 6);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(d->changes[i].what->name, order[i]);
	k = &d->changes[0];
	assert_int_equal(census_grown_count(k->at, CENSUS_FIRST), 2500);
	assert_int_equal(census_grown_bytes(k->at, CENSUS_FIRST), 160000);
	assert_int_equal(census_grown_count(k->at, CENSUS_BEFORE), 500);
	assert_int_equal(k->at[CENSUS_NOW].count, 3000);
	assert_true(!k->is_gone && k->isolate == 0 && k->what == &c->constructors[3 - 1]);
	assert_int_equal(census_grown_count(find(d, "(string)")->at, CENSUS_FIRST), 0);
	assert_int_equal(census_grown_count(d->total, CENSUS_FIRST), 7500);
	assert_int_equal(census_grown_count(d->isolates[0].at, CENSUS_BEFORE), 1500);
	assert_true(census_diff_seconds(d, CENSUS_FIRST) == 14);
	assert_true(census_diff_seconds(d, CENSUS_BEFORE) == 4);
	census_diff_free(d);
	d = census_diff_new(a, NULL, c);
	assert_non_null(d);
	assert_ptr_equal(d->of[CENSUS_BEFORE], a);
	assert_int_equal(census_grown_count(d->changes[0].at, CENSUS_BEFORE), 2500);
	census_diff_free(d);
	census_diff_free(NULL);
	census_free(a);
	census_free(b);
	census_free(c);
}

static void test_what_came_and_went(void **state)
{
	struct census *a = sample_service(0, 100), *b = sample_service(5, 100);
	struct census_diff *d;

	(void)state;
	sample_add(a, (struct constructor){.name = "Gone", .count = 10, .bytes = 1000});
	sample_add(b, (struct constructor){.name = "New", .count = 20, .bytes = 900});
	sample_add(b, (struct constructor){.name = "New", .count = 1, .bytes = 1}); /* twice */
	d = census_diff_new(a, NULL, b);
	assert_non_null(d);
	assert_int_equal(d->count, 8);
	assert_string_equal(d->changes[0].what->name, "New");
	assert_int_equal(census_grown_count(d->changes[0].at, CENSUS_FIRST), 21);
	assert_int_equal(d->changes[0].at[CENSUS_FIRST].count, 0);
	assert_string_equal(d->changes[7].what->name, "Gone");
	assert_true(d->changes[7].is_gone);
	assert_int_equal(census_grown_bytes(d->changes[7].at, CENSUS_FIRST), -1000);
	census_diff_free(d);
	census_free(a);
	census_free(b);
}

/* The same name with another file, line, class or kind is another. */
static void test_keys(void **state)
{
	static const struct constructor keys[] = {
		{.name = "A"},
		{.name = "A", .file = "a.js"},
		{.name = "A", .file = "b.js"},
		{.name = "A", .file = "a.js", .line = 2},
		{.name = "A", .kind = CENSUS_CLOSURE},
		{.name = "A", .class_name = "B"},
	};
	unsigned count = sizeof(keys) / sizeof(keys[0]);
	struct census *a = sample_census(0), *b = sample_census(1);
	struct census_diff *d;

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		struct constructor k = keys[i], more = keys[count - 1 - i];

		k.count = 1;
		more.count = 3;
		sample_add(a, k);
		sample_add(b, more);
	}
	d = census_diff_new(a, NULL, b);
	assert_non_null(d);
	assert_int_equal(d->count, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(census_grown_count(d->changes[i].at, CENSUS_FIRST), 2);
	census_diff_free(d);
	census_free(a);
	census_free(b);
}

static struct census *of_two_isolates(uint64_t first, uint64_t second)
{
	struct census *c = sample_census(0);

	c->isolates[0].id = first;
	c->isolates[1] = (struct census_isolate){.id = second};
	c->isolate_count = 2;
	sample_add(c, (struct constructor){.name = "A", .isolate = 0, .count = 10, .bytes = 10});
	sample_add(c, (struct constructor){.name = "A", .isolate = 1, .count = 100, .bytes = 100});
	return c;
}

static void test_isolates(void **state)
{
	struct census *a = of_two_isolates(0x1000, 0x2000), *b = of_two_isolates(0x2000, 0x3000);
	struct census_diff *d = census_diff_new(a, NULL, b);

	(void)state;
	assert_non_null(d);
	assert_true(d->by_isolate);
	assert_int_equal(d->isolate_count, 3);
	assert_int_equal(d->count, 3);
	/* 0x3000 is new, 0x1000 ended, 0x2000 lost 90 */
	assert_int_equal(d->isolates[d->changes[0].isolate].id, 0x3000);
	assert_int_equal(census_grown_count(d->changes[0].at, CENSUS_FIRST), 100);
	assert_int_equal(d->isolates[d->changes[1].isolate].id, 0x1000);
	assert_true(d->changes[1].is_gone);
	assert_int_equal(census_grown_count(d->changes[2].at, CENSUS_FIRST), -90);
	census_diff_free(d);
	b->start_ns++; /* another process: the same addresses say nothing */
	d = census_diff_new(a, NULL, b);
	assert_non_null(d);
	assert_true(!d->by_isolate && !d->isolate_count && d->count == 1);
	assert_int_equal(d->changes[0].isolate, -1);
	assert_int_equal(census_grown_count(d->changes[0].at, CENSUS_FIRST), 0);
	assert_int_equal(d->changes[0].at[CENSUS_NOW].count, 110);
	assert_true(census_diff_seconds(d, CENSUS_FIRST) == 0);
	census_diff_free(d);
	census_free(a);
	census_free(b);
}

static void test_numbers_of_any_size(void **state)
{
	struct census *a = sample_census(0), *b = sample_census(1);
	struct census_diff *d;

	(void)state;
	for (int i = 0; i < 3; i++)
		sample_add(b, (struct constructor){.name = "A",
						   .count = UINT64_MAX,
						   .bytes = UINT64_MAX,
						   .external_bytes = UINT64_MAX});
	d = census_diff_new(a, NULL, b);
	assert_non_null(d);
	assert_true(census_grown_bytes(d->changes[0].at, CENSUS_FIRST) == INT64_MAX);
	assert_true(census_grown_count(d->total, CENSUS_FIRST) == INT64_MAX);
	census_diff_free(d);
	d = census_diff_new(b, NULL, a);
	assert_non_null(d);
	assert_true(census_grown_bytes(d->changes[0].at, CENSUS_FIRST) == -INT64_MAX);
	census_diff_free(d);
	d = census_diff_new(a, NULL, a); /* of nothing */
	assert_non_null(d);
	assert_int_equal(d->count, 0);
	census_diff_free(d);
	census_free(a);
	census_free(b);
}

/* --- growers --- */

static unsigned growers(struct census *a, struct census *b, const char *names[CENSUS_GROWERS_MAX])
{
	const struct census_change *out[CENSUS_GROWERS_MAX];
	struct census_diff *d = census_diff_new(a, NULL, b);
	unsigned count;

	assert_non_null(d);
	count = census_diff_growers(d, CENSUS_FIRST, out);
	for (unsigned i = 0; i < count; i++)
		names[i] = out[i]->what->name;
	census_diff_free(d);
	return count;
}

static void test_growers(void **state)
{
	const char *names[CENSUS_GROWERS_MAX];
	struct census *a = sample_service(0, 0), *b = sample_service(1, 2500);

	(void)state;
	/* Noise of all kinds, and what V8 does for itself */
	sample_add(b, (struct constructor){.name = "Noise", .count = 9, .bytes = 5000});
	sample_add(b,
		   (struct constructor){
			   .kind = CENSUS_SHAPE, .name = "(map)", .count = 5000, .bytes = 9 << 20});
	sample_add(b, (struct constructor){.kind = CENSUS_ARRAY,
					   .name = "(array)",
					   .count = 5000,
					   .bytes = 400000});
	/* Objects before closures, however much these grew; arrays hang below them. */
	assert_int_equal(growers(a, b, names), 3);
	assert_string_equal(names[0], "StatusContext");
	assert_string_equal(names[1], "{tags, note, buf}");
	assert_string_equal(names[2], "(anonymous)()");
	assert_int_equal(growers(b, a, names), 0); /* all of it shrank */
	assert_int_equal(growers(a, a, names), 0);
	census_free(a);
	census_free(b);
}

/* What is kept hangs on a few objects of the program's own. */
static void test_growers_of_the_program(void **state)
{
	const char *names[CENSUS_GROWERS_MAX];
	struct census *a = sample_census(0), *b = sample_service(1, 2500);
	static const char *const large[] = {"Date", "{a, b}", "Array", "Map"};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		sample_add(b, (struct constructor){
				      .name = large[i], .count = 10000, .bytes = (9 - i) << 20});
	sample_add(b, (struct constructor){.name = "ServerResponse",
					   .file = "node:_http_server",
					   .count = 2500,
					   .bytes = 1 << 20});
	assert_int_equal(growers(a, b, names), 3);
	assert_string_equal(names[0], "StatusContext");
	assert_string_equal(names[1], "Date");
	assert_string_equal(names[2], "{a, b}");
	sample_add(b, (struct constructor){.name = "Esm",
					   .file = "file:///app/a.mjs",
					   .count = 2500,
					   .bytes = 1 << 20});
	assert_int_equal(growers(a, b, names), 3);
	assert_string_equal(names[0], "Esm");
	sample_add(b, (struct constructor){.name = "Blob", .count = 1, .bytes = 1u << 30});
	assert_int_equal(growers(a, b, names), 1); /* too little beside that */
	assert_string_equal(names[0], "Blob");
	census_free(a);
	census_free(b);
}

static void test_growers_when_objects_do_not_explain_it(void **state)
{
	const char *names[CENSUS_GROWERS_MAX];
	struct census *a = sample_census(0), *b = sample_census(1);

	(void)state;
	sample_add(a, (struct constructor){
			      .kind = CENSUS_ARRAY, .name = "(array)", .count = 1, .bytes = 1000});
	sample_add(b, (struct constructor){.kind = CENSUS_ARRAY,
					   .name = "(array)",
					   .count = 1,
					   .bytes = 9000000}); /* one that became larger */
	sample_add(b, (struct constructor){.name = "Some", .count = 90, .bytes = 900000});
	assert_int_equal(growers(a, b, names), 2);
	assert_string_equal(names[0], "Some");
	assert_string_equal(names[1], "(array)");
	census_free(b);
	b = sample_census(1); /* Buffers: small objects, much outside of the heap */
	sample_add(b, (struct constructor){.name = "Some", .count = 90, .bytes = 900000});
	sample_add(b, (struct constructor){.name = "ArrayBuffer",
					   .count = 9,
					   .bytes = 900,
					   .external_bytes = 2 << 20});
	assert_int_equal(growers(a, b, names), 2);
	assert_string_equal(names[0], "ArrayBuffer");
	census_free(a);
	census_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_what_came_and_went),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_isolates),
		cmocka_unit_test(test_numbers_of_any_size),
		cmocka_unit_test(test_growers),
		cmocka_unit_test(test_growers_of_the_program),
		cmocka_unit_test(test_growers_when_objects_do_not_explain_it),
	};

	return cmocka_run_group_tests_name("analysis/census_diff", tests, NULL, NULL);
}
