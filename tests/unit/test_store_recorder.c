/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Recordings as SQLite sees them: what each call writes, and what is there when something fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis/verdict.h"
#include "base/clock.h"
#include "census_sample.h"
#include "failing_disk.h"
#include "model/kept.h"
#include "recorder_sample.h"

static void says(const struct recorder_sample *s, const char *sql, const char *text)
{
	assert_string_equal(sample_text(s->path, sql), text);
}

/* --- the run --- */

static void test_run(void **state)
{
	struct recorder_sample *s = *state;

	sample_is(s, "PRAGMA application_id", 0x4d4d5754);
	sample_is(s, "PRAGMA user_version", 1);
	says(s, "SELECT value FROM meta WHERE key = 'kernel'", "6.18");
	sample_is(s, "SELECT value FROM meta WHERE key = 'interval_ns'", SAMPLE_SECOND);
	sample_is(s, "SELECT pid FROM target", 10);
	says(s, "SELECT hook FROM hook WHERE capability = 'faults'", "tp_btf");
	sample_is(s, "SELECT count(*) FROM hook WHERE hook IS NULL", 1);
	assert_int_equal(sample_recorder_tick(s), 0);
	recorder_commit(s->r);
	sample_is(s, "SELECT value FROM meta WHERE key = 'begin_ns'", s->now_ns);
	sample_is(s, "SELECT count(*) FROM meta WHERE key = 'ended'", 0);
	sample_recorder_end(s);
	sample_is(s, "SELECT value FROM meta WHERE key = 'ended'", s->now_ns);
	sample_is(s, "SELECT count(*) FROM tick", 1);
}

/* Every view can be asked, and there is one file when it is over. */
static void test_views_and_one_file(void **state)
{
	static const char *const views[] = {"growth",	   "stack_text",   "top_sites",
					    "collections", "constructors", "ended"};
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "node");
	char path[128], sql[64];

	sample_tick_of(s, &raw, true);
	raw.anon_pages += 100;
	sample_tick_of(s, &raw, true);
	sample_recorder_end(s);
	for (unsigned i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", views[i]);
		assert_true(sample_number(s->path, sql) >= 0);
	}
	sample_is(s, "SELECT grown_bytes FROM growth", 100 << SAMPLE_PAGE_SHIFT);
	snprintf(path, sizeof(path), "%s-wal", s->path);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s-shm", s->path);
	assert_int_equal(access(path, F_OK), -1);
	says(s, "PRAGMA journal_mode", "delete");
}

/* --- processes --- */

static void test_process(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "node");

	sample_tick_of(s, &raw, true);
	sample_is(s, "SELECT start_ns FROM process WHERE pid = 10", 5);
	sample_is(s, "SELECT ppid FROM process", 1);
	sample_is(s, "SELECT named FROM process", 1);
	sample_is(s, "SELECT first_ns FROM process", s->now_ns);
	sample_is(s, "SELECT end_ns FROM process", INT64_MIN);
	sample_is(s, "SELECT peak_rss_bytes FROM process", 1500 << SAMPLE_PAGE_SHIFT);
	sample_is(s, "SELECT anon_bytes FROM process_tick", 1000 << SAMPLE_PAGE_SHIFT);
	sample_is(s, "SELECT swap_bytes FROM process_tick", 4 << SAMPLE_PAGE_SHIFT);
	sample_is(s, "SELECT stack_bytes FROM process_tick", 33 << SAMPLE_PAGE_SHIFT);
	sample_is(s, "SELECT heap_bytes FROM process_tick", 135168);
	sample_is(s, "SELECT threads FROM process_tick", 11);
	sample_is(s, "SELECT majflt FROM process_tick", 7);
	sample_is(s, "SELECT fault_bytes FROM process_tick", INT64_MIN);
}

static void test_only_what_changed(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "node");

	for (unsigned i = 0; i < 5; i++)
		sample_tick_of(s, &raw, false);
	sample_is(s, "SELECT count(*) FROM tick", 5);
	sample_is(s, "SELECT count(*) FROM process_tick", 1);
	raw.growth.brk_bytes = 4096;
	raw.growth.brk_count = 1;
	sample_tick_of(s, &raw, false);
	sample_is(s, "SELECT count(*) FROM process_tick", 2);
	sample_is(s, "SELECT brk_bytes FROM process_tick ORDER BY ns DESC", 4096);
	raw.flags |= MW_TASK_HEAP_UNKNOWN;
	raw.minflt++;
	sample_tick_of(s, &raw, false);
	sample_is(s, "SELECT heap_bytes FROM process_tick ORDER BY ns DESC", INT64_MIN);
	sample_is(s, "SELECT fault_count FROM process_tick ORDER BY ns DESC", 1);
	sample_is(s, "SELECT count(*) FROM process", 1);
}

