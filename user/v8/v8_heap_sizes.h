/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where V8's Heap keeps its limit, and the bytes outside it that its objects hold. Read
 * from the process, by the address of the Heap that a collection was seen of.
 */
#ifndef MEMWATCH_V8_V8_HEAP_SIZES_H
#define MEMWATCH_V8_V8_HEAP_SIZES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memreader.h"
#include "sym/elf_file.h"

#define V8_NOT_THERE UINT16_MAX

/* Offsets in bytes. */
struct v8_heap_sizes {
	uint16_t via;	/* in Heap: of a pointer to what @limit is in; V8_NOT_THERE: Heap itself */
	uint16_t limit; /* max_old_generation_size */
	uint16_t external; /* in Heap: of external_memory's total; V8_NOT_THERE: not known */
	bool is_known;	   /* the others are valid */
};

struct v8_heap_sizes_row {
	uint64_t since, until; /* V8_VERSION(): from, and up to but not including; 0: all */
	struct v8_heap_sizes sizes;
};

extern const struct v8_heap_sizes_row v8_heap_sizes_table[];
extern const unsigned v8_heap_sizes_count;

/** v8_heap_sizes_is_reader - whether V8's function of that mangled name reads the limit; it is
 *  const since V8 11, by which the names differ */
bool v8_heap_sizes_is_reader(const char *symbol);

/**
 * v8_heap_sizes_find - as the table has them, if V8's own function reads there
 * @version: V8_VERSION()
 * @reader, @size: address and size of that function in @f; 0: it was not found
 */
void v8_heap_sizes_find(struct elf_file *f, uint64_t version, uint64_t reader, uint64_t size,
			struct v8_heap_sizes *out);

/**
 * v8_heap_sizes_read - of the Heap at @heap
 * @limit: bytes that its old generation may take; 0: unknown
 * @external: bytes; 0: unknown, or none
 */
void v8_heap_sizes_read(const struct v8_heap_sizes *at, struct memreader *mem, uint64_t heap,
			uint64_t *limit, uint64_t *external);

#endif
