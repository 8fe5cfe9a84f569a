/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a leak of V8's heap consists of, in short: the constructors that grew between two censuses,
 * and who keeps their objects. Owns its text, so that it may be copied like a number.
 */
#ifndef MEMWATCH_MODEL_KEPT_H
#define MEMWATCH_MODEL_KEPT_H

#include <stdint.h>

#define KEPT_MAX  3
#define KEPT_NAME 128 /* with its NUL; what is longer is cut */
#define KEPT_FILE 512

/* The first step of the path from what holds them to a root. All text is hostile. */
struct kept_by {
	char container[KEPT_NAME]; /* "Map"; "": there is no one container */
	char edge[KEPT_NAME];	   /* "variable `handleMap`" */
	char node[KEPT_NAME];	   /* of what: "Context, scope of open" */
	char file[KEPT_FILE];	   /* of the nearest step that has one; "": none known */
	uint32_t line;		   /* 0: unknown */
	double share;		   /* of the objects that @container holds, 0..1 */
	uint64_t count, bytes;	   /* all that is reached through it only, or first */
};

struct kept_constructor {
	uint8_t kind; /* enum census_kind */
	char name[KEPT_NAME];
	char file[KEPT_FILE]; /* "": none known */
	uint32_t line;
	uint64_t count, bytes; /* bytes: with those outside of the heap */
	int64_t delta_count, delta_bytes;
	struct kept_by by; /* no @edge: nobody knows */
};

struct kept {
	uint64_t taken_ns;     /* CLOCK_BOOTTIME of the second census */
	double seconds;	       /* between the two */
	uint64_t pauses_ns[2]; /* that the process stood still for each */
	unsigned count;	       /* of @constructors; 0: nothing grew that tells anything */
	struct kept_constructor constructors[KEPT_MAX]; /* what explains most first */
};

#endif
