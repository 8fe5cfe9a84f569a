/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sentences of a verdict. */
#include "analysis/evidence.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define BYTES_MAX	0x1p62 /* so that it fits, whatever it is rounded to */
#define SPAN_MAX_S	(100 * 365.25 * 86400)
#define PER_SECOND_FROM 1024 /* slower is said by the minute */
#define SLOWS_BELOW	0.95 /* of the earlier rate: what is above it is noise */

void evidence_say(struct verdict *v, const char *format, ...)
{
	va_list args;

	if (v->evidence_count == VERDICT_EVIDENCE_MAX)
		return;
	va_start(args, format);
	vsnprintf(v->evidence[v->evidence_count++], VERDICT_SENTENCE, format, args);
	va_end(args);
}

char *evidence_bytes(char *out, double bytes)
{
	return units_format_bytes(out, EVIDENCE_BYTES,
				  bytes > 0 ? (uint64_t)fmin(bytes, BYTES_MAX) : 0);
}

char *evidence_rate(char *out, double bytes_per_s)
{
	double per_s = isfinite(bytes_per_s) ? bytes_per_s : 0;
	double per_min = fmin(fmax(per_s * 60, -BYTES_MAX), BYTES_MAX);
	bool is_slow = fabs(per_s) < PER_SECOND_FROM;

	per_s = fmin(fmax(per_s, -BYTES_MAX), BYTES_MAX);
	units_format_delta(out, EVIDENCE_BYTES, (int64_t)(is_slow ? per_min : per_s));
	strncat(out, is_slow ? "/min" : "/s", EVIDENCE_BYTES - strlen(out) - 1);
	return out;
}

char *evidence_span(char *out, double seconds)
{
	return units_format_duration(out, EVIDENCE_BYTES,
				     seconds > 0 ? (uint64_t)fmin(seconds, SPAN_MAX_S) : 0);
}

void evidence_growth(struct verdict *v, const char *what, const struct shape *shape)
{
	char rate[EVIDENCE_BYTES], low[EVIDENCE_BYTES], high[EVIDENCE_BYTES];
	char grown[EVIDENCE_BYTES], span[EVIDENCE_BYTES], fall[EVIDENCE_BYTES];

	evidence_say(v, "%s: %s (%s to %s, 95 %%), about %s in the last %s", what,
		     evidence_rate(rate, shape->trend.slope), evidence_rate(low, shape->trend.low),
		     evidence_rate(high, shape->trend.high), evidence_bytes(grown, shape->growth),
		     evidence_span(span, shape->span_s));
	evidence_say(v, "%u minima of it rise; by chance they would with p %s%.4f; largest fall %s",
		     shape->points, shape->p < 0.0001 ? "< " : "= ", fmax(shape->p, 0.0001),
		     evidence_bytes(fall, shape->given_back));
	if (shape->steadiness < SLOWS_BELOW)
		evidence_say(v, "it slows down: the later part at %.0f %% of the earlier rate",
			     shape->steadiness * 100);
}

void evidence_flat(struct verdict *v, const char *what, const struct shape *shape)
{
	char level[EVIDENCE_BYTES], span[EVIDENCE_BYTES], high[EVIDENCE_BYTES];
	char fall[EVIDENCE_BYTES];

	evidence_say(v, "%s: floor %s, flat for %s (at most %s, 97 %%)", what,
		     evidence_bytes(level, shape->level), evidence_span(span, shape->span_s),
		     evidence_rate(high, shape->trend.high));
	if (shape->cycles)
		evidence_say(v, "it went up and down %u times, by up to %s, and came back",
			     shape->cycles, evidence_bytes(fall, shape->given_back));
}

void evidence_share(struct verdict *v, double share, const char *where)
{
	evidence_say(v, "%.0f %% of the growth is %s", fmin(share, 1) * 100, where);
}

void evidence_limit(struct verdict *v)
{
	char bytes[EVIDENCE_BYTES], span[EVIDENCE_BYTES];
	const struct limit *l = &v->limit;

	if (l->kind == LIMIT_NONE)
		return;
	evidence_say(v, "at this rate %s%s%s (%s) is met in %s", limit_kind_name(l->kind),
		     l->where ? " of " : "", l->where ? l->where : "",
		     evidence_bytes(bytes, (double)l->bytes),
		     evidence_span(span, v->limit_seconds));
}
