/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Growth sites as people look at them: stacks that differ only in what stands for none of
 * them (which way malloc took, which event came first) are one line, the largest first.
 */
#ifndef MEMWATCH_ANALYSIS_SITES_H
#define MEMWATCH_ANALYSIS_SITES_H

#include "model/site.h"

/* What is one line. */
enum site_grain {
	SITE_BY_CHAIN,	  /* the same function, line and callers */
	SITE_BY_FUNCTION, /* the same function: its lines and callers together */
};

/* The sites of one kind that have the same note, or else the same chain of frames or function. */
struct site_group {
	const struct site *top; /* the largest of them: its stack is the one to show */
	enum mw_site_kind kind;
	unsigned stacks; /* sites in it */
	unsigned chains; /* differing functions, lines or callers among them */
	uint64_t bytes, samples;
	int64_t delta_bytes;
	double share;	   /* of the kind */
	uint64_t begin_ns; /* CLOCK_BOOTTIME since which its process's sites are taken */
	uint64_t span_ns;  /* in which its bytes came, if that is known better; else 0 */
};

/**
 * site_groups - the largest groups of @kind, by share
 * @out: at least @max
 *
 * Groups of which nothing is left are not among them, unless something went since the tick before.
 * Returns how many; 0 also when memory is short. They point into @t: until its next tick.
 */
unsigned site_groups(const struct site_table *t, enum mw_site_kind kind, enum site_grain grain,
		     struct site_group *out, unsigned max);

/**
 * site_groups_leading - those that say best which code makes the process grow
 * @out: at least @max
 *
 * By bytes: what survives in V8's heap, external memory, page faults; where none of these was
 * seen, what was asked for by brk and mmap. Then page faults in V8's heap, if it is known what
 * survives there; last what the runtime does of its own accord, and what keeps nothing. By
 * functions: none is there twice.
 */
unsigned site_groups_leading(const struct site_table *t, struct site_group *out, unsigned max);

/**
 * site_groups_of_kinds - the same of these kinds only, 3 at the most
 * @out: at least @max
 */
unsigned site_groups_of_kinds(const struct site_table *t, const enum mw_site_kind *kinds,
			      unsigned kind_count, struct site_group *out, unsigned max);

/**
 * site_is_growth - whether @s counts where each byte of growth is to be counted once
 *
 * As site_groups_leading() takes them: what survives in V8's heap, external memory, and page faults
 * but those in V8's heap, if it is known what survives there; where none of these has bytes, brk,
 * or else mmap. Of a function that asked for external memory and touched it first, the larger of
 * both. Of @t, whose total_bytes and samples are looked at.
 */
bool site_is_growth(const struct site_table *t, const struct site *s);

/**
 * site_is_asked_for - whether @s counts where each byte that was asked for is to be counted once
 *
 * Allocations in V8's heap, brk, and mmap but what V8 maps for that heap, if its allocations are
 * known. What of it was given back, or never used, is in it.
 */
bool site_is_asked_for(const struct site_table *t, const struct site *s);

/**
 * site_rate - bytes per second since sites are taken
 * @now_ns: CLOCK_BOOTTIME of the tick
 *
 * Of what survives in V8's heap: between the collections that its bytes are scaled to.
 */
double site_rate(const struct site_group *g, uint64_t now_ns);

extern const enum mw_site_kind site_kinds_ordered[MW_SITE_KINDS - 1]; /* what matters most first */

#endif
