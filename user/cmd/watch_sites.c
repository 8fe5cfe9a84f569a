// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/watch_sites.h"

#include "analysis/promote.h"

static bool is_watched(void *arg, const struct process *p)
{
	return sites_of(arg, p->pid, p->start_ns) != NULL;
}

static void choose(struct sites *s, const struct targets *targets, struct process **rows,
		   size_t count, uint32_t looked_at)
{
	const struct process *growers[PROMOTE_MAX];
	unsigned n = 0;

	if (!targets_are_named(targets))
		n = promote_growers(rows, count, is_watched, s, growers);
	for (unsigned i = 0; i < n; i++)
		sites_want(s, growers[i]->pid, growers[i]->start_ns);
	for (size_t i = 0; i < count; i++) {
		if (targets_are_named(targets) || rows[i]->pid == looked_at)
			sites_want(s, rows[i]->pid, rows[i]->start_ns);
	}
	sites_settle(s);
}

void watch_sites_show(const struct sites *s, struct process **rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rows[i]->sites = s ? sites_of(s, rows[i]->pid, rows[i]->start_ns) : NULL;
}

void watch_sites_tick(struct sites *s, const struct targets *targets, struct process **rows,
		      size_t count, uint32_t looked_at)
{
	if (s) {
		choose(s, targets, rows, count, looked_at);
		sites_tick(s);
	}
	watch_sites_show(s, rows, count);
}
