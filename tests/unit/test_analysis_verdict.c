/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts on synthetic processes with a known answer, over many seeds: which class, how often leak
 * is cried in vain, how often one is missed, and whether confidence is honest at every moment.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/evidence.h"
#include "analysis/verdict.h"
#include "mark_sample.h"
#include "trace.h"

#define START_S 1000
#define SEEDS	60
#define MIB	TRACE_MIB
#define BIT(c)	(1U << VERDICT_##c)
#define CALM	(BIT(STEADY) | BIT(CHURN))
#define KEPT	(BIT(LEAK) | BIT(EXTERNAL) | BIT(STACKS) | BIT(MAPPINGS) | BIT(SHMEM))

/* ---- a process ---- */

struct watched {
	struct series private_bytes, file, shmem, brk, vm, threads, external;
	struct live_heap v8;
	struct verdict_input in;
};

static void watched_init(struct watched *w)
{
	struct series *const all[] = {&w->private_bytes, &w->file,    &w->shmem, &w->brk, &w->vm,
				      &w->threads,	 &w->external};

	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		series_init(all[i]);
	live_heap_init(&w->v8);
	w->in = (struct verdict_input){
		.private_bytes = &w->private_bytes,
		.file = &w->file,
		.shmem = &w->shmem,
		.brk = &w->brk,
		.vm = &w->vm,
		.threads = &w->threads,
	};
}

static void watched_release(struct watched *w)
{
	series_release(&w->private_bytes);
	series_release(&w->file);
	series_release(&w->shmem);
	series_release(&w->brk);
	series_release(&w->vm);
	series_release(&w->threads);
	series_release(&w->external);
	live_heap_release(&w->v8);
}

static struct verdict watched_judge(struct watched *w)
{
	struct verdict v;

	w->in.now_ns = w->private_bytes.last_ns;
	verdict_give(&w->in, &v);
	assert_true(v.confidence >= 0 && v.confidence <= 1);
	assert_true(isfinite(v.trend.slope) && isfinite(v.trend.low) && isfinite(v.trend.high));
	assert_true(v.evidence_count >= 1);
	for (unsigned i = 0; i < v.evidence_count; i++)
		assert_true(strlen(v.evidence[i]) > 0);
	if (v.class == VERDICT_EARLY)
		assert_false(v.is_leak);
	return v;
}

/* MiB at a second, for all of a process's series; what is < 0 is left out. */
static void tick(struct series *s, double at_s, double mib)
{
	if (mib >= 0)
		series_add(s, (uint64_t)((START_S + at_s) * 1e9), (uint64_t)(mib * MIB));
}

static void fail_verdict(const char *name, const struct verdict *v)
{
	for (unsigned i = 0; i < v->evidence_count; i++)
		print_message("#   %s\n", v->evidence[i]);
	fail_msg("%s: %s at %.2f", name, verdict_class_name(v->class), v->confidence);
}

static void assert_class(const char *name, const struct verdict *v, unsigned classes)
{
	if (!(classes & (1U << v->class)))
		fail_verdict(name, v);
}

/* ---- many seeds ---- */

struct scenario {
	const char *name;
	struct trace trace;
	double seconds;	  /* when it is to be known */
	unsigned classes; /* what is right then */
	bool is_leak;
	double right; /* share of seeds at least */
};

