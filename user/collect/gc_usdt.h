/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The USDT probes that runtimes have at their garbage collections: one table. */
#ifndef MEMWATCH_COLLECT_GC_USDT_H
#define MEMWATCH_COLLECT_GC_USDT_H

#include <stdbool.h>
#include <stdint.h>

#include "memwatch/gc.h"
#include "sym/elf_file.h"

struct gc_usdt_row {
	const char *provider, *begin, *end;
	const char *pool; /* in between, for each part of the heap: what lives in it; or NULL */
	enum mw_gc_rule rule;
	bool tells_isolate; /* by the third argument */
	bool owns_heap;	    /* what it collects is all that the program allocates */
};

enum gc_usdt_probe { GC_USDT_END, GC_USDT_POOL, GC_USDT_BEGIN, GC_USDT_PROBES };

#define GC_USDT_PLACES 8 /* of one probe: compilers copy code */
#define GC_USDT_SITES  (GC_USDT_PROBES * GC_USDT_PLACES)

/* One place of one probe. */
struct gc_usdt_site {
	enum gc_usdt_probe probe;
	uint64_t pc;				  /* in the file's own terms */
	uint64_t offset;			  /* in the file */
	uint64_t semaphore;			  /* in the file; 0: it has none */
	struct mw_usdt_arg args[MW_GC_USDT_ARGS]; /* see struct mw_gc_usdt_site */
};

/* All that are to be attached, in that order: the end before the begin. */
struct gc_usdt {
	unsigned count;
	struct gc_usdt_site sites[GC_USDT_SITES];
};

extern const struct gc_usdt_row gc_usdt_table[];
extern const unsigned gc_usdt_count;

/** gc_usdt_find - the row of whose probes @f has begin and end, or NULL */
const struct gc_usdt_row *gc_usdt_find(struct elf_file *f);

/**
 * gc_usdt_read - where in @f the probes of @row are
 *
 * Returns 0; -E2BIG if one is at more than GC_USDT_PLACES places; -ENOTSUP if an argument that is
 * needed is where it cannot be read (one that is missing is not needed); -EFAULT if a place is not
 * in the file; -ENOENT if begin or end are missing.
 */
int gc_usdt_read(struct elf_file *f, const struct gc_usdt_row *row, struct gc_usdt *out);

/**
 * gc_usdt_cookie - what the kernel side is to know of a probe of @row
 * @v8_version: V8_VERSION() of the same file; 0: none or unknown
 * @has_live: V8's own count after a collection is seen as well
 */
uint32_t gc_usdt_cookie(const struct gc_usdt_row *row, uint64_t v8_version, bool has_live);

#endif
