/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verdicts as analysis gives them. */
#ifndef MEMWATCH_TESTS_VERDICT_SAMPLE_H
#define MEMWATCH_TESTS_VERDICT_SAMPLE_H

#include <stdio.h>

#include "analysis/verdict.h"

#define VERDICT_SAMPLE_MIB 1048576.0

/* A leak of 1.2 MiB/s that meets memory.max of /x in 200 s, with two sentences. */
static inline struct verdict sample_leak(void)
{
	struct verdict v = {
		.class = VERDICT_LEAK,
		.is_leak = true,
		.confidence = 0.92,
		.trend = {.slope = 1.2 * VERDICT_SAMPLE_MIB,
			  .low = 1.1 * VERDICT_SAMPLE_MIB,
			  .high = 1.3 * VERDICT_SAMPLE_MIB,
			  .points = 12},
		.since_ns = 7000000000ULL,
		.limit = {.kind = LIMIT_CGROUP_MAX, .bytes = 512 << 20, .where = "/x"},
		.limit_seconds = 200,
		.evidence_count = 2,
	};

	snprintf(v.evidence[0], VERDICT_SENTENCE, "it rises");
	snprintf(v.evidence[1], VERDICT_SENTENCE, "at this rate memory.max of /x is met");
	return v;
}

/* Nothing that grows for good, and one sentence. */
static inline struct verdict sample_calm(enum verdict_class class, double confidence)
{
	struct verdict v = {.class = class, .confidence = confidence, .evidence_count = 1};

	snprintf(v.evidence[0], VERDICT_SENTENCE, "it is flat");
	return v;
}

#endif