static const struct scenario scenarios[] = {
	{"constant", {.base = 100}, 60, BIT(STEADY), false, 1},
	{"high but flat", {.base = 4000, .white = 2}, 120, BIT(STEADY), false, 0.95},
	{"noise", {.base = 200, .white = 10}, 600, CALM, false, 0.9},
	{"load", {.base = 200, .wander = 1, .keep = 0.9}, 600, CALM, false, 0.9},
	{"slow load", {.base = 200, .wander = 0.5, .keep = 0.98}, 1200, CALM, false, 0.7},
	{"saw", {.base = 80, .saw = 50, .saw_s = 10, .bottom = 1}, 180, CALM, false, 0.95},
	{"uneven saw", {.base = 80, .saw = 50, .saw_s = 10, .bottom = 5}, 600, CALM, false, 0.95},
	{"long saw", {.base = 80, .saw = 30, .saw_s = 40, .bottom = 1}, 600, CALM, false, 0.95},
	{"warm-up 20 s",
	 {.base = 60, .warm = 80, .warm_s = 20, .white = 0.3},
	 300,
	 CALM | BIT(WARMING),
	 false,
	 0.95},
	{"warm-up 60 s under a saw",
	 {.base = 60, .warm = 80, .warm_s = 60, .saw = 20, .saw_s = 6, .bottom = 1},
	 600,
	 CALM | BIT(WARMING),
	 false,
	 0.9},
	{"warm-up 300 s",
	 {.base = 60, .warm = 80, .warm_s = 300, .white = 0.3},
	 1800,
	 CALM | BIT(WARMING),
	 false,
	 0.9},
	{"cache, 20 s",
	 {.base = 60, .fill = 60, .fill_from = 5, .fill_s = 20, .white = 0.2},
	 180,
	 CALM | BIT(WARMING),
	 false,
	 0.95},
	{"cache, 120 s under a saw",
	 {.base = 60, .fill = 60, .fill_from = 5, .fill_s = 120, .saw = 20, .saw_s = 6},
	 300,
	 CALM | BIT(WARMING),
	 false,
	 0.95},
	{"step", {.base = 60, .step = 50, .step_at = 60, .white = 0.3}, 240, BIT(STEP), false, 0.9},
	{"burst, kept",
	 {.base = 60, .burst = 100, .burst_at = 60, .burst_s = 10, .burst_kept = 0.3, .white = 0.3},
	 240,
	 BIT(NOT_RETURNED),
	 false,
	 0.9},
	{"burst, given back",
	 {.base = 60, .burst = 100, .burst_at = 60, .burst_s = 10, .white = 0.3},
	 240,
	 CALM,
	 false,
	 0.9},
	{"1 MiB/s", {.base = 60, .leak = 1, .white = 0.3}, 60, BIT(LEAK), true, 1},
	{"1 MiB/s under a saw",
	 {.base = 60, .leak = 1, .saw = 20, .saw_s = 6, .bottom = 1},
	 60,
	 BIT(LEAK),
	 true,
	 0.85},
	{"1 MiB/s under a high saw",
	 {.base = 60, .leak = 1, .saw = 50, .saw_s = 10, .bottom = 2},
	 120,
	 BIT(LEAK),
	 true,
	 0.95},
	{"10 MiB/s", {.base = 60, .leak = 10, .saw = 20, .saw_s = 6}, 60, BIT(LEAK), true, 0.95},
	{"1 MiB/min under a saw",
	 {.base = 60, .leak = 1 / 60.0, .saw = 20, .saw_s = 6, .bottom = 1},
	 300,
	 BIT(LEAK),
	 true,
	 0.95},
	{"1 MiB/min under load",
	 {.base = 60, .leak = 1 / 60.0, .wander = 0.5, .keep = 0.5},
	 300,
	 BIT(LEAK),
	 true,
	 0.9},
	{"after a warm-up",
	 {.base = 60, .leak = 1, .warm = 60, .warm_s = 8, .saw = 10, .saw_s = 5},
	 240,
	 BIT(LEAK),
	 true,
	 0.9},
	{"from the 5th minute on",
	 {.base = 60, .leak = 1, .leak_from = 300, .saw = 10, .saw_s = 5},
	 600,
	 BIT(LEAK),
	 true,
	 0.95},
	{"in lumps",
	 {.base = 60, .leak = 1, .lump_s = 30, .white = 0.3},
	 400,
	 BIT(LEAK),
	 true,
	 0.95},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static struct verdict run_scenario(const struct scenario *sc, uint64_t seed, double seconds)
{
	struct trace_state st;
	struct watched w;
	struct verdict v;

	watched_init(&w);
	trace_begin(&st, seed);
	for (unsigned i = 0; i <= seconds; i++)
		series_add(&w.private_bytes, (START_S + i) * TRACE_SECOND,
			   trace_at(&sc->trace, &st, i));
	v = watched_judge(&w);
	watched_release(&w);
	return v;
}

static void test_scenarios(void **state)
{
	unsigned false_alarms = 0, calm = 0, misses = 0, leaks = 0;

	(void)state;
	for (unsigned k = 0; k < SCENARIOS; k++) {
		const struct scenario *sc = &scenarios[k];
		unsigned right = 0, cried = 0;
		struct verdict v, wrong = {0};

		for (unsigned seed = 1; seed <= SEEDS; seed++) {
			v = run_scenario(sc, seed, sc->seconds);
			cried += v.is_leak;
			if (sc->classes & (1U << v.class))
				right++;
			else
				wrong = v;
		}
		print_message("# %-26s %4.0f s: right %3u %%, called a leak %3u %%\n", sc->name,
			      sc->seconds, right * 100 / SEEDS, cried * 100 / SEEDS);
		if (right < sc->right * SEEDS)
			fail_verdict(sc->name, &wrong);
		*(sc->is_leak ? &leaks : &calm) += SEEDS;
		*(sc->is_leak ? &misses : &false_alarms) += sc->is_leak ? SEEDS - cried : cried;
	}
	print_message("# false alarms %.2f %% of %u, misses %.2f %% of %u\n",
		      100.0 * false_alarms / calm, calm, 100.0 * misses / leaks, leaks);
	assert_true(false_alarms * 100 <= calm);
	assert_true(misses * 100 <= leaks * 3);
}

/* At every moment, not only at the end: of what is said at 0.9 or more, 9 in 10 are right. */
static void test_confidence_is_honest(void **state)
{
	unsigned said[10] = {0}, right[10] = {0}, leaks = 0, sure_leaks = 0, calm = 0, cried = 0,
		 calm_seen = 0;

	(void)state;
	for (unsigned k = 0; k < SCENARIOS; k++) {
		const struct scenario *sc = &scenarios[k];

		for (unsigned seed = 101; seed <= 108; seed++) {
			struct trace_state st;
			struct watched w;

			watched_init(&w);
			trace_begin(&st, seed);
			for (unsigned i = 0; i <= 900; i++) {
				struct verdict v;
				unsigned bin;

				series_add(&w.private_bytes, (START_S + i) * TRACE_SECOND,
					   trace_at(&sc->trace, &st, i));
				if (i % 15)
					continue;
				v = watched_judge(&w);
				calm += !sc->is_leak;
				cried += !sc->is_leak && v.is_leak;
				calm_seen += !sc->is_leak && v.class != VERDICT_EARLY;
				if (v.class == VERDICT_EARLY)
					continue;
				leaks += v.is_leak && v.confidence >= 0.9;
				sure_leaks += v.is_leak && v.confidence >= 0.9 && sc->is_leak;
				bin = v.confidence < 1 ? (unsigned)(v.confidence * 10) : 9;
				said[bin]++;
				right[bin] += v.is_leak == (sc->is_leak && i > sc->trace.leak_from);
			}
			watched_release(&w);
		}
	}
	for (unsigned bin = 0; bin < 10; bin++)
		if (said[bin])
			print_message("# confidence %.1f: %5u verdicts, %5.1f %% right\n",
				      bin / 10.0, said[bin], 100.0 * right[bin] / said[bin]);
	print_message("# no leak, at any moment: %.2f %% of %u called one, %.0f %% too early\n",
		      100.0 * cried / calm, calm, 100.0 - 100.0 * calm_seen / calm);
	print_message("# leak at 0.9 or more: %u verdicts, %.2f %% right\n", leaks,
		      100.0 * sure_leaks / leaks);
	assert_true(sure_leaks * 100 >= leaks * 97);
	assert_true(right[9] * 100 >= said[9] * 97);
	assert_true(cried * 100 <= calm * 4);
}

/* ---- which kind ---- */

static void test_kinds(void **state)
{
	static const struct {
		const char *name;
		double anon, file, shmem, brk, vm, threads; /* growth, MiB (or one) a second */
		enum verdict_class class;
		bool is_leak;
	} kinds[] = {
		{"malloc", 1, 0, 0, 1, 1, 0, VERDICT_LEAK, true},
		{"mmap", 1, 0, 0, 0, 1, 0, VERDICT_MAPPINGS, true},
		{"threads", 0.1, 0, 0, 0, 8, 1, VERDICT_STACKS, true},
		{"tmpfs", 0, 0, 1, 0, 1, 0, VERDICT_SHMEM, true},
		{"files", 0, 1, 0, 0, 1, 0, VERDICT_PAGE_CACHE, false},
		{"reserved only", 0, 0, 0, 0, 8, 0, VERDICT_STEADY, false},
	};

	(void)state;
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct watched w;
		struct verdict v;

		watched_init(&w);
		for (unsigned i = 0; i <= 90; i++) {
			tick(&w.private_bytes, i, 50 + kinds[k].anon * i);
			tick(&w.file, i, 20 + kinds[k].file * i);
			tick(&w.shmem, i, kinds[k].shmem * i);
			tick(&w.brk, i, 10 + kinds[k].brk * i);
			tick(&w.vm, i, 900 + kinds[k].vm * i);
			series_add(&w.threads, (START_S + i) * TRACE_SECOND,
				   (uint64_t)(4 + kinds[k].threads * i));
		}
		v = watched_judge(&w);
		assert_class(kinds[k].name, &v, 1U << kinds[k].class);
		assert_int_equal(v.is_leak, kinds[k].is_leak);
		watched_release(&w);
	}
}

