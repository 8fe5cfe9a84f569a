// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Verdicts as phrases. A rate is told of what grows; of the rest it would be noise. */
#include "output/verdict_text.h"

#include <math.h>
#include <string.h>

#include "analysis/evidence.h"

#define PERCENT_MAX   99 /* nothing is certain */
#define SECONDS_A_DAY 86400.0
#define DAYS_MAX      100

static unsigned percent_of(double confidence)
{
	double percent = confidence * 100 + 0.5;

	return percent < PERCENT_MAX ? (percent > 0 ? (unsigned)percent : 0) : PERCENT_MAX;
}

void verdict_label_add(struct strbuf *out, const struct verdict *v)
{
	strbuf_adds(out, v ? verdict_class_name(v->class) : "-");
	if (v && v->is_leak)
		strbuf_addf(out, " %u%%", percent_of(v->confidence));
}

bool verdict_has_limit(const struct verdict *v)
{
	return v && v->limit.kind != LIMIT_NONE && isfinite(v->limit_seconds);
}

void verdict_limit_add(struct strbuf *out, const struct verdict *v)
{
	char span[EVIDENCE_BYTES];

	if (!verdict_has_limit(v))
		strbuf_addc(out, '-');
	else if (v->limit_seconds >= DAYS_MAX * SECONDS_A_DAY)
		strbuf_addf(out, ">%dd", DAYS_MAX - 1);
	else
		strbuf_adds(out, evidence_span(span, v->limit_seconds));
}

static void add_rate(struct strbuf *out, const struct trend *t)
{
	char rate[EVIDENCE_BYTES], low[EVIDENCE_BYTES], high[EVIDENCE_BYTES];

	strbuf_addf(out, "%s (%s to %s)", evidence_rate(rate, t->slope), evidence_rate(low, t->low),
		    evidence_rate(high, t->high));
}

static void add_limit(struct strbuf *out, const struct verdict *v)
{
	char bytes[EVIDENCE_BYTES], span[EVIDENCE_BYTES];
	const struct limit *l = &v->limit;

	strbuf_addf(out, "; %s", limit_kind_name(l->kind));
	if (l->where) {
		strbuf_adds(out, " of ");
		strbuf_add_text(out, l->where, strlen(l->where));
	}
	strbuf_addf(out, " (%s) in %s", evidence_bytes(bytes, (double)l->bytes),
		    evidence_span(span, v->limit_seconds));
}

void verdict_text_add(struct strbuf *out, const struct verdict *v)
{
	if (v->class == VERDICT_EARLY) {
		strbuf_adds(out, verdict_class_help(v->class));
		return;
	}
	if (v->is_leak && v->class != VERDICT_LEAK)
		strbuf_addf(out, "leak (%s)", verdict_class_name(v->class));
	else
		strbuf_adds(out, verdict_class_name(v->class));
	strbuf_addf(out, ", %u %% sure: ", percent_of(v->confidence));
	if (v->is_leak)
		add_rate(out, &v->trend);
	else
		strbuf_adds(out, verdict_class_help(v->class));
	if (verdict_has_limit(v))
		add_limit(out, v);
}

void verdict_evidence_add(struct strbuf *out, const struct verdict *v, const char *prefix)
{
	for (unsigned i = 0; i < v->evidence_count && i < VERDICT_EVIDENCE_MAX; i++) {
		strbuf_adds(out, prefix);
		strbuf_add_text(out, v->evidence[i], VERDICT_SENTENCE);
		strbuf_addc(out, '\n');
	}
}
