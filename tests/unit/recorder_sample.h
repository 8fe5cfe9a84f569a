/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A recorder in a folder of its own, made processes for it, and questions to what it wrote. */
#ifndef MEMWATCH_TESTS_RECORDER_SAMPLE_H
#define MEMWATCH_TESTS_RECORDER_SAMPLE_H

#include <ftw.h>
#include <sqlite3.h>

#include "sample.h"
#include "store/recorder.h"

#define SAMPLE_WALL_NS (1764201600ull * SAMPLE_SECOND) /* 2025-11-27 00:00:00 UTC */

struct recorder_sample {
	char folder[64], path[96];
	struct recorder *r;
	struct process_table table;
	uint64_t now_ns;
};

static inline struct recorder *sample_recorder(const char *path, uint64_t max_bytes)
{
	static const uint32_t pids[] = {10};
	static const struct run run = {
		.version = "0.1.0",
		.kernel = "6.18",
		.arch = "x86_64",
		.interval_ns = SAMPLE_SECOND,
		.pids = pids,
		.pid_count = 1,
		.hooks = {{"faults", "tp_btf"}, {"oom", NULL}},
		.hook_count = 2,
	};
	struct recorder_options options = {
		.path = path,
		.max_bytes = max_bytes,
		.page_shift = SAMPLE_PAGE_SHIFT,
	};
	char why[RECORDER_WHY];
	struct recorder *r;

	if (recorder_new(&options, &r, why) || recorder_begin(r, &run)) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	return r;
}

static inline void sample_recorder_open(struct recorder_sample *s, uint64_t max_bytes)
{
	*s = (struct recorder_sample){.now_ns = 1000 * SAMPLE_SECOND};
	/* In memory where that can be had: what is tested is not the disk. */
	snprintf(s->folder, sizeof(s->folder), "%s/memwatch-recorder.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(s->folder) || process_table_init(&s->table, SAMPLE_PAGE_SHIFT))
		abort();
	snprintf(s->path, sizeof(s->path), "%s/run.mw", s->folder);
	s->r = sample_recorder(s->path, max_bytes);
}

static inline int sample_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static inline void sample_recorder_close(struct recorder_sample *s)
{
	recorder_free(s->r);
	process_table_release(&s->table);
	nftw(s->folder, sample_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct recorder_tick sample_recorder_tick_at(uint64_t now_ns)
{
	return (struct recorder_tick){
		.now_ns = now_ns,
		.wall_ns = SAMPLE_WALL_NS + now_ns,
		.cost = {.cpu_ns = now_ns / 1000, .bpf_known = true, .bpf_ns = 5, .rss_bytes = 9},
	};
}

/* The next second begins. */
static inline int sample_recorder_tick(struct recorder_sample *s)
{
	struct recorder_tick tick;

	s->now_ns += SAMPLE_SECOND;
	tick = sample_recorder_tick_at(s->now_ns);
	process_table_begin(&s->table, s->now_ns);
	return recorder_tick(s->r, &tick);
}

/* --- questions --- */

static inline sqlite3 *sample_db(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL))
		abort();
	return db;
}

/* The one number that @sql gives; INT64_MIN: NULL, or nothing. */
static inline int64_t sample_number(const char *path, const char *sql)
{
	sqlite3 *db = sample_db(path);
	int64_t value = INT64_MIN;
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL)) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		abort();
	}
	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
		value = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return value;
}

/* The one text that @sql gives; valid until the next question. */
static inline const char *sample_text(const char *path, const char *sql)
{
	static char text[4096];
	sqlite3 *db = sample_db(path);
	sqlite3_stmt *st;

	text[0] = '\0';
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL)) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		abort();
	}
	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0))
		snprintf(text, sizeof(text), "%s", sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return text;
}

/* Fixture: a recorder in *state, without a bound of its own. */
static inline int sample_setup(void **state)
{
	static struct recorder_sample sample;

	*state = &sample;
	sample_recorder_open(&sample, 0);
	return 0;
}

static inline int sample_teardown(void **state)
{
	sample_recorder_close(*state);
	return 0;
}

/* A tick that sees this one process, written. */
static inline struct process *sample_tick_of(struct recorder_sample *s, const struct mw_task *raw,
					     bool is_named)
{
	struct process *p;

	assert_int_equal(sample_recorder_tick(s), 0);
	p = sample_update(&s->table, raw);
	assert_int_equal(recorder_process(s->r, p, is_named), 0);
	assert_int_equal(recorder_commit(s->r), 0);
	return p;
}

static inline void sample_recorder_end(struct recorder_sample *s)
{
	struct recorder_tick last = sample_recorder_tick_at(s->now_ns);

	assert_int_equal(recorder_end(s->r, &last), 0);
}

static inline void sample_is(const struct recorder_sample *s, const char *sql, int64_t value)
{
	int64_t got = sample_number(s->path, sql);

	if (got != value)
		fail_msg("%s: %lld, not %lld", sql, (long long)got, (long long)value);
}

#endif
