/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Censuses beside a run, one process at a time: a program (heap_child.h) in the run's loop, with a
 * time by which it must be done. Shared by all that take some: each census stops its process.
 */
#ifndef MEMWATCH_CMD_HEAP_JOB_H
#define MEMWATCH_CMD_HEAP_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "cmd/heap_child.h"
#include "model/process.h"

/* What is to be done of a process. */
struct heap_request {
	uint32_t pid;
	uint64_t start_ns;
	unsigned apart_s; /* two censuses, so far apart; 0: one */
	int base_fd;	  /* the NDJSON of a census that it is compared with; < 0: none */
	uint64_t within_ns;
	/* It is over; @out: what it said. @why: it was ended for, or NULL. Not after a stop. */
	void (*done)(void *arg, const struct strbuf *out, const char *why);
	void *arg;
};

struct heap_job {
	struct loop *loop;
	const char *program; /* that takes censuses: memwatch itself */
	struct heap_child child;
	struct heap_request request; /* while it runs */
	int timer;
	uint64_t spent_ns; /* own CPU time, on what they told */
};

/** heap_job_init - none runs. 0 or a negative errno; heap_job_release() in any case */
int heap_job_init(struct heap_job *j, struct loop *loop, const char *program);
/** heap_job_release - ends what runs */
void heap_job_release(struct heap_job *j);

/** heap_job_start - none may run. 0 or a negative errno */
int heap_job_start(struct heap_job *j, const struct heap_request *request);
/** heap_job_runs - one does; heap_job_is_of - and it is of this process; heap_job_is_for - or for
 *  this one that asked */
bool heap_job_runs(const struct heap_job *j);
bool heap_job_is_of(const struct heap_job *j, uint32_t pid, uint64_t start_ns);
bool heap_job_is_for(const struct heap_job *j, const void *arg);
/** heap_job_set_time - it must be done within @ns from now */
void heap_job_set_time(struct heap_job *j, uint64_t ns);
/** heap_job_stop - ends what runs: nothing comes of it */
void heap_job_stop(struct heap_job *j);

#endif
