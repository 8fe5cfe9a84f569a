// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Objects of V8's heaps in images that are made by hand: where they are, how large, alive, called.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "census/heap.h"
#include "unit/heap_build.h"

#define STACK	    0x40000000000ull
#define STACK_BYTES 4096u
#define ARENA	    0x50000000000ull
#define LARGE	    0x800u /* a chunk that V8 refers to objects from */

struct world {
	struct heap_build b;
	struct heap h;
	unsigned char native[STACK_BYTES];
	struct stopped_thread thread;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	hb_init(&w->b);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	intern_free(w->h.names);
	heap_release(&w->h);
	hb_release(&w->b);
	free(w);
	return 0;
}

/* A mapping more, behind those of the builder. */
static void add_region(struct world *w, uint64_t start, bool is_heap)
{
	struct image *im = &w->b.capture.image;
	unsigned n = im->region_count;

	im->regions[n] = (struct image_region){.start = start,
					       .end = start + STACK_BYTES,
					       .bytes = w->native,
					       .is_writable = true,
					       .is_heap = is_heap,
					       .is_stack = !is_heap};
	im->ranges[n] = (struct image_range){start, start + STACK_BYTES, w->native, n};
	im->region_count = im->range_count = n + 1;
}

static void open_heap(struct world *w)
{
	w->h.layout = &w->b.layout;
	w->h.names = intern_new(1u << 20);
	w->h.shapes = true;
	assert_int_equal(heap_init(&w->h, &w->b.capture), 0);
}

static void mark(struct world *w)
{
	hb_capture(&w->b);
	open_heap(w);
	assert_int_equal(heap_mark(&w->h), 0);
	assert_int_equal(heap_tally(&w->h), 0);
}

static bool is_live(struct world *w, uint64_t object)
{
	return heap_is_live(&w->h, object - 1);
}

static const struct constructor *called(struct world *w, uint64_t object)
{
	const struct heap_map *map = heap_map_of(&w->h, object - 1);

	assert_non_null(map);
	return heap_group(&w->h, heap_group_of(&w->h, object - 1, map));
}

/* --- pages --- */

static void pages_belong_to_isolates(void **state)
{
	struct world *w = *state;
	uint64_t first = hb_js_array(&w->b, NULL, 3), second;

	hb_isolate(&w->b, 1);
	second = hb_js_array(&w->b, NULL, 3);
	hb_capture(&w->b);
	open_heap(w);
	assert_int_equal(w->h.isolate_count, 2);
	assert_int_equal(w->h.isolates[0], HB_HEAPS);
	assert_int_equal(heap_page_of(&w->h, first - 1)->isolate, 0);
	assert_int_equal(heap_page_of(&w->h, second - 1)->isolate, 1);
	assert_true(heap_page_of(&w->h, w->b.undefined - 1)->is_read_only);
	/* Outside: the header, behind the end, native memory */
	assert_null(heap_page_of(&w->h, heap_page_of(&w->h, first - 1)->base));
	assert_null(heap_page_of(&w->h, heap_page_of(&w->h, first - 1)->end));
	assert_null(heap_page_of(&w->h, HB_NATIVE));
}

static void large_pages_are_found(void **state)
{
	struct world *w = *state;
	uint64_t large = hb_array(&w->b, NULL, 100000); /* 800 KB */
	const struct heap_map *map;

	hb_root(&w->b, large);
	mark(w);
	map = heap_map_of(&w->h, large - 1);
	assert_true(is_live(w, large));
	assert_int_equal(heap_size(&w->h, large - 1, map), 16 + 8 * 100000);
	assert_int_equal(heap_word(&w->h, large - 1, 8 * 70000), HB_SMI(0));
}

static void no_heap_is_an_error(void **state)
{
	struct world *w = *state;

	hb_capture(&w->b);
	for (unsigned i = 0; i < w->b.page_count; i++)
		memset(w->b.pages[i].bytes, 0, HB_PAGE_HEADER);
	w->h.layout = &w->b.layout;
	w->h.names = intern_new(1u << 20);
	assert_int_equal(heap_init(&w->h, &w->b.capture), -ENODATA);
}

/* --- what is alive --- */

