/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Capturing an image of a process: what is to be copied is planned and its memory is made ready
 * while the process runs, so that it stands still for the copying only. A garbage collection that
 * is running is waited for.
 */
#ifndef MEMWATCH_CENSUS_CAPTURE_H
#define MEMWATCH_CENSUS_CAPTURE_H

#include "census/image.h"
#include "census/stop.h"
#include "memwatch/sites.h" /* struct mw_range */

struct capture_options {
	pid_t pid;
	bool live;
	uint64_t max_bytes; /* of memory that may be used for the image; 0: what is free */
	bool (*cancelled)(void *arg);
	void (*progress)(void *arg, const char *step, uint64_t done, uint64_t of);
	void *arg;
	/* Code of V8 that is on a thread's stack if, and only if, it collects garbage: addresses in
	   the process, by address */
	const struct mw_range *gc_code;
	unsigned gc_code_count;
};

struct capture {
	struct image image;
	struct stopped_thread *threads; /* as they stood; live: those that waited */
	unsigned thread_count;
	uint64_t pause_ns, taken_ns; /* CLOCK_BOOTTIME */
	unsigned gc_waits;
	bool in_gc;
	bool is_live; /* also when it could not be stopped, of which @live_why tells */
	char live_why[160];
	char why[200]; /* of capture_take(), when it fails */
};

/**
 * capture_take - @out: zeroed
 * @why: set to a sentence when it fails; valid until @out is used again, or goes
 *
 * The process runs on in any case, and nothing of it is changed. With another tracer attached, or a
 * thread that does not stop, it is captured live. Needs at most the size of what is present in the
 * process, some 2 % for bookkeeping, and nothing when it fails. Returns 0, -ESRCH, -EPERM, -ENOMEM
 * (@why says how much it would need, and how much there is), -ECANCELED.
 */
int capture_take(const struct capture_options *options, struct capture *out, const char **why);
/** capture_release - leaves it empty, but for why */
void capture_release(struct capture *c);

#endif
