/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program that memwatch runs itself (-- CMD): born first, so that nothing of memwatch's is
 * inherited, and held back until it is watched.
 */
#ifndef MEMWATCH_CMD_CHILD_H
#define MEMWATCH_CMD_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	char *const *argv; /* NULL-terminated; NULL: there is no such program */
	pid_t pid;
	int go_fd;    /* a byte lets it go; closed, it ends */
	int error_fd; /* why it could not be executed */
	bool is_released;
	bool was_told_to_end; /* while it ran */
	bool has_ended;
	int code;	/* as wait(2) gives it; valid with has_ended */
	int exec_error; /* errno of the exec that failed; 0: none did */
};

/**
 * child_fork - makes the process, which waits
 * @argv: the program, found as execvp(3) does, and its arguments; outlives @c
 *
 * To be called before signals are blocked and threads are started.
 * Returns 0 or a negative errno after it has said why.
 */
int child_fork(struct child *c, char *const *argv);

/** child_release - lets it execute its program */
void child_release(struct child *c);

/** child_reap - whether it has ended; does not wait */
bool child_reap(struct child *c);

/** child_wait - the same, but waits for @ms milliseconds at most for what is about to end */
bool child_wait(struct child *c, int ms);

/** child_discard - what still waits ends and is reaped; what was released is left alone */
void child_discard(struct child *c);

#endif
