/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Jumps in optimised code: to where it goes back to the interpreter, and to code that it keeps out
 * of line because it is seldom needed.
 */
#ifndef MEMWATCH_V8_V8_JUMPS_H
#define MEMWATCH_V8_V8_JUMPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memreader.h"

struct v8_jump {
	uint32_t source, target; /* from the start of the code; of the jump, and where it goes */
};

struct v8_jumps {
	bool is_loaded;
	uint16_t machine; /* as in v8_insn.h */
	uint8_t *code;	  /* a copy; NULL if it could not be read */
	uint32_t size;
	struct v8_jump *all; /* conditional, forward; by target */
	unsigned count;
};

/** v8_jumps_load - of @size bytes of code at @start; none if it cannot be read */
void v8_jumps_load(struct memreader *mem, uint16_t machine, uint64_t start, uint32_t size,
		   struct v8_jumps *out);
void v8_jumps_release(struct v8_jumps *j);
/** v8_jumps_bytes - memory in use */
size_t v8_jumps_bytes(const struct v8_jumps *j);
/**
 * v8_jumps_out_of_line - the jump that led to code out of line
 * @pc: from the start of the code
 *
 * NULL if the code there does not jump back to right behind where it was jumped to from.
 */
const struct v8_jump *v8_jumps_out_of_line(const struct v8_jumps *j, uint32_t pc);
/** v8_jumps_main - where in the main line code belongs to: @pc itself if it is no code out of line
 */
uint32_t v8_jumps_main(const struct v8_jumps *j, uint32_t pc);

#endif
