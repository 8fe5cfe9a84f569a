/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Minima of stretches of time, and the cycles that say how long a stretch must be. */
#include "analysis/valley.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define NEAR_SHARE  3 /* of the mean distance: points that are closer come together */
#define CYCLE_SHARE 3 /* of the largest fall: smaller ups and downs are noise */

/* Each point by itself, but for those that come together: of these it is the least. */
static unsigned floor_of_each(const struct series *s, uint64_t from_ns, struct trend_point *out)
{
	unsigned begin = series_from(s, from_ns), count = 0;
	double near_s =
		(double)(s->last_ns - from_ns) / 1e9 / fmax(s->count - begin - 1.0, 1) / NEAR_SHARE;
	double began_s = 0;

	for (unsigned i = begin; i < s->count; i++) {
		struct trend_point p = {
			.s = (double)(s->points[i].ns - from_ns) / 1e9,
			.bytes = (double)s->points[i].low,
		};

		if (!count || p.s - began_s >= near_s) {
			began_s = p.s;
			out[count++] = p;
		} else if (p.bytes < out[count - 1].bytes) {
			out[count - 1] = p;
		}
	}
	return count;
}

unsigned valley_floor(const struct series *s, uint64_t from_ns, unsigned blocks,
		      struct trend_point *out)
{
	double span_s = s->count && s->last_ns > from_ns ? (double)(s->last_ns - from_ns) / 1e9 : 0;
	unsigned count = 0, current = 0;

	if (!blocks)
		return 0;
	if (blocks >= s->count - series_from(s, from_ns) && span_s > 0)
		return floor_of_each(s, from_ns, out);
	for (unsigned i = series_from(s, from_ns); i < s->count; i++) {
		double at_s = (double)(s->points[i].ns - from_ns) / 1e9;
		double low = (double)s->points[i].low;
		unsigned block = span_s > 0 ? (unsigned)(at_s / span_s * blocks) : 0;

		if (block >= blocks) /* the newest point ends the last one */
			block = blocks - 1;
		if (!count || block != current)
			out[count++] = (struct trend_point){.s = at_s, .bytes = low};
		else if (low < out[count - 1].bytes)
			out[count - 1] = (struct trend_point){.s = at_s, .bytes = low};
		current = block;
	}
	return count;
}

/* The least, the greatest, and the largest fall from what came before. */
static void measure_range(const struct series_point *p, unsigned n, struct valley_cycles *out)
{
	double peak = 0;

	for (unsigned i = 0; i < n; i++) {
		double low = (double)p[i].low, high = (double)p[i].high;

		out->low = i ? fmin(out->low, low) : low;
		out->high = i ? fmax(out->high, high) : high;
		if (i)
			out->given_back = fmax(out->given_back, peak - low);
		peak = i ? fmax(peak, high) : high;
	}
}

/* Bottoms: lows after a fall of at least @least and before a rise of at least that. */
static void measure_cycles(const struct series_point *p, unsigned n, uint64_t from_ns, double least,
			   struct valley_cycles *out)
{
	double peak = (double)p[0].high, bottom = (double)p[0].low;
	uint64_t bottom_ns = p[0].ns, last_ns = from_ns;
	bool is_falling = false;

	for (unsigned i = 1; i < n; i++) {
		double low = (double)p[i].low, high = (double)p[i].high;

		if (!is_falling && peak - low >= least) {
			is_falling = true;
			bottom = low;
			bottom_ns = p[i].ns;
		}
		if (is_falling && low < bottom) {
			bottom = low;
			bottom_ns = p[i].ns;
		}
		if (is_falling && high - bottom >= least) {
			out->count++;
			out->longest_s = fmax(out->longest_s, (double)(bottom_ns - last_ns) / 1e9);
			last_ns = bottom_ns;
			is_falling = false;
			peak = high;
		}
		if (!is_falling)
			peak = fmax(peak, high);
	}
}

void valley_cycles(const struct series *s, uint64_t from_ns, uint64_t to_ns,
		   struct valley_cycles *out)
{
	unsigned begin = series_from(s, from_ns), end = series_from(s, to_ns);
	double least;

	memset(out, 0, sizeof(*out));
	if (begin >= end)
		return;
	measure_range(&s->points[begin], end - begin, out);
	least = out->given_back / CYCLE_SHARE;
	if (least > 0)
		measure_cycles(&s->points[begin], end - begin, from_ns, least, out);
}
