/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What was lost, by cause: the kernel's counters (enum mw_lost) and our own. */
#ifndef MEMWATCH_MODEL_LOST_H
#define MEMWATCH_MODEL_LOST_H

#include <stdint.h>

#include "memwatch/abi.h"

/* Causes beyond the kernel's. */
enum {
	LOST_TICKS = MW_LOST_MAX, /* ticks that did not happen: memwatch was stopped or too slow */
	LOST_SHED,		  /* ticks in which detail was shed to stay within the budget */
	LOST_SITES,		  /* samples of sites past the limit of a process (SITES_MAX) */
	LOST_NAMES,		  /* names that found no room: shown as INTERN_FULL */
	LOST_MISSED,		  /* runs of BPF programs that the kernel left out */
	LOST_MAX,
};

struct lost {
	uint64_t count[LOST_MAX]; /* since the start */
};

/** lost_name - the key of a cause in the "lost" record: "ring_full", ... */
const char *lost_name(unsigned cause);
/** lost_help - what a cause means, in a sentence */
const char *lost_help(unsigned cause);
/** lost_since - @now minus @before. Returns the sum over all causes. */
uint64_t lost_since(struct lost *out, const struct lost *now, const struct lost *before);

#endif
