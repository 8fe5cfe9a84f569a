/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The probes in one V8 process: collections and ArrayBuffers all the time, allocations in
 * windows, since each of theirs costs the process a trap or two.
 */
#ifndef MEMWATCH_COLLECT_V8_PROBES_H
#define MEMWATCH_COLLECT_V8_PROBES_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/session.h"
#include "v8/v8_hooks.h"

#define V8_PROBES_MAX 24

struct v8_probes {
	struct session *session;
	uint32_t pid;
	const struct v8_hooks *hooks;
	char path[64];		/* of the file that holds V8, by a path of our own */
	int fds[V8_PROBES_MAX]; /* as in the table of probes; -1: not attached */
	bool is_sampling;
};

/**
 * v8_probes_attach - those that stay
 * @hooks: must outlive it
 *
 * Returns 0 or a negative errno; what could be attached stays attached either way.
 */
int v8_probes_attach(struct v8_probes *p, struct session *s, uint32_t pid, const char *path,
		     const struct v8_hooks *hooks);
/** v8_probes_sample - attach or detach those of allocations. 0 or a negative errno */
int v8_probes_sample(struct v8_probes *p, bool on);
/** v8_probes_detach - all */
void v8_probes_detach(struct v8_probes *p);

/** v8_probes_leave_external - takes those of ArrayBuffers away, for good */
void v8_probes_leave_external(struct v8_probes *p);

#endif
