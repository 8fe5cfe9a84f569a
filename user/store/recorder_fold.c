/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rows of one stretch of time become one: ticks of each process, collections of each heap.
 *
 * A stretch is gone through as a whole, in memory, and then written anew; one with many rows in
 * slices of its processes, one at a time, so that no tick waits for long. Each slice is whole in
 * itself: whoever reads in between, or after a crash, finds the same sums.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/gc.h"
#include "store/recorder_internal.h"

#define SLICE_ROWS 3000

/* Rows of one process, or collections of one heap, that are put together. */
struct fold {
	struct hmap_node node;
	unsigned count;
	struct tick_row row;
	int64_t id; /* gc: of the row that stays */
	uint64_t collections, pause_ns, pause_max_ns;
};

struct gone {
	uint64_t ns;
	int64_t id; /* of the process, or of the collection */
};

struct folds {
	struct hmap map;
	struct gone *gone;
	size_t gone_count, gone_cap;
};

static void folds_release(struct folds *f)
{
	struct hmap_node *node, *next;

	for (node = hmap_next(&f->map, NULL); node; node = next) {
		next = hmap_next(&f->map, node);
		free(hmap_entry(node, struct fold, node));
	}
	hmap_release(&f->map);
	free(f->gone);
}

static struct fold *fold_get(struct folds *f, uint64_t key)
{
	struct hmap_node *node = hmap_find(&f->map, key);
	struct fold *fold = node ? NULL : calloc(1, sizeof(*fold));

	if (node)
		return hmap_entry(node, struct fold, node);
	if (fold)
		hmap_add(&f->map, &fold->node, key);
	return fold;
}

static int add_gone(struct folds *f, uint64_t ns, int64_t id)
{
	if (f->gone_count == f->gone_cap) {
		size_t cap = f->gone_cap ? 2 * f->gone_cap : 256;
		struct gone *gone = reallocarray(f->gone, cap, sizeof(*gone));

		if (!gone)
			return -ENOMEM;
		f->gone = gone;
		f->gone_cap = cap;
	}
	f->gone[f->gone_count++] = (struct gone){.ns = ns, .id = id};
	return 0;
}

static void spend(struct recorder *r, uint64_t rows)
{
	r->thin.rows -= rows < r->thin.rows ? rows : r->thin.rows;
}

/* --- ticks --- */

#define FIRST_NS_AT (2 + TOTALS_COUNT + 2 + ACTIVITY_COUNT)
#define PROCESS_AT  (FIRST_NS_AT + 1)

static int take_tick(struct folds *f, sqlite3_stmt *st)
{
	struct tick_row row;
	struct fold *fold;

	tick_row_read(&row, st);
	if (sqlite3_column_type(st, PROCESS_AT) == SQLITE_NULL) /* its process has been dropped */
		return add_gone(f, row.ns, row.process);
	if ((uint64_t)sqlite3_column_int64(st, FIRST_NS_AT) == row.ns)
		return 0;
	fold = fold_get(f, (uint64_t)row.process);
	if (!fold)
		return -ENOMEM;
	if (fold->count++) {
		if (add_gone(f, fold->row.ns, fold->row.process))
			return -ENOMEM;
		tick_row_add(&fold->row, &row);
	} else {
		fold->row = row;
	}
	return 0;
}

static int write_ticks(struct recorder *r, struct folds *f)
{
	struct hmap_node *node;

	for (size_t i = 0; i < f->gone_count && !r->err; i++) {
		struct row row = row_begin(r, DROP_PROCESS_TICK);

		row_u64(&row, f->gone[i].ns);
		row_int(&row, f->gone[i].id);
		row_end(&row);
	}
	hmap_for_each (&f->map, node) {
		const struct fold *fold = hmap_entry(node, struct fold, node);

		if (fold->count > 1 && tick_row_write(r, &fold->row))
			break;
	}
	return r->err;
}

static int fold_slice(struct recorder *r, uint64_t begin_ns, uint64_t end_ns,
		      const struct thin_band *band)
{
	struct folds f = {0};
	struct row row;
	int err = hmap_init(&f.map);

	row = row_begin(r, GET_PROCESS_TICKS);
	row_u64(&row, begin_ns);
	row_u64(&row, end_ns);
	row_int(&row, band->slices);
	row_int(&row, band->slice);
	while (!err && row_next(&row) == 1)
		err = take_tick(&f, row.st);
	if (err) {
		row_stop(&row);
		recorder_fail_errno(r, err);
	}
	if (!r->err)
		write_ticks(r, &f);
	folds_release(&f);
	return r->err;
}

/* The last tick of a stretch stays, and tells what all of them told. */
static int fold_machine(struct recorder *r, uint64_t begin_ns, uint64_t end_ns)
{
	struct row row = row_begin(r, SUM_TICKS);
	uint64_t last_ns;
	int64_t count, born, gone;

	if (begin_ns <= r->begin_ns) /* the first one stays as it is */
		begin_ns = r->begin_ns + 1;
	row_u64(&row, begin_ns);
	row_u64(&row, end_ns);
	if (row_next(&row) != 1)
		return r->err;
	last_ns = (uint64_t)sqlite3_column_int64(row.st, 0);
	count = sqlite3_column_int64(row.st, 1);
	born = sqlite3_column_int64(row.st, 2);
	gone = sqlite3_column_int64(row.st, 3);
	row_stop(&row);
	if (count < 2)
		return 0;
	row = row_begin(r, SET_TICK);
	row_int(&row, born);
	row_int(&row, gone);
	row_u64(&row, last_ns);
	row_end(&row);
	row = row_begin(r, DROP_TICKS);
	row_u64(&row, begin_ns);
	row_u64(&row, last_ns);
	row_end(&row);
	row = row_begin(r, SUM_LOST);
	row_u64(&row, last_ns);
	row_u64(&row, begin_ns);
	row_u64(&row, end_ns);
	row_end(&row);
	row = row_begin(r, DROP_LOST);
	row_u64(&row, begin_ns);
	row_u64(&row, last_ns);
	if (r->thin.thinned_ns < end_ns)
		r->thin.thinned_ns = end_ns;
	return row_end(&row);
}

