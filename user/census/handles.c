/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Global handles, from V8 7.8 to 14.6: blocks of 256 nodes (NodeBlock in
 * src/handles/global-handles.cc), which are known by their indexes:
 *
 *	0 object	8 class (16 bits), 10 index (8), 11 flags (8)	16	24
 *
 * The state is in the low bits of flags: FREE 0, NORMAL 1, WEAK 2, NEAR_DEATH 3 or 4.
 *
 * Local handles, in the same versions: blocks of 1022 (kHandleBlockSize in src/handles/handles.h).
 * Where the last block is used up to is in a HandleScopeData of the isolate's: {next, limit,
 * level}, limit being the end of the block. Copies of older ones are on stacks and in free memory;
 * of several others the largest next counts. Blocks that none names are spare.
 *
 * LIMITATIONS: blocks before the last one, which are full, are taken for spare: what only they keep
 * is not counted. That is what a single call holds while it runs.
 */
#include "census/handles.h"

#include <string.h>

#include "v8/v8_heap.h"

#define NODE_BYTES   32u
#define NODES	     256u
#define INDEX	     10u
#define FLAGS	     11u
#define STATE_MASK   3u
#define STATE_NORMAL 1u
#define BLOCK_BYTES  8176u
#define BLOCK_FIRST  4u	     /* words that are looked at */
#define BLOCK_CHUNK  0x2000u /* of glibc's malloc */
#define LEVEL_MAX    10000u

bool handle_is_weak(const struct image_range *r, uint64_t addr)
{
	uint64_t at = addr - r->start, first;
	const unsigned char *nodes;

	if (addr + NODE_BYTES > r->end)
		return false;
	first = (uint64_t)r->bytes[at + INDEX] * NODE_BYTES;
	if (first > at || at - first + (uint64_t)NODES * NODE_BYTES > r->end - r->start)
		return false;
	nodes = r->bytes + at - first;
	for (unsigned i = 0; i < NODES; i++)
		if (nodes[i * NODE_BYTES + INDEX] != i)
			return false;
	return (r->bytes[at + FLAGS] & STATE_MASK) != STATE_NORMAL;
}

/*
 * A block of handles begins with references, perhaps Smis among them. What comes behind those that
 * were ever used is what malloc() gave.
 */
static bool is_block(const struct heap *h, const struct span *s)
{
	const unsigned char *bytes = image_at(&h->capture->image, s->start, BLOCK_BYTES);
	unsigned references = 0;

	for (unsigned i = 0; bytes && i < BLOCK_FIRST; i++) {
		uint64_t word;

		memcpy(&word, bytes + 8ull * i, sizeof(word));
		if (heap_is_reference(word) && heap_page_of(h, word - 1))
			references++;
		else if (!word || !v8_is_smi(word))
			return false;
	}
	return references;
}

/* Keeps those that are blocks of handles, to their ends; @s is by address. */
static void keep_blocks(const struct heap *h, struct spans *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		s->v[i].end = s->v[i].start + BLOCK_BYTES;
		if (is_block(h, &s->v[i]))
			s->v[kept++] = s->v[i];
	}
	s->count = kept;
}

/* {next, limit, level}: what is before @next is used. */
static void take_scope(struct spans *blocks, uint64_t next, uint64_t limit, uint32_t level)
{
	size_t low = 0, high = blocks->count;
	struct span *block;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (blocks->v[mid].end < limit)
			low = mid + 1;
		else
			high = mid;
	}
	block = &blocks->v[low];
	if (low < blocks->count && block->end == limit && next <= limit && next > block->start &&
	    level <= LEVEL_MAX)
		block->start = next;
}

/* Copies of older ones are on stacks, too. */
static bool is_stack(const struct heap *h, const struct image_region *r)
{
	const struct capture *c = h->capture;

	for (unsigned i = 0; i < c->thread_count; i++)
		if (c->threads[i].sp >= r->start && c->threads[i].sp < r->end)
			return true;
	return r->is_stack;
}

static void find_scopes(struct spans *blocks, const struct image_range *r,
			const struct spans *unused)
{
	uint64_t first = blocks->v[0].end, last = blocks->v[blocks->count - 1].end;

	for (uint64_t at = r->start + 8; at + 16 <= r->end; at += 8) {
		uint64_t limit = image_range_word(r, at);

		if (limit >= first && limit <= last && !spans_have(unused, at))
			take_scope(blocks, image_range_word(r, at - 8), limit,
				   (uint32_t)image_range_word(r, at + 8));
	}
}

int handles_unused(const struct heap *h, struct spans *unused)
{
	const struct image *im = &h->capture->image;
	struct spans blocks = {0};
	int err = glibc_chunks(im, BLOCK_CHUNK, &blocks);

	keep_blocks(h, &blocks);
	for (unsigned i = 0; !err && blocks.count && i < im->range_count; i++) {
		const struct image_region *region = &im->regions[im->ranges[i].region];

		if (region->is_writable && !is_stack(h, region))
			find_scopes(&blocks, &im->ranges[i], unused);
	}
	for (size_t i = 0; !err && i < blocks.count; i++)
		err = spans_add(unused, blocks.v[i].start, blocks.v[i].end);
	spans_sort(unused);
	spans_release(&blocks);
	return err;
}
