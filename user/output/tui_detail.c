/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One process, with all that is known of it: who it is, the course of its
 * footprint, the verdict with its evidence, growth sites, every field of the catalogue, where its
 * page faults land.
 */
#include <string.h>

#include "analysis/growth.h"
#include "base/clock.h"
#include "base/units.h"
#include "output/tui_internal.h"

#define CHART_ROWS  3
#define CHART_STEPS (CHART_ROWS * 8 - 1)
#define TOTAL_WIDTH 42 /* of a line of totals, with the gap to what is on its right */

static void add_bytes(struct strbuf *out, uint64_t bytes)
{
	char text[UNITS_SIZE];

	strbuf_adds(out, units_format_bytes(text, sizeof(text), bytes));
}

static void add_duration(struct strbuf *out, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t seconds = to_ns > from_ns ? (to_ns - from_ns) / NSEC_PER_SEC : 0;
	char text[UNITS_SIZE];

	strbuf_adds(out, units_format_duration(text, sizeof(text), seconds));
}

/* --- who it is --- */

static void add_identity(struct tui *t, const struct tui_row *row, struct strbuf *out)
{
	const struct process *p = &row->process;
	const char *names = tui_shown(t)->names.s;

	strbuf_addf(out, "\t%u ", p->pid);
	strbuf_add_text(out, p->comm, sizeof(p->comm));
	strbuf_addf(out, "   parent %u   started ", p->ppid);
	add_duration(out, p->start_ns, p->now_ns);
	strbuf_adds(out, " ago   watched for ");
	add_duration(out, p->first_ns, p->now_ns);
	strbuf_adds(out, "\ncgroup ");
	if (row->cgroup_at)
		strbuf_add_text(out, names + row->cgroup_at, strlen(names + row->cgroup_at));
	else
		strbuf_adds(out, "unknown");
	if (row->container_at) {
		strbuf_adds(out, "\ncontainer ");
		strbuf_add_text(out, names + row->container_at, strlen(names + row->container_at));
	}
	strbuf_addc(out, '\n');
}

/* --- the course of the footprint --- */

struct chart {
	unsigned samples;
	uint64_t low, high, span;
	uint64_t oldest_ns;
};

/* As sparkline() scales: what moves by less than 1/64 is flat. */
static void chart_scale(struct chart *c, const struct history *h)
{
	uint64_t ns, bytes;

	*c = (struct chart){.low = UINT64_MAX};
	for (; history_at(h, c->samples, &ns, &bytes); c->samples++) {
		c->low = bytes < c->low ? bytes : c->low;
		c->high = bytes > c->high ? bytes : c->high;
		c->oldest_ns = ns;
	}
	c->span = c->samples ? c->high - c->low : 0;
	if (c->span < c->high / 64)
		c->span = c->high / 64;
}

/* One line of the chart; @row 0 is the lowest. */
static void add_chart_row(struct strbuf *out, const struct chart *c, const struct history *h,
			  int row, bool utf8)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char ascii[] = " ...::::#";
	uint64_t ns, bytes;

	for (unsigned age = HISTORY_CAP; age-- > 0;) {
		int level = 0;

		if (history_at(h, age, &ns, &bytes) && c->span)
			level = 1 + (int)((double)(bytes - c->low) * CHART_STEPS / c->span + 0.5);
		else if (age < c->samples)
			level = 1;
		level -= row * 8;
		level = level < 0 ? 0 : level > 8 ? 8 : level;
		if (utf8)
			strbuf_adds(out, blocks[level]);
		else
			strbuf_addc(out, ascii[level]);
	}
}

static void add_chart_label(struct strbuf *out, const struct chart *c, const struct process *p,
			    int row)
{
	char text[UNITS_SIZE];

	if (row == CHART_ROWS - 1) {
		strbuf_adds(out, "  high ");
		add_bytes(out, c->high);
		strbuf_adds(out, "   rss + swap over ");
		add_duration(out, c->oldest_ns, p->now_ns);
	} else if (row) {
		strbuf_adds(out, "  growth ");
		strbuf_adds(out, p->has_delta ? units_format_delta(text, sizeof(text),
								   (int64_t)growth_rate(p))
					      : "-");
		strbuf_adds(out, p->has_delta ? "/s" : "");
	} else {
		strbuf_adds(out, "  low  ");
		add_bytes(out, c->low);
		strbuf_adds(out, "   peak rss ");
		add_bytes(out, p->peak_rss_bytes);
	}
}

static void add_chart(struct tui *t, const struct process *p, struct strbuf *out)
{
	struct chart c;

	chart_scale(&c, &p->history);
	for (int row = CHART_ROWS; c.samples && row-- > 0;) {
		add_chart_row(out, &c, &p->history, row, t->utf8);
		add_chart_label(out, &c, p, row);
		strbuf_addc(out, '\n');
	}
}

/* --- the fields --- */

