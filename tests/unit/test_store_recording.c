/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading recordings: all that is in one comes back; what may be opened, and how; hostile ones. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis/sites.h"
#include "analysis/verdict.h"
#include "base/clock.h"
#include "recording_build.h"
#include "store/recording.h"
#include "store/recording_internal.h"

#define MIB (1ull << 20)

static char folder[] = "/tmp/memwatch-recording.XXXXXX";

static const char *file_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void load_db(sqlite3 *db, const struct recording_select *select, struct recorded **out)
{
	char why[RECORDING_WHY];

	if (recording_load_db(db, select, out, why))
		fail_msg("not loaded: %s", why);
	assert_string_equal(why, "");
}

static sqlite3 *service(struct recorded **out)
{
	sqlite3 *db = build_recording(":memory:");

	build_sql(db, build_service_sql);
	load_db(db, NULL, out);
	return db;
}

/* --- what is in it --- */

static void test_run(void **state)
{
	struct recorded *r;
	sqlite3 *db = service(&r);

	(void)state;
	assert_int_equal(r->schema, 1);
	assert_string_equal(r->run.version, "0.1.0");
	assert_string_equal(r->run.kernel, "6.18.0");
	assert_int_equal(r->run.interval_ns, NSEC_PER_SEC);
	assert_int_equal(r->run.pid_count, 1);
	assert_int_equal(r->run.pids[0], 4711);
	assert_int_equal(r->run.hook_count, 2);
	assert_string_equal(r->run.hooks[0].hook, "tp_btf");
	assert_null(r->run.hooks[1].hook);
	assert_string_equal(r->command, "node server.js");
	assert_int_equal(r->requests, 1250);
	assert_true(r->is_whole);
	assert_int_equal(r->begin_ns, 1000 * NSEC_PER_SEC);
	assert_int_equal(r->end_ns, 1600 * NSEC_PER_SEC);
	assert_int_equal(r->end_wall_ns, 1700000600 * NSEC_PER_SEC);
	assert_true(fabs(recorded_seconds(r) - 600) < 1e-9);
	assert_int_equal(recorded_wall_ns(r, 1100 * NSEC_PER_SEC), 1700000100 * NSEC_PER_SEC);
	assert_int_equal(recorded_wall_ns(r, 1599 * NSEC_PER_SEC), 1700000599 * NSEC_PER_SEC);
	assert_int_equal(recorded_wall_ns(r, 990 * NSEC_PER_SEC), 1699999990 * NSEC_PER_SEC);
	assert_int_equal(r->ticks, 61);
	assert_int_equal(r->born, 9);
	assert_int_equal(r->lost.count[MW_LOST_RING], 3);
	assert_int_equal(r->lost.count[LOST_TICKS], 1);
	assert_true(r->cost.bpf_known);
	/* 20 ms and 1 ms each 10 s */
	assert_true(fabs(r->cost.cpu_pct_run - 0.21) < 1e-6);
	recorded_free(r);
	sqlite3_close(db);
}

static void test_processes(void **state)
{
	struct recorded *r;
	sqlite3 *db = service(&r);
	const struct recorded_process *p, *worker;

	(void)state;
	assert_int_equal(r->process_count, 3);
	p = &r->processes[0];
	assert_int_equal(p->pid, 4711);
	assert_true(p->is_named && !p->has_ended && p->is_loaded);
	assert_string_equal(p->cgroup, "/system.slice/api.service");
	assert_null(p->container);
	assert_int_equal(p->collector, COLLECTOR_LIVE);
	assert_int_equal(recorded_growth(p), 60 * MIB);
	assert_int_equal(p->first.rss_bytes, 70 * MIB);
	assert_int_equal(p->last_ns, r->end_ns);
	assert_int_equal(p->peak_rss_bytes, 130 * MIB);
	assert_int_equal(p->tick_count, 61);
	assert_int_equal(p->ticks[60].now.anon_bytes, 100 * MIB);
	assert_int_equal(p->ticks[60].private_low, 100 * MIB);
	assert_true(p->ticks[1].has_activity && p->ticks[1].calls_counted);
	assert_int_equal(p->ticks[1].activity.mmap_bytes, 1 << 18);

	worker = &r->processes[1]; /* it grew; postgres did not */
	assert_int_equal(worker->pid, 4712);
	assert_true(worker->has_ended && worker->is_code_known && worker->is_oom_killed);
	assert_int_equal(WTERMSIG(worker->code), 9);
	assert_int_equal(worker->last_ns, 1300 * NSEC_PER_SEC);
	assert_int_equal(worker->ticks[1].private_low, 16 * MIB);
	assert_string_equal(worker->container, "abc");

	p = recorded_find(r, 815, 0);
	assert_ptr_equal(p, &r->processes[2]);
	assert_null(recorded_find(r, 815, 1));
	assert_true(p->ticks[0].now.heap_unknown);
	assert_false(p->ticks[0].has_activity);
	assert_int_equal(p->ticks[0].rss_high, 210 * MIB);
	assert_int_equal(p->peak_rss_bytes, 210 * MIB);
	assert_int_equal(p->last_ns, r->end_ns); /* no row since, but it is there */
	assert_null(p->sites);
	recorded_free(r);
	sqlite3_close(db);
}

