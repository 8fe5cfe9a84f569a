/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How an image is made of a process, in this order:
 *
 *   image_plan()     which regions, and what is present in them     \
 *   image_reserve()  address space for them, no memory               } while the process runs
 *   image_prefault() memory for what is present, and for no more    /
 *   image_replan()   what has changed until it stood still
 *   image_copy()
 *
 *   image_plan.c     the first and the fourth
 *   image_arena.c    the second
 *   image_copy.c     the others
 */
#ifndef MEMWATCH_CENSUS_IMAGE_BUILD_H
#define MEMWATCH_CENSUS_IMAGE_BUILD_H

#include <sys/types.h>

#include "census/image.h"
#include "census/urgent.h"

/* Work that may take long. */
struct image_job {
	bool (*cancelled)(void *arg); /* NULL: never. Asked by the calling thread only */
	void (*progress)(void *arg, const char *step, uint64_t done, uint64_t of); /* may be NULL */
	void *arg;
	const char *step;
	const struct urgent *urgent; /* of the calling thread, or NULL */
};

#define IMAGE_NO_SCAN (1u << 0) /* as on a kernel before 6.7: for tests */

/**
 * image_plan - the regions that V8's heaps and what may refer to them are in, nothing copied
 * @im: zeroed
 * @flags: IMAGE_*
 *
 * By PAGEMAP_SCAN (Linux 6.7), else /proc/PID/pagemap. Returns 0, -ESRCH (it ended, or is a
 * zombie), -EACCES, -EPERM, -ENOMEM.
 */
int image_plan(struct image *im, pid_t pid, unsigned flags);
/** image_present_bytes - of all ranges */
uint64_t image_present_bytes(const struct image *im);
/** image_reserve - a place for each region: once. 0 or -ENOMEM */
int image_reserve(struct image *im);
/**
 * image_replan - plans again. What was in the plan before keeps its place
 *
 * Errors as of image_plan(); @im stays as it was then.
 */
int image_replan(struct image *im, pid_t pid, unsigned flags);
/** image_prefault - memory for all ranges; 0, -ENOMEM, -ECANCELED */
int image_prefault(struct image *im, const struct image_job *job);
/**
 * image_copy - what is present, by some threads
 *
 * Sets copied_bytes and unreadable_bytes (by whole pages). Returns 0, -ESRCH, -EPERM, -ECANCELED.
 */
int image_copy(struct image *im, pid_t pid, const struct image_job *job);

/* Where target memory lies in an arena. */
struct image_extent {
	uint64_t start, end;
	size_t offset; /* of @start */
};

struct image_arena {
	unsigned char *base;
	size_t bytes, used;
	struct image_extent *extents; /* by address, not overlapping */
	unsigned extent_count;
};

/** image_run_end - the index after the last of the neighbours that region @first begins */
unsigned image_run_end(const struct image *im, unsigned first);
/** image_place - the bytes of regions and ranges, by the arena; what has no place stays NULL */
void image_place(struct image *im);
/** image_arena_free - takes NULL */
void image_arena_free(struct image_arena *a);

#endif
