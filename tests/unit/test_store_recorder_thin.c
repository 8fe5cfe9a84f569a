/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Recordings that go on: what is old becomes less, sums and extremes stay, and so does the bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "recorder_sample.h"

#define KIB	  1024ull
#define MIB	  (1024 * KIB)
#define PROCESSES 5
#define FLOOD_MAX (4 * MIB)

static int setup_small(void **state)
{
	static struct recorder_sample sample;

	*state = &sample;
	sample_recorder_open(&sample, FLOOD_MAX);
	return 0;
}

static void is_at_most(const struct recorder_sample *s, const char *sql, int64_t most)
{
	int64_t got = sample_number(s->path, sql);

	if (got > most)
		fail_msg("%s: %lld, more than %lld", sql, (long long)got, (long long)most);
}

/* --- made processes: sizes that go up and down, at an even pace of their own --- */

struct truth {
	uint64_t low, high, faults, calls, first_anon, last_anon;
};

static uint64_t random_next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

static void move(struct process *p, struct truth *t, uint64_t *seed)
{
	uint64_t private;

	p->now.anon_bytes = (random_next(seed) % 1000 + 1) * 4 * KIB;
	p->now.file_bytes = (random_next(seed) % 100) * 4 * KIB;
	p->now.swap_bytes = (random_next(seed) % 10) * 4 * KIB;
	p->now.rss_bytes = p->now.anon_bytes + p->now.file_bytes;
	p->has_delta = t->high;
	p->calls_counted = p->has_delta;
	p->activity = (struct activity){0};
	if (p->has_delta) {
		p->activity.fault_bytes = random_next(seed) % 5000;
		p->activity.brk_count = random_next(seed) % 7;
	}
	private = p->now.anon_bytes + p->now.swap_bytes;
	if (!t->high) {
		t->first_anon = p->now.anon_bytes;
		t->low = private;
	}
	t->low = private < t->low ? private : t->low;
	t->high = p->now.rss_bytes > t->high ? p->now.rss_bytes : t->high;
	t->faults += p->activity.fault_bytes;
	t->calls += p->activity.brk_count;
	t->last_anon = p->now.anon_bytes;
}

static int tick_with(struct recorder_sample *s, uint64_t born)
{
	struct recorder_tick tick;

	s->now_ns += SAMPLE_SECOND;
	tick = sample_recorder_tick_at(s->now_ns);
	tick.born = born;
	tick.lost.count[0] = born;
	return recorder_tick(s->r, &tick);
}

static void check_truth(const struct recorder_sample *s, uint32_t pid, const struct truth *t)
{
	char sql[256];
	const struct {
		const char *what;
		uint64_t value;
	} checks[] = {
		{"sum(fault_bytes)", t->faults},
		{"sum(brk_count)", t->calls},
		{"min(coalesce(private_low, anon_bytes + swap_bytes))", t->low},
		{"max(coalesce(rss_high, anon_bytes + file_bytes + shmem_bytes))", t->high},
	};

	for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		snprintf(sql, sizeof(sql),
			 "SELECT %s FROM process_tick t JOIN process p ON p.id = t.process "
			 "WHERE p.pid = %u",
			 checks[i].what, pid);
		sample_is(s, sql, (int64_t)checks[i].value);
	}
	snprintf(sql, sizeof(sql),
		 "SELECT anon_bytes FROM process_tick t JOIN process p ON "
		 "p.id = t.process AND p.first_ns = t.ns WHERE p.pid = %u",
		 pid);
	sample_is(s, sql, (int64_t)t->first_anon);
}

/* Three hours: all of it in few rows, and nothing of what was done is gone. */
static void test_ticks_are_folded(void **state)
{
	struct recorder_sample *s = *state;
	struct process processes[PROCESSES] = {0};
	struct truth truth[PROCESSES] = {0};
	uint64_t seed = 1, begin_ns = s->now_ns, born = 0;
	const unsigned seconds = 3 * 3600;
	char sql[160];

	for (unsigned second = 0; second < seconds; second++) {
		assert_int_equal(tick_with(s, second % 3), 0);
		born += second % 3;
		for (unsigned i = 0; i < PROCESSES; i++) {
			struct process *p = &processes[i];

			p->pid = 10 + i;
			p->start_ns = 5;
			if (second % (i + 1) == 0) {
				move(p, &truth[i], &seed);
			} else {
				p->activity = (struct activity){0};
			}
			assert_int_equal(recorder_process(s->r, p, false), 0);
		}
		assert_int_equal(recorder_commit(s->r), 0);
	}
	for (unsigned i = 0; i < PROCESSES; i++)
		check_truth(s, 10 + i, &truth[i]);
	sample_is(s, "SELECT sum(born) FROM tick", (int64_t)born);
	sample_is(s, "SELECT sum(count) FROM lost", (int64_t)born);
	/* 600 of each second, 300 of 10 s, 120 minutes, and what is on its way. */
	is_at_most(s, "SELECT count(*) FROM tick", 600 + 300 + 120 + 30);
	is_at_most(s,
		   "SELECT max(n) FROM (SELECT count(*) AS n FROM process_tick GROUP BY process)",
		   600 + 300 + 120 + 30);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM tick WHERE ns > %llu",
		 (unsigned long long)(s->now_ns - 600 * SAMPLE_SECOND));
	sample_is(s, sql, 600);
	snprintf(sql, sizeof(sql), "SELECT min(ns) FROM tick");
	sample_is(s, sql, (int64_t)(begin_ns + SAMPLE_SECOND));
	snprintf(sql, sizeof(sql),
		 "SELECT value <= %llu AND value >= %llu FROM meta WHERE key = "
		 "'thinned_ns'",
		 (unsigned long long)(s->now_ns - 600 * SAMPLE_SECOND),
		 (unsigned long long)(s->now_ns - 620 * SAMPLE_SECOND));
	sample_is(s, sql, 1);
}

