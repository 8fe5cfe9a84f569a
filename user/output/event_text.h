/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happened, to a process or to memwatch itself, in a line for people. */
#ifndef MEMWATCH_OUTPUT_EVENT_TEXT_H
#define MEMWATCH_OUTPUT_EVENT_TEXT_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "memwatch/abi.h"
#include "model/lost.h"
#include "model/process.h"
#include "model/recorded.h"
#include "model/run.h"

/**
 * event_text_add - "exit: 4711 (node) by signal 9 (SIGKILL), peak rss 1.2G"; no time, no newline
 * @p:        the process as last seen at a tick, or NULL
 * @is_named: the user named processes, so that each one's exec and exit matter; on a whole
 *            machine only OOM kills do
 *
 * Returns whether there was anything to say.
 */
bool event_text_add(struct strbuf *out, const struct mw_event_header *h, const struct process *p,
		    unsigned page_shift, bool is_named);

/** event_text_add_vanished - the same, of a process that is gone without an exit record */
void event_text_add_vanished(struct strbuf *out, const struct process *p);

/** event_text_add_end - "ended with status 1", "was killed by signal 9 (SIGKILL)"; @code: as
 * wait(2) gives it */
void event_text_add_end(struct strbuf *out, int code);

/** event_text_add_recorded - the same, of one in a recording, whatever it is */
void event_text_add_recorded(struct strbuf *out, const struct recorded_event *e);

/** lost_text_add - " ring_full=12 ticks=1": what was lost, by cause; nothing where nothing was */
void lost_text_add(struct strbuf *out, const struct lost *lost);

/** end_text_add - "memwatch took 0.21 % of a CPU ...; lost: nothing"; no newline */
void end_text_add(struct strbuf *out, const struct self_cost *cost, const struct lost *lost);

#endif
