/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two recordings beside each other, as NDJSON. */
#ifndef MEMWATCH_OUTPUT_NDJSON_RUN_DIFF_H
#define MEMWATCH_OUTPUT_NDJSON_RUN_DIFF_H

#include "analysis/run_diff.h"
#include "base/strbuf.h"
#include "output/ndjson_site.h"

/**
 * ndjson_run_diff_add - a "diff" record for each pair of processes; of those that grow, what does:
 * "constructor" and "site" records; then "end". Without a pair one "diff" that says so
 */
void ndjson_run_diff_add(struct strbuf *out, const struct run_diff *d);

/* The keys, for `memwatch schema`; those that other records have, too, are theirs. */
extern const struct site_key diff_record_keys[], diff_side_keys[], diff_kind_keys[],
	diff_holder_keys[], diff_change_keys[],
	diff_amount_keys[], /* of constructor and site records */
	diff_count_keys[],  /* of constructor records alone */
	diff_sample_keys[]; /* of site records alone */
extern const size_t diff_record_key_count, diff_side_key_count, diff_kind_key_count,
	diff_holder_key_count, diff_change_key_count, diff_amount_key_count, diff_count_key_count,
	diff_sample_key_count;

#endif
