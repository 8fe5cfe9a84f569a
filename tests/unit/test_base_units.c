/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Units: exact texts at every rounding edge, widths, and all that parsing must refuse. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/units.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KIB	      1024ULL
#define MIB	      (KIB * KIB)
#define GIB	      (MIB * KIB)
#define TIB	      (GIB * KIB)

struct text_case {
	uint64_t value;
	const char *text;
};

static void check_texts(char *(*format)(char *, size_t, uint64_t), const struct text_case *cases,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char out[UNITS_SIZE];

		assert_ptr_equal(format(out, sizeof(out), cases[i].value), out);
		assert_string_equal(out, cases[i].text);
	}
}

static void test_format_bytes(void **state)
{
	static const struct text_case cases[] = {
		{0, "0"},
		{1, "1B"},
		{812, "812B"},
		{1023, "1023B"},
		{1024, "1.0K"},
		{1075, "1.0K"},
		{1076, "1.1K"},
		{64 * KIB, "64.0K"},
		{1000 * KIB - 52, "999.9K"},
		{1000 * KIB - 51, "1000K"},
		{1000 * KIB, "1000K"},
		{1023 * KIB + 511, "1023K"},
		{1023 * KIB + 512, "1.0M"},
		{MIB - 1, "1.0M"},
		{MIB, "1.0M"},
		{MIB * 3 / 2, "1.5M"},
		{GIB * 123 / 10, "12.3G"},
		{TIB * 1024 - 1, "1.0P"},
		{TIB * 1024 * 1024, "1.0E"},
		{UINT64_MAX / 2, "8.0E"},
		{UINT64_MAX, "16.0E"},
	};

	(void)state;
	check_texts(units_format_bytes, cases, ARRAY_SIZE(cases));
}

static void test_format_count(void **state)
{
	static const struct text_case cases[] = {
		{0, "0"},	   {999, "999"},	 {1000, "1.0k"},	{1049, "1.0k"},
		{1050, "1.1k"},	   {12345, "12.3k"},	 {999949, "999.9k"},	{999950, "1.0M"},
		{4500000, "4.5M"}, {1000000000, "1.0G"}, {UINT64_MAX, "18.4E"},
	};

	(void)state;
	check_texts(units_format_count, cases, ARRAY_SIZE(cases));
}

static void test_format_duration(void **state)
{
	static const struct text_case cases[] = {
		{0, "0s"},
		{45, "45s"},
		{59, "59s"},
		{60, "1m00s"},
		{200, "3m20s"},
		{3599, "59m59s"},
		{3600, "1h00m"},
		{7500, "2h05m"},
		{86399, "23h59m"},
		{86400, "1d00h"},
		{3 * 86400 + 4 * 3600, "3d04h"},
		{UINT64_MAX, "213503982334601d07h"},
	};

	(void)state;
	check_texts(units_format_duration, cases, ARRAY_SIZE(cases));
}

static void test_format_delta(void **state)
{
	static const struct {
		int64_t value;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "+1B"},
		{-1, "-1B"},
		{(int64_t)MIB * 3 / 2, "+1.5M"},
		{-(int64_t)KIB * 64, "-64.0K"},
		{INT64_MAX, "+8.0E"},
		{INT64_MIN, "-8.0E"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[UNITS_SIZE];

		units_format_delta(out, sizeof(out), cases[i].value);
		assert_string_equal(out, cases[i].text);
	}
}

/* Never wider than promised, and within half of the last digit that is shown. */
static void test_width_and_error(void **state)
{
	(void)state;
	srandom(3);
	for (int i = 0; i < 300000; i++) {
		uint64_t n = ((uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^
			      (uint64_t)random()) >>
			     (random() % 64);
		char out[UNITS_SIZE];
		double value, unit;

		units_format_count(out, sizeof(out), n);
		assert_true(strlen(out) <= 6);
		units_format_bytes(out, sizeof(out), n);
		assert_true(strlen(out) <= 6);
		if (n < KIB)
			continue;
		unit = pow(1024, (double)(strchr("KMGTPE", out[strlen(out) - 1]) - "KMGTPE" + 1));
		value = strtod(out, NULL);
		assert_true(fabs(value - (double)n / unit) <= (strchr(out, '.') ? 0.0501 : 0.501));
	}
}

static void test_short_buffer(void **state)
{
	char out[4] = "zzz";

	(void)state;
	units_format_bytes(out, 3, 812);
	assert_string_equal(out, "81");
	units_format_bytes(out, 1, 812);
	assert_string_equal(out, "");
	units_format_delta(out, 4, -(int64_t)KIB);
	assert_string_equal(out, "-1.");
}

struct parse_case {
	const char *text;
	int err;
	uint64_t value;
};

static void check_parse(int (*parse)(const char *, uint64_t *), const struct parse_case *cases,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t out = 0xDEAD;
		int err = parse(cases[i].text, &out);
		uint64_t expected = cases[i].err ? 0xDEAD : cases[i].value;

		if (err != cases[i].err || out != expected)
			fail_msg("'%s': %d %" PRIu64 ", not %d %" PRIu64, cases[i].text, err, out,
				 cases[i].err, expected);
	}
}

