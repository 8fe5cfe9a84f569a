/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process with V8 heaps for tests: pages, Maps, objects, strings, functions and contexts are put
 * together word by word in an image, as Node 18 (V8 10.2) has them, by its v8dbg_* constants.
 *
 *	hb_init() makes what every heap has: a read-only page with the Maps of V8's own objects,
 *	and one isolate with a NativeContext, its global object, Object() and a script.
 *	hb_root() is a word in memory of the process that is no heap: what it refers to is alive.
 *
 * Objects are tagged references here, as in the heap. Fields that a test does not set are
 * undefined (b->undefined) or 0.
 *
 * LIMITATIONS: a helper header, for one includer per program. No code, no feedback, no transitions.
 * It ends the program (abort()) when a test asks too much of it.
 */
#ifndef MEMWATCH_TESTS_HEAP_BUILD_H
#define MEMWATCH_TESTS_HEAP_BUILD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "census/capture.h"
#include "census/layout.h"

#ifndef HB_PAGE_BYTES
#define HB_PAGE_BYTES (256u << 10) /* of which those of V8 10.2 are */
#endif
#ifndef HB_PAGES
#define HB_PAGES 64
#endif
#define HB_CHUNK	(256ull << 10)
#define HB_PAGE_HEADER	0x110u
#define HB_BASE		0x10000000000ull
#define HB_NATIVE	0x20000000000ull /* memory that is no heap */
#define HB_NATIVE_BYTES (64u << 10)
#define HB_HEAPS	(HB_NATIVE + 0xf000) /* of the isolates: native memory, too */
#define HB_READ_ONLY	(-1)		     /* in place of an isolate */
#define HB_ISOLATES	4
#define HB_DICTIONARY	(1u << 21) /* of bit_field3 */
#define HB_NATIVE_SLOTS 160
#define HB_SMI(n)	((uint64_t)(uint32_t)(n) << 32)

/* V8's own Maps, and how many words their instances have (0: by what is in them). */
#define HB_MAPS(X)                                                                                 \
	X(META, 250, 9)                                                                            \
	X(ODDBALL, 131, 6)                                                                         \
	X(NUMBER, 130, 2)                                                                          \
	X(STRING, 8, 0)                                                                            \
	X(SYMBOL, 128, 4)                                                                          \
	X(CELL, 239, 2)                                                                            \
	X(PROPERTY_CELL, 255, 5)                                                                   \
	X(FIXED_ARRAY, 179, 0)                                                                     \
	X(EPHEMERONS, 182, 0)                                                                      \
	X(GLOBAL_DICTIONARY, 183, 0)                                                               \
	X(NAME_DICTIONARY, 184, 0)                                                                 \
	X(NUMBER_DICTIONARY, 186, 0)                                                               \
	X(ORDERED_MAP, 187, 0)                                                                     \
	X(ORDERED_SET, 188, 0)                                                                     \
	X(BYTE_ARRAY, 194, 0)                                                                      \
	X(BYTECODES, 195, 0)                                                                       \
	X(DOUBLE_ARRAY, 196, 0)                                                                    \
	X(BLOCK_CONTEXT, 208, 0)                                                                   \
	X(FUNCTION_CONTEXT, 212, 0)                                                                \
	X(NATIVE_CONTEXT, 214, 0)                                                                  \
	X(DESCRIPTORS, 233, 0)                                                                     \
	X(MODULE, 235, 14)                                                                         \
	X(WEAK_ARRAY, 237, 0)                                                                      \
	X(FREE_SPACE, 247, 0)                                                                      \
	X(PROPERTY_ARRAY, 254, 0)                                                                  \
	X(SCOPE_INFO, 256, 0)                                                                      \
	X(SHARED, 257, 8)                                                                          \
	X(WEAK_CELL, 265, 7)                                                                       \
	X(SCRIPT, 170, 16)                                                                         \
	X(PROMISE_REACTION, 166, 6)

#define HB_INDEX(name, type, words) HB_##name,
enum hb_map { HB_MAPS(HB_INDEX) HB_MAP_COUNT };

/* Instance types of JavaScript's objects. */
enum {
	HB_T_GLOBAL = 269,
	HB_T_OBJECT = 1057,
	HB_T_PROMISE = 2062,
	HB_T_FUNCTION = 2065,
	HB_T_MAP = 2099,
	HB_T_SET,
	HB_T_WEAK_MAP,
	HB_T_ARRAY = 2104,
	HB_T_WEAK_REF = 2140,
};

