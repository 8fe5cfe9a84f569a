/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A heap of V8's for tests: objects are put together word by word in a piece of memory that only
 * exists behind a memreader. Addresses that are not in it cannot be read, nor pages that the test
 * takes away.
 *
 * LIMITATIONS: a helper header, for one includer per program; after <cmocka.h>. A few layouts,
 * like those of Node 12, 18, 22 and 26; instance types are its own.
 */
#ifndef MEMWATCH_TESTS_V8_FAKE_H
#define MEMWATCH_TESTS_V8_FAKE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memreader.h"
#include "v8/v8_insn.h"
#include "v8/v8_layout.h"

#define FAKE_BASE 0x10000000000ull
#ifndef FAKE_BYTES
#define FAKE_BYTES (4u << 20)
#endif
#define FAKE_PAGE 4096u
#define SMI(n)	  ((uint64_t)(uint32_t)(n) << 32)

/* Instance types; strings are below 128, as V8 has them. */
enum fake_type {
	T_ONE_BYTE = 8,
	T_TWO_BYTE = 0,
	T_CONS = 1,
	T_SLICED = 3,
	T_THIN = 5,
	T_EXTERNAL_ONE_BYTE = 10,
	T_EXTERNAL_TWO_BYTE = 2,
	T_UNCACHED_ONE_BYTE = 26,
	T_FIRST_NONSTRING = 128,
	T_MAP,
	T_ODDBALL,
	T_SHARED,
	T_SCRIPT,
	T_SCOPE_INFO,
	T_DEBUG_INFO,
	T_FIXED_ARRAY,
	T_BYTE_ARRAY,
	T_TRUSTED_BYTE_ARRAY,
	T_BYTECODE_ARRAY,
	T_INTERPRETER_DATA,
	T_BASELINE_DATA,
	T_CODE,
	T_CODE_STREAM,
	T_WRAPPER,
	T_UNCOMPILED,
	T_FUNCTION,
	T_TYPES
};

struct fake_heap {
	struct memreader mem;
	struct v8_layout layout;
	unsigned char *bytes;
	size_t used;
	uint64_t maps[T_TYPES];
	uint64_t undefined;
	uint64_t gone; /* a page that cannot be read; 0: none */
};

static inline int fake_read(void *arg, uint64_t addr, void *out, size_t len)
{
	struct fake_heap *f = arg;

	if (addr < FAKE_BASE || len > FAKE_BYTES || addr - FAKE_BASE > FAKE_BYTES - len)
		return -EFAULT;
	if (f->gone && addr < f->gone + FAKE_PAGE && addr + len > f->gone)
		return -EFAULT;
	memcpy(out, f->bytes + (addr - FAKE_BASE), len);
	return 0;
}

/* --- layouts --- */

static inline void fake_layout_common(struct v8_layout *l, int major, int minor)
{
	memset(l, 0, sizeof(*l));
	l->major = major;
	l->minor = minor;
	l->version = V8_VERSION(major, minor, 0);
	l->machine = EM_X86_64;
	l->tagged_bytes = 8;
	l->types = (struct v8_types){
		.first_nonstring = T_FIRST_NONSTRING,
		.function_first = T_FUNCTION,
		.function_last = T_FUNCTION,
		.shared_info = T_SHARED,
		.script = T_SCRIPT,
		.scope_info = T_SCOPE_INFO,
		.debug_info = T_DEBUG_INFO,
		.uncompiled = {-1, T_UNCOMPILED, -1, -1},
		.fixed_array = T_FIXED_ARRAY,
		.byte_array = T_BYTE_ARRAY,
		.trusted_byte_array = T_TRUSTED_BYTE_ARRAY,
		.bytecode_array = T_BYTECODE_ARRAY,
		.interpreter_data = T_INTERPRETER_DATA,
		.baseline_data = T_BASELINE_DATA,
		.code = T_CODE,
		.code_stream = T_CODE_STREAM,
	};
	l->offsets = (struct v8_offsets){
		.map_type = 12,
		.function_shared = 32,
		.shared_data = 8,
		.shared_name = 16,
		.shared_script = 32,
		.shared_flags = 48,
		.shared_literal_id = 52,
		.script_source = 8,
		.script_name = 16,
		.script_line_offset = 24,
		.script_line_ends = 56,
		.script_id = 64,
		.debug_info_script = 24,
		.uncompiled_start = 16,
		.scope_info_slots = 8,
		.array_length = 8,
		.array_data = 16,
		.interpreter_data_bytecode = 8,
		.baseline_data_bytecode = 16,
		.bytecode_positions = 24,
		.bytecode_data = 64,
		.code_deopt_data = 8,
		.code_positions = 16,
		.code_start = 40,
		.code_size = 52,
		.code_flags = 48,
		.fp_function = -16,
		.fp_context = -8,
		.fp_bytecode_array = -32,
		.fp_bytecode_offset = -40,
	};
	l->scope_info_first_vars = 3;
	l->scope_info_hashes_names = true;
	l->code_kind_mask = 15;
	l->code_kind_baseline = 10;
	l->code_kind_maglev = 11;
	l->code_kind_turbofan = 12;
	l->code_start_is_pointer = true;
	l->deopt_inlined_count = 1;
	l->deopt_literals = 2;
	l->deopt_shared = 6;
	l->deopt_inlining_positions = 7;
}

