// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a reader wants first comes first: the verdict on the process that is worst off. Then all
 * processes as a table, and each of those with details; at the end what happened, and how far the
 * recording can be trusted.
 */
#include "output/html_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/units.h"
#include "output/event_text.h"
#include "output/html_report_internal.h"
#include "output/verdict_text.h"

#define SECTIONS_MAX 50 /* processes with details: more make a page that no browser likes */

/* --- head --- */

static void add_when(struct report_page *page)
{
	const struct recorded *r = page->r;
	char span[UNITS_SIZE];

	if (!r->ticks) {
		strbuf_adds(&page->text, "no tick yet");
		page_fact(page, "Recorded");
		return;
	}
	page_add_wall(page, r->begin_wall_ns);
	strbuf_adds(&page->text, " to ");
	page_add_wall(page, r->end_wall_ns);
	strbuf_addf(&page->text, ": %s, %" PRIu64 " tick%s",
		    units_format_duration(span, sizeof(span), (uint64_t)round(recorded_seconds(r))),
		    r->ticks, r->ticks == 1 ? "" : "s");
	page_fact(page, "Recorded");
}

static void add_target(struct report_page *page)
{
	const struct run *run = &page->r->run;

	for (unsigned i = 0; i < run->pid_count; i++)
		strbuf_addf(&page->text, "%sPID %u", i ? ", " : "", run->pids[i]);
	if (run->comm) {
		strbuf_adds(&page->text, page->text.len ? ", name " : "name ");
		strbuf_add_text(&page->text, run->comm, strlen(run->comm));
	}
	if (run->cgroup) {
		strbuf_adds(&page->text, page->text.len ? ", cgroup " : "cgroup ");
		strbuf_add_text(&page->text, run->cgroup, strlen(run->cgroup));
	}
	if (!page->text.len && !page->r->command)
		strbuf_adds(&page->text, "the whole machine");
	page_fact(page, "Watched");
}

static void add_head(struct report_page *page)
{
	const struct recorded *r = page->r;

	strbuf_adds(page->out, "<dl class=\"facts\">\n");
	add_when(page);
	if (r->command)
		strbuf_add_text(&page->text, r->command, strlen(r->command));
	page_fact(page, "Command");
	add_target(page);
	if (r->requests)
		strbuf_addf(&page->text, "%" PRIu64, r->requests);
	page_fact(page, "Requests");
	if (r->run.kernel) {
		strbuf_adds(&page->text, "Linux ");
		strbuf_add_text(&page->text, r->run.kernel, strlen(r->run.kernel));
	}
	if (r->run.arch) {
		strbuf_addc(&page->text, ' ');
		strbuf_add_text(&page->text, r->run.arch, strlen(r->run.arch));
	}
	page_fact(page, "Host");
	strbuf_adds(page->out, "</dl>\n");
}

/* --- all processes --- */

static void add_verdict_cell(struct report_page *page, const struct recorded_process *p)
{
	verdict_label_add(&page->text, p->verdict);
	page_cell_flush(page);
}

static void add_limit_cell(struct report_page *page, const struct recorded_process *p)
{
	verdict_limit_add(&page->text, p->verdict);
	page_cell_flush(page);
}

static void add_growth_cell(struct report_page *page, const struct recorded_process *p)
{
	html_cell_bytes(page->out, recorded_growth(p), true);
}

static void add_first_cell(struct report_page *page, const struct recorded_process *p)
{
	html_cell_bytes(page->out, (int64_t)p->first.rss_bytes, false);
}

static void add_last_cell(struct report_page *page, const struct recorded_process *p)
{
	html_cell_bytes(page->out, (int64_t)p->last.rss_bytes, false);
}

static void add_peak_cell(struct report_page *page, const struct recorded_process *p)
{
	html_cell_bytes(page->out, (int64_t)p->peak_rss_bytes, false);
}

static void add_anon_cell(struct report_page *page, const struct recorded_process *p)
{
	html_cell_bytes(page->out, (int64_t)p->last.anon_bytes, false);
}

static void add_file_cell(struct report_page *page, const struct recorded_process *p)
{
	html_cell_bytes(page->out, (int64_t)p->last.file_bytes, false);
}

