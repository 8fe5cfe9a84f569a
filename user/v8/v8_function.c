/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Functions, cached by the address of their SharedFunctionInfo.
 *
 * V8 moves and frees SharedFunctionInfos when it compacts its heap. What never changes is the id
 * of the script and, within it, of the function literal. The BPF side has read both at the
 * moment of the sample, so a function that is known by address and ids needs no read. After
 * v8_functions_moved(), and where the ids are not known, it is read again and must be as it was.
 *
 * The object graph, from a SharedFunctionInfo:
 *
 *	name_or_scope_info -> String, or ScopeInfo (v8_scope_info.h) once it was compiled
 *	script             -> Script (or DebugInfo, under a debugger) -> name, source, line ends
 *	function_data      -> BytecodeArray, or what leads to it:
 *	                      InterpreterData, BaselineData, baseline Code; UncompiledData, which
 *	                      says where it begins, if it has not run
 *
 * LIMITATIONS: two isolates of a process (worker_threads) number their scripts alike. A function
 * that takes the very place of one of another isolate, with the same ids, has its name until
 * the next check.
 */
#include "v8/v8_function.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "v8/v8_positions.h"
#include "v8/v8_scope_info.h"
#include "v8/v8_string.h"

#define MAX_FUNCTIONS	 8192
#define MAX_BYTES	 (16u << 20)
#define NAME_BYTES	 512
#define MAX_INDIRECTIONS 3

static uint64_t word(const uint64_t *words, int32_t offset)
{
	return offset >= 0 && offset / 8 < V8_SHARED_WORDS ? words[offset / 8] : 0;
}

static int32_t half_word(const uint64_t *words, int32_t offset)
{
	return (int32_t)(word(words, offset) >> (offset % 8 ? 32 : 0));
}

/* ---- the cache ---- */

int v8_functions_init(struct v8_functions *f, struct v8_heap *heap, struct intern *names)
{
	int err;

	*f = (struct v8_functions){.heap = heap, .names = names};
	err = v8_scripts_init(&f->scripts, heap, names);
	return err ? err : hmap_init(&f->all);
}

static void bytecode_drop(struct v8_functions *f, struct v8_function *fn)
{
	f->bytes -= fn->positions_len + fn->bytecode_len;
	free(fn->positions);
	free(fn->bytecode);
	fn->positions = fn->bytecode = NULL;
	fn->positions_len = fn->bytecode_len = 0;
	fn->has_bytecode = false;
}

void v8_functions_clear(struct v8_functions *f)
{
	struct hmap_node *node = hmap_next(&f->all, NULL);

	while (node) {
		struct v8_function *fn = hmap_entry(node, struct v8_function, node);

		node = hmap_next(&f->all, node);
		hmap_remove(&f->all, &fn->node);
		bytecode_drop(f, fn);
		free(fn);
	}
	v8_scripts_clear(&f->scripts);
}

void v8_functions_release(struct v8_functions *f)
{
	if (f->all.buckets)
		v8_functions_clear(f);
	hmap_release(&f->all);
	v8_scripts_release(&f->scripts);
}

void v8_functions_trim(struct v8_functions *f)
{
	if (f->all.count >= MAX_FUNCTIONS || f->bytes >= MAX_BYTES ||
	    v8_scripts_are_full(&f->scripts))
		v8_functions_clear(f);
}

void v8_functions_moved(struct v8_functions *f)
{
	f->generation++;
}

/* ---- reading one ---- */

static int shared_read(struct v8_heap *h, uint64_t shared, uint64_t *words)
{
	memset(words, 0, V8_SHARED_WORDS * sizeof(*words));
	/* It may be shorter, and end with its page */
	if (v8_heap_read(h, shared, 0, words, V8_SHARED_WORDS * sizeof(*words)) &&
	    v8_heap_read(h, shared, 0, words, (V8_SHARED_WORDS - 1) * sizeof(*words)))
		return -EFAULT;
	return v8_heap_type_by_map(h, words[0]) == h->layout->types.shared_info ? 0 : -EINVAL;
}

