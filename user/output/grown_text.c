/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output/grown_text.h"

#include <math.h>
#include <stddef.h>

#include "analysis/evidence.h"
#include "analysis/sites.h"
#include "base/clock.h"
#include "base/units.h"
#include "output/site_text.h"

#define SHARE_COLUMNS 24 /* of ", 100 % of v8-survived" */

bool grown_is_worth_telling(const struct recorded_process *p)
{
	return recorded_growth(p) >= GROWN_LEAST && p->last_ns > p->first_ns;
}

const struct recorded_process *grown_most(const struct recorded *r)
{
	const struct recorded_process *most = NULL;

	for (size_t i = 0; i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (!grown_is_worth_telling(p))
			continue;
		if (p->verdict && p->verdict->is_leak)
			return p;
		if (p->has_ended && !p->is_named && !p->is_oom_killed)
			continue;
		if (!most || recorded_growth(p) > recorded_growth(most))
			most = p;
	}
	return most;
}

static void add_kind(struct strbuf *out, const struct recorded_process *p)
{
	const struct totals *first = &p->first, *last = &p->last;
	const struct {
		const char *name;
		int64_t growth;
	} kinds[] = {
		{"anon", (int64_t)(last->anon_bytes - first->anon_bytes)},
		{"file", (int64_t)(last->file_bytes - first->file_bytes)},
		{"shmem", (int64_t)(last->shmem_bytes - first->shmem_bytes)},
		{"swap", (int64_t)(last->swap_bytes - first->swap_bytes)},
	};
	char growth[UNITS_SIZE];
	size_t most = 0;

	for (size_t i = 1; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].growth > kinds[most].growth)
			most = i;
	}
	strbuf_addf(out, ", %s %s", kinds[most].name,
		    units_format_delta(growth, sizeof(growth), kinds[most].growth));
}

void grown_text_add(struct strbuf *out, const struct recorded_process *p)
{
	double seconds = (double)(p->last_ns - p->first_ns) / (double)NSEC_PER_SEC;
	char bytes[UNITS_SIZE], span[EVIDENCE_BYTES], rate[EVIDENCE_BYTES];
	int64_t growth = recorded_growth(p);

	strbuf_addf(
		out, "by %s in %s (%s)", units_format_bytes(bytes, sizeof(bytes), (uint64_t)growth),
		evidence_span(span, round(seconds)), evidence_rate(rate, (double)growth / seconds));
	add_kind(out, p);
}

bool grown_code_add(struct strbuf *out, const struct recorded_process *p, int width, bool utf8)
{
	struct site_group leading;

	if (!p->sites || !site_groups_leading(p->sites, &leading, 1) || !leading.bytes ||
	    leading.top->note)
		return false;
	site_group_text_add(out, &leading, width > SHARE_COLUMNS ? width - SHARE_COLUMNS : width,
			    utf8);
	strbuf_addf(out, ", %.0f %% of %s", 100 * leading.share, site_kind_name(leading.kind));
	return true;
}
