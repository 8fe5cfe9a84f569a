/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The "check" record of the NDJSON. */
#ifndef MEMWATCH_OUTPUT_NDJSON_GATE_H
#define MEMWATCH_OUTPUT_NDJSON_GATE_H

#include "analysis/gate.h"
#include "base/json.h"
#include "output/ndjson_site.h"

/** ndjson_gate_add - its keys */
void ndjson_gate_add(struct json *j, const struct gate *g);

/* The keys, for `memwatch schema`. */
extern const struct site_key gate_record_keys[];
extern const size_t gate_record_key_count;

#endif
