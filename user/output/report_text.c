/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What was found, what was recorded, the processes as a table, and a block for each of the worst.
 */
#include "output/report_text.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "analysis/evidence.h"
#include "base/clock.h"
#include "base/units.h"
#include "output/event_text.h"
#include "output/fields.h"
#include "output/grown_text.h"
#include "output/kept_text.h"
#include "output/report_text_internal.h"
#include "output/site_text.h"
#include "output/verdict_text.h"

#define BLOCKS	   3  /* processes that are told of each, if none was named */
#define SITES_MOST 16 /* of a process */
#define PIDS	   8  /* that are named in the head */
#define EVENTS	   20 /* that are told */
#define HEAD	   10 /* columns of a line of the head before what it says */
#define PREFIX	   "  "

/* --- pieces --- */

static void add_text(struct strbuf *out, const char *hostile)
{
	strbuf_add_text(out, hostile, strlen(hostile));
}

static void add_name(struct strbuf *out, const struct recorded_process *p)
{
	strbuf_addf(out, "%u (", p->pid);
	add_text(out, p->comm);
	strbuf_addc(out, ')');
}

static void add_clock(struct strbuf *out, uint64_t wall_ns, bool with_date)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(time, sizeof(time), wall_ns);
	if (with_date)
		strbuf_addf(out, "%.10s ", time);
	strbuf_add(out, time + 11, 8);
}

static bool is_same_day(uint64_t wall_ns, uint64_t other_ns)
{
	return wall_ns / NSEC_PER_SEC / 86400 == other_ns / NSEC_PER_SEC / 86400;
}

/* --- what was recorded --- */

static void add_pid(struct strbuf *out, const struct recorded *r, uint32_t pid)
{
	const struct recorded_process *p = recorded_find(r, pid, 0);

	strbuf_addc(out, ' ');
	if (p)
		add_name(out, p);
	else
		strbuf_addf(out, "%u", pid);
}

static void add_targets(struct strbuf *out, const struct recorded *r)
{
	const struct run *run = &r->run;
	const char *between = "";
	unsigned i;

	if (run->pid_count)
		strbuf_adds(out, run->pid_count == 1 ? "process" : "processes");
	for (i = 0; i < run->pid_count && i < PIDS; i++) {
		strbuf_adds(out, i ? "," : "");
		add_pid(out, r, run->pids[i]);
	}
	if (run->pid_count > i)
		strbuf_addf(out, ", and %u more", run->pid_count - i);
	if (run->pid_count)
		between = "; ";
	if (run->comm) {
		strbuf_addf(out, "%sthose named ", between);
		add_text(out, run->comm);
		between = "; ";
	}
	if (run->cgroup) {
		strbuf_addf(out, "%scgroup ", between);
		add_text(out, run->cgroup);
		between = "; ";
	}
	if (!between[0])
		strbuf_adds(out, "the whole machine");
}

static void add_when(struct strbuf *out, const struct recorded *r)
{
	char span[EVIDENCE_BYTES];

	strbuf_adds(out, "recorded  ");
	if (!r->ticks) {
		strbuf_adds(out, "no tick yet\n");
		return;
	}
	add_clock(out, r->begin_wall_ns, true);
	strbuf_adds(out, " to ");
	add_clock(out, recorded_wall_ns(r, r->end_ns),
		  !is_same_day(r->begin_wall_ns, recorded_wall_ns(r, r->end_ns)));
	strbuf_addf(out, " UTC, %s, by memwatch ", evidence_span(span, round(recorded_seconds(r))));
	add_text(out, r->run.version ? r->run.version : "?");
	strbuf_adds(out, " on Linux ");
	add_text(out, r->run.kernel ? r->run.kernel : "?");
	strbuf_addc(out, '\n');
}

/* What makes it less than it could be. */
static void add_faults(struct strbuf *out, const struct recorded *r)
{
	if (!r->is_whole && r->open_by)
		strbuf_addf(out, "so far    it has no end yet: process %d has it open\n",
			    (int)r->open_by);
	else if (!r->is_whole)
		strbuf_adds(out, "cut off   it has no end: memwatch was killed, or the disk was "
				 "full\n");
	if (r->thinned_ns > r->begin_ns) {
		strbuf_adds(out, "thinned   not every tick before ");
		add_clock(out, recorded_wall_ns(r, r->thinned_ns),
			  !is_same_day(r->begin_wall_ns, recorded_wall_ns(r, r->thinned_ns)));
		strbuf_adds(out, " is there\n");
	}
	if (r->dropped_events)
		strbuf_addf(out,
			    "dropped   %llu events: old ones to make room, or new ones that could "
			    "not be written\n",
			    (unsigned long long)r->dropped_events);
	if (r->dropped_sites)
		strbuf_addf(out,
			    "dropped   %llu sites: there was no room for them (record with a "
			    "larger --max-size)\n",
			    (unsigned long long)r->dropped_sites);
	for (unsigned i = 0; i < LOST_MAX; i++) {
		if (r->lost.count[i])
			strbuf_addf(out, "lost      %s=%llu: %s\n", lost_name(i),
				    (unsigned long long)r->lost.count[i], lost_help(i));
	}
	if (r->left_out)
		strbuf_addf(out, "left out  %llu rows of the file, more than a report takes\n",
			    (unsigned long long)r->left_out);
}

