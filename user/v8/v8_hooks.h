/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which functions of Node and V8 are probed to see allocations, collections and
 * ArrayBuffers' memory: one table, by version.
 *
 * This is the list of what may be probed at all. The rule: entry probes, and return
 * probes on C++ functions that only C++ calls. V8's collector reads the return addresses
 * on the stack of what JIT code and builtins call (Runtime_*, Builtin_*): a return probe there
 * puts an address into it that V8 does not know, and crashes the process (seen on Node 12
 * and 16, at once).
 */
#ifndef MEMWATCH_V8_V8_HOOKS_H
#define MEMWATCH_V8_V8_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memwatch/sites.h"
#include "sym/elf_file.h"
#include "v8/v8_heap_sizes.h"
#include "v8/v8_layout.h"

/* What a probed function is for. */
enum v8_hook {
	V8_HOOK_ALLOC,	     /* new space needs another linear piece */
	V8_HOOK_ALLOC_OLD,   /* old space does */
	V8_HOOK_ALLOC_LARGE, /* an object with pages of its own */
	V8_HOOK_ALLOC_LARGE_OLD,
	V8_HOOK_SCAVENGE,     /* a young collection */
	V8_HOOK_SCAVENGE_MID, /* inside it, when the living are copied */
	V8_HOOK_MINOR,	      /* a young collection that marks and sweeps (--minor-ms) */
	V8_HOOK_MARK_COMPACT, /* a full collection */
	V8_HOOK_MC_MARKED,    /* inside it, when all that lives is marked */
	V8_HOOK_MC_MOVED,     /* inside it, when what is to be moved has been */
	V8_HOOK_LIVE,	      /* asked for the bytes that live, after each collection */
	V8_HOOK_HEAP_OUT,     /* the heap goes: a worker has ended */
	V8_HOOK_EXT_ALLOC,    /* memory of an ArrayBuffer, zeroed */
	V8_HOOK_EXT_UNINIT,   /* the same, not zeroed */
	V8_HOOK_EXT_REALLOC,
	V8_HOOK_EXT_FREE,
	V8_HOOK_COUNT,
};

struct v8_hook_row {
	enum v8_hook hook;
	uint64_t since, until;	/* V8_VERSION(): from, and up to but not including; 0: all */
	const char *symbol;	/* mangled */
	enum mw_v8_alloc alloc; /* V8_HOOK_ALLOC, V8_HOOK_ALLOC_OLD: how to get the object */
	uint32_t top_offset;	/* of the area that it allocates from; with MW_V8_ALLOC_RETURNED of
				   a pointer to that, or 0 */
	const char *why_safe;
};

extern const struct v8_hook_row v8_hook_table[];
extern const size_t v8_hook_table_count;

/* Where V8 has its mark bits, by version, and a function of it that tests one. */
struct v8_mark_row {
	uint64_t since, until;
	enum mw_v8_mark mark;
	uint16_t offset;
};

extern const char v8_mark_reader[]; /* the function's mangled name; not probed */
extern const struct v8_mark_row v8_mark_table[];
extern const size_t v8_mark_table_count;

/* The hooks of one file. */
struct v8_hooks {
	const struct v8_hook_row *rows[V8_HOOK_COUNT]; /* NULL: not in this file */
	uint64_t offsets[V8_HOOK_COUNT];	       /* in the file, for uprobes */
	struct mw_v8_heap heap;
	struct v8_heap_sizes sizes;
	bool can_survive; /* survival can be followed: allocation and scavenges are there */
	bool can_keep;	  /* and what of it is kept, by full collections */
	bool can_external;
	const char *missing; /* a sentence: what is lost and why; NULL: nothing */
};

/** v8_hooks_find - in the file that holds V8. 0 or a negative errno; what is missing is said in
 *  @out */
int v8_hooks_find(struct elf_file *f, uint64_t version, struct v8_hooks *out);

/** v8_hook_name - "alloc", "scavenge", ...: for doctor and messages */
const char *v8_hook_name(enum v8_hook hook);

#endif
