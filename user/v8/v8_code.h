/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Code that V8 has made at run time: baseline, Maglev and TurboFan code, by an address in it.
 */
#ifndef MEMWATCH_V8_V8_CODE_H
#define MEMWATCH_V8_V8_CODE_H

#include "model/frame.h"
#include "v8/v8_deopt.h"
#include "v8/v8_heap.h"
#include "v8/v8_jumps.h"
#include "v8/v8_positions.h"

#define V8_CODE_WORDS	   8
#define V8_CODES_MAX	   4096
#define V8_CODE_HEAD_WORDS 2

/* A place in Maglev code of which the functions are known. */
struct v8_anchor {
	uint32_t pc; /* from the start of the code */
	unsigned entry;
};

struct v8_code {
	uint64_t object; /* tagged Code */
	uint64_t head;	 /* address of what the instructions lie in: InstructionStream, or Code */
	uint64_t start;	 /* of the instructions */
	uint32_t size;
	int kind; /* V8's CodeKind */
	/* As they were read: it still is the same code if these are the same. */
	uint64_t head_words[V8_CODE_HEAD_WORDS];
	uint64_t words[V8_CODE_WORDS]; /* of Code */

	bool has_positions; /* were looked for */
	uint8_t *positions; /* source positions; of baseline code, bytes of each bytecode */
	size_t positions_len;
	struct v8_deopt deopt;
	/* v8_sites.c */
	struct v8_jumps jumps;
	bool has_anchors;	   /* were looked for */
	struct v8_anchor *anchors; /* by pc */
	unsigned anchor_count;
};

struct v8_codes {
	struct v8_heap *heap;
	struct v8_code **all; /* by start, not overlapping */
	unsigned count;
	size_t bytes; /* of tables */
	uint64_t scans, scan_failures;
};

/** v8_codes_init - @heap must outlive it; 0 or -ENOMEM */
int v8_codes_init(struct v8_codes *c, struct v8_heap *heap);
void v8_codes_clear(struct v8_codes *c);
void v8_codes_release(struct v8_codes *c);
/** v8_codes_trim - forgets all if too much is kept; what was given before is gone then */
void v8_codes_trim(struct v8_codes *c);

/**
 * v8_code_find - the code that @ip is in or returns to
 * @max_bytes: how far back its beginning may be
 *
 * One that is known is compared with the process first (one or two reads). Another is
 * searched: backwards, for what its beginning looks like.
 * Valid until the next call. NULL with errno set: ENOENT (no code of V8's), ENOMEM.
 */
struct v8_code *v8_code_find(struct v8_codes *c, uint64_t ip, size_t max_bytes);

/** v8_code_tier - TIER_NONE for what is not JavaScript (regular expressions, WebAssembly) */
enum frame_tier v8_code_tier(const struct v8_layout *l, const struct v8_code *code);
/** v8_code_positions - its positions are there, if they can be read */
void v8_code_positions(struct v8_codes *c, struct v8_code *code);

#endif
