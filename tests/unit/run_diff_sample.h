/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Recordings made up for tests of comparisons: a service that leaks, or does not. */
#ifndef MEMWATCH_TESTS_RUN_DIFF_SAMPLE_H
#define MEMWATCH_TESTS_RUN_DIFF_SAMPLE_H

#include <stdlib.h>
#include <string.h>

#include "analysis/run_diff.h"
#include "base/clock.h"
#include "census_sample.h"
#include "model/recorded.h"
#include "sample.h"

#define RUN_SAMPLE_KIB	    1024ULL
#define RUN_SAMPLE_MIB	    (1024 * RUN_SAMPLE_KIB)
#define RUN_SAMPLE_HANDLES  "/srv/handles.js"
#define RUN_SAMPLE_REQUESTS 2500

static inline struct recorded *run_sample(const char *path, unsigned processes)
{
	struct recorded *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->path = path;
	r->run = (struct run){.version = "0.1.0",
			      .kernel = "6.18",
			      .arch = "x86_64",
			      .interval_ns = NSEC_PER_SEC};
	r->begin_ns = 100 * NSEC_PER_SEC;
	r->end_ns = 160 * NSEC_PER_SEC;
	r->begin_wall_ns = 1700000000 * NSEC_PER_SEC + (uint64_t)(uintptr_t)r; /* another time */
	r->is_whole = true;
	r->names = intern_new(RUN_SAMPLE_MIB);
	r->processes = calloc(processes, sizeof(*r->processes));
	assert_true(r->names && r->processes);
	r->process_count = processes;
	for (unsigned i = 0; i < processes; i++) {
		struct recorded_process *p = &r->processes[i];

		p->pid = 4711 + i;
		p->start_ns = 5 * NSEC_PER_SEC;
		strcpy(p->comm, "node");
		p->is_named = p->is_loaded = true;
		p->first_ns = r->begin_ns;
		p->last_ns = r->end_ns;
	}
	return r;
}

/* A tick each second: anon is @base, and @rate bytes more each second. */
static inline void run_sample_ticks(struct recorded_process *p, uint64_t base, double rate)
{
	p->tick_count = 61;
	p->ticks = calloc(p->tick_count, sizeof(*p->ticks));
	assert_non_null(p->ticks);
	for (size_t i = 0; i < p->tick_count; i++) {
		struct recorded_tick *t = &p->ticks[i];

		t->ns = (100 + i) * NSEC_PER_SEC;
		t->now.anon_bytes =
			base + (uint64_t)(rate * (double)i) + (i * 7 % 5) * 16 * RUN_SAMPLE_KIB;
		t->private_low = t->now.anon_bytes;
	}
	p->first = p->ticks[0].now;
	p->last = p->ticks[p->tick_count - 1].now;
}

static inline struct site *run_sample_site(struct recorded_process *p, const char *fn,
					   const char *file, unsigned samples, uint64_t bytes)
{
	struct frame f = sample_js(FRAME_USER, fn, file, 12);
	struct site *s;

	if (!p->sites) {
		p->sites = site_table_new();
		assert_non_null(p->sites);
		p->sites->begin_ns = p->first_ns;
		p->sites_ns = p->last_ns;
	}
	s = sample_site(p->sites, MW_SITE_V8_SURVIVED, &f, 1, bytes);
	s->samples = s->kept_samples = samples;
	s->bytes = s->estimated_bytes = bytes;
	p->sites->samples[MW_SITE_V8_SURVIVED] += samples;
	p->sites->total_bytes[MW_SITE_V8_SURVIVED] += bytes;
	return s;
}

static inline void run_sample_constructor(struct census *c, unsigned kind, const char *name,
					  const char *file, uint32_t line, uint64_t count,
					  uint64_t bytes)
{
	struct constructor k = {.kind = (uint8_t)kind,
				.name = name,
				.file = file,
				.line = line,
				.count = count,
				.bytes = bytes};

	assert_int_equal(census_add_constructor(c, &k), 0);
}

