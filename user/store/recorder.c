/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The writer of recordings: the run as a whole, its ticks, transactions, and what goes wrong.
 *
 * The lock is taken when something is written and given back at the commit. Who else has the file
 * locked (a sqlite3 shell with a transaction open) is waited for a moment, once a tick; then what
 * comes is left out until the next one: sizes are told by the next row, events are counted as lost.
 */
#include "store/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "store/recorder_internal.h"

#define LOCK_WAIT_MS  100
#define LOG_SHARE     8 /* of the bytes that a recording may have: its log's */
#define LOG_MAX	      (8ull << 20)
#define LOG_ROW_BYTES 256 /* that a row takes there, in pages with others */
#define MEASURE_ROWS  500
#define MOVE_EVERY_NS (5 * NSEC_PER_SEC)

/* --- what goes wrong --- */

const char *recorder_why(const struct recorder *r)
{
	return r->why[0] ? r->why : "nothing went wrong";
}

/* SQLite does not know the errno of each write that failed, but nothing has failed since. */
static int errno_of(const struct recorder *r, int rc)
{
	int last = errno, system = sqlite3_system_errno(r->db);

	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return system > 0 ? -system : last > 0 ? -last : -EIO;
	default:
		return -EIO;
	}
}

static const char *clause_of(int err)
{
	switch (-err) {
	case ENOSPC:
		return "the disk is full";
	case EDQUOT:
		return "the disk quota is used up";
	case EFBIG:
		return "the file may not become larger (ulimit -f)";
	case EBUSY:
		return "another program keeps it locked: end that, and record again";
	case EIO:
		return "the disk fails (Input/output error): see dmesg";
	case ENOENT:
		return "it was removed or renamed while it was written to: record again";
	case EUCLEAN:
		return "it was damaged by another program";
	default:
		return strerror(-err);
	}
}

static void say_until(const struct recorder *r, char *out, size_t size)
{
	time_t at = (time_t)(r->committed_wall_ns / NSEC_PER_SEC);
	struct tm tm;

	out[0] = '\0';
	if (r->committed_wall_ns && localtime_r(&at, &tm))
		strftime(out, size, "; what was recorded until %H:%M:%S can be read", &tm);
}

int recorder_fail_errno(struct recorder *r, int err)
{
	char until[64];

	if (r->err)
		return r->err;
	r->err = err;
	if (err == -ENOENT)
		until[0] = '\0'; /* under this name there is nothing */
	else
		say_until(r, until, sizeof(until));
	snprintf(r->why, sizeof(r->why), "%.100s: %s%s", r->name, clause_of(err), until);
	if (r->in_transaction)
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	r->in_transaction = false;
	return err;
}

int recorder_fail(struct recorder *r, int rc)
{
	int err = r->db ? errno_of(r, rc) : -ENOMEM;

	return recorder_fail_errno(r, err);
}

int recorder_drop(struct recorder *r)
{
	r->dropped_events++;
	return 0;
}

/* --- transactions --- */

static int lock_out(struct recorder *r)
{
	uint64_t now_ns = clock_boot_ns();

	r->is_locked_out = true;
	if (!r->locked_out_ns)
		r->locked_out_ns = now_ns;
	if (now_ns - r->locked_out_ns > r->locked_ns)
		return recorder_fail_errno(r, -EBUSY);
	return -EAGAIN;
}

/* What was committed since is in memory, and perhaps nowhere else. */
static int fail_of_sync(struct recorder *r)
{
	int err = r->sync ? recorder_sync_error(r->sync) : 0;

	if (!err || r->err)
		return r->err;
	r->committed_wall_ns = recorder_sync_durable_wall_ns(r->sync);
	return recorder_fail_errno(r, err);
}

