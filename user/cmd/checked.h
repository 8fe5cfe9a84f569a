/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a check keeps of each process that it watched, also once that has ended. */
#ifndef MEMWATCH_CMD_CHECKED_H
#define MEMWATCH_CMD_CHECKED_H

#include "analysis/gate.h"
#include "base/hmap.h"
#include "base/strbuf.h"
#include "model/process.h"

struct checked {
	struct hmap_node node; /* by identity, while it lives; else in @next */
	struct checked *next;
	uint64_t start_ns, first_ns, last_ns;
	struct gate_process gate;
	struct series private_bytes;
	bool has_verdict;
	struct verdict verdict;
	char *where; /* of the verdict's limit */
	struct strbuf sites, kept;
};

struct checked_list {
	struct hmap living; /* by PID */
	struct checked *ended;
	size_t ended_kept; /* of those that pass */
	size_t passed;	   /* that ended, passed and are forgotten */
	double max_growth;
	uint64_t begin_ns, now_ns; /* of the first tick, and of the last */
};

/** checked_init - @max_growth: bytes per second, 0: no bar. 0 or -ENOMEM */
int checked_init(struct checked_list *l, double max_growth);
void checked_release(struct checked_list *l);

/** checked_find - the one with this identity that lives, or NULL */
struct checked *checked_find(const struct checked_list *l, uint32_t pid, uint64_t start_ns);

/**
 * checked_seen - a process at a tick
 * @is_main: it was named, or is the program that was run
 *
 * NULL when memory is short.
 */
struct checked *checked_seen(struct checked_list *l, const struct process *p, bool is_main);

/** checked_verdict - keeps p->verdict, if there is one */
void checked_verdict(struct checked *c, const struct process *p);

/** checked_exec - it is another program now, of another name: begins anew */
void checked_exec(struct checked *c, const char *comm, uint64_t now_ns);

/** checked_end - it has ended; what passes is forgotten at last, if there are many */
void checked_end(struct checked_list *l, struct checked *c, uint64_t now_ns);

/** checked_gate - all of them into @g, looked at and sorted; free() @g->processes. 0 or -ENOMEM */
int checked_gate(struct checked_list *l, struct gate *g);

#endif
