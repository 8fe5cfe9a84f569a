/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The mappings of a process (/proc/PID/maps), and the files behind them.
 */
#ifndef MEMWATCH_SYM_PROC_MAPS_H
#define MEMWATCH_SYM_PROC_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sym/elf_file.h"

struct proc_map {
	uint64_t start, end, offset; /* @offset: in the file */
	uint64_t dev, inode;	     /* 0, 0 for anonymous memory; @dev: major << 32 | minor */
	char perms[5];		     /* "r-xp" */
	char *path;		     /* as in maps: a path, "[heap]", or "" */
};

struct proc_maps {
	struct proc_map *maps; /* by address, not overlapping */
	unsigned count;
};

#define PROC_MAPS_EXECUTABLE (1u << 0) /* only mappings that are executable */

/**
 * proc_maps_read - the mappings of @pid as of now; those of @out before are released
 * @out: zeroed, or read before
 * @flags: PROC_MAPS_*
 *
 * Bounded: at most 1M lines and 64 MiB of paths; a line that is too long is left out.
 * Returns 0, -ESRCH, -EACCES, -ENOMEM ... A zombie has no mappings.
 */
int proc_maps_read(pid_t pid, unsigned flags, struct proc_maps *out);
/**
 * proc_map_parse - one line of maps
 * @line: a newline at its end is cut off; out->path points into it
 *
 * False if it is no such line.
 */
bool proc_map_parse(char *line, struct proc_map *out);
/** proc_maps_release - leaves it empty */
void proc_maps_release(struct proc_maps *m);
/** proc_maps_find - the mapping that @addr is in, or NULL */
const struct proc_map *proc_maps_find(const struct proc_maps *m, uint64_t addr);

/** proc_map_is_file - a file is mapped there, and not memory or what the kernel makes */
bool proc_map_is_file(const struct proc_map *m);
/** proc_map_is_deleted - its path says that the file has no name any more */
bool proc_map_is_deleted(const struct proc_map *m);

/**
 * proc_map_open - the file of a mapping, through the target's mount namespace
 *
 * By /proc/PID/map_files, the very file that is mapped, also when it was deleted or
 * replaced; without the capability for that, the executable by /proc/PID/exe and others by
 * their names below /proc/PID/root, unless that is another file by now (ESTALE).
 * A mapping of only a path, equal to what /proc/PID/exe links to, is the executable.
 * Returns NULL with errno set, as elf_file_open() does.
 */
struct elf_file *proc_map_open(pid_t pid, const struct proc_map *m);
/** proc_map_path - a path of our own that opens that file (for uprobes); 0 or -errno */
int proc_map_path(pid_t pid, const struct proc_map *m, char *out, size_t size);

/** proc_exe_path - what /proc/PID/exe links to, or "" (a kernel thread, a zombie, no permission) */
void proc_exe_path(pid_t pid, char *out, size_t size);

#endif
