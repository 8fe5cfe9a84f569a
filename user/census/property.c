/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Named properties of JavaScript objects: by the descriptors of their Map (name, details, value or
 * field type, for each), or in a dictionary of their own.
 *
 * Fields are in the object itself as far as there is room, then in its PropertyArray: field index
 * i is word in_object + i, or, behind the last word, element i - (words - in_object).
 *
 * LIMITATIONS: SwissNameDictionary, a build option of V8, is not read.
 */
#include <string.h>

#include "census/heap_internal.h"
#include "v8/v8_string.h"

#define DESCRIPTOR_WORDS  3u
#define DESCRIPTORS_MAX	  1020u /* V8's kMaxNumberOfDescriptors */
#define ARRAY_FIRST	  2u	/* word of an array's first element */
#define DICTIONARY_HEADER 3u	/* elements, deleted, capacity */
#define DICTIONARY_ENTRY  3u	/* key, value, details */
#define DICTIONARY_MAX	  (1u << 20)
#define DETAILS_ACCESSOR  1u /* PropertyDetails::KindField */
#define NAME_BYTES	  48 /* shown of a name */
#define PROPERTIES_FIELD  8u

struct descriptor {
	uint64_t key, details, value;
};

/* How many an object's Map has; *@array is where they are. */
static unsigned descriptors_of(struct heap *h, const struct heap_map *map, uint64_t *array)
{
	const struct census_layout *l = h->layout;
	uint64_t word = heap_word(h, map->address, (uint32_t)l->offsets.map_descriptors);
	unsigned n = (map->bits3 & (uint32_t)l->own_descriptors_mask) >> l->own_descriptors_shift;

	if (!heap_is_reference(word) || map->is_dictionary || n > DESCRIPTORS_MAX)
		return 0;
	*array = heap_untag(word);
	return n;
}

static void descriptor_read(const struct heap *h, uint64_t array, unsigned i,
			    struct descriptor *out)
{
	uint32_t offset =
		(uint32_t)h->layout->offsets.descriptors_header + i * 8 * DESCRIPTOR_WORDS;

	out->key = heap_word(h, array, offset);
	out->details = (uint32_t)v8_smi(heap_word(h, array, offset + 8));
	out->value = heap_word(h, array, offset + 16);
}

/* Its value is a field, of that index; false: it is kept in the descriptor, or an accessor. */
static bool is_field(const struct heap *h, const struct descriptor *d, unsigned *index)
{
	const struct census_layout *l = h->layout;

	if ((d->details & (uint32_t)l->location_mask) >> l->location_shift)
		return false;
	*index = (unsigned)((d->details & (uint32_t)l->index_mask) >> l->index_shift);
	return true;
}

int heap_name_string(struct heap *h, uint64_t word, char *out, size_t size)
{
	int type = heap_type(h, word);
	int n;

	*out = '\0';
	if (type == h->layout->types.symbol)
		word = heap_word(h, heap_untag(word), 16); /* its description */
	else if (type == V8_NO_TYPE || type >= h->layout->v8->types.first_nonstring)
		return 0;
	if (!v8_heap_is_string(&h->v8, heap_type(h, word)))
		return 0;
	n = v8_string_read(&h->v8, word, out, size);
	return n < 0 ? (int)strlen(out) : n;
}

/* "Symbol.toStringTag" is the Symbol, and no text that somebody has as a key. */
static bool is_named(struct heap *h, uint64_t key, const char *name)
{
	bool is_symbol = !strncmp(name, "Symbol.", strlen("Symbol."));
	char text[64];

	return (heap_type(h, key) == h->layout->types.symbol) == is_symbol &&
	       heap_name_string(h, key, text, sizeof(text)) && !strcmp(text, name);
}

static unsigned in_object_fields(const struct heap_map *map)
{
	return map->in_object ? map->words - map->in_object : 0;
}

