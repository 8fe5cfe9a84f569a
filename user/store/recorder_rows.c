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
	rc = sqlite3_step(row->st);
	sqlite3_reset(row->st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : recorder_fail(row->r, rc);
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
