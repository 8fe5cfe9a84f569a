/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A copy of the memory of a process that V8's heaps and what may refer to them are in: all of the
 * census is read from such an image, never from the process. Mappings that are neighbours in
 * the process are neighbours in the image, so that a V8 page that several mappings make up is one
 * piece of memory.
 */
#ifndef MEMWATCH_CENSUS_IMAGE_H
#define MEMWATCH_CENSUS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memreader.h"

#define IMAGE_PAGE 4096u /* granularity of ranges, whatever the machine's pages are */

/* A mapping of the process. */
struct image_region {
	uint64_t start, end;
	unsigned char *bytes; /* of @start; what was not present reads as 0. NULL: not copied */
	bool is_writable;
	bool is_file;	      /* .data and .bss of a file: no V8 pages in it */
	bool is_heap;	      /* "[heap]": glibc's main arena */
	bool is_stack;	      /* "[stack]" */
	bool is_inaccessible; /* ---p between two pieces of a V8 page: reads as 0 */
	bool is_malloc;	      /* only what glibc mapped for large malloc()s: not copied */
};

/* Present, and copied. */
struct image_range {
	uint64_t start, end;
	unsigned char *bytes;
	unsigned region; /* index */
};

struct image {
	struct image_region *regions; /* by address, not overlapping */
	unsigned region_count;
	struct image_range *ranges; /* by address */
	unsigned range_count;
	uint64_t copied_bytes, unreadable_bytes;
	struct image_arena *arena; /* that all @bytes lie in */
};

/** image_range_word - the 8 bytes at @addr; 0 if they are not all in @r */
static inline uint64_t image_range_word(const struct image_range *r, uint64_t addr)
{
	uint64_t word = 0;

	if (addr >= r->start && addr + 8 <= r->end)
		__builtin_memcpy(&word, r->bytes + (addr - r->start), sizeof(word));
	return word;
}
/** image_release - leaves it empty */
void image_release(struct image *im);
/** image_region_of - the region that @addr is in, or NULL */
const struct image_region *image_region_of(const struct image *im, uint64_t addr);
/** image_at - @len bytes at @addr, copied and contiguous (over regions that are neighbours, too);
 *  or NULL. What was absent in between reads as 0 */
unsigned char *image_at(const struct image *im, uint64_t addr, size_t len);
/** image_memreader - reads the image: for user/v8. @im must outlive it */
void image_memreader(struct memreader *m, const struct image *im);

#endif
