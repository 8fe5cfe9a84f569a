/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the parts of the reader of recordings share: rows of a hostile file, one after the other.
 *
 * A column of another type than expected is NULL, and a number beyond its bound is the bound.
 */
#ifndef MEMWATCH_STORE_RECORDING_INTERNAL_H
#define MEMWATCH_STORE_RECORDING_INTERNAL_H

#include <sqlite3.h>

#include "model/recorded.h"
#include "store/recording.h"

#define READ_TEXT_MAX	   (1 << 20)	/* bytes of a value; a row with a longer one is refused */
#define READ_NAMES_BYTES   (128u << 20) /* of all names */
#define READ_CPU_NS	   10000000000u /* own CPU time that reading may take, */
#define READ_CPU_MIB_NS	   100000000u /* and for each MiB that the file has: real ones take 20 ms */
#define READ_PROCESSES_MAX (1u << 18)
#define READ_EVENTS_MAX	   (1u << 18)
#define READ_TICKS_MAX	   (1u << 20) /* of all processes that are loaded */
#define READ_GCS_MAX	   (1u << 20) /* the same */
#define READ_SITES_MAX	   8192	      /* rows of a process; more than SITES_MAX are no sites */
#define READ_FRAMES_MAX	   256	      /* of a stack: memwatch takes MW_FRAMES, and inlined ones */
#define READ_VERDICTS_MAX  1024	      /* of a process */
#define READ_CENSUSES_MAX  64	      /* of a process */
#define READ_CONSTRUCTORS  (1u << 20) /* of a census */
#define READ_RETAINERS	   1024	      /* the same */
#define READ_JSON_DEPTH	   8

#define READ_BYTES_MAX	   (1ull << 50) /* a size; the sum of all sites of a process has room, too */
#define READ_TIME_MAX	   (1ull << 62) /* a time, until the year 2116 */

struct reading_id {
	int64_t id;
	size_t at; /* in @out->processes */
};

struct reading {
	sqlite3 *db;
	struct recorded *out;
	const struct recording_select *select;
	struct reading_id *ids; /* by id */
	uint64_t file_bytes;	/* on the disk */
	pid_t open_by;		/* another process that has it open; 0: none */
	uint64_t cpu_ns;	/* own CPU time after which reading is given up */
	uint64_t cpu_end_ns;	/* when that is */
	size_t ticks, gcs;	/* that were loaded */
	char *why;		/* RECORDING_WHY bytes */
};

/* --- recording_query.c --- */

/* 0: go on; an error ends it. */
typedef int (*reading_row)(struct reading *r, sqlite3_stmt *row, void *arg);

/** reading_refuse - says why; returns @err */
int reading_refuse(struct reading *r, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** reading_error - what the last error of SQLite means; returns a negative errno */
int reading_error(struct reading *r);
/** reading_prepare - a statement, to be finalised. 0 or a negative errno */
int reading_prepare(struct reading *r, const char *sql, sqlite3_stmt **out);
/** reading_run - @row of each row, with @id bound to the first parameter, @max rows at the most:
 *  what comes after is counted in @out->left_out */
int reading_run(struct reading *r, sqlite3_stmt *s, int64_t id, uint64_t max, reading_row row,
		void *arg);
/** reading_each - both, once */
int reading_each(struct reading *r, const char *sql, int64_t id, uint64_t max, reading_row row,
		 void *arg);

bool column_is_known(sqlite3_stmt *row, int at);
int64_t column_int(sqlite3_stmt *row, int at); /* 0: unknown */
/** column_number - 0 to @max; 0: unknown */
uint64_t column_number(sqlite3_stmt *row, int at, uint64_t max);
uint64_t column_bytes(sqlite3_stmt *row, int at);
uint64_t column_time(sqlite3_stmt *row, int at);
double column_real(sqlite3_stmt *row, int at); /* finite; 0: unknown */
/** column_text - interned; NULL: unknown */
const char *column_text(struct reading *r, sqlite3_stmt *row, int at);
/** column_chars - the same, until the next row */
const char *column_chars(sqlite3_stmt *row, int at);

/** reading_process - of this id in the file; NULL: there is none */
struct recorded_process *reading_process(const struct reading *r, int64_t id);

/* --- the parts, in the order in which they are read; 0 or a negative errno --- */

int reading_run_facts(struct reading *r); /* recording_run.c */
int reading_processes(struct reading *r); /* recording_process.c: all of them, not ranked */
int reading_verdicts(struct reading *r);  /* recording_verdict.c */
int reading_rank(struct reading *r);	  /* recording_process.c: and which are loaded */
int reading_ticks(struct reading *r);
int reading_changes(struct reading *r); /* recording_verdict.c: of verdicts */
int reading_events(struct reading *r);	/* recording_event.c */
int reading_gcs(struct reading *r);
int reading_sites(struct reading *r);	 /* recording_site.c */
int reading_censuses(struct reading *r); /* recording_census.c */

/** recording_load_db - what recording_load() does, of a database that is open; @r->why is set */
int recording_load_db(sqlite3 *db, const struct recording_select *select, struct recorded **out,
		      char why[RECORDING_WHY]);
/** recording_harden - nothing in the file is executed, and what it may cost is bounded */
int recording_harden(sqlite3 *db);

#endif
