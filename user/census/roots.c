/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding roots. Left out is what does not keep what it refers to:
 *
 *	strings that V8 interns, since its string table is native memory
 *	weak handles, of whoever waits for the end of an object (handles.c)
 *	Maps, which V8's caches of properties refer to; and its caches of results of regular
 *	expressions: it empties both when it collects
 *	lists of the garbage collector, which it leaves behind (gc_list.c)
 *	what malloc has free (glibc.c), and what is free of V8's blocks of handles
 *	small chunks of malloc's: what refers to objects by their addresses in V8 is large (the
 *	isolate, blocks of handles), but for its compilation caches; what is in small ones was left
 *	there by whoever had the memory before
 *
 * Each of these has kept thousands of dead objects in one application.
 *
 * LIMITATIONS: other allocators than glibc's can keep what is dead. Tasks in a short queue of
 * microtasks are in a small chunk: what nothing but they refer to is not counted.
 */
#include "census/roots.h"

#include "census/gc_list.h"
#include "census/glibc.h"
#include "census/handles.h"
#include "census/heap_internal.h"

#define RED_ZONE    128	  /* below a stack's pointer, and still used (System V AMD64 ABI) */
#define SMALL	    0x800 /* chunks of malloc's; a block of eternal handles is larger */
#define CACHE_WORDS 256
#define CACHE_FIRST 16 /* offset */

/* Where the part of a region begins that is used: a stack's, from its pointer on; of several
   stacks that are one mapping, from the lowest. */
static uint64_t used_from(const struct capture *c, const struct image_region *r)
{
	uint64_t lowest = UINT64_MAX;

	for (unsigned i = 0; i < c->thread_count; i++) {
		uint64_t sp = c->threads[i].sp;

		if (sp >= r->start && sp < r->end && sp < lowest)
			lowest = sp;
	}
	return lowest == UINT64_MAX ? r->start : (lowest - RED_ZONE) & ~7ull;
}

/*
 * Results of split() and of global regular expressions: RegExpResultsCache, {text, pattern, array,
 * array or Smi} 64 times (src/regexp/regexp-utils.h; V8 7.8 to 14.6).
 */
static bool is_results_cache(struct heap *h, uint64_t array)
{
	uint64_t length = heap_word(h, array, 8);
	unsigned entries = 0;

	if (!v8_is_smi(length) || v8_smi(length) != CACHE_WORDS)
		return false;
	for (uint32_t i = 0; i < CACHE_WORDS; i += 4) {
		uint64_t text = heap_word(h, array, CACHE_FIRST + 8 * i);

		if (!text)
			continue;
		if (!v8_heap_is_string(&h->v8, heap_type(h, text)) ||
		    heap_type(h, heap_word(h, array, CACHE_FIRST + 8 * i + 16)) !=
			    h->layout->v8->types.fixed_array)
			return false;
		entries++;
	}
	return entries;
}

/* Whether an object is kept by a reference in native memory. */
static bool is_root(struct heap *h, uint64_t word)
{
	const struct v8_types *types = &h->layout->v8->types;
	int type = heap_type(h, word);

	if (type == V8_NO_TYPE || (type < types->first_nonstring && !(type & NOT_INTERNALIZED)))
		return false;
	if (type == h->layout->types.map)
		return heap_page_of(h, heap_untag(word))->is_read_only;
	return type != types->fixed_array || !is_results_cache(h, heap_untag(word));
}

/* {isolate, table} several times: CompilationCache (src/codegen/compilation-cache.h), of Node 22
 * and newer. */
static bool is_compilation_cache(const struct image_range *r, uint64_t at)
{
	uint64_t isolate = image_range_word(r, at - 8);

	return isolate && !(isolate & 7) &&
	       (image_range_word(r, at - 24) == isolate || image_range_word(r, at + 8) == isolate);
}

struct walk {
	struct heap *h;
	struct spans unused, small;
	int (*fn)(void *arg, uint64_t word);
	void *arg;
};

/* Whether the object that @word refers to is kept by that, which is at @at. */
static bool keeps(struct walk *w, const struct image_range *r, uint64_t at, uint64_t word)
{
	if (spans_have(&w->unused, at) || !is_root(w->h, word) || handle_is_weak(r, at) ||
	    gc_list_has(w->h, r, at))
		return false;
	return !spans_have(&w->small, at) || is_compilation_cache(r, at);
}

static int range_walk(struct walk *w, const struct image_range *r, uint64_t from)
{
	for (uint64_t at = from > r->start ? from : r->start; at < r->end; at += 8) {
		uint64_t word = image_range_word(r, at);
		int ret;

		if (!(at & (IMAGE_PAGE - 1)) && heap_owns(w->h, at)) {
			at += IMAGE_PAGE - 8;
			continue;
		}
		if (!heap_is_reference(word) || !heap_page_of(w->h, heap_untag(word)) ||
		    !keeps(w, r, at, word))
			continue;
		ret = w->fn(w->arg, word);
		if (ret)
			return ret;
	}
	return 0;
}

static int find_what_keeps_nothing(struct walk *w)
{
	const struct image *im = &w->h->capture->image;
	int err = glibc_unused(im, &w->unused);

	if (!err)
		err = glibc_small(im, SMALL, &w->small);
	if (!err)
		err = handles_unused(w->h, &w->unused);
	return err;
}

int roots_for_each(struct heap *h, int (*fn)(void *arg, uint64_t word), void *arg)
{
	const struct image *im = &h->capture->image;
	struct walk w = {.h = h, .fn = fn, .arg = arg};
	int ret = find_what_keeps_nothing(&w);

	for (unsigned i = 0; !ret && i < im->range_count; i++) {
		const struct image_range *r = &im->ranges[i];
		const struct image_region *region = &im->regions[r->region];

		if (region->is_writable)
			ret = range_walk(&w, r, used_from(h->capture, region));
	}
	spans_release(&w.unused);
	spans_release(&w.small);
	return ret;
}