static char *format_value(char *out, size_t size, enum field_unit unit, uint64_t v)
{
	return unit == UNIT_BYTES ? units_format_bytes(out, size, v)
				  : units_format_count(out, size, v);
}

static char *format_change(char *out, size_t size, enum field_unit unit, uint64_t from, uint64_t to)
{
	if (unit == UNIT_BYTES || from == to)
		return units_format_delta(out, size, (int64_t)(to - from));
	out[0] = to > from ? '+' : '-';
	units_format_count(out + 1, size - 1, to > from ? to - from : from - to);
	return out;
}

static void add_total(struct strbuf *out, const struct total_field *f, const struct process *p)
{
	uint64_t now = total_value(f, &p->now), before = total_value(f, &p->before);
	uint64_t first = total_value(f, &p->first);
	char text[UNITS_SIZE], delta[UNITS_SIZE], since[UNITS_SIZE];

	strbuf_addf(out, "%-13s %7s %8s %8s", f->key,
		    format_value(text, sizeof(text), f->unit, now),
		    p->has_delta ? format_change(delta, sizeof(delta), f->unit, before, now) : "-",
		    p->has_delta ? format_change(since, sizeof(since), f->unit, first, now) : "-");
}

static bool activity_is_known(const struct activity_field *f, const struct snapshot *s,
			      const struct process *p)
{
	if (!p->has_delta)
		return false;
	if (f->needs == ACTIVITY_CALLS)
		return p->calls_counted;
	return f->needs == ACTIVITY_ALWAYS || (s->has_fault_places && p->has_growth);
}

static void add_activity(struct strbuf *out, const struct activity_field *f,
			 const struct snapshot *s, const struct process *p)
{
	uint64_t v = activity_value(f, &p->activity), ns = p->now_ns - p->before_ns;
	char text[UNITS_SIZE], rate[UNITS_SIZE];

	if (!activity_is_known(f, s, p) || !ns) {
		strbuf_addf(out, "%-12s %7s %8s", f->key, "-", "-");
		return;
	}
	strbuf_addf(out, "%-12s %7s %8s", f->key, format_value(text, sizeof(text), f->unit, v),
		    format_value(rate, sizeof(rate), f->unit, (uint64_t)((double)v * 1e9 / ns)));
}

/* Totals, and on their right what the process did; one below the other where that is too wide. */
static void add_fields(struct tui *t, const struct process *p, int width, struct strbuf *out)
{
	static const char totals_title[] = "TOTALS            NOW    DELTA    SINCE";
	static const char activity_title[] = "LAST TICK      DONE    A SEC";
	bool is_wide = width >= TOTAL_WIDTH + (int)sizeof(activity_title) - 1;
	size_t rows = is_wide && activity_field_count > total_field_count ? activity_field_count
									  : total_field_count;

	strbuf_addf(out, "\t%-*s%s\n", TOTAL_WIDTH, totals_title, is_wide ? activity_title : "");
	for (size_t i = 0; i < rows; i++) {
		strbuf_clear(&t->cell);
		if (i < total_field_count)
			add_total(&t->cell, &total_fields[i], p);
		strbuf_addf(out, "%-*s", TOTAL_WIDTH, t->cell.s);
		if (is_wide && i < activity_field_count)
			add_activity(out, &activity_fields[i], tui_shown(t), p);
		strbuf_addc(out, '\n');
	}
	if (is_wide)
		return;
	strbuf_addf(out, "\t%s\n", activity_title);
	for (size_t i = 0; i < activity_field_count; i++) {
		add_activity(out, &activity_fields[i], tui_shown(t), p);
		strbuf_addc(out, '\n');
	}
}

static void add_fault_places(struct tui *t, const struct process *p, struct strbuf *out)
{
	const struct activity *a = &p->activity;
	double sum = (double)a->fault_heap + (double)a->fault_stack + (double)a->fault_mmap;

	strbuf_adds(out, "page faults land in ");
	if (!p->has_delta || !p->has_growth || !tui_shown(t)->has_fault_places)
		strbuf_adds(out, "(not known)");
	else if (!sum)
		strbuf_adds(out, "(none was sampled in the last tick)");
	else
		strbuf_addf(out, "brk heap %.0f%%, main stack %.0f%%, mappings %.0f%% (sampled)",
			    100 * a->fault_heap / sum, 100 * a->fault_stack / sum,
			    100 * a->fault_mmap / sum);
	strbuf_addc(out, '\n');
	if (p->rss_approximate)
		strbuf_adds(out, "rss is approximate: off by some pages a CPU\n");
	if (p->faults_cut)
		strbuf_adds(out, "too many threads to add up all page faults: at the least\n");
}

void tui_detail(struct tui *t, const struct tui_row *row, int width, struct strbuf *out)
{
	add_identity(t, row, out);
	add_chart(t, &row->process, out);
	tui_verdict(t, &row->process, width, out);
	tui_sites(t, &row->process, width, out);
	add_fields(t, &row->process, width, out);
	add_fault_places(t, &row->process, out);
}
