/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How large an object is: by its Map, else by a rule of its type, else by a formula that is learned
 * from samples of the type: of all that are tried, the one after which there is a Map's address,
 * as there is after an object.
 *
 * Formulas known to be right for some version come first (known[]): of two that fit the samples
 * alike, the known one is taken. Where none fits, an object ends before the next word that is
 * the address of a Map.
 *
 * LIMITATIONS: with few samples that are alike a wrong formula may fit, and what is within a size
 * that is too large is left out (census_lost.overlaps).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/heap_internal.h"

#define SAMPLES	      512u /* of a type */
#define LEARNED_TYPES 64u
#define FIT_PCT	      97u
#define FIT_CODE_PCT  85u /* code ends in padding, which may be anything */
#define HEADER_FIRST  16u
#define HEADER_LAST   80u
#define HEADER_CODE   192u
#define LENGTH_MAX    (1ull << 31)
#define SCAN_MAX      (64u << 10)
#define SCAN_FACTOR   16 /* words of all pages: so many are scanned at the most */

/* Where a length is. */
enum length {
	SMI_8, /* upper half of the word at 8 */
	INT_8,
	INT_12,
	HALF_8, /* 16 bits */
	BYTE_8,
	SMI_16,
	INT_24,
	INT_40,
	INT_44,
	INT_52,
	INT_56,
	CODE_40, /* int of the Code that the word at 8 refers to */
	CODE_44,
	CODE_48,
	CODE_52,
	CODE_56,
	CODE_60,
	CODE_64,
	LENGTHS
};
#define LENGTHS_OF_ARRAYS INT_24 /* and below: what is not code has its length there */

static const struct {
	uint8_t offset, bytes;
	bool of_code;
} lengths[LENGTHS] = {
	[SMI_8] = {12, 4, false},  [INT_8] = {8, 4, false},   [INT_12] = {12, 4, false},
	[HALF_8] = {8, 2, false},  [BYTE_8] = {8, 1, false},  [SMI_16] = {20, 4, false},
	[INT_24] = {24, 4, false}, [INT_40] = {40, 4, false}, [INT_44] = {44, 4, false},
	[INT_52] = {52, 4, false}, [INT_56] = {56, 4, false}, [CODE_40] = {40, 4, true},
	[CODE_44] = {44, 4, true}, [CODE_48] = {48, 4, true}, [CODE_52] = {52, 4, true},
	[CODE_56] = {56, 4, true}, [CODE_60] = {60, 4, true}, [CODE_64] = {64, 4, true},
};

struct formula {
	uint8_t length, element; /* enum length; bytes of an element */
	uint8_t header, align;
};

/* Seen, by version of Node: of code 12; 14, 16; 18; 20; 22-26. Of FeedbackVector 12-18, 24, 26; 20,
 * 22 */
static const struct formula known_code[] = {
	{INT_40, 1, 64, 32},  {INT_40, 1, 96, 32}, {INT_40, 1, 128, 64},
	{CODE_56, 1, 16, 64}, {INT_24, 1, 32, 64},
};
static const struct formula known[] = {
	{SMI_8, 8, 16, 8}, {SMI_8, 8, 32, 8}, {INT_8, 8, 48, 8},
	{INT_8, 8, 56, 8}, {SMI_8, 1, 0, 8},
};

struct learned {
	uint16_t type;
	bool is_known, is_scan;
	struct formula formula;
	unsigned count;
	uint64_t samples[SAMPLES];
};

struct heap_sizes {
	struct learned *of_type[CENSUS_TYPES];
	struct learned types[LEARNED_TYPES];
	unsigned count;
	uint64_t scanned; /* words */
};

int heap_sizes_init(struct heap *h)
{
	h->sizes = calloc(1, sizeof(*h->sizes));
	return h->sizes ? 0 : -ENOMEM;
}

/* ---- formulas ---- */

static uint64_t align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) & ~(to - 1);
}

/* @bytes in an object from @offset on; UINT64_MAX outside of its page */
static uint64_t field_at(const struct heap *h, uint64_t addr, unsigned offset, unsigned bytes)
{
	const struct heap_page *p = heap_page_of(h, (addr + offset) & ~7ull);
	uint64_t v = 0;

	if (!p)
		return UINT64_MAX;
	memcpy(&v, p->bytes + (addr + offset - p->base), bytes);
	return v;
}

