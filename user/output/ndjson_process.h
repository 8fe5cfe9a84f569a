/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records about a process, whole, as a run and a report of a recording have them. */
#ifndef MEMWATCH_OUTPUT_NDJSON_PROCESS_H
#define MEMWATCH_OUTPUT_NDJSON_PROCESS_H

#include "base/json.h"
#include "model/process.h"
#include "output/ndjson_site.h"

struct ndjson_moment {
	uint64_t ns, wall_ns; /* CLOCK_BOOTTIME, CLOCK_REALTIME */
};

/** ndjson_totals_add - the sizes that are known, as keys */
void ndjson_totals_add(struct json *j, const struct totals *t);

/* What is known of a process's activity since the tick before. */
enum ndjson_events { NDJSON_NO_EVENTS, NDJSON_EVENTS, NDJSON_EVENTS_BY_PLACE };

/** ndjson_process_begin - a "process" record, open for more keys: json_end() */
void ndjson_process_begin(struct json *j, struct strbuf *out, const struct process *p,
			  const struct ndjson_moment *at, enum ndjson_events events);

/** ndjson_site_records_add - "site" records: the largest of each kind, those that matter most
 *  first. 0 or -ENOMEM */
int ndjson_site_records_add(struct strbuf *out, const struct process *p,
			    const struct ndjson_moment *at, unsigned most);

/** ndjson_verdict_record_add - @p->verdict, with @p->sites and @p->kept, if there are any */
void ndjson_verdict_record_add(struct strbuf *out, const struct process *p,
			       const struct ndjson_moment *at, bool is_last);

#endif
