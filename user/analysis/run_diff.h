/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two recordings beside each other: what grows in the second, B, that does not in the first, A.
 *
 * Recordings last differently long, so all is taken per second; or per request, if it is known of
 * both how many were made meanwhile. Of each difference it is said how likely it is real.
 *
 * - Sites are known by samples, which come by chance (Poisson), see chance_more(), and whose scale
 * is off, see RUN_NOISE_SITE.
 * - Constructors are counted exactly, but what a program does not keep is counted, too: requests
 *   that are under way, caches, and what V8 makes of code that is used. So a difference counts by
 *   how it stands out from what B has less of (the median of these), and from RUN_NOISE_*.
 * - Sizes are trends of what they fall back to, each with its interval (analysis/trend.h).
 *
 * Whether a process grows at all is asked first, and of what says most: of all live objects if
 * there are censuses, else of what full collections leave, else of private memory. Where the answer
 * is no, sites and constructors that differ are no growth: code that B runs and A does not shows in
 * them, too.
 *
 * LIMITATIONS: warm-up of malloc and of JITs without censuses is growth like any other. Runs under
 * different load are comparable by requests only; it is told where programs on V8 seem to be. Page
 * faults say who touches new memory first, not who keeps it.
 */
#ifndef MEMWATCH_ANALYSIS_RUN_DIFF_H
#define MEMWATCH_ANALYSIS_RUN_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/flame.h"
#include "analysis/trend.h"
#include "analysis/verdict.h"
#include "model/recorded.h"

#define RUN_SURE	0.95 /* a difference less likely than that is not called growth */
#define RUN_SAMPLES_MIN 4    /* of both together: of fewer, nothing can be said */
/* What a constructor differs by without meaning anything, bytes, as the scale of a Laplace
 * distribution: a tenth of it is further off than twice of it. Between equal runs of a service,
 * Node 20, 2,500 requests: objects and closures some 100 bytes, strings 2 KiB, code and tables that
 * V8 makes of it 75 KiB. */
#define RUN_NOISE_OBJECT 12288.0	/* on a busy machine 255 calls under way, 26 KB, Node 26 */
#define RUN_NOISE_DATA	 16384.0	/* strings, numbers */
#define RUN_NOISE_SYSTEM (256 * 1024.0) /* code, shapes, and all that is called "system / ..." */
#define RUN_NOISE_COUNT	 64.0
#define RUN_NOISE_SHARE	 0.05 /* of what it grows by in A: no load is twice the same */
/* What the bytes of a site are off by as a whole, beside what chance does to samples: they are
 * scaled to what grew between two collections, and taken in part of the time. Between equal runs of
 * a service, as the standard deviation of the share. */
#define RUN_NOISE_SITE 0.2
/* What survived in V8's heap by being under way when it was collected, bytes of one site, as
 * RUN_NOISE_OBJECT. Between equal runs of a service up to 2 MiB. */
#define RUN_NOISE_SURVIVED (1024 * 1024.0)
#define RUN_LOAD_SAMPLES   100 /* of each: what they say is off by some tenth */
/* A process whose memory differs by less, over the time of B, does not grow more than A. */
#define RUN_LEAST_BYTES (1024 * 1024.0)
#define RUN_LEAST_SHARE 0.05 /* of what it holds */

enum run_side { RUN_A, RUN_B, RUN_SIDES };

enum run_unit { RUN_PER_SECOND, RUN_PER_REQUEST };

/* An amount in both, and what B has more. */
struct run_change {
	double per[RUN_SIDES]; /* bytes per second, or per request */
	double delta; /* B less A; of constructors B less what came in A: what left A is no growth
		       */
	double more;  /* how likely B really has more, 0..1; < 0: there is too little to say */
};

struct run_diff_site {
	const struct site *top[RUN_SIDES]; /* the largest of each; NULL: there is none */
	enum mw_site_kind kind;
	uint64_t bytes[RUN_SIDES], samples[RUN_SIDES]; /* samples: less those that were freed */
	struct run_change change;
};

struct run_diff_constructor {
	const struct constructor *what; /* as B has it, or else A */
	uint8_t kind;			/* enum census_kind */
	bool is_own;			/* of V8 itself: its code, shapes, tables */
	int64_t count[RUN_SIDES]; /* what came from the first census to the last, or is there */
	int64_t bytes[RUN_SIDES]; /* those outside of the heap included */
	double count_per[RUN_SIDES];
	struct run_change change;
};

enum run_kind {
	RUN_ANON,
	RUN_FILE,
	RUN_SHMEM,
	RUN_SWAP,
	RUN_PGTABLE,
	RUN_BRK,
	RUN_PRIVATE, /* anon and swap together: what one of them loses to the other is not gone */
	RUN_LIVE,    /* V8's heap, after full collections */
	RUN_KINDS
};

struct run_diff_kind {
	bool is_known[RUN_SIDES];		  /* there are enough points for a trend */
	struct trend trend[RUN_SIDES];		  /* bytes per second */
	double first[RUN_SIDES], last[RUN_SIDES]; /* bytes */
	struct run_change change;
};