static void add_head(struct strbuf *out, const struct recorded *r)
{
	add_when(out, r);
	strbuf_adds(out, "of        ");
	if (r->command)
		add_text(out, r->command);
	else
		add_targets(out, r);
	if (r->requests)
		strbuf_addf(out, ", %llu requests", (unsigned long long)r->requests);
	strbuf_addc(out, '\n');
	add_faults(out, r);
}

/* --- the processes --- */

static bool is_leak(const struct recorded_process *p)
{
	return p->verdict && p->verdict->is_leak;
}

typedef bool (*process_is)(const struct recorded_process *p);

static bool is_oom_killed(const struct recorded_process *p)
{
	return p->is_oom_killed;
}

/* " 4711 (node), 4712 (worker), ..." of @count of them */
static void add_names(struct strbuf *out, const struct recorded *r, process_is is, size_t count)
{
	for (size_t i = 0, told = 0; i < r->process_count && told < BLOCKS; i++) {
		if (!is(&r->processes[i]))
			continue;
		strbuf_adds(out, told++ ? ", " : " ");
		add_name(out, &r->processes[i]);
	}
	strbuf_adds(out, count > BLOCKS ? ", ...\n" : "\n");
}

/* Who grew most, by which objects and which code: that is known, whatever it is called. */
static void add_grown(struct strbuf *out, const struct recorded *r, const struct report_view *v)
{
	const struct recorded_process *p = grown_most(r);
	struct strbuf code;

	if (!p)
		return;
	strbuf_adds(out, "grew      ");
	add_name(out, p);
	strbuf_addc(out, ' ');
	grown_text_add(out, p);
	strbuf_addc(out, '\n');
	if (p->kept && p->kept->count && is_leak(p)) {
		strbuf_adds(out, "objects   ");
		kept_line_add(out, p->kept, 0);
		strbuf_addc(out, '\n');
	}
	strbuf_init(&code);
	if (grown_code_add(&code, p, v->width - HEAD, v->utf8))
		strbuf_addf(out, "code      %s\n", code.s);
	strbuf_release(&code);
}

/* "no leak in 2 processes; too early to say of 5" */
static void add_no_leak(struct strbuf *out, size_t judged, size_t seen)
{
	if (!seen) {
		strbuf_adds(out, "no process: none was there at a tick");
		return;
	}
	if (!judged) {
		strbuf_addf(out, "too early to say %swhether it leaks",
			    seen > 1 ? "of any process " : "");
		return;
	}
	strbuf_addf(out, "no leak in %zu process%s", judged, judged == 1 ? "" : "es");
	if (seen > judged)
		strbuf_addf(out, "; too early to say of %zu", seen - judged);
}

/* "1 of 3 processes leaks: 4711 (node)"; those that no tick saw are not counted */
static void add_result(struct strbuf *out, const struct recorded *r)
{
	size_t leaks = 0, judged = 0, killed = 0, seen = 0;

	for (size_t i = 0; i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		leaks += is_leak(p);
		killed += is_oom_killed(p);
		judged += p->verdict && p->verdict->class != VERDICT_EARLY;
		seen += p->last_ns || p->verdict;
	}
	if (killed) {
		strbuf_adds(out, "killed    for lack of memory:");
		add_names(out, r, is_oom_killed, killed);
	}
	strbuf_adds(out, "found     ");
	if (leaks)
		strbuf_addf(out, "%zu of %zu process%s leak%s:", leaks, seen, seen == 1 ? "" : "es",
			    leaks == 1 ? "s" : "");
	else
		add_no_leak(out, judged, seen);
	add_names(out, r, is_leak, leaks);
}

