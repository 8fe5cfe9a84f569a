/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sentences of a comparison, which its text and its page have alike. */
#include "output/run_diff_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/evidence.h"
#include "base/units.h"
#include "output/census_text_internal.h"
#include "output/grown_text.h"
#include "output/site_text.h"
#include "output/verdict_text.h"

#define SURE_ENOUGH   0.995 /* rounds to 100 % */
#define PROGRAMS_TOLD 5	    /* of a recording that has none of the other's */
#define LOAD_OTHER    1.5   /* times: see run_pair_load() */

/* --- pieces --- */

static void add_safe(struct strbuf *out, const char *text)
{
	census_add_name(out, text ? text : "?", 0);
}

static void add_delta(struct strbuf *out, double bytes)
{
	char text[UNITS_SIZE];
	double whole = rint(fmin(fmax(bytes, -9e18), 9e18));

	strbuf_adds(out, units_format_delta(text, sizeof(text), (int64_t)whole));
}

/* "2,500": what people compare with what they know. */
static void add_number(struct strbuf *out, int64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64,
			   value < 0 ? 0 - (uint64_t)value : (uint64_t)value);

	strbuf_addc(out, value < 0 ? '-' : '+');
	for (int i = 0; i < len; i++) {
		strbuf_addc(out, digits[i]);
		if ((len - i) % 3 == 1 && i + 1 < len)
			strbuf_addc(out, ',');
	}
}

static const char *a_unit(const struct run_diff *d)
{
	return d->unit == RUN_PER_REQUEST ? " a request" : "/s";
}

void run_diff_file_add(struct strbuf *out, const struct run_diff *d, enum run_side side)
{
	const char *path = d->of[side]->path, *slash = path ? strrchr(path, '/') : NULL;

	add_safe(out, slash && slash[1] ? slash + 1 : path);
}

void run_chance_add(struct strbuf *out, double more)
{
	if (more < 0)
		strbuf_adds(out, "few");
	else if (more >= SURE_ENOUGH)
		strbuf_adds(out, ">99%");
	else if (more < 1 - SURE_ENOUGH)
		strbuf_adds(out, "<1%");
	else
		strbuf_addf(out, "%.0f%%", fmin(100 * more, 99));
}

/* --- headline --- */

static void add_constructor(struct strbuf *out, const struct constructor *k)
{
	add_safe(out, k->name);
	if (k->file) {
		strbuf_addc(out, ' ');
		source_text_add(out, k->file, k->line);
	}
}

static void add_grown(struct strbuf *out, const struct run_pair *p)
{
	const struct run_diff_constructor *c = p->grower;

	strbuf_adds(out, ": ");
	add_number(out, c->count[RUN_B]);
	strbuf_adds(out, " objects, ");
	add_delta(out, (double)c->bytes[RUN_B]);
	/* What has its bytes outside of the heap holds less in it than it is. */
	if (p->holder.retainer && p->holder.retainer->share > 0 && c->bytes[RUN_B] >= 0 &&
	    p->holder.retainer->bytes > (uint64_t)c->bytes[RUN_B]) {
		strbuf_adds(out, ", by which ");
		census_add_bytes(out, p->holder.retainer->bytes);
		strbuf_adds(out, " are kept");
	}
}

/* "is held by Map, variable `handleMap` of scope of function saveContext handles.js:49" */
static void add_holder(struct strbuf *out, const struct run_holder *h)
{
	strbuf_adds(out, h->is_sole ? " into " : " is held by ");
	if (h->retainer->container && h->retainer->share > 0) {
		add_safe(out, h->retainer->container);
		strbuf_adds(out, ", ");
	}
	add_safe(out, h->where->edge);
	if (!h->is_sole && h->where->node[0]) {
		strbuf_adds(out, " of ");
		add_safe(out, h->where->node);
	}
	if (!h->is_sole && h->where->file) {
		strbuf_addc(out, ' ');
		source_text_add(out, h->where->file, h->where->line);
	}
	if (!h->is_sole && h->inserter && !strstr(h->where->node, h->inserter->fn)) {
		strbuf_adds(out, " (");
		frame_text_add(out, h->inserter);
		strbuf_adds(out, " puts into one there)");
	}
}

