/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Text into cells, and which line of the screen shows what.
 *
 * Names come from others. strbuf_add_text() took the controls out; what is left
 * must also move the cursor as far as ncurses thinks that it does, or lines
 * shift. So only characters whose width the locale knows are drawn.
 */
#include <curses.h>
#include <string.h>
#include <wchar.h>

#include "output/tui_internal.h"
#include "output/tui_screen.h"

#define SITES_MIN_LINES 16 /* of a terminal that shows sites below the table */
#define SITES_LINES	4
#define TABLE_MIN_ROWS	5

/* --- text --- */

/* One character of UTF-8 at @text; returns its bytes. */
static size_t fit_char(struct strbuf *out, const char *text, size_t left)
{
	mbstate_t state = {0};
	wchar_t wc;
	size_t n = mbrtowc(&wc, text, left, &state);
	int width = n && n <= left ? wcwidth(wc) : -1;

	if (!n || n > left)
		n = 1;
	if (width > 0)
		strbuf_add(out, text, n);
	else if (width < 0)
		strbuf_adds(out, "\xef\xbf\xbd");
	return n;
}

void text_fit(struct strbuf *out, const char *text, bool utf8)
{
	size_t left = strlen(text);

	while (left) {
		size_t n = 1;

		if (*text >= ' ' && *text <= '~')
			strbuf_addc(out, *text);
		else if (utf8)
			n = fit_char(out, text, left);
		else if (((unsigned char)*text & 0xc0) != 0x80) /* one for each character */
			strbuf_addc(out, '?');
		text += n;
		left -= n;
	}
}

/* Without colours a pair is 0, and bold has to do. */
static attr_t attributes(enum paint paint)
{
	bool colors = tui_screen_has_colors();

	switch (paint) {
	case PAINT_DIM:
		return A_DIM;
	case PAINT_STRONG:
		return A_BOLD;
	case PAINT_TITLE:
		return A_BOLD | A_REVERSE;
	case PAINT_SELECTED:
		return A_REVERSE;
	case PAINT_ALARM:
		return A_BOLD | (colors ? COLOR_PAIR(COLOR_RED) : 0);
	case PAINT_NOTICE:
		return colors ? COLOR_PAIR(COLOR_YELLOW) : A_BOLD;
	case PAINT_GOOD:
		return colors ? COLOR_PAIR(COLOR_GREEN) : A_NORMAL;
	case PAINT_PLAIN:
		break;
	}
	return A_NORMAL;
}

void draw_cell(struct tui *t, int y, int x, int width, bool is_left, enum paint paint,
	       bool is_selected, const char *text)
{
	if (width > t->layout.width - x)
		width = t->layout.width - x;
	if (y < 0 || y >= t->layout.height || width <= 0)
		return;
	strbuf_clear(&t->fitted);
	strbuf_clear(&t->padded);
	text_fit(&t->fitted, text, t->utf8);
	column_pad(&t->padded, t->fitted.s, width, is_left);
	attrset((int)(attributes(paint) | (is_selected ? A_REVERSE : 0)));
	mvaddnstr(y, x, t->padded.s, (int)t->padded.len);
	attrset(A_NORMAL);
}

void draw_text(struct tui *t, int y, int x, int width, enum paint paint, const char *text)
{
	draw_cell(t, y, x, width, true, paint, false, text);
}

/* --- pages --- */

static int count_lines(const char *text)
{
	int n = 0;

	for (const char *at = text; *at; at = strchrnul(at, '\n'), at += *at == '\n')
		n++;
	return n;
}

static void draw_line(struct tui *t, int y, const char *line)
{
	bool is_heading = *line == LINE_HEADING, is_selected = *line == LINE_SELECTED;

	draw_text(t, y, 0, t->layout.width,
		  is_heading	? PAINT_STRONG
		  : is_selected ? PAINT_SELECTED
				: PAINT_PLAIN,
		  line + (is_heading || is_selected));
}

/* Lines of @page from @t->page_top on. */
static void draw_page(struct tui *t, const struct strbuf *page)
{
	const struct layout *l = &t->layout;
	int lines = count_lines(page->s), y;
	int last_top = lines > l->body_rows ? lines - l->body_rows : 0;

	if (t->page_top > last_top)
		t->page_top = last_top;
	y = -t->page_top;
	for (char *at = page->s; *at && y < l->body_rows; y++) {
		char *end = strchrnul(at, '\n'), kept = *end;

		*end = '\0';
		if (y >= 0)
			draw_line(t, l->body_y + y, at);
		*end = kept;
		at = end + (kept == '\n');
	}
}