/* ---- V8 ---- */

/* Anonymous memory at each second, and a full collection each @mark_s with what is live. */
static struct verdict run_v8(struct watched *w, unsigned seconds, unsigned mark_s, double anon,
			     double live)
{
	watched_init(w);
	w->in.v8 = &w->v8;
	for (unsigned i = 0; i <= seconds; i++) {
		tick(&w->private_bytes, i, 80 + anon * i);
		tick(&w->brk, i, 5);
		if (i && i % mark_s == 0)
			sample_mark(&w->v8, 1, (uint64_t)((START_S + i) * 1e9 + 5e8),
				    (uint64_t)((20 + live * i) * MIB), (uint64_t)(200 * MIB));
	}
	return watched_judge(w);
}

static void test_v8_leak(void **state)
{
	struct watched w;
	struct verdict v = run_v8(&w, 60, 8, 1.2, 1);

	(void)state;
	assert_class("V8 leak", &v, BIT(LEAK));
	assert_true(v.is_leak);
	assert_float_equal(v.trend.slope, MIB, MIB / 20);
	assert_int_equal(v.limit.kind, LIMIT_V8_HEAP);
	assert_float_equal(v.limit_seconds, 200 - 76, 8);
	watched_release(&w);
	v = run_v8(&w, 60, 18, 1.2, 1); /* three collections, and all else agrees */
	assert_class("V8 leak, few collections", &v, BIT(LEAK));
	watched_release(&w);
}

