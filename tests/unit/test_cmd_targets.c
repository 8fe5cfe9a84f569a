/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Naming processes: lists of PIDs, real processes and threads, cgroup paths, who is gone. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture.h"
#include "cmd/targets.h"

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct targets));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* The result of @call, with what it says kept off the terminal: it must say something on error. */
#define QUIETLY(call)                                                                              \
	({                                                                                         \
		struct capture capture__;                                                          \
		int result__;                                                                      \
		capture_begin(&capture__);                                                         \
		result__ = (call);                                                                 \
		capture_end(&capture__);                                                           \
		if (result__ < 0)                                                                  \
			assert_true(strlen(capture__.text) > 10);                                  \
		result__;                                                                          \
	})

/* ---- lists of PIDs ---- */

static void test_pid_lists(void **state)
{
	static const struct {
		const char *list;
		unsigned count;
		uint32_t pids[4];
	} cases[] = {
		{"1", 1, {1}},
		{"1,2", 2, {1, 2}},
		{"2 1", 2, {2, 1}},
		{" 1 , 2\n", 2, {1, 2}}, /* as $(pidof x) or $(pgrep x) print it */
		{"1\n2\n3\n", 3, {1, 2, 3}},
		{",,1,,", 1, {1}},
		{"7,7 7,8,7", 2, {7, 8}},
		{"007", 1, {7}},
		{"4194304", 1, {4194304}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct targets *t = calloc(1, sizeof(*t));

		assert_non_null(t);
		assert_int_equal(targets_add_pids(t, cases[i].list), 0);
		assert_int_equal(t->count, cases[i].count);
		assert_int_equal(t->alive, cases[i].count);
		assert_memory_equal(t->pids, cases[i].pids, t->count * sizeof(t->pids[0]));
		assert_true(targets_are_named(t));
		free(t);
	}
}

static void test_bad_pid_lists(void **state)
{
	static const char *const bad[] = {
		"",	" ",	",",   "\n",	  "x",		"0",
		"-1",	"+1",	"1.5", "1x",	  "0x10",	"1;2",
		"1,x",	"1 0",	"1e3", "4194305", "4294967297", "18446744073709551617",
		"1 --", "\xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct targets *t = calloc(1, sizeof(*t));

		assert_non_null(t);
		assert_int_equal(QUIETLY(targets_add_pids(t, bad[i])), -EINVAL);
		free(t);
	}
}

/* -p 1 -p 2 3: one after another, each once. */
static void test_lists_add_up(void **state)
{
	struct targets *t = *state;

	assert_int_equal(targets_add_pids(t, "1,2"), 0);
	assert_int_equal(targets_add_pids(t, "2,3"), 0);
	assert_int_equal(t->count, 3);
	assert_int_equal(t->alive, 3);
	assert_int_equal(t->pids[2], 3);
}

static void test_too_many_pids(void **state)
{
	struct targets *t = *state;
	char number[16];

	for (unsigned pid = 1; pid <= MW_MAX_TARGETS; pid++) {
		snprintf(number, sizeof(number), "%u", pid);
		assert_int_equal(targets_add_pids(t, number), 0);
	}
	assert_int_equal(t->count, MW_MAX_TARGETS);
	assert_int_equal(targets_add_pids(t, "1"), 0); /* known: it needs no room */
	assert_int_equal(QUIETLY(targets_add_pids(t, "100000")), -E2BIG);
	assert_int_equal(t->count, MW_MAX_TARGETS);
}

/* ---- real processes ---- */

static void test_check_self(void **state)
{
	struct targets *t = *state;

	t->pids[0] = (uint32_t)getpid();
	t->count = t->alive = 1;
	assert_int_equal(targets_check(t), 0);
	assert_int_equal(t->pids[0], getpid());
	assert_int_equal(t->alive, 1);
}

struct thread {
	pthread_t id;
	pid_t tid;
	int started[2], stop[2];
};

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	char c = 0;

	t->tid = (pid_t)syscall(SYS_gettid);
	if (write(t->started[1], &c, 1) != 1 || read(t->stop[0], &c, 1) < 0)
		abort();
	return NULL;
}

static void thread_start(struct thread *t)
{
	char c;

	assert_int_equal(pipe(t->started), 0);
	assert_int_equal(pipe(t->stop), 0);
	assert_int_equal(pthread_create(&t->id, NULL, thread_main, t), 0);
	assert_int_equal(read(t->started[0], &c, 1), 1);
}

static void thread_end(struct thread *t)
{
	close(t->stop[1]);
	assert_int_equal(pthread_join(t->id, NULL), 0);
	close(t->stop[0]);
	close(t->started[0]);
	close(t->started[1]);
}

static void test_thread_becomes_its_process(void **state)
{
	struct targets *t = *state;
	struct thread thread;

	thread_start(&thread);
	assert_int_not_equal(thread.tid, getpid());
	t->pids[0] = (uint32_t)thread.tid;
	t->count = t->alive = 1;
	assert_int_equal(QUIETLY(targets_check(t)), 0);
	assert_int_equal(t->pids[0], getpid());
	assert_int_equal(t->count, 1);
	thread_end(&thread);
}

