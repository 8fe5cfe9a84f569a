/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A tick of a run: collect, show, and keep within the budget. */
#include "cmd/engine_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define LOAD_MIN_EVENTS 10000 /* a tick; fewer are no load */

/* A process that was named but is not in the first tick ended while memwatch attached. */
static void note_named(struct engine *e)
{
	struct targets *t = &e->options->targets;

	for (unsigned i = 0; i < t->count; i++) {
		struct process *p = process_table_find(&e->table, t->pids[i], 0);

		if (p)
			targets_seen(t, p);
		if (p || t->is_gone[i] || t->starts[i])
			continue;
		log_warn("process %u %s", t->pids[i],
			 kill(t->pids[i], 0) && errno == ESRCH
				 ? "ended before memwatch had attached"
				 : "is not shown by the kernel: it cannot be watched");
		engine_named_gone(e, t->pids[i], 0);
	}
}

struct process **engine_rows(const struct engine *e, size_t *count)
{
	struct process **rows = process_list(&e->table, count);
	size_t kept = 0;

	for (size_t i = 0; rows && i < *count; i++) {
		if (rows[i]->tick == e->table.tick && targets_match(&e->options->targets, rows[i]))
			rows[kept++] = rows[i];
	}
	*count = kept;
	return rows;
}

static void reverse(struct process **rows, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct process *p = rows[i];

		rows[i] = rows[count - 1 - i];
		rows[count - 1 - i] = p;
	}
}

/* @collected: after a collection; else the same again in another order. */
static int show(struct engine *e, bool collected)
{
	const struct engine_front *front = e->front;
	struct tick tick = {
		.now_ns = e->table.now_ns,
		.wall_ns = sink_wall_ns(e->table.now_ns),
		.rows_wanted = e->options->rows,
		.sites_wanted = e->options->sites,
		.sort = e->options->sort,
		.lost_total = e->lost,
		.born = e->born,
		.gone = e->gone,
		.has_fault_places = e->places_whole,
		.shed = budget_text(&e->budget),
	};
	bool reversed = false;
	int err = 0;

	if (front->sort)
		tick.sort = front->sort(front->arg, &reversed);
	tick.rows = engine_rows(e, &tick.count);
	if (!tick.rows)
		return -ENOMEM;
	for (size_t i = 0; i < tick.count && !e->calls_whole; i++)
		tick.rows[i]->calls_counted = false;
	if (collected)
		closely_tick(&e->closely, &e->options->targets, tick.rows, tick.count,
			     front->looked_at ? front->looked_at(front->arg) : 0);
	if (collected)
		err = watch_verdict_tick(e->verdicts, tick.rows, tick.count, tick.now_ns);
	if (collected)
		engine_heap_tick(e, tick.rows, tick.count, tick.now_ns);
	if (e->ticks == 1 && !tick.count && !e->options->targets.count)
		log_info("no process matches yet: waiting for one");
	column_sort(tick.sort, tick.rows, tick.count);
	if (reversed)
		reverse(tick.rows, tick.count);
	lost_since(&tick.lost, &e->lost, &e->lost_before);
	self_meter_read(&e->meter, e->session, &tick.cost);
	if (!err)
		err = e->sink->ops->tick(e->sink, &tick);
	e->lost_before = e->lost;
	e->born = e->gone = 0;
	free(tick.rows);
	return err;
}

int engine_show(struct engine *e)
{
	return show(e, false);
}

/* What ticks took since the last look, of one CPU: what fewer of them would save. */
static double ticks_pct(struct engine *e)
{
	uint64_t now = clock_boot_ns(), spent = e->ticks_cpu_ns - e->ticks_cpu_seen_ns;
	uint64_t span = now - e->ticks_seen_at_ns;

	e->ticks_cpu_seen_ns = e->ticks_cpu_ns;
	e->ticks_seen_at_ns = now;
	return span ? 100.0 * (double)spent / (double)span : 0;
}

