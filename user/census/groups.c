/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Constructors: what objects are counted under. All objects of a Map are one, but for functions,
 * which are told apart by their code, and contexts, by their scope.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "census/heap_internal.h"

#define NAME_BYTES   512
#define GROUPS_MAX   (1u << 20)
#define EXTERNAL_MAX (1ull << 47)

/* A function's or scope's group, by the address of its SharedFunctionInfo or ScopeInfo. */
struct keyed {
	struct hmap_node node;
	uint32_t group;
};

struct heap_groups {
	struct constructor *v;
	struct heap_tally *tallies; /* isolate_count of each */
	uint32_t count, cap;
	uint32_t *hash; /* of all fields: index + 1 */
	uint32_t hash_mask;
	struct hmap keyed;
	unsigned isolates;
};

int heap_groups_init(struct heap *h)
{
	struct heap_groups *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	h->groups = g;
	g->isolates = h->isolate_count;
	g->hash_mask = 1023;
	g->hash = calloc(g->hash_mask + 1, sizeof(*g->hash));
	return g->hash ? hmap_init(&g->keyed) : -ENOMEM;
}

void heap_groups_release(struct heap *h)
{
	struct heap_groups *g = h->groups;
	struct hmap_node *node;

	if (!g)
		return;
	node = g->keyed.buckets ? hmap_next(&g->keyed, NULL) : NULL;
	while (node) {
		struct keyed *k = hmap_entry(node, struct keyed, node);

		node = hmap_next(&g->keyed, node);
		free(k);
	}
	hmap_release(&g->keyed);
	free(g->v);
	free(g->tallies);
	free(g->hash);
	free(g);
	h->groups = NULL;
}

/* ---- all that there are ---- */

/* Strings are interned: equal ones have one address. */
static uint64_t hash_of(const struct constructor *c)
{
	uint64_t x = (uintptr_t)c->name * 0x9e3779b97f4a7c15ull;

	x ^= ((uintptr_t)c->file + c->line) * 0xc2b2ae3d27d4eb4full;
	x ^= (uintptr_t)c->class_name * 0x165667b19e3779f9ull + c->kind;
	return x ^ x >> 29;
}

static bool is_same(const struct constructor *a, const struct constructor *b)
{
	return a->name == b->name && a->class_name == b->class_name && a->file == b->file &&
	       a->line == b->line && a->kind == b->kind;
}

static uint32_t *slot_of(const struct heap_groups *g, const struct constructor *c)
{
	uint64_t i = hash_of(c);

	while (g->hash[i & g->hash_mask] && !is_same(&g->v[g->hash[i & g->hash_mask] - 1], c))
		i++;
	return &g->hash[i & g->hash_mask];
}

static int groups_grow(struct heap_groups *g)
{
	uint32_t cap = g->cap ? 2 * g->cap : 512;
	struct constructor *v = realloc(g->v, cap * sizeof(*v));
	struct heap_tally *tallies;
	uint32_t *hash;

	if (!v)
		return -ENOMEM;
	g->v = v;
	tallies = realloc(g->tallies, (size_t)cap * g->isolates * sizeof(*tallies));
	if (!tallies)
		return -ENOMEM;
	g->tallies = tallies;
	memset(tallies + (size_t)g->cap * g->isolates, 0,
	       (size_t)(cap - g->cap) * g->isolates * sizeof(*tallies));
	hash = calloc(2ull * cap, sizeof(*hash));
	if (!hash)
		return -ENOMEM;
	free(g->hash);
	g->hash = hash;
	g->hash_mask = 2 * cap - 1;
	g->cap = cap;
	for (uint32_t i = 0; i < g->count; i++)
		*slot_of(g, &g->v[i]) = i + 1;
	return 0;
}

static uint32_t group_add(struct heap *h, const struct constructor *what)
{
	struct heap_groups *g = h->groups;
	uint32_t *slot = slot_of(g, what);

	if (*slot)
		return *slot - 1;
	if (g->count == g->cap) {
		if (g->count >= GROUPS_MAX) { /* the last one is that of all others */
			h->lost.names++;
			return g->count - 1;
		}
		if (groups_grow(g)) {
			h->err = -ENOMEM;
			return HEAP_NO_GROUP;
		}
		slot = slot_of(g, what);
	}
	g->v[g->count] = *what;
	*slot = ++g->count;
	return g->count - 1;
}

/* ---- of V8's own objects ---- */

