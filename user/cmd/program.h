/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program that a run is about (-- CMD), and all that it starts: held back until it is watched,
 * followed, and ended when the run is.
 *
 *   fork ─► held back ─► attached, first tick ─► exec ─► ... ─► last tick ─► SIGTERM ─► SIGKILL
 *
 * Its callbacks are those of a front of the engine (cmd/engine.h).
 */
#ifndef MEMWATCH_CMD_PROGRAM_H
#define MEMWATCH_CMD_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/strbuf.h"
#include "cmd/child.h"
#include "cmd/engine.h"
#include "cmd/run_options.h"
#include "cmd/tree.h"

struct program {
	struct child child; /* .argv NULL: there is none */
	struct tree tree;
	bool is_timed;		   /* with -d, what it has started is watched after its own end */
	void (*ending)(void *arg); /* what is left is about to be told to end; or NULL */
	void *arg;

	struct engine *engine; /* while it runs */
	struct loop *loop;
	int end_timer; /* < 0: nothing was told to end yet */
	uint64_t kill_ns, give_up_ns;
};

/**
 * program_split - what follows "--" is not ours
 * @command: set to it, NULL-terminated; left alone if there is no "--"
 *
 * Returns how much of @argc is ours.
 */
int program_split(int argc, char **argv, char *const **command);

/** program_check - @command (NULL: none) is one, and the only target. 0, -EINVAL, said on stderr */
int program_check(char *const *command, const struct targets *t);

/**
 * program_find - whether there is a program @command (NULL: none) that could be run
 *
 * Before something is made for it. That it does run is known at program_release() only.
 * Returns 0 or a negative errno after it has said why.
 */
int program_find(char *const *command);

/**
 * program_prepare - makes its process, which waits, and the target of @o
 * @command: NULL: there is none
 *
 * Before signals are blocked and threads are started. Returns 0 or a negative errno after it has
 * said why; program_discard() in any case.
 */
int program_prepare(struct program *p, char *const *command, struct run_options *o);
/** program_discard - what still waits ends; what was released is left alone */
void program_discard(struct program *p);

/** program_add_sources - its end ends the run, if all that is watched ends with it */
int program_add_sources(struct program *p, struct engine *e, struct loop *loop);
/** program_release - it is watched: it may begin */
void program_release(struct program *p);
/** program_is_ending - whether it was told to end */
bool program_is_ending(const struct program *p);

/**
 * program_is_left - the run has ended: whether to wait for what is left
 *
 * Asks it to end at the first call, and kills what does not, at the latest after some seconds.
 */
bool program_is_left(struct program *p);

/** program_has_failed - it could not be run, or ended as one that failed, and not by our doing */
bool program_has_failed(const struct program *p);
/** program_failure_add - "'CMD' ended with status 1", "cannot run 'CMD': ..." */
void program_failure_add(struct strbuf *out, const struct program *p);

#endif
