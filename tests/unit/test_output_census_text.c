/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is said of a census, of growth, and of who keeps it; narrow, wide, and of hostile names. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../utf8_oracle.h"
#include "census_sample.h"
#include "output/census_text.h"
#include "output/fields.h"

static const struct census_view file_view = {0};

static void test_census(void **state)
{
	const struct census_view v = {.rows = 4, .width = 80};
	struct census *c = sample_service(0, 2500);
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	census_text_add(&out, c, &v);
	assert_string_equal(
		out.s,
		"4711 (node)  V8 12.4.254  2023-11-14 22:13:20 UTC  RSS 80.0M\n"
		"heap: 4.5M in 38.0k objects, on pages of 9.0M; 96.0K of ArrayBuffers outside of "
		"it\n"
		"it stood still for 18.2 ms; 64.0M read, looked at for 0.21 s\n"
		"\n"
		"    COUNT   BYTES SHARE OUTSIDE KIND    CONSTRUCTOR\n"
		"     9000    3.0M   67%         code    (code)\n"
		"    20000    1.0M   22%         string  (string)\n"
		"     3000  187.5K    4%         object  StatusContext handles.js:25\n"
		"     3001  164.1K    4%         closure (anonymous)() handles.js:31\n"
		"     3013  141.8K    3%   96.0K ... 2 more (-r N shows N of them)\n"
		"    38014    4.5M  100%   96.0K in all, 6 constructors\n");
	strbuf_clear(&out);
	census_text_add(&out, c, &file_view); /* all of them, and whole paths */
	assert_non_null(strstr(out.s, " object  StatusContext /app/handles.js:25\n"));
	assert_non_null(strstr(out.s, "  96.0K object  ArrayBuffer\n"));
	assert_null(strstr(out.s, "more"));
	census_free(c);
	strbuf_release(&out);
}

static void test_how_it_was_taken(void **state)
{
	struct census *c = sample_census(0);
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	c->is_live = true;
	c->pause_ns = 0;
	c->in_gc = true;
	c->lost = (struct census_lost){70000, 3, 0, 2, 1};
	c->isolates[1].id = 0x7f002000;
	c->isolate_count = 2;
	sample_add(c, (struct constructor){.name = "A", .isolate = 1, .count = 1, .bytes = 100});
	census_text_add(&out, c, &file_view);
	assert_non_null(strstr(out.s, "\nread while it ran: counts are +-1 to 2 %; "));
	assert_non_null(strstr(out.s, "\na collection was under way all the time"));
	assert_non_null(strstr(out.s, "\nnot exact: 68.4K not read, sizes guessed: 3, names too "
				      "many: 2, isolates too many: 1\n"));
	assert_non_null(strstr(out.s, "\nisolate #1 (0x7f002000): 100B in 1 objects"));
	assert_non_null(strstr(out.s, "\n    COUNT   BYTES SHARE ISO KIND    CONSTRUCTOR\n"));
	assert_non_null(strstr(out.s, "\n        1    100B  100% #1  object  A\n"));
	strbuf_clear(&out);
	census_text_add(&out, c, &(struct census_view){.utf8 = true});
	assert_non_null(strstr(out.s, "counts are ±1 to 2 %"));
	census_free(c);
	strbuf_release(&out);
}

static void test_growth(void **state)
{
	const struct census_view narrow = {.rows = 1, .width = 80};
	struct census *a = sample_service(0, 0), *b = sample_service(30, 2000),
		      *c = sample_service(34, 2500);
	struct census_diff *d;
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	sample_add(a, (struct constructor){.name = "Gone", .count = 5, .bytes = 4000});
	d = census_diff_new(a, NULL, c);
	assert_non_null(d);
	census_diff_text_add(&out, d, &narrow);
	assert_non_null(strstr(out.s, "\ngrowth since 2023-11-14 22:13:20 UTC, in 34.0 s: "
				      "+406.3K, +7495 objects\n\n"));
	assert_non_null(strstr(
		out.s, "   +COUNT  +BYTES      RATE    COUNT   BYTES KIND    CONSTRUCTOR\n"
		       "    +2500 +156.3K   +4.6K/s     3000  187.5K object  "
		       "StatusContext handles.js:25\n"
		       "    +5000 +253.9K   +7.5K/s     6002  304.8K ... 2 more that grew\n"
		       "       -5   -3.9K   -118B/s        0       0 ... 1 more that shrank\n"
		       "    +7495 +406.3K  +11.9K/s    38014    4.6M in all, 7 "
		       "constructors\n"));
	census_diff_free(d);
	strbuf_clear(&out);
	d = census_diff_new(a, b, c);
	assert_non_null(d);
	census_diff_text_add(&out, d, &narrow);
	assert_non_null(strstr(out.s, "\nLAST: of that, in the last 4.0 s\n"));
	assert_non_null(
		strstr(out.s, "\n    +2500 +156.3K     +500  +31.3K     3000  187.5K object  "));
	assert_null(strstr(out.s, "/s"));
	strbuf_clear(&out);
	census_diff_text_add(&out, d, &file_view); /* all that changed, and rates */
	assert_non_null(strstr(out.s, " -118B/s       +0       0        0       0 object  Gone\n"));
	assert_null(strstr(out.s, "(string)"));
	assert_null(strstr(out.s, "more"));
	census_diff_free(d);
	strbuf_clear(&out);
	c->pid = 4712; /* of another process */
	d = census_diff_new(a, NULL, c);
	assert_non_null(d);
	census_diff_text_add(&out, d, &file_view);
	assert_non_null(strstr(out.s, "\ngrowth since the census of 4711 (node), 2023-11-14 "));
	census_diff_free(d);
	census_free(a);
	census_free(b);
	census_free(c);
	strbuf_release(&out);
}

