/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of references, by what owns them:
 *
 *	Context		a variable, by the ScopeInfo
 *	function	its scope; a property, as of
 *	other objects	a property (in a field, the PropertyArray or a dictionary), an element, an
 *			entry of a Map or Set, the prototype, else an internal field
 *	global object	a global variable (GlobalDictionary, PropertyCell)
 *	module		an export (a Cell)
 *
 * LIMITATIONS: what an object of Node's C++ keeps in an internal field has no name.
 */
#include "census/edge.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "census/heap_internal.h"
#include "census/node.h"

enum { PROPERTIES_WORD = 1, ELEMENTS_WORD, TABLE_WORD };

#define NAME	       192
#define CELL_NAME      1u   /* word of a PropertyCell */
#define PREVIOUS_WORD  3u   /* of a Context: length, ScopeInfo, the one around it */
#define DICTIONARY_AT  5u   /* word of a NameDictionary's prefix: after map, length, header */
#define DICTIONARY_ROW 3u   /* key, value, details */
#define ELEMENTS_AT    2u   /* word of a hash table's number of elements */
#define KEYS_MAX       256  /* that code gives a class or a prototype, at the most */
#define GLOBALS_MAX    1024 /* variables: Node's own are some 80 */
#define TABLE_BUCKETS  4u   /* word of an OrderedHashTable's number of buckets */
#define TABLE_AT       5u   /* word of the first bucket; entries follow the buckets */
#define TABLE_LOAD     2u   /* entries that there is room for, a bucket (OrderedHashTable) */
#define ARRAY_AT       2u   /* word of a FixedArray's first element */

static const struct {
	const char *type;
	uint8_t word;
	const char *name;
} internal_fields[] = {
	{"JSPromise", 3, "result"},
	{"PromiseReaction", 1, "next reaction"},
	{"PromiseReaction", 2, "reject handler"},
	{"PromiseReaction", 3, "fulfill handler"},
	{"PromiseReaction", 4, "promise of a reaction"},
	{"PromiseCapability", 1, "promise"},
	{"PromiseCapability", 2, "resolve function"},
	{"PromiseCapability", 3, "reject function"},
	{"JSBoundFunction", 3, "bound function"},
	{"JSBoundFunction", 4, "bound this"},
	{"JSBoundFunction", 5, "bound argument"},
	{"JSProxy", 2, "target of a proxy"},
	{"JSProxy", 3, "handler of a proxy"},
	{"JSTypedArray", 3, "buffer"},
	{"JSDataView", 3, "buffer"},
	{"JSArrayIterator", 3, "iterated object"},
	{"AccessorPair", 1, "getter"},
	{"AccessorPair", 2, "setter"},
	{"Cell", 1, "value"},
	{"WeakCell", 1, "finalization registry"},
};

/* ---- which object keeps it ---- */

static bool is_part(const struct heap *h, const struct heap_map *part, const struct heap_map *of)
{
	const struct census_types *t = &h->layout->types;

	if (part->type == t->map)
		return of->is_receiver;
	if (part->type == t->property_cell || part->type == t->cell)
		return node_is_store(h, of) || of->type == t->module;
	if (t->context_cell >= 0 && part->type == t->context_cell)
		return heap_is_context(h, of);
	if (node_is_store(h, part))
		return of->is_receiver || of->type == t->module;
	if (node_is_type(h, part, "PromiseReaction"))
		return of->is_receiver || of->type == part->type;
	return false;
}

void edge_from(const struct graph *g, uint64_t to, uint64_t holder, uint32_t word, struct edge *out)
{
	struct heap *h = g->h;

	*out = (struct edge){.to = to, .owner = holder, .word = word};
	while (out->part_count < EDGE_PARTS) {
		uint64_t up = graph_parent(g, out->owner);
		const struct heap_map *part = up ? heap_map_of(h, out->owner) : NULL;
		const struct heap_map *of = up ? heap_map_of(h, up) : NULL;

		if (!part || !of || !is_part(h, part, of))
			return;
		out->parts[out->part_count++] = out->owner;
		out->owner = up;
	}
}

struct search {
	uint64_t wanted;
	uint32_t found;
};

