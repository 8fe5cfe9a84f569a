/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch's presence in the kernel: the BPF programs, loaded and attached by
 * the hook table, and what they collect. The only user of the skeleton, in session*.c.
 *
 * Everything is held by file descriptors of this process: however it ends, the
 * kernel detaches and frees it all. Nothing is pinned.
 */
#ifndef MEMWATCH_COLLECT_SESSION_H
#define MEMWATCH_COLLECT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/bpf_cost.h"
#include "collect/hooks.h"
#include "collect/kernel.h"
#include "memwatch/abi.h"
#include "model/lost.h"
#include "model/process.h"

struct session;

struct session_options {
	const uint32_t *pids; /* the named processes; none: all */
	unsigned pid_count;   /* at most MW_MAX_TARGETS */
	const char *without;  /* hooks not to use (hook_is_named), or NULL */
	const char *btf;      /* a file with the kernel's types, which lives on; NULL: its own */
	bool no_sites;	      /* take no stacks */
};

struct hook_state {
	bool is_used;
	int err;	 /* why not: negative errno; 0 when it was not needed or is in use */
	const char *why; /* a sentence, or NULL */
};

/** session_open - loads and attaches; says on stderr what failed. NULL with errno set */
struct session *session_open(const struct session_options *options);
/** session_close - detaches and frees; takes NULL */
void session_close(struct session *s);

/** session_remove_target - a named process is gone: its PID may be another's soon */
void session_remove_target(struct session *s, uint32_t pid);

/**
 * session_collect - one tick: every process that was named, or all, into @table
 *
 * A new process's cgroup path is read from /proc.
 * Returns 0 or a negative errno (then the tick is incomplete and not to be swept).
 */
int session_collect(struct session *s, struct process_table *table);

/* A record of the ring buffer; its type tells which struct it begins. */
typedef void (*session_event_fn)(void *arg, const struct mw_event_header *h);

/** session_drain - hand the waiting records to @fn. How many, or a negative errno */
int session_drain(struct session *s, session_event_fn fn, void *arg);
/** session_event_fd - readable when the ring buffer is half full */
int session_event_fd(const struct session *s);

/** session_lost - since the start, into @out: the kernel side's drop counters, and LOST_MISSED.
 *  A system call for each counter and each program whose runs may be left out: once a tick */
void session_lost(const struct session *s, struct lost *out);

/** session_map_bytes - kernel memory that the maps take, as the kernel accounts it */
uint64_t session_map_bytes(const struct session *s);

/** session_cost - run time of the event programs; NULL when the kernel does not tell */
struct bpf_cost *session_cost(struct session *s);

/** session_forget_process - @pid is gone: where no exit hook does it, frees its entry */
void session_forget_process(struct session *s, uint32_t pid);

/** session_is_enabled - whether @c's programs are attached now */
bool session_is_enabled(const struct session *s, enum capability c);

/** session_set_enabled - attach or detach an optional capability while running. 0 or -errno */
int session_set_enabled(struct session *s, enum capability c, bool enabled);

/** session_has_sites - whether stacks can be taken here; else @why is set to a sentence */
bool session_has_sites(const struct session *s, const char **why);

/** session_map_fd - of a map by its name in bpf/; -1 if there is none */
int session_map_fd(const struct session *s, const char *name);

/** session_set_site_procs - how many processes are in mw_site_procs */
void session_set_site_procs(struct session *s, unsigned count);

/** session_vary_faults - another number of page faults a sample, so that no pattern beats with it
 */
void session_vary_faults(struct session *s);

/** session_program_fd - of a loaded program by its name in bpf/; -1 if there is none */
int session_program_fd(const struct session *s, const char *name);

const struct kernel *session_kernel(const struct session *s);
/** session_hook - the state of hook_table[@i] */
const struct hook_state *session_hook(const struct session *s, size_t i);
/** session_hook_name - the hook in use for @c, or NULL */
const char *session_hook_name(const struct session *s, enum capability c);

#endif
