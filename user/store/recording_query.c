/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rows of a hostile database, and what SQLite's errors mean. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/recording_internal.h"

int reading_refuse(struct reading *r, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, RECORDING_WHY, fmt, ap);
	va_end(ap);
	return err;
}

int reading_error(struct reading *r)
{
	const char *text = sqlite3_errmsg(r->db);

	switch (sqlite3_errcode(r->db)) {
	case SQLITE_NOMEM:
		return reading_refuse(r, -ENOMEM, "out of memory");
	case SQLITE_INTERRUPT:
		return reading_refuse(r, -E2BIG, "it takes more than %u s of CPU time to read",
				      (unsigned)(r->cpu_ns / 1000000000u));
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return reading_refuse(r, -EBUSY, "another program holds it locked");
	case SQLITE_IOERR:
		return reading_refuse(r, -EIO, "it cannot be read: %s", text);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		return reading_refuse(r, -EACCES,
				      "it cannot be opened for reading with its log beside it "
				      "(FILE-wal): copy both to a folder that can be written to");
	case SQLITE_ERROR: /* a table or a column is not there */
	case SQLITE_AUTH:
		return reading_refuse(r, -EINVAL, "it is no recording of memwatch: %s", text);
	default: /* SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_TOOBIG ... */
		return reading_refuse(r, -EUCLEAN, "it is damaged: %s", text);
	}
}

int reading_prepare(struct reading *r, const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v2(r->db, sql, -1, out, NULL) ? reading_error(r) : 0;
}

int reading_run(struct reading *r, sqlite3_stmt *s, int64_t id, uint64_t max, reading_row row,
		void *arg)
{
	uint64_t count = 0;
	int err = 0, step = SQLITE_DONE;

	if (sqlite3_bind_parameter_count(s) && sqlite3_bind_int64(s, 1, id))
		return reading_error(r);
	while (!err && (step = sqlite3_step(s)) == SQLITE_ROW) {
		if (count++ < max)
			err = row(r, s, arg);
		else
			r->out->left_out++;
	}
	if (!err && step != SQLITE_DONE)
		err = reading_error(r);
	sqlite3_reset(s);
	return err;
}

int reading_each(struct reading *r, const char *sql, int64_t id, uint64_t max, reading_row row,
		 void *arg)
{
	sqlite3_stmt *s = NULL;
	int err = reading_prepare(r, sql, &s);

	if (!err)
		err = reading_run(r, s, id, max, row, arg);
	sqlite3_finalize(s);
	return err;
}

/* --- columns --- */

bool column_is_known(sqlite3_stmt *row, int at)
{
	return sqlite3_column_type(row, at) != SQLITE_NULL;
}

int64_t column_int(sqlite3_stmt *row, int at)
{
	return sqlite3_column_type(row, at) == SQLITE_INTEGER ? sqlite3_column_int64(row, at) : 0;
}

uint64_t column_number(sqlite3_stmt *row, int at, uint64_t max)
{
	int64_t value = column_int(row, at);

	if (value < 0)
		return 0;
	return (uint64_t)value < max ? (uint64_t)value : max;
}

uint64_t column_bytes(sqlite3_stmt *row, int at)
{
	return column_number(row, at, READ_BYTES_MAX);
}

uint64_t column_time(sqlite3_stmt *row, int at)
{
	return column_number(row, at, READ_TIME_MAX);
}

double column_real(sqlite3_stmt *row, int at)
{
	int type = sqlite3_column_type(row, at);
	double value;

	if (type != SQLITE_FLOAT && type != SQLITE_INTEGER)
		return 0;
	value = sqlite3_column_double(row, at);
	return isfinite(value) ? value : 0;
}

const char *column_chars(sqlite3_stmt *row, int at)
{
	if (sqlite3_column_type(row, at) != SQLITE_TEXT)
		return NULL;
	return (const char *)sqlite3_column_text(row, at);
}

const char *column_text(struct reading *r, sqlite3_stmt *row, int at)
{
	return intern_str(r->out->names, column_chars(row, at));
}

/* --- processes by their id in the file --- */

struct recorded_process *reading_process(const struct reading *r, int64_t id)
{
	size_t low = 0, high = r->out->process_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->ids[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	if (low >= r->out->process_count || r->ids[low].id != id)
		return NULL;
	return &r->out->processes[r->ids[low].at];
}
