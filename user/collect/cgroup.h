/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The name of a memory cgroup, and the container it stands for. */
#ifndef MEMWATCH_COLLECT_CGROUP_H
#define MEMWATCH_COLLECT_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "model/process.h"

/**
 * cgroup_read - fills in path and container of @cgroup
 * @id:  its kernfs id: see cgroup_read_by_id()
 * @pid: a process that was in it; asked (/proc/@pid/cgroup) when the id does not tell
 *
 * The hierarchy that has the memory controller; else the v2 one. The path stays
 * NULL when neither tells.
 */
void cgroup_read(struct cgroup *cgroup, uint64_t id, uint32_t pid);

/**
 * cgroup_read_by_id - the same by the kernfs id alone, when no process is left to ask
 *
 * Looks below the mounts of the hierarchy at their usual places. Needs CAP_DAC_READ_SEARCH;
 * without it, and for a cgroup that is gone, the path stays NULL.
 */
void cgroup_read_by_id(struct cgroup *cgroup, uint64_t id);

/**
 * cgroup_container_id - the container's id in a cgroup path, as Docker, containerd, CRI-O and
 * Podman write it: the last run of 64 hexadecimal digits
 * @out: 65 bytes; "" if there is none
 */
void cgroup_container_id(const char *path, char out[65]);

/**
 * cgroup_id_of_process - kernfs id of the memory cgroup that @pid is in
 * @is_v1: the memory controller is on a v1 hierarchy
 *
 * By the path in /proc/@pid/cgroup, below the mounts at their usual places. 0 if that does not
 * tell.
 */
uint64_t cgroup_id_of_process(uint32_t pid, bool is_v1);

/** cgroup_id_of_path - kernfs id of the cgroup folder @path ("/sys/fs/cgroup/…"); 0 or -errno */
int cgroup_id_of_path(const char *path, uint64_t *id);

#endif
