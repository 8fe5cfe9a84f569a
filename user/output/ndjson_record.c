/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The head of a record, the same in all of them. */
#include "output/ndjson_record.h"

#include "base/clock.h"
#include "memwatch/abi.h"

void ndjson_record_begin(struct json *j, struct strbuf *b, const char *type, uint64_t ts_ns,
			 uint64_t wall_ns)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(time, sizeof(time), wall_ns);
	json_begin(j, b);
	json_str(j, "type", type);
	json_u64(j, "ts_ns", ts_ns);
	json_str(j, "time", time);
}

void ndjson_identity_add(struct json *j, uint32_t pid, uint64_t start_ns, const char *comm)
{
	json_u64(j, "pid", pid);
	json_u64(j, "start_ns", start_ns);
	json_strn(j, "comm", comm, MW_COMM_LEN);
}

static void add_targets(struct json *j, const struct run *run)
{
	json_object_begin(j, "targets");
	json_array_begin(j, "pids");
	for (unsigned i = 0; i < run->pid_count; i++)
		json_u64(j, NULL, run->pids[i]);
	json_array_end(j);
	if (run->comm)
		json_str(j, "comm", run->comm);
	if (run->cgroup)
		json_str(j, "cgroup", run->cgroup);
	json_object_end(j);
}

void ndjson_meta_add(struct strbuf *b, const struct run *run)
{
	ndjson_meta_add_at(b, run, clock_boot_ns(), clock_wall_ns());
}

void ndjson_meta_add_at(struct strbuf *b, const struct run *run, uint64_t ts_ns, uint64_t wall_ns)
{
	struct json j;

	ndjson_record_begin(&j, b, "meta", ts_ns, wall_ns);
	json_u64(&j, "schema", MEMWATCH_SCHEMA);
	json_str(&j, "version", run->version);
	json_str(&j, "kernel", run->kernel);
	json_str(&j, "arch", run->arch);
	if (run->interval_ns)
		json_u64(&j, "interval_ms", run->interval_ns / NSEC_PER_MSEC);
	add_targets(&j, run);
	json_object_begin(&j, "hooks");
	for (unsigned i = 0; i < run->hook_count; i++) {
		if (run->hooks[i].hook)
			json_str(&j, run->hooks[i].capability, run->hooks[i].hook);
		else
			json_null(&j, run->hooks[i].capability);
	}
	json_object_end(&j);
	json_end(&j);
}
