// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Stack pointers of threads that wait, beside what /proc says of the stack and of the threads. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "census/live_stacks.h"
#include "sym/proc_maps.h"

#define DEADLINE_S 10

static pid_t child_of(void (*run)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		run();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void wait_for_signals(void)
{
	for (;;)
		pause();
}

static void spin(void)
{
	for (volatile unsigned i = 0;; i++)
		;
}

/* Until so many threads of @pid wait, or not: how many did at last. */
static unsigned await_count(pid_t pid, unsigned wanted, struct stopped_thread **threads)
{
	time_t deadline = time(NULL) + DEADLINE_S;
	unsigned count;

	do {
		count = live_stacks_read(pid, threads);
		if (count != wanted) {
			free(*threads);
			*threads = NULL;
		}
	} while (count != wanted && time(NULL) < deadline);
	return count;
}

static void one_that_waits_is_told(void **state)
{
	pid_t pid = child_of(wait_for_signals);
	struct stopped_thread *threads = NULL;
	unsigned count = await_count(pid, 1, &threads);
	struct proc_maps maps = {0};
	const struct proc_map *map = NULL;
	bool is_stack = false;

	(void)state;
	if (count == 1 && !proc_maps_read(pid, 0, &maps))
		map = proc_maps_find(&maps, threads[0].sp);
	is_stack = map && !strcmp(map->path, "[stack]");
	proc_maps_release(&maps);
	end(pid);
	assert_int_equal(count, 1);
	assert_int_equal(threads[0].tid, pid);
	assert_true(is_stack);
	free(threads);
}

static void one_that_runs_is_not(void **state)
{
	pid_t pid = child_of(spin);
	struct stopped_thread *threads = NULL;
	unsigned count = await_count(pid, 0, &threads);

	(void)state;
	free(threads);
	end(pid);
	assert_int_equal(count, 0);
}

static void none_where_there_is_no_process(void **state)
{
	pid_t pid = child_of(wait_for_signals);
	struct stopped_thread *threads = NULL;

	(void)state;
	end(pid);
	assert_int_equal(live_stacks_read(pid, &threads), 0);
	free(threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_waits_is_told),
		cmocka_unit_test(one_that_runs_is_not),
		cmocka_unit_test(none_where_there_is_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
