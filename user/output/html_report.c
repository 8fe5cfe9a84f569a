// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a reader wants first comes first: the verdict on the process that is worst off. Then all
 * processes as a table, and each of those with details; at the end what happened, and how far the
 * recording can be trusted.
 */
#include "output/html_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/evidence.h"
#include "analysis/sites.h"
#include "analysis/verdict.h"
#include "base/clock.h"
#include "base/units.h"
#include "output/event_text.h"
#include "output/html_report_internal.h"
#include "output/kept_text.h"
#include "output/site_text.h"
#include "output/verdict_text.h"

#define SECTIONS_MAX 50 /* processes with details: more make a page that no browser likes */
#define OTHERS_TOLD  5	/* that leak, too */
#define SITES_TOLD   3	/* in the verdict */

/* --- pieces --- */

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

static void add_wall(struct strbuf *out, uint64_t wall_ns)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(time, sizeof(time), wall_ns);
	strbuf_addf(out, "%.10s %.8s UTC", time, time + 11);
}

void page_add_time(struct report_page *page, uint64_t boot_ns)
{
	add_wall(&page->text, recorded_wall_ns(page->r, boot_ns));
}

/* --- verdict --- */

static void add_verdict_sentence(struct report_page *page, const struct recorded_process *p,
				 bool names)
{
	char delta[UNITS_SIZE], span[UNITS_SIZE];

	if (names) {
		page_add_name(page, p);
		strbuf_adds(&page->text, ": ");
	}
	if (p->is_oom_killed)
		strbuf_adds(&page->text, "killed by the OOM killer; ");
	if (p->verdict) {
		verdict_text_add(&page->text, p->verdict);
	} else {
		units_format_delta(delta, sizeof(delta), recorded_growth(p));
		units_format_duration(span, sizeof(span),
				      (p->last_ns - p->first_ns) / NSEC_PER_SEC);
		strbuf_addf(&page->text, "not judged; %s within %s", delta, span);
	}
	strbuf_adds(page->out, "<p class=\"sentence\">");
	page_text_flush(page);
	strbuf_adds(page->out, "</p>\n");
}

static void add_point(struct report_page *page)
{
	strbuf_adds(page->out, "<li>");
	page_text_flush(page);
	strbuf_adds(page->out, "</li>\n");
}

static void add_leading_sites(struct report_page *page, const struct recorded_process *p)
{
	struct site_group groups[SITES_TOLD];
	unsigned count = p->sites ? site_groups_leading(p->sites, groups, SITES_TOLD) : 0;
	char bytes[UNITS_SIZE];

	for (unsigned i = 0; i < count && groups[i].bytes && !groups[i].top->note; i++) {
		strbuf_addf(&page->text, "%s (%.0f %% of %s): ",
			    units_format_bytes(bytes, sizeof(bytes), groups[i].bytes),
			    100 * groups[i].share, site_kind_name(groups[i].kind));
		site_group_text_add(&page->text, &groups[i], 0, true);
		add_point(page);
	}
}

static void add_kept(struct report_page *page, const struct kept *k)
{
	for (unsigned i = 0; k && i < k->count && i < KEPT_MAX; i++) {
		kept_line_add(&page->text, k, i);
		add_point(page);
	}
}

void page_verdict(struct report_page *page, const struct recorded_process *p, bool names)
{
	const struct verdict *v = p->verdict;
	const char *style = !v || v->class == VERDICT_EARLY ? " unsure" : "";

	if ((v && v->is_leak) || p->is_oom_killed)
		style = " leak";
	strbuf_addf(page->out, "<div class=\"verdict%s\">\n", style);
	add_verdict_sentence(page, p, names);
	strbuf_adds(page->out, v ? "<ul>\n" : "");
	for (unsigned i = 0; v && i < v->evidence_count && i < VERDICT_EVIDENCE_MAX; i++) {
		strbuf_add_text(&page->text, v->evidence[i], VERDICT_SENTENCE);
		add_point(page);
	}
	if (v && v->is_leak) {
		add_kept(page, p->kept);
		add_leading_sites(page, p);
	}
	strbuf_adds(page->out, v ? "</ul>\n</div>\n" : "</div>\n");
}

