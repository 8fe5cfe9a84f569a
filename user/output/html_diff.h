/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two recordings beside each other as one HTML page: see html_page.h. */
#ifndef MEMWATCH_OUTPUT_HTML_DIFF_H
#define MEMWATCH_OUTPUT_HTML_DIFF_H

#include "analysis/run_diff.h"
#include "base/strbuf.h"

/** html_diff_add - the headline, and of each pair of processes a flame graph and tables. 0 or
 *  -ENOMEM */
int html_diff_add(struct strbuf *out, const struct run_diff *d);

#endif