/* Kinds of memory whose growth is a column of the table. */
static const struct kind {
	const char *title;
	size_t offset;	 /* in struct totals */
	bool is_default; /* there also where none has grown by it */
} kinds[] = {
	{"= ANON", offsetof(struct totals, anon_bytes), true},
	{"FILE", offsetof(struct totals, file_bytes), true},
	{"SHMEM", offsetof(struct totals, shmem_bytes), false},
	{"SWAP", offsetof(struct totals, swap_bytes), false},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int64_t growth_of(const struct recorded_process *p, const struct kind *k)
{
	const char *last = (const char *)&p->last, *first = (const char *)&p->first;

	return (int64_t)(*(const uint64_t *)(last + k->offset) -
			 *(const uint64_t *)(first + k->offset));
}

static void add_row(struct strbuf *out, const struct recorded_process *p, const bool shown[KINDS])
{
	char rss[UNITS_SIZE], peak[UNITS_SIZE], growth[UNITS_SIZE];
	struct strbuf cell;

	strbuf_init(&cell);
	strbuf_addf(out, "%7u ", p->pid);
	add_text(&cell, p->comm);
	column_pad(out, cell.s, 15, true);
	strbuf_clear(&cell);
	if (p->is_oom_killed && !is_leak(p))
		strbuf_adds(&cell, "OOM-killed");
	else if (!p->verdict && p->has_ended)
		strbuf_adds(&cell, "ended");
	else
		verdict_label_add(&cell, p->verdict);
	strbuf_addc(out, ' ');
	column_pad(out, cell.s, 12, true);
	strbuf_addf(out, " %7s %7s %8s ", units_format_bytes(rss, sizeof(rss), p->last.rss_bytes),
		    units_format_bytes(peak, sizeof(peak), p->peak_rss_bytes),
		    units_format_delta(growth, sizeof(growth), recorded_growth(p)));
	for (size_t k = 0; k < KINDS; k++) {
		if (shown[k])
			strbuf_addf(out, " %7s",
				    units_format_delta(growth, sizeof(growth),
						       growth_of(p, &kinds[k])));
	}
	strbuf_addc(out, '\n');
	strbuf_release(&cell);
}

static bool is_in_table(const struct recorded_process *p, const struct report_view *v)
{
	return p->last_ns && (p->is_loaded || !v->is_selected);
}

/* The kinds that are columns: those by which one of the rows has grown. */
static void add_titles(struct strbuf *out, const struct recorded *r, const struct report_view *v,
		       bool shown[KINDS])
{
	size_t rows = 0;

	for (size_t k = 0; k < KINDS; k++)
		shown[k] = kinds[k].is_default;
	for (size_t i = 0; i < r->process_count && rows < v->rows; i++) {
		if (!is_in_table(&r->processes[i], v))
			continue;
		rows++;
		for (size_t k = 0; k < KINDS; k++)
			shown[k] |= growth_of(&r->processes[i], &kinds[k]) != 0;
	}
	strbuf_adds(out, "\n    PID NAME            VERDICT          RSS    PEAK   GROWTH ");
	for (size_t k = 0; k < KINDS; k++) {
		if (shown[k])
			strbuf_addf(out, " %7s", kinds[k].title);
	}
	strbuf_addc(out, '\n');
}

static void add_table(struct strbuf *out, const struct recorded *r, const struct report_view *v)
{
	size_t shown = 0, seen = 0;
	bool with[KINDS];

	add_titles(out, r, v, with);
	for (size_t i = 0; i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (!is_in_table(p, v))
			continue;
		seen++;
		if (shown == v->rows)
			continue;
		add_row(out, p, with);
		shown++;
	}
	if (seen > shown)
		strbuf_addf(out, "        and %zu more (-r N shows N)\n", seen - shown);
}

/* --- one of them --- */

static void add_end_of(struct strbuf *out, const struct recorded *r,
		       const struct recorded_process *p)
{
	if (!p->has_ended)
		return;
	strbuf_adds(out, PREFIX "gone at ");
	add_clock(out, recorded_wall_ns(r, p->end_ns), false);
	if (p->is_oom_killed) {
		strbuf_adds(out, ": the kernel killed it for lack of memory");
	} else if (p->is_code_known) {
		strbuf_adds(out, ": it ");
		event_text_add_end(out, p->code);
	} else {
		strbuf_adds(out, ", how is not known");
	}
	strbuf_addc(out, '\n');
}

static void add_block_head(struct strbuf *out, const struct recorded *r,
			   const struct recorded_process *p)
{
	strbuf_addc(out, '\n');
	add_name(out, p);
	if (p->path) {
		strbuf_addc(out, ' ');
		add_text(out, p->path);
	}
	if (p->cgroup) {
		strbuf_adds(out, " in ");
		add_text(out, p->cgroup);
	}
	strbuf_addc(out, '\n');
	strbuf_adds(out, PREFIX);
	if (p->verdict)
		verdict_text_add(out, p->verdict);
	else
		strbuf_adds(out, "not judged");
	strbuf_addc(out, '\n');
	if (p->verdict)
		verdict_evidence_add(out, p->verdict, PREFIX "  ");
	if (p->kept)
		kept_text_add(out, p->kept, PREFIX "  ");
	add_end_of(out, r, p);
}

static void add_sites(struct strbuf *out, const struct recorded_process *p,
		      const struct report_view *v)
{
	unsigned most = v->rows < SITES_MOST ? v->rows : SITES_MOST, count;
	struct site_group groups[SITES_MOST];

	if (!p->sites)
		return;
	count = site_groups_leading(p->sites, groups, most);
	while (count && !groups[count - 1].bytes) /* all of it was freed */
		count--;
	strbuf_addc(out, '\n');
	if (count) {
		strbuf_adds(out, PREFIX);
		site_titles_add(out);
		strbuf_addc(out, '\n');
	}
	for (unsigned i = 0; i < count; i++) {
		strbuf_adds(out, PREFIX);
		site_line_add(out, &groups[i], p->sites_ns, v->width - (int)strlen(PREFIX),
			      v->utf8);
		strbuf_addc(out, '\n');
	}
	strbuf_adds(out, PREFIX);
	if (site_state_add(out, p->sites))
		strbuf_adds(out, "; ");
	site_quality_add(out, p->sites);
	strbuf_addc(out, '\n');
}

static void add_censuses(struct strbuf *out, const struct recorded_process *p,
			 const struct report_view *v)
{
	const struct census_view view = {.rows = v->rows, .width = v->width, .utf8 = v->utf8};
	const struct census *last;
	struct census_diff *d = NULL;

	if (!p->census_count)
		return;
	last = p->censuses[p->census_count - 1].census;
	if (p->census_count > 1)
		d = census_diff_new(p->censuses[0].census, NULL, last);
	strbuf_adds(out, "\ncensus of ");
	if (d)
		census_diff_text_add(out, d, &view);
	else
		census_text_add(out, last, &view);
	census_diff_free(d);
	census_retainers_text_add(out, last, &view);
}

static void add_block(struct strbuf *out, const struct recorded *r,
		      const struct recorded_process *p, const struct report_view *v)
{
	add_block_head(out, r, p);
	report_growth_add(out, p, v);
	add_sites(out, p, v);
	report_gc_add(out, p, v);
	add_censuses(out, p, v);
}

static bool is_worth_a_block(const struct recorded_process *p)
{
	return p->is_named || is_leak(p) || p->is_oom_killed ||
	       (!p->has_ended && grown_is_worth_telling(p));
}

static void add_blocks(struct strbuf *out, const struct recorded *r, const struct report_view *v)
{
	unsigned shown = 0;

	for (size_t i = 0; i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (!p->is_loaded || !p->last_ns)
			continue;
		if (!v->is_selected && (shown >= BLOCKS || !is_worth_a_block(p)))
			continue;
		add_block(out, r, p, v);
		shown++;
	}
}

/* --- what happened --- */

/* OOM kills; ends by a signal, and of who is told of. */
static bool is_of_note(const struct recorded_event *e)
{
	const struct recorded_process *p = e->process;

	if (e->kind == RECORDED_OOM)
		return true;
	if (e->kind != RECORDED_EXIT && e->kind != RECORDED_VANISHED)
		return false;
	return (e->kind == RECORDED_EXIT && WIFSIGNALED(e->code) && p && p->last_ns) ||
	       (p && (p->is_named || is_leak(p)));
}

static void add_events(struct strbuf *out, const struct recorded *r)
{
	uint64_t end_wall_ns = recorded_wall_ns(r, r->end_ns);
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < r->event_count; i++) {
		const struct recorded_event *e = &r->events[i];

		if (!is_of_note(e))
			continue;
		if (shown >= EVENTS && e->kind != RECORDED_OOM) {
			left++;
			continue;
		}
		if (!shown++)
			strbuf_adds(out, "\nends\n");
		strbuf_adds(out, PREFIX);
		add_clock(out, recorded_wall_ns(r, e->ns),
			  !is_same_day(r->begin_wall_ns, end_wall_ns));
		strbuf_addc(out, ' ');
		event_text_add_recorded(out, e);
		strbuf_addc(out, '\n');
	}
	if (left)
		strbuf_addf(out, PREFIX "and %zu more\n", left);
}

void report_text_add(struct strbuf *out, const struct recorded *r, const struct report_view *view)
{
	struct report_view v = *view;

	v.rows = v.rows ? v.rows : REPORT_ROWS;
	v.width = v.width ? v.width : REPORT_WIDTH;
	add_result(out, r);
	add_grown(out, r, &v);
	add_head(out, r);
	if (r->ticks)
		add_table(out, r, &v);
	add_blocks(out, r, &v);
	add_events(out, r);
}