static uint64_t length_of(const struct heap *h, uint64_t addr, unsigned length)
{
	if (lengths[length].of_code) {
		uint64_t code = heap_word(h, addr, 8);

		if (!heap_is_reference(code))
			return UINT64_MAX;
		addr = heap_untag(code);
	} else if ((length == SMI_8 || length == SMI_16) &&
		   field_at(h, addr, lengths[length].offset - 4u, 4)) {
		return UINT64_MAX; /* no Smi */
	}
	return field_at(h, addr, lengths[length].offset, lengths[length].bytes);
}

static uint64_t formula_size(const struct heap *h, const struct formula *f, uint64_t addr)
{
	uint64_t length = length_of(h, addr, f->length);

	if (length > LENGTH_MAX)
		return 0;
	return align_up(f->header + length * f->element, f->align);
}

/* ---- learning ---- */

static bool is_followed(struct heap *h, uint64_t addr, uint64_t size)
{
	const struct heap_page *p = heap_page_of(h, addr);
	uint64_t next;

	if (!p || !size || size > p->end - addr)
		return false;
	if (addr + size == p->end)
		return true;
	next = page_word(p, addr + size);
	return heap_is_reference(next) && heap_map_get(h, heap_untag(next));
}

static unsigned fits(struct heap *h, const struct learned *t, const struct formula *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->count; i++)
		n += is_followed(h, t->samples[i], formula_size(h, f, t->samples[i]));
	return n;
}

struct search {
	struct heap *h;
	struct learned *t;
	unsigned best;
};

static void try_formula(struct search *s, const struct formula *f)
{
	unsigned n = fits(s->h, s->t, f);

	if (n > s->best) {
		s->best = n;
		s->t->formula = *f;
	}
}

static void search_arrays(struct search *s)
{
	static const uint8_t elements[] = {1, 8, 16, 24, 4, 2};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		try_formula(s, &known[i]);
	for (unsigned length = 0; length < LENGTHS_OF_ARRAYS; length++) {
		for (size_t e = 0; e < sizeof(elements); e++) {
			for (unsigned header = HEADER_FIRST; header <= HEADER_LAST; header += 8) {
				const struct formula f = {(uint8_t)length, elements[e],
							  (uint8_t)header, 8};

				try_formula(s, &f);
			}
		}
	}
}

static void search_code(struct search *s)
{
	static const uint8_t aligns[] = {8, 32, 64};

	for (size_t i = 0; i < sizeof(known_code) / sizeof(known_code[0]); i++)
		try_formula(s, &known_code[i]);
	for (size_t a = 0; a < sizeof(aligns); a++) {
		for (unsigned length = 0; length < LENGTHS; length++) {
			for (unsigned header = HEADER_FIRST; header <= HEADER_CODE; header += 8) {
				const struct formula f = {(uint8_t)length, 1, (uint8_t)header,
							  aligns[a]};

				try_formula(s, &f);
			}
		}
	}
}

/* Also of the Maps that are known already. */
static void count_nothing_of(struct heap *h, uint16_t type)
{
	struct hmap_node *node;

	h->rules[type].visit = HEAP_NOTHING;
	hmap_for_each (&h->maps, node) {
		struct heap_map *map = hmap_entry(node, struct heap_map, node);

		if (map->type == type)
			map->visit = HEAP_NOTHING;
	}
}

static void learn(struct heap *h, struct learned *t)
{
	struct search s = {.h = h, .t = t};
	bool is_code = h->rules[t->type].visit == HEAP_CODE;

	if (is_code)
		search_code(&s);
	else
		search_arrays(&s);
	t->is_scan = !t->count || s.best * 100 < t->count * (is_code ? FIT_CODE_PCT : FIT_PCT);
	t->is_known = true;
	/* Free space has its own size as its length, and nothing else has: 12 and 26 do not name it
	 */
	if (!t->is_scan && !t->formula.header && t->formula.length == SMI_8)
		count_nothing_of(h, t->type);
}

static struct learned *learned_of(struct heap *h, uint16_t type)
{
	struct heap_sizes *s = h->sizes;

