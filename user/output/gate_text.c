/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The result last, since that is where people look; what it rests on above it. */
#include "output/gate_text.h"

#include <math.h>
#include <string.h>

#include "analysis/culprits.h"
#include "analysis/evidence.h"
#include "output/event_text.h"
#include "output/kept_text.h"
#include "output/site_block.h"
#include "output/site_text.h"
#include "output/verdict_text.h"

#define BLOCKS_MAX  20 /* processes that are told of each */
#define NAMES_MAX   3  /* in the last line */
#define SITES_MOST  16
#define PREFIX	    "    "
#define SITE_PREFIX "      "

static void add_name(struct strbuf *out, const struct gate_process *p)
{
	strbuf_addf(out, "%u (", p->pid);
	strbuf_add_text(out, p->comm, sizeof(p->comm));
	strbuf_addc(out, ')');
}

static void add_rate(struct strbuf *out, double bytes_per_s)
{
	char rate[EVIDENCE_BYTES];

	strbuf_adds(out, evidence_rate(rate, bytes_per_s));
}

static void add_count(struct strbuf *out, size_t count, const char *one, const char *many)
{
	strbuf_addf(out, "%zu %s", count, count == 1 ? one : many);
}

/* --- a process --- */

/* "private memory grew by 3.2M in 1m00s, +1.1M/s (+1.0M/s to +1.2M/s)" */
static void add_growth(struct strbuf *out, const struct gate_process *p)
{
	char bytes[EVIDENCE_BYTES], span[EVIDENCE_BYTES];
	const struct shape *shape = &p->shape;

	strbuf_addf(out, "private memory grew by %s in %s, ", evidence_bytes(bytes, shape->growth),
		    evidence_span(span, shape->span_s));
	add_rate(out, shape->trend.slope);
	strbuf_adds(out, " (");
	add_rate(out, shape->trend.low);
	strbuf_adds(out, " to ");
	add_rate(out, shape->trend.high);
	strbuf_addc(out, ')');
}

static void add_end_of(struct strbuf *out, const struct gate_process *p)
{
	char span[EVIDENCE_BYTES];

	if (!p->has_ended)
		return;
	strbuf_adds(out, PREFIX);
	if (p->is_oom_killed)
		strbuf_adds(out, "the kernel killed it for lack of memory");
	else if (p->is_code_known)
		event_text_add_end(out, p->code);
	else
		strbuf_adds(out, "ended");
	strbuf_addf(out, " after %s\n", evidence_span(span, round(p->lived_s)));
}

static void add_block(struct strbuf *out, const struct gate_process *p)
{
	add_name(out, p);
	strbuf_adds(out, ": ");
	if (p->verdict)
		verdict_text_add(out, p->verdict);
	else
		strbuf_adds(out, verdict_class_help(VERDICT_EARLY));
	strbuf_addc(out, '\n');
	if (p->finding != GATE_LEAKS && gate_rate(p) > 0) {
		strbuf_adds(out, PREFIX);
		add_growth(out, p);
		strbuf_addc(out, '\n');
	}
	if (p->verdict)
		verdict_evidence_add(out, p->verdict, PREFIX);
	add_end_of(out, p);
	if (p->finding >= GATE_EARLY && p->sites && p->sites[0]) {
		strbuf_adds(out, PREFIX "likeliest sites:\n");
		strbuf_adds(out, p->sites);
	}
	if (p->finding >= GATE_EARLY && p->kept)
		strbuf_adds(out, p->kept);
}

void gate_kept_add(struct strbuf *out, const struct process *p)
{
	if (p->kept)
		kept_text_add(out, p->kept, PREFIX);
}

void gate_sites_add(struct strbuf *out, const struct process *p, uint64_t now_ns, unsigned most)
{
	struct site_group groups[SITES_MOST];
	unsigned count = 0;

	if (!p->sites || !most)
		return;
	most = most < SITES_MOST ? most : SITES_MOST;
	if (p->verdict)
		count = culprits_find(p->verdict->class, p->sites, groups, most);
	for (unsigned i = 0; i < count; i++) {
		strbuf_adds(out, SITE_PREFIX);
		site_line_add(out, &groups[i], now_ns, 0, true);
		strbuf_addc(out, '\n');
	}
	if (!count)
		site_block_leading(out, p, now_ns, most, SITE_PREFIX);
}

/* --- the last line --- */