static void references_keep_alive(void **state)
{
	struct world *w = *state;
	uint64_t leaf = hb_string(&w->b, "kept"), other = hb_string(&w->b, "dead");
	uint64_t inner = hb_js_array(&w->b, &leaf, 1), outer = hb_js_array(&w->b, &inner, 1);

	hb_root(&w->b, outer);
	mark(w);
	assert_true(is_live(w, leaf) && is_live(w, inner) && is_live(w, outer));
	assert_false(is_live(w, other));
	/* Not within one */
	assert_false(is_live(w, outer + 8));
}

static void weak_references_do_not(void **state)
{
	struct world *w = *state;
	uint64_t one = hb_js_array(&w->b, NULL, 1), two = hb_js_array(&w->b, NULL, 1);
	uint64_t three = hb_js_array(&w->b, NULL, 1);
	uint64_t weak = hb_array_of(&w->b, HB_WEAK_ARRAY, (uint64_t[]){one | 2}, 1);
	uint64_t cell = hb_object(&w->b, w->b.maps[HB_WEAK_CELL], 7, w->b.undefined);
	uint64_t ref_map = hb_map(&w->b, HB_T_WEAK_REF, 4, 0), ref = hb_new(&w->b, ref_map, NULL);

	hb_set(&w->b, cell, 16, two);
	hb_set(&w->b, ref, 24, three);
	hb_root(&w->b, weak);
	hb_root(&w->b, cell);
	hb_root(&w->b, ref);
	mark(w);
	assert_true(is_live(w, weak) && is_live(w, cell) && is_live(w, ref));
	assert_false(is_live(w, one));
	assert_false(is_live(w, two));
	assert_false(is_live(w, three));
}

static void values_of_a_weak_map_live_by_their_keys(void **state)
{
	struct world *w = *state;
	uint64_t v[8], map;

	for (unsigned i = 0; i < 8; i++)
		v[i] = hb_js_array(&w->b, NULL, 1);
	/* 0 is alive, and so 1, which is the key of 2; 3 is dead, and so is 4 */
	map = hb_js_weak_map(&w->b, (uint64_t[]){v[1], v[2], v[0], v[1], v[3], v[4]}, 3);
	hb_root(&w->b, map);
	hb_root(&w->b, v[0]);
	mark(w);
	assert_true(is_live(w, v[1]) && is_live(w, v[2]));
	assert_false(is_live(w, v[3]));
	assert_false(is_live(w, v[4]));
}

/* Of what a string is referred to by, the string table is native memory. */
static void interned_strings_have_no_roots(void **state)
{
	struct world *w = *state;
	uint64_t string = hb_string(&w->b, "a name");

	hb_root(&w->b, string);
	mark(w);
	assert_false(is_live(w, string));
}

/* What a scavenge has copied, one behind the other; by now each place has two smaller objects. */
static void lists_of_the_collector_keep_nothing(void **state)
{
	struct world *w = *state;
	enum { JS_ARRAY_BYTES = 32 };
	uint64_t v[8], sized, alone = hb_js_array(&w->b, NULL, 1);

	for (unsigned i = 0; i < 8; i++)
		v[i] = hb_js_array(&w->b, NULL, 1);
	for (unsigned i = 0; i < 8; i += 2) {
		hb_root(&w->b, v[i]);
		hb_root(&w->b, 2 * (v[1] - v[0]));
	}
	hb_root(&w->b, 0);
	sized = hb_js_array(&w->b, NULL, 1);
	hb_root(&w->b, sized); /* a list of one, of its own size */
	hb_root(&w->b, JS_ARRAY_BYTES);
	hb_root(&w->b, 0);
	hb_root(&w->b, alone); /* a number that it is not the size of */
	hb_root(&w->b, 1000);
	mark(w);
	for (unsigned i = 0; i < 8; i++)
		assert_false(is_live(w, v[i]));
	assert_false(is_live(w, sized));
	assert_true(is_live(w, alone));
}

static void stacks_count_from_their_pointer(void **state)
{
	struct world *w = *state;
	uint64_t stale = hb_js_array(&w->b, NULL, 1), used = hb_js_array(&w->b, NULL, 1);

	memcpy(w->native + 1000, &stale, sizeof(stale));
	memcpy(w->native + 2000, &used, sizeof(used));
	hb_capture(&w->b);
	add_region(w, STACK, false);
	w->thread.sp = STACK + 1500;
	w->b.capture.threads = &w->thread;
	w->b.capture.thread_count = 1;
	open_heap(w);
	assert_int_equal(heap_mark(&w->h), 0);
	assert_true(is_live(w, used));
	assert_false(is_live(w, stale));
}

