/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verdicts and collections in the NDJSON: keys of records that the caller begins and ends. */
#ifndef MEMWATCH_OUTPUT_NDJSON_VERDICT_H
#define MEMWATCH_OUTPUT_NDJSON_VERDICT_H

#include "analysis/verdict.h"
#include "base/json.h"
#include "model/gc.h"
#include "model/site.h"
#include "output/ndjson_site.h"

/** ndjson_gc_add - the keys of a "gc" record */
void ndjson_gc_add(struct json *j, const struct gc *gc);

/** ndjson_verdict_add - the keys of a "verdict" record; @sites: of that process, or NULL */
void ndjson_verdict_add(struct json *j, const struct verdict *v, const struct site_table *sites,
			bool is_last);

/** ndjson_verdict_brief_add - "verdict" of an "oom" record: an object */
void ndjson_verdict_brief_add(struct json *j, const struct verdict *v);

/* The keys, for `memwatch schema`; those of @limit and @sites are objects' of their own. */
extern const struct site_key gc_record_keys[], verdict_record_keys[], verdict_brief_keys[];
extern const struct site_key verdict_limit_keys[], verdict_site_keys[];
extern const size_t gc_record_key_count, verdict_record_key_count, verdict_brief_key_count;
extern const size_t verdict_limit_key_count, verdict_site_key_count;

#endif
