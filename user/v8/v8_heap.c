/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading V8's heap. The types of Maps are cached: a check of an object's type is then one read,
 * or none if its first word is there already.
 *
 * LIMITATIONS: a Map that V8 frees and whose place it reuses has its old type until
 * v8_heap_forget(). Maps of internal objects are immortal.
 */
#include "v8/v8_heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void v8_heap_init(struct v8_heap *h, const struct v8_layout *layout, struct memreader *mem)
{
	memset(h, 0, sizeof(*h));
	h->layout = layout;
	h->mem = mem;
}

void v8_heap_forget(struct v8_heap *h)
{
	memset(h->maps, 0, sizeof(h->maps));
}

int v8_heap_read(struct v8_heap *h, uint64_t object, int32_t offset, void *out, size_t len)
{
	if (!v8_is_object(object) || offset < 0)
		return -EFAULT;
	return memreader_read(h->mem, object - 1 + (uint32_t)offset, out, len);
}

uint64_t v8_heap_word(struct v8_heap *h, uint64_t object, int32_t offset)
{
	uint64_t v;

	return v8_heap_read(h, object, offset, &v, sizeof(v)) ? 0 : v;
}

int v8_heap_type_by_map(struct v8_heap *h, uint64_t map)
{
	size_t slot = (map >> 3) % V8_MAPS_KNOWN;
	uint16_t type;

	if (!v8_is_object(map))
		return V8_NO_TYPE;
	if (h->maps[slot].map == map)
		return h->maps[slot].type;
	if (v8_heap_read(h, map, h->layout->offsets.map_type, &type, sizeof(type)))
		return V8_NO_TYPE;
	h->maps[slot].map = map;
	h->maps[slot].type = type;
	return type;
}

int v8_heap_type(struct v8_heap *h, uint64_t object)
{
	return v8_heap_type_by_map(h, v8_heap_word(h, object, 0));
}

int v8_heap_array_length(struct v8_heap *h, uint64_t array)
{
	uint64_t length;

	if (v8_heap_read(h, array, h->layout->offsets.array_length, &length, sizeof(length)) ||
	    !v8_is_smi(length) || v8_smi(length) < 0 || v8_smi(length) > V8_ARRAY_ELEMENTS)
		return -1;
	return v8_smi(length);
}

uint8_t *v8_heap_bytes(struct v8_heap *h, uint64_t array, size_t *len)
{
	const struct v8_layout *l = h->layout;
	int type = v8_heap_type(h, array);
	uint8_t *bytes;
	int n;

	*len = 0;
	if (type == V8_NO_TYPE ||
	    (type != l->types.byte_array && type != l->types.trusted_byte_array))
		return NULL;
	n = v8_heap_array_length(h, array);
	if (n <= 0)
		return NULL;
	bytes = malloc((size_t)n);
	if (!bytes)
		return NULL;
	if (v8_heap_read(h, array, l->offsets.array_data, bytes, (size_t)n)) {
		free(bytes);
		return NULL;
	}
	*len = (size_t)n;
	return bytes;
}

bool v8_heap_is_string(const struct v8_heap *h, int type)
{
	return type >= 0 && type < h->layout->types.first_nonstring;
}