static void test_parse_bytes(void **state)
{
	static const struct parse_case cases[] = {
		{"0", 0, 0},
		{"4096", 0, 4096},
		{"10b", 0, 10},
		{"10B", 0, 10},
		{"64K", 0, 64 * KIB},
		{"64k", 0, 64 * KIB},
		{"64KB", 0, 64 * KIB},
		{"64KiB", 0, 64 * KIB},
		{"64kib", 0, 64 * KIB},
		{"1.5MiB", 0, MIB * 3 / 2},
		{".5K", 0, 512},
		{"2GB", 0, 2 * GIB},
		{"3T", 0, 3 * TIB},
		{"1P", 0, 1024 * TIB},
		{"1E", 0, 1024 * MIB * GIB},
		{"007", 0, 7},
		{"0.1K", 0, 102},
		{"0.4", 0, 0},
		{"0.5", 0, 1},
		{"1.00000000000000000000000000000000000K", 0, 1024},
		{"0.99999999999999999999999999E", 0, 1152921504606846975},
		{"18446744073709551615", 0, UINT64_MAX},
		{"16383.999999999999999999P", -ERANGE, 0},  /* rounds up to 2^64 */
		{"15.9999999999999999999E", 0, UINT64_MAX}, /* 18 digits count */
		{"15.99999E", 0, 18446732544494505548ULL},
		{"18446744073709551616", -ERANGE, 0},
		{"18446744073709551615.5", -ERANGE, 0},
		{"99999999999999999999999999", -ERANGE, 0},
		{"16E", -ERANGE, 0},
		{"18014398509481984K", -ERANGE, 0},
		{"18014398509481983K", 0, 18446744073709550592ULL},
	};

	(void)state;
	check_parse(units_parse_bytes, cases, ARRAY_SIZE(cases));
}

static void test_parse_bytes_refuses(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"K",
		"B",
		".",
		"1.",
		"1.K",
		".K",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1 K",
		"1KK",
		"1iB",
		"1i",
		"1Ki",
		"1KiBx",
		"1Kb1",
		"0x10",
		"1e3",
		"1,5K",
		"1.2.3",
		"1..2",
		"nan",
		"inf",
		"1Z",
		"1Y",
		"1/s",
		"1K/s",
		"1\xC2\xB5",
		"\xFF",
		"1BB",
		"1BK",
		"1B1",
		"1\n",
		"99999999999999999999999x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct parse_case refused = {texts[i], -EINVAL, 0};

		check_parse(units_parse_bytes, &refused, 1);
	}
}

static void test_format_parses_back(void **state)
{
	(void)state;
	for (int shift = 0; shift < 64; shift++) {
		char out[UNITS_SIZE];
		uint64_t back;

		units_format_bytes(out, sizeof(out), 1ULL << shift);
		assert_int_equal(units_parse_bytes(out, &back), 0);
		assert_true(back == 1ULL << shift);
	}
}