struct hb_page {
	uint64_t base;
	unsigned char *bytes;
	size_t used, size;
	int isolate;
};

struct heap_build {
	struct capture capture;
	struct v8_layout v8;
	struct census_layout layout;
	struct image_region regions[HB_PAGES + 1];
	struct image_range ranges[HB_PAGES + 1];
	struct hb_page pages[HB_PAGES];
	unsigned page_count;
	uint64_t next_base;
	int isolate; /* that new objects are in; HB_READ_ONLY */
	unsigned char *native;
	size_t native_used;

	uint64_t maps[HB_MAP_COUNT];	     /* by enum hb_map */
	uint64_t undefined, the_hole, empty; /* @empty: FixedArray */
	struct {
		uint64_t native_context, global, script;
		uint64_t object_function, function_map;
		uint64_t object_map, array_map, map_map, set_map, weak_map_map;
	} of[HB_ISOLATES];
};

/* --- words --- */

static inline unsigned char *hb_at(struct heap_build *b, uint64_t object, uint32_t offset)
{
	uint64_t addr = object - 1 + offset;

	for (unsigned i = 0; i < b->page_count; i++) {
		struct hb_page *p = &b->pages[i];

		if (addr >= p->base && addr + 8 <= p->base + p->size)
			return p->bytes + (addr - p->base);
	}
	abort();
}

static inline uint64_t hb_get(struct heap_build *b, uint64_t object, uint32_t offset)
{
	uint64_t word;

	memcpy(&word, hb_at(b, object, offset), sizeof(word));
	return word;
}

/* The word at @offset (bytes) of a tagged object. */
static inline void hb_set(struct heap_build *b, uint64_t object, uint32_t offset, uint64_t word)
{
	memcpy(hb_at(b, object, offset), &word, sizeof(word));
}

static inline void hb_page_header(struct hb_page *p)
{
	uint64_t words[5] = {p->size, 0, 0, p->base + HB_PAGE_HEADER, p->base + p->size};

	if (p->isolate != HB_READ_ONLY)
		words[2] = HB_HEAPS + 0x100ull * (unsigned)p->isolate;
	memcpy(p->bytes, words, sizeof(words));
}

static inline struct hb_page *hb_page_new(struct heap_build *b, size_t bytes)
{
	struct hb_page *p = &b->pages[b->page_count];
	size_t size = bytes > HB_PAGE_BYTES ? (bytes + 4095) & ~(size_t)4095 : HB_PAGE_BYTES;

	if (b->page_count == HB_PAGES)
		abort();
	*p = (struct hb_page){.base = b->next_base,
			      .bytes = calloc(1, size),
			      .used = HB_PAGE_HEADER,
			      .size = size,
			      .isolate = b->isolate};
	if (!p->bytes)
		abort();
	hb_page_header(p);
	b->regions[b->page_count] = (struct image_region){.start = p->base,
							  .end = p->base + size,
							  .bytes = p->bytes,
							  .is_writable = b->isolate >= 0};
	b->ranges[b->page_count] =
		(struct image_range){p->base, p->base + size, p->bytes, b->page_count};
	/* Not neighbours: those would have to be neighbours in memory, too */
	b->next_base += (size + 2 * HB_CHUNK - 1) & ~(HB_CHUNK - 1);
	b->page_count++;
	return p;
}

/* Zeroed memory in the current isolate; its tagged address. */
static inline uint64_t hb_alloc(struct heap_build *b, size_t bytes)
{
	struct hb_page *p = NULL;
	uint64_t at;

	bytes = (bytes + 7) & ~(size_t)7;
	for (unsigned i = 0; i < b->page_count && !p; i++) {
		if (b->pages[i].isolate == b->isolate &&
		    b->pages[i].size - b->pages[i].used >= bytes)
			p = &b->pages[i];
	}
	if (!p)
		p = hb_page_new(b, bytes + HB_PAGE_HEADER);
	at = p->base + p->used;
	p->used += bytes;
	return at + 1;
}

/* Where native memory refers to @word from: its address. */
static inline uint64_t hb_root(struct heap_build *b, uint64_t word)
{
	uint64_t at = HB_NATIVE + b->native_used;

	if (b->native_used + 8 > HB_HEAPS - HB_NATIVE)
		abort();
	memcpy(b->native + b->native_used, &word, sizeof(word));
	b->native_used += 8;
	return at;
}