/* The script of a SharedFunctionInfo; NULL if it has none. */
static struct v8_script *script_of(struct v8_functions *f, const uint64_t *words)
{
	const struct v8_layout *l = f->heap->layout;
	uint64_t script = word(words, l->offsets.shared_script);
	int type = v8_heap_type(f->heap, script);

	if (type != V8_NO_TYPE && type == l->types.debug_info)
		script = v8_heap_word(f->heap, script, l->offsets.debug_info_script);
	else if (type != l->types.script)
		return NULL;
	return v8_script_get(&f->scripts, script);
}

static bool is_uncompiled(const struct v8_layout *l, int type)
{
	for (int i = 0; i < V8_UNCOMPILED_TYPES; i++) {
		if (type == l->types.uncompiled[i])
			return type != V8_NO_TYPE;
	}
	return false;
}

/*
 * Where a function begins that has not run yet. What it has in place of code is its data, from
 * V8 12 on in the word behind that.
 */
static int32_t uncompiled_position(struct v8_heap *h, const uint64_t *words)
{
	const struct v8_offsets *o = &h->layout->offsets;
	int32_t start;

	for (int32_t offset = o->shared_data; offset <= o->shared_data + 8; offset += 8) {
		uint64_t data = word(words, offset);

		if (is_uncompiled(h->layout, v8_heap_type(h, data)))
			return v8_heap_read(h, data, o->uncompiled_start, &start, sizeof(start))
				       ? -1
				       : start;
	}
	return -1;
}

static void name_it(struct v8_functions *f, struct v8_function *fn)
{
	uint64_t object = word(fn->words, f->heap->layout->offsets.shared_name);
	int type = v8_heap_type(f->heap, object);
	char name[NAME_BYTES] = "";

	fn->position = -1;
	if (type != V8_NO_TYPE && type == f->heap->layout->types.scope_info)
		v8_scope_info_read(f->heap, object, name, sizeof(name), &fn->position);
	else if (v8_heap_is_string(f->heap, type))
		v8_string_read(f->heap, object, name, sizeof(name));
	if (fn->position < 0 && fn->script)
		fn->position = uncompiled_position(f->heap, fn->words);
	fn->name = intern_str(f->names, name);
}

static void function_fill(struct v8_functions *f, struct v8_function *fn, const uint64_t *words)
{
	bytecode_drop(f, fn);
	memcpy(fn->words, words, sizeof(fn->words));
	fn->literal_id = half_word(words, f->heap->layout->offsets.shared_literal_id);
	fn->script = script_of(f, words);
	fn->script_id = fn->script ? fn->script->id : 0;
	name_it(f, fn);
	fn->line = 0;
}

/* While V8 moves a script's source it cannot be read: then the line is known later. */
static void find_line(struct v8_functions *f, struct v8_function *fn)
{
	if (!fn->line)
		fn->line = v8_function_position_line(f, fn, fn->position);
}

/* Whether @words are those of the function that @fn is. */
static bool is_same(struct v8_functions *f, const struct v8_function *fn, const uint64_t *words)
{
	const struct v8_offsets *o = &f->heap->layout->offsets;
	struct v8_script *script;

	if (word(words, o->shared_name) != word(fn->words, o->shared_name) ||
	    word(words, o->shared_script) != word(fn->words, o->shared_script) ||
	    half_word(words, o->shared_literal_id) != fn->literal_id)
		return false;
	script = script_of(f, words);
	return script == fn->script && (!script || script->id == fn->script_id);
}

static struct v8_function *function_find(const struct v8_functions *f, uint64_t shared)
{
	struct hmap_node *node = hmap_find(&f->all, shared);

	return node ? hmap_entry(node, struct v8_function, node) : NULL;
}

/* Of what has no script the kernel side takes something else for the script's id. */
static bool has_ids(const struct v8_function *fn, int32_t script_id, int32_t literal_id)
{
	if (fn->literal_id != literal_id)
		return false;
	return !fn->script || (fn->script_id == script_id && fn->script->id == script_id);
}

