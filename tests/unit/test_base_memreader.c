/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memreader: this process reads itself, up to the end of what is mapped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memreader.h"

static void test_reads(void **state)
{
	static const char text[] = "what is there";
	char got[sizeof(text)];
	struct memreader m;

	(void)state;
	memreader_init_process(&m, getpid());
	assert_int_equal(memreader_read(&m, (uintptr_t)text, got, sizeof(got)), 0);
	assert_memory_equal(got, text, sizeof(text));
	assert_int_equal(memreader_read(&m, (uintptr_t)text + 5, got, 2), 0);
	assert_memory_equal(got, "is", 2);
	assert_int_equal(m.reads, 2);
}

/* All or nothing, also over the end of a mapping, and for addresses that wrap around. */
static void test_faults(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	struct memreader m;
	char got[64];

	(void)state;
	assert_true(at != MAP_FAILED);
	assert_int_equal(munmap(at + page, (size_t)page), 0);
	memreader_init_process(&m, getpid());
	assert_int_equal(memreader_read(&m, (uintptr_t)at + page - 64, got, 64), 0);
	assert_int_equal(memreader_read(&m, (uintptr_t)at + page - 63, got, 64), -EFAULT);
	assert_int_equal(memreader_read(&m, 0, got, 8), -EFAULT);
	assert_int_equal(memreader_read(&m, UINT64_MAX - 3, got, 8), -EFAULT);
	assert_int_equal(memreader_read(&m, UINT64_MAX, got, 0), 0);
	munmap(at, (size_t)page);
}

static void test_process_gone(void **state)
{
	pid_t child = fork();
	struct memreader m;
	char got[8];

	(void)state;
	if (!child)
		_exit(0);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	memreader_init_process(&m, child);
	assert_int_equal(memreader_read(&m, (uintptr_t)got, got, sizeof(got)), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_process_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
