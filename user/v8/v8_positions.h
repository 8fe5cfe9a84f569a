/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * V8's compressed tables of where code comes from. No memory of the process is
 * read here: tables are copies, and may be garbage.
 */
#ifndef MEMWATCH_V8_V8_POSITIONS_H
#define MEMWATCH_V8_V8_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "v8/v8_layout.h"

/* A source position: where in the script, and in which inlined function. 0: unknown. */
typedef uint64_t v8_position;

/** v8_position_offset - in the script, from 0; -1: unknown */
static inline int32_t v8_position_offset(v8_position p)
{
	if (p & 1) /* of a file of V8's own */
		return -1;
	return (int32_t)(p >> 1 & ((1u << 30) - 1)) - 1;
}

/** v8_position_inlining - which of the inlined functions, from 0; -1: not in an inlined one */
static inline int v8_position_inlining(v8_position p)
{
	return (int)(p >> 31 & 0xffff) - 1;
}

/** v8_uvlq - takes an unsigned number off @bytes at *@at; false at the end or if it is too long */
bool v8_uvlq(const uint8_t *bytes, size_t len, size_t *at, uint64_t *out);

struct v8_position_entry {
	int64_t code_offset; /* from which on ... */
	v8_position position;
};

/**
 * v8_positions_find - what a source position table says of @code_offset
 * @before: the last entry that begins at or before it; its position is 0 if there is none
 * @after:  the one that comes next; its position is 0 if there is none. NULL: not wanted
 */
void v8_positions_find(const struct v8_layout *l, const uint8_t *table, size_t len,
		       int64_t code_offset, struct v8_position_entry *before,
		       struct v8_position_entry *after);

/**
 * v8_baseline_bytecode - where in the bytecode baseline code is
 * @table: the code's table of how many bytes of it each bytecode takes
 * @pc:    in the code; of a return address: the address
 *
 * Returns the offset of the bytecode, 0 in the prologue, or -1.
 */
int32_t v8_baseline_bytecode(const struct v8_layout *l, const uint8_t *table, size_t len,
			     const uint8_t *bytecode, size_t bytecode_len, uint64_t pc);

#endif
