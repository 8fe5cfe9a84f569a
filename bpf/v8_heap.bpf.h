/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is read of V8's heap: pages, where a space allocates, what the collector marked
 * and where it moved an object to. Where these are in the version at hand is in struct
 * mw_v8_heap. All that is read may be anything: a heap that is torn down, or not V8's.
 */
#ifndef MEMWATCH_V8_HEAP_BPF_H
#define MEMWATCH_V8_HEAP_BPF_H

#include "stack.bpf.h"

#define MW_PAGE_MASK   0x3ffffULL /* of V8's pages: 256 KiB on every version so far */
#define MW_GROUP_BYTES 512	  /* of an allocation that is searched for survivors */

static __always_inline __u64 mw_user_word(__u64 addr)
{
	__u64 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)addr);
	return word;
}

/* The piece that a space allocates from now: what is free of it. False if it cannot be read. */
static __always_inline bool mw_linear_area(__u8 alloc, __u32 top_offset, __u64 space, __u64 area[2])
{
	__u64 at = space + top_offset;

	if (alloc == MW_V8_ALLOC_TOP_AT)
		at = mw_user_word(at) + 8;
	else if (alloc != MW_V8_ALLOC_TOP)
		return false;
	return !bpf_probe_read_user(area, 16, (void *)at) && area[0] && !(area[0] & 7);
}

/* The bytes that are free of @area; 0 if that makes no sense. */
static __always_inline __u64 mw_area_bytes(const __u64 area[2])
{
	return area[1] > area[0] && area[1] - area[0] <= MW_PAGE_MASK ? area[1] - area[0] : 0;
}

/* Whether the page that @object lies on is there, and not in new space. */
static __always_inline bool mw_is_old(const struct mw_v8_heap *heap, __u64 object)
{
	__u64 at = (object & ~MW_PAGE_MASK) + 8 * heap->young_flags_word, flags;

	return !bpf_probe_read_user(&flags, sizeof(flags), (void *)at) &&
	       !(flags & heap->young_flags);
}

enum mw_marked { MW_DEAD, MW_MARKED, MW_MARKS_UNREADABLE };

/*
 * Whether the collector has marked one of the objects that begin in the @bytes from @object: a bit
 * for each word of the page (v8/src/heap/marking.h).
 */
static __always_inline enum mw_marked mw_marked(const struct mw_v8_heap *heap, __u64 object,
						__u64 bytes)
{
	__u64 page = object & ~MW_PAGE_MASK, bitmap = page + heap->mark_offset, cells[2] = {}, mask;
	__u32 bit = (object & MW_PAGE_MASK) >> 3, shift = bit & 63;
	__u64 count = bytes >> 3;

	if (heap->mark == MW_V8_MARK_POINTER)
		bitmap = mw_user_word(bitmap);
	else if (heap->mark == MW_V8_MARK_METADATA)
		bitmap = mw_user_word(page + 8) + heap->mark_offset;
	if (bpf_probe_read_user(cells, sizeof(cells), (void *)(bitmap + bit / 64 * 8)))
		return MW_MARKS_UNREADABLE;
	if (shift)
		cells[0] = cells[0] >> shift | cells[1] << (64 - shift);
	mask = count >= 64 ? ~0ULL : (1ULL << (count ?: 1)) - 1;
	return cells[0] & mask ? MW_MARKED : MW_DEAD;
}

/*
 * The first survivor of an allocation of @bytes, several objects at once perhaps (V8 folds them):
 * where one of the words is a forwarding pointer, which is to an object and not tagged. @words:
 * room for MW_GROUP_BYTES. 0: none.
 */
static __always_inline __u64 mw_forwarded(__u64 object, __u32 bytes, __u64 *words)
{
	__u32 size = bytes < MW_GROUP_BYTES ? bytes : MW_GROUP_BYTES;

	size &= ~7u;
	if (size < 8)
		size = 8;
	/* Or clang leaves out the mask as needless: the verifier of 6.1 does not see that it is. */
	barrier_var(size);
	if (bpf_probe_read_user(words, size & (2 * MW_GROUP_BYTES - 1), (void *)(object - 1)))
		return 0;
	for (__u32 i = 0; i < MW_GROUP_BYTES / 8; i++) {
		__u64 to, map = 0;

		if (i >= size / 8)
			break;
		to = words[i];
		if (!i && to == object - 1) /* with pages of its own: not copied, and told so */
			return object;
		if (to & 7 || to < 0x10000 || to >> MW_ADDRESS_BITS || !(__u32)to)
			continue;
		if (bpf_probe_read_user(&map, sizeof(map), (void *)to) || !mw_is_tagged(map) ||
		    map >> MW_ADDRESS_BITS)
			continue;
		return to | 1;
	}
	return 0;
}

#endif
