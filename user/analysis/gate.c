/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Each process is found good or bad for itself; the worst of them is the result. */
#include "analysis/gate.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PASSING_SHARE 0.5 /* of the run: who lived shorter came and went */

/* Of its private memory, beside which the rest of a leak is small; noise is no growth. */
static double growth_that_matters(const struct shape *shape)
{
	double least = fmax(shape_rule_memory.least, shape_rule_memory.least_share * shape->level);

	return shape->growth >= least ? shape->growth : 0;
}

/* What is no faster than this is flat for every other purpose, too: see shape.h. */
static bool is_slow(const struct shape *shape)
{
	return shape->trend.high <= shape->tolerance;
}

/* Sure enough of a plain figure that was asked for, however small. */
static bool is_over(const struct shape *shape, double max_growth)
{
	return max_growth > 0 && shape->trend.slope > max_growth && shape->trend.low > 0 &&
	       shape->p <= shape_rule_memory.alpha && shape->span_s >= shape_rule_memory.min_span_s;
}

/* As it ends where its heap is full: by abort(), or by a trap instruction. */
static bool has_given_up(const struct gate_process *p)
{
	if (!p->has_collector || !p->has_ended || !p->is_code_known || !WIFSIGNALED(p->code))
		return false;
	return WTERMSIG(p->code) == SIGABRT || WTERMSIG(p->code) == SIGTRAP ||
	       WTERMSIG(p->code) == SIGILL;
}

/* By itself, whatever its status, or as others end a process; not by a fault or abort() of its. */
static bool ended_in_order(const struct gate_process *p)
{
	if (!p->has_ended || !p->is_code_known)
		return false;
	if (!WIFSIGNALED(p->code))
		return true;
	return WTERMSIG(p->code) == SIGTERM || WTERMSIG(p->code) == SIGINT ||
	       WTERMSIG(p->code) == SIGHUP || WTERMSIG(p->code) == SIGKILL;
}

/*
 * One of many short-lived helpers: what it took was given back when it ended. Whether that was a
 * failure is for the program to say that ran it. Who ran out of memory was looked at before.
 */
static bool came_and_went(const struct gate_process *p, double watched_s)
{
	return !p->is_main && ended_in_order(p) && p->lived_s < watched_s * PASSING_SHARE;
}

static enum gate_finding find(const struct gate_process *p, double max_growth, double watched_s)
{
	bool is_early = !p->verdict || p->verdict->class == VERDICT_EARLY;

	if (p->verdict && p->verdict->is_leak)
		return GATE_LEAKS;
	if (p->grown > 0 && (p->is_oom_killed || has_given_up(p)))
		return GATE_OUTGROWN;
	if (is_over(&p->shape, max_growth))
		return GATE_FAST;
	if (p->is_oom_killed)
		return GATE_KILLED;
	if (!is_early)
		return GATE_FINE;
	if (!(p->grown > 0))
		return GATE_BRIEF;
	if (is_slow(&p->shape))
		return GATE_SLOW;
	return came_and_went(p, watched_s) ? GATE_PASSING : GATE_EARLY;
}

void gate_look(struct gate_process *p, double max_growth, double watched_s)
{
	shape_of(p->private_bytes, &shape_rule_memory, &p->shape);
	p->grown = growth_that_matters(&p->shape);
	p->finding = find(p, max_growth, watched_s);
}

double gate_rate(const struct gate_process *p)
{
	return p->grown > 0 || p->finding == GATE_FAST ? p->shape.trend.slope : 0;
}

static int compare(const void *a, const void *b)
{
	const struct gate_process *x = *(const struct gate_process *const *)a;
	const struct gate_process *y = *(const struct gate_process *const *)b;

	if (x->finding != y->finding)
		return x->finding < y->finding ? 1 : -1;
	if (gate_rate(x) != gate_rate(y))
		return gate_rate(x) < gate_rate(y) ? 1 : -1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

void gate_sort(const struct gate_process **processes, size_t count)
{
	if (count)
		qsort(processes, count, sizeof(processes[0]), compare);
}

static bool command_failed(const struct gate_command *c)
{
	if (!c->is_run || !c->has_ended)
		return false;
	return c->exec_error || (c->code && !c->was_told_to);
}

static enum gate_result result_of(enum gate_finding finding)
{
	if (finding >= GATE_OUTGROWN)
		return GATE_LEAK;
	if (finding == GATE_FAST)
		return GATE_OVER;
	return finding >= GATE_EARLY ? GATE_UNKNOWN : GATE_PASS;
}

void gate_decide(struct gate *g)
{
	size_t found[GATE_FAILED + 1] = {0};

	g->worst_rate = 0;
	for (size_t i = 0; i < g->count; i++) {
		found[result_of(g->processes[i]->finding)]++;
		g->worst_rate = fmax(g->worst_rate, gate_rate(g->processes[i]));
	}
	if (found[GATE_LEAK])
		g->result = GATE_LEAK;
	else if (found[GATE_OVER])
		g->result = GATE_OVER;
	else if (command_failed(&g->command))
		g->result = GATE_FAILED;
	else if (found[GATE_UNKNOWN] || !(g->count + g->passed))
		g->result = GATE_UNKNOWN;
	else
		g->result = GATE_PASS;
	g->bad = found[g->result];
}

int gate_status(enum gate_result result)
{
	static const int statuses[] = {
		[GATE_PASS] = 0,    [GATE_LEAK] = 3,   [GATE_OVER] = 3,
		[GATE_UNKNOWN] = 1, [GATE_FAILED] = 1,
	};

	return statuses[result];
}

const char *gate_result_name(enum gate_result result)
{
	static const char *const names[] = {
		[GATE_PASS] = "pass",	    [GATE_LEAK] = "leak",     [GATE_OVER] = "over",
		[GATE_UNKNOWN] = "unknown", [GATE_FAILED] = "failed",
	};

	return names[result];
}
