/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Free chunks of glibc's malloc (malloc/malloc.c, malloc/arena.c of glibc 2.26 to 2.42).
 *
 *	row of chunks	[ prev_size | size+flags | ... ] [ prev_size | size+flags | ... ] ... top
 *	main arena	one row, from the start of "[heap]"
 *	of threads	heaps at multiples of 64 MiB: heap_info, in the first malloc_state, a row
 *
 * Whether a chunk is used is in the flags of the next one. Those that a thread keeps for itself
 * (its tcache, up to seven of each size) are free but look used: they hold a key behind the
 * link, which is found by the table that their lists begin in.
 *
 * LIMITATIONS: what is in fastbins (at most 128 bytes each) counts as used.
 */
#include "census/glibc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_HEAD	16u /* prev_size, size */
#define CHUNK_MIN	0x20u
#define CHUNK_FLAGS	7ull
#define CHUNK_PREV_USED 1ull
#define FENCE		0x20u /* at the end of a heap that is not the last of its arena */
#define HEAP_ALIGN	(64ull << 20)
#define HEAP_INFO_MIN	0x20u /* sizeof(heap_info): 32, and 48 since glibc 2.35 */
#define HEAP_INFO_MAX	0x30u
#define STATE_MIN	0x800u /* sizeof(malloc_state), 0x898 in most versions */
#define STATE_MAX	0xa00u
#define KEYS_MAX	64u
#define BINS		64u
#define SPANS_STEP	1024u

/* tcache_perthread_struct: the size of its chunk, and where its lists are. */
static const struct tcache_shape {
	uint32_t chunk, lists;
} tcache_shapes[] = {
	{0x290, 0x80}, /* 2.30 */
	{0x250, 0x40}, /* 2.26 */
	{0x300, 0x98}, /* 2.42 */
};

struct row {
	uint64_t start, end;
	const unsigned char *bytes; /* of @start, all in one region */
};

/* Of chunks in tcaches: one since glibc 2.34, one a thread before; none in 2.26 to 2.28. */
struct keys {
	uint64_t v[KEYS_MAX];
	unsigned count;
};

struct walk {
	const struct image *im;
	struct keys keys;
	uint64_t wanted; /* size of chunks; or what they are smaller than */
	struct spans *out;
};

int spans_add(struct spans *s, uint64_t start, uint64_t end)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : SPANS_STEP;
		struct span *v = realloc(s->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->count++] = (struct span){start, end};
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void spans_sort(struct spans *s)
{
	if (s->count)
		qsort(s->v, s->count, sizeof(*s->v), by_start);
}

bool spans_have(const struct spans *s, uint64_t addr)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->v[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->count && addr >= s->v[low].start;
}

void spans_release(struct spans *s)
{
	free(s->v);
	*s = (struct spans){0};
}