/* --- objects of V8's own --- */

/* An object of a Map, all words but the first @fill. */
static inline uint64_t hb_object(struct heap_build *b, uint64_t map, unsigned words, uint64_t fill)
{
	uint64_t object = hb_alloc(b, 8 * (size_t)words);

	hb_set(b, object, 0, map);
	for (unsigned i = 1; i < words; i++)
		hb_set(b, object, 8 * i, fill);
	return object;
}

static inline uint64_t hb_array_of(struct heap_build *b, enum hb_map map, const uint64_t *words,
				   unsigned count)
{
	uint64_t array = hb_object(b, b->maps[map], 2 + count, HB_SMI(0));

	hb_set(b, array, 8, HB_SMI(count));
	for (unsigned i = 0; words && i < count; i++)
		hb_set(b, array, 16 + 8 * i, words[i]);
	return array;
}

/* A FixedArray. @words: NULL: of Smis 0 */
static inline uint64_t hb_array(struct heap_build *b, const uint64_t *words, unsigned count)
{
	return hb_array_of(b, HB_FIXED_ARRAY, words, count);
}

static inline uint64_t hb_string(struct heap_build *b, const char *s)
{
	size_t len = strlen(s);
	uint64_t string = hb_alloc(b, 16 + len);

	hb_set(b, string, 0, b->maps[HB_STRING]);
	hb_set(b, string, 8, (uint64_t)len << 32);
	for (size_t i = 0; i < len; i += 8)
		memcpy(hb_at(b, string, 16 + (uint32_t)i), s + i, len - i < 8 ? len - i : 8);
	return string;
}

static inline uint64_t hb_symbol(struct heap_build *b, const char *description)
{
	uint64_t name = hb_string(b, description);
	uint64_t symbol = hb_object(b, b->maps[HB_SYMBOL], 4, HB_SMI(0));

	hb_set(b, symbol, 16, name);
	return symbol;
}

/* A Map: of receivers with @in_object the word of their first in-object property (0: none). */
static inline uint64_t hb_map(struct heap_build *b, uint16_t type, uint8_t words, uint8_t in_object)
{
	uint64_t map = hb_object(b, b->maps[HB_META], 9, b->undefined);
	unsigned char head[16] = {words, in_object};

	memcpy(head + 4, &type, sizeof(type));
	memcpy(hb_at(b, map, 8), head, 8);
	hb_set(b, map, 16, 0);
	return map;
}

static inline void hb_map_bits(struct heap_build *b, uint64_t map, uint8_t bits2, uint32_t bits3)
{
	hb_at(b, map, 8)[7] = bits2;
	memcpy(hb_at(b, map, 16), &bits3, sizeof(bits3));
}

/* --- names of properties --- */

/* Gives a Map named properties in fields, @keys: Strings or Symbols. */
static inline void hb_map_keys(struct heap_build *b, uint64_t map, const uint64_t *keys,
			       unsigned count)
{
	uint64_t descriptors = hb_object(b, b->maps[HB_DESCRIPTORS], 3 + 3 * count, HB_SMI(0));
	uint32_t bits3;

	hb_set(b, descriptors, 8, (uint64_t)count);
	for (unsigned i = 0; i < count; i++) {
		hb_set(b, descriptors, 24 + 24 * i, keys[i]);
		hb_set(b, descriptors, 32 + 24 * i, HB_SMI(i << 19)); /* a field */
	}
	hb_set(b, map, 40, descriptors);
	memcpy(&bits3, hb_at(b, map, 16), sizeof(bits3));
	bits3 = (bits3 & ~1047552u) | count << 10;
	memcpy(hb_at(b, map, 16), &bits3, sizeof(bits3));
}

/* The same with names, up to NULL. */
static inline void hb_map_names(struct heap_build *b, uint64_t map, const char *const *names)
{
	uint64_t keys[32];
	unsigned count = 0;

	for (; names[count] && count < 32; count++)
		keys[count] = hb_string(b, names[count]);
	hb_map_keys(b, map, keys, count);
}

/* --- functions, classes, contexts --- */

static inline uint64_t hb_script(struct heap_build *b, const char *file, const char *source, int id)
{
	uint64_t script = hb_object(b, b->maps[HB_SCRIPT], 16, b->undefined);

	hb_set(b, script, 16, hb_string(b, file));
	hb_set(b, script, 8, hb_string(b, source));
	hb_set(b, script, 24, HB_SMI(0));
	hb_set(b, script, 64, HB_SMI(id));
	return script;
}

