/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/kept_json.h"

#include "model/census.h"

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

void kept_json_add(struct json *j, const struct kept *k)
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

void kept_json_write(struct strbuf *b, const struct kept *k)
{
	struct json j;

	json_begin(&j, b);
	json_u64(&j, "taken_ns", k->taken_ns);
	json_fixed(&j, "seconds", k->seconds, 3);
	json_array_begin(&j, "pauses_ns");
	json_u64(&j, NULL, k->pauses_ns[0]);
	json_u64(&j, NULL, k->pauses_ns[1]);
	json_array_end(&j);
	kept_json_add(&j, k);
	json_end(&j);
	if (b->len && b->cap && b->s[b->len - 1] == '\n')
		b->s[--b->len] = '\0';
}