/* Gives up detail, or takes it back, as the budget says. */
static void keep_budget(struct engine *e)
{
	const struct self_meter *m = &e->meter;
	const double used_pct[BUDGET_PARTS] = {
		[BUDGET_FAULTS] = m->bpf_pct[CAPABILITY_FAULTS],
		[BUDGET_CALLS] = m->bpf_pct[CAPABILITY_CALLS],
		[BUDGET_TICKS] = ticks_pct(e),
	};
	unsigned before = e->budget.given_up_count;

	if (!budget_update(&e->budget, used_pct, m->total_pct))
		return;
	session_set_enabled(e->session, CAPABILITY_FAULTS, !budget_has(&e->budget, BUDGET_FAULTS));
	session_set_enabled(e->session, CAPABILITY_CALLS, !budget_has(&e->budget, BUDGET_CALLS));
	if (e->budget.given_up_count > before)
		log_warn("own cost %.2f %% of a CPU, budget %.2f %%: gave up %s", m->total_pct,
			 e->budget.limit_pct, budget_text(&e->budget));
	else if (!e->budget.given_up_count)
		log_info("own cost %.2f %% of a CPU: full detail again", m->total_pct);
}

/* Own cost goes with what the processes do: when that doubles, it is measured anew. */
static void note_load(struct engine *e)
{
	struct bpf_cost *cost = session_cost(e->session);
	uint64_t events = 0;
	struct hmap_node *node;
	struct process *p;

	process_table_for_each (&e->table, p, node) {
		const struct activity *a = &p->activity;

		events += a->fault_count + a->mmap_count + a->munmap_count + a->mremap_count +
			  a->brk_count;
	}
	if (cost && events > 2 * e->events_measured + LOAD_MIN_EVENTS)
		bpf_cost_look_again(cost);
	if (events > 2 * e->events_measured + LOAD_MIN_EVENTS || 2 * events < e->events_measured)
		e->events_measured = events;
}

/* Whether @c was, and is, counted over the whole interval to the next tick. */
static bool is_counted(const struct engine *e, enum capability c, enum budget_part part)
{
	return session_is_enabled(e->session, c) && !budget_has(&e->budget, part);
}

/* Whether a process that was there before is not in this tick. */
static bool is_anyone_missing(const struct engine *e)
{
	struct hmap_node *node;
	struct process *p;

	process_table_for_each (&e->table, p, node) {
		if (p->tick != e->table.tick)
			return true;
	}
	return e->table.replaced != NULL;
}

int engine_tick(struct engine *e)
{
	uint64_t begun = clock_cpu_ns(), learnt = closely_learning_ns(&e->closely);
	int err = session_collect(e->session, &e->table);
	int shown;

	if (err)
		return log_error_code(err, "cannot read the processes from the kernel: %s",
				      strerror(-err));
	if (is_anyone_missing(e)) /* who ended while the others were read has not vanished */
		engine_drain(e);
	e->last_tick_ns = e->table.now_ns;
	e->ticks++;
	session_lost(e->session, &e->lost);
	if (e->closely.sites)
		sites_lost(e->closely.sites, &e->lost);
	e->lost.count[LOST_SHED] += e->budget.given_up_count > 0;
	note_named(e);
	process_table_sweep(&e->table, engine_on_vanished, e);
	if (e->options->targets.tree)
		tree_look(e->options->targets.tree, &e->table);
	shown = show(e, true);
	note_load(e);
	learnt = closely_learning_ns(&e->closely) - learnt;
	self_meter_excuse(&e->meter, closely_learning_ns(&e->closely) + e->heap_job.spent_ns);
	e->ticks_cpu_ns += clock_cpu_ns() - begun;
	e->ticks_cpu_ns -= learnt < e->ticks_cpu_ns ? learnt : 0;
	if (self_meter_update(&e->meter, e->session))
		keep_budget(e);
	e->calls_whole = is_counted(e, CAPABILITY_CALLS, BUDGET_CALLS);
	e->places_whole = is_counted(e, CAPABILITY_FAULTS, BUDGET_FAULTS);
	return shown;
}