/* Two threads of a process, or a thread and its process, are one target: it ends once. */
static void test_threads_of_one_process(void **state)
{
	struct targets *t = *state;
	struct thread a, b;
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails */
		pause();
		_exit(0);
	}
	thread_start(&a);
	thread_start(&b);
	t->pids[0] = (uint32_t)a.tid;
	t->pids[1] = (uint32_t)getpid();
	t->pids[2] = (uint32_t)child;
	t->pids[3] = (uint32_t)b.tid;
	t->count = t->alive = 4;
	assert_int_equal(QUIETLY(targets_check(t)), 0);
	assert_int_equal(t->count, 2);
	assert_int_equal(t->alive, 2);
	assert_int_equal(t->pids[0], getpid());
	assert_int_equal(t->pids[1], child);
	assert_true(targets_gone(t, (uint32_t)getpid(), 0));
	assert_true(targets_gone(t, (uint32_t)child, 0));
	assert_int_equal(t->alive, 0);
	thread_end(&a);
	thread_end(&b);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_gone_process(void **state)
{
	struct targets *t = *state;
	pid_t child = fork();

	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	t->pids[0] = (uint32_t)getpid();
	t->pids[1] = (uint32_t)child;
	t->count = t->alive = 2;
	assert_int_equal(QUIETLY(targets_check(t)), -ESRCH);
}

