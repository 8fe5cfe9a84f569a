/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Captures of children: what is in them, what the child notices, collections, ends. */
#include "child.h"

#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>

#include "census/capture.h"

#define WORDS (1u << 20) /* 8 MiB */

/* --- children --- */

enum { MEMORY, INSIDE };

static uint64_t word_of(size_t i)
{
	return i * 0x9e3779b97f4a7c15ull | 1;
}

static uint64_t *map_words(size_t words)
{
	uint64_t *m = mmap(NULL, words * sizeof(*m), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		_exit(1);
	madvise(m, words * sizeof(*m), MADV_NOHUGEPAGE);
	return m;
}

static void with_memory(struct shared *m)
{
	uint64_t *words = map_words(2u * WORDS); /* only half of it is touched */

	for (size_t i = 0; i < WORDS; i++)
		words[i] = word_of(i);
	m->address[MEMORY] = (uintptr_t)words;
	m->ready = 1;
	for (;;)
		pause();
}

static void counting(struct shared *m)
{
	m->ready = 1;
	for (;;)
		m->counters[0]++;
}

static void assert_runs(const struct shared *m)
{
	uint64_t before = m->counters[0];

	await(m->counters[0] != before);
}

/* --- what is in it --- */

static void check_memory(const struct shared *m, const struct capture *c)
{
	size_t bytes = WORDS * sizeof(uint64_t);
	const unsigned char *at = image_at(&c->image, m->address[MEMORY], 2 * bytes);

	assert_non_null(at);
	for (size_t i = 0; i < 2u * WORDS; i++) {
		uint64_t word;

		memcpy(&word, at + i * sizeof(word), sizeof(word));
		if (word != (i < WORDS ? word_of(i) : 0))
			fail_msg("word %zu is %#llx", i, (unsigned long long)word);
	}
	for (unsigned i = 0; i < c->image.range_count; i++) { /* no memory for what is absent */
		const struct image_range *r = &c->image.ranges[i];

		assert_true(r->end <= m->address[MEMORY] + bytes ||
			    r->start >= m->address[MEMORY] + 2 * bytes);
	}
	assert_true(c->image.copied_bytes >= bytes);
	assert_int_equal(c->image.unreadable_bytes, 0);
}

static void capture_well(const struct capture_options *o, struct capture *c)
{
	const char *why = NULL;

	if (capture_take(o, c, &why))
		fail_msg("not captured: %s", why);
}

static void test_copies_and_changes_nothing(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(with_memory, m);
	struct capture_options o = {.pid = pid};
	uint64_t rss, rollup;

	(void)state;
	await(m->ready && child_state(pid) == 'S');
	rss = child_number(pid, "status", "VmRSS");
	rollup = child_number(pid, "smaps_rollup", "Rss");
	for (int i = 0; i < 4; i++) {
		struct capture c = {0};

		o.live = i % 2;
		capture_well(&o, &c);
		check_memory(m, &c);
		assert_int_equal(c.is_live, o.live);
		assert_int_equal(c.pause_ns != 0, !o.live);
		assert_int_equal(c.thread_count, 1); /* it waits: its stack is known live, too */
		assert_true(c.taken_ns && !c.in_gc && !c.gc_waits);
		assert_int_equal(sched_getscheduler(0), SCHED_OTHER); /* as before */
		assert_non_null(image_at(&c.image, c.threads[0].sp, 8));
		capture_release(&c);
		assert_null(c.image.regions);
	}
	assert_int_equal(child_number(pid, "status", "VmRSS"), rss);
	assert_int_equal(child_number(pid, "smaps_rollup", "Rss"), rollup);
	assert_int_equal(child_end(pid), -SIGKILL);
	shared_free(m);
}

/* --- collections --- */

/* The linker tells where a section of that name begins and ends. */
extern const char __start_collecting[], __stop_collecting[];

static const struct mw_range *gc_range(void)
{
	static struct mw_range range;

	range.start = (uintptr_t)__start_collecting;
	range.end = (uintptr_t)__stop_collecting;
	return &range;
}

__attribute__((noinline)) static void work(struct shared *m, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		m->counters[0]++;
}

/* Most of the time not in this code itself, but called from it. */
__attribute__((noinline, section("collecting"))) static void collect(struct shared *m,
								     volatile uint64_t *inside,
								     unsigned rounds)
{
	*inside = 1;
	work(m, rounds);
	*inside = 0;
}

#define ROUNDS 2000000 /* some ms */

static void collecting_at_times(struct shared *m)
{
	uint64_t *inside = map_words(1);

	m->address[INSIDE] = (uintptr_t)inside;
	m->ready = 1;
	for (;;) {
		collect(m, inside, ROUNDS);
		work(m, ROUNDS);
	}
}

static void collecting_for_ever(struct shared *m)
{
	uint64_t *inside = map_words(1);

	m->address[INSIDE] = (uintptr_t)inside;
	m->ready = 1;
	for (;;)
		collect(m, inside, UINT32_MAX);
}

static uint64_t was_inside(const struct shared *m, const struct capture *c)
{
	const unsigned char *at = image_at(&c->image, m->address[INSIDE], 8);
	uint64_t word;

	assert_non_null(at);
	memcpy(&word, at, sizeof(word));
	return word;
}

static void test_not_within_a_collection(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(collecting_at_times, m);
	struct capture_options o = {.pid = pid, .gc_code = gc_range(), .gc_code_count = 1};
	unsigned waits = 0;

	(void)state;
	await(m->ready && m->counters[0]);
	for (int i = 0; i < 20 || !waits; i++) {
		struct capture c = {0};

		capture_well(&o, &c);
		assert_false(c.in_gc);
		assert_int_equal(was_inside(m, &c), 0);
		waits += c.gc_waits;
		capture_release(&c);
		assert_runs(m);
	}
	assert_int_equal(child_end(pid), -SIGKILL);
	shared_free(m);
}

static void test_collection_that_does_not_end(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(collecting_for_ever, m);
	struct capture_options o = {.pid = pid, .gc_code = gc_range(), .gc_code_count = 1};
	struct capture c = {0};

	(void)state;
	await(m->ready && m->counters[0]);
	capture_well(&o, &c);
	assert_true(c.in_gc && !c.is_live);
	assert_true(c.gc_waits > 10);
	assert_int_equal(was_inside(m, &c), 1);
	capture_release(&c);
	assert_runs(m);
	assert_int_equal(child_end(pid), -SIGKILL);
	shared_free(m);
}

/* --- what cannot be --- */

static pid_t traced;

static void tracing(struct shared *m)
{
	if (ptrace(PTRACE_SEIZE, traced, NULL, NULL))
		_exit(1);
	prctl(PR_SET_NAME, "strace");
	m->ready = 2;
	for (;;)
		pause();
}

static void test_live_if_another_traces_it(void **state)
{
	struct shared *m = shared_new();
	struct capture c = {0};
	char expected[64];
	pid_t tracer;

	(void)state;
	traced = child_start(with_memory, m);
	await(m->ready == 1);
	tracer = child_start(tracing, m);
	await(m->ready == 2);
	capture_well(&(struct capture_options){.pid = traced}, &c);
	check_memory(m, &c);
	assert_true(c.is_live && !c.pause_ns);
	snprintf(expected, sizeof(expected), "it is traced by strace (PID %d) already", tracer);
	assert_string_equal(c.live_why, expected);
	capture_release(&c);
	assert_int_equal(child_end(tracer), -SIGKILL);
	assert_int_equal(child_end(traced), -SIGKILL);
	shared_free(m);
}

static void test_too_little_room(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(with_memory, m);
	struct capture_options o = {.pid = pid, .max_bytes = 70u << 20};
	struct capture c = {0};
	const char *why = NULL;
	double needed_mib;

	(void)state;
	await(m->ready);
	assert_int_equal(capture_take(&o, &c, &why), -ENOMEM);
	assert_int_equal(sscanf(why, "a copy of its memory takes %lfM", &needed_mib), 1);
	assert_true(needed_mib >= 72 && needed_mib < 1000); /* 8, and 64 */
	assert_non_null(strstr(why, ", but only 70.0M may be used"));
	assert_null(c.image.regions);
	o.max_bytes = 1000u << 20;
	capture_well(&o, &c);
	check_memory(m, &c);
	capture_release(&c);
	assert_int_equal(child_end(pid), -SIGKILL);
	shared_free(m);
}

static bool yes(void *arg)
{
	(void)arg;
	return true;
}

static void test_cancelled(void **state)
{
	struct shared *m = shared_new();
	pid_t pid = child_start(counting, m);
	struct capture_options o = {.pid = pid, .cancelled = yes};
	struct capture c = {0};
	const char *why = NULL;

	(void)state;
	await(m->ready);
	assert_int_equal(capture_take(&o, &c, &why), -ECANCELED);
	assert_null(c.image.regions);
	assert_runs(m);
	assert_int_equal(child_end(pid), -SIGKILL);
	shared_free(m);
}

/* --- ends --- */

struct killer {
	pid_t pid;
	unsigned after_us;
};

static void *kill_later(void *arg)
{
	const struct killer *k = arg;

	usleep(k->after_us);
	kill(k->pid, SIGKILL);
	return NULL;
}

static void test_killed_at_any_time(void **state)
{
	unsigned ended = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		struct shared *m = shared_new();
		struct killer killer = {.pid = child_start(with_memory, m), .after_us = i * 500};
		struct capture_options o = {.pid = killer.pid, .live = i % 4 == 3};
		struct capture c = {0};
		const char *why = NULL;
		pthread_t thread;
		int err;

		await(m->ready);
		assert_int_equal(pthread_create(&thread, NULL, kill_later, &killer), 0);
		err = capture_take(&o, &c, &why);
		pthread_join(thread, NULL);
		if (err) {
			assert_int_equal(err, -ESRCH);
			assert_string_equal(why, "the process has ended");
			ended++;
		} else if (!o.live) {
			check_memory(m, &c);
		}
		capture_release(&c);
		assert_int_equal(child_wait(killer.pid), -SIGKILL);
		shared_free(m);
	}
	assert_true(ended > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_and_changes_nothing),
		cmocka_unit_test(test_not_within_a_collection),
		cmocka_unit_test(test_collection_that_does_not_end),
		cmocka_unit_test(test_live_if_another_traces_it),
		cmocka_unit_test(test_too_little_room),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_killed_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
