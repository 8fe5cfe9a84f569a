/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A thread that waits for the disk, so that a run need not: after a commit, but at most twice a
 * second, it makes the write-ahead log of a recording durable, and when that has become long it
 * moves what is in it into the file.
 */
#ifndef MEMWATCH_STORE_RECORDER_SYNC_H
#define MEMWATCH_STORE_RECORDER_SYNC_H

#include <stddef.h>
#include <stdint.h>

struct recorder_sync;

/**
 * recorder_sync_start - for the recording @path, which is open in WAL mode
 * @log_bytes: how long the log may become before it is moved
 *
 * All signals are blocked in it. Returns 0 or a negative errno.
 */
int recorder_sync_start(const char *path, uint64_t log_bytes, struct recorder_sync **out);
/**
 * recorder_sync_committed - something was: to be made durable
 * @log_used: bytes in the log now
 * @wall_ns: CLOCK_REALTIME of the last tick in it; 0: none
 */
void recorder_sync_committed(struct recorder_sync *s, uint64_t log_used, uint64_t wall_ns);
/** recorder_sync_error - what went wrong there, a negative errno; 0: nothing */
int recorder_sync_error(const struct recorder_sync *s);
/** recorder_sync_durable_wall_ns - @wall_ns of what was made durable; 0: no tick was */
uint64_t recorder_sync_durable_wall_ns(const struct recorder_sync *s);
/** recorder_sync_stop - makes the rest durable, which may take as long as the disk does; takes NULL
 */
void recorder_sync_stop(struct recorder_sync *s);
/** recorder_sync_free - stops it, if it was not; takes NULL */
void recorder_sync_free(struct recorder_sync *s);

#endif
