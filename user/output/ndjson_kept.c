/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output/ndjson_kept.h"

#include "model/census.h"

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

const struct site_key verdict_constructor_keys[] = {
	{"name", "as in constructor"},
	{"kind", "as in constructor"},
	{"file", "as in constructor"},
	{"line", "as in constructor"},
	{"delta_count", "change between the two censuses"},
	{"delta_bytes", "the same of bytes"},
	{"count", "live objects"},
	{"bytes", "that they take, those outside of the heap included"},
};
const size_t verdict_constructor_key_count = COUNT_OF(verdict_constructor_keys);

const struct site_key verdict_retainer_keys[] = {
	{"container", "what holds them: Map, Array, ...; absent: no one container does"},
	{"share", "of the objects that it holds, 0..1"},
	{"count", "objects that are reached through it only, or first"},
	{"bytes", "of these"},
	{"edge", "how the container, or one of the objects, is referred to: variable, property"},
	{"node", "by what"},
	{"file", "of that, or of the next on the way to a root that has one"},
	{"line", "of that in the file"},
};
const size_t verdict_retainer_key_count = COUNT_OF(verdict_retainer_keys);

static void add_source(struct json *j, const char *file, uint32_t line)
{
	if (file[0])
		json_strn(j, "file", file, KEPT_FILE);
	if (line)
		json_u64(j, "line", line);
}

static void add_by(struct json *j, const struct kept_by *by)
{
	json_object_begin(j, "retainer");
	if (by->container[0]) {
		json_strn(j, "container", by->container, KEPT_NAME);
		json_fixed(j, "share", by->share, 4);
		json_u64(j, "count", by->count);
		json_u64(j, "bytes", by->bytes);
	}
	json_strn(j, "edge", by->edge, KEPT_NAME);
	json_strn(j, "node", by->node, KEPT_NAME);
	add_source(j, by->file, by->line);
	json_object_end(j);
}

void ndjson_kept_add(struct json *j, const struct kept *k)
{
	json_array_begin(j, "constructors");
	for (unsigned i = 0; i < k->count && i < KEPT_MAX; i++) {
		const struct kept_constructor *c = &k->constructors[i];

		json_object_begin(j, NULL);
		json_strn(j, "name", c->name, KEPT_NAME);
		json_str(j, "kind", census_kind_name(c->kind));
		add_source(j, c->file, c->line);
		json_i64(j, "delta_count", c->delta_count);
		json_i64(j, "delta_bytes", c->delta_bytes);
		json_u64(j, "count", c->count);
		json_u64(j, "bytes", c->bytes);
		if (c->by.edge[0] || c->by.node[0])
			add_by(j, &c->by);
		json_object_end(j);
	}
	json_array_end(j);
}