static uint64_t count_ticks(struct recorder *r, uint64_t begin_ns, uint64_t end_ns)
{
	struct row row = row_begin(r, COUNT_PROCESS_TICKS);

	row_u64(&row, begin_ns);
	row_u64(&row, end_ns);
	return (uint64_t)row_number(&row, 0);
}

bool fold_ticks(struct recorder *r, struct thin_band *band, uint64_t spacing_ns, uint64_t until_ns)
{
	struct row row = row_begin(r, NEXT_TICK);
	uint64_t begin_ns, end_ns, rows;
	int64_t next;

	row_u64(&row, band->next_ns);
	next = row_number(&row, -1);
	if (next < 0)
		return false;
	begin_ns = (uint64_t)next / spacing_ns * spacing_ns;
	end_ns = begin_ns + spacing_ns;
	if (end_ns > until_ns)
		return false;
	rows = count_ticks(r, begin_ns, end_ns);
	if (!band->slices) {
		band->slices = 1 + (unsigned)(rows / SLICE_ROWS);
		band->slice = 0;
	}
	spend(r, 1 + rows / band->slices);
	if (fold_slice(r, begin_ns, end_ns, band))
		return false;
	if (++band->slice == band->slices) {
		fold_machine(r, begin_ns, end_ns);
		band->next_ns = end_ns;
		band->slices = 0;
	}
	return !r->err;
}

/* --- collections --- */

enum { GC_ID, GC_NS, GC_PROCESS, GC_ISOLATE, GC_KIND, GC_COUNT, GC_PAUSE, GC_LONGEST, GC_OWNER };

static uint64_t gc_key(sqlite3_stmt *st, uint64_t width_ns)
{
	const uint64_t odd = 0x9e3779b97f4a7c15ull;
	uint64_t key = (uint64_t)sqlite3_column_int64(st, GC_NS) / width_ns;

	key = key * odd ^ (uint64_t)sqlite3_column_int64(st, GC_PROCESS);
	key = (key ^ key >> 29) * odd ^ (uint64_t)sqlite3_column_int64(st, GC_ISOLATE);
	return (key ^ key >> 29) * odd ^ (uint64_t)sqlite3_column_text(st, GC_KIND)[0];
}

static int take_gc(struct folds *f, sqlite3_stmt *st, uint64_t width_ns)
{
	int64_t id = sqlite3_column_int64(st, GC_ID);
	uint64_t longest = (uint64_t)sqlite3_column_int64(st, GC_LONGEST);
	struct fold *fold = fold_get(f, gc_key(st, width_ns));

	if (!fold)
		return -ENOMEM;
	if (fold->count++ && add_gone(f, 0, fold->id))
		return -ENOMEM;
	fold->id = id;
	fold->collections += (uint64_t)sqlite3_column_int64(st, GC_COUNT);
	fold->pause_ns += (uint64_t)sqlite3_column_int64(st, GC_PAUSE);
	if (longest > fold->pause_max_ns)
		fold->pause_max_ns = longest;
	return 0;
}

static bool is_full_gc(sqlite3_stmt *st)
{
	int kind = gc_kind_parse((const char *)sqlite3_column_text(st, GC_KIND));

	return kind >= 0 && gc_is_full((enum mw_gc_kind)kind);
}

static int write_gcs(struct recorder *r, struct folds *f)
{
	struct hmap_node *node;

	for (size_t i = 0; i < f->gone_count && !r->err; i++) {
		struct row row = row_begin(r, DROP_GC);

		row_int(&row, f->gone[i].id);
		row_end(&row);
	}
	hmap_for_each (&f->map, node) {
		const struct fold *fold = hmap_entry(node, struct fold, node);
		struct row row;

		if (fold->count < 2)
			continue;
		row = row_begin(r, SET_GC);
		row_u64(&row, fold->collections);
		row_u64(&row, fold->pause_ns);
		row_u64(&row, fold->pause_max_ns);
		row_int(&row, fold->id);
		if (row_end(&row))
			break;
	}
	return r->err;
}

bool fold_gcs(struct recorder *r, uint64_t width_ns, uint64_t until_ns, bool all)
{
	uint64_t end_ns = until_ns / width_ns * width_ns, rows = 0;
	struct row row = row_begin(r, GET_GCS);
	struct folds f = {0};
	int err = hmap_init(&f.map);

	row_int(&row, r->thin.gc_id);
	row_int(&row, SLICE_ROWS);
	while (!err && row_next(&row) == 1) {
		if ((uint64_t)sqlite3_column_int64(row.st, GC_NS) >= end_ns) {
			row_stop(&row);
			break;
		}
		r->thin.gc_id = sqlite3_column_int64(row.st, GC_ID);
		rows++;
		if (sqlite3_column_type(row.st, GC_OWNER) == SQLITE_NULL)
			err = add_gone(&f, 0, r->thin.gc_id);
		else if (all || !is_full_gc(row.st))
			err = take_gc(&f, row.st, width_ns);
	}
	if (err) {
		row_stop(&row);
		recorder_fail_errno(r, err);
	}
	spend(r, rows);
	if (!r->err)
		write_gcs(r, &f);
	folds_release(&f);
	return rows && !r->err;
}
