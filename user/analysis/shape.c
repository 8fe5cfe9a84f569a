/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Windows over a series, and what they say together. */
#include "analysis/shape.h"

#include <math.h>
#include <string.h>

#include "analysis/change.h"
#include "analysis/mann_kendall.h"
#include "analysis/plateau.h"
#include "analysis/valley.h"
#include "analysis/warmup.h"

#define MIB		 1048576.0
#define PAGE		 4096.0
#define WINDOWS_MAX	 10
#define WINDOW_SHARE	 4    /* each window is one in so many of the one before */
#define SETTLE_MAX	 4    /* warm-ups cut off, one after the other, finer each time */
#define NOISE_LEASTS	 4    /* times the least growth that counts, */
#define NOISE_SHARE	 0.02 /* this share of the least level */
#define NOISE_RANGE	 0.1  /* and this of the range: falls below do not matter */
#define CYCLES_PAST	 8    /* of the past that a window must hold, or else outgrow */
#define OUTGROWN	 1.5  /* times the largest fall of the past: not seen before */
#define SAW_SHARE	 0.1  /* of the saw that a growth must come to */
#define LEVELLING_BELOW	 0.6  /* second half's rate by the first's */
#define SAME_RATE	 0.3  /* rates that differ by less of it are one */
#define PAST_SPANS	 4    /* a phase is compared with a past of so many times its length */
#define SAME_STEADINESS	 0.9  /* or more: it does not slow down */
#define FLAT_PATIENCE_S	 5
#define FLAT_CONFIDENCE	 0.5
#define MISSING		 2   /* times the least growth that a plateau must have missed */
#define PAUSE_FACTOR	 2   /* a plateau outlasts the pauses of a growth so many times */
#define STEP_SHARE	 0.6 /* of a rise */
#define EXTEND_MAX	 8
#define EXTEND_SHARE	 4   /* by one in so many of its length at a time */
#define EXTEND_RATE	 0.1 /* of its rate may it change by that */
#define EVEN_SHARE	 0.6 /* of the rate is the least that it may be: that is even enough */
#define RISES_MANY	 8   /* or more: on and on; few lumps say less of what is to come */
#define LEVEL_PER_MINUTE 0.01

const struct shape_rule shape_rule_memory = {
	.least = MIB / 2,
	.least_share = 0.01,
	.quantum = PAGE,
	.tolerance = 2 * MIB / 60,
	.alpha = 0.003,
	.min_points = 6,
	.min_span_s = 10,
	.patience_s = 25,
};

const struct shape_rule shape_rule_live = {
	.least = MIB / 2,
	.least_share = 0.02,
	.quantum = PAGE,
	.tolerance = 2 * MIB / 60,
	.alpha = 0.05, /* of 4 collections that rise each time, 1 in 24 does by chance */
	.min_points = 4,
	.min_span_s = 5,
	.patience_s = 20,
};

const struct shape_rule shape_rule_count = {
	.least = 3,
	.least_share = 0.1,
	.quantum = 0.5,
	.tolerance = 1.0 / 60,
	.alpha = 0.003,
	.min_points = 6,
	.min_span_s = 10,
	.patience_s = 25,
};

/* One window from where it has settled. */
struct phase {
	uint64_t from_ns;
	double span_s;
	struct trend_point p[TREND_MAX];
	unsigned n;
	struct valley_cycles cycles;
	bool cycles_matter; /* or else @p are any minima, and cycles noise */
	struct trend trend;
	double probability;
};

/* Falls that matter: noise below is left to the tests, teeth above are not to be taken for growth.
 */
static double cycle_least(const struct shape_rule *rule, const struct valley_cycles *cycles)
{
	double range = cycles->high - cycles->low;

	return fmax(fmax(NOISE_LEASTS * rule->least, NOISE_SHARE * cycles->low),
		    NOISE_RANGE * range);
}

