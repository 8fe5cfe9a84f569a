/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Statements of a recording, prepared once, and rows bound to them value by value. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/recorder_internal.h"

static const char *const texts[STATEMENTS] = {
	[ADD_META] = "INSERT OR REPLACE INTO meta VALUES (?, ?)",
	[ADD_HOOK] = "INSERT OR REPLACE INTO hook VALUES (?, ?)",
	[ADD_TARGET] = "INSERT OR IGNORE INTO target VALUES (?)",
	[ADD_TICK] = "INSERT OR REPLACE INTO tick VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[ADD_LOST] = "INSERT OR REPLACE INTO lost VALUES (?, ?, ?)",
	[ADD_CGROUP] = "INSERT OR REPLACE INTO cgroup VALUES (?, ?, ?)",
	[FIND_PROCESS] = "SELECT id, first_ns, end_ns FROM process WHERE pid = ? AND start_ns = ?",
	[ADD_PROCESS] = "INSERT INTO process (pid, ppid, start_ns, comm) VALUES (?, ?, ?, ?)",
	[SET_PROCESS] = "UPDATE process SET ppid = ?, comm = ?, cgroup = ?, named = ?, "
			"collector = ?, first_ns = ?, peak_rss_bytes = ? WHERE id = ?",
	[SET_PATH] = "UPDATE process SET comm = ?, path = ? WHERE id = ?",
	[SET_PEAK] = "UPDATE process SET peak_rss_bytes = ? WHERE id = ?",
	[END_PROCESS] = "UPDATE process SET end_ns = ?, code = ?, "
			"peak_rss_bytes = coalesce(?, peak_rss_bytes) WHERE id = ?",
	[ADD_PROCESS_TICK] = "INSERT OR REPLACE INTO process_tick VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
			     "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ADD_EVENT] = "INSERT INTO event VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		      "?, ?, ?)",
	[ADD_GC] = "INSERT INTO gc VALUES (NULL, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?)",
	[ADD_VERDICT] = "INSERT INTO verdict VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
			"?, ?, ?, ?, ?)",
	[ADD_MODULE] = "INSERT INTO module VALUES (NULL, ?, ?)",
	[ADD_FRAME] = "INSERT INTO frame VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ADD_STACK] = "INSERT INTO stack VALUES (NULL, ?)",
	[ADD_STACK_FRAME] = "INSERT INTO stack_frame VALUES (?, ?, ?)",
	[ADD_SITE] = "INSERT INTO site VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SET_SITE] = "UPDATE site SET last_ns = ?, bytes = ?, estimated_bytes = ?, samples = ?, "
		     "freed_samples = ?, kept_samples = ? WHERE id = ?",
	[ADD_SITE_STATE] = "INSERT OR REPLACE INTO site_state VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
			   "?, ?, ?, ?, ?, ?, ?, ?)",
	[ADD_CENSUS] = "INSERT INTO census VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ADD_CENSUS_ISOLATE] = "INSERT INTO census_isolate VALUES (?, ?, ?, ?, ?, ?, ?)",
	[ADD_CONSTRUCTOR] = "INSERT INTO constructor VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[ADD_RETAINER] = "INSERT INTO retainer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
			 "?)",
	[GET_PAGES] = "PRAGMA page_count",
	[GET_FREE_PAGES] = "PRAGMA freelist_count",
	[NEXT_TICK] = "SELECT min(ns) FROM tick WHERE ns >= ?",
	[COUNT_PROCESS_TICKS] = "SELECT count(*) FROM process_tick WHERE ns >= ? AND ns < ?",
	[GET_PROCESS_TICKS] = "SELECT t.*, p.first_ns, p.id FROM process_tick t "
			      "LEFT JOIN process p ON p.id = t.process "
			      "WHERE ns >= ? AND ns < ? AND process % ? = ? ORDER BY ns",
	[DROP_PROCESS_TICK] = "DELETE FROM process_tick WHERE ns = ? AND process = ?",
	[SUM_TICKS] = "SELECT max(ns), count(*), sum(born), sum(gone) FROM tick "
		      "WHERE ns >= ? AND ns < ?",
	[SET_TICK] = "UPDATE tick SET born = ?, gone = ? WHERE ns = ?",
	[DROP_TICKS] = "DELETE FROM tick WHERE ns >= ? AND ns < ?",
	[SUM_LOST] = "INSERT OR REPLACE INTO lost SELECT ?, cause, sum(count) FROM lost "
		     "WHERE ns >= ? AND ns < ? GROUP BY cause",
	[DROP_LOST] = "DELETE FROM lost WHERE ns >= ? AND ns < ?",
	[GET_GCS] = "SELECT g.id, ns, process, isolate, kind, count, pause_ns, pause_max_ns, p.id "
		    "FROM gc g LEFT JOIN process p ON p.id = g.process "
		    "WHERE g.id > ? ORDER BY g.id LIMIT ?",
	[SET_GC] = "UPDATE gc SET count = ?, pause_ns = ?, pause_max_ns = ? WHERE id = ?",
	[DROP_GC] = "DELETE FROM gc WHERE id = ?",
	[GET_EVENTS] = "SELECT e.id, e.ns, e.kind, e.code, p.id, p.first_ns, p.named, p.end_ns, "
		       "p.pid, p.start_ns FROM event e LEFT JOIN process p ON p.id = e.process "
		       "WHERE e.id > ? ORDER BY e.id LIMIT ?",
	[DROP_EVENT] = "DELETE FROM event WHERE id = ?",
	[DROP_PROCESS] = "DELETE FROM process WHERE id = ?",
	[DROP_SITES] = "DELETE FROM site WHERE process = ?",
	[DROP_SITE_STATE] = "DELETE FROM site_state WHERE process = ?",
	[DROP_PROCESS_VERDICTS] = "DELETE FROM verdict WHERE process = ?",
	[DROP_VERDICTS] = "DELETE FROM verdict WHERE ns < ? AND NOT last AND id NOT IN "
			  "(SELECT max(id) FROM verdict GROUP BY process)",
	[GET_EMPTY_CGROUPS] = "SELECT id FROM cgroup WHERE id NOT IN "
			      "(SELECT cgroup FROM process WHERE cgroup IS NOT NULL) LIMIT ?",
	[DROP_CGROUP] = "DELETE FROM cgroup WHERE id = ?",
	[OLD_CENSUS] = "SELECT id FROM census WHERE why = 'leak' ORDER BY id DESC "
		       "LIMIT 1 OFFSET ?",
	[DROP_CENSUS] = "DELETE FROM census WHERE id = ?",
	[DROP_CENSUS_ISOLATES] = "DELETE FROM census_isolate WHERE census = ?",
	[DROP_CONSTRUCTORS] = "DELETE FROM constructor WHERE census = ?",
	[DROP_RETAINERS] = "DELETE FROM retainer WHERE census = ?",
};

