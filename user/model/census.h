/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A census of the V8 heaps of one process: what is alive, by constructor, and who keeps it.
 * Facts only; who takes one is user/census, who reads one from a file is user/store.
 */
#ifndef MEMWATCH_MODEL_CENSUS_H
#define MEMWATCH_MODEL_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/intern.h"
#include "memwatch/abi.h"

#define CENSUS_ISOLATES_MAX 64 /* of a process: V8 has one for each worker */
#define CENSUS_STEPS_MAX    64 /* of a path; the middle of a longer one is left out */
#define CENSUS_OWNERS_MAX   8
#define CENSUS_NAMES_BYTES  (32u << 20) /* of all names of a census */

/* What a constructor's objects are. */
enum census_kind {
	CENSUS_OBJECT,	/* by constructor, plain ones by their properties */
	CENSUS_CLOSURE, /* functions, by the code that they run */
	CENSUS_ARRAY,	/* what V8 keeps elements, properties, tables in */
	CENSUS_STRING,
	CENSUS_CONTEXT, /* variables of a scope that closures share */
	CENSUS_NUMBER,	/* that are objects: doubles, BigInts */
	CENSUS_SYMBOL,
	CENSUS_REGEXP,
	CENSUS_CODE,   /* functions' code and what belongs to it */
	CENSUS_SHAPE,  /* V8's maps: "hidden classes" */
	CENSUS_SYSTEM, /* the rest of V8's own */
	CENSUS_KINDS
};

struct constructor {
	uint8_t kind;		/* enum census_kind */
	uint8_t isolate;	/* index */
	const char *name;	/* "StatusContext", "{sid, user}", "onTick()" */
	const char *class_name; /* what a heap snapshot of V8 calls it, if that is another name; or
				   NULL */
	const char *file;	/* of the function or class; NULL: none known */
	uint32_t line;		/* of it; 0: unknown */
	uint64_t count, bytes;
	uint64_t external_bytes; /* outside of the heap: of ArrayBuffers */
};

struct census_isolate {
	uint64_t id; /* as in `gc` records if that is known: an address; else one of its heap */
	uint64_t count, bytes, external_bytes;
	uint64_t page_bytes; /* its pages, with what is dead or free in them */
};

/* One step from what is held towards a root: "variable `handleMap`" of "Context". */
struct retainer_step {
	const char *edge;
	const char *node;
	const char *file; /* NULL: none known */
	uint32_t line;	  /* 0: unknown */
};

/* Who keeps the objects of one constructor. */
struct retainer {
	const char *of;	     /* a constructor's name */
	const char *of_file; /* NULL: none */
	uint8_t of_kind;
	uint8_t isolate;
	uint64_t instances;    /* of the constructor */
	uint64_t count, bytes; /* all that is reached through the container only, or first */
	double share;	       /* of the instances that the container holds; 0: there is no one
				  container, and no @container */
	const char *container; /* "Map", "Array", "{...}" ... */
	struct retainer_step steps[CENSUS_STEPS_MAX];	/* from the container to a root */
	unsigned step_count, steps_left_out;		/* @steps_left_out: before the last step */
	struct retainer_step owners[CENSUS_OWNERS_MAX]; /* all that refer to the container */
	unsigned owner_count, owners_left_out;
};

/* What a census could not see. */
struct census_lost {
	uint64_t unreadable_bytes; /* present in the process, not copied */
	uint64_t unknown_sizes;	   /* objects whose size was guessed */
	uint64_t overlaps;	   /* what begins within an object: left out */
	uint64_t names;		   /* that did not fit */
	uint64_t isolates;	   /* beyond CENSUS_ISOLATES_MAX: counted with the last */
};

struct census {
	uint32_t pid;
	uint64_t start_ns;
	char comm[MW_COMM_LEN + 1]; /* hostile bytes */
	char node[32];		    /* "V8 12.4.254" */
	uint64_t taken_ns, wall_ns; /* CLOCK_BOOTTIME, CLOCK_REALTIME */
	bool is_live;		    /* read while it ran: ± */
	bool in_gc;		    /* a collection did not end: taken within one */
	unsigned gc_waits;	    /* times that it was resumed since one was running */
	uint64_t pause_ns;	    /* it stood still; 0 with @is_live */
	uint64_t analysis_ns;
	uint64_t copied_bytes;
	uint64_t rss_bytes; /* of the process when it was taken; 0: unknown */
	struct census_lost lost;

	struct census_isolate isolates[CENSUS_ISOLATES_MAX];
	unsigned isolate_count;
	struct constructor *constructors; /* most bytes first, by census_sort() */
	unsigned constructor_count;
	struct retainer *retainers;
	unsigned retainer_count;
	struct intern *names; /* all strings of it */
};

/** census_new - an empty one. NULL with errno set */
struct census *census_new(void);
/** census_free - takes NULL */
void census_free(struct census *c);
/** census_add_constructor - a copy of @from, its strings interned; 0 or -ENOMEM */
int census_add_constructor(struct census *c, const struct constructor *from);
/** census_add_retainer - the same */
int census_add_retainer(struct census *c, const struct retainer *from);
/** retainer_is_same_container - one container holds the objects of both, of one census */
bool retainer_is_same_container(const struct retainer *a, const struct retainer *b);
/** census_sort - constructors by bytes, those outside of the heap with them, then by count, name,
 *  file: most first */
void census_sort(struct census *c);
/** census_kind_name - "object", "closure" ...: as in NDJSON */
const char *census_kind_name(unsigned kind);
/** census_kind_parse - the kind of that name, or -1 */
int census_kind_parse(const char *name);

#endif
