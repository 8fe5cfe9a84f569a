/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What comparisons of real pairs (tests/truth/pairs.tsv) were once wrong about, with their figures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/run_diff.h"
#include "output/run_diff_text.h"
#include "run_diff_sample.h"

static void assert_headline(const struct run_diff *d, const char *expected)
{
	struct strbuf out;

	strbuf_init(&out);
	run_diff_headline_add(&out, d);
	assert_string_equal(out.s, expected);
	strbuf_release(&out);
}

/* Strings that came in a run: from @first to @last, of 24 bytes each. */
static struct recorded *strings(const char *path, uint64_t first, uint64_t last)
{
	struct recorded *r = run_sample(path, 1);
	struct census *c[] = {sample_census(0), sample_census(25)};

	run_sample_constructor(c[0], CENSUS_STRING, "(string)", NULL, 0, first, first * 24);
	run_sample_constructor(c[1], CENSUS_STRING, "(string)", NULL, 0, last, last * 24);
	run_sample_censuses(r->processes, c[0], c[1]);
	return r;
}

static void hold_strings(struct recorded *r, const char *container)
{
	struct retainer held = {.of = "(string)",
				.of_kind = CENSUS_STRING,
				.instances = 26996,
				.count = 16379,
				.bytes = 655224,
				.share = 0.62,
				.container = container,
				.steps = {{.edge = "a handle", .node = "native code"}},
				.step_count = 1};

	assert_int_equal(census_add_retainer(r->processes->censuses[1].census, &held), 0);
}

/* Two programs that print numbers, array-fixed and map-fixed, on Node 20. */
static void test_number_table(void **state)
{
	struct recorded *a = strings("a.mw", 16000, 21689), *b = strings("b.mw", 16500, 26938),
			*leak = strings("leak.mw", 16500, 64500);
	struct run_diff *d = run_sample_compare(a, b);

	(void)state;
	assert_non_null(run_diff_grows(d)); /* nobody knows whose they are */
	run_diff_free(d);
	hold_strings(b, "array");
	d = run_sample_compare(a, b);
	assert_null(run_diff_grows(d));
	assert_int_equal(d->pairs[0].basis, RUN_BY_CENSUS);
	run_diff_free(d);
	hold_strings(leak, "array"); /* most, but not all that came */
	assert_true(run_sample_grows(a, leak));
	recorded_free(b);
	b = strings("b.mw", 16500, 26938);
	hold_strings(b, "Array"); /* of the program */
	assert_true(run_sample_grows(a, b));
	recorded_free(a);
	recorded_free(b);
	recorded_free(leak);
}