/* Like Node 22: Code apart from its instructions, entries with the pcs of calls. */
static inline void fake_layout_22(struct v8_layout *l)
{
	/* INTERPRETED_FRAME_WITH_RETURN, .._WITHOUT_, two continuations, BEGIN, a value, an
	   object's head, MATCH_PREVIOUS_TRANSLATION */
	static const uint8_t operands[] = {5, 3, 3, 3, 3, 1, 2, 1};

	fake_layout_common(l, 12, 4);
	l->deopt_has_pcs = true;
	memcpy(l->deopt_operands, operands, sizeof(operands));
	l->deopt_opcode_count = sizeof(operands);
}

/* Like Node 26: positions of ScopeInfos come first, those of code have two flags. */
static inline void fake_layout_26(struct v8_layout *l)
{
	fake_layout_22(l);
	l->major = 14;
	l->minor = 6;
	l->version = V8_VERSION(14, 6, 0);
	l->scope_info_first_vars = 5;
	l->scope_info_begins_with_positions = true;
	l->positions_have_two_flags = true;
}

/* Like Node 18: the instructions are within Code. */
static inline void fake_layout_18(struct v8_layout *l)
{
	fake_layout_common(l, 10, 2);
	l->offsets.bytecode_data = 56;
	l->offsets.bytecode_positions = 32;
	l->offsets.code_deopt_data = 16;
	l->offsets.code_positions = 24;
	l->offsets.code_size = 40;
	l->offsets.code_flags = 48;
	l->offsets.code_start = 128;
	l->code_start_is_pointer = false;
}

/* Like Node 12: a ScopeInfo is an array with a length. */
static inline void fake_layout_12(struct v8_layout *l)
{
	fake_layout_18(l);
	l->major = 7;
	l->minor = 8;
	l->version = V8_VERSION(7, 8, 0);
	l->offsets.scope_info_slots = 16;
	l->scope_info_hashes_names = false;
	l->code_kind_baseline = l->code_kind_maglev = -1;
	l->code_kind_turbofan = 0;
}

/* --- objects --- */

/* Memory, zeroed, whose address is even: add 1 for a tagged value. */
static inline uint64_t fake_alloc(struct fake_heap *f, size_t size)
{
	uint64_t at = FAKE_BASE + f->used;

	f->used += (size + 7) & ~(size_t)7;
	if (f->used > FAKE_BYTES)
		abort();
	return at;
}

static inline void fake_put(struct fake_heap *f, uint64_t addr, const void *data, size_t len)
{
	if (addr < FAKE_BASE || addr - FAKE_BASE + len > FAKE_BYTES)
		abort();
	memcpy(f->bytes + (addr - FAKE_BASE), data, len);
}

/* A word of a tagged object. */
static inline void fake_set(struct fake_heap *f, uint64_t object, int32_t offset, uint64_t word)
{
	fake_put(f, object - 1 + (uint64_t)(int64_t)offset, &word, sizeof(word));
}

static inline void fake_set32(struct fake_heap *f, uint64_t object, int32_t offset, uint32_t v)
{
	fake_put(f, object - 1 + (uint64_t)(int64_t)offset, &v, sizeof(v));
}

/* An object of @type, tagged. */
static inline uint64_t fake_object(struct fake_heap *f, int type, size_t size)
{
	uint64_t object = fake_alloc(f, size) + 1;

	fake_set(f, object, 0, f->maps[type]);
	return object;
}

