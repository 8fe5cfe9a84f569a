/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a recording holds, read back: facts only, for reports and comparisons. Who reads it from a
 * file is user/store/recording.h.
 *
 * Of every process that was seen its summary is there; what is long (ticks, collections, sites,
 * censuses) only of those that were asked for (@is_loaded). All text is hostile, and lives in
 * @names.
 */
#ifndef MEMWATCH_MODEL_RECORDED_H
#define MEMWATCH_MODEL_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/census.h"
#include "model/gc.h"
#include "model/kept.h"
#include "model/lost.h"
#include "model/process.h"
#include "model/run.h"
#include "model/site.h"

/* What a process held at one tick, and what it did since the row before that is still there. */
struct recorded_tick {
	uint64_t ns; /* CLOCK_BOOTTIME */
	struct totals now;
	uint64_t private_low; /* least of anon + swap since the row before, this one included */
	uint64_t rss_high;    /* greatest RSS since then */
	struct activity activity;
	bool has_activity;  /* else it is all 0 and means nothing */
	bool calls_counted; /* as in struct process */
};

/* A collection, or several young ones of an old stretch of time together. */
struct recorded_gc {
	struct gc gc;	       /* of several: the last; @pause_ns: of all of them */
	uint64_t count;	       /* 1, or how many */
	uint64_t pause_max_ns; /* the longest of them */
	bool is_heap_out;      /* none: its heap is gone, since a worker has ended */
};

#define RECORDED_HEAP_OUT "heap-out" /* as a kind of collection in the file */

enum recorded_event_kind {
	RECORDED_FORK,
	RECORDED_EXEC,
	RECORDED_EXIT,
	RECORDED_VANISHED, /* gone without a record of its end */
	RECORDED_OOM,
	RECORDED_EVENTS
};

struct recorded_process;

struct recorded_event {
	enum recorded_event_kind kind;
	uint64_t ns; /* CLOCK_BOOTTIME */
	uint32_t pid, ppid;
	uint64_t start_ns;			/* 0: unknown */
	const struct recorded_process *process; /* whose it is; NULL: unknown */
	char comm[MW_COMM_LEN + 1];
	const char *path;	 /* exec: of the program; NULL: unknown */
	int code;		 /* exit: as wait(2) gives it */
	uint64_t peak_rss_bytes; /* exit: 0: unknown */
	bool has_last;
	struct totals last;	  /* exit: at its end; oom: of the victim */
	const char *limit_kind;	  /* oom: "cgroup", "machine"; NULL: unknown */
	const char *limit_cgroup; /* oom: whose limit ran out; NULL: unknown */
	uint64_t limit_bytes, usage_bytes;
};

/* A verdict as it was given. */
struct recorded_verdict {
	uint64_t ns; /* CLOCK_BOOTTIME */
	const struct verdict *verdict;
};

/* When in the recording a census was taken, and why. */
enum recorded_census_when {
	RECORDED_CENSUS_BEGIN, /* of the recording */
	RECORDED_CENSUS_LEAK,  /* a leak was called: the two that it is compared by */
	RECORDED_CENSUS_END,
	RECORDED_CENSUS_WHENS
};

struct recorded_census {
	enum recorded_census_when when;
	struct census *census;
};

struct recorded_process {
	int64_t id; /* in the file */
	uint32_t pid, ppid;
	uint64_t start_ns; /* CLOCK_BOOTTIME; with @pid its identity */
	char comm[MW_COMM_LEN + 1];
	const char *path;		/* of its program, from an exec that was seen; or NULL */
	const char *cgroup, *container; /* NULL: unknown */
	bool is_named;			/* the user named it, or it descends from CMD */
	enum collector collector;
	uint64_t first_ns, last_ns; /* of the first and the last tick that it was in; 0: in none */
	struct totals first, last;  /* at these */
	uint64_t peak_rss_bytes;
	bool has_ended, is_code_known, is_oom_killed;
	uint64_t end_ns;
	int code;		       /* as wait(2) gives it */
	const struct verdict *verdict; /* the last one; NULL: never judged */
	uint64_t verdict_ns;	       /* when it was given */
	struct kept *kept;	       /* what its leak consists of; NULL: nobody looked */

	bool is_loaded;		     /* the rest is there */
	struct recorded_tick *ticks; /* in the order of time; only where something changed */
	size_t tick_count;
	struct recorded_gc *gcs;
	size_t gc_count;
	struct recorded_verdict *verdicts; /* each change, in the order of time; the last is as
					      @verdict */
	size_t verdict_count;
	struct site_table *sites;	  /* NULL: no stacks were taken of it */
	uint64_t sites_ns;		  /* the tick that they are of */
	struct recorded_census *censuses; /* in the order of time */
	size_t census_count;
};

struct recorded {
	const char *path; /* of the file */
	int schema;
	struct run run;			     /* as it began; its strings are in @names */
	uint64_t begin_ns, end_ns;	     /* CLOCK_BOOTTIME of the first and the last tick */
	uint64_t begin_wall_ns, end_wall_ns; /* CLOCK_REALTIME of these */
	bool is_whole;	     /* it has an end: memwatch was not killed, the disk was not full */
	pid_t open_by;	     /* another process that has the file open; 0: none, or not known */
	const char *command; /* after "--", as typed; NULL: none */
	uint64_t requests;   /* that were made meanwhile, as the user said; 0: unknown */
	uint64_t ticks, born, gone; /* ticks; processes born and gone during all of it */
	uint64_t thinned_ns;	    /* before this, not all ticks are there any more; 0: all are */
	uint64_t dropped_events; /* old ones that made room, new ones that could not be written */
	uint64_t dropped_sites;	 /* for which there was no room */
	uint64_t left_out;	 /* rows that are more than a reader takes */
	struct self_cost cost;	 /* as of the last tick */
	struct lost lost;

	struct recorded_process *processes; /* named ones first, leaks, then by growth */
	size_t process_count;
	struct recorded_event *events; /* in the order of time; of all processes */
	size_t event_count;
	struct intern *names;
};

/** recorded_free - takes NULL */
void recorded_free(struct recorded *r);

/** recorded_seconds - from its first to its last tick */
double recorded_seconds(const struct recorded *r);

/** recorded_find - the process of this identity; @start_ns 0: any. NULL if it is not there */
const struct recorded_process *recorded_find(const struct recorded *r, uint32_t pid,
					     uint64_t start_ns);

/** recorded_growth - footprint (rss + swap) at the last tick less that at the first, bytes */
int64_t recorded_growth(const struct recorded_process *p);

/**
 * recorded_as_process - the same as what a run has at @p's last tick, for outputs of both
 * @cgroup: room that @out may refer to
 *
 * Without a delta and activity. Refers to @p; nothing is to be released.
 */
void recorded_as_process(const struct recorded_process *p, struct cgroup *cgroup,
			 struct process *out);

/** recorded_wall_ns - CLOCK_REALTIME of a CLOCK_BOOTTIME moment of the recording */
uint64_t recorded_wall_ns(const struct recorded *r, uint64_t boot_ns);

/** recorded_event_name - "fork", "exec", "exit", "vanished", "oom" */
const char *recorded_event_name(enum recorded_event_kind kind);
/** recorded_census_when_name - "begin", "leak", "end"; recorded_census_when_parse - or -1 */
const char *recorded_census_when_name(enum recorded_census_when when);
int recorded_census_when_parse(const char *name);

#endif
