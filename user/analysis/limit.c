/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Time to a limit, at the rate of now. */
#include "analysis/limit.h"

#include <math.h>
#include <stddef.h>

double limit_seconds(const struct limit *l, double slope)
{
	if (l->used_bytes >= l->bytes)
		return 0;
	return slope > 0 ? (double)(l->bytes - l->used_bytes) / slope : INFINITY;
}

const struct limit *limit_first(const struct limit *limits, unsigned count, double slope,
				double *seconds)
{
	const struct limit *first = NULL;

	if (!(slope > 0))
		return NULL;
	for (unsigned i = 0; i < count; i++) {
		double s = limit_seconds(&limits[i], slope);

		if (limits[i].kind == LIMIT_NONE || (first && s >= *seconds))
			continue;
		first = &limits[i];
		*seconds = s;
	}
	return first;
}

const char *limit_kind_name(enum limit_kind kind)
{
	static const char *const names[] = {
		[LIMIT_NONE] = "none",
		[LIMIT_CGROUP_HIGH] = "memory.high",
		[LIMIT_CGROUP_MAX] = "memory.max",
		[LIMIT_V8_HEAP] = "v8-heap",
		[LIMIT_MACHINE] = "machine",
	};

	return names[kind];
}