static void add_shmem_cell(struct report_page *page, const struct recorded_process *p)
{
	html_cell_bytes(page->out, (int64_t)p->last.shmem_bytes, false);
}

static void add_swap_cell(struct report_page *page, const struct recorded_process *p)
{
	html_cell_bytes(page->out, (int64_t)p->last.swap_bytes, false);
}

static void add_end_cell(struct report_page *page, const struct recorded_process *p)
{
	const char *name = WIFSIGNALED(p->code) ? sigabbrev_np(WTERMSIG(p->code)) : NULL;

	if (p->is_oom_killed)
		strbuf_adds(&page->text, "OOM kill");
	else if (p->has_ended && !p->is_code_known)
		strbuf_adds(&page->text, "gone");
	else if (p->has_ended && name)
		strbuf_addf(&page->text, "SIG%s", name);
	else if (p->has_ended && WIFSIGNALED(p->code))
		strbuf_addf(&page->text, "signal %d", WTERMSIG(p->code));
	else if (p->has_ended)
		strbuf_addf(&page->text, "status %d", WEXITSTATUS(p->code));
	page_cell_flush(page);
}

static void add_cgroup_cell(struct report_page *page, const struct recorded_process *p)
{
	html_cell(page->out, p->container ? p->container : p->cgroup);
}

static bool has_limit(const struct recorded_process *p)
{
	return verdict_has_limit(p->verdict);
}

static bool has_shmem(const struct recorded_process *p)
{
	return p->last.shmem_bytes;
}

static bool has_swap(const struct recorded_process *p)
{
	return p->last.swap_bytes;
}

static bool has_ended(const struct recorded_process *p)
{
	return p->has_ended;
}

static bool has_cgroup(const struct recorded_process *p)
{
	return p->container || p->cgroup;
}

/* After the name and the PID. */
static const struct process_column {
	struct html_column head;
	void (*add_cell)(struct report_page *page, const struct recorded_process *p);
	bool (*is_there)(const struct recorded_process *p); /* NULL: a column in any case, else if
							       one of the processes has it */
} process_columns[] = {
	{{"Verdict", NULL, false}, add_verdict_cell, NULL},
	{{"Limit in", "when a limit is met if it goes on like that", false},
	 add_limit_cell,
	 has_limit},
	{{"Growth", "of RSS and swap, from the first to the last tick", true},
	 add_growth_cell,
	 NULL},
	{{"First", "RSS at the first tick", true}, add_first_cell, NULL},
	{{"Last", "RSS at the last tick", true}, add_last_cell, NULL},
	{{"Peak", "highest RSS", true}, add_peak_cell, NULL},
	{{"anon", "at the last tick", true}, add_anon_cell, NULL},
	{{"file", "at the last tick", true}, add_file_cell, NULL},
	{{"shmem", "at the last tick", true}, add_shmem_cell, has_shmem},
	{{"swap", "at the last tick", true}, add_swap_cell, has_swap},
	{{"End", NULL, false}, add_end_cell, has_ended},
	{{"Container or cgroup", NULL, false}, add_cgroup_cell, has_cgroup},
};

#define PROCESS_COLUMNS (sizeof(process_columns) / sizeof(process_columns[0]))
#define NAME_COLUMNS	2

/* What no tick saw has no sizes. */
static bool is_row(const struct recorded_process *p)
{
	return p->last_ns || p->is_named;
}

static size_t count_rows(const struct recorded *r)
{
	size_t rows = 0;

	for (size_t i = 0; i < r->process_count; i++)
		rows += is_row(&r->processes[i]);
	return rows;
}

static bool is_column(const struct process_column *c, const struct recorded *r, size_t rows)
{
	for (size_t i = 0; c->is_there && i < r->process_count && rows; i++) {
		if (!is_row(&r->processes[i]))
			continue;
		if (c->is_there(&r->processes[i]))
			return true;
		rows--;
	}
	return !c->is_there;
}