/* So many stretches that each holds a bottom: mostly, or always, whichever gives more. */
static unsigned count_blocks(const struct phase *phase, unsigned points)
{
	bool has_cycles = phase->cycles.count && phase->cycles_matter;
	double mostly = phase->cycles.count * 2.0 / 3;
	double always = has_cycles ? phase->span_s / phase->cycles.longest_s : TREND_MAX;
	double blocks = fmin(fmax(mostly, always), TREND_MAX);

	return blocks < points ? (unsigned)blocks : points;
}

static void phase_look(const struct series *s, uint64_t from_ns, const struct shape_rule *rule,
		       struct phase *phase)
{
	memset(phase, 0, sizeof(*phase));
	phase->from_ns = from_ns;
	phase->span_s = (double)(s->last_ns - from_ns) / 1e9;
	phase->probability = 1;
	valley_cycles(s, from_ns, UINT64_MAX, &phase->cycles);
	phase->cycles_matter = phase->cycles.given_back >= cycle_least(rule, &phase->cycles);
	phase->n = valley_floor(s, from_ns, count_blocks(phase, s->count - series_from(s, from_ns)),
				phase->p);
	if (trend_fit(phase->p, phase->n, &phase->trend))
		return;
	phase->probability = mann_kendall(phase->p, phase->n,
					  trend_dependence(phase->p, phase->n, phase->trend.slope));
}

static double phase_growth(const struct phase *phase)
{
	return phase->trend.slope * phase->span_s;
}

static double phase_level(const struct phase *phase)
{
	return phase->n ? phase->p[phase->n - 1].bytes : 0;
}

/* What it began with. */
static double phase_floor(const struct phase *phase)
{
	return phase->n ? phase->p[0].bytes : 0;
}

/* What is worth to be seen: growth below it does not count. */
static double matters(const struct phase *phase, const struct shape_rule *rule)
{
	return fmax(rule->least, rule->least_share * phase_level(phase));
}

/* A jump with nothing before and after is no growth that goes on. */
static bool is_one_step(const struct phase *phase, const struct shape_rule *rule)
{
	struct change_segment segments[CHANGE_SEGMENTS_MAX];
	unsigned count = change_segments(phase->p, phase->n, rule->quantum, segments);
	double all = phase->p[phase->n - 1].bytes - phase->p[0].bytes;

	return change_step(segments, count, NULL) >= STEP_SHARE * fmax(all, 0) && count > 1;
}

/*
 * In how many rises of about one size the floor came to its highest: as many equal ones have that
 * sum and that sum of squares.
 */
static double count_rises(const struct phase *phase)
{
	double high = phase->p[0].bytes, sum = 0, squares = 0;

	for (unsigned i = 1; i < phase->n; i++) {
		double rise = phase->p[i].bytes - high;

		if (rise <= 0)
			continue;
		high = phase->p[i].bytes;
		sum += rise;
		squares += rise * rise;
	}
	return squares > 0 ? sum * sum / squares : 1;
}

/* What is worth to be seen beside the ups and downs; with too few of them, it outgrows all. */
static double growth_least(const struct phase *phase, const struct shape_rule *rule)
{
	double saw = phase->cycles.given_back * (phase->cycles_matter ? SAW_SHARE : OUTGROWN);

	return fmax(matters(phase, rule), saw);
}

static bool phase_grows(const struct phase *phase, const struct shape_rule *rule)
{
	return phase->n >= rule->min_points && phase->span_s >= rule->min_span_s &&
	       phase->probability <= rule->alpha && phase->trend.low > 0 &&
	       phase_growth(phase) >= growth_least(phase, rule) && !is_one_step(phase, rule);
}

/*
 * Whether the rest goes the same way, and says so no better. Of what grows and hardly scatters,
 * pauses and rates that differ for a while make another way only if that comes to something.
 */
static bool cut_is_idle(const struct phase *whole, const struct phase *rest,
			const struct shape_rule *rule)
{
	double difference = fabs(rest->trend.slope - whole->trend.slope);

	if (phase_grows(whole, rule) && (difference <= SAME_RATE * whole->trend.slope ||
					 difference * rest->span_s < matters(whole, rule)))
		return true;
	return rest->trend.low <= whole->trend.high && rest->trend.high >= whole->trend.low &&
	       rest->trend.high - rest->trend.low >= whole->trend.high - whole->trend.low;
}

