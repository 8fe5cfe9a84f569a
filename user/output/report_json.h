/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A recording as the NDJSON of `memwatch schema`: what a run would have written, of the ticks that
 * are still there.
 */
#ifndef MEMWATCH_OUTPUT_REPORT_JSON_H
#define MEMWATCH_OUTPUT_REPORT_JSON_H

#include "base/strbuf.h"
#include "model/recorded.h"

struct report_json {
	unsigned sites; /* of each kind, of a process */
	/* Takes what there is so far, and clears it: reports are long. NULL: @out takes all. */
	int (*flush)(void *arg, struct strbuf *out);
	void *arg;
};

/**
 * report_json_add - from "meta" to "end", of the loaded processes
 *
 * In the order of time: process, fork, exec, exit, oom, gc, census and its records, verdict. Then
 * sites as of the end. 0, -ENOMEM, or what @flush returned.
 */
int report_json_add(struct strbuf *out, const struct recorded *r, const struct report_json *o);

#endif