/* The heap has room, so that nothing of it shows from outside. */
static void test_v8_leak_within_the_heap(void **state)
{
	struct watched w;
	struct verdict v = run_v8(&w, 90, 10, 0, 0.5);

	(void)state;
	assert_class("V8 leak inside", &v, BIT(LEAK));
	watched_release(&w);
}

/* Memory grows up to the first collection: garbage, as far as anyone knows. */
static void test_v8_before_collections(void **state)
{
	struct watched w;
	struct verdict v = run_v8(&w, 90, 60, 1, 0);

	(void)state;
	assert_class("V8 before collections", &v, BIT(EARLY));
	watched_release(&w);
}

static void test_v8_external(void **state)
{
	struct watched w;
	struct verdict v = run_v8(&w, 90, 10, 1, 0);

	(void)state;
	assert_class("V8 may take such room itself", &v, BIT(EARLY));
	watched_release(&w);
	v = run_v8(&w, 300, 10, 1, 0);
	assert_class("beside V8's heap", &v, BIT(EXTERNAL));
	assert_true(v.is_leak);
	watched_release(&w);
	v = run_v8(&w, 90, 10, 1, 0);
	w.in.external = &w.external;
	for (unsigned i = 0; i <= 90; i++)
		tick(&w.external, i, 1 + 0.9 * i);
	v = watched_judge(&w);
	assert_class("Buffers, seen", &v, BIT(EXTERNAL));
	assert_non_null(strstr(v.evidence[2], "90 %"));
	watched_release(&w);
}