/* Cuts off what is another way than that of the end, as long as enough remains to judge by. */
static void phase_settle(const struct series *s, uint64_t from_ns, const struct shape_rule *rule,
			 struct phase *phase)
{
	phase_look(s, from_ns, rule, phase);
	for (int i = 0; i < SETTLE_MAX; i++) {
		unsigned cut = warmup_end(phase->p, phase->n, rule->quantum, rule->min_span_s);
		struct phase rest;

		if (!cut)
			return;
		phase_look(s, phase->from_ns + (uint64_t)(phase->p[cut].s * 1e9), rule, &rest);
		if (rest.n < rule->min_points || rest.span_s < rule->min_span_s ||
		    cut_is_idle(phase, &rest, rule))
			return;
		*phase = rest;
	}
}

/* Ups and downs before @phase, with the fall that it may have begun with. */
static void past_cycles(const struct series *s, const struct phase *phase,
			struct valley_cycles *past)
{
	valley_cycles(s, s->begin_ns, phase->from_ns, past);
	if (phase->from_ns > s->begin_ns)
		past->given_back = fmax(past->given_back, past->high - phase_floor(phase));
}

/* What was given back before, and more of it, may be again. */
static bool outgrows_past(const struct series *s, const struct phase *phase)
{
	struct valley_cycles past;

	past_cycles(s, phase, &past);
	return phase_growth(phase) >= OUTGROWN * past.given_back;
}

/* It rises in all of its cycles, or by more than ever was given back. */
static bool grows_at_all(const struct series *s, const struct phase *phase,
			 const struct shape_rule *rule)
{
	struct valley_cycles past;

	if (!phase_grows(phase, rule))
		return false;
	valley_cycles(s, s->begin_ns, phase->from_ns, &past);
	return outgrows_past(s, phase) ||
	       (past.count && phase->span_s >= CYCLES_PAST * past.longest_s);
}

/* Growth that began of late: many windows are looked at, so one that is a matter of chance is
 * found. */
static bool grows_anew(const struct series *s, const struct phase *phase,
		       const struct shape_rule *rule)
{
	return phase_grows(phase, rule) && outgrows_past(s, phase);
}

/* The longest time up to @end_s in which a growth made no new high of its floor. */
static double longest_pause(const struct phase *phase, double end_s)
{
	double high = phase->p[0].bytes, at_s = phase->p[0].s, longest = 0;

	for (unsigned i = 1; i < phase->n && phase->p[i].s <= end_s; i++) {
		if (phase->p[i].bytes <= high)
			continue;
		longest = fmax(longest, phase->p[i].s - at_s);
		high = phase->p[i].bytes;
		at_s = phase->p[i].s;
	}
	return longest;
}

/* Growth per second that is none; beside a saw more, as minima of its teeth differ. */
static double tolerance(const struct shape_rule *rule, const struct phase *phase)
{
	double saw = phase->cycles_matter && phase->span_s > 0
			     ? phase->cycles.given_back * SAW_SHARE / phase->span_s
			     : 0;

	return rule->tolerance + phase_level(phase) * LEVEL_PER_MINUTE / 60 + saw;
}

/* Whether the growth of @whole ended where @recent begins. */
static bool has_stopped(const struct phase *whole, const struct phase *recent,
			const struct shape_rule *rule)
{
	double missing = whole->trend.slope * recent->span_s, end_s;

	if (recent->from_ns <= whole->from_ns || missing < MISSING * growth_least(recent, rule) ||
	    recent->span_s < rule->min_span_s ||
	    !plateau_holds(&recent->trend, tolerance(rule, recent), whole->trend.slope))
		return false;
	end_s = (double)(recent->from_ns - whole->from_ns) / 1e9;
	return recent->span_s >= PAUSE_FACTOR * longest_pause(whole, end_s);
}

/* The second half's rate by the first's. */
static double steadiness_within(const struct phase *phase)
{
	unsigned half = (phase->n + 1) / 2;
	struct trend first, second;

	if (trend_fit(phase->p, half, &first) ||
	    trend_fit(&phase->p[phase->n - half], half, &second) || !(first.slope > 0))
		return 1;
	return second.high / first.slope;
}

