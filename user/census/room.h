/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How much memory this process may take without harm to others, or to itself. */
#ifndef MEMWATCH_CENSUS_ROOM_H
#define MEMWATCH_CENSUS_ROOM_H

#include <stdint.h>

/**
 * room_free - bytes that may be taken: of those that the machine has available, and the cgroups
 *             leave that this process is in, all but a tenth
 * @root: "", or a folder with proc/ and sys/ in it
 *
 * Who takes all that is free has the kernel kill somebody for it: the process that is looked at,
 * as it is large. A cgroup's file pages that it could drop at once (inactive_file) count as free.
 * UINT64_MAX if nothing tells.
 */
uint64_t room_free(const char *root);

#endif