/* Of the first @rows processes. Columns are kept in @columns, in their order; returns how many. */
static size_t begin_processes(struct report_page *page, size_t rows,
			      const struct process_column *columns[PROCESS_COLUMNS])
{
	struct html_column heads[NAME_COLUMNS + PROCESS_COLUMNS] = {{"Process", NULL, false},
								    {"PID", NULL, true}};
	size_t count = 0;

	for (size_t i = 0; i < PROCESS_COLUMNS; i++) {
		if (!is_column(&process_columns[i], page->r, rows))
			continue;
		heads[NAME_COLUMNS + count] = process_columns[i].head;
		columns[count++] = &process_columns[i];
	}
	html_table_begin(page->out, "processes", heads, NAME_COLUMNS + count);
	return count;
}

static void add_process_name(struct report_page *page, const struct recorded_process *p, bool links)
{
	html_cell_begin(page->out);
	if (links)
		strbuf_addf(page->out, "<a href=\"#p%" PRId64 "\">", p->id);
	strbuf_add_text(&page->text, p->comm, strnlen(p->comm, sizeof(p->comm)));
	page_text_flush(page);
	strbuf_adds(page->out, links ? "</a>" : "");
	html_cell_end(page->out);
}

/* Whether there is a section of it. */
static bool has_section(const struct recorded *r, size_t index)
{
	size_t before = 0;

	if (!r->processes[index].is_loaded)
		return false;
	for (size_t i = 0; i < index; i++)
		before += r->processes[i].is_loaded;
	return before < SECTIONS_MAX;
}

/* Else births and ends are counted of those that were named, or, with CMD, of all that there are.
 */
static bool is_of_machine(const struct recorded *r)
{
	return !r->command && !r->run.pid_count && !r->run.comm && !r->run.cgroup;
}

static void add_processes(struct report_page *page)
{
	const struct recorded *r = page->r;
	size_t rows = count_rows(r), most = rows < HTML_ROWS ? rows : HTML_ROWS;
	const struct process_column *columns[PROCESS_COLUMNS];
	size_t count, shown = 0;

	strbuf_adds(page->out, "<h2>Processes</h2>\n");
	count = begin_processes(page, most, columns);
	for (size_t i = 0; i < r->process_count && shown < most; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (!is_row(p))
			continue;
		shown++;
		html_row_begin(page->out);
		add_process_name(page, p, has_section(r, i));
		html_cell_number(page->out, p->pid, 0, false);
		for (size_t k = 0; k < count; k++)
			columns[k]->add_cell(page, p);
		html_row_end(page->out);
	}
	html_table_end(page->out);
	html_table_rest(page->out, rows - shown);
	if (r->process_count > rows)
		strbuf_addf(page->out,
			    "<p class=\"note\">%zu more began and ended between two "
			    "ticks.</p>\n",
			    r->process_count - rows);
	if (is_of_machine(r) && (r->born || r->gone))
		strbuf_addf(page->out,
			    "<p class=\"note\">%" PRIu64 " process%s began and %" PRIu64
			    " ended during the recording.</p>\n",
			    r->born, r->born == 1 ? "" : "es", r->gone);
}

/* --- events --- */

static const struct html_column event_columns[] = {
	{"Time (UTC)", NULL, false},
	{"Event", NULL, false},
	{"PID", NULL, true},
	{"What", NULL, false},
};

static void add_event(struct report_page *page, const struct recorded_event *e)
{
	char time[CLOCK_RFC3339_SIZE];

	html_row_begin(page->out);
	clock_format_rfc3339(time, sizeof(time), recorded_wall_ns(page->r, e->ns));
	strbuf_addf(&page->text, "%.10s %.12s", time, time + 11);
	page_cell_flush(page);
	html_cell(page->out, recorded_event_name(e->kind));
	html_cell_number(page->out, e->pid, 0, false);
	event_text_add_recorded(&page->text, e);
	page_cell_flush(page);
	html_row_end(page->out);
}

/* Of too many the last ones: those that an incident ended with. OOM kills are told in any case. */
static void add_events(struct report_page *page)
{
	const struct recorded *r = page->r;
	size_t first = r->event_count > HTML_ROWS ? r->event_count - HTML_ROWS : 0;

	if (!r->event_count)
		return;
	strbuf_adds(page->out, "<h2>Events</h2>\n");
	html_table_begin(page->out, "events", event_columns,
			 sizeof(event_columns) / sizeof(event_columns[0]));
	for (size_t i = 0; i < r->event_count; i++) {
		if (i >= first || r->events[i].kind == RECORDED_OOM)
			add_event(page, &r->events[i]);
	}
	html_table_end(page->out);
	if (first)
		strbuf_addf(page->out,
			    "<p class=\"note\">Of %zu events these are the last %d, and all OOM "
			    "kills.</p>\n",
			    r->event_count, HTML_ROWS);
}

