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

#define V8_OWN_FUNCTION (-1)

/* One function at an address. */
struct v8_site {
	int32_t literal; /* which function: an index; V8_OWN_FUNCTION: what the code is of */
	int32_t bytecode_offset; /* in it; -1: unknown, then ... */
	int32_t position;	 /* ... in its script; -1: unknown */
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

/** v8_deopt_entry - the entry of the call that returns to @pc, from the code's start; -1: none */
int v8_deopt_entry(const struct v8_deopt *d, uint64_t pc);
/** v8_deopt_safepoint - Maglev: the pc and entry of a safepoint; false: it has no entry */
bool v8_deopt_safepoint(const struct v8_deopt *d, unsigned index, uint32_t *pc, unsigned *entry);
/**
 * v8_deopt_sites - the functions at an entry, outermost first
 * @out: V8_INLINED_MAX entries
 *
 * Returns how many; 0 if it cannot be told.
 */
unsigned v8_deopt_sites(const struct v8_layout *l, const struct v8_deopt *d, unsigned entry,
			struct v8_site *out);
/** v8_deopt_position_sites - the same by a source position of the code; at least 1 */
unsigned v8_deopt_position_sites(const struct v8_deopt *d, v8_position position,
				 struct v8_site *out);

/** v8_deopt_function - a function by its index, tagged; 0: there is none */
uint64_t v8_deopt_function(struct v8_heap *h, const struct v8_deopt *d, int32_t literal);
/** v8_deopt_shared - the function that the code was made of, tagged; 0: unknown */
uint64_t v8_deopt_shared(struct v8_heap *h, const struct v8_deopt *d);

#endif
