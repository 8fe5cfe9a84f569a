/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Thinning: when there is no room, those two neighbours become one whose distance is the
 * smallest share of their age. Each age then holds as many points as any other, on a
 * logarithmic scale.
 */
#include "analysis/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SERIES_FIRST 16 /* points of the first allocation */

void series_init(struct series *s)
{
	memset(s, 0, sizeof(*s));
}

void series_release(struct series *s)
{
	free(s->points);
	series_init(s);
}

static int series_grow(struct series *s)
{
	unsigned cap = s->cap ? s->cap * 2 : SERIES_FIRST;
	struct series_point *points = reallocarray(s->points, cap, sizeof(*points));

	if (!points)
		return -ENOMEM;
	s->points = points;
	s->cap = cap;
	return 0;
}

/* The first of the two neighbours that are the closest for their age at @now_ns. */
static unsigned series_closest(const struct series *s, uint64_t now_ns)
{
	double least = 2; /* of a share: no more than 1 */
	unsigned closest = 0;

	for (unsigned i = 0; i + 1 < s->count; i++) {
		const struct series_point *p = &s->points[i];
		double share = (double)(p[1].ns - p->ns) / (double)(now_ns - p->ns);

		if (share < least) {
			least = share;
			closest = i;
		}
	}
	return closest;
}

static void series_merge(struct series *s, unsigned i)
{
	struct series_point *p = &s->points[i];
	uint64_t high = p[0].high > p[1].high ? p[0].high : p[1].high;

	if (p[1].low < p[0].low)
		p[0] = p[1];
	p[0].high = high;
	memmove(&p[1], &p[2], (s->count - i - 2) * sizeof(*p));
	s->count--;
}

int series_add(struct series *s, uint64_t ns, uint64_t value)
{
	if (s->count && ns <= s->last_ns)
		return -EINVAL;
	if (s->count == SERIES_CAP)
		series_merge(s, series_closest(s, ns));
	if (s->count == s->cap && series_grow(s))
		return -ENOMEM;
	if (!s->count)
		s->begin_ns = ns;
	s->points[s->count++] = (struct series_point){.ns = ns, .low = value, .high = value};
	s->last_ns = ns;
	s->last = value;
	return 0;
}

unsigned series_from(const struct series *s, uint64_t ns)
{
	unsigned begin = 0, end = s->count;

	while (begin < end) {
		unsigned middle = (begin + end) / 2;

		if (s->points[middle].ns < ns)
			begin = middle + 1;
		else
			end = middle;
	}
	return begin;
}

double series_span_s(const struct series *s)
{
	return s->count ? (double)(s->last_ns - s->begin_ns) / 1e9 : 0;
}