/* Of the scope of a function with these local variables (up to NULL), at @position of its script */
static inline uint64_t hb_scope_info(struct heap_build *b, const char *function, int32_t position,
				     const char *const *locals)
{
	unsigned n = 0, at;
	uint64_t info;

	while (locals && locals[n])
		n++;
	info = hb_object(b, b->maps[HB_SCOPE_INFO], 4 + 2 * n + 5, HB_SMI(0));
	hb_set(b, info, 24, HB_SMI(n));
	for (unsigned i = 0; i < n; i++)
		hb_set(b, info, 32 + 8 * i, hb_string(b, locals[i]));
	at = 32 + 16 * n;
	hb_set(b, info, at, hb_string(b, function));
	hb_set(b, info, at + 16, HB_SMI(position));
	hb_set(b, info, at + 24, HB_SMI(position + 50));
	hb_set(b, info, at + 32, b->undefined);
	return info;
}

/* @values: of the variables that @scope_info names */
static inline uint64_t hb_context(struct heap_build *b, uint64_t scope_info, uint64_t previous,
				  const uint64_t *values)
{
	unsigned n = (unsigned)(hb_get(b, scope_info, 24) >> 32);
	uint64_t context = hb_array_of(b, HB_FUNCTION_CONTEXT, NULL, 2 + n);

	hb_set(b, context, 16, scope_info);
	hb_set(b, context, 24, previous);
	for (unsigned i = 0; i < n; i++)
		hb_set(b, context, 32 + 8 * i, values ? values[i] : b->undefined);
	return context;
}

/* A function named @name of the isolate's script; @context: 0: the NativeContext */
static inline uint64_t hb_function(struct heap_build *b, const char *name, int32_t position,
				   uint64_t context)
{
	uint64_t shared = hb_object(b, b->maps[HB_SHARED], 8, HB_SMI(0));
	uint64_t function;

	hb_set(b, shared, 16, hb_scope_info(b, name, position, NULL));
	hb_set(b, shared, 32, b->of[b->isolate].script);
	function = hb_object(b, b->of[b->isolate].function_map, 8, b->undefined);
	hb_set(b, function, 8, b->empty);
	hb_set(b, function, 16, b->empty);
	hb_set(b, function, 24, shared);
	hb_set(b, function, 32, context ? context : b->of[b->isolate].native_context);
	return function;
}

/* @function has run: its bytecode's constants are these names, up to NULL. */
static inline void hb_bytecode(struct heap_build *b, uint64_t function, const char *const *names)
{
	uint64_t words[8], code = hb_object(b, b->maps[HB_BYTECODES], 7, HB_SMI(0));
	unsigned count = 0;

	for (; names[count]; count++)
		words[count] = hb_string(b, names[count]);
	hb_set(b, code, 16, hb_array(b, words, count));
	hb_set(b, hb_get(b, function, 24), 8, code);
}

/*
 * The Map of what @function constructs (0: of plain objects), with properties of these names (up to
 * NULL) in fields, the first @in_object of them within the object.
 */
static inline uint64_t hb_class(struct heap_build *b, uint64_t function, const char *const *names,
				unsigned in_object)
{
	uint64_t map = hb_map(b, HB_T_OBJECT, (uint8_t)(3 + in_object), 3);

	hb_map_bits(b, map, 1, 0); /* new_target_is_base */
	hb_map_names(b, map, names);
	hb_set(b, map, 32, function ? function : b->of[b->isolate].object_function);
	return map;
}

/* --- JavaScript's objects --- */

/* An instance of a Map, without elements, its in-object words from @values. */
static inline uint64_t hb_new(struct heap_build *b, uint64_t map, const uint64_t *values)
{
	unsigned words = *hb_at(b, map, 8);
	uint64_t object = hb_object(b, map, words, b->undefined);

	hb_set(b, object, 8, b->empty);
	hb_set(b, object, 16, b->empty);
	for (unsigned i = 3; values && i < words; i++)
		hb_set(b, object, 8 * i, values[i - 3]);
	return object;
}

/* A JSArray of these elements. */
static inline uint64_t hb_js_array(struct heap_build *b, const uint64_t *words, unsigned count)
{
	uint64_t length = HB_SMI(count);
	uint64_t array = hb_new(b, b->of[b->isolate].array_map, &length);

	hb_set(b, array, 16, hb_array(b, words, count));
	return array;
}

