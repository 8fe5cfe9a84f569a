/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding roots. Strings that V8 interns are left out: its string table is native memory, and
 * refers to them without keeping them.
 *
 * What malloc has free is left out (glibc.c).
 *
 * LIMITATIONS: other allocators than glibc's can keep what is dead.
 */
#include "census/roots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/glibc.h"
#include "census/heap_internal.h"

#define RED_ZONE	 128  /* below a stack's pointer, and still used (System V AMD64 ABI) */
#define NOT_INTERNALIZED 0x20 /* bit of a string's instance type */

/* Where the part of a region begins that is used: a stack's, from its pointer on. */
static uint64_t used_from(const struct capture *c, const struct image_region *r)
{
	for (unsigned i = 0; i < c->thread_count; i++) {
		uint64_t sp = c->threads[i].sp;

		if (sp >= r->start && sp < r->end)
			return (sp - RED_ZONE) & ~7ull;
	}
	return r->start;
}

static bool is_root(struct heap *h, uint64_t word)
{
	int type = heap_type(h, word);

	return type != V8_NO_TYPE &&
	       (type >= h->layout->v8->types.first_nonstring || type & NOT_INTERNALIZED);
}

struct walk {
	struct heap *h;
	const struct spans *unused;
	int (*fn)(void *arg, uint64_t word);
	void *arg;
};

static int range_walk(struct walk *w, const struct image_range *r, uint64_t from)
{
	for (uint64_t at = from > r->start ? from : r->start; at < r->end; at += 8) {
		uint64_t word;
		int ret;

		if (!(at & (IMAGE_PAGE - 1)) && heap_owns(w->h, at)) {
			at += IMAGE_PAGE - 8;
			continue;
		}
		memcpy(&word, r->bytes + (at - r->start), sizeof(word));
		if (!heap_is_reference(word) || !heap_page_of(w->h, heap_untag(word)) ||
		    spans_have(w->unused, at) || !is_root(w->h, word))
			continue;
		ret = w->fn(w->arg, word);
		if (ret)
			return ret;
	}
	return 0;
}

int roots_for_each(struct heap *h, int (*fn)(void *arg, uint64_t word), void *arg)
{
	const struct image *im = &h->capture->image;
	struct spans unused = {0};
	struct walk w = {.h = h, .unused = &unused, .fn = fn, .arg = arg};
	int ret = glibc_unused(im, &unused);

	for (unsigned i = 0; !ret && i < im->range_count; i++) {
		const struct image_range *r = &im->ranges[i];
		const struct image_region *region = &im->regions[r->region];

		if (region->is_writable)
			ret = range_walk(&w, r, used_from(h->capture, region));
	}
	spans_release(&unused);
	return ret;
}