static void test_events(void **state)
{
	struct recorded *r;
	sqlite3 *db = service(&r);

	(void)state;
	assert_int_equal(r->event_count, 3);
	assert_int_equal(r->events[0].kind, RECORDED_FORK);
	assert_int_equal(r->events[0].ppid, 4711);
	assert_int_equal(r->events[1].kind, RECORDED_OOM);
	assert_string_equal(r->events[1].limit_cgroup, "/docker/abc");
	assert_int_equal(r->events[1].limit_bytes, 64 * MIB);
	assert_int_equal(r->events[2].kind, RECORDED_EXIT);
	assert_true(r->events[2].has_last);
	assert_int_equal(r->events[2].last.rss_bytes, 64 * MIB);
	assert_string_equal(r->events[2].comm, "worker");
	recorded_free(r);
	sqlite3_close(db);
}

static void test_collections(void **state)
{
	struct recorded *r;
	sqlite3 *db = service(&r);
	const struct recorded_process *p = &r->processes[0];
	uint64_t count = 0;

	(void)state;
	assert_int_equal(p->gc_count, 59);
	for (size_t i = 0; i < p->gc_count; i++)
		count += p->gcs[i].count;
	assert_int_equal(count, 98);
	assert_int_equal(p->gcs[0].count, 40);
	assert_int_equal(p->gcs[0].pause_max_ns, 2000000);
	assert_int_equal(p->gcs[3].gc.kind, MW_GC_MARK_COMPACT);
	assert_int_equal(p->gcs[3].gc.isolate, 139000000);
	assert_int_equal(p->gcs[3].gc.live_bytes, 10 * MIB + 3000000);
	recorded_free(r);
	sqlite3_close(db);
}

static void test_heap_out(void **state)
{
	sqlite3 *db = build_recording(":memory:");
	const struct recorded_process *p;
	struct recorded *r;

	(void)state;
	build_sql(db, build_service_sql);
	build_sql(db, "INSERT INTO gc VALUES (NULL, 9000000000000, 1, 139000000, 4713, 'heap-out', "
		      "'uprobe', 1, 0, 0, NULL, NULL, NULL)");
	load_db(db, NULL, &r);
	p = &r->processes[0];
	assert_int_equal(p->gc_count, 60);
	for (size_t i = 0; i < p->gc_count; i++)
		assert_int_equal(p->gcs[i].is_heap_out, i == 59);
	assert_int_equal(p->gcs[59].gc.isolate, 139000000);
	recorded_free(r);
	sqlite3_close(db);
}