/* What is kept is missing when others allocate: they get new memory, and touch it first. */
static void add_where(struct strbuf *out, const struct run_diff_site *s)
{
	bool is_fault = s->kind == MW_SITE_FAULT;

	strbuf_adds(out, is_fault ? "new memory is first touched at " : "at ");
	site_text_add(out, s->top[RUN_B], 0, false);
	if (is_fault)
		strbuf_adds(out, ", which need not be what keeps it");
}

static void add_why(struct strbuf *out, const struct run_pair *p)
{
	const struct run_holder *h = &p->holder;

	if (!p->grower) {
		add_where(out, p->site);
		return;
	}
	if (h->is_sole) {
		frame_text_add(out, h->inserter);
		strbuf_adds(out, " puts ");
	}
	add_constructor(out, p->grower->what);
	if (h->where)
		add_holder(out, h);
	add_grown(out, p);
}

/* Pairs of which nothing can be said. */
static size_t count_early(const struct run_diff *d)
{
	size_t count = 0;

	for (size_t i = 0; i < d->pair_count; i++)
		count += d->pairs[i].basis == RUN_BY_NOTHING;
	return count;
}

/* Where nothing says whether there is growth, the code that differs most may still be it. */
static void add_most_differing(struct strbuf *out, const struct run_diff *d)
{
	const struct run_diff_site *s = NULL;

	for (size_t i = 0; i < d->pair_count; i++) {
		const struct run_diff_site *of = d->pairs[i].site;

		if (of && (!s || of->change.delta > s->change.delta))
			s = of;
	}
	if (!s)
		return;
	strbuf_adds(out, "; of code most differs ");
	site_text_add(out, s->top[RUN_B], 0, false);
	strbuf_adds(out, ", by ");
	add_delta(out, s->change.delta);
	strbuf_adds(out, a_unit(d));
}

/* Whether one of the @count that were told has the name of process @i. */
static bool is_told(const struct recorded *r, size_t i, const size_t *told, unsigned count)
{
	for (unsigned at = 0; at < count; at++) {
		if (!strcmp(r->processes[told[at]].comm, r->processes[i].comm))
			return true;
	}
	return false;
}

/* "a.mw has node, python3, ..." */
static void add_programs(struct strbuf *out, const struct run_diff *d, enum run_side side)
{
	const struct recorded *r = d->of[side];
	size_t told[PROGRAMS_TOLD];
	unsigned count = 0;

	run_diff_file_add(out, d, side);
	strbuf_adds(out, r->process_count ? " has " : " has none");
	for (size_t i = 0; i < r->process_count; i++) {
		if (is_told(r, i, told, count))
			continue;
		strbuf_adds(out, count ? ", " : "");
		if (count == PROGRAMS_TOLD) {
			strbuf_adds(out, "...");
			break;
		}
		told[count++] = i;
		census_add_name(out, r->processes[i].comm, 0);
	}
}

/* What live heaps do, or, where a leak was called in B, private memory. NULL: no such thing is
   known of both. */
static const struct run_diff_kind *kind_that_grows_in_both(const struct run_pair *p)
{
	const struct verdict *v = run_pair_verdict(p, RUN_B);
	bool is_live = p->basis == RUN_BY_GC;
	const struct run_diff_kind *k = &p->kinds[is_live ? RUN_LIVE : RUN_PRIVATE];

	if (p->basis == RUN_BY_NOTHING || (!is_live && (!v || !v->is_leak)))
		return NULL;
	for (int side = 0; side < RUN_SIDES; side++) {
		if (!k->is_known[side] || k->trend[side].low <= 0 ||
		    k->last[side] - k->first[side] < GROWN_LEAST)
			return NULL;
	}
	return k;
}

