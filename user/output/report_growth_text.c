/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth by kind of memory, as a table. */
#include <stddef.h>

#include "analysis/evidence.h"
#include "base/units.h"
#include "output/fields.h"
#include "output/report_text_internal.h"

/* Of struct totals; @is_part: of the kind above it, and not one more. */
static const struct kind {
	const char *name;
	size_t offset;
	bool is_part;
} kinds[] = {
	{"anon", offsetof(struct totals, anon_bytes), false},
	{"  brk heap", offsetof(struct totals, heap_bytes), true},
	{"file", offsetof(struct totals, file_bytes), false},
	{"shmem", offsetof(struct totals, shmem_bytes), false},
	{"swap", offsetof(struct totals, swap_bytes), false},
	{"page tables", offsetof(struct totals, pgtable_bytes), false},
};

static uint64_t value_of(const struct kind *k, const struct totals *t)
{
	return *(const uint64_t *)((const char *)t + k->offset);
}

/* The ticks that end each of REPORT_COURSE equal parts of the time; until the next row a process
   holds what it held. */
static void course_of(const struct recorded_process *p, const struct kind *k, struct history *out)
{
	uint64_t span = p->last_ns - p->first_ns;
	size_t at = 0;

	*out = (struct history){0};
	for (unsigned i = 1; i <= REPORT_COURSE && p->tick_count; i++) {
		uint64_t until = p->first_ns + span / REPORT_COURSE * i;

		while (at + 1 < p->tick_count &&
		       (p->ticks[at + 1].ns <= until || i == REPORT_COURSE))
			at++;
		history_add(out, until, value_of(k, &p->ticks[at].now));
	}
}

static bool moves(const struct history *h)
{
	uint64_t ns, newest, bytes;

	if (!history_at(h, 0, &ns, &newest))
		return false;
	for (unsigned age = 1; history_at(h, age, &ns, &bytes); age++) {
		if (bytes != newest)
			return true;
	}
	return false;
}

static bool is_shown(const struct recorded_process *p, const struct kind *k)
{
	if (k->is_part && (p->first.heap_unknown || p->last.heap_unknown))
		return false;
	return value_of(k, &p->first) || value_of(k, &p->last);
}

static void add_kind(struct strbuf *out, const struct recorded_process *p, const struct kind *k,
		     const struct report_view *v)
{
	uint64_t first = value_of(k, &p->first), last = value_of(k, &p->last);
	int64_t growth = (int64_t)(last - first);
	double seconds = (double)(p->last_ns - p->first_ns) / 1e9;
	char from[UNITS_SIZE], to[UNITS_SIZE], by[UNITS_SIZE], rate[EVIDENCE_BYTES] = "";
	struct history course;

	course_of(p, k, &course);
	if (growth && seconds > 0)
		evidence_rate(rate, (double)growth / seconds);
	strbuf_addf(out, "  %-12s %7s %7s %8s", k->name,
		    units_format_bytes(from, sizeof(from), first),
		    units_format_bytes(to, sizeof(to), last),
		    units_format_delta(by, sizeof(by), growth));
	if (growth || moves(&course)) {
		strbuf_addf(out, " %12s  ", rate);
		sparkline(out, &course, REPORT_COURSE, v->utf8);
	}
	strbuf_addc(out, '\n');
}

void report_growth_add(struct strbuf *out, const struct recorded_process *p,
		       const struct report_view *v)
{
	strbuf_adds(out, "\n  KIND           FIRST    LAST   GROWTH         RATE  COURSE\n");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (is_shown(p, &kinds[i]))
			add_kind(out, p, &kinds[i], v);
	}
}
