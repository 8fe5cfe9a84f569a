/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opening a recording, to read only, and reading its parts in one transaction: what is written
 * meanwhile is not seen.
 *
 * A file in WAL mode without a log beside it has no writer: it is opened as immutable, so that
 * SQLite needs no files of its own beside it (sqlite.org/wal.html, "Read-Only Databases"). With a
 * log, SQLite shares memory with the writer by FILE-shm; where that cannot be made, the file is
 * read without locks, into memory of our own: nobody can write there.
 */
#include "store/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/recorder.h"
#include "store/recording_format.h"
#include "store/recording_internal.h"

#define BUSY_MS	     5000
#define PROGRESS_OPS 100000

/* --- what the file is --- */

/* What a file is, but for its header. */
struct file {
	uint64_t disk_bytes; /* without holes */
	pid_t open_by;	     /* another process; 0: none */
};

/* How many bytes there are, up to RECORDING_HEADER_BYTES, or a negative errno. */
static ssize_t read_header(const char *path, unsigned char header[RECORDING_HEADER_BYTES],
			   struct file *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		got = -errno;
	else if (!S_ISREG(st.st_mode))
		got = S_ISDIR(st.st_mode) ? -EISDIR : -ESPIPE;
	else if ((got = pread(fd, header, RECORDING_HEADER_BYTES, 0)) < 0)
		got = -errno;
	else
		*file = (struct file){(uint64_t)st.st_blocks * 512, recorder_who_has(fd)};
	close(fd);
	return got;
}

static bool has_beside(const char *path, const char *suffix)
{
	char beside[PATH_MAX];

	return snprintf(beside, sizeof(beside), "%s%s", path, suffix) < (int)sizeof(beside) &&
	       !access(beside, F_OK);
}

/* What has just been begun is in its log only. */
bool recording_is(const char *path)
{
	unsigned char header[RECORDING_HEADER_BYTES] = {0};
	struct file file;
	ssize_t got = read_header(path, header, &file);
	int64_t id;

	if (got == 0)
		return has_beside(path, "-wal");
	if (got < RECORDING_HEADER_BYTES)
		return false;
	id = recording_header_id(header);
	return id == RECORDING_APPLICATION_ID || (!id && has_beside(path, "-wal"));
}

static int check_file(struct reading *r, const char *path)
{
	unsigned char header[RECORDING_HEADER_BYTES] = {0};
	struct file file = {0};
	ssize_t got = read_header(path, header, &file);

	r->file_bytes = file.disk_bytes;
	r->open_by = file.open_by;
	if (got == -ESPIPE)
		return reading_refuse(r, -ESPIPE,
				      "it is no file: a recording cannot be read from "
				      "a pipe or a device");
	if (got < 0)
		return reading_refuse(r, (int)got, "%s", strerror((int)-got));
	if (recording_is(path))
		return 0;
	if (!got)
		return reading_refuse(r, -EINVAL, "it is empty");
	if (header[0] == '{')
		return reading_refuse(r, -EINVAL,
				      "it is NDJSON, no recording ('memwatch diff A B' compares "
				      "censuses)");
	return reading_refuse(r, -EINVAL,
			      "it is no recording of memwatch ('memwatch record -o FILE' makes "
			      "one)");
}

/* --- opening --- */

/* Every byte that means something in a URI is escaped. */
static void uri_of(char *out, size_t size, const char *path, const char *parameters)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t len = (size_t)snprintf(out, size, "file:%s", path[0] == '/' ? "" : "./");

	for (; *path && len + 4 < size; path++) {
		unsigned char c = (unsigned char)*path;

		if (strchr("%?#", c) || c <= ' ' || c >= 127) {
			out[len++] = '%';
			out[len++] = hex[c >> 4];
			out[len++] = hex[c & 15];
		} else {
			out[len++] = (char)c;
		}
	}
	snprintf(out + len, size - len, "%s", parameters);
}

