/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What goes altogether when it is old: events with their processes, verdicts, censuses. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "store/recorder_internal.h"

#define BATCH 512

enum { EV_ID, EV_NS, EV_KIND, EV_CODE, EV_PROCESS, EV_FIRST, EV_NAMED, EV_END, EV_PID, EV_START };

struct doomed {
	int64_t event, process; /* @process 0: it stays */
	uint32_t pid;		/* its identity */
	uint64_t start_ns;
};

/* Levels from which on they go: see recorder_thin.h. */
enum { OF_SEEN_BORN = 1, OF_SEEN_ENDED = 2, OF_UNSEEN_KILLED = 4, OF_SEEN_KILLED = 6 };

static bool has_ended(const char *kind)
{
	return !strcmp(kind, recorded_event_name(RECORDED_EXIT)) ||
	       !strcmp(kind, recorded_event_name(RECORDED_VANISHED));
}

static void doom_process(sqlite3_stmt *st, struct doomed *out)
{
	out->process = sqlite3_column_int64(st, EV_PROCESS);
	out->pid = (uint32_t)sqlite3_column_int64(st, EV_PID);
	out->start_ns = (uint64_t)sqlite3_column_int64(st, EV_START);
}

static bool is_doomed(sqlite3_stmt *st, unsigned level, struct doomed *out)
{
	const char *kind = (const char *)sqlite3_column_text(st, EV_KIND);
	bool is_seen = sqlite3_column_type(st, EV_FIRST) != SQLITE_NULL;
	bool is_killed = WIFSIGNALED(sqlite3_column_int(st, EV_CODE));

	*out = (struct doomed){.event = sqlite3_column_int64(st, EV_ID)};
	if (!strcmp(kind, recorded_event_name(RECORDED_OOM)))
		return false;
	if (!has_ended(kind)) {
		if (!is_seen && sqlite3_column_type(st, EV_END) == SQLITE_NULL)
			doom_process(st, out); /* its end was lost, or is of no interest */
		return !is_seen || level >= OF_SEEN_BORN;
	}
	if (sqlite3_column_int(st, EV_NAMED))
		return false;
	if (level < (is_killed ? is_seen ? OF_SEEN_KILLED : OF_UNSEEN_KILLED
		     : is_seen ? OF_SEEN_ENDED
			       : 0))
		return false;
	doom_process(st, out);
	return true;
}

static int drop_by(struct recorder *r, enum statement which, int64_t id)
{
	struct row row = row_begin(r, which);

	row_int(&row, id);
	return row_end(&row);
}

static int drop(struct recorder *r, const struct doomed *d)
{
	r->dropped_events++;
	r->thin.events--;
	drop_by(r, DROP_EVENT, d->event);
	if (!d->process)
		return r->err;
	r->thin.has_dropped = true;
	recorder_process_forget(r, d->pid, d->start_ns);
	drop_by(r, DROP_PROCESS,
		d->process); /* its ticks and collections go when they are folded */
	drop_by(r, DROP_SITES, d->process);
	drop_by(r, DROP_SITE_STATE, d->process);
	return drop_by(r, DROP_PROCESS_VERDICTS, d->process);
}

bool prune_events(struct recorder *r, uint64_t until_ns)
{
	struct row row = row_begin(r, GET_EVENTS);
	struct doomed doomed[BATCH];
	unsigned count = 0, rows = 0;

	row_int(&row, r->thin.event_id);
	row_int(&row, BATCH);
	while (row_next(&row) == 1) {
		if ((uint64_t)sqlite3_column_int64(row.st, EV_NS) >= until_ns) {
			row_stop(&row);
			break;
		}
		r->thin.event_id = sqlite3_column_int64(row.st, EV_ID);
		rows++;
		count += is_doomed(row.st, r->thin.level, &doomed[count]);
	}
	r->thin.rows -= rows < r->thin.rows ? rows : r->thin.rows;
	for (unsigned i = 0; i < count && !r->err; i++)
		drop(r, &doomed[i]);
	return rows && !r->err;
}

int prune_verdicts(struct recorder *r, uint64_t until_ns)
{
	struct row row = row_begin(r, DROP_VERDICTS);

	row_u64(&row, until_ns);
	return row_end(&row);
}

/* Who comes to be in it later has it written once more. */
static int drop_cgroup(struct recorder *r, int64_t id)
{
	struct recorder_key *key = recorder_key_find(&r->cgroups, (uint64_t)id);

	if (key) {
		hmap_remove(&r->cgroups, &key->node);
		free(key);
	}
	return drop_by(r, DROP_CGROUP, id);
}

bool prune_cgroups(struct recorder *r)
{
	int64_t ids[BATCH];
	unsigned count = 0;
	struct row row;

	if (!r->thin.has_dropped)
		return false;
	row = row_begin(r, GET_EMPTY_CGROUPS);
	row_int(&row, BATCH);
	while (count < BATCH && row_next(&row) == 1)
		ids[count++] = sqlite3_column_int64(row.st, 0);
	row_stop(&row);
	for (unsigned i = 0; i < count && !r->err; i++)
		drop_cgroup(r, ids[i]);
	r->thin.rows -= count < r->thin.rows ? count : r->thin.rows;
	r->thin.has_dropped = count == BATCH;
	return count && !r->err;
}

bool prune_census(struct recorder *r, unsigned keep)
{
	struct row row = row_begin(r, OLD_CENSUS);
	int64_t id;

	row_int(&row, keep);
	id = row_number(&row, 0);
	if (!id)
		return false;
	r->dropped_events++;
	drop_by(r, DROP_CENSUS_ISOLATES, id);
	drop_by(r, DROP_CONSTRUCTORS, id);
	drop_by(r, DROP_RETAINERS, id);
	return !drop_by(r, DROP_CENSUS, id);
}
