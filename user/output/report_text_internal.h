/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of a report for people share. */
#ifndef MEMWATCH_OUTPUT_REPORT_TEXT_INTERNAL_H
#define MEMWATCH_OUTPUT_REPORT_TEXT_INTERNAL_H

#include "output/report_text.h"

#define REPORT_COURSE 16 /* cells of a course; at most HISTORY_CAP */

/** report_growth_add - what @p held by kind, first and last, and how that went */
void report_growth_add(struct strbuf *out, const struct recorded_process *p,
		       const struct report_view *v);

/** report_gc_add - collections by kind, and what full ones left; nothing if none was seen */
void report_gc_add(struct strbuf *out, const struct recorded_process *p,
		   const struct report_view *v);

#endif
