/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who belongs to a process that was started: by records of births, by parents, by identity. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/tree.h"

#define GONE 4194303 /* above what a machine gives in practice: nobody has it */

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	*state = t;
	return t ? tree_init(t, 10) : -1;
}

static int teardown(void **state)
{
	tree_release(*state);
	free(*state);
	return 0;
}

static void born(struct tree *t, uint32_t pid, uint64_t start_ns, uint32_t ppid)
{
	const struct mw_event_header h = {
		.type = MW_EVENT_FORK, .pid = pid, .start_ns = start_ns, .ppid = ppid};

	tree_born(t, &h);
}

static void test_root_of_any_start(void **state)
{
	struct tree *t = *state;

	assert_true(tree_has(t, 10, 123));
	assert_false(tree_has(t, 11, 123));
	assert_false(tree_is_empty(t));
	assert_true(tree_gone(t, 10, 123));
	assert_false(tree_gone(t, 10, 123));
	assert_true(tree_is_empty(t));
}

/* A parent that is gone: its child, and what that starts, stay. */
static void test_outlives_its_parents(void **state)
{
	struct tree *t = *state;

	born(t, 11, 200, 10);
	born(t, 12, 300, 11);
	born(t, 13, 300, 99); /* a stranger's */
	assert_true(tree_gone(t, 11, 200));
	born(t, 14, 400, 12);
	assert_true(tree_gone(t, 10, 100));
	assert_true(tree_has(t, 12, 300));
	assert_true(tree_has(t, 14, 400));
	assert_false(tree_has(t, 13, 300));
	assert_true(tree_gone(t, 12, 300));
	assert_false(tree_is_empty(t));
	assert_true(tree_gone(t, 14, 400));
	assert_true(tree_is_empty(t));
}

static void test_pid_used_again(void **state)
{
	struct tree *t = *state;

	born(t, 11, 200, 10);
	assert_false(tree_has(t, 11, 500));
	assert_false(tree_gone(t, 11, 500));
	assert_true(tree_gone(t, 11, 200));
	born(t, 11, 600, 99);
	assert_false(tree_has(t, 11, 600));
	born(t, 11, 700, 10); /* the end of another one of it was not seen */
	born(t, 11, 800, 10);
	assert_true(tree_has(t, 11, 800));
	assert_true(tree_gone(t, 11, 800));
	assert_true(tree_gone(t, 10, 1));
	assert_true(tree_is_empty(t));
}

/* ---- ticks ---- */

static void seen(struct process_table *table, uint32_t pid, uint64_t start_ns, uint32_t ppid)
{
	const struct mw_task raw = {.pid = pid, .ppid = ppid, .start_ns = start_ns, .comm = "x"};
	struct process *p;

	assert_int_equal(process_table_update(table, &raw, &p), 0);
}

static void test_lost_births(void **state)
{
	struct tree *t = *state;
	struct process_table table;

	assert_int_equal(process_table_init(&table, 12), 0);
	process_table_begin(&table, 1000);
	seen(&table, 12, 300, 11); /* its parent is learned in the same look */
	seen(&table, 11, 200, 10);
	seen(&table, 10, 100, 1);
	seen(&table, 20, 100, 1);
	tree_look(t, &table);
	assert_true(tree_has(t, 10, 100));
	assert_false(tree_has(t, 10, 101)); /* its start is known now */
	assert_true(tree_has(t, 11, 200));
	assert_true(tree_has(t, 12, 300));
	assert_false(tree_has(t, 20, 100));
	process_table_release(&table);
}

/* ---- processes that are there ---- */

static pid_t start(void)
{
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails */
		pause();
		_exit(0);
	}
	assert_true(child > 0);
	return child;
}

/* Returns the signal that has ended it: @signo, unless the code under test sent another before. */
static int stop(pid_t child, int signo)
{
	int code;

	kill(child, signo);
	assert_int_equal(waitpid(child, &code, 0), child);
	assert_true(WIFSIGNALED(code));
	return WTERMSIG(code);
}

/* As a record has it, as far as /proc tells: in clock ticks. */
static uint64_t start_of(pid_t pid)
{
	unsigned long long ticks;
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
				"%*u %*d %*d %*d %*d %*d %*d %llu",
				&ticks),
			 1);
	fclose(f);
	return ticks * (1000000000ULL / (unsigned long long)sysconf(_SC_CLK_TCK)) + 1;
}

/* ---- lost ends ---- */

/* Without a record of its end: it is not there at two looks, or its PID is another's. */
static void test_lost_ends(void **state)
{
	struct tree *t = *state;
	struct process_table table;
	pid_t child = start(), stranger = start();
	uint64_t start_ns = start_of(child);

	assert_int_equal(process_table_init(&table, 12), 0);
	born(t, GONE, 200, 10);
	born(t, 11, 200, 10);
	born(t, (uint32_t)child, start_ns, 10); /* no tick sees it, but it is there: about to end */
	born(t, (uint32_t)stranger, 200, 10);
	process_table_begin(&table, 1000);
	seen(&table, 10, 100, 1);
	seen(&table, 11, 900, 1);
	tree_look(t, &table);
	assert_true(tree_has(t, GONE, 200)); /* its record may wait */
	tree_look(t, &table);
	assert_true(tree_has(t, 10, 100));
	assert_false(tree_has(t, GONE, 200));
	assert_false(tree_has(t, 11, 200));
	assert_false(tree_has(t, 11, 900));
	assert_true(tree_has(t, (uint32_t)child, start_ns));
	assert_false(tree_has(t, (uint32_t)stranger, 200));
	process_table_release(&table);
	stop(child, SIGKILL);
	stop(stranger, SIGKILL);
}

