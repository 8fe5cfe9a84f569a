/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A recording for people: what one would paste into a ticket. What was recorded, who grew, and of
 * the worst why and by which code. All names are hostile: strbuf_add_text().
 */
#ifndef MEMWATCH_OUTPUT_REPORT_TEXT_H
#define MEMWATCH_OUTPUT_REPORT_TEXT_H

#include "base/strbuf.h"
#include "model/recorded.h"
#include "output/census_text.h"

#define REPORT_WIDTH 100 /* columns where nobody says how many there are */

struct report_view {
	unsigned rows;	  /* of each table; 0: REPORT_ROWS */
	int width;	  /* columns; 0: REPORT_WIDTH */
	bool utf8;	  /* may use characters beyond ASCII of its own */
	bool is_selected; /* processes were named: these, and all of these */
};

#define REPORT_ROWS 10

/** report_text_add - all of it */
void report_text_add(struct strbuf *out, const struct recorded *r, const struct report_view *v);

#endif
