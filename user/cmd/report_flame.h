/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The loaded processes of a recording as one flame graph. */
#ifndef MEMWATCH_CMD_REPORT_FLAME_H
#define MEMWATCH_CMD_REPORT_FLAME_H

#include "base/strbuf.h"
#include "model/recorded.h"

/** report_flame_svg, report_flame_folded - as SVG, as folded stacks. 0 or -ENOMEM */
int report_flame_svg(struct strbuf *out, const struct recorded *r);
int report_flame_folded(struct strbuf *out, const struct recorded *r);

#endif
