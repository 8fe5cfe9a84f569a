/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth sites in the NDJSON: keys of records that the caller begins and ends. */
#ifndef MEMWATCH_OUTPUT_NDJSON_SITE_H
#define MEMWATCH_OUTPUT_NDJSON_SITE_H

#include "analysis/sites.h"
#include "base/json.h"

/** ndjson_site_add - the keys of a "site" record, the frames of its largest stack included */
void ndjson_site_add(struct json *j, const struct site_group *g);

/** ndjson_sites_add - "sites" of a "process" record: totals, and how well sites can be told */
void ndjson_sites_add(struct json *j, const struct site_table *t);

/* A key of an object inside those records, for `memwatch schema`. */
struct site_key {
	const char *key, *help;
};
extern const struct site_key site_record_keys[], site_frame_keys[], site_quality_keys[];
extern const size_t site_record_key_count, site_frame_key_count, site_quality_key_count;

#endif