static void test_hostile_names(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "\xff\x1b[2J'\");--");
	struct mw_event_exec exec = {.h = {.type = MW_EVENT_EXEC, .pid = 10, .start_ns = 5}};

	sample_tick_of(s, &raw, false);
	says(s, "SELECT comm FROM process", "\xef\xbf\xbd\xef\xbf\xbd[2J'\");--");
	memset(exec.path, 0xc3, sizeof(exec.path)); /* no NUL anywhere */
	memset(exec.h.comm, 'x', sizeof(exec.h.comm));
	assert_int_equal(recorder_event(s->r, &exec.h, NULL, NULL), 0);
	recorder_commit(s->r);
	says(s, "SELECT comm FROM process", "xxxxxxxxxxxxxxxx");
	sample_is(s, "SELECT length(path) FROM process", MW_PATH_LEN);
	sample_is(s, "SELECT length(path) FROM event", MW_PATH_LEN);
}

/* --- events --- */

static void test_life_of_a_process(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_event_fork fork = {
		.h = {.type = MW_EVENT_FORK, .pid = 20, .start_ns = 6, .ppid = 3, .ts_ns = 100}};
	struct mw_event_exec exec = {
		.h = {.type = MW_EVENT_EXEC, .pid = 20, .start_ns = 6, .comm = "ls", .ts_ns = 101},
		.path = "/bin/ls"};
	struct mw_event_exit exit = {
		.h = {.type = MW_EVENT_EXIT, .pid = 20, .start_ns = 6, .ts_ns = 102},
		.code = 9,
		.has_task = 1,
		.task = {.anon_pages = 3, .peak_rss_pages = 50}};

	memcpy(fork.h.comm, "sh", 2);
	assert_int_equal(recorder_event(s->r, &fork.h, NULL, NULL), 0);
	assert_int_equal(recorder_event(s->r, &exec.h, NULL, NULL), 0);
	assert_int_equal(recorder_event(s->r, &exit.h, NULL, NULL), 0);
	assert_int_equal(sample_recorder_tick(s), 0);
	recorder_commit(s->r);
	sample_is(s, "SELECT count(*) FROM process", 1);
	sample_is(s, "SELECT ppid FROM process", 3);
	says(s, "SELECT comm FROM process", "ls");
	says(s, "SELECT path FROM process", "/bin/ls");
	sample_is(s, "SELECT end_ns FROM process", 102);
	sample_is(s, "SELECT code FROM process", 9);
	sample_is(s, "SELECT first_ns FROM process", INT64_MIN);
	sample_is(s, "SELECT peak_rss_bytes FROM process", 50 << SAMPLE_PAGE_SHIFT);
	says(s, "SELECT group_concat(kind) FROM event", "fork,exec,exit");
	sample_is(s, "SELECT anon_bytes FROM event WHERE kind = 'exit'", 3 << SAMPLE_PAGE_SHIFT);
	sample_is(s, "SELECT signal FROM ended", 9);
}

/* Another process has its PID; and who is spoken of after its end is the same as before. */
static void test_identity(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "old");
	struct mw_event_exit exit = {.h = {.type = MW_EVENT_EXIT, .pid = 10, .start_ns = 5}};
	struct gc gc = {.pid = 10, .start_ns = 5, .comm = "old", .kind = MW_GC_SCAVENGE};

	sample_tick_of(s, &raw, false);
	assert_int_equal(recorder_event(s->r, &exit.h, NULL, NULL), 0);
	raw = sample_task(10, 500, "new");
	sample_tick_of(s, &raw, false);
	sample_tick_of(s, &raw, false);
	assert_int_equal(recorder_gc(s->r, &gc), 0);
	recorder_commit(s->r);
	sample_is(s, "SELECT count(*) FROM process", 2);
	sample_is(s, "SELECT p.start_ns FROM gc JOIN process p ON p.id = gc.process", 5);
	sample_is(s, "SELECT end_ns FROM process WHERE start_ns = 500", INT64_MIN);
}

