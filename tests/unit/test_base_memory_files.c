/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What files say of memory, by made-up ones: also such as no kernel writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory_files.h"
#include "tree.h"

#define V1 "sys/fs/cgroup/memory"
#define V2 "sys/fs/cgroup"

static const struct memory_cgroup *const v1 = &memory_cgroups[MEMORY_CGROUP_V1];
static const struct memory_cgroup *const v2 = &memory_cgroups[MEMORY_CGROUP_V2];

static void test_meminfo(void **state)
{
	struct meminfo m;

	(void)state;
	put("proc/meminfo", "MemTotal:       8049308 kB\nMemFree:         1 kB\n"
			    "MemAvailable:   4049308 kB\nSwapCached:            3 kB\n"
			    "SwapTotal:            5 kB\nSwapFree:             4 kB\n");
	assert_true(meminfo_read(root, &m));
	assert_int_equal(m.total_bytes, 8049308ULL << 10);
	assert_int_equal(m.available_bytes, 4049308ULL << 10);
	assert_int_equal(m.swap_total_bytes, 5 << 10);
	assert_int_equal(m.swap_free_bytes, 4 << 10);
	put("proc/meminfo", "MemTotal: 9 kB\nMemAvailable: 8 kB\n");
	assert_true(meminfo_read(root, &m));
	assert_int_equal(m.swap_total_bytes, 0);
}

static void test_meminfo_that_says_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"MemTotal: 9 kB\n",
		"MemTotal: 9 kB\nMemAvailable:\n",
		"MemTotal: 9 kB\nMemAvailable: -1 kB\n",
		"MemTotal: 9 kB\nMemAvailable: x\n8\n",
		"MemTotal: 9 kB\nMemAvailable8: 8 kB\n",
		"MemTotal: 9 kB\nMemAvailable: 18014398509481984 kB\n", /* 2^64 bytes */
		"MemTotal: 9 kB\nMemAvailable: 99999999999999999999 kB\n",
		"MemTotal: 9 kB\n MemAvailable: 8 kB\n",
	};
	struct meminfo m;

	(void)state;
	assert_false(meminfo_read(root, &m)); /* there is none */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("proc/meminfo", texts[i]);
		assert_false(meminfo_read(root, &m));
		assert_int_equal(m.available_bytes, 0);
	}
}

static void test_cgroup_number(void **state)
{
	uint64_t value = 7;

	(void)state;
	put(V2 "/a/memory.max", "max\n");
	assert_false(memory_cgroup_number(root, v2, "/a", v2->max, &value));
	assert_false(memory_cgroup_number(root, v2, "/b", v2->max, &value));
	put(V2 "/a/memory.max", "99999999999999999999\n");
	assert_false(memory_cgroup_number(root, v2, "/a", v2->max, &value));
	assert_int_equal(value, 7);
	put(V2 "/a/memory.max", "1073741824\n");
	assert_true(memory_cgroup_number(root, v2, "/a", v2->max, &value));
	assert_int_equal(value, 1 << 30);
	put(V2 "/memory.max", "5\n");
	assert_true(memory_cgroup_number(root, v2, "", v2->max, &value));
	assert_int_equal(value, 5);
	put(V1 "/a/memory.limit_in_bytes", "6\n");
	assert_true(memory_cgroup_number(root, v1, "/a", v1->max, &value));
	assert_int_equal(value, 6);
}

static void test_cgroup_used(void **state)
{
	uint64_t used;

	(void)state;
	assert_false(memory_cgroup_used(root, v2, "/a", &used));
	put(V2 "/a/memory.current", "9000\n");
	assert_true(memory_cgroup_used(root, v2, "/a", &used)); /* without memory.stat */
	assert_int_equal(used, 9000);
	put(V2 "/a/memory.stat", "anon 5000\ninactive_anon 1\ninactive_file 500\n");
	assert_true(memory_cgroup_used(root, v2, "/a", &used));
	assert_int_equal(used, 8500);
	put(V2 "/a/memory.stat", "inactive_file 9001\n"); /* of another moment */
	assert_true(memory_cgroup_used(root, v2, "/a", &used));
	assert_int_equal(used, 0);
	put(V1 "/a/memory.usage_in_bytes", "100\n");
	put(V1 "/a/memory.stat", "inactive_file 1\ntotal_inactive_file 10\n");
	assert_true(memory_cgroup_used(root, v1, "/a", &used));
	assert_int_equal(used, 90);
}

/* What does not fit is cut off, and what is longer than a path is nowhere. */
static void test_bounds(void **state)
{
	static char path[3 * 4096];
	char text[8];
	uint64_t value;

	(void)state;
	put("file", "0123456789");
	assert_true(memory_file_read(root, "/file", text, sizeof(text)));
	assert_string_equal(text, "0123456");
	assert_false(memory_file_read(root, "/none", text, sizeof(text)));
	assert_string_equal(text, "");
	memset(path, '/', sizeof(path) - 1);
	assert_false(memory_file_read(root, path, text, sizeof(text)));
	assert_false(memory_cgroup_number(root, v2, path, v2->max, &value));
}

/* This machine has memory. */
static void test_real(void **state)
{
	struct meminfo m;

	(void)state;
	assert_true(meminfo_read("", &m));
	assert_true(m.total_bytes > 1 << 20 && m.available_bytes <= m.total_bytes);
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOT(test_meminfo),       WITH_ROOT(test_meminfo_that_says_nothing),
		WITH_ROOT(test_cgroup_number), WITH_ROOT(test_cgroup_used),
		WITH_ROOT(test_bounds),	       cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests_name("base/memory_files", tests, NULL, NULL);
}
