/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keys: one table, from which keys are handled, the help is written and
 * the hints of the last line are taken.
 */
#include <curses.h>
#include <string.h>

#include "output/tui_internal.h"
#include "output/tui_screen.h"

#define ESCAPE	27
#define CTRL(c) ((c)&0x1f)

struct key {
	int codes[4];
	const char *label; /* as the help shows it; NULL: the first code */
	const char *hint;  /* for the last line; NULL: not there */
	const char *help;  /* NULL: that of the column */
	int (*act)(struct tui *t, const struct key *k);
	int by;		    /* how far, for those that move */
	const char *column; /* for those that sort */
};

/* --- what keys do --- */

static bool page_is_open(const struct tui *t)
{
	return t->help_is_open || t->detail_is_open;
}

/* A page that lists sites has one selected; past the last of them it scrolls. */
static bool move_site(struct tui *t, int by)
{
	if (t->help_is_open || t->stack_is_open || !t->detail_is_open || t->detail_has_ended)
		return false;
	if (by < 0 && t->page_top > t->site_line)
		return false; /* back up to it first */
	return tui_move_site(t, by);
}

static int move_by(struct tui *t, int rows)
{
	ssize_t at = tui_selected(t);

	if (page_is_open(t))
		t->page_top = t->page_top + rows > 0 ? t->page_top + rows : 0;
	else
		tui_select(t, at < 0 ? 0 : at + rows);
	return TUI_NOTHING;
}

static int act_line(struct tui *t, const struct key *k)
{
	return move_site(t, k->by) ? TUI_NOTHING : move_by(t, k->by);
}

static int act_page(struct tui *t, const struct key *k)
{
	return move_by(t, k->by * (t->layout.body_rows > 1 ? t->layout.body_rows - 1 : 1));
}

static int act_end(struct tui *t, const struct key *k)
{
	return move_by(t, k->by * SNAPSHOT_MAX_ROWS);
}

/* A frozen picture is sorted here; else the caller sorts, and has all processes. */
static int sort_changed(struct tui *t)
{
	if (!t->is_frozen)
		return TUI_SORT;
	snapshot_sort(&t->held, t->sort, t->is_reversed);
	return TUI_NOTHING;
}

static int sort_by(struct tui *t, const struct column *c)
{
	if (c == t->sort)
		return TUI_NOTHING;
	t->sort = c;
	t->is_reversed = false;
	return sort_changed(t);
}

static int act_sort(struct tui *t, const struct key *k)
{
	return sort_by(t, column_find(k->column));
}

static int act_next_column(struct tui *t, const struct key *k)
{
	return sort_by(t, tui_next_column(t, k->by));
}

static int act_reverse(struct tui *t, const struct key *k)
{
	(void)k;
	t->is_reversed = !t->is_reversed;
	return sort_changed(t);
}

static int act_freeze(struct tui *t, const struct key *k)
{
	(void)k;
	if (t->is_frozen)
		tui_thaw(t);
	else
		tui_freeze(t);
	return TUI_NOTHING;
}

static void open_stack(struct tui *t)
{
	t->stack_is_open = true;
	t->detail_top = t->page_top;
	t->page_top = 0;
}

static void close_stack(struct tui *t)
{
	t->stack_is_open = false;
	t->page_top = t->detail_top;
	t->detail_is_open = !t->detail_has_ended; /* else its page was the stack's, too */
}

/* The page opens with the first site selected. A process without copies gets them by a tick. */
static int open_detail(struct tui *t)
{
	if (tui_selected(t) < 0)
		tui_select(t, 0);
	t->detail_is_open = t->has_selected;
	t->detail_has_ended = false;
	t->page_top = 0;
	t->site_at = 0;
	t->site_kind = 0;
	if (t->is_frozen || tui_has_site(t))
		return TUI_NOTHING;
	tui_draw(t); /* before that tick, which may not have it any more */
	return TUI_SORT;
}

/* Deeper: the process, then the selected site's stack; and back where it goes no further. */
static int act_detail(struct tui *t, const struct key *k)
{
	(void)k;
	if (t->help_is_open)
		t->help_is_open = false;
	else if (t->stack_is_open)
		close_stack(t);
	else if (t->detail_is_open && !t->detail_has_ended && tui_has_site(t))
		open_stack(t);
	else if (t->detail_is_open)
		t->detail_is_open = false;
	else
		return open_detail(t);
	return TUI_NOTHING;
}

static int act_help(struct tui *t, const struct key *k)
{
	(void)k;
	t->help_is_open = !t->help_is_open;
	t->page_top = 0;
	return TUI_NOTHING;
}

/* Closes what is on top: the help, the stack, the detail, then the selection. */
static int act_escape(struct tui *t, const struct key *k)
{
	(void)k;
	if (t->help_is_open) {
		t->help_is_open = false;
	} else if (t->stack_is_open) {
		close_stack(t);
		return TUI_NOTHING;
	} else if (t->detail_is_open) {
		t->detail_is_open = false;
	} else {
		t->has_selected = false;
	}
	t->page_top = 0;
	return TUI_NOTHING;
}

static int act_redraw(struct tui *t, const struct key *k)
{
	(void)t;
	(void)k;
	tui_screen_fit();
	return TUI_NOTHING;
}

