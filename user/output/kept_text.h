/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who keeps what a leak consists of, for people. All names are hostile: strbuf_add_text(). */
#ifndef MEMWATCH_OUTPUT_KEPT_TEXT_H
#define MEMWATCH_OUTPUT_KEPT_TEXT_H

#include "base/strbuf.h"
#include "model/kept.h"

/** kept_head_add - "grew in V8's heap within 5s, by two censuses:", or that nothing did; no newline
 */
void kept_head_add(struct strbuf *out, const struct kept *k);

/**
 * kept_line_add - one of its constructors: "+1250 StatusContext handles.js:12, +97.7K: kept by a
 * Map, variable `handleMap` of Context, scope of open handles.js:9"; no newline
 */
void kept_line_add(struct strbuf *out, const struct kept *k, unsigned index);

/** kept_text_add - all of it, a line each: the head after @prefix, the rest indented */
void kept_text_add(struct strbuf *out, const struct kept *k, const char *prefix);

#endif
