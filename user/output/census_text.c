/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A census as it is: its head and the table of constructors. */
#include "output/census_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "output/census_text_internal.h"
#include "output/fields.h"
#include "output/site_text.h"

#define NAME_MIN      24   /* columns of a constructor's name, at the least */
#define NAME_BYTES    4096 /* a name is longer only to do harm */
#define KIND_COLUMNS  7
#define OVERLAPS_TOLD 1000 /* from one in so many objects on */

/* --- pieces --- */

void census_add_bytes(struct strbuf *out, uint64_t bytes)
{
	char text[UNITS_SIZE];

	strbuf_adds(out, units_format_bytes(text, sizeof(text), bytes));
}

void census_add_count(struct strbuf *out, uint64_t count)
{
	char text[UNITS_SIZE];

	strbuf_adds(out, units_format_count(text, sizeof(text), count));
}

void census_add_time(struct strbuf *out, uint64_t wall_ns)
{
	char time[CLOCK_RFC3339_SIZE];

	if (!wall_ns)
		return;
	clock_format_rfc3339(time, sizeof(time), wall_ns);
	strbuf_addf(out, "%.10s %.8s UTC", time, time + 11);
}

void census_add_source(struct strbuf *out, const char *file, uint32_t line,
		       const struct census_view *v)
{
	if (v->width) {
		source_text_add(out, file, line);
		return;
	}
	strbuf_add_text(out, file, strnlen(file, NAME_BYTES));
	if (line)
		strbuf_addf(out, ":%u", line);
}

void census_add_name(struct strbuf *out, const char *name, int width)
{
	struct strbuf safe;

	strbuf_init(&safe);
	strbuf_add_text(&safe, name, strnlen(name, NAME_BYTES));
	if (width)
		column_cut(out, safe.s, width);
	else
		strbuf_add(out, safe.s, safe.len);
	strbuf_release(&safe);
}

void census_add_what(struct strbuf *out, const struct constructor *k, int width,
		     const struct census_view *v)
{
	struct strbuf source;
	int left = 0;

	strbuf_init(&source);
	if (k->file)
		census_add_source(&source, k->file, k->line, v);
	if (v->width) {
		left = width - (source.len ? text_columns(source.s) + 1 : 0);
		left = left < NAME_MIN ? NAME_MIN : left;
	}
	strbuf_addf(out, "%-*s ", KIND_COLUMNS, census_kind_name(k->kind));
	census_add_name(out, k->name, left);
	if (source.len)
		strbuf_addf(out, " %s", source.s);
	strbuf_release(&source);
}

/* --- head --- */

static void add_process(struct strbuf *out, const struct census *c)
{
	strbuf_addf(out, "%u (", c->pid);
	strbuf_add_text(out, c->comm, sizeof(c->comm));
	strbuf_adds(out, ")  ");
	if (c->node[0]) {
		strbuf_add_text(out, c->node, sizeof(c->node));
		strbuf_adds(out, "  ");
	}
	census_add_time(out, c->wall_ns);
	if (c->rss_bytes) {
		strbuf_adds(out, "  RSS ");
		census_add_bytes(out, c->rss_bytes);
	}
	strbuf_addc(out, '\n');
}

static void add_isolate(struct strbuf *out, const struct census *c, unsigned i)
{
	const struct census_isolate *iso = &c->isolates[i];

	if (c->isolate_count > 1)
		strbuf_addf(out, "isolate #%u (0x%" PRIx64 "): ", i, iso->id);
	else
		strbuf_adds(out, "heap: ");
	census_add_bytes(out, iso->bytes);
	strbuf_adds(out, " in ");
	census_add_count(out, iso->count);
	strbuf_adds(out, " objects");
	if (iso->page_bytes) {
		strbuf_adds(out, ", on pages of ");
		census_add_bytes(out, iso->page_bytes);
	}
	if (iso->external_bytes) {
		strbuf_adds(out, "; ");
		census_add_bytes(out, iso->external_bytes);
		strbuf_adds(out, " of ArrayBuffers outside of it");
	}
	strbuf_addc(out, '\n');
}

static void add_how(struct strbuf *out, const struct census *c, const struct census_view *v)
{
	if (c->is_live)
		strbuf_addf(out, "read while it ran: counts are %s1 to 2 %%", v->utf8 ? "±" : "+-");
	else
		strbuf_addf(out, "it stood still for %.1f ms", c->pause_ns / 1e6);
	if (c->copied_bytes) {
		strbuf_adds(out, "; ");
		census_add_bytes(out, c->copied_bytes);
		strbuf_addf(out, " read, looked at for %.2f s", c->analysis_ns / 1e9);
	}
	strbuf_addc(out, '\n');
	if (c->in_gc)
		strbuf_adds(out, "a collection was under way all the time: what it was moving may "
				 "be counted twice or not\n");
	else if (c->gc_waits)
		strbuf_addf(out, "a collection was under way: taken %s\n",
			    c->gc_waits > 1 ? "after some tries" : "at the second try");
}

