/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For who waits at a terminal: a line every ten seconds about a run that shows nothing. */
#ifndef MEMWATCH_CMD_PROGRESS_H
#define MEMWATCH_CMD_PROGRESS_H

#include <stdint.h>

#include "base/loop.h"
#include "base/strbuf.h"

struct progress {
	const char *name;     /* of the command */
	uint64_t begin_ns;    /* set by progress_add() */
	uint64_t duration_ns; /* of the run; 0: open */
	/* What there is to say; nothing: no line. */
	void (*text)(void *arg, struct strbuf *out);
	void *arg;
};

/** progress_add - "check: 10s of 2m: TEXT" from now on, if stderr is a terminal. 0, -errno */
int progress_add(struct progress *p, struct loop *loop);

#endif
