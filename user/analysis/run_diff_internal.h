/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of a comparison of two recordings; each fills its part of a pair. */
#ifndef MEMWATCH_ANALYSIS_RUN_DIFF_INTERNAL_H
#define MEMWATCH_ANALYSIS_RUN_DIFF_INTERNAL_H

#include "analysis/run_diff.h"

/** run_pair_add_kinds - trends of sizes; @interval_ns: between ticks. 0 or -ENOMEM */
int run_pair_add_kinds(struct run_pair *p, const uint64_t interval_ns[RUN_SIDES]);
/** run_pair_add_sites - growth sites of both, by function. 0 or -ENOMEM */
int run_pair_add_sites(struct run_pair *p, enum run_unit unit);
/** run_pair_add_constructors - what came between the censuses of both. 0 or -ENOMEM */
int run_pair_add_constructors(struct run_pair *p, enum run_unit unit);
/** run_pair_find_holder - the one that explains most, and who keeps it */
void run_pair_find_holder(struct run_pair *p);

/* A source file of the program itself, and which run has it. */
struct run_file {
	const char *path; /* NULL: none */
	enum run_side side;
};

/**
 * run_files_are_apart - whether no file is in both, though each has some
 * @entries: @count of @size bytes each, of both runs
 * @file_of: the file of one of them
 *
 * Two releases may be in differing folders: then files are compared by their names. Returns 0, or
 * -ENOMEM.
 */
int run_files_are_apart(const void *entries, size_t count, size_t size,
			struct run_file (*file_of)(const void *entry), bool *apart);

/** run_is_same_text - also if both are NULL */
bool run_is_same_text(const char *a, const char *b);
/** run_compare_text - some order; NULL is first */
int run_compare_text(const char *a, const char *b);
/** run_file_name - without its folders if @by_name; NULL stays NULL */
const char *run_file_name(const char *path, bool by_name);

#endif