static uint8_t kind_of_name(const char *name)
{
	static const char *const code[] = {
		"SharedFunctionInfo",
		"Script",
		"Code",
		"CodeDataContainer",
		"AllocationSite",
		"ArrayBoilerplateDescription",
		"BytecodeArray",
		"BytecodeWrapper",
		"ClosureFeedbackCellArray",
		"CodeWrapper",
		"FeedbackCell",
		"FeedbackVector",
		"InstructionStream",
		"InterpreterData",
		"ObjectBoilerplateDescription",
		"PreparseData",
		"RegExpBoilerplateDescription",
		"TemplateObjectDescription",
	};
	static const char *const shape[] = {"DescriptorArray", "StrongDescriptorArray",
					    "PrototypeInfo", "EnumCache"};

	for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		if (!strcmp(name, code[i]))
			return CENSUS_CODE;
	}
	for (size_t i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
		if (!strcmp(name, shape[i]))
			return CENSUS_SHAPE;
	}
	return strncmp(name, "UncompiledData", 14) ? CENSUS_SYSTEM : CENSUS_CODE;
}

static const char *string_name(uint16_t type)
{
	switch (type & 7) { /* kStringRepresentationMask */
	case 1:
		return "(concatenated string)";
	case 2:
		return "(external string)";
	case 3:
		return "(sliced string)";
	default:
		return "(string)";
	}
}

/* Types that are not told by a name. */
static bool kind_by_type(const struct heap *h, uint16_t type, struct constructor *out,
			 const char **name)
{
	const struct census_types *t = &h->layout->types;
	const struct v8_types *v8 = &h->layout->v8->types;

	if (type < v8->first_nonstring) {
		out->kind = CENSUS_STRING;
		*name = string_name(type);
	} else if (type == t->symbol) {
		out->kind = CENSUS_SYMBOL;
		*name = "(symbol)";
	} else if (type == t->heap_number || type == t->bigint) {
		out->kind = CENSUS_NUMBER;
		*name = type == t->bigint ? "(bigint)" : "(number)";
	} else if (type == t->map || type == t->transition_array) {
		out->kind = CENSUS_SHAPE;
		*name = type == t->map ? "system / Map" : "system / TransitionArray";
	} else if (type == t->feedback_metadata) {
		out->kind = CENSUS_CODE;
		*name = "system / FeedbackMetadata";
	} else {
		return false;
	}
	return true;
}

static bool is_array_type(const struct heap *h, uint16_t type)
{
	const struct census_types *t = &h->layout->types;
	const struct v8_types *v8 = &h->layout->v8->types;

	return (type >= v8->fixed_array && type < t->array_end) || type == v8->byte_array ||
	       type == v8->trusted_byte_array || type == t->double_array ||
	       type == t->property_array;
}

static void describe_system(struct heap *h, const struct heap_map *map, struct constructor *out)
{
	const char *known = map->type < CENSUS_TYPES ? h->layout->names[map->type] : "";
	const char *name = NULL;
	char text[NAME_BYTES];

	if (!kind_by_type(h, map->type, out, &name)) {
		out->kind = kind_of_name(known);
		if (out->kind == CENSUS_SYSTEM && !map->words && is_array_type(h, map->type))
			out->kind = CENSUS_ARRAY;
		if (*known)
			snprintf(text, sizeof(text), "system / %s", known);
		else if (out->kind == CENSUS_ARRAY)
			snprintf(text, sizeof(text), "system / table");
		else
			snprintf(text, sizeof(text), "system / type %u", map->type);
		name = text;
	}
	out->name = intern_str(h->names, name);
	if (out->kind == CENSUS_ARRAY)
		out->class_name = intern_str(h->names, "(array)");
}

/* ---- of JavaScript's ---- */

static void place(struct heap *h, uint64_t function, struct constructor *out)
{
	struct v8_function *fn = function ? heap_function(h, function) : NULL;

	if (!fn || !fn->script)
		return;
	out->file = fn->script->file;
	out->line = out->file ? fn->line : 0;
}

/* @object: the first one of the Map that was found */
static void describe_receiver(struct heap *h, uint64_t object, const struct heap_map *map,
			      struct constructor *out)
{
	char name[NAME_BYTES];
	uint64_t function;

	if (map->type == h->layout->types.js_bound_function) {
		out->kind = CENSUS_CLOSURE;
		out->name = intern_str(h->names, "bound function");
		return;
	}
	out->kind = map->type == h->layout->types.js_regexp ? CENSUS_REGEXP : CENSUS_OBJECT;
	function = heap_constructor_name(h, object, map, name, sizeof(name));
	if (map->type == h->layout->types.proxy)
		out->class_name = intern_str(h->names, "system / JSProxy");
	if (h->shapes && !map->is_dictionary && !strcmp(name, "Object") &&
	    out->kind == CENSUS_OBJECT) {
		out->class_name = intern_str(h->names, name);
		heap_shape_name(h, map, name, sizeof(name));
	} else {
		place(h, function, out);
	}
	out->name = intern_str(h->names, name);
}

