/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A named stack frame, and a stack of them, as every output shows them.
 * Strings are interned (base/intern.h): compared by address, never freed singly.
 */
#ifndef MEMWATCH_MODEL_FRAME_H
#define MEMWATCH_MODEL_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* "kind" in the NDJSON. */
enum frame_kind {
	FRAME_UNKNOWN, /* no name: @module and @ip at the most */
	FRAME_NATIVE,
	FRAME_JS,
	FRAME_BUILTIN, /* V8's own code for a JavaScript builtin: Map.prototype.set */
};

/* Whose code it is: the user's own is shown first. */
enum frame_origin {
	FRAME_USER, /* the program's own: JS outside node_modules, the executable's functions */
	FRAME_DEPENDENCY, /* below node_modules; a shared library that is not the system's */
	FRAME_RUNTIME,	  /* Node's internals (node:...), V8, libc and the like */
};

/* By what a JS function ran. */
enum frame_tier { TIER_NONE, TIER_INTERPRETED, TIER_BASELINE, TIER_MAGLEV, TIER_TURBOFAN };

struct frame {
	const char *fn;	    /* name, demangled; NULL: unknown. Anonymous functions: "(anonymous)" */
	const char *file;   /* of the source; JS: as V8 has it (path or URL); NULL: unknown */
	const char *module; /* path of the ELF file as the process maps it; NULL for JS */
	uint64_t ip;
	/* So that it can be named later, when the process is gone; they are no part of what two
	 * frames are compared by. */
	const char *build_id;	 /* of @module, hexadecimal; NULL: it has none, or not known */
	uint64_t module_address; /* what was looked up, as the symbols of @module count: @ip, of a
				    return address the call before it; 0: unknown */
	uint32_t line;		 /* where it is, from 1; 0: unknown */
	uint32_t fn_line;	 /* where the function begins, from 1; 0: unknown */
	uint8_t kind;		 /* enum frame_kind */
	uint8_t origin;		 /* enum frame_origin; see frame_has_origin() */
	uint8_t tier;		 /* enum frame_tier */
	bool is_inlined;	 /* into the frame after it */
	bool is_approximate; /* which of the inlined functions it is could not be told: this is the
				physical function */
};

struct stack {
	unsigned count;
	bool is_cut; /* there are more frames than were kept, or the rest was unreadable */
	struct frame frames[]; /* leaf first */
};

/** stack_new - a copy of @count frames; NULL with errno set */
struct stack *stack_new(const struct frame *frames, unsigned count, bool is_cut);

/** frame_kind_name - "js", "native", "builtin", "unknown": as in NDJSON and recordings; NULL: none
 */
const char *frame_kind_name(unsigned kind);
/** frame_kind_parse - the kind of that name, or -1 */
int frame_kind_parse(const char *name);

/** frame_has_origin - false: nothing is known of it, so not whose it is either */
bool frame_has_origin(const struct frame *f);

/** frame_is_same - a reader sees no difference: kind, origin, names, file, line; of a frame
 *  without a name the address. By what it ran (@tier, @is_inlined) does not count. */
bool frame_is_same(const struct frame *a, const struct frame *b);

/** frame_is_same_function - whatever the line; unnamed ones by their address */
bool frame_is_same_function(const struct frame *a, const struct frame *b);
/** frame_function_hash - of what frame_is_same_function() compares */
uint64_t frame_function_hash(const struct frame *f);

/** stack_hash - of what frame_is_same() compares, so that equal stacks of other addresses are one
 *  site */
uint64_t stack_hash(const struct frame *frames, unsigned count);

/**
 * stack_site_frame - the frame that a stack is known by
 *
 * The first of the user's own code with a name, else of a dependency's, else the first of the
 * user's own (a stripped program); else of the runtime's JavaScript, or its first function that
 * does more than to hand memory out. Returns its index; 0 if there is nothing better.
 */
unsigned stack_site_frame(const struct stack *s);

#define STACK_CHAIN_MAX 3 /* the site and two callers */

/* The frames that stand for a stack where there is one line for it. */
struct stack_chain {
	uint16_t count; /* 0: of an empty stack */
	uint16_t at[STACK_CHAIN_MAX];
};

/**
 * stack_chain_of - the site frame, then its nearest callers
 *
 * Callers of the user's own code and of dependencies only, by name; the runtime's only where it is
 * the runtime's site, too. A function that calls itself is there once.
 */
void stack_chain_of(const struct stack *s, struct stack_chain *out);
/** stack_chain_hash, stack_chain_is_same - of the frames that are shown */
uint64_t stack_chain_hash(const struct stack *s, const struct stack_chain *c);
bool stack_chain_is_same(const struct stack *s, const struct stack_chain *c,
			 const struct stack *other, const struct stack_chain *other_chain);

#endif
