/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file of a recording: made where nothing is that somebody could miss, and opened such that a
 * tick costs no waiting for the disk.
 *
 * A recording that was not ended has a log beside it, which is part of it: both are kept as .old.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/incbin.h"
#include "store/recorder_internal.h"
#include "store/recording_format.h"

INCBIN(recording_sql, "user/store/recording.sql");

#define LOG_SUFFIX	 "-wal"
#define INDEX_SUFFIX	 "-shm"
#define OLD_SUFFIX	 ".old"
#define LONGEST		 (PATH_MAX - 16) /* a path that all suffixes fit behind */
#define LOG_HEADER_BYTES 32		 /* sqlite.org/fileformat2.html, 4.1 */

/* SQLite's lock bytes of a file (os.h). */
#define LOCK_BEGIN  0x40000000
#define LOCK_LENGTH 512

static int say(char why[RECORDER_WHY], int err, const char *path, const char *clause)
{
	snprintf(why, RECORDER_WHY, "%.150s: %s", path, clause);
	return err;
}

static uint64_t size_of(const char *path, const char *suffix)
{
	char full[PATH_MAX + 8];
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", path, suffix);
	return stat(full, &st) ? 0 : (uint64_t)st.st_size;
}

static void remove_with(const char *path, const char *suffix)
{
	char full[PATH_MAX + 16];

	snprintf(full, sizeof(full), "%s%s", path, suffix);
	unlink(full);
}

/* --- what is there already --- */

static bool is_recording(int fd)
{
	unsigned char header[RECORDING_HEADER_BYTES];

	return pread(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	       recording_header_id(header) == RECORDING_APPLICATION_ID;
}

pid_t recorder_who_has(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_BEGIN,
		.l_len = LOCK_LENGTH,
	};

	return !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

enum there {
	THERE_EMPTY,
	THERE_BEGUN, /* a recording that was cut off before anything was in it */
	THERE_RECORDING,
};

static int look_at(int fd, const char *path, enum there *what, char why[RECORDER_WHY])
{
	char clause[96];
	struct stat st;
	pid_t pid;

	*what = THERE_EMPTY;
	if (fstat(fd, &st))
		return say(why, -errno, path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return say(why, -EISDIR, path, "that is a directory: name a file");
	if (!S_ISREG(st.st_mode))
		return say(why, -EEXIST, path, "a recording must be a regular file");
	if (!st.st_size)
		return 0;
	if (!is_recording(fd))
		return say(why, -EEXIST, path,
			   "that is there and no recording: it is not touched; name another file");
	*what = st.st_size <= RECORDER_PAGE && size_of(path, LOG_SUFFIX) <= LOG_HEADER_BYTES
			? THERE_BEGUN
			: THERE_RECORDING;
	pid = recorder_who_has(fd); /* its log would be taken from under it */
	if (!pid)
		return 0;
	snprintf(clause, sizeof(clause), "process %d has that recording open: name another file",
		 (int)pid);
	return say(why, -EBUSY, path, clause);
}

static int rename_with(const char *path, const char *suffix)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "%s%s", path, suffix);
	snprintf(to, sizeof(to), "%s" OLD_SUFFIX "%s", path, suffix);
	if (!rename(from, to))
		return 0;
	if (errno != ENOENT)
		return -errno;
	return unlink(to) && errno != ENOENT ? -errno : 0; /* a log of the .old before */
}

/* The log first: killed in between, the rest is still a recording, if an older one. */
static int keep_as_old(const char *path, char why[RECORDER_WHY])
{
	int err = rename_with(path, LOG_SUFFIX);

	if (!err)
		err = rename_with(path, "");
	if (err)
		return say(why, err, path, strerror(-err));
	remove_with(path, INDEX_SUFFIX);
	remove_with(path, OLD_SUFFIX INDEX_SUFFIX);
	return 0;
}

