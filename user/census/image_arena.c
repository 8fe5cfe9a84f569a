/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the bytes of an image lie: one mapping, in which each run of neighbours has a place.
 * A run that may have grown when the process stands still (malloc()'s heap, what is mapped
 * next to each other) has room around it, as address space costs nothing; V8's pages do not grow,
 * and lie densely. What is new by then has its place at the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "census/image_build.h"

#define V8_PAGE_BYTES (256u << 10)
#define ROOM_BYTES    (1u << 20)  /* before and after a run */
#define SPARE_BYTES   (64u << 20) /* for what is new, and a quarter of the rest */

static bool is_copied(const struct image_region *r)
{
	return !r->is_malloc;
}

unsigned image_run_end(const struct image *im, unsigned first)
{
	unsigned i = first + 1;

	if (!is_copied(&im->regions[first]))
		return i;
	while (i < im->region_count && is_copied(&im->regions[i]) &&
	       im->regions[i].start == im->regions[i - 1].end)
		i++;
	return i;
}

/* --- the arena --- */

static struct image_extent extent_of(uint64_t start, uint64_t end)
{
	uint64_t room = start % V8_PAGE_BYTES || end % V8_PAGE_BYTES ? ROOM_BYTES : 0;

	return (struct image_extent){
		.start = start - (room < start ? room : start),
		.end = end + room,
	};
}

/* Room that reaches into the next one makes one of both. */
static void find_extents(const struct image *im, struct image_arena *a)
{
	for (unsigned i = 0, end; i < im->region_count; i = end) {
		struct image_extent *last =
			a->extent_count ? &a->extents[a->extent_count - 1] : NULL;
		struct image_extent e;

		end = image_run_end(im, i);
		if (!is_copied(&im->regions[i]))
			continue;
		e = extent_of(im->regions[i].start, im->regions[end - 1].end);
		if (last && e.start < last->end)
			last->end = e.end > last->end ? e.end : last->end;
		else
			a->extents[a->extent_count++] = e;
	}
	for (unsigned i = 0; i < a->extent_count; i++) {
		a->extents[i].offset = a->used;
		a->used += a->extents[i].end - a->extents[i].start;
	}
}

static int map_arena(struct image_arena *a)
{
	void *base;

	a->bytes = a->used + a->used / 4 + SPARE_BYTES;
	base = mmap(NULL, a->bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	a->base = base;
	/* Else a page of 2 MiB may be spent on each page of V8, of 256 KiB. */
	madvise(base, a->bytes, MADV_NOHUGEPAGE);
	madvise(base, a->bytes, MADV_DONTDUMP);
	return 0;
}

int image_reserve(struct image *im)
{
	struct image_arena *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	im->arena = a;
	a->extents = calloc(im->region_count + 1, sizeof(*a->extents));
	if (!a->extents)
		return -ENOMEM;
	find_extents(im, a);
	if (map_arena(a))
		return -ENOMEM;
	image_place(im);
	return 0;
}

void image_arena_free(struct image_arena *a)
{
	if (!a)
		return;
	if (a->base)
		munmap(a->base, a->bytes);
	free(a->extents);
	free(a);
}

/* --- places --- */

static const struct image_extent *find_extent(const struct image_arena *a, uint64_t addr)
{
	unsigned low = 0, high = a->extent_count; /* the first that ends behind @addr */

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (a->extents[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < a->extent_count && a->extents[low].start <= addr ? &a->extents[low] : NULL;
}

static unsigned char *place_run(struct image_arena *a, uint64_t start, uint64_t end)
{
	const struct image_extent *e = find_extent(a, start);
	unsigned char *at = a->base + a->used;

	if (e && end <= e->end)
		return a->base + e->offset + (start - e->start);
	if (end - start > a->bytes - a->used)
		return NULL;
	a->used += end - start;
	return at;
}

void image_place(struct image *im)
{
	for (unsigned i = 0, end; i < im->region_count; i = end) {
		uint64_t start = im->regions[i].start;
		unsigned char *at;

		end = image_run_end(im, i);
		at = is_copied(&im->regions[i])
			     ? place_run(im->arena, start, im->regions[end - 1].end)
			     : NULL;
		for (unsigned r = i; r < end; r++)
			im->regions[r].bytes = at ? at + (im->regions[r].start - start) : NULL;
	}
	for (unsigned i = 0; i < im->range_count; i++) {
		struct image_range *p = &im->ranges[i];
		const struct image_region *r = &im->regions[p->region];

		p->bytes = r->bytes ? r->bytes + (p->start - r->start) : NULL;
	}
}
