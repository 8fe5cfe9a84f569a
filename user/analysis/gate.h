/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A release gate: from the last verdict of each process that was watched, and how it ended, whether
 * all of them pass.
 *
 * To pass what leaks costs as much here as to stop what does not: what is too early to say passes
 * only if nothing grew, and who was killed for lack of memory never does.
 */
#ifndef MEMWATCH_ANALYSIS_GATE_H
#define MEMWATCH_ANALYSIS_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/series.h"
#include "analysis/shape.h"
#include "analysis/verdict.h"
#include "memwatch/abi.h"

/* What is found of a process, from good to bad. */
enum gate_finding {
	GATE_FINE,     /* judged: no leak */
	GATE_BRIEF,    /* too early to judge, but it did not grow */
	GATE_SLOW,     /* too early to judge, and what it grew by may be its warm-up */
	GATE_PASSING,  /* too early to judge while it grew, but it soon ended, and in order */
	GATE_EARLY,    /* too early to judge while it grew */
	GATE_KILLED,   /* killed for lack of memory, and not seen to grow */
	GATE_FAST,     /* grows faster than the bar */
	GATE_OUTGROWN, /* grew until it was killed for that, or until V8 gave up */
	GATE_LEAKS,
};

struct gate_process {
	uint32_t pid;
	char comm[MW_COMM_LEN + 1];	    /* hostile bytes */
	const struct verdict *verdict;	    /* the last one; NULL: never judged */
	const struct series *private_bytes; /* anon + swap, since its program began */
	double lived_s;			    /* of the run */
	bool is_main;			    /* named, or the program itself; else another's child */
	bool has_collector;		    /* whose collections are seen */
	bool has_ended, is_code_known;
	int code; /* as wait(2) gives it */
	bool is_oom_killed;
	const char *sites; /* the likeliest, lines of text; or NULL */
	const char *kept;  /* what a leak of V8's heap consists of, the same; or NULL */

	/* By gate_look(). */
	enum gate_finding finding;
	struct shape shape;
	double grown; /* what it grew by since its warm-up, bytes; 0 if that is too little to matter
		       */
};

/* The program that was run for it. */
struct gate_command {
	bool is_run; /* there is one */
	bool has_ended;
	bool was_told_to; /* by us, at the end: then its status says nothing */
	int code;	  /* as wait(2) gives it; valid with has_ended */
	int exec_error;	  /* errno: it was never executed; 0: it was */
};

enum gate_result { GATE_PASS, GATE_LEAK, GATE_OVER, GATE_UNKNOWN, GATE_FAILED };

struct gate {
	double seconds;	   /* that were watched */
	double max_growth; /* the bar, bytes per second; 0: none */
	struct gate_command command;
	const struct gate_process *const *processes; /* the worst first: gate_sort() */
	size_t count;
	size_t passed; /* more, that ended and passed, and of which no more is known */

	/* By gate_decide(). */
	enum gate_result result;
	size_t bad;	   /* processes that have the result */
	double worst_rate; /* the fastest growth, bytes per second */
};

/** gate_look - what is found of one process; @max_growth: bytes per second, 0: no bar */
void gate_look(struct gate_process *p, double max_growth, double watched_s);

/** gate_sort - the worst first; of the same finding, the fastest */
void gate_sort(const struct gate_process **processes, size_t count);

/** gate_rate - how fast the floor of its private memory rises after its warm-up, bytes per second;
 *  0: it does not, or nobody knows */
double gate_rate(const struct gate_process *p);

/** gate_decide - the result, of processes that were looked at */
void gate_decide(struct gate *g);

/** gate_status - the exit status: 0 passes, 3 leaks or over the bar, 1 failed or cannot say */
int gate_status(enum gate_result result);

/** gate_result_name - "pass", "leak", "over", "unknown", "failed" */
const char *gate_result_name(enum gate_result result);

#endif
