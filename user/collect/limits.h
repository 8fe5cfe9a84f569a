/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The limits that bite a process: of its memory cgroup, of each one above it, and the machine's
 * own memory.
 *
 * What counts as used is the working set: what is charged to a cgroup less its inactive file pages
 * (as `docker stats` and the kubelet count it), of the machine what is not available. A cgroup at
 * its limit drops such pages before anything is killed, so a file that is read would look like the
 * end. Active file pages count though the kernel takes them too in the end: a program that has to
 * read them again all the time stands still before it is killed.
 *
 * LIMITATIONS: swap may put off what is said. Where a cgroup namespace or a mount hides a path, its
 * limits are not known. v1 hierarchies that do not count children (memory.use_hierarchy 0, not
 * possible since Linux 5.11) are taken for such that do.
 */
#ifndef MEMWATCH_COLLECT_LIMITS_H
#define MEMWATCH_COLLECT_LIMITS_H

#include "memwatch/abi.h"
#include "model/limit.h"

#define LIMITS_MAX     (2 * MW_CGROUP_DEPTH + 1) /* of one process: high and max each, the machine */
#define LIMITS_CGROUPS 256			 /* whose values are kept at a time */

struct limits;

/**
 * limits_new - @root: "", or a folder with proc/ and sys/ in it
 *
 * Returns NULL with errno set.
 */
struct limits *limits_new(const char *root);
/** limits_free - takes NULL */
void limits_free(struct limits *l);

/** limits_begin - a tick begins: what was read before is old. Ends the life of each @where */
void limits_begin(struct limits *l);

/**
 * limits_of - the limits of a process, its own cgroup's first, the machine's last
 * @path: its memory cgroup's, as /proc/PID/cgroup shows it; NULL: unknown
 * @out: at least LIMITS_MAX; each @where is owned by @l, valid until limits_begin()
 *
 * Each cgroup's files are read once a tick at the most, and only if asked for; at most
 * MW_CGROUP_DEPTH levels, and LIMITS_CGROUPS cgroups a tick. Returns how many; what cannot be read
 * is left out.
 */
unsigned limits_of(struct limits *l, const char *path, struct limit *out);

#endif