/* A zombie has no memory any more, as a kernel thread never had. */
static void test_zombie(void **state)
{
	struct targets *t = *state;
	pid_t child = fork();
	siginfo_t info;

	if (!child)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	t->pids[0] = (uint32_t)child;
	t->count = t->alive = 1;
	assert_int_equal(QUIETLY(targets_check(t)), -ESRCH);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* PID 2 is kthreadd, unless this is a PID namespace of its own. */
static bool is_kthreadd(void)
{
	char name[16] = "";
	FILE *f = fopen("/proc/2/comm", "re");

	if (!f)
		return false;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	return !strcmp(name, "kthreadd\n");
}

static void test_kernel_thread(void **state)
{
	struct targets *t = *state;

	if (!is_kthreadd()) {
		/* Not skip(): that is "not ok" to prove(1). */
		print_message("not tried: no kernel threads in this PID namespace\n");
		return;
	}
	assert_int_equal(targets_add_pids(t, "2"), 0);
	assert_int_equal(QUIETLY(targets_check(t)), -ESRCH);
}

/* ---- by name ---- */

static void test_comm(void **state)
{
	struct targets *t = *state;
	struct process p = {.comm = "node"};

	assert_int_equal(QUIETLY(targets_set_comm(t, "")), -EINVAL);
	assert_false(targets_are_named(t));
	assert_true(targets_match(t, &p)); /* nothing named: all */
	assert_int_equal(targets_set_comm(t, "node"), 0);
	assert_true(targets_are_named(t));
	assert_true(targets_match(t, &p));
	strcpy(p.comm, "nod");
	assert_false(targets_match(t, &p));
	strcpy(p.comm, "nodejs");
	assert_false(targets_match(t, &p));
	strcpy(p.comm, "");
	assert_false(targets_match(t, &p));
}

/* The kernel cuts a name at 15 characters: a longer one means those it was cut to. */
static void test_long_comm(void **state)
{
	struct targets *t = *state;
	struct process p = {.comm = "a-long-name-of-"};

	assert_int_equal(targets_set_comm(t, "a-long-name-of-a-program"), 0);
	assert_true(targets_match(t, &p));
	strcpy(p.comm, "a-long-name-of");
	assert_false(targets_match(t, &p));
}

/* ---- by cgroup ---- */

static bool matches(const char *named, uint64_t named_id, const char *path, uint64_t id)
{
	static struct targets t;
	struct cgroup cgroup = {.path = (char *)path, .node = {.key = id}};
	struct process p = {.comm = "x", .cgroup = &cgroup};

	t = (struct targets){.cgroup = named, .cgroup_path = named, .cgroup_id = named_id};
	return targets_match(&t, &p);
}

static void test_cgroup_match(void **state)
{
	static struct targets t = {.cgroup = "/a", .cgroup_path = "/a", .cgroup_id = 5};
	const struct process none = {.comm = "x"};

	(void)state;
	assert_true(matches("/a", 5, "/a", 5));
	assert_true(matches("/a", 5, NULL, 5)); /* by id, though its path is not known */
	assert_true(matches("/a", 5, "/elsewhere", 5));
	assert_true(matches("/a", 5, "/a/b", 6));
	assert_true(matches("/a", 5, "/a/b/c", 7));
	assert_true(matches("/a/", 5, "/a/b", 6));
	assert_true(matches("/a//", 5, "/a/b", 6));
	assert_true(matches("/", 1, "/a", 6)); /* the root has all */
	assert_true(matches("/", 1, "/", 1));
	assert_false(matches("/a", 5, "/ab", 6));
	assert_false(matches("/a", 5, "/ab/c", 6));
	assert_false(matches("/a/b", 5, "/a", 6));
	assert_false(matches("/a/b", 5, "/a/", 6));
	assert_false(matches("/a", 5, "/b/a", 6));
	assert_false(matches("/a", 5, "/", 6));
	assert_false(matches("/a", 5, "", 6));
	assert_false(matches("/a", 5, NULL, 6));
	assert_false(targets_match(&t, &none));
}

/* A service that was restarted: its cgroup was made anew, under the same name. */
static void test_cgroup_made_anew(void **state)
{
	(void)state;
	assert_true(matches("/system.slice/x.service", 5, "/system.slice/x.service", 6));
	assert_true(matches("/system.slice/x.service/", 5, "/system.slice/x.service", 6));
}

static void test_cgroup_and_comm(void **state)
{
	struct targets *t = *state;
	struct cgroup cgroup = {.path = (char *)"/a/b"};
	struct process p = {.comm = "node", .cgroup = &cgroup};

	t->cgroup = t->cgroup_path = "/a";
	t->cgroup_id = 5;
	assert_int_equal(targets_set_comm(t, "node"), 0);
	assert_true(targets_match(t, &p));
	strcpy(p.comm, "sh");
	assert_false(targets_match(t, &p));
	strcpy(p.comm, "node");
	cgroup.path = (char *)"/ab";
	assert_false(targets_match(t, &p));
}

static void test_set_cgroup(void **state)
{
	struct targets *t = *state;
	struct stat st;

	assert_int_equal(QUIETLY(targets_set_cgroup(t, "relative")), -EINVAL);
	assert_int_equal(QUIETLY(targets_set_cgroup(t, "")), -EINVAL);
	assert_int_equal(QUIETLY(targets_set_cgroup(t, "/no/such/cgroup")), -EINVAL);
	/* A folder of the machine is no cgroup, even if it exists. */
	assert_int_equal(QUIETLY(targets_set_cgroup(t, "/etc")), -EINVAL);
	if (stat("/sys/fs/cgroup", &st)) {
		/* Not skip(): that is "not ok" to prove(1). */
		print_message("not tried: no /sys/fs/cgroup here\n");
		return;
	}
	assert_int_equal(targets_set_cgroup(t, "/sys/fs/cgroup"), 0);
	assert_string_equal(t->cgroup_path, "/");
	assert_int_equal(t->cgroup_id, st.st_ino);
	assert_true(targets_are_named(t));
}

/* ---- who is gone ---- */

static void test_gone(void **state)
{
	struct targets *t = *state;
	struct process p = {.pid = 10, .start_ns = 100};

	assert_int_equal(targets_add_pids(t, "10,20"), 0);
	targets_seen(t, &p);
	assert_int_equal(t->starts[0], 100);
	assert_int_equal(t->starts[1], 0);
	assert_false(targets_gone(t, 30, 1));	/* never named */
	assert_false(targets_gone(t, 10, 999)); /* another process under this PID */
	assert_int_equal(t->alive, 2);
	assert_true(targets_gone(t, 10, 100));
	assert_int_equal(t->alive, 1);
	assert_false(targets_gone(t, 10, 100)); /* once */
	assert_false(targets_gone(t, 10, 0));
	assert_int_equal(t->alive, 1);
	assert_true(targets_gone(t, 20, 5)); /* not seen at a tick: its identity is not known */
	assert_int_equal(t->alive, 0);
}

static void test_seen_once(void **state)
{
	struct targets *t = *state;
	struct process p = {.pid = 10, .start_ns = 100}, reused = {.pid = 10, .start_ns = 200};
	struct process other = {.pid = 11, .start_ns = 300};

	assert_int_equal(targets_add_pids(t, "10"), 0);
	targets_seen(t, &other);
	assert_int_equal(t->starts[0], 0);
	targets_seen(t, &p);
	targets_seen(t, &reused); /* what was named is the first */
	assert_int_equal(t->starts[0], 100);
	assert_true(targets_gone(t, 10, 0)); /* 0: whichever */
	targets_seen(t, &reused);
	assert_false(targets_gone(t, 10, 200));
}

#define WITH_TARGETS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pid_lists),
		cmocka_unit_test(test_bad_pid_lists),
		WITH_TARGETS(test_lists_add_up),
		WITH_TARGETS(test_too_many_pids),
		WITH_TARGETS(test_check_self),
		WITH_TARGETS(test_thread_becomes_its_process),
		WITH_TARGETS(test_threads_of_one_process),
		WITH_TARGETS(test_gone_process),
		WITH_TARGETS(test_zombie),
		WITH_TARGETS(test_kernel_thread),
		WITH_TARGETS(test_comm),
		WITH_TARGETS(test_long_comm),
		cmocka_unit_test(test_cgroup_match),
		cmocka_unit_test(test_cgroup_made_anew),
		WITH_TARGETS(test_cgroup_and_comm),
		WITH_TARGETS(test_set_cgroup),
		WITH_TARGETS(test_gone),
		WITH_TARGETS(test_seen_once),
	};

	return cmocka_run_group_tests_name("cmd/targets", tests, NULL, NULL);
}
