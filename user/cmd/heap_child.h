/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A census of another process's heap as a program of its own: what it takes in memory, and what
 * may go wrong with it, is not the run's. It is killed with memwatch, however that ends.
 *
 *   memwatch ◄── out ── heap --json     read as it comes
 *            ◄── err ──                 read at its end: why it failed
 */
#ifndef MEMWATCH_CMD_HEAP_CHILD_H
#define MEMWATCH_CMD_HEAP_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/strbuf.h"

#define HEAP_CHILD_OUT_MAX (64u << 20) /* bytes of what it says; of a real application: 1 MB */

struct heap_child {
	pid_t pid; /* 0: none runs */
	int out_fd, err_fd;
	struct strbuf out;
	char why[256]; /* after heap_child_end(): its last words, or "" */
};

/** heap_child_init - none runs */
void heap_child_init(struct heap_child *c);
/** heap_child_release - ends it */
void heap_child_release(struct heap_child *c);

/**
 * heap_child_start - runs a program
 * @program: its file
 * @argv: NULL-terminated
 * @in_fd: its stdin, still the caller's; < 0: /dev/null
 *
 * With no signal blocked, nothing open but stdin, stdout and stderr. None may run yet.
 * Returns 0 or a negative errno.
 */
int heap_child_start(struct heap_child *c, const char *program, char *const argv[], int in_fd);

/**
 * heap_child_read - what it has written since, into @c->out; does not wait
 *
 * Returns 1 if there may be more, 0 at the end, -E2BIG past HEAP_CHILD_OUT_MAX, or a negative
 * errno.
 */
int heap_child_read(struct heap_child *c);

/** heap_child_end - kills it if it has not ended, and takes leave of it; @c->out stays */
void heap_child_end(struct heap_child *c);

#endif
