/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a run makes known, into a recording: all processes of each tick with all of their sites,
 * and all events.
 *
 * What is recorded is committed once a second; at the end of a process that was named, at once.
 */
#ifndef MEMWATCH_CMD_RECORD_SINK_H
#define MEMWATCH_CMD_RECORD_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "output/sink.h"
#include "store/recorder.h"

/* What became of it. */
struct record_result {
	char why[RECORDER_WHY]; /* it failed; "" if it did not */
	struct recorder_stats stats;
	uint64_t begin_ns, end_ns; /* of the first tick and the last */
	size_t leaks;		   /* processes that leak by their last verdict */
	size_t killed;		   /* processes, for lack of memory */
	struct strbuf victim;	   /* "4711 (node)": the first of them */
	struct strbuf worst;	   /* the one of these that leaks fastest, and the verdict */
	double worst_slope;
};

struct record_sink_options {
	struct recorder_options recorder; /* but for @page_shift */
	bool is_named;			  /* the processes were named, or descend from CMD */
	struct record_result *result;	  /* zeroed, to be released by record_result_release() */
};

/** record_sink_new - makes the file. NULL with errno and @options->result->why set */
struct sink *record_sink_new(unsigned page_shift, const struct record_sink_options *options);

/** record_sink_progress - "12 processes, 34 sites, 1.2M" */
void record_sink_progress(const struct sink *s, struct strbuf *out);

/** record_contents_add - "3 processes, 128 sites, 2 censuses" */
void record_contents_add(struct strbuf *out, const struct recorder_stats *stats);

void record_result_init(struct record_result *r);
void record_result_release(struct record_result *r);

#endif