/* A chunk of glibc's malloc; what is before @size in it is the last one's. */
static void chunk(struct world *w, unsigned at, uint64_t size, bool is_previous_used)
{
	size |= is_previous_used;
	memcpy(w->native + at + 8, &size, sizeof(size));
}

static void free_memory_keeps_nothing(void **state)
{
	struct world *w = *state;
	uint64_t stale = hb_js_array(&w->b, NULL, 1), used = hb_js_array(&w->b, NULL, 1);

	chunk(w, 0, 256, true);
	chunk(w, 256, 512, true);
	chunk(w, 768, LARGE, false); /* that before it is free */
	chunk(w, 768 + LARGE, STACK_BYTES - 768 - LARGE, true);
	memcpy(w->native + 256 + 64, &stale, sizeof(stale));
	memcpy(w->native + 768 + 64, &used, sizeof(used));
	hb_capture(&w->b);
	add_region(w, ARENA, true);
	open_heap(w);
	assert_int_equal(heap_mark(&w->h), 0);
	assert_true(is_live(w, used));
	assert_false(is_live(w, stale));
}

/* But for V8's compilation caches: pairs that begin with the isolate. */
static void small_chunks_keep_nothing(void **state)
{
	struct world *w = *state;
	uint64_t stale = hb_js_array(&w->b, NULL, 1), used = hb_js_array(&w->b, NULL, 1);
	uint64_t isolate = 0x5000;

	chunk(w, 0, 256, true);
	chunk(w, 256, 512, true);
	chunk(w, 768, STACK_BYTES - 768, true);
	memcpy(w->native + 64, &stale, sizeof(stale));
	memcpy(w->native + 256 + 64, &isolate, sizeof(isolate));
	memcpy(w->native + 256 + 72, &used, sizeof(used));
	memcpy(w->native + 256 + 80, &isolate, sizeof(isolate));
	hb_capture(&w->b);
	add_region(w, ARENA, true);
	open_heap(w);
	assert_int_equal(heap_mark(&w->h), 0);
	assert_true(is_live(w, used));
	assert_false(is_live(w, stale));
}

/* What cannot be walked is used, all of it. */
static void a_broken_arena_counts_as_used(void **state)
{
	struct world *w = *state;
	uint64_t object = hb_js_array(&w->b, NULL, 1);

	chunk(w, 0, 256, true);
	chunk(w, 256, 512, true);
	chunk(w, 768, 13, false);
	memcpy(w->native + 256 + 64, &object, sizeof(object));
	hb_capture(&w->b);
	add_region(w, ARENA, true);
	open_heap(w);
	assert_int_equal(heap_mark(&w->h), 0);
	assert_true(is_live(w, object));
}

/* --- sizes --- */

static uint64_t size_of(struct world *w, uint64_t object)
{
	return heap_size(&w->h, object - 1, heap_map_of(&w->h, object - 1));
}

static void sizes_by_type(void **state)
{
	struct world *w = *state;
	struct heap_build *b = &w->b;
	uint64_t string = hb_string(b, "nineteen bytes long");
	uint64_t bytes = hb_object(b, b->maps[HB_BYTE_ARRAY], 6, 0);
	uint64_t doubles = hb_object(b, b->maps[HB_DOUBLE_ARRAY], 6, 0);
	uint64_t properties = hb_object(b, b->maps[HB_PROPERTY_ARRAY], 6, 0);
	uint64_t descriptors = hb_object(b, b->maps[HB_DESCRIPTORS], 9, 0);

	hb_set(b, bytes, 8, HB_SMI(30));
	hb_set(b, doubles, 8, HB_SMI(4));
	hb_set(b, properties, 8, HB_SMI(4 | 77 << 10)); /* a hash above */
	hb_set(b, descriptors, 8, 2);
	hb_capture(b);
	open_heap(w);
	assert_int_equal(size_of(w, string), 40);
	assert_int_equal(size_of(w, bytes), 48);
	assert_int_equal(size_of(w, doubles), 48);
	assert_int_equal(size_of(w, properties), 48);
	assert_int_equal(size_of(w, descriptors), 72);
	assert_int_equal(size_of(w, b->undefined), 48);
	assert_int_equal(w->h.lost.unknown_sizes, 0);
}

