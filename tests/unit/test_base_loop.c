/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event loop, on real descriptors, timers and signals. Each test that
 * waits has a deadline: a timer of the same loop, with alarm() behind it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/loop.h"

#define DEADLINE_NS (20 * NSEC_PER_SEC)
#define ALARM_S	    60

static int on_deadline(void *arg, uint64_t expirations)
{
	(void)arg, (void)expirations;
	return -ETIMEDOUT;
}

static struct loop *new_loop(void)
{
	struct loop *l = loop_new();

	assert_non_null(l);
	assert_true(loop_add_timer(l, DEADLINE_NS, on_deadline, NULL) >= 0);
	return l;
}

/* A descriptor that is readable from the start. */
static int ready_fd(void)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

static int quiet_fd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

static void sleep_until(uint64_t boot_ns)
{
	while (clock_boot_ns() < boot_ns)
		usleep(1000);
}

/* --- stopping --- */

static int fail_with_io(void *arg, uint32_t events)
{
	(void)arg, (void)events;
	return -EIO;
}

static int stop_with_7(void *arg, uint32_t events)
{
	(void)events;
	loop_stop(arg, -7);
	return 0;
}

static int stop_fine(void *arg, uint32_t events)
{
	(void)events;
	loop_stop(arg, 0);
	return 5; /* only a negative number is an error */
}

static void test_free_null(void **state)
{
	(void)state;
	loop_free(NULL);
	loop_free(loop_new());
}

static void test_results(void **state)
{
	struct loop *l = new_loop();
	int fd = ready_fd();

	(void)state;
	assert_int_equal(loop_add_fd(l, fd, EPOLLIN, fail_with_io, NULL), 0);
	assert_int_equal(loop_run(l), -EIO);
	loop_remove_fd(l, fd);
	assert_int_equal(loop_add_fd(l, fd, EPOLLIN, stop_with_7, l), 0);
	assert_int_equal(loop_run(l), -7);
	loop_remove_fd(l, fd);
	assert_int_equal(loop_add_fd(l, fd, EPOLLIN, stop_fine, l), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(loop_run(l), 0); /* it may run again */
	loop_free(l);
	assert_int_equal(close(fd), 0); /* still the caller's */
}

static void test_stop_before_run(void **state)
{
	struct loop *l = new_loop();

	(void)state;
	loop_stop(l, -3);
	assert_int_equal(loop_run(l), -3);
	loop_free(l);
}

/* --- descriptors --- */

struct pipe_reader {
	struct loop *loop;
	int fds[2];
	size_t bytes;
	bool saw_hangup;
};

static int read_pipe(void *arg, uint32_t events)
{
	struct pipe_reader *p = arg;
	char byte;

	if (read(p->fds[0], &byte, 1) == 1) {
		p->bytes++;
		if (p->bytes == 3) {
			close(p->fds[1]);
			p->fds[1] = -1;
		}
		return 0;
	}
	p->saw_hangup = events & EPOLLHUP;
	loop_remove_fd(p->loop, p->fds[0]);
	loop_stop(p->loop, 0);
	return 0;
}

static void test_pipe(void **state)
{
	struct pipe_reader p = {.loop = new_loop()};

	(void)state;
	assert_int_equal(pipe2(p.fds, O_CLOEXEC), 0);
	assert_int_equal(write(p.fds[1], "abc", 3), 3);
	assert_int_equal(loop_add_fd(p.loop, p.fds[0], EPOLLIN, read_pipe, &p), 0);
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.bytes, 3);
	assert_true(p.saw_hangup);
	close(p.fds[0]);
	loop_free(p.loop);
}

static void test_add_errors(void **state)
{
	struct loop *l = new_loop();
	int fd = ready_fd(), file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(loop_add_fd(l, -1, EPOLLIN, fail_with_io, NULL), -EBADF);
	assert_int_equal(loop_add_fd(l, file, EPOLLIN, fail_with_io, NULL), -EPERM);
	assert_int_equal(loop_add_fd(l, fd, EPOLLIN, stop_with_7, l), 0);
	assert_int_equal(loop_add_fd(l, fd, EPOLLIN, fail_with_io, l), -EEXIST);
	assert_int_equal(loop_run(l), -7); /* the first still stands */
	loop_remove_fd(l, 12345);
	loop_remove_fd(l, -1);
	loop_free(l);
	close(file);
	close(fd);
}

