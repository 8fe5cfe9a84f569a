/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What JavaScript objects are called, as V8 itself does it for its heap snapshots
 * (JSReceiver::GetConstructorName): by the function that made them, which their Map leads to;
 * else by what their prototypes say: Symbol.toStringTag, or `constructor`.
 */
#include <stdio.h>
#include <string.h>

#include "census/heap_internal.h"
#include "v8/v8_string.h"

#define BACK_POINTERS_MAX  2000 /* of a Map: one for each property that was added */
#define PROTOTYPES_MAX	   100
#define TEMPLATE_WORDS	   14 /* of a FunctionTemplateInfo: its class' name is in one of them */
#define NEW_TARGET_IS_BASE 1u /* Map::bit_field2 */
#define GENERATOR_FUNCTION 24 /* offset; its context is the next word */
#define GENERATOR_WORDS	   9

struct v8_function *heap_function(struct heap *h, uint64_t addr)
{
	uint64_t shared = heap_word(h, addr, (uint32_t)h->layout->v8->offsets.function_shared);

	v8_functions_trim(&h->functions);
	return v8_function_get(&h->functions, shared, 0, 0);
}

/* The function that made the objects of a Map, or what it is made by; untagged, 0 for none. */
static uint64_t maker_of(struct heap *h, const struct heap_map *map)
{
	uint32_t offset = (uint32_t)h->layout->offsets.map_constructor;
	uint64_t word = heap_word(h, map->address, offset);

	for (unsigned i = 0; i < BACK_POINTERS_MAX && heap_may_search(h, 1); i++) {
		if (!heap_is_reference(word))
			return 0;
		if (heap_type(h, word) != h->layout->types.map)
			return heap_untag(word);
		word = heap_word(h, heap_untag(word), offset);
	}
	return 0;
}

static bool is_function_at(struct heap *h, uint64_t addr)
{
	const struct heap_map *map = addr ? heap_map_of(h, addr) : NULL;

	return map && heap_is_function(h, addr, map);
}

static bool function_name(struct heap *h, uint64_t addr, char *out, size_t size)
{
	const struct v8_function *fn = heap_function(h, addr);

	*out = '\0';
	if (fn)
		snprintf(out, size, "%s", fn->name);
	return *out;
}

/* A C++ class that was made with V8's API. */
static bool template_name(struct heap *h, uint64_t addr, char *out, size_t size)
{
	const struct heap_map *map = addr ? heap_map_of(h, addr) : NULL;

	if (!map || map->type != h->layout->types.function_template)
		return false;
	for (unsigned i = 1; i < TEMPLATE_WORDS && i < map->words; i++) {
		if (heap_name_string(h, heap_word(h, addr, 8 * i), out, size))
			return true;
	}
	return false;
}

static bool name_by_maker(struct heap *h, const struct heap_map *map, char *out, size_t size,
			  uint64_t *function)
{
	uint64_t maker;

	if (!(map->bits2 & NEW_TARGET_IS_BASE) || map->bits3 & HEAP_MAP_PROTOTYPE)
		return false;
	maker = maker_of(h, map);
	if (is_function_at(h, maker)) {
		*function = maker;
		return function_name(h, maker, out, size) && strcmp(out, "Object") != 0;
	}
	return template_name(h, maker, out, size);
}

/* Prototypes are called by code. Of other objects a text that V8 has not interned was computed,
   not written: it is a value. */
static bool may_tell_tag(const struct heap *h, const struct heap_map *of, int string_type)
{
	return h->show_values || of->bits3 & HEAP_MAP_PROTOTYPE ||
	       !(string_type & NOT_INTERNALIZED);
}

/* Symbol.toStringTag, if that is a text of its own */
static bool own_tag(struct heap *h, uint64_t object, const struct heap_map *map, char *out,
		    size_t size)
{
	uint64_t value = heap_own_property(h, object, "Symbol.toStringTag");
	int type = heap_type(h, value);

	return v8_heap_is_string(&h->v8, type) && may_tell_tag(h, map, type) &&
	       heap_name_string(h, value, out, size);
}

static bool name_by_prototypes(struct heap *h, const struct heap_map *map, char *out, size_t size,
			       uint64_t *function)
{
	uint32_t offset = (uint32_t)h->layout->offsets.map_prototype;
	uint64_t word = heap_word(h, map->address, offset);

	for (unsigned i = 0; i < PROTOTYPES_MAX && heap_is_reference(word); i++) {
		uint64_t prototype = heap_untag(word), value;
		const struct heap_map *of = heap_map_of(h, prototype);

		if (!of || !of->is_receiver || of->type == h->layout->types.proxy)
			return false;
		if (own_tag(h, prototype, of, out, size))
			return true;
		value = heap_own_property(h, prototype, "constructor");
		if (heap_is_reference(value) && is_function_at(h, heap_untag(value))) {
			*function = heap_untag(value);
			if (function_name(h, *function, out, size))
				return true;
		}
		word = heap_word(h, of->address, offset);
	}
	return false;
}

/*
 * What an async function that waits is kept in: has no prototype, and begins with the function and
 * its context (JSGeneratorObject, from V8 5 on).
 */
static bool is_generator(struct heap *h, uint64_t object, const struct heap_map *map)
{
	uint64_t function = heap_word(h, object, GENERATOR_FUNCTION);
	uint64_t context = heap_word(h, object, GENERATOR_FUNCTION + 8);
	const struct heap_map *of;

	if (map->words < GENERATOR_WORDS || !heap_is_reference(function) ||
	    !heap_is_reference(context) || !is_function_at(h, heap_untag(function)))
		return false;
	of = heap_map_of(h, heap_untag(context));
	return of && heap_is_context(h, of);
}

uint64_t heap_constructor_name(struct heap *h, uint64_t object, const struct heap_map *map,
			       char *out, size_t size)
{
	uint64_t function = 0;

	if (map->type == h->layout->types.proxy) {
		snprintf(out, size, "Proxy");
		return 0;
	}
	if (name_by_maker(h, map, out, size, &function))
		return function;
	if (own_tag(h, object, map, out, size))
		return 0;
	function = 0;
	if (name_by_prototypes(h, map, out, size, &function))
		return function;
	function = maker_of(h, map);
	if (is_function_at(h, function) && function_name(h, function, out, size))
		return function;
	snprintf(out, size, "%s", is_generator(h, object, map) ? "Generator" : "Object");
	return 0;
}
