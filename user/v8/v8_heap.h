/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Values and objects of V8's heap, read from a process that is running: anything
 * may be garbage, or change between two reads. Nothing here trusts what it reads.
 *
 * A tagged value is a Smi (an integer in the upper half of the word) or an
 * object's address + 1 (+ 3 if the reference is weak). An object begins with its
 * Map, whose instance type says what it is.
 */
#ifndef MEMWATCH_V8_V8_HEAP_H
#define MEMWATCH_V8_V8_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memreader.h"
#include "v8/v8_layout.h"

#define V8_MAPS_KNOWN	  64 /* a power of two */
#define V8_NO_TYPE	  (-1)
#define V8_ARRAY_ELEMENTS (1 << 20) /* of an array that is read */

struct v8_heap {
	const struct v8_layout *layout;
	struct memreader *mem;
	/* Instance types of Maps that were read: those of V8's internal objects never move. */
	struct {
		uint64_t map;
		int type;
	} maps[V8_MAPS_KNOWN];
};

/** v8_heap_init - @layout and @mem must outlive it */
void v8_heap_init(struct v8_heap *h, const struct v8_layout *layout, struct memreader *mem);
/** v8_heap_forget - drops the Maps that are known */
void v8_heap_forget(struct v8_heap *h);

static inline bool v8_is_object(uint64_t v)
{
	return (v & 3) == 1 && v > 4096 && !(v >> MW_ADDRESS_BITS);
}

static inline bool v8_is_smi(uint64_t v)
{
	return !(uint32_t)v;
}

static inline int32_t v8_smi(uint64_t v)
{
	return (int32_t)(v >> 32);
}

/** v8_strong - the same reference, if it is weak */
static inline uint64_t v8_strong(uint64_t v)
{
	return (v & 3) == 3 ? v & ~(uint64_t)2 : v;
}

/** v8_heap_read - @len bytes of an object at @offset; 0 or a negative errno */
int v8_heap_read(struct v8_heap *h, uint64_t object, int32_t offset, void *out, size_t len);
/** v8_heap_word - a word of an object; 0 (which is a Smi) if it cannot be read */
uint64_t v8_heap_word(struct v8_heap *h, uint64_t object, int32_t offset);
/** v8_heap_type - the instance type of an object; V8_NO_TYPE if it is none */
int v8_heap_type(struct v8_heap *h, uint64_t object);
/** v8_heap_type_by_map - the same, by its first word */
int v8_heap_type_by_map(struct v8_heap *h, uint64_t map);
/** v8_heap_array_length - of a FixedArray or what begins like one: 0..V8_ARRAY_ELEMENTS, or -1 */
int v8_heap_array_length(struct v8_heap *h, uint64_t array);
/** v8_heap_bytes - a copy of a ByteArray, to be freed; NULL if it is none, or empty. @len: set */
uint8_t *v8_heap_bytes(struct v8_heap *h, uint64_t array, size_t *len);
/** v8_heap_is_string - by an instance type */
bool v8_heap_is_string(const struct v8_heap *h, int type);

#endif
