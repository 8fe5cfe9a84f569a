/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The NDJSON sink: every line parsed by json-c, and which keys are there and
 * which are not. What is written is also held against `memwatch schema`.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/clock.h"
#include "census_sample.h"
#include "cmd/cmd.h"
#include "output/ndjson_census.h"
#include "output/ndjson_gate.h"
#include "output/ndjson_run_diff.h"
#include "output/report_json.h"
#include "output/sink.h"
#include "run_diff_sample.h"
#include "sample.h"
#include "kept_sample.h"
#include "verdict_sample.h"

#define MAX_LINES   4096
#define REPLACEMENT "\xEF\xBF\xBD"
#define WALL_NS	    1700000000123456789ULL /* 2023-11-14T22:13:20.123Z */
#define WALL_TEXT   "2023-11-14T22:13:20.123Z"

/* A sink, and what it wrote: one object a line. */
struct output {
	int fd;
	struct sink *sink;
	struct json_object *lines[MAX_LINES];
	size_t count;
};

static void output_clear(struct output *o)
{
	for (size_t i = 0; i < o->count; i++)
		json_object_put(o->lines[i]);
	o->count = 0;
}

/* Takes what was written; fails unless each line is exactly one JSON object. */
static void output_take(struct output *o)
{
	char *text = sample_read(o->fd), *line = text;

	output_clear(o);
	while (*line) {
		char *end = strchr(line, '\n');
		struct json_tokener *parser = json_tokener_new_ex(16);

		assert_non_null(end);
		assert_non_null(parser);
		json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		assert_true(o->count < MAX_LINES);
		*end = '\0'; /* the parser wants to see the end, too */
		o->lines[o->count] = json_tokener_parse_ex(parser, line, (int)(end - line) + 1);
		if (!o->lines[o->count])
			fail_msg("not JSON: %s", line);
		assert_int_equal(json_object_get_type(o->lines[o->count]), json_type_object);
		o->count++;
		json_tokener_free(parser);
		line = end + 1;
	}
	free(text);
}

static int setup(void **state)
{
	static struct output output;

	output = (struct output){.fd = sample_file()};
	output.sink = ndjson_sink_new(output.fd, SAMPLE_PAGE_SHIFT);
	*state = &output;
	return output.sink ? 0 : -1;
}

static int teardown(void **state)
{
	struct output *o = *state;

	output_clear(o);
	o->sink->ops->free(o->sink);
	close(o->fd);
	return 0;
}

/* ---- asking ---- */

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("no '%s' in %s", key, json_object_to_json_string(o));
	return value;
}

static bool has(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL);
}

static uint64_t get_u64(struct json_object *o, const char *key)
{
	assert_int_equal(json_object_get_type(get(o, key)), json_type_int);
	return json_object_get_uint64(get(o, key));
}

static int64_t get_i64(struct json_object *o, const char *key)
{
	assert_int_equal(json_object_get_type(get(o, key)), json_type_int);
	return json_object_get_int64(get(o, key));
}

static const char *get_str(struct json_object *o, const char *key)
{
	assert_int_equal(json_object_get_type(get(o, key)), json_type_string);
	return json_object_get_string(get(o, key));
}

static void assert_type(struct json_object *o, const char *type)
{
	assert_string_equal(get_str(o, "type"), type);
	get_u64(o, "ts_ns");
	assert_int_equal(strlen(get_str(o, "time")), strlen(WALL_TEXT));
}

/* ---- feeding ---- */

static struct tick a_tick(struct process **rows, size_t count)
{
	return (struct tick){
		.now_ns = 12 * SAMPLE_SECOND,
		.wall_ns = WALL_NS,
		.rows = rows,
		.count = count,
		.has_fault_places = true,
	};
}

/* Writes one process at one tick; returns its record. */
static struct json_object *show(struct output *o, struct process *p, bool calls, bool places)
{
	struct tick tick = a_tick(&p, 1);

	p->calls_counted = calls && p->has_growth;
	tick.has_fault_places = places;
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	assert_type(o->lines[0], "process");
	return o->lines[0];
}

