/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is old becomes less, a little at each tick, so that a recording may go on for days:
 *
 *   ticks       all of the last 10 minutes; of the last hour one in 10 s; before that one in 60 s.
 *               What a process did is added up in the row that stays, its lows and highs are kept.
 *               Its first row stays.
 *   young GCs   older than 10 minutes: a row a process, isolate, kind and minute
 *   events      older than an hour, of processes that no tick saw: gone, and so are these; but not
 *               OOM kills and ends by a signal. Counted (meta: dropped_events). Where there are so
 *               many that they take more than an eighth of what the file may have, older ones than
 *               a minute, until they do not
 *
 * When the file comes near to what it may have, that is done once more at a higher level, from the
 * begin: intervals double, ages halve; and by and by go: forks and execs (1), verdicts but the last
 * of each process and censuses between begin and end (1), ends without a signal with their
 * processes if nobody named these (2), full GCs are put together too (2), ends of processes that no
 * tick saw (4), ends of all that were not named (6); cgroups with their last process. Pages that
 * are freed are used again.
 *
 * LIMITATIONS: stacks of sites that are gone stay; so sites may have a third of the file at the
 * most, and what is more is left out (meta: dropped_sites). Where even that is not enough, what is
 * new is left out until there is room, first events of processes that no tick saw and young GCs.
 * Sizes are told by the next row, the rest is counted.
 */
#ifndef MEMWATCH_STORE_RECORDER_THIN_H
#define MEMWATCH_STORE_RECORDER_THIN_H

#include <stdbool.h>
#include <stdint.h>

struct recorder;

#define THIN_BANDS 2

/* How far the ticks of one age are thinned. */
struct thin_band {
	uint64_t next_ns;	/* the stretch that comes next begins here or later */
	unsigned slice, slices; /* of its processes: done, in all; 0: it has not begun */
};

struct recorder_thin {
	unsigned level;
	struct thin_band bands[THIN_BANDS];
	int64_t event_id, gc_id; /* done so far */
	uint64_t events;	 /* that are there */
	bool is_due;		 /* there is more to do at this level */
	bool has_dropped;	 /* processes, so that cgroups may be empty */
	uint64_t rows;		 /* that may still be gone through at this tick */
	uint64_t thinned_ns, thinned_written;
};

/** recorder_thin - at a tick, in its transaction; 0 or the error that sticks */
int recorder_thin(struct recorder *r);
/** recorder_thin_measure - how much room there is for what is new: @r->is_tight, @r->is_full */
void recorder_thin_measure(struct recorder *r);

#endif
