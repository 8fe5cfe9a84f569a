/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The objects of V8's heaps in an image: pages, Maps, sizes, and which are alive. Addresses of
 * objects are untagged here (those of v8/ are tagged: + 1). Everything in an image may be garbage:
 * what is not inside of a page is no object, and no object is larger than its page.
 *
 *   heap.c       its life; words and addresses
 *   pages.c      where V8's pages are, and which isolate each belongs to
 *   heap_map.c   Maps: what the objects of each are like
 *   heap_size.c  how large an object is
 *   roots.c      what may refer to them from outside
 *   mark.c       what is alive
 *   groups.c     constructors: which one an object is counted under
 */
#ifndef MEMWATCH_CENSUS_HEAP_H
#define MEMWATCH_CENSUS_HEAP_H

#include "base/intern.h"
#include "census/capture.h"
#include "census/layout.h"
#include "model/census.h"
#include "v8/v8_function.h"
#include "v8/v8_heap.h"

struct heap_groups;
struct heap_sizes;

#define HEAP_CHUNK_SHIFT 18 /* V8's pages begin at multiples of 256 KiB; large ones are longer */
#define HEAP_NO_GROUP	 UINT32_MAX
#define HEAP_MAP_SLOTS	 1024 /* a power of two */

struct heap_page {
	uint64_t base;	      /* multiple of 256 KiB */
	uint64_t start, end;  /* of the objects in it */
	unsigned char *bytes; /* of @base, in the image */
	uint64_t *marks;      /* a bit for each word from @base: a live object begins there */
	uint32_t *ranks;      /* for each word of @marks: live objects before it, in all pages; NULL
				 before      heap_number() */
	uint64_t owner;	      /* its heap's address; 0: read-only, of all */
	uint8_t isolate;      /* index */
	bool is_read_only;
};

/* What is in the words of an object. */
enum heap_visit {
	HEAP_TAGGED,	 /* references, strong ones */
	HEAP_DATA,	 /* none */
	HEAP_CODE,	 /* in the first HEAP_CODE_WORDS words */
	HEAP_MAP,	 /* a Map */
	HEAP_WEAK_CELL,	 /* but the second word */
	HEAP_WEAK_REF,	 /* but the fourth word */
	HEAP_EPHEMERONS, /* pairs whose value is alive if the key is */
	HEAP_NOTHING,	 /* free space and fillers: not counted either */
};
#define HEAP_CODE_WORDS	      8u
#define HEAP_WEAK_CELL_TARGET 2u /* word */
#define HEAP_WEAK_REF_TARGET  3u

/* A Map. */
struct heap_map {
	struct hmap_node node; /* by @address */
	uint64_t address;      /* untagged */
	uint16_t type;	       /* instance type */
	uint8_t words;	       /* of an instance; 0: by what is in it (heap_size.c) */
	uint8_t in_object;     /* word of the first in-object property; 0: none */
	uint8_t visit;	       /* enum heap_visit */
	uint8_t size_rule;
	bool is_receiver;      /* JSReceiver: a JavaScript object */
	bool is_dictionary;    /* properties are in a dictionary */
	uint32_t bits2, bits3; /* bit_field2, bit_field3 */
	uint32_t group; /* index of groups; HEAP_NO_GROUP: by each object (functions, contexts) or
			   not yet known */
};

struct heap_tally {
	uint64_t count, bytes, external_bytes;
};

struct heap {
	const struct capture *capture;
	const struct census_layout *layout;
	struct intern *names;
	bool shapes, show_values; /* as in census_options */
	bool (*cancelled)(void *arg);
	void (*progress)(void *arg, const char *step, uint64_t done, uint64_t of);
	void *arg;

	struct heap_page *pages; /* by address */
	unsigned page_count;
	uint64_t page_words; /* of all */
	uint32_t *chunks;    /* of pages, an open hash by base >> HEAP_CHUNK_SHIFT: index + 1 */
	uint64_t chunk_mask;
	uint64_t isolates[CENSUS_ISOLATES_MAX]; /* a heap's address each */
	unsigned isolate_count;

	/* What tells names of strings, functions and scripts, by the image (user/v8) */
	struct memreader mem;
	struct v8_heap v8;
	struct v8_functions functions;

	struct hmap maps;
	struct heap_map *map_slots[HEAP_MAP_SLOTS]; /* the last ones, by their addresses */
	struct heap_groups *groups;
	struct heap_sizes *sizes; /* what was learned of sizes */
	struct {
		uint8_t visit, size_rule; /* of objects of that type; 0, 0: nothing special */
	} rules[CENSUS_TYPES];
	uint64_t live_count, live_bytes;
	uint64_t searched; /* words, for what objects are called: heap_may_search() */
	struct census_lost lost;
	int err; /* of an allocation that failed: -ENOMEM, kept */
};

/**
 * heap_init - finds the pages of V8 in an image
 * @h: zeroed but for layout, names, shapes, show_values, cancelled and arg
 * @capture: must outlive it
 *
 * Returns 0, -ENODATA (no page of V8 in it), -ENOMEM.
 */
int heap_init(struct heap *h, const struct capture *capture);
void heap_release(struct heap *h);

/* --- words (heap.c) --- */

