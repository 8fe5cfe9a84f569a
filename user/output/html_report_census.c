// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is alive in a process's heap, what of it came meanwhile, and who keeps it. */
#include "output/html_report_internal.h"

#include <errno.h>
#include <inttypes.h>

#include "analysis/census_diff.h"
#include "base/units.h"
#include "output/site_text.h"

/* --- constructors --- */

static const struct html_column constructor_columns[] = {
	{"+Count", "objects, since the first census", true},
	{"+Bytes", "with those outside of the heap, since the first census", true},
	{"Count", "in the last census", true},
	{"Bytes", "in the last census", true},
	{"Outside", "of that, outside of the heap: ArrayBuffers", true},
	{"Kind", NULL, false},
	{"Constructor", NULL, false},
	{"Source", "of its function or class", false},
};

static void add_file(struct report_page *page, const char *file, uint32_t line)
{
	if (!file)
		return;
	page_add(page, file);
	if (line)
		strbuf_addf(&page->text, ":%" PRIu32, line);
}

static void add_change(struct report_page *page, const struct census_change *k, bool has_first)
{
	struct strbuf *out = page->out;
	const struct census_amount *now = &k->at[CENSUS_NOW];

	html_row_begin(out);
	if (has_first) {
		html_cell_number(out, (double)census_grown_count(k->at, CENSUS_FIRST), 0, true);
		html_cell_bytes(out, census_grown_bytes(k->at, CENSUS_FIRST), true);
	} else {
		html_cell_unknown(out);
		html_cell_unknown(out);
	}
	html_cell_number(out, (double)now->count, 0, false);
	html_cell_bytes(out, (int64_t)census_amount_bytes(now), false);
	html_cell_bytes(out, (int64_t)now->external_bytes, false);
	html_cell(out, census_kind_name(k->what->kind));
	html_cell(out, k->what->name);
	add_file(page, k->what->file, k->what->line);
	page_cell_flush(page);
	html_row_end(out);
}

static void add_censuses_note(struct report_page *page, const struct census_diff *d, bool has_first)
{
	char span[UNITS_SIZE];

	strbuf_addf(&page->text, "Census of the live heap at ");
	page_add_time(page, d->of[CENSUS_NOW]->taken_ns);
	if (has_first) {
		double seconds = census_diff_seconds(d, CENSUS_FIRST);

		units_format_duration(span, sizeof(span), (uint64_t)(seconds + .5));
		strbuf_addf(&page->text, ", beside one %s before", span);
	}
	strbuf_addf(&page->text, "; the process stood still for %.0f ms.",
		    (double)d->of[CENSUS_NOW]->pause_ns / 1e6);
	page_note(page);
}

int html_constructors_add(struct report_page *page, const struct recorded_process *p)
{
	const struct census *first, *last;
	struct census_diff *d;
	unsigned shown;

	if (!p->census_count)
		return 0;
	first = p->censuses[0].census;
	last = p->censuses[p->census_count - 1].census;
	d = census_diff_new(first, NULL, last);
	if (!d)
		return -ENOMEM;
	shown = d->count < HTML_ROWS ? d->count : HTML_ROWS;
	page_heading(page, "Constructors");
	add_censuses_note(page, d, p->census_count > 1);
	page_table(page, "constructors", p, constructor_columns,
		   sizeof(constructor_columns) / sizeof(constructor_columns[0]));
	for (unsigned i = 0; i < shown; i++)
		add_change(page, &d->changes[i], p->census_count > 1);
	html_table_end(page->out);
	html_table_rest(page->out, d->count - shown);
	census_diff_free(d);
	return 0;
}

/* --- retainers --- */

static const struct html_column retainer_columns[] = {
	{"Held", "constructor", false},
	{"Instances", NULL, true},
	{"Share", "of the instances that the container holds, %", true},
	{"Keeps", "all that is reached through the container only, or first", true},
	{"Objects", "the same, counted", true},
	{"By", "from what holds them to a root", false},
};

static void add_step(struct report_page *page, const struct retainer_step *s)
{
	strbuf_adds(page->out, "<li>");
	page_add(page, s->edge);
	if (s->edge && s->edge[0] && s->node && s->node[0])
		strbuf_adds(&page->text, " of ");
	page_add(page, s->node);
	if (s->file) {
		strbuf_adds(&page->text, " (");
		add_file(page, s->file, s->line);
		strbuf_addc(&page->text, ')');
	}
	page_text_flush(page);
	strbuf_adds(page->out, "</li>");
}

/* @before: the retainer of the row above; or NULL */
static void add_path(struct report_page *page, const struct retainer *r,
		     const struct retainer *before)
{
	if (before && retainer_is_same_container(before, r)) {
		html_cell(page->out, "the same");
		return;
	}
	strbuf_adds(page->out, "<td><ul class=\"path\"><li>");
	page_add(page,
		 r->share > 0 && r->container ? r->container : "no one container; one of them by");
	page_text_flush(page);
	strbuf_adds(page->out, "</li>");
	for (unsigned i = 0; i < r->step_count; i++) {
		if (r->steps_left_out && i == r->step_count - 1)
			strbuf_addf(page->out, "<li>%u steps more</li>", r->steps_left_out);
		add_step(page, &r->steps[i]);
	}
	strbuf_adds(page->out, "</ul></td>");
}

static void add_retainer(struct report_page *page, const struct retainer *r,
			 const struct retainer *before)
{
	struct strbuf *out = page->out;

	html_row_begin(out);
	page_add(page, r->of);
	if (r->of_file) {
		strbuf_addc(&page->text, ' ');
		source_text_add(&page->text, r->of_file, 0);
	}
	page_cell_flush(page);
	html_cell_number(out, (double)r->instances, 0, false);
	if (r->share > 0) {
		html_cell_number(out, 100 * r->share, 0, false);
		html_cell_bytes(out, (int64_t)r->bytes, false);
		html_cell_number(out, (double)r->count, 0, false);
	} else {
		html_cell_unknown(out);
		html_cell_unknown(out);
		html_cell_unknown(out);
	}
	add_path(page, r, before);
	html_row_end(out);
}

void html_retainers_add(struct report_page *page, const struct recorded_process *p)
{
	const struct census *last =
		p->census_count ? p->censuses[p->census_count - 1].census : NULL;
	unsigned shown;

	if (!last || !last->retainer_count)
		return;
	shown = last->retainer_count < HTML_ROWS ? last->retainer_count : HTML_ROWS;
	page_heading(page, "Who keeps them");
	page_table(page, "retainers", p, retainer_columns,
		   sizeof(retainer_columns) / sizeof(retainer_columns[0]));
	for (unsigned i = 0; i < shown; i++)
		add_retainer(page, &last->retainers[i], i ? &last->retainers[i - 1] : NULL);
	html_table_end(page->out);
	html_table_rest(page->out, last->retainer_count - shown);
}
