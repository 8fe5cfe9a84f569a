/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Is it a leak? From what is known of one process over time: what goes on, how sure that is, why,
 * and when a limit is met.
 *
 * To call a leak what is none costs people more than to wait: a verdict is "too early" until the
 * series bear it. Confidence says how often such a verdict is right; it grows with time, since
 * nothing but time tells a cache that fills evenly from a leak.
 *
 * LIMITATIONS: see shape.h. Buffers and native leaks beside V8's heap are one class. Whose memory a
 * mapping is (an allocator's or the program's own) is told by the brk heap standing still only.
 */
#ifndef MEMWATCH_ANALYSIS_VERDICT_H
#define MEMWATCH_ANALYSIS_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/limit.h"
#include "analysis/live_heap.h"
#include "analysis/series.h"
#include "analysis/trend.h"

#define VERDICT_EVIDENCE_MAX	 8
#define VERDICT_SENTENCE	 192
#define VERDICT_LEAK_CONFIDENCE	 0.65 /* below it, what grows is too early to call */
#define VERDICT_NAMED_CONFIDENCE 0.5  /* below it, no class is named */
#define VERDICT_LEAK_KEPT	 0.5  /* below it, what was called is not called any more */

enum verdict_class {
	VERDICT_EARLY,	      /* too early to say */
	VERDICT_STEADY,	      /* comes back to the same floor, with little up and down */
	VERDICT_CHURN,	      /* the same with much: garbage, or load */
	VERDICT_WARMING,      /* grows more and more slowly, or has just levelled off */
	VERDICT_STEP,	      /* came to a higher level at once, and stays there */
	VERDICT_NOT_RETURNED, /* a burst is over, and part of its memory was not given back */
	VERDICT_PAGE_CACHE,   /* what grows are mapped files: the kernel takes that back */
	VERDICT_SHMEM,	      /* shared memory or tmpfs grows: nothing takes that back */
	VERDICT_LEAK,	      /* V8's live heap or malloc's grows */
	VERDICT_EXTERNAL,     /* grows beside V8's heap: Buffers, native code */
	VERDICT_STACKS,	      /* threads become more and more */
	VERDICT_MAPPINGS,     /* grows in mappings, not in malloc's heap */
	VERDICT_CLASSES,
};

enum verdict_mark_kind { VERDICT_MARK_OOM, VERDICT_MARK_EXIT };

/* What happened to the process or in its cgroup. */
struct verdict_mark {
	enum verdict_mark_kind kind;
	uint64_t ns;	   /* CLOCK_BOOTTIME */
	const char *where; /* OOM: the cgroup's path; NULL: the machine */
};

/* Any series may be NULL: not known. All are of the same process, in bytes, at ticks. */
struct verdict_input {
	uint64_t now_ns;		    /* CLOCK_BOOTTIME */
	uint64_t start_ns;		    /* of the process; 0: unknown */
	const struct series *private_bytes; /* anon + swap */
	const struct series *file, *shmem;
	const struct series *brk;      /* as mapped */
	const struct series *vm;       /* all that is mapped */
	const struct series *threads;  /* their count */
	const struct series *external; /* that V8 knows to be held by its objects */
	const struct live_heap *v8;    /* NULL: not V8, or its collections are not seen */
	const struct series *full;     /* full collections that were seen; only their times count */
	bool is_collected; /* garbage is collected and not seen how: Java, Go, V8 without hooks */
	bool is_unknown;   /* whether it is, nobody looked: what grows privately is not called */
	enum verdict_class called;  /* a leak, at the time before; VERDICT_EARLY: none was */
	const struct limit *limits; /* cgroups up the hierarchy, and the machine */
	unsigned limit_count;
	const struct verdict_mark *marks; /* in the order of time */
	unsigned mark_count;
};

struct verdict {
	enum verdict_class class;
	bool is_leak;
	double confidence;  /* 0..1; 0 if it is too early */
	struct trend trend; /* of what grows, or of private memory; bytes per second */
	uint64_t since_ns;  /* CLOCK_BOOTTIME: the phase began that this is about */
	struct limit limit; /* met first, if it goes on; kind LIMIT_NONE: none */
	double limit_seconds;
	unsigned evidence_count;
	char evidence[VERDICT_EVIDENCE_MAX][VERDICT_SENTENCE];
};

/**
 * verdict_give - judges one process
 * @out: overwritten; points to nothing but the @where of a limit
 *
 * Pure: the same input, the same verdict. Some tenths of a millisecond for each series that is not
 * flat: for many processes, not at each tick for all.
 */
void verdict_give(const struct verdict_input *in, struct verdict *out);

/** verdict_class_name - "leak", "warming", ...: as in NDJSON */
const char *verdict_class_name(enum verdict_class class);
/** verdict_class_parse - the class of that name, or -1 */
int verdict_class_parse(const char *name);
/** verdict_class_help - what it means, a phrase */
const char *verdict_class_help(enum verdict_class class);

#endif
