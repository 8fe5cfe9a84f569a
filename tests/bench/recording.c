// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * recording.c - how large a recording becomes, and what a tick of it costs.
 *
 *	recording SOURCE FILE HOURS [PROCESSES]
 *
 * SOURCE is a recording of some minutes, not thinned yet: what it has of processes, events and
 * collections is replayed into FILE again and again, on a clock that is made, until HOURS of it
 * have passed. Processes that lived on at the end of SOURCE live through all of FILE, each round
 * beginning at the sizes of the first; others are born and die once a round. With PROCESSES only
 * so many of those that lived on are taken.
 */
#include <sqlite3.h>

#include "base/clock.h"
#include "base/hmap.h"
#include "bench.h"
#include "store/recorder.h"

#define TOTALS	 12
#define ACTIVITY 13
#define MIB	 1048576.0

struct step {
	uint64_t ns; /* since the begin of the source */
	int64_t process;
	enum { STEP_HOLDS, STEP_EVENT, STEP_GC } what;
	union {
		struct process p;
		struct {
			enum recorded_event_kind kind;
			int code;
		} event;
		struct gc gc;
	};
};

struct source {
	struct step *steps;
	size_t count, cap;
	uint64_t begin_ns, span_ns;
	struct known *known;
	int64_t known_count;
};

struct known {
	uint32_t pid;
	uint64_t start_ns;
	char comm[MW_COMM_LEN + 1];
	bool lives_on, is_left_out;
	struct process now;
};

/* --- reading --- */

static struct step *add_step(struct source *s)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 4096;
		s->steps = realloc(s->steps, s->cap * sizeof(*s->steps));
		if (!s->steps)
			die("no memory");
	}
	s->steps[s->count] = (struct step){0};
	return &s->steps[s->count++];
}

static void each(sqlite3 *db, const char *sql, void (*fn)(struct source *, sqlite3_stmt *),
		 struct source *s)
{
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL))
		die("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(st) == SQLITE_ROW)
		fn(s, st);
	sqlite3_finalize(st);
}

static void take_span(struct source *s, sqlite3_stmt *st)
{
	s->begin_ns = (uint64_t)sqlite3_column_int64(st, 0);
	s->span_ns = (uint64_t)sqlite3_column_int64(st, 1) - s->begin_ns + NS_PER_S;
	s->known_count = sqlite3_column_int64(st, 2) + 1;
	s->known = calloc((size_t)s->known_count, sizeof(*s->known));
	if (!s->known)
		die("no memory");
}

static void take_process(struct source *s, sqlite3_stmt *st)
{
	struct known *k = &s->known[sqlite3_column_int64(st, 0)];

	k->pid = (uint32_t)sqlite3_column_int64(st, 1);
	k->start_ns = (uint64_t)sqlite3_column_int64(st, 2);
	snprintf(k->comm, sizeof(k->comm), "%s", (const char *)sqlite3_column_text(st, 3));
	k->lives_on = sqlite3_column_type(st, 4) == SQLITE_NULL &&
		      sqlite3_column_type(st, 5) != SQLITE_NULL;
}

static void take_tick(struct source *s, sqlite3_stmt *st)
{
	struct step *step = add_step(s);
	struct totals *t = &step->p.now;
	uint64_t *totals[TOTALS] = {&t->anon_bytes, &t->file_bytes,    &t->shmem_bytes,
				    &t->swap_bytes, &t->pgtable_bytes, &t->vm_bytes,
				    &t->data_bytes, &t->stack_bytes,   &t->heap_bytes,
				    &t->threads,    &t->minflt,	       &t->majflt};
	uint64_t *activity = &step->p.activity.fault_bytes;

	step->ns = (uint64_t)sqlite3_column_int64(st, 0) - s->begin_ns;
	step->process = sqlite3_column_int64(st, 1);
	for (int i = 0; i < TOTALS; i++)
		*totals[i] = (uint64_t)sqlite3_column_int64(st, 2 + i);
	for (int i = 0; i < ACTIVITY; i++)
		activity[i] = (uint64_t)sqlite3_column_int64(st, 4 + TOTALS + i);
	t->rss_bytes = t->anon_bytes + t->file_bytes + t->shmem_bytes;
	step->p.has_delta = step->p.calls_counted = true;
}

static void take_event(struct source *s, sqlite3_stmt *st)
{
	const char *kind = (const char *)sqlite3_column_text(st, 2);
	struct step *step = add_step(s);

	step->what = STEP_EVENT;
	step->ns = (uint64_t)sqlite3_column_int64(st, 0) - s->begin_ns;
	step->process = sqlite3_column_int64(st, 1);
	step->event.kind = kind[0] == 'f'	   ? RECORDED_FORK
			   : !strcmp(kind, "exec") ? RECORDED_EXEC
						   : RECORDED_EXIT;
	step->event.code = sqlite3_column_int(st, 3);
}

