/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A recording as one HTML page: see html_page.h. */
#ifndef MEMWATCH_OUTPUT_HTML_REPORT_H
#define MEMWATCH_OUTPUT_HTML_REPORT_H

#include "base/strbuf.h"
#include "model/recorded.h"

/** html_report_add - of the loaded processes of @r. 0 or -ENOMEM */
int html_report_add(struct strbuf *out, const struct recorded *r);

#endif
