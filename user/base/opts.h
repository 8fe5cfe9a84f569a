/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Options as data: one table a command makes both the parser (getopt_long)
 * and the help, so that they cannot disagree.
 */
#ifndef MEMWATCH_BASE_OPTS_H
#define MEMWATCH_BASE_OPTS_H

#include <stdio.h>

/*
 * Takes the value of an option into the command's own struct (@arg). Returns
 * 0 or a negative errno after it has said what is wrong.
 */
typedef int (*opt_fn)(void *arg, const char *value);

struct opt {
	char short_name;       /* 0 for none */
	const char *long_name; /* NULL ends the table */
	const char *value;     /* "SEC", or NULL for a flag */
	const char *help; /* newlines allowed; continued lines are indented; NULL: not listed */
	opt_fn parse;	  /* NULL: a heading, @help is its text */
};

/**
 * opts_parse - takes argv[1..] apart by @table, options and operands in any order
 * @operand: called for each argument that is no option; NULL refuses them
 *
 * An unknown option or a missing value is said on stderr with a hint to
 * --help. "--" ends the options; everything after it goes to @operand.
 * Returns 0, -EINVAL (usage), or what a callback returned.
 */
int opts_parse(int argc, char **argv, const struct opt *table, opt_fn operand, void *arg);

/** opts_print - the options, aligned, as help shows them */
void opts_print(FILE *out, const struct opt *table);

#endif