/* Why the process is among the bad ones, after its name. */
static void add_reason(struct strbuf *out, const struct gate_process *p)
{
	char bytes[EVIDENCE_BYTES], span[EVIDENCE_BYTES];

	switch (p->finding) {
	case GATE_LEAKS:
		strbuf_addc(out, ' ');
		add_rate(out, p->verdict->trend.slope);
		break;
	case GATE_OUTGROWN:
		strbuf_addf(out, " grew by %s until %s: a leak is likely",
			    evidence_bytes(bytes, p->grown),
			    p->is_oom_killed ? "it was killed for lack of memory"
					     : "it aborted, as V8 does when its heap is full");
		break;
	case GATE_FAST:
		strbuf_addc(out, ' ');
		add_rate(out, gate_rate(p));
		break;
	case GATE_KILLED:
		strbuf_adds(out, " was killed for lack of memory");
		break;
	default:
		strbuf_addf(out, " grew by %s in %s", evidence_bytes(bytes, p->grown),
			    evidence_span(span, p->shape.span_s));
	}
}

/* The worst: they come first. */
static void add_bad(struct strbuf *out, const struct gate *g)
{
	for (size_t i = 0; i < g->bad && i < NAMES_MAX; i++) {
		strbuf_adds(out, i ? ", " : ": ");
		add_name(out, g->processes[i]);
		add_reason(out, g->processes[i]);
	}
	if (g->bad > NAMES_MAX)
		strbuf_addf(out, ", and %zu more", g->bad - NAMES_MAX);
}

/* "1 of 2 processes" */
static void add_share(struct strbuf *out, const struct gate *g)
{
	strbuf_addf(out, "%zu of ", g->bad);
	add_count(out, g->count + g->passed, "process", "processes");
}

/* " (of 2 ...)": what is to be said of some that pass. */
static void add_but(struct strbuf *out, const struct gate *g, enum gate_finding finding,
		    const char *what)
{
	size_t of_them = 0;

	for (size_t i = 0; i < g->count; i++)
		of_them += g->processes[i]->finding == finding;
	if (!of_them)
		return;
	strbuf_adds(out, " (");
	if (of_them < g->count + g->passed)
		strbuf_addf(out, "of %zu ", of_them);
	strbuf_addf(out, "%s)", what);
}

static void add_pass(struct strbuf *out, const struct gate *g)
{
	add_count(out, g->count + g->passed, "process, no leak", "processes, none leaks");
	if (g->max_growth > 0) {
		strbuf_adds(out, ", none over ");
		add_rate(out, g->max_growth);
	}
	add_but(out, g, GATE_BRIEF, "no growth seen; watched too briefly for more");
	add_but(out, g, GATE_SLOW, "grew so slowly that only a longer -d tells it from a warm-up");
}

static void add_unknown(struct strbuf *out, const struct gate *g)
{
	bool is_early = g->bad && g->processes[g->bad - 1]->finding == GATE_EARLY;

	if (!(g->count + g->passed)) {
		strbuf_adds(out, "no process was seen that is meant");
		return;
	}
	add_share(out, g);
	add_bad(out, g);
	if (is_early)
		strbuf_adds(out, "; too early to say why: watch for longer (-d)");
}

static void add_failed(struct strbuf *out, const struct gate *g, const char *command)
{
	const struct gate_command *c = &g->command;

	strbuf_addc(out, '\'');
	strbuf_add_text(out, command ? command : "", command ? strlen(command) : 0);
	strbuf_adds(out, "' ");
	if (c->exec_error)
		strbuf_addf(out, "cannot be run: %s", strerror(c->exec_error));
	else
		event_text_add_end(out, c->code);
}

void gate_line_add(struct strbuf *out, const struct gate *g, const char *command)
{
	static const char *const labels[] = {
		[GATE_PASS] = "PASS: ",	      [GATE_LEAK] = "LEAK: ",	  [GATE_OVER] = "OVER: ",
		[GATE_UNKNOWN] = "UNKNOWN: ", [GATE_FAILED] = "FAILED: ",
	};

	strbuf_adds(out, labels[g->result]);
	switch (g->result) {
	case GATE_PASS:
		add_pass(out, g);
		break;
	case GATE_OVER:
		add_share(out, g);
		strbuf_adds(out, " over ");
		add_rate(out, g->max_growth);
		add_bad(out, g);
		break;
	case GATE_LEAK:
		add_share(out, g);
		add_bad(out, g);
		break;
	case GATE_UNKNOWN:
		add_unknown(out, g);
		break;
	case GATE_FAILED:
		add_failed(out, g, command);
		break;
	}
}

void gate_text_add(struct strbuf *out, const struct gate *g, const char *command)
{
	size_t shown = g->count < BLOCKS_MAX ? g->count : BLOCKS_MAX;
	char span[EVIDENCE_BYTES];

	strbuf_addf(out, "memwatch check: watched for %s\n",
		    evidence_span(span, round(g->seconds)));
	for (size_t i = 0; i < shown; i++)
		add_block(out, g->processes[i]);
	if (g->count + g->passed > shown) {
		strbuf_adds(out, "and ");
		add_count(out, g->count + g->passed - shown, "process", "processes");
		strbuf_adds(out, " more, none worse\n");
	}
	gate_line_add(out, g, command);
	strbuf_addc(out, '\n');
}
