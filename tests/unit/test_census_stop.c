/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes that stand still and run on: threads that come and go, signals, stops, ends. */
#include "child.h"

#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "census/stop.h"

#define COUNTING 4 /* threads that count; one more starts others */
#define ROUNDS	 50
#define RED_ZONE 128 /* below a stack pointer: x86-64 ABI */

/* --- a child with threads --- */

static struct shared *of_child;

static void *count_up(void *arg)
{
	volatile uint64_t *counter = arg;
	volatile char here = 0;

	if (counter == &of_child->counters[0])
		of_child->address[0] = (uintptr_t)&here;
	while (!of_child->end)
		++*counter;
	return NULL;
}

static void *count_once(void *arg)
{
	++*(volatile uint64_t *)arg;
	return NULL;
}

static void with_threads(struct shared *m)
{
	pthread_t t;

	of_child = m;
	for (int i = 0; i < COUNTING; i++)
		pthread_create(&t, NULL, count_up, (void *)&m->counters[i]);
	m->ready = 1;
	while (!m->end) {
		if (!pthread_create(&t, NULL, count_once, (void *)&m->counters[COUNTING]))
			pthread_join(t, NULL);
	}
}

static void copy_counters(const struct shared *m, uint64_t *out)
{
	for (int i = 0; i < CHILD_COUNTERS; i++)
		out[i] = m->counters[i];
}

static void assert_still(const struct shared *m)
{
	uint64_t before[CHILD_COUNTERS], after[CHILD_COUNTERS];

	copy_counters(m, before);
	sleep_ms(5);
	copy_counters(m, after);
	assert_memory_equal(before, after, sizeof(before));
}

static void assert_runs(const struct shared *m, unsigned counters)
{
	uint64_t before[CHILD_COUNTERS];

	copy_counters(m, before);
	for (unsigned i = 0; i < counters; i++)
		await(m->counters[i] != before[i]);
}

static void stop_well(struct stop *s, pid_t pid)
{
	const char *why = NULL;

	if (stop_begin(s, pid, &why))
		fail_msg("not stopped: %s", why);
	assert_true(stop_holds(s));
}

static void test_threads(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(with_threads, m);
	struct stop s = {0};
	bool near = false;

	(void)state;
	await(m->ready && m->address[0]);
	for (int i = 0; i < ROUNDS; i++) {
		stop_well(&s, pid);
		assert_true(s.count > COUNTING);
		assert_int_equal(s.threads[0].tid, pid);
		for (unsigned t = 0; t < s.count; t++) {
			assert_true(s.threads[t].sp && s.threads[t].pc);
			near |= m->address[0] + RED_ZONE - s.threads[t].sp < 4096;
		}
		assert_still(m);
		stop_end(&s);
		assert_false(stop_holds(&s));
		assert_runs(m, COUNTING + 1);
	}
	assert_true(near); /* the stack pointer of a thread is next to what is on its stack */
	stop_release(&s);
	m->end = 1;
	assert_int_equal(child_wait(pid), 0);
	shared_free(m);
}

static volatile sig_atomic_t terminal_stops;

static void count_terminal_stop(int signal)
{
	(void)signal;
	terminal_stops++;
}

/* Else Ctrl-Z would leave it standing. */
static void test_terminal_stops_are_put_off(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(with_threads, m);
	struct stop s = {0};

	(void)state;
	await(m->ready);
	signal(SIGTSTP, count_terminal_stop);
	stop_well(&s, pid);
	kill(getpid(), SIGTSTP);
	assert_still(m);
	assert_int_equal(terminal_stops, 0);
	stop_release(&s);
	await(terminal_stops == 1);
	assert_runs(m, COUNTING + 1);
	signal(SIGTSTP, SIG_DFL);
	assert_int_equal(child_end(pid), -SIGKILL);
	shared_free(m);
}

/* --- stopped before --- */

static void counting(struct shared *m)
{
	of_child = m;
	m->ready = 1;
	count_up((void *)&m->counters[0]);
}