struct row row_begin(struct recorder *r, enum statement which)
{
	struct row row = {.r = r};
	int rc;

	if (r->err)
		return row;
	if (!r->statements[which]) {
		rc = sqlite3_prepare_v3(r->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
					&r->statements[which], NULL);
		if (rc) {
			recorder_fail(r, rc);
			return row;
		}
	}
	row.st = r->statements[which];
	return row;
}

/* Binding fails for want of memory only, and out of range, which is a fault of ours. */
static void bound(struct row *row, int rc)
{
	if (!rc)
		return;
	recorder_fail(row->r, rc);
	row->st = NULL;
}

void row_null(struct row *row)
{
	if (row->st)
		bound(row, sqlite3_bind_null(row->st, ++row->at));
}

void row_int(struct row *row, int64_t value)
{
	if (row->st)
		bound(row, sqlite3_bind_int64(row->st, ++row->at, value));
}

void row_u64(struct row *row, uint64_t value)
{
	row_int(row, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void row_known(struct row *row, uint64_t value)
{
	if (value)
		row_u64(row, value);
	else
		row_null(row);
}

void row_real(struct row *row, double value)
{
	if (!isfinite(value))
		row_null(row);
	else if (row->st)
		bound(row, sqlite3_bind_double(row->st, ++row->at, value));
}

void row_own(struct row *row, const char *s)
{
	if (!s)
		row_null(row);
	else if (row->st)
		bound(row, sqlite3_bind_text(row->st, ++row->at, s, -1, SQLITE_TRANSIENT));
}

void row_text(struct row *row, const char *s, size_t max)
{
	struct strbuf *b = &row->r->text;

	if (!s) {
		row_null(row);
		return;
	}
	strbuf_clear(b);
	strbuf_add_text(b, s, max);
	if (b->err && row->st)
		bound(row, SQLITE_NOMEM);
	row_own(row, b->s);
}

int row_end(struct row *row)
{
	int rc;

	if (!row->st)
		return row->r->err;
	row->r->rows++;
	rc = sqlite3_step(row->st);
	sqlite3_reset(row->st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : recorder_fail(row->r, rc);
}

int row_next(struct row *row)
{
	int rc;

	if (!row->st)
		return row->r->err;
	rc = sqlite3_step(row->st);
	if (rc == SQLITE_ROW)
		return 1;
	row_stop(row);
	return rc == SQLITE_DONE ? 0 : recorder_fail(row->r, rc);
}

void row_stop(struct row *row)
{
	sqlite3_reset(row->st);
	row->st = NULL;
}

int64_t row_number(struct row *row, int64_t missing)
{
	int64_t value = missing;

	if (row_next(row) != 1)
		return missing;
	if (sqlite3_column_type(row->st, 0) != SQLITE_NULL)
		value = sqlite3_column_int64(row->st, 0);
	row_stop(row);
	return value;
}

int64_t row_id(const struct recorder *r)
{
	return sqlite3_last_insert_rowid(r->db);
}

void rows_finalize(struct recorder *r)
{
	for (unsigned i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(r->statements[i]);
		r->statements[i] = NULL;
	}
}

/* --- what is there already --- */

struct recorder_key *recorder_key_find(const struct hmap *m, uint64_t hash)
{
	struct hmap_node *node = hmap_find(m, hash);

	return node ? hmap_entry(node, struct recorder_key, node) : NULL;
}

int recorder_key_add(struct recorder *r, struct hmap *m, uint64_t hash, int64_t id)
{
	struct recorder_key *key = malloc(sizeof(*key));

	if (!key)
		return recorder_fail_errno(r, -ENOMEM);
	key->id = id;
	hmap_add(m, &key->node, hash);
	return 0;
}

void recorder_keys_release(struct hmap *m)
{
	struct hmap_node *node, *next;

	for (node = hmap_next(m, NULL); node; node = next) {
		next = hmap_next(m, node);
		free(hmap_entry(node, struct recorder_key, node));
	}
	hmap_release(m);
}