static int act_quit(struct tui *t, const struct key *k)
{
	(void)t;
	(void)k;
	return TUI_QUIT;
}

/* --- the table --- */

#define SORT_KEY(code, key)                                                                        \
	{                                                                                          \
		.codes = {code}, .act = act_sort, .column = key                                    \
	}

static const struct key keys[] = {
	{{'q', KEY_F(10)}, "q", "q quit", "quit (^C does too)", act_quit, 0, NULL},
	{{'h', '?', KEY_F(1)}, "h ?", "h help", "this help", act_help, 0, NULL},
	{{KEY_UP, 'k'},
	 "up k",
	 NULL,
	 "select the process or the site above; scroll a page up",
	 act_line,
	 -1,
	 NULL},
	{{KEY_DOWN, 'j'},
	 "down j",
	 "j k select",
	 "select the process or the site below; scroll a page down",
	 act_line,
	 1,
	 NULL},
	{{KEY_PPAGE, CTRL('b')}, "PgUp", NULL, "a screen up", act_page, -1, NULL},
	{{KEY_NPAGE, CTRL('f')}, "PgDn", NULL, "a screen down", act_page, 1, NULL},
	{{KEY_HOME}, "Home", NULL, "the first", act_end, -1, NULL},
	{{KEY_END}, "End", NULL, "the last", act_end, 1, NULL},
	{{'\n', '\r', KEY_ENTER},
	 "Enter",
	 "Enter detail",
	 "all of the selected process, with its sites; the stack of the selected site",
	 act_detail,
	 0,
	 NULL},
	{{ESCAPE, KEY_BACKSPACE, 127, '\b'},
	 "Esc",
	 NULL,
	 "close what is open; select nothing: the fastest stay in sight",
	 act_escape,
	 0,
	 NULL},
	{{' '},
	 "space",
	 "space freeze",
	 "freeze the display and go on; collection does not stop",
	 act_freeze,
	 0,
	 NULL},
	{{'<', ','}, "<", "< > sort", "sort by the column to the left", act_next_column, -1, NULL},
	{{'>', '.'}, ">", NULL, "sort by the column to the right", act_next_column, 1, NULL},
	{{'R'}, "R", "R reverse", "reverse the order", act_reverse, 0, NULL},
	{{CTRL('l')}, "^L", NULL, "draw everything anew", act_redraw, 0, NULL},
	SORT_KEY('g', "growth"),
	SORT_KEY('v', "verdict"),
	SORT_KEY('l', "limit"),
	SORT_KEY('d', "delta"),
	SORT_KEY('b', "since"),
	{{'m', 'r'}, "m r", NULL, NULL, act_sort, 0, "rss"},
	SORT_KEY('a', "anon"),
	SORT_KEY('f', "file"),
	SORT_KEY('s', "shmem"),
	SORT_KEY('w', "swap"),
	SORT_KEY('t', "threads"),
	SORT_KEY('p', "pid"),
	SORT_KEY('n', "comm"),
	SORT_KEY('F', "faults"),
	SORT_KEY('C', "calls"),
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

int tui_key(struct tui *t, int code)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		for (size_t j = 0; j < sizeof(keys[i].codes) / sizeof(keys[i].codes[0]); j++) {
			if (keys[i].codes[j] && keys[i].codes[j] == code)
				return keys[i].act(t, &keys[i]);
		}
	}
	return TUI_NOTHING;
}

static void add_key(struct strbuf *out, const struct key *k)
{
	const struct column *c = k->column ? column_find(k->column) : NULL;
	const char code[] = {(char)k->codes[0], '\0'};

	strbuf_addf(out, "  %-7s ", k->label ? k->label : code);
	if (c)
		strbuf_addf(out, "%-8s %s\n", c->title, c->help);
	else
		strbuf_addf(out, "%s\n", k->help);
}

void tui_help(struct strbuf *out)
{
	bool in_sorts = false;

	strbuf_adds(out, "\tKeys (up and down scroll, Esc closes)\n");
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (keys[i].column && !in_sorts)
			strbuf_adds(out, "\tSort by, largest first\n");
		in_sorts = keys[i].column != NULL;
		add_key(out, &keys[i]);
	}
	strbuf_adds(out, "\tOther columns, where there is room\n");
	for (size_t i = 0; i < column_count; i++) {
		bool has_key = false;

		for (size_t j = 0; j < KEY_COUNT; j++)
			has_key |= keys[j].column && !strcmp(keys[j].column, columns[i].key);
		if (!has_key)
			strbuf_addf(out, "          %-8s %s\n", columns[i].title, columns[i].help);
	}
	strbuf_adds(out, "          COURSE   rss + swap, the last ticks, from lowest to highest\n");
}

void tui_hints(struct tui *t, struct strbuf *out)
{
	if (page_is_open(t)) {
		bool has_sites = !t->help_is_open && !t->stack_is_open && tui_has_site(t);

		strbuf_adds(out, has_sites ? "Esc close  j k select  Enter stack  q quit"
					   : "Esc close  j k scroll  q quit");
		return;
	}
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (!keys[i].hint)
			continue;
		if (out->len)
			strbuf_adds(out, "  ");
		strbuf_adds(out, keys[i].hint);
	}
}