/* Of a type that nothing is known of: a header of 48 bytes, and a count of words at 8. */
static void unknown_sizes_are_learned(void **state)
{
	struct world *w = *state;
	struct heap_build *b = &w->b;
	uint64_t map = hb_map(b, 245, 0, 0), objects[64], all; /* FeedbackVector */

	for (unsigned i = 0; i < 64; i++) {
		unsigned count = 3 + i * 7 % 11;

		objects[i] = hb_object(b, map, 6 + count, HB_SMI(5));
		hb_set(b, objects[i], 8, count);
	}
	all = hb_array(b, objects, 64);
	hb_root(b, all);
	mark(w);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(size_of(w, objects[i]), 48 + 8 * (3 + i * 7 % 11));
}

static void a_size_beyond_its_page_is_not_believed(void **state)
{
	struct world *w = *state;
	uint64_t array = hb_array(&w->b, NULL, 10);

	hb_set(&w->b, array, 8, HB_SMI(0x7fffffff));
	hb_root(&w->b, array);
	mark(w);
	assert_true(is_live(w, array));
	assert_int_equal(size_of(w, array), 16);
	assert_true(w->h.lost.unknown_sizes > 0);
}

/* A page full of arrays that all reach to its end: no heap, and not to be walked for hours. */
static void overlapping_objects_are_refused(void **state)
{
	struct world *w = *state;
	uint64_t page = hb_array(&w->b, NULL, 200000), refs[4096];
	unsigned words = 200000;

	for (unsigned i = 2; i + 2 < words; i += 2) {
		hb_set(&w->b, page, 8 * i, w->b.maps[HB_FIXED_ARRAY]);
		hb_set(&w->b, page, 8 * i + 8, HB_SMI(words - i - 2));
	}
	for (unsigned i = 0; i < 4096; i++)
		refs[i] = page + 16ull * (i + 1);
	hb_root(&w->b, hb_array(&w->b, refs, 4096));
	hb_capture(&w->b);
	open_heap(w);
	assert_int_equal(heap_mark(&w->h), -EBADMSG);
}

/* The same of the tables of WeakMaps, which are looked at again and again. */
static void overlapping_tables_are_refused(void **state)
{
	struct world *w = *state;
	uint64_t page = hb_array(&w->b, NULL, 200000), refs[4096];
	unsigned words = 200000;

	for (unsigned i = 2; i + 2 < words; i += 2) {
		hb_set(&w->b, page, 8 * i, w->b.maps[HB_EPHEMERONS]);
		hb_set(&w->b, page, 8 * i + 8, HB_SMI(words - i - 2));
	}
	for (unsigned i = 0; i < 4096; i++)
		refs[i] = page + 16ull * (i + 1);
	hb_root(&w->b, hb_array(&w->b, refs, 4096));
	hb_root(&w->b, hb_js_weak_map(&w->b, NULL, 0)); /* looked at first: the last root */
	hb_capture(&w->b);
	open_heap(w);
	assert_int_equal(heap_mark(&w->h), -EBADMSG);
}

/* --- names --- */

static void classes_are_called_by_their_constructor(void **state)
{
	struct world *w = *state;
	struct heap_build *b = &w->b;
	uint64_t function = hb_function(b, "StatusContext", 4, 0);
	uint64_t map = hb_class(b, function, (const char *const[]){"id", NULL}, 1);
	uint64_t object = hb_new(b, map, NULL);
	const struct constructor *c;

	hb_root(b, object);
	mark(w);
	c = called(w, object);
	assert_string_equal(c->name, "StatusContext");
	assert_int_equal(c->kind, CENSUS_OBJECT);
	assert_null(c->class_name);
	assert_string_equal(c->file, "/srv/app.js");
	assert_int_equal(c->line, 2);
}

static void plain_objects_by_their_properties(void **state)
{
	struct world *w = *state;
	struct heap_build *b = &w->b;
	uint64_t map = hb_class(b, 0, (const char *const[]){"sid", "user", NULL}, 2);
	uint64_t object = hb_new(b, map, NULL);
	const struct constructor *c;

	hb_root(b, object);
	mark(w);
	c = called(w, object);
	assert_string_equal(c->name, "{sid, user}");
	assert_string_equal(c->class_name, "Object");
	assert_null(c->file);
}

