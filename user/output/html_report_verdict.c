// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the page of a recording begins with: how the process fares that is worst off. */
#include "output/html_report_internal.h"

#include "analysis/sites.h"
#include "analysis/verdict.h"
#include "base/clock.h"
#include "base/units.h"
#include "output/grown_text.h"
#include "output/kept_text.h"
#include "output/site_text.h"
#include "output/verdict_text.h"

#define OTHERS_TOLD 5 /* that leak, too */
#define SITES_TOLD  3
#define SHARE_TOLD  0.01 /* of its kind, at least */

static void add_verdict_sentence(struct report_page *page, const struct recorded_process *p,
				 bool names)
{
	bool is_leak = p->verdict && p->verdict->is_leak;

	if (names) {
		page_add_name(page, p);
		strbuf_adds(&page->text, ": ");
	}
	if (p->is_oom_killed)
		strbuf_adds(&page->text, "killed by the OOM killer; ");
	if (p->verdict)
		verdict_text_add(&page->text, p->verdict);
	else
		strbuf_adds(&page->text, "not judged");
	if (!is_leak && grown_is_worth_telling(p)) {
		strbuf_adds(&page->text, "; it grew ");
		grown_text_add(&page->text, p);
	}
	strbuf_adds(page->out, "<p class=\"sentence\">");
	page_text_flush(page);
	strbuf_adds(page->out, "</p>\n");
}

static void add_leading_sites(struct report_page *page, const struct recorded_process *p)
{
	struct site_group groups[SITES_TOLD];
	unsigned count = p->sites ? site_groups_leading(p->sites, groups, SITES_TOLD) : 0;
	char bytes[UNITS_SIZE];

	for (unsigned i = 0; i < count && groups[i].bytes && !groups[i].top->note; i++) {
		if (groups[i].share < SHARE_TOLD)
			continue;
		strbuf_addf(&page->text, "%s (%.0f %% of %s): ",
			    units_format_bytes(bytes, sizeof(bytes), groups[i].bytes),
			    100 * groups[i].share, site_kind_name(groups[i].kind));
		site_group_text_add(&page->text, &groups[i], 0, true);
		page_point(page);
	}
}

static void add_kept(struct report_page *page, const struct kept *k)
{
	for (unsigned i = 0; k && i < k->count && i < KEPT_MAX; i++) {
		kept_line_add(&page->text, k, i);
		page_point(page);
	}
}

/* Code is known before it can be said whether it leaks. */
static bool is_told_by_code(const struct recorded_process *p)
{
	const struct verdict *v = p->verdict;

	if (v && v->class != VERDICT_EARLY)
		return v->is_leak;
	return grown_is_worth_telling(p);
}

void page_verdict(struct report_page *page, const struct recorded_process *p, bool names)
{
	const struct verdict *v = p->verdict;
	const char *style = !v || v->class == VERDICT_EARLY ? " unsure" : "";

	if ((v && v->is_leak) || p->is_oom_killed)
		style = " leak";
	strbuf_addf(page->out, "<div class=\"verdict%s\">\n", style);
	add_verdict_sentence(page, p, names);
	strbuf_adds(page->out, "<ul>\n");
	for (unsigned i = 0; v && i < v->evidence_count && i < VERDICT_EVIDENCE_MAX; i++) {
		strbuf_add_text(&page->text, v->evidence[i], VERDICT_SENTENCE);
		page_point(page);
	}
	if (v && v->is_leak)
		add_kept(page, p->kept);
	if (is_told_by_code(p))
		add_leading_sites(page, p);
	strbuf_adds(page->out, "</ul>\n</div>\n");
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

/* Those whose details were asked for before others; of equals the first: processes come with what
 * matters first. */
const struct recorded_process *page_worst(const struct recorded *r)
{
	const struct recorded_process *worst = NULL, *any = NULL;
	size_t loaded = 0;

	for (size_t i = 0; i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		loaded += p->is_loaded;
		if (p->is_loaded && (!worst || badness(p) > badness(worst)))
			worst = p;
		if (!any || badness(p) > badness(any))
			any = p;
	}
	if (worst && (is_bad(worst) || loaded == 1))
		return worst;
	return any && (is_bad(any) || r->process_count == 1) ? any : NULL;
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

/* Who grew most, and by which code. */
static void add_grown(struct report_page *page)
{
	const struct recorded_process *p = grown_most(page->r);

	if (!p)
		return;
	strbuf_adds(page->out, "<ul>\n");
	strbuf_adds(&page->text, "most growth: ");
	page_add_name(page, p);
	strbuf_addc(&page->text, ' ');
	grown_text_add(&page->text, p);
	page_point(page);
	if (grown_code_add(&page->text, p, 0, true))
		page_point(page);
	strbuf_adds(page->out, "</ul>\n");
}

/* Of many processes of which none leaks, that no one does; not how one of them fares. Those that no
 * tick saw are not counted. */
static void add_all_well(struct report_page *page)
{
	const struct recorded *r = page->r;
	size_t judged = 0, seen = 0;

	for (size_t i = 0; i < r->process_count; i++) {
		judged += badness(&r->processes[i]) > 0;
		seen += r->processes[i].last_ns || r->processes[i].verdict;
	}
	strbuf_addf(page->out, "<div class=\"verdict%s\">\n<p class=\"sentence\">",
		    judged ? "" : " unsure");
	if (judged)
		strbuf_addf(page->out, "No leak was found in %zu process%s", judged,
			    judged == 1 ? "" : "es");
	else
		strbuf_addf(page->out, "Too early to say of any of %zu processes", seen);
	if (judged && seen > judged)
		strbuf_addf(page->out, "; too early to say of %zu", seen - judged);
	strbuf_adds(page->out, "</p>\n");
	add_grown(page);
	strbuf_adds(page->out, "</div>\n");
}

void page_headline(struct report_page *page)
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