static int make_way(const char *path, char why[RECORDER_WHY])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum there what;
	int err;

	if (fd < 0)
		return errno == ENOENT ? 0 : say(why, -errno, path, strerror(errno));
	err = look_at(fd, path, &what, why);
	close(fd);
	if (err || what == THERE_EMPTY)
		return err;
	if (what == THERE_RECORDING)
		return keep_as_old(path, why);
	remove_with(path, INDEX_SUFFIX);
	remove_with(path, ""); /* it would replace an older one that has something in it */
	return 0;
}

static int make_file(const char *path, char why[RECORDER_WHY])
{
	int fd;

	remove_with(path, LOG_SUFFIX); /* of something that is gone */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0 && errno == ENOENT)
		return say(why, -ENOENT, path,
			   "a file cannot be made there: is the directory there?");
	if (fd < 0 && errno == EROFS)
		return say(why, -EROFS, path,
			   "that file system is read-only: name a file elsewhere");
	if (fd < 0)
		return say(why, -errno, path, strerror(errno));
	close(fd);
	return 0;
}

/* --- opening --- */

/* Whose name begins otherwise could mean something else to SQLite: ":memory:". */
static int set_path(struct recorder *r, const char *path, char why[RECORDER_WHY])
{
	if (!path[0])
		return say(why, -ENOENT, "-o", "the name of the file is empty");
	if (strlen(path) > LONGEST)
		return say(why, -ENAMETOOLONG, path, strerror(ENAMETOOLONG));
	snprintf(r->path, sizeof(r->path), "%s%s", path[0] == '/' ? "" : "./", path);
	r->name = r->path + (path[0] == '/' ? 0 : 2);
	return 0;
}

/*
 * Before the log there is no journal on the disk, and none at the end (leave_one_file()): only what
 * may write to a file rolls one back, and a reader would have to refuse it. Nothing is in the file
 * yet, or one sector of its header changes.
 *
 * synchronous NORMAL: in WAL mode a commit does not wait for the disk. The first one after the log
 * has begun anew does, for its header: else the disk may have the new frames and the old header.
 */
static int set_up(struct recorder *r)
{
	char sql[512];
	int rc;

	snprintf(sql, sizeof(sql),
		 "PRAGMA journal_mode = MEMORY; PRAGMA page_size = %d; BEGIN; "
		 "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT; "
		 "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
		 "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = %lld; "
		 "PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY; BEGIN",
		 RECORDER_PAGE, RECORDING_APPLICATION_ID, RECORDING_SCHEMA,
		 (long long)r->log_bytes);
	rc = sqlite3_exec(r->db, sql, NULL, NULL, NULL);
	if (!rc)
		rc = sqlite3_exec(r->db, recording_sql, NULL, NULL, NULL);
	if (!rc)
		rc = sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
	return rc ? recorder_fail(r, rc) : 0;
}

/* A file that may not become larger is an error to be told, not to die of. */
static void outlive_limit(void)
{
	struct sigaction now;

	if (!sigaction(SIGXFSZ, NULL, &now) && now.sa_handler == SIG_DFL)
		signal(SIGXFSZ, SIG_IGN);
}

int recorder_file_open(struct recorder *r, const char *path, char why[RECORDER_WHY])
{
	int err = set_path(r, path, why), rc;

	if (!err)
		err = make_way(path, why);
	if (!err)
		err = make_file(path, why);
	if (err)
		return err;
	outlive_limit();
	rc = sqlite3_open_v2(r->path, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	err = rc ? recorder_fail(r, rc) : set_up(r);
	if (err)
		snprintf(why, RECORDER_WHY, "%s", r->why);
	return err;
}

void recorder_file_tidy(const struct recorder *r)
{
	if (!access(r->path, F_OK) || errno != ENOENT)
		return;
	remove_with(r->path, LOG_SUFFIX);
	remove_with(r->path, INDEX_SUFFIX);
}

uint64_t recorder_file_bytes(const struct recorder *r)
{
	return size_of(r->path, "") + size_of(r->path, LOG_SUFFIX);
}