/* That B has no more of it does not mean that all is well. */
static void add_grows_in_both(struct strbuf *out, const struct run_diff *d)
{
	for (size_t i = 0; i < d->pair_count; i++) {
		const struct run_pair *p = &d->pairs[i];
		const struct run_diff_kind *k = kind_that_grows_in_both(p);

		if (!k)
			continue;
		strbuf_adds(out, "; but ");
		strbuf_add_text(out, p->of[RUN_B][0]->comm, sizeof(p->of[RUN_B][0]->comm));
		strbuf_adds(out, " grows in both, by ");
		add_delta(out, k->change.per[RUN_A]);
		strbuf_adds(out, " and ");
		add_delta(out, k->change.per[RUN_B]);
		strbuf_adds(out, a_unit(d));
		return;
	}
}

static void add_no_growth(struct strbuf *out, const struct run_diff *d)
{
	size_t early = count_early(d);

	if (!d->pair_count) {
		strbuf_adds(out, "no program is in both, and so there is nothing to compare: ");
		add_programs(out, d, RUN_A);
		strbuf_adds(out, "; ");
		add_programs(out, d, RUN_B);
		return;
	}
	strbuf_adds(out, early == d->pair_count ? "too early to say whether there is growth in "
						: "no growth in ");
	run_diff_file_add(out, d, RUN_B);
	strbuf_adds(out, " that ");
	run_diff_file_add(out, d, RUN_A);
	strbuf_adds(out, " has not");
	if (early == d->pair_count)
		add_most_differing(out, d);
	else if (early)
		strbuf_addf(out, ", but of %zu of %zu programs it is too early to say", early,
			    d->pair_count);
	add_grows_in_both(out, d);
}

void run_diff_headline_add(struct strbuf *out, const struct run_diff *d)
{
	const struct run_pair *p = run_diff_grows(d);
	char bytes[UNITS_SIZE];

	if (!p) {
		add_no_growth(out, d);
		return;
	}
	run_diff_file_add(out, d, RUN_B);
	strbuf_addf(
		out, p->basis == RUN_BY_LEVEL ? " holds %s" : " grows by %s",
		units_format_bytes(bytes, sizeof(bytes), (uint64_t)fmin(p->growth.delta, 9e18)));
	if (p->basis != RUN_BY_LEVEL)
		strbuf_adds(out, a_unit(d));
	strbuf_adds(out, " more than ");
	run_diff_file_add(out, d, RUN_A);
	if (p->grower || p->site) {
		strbuf_adds(out, ": ");
		add_why(out, p);
	}
}

/* --- what it rests on --- */

void run_diff_side_add(struct strbuf *out, const struct run_diff *d, const struct run_pair *p,
		       enum run_side side)
{
	const struct recorded_process *of = p->of[side][0];
	char span[EVIDENCE_BYTES];

	run_diff_file_add(out, d, side);
	strbuf_adds(out, ": ");
	strbuf_add_text(out, of->comm, sizeof(of->comm));
	if (p->count[side] == 1)
		strbuf_addf(out, " (%u)", of->pid);
	else
		strbuf_addf(out, " (%u processes)", p->count[side]);
	strbuf_addf(out, ", %s", evidence_span(span, p->seconds[side]));
	if (d->unit == RUN_PER_REQUEST)
		strbuf_addf(out, ", %" PRIu64 " requests", d->requests[side]);
}

static void add_short(struct strbuf *out, const struct run_diff *d, const char *prefix,
		      enum run_side side)
{
	char spans[RUN_SIDES][EVIDENCE_BYTES];

	for (int i = 0; i < RUN_SIDES; i++)
		evidence_span(spans[i], recorded_seconds(d->of[i]));
	strbuf_adds(out, prefix);
	run_diff_file_add(out, d, side);
	strbuf_addf(out, " is of %s, the other of %s: what happens once counts more in it\n",
		    spans[side], spans[!side]);
}

