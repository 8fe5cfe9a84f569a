/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of the kernel and the user side about garbage collections, beyond the
 * record (struct mw_event_gc in abi.h): where a runtime's own probes are, and what their
 * arguments mean.
 */
#ifndef MEMWATCH_GC_H
#define MEMWATCH_GC_H

#include "memwatch/usdt.h"

/* What the first argument of the probe says of the kind. */
enum mw_gc_rule {
	MW_GC_RULE_OTHER,
	MW_GC_RULE_V8_OLD,   /* v8::GCType before V8 10 */
	MW_GC_RULE_V8,	     /* ... and since */
	MW_GC_RULE_FULL_IF,  /* full if it is not 0 */
	MW_GC_RULE_OLDEST_2, /* a generation, of which the third is the oldest */
	MW_GC_RULE_FULL,     /* nothing: each is full */
};

#define MW_GC_COOKIE_RULE    0xffu
#define MW_GC_COOKIE_ISOLATE 0x100u /* the third argument tells the heap */
#define MW_GC_COOKIE_LIVE    0x200u /* what lives comes after the end, by mw_gc_live */
#define MW_GC_USDT_SITES     2048   /* probes of all processes, each where it is mapped */

#define MW_GC_USDT_ARGS	     3

/* A USDT probe, as a thread comes to it; in mw_gc_usdt. */
struct mw_gc_usdt_key {
	__u64 ip;
	__u32 pid; /* in memwatch's namespace */
	__u32 reserved;
};

struct mw_gc_usdt_site {
	__u32 cookie; /* MW_GC_COOKIE_*, and enum mw_gc_rule */
	/* Those that its program wants. mw_gc_usdt_in: what the rule is about, the heap.
	   mw_gc_usdt_pool: the manager, the pool's name, what is used. */
	struct mw_usdt_arg args[MW_GC_USDT_ARGS];
};

_Static_assert(sizeof(struct mw_gc_usdt_key) == 16, "the same on both sides");
_Static_assert(sizeof(struct mw_gc_usdt_site) == 40, "the same on both sides");

#endif