static void test_sites(void **state)
{
	struct recorded *r;
	sqlite3 *db = service(&r);
	const struct site_table *t = r->processes[0].sites;
	struct site_group groups[4];
	const struct frame *f;

	(void)state;
	assert_non_null(t);
	assert_true(t->v8_is_scaled);
	assert_int_equal(t->total_bytes[MW_SITE_V8_SURVIVED], 64 * MIB);
	assert_int_equal(t->begin_ns, 1000 * NSEC_PER_SEC);
	assert_int_equal(t->quality.stacks_cut, 2);
	assert_int_equal(site_groups_leading(t, groups, 4), 3);
	assert_int_equal(groups[0].bytes, 48 * MIB);
	assert_true(fabs(groups[0].share - 0.75) < 1e-9);
	f = &groups[0].top->stack->frames[0];
	assert_string_equal(f->fn, "saveContext");
	assert_int_equal(f->fn_line, 10);
	assert_int_equal(f->tier, TIER_INTERPRETED);
	/* without a name: by its address, and what it can be named by */
	f = &groups[1].top->stack->frames[0];
	assert_null(f->fn);
	assert_int_equal(f->ip, 22136);
	assert_int_equal(f->module_address, 12288);
	assert_string_equal(f->build_id, "a1b2c3");
	assert_string_equal(groups[2].top->note, "V8 promotion");
	assert_true(groups[2].top->stack->is_cut);
	recorded_free(r);
	sqlite3_close(db);
}

static void test_verdicts(void **state)
{
	struct recorded *r;
	sqlite3 *db = service(&r);
	const struct recorded_process *p = &r->processes[0];
	const struct kept_constructor *c;

	(void)state;
	assert_non_null(p->verdict);
	assert_int_equal(p->verdict->class, VERDICT_LEAK);
	assert_true(p->verdict->is_leak && fabs(p->verdict->confidence - 0.92) < 1e-9);
	assert_int_equal(p->verdict->trend.points, 32);
	assert_int_equal(p->verdict->limit.kind, LIMIT_CGROUP_MAX);
	assert_string_equal(p->verdict->limit.where, "/system.slice/api.service");
	assert_int_equal(p->verdict->evidence_count, 2);
	assert_string_equal(p->verdict->evidence[1], "9 of 9 full collections left more");
	assert_int_equal(p->verdict_ns, r->end_ns);
	assert_non_null(p->kept);
	assert_int_equal(p->kept->count, 1);
	assert_int_equal(p->kept->pauses_ns[1], 17100000);
	c = &p->kept->constructors[0];
	assert_string_equal(c->name, "StatusContext");
	assert_int_equal(c->delta_count, 2500);
	assert_string_equal(c->by.edge, "variable `handleMap`");
	assert_int_equal(c->by.line, 12);
	assert_int_equal(p->verdict_count, 2);
	assert_int_equal(p->verdicts[0].verdict->class, VERDICT_EARLY);
	assert_int_equal(p->verdicts[0].ns, 1060 * NSEC_PER_SEC);
	assert_int_equal(p->verdicts[1].verdict->class, VERDICT_LEAK);
	assert_null(r->processes[1].verdict);
	recorded_free(r);
	sqlite3_close(db);
}

static void test_censuses(void **state)
{
	struct recorded *r;
	sqlite3 *db = service(&r);
	const struct recorded_process *p = &r->processes[0];
	const struct census *c;

	(void)state;
	assert_int_equal(p->census_count, 2);
	assert_int_equal(p->censuses[0].when, RECORDED_CENSUS_BEGIN);
	assert_int_equal(p->censuses[1].when, RECORDED_CENSUS_END);
	c = p->censuses[1].census;
	assert_int_equal(c->pid, 4711);
	assert_string_equal(c->node, "V8 12.4.254");
	assert_int_equal(c->constructor_count, 3);
	assert_string_equal(c->constructors[0].name, "StatusContext");
	assert_int_equal(c->retainer_count, 1);
	assert_int_equal(c->retainers[0].step_count, 2);
	assert_int_equal(c->retainers[0].owner_count, 1);
	assert_int_equal(c->retainers[0].steps_left_out, 2);
	assert_string_equal(c->retainers[0].steps[0].file, "/app/handles.js");
	recorded_free(r);
	sqlite3_close(db);
}

