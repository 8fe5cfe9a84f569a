/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output/html_diff.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "output/flame_svg.h"
#include "output/html_page.h"
#include "output/run_diff_text.h"
#include "output/site_text.h"

#define ID_SIZE	       32
#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

/* What a function makes as text, as an element. */
static void add_element(struct strbuf *out, const char *begin, const char *end,
			const struct strbuf *text)
{
	strbuf_adds(out, begin);
	html_text(out, text->s);
	strbuf_adds(out, end);
}

static void add_headline(struct strbuf *out, const struct run_diff *d)
{
	struct strbuf text;
	const char *at;

	strbuf_init(&text);
	run_diff_headline_add(&text, d);
	add_element(out, "<p id=\"headline\"><strong>", "</strong></p>\n", &text);
	strbuf_clear(&text);
	run_diff_doubts_add(&text, d, "");
	for (at = text.s; *at;) {
		const char *end = strchrnul(at, '\n');

		strbuf_adds(out, "<p>Note: ");
		html_textn(out, at, (size_t)(end - at));
		strbuf_adds(out, "</p>\n");
		at = *end ? end + 1 : end;
	}
	strbuf_release(&text);
}

static void add_sides(struct strbuf *out, const struct run_diff *d, const struct run_pair *p)
{
	struct strbuf text;

	strbuf_init(&text);
	for (int side = 0; side < RUN_SIDES; side++) {
		strbuf_clear(&text);
		run_diff_side_add(&text, d, p, (enum run_side)side);
		add_element(out, side == RUN_A ? "<p>A, " : "<p>B, ", "</p>\n", &text);
	}
	strbuf_clear(&text);
	run_diff_basis_add(&text, p);
	add_element(out, "<p>Basis: ", ".</p>\n", &text);
	strbuf_clear(&text);
	run_diff_verdicts_add(&text, p);
	if (text.len)
		add_element(out, "<p>", "</p>\n", &text);
	strbuf_release(&text);
}

/* --- cells --- */

static void cell_rounded(struct strbuf *out, double bytes)
{
	html_cell_bytes(out, (int64_t)rint(fmin(fmax(bytes, -9e18), 9e18)), true);
}

static void cell_chance(struct strbuf *out, double more)
{
	if (more < 0)
		html_cell_unknown(out);
	else
		html_cell_number(out, floor(1000 * more) / 10, 1, false);
}

static void cell_change(struct strbuf *out, const struct run_change *c)
{
	cell_rounded(out, c->delta);
	cell_chance(out, c->more);
}

static void table_begin(struct strbuf *out, const char *name, size_t index,
			const struct html_column *columns, size_t count)
{
	char id[ID_SIZE];

	snprintf(id, sizeof(id), "%s-%zu", name, index);
	html_table_begin(out, id, columns, count);
}

/* --- tables --- */

#define COLUMN_CHANGE                                                                              \
	{"B less A", "per second, or per request", true},                                          \
	{                                                                                          \
		"Sure, %", "how likely B really has more", true                                    \
	}

static void add_constructors(struct strbuf *out, const struct run_pair *p, size_t index)
{
	static const struct html_column columns[] = {
		{"Constructor", NULL, false}, {"Source", NULL, false}, {"Kind", NULL, false},
		{"Count A", NULL, true},      {"Count B", NULL, true}, {"Bytes A", NULL, true},
		{"Bytes B", NULL, true},      COLUMN_CHANGE,
	};
	size_t shown = 0, left = 0;
	struct strbuf source;

	strbuf_init(&source);
	strbuf_adds(out, "<h3>Constructors that grow</h3>\n");
	table_begin(out, "constructors", index, columns, COUNT_OF(columns));
	for (size_t i = 0; i < p->constructor_count; i++) {
		const struct run_diff_constructor *c = &p->constructors[i];

		if (!run_change_is_growth(&c->change))
			continue;
		if (shown++ >= HTML_ROWS) {
			left++;
			continue;
		}
		strbuf_clear(&source);
		if (c->what->file)
			source_text_add(&source, c->what->file, c->what->line);
		html_row_begin(out);
		html_cell(out, c->what->name);
		html_cell(out, source.s);
		html_cell(out, census_kind_name(c->what->kind));
		for (int side = 0; side < RUN_SIDES; side++)
			html_cell_number(out, (double)c->count[side], 0, true);
		for (int side = 0; side < RUN_SIDES; side++)
			html_cell_bytes(out, c->bytes[side], true);
		cell_change(out, &c->change);
		html_row_end(out);
	}
	html_table_end(out);
	html_table_rest(out, left);
	strbuf_release(&source);
}

static void add_site_row(struct strbuf *out, const struct run_diff_site *s)
{
	struct strbuf text;

	strbuf_init(&text);
	site_text_add(&text, s->top[RUN_B], 0, true);
	html_row_begin(out);
	html_cell(out, text.s);
	html_cell(out, site_kind_name(s->kind));
	for (int side = 0; side < RUN_SIDES; side++)
		html_cell_number(out, (double)s->samples[side], 0, false);
	for (int side = 0; side < RUN_SIDES; side++)
		cell_rounded(out, (double)s->bytes[side]);
	cell_change(out, &s->change);
	html_row_end(out);
	strbuf_release(&text);
}