static void add_differing(struct strbuf *out, const char *prefix, const char *what, const char *a,
			  const char *b)
{
	strbuf_adds(out, prefix);
	strbuf_adds(out, what);
	strbuf_adds(out, " differ: ");
	add_safe(out, a);
	strbuf_adds(out, " and ");
	add_safe(out, b);
	strbuf_addc(out, '\n');
}

/* What grows by the second may grow by requests, of which there were more. */
static void add_load(struct strbuf *out, const struct run_diff *d, const char *prefix)
{
	for (size_t i = 0; i < d->pair_count && i < RUN_DIFF_PAIRS; i++) {
		const struct run_pair *p = &d->pairs[i];
		double load = run_pair_load(p);

		if (!p->grows || d->unit == RUN_PER_REQUEST || load < LOAD_OTHER)
			continue;
		strbuf_adds(out, prefix);
		strbuf_add_text(out, p->of[RUN_B][0]->comm, sizeof(p->of[RUN_B][0]->comm));
		strbuf_addf(out, " allocates %.1f times as much a second in ", load);
		run_diff_file_add(out, d, RUN_B);
		strbuf_adds(out, ": if that was under more load, compare by request, --requests "
				 "NA,NB\n");
	}
}

void run_diff_doubts_add(struct strbuf *out, const struct run_diff *d, const char *prefix)
{
	const struct run_doubts *q = &d->doubts;
	const struct run *a = &d->of[RUN_A]->run, *b = &d->of[RUN_B]->run;

	if (q->is_same)
		strbuf_addf(out, "%sboth are one recording: there is no difference to see\n",
			    prefix);
	for (int side = 0; side < RUN_SIDES; side++) {
		if (q->is_cut[side]) {
			strbuf_adds(out, prefix);
			run_diff_file_add(out, d, (enum run_side)side);
			strbuf_adds(out, d->of[side]->open_by
						 ? " has no end yet: another process has it open\n"
						 : " was cut off: what came after its last tick is "
						   "not in it\n");
		}
		if (q->is_short[side])
			add_short(out, d, prefix, (enum run_side)side);
	}
	if (q->kernels)
		add_differing(out, prefix, "kernels", a->kernel, b->kernel);
	if (q->machines)
		add_differing(out, prefix, "machines", a->arch, b->arch);
	if (q->versions)
		add_differing(out, prefix, "versions of memwatch", a->version, b->version);
	if (q->requests_of_one)
		strbuf_addf(out,
			    "%srequests are known of one of them only, and so all is per second: "
			    "--requests NA,NB\n",
			    prefix);
	add_load(out, d, prefix);
	for (int side = 0; side < RUN_SIDES; side++) {
		if (d->alone[side]) {
			strbuf_addf(out, "%s%u process%s in ", prefix, d->alone[side],
				    d->alone[side] == 1 ? " is" : "es are");
			run_diff_file_add(out, d, (enum run_side)side);
			strbuf_adds(out, " only\n");
		}
	}
}

void run_diff_basis_add(struct strbuf *out, const struct run_pair *p)
{
	if (p->basis == RUN_BY_NOTHING) {
		strbuf_adds(out, "too early to say: it takes censuses (record --heap), three full "
				 "collections of garbage in each, or a verdict");
		return;
	}
	strbuf_addf(out, "by %s", run_basis_help(p->basis));
	if (p->grows) {
		strbuf_adds(out, "; that it is no chance: ");
		run_chance_add(out, p->growth.more);
	}
}

void run_diff_verdicts_add(struct strbuf *out, const struct run_pair *p)
{
	const struct verdict *v[] = {run_pair_verdict(p, RUN_A), run_pair_verdict(p, RUN_B)};

	if (!v[RUN_A] && !v[RUN_B])
		return;
	strbuf_adds(out, "verdict: ");
	for (int side = 0; side < RUN_SIDES; side++) {
		strbuf_adds(out, side ? ", then " : "");
		if (v[side])
			verdict_label_add(out, v[side]);
		else
			strbuf_adds(out, "none");
	}
}
