/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Binary segmentation into lines. */
#include "analysis/change.h"

#include <math.h>
#include <string.h>

#include "analysis/line.h"

#define SPLIT_NUMBERS 3 /* that another segment adds */
#define PENALTY	      2 /* times that of the criterion */

static struct change_segment segment_fit(const struct trend_point *p, unsigned begin, unsigned end)
{
	struct line_sums sums = {0};

	for (unsigned i = begin; i < end; i++)
		line_add(&sums, &p[i]);
	return (struct change_segment){
		.begin = begin,
		.end = end,
		.slope = line_slope(&sums),
		.first = line_at(&sums, p[begin].s),
		.last = line_at(&sums, p[end - 1].s),
	};
}

/* Squares left by a line through the first 1, 2, ... points, or (@step -1) the last. */
static void squares_along(const struct trend_point *p, unsigned n, int step, double *squares)
{
	struct line_sums sums = {0};

	for (unsigned i = 0; i < n; i++, p += step) {
		line_add(&sums, p);
		squares[i] = line_squares(&sums);
	}
}

/* The best place to split a segment, with what it is worth: > 0, it is. */
static double best_split(const struct trend_point *p, const struct change_segment *segment,
			 double quantum, unsigned *place)
{
	unsigned n = segment->end - segment->begin, best = 0;
	double before[TREND_MAX], after[TREND_MAX], rounding = n * quantum * quantum, least, whole;

	if (n < 2 * CHANGE_SEGMENT_POINTS)
		return 0;
	squares_along(&p[segment->begin], n, 1, before);
	squares_along(&p[segment->end - 1], n, -1, after);
	whole = before[n - 1] + rounding;
	least = whole;
	for (unsigned i = CHANGE_SEGMENT_POINTS; i + CHANGE_SEGMENT_POINTS <= n; i++) {
		double left = before[i - 1] + after[n - i - 1] + rounding;

		if (left < least) {
			least = left;
			best = i;
		}
	}
	*place = segment->begin + best;
	if (!best || !(least > 0))
		return 0;
	return n * log(whole / least) - PENALTY * SPLIT_NUMBERS * log(n);
}

unsigned change_segments(const struct trend_point *p, unsigned n, double quantum,
			 struct change_segment *out)
{
	unsigned count = 1;

	if (n > TREND_MAX) {
		p += n - TREND_MAX;
		n = TREND_MAX;
	}
	if (!n)
		return 0;
	out[0] = segment_fit(p, 0, n);
	while (count < CHANGE_SEGMENTS_MAX) {
		unsigned which = 0, place = 0, at = 0;
		double most = 0;

		for (unsigned i = 0; i < count; i++) {
			double worth = best_split(p, &out[i], quantum, &at);

			if (worth > most) {
				most = worth;
				which = i;
				place = at;
			}
		}
		if (!(most > 0))
			break;
		memmove(&out[which + 2], &out[which + 1], (count - which - 1) * sizeof(*out));
		out[which + 1] = segment_fit(p, place, out[which].end);
		out[which] = segment_fit(p, out[which].begin, place);
		count++;
	}
	return count;
}

double change_step(const struct change_segment *segments, unsigned count, unsigned *at)
{
	double largest = 0;

	for (unsigned i = 1; i < count; i++) {
		double jump = segments[i].first - segments[i - 1].last;

		if (fabs(jump) > fabs(largest)) {
			largest = jump;
			if (at)
				*at = i;
		}
	}
	return largest;
}
