/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which functions optimised code is in at an address: the one it was made of, and those that
 * were inlined into it. V8 keeps that for the case that it must go back to the interpreter.
 */
#ifndef MEMWATCH_V8_V8_DEOPT_H
#define MEMWATCH_V8_V8_DEOPT_H

#include "v8/v8_heap.h"
#include "v8/v8_positions.h"

#define V8_INLINED_MAX 16

struct v8_deopt_entry {
	int32_t translation; /* index into the translations */
	int32_t pc;	     /* of the return address, from the code's start; -1: none */
};

/* Of one Code; zeroed at first. */
struct v8_deopt {
	bool is_loaded; /* was looked for */
	uint64_t data;	/* tagged DeoptimizationData; what it refers to may move */
	int32_t literal_count, inlined_count;
	struct v8_deopt_entry *entries;
	unsigned entry_count;
	uint8_t *translations;
	size_t translations_len;
	uint8_t *inlinings; /* an InliningPosition each: where one was inlined */
	size_t inlinings_len;
	uint8_t *safepoints; /* Maglev's, without the header */
	unsigned safepoint_count, safepoint_bytes, safepoint_pc_bytes, safepoint_index_bytes;
};

/* One function at an address. */
struct v8_site {
	uint64_t shared;	 /* tagged SharedFunctionInfo; 0: the one of the code itself */
	int32_t bytecode_offset; /* in it, -1: unknown; then ... */
	int32_t position;	 /* ... in its script, -1: unknown */
};

/**
 * v8_deopt_load - of Code, by its data for deoptimisation
 * @data: tagged DeoptimizationData
 */
void v8_deopt_load(struct v8_heap *h, uint64_t data, struct v8_deopt *out);
/** v8_deopt_load_safepoints - of Maglev code: the table behind its instructions, at @addr */
void v8_deopt_load_safepoints(struct v8_heap *h, uint64_t addr, struct v8_deopt *out);
void v8_deopt_release(struct v8_deopt *d);
/** v8_deopt_bytes - memory in use */
size_t v8_deopt_bytes(const struct v8_deopt *d);

/**
 * v8_deopt_by_pc - the functions at a return address, innermost first (V8 12 and newer)
 * @pc:	 from the start of the code
 * @out: V8_INLINED_MAX entries
 *
 * Returns how many; 0 if the table does not have the address.
 */
unsigned v8_deopt_by_pc(struct v8_heap *h, const struct v8_deopt *d, uint64_t pc,
			struct v8_site *out);

/** v8_deopt_shared - the function that the code was made of, tagged; 0: unknown */
uint64_t v8_deopt_shared(struct v8_heap *h, const struct v8_deopt *d);

/** v8_deopt_by_position - the same by the source position of the code there; at least 1 */
unsigned v8_deopt_by_position(struct v8_heap *h, const struct v8_deopt *d, v8_position position,
			      struct v8_site *out);

#endif
