/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose heap is looked into, and how often; what becomes of the result. The program that takes
 * censuses is a script here, which notes what it was asked for and repeats what was recorded.
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
#include "cmd/heap_watch.h"
#include "heap_script.h"
#include "model/kept.h"
#include "output/ndjson_census.h"
#include "output/ndjson_record.h"
#include "verdict_sample.h"

#define OTHER 4712

struct looking {
	struct heap_script script;
	struct heap_watch *h;
	struct verdict leak, calm;
	uint64_t now_ns;
	unsigned told, done;
	bool goes_on; /* the loop, when something was told */
};

/* ---- a run ---- */

static void on_told(void *arg, struct process *p)
{
	struct looking *l = arg;

	assert_non_null(p->kept);
	l->told++;
	if (!l->goes_on)
		loop_stop(l->script.loop, 0);
}

static void on_done(void *arg)
{
	struct looking *l = arg;

	l->done++;
	loop_stop(l->script.loop, 0);
}

/* "cat records", after noting the arguments. @rest is done last. */
static void write_program(struct looking *l, const char *rest)
{
	char text[512];

	snprintf(text, sizeof(text), "#!/bin/sh\necho \"$@\" >>%s\ncat %s\n%s\n", l->script.asked,
		 l->script.records, rest);
	write_file(l->script.program, text, 0700);
}

static void record(struct looking *l, unsigned censuses)
{
	const struct run run = {.version = "test", .kernel = "k", .arch = "a"};
	struct census *first = sample_service(0, 0), *now = sample_service(5, 2500);
	struct census_diff *d = census_diff_new(first, NULL, now);
	struct strbuf out;

	strbuf_init(&out);
	sample_retainer(now);
	ndjson_meta_add(&out, &run);
	ndjson_census_add(&out, first);
	ndjson_constructors_add(&out, first);
	if (censuses > 1) {
		ndjson_census_add(&out, now);
		ndjson_changes_add(&out, d);
		ndjson_retainers_add(&out, now);
	}
	ndjson_census_end_add(&out, censuses);
	write_file(l->script.records, out.s, 0600);
	strbuf_release(&out);
	census_diff_free(d);
	census_free(first);
	census_free(now);
}

static int setup(void **state)
{
	static struct looking looking;
	struct looking *l = &looking;
	struct heap_watch_options options;

	memset(l, 0, sizeof(*l));
	*state = l;
	heap_script_begin(&l->script);
	record(l, 2);
	write_program(l, "");
	l->leak = sample_leak();
	l->calm = sample_calm(VERDICT_STEADY, 0.9);
	l->now_ns = clock_boot_ns();
	options = (struct heap_watch_options){.job = &l->script.job,
					      .table = &l->script.table,
					      .is_brief = true,
					      .told = on_told,
					      .done = on_done,
					      .arg = l};
	l->h = heap_watch_new(&options);
	return l->h ? 0 : -1;
}

static int teardown(void **state)
{
	struct looking *l = *state;

	heap_watch_free(l->h);
	return heap_script_end(&l->script);
}

static struct process *add(struct looking *l, uint32_t pid, const struct verdict *v)
{
	const struct mw_task raw = {.pid = pid, .start_ns = NODE_START, .comm = "node"};
	struct process *p;

	process_table_begin(&l->script.table, l->now_ns);
	assert_int_equal(process_table_update(&l->script.table, &raw, &p), 0);
	p->verdict = v;
	return p;
}

static void collect(struct looking *l, uint32_t pid, enum mw_gc_kind kind)
{
	const struct gc gc = {.pid = pid, .start_ns = NODE_START, .kind = kind};

	heap_watch_gc(l->h, &gc);
}

static void tick(struct looking *l, uint64_t after_s)
{
	size_t count;
	struct process **rows = process_list(&l->script.table, &count);

	l->now_ns += after_s * NSEC_PER_SEC;
	assert_non_null(rows);
	heap_watch_tick(l->h, rows, count, l->now_ns);
	free(rows);
}

/* Until it was told; what was said on stderr meanwhile. */
static void run(struct looking *l, struct capture *said)
{
	int err;

	capture_begin(said);
	err = loop_run(l->script.loop);
	capture_end(said);
	assert_int_equal(err, 0);
}

/* ---- whose, and how often ---- */

