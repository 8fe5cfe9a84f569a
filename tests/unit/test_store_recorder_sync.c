/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The thread that waits for the disk: what it has made durable, and what it says when it cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "failing_disk.h"
#include "store/recorder_sync.h"

#define LOG_BYTES   (1 << 20)
#define DEADLINE_NS (60 * NSEC_PER_SEC)

struct logged {
	char folder[64], path[96];
	sqlite3 *db;
	struct recorder_sync *sync;
};

static int setup(void **state)
{
	static struct logged l;

	snprintf(l.folder, sizeof(l.folder), "/tmp/memwatch-sync.XXXXXX");
	assert_non_null(mkdtemp(l.folder));
	snprintf(l.path, sizeof(l.path), "%s/run.mw", l.folder);
	assert_int_equal(sqlite3_open(l.path, &l.db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(l.db, "PRAGMA journal_mode = WAL; CREATE TABLE t (n)", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	atomic_store(&disk_fails, false);
	assert_int_equal(recorder_sync_start(l.path, LOG_BYTES, &l.sync), 0);
	*state = &l;
	return 0;
}

static int teardown(void **state)
{
	struct logged *l = *state;

	atomic_store(&disk_fails, false);
	recorder_sync_free(l->sync);
	sqlite3_close(l->db);
	unlink(l->path);
	return rmdir(l->folder);
}

static void await_durable(const struct recorder_sync *s, uint64_t wall_ns)
{
	uint64_t until_ns = clock_boot_ns() + DEADLINE_NS;

	while (recorder_sync_durable_wall_ns(s) != wall_ns && clock_boot_ns() < until_ns)
		usleep(1000);
	assert_int_equal(recorder_sync_durable_wall_ns(s), wall_ns);
}

/* Nothing comes after it: each is made durable for its own sake. */
static void test_after_a_commit(void **state)
{
	struct logged *l = *state;

	assert_int_equal(recorder_sync_durable_wall_ns(l->sync), 0);
	for (uint64_t tick = 1; tick <= 3; tick++) {
		recorder_sync_committed(l->sync, 0, tick);
		await_durable(l->sync, tick);
	}
	assert_int_equal(recorder_sync_error(l->sync), 0);
}

static void test_the_rest_at_the_end(void **state)
{
	struct logged *l = *state;

	for (uint64_t tick = 1; tick <= 100; tick++)
		recorder_sync_committed(l->sync, 0, tick);
	recorder_sync_stop(l->sync);
	assert_int_equal(recorder_sync_durable_wall_ns(l->sync), 100);
}

static void test_moves_a_long_log(void **state)
{
	struct logged *l = *state;
	int in_log = -1, moved = -1;

	recorder_sync_committed(l->sync, LOG_BYTES, 1);
	recorder_sync_stop(l->sync);
	/* Nothing is left to be moved, nor is it by asking. */
	sqlite3_wal_checkpoint_v2(l->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
	assert_true(in_log > 0);
	assert_int_equal(in_log, moved);
	assert_int_equal(recorder_sync_error(l->sync), 0);
}

static void test_a_disk_that_fails(void **state)
{
	struct logged *l = *state;

	recorder_sync_committed(l->sync, 0, 1);
	await_durable(l->sync, 1);
	atomic_store(&disk_fails, true);
	recorder_sync_committed(l->sync, 0, 2);
	recorder_sync_stop(l->sync);
	assert_int_equal(recorder_sync_error(l->sync), -EIO);
	assert_int_equal(recorder_sync_durable_wall_ns(l->sync), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_after_a_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_rest_at_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moves_a_long_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_disk_that_fails, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
