/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process and all that descend from it, also when their parents are gone: each is known from the
 * record of its birth, or, where that was lost, from its parent at a tick.
 *
 * LIMITATIONS: a lost record of a process whose parent is gone by the next tick hides it. What asks
 * a service to start a program (systemd-run, docker run) is not that program's parent. Where the
 * record of an end was lost and the PID was given anew before the next tick, what the other one
 * starts until then is taken in: a record of a birth has no more than the parent's PID.
 */
#ifndef MEMWATCH_CMD_TREE_H
#define MEMWATCH_CMD_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hmap.h"
#include "memwatch/abi.h"
#include "model/process.h"

struct tree {
	struct hmap by_pid; /* those that live */
	uint32_t root;
	bool is_root_reaped;
};

/** tree_init - of @root alone, which the caller has not waited for: its PID is no other's. 0,
 * -ENOMEM */
int tree_init(struct tree *t, uint32_t root);
void tree_release(struct tree *t);

/** tree_has - whether this process (@start_ns: CLOCK_BOOTTIME) belongs to it and lives */
bool tree_has(const struct tree *t, uint32_t pid, uint64_t start_ns);

/** tree_born - a fork record: the child belongs to it if its parent does */
void tree_born(struct tree *t, const struct mw_event_header *h);

/**
 * tree_look - after a tick: forgets those that are gone without a record, and adds the children
 * that no record told of
 *
 * Who is not there is forgotten at the second look: between two of them (of tree_prune(), too) all
 * records that wait must be taken.
 */
void tree_look(struct tree *t, const struct process_table *table);

/** tree_prune - without a tick: forgets those that are gone, the same; zombies are not */
void tree_prune(struct tree *t);

/** tree_gone - the end of a process; returns whether it belonged to it */
bool tree_gone(struct tree *t, uint32_t pid, uint64_t start_ns);

/** tree_root_reaped - the root was waited for: its PID may be another's from now on */
void tree_root_reaped(struct tree *t);

/** tree_is_empty - all have ended */
bool tree_is_empty(const struct tree *t);

/** tree_signal - sends @signo to each that still is who it was: to no other that has its PID now */
void tree_signal(const struct tree *t, int signo);

#endif
