/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of objects. JavaScript's are called as their constructor is, functions and modules by what
 * and where they are, V8's own by words in place of class names that only its sources explain.
 */
#include "census/node.h"

#include <stdio.h>
#include <string.h>

#include "census/heap_internal.h"

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
	{"SourceTextModule", "module"},
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

static void describe_function(struct heap *h, uint64_t addr, struct node *out)
{
	const struct v8_function *fn = heap_function(h, addr);

	snprintf(out->name, sizeof(out->name), "function %s",
		 fn && *fn->name ? fn->name : "(anonymous)");
	if (fn && fn->script) {
		out->file = fn->script->file;
		out->line = fn->line;
	}
}

static void describe_module(struct heap *h, uint64_t addr, struct node *out)
{
	char path[1024];

	if (heap_name_string(h, heap_own_property(h, addr, "filename"), path, sizeof(path)) ||
	    heap_name_string(h, heap_own_property(h, addr, "id"), path, sizeof(path)))
		out->file = intern_str(h->names, path);
}

static void describe_receiver(struct heap *h, uint64_t addr, const struct heap_map *map,
			      struct node *out)
{
	const struct constructor *c = heap_group(h, heap_group_of(h, addr, map));

	if (map->type == h->layout->types.js_global) {
		snprintf(out->name, sizeof(out->name), "globalThis");
		return;
	}
	snprintf(out->name, sizeof(out->name), "%s", c && c->name ? c->name : "Object");
	if (!strcmp(out->name, MODULE_CLASS))
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
	} else if (map->is_receiver) {
		describe_receiver(h, addr, map, out);
	} else {
		describe_own(h, map, out);
	}
}
