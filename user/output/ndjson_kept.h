/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a leak of V8's heap consists of, and who keeps it, in the NDJSON. */
#ifndef MEMWATCH_OUTPUT_NDJSON_KEPT_H
#define MEMWATCH_OUTPUT_NDJSON_KEPT_H

#include "output/ndjson_site.h"

/* The keys that kept_json_add() writes, for `memwatch schema`; those of @retainer are an object's
   of its own. */
extern const struct site_key verdict_constructor_keys[], verdict_retainer_keys[];
extern const size_t verdict_constructor_key_count, verdict_retainer_key_count;

#endif
