/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits of cgroups and the machine: from made-up trees of both versions, and a real cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/limits.h"
#include "tree.h"

#define MIB 1048576ULL
#define V1  "sys/fs/cgroup/memory"
#define V2  "sys/fs/cgroup"

static void assert_limit(const struct limit *l, enum limit_kind kind, uint64_t bytes, uint64_t used,
			 const char *where)
{
	assert_int_equal(l->kind, kind);
	assert_int_equal(l->bytes, bytes);
	assert_int_equal(l->used_bytes, used);
	if (where)
		assert_string_equal(l->where, where);
	else
		assert_null(l->where);
}

/* ---- made up ---- */

static void test_v2(void **state)
{
	struct limit out[LIMITS_MAX];
	struct limits *l;

	(void)state;
	put(V2 "/cgroup.controllers", "cpu memory\n");
	put(V2 "/a.slice/memory.max", "1073741824\n");
	put(V2 "/a.slice/memory.high", "max\n");
	put(V2 "/a.slice/memory.current", "536870912\n");
	put(V2 "/a.slice/memory.stat", "anon 1\ninactive_anon 7\ninactive_file 104857600\n");
	put(V2 "/a.slice/b.service/memory.max", "max\n");
	put(V2 "/a.slice/b.service/memory.high", "268435456\n");
	put(V2 "/a.slice/b.service/memory.current", "1000\n");
	put(V2 "/a.slice/b.service/memory.stat", "inactive_file 4096\n");
	put(V2 "/free/memory.max", "max\n");
	put(V2 "/free/memory.high", "max\n");
	put(V2 "/free/memory.current", "1\n");
	put("proc/meminfo", "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    4096 kB\n");
	l = limits_new(root);
	assert_non_null(l);
	limits_begin(l);
	assert_int_equal(limits_of(l, "/a.slice/b.service", out), 3);
	/* More inactive pages than use: both were read at moments of their own. */
	assert_limit(&out[0], LIMIT_CGROUP_HIGH, 256 * MIB, 0, "/a.slice/b.service");
	assert_limit(&out[1], LIMIT_CGROUP_MAX, 1024 * MIB, 412 * MIB, "/a.slice");
	assert_limit(&out[2], LIMIT_MACHINE, 16 * MIB, 12 * MIB, NULL);
	assert_int_equal(limits_of(l, "/free", out), 1);
	assert_int_equal(limits_of(l, "/", out), 1);
	assert_int_equal(limits_of(l, NULL, out), 1);
	assert_int_equal(limits_of(l, "/a.slice/gone", out), 2);
	limits_free(l);
}

/* Once a tick is enough, and each tick has its own. */
static void test_once_a_tick(void **state)
{
	struct limit out[LIMITS_MAX];
	struct limits *l;

	(void)state;
	put(V2 "/cgroup.controllers", "memory\n");
	put(V2 "/a/memory.max", "100\n");
	put(V2 "/a/memory.current", "50\n");
	l = limits_new(root);
	limits_begin(l);
	assert_int_equal(limits_of(l, "/a", out), 1);
	put(V2 "/a/memory.current", "60\n");
	limits_of(l, "/a", out);
	assert_limit(&out[0], LIMIT_CGROUP_MAX, 100, 50, "/a");
	limits_begin(l);
	limits_of(l, "/a", out);
	assert_limit(&out[0], LIMIT_CGROUP_MAX, 100, 60, "/a");
	limits_free(l);
}

static void test_v1(void **state)
{
	struct limit out[LIMITS_MAX];
	struct limits *l;

	(void)state;
	put(V1 "/memory.limit_in_bytes", "9223372036854771712\n");
	put(V1 "/memory.usage_in_bytes", "1\n");
	put(V1 "/docker/memory.limit_in_bytes", "9223372036854771712\n");
	put(V1 "/docker/x/memory.limit_in_bytes", "104857600\n");
	put(V1 "/docker/x/memory.usage_in_bytes", "94371840\n");
	put(V1 "/docker/x/memory.stat", "inactive_file 1\ntotal_inactive_file 10485760\n");
	put(V2 "/unified/cgroup.controllers", "\n");
	l = limits_new(root);
	limits_begin(l);
	assert_int_equal(limits_of(l, "/docker/x", out), 1); /* no meminfo here */
	assert_limit(&out[0], LIMIT_CGROUP_MAX, 100 * MIB, 80 * MIB, "/docker/x");
	limits_free(l);
}

