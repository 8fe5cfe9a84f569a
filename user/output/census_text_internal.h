/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the texts of a census are put together from. */
#ifndef MEMWATCH_OUTPUT_CENSUS_TEXT_INTERNAL_H
#define MEMWATCH_OUTPUT_CENSUS_TEXT_INTERNAL_H

#include "output/census_text.h"

/** census_add_head - process, isolates, how it was taken, what was lost: a line each */
void census_add_head(struct strbuf *out, const struct census *c, const struct census_view *v);
void census_add_bytes(struct strbuf *out, uint64_t bytes);
/** census_add_count - "12.3k" */
void census_add_count(struct strbuf *out, uint64_t count);
/** census_add_time - "2026-11-26 22:10:01 UTC"; nothing if it is unknown */
void census_add_time(struct strbuf *out, uint64_t wall_ns);
/** census_add_source - short on a terminal, else as V8 has it */
void census_add_source(struct strbuf *out, const char *file, uint32_t line,
		       const struct census_view *v);
/** census_add_name - safe; @width: columns at the most, 0: no limit */
void census_add_name(struct strbuf *out, const char *name, int width);
/** census_add_what - "object  StatusContext handles.js:25"; @width: of what follows the kind */
void census_add_what(struct strbuf *out, const struct constructor *k, int width,
		     const struct census_view *v);

#endif