/* What any service has, and V8 makes of code that runs; @leaked contexts of requests. */
static inline struct census *run_sample_census(unsigned second, uint64_t warm, uint64_t leaked,
					       const char *file, uint32_t line)
{
	struct census *c = sample_census(second);

	run_sample_constructor(c, CENSUS_CODE, "system / InstructionStream", NULL, 0, 32 + 3 * warm,
			       30 * RUN_SAMPLE_KIB + warm * 3 * RUN_SAMPLE_KIB);
	run_sample_constructor(c, CENSUS_ARRAY, "system / FixedArray", NULL, 0, 900 + warm,
			       400 * RUN_SAMPLE_KIB + warm * 700);
	run_sample_constructor(c, CENSUS_STRING, "(string)", NULL, 0, 11000 + 2 * warm,
			       390 * RUN_SAMPLE_KIB + 64 * warm);
	run_sample_constructor(c, CENSUS_OBJECT, "Array", NULL, 0, 150 + warm / 5, 4800 + 6 * warm);
	run_sample_constructor(c, CENSUS_CLOSURE, "(anonymous)()", file, line + 100, 20, 1280);
	if (leaked) {
		run_sample_constructor(c, CENSUS_OBJECT, "StatusContext", file, line, leaked,
				       leaked * 96);
		run_sample_constructor(c, CENSUS_OBJECT, "Date", NULL, 0, leaked * 17,
				       leaked * 17 * 96);
	}
	return c;
}

static inline void run_sample_holder(struct census *c, const char *file)
{
	struct retainer r = {.of = "StatusContext",
			     .of_file = file,
			     .of_kind = CENSUS_OBJECT,
			     .instances = RUN_SAMPLE_REQUESTS,
			     .count = 1000000,
			     .bytes = 40 * RUN_SAMPLE_MIB,
			     .share = 1,
			     .container = "Map",
			     .step_count = 2,
			     .owner_count = 2};

	r.steps[0] = (struct retainer_step){.edge = ".handleMap", .node = "{handleMap, ...}"};
	r.steps[1] = (struct retainer_step){.edge = ".exports", .node = "Module", .file = file};
	r.owners[0] = (struct retainer_step){"variable `handleMap`", "scope of function usage",
					     "/srv/server.js", 22};
	r.owners[1] = (struct retainer_step){"variable `handleMap`",
					     "scope of function saveContext", file, 49};
	assert_int_equal(census_add_retainer(c, &r), 0);
}

static inline void run_sample_censuses(struct recorded_process *p, struct census *first,
				       struct census *last)
{
	p->censuses = calloc(2, sizeof(*p->censuses));
	assert_non_null(p->censuses);
	if (first)
		p->censuses[p->census_count++] =
			(struct recorded_census){RECORDED_CENSUS_BEGIN, first};
	p->censuses[p->census_count++] = (struct recorded_census){RECORDED_CENSUS_END, last};
}

/* The service of tests/workloads/status-service, with @leaked of the contexts of 2,500 requests. */
static inline struct recorded *run_sample_service(const char *path, uint64_t warm, uint64_t leaked)
{
	struct recorded *r = run_sample(path, 1);
	struct recorded_process *p = r->processes;
	struct census *last = run_sample_census(60, warm, leaked, RUN_SAMPLE_HANDLES, 17);

	if (leaked)
		run_sample_holder(last, RUN_SAMPLE_HANDLES);
	run_sample_censuses(p, run_sample_census(0, 0, 0, RUN_SAMPLE_HANDLES, 17), last);
	run_sample_site(p, "handleStatus", "/srv/status.js", 5, 300 * RUN_SAMPLE_KIB);
	if (leaked)
		run_sample_site(p, "checkComponent", "/srv/status.js", 60, 35 * RUN_SAMPLE_MIB);
	r->requests = RUN_SAMPLE_REQUESTS;
	return r;
}

static inline struct run_diff *run_sample_compare(const struct recorded *a,
						  const struct recorded *b)
{
	struct run_diff *d = run_diff_new(a, b, (const uint64_t[]){0, 0});

	assert_non_null(d);
	return d;
}

/* Whether @b grows, and @a does not. */
static inline bool run_sample_grows(const struct recorded *a, const struct recorded *b)
{
	struct run_diff *d = run_sample_compare(a, b);
	bool grows = run_diff_grows(d) != NULL;

	run_diff_free(d);
	return grows;
}

#endif