static uint64_t field_value(const struct heap *h, uint64_t object, const struct heap_map *map,
			    unsigned index)
{
	unsigned inside = in_object_fields(map);
	uint64_t array;

	if (index < inside)
		return heap_word(h, object, 8 * (map->in_object + index));
	array = heap_word(h, object, PROPERTIES_FIELD);
	return heap_is_reference(array)
		       ? heap_word(h, heap_untag(array), 8 * (ARRAY_FIRST + index - inside))
		       : 0;
}

static uint64_t dictionary_find(struct heap *h, uint64_t object, const char *name)
{
	uint64_t word = heap_word(h, object, PROPERTIES_FIELD);
	uint64_t table = heap_untag(word);
	uint64_t length = heap_is_reference(word) ? heap_word(h, table, 8) : 0;
	unsigned i = ARRAY_FIRST + DICTIONARY_HEADER + (unsigned)h->layout->dictionary_prefix;
	unsigned end;

	if (!v8_is_smi(length) || v8_smi(length) <= 0 || v8_smi(length) > (int)DICTIONARY_MAX ||
	    !heap_may_search(h, (uint64_t)v8_smi(length)))
		return 0;
	end = ARRAY_FIRST + (unsigned)v8_smi(length);
	for (; i + 2 < end; i += DICTIONARY_ENTRY) {
		uint64_t key = heap_word(h, table, 8 * i);

		if (heap_is_reference(key) && is_named(h, key, name))
			return (uint32_t)v8_smi(heap_word(h, table, 8 * i + 16)) & DETAILS_ACCESSOR
				       ? 0
				       : heap_word(h, table, 8 * i + 8);
	}
	return 0;
}

uint64_t heap_own_property(struct heap *h, uint64_t object, const char *name)
{
	const struct heap_map *map = heap_map_of(h, object);
	uint64_t array = 0;
	unsigned count, index;

	if (!map || !map->is_receiver)
		return 0;
	if (map->is_dictionary)
		/* A global's are cells: no plain values */
		return map->type == h->layout->types.js_global ? 0
							       : dictionary_find(h, object, name);
	count = descriptors_of(h, map, &array);
	if (!heap_may_search(h, (uint64_t)count * DESCRIPTOR_WORDS))
		return 0;
	for (unsigned i = 0; i < count; i++) {
		struct descriptor d;

		descriptor_read(h, array, i, &d);
		if (!is_named(h, d.key, name))
			continue;
		if (d.details & DETAILS_ACCESSOR)
			return 0;
		return is_field(h, &d, &index) ? field_value(h, object, map, index) : d.value;
	}
	return 0;
}

int heap_property_name(struct heap *h, uint64_t object, uint64_t holder, uint32_t word, char *out,
		       size_t size)
{
	const struct heap_map *map = heap_map_of(h, object);
	unsigned count, wanted, index;
	uint64_t array = 0;

	*out = '\0';
	if (!map || !map->is_receiver)
		return 0;
	if (holder == object) {
		if (!map->in_object || word < map->in_object)
			return 0;
		wanted = word - map->in_object;
	} else {
		if (word < ARRAY_FIRST)
			return 0;
		wanted = word - ARRAY_FIRST + in_object_fields(map);
	}
	count = descriptors_of(h, map, &array);
	for (unsigned i = 0; i < count; i++) {
		struct descriptor d;

		descriptor_read(h, array, i, &d);
		if (!(d.details & DETAILS_ACCESSOR) && is_field(h, &d, &index) && index == wanted)
			return heap_name_string(h, d.key, out, size);
	}
	return 0;
}

void heap_shape_name(struct heap *h, const struct heap_map *map, char *out, size_t size)
{
	uint64_t array = 0;
	unsigned count = descriptors_of(h, map, &array);
	struct name_list names;
	char name[NAME_BYTES];
	bool more = true;

	name_list_begin(&names, "", out, size);
	for (unsigned i = 0; more && i < count; i++) {
		struct descriptor d;

		descriptor_read(h, array, i, &d);
		if (heap_name_string(h, d.key, name, sizeof(name)))
			more = name_list_add(&names, name);
	}
	name_list_end(&names, count);
}
