/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What passes a gate and what does not: of one process, and of several with a program. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/gate.h"

#define MIB	  1048576.0
#define SECOND_NS 1000000000ULL
#define BEGIN_NS  (100 * SECOND_NS)
#define EXITED(s) ((s) << 8)

/* A course of @seconds at one point a second, from 50 MiB, and what is found of it. */
struct course {
	struct series series;
	struct verdict verdict;
	struct gate_process p;
};

static void course_begin(struct course *c, double bytes_per_s, unsigned seconds)
{
	memset(c, 0, sizeof(*c));
	series_init(&c->series);
	for (unsigned s = 0; s <= seconds; s++)
		assert_int_equal(series_add(&c->series, BEGIN_NS + s * SECOND_NS,
					    (uint64_t)(50 * MIB + bytes_per_s * s)),
				 0);
	c->p.private_bytes = &c->series;
	c->p.is_main = true;
	c->p.lived_s = seconds;
}

static void judged(struct course *c, enum verdict_class class, bool is_leak)
{
	c->verdict.class = class;
	c->verdict.is_leak = is_leak;
	c->verdict.confidence = 0.9;
	c->p.verdict = &c->verdict;
}

static void ended(struct course *c, int code)
{
	c->p.has_ended = c->p.is_code_known = true;
	c->p.code = code;
}

static enum gate_finding find(struct course *c, double max_growth, double watched_s)
{
	gate_look(&c->p, max_growth, watched_s);
	series_release(&c->series);
	return c->p.finding;
}

/* ---- one process ---- */

static void test_verdicts(void **state)
{
	static const struct {
		enum verdict_class class;
		bool is_leak;
		double rate;
		enum gate_finding wanted;
	} cases[] = {
		{VERDICT_LEAK, true, MIB, GATE_LEAKS},
		{VERDICT_EXTERNAL, true, 0, GATE_LEAKS}, /* by what private memory does not show */
		{VERDICT_SHMEM, true, 0, GATE_LEAKS},
		{VERDICT_WARMING, false, MIB, GATE_FINE}, /* grows, and is judged */
		{VERDICT_PAGE_CACHE, false, 0, GATE_FINE},
		{VERDICT_STEADY, false, 0, GATE_FINE},
		{VERDICT_EARLY, false, MIB, GATE_EARLY},
		{VERDICT_EARLY, false, 0, GATE_BRIEF},
		{VERDICT_EARLY, false, -MIB / 10, GATE_BRIEF},
		{VERDICT_EARLY, false, 1000, GATE_BRIEF}, /* too little to matter */
		{VERDICT_EARLY, false, 30000, GATE_SLOW}, /* less than 2 MiB a minute */
		{VERDICT_EARLY, false, 50000, GATE_EARLY},
	};
	struct course c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		course_begin(&c, cases[i].rate, 30);
		judged(&c, cases[i].class, cases[i].is_leak);
		assert_int_equal(find(&c, 0, 30), cases[i].wanted);
	}
}

static void test_never_judged(void **state)
{
	struct course c;

	(void)state;
	course_begin(&c, MIB, 5);
	assert_int_equal(find(&c, 0, 5), GATE_EARLY);
	assert_true(c.p.grown > 4 * MIB && c.p.grown < 6 * MIB);
	course_begin(&c, 0, 5);
	assert_int_equal(find(&c, 0, 5), GATE_BRIEF);
	course_begin(&c, 0, 0); /* one tick */
	assert_int_equal(find(&c, 0, 0), GATE_BRIEF);
	memset(&c, 0, sizeof(c)); /* none since its program began */
	c.p.private_bytes = &c.series;
	assert_int_equal(find(&c, 0, 5), GATE_BRIEF);
}

static void test_bar(void **state)
{
	struct course c;

	(void)state;
	course_begin(&c, MIB, 30);
	judged(&c, VERDICT_WARMING, false);
	assert_int_equal(find(&c, MIB / 2, 30), GATE_FAST);
	assert_true(gate_rate(&c.p) > 0.9 * MIB && gate_rate(&c.p) < 1.1 * MIB);
	course_begin(&c, MIB, 30);
	judged(&c, VERDICT_WARMING, false);
	assert_int_equal(find(&c, 2 * MIB, 30), GATE_FINE);
	/* Below what matters to a verdict, but not to who set the bar. */
	course_begin(&c, 8192, 60);
	judged(&c, VERDICT_STEADY, false);
	assert_int_equal(find(&c, 4096, 60), GATE_FAST);
	/* Too short for it. */
	course_begin(&c, MIB, 5);
	assert_int_equal(find(&c, MIB / 2, 5), GATE_EARLY);
	/* A leak is one in any case. */
	course_begin(&c, MIB, 30);
	judged(&c, VERDICT_LEAK, true);
	assert_int_equal(find(&c, 1000 * MIB, 30), GATE_LEAKS);
}