/* 0 if it is not in the image */
static uint64_t word_at(const struct image *im, uint64_t addr)
{
	const unsigned char *bytes = image_at(im, addr, 8);
	uint64_t word = 0;

	if (bytes)
		memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Of a chunk in a row: its size, with flags */
static uint64_t chunk_flagged(const struct row *row, uint64_t chunk)
{
	uint64_t word;

	memcpy(&word, row->bytes + (chunk - row->start) + 8, sizeof(word));
	return word;
}

/* 0: none, or the fence at the row's end */
static uint64_t chunk_size(const struct row *row, uint64_t chunk)
{
	uint64_t size = chunk_flagged(row, chunk) & ~CHUNK_FLAGS;

	return size < CHUNK_MIN || size & 15 || size > row->end - chunk ? 0 : size;
}

static bool row_is_whole(const struct row *row)
{
	uint64_t chunk = row->start;

	while (chunk + CHUNK_HEAD <= row->end) {
		uint64_t size = chunk_size(row, chunk);

		if (!size)
			return row->end - chunk <= FENCE && chunk > row->start;
		chunk += size;
	}
	return chunk > row->start;
}

/* --- tcaches --- */

static void key_add(struct keys *k, uint64_t key)
{
	for (unsigned i = 0; i < k->count; i++)
		if (k->v[i] == key)
			return;
	if (key && k->count < KEYS_MAX)
		k->v[k->count++] = key;
}

static bool is_key(const struct keys *k, uint64_t word)
{
	for (unsigned i = 0; i < k->count; i++)
		if (k->v[i] == word)
			return true;
	return false;
}

/* If the chunk is a thread's table of lists, the key of what is in them. */
static void tcache_learn(struct walk *w, uint64_t chunk, uint32_t lists)
{
	uint64_t key = 0;

	for (unsigned i = 0; i < BINS; i++) {
		uint64_t entry = word_at(w->im, chunk + CHUNK_HEAD + lists + 8ull * i);
		uint64_t size;

		if (!entry)
			continue;
		size = word_at(w->im, entry - 8) & ~CHUNK_FLAGS;
		if (entry & 15 || size != CHUNK_MIN + 16ull * i)
			return;
		key = word_at(w->im, entry + 8);
	}
	key_add(&w->keys, key);
}

static int learn_row(struct walk *w, const struct row *row)
{
	uint64_t size;

	for (uint64_t chunk = row->start; chunk + CHUNK_HEAD <= row->end; chunk += size) {
		size = chunk_size(row, chunk);
		if (!size)
			break;
		for (unsigned i = 0; i < sizeof(tcache_shapes) / sizeof(tcache_shapes[0]); i++)
			if (size == tcache_shapes[i].chunk)
				tcache_learn(w, chunk, tcache_shapes[i].lists);
	}
	return 0;
}

/* --- what is free --- */

static int free_of_row(struct walk *w, const struct row *row)
{
	uint64_t next;

	for (uint64_t chunk = row->start; chunk + CHUNK_HEAD <= row->end; chunk = next) {
		uint64_t size = chunk_size(row, chunk);
		uint64_t end;

		if (!size)
			break;
		next = chunk + size;
		end = next + 8; /* it may use prev_size of the next one */
		if (next + CHUNK_HEAD > row->end)
			end = row->end; /* the top of it */
		else if (!is_key(&w->keys, chunk_flagged(row, chunk + CHUNK_HEAD)) &&
			 chunk_flagged(row, next) & CHUNK_PREV_USED)
			continue;
		if (spans_add(w->out, chunk + CHUNK_HEAD, end))
			return -ENOMEM;
	}
	return 0;
}

static int chunks_of_row(struct walk *w, const struct row *row)
{
	uint64_t size;

	for (uint64_t chunk = row->start; chunk + CHUNK_HEAD <= row->end; chunk += size) {
		size = chunk_size(row, chunk);
		if (!size)
			break;
		if (size == w->wanted && chunk + size + CHUNK_HEAD <= row->end &&
		    chunk_flagged(row, chunk + size) & CHUNK_PREV_USED &&
		    spans_add(w->out, chunk + CHUNK_HEAD, chunk + size + 8))
			return -ENOMEM;
	}
	return 0;
}

static int small_of_row(struct walk *w, const struct row *row)
{
	uint64_t size, from = row->start, chunk = row->start;

	for (; chunk + CHUNK_HEAD <= row->end; chunk += size) {
		size = chunk_size(row, chunk);
		if (size && size < w->wanted)
			continue;
		if (from < chunk && spans_add(w->out, from, chunk))
			return -ENOMEM;
		if (!size)
			return 0;
		from = chunk + size;
	}
	return from < chunk ? spans_add(w->out, from, chunk) : 0;
}

/* --- arenas --- */

/* The row of a heap of a thread's arena at @base, a multiple of HEAP_ALIGN, in a region. */
static bool heap_row(const struct image *im, const struct image_region *r, uint64_t base,
		     struct row *out)
{
	uint64_t state = word_at(im, base), prev = word_at(im, base + 8);
	uint64_t size = word_at(im, base + 16);
	uint64_t from = HEAP_INFO_MIN, to = HEAP_INFO_MAX;

	if (!state || size < IMAGE_PAGE || size & (IMAGE_PAGE - 1) || size > r->end - base ||
	    size > HEAP_ALIGN || prev & (HEAP_ALIGN - 1))
		return false;
	if (!prev) { /* the first of its arena */
		if (state < base + HEAP_INFO_MIN || state > base + HEAP_INFO_MAX)
			return false;
		from += STATE_MIN;
		to += STATE_MAX;
	}
	out->end = base + size;
	for (uint64_t at = from; at <= to && at < size; at += 16) {
		out->start = base + at;
		out->bytes = r->bytes + (out->start - r->start);
		if (row_is_whole(out))
			return true;
	}
	return false;
}

static int for_each_row(struct walk *w, int (*fn)(struct walk *w, const struct row *row))
{
	const struct image *im = w->im;

	for (unsigned i = 0; i < im->region_count; i++) {
		const struct image_region *r = &im->regions[i];
		struct row row = {r->start, r->end, r->bytes};
		uint64_t base = (r->start + HEAP_ALIGN - 1) & ~(HEAP_ALIGN - 1);
		int ret = 0;

		if (!r->bytes || !r->is_writable || r->is_file)
			continue;
		if (r->is_heap && row_is_whole(&row))
			ret = fn(w, &row);
		for (; !ret && !r->is_heap && base < r->end; base += HEAP_ALIGN)
			if (heap_row(im, r, base, &row))
				ret = fn(w, &row);
		if (ret)
			return ret;
	}
	return 0;
}

int glibc_unused(const struct image *im, struct spans *out)
{
	struct walk w = {.im = im, .out = out};

	for_each_row(&w, learn_row);
	return for_each_row(&w, free_of_row);
}

int glibc_chunks(const struct image *im, uint64_t size, struct spans *out)
{
	struct walk w = {.im = im, .wanted = size, .out = out};

	return for_each_row(&w, chunks_of_row);
}

int glibc_small(const struct image *im, uint64_t below, struct spans *out)
{
	struct walk w = {.im = im, .wanted = below, .out = out};

	return for_each_row(&w, small_of_row);
}