/* Of an OrderedHashMap (@width 3) or OrderedHashSet (2) with one bucket; @words: of all entries. */
static inline uint64_t hb_table(struct heap_build *b, enum hb_map map, unsigned width,
				const uint64_t *words, unsigned entries)
{
	uint64_t table = hb_array_of(b, map, NULL, 4 + width * entries);

	hb_set(b, table, 16, HB_SMI(entries));
	hb_set(b, table, 32, HB_SMI(1));
	for (unsigned i = 0; i < width * entries; i++)
		hb_set(b, table, 48 + 8 * i, words[i]);
	return table;
}

/* A Map of keys "key0" ... to @values. */
static inline uint64_t hb_js_map(struct heap_build *b, const uint64_t *values, unsigned count)
{
	uint64_t *words = calloc(count + 1, 3 * sizeof(*words)), map;
	char key[32];

	if (!words)
		abort();
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		words[3 * i] = hb_string(b, key);
		words[3 * i + 1] = values[i];
		words[3 * i + 2] = HB_SMI(-1);
	}
	map = hb_new(b, b->of[b->isolate].map_map, NULL);
	hb_set(b, map, 24, hb_table(b, HB_ORDERED_MAP, 3, words, count));
	free(words);
	return map;
}

static inline uint64_t hb_js_set(struct heap_build *b, const uint64_t *values, unsigned count)
{
	uint64_t *words = calloc(count + 1, 2 * sizeof(*words)), set;

	if (!words)
		abort();
	for (unsigned i = 0; i < count; i++) {
		words[2 * i] = values[i];
		words[2 * i + 1] = HB_SMI(-1);
	}
	set = hb_new(b, b->of[b->isolate].set_map, NULL);
	hb_set(b, set, 24, hb_table(b, HB_ORDERED_SET, 2, words, count));
	free(words);
	return set;
}

/* A WeakMap; @pairs: keys and values in turn */
static inline uint64_t hb_js_weak_map(struct heap_build *b, const uint64_t *pairs, unsigned count)
{
	uint64_t map = hb_new(b, b->of[b->isolate].weak_map_map, NULL);
	uint64_t table = hb_array_of(b, HB_EPHEMERONS, NULL, 3 + 2 * count);

	hb_set(b, table, 16, HB_SMI(count));
	hb_set(b, table, 32, HB_SMI(count));
	for (unsigned i = 0; i < 2 * count; i++)
		hb_set(b, table, 40 + 8 * i, pairs[i]);
	hb_set(b, map, 24, table);
	return map;
}

/* A NameDictionary of @count properties; @words: keys and values in turn */
static inline uint64_t hb_dictionary(struct heap_build *b, enum hb_map map, const uint64_t *words,
				     unsigned count)
{
	unsigned prefix = map == HB_NAME_DICTIONARY ? 5 : 4,
		 width = map == HB_GLOBAL_DICTIONARY ? 1 : 3;
	uint64_t table = hb_array_of(b, map, NULL, prefix + width * count);

	hb_set(b, table, 16, HB_SMI(count));
	hb_set(b, table, 32, HB_SMI(count));
	for (unsigned i = 0; i < count; i++) {
		uint32_t at = 16 + 8 * (prefix + width * i);

		hb_set(b, table, at, width == 1 ? words[i] : words[2 * i]);
		if (width > 1)
			hb_set(b, table, at + 8, words[2 * i + 1]);
	}
	return table;
}

/* A global variable. */
static inline void hb_global(struct heap_build *b, const char *name, uint64_t value)
{
	uint64_t cell = hb_object(b, b->maps[HB_PROPERTY_CELL], 5, HB_SMI(0));

	hb_set(b, cell, 8, hb_string(b, name));
	hb_set(b, cell, 24, value);
	hb_set(b, b->of[b->isolate].global, 8, hb_dictionary(b, HB_GLOBAL_DICTIONARY, &cell, 1));
}

/* --- its life --- */

