/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What all records of the NDJSON begin with, and the first of them. */
#ifndef MEMWATCH_OUTPUT_NDJSON_RECORD_H
#define MEMWATCH_OUTPUT_NDJSON_RECORD_H

#include <stdint.h>

#include "base/json.h"
#include "model/run.h"

/** ndjson_record_begin - type and time; @ts_ns: CLOCK_BOOTTIME, @wall_ns: CLOCK_REALTIME */
void ndjson_record_begin(struct json *j, struct strbuf *b, const char *type, uint64_t ts_ns,
			 uint64_t wall_ns);

/** ndjson_identity_add - of a process; @comm: at most MW_COMM_LEN bytes */
void ndjson_identity_add(struct json *j, uint32_t pid, uint64_t start_ns, const char *comm);

/** ndjson_meta_add - the "meta" record, as of now; without interval_ms if there is no interval */
void ndjson_meta_add(struct strbuf *b, const struct run *run);
/** ndjson_meta_add_at - the same as of another time */
void ndjson_meta_add_at(struct strbuf *b, const struct run *run, uint64_t ts_ns, uint64_t wall_ns);

#endif