/* --- collections --- */

static void add_gcs(struct recorder_sample *s, unsigned count, enum mw_gc_kind kind, uint64_t pause)
{
	for (unsigned i = 0; i < count; i++) {
		struct gc gc = {.pid = 10,
				.start_ns = 5,
				.comm = "node",
				.ns = s->now_ns + i,
				.isolate = 1 + i % 2,
				.kind = kind,
				.pause_ns = pause + i,
				.live_bytes = s->now_ns / 1000 + i};

		assert_int_equal(recorder_gc(s->r, &gc), 0);
	}
}

static void test_young_gcs_are_put_together(void **state)
{
	struct recorder_sample *s = *state;
	uint64_t pauses = 0;

	for (unsigned second = 0; second < 1800; second++) {
		assert_int_equal(tick_with(s, 0), 0);
		add_gcs(s, 4, MW_GC_SCAVENGE, second);
		add_gcs(s, second % 10 == 0, MW_GC_MARK_COMPACT, 100000);
		pauses += 4 * second + 6;
		assert_int_equal(recorder_commit(s->r), 0);
	}
	sample_is(s, "SELECT sum(count) FROM gc WHERE kind = 'scavenge'", 1800 * 4);
	sample_is(s, "SELECT sum(pause_ns) FROM gc WHERE kind = 'scavenge'", (int64_t)pauses);
	sample_is(s, "SELECT max(pause_max_ns) FROM gc WHERE kind = 'scavenge'", 1799 + 3);
	sample_is(s, "SELECT count(*) FROM gc WHERE kind = 'mark-compact'", 180);
	is_at_most(s, "SELECT count(*) FROM gc WHERE kind = 'scavenge'", 660 * 4 + 21 * 2);
	/* Of each whole minute from the 20th second on that is older than 10 minutes. */
	sample_is(s, "SELECT count(*) FROM gc WHERE count = 120 AND isolate = 1", 19);
}

/* --- events --- */

static void add_life(struct recorder_sample *s, uint32_t pid, int code)
{
	struct mw_event_fork fork = {.h = {.type = MW_EVENT_FORK, .pid = pid}};
	struct mw_event_exit exit = {.h = {.type = MW_EVENT_EXIT, .pid = pid}, .code = code};

	fork.h.start_ns = exit.h.start_ns = fork.h.ts_ns = exit.h.ts_ns = s->now_ns;
	assert_int_equal(recorder_event(s->r, &fork.h, NULL, NULL), 0);
	assert_int_equal(recorder_event(s->r, &exit.h, NULL, NULL), 0);
}

static void test_unseen_processes_go(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_event_oom oom = {.h = {.type = MW_EVENT_OOM, .pid = 3, .start_ns = 7}};

	oom.h.ts_ns = s->now_ns;
	assert_int_equal(recorder_event(s->r, &oom.h, NULL, NULL), 0);
	for (unsigned second = 0; second < 2 * 3600; second++) {
		assert_int_equal(tick_with(s, 0), 0);
		add_life(s, 1000 + second, second == 10 ? 9 : 0);
		assert_int_equal(recorder_commit(s->r), 0);
	}
	sample_is(s, "SELECT count(*) FROM event WHERE kind = 'oom'", 1);
	sample_is(s, "SELECT count(*) FROM event WHERE code = 9", 1);
	sample_is(s, "SELECT count(*) FROM event WHERE kind = 'fork' AND pid = 1010", 0);
	sample_is(s, "SELECT count(*) FROM event WHERE kind = 'fork'", 3601);
	sample_is(s, "SELECT count(*) FROM process", 3601 + 2);
	sample_is(s, "SELECT value FROM meta WHERE key = 'dropped_events'", 3599 * 2 - 1);
}

