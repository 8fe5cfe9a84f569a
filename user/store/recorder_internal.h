/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The writer of recordings, inside:
 *
 *   recorder.c           the calls, transactions, what sticks
 *   recorder_file.c      the file: made, opened, left as one
 *   recorder_rows.c      statements, and rows bound to them
 *   recorder_process.c   processes and what they hold
 *   recorder_tick_row.c  a row of what a process holds, written and read back
 *   recorder_event.c     events, collections, verdicts
 *   recorder_sites.c     sites, with stacks and frames that are written once
 *   recorder_census.c    censuses
 *   recorder_thin.c      what is old becomes less: when, and how much of it
 *   recorder_fold.c      ticks and collections of one stretch of time become one
 *   recorder_prune.c     events, verdicts, censuses that go
 *   recorder_sync.c      the thread that waits for the disk
 */
#ifndef MEMWATCH_STORE_RECORDER_INTERNAL_H
#define MEMWATCH_STORE_RECORDER_INTERNAL_H

#include <limits.h>
#include <sqlite3.h>

#include "base/hmap.h"
#include "base/strbuf.h"
#include "model/site.h"
#include "store/recorder.h"
#include "store/recorder_sync.h"
#include "store/recorder_thin.h"

#define RECORDER_PAGE  4096 /* PRAGMA page_size */

#define TOTALS_COUNT   12 /* sizes of struct totals that are written */
#define ACTIVITY_COUNT 13 /* all of struct activity */

/* What is written again and again; each is prepared when it is first needed. */
enum statement {
	ADD_META,
	ADD_HOOK,
	ADD_TARGET,
	ADD_TICK,
	ADD_LOST,
	ADD_CGROUP,
	FIND_PROCESS,
	ADD_PROCESS,
	SET_PROCESS,
	SET_PATH,
	SET_PEAK,
	END_PROCESS,
	ADD_PROCESS_TICK,
	ADD_EVENT,
	ADD_GC,
	ADD_VERDICT,
	ADD_MODULE,
	ADD_FRAME,
	ADD_STACK,
	ADD_STACK_FRAME,
	ADD_SITE,
	SET_SITE,
	ADD_SITE_STATE,
	ADD_CENSUS,
	ADD_CENSUS_ISOLATE,
	ADD_CONSTRUCTOR,
	ADD_RETAINER,
	GET_PAGES,
	GET_FREE_PAGES,
	NEXT_TICK,
	COUNT_PROCESS_TICKS,
	GET_PROCESS_TICKS,
	DROP_PROCESS_TICK,
	SUM_TICKS,
	SET_TICK,
	DROP_TICKS,
	SUM_LOST,
	DROP_LOST,
	GET_GCS,
	SET_GC,
	DROP_GC,
	GET_EVENTS,
	DROP_EVENT,
	DROP_PROCESS,
	DROP_SITES,
	DROP_SITE_STATE,
	DROP_PROCESS_VERDICTS,
	DROP_VERDICTS,
	GET_EMPTY_CGROUPS,
	DROP_CGROUP,
	OLD_CENSUS,
	DROP_CENSUS,
	DROP_CENSUS_ISOLATES,
	DROP_CONSTRUCTORS,
	DROP_RETAINERS,
	STATEMENTS
};

struct recorder {
	char path[PATH_MAX];
	const char *name; /* of @path, as the user wrote it */
	uint64_t max_bytes;
	unsigned page_shift;
	char *command;
	uint64_t requests;
	uint64_t locked_ns;

	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	struct strbuf text; /* the one that is being bound */
	struct recorder_sync *sync;

	int err; /* sticks */
	char why[RECORDER_WHY];

	bool in_transaction;
	bool is_locked_out;	/* somebody else has the file locked, at this tick */
	uint64_t locked_out_ns; /* since then; 0: they have not */
	bool is_tight, is_full; /* there is little room, or none, for what is new */
	uint64_t dropped_events, dropped_written;
	uint64_t dropped_sites, dropped_sites_written;
	uint64_t site_bytes; /* what sites with their stacks took, about */
	uint64_t rows;	     /* written, and marks of it: */
	uint64_t tick_rows, measured_rows, committed_rows;
	uint64_t log_bytes;    /* how long the log may become before it is moved */
	uint64_t log_used;     /* how long it is */
	uint64_t log_tried_ns; /* when this thread could not move it; 0: it could */
	struct recorder_thin thin;