/* The selected site comes into sight; the first with what stands above it. */
static void seek_site(struct tui *t)
{
	int rows = t->layout.body_rows;

	if (!t->site_is_sought || t->site_line < 0 || rows <= 0)
		return;
	t->site_is_sought = false;
	if (t->site_line < t->page_top)
		t->page_top = t->site_line;
	else if (t->site_line >= t->page_top + rows)
		t->page_top = t->site_line - rows + 1;
	if (!t->site_at && t->site_line < rows)
		t->page_top = 0;
}

static void add_detail(struct tui *t, const struct tui_row *row)
{
	if (t->stack_is_open) {
		tui_stack(t, &row->process, t->layout.width, &t->line);
		return;
	}
	tui_detail(t, row, t->layout.width, &t->line);
	seek_site(t);
}

/* The page of a process that has ended stays as it was, and says so. */
static void draw_detail(struct tui *t)
{
	ssize_t at = tui_selected(t);

	strbuf_clear(&t->line);
	if (at >= 0) {
		add_detail(t, snapshot_row(tui_shown(t), (size_t)at));
	} else if (!t->detail_has_ended) {
		strbuf_adds(&t->line, "\tThis process has ended. It was last seen so:\n");
		strbuf_adds(&t->line, t->detail.s);
	}
	if (at >= 0 || !t->detail_has_ended) {
		strbuf_clear(&t->detail);
		strbuf_add(&t->detail, t->line.s, t->line.len);
	}
	t->detail_has_ended = at < 0;
	draw_page(t, &t->detail);
}

static void draw_body(struct tui *t)
{
	if (t->help_is_open) {
		strbuf_clear(&t->line);
		tui_help(&t->line);
		draw_page(t, &t->line);
	} else if (t->detail_is_open) {
		draw_detail(t);
	} else {
		tui_draw_table(t);
	}
}

/* --- the whole --- */

/* A heading with three sites, and what processes leave free: there may be few of them. */
static void lay_out_sites(struct tui *t, int room)
{
	int wanted = tui_sites_wanted(t), left = room - (int)tui_shown(t)->count;
	int most = left > SITES_LINES ? left : SITES_LINES;

	if (most > room - TABLE_MIN_ROWS)
		most = room - TABLE_MIN_ROWS;
	if (wanted > most)
		wanted = most;
	t->layout.site_rows = wanted > 0 ? wanted : 0;
}

/*
 * What each height buys. Processes come first, then whose they are (the
 * title), the columns' names, what memwatch itself takes, the machine, the
 * keys, the events, and which code it is.
 */
static void lay_out(struct tui *t)
{
	struct layout *l = &t->layout;
	int below, messages = t->messages.count < MESSAGES_KEPT ? (int)t->messages.count
								: MESSAGES_KEPT;
	int most = LINES >= 30 ? 4 : LINES >= 20 ? 2 : LINES >= 10 ? 1 : 0;
	bool has_titles = LINES >= 3 && !t->help_is_open && !t->detail_is_open;

	*l = (struct layout){.height = LINES, .width = COLS};
	l->memory_y = LINES >= 8 && tui_shown(t)->has_machine ? 1 : -1;
	l->body_y = LINES >= 2 ? 1 + (l->memory_y > 0) : 0;
	l->titles_y = has_titles ? l->body_y++ : -1;
	below = LINES;
	l->hints_y = LINES >= 6 ? --below : -1;
	l->self_y = LINES >= 5 ? --below : -1;
	l->message_rows = messages < most ? messages : most;
	below -= l->message_rows;
	l->messages_y = below;
	if (has_titles && LINES >= SITES_MIN_LINES)
		lay_out_sites(t, below - l->body_y);
	below -= l->site_rows;
	l->sites_y = below;
	l->body_rows = below > l->body_y ? below - l->body_y : 0;
}

void tui_draw(struct tui *t)
{
	if (!tui_screen_is_taken())
		return;
	lay_out(t);
	erase();
	if (t->layout.height >= 2)
		tui_draw_frame(t);
	draw_body(t);
	tui_draw_sites(t);
	refresh();
}
