/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts for people. Evidence and limits hold paths of cgroups, which are hostile: all passes
 * through strbuf_add_text().
 */
#ifndef MEMWATCH_OUTPUT_VERDICT_TEXT_H
#define MEMWATCH_OUTPUT_VERDICT_TEXT_H

#include "analysis/verdict.h"
#include "base/strbuf.h"

/** verdict_label_add - "leak 92%", "warming"; "-" for NULL: not judged. At most 12 columns */
void verdict_label_add(struct strbuf *out, const struct verdict *v);

/** verdict_has_limit - whether @v (or NULL) says when a limit is met */
bool verdict_has_limit(const struct verdict *v);

/** verdict_limit_add - the time until then, "3m20s"; "-" for none. At most 6 columns */
void verdict_limit_add(struct strbuf *out, const struct verdict *v);

/**
 * verdict_text_add - "leak, 92 % sure: +1.2M/s (+1.1M/s to +1.3M/s); memory.max of /x (512M) in
 * 3m20s"; no newline
 *
 * Of what is no leak what it means; of the classes of leaks that are not called so, that they are.
 */
void verdict_text_add(struct strbuf *out, const struct verdict *v);

/** verdict_evidence_add - its sentences, a line each, after @prefix */
void verdict_evidence_add(struct strbuf *out, const struct verdict *v, const char *prefix);

#endif
