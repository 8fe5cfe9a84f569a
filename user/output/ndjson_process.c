/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "output/ndjson_process.h"

#include <errno.h>
#include <stdlib.h>

#include "model/kept_json.h"
#include "output/fields.h"
#include "output/ndjson_record.h"
#include "output/ndjson_verdict.h"

static void begin(struct json *j, struct strbuf *out, const char *type, const struct process *p,
		  const struct ndjson_moment *at)
{
	ndjson_record_begin(j, out, type, at->ns, at->wall_ns);
	ndjson_identity_add(j, p->pid, p->start_ns, p->comm);
}

/* --- what it holds --- */

void ndjson_totals_add(struct json *j, const struct totals *t)
{
	for (size_t i = 0; i < total_field_count; i++) {
		if (total_is_known(&total_fields[i], t))
			json_u64(j, total_fields[i].key, total_value(&total_fields[i], t));
	}
}

static void add_delta(struct json *j, const struct process *p)
{
	json_object_begin(j, "delta");
	for (size_t i = 0; i < total_field_count; i++) {
		const struct total_field *f = &total_fields[i];

		if (!total_is_known(f, &p->now) || !total_is_known(f, &p->before))
			continue;
		json_i64(j, f->key,
			 (int64_t)(total_value(f, &p->now) - total_value(f, &p->before)));
	}
	json_object_end(j);
}

static void add_events(struct json *j, const struct process *p, enum ndjson_events events)
{
	json_object_begin(j, "events");
	for (size_t i = 0; i < activity_field_count; i++) {
		const struct activity_field *f = &activity_fields[i];

		if (f->needs == ACTIVITY_CALLS && !p->calls_counted)
			continue;
		if (f->needs == ACTIVITY_SAMPLED && events != NDJSON_EVENTS_BY_PLACE)
			continue;
		json_u64(j, f->key, activity_value(f, &p->activity));
	}
	json_object_end(j);
}

void ndjson_process_begin(struct json *j, struct strbuf *out, const struct process *p,
			  const struct ndjson_moment *at, enum ndjson_events events)
{
	begin(j, out, "process", p, at);
	json_u64(j, "ppid", p->ppid);
	ndjson_totals_add(j, &p->now);
	json_u64(j, "peak_rss_bytes", p->peak_rss_bytes);
	if (p->rss_approximate)
		json_flag(j, "approximate", true);
	if (p->faults_cut)
		json_flag(j, "faults_cut", true);
	if (p->cgroup && p->cgroup->path)
		json_str(j, "cgroup", p->cgroup->path);
	if (p->cgroup && p->cgroup->container[0])
		json_str(j, "container", p->cgroup->container);
	if (p->has_delta)
		add_delta(j, p);
	if (p->has_delta && events != NDJSON_NO_EVENTS)
		add_events(j, p, events);
	if (p->sites)
		ndjson_sites_add(j, p->sites);
}

/* --- what is known of it beside that --- */

int ndjson_site_records_add(struct strbuf *out, const struct process *p,
			    const struct ndjson_moment *at, unsigned most)
{
	struct site_group *groups;
	struct json j;

	if (!p->sites || !most)
		return 0;
	groups = calloc(most, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	for (unsigned i = 0; i < MW_SITE_KINDS - 1; i++) {
		unsigned count =
			site_groups(p->sites, site_kinds_ordered[i], SITE_BY_CHAIN, groups, most);

		for (unsigned k = 0; k < count; k++) {
			begin(&j, out, "site", p, at);
			ndjson_site_add(&j, &groups[k]);
			json_end(&j);
		}
	}
	free(groups);
	return 0;
}

void ndjson_verdict_record_add(struct strbuf *out, const struct process *p,
			       const struct ndjson_moment *at, bool is_last)
{
	struct json j;

	if (!p->verdict)
		return;
	begin(&j, out, "verdict", p, at);
	ndjson_verdict_add(&j, p->verdict, p->sites, is_last);
	if (p->kept)
		kept_json_add(&j, p->kept);
	json_end(&j);
}
