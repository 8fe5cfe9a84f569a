/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding V8's code by an address.
 *
 * Instructions lie in an object of V8's heap, aligned to 8 bytes, that begins with a Map: up to V8
 * 11.0 in Code itself, since then in an InstructionStream, whose second word is its Code. So the
 * words before the address are searched backwards for a reference to such a Map: what its
 * instance type says, together with the start and size that Code gives, is proof enough.
 * JSFunction.code is no way to it: it may be newer code, and is a handle since Node 24.
 *
 * Code that was found is kept by its range, and compared with the process at each use: V8 frees
 * code and puts other code in its place.
 *
 * LIMITATIONS: regular expressions and WebAssembly have code objects too, but no functions here.
 */
#include "v8/v8_code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES      (32u << 20) /* of tables */
#define FIRST_CHUNK    4096u	   /* how much is read at once: at first, then twice as much */
#define LAST_CHUNK     32768u
#define MAX_HEAD_BYTES 256 /* from the head to the instructions */
#define MAX_CODE_BYTES (64u << 20)
#define MAX_READS      8192 /* in one search: what looks like a reference to a Map is looked at */

int v8_codes_init(struct v8_codes *c, struct v8_heap *heap)
{
	*c = (struct v8_codes){.heap = heap};
	c->all = calloc(V8_CODES_MAX, sizeof(*c->all));
	return c->all ? 0 : -ENOMEM;
}

static size_t code_bytes(const struct v8_code *code)
{
	return code->positions_len + v8_deopt_bytes(&code->deopt) + v8_jumps_bytes(&code->jumps) +
	       code->anchor_count * sizeof(*code->anchors);
}

static void code_free(struct v8_codes *c, struct v8_code *code)
{
	c->bytes -= code_bytes(code);
	free(code->positions);
	free(code->anchors);
	v8_deopt_release(&code->deopt);
	v8_jumps_release(&code->jumps);
	free(code);
}

void v8_codes_clear(struct v8_codes *c)
{
	for (unsigned i = 0; i < c->count; i++)
		code_free(c, c->all[i]);
	c->count = 0;
}

void v8_codes_release(struct v8_codes *c)
{
	if (c->all)
		v8_codes_clear(c);
	free(c->all);
	c->all = NULL;
}

void v8_codes_trim(struct v8_codes *c)
{
	if (c->count >= V8_CODES_MAX || c->bytes >= MAX_BYTES)
		v8_codes_clear(c);
}

/* ---- what is kept ---- */

