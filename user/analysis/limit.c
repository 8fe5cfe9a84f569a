/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Time to a limit, at the rate of now. */
#include "analysis/limit.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

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

static const char *const names[] = {
	[LIMIT_NONE] = "none",
	[LIMIT_CGROUP_HIGH] = "memory.high",
	[LIMIT_CGROUP_MAX] = "memory.max",
	[LIMIT_V8_HEAP] = "v8-heap",
	[LIMIT_MACHINE] = "machine",
};

const char *limit_kind_name(enum limit_kind kind)
{
	return names[kind];
}

enum limit_kind limit_kind_parse(const char *name)
{
	for (unsigned kind = 0; kind < sizeof(names) / sizeof(names[0]); kind++) {
		if (!strcmp(name, names[kind]))
			return (enum limit_kind)kind;
	}
	return LIMIT_NONE;
}
