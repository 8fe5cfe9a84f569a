/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The growth sites of a process as a block of lines. */
#ifndef MEMWATCH_OUTPUT_SITE_BLOCK_H
#define MEMWATCH_OUTPUT_SITE_BLOCK_H

#include "analysis/sites.h"
#include "base/strbuf.h"
#include "model/process.h"

/**
 * site_block_leading - the leading sites, a line each
 * @prefix: begins each line
 *
 * Returns how many; 0: none is known.
 */
unsigned site_block_leading(struct strbuf *out, const struct process *p, uint64_t now_ns,
			    unsigned most, const char *prefix);

/** site_block_summary - the largest of each kind with titles, and how well they can be told */
void site_block_summary(struct strbuf *out, const struct process *p, uint64_t now_ns, unsigned most,
			const char *prefix);

#endif