static void test_was_stopped(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(counting, m);
	struct stop s = {0};

	(void)state;
	await(m->ready);
	kill(pid, SIGSTOP);
	await(child_state(pid) == 'T');
	for (int i = 0; i < ROUNDS; i++) {
		stop_well(&s, pid);
		assert_still(m);
		stop_end(&s);
		await(child_state(pid) == 'T');
		assert_still(m);
	}
	stop_well(&s, pid);
	kill(pid, SIGCONT); /* counts, though it is held */
	assert_still(m);
	stop_end(&s);
	assert_runs(m, 1);
	stop_well(&s, pid);
	kill(pid, SIGSTOP); /* so does this */
	assert_still(m);
	stop_release(&s);
	await(child_state(pid) == 'T');
	assert_still(m);
	assert_int_equal(child_end(pid), -SIGKILL);
	shared_free(m);
}

/* --- signals --- */

static void take_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	of_child->signals++;
	of_child->signal_sum += (unsigned)info->si_value.sival_int;
}

static void taking_signals(struct shared *m)
{
	struct sigaction action = {.sa_sigaction = take_signal, .sa_flags = SA_SIGINFO};

	of_child = m;
	sigfillset(&action.sa_mask);
	sigaction(SIGRTMIN, &action, NULL);
	m->ready = 1;
	count_up((void *)&m->counters[0]);
}

struct sender {
	pid_t pid;
	volatile int end;
	uint64_t sent, sum;
};

/* Never so many on the way that the kernel's queue (RLIMIT_SIGPENDING) is full. */
static void *send_signals(void *arg)
{
	struct sender *sender = arg;

	while (!sender->end) {
		union sigval value = {.sival_int = (int)(sender->sent % 1000)};

		if (sender->sent - of_child->signals > 64) {
			sched_yield();
			continue;
		}
		if (sigqueue(sender->pid, SIGRTMIN, value))
			continue;
		sender->sent++;
		sender->sum += (unsigned)value.sival_int;
	}
	return NULL;
}

static void sender_start(struct sender *sender, pthread_t *thread)
{
	assert_int_equal(pthread_create(thread, NULL, send_signals, sender), 0);
}

static void sender_end(struct sender *sender, pthread_t thread, const struct shared *m)
{
	sender->end = 1;
	pthread_join(thread, NULL);
	await(m->signals == sender->sent);
	assert_int_equal(m->signal_sum, sender->sum);
	assert_runs(m, 1);
	assert_int_equal(m->signals, sender->sent); /* none twice */
}

static void test_signals_arrive_once(void **state)
{
	struct shared *m = of_child = shared_new();
	pid_t pid = child_start(taking_signals, m);
	struct sender sender = {.pid = pid};
	struct stop s = {0};
	pthread_t thread;
	unsigned held = 0;

	(void)state;
	await(m->ready);
	sender_start(&sender, &thread);
	await(m->signals > 100);
	for (int i = 0; i < 2000 || !held; i++) {
		stop_well(&s, pid);
		held += s.threads[0].signal == SIGRTMIN;
		stop_end(&s);
		assert_true(i < 200000);
	}
	stop_release(&s);
	sender_end(&sender, thread, m);
	assert_true(held); /* else nothing was proved */
	assert_int_equal(child_end(pid), -SIGKILL);
	shared_free(m);
}

/* --- ends --- */

static void test_killed_meanwhile(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(with_threads, m);
	struct stop s = {0};
	const char *why = NULL;

	(void)state;
	await(m->ready);
	stop_well(&s, pid);
	kill(pid, SIGKILL);
	await(!stop_holds(&s));
	stop_end(&s);
	await(child_state(pid) == 'Z');
	assert_int_equal(stop_begin(&s, pid, &why), -ESRCH);
	assert_string_equal(why, "the process has ended");
	assert_int_equal(child_wait(pid), -SIGKILL);
	assert_int_equal(stop_begin(&s, pid, &why), -ESRCH);
	stop_release(&s);
	shared_free(m);
}

static pid_t held_target;