static bool is_bad(const struct recorded_process *p)
{
	return (p->verdict && p->verdict->is_leak) || p->is_oom_killed;
}

static int badness(const struct recorded_process *p)
{
	const struct verdict *v = p->verdict;

	return (v && v->is_leak ? 4 : 0) + (p->is_oom_killed ? 2 : 0) +
	       (v && v->class != VERDICT_EARLY ? 1 : 0);
}

/* Of equals the first: processes come with what matters first. NULL: all of many are well. */
static const struct recorded_process *worst_of(const struct recorded *r)
{
	const struct recorded_process *worst = NULL;

	for (size_t i = 0; i < r->process_count; i++) {
		if (!worst || badness(&r->processes[i]) > badness(worst))
			worst = &r->processes[i];
	}
	return worst && (is_bad(worst) || r->process_count == 1) ? worst : NULL;
}

static void add_others(struct report_page *page)
{
	const struct recorded *r = page->r;
	unsigned others = 0;

	for (size_t i = 0; i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (p == page->worst || !is_bad(p))
			continue;
		if (others++ < OTHERS_TOLD) {
			strbuf_adds(&page->text, others > 1 ? ", " : "Also: ");
			page_add_name(page, p);
			strbuf_adds(&page->text,
				    p->is_oom_killed ? ", killed by the OOM killer" : "");
		}
	}
	if (others > OTHERS_TOLD)
		strbuf_addf(&page->text, " and %u more", others - OTHERS_TOLD);
	if (!others)
		return;
	strbuf_adds(page->out, "<p class=\"others\">");
	page_text_flush(page);
	strbuf_adds(page->out, "</p>\n");
}

/* Of many processes of which none leaks, that no one does; not how one of them fares. */
static void add_all_well(struct report_page *page)
{
	const struct recorded *r = page->r;
	const struct recorded_process *most = &r->processes[0];
	char delta[UNITS_SIZE];
	size_t judged = 0;

	for (size_t i = 0; i < r->process_count; i++) {
		judged += badness(&r->processes[i]) > 0;
		if (recorded_growth(&r->processes[i]) > recorded_growth(most))
			most = &r->processes[i];
	}
	strbuf_addf(page->out,
		    "<div class=\"verdict%s\">\n<p class=\"sentence\">%s %zu processes</p>\n",
		    judged ? "" : " unsure",
		    judged ? "No leak was found in" : "Too early to say of any of",
		    r->process_count);
	strbuf_addf(page->out, "<ul>\n<li>%zu of them could be judged</li>\n", judged);
	strbuf_adds(&page->text, "most growth: ");
	page_add_name(page, most);
	strbuf_addf(&page->text, ", %s",
		    units_format_delta(delta, sizeof(delta), recorded_growth(most)));
	add_point(page);
	strbuf_adds(page->out, "</ul>\n</div>\n");
}

static void add_headline(struct report_page *page)
{
	if (!page->r->process_count) {
		strbuf_adds(page->out, "<p>There is no process in this recording.</p>\n");
	} else if (page->worst) {
		page_verdict(page, page->worst, true);
		add_others(page);
	} else {
		add_all_well(page);
	}
}

/* --- head --- */