static inline void fake_init(struct fake_heap *f, void (*layout)(struct v8_layout *))
{
	memset(f, 0, sizeof(*f));
	f->bytes = calloc(1, FAKE_BYTES);
	f->mem = (struct memreader){.read = fake_read, .arg = f};
	layout(&f->layout);
	f->used = 1u << 16; /* nothing at the beginning */
	for (int i = 0; i < T_TYPES; i++) {
		uint16_t type = (uint16_t)i;

		f->maps[i] = fake_alloc(f, 80) + 1;
		fake_put(f, f->maps[i] - 1 + 12, &type, sizeof(type));
		fake_set(f, f->maps[i], 0, f->maps[T_MAP]);
	}
	for (int i = 0; i < T_TYPES; i++)
		fake_set(f, f->maps[i], 0, f->maps[T_MAP]);
	f->undefined = fake_object(f, T_ODDBALL, 48);
}

static inline void fake_release(struct fake_heap *f)
{
	free(f->bytes);
}

static inline void fake_string_head(struct fake_heap *f, uint64_t string, uint32_t length)
{
	fake_set(f, string, 8, (uint64_t)length << 32);
}

/* Flat, one byte a character. */
static inline uint64_t fake_string(struct fake_heap *f, const char *s)
{
	size_t len = strlen(s);
	uint64_t string = fake_object(f, T_ONE_BYTE, 16 + len);

	fake_string_head(f, string, (uint32_t)len);
	fake_put(f, string - 1 + 16, s, len);
	return string;
}

static inline uint64_t fake_string16(struct fake_heap *f, const uint16_t *s, size_t len)
{
	uint64_t string = fake_object(f, T_TWO_BYTE, 16 + 2 * len);

	fake_string_head(f, string, (uint32_t)len);
	fake_put(f, string - 1 + 16, s, 2 * len);
	return string;
}

/* A string that is made of two words: cons, sliced, thin, external. */
static inline uint64_t fake_made(struct fake_heap *f, int type, uint32_t length, uint64_t first,
				 uint64_t second)
{
	uint64_t string = fake_object(f, type, 32);

	fake_string_head(f, string, length);
	fake_set(f, string, 16, first);
	fake_set(f, string, 24, second);
	return string;
}

static inline uint64_t fake_bytes(struct fake_heap *f, const void *data, size_t len)
{
	uint64_t array = fake_object(f, T_TRUSTED_BYTE_ARRAY, 16 + len);

	fake_set(f, array, 8, SMI(len));
	if (len)
		fake_put(f, array - 1 + 16, data, len);
	return array;
}

static inline uint64_t fake_array(struct fake_heap *f, const uint64_t *words, size_t count)
{
	uint64_t array = fake_object(f, T_FIXED_ARRAY, 16 + 8 * count);

	fake_set(f, array, 8, SMI(count));
	if (count)
		fake_put(f, array - 1 + 16, words, 8 * count);
	return array;
}

static inline uint64_t fake_script(struct fake_heap *f, int32_t id, uint64_t name, uint64_t source)
{
	const struct v8_offsets *o = &f->layout.offsets;
	uint64_t script = fake_object(f, T_SCRIPT, 128);

	for (int offset = 8; offset < 128; offset += 8)
		fake_set(f, script, offset, f->undefined);
	fake_set(f, script, o->script_name, name);
	fake_set(f, script, o->script_source, source);
	fake_set(f, script, o->script_id, SMI(id));
	fake_set(f, script, o->script_line_offset, SMI(0));
	return script;
}

/* The ScopeInfo of a function without locals that begins at @position. */
static inline uint64_t fake_scope_info(struct fake_heap *f, uint64_t name, int32_t position)
{
	const struct v8_layout *l = &f->layout;
	uint64_t info = fake_object(f, T_SCOPE_INFO, 128);
	int32_t at = l->offsets.scope_info_slots;
	int32_t tail = at + 8 * l->scope_info_first_vars;

	fake_set(f, info, 8, SMI(l->scope_info_first_vars + 5)); /* the length, or flags */
	fake_set(f, info, at, SMI(0x123));
	fake_set(f, info, at + 8, SMI(1));
	fake_set(f, info, at + 16, SMI(0));
	fake_set(f, info, tail, name);
	fake_set(f, info, tail + 8, SMI(0));
	if (l->scope_info_begins_with_positions) {
		fake_set(f, info, at + 24, SMI(position));
		fake_set(f, info, at + 32, SMI(position + 50));
	} else {
		fake_set(f, info, tail + 16, SMI(position));
		fake_set(f, info, tail + 24, SMI(position + 50));
	}
	fake_set(f, info, tail + 32, f->undefined);
	return info;
}

