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

/** page_text_flush - what is in @page->text, escaped; it is empty then */
void page_text_flush(struct report_page *page);
/** page_cell_flush - the same as a table's cell */
void page_cell_flush(struct report_page *page);
/** page_fact - a line of a list of facts, its value from @page->text; nothing if that is empty */
void page_fact(struct report_page *page, const char *name);
/** page_add_name - "node (4711)", to @page->text */
void page_add_name(struct report_page *page, const struct recorded_process *p);
/** page_add_time - "2026-11-23 08:50:26 UTC" of a moment of the recording, to @page->text */
void page_add_time(struct report_page *page, uint64_t boot_ns);
/** page_verdict - its sentence and evidence, in a box; @names: of which process, too */
void page_verdict(struct report_page *page, const struct recorded_process *p, bool names);

/** html_memory_add, html_heap_add - the charts of a process; the heap's only where collections
 *  are known. 0 or -ENOMEM */
int html_memory_add(struct report_page *page, const struct recorded_process *p);
int html_heap_add(struct report_page *page, const struct recorded_process *p);

/** html_process_add - all of one process, a section */
void html_process_add(struct report_page *page, const struct recorded_process *p);

#endif