static void test_select(void **state)
{
	const uint32_t pids[] = {815};
	const struct recording_select one = {.most = 1}, by_pid = {.pids = pids, .pid_count = 1},
				      by_name = {.comm = "worker"};
	struct recorded *r;
	sqlite3 *db = service(&r);

	(void)state;
	recorded_free(r);
	load_db(db, &one, &r);
	assert_true(r->processes[0].is_loaded);
	assert_false(r->processes[1].is_loaded);
	assert_null(r->processes[1].ticks);
	assert_int_equal(recorded_growth(&r->processes[1]), 47 * MIB);
	recorded_free(r);
	load_db(db, &by_pid, &r);
	assert_false(r->processes[0].is_loaded);
	assert_null(r->processes[0].sites);
	assert_non_null(r->processes[0].verdict);
	assert_true(recorded_find(r, 815, 0)->is_loaded);
	recorded_free(r);
	load_db(db, &by_name, &r);
	assert_true(recorded_find(r, 4712, 0)->is_loaded);
	assert_false(recorded_find(r, 815, 0)->is_loaded);
	recorded_free(r);
	sqlite3_close(db);
}

static void test_empty(void **state)
{
	sqlite3 *db = build_recording(":memory:");
	struct recorded *r;

	(void)state;
	load_db(db, NULL, &r);
	assert_int_equal(r->process_count, 0);
	assert_false(r->is_whole);
	assert_true(recorded_seconds(r) < 1e-9);
	recorded_free(r);
	sqlite3_close(db);
}

/* --- files --- */

