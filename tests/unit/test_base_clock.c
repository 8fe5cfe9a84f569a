/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Clocks: they are the clocks that they claim to be; RFC 3339 at its edges. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static uint64_t kernel_ns(clockid_t id)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(id, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void check_between(uint64_t (*read)(void), clockid_t id)
{
	uint64_t before = kernel_ns(id);
	uint64_t now = read();
	uint64_t after = kernel_ns(id);

	assert_true(before <= now && now <= after);
}

static void test_are_the_right_clocks(void **state)
{
	(void)state;
	check_between(clock_boot_ns, CLOCK_BOOTTIME);
	check_between(clock_wall_ns, CLOCK_REALTIME);
	check_between(clock_cpu_ns, CLOCK_PROCESS_CPUTIME_ID);
}

static void test_cpu_counts_work(void **state)
{
	uint64_t start = clock_cpu_ns();

	(void)state;
	while (clock_cpu_ns() - start < 2 * NSEC_PER_MSEC)
		;
	assert_true(clock_boot_ns() > 0);
}

static void test_rfc3339(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{999999, "1970-01-01T00:00:00.000Z"},
		{1000000, "1970-01-01T00:00:00.001Z"},
		{999999999, "1970-01-01T00:00:00.999Z"},
		{951782400ULL * NSEC_PER_SEC, "2000-02-29T00:00:00.000Z"},
		{1795423826ULL * NSEC_PER_SEC + 123 * NSEC_PER_MSEC, "2026-11-23T08:50:26.123Z"},
		{4102444799ULL * NSEC_PER_SEC + 999999999, "2099-12-31T23:59:59.999Z"},
		{UINT64_MAX, "2554-07-21T23:34:33.709Z"},
	};
	static const char *const bad[] = {"",
					  "2026-11-23T08:50:26Z",
					  "2026-11-23T08:50:26.123",
					  "2026-11-23T08:50:26.123Zz",
					  "2026-11-23 08:50:26.123Z",
					  "9999-11-23T08:50:26.123Z",
					  "1969-11-23T08:50:26.123Z"};
	uint64_t back = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[CLOCK_RFC3339_SIZE];

		clock_format_rfc3339(out, sizeof(out), cases[i].ns);
		assert_string_equal(out, cases[i].text);
		if (cases[i].ns == UINT64_MAX)
			continue;
		assert_int_equal(clock_parse_rfc3339(out, &back), 0);
		assert_true(back == cases[i].ns / NSEC_PER_MSEC * NSEC_PER_MSEC);
	}
	back = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(clock_parse_rfc3339(bad[i], &back), -EINVAL);
	assert_int_equal(back, 7);
}

static void test_rfc3339_short_buffer(void **state)
{
	char out[8] = "zzzzzzz";

	(void)state;
	clock_format_rfc3339(out, 5, 0);
	assert_string_equal(out, "1970");
	assert_int_equal(out[5], 'z');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_are_the_right_clocks),
		cmocka_unit_test(test_cpu_counts_work),
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_rfc3339_short_buffer),
	};

	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
