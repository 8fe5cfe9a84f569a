/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Censuses at both ends of a run: of whom, when, and with what they are compared. The program that
 * takes them is a script here, which notes what it was asked for and repeats what was recorded.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "capture.h"
#include "census_sample.h"
#include "cmd/heap_ends.h"
#include "heap_script.h"
#include "output/ndjson_census.h"
#include "verdict_sample.h"

struct ending {
	struct heap_script script;
	struct heap_ends *e;
	struct verdict leak;
	uint64_t now_ns;
	unsigned censuses[RECORDED_CENSUS_WHENS], kept, done;
};

/* ---- a run ---- */

static bool is_v8(void *arg, const struct process *p)
{
	(void)arg;
	return !strcmp(p->comm, "node");
}

static void on_census(void *arg, const struct census *c, enum recorded_census_when when)
{
	struct ending *t = arg;

	assert_int_equal(c->pid, NODE);
	assert_int_equal(c->start_ns, NODE_START);
	t->censuses[when]++;
	if (when == RECORDED_CENSUS_BEGIN)
		loop_stop(t->script.loop, 0);
}

static void on_kept(void *arg, uint32_t pid, uint64_t start_ns, const struct kept *kept)
{
	assert_int_equal(pid, NODE);
	assert_int_equal(start_ns, NODE_START);
	assert_true(kept->count > 0);
	((struct ending *)arg)->kept++;
}

static void on_done(void *arg)
{
	struct ending *t = arg;

	t->done++;
	loop_stop(t->script.loop, 0);
}

/* Notes the arguments, and how many constructors came in. @calls: that have leaked. */
static void write_program(struct ending *t, unsigned calls)
{
	const struct run run = {.version = "test", .kernel = "k", .arch = "a"};
	struct census *c = sample_service(calls ? 5 : 0, calls);
	struct strbuf out;
	char text[512];

	strbuf_init(&out);
	ndjson_census_file_add(&out, &run, c);
	write_file(t->script.records, out.s, 0600);
	strbuf_release(&out);
	census_free(c);
	snprintf(text, sizeof(text),
		 "#!/bin/sh\necho \"$@, $(grep -c constructor)\" >>%s\ncat %s\n", t->script.asked,
		 t->script.records);
	write_file(t->script.program, text, 0700);
}

static void make(struct ending *t, uint64_t duration_ns)
{
	const struct heap_ends_options options = {.job = &t->script.job,
						  .table = &t->script.table,
						  .duration_ns = duration_ns,
						  .is_v8 = is_v8,
						  .census = on_census,
						  .kept = on_kept,
						  .done = on_done,
						  .arg = t};

	t->e = heap_ends_new(&options);
	assert_non_null(t->e);
}

static int setup(void **state)
{
	static struct ending ending;
	struct ending *t = &ending;

	memset(t, 0, sizeof(*t));
	*state = t;
	heap_script_begin(&t->script);
	write_program(t, 0);
	t->leak = sample_leak();
	t->now_ns = NODE_START + 60 * NSEC_PER_SEC;
	make(t, 0);
	return 0;
}

static int teardown(void **state)
{
	struct ending *t = *state;

	heap_ends_free(t->e);
	return heap_script_end(&t->script);
}

static struct process *add(struct ending *t, uint32_t pid, const char *comm)
{
	struct mw_task raw = {.pid = pid, .start_ns = NODE_START};
	struct process *p;

	snprintf(raw.comm, sizeof(raw.comm), "%s", comm);
	process_table_begin(&t->script.table, t->now_ns);
	assert_int_equal(process_table_update(&t->script.table, &raw, &p), 0);
	return p;
}

static void tick(struct ending *t)
{
	size_t count;
	struct process **rows = process_list(&t->script.table, &count);

	assert_non_null(rows);
	heap_ends_tick(t->e, rows, count, t->now_ns);
	free(rows);
}

/* @said: what is told of a census at the begin that is missing; "": nothing. */
static bool last(struct ending *t, const char *said)
{
	struct capture stderr_text;
	const char *text;
	size_t count;
	struct process **rows = process_list(&t->script.table, &count);
	bool waits;

	assert_non_null(rows);
	capture_begin(&stderr_text);
	waits = heap_ends_last(t->e, rows, count, clock_boot_ns());
	text = capture_end(&stderr_text);
	if (*said)
		assert_non_null(strstr(text, said));
	else
		assert_string_equal(text, "");
	free(rows);
	return waits;
}

/* ---- tests ---- */

