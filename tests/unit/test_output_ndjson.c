/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The NDJSON sink: ticks, the first record and the last, what is lost; and where it cannot write.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "ndjson_output.h"

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

/* ---- end ---- */

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
		WITH_SINK(test_end),
		cmocka_unit_test(test_closed_pipe),
		cmocka_unit_test(test_full_device),
	};

	signal(SIGPIPE, SIG_IGN); /* as the command does */
	return cmocka_run_group_tests_name("output/ndjson", tests, NULL, NULL);
}
