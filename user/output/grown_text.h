/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who grew by how much and by which code, in a line: what is known also where it is too early to
 * say whether that is a leak. All names are hostile: strbuf_add_text().
 */
#ifndef MEMWATCH_OUTPUT_GROWN_TEXT_H
#define MEMWATCH_OUTPUT_GROWN_TEXT_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "model/recorded.h"

#define GROWN_LEAST (1 << 20) /* bytes; who grew by less is not worth a line */

/** grown_is_worth_telling - whether @p grew by GROWN_LEAST or more between two of its ticks */
bool grown_is_worth_telling(const struct recorded_process *p);

/**
 * grown_most - whose growth is told of the whole
 *
 * The first that leaks, else the one that grew most: of those that are still there, were named, or
 * were killed for lack of memory. A build's compilers grow, too, and end. NULL if none is worth it.
 */
const struct recorded_process *grown_most(const struct recorded *r);

/** grown_text_add - "by 81.0M in 25s (+3.2M/s), anon +80.9M": RSS and swap from the first to the
 *  last tick, and the kind of memory that grew most */
void grown_text_add(struct strbuf *out, const struct recorded_process *p);

/**
 * grown_code_add - "saveContext map.js:12 ← handleStatus map.js:17, 98 % of v8-survived"
 *
 * The leading site, if it is somebody's code. Returns whether there is one, else nothing is added.
 */
bool grown_code_add(struct strbuf *out, const struct recorded_process *p, int width, bool utf8);

#endif