/* Whatever there is instead: fewer limits, and nothing worse. */
static void test_hostile(void **state)
{
	static const char *const numbers[] = {
		"", "\n", "-1", "x", "max", " 1", "99999999999999999999999999"};
	char deep[2 * MW_CGROUP_DEPTH + 2048] = "", name[sizeof(deep) + 64];
	struct limit out[LIMITS_MAX];
	struct limits *l;

	(void)state;
	l = limits_new(root); /* nothing at all */
	limits_begin(l);
	assert_int_equal(limits_of(l, "/a", out), 0);
	limits_free(l);
	put(V2 "/cgroup.controllers", "memory\n");
	put("proc/meminfo", "MemTotal: 1 kB\nMemAvailable: 2 kB\n");
	put(V2 "/a/memory.current", "5\n");
	put("up/memory.max", "5\n");
	put("up/memory.current", "5\n");
	l = limits_new(root);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		put(V2 "/a/memory.max", numbers[i]);
		limits_begin(l);
		assert_int_equal(limits_of(l, "/a", out), 0);
	}
	assert_int_equal(limits_of(l, "", out), 0);
	assert_int_equal(limits_of(l, "a", out), 0);
	assert_int_equal(limits_of(l, "/../../../up", out), 0);
	assert_int_equal(limits_of(l, "/a/../../../../up", out), 0);
	assert_int_equal(limits_of(l, "/..", out), 0);
	put(V2 "/a..b/memory.max", "7\n");
	put(V2 "/a..b/memory.current", "7\n");
	assert_int_equal(limits_of(l, "/a..b", out), 1); /* a name like any other */
	for (int i = 0; i < MW_CGROUP_DEPTH + 4; i++) {
		strcat(deep, "/d");
		snprintf(name, sizeof(name), V2 "%s/memory.max", deep);
		put(name, "9\n");
		snprintf(name, sizeof(name), V2 "%s/memory.high", deep);
		put(name, "8\n");
		snprintf(name, sizeof(name), V2 "%s/memory.current", deep);
		put(name, "9\n");
	}
	assert_int_equal(limits_of(l, deep, out), 2 * MW_CGROUP_DEPTH);
	limits_free(l);
}

/* More cgroups than are kept: the rest have the machine's limit only. */
static void test_many(void **state)
{
	struct limit out[LIMITS_MAX];
	char name[64];
	struct limits *l;

	(void)state;
	put(V2 "/cgroup.controllers", "memory\n");
	for (int i = 0; i <= LIMITS_CGROUPS; i++) {
		snprintf(name, sizeof(name), V2 "/c%d/memory.max", i);
		put(name, "100\n");
		snprintf(name, sizeof(name), V2 "/c%d/memory.current", i);
		put(name, "50\n");
	}
	l = limits_new(root);
	for (int round = 0; round < 2; round++) {
		limits_begin(l);
		for (int i = 0; i <= LIMITS_CGROUPS; i++) {
			snprintf(name, sizeof(name), "/c%d", i);
			assert_int_equal(limits_of(l, name, out), i < LIMITS_CGROUPS);
		}
	}
	limits_free(l);
}

/* ---- real ---- */

static int write_file(const char *dir, const char *file, const char *text)
{
	char name[512];
	int fd, n;

	snprintf(name, sizeof(name), "%s/%s", dir, file);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n > 0 ? 0 : -1;
}

static void test_real(void **state)
{
	bool is_v1 = !access("/sys/fs/cgroup/memory/memory.limit_in_bytes", F_OK);
	char path[64], dir[128];
	struct limit out[LIMITS_MAX];
	unsigned count;
	struct limits *l;

	(void)state;
	snprintf(path, sizeof(path), "/memwatch-unit-limits-%d", getpid());
	snprintf(dir, sizeof(dir), "/sys/fs/cgroup%s%s", is_v1 ? "/memory" : "", path);
	if (mkdir(dir, 0755)) {
		print_message("# no memory cgroup can be made: %s\n", strerror(errno));
		skip();
	}
	if (write_file(dir, is_v1 ? "memory.limit_in_bytes" : "memory.max", "67108864")) {
		rmdir(dir);
		print_message("# the memory controller is not on\n");
		skip();
	}
	l = limits_new("");
	limits_begin(l);
	count = limits_of(l, path, out);
	rmdir(dir);
	assert_int_equal(count, 2);
	assert_limit(&out[0], LIMIT_CGROUP_MAX, 64 * MIB, out[0].used_bytes, path);
	assert_true(out[0].used_bytes <= MIB);
	assert_int_equal(out[1].kind, LIMIT_MACHINE);
	assert_true(out[1].bytes > 64 * MIB && out[1].used_bytes > 0);
	assert_true(out[1].used_bytes < out[1].bytes);
	limits_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_v2, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_once_a_tick, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_v1, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_hostile, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_many, make_root, remove_root),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests_name("collect/limits", tests, NULL, NULL);
}