static void test_parse_rate(void **state)
{
	static const struct {
		const char *text;
		int err;
		double value;
	} cases[] = {
		{"0", 0, 0},
		{"100", 0, 100},
		{"100/s", 0, 100},
		{"0.25", 0, 0.25},
		{"0.25/s", 0, 0.25},
		{"1.5MiB/min", 0, 1.5 * 1048576 / 60},
		{"60K/m", 0, 1024},
		{"3600/h", 0, 1},
		{"1M/h", 0, 1048576 / 3600.0},
		{"1K/S", 0, 1024},
		{"16E/s", -ERANGE, 0},
		{"99999999999999999999/h", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"/s", -EINVAL, 0},
		{"K/s", -EINVAL, 0},
		{"1/", -EINVAL, 0},
		{"1/d", -EINVAL, 0},
		{"1/sec", -EINVAL, 0},
		{"1/s/s", -EINVAL, 0},
		{"1s", -EINVAL, 0},
		{"-1/s", -EINVAL, 0},
		{"1 /s", -EINVAL, 0},
		{"16E/x", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double out = -7;
		int err = units_parse_rate(cases[i].text, &out);
		double expected = cases[i].err ? -7 : cases[i].value;

		if (err != cases[i].err || fabs(out - expected) > 1e-9 * fabs(expected))
			fail_msg("'%s': %d %g", cases[i].text, err, out);
	}
}

static void test_parse_duration(void **state)
{
	static const struct parse_case cases[] = {
		{"5", 0, 5 * NSEC_PER_SEC},
		{"0.5", 0, NSEC_PER_SEC / 2},
		{".5", 0, NSEC_PER_SEC / 2},
		{"250ms", 0, 250 * NSEC_PER_MSEC},
		{"1.5ms", 0, 1500000},
		{"90s", 0, 90 * NSEC_PER_SEC},
		{"2m", 0, 120 * NSEC_PER_SEC},
		{"2min", 0, 120 * NSEC_PER_SEC},
		{"1h", 0, 3600 * NSEC_PER_SEC},
		{"1.5h", 0, 5400 * NSEC_PER_SEC},
		{"1d", 0, 86400 * NSEC_PER_SEC},
		{"366d", 0, 366 * 86400 * NSEC_PER_SEC},
		{"31622400", 0, 366 * 86400 * NSEC_PER_SEC},
		{"0.000000001", 0, 1},
		{"31622401", -ERANGE, 0},
		{"366.0001d", -ERANGE, 0},
		{"0", -ERANGE, 0},
		{"0.0", -ERANGE, 0},
		{"0ms", -ERANGE, 0},
		{"0.0000000001", -ERANGE, 0},
		{"18446744073709551615", -ERANGE, 0},
		{"18446744073709551616h", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"1M", -EINVAL, 0},
		{"1w", -EINVAL, 0},
		{"1 s", -EINVAL, 0},
		{"1s ", -EINVAL, 0},
		{"1h30m", -EINVAL, 0},
		{"1,5", -EINVAL, 0},
		{"inf", -EINVAL, 0},
	};

	(void)state;
	check_parse(units_parse_duration, cases, ARRAY_SIZE(cases));
}

static void test_parse_u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		int err;
		uint64_t value;
	} cases[] = {
		{"0", 0, 0, 0},
		{"00042", 42, 0, 42},
		{"43", 42, -ERANGE, 0},
		{"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, -ERANGE, 0},
		{"36893488147419103232", UINT64_MAX, -ERANGE, 0}, /* 2^65: 0 if it wrapped */
		{"", 9, -EINVAL, 0},
		{"-1", 9, -EINVAL, 0},
		{"+1", 9, -EINVAL, 0},
		{" 1", 9, -EINVAL, 0},
		{"1 ", 9, -EINVAL, 0},
		{"1.0", 9, -EINVAL, 0},
		{"0x1", 9, -EINVAL, 0},
		{"1k", 9, -EINVAL, 0},
		{"99999999999999999999x", 9, -EINVAL, 0},
		{"\xD9\xA1", 9, -EINVAL, 0}, /* an Arabic 1 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t out = 0xDEAD;

		assert_int_equal(units_parse_u64(cases[i].text, cases[i].max, &out), cases[i].err);
		assert_true(out == (cases[i].err ? 0xDEAD : cases[i].value));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_bytes),
		cmocka_unit_test(test_format_count),
		cmocka_unit_test(test_format_duration),
		cmocka_unit_test(test_format_delta),
		cmocka_unit_test(test_width_and_error),
		cmocka_unit_test(test_short_buffer),
		cmocka_unit_test(test_parse_bytes),
		cmocka_unit_test(test_parse_bytes_refuses),
		cmocka_unit_test(test_format_parses_back),
		cmocka_unit_test(test_parse_rate),
		cmocka_unit_test(test_parse_duration),
		cmocka_unit_test(test_parse_u64),
	};

	return cmocka_run_group_tests_name("base/units", tests, NULL, NULL);
}