static int is_wanted(void *arg, uint64_t word, uint32_t index)
{
	struct search *s = arg;

	if (word != s->wanted)
		return 0;
	s->found = index;
	return 1;
}

/* The first word of @holder that refers to @to, or EDGE_KEY. */
static uint32_t word_of(struct heap *h, uint64_t holder, uint64_t to)
{
	const struct heap_map *map = heap_map_of(h, holder);
	struct search s = {.wanted = to + 1, .found = EDGE_KEY};

	if (map)
		heap_for_each_reference(h, holder, map, is_wanted, &s);
	if (s.found == EDGE_KEY && heap_word(h, holder, 0) == to + 1)
		return 0;
	return s.found;
}

bool edge_up(const struct graph *g, uint64_t to, struct edge *out)
{
	uint64_t up = graph_parent(g, to);

	if (!up)
		return false;
	edge_from(g, to, up, word_of(g->h, up, to), out);
	return true;
}

bool edge_is_scope(struct heap *h, const struct edge *e)
{
	const struct heap_map *map = heap_map_of(h, e->owner);

	if (!map || e->part_count)
		return false;
	if (heap_is_context(h, map))
		return e->word == PREVIOUS_WORD;
	if (heap_is_function(h, e->owner, map))
		return 8 * (int64_t)e->word == h->layout->offsets.function_context;
	return node_is_suspended(h, e->owner, map) && e->word == NODE_SCOPE;
}

/* ---- what it is called ---- */

static bool is_identifier(const char *name)
{
	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '$' && *c != '#' &&
		    !((unsigned char)*c & 0x80))
			return false;
	}
	return *name;
}

/* As code writes it */
static void put_property(const char *name, char *out, size_t size)
{
	snprintf(out, size, is_identifier(name) ? ".%s" : "[\"%s\"]", name);
}

static bool name_of_suspended(uint32_t word, char *out, size_t size)
{
	static const char *const names[] = {
		[NODE_FUNCTION] = "function", [NODE_SCOPE] = "scope", [NODE_THIS] = "this"};

	snprintf(out, size, "%s",
		 word >= NODE_FUNCTION && word <= NODE_THIS ? names[word] : "local variable");
	return true;
}

static bool name_internal(const struct heap *h, const struct heap_map *map, uint32_t word,
			  char *out, size_t size)
{
	for (size_t i = 0; i < sizeof(internal_fields) / sizeof(internal_fields[0]); i++) {
		if (internal_fields[i].word != word ||
		    !node_is_type(h, map, internal_fields[i].type))
			continue;
		snprintf(out, size, "%s", internal_fields[i].name);
		return true;
	}
	return false;
}

static bool name_variable(struct heap *h, uint64_t context, uint32_t word, char *out, size_t size)
{
	const struct heap_map *map = heap_map_of(h, context);
	char name[NAME];
	unsigned global;

	if (heap_type(h, heap_word(h, context, 8 * word)) == h->layout->types.module)
		snprintf(out, size, "module");
	else if (heap_context_local(h, context, word, name, sizeof(name)))
		snprintf(out, size, "variable `%s`", name);
	else if (map && heap_is_native_context(h, context, map, &global))
		snprintf(out, size, "intrinsic %u", word);
	else
		snprintf(out, size, "slot %u", word);
	return true;
}

/* Whether a hash table has no more than @most keys. */
static bool is_small_table(const struct heap *h, uint64_t table, int most)
{
	uint64_t count = heap_word(h, table, 8 * ELEMENTS_AT);

	return v8_is_smi(count) && v8_smi(count) >= 0 && v8_smi(count) <= most;
}

/* Keys of a dictionary are values, but where it is code that has them: those of classes, prototypes
   and Node's own `process`. So many that nobody wrote them are values there, too. */
static bool may_tell_keys(struct heap *h, const struct edge *e, const struct heap_map *map)
{
	const struct constructor *c;

	if (h->show_values)
		return true;
	if (!is_small_table(h, e->parts[0], KEYS_MAX))
		return false;
	if (map->bits3 & HEAP_MAP_PROTOTYPE || heap_is_function(h, e->owner, map))
		return true;
	c = heap_group(h, heap_group_of(h, e->owner, map));
	return c && !strcmp(c->name, "process");
}