/* memwatch, that holds a process which is about to take a signal, for ever. */
static void holding(struct shared *m)
{
	struct stop s = {0};
	const char *why;

	do {
		stop_end(&s);
		if (stop_begin(&s, held_target, &why))
			_exit(1);
	} while (s.threads[0].signal != SIGRTMIN);
	m->ready = 2;
	for (;;)
		pause();
}

static void test_memwatch_is_killed(void **state)
{
	struct shared *m = of_child = shared_new();
	struct sender sender = {0};
	pthread_t thread;
	pid_t holder;

	(void)state;
	held_target = sender.pid = child_start(taking_signals, m);
	await(m->ready);
	sender_start(&sender, &thread);
	holder = child_start(holding, m);
	await(m->ready == 2);
	assert_still(m);
	assert_int_equal(child_end(holder), -SIGKILL);
	sender_end(&sender, thread, m);
	assert_int_equal(child_end(held_target), -SIGKILL);
	shared_free(m);
}

/* --- what cannot be stopped --- */

static void tracing(struct shared *m)
{
	if (ptrace(PTRACE_SEIZE, held_target, NULL, NULL))
		_exit(1);
	prctl(PR_SET_NAME, "other \033tracer");
	m->ready = 2;
	for (;;)
		pause();
}

static void test_another_tracer(void **state)
{
	struct shared *m = shared_new();
	struct stop s = {0};
	const char *why = NULL;
	char expected[100];
	pid_t tracer;

	(void)state;
	held_target = child_start(counting, m);
	tracer = child_start(tracing, m);
	await(m->ready == 2);
	assert_int_equal(stop_begin(&s, held_target, &why), -EBUSY);
	snprintf(expected, sizeof(expected), "it is traced by other ?tracer (PID %d) already",
		 tracer);
	assert_string_equal(why, expected);
	assert_runs(m, 1);
	assert_int_equal(child_end(tracer), -SIGKILL);
	stop_well(&s, held_target);
	stop_release(&s);
	assert_int_equal(child_end(held_target), -SIGKILL);
	shared_free(m);
}

/* Waits uninterruptibly for its child, while another of its threads counts. */
static void waiting(struct shared *m)
{
	pthread_t t;

	of_child = m;
	pthread_create(&t, NULL, count_up, (void *)&m->counters[0]);
	if (!syscall(SYS_clone, CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL)) {
		m->ready = 1;
		while (m->ready == 1)
			;
		_exit(0);
	}
	for (;;)
		m->counters[1]++;
}

static void test_thread_that_does_not_stop(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(waiting, m);
	struct stop s = {0};
	const char *why = NULL;
	char expected[100];

	(void)state;
	await(m->ready && child_state(pid) == 'D');
	assert_int_equal(stop_begin(&s, pid, &why), -ETIMEDOUT);
	snprintf(expected, sizeof(expected), "thread %d does not stop: it waits in the kernel",
		 pid);
	assert_string_equal(why, expected);
	assert_runs(m, 1);
	m->ready = 2; /* it wakes, and does not stop now */
	assert_runs(m, 2);
	assert_int_equal(child_end(pid), -SIGKILL);
	stop_release(&s);
	shared_free(m);
}

static void not_permitted(struct shared *m)
{
	struct stop s = {0};
	const char *why = "";

	(void)m;
	if (setuid(65534))
		_exit(2);
	if (stop_begin(&s, held_target, &why) != -EPERM || !strstr(why, "another user's (UID 0)"))
		_exit(1);
}

static void test_no_permission(void **state)
{
	struct shared *m = shared_new();

	(void)state;
	if (geteuid())
		skip();
	held_target = child_start(counting, m);
	assert_int_equal(child_wait(child_start(not_permitted, m)), 0);
	assert_runs(m, 1);
	assert_int_equal(child_end(held_target), -SIGKILL);
	shared_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_terminal_stops_are_put_off),
		cmocka_unit_test(test_was_stopped),
		cmocka_unit_test(test_signals_arrive_once),
		cmocka_unit_test(test_killed_meanwhile),
		cmocka_unit_test(test_memwatch_is_killed),
		cmocka_unit_test(test_another_tracer),
		cmocka_unit_test(test_thread_that_does_not_stop),
		cmocka_unit_test(test_no_permission),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