/* Writes one event; returns its record. */
static struct json_object *event(struct output *o, const struct mw_event_header *h,
				 const struct process *p)
{
	assert_int_equal(o->sink->ops->event(o->sink, h, p), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	return o->lines[0];
}

static struct mw_event_header header(enum mw_event_type type, const char *comm)
{
	struct mw_event_header h = {
		.type = type,
		.pid = 4711,
		.ts_ns = 9 * SAMPLE_SECOND,
		.start_ns = 2 * SAMPLE_SECOND,
		.ppid = 1234,
	};

	memcpy(h.comm, comm, strnlen(comm, MW_COMM_LEN));
	return h;
}

static void assert_header(struct json_object *o, const char *type)
{
	assert_type(o, type);
	assert_int_equal(get_u64(o, "ts_ns"), 9 * SAMPLE_SECOND);
	assert_int_equal(get_u64(o, "pid"), 4711);
	assert_int_equal(get_u64(o, "start_ns"), 2 * SAMPLE_SECOND);
	assert_int_equal(get_u64(o, "ppid"), 1234);
}

/* The sizes of @raw, as in sample_task(). */
static void assert_totals(struct json_object *o, const struct mw_task *raw)
{
	struct totals t;

	totals_from_raw(&t, raw, SAMPLE_PAGE_SHIFT);
	assert_int_equal(get_u64(o, "rss_bytes"), t.rss_bytes);
	assert_int_equal(get_u64(o, "anon_bytes"), t.anon_bytes);
	assert_int_equal(get_u64(o, "file_bytes"), t.file_bytes);
	assert_int_equal(get_u64(o, "shmem_bytes"), t.shmem_bytes);
	assert_int_equal(get_u64(o, "swap_bytes"), t.swap_bytes);
	assert_int_equal(get_u64(o, "pgtable_bytes"), t.pgtable_bytes);
	assert_int_equal(get_u64(o, "vm_bytes"), t.vm_bytes);
	assert_int_equal(get_u64(o, "data_bytes"), t.data_bytes);
	assert_int_equal(get_u64(o, "stack_bytes"), t.stack_bytes);
	assert_int_equal(get_u64(o, "heap_bytes"), t.heap_bytes);
	assert_int_equal(get_u64(o, "threads"), t.threads);
	assert_int_equal(get_u64(o, "minflt"), t.minflt);
	assert_int_equal(get_u64(o, "majflt"), t.majflt);
}

/* ---- meta ---- */

static void test_meta(void **state)
{
	static const uint32_t pids[] = {1, 4194304};
	struct output *o = *state;
	struct run run = {
		.version = "0.1.0",
		.kernel = "6.1.0-\"odd\"\\",
		.arch = "x86_64",
		.interval_ns = 250000000,
		.pids = pids,
		.pid_count = 2,
		.comm = "no\tde",
		.cgroup = "/a/b",
		.hooks = {{"totals", "iter/task"}, {"calls", NULL}},
		.hook_count = 2,
	};
	struct json_object *targets, *hooks;

	assert_int_equal(o->sink->ops->begin(o->sink, &run), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	assert_type(o->lines[0], "meta");
	assert_int_equal(get_u64(o->lines[0], "schema"), MEMWATCH_SCHEMA);
	assert_string_equal(get_str(o->lines[0], "version"), "0.1.0");
	assert_string_equal(get_str(o->lines[0], "kernel"), "6.1.0-\"odd\"\\");
	assert_string_equal(get_str(o->lines[0], "arch"), "x86_64");
	assert_int_equal(get_u64(o->lines[0], "interval_ms"), 250);
	targets = get(o->lines[0], "targets");
	assert_int_equal(json_object_array_length(get(targets, "pids")), 2);
	assert_int_equal(json_object_get_int(json_object_array_get_idx(get(targets, "pids"), 1)),
			 4194304);
	assert_string_equal(get_str(targets, "comm"), "no" REPLACEMENT "de");
	assert_string_equal(get_str(targets, "cgroup"), "/a/b");
	hooks = get(o->lines[0], "hooks");
	assert_string_equal(get_str(hooks, "totals"), "iter/task");
	assert_true(has(hooks, "calls"));
	assert_null(get(hooks, "calls"));
	run.pid_count = 0;
	run.comm = run.cgroup = NULL;
	assert_int_equal(o->sink->ops->begin(o->sink, &run), 0);
	output_take(o);
	targets = get(o->lines[0], "targets");
	assert_int_equal(json_object_array_length(get(targets, "pids")), 0);
	assert_false(has(targets, "comm"));
	assert_false(has(targets, "cgroup"));
}

/* ---- process ---- */

static void test_first_tick(void **state)
{
	struct mw_task raw = sample_task(4711, 5, "node");
	struct process_table t;
	struct json_object *r;

	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	r = show(*state, sample_tick(&t, SAMPLE_SECOND, &raw), true, true);
	assert_int_equal(get_u64(r, "ts_ns"), 12 * SAMPLE_SECOND);
	assert_string_equal(get_str(r, "time"), WALL_TEXT);
	assert_int_equal(get_u64(r, "pid"), 4711);
	assert_int_equal(get_u64(r, "start_ns"), 5);
	assert_int_equal(get_u64(r, "ppid"), 1);
	assert_string_equal(get_str(r, "comm"), "node");
	assert_totals(r, &raw);
	assert_int_equal(get_u64(r, "peak_rss_bytes"), 1500 << 12);
	assert_false(has(r, "delta"));
	assert_false(has(r, "events"));
	assert_false(has(r, "approximate"));
	assert_false(has(r, "cgroup"));
	assert_false(has(r, "container"));
	process_table_release(&t);
}

static struct process *second_tick(struct process_table *t)
{
	struct mw_task raw = sample_task(4711, 5, "node");

	sample_tick(t, SAMPLE_SECOND, &raw);
	raw.anon_pages += 100;
	raw.file_pages -= 50;
	raw.threads--;
	raw.minflt += 30;
	raw.growth.mmap_bytes = 8192;
	raw.growth.mmap_count = 2;
	raw.growth.fault_mmap = 61;
	return sample_tick(t, 2 * SAMPLE_SECOND, &raw);
}

static void test_second_tick(void **state)
{
	struct json_object *r, *delta, *events;
	struct process_table t;

	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	r = show(*state, second_tick(&t), true, true);
	delta = get(r, "delta");
	assert_int_equal(json_object_object_length(delta), total_field_count);
	assert_int_equal(get_i64(delta, "anon_bytes"), 100 * 4096);
	assert_int_equal(get_i64(delta, "file_bytes"), -50 * 4096);
	assert_int_equal(get_i64(delta, "rss_bytes"), 50 * 4096);
	assert_int_equal(get_i64(delta, "shmem_bytes"), 0);
	assert_int_equal(get_i64(delta, "threads"), -1);
	assert_int_equal(get_i64(delta, "minflt"), 30);
	events = get(r, "events");
	assert_int_equal(json_object_object_length(events), activity_field_count);
	assert_int_equal(get_u64(events, "mmap_bytes"), 8192);
	assert_int_equal(get_u64(events, "mmap_count"), 2);
	assert_int_equal(get_u64(events, "munmap_count"), 0);
	assert_int_equal(get_u64(events, "fault_count"), 30);
	assert_int_equal(get_u64(events, "fault_bytes"), 50 * 4096);
	assert_int_equal(get_u64(events, "fault_mmap"), 61);
	process_table_release(&t);
}

static void assert_event_keys(struct json_object *record, bool calls, bool places)
{
	struct json_object *events = get(record, "events");

	for (size_t i = 0; i < activity_field_count; i++) {
		const struct activity_field *f = &activity_fields[i];

		assert_int_equal(has(events, f->key), f->needs == ACTIVITY_CALLS     ? calls
						      : f->needs == ACTIVITY_SAMPLED ? places
										     : true);
	}
}

/* What was not counted over the whole interval is absent, not 0. */
static void test_shed(void **state)
{
	struct process_table t;
	struct process *p;

	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	p = second_tick(&t);
	assert_event_keys(show(*state, p, true, true), true, true);
	assert_event_keys(show(*state, p, false, true), false, true);
	assert_event_keys(show(*state, p, true, false), true, false);
	assert_event_keys(show(*state, p, false, false), false, false);
	p->has_growth = false; /* the kernel has no counters for it */
	assert_event_keys(show(*state, p, true, true), false, false);
	process_table_release(&t);
}

static void test_optional_keys(void **state)
{
	struct cgroup cgroup = {.path = NULL};
	struct process p = {.pid = 1, .cgroup = &cgroup, .rss_approximate = true};
	struct json_object *r = show(*state, &p, true, true);

	assert_true(json_object_get_boolean(get(r, "approximate")));
	assert_false(has(r, "cgroup"));
	cgroup.path = (char *)"/docker/\"x\"";
	strcpy(cgroup.container, "abc");
	p.rss_approximate = false;
	r = show(*state, &p, true, true);
	assert_false(has(r, "approximate"));
	assert_string_equal(get_str(r, "cgroup"), "/docker/\"x\"");
	assert_string_equal(get_str(r, "container"), "abc");
}

static void test_huge_numbers(void **state)
{
	struct process p = {.pid = UINT32_MAX, .start_ns = UINT64_MAX, .has_delta = true};
	struct json_object *r, *delta;

	p.peak_rss_bytes = 1ULL << 63;
	p.now.rss_bytes = 1ULL << 63;
	p.now.anon_bytes = INT64_MAX;
	p.before.file_bytes = INT64_MAX;
	p.before.shmem_bytes = 1ULL << 63;
	p.activity.fault_bytes = UINT64_MAX;
	r = show(*state, &p, true, true);
	assert_true(get_u64(r, "pid") == UINT32_MAX);
	assert_true(get_u64(r, "start_ns") == UINT64_MAX);
	assert_true(get_u64(r, "rss_bytes") == 1ULL << 63);
	assert_true(get_u64(r, "anon_bytes") == INT64_MAX);
	assert_true(get_u64(r, "peak_rss_bytes") == 1ULL << 63);
	delta = get(r, "delta");
	assert_true(get_i64(delta, "anon_bytes") == INT64_MAX);
	assert_true(get_i64(delta, "file_bytes") == -INT64_MAX);
	assert_true(get_i64(delta, "shmem_bytes") == INT64_MIN);
	assert_true(get_u64(get(r, "events"), "fault_bytes") == UINT64_MAX);
}

static void test_hostile_names(void **state)
{
	static const struct {
		const char *comm, *shown;
	} cases[] = {
		{"", ""},
		{"\"", "\""},
		{"a\\b", "a\\b"},
		{"\"}\n{\"type\":\"x", "\"}" REPLACEMENT "{\"type\":\"x"},
		{"\x01\x1b[2J\x7f", REPLACEMENT REPLACEMENT "[2J" REPLACEMENT},
		{"\xff\xfe", REPLACEMENT REPLACEMENT},
		{"caf\xc3\xa9", "caf\xc3\xa9"},
		{"cut\xe2\x82", "cut" REPLACEMENT},
		{"\xe2\x80\xaetxt", REPLACEMENT "txt"},
		{"0123456789abcdef", "0123456789abcdef"}, /* all 16 bytes, no NUL */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct process p = {.pid = 1};
		struct mw_event_exec exec = {.h = header(MW_EVENT_EXEC, cases[i].comm)};
		struct json_object *r;

		memcpy(p.comm, cases[i].comm, strlen(cases[i].comm));
		assert_string_equal(get_str(show(*state, &p, true, true), "comm"), cases[i].shown);
		memcpy(exec.path, cases[i].comm, strlen(cases[i].comm));
		r = event(*state, &exec.h, NULL);
		assert_string_equal(get_str(r, "comm"), cases[i].shown);
		assert_string_equal(get_str(r, "path"), cases[i].shown);
	}
}

/* Any bytes at all: each record is one line of valid JSON. */
static void test_random_names(void **state)
{
	struct output *o = *state;

	srandom(5);
	for (int run = 0; run < 200; run++) {
		struct cgroup cgroup = {0};
		struct process p = {.pid = 1, .cgroup = &cgroup};
		struct mw_event_exec exec = {.h = header(MW_EVENT_EXEC, "")};
		char path[128];

		for (size_t i = 0; i < sizeof(path) - 1; i++)
			path[i] = (char)(random() % 255 + 1);
		path[sizeof(path) - 1] = '\0';
		cgroup.path = path;
		for (size_t i = 0; i < MW_COMM_LEN; i++)
			p.comm[i] = exec.h.comm[i] = (char)random();
		for (size_t i = 0; i < MW_PATH_LEN; i++) /* no NUL: cut at its size */
			exec.path[i] = (char)(random() % 255 + 1);
		show(o, &p, true, true);
		event(o, &exec.h, NULL);
	}
}

static void test_rows_wanted(void **state)
{
	struct output *o = *state;
	struct process p[3] = {{.pid = 1}, {.pid = 2}, {.pid = 3}};
	struct process *rows[3] = {&p[2], &p[0], &p[1]};
	static const size_t wanted[] = {0, 1, 2, 3, 100}, expected[] = {3, 1, 2, 3, 3};

	for (size_t i = 0; i < 5; i++) {
		struct tick tick = a_tick(rows, 3);

		tick.rows_wanted = wanted[i];
		assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
		output_take(o);
		assert_int_equal(o->count, expected[i]);
		assert_int_equal(get_u64(o->lines[0], "pid"), 3); /* in the order given */
	}
}

/* More than the buffer holds: written in pieces, all of it. */
static void test_many_processes(void **state)
{
	enum { MANY = 3000 };
	struct output *o = *state;
	struct process *p = calloc(MANY, sizeof(*p)), **rows = calloc(MANY, sizeof(*rows));
	struct tick tick = a_tick(rows, MANY);

	assert_true(p && rows);
	for (unsigned i = 0; i < MANY; i++) {
		p[i].pid = i + 1;
		p[i].has_delta = p[i].has_growth = p[i].calls_counted = true;
		rows[i] = &p[i];
	}
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	output_take(o);
	assert_int_equal(o->count, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(get_u64(o->lines[i], "pid"), i + 1);
	free(rows);
	free(p);
}

static void test_lost(void **state)
{
	struct output *o = *state;
	struct tick tick = a_tick(NULL, 0);
	struct json_object *r;

	tick.lost_total.count[MW_LOST_RING] = 9; /* of before: not of this tick */
	tick.shed = "calls";
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	output_take(o);
	assert_int_equal(o->count, 0);
	tick.lost.count[MW_LOST_RING] = 3;
	tick.lost.count[LOST_SHED] = 1;
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	r = o->lines[0];
	assert_type(r, "lost");
	assert_int_equal(get_u64(r, "ring_full"), 3);
	assert_int_equal(get_u64(r, "shed_ticks"), 1);
	assert_false(has(r, "procs_full"));
	assert_string_equal(get_str(r, "shed"), "calls");
	tick.shed = NULL;
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	output_take(o);
	assert_false(has(o->lines[0], "shed"));
}

/* ---- events ---- */

static void test_fork_and_exec(void **state)
{
	struct mw_event_fork fork = {.h = header(MW_EVENT_FORK, "sh")};
	struct mw_event_exec exec = {.h = header(MW_EVENT_EXEC, "node"), .path = "/usr/bin/node"};
	struct json_object *r;

	r = event(*state, &fork.h, NULL);
	assert_header(r, "fork");
	assert_string_equal(get_str(r, "comm"), "sh");
	assert_int_equal(json_object_object_length(r), 7);
	r = event(*state, &exec.h, NULL);
	assert_header(r, "exec");
	assert_string_equal(get_str(r, "path"), "/usr/bin/node");
}

static void test_exit_code(void **state)
{
	static const struct {
		int code, status, signal; /* -1: absent */
	} cases[] = {
		{0, 0, -1},
		{1 << 8, 1, -1},
		{255 << 8, 255, -1},
		{9, -1, 9},
		{11 | 0x80, -1, 11} /* with a core */,
		{15, -1, 15},
		{64, -1, 64},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mw_event_exit e = {.h = header(MW_EVENT_EXIT, "node"),
					  .code = cases[i].code};
		struct json_object *r = event(*state, &e.h, NULL);

		assert_header(r, "exit");
		assert_int_equal(has(r, "status"), cases[i].status >= 0);
		assert_int_equal(has(r, "signal"), cases[i].signal >= 0);
		if (cases[i].status >= 0)
			assert_int_equal(get_i64(r, "status"), cases[i].status);
		if (cases[i].signal >= 0)
			assert_int_equal(get_i64(r, "signal"), cases[i].signal);
	}
}

/* The last sizes: from the record, else from the last tick, else absent. */
static void test_exit_sizes(void **state)
{
	struct mw_event_exit e = {.h = header(MW_EVENT_EXIT, "node")};
	struct mw_task at_tick = sample_task(4711, 5, "node");
	struct process p = {.pid = 4711};
	struct json_object *r;

	e.task = sample_task(4711, 5, "node");
	e.task.anon_pages = 9;
	at_tick.anon_pages = 8;
	totals_from_raw(&p.now, &at_tick, SAMPLE_PAGE_SHIFT);
	r = event(*state, &e.h, NULL);
	assert_false(has(r, "last"));
	assert_int_equal(get_u64(r, "peak_rss_bytes"), 1500 << 12);
	assert_int_equal(get_u64(r, "minflt"), 5000);
	assert_int_equal(get_u64(r, "majflt"), 7);
	assert_int_equal(get_u64(r, "lifetime_ns"), 7 * SAMPLE_SECOND);
	r = event(*state, &e.h, &p);
	assert_totals(get(r, "last"), &at_tick);
	assert_int_equal(get_u64(r, "peak_rss_bytes"), 1500 << 12);
	p.peak_rss_bytes = 1501 << 12; /* seen by a tick, and more than the kernel's own mark */
	r = event(*state, &e.h, &p);
	assert_int_equal(get_u64(r, "peak_rss_bytes"), 1501 << 12);
	p.peak_rss_bytes = 0; /* as by exec; but its last size is all that is known */
	p.now.rss_bytes = 1502 << 12;
	r = event(*state, &e.h, &p);
	assert_int_equal(get_u64(r, "peak_rss_bytes"), 1502 << 12);
	e.has_task = 1;
	r = event(*state, &e.h, &p);
	assert_int_equal(get_u64(r, "peak_rss_bytes"), 1500 << 12);
	r = event(*state, &e.h, &p);
	assert_totals(get(r, "last"), &e.task);
	r = event(*state, &e.h, NULL);
	assert_totals(get(r, "last"), &e.task);
	e.h.start_ns = e.h.ts_ns + 1;
	r = event(*state, &e.h, NULL);
	assert_false(has(r, "lifetime_ns"));
}

static void test_vanished(void **state)
{
	struct output *o = *state;
	struct mw_task raw = sample_task(4711, 5, "node");
	struct process_table t;
	struct process *p;

	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	p = sample_tick(&t, SAMPLE_SECOND, &raw);
	assert_int_equal(o->sink->ops->vanished(o->sink, p, 3 * SAMPLE_SECOND), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	assert_type(o->lines[0], "exit");
	assert_int_equal(get_u64(o->lines[0], "ts_ns"), 3 * SAMPLE_SECOND);
	assert_int_equal(get_u64(o->lines[0], "pid"), 4711);
	assert_int_equal(get_u64(o->lines[0], "start_ns"), 5);
	assert_false(has(o->lines[0], "status"));
	assert_false(has(o->lines[0], "signal"));
	assert_totals(get(o->lines[0], "last"), &raw);
	assert_int_equal(get_u64(o->lines[0], "peak_rss_bytes"), 1500 << 12);
	process_table_release(&t);
}

static void test_oom(void **state)
{
	struct mw_event_oom e = {
		.h = header(MW_EVENT_OOM, "node"), .memcg_known = 1, .has_task = 1};
	struct cgroup cgroup = {.path = (char *)"/pod/app"};
	struct process p = {.pid = 4711, .cgroup = &cgroup};
	struct json_object *r, *limit;

	e.task = sample_task(4711, 5, "node");
	r = event(*state, &e.h, &p); /* no limit was found */
	assert_header(r, "oom");
	assert_totals(r, &e.task);
	assert_string_equal(get_str(r, "cgroup"), "/pod/app");
	limit = get(r, "limit");
	assert_string_equal(get_str(limit, "kind"), "machine");
	assert_int_equal(json_object_object_length(limit), 1);

	e.limit_cgroup_id = 55;
	e.limit_bytes = 1 << 30;
	e.usage_bytes = (1 << 30) - 4096;
	e.limit_level = 1;
	r = event(*state, &e.h, &p);
	limit = get(r, "limit");
	assert_string_equal(get_str(limit, "kind"), "cgroup");
	assert_int_equal(get_u64(limit, "cgroup_id"), 55);
	assert_int_equal(get_u64(limit, "bytes"), 1 << 30);
	assert_int_equal(get_u64(limit, "usage_bytes"), (1 << 30) - 4096);
	assert_string_equal(get_str(limit, "cgroup"), "/pod");
	r = event(*state, &e.h, NULL); /* never seen at a tick */
	assert_false(has(r, "cgroup"));
	limit = get(r, "limit");
	assert_int_equal(get_u64(limit, "cgroup_id"), 55);
	assert_false(has(limit, "cgroup"));

	e.memcg_known = 0;
	assert_false(has(event(*state, &e.h, &p), "limit"));
}

static void test_limit_path(void **state)
{
	static const struct {
		const char *path;
		unsigned level;
		const char *expected;
	} cases[] = {
		{"/a/b/c", 0, "/a/b/c"}, {"/a/b/c", 1, "/a/b"}, {"/a/b/c", 2, "/a"},
		{"/a/b/c", 3, "/"},	 {"/a/b/c", 4, NULL},	{"/a/b/c", UINT32_MAX, NULL},
		{"/", 0, "/"},		 {"/", 1, NULL}, /* above the root of our namespace */
	};
	char out[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cgroup cgroup = {.path = (char *)cases[i].path};
		struct process p = {.cgroup = &cgroup};
		int err = oom_limit_path(&p, cases[i].level, out, sizeof(out));

		assert_int_equal(err, cases[i].expected ? 0 : -ENOENT);
		if (cases[i].expected)
			assert_string_equal(out, cases[i].expected);
	}
	assert_int_equal(oom_limit_path(NULL, 0, out, sizeof(out)), -ENOENT);
	assert_int_equal(oom_limit_path(&(struct process){0}, 0, out, sizeof(out)), -ENOENT);
}

static void test_unknown_event(void **state)
{
	struct output *o = *state;
	static const uint32_t types[] = {0, MW_EVENT_OOM + 1, 1000, UINT32_MAX};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct mw_event_header h = header((enum mw_event_type)types[i], "x");

		assert_int_equal(o->sink->ops->event(o->sink, &h, NULL), 0);
	}
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 0);
}

static void test_end(void **state)
{
	struct output *o = *state;
	struct end end = {
		.now_ns = 1,
		.wall_ns = WALL_NS,
		.ticks = 60,
		.cost = {.cpu_pct_run = 0.2504,
			 .cpu_ns = 5,
			 .bpf_ns = 6,
			 .rss_bytes = 7,
			 .map_bytes = 8},
	};
	struct json_object *self;

	assert_int_equal(o->sink->ops->end(o->sink, &end), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	assert_type(o->lines[0], "end");
	assert_int_equal(get_u64(o->lines[0], "ticks"), 60);
	assert_int_equal(json_object_object_length(get(o->lines[0], "lost")), 0);
	self = get(o->lines[0], "self");
	assert_string_equal(json_object_to_json_string(get(self, "cpu_pct")), "0.250");
	assert_int_equal(get_u64(self, "cpu_ns"), 5);
	assert_false(has(self, "bpf_ns"));
	assert_int_equal(get_u64(self, "rss_bytes"), 7);
	assert_int_equal(get_u64(self, "map_bytes"), 8);
	end.cost.bpf_known = true;
	end.lost_total.count[LOST_TICKS] = 4;
	assert_int_equal(o->sink->ops->end(o->sink, &end), 0);
	output_take(o);
	assert_int_equal(get_u64(get(o->lines[0], "self"), "bpf_ns"), 6);
	assert_int_equal(get_u64(get(o->lines[0], "lost"), "ticks"), 4);
}

/* ---- writing ---- */

static void test_closed_pipe(void **state)
{
	struct mw_event_fork fork = {.h = header(MW_EVENT_FORK, "sh")};
	struct process p = {.pid = 1}, *rows[] = {&p};
	struct tick tick = a_tick(rows, 1);
	struct run run = {.version = "x", .kernel = "x", .arch = "x"};
	struct end end = {0};
	struct sink *s;
	int fds[2], err = 0;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	s = ndjson_sink_new(fds[1], SAMPLE_PAGE_SHIFT);
	assert_non_null(s);
	assert_int_equal(s->ops->begin(s, &run), -EPIPE);
	assert_int_equal(s->ops->tick(s, &tick), -EPIPE);
	assert_int_equal(s->ops->event(s, &fork.h, NULL), 0); /* waits in the buffer */
	assert_int_equal(s->ops->flush(s), -EPIPE);
	assert_int_equal(s->ops->flush(s), 0); /* dropped, not written again */
	for (int i = 0; i < 100000 && !err; i++)
		err = s->ops->event(s, &fork.h, NULL);
	assert_int_equal(err, -EPIPE); /* what waits is bounded */
	assert_int_equal(s->ops->end(s, &end), -EPIPE);
	s->ops->free(s);
	close(fds[1]);
}

static void test_full_device(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct run run = {.version = "x", .kernel = "x", .arch = "x"};
	struct sink *s;

	(void)state;
	assert_true(fd >= 0);
	s = ndjson_sink_new(fd, SAMPLE_PAGE_SHIFT);
	assert_int_equal(s->ops->begin(s, &run), -ENOSPC);
	s->ops->free(s);
	close(fd);
}

/* ---- growth sites ---- */

#define MIB (1024ULL * 1024)

/* Ticks @p with its sites; what was written is in @o. Returns the process record. */
static struct json_object *take_sites(struct output *o, struct process *p, unsigned wanted)
{
	struct tick tick = a_tick(&p, 1);

	tick.sites_wanted = wanted;
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	output_take(o);
	assert_true(o->count > 0);
	assert_type(o->lines[0], "process");
	return o->lines[0];
}

static struct json_object *frame_at(struct json_object *site, size_t i)
{
	assert_int_equal(json_object_get_type(get(site, "frames")), json_type_array);
	assert_true(i < json_object_array_length(get(site, "frames")));
	return json_object_array_get_idx(get(site, "frames"), i);
}

static void test_no_sites(void **state)
{
	struct process p = {.pid = 1, .comm = "x"};

	assert_false(has(take_sites(*state, &p, 10), "sites"));
	assert_int_equal(((struct output *)*state)->count, 1);
	p.sites = site_table_new();
	site_table_finish_tick(p.sites);
	assert_true(has(take_sites(*state, &p, 10), "sites"));
	assert_int_equal(((struct output *)*state)->count, 1);
	site_table_free(p.sites);
}

static void test_site(void **state)
{
	struct output *o = *state;
	struct process p = {.pid = 4711, .start_ns = 3, .comm = "node"};
	struct frame frames[] = {
		sample_native(FRAME_RUNTIME, NULL, "/usr/bin/node", 0x1234),
		sample_js(FRAME_DEPENDENCY, "set", "/srv/node_modules/lru/index.js", 8),
		sample_js(FRAME_USER, "save", "/srv/a.js", 12),
		{.fn = "Array.push", .kind = FRAME_BUILTIN, .origin = FRAME_RUNTIME},
	};
	struct json_object *site, *frame;

	frames[0].build_id = frames[1].build_id = "ab12";
	frames[0].module_address = frames[1].module_address = 0x234;
	frames[1].is_inlined = true;
	frames[2].is_approximate = true;
	frames[2].tier = TIER_MAGLEV;
	p.sites = site_table_new();
	sample_site(p.sites, MW_SITE_FAULT, frames, 4, 3 * MIB);
	sample_site(p.sites, MW_SITE_FAULT, frames, 1, MIB)->stack->is_cut = true;
	site_table_finish_tick(p.sites);
	take_sites(o, &p, 10);
	assert_int_equal(o->count, 3);
	site = o->lines[1];
	assert_type(site, "site");
	assert_int_equal(get_u64(site, "ts_ns"), 12 * SAMPLE_SECOND);
	assert_int_equal(get_u64(site, "pid"), 4711);
	assert_int_equal(get_u64(site, "start_ns"), 3);
	assert_string_equal(get_str(site, "comm"), "node");
	assert_string_equal(get_str(site, "kind"), "fault");
	assert_int_equal(get_u64(site, "bytes"), 3 * MIB);
	assert_int_equal(get_i64(site, "delta_bytes"), 3 * MIB);
	assert_float_equal(json_object_get_double(get(site, "share")), 0.75, 1e-9);
	assert_int_equal(get_u64(site, "samples"), 1);
	assert_int_equal(get_u64(site, "stacks"), 1);
	assert_false(has(site, "note"));
	assert_false(has(site, "cut"));
	assert_int_equal(json_object_array_length(get(site, "frames")), 4);
	frame = frame_at(site, 0); /* leaf first */
	assert_string_equal(get_str(frame, "kind"), "unknown");
	assert_string_equal(get_str(frame, "origin"), "runtime");
	assert_string_equal(get_str(frame, "module"), "/usr/bin/node");
	assert_int_equal(get_u64(frame, "ip"), 0x1234);
	assert_string_equal(get_str(frame, "build_id"), "ab12");
	assert_int_equal(get_u64(frame, "module_address"), 0x234);
	assert_false(has(frame, "fn") || has(frame, "file") || has(frame, "line") ||
		     has(frame, "fn_line") || has(frame, "tier"));
	frame = frame_at(site, 1);
	assert_string_equal(get_str(frame, "origin"), "dependency");
	assert_string_equal(get_str(frame, "tier"), "interpreted");
	assert_true(json_object_get_boolean(get(frame, "inlined")));
	assert_false(has(frame, "approximate") || has(frame, "ip") || has(frame, "module") ||
		     has(frame, "build_id") || has(frame, "module_address"));
	frame = frame_at(site, 2);
	assert_string_equal(get_str(frame, "fn"), "save");
	assert_string_equal(get_str(frame, "file"), "/srv/a.js");
	assert_int_equal(get_u64(frame, "line"), 12);
	assert_int_equal(get_u64(frame, "fn_line"), 11);
	assert_string_equal(get_str(frame, "kind"), "js");
	assert_string_equal(get_str(frame, "origin"), "user");
	assert_string_equal(get_str(frame, "tier"), "maglev");
	assert_true(json_object_get_boolean(get(frame, "approximate")));
	assert_string_equal(get_str(frame_at(site, 3), "kind"), "builtin");
	assert_true(json_object_get_boolean(get(o->lines[2], "cut")));
	site_table_free(p.sites);
}

/* The largest of each kind; what survives comes first. */
static void test_sites_wanted(void **state)
{
	struct output *o = *state;
	struct process p = {.pid = 1, .comm = "node"};
	struct frame f = sample_js(FRAME_USER, "save", "/srv/a.js", 0);

	p.sites = site_table_new();
	for (uint32_t line = 1; line <= 20; line++) {
		f.line = line;
		sample_site(p.sites, MW_SITE_FAULT, &f, 1, line * MIB);
		sample_site(p.sites, MW_SITE_V8_SURVIVED, &f, 1, line);
	}
	site_table_finish_tick(p.sites);
	take_sites(o, &p, 3);
	assert_int_equal(o->count, 1 + 2 * 3);
	for (size_t i = 1; i <= 6; i++) {
		assert_string_equal(get_str(o->lines[i], "kind"), i <= 3 ? "v8-survived" : "fault");
		assert_int_equal(get_u64(frame_at(o->lines[i], 0), "line"), 20 - (i - 1) % 3);
	}
	take_sites(o, &p, 0);
	assert_int_equal(o->count, 1);
	take_sites(o, &p, 1000);
	assert_int_equal(o->count, 1 + 40);
	site_table_free(p.sites);
}

static void test_sites_quality(void **state)
{
	struct output *o = *state;
	struct process p = {.pid = 1, .comm = "node"};
	struct frame f = sample_js(FRAME_USER, "save", "/srv/a.js", 3);
	struct json_object *sites;

	p.sites = site_table_new();
	p.sites->begin_ns = 7;
	site_table_finish_tick(p.sites);
	sites = get(take_sites(o, &p, 10), "sites");
	assert_false(has(sites, "level") || has(sites, "why") || has(sites, "scaled") ||
		     has(sites, "live_first_bytes") || has(sites, "live_last_bytes"));
	assert_int_equal(json_object_object_length(get(sites, "total_bytes")), 0);
	p.sites->quality = (struct site_quality){"v8-alloc", "no symbols", 100, 1, 2, 3, 900, 4};
	p.sites->unnamed_bytes = 5;
	p.sites->dropped_bytes = 6;
	p.sites->v8_live_first = 10 * MIB;
	p.sites->v8_live_last = 30 * MIB;
	for (int i = 0; i < 3; i++)
		sample_site(p.sites, MW_SITE_V8_SURVIVED, &f, 1, MIB);
	site_table_finish_tick(p.sites);
	sites = get(take_sites(o, &p, 10), "sites");
	assert_string_equal(get_str(sites, "level"), "v8-alloc");
	assert_string_equal(get_str(sites, "why"), "no symbols");
	assert_int_equal(get_u64(sites, "begin_ns"), 7);
	assert_int_equal(get_u64(get(sites, "total_bytes"), "v8-survived"), 20 * MIB);
	assert_true(json_object_get_boolean(get(sites, "scaled")));
	assert_int_equal(get_u64(sites, "live_first_bytes"), 10 * MIB);
	assert_int_equal(get_u64(sites, "live_last_bytes"), 30 * MIB);
	assert_int_equal(get_u64(sites, "stacks"), 100);
	assert_int_equal(get_u64(sites, "cut"), 1);
	assert_int_equal(get_u64(sites, "unreadable"), 2);
	assert_int_equal(get_u64(sites, "recovered"), 3);
	assert_int_equal(get_u64(sites, "frames"), 900);
	assert_int_equal(get_u64(sites, "unnamed_frames"), 4);
	assert_int_equal(get_u64(sites, "unnamed_bytes"), 5);
	assert_int_equal(get_u64(sites, "dropped_bytes"), 6);
	site_table_free(p.sites);
}

/* Names are the target's own: every one of them may be anything. */
static void test_sites_hostile(void **state)
{
	static const char *const names[] = {
		"",
		"\"},{\"type\":\"end\"}\n{\"a\":\"",
		"\n\r\t\b\f\033[2J\\",
		"\xff\xfe\xc0\x80\xed\xa0\x80",
		"\u202egnp.js\u2066",
		"日本語の関数",
	};
	struct output *o = *state;
	struct process p = {.pid = 1, .comm = "node"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct frame f = {.fn = names[i], .file = names[i], .module = names[i]};
		struct json_object *frame;

		f.kind = f.origin = f.tier = i % 2 ? 255 : 1; /* nor are these trusted */
		p.sites = site_table_new();
		sample_site(p.sites, MW_SITE_FAULT, &f, 1, MIB);
		p.sites->quality.why = names[i];
		site_table_finish_tick(p.sites);
		take_sites(o, &p, 10);
		assert_int_equal(o->count, 2);
		frame = frame_at(o->lines[1], 0);
		assert_null(strchr(get_str(frame, "fn"), '\n'));
		assert_null(strchr(get_str(frame, "fn"), '\033'));
		assert_string_equal(get_str(frame, "fn"), get_str(frame, "file"));
		assert_string_equal(get_str(frame, "fn"), get_str(frame, "module"));
		assert_int_equal(has(frame, "kind"), !(i % 2));
		assert_int_equal(has(frame, "origin"), !(i % 2));
		site_table_free(p.sites);
	}
}

static void test_sites_large(void **state)
{
	static char long_name[100000];
	struct output *o = *state;
	struct process p = {.pid = 1, .comm = "node"};
	struct frame frames[192];

	memset(long_name, 'n', sizeof(long_name) - 1);
	for (size_t i = 0; i < 192; i++)
		frames[i] = sample_native(FRAME_USER, i ? "f" : long_name, "/a", i);
	p.sites = site_table_new();
	sample_site(p.sites, MW_SITE_FAULT, frames, 192, MIB);
	site_table_finish_tick(p.sites);
	take_sites(o, &p, 10);
	assert_int_equal(o->count, 2);
	assert_int_equal(json_object_array_length(get(o->lines[1], "frames")), 192);
	assert_int_equal(strlen(get_str(frame_at(o->lines[1], 0), "fn")), sizeof(long_name) - 1);
	site_table_free(p.sites);
}

/* One of everything that a site and a table of sites can say. */
static struct site_table *all_of_sites(void)
{
	struct site_table *t = site_table_new();
	struct frame unnamed = sample_native(FRAME_USER, NULL, "/a", 1);
	struct frame js = sample_js(FRAME_USER, "save", "/srv/a.js", 12);
	struct frame gc = sample_native(FRAME_RUNTIME, "v8::internal::Sweeper::Sweep()", "/n", 2);
	struct frame native = sample_native(FRAME_USER, "put", "/a.node", 3);

	unnamed.build_id = "ab12";
	unnamed.module_address = 1;
	js.is_inlined = js.is_approximate = true;
	const struct frame frames[] = {unnamed, js};

	assert_non_null(t);
	for (int i = 0; i < 3; i++)
		sample_site(t, MW_SITE_V8_SURVIVED, frames, 2, MIB)->stack->is_cut = true;
	for (int i = 0; i < 3; i++)
		sample_site(t, MW_SITE_V8_SURVIVED, &native, 1, MIB);
	sample_site(t, MW_SITE_FAULT, &gc, 1, MIB);
	t->quality = (struct site_quality){.level = "v8-alloc", .why = "x"};
	t->v8_live_first = 1;
	t->v8_live_last = 1 + 6 * MIB;
	site_table_finish_tick(t);
	return t;
}

/* ---- collections and verdicts ---- */

static struct json_object *take_gc(struct output *o, const struct gc *gc)
{
	assert_int_equal(o->sink->ops->gc(o->sink, gc, NULL), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	assert_type(o->lines[0], "gc");
	return o->lines[0];
}

static void test_gc(void **state)
{
	struct gc gc = {
		.pid = 4711,
		.start_ns = 3,
		.comm = "no\nde",
		.ns = 9 * SAMPLE_SECOND,
		.tid = 4712,
		.kind = MW_GC_SCAVENGE,
		.via = MW_GC_VIA_UPROBE,
		.pause_ns = 1500000,
	};
	struct json_object *r = take_gc(*state, &gc);

	assert_int_equal(get_u64(r, "ts_ns"), 9 * SAMPLE_SECOND);
	assert_int_equal(get_u64(r, "pid"), 4711);
	assert_int_equal(get_u64(r, "start_ns"), 3);
	assert_string_equal(get_str(r, "comm"), "no" REPLACEMENT "de");
	assert_int_equal(get_u64(r, "tid"), 4712);
	assert_string_equal(get_str(r, "kind"), "scavenge");
	assert_string_equal(get_str(r, "via"), "uprobe");
	assert_int_equal(get_u64(r, "pause_ns"), 1500000);
	assert_false(has(r, "isolate") || has(r, "live_bytes") || has(r, "external_bytes") ||
		     has(r, "limit_bytes"));
	gc.isolate = 0xffff00001234ULL;
	gc.kind = MW_GC_MARK_COMPACT;
	gc.via = MW_GC_VIA_USDT;
	gc.live_bytes = 5 * MIB;
	gc.external_bytes = 6 * MIB;
	gc.limit_bytes = UINT64_MAX;
	r = take_gc(*state, &gc);
	assert_string_equal(get_str(r, "isolate"), "0xffff00001234");
	assert_string_equal(get_str(r, "kind"), "mark-compact");
	assert_string_equal(get_str(r, "via"), "usdt");
	assert_int_equal(get_u64(r, "live_bytes"), 5 * MIB);
	assert_int_equal(get_u64(r, "external_bytes"), 6 * MIB);
	assert_true(get_u64(r, "limit_bytes") == UINT64_MAX);
}

static struct json_object *take_verdict(struct output *o, const struct process *p, bool is_last)
{
	assert_int_equal(o->sink->ops->verdict(o->sink, p, 9 * SAMPLE_SECOND, is_last), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	assert_type(o->lines[0], "verdict");
	return o->lines[0];
}

static const char *sentence(struct json_object *r, size_t i)
{
	assert_true(i < json_object_array_length(get(r, "evidence")));
	return json_object_get_string(json_object_array_get_idx(get(r, "evidence"), i));
}

static void test_verdict(void **state)
{
	struct verdict v = sample_leak();
	struct process p = {.pid = 4711, .start_ns = 3, .comm = "node", .verdict = &v};
	struct json_object *r = take_verdict(*state, &p, false), *limit;

	assert_int_equal(get_u64(r, "ts_ns"), 9 * SAMPLE_SECOND);
	assert_int_equal(get_u64(r, "pid"), 4711);
	assert_int_equal(get_u64(r, "start_ns"), 3);
	assert_string_equal(get_str(r, "comm"), "node");
	assert_string_equal(get_str(r, "class"), "leak");
	assert_true(json_object_get_boolean(get(r, "leak")));
	assert_string_equal(json_object_to_json_string(get(r, "confidence")), "0.92");
	assert_int_equal(get_u64(r, "since_ns"), v.since_ns);
	assert_int_equal(get_i64(r, "slope_bytes_per_s"), 1258291);
	assert_int_equal(get_i64(r, "slope_low"), 1153434);
	assert_int_equal(get_i64(r, "slope_high"), 1363149);
	limit = get(r, "limit");
	assert_string_equal(get_str(limit, "kind"), "memory.max");
	assert_int_equal(get_u64(limit, "bytes"), 512 * MIB);
	assert_int_equal(get_u64(limit, "seconds"), 200);
	assert_string_equal(get_str(limit, "cgroup"), "/x");
	assert_int_equal(json_object_array_length(get(r, "evidence")), 2);
	assert_string_equal(sentence(r, 0), "it rises");
	assert_false(has(r, "sites") || has(r, "last"));
	r = take_verdict(*state, &p, true);
	assert_true(json_object_get_boolean(get(r, "last")));
}

/* What is not known is not there; no number is written that is none. */
static void test_verdict_unknown(void **state)
{
	struct output *o = *state;
	struct verdict v = sample_calm(VERDICT_EARLY, 0);
	struct process p = {.pid = 1};
	struct json_object *r;

	assert_int_equal(o->sink->ops->verdict(o->sink, &p, 5, true), 0); /* not judged */
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 0);
	p.verdict = &v;
	r = take_verdict(o, &p, false);
	assert_string_equal(get_str(r, "class"), "too-early");
	assert_false(json_object_get_boolean(get(r, "leak")));
	assert_string_equal(json_object_to_json_string(get(r, "confidence")), "0.00");
	assert_false(has(r, "since_ns") || has(r, "slope_bytes_per_s") || has(r, "slope_low") ||
		     has(r, "slope_high") || has(r, "limit") || has(r, "sites"));
	v = sample_leak();
	v.trend.slope = -1e300;
	v.trend.low = -INFINITY;
	v.trend.high = NAN;
	v.limit = (struct limit){.kind = LIMIT_V8_HEAP, .bytes = 1};
	v.limit_seconds = INFINITY;
	v.evidence_count = 0;
	r = take_verdict(o, &p, false);
	assert_true(get_i64(r, "slope_bytes_per_s") == -(1LL << 62));
	assert_false(has(r, "slope_low") || has(r, "slope_high"));
	assert_string_equal(get_str(get(r, "limit"), "kind"), "v8-heap");
	assert_false(has(get(r, "limit"), "seconds") || has(get(r, "limit"), "cgroup"));
	assert_int_equal(json_object_array_length(get(r, "evidence")), 0);
}

/* The frame that the site is known by, not the leaf. */
static void test_verdict_sites(void **state)
{
	struct verdict v = sample_leak();
	struct process p = {.pid = 1, .comm = "node", .verdict = &v};
	const struct frame frames[] = {sample_native(FRAME_RUNTIME, "malloc", "/libc.so.6", 1),
				       sample_js(FRAME_USER, "sa\nve", "/srv/\"a.js", 12)};
	const struct frame native = sample_native(FRAME_USER, "put", "/usr/lib/store.so", 2);
	const struct frame unnamed = sample_native(FRAME_USER, NULL, NULL, 3);
	struct json_object *sites, *site;

	p.sites = site_table_new();
	sample_site(p.sites, MW_SITE_FAULT, frames, 2, 5 * MIB);
	sample_site(p.sites, MW_SITE_FAULT, &native, 1, 4 * MIB);
	sample_site(p.sites, MW_SITE_FAULT, &unnamed, 1, MIB);
	sample_site(p.sites, MW_SITE_MMAP, frames, 2, 50 * MIB);
	site_table_finish_tick(p.sites);
	sites = get(take_verdict(*state, &p, false), "sites");
	assert_int_equal(json_object_array_length(sites), 3);
	site = json_object_array_get_idx(sites, 0);
	assert_string_equal(get_str(site, "kind"), "fault");
	assert_float_equal(json_object_get_double(get(site, "share")), 0.5, 1e-9);
	assert_int_equal(get_u64(site, "bytes"), 5 * MIB);
	assert_string_equal(get_str(site, "fn"), "sa" REPLACEMENT "ve");
	assert_string_equal(get_str(site, "file"), "/srv/\"a.js");
	assert_int_equal(get_u64(site, "line"), 12);
	assert_false(has(site, "module"));
	site = json_object_array_get_idx(sites, 1);
	assert_string_equal(get_str(site, "fn"), "put");
	assert_string_equal(get_str(site, "module"), "/usr/lib/store.so");
	assert_false(has(site, "file") || has(site, "line"));
	site = json_object_array_get_idx(sites, 2);
	assert_false(has(site, "fn") || has(site, "file") || has(site, "line") ||
		     has(site, "module"));
	v = sample_calm(VERDICT_STEADY, 0.9);
	assert_false(has(take_verdict(*state, &p, false), "sites"));
	site_table_free(p.sites);
}

/* What it consists of, where it was looked into; hostile names. */
static void test_verdict_kept(void **state)
{
	struct verdict v = sample_leak();
	struct kept kept = sample_kept();
	struct process p = {.pid = 1, .comm = "node", .verdict = &v, .kept = &kept};
	struct json_object *list = get(take_verdict(*state, &p, false), "constructors"), *c, *by;

	assert_int_equal(json_object_array_length(list), 2);
	c = json_object_array_get_idx(list, 0);
	assert_string_equal(get_str(c, "name"), "StatusContext");
	assert_string_equal(get_str(c, "kind"), "object");
	assert_string_equal(get_str(c, "file"), "/app/handles.js");
	assert_int_equal(get_u64(c, "line"), 25);
	assert_int_equal(get_i64(c, "delta_count"), 2500);
	assert_int_equal(get_i64(c, "delta_bytes"), 160000);
	assert_int_equal(get_u64(c, "count"), 3000);
	assert_int_equal(get_u64(c, "bytes"), 192000);
	by = get(c, "retainer");
	assert_string_equal(get_str(by, "container"), "Map");
	assert_string_equal(get_str(by, "edge"), "variable `handleMap`");
	assert_string_equal(get_str(by, "node"), "Context");
	assert_string_equal(get_str(by, "file"), "/app/handles.js");
	assert_int_equal(get_u64(by, "line"), 12);
	assert_float_equal(json_object_get_double(get(by, "share")), 1, 1e-9);
	assert_int_equal(get_u64(by, "count"), 41007);
	assert_int_equal(get_u64(by, "bytes"), 2044723);
	c = json_object_array_get_idx(list, 1);
	assert_string_equal(get_str(c, "name"), "on" REPLACEMENT "\"Tick\"()");
	by = get(c, "retainer");
	assert_int_equal(json_object_object_length(by), 2); /* edge, node */
	kept.count = 0;
	list = get(take_verdict(*state, &p, false), "constructors");
	assert_int_equal(json_object_array_length(list), 0); /* looked, and nothing grew */
	p.kept = NULL;
	assert_false(has(take_verdict(*state, &p, false), "constructors"));
}

static void test_verdict_hostile(void **state)
{
	struct verdict v = sample_leak();
	struct process p = {.pid = 1, .comm = "\"\n", .verdict = &v};
	struct mw_event_oom oom = {.h = header(MW_EVENT_OOM, "x")};
	struct json_object *r;

	srandom(6);
	for (int run = 0; run < 200; run++) {
		char where[64];

		for (size_t i = 0; i < sizeof(where) - 1; i++)
			where[i] = (char)(random() % 255 + 1);
		where[sizeof(where) - 1] = '\0';
		v.limit.where = where;
		for (size_t i = 0; i < VERDICT_SENTENCE; i++) /* no NUL: cut at its size */
			v.evidence[0][i] = (char)(random() % 255 + 1);
		r = take_verdict(*state, &p, true);
		assert_null(strpbrk(sentence(r, 0), "\n\033"));
		assert_null(strpbrk(get_str(get(r, "limit"), "cgroup"), "\n\033"));
		event(*state, &oom.h, &p);
	}
}

/* By its PID alone: no tick saw it. */
static void test_oom_of_nobody_known(void **state)
{
	struct mw_event_oom e = {.h = {.type = MW_EVENT_OOM, .pid = 4711, .ts_ns = 9}};
	struct json_object *r = event(*state, &e.h, NULL);

	assert_int_equal(get_u64(r, "pid"), 4711);
	assert_int_equal(json_object_object_length(r), 4); /* type, ts_ns, time, pid */
}

static void test_unknown_heap(void **state)
{
	struct process p = {.pid = 1, .start_ns = 1, .now = {.heap_unknown = true}};
	struct mw_event_exit e = {.h = header(MW_EVENT_EXIT, "x"), .has_task = 1};
	struct json_object *last;

	e.task.flags = MW_TASK_HEAP_UNKNOWN;
	last = get(event(*state, &e.h, &p), "last");
	assert_false(has(last, "heap_bytes"));
	assert_true(has(last, "vm_bytes"));
}

static void test_verdict_of_oom(void **state)
{
	struct verdict v = sample_leak();
	struct process p = {.pid = 4711};
	struct mw_event_oom oom = {.h = header(MW_EVENT_OOM, "node")};
	struct json_object *verdict;

	assert_false(has(event(*state, &oom.h, NULL), "verdict"));
	assert_false(has(event(*state, &oom.h, &p), "verdict"));
	p.verdict = &v;
	verdict = get(event(*state, &oom.h, &p), "verdict");
	assert_int_equal(json_object_object_length(verdict), 4);
	assert_string_equal(get_str(verdict, "class"), "leak");
	assert_true(json_object_get_boolean(get(verdict, "leak")));
	assert_string_equal(json_object_to_json_string(get(verdict, "confidence")), "0.92");
	assert_string_equal(sentence(verdict, 0), "it rises");
}

/* ---- the contract ---- */

/* What `memwatch schema` prints. */
static struct json_object *schema(void)
{
	char *argv[] = {(char *)"schema", NULL};
	int fd = sample_file(), saved;
	struct json_object *o;
	char *text;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_true(saved >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
	assert_int_equal(cmd_schema(1, argv), 0);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	text = sample_read(fd);
	o = json_tokener_parse(text);
	assert_non_null(o);
	free(text);
	close(fd);
	return o;
}

static void check_inner_keys(struct json_object *documented, struct json_object *value,
			     const char *of)
{
	json_object_object_foreach(value, inner, unused)
	{
		(void)unused;
		if (!has(documented, inner))
			fail_msg("'%s.%s' is not in the schema", of, inner);
	}
}

/* Every key of @record is documented. */
static void check_keys(struct json_object *contract, struct json_object *record)
{
	struct json_object *types = get(contract, "types"), *common = get(contract, "common");
	struct json_object *keys = get(get(types, get_str(record, "type")), "keys");

	json_object_object_foreach(record, key, value)
	{
		struct json_object *documented = NULL;

		if (has(common, key) || (!strcmp(get_str(record, "type"), "oom") &&
					 has(get(get(types, "process"), "keys"), key)))
			continue;
		if (!json_object_object_get_ex(keys, key, &documented))
			fail_msg("'%s' of '%s' is not in the schema", key, get_str(record, "type"));
		if (json_object_get_type(documented) != json_type_object)
			continue;
		if (json_object_get_type(value) == json_type_object)
			check_inner_keys(documented, value, key);
		for (size_t i = 0; json_object_get_type(value) == json_type_array &&
				   i < json_object_array_length(value);
		     i++)
			check_inner_keys(documented, json_object_array_get_idx(value, i), key);
	}
}

/* Every key that is documented was written in one of @records. */
static void check_written(struct json_object *keys, const char *type, struct output *o)
{
	json_object_object_foreach(keys, key, unused)
	{
		bool found = false;

		(void)unused;
		for (size_t i = 0; i < o->count && !found; i++)
			found = !strcmp(get_str(o->lines[i], "type"), type) &&
				has(o->lines[i], key);
		if (!found)
			fail_msg("'%s' of '%s' is documented and never written", key, type);
	}
}

/* Every key of a frame and of a process's "sites" that is documented was written. */
static void check_inner_written(struct json_object *contract, struct output *o)
{
	struct json_object *types = get(contract, "types"), *frames, *sites;

	frames = get(get(get(types, "site"), "keys"), "frames");
	json_object_object_foreach(frames, key, unused)
	{
		bool found = false;

		(void)unused;
		for (size_t i = 0; i < o->count && !found; i++) {
			struct json_object *list = NULL;

			if (!json_object_object_get_ex(o->lines[i], "frames", &list))
				continue;
			for (size_t at = 0; at < json_object_array_length(list) && !found; at++)
				found = has(json_object_array_get_idx(list, at), key);
		}
		if (!found)
			fail_msg("'%s' of a frame is documented and never written", key);
	}
	sites = get(get(get(types, "process"), "keys"), "sites");
	json_object_object_foreach(sites, quality, help)
	{
		struct json_object *written = NULL;

		(void)help;
		for (size_t i = 0; i < o->count && !written; i++)
			json_object_object_get_ex(o->lines[i], "sites", &written);
		assert_non_null(written);
		if (!has(written, quality))
			fail_msg("'sites.%s' is documented and never written", quality);
	}
}

static void check_kept_written(struct json_object *documented, struct json_object *verdict)
{
	struct json_object *c = json_object_array_get_idx(get(verdict, "constructors"), 0);

	check_inner_keys(c, documented, "documented constructors");
	check_inner_keys(documented, c, "constructors");
	check_inner_keys(get(c, "retainer"), get(documented, "retainer"), "documented retainer");
	check_inner_keys(get(documented, "retainer"), get(c, "retainer"), "retainer");
}

/* The same of the objects in a verdict and of the one in an OOM kill; and each class has its help.
 */
static void check_verdict_written(struct json_object *contract, struct output *o)
{
	struct json_object *types = get(contract, "types"), *documented;

	documented = get(get(types, "verdict"), "keys");
	for (size_t i = 0; i < o->count; i++) {
		struct json_object *sites;

		if (!strcmp(get_str(o->lines[i], "type"), "oom"))
			check_inner_keys(get(o->lines[i], "verdict"),
					 get(get(get(types, "oom"), "keys"), "verdict"),
					 "documented verdict");
		if (strcmp(get_str(o->lines[i], "type"), "verdict"))
			continue;
		check_inner_keys(get(o->lines[i], "limit"), get(documented, "limit"),
				 "documented limit");
		check_kept_written(get(documented, "constructors"), o->lines[i]);
		sites = get(o->lines[i], "sites");
		json_object_object_foreach(get(documented, "sites"), key, unused)
		{
			bool found = false;

			(void)unused;
			for (size_t at = 0; at < json_object_array_length(sites); at++)
				found |= has(json_object_array_get_idx(sites, at), key);
			if (!found)
				fail_msg("'sites.%s' is documented and never written", key);
		}
	}
	documented = get(contract, "classes");
	assert_int_equal(json_object_object_length(documented), VERDICT_CLASSES);
	for (int class = 0; class < VERDICT_CLASSES; class ++)
		assert_string_equal(get_str(documented, verdict_class_name(class)),
				    verdict_class_help(class));
}

static void write_check(struct output *o)
{
	const struct gate gate = {.max_growth = 1, .command = {.is_run = true, .has_ended = true}};
	struct strbuf out;

	strbuf_init(&out);
	ndjson_gate_add(&out, &gate, 5, 6);
	assert_int_equal(sink_write(o->fd, &out), 0);
	strbuf_release(&out);
}

/* Censuses of two isolates, with what can be absent, and the growth from the first to the third. */
static void write_censuses(struct output *o)
{
	struct census *c[3];
	struct census_diff *d;
	struct strbuf out;

	strbuf_init(&out);
	for (unsigned i = 0; i < 3; i++)
		c[i] = sample_service(i, 10 * i);
	c[0]->is_live = c[0]->in_gc = true;
	c[0]->lost = (struct census_lost){1, 1, 1, 1, 1};
	c[0]->gc_waits = 1;
	sample_retainer(c[2]);
	d = census_diff_new(c[0], c[1], c[2]);
	assert_non_null(d);
	ndjson_census_add(&out, c[0]);
	ndjson_census_add(&out, c[2]);
	ndjson_changes_add(&out, d);
	ndjson_retainers_add(&out, c[2]);
	ndjson_census_end_add(&out, 3);
	assert_int_equal(sink_write(o->fd, &out), 0);
	strbuf_release(&out);
	census_diff_free(d);
	for (unsigned i = 0; i < 3; i++)
		census_free(c[i]);
}

/* Two recordings compared: the second leaks, and what it has more of is listed. */
static void write_run_diff(struct output *o)
{
	struct recorded *a = run_sample_service("fixed.mw", 50, 0);
	struct recorded *b = run_sample_service("leaking.mw", 50, RUN_SAMPLE_REQUESTS);
	struct run_diff *d = run_sample_compare(a, b);
	struct strbuf out;

	strbuf_init(&out);
	ndjson_run_diff_add(&out, d);
	assert_int_equal(sink_write(o->fd, &out), 0);
	strbuf_release(&out);
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* What only a report of a recording has: two ticks of old times, and collections put together. */
static void write_report(struct output *o)
{
	struct recorded_tick ticks[2] = {{.ns = 5}, {.ns = 6, .private_low = 1, .rss_high = 1}};
	struct recorded_gc gc = {.gc = {.ns = 6}, .count = 2, .pause_max_ns = 1};
	struct recorded_process p = {
		.is_loaded = true, .ticks = ticks, .tick_count = 2, .gcs = &gc, .gc_count = 1};
	const struct recorded r = {.processes = &p,
				   .process_count = 1,
				   .thinned_ns = 6,
				   .dropped_events = 1,
				   .dropped_sites = 1};
	struct strbuf out;

	strbuf_init(&out);
	assert_int_equal(report_json_add(&out, &r, &(struct report_json){.sites = 1}), 0);
	assert_int_equal(sink_write(o->fd, &out), 0);
	strbuf_release(&out);
}

static void write_everything(struct output *o, struct process *p)
{
	static const uint32_t pid = 1;
	struct run run = {
		.version = "x",
		.kernel = "x",
		.arch = "x",
		.interval_ns = NSEC_PER_SEC,
		.pids = &pid,
		.pid_count = 1,
		.comm = "x",
		.cgroup = "/x",
		.hooks = {{"totals", "x"}},
		.hook_count = 1,
	};
	const struct sink_ops *ops = o->sink->ops;
	struct mw_event_fork fork = {.h = header(MW_EVENT_FORK, "x")};
	struct mw_event_exec exec = {.h = header(MW_EVENT_EXEC, "x")};
	struct mw_event_exit exit = {.h = header(MW_EVENT_EXIT, "x"), .has_task = 1};
	struct mw_event_oom oom = {
		.h = header(MW_EVENT_OOM, "x"),
		.memcg_known = 1,
		.limit_cgroup_id = 1,
		.has_task = 1,
	};
	struct tick tick = a_tick(&p, 1);
	struct end end = {.cost = {.bpf_known = true}};
	const struct gc gc = {.isolate = 1, .live_bytes = 1, .external_bytes = 1, .limit_bytes = 1};

	for (unsigned i = 0; i < LOST_MAX; i++)
		end.lost_total.count[i] = tick.lost.count[i] = i + 1;
	tick.shed = "calls";
	tick.sites_wanted = 10;
	assert_int_equal(ops->begin(o->sink, &run), 0);
	assert_int_equal(ops->tick(o->sink, &tick), 0);
	assert_int_equal(ops->event(o->sink, &fork.h, p), 0);
	assert_int_equal(ops->event(o->sink, &exec.h, p), 0);
	assert_int_equal(ops->event(o->sink, &exit.h, p), 0);
	exit.code = 9;
	assert_int_equal(ops->event(o->sink, &exit.h, p), 0);
	assert_int_equal(ops->event(o->sink, &oom.h, p), 0);
	assert_int_equal(ops->vanished(o->sink, p, 5), 0);
	assert_int_equal(ops->gc(o->sink, &gc, p), 0);
	assert_int_equal(ops->verdict(o->sink, p, 5, true), 0);
	assert_int_equal(ops->flush(o->sink), 0);
	write_check(o);
	write_censuses(o);
	write_report(o);
	write_run_diff(o);
	assert_int_equal(ops->end(o->sink, &end), 0);
}

static void test_schema_and_records_agree(void **state)
{
	struct output *o = *state;
	struct json_object *contract = schema();
	struct cgroup cgroup = {.path = (char *)"/x", .container = "x"};
	struct verdict verdict = sample_leak();
	struct kept kept = sample_kept();
	struct process_table t;
	struct process *p;

	assert_int_equal(get_u64(contract, "schema"), MEMWATCH_SCHEMA);
	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	p = second_tick(&t);
	p->cgroup = &cgroup;
	p->rss_approximate = p->faults_cut = true;
	p->sites = all_of_sites();
	p->verdict = &verdict;
	p->kept = &kept;
	write_everything(o, p);
	p->cgroup = NULL;
	output_take(o);
	assert_int_equal(o->count, 13 + 3 + 10 + 5 + 5);
	for (size_t i = 0; i < o->count; i++)
		check_keys(contract, o->lines[i]);
	json_object_object_foreach(get(contract, "types"), type, described)
	{
		check_written(get(described, "keys"), type, o);
	}
	check_inner_written(contract, o);
	check_verdict_written(contract, o);
	site_table_free(p->sites);
	process_table_release(&t);
	json_object_put(contract);
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SINK(test_meta),
		WITH_SINK(test_first_tick),
		WITH_SINK(test_second_tick),
		WITH_SINK(test_shed),
		WITH_SINK(test_optional_keys),
		WITH_SINK(test_huge_numbers),
		WITH_SINK(test_hostile_names),
		WITH_SINK(test_random_names),
		WITH_SINK(test_rows_wanted),
		WITH_SINK(test_many_processes),
		WITH_SINK(test_lost),
		WITH_SINK(test_fork_and_exec),
		WITH_SINK(test_exit_code),
		WITH_SINK(test_exit_sizes),
		WITH_SINK(test_vanished),
		WITH_SINK(test_oom),
		cmocka_unit_test(test_limit_path),
		WITH_SINK(test_unknown_event),
		WITH_SINK(test_end),
		WITH_SINK(test_no_sites),
		WITH_SINK(test_site),
		WITH_SINK(test_sites_wanted),
		WITH_SINK(test_sites_quality),
		WITH_SINK(test_sites_hostile),
		WITH_SINK(test_sites_large),
		WITH_SINK(test_gc),
		WITH_SINK(test_verdict),
		WITH_SINK(test_verdict_unknown),
		WITH_SINK(test_verdict_sites),
		WITH_SINK(test_verdict_kept),
		WITH_SINK(test_verdict_hostile),
		WITH_SINK(test_verdict_of_oom),
		WITH_SINK(test_oom_of_nobody_known),
		WITH_SINK(test_unknown_heap),
		cmocka_unit_test(test_closed_pipe),
		cmocka_unit_test(test_full_device),
		WITH_SINK(test_schema_and_records_agree),
	};

	signal(SIGPIPE, SIG_IGN); /* as the command does */
	return cmocka_run_group_tests_name("output/ndjson", tests, NULL, NULL);
}
