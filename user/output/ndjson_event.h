/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What happened, in the NDJSON: keys of records that the caller begins and ends, and whole ones. */
#ifndef MEMWATCH_OUTPUT_NDJSON_EVENT_H
#define MEMWATCH_OUTPUT_NDJSON_EVENT_H

#include "base/json.h"
#include "model/lost.h"
#include "model/recorded.h"
#include "output/sink.h"

/** ndjson_exit_add - how it ended: signal or status of @code, as wait(2) gives it; @lifetime_ns 0:
 *  unknown */
void ndjson_exit_add(struct json *j, int code, uint64_t lifetime_ns, uint64_t peak_rss_bytes);

/* Which limit ran out. */
struct ndjson_oom_limit {
	bool is_machine;    /* else a cgroup's: the rest is of it */
	uint64_t cgroup_id; /* 0: unknown */
	const char *cgroup; /* NULL: unknown */
	uint64_t bytes, usage_bytes;
};

/** ndjson_oom_limit_add - "limit" of an "oom" record */
void ndjson_oom_limit_add(struct json *j, const struct ndjson_oom_limit *l);

/** ndjson_recorded_event_add - a whole record of one in @r: fork, exec, exit (with neither status
 *  nor signal: vanished), oom */
void ndjson_recorded_event_add(struct strbuf *out, const struct recorded *r,
			       const struct recorded_event *e);

/** ndjson_lost_add - counts by cause, of what was lost only */
void ndjson_lost_add(struct json *j, const struct lost *lost);

/** ndjson_end_begin - the "end" record, open for more keys: json_end() */
void ndjson_end_begin(struct json *j, struct strbuf *out, const struct end *e);

#endif
