/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding roots. Strings that V8 interns are left out: its string table is native memory, and
 * refers to them without keeping them.
 *
 * LIMITATIONS: free chunks are known of glibc's main arena only ("[heap]"), and only if the whole
 * of it can be walked; other allocators and arenas of threads can keep what is dead.
 */
#include "census/roots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/heap_internal.h"

#define RED_ZONE	 128  /* below a stack's pointer, and still used (System V AMD64 ABI) */
#define CHUNK_MIN	 0x20 /* of glibc's malloc, and its alignment */
#define CHUNK_FLAGS	 7ull
#define CHUNK_PREV_USED	 1ull
#define NOT_INTERNALIZED 0x20 /* bit of a string's instance type */

struct span {
	uint64_t start, end;
};

struct spans {
	struct span *v;
	size_t count, cap;
};

static int span_add(struct spans *s, uint64_t start, uint64_t end)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 1024;
		struct span *v = realloc(s->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->count++] = (struct span){start, end};
	return 0;
}

/* A chunk's size with its flags; 0 if it is not in the image. */
static uint64_t chunk_head(const struct image *im, uint64_t chunk)
{
	const unsigned char *bytes = image_at(im, chunk, 16);
	uint64_t head = 0;

	if (bytes)
		memcpy(&head, bytes + 8, sizeof(head));
	return head;
}

/*
 * Free chunks of glibc's main arena, which is one row of chunks, each with its size; whether one is
 * used is in the next one's head. Returns 1, 0 if it is no such row, or -ENOMEM.
 */
static int arena_walk(const struct image *im, const struct image_region *r, struct spans *out)
{
	uint64_t chunk = r->start;

	for (;;) {
		uint64_t size = chunk_head(im, chunk) & ~CHUNK_FLAGS;
		uint64_t next;
		int err = 0;

		if (size < CHUNK_MIN || size & 15 || size > r->end - chunk)
			return 0;
		next = chunk + size;
		if (next + 16 > r->end) /* the top of it, which is free */
			return span_add(out, chunk + 16, r->end) ? -ENOMEM : 1;
		if (!(chunk_head(im, next) & CHUNK_PREV_USED))
			err = span_add(out, chunk + 16, next);
		if (err)
			return err;
		chunk = next;
	}
}

static int free_chunks(const struct image *im, struct spans *out)
{
	for (unsigned i = 0; i < im->region_count; i++) {
		size_t before = out->count;
		int ret;

		if (!im->regions[i].is_heap || !im->regions[i].bytes)
			continue;
		ret = arena_walk(im, &im->regions[i], out);
		if (ret < 0)
			return ret;
		if (!ret)
			out->count = before;
	}
	return 0;
}

/* The first span that ends behind @addr; they are in order. */
static size_t span_from(const struct spans *s, uint64_t addr)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->v[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_in(const struct spans *s, uint64_t addr)
{
	size_t i = span_from(s, addr);

	return i < s->count && addr >= s->v[i].start;
}

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
		    is_in(w->unused, at) || !is_root(w->h, word))
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
	int ret = free_chunks(im, &unused);

	for (unsigned i = 0; !ret && i < im->range_count; i++) {
		const struct image_range *r = &im->ranges[i];
		const struct image_region *region = &im->regions[r->region];

		if (region->is_writable)
			ret = range_walk(&w, r, used_from(h->capture, region));
	}
	free(unused.v);
	return ret;
}
