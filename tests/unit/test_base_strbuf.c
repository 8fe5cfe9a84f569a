/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * strbuf: growth, errors that stick, numbers, and hostile bytes: known cases
 * of the Unicode Standard, and every short input against an oracle.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "../utf8_oracle.h"
#include "base/strbuf.h"

#define R "\xEF\xBF\xBD"

static void test_empty_is_a_string(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b);
	assert_string_equal(b.s, "");
	strbuf_clear(&b);
	strbuf_add(&b, NULL, 0);
	strbuf_add_text(&b, NULL, 0);
	strbuf_adds(&b, "");
	assert_string_equal(b.s, "");
	assert_int_equal(b.len, 0);
	assert_int_equal(b.err, 0);
	strbuf_release(&b);
	strbuf_release(&b);
	assert_string_equal(b.s, "");
}

static void test_grows_at_each_length(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b);
	for (size_t i = 0; i < 5000; i++) {
		strbuf_addc(&b, (char)('a' + i % 26));
		assert_int_equal(b.len, i + 1);
		assert_true(b.cap > b.len);
		assert_int_equal(strlen(b.s), i + 1);
	}
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(b.s[i], 'a' + (int)(i % 26));
	strbuf_release(&b);

	for (size_t len = 0; len < 300; len++) {
		char data[300];

		memset(data, 'x', sizeof(data));
		strbuf_init(&b);
		strbuf_add(&b, data, len);
		assert_int_equal(b.len, len);
		assert_int_equal(b.s[len], '\0');
		strbuf_release(&b);
	}
}

static void test_keeps_bytes(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b);
	strbuf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.s, "a\0b", 4);
	strbuf_clear(&b);
	assert_string_equal(b.s, "");
	assert_true(b.cap > 0);
	strbuf_release(&b);
}

static void test_error_sticks(void **state)
{
	volatile size_t huge[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 4};
	struct strbuf b;

	(void)state;
	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		strbuf_init(&b);
		strbuf_adds(&b, "before");
		strbuf_add(&b, "x", huge[i]);
		assert_int_equal(b.err, -ENOMEM);
		strbuf_adds(&b, "after");
		strbuf_addu(&b, 1);
		strbuf_addf(&b, "%d", 1);
		strbuf_add_text(&b, "t", 1);
		assert_string_equal(b.s, "before");
		strbuf_clear(&b);
		assert_int_equal(b.err, 0);
		strbuf_adds(&b, "again");
		assert_string_equal(b.s, "again");
		strbuf_release(&b);
	}
}

static void test_numbers(void **state)
{
	static const uint64_t values[] = {0, 1, 9, 10, 99, 100, UINT32_MAX, INT64_MAX, UINT64_MAX};
	struct strbuf b;

	(void)state;
	strbuf_init(&b);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char expected[64];

		snprintf(expected, sizeof(expected), "%llu %lld", (unsigned long long)values[i],
			 -(long long)(values[i] / 2));
		strbuf_clear(&b);
		strbuf_addu(&b, values[i]);
		strbuf_addc(&b, ' ');
		strbuf_addi(&b, -(int64_t)(values[i] / 2));
		assert_string_equal(b.s, expected);
	}
	strbuf_clear(&b);
	strbuf_addi(&b, INT64_MIN);
	strbuf_addi(&b, INT64_MAX);
	assert_string_equal(b.s, "-92233720368547758089223372036854775807");
	strbuf_release(&b);
}

static void test_printf(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b);
	strbuf_addf(&b, "%s", "");
	assert_string_equal(b.s, "");
	strbuf_addf(&b, "%s-%d", "x", -3);
	strbuf_addf(&b, "%200s|", "y");
	assert_int_equal(b.len, 4 + 201);
	assert_memory_equal(b.s, "x--3   ", 7);
	for (int i = 0; i < 300; i++) { /* every fill level of the buffer */
		strbuf_release(&b);
		strbuf_addf(&b, "%*s", i, "");
		strbuf_addf(&b, "%s", "0123456789");
		assert_int_equal(b.len, i + 10);
		assert_string_equal(b.s + i, "0123456789");
	}
	strbuf_clear(&b);
	errno = ENOENT;
	strbuf_addf(&b, "%m %500s", "");
	assert_memory_equal(b.s, strerror(ENOENT), strlen(strerror(ENOENT)));
	strbuf_release(&b);
}

