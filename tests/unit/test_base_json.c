/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The JSON writer: exact text, and json-c as the reader that has to agree.
 */
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* json-c has types of these names, base/json.h functions: keep them apart. */
#define json_object jsonc_object
#define json_bool   jsonc_bool
#include <json-c/json.h>
#undef json_object
#undef json_bool

#include "base/json.h"

static void test_empty_object(void **state)
{
	struct strbuf b;
	struct json j;

	(void)state;
	strbuf_init(&b);
	json_begin(&j, &b);
	json_end(&j);
	json_begin(&j, &b); /* a second line into the same buffer */
	json_u64(&j, "a", 1);
	json_end(&j);
	assert_string_equal(b.s, "{}\n{\"a\":1}\n");
	assert_int_equal(b.err, 0);
	strbuf_release(&b);
}

static void test_all_kinds(void **state)
{
	struct strbuf b;
	struct json j;

	(void)state;
	strbuf_init(&b);
	json_begin(&j, &b);
	json_str(&j, "s", "x\"y");
	json_strn(&j, "n", "abcdef", 3);
	json_str(&j, "z", NULL);
	json_u64(&j, "u", UINT64_MAX);
	json_i64(&j, "i", INT64_MIN);
	json_flag(&j, "t", true);
	json_flag(&j, "f", false);
	json_null(&j, "0");
	json_array_begin(&j, "a");
	json_u64(&j, NULL, 1);
	json_str(&j, NULL, "2");
	json_array_begin(&j, NULL);
	json_array_end(&j);
	json_object_begin(&j, NULL);
	json_object_end(&j);
	json_array_end(&j);
	json_object_begin(&j, "o");
	json_flag(&j, "k", true);
	json_object_end(&j);
	json_null(&j, "last");
	json_end(&j);
	assert_string_equal(b.s, "{\"s\":\"x\\\"y\",\"n\":\"abc\",\"z\":null,"
				 "\"u\":18446744073709551615,\"i\":-9223372036854775808,"
				 "\"t\":true,\"f\":false,\"0\":null,\"a\":[1,\"2\",[],{}],"
				 "\"o\":{\"k\":true},\"last\":null}\n");
	assert_int_equal(b.err, 0);
	strbuf_release(&b);
}

static void test_json_c_reads_it(void **state)
{
	static const char hostile[] = "\x1b]0;x\a\"},{\"pid\":1,\xff\xe2\x80\xae\\";
	struct jsonc_object *o;
	struct strbuf b;
	struct json j;

	(void)state;
	strbuf_init(&b);
	json_begin(&j, &b);
	json_str(&j, "comm", hostile);
	json_u64(&j, "pid", 42);
	json_fixed(&j, "x", -1.5, 3);
	json_end(&j);
	assert_ptr_equal(strchr(b.s, '\n'), b.s + b.len - 1);
	o = json_tokener_parse(b.s);
	assert_non_null(o);
	assert_int_equal(json_object_object_length(o), 3);
	assert_int_equal(json_object_get_int64(json_object_object_get(o, "pid")), 42);
	assert_true(json_object_get_double(json_object_object_get(o, "x")) == -1.5);
	json_object_put(o);
	strbuf_release(&b);
}

static void test_deepest(void **state)
{
	struct strbuf b;
	struct json j;

	(void)state;
	strbuf_init(&b);
	json_begin(&j, &b);
	for (int i = 1; i < JSON_DEPTH; i++)
		json_array_begin(&j, i == 1 ? "a" : NULL);
	json_u64(&j, NULL, 1);
	json_u64(&j, NULL, 2);
	for (int i = 1; i < JSON_DEPTH; i++)
		json_array_end(&j);
	json_end(&j);
	assert_int_equal(b.err, 0);
	assert_string_equal(b.s, "{\"a\":[[[[[[[1,2]]]]]]]}\n");
	strbuf_release(&b);
}

static void test_too_deep_is_an_error(void **state)
{
	struct strbuf b;
	struct json j;

	(void)state;
	strbuf_init(&b);
	json_begin(&j, &b);
	for (int i = 0; i < 100; i++)
		json_object_begin(&j, "o");
	json_u64(&j, "x", 1);
	for (int i = 0; i < 100; i++)
		json_object_end(&j);
	json_end(&j);
	assert_int_equal(b.err, -EOVERFLOW);

	strbuf_clear(&b);
	json_begin(&j, &b);
	json_end(&j);
	assert_int_equal(b.err, 0);
	strbuf_release(&b);
}