static void test_oom(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_event_oom oom = {
		.h = {.type = MW_EVENT_OOM, .pid = 10, .start_ns = 5, .ts_ns = 7},
		.limit_cgroup_id = 3,
		.limit_bytes = 1000,
		.usage_bytes = 999,
		.memcg_known = 1,
		.has_task = 1,
		.task = {.anon_pages = 1}};

	assert_int_equal(recorder_event(s->r, &oom.h, NULL, "/pod"), 0);
	oom.limit_cgroup_id = 0;
	oom.h.start_ns = 0;
	oom.has_task = 0;
	assert_int_equal(recorder_event(s->r, &oom.h, NULL, NULL), 0);
	recorder_commit(s->r);
	says(s, "SELECT limit_cgroup FROM event WHERE limit_kind = 'cgroup'", "/pod");
	sample_is(s, "SELECT limit_bytes FROM event WHERE limit_kind = 'cgroup'", 1000);
	sample_is(s, "SELECT pid FROM event WHERE limit_kind = 'machine' AND process IS NULL", 10);
}

static const struct gc full_gc = {
	.pid = 10,
	.start_ns = 5,
	.comm = "node",
	.ns = 77,
	.isolate = 0x7f0000001000,
	.kind = MW_GC_MARK_COMPACT,
	.pause_ns = 12,
	.live_bytes = 4096,
};

static void test_gc(void **state)
{
	struct recorder_sample *s = *state;
	struct gc gc = full_gc;

	assert_int_equal(recorder_gc(s->r, &gc), 0);
	recorder_commit(s->r);
	says(s, "SELECT kind FROM gc", "mark-compact");
	sample_is(s, "SELECT isolate FROM gc", 0x7f0000001000);
	sample_is(s, "SELECT pause_max_ns FROM gc", 12);
	sample_is(s, "SELECT count FROM gc", 1);
	sample_is(s, "SELECT live_bytes FROM gc", 4096);
	sample_is(s, "SELECT external_bytes FROM gc", INT64_MIN);
}

static void test_heap_out(void **state)
{
	struct recorder_sample *s = *state;
	struct gc gc = full_gc;

	assert_int_equal(recorder_gc(s->r, &gc), 0);
	gc.ns = 78;
	assert_int_equal(recorder_heap_out(s->r, &gc), 0);
	recorder_commit(s->r);
	sample_is(s, "SELECT ns FROM gc WHERE kind = 'heap-out' AND isolate = 0x7f0000001000", 78);
	sample_is(s, "SELECT sum(pause_ns) FROM gc", 12);
	sample_is(s, "SELECT live_bytes FROM gc WHERE kind = 'heap-out'", INT64_MIN);
	sample_is(s, "SELECT count(*) FROM collections", 1); /* it is none */
}

static void test_verdict(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "node");
	struct verdict v = {
		.class = VERDICT_LEAK,
		.is_leak = true,
		.confidence = 0.9,
		.trend = {.slope = 100, .low = 90, .high = 110, .points = 12},
		.limit = {.kind = LIMIT_CGROUP_MAX, .bytes = 5, .used_bytes = 4, .where = "/a"},
		.limit_seconds = 60,
		.evidence_count = 2,
		.evidence = {"it \"grows\"", "so it does"},
	};
	struct kept kept = {.taken_ns = 8, .count = 1, .constructors = {{.name = "Leaky"}}};
	struct process *p = sample_tick_of(s, &raw, true);

	p->verdict = &v;
	p->kept = &kept;
	assert_int_equal(recorder_verdict(s->r, p, s->now_ns, false), 0);
	v = (struct verdict){.class = VERDICT_EARLY};
	p->kept = NULL;
	assert_int_equal(recorder_verdict(s->r, p, s->now_ns + 1, true), 0);
	recorder_commit(s->r);
	p->verdict = NULL;
	says(s, "SELECT class FROM verdict WHERE leak", "leak");
	says(s, "SELECT limit_where FROM verdict WHERE leak", "/a");
	says(s, "SELECT json_extract(evidence, '$[0]') FROM verdict WHERE leak", "it \"grows\"");
	sample_is(s, "SELECT json_array_length(evidence) FROM verdict WHERE leak", 2);
	says(s, "SELECT json_extract(kept, '$.constructors[0].name') FROM verdict WHERE leak",
	     "Leaky");
	sample_is(s, "SELECT json_extract(kept, '$.taken_ns') FROM verdict WHERE leak", 8);
	sample_is(s, "SELECT slope FROM verdict WHERE leak", 100);
	sample_is(s, "SELECT count(*) FROM verdict WHERE slope IS NULL AND kept IS NULL AND last",
		  1);
	says(s, "SELECT verdict FROM growth", "too-early");
}

