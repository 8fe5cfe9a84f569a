/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses made up for tests. */
#ifndef MEMWATCH_TESTS_CENSUS_SAMPLE_H
#define MEMWATCH_TESTS_CENSUS_SAMPLE_H

#include <string.h>

#include "base/clock.h"
#include "model/census.h"

/* Of process 4711 (node), with one isolate, @second seconds after the first. */
static inline struct census *sample_census(unsigned second)
{
	struct census *c = census_new();

	assert_non_null(c);
	c->pid = 4711;
	c->start_ns = 5 * NSEC_PER_SEC;
	strcpy(c->comm, "node");
	strcpy(c->node, "V8 12.4.254");
	c->taken_ns = (100 + second) * NSEC_PER_SEC;
	c->wall_ns = (1700000000 + second) * NSEC_PER_SEC;
	c->pause_ns = 18200000;
	c->analysis_ns = 210 * NSEC_PER_MSEC;
	c->copied_bytes = 64 << 20;
	c->rss_bytes = 80 << 20;
	c->isolates[0] = (struct census_isolate){.id = 0x7f001000};
	c->isolate_count = 1;
	return c;
}

/* Adds to a constructor's isolate, too. */
static inline void sample_add(struct census *c, struct constructor k)
{
	struct census_isolate *i = &c->isolates[k.isolate];

	assert_int_equal(census_add_constructor(c, &k), 0);
	i->count += k.count;
	i->bytes += k.bytes;
	i->external_bytes += k.external_bytes;
	i->page_bytes += 2 * k.bytes;
}

/* The service that leaks, after @calls of it. */
static inline struct census *sample_service(unsigned second, uint64_t calls)
{
	struct census *c = sample_census(second);

	sample_add(c, (struct constructor){.kind = CENSUS_OBJECT,
					   .name = "StatusContext",
					   .file = "/app/handles.js",
					   .line = 25,
					   .count = 500 + calls,
					   .bytes = 64 * (500 + calls)});
	sample_add(c, (struct constructor){.kind = CENSUS_CLOSURE,
					   .name = "(anonymous)()",
					   .class_name = "Function",
					   .file = "/app/handles.js",
					   .line = 31,
					   .count = 501 + calls,
					   .bytes = 56 * (501 + calls)});
	sample_add(c, (struct constructor){.kind = CENSUS_OBJECT,
					   .name = "{tags, note, buf}",
					   .class_name = "Object",
					   .count = 501 + calls,
					   .bytes = 48 * (501 + calls)});
	sample_add(c, (struct constructor){.kind = CENSUS_OBJECT,
					   .name = "ArrayBuffer",
					   .count = 12,
					   .bytes = 12 * 96,
					   .external_bytes = 96 << 10});
	sample_add(c, (struct constructor){.kind = CENSUS_STRING,
					   .name = "(string)",
					   .class_name = "String",
					   .count = 20000,
					   .bytes = 1 << 20});
	sample_add(c,
		   (struct constructor){
			   .kind = CENSUS_CODE, .name = "(code)", .count = 9000, .bytes = 3 << 20});
	census_sort(c);
	return c;
}

static inline void sample_retainer(struct census *c)
{
	struct retainer r = {.of = "StatusContext",
			     .of_file = "/app/handles.js",
			     .of_kind = CENSUS_OBJECT,
			     .instances = 3000,
			     .count = 41007,
			     .bytes = 2044723,
			     .share = 1,
			     .container = "Map",
			     .step_count = 3,
			     .steps_left_out = 2,
			     .owner_count = 1,
			     .owners_left_out = 1};

	r.steps[0] = (struct retainer_step){"variable `handleMap`", "Context, scope of open",
					    "/app/handles.js", 12};
	r.steps[1] = (struct retainer_step){".open", "{open, size}", NULL, 0};
	r.steps[2] = (struct retainer_step){".children", "(global object)", NULL, 0};
	r.owners[0] = (struct retainer_step){"variable `handleMap`", "Context", NULL, 0};
	assert_int_equal(census_add_retainer(c, &r), 0);
}

#endif
