/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading an image. */
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