/* --- sites --- */

static void test_sites(void **state)
{
	struct recorder_sample *s = *state;
	struct frame frames[] = {
		sample_native(FRAME_RUNTIME, "malloc", "/lib/libc.so", 0x10),
		sample_js(FRAME_USER, "leak", "/app/a.js", 3),
	};
	struct mw_task raw = sample_task(10, 5, "node");
	struct site_table *t = site_table_new();
	struct process *p = sample_tick_of(s, &raw, true);

	assert_non_null(t);
	frames[0].build_id = "abcd";
	frames[0].module_address = 0x99;
	sample_site(t, MW_SITE_FAULT, frames, 2, 4096);
	sample_site(t, MW_SITE_BRK, frames, 2, 100);
	sample_site(t, MW_SITE_BRK, frames, 1, 100);
	site_table_finish_tick(t);
	p->sites = t;
	assert_int_equal(recorder_process(s->r, p, true), 0);
	assert_int_equal(sample_recorder_tick(s), 0);
	sample_site(t, MW_SITE_FAULT, frames, 2, 4096);
	site_table_finish_tick(t);
	assert_int_equal(recorder_process(s->r, p, true), 0);
	recorder_commit(s->r);
	p->sites = NULL;
	site_table_free(t);
	sample_is(s, "SELECT count(*) FROM site", 3);
	sample_is(s, "SELECT bytes FROM site WHERE kind = 'fault'", 8192);
	sample_is(s, "SELECT last_ns FROM site WHERE kind = 'fault'", s->now_ns);
	sample_is(s, "SELECT max(last_ns) FROM site WHERE kind = 'brk'", s->now_ns - SAMPLE_SECOND);
	sample_is(s, "SELECT count(*) FROM stack", 2);
	sample_is(s, "SELECT count(*) FROM frame", 2);
	sample_is(s, "SELECT count(*) FROM module", 1);
	sample_is(s, "SELECT module_address FROM frame WHERE fn = 'malloc'", 0x99);
	says(s, "SELECT build_id FROM module", "abcd");
	says(s, "SELECT stack FROM top_sites WHERE kind = 'fault'", "malloc < leak /app/a.js:3");
	sample_is(s, "SELECT count(*) FROM site_state", 1);
}

static void test_census(void **state)
{
	struct recorder_sample *s = *state;
	struct census *c = sample_service(3, 2500);
	struct retainer by = {
		.of = "Leaky",
		.instances = 7,
		.container = "Map",
		.steps = {{.edge = "variable `m`", .node = "Context", .line = 4}, {0}},
		.step_count = 2};

	assert_int_equal(census_add_retainer(c, &by), 0);
	assert_int_equal(recorder_census(s->r, c, RECORDED_CENSUS_LEAK), 0);
	recorder_commit(s->r);
	says(s, "SELECT why FROM census", "leak");
	sample_is(s, "SELECT count(*) FROM constructor", c->constructor_count);
	sample_is(s, "SELECT count(*) FROM retainer", c->retainer_count);
	sample_is(s, "SELECT count(*) FROM census_isolate", c->isolate_count);
	sample_is(s, "SELECT bytes FROM constructor WHERE idx = 0", c->constructors[0].bytes);
	says(s, "SELECT name FROM constructor WHERE idx = 0", c->constructors[0].name);
	sample_is(s, "SELECT json_array_length(path) FROM retainer", 2);
	says(s, "SELECT json_extract(path, '$[0].edge') FROM retainer", "variable `m`");
	sample_is(s, "SELECT json_extract(path, '$[0].line') FROM retainer", 4);
	says(s, "SELECT owners FROM retainer", "[]");
	census_free(c);
}

/* --- what goes wrong --- */

static void exec_on(sqlite3 *db, const char *sql)
{
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static sqlite3 *other_program(const struct recorder_sample *s)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	return db;
}