/* A transaction for whatever is written, if only to make room. */
static int begin(struct recorder *r)
{
	int rc;

	fail_of_sync(r);
	if (r->err)
		return r->err;
	if (r->is_locked_out)
		return -EAGAIN;
	if (r->in_transaction)
		return 0;
	rc = sqlite3_exec(r->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if ((rc & 0xff) == SQLITE_BUSY)
		return lock_out(r);
	if (rc)
		return recorder_fail(r, rc);
	r->in_transaction = true;
	r->locked_out_ns = 0;
	return 0;
}

int recorder_ready(struct recorder *r)
{
	int err = begin(r);

	if (err)
		return err;
	if (r->rows - r->measured_rows >= MEASURE_ROWS) {
		recorder_thin_measure(r);
		recorder_relieve(r);
	}
	return r->err ? r->err : r->is_full ? -EAGAIN : 0;
}

/* How much of the log there is after a commit (sqlite3_wal_hook). */
static int on_logged(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct recorder *r = arg;

	(void)db, (void)name;
	r->log_used = (uint64_t)pages * RECORDER_PAGE;
	return SQLITE_OK;
}

/*
 * The log begins anew only when all of it was moved and nothing has been written since, which the
 * thread may miss again and again where events come in fast. It has moved most of it: what is left
 * is little. Who reads a state of long ago keeps it from being moved.
 */
static void move_rest(struct recorder *r)
{
	int in_log = -1, moved = -1, rc;
	uint64_t now_ns = clock_boot_ns();

	if (r->log_used < 2 * r->log_bytes ||
	    (r->log_tried_ns && now_ns - r->log_tried_ns < MOVE_EVERY_NS))
		return;
	rc = sqlite3_wal_checkpoint_v2(r->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
	if ((rc & 0xff) == SQLITE_BUSY) /* it is the thread that does so */
		return;
	r->log_tried_ns = rc || in_log != moved ? now_ns : 0;
	if (!r->log_tried_ns)
		r->log_used = 0; /* what comes next is its begin */
}

int recorder_commit(struct recorder *r)
{
	int rc;

	if (r->err || !r->in_transaction)
		return r->err;
	rc = sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
	if (rc)
		return recorder_fail(r, rc);
	r->in_transaction = false;
	r->committed_wall_ns = r->wall_ns;
	r->committed_rows = r->rows;
	recorder_sync_committed(r->sync, r->log_used, r->wall_ns);
	move_rest(r);
	return 0;
}

int recorder_relieve(struct recorder *r)
{
	if (r->rows - r->committed_rows < r->log_bytes / LOG_ROW_BYTES)
		return r->err;
	return recorder_commit(r) ?: begin(r);
}

/* --- the run --- */

static int init_maps(struct recorder *r)
{
	struct hmap *maps[] = {&r->processes, &r->cgroups, &r->modules, &r->frames, &r->stacks};

	for (unsigned i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		if (hmap_init(maps[i]))
			return -ENOMEM;
	}
	return 0;
}

static void fill(struct recorder *r, const struct recorder_options *o)
{
	r->max_bytes = o->max_bytes ? o->max_bytes : RECORDER_MAX_BYTES;
	if (r->max_bytes < RECORDER_MIN_BYTES)
		r->max_bytes = RECORDER_MIN_BYTES;
	r->log_bytes = r->max_bytes / LOG_SHARE < LOG_MAX ? r->max_bytes / LOG_SHARE : LOG_MAX;
	r->page_shift = o->page_shift;
	r->requests = o->requests;
	r->locked_ns = o->locked_ns ? o->locked_ns : RECORDER_LOCKED_NS;
	if (getrandom(&r->seed, sizeof(r->seed), GRND_NONBLOCK) != (ssize_t)sizeof(r->seed))
		r->seed = clock_boot_ns();
}

int recorder_new(const struct recorder_options *options, struct recorder **out,
		 char why[RECORDER_WHY])
{
	struct recorder *r = calloc(1, sizeof(*r));
	int err = r ? init_maps(r) : -ENOMEM;

	*out = NULL;
	if (r)
		strbuf_init(&r->text);
	if (!err && options->command && !(r->command = strdup(options->command)))
		err = -ENOMEM;
	if (err) {
		snprintf(why, RECORDER_WHY, "%s", strerror(-err));
		goto fail;
	}
	fill(r, options);
	err = recorder_file_open(r, options->path, why);
	if (err)
		goto fail;
	sqlite3_busy_timeout(r->db, LOCK_WAIT_MS);
	sqlite3_wal_hook(r->db, on_logged, r);
	err = recorder_sync_start(r->path, r->log_bytes, &r->sync);
	if (err) {
		snprintf(why, RECORDER_WHY, "%.150s: %s", r->name, strerror(-err));
		goto fail;
	}
	*out = r;
	return 0;
fail:
	recorder_free(r);
	return err;
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	recorder_sync_free(r->sync);
	rows_finalize(r);
	sqlite3_close(r->db);
	recorder_processes_release(r);
	recorder_keys_release(&r->cgroups);
	recorder_keys_release(&r->modules);
	recorder_keys_release(&r->frames);
	recorder_keys_release(&r->stacks);
	strbuf_release(&r->text);
	free(r->command);
	free(r);
}

static void add_meta_text(struct recorder *r, const char *key, const char *value)
{
	struct row row;

	if (!value)
		return;
	row = row_begin(r, ADD_META);
	row_own(&row, key);
	row_text(&row, value, PATH_MAX);
	row_end(&row);
}

static void add_meta(struct recorder *r, const char *key, uint64_t value)
{
	struct row row = row_begin(r, ADD_META);

	row_own(&row, key);
	row_u64(&row, value);
	row_end(&row);
}

static void add_hooks(struct recorder *r, const struct run *run)
{
	for (unsigned i = 0; i < run->hook_count && i < RUN_MAX_HOOKS; i++) {
		struct row row = row_begin(r, ADD_HOOK);

		row_own(&row, run->hooks[i].capability);
		row_own(&row, run->hooks[i].hook);
		row_end(&row);
	}
}

int recorder_begin(struct recorder *r, const struct run *run)
{
	int err = recorder_ready(r);

	if (err)
		return err == -EAGAIN ? recorder_fail_errno(r, -EBUSY) : err;
	add_meta_text(r, "version", run->version);
	add_meta_text(r, "kernel", run->kernel);
	add_meta_text(r, "arch", run->arch);
	add_meta(r, "interval_ns", run->interval_ns);
	add_meta_text(r, "command", r->command);
	if (r->requests)
		add_meta(r, "requests", r->requests);
	add_meta_text(r, "comm", run->comm);
	add_meta_text(r, "cgroup", run->cgroup);
	add_hooks(r, run);
	for (unsigned i = 0; i < run->pid_count; i++) {
		struct row row = row_begin(r, ADD_TARGET);

		row_int(&row, run->pids[i]);
		row_end(&row);
	}
	return recorder_commit(r);
}

/* --- ticks --- */

static void add_lost(struct recorder *r, const struct recorder_tick *tick)
{
	for (unsigned i = 0; i < LOST_MAX; i++) {
		struct row row;

		if (!tick->lost.count[i])
			continue;
		row = row_begin(r, ADD_LOST);
		row_u64(&row, tick->now_ns);
		row_own(&row, lost_name(i));
		row_u64(&row, tick->lost.count[i]);
		row_end(&row);
	}
}

static int add_tick(struct recorder *r, const struct recorder_tick *tick)
{
	struct row row = row_begin(r, ADD_TICK);

	row_u64(&row, tick->now_ns);
	row_u64(&row, tick->wall_ns);
	row_u64(&row, tick->born);
	row_u64(&row, tick->gone);
	row_u64(&row, tick->cost.cpu_ns);
	if (tick->cost.bpf_known)
		row_u64(&row, tick->cost.bpf_ns);
	else
		row_null(&row);
	row_known(&row, tick->cost.rss_bytes);
	row_known(&row, tick->cost.map_bytes);
	r->stats.ticks++;
	return row_end(&row);
}

static void begin_at(struct recorder *r, const struct recorder_tick *tick)
{
	if (r->begin_ns)
		return;
	r->begin_ns = tick->now_ns;
	add_meta(r, "begin_ns", tick->now_ns);
	add_meta(r, "begin_wall_ns", tick->wall_ns);
}

static void tell_what_went(struct recorder *r)
{
	if (r->dropped_events != r->dropped_written)
		add_meta(r, "dropped_events", r->dropped_events);
	if (r->dropped_sites != r->dropped_sites_written)
		add_meta(r, "dropped_sites", r->dropped_sites);
	if (r->thin.thinned_ns != r->thin.thinned_written)
		add_meta(r, "thinned_ns", r->thin.thinned_ns);
	r->dropped_written = r->dropped_events;
	r->dropped_sites_written = r->dropped_sites;
	r->thin.thinned_written = r->thin.thinned_ns;
}

/* What was written is moved into the file first: it may be there under another name. */
static int look_for_file(struct recorder *r)
{
	int has_moved = 0;

	sqlite3_file_control(r->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
	if (!has_moved || r->err)
		return r->err;
	recorder_commit(r);
	if (!sqlite3_wal_checkpoint_v2(r->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL))
		recorder_file_tidy(r);
	return recorder_fail_errno(r, -ENOENT);
}

int recorder_tick(struct recorder *r, const struct recorder_tick *tick)
{
	int err = look_for_file(r);

	r->is_locked_out = false;
	err = err ? err : begin(r);
	r->now_ns = tick->now_ns;
	r->wall_ns = tick->wall_ns;
	if (err)
		return err == -EAGAIN ? 0 : err;
	recorder_forget_ended(r);
	recorder_thin(r);
	tell_what_went(r);
	r->tick_rows = r->rows;
	if (r->is_full)
		return r->err;
	begin_at(r, tick);
	add_tick(r, tick);
	add_lost(r, tick);
	return r->err;
}

/*
 * Whoever reads it now keeps it in WAL mode: then the log stays beside it, also when the disk is
 * too full for what is in there. A disk that fails is told.
 */
static int leave_one_file(struct recorder *r)
{
	int rc;

	rows_finalize(r);
	rc = sqlite3_wal_checkpoint_v2(r->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if ((rc & 0xff) != SQLITE_IOERR)
		rc = sqlite3_exec(r->db, "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL);
	return (rc & 0xff) == SQLITE_IOERR ? recorder_fail(r, rc) : 0;
}

/* Waits for the disk. */
static int stop_sync(struct recorder *r)
{
	int err;

	recorder_sync_stop(r->sync);
	err = fail_of_sync(r);
	recorder_sync_free(r->sync);
	r->sync = NULL;
	return err;
}

int recorder_end(struct recorder *r, const struct recorder_tick *last)
{
	int err, sync_err;

	r->is_locked_out = false;
	err = begin(r);
	if (err)
		return err == -EAGAIN ? recorder_fail_errno(r, -EBUSY) : err;
	if (last->now_ns > r->now_ns && !recorder_tick(r, last))
		r->wall_ns = last->wall_ns;
	recorder_write_missed(r);
	add_meta(r, "ended", last->now_ns);
	tell_what_went(r);
	err = recorder_commit(r);
	sync_err = stop_sync(r);
	if (!err)
		err = sync_err ? sync_err : leave_one_file(r);
	return err;
}

void recorder_stats(const struct recorder *r, struct recorder_stats *out)
{
	*out = r->stats;
	out->bytes = recorder_file_bytes(r);
}
