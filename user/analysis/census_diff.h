/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What grew between censuses: constructors of one beside the same of another, and which of those
 * that grew are worth to ask who keeps them.
 */
#ifndef MEMWATCH_ANALYSIS_CENSUS_DIFF_H
#define MEMWATCH_ANALYSIS_CENSUS_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "model/census.h"

#define CENSUS_GROWERS_MAX 3

/* In which census an amount was. */
enum census_when {
	CENSUS_FIRST,
	CENSUS_BEFORE, /* the one before the last */
	CENSUS_NOW,
	CENSUS_WHENS
};

struct census_amount {
	uint64_t count, bytes, external_bytes;
};

struct census_change {
	const struct constructor *what; /* of the last census that has it */
	bool is_gone;			/* the last one has none */
	int isolate;			/* index of the diff's; -1: of all */
	struct census_amount at[CENSUS_WHENS];
};

/* An isolate, in each of them. */
struct census_isolate_change {
	uint64_t id;
	struct census_amount at[CENSUS_WHENS];
};

struct census_diff {
	const struct census *of[CENSUS_WHENS];
	bool by_isolate;	       /* else summed over all of them */
	struct census_change *changes; /* what grew most since the first first; also what did not */
	unsigned count;
	struct census_amount total[CENSUS_WHENS];
	/* With @by_isolate: those of the last census in its order, then those that ended */
	struct census_isolate_change isolates[2 * CENSUS_ISOLATES_MAX];
	unsigned isolate_count;
};

/**
 * census_diff_new - @now beside @first and, if there is one between, @before
 * @before: NULL: it is @first
 *
 * Two constructors are one when kind, name, class, file and line are the same; and the isolate, if
 * all are of one process (pid and start) and have an isolate in common: those of two processes have
 * nothing to do with each other. Refers to the censuses, which must outlive it. NULL with errno
 * set: ENOMEM.
 */
struct census_diff *census_diff_new(const struct census *first, const struct census *before,
				    const struct census *now);
/** census_diff_free - takes NULL */
void census_diff_free(struct census_diff *d);

/** census_grown_count, census_grown_bytes - since @since, up to now; < 0: it became less. Bytes are
 *  those of the heap and those outside of it. */
int64_t census_grown_count(const struct census_amount at[CENSUS_WHENS], enum census_when since);
int64_t census_grown_bytes(const struct census_amount at[CENSUS_WHENS], enum census_when since);
/** census_amount_bytes - in the heap and outside of it */
uint64_t census_amount_bytes(const struct census_amount *a);
/** census_diff_seconds - from the census @since to now, by the clock of the machine, or of day
 * where they are of two machines; 0: unknown, or not after it */
double census_diff_seconds(const struct census_diff *d, enum census_when since);

/**
 * census_diff_growers - those whose retainers say most: fastest since @since first
 *
 * The fastest class of the program's own, however small its objects are: it is what the others hang
 * on. Then objects, then what functions keep (closures, contexts); arrays, strings and the like
 * only when the former do not explain half of the growth: they hang below an object most times.
 * Never what is V8's own. Nothing that is less than a twentieth of all growth, but that class.
 * Returns how many.
 */
unsigned census_diff_growers(const struct census_diff *d, enum census_when since,
			     const struct census_change *out[CENSUS_GROWERS_MAX]);

/** constructor_is_own_class - a class of the program's: neither plain objects, nor of JavaScript
 *  itself, nor of Node ("node:events", before Node 16 "events.js") */
bool constructor_is_own_class(const struct constructor *k);

#endif
