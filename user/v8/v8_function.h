/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * JavaScript functions by their SharedFunctionInfo: name, script, where they begin, and the
 * bytecode that lines of running code are found by.
 */
#ifndef MEMWATCH_V8_V8_FUNCTION_H
#define MEMWATCH_V8_V8_FUNCTION_H

#include "v8/v8_script.h"

#define V8_SHARED_WORDS 8

struct v8_function {
	struct hmap_node node; /* by @shared */
	uint64_t shared;       /* tagged SharedFunctionInfo */
	/* What it was when it was read: it still is the same function if these are the same. */
	uint64_t words[V8_SHARED_WORDS];
	int32_t script_id, literal_id; /* of it, and what never moves */
	unsigned generation;	       /* of the cache, when it was last checked */

	const char *name;	  /* interned; "" if it has none */
	struct v8_script *script; /* NULL: one of V8's or Node's own, without a source */
	int32_t position;	  /* where it begins, in the script; -1: unknown */
	uint32_t line;		  /* the same; 0: unknown */

	bool has_bytecode; /* was looked for */
	uint8_t *positions;
	size_t positions_len;
	uint8_t *bytecode;
	size_t bytecode_len;
};

struct v8_functions {
	struct v8_heap *heap;
	struct intern *names;
	struct v8_scripts scripts;
	struct hmap all;
	size_t bytes; /* of bytecode and tables */
	unsigned generation;
};

/** v8_functions_init - @heap and @names must outlive it; 0 or -ENOMEM */
int v8_functions_init(struct v8_functions *f, struct v8_heap *heap, struct intern *names);
/** v8_functions_clear - forgets all, scripts too */
void v8_functions_clear(struct v8_functions *f);
void v8_functions_release(struct v8_functions *f);
/** v8_functions_trim - forgets all if too much is kept; what was given before is gone then */
void v8_functions_trim(struct v8_functions *f);
/** v8_functions_moved - each is checked once before it is used again */
void v8_functions_moved(struct v8_functions *f);

/**
 * v8_function_get - the function whose SharedFunctionInfo is at @shared
 * @script_id, @literal_id: what it must be; 0, 0: unknown, then it is read in any case
 *
 * Without a read if it is known by these ids and V8 has not moved anything since.
 * NULL with errno set: EINVAL (no function there), ESTALE (another one), ENOMEM.
 */
struct v8_function *v8_function_get(struct v8_functions *f, uint64_t shared, int32_t script_id,
				    int32_t literal_id);

/** v8_function_line - the line of a bytecode, by its offset; 0: unknown */
uint32_t v8_function_line(struct v8_functions *f, struct v8_function *fn, int32_t offset);
/** v8_function_position_line - the line of a position in its script; 0: unknown */
uint32_t v8_function_position_line(struct v8_functions *f, struct v8_function *fn,
				   int32_t position);
/** v8_function_bytecode_array - the BytecodeArray, tagged; 0: it has none, not yet or any more */
uint64_t v8_function_bytecode_array(const struct v8_functions *f, const struct v8_function *fn);
/** v8_function_bytecode - its bytecode and positions are there, if they can be read */
void v8_function_bytecode(struct v8_functions *f, struct v8_function *fn);

#endif
