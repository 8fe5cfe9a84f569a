/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process that stands still, by ptrace(2): all its threads are seized and interrupted, and
 * run on when they are let go, which the kernel does by itself when memwatch is killed. Nothing is
 * written to it, and no signal is sent: its parent and job control see nothing.
 */
#ifndef MEMWATCH_CENSUS_STOP_H
#define MEMWATCH_CENSUS_STOP_H

#include <stdint.h>
#include <sys/types.h>

struct stopped_thread {
	pid_t tid;
	uint64_t sp, pc; /* 0: unknown */
};

struct stop {
	pid_t pid;
	struct stopped_thread *threads; /* the main one first */
	unsigned count, cap;
};

/**
 * stop_begin - stops all threads of @pid, also those that are born meanwhile
 * @s: zeroed, or ended before
 * @why: set to a sentence when it fails
 *
 * Returns 0, -EBUSY (another tracer, which @why names, has it), -EPERM, -ESRCH (also when it is
 * killed meanwhile), -ETIMEDOUT (a thread does not stop: it sleeps in the kernel and cannot be
 * interrupted), -ENOMEM. Nothing of it is stopped after an error.
 */
int stop_begin(struct stop *s, pid_t pid, const char **why);
/** stop_end - lets all run on; harmless if none is stopped */
void stop_end(struct stop *s);
/** stop_release - ends it, frees */
void stop_release(struct stop *s);

#endif
