/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the files of a session share: session_hooks.c chooses, session_load.c loads,
 * session_attach.c attaches, session.c has it all live and collect.
 */
#ifndef MEMWATCH_COLLECT_SESSION_INTERNAL_H
#define MEMWATCH_COLLECT_SESSION_INTERNAL_H

#include "collect/session.h"

#define SITE_PERIOD 13 /* FAULT_PERIOD where stacks are taken: 52 KiB a sample */
#define MAX_HOOKS   32

/* Whole records: the kernel cuts what it hands out at the size that is asked for. */
#define READ_RECORDS	 256
#define READ_BUFFER_SIZE (READ_RECORDS * sizeof(struct mw_task))

struct bpf_link;
struct bpf_program;
struct memwatch_bpf;
struct ring_buffer;

struct links {
	struct bpf_link **link;
	unsigned count;
};

struct session {
	struct kernel kernel;
	struct memwatch_bpf *skel;
	struct hook_state hooks[MAX_HOOKS];
	struct links links[CAPABILITY_MAX];
	struct ring_buffer *ring;
	uint32_t level; /* of memwatch's PID namespace; 0: the initial one */
	int proc_fd;	/* /proc, where totals are read from it; else -1 */
	session_event_fn event_fn;
	void *event_arg;
	struct mw_task *buffer; /* what the iterator is read into */
	int *fault_fds; /* perf events of the fault program, one a CPU; owned by their links */
	unsigned fault_fd_count;
	struct bpf_cost cost;
	char *verifier_log[MAX_HOOKS][HOOK_MAX_PROGRAMS]; /* only while loading */
};

/** session_used_hook - the hook in use for @c, or NULL */
const struct hook *session_used_hook(const struct session *s, enum capability c);

/** session_choose_hooks - probes each in turn and takes the first that works, unless it was struck
 * off before */
void session_choose_hooks(struct session *s, const struct session_options *o);

/** session_strike_off - @hook does not work here: @err, and @why in a sentence */
void session_strike_off(struct session *s, const struct hook *hook, int err, const char *why);

/** session_expendable_hook - which to give up when it is not known what was refused: the last in
 * use. NULL if there is none */
const struct hook *session_expendable_hook(const struct session *s);

/** session_load - opens the skeleton and loads the programs of the hooks in use. 0 or -errno */
int session_load(struct session *s, const struct session_options *o);

/** session_refused_hook - whose program the verifier refused in session_load(); NULL: unknown */
const struct hook *session_refused_hook(const struct session *s);
void session_free_verifier_logs(struct session *s);

/** session_find_program - of the skeleton, in the form that this kernel can run */
struct bpf_program *session_find_program(const struct session *s, const char *name);

/**
 * session_attach_all - attaches the hooks in use
 * @failed: which did not work, when that is known
 *
 * Returns 0 or a negative errno; then session_unload() takes off what was attached.
 */
int session_attach_all(struct session *s, const struct session_options *o,
		       const struct hook **failed);

/**
 * session_learn - runs PROGRAMS_LEARN: see bpf/learn.bpf.c
 *
 * Returns 0, or a negative errno after it has said why: the types are not this kernel's.
 */
int session_learn(struct session *s);

/** session_has_targets - whether processes were named, also if all are gone */
bool session_has_targets(const struct session *s);

/** session_take_records - @count records of a tick into @table. 0 or -errno */
int session_take_records(struct process_table *table, const struct mw_task *records, size_t count);

/* --- totals by /proc --- */

/** session_totals_by_proc - whether they are, and not by the iterator */
bool session_totals_by_proc(const struct session *s);
/** session_start_unit_ns - mw_config.start_unit_ns */
uint32_t session_start_unit_ns(const struct session *s);
/** session_proc_open - 0, or a negative errno after it has said why that cannot be */
int session_proc_open(struct session *s);
/** session_proc_seed - notes each process's break, before its calls are counted. 0 or -errno */
int session_proc_seed(struct session *s);
/** session_proc_collect - a tick into @table, which has begun. 0 or -errno */
int session_proc_collect(struct session *s, struct process_table *table);

/** session_unload - detaches and frees the skeleton; it can be loaded again */
void session_unload(struct session *s);

#endif
