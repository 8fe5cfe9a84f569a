/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sink of a check: keeps of each process that was watched what it is judged by, and writes the
 * findings at the end, as text or as NDJSON.
 */
#ifndef MEMWATCH_CMD_CHECK_SINK_H
#define MEMWATCH_CMD_CHECK_SINK_H

#include "analysis/gate.h"
#include "cmd/child.h"
#include "output/sink.h"

struct check_sink_options {
	const struct child *child; /* @child->argv NULL: no program was run */
	bool json;
	double max_growth;	  /* bytes per second; 0: no bar */
	unsigned sites;		  /* that are shown of a process; 0: none */
	enum gate_result *result; /* is written at the end */
};

/**
 * check_sink_new - to @fd (not owned)
 * @options: must live as long
 *
 * NULL with errno set.
 */
struct sink *check_sink_new(int fd, unsigned page_shift, const struct check_sink_options *options);

/** check_sink_finish - from now on, processes end because memwatch ends them */
void check_sink_finish(struct sink *s);

/** check_sink_progress - "30s: 4711 (node): too early to say": of the one that grows fastest */
void check_sink_progress(const struct sink *s, struct strbuf *out);

#endif
