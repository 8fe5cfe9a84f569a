/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One quantity over time, in bounded memory however long it goes.
 *
 * The newest points are kept as they came; older ones are merged such that what a point stands
 * for is a fixed share of its age: seconds of the last minute, minutes of yesterday. A merged
 * point keeps the lowest value with its time, and the highest. So the minimum of any stretch
 * that is not shorter than its points stays exact, which is what leaks are told by.
 *
 * Most series of an idle machine never change. As long as all values are the same, few points say
 * all there is to say; room for SERIES_CAP is taken when the first other value comes, and what they
 * stood for is then told by more points, evenly between them.
 *
 * LIMITATIONS: of a merged point it is not known which came first, the high or the low.
 * Of ticks that were missed while nothing changed nothing is known afterwards.
 */
#ifndef MEMWATCH_ANALYSIS_SERIES_H
#define MEMWATCH_ANALYSIS_SERIES_H

#include <stdbool.h>
#include <stdint.h>

/* At one point a second, a day is kept to about 5 % of the age of each point. */
#define SERIES_CAP	    256
#define SERIES_CAP_CONSTANT 16 /* while all values are the same */

struct series_point {
	uint64_t ns;	    /* CLOCK_BOOTTIME of @low */
	uint64_t low, high; /* bytes (or what else is counted: threads) */
};

struct series {
	struct series_point *points; /* @ns strictly increases */
	unsigned count, cap;	     /* at most SERIES_CAP */
	uint64_t begin_ns;	     /* of the first value ever added; valid with @count */
	uint64_t last_ns;	     /* of the newest */
	uint64_t last;		     /* the newest value */
	bool is_constant;	     /* all values ever added are the same; valid with @count */
};

/** series_init - empty; takes no memory before the first value */
void series_init(struct series *s);
void series_release(struct series *s);

/**
 * series_add - @value at @ns (CLOCK_BOOTTIME)
 *
 * O(SERIES_CAP) once it is full. Gaps are no harm: nothing is made up for them.
 * Returns 0, -EINVAL if time does not advance (the value is not taken), -ENOMEM.
 */
int series_add(struct series *s, uint64_t ns, uint64_t value);

/** series_from - index of the first point at or after @ns; count if there is none */
unsigned series_from(const struct series *s, uint64_t ns);

/** series_span_s - seconds from the first value to the newest; 0 if empty */
double series_span_s(const struct series *s);

#endif
