/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Debug files from debuginfod servers. Off unless the user has set DEBUGINFOD_URLS.
 */
#ifndef MEMWATCH_SYM_DEBUGINFOD_H
#define MEMWATCH_SYM_DEBUGINFOD_H

#include <stddef.h>
#include <stdint.h>

#define DEBUGINFOD_ALL_NS 20000000000ULL /* of waiting for servers, in all */

/* How long servers were waited for so far; zeroed at first. */
struct debuginfod_budget {
	uint64_t spent_ns;
};

/**
 * debuginfod_find - fetches a debug file into the user's cache, or finds it there
 * @build_id: hexadecimal; "" is not found
 * @path:     of the file in the cache
 *
 * Blocks for DEBUGINFOD_TIMEOUT seconds at most (2 unless set, never more than 10), and not any
 * more once @budget is spent.
 * Returns 0, -ENOENT (not configured, no such file there, libdebuginfod.so.1 is not installed),
 * -ETIME.
 */
int debuginfod_find(struct debuginfod_budget *budget, const char *build_id, char *path,
		    size_t size);

#endif
