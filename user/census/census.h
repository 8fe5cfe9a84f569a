/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Taking censuses of one process: its memory is copied while it stands still (or runs, if that is
 * wanted), and all the rest is done on the copy.
 *
 *   symbols ─► layout ┐
 *   stop ─► image ────┴► pages ─► mark ─► names ─► census
 *                                   └──► retainers
 */
#ifndef MEMWATCH_CENSUS_CENSUS_H
#define MEMWATCH_CENSUS_CENSUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/census.h"

struct census_options {
	bool live;	    /* do not stop it */
	bool show_values;   /* keys of dictionaries and strings may be in names */
	bool shapes;	    /* plain objects apart by their properties */
	uint64_t max_bytes; /* of memory for it; 0: what the machine and the own cgroup have free */
	/* A step of the work began: "copying", "marking" ...; may be NULL */
	void (*progress)(void *arg, const char *step, uint64_t done, uint64_t of);
	void *arg;
	/* Whether to give up (a signal has come); asked often. May be NULL */
	bool (*cancelled)(void *arg);
};

struct census_taker;

/**
 * census_taker_new - finds V8 in @pid and learns its layout
 * @why: set to a sentence when it fails
 *
 * NULL with errno set: ENOENT (no V8), ENOTSUP (a V8 that cannot be read), ESRCH, EACCES, ENOMEM.
 */
struct census_taker *census_taker_new(pid_t pid, const struct census_options *options,
				      const char **why);
/** census_taker_free - resumes the process if it stands still; takes NULL */
void census_taker_free(struct census_taker *t);

/**
 * census_take - a census of it, as it is now
 * @out: to be freed by census_free(); its names are used until the next census: not before
 *
 * The image of it is kept until the next one, for census_retain(). The process runs again before
 * anything is looked at. Returns 0, -ESRCH (it ended), -ENOMEM (@why says what it would take),
 * -ECANCELED, -EPERM, -ENODATA (no heap was found) ..., with @why set to a sentence.
 */
int census_take(struct census_taker *t, struct census **out, const char **why);

/** census_live_why - why the last one was taken live though that was not wanted: a sentence, or ""
 */
const char *census_live_why(const struct census_taker *t);

/**
 * census_retain - who keeps the objects of @wanted, by the image of the last census; adds to
 *                 @census->retainers
 *
 * Returns 0, -ENOENT (there are no such objects any more), -ENOMEM (@why says what it would take),
 * -ECANCELED, with @why set to a sentence.
 */
int census_retain(struct census_taker *t, struct census *census, const struct constructor *wanted,
		  const char **why);

#endif