/** heap_page_of_chunk - the page that has (a part of) the chunk, or NULL */
static inline struct heap_page *heap_page_of_chunk(const struct heap *h, uint64_t chunk)
{
	uint64_t slot = (chunk * 0x9e3779b97f4a7c15ull) >> 32;

	for (;; slot++) { /* a quarter of the slots is used at most */
		uint32_t index = h->chunks[slot & h->chunk_mask];
		struct heap_page *p;

		if (!index)
			return NULL;
		p = &h->pages[index - 1];
		if (chunk >= p->base >> HEAP_CHUNK_SHIFT &&
		    chunk <= (p->end - 1) >> HEAP_CHUNK_SHIFT)
			return p;
	}
}

/** heap_page_of - the page that has the word at @addr, or NULL */
static inline struct heap_page *heap_page_of(const struct heap *h, uint64_t addr)
{
	struct heap_page *p = heap_page_of_chunk(h, addr >> HEAP_CHUNK_SHIFT);

	return p && addr >= p->start && addr + 8 <= p->end ? p : NULL;
}

/** heap_word - the word at @addr + @offset; 0 outside of V8's pages */
uint64_t heap_word(const struct heap *h, uint64_t addr, uint32_t offset);
/** heap_is_reference - a tagged strong reference: not whether there is an object */
static inline bool heap_is_reference(uint64_t word)
{
	return (word & 7) == 1;
}
/** heap_is_live - a live object begins at @addr: after heap_mark() */
bool heap_is_live(const struct heap *h, uint64_t addr);

/* --- what an object is (heap_map.c, heap_size.c) --- */

/** heap_map_get - the Map at @map (untagged), or NULL: there is none. Valid as long as @h */
const struct heap_map *heap_map_get(struct heap *h, uint64_t map);
/** heap_map_of - the Map of the object at @addr, or NULL: there is none */
const struct heap_map *heap_map_of(struct heap *h, uint64_t addr);
/** heap_type - the instance type of what a tagged word refers to; V8_NO_TYPE */
int heap_type(struct heap *h, uint64_t word);
/** heap_size - bytes of the object at @addr: a multiple of 8, at least 8, within its page */
uint64_t heap_size(struct heap *h, uint64_t addr, const struct heap_map *map);
/** heap_is_function - a JSFunction */
bool heap_is_function(struct heap *h, uint64_t addr, const struct heap_map *map);
static inline bool heap_is_context(const struct heap *h, const struct heap_map *map)
{
	return map->type >= h->layout->types.context_first &&
	       map->type <= h->layout->types.context_last;
}
/** heap_is_native_context - one realm; its global object's word in it is *@global */
bool heap_is_native_context(struct heap *h, uint64_t addr, const struct heap_map *map,
			    unsigned *global);

/**
 * heap_for_each_reference - strong references of an object, not its Map, in order
 * @fn: @word is the tagged reference, @index which word of the object it is. Anything but 0 ends it
 *
 * Keys and values of ephemerons are among them.
 */
int heap_for_each_reference(struct heap *h, uint64_t addr, const struct heap_map *map,
			    int (*fn)(void *arg, uint64_t word, uint32_t index), void *arg);

/* --- what is alive (mark.c) --- */

/** heap_mark - marks all that is reached from roots; 0, -ENOMEM, -ECANCELED, -EBADMSG (objects
 * overlap so much that it is no heap) */
int heap_mark(struct heap *h);
/** heap_tally - counts what is marked, by constructor and isolate; 0, -ENOMEM, -ECANCELED */
int heap_tally(struct heap *h);
/** heap_for_each_live - live objects, by address; what @fn returns other than 0 ends it */
int heap_for_each_live(struct heap *h,
		       int (*fn)(void *arg, uint64_t addr, const struct heap_map *map), void *arg);

/* --- names (groups.c, names.c, property.c) --- */

/** heap_group_of - which constructor an object counts under: an index */
uint32_t heap_group_of(struct heap *h, uint64_t addr, const struct heap_map *map);
/** heap_group - the constructor of that index (its counts are not set), or NULL */
const struct constructor *heap_group(const struct heap *h, uint32_t group);
unsigned heap_group_count(const struct heap *h);
/** heap_group_tally - what was counted of it in an isolate */
const struct heap_tally *heap_group_tally(const struct heap *h, uint32_t group, unsigned isolate);

/** heap_name_string - a String or Symbol as UTF-8, cut to fit. Its length; 0: it is none */
int heap_name_string(struct heap *h, uint64_t word, char *out, size_t size);
/** heap_function - of the JSFunction at @addr: name, script, line; NULL if it cannot be read */
struct v8_function *heap_function(struct heap *h, uint64_t addr);
/** heap_context_local - the name of the variable in word @index of a Context; its length, or 0 */
int heap_context_local(struct heap *h, uint64_t addr, uint32_t index, char *out, size_t size);
/**
 * heap_property_name - the name of the property of @object (a JSReceiver) that is kept in word
 * @index of
 *                      @holder: of @object itself, or of its PropertyArray
 *
 * Its length, or 0.
 */
int heap_property_name(struct heap *h, uint64_t object, uint64_t holder, uint32_t index, char *out,
		       size_t size);
/** heap_own_property - the value of an own data property; 0 (a Smi) if there is none */
uint64_t heap_own_property(struct heap *h, uint64_t object, const char *name);

#endif
