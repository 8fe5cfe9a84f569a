/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * V8's pages in an image. Each begins at a multiple of 256 KiB, with a header that holds where its
 * objects begin and end, side by side, and before them the heap that owns it (V8's
 * src/heap/memory-chunk-layout.h, mutable-page-metadata.h):
 *
 *	V8		header words
 *	7.8 (node 12)	0 size, 3 owner, 5 start, 6 end
 *	8.4 (14)	0 size, 3 owner, 4 start, 5 end
 *	9.4 - 11.3	0 size, 2 owner, 3 start, 4 end
 *	12.4 (22)	0 flags, 1 base, 2 size, 3 owner, 4 start, 5 end
 *	13.6 - 14.6	0 flags, 1 metadata, which lies in native memory and has: 1 base, 2 size,
 *... 8 owner, 9 start (of read-only pages: no base, start at 16)
 *
 * Where exactly they are is looked for, so that a V8 that is a little different is read too. The
 * owner tells isolates apart; read-only pages of V8 9.7 and newer have none, and belong to all.
 *
 * LIMITATIONS: pages of other sizes (V8 built with larger ones) are not found.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/heap_internal.h"

#define HEADER_WORDS   12
#define METADATA_WORDS 24
#define START_FIRST    3 /* word of the header that start may be in */
#define START_LAST     8
#define START_MAX      0x4000 /* from the page's base */
#define SMALLEST       0x1000
#define PAGES_STEP     1024

/* Whether @start and @end can be those of objects of a page at @base. */
static bool is_area(uint64_t base, uint64_t limit, uint64_t start, uint64_t end)
{
	return start > base && start <= base + START_MAX && !(start & 7) && end > start &&
	       end <= limit && !(end & 7);
}

static uint64_t owner_before(const uint64_t *words, unsigned i)
{
	return words[i - 1] & 1 && i > 1 ? words[i - 2] : words[i - 1];
}

static bool read_header(const uint64_t *w, uint64_t base, uint64_t limit, struct heap_page *p)
{
	uint64_t size = w[0] >= SMALLEST && !(w[0] & (SMALLEST - 1)) ? w[0] : w[2];

	for (unsigned i = START_FIRST; i <= START_LAST; i++) {
		if (!is_area(base, limit, w[i], w[i + 1]) || size < w[i + 1] - base ||
		    size > limit + 2 * SMALLEST - base)
			continue;
		p->start = w[i];
		p->end = w[i + 1];
		p->owner = owner_before(w, i);
		return true;
	}
	return false;
}

static bool read_metadata(const struct image *im, uint64_t metadata, uint64_t base, uint64_t limit,
			  struct heap_page *p)
{
	uint64_t w[METADATA_WORDS];
	const unsigned char *bytes;
	unsigned i, from = 0;

	if (!metadata || metadata & 7 || (metadata >= base && metadata < limit))
		return false;
	bytes = image_at(im, metadata, sizeof(w));
	if (!bytes)
		return false;
	memcpy(w, bytes, sizeof(w));
	for (i = 0; i < 6; i++) {
		if (w[i] == base)
			from = i + 1;
	}
	for (i = from; i < METADATA_WORDS; i++) {
		if (w[i] > base && w[i] <= base + START_MAX && !(w[i] & 7))
			break;
	}
	if (!i || i >= METADATA_WORDS)
		return false;
	p->start = w[i];
	p->owner = w[i - 1];
	if (!from && p->start != base + 16)
		return false;
	/* The end follows, or came before (14.x) */
	for (unsigned j = from; j < METADATA_WORDS; j++) {
		if (j != i && w[j] > base + SMALLEST && is_area(base, limit, p->start, w[j])) {
			p->end = w[j];
			return true;
		}
	}
	return false;
}

static bool page_read(const struct image *im, uint64_t base, uint64_t limit, struct heap_page *p)
{
	const unsigned char *bytes = image_at(im, base, HEADER_WORDS * sizeof(uint64_t));
	uint64_t w[HEADER_WORDS];

	if (!bytes)
		return false;
	memcpy(w, bytes, sizeof(w));
	memset(p, 0, sizeof(*p));
	p->base = base;
	if (!read_header(w, base, limit, p) && !read_metadata(im, w[1], base, limit, p))
		return false;
	p->bytes = image_at(im, base, p->end - base);
	return p->bytes;
}

static int page_add(struct heap *h, const struct heap_page *p)
{
	uint64_t words = ((p->end - p->base) / 8 + 63) / 64;
	struct heap_page *pages = h->pages;

	if (h->page_count % PAGES_STEP == 0) {
		pages = realloc(pages, (h->page_count + PAGES_STEP) * sizeof(*pages));
		if (!pages)
			return -ENOMEM;
		h->pages = pages;
	}
	pages[h->page_count] = *p;
	pages[h->page_count].marks = calloc(words, sizeof(uint64_t));
	if (!pages[h->page_count].marks)
		return -ENOMEM;
	h->page_words += (p->end - p->base) / 8;
	h->page_count++;
	return 0;
}

