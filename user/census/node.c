/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of objects. JavaScript's are called as their constructor is, functions and modules by what
 * and where they are, V8's own by words in place of class names that only its sources explain.
 */
#include "census/node.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MODULE_CLASS "Module" /* of Node: a CommonJS module */

static const struct {
	const char *type, *name;
} own_names[] = {
	{"Map", "hidden class"},
	{"PropertyCell", "global variable"},
	{"Cell", "cell"},
	{"PromiseReaction", "promise reaction"},
	{"PromiseCapability", "promise capability"},
	{"SharedFunctionInfo", "code"},
	{"FeedbackVector", "feedback"},
	{"FeedbackCell", "feedback"},
	{"ScopeInfo", "scope"},
	{"Script", "script"},
	{"SyntheticModule", "module"},
	{"AccessorPair", "accessor"},
	{"WeakCell", "weak cell"},
	{"TransitionArray", "hidden classes"},
	{"DescriptorArray", "hidden class"},
	{"PrototypeInfo", "hidden class"},
	{"BytecodeArray", "code"},
	{"Code", "code"},
	{"InstructionStream", "code"},
	{"AllocationSite", "feedback"},
};

bool node_is_type(const struct heap *h, const struct heap_map *map, const char *name)
{
	return map->type < CENSUS_TYPES && !strcmp(h->layout->names[map->type], name);
}

bool node_is_store(const struct heap *h, const struct heap_map *map)
{
	const struct census_types *t = &h->layout->types;

	if (map->is_receiver || heap_is_context(h, map))
		return false;
	return map->visit == HEAP_EPHEMERONS || map->type == t->property_array ||
	       map->type == t->embedder_data || map->type == t->array_list ||
	       (map->type >= h->layout->v8->types.fixed_array && map->type < t->array_end);
}

bool node_is_realm(struct heap *h, uint64_t addr)
{
	const struct heap_map *map = heap_map_of(h, addr);
	unsigned global;

	return map && (map->type == h->layout->types.js_global ||
		       heap_is_native_context(h, addr, map, &global));
}

static void put_place(const struct v8_function *fn, struct node *out)
{
	if (!fn || !fn->script)
		return;
	out->file = fn->script->file;
	out->line = fn->line;
}

static void describe_function(struct heap *h, uint64_t addr, struct node *out)
{
	const struct v8_function *fn = heap_function(h, addr);

	snprintf(out->name, sizeof(out->name), "function %s",
		 fn && *fn->name ? fn->name : "(anonymous)");
	put_place(fn, out);
}

/* Of Node itself, not of a program's file: there it has no path */
static bool is_nodes(const struct constructor *c)
{
	return c && (!c->file || (c->file[0] != '/' && !strstr(c->file, "://")));
}

/* A CommonJS module. */
static void describe_module(struct heap *h, uint64_t addr, struct node *out)
{
	char path[PATH_MAX];

	if (heap_name_string(h, heap_own_property(h, addr, "filename"), path, sizeof(path)) ||
	    heap_name_string(h, heap_own_property(h, addr, "id"), path, sizeof(path)))
		out->file = intern_str(h->names, path);
}

struct module_search {
	struct heap *h;
	struct node *out;
};

/* What runs it: its code, then its function, then that suspended */
static int is_code_of_module(void *arg, uint64_t word, uint32_t index)
{
	struct module_search *s = arg;
	struct heap *h = s->h;
	uint64_t addr = word - 1;
	const struct heap_map *map = heap_map_of(h, addr);

	(void)index;
	if (!map)
		return 0;
	if (map->type == h->layout->v8->types.shared_info)
		put_place(v8_function_get(&h->functions, word, 0, 0), s->out);
	else if (heap_is_function(h, addr, map))
		put_place(heap_function(h, addr), s->out);
	else if (node_is_suspended(h, addr, map))
		put_place(heap_function(h, heap_word(h, addr, 8 * NODE_FUNCTION) - 1), s->out);
	s->out->line = 0;
	return s->out->file != NULL;
}

/* An ECMAScript module. */
static void describe_source_module(struct heap *h, uint64_t addr, const struct heap_map *map,
				   struct node *out)
{
	struct module_search s = {.h = h, .out = out};

	snprintf(out->name, sizeof(out->name), "module");
	heap_for_each_reference(h, addr, map, is_code_of_module, &s);
}

bool node_is_suspended(struct heap *h, uint64_t addr, const struct heap_map *map)
{
	uint64_t function = heap_word(h, addr, 8 * NODE_FUNCTION);
	uint64_t context = heap_word(h, addr, 8 * NODE_SCOPE);
	const struct heap_map *f, *c;

	if (!map->is_receiver || map->words <= NODE_SCOPE || !heap_is_reference(function) ||
	    !heap_is_reference(context))
		return false;
	f = heap_map_of(h, function - 1);
	c = heap_map_of(h, context - 1);
	return f && c && heap_is_function(h, function - 1, f) && heap_is_context(h, c);
}

static void describe_suspended(struct heap *h, uint64_t addr, struct node *out)
{
	const struct v8_function *fn = heap_function(h, heap_word(h, addr, 8 * NODE_FUNCTION) - 1);

	snprintf(out->name, sizeof(out->name), "suspended function %s",
		 fn && *fn->name ? fn->name : "(anonymous)");
	put_place(fn, out);
}

static void describe_receiver(struct heap *h, uint64_t addr, const struct heap_map *map,
			      struct node *out)
{
	const struct constructor *c = heap_group(h, heap_group_of(h, addr, map));

	if (map->type == h->layout->types.js_global) {
		snprintf(out->name, sizeof(out->name), "globalThis");
		return;
	}
	/* {}: without named properties, it is a table of elements */
	snprintf(out->name, sizeof(out->name), "%s",
		 c && c->name && strcmp(c->name, "{}") != 0 ? c->name : "Object");
	if (!strcmp(out->name, MODULE_CLASS) && is_nodes(c))
		describe_module(h, addr, out);
}

static void describe_own(const struct heap *h, const struct heap_map *map, struct node *out)
{
	const char *type = map->type < CENSUS_TYPES ? h->layout->names[map->type] : "";

	if (map->type < h->layout->v8->types.first_nonstring)
		type = "string";
	else if (node_is_store(h, map))
		type = "array";
	else if (map->type == h->layout->types.map)
		type = "Map";
	for (size_t i = 0; i < sizeof(own_names) / sizeof(own_names[0]); i++) {
		if (!strcmp(type, own_names[i].type))
			type = own_names[i].name;
	}
	if (*type)
		snprintf(out->name, sizeof(out->name), "%s", type);
	else
		snprintf(out->name, sizeof(out->name), "object of V8 (type %u)", map->type);
}

void node_describe(struct heap *h, uint64_t addr, struct node *out)
{
	const struct heap_map *map = heap_map_of(h, addr);
	unsigned global;

	*out = (struct node){0};
	if (!map) {
		snprintf(out->name, sizeof(out->name), "object");
	} else if (heap_is_function(h, addr, map)) {
		describe_function(h, addr, out);
	} else if (heap_is_context(h, map)) {
		snprintf(out->name, sizeof(out->name), "%s",
			 heap_is_native_context(h, addr, map, &global) ? "NativeContext"
								       : "Context");
	} else if (node_is_suspended(h, addr, map)) {
		describe_suspended(h, addr, out);
	} else if (map->type == h->layout->types.module) {
		describe_source_module(h, addr, map, out);
	} else if (map->is_receiver) {
		describe_receiver(h, addr, map, out);
	} else {
		describe_own(h, map, out);
	}
}
