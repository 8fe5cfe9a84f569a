/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two recordings beside each other, for people. All names are the targets' own and hostile: they
 * pass through strbuf_add_text().
 */
#ifndef MEMWATCH_OUTPUT_RUN_DIFF_TEXT_H
#define MEMWATCH_OUTPUT_RUN_DIFF_TEXT_H

#include "analysis/run_diff.h"
#include "base/strbuf.h"
#include "output/census_text.h"

/** run_diff_text_add - the headline, what it rests on, and each pair of processes as tables */
void run_diff_text_add(struct strbuf *out, const struct run_diff *d, const struct census_view *v);

/**
 * run_diff_headline_add - the one sentence that answers; no newline
 *
 * "full.mw grows by 18.6K a request more than truncated.mw: saveContext handles.js:51 puts
 * StatusContext handles.js:17 into a Map, variable `handleMap`: +2,500 objects, +234.4K, by which
 * 47.7M are kept"; or that there is no growth, or that it is too early to say.
 */
void run_diff_headline_add(struct strbuf *out, const struct run_diff *d);

/** run_diff_doubts_add - what makes the comparison worth less, each after @prefix with newline */
void run_diff_doubts_add(struct strbuf *out, const struct run_diff *d, const char *prefix);

/** run_diff_side_add - "full.mw: node (4711), 12s, 2500 requests"; no newline */
void run_diff_side_add(struct strbuf *out, const struct run_diff *d, const struct run_pair *p,
		       enum run_side side);

/** run_chance_add - "97%", ">99%"; "few" if there is too little to say. At most 4 columns */
void run_chance_add(struct strbuf *out, double more);

/** run_diff_file_add - the recording's name, without its folders */
void run_diff_file_add(struct strbuf *out, const struct run_diff *d, enum run_side side);

#endif