static uint32_t *keyed_find(struct heap *h, uint64_t key)
{
	struct heap_groups *g = h->groups;
	struct hmap_node *node = hmap_find(&g->keyed, key);
	struct keyed *k;

	if (node)
		return &hmap_entry(node, struct keyed, node)->group;
	k = malloc(sizeof(*k));
	if (!k) {
		h->err = -ENOMEM;
		return NULL;
	}
	k->group = HEAP_NO_GROUP;
	hmap_add(&g->keyed, &k->node, key);
	return &k->group;
}

static uint32_t function_group(struct heap *h, uint64_t addr)
{
	uint64_t shared = heap_word(h, addr, (uint32_t)h->layout->v8->offsets.function_shared);
	struct constructor what = {.kind = CENSUS_CLOSURE};
	uint32_t *group = keyed_find(h, shared);
	const struct v8_function *fn;
	char name[NAME_BYTES];

	if (!group || *group != HEAP_NO_GROUP)
		return group ? *group : HEAP_NO_GROUP;
	fn = heap_function(h, addr);
	snprintf(name, sizeof(name), "%s()", fn && *fn->name ? fn->name : "(anonymous)");
	what.name = intern_str(h->names, name);
	place(h, addr, &what);
	*group = group_add(h, &what);
	return *group;
}

static uint32_t context_group(struct heap *h, uint64_t addr)
{
	uint64_t scope = heap_context_scope(h, addr);
	struct constructor what = {.kind = CENSUS_CONTEXT};
	uint32_t *group = keyed_find(h, scope + 1);
	char name[NAME_BYTES];

	if (!group || *group != HEAP_NO_GROUP)
		return group ? *group : HEAP_NO_GROUP;
	heap_scope_name(h, scope, name, sizeof(name));
	what.name = intern_str(h->names, name);
	what.class_name = intern_str(h->names, "system / Context");
	*group = group_add(h, &what);
	return *group;
}

uint32_t heap_group_of(struct heap *h, uint64_t addr, const struct heap_map *map)
{
	struct constructor what = {0};
	struct heap_map *cached;

	if (map->group != HEAP_NO_GROUP)
		return map->group;
	if (heap_is_function(h, addr, map))
		return function_group(h, addr);
	if (heap_is_context(h, map))
		return context_group(h, addr);
	if (map->is_receiver)
		describe_receiver(h, addr, map, &what);
	else
		describe_system(h, map, &what);
	cached = (struct heap_map *)map; /* ours: const for all others */
	cached->group = group_add(h, &what);
	return cached->group;
}

const struct constructor *heap_group(const struct heap *h, uint32_t group)
{
	return group < h->groups->count ? &h->groups->v[group] : NULL;
}

unsigned heap_group_count(const struct heap *h)
{
	return h->groups->count;
}

const struct heap_tally *heap_group_tally(const struct heap *h, uint32_t group, unsigned isolate)
{
	return &h->groups->tallies[(size_t)group * h->groups->isolates + isolate];
}

/* ---- counting ---- */

struct tallying {
	struct heap *h;
	const struct heap_page *page;
	uint64_t end; /* of the object before, in @page */
	uint64_t seen;
};

static uint64_t external_bytes(const struct heap *h, uint64_t addr, const struct heap_map *map)
{
	uint64_t bytes;

	if (map->type != h->layout->types.js_array_buffer)
		return 0;
	bytes = heap_word(h, addr, (uint32_t)h->layout->offsets.array_buffer_bytes);
	return bytes < EXTERNAL_MAX ? bytes : 0;
}

static int tally(void *arg, uint64_t addr, const struct heap_map *map)
{
	struct tallying *t = arg;
	struct heap *h = t->h;
	const struct heap_page *page = heap_page_of(h, addr);
	uint64_t bytes = heap_size(h, addr, map);
	struct heap_tally *to;
	uint32_t group;

	if (!(++t->seen & (HEAP_CANCEL_OBJECTS - 1))) {
		if (h->progress)
			h->progress(h->arg, "counting", t->seen, 0);
		if (h->cancelled && h->cancelled(h->arg))
			return -ECANCELED;
	}
	if (map->visit == HEAP_NOTHING)
		return 0;
	if (page == t->page && addr < t->end) { /* a word that is no reference led into an object */
		h->lost.overlaps++;
		return 0;
	}
	t->page = page;
	t->end = addr + bytes;
	group = heap_group_of(h, addr, map);
	if (group == HEAP_NO_GROUP)
		return -ENOMEM;
	to = &h->groups->tallies[(size_t)group * h->groups->isolates + page->isolate];
	to->count++;
	to->bytes += bytes;
	to->external_bytes += external_bytes(h, addr, map);
	h->live_count++;
	h->live_bytes += bytes;
	return 0;
}

int heap_tally(struct heap *h)
{
	struct tallying t = {.h = h};
	int err = heap_for_each_live(h, tally, &t);

	h->lost.names += intern_refused(h->names);
	return err ? err : h->err;
}
