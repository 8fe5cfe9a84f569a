/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses on stdout, as text or NDJSON, for the commands that have some: heap and diff. */
#ifndef MEMWATCH_CMD_HEAP_SHOW_H
#define MEMWATCH_CMD_HEAP_SHOW_H

#include <sys/utsname.h>

#include "analysis/census_diff.h"
#include "model/run.h"
#include "output/census_text.h"

struct heap_show {
	bool json;
	struct census_view view;
	struct run run;
	struct utsname machine; /* that @run refers to */
	struct strbuf out;
	unsigned shown; /* censuses and comparisons so far */
};

/**
 * heap_show_init - @rows: 0: as many as there are, on a terminal 20
 *
 * Those below return 0; -EPIPE: nobody reads any more, -EINTR: nobody did when a signal came; or
 * another negative errno after it was said.
 */
void heap_show_init(struct heap_show *s, bool json, unsigned rows);
void heap_show_release(struct heap_show *s);
/** heap_show_begin - the head of NDJSON; @pids, @count: of the processes, kept */
int heap_show_begin(struct heap_show *s, const uint32_t *pids, unsigned count,
		    uint64_t interval_ns);
/** heap_show - @c, or what grew since other ones if there is a @diff; and its retainers */
int heap_show(struct heap_show *s, const struct census *c, const struct census_diff *diff);
/** heap_show_retainers - by themselves, of a census that was shown before */
int heap_show_retainers(struct heap_show *s, const struct census *c);
/** heap_show_end - @censuses: how many there were */
int heap_show_end(struct heap_show *s, unsigned censuses);

#endif
