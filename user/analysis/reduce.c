// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "analysis/reduce.h"

/* The stretch of @buckets that @ns is in. */
static size_t bucket_of(const uint64_t *ns, size_t count, size_t i, size_t buckets)
{
	if (ns[i] <= ns[0])
		return 0;
	if (ns[i] >= ns[count - 1])
		return buckets - 1;
	return (size_t)((double)(ns[i] - ns[0]) / (double)(ns[count - 1] - ns[0]) *
			(double)(buckets - 1));
}

static size_t add(size_t *out, size_t count, size_t index)
{
	if (count && out[count - 1] >= index)
		return count;
	out[count] = index;
	return count + 1;
}

size_t reduce_extremes(const uint64_t *ns, const uint64_t *low, const uint64_t *high, size_t count,
		       size_t most, size_t *out)
{
	size_t buckets = (most - 2) / 2, kept = 0;

	if (count <= most) {
		for (size_t i = 0; i < count; i++)
			out[i] = i;
		return count;
	}
	kept = add(out, kept, 0);
	/* Times that go back would make more stretches than there are. */
	for (size_t i = 0, next; i < count && kept + 3 <= most; i = next) {
		size_t bucket = bucket_of(ns, count, i, buckets), least = i, most_at = i;

		for (next = i; next < count && bucket_of(ns, count, next, buckets) == bucket;
		     next++) {
			least = low[next] < low[least] ? next : least;
			most_at = high[next] > high[most_at] ? next : most_at;
		}
		kept = add(out, kept, least < most_at ? least : most_at);
		kept = add(out, kept, least < most_at ? most_at : least);
	}
	return add(out, kept, count - 1);
}
