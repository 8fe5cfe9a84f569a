/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program beside a run: what it inherits, what is read of it, how it ends, and that it does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/heap_child.h"

#define PATIENCE_MS 20000

static int setup(void **state)
{
	static struct heap_child child;

	heap_child_init(&child);
	*state = &child;
	return 0;
}

static int teardown(void **state)
{
	heap_child_release(*state);
	return 0;
}

static void start(struct heap_child *c, const char *script)
{
	char *const argv[] = {"sh", "-c", (char *)script, NULL};

	assert_int_equal(heap_child_start(c, "/bin/sh", argv, -1), 0);
	assert_true(c->pid > 0);
}

static void wait_readable(int fd)
{
	struct pollfd fds = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&fds, 1, PATIENCE_MS), 1);
}

/* All of it; what heap_child_read() returned last. */
static int read_all(struct heap_child *c)
{
	int more;

	do {
		wait_readable(c->out_fd);
		more = heap_child_read(c);
	} while (more > 0);
	return more;
}

static void test_says(void **state)
{
	struct heap_child *c = *state;

	start(c, "echo one; echo two; echo 'memwatch: first' >&2; echo 'memwatch: last words' >&2");
	assert_int_equal(read_all(c), 0);
	heap_child_end(c);
	assert_string_equal(c->out.s, "one\ntwo\n");
	assert_string_equal(c->why, "last words");
	assert_int_equal(c->pid, 0);
	start(c, "echo three"); /* another one begins anew */
	assert_int_equal(read_all(c), 0);
	heap_child_end(c);
	assert_string_equal(c->out.s, "three\n");
	assert_string_equal(c->why, "");
}

/* The line of our own status: what nohup(1), or a shell by '&', ignores is ignored before us. */
static void own_ignored(char *out, size_t size)
{
	FILE *f = fopen("/proc/self/status", "r");

	assert_non_null(f);
	do
		assert_non_null(fgets(out, (int)size, f));
	while (strncmp(out, "SigIgn:", 7));
	fclose(f);
}

/* A run blocks signals, ignores SIGPIPE, and has files open: nothing of it goes on. */
static void test_inherits_nothing(void **state)
{
	struct heap_child *c = *state;
	char ignored[64], expected[160];
	int inherited = fcntl(STDIN_FILENO, F_DUPFD, 50);
	sigset_t all, before;

	own_ignored(ignored, sizeof(ignored));
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	signal(SIGPIPE, SIG_IGN);
	start(c, "ls /proc/self/fd | wc -l; grep -E '^Sig(Blk|Ign)' /proc/self/status; "
		 "readlink /proc/self/fd/0");
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(read_all(c), 0);
	heap_child_end(c);
	close(inherited);
	/* 3, and the folder that ls reads */
	snprintf(expected, sizeof(expected), "4\nSigBlk:\t0000000000000000\n%s/dev/null\n",
		 ignored);
	assert_string_equal(c->out.s, expected);
}

static void test_cannot_run(void **state)
{
	struct heap_child *c = *state;
	char *const argv[] = {"none", NULL};

	assert_int_equal(heap_child_start(c, "/nonexistent/program", argv, -1), 0);
	assert_int_equal(read_all(c), 0);
	heap_child_end(c);
	assert_string_equal(c->out.s, "");
}

static void test_too_much(void **state)
{
	struct heap_child *c = *state;

	start(c, "exec cat /dev/zero");
	assert_int_equal(read_all(c), -E2BIG);
	assert_true(c->out.len <= HEAP_CHILD_OUT_MAX);
	heap_child_end(c);
}

static void test_killed(void **state)
{
	struct heap_child *c = *state;
	pid_t pid;

	start(c, "trap '' TERM INT HUP; echo up; while :; do sleep 0.05; done");
	wait_readable(c->out_fd);
	assert_int_equal(heap_child_read(c), 1);
	assert_string_equal(c->out.s, "up\n");
	assert_int_equal(heap_child_read(c), 1); /* nothing yet: it does not wait */
	pid = c->pid;
	heap_child_end(c);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	heap_child_end(c); /* there is none */
}

/* Whoever runs it is killed: it goes, too. */
static void test_orphan(void **state)
{
	struct heap_child *c = *state;
	int up[2], status;
	char byte;
	pid_t run;

	assert_int_equal(pipe(up), 0);
	run = fork();
	if (!run) {
		char script[64];

		/* The pipe is closed in the child: it is opened again by its name. */
		snprintf(script, sizeof(script), "exec >/proc/%d/fd/%d; echo; exec sleep 1000",
			 (int)getpid(), up[1]);
		start(c, script);
		pause();
		_exit(0);
	}
	close(up[1]);
	assert_int_equal(read(up[0], &byte, 1), 1);
	kill(run, SIGKILL);
	assert_int_equal(waitpid(run, &status, 0), run);
	wait_readable(up[0]); /* its end: nobody has the pipe open any more */
	assert_int_equal(read(up[0], &byte, 1), 0);
	close(up[0]);
}

#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CHILD(test_says),	     WITH_CHILD(test_inherits_nothing),
		WITH_CHILD(test_cannot_run), WITH_CHILD(test_too_much),
		WITH_CHILD(test_killed),     WITH_CHILD(test_orphan),
	};

	return cmocka_run_group_tests_name("cmd/heap_child", tests, NULL, NULL);
}