/* What could not be written is told by the next row that can. */
static void test_locked_out(void **state)
{
	static const uint64_t pages[] = {2000, 500, 9000, 3000};
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "node");
	struct mw_event_fork fork = {.h = {.type = MW_EVENT_FORK, .pid = 3, .start_ns = 4}};
	sqlite3 *other = other_program(s);

	sample_tick_of(s, &raw, false);
	exec_on(other, "BEGIN IMMEDIATE");
	for (unsigned i = 0; i < 3; i++) {
		raw.anon_pages = pages[i];
		raw.growth.brk_count += 10;
		sample_tick_of(s, &raw, false);
	}
	assert_int_equal(recorder_event(s->r, &fork.h, NULL, NULL), 0);
	exec_on(other, "COMMIT");
	raw.anon_pages = pages[3];
	raw.growth.brk_count += 1;
	sample_tick_of(s, &raw, false);
	sqlite3_close(other);
	sample_is(s, "SELECT count(*) FROM process_tick", 2);
	sample_is(s, "SELECT brk_count FROM process_tick ORDER BY ns DESC", 31);
	sample_is(s, "SELECT anon_bytes FROM process_tick ORDER BY ns DESC",
		  3000 << SAMPLE_PAGE_SHIFT);
	sample_is(s, "SELECT private_low FROM process_tick ORDER BY ns DESC",
		  (500 + 4) << SAMPLE_PAGE_SHIFT);
	sample_is(s, "SELECT rss_high FROM process_tick ORDER BY ns DESC",
		  (9000 + 230) << SAMPLE_PAGE_SHIFT);
	sample_tick_of(s, &raw, false);
	sample_is(s, "SELECT value FROM meta WHERE key = 'dropped_events'", 1);
}

/* Not for ever: who keeps it locked is told of. */
static void test_locked_for_long(void **state)
{
	struct recorder_sample *s = *state;
	const struct recorder_options options = {.path = s->path, .locked_ns = 1};
	const struct run run = {.version = "0"};
	struct recorder_tick tick = sample_recorder_tick_at(s->now_ns);
	char why[RECORDER_WHY];
	sqlite3 *other;

	sample_recorder_end(s);
	recorder_free(s->r);
	assert_int_equal(recorder_new(&options, &s->r, why), 0);
	assert_int_equal(recorder_begin(s->r, &run), 0);
	assert_int_equal(recorder_tick(s->r, &tick), 0);
	assert_int_equal(recorder_commit(s->r), 0);
	other = other_program(s);
	exec_on(other, "BEGIN IMMEDIATE");
	assert_int_equal(sample_recorder_tick(s), 0); /* it is waited for */
	assert_int_equal(sample_recorder_tick(s), -EBUSY);
	assert_non_null(strstr(recorder_why(s->r), "another program keeps it locked"));
	assert_int_equal(recorder_commit(s->r), -EBUSY);
	exec_on(other, "COMMIT");
	sqlite3_close(other);
	sample_is(s, "SELECT count(*) FROM tick", 1);
}

/* Under another name all of it is there. */
static void test_renamed(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "node");
	char other[128];

	sample_tick_of(s, &raw, false);
	snprintf(other, sizeof(other), "%s/other", s->folder);
	assert_int_equal(rename(s->path, other), 0);
	assert_int_equal(sample_recorder_tick(s), -ENOENT);
	assert_non_null(strstr(recorder_why(s->r), "removed or renamed"));
	assert_null(strstr(recorder_why(s->r), "can be read"));
	assert_int_equal(sample_number(other, "SELECT count(*) FROM process_tick"), 1);
	snprintf(other, sizeof(other), "%s-wal", s->path);
	assert_int_equal(access(other, F_OK), -1);
}

/* The process that was missed last ends: nothing but its end could tell. */
static void test_missed_is_told_at_the_end(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "node");
	sqlite3 *other = other_program(s);

	sample_tick_of(s, &raw, false);
	exec_on(other, "BEGIN IMMEDIATE");
	raw.growth.brk_count += 10;
	sample_tick_of(s, &raw, false);
	exec_on(other, "COMMIT");
	sqlite3_close(other);
	sample_recorder_end(s);
	sample_is(s, "SELECT brk_count FROM process_tick ORDER BY ns DESC", 10);
}

