/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a check says: the last line of each result, the blocks above it, and the NDJSON record. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/gate_text.h"
#include "output/ndjson_gate.h"

#define MIB	  1048576.0
#define EXITED(s) ((s) << 8)

/* Two processes, the worse first; the other is fine. */
struct found {
	struct gate_process p[2];
	const struct gate_process *list[2];
	struct verdict verdict;
	struct gate gate;
	struct strbuf out;
};

static void found_begin(struct found *f, enum gate_finding finding, double rate)
{
	memset(f, 0, sizeof(*f));
	strbuf_init(&f->out);
	f->p[0] = (struct gate_process){.pid = 4711, .comm = "node", .finding = finding};
	f->p[0].shape.trend.slope = f->verdict.trend.slope = rate;
	f->p[0].shape.span_s = 60;
	f->p[0].shape.growth = f->p[0].grown = rate * 60;
	f->p[1] = (struct gate_process){.pid = 1, .comm = "sh", .finding = GATE_FINE};
	f->list[0] = &f->p[0];
	f->list[1] = &f->p[1];
	f->gate.processes = f->list;
	f->gate.count = 2;
	f->gate.seconds = 119.9;
}

static const char *line(struct found *f)
{
	gate_decide(&f->gate);
	gate_line_add(&f->out, &f->gate, "npm");
	return f->out.s;
}

static void test_leak(void **state)
{
	struct found f;

	(void)state;
	found_begin(&f, GATE_LEAKS, MIB);
	f.p[0].verdict = &f.verdict;
	f.verdict.is_leak = true;
	assert_string_equal(line(&f), "LEAK: 1 of 2 processes: 4711 (node) +1.0M/s");
	strbuf_release(&f.out);
	found_begin(&f, GATE_OUTGROWN, MIB);
	f.p[0].is_oom_killed = true;
	assert_string_equal(line(&f), "LEAK: 1 of 2 processes: 4711 (node) grew by 60.0M until it "
				      "was killed for lack of memory: a leak is likely");
	strbuf_release(&f.out);
	found_begin(&f, GATE_OUTGROWN, MIB);
	assert_non_null(strstr(line(&f), "aborted, as V8 does"));
	strbuf_release(&f.out);
}

static void test_over(void **state)
{
	struct found f;

	(void)state;
	found_begin(&f, GATE_FAST, 2 * MIB);
	f.gate.max_growth = MIB;
	assert_string_equal(line(&f), "OVER: 1 of 2 processes over +1.0M/s: 4711 (node) +2.0M/s");
	strbuf_release(&f.out);
}

static void test_unknown(void **state)
{
	struct found f;

	(void)state;
	found_begin(&f, GATE_EARLY, MIB / 2);
	assert_string_equal(line(&f), "UNKNOWN: 1 of 2 processes: 4711 (node) grew by 30.0M in "
				      "1m00s; too early to say why: watch for longer (-d)");
	strbuf_release(&f.out);
	found_begin(&f, GATE_KILLED, 0);
	assert_string_equal(line(&f), "UNKNOWN: 1 of 2 processes: 4711 (node) was killed for lack "
				      "of memory");
	strbuf_release(&f.out);
	found_begin(&f, GATE_FINE, 0);
	f.gate.count = 0;
	assert_string_equal(line(&f), "UNKNOWN: no process was seen that is meant");
	strbuf_release(&f.out);
}

static void test_pass(void **state)
{
	struct found f;

	(void)state;
	found_begin(&f, GATE_FINE, 0);
	assert_string_equal(line(&f), "PASS: 2 processes, none leaks");
	strbuf_release(&f.out);
	found_begin(&f, GATE_FINE, 0);
	f.gate.count = 1;
	f.gate.max_growth = MIB;
	assert_string_equal(line(&f), "PASS: 1 process, no leak, none over +1.0M/s");
	strbuf_release(&f.out);
	found_begin(&f, GATE_BRIEF, 0);
	f.gate.passed = 5;
	assert_string_equal(line(&f), "PASS: 7 processes, none leaks (of 1 no growth seen; watched "
				      "too briefly for more)");
	strbuf_release(&f.out);
}

static void test_failed(void **state)
{
	struct found f;

	(void)state;
	found_begin(&f, GATE_FINE, 0);
	f.gate.command =
		(struct gate_command){.is_run = true, .has_ended = true, .code = EXITED(5)};
	assert_string_equal(line(&f), "FAILED: 'npm' ended with status 5");
	strbuf_clear(&f.out);
	f.gate.command.code = SIGSEGV | 0x80;
	assert_string_equal(line(&f), "FAILED: 'npm' was killed by signal 11 (SIGSEGV)");
	strbuf_clear(&f.out);
	f.gate.command.exec_error = ENOENT;
	assert_string_equal(line(&f), "FAILED: 'npm' cannot be run: No such file or directory");
	strbuf_release(&f.out);
}

/* A name is anything: it must not forge the last line, nor move the cursor. */
static void test_whole(void **state)
{
	struct found f;
	const char *last;

	(void)state;
	found_begin(&f, GATE_EARLY, MIB);
	memcpy(f.p[0].comm, "a\nPASS: \033[2J", 13);
	f.p[0].sites = "      a site\n";
	f.p[0].kept = "    what grew\n";
	f.p[0].has_ended = f.p[0].is_code_known = true;
	f.p[0].code = EXITED(3);
	f.p[0].lived_s = 61;
	gate_decide(&f.gate);
	gate_text_add(&f.out, &f.gate, NULL);
	assert_non_null(strstr(f.out.s, "watched for 2m00s\n"));
	assert_non_null(strstr(f.out.s, "private memory grew by 60.0M in 1m00s, +1.0M/s"));
	assert_non_null(strstr(f.out.s, "ended with status 3 after 1m01s\n"));
	assert_non_null(strstr(f.out.s, "likeliest sites:\n      a site\n    what grew\n"));
	assert_non_null(strstr(f.out.s, "\n1 (sh): too early to say\n"));
	assert_null(strchr(f.out.s, '\033'));
	assert_null(strstr(f.out.s, "\nPASS"));
	last = strstr(f.out.s, "\nUNKNOWN: ");
	assert_non_null(last);
	assert_ptr_equal(strchr(last + 1, '\n'), f.out.s + f.out.len - 1);
	strbuf_release(&f.out);
}

static void test_record(void **state)
{
	struct found f;

	(void)state;
	found_begin(&f, GATE_LEAKS, MIB);
	f.gate.command = (struct gate_command){.is_run = true, .has_ended = true, .code = SIGTERM};
	f.gate.passed = 3;
	gate_decide(&f.gate);
	ndjson_gate_add(&f.out, &f.gate, 7, 0);
	assert_string_equal(f.out.s,
			    "{\"type\":\"check\",\"ts_ns\":7,\"time\":\"1970-01-01T00:00:00.000Z\","
			    "\"result\":\"leak\",\"status\":3,\"seconds\":119.9,"
			    "\"growth_bytes_per_s\":1048576,\"processes\":5,\"leaking\":1,"
			    "\"command\":{\"signal\":15}}\n");
	strbuf_release(&f.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leak),	cmocka_unit_test(test_over),
		cmocka_unit_test(test_unknown), cmocka_unit_test(test_pass),
		cmocka_unit_test(test_failed),	cmocka_unit_test(test_whole),
		cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests_name("output/gate", tests, NULL, NULL);
}