struct v8_function *v8_function_get(struct v8_functions *f, uint64_t shared, int32_t script_id,
				    int32_t literal_id)
{
	struct v8_function *fn = function_find(f, shared);
	uint64_t words[V8_SHARED_WORDS];
	int err;

	if (fn && script_id && fn->generation == f->generation &&
	    has_ids(fn, script_id, literal_id)) {
		find_line(f, fn);
		return fn;
	}
	err = shared_read(f->heap, shared, words);
	if (err) {
		errno = EINVAL;
		return NULL;
	}
	if (!fn) {
		fn = calloc(1, sizeof(*fn));
		if (!fn)
			return NULL;
		fn->shared = shared;
		hmap_add(&f->all, &fn->node, shared);
		function_fill(f, fn, words);
	} else if (!is_same(f, fn, words)) {
		function_fill(f, fn, words);
	}
	find_line(f, fn);
	fn->generation = f->generation;
	if (script_id && !has_ids(fn, script_id, literal_id)) {
		errno = ESTALE;
		return NULL;
	}
	return fn;
}

/* ---- bytecode ---- */

uint64_t v8_function_bytecode_array(const struct v8_functions *f, const struct v8_function *fn)
{
	struct v8_heap *h = f->heap;
	const struct v8_types *t = &h->layout->types;
	const struct v8_offsets *o = &h->layout->offsets;
	uint64_t object = v8_heap_word(h, fn->shared, o->shared_data); /* changes as it tiers up */

	for (int i = 0; i <= MAX_INDIRECTIONS; i++) {
		int type = v8_heap_type(h, object);

		if (type == V8_NO_TYPE)
			return 0;
		if (type == t->bytecode_array)
			return object;
		if (type == t->interpreter_data)
			object = v8_heap_word(h, object, o->interpreter_data_bytecode);
		else if (type == t->baseline_data)
			object = v8_heap_word(h, object, o->baseline_data_bytecode);
		else if (type == t->code) /* baseline code has it there */
			object = v8_heap_word(h, object, o->code_deopt_data);
		else
			return 0;
	}
	return 0;
}

void v8_function_bytecode(struct v8_functions *f, struct v8_function *fn)
{
	const struct v8_offsets *o = &f->heap->layout->offsets;
	uint64_t array;
	int len;

	if (fn->has_bytecode)
		return;
	array = v8_function_bytecode_array(f, fn);
	if (!array)
		return;
	fn->has_bytecode = true;
	fn->positions = v8_heap_bytes(f->heap, v8_heap_word(f->heap, array, o->bytecode_positions),
				      &fn->positions_len);
	len = v8_heap_array_length(f->heap, array);
	fn->bytecode = len > 0 ? malloc((size_t)len) : NULL;
	if (fn->bytecode &&
	    v8_heap_read(f->heap, array, o->bytecode_data, fn->bytecode, (size_t)len)) {
		free(fn->bytecode);
		fn->bytecode = NULL;
	}
	fn->bytecode_len = fn->bytecode ? (size_t)len : 0;
	f->bytes += fn->positions_len + fn->bytecode_len;
}

/* ---- lines ---- */

uint32_t v8_function_position_line(struct v8_functions *f, struct v8_function *fn, int32_t position)
{
	if (!fn->script || fn->script->id != fn->script_id)
		return 0;
	return v8_script_line(&f->scripts, fn->script, position);
}

uint32_t v8_function_line(struct v8_functions *f, struct v8_function *fn, int32_t offset)
{
	struct v8_position_entry entry;

	v8_function_bytecode(f, fn);
	if (!fn->positions || offset < 0 || (size_t)offset >= fn->bytecode_len)
		return 0;
	v8_positions_find(f->heap->layout, fn->positions, fn->positions_len, offset, &entry, NULL);
	return v8_function_position_line(f, fn, v8_position_offset(entry.position));
}
