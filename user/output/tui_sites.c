// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Growth sites: which code makes a process grow.
 *
 * Below the table a few lines of the selected process, or of the first that has any. On the
 * page of a process a list, of which one is selected; as with processes, what is selected
 * is a site and not a place. Its own page is its stack.
 */
#include <stdio.h>
#include <string.h>

#include "output/site_text.h"
#include "output/tui_internal.h"

#define SUMMARY_PROCESSES 2
#define SUMMARY_SITES	  3
#define STACK_INDENT	  8 /* of what does not fit beside a function's name */

/* --- below the table --- */

/* Whose: the selected process, or the first with sites; NULL: nobody's. */
static const struct process *footer_process(struct tui *t)
{
	const struct snapshot *s = tui_shown(t);
	ssize_t at = tui_selected(t);

	if (!s->is_valid || !s->site_count) /* no stacks are taken of anybody */
		return NULL;
	if (at >= 0)
		return s->order[at];
	for (size_t i = 0; i < s->count; i++) {
		if (snapshot_sites(s, s->order[i]))
			return s->order[i];
	}
	return NULL;
}

int tui_sites_wanted(struct tui *t)
{
	const struct process *p = footer_process(t);
	const struct tui_sites *c = p ? snapshot_sites(tui_shown(t), p) : NULL;

	return p ? 1 + (c ? (int)c->leading : 0) : 0;
}

/* The part of a line that says of whom, and what cannot be told. */
static void add_whose(struct strbuf *out, const struct process *p, const struct tui_sites *c)
{
	strbuf_addf(out, "sites of %u (", p->pid);
	strbuf_add_text(out, p->comm, sizeof(p->comm));
	strbuf_addc(out, ')');
	if (c && !c->state.len)
		return;
	strbuf_adds(out, ": ");
	if (c)
		strbuf_adds(out, c->state.s);
	else if (p->sites)
		strbuf_adds(out, "with the next tick");
	else
		site_state_add(out, NULL);
}

void tui_draw_sites(struct tui *t)
{
	const struct process *p = footer_process(t);
	const struct tui_sites *c = p ? snapshot_sites(tui_shown(t), p) : NULL;
	const struct layout *l = &t->layout;

	if (!p || l->site_rows <= 0)
		return;
	strbuf_clear(&t->line);
	add_whose(&t->line, p, c);
	draw_text(t, l->sites_y, 0, l->width, PAINT_STRONG, t->line.s);
	for (int i = 1; c && i < l->site_rows && i <= (int)c->leading; i++) {
		const struct tui_site *site = &c->list[i - 1];

		strbuf_clear(&t->line);
		site_line_add(&t->line, &site->group, tui_shown(t)->now_ns, l->width, t->utf8);
		draw_text(t, l->sites_y + i, 0, l->width, site->site.note ? PAINT_DIM : PAINT_PLAIN,
			  t->line.s);
	}
}

/* --- the selected site --- */

static const struct tui_sites *page_sites(struct tui *t)
{
	ssize_t at = t->detail_is_open ? tui_selected(t) : -1;

	return at < 0 ? NULL : snapshot_sites(tui_shown(t), tui_shown(t)->order[at]);
}

static void select_site(struct tui *t, const struct tui_sites *c, unsigned at)
{
	const struct site *s = &c->list[c->leading + at].site;

	t->site_at = at;
	t->site_kind = s->kind;
	t->site_note = s->note;
	t->site_hash = s->chain_hash;
}

/* Its place among those of the page; when it has gone, the one that is there now. -1: none */
static int selected_site(struct tui *t, const struct tui_sites *c)
{
	unsigned count = c ? c->count - c->leading : 0;

	if (!count)
		return -1;
	for (unsigned i = 0; i < count; i++) {
		const struct site *s = &c->list[c->leading + i].site;

		if (s->kind == t->site_kind && s->note == t->site_note &&
		    (s->note || s->chain_hash == t->site_hash)) {
			t->site_at = i;
			return (int)i;
		}
	}
	select_site(t, c, t->site_at < count ? t->site_at : count - 1);
	return (int)t->site_at;
}

bool tui_has_site(struct tui *t)
{
	return selected_site(t, page_sites(t)) >= 0;
}

bool tui_move_site(struct tui *t, int by)
{
	const struct tui_sites *c = page_sites(t);
	int at = selected_site(t, c) + by;

	if (!c || at < 0 || at >= (int)(c->count - c->leading))
		return false;
	select_site(t, c, (unsigned)at);
	t->site_is_sought = true;
	return true;
}

/* --- on the page of a process --- */

static int lines_of(const struct strbuf *b)
{
	int n = 0;

	for (const char *at = b->s; (at = strchr(at, '\n')) != NULL; at++)
		n++;
	return n;
}

