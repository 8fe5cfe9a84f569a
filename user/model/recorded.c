/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void release_process(struct recorded_process *p)
{
	free((void *)p->verdict);
	free(p->kept);
	free(p->ticks);
	free(p->gcs);
	site_table_free(p->sites);
	for (size_t i = 0; i < p->census_count; i++)
		census_free(p->censuses[i].census);
	free(p->censuses);
	for (size_t i = 0; i < p->verdict_count; i++)
		free((void *)p->verdicts[i].verdict);
	free(p->verdicts);
}

void recorded_free(struct recorded *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->process_count; i++)
		release_process(&r->processes[i]);
	free(r->processes);
	free(r->events);
	free((void *)r->run.pids);
	intern_free(r->names);
	free(r);
}

double recorded_seconds(const struct recorded *r)
{
	return r->end_ns > r->begin_ns ? (double)(r->end_ns - r->begin_ns) / 1e9 : 0;
}

const struct recorded_process *recorded_find(const struct recorded *r, uint32_t pid,
					     uint64_t start_ns)
{
	for (size_t i = 0; i < r->process_count; i++) {
		const struct recorded_process *p = &r->processes[i];

		if (p->pid == pid && (!start_ns || p->start_ns == start_ns))
			return p;
	}
	return NULL;
}

int64_t recorded_growth(const struct recorded_process *p)
{
	return (int64_t)(totals_footprint(&p->last) - totals_footprint(&p->first));
}

void recorded_as_process(const struct recorded_process *p, struct cgroup *cgroup,
			 struct process *out)
{
	*cgroup = (struct cgroup){.path = (char *)p->cgroup};
	if (p->container)
		snprintf(cgroup->container, sizeof(cgroup->container), "%s", p->container);
	*out = (struct process){
		.pid = p->pid,
		.ppid = p->ppid,
		.start_ns = p->start_ns,
		.cgroup = p->cgroup ? cgroup : NULL,
		.sites = p->sites,
		.verdict = p->verdict,
		.kept = p->kept,
		.collector = p->collector,
		.now = p->last,
		.first = p->first,
		.now_ns = p->last_ns,
		.first_ns = p->first_ns,
		.peak_rss_bytes = p->peak_rss_bytes,
	};
	memcpy(out->comm, p->comm, sizeof(out->comm));
}

/* By the nearer end: the clock of day may have been set in between. */
uint64_t recorded_wall_ns(const struct recorded *r, uint64_t boot_ns)
{
	uint64_t half = r->begin_ns + (r->end_ns - r->begin_ns) / 2;

	if (!r->end_wall_ns || boot_ns < half)
		return r->begin_wall_ns + (boot_ns - r->begin_ns);
	return r->end_wall_ns + (boot_ns - r->end_ns);
}

const char *recorded_event_name(enum recorded_event_kind kind)
{
	static const char *const names[RECORDED_EVENTS] = {
		[RECORDED_FORK] = "fork", [RECORDED_EXEC] = "exec",
		[RECORDED_EXIT] = "exit", [RECORDED_VANISHED] = "vanished",
		[RECORDED_OOM] = "oom",
	};

	return names[kind];
}

static const char *const whens[RECORDED_CENSUS_WHENS] = {
	[RECORDED_CENSUS_BEGIN] = "begin",
	[RECORDED_CENSUS_LEAK] = "leak",
	[RECORDED_CENSUS_END] = "end",
};

const char *recorded_census_when_name(enum recorded_census_when when)
{
	return whens[when];
}

int recorded_census_when_parse(const char *name)
{
	for (int when = 0; when < RECORDED_CENSUS_WHENS; when++) {
		if (!strcmp(name, whens[when]))
			return when;
	}
	return -1;
}