static void functions_by_their_code(void **state)
{
	struct world *w = *state;
	uint64_t function = hb_function(&w->b, "onTick", 9, 0);
	const struct constructor *c;

	hb_root(&w->b, function);
	mark(w);
	c = called(w, function);
	assert_string_equal(c->name, "onTick()");
	assert_int_equal(c->kind, CENSUS_CLOSURE);
	assert_int_equal(c->line, 3);
}

static void contexts_by_their_variables(void **state)
{
	struct world *w = *state;
	struct heap_build *b = &w->b;
	uint64_t scope = hb_scope_info(b, "open", 0, (const char *const[]){"handleMap", "n", NULL});
	uint64_t context = hb_context(b, scope, b->of[0].native_context, NULL);
	const struct constructor *c;
	char name[64];

	hb_root(b, context);
	mark(w);
	c = called(w, context);
	assert_string_equal(c->name, "Context {handleMap, n}");
	assert_int_equal(c->kind, CENSUS_CONTEXT);
	assert_true(heap_context_local(&w->h, context - 1, 4, name, sizeof(name)) > 0);
	assert_string_equal(name, "handleMap");
	assert_true(heap_context_local(&w->h, context - 1, 5, name, sizeof(name)) > 0);
	assert_string_equal(name, "n");
	assert_int_equal(heap_context_local(&w->h, context - 1, 6, name, sizeof(name)), 0);
	assert_int_equal(heap_context_local(&w->h, context - 1, 2, name, sizeof(name)), 0);
}

static void prototypes_that_refer_to_themselves_end(void **state)
{
	struct world *w = *state;
	struct heap_build *b = &w->b;
	uint64_t map = hb_class(b, 0, (const char *const[]){"a", NULL}, 1);
	uint64_t object = hb_new(b, map, NULL);

	hb_map_bits(b, map, 0, 1u << 10);
	hb_set(b, map, 24, object); /* its prototype */
	hb_set(b, map, 32, map);    /* and back pointer */
	hb_root(b, object);
	mark(w);
	assert_string_equal(called(w, object)->class_name, "Object");
}

static void properties_are_found_where_they_are(void **state)
{
	struct world *w = *state;
	struct heap_build *b = &w->b;
	uint64_t map = hb_class(b, 0, (const char *const[]){"in", "out", NULL}, 1);
	uint64_t one = hb_js_array(b, NULL, 1), two = hb_js_array(b, NULL, 1);
	uint64_t object = hb_new(b, map, &one), array;
	char name[32];

	array = hb_array_of(b, HB_PROPERTY_ARRAY, &two, 1);
	hb_set(b, object, 8, array);
	hb_root(b, object);
	mark(w);
	assert_int_equal(heap_own_property(&w->h, object - 1, "in"), one);
	assert_int_equal(heap_own_property(&w->h, object - 1, "out"), two);
	assert_int_equal(heap_own_property(&w->h, object - 1, "none"), 0);
	assert_int_equal(heap_property_name(&w->h, object - 1, object - 1, 3, name, sizeof(name)),
			 2);
	assert_string_equal(name, "in");
	assert_int_equal(heap_property_name(&w->h, object - 1, array - 1, 2, name, sizeof(name)),
			 3);
	assert_string_equal(name, "out");
}

/* An object with one property; its value is @text. */
static uint64_t with_text(struct heap_build *b, uint64_t key, uint64_t text)
{
	uint64_t words[] = {key, text}, object;
	uint64_t map = hb_class(b, 0, (const char *const[]){NULL}, 0);

	hb_map_bits(b, map, 1, HB_DICTIONARY);
	object = hb_new(b, map, NULL);
	hb_set(b, object, 8, hb_dictionary(b, HB_NAME_DICTIONARY, words, 1));
	return object;
}

/* Symbol.toStringTag is what code calls an object; a text that was computed is a value. */
static void tags_are_told_if_code_has_them(void **state)
{
	struct world *w = *state;
	struct heap_build *b = &w->b;
	uint64_t tag = hb_symbol(b, "Symbol.toStringTag"), computed = hb_string(b, "secret");
	uint64_t written = with_text(b, tag, hb_string(b, "Written"));
	uint64_t string_map = hb_map(b, 0x20 | 8, 0, 0); /* not internalized, one byte */
	uint64_t objects[] = {written, with_text(b, tag, computed),
			      with_text(b, hb_string(b, "Symbol.toStringTag"), computed)};

	hb_set(b, computed, 0, string_map);
	hb_root(b, hb_array(b, objects, 3));
	mark(w);
	assert_string_equal(called(w, objects[0])->name, "Written");
	assert_string_equal(called(w, objects[1])->name, "Object");
	assert_string_equal(called(w, objects[2])->name, "Object");
}

