/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Scripts of V8's heap, cached by address.
 *
 * A script is read anew at each use (one read): V8 may have put another one there. Its lines are
 * found once: by the line ends that V8 keeps with a script once it has needed them, else by the
 * source text, for which it ends a line as V8 does (\n, \r, \r\n, U+2028, U+2029).
 *
 * LIMITATIONS
 *   - Code made by eval() or new Function() has no file: it is named after the one that it
 *     was called from, and its lines are those of the text that it was made from.
 *   - No lines for a source of more than MAX_SOURCE characters, or one that V8 has dropped.
 *   - WebAssembly has no lines.
 */
#include "v8/v8_script.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "v8/v8_origin.h"
#include "v8/v8_string.h"

#define MAX_SCRIPTS    4096
#define MAX_LINE_BYTES (32u << 20) /* of all scripts' line ends */
#define MAX_SOURCE     (32u << 20)
#define MAX_FIRST_LINE (1 << 24)
#define NAME_BYTES     4096
#define SCRIPT_BYTES   96
#define EVAL_FROM_OFFSET                                                                           \
	72 /* eval_from_shared...: the function that called eval(), on all versions */
#define MAX_EVAL_DEPTH 4

/* The fields of a script that are needed, as read at once. */
struct fields {
	uint64_t words[SCRIPT_BYTES / 8];
};

static uint64_t word(const struct fields *f, int32_t offset)
{
	return offset >= 0 && offset < SCRIPT_BYTES ? f->words[offset / 8] : 0;
}

int v8_scripts_init(struct v8_scripts *s, struct v8_heap *heap, struct intern *names)
{
	*s = (struct v8_scripts){.heap = heap, .names = names};
	return hmap_init(&s->all);
}

void v8_scripts_clear(struct v8_scripts *s)
{
	struct hmap_node *node = hmap_next(&s->all, NULL);

	while (node) {
		struct v8_script *script = hmap_entry(node, struct v8_script, node);

		node = hmap_next(&s->all, node);
		hmap_remove(&s->all, &script->node);
		free(script->line_ends);
		free(script);
	}
	s->bytes = 0;
}

void v8_scripts_release(struct v8_scripts *s)
{
	if (!s->all.buckets)
		return;
	v8_scripts_clear(s);
	hmap_release(&s->all);
}

bool v8_scripts_are_full(const struct v8_scripts *s)
{
	return s->all.count >= MAX_SCRIPTS || s->bytes >= MAX_LINE_BYTES;
}

/* ---- reading one ---- */

static bool fields_read(struct v8_heap *h, uint64_t address, struct fields *out)
{
	return !v8_heap_read(h, address, 0, out->words, sizeof(out->words)) &&
	       v8_heap_type_by_map(h, out->words[0]) == h->layout->types.script;
}

/* The name of a script, or of the one whose code called eval(); false if there is none. */
static bool file_name(struct v8_heap *h, const struct fields *f, char *out, size_t size)
{
	const struct v8_offsets *o = &h->layout->offsets;
	struct fields outer = *f;
	const char *prefix = "";
	char name[NAME_BYTES];

	for (int depth = 0; depth < MAX_EVAL_DEPTH; depth++) {
		uint64_t from;

		if (v8_string_read(h, word(&outer, o->script_name), name, sizeof(name)) > 0) {
			v8_path_of_url(name);
			snprintf(out, size, "%s%s", prefix, name);
			return true;
		}
		from = word(&outer, EVAL_FROM_OFFSET);
		if (v8_heap_type(h, from) != h->layout->types.shared_info ||
		    !fields_read(h, v8_heap_word(h, from, o->shared_script), &outer))
			return false;
		prefix = "eval at ";
	}
	return false;
}

static void name_it(struct v8_scripts *s, const struct fields *f, struct v8_script *script)
{
	bool is_old = s->heap->layout->version < V8_VERSION(9, 0, 0);
	char name[NAME_BYTES + 16];
	const char *path = name;

	script->file = NULL;
	script->origin = FRAME_USER;
	if (!file_name(s->heap, f, name, sizeof(name)))
		return;
	if (!strncmp(name, "eval at ", 8))
		path += 8;
	script->origin = (uint8_t)v8_origin(path, is_old);
	script->file = intern_str(s->names, name);
}

/* Also in place of another one that was there before. */
static void script_fill(struct v8_scripts *s, const struct fields *f, uint64_t address,
			struct v8_script *script)
{
	const struct v8_offsets *o = &s->heap->layout->offsets;

	s->bytes -= script->lines * sizeof(*script->line_ends);
	free(script->line_ends);
	script->line_ends = NULL;
	script->lines = 0;
	script->has_lines = false;
	script->address = address;
	script->source = word(f, o->script_source);
	script->id = v8_smi(word(f, o->script_id));
	script->first_line = v8_smi(word(f, o->script_line_offset));
	if (script->first_line < 0 || script->first_line > MAX_FIRST_LINE)
		script->first_line = 0;
	name_it(s, f, script);
}

