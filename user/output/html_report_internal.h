/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of a recording's page share. */
#ifndef MEMWATCH_OUTPUT_HTML_REPORT_INTERNAL_H
#define MEMWATCH_OUTPUT_HTML_REPORT_INTERNAL_H

#include "output/html_page.h"
#include "output/html_report.h"

struct report_page {
	struct strbuf *out;
	const struct recorded *r;
	const struct recorded_process *worst; /* whose verdict begins the page; or NULL */
	struct strbuf text;		      /* what is put together here before it is escaped */
	int err;
};

/* What is added to @page->text is safe, and escaped when it is flushed. */

/** page_text_flush - what is in @page->text, escaped; it is empty then */
void page_text_flush(struct report_page *page);
/** page_cell_flush, page_point, page_note - the same as a cell of a table, a point of a list, a
 * note; no note if it is empty */
void page_cell_flush(struct report_page *page);
void page_point(struct report_page *page);
void page_note(struct report_page *page);
/** page_fact - a line of a list of facts, its value from @page->text; nothing if that is empty */
void page_fact(struct report_page *page, const char *name);
/** page_add - hostile text, at most 4096 bytes of it, to @page->text; NULL: nothing */
void page_add(struct report_page *page, const char *text);
/** page_add_name - "node (4711)", to @page->text */
void page_add_name(struct report_page *page, const struct recorded_process *p);
/** page_add_wall - "2026-11-23 08:50:26 UTC", to @page->text; page_add_time - of a moment of the
 *  recording, CLOCK_BOOTTIME */
void page_add_wall(struct report_page *page, uint64_t wall_ns);
void page_add_time(struct report_page *page, uint64_t boot_ns);
/** page_heading - of a part of a process; a literal */
void page_heading(struct report_page *page, const char *text);
/** page_table - html_table_begin() of a table of @p: its id is no other's */
void page_table(struct report_page *page, const char *what, const struct recorded_process *p,
		const struct html_column *columns, size_t count);

/** page_worst - of those with details, then of all: the process that leaks or was killed; else the
 *  only one that there is; NULL: all of many are well */
const struct recorded_process *page_worst(const struct recorded *r);
/** page_headline - the verdict on @page->worst, or that all are well */
void page_headline(struct report_page *page);
/** page_verdict - its sentence and evidence, in a box; @names: of which process, too */
void page_verdict(struct report_page *page, const struct recorded_process *p, bool names);

/** html_memory_add, html_heap_add - the charts of a process; the heap's only where collections
 *  are known. 0 or -ENOMEM */
int html_memory_add(struct report_page *page, const struct recorded_process *p);
int html_heap_add(struct report_page *page, const struct recorded_process *p);

/** html_constructors_add, html_retainers_add - by the first and the last census; nothing if there
 *  is none. 0 or -ENOMEM */
int html_constructors_add(struct report_page *page, const struct recorded_process *p);
void html_retainers_add(struct report_page *page, const struct recorded_process *p);

/** html_process_add - all of one process, a section */
void html_process_add(struct report_page *page, const struct recorded_process *p);

#endif
