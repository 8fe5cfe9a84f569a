/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The names that a JIT compiler gives its code, in /tmp/perf-PID.map: what Node writes with
 * --perf-basic-prof, Python with -X perf, Java with perf-map-agent, .NET, LuaJIT, PHP ...
 */
#ifndef MEMWATCH_SYM_PERF_MAP_H
#define MEMWATCH_SYM_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PERF_NAME_BYTES 1024 /* longer names are cut */

struct perf_map;

/** perf_map_new - of process @pid; reads nothing yet. NULL with errno set */
struct perf_map *perf_map_new(pid_t pid);
/** perf_map_free - takes NULL */
void perf_map_free(struct perf_map *m);

/**
 * perf_map_refresh - reads what was written since, or the whole file if it is another by now
 *
 * In the process's own /tmp, by the PID that it has in its own PID namespace. Only a regular file
 * that belongs to the process's user or to root; up to 256 MiB and 4M entries.
 * Returns 0, or -ENOENT (there is none), -EPERM (not its own), ...
 */
int perf_map_refresh(struct perf_map *m);
/**
 * perf_map_find - the code that @addr is in, the last one that was written for it
 * @name: PERF_NAME_BYTES
 *
 * Returns 0, or -ENOENT.
 */
int perf_map_find(struct perf_map *m, uint64_t addr, char *name);

size_t perf_map_count(const struct perf_map *m);

/**
 * perf_map_parse - one line: START SIZE NAME, in hexadecimal
 * @line: of @len bytes, without the newline
 * @name_at: offset of the name in it
 *
 * Returns 0 or -EINVAL.
 */
int perf_map_parse(const char *line, size_t len, uint64_t *start, uint64_t *size, size_t *name_at);

#endif