	if (type >= CENSUS_TYPES)
		return NULL;
	if (!s->of_type[type] && s->count < LEARNED_TYPES) {
		s->of_type[type] = &s->types[s->count++];
		s->of_type[type]->type = type;
	}
	return s->of_type[type];
}

bool heap_size_is_known(struct heap *h, uint64_t addr, const struct heap_map *map)
{
	struct learned *t;

	if (map->words || map->size_rule != SIZE_LEARNED)
		return true;
	t = learned_of(h, map->type);
	if (!t || t->is_known)
		return true;
	if (t->count < SAMPLES)
		t->samples[t->count++] = addr;
	return false;
}

void heap_sizes_learn(struct heap *h)
{
	for (unsigned i = 0; i < h->sizes->count; i++) {
		if (!h->sizes->types[i].is_known)
			learn(h, &h->sizes->types[i]);
	}
}

/* ---- sizes ---- */

/* Up to the next word that is the address of a Map. */
static uint64_t scan_size(struct heap *h, const struct heap_page *p, uint64_t addr)
{
	if (h->sizes->scanned > SCAN_FACTOR * h->page_words)
		return HEADER_FIRST;
	for (uint64_t at = addr + HEADER_FIRST; at < p->end && at - addr <= SCAN_MAX; at += 8) {
		uint64_t word = page_word(p, at);

		h->sizes->scanned++;
		if (heap_is_reference(word) && heap_map_get(h, heap_untag(word)))
			return at - addr;
	}
	return p->end - addr <= SCAN_MAX ? p->end - addr : HEADER_FIRST;
}

static uint64_t learned_size(struct heap *h, const struct heap_page *p, uint64_t addr,
			     const struct heap_map *map)
{
	struct learned *t = learned_of(h, map->type);

	if (!t || !t->is_known || t->is_scan)
		return scan_size(h, p, addr);
	return formula_size(h, &t->formula, addr);
}

/* The 32 bits at @offset of what begins at @bytes. */
static uint64_t u32_at(const unsigned char *bytes, unsigned offset)
{
	uint32_t v;

	memcpy(&v, bytes + offset, sizeof(v));
	return v;
}

static uint64_t size_by_rule(struct heap *h, const struct heap_page *p, uint64_t addr,
			     const struct heap_map *map)
{
	const unsigned char *bytes = p->bytes + (addr - p->base);
	const struct census_layout *l = h->layout;
	uint64_t length;

	if (addr + 16 > p->end)
		return 8;
	length = u32_at(bytes, 12); /* a Smi's value */
	switch ((enum heap_size_rule)map->size_rule) {
	case SIZE_HEADER:
		return 8;
	case SIZE_LEARNED:
		return learned_size(h, p, addr, map);
	case SIZE_ARRAY:
		return 16 + 8 * length;
	case SIZE_BYTES:
		return 16 + align_up(length, 8);
	case SIZE_PROPERTIES:
		return 16 + 8 * (length & 0x3ff); /* PropertyArray::LengthField */
	case SIZE_LIST:
		return 24 + 8 * length;
	case SIZE_LATIN1:
		return align_up(16 + length, 8);
	case SIZE_UTF16:
		return align_up(16 + 2 * length, 8);
	case SIZE_FREE:
		return length;
	case SIZE_DESCRIPTORS:
		return (uint64_t)l->offsets.descriptors_header +
		       24 * (u32_at(bytes, (unsigned)l->offsets.descriptors_count) & 0xffff);
	case SIZE_BYTECODES:
		return align_up((uint64_t)l->v8->offsets.bytecode_data + length, 8);
	case SIZE_BIGINT:
		return 16 + 8 * (u32_at(bytes, 8) >> 1 & 0x3fffffff); /* BigIntBase::LengthBits */
	case SIZE_PREPARSE:
		return align_up(16 + u32_at(bytes, 8), 8) + 8 * length;
	}
	return 0;
}

uint64_t heap_size(struct heap *h, uint64_t addr, const struct heap_map *map)
{
	const struct heap_page *p = heap_page_of(h, addr);
	uint64_t size;

	if (!p)
		return 8;
	size = map->words ? 8ull * map->words : size_by_rule(h, p, addr, map);
	if (size < 8 || size > p->end - addr) {
		h->lost.unknown_sizes++;
		size = p->end - addr < 16 ? 8 : 16;
	}
	return size & ~7ull;
}
