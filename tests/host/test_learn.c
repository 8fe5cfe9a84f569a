/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* bpf/learn.bpf.c as plain functions: whether memwatch finds itself by the types. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes" /* preserve_access_index is clang's */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "../../bpf/learn.bpf.c"
#pragma GCC diagnostic pop

#include "host/process.h"

#define TGID 100U

static struct process process;

static int setup(void **state)
{
	(void)state;
	host_reset();
	mw_self = (struct mw_self){0};
	process_init(&process, TGID);
	process.thread[1].pid = TGID + 1;
	host.current = &process.thread[1]; /* it may have threads */
	host.pid_tgid = (__u64)TGID << 32 | (TGID + 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

static void test_finds_itself(void **state)
{
	(void)state;
	assert_int_equal(mw_learn(NULL), 0);
	assert_int_equal(mw_self.fits, 1);
	assert_int_equal(mw_self.brk, 0x31000);
	mw_self = (struct mw_self){0};
	assert_int_equal(mw_learn_v510(NULL), 0);
	assert_int_equal(mw_self.fits, 1);
}

/* As Linux 5.10 has it after exec: the end of a longer name is behind the new one. */
static void test_finds_itself_behind_another(void **state)
{
	(void)state;
	memcpy(process.thread[1].comm, "memwatch\0bcdefg", MW_COMM_LEN);
	mw_learn(NULL);
	assert_int_equal(mw_self.fits, 1);
}

/* As by offsets of another kernel. */
static void test_finds_another(void **state)
{
	(void)state;
	process.thread[0].tgid++;
	mw_learn(NULL);
	assert_int_equal(mw_self.fits, 0);
	process.thread[1].group_leader = NULL;
	mw_learn(NULL);
	assert_int_equal(mw_self.fits, 0);
}

#define IN_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_KERNEL(test_finds_itself),
		IN_KERNEL(test_finds_itself_behind_another),
		IN_KERNEL(test_finds_another),
	};

	return cmocka_run_group_tests_name("bpf/learn", tests, NULL, NULL);
}
