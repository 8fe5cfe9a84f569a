// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The choice of growers. Two thresholds, so that nobody is taken and dropped by turns. */
#include "analysis/promote.h"

#include "analysis/growth.h"

unsigned promote_growers(struct process *const *list, size_t count,
			 bool (*is_watched)(void *arg, const struct process *), void *arg,
			 const struct process **out)
{
	double rates[PROMOTE_MAX];
	unsigned n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct process *p = list[i];
		double rate = growth_rate(p);
		unsigned at;

		if (p->history.count < PROMOTE_MIN_TICKS || rate < PROMOTE_KEEP_PER_S)
			continue;
		if (rate < PROMOTE_BYTES_PER_S && !is_watched(arg, p))
			continue;
		for (at = n; at > 0 && rates[at - 1] < rate; at--) {
			if (at < PROMOTE_MAX) {
				rates[at] = rates[at - 1];
				out[at] = out[at - 1];
			}
		}
		if (at >= PROMOTE_MAX)
			continue;
		rates[at] = rate;
		out[at] = p;
		n += n < PROMOTE_MAX;
	}
	return n;
}
