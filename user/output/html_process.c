// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* All of one process: what it held over time, what code made it grow, what is kept and by whom. */
#include "output/html_report_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/flame.h"
#include "analysis/sites.h"
#include "base/units.h"
#include "output/event_text.h"
#include "output/flame_svg.h"
#include "output/site_text.h"

#define ID_SIZE 64

/* --- head --- */

static void add_life(struct report_page *page, const struct recorded_process *p)
{
	if (!p->first_ns)
		return;
	page_add_time(page, p->first_ns);
	strbuf_adds(&page->text, " to ");
	page_add_time(page, p->has_ended ? p->end_ns : p->last_ns);
	if (p->has_ended && p->is_code_known) {
		strbuf_adds(&page->text, ": it ");
		event_text_add_end(&page->text, p->code);
	}
	page_fact(page, "Seen");
}

static void add_sizes(struct report_page *page, const struct recorded_process *p)
{
	char delta[UNITS_SIZE], first[UNITS_SIZE], last[UNITS_SIZE], peak[UNITS_SIZE];

	strbuf_addf(&page->text, "%s: from %s to %s; highest RSS %s",
		    units_format_delta(delta, sizeof(delta), recorded_growth(p)),
		    units_format_bytes(first, sizeof(first), totals_footprint(&p->first)),
		    units_format_bytes(last, sizeof(last), totals_footprint(&p->last)),
		    units_format_bytes(peak, sizeof(peak), p->peak_rss_bytes));
	page_fact(page, "RSS and swap");
}

static void add_facts(struct report_page *page, const struct recorded_process *p)
{
	strbuf_adds(page->out, "<dl class=\"facts\">\n");
	page_add(page, p->path);
	page_fact(page, "Program");
	add_life(page, p);
	add_sizes(page, p);
	page_add(page, p->cgroup);
	page_fact(page, "Cgroup");
	page_add(page, p->container);
	page_fact(page, "Container");
	strbuf_adds(page->out, "</dl>\n");
}

/* --- flame graph --- */

static int add_flame(struct report_page *page, const struct recorded_process *p)
{
	char id[ID_SIZE];
	struct flame_svg_options options = {.title = "Growth by code", .is_inline = true, .id = id};
	struct flame *f;
	int err;

	if (!p->sites)
		return 0;
	f = flame_new();
	if (!f)
		return -ENOMEM;
	snprintf(id, sizeof(id), "flame-%" PRId64, p->id);
	err = flame_add_process(f, p, NULL, FLAME_B, 1);
	flame_finish(f);
	if (!err && f->root->bytes[FLAME_B]) {
		page_heading(page, "Flame graph of growth");
		flame_svg_add(page->out, f, &options);
	}
	flame_free(f);
	return err;
}

/* --- sites --- */

static const struct html_column site_columns[] = {
	{"Bytes", "by samples, less what was freed", true},
	{"Per second", "since sites are taken", true},
	{"Share", "of what was sampled of its kind, %", true},
	{"Samples", "that it rests on", true},
	{"Kind", "what grew", false},
	{"Code", "the function, then who called it; open it for all of a stack", false},
};

static void add_frames(struct report_page *page, const struct stack *s)
{
	strbuf_adds(page->out, "<ol>");
	for (unsigned i = 0; i < s->count; i++) {
		strbuf_adds(page->out, "<li>");
		frame_text_add_long(&page->text, &s->frames[i], " ");
		page_text_flush(page);
		strbuf_adds(page->out, "</li>");
	}
	strbuf_adds(page->out, s->is_cut ? "<li>...</li></ol>" : "</ol>");
}

static void add_site(struct report_page *page, const struct site_group *g, uint64_t now_ns)
{
	struct strbuf *out = page->out;
	double rate = site_rate(g, now_ns);

	html_row_begin(out);
	html_cell_bytes(out, (int64_t)g->bytes, false);
	html_cell_bytes(out, (int64_t)rate, true);
	html_cell_number(out, 100 * g->share, 1, false);
	html_cell_number(out, (double)g->samples, 0, false);
	html_cell(out, site_kind_name(g->kind));
	strbuf_adds(out, "<td><details><summary>");
	site_group_text_add(&page->text, g, 0, true);
	page_text_flush(page);
	strbuf_adds(out, "</summary>");
	add_frames(page, g->top->stack);
	strbuf_adds(out, "</details></td>");
	html_row_end(out);
}

/* Kinds with what matters most first; of each the largest, but those of which nothing is left. */
static size_t groups_of(const struct site_table *t, struct site_group *out, size_t max)
{
	size_t count = 0;

	for (unsigned i = 0; i < MW_SITE_KINDS - 1 && count < max; i++) {
		unsigned more = site_groups(t, site_kinds_ordered[i], SITE_BY_CHAIN, out + count,
					    (unsigned)(max - count));

		for (const struct site_group *g = out + count, *end = g + more; g < end; g++) {
			if (g->bytes)
				out[count++] = *g;
		}
	}
	return count;
}

