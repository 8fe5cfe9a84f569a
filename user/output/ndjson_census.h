/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Censuses in the NDJSON, and what a file of one consists of. */
#ifndef MEMWATCH_OUTPUT_NDJSON_CENSUS_H
#define MEMWATCH_OUTPUT_NDJSON_CENSUS_H

#include "analysis/census_diff.h"
#include "base/strbuf.h"
#include "model/census.h"
#include "model/run.h"
#include "output/ndjson_site.h"

/** ndjson_census_add - the "census" record: isolates, how it was taken, what it could not see */
void ndjson_census_add(struct strbuf *out, const struct census *c);
/** ndjson_constructors_add - a "constructor" record for each */
void ndjson_constructors_add(struct strbuf *out, const struct census *c);
/** ndjson_changes_add - the same, with what changed; also of those that are gone */
void ndjson_changes_add(struct strbuf *out, const struct census_diff *d);
/** ndjson_retainers_add - a "retainer" record for each of @c->retainers */
void ndjson_retainers_add(struct strbuf *out, const struct census *c);
/** ndjson_census_end_add - the "end" record, after so many censuses */
void ndjson_census_end_add(struct strbuf *out, unsigned censuses);

/** ndjson_census_file_add - all records of a census by itself, from "meta" to "end" */
void ndjson_census_file_add(struct strbuf *out, const struct run *run, const struct census *c);

/* The keys, for `memwatch schema`. */
extern const struct site_key census_record_keys[], census_isolate_keys[], census_lost_keys[],
	constructor_record_keys[], retainer_record_keys[], retainer_step_keys[];
extern const size_t census_record_key_count, census_isolate_key_count, census_lost_key_count,
	constructor_record_key_count, retainer_record_key_count, retainer_step_key_count;

#endif
