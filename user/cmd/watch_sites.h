/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth sites in a run of watch: whose are taken. */
#ifndef MEMWATCH_CMD_WATCH_SITES_H
#define MEMWATCH_CMD_WATCH_SITES_H

#include "cmd/targets.h"
#include "collect/sites.h"
#include "model/process.h"

/**
 * watch_sites_tick - the sites of each process in @rows, as of now
 * @s: NULL: none are taken
 * @rows: the processes that match the targets
 * @looked_at: PID of the one that the user looks at, or 0
 *
 * Sites are taken of all that were named; if none was, of the fastest growers and of that one.
 */
void watch_sites_tick(struct sites *s, const struct targets *targets, struct process **rows,
		      size_t count, uint32_t looked_at);

/** watch_sites_show - the same, as of the last tick, less those that were forgotten since */
void watch_sites_show(const struct sites *s, struct process **rows, size_t count);

#endif
