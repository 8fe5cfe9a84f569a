/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Facts about the run that a recording is of: what it was asked for, its ticks, what was lost. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/recording_internal.h"

#define META_MAX  64
#define PIDS_MAX  (1u << 16)
#define LOST_ROWS (1u << 22)
#define TICK_ROWS (1u << 24)

struct ticks {
	uint64_t first_ns, first_cpu_ns, first_bpf_ns;
};

static int take_meta(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct recorded *out = r->out;
	const char *key = column_chars(row, 0);
	const struct {
		const char *key;
		const char **text;
		uint64_t *number;
	} facts[] = {
		{"version", &out->run.version, NULL},
		{"kernel", &out->run.kernel, NULL},
		{"arch", &out->run.arch, NULL},
		{"comm", &out->run.comm, NULL},
		{"cgroup", &out->run.cgroup, NULL},
		{"command", &out->command, NULL},
		{"interval_ns", NULL, &out->run.interval_ns},
		{"requests", NULL, &out->requests},
		{"begin_ns", NULL, &out->begin_ns},
		{"begin_wall_ns", NULL, &out->begin_wall_ns},
		{"thinned_ns", NULL, &out->thinned_ns},
		{"dropped_events", NULL, &out->dropped_events},
		{"dropped_sites", NULL, &out->dropped_sites},
	};

	(void)arg;
	if (key && !strcmp(key, "ended"))
		out->is_whole = true;
	for (size_t i = 0; key && i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (strcmp(key, facts[i].key))
			continue;
		if (facts[i].text)
			*facts[i].text = column_text(r, row, 1);
		else if (facts[i].number)
			*facts[i].number = column_time(row, 1);
	}
	return 0;
}

static int take_hook(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct run *run = &r->out->run;
	const char *capability = column_text(r, row, 0);

	(void)arg;
	if (!capability)
		return 0;
	run->hooks[run->hook_count].capability = capability;
	run->hooks[run->hook_count++].hook = column_text(r, row, 1);
	return 0;
}

static int take_target(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct run *run = &r->out->run;
	uint32_t *pids = realloc((void *)run->pids, (run->pid_count + 1) * sizeof(*pids));

	(void)arg;
	if (!pids)
		return reading_refuse(r, -ENOMEM, "out of memory");
	pids[run->pid_count++] = (uint32_t)column_number(row, 0, UINT32_MAX);
	run->pids = pids;
	return 0;
}

static int take_tick(struct reading *r, sqlite3_stmt *row, void *arg)
{
	struct recorded *out = r->out;
	struct self_cost *cost = &out->cost;
	struct ticks *t = arg;
	uint64_t wall_ns = column_time(row, 1);

	out->end_ns = column_time(row, 0);
	out->end_wall_ns = wall_ns ? wall_ns : out->end_wall_ns;
	out->born += column_number(row, 2, UINT32_MAX);
	out->gone += column_number(row, 3, UINT32_MAX);
	cost->cpu_ns = column_time(row, 4);
	cost->bpf_known = column_is_known(row, 5);
	cost->bpf_ns = column_time(row, 5);
	cost->rss_bytes = column_bytes(row, 6);
	cost->map_bytes = column_bytes(row, 7);
	if (!out->ticks++)
		*t = (struct ticks){out->end_ns, cost->cpu_ns, cost->bpf_ns};
	return 0;
}

/* What memwatch took of a CPU: between the first tick and the last that are there. */
static double cpu_percent(const struct recorded *out, const struct ticks *t)
{
	uint64_t span = out->end_ns - t->first_ns, took = out->cost.cpu_ns - t->first_cpu_ns;

	if (out->cost.bpf_known)
		took += out->cost.bpf_ns - t->first_bpf_ns;
	return out->end_ns > t->first_ns && took < READ_TIME_MAX
		       ? 100.0 * (double)took / (double)span
		       : 0;
}

static int read_ticks(struct reading *r)
{
	struct recorded *out = r->out;
	struct ticks t = {0};
	int err = reading_each(r,
			       "SELECT ns, wall_ns, born, gone, cpu_ns, bpf_ns, rss_bytes, "
			       "map_bytes FROM tick ORDER BY ns",
			       0, TICK_ROWS, take_tick, &t);

	if (err)
		return err;
	out->cost.cpu_pct_run = cpu_percent(out, &t);
	if (!out->begin_ns || out->begin_ns > t.first_ns)
		out->begin_ns = t.first_ns;
	if (out->end_ns < out->begin_ns)
		out->end_ns = out->begin_ns;
	if (!out->begin_wall_ns && out->end_wall_ns > out->end_ns - out->begin_ns)
		out->begin_wall_ns = out->end_wall_ns - (out->end_ns - out->begin_ns);
	return 0;
}

static int take_lost(struct reading *r, sqlite3_stmt *row, void *arg)
{
	const char *cause = column_chars(row, 0);

	(void)arg;
	for (unsigned i = 0; cause && i < LOST_MAX; i++) {
		if (!strcmp(cause, lost_name(i)))
			r->out->lost.count[i] += column_number(row, 1, UINT32_MAX);
	}
	return 0;
}

int reading_run_facts(struct reading *r)
{
	int err = reading_each(r, "SELECT key, value FROM meta", 0, META_MAX, take_meta, NULL);

	if (!err)
		err = reading_each(r, "SELECT capability, hook FROM hook", 0, RUN_MAX_HOOKS,
				   take_hook, NULL);
	if (!err)
		err = reading_each(r, "SELECT pid FROM target", 0, PIDS_MAX, take_target, NULL);
	if (!err)
		err = read_ticks(r);
	if (!err)
		err = reading_each(r, "SELECT cause, count FROM lost", 0, LOST_ROWS, take_lost,
				   NULL);
	return err;
}