static void test_errors_stick(void **state)
{
	struct recorder_sample *s = *state;
	struct mw_task raw = sample_task(10, 5, "node");
	sqlite3 *other = other_program(s);
	struct process *p = sample_tick_of(s, &raw, false);
	struct gc gc = {.pid = 10, .start_ns = 5, .comm = "node"};
	struct recorder_tick last = sample_recorder_tick_at(s->now_ns);
	int err;

	exec_on(other, "DROP TABLE gc");
	sqlite3_close(other);
	err = recorder_gc(s->r, &gc);
	assert_true(err < 0);
	assert_int_equal(recorder_tick(s->r, &last), err);
	assert_int_equal(recorder_process(s->r, p, false), err);
	assert_int_equal(recorder_commit(s->r), err);
	assert_int_equal(recorder_end(s->r, &last), err);
	assert_non_null(strstr(recorder_why(s->r), s->path));
	assert_non_null(strstr(recorder_why(s->r), "can be read"));
	sample_is(s, "SELECT count(*) FROM process_tick", 1);
	says(s, "PRAGMA integrity_check", "ok");
}

/* The thread finds out; the run is told with the next tick, of what is on the disk at least. */
static void test_disk_fails(void **state)
{
	struct recorder_sample *s = *state;
	uint64_t until_ns = clock_boot_ns() + 60 * NSEC_PER_SEC;
	int err = 0;

	atomic_store(&disk_fails, true);
	while (!err && clock_boot_ns() < until_ns) {
		sample_recorder_tick(s);
		err = recorder_commit(s->r);
		usleep(10000);
	}
	atomic_store(&disk_fails, false);
	assert_int_equal(err, -EIO);
	assert_non_null(strstr(recorder_why(s->r), "the disk fails"));
	assert_null(strstr(recorder_why(s->r), "can be read")); /* no tick is known to be there */
}

static void test_disk_fails_at_the_end(void **state)
{
	struct recorder_sample *s = *state;
	struct recorder_tick last = sample_recorder_tick_at(s->now_ns);

	atomic_store(&disk_fails, true);
	assert_int_equal(recorder_end(s->r, &last), -EIO);
	atomic_store(&disk_fails, false);
	assert_non_null(strstr(recorder_why(s->r), "the disk fails"));
}

static int new_at(const char *path, char why[RECORDER_WHY])
{
	const struct recorder_options options = {.path = path};
	struct recorder *r = NULL;
	int err = recorder_new(&options, &r, why);

	recorder_free(r);
	return err;
}

/* One that was cut off at once makes no way for itself: what there was before it would be lost. */
static void test_begun_only(void **state)
{
	struct recorder_sample *s = *state;
	char path[128], old[136], why[RECORDER_WHY];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/begun", s->folder);
	snprintf(old, sizeof(old), "%s.old", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	exec_on(db, "PRAGMA application_id = 0x4d4d5754; PRAGMA user_version = 1; "
		    "PRAGMA journal_mode = WAL");
	sqlite3_close(db);
	assert_int_equal(new_at(path, why), 0);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(new_at(path, why), 0);
	assert_int_equal(access(old, F_OK), 0);
}

static void test_what_is_there(void **state)
{
	struct recorder_sample *s = *state;
	char path[128], why[RECORDER_WHY];
	struct stat st;

	assert_int_equal(new_at(s->path, why), 0); /* of this process itself: no lock is seen */
	snprintf(path, sizeof(path), "%s.old", s->path);
	sample_is(s, "SELECT count(*) FROM hook", 0);
	assert_int_equal(sample_number(path, "SELECT count(*) FROM hook"), 2);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(new_at(s->folder, why), -EISDIR);
	assert_int_equal(new_at("", why), -ENOENT);
	assert_int_equal(new_at("/dev/null", why), -EEXIST);
	snprintf(path, sizeof(path), "%s/none/x", s->folder);
	assert_int_equal(new_at(path, why), -ENOENT);
	snprintf(path, sizeof(path), "%s/text", s->folder);
	fclose(fopen(path, "w"));
	assert_int_equal(new_at(path, why), 0); /* nothing is lost with an empty file */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_run, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_views_and_one_file, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_process, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_only_what_changed, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_hostile_names, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_life_of_a_process, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_identity, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_oom, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_gc, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_heap_out, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_verdict, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_sites, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_census, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_locked_out, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_locked_for_long, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_renamed, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_missed_is_told_at_the_end, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_errors_stick, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_disk_fails, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_disk_fails_at_the_end, sample_setup,
						sample_teardown),
		cmocka_unit_test_setup_teardown(test_begun_only, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_there, sample_setup, sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