static void test_bound(void **state)
{
	struct loop *l = loop_new();
	int fds[LOOP_MAX_SOURCES + 1];

	(void)state;
	assert_non_null(l);
	for (int i = 0; i <= LOOP_MAX_SOURCES; i++) {
		fds[i] = quiet_fd();
		assert_int_equal(loop_add_fd(l, fds[i], EPOLLIN, fail_with_io, NULL),
				 i < LOOP_MAX_SOURCES ? 0 : -ENOSPC);
	}
	assert_int_equal(loop_add_timer(l, 1, on_deadline, NULL), -ENOSPC);
	assert_int_equal(loop_add_signal(l, SIGUSR1, NULL, NULL), -ENOSPC);
	loop_remove_fd(l, fds[10]);
	assert_int_equal(loop_add_timer(l, 0, on_deadline, NULL), 10);
	assert_int_equal(loop_add_fd(l, fds[10], EPOLLIN, fail_with_io, NULL), -ENOSPC);
	loop_remove_fd(l, fds[11]);
	assert_int_equal(loop_add_fd(l, fds[LOOP_MAX_SOURCES], EPOLLIN, fail_with_io, NULL), 0);
	loop_free(l);
	for (int i = 0; i <= LOOP_MAX_SOURCES; i++)
		close(fds[i]);
}

static void test_closed_number_again(void **state)
{
	struct loop *l = new_loop();

	(void)state;
	for (int i = 0; i < 3 * LOOP_MAX_SOURCES; i++) {
		int fd = ready_fd();

		assert_int_equal(loop_add_fd(l, fd, EPOLLIN, stop_with_7, l), 0);
		assert_int_equal(loop_run(l), -7);
		close(fd); /* not removed before */
	}
	loop_free(l);
}

/* --- removal from within --- */

struct pair {
	struct loop *loop;
	int fds[2];
	int spares[2]; /* added in the places of what was removed; never ready */
	int calls;
	bool replace;
};

/* Whichever comes first removes both; the other's event is of the same batch. */
static int remove_both(void *arg, uint32_t events)
{
	struct pair *p = arg;

	(void)events;
	p->calls++;
	loop_remove_fd(p->loop, p->fds[0]);
	loop_remove_fd(p->loop, p->fds[1]);
	if (p->replace && (loop_add_fd(p->loop, p->spares[0], EPOLLIN, fail_with_io, NULL) ||
			   loop_add_fd(p->loop, p->spares[1], EPOLLIN, fail_with_io, NULL)))
		return -EFAULT;
	loop_stop(p->loop, 0);
	return 0;
}

static void check_removal(bool replace)
{
	struct pair p = {
		.loop = new_loop(),
		.fds = {ready_fd(), ready_fd()},
		.spares = {quiet_fd(), quiet_fd()},
		.replace = replace,
	};

	assert_int_equal(loop_add_fd(p.loop, p.fds[0], EPOLLIN, remove_both, &p), 0);
	assert_int_equal(loop_add_fd(p.loop, p.fds[1], EPOLLIN, remove_both, &p), 0);
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.calls, 1);
	loop_free(p.loop);
	close(p.fds[0]);
	close(p.fds[1]);
	close(p.spares[0]);
	close(p.spares[1]);
}

static void test_remove_later_source(void **state)
{
	(void)state;
	check_removal(false);
}

static void test_replace_later_source(void **state)
{
	(void)state;
	check_removal(true);
}

static int count_call(void *arg, uint32_t events)
{
	struct pair *p = arg;

	(void)events;
	p->calls++;
	loop_stop(p->loop, 0);
	return 0;
}

static void test_stop_ends_after_the_round(void **state)
{
	struct pair p = {.loop = new_loop(), .fds = {ready_fd(), ready_fd()}};

	(void)state;
	assert_int_equal(loop_add_fd(p.loop, p.fds[0], EPOLLIN, count_call, &p), 0);
	assert_int_equal(loop_add_fd(p.loop, p.fds[1], EPOLLIN, count_call, &p), 0);
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.calls, 2);
	loop_free(p.loop);
	close(p.fds[0]);
	close(p.fds[1]);
}

/* --- timers --- */

struct ticker {
	struct loop *loop;
	int id, other_id;
	int calls;
	int last; /* stop after so many */
	uint64_t expirations;
};

