/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A comparison as text: the sentences of run_diff_text.c, and tables of what differs. */
#include "output/run_diff_text.h"

#include <inttypes.h>
#include <math.h>

#include "base/units.h"
#include "output/census_text_internal.h"
#include "output/site_text.h"

#define SITES_SHOWN 10 /* without a number of rows */

/* --- columns and rows --- */

static void add_column(struct strbuf *out, double bytes)
{
	char text[UNITS_SIZE];
	double whole = rint(fmin(fmax(bytes, -9e18), 9e18));

	strbuf_addf(out, "%8s ", units_format_delta(text, sizeof(text), (int64_t)whole));
}

static void add_chance_column(struct strbuf *out, double more)
{
	struct strbuf text;

	strbuf_init(&text);
	run_chance_add(&text, more);
	strbuf_addf(out, "%5s ", text.s);
	strbuf_release(&text);
}

static void add_amounts(struct strbuf *out, double a_bytes, double b_bytes,
			const struct run_change *change)
{
	add_column(out, a_bytes);
	add_column(out, b_bytes);
	add_column(out, change->delta);
	add_chance_column(out, change->more);
}

/* How many rows of a table are shown, and how many are only counted. */
struct rows {
	unsigned most; /* 0: all */
	unsigned shown, left;
};

/* Whether there is room for one more. */
static bool rows_take(struct rows *r)
{
	bool has_room = !r->most || r->shown < r->most;

	r->shown += has_room;
	r->left += !has_room;
	return has_room;
}

static void add_rest(struct strbuf *out, const struct rows *r)
{
	if (r->left)
		strbuf_addf(out, "... and %u more\n", r->left);
}

static const char *difference_title(const struct run_diff *d)
{
	return d->unit == RUN_PER_REQUEST ? "DIFF/REQ" : "DIFF/S";
}

static void add_titles(struct strbuf *out, const char *before, const char *difference,
		       const char *after)
{
	strbuf_addf(out, "\n%s %8s  SURE %s\n", before, difference, after);
}

/* --- tables --- */

static void add_constructor_row(struct strbuf *out, const struct run_diff_constructor *c,
				const struct census_view *v)
{
	size_t begin = out->len;

	strbuf_addf(out, "%+8" PRId64 " %+8" PRId64 " ", c->count[RUN_A], c->count[RUN_B]);
	add_amounts(out, (double)c->bytes[RUN_A], (double)c->bytes[RUN_B], &c->change);
	census_add_what(out, c->what, v->width - (int)(out->len - begin) - 8, v);
	strbuf_addc(out, '\n');
}

static void add_constructors(struct strbuf *out, const struct run_diff *d, const struct run_pair *p,
			     const struct census_view *v)
{
	struct rows rows = {.most = v->rows};

	for (size_t i = 0; i < p->constructor_count; i++) {
		const struct run_diff_constructor *c = &p->constructors[i];

		if (!run_change_is_growth(&c->change) || !rows_take(&rows))
			continue;
		if (rows.shown == 1)
			add_titles(out, " COUNT A        B  BYTES A        B",
				   p->has_level ? "DIFF" : difference_title(d),
				   "KIND    CONSTRUCTOR");
		add_constructor_row(out, c, v);
	}
	add_rest(out, &rows);
}

static void add_site_row(struct strbuf *out, const struct run_diff_site *s,
			 const struct census_view *v)
{
	size_t begin = out->len;

	strbuf_addf(out, "%8" PRIu64 " %8" PRIu64 " ", s->samples[RUN_A], s->samples[RUN_B]);
	add_amounts(out, (double)s->bytes[RUN_A], (double)s->bytes[RUN_B], &s->change);
	strbuf_addf(out, "%-11s ", site_kind_name(s->kind));
	site_text_add(out, s->top[RUN_B], v->width ? v->width - (int)(out->len - begin) : 0,
		      v->utf8);
	strbuf_addc(out, '\n');
}

/* Whether it is known of all of them what full collections left of the samples. */
static bool is_scaled(const struct run_pair *p, enum run_side side)
{
	for (unsigned i = 0; i < p->count[side]; i++) {
		const struct site_table *t = p->of[side][i]->sites;

		if (t && t->samples[MW_SITE_V8_SURVIVED] && !t->v8_is_scaled)
			return false;
	}
	return true;
}

/* Of 1 to 2 MB/s that programs of known leaks keep, 0.9 to 1.9 were seen so
 * (tests/truth/pairs.tsv). */
static void add_unscaled(struct strbuf *out, const struct run_diff *d, const struct run_pair *p)
{
	bool is_any = false;

	for (int side = 0; side < RUN_SIDES; side++) {
		if (is_scaled(p, (enum run_side)side))
			continue;
		strbuf_adds(out, is_any ? " and " : "v8-survived of ");
		run_diff_file_add(out, d, (enum run_side)side);
		is_any = true;
	}
	if (is_any)
		strbuf_adds(out, ": too few full collections to know how much of it stayed; up to "
				 "half may be missing\n");
}

