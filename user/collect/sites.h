/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Growth sites of the processes that are watched closely: the maps of bpf/sites.bpf.h read
 * into the model. At most MW_SITE_PROCS processes at once.
 */
#ifndef MEMWATCH_COLLECT_SITES_H
#define MEMWATCH_COLLECT_SITES_H

#include "collect/runtime_files.h"
#include "collect/session.h"
#include "model/gc.h"
#include "model/site.h"

struct sites;

/**
 * sites_new - nothing is watched yet
 * @files: must outlive it
 * @budget_pct: of one CPU, that sampling may cost; 0: no limit
 *
 * NULL with errno set; ENOTSUP where no stacks can be taken (session_has_sites() says why).
 */
struct sites *sites_new(struct session *s, struct runtime_files *files, double budget_pct);
/** sites_free - takes NULL */
void sites_free(struct sites *s);

/** sites_want - before sites_settle(): the sites of this process are wanted (still) */
void sites_want(struct sites *s, uint32_t pid, uint64_t start_ns);
/** sites_settle - begins with those that are wanted, ends with the others. How many there are */
unsigned sites_settle(struct sites *s);
/** sites_forget - the process is gone */
void sites_forget(struct sites *s, uint32_t pid);

/** sites_step - every 0.1 s: names new stacks while they are fresh */
void sites_step(struct sites *s);
/** sites_tick - reads the counts into the tables */
void sites_tick(struct sites *s);
/** sites_learning_ns - own CPU time that went into getting to know processes: their symbols, and
 *  the stacks of their first seconds */
uint64_t sites_learning_ns(const struct sites *s);
/** sites_gc - a collection of a process has ended: what V8 keeps is scaled to the live heap */
void sites_gc(struct sites *s, const struct gc *gc);
/** sites_heap_out - one of its heaps is gone */
void sites_heap_out(struct sites *s, uint32_t pid, uint64_t isolate);

/** sites_of - the table of a process, as of the last tick; NULL if it is not watched */
struct site_table *sites_of(const struct sites *s, uint32_t pid, uint64_t start_ns);

/** sites_lost - what got lost in user space, into LOST_SITES and LOST_NAMES of @out */
void sites_lost(const struct sites *s, struct lost *out);

#endif
