/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process that stands still, by ptrace(2): all its threads are seized and interrupted, and
 * run on when they are let go, which the kernel does by itself when memwatch is killed. Nothing is
 * written to it, and no signal is sent: its parent and job control see nothing. Signals that others
 * send to it meanwhile arrive when it runs on, and a process that was stopped (SIGSTOP) stays so.
 *
 * LIMITATIONS: a few system calls that Linux never restarts return EINTR in it, as after
 * SIGSTOP and SIGCONT (signal(7)): epoll_wait(2), which libuv repeats, semop(2) and the like.
 */
#ifndef MEMWATCH_CENSUS_STOP_H
#define MEMWATCH_CENSUS_STOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STOP_DEADLINE_MS 1000 /* for all to stand still: more than a CPU quota's period */

struct stopped_thread {
	pid_t tid;
	uint64_t sp, pc; /* 0: unknown */
	int signal;	 /* that it was about to take, and takes when it is let go; 0: none */
};

struct stop_tracer;

struct stop {
	pid_t pid;
	struct stopped_thread *threads; /* the main one first, if it has not ended */
	unsigned count, cap;
	struct stop_tracer *tracer; /* NULL: nothing is stopped */
	char why[200];		    /* of stop_begin() */
};

/**
 * stop_begin - stops all threads of @pid, also those that are born meanwhile
 * @s: zeroed, or ended before
 * @why: set to a sentence when it fails; valid as long as @s is
 *
 * Returns 0, -EBUSY (another tracer, which @why names, has it), -EPERM, -ESRCH (also when it is
 * killed meanwhile), -ETIMEDOUT (a thread does not stop: it sleeps in the kernel and cannot be
 * interrupted), -ENOMEM. Nothing of it is stopped after an error.
 *
 * Until it ends, the calling thread has blocked the terminal's stops (SIGTSTP ...): nothing is left
 * standing by Ctrl-Z. SIGSTOP to memwatch cannot be put off: the process stands still until
 * SIGCONT.
 */
int stop_begin(struct stop *s, pid_t pid, const char **why);
/** stop_holds - it stands still, and was not killed meanwhile */
bool stop_holds(const struct stop *s);
/** stop_end - lets all run on; harmless if none is stopped. By the thread that began it. The list
 * of threads stays */
void stop_end(struct stop *s);
/** stop_release - ends it, frees */
void stop_release(struct stop *s);

#endif