static void take_gc(struct source *s, sqlite3_stmt *st)
{
	struct step *step = add_step(s);
	int kind = gc_kind_parse((const char *)sqlite3_column_text(st, 2));

	step->what = STEP_GC;
	step->ns = (uint64_t)sqlite3_column_int64(st, 0) - s->begin_ns;
	step->process = sqlite3_column_int64(st, 1);
	step->gc = (struct gc){
		.kind = kind < 0 ? MW_GC_OTHER : (enum mw_gc_kind)kind,
		.isolate = (uint64_t)sqlite3_column_int64(st, 3),
		.pause_ns = (uint64_t)sqlite3_column_int64(st, 4),
		.live_bytes = (uint64_t)sqlite3_column_int64(st, 5),
	};
}

static int by_time(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	return x->ns < y->ns ? -1 : x->ns > y->ns;
}

static void leave_out(struct source *s, long wanted)
{
	for (int64_t i = 0; i < s->known_count; i++) {
		if (s->known[i].lives_on && wanted-- <= 0)
			s->known[i].is_left_out = true;
	}
}

static void read_source(const char *path, struct source *s)
{
	sqlite3 *db;

	*s = (struct source){0};
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL))
		die("%s: %s", path, sqlite3_errmsg(db));
	each(db, "SELECT min(ns), max(ns), (SELECT max(id) FROM process) FROM tick", take_span, s);
	each(db, "SELECT id, pid, start_ns, comm, end_ns, first_ns FROM process", take_process, s);
	each(db, "SELECT * FROM process_tick", take_tick, s);
	each(db,
	     "SELECT ns, process, kind, code FROM event WHERE process IS NOT NULL AND ns >= "
	     "(SELECT min(ns) FROM tick)",
	     take_event, s);
	each(db, "SELECT ns, process, kind, isolate, pause_ns, live_bytes FROM gc", take_gc, s);
	sqlite3_close(db);
	qsort(s->steps, s->count, sizeof(*s->steps), by_time);
}

/* --- replaying --- */

struct replay {
	struct recorder *r;
	uint64_t begin_ns, now_ns;
	uint64_t round; /* so that who dies is another each time */
	struct series cost_ms;
	uint64_t ticks, rows;
	double sum_ms, max_ms; /* CPU time of its thread */
	double longest_ms;     /* of a tick, by the clock: on a machine that others use */
	uint64_t max_bytes;
};

static uint64_t start_of(const struct replay *re, const struct known *k)
{
	return k->lives_on ? k->start_ns : k->start_ns + re->round * 1000003;
}

static int replay_event(struct replay *re, const struct step *step, struct known *k)
{
	struct mw_event_header h = {
		.pid = k->pid, .start_ns = start_of(re, k), .ts_ns = re->now_ns};
	struct mw_event_exec exec = {.path = "/usr/bin/something"};
	struct mw_event_exit exit = {.code = step->event.code};

	memcpy(h.comm, k->comm, MW_COMM_LEN);
	exec.h = exit.h = h;
	exec.h.type = MW_EVENT_EXEC;
	exit.h.type = MW_EVENT_EXIT;
	h.type = MW_EVENT_FORK;
	if (k->lives_on && step->event.kind != RECORDED_EXEC)
		return 0;
	if (step->event.kind == RECORDED_EXIT)
		k->now.pid = 0;
	return recorder_event(re->r,
			      step->event.kind == RECORDED_FORK	  ? &h
			      : step->event.kind == RECORDED_EXEC ? &exec.h
								  : &exit.h,
			      NULL, NULL);
}

static int replay_step(struct replay *re, struct source *s, const struct step *step)
{
	struct known *k = &s->known[step->process];
	struct gc gc;

	if (k->is_left_out)
		return 0;
	if (step->what == STEP_EVENT)
		return replay_event(re, step, k);
	if (step->what == STEP_GC) {
		gc = step->gc;
		gc.pid = k->pid;
		gc.start_ns = start_of(re, k);
		gc.ns = re->now_ns;
		memcpy(gc.comm, k->comm, sizeof(gc.comm));
		return recorder_gc(re->r, &gc);
	}
	k->now = step->p;
	k->now.pid = k->pid;
	k->now.ppid = 1;
	k->now.start_ns = start_of(re, k);
	memcpy(k->now.comm, k->comm, sizeof(k->comm));
	k->now.peak_rss_bytes = step->p.now.rss_bytes;
	return 0;
}