/* Where the mappings end that begin with region @i and are neighbours. */
static uint64_t run_end(const struct image *im, unsigned i)
{
	uint64_t end = im->regions[i].end;

	while (++i < im->region_count && im->regions[i].start == end && im->regions[i].bytes &&
	       !im->regions[i].is_file)
		end = im->regions[i].end;
	return end;
}

static int region_look(struct heap *h, unsigned i, uint64_t *next)
{
	const struct image *im = &h->capture->image;
	const struct image_region *r = &im->regions[i];
	uint64_t limit, base;

	if (!r->bytes || r->is_file || r->is_heap || r->is_stack || r->is_inaccessible)
		return 0;
	limit = run_end(im, i);
	base = (r->start + HEAP_CHUNK - 1) & ~(HEAP_CHUNK - 1);
	while (base >= r->start && base + SMALLEST <= r->end) {
		struct heap_page p;
		int err;

		if (base >= *next && page_read(im, base, limit, &p)) {
			p.is_read_only = !r->is_writable;
			err = page_add(h, &p);
			if (err)
				return err;
			*next = (p.end + HEAP_CHUNK - 1) & ~(HEAP_CHUNK - 1);
		}
		base += HEAP_CHUNK;
	}
	return 0;
}

static int chunks_fill(struct heap *h)
{
	uint64_t count = 0, size = 64;

	for (unsigned i = 0; i < h->page_count; i++)
		count += ((h->pages[i].end - 1) >> HEAP_CHUNK_SHIFT) -
			 (h->pages[i].base >> HEAP_CHUNK_SHIFT) + 1;
	while (size < 4 * count)
		size *= 2;
	h->chunks = calloc(size, sizeof(*h->chunks));
	if (!h->chunks)
		return -ENOMEM;
	h->chunk_mask = size - 1;
	for (unsigned i = 0; i < h->page_count; i++) {
		uint64_t chunk = h->pages[i].base >> HEAP_CHUNK_SHIFT;
		uint64_t last = (h->pages[i].end - 1) >> HEAP_CHUNK_SHIFT;

		for (; chunk <= last; chunk++) {
			uint64_t slot = (chunk * 0x9e3779b97f4a7c15ull) >> 32;

			while (h->chunks[slot & h->chunk_mask])
				slot++;
			h->chunks[slot & h->chunk_mask] = i + 1;
		}
	}
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool isolate_find(const struct heap *h, uint64_t owner, unsigned *index)
{
	for (unsigned i = 0; i < h->isolate_count; i++) {
		if (h->isolates[i] == owner) {
			*index = i;
			return true;
		}
	}
	*index = h->isolate_count ? h->isolate_count - 1 : 0;
	return false;
}

/* A heap is native memory; what is none is a word of something else that looked like a page. */
static bool has_owner(const struct heap *h, const struct heap_page *p)
{
	return !p->is_read_only && p->owner && !(p->owner & 7) &&
	       image_at(&h->capture->image, p->owner, sizeof(uint64_t));
}

/*
 * One for each heap that owns pages. By address: that of the main thread is malloc()ed first, and
 * so it comes first. What belongs to all counts as the first one's.
 */
static void isolates_find(struct heap *h)
{
	unsigned index;

	for (unsigned i = 0; i < h->page_count; i++) {
		const struct heap_page *p = &h->pages[i];

		if (!has_owner(h, p) || isolate_find(h, p->owner, &index))
			continue;
		if (h->isolate_count == CENSUS_ISOLATES_MAX)
			h->lost.isolates++;
		else
			h->isolates[h->isolate_count++] = p->owner;
	}
	qsort(h->isolates, h->isolate_count, sizeof(h->isolates[0]), by_address);
	for (unsigned i = 0; i < h->page_count; i++) {
		struct heap_page *p = &h->pages[i];

		if (!has_owner(h, p))
			p->owner = 0; /* of all */
		else if (isolate_find(h, p->owner, &index))
			p->isolate = (uint8_t)index;
		else
			p->isolate = CENSUS_ISOLATES_MAX - 1;
	}
	if (!h->isolate_count)
		h->isolate_count = 1;
}

int heap_pages_find(struct heap *h)
{
	const struct image *im = &h->capture->image;
	uint64_t next = 0;
	int err = 0;

	for (unsigned i = 0; !err && i < im->region_count; i++)
		err = region_look(h, i, &next);
	if (!err && !h->page_count)
		err = -ENODATA;
	if (!err)
		isolates_find(h);
	return err ? err : chunks_fill(h);
}
