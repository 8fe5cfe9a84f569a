/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses of one process, one or one after the other, from the first to the last line of output.
 */
#ifndef MEMWATCH_CMD_HEAP_RUN_H
#define MEMWATCH_CMD_HEAP_RUN_H

#include "census/census.h"
#include "cmd/run_options.h"

#define HEAP_RETAINERS_MAX 8 /* names of --retainers */

struct heap_options {
	struct run_options run; /* first: the options that are shared */
	uint64_t every_ns;	/* between censuses; 0: there is one */
	unsigned censuses;	/* 0: until stopped */
	const char *base;	/* file of a census that counts as the first; NULL: none */
	const char *retainers[HEAP_RETAINERS_MAX];
	unsigned retainer_count;
	struct census_options census;
};

/**
 * heap_run - censuses of process @pid to stdout, and the last one into the file that is named
 *
 * Takes SIGINT, SIGTERM, SIGHUP and SIGQUIT meanwhile. Returns 0 or a negative errno after it has
 * said why; -ECANCELED: a signal came before there was a census.
 */
int heap_run(const struct heap_options *o, uint32_t pid);

#endif
