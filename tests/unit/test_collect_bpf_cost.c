/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What programs took and missed, by what a made-up kernel tells of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>

#include "base/clock.h"
#include "collect/bpf_cost.h"

#define PROGRAMS    4
#define INFO_OF_5_8 offsetof(struct bpf_prog_info, recursion_misses)

struct told {
	int err;
	uint64_t run_time_ns, recursion_misses;
};

/* By descriptor: those of the kernel below. */
static struct told told[PROGRAMS];
static size_t info_size;
static unsigned asked;

/* Instead of libbpf's. Like the kernel, it writes as much as both sides know. */
int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *len)
{
	struct bpf_prog_info all = {0};

	asked++;
	assert_in_range(fd, 0, PROGRAMS - 1);
	assert_int_equal(*len, sizeof(all));
	if (told[fd].err)
		return -told[fd].err;
	all.run_time_ns = told[fd].run_time_ns;
	all.recursion_misses = told[fd].recursion_misses;
	*len = info_size < *len ? info_size : *len;
	memcpy(info, &all, *len);
	return 0;
}

int bpf_enable_stats(enum bpf_stats_type type)
{
	assert_int_equal(type, BPF_STATS_RUN_TIME);
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Three programs of calls, and one of exits. */
static struct bpf_cost four_programs(void)
{
	struct bpf_cost c;

	memset(told, 0, sizeof(told));
	info_size = sizeof(struct bpf_prog_info);
	asked = 0;
	bpf_cost_init(&c);
	for (int fd = 0; fd < PROGRAMS; fd++)
		bpf_cost_add(&c, fd < 3 ? CAPABILITY_CALLS : CAPABILITY_EXIT, fd);
	return c;
}

static void test_missed(void **state)
{
	struct bpf_cost c = four_programs();

	(void)state;
	assert_int_equal(bpf_cost_missed(&c, CAPABILITY_CALLS), 0);
	for (int fd = 0; fd < PROGRAMS; fd++)
		told[fd].recursion_misses = 1ULL << (33 + fd);
	asked = 0;
	assert_int_equal(bpf_cost_missed(&c, CAPABILITY_CALLS), 7ULL << 33);
	assert_int_equal(asked, 3); /* once each */
	assert_int_equal(bpf_cost_missed(&c, CAPABILITY_EXIT), 1ULL << 36);
	assert_int_equal(bpf_cost_missed(&c, CAPABILITY_FORK), 0);
	bpf_cost_stop(&c, CAPABILITY_CALLS, 1); /* what was missed was missed */
	assert_int_equal(bpf_cost_missed(&c, CAPABILITY_CALLS), 7ULL << 33);
	bpf_cost_release(&c);
}

static void test_a_kernel_does_not_tell(void **state)
{
	struct bpf_cost c = four_programs();

	(void)state;
	for (int fd = 0; fd < PROGRAMS; fd++)
		told[fd].recursion_misses = 5;
	told[1].err = EPERM; /* of one: the others' are */
	assert_int_equal(bpf_cost_missed(&c, CAPABILITY_CALLS), 10);
	info_size = INFO_OF_5_8;
	assert_int_equal(bpf_cost_missed(&c, CAPABILITY_CALLS), 0);
	bpf_cost_release(&c);
}

/* The window sees what is taken within it, and goes on with that; misses do not mix in. */
static void test_run_time(void **state)
{
	struct bpf_cost c = four_programs();
	const uint64_t begin = 100 * NSEC_PER_SEC, end = begin + NSEC_PER_SEC;

	(void)state;
	for (int fd = 0; fd < PROGRAMS; fd++)
		told[fd] = (struct told){.run_time_ns = 1000, .recursion_misses = 1 << 20};
	bpf_cost_step(&c, begin);
	assert_true(c.stats_fd >= 0);
	told[0].run_time_ns += 3000000;
	told[2].run_time_ns += 1000000;
	bpf_cost_step(&c, end);
	assert_int_equal(c.stats_fd, -1);
	assert_int_equal(bpf_cost_ns(&c, CAPABILITY_CALLS, end), 4000000);
	assert_int_equal(bpf_cost_ns(&c, CAPABILITY_CALLS, end + NSEC_PER_SEC), 8000000);
	assert_int_equal(bpf_cost_ns(&c, CAPABILITY_EXIT, end + NSEC_PER_SEC), 0);
	bpf_cost_stop(&c, CAPABILITY_CALLS, end);
	assert_int_equal(bpf_cost_ns(&c, CAPABILITY_CALLS, end + NSEC_PER_SEC), 4000000);
	bpf_cost_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_a_kernel_does_not_tell),
		cmocka_unit_test(test_run_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