static bool is_same(const struct v8_script *script, const struct fields *f,
		    const struct v8_offsets *o)
{
	return script->id == v8_smi(word(f, o->script_id)) &&
	       script->source == word(f, o->script_source);
}

static struct v8_script *script_find(const struct v8_scripts *s, uint64_t address)
{
	struct hmap_node *node = hmap_find(&s->all, address);

	return node ? hmap_entry(node, struct v8_script, node) : NULL;
}

struct v8_script *v8_script_get(struct v8_scripts *s, uint64_t address)
{
	const struct v8_offsets *o = &s->heap->layout->offsets;
	struct v8_script *script = script_find(s, address);
	struct fields f;

	if (!fields_read(s->heap, address, &f)) {
		errno = EINVAL;
		return NULL;
	}
	if (script && is_same(script, &f, o))
		return script;
	if (!script) {
		script = calloc(1, sizeof(*script));
		if (!script)
			return NULL;
		hmap_add(&s->all, &script->node, address);
	}
	script_fill(s, &f, address, script);
	return script;
}

/* ---- lines ---- */

/* Line ends as they are found in a text. */
struct line_counter {
	int32_t *ends;
	uint32_t count, capacity;
	int32_t position;
	bool is_after_cr, is_failed;
};

static void line_add(struct line_counter *c, int32_t position)
{
	if (c->count == c->capacity) {
		uint32_t capacity = c->capacity ? 2 * c->capacity : 256;
		int32_t *ends = realloc(c->ends, capacity * sizeof(*ends));

		if (!ends) {
			c->is_failed = true;
			return;
		}
		c->ends = ends;
		c->capacity = capacity;
	}
	c->ends[c->count++] = position;
}

static int line_piece(void *arg, const void *units, size_t count, bool is_one_byte)
{
	const uint8_t *bytes = units;
	struct line_counter *c = arg;

	for (size_t i = 0; i < count && !c->is_failed; i++) {
		uint16_t unit = bytes[i];

		if (!is_one_byte)
			memcpy(&unit, bytes + 2 * i, sizeof(unit));
		if (unit == '\n' && c->is_after_cr) /* the line ends at the \n */
			c->ends[c->count - 1] = c->position;
		else if (unit == '\n' || unit == '\r' || unit == 0x2028 || unit == 0x2029)
			line_add(c, c->position);
		c->is_after_cr = unit == '\r';
		c->position++;
	}
	return c->is_failed;
}

static void lines_by_source(struct v8_scripts *s, struct v8_script *script)
{
	struct line_counter c = {0};

	if (v8_string_walk(s->heap, script->source, MAX_SOURCE, line_piece, &c) || c.is_failed ||
	    !c.position) {
		free(c.ends);
		return;
	}
	line_add(&c, c.position); /* of the last line */
	script->line_ends = c.ends;
	script->lines = c.count;
}

static void lines_by_v8(struct v8_scripts *s, struct v8_script *script)
{
	const struct v8_layout *l = s->heap->layout;
	uint64_t array = v8_heap_word(s->heap, script->address, l->offsets.script_line_ends);
	int n = v8_heap_type(s->heap, array) == l->types.fixed_array
			? v8_heap_array_length(s->heap, array)
			: 0;
	uint64_t *words = n > 0 ? malloc((size_t)n * sizeof(*words)) : NULL;
	int32_t *ends = words ? malloc((size_t)n * sizeof(*ends)) : NULL;

	if (!ends || v8_heap_read(s->heap, array, l->offsets.array_data, words,
				  (size_t)n * sizeof(*words))) {
		free(words);
		free(ends);
		return;
	}
	for (int i = 0; i < n; i++)
		ends[i] = v8_is_smi(words[i]) ? v8_smi(words[i]) : INT32_MAX;
	free(words);
	script->line_ends = ends;
	script->lines = (uint32_t)n;
}

uint32_t v8_script_line(struct v8_scripts *s, struct v8_script *script, int32_t position)
{
	uint32_t low = 0, high;

	if (position < 0)
		return 0;
	if (!script->has_lines) {
		script->has_lines = true;
		lines_by_v8(s, script);
		if (!script->line_ends)
			lines_by_source(s, script);
		s->bytes += script->lines * sizeof(*script->line_ends);
	}
	if (!script->line_ends)
		return 0;
	high = script->lines;
	while (low < high) { /* the first line that ends at or behind it */
		uint32_t mid = low + (high - low) / 2;

		if (script->line_ends[mid] >= position)
			high = mid;
		else
			low = mid + 1;
	}
	return low < script->lines ? low + 1 + (uint32_t)script->first_line : 0;
}
