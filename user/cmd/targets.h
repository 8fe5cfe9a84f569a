/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which processes the user means: by PID (any number), by name, by cgroup; or those that memwatch
 * started itself.
 * Shared by every command that takes targets.
 */
#ifndef MEMWATCH_CMD_TARGETS_H
#define MEMWATCH_CMD_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/tree.h"
#include "memwatch/abi.h"
#include "model/process.h"

struct targets {
	uint32_t pids[MW_MAX_TARGETS];
	uint64_t starts[MW_MAX_TARGETS]; /* identity once seen; 0 before */
	bool is_gone[MW_MAX_TARGETS];
	unsigned count, alive;
	char comm[MW_COMM_LEN]; /* "" for any: compared as the kernel cuts it */
	const char *cgroup;	/* NULL for any: a path under the cgroup root, or the folder's */
	uint64_t cgroup_id;
	const char *cgroup_path; /* as /proc/PID/cgroup shows it: descendants begin with it */
	struct tree *tree;	 /* NULL: none; else those of this tree, and only they */
};

/** targets_add_pids - "1", "1,2" or "1 2": adds each once. 0, -EINVAL, -E2BIG, said on stderr */
int targets_add_pids(struct targets *t, const char *list);
/** targets_set_comm - 0 or -EINVAL */
int targets_set_comm(struct targets *t, const char *comm);
/** targets_set_cgroup - a folder below /sys/fs/cgroup, or the path in /proc/PID/cgroup */
int targets_set_cgroup(struct targets *t, const char *path);

/**
 * targets_check - every named PID is a process with memory of its own
 *
 * A thread's id becomes its process's. 0, -ESRCH, -EINVAL, said on stderr.
 */
int targets_check(struct targets *t);

/** targets_match - whether @p is meant by name, cgroup and tree (PIDs are filtered in the kernel)
 */
bool targets_match(const struct targets *t, const struct process *p);

/** targets_are_named - anything narrower than the whole machine */
bool targets_are_named(const struct targets *t);

/** targets_left - whether there is, or may still come, what is meant */
bool targets_left(const struct targets *t);

/** targets_seen - notes the identity of a named process */
void targets_seen(struct targets *t, const struct process *p);
/**
 * targets_gone - notes the end of the process with this identity (@start_ns 0: any)
 *
 * Returns whether it was named and is now gone for the first time.
 */
bool targets_gone(struct targets *t, uint32_t pid, uint64_t start_ns);

#endif
