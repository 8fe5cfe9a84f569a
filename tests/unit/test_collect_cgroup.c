/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Container ids in cgroup paths as the container engines write them; reading our own cgroup. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/cgroup.h"

/* 64 digits each. */
#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define POD   "pod2f0a1b3c-9d4e-4f5a-8b6c-7d8e9f0a1b2c"
#define POD_  "pod2f0a1b3c_9d4e_4f5a_8b6c_7d8e9f0a1b2c"

static void test_container_ids(void **state)
{
	static const struct {
		const char *path, *id;
	} cases[] = {
		/* Docker: cgroupfs driver, systemd driver, in Docker */
		{"/docker/" ID, ID},
		{"/system.slice/docker-" ID ".scope", ID},
		{"/docker/" OTHER "/docker/" ID, ID},
		{"/docker/" ID "/init", ID},
		/* Kubernetes on containerd: cgroupfs, systemd, and as containerd names it */
		{"/kubepods/burstable/" POD "/" ID, ID},
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" POD_
		 ".slice/cri-containerd-" ID ".scope",
		 ID},
		{"/system.slice/containerd.service/kubepods-besteffort-" POD_
		 ".slice:cri-containerd:" ID,
		 ID},
		/* CRI-O, and its monitor */
		{"/kubepods.slice/kubepods-" POD_ ".slice/crio-" ID ".scope", ID},
		{"/kubepods.slice/kubepods-" POD_ ".slice/crio-conmon-" ID ".scope", ID},
		/* Podman: root, rootless, cgroupfs */
		{"/machine.slice/libpod-" ID ".scope", ID},
		{"/machine.slice/libpod-" ID ".scope/container", ID},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
		 ".scope/container",
		 ID},
		{"/libpod_parent/libpod-" ID, ID},
		/* none */
		{"", ""},
		{"/", ""},
		{"/init.scope", ""},
		{"/system.slice/nginx.service", ""},
		{"/user.slice/user-1000.slice/session-3.scope", ""},
		{"/kubepods/burstable/" POD, ""},
		/* not 64 digits */
		{"/x/" ID "0", ""},
		{"/x/0" ID, ""},
		{"/x/" ID OTHER, ""},
		{"/x/0123456789abcdef", ""},
		{"/x/g" ID "g", ID},
		{ID, ID},
		{"/x/" ID "/" ID "0", ID},
	};
	char out[65];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(out, 'x', sizeof(out));
		cgroup_container_id(cases[i].path, out);
		assert_string_equal(out, cases[i].id);
	}
}

/* One digit short of an id at the very end of the string: nothing past it is read. */
static void test_container_id_at_the_end(void **state)
{
	char *path = strdup(ID), out[65];

	(void)state;
	assert_non_null(path);
	path[63] = '\0';
	cgroup_container_id(path, out);
	assert_string_equal(out, "");
	free(path);
}

/* The path of our own memory cgroup, by a plain reading of /proc/self/cgroup. */
static char *own_path(void)
{
	char *line = NULL, *path = NULL;
	size_t size = 0;
	FILE *f = fopen("/proc/self/cgroup", "re");

	assert_non_null(f);
	for (int pass = 0; pass < 2 && !path; pass++) {
		rewind(f);
		while (!path && getline(&line, &size, f) > 0) {
			line[strcspn(line, "\n")] = '\0';
			if (pass == 0 && strstr(line, ":memory:"))
				path = strdup(strstr(line, ":memory:") + 8);
			if (pass == 1 && !strncmp(line, "0::", 3))
				path = strdup(line + 3);
		}
	}
	free(line);
	fclose(f);
	return path;
}

static void test_read_own(void **state)
{
	struct cgroup c = {0};
	char *expected = own_path(), id[65];

	(void)state;
	if (!expected) {
		/* Not skip(): that is "not ok" to prove(1). */
		print_message("not tried: this process is in no memory cgroup\n");
		return;
	}
	cgroup_read(&c, 0, (uint32_t)getpid());
	assert_non_null(c.path);
	assert_string_equal(c.path, expected);
	cgroup_container_id(expected, id);
	assert_string_equal(c.container, id);
	cgroup_read(&c, 0, (uint32_t)getpid()); /* read again: replaced, not leaked */
	assert_string_equal(c.path, expected);
	free(c.path);
	free(expected);
}

static void test_read_gone(void **state)
{
	struct cgroup c = {0};
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	cgroup_read(&c, 0, (uint32_t)pid);
	assert_null(c.path);
	assert_string_equal(c.container, "");
}

static void test_id_of_path(void **state)
{
	struct stat st;
	uint64_t id = 5;

	(void)state;
	assert_int_equal(cgroup_id_of_path("/nonexistent/cgroup", &id), -ENOENT);
	assert_int_equal(cgroup_id_of_path("/proc/self/cgroup", &id), -ENOTDIR);
	assert_int_equal(id, 5);
	assert_int_equal(stat("/", &st), 0);
	assert_int_equal(cgroup_id_of_path("/", &id), 0);
	assert_int_equal(id, st.st_ino);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_container_ids),
		cmocka_unit_test(test_container_id_at_the_end),
		cmocka_unit_test(test_read_own),
		cmocka_unit_test(test_read_gone),
		cmocka_unit_test(test_id_of_path),
	};

	return cmocka_run_group_tests_name("collect/cgroup", tests, NULL, NULL);
}
