/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The NDJSON sink: births, deaths and OOM kills. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "ndjson_output.h"

static void assert_header(struct json_object *o, const char *type)
{
	assert_type(o, type);
	assert_int_equal(get_u64(o, "ts_ns"), 9 * SAMPLE_SECOND);
	assert_int_equal(get_u64(o, "pid"), 4711);
	assert_int_equal(get_u64(o, "start_ns"), 2 * SAMPLE_SECOND);
	assert_int_equal(get_u64(o, "ppid"), 1234);
}

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

/* ---- exit ---- */

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

/* ---- OOM kills ---- */

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

/* By its PID alone: no tick saw it. */
static void test_oom_of_nobody_known(void **state)
{
	struct mw_event_oom e = {.h = {.type = MW_EVENT_OOM, .pid = 4711, .ts_ns = 9}};
	struct json_object *r = event(*state, &e.h, NULL);

	assert_int_equal(get_u64(r, "pid"), 4711);
	assert_int_equal(json_object_object_length(r), 4); /* type, ts_ns, time, pid */
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

/* ---- what is no event ---- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SINK(test_fork_and_exec),
		WITH_SINK(test_exit_code),
		WITH_SINK(test_exit_sizes),
		WITH_SINK(test_unknown_heap),
		WITH_SINK(test_vanished),
		WITH_SINK(test_oom),
		WITH_SINK(test_oom_of_nobody_known),
		cmocka_unit_test(test_limit_path),
		WITH_SINK(test_unknown_event),
	};

	return cmocka_run_group_tests_name("output/ndjson-event", tests, NULL, NULL);
}