static void test_leak(void **state)
{
	struct looking *l = *state;
	struct process *p = add(l, NODE, &l->leak);
	struct capture said;
	char line[256];

	collect(l, NODE, MW_GC_SCAVENGE);
	tick(l, 1);
	assert_null(p->kept);
	run(l, &said);
	assert_int_equal(heap_script_asked(&l->script, line), 1);
	assert_string_equal(line, "heap -q --json -p 4711 -d 5\n");
	assert_non_null(strstr(said.text, "process 4711 (node) stood still for 18 and 18 ms"));
	assert_int_equal(p->kept->constructors[0].delta_count, 2500);
	assert_string_equal(p->kept->constructors[0].name, "StatusContext");
	assert_string_equal(p->kept->constructors[0].by.edge, "variable `handleMap`");
	p->kept = NULL;
	tick(l, 1);
	assert_non_null(p->kept);
	p->verdict = &l->calm; /* it was of that leak */
	tick(l, 1);
	assert_null(p->kept);
}

/* Not of what does not leak, not of what is no V8, not of what leaks beside its heap. */
static void test_no_leak(void **state)
{
	struct looking *l = *state;
	struct process *p = add(l, NODE, &l->calm);
	struct verdict beside = l->leak;
	char line[256];

	collect(l, NODE, MW_GC_MARK_COMPACT);
	tick(l, 1);
	p->verdict = NULL;
	tick(l, 1);
	beside.class = VERDICT_EXTERNAL;
	p->verdict = &beside;
	tick(l, 1);
	add(l, OTHER, &l->leak);
	collect(l, OTHER, MW_GC_FULL);
	tick(l, 1);
	assert_false(heap_watch_last(l->h, &p, 1, l->now_ns));
	assert_int_equal(heap_script_asked(&l->script, line), 0);
}

static void run_again(struct looking *l)
{
	struct capture said;

	run(l, &said);
}

static void test_once(void **state)
{
	struct looking *l = *state;
	struct process *p = add(l, NODE, &l->leak);
	char line[256];

	collect(l, NODE, MW_GC_SCAVENGE);
	tick(l, 1);
	tick(l, 1); /* one runs */
	run_again(l);
	tick(l, 1);
	tick(l, 500);
	assert_int_equal(heap_script_asked(&l->script, line), 1);
	tick(l, 100); /* after ten minutes */
	run_again(l);
	assert_int_equal(heap_script_asked(&l->script, line), 2);
	p->verdict = &l->calm;
	tick(l, 30);
	p->verdict = &l->leak;
	tick(l, 1); /* called anew, but just now it was looked into */
	assert_int_equal(l->told, 2);
	tick(l, 60);
	run_again(l);
	assert_int_equal(heap_script_asked(&l->script, line), 3);
}

/* One at a time, the fastest first. */
static void test_worst_first(void **state)
{
	struct looking *l = *state;
	struct verdict slow = l->leak;
	char line[256];

	slow.trend.slope /= 2;
	add(l, OTHER, &slow);
	add(l, NODE, &l->leak);
	collect(l, OTHER, MW_GC_SCAVENGE);
	collect(l, NODE, MW_GC_SCAVENGE);
	tick(l, 1);
	run_again(l);
	assert_int_equal(heap_script_asked(&l->script, line), 1);
	assert_non_null(strstr(line, "-p 4711 "));
	tick(l, 1);
	/* What the script says is of the other one: it is not taken for this one's. */
	assert_true(heap_watch_last(l->h, NULL, 0, l->now_ns));
	run_again(l);
	assert_int_equal(heap_script_asked(&l->script, line), 2);
	assert_non_null(strstr(line, "-p 4712 "));
	assert_int_equal(l->told, 1);
	assert_int_equal(l->done, 1);
}

/* ---- what goes wrong ---- */

/* Waits until there is nothing to wait for; what was said. */
static void expect_none(struct looking *l, struct capture *said)
{
	struct process *p = add(l, NODE, &l->leak);

	collect(l, NODE, MW_GC_SCAVENGE);
	tick(l, 1);
	l->now_ns = clock_boot_ns();
	assert_true(heap_watch_last(l->h, &p, 1, l->now_ns));
	run(l, said);
	assert_int_equal(l->done, 1);
	assert_int_equal(l->told, 0);
	assert_null(p->kept);
}