static void add_sites(struct strbuf *out, const struct run_diff *d, const struct run_pair *p,
		      const struct census_view *v)
{
	struct rows rows = {.most = v->rows ? v->rows : SITES_SHOWN};
	bool survived = false;

	for (size_t i = 0; i < p->site_count; i++) {
		const struct run_diff_site *s = &p->sites[i];

		if (!s->top[RUN_B] || s->change.delta <= 0 || !rows_take(&rows))
			continue;
		if (rows.shown == 1)
			add_titles(out, "SAMPLE A        B  BYTES A        B", difference_title(d),
				   "KIND        SITE");
		add_site_row(out, s, v);
		survived |= s->kind == MW_SITE_V8_SURVIVED;
	}
	add_rest(out, &rows);
	if (survived)
		add_unscaled(out, d, p);
}

static bool is_nothing(const struct run_diff_kind *k)
{
	return k->last[RUN_A] == 0 && k->last[RUN_B] == 0;
}

bool run_diff_kind_is_told(const struct run_pair *p, enum run_kind kind)
{
	const struct run_diff_kind *swap = &p->kinds[RUN_SWAP];

	if (kind == RUN_PRIVATE && is_nothing(swap) && swap->first[RUN_A] == 0 &&
	    swap->first[RUN_B] == 0)
		return false;
	return !is_nothing(&p->kinds[kind]);
}

static void add_kind(struct strbuf *out, const struct run_diff_kind *k, const char *name)
{
	for (int side = 0; side < RUN_SIDES; side++) {
		char first[UNITS_SIZE], last[UNITS_SIZE];

		strbuf_addf(out, "%7s %7s ",
			    units_format_bytes(first, sizeof(first), (uint64_t)k->first[side]),
			    units_format_bytes(last, sizeof(last), (uint64_t)k->last[side]));
		if (k->is_known[side])
			add_column(out, k->change.per[side]);
		else
			strbuf_adds(out, "       ? ");
	}
	if (k->change.more >= 0)
		add_column(out, k->change.delta);
	else
		strbuf_adds(out, "       ? ");
	add_chance_column(out, k->change.more);
	strbuf_addf(out, "%s\n", name);
}

static void add_kinds(struct strbuf *out, const struct run_diff *d, const struct run_pair *p)
{
	const char *per = d->unit == RUN_PER_REQUEST ? "/REQUEST" : "/S";

	strbuf_addf(out, "\nA FIRST    LAST %8s B FIRST    LAST %8s     DIFF  SURE MEMORY\n", per,
		    per);
	for (int kind = 0; kind < RUN_KINDS; kind++) {
		if (run_diff_kind_is_told(p, (enum run_kind)kind))
			add_kind(out, &p->kinds[kind], run_kind_name((enum run_kind)kind));
	}
}

static void add_pair(struct strbuf *out, const struct run_diff *d, const struct run_pair *p,
		     const struct census_view *v)
{
	size_t begin;

	strbuf_addc(out, '\n');
	for (int side = 0; side < RUN_SIDES; side++) {
		run_diff_side_add(out, d, p, (enum run_side)side);
		strbuf_addc(out, '\n');
	}
	run_diff_basis_add(out, p);
	strbuf_addc(out, '\n');
	begin = out->len;
	run_diff_verdicts_add(out, p);
	if (out->len > begin)
		strbuf_addc(out, '\n');
	if (p->grows)
		add_constructors(out, d, p, v);
	if (run_pair_lists_sites(p))
		add_sites(out, d, p, v);
	add_kinds(out, d, p);
}

void run_diff_rest_add(struct strbuf *out, const struct run_diff *d)
{
	size_t growing = 0;

	if (d->pair_count <= RUN_DIFF_PAIRS)
		return;
	for (size_t i = RUN_DIFF_PAIRS; i < d->pair_count; i++)
		growing += d->pairs[i].grows;
	strbuf_addf(out, "... and %zu programs more, of which %zu grow: --json has all",
		    d->pair_count - RUN_DIFF_PAIRS, growing);
}

void run_diff_text_add(struct strbuf *out, const struct run_diff *d, const struct census_view *v)
{
	run_diff_headline_add(out, d);
	strbuf_addc(out, '\n');
	run_diff_doubts_add(out, d, "note: ");
	for (size_t i = 0; i < d->pair_count && i < RUN_DIFF_PAIRS; i++)
		add_pair(out, d, &d->pairs[i], v);
	if (d->pair_count > RUN_DIFF_PAIRS) {
		strbuf_addc(out, '\n');
		run_diff_rest_add(out, d);
		strbuf_addc(out, '\n');
	}
}
