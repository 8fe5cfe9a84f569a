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

#define SERIES_FIRST SERIES_CAP_CONSTANT /* points of the first allocation */
#define UNFOLD_PARTS 8			 /* of each gap between points of a constant series */

_Static_assert((SERIES_CAP_CONSTANT - 1) * UNFOLD_PARTS + 1 < SERIES_CAP, "room to unfold");

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

/*
 * The first of the two neighbours that are the closest for their age at @now_ns. Shares are
 * compared crosswise: a division for each would be most of what a series costs.
 */
static unsigned series_closest(const struct series *s, uint64_t now_ns)
{
	double least_gap = 2, least_age = 1; /* a share is no more than 1 */
	unsigned closest = 0;

	for (unsigned i = 0; i + 1 < s->count; i++) {
		const struct series_point *p = &s->points[i];
		double gap = (double)(p[1].ns - p->ns), age = (double)(now_ns - p->ns);

		if (gap * least_age < least_gap * age) {
			least_gap = gap;
			least_age = age;
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

static uint64_t series_least_gap(const struct series *s)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i + 1 < s->count; i++) {
		uint64_t gap = s->points[i + 1].ns - s->points[i].ns;

		least = gap < least ? gap : least;
	}
	return least;
}

/*
 * The first other value came. What the few points stood for is told again by more of them, as
 * many as thinning would have left at about the distance of ticks: stretches of time are judged
 * by the points in them, and a long one with a few would look as if nobody had been there.
 */
static int series_unfold(struct series *s)
{
	struct series_point kept[SERIES_CAP_CONSTANT];
	unsigned count = s->count, n = 0;
	uint64_t tick = series_least_gap(s);

	memcpy(kept, s->points, count * sizeof(kept[0]));
	while (s->cap < SERIES_CAP) {
		if (series_grow(s))
			return -ENOMEM;
	}
	for (unsigned i = 0; i + 1 < count; i++) {
		uint64_t gap = kept[i + 1].ns - kept[i].ns, parts = gap / tick;

		parts = parts < UNFOLD_PARTS ? parts : UNFOLD_PARTS;
		for (uint64_t k = 0; k < parts; k++) {
			s->points[n] = kept[i];
			s->points[n++].ns += gap / parts * k;
		}
	}
	s->points[n++] = kept[count - 1];
	s->count = n;
	return 0;
}

int series_add(struct series *s, uint64_t ns, uint64_t value)
{
	bool is_constant;

	if (s->count && ns <= s->last_ns)
		return -EINVAL;
	is_constant = !s->count || (s->is_constant && value == s->last);
	if (s->count == SERIES_CAP_CONSTANT && s->is_constant && !is_constant && series_unfold(s))
		return -ENOMEM;
	if (s->count == (is_constant ? SERIES_CAP_CONSTANT : SERIES_CAP))
		series_merge(s, series_closest(s, ns));
	if (s->count == s->cap && series_grow(s))
		return -ENOMEM;
	if (!s->count)
		s->begin_ns = ns;
	s->points[s->count++] = (struct series_point){.ns = ns, .low = value, .high = value};
	s->last_ns = ns;
	s->last = value;
	s->is_constant = is_constant;
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
