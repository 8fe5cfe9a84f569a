/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Differences of the footprint over a window. Whether a growth is a leak is not
 * for this file to say.
 */
#include "analysis/growth.h"

double growth_rate(const struct process *p)
{
	uint64_t newest_ns, newest, ns, bytes, from_ns = 0, from = 0;

	if (!history_at(&p->history, 0, &newest_ns, &newest))
		return 0;
	for (unsigned age = 1; history_at(&p->history, age, &ns, &bytes); age++) {
		if (age > 1 && newest_ns - ns > GROWTH_WINDOW_NS)
			break;
		from_ns = ns;
		from = bytes;
	}
	if (!from_ns || newest_ns <= from_ns)
		return 0;
	return ((double)newest - (double)from) * 1e9 / (newest_ns - from_ns);
}

int64_t growth_delta(const struct process *p)
{
	if (!p->has_delta)
		return 0;
	return (int64_t)(totals_footprint(&p->now) - totals_footprint(&p->before));
}

int64_t growth_since_first(const struct process *p)
{
	return (int64_t)(totals_footprint(&p->now) - totals_footprint(&p->first));
}
