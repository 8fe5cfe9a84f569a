/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What reports as HTML have in common: one self-contained page without any reference to the
 * network, its style and scripts, tables that sort, text that cannot become markup.
 *
 * The page's Content-Security-Policy refuses what is not page.css and the scripts of html_end(): no
 * other <style> or <script>, no style="" and no on...="" anywhere. What a script needs to know is
 * in data-...="" or in <script type="application/json">.
 *
 * Classes of page.css that others may use: note (small and grey), scroll (around what is wide),
 * verdict (the first thing to read; with leak: red), up and down (growth, and less of it).
 */
#ifndef MEMWATCH_OUTPUT_HTML_PAGE_H
#define MEMWATCH_OUTPUT_HTML_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/** html_begin - up to and with <body> and the page's heading; @title is hostile */
void html_begin(struct strbuf *out, const char *title);
/** html_end - scripts (flame_js among them) and </body> */
void html_end(struct strbuf *out);
/** html_text - hostile text, escaped for elements and quoted attributes, at most 4096 bytes of it;
 *  NULL: nothing */
void html_text(struct strbuf *out, const char *s);
void html_textn(struct strbuf *out, const char *s, size_t len);

#define HTML_ROWS 500 /* of a table; a browser sorts these at once */

/* A column of a table. */
struct html_column {
	const char *title, *help; /* help: shown when the title is pointed at; or NULL */
	bool is_number;		  /* right-aligned; sorts by the cell's value */
};

/** html_table_begin - a table that sorts when a title is clicked; @id: literal, unique */
void html_table_begin(struct strbuf *out, const char *id, const struct html_column *columns,
		      size_t count);
void html_row_begin(struct strbuf *out);
/** html_cell_begin, html_cell_end - around markup of one's own */
void html_cell_begin(struct strbuf *out);
void html_cell_end(struct strbuf *out);
/** html_cell - text, hostile. html_cell_bytes: "1.5M", sorts by the number; with_sign: "+1.5M" */
void html_cell(struct strbuf *out, const char *text);
void html_cell_bytes(struct strbuf *out, int64_t bytes, bool with_sign);
void html_cell_number(struct strbuf *out, double value, int decimals, bool with_sign);
/** html_cell_unknown - of a column of numbers: a dash, and last when it is sorted by */
void html_cell_unknown(struct strbuf *out);
void html_row_end(struct strbuf *out);
void html_table_end(struct strbuf *out);
/** html_table_rest - below a table that was cut at HTML_ROWS: how many more there are; 0: nothing
 */
void html_table_rest(struct strbuf *out, size_t more);

#endif