static void searches_for_names_end(void **state)
{
	struct world *w = *state;
	uint64_t key = hb_string(&w->b, "constructor"), one = hb_js_array(&w->b, NULL, 1);
	uint64_t object = with_text(&w->b, key, one);

	hb_root(&w->b, object);
	mark(w);
	assert_int_equal(heap_own_property(&w->h, object - 1, "constructor"), one);
	w->h.searched = UINT64_MAX / 2;
	assert_int_equal(heap_own_property(&w->h, object - 1, "constructor"), 0);
}

/* --- counting --- */

static void counts_are_by_constructor_and_isolate(void **state)
{
	struct world *w = *state;
	struct heap_build *b = &w->b;
	uint64_t function, map, objects[30], buffer_map, buffer;
	const struct heap_tally *t;
	uint32_t group;

	function = hb_function(b, "Job", 4, 0);
	map = hb_class(b, function, (const char *const[]){"id", NULL}, 1);
	for (unsigned i = 0; i < 30; i++)
		objects[i] = hb_new(b, map, NULL);
	buffer_map = hb_map(b, 2061, 8, 0);
	buffer = hb_new(b, buffer_map, NULL);
	hb_set(b, buffer, 24, 123456);
	hb_root(b, hb_array(b, objects, 20)); /* the rest is dead */
	hb_root(b, buffer);
	hb_isolate(b, 1);
	hb_root(b, hb_new(b, map, NULL));
	mark(w);
	group = heap_group_of(&w->h, objects[0] - 1, heap_map_of(&w->h, objects[0] - 1));
	t = heap_group_tally(&w->h, group, 0);
	assert_int_equal(t->count, 20);
	assert_int_equal(t->bytes, 20 * 32);
	assert_int_equal(heap_group_tally(&w->h, group, 1)->count, 1);
	group = heap_group_of(&w->h, buffer - 1, heap_map_of(&w->h, buffer - 1));
	assert_int_equal(heap_group_tally(&w->h, group, 0)->external_bytes, 123456);
}

static bool give_up(void *arg)
{
	(void)arg;
	return true;
}

static void marking_can_be_cancelled(void **state)
{
	struct world *w = *state;
	uint64_t strings[100];

	/* More objects than are visited between two questions */
	for (unsigned i = 0; i < 700; i++) {
		for (unsigned k = 0; k < 100; k++)
			strings[k] = hb_string(&w->b, "x");
		hb_root(&w->b, hb_array(&w->b, strings, 100));
	}
	hb_capture(&w->b);
	open_heap(w);
	w->h.cancelled = give_up;
	assert_int_equal(heap_mark(&w->h), -ECANCELED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_belong_to_isolates),
		TEST(large_pages_are_found),
		TEST(no_heap_is_an_error),
		TEST(references_keep_alive),
		TEST(weak_references_do_not),
		TEST(values_of_a_weak_map_live_by_their_keys),
		TEST(interned_strings_have_no_roots),
		TEST(lists_of_the_collector_keep_nothing),
		TEST(stacks_count_from_their_pointer),
		TEST(free_memory_keeps_nothing),
		TEST(small_chunks_keep_nothing),
		TEST(small_chunks_keep_nothing),
		TEST(a_broken_arena_counts_as_used),
		TEST(sizes_by_type),
		TEST(unknown_sizes_are_learned),
		TEST(a_size_beyond_its_page_is_not_believed),
		TEST(overlapping_objects_are_refused),
		TEST(overlapping_tables_are_refused),
		TEST(classes_are_called_by_their_constructor),
		TEST(plain_objects_by_their_properties),
		TEST(functions_by_their_code),
		TEST(contexts_by_their_variables),
		TEST(prototypes_that_refer_to_themselves_end),
		TEST(properties_are_found_where_they_are),
		TEST(tags_are_told_if_code_has_them),
		TEST(searches_for_names_end),
		TEST(counts_are_by_constructor_and_isolate),
		TEST(marking_can_be_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