static int on_tick(void *arg, uint64_t expirations)
{
	struct ticker *t = arg;

	t->expirations += expirations;
	if (++t->calls == t->last)
		loop_stop(t->loop, 0);
	return 0;
}

static void test_timer_ticks(void **state)
{
	struct ticker t = {.loop = new_loop(), .last = 5};
	uint64_t start = clock_boot_ns(), elapsed;

	(void)state;
	assert_true(loop_add_timer(t.loop, 3 * NSEC_PER_MSEC, on_tick, &t) >= 0);
	assert_int_equal(loop_run(t.loop), 0);
	elapsed = clock_boot_ns() - start;
	assert_int_equal(t.calls, 5);
	assert_true(t.expirations >= 5);
	assert_true(elapsed >= t.expirations * 3 * NSEC_PER_MSEC - NSEC_PER_MSEC);
	loop_free(t.loop);
}

static void test_timer_missed(void **state)
{
	struct ticker t = {.loop = new_loop(), .last = 1};

	(void)state;
	assert_true(loop_add_timer(t.loop, 2 * NSEC_PER_MSEC, on_tick, &t) >= 0);
	sleep_until(clock_boot_ns() + 21 * NSEC_PER_MSEC);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.calls, 1);
	assert_true(t.expirations >= 10);
	loop_free(t.loop);
}

static void test_timer_set(void **state)
{
	struct ticker t = {.loop = new_loop(), .last = 1};
	struct ticker never = {.loop = t.loop};
	int id, stopped;

	(void)state;
	id = loop_add_timer(t.loop, UINT64_MAX, on_tick, &t);
	stopped = loop_add_timer(t.loop, 1, on_tick, &never);
	assert_true(id >= 0 && stopped >= 0 && id != stopped);
	assert_int_equal(loop_set_timer(t.loop, stopped, 0), 0);
	assert_int_equal(loop_set_timer(t.loop, id, NSEC_PER_MSEC), 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.calls, 1);
	assert_int_equal(never.calls, 0);
	assert_int_equal(loop_set_timer(t.loop, -1, 1), -EINVAL);
	assert_int_equal(loop_set_timer(t.loop, LOOP_MAX_SOURCES, 1), -EINVAL);
	assert_int_equal(loop_set_timer(t.loop, stopped + 1, 1), -EINVAL);
	loop_free(t.loop);
}

static int stop_the_other(void *arg, uint64_t expirations)
{
	struct ticker *t = arg;

	(void)expirations;
	t->calls++;
	loop_stop(t->loop, 0);
	loop_set_timer(t->loop, t->id, 0);
	return loop_set_timer(t->loop, t->other_id, 0);
}

/* Both have expired when the loop looks; the one that is first stops the other. */
static void test_timer_stopped_in_batch(void **state)
{
	struct ticker t = {.loop = new_loop()};

	(void)state;
	t.id = loop_add_timer(t.loop, 1, stop_the_other, &t);
	t.other_id = loop_add_timer(t.loop, 1, stop_the_other, &t);
	assert_true(t.id >= 0 && t.other_id >= 0);
	sleep_until(clock_boot_ns() + NSEC_PER_MSEC);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.calls, 1);
	loop_free(t.loop);
}

/* --- signals --- */

struct signals {
	struct loop *loop;
	int count;
	int last_signo;
	int stop_after;
};

static int on_signal(void *arg, int signo)
{
	struct signals *s = arg;

	s->last_signo = signo;
	if (++s->count == s->stop_after)
		loop_stop(s->loop, 0);
	return 0;
}

static bool is_blocked(int signo)
{
	sigset_t set;

	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
	return sigismember(&set, signo) == 1;
}

static void test_signals(void **state)
{
	struct signals s = {.loop = new_loop(), .stop_after = 2};
	struct signals other = {.loop = s.loop};

	(void)state;
	assert_int_equal(loop_add_signal(s.loop, SIGUSR1, on_signal, &s), 0);
	assert_int_equal(loop_add_signal(s.loop, SIGTERM, on_signal, &s), 0);
	assert_int_equal(loop_add_signal(s.loop, SIGUSR2, on_signal, &other), 0);
	assert_int_equal(loop_add_signal(s.loop, SIGUSR1, on_signal, &s), -EEXIST);
	raise(SIGUSR1);
	raise(SIGUSR1); /* merged: not a real-time signal */
	raise(SIGUSR2);
	raise(SIGTERM);
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.last_signo, SIGTERM);
	assert_int_equal(other.count, 1);
	assert_int_equal(other.last_signo, SIGUSR2);
	loop_free(s.loop);
}