static void add_sites(struct strbuf *out, const struct run_pair *p, size_t index)
{
	static const struct html_column columns[] = {
		{"Site", "function, line and callers", false},
		{"Kind", NULL, false},
		{"Samples A", NULL, true},
		{"Samples B", NULL, true},
		{"Bytes A", NULL, true},
		{"Bytes B", NULL, true},
		COLUMN_CHANGE,
	};
	size_t shown = 0, left = 0;

	strbuf_adds(out, p->grows ? "<h3>Code that makes it grow</h3>\n"
				  : "<h3>Code of which there is more in B</h3>\n");
	table_begin(out, "sites", index, columns, COUNT_OF(columns));
	for (size_t i = 0; i < p->site_count; i++) {
		if (!p->sites[i].top[RUN_B] || p->sites[i].change.delta <= 0)
			continue;
		if (shown++ < HTML_ROWS)
			add_site_row(out, &p->sites[i]);
		else
			left++;
	}
	html_table_end(out);
	html_table_rest(out, left);
}

static void add_kinds(struct strbuf *out, const struct run_pair *p, size_t index)
{
	static const struct html_column columns[] = {
		{"Memory", NULL, false},
		{"A first", NULL, true},
		{"A last", NULL, true},
		{"A grows", "per second, or per request", true},
		{"B first", NULL, true},
		{"B last", NULL, true},
		{"B grows", "per second, or per request", true},
		COLUMN_CHANGE,
	};

	strbuf_adds(out, "<h3>Memory by kind</h3>\n");
	table_begin(out, "kinds", index, columns, COUNT_OF(columns));
	for (int kind = 0; kind < RUN_KINDS; kind++) {
		const struct run_diff_kind *k = &p->kinds[kind];

		if (!run_diff_kind_is_told(p, (enum run_kind)kind))
			continue;
		html_row_begin(out);
		html_cell(out, run_kind_help((enum run_kind)kind));
		for (int side = 0; side < RUN_SIDES; side++) {
			html_cell_bytes(out, (int64_t)fmin(k->first[side], 9e18), false);
			html_cell_bytes(out, (int64_t)fmin(k->last[side], 9e18), false);
			if (k->is_known[side])
				cell_rounded(out, k->change.per[side]);
			else
				html_cell_unknown(out);
		}
		if (k->change.more < 0)
			html_cell_unknown(out);
		else
			cell_rounded(out, k->change.delta);
		cell_chance(out, k->change.more);
		html_row_end(out);
	}
	html_table_end(out);
}

static int add_flame(struct strbuf *out, const struct run_pair *p, size_t index)
{
	struct flame *f = run_pair_flame(p);
	char id[ID_SIZE];

	if (!f)
		return -ENOMEM;
	snprintf(id, sizeof(id), "flame-%zu", index);
	strbuf_adds(out, "<h3>Growth sites: red is what B has more, blue what it has less</h3>\n");
	flame_svg_add(out, f,
		      &(struct flame_svg_options){
			      .title = "growth of B beside A", .is_inline = true, .id = id});
	flame_free(f);
	return 0;
}

static int add_pair(struct strbuf *out, const struct run_diff *d, size_t index)
{
	const struct run_pair *p = &d->pairs[index];
	int err = 0;

	strbuf_adds(out, "<section>\n<h2>");
	html_textn(out, p->of[RUN_B][0]->comm, sizeof(p->of[RUN_B][0]->comm));
	strbuf_adds(out, p->grows		      ? " grows"
			 : p->basis == RUN_BY_NOTHING ? ": too early to say"
						      : " does not grow more");
	strbuf_adds(out, "</h2>\n");
	add_sides(out, d, p);
	if (run_pair_lists_sites(p))
		err = add_flame(out, p, index);
	if (p->grows && p->constructor_count)
		add_constructors(out, p, index);
	if (run_pair_lists_sites(p))
		add_sites(out, p, index);
	add_kinds(out, p, index);
	strbuf_adds(out, "</section>\n");
	return err;
}

int html_diff_add(struct strbuf *out, const struct run_diff *d)
{
	struct strbuf title, rest;
	int err = 0;

	strbuf_init(&title);
	run_diff_file_add(&title, d, RUN_B);
	strbuf_adds(&title, " beside ");
	run_diff_file_add(&title, d, RUN_A);
	html_begin(out, title.s);
	strbuf_release(&title);
	add_headline(out, d);
	for (size_t i = 0; i < d->pair_count && i < RUN_DIFF_PAIRS && !err; i++)
		err = add_pair(out, d, i);
	strbuf_init(&rest);
	run_diff_rest_add(&rest, d);
	if (rest.len)
		add_element(out, "<p>", "</p>\n", &rest);
	strbuf_release(&rest);
	html_end(out);
	return err ? err : out->err;
}