static int add_sites(struct report_page *page, const struct recorded_process *p)
{
	struct site_group *groups;
	size_t count;

	page_heading(page, "Growth sites");
	if (site_state_add(&page->text, p->sites))
		page_note(page);
	if (!p->sites)
		return 0;
	groups = calloc(HTML_ROWS + 1, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	count = groups_of(p->sites, groups, HTML_ROWS + 1);
	if (count) {
		page_table(page, "sites", p, site_columns,
			   sizeof(site_columns) / sizeof(site_columns[0]));
		for (size_t i = 0; i < count && i < HTML_ROWS; i++)
			add_site(page, &groups[i], p->sites_ns);
		html_table_end(page->out);
		if (count > HTML_ROWS)
			strbuf_addf(page->out,
				    "<p class=\"note\">There are more than these %d.</p>\n",
				    HTML_ROWS);
		strbuf_adds(&page->text, "From ");
		site_quality_add(&page->text, p->sites);
		page_note(page);
	}
	free(groups);
	return 0;
}

/* --- collections --- */

static const struct html_column gc_columns[] = {
	{"Kind", NULL, false},
	{"Count", NULL, true},
	{"Pauses, ms", "all together", true},
	{"Mean, ms", NULL, true},
	{"Longest, ms", NULL, true},
	{"First left", "bytes alive after the first", true},
	{"Last left", "bytes alive after the last", true},
	{"Change", "from the first to the last", true},
};

struct gc_sum {
	uint64_t count, pause_ns, pause_max_ns, first_live, last_live;
	uint64_t isolate;
	bool is_mixed; /* of several heaps: which of them an amount is of means nothing */
};

/* Returns how many there were. */
static uint64_t gc_sums(struct gc_sum sums[MW_GC_KINDS], const struct recorded_process *p)
{
	uint64_t all = 0;

	for (size_t i = 0; i < p->gc_count; i++) {
		const struct recorded_gc *g = &p->gcs[i];
		struct gc_sum *s = &sums[g->gc.kind < MW_GC_KINDS ? g->gc.kind : 0];

		if (g->is_heap_out)
			continue;
		all += g->count;
		s->count += g->count;
		s->pause_ns += g->gc.pause_ns;
		if (g->pause_max_ns > s->pause_max_ns)
			s->pause_max_ns = g->pause_max_ns;
		if (!g->gc.live_bytes)
			continue;
		if (!s->first_live) {
			s->first_live = g->gc.live_bytes;
			s->isolate = g->gc.isolate;
		}
		s->last_live = g->gc.live_bytes;
		s->is_mixed |= s->isolate != g->gc.isolate;
	}
	return all;
}

static void add_gc_row(struct report_page *page, enum mw_gc_kind kind, const struct gc_sum *s)
{
	struct strbuf *out = page->out;

	html_row_begin(out);
	html_cell(out, gc_kind_name(kind));
	html_cell_number(out, (double)s->count, 0, false);
	html_cell_number(out, (double)s->pause_ns / 1e6, 1, false);
	html_cell_number(out, (double)s->pause_ns / 1e6 / (double)s->count, 1, false);
	html_cell_number(out, (double)s->pause_max_ns / 1e6, 1, false);
	if (s->first_live && !s->is_mixed) {
		html_cell_bytes(out, (int64_t)s->first_live, false);
		html_cell_bytes(out, (int64_t)s->last_live, false);
		html_cell_bytes(out, (int64_t)(s->last_live - s->first_live), true);
	} else {
		html_cell_unknown(out);
		html_cell_unknown(out);
		html_cell_unknown(out);
	}
	html_row_end(out);
}

static void add_collections(struct report_page *page, const struct recorded_process *p)
{
	struct gc_sum sums[MW_GC_KINDS] = {0};

	if (!gc_sums(sums, p))
		return;
	page_heading(page, "Garbage collections");
	page_table(page, "gc", p, gc_columns, sizeof(gc_columns) / sizeof(gc_columns[0]));
	for (unsigned kind = 0; kind < MW_GC_KINDS; kind++) {
		if (sums[kind].count)
			add_gc_row(page, (enum mw_gc_kind)kind, &sums[kind]);
	}
	html_table_end(page->out);
}

/* --- the whole --- */

static void take_error(struct report_page *page, int err)
{
	if (err)
		page->err = err;
}

void html_process_add(struct report_page *page, const struct recorded_process *p)
{
	struct strbuf *out = page->out;

	strbuf_addf(out, "<section class=\"process\" id=\"p%" PRId64 "\" data-name=\"", p->id);
	page_add_name(page, p);
	page_text_flush(page);
	strbuf_adds(out, "\">\n<h2>");
	page_add_name(page, p);
	page_text_flush(page);
	strbuf_adds(out, "</h2>\n");
	if (p != page->worst)
		page_verdict(page, p, false);
	add_facts(page, p);
	take_error(page, html_memory_add(page, p));
	take_error(page, html_heap_add(page, p));
	take_error(page, add_flame(page, p));
	take_error(page, add_sites(page, p));
	take_error(page, html_constructors_add(page, p));
	html_retainers_add(page, p);
	add_collections(page, p);
	strbuf_adds(out, "</section>\n");
}