	uint64_t begin_ns;	    /* of the first tick; 0: none yet */
	uint64_t now_ns;	    /* of the last one */
	uint64_t wall_ns;	    /* the same, CLOCK_REALTIME */
	uint64_t committed_wall_ns; /* of the last tick that is in the file */

	struct hmap processes;		/* struct recorder_process, by identity */
	struct recorder_process *ended; /* those that have ended: forgotten at the next tick */
	struct hmap cgroups, modules, frames, stacks; /* struct recorder_key */
	uint64_t seed;				      /* of the hashes of what others chose */
	struct recorder_stats stats;
};

/* What is in the file already, by a hash of what it is. */
struct recorder_key {
	struct hmap_node node;
	int64_t id;
};

/* A process as it was last written. */
struct recorder_process {
	struct hmap_node node;
	struct recorder_process *next_ended;
	uint32_t pid, ppid;
	uint64_t start_ns;
	int64_t id; /* 0: not written yet */
	char comm[MW_COMM_LEN + 1];
	uint64_t cgroup_id;
	bool is_named, has_ended;
	enum collector collector;
	uint64_t first_ns; /* 0: in no tick yet */
	uint64_t peak_bytes;
	uint64_t totals[TOTALS_COUNT];
	/* Since the row before: more than one tick's where some could not be written. */
	uint64_t activity[ACTIVITY_COUNT];
	bool has_activity, calls_counted;
	struct totals missed; /* of the last tick that could not be written, with @has_missed */
	uint64_t missed_low, missed_high;
	bool has_missed;
};

/* --- recorder.c --- */

/**
 * recorder_ready - to be asked before anything is written: a transaction is there
 *
 * Returns 0; -EAGAIN: this is to be left out, it cannot be written now; or the error that sticks.
 */
int recorder_ready(struct recorder *r);
/** recorder_relieve - begins another transaction if this one becomes too long for the log */
int recorder_relieve(struct recorder *r);
/** recorder_drop - one of the events, collections, verdicts is left out: counted. Returns 0 */
int recorder_drop(struct recorder *r);
/** recorder_fail - @rc of SQLite sticks, with a clause that says what to do. Returns its errno */
int recorder_fail(struct recorder *r, int rc);
/** recorder_fail_errno - the same of a negative errno */
int recorder_fail_errno(struct recorder *r, int err);

/* --- recorder_file.c --- */

/** recorder_file_open - makes the file @path and opens it; 0 or a negative errno with @why set */
int recorder_file_open(struct recorder *r, const char *path, char why[RECORDER_WHY]);
/** recorder_file_tidy - the file has gone from its path: its log and index go, too, if they are of
 *  no other that is there now */
void recorder_file_tidy(const struct recorder *r);
/** recorder_file_bytes - of file and log together */
uint64_t recorder_file_bytes(const struct recorder *r);

/* --- recorder_rows.c --- */

/* A row on its way: values are bound in the order of the statement's parameters. */
struct row {
	struct recorder *r;
	sqlite3_stmt *st; /* NULL: it failed, all that follows does nothing */
	int at;
};

struct row row_begin(struct recorder *r, enum statement which);
void row_null(struct row *row);
void row_int(struct row *row, int64_t value);
void row_u64(struct row *row, uint64_t value);	 /* what does not fit is INT64_MAX */
void row_known(struct row *row, uint64_t value); /* 0 is NULL */
void row_real(struct row *row, double value);	 /* no number is NULL */
/** row_text - hostile bytes, @max at the most: made into text. NULL is NULL */
void row_text(struct row *row, const char *s, size_t max);
/** row_own - text that is memwatch's own, or was made safe. NULL is NULL */
void row_own(struct row *row, const char *s);
/** row_end - writes it; 0 or the error that sticks */
int row_end(struct row *row);
/**
 * row_next - asks: 1, and its columns are in @row->st; 0 when there are no more; or the error
 *
 * Who does not go on to the end calls row_stop().
 */