void tui_sites(struct tui *t, const struct process *p, int width, struct strbuf *out)
{
	const struct tui_sites *c = snapshot_sites(tui_shown(t), p);
	int selected = selected_site(t, c);

	t->site_line = -1;
	if (!c && !tui_shown(t)->site_count) /* --no-stacks, or this kernel cannot */
		return;
	if (!c || c->state.len) {
		strbuf_addc(out, LINE_HEADING);
		add_whose(out, p, c);
		strbuf_addc(out, '\n');
	}
	if (!c || selected < 0)
		return;
	strbuf_addc(out, LINE_HEADING);
	site_titles_add(out);
	strbuf_addc(out, '\n');
	for (unsigned i = c->leading; i < c->count; i++) {
		bool is_selected = (int)(i - c->leading) == selected;

		if (is_selected) {
			t->site_line = lines_of(out);
			strbuf_addc(out, LINE_SELECTED);
		}
		site_line_add(out, &c->list[i].group, tui_shown(t)->now_ns, width, t->utf8);
		strbuf_addc(out, '\n');
	}
	strbuf_add(out, c->quality.s, c->quality.len);
	strbuf_addc(out, '\n');
}

/* --- the page of a site --- */

static bool is_in_chain(const struct site *s, unsigned i)
{
	for (unsigned at = 0; at < s->chain.count; at++) {
		if (s->chain.at[at] == i)
			return true;
	}
	return false;
}

/* On two lines where one is too short. */
static void add_frame(struct tui *t, const struct site *s, unsigned i, int width,
		      struct strbuf *out)
{
	const struct frame *f = &s->stack->frames[i];
	bool is_strong = is_in_chain(s, i);

	strbuf_clear(&t->cell);
	frame_text_add_long(&t->cell, f, "  ");
	if (text_columns(t->cell.s) > width - 4) {
		char between[STACK_INDENT + 3];

		snprintf(between, sizeof(between), "\n%s%*s", is_strong ? "\t" : "", STACK_INDENT,
			 "");
		strbuf_clear(&t->cell);
		frame_text_add_long(&t->cell, f, between);
	}
	if (is_strong)
		strbuf_addc(out, LINE_HEADING);
	strbuf_addf(out, "%3u %s\n", i, t->cell.s);
}

static void add_about(struct strbuf *out, const struct site_group *g)
{
	strbuf_addf(out, "%s; %llu sample%s", site_kind_help(g->kind),
		    (unsigned long long)g->samples, g->samples == 1 ? "" : "s");
	if (g->stacks > 1)
		strbuf_addf(out, "; the largest of %u stacks", g->stacks);
	strbuf_addc(out, '\n');
}

void tui_stack(struct tui *t, const struct process *p, int width, struct strbuf *out)
{
	const struct tui_sites *c = snapshot_sites(tui_shown(t), p);
	int at = selected_site(t, c);
	const struct tui_site *site;

	strbuf_addf(out, "\t%u ", p->pid);
	strbuf_add_text(out, p->comm, sizeof(p->comm));
	strbuf_addc(out, '\n');
	if (!c || at < 0) {
		strbuf_adds(out, "this site is gone\n");
		return;
	}
	site = &c->list[c->leading + (unsigned)at];
	site_line_add(out, &site->group, tui_shown(t)->now_ns, width, t->utf8);
	strbuf_addc(out, '\n');
	add_about(out, &site->group);
	strbuf_adds(out, "\t  # FUNCTION, innermost first\n");
	for (unsigned i = 0; i < site->site.stack->count; i++)
		add_frame(t, &site->site, i, width, out);
	if (site->site.stack->is_cut)
		strbuf_adds(out, "  .. and more that could not be read or kept\n");
}

/* --- what remains at the end --- */

void tui_sites_summary(struct tui *t, const struct snapshot *s, struct strbuf *out)
{
	unsigned shown = 0;

	for (size_t i = 0; i < s->count && shown < SUMMARY_PROCESSES; i++) {
		const struct tui_sites *c = snapshot_sites(s, s->order[i]);

		if (!c)
			continue;
		shown++;
		strbuf_clear(&t->cell);
		add_whose(&t->cell, s->order[i], c);
		text_fit(out, t->cell.s, t->utf8);
		strbuf_addc(out, '\n');
		for (unsigned at = 0; at < SUMMARY_SITES && at < c->leading; at++) {
			strbuf_clear(&t->cell);
			site_line_add(&t->cell, &c->list[at].group, s->now_ns, 0, t->utf8);
			text_fit(out, t->cell.s, t->utf8);
			strbuf_addc(out, '\n');
		}
	}
}
