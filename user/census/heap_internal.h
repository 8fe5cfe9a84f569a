/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files that make up a heap (heap.h) share, and nobody else uses. */
#ifndef MEMWATCH_CENSUS_HEAP_INTERNAL_H
#define MEMWATCH_CENSUS_HEAP_INTERNAL_H

#include "census/heap.h"

#define HEAP_CHUNK	    (1ull << HEAP_CHUNK_SHIFT)
#define HEAP_MAP_PROTOTYPE  (1u << 20) /* Map::bit_field3: of a prototype */
#define NOT_INTERNALIZED    0x20       /* bit of a string's instance type */
#define HEAP_CANCEL_OBJECTS (1u << 16) /* visited between two questions whether to give up */

/** heap_pages_find - pages, chunks and isolates of @h; 0, -ENODATA, -ENOMEM */
int heap_pages_find(struct heap *h);
/** heap_rules_init - how objects of each type are visited and measured, by the layout */
int heap_rules_init(struct heap *h);
int heap_groups_init(struct heap *h);
void heap_groups_release(struct heap *h);
/**
 * heap_constructor_name - what V8 calls a JSReceiver
 *
 * Returns the function that says so, or 0.
 */
uint64_t heap_constructor_name(struct heap *h, uint64_t object, const struct heap_map *map,
			       char *out, size_t size);

/** heap_owns - @addr is in a page of V8's, in its header too */
static inline bool heap_owns(const struct heap *h, uint64_t addr)
{
	uint64_t chunk = addr >> HEAP_CHUNK_SHIFT;
	const struct heap_page *p = heap_page_of_chunk(h, chunk);

	return p && addr < p->end;
}

/* Names in braces, as far as they fit: of properties, of variables. */
struct name_list {
	char *out;
	size_t size, len;
	unsigned shown;
};

/** name_list_begin - after @prefix, an opening brace */
void name_list_begin(struct name_list *l, const char *prefix, char *out, size_t size);
/** name_list_add - one more; false: no more are wanted, or fit */
bool name_list_add(struct name_list *l, const char *name);
/** name_list_end - the closing brace, with dots if there are more than were shown, of @count */
void name_list_end(struct name_list *l, unsigned count);

/** heap_shape_name - "{tags, note, buf}": of a Map's objects, whose properties are no dictionary */
void heap_shape_name(struct heap *h, const struct heap_map *map, char *out, size_t size);

/** heap_context_scope - the ScopeInfo of a Context; 0 for none */
uint64_t heap_context_scope(struct heap *h, uint64_t addr);
/** heap_scope_name - "Context {handles, limit}", by the ScopeInfo at @scope (0: none) */
void heap_scope_name(struct heap *h, uint64_t scope, char *out, size_t size);

/**
 * heap_may_search - whether @words more may be looked at for what an object is called
 *
 * False when that was many times what the heap has: where each object inherits from a dictionary
 * that is made to be large, names are not worth the hours.
 */
bool heap_may_search(struct heap *h, uint64_t words);

static inline uint64_t page_word(const struct heap_page *p, uint64_t addr)
{
	uint64_t word;

	__builtin_memcpy(&word, p->bytes + (addr - p->base), sizeof(word));
	return word;
}

static inline bool page_is_marked(const struct heap_page *p, uint64_t addr)
{
	uint64_t bit = (addr - p->base) >> 3;

	return p->marks[bit >> 6] >> (bit & 63) & 1;
}

/** heap_untag - address of what a tagged reference is to */
static inline uint64_t heap_untag(uint64_t word)
{
	return word - 1;
}

/* --- sizes (heap_size.c) --- */

enum heap_size_rule {
	SIZE_LEARNED, /* by samples: types that nothing is known of */
	SIZE_HEADER,  /* a Map, and nothing else */
	SIZE_ARRAY,   /* length at 8, elements of 8 bytes from 16 */
	SIZE_BYTES,
	SIZE_PROPERTIES, /* length in the low bits, a hash above */
	SIZE_LIST,	 /* an array with a word more before its elements */
	SIZE_LATIN1,
	SIZE_UTF16,
	SIZE_FREE,
	SIZE_DESCRIPTORS,
	SIZE_BYTECODES,
	SIZE_BIGINT,
	SIZE_PREPARSE,
};

int heap_sizes_init(struct heap *h);
/** heap_size_is_known - false: the object was kept as a sample; ask again after heap_sizes_learn()
 */
bool heap_size_is_known(struct heap *h, uint64_t addr, const struct heap_map *map);
/** heap_sizes_learn - of all types that there are samples of */
void heap_sizes_learn(struct heap *h);

#endif