static void test_unbalanced_is_an_error(void **state)
{
	struct strbuf b;
	struct json j;

	(void)state;
	strbuf_init(&b);
	json_begin(&j, &b);
	json_object_end(&j);
	assert_int_equal(b.err, -EINVAL);

	strbuf_clear(&b);
	json_begin(&j, &b);
	json_array_begin(&j, "a");
	json_end(&j);
	assert_int_equal(b.err, -EINVAL);

	strbuf_clear(&b);
	json_begin(&j, &b);
	json_end(&j);
	json_u64(&j, "late", 1);
	assert_int_equal(b.err, -EINVAL);
	strbuf_release(&b);
}

static void assert_fixed(double value, int decimals, const char *expected)
{
	struct strbuf b;
	struct json j;

	strbuf_init(&b);
	json_begin(&j, &b);
	strbuf_clear(&b);
	json_fixed(&j, NULL, value, decimals);
	assert_string_equal(b.s, expected);
	strbuf_release(&b);
}

static void test_fixed(void **state)
{
	(void)state;
	assert_fixed(0, 0, "0");
	assert_fixed(0, 2, "0.00");
	assert_fixed(-0.0, 1, "0.0");
	assert_fixed(-0.001, 2, "0.00");
	assert_fixed(-0.005001, 2, "-0.01");
	assert_fixed(0.5, 0, "1");
	assert_fixed(0.49999999999999994, 0, "0");
	assert_fixed(1.25, 1, "1.3");
	assert_fixed(0.999, 2, "1.00");
	assert_fixed(-9.96, 1, "-10.0");
	assert_fixed(3.000001, 6, "3.000001");
	assert_fixed(1e-7, 6, "0.000000");
	assert_fixed(12345678.9, 6, "12345678.900000");
	assert_fixed(1.5, 99, "1.500000");
	assert_fixed(1.5, -1, "2");
	assert_fixed(0x1p53, 3, "9007199254740992.000");
	assert_fixed(18446744073709549568.0, 1, "18446744073709549568.0");
	assert_fixed(0x1p64, 1, "18446744073709551616");
	assert_fixed(-1e20, 1, "-100000000000000000000");
	assert_fixed(NAN, 1, "null");
	assert_fixed(INFINITY, 1, "null");
	assert_fixed(-INFINITY, 1, "null");
	assert_fixed(DBL_MIN, 3, "0.000");
}

static void test_fixed_is_near(void **state)
{
	struct strbuf b;
	struct json j;

	(void)state;
	srandom(7);
	strbuf_init(&b);
	json_begin(&j, &b);
	for (int i = 0; i < 100000; i++) {
		double value = ((double)random() - 0x1p30) / (double)(random() + 1);
		int decimals = i % 7;

		strbuf_clear(&b);
		j.has_item[0] = false;
		json_fixed(&j, NULL, value, decimals);
		assert_true(fabs(strtod(b.s, NULL) - value) <=
			    0.5000001 * pow(10, -decimals) + fabs(value) * DBL_EPSILON);
	}
	strbuf_clear(&b);
	j.has_item[0] = false;
	json_fixed(&j, NULL, DBL_MAX, 3);
	assert_true(strtod(b.s, NULL) == DBL_MAX);
	strbuf_release(&b);
}

static void test_locale_changes_nothing(void **state)
{
	(void)state;
	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
		print_message("no locale de_DE.UTF-8 here to try a decimal comma with\n");
		skip();
	}
	assert_fixed(1.5, 2, "1.50");
	assert_fixed(1e30, 2, "1000000000000000019884624838656");
	setlocale(LC_NUMERIC, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_object),
		cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_json_c_reads_it),
		cmocka_unit_test(test_deepest),
		cmocka_unit_test(test_too_deep_is_an_error),
		cmocka_unit_test(test_unbalanced_is_an_error),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_fixed_is_near),
		cmocka_unit_test(test_locale_changes_nothing),
	};

	return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