static bool name_entry(struct heap *h, const struct edge *e, char *out, size_t size)
{
	const struct heap_map *map = heap_map_of(h, e->owner);
	uint32_t first = DICTIONARY_AT + (uint32_t)h->layout->dictionary_prefix;
	char name[NAME];

	if (map && may_tell_keys(h, e, map) && e->word >= first &&
	    (e->word - first) % DICTIONARY_ROW == 1 &&
	    heap_name_string(h, heap_word(h, e->parts[0], 8 * (e->word - 1)), name, sizeof(name)))
		put_property(name, out, size);
	else
		snprintf(out, size, "a property");
	return true;
}

/* By its PropertyCell. */
static bool name_global(struct heap *h, const struct edge *e, char *out, size_t size)
{
	char name[NAME];

	if (!h->show_values &&
	    (e->part_count < 2 || !is_small_table(h, e->parts[1], GLOBALS_MAX))) {
		snprintf(out, size, "a property");
		return true;
	}
	if (!heap_name_string(h, heap_word(h, e->parts[0], 8 * CELL_NAME), name, sizeof(name)))
		return false;
	put_property(name, out, size);
	return true;
}

static bool name_property(struct heap *h, const struct edge *e, char *out, size_t size)
{
	const struct heap_map *part = heap_map_of(h, e->parts[0]);
	char name[NAME];

	if (part && part->type == h->layout->types.property_cell)
		return name_global(h, e, out, size);
	if (!part || part->type != h->layout->types.property_array)
		return name_entry(h, e, out, size);
	if (!heap_property_name(h, e->owner, e->parts[0], e->word, name, sizeof(name)))
		return false;
	put_property(name, out, size);
	return true;
}

static bool name_element(const struct heap *h, const struct edge *e, const struct heap_map *map,
			 const struct heap_map *part, char *out, size_t size)
{
	bool is_plain = part->type == h->layout->v8->types.fixed_array;

	/* Indexes into an array are code's; into other objects they may be somebody's number */
	if (is_plain && e->word >= ARRAY_AT &&
	    (h->show_values || map->type == h->layout->types.js_array))
		snprintf(out, size, "[%u]", e->word - ARRAY_AT);
	else
		snprintf(out, size, "an element");
	return true;
}

/* Words of an entry of a Map's table: 3; of a Set's: 2. By its Map, or else by its size. */
static uint32_t entry_words(const struct heap *h, const struct heap_map *map, uint64_t table)
{
	uint64_t length = heap_word(h, table, 8), buckets = heap_word(h, table, 8 * TABLE_BUCKETS);
	int64_t rest;

	if (map->type == h->layout->types.js_map)
		return 3;
	if (map->type == h->layout->types.js_set)
		return 2;
	if (!v8_is_smi(length) || !v8_is_smi(buckets) || v8_smi(buckets) <= 0)
		return 0;
	rest = (int64_t)v8_smi(length) - (TABLE_AT - ARRAY_AT) - v8_smi(buckets);
	for (uint32_t words = 2; words <= 3; words++) {
		if (rest == (int64_t)TABLE_LOAD * words * v8_smi(buckets))
			return words;
	}
	return 0;
}

static bool name_collected(struct heap *h, const struct edge *e, const struct heap_map *map,
			   char *out, size_t size)
{
	uint64_t table = e->parts[0], buckets = heap_word(h, table, 8 * TABLE_BUCKETS);
	uint32_t words = entry_words(h, map, table), at, first;
	char key[NAME];

	first = TABLE_AT + (uint32_t)v8_smi(buckets);
	if (!words || !v8_is_smi(buckets) || e->word < first) {
		snprintf(out, size, "an entry");
		return true;
	}
	at = (e->word - first) % words;
	if (words == 2)
		snprintf(out, size, "an entry");
	else if (at == 0)
		snprintf(out, size, "key of an entry");
	else if (h->show_values &&
		 heap_name_string(h, heap_word(h, table, 8 * (e->word - at)), key, sizeof(key)))
		snprintf(out, size, "value of `%s`", key);
	else
		snprintf(out, size, "value of an entry");
	return true;
}

/* The Cell of an exported variable is the value of its name in a table of the module. */
struct export_search {
	struct heap *h;
	uint64_t cell, table;
	char *name;
	size_t size;
};

