// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What all parts of a recording's page are put together from. */
#include "output/html_report_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define ID_SIZE	   64
#define TEXT_BYTES 4096

void page_text_flush(struct report_page *page)
{
	html_textn(page->out, page->text.s, page->text.len);
	if (page->text.err)
		page->err = page->text.err;
	strbuf_clear(&page->text);
}

void page_cell_flush(struct report_page *page)
{
	html_cell_begin(page->out);
	page_text_flush(page);
	html_cell_end(page->out);
}

void page_fact(struct report_page *page, const char *name)
{
	if (!page->text.len)
		return;
	strbuf_addf(page->out, "<dt>%s</dt><dd>", name);
	page_text_flush(page);
	strbuf_adds(page->out, "</dd>\n");
}

void page_add_name(struct report_page *page, const struct recorded_process *p)
{
	strbuf_add_text(&page->text, p->comm, strnlen(p->comm, sizeof(p->comm)));
	strbuf_addf(&page->text, " (%u)", p->pid);
}

void page_add_wall(struct report_page *page, uint64_t wall_ns)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(time, sizeof(time), wall_ns);
	strbuf_addf(&page->text, "%.10s %.8s UTC", time, time + 11);
}

void page_add_time(struct report_page *page, uint64_t boot_ns)
{
	page_add_wall(page, recorded_wall_ns(page->r, boot_ns));
}

void page_point(struct report_page *page)
{
	strbuf_adds(page->out, "<li>");
	page_text_flush(page);
	strbuf_adds(page->out, "</li>\n");
}

void page_add(struct report_page *page, const char *text)
{
	if (text)
		strbuf_add_text(&page->text, text, strnlen(text, TEXT_BYTES));
}

void page_table(struct report_page *page, const char *what, const struct recorded_process *p,
		const struct html_column *columns, size_t count)
{
	char id[ID_SIZE];

	snprintf(id, sizeof(id), "%s-%" PRId64, what, p->id);
	html_table_begin(page->out, id, columns, count);
}

void page_heading(struct report_page *page, const char *text)
{
	strbuf_addf(page->out, "<h3>%s</h3>\n", text);
}

void page_note(struct report_page *page)
{
	if (!page->text.len)
		return;
	strbuf_adds(page->out, "<p class=\"note\">");
	page_text_flush(page);
	strbuf_adds(page->out, "</p>\n");
}
