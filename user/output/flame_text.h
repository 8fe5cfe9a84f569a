/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of a flame graph's nodes: a function is one whatever its line, so it is told by where it
 * begins. Names are hostile: they pass through strbuf_add_text().
 */
#ifndef MEMWATCH_OUTPUT_FLAME_TEXT_H
#define MEMWATCH_OUTPUT_FLAME_TEXT_H

#include "analysis/flame.h"
#include "base/strbuf.h"

/** flame_name_add - short, as frame_text_add_wide() has it with @width; never empty */
void flame_name_add(struct strbuf *out, const struct flame_node *n, unsigned width);

/** flame_name_add_long - the whole name and the path of its source */
void flame_name_add_long(struct strbuf *out, const struct flame_node *n);

/** flame_next - the node after @n, parents first, largest siblings first; NULL after the last.
 *  @deeper: false leaves out those above @n */
const struct flame_node *flame_next(const struct flame_node *n, bool deeper);

#endif
