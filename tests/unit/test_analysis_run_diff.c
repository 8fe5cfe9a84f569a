/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two recordings side by side: which processes are a pair, what grows, and how sure that is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/chance.h"
#include "analysis/run_diff.h"
#include "output/ndjson_run_diff.h"
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

/* --- chance --- */

static double uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

/* Knuth 1969, "Seminumerical Algorithms", 3.4.1 */
static unsigned poisson(uint64_t *state, double mean)
{
	double limit = exp(-mean), product = uniform(state);
	unsigned n = 0;

	for (; product > limit; n++)
		product *= uniform(state);
	return n;
}

/* Of runs whose rates are the same, as many are taken for sure as the chance says. */
static void test_chance_of_equals(void **state)
{
	static const double means[] = {2, 5, 20, 60};
	uint64_t seed = 42;

	(void)state;
	for (size_t m = 0; m < sizeof(means) / sizeof(means[0]); m++) {
		unsigned wrong = 0, runs = 20000;

		for (unsigned i = 0; i < runs; i++) {
			/* B was seen for three times as long. */
			unsigned a = poisson(&seed, means[m]), b = poisson(&seed, 3 * means[m]);

			wrong += chance_more(a, 1, b, 3) >= 0.95;
		}
		assert_in_range(wrong, runs * 2 / 100, runs * 65 / 1000);
	}
}

static void test_chance_of_more(void **state)
{
	uint64_t seed = 7;
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		seen += chance_more(poisson(&seed, 10), 1, poisson(&seed, 30), 1) >= 0.95;
	assert_in_range(seen, 1800, 2000); /* it has the power to see three times as much */
	assert_float_equal(chance_more(5, 1, 5, 1), 0.5, 1e-9);
	assert_float_equal(chance_more(0, 1, 4, 1), 1 - 1.0 / 32, 1e-9);
	assert_float_equal(chance_more(4, 1, 0, 1), 1.0 / 32, 1e-9);
	assert_float_equal(chance_more(500, 1, 500, 1), 0.5, 1e-9);
	assert_float_equal(chance_more(501, 1, 500, 1), chance_more(500, 1, 499, 1), 1e-3);
	assert_true(chance_more(100000, 1, 200000, 1) > 0.999);
	assert_float_equal(chance_more(0, 0, 3, 0), 0.5, 1e-9);
	assert_float_equal(chance_normal(1.959964), 0.975, 1e-6);
	assert_float_equal(chance_laplace(0), 0.5, 1e-9);
}

/* --- the seed's story --- */

static void test_leak(void **state)
{
	struct recorded *a = run_sample_service("/tmp/truncated.mw", 80, 0),
			*b = run_sample_service("/tmp/full.mw", 100, RUN_SAMPLE_REQUESTS);
	struct run_diff *d = run_sample_compare(a, b);
	const struct run_pair *p = run_diff_grows(d);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->basis, RUN_BY_CENSUS);
	assert_int_equal(d->unit, RUN_PER_REQUEST);
	assert_string_equal(p->grower->what->name, "StatusContext");
	assert_int_equal(p->grower->count[RUN_B], RUN_SAMPLE_REQUESTS);
	assert_true(p->grower->count_per[RUN_B] == 1 && p->grower->change.per[RUN_B] == 96);
	/* Code that V8 made is no growth; nor are some strings. */
	assert_float_equal(p->growth.delta, 18 * 96, 1e-6);
	assert_true(p->growth.more > 0.99);
	assert_string_equal(p->constructors[0].what->name, "Date");
	assert_int_equal(p->site_count, 2);
	assert_ptr_equal(p->site, &p->sites[0]);
	assert_true(!p->site->top[RUN_A] && p->site->change.more > 0.99);
	assert_float_equal(p->site->change.delta, 35.0 * RUN_SAMPLE_MIB / RUN_SAMPLE_REQUESTS,
			   1e-3);
	assert_string_equal(p->holder.where->file, RUN_SAMPLE_HANDLES);
	assert_null(p->holder.inserter);
	assert_headline(d, "full.mw grows by 1.7K a request more than truncated.mw: StatusContext "
			   "handles.js:17 is held by Map, variable `handleMap` of scope of "
			   "function saveContext handles.js:49: +2,500 objects, +234.4K, by which "
			   "40.0M are kept");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* A sample taken while something was put into the Map says who does it. */
