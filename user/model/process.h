/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Facts about processes: what each one holds, what it held at the tick before
 * and when it was first seen, what it did, and how its size went.
 *
 * The identity of a process is its PID with its start time, so that a PID that
 * is used again is another process. No I/O and no printing here.
 */
#ifndef MEMWATCH_MODEL_PROCESS_H
#define MEMWATCH_MODEL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hmap.h"
#include "memwatch/abi.h"
#include "model/gc.h"

/* What a process holds at one moment; bytes unless the name says otherwise. */
struct totals {
	uint64_t rss_bytes; /* anon + file + shmem */
	uint64_t anon_bytes, file_bytes, shmem_bytes;
	uint64_t swap_bytes;
	uint64_t pgtable_bytes;
	uint64_t vm_bytes, data_bytes, stack_bytes;
	uint64_t heap_bytes; /* the brk heap, as mapped */
	uint64_t threads;
	uint64_t minflt, majflt; /* page faults so far */
	bool heap_unknown;	 /* @heap_bytes is not known, and 0 */
};

/* What it did in one interval. Counts of calls that succeeded. */
struct activity {
	uint64_t fault_bytes, fault_count;
	uint64_t brk_bytes, brk_count;
	uint64_t mmap_bytes, mmap_count;
	uint64_t munmap_bytes, munmap_count;
	uint64_t mremap_bytes, mremap_count;
	/* Estimates from samples: faults by where they land. */
	uint64_t fault_heap, fault_stack, fault_mmap;
};

#define HISTORY_CAP 32

/* The footprint (rss + swap) at the last HISTORY_CAP ticks. */
struct history {
	uint64_t ns[HISTORY_CAP];
	uint64_t bytes[HISTORY_CAP];
	unsigned count; /* samples ever added */
};

/* A memory cgroup; one object for all its processes, freed with the last. */
struct cgroup {
	struct hmap_node node; /* by kernfs id */
	unsigned users;
	char *path;	    /* as /proc/PID/cgroup shows it; NULL if unknown */
	char container[65]; /* the container's id, or "" */
};

struct site_table; /* model/site.h */
struct verdict;	   /* analysis/verdict.h */
struct kept;	   /* model/kept.h */

struct process {
	struct hmap_node node; /* by pid */
	uint32_t pid, ppid;
	uint64_t start_ns;	    /* CLOCK_BOOTTIME */
	char comm[MW_COMM_LEN + 1]; /* as the kernel has it: hostile bytes */
	struct cgroup *cgroup;	    /* NULL if unknown */
	struct site_table *sites;   /* growth sites; NULL: not taken. Owned by collect, valid until
				       the next tick */
	const struct verdict
		*verdict;	 /* NULL: not judged. Owned by who judges, valid like @sites */
	const struct kept *kept; /* what its leak consists of; NULL: nobody looked. Owned by who
				    did, valid until the process is forgotten */
	enum collector collector;

	struct totals now, before, first;
	struct activity activity; /* since the tick before; valid with has_delta */
	struct mw_growth counted; /* the kernel's counters at this tick */
	uint64_t now_ns, before_ns, first_ns;
	uint64_t peak_rss_bytes;
	struct history history;

	bool has_delta;	      /* seen at two ticks at least */
	bool has_growth;      /* the kernel side has an entry for it: see @activity */
	bool calls_counted;   /* its calls were counted since the tick before */
	bool rss_approximate; /* per-CPU counters could not be summed: off by some pages a CPU */
	bool faults_cut;      /* too many threads: the faults are a lower bound */
	uint64_t tick;	      /* the last tick that saw it */
};

struct process_table {
	struct hmap by_pid;
	struct hmap cgroups;	    /* struct cgroup */
	struct hmap_node *replaced; /* processes whose PID another has now; for the sweep */
	uint64_t tick;
	uint64_t now_ns;
	unsigned page_shift;
};

/** process_table_init - @page_shift: log2 of the page size. 0 or -ENOMEM */
int process_table_init(struct process_table *t, unsigned page_shift);
void process_table_release(struct process_table *t);

/** process_table_begin - a tick begins; @now_ns: CLOCK_BOOTTIME of the collection */
void process_table_begin(struct process_table *t, uint64_t now_ns);

/**
 * process_table_update - one record of this tick
 * @raw:    as the kernel wrote it
 * @out:    the process, when 0 is returned
 *
 * A second record of the same process in a tick is ignored (-EEXIST): see
 * bpf/tasks.bpf.c. Another start time under a known PID begins a new process; the
 * old one is left to the sweep.
 * Returns 0, -EEXIST, -ENOMEM.
 */
int process_table_update(struct process_table *t, const struct mw_task *raw, struct process **out);

/** process_table_find - the process with this identity; @start_ns 0: any. NULL if not there */
struct process *process_table_find(const struct process_table *t, uint32_t pid, uint64_t start_ns);

/** process_table_remove - forgets @p and frees it */
void process_table_remove(struct process_table *t, struct process *p);

/**
 * process_exit_peak - highest RSS of a process that ended, in bytes
 * @p: as it was known, its peak 0 since an exec that no tick has followed; may be NULL
 *
 * The kernel's own mark is of approximate counters since 6.2 (percpu_counter) and can be below
 * what a tick has seen.
 */
uint64_t process_exit_peak(const struct process *p, const struct mw_event_exit *e,
			   unsigned page_shift);

/**
 * process_table_sweep - after a tick: hand each process that it did not see to @fn, forget it
 * @fn: whether it is gone; if not, it is kept, out of sight of this tick. NULL: all are gone
 *
 * Most ended without an exit record (it was dropped, or that hook is missing). But one that is in
 * the middle of exec has no memory for a moment, and one that ends has none before it has ended.
 * Returns how many were forgotten.
 */
unsigned process_table_sweep(struct process_table *t, bool (*fn)(void *arg, const struct process *),
			     void *arg);

/**
 * process_set_cgroup - puts @p into the cgroup with this id
 *
 * Returns the cgroup if it is new to the table, for the caller to fill in its
 * path; else NULL (also when memory is short: p->cgroup is NULL then).
 */
struct cgroup *process_set_cgroup(struct process_table *t, struct process *p, uint64_t id);

/** process_list - all processes as an array (to sort); NULL with errno set; free() it */
struct process **process_list(const struct process_table *t, size_t *count);

#define process_table_for_each(t, p, node_)                                                        \
	hmap_for_each (&(t)->by_pid, node_)                                                        \
		if (((p) = hmap_entry(node_, struct process, node)))

/** totals_from_raw - pages to bytes */
void totals_from_raw(struct totals *out, const struct mw_task *raw, unsigned page_shift);
/** totals_footprint - rss + swap: what a process takes from the machine's memory */
uint64_t totals_footprint(const struct totals *t);
/** history_add, history_at - at(h, 0) is the newest; returns false past the oldest kept */
void history_add(struct history *h, uint64_t ns, uint64_t bytes);
bool history_at(const struct history *h, unsigned age, uint64_t *ns, uint64_t *bytes);

#endif
