/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Censuses for people: constructors as a table, what grew beside what there is, and who keeps it.
 * All names are the target's own and hostile: they pass through strbuf_add_text().
 */
#ifndef MEMWATCH_OUTPUT_CENSUS_TEXT_H
#define MEMWATCH_OUTPUT_CENSUS_TEXT_H

#include <stdbool.h>

#include "analysis/census_diff.h"
#include "base/strbuf.h"
#include "model/census.h"

struct census_view {
	unsigned rows; /* constructors that are shown; 0: all */
	int width;     /* columns of the terminal; 0: no limit, and files with their folders */
	bool utf8;     /* may use characters beyond ASCII of its own */
};

/** census_text_add - what it is of and how it was taken, isolates, and constructors by bytes */
void census_text_add(struct strbuf *out, const struct census *c, const struct census_view *v);

/**
 * census_diff_text_add - constructors by how much they grew since the first census
 *
 * With another one between, also what they grew by since that. Those that did not change are left
 * out.
 */
void census_diff_text_add(struct strbuf *out, const struct census_diff *d,
			  const struct census_view *v);

/**
 * census_retainers_text_add - what holds the objects of constructors, and the path to a root
 *
 * Those that one container holds stand together. Nothing if @c has no retainers.
 */
void census_retainers_text_add(struct strbuf *out, const struct census *c,
			       const struct census_view *v);

#endif