/* Births whose ends were lost must not stay for ever. */
static void test_lost_ends(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_event_exit exit = {.h = {.type = MW_EVENT_EXIT, .pid = 1000}, .code = 9};

	exit.h.start_ns = s->now_ns + SAMPLE_SECOND;
	for (unsigned second = 0; second < 2 * 3600; second++) {
		struct mw_event_fork fork = {.h = {.type = MW_EVENT_FORK, .pid = 1000 + second}};

		assert_int_equal(tick_with(s, 0), 0);
		fork.h.start_ns = fork.h.ts_ns = s->now_ns;
		assert_int_equal(recorder_event(s->r, &fork.h, NULL, NULL), 0);
		assert_int_equal(recorder_commit(s->r), 0);
	}
	sample_is(s, "SELECT count(*) FROM process", 3601);
	exit.h.ts_ns = s->now_ns;
	assert_int_equal(recorder_event(s->r, &exit.h, NULL, NULL), 0);
	assert_int_equal(recorder_commit(s->r), 0);
	sample_is(
		s,
		"SELECT p.code FROM event e JOIN process p ON p.id = e.process WHERE p.pid = 1000",
		9);
}

/* --- the bound --- */

static void check_bytes(const struct recorder_sample *s)
{
	struct recorder_stats stats;

	recorder_stats(s->r, &stats);
	if (stats.bytes > FLOOD_MAX)
		fail_msg("%llu bytes at %llu s", (unsigned long long)stats.bytes,
			 (unsigned long long)(s->now_ns / SAMPLE_SECOND));
}

static void check_whole(struct recorder_sample *s)
{
	struct recorder_tick last = sample_recorder_tick_at(s->now_ns);

	assert_int_equal(recorder_end(s->r, &last), 0);
	check_bytes(s);
	assert_string_equal(sample_text(s->path, "PRAGMA integrity_check"), "ok");
}

static void test_flood_of_forks(void **state)
{
	struct recorder_sample *s = *state;

	for (unsigned second = 0; second < 100; second++) {
		assert_int_equal(tick_with(s, 0), 0);
		for (unsigned i = 0; i < 2000; i++)
			add_life(s, second * 2000 + i, 0);
		assert_int_equal(recorder_commit(s->r), 0);
		check_bytes(s);
	}
	sample_is(s, "SELECT count(*) FROM tick", 100);
	check_whole(s);
	sample_is(s, "SELECT value > 300000 FROM meta WHERE key = 'dropped_events'", 1);
}

static void test_flood_of_gcs(void **state)
{
	struct recorder_sample *s = *state;

	for (unsigned second = 0; second < 1200; second++) {
		assert_int_equal(tick_with(s, 0), 0);
		add_gcs(s, 100, MW_GC_SCAVENGE, 1);
		add_gcs(s, 10, MW_GC_MARK_COMPACT, 1);
		assert_int_equal(recorder_commit(s->r), 0);
		check_bytes(s);
	}
	check_whole(s);
}

/* What they did is told in full even where ticks could not be written. */
static void test_flood_of_processes(void **state)
{
	static struct process processes[1000];
	static struct truth truth[1000];
	struct recorder_sample *s = *state;
	uint64_t seed = 3, faults = 0;

	memset(processes, 0, sizeof(processes));
	memset(truth, 0, sizeof(truth));
	for (unsigned second = 0; second < 300; second++) {
		assert_int_equal(tick_with(s, 0), 0);
		for (unsigned i = 0; i < 1000; i++) {
			processes[i].pid = 10 + i;
			processes[i].start_ns = 5;
			move(&processes[i], &truth[i], &seed);
			assert_int_equal(recorder_process(s->r, &processes[i], false), 0);
		}
		assert_int_equal(recorder_commit(s->r), 0);
		check_bytes(s);
	}
	for (unsigned i = 0; i < 1000; i++)
		faults += truth[i].faults;
	check_whole(s);
	sample_is(s, "SELECT count(*) FROM process", 1000);
	is_at_most(s, "SELECT sum(fault_bytes) FROM process_tick", (int64_t)faults);
	assert_true(sample_number(s->path, "SELECT sum(fault_bytes) FROM process_tick") >
		    (int64_t)(faults / 10 * 7));
}

