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

/** run_diff_basis_add - what the answer rests on, and how sure that is; no newline */
void run_diff_basis_add(struct strbuf *out, const struct run_pair *p);
/** run_diff_verdicts_add - "verdict: steady 80%, then leak 95%"; nothing if there is none */
void run_diff_verdicts_add(struct strbuf *out, const struct run_pair *p);

/* Programs that are told of one by one: those that grow most come first. */
#define RUN_DIFF_PAIRS 20
/** run_diff_rest_add - how many more there are, a sentence; nothing if there are none; no newline
 */
void run_diff_rest_add(struct strbuf *out, const struct run_diff *d);

/** run_chance_add - "97%", ">99%"; "few" if there is too little to say. At most 4 columns */
void run_chance_add(struct strbuf *out, double more);

/** run_diff_kind_is_told - whether a kind of memory is there at all, and does not repeat another:
 *  without swap anon and swap are anon */
bool run_diff_kind_is_told(const struct run_pair *p, enum run_kind kind);

/** run_diff_file_add - the recording's name, without its folders */
void run_diff_file_add(struct strbuf *out, const struct run_diff *d, enum run_side side);

#endif
