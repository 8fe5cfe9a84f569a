/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reports for people: the whole of one, as tests/golden/report.txt has it; what is told of
 * recordings that are less than whole; names that are hostile.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/report_text.h"
#include "recording_build.h"
#include "store/recording_internal.h"

#define GOLDEN "tests/golden/report.txt"

/* The report on the sample, changed by @sql; free() it. */
static char *report(const char *sql, const struct recording_select *select,
		    const struct report_view *v)
{
	sqlite3 *db = build_recording(":memory:");
	char why[RECORDING_WHY];
	struct strbuf out;
	struct recorded *r;

	build_sql(db, build_service_sql);
	build_sql(db, sql);
	if (recording_load_db(db, select, &r, why))
		fail_msg("%s", why);
	strbuf_init(&out);
	report_text_add(&out, r, v);
	assert_int_equal(out.err, 0);
	recorded_free(r);
	sqlite3_close(db);
	return out.s;
}

static void says(const char *sql, const char *what)
{
	char *text = report(sql, NULL, &(struct report_view){0});

	if (!strstr(text, what))
		fail_msg("after %s: not '%s' in:\n%s", sql, what, text);
	free(text);
}

static void says_not(const char *sql, const char *what)
{
	char *text = report(sql, NULL, &(struct report_view){0});

	if (strstr(text, what))
		fail_msg("after %s: '%s' in:\n%s", sql, what, text);
	free(text);
}

static void test_golden(void **state)
{
	char *text = report("", NULL, &(struct report_view){.utf8 = true});
	char *golden = calloc(1, 1 << 16);
	FILE *f = fopen(GOLDEN, "r");

	(void)state;
	assert_non_null(golden);
	assert_non_null(f);
	assert_true(fread(golden, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	if (strcmp(text, golden) != 0)
		fail_msg("not as %s:\n%s", GOLDEN, text);
	free(golden);
	free(text);
}

static void test_head(void **state)
{
	(void)state;
	says("DELETE FROM meta WHERE key = 'ended'", "\ncut off ");
	says_not("", "\ncut off ");
	says("INSERT INTO meta VALUES ('thinned_ns', 1100000000000)",
	     "\nthinned   not every tick before 22:15:00 is there\n");
	says("INSERT INTO meta VALUES ('dropped_events', 12)", "\ndropped   12 events: ");
	says("INSERT INTO meta VALUES ('dropped_sites', 3)", "\ndropped   3 sites: ");
	says("UPDATE meta SET value = 1700000000000000000 - 3600000000000 * 30 WHERE key = "
	     "'begin_wall_ns'",
	     "recorded  2023-11-13 16:13:20 to 2023-11-14 22:23:20 UTC");
	says("DELETE FROM meta WHERE key = 'command'", "\nof        process 4711 (node)");
	says("DELETE FROM meta WHERE key = 'command'; DELETE FROM target",
	     "\nof        the whole machine, 1250 requests\n");
	says("DELETE FROM meta WHERE key = 'command'; INSERT INTO target VALUES (9);"
	     "INSERT INTO meta VALUES ('cgroup', '/a')",
	     "\nof        processes 9, 4711 (node); cgroup /a");
	says("DELETE FROM meta WHERE key IN ('version', 'kernel')", "by memwatch ? on Linux ?");
	says("DELETE FROM tick; DELETE FROM process_tick", "recorded  no tick yet\nof ");
	says_not("DELETE FROM tick; DELETE FROM process_tick", "1970");
}

/* As wide as a terminal; kinds by which nobody grew are left out. */
static void test_table(void **state)
{
	(void)state;
	says("", " GROWTH   = ANON    FILE\n");
	says("UPDATE process_tick SET swap_bytes = ns / 1000000 WHERE process = 1",
	     " GROWTH   = ANON    FILE    SWAP\n");
}

static void test_result(void **state)
{
	(void)state;
	says("DELETE FROM verdict", "\nfound     too early to say of any process");
	says("DELETE FROM verdict WHERE process = 1",
	     "\nfound     no leak in 1 process; too early to say of 2\n");
	says("DELETE FROM process_tick; DELETE FROM process; DELETE FROM tick",
	     "found     no process: none was there at a tick\n");
}

/* What is known is told, also where it is too early to call it a leak. */
static void test_grown(void **state)
{
	(void)state;
	says("DELETE FROM verdict",
	     "\nfound     too early to say of any process whether it leaks\n"
	     "grew      4711 (node) by 60.0M in 10m00s (+102.4K/s), anon +60.0M\n"
	     "code      saveContext handles.js:12 <- handleStatus status.js:30, 75 % of "
	     "v8-survived\n"
	     "recorded  ");
	/* That something else grew more is not told of before a leak. */
	says("UPDATE process_tick SET anon_bytes = anon_bytes + ns / 1000 WHERE process = 3",
	     "\ngrew      4711 (node) by ");
	/* Of who did not grow by as much as a line is worth, nothing. */
	says_not("UPDATE process_tick SET anon_bytes = 0", "\ngrew ");
	says_not("UPDATE process_tick SET anon_bytes = 0", "\ncode ");
}

/* Who is told of one by one. */
static void test_blocks(void **state)
{
	const uint32_t pid = 815;
	const struct recording_select select = {.pids = &pid, .pid_count = 1};
	char *text;

	(void)state;
	says("", "\n4712 (worker) in /docker/abc\n"); /* killed for lack of memory */
	says_not("DELETE FROM event", "\n4712 (worker)");
	says_not("", "\n815 (postgres)"); /* did not grow */
	text = report("", &select, &(struct report_view){.is_selected = true});
	assert_non_null(strstr(text, "\n815 (postgres)"));
	assert_non_null(strstr(text, "  steady, 90 % sure"));
	assert_null(strstr(text, "\n4711 (node)"));
	assert_null(strstr(text, "   4711 node"));
	free(text);
	text = report("", NULL, &(struct report_view){.rows = 1});
	assert_non_null(strstr(text, "and 2 more (-r N shows N)"));
	free(text);
}

static void test_hostile(void **state)
{
	char *text =
		report("UPDATE process SET comm = 'a' || char(27) || '[2J', path = char(10) || "
		       "'x'; UPDATE cgroup SET path = char(0x202e) || 'y';"
		       "UPDATE frame SET fn = char(13) || 'f';"
		       "UPDATE meta SET value = char(27) || 'c' WHERE key = 'command';"
		       "UPDATE verdict SET evidence = '[\"a\\u001b\\nb\"]'",
		       NULL, &(struct report_view){.utf8 = true});

	(void)state;
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, '\r'));
	assert_null(strstr(text, "\342\200\256"));
	assert_null(strstr(text, "\nx"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden), cmocka_unit_test(test_table),
		cmocka_unit_test(test_head),   cmocka_unit_test(test_result),
		cmocka_unit_test(test_blocks), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_grown),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