/* Who has the PID of one whose end was lost, and what that starts, are strangers. */
static void test_strangers_children(void **state)
{
	struct tree *t = *state;
	struct process_table table;

	assert_int_equal(process_table_init(&table, 12), 0);
	born(t, GONE, 200, 10);
	born(t, 11, 200, 10);
	process_table_begin(&table, 1000);
	seen(&table, 10, 100, 1);
	seen(&table, 11, 900, 1);
	seen(&table, 12, 950, 11);   /* of the other one */
	seen(&table, 13, 960, 12);   /* and its child */
	seen(&table, 14, 970, GONE); /* of a parent that this tick does not know */
	seen(&table, 15, 980, 10);
	tree_look(t, &table);
	assert_false(tree_has(t, 11, 900));
	assert_false(tree_has(t, 12, 950));
	assert_false(tree_has(t, 13, 960));
	assert_false(tree_has(t, 14, 970));
	assert_true(tree_has(t, 15, 980));
	process_table_release(&table);
}

/* Without ticks, too, those are forgotten; zombies, whose records are still to come, are not. */
static void test_prune(void **state)
{
	struct tree *t = *state;
	pid_t child = start(), stranger = start();
	uint64_t start_ns = start_of(child);
	siginfo_t info;

	born(t, GONE, 200, 10);
	born(t, (uint32_t)child, start_ns, 10);
	born(t, (uint32_t)stranger, 200, 10);
	tree_root_reaped(t);
	tree_prune(t);
	assert_true(tree_has(t, GONE, 200)); /* its record may wait */
	tree_prune(t);
	assert_false(tree_has(t, 10, 100));
	assert_false(tree_has(t, GONE, 200));
	assert_false(tree_has(t, (uint32_t)stranger, 200));
	kill(child, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	tree_prune(t);
	tree_prune(t);
	assert_true(tree_has(t, (uint32_t)child, start_ns));
	stop(child, SIGKILL);
	tree_prune(t);
	assert_false(tree_is_empty(t));
	tree_prune(t);
	assert_true(tree_is_empty(t));
	stop(stranger, SIGKILL);
}

/* ---- signals ---- */

/* All of it, as far as they are there. */
static void test_signals(void **state)
{
	struct tree root, *t = *state;
	pid_t parent = start(), child = start();

	assert_true(tree_gone(t, 10, 1));
	tree_signal(t, SIGKILL); /* empty: nobody */
	assert_int_equal(tree_init(&root, (uint32_t)parent), 0);
	born(&root, (uint32_t)child, start_of(child), (uint32_t)parent);
	born(&root, GONE, 200, (uint32_t)parent);
	tree_signal(&root, SIGTERM);
	assert_int_equal(stop(parent, SIGTERM), SIGTERM);
	assert_int_equal(stop(child, SIGTERM), SIGTERM);
	tree_release(&root);
}

/* A PID that is another's by now is let alone: also that of the root, whose end was lost. */
static void test_signals_no_stranger(void **state)
{
	struct tree root, *t = *state;
	pid_t stranger = start(), other = start();
	struct process_table table;

	born(t, (uint32_t)stranger, 200, 10); /* 200 ns after the boot it was not born */
	assert_true(tree_gone(t, 10, 1));
	tree_signal(t, SIGKILL);
	assert_int_equal(tree_init(&root, (uint32_t)other), 0);
	assert_int_equal(process_table_init(&table, 12), 0);
	process_table_begin(&table, 1000);
	seen(&table, (uint32_t)other, 200, 1);
	tree_look(&root, &table);
	assert_true(tree_has(&root, (uint32_t)other, 200));
	tree_signal(&root, SIGKILL);
	process_table_release(&table);
	tree_release(&root);
	assert_int_equal(stop(stranger, SIGTERM), SIGTERM);
	assert_int_equal(stop(other, SIGTERM), SIGTERM);
}

/* Once the root was waited for, nobody knows whose its PID is, if its start was never seen. */
static void test_signals_no_reaped_root(void **state)
{
	struct tree root;
	pid_t other = start();

	(void)state;
	assert_int_equal(tree_init(&root, (uint32_t)other), 0);
	tree_root_reaped(&root);
	tree_signal(&root, SIGKILL);
	assert_int_equal(stop(other, SIGTERM), SIGTERM);
	tree_release(&root);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TREE(test_root_of_any_start),
		WITH_TREE(test_outlives_its_parents),
		WITH_TREE(test_pid_used_again),
		WITH_TREE(test_lost_births),
		WITH_TREE(test_lost_ends),
		WITH_TREE(test_strangers_children),
		WITH_TREE(test_prune),
		WITH_TREE(test_signals),
		WITH_TREE(test_signals_no_stranger),
		WITH_TREE(test_signals_no_reaped_root),
	};

	return cmocka_run_group_tests_name("cmd/tree", tests, NULL, NULL);
}
