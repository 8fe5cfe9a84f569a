/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Raw frames to named ones: what v8_process does, on any memory (tests give it their own).
 */
#ifndef MEMWATCH_V8_V8_RESOLVE_H
#define MEMWATCH_V8_V8_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/intern.h"
#include "memwatch/sites.h"
#include "model/frame.h"
#include "v8/v8_builtins.h"
#include "v8/v8_code.h"
#include "v8/v8_function.h"

struct v8_resolve_stats {
	uint64_t js_frames, named, with_file, with_fn_line, with_line;
	uint64_t interpreted, baseline, maglev, turbofan, inlined, approximate;
	uint64_t code_scans, code_scan_failures, unreadable;
};

#define V8_BUILTINS_COPIES 64

/* Builtins in the process, and what is to be added to an address to get that of the file. */
struct v8_builtins_copy {
	uint64_t start, end, to_file;
};

struct v8_resolver {
	struct v8_heap heap;
	struct v8_functions functions;
	struct v8_codes codes;
	const struct v8_builtins *builtins;		    /* NULL: no symbols */
	struct v8_builtins_copy copies[V8_BUILTINS_COPIES]; /* the first is where V8's file is */
	unsigned copy_count;
	struct v8_resolve_stats stats;
};

/** v8_resolver_init - @layout, @mem and @names must outlive it; 0 or -ENOMEM */
int v8_resolver_init(struct v8_resolver *r, const struct v8_layout *layout, struct memreader *mem,
		     struct intern *names);
void v8_resolver_release(struct v8_resolver *r);
/** v8_resolver_copy - the copy of the builtins that @ip is in, or NULL */
const struct v8_builtins_copy *v8_resolver_copy(const struct v8_resolver *r, uint64_t ip);
/** v8_resolver_frame - see v8_process_resolve() */
unsigned v8_resolver_frame(struct v8_resolver *r, const struct mw_frame *raw, bool is_return,
			   struct frame *out, unsigned max);
/** v8_resolver_moved - see v8_process_moved() */
void v8_resolver_moved(struct v8_resolver *r);

#endif