static void test_killed_for_memory(void **state)
{
	struct course c;

	(void)state;
	course_begin(&c, 10 * MIB, 6);
	ended(&c, SIGKILL);
	c.p.is_oom_killed = true;
	assert_int_equal(find(&c, 0, 6), GATE_OUTGROWN);
	course_begin(&c, 0, 60); /* another's growth had it killed, or it grew at once */
	judged(&c, VERDICT_STEADY, false);
	ended(&c, SIGKILL);
	c.p.is_oom_killed = true;
	assert_int_equal(find(&c, 0, 60), GATE_KILLED);
	course_begin(&c, 10 * MIB, 6); /* by anyone else */
	ended(&c, SIGKILL);
	assert_int_equal(find(&c, 0, 6), GATE_EARLY);
}

static void test_collector_gives_up(void **state)
{
	static const int signals[] = {SIGABRT, SIGTRAP, SIGILL};
	struct course c;

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		course_begin(&c, 10 * MIB, 6);
		ended(&c, signals[i] | 0x80); /* with a core file */
		c.p.has_collector = true;
		assert_int_equal(find(&c, 0, 6), GATE_OUTGROWN);
	}
	course_begin(&c, 0, 6);
	ended(&c, SIGABRT);
	c.p.has_collector = true;
	assert_int_equal(find(&c, 0, 6), GATE_BRIEF);
	course_begin(&c, 10 * MIB, 6); /* an assertion of a program in C */
	ended(&c, SIGABRT);
	assert_int_equal(find(&c, 0, 6), GATE_EARLY);
	course_begin(&c, 10 * MIB, 6);
	ended(&c, SIGTERM);
	c.p.has_collector = true;
	assert_int_equal(find(&c, 0, 6), GATE_EARLY);
}

/* A compiler that a build runs: it grows all its life, and that is short. */
static void test_came_and_went(void **state)
{
	struct course c;

	(void)state;
	course_begin(&c, 10 * MIB, 6);
	ended(&c, EXITED(0));
	c.p.is_main = false;
	assert_int_equal(find(&c, 0, 60), GATE_PASSING);
	course_begin(&c, 10 * MIB, 6); /* it was most of the run */
	ended(&c, EXITED(0));
	c.p.is_main = false;
	assert_int_equal(find(&c, 0, 7), GATE_EARLY);
	course_begin(&c, 10 * MIB, 6); /* the program itself */
	ended(&c, EXITED(0));
	assert_int_equal(find(&c, 0, 60), GATE_EARLY);
	course_begin(&c, 10 * MIB, 6); /* still there */
	c.p.is_main = false;
	assert_int_equal(find(&c, 0, 60), GATE_EARLY);
}

/* A helper that another stops, or that fails, has ended all the same; one that crashes did not. */
static void test_how_it_went(void **state)
{
	static const struct {
		int code;
		enum gate_finding wanted;
	} cases[] = {
		{EXITED(1), GATE_PASSING}, {EXITED(143), GATE_PASSING}, {SIGTERM, GATE_PASSING},
		{SIGINT, GATE_PASSING},	   {SIGHUP, GATE_PASSING},	{SIGKILL, GATE_PASSING},
		{SIGABRT, GATE_EARLY},	   {SIGTRAP, GATE_EARLY},	{SIGSEGV, GATE_EARLY},
		{SIGBUS, GATE_EARLY},	   {SIGILL | 0x80, GATE_EARLY},
	};
	struct course c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		course_begin(&c, 10 * MIB, 6);
		ended(&c, cases[i].code);
		c.p.is_main = false;
		assert_int_equal(find(&c, 0, 60), cases[i].wanted);
		course_begin(&c, 10 * MIB, 6); /* for lack of memory, whatever the signal */
		ended(&c, cases[i].code);
		c.p.is_main = false;
		c.p.is_oom_killed = true;
		assert_int_equal(find(&c, 0, 60), GATE_OUTGROWN);
	}
	course_begin(&c, 10 * MIB, 6); /* V8 gave up */
	ended(&c, SIGTRAP);
	c.p.is_main = false;
	c.p.has_collector = true;
	assert_int_equal(find(&c, 0, 60), GATE_OUTGROWN);
}

