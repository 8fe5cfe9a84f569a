/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Growth sites for people: a frame, a chain of frames, a line of a list, a whole stack.
 * All names are the target's own and hostile: they pass through strbuf_add_text().
 */
#ifndef MEMWATCH_OUTPUT_SITE_TEXT_H
#define MEMWATCH_OUTPUT_SITE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/sites.h"
#include "base/strbuf.h"

/**
 * frame_text_add - a frame, short
 *
 *   saveContext handles.js:12       the user's own
 *   ~handleStatus status.js:30      one of the functions inlined into it, or itself
 *   [lru-cache] set index.js:88     below node_modules
 *   node: emit                      Node's own JavaScript
 *   store_put store.c:40            with debug information
 *   png_read (libpng16.so.16)       without
 *   0x55d0c3a1 (server)             without a name
 */
void frame_text_add(struct strbuf *out, const struct frame *f);
/** frame_text_add_wide - the same with up to @width columns of the function's name, 60 if short */
void frame_text_add_wide(struct strbuf *out, const struct frame *f, unsigned width);

/**
 * frame_text_add_long - the same with the whole name, the path of the source, and what else is
 * known
 * @between: between the name and the rest
 */
void frame_text_add_long(struct strbuf *out, const struct frame *f, const char *between);

/** source_text_add - "handles.js:12", "[lru-cache] index.js:88", "node:internal/timers:42";
 *  @line 0: unknown */
void source_text_add(struct strbuf *out, const char *file, uint32_t line);

/**
 * site_text_add - "saveContext handles.js:12 ← handleStatus status.js:30", or the note
 * @width: columns at the most; callers that do not fit are left out. 0: no limit
 * @utf8:  may use characters beyond ASCII of its own
 */
void site_text_add(struct strbuf *out, const struct site *s, int width, bool utf8);

/** site_group_text_add - the same of its largest; " (+2)": and two other lines or callers of that
 *  function */
void site_group_text_add(struct strbuf *out, const struct site_group *g, int width, bool utf8);

/** site_titles_add - names of what site_line_add() begins with */
void site_titles_add(struct strbuf *out);
/**
 * site_line_add - "  35.2M  +4.1M/s  87% v8-survived  saveContext ..."; no newline
 * @now_ns: CLOCK_BOOTTIME of the tick
 * @width:  of the whole; 0: no limit
 */
void site_line_add(struct strbuf *out, const struct site_group *g, uint64_t now_ns, int width,
		   bool utf8);

/**
 * site_state_add - a sentence about sites that are not known, or not as well as they could be
 * @t: NULL: no stacks are taken of that process
 *
 * Returns whether there is anything to say.
 */
bool site_state_add(struct strbuf *out, const struct site_table *t);

/** site_quality_add - "512 stacks: 3 cut, ..., of 9,000 frames 12 without a name" */
void site_quality_add(struct strbuf *out, const struct site_table *t);

#endif
