/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Growth sites as a tree from the root of the stacks to their leaves, as flame graphs show them:
 * of one run, or of two beside each other.
 */
#ifndef MEMWATCH_ANALYSIS_FLAME_H
#define MEMWATCH_ANALYSIS_FLAME_H

#include <stdbool.h>
#include <stdint.h>

#include "model/recorded.h"

#define FLAME_DEPTH_MAX 256
#define FLAME_NODES_MAX 200000 /* what comes after goes to the node where it would begin */

enum flame_side { FLAME_A, FLAME_B, FLAME_SIDES }; /* of one run: FLAME_B, as what there is now */

struct flame_node {
	const struct frame *frame; /* NULL: @label; frames that differ in the line only are one */
	const char *label; /* of the root, a process, a note: "node (4711)", "V8 promotion" */
	uint64_t bytes[FLAME_SIDES];			/* of it and all above it */
	uint64_t self[FLAME_SIDES];			/* of stacks that end here */
	uint64_t samples[FLAME_SIDES];			/* of it and all above it */
	struct flame_node *parent, *first_child, *next; /* siblings: most bytes first (of both) */
	unsigned depth;					/* the root: 0 */
};

struct flame {
	struct flame_node *root;
	unsigned node_count, depth_max;
	bool is_diff; /* both sides were added to */
	bool by_name; /* for who adds to set first: files are compared without their folders, as
			 of two releases */
};

/** flame_new - a root without bytes. NULL with errno set */
struct flame *flame_new(void);
/** flame_free - takes NULL */
void flame_free(struct flame *f);

/**
 * flame_add_process - the sites of one process that count as its growth, each byte once
 * @label: a node below the root that they hang on; NULL: on the root itself
 * @scale: bytes are multiplied with it, to compare runs of differing lengths; 1
 *
 * Which: see site_is_growth(). What the runtime does of its own accord hangs on a node of its note,
 * a stack that was cut on one that says so, below @label. Refers to the frames of @p->sites: they
 * must outlive it. Returns 0 or -ENOMEM.
 */
int flame_add_process(struct flame *f, const struct recorded_process *p, const char *label,
		      enum flame_side side, double scale);

/** flame_finish - sums and order, after all was added */
void flame_finish(struct flame *f);

#endif
