/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of processes: the columns that fit, and the rows that fit.
 *
 * Columns are given their place in the order of their importance until the
 * width is spent, and are drawn in the order of the catalogue. The course of
 * the footprint comes last on a line and takes what is left.
 */
#include <string.h>

#include "analysis/growth.h"
#include "output/tui_internal.h"

#define MAX_COLUMNS   32
#define COURSE_NARROW 8
#define COURSE_WIDE   20

/* By importance. "course" is no column of the catalogue: see above. */
static const struct {
	const char *key;
	int course_width;
} wanted[] = {
	{"comm", 0},	     {"growth", 0},  {"pid", 0},   {"rss", 0},	   {"verdict", 0},
	{"since", 0},	     {"limit", 0},   {"delta", 0}, {"anon", 0},	   {NULL, COURSE_NARROW},
	{"file", 0},	     {"swap", 0},    {"shmem", 0}, {"faults", 0},  {"calls", 0},
	{NULL, COURSE_WIDE}, {"threads", 0}, {"heap", 0},  {"pgtable", 0}, {"vm", 0},
};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

/* What fits. */
struct fit {
	bool is_shown[MAX_COLUMNS]; /* by place in the catalogue */
	int course_width;
};

static int spent(const struct fit *f)
{
	int width = f->course_width ? f->course_width + 1 : 0;

	for (size_t i = 0; i < column_count; i++)
		width += f->is_shown[i] ? columns[i].width + 1 : 0;
	return width - 1; /* no space before the first */
}

/* Shows it if there is room; the first column is shown in any case. Returns whether it is. */
static bool fit_column(struct fit *f, const struct column *c, int width)
{
	size_t i = (size_t)(c - columns);

	if (i >= MAX_COLUMNS || f->is_shown[i])
		return true;
	f->is_shown[i] = true;
	if (spent(f) > width && spent(f) != c->width)
		f->is_shown[i] = false;
	return f->is_shown[i];
}

static void fit_course(struct fit *f, int most, int width)
{
	int left = width - spent(f) + f->course_width - (f->course_width ? 0 : 1);

	if (left > most)
		left = most;
	if (left >= COURSE_NARROW)
		f->course_width = left;
}

static void fit_columns(const struct tui *t, struct fit *f)
{
	int width = t->layout.width;

	*f = (struct fit){0};
	fit_column(f, column_find("comm"), width);
	fit_column(f, t->sort, width); /* never hidden while there is room for two */
	for (size_t i = 0; i < WANTED; i++) {
		if (!wanted[i].key)
			fit_course(f, wanted[i].course_width, width);
		else if (!fit_column(f, column_find(wanted[i].key), width))
			break; /* not a lesser one in its stead */
	}
	if (f->course_width)
		fit_course(f, HISTORY_CAP, width);
}

const struct column *tui_next_column(struct tui *t, int direction)
{
	int count = (int)column_count, i = (int)(t->sort - columns);
	struct fit fit;

	fit_columns(t, &fit);
	for (i += direction; i >= 0 && i < count; i += direction) {
		if (fit.is_shown[i])
			return &columns[i];
	}
	return t->sort;
}

/* --- colours --- */

#define KIB 1024.0
#define MIB (1024 * KIB)

static enum paint paint_of(double value, double notice, double alarm)
{
	if (value >= alarm)
		return PAINT_ALARM;
	if (value >= notice)
		return PAINT_NOTICE;
	return value <= -notice ? PAINT_GOOD : PAINT_PLAIN;
}

static enum paint paint_of_cell(const struct column *c, const struct process *p)
{
	if (!strcmp(c->key, "verdict"))
		return tui_verdict_paint(p->verdict);
	if (!strcmp(c->key, "limit"))
		return tui_limit_paint(p->verdict);
	if (!p->has_delta)
		return PAINT_PLAIN;
	if (!strcmp(c->key, "growth"))
		return paint_of(growth_rate(p), 16 * KIB, MIB);
	if (!strcmp(c->key, "delta"))
		return paint_of((double)growth_delta(p), 64 * KIB, 4 * MIB);
	if (!strcmp(c->key, "since"))
		return paint_of((double)growth_since_first(p), MIB, 64 * MIB);
	return PAINT_PLAIN;
}

/* --- drawing --- */

/* The arrow takes the space before a column that is right-aligned: titles are as wide as it is. */
static void draw_titles(struct tui *t, const struct fit *f)
{
	int x = 0;

	for (size_t i = 0; i < column_count; i++) {
		const struct column *c = &columns[i];
		bool is_sort = c == t->sort, is_down = (c->value != NULL) != t->is_reversed;
		const char *arrow = !is_sort  ? ""
				    : is_down ? (t->utf8 ? "▼" : "-")
					      : (t->utf8 ? "▲" : "+");
		int before = x && !c->is_left;

		if (!f->is_shown[i])
			continue;
		strbuf_clear(&t->line);
		strbuf_adds(&t->line, c->is_left ? c->title : arrow);
		strbuf_adds(&t->line, c->is_left ? arrow : c->title);
		draw_cell(t, t->layout.titles_y, x - before, c->width + before, c->is_left,
			  is_sort ? PAINT_TITLE : PAINT_STRONG, false, t->line.s);
		x += c->width + 1;
	}
	if (f->course_width)
		draw_text(t, t->layout.titles_y, x, f->course_width, PAINT_STRONG, "COURSE");
}

static void draw_row(struct tui *t, const struct fit *f, int y, const struct process *p,
		     bool is_selected)
{
	int x = 0;

	if (is_selected)
		draw_text(t, y, 0, t->layout.width, PAINT_SELECTED, "");
	for (size_t i = 0; i < column_count; i++) {
		const struct column *c = &columns[i];

		if (!f->is_shown[i])
			continue;
		strbuf_clear(&t->cell);
		c->format(&t->cell, p);
		draw_cell(t, y, x, c->width, c->is_left, paint_of_cell(c, p), is_selected,
			  t->cell.s);
		x += c->width + 1;
	}
	if (!f->course_width)
		return;
	strbuf_clear(&t->cell);
	sparkline(&t->cell, &p->history, (unsigned)f->course_width, t->utf8);
	draw_cell(t, y, x, f->course_width, true, PAINT_PLAIN, is_selected, t->cell.s);
}

/* Without a selection the top is shown: it is where growth is. */
static void scroll_to(struct tui *t, ssize_t selected, size_t rows, size_t count)
{
	if (selected < 0) {
		t->top = 0;
		return;
	}
	if (t->top + rows > count)
		t->top = count > rows ? count - rows : 0;
	if ((size_t)selected < t->top)
		t->top = (size_t)selected;
	else if ((size_t)selected >= t->top + rows)
		t->top = (size_t)selected - rows + 1;
}

void tui_draw_table(struct tui *t)
{
	const struct snapshot *s = tui_shown(t);
	size_t rows = (size_t)t->layout.body_rows;
	ssize_t selected = tui_selected(t);
	struct fit fit;

	fit_columns(t, &fit);
	if (t->layout.titles_y >= 0)
		draw_titles(t, &fit);
	if (!rows)
		return;
	if (s->is_valid && !s->count)
		draw_text(t, t->layout.body_y, 0, t->layout.width, PAINT_DIM,
			  "no process of those that were asked for");
	scroll_to(t, selected, rows, s->count);
	for (size_t i = 0; i < rows && t->top + i < s->count; i++)
		draw_row(t, &fit, t->layout.body_y + (int)i, s->order[t->top + i],
			 (ssize_t)(t->top + i) == selected);
}