/* The index of the first that begins behind @addr. */
static unsigned index_behind(const struct v8_codes *c, uint64_t addr)
{
	unsigned low = 0, high = c->count;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (c->all[mid]->start > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void remove_at(struct v8_codes *c, unsigned i)
{
	code_free(c, c->all[i]);
	c->count--;
	memmove(&c->all[i], &c->all[i + 1], (c->count - i) * sizeof(*c->all));
}

/* What overlaps it is gone from the process. */
static void insert(struct v8_codes *c, struct v8_code *code)
{
	unsigned i;

	while (c->count) {
		i = index_behind(c, code->start + code->size);
		if (!i || c->all[i - 1]->start + c->all[i - 1]->size <= code->start)
			break;
		remove_at(c, i - 1);
	}
	if (c->count == V8_CODES_MAX)
		v8_codes_clear(c);
	i = index_behind(c, code->start);
	memmove(&c->all[i + 1], &c->all[i], (c->count - i) * sizeof(*c->all));
	c->all[i] = code;
	c->count++;
}

static bool is_within(const struct v8_code *code, uint64_t ip)
{
	return ip >= code->start && ip - code->start <= code->size;
}

static int code_words_read(struct v8_heap *h, uint64_t object, uint64_t *words)
{
	return v8_heap_read(h, object, 0, words, V8_CODE_WORDS * sizeof(*words));
}

/* Whether the process still has this code there. */
static bool is_current(struct v8_heap *h, const struct v8_code *code)
{
	uint64_t head[V8_CODE_HEAD_WORDS], words[V8_CODE_WORDS];

	if (code->head != code->object - 1 &&
	    (memreader_read(h->mem, code->head, head, sizeof(head)) ||
	     memcmp(head, code->head_words, sizeof(head)) != 0))
		return false;
	return !code_words_read(h, code->object, words) &&
	       !memcmp(words, code->words, sizeof(words));
}

/* ---- searching ---- */

static uint64_t field(const uint64_t *words, int32_t offset, size_t bytes)
{
	uint64_t v = 0;

	if (offset >= 0 && offset + bytes <= V8_CODE_WORDS * sizeof(*words))
		memcpy(&v, (const char *)words + offset, bytes);
	return v;
}

/* Code by the object, if its instructions begin right behind @head; NULL if not. */
static struct v8_code *code_make(struct v8_heap *h, uint64_t object, uint64_t head)
{
	const struct v8_layout *l = h->layout;
	const struct v8_offsets *o = &l->offsets;
	struct v8_code code = {.object = object, .head = head}, *out;

	if (code_words_read(h, object, code.words) ||
	    v8_heap_type_by_map(h, code.words[0]) != l->types.code)
		return NULL;
	code.start = l->code_start_is_pointer ? field(code.words, o->code_start, 8)
					      : object - 1 + (uint32_t)o->code_start;
	code.size = (uint32_t)field(code.words, o->code_size, 4);
	code.kind = (int)field(code.words, o->code_flags, 4) & l->code_kind_mask;
	if (code.start <= head || code.start - head > MAX_HEAD_BYTES || !code.size ||
	    code.size > MAX_CODE_BYTES)
		return NULL;
	out = malloc(sizeof(*out));
	if (out)
		*out = code;
	return out;
}

/* Whether code begins at @head, where the words @first and @second are. */
static struct v8_code *code_at(struct v8_heap *h, uint64_t head, uint64_t first, uint64_t second)
{
	const struct v8_types *t = &h->layout->types;
	struct v8_code *code;
	int type;

	if (!v8_is_object(first))
		return NULL;
	type = v8_heap_type_by_map(h, first);
	if (type == V8_NO_TYPE)
		return NULL;
	if (!h->layout->code_start_is_pointer)
		return type == t->code ? code_make(h, head + 1, head) : NULL;
	if (type != t->code_stream || !v8_is_object(second))
		return NULL;
	code = code_make(h, second, head);
	if (code) {
		code->head_words[0] = first;
		code->head_words[1] = second;
	}
	return code;
}

/*
 * The code that begins last before @ip. Pages are read downwards; what is not readable ends
 * the search.
 */
static struct v8_code *search_back(struct v8_heap *h, uint64_t ip, size_t max_bytes)
{
	uint64_t words[LAST_CHUNK / sizeof(uint64_t)];
	uint64_t end = (ip + 7) & ~7ull, above = 0;
	uint64_t limit = end > max_bytes ? end - max_bytes : 0;
	uint64_t chunk = FIRST_CHUNK, reads = h->mem->reads;

	while (end > limit && end >= 2ull * LAST_CHUNK) {
		uint64_t begin = (end - 1) & ~(chunk - 1);
		size_t n = (end - begin) / sizeof(*words);

		if (memreader_read(h->mem, begin, words, n * sizeof(*words))) {
			if (chunk == FIRST_CHUNK)
				return NULL;
			chunk = FIRST_CHUNK;
			continue;
		}
		while (n--) {
			struct v8_code *code =
				code_at(h, begin + n * sizeof(*words), words[n], above);

			if (code || h->mem->reads - reads > MAX_READS)
				return code;
			above = words[n];
		}
		end = begin;
		if (chunk < LAST_CHUNK)
			chunk *= 2;
	}
	return NULL;
}

struct v8_code *v8_code_find(struct v8_codes *c, uint64_t ip, size_t max_bytes)
{
	unsigned i = index_behind(c, ip);
	struct v8_code *code;

	if (i && is_within(c->all[i - 1], ip)) {
		if (is_current(c->heap, c->all[i - 1]))
			return c->all[i - 1];
		remove_at(c, i - 1);
	}
	c->scans++;
	code = search_back(c->heap, ip, max_bytes);
	if (code && !is_within(code, ip)) {
		free(code);
		code = NULL;
	}
	if (!code) {
		c->scan_failures++;
		errno = ENOENT;
		return NULL;
	}
	insert(c, code);
	return code;
}

/* ---- what it is ---- */

enum frame_tier v8_code_tier(const struct v8_layout *l, const struct v8_code *code)
{
	if (code->kind == l->code_kind_turbofan)
		return TIER_TURBOFAN;
	if (l->code_kind_baseline < 0)
		return TIER_NONE;
	if (code->kind == l->code_kind_baseline)
		return TIER_BASELINE;
	return code->kind == l->code_kind_maglev ? TIER_MAGLEV : TIER_NONE;
}

void v8_code_positions(struct v8_codes *c, struct v8_code *code)
{
	const struct v8_offsets *o = &c->heap->layout->offsets;
	enum frame_tier tier = v8_code_tier(c->heap->layout, code);

	if (code->has_positions)
		return;
	code->has_positions = true;
	code->positions = v8_heap_bytes(c->heap, field(code->words, o->code_positions, 8),
					&code->positions_len);
	if (tier == TIER_TURBOFAN || tier == TIER_MAGLEV)
		v8_deopt_load(c->heap, field(code->words, o->code_deopt_data, 8), &code->deopt);
	if (tier == TIER_MAGLEV && c->heap->layout->deopt_has_pcs)
		v8_deopt_load_safepoints(c->heap, code->start + code->size, &code->deopt);
	c->bytes += code_bytes(code);
}