static void test_signal_errors(void **state)
{
	struct loop *l = new_loop();

	(void)state;
	assert_int_equal(loop_add_signal(l, SIGKILL, on_signal, NULL), -EINVAL);
	assert_int_equal(loop_add_signal(l, SIGSTOP, on_signal, NULL), -EINVAL);
	assert_int_equal(loop_add_signal(l, 0, on_signal, NULL), -EINVAL);
	assert_int_equal(loop_add_signal(l, -1, on_signal, NULL), -EINVAL);
	assert_int_equal(loop_add_signal(l, 1000, on_signal, NULL), -EINVAL);
	loop_free(l);
}

static void test_mask_is_restored(void **state)
{
	struct loop *l = new_loop();
	sigset_t usr2;

	(void)state;
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &usr2, NULL);
	assert_false(is_blocked(SIGUSR1));
	assert_int_equal(loop_add_signal(l, SIGUSR1, on_signal, NULL), 0);
	assert_int_equal(loop_add_signal(l, SIGUSR2, on_signal, NULL), 0);
	assert_true(is_blocked(SIGUSR1));
	raise(SIGUSR1); /* pending: would kill this program if it came through */
	loop_free(l);
	assert_false(is_blocked(SIGUSR1));
	assert_true(is_blocked(SIGUSR2));
	pthread_sigmask(SIG_UNBLOCK, &usr2, NULL);
}

static int fail_on_signal(void *arg, int signo)
{
	(void)arg, (void)signo;
	return -EINTR;
}

static void test_signal_callback_error(void **state)
{
	struct loop *l = new_loop();

	(void)state;
	assert_int_equal(loop_add_signal(l, SIGUSR1, fail_on_signal, NULL), 0);
	raise(SIGUSR1);
	assert_int_equal(loop_run(l), -EINTR);
	loop_free(l);
}

static volatile sig_atomic_t handled;

static void plain_handler(int signo)
{
	(void)signo;
	handled = 1;
}

/* A signal that is not the loop's interrupts epoll_wait(): not the end of the loop. */
static void test_foreign_signal(void **state)
{
	struct ticker t = {.loop = new_loop(), .last = 20};
	struct sigaction action = {.sa_handler = plain_handler}, before;
	timer_t timer;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct itimerspec soon = {.it_value.tv_nsec = 5000000};

	(void)state;
	assert_int_equal(sigaction(SIGUSR2, &action, &before), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &ev, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
	assert_true(loop_add_timer(t.loop, 2 * NSEC_PER_MSEC, on_tick, &t) >= 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(handled, 1);
	timer_delete(timer);
	sigaction(SIGUSR2, &before, NULL);
	loop_free(t.loop);
}

/* --- descriptors of its own --- */

static int count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_leaks_no_descriptors(void **state)
{
	int before = count_open();

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct loop *l = new_loop();

		assert_true(loop_add_timer(l, 0, on_deadline, NULL) >= 0);
		assert_int_equal(loop_add_signal(l, SIGUSR1, on_signal, NULL), 0);
		assert_int_equal(loop_add_signal(l, SIGUSR2, on_signal, NULL), 0);
		loop_free(l);
	}
	assert_int_equal(count_open(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_null),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_stop_before_run),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_add_errors),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_closed_number_again),
		cmocka_unit_test(test_remove_later_source),
		cmocka_unit_test(test_replace_later_source),
		cmocka_unit_test(test_stop_ends_after_the_round),
		cmocka_unit_test(test_timer_ticks),
		cmocka_unit_test(test_timer_missed),
		cmocka_unit_test(test_timer_set),
		cmocka_unit_test(test_timer_stopped_in_batch),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_signal_errors),
		cmocka_unit_test(test_mask_is_restored),
		cmocka_unit_test(test_signal_callback_error),
		cmocka_unit_test(test_foreign_signal),
		cmocka_unit_test(test_leaks_no_descriptors),
	};

	alarm(ALARM_S);
	return cmocka_run_group_tests_name("base/loop", tests, NULL, NULL);
}
