/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The log is opened by a descriptor of its own. That is safe for a log only: SQLite's locks are
 * POSIX locks of the file itself and of its index (-shm), and closing any descriptor of these
 * would give them up for the whole process (fcntl(2)); of the log it locks nothing.
 */
#include "store/recorder_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LOG_SUFFIX "-wal"
#define EVERY_NS   (500 * NSEC_PER_MSEC)

/* What was committed last. */
struct commit {
	uint64_t log_used;
	uint64_t wall_ns;
};

struct recorder_sync {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_stopping, has_committed; /* under @lock */
	struct commit last;		 /* the same */
	atomic_int err;
	_Atomic uint64_t durable_wall_ns;
	sqlite3 *db; /* the thread's own */
	int log_fd;
	uint64_t log_bytes;
};

static void fail(struct recorder_sync *s, int err)
{
	int none = 0;

	atomic_compare_exchange_strong(&s->err, &none, err);
}

/* Moves what is in the log; what is being written or read meanwhile stays for the next time. */
static void move_log(struct recorder_sync *s)
{
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if ((rc & 0xff) == SQLITE_FULL)
		fail(s, -ENOSPC);
	else if ((rc & 0xff) == SQLITE_IOERR)
		fail(s, -(sqlite3_system_errno(s->db) ?: EIO));
}

/*
 * Until something was committed and @due is over, or until the end. A tick a second is made durable
 * as soon as it is there: who waited for a second of its own would lose up to two. Right after a
 * commit there is the most time, too, until something is written again.
 */
static void await_commit(struct recorder_sync *s, const struct timespec *due)
{
	while (!s->is_stopping && !s->has_committed)
		pthread_cond_wait(&s->wake, &s->lock);
	while (!s->is_stopping && !pthread_cond_timedwait(&s->wake, &s->lock, due))
		;
}

static void round_of(struct recorder_sync *s, const struct commit *last)
{
	if (fdatasync(s->log_fd)) {
		fail(s, -errno);
		return;
	}
	atomic_store(&s->durable_wall_ns, last->wall_ns);
	if (last->log_used >= s->log_bytes)
		move_log(s);
}

/* The next round is due. */
static void set_due(struct timespec *due)
{
	clock_gettime(CLOCK_MONOTONIC, due);
	due->tv_nsec += EVERY_NS;
	due->tv_sec += due->tv_nsec / (long)NSEC_PER_SEC;
	due->tv_nsec %= (long)NSEC_PER_SEC;
}

static void *run(void *arg)
{
	struct recorder_sync *s = arg;
	struct timespec due = {0};
	bool is_stopping = false;

	while (!is_stopping) {
		bool has_committed;
		struct commit last;

		pthread_mutex_lock(&s->lock);
		await_commit(s, &due);
		is_stopping = s->is_stopping;
		has_committed = s->has_committed;
		last = s->last;
		s->has_committed = false;
		pthread_mutex_unlock(&s->lock);
		set_due(&due);
		if (has_committed && !atomic_load(&s->err))
			round_of(s, &last);
	}
	return NULL;
}

static int open_files(struct recorder_sync *s, const char *path)
{
	char log[PATH_MAX + sizeof(LOG_SUFFIX)];

	snprintf(log, sizeof(log), "%s" LOG_SUFFIX, path);
	s->log_fd = open(log, O_RDWR | O_CLOEXEC);
	if (s->log_fd < 0)
		return -errno;
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		return s->db ? -EIO : -ENOMEM;
	return sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0",
			    NULL, NULL, NULL)
		       ? -EIO
		       : 0;
}

static int start_thread(struct recorder_sync *s)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void release(struct recorder_sync *s)
{
	sqlite3_close(s->db);
	if (s->log_fd >= 0)
		close(s->log_fd);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int recorder_sync_start(const char *path, uint64_t log_bytes, struct recorder_sync **out)
{
	struct recorder_sync *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;
	int err;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->log_bytes = log_bytes;
	s->log_fd = -1;
	s->has_committed = true; /* the tables */
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	err = open_files(s, path);
	if (!err)
		err = start_thread(s);
	if (err) {
		release(s);
		return err;
	}
	*out = s;
	return 0;
}

void recorder_sync_committed(struct recorder_sync *s, uint64_t log_used, uint64_t wall_ns)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->last = (struct commit){.log_used = log_used, .wall_ns = wall_ns};
	if (!s->has_committed)
		pthread_cond_signal(&s->wake);
	s->has_committed = true;
	pthread_mutex_unlock(&s->lock);
}

int recorder_sync_error(const struct recorder_sync *s)
{
	return atomic_load(&s->err);
}

uint64_t recorder_sync_durable_wall_ns(const struct recorder_sync *s)
{
	return atomic_load(&s->durable_wall_ns);
}

void recorder_sync_stop(struct recorder_sync *s)
{
	if (!s || s->is_stopping) /* which is set by this thread */
		return;
	pthread_mutex_lock(&s->lock);
	s->is_stopping = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
}

void recorder_sync_free(struct recorder_sync *s)
{
	if (!s)
		return;
	recorder_sync_stop(s);
	release(s);
}