/* Threads that are never joined are no garbage of V8's; but they do not explain any growth. */
static void test_v8_stacks(void **state)
{
	static const struct {
		double anon, threads; /* MiB and threads a second */
		bool are_stacks;
	} cases[] = {{0.2, 1, true}, {1, 0.25, true}, {20, 1, false}, {1, 0, false}};

	(void)state;
	for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct watched w;
		struct verdict v;

		run_v8(&w, 90, 8, cases[k].anon, 0);
		for (unsigned i = 0; i <= 90; i++)
			series_add(&w.threads, (START_S + i) * TRACE_SECOND,
				   (uint64_t)(11 + cases[k].threads * i));
		v = watched_judge(&w);
		assert_int_equal(v.class == VERDICT_STACKS, cases[k].are_stacks);
		assert_true(v.is_leak || !cases[k].are_stacks);
		watched_release(&w);
	}
}

static void test_v8_flat(void **state)
{
	struct watched w;
	struct verdict v = run_v8(&w, 90, 10, 0, 0);

	(void)state;
	assert_class("V8 flat", &v, BIT(STEADY));
	watched_release(&w);
	v = run_v8(&w, 90, 29, 0, 0.5); /* what is kept rose three times */
	assert_class("V8 may be growing inside", &v, BIT(EARLY));
	watched_release(&w);
}

/* A collector whose collections are not seen: growth is garbage until some were. */
static void test_collected(void **state)
{
	struct watched w;
	struct verdict v;

	(void)state;
	watched_init(&w);
	w.in.is_collected = true;
	for (unsigned i = 0; i <= 120; i++)
		tick(&w.private_bytes, i, 80 + i);
	v = watched_judge(&w);
	assert_class("first tooth", &v, BIT(EARLY));
	watched_release(&w);
	watched_init(&w);
	w.in.is_collected = true;
	for (unsigned i = 0; i <= 120; i++)
		tick(&w.private_bytes, i, 80 + i + 4.0 * (i % 8));
	v = watched_judge(&w);
	assert_class("its floor rises", &v, BIT(LEAK));
	watched_release(&w);
}

/* ---- limits, marks, text ---- */

static void test_limit_and_marks(void **state)
{
	const struct limit limits[] = {
		{.kind = LIMIT_MACHINE,
		 .bytes = (uint64_t)(8192 * MIB),
		 .used_bytes = (uint64_t)(1024 * MIB)},
		{.kind = LIMIT_CGROUP_MAX,
		 .bytes = (uint64_t)(512 * MIB),
		 .used_bytes = (uint64_t)(312 * MIB),
		 .where = "/system.slice/api.service"},
	};
	const struct verdict_mark marks[] = {
		{VERDICT_MARK_OOM, (START_S + 80) * TRACE_SECOND, "/system.slice/api.service"},
		{VERDICT_MARK_EXIT, (START_S + 89) * TRACE_SECOND, NULL},
	};
	struct watched w;
	struct verdict v;

	(void)state;
	watched_init(&w);
	w.in.limits = limits;
	w.in.limit_count = 2;
	for (unsigned i = 0; i <= 90; i++) {
		tick(&w.private_bytes, i, 50 + i);
		tick(&w.brk, i, 10 + i);
	}
	v = watched_judge(&w);
	assert_true(v.is_leak);
	assert_int_equal(v.limit.kind, LIMIT_CGROUP_MAX);
	assert_float_equal(v.limit_seconds, 200, 1);
	assert_string_equal(v.evidence[0],
			    "private memory (anon + swap): +1.0M/s (+1.0M/s to +1.0M/s,"
			    " 95 %), about 90.0M in the last 1m30s");
	assert_string_equal(v.evidence[1], "32 minima of it rise; by chance they would with p < "
					   "0.0001; largest fall 0");
	assert_string_equal(v.evidence[2], "100 % of the growth is in the brk heap (malloc)");
	assert_string_equal(v.evidence[3], "at this rate memory.max of /system.slice/api.service "
					   "(512.0M) is met in 3m20s");
	w.in.marks = marks;
	w.in.mark_count = 2;
	v = watched_judge(&w);
	assert_int_equal(v.limit.kind, LIMIT_NONE); /* it has ended */
	assert_string_equal(v.evidence[3], "/system.slice/api.service ran out of memory 10s ago: "
					   "the kernel killed for it");
	assert_string_equal(v.evidence[4], "it ended 1s ago");
	watched_release(&w);
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned c = 0; c < VERDICT_CLASSES; c++) {
		assert_non_null(verdict_class_name(c));
		assert_non_null(verdict_class_help(c));
	}
	assert_string_equal(verdict_class_name(VERDICT_NOT_RETURNED), "not-returned");
}

