/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How one series went and how it goes now: flat, growing, levelling off, or not to be told yet.
 *
 * Looked at are the minima over whole cycles (valley), in the whole series and in its last quarter,
 * sixteenth and so on, each from where its warm-up ends. What the longest of them shows counts
 * unless a shorter one shows that it has changed since: growth that stopped, or began again.
 *
 * LIMITATIONS: what ebbs and flows more slowly than it is watched (a day's load in an hour) is
 * growth. A cache that fills evenly is growth until it is full. So confidence grows with time only.
 */
#ifndef MEMWATCH_ANALYSIS_SHAPE_H
#define MEMWATCH_ANALYSIS_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/series.h"
#include "analysis/trend.h"

enum shape_kind {
	SHAPE_EARLY,	 /* too early to say */
	SHAPE_FLAT,	 /* comes back to where it was; @rise says what was before */
	SHAPE_GROWING,	 /* evenly, or faster and faster */
	SHAPE_LEVELLING, /* grows, but more and more slowly */
};

/* What matters for a quantity. */
struct shape_rule {
	double least;	    /* growth below it does not count, bytes */
	double least_share; /* nor below this share of the level */
	double quantum;	    /* what values are rounded to, bytes */
	double tolerance; /* bytes per second that count as flat; 1 % of the level a minute more */
	double alpha;	  /* of the test for a trend */
	unsigned min_points;
	double min_span_s;
	double patience_s; /* confidence in growth is 1/2 when it went on for so long */
};

extern const struct shape_rule shape_rule_memory; /* a size at each tick */
extern const struct shape_rule shape_rule_live;	  /* live heap, at each full collection */
extern const struct shape_rule shape_rule_count;  /* threads, at each tick */

struct shape {
	enum shape_kind kind;
	double confidence; /* 0..1, in @kind; 0 for SHAPE_EARLY */
	/* The phase that it is in. */
	uint64_t since_ns; /* CLOCK_BOOTTIME */
	double span_s;
	unsigned points;    /* minima that were compared */
	struct trend trend; /* bytes per second */
	double p;	    /* chance to see such a rise where there is none */
	double level;	    /* the last minimum, bytes */
	double growth;	    /* by the trend, over the phase, bytes; < 0: it shrank */
	double tolerance;   /* bytes per second that still count as flat, at that level */
	double steadiness;  /* rate of the second half by the first; at most 1 */
	unsigned cycles;    /* ups and downs in it */
	double given_back;  /* the largest fall in it, bytes */
	/* What was before it; 0 if nothing was. */
	double rise;		  /* of the floor, from its least before the phase, bytes */
	double peak;		  /* the greatest value before the phase, bytes */
	bool rise_is_step;	  /* it came at once */
	double given_back_before; /* the largest fall before it */
};

/** shape_of - judges @s by @rule; SHAPE_EARLY also where it is empty */
void shape_of(const struct series *s, const struct shape_rule *rule, struct shape *out);

/**
 * shape_slope_since - slope of @s from @since_ns on, bytes per second, over minima of cycles
 *
 * To say what part of a growth is of which kind. 0 where it cannot be told.
 */
double shape_slope_since(const struct series *s, uint64_t since_ns);

/**
 * shape_patience - confidence that what went on for @span_s goes on, @patience_s being its half
 *
 * span / (span + patience): of what is seen at no special moment of its life, the chance to last
 * for another @patience_s (Gott 1993, "Implications of the Copernican principle").
 */
double shape_patience(double span_s, double patience_s);

#endif