/* ---- all of them ---- */

static enum gate_result decide(const enum gate_finding *findings, size_t count,
			       const struct gate_command *command)
{
	struct gate_process processes[8];
	const struct gate_process *list[8];
	struct gate g = {.processes = list, .count = count};

	memset(processes, 0, sizeof(processes));
	for (size_t i = 0; i < count; i++) {
		processes[i].pid = (uint32_t)i + 1;
		processes[i].finding = findings[i];
		list[i] = &processes[i];
	}
	if (command)
		g.command = *command;
	gate_sort(list, count);
	gate_decide(&g);
	for (size_t i = 1; i < count; i++)
		assert_true(list[i - 1]->finding >= list[i]->finding);
	if (g.result == GATE_LEAK)
		assert_in_range(g.bad, 1, count);
	return g.result;
}

#define DECIDE(command, ...)                                                                       \
	decide((const enum gate_finding[]){__VA_ARGS__},                                           \
	       sizeof((const enum gate_finding[]){__VA_ARGS__}) / sizeof(enum gate_finding),       \
	       command)

static void test_worst_decides(void **state)
{
	(void)state;
	assert_int_equal(DECIDE(NULL, GATE_FINE), GATE_PASS);
	assert_int_equal(DECIDE(NULL, GATE_FINE, GATE_BRIEF, GATE_SLOW, GATE_PASSING), GATE_PASS);
	assert_int_equal(DECIDE(NULL, GATE_FINE, GATE_EARLY), GATE_UNKNOWN);
	assert_int_equal(DECIDE(NULL, GATE_KILLED, GATE_FINE), GATE_UNKNOWN);
	assert_int_equal(DECIDE(NULL, GATE_EARLY, GATE_FAST), GATE_OVER);
	assert_int_equal(DECIDE(NULL, GATE_FAST, GATE_OUTGROWN), GATE_LEAK);
	assert_int_equal(DECIDE(NULL, GATE_FINE, GATE_LEAKS, GATE_EARLY, GATE_FAST), GATE_LEAK);
	assert_int_equal(decide(NULL, 0, NULL), GATE_UNKNOWN); /* nobody came */
}

static void test_command(void **state)
{
	const struct gate_command good = {.is_run = true, .has_ended = true};
	const struct gate_command bad = {.is_run = true, .has_ended = true, .code = EXITED(1)};
	const struct gate_command crashed = {.is_run = true, .has_ended = true, .code = SIGSEGV};
	const struct gate_command stopped = {
		.is_run = true, .has_ended = true, .code = SIGTERM, .was_told_to = true};
	const struct gate_command missing = {
		.is_run = true, .has_ended = true, .code = EXITED(127), .exec_error = 2};
	const struct gate_command running = {.is_run = true};

	(void)state;
	assert_int_equal(DECIDE(&good, GATE_FINE), GATE_PASS);
	assert_int_equal(DECIDE(&running, GATE_FINE), GATE_PASS);
	assert_int_equal(DECIDE(&stopped, GATE_FINE), GATE_PASS);
	assert_int_equal(DECIDE(&bad, GATE_FINE), GATE_FAILED);
	assert_int_equal(DECIDE(&crashed, GATE_FINE), GATE_FAILED);
	assert_int_equal(DECIDE(&missing, GATE_BRIEF), GATE_FAILED);
	assert_int_equal(DECIDE(&bad, GATE_EARLY), GATE_FAILED);
	assert_int_equal(DECIDE(&bad, GATE_LEAKS), GATE_LEAK); /* the worse news */
	assert_int_equal(DECIDE(&stopped, GATE_EARLY), GATE_UNKNOWN);
}

static void test_statuses(void **state)
{
	(void)state;
	assert_int_equal(gate_status(GATE_PASS), 0);
	assert_int_equal(gate_status(GATE_LEAK), 3);
	assert_int_equal(gate_status(GATE_OVER), 3);
	assert_int_equal(gate_status(GATE_UNKNOWN), 1);
	assert_int_equal(gate_status(GATE_FAILED), 1);
	assert_string_equal(gate_result_name(GATE_OVER), "over");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_never_judged),
		cmocka_unit_test(test_bar),
		cmocka_unit_test(test_killed_for_memory),
		cmocka_unit_test(test_collector_gives_up),
		cmocka_unit_test(test_came_and_went),
		cmocka_unit_test(test_how_it_went),
		cmocka_unit_test(test_worst_decides),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_statuses),
	};

	return cmocka_run_group_tests_name("analysis/gate", tests, NULL, NULL);
}