static inline void hb_layout_v8(struct v8_layout *l)
{
	l->major = 10;
	l->minor = 2;
	l->build = 154;
	l->version = V8_VERSION(10, 2, 154);
	l->machine = 62;
	l->tagged_bytes = 8;
	l->types = (struct v8_types){
		.first_nonstring = 128,
		.function_first = 2065,
		.function_last = 2081,
		.shared_info = 257,
		.script = 170,
		.scope_info = 256,
		.debug_info = 156,
		.uncompiled = {217, 219, 218, 220},
		.fixed_array = 179,
		.byte_array = 194,
		.trusted_byte_array = -1,
		.bytecode_array = 195,
		.interpreter_data = 162,
		.baseline_data = -1,
		.code = 240,
		.code_stream = -1,
	};
	l->offsets = (struct v8_offsets){
		.map_type = 12,
		.function_shared = 24,
		.shared_data = 8,
		.shared_name = 16,
		.shared_script = 32,
		.shared_flags = 48,
		.shared_literal_id = 52,
		.script_source = 8,
		.script_name = 16,
		.script_line_offset = 24,
		.script_line_ends = 56,
		.script_id = 64,
		.debug_info_script = 24,
		.uncompiled_start = 16,
		.scope_info_slots = 8,
		.array_length = 8,
		.array_data = 16,
		.interpreter_data_bytecode = 8,
		.baseline_data_bytecode = 16,
		.bytecode_positions = 32,
		.bytecode_data = 56,
		.code_deopt_data = 16,
		.code_positions = 24,
		.code_start = 128,
		.code_size = 40,
		.code_flags = 48,
		.fp_function = -16,
		.fp_context = -8,
		.fp_bytecode_array = -32,
		.fp_bytecode_offset = -40,
	};
	l->scope_info_first_vars = 3;
	l->scope_info_hashes_names = true;
}

static inline void hb_layout_types(struct census_types *t)
{
	memset(t, 0xff, sizeof(*t)); /* V8_ABSENT */
	t->map = 250;
	t->oddball = 131;
	t->heap_number = 130;
	t->bigint = 129;
	t->symbol = 128;
	t->foreign = 204;
	t->cell = 239;
	t->property_cell = 255;
	t->proxy = 268;
	t->context_first = 207;
	t->context_last = 216;
	t->array_end = 194;
	t->double_array = 196;
	t->property_array = 254;
	t->weak_fixed_array = 237;
	t->weak_array_list = 264;
	t->transition_array = 238;
	t->descriptors = 233;
	t->strong_descriptors = 234;
	t->embedder_data = 243;
	t->free_space = 247;
	t->feedback_vector = 245;
	t->feedback_metadata = 244;
	t->preparse_data = 253;
	t->coverage_info = 242;
	t->allocation_site = 146;
	t->function_template = 139;
	t->module = 235;
	t->weak_cell = 265;
	t->js_weak_ref = 2140;
	t->js_map = 2099;
	t->js_set = 2100;
	t->js_weak_map = 2101;
	t->js_weak_set = 2102;
	t->js_bound_function = 2063;
	t->js_regexp = 2120;
	t->js_array = 2104;
	t->js_array_buffer = 2061;
	t->js_global = 269;
}

static inline void hb_layout(struct heap_build *b)
{
	struct census_layout *l = &b->layout;

	hb_layout_v8(&b->v8);
	l->v8 = &b->v8;
	hb_layout_types(&l->types);
	l->offsets = (struct census_offsets){
		.map_words = 8,
		.map_in_object = 9,
		.map_bits2 = 15,
		.map_bits3 = 16,
		.map_prototype = 24,
		.map_constructor = 32,
		.map_descriptors = 40,
		.descriptors_header = 24,
		.descriptors_count = 8,
		.function_context = 32,
		.array_buffer_bytes = 24,
	};
	l->own_descriptors_mask = 1047552;
	l->own_descriptors_shift = 10;
	l->dictionary_shift = 21;
	l->location_mask = 32;
	l->location_shift = 5;
	l->index_mask = 536346624;
	l->index_shift = 19;
	l->dictionary_prefix = 2;
	l->context_header = 2;
	strcpy(l->names[179], "FixedArray");
	strcpy(l->names[239], "Cell");
	strcpy(l->names[255], "PropertyCell");
	strcpy(l->names[166], "PromiseReaction");
}

static inline void hb_maps(struct heap_build *b)
{
#define HB_TYPE(name, type, words) {type, words},
	static const struct {
		uint16_t type;
		uint8_t words;
	} of[] = {HB_MAPS(HB_TYPE)};
#undef HB_TYPE
	b->maps[HB_META] = hb_alloc(b, 72);
	for (int i = 0; i < HB_MAP_COUNT; i++) {
		uint64_t map = i == HB_META ? b->maps[i] : hb_alloc(b, 72);

		b->maps[i] = map;
		hb_set(b, map, 0, b->maps[HB_META]);
		memcpy(hb_at(b, map, 8), &of[i].words, 1);
		memcpy(hb_at(b, map, 8) + 4, &of[i].type, 2);
	}
}

