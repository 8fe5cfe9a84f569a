/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What memory is free, by files of made-up machines; and of this one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "census/room.h"
#include "tree.h"

#define V1 "sys/fs/cgroup/memory/"
#define V2 "sys/fs/cgroup/"

static void put_available(const char *kib)
{
	char text[128];

	snprintf(text, sizeof(text), "MemTotal:  9000 kB\nMemFree: 1 kB\nMemAvailable:  %s kB\n",
		 kib);
	put("proc/meminfo", text);
}

static void test_machine(void **state)
{
	(void)state;
	put_available("100");
	assert_int_equal(room_free(root), 92160);
}

static void test_nothing_tells(void **state)
{
	(void)state;
	put("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:\n");
	assert_true(room_free(root) == UINT64_MAX);
}

static void test_v2(void **state)
{
	(void)state;
	put_available("100");
	put("proc/self/cgroup", "0::/a/b\n");
	put(V2 "a/b/memory.max", "max\n");
	put(V2 "a/b/memory.current", "9000\n");
	put(V2 "a/memory.max", "10000\n");
	put(V2 "a/memory.current", "9000\n");
	put(V2 "a/memory.stat", "anon 5000\ninactive_file 500\nactive_file 700\n");
	assert_int_equal(room_free(root), 1350);
	put(V2 "a/memory.current", "20000\n");
	assert_int_equal(room_free(root), 0);
	put(V2 "a/b/memory.max", "9100\n");
	put(V2 "a/memory.current", "100\n");
	assert_int_equal(room_free(root), 90);
}

static void test_v1(void **state)
{
	(void)state;
	put_available("100");
	put("proc/self/cgroup", "5:cpu:/x\n4:memory:/a\n0::/\n");
	put(V1 "a/memory.limit_in_bytes", "9223372036854771712\n");
	put(V1 "a/memory.usage_in_bytes", "5\n");
	assert_int_equal(room_free(root), 92160);
	put(V1 "a/memory.limit_in_bytes", "5000\n");
	put(V1 "a/memory.stat", "inactive_file 3\ntotal_inactive_file 4\n");
	assert_int_equal(room_free(root), 4500);
}

/* A container whose own cgroup is the root of what it sees. */
static void test_path_that_is_not_there(void **state)
{
	(void)state;
	put_available("100");
	put("proc/self/cgroup", "0::/system.slice/docker-0123.scope\n");
	put(V2 "memory.max", "3000\n");
	put(V2 "memory.current", "1000\n");
	assert_int_equal(room_free(root), 1800);
	put("proc/self/cgroup", "0::/../other\n");
	assert_int_equal(room_free(root), 92160);
}

static void test_this_machine(void **state)
{
	uint64_t room = room_free("");

	(void)state;
	assert_true(room > 0 && room < (1ull << 50));
}

#define with_root(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_root(test_machine),
		with_root(test_nothing_tells),
		with_root(test_v2),
		with_root(test_v1),
		with_root(test_path_that_is_not_there),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