/* All that are there are offered at each tick, as a run does. */
static int offer(struct replay *re, struct source *s)
{
	int err = 0;

	for (int64_t i = 0; i < s->known_count && !err; i++) {
		struct process *p = &s->known[i].now;

		if (!p->pid)
			continue;
		err = recorder_process(re->r, p, false);
		p->activity = (struct activity){0};
	}
	return err;
}

static int tick(struct replay *re, struct source *s, size_t *at, uint64_t until_ns)
{
	struct recorder_tick t = {.now_ns = re->now_ns, .wall_ns = re->now_ns};
	int err = recorder_tick(re->r, &t);

	while (!err && *at < s->count && s->steps[*at].ns < until_ns)
		err = replay_step(re, s, &s->steps[(*at)++]);
	if (!err)
		err = offer(re, s);
	return err ? err : recorder_commit(re->r);
}

struct moment {
	uint64_t wall_ns, cpu_ns;
};

static struct moment now(void)
{
	return (struct moment){clock_boot_ns(), read_clock_ns(CLOCK_THREAD_CPUTIME_ID)};
}

static void measure(struct replay *re, struct moment from)
{
	struct moment to = now();
	double ms = (double)(to.cpu_ns - from.cpu_ns) / NS_PER_MS;
	double wall_ms = (double)(to.wall_ns - from.wall_ns) / NS_PER_MS;
	struct recorder_stats stats;

	recorder_stats(re->r, &stats);
	re->max_bytes = stats.bytes > re->max_bytes ? stats.bytes : re->max_bytes;
	re->sum_ms += ms;
	re->max_ms = ms > re->max_ms ? ms : re->max_ms;
	re->longest_ms = wall_ms > re->longest_ms ? wall_ms : re->longest_ms;
	re->ticks++;
	if (re->ticks % 31 == 0)
		series_add(&re->cost_ms, ms);
}

/* One round: the source from its begin to its end. */
static int go_round(struct replay *re, struct source *s, uint64_t end_ns)
{
	size_t at = 0;
	int err = 0;

	for (uint64_t ns = 0; ns < s->span_ns && re->now_ns < end_ns && !err; ns += NS_PER_S) {
		struct moment from = now();

		re->now_ns += NS_PER_S;
		err = tick(re, s, &at, ns + NS_PER_S);
		measure(re, from);
	}
	re->round++;
	for (int64_t i = 0; i < s->known_count; i++) {
		if (!s->known[i].lives_on)
			s->known[i].now.pid = 0;
	}
	return err;
}

static void report(struct replay *re, const char *path, double hours)
{
	struct recorder_stats stats;

	recorder_stats(re->r, &stats);
	printf("{\"bench\":\"recording\",\"file\":\"%s\",\"hours\":%.2f,\"ticks\":%llu,"
	       "\"processes\":%llu,\"events\":%llu,\"gcs\":%llu,\"bytes\":%llu,\"mib\":%.1f,"
	       "\"most_mib\":%.1f,\"tick_ms_mean\":%.3f,\"tick_ms_max\":%.1f,\"tick_wall_ms_max\":%"
	       ".1f,",
	       path, hours, (unsigned long long)stats.ticks, (unsigned long long)stats.processes,
	       (unsigned long long)stats.events, (unsigned long long)stats.gcs,
	       (unsigned long long)stats.bytes, (double)stats.bytes / MIB,
	       (double)re->max_bytes / MIB, re->sum_ms / (double)re->ticks, re->max_ms,
	       re->longest_ms);
	print_estimate("tick_ms", &re->cost_ms);
	printf("}\n");
}

int main(int argc, char **argv)
{
	static struct replay re;
	const struct run run = {.version = "0", .kernel = "0", .arch = "0"};
	struct recorder_options options = {.page_shift = 12};
	struct recorder_tick last = {0};
	char why[RECORDER_WHY];
	struct source s;
	double hours;

	if (argc < 4)
		die("usage: recording SOURCE FILE HOURS [PROCESSES]");
	hours = strtod(argv[3], NULL);
	options.path = argv[2];
	read_source(argv[1], &s);
	if (argc > 4)
		leave_out(&s, strtol(argv[4], NULL, 10));
	if (recorder_new(&options, &re.r, why) || recorder_begin(re.r, &run))
		die("%s", why);
	re.begin_ns = re.now_ns = s.begin_ns;
	while (re.now_ns < re.begin_ns + (uint64_t)(hours * 3600 * NS_PER_S)) {
		if (go_round(&re, &s, re.begin_ns + (uint64_t)(hours * 3600 * NS_PER_S)))
			die("%s", recorder_why(re.r));
	}
	last.now_ns = last.wall_ns = re.now_ns;
	if (recorder_end(re.r, &last))
		die("%s", recorder_why(re.r));
	report(&re, argv[2], hours);
	recorder_free(re.r);
	free(s.steps);
	free(s.known);
	return 0;
}