static void refused(const char *path, int err, const char *says)
{
	char why[RECORDING_WHY];
	struct recorded *r;
	int got = recording_load(path, NULL, &r, why);

	if (got != err)
		fail_msg("%s: %d (%s), not %d", path, got, why, err);
	assert_null(r);
	if (!strstr(why, says))
		fail_msg("'%s' does not say '%s'", why, says);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_no_recordings(void **state)
{
	const char *path;
	sqlite3 *db;

	(void)state;
	refused(file_of("none"), -ENOENT, "No such file");
	refused(folder, -EISDIR, "directory");
	refused("/dev/zero", -ESPIPE, "it is no file");
	path = file_of("empty");
	write_file(path, "");
	refused(path, -EINVAL, "empty");
	path = file_of("census");
	write_file(path, "{\"type\":\"meta\"}\n");
	refused(path, -EINVAL, "memwatch diff");
	path = file_of("text");
	write_file(path, "SQLite format, perhaps");
	refused(path, -EINVAL, "no recording");
	assert_false(recording_is(path));
	path = file_of("other.db");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	build_sql(db, "CREATE TABLE t (a)");
	sqlite3_close(db);
	refused(path, -EINVAL, "no recording");
	assert_false(recording_is(path));
	path = file_of("half");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	build_sql(db, "PRAGMA application_id = 0x4d4d5754; PRAGMA user_version = 1; "
		      "CREATE TABLE meta (key, value)");
	sqlite3_close(db);
	refused(path, -EINVAL, "no such table");
	path = file_of("newer");
	db = build_recording(path);
	build_sql(db, "PRAGMA user_version = 2");
	sqlite3_close(db);
	refused(path, -ENOTSUP, "newer");
}

static void test_damaged(void **state)
{
	const char *path = file_of("damaged");
	char junk[4096];
	FILE *f;

	(void)state;
	sqlite3 *db = build_recording(path);

	build_sql(db, build_service_sql);
	sqlite3_close(db);
	memset(junk, 0xa5, sizeof(junk));
	f = fopen(path, "r+");
	assert_non_null(f);
	fseek(f, 100, SEEK_SET); /* behind the header: the schema's page */
	fwrite(junk, 1, sizeof(junk) - 100, f);
	fclose(f);
	refused(path, -EUCLEAN, "damaged");
	assert_int_equal(truncate(path, 5000), 0);
	refused(path, -EUCLEAN, "damaged");
}

static struct recorded *loaded(const char *path)
{
	char why[RECORDING_WHY];
	struct recorded *r;

	if (recording_load(path, NULL, &r, why))
		fail_msg("%s: %s", path, why);
	return r;
}

static bool is_there(const char *path, const char *suffix)
{
	char beside[160];

	snprintf(beside, sizeof(beside), "%s%s", path, suffix);
	return !access(beside, F_OK);
}

/* In WAL mode, closed: nothing comes to lie beside it, and it is not touched. */
static void test_nothing_is_written(void **state)
{
	const char *path = file_of("a %41#?name");
	struct stat before, after;
	struct recorded *r;
	sqlite3 *db = build_recording(path);

	(void)state;
	build_sql(db, "PRAGMA journal_mode = WAL");
	build_sql(db, build_service_sql);
	sqlite3_close(db);
	assert_true(recording_is(path));
	assert_int_equal(stat(path, &before), 0);
	r = loaded(path);
	assert_string_equal(r->path, path);
	assert_int_equal(r->process_count, 3);
	recorded_free(r);
	assert_int_equal(stat(path, &after), 0);
	assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
	assert_false(is_there(path, "-wal"));
	assert_false(is_there(path, "-shm"));
}

/* Who writes it has committed, and not ended: what is in the log is read. */
static void test_still_written(void **state)
{
	const char *path = file_of("live");
	sqlite3 *db = build_recording(path);
	struct recorded *r;

	(void)state;
	build_sql(db, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
	build_sql(db, build_service_sql);
	build_sql(db, "BEGIN IMMEDIATE; DELETE FROM process_tick");
	r = loaded(path);
	assert_int_equal(r->processes[0].tick_count, 61);
	recorded_free(r);
	build_sql(db, "ROLLBACK");
	sqlite3_close(db);
}

static void copy_file(const char *from, const char *to)
{
	char command[512];

	snprintf(command, sizeof(command), "cp '%s' '%s'", from, to);
	assert_int_equal(system(command), 0);
}

/* A log that was left over, without its index, where none can be made. */
static void test_left_over_log(void **state)
{
	char base[128], copy[160], from[160], to[192];
	struct recorded *r;
	sqlite3 *db;
	pid_t child;
	int status;

	(void)state;
	snprintf(base, sizeof(base), "%s", file_of("killed"));
	db = build_recording(base);
	build_sql(db, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
	build_sql(db, build_service_sql);
	snprintf(copy, sizeof(copy), "%s/sealed", folder);
	assert_int_equal(mkdir(copy, 0755), 0);
	snprintf(to, sizeof(to), "%s/r", copy);
	copy_file(base, to);
	snprintf(from, sizeof(from), "%s-wal", base);
	snprintf(to, sizeof(to), "%s/r-wal", copy);
	copy_file(from, to);
	sqlite3_close(db);
	snprintf(to, sizeof(to), "%s/r", copy);
	assert_int_equal(chmod(folder, 0755), 0);
	child = fork();
	if (!child) { /* nobody may write there but root */
		if (!geteuid() && setuid(65534))
			_exit(2);
		chmod(copy, 0555);
		r = loaded(to);
		_exit(r->processes[0].tick_count == 61 ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	/* and where it can */
	r = loaded(to);
	assert_int_equal(r->processes[0].tick_count, 61);
	recorded_free(r);
}

/* --- hostile ones --- */

/* Whatever it makes of it: it does not fail, and what it gives is within bounds. */
static void survive(const char *sql)
{
	sqlite3 *db = build_recording(":memory:");
	struct recorded *r = NULL;
	char why[RECORDING_WHY];
	int err;

	build_sql(db, build_service_sql);
	build_sql(db, sql);
	err = recording_load_db(db, NULL, &r, why);
	assert_true(err ? why[0] && !r : !why[0] && r != NULL);
	if (r) {
		for (size_t i = 0; i < r->process_count; i++)
			assert_true(r->processes[i].peak_rss_bytes <= 4 * READ_BYTES_MAX);
	}
	recorded_free(r);
	sqlite3_close(db);
}

static void test_hostile_values(void **state)
{
	static const char *const statements[] = {
		"UPDATE process_tick SET anon_bytes = -1, file_bytes = 9223372036854775807",
		"UPDATE process_tick SET anon_bytes = 'much', threads = x'00ff', rss_high = 1e300",
		"UPDATE process SET pid = -5, comm = x'ff', collector = 99, code = -1, named = 7",
		"UPDATE process SET comm = printf('%.*c', 100000, 'x'), cgroup = 1 << 62",
		"UPDATE process SET first_ns = 9223372036854775807, end_ns = -1",
		"UPDATE tick SET ns = -ns, cpu_ns = 1 << 62",
		"UPDATE tick SET wall_ns = -5, bpf_ns = 'x'",
		"DELETE FROM tick",
		"DELETE FROM process",
		"UPDATE gc SET kind = 7, pause_ns = -1, count = -3, pause_max_ns = 1 << 60",
		"UPDATE site SET kind = 'x', bytes = 1 << 62",
		"UPDATE site SET stack = 77, estimated_bytes = -1, samples = 1 << 62",
		"UPDATE stack_frame SET frame = 99",
		"UPDATE frame SET kind = 'alien', origin = 300, tier = -1, fn = x'00', line = 1 << "
		"40",
		"UPDATE module SET build_id = 'not hex', path = 5.5",
		"UPDATE site_state SET v8_live_span_ns = -1, level = 5, begin_ns = 'x'",
		"UPDATE verdict SET class = 'guess'",
		"UPDATE verdict SET confidence = 9e999, slope = -9e999, limit_seconds = -1",
		"UPDATE verdict SET evidence = '[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]'",
		"UPDATE verdict SET evidence = '[1,null,{}', kept = '[1,[],{\"retainer\":[]}]'",
		"UPDATE verdict SET kept = '{\"seconds\":\"x\",\"constructors\":[{\"name\":5}]}'",
		"UPDATE verdict SET evidence = printf('%.*c', 900000, 'x')",
		"UPDATE census SET why = 'never', runtime = printf('%.*c', 5000, 'x'), ns = -1",
		"UPDATE census_isolate SET id = -1, count = -1",
		"UPDATE constructor SET isolate = 255, kind = 'x', count = -1, name = NULL",
		"UPDATE retainer SET path = '{}', owners = '[5]', share = 7, isolate = -1",
		"UPDATE event SET kind = 'party', process = 55",
		"UPDATE event SET code = -1, pid = 1 << 50, limit_kind = 5",
		"UPDATE meta SET value = x'ff' WHERE key = 'version'",
		"UPDATE meta SET value = -1 WHERE key <> 'version'",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		survive(statements[i]);
}

static void test_hostile_counts(void **state)
{
	(void)state;
	survive("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 20000)"
		"INSERT INTO stack_frame SELECT 1, i + 1, 1 FROM t");
	survive("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 20000)"
		"INSERT INTO census SELECT i + 10, 1, i, i, 'leak', 'V8', 0, 0, 0, 0 FROM t");
	survive("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 300)"
		"INSERT INTO census_isolate SELECT 2, i, i, i, i, i, i FROM t");
	survive("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 20000)"
		"INSERT INTO site SELECT i + 10, 1, 'fault', NULL, NULL, 0, 0, i, i, 1, 0, 0 FROM "
		"t");
	survive("WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 20000)"
		"INSERT INTO hook SELECT 'h' || i, 'x' FROM t");
}

static void expect_refusal(const char *sql, int expected, const char *says)
{
	sqlite3 *db = build_recording(":memory:");
	char why[RECORDING_WHY];
	struct recorded *r;

	build_sql(db, sql);
	recording_harden(db);
	assert_int_equal(recording_load_db(db, NULL, &r, why), expected);
	if (!strstr(why, says))
		fail_msg("'%s' does not say '%s'", why, says);
	sqlite3_close(db);
}

/* A view in the place of a table is not looked at; a value beyond all measure is none. */
static void test_hostile_schema(void **state)
{
	(void)state;
	expect_refusal("DROP TABLE meta; CREATE VIEW meta AS SELECT 1 AS key, 2 AS value", -EINVAL,
		       "meta");
	expect_refusal("DROP TABLE lost; CREATE TABLE lost (a)", -EINVAL, "no such column");
	expect_refusal("INSERT INTO meta VALUES ('version', zeroblob(2000000))", -EUCLEAN,
		       "too big");
	expect_refusal("DROP TABLE target; CREATE TABLE target (a, pid AS "
		       "(length(hex(zeroblob(900000))))); INSERT INTO target VALUES (1)",
		       -EUCLEAN, "too big");
}

/* --- */

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_collections),
		cmocka_unit_test(test_heap_out),
		cmocka_unit_test(test_sites),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_censuses),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_no_recordings),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_nothing_is_written),
		cmocka_unit_test(test_still_written),
		cmocka_unit_test(test_left_over_log),
		cmocka_unit_test(test_hostile_values),
		cmocka_unit_test(test_hostile_counts),
		cmocka_unit_test(test_hostile_schema),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