static void assert_text(const char *in, size_t len, const char *expected)
{
	struct strbuf b;

	strbuf_init(&b);
	strbuf_add_text(&b, in, len);
	assert_int_equal(b.err, 0);
	assert_string_equal(b.s, expected);
	assert_true(oracle_is_clean(b.s, b.len));
	strbuf_release(&b);
}

#define assert_literal(in, expected) assert_text(in, sizeof(in) - 1, expected)

static void test_text_passes(void **state)
{
	(void)state;
	assert_literal("", "");
	assert_literal("plain ASCII ~ \" \\ text", "plain ASCII ~ \" \\ text");
	assert_literal("Gr\xC3\xBC\xC3\x9F"
		       "e",
		       "Gr\xC3\xBC\xC3\x9F"
		       "e");
	assert_literal("\xE2\x82\xAC\xF0\x9F\x98\x80", "\xE2\x82\xAC\xF0\x9F\x98\x80");
	assert_literal("\xC2\xA0 \xDF\xBF \xE0\xA0\x80", "\xC2\xA0 \xDF\xBF \xE0\xA0\x80");
	assert_literal("\xED\x9F\xBF \xEE\x80\x80", "\xED\x9F\xBF \xEE\x80\x80");
	assert_literal("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBD", "\xF0\x90\x80\x80 \xF4\x8F\xBF\xBD");
	assert_literal(R, R);
}

static void test_text_stops(void **state)
{
	(void)state;
	assert_literal("ab\0cd", "ab");
	assert_literal("\0cd", "");
	assert_text("abcdef", 3, "abc");
	assert_text("\xE2\x82\xAC", 2, R);
	assert_text("a\xF0\x9F\x98\x80", 4, "a" R);
	assert_text("\xE2\x82\0\xAC", 4, R);
}

static void test_text_controls(void **state)
{
	(void)state;
	assert_literal("\x1B[31mred\x1B[0m", R "[31mred" R "[0m");
	assert_literal("a\nb\tc\rd\x7F", "a" R "b" R "c" R "d" R);
	assert_literal("\xC2\x80\xC2\x9B\xC2\x9F", R R R);
	assert_literal("\xD8\x9C", R);						    /* U+061C */
	assert_literal("\xE2\x80\x8D\xE2\x80\x8E\xE2\x80\x8F", "\xE2\x80\x8D" R R); /* ZWJ stays */
	assert_literal("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA\xE2\x80\xAE\xE2\x80\xAF",
		       R R R R "\xE2\x80\xAF");
	assert_literal("\xE2\x81\xA5\xE2\x81\xA6\xE2\x81\xA9\xE2\x81\xAA",
		       "\xE2\x81\xA5" R R "\xE2\x81\xAA");
	assert_literal("\xEF\xBB\xBF", R);
	assert_literal("\xEF\xBF\xBE\xEF\xBF\xBF\xF4\x8F\xBF\xBF\xF0\x9F\xBF\xBE", R R R R);
	assert_literal("\xEF\xB7\x8F\xEF\xB7\x90\xEF\xB7\xAF\xEF\xB7\xB0",
		       "\xEF\xB7\x8F" R R "\xEF\xB7\xB0");
}

/* The Unicode Standard 15.0, section 3.9, tables 3-8 to 3-11. */
static void test_text_maximal_subparts(void **state)
{
	(void)state;
	assert_literal("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", R R R R R R R R "A");
	assert_literal("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", R R R R R R R R "A");
	assert_literal("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", R R R R R "A" R R "B");
	assert_literal("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", R R R R "A");
	assert_literal("a\xF1\x80\x80\xE1\x80\xC2"
		       "b\x80"
		       "c\x80\xBF"
		       "d",
		       "a" R R R "b" R "c" R R "d");
	assert_literal("\xF5\x80\x80\x80\xF8\xFE", R R R R R R);
	assert_literal("\xE2\x82\x1B", R R);
	assert_literal("\xE2\x82\"", R "\"");
}