static uint64_t objects_of(const struct census *c)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < c->isolate_count; i++)
		count += c->isolates[i].count;
	return count;
}

static void add_lost(struct strbuf *out, const struct census *c)
{
	const struct census_lost *l = &c->lost;
	bool has_overlaps = l->overlaps * OVERLAPS_TOLD > objects_of(c);
	const struct {
		uint64_t count;
		const char *what;
	} lost[] = {
		{l->unknown_sizes, "sizes guessed"},
		{has_overlaps ? l->overlaps : 0, "words taken for objects"},
		{l->names, "names too many"},
		{l->isolates, "isolates too many"},
	};
	const char *before = "not exact: ";

	if (l->unreadable_bytes) {
		strbuf_adds(out, before);
		census_add_bytes(out, l->unreadable_bytes);
		strbuf_adds(out, " not read");
		before = ", ";
	}
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		if (!lost[i].count)
			continue;
		strbuf_addf(out, "%s%s: %" PRIu64, before, lost[i].what, lost[i].count);
		before = ", ";
	}
	if (*before == ',')
		strbuf_addc(out, '\n');
}

void census_add_head(struct strbuf *out, const struct census *c, const struct census_view *v)
{
	add_process(out, c);
	for (unsigned i = 0; i < c->isolate_count; i++)
		add_isolate(out, c, i);
	add_how(out, c, v);
	add_lost(out, c);
}

/* --- table --- */

struct table {
	const struct census *c;
	const struct census_view *v;
	struct census_amount total;
	bool has_external, has_isolates;
};

static void table_init(struct table *t, const struct census *c, const struct census_view *v)
{
	*t = (struct table){.c = c, .v = v, .has_isolates = c->isolate_count > 1};
	for (unsigned i = 0; i < c->constructor_count; i++) {
		t->total.count += c->constructors[i].count;
		t->total.bytes += c->constructors[i].bytes;
		t->total.external_bytes += c->constructors[i].external_bytes;
	}
	t->has_external = t->total.external_bytes;
}

static void add_titles(struct strbuf *out, const struct table *t)
{
	strbuf_adds(out, "\n    COUNT   BYTES SHARE ");
	if (t->has_external)
		strbuf_adds(out, "OUTSIDE ");
	if (t->has_isolates)
		strbuf_adds(out, "ISO ");
	strbuf_addf(out, "%-*s CONSTRUCTOR\n", KIND_COLUMNS, "KIND");
}

static void add_amount(struct strbuf *out, const struct table *t, const struct census_amount *a)
{
	char bytes[UNITS_SIZE], outside[UNITS_SIZE];

	strbuf_addf(out, "%9" PRIu64 " %7s %4.0f%% ", a->count,
		    units_format_bytes(bytes, sizeof(bytes), a->bytes),
		    t->total.bytes ? 100.0 * a->bytes / t->total.bytes : 0);
	if (t->has_external)
		strbuf_addf(out, "%7s ",
			    a->external_bytes ? units_format_bytes(outside, sizeof(outside),
								   a->external_bytes)
					      : "");
}

static void add_row(struct strbuf *out, const struct table *t, const struct constructor *k)
{
	size_t begin = out->len;

	add_amount(out, t, &(struct census_amount){k->count, k->bytes, k->external_bytes});
	if (t->has_isolates)
		strbuf_addf(out, "#%-2u ", k->isolate);
	census_add_what(out, k, t->v->width - (int)(out->len - begin) - KIND_COLUMNS - 1, t->v);
	strbuf_addc(out, '\n');
}

/* What is not shown, in one line. */
static void add_rest(struct strbuf *out, const struct table *t, unsigned shown)
{
	struct census_amount rest = {0};

	for (unsigned i = shown; i < t->c->constructor_count; i++) {
		rest.count += t->c->constructors[i].count;
		rest.bytes += t->c->constructors[i].bytes;
		rest.external_bytes += t->c->constructors[i].external_bytes;
	}
	if (shown == t->c->constructor_count)
		return;
	add_amount(out, t, &rest);
	strbuf_addf(out, "%s... %u more (-r N shows N of them)\n", t->has_isolates ? "    " : "",
		    t->c->constructor_count - shown);
}

void census_text_add(struct strbuf *out, const struct census *c, const struct census_view *v)
{
	unsigned rows = v->rows && v->rows < c->constructor_count ? v->rows : c->constructor_count;
	struct table t;

	census_add_head(out, c, v);
	table_init(&t, c, v);
	add_titles(out, &t);
	for (unsigned i = 0; i < rows; i++)
		add_row(out, &t, &c->constructors[i]);
	add_rest(out, &t, rows);
	add_amount(out, &t, &t.total);
	strbuf_addf(out, "%sin all, %u constructors\n", t.has_isolates ? "    " : "",
		    c->constructor_count);
}
