/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a leak consists of, as two censuses told it. */
#ifndef MEMWATCH_TESTS_KEPT_SAMPLE_H
#define MEMWATCH_TESTS_KEPT_SAMPLE_H

#include "model/census.h"
#include "model/kept.h"

/* A class that a Map keeps, and closures that no one container does. */
static inline struct kept sample_kept(void)
{
	return (struct kept){
		.taken_ns = 105000000000ULL,
		.seconds = 5,
		.pauses_ns = {18200000, 17100000},
		.count = 2,
		.constructors = {{.kind = CENSUS_OBJECT,
				  .name = "StatusContext",
				  .file = "/app/handles.js",
				  .line = 25,
				  .count = 3000,
				  .bytes = 192000,
				  .delta_count = 2500,
				  .delta_bytes = 160000,
				  .by = {.container = "Map",
					 .edge = "variable `handleMap`",
					 .node = "Context",
					 .file = "/app/handles.js",
					 .line = 12,
					 .share = 1,
					 .count = 41007,
					 .bytes = 2044723}},
				 {.kind = CENSUS_CLOSURE,
				  .name = "on\n\"Tick\"()",
				  .count = 7,
				  .bytes = 448,
				  .delta_count = 5,
				  .delta_bytes = 320,
				  .by = {.edge = ".next", .node = "Timeout"}}},
	};
}

#endif
