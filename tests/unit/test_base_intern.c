/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interning: one address a string, through growth; the limit; strings of every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/intern.h"

#define MANY 50000

static void test_equal_strings_are_one(void **state)
{
	struct intern *in = intern_new(1 << 20);
	char a[] = "saveContext", b[] = "saveContext";
	const char *one;

	(void)state;
	assert_non_null(in);
	one = intern_str(in, a);
	assert_string_equal(one, "saveContext");
	assert_ptr_not_equal(one, a);
	assert_ptr_equal(intern_str(in, b), one);
	assert_ptr_equal(intern_add(in, b, sizeof(b)), one); /* the NUL ends it */
	assert_ptr_not_equal(intern_add(in, b, 4), one);
	assert_string_equal(intern_add(in, b, 4), "save");
	a[0] = 'S'; /* it is a copy */
	assert_string_equal(one, "saveContext");
	assert_null(intern_str(in, NULL));
	assert_int_equal(intern_refused(in), 0);
	intern_free(in);
	intern_free(NULL);
}

static void test_empty_and_lengths(void **state)
{
	struct intern *in = intern_new(16 << 20);
	const char *kept[300];
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 0; len < 300; len++)
		kept[len] = intern_add(in, text, len);
	for (size_t len = 0; len < 300; len++) {
		assert_int_equal(strlen(kept[len]), len);
		assert_ptr_equal(intern_add(in, text, len), kept[len]);
	}
	intern_free(in);
}

static void test_many(void **state)
{
	struct intern *in = intern_new(16 << 20);
	const char **kept = calloc(MANY, sizeof(*kept));
	char name[64];

	(void)state;
	assert_non_null(kept);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "ns::Class%d::method(int)", i);
		kept[i] = intern_str(in, name);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "ns::Class%d::method(int)", i);
		assert_string_equal(kept[i], name); /* nothing moved */
		assert_ptr_equal(intern_str(in, name), kept[i]);
	}
	assert_int_equal(intern_refused(in), 0);
	/* about 30 bytes a name, and at most 16 / (3/8) a slot */
	assert_true(intern_bytes(in) < MANY * 80u);
	free(kept);
	intern_free(in);
}

static void test_limit(void **state)
{
	struct intern *in = intern_new(1000);
	const char *first, *refused;
	char name[128];
	int kept = 0;

	(void)state;
	first = intern_str(in, "first");
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%099d", i);
		kept += strcmp(intern_str(in, name), INTERN_FULL) != 0;
	}
	assert_int_equal(kept, 9); /* 100 bytes each, and 6 of the first */
	assert_int_equal(intern_refused(in), 91);
	assert_ptr_equal(intern_str(in, "first"), first); /* what is known still is */
	snprintf(name, sizeof(name), "%099d", 3);
	assert_string_equal(intern_str(in, name), name);
	refused = intern_str(in, "one that is longer than what is left of the limit, which is 94 "
				 "bytes, so that it cannot fit in");
	assert_string_equal(refused, INTERN_FULL);
	snprintf(name, sizeof(name), "%0105d", 4);
	assert_ptr_equal(intern_str(in, name), refused); /* one string */
	intern_free(in);

	in = intern_new(0);
	assert_string_equal(intern_str(in, ""), INTERN_FULL);
	intern_free(in);
}

static void test_large_strings(void **state)
{
	struct intern *in = intern_new(8 << 20);
	size_t len = 1 << 20;
	char *large = malloc(len + 1);
	const char *small_before, *kept, *small_after;

	(void)state;
	assert_non_null(large);
	memset(large, 'y', len);
	large[len] = '\0';
	small_before = intern_str(in, "a");
	kept = intern_str(in, large);
	small_after = intern_str(in, "b");
	assert_int_equal(strlen(kept), len);
	assert_ptr_equal(intern_str(in, large), kept);
	assert_ptr_equal(small_after, small_before + 2); /* the chunk goes on being filled */
	assert_true(intern_bytes(in) < (2u << 20));
	free(large);
	intern_free(in);
}

static void test_bytes_that_are_not_text(void **state)
{
	static const char a[] = "\xff\xfe\x01\t\n", b[] = "\xff\xfe\x01\t\r";
	struct intern *in = intern_new(1 << 10);

	(void)state;
	assert_string_equal(intern_str(in, a), a);
	assert_string_equal(intern_str(in, b), b);
	assert_ptr_not_equal(intern_str(in, a), intern_str(in, b));
	assert_string_equal(intern_add(in, "cut\0here", 8), "cut");
	intern_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_strings_are_one),
		cmocka_unit_test(test_empty_and_lengths),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_large_strings),
		cmocka_unit_test(test_bytes_that_are_not_text),
	};

	return cmocka_run_group_tests_name("base/intern", tests, NULL, NULL);
}