static void test_numbers_of_any_size(void **state)
{
	char out[EVIDENCE_BYTES];

	(void)state;
	assert_string_equal(evidence_rate(out, 17476.27), "+17.1K/s");
	assert_string_equal(evidence_rate(out, -512), "-30.0K/min");
	assert_string_equal(evidence_rate(out, NAN), "0/min");
	assert_non_null(strstr(evidence_rate(out, 1e300), "/s"));
	assert_non_null(strstr(evidence_rate(out, -1e300), "/s"));
	assert_string_equal(evidence_bytes(out, -5), "0");
	assert_non_null(evidence_bytes(out, INFINITY));
	assert_non_null(evidence_span(out, INFINITY));
	assert_string_equal(evidence_span(out, NAN), "0s");
}

/* ---- edges ---- */

static void test_empty_and_short(void **state)
{
	struct verdict_input nothing = {0};
	struct verdict v;
	struct watched w;

	(void)state;
	verdict_give(&nothing, &v);
	assert_int_equal(v.class, VERDICT_EARLY);
	watched_init(&w);
	w.in.v8 = &w.v8;
	v = watched_judge(&w);
	assert_int_equal(v.class, VERDICT_EARLY);
	for (unsigned i = 0; i < 9; i++) {
		tick(&w.private_bytes, i, 100 + 100.0 * i);
		sample_mark(&w.v8, 1, (START_S + i) * TRACE_SECOND, 1000, 0);
		v = watched_judge(&w);
		assert_int_equal(v.class, VERDICT_EARLY);
		assert_true(v.confidence == 0);
	}
	watched_release(&w);
}

/* A machine that slept, and ticks that did not come: time goes on, nothing is made up. */
static void test_gaps(void **state)
{
	struct watched w;
	struct verdict v;

	(void)state;
	watched_init(&w);
	for (unsigned i = 0; i <= 60; i++)
		tick(&w.private_bytes, i, 100);
	for (unsigned i = 0; i <= 60; i++)
		tick(&w.private_bytes, 90000 + i, 100);
	v = watched_judge(&w);
	assert_class("slept", &v, BIT(STEADY));
	watched_release(&w);
	watched_init(&w);
	for (unsigned i = 0; i <= 120; i++)
		if (i % 10 < 4)
			tick(&w.private_bytes, i, 100 + i);
	v = watched_judge(&w);
	assert_class("ticks lost", &v, BIT(LEAK));
	assert_float_equal(v.trend.slope, MIB, MIB / 50);
	tick(&w.private_bytes, 50, 1); /* backwards: not taken */
	v = watched_judge(&w);
	assert_class("clock back", &v, BIT(LEAK));
	watched_release(&w);
}

/* A large process that leaks after the machine slept: nobody saw what it did in between. */
static void test_leak_after_sleep(void **state)
{
	struct watched w;
	struct verdict v;

	(void)state;
	watched_init(&w);
	for (unsigned i = 0; i <= 10; i++)
		tick(&w.private_bytes, i, 8000 + i % 2);
	for (unsigned i = 0; i <= 40; i++)
		tick(&w.private_bytes, 36000 + i, 8000 + 4 * i);
	v = watched_judge(&w);
	assert_class("leaks after it slept", &v, BIT(LEAK));
	assert_float_equal(v.trend.slope, 4 * MIB, MIB / 10);
	watched_release(&w);
}

static void test_extremes(void **state)
{
	struct watched w;
	struct verdict v;

	(void)state;
	watched_init(&w);
	for (unsigned i = 0; i <= 100; i++)
		series_add(&w.private_bytes, (1 + i) * TRACE_SECOND, i % 2 ? UINT64_MAX : 0);
	v = watched_judge(&w);
	assert_class("all or nothing", &v, CALM | BIT(EARLY));
	watched_release(&w);
	watched_init(&w);
	for (unsigned i = 0; i <= 100; i++)
		series_add(&w.private_bytes, UINT64_MAX - (100 - i), i * (UINT64_MAX / 100));
	v = watched_judge(&w); /* in 100 ns */
	assert_class("in an instant", &v, BIT(EARLY));
	watched_release(&w);
	watched_init(&w);
	for (unsigned i = 0; i <= 100; i++)
		series_add(&w.private_bytes, (1 + i) * TRACE_SECOND, i * (UINT64_MAX / 100));
	v = watched_judge(&w);
	assert_class("exabytes", &v, KEPT);
	watched_release(&w);
}