/*
 * What it grew by, by what it grew by in the time before: some times as long as the phase at most,
 * and then at that rate. @before_s: how long that time was.
 */
static double steadiness_before(const struct series *s, const struct phase *phase, double *before_s)
{
	double span_s = phase->span_s, past_s = (double)(phase->from_ns - s->begin_ns) / 1e9;
	struct valley_cycles past;
	uint64_t past_ns;
	double rise;

	past_s = fmin(past_s, PAST_SPANS * span_s);
	*before_s = past_s;
	past_ns = phase->from_ns - (uint64_t)(past_s * 1e9);
	if (series_from(s, past_ns) >= series_from(s, phase->from_ns))
		return 1; /* nobody looked, as while the machine was suspended */
	valley_cycles(s, past_ns, phase->from_ns, &past);
	rise = (phase->p[0].bytes - past.low) * fmin(span_s / past_s, 1);
	return past_s > 0 && rise > 0 ? phase->trend.high * span_s / rise : 1;
}

/* Few minima, but not for long cycles: nobody looked for long, and the shorter window says more. */
static bool has_gaps(const struct phase *now, const struct phase *recent,
		     const struct shape_rule *rule)
{
	return now->n < rule->min_points && recent->n >= rule->min_points &&
	       !(now->cycles.count && now->cycles_matter);
}

/* A window begins anywhere: what grows may have done so at that rate for longer. */
static void phase_extend(const struct series *s, const struct shape_rule *rule, struct phase *phase)
{
	double rate = phase->trend.slope;

	for (int i = 0; i < EXTEND_MAX && phase->from_ns > s->begin_ns; i++) {
		uint64_t more_ns = (s->last_ns - phase->from_ns) / EXTEND_SHARE;
		struct phase longer;

		if (more_ns > phase->from_ns - s->begin_ns)
			more_ns = phase->from_ns - s->begin_ns;
		phase_look(s, phase->from_ns - more_ns, rule, &longer);
		if (!phase_grows(&longer, rule) ||
		    fabs(longer.trend.slope - rate) > EXTEND_RATE * rate)
			return;
		*phase = longer;
	}
}

double shape_patience(double span_s, double patience_s)
{
	return span_s / (span_s + patience_s);
}

static void fill_phase(const struct phase *phase, const struct shape_rule *rule, struct shape *out)
{
	out->since_ns = phase->from_ns;
	out->span_s = phase->span_s;
	out->points = phase->n;
	out->trend = phase->trend;
	out->p = phase->probability;
	out->level = phase_level(phase);
	out->growth = phase_growth(phase);
	out->cycles = phase->cycles.count;
	out->given_back = phase->cycles.given_back;
	out->tolerance = tolerance(rule, phase);
	out->steadiness = 1;
}

/* Growth in a few lumps shows less that it goes on than growth on and on; if so many can be told.
 */
static double lumps_confidence(const struct phase *phase)
{
	if (phase->n <= 2 * RISES_MANY)
		return 1;
	return fmin((1 - 1 / count_rises(phase)) / (1 - 1.0 / RISES_MANY), 1);
}

/* How long it has not come to a new high, by how long it has at most not done so before. */
static double stall_confidence(const struct phase *phase)
{
	unsigned highest = 0;
	double before, stall;

	for (unsigned i = 1; i < phase->n; i++)
		if (phase->p[i].bytes > phase->p[highest].bytes)
			highest = i;
	stall = phase->span_s - phase->p[highest].s;
	before = fmax(longest_pause(phase, phase->p[highest].s), phase->span_s / phase->n);
	return fmin(PAUSE_FACTOR * before / fmax(stall, before), 1);
}

/* Of a rate that may be anything, little can be said about what is to come. */
static double even_confidence(const struct phase *phase)
{
	return fmin(phase->trend.low / phase->trend.slope / EVEN_SHARE, 1);
}