int row_next(struct row *row);
void row_stop(struct row *row);
/** row_number - the one number that the statement gives; @missing if it gives none */
int64_t row_number(struct row *row, int64_t missing);
/** row_id - of the row that row_end() has written */
int64_t row_id(const struct recorder *r);
/** rows_finalize - gives all statements back */
void rows_finalize(struct recorder *r);

/** recorder_key_find - of @hash, or NULL; recorder_key_add - 0 or the error that sticks */
struct recorder_key *recorder_key_find(const struct hmap *m, uint64_t hash);
int recorder_key_add(struct recorder *r, struct hmap *m, uint64_t hash, int64_t id);
void recorder_keys_release(struct hmap *m);

/* --- recorder_fold.c, recorder_prune.c: see recorder_thin.h --- */

/** fold_ticks - the next stretch of @spacing_ns that is over at @until_ns. Takes what it goes
 *  through from @r->thin.rows. Returns whether there was one */
bool fold_ticks(struct recorder *r, struct thin_band *band, uint64_t spacing_ns, uint64_t until_ns);
/** fold_gcs - collections before @until_ns, young ones or @all; the same */
bool fold_gcs(struct recorder *r, uint64_t width_ns, uint64_t until_ns, bool all);
/** prune_events - those before @until_ns that @r->thin.level says; the same */
bool prune_events(struct recorder *r, uint64_t until_ns);
/** prune_verdicts - those before @until_ns but the last of each process */
int prune_verdicts(struct recorder *r, uint64_t until_ns);
/** prune_cgroups - those that no process is in any more. Returns whether there were some */
bool prune_cgroups(struct recorder *r);
/** prune_census - the oldest that was taken between begin and end, but for the last @keep.
 *  Returns whether there was one */
bool prune_census(struct recorder *r, unsigned keep);

/* --- recorder_tick_row.c --- */

/* A row of process_tick in memory. */
struct tick_row {
	uint64_t ns;
	int64_t process;
	uint64_t totals[TOTALS_COUNT];
	bool heap_unknown;
	uint64_t private_low, rss_high;
	uint64_t activity[ACTIVITY_COUNT];
	bool has_activity, calls_counted;
};

/** tick_row_write - as a row, in place of one that is there */
int tick_row_write(struct recorder *r, const struct tick_row *row);
/** tick_row_read - as GET_PROCESS_TICKS gives it */
void tick_row_read(struct tick_row *out, sqlite3_stmt *st);
/** tick_row_add - @next follows @sum: what it holds, lows and highs of both, what both did */
void tick_row_add(struct tick_row *sum, const struct tick_row *next);

/* --- recorder_process.c --- */

/** recorder_process_find - the entry of this identity if it is known; or NULL */
struct recorder_process *recorder_process_find(const struct recorder *r, uint32_t pid,
					       uint64_t start_ns);
/** recorder_process_get - the entry of this identity, with a row; NULL: @r->err says why */
struct recorder_process *recorder_process_get(struct recorder *r, uint32_t pid, uint32_t ppid,
					      uint64_t start_ns, const char *comm);
/** recorder_process_end - it has ended: its row says so, and the entry is forgotten later */
int recorder_process_end(struct recorder *r, struct recorder_process *e, uint64_t ns,
			 const int *code, uint64_t peak_bytes);
/** recorder_process_exec - another program now */
int recorder_process_exec(struct recorder *r, struct recorder_process *e, const char *comm,
			  const char *path);
/** recorder_write_missed - ticks that could not be written, as far as nothing told of them since */
int recorder_write_missed(struct recorder *r);
/** recorder_process_forget - its row is gone; spoken of once more it gets another */
void recorder_process_forget(struct recorder *r, uint32_t pid, uint64_t start_ns);
/** recorder_forget_ended - those that had ended at the tick before */
void recorder_forget_ended(struct recorder *r);
void recorder_processes_release(struct recorder *r);

/* --- recorder_sites.c --- */

/** recorder_sites - what has changed of the sites of @p */
int recorder_sites(struct recorder *r, const struct process *p, int64_t process);

#endif
