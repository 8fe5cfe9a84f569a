/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel side's stack walk, run in user space on the memory of another process. */
#ifndef MEMWATCH_TESTS_V8_WALK_H
#define MEMWATCH_TESTS_V8_WALK_H

#include <stdint.h>
#include <sys/types.h>

#include "memwatch/sites.h"

/** walk_stack - the frames of a thread that is stopped; returns mw_stack.flags */
uint32_t walk_stack(pid_t pid, const struct mw_site_proc *proc, uint64_t ip, uint64_t sp,
		    uint64_t fp, struct mw_frame *frames, uint32_t *count);

#endif
