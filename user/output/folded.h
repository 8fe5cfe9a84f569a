/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Folded stacks, as flamegraph.pl and its kin read them: "root;caller;leaf BYTES", a line a stack.
 */
#ifndef MEMWATCH_OUTPUT_FOLDED_H
#define MEMWATCH_OUTPUT_FOLDED_H

#include "analysis/flame.h"
#include "base/strbuf.h"

/** folded_add - of one side; ';' in names becomes ':', controls U+FFFD, and no name is empty */
void folded_add(struct strbuf *out, const struct flame *f, enum flame_side side);

#endif
