/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The "check" record of the NDJSON. */
#ifndef MEMWATCH_OUTPUT_NDJSON_GATE_H
#define MEMWATCH_OUTPUT_NDJSON_GATE_H

#include "analysis/gate.h"
#include "base/strbuf.h"
#include "output/ndjson_site.h"

/** ndjson_gate_add - the record as a line; @ts_ns: CLOCK_BOOTTIME, @wall_ns: CLOCK_REALTIME */
void ndjson_gate_add(struct strbuf *out, const struct gate *g, uint64_t ts_ns, uint64_t wall_ns);

/* The keys, for `memwatch schema`. */
extern const struct site_key gate_record_keys[];
extern const size_t gate_record_key_count;

#endif
