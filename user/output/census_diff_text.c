/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What grew between censuses. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "output/census_text_internal.h"

#define RATE_WIDTH 100 /* of a terminal, for rates beside two changes */

struct table {
	const struct census_diff *d;
	const struct census_view *v;
	bool has_before, has_isolates;
	bool has_rate;
	double seconds; /* since the first; 0: unknown */
};

/* --- head --- */

static void add_grown(struct strbuf *out, const struct census_amount at[CENSUS_WHENS])
{
	char bytes[UNITS_SIZE];

	strbuf_addf(out, "%s, %+" PRId64 " objects",
		    units_format_delta(bytes, sizeof(bytes), census_grown_bytes(at, CENSUS_FIRST)),
		    census_grown_count(at, CENSUS_FIRST));
}

static void add_seconds(struct strbuf *out, double seconds)
{
	char text[UNITS_SIZE];

	if (seconds < 60)
		strbuf_addf(out, "%.1f s", seconds);
	else
		strbuf_adds(out, units_format_duration(text, sizeof(text), (uint64_t)seconds));
}

static void add_head(struct strbuf *out, const struct table *t)
{
	const struct census_diff *d = t->d;

	census_add_head(out, d->of[CENSUS_NOW], t->v);
	strbuf_adds(out, "growth since ");
	if (d->of[CENSUS_FIRST]->pid != d->of[CENSUS_NOW]->pid ||
	    d->of[CENSUS_FIRST]->start_ns != d->of[CENSUS_NOW]->start_ns) {
		strbuf_addf(out, "the census of %u (", d->of[CENSUS_FIRST]->pid);
		strbuf_add_text(out, d->of[CENSUS_FIRST]->comm, sizeof(d->of[0]->comm));
		strbuf_adds(out, "), ");
	}
	census_add_time(out, d->of[CENSUS_FIRST]->wall_ns);
	if (t->seconds > 0) {
		strbuf_adds(out, ", in ");
		add_seconds(out, t->seconds);
	}
	strbuf_adds(out, ": ");
	add_grown(out, d->total);
	strbuf_addc(out, '\n');
	if (t->has_before) {
		strbuf_adds(out, "LAST: of that, in the last ");
		add_seconds(out, census_diff_seconds(d, CENSUS_BEFORE));
		strbuf_addc(out, '\n');
	}
	for (unsigned i = 0; t->has_isolates && i < d->isolate_count; i++) {
		strbuf_addf(out, "isolate #%u (0x%" PRIx64 "): ", i, d->isolates[i].id);
		add_grown(out, d->isolates[i].at);
		strbuf_addc(out, '\n');
	}
}

/* --- rows --- */

static void add_titles(struct strbuf *out, const struct table *t)
{
	strbuf_adds(out, "\n   +COUNT  +BYTES ");
	if (t->has_rate)
		strbuf_adds(out, "     RATE ");
	if (t->has_before)
		strbuf_adds(out, "    LAST    LAST ");
	strbuf_adds(out, "   COUNT   BYTES ");
	if (t->has_isolates)
		strbuf_adds(out, "ISO ");
	strbuf_adds(out, "KIND    CONSTRUCTOR\n");
}

static void add_change(struct strbuf *out, const struct census_amount at[CENSUS_WHENS],
		       enum census_when since, int width)
{
	char bytes[UNITS_SIZE];

	strbuf_addf(out, "%+*" PRId64 " %7s ", width, census_grown_count(at, since),
		    units_format_delta(bytes, sizeof(bytes), census_grown_bytes(at, since)));
}

static void add_amounts(struct strbuf *out, const struct table *t,
			const struct census_amount at[CENSUS_WHENS])
{
	char text[UNITS_SIZE];

	add_change(out, at, CENSUS_FIRST, 9);
	if (t->has_rate) {
		double rate = (double)census_grown_bytes(at, CENSUS_FIRST) / t->seconds;

		strbuf_addf(out, "%7s/s ",
			    units_format_delta(text, sizeof(text), (int64_t)rint(rate)));
	}
	if (t->has_before)
		add_change(out, at, CENSUS_BEFORE, 8);
	strbuf_addf(out, "%8" PRIu64 " %7s ", at[CENSUS_NOW].count,
		    units_format_bytes(text, sizeof(text), census_amount_bytes(&at[CENSUS_NOW])));
}

static void add_row(struct strbuf *out, const struct table *t, const struct census_change *k)
{
	size_t begin = out->len;

	add_amounts(out, t, k->at);
	if (t->has_isolates)
		strbuf_addf(out, "#%-2d ", k->isolate);
	census_add_what(out, k->what, t->v->width - (int)(out->len - begin) - 8, t->v);
	strbuf_addc(out, '\n');
}

static bool is_changed(const struct census_change *k)
{
	for (int since = CENSUS_FIRST; since < CENSUS_NOW; since++) {
		if (memcmp(&k->at[since], &k->at[CENSUS_NOW], sizeof(k->at[0])))
			return true;
	}
	return false;
}

static void sum_up(struct census_amount to[CENSUS_WHENS],
		   const struct census_amount from[CENSUS_WHENS])
{
	for (int when = 0; when < CENSUS_WHENS; when++) {
		to[when].count += from[when].count;
		to[when].bytes += from[when].bytes;
		to[when].external_bytes += from[when].external_bytes;
	}
}

/* Those that grew and those that shrank apart: their sum would say nothing. */
static void add_rest(struct strbuf *out, const struct table *t, unsigned begin)
{
	static const char *const what[] = {"grew", "shrank"};
	struct census_amount rest[2][CENSUS_WHENS] = {0};
	unsigned count[2] = {0};

	for (unsigned i = begin; i < t->d->count; i++) {
		const struct census_change *k = &t->d->changes[i];
		bool shrank = census_grown_bytes(k->at, CENSUS_FIRST) < 0;

		if (!is_changed(k))
			continue;
		sum_up(rest[shrank], k->at);
		count[shrank]++;
	}
	for (int i = 0; i < 2; i++) {
		if (!count[i])
			continue;
		add_amounts(out, t, rest[i]);
		strbuf_addf(out, "%s... %u more that %s\n", t->has_isolates ? "    " : "", count[i],
			    what[i]);
	}
}

void census_diff_text_add(struct strbuf *out, const struct census_diff *d,
			  const struct census_view *v)
{
	struct table t = {
		.d = d,
		.v = v,
		.has_before = d->of[CENSUS_BEFORE] != d->of[CENSUS_FIRST],
		.has_isolates = d->isolate_count > 1,
		.seconds = census_diff_seconds(d, CENSUS_FIRST),
	};
	unsigned i, shown = 0;

	t.has_rate = t.seconds > 0 && (!t.has_before || !v->width || v->width >= RATE_WIDTH);
	add_head(out, &t);
	add_titles(out, &t);
	for (i = 0; i < d->count && (!v->rows || shown < v->rows); i++) {
		if (!is_changed(&d->changes[i]))
			continue;
		add_row(out, &t, &d->changes[i]);
		shown++;
	}
	add_rest(out, &t, i);
	add_amounts(out, &t, d->total);
	strbuf_addf(out, "%sin all, %u constructors\n", t.has_isolates ? "    " : "", d->count);
}