/* --- how far it can be trusted --- */

static void add_lost(struct report_page *page)
{
	const struct lost *l = &page->r->lost;

	for (unsigned i = 0; i < LOST_MAX; i++) {
		if (!l->count[i])
			continue;
		strbuf_addf(&page->text, "Lost: %" PRIu64 " %s", l->count[i], lost_help(i));
		page_point(page);
	}
}

static void add_trust(struct report_page *page)
{
	const struct recorded *r = page->r;
	struct lost nothing = {0}, all;

	strbuf_adds(page->out, "<h2>About this recording</h2>\n<ul>\n");
	if (!r->is_whole) {
		if (r->open_by)
			strbuf_addf(&page->text, "It has no end yet: process %d had it open. ",
				    (int)r->open_by);
		else
			strbuf_adds(&page->text,
				    "It has no end: memwatch was killed, or the disk was full. ");
		strbuf_adds(&page->text, "What it had written until then is here.");
		page_point(page);
	}
	if (r->thinned_ns) {
		strbuf_adds(&page->text, "Before ");
		page_add_time(page, r->thinned_ns);
		strbuf_adds(&page->text, " not all ticks are kept any more.");
		page_point(page);
	}
	if (r->dropped_events) {
		strbuf_addf(&page->text,
			    "%" PRIu64 " events are not there: old ones that made room, or new "
			    "ones that could not be written.",
			    r->dropped_events);
		page_point(page);
	}
	if (r->dropped_sites) {
		strbuf_addf(&page->text, "For %" PRIu64 " sites there was no room.",
			    r->dropped_sites);
		page_point(page);
	}
	if (!lost_since(&all, &r->lost, &nothing)) {
		strbuf_adds(&page->text, "Nothing was lost.");
		page_point(page);
	}
	add_lost(page);
	end_text_add(&page->text, &r->cost, &nothing);
	/* What was lost is told above. */
	if (page->text.len > strlen("; lost: nothing") && !page->text.err) {
		page->text.len -= strlen("; lost: nothing");
		page->text.s[page->text.len] = '\0';
	}
	page_point(page);
	strbuf_addf(&page->text, "memwatch %s, every %.3g s.",
		    r->run.version ? r->run.version : "?", (double)r->run.interval_ns / 1e9);
	page_point(page);
	strbuf_adds(page->out, "</ul>\n");
}

/* --- the whole --- */

static void add_sections(struct report_page *page)
{
	const struct recorded *r = page->r;
	size_t loaded = 0, shown = 0;

	for (size_t i = 0; i < r->process_count; i++)
		loaded += r->processes[i].is_loaded;
	if (loaded > 1)
		strbuf_adds(page->out, "<div class=\"picker\"></div>\n");
	for (size_t i = 0; i < r->process_count && shown < SECTIONS_MAX; i++) {
		if (r->processes[i].is_loaded) {
			html_process_add(page, &r->processes[i]);
			shown++;
		}
	}
	html_table_rest(page->out, loaded - shown);
}

static void add_title(struct report_page *page)
{
	const struct recorded *r = page->r;
	struct strbuf *title = &page->text;

	strbuf_adds(title, "Memory of ");
	if (r->command)
		strbuf_add_text(title, r->command, strlen(r->command));
	else if (r->process_count && (r->processes[0].is_named || r->process_count == 1))
		page_add_name(page, &r->processes[0]);
	else
		strbuf_adds(title, "a machine");
}

int html_report_add(struct strbuf *out, const struct recorded *r)
{
	struct report_page page = {.out = out, .r = r, .worst = page_worst(r)};

	strbuf_init(&page.text);
	add_title(&page);
	html_begin(out, page.text.s);
	strbuf_clear(&page.text);
	page_headline(&page);
	add_head(&page);
	add_processes(&page);
	add_sections(&page);
	add_events(&page);
	add_trust(&page);
	html_end(out);
	strbuf_release(&page.text);
	return page.err ? page.err : out->err;
}
