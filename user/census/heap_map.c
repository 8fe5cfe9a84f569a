/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps of V8's objects, read once each. What proves a Map is its own Map: a meta map, which refers
 * to itself and is of type MAP (from V8 12 on there is one for each realm).
 *
 * How objects of a type are visited and measured is one table, by the types of the layout.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "census/heap_internal.h"

#define MAPS_MAX	 (4u << 20)
#define NATIVE_SLOTS_MIN 150 /* slots of a NativeContext: some 250; of others: variables */
#define GLOBAL_FIRST	 2   /* words of it that its global object may be in */
#define GLOBAL_LAST	 7

/* String types: low bits of their instance types */
#define STRING_SHAPE_MASK 7
#define STRING_SEQUENTIAL 0
#define STRING_CONS	  1
#define STRING_EXTERNAL	  2
#define STRING_SLICED	  3
#define STRING_ONE_BYTE	  8

#define TYPE(f)		  offsetof(struct census_types, f)

static const struct {
	size_t type; /* offset in census_types */
	uint8_t visit, size_rule;
} rule_table[] = {
	{TYPE(map), HEAP_MAP, 0},
	{TYPE(heap_number), HEAP_DATA, 0},
	{TYPE(foreign), HEAP_DATA, 0},
	{TYPE(trusted_foreign), HEAP_DATA, 0},
	{TYPE(bigint), HEAP_DATA, SIZE_BIGINT},
	{TYPE(double_array), HEAP_DATA, SIZE_ARRAY},
	{TYPE(property_array), HEAP_TAGGED, SIZE_PROPERTIES},
	{TYPE(weak_fixed_array), HEAP_TAGGED, SIZE_ARRAY},
	{TYPE(trusted_array), HEAP_TAGGED, SIZE_ARRAY},
	{TYPE(trusted_weak_array), HEAP_TAGGED, SIZE_ARRAY},
	{TYPE(protected_array), HEAP_TAGGED, SIZE_ARRAY},
	{TYPE(protected_weak_array), HEAP_TAGGED, SIZE_ARRAY},
	{TYPE(embedder_data), HEAP_TAGGED, SIZE_ARRAY},
	{TYPE(weak_array_list), HEAP_TAGGED, SIZE_LIST},
	{TYPE(array_list), HEAP_TAGGED, SIZE_LIST},
	{TYPE(descriptors), HEAP_TAGGED, SIZE_DESCRIPTORS},
	{TYPE(strong_descriptors), HEAP_TAGGED, SIZE_DESCRIPTORS},
	{TYPE(preparse_data), HEAP_TAGGED, SIZE_PREPARSE},
	{TYPE(feedback_metadata), HEAP_DATA, SIZE_LEARNED},
	{TYPE(coverage_info), HEAP_DATA, SIZE_LEARNED},
	{TYPE(free_space), HEAP_NOTHING, SIZE_FREE},
	{TYPE(hole), HEAP_NOTHING, SIZE_LEARNED},
	{TYPE(wasm_null), HEAP_DATA, SIZE_HEADER},
	{TYPE(weak_cell), HEAP_WEAK_CELL, 0},
	{TYPE(js_weak_ref), HEAP_WEAK_REF, 0},
};

static void rule_set(struct heap *h, int32_t type, uint8_t visit, uint8_t size_rule)
{
	if (type < 0 || type >= CENSUS_TYPES)
		return;
	h->rules[type].visit = visit;
	h->rules[type].size_rule = size_rule;
}

int heap_rules_init(struct heap *h)
{
	const struct census_layout *l = h->layout;
	const struct v8_types *v8 = &l->v8->types;

	for (int32_t t = v8->fixed_array; t < l->types.array_end; t++)
		rule_set(h, t, HEAP_TAGGED, SIZE_ARRAY);
	for (int32_t t = l->types.context_first; t <= l->types.context_last; t++)
		rule_set(h, t, HEAP_TAGGED, SIZE_ARRAY);
	for (size_t i = 0; i < sizeof(rule_table) / sizeof(rule_table[0]); i++)
		rule_set(h, *(const int32_t *)((const char *)&l->types + rule_table[i].type),
			 rule_table[i].visit, rule_table[i].size_rule);
	rule_set(h, v8->byte_array, HEAP_DATA, SIZE_BYTES);
	rule_set(h, v8->trusted_byte_array, HEAP_DATA, SIZE_BYTES);
	rule_set(h, v8->bytecode_array, HEAP_CODE, SIZE_BYTECODES);
	rule_set(h, v8->code_stream >= 0 ? v8->code_stream : v8->code, HEAP_CODE, SIZE_LEARNED);
	return heap_sizes_init(h);
}

static void set_string_rule(struct heap_map *map)
{
	unsigned shape = map->type & STRING_SHAPE_MASK;

	map->visit =
		shape == STRING_SEQUENTIAL || shape == STRING_EXTERNAL ? HEAP_DATA : HEAP_TAGGED;
	map->size_rule = map->type & STRING_ONE_BYTE ? SIZE_LATIN1 : SIZE_UTF16;
	if (shape == STRING_SEQUENTIAL)
		map->words = 0;
}

