/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of variables in Contexts, the scopes that closures share: by the Context's ScopeInfo, which
 * names them in order. Variables follow the Context's header; one more word is before them in some
 * ("extension"), which is told by the count of all.
 *
 *	ScopeInfo slots: see v8/v8_scope_info.c
 *	Context: map, length, scope info, previous, [extension | native context,] variables ...
 */
#include <string.h>

#include "census/heap_internal.h"

#define CONTEXT_FIRST 2u /* word of a Context's first slot */
#define LOCALS_MAX    100000
#define LOCALS_SLOT   2u
#define NAMES_FIRST   3u /* slot that names may begin at, in the version with the fewest before */
#define NAMES_LAST    8u
#define TABLE_FIRST   5u /* word of a hash table's first entry */
#define TABLE_MAX     (1u << 18)
#define NAME_BYTES    48 /* shown of a name */

/* Where a ScopeInfo has its names. */
struct locals {
	uint64_t names; /* object that they are in */
	uint32_t first; /* word */
	unsigned count;
	bool is_table; /* of name and index */
};

static bool locals_find(struct heap *h, uint64_t scope, struct locals *out)
{
	const struct v8_layout *l = h->layout->v8;
	uint32_t slots = (uint32_t)l->offsets.scope_info_slots / 8;
	uint64_t count = heap_word(h, scope, 8 * (slots + LOCALS_SLOT));

	if (!v8_is_smi(count) || v8_smi(count) <= 0 || v8_smi(count) > LOCALS_MAX)
		return false;
	out->count = (unsigned)v8_smi(count);
	for (uint32_t i = slots + NAMES_FIRST; i <= slots + NAMES_LAST; i++) {
		uint64_t word = heap_word(h, scope, 8 * i);
		int type = heap_type(h, word);

		if (type == V8_NO_TYPE)
			continue;
		out->is_table = type > h->layout->types.symbol;
		if (out->is_table &&
		    (type < l->types.fixed_array || type >= h->layout->types.array_end))
			return false;
		out->names = out->is_table ? heap_untag(word) : scope;
		out->first = out->is_table ? TABLE_FIRST : i;
		return true;
	}
	return false;
}

static int table_name(struct heap *h, const struct locals *l, unsigned index, char *out,
		      size_t size)
{
	uint64_t length = heap_word(h, l->names, 8);

	if (!v8_is_smi(length) || v8_smi(length) < 0 || v8_smi(length) > (int)TABLE_MAX)
		return 0;
	for (uint32_t i = TABLE_FIRST; i + 1 < 2 + (uint32_t)v8_smi(length); i += 2) {
		uint64_t value = heap_word(h, l->names, 8 * (i + 1));

		if (v8_is_smi(value) && v8_smi(value) == (int)index &&
		    heap_name_string(h, heap_word(h, l->names, 8 * i), out, size))
			return (int)strlen(out);
	}
	return 0;
}

static int local_name(struct heap *h, const struct locals *l, unsigned index, char *out,
		      size_t size)
{
	*out = '\0';
	if (index >= l->count)
		return 0;
	if (l->is_table)
		return table_name(h, l, index, out, size);
	return heap_name_string(h, heap_word(h, l->names, 8 * (l->first + index)), out, size);
}

/* The word of a Context's first variable. */
static uint32_t first_variable(struct heap *h, uint64_t context, const struct locals *l)
{
	uint32_t header = CONTEXT_FIRST + (uint32_t)h->layout->context_header;
	uint64_t length = heap_word(h, context, 8);
	int64_t more;

	if (!v8_is_smi(length))
		return header;
	more = (int64_t)v8_smi(length) - l->count - h->layout->context_header;
	/* A word more is the extension, or behind all: a function's own name */
	if (more == 1) {
		uint64_t last = context + 8ull * (CONTEXT_FIRST + (uint32_t)v8_smi(length) - 1);
		uint64_t word = heap_word(h, last, 0);
		const struct heap_map *map =
			heap_is_reference(word) ? heap_map_of(h, heap_untag(word)) : NULL;
		int type = heap_type(h, heap_word(h, context, 8 * header));

		if (!map || !heap_is_function(h, heap_untag(word), map) ||
		    type == h->layout->types.oddball || type == h->layout->types.hole ||
		    type == h->layout->types.module)
			header++;
	}
	return header;
}

static uint64_t scope_of(struct heap *h, uint64_t context)
{
	uint64_t scope = heap_word(h, context, 8 * CONTEXT_FIRST);

	return heap_type(h, scope) == h->layout->v8->types.scope_info ? heap_untag(scope) : 0;
}

int heap_context_local(struct heap *h, uint64_t addr, uint32_t index, char *out, size_t size)
{
	uint64_t scope = scope_of(h, addr);
	struct locals l;
	uint32_t first;

	*out = '\0';
	if (!scope || !locals_find(h, scope, &l))
		return 0;
	first = first_variable(h, addr, &l);
	return index < first ? 0 : local_name(h, &l, index - first, out, size);
}

uint64_t heap_context_scope(struct heap *h, uint64_t addr)
{
	return scope_of(h, addr);
}

void heap_scope_name(struct heap *h, uint64_t scope, char *out, size_t size)
{
	struct locals l = {0};
	struct name_list names;
	char name[NAME_BYTES];
	bool more = scope && locals_find(h, scope, &l);

	name_list_begin(&names, "Context ", out, size);
	for (unsigned i = 0; more && i < l.count; i++) {
		if (local_name(h, &l, i, name, sizeof(name)))
			more = name_list_add(&names, name);
	}
	name_list_end(&names, l.count);
}