static inline uint64_t fake_shared(struct fake_heap *f, uint64_t name_or_scope, uint64_t script,
				   int32_t literal_id)
{
	const struct v8_offsets *o = &f->layout.offsets;
	uint64_t shared = fake_object(f, T_SHARED, 64);

	fake_set(f, shared, o->shared_data, SMI(3));
	fake_set(f, shared, o->shared_name, name_or_scope);
	fake_set(f, shared, o->shared_script, script);
	fake_set32(f, shared, o->shared_literal_id, (uint32_t)literal_id);
	return shared;
}

/* A function named @name that begins at @position of a script. */
static inline uint64_t fake_function(struct fake_heap *f, const char *name, uint64_t script,
				     int32_t literal_id, int32_t position)
{
	return fake_shared(f, fake_scope_info(f, fake_string(f, name), position), script,
			   literal_id);
}

/* --- position tables --- */

struct fake_table {
	uint8_t bytes[512];
	size_t len;
	int64_t code, position; /* of the last entry */
};

static inline void fake_uvlq(struct fake_table *t, uint64_t v)
{
	do {
		t->bytes[t->len++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		v >>= 7;
	} while (v);
}

static inline void fake_zigzag(struct fake_table *t, int64_t v)
{
	fake_uvlq(t, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

/* The raw value of a position in the script, in the inlined function of that index (-1: none). */
static inline uint64_t fake_raw_position(int32_t offset, int inlining)
{
	return (uint64_t)(uint32_t)(offset + 1) << 1 | (uint64_t)(unsigned)(inlining + 1) << 31;
}

static inline void fake_table_add(const struct v8_layout *l, struct fake_table *t, int64_t code,
				  uint64_t position, bool is_statement)
{
	int64_t by = code - (t->len ? t->code : -1);

	if (l->positions_have_two_flags)
		fake_uvlq(t, (uint64_t)by << 2 | 2 | is_statement);
	else
		fake_zigzag(t, is_statement ? by : -by - 1);
	fake_zigzag(t, (int64_t)position - t->position);
	t->code = code;
	t->position = (int64_t)position;
}

/* Gives a function bytecode with these positions. Returns the BytecodeArray. */
static inline uint64_t fake_bytecode(struct fake_heap *f, uint64_t shared, const uint8_t *code,
				     size_t len, const struct fake_table *t)
{
	const struct v8_offsets *o = &f->layout.offsets;
	uint64_t array = fake_object(f, T_BYTECODE_ARRAY, (size_t)o->bytecode_data + len);

	fake_set(f, array, 8, SMI(len));
	fake_set(f, array, o->bytecode_positions, fake_bytes(f, t->bytes, t->len));
	fake_put(f, array - 1 + (uint64_t)o->bytecode_data, code, len);
	fake_set(f, shared, o->shared_data, array);
	return array;
}

/* --- code --- */

struct fake_code {
	uint64_t object; /* tagged Code */
	uint64_t start;
};

static inline struct fake_code fake_code(struct fake_heap *f, int kind, const uint8_t *insns,
					 uint32_t size, uint64_t positions, uint64_t deopt_data)
{
	const struct v8_offsets *o = &f->layout.offsets;
	struct fake_code c;

	if (f->layout.code_start_is_pointer) {
		uint64_t stream = fake_object(f, T_CODE_STREAM, 64 + size + 256);

		c.object = fake_object(f, T_CODE, 96);
		c.start = stream - 1 + 32;
		fake_set(f, stream, 8, c.object);
		fake_set(f, c.object, o->code_start, c.start);
	} else {
		c.object = fake_object(f, T_CODE, (size_t)o->code_start + size + 256);
		c.start = c.object - 1 + (uint64_t)o->code_start;
	}
	fake_set(f, c.object, o->code_deopt_data, deopt_data);
	fake_set(f, c.object, o->code_positions, positions);
	fake_set32(f, c.object, o->code_size, size);
	fake_set32(f, c.object, o->code_flags, (uint32_t)kind);
	fake_put(f, c.start, insns, size);
	return c;
}

#endif
