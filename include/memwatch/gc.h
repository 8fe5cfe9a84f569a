/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of the kernel and the user side about garbage collections, beyond the
 * record (struct mw_event_gc in abi.h): what the arguments of a runtime's own probes mean, as
 * cookies of USDT probes.
 */
#ifndef MEMWATCH_GC_H
#define MEMWATCH_GC_H

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

#endif
