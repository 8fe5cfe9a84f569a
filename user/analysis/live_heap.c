/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Live bytes by isolate, and their sum. */
#include "analysis/live_heap.h"

#include <errno.h>
#include <string.h>

void live_heap_init(struct live_heap *h)
{
	memset(h, 0, sizeof(*h));
	series_init(&h->sum);
}

void live_heap_release(struct live_heap *h)
{
	for (unsigned i = 0; i < h->isolate_count; i++)
		series_release(&h->isolates[i].live);
	series_release(&h->sum);
	live_heap_init(h);
}

static struct live_isolate *find(struct live_heap *h, uint64_t id)
{
	for (unsigned i = 0; i < h->isolate_count; i++)
		if (h->isolates[i].id == id)
			return &h->isolates[i];
	return NULL;
}

static struct live_isolate *find_or_add(struct live_heap *h, uint64_t id)
{
	struct live_isolate *isolate = find(h, id);

	if (isolate || h->isolate_count == LIVE_HEAP_ISOLATES)
		return isolate;
	isolate = &h->isolates[h->isolate_count++];
	memset(isolate, 0, sizeof(*isolate));
	isolate->id = id;
	series_init(&isolate->live);
	return isolate;
}

/* Isolates collect at any time: where two do in one instant, the later one's sum waits. */
static int add_sum(struct live_heap *h, uint64_t ns)
{
	uint64_t sum = 0;
	int err;

	for (unsigned i = 0; i < h->isolate_count; i++)
		sum += h->isolates[i].live.last;
	err = series_add(&h->sum, ns, sum);
	return err == -EINVAL ? 0 : err;
}

int live_heap_add(struct live_heap *h, uint64_t id, uint64_t ns, uint64_t live_bytes,
		  uint64_t limit_bytes)
{
	struct live_isolate *isolate = find_or_add(h, id);
	int err;

	h->marks++;
	if (!isolate) {
		h->unknown++;
		return -ENOSPC;
	}
	err = series_add(&isolate->live, ns, live_bytes);
	if (err)
		return err;
	if (limit_bytes)
		isolate->limit_bytes = limit_bytes;
	return add_sum(h, ns);
}

void live_heap_remove(struct live_heap *h, uint64_t id, uint64_t ns)
{
	struct live_isolate *isolate = find(h, id);

	if (!isolate)
		return;
	series_release(&isolate->live);
	*isolate = h->isolates[--h->isolate_count];
	if (h->isolate_count)
		add_sum(h, ns); /* out of memory: the next mark-compact says it */
}