static void fill_growing(const struct series *s, const struct phase *phase,
			 const struct shape_rule *rule, struct shape *out)
{
	double within = steadiness_within(phase), before_s;
	double before = steadiness_before(s, phase, &before_s);
	double seen_s = phase->span_s + (before < within ? before_s : 0), same;

	out->steadiness = fmin(fmax(fmin(within, before), 0), 1);
	if (out->steadiness < LEVELLING_BELOW) {
		out->kind = SHAPE_LEVELLING;
		out->confidence = shape_patience(seen_s, rule->patience_s) * (1 - out->steadiness);
		return;
	}
	out->kind = SHAPE_GROWING;
	same = fmin(out->steadiness / SAME_STEADINESS, 1);
	out->confidence = shape_patience(phase->span_s, rule->patience_s) * same * same *
			  (1 - phase->probability) * lumps_confidence(phase) *
			  stall_confidence(phase) * even_confidence(phase);
}

/* Flat is what could not have hidden a growth that matters. */
static void fill_flat(const struct phase *phase, const struct shape_rule *rule, struct shape *out)
{
	double hidden = fmax(phase->trend.high, 0) / tolerance(rule, phase);

	if (phase->n < PLATEAU_MIN_POINTS || phase->span_s < rule->min_span_s)
		return;
	out->confidence = shape_patience(phase->span_s, FLAT_PATIENCE_S) / (1 + hidden);
	if (out->confidence >= FLAT_CONFIDENCE)
		out->kind = SHAPE_FLAT;
	else
		out->confidence = 0;
}

static void fill_past(const struct series *s, const struct phase *phase,
		      const struct shape_rule *rule, struct shape *out)
{
	struct change_segment segments[CHANGE_SEGMENTS_MAX];
	struct valley_cycles past;
	struct phase all;

	if (phase->from_ns <= s->begin_ns)
		return;
	past_cycles(s, phase, &past);
	out->rise = fmax(phase->cycles.low - past.low, 0);
	out->peak = past.high;
	out->given_back_before = past.given_back;
	phase_look(s, s->begin_ns, rule, &all);
	out->rise_is_step =
		out->rise > 0 &&
		change_step(segments, change_segments(all.p, all.n, rule->quantum, segments),
			    NULL) >= STEP_SHARE * out->rise;
}

/* What never changed: no need to look at its points, and on an idle machine that is most. */
static void fill_constant(const struct series *s, const struct shape_rule *rule, struct shape *out)
{
	struct phase phase = {
		.from_ns = s->begin_ns,
		.span_s = series_span_s(s),
		.n = s->count,
		.probability = 1,
	};

	fill_phase(&phase, rule, out);
	fill_flat(&phase, rule, out);
	out->trend.points = s->count;
	out->level = (double)s->last;
}

void shape_of(const struct series *s, const struct shape_rule *rule, struct shape *out)
{
	struct phase now, recent;
	uint64_t span_ns;
	bool grows;

	memset(out, 0, sizeof(*out));
	if (!s->count)
		return;
	if (s->is_constant) {
		fill_constant(s, rule, out);
		return;
	}
	phase_settle(s, s->begin_ns, rule, &now);
	grows = grows_at_all(s, &now, rule);
	span_ns = s->last_ns - s->begin_ns;
	for (int i = 1; i < WINDOWS_MAX; i++) {
		span_ns /= WINDOW_SHARE;
		if ((double)span_ns / 1e9 < rule->min_span_s)
			break;
		phase_settle(s, s->last_ns - span_ns, rule, &recent);
		if (has_gaps(&now, &recent, rule))
			now = recent;
		if (grows ? !has_stopped(&now, &recent, rule) : !grows_anew(s, &recent, rule))
			continue;
		now = recent;
		grows = !grows;
		break;
	}
	if (grows)
		phase_extend(s, rule, &now);
	fill_phase(&now, rule, out);
	fill_past(s, &now, rule, out);
	if (grows)
		fill_growing(s, &now, rule, out);
	else
		fill_flat(&now, rule, out);
}

double shape_slope_since(const struct series *s, uint64_t since_ns)
{
	struct phase phase;

	if (!s->count || s->last_ns <= since_ns)
		return 0;
	phase_look(s, since_ns, &shape_rule_memory, &phase);
	return phase.trend.slope;
}
