/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A row of process_tick: written, read back, and two of them become one. */
#include "store/recorder_internal.h"

/* Places in struct tick_row, which has the order of the columns. */
enum { ANON, FILE_BACKED, SHMEM, SWAP, HEAP = 8 };

#define CALLS	    2 /* from here on activity is known only if calls are counted */
#define TOTALS_AT   2
#define LOW_AT	    (TOTALS_AT + TOTALS_COUNT)
#define HIGH_AT	    (LOW_AT + 1)
#define ACTIVITY_AT (HIGH_AT + 1)

static uint64_t private_of(const struct tick_row *row)
{
	return row->totals[ANON] + row->totals[SWAP];
}

static uint64_t rss_of(const struct tick_row *row)
{
	return row->totals[ANON] + row->totals[FILE_BACKED] + row->totals[SHMEM];
}

/* What is as it is now need not be said. */
static void bind_unless(struct row *row, uint64_t value, uint64_t now)
{
	if (value == now)
		row_null(row);
	else
		row_u64(row, value);
}

int tick_row_write(struct recorder *r, const struct tick_row *from)
{
	struct row row = row_begin(r, ADD_PROCESS_TICK);

	row_u64(&row, from->ns);
	row_int(&row, from->process);
	for (unsigned i = 0; i < TOTALS_COUNT; i++) {
		if (i == HEAP && from->heap_unknown)
			row_null(&row);
		else
			row_u64(&row, from->totals[i]);
	}
	bind_unless(&row, from->private_low, private_of(from));
	bind_unless(&row, from->rss_high, rss_of(from));
	for (unsigned i = 0; i < ACTIVITY_COUNT; i++) {
		if (from->has_activity && (i < CALLS || from->calls_counted))
			row_u64(&row, from->activity[i]);
		else
			row_null(&row);
	}
	return row_end(&row);
}

static bool is_null(sqlite3_stmt *st, int column)
{
	return sqlite3_column_type(st, column) == SQLITE_NULL;
}

static uint64_t number(sqlite3_stmt *st, int column)
{
	return (uint64_t)sqlite3_column_int64(st, column);
}

void tick_row_read(struct tick_row *out, sqlite3_stmt *st)
{
	*out = (struct tick_row){
		.ns = number(st, 0),
		.process = sqlite3_column_int64(st, 1),
		.heap_unknown = is_null(st, TOTALS_AT + HEAP),
		.has_activity = !is_null(st, ACTIVITY_AT),
		.calls_counted = !is_null(st, ACTIVITY_AT + CALLS),
	};
	for (int i = 0; i < TOTALS_COUNT; i++)
		out->totals[i] = number(st, TOTALS_AT + i);
	out->private_low = is_null(st, LOW_AT) ? private_of(out) : number(st, LOW_AT);
	out->rss_high = is_null(st, HIGH_AT) ? rss_of(out) : number(st, HIGH_AT);
	for (int i = 0; i < ACTIVITY_COUNT; i++)
		out->activity[i] = number(st, ACTIVITY_AT + i);
}

void tick_row_add(struct tick_row *sum, const struct tick_row *next)
{
	struct tick_row both = *next;

	if (sum->private_low < both.private_low)
		both.private_low = sum->private_low;
	if (sum->rss_high > both.rss_high)
		both.rss_high = sum->rss_high;
	for (unsigned i = 0; i < ACTIVITY_COUNT; i++)
		both.activity[i] += sum->activity[i];
	both.has_activity |= sum->has_activity;
	both.calls_counted |= sum->calls_counted;
	*sum = both;
}