/* A program that starts is not a step. */
static void test_start(void **state)
{
	struct watched w;
	struct verdict v;

	(void)state;
	watched_init(&w);
	w.in.start_ns = START_S * TRACE_SECOND;
	for (unsigned i = 0; i <= 90; i++)
		tick(&w.private_bytes, i, i < 4 ? 5 + 20 * i : 85);
	v = watched_judge(&w);
	assert_class("start", &v, BIT(STEADY));
	watched_release(&w);
}

static struct verdict judge_rises(double step_s, double mib, enum verdict_class called)
{
	struct watched w;
	struct verdict v;

	watched_init(&w);
	w.in.called = called;
	for (unsigned i = 0; i <= 50; i++)
		tick(&w.private_bytes, i, 20 + mib * floor(i / step_s));
	v = watched_judge(&w);
	watched_release(&w);
	return v;
}

/* As much in few lumps as on and on: of those it is less sure that there will be more. */
static void test_lumps(void **state)
{
	struct verdict even = judge_rises(1, 2, VERDICT_EARLY);
	struct verdict lumps = judge_rises(12, 24, VERDICT_EARLY);

	(void)state;
	assert_class("on and on", &even, BIT(LEAK));
	assert_false(lumps.is_leak);
}

/* What was called is not taken back for a little doubt, and not kept for another class. */
static void test_called(void **state)
{
	struct verdict v;
	struct watched w;

	(void)state;
	watched_init(&w);
	for (unsigned i = 0; i <= 35; i++)
		tick(&w.private_bytes, i, 20 + 2 * i);
	v = watched_judge(&w);
	assert_class("not yet", &v, BIT(EARLY));
	w.in.called = VERDICT_LEAK;
	v = watched_judge(&w);
	assert_class("called before", &v, BIT(LEAK));
	assert_true(v.is_leak && v.confidence < VERDICT_LEAK_CONFIDENCE);
	w.in.called = VERDICT_STACKS;
	v = watched_judge(&w);
	assert_class("called something else", &v, BIT(EARLY));
	watched_release(&w);
}

/* A leak that begins late is found by the last window or by all, but stays found. */
static void test_late_leak(void **state)
{
	unsigned found_s = 0;
	struct watched w;

	(void)state;
	watched_init(&w);
	for (unsigned i = 0; i <= 180; i++) {
		struct verdict v;

		tick(&w.private_bytes, i, 50 + 1.5 * (i > 60 ? i - 60 : 0) + 0.1 * (i * 7 % 5));
		v = watched_judge(&w);
		w.in.called = v.is_leak ? v.class : VERDICT_EARLY;
		if (!v.is_leak && found_s)
			fail_verdict("doubted", &v);
		if (v.is_leak && !found_s)
			found_s = i;
	}
	assert_in_range(found_s, 80, 115);
	watched_release(&w);
}

/* It falls: load that ends. */
static void test_shrinking(void **state)
{
	struct watched w;
	struct verdict v;

	(void)state;
	watched_init(&w);
	for (unsigned i = 0; i <= 200; i++)
		tick(&w.private_bytes, i, 500 - 2.0 * i);
	v = watched_judge(&w);
	assert_class("shrinks", &v, CALM);
	watched_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_confidence_is_honest),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_v8_leak),
		cmocka_unit_test(test_v8_leak_within_the_heap),
		cmocka_unit_test(test_v8_before_collections),
		cmocka_unit_test(test_v8_external),
		cmocka_unit_test(test_v8_stacks),
		cmocka_unit_test(test_v8_flat),
		cmocka_unit_test(test_collected),
		cmocka_unit_test(test_limit_and_marks),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_numbers_of_any_size),
		cmocka_unit_test(test_empty_and_short),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_leak_after_sleep),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_late_leak),
		cmocka_unit_test(test_lumps),
		cmocka_unit_test(test_called),
		cmocka_unit_test(test_shrinking),
	};

	return cmocka_run_group_tests_name("analysis/verdict", tests, NULL, NULL);
}