static int is_export(void *arg, uint64_t word, uint32_t index)
{
	struct export_search *s = arg;

	return word == s->cell + 1 && index > ARRAY_AT &&
	       heap_name_string(s->h, heap_word(s->h, s->table, 8 * (index - 1)), s->name, s->size);
}

static int look_for_export(void *arg, uint64_t word, uint32_t index)
{
	struct export_search *s = arg;
	const struct heap_map *map = heap_map_of(s->h, word - 1);

	(void)index;
	if (!map || !node_is_store(s->h, map))
		return 0;
	s->table = word - 1;
	return heap_for_each_reference(s->h, s->table, map, is_export, s);
}

static bool name_export(struct heap *h, const struct edge *e, const struct heap_map *module,
			char *out, size_t size)
{
	char name[NAME];
	struct export_search s = {.h = h, .cell = e->parts[0], .name = name, .size = sizeof(name)};

	if (heap_for_each_reference(h, e->owner, module, look_for_export, &s) <= 0)
		return false;
	snprintf(out, size, "export `%s`", name);
	return true;
}

/* Of what @e->owner keeps in another object of V8's. */
static bool name_part(struct heap *h, const struct edge *e, const struct heap_map *map, char *out,
		      size_t size)
{
	uint64_t last = e->parts[e->part_count - 1];
	const struct heap_map *part = heap_map_of(h, e->parts[0]);
	uint32_t word = word_of(h, e->owner, last);

	if (!part)
		return false;
	if (part->type == h->layout->types.map) {
		snprintf(out, size, "%s",
			 8 * (int64_t)e->word != h->layout->offsets.map_prototype ? "hidden class"
			 : word							  ? ".prototype"
										  : "prototype");
		return true;
	}
	if (heap_is_context(h, map))
		return name_variable(h, e->owner, word, out, size);
	if (part->type == h->layout->types.cell)
		return name_export(h, e, map, out, size);
	if (!map->is_receiver)
		return false;
	if (!node_is_store(h, part) && part->type != h->layout->types.property_cell)
		return name_internal(h, part, e->word, out, size);
	switch (word) {
	case PROPERTIES_WORD:
		return name_property(h, e, out, size);
	case ELEMENTS_WORD:
		return name_element(h, e, map, part, out, size);
	case TABLE_WORD:
		return name_collected(h, e, map, out, size);
	default:
		if (node_is_suspended(h, e->owner, map))
			return name_of_suspended(word, out, size);
		return name_internal(h, map, word, out, size);
	}
}

static bool is_code(struct heap *h, uint64_t addr)
{
	const struct heap_map *map = heap_map_of(h, addr);

	return map && (map->type == h->layout->v8->types.shared_info ||
		       heap_is_function(h, addr, map) || node_is_suspended(h, addr, map));
}

static bool name_field(struct heap *h, const struct edge *e, const struct heap_map *map, char *out,
		       size_t size)
{
	char name[NAME];

	if (heap_is_context(h, map)) {
		if (e->word != PREVIOUS_WORD)
			return name_variable(h, e->owner, e->word, out, size);
		snprintf(out, size, "scope");
		return true;
	}
	if (edge_is_scope(h, e)) {
		snprintf(out, size, "scope");
		return true;
	}
	if (map->is_receiver &&
	    heap_property_name(h, e->owner, e->owner, e->word, name, sizeof(name))) {
		put_property(name, out, size);
		return true;
	}
	if (node_is_suspended(h, e->owner, map))
		return name_of_suspended(e->word, out, size);
	if (map->type == h->layout->types.module && is_code(h, e->to)) {
		snprintf(out, size, "code");
		return true;
	}
	return name_internal(h, map, e->word, out, size);
}

void edge_name(const struct graph *g, const struct edge *e, char *out, size_t size)
{
	const struct heap_map *map = heap_map_of(g->h, e->owner);
	bool has_name = false;

	if (e->word == EDGE_KEY) {
		snprintf(out, size, "value of a WeakMap's entry, whose key is this");
		return;
	}
	if (map && e->part_count)
		has_name = name_part(g->h, e, map, out, size);
	else if (map)
		has_name = name_field(g->h, e, map, out, size);
	if (!has_name)
		snprintf(out, size, "an internal field");
}