static void test_inserter(void **state)
{
	struct recorded *a = run_sample_service("truncated.mw", 80, 0),
			*b = run_sample_service("full.mw", 100, RUN_SAMPLE_REQUESTS);
	struct frame f[] = {
		{.fn = "Map.prototype.set", .kind = FRAME_BUILTIN, .origin = FRAME_RUNTIME},
		sample_js(FRAME_USER, "saveContext", RUN_SAMPLE_HANDLES, 51),
		sample_js(FRAME_USER, "handleStatus", "/srv/status.js", 80)};
	struct run_diff *d;

	(void)state;
	sample_site(b->processes->sites, MW_SITE_V8_ALLOC, f, 3, 100 * RUN_SAMPLE_KIB);
	f[1].file = "/srv/other.js"; /* another Map */
	sample_site(b->processes->sites, MW_SITE_V8_ALLOC, f, 3, 900 * RUN_SAMPLE_KIB)->samples = 9;
	d = run_sample_compare(a, b);
	assert_headline(d, "full.mw grows by 1.7K a request more than truncated.mw: saveContext "
			   "handles.js:51 puts StatusContext handles.js:17 into Map, variable "
			   "`handleMap`: +2,500 objects, +234.4K, by which 40.0M are kept");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* Another function of the file does the same: which of them keeps it is not known. */
static void test_inserters(void **state)
{
	struct recorded *a = run_sample_service("truncated.mw", 80, 0),
			*b = run_sample_service("full.mw", 100, RUN_SAMPLE_REQUESTS);
	struct frame f[] = {
		{.fn = "Map.prototype.set", .kind = FRAME_BUILTIN, .origin = FRAME_RUNTIME},
		sample_js(FRAME_USER, "saveContext", RUN_SAMPLE_HANDLES, 51),
	};
	struct run_diff *d;

	(void)state;
	sample_site(b->processes->sites, MW_SITE_V8_ALLOC, f, 2, 100 * RUN_SAMPLE_KIB);
	f[1].fn = "remember";
	sample_site(b->processes->sites, MW_SITE_V8_ALLOC, f, 2, 900 * RUN_SAMPLE_KIB)->samples = 9;
	d = run_sample_compare(a, b);
	assert_headline(d, "full.mw grows by 1.7K a request more than truncated.mw: StatusContext "
			   "handles.js:17 is held by Map, variable `handleMap` of scope of "
			   "function saveContext handles.js:49 (remember handles.js:51 puts into "
			   "one there): +2,500 objects, +234.4K, by which 40.0M are kept");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* Other code ran, and V8 compiled it: that is no growth. */
static void test_fixed(void **state)
{
	struct recorded *a = run_sample_service("truncated.mw", 80, 0),
			*b = run_sample_service("fixed.mw", 110, 0);
	struct run_diff *d;

	(void)state;
	run_sample_site(b->processes, "checkComponent", "/srv/status.js", 40, 2 * RUN_SAMPLE_MIB);
	run_sample_ticks(a->processes, 50 * RUN_SAMPLE_MIB, 0);
	run_sample_ticks(b->processes, 50 * RUN_SAMPLE_MIB,
			 (double)RUN_SAMPLE_MIB); /* the young generation comes to its size */
	d = run_sample_compare(a, b);
	assert_null(run_diff_grows(d));
	assert_int_equal(d->pairs[0].basis, RUN_BY_CENSUS);
	assert_null(d->pairs[0].site);
	assert_headline(d, "no growth in fixed.mw that truncated.mw has not");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* Both leak alike: in B nothing is new. */
static void test_alike(void **state)
{
	struct recorded *a = run_sample_service("a.mw", 80, RUN_SAMPLE_REQUESTS),
			*b = run_sample_service("b.mw", 100, RUN_SAMPLE_REQUESTS);
	struct run_diff *d = run_sample_compare(a, b);

	(void)state;
	assert_null(run_diff_grows(d));
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* Twice the requests, twice the objects: the same per request, and not per second. */
static void test_units(void **state)
{
	struct recorded *a = run_sample_service("a.mw", 80, RUN_SAMPLE_REQUESTS),
			*b = run_sample_service("b.mw", 80, 2 * RUN_SAMPLE_REQUESTS);
	struct run_diff *d;

	(void)state;
	b->requests = 2ULL * RUN_SAMPLE_REQUESTS;
	assert_false(run_sample_grows(a, b));
	a->requests = 0;
	d = run_sample_compare(a, b);
	assert_int_equal(d->unit, RUN_PER_SECOND);
	assert_true(d->doubts.requests_of_one);
	assert_non_null(run_diff_grows(d));
	assert_float_equal(run_diff_grows(d)->growth.delta, 18.0 * 96 * RUN_SAMPLE_REQUESTS / 60,
			   1);
	run_diff_free(d);
	d = run_diff_new(a, b, (const uint64_t[]){100, 200}); /* the user knows better */
	assert_non_null(d);
	assert_int_equal(d->unit, RUN_PER_REQUEST);
	assert_null(run_diff_grows(d));
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* --- releases --- */

/* The new one is in another folder, and its lines have moved. */
static void test_releases(void **state)
{
	struct recorded *a = run_sample("1.mw", 1), *b = run_sample("2.mw", 1);
	struct run_diff *d;

	(void)state;
	run_sample_censuses(a->processes, run_sample_census(0, 0, 10, "/srv/1.0/handles.js", 17),
			    run_sample_census(60, 80, 2000, "/srv/1.0/handles.js", 17));
	run_sample_censuses(b->processes, run_sample_census(0, 0, 10, "/srv/1.1/handles.js", 19),
			    run_sample_census(60, 80, 2010, "/srv/1.1/handles.js", 19));
	run_sample_site(a->processes, "check", "/srv/1.0/status.js", 30, 3 * RUN_SAMPLE_MIB);
	run_sample_site(b->processes, "check", "/srv/1.1/status.js", 32, 3 * RUN_SAMPLE_MIB);
	d = run_sample_compare(a, b);
	assert_null(run_diff_grows(d));
	assert_int_equal(d->pairs[0].site_count, 1);
	assert_int_equal(d->pairs[0].sites[0].samples[RUN_A], 30);
	assert_float_equal(d->pairs[0].sites[0].change.more, 0.5, 0.2);
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* Without a census at the beginning what is there at the end is compared. */
static void test_level(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct run_diff *d;

	(void)state;
	run_sample_censuses(a->processes, NULL,
			    run_sample_census(60, 80, 1000, RUN_SAMPLE_HANDLES, 17));
	run_sample_censuses(b->processes, NULL,
			    run_sample_census(60, 80, 3000, RUN_SAMPLE_HANDLES, 17));
	d = run_sample_compare(a, b);
	assert_int_equal(d->pairs[0].basis, RUN_BY_LEVEL);
	assert_true(d->pairs[0].grows);
	assert_headline(d, "b.mw holds 3.3M more than a.mw: StatusContext handles.js:17: +3,000 "
			   "objects, +281.3K");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* --- without V8 --- */

static void test_native(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	const struct run_diff_kind *k;
	struct run_diff *d;

	(void)state;
	a->processes->collector = b->processes->collector = COLLECTOR_NONE;
	run_sample_ticks(a->processes, 50 * RUN_SAMPLE_MIB, 1000);
	run_sample_ticks(b->processes, 50 * RUN_SAMPLE_MIB, 500.0 * RUN_SAMPLE_KIB);
	d = run_sample_compare(a, b);
	k = &d->pairs[0].kinds[RUN_PRIVATE];
	assert_int_equal(d->pairs[0].basis, RUN_BY_PRIVATE);
	assert_true(d->pairs[0].grows && k->is_known[RUN_A] && k->is_known[RUN_B]);
	assert_float_equal(k->change.per[RUN_B], 500.0 * RUN_SAMPLE_KIB, 10.0 * RUN_SAMPLE_KIB);
	assert_true(k->change.more > 0.99);
	run_diff_free(d);
	d = run_sample_compare(b, a); /* the other way round it shrinks */
	assert_null(run_diff_grows(d));
	assert_true(d->pairs[0].kinds[RUN_PRIVATE].change.more < 0.01);
	run_diff_free(d);
	/* Of one that collects garbage, memory that grows says nothing. */
	b->processes->collector = COLLECTOR_LIVE;
	d = run_sample_compare(a, b);
	assert_int_equal(d->pairs[0].basis, RUN_BY_NOTHING);
	assert_headline(d, "too early to say whether there is growth in b.mw that a.mw has not");
	run_diff_free(d);
	/* Code that differs is all there is to go by; less of it is what was under way. */
	run_sample_site(b->processes, "brief", "/srv/app.js", 60, 2 * RUN_SAMPLE_MIB);
	d = run_sample_compare(a, b);
	assert_null(d->pairs[0].site);
	run_diff_free(d);
	run_sample_site(b->processes, "keep", "/srv/app.js", 60, 30 * RUN_SAMPLE_MIB);
	d = run_sample_compare(a, b);
	assert_false(d->pairs[0].grows);
	assert_headline(d, "too early to say whether there is growth in b.mw that a.mw has not; of "
			   "code most differs keep app.js:12, by +512.0K/s");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* What full collections leave: in B more each time. */
/* Rows are there only where something changed: one that does nothing is known to do nothing. */
static void test_flat(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct run_diff *d;

	(void)state;
	a->processes->collector = b->processes->collector = COLLECTOR_NONE;
	run_sample_ticks(a->processes, 50 * RUN_SAMPLE_MIB, 0);
	run_sample_ticks(b->processes, 50 * RUN_SAMPLE_MIB, 500.0 * RUN_SAMPLE_KIB);
	a->processes->tick_count = 2;
	a->processes->last = a->processes->ticks[1].now;
	d = run_sample_compare(a, b);
	assert_int_equal(d->pairs[0].basis, RUN_BY_PRIVATE);
	assert_true(d->pairs[0].grows &&
		    d->pairs[0].kinds[RUN_PRIVATE].change.per[RUN_A] < RUN_SAMPLE_KIB);
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

static void test_collections(void **state)
{
	struct recorded *r[] = {run_sample("a.mw", 1), run_sample("b.mw", 1)};
	struct run_diff *d;

	(void)state;
	for (int side = 0; side < 2; side++) {
		struct recorded_process *p = r[side]->processes;

		p->collector = COLLECTOR_LIVE;
		p->gc_count = 6;
		p->gcs = calloc(p->gc_count, sizeof(*p->gcs));
		assert_non_null(p->gcs);
		for (unsigned i = 0; i < p->gc_count; i++)
			p->gcs[i] = (struct recorded_gc){
				.gc = {.ns = (105 + 10 * i) * NSEC_PER_SEC,
				       .isolate = 1,
				       .kind = MW_GC_MARK_COMPACT,
				       .live_bytes = 20 * RUN_SAMPLE_MIB +
						     side * i * 5 * RUN_SAMPLE_MIB +
						     i % 2 * RUN_SAMPLE_KIB},
				.count = 1};
	}
	d = run_sample_compare(r[0], r[1]);
	assert_int_equal(d->pairs[0].basis, RUN_BY_GC);
	assert_true(d->pairs[0].grows);
	assert_float_equal(d->pairs[0].growth.delta, 0.5 * RUN_SAMPLE_MIB, 0.01 * RUN_SAMPLE_MIB);
	assert_headline(d, "b.mw grows by 512.0K/s more than a.mw");
	run_diff_free(d);
	/* No more than the other does not mean none. */
	memcpy(r[0]->processes->gcs, r[1]->processes->gcs, 6 * sizeof(*r[0]->processes->gcs));
	d = run_sample_compare(r[0], r[1]);
	assert_headline(d, "no growth in b.mw that a.mw has not; but node grows in both, by "
			   "+512.0K and +512.0K/s");
	run_diff_free(d);
	r[1]->processes->gc_count = 2;
	d = run_sample_compare(r[0], r[1]);
	assert_int_equal(d->pairs[0].basis, RUN_BY_NOTHING);
	run_diff_free(d);
	recorded_free(r[0]);
	recorded_free(r[1]);
}

/* Of programs that collect nothing that is said of what was called a leak only: caches grow, too.
 */
static void test_grows_in_both(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct verdict *leak = calloc(1, sizeof(*leak));
	struct run_diff *d;

	(void)state;
	assert_non_null(leak);
	a->processes->collector = b->processes->collector = COLLECTOR_NONE;
	run_sample_ticks(a->processes, 50 * RUN_SAMPLE_MIB, 500.0 * RUN_SAMPLE_KIB);
	run_sample_ticks(b->processes, 50 * RUN_SAMPLE_MIB, 500.0 * RUN_SAMPLE_KIB);
	d = run_sample_compare(a, b);
	assert_headline(d, "no growth in b.mw that a.mw has not");
	run_diff_free(d);
	leak->class = VERDICT_LEAK;
	leak->is_leak = true;
	leak->trend.slope = 500.0 * RUN_SAMPLE_KIB;
	b->processes->verdict = leak;
	d = run_sample_compare(a, b);
	assert_headline(d, "no growth in b.mw that a.mw has not; but node grows in both, by "
			   "+500.0K and +500.0K/s");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

static void test_verdicts(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct verdict *steady = calloc(1, sizeof(*steady)), *leak = calloc(1, sizeof(*leak));
	struct run_diff *d;

	(void)state;
	assert_true(steady && leak);
	steady->class = VERDICT_STEADY;
	leak->class = VERDICT_LEAK;
	leak->is_leak = true;
	leak->confidence = 0.97;
	leak->trend.slope = 2.0 * RUN_SAMPLE_MIB;
	a->processes->verdict = steady;
	b->processes->verdict = leak;
	d = run_sample_compare(a, b);
	assert_true(d->pairs[0].grows && d->pairs[0].basis == RUN_BY_VERDICT);
	assert_headline(d, "b.mw grows by 2.0M/s more than a.mw");
	run_diff_free(d);
	/* Of a shorter run it is too early to tell: that is no news of B, unless its memory is. */
	steady->class = VERDICT_EARLY;
	a->processes->collector = b->processes->collector = COLLECTOR_LIVE;
	run_sample_ticks(a->processes, 50 * RUN_SAMPLE_MIB, 500.0 * RUN_SAMPLE_KIB);
	run_sample_ticks(b->processes, 50 * RUN_SAMPLE_MIB, 500.0 * RUN_SAMPLE_KIB);
	d = run_sample_compare(a, b);
	assert_null(run_diff_grows(d));
	assert_headline(d, "too early to say whether there is growth in b.mw that a.mw has not");
	run_diff_free(d);
	free(a->processes->ticks);
	run_sample_ticks(a->processes, 50 * RUN_SAMPLE_MIB, 0);
	d = run_sample_compare(a, b);
	assert_true(d->pairs[0].grows && d->pairs[0].basis == RUN_BY_VERDICT);
	run_diff_free(d);
	assert_false(run_sample_grows(b, a));
	recorded_free(a);
	recorded_free(b);
}

/* --- pairs --- */

static void test_pairs(void **state)
{
	struct recorded *a = run_sample("a.mw", 3), *b = run_sample("b.mw", 3);
	struct run_diff *d;

	(void)state;
	strcpy(a->processes[2].comm, "redis");
	strcpy(b->processes[0].comm, "redis");
	strcpy(b->processes[2].comm, "nginx");
	a->processes[0].path = "/opt/1/bin/node";
	b->processes[1].path = "/opt/2/bin/node";
	d = run_sample_compare(a, b);
	assert_int_equal(d->pair_count, 2);
	assert_int_equal(d->alone[RUN_A], 0);
	assert_int_equal(d->alone[RUN_B], 1);
	for (size_t i = 0; i < d->pair_count; i++) {
		const struct run_pair *p = &d->pairs[i];
		bool is_node = !strcmp(p->of[RUN_A][0]->comm, "node");

		assert_string_equal(p->of[RUN_A][0]->comm, p->of[RUN_B][0]->comm);
		assert_int_equal(p->count[RUN_A], is_node ? 2 : 1);
		assert_int_equal(p->count[RUN_B], 1);
	}
	run_diff_free(d);
	/* Of one of them nothing is known. */
	run_sample_ticks(&a->processes[2], 50 * RUN_SAMPLE_MIB, 0);
	run_sample_ticks(&b->processes[0], 50 * RUN_SAMPLE_MIB, 0);
	a->processes[2].collector = b->processes[0].collector = COLLECTOR_NONE;
	d = run_sample_compare(a, b);
	assert_headline(d, "no growth in b.mw that a.mw has not, but of 1 of 2 programs it is too "
			   "early to say");
	run_diff_free(d);
	/* The only named one of each is a pair whatever it is called; others do not count. */
	for (int i = 1; i < 3; i++)
		a->processes[i].is_named = b->processes[i].is_named = false;
	d = run_sample_compare(a, b);
	assert_int_equal(d->pair_count, 1);
	assert_string_equal(d->pairs[0].of[RUN_A][0]->comm, "node");
	assert_string_equal(d->pairs[0].of[RUN_B][0]->comm, "redis");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* Of a whole machine: those that grow come first, and the rest is counted. */
static void test_many_programs(void **state)
{
	enum { COUNT = 24 };
	struct recorded *a = run_sample("a.mw", COUNT), *b = run_sample("b.mw", COUNT);
	struct run_diff *d;
	struct strbuf out;

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		for (int side = 0; side < 2; side++) {
			struct recorded_process *p = &(side ? b : a)->processes[i];

			snprintf(p->comm, sizeof(p->comm), "program-%u", i);
			p->collector = COLLECTOR_NONE;
			run_sample_ticks(p, 50 * RUN_SAMPLE_MIB,
					 side && i > 1 ? 1000.0 * RUN_SAMPLE_KIB * i : 0);
		}
	}
	d = run_sample_compare(a, b);
	assert_int_equal(d->pair_count, COUNT);
	assert_string_equal(d->pairs[0].of[RUN_B][0]->comm, "program-23");
	strbuf_init(&out);
	run_diff_rest_add(&out, d);
	assert_string_equal(out.s, "... and 4 programs more, of which 2 grow: --json has all");
	strbuf_release(&out);
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

static void test_nothing_in_common(void **state)
{
	struct recorded *a = run_sample("a.mw", 2), *b = run_sample("b.mw", 2),
			*c = run_sample("c", 0);
	struct run_diff *d;
	struct strbuf out;

	(void)state;
	strcpy(b->processes[0].comm, "redis");
	strcpy(b->processes[1].comm, "redis");
	d = run_sample_compare(a, b);
	assert_int_equal(d->pair_count, 0);
	assert_headline(d,
			"no program is in both, and so there is nothing to compare: a.mw has node; "
			"b.mw has redis");
	strbuf_init(&out);
	ndjson_run_diff_add(&out, d);
	assert_int_equal(out.err, 0);
	assert_non_null(strstr(out.s, "\"grows\":false"));
	strbuf_release(&out);
	run_diff_free(d);
	d = run_sample_compare(a, c);
	assert_int_equal(d->pair_count, 0);
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
	recorded_free(c);
	run_diff_free(NULL);
}

/* Each name once, however often and wherever it comes again; and not all of many. */
static void test_names_of_one_only(void **state)
{
	struct recorded *a = run_sample("a.mw", 15), *b = run_sample("b.mw", 1);
	struct run_diff *d;

	(void)state;
	strcpy(b->processes[0].comm, "redis");
	for (unsigned i = 0; i < 15; i++)
		snprintf(a->processes[i].comm, sizeof(a->processes[i].comm), "p%u", i % 5);
	d = run_sample_compare(a, b);
	assert_headline(d, "no program is in both, and so there is nothing to compare: a.mw has "
			   "p0, p1, p2, p3, p4; b.mw has redis");
	run_diff_free(d);
	strcpy(a->processes[14].comm, "p5");
	d = run_sample_compare(a, b);
	assert_headline(d, "no program is in both, and so there is nothing to compare: a.mw has "
			   "p0, p1, p2, p3, p4, ...; b.mw has redis");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

static void test_doubts(void **state)
{
	struct recorded *a = run_sample("a.mw", 1), *b = run_sample("b.mw", 1);
	struct run_diff *d = run_sample_compare(a, a);
	struct strbuf out;

	(void)state;
	assert_true(d->doubts.is_same);
	run_diff_free(d);
	b->end_ns = b->begin_ns + 10 * NSEC_PER_SEC;
	b->is_whole = false;
	b->run.kernel = "5.10";
	b->run.version = "0.0.9";
	d = run_sample_compare(a, b);
	strbuf_init(&out);
	run_diff_doubts_add(&out, d, "note: ");
	assert_string_equal(
		out.s, "note: b.mw was cut off: what came after its last tick is not in it\n"
		       "note: b.mw is of 10s, the other of 1m00s: what happens once counts more "
		       "in it\n"
		       "note: kernels differ: 6.18 and 5.10\n"
		       "note: versions of memwatch differ: 0.1.0 and 0.0.9\n");
	strbuf_release(&out);
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* Few samples prove nothing, however many bytes they stand for. */
static void test_few_samples(void **state)
{
	struct recorded *a = run_sample_service("a.mw", 80, 0),
			*b = run_sample_service("b.mw", 80, RUN_SAMPLE_REQUESTS);
	const struct run_pair *p;
	struct run_diff *d;

	(void)state;
	run_sample_site(b->processes, "rare", "/srv/rare.js", 3, 200 * RUN_SAMPLE_MIB);
	d = run_sample_compare(a, b);
	p = run_diff_grows(d);
	assert_non_null(p);
	assert_true(p->sites[0].change.more < 0);
	assert_string_equal(p->site->top[RUN_B]->stack->frames[0].fn, "checkComponent");
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chance_of_equals),
		cmocka_unit_test(test_chance_of_more),
		cmocka_unit_test(test_leak),
		cmocka_unit_test(test_inserter),
		cmocka_unit_test(test_inserters),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_releases),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_collections),
		cmocka_unit_test(test_grows_in_both),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_many_programs),
		cmocka_unit_test(test_nothing_in_common),
		cmocka_unit_test(test_names_of_one_only),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_few_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