static void add_when(struct report_page *page)
{
	const struct recorded *r = page->r;
	char span[UNITS_SIZE];

	add_wall(&page->text, r->begin_wall_ns);
	strbuf_adds(&page->text, " to ");
	add_wall(&page->text, r->end_wall_ns);
	strbuf_addf(&page->text, ": %s, %" PRIu64 " tick%s",
		    units_format_duration(span, sizeof(span), (uint64_t)recorded_seconds(r)),
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

static const struct html_column process_columns[] = {
	{"Process", NULL, false},
	{"PID", NULL, true},
	{"Verdict", NULL, false},
	{"Limit in", "when a limit is met if it goes on like that", false},
	{"Growth", "of RSS and swap, from the first to the last tick", true},
	{"First", "RSS at the first tick", true},
	{"Last", "RSS at the last tick", true},
	{"Peak", "highest RSS", true},
	{"anon", "at the last tick", true},
	{"file", "at the last tick", true},
	{"shmem", "at the last tick", true},
	{"swap", "at the last tick", true},
	{"End", NULL, false},
	{"Container or cgroup", NULL, false},
};

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

static void add_process_row(struct report_page *page, const struct recorded_process *p, bool links)
{
	struct strbuf *out = page->out;

	html_row_begin(out);
	add_process_name(page, p, links);
	html_cell_number(out, p->pid, 0, false);
	verdict_label_add(&page->text, p->verdict);
	page_cell_flush(page);
	verdict_limit_add(&page->text, p->verdict);
	page_cell_flush(page);
	html_cell_bytes(out, recorded_growth(p), true);
	html_cell_bytes(out, (int64_t)p->first.rss_bytes, false);
	html_cell_bytes(out, (int64_t)p->last.rss_bytes, false);
	html_cell_bytes(out, (int64_t)p->peak_rss_bytes, false);
	html_cell_bytes(out, (int64_t)p->last.anon_bytes, false);
	html_cell_bytes(out, (int64_t)p->last.file_bytes, false);
	html_cell_bytes(out, (int64_t)p->last.shmem_bytes, false);
	html_cell_bytes(out, (int64_t)p->last.swap_bytes, false);
	if (p->is_oom_killed)
		strbuf_adds(&page->text, "OOM kill");
	else if (p->has_ended && p->is_code_known)
		event_text_add_end(&page->text, p->code);
	else if (p->has_ended)
		strbuf_adds(&page->text, "gone");
	page_cell_flush(page);
	html_cell(out, p->container ? p->container : p->cgroup);
	html_row_end(out);
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

static void add_processes(struct report_page *page)
{
	const struct recorded *r = page->r;
	size_t shown = r->process_count < HTML_ROWS ? r->process_count : HTML_ROWS;

	strbuf_adds(page->out, "<h2>Processes</h2>\n");
	html_table_begin(page->out, "processes", process_columns,
			 sizeof(process_columns) / sizeof(process_columns[0]));
	for (size_t i = 0; i < shown; i++)
		add_process_row(page, &r->processes[i], has_section(r, i));
	html_table_end(page->out);
	html_table_rest(page->out, r->process_count - shown);
	if (r->born || r->gone)
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
		add_point(page);
	}
}

static void add_trust(struct report_page *page)
{
	const struct recorded *r = page->r;
	struct lost nothing = {0}, all;

	strbuf_adds(page->out, "<h2>About this recording</h2>\n<ul>\n");
	if (!r->is_whole) {
		strbuf_adds(&page->text, "It has no end: memwatch was killed or the disk was full. "
					 "What it had written until then is here.");
		add_point(page);
	}
	if (r->thinned_ns) {
		strbuf_adds(&page->text, "Before ");
		page_add_time(page, r->thinned_ns);
		strbuf_adds(&page->text, " not all ticks are kept any more.");
		add_point(page);
	}
	if (r->dropped_events) {
		strbuf_addf(&page->text, "%" PRIu64 " old events made room for newer ones.",
			    r->dropped_events);
		add_point(page);
	}
	if (!lost_since(&all, &r->lost, &nothing)) {
		strbuf_adds(&page->text, "Nothing was lost.");
		add_point(page);
	}
	add_lost(page);
	end_text_add(&page->text, &r->cost, &nothing);
	/* What was lost is told above. */
	if (page->text.len > strlen("; lost: nothing") && !page->text.err) {
		page->text.len -= strlen("; lost: nothing");
		page->text.s[page->text.len] = '\0';
	}
	add_point(page);
	strbuf_addf(&page->text, "memwatch %s, every %.3g s.",
		    r->run.version ? r->run.version : "?", (double)r->run.interval_ns / 1e9);
	add_point(page);
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
	struct report_page page = {.out = out, .r = r, .worst = worst_of(r)};

	strbuf_init(&page.text);
	add_title(&page);
	html_begin(out, page.text.s);
	strbuf_clear(&page.text);
	add_headline(&page);
	add_head(&page);
	add_processes(&page);
	add_sections(&page);
	add_events(&page);
	add_trust(&page);
	html_end(out);
	strbuf_release(&page.text);
	return page.err ? page.err : out->err;
}
