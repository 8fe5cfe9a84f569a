/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `memwatch check` found, for people and for the log of a build. Names and evidence are
 * hostile: strbuf_add_text().
 */
#ifndef MEMWATCH_OUTPUT_GATE_TEXT_H
#define MEMWATCH_OUTPUT_GATE_TEXT_H

#include "analysis/gate.h"
#include "base/strbuf.h"
#include "model/process.h"

/**
 * gate_text_add - all of it: a block a process, the worst first, and the result as the last line
 * @command: the program that was run; NULL if none was
 */
void gate_text_add(struct strbuf *out, const struct gate *g, const char *command);

/** gate_line_add - the last line alone: "LEAK: 1 of 2 processes: 4711 (node) +1.2M/s"; no newline
 */
void gate_line_add(struct strbuf *out, const struct gate *g, const char *command);

/** gate_sites_add - the likeliest sites of what @p grows by, a line each, as of now */
void gate_sites_add(struct strbuf *out, const struct process *p, uint64_t now_ns, unsigned most);

/** gate_kept_add - what a leak of V8's heap consists of and who keeps it, lines; nothing if nobody
 *  looked */
void gate_kept_add(struct strbuf *out, const struct process *p);

#endif