/* What the answer rests on. */
enum run_basis {
	RUN_BY_NOTHING, /* there is too little of anything */
	RUN_BY_CENSUS,	/* live objects, from the beginning to the end of each */
	RUN_BY_LEVEL,	/* live objects at the end of each: one of them has no census before */
	RUN_BY_GC,	/* what full collections leave */
	RUN_BY_PRIVATE, /* anon and swap */
	RUN_BY_VERDICT, /* a leak was called in B and not in A */
};

/* Who keeps what grows, as far as it is known. */
struct run_holder {
	const struct retainer *retainer;   /* of the constructor; NULL: nobody knows */
	const struct retainer_step *where; /* the variable or property that has the container */
	/* The function that was seen to put something into such a container, in the same file. */
	const struct frame *inserter;
	bool is_sole; /* it is into this one: no other there does, and the container is its variable
		       */
};

/* Processes of one program: those of A and those of B. */
struct run_pair {
	const struct recorded_process **of[RUN_SIDES]; /* all of them count together */
	unsigned count[RUN_SIDES];		       /* at least 1 */
	double seconds[RUN_SIDES];		       /* from their first tick to their last */
	double units[RUN_SIDES];		       /* seconds, or requests */
	enum run_basis basis;
	bool grows;		  /* in B, and not so in A */
	struct run_change growth; /* of what @basis says */
	struct run_diff_kind kinds[RUN_KINDS];
	struct run_diff_site *sites; /* what B has more first */
	size_t site_count;
	bool by_name; /* of sites files are compared without their folders: no file is in both */
	struct run_diff_constructor *constructors; /* the same */
	size_t constructor_count;
	bool has_level; /* constructors are those at the end, not what came meanwhile */
	const struct run_diff_constructor *grower; /* that explains most; NULL: none does */
	const struct run_diff_site *site;	   /* the same, if sites are listed */
	struct run_holder holder;		   /* of @grower */
};

/* What makes a comparison worth less. */
struct run_doubts {
	bool is_same;			  /* both are of one run */
	bool is_short[RUN_SIDES];	  /* less than a third of the other */
	bool is_cut[RUN_SIDES];		  /* memwatch did not come to its end */
	bool kernels, versions, machines; /* differ */
	bool requests_of_one;		  /* known of one of them only: not used */
};

struct run_diff {
	const struct recorded *of[RUN_SIDES];
	enum run_unit unit;
	uint64_t requests[RUN_SIDES];
	struct run_pair *pairs; /* those that grow first, most first */
	size_t pair_count;
	unsigned alone[RUN_SIDES]; /* processes that the other has no partner for */
	struct run_doubts doubts;
};

/**
 * run_diff_new - compares the processes that were named, or else all
 * @requests: that were made during each; 0: what the recordings say
 *
 * Those of one name are one pair, and of one path if both know it. If each has exactly one, or
 * exactly one with V8, these are a pair whatever they are called. Refers to the recordings, which
 * must outlive it. NULL with errno set: ENOMEM.
 */
struct run_diff *run_diff_new(const struct recorded *a, const struct recorded *b,
			      const uint64_t requests[RUN_SIDES]);
/** run_diff_free - takes NULL */
void run_diff_free(struct run_diff *d);

/** run_diff_grows - the first pair that grows in B and not so in A; NULL: there is none */
const struct run_pair *run_diff_grows(const struct run_diff *d);

/**
 * run_pair_lists_sites - whether sites that B has more of say something
 *
 * If it grows; or if nothing says whether it does, so that they are all there is.
 */
bool run_pair_lists_sites(const struct run_pair *p);

/**
 * run_pair_load - how many times as much of V8's memory B allocates in a second as A
 *
 * Programs under one load allocate alike, whether they leak or not: between such pairs 0.7 to 1.4
 * (tests/truth/pairs.tsv, Node 20). 0: nobody knows, or of too few samples (RUN_LOAD_SAMPLES).
 */
double run_pair_load(const struct run_pair *p);

/** run_change_is_growth - whether B has more, and that is likely no chance */
bool run_change_is_growth(const struct run_change *c);

/** run_pair_verdict - of @side's processes the one that leaks, or the first; NULL: none was judged
 */
const struct verdict *run_pair_verdict(const struct run_pair *p, enum run_side side);

/** run_pair_flame - growth sites of both as one tree, A's scaled to B. NULL with errno set */
struct flame *run_pair_flame(const struct run_pair *p);

/** run_kind_name - "anon", "file", ...; run_kind_help - what it is, a phrase */
const char *run_kind_name(enum run_kind kind);
const char *run_kind_help(enum run_kind kind);
/** run_unit_name - "s", "request" */
const char *run_unit_name(enum run_unit unit);
/** run_basis_name - "census", "level", "gc", "private", "verdict"; NULL of nothing. run_basis_help
 *  - a phrase */
const char *run_basis_name(enum run_basis basis);
const char *run_basis_help(enum run_basis basis);

#endif
