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

extern const struct gc_usdt_row gc_usdt_table[];
extern const unsigned gc_usdt_count;

/** gc_usdt_find - the row of whose probes @f has begin and end, or NULL */
const struct gc_usdt_row *gc_usdt_find(struct elf_file *f);

/**
 * gc_usdt_cookie - what the kernel side is to know of a probe of @row
 * @v8_version: V8_VERSION() of the same file; 0: none or unknown
 * @has_live: V8's own count after a collection is seen as well
 */
uint64_t gc_usdt_cookie(const struct gc_usdt_row *row, uint64_t v8_version, bool has_live);

#endif
