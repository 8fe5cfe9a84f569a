/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel's files say of memory: /proc/meminfo, and those of memory cgroups, v1 and v2.
 *
 * Each takes @root: "", or a folder with proc/ and sys/ in it.
 */
#ifndef MEMWATCH_BASE_MEMORY_FILES_H
#define MEMWATCH_BASE_MEMORY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for one of them: memory.stat of Linux 6.18 takes 2 KiB. */
#define MEMORY_FILE_BYTES 8192

/** memory_file_read - the beginning of the file @name below @root, as a string; "" and false where
 *  it cannot be read */
bool memory_file_read(const char *root, const char *name, char *out, size_t size);

/* What is not there is 0. */
struct meminfo {
	uint64_t total_bytes, available_bytes;
	uint64_t swap_total_bytes, swap_free_bytes;
};

/** meminfo_read - false if it does not say what there is and what is available (since Linux 3.14).
 *  That no more is available than there is is for the caller to see */
bool meminfo_read(const char *root, struct meminfo *out);

/* The files of a memory cgroup. */
struct memory_cgroup {
	const char *mount;
	const char *sign; /* a file of each cgroup, the root too: it is there if the mount is */
	const char *max;
	const char *high; /* NULL: v1 has none */
	const char *used;
	const char *inactive; /* in memory.stat, with all below */
};

enum { MEMORY_CGROUP_V1, MEMORY_CGROUP_V2, MEMORY_CGROUP_UNIFIED, MEMORY_CGROUPS };

extern const struct memory_cgroup memory_cgroups[MEMORY_CGROUPS];

/**
 * memory_cgroup_number - what is in one file of a cgroup, bytes
 * @path: of the cgroup, below the mount: "" or "/a/b"
 *
 * Returns false for "max", and for what is no number or cannot be read; then @value is as it was.
 */
bool memory_cgroup_number(const char *root, const struct memory_cgroup *v, const char *path,
			  const char *file, uint64_t *value);

/** memory_cgroup_used - the working set, bytes: what is charged, less the file pages that it could
 *  drop at once (as `docker stats` and the kubelet count it). As memory_cgroup_number() */
bool memory_cgroup_used(const char *root, const struct memory_cgroup *v, const char *path,
			uint64_t *used);

#endif
