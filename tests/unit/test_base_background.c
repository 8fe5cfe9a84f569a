/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is closed in the background: seen at the other end of a pipe, which ends when the last copy
 * of a descriptor has been closed. Each test is a process of its own, for it is one for each
 * process that closes; alarm() is the deadline.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/background.h"

#define ALARM_S 20

/* Runs @body in a child; returns its wait status. The rest of what it opened is closed by its end.
 */
static int apart(int (*body)(int arg), int arg)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		alarm(ALARM_S);
		_exit(body(arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Whether the other end of what @fd reads is closed, at the latest at the alarm. */
static bool ends(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 0;
}

static int closes(int with_process)
{
	int fds[50][2];
	unsigned count = sizeof(fds) / sizeof(fds[0]);

	if (with_process && (background_start() || background_start()))
		return 1;
	if (!background_pid() != !with_process)
		return 2;
	for (unsigned i = 0; i < count; i++) {
		if (pipe(fds[i]))
			return 3;
		background_close(fds[i][1]);
	}
	background_close(-1);
	for (unsigned i = 0; i < count; i++) {
		if (!ends(fds[i][0]))
			return 4;
	}
	background_wait();
	background_wait();
	if (background_pid())
		return 5;
	return waitpid(-1, NULL, 0) < 0 && errno == ECHILD ? 0 : 6;
}

static void test_closes(void **state)
{
	(void)state;
	assert_int_equal(apart(closes, true), 0);
	assert_int_equal(apart(closes, false), 0); /* as where there can be no process */
}

/* A socket that waits, when it is closed, until what was sent has arrived: here never. */
static int lingering_socket(void)
{
	struct sockaddr address = {.sa_family = AF_INET};
	struct linger linger = {1, 1};
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	char bytes[4096] = "";
	socklen_t len = sizeof(address);

	if (listen(listener, 1) || getsockname(listener, &address, &len) ||
	    connect(fd, &address, len) ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return -1;
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fd;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A second each: the caller does not wait, they wait side by side, and background_wait() for all.
 */
static int is_not_waited_for(int with_process)
{
	uint64_t begun, closed, done;
	cpu_set_t one;
	int fds[50];
	unsigned count = sizeof(fds) / sizeof(fds[0]);

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) || (with_process && background_start()))
		return 1;
	for (unsigned i = 0; i < count; i++) {
		fds[i] = lingering_socket();
		if (fds[i] < 0)
			return 2;
	}
	begun = now_ms();
	for (unsigned i = 0; i < count; i++)
		background_close(fds[i]);
	closed = now_ms();
	background_wait();
	done = now_ms();
	printf("# closed in %d ms, done in %d ms\n", (int)(closed - begun), (int)(done - begun));
	fflush(stdout);
	return closed - begun < 900 && done - begun >= 900 && done - begun < 4000 ? 0 : 3;
}

static void test_is_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(apart(is_not_waited_for, true), 0);
	assert_int_equal(apart(is_not_waited_for, false), 0);
}

/* The process that closes: its own pid by the pipe, then it is killed while a close is under way.
 */
static int is_killed(int report_fd)
{
	pid_t closer;
	int fd;

	if (background_start())
		return 1;
	closer = background_pid();
	fd = lingering_socket();
	if (fd < 0 || write(report_fd, &closer, sizeof(closer)) != sizeof(closer))
		return 2;
	background_close(fd);
	background_close(report_fd);
	raise(SIGKILL);
	return 3;
}

/* Who closes outlives who asked for it, does it all, and then ends; no signal of a terminal ends
 * it. */
static void test_outlives(void **state)
{
	int fds[2], status;
	pid_t closer;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(fds), 0);
	status = apart(is_killed, fds[1]);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(read(fds[0], &closer, sizeof(closer)), sizeof(closer));
	assert_int_equal(kill(closer, 0), 0); /* it closes still: a second long */
	kill(closer, SIGTERM);
	kill(closer, SIGINT);
	kill(closer, SIGHUP);
	close(fds[1]);
	alarm(ALARM_S);
	assert_true(ends(fds[0]));
	assert_int_equal(waitpid(closer, &status, 0), closer);
	alarm(0);
	assert_int_equal(status, 0);
	close(fds[0]);
}

/* What it was not meant to have it does not keep open. */
static int holds_nothing(int arg)
{
	int fds[2];

	(void)arg;
	if (pipe(fds) || background_start())
		return 1;
	close(fds[1]);
	if (!ends(fds[0]))
		return 2;
	background_wait();
	return 0;
}

static void test_holds_nothing(void **state)
{
	(void)state;
	assert_int_equal(apart(holds_nothing, 0), 0);
}

/* Killed it is missed by nobody: threads do it. */
static int is_missed(int arg)
{
	int fds[2];

	(void)arg;
	if (background_start() || pipe(fds) || kill(background_pid(), SIGKILL))
		return 1;
	/* Its end of the socket is closed before it can be waited for. */
	if (waitid(P_PID, (id_t)background_pid(), &(siginfo_t){0}, WEXITED | WNOWAIT))
		return 2;
	background_close(fds[1]);
	if (!ends(fds[0]))
		return 3;
	background_wait();
	return 0;
}

static void test_is_missed(void **state)
{
	(void)state;
	assert_int_equal(apart(is_missed, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closes),	  cmocka_unit_test(test_is_not_waited_for),
		cmocka_unit_test(test_outlives),  cmocka_unit_test(test_holds_nothing),
		cmocka_unit_test(test_is_missed),
	};

	return cmocka_run_group_tests_name("base/background", tests, NULL, NULL);
}