static void test_both_ends(void **state)
{
	struct ending *t = *state;
	struct process *p = add(t, NODE, "node");
	char line[256];

	tick(t);
	assert_int_equal(loop_run(t->script.loop), 0);
	assert_int_equal(t->censuses[RECORDED_CENSUS_BEGIN], 1);
	assert_int_equal(heap_script_asked(&t->script, line), 1);
	assert_string_equal(line, "heap -q --json -p 4711, 0\n");
	tick(t);
	assert_false(heap_job_runs(&t->script.job)); /* once is enough */

	p->verdict = &t->leak;
	write_program(t, 2500);
	assert_true(last(t, ""));
	assert_int_equal(loop_run(t->script.loop), 0);
	assert_int_equal(t->censuses[RECORDED_CENSUS_END], 1);
	assert_int_equal(t->done, 1);
	assert_int_equal(heap_script_asked(&t->script, line), 2);
	assert_memory_equal(line, "heap -q --json -p 4711 --base -, ", 33);
	assert_true(atoi(line + 33) > 0); /* the first one came with it */
	assert_int_equal(t->kept, 1);
}

static void test_end_alone(void **state)
{
	struct ending *t = *state;
	char line[256];

	add(t, NODE, "node");
	assert_true(last(t, "process 4711 at the begin: the recording ended before its turn came"));
	assert_int_equal(loop_run(t->script.loop), 0);
	assert_int_equal(t->censuses[RECORDED_CENSUS_END], 1);
	assert_int_equal(heap_script_asked(&t->script, line), 1);
	assert_null(strstr(line, "--base"));
	assert_int_equal(t->kept, 0);
}

static void test_begin_cut_off(void **state)
{
	struct ending *t = *state;

	add(t, NODE, "node");
	tick(t);
	assert_true(heap_job_runs(&t->script.job));
	assert_true(last(t, "process 4711 at the begin: the recording ended before it was taken"));
	assert_int_equal(loop_run(t->script.loop), 0);
	assert_int_equal(t->censuses[RECORDED_CENSUS_BEGIN], 0);
	assert_int_equal(t->censuses[RECORDED_CENSUS_END], 1);
}

static void test_young(void **state)
{
	struct ending *t = *state;
	struct gc gc = {.pid = NODE, .start_ns = NODE_START, .kind = MW_GC_SCAVENGE};

	t->now_ns = NODE_START + 9 * NSEC_PER_SEC;
	add(t, NODE, "node");
	tick(t);
	heap_ends_gc(t->e, &gc);
	tick(t);
	assert_false(heap_job_runs(&t->script.job));
	gc.kind = MW_GC_MARK_COMPACT;
	heap_ends_gc(t->e, &gc);
	tick(t);
	assert_true(heap_job_runs(&t->script.job));
}

static void test_young_of_a_short_run(void **state)
{
	struct ending *t = *state;

	heap_ends_free(t->e);
	make(t, 12 * NSEC_PER_SEC);
	t->now_ns = NODE_START + 2 * NSEC_PER_SEC;
	add(t, NODE, "node");
	tick(t);
	assert_false(heap_job_runs(&t->script.job));
	t->now_ns += NSEC_PER_SEC;
	tick(t);
	assert_true(heap_job_runs(&t->script.job));
}

static void test_others(void **state)
{
	struct ending *t = *state;

	add(t, NODE, "bash");
	tick(t);
	assert_false(heap_job_runs(&t->script.job));
	assert_false(last(t, "no process of V8 was seen"));
}

static void test_ended(void **state)
{
	struct ending *t = *state;
	char line[256];

	add(t, NODE, "node");
	tick(t);
	heap_ends_forget(t->e, NODE, NODE_START);
	assert_false(heap_job_runs(&t->script.job));
	assert_int_equal(t->done, 0);
	assert_true(last(t, "before its turn came")); /* it is another program now */
	heap_ends_forget(t->e, NODE, NODE_START);
	assert_int_equal(t->done, 1);
	assert_int_equal(t->censuses[RECORDED_CENSUS_BEGIN] + t->censuses[RECORDED_CENSUS_END], 0);
	assert_true(heap_script_asked(&t->script, line) <= 2);
}

static void test_not_too_many(void **state)
{
	struct ending *t = *state;

	for (uint32_t i = 0; i < HEAP_ENDS_MAX; i++)
		add(t, 100 + i, "node");
	tick(t);
	heap_ends_stop(t->e);
	add(t, NODE, "node");
	t->now_ns += NSEC_PER_SEC;
	for (int i = 1; i < HEAP_ENDS_MAX; i++) {
		tick(t);
		assert_true(heap_job_runs(&t->script.job));
		heap_ends_stop(t->e);
	}
	tick(t);
	assert_false(heap_job_runs(&t->script.job));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_begin_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_young, setup, teardown),
		cmocka_unit_test_setup_teardown(test_young_of_a_short_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_too_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
