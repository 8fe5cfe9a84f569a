// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/closely.h"

#include <errno.h>
#include <string.h>

#include "analysis/growth.h"
#include "analysis/promote.h"
#include "base/clock.h"
#include "base/log.h"

#define PEEKS_A_TICK	 8
#define PEEK_BYTES_PER_S 4096

int closely_init(struct closely *c, struct session *s, double budget_pct)
{
	memset(c, 0, sizeof(*c));
	c->files = runtime_files_new();
	if (!c->files)
		return log_error_code(-errno, "cannot prepare: %s", strerror(errno));
	c->sites = sites_new(s, c->files, budget_pct);
	if (!c->sites && errno != ENOTSUP)
		return log_error_code(-errno, "cannot prepare for stacks: %s", strerror(errno));
	c->gcs = gcs_new(s, c->files);
	if (!c->gcs)
		return log_error_code(-errno, "cannot prepare for collections: %s",
				      strerror(errno));
	return 0;
}

void closely_release(struct closely *c)
{
	sites_free(c->sites);
	gcs_free(c->gcs);
	runtime_files_free(c->files);
	memset(c, 0, sizeof(*c));
}

uint64_t closely_learning_ns(const struct closely *c)
{
	return (c->sites ? sites_learning_ns(c->sites) : 0) + gcs_learning_ns(c->gcs);
}

static bool is_watched(void *arg, const struct process *p)
{
	const struct closely *c = arg;

	if (c->sites)
		return sites_of(c->sites, p->pid, p->start_ns) != NULL;
	return gcs_is_watched(c->gcs, p->pid, p->start_ns);
}

static void want(const struct closely *c, const struct process *p)
{
	if (c->sites)
		sites_want(c->sites, p->pid, p->start_ns);
	gcs_want(c->gcs, p->pid, p->start_ns);
}

static void choose(const struct closely *c, const struct targets *targets, struct process **rows,
		   size_t count, uint32_t looked_at)
{
	const struct process *growers[PROMOTE_MAX];
	unsigned n = 0;

	if (!targets_are_named(targets))
		n = promote_growers(rows, count, is_watched, (void *)c, growers);
	for (unsigned i = 0; i < n; i++)
		want(c, growers[i]);
	for (size_t i = 0; i < count; i++) {
		if (targets_are_named(targets) || rows[i]->pid == looked_at)
			want(c, rows[i]);
	}
}

void closely_show(const struct closely *c, struct process **rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct process *p = rows[i];
		struct gc_source source;

		p->sites = c->sites ? sites_of(c->sites, p->pid, p->start_ns) : NULL;
		gcs_source(c->gcs, p->pid, p->start_ns, &source);
		p->collector = source.collector;
	}
}

/* What grows is not judged before it is known whether its garbage is collected. */
static void peek(const struct closely *c, struct process **rows, size_t count)
{
	unsigned looks = 0;

	for (size_t i = 0; i < count && looks < PEEKS_A_TICK; i++) {
		const struct process *p = rows[i];
		struct gc_source source;

		if (growth_rate(p) < PEEK_BYTES_PER_S)
			continue;
		gcs_source(c->gcs, p->pid, p->start_ns, &source);
		if (source.runtime)
			continue;
		looks += source.collector == COLLECTOR_UNKNOWN;
		gcs_peek(c->gcs, p->pid, p->start_ns);
	}
}

void closely_tick(const struct closely *c, const struct targets *targets, struct process **rows,
		  size_t count, uint32_t looked_at)
{
	choose(c, targets, rows, count, looked_at);
	if (c->sites) {
		sites_settle(c->sites);
		sites_tick(c->sites);
	}
	gcs_settle(c->gcs, clock_boot_ns());
	peek(c, rows, count);
	closely_show(c, rows, count);
}

bool closely_take_gc(const struct closely *c, const struct mw_event_gc *record, struct gc *out)
{
	if (!gcs_take(c->gcs, record, out))
		return false;
	if (c->sites && record->h.type == MW_EVENT_HEAP_OUT)
		sites_heap_out(c->sites, out->pid, out->isolate);
	else if (c->sites)
		sites_gc(c->sites, out);
	return true;
}

bool closely_is_v8(const struct closely *c, uint32_t pid, uint64_t start_ns)
{
	struct gc_source source;

	gcs_source(c->gcs, pid, start_ns, &source);
	return source.runtime && !strcmp(source.runtime, "V8");
}

void closely_forget(const struct closely *c, uint32_t pid)
{
	if (c->sites)
		sites_forget(c->sites, pid);
	gcs_forget(c->gcs, pid);
}