static void test_retainers(void **state)
{
	const struct census_view v = {.width = 80};
	struct census *c = sample_service(0, 2500);
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	census_retainers_text_add(&out, c, &v);
	assert_string_equal(out.s, "");
	sample_retainer(c);
	sample_retainer(c);
	sample_retainer(c);
	c->retainers[1].count++; /* another container */
	c->retainers[2].of = "Date";
	c->retainers[2].of_file = NULL;
	c->retainers[2].share = 0.982;
	c->retainers[1].owner_count = c->retainers[1].owners_left_out = 0;
	census_retainers_text_add(&out, c, &v);
	assert_string_equal(
		out.s, "\n"
		       "100% of 3000 StatusContext handles.js\n"
		       "98% of 3000 Date\n"
		       "  held by Map, which keeps 41.0k objects, 1.9M\n"
		       "    <- variable `handleMap` of Context, scope of open (handles.js:12)\n"
		       "    <- .open of {open, size}\n"
		       "       ... 2 steps more\n"
		       "    <- .children of (global object)\n"
		       "  also referred to by\n"
		       "    <- variable `handleMap` of Context\n"
		       "       ... and 1 more\n"
		       "\n"
		       "100% of 3000 StatusContext handles.js\n"
		       "  held by Map, which keeps 41.0k objects, 1.9M\n"
		       "    <- variable `handleMap` of Context, scope of open (handles.js:12)\n"
		       "    <- .open of {open, size}\n"
		       "       ... 2 steps more\n"
		       "    <- .children of (global object)\n");
	census_free(c);
	strbuf_release(&out);
}

static void test_no_container(void **state)
{
	struct census *c = sample_service(0, 2500);
	struct retainer *r;
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	sample_retainer(c);
	r = &c->retainers[0];
	r->share = 0;
	r->container = NULL;
	r->owner_count = r->owners_left_out = r->steps_left_out = 0;
	census_retainers_text_add(&out, c, &(struct census_view){.utf8 = true});
	assert_non_null(strstr(out.s, "\n3000 StatusContext /app/handles.js\n"
				      "  no one container holds most of them; one is held by\n"));
	assert_non_null(strstr(out.s, "\n    ← .open of {open, size}\n"));
	r->step_count = 0;
	strbuf_clear(&out);
	c->isolate_count = 2;
	census_retainers_text_add(&out, c, &file_view);
	assert_string_equal(out.s, "\n3000 StatusContext /app/handles.js in isolate #0\n"
				   "  no one container holds most of them\n");
	census_free(c);
	strbuf_release(&out);
}

/* Escapes, newlines and bytes that are no text do not get out; long names are cut. */
static void test_hostile_names(void **state)
{
	static char name[100000];
	const struct census_view v = {.width = 60};
	struct retainer r = {.of = name,
			     .of_file = name,
			     .container = name,
			     .share = 1,
			     .step_count = 1,
			     .owner_count = 1};
	struct census *a = sample_census(0), *b;
	struct census_diff *d;
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = (char)(1 + i * 7 % 255);
	r.steps[0] = r.owners[0] = (struct retainer_step){name, name, name, 1};
	memset(a->comm, '\n', MW_COMM_LEN);
	memset(a->node, '\x1b', sizeof(a->node) - 1);
	sample_add(a, (struct constructor){.name = name, .file = name, .count = 1, .bytes = 1});
	b = sample_census(1);
	d = census_diff_new(b, NULL, a);
	assert_non_null(d);
	census_text_add(&out, a, &v);
	census_text_add(&out, a, &file_view);
	census_diff_text_add(&out, d, &v);
	assert_int_equal(census_add_retainer(a, &r), 0);
	census_retainers_text_add(&out, a, &v);
	census_retainers_text_add(&out, a, &file_view);
	assert_int_equal(out.err, 0);
	for (char *line = strtok(out.s, "\n"); line; line = strtok(NULL, "\n")) {
		assert_true(oracle_is_clean(line, strlen(line)));
		assert_true(strlen(line) < 40000);
	}
	census_diff_free(d);
	census_free(a);
	census_free(b);
	strbuf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_census),	     cmocka_unit_test(test_how_it_was_taken),
		cmocka_unit_test(test_growth),	     cmocka_unit_test(test_retainers),
		cmocka_unit_test(test_no_container), cmocka_unit_test(test_hostile_names),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("output/census_text", tests, NULL, NULL);
}