static void test_fails(void **state)
{
	struct looking *l = *state;
	struct capture said;

	write_file(l->script.records, "", 0600);
	write_program(l, "echo 'memwatch: a debugger is attached' >&2; exit 1");
	expect_none(l, &said);
	assert_non_null(strstr(said.text, "process 4711: a debugger is attached\n"));
}

static void test_half(void **state)
{
	struct looking *l = *state;
	struct capture said;

	record(l, 1);
	expect_none(l, &said);
	assert_non_null(strstr(said.text, "no census of the heap of process 4711: "));
}

static void test_garbage(void **state)
{
	struct looking *l = *state;
	struct capture said;

	write_file(l->script.records,
		   "{\"type\":\"meta\",\"schema\":1}\n{\"type\":\"census\"}\nx\n", 0600);
	expect_none(l, &said);
	assert_non_null(strstr(said.text, "no census of the heap of process 4711: "));
}

/* The process ends meanwhile: so does the census, and nothing is said or told. */
static void test_ends(void **state)
{
	struct looking *l = *state;
	struct process *p = add(l, NODE, &l->leak);
	struct capture said;

	write_program(l, "exec sleep 1000");
	collect(l, NODE, MW_GC_SCAVENGE);
	tick(l, 1);
	assert_true(heap_watch_last(l->h, &p, 1, l->now_ns));
	capture_begin(&said);
	heap_watch_forget(l->h, NODE, NODE_START);
	capture_end(&said);
	assert_string_equal(said.text, "");
	assert_int_equal(l->done, 1);
	assert_int_equal(l->told, 0);
}

/* Its result stays as long as it may be looked at: also when another has the PID. */
static void test_pid_again(void **state)
{
	struct looking *l = *state;
	struct process *p = add(l, NODE, &l->leak);
	const struct gc other = {.pid = NODE, .start_ns = NODE_START + 1, .kind = MW_GC_SCAVENGE};
	char line[256];

	collect(l, NODE, MW_GC_SCAVENGE);
	tick(l, 1);
	run_again(l);
	heap_watch_gc(l->h, &other);
	assert_int_equal(p->kept->count > 0, 1);
	tick(l, 601);
	assert_null(p->kept);
	assert_int_equal(heap_script_asked(&l->script, line), 1);
}

/* ---- the end ---- */

/* Due, but not begun: it is begun at the end. A slow one is given up. */
static void test_last(void **state)
{
	struct looking *l = *state;
	struct process *p = add(l, NODE, &l->leak);
	struct capture said;
	char line[256];

	collect(l, NODE, MW_GC_SCAVENGE);
	l->goes_on = true;
	assert_true(heap_watch_last(l->h, &p, 1, clock_boot_ns()));
	run(l, &said);
	assert_int_equal(heap_script_asked(&l->script, line), 1);
	assert_non_null(strstr(line, "-d 3\n")); /* somebody waits */
	assert_int_equal(l->told, 1);
	assert_int_equal(l->done, 1);
	assert_false(heap_watch_last(l->h, &p, 1, clock_boot_ns()));
}

static void test_too_slow(void **state)
{
	struct looking *l = *state;
	struct process *p = add(l, NODE, &l->leak);
	struct capture said;

	write_file(l->script.records, "", 0600);
	write_program(l, "exec sleep 1000");
	collect(l, NODE, MW_GC_SCAVENGE);
	/* As if that had been 14.9 s ago. */
	assert_true(heap_watch_last(l->h, &p, 1, clock_boot_ns() - 14900 * NSEC_PER_MSEC));
	run(l, &said);
	assert_non_null(strstr(said.text, "it took too long"));
	assert_int_equal(l->done, 1);
}

#define WITH_RUN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RUN(test_leak),	    WITH_RUN(test_no_leak),  WITH_RUN(test_once),
		WITH_RUN(test_worst_first), WITH_RUN(test_fails),    WITH_RUN(test_half),
		WITH_RUN(test_garbage),	    WITH_RUN(test_ends),     WITH_RUN(test_pid_again),
		WITH_RUN(test_last),	    WITH_RUN(test_too_slow),
	};

	return cmocka_run_group_tests_name("cmd/heap_watch", tests, NULL, NULL);
}