static void map_fill(struct heap *h, struct heap_map *map, const unsigned char *bytes)
{
	const struct census_layout *l = h->layout;
	const struct census_offsets *o = &l->offsets;

	memcpy(&map->type, bytes + l->v8->offsets.map_type, sizeof(map->type));
	map->words = bytes[o->map_words];
	map->in_object = bytes[o->map_in_object];
	map->bits2 = bytes[o->map_bits2];
	memcpy(&map->bits3, bytes + o->map_bits3, sizeof(map->bits3));
	map->is_receiver = map->type >= l->types.proxy;
	map->is_dictionary = map->bits3 >> l->dictionary_shift & 1;
	map->group = HEAP_NO_GROUP;
	if (map->type < l->v8->types.first_nonstring) {
		set_string_rule(map);
	} else if (map->type < CENSUS_TYPES) {
		map->visit = h->rules[map->type].visit;
		map->size_rule = h->rules[map->type].size_rule;
	}
	if (!map->is_receiver || map->in_object > map->words)
		map->in_object = 0;
}

static bool is_meta_map(struct heap *h, uint64_t map)
{
	const struct heap_page *p = map & 7 ? NULL : heap_page_of(h, map);
	uint16_t type;

	if (!p || map + 80 > p->end || page_word(p, map) != map + 1)
		return false;
	memcpy(&type, p->bytes + (map - p->base) + h->layout->v8->offsets.map_type, sizeof(type));
	return type == h->layout->types.map;
}

static struct heap_map *map_read(struct heap *h, uint64_t addr)
{
	const struct heap_page *p = heap_page_of(h, addr);
	struct heap_map *map;
	uint64_t meta;

	/* The least that a Map has, of all versions: 64 bytes and more */
	if (!p || addr + 64 > p->end)
		return NULL;
	meta = page_word(p, addr);
	if (!heap_is_reference(meta) || !is_meta_map(h, heap_untag(meta)))
		return NULL;
	if (h->maps.count >= MAPS_MAX)
		return NULL;
	map = calloc(1, sizeof(*map));
	if (!map) {
		h->err = -ENOMEM;
		return NULL;
	}
	map->address = addr;
	map_fill(h, map, p->bytes + (addr - p->base));
	hmap_add(&h->maps, &map->node, addr);
	return map;
}

const struct heap_map *heap_map_get(struct heap *h, uint64_t addr)
{
	struct heap_map **slot = &h->map_slots[(addr >> 3) % HEAP_MAP_SLOTS];
	struct heap_map *last = *slot;
	struct hmap_node *node;

	if (last && last->address == addr)
		return last;
	if (addr & 7)
		return NULL;
	node = hmap_find(&h->maps, addr);
	if (node) {
		*slot = hmap_entry(node, struct heap_map, node);
		return *slot;
	}
	*slot = map_read(h, addr);
	return *slot;
}

const struct heap_map *heap_map_of(struct heap *h, uint64_t addr)
{
	uint64_t map = addr & 7 ? 0 : heap_word(h, addr, 0);

	return heap_is_reference(map) ? heap_map_get(h, heap_untag(map)) : NULL;
}

int heap_type(struct heap *h, uint64_t word)
{
	const struct heap_map *map =
		heap_is_reference(word) ? heap_map_of(h, heap_untag(word)) : NULL;

	return map ? map->type : V8_NO_TYPE;
}

bool heap_is_function(struct heap *h, uint64_t addr, const struct heap_map *map)
{
	int32_t offset = h->layout->v8->offsets.function_shared;

	/* By its field: which types are functions is not told by all versions */
	return map->is_receiver && offset >= 0 && (offset & 7) == 0 && offset / 8 < map->words &&
	       heap_type(h, heap_word(h, addr, (uint32_t)offset)) ==
		       h->layout->v8->types.shared_info;
}

bool heap_is_native_context(struct heap *h, uint64_t addr, const struct heap_map *map,
			    unsigned *global)
{
	uint64_t length;

	if (!heap_is_context(h, map))
		return false;
	length = heap_word(h, addr, 8);
	if (!v8_is_smi(length) || v8_smi(length) < NATIVE_SLOTS_MIN)
		return false;
	for (unsigned i = GLOBAL_FIRST; i <= GLOBAL_LAST; i++) {
		if (heap_type(h, heap_word(h, addr, 8 * i)) == h->layout->types.js_global) {
			*global = i;
			return true;
		}
	}
	return false;
}

int heap_for_each_reference(struct heap *h, uint64_t addr, const struct heap_map *map,
			    int (*fn)(void *arg, uint64_t word, uint32_t index), void *arg)
{
	const struct heap_page *p = heap_page_of(h, addr);
	uint64_t words;

	if (!p || map->visit == HEAP_DATA || map->visit == HEAP_NOTHING)
		return 0;
	words = heap_size(h, addr, map) / 8;
	if (map->visit == HEAP_CODE && words > HEAP_CODE_WORDS)
		words = HEAP_CODE_WORDS;
	for (uint32_t i = 1; i < words; i++) {
		uint64_t word = page_word(p, addr + 8ull * i);
		int ret;

		if (!heap_is_reference(word) ||
		    (map->visit == HEAP_WEAK_CELL && i == HEAP_WEAK_CELL_TARGET) ||
		    (map->visit == HEAP_WEAK_REF && i == HEAP_WEAK_REF_TARGET))
			continue;
		ret = fn(arg, word, i);
		if (ret)
			return ret;
	}
	return 0;
}