static void check_bytes(struct strbuf *b, const unsigned char *in, size_t len)
{
	struct json_object *parsed;
	struct strbuf json;

	strbuf_clear(b);
	strbuf_add_text(b, (const char *)in, len);
	assert_true(oracle_is_clean(b->s, b->len));
	assert_int_equal(strlen(b->s), b->len);

	strbuf_init(&json);
	strbuf_add_json_string(&json, (const char *)in, len);
	assert_true(oracle_is_clean(json.s, json.len));
	parsed = json_tokener_parse(json.s);
	assert_non_null(parsed);
	assert_true(json_object_is_type(parsed, json_type_string));
	assert_string_equal(json_object_get_string(parsed), b->s);
	json_object_put(parsed);
	strbuf_release(&json);
}

static void test_all_two_bytes(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b);
	for (unsigned int i = 0; i < 0x10000; i++) {
		unsigned char in[2] = {(unsigned char)(i >> 8), (unsigned char)i};

		check_bytes(&b, in, 2);
	}
	strbuf_release(&b);
}

static void test_random_bytes(void **state)
{
	/* Bytes at the edges of the ranges come up often. */
	static const unsigned char edges[] = {
		0x00, 0x1F, 0x22, 0x5C, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF,
		0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xBE, 0xA8, 0xFF,
	};
	struct strbuf b;

	(void)state;
	srandom(20261123);
	strbuf_init(&b);
	for (int i = 0; i < 200000; i++) {
		unsigned char in[8];
		size_t len = i % 2 ? 4 : (size_t)random() % sizeof(in) + 1;

		for (size_t k = 0; k < len; k++)
			in[k] = random() % 2 ? edges[(size_t)random() % sizeof(edges)]
					     : (unsigned char)random();
		check_bytes(&b, in, len);
	}
	strbuf_release(&b);
}

static size_t encode(unsigned char *out, uint32_t cp)
{
	size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (unsigned char)cp;
		return n;
	}
	for (size_t i = n - 1; i; i--, cp >>= 6)
		out[i] = 0x80 | (cp & 0x3F);
	out[0] = (unsigned char)(0xF00 >> n | cp);
	return n;
}

/* Every code point passes whole, or is one U+FFFD; a surrogate is three. */
static void test_all_code_points(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b);
	for (uint32_t cp = 1; cp < 0x120000; cp++) {
		bool is_surrogate = cp >= 0xD800 && cp <= 0xDFFF;
		unsigned char in[4];
		size_t len = encode(in, cp);

		strbuf_clear(&b);
		strbuf_add_text(&b, (const char *)in, len);
		if (is_surrogate)
			assert_string_equal(b.s, R R R);
		else if (cp > 0x10FFFF)
			assert_string_equal(b.s, R R R R);
		else if (!oracle_is_safe(cp))
			assert_string_equal(b.s, R);
		else
			assert_true(b.len == len && !memcmp(b.s, in, len));
	}
	strbuf_release(&b);
}

static void test_json_string(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b);
	strbuf_add_json_string(&b, "", 0);
	strbuf_add_json_string(&b, NULL, 0);
	strbuf_add_json_string(&b, "a\"b\\c/\n", 7);
	strbuf_add_json_string(&b, "\\\\\"\"", 4);
	assert_string_equal(b.s, "\"\"\"\"\"a\\\"b\\\\c/" R "\"\"\\\\\\\\\\\"\\\"\"");
	strbuf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_is_a_string),
		cmocka_unit_test(test_grows_at_each_length),
		cmocka_unit_test(test_keeps_bytes),
		cmocka_unit_test(test_error_sticks),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_text_passes),
		cmocka_unit_test(test_text_stops),
		cmocka_unit_test(test_text_controls),
		cmocka_unit_test(test_text_maximal_subparts),
		cmocka_unit_test(test_all_two_bytes),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_all_code_points),
		cmocka_unit_test(test_json_string),
	};

	return cmocka_run_group_tests_name("base/strbuf", tests, NULL, NULL);
}