static void test_flood_of_sites(void **state)
{
	struct recorder_sample *s = *state;
	struct frame frames[40];
	char name[64];

	for (unsigned i = 0; i < 40; i++)
		frames[i] = sample_js(FRAME_USER, "f", "/app/a.js", i + 1);
	for (unsigned i = 0; i < 20; i++) {
		struct process p = {.pid = 10 + i, .start_ns = 5, .sites = site_table_new()};

		assert_int_equal(tick_with(s, 0), 0);
		for (unsigned n = 0; n < 1000; n++) {
			snprintf(name, sizeof(name), "function_%u_%u", i, n);
			frames[0].fn = name;
			sample_site(p.sites, MW_SITE_FAULT, frames, 40, MIB);
		}
		site_table_finish_tick(p.sites);
		assert_int_equal(recorder_process(s->r, &p, false), 0);
		assert_int_equal(recorder_commit(s->r), 0);
		site_table_free(p.sites);
		check_bytes(s);
	}
	assert_int_equal(tick_with(s, 0), 0);
	assert_int_equal(recorder_commit(s->r), 0);
	sample_is(s, "SELECT count(*) > 1000 FROM site", 1);
	sample_is(
		s,
		"SELECT value + (SELECT count(*) FROM site) FROM meta WHERE key = 'dropped_sites'",
		20 * 1000);
	check_whole(s);
}

/* A cgroup for each job, for days: not all of them can stay. */
static void test_flood_of_cgroups(void **state)
{
	struct recorder_sample *s = *state;
	char path[200];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	for (unsigned second = 0; second < 300; second++) {
		assert_int_equal(tick_with(s, 0), 0);
		for (unsigned i = 0; i < 100; i++) {
			struct cgroup c = {.node.key = second * 100 + i + 1, .path = path};
			struct process p = {.pid = 10 + i, .start_ns = second + 5, .cgroup = &c};
			struct mw_event_exit exit = {
				.h = {.type = MW_EVENT_EXIT, .pid = p.pid, .start_ns = p.start_ns}};

			exit.h.ts_ns = s->now_ns;
			assert_int_equal(recorder_process(s->r, &p, false), 0);
			assert_int_equal(recorder_event(s->r, &exit.h, NULL, NULL), 0);
		}
		assert_int_equal(recorder_commit(s->r), 0);
		check_bytes(s);
	}
	sample_is(s, "SELECT count(*) < 25000 FROM cgroup", 1);
	sample_is(s,
		  "SELECT count(*) FROM process p WHERE NOT EXISTS "
		  "(SELECT 1 FROM cgroup c WHERE c.id = p.cgroup)",
		  0);
	is_at_most(s, "SELECT (SELECT max(ns) FROM tick) - max(ns) FROM process_tick", 0);
	check_whole(s);
}

static int64_t last_tick(const struct recorder_sample *s)
{
	return sample_number(s->path, "SELECT max(ns) FROM tick");
}

static void tick_of_all(struct recorder_sample *s, struct process *processes, struct truth *truth,
			unsigned count, uint64_t *seed)
{
	assert_int_equal(tick_with(s, 0), 0);
	for (unsigned i = 0; i < count; i++) {
		processes[i].pid = 10 + i;
		processes[i].start_ns = 5;
		move(&processes[i], &truth[i], seed);
		assert_int_equal(recorder_process(s->r, &processes[i], false), 0);
	}
	assert_int_equal(recorder_commit(s->r), 0);
}

/* The log cannot be moved: it stays within the bound, too, and it goes on when the reader ends. */
static void test_somebody_reads_for_long(void **state)
{
	static struct process processes[100];
	static struct truth truth[100];
	struct recorder_sample *s = *state;
	sqlite3 *reader = sample_db(s->path);
	uint64_t seed = 5, until_ns;
	int64_t stood_still;

	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM tick", 0, 0, 0), 0);
	for (unsigned second = 0; second < 400; second++) {
		tick_of_all(s, processes, truth, 100, &seed);
		check_bytes(s);
	}
	stood_still = last_tick(s);
	assert_true((uint64_t)stood_still < s->now_ns);
	assert_int_equal(sqlite3_exec(reader, "COMMIT", 0, 0, 0), 0);
	until_ns = clock_boot_ns() + 60 * SAMPLE_SECOND;
	while (last_tick(s) == stood_still && clock_boot_ns() < until_ns) {
		tick_of_all(s, processes, truth, 100, &seed);
		usleep(20000);
	}
	assert_true(last_tick(s) > stood_still);
	sqlite3_close(reader);
	check_whole(s);
	for (unsigned i = 0; i < 100; i++)
		check_truth(s, 10 + i, &truth[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ticks_are_folded, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_young_gcs_are_put_together, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_unseen_processes_go, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_lost_ends, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_flood_of_forks, setup_small, sample_teardown),
		cmocka_unit_test_setup_teardown(test_flood_of_gcs, setup_small, sample_teardown),
		cmocka_unit_test_setup_teardown(test_flood_of_processes, setup_small,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_flood_of_sites, setup_small, sample_teardown),
		cmocka_unit_test_setup_teardown(test_flood_of_cgroups, setup_small,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_somebody_reads_for_long, setup_small,
						sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
