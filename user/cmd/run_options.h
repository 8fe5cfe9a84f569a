/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The command line of `memwatch watch`. */
#ifndef MEMWATCH_CMD_RUN_OPTIONS_H
#define MEMWATCH_CMD_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/targets.h"
#include "output/fields.h"

struct run_options {
	struct targets targets;
	uint64_t interval_ns;
	uint64_t duration_ns; /* 0: until stopped */
	bool json;
	const char *output; /* NULL: stdout */
	unsigned rows;	    /* 0: the output's default */
	const struct column *sort;
	const char *without;
	double budget_pct;
	bool no_stacks; /* take no stacks: no growth sites */
	unsigned sites; /* of each kind that are shown of a process; 0: none */
	bool help;
};

/**
 * watch_options_parse - @argv[1..] into @o, with defaults, checked against the running processes
 *
 * Returns 0, 1 when help was printed, or a negative errno after it has said why.
 */
int watch_options_parse(struct run_options *o, int argc, char **argv);

#endif
