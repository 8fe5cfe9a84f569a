/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mappings of a process (/proc/PID/maps), and the files behind them.
 */
#ifndef MEMWATCH_SYM_PROC_MAPS_H
#define MEMWATCH_SYM_PROC_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sym/elf_file.h"

struct proc_map {
	uint64_t start, end, offset; /* @offset: in the file */
	uint64_t dev, inode;	     /* 0, 0 for anonymous memory */
	char perms[5];		     /* "r-xp" */
	char *path;		     /* as in maps: a path, "[heap]", or "" */
};

struct proc_maps {
	struct proc_map *maps; /* by address */
	unsigned count;
};

#define PROC_MAPS_EXECUTABLE (1u << 0) /* only mappings that are executable */

/**
 * proc_maps_read - the mappings of @pid as of now; those of @out before are released
 * @out: zeroed, or read before
 * @flags: PROC_MAPS_*
 *
 * Bounded: at most 1M lines; one too long is left out.
 * Returns 0, -ESRCH, -EACCES, -ENOMEM ...
 */
int proc_maps_read(pid_t pid, unsigned flags, struct proc_maps *out);
/** proc_maps_release - leaves it empty */
void proc_maps_release(struct proc_maps *m);
/** proc_maps_find - the mapping that @addr is in, or NULL */
const struct proc_map *proc_maps_find(const struct proc_maps *m, uint64_t addr);

/**
 * proc_map_open - the file of a mapping, through the target's mount namespace
 *
 * By /proc/PID/map_files, the very file that is mapped, also when it was deleted or
 * replaced; without the capability for that by its name below /proc/PID/root.
 * Returns NULL with errno set, as elf_file_open() does.
 */
struct elf_file *proc_map_open(pid_t pid, const struct proc_map *m);
/** proc_map_path - a path of our own that opens that file (for uprobes); 0 or -errno */
int proc_map_path(pid_t pid, const struct proc_map *m, char *out, size_t size);

#endif
