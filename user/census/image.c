/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading an image; images made of bytes. */
#include "census/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/image_build.h"

void image_release(struct image *im)
{
	image_arena_free(im->arena);
	free(im->regions);
	free(im->ranges);
	*im = (struct image){0};
}

const struct image_region *image_region_of(const struct image *im, uint64_t addr)
{
	unsigned low = 0, high = im->region_count; /* the first that ends behind @addr */

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (im->regions[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < im->region_count && im->regions[low].start <= addr ? &im->regions[low] : NULL;
}

unsigned char *image_at(const struct image *im, uint64_t addr, size_t len)
{
	const struct image_region *r = image_region_of(im, addr), *last = r;
	const struct image_region *end = im->regions + im->region_count;
	uint64_t to;

	if (!r || !r->bytes || __builtin_add_overflow(addr, len, &to))
		return NULL;
	while (last->end < to) {
		const struct image_region *next = last + 1;

		if (next == end || next->start != last->end || !next->bytes ||
		    next->bytes != last->bytes + (last->end - last->start))
			return NULL;
		last = next;
	}
	return r->bytes + (addr - r->start);
}

static int image_read(void *arg, uint64_t addr, void *out, size_t len)
{
	const unsigned char *from = image_at(arg, addr, len);

	if (!from)
		return -EFAULT;
	memcpy(out, from, len);
	return 0;
}

void image_memreader(struct memreader *m, const struct image *im)
{
	*m = (struct memreader){.read = image_read, .arg = (void *)im};
}

/* --- of bytes --- */

static int grow(struct image *im, size_t len)
{
	size_t regions = im->region_count + 1u, bytes = (im->arena ? im->arena->bytes : 0) + len;
	struct image_region *r = realloc(im->regions, regions * sizeof(*r));
	struct image_range *p;

	if (!r)
		return -ENOMEM;
	im->regions = r;
	p = realloc(im->ranges, regions * sizeof(*p));
	if (!p)
		return -ENOMEM;
	im->ranges = p;
	if (!im->arena)
		im->arena = calloc(1, sizeof(*im->arena));
	if (!im->arena)
		return -ENOMEM;
	im->arena->is_malloced = true;
	/* Exactly as large as what is in it, so that a sanitizer sees what reads behind it */
	im->arena->base = realloc(im->arena->base, bytes);
	if (!im->arena->base)
		return -ENOMEM;
	im->arena->bytes = bytes;
	return 0;
}

int image_add(struct image *im, const struct image_region *region, const void *bytes, size_t len)
{
	unsigned n = im->region_count;
	size_t used = 0;

	if (!len || region->start + len <= region->start ||
	    (n && region->start < im->regions[n - 1].end))
		return -EINVAL;
	if (grow(im, len))
		return -ENOMEM;
	im->regions[n] = *region;
	im->regions[n].end = region->start + len;
	im->region_count = im->range_count = n + 1;
	for (unsigned i = 0; i <= n; i++) {
		struct image_region *r = &im->regions[i];

		r->bytes = im->arena->base + used;
		im->ranges[i] = (struct image_range){r->start, r->end, r->bytes, i};
		used += r->end - r->start;
	}
	memcpy(im->regions[n].bytes, bytes, len);
	im->copied_bytes = im->arena->used = used;
	return 0;
}