/* A full collection emptied A's table of numbers; B's stayed as it was: -3 objects, Node 12. */
static void test_shrinks(void **state)
{
	struct recorded *a = strings("a.mw", 27000, 15000), *b = strings("b.mw", 26999, 26996);
	struct run_diff *d = run_sample_compare(a, b);

	(void)state;
	assert_null(run_diff_grows(d));
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
	/* Nor is memory that B keeps, where A gives some back. */
	a = run_sample("a.mw", 1);
	b = run_sample("b.mw", 1);
	a->processes->collector = b->processes->collector = COLLECTOR_NONE;
	run_sample_ticks(a->processes, 90 * RUN_SAMPLE_MIB, -500.0 * RUN_SAMPLE_KIB);
	run_sample_ticks(b->processes, 50 * RUN_SAMPLE_MIB, 0);
	d = run_sample_compare(a, b);
	assert_int_equal(d->pairs[0].basis, RUN_BY_PRIVATE);
	assert_true(run_change_is_growth(&d->pairs[0].kinds[RUN_PRIVATE].change));
	assert_null(run_diff_grows(d));
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* More calls were under way at the end of B: promise-fixed, Node 26. */
static void test_under_way(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct census *c[] = {sample_census(0), sample_census(25)};

	(void)state;
	run_sample_censuses(a->processes, sample_census(0), sample_census(25));
	for (unsigned i = 0; i < 2; i++) {
		run_sample_constructor(c[i], CENSUS_OBJECT, "Order", "/srv/twins.js", 22,
				       i ? 455 : 200, i ? 18200 : 8000);
		run_sample_constructor(c[i], CENSUS_OBJECT, "Generator", NULL, 0, i ? 455 : 200,
				       i ? 46220 : 20320);
	}
	run_sample_censuses(b->processes, c[0], c[1]);
	assert_false(run_sample_grows(a, b));
	recorded_free(a);
	recorded_free(b);
}

/* On Node 26 the texts are in arrays of their own, of which a table has many. */
static void test_number_tables(void **state)
{
	struct recorded *a = strings("a.mw", 20000, 20000), *b = strings("b.mw", 18145, 20709),
			*leak = strings("leak.mw", 18145, 60000);
	struct retainer held = {.of = "(string)",
				.of_kind = CENSUS_STRING,
				.instances = 20709,
				.steps = {{.edge = "an internal field", .node = "array"},
					  {.edge = "a handle", .node = "native code"}},
				.step_count = 2};

	(void)state;
	assert_int_equal(census_add_retainer(b->processes->censuses[1].census, &held), 0);
	assert_int_equal(census_add_retainer(leak->processes->censuses[1].census, &held), 0);
	assert_false(run_sample_grows(a, b));
	assert_true(run_sample_grows(a, leak));
	recorded_free(b);
	b = strings("b.mw", 18145, 20709);
	held.steps[0].node = "Array"; /* of the program, which keeps it by a handle */
	assert_int_equal(census_add_retainer(b->processes->censuses[1].census, &held), 0);
	assert_true(run_sample_grows(a, b));
	recorded_free(a);
	recorded_free(b);
	recorded_free(leak);
}

/* Nobody looked who holds the Arrays; of the closures that hold them it is known. closure, Node 12.
 */
static void test_held(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct census *c = sample_census(25);
	struct retainer held = {.of = "(anonymous)()",
				.of_file = "/srv/twins.js",
				.of_kind = CENSUS_CLOSURE,
				.instances = 32213,
				.count = 219558,
				.bytes = 35739408,
				.share = 1,
				.container = "Array",
				.steps = {{.edge = "variable `undoList`", .node = "Context"}},
				.step_count = 1};
	struct run_diff *d;

	(void)state;
	run_sample_censuses(a->processes, sample_census(0), sample_census(25));
	run_sample_constructor(c, CENSUS_CONTEXT, "Context {cells}", NULL, 0, 32213, 1803928);
	run_sample_constructor(c, CENSUS_CLOSURE, "(anonymous)()", "/srv/twins.js", 65, 32213,
			       1803928);
	run_sample_constructor(c, CENSUS_OBJECT, "Array", NULL, 0, 32211, 1030752);
	run_sample_censuses(b->processes, sample_census(0), c);
	d = run_sample_compare(a, b);
	assert_string_equal(run_diff_grows(d)->grower->what->name, "Array");
	run_diff_free(d);
	assert_int_equal(census_add_retainer(c, &held), 0);
	d = run_sample_compare(a, b);
	assert_string_equal(run_diff_grows(d)->grower->what->name, "(anonymous)()");
	assert_string_equal(run_diff_grows(d)->holder.where->edge, "variable `undoList`");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* A handle that is no more in use holds the storage of a Map from before it was moved, with orders
 * that are gone, each with an array: map-fixed, Node 20, where it was 558 of them. */
static void test_old_storage(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct census *c[] = {sample_census(0), sample_census(25)};
	struct retainer held = {.of = "Order",
				.of_file = "/srv/twins.js",
				.of_kind = CENSUS_OBJECT,
				.instances = 1758,
				.count = 2791,
				.bytes = 395720,
				.share = 0.8862,
				.container = "array",
				.steps = {{.edge = "a handle", .node = "native code"}},
				.step_count = 1};
	struct run_diff *d;

	(void)state;
	run_sample_censuses(a->processes, sample_census(0), sample_census(25));
	for (unsigned i = 0; i < 2; i++) {
		run_sample_constructor(c[i], CENSUS_OBJECT, "Order", "/srv/twins.js", 22,
				       i ? 1758 : 200, i ? 70320 : 8000);
		run_sample_constructor(c[i], CENSUS_OBJECT, "Array", NULL, 0, i ? 2058 : 500,
				       i ? 65408 : 16000);
	}
	run_sample_censuses(b->processes, c[0], c[1]);
	assert_true(run_sample_grows(a, b));
	assert_int_equal(census_add_retainer(c[1], &held), 0);
	assert_false(run_sample_grows(a, b));
	run_sample_constructor(c[1], CENSUS_OBJECT, "Session", "/srv/other.js", 9, 3000, 96000);
	d = run_sample_compare(a, b); /* more than it holds */
	assert_non_null(run_diff_grows(d));
	assert_string_equal(run_diff_grows(d)->grower->what->name, "Session");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* Of 21.7M in Buffers the heap has 359 KiB: that is not what they keep. */
static void test_outside(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct census *c = sample_census(25);
	struct retainer held = {.of = "ArrayBuffer",
				.of_kind = CENSUS_OBJECT,
				.bytes = 359 * RUN_SAMPLE_KIB,
				.share = 1,
				.container = "Array",
				.steps = {{.edge = "variable `uploads`", .node = "Context"}},
				.step_count = 1};
	struct run_diff *d;

	(void)state;
	run_sample_censuses(a->processes, sample_census(0), sample_census(25));
	run_sample_constructor(c, CENSUS_OBJECT, "ArrayBuffer", NULL, 0, 1384, 1384 * 64);
	c->constructors[0].external_bytes = 1384ULL * 16384;
	assert_int_equal(census_add_retainer(c, &held), 0);
	run_sample_censuses(b->processes, sample_census(0), c);
	d = run_sample_compare(a, b);
	assert_headline(d, "b.mw grows by 889.2K/s more than a.mw: ArrayBuffer is held by Array, "
			   "variable `uploads` of Context: +1,384 objects, +21.7M");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* A C program leaks, and what it allocates for a moment gets most of the new memory. */
static void test_first_touch(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct frame f = {
		.fn = "make_garbage", .file = "pattern.c", .line = 87, .origin = FRAME_USER};
	struct site_table *t = site_table_new();
	struct site *s;
	struct run_diff *d;

	(void)state;
	assert_non_null(t);
	t->begin_ns = b->processes->first_ns;
	b->processes->sites = t;
	b->processes->sites_ns = b->processes->last_ns;
	s = sample_site(t, MW_SITE_FAULT, &f, 1, 33 * RUN_SAMPLE_MIB);
	s->samples = 527;
	s->bytes = t->total_bytes[MW_SITE_FAULT] = s->sampled_bytes;
	a->processes->collector = b->processes->collector = COLLECTOR_NONE;
	run_sample_ticks(a->processes, 15 * RUN_SAMPLE_MIB, 0);
	run_sample_ticks(b->processes, 15 * RUN_SAMPLE_MIB, (double)RUN_SAMPLE_MIB);
	d = run_sample_compare(a, b);
	assert_headline(d, "b.mw grows by 1.0M/s more than a.mw: new memory is first touched at "
			   "make_garbage pattern.c:87, which need not be what keeps it");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* The same leak under twice the load: it is one by time, and a line says why that may be. */
static void test_load(void **state)
{
	static const uint64_t bytes[] = {282 * 250000, 555 * 250000};
	struct recorded *r[] = {run_sample_service("a.mw", 80, 1250),
				run_sample_service("b.mw", 80, 2500)};
	struct run_diff *d;
	struct strbuf out;

	(void)state;
	strbuf_init(&out);
	for (int side = 0; side < RUN_SIDES; side++) {
		struct site_table *t = r[side]->processes->sites;

		t->samples[MW_SITE_V8_ALLOC] = side ? 531 : 339;
		t->total_bytes[MW_SITE_V8_ALLOC] = bytes[side];
		r[side]->requests = 0;
	}
	d = run_sample_compare(r[RUN_A], r[RUN_B]);
	assert_non_null(run_diff_grows(d));
	assert_float_equal(run_pair_load(&d->pairs[0]), 1.97, 0.01);
	run_diff_doubts_add(&out, d, "note: ");
	assert_string_equal(out.s,
			    "note: node allocates 2.0 times as much a second in b.mw: if that "
			    "was under more load, compare by request, --requests NA,NB\n");
	run_diff_free(d);
	strbuf_clear(&out);
	d = run_diff_new(r[RUN_A], r[RUN_B], (const uint64_t[]){1000, 1500}); /* it is */
	assert_non_null(d);
	assert_non_null(run_diff_grows(d));
	run_diff_doubts_add(&out, d, "note: ");
	assert_string_equal(out.s, "");
	run_diff_free(d);
	r[RUN_A]->processes->sites->samples[MW_SITE_V8_ALLOC] = RUN_LOAD_SAMPLES - 1;
	d = run_sample_compare(r[RUN_A], r[RUN_B]);
	assert_true(run_pair_load(&d->pairs[0]) == 0);
	run_diff_free(d);
	strbuf_release(&out);
	recorded_free(r[RUN_A]);
	recorded_free(r[RUN_B]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_table), cmocka_unit_test(test_number_tables),
		cmocka_unit_test(test_held),	     cmocka_unit_test(test_old_storage),
		cmocka_unit_test(test_outside),	     cmocka_unit_test(test_first_touch),
		cmocka_unit_test(test_load),	     cmocka_unit_test(test_shrinks),
		cmocka_unit_test(test_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