int recording_harden(sqlite3 *db)
{
	static const struct {
		int id, value;
	} limits[] = {
		{SQLITE_LIMIT_LENGTH, READ_TEXT_MAX}, {SQLITE_LIMIT_SQL_LENGTH, 1 << 16},
		{SQLITE_LIMIT_COLUMN, 100},	      {SQLITE_LIMIT_EXPR_DEPTH, 50},
		{SQLITE_LIMIT_COMPOUND_SELECT, 4},    {SQLITE_LIMIT_VDBE_OP, 100000},
		{SQLITE_LIMIT_FUNCTION_ARG, 8},	      {SQLITE_LIMIT_ATTACHED, 0},
		{SQLITE_LIMIT_WORKER_THREADS, 0},     {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
	};
	static const struct {
		int id, on;
	} switches[] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
		{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		sqlite3_limit(db, limits[i].id, limits[i].value);
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (sqlite3_db_config(db, switches[i].id, switches[i].on, NULL))
			return -EIO;
	}
	sqlite3_busy_timeout(db, BUSY_MS);
	return 0;
}

static int open_uri(sqlite3 **db, const char *path, const char *parameters)
{
	char uri[3 * PATH_MAX + 64]; /* each byte escaped, and what stands before and behind */

	uri_of(uri, sizeof(uri), path, parameters);
	if (sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK &&
	    !recording_harden(*db))
		return SQLITE_OK;
	return SQLITE_CANTOPEN;
}

/* SQLite opens the file, and its log, with the first statement. */
static bool can_read(sqlite3 *db, const char *first)
{
	return sqlite3_exec(db, first, NULL, NULL, NULL) != SQLITE_CANTOPEN;
}

static int open_file(struct reading *r, const char *path)
{
	bool is_alone = !has_beside(path, "-wal") && !has_beside(path, "-journal");
	int code = open_uri(&r->db, path, is_alone ? "?immutable=1" : "");

	if (!code && !can_read(r->db, "SELECT 1 FROM sqlite_schema")) {
		sqlite3_close(r->db);
		code = open_uri(&r->db, path, "?vfs=unix-none");
		if (!code)
			can_read(r->db, "PRAGMA locking_mode = EXCLUSIVE");
	}
	if (!r->db)
		return reading_refuse(r, -ENOMEM, "out of memory");
	return code ? reading_error(r) : 0;
}

/* --- reading --- */

static int is_over(void *arg)
{
	const struct reading *r = arg;

	return clock_cpu_ns() > r->cpu_end_ns;
}

static int take_number(struct reading *r, sqlite3_stmt *row, void *arg)
{
	(void)r;
	*(int64_t *)arg = column_int(row, 0);
	return 0;
}

static int check_schema(struct reading *r)
{
	int64_t id = 0, version = 0, tables = 0;
	int err = reading_each(r, "PRAGMA application_id", 0, 1, take_number, &id);

	if (!err)
		err = reading_each(r, "PRAGMA user_version", 0, 1, take_number, &version);
	if (!err)
		err = reading_each(r, "SELECT count(*) FROM sqlite_schema", 0, 1, take_number,
				   &tables);
	if (err)
		return err;
	if (id != RECORDING_APPLICATION_ID)
		return reading_refuse(r, -EINVAL, "it is a database, but no recording of memwatch");
	if (version > RECORDING_SCHEMA)
		return reading_refuse(r, -ENOTSUP,
				      "it is of schema %lld, and this memwatch knows %d: take a "
				      "newer one",
				      (long long)version, RECORDING_SCHEMA);
	if (version < 1)
		return reading_refuse(r, -EUCLEAN, "it is damaged: it has no version");
	if (!tables && has_beside(r->out->path, "-wal"))
		return reading_refuse(r, -EUCLEAN,
				      "nothing is in it: its recording had just begun");
	if (!tables) /* memwatch was killed, and what it wrote was not yet moved into the file */
		return reading_refuse(r, -EUCLEAN,
				      "nothing is in it: its recording had just begun, or what was "
				      "recorded is in "
				      "its log, FILE-wal, which is to be copied with it");
	r->out->schema = (int)version;
	return 0;
}

static int read_all(struct reading *r)
{
	int (*const parts[])(struct reading *) = {
		check_schema, reading_run_facts, reading_processes, reading_verdicts,
		reading_rank, reading_ticks,	 reading_changes,   reading_events,
		reading_gcs,  reading_sites,	 reading_censuses,
	};
	int err = 0;

	if (sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL))
		return reading_error(r);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !err; i++)
		err = parts[i](r);
	sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

static int load(struct reading *r, const char *path)
{
	int err;

	r->out = calloc(1, sizeof(*r->out));
	if (r->out)
		r->out->names = intern_new(READ_NAMES_BYTES);
	if (!r->out || !r->out->names)
		return reading_refuse(r, -ENOMEM, "out of memory");
	r->out->path = intern_str(r->out->names, path);
	r->out->open_by = r->open_by;
	r->cpu_ns = READ_CPU_NS + (r->file_bytes >> 20) * READ_CPU_MIB_NS;
	r->cpu_end_ns = clock_cpu_ns() + r->cpu_ns;
	sqlite3_progress_handler(r->db, PROGRESS_OPS, is_over, r);
	err = read_all(r);
	sqlite3_progress_handler(r->db, 0, NULL, NULL);
	return err;
}

static int load_and_give(struct reading *r, const char *path, struct recorded **out)
{
	int err = load(r, path);

	free(r->ids);
	*out = err ? NULL : r->out;
	if (err)
		recorded_free(r->out);
	return err;
}

int recording_load_db(sqlite3 *db, const struct recording_select *select, struct recorded **out,
		      char why[RECORDING_WHY])
{
	struct reading r = {.db = db, .select = select, .why = why};

	why[0] = '\0';
	return load_and_give(&r, "(memory)", out);
}

int recording_load(const char *path, const struct recording_select *select, struct recorded **out,
		   char why[RECORDING_WHY])
{
	struct reading r = {.select = select, .why = why};
	int err;

	why[0] = '\0';
	*out = NULL;
	err = check_file(&r, path);
	if (!err)
		err = open_file(&r, path);
	if (!err)
		err = load_and_give(&r, path, out);
	sqlite3_close(r.db);
	return err;
}
