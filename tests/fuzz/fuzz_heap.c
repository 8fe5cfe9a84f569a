/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input changes the memory of a process with two made-up V8 heaps
 * (tests/unit/heap_build.h), headers of pages and native memory too, of which a census is then
 * taken and retainers are found.
 *
 * Byte 0: plain objects are apart by their shapes; keys are shown; and of which constructors
 * retainers are looked for. Then come records of four
 * bytes (which word: an index) and eight (its value). The upper bits of an index say how its value
 * is meant: as it is, as the address of a word of the heaps, as a Smi, as bits that change.
 *
 *   make fuzz, or: build/fuzz/fuzz_heap -max_total_time=60
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HB_PAGE_BYTES (16u << 10)
#define HB_PAGES      16
#include "unit/heap_build.h"

#include "census/retain.h"

#define NAMES(...)   ((const char *const[]){__VA_ARGS__, NULL})
#define WORDS(...)   ((const uint64_t[]){__VA_ARGS__})
#define RECORD	     12
#define OBJECTS	     8
#define RETAINERS    4	/* constructors whose retainers are looked for */
#define NATIVE_WORDS 64 /* of native memory that is changed */

/* All kinds of containers, around objects that refer to each other. */
static void build(struct heap_build *b)
{
	uint64_t objects[OBJECTS], pairs[2 * OBJECTS], map, scope, context, state;

	map = hb_class(b, hb_function(b, "Job", 4, 0), NAMES("id", "link", "out"), 2);
	for (unsigned i = 0; i < OBJECTS; i++) {
		objects[i] = hb_new(b, map, WORDS(HB_SMI(i), i ? objects[i - 1] : b->undefined));
		hb_set(b, objects[i], 8, hb_array_of(b, HB_PROPERTY_ARRAY, objects, i ? 1 : 0));
		pairs[2 * i] = objects[i];
		pairs[2 * i + 1] = hb_js_array(b, objects, i);
	}
	map = hb_class(b, 0, NAMES("map", "set", "weak", "dictionary"), 4);
	state = hb_new(b, map,
		       WORDS(hb_js_map(b, objects, OBJECTS), hb_js_set(b, objects, OBJECTS),
			     hb_js_weak_map(b, pairs, OBJECTS), hb_new(b, map, NULL)));
	hb_map_bits(b, map, 1, HB_DICTIONARY);
	hb_set(b, state, 8, hb_dictionary(b, HB_NAME_DICTIONARY, pairs, OBJECTS));
	scope = hb_scope_info(b, "outer", 4, NAMES("state", "other"));
	context = hb_context(b, scope, b->of[b->isolate].native_context, WORDS(state, objects[3]));
	hb_global(b, "app", hb_function(b, "handle", 8, context));
	hb_root(b, objects[OBJECTS - 1]);
}

/* The address of word @i of all that there is; *@bytes: where it is */
static uint64_t word_at(struct heap_build *b, uint64_t i, unsigned char **bytes)
{
	uint64_t native = i % (NATIVE_WORDS * (b->page_count + 1ull));

	for (unsigned p = 0; native >= NATIVE_WORDS && p < b->page_count; p++) {
		uint64_t words = b->pages[p].used / 8;

		i %= words * b->page_count;
		if (i < words) {
			*bytes = b->pages[p].bytes + 8 * i;
			return b->pages[p].base + 8 * i;
		}
		i -= words;
	}
	native %= NATIVE_WORDS;
	*bytes = b->native + 8 * native;
	return HB_NATIVE + 8 * native;
}

static void change(struct heap_build *b, const uint8_t *record)
{
	unsigned char *at, *to;
	uint64_t value, old;
	uint32_t index;

	memcpy(&index, record, sizeof(index));
	memcpy(&value, record + sizeof(index), sizeof(value));
	word_at(b, index & 0x3fffffff, &at);
	memcpy(&old, at, sizeof(old));
	if (index >> 30 == 1)
		value = word_at(b, value & 0xffffffff, &to) + 1 + (value >> 62 == 3 ? 2 : 0);
	else if (index >> 30 == 2)
		value = HB_SMI(value);
	else if (index >> 30 == 3)
		value ^= old;
	memcpy(at, &value, sizeof(value));
}

static void check(const struct retainer *r, const struct heap *h)
{
	if (r->step_count > CENSUS_STEPS_MAX || r->owner_count > CENSUS_OWNERS_MAX ||
	    r->share < 0 || r->share > 1 || r->instances > h->live_count)
		abort();
	for (unsigned i = 0; i < r->step_count; i++) {
		if (!r->steps[i].edge || !r->steps[i].node)
			abort();
	}
}

static void take(struct heap *h, uint32_t first)
{
	struct retainer found;
	struct retain *r;

	if (heap_mark(h) || heap_tally(h))
		return;
	r = retain_new(h);
	for (uint32_t g = first; r && g < heap_group_count(h) && g < first + RETAINERS; g++) {
		for (unsigned i = 0; i < h->isolate_count; i++) {
			if (!retain_find(r, g, i, &found))
				check(&found, h);
		}
	}
	retain_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct heap_build b;
	struct heap *h;

	if (!size)
		return -1;
	h = calloc(1, sizeof(*h));
	if (!h)
		abort();
	hb_init(&b);
	build(&b);
	hb_isolate(&b, 1);
	build(&b);
	for (size_t at = 1; at + RECORD <= size; at += RECORD)
		change(&b, data + at);
	h->layout = &b.layout;
	h->names = intern_new(1 << 20);
	h->shapes = data[0] & 1;
	h->show_values = data[0] & 2;
	if (!heap_init(h, hb_capture(&b)))
		take(h, data[0] >> 2);
	heap_release(h);
	intern_free(h->names);
	free(h);
	hb_release(&b);
	return 0;
}