/* A new isolate, that new objects are in from now on: its index. */
static inline int hb_isolate(struct heap_build *b, int isolate)
{
	uint64_t context, object_map;

	if (isolate >= HB_ISOLATES)
		abort();
	b->isolate = isolate;
	context = hb_array_of(b, HB_NATIVE_CONTEXT, NULL, HB_NATIVE_SLOTS);
	b->of[isolate].native_context = context;
	b->of[isolate].script = hb_script(b, "/srv/app.js", "one\ntwo\nthree\nfour\nfive\n", 7);
	b->of[isolate].function_map = hb_map(b, HB_T_FUNCTION, 8, 0);
	b->of[isolate].object_function = hb_function(b, "Object", 0, 0);
	hb_set(b, b->of[isolate].function_map, 32, hb_function(b, "Function", 0, 0));
	object_map = hb_map(b, HB_T_GLOBAL, 5, 0);
	b->of[isolate].global = hb_new(b, object_map, NULL);
	hb_set(b, b->of[isolate].global, 24, context);
	hb_set(b, context, 16 + 8 * 2, b->of[isolate].global);
	b->of[isolate].object_map = hb_class(b, 0, (const char *const[]){NULL}, 4);
	b->of[isolate].array_map = hb_map(b, HB_T_ARRAY, 4, 0);
	b->of[isolate].map_map = hb_map(b, HB_T_MAP, 4, 0);
	b->of[isolate].set_map = hb_map(b, HB_T_SET, 4, 0);
	b->of[isolate].weak_map_map = hb_map(b, HB_T_WEAK_MAP, 4, 0);
	hb_map_bits(b, b->of[isolate].array_map, 1, 0);
	hb_map_bits(b, b->of[isolate].map_map, 1, 0);
	hb_map_bits(b, b->of[isolate].set_map, 1, 0);
	hb_map_bits(b, b->of[isolate].weak_map_map, 1, 0);
	hb_set(b, b->of[isolate].array_map, 32, hb_function(b, "Array", 0, 0));
	hb_set(b, b->of[isolate].map_map, 32, hb_function(b, "Map", 0, 0));
	hb_set(b, b->of[isolate].set_map, 32, hb_function(b, "Set", 0, 0));
	hb_set(b, b->of[isolate].weak_map_map, 32, hb_function(b, "WeakMap", 0, 0));
	hb_root(b, context);
	return isolate;
}

static inline void hb_init(struct heap_build *b)
{
	memset(b, 0, sizeof(*b));
	hb_layout(b);
	b->next_base = HB_BASE;
	b->native = calloc(1, HB_NATIVE_BYTES);
	if (!b->native)
		abort();
	b->isolate = HB_READ_ONLY;
	hb_maps(b);
	b->undefined = hb_object(b, b->maps[HB_ODDBALL], 6, HB_SMI(0));
	b->the_hole = hb_object(b, b->maps[HB_ODDBALL], 6, HB_SMI(0));
	b->empty = hb_array(b, NULL, 0);
	hb_isolate(b, 0);
}

/* The image of all that was made so far: call it when all is there, before heap_init(). */
static inline const struct capture *hb_capture(struct heap_build *b)
{
	struct image *im = &b->capture.image;
	unsigned n = b->page_count;

	b->regions[n] = (struct image_region){.start = HB_NATIVE,
					      .end = HB_NATIVE + HB_NATIVE_BYTES,
					      .bytes = b->native,
					      .is_writable = true};
	b->ranges[n] = (struct image_range){HB_NATIVE, HB_NATIVE + HB_NATIVE_BYTES, b->native, n};
	im->regions = b->regions;
	im->ranges = b->ranges;
	im->region_count = im->range_count = n + 1;
	im->copied_bytes = HB_NATIVE_BYTES;
	for (unsigned i = 0; i < n; i++)
		im->copied_bytes += b->pages[i].size;
	return &b->capture;
}

static inline void hb_release(struct heap_build *b)
{
	for (unsigned i = 0; i < b->page_count; i++)
		free(b->pages[i].bytes);
	free(b->native);
}

#endif
