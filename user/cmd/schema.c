/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch schema: the NDJSON contract, key by key, from the same catalogue
 * that the records are written by.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/opts.h"
#include "cmd/cmd.h"
#include "collect/hooks.h"
#include "model/lost.h"
#include "model/run.h"
#include "output/ndjson_census.h"
#include "output/ndjson_gate.h"
#include "output/ndjson_site.h"
#include "output/ndjson_kept.h"
#include "output/ndjson_run_diff.h"
#include "output/ndjson_verdict.h"
#include "output/sink.h"

static void begin_type(struct json *j, const char *type, const char *help)
{
	json_object_begin(j, type);
	json_str(j, "description", help);
	json_object_begin(j, "keys");
}

static void end_type(struct json *j)
{
	json_object_end(j);
	json_object_end(j);
}

static void add_total_keys(struct json *j)
{
	for (size_t i = 0; i < total_field_count; i++)
		json_str(j, total_fields[i].key, total_fields[i].help);
}

static void add_site_keys(struct json *j, const struct site_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_str(j, keys[i].key, keys[i].help);
}

static void add_common(struct json *j)
{
	json_object_begin(j, "common");
	json_str(j, "type", "what the record is; ignore unknown types");
	json_str(j, "ts_ns", "CLOCK_BOOTTIME, nanoseconds");
	json_str(j, "time", "RFC 3339, UTC");
	json_str(j, "pid", "process id, where a process is meant");
	json_str(j, "start_ns", "CLOCK_BOOTTIME of its start: with pid, its identity");
	json_str(j, "comm", "name of the program; controls and invalid UTF-8 as U+FFFD");
	json_object_end(j);
}

static void add_meta(struct json *j)
{
	begin_type(j, "meta", "the first line");
	json_str(j, "schema", "version of this contract");
	json_str(j, "version", "of memwatch");
	json_str(j, "kernel", "release");
	json_str(j, "arch", "machine");
	json_str(j, "interval_ms", "between ticks, or censuses; absent: there is one");
	json_str(j, "targets", "{pids, comm, cgroup}: what was named; empty: the whole machine");
	json_object_begin(j, "hooks");
	for (int c = 0; c < CAPABILITY_MAX; c++)
		json_str(j, capability_table[c].name, capability_table[c].gives);
	json_object_end(j);
	end_type(j);
}

static void add_process(struct json *j)
{
	begin_type(j, "process", "each tick, each process shown");
	json_str(j, "ppid", "parent");
	add_total_keys(j);
	json_str(j, "peak_rss_bytes", "highest RSS so far");
	json_str(j, "approximate", "true: the kernel's per-CPU counters were not added up");
	json_str(j, "faults_cut", "true: too many threads; minflt and majflt are lower bounds");
	json_str(j, "cgroup", "memory cgroup, as /proc/PID/cgroup shows it");
	json_str(j, "container", "container id, where the cgroup names one");
	json_str(j, "private_low_bytes",
		 "report: least of anon and swap since the record before; absent: as it is");
	json_str(j, "rss_high_bytes", "report: greatest RSS since then; absent: as it is");
	json_str(j, "delta", "the same sizes, change since the tick before; absent at the first");
	json_object_begin(j, "events");
	for (size_t i = 0; i < activity_field_count; i++)
		json_str(j, activity_fields[i].key, activity_fields[i].help);
	json_object_end(j);
	json_object_begin(j, "sites");
	add_site_keys(j, site_quality_keys, site_quality_key_count);
	json_object_end(j);
	end_type(j);
}

static void add_site(struct json *j)
{
	begin_type(j, "site",
		   "each tick, of processes whose stacks are taken: code that makes it grow; "
		   "of each kind the largest (--sites), best first");
	add_site_keys(j, site_record_keys, site_record_key_count);
	add_site_keys(j, diff_amount_keys, diff_amount_key_count);
	add_site_keys(j, diff_sample_keys, diff_sample_key_count);
	json_object_begin(j, "frames");
	add_site_keys(j, site_frame_keys, site_frame_key_count);
	json_object_end(j);
	end_type(j);
}

static void add_lifecycle(struct json *j)
{
	begin_type(j, "fork", "a process was born");
	json_str(j, "ppid", "parent");
	end_type(j);
	begin_type(j, "exec", "a process became another program");
	json_str(j, "ppid", "parent");
	json_str(j, "path", "of the program, cut at 255 bytes");
	end_type(j);
	begin_type(j, "exit", "a process ended; without status and signal: it vanished unseen");
	json_str(j, "ppid", "parent");
	json_str(j, "status", "exit status; or");
	json_str(j, "signal", "the signal that killed it");
	json_str(j, "lifetime_ns", "from start to end");
	json_str(j, "peak_rss_bytes", "highest RSS");
	json_str(j, "minflt", "page faults without I/O");
	json_str(j, "majflt", "page faults with I/O");
	json_str(j, "last", "sizes at the end, or at the last tick; keys as in process");
	end_type(j);
	begin_type(j, "oom", "the kernel kills a process for lack of memory; sizes as in process");
	json_str(j, "cgroup", "memory cgroup of the victim");
	json_str(j, "limit",
		 "{kind: cgroup | machine, cgroup_id, cgroup, bytes, usage_bytes}: what ran out");
	json_object_begin(j, "verdict");
	add_site_keys(j, verdict_brief_keys, verdict_brief_key_count);
	json_object_end(j);
	end_type(j);
}

static void add_gc(struct json *j)
{
	begin_type(j, "gc", "each garbage collection, of processes whose collections are seen");
	add_site_keys(j, gc_record_keys, gc_record_key_count);
	end_type(j);
}

static void add_verdict(struct json *j)
{
	begin_type(j, "verdict",
		   "is it a leak: on each change of class, leak, confidence by tenths or kind of "
		   "limit, when --heap has looked what it consists of, and at the end of the "
		   "process or the run");
	add_site_keys(j, verdict_brief_keys, verdict_brief_key_count);
	add_site_keys(j, verdict_record_keys, verdict_record_key_count);
	json_object_begin(j, "limit");
	add_site_keys(j, verdict_limit_keys, verdict_limit_key_count);
	json_object_end(j);
	json_object_begin(j, "sites");
	add_site_keys(j, verdict_site_keys, verdict_site_key_count);
	json_object_end(j);
	json_object_begin(j, "constructors");
	add_site_keys(j, verdict_constructor_keys, verdict_constructor_key_count);
	json_object_begin(j, "retainer");
	add_site_keys(j, verdict_retainer_keys, verdict_retainer_key_count);
	json_object_end(j);
	json_object_end(j);
	end_type(j);
}

/* What a verdict's "class" may be. */
static void add_classes(struct json *j)
{
	json_object_begin(j, "classes");
	for (int class = 0; class < VERDICT_CLASSES; class ++)
		json_str(j, verdict_class_name(class), verdict_class_help(class));
	json_object_end(j);
}

static void add_check(struct json *j)
{
	begin_type(j, "check", "what `memwatch check` found, before the end");
	add_site_keys(j, gate_record_keys, gate_record_key_count);
	end_type(j);
}

static void add_key_object(struct json *j, const char *key, const struct site_key *keys,
			   size_t count)
{
	json_object_begin(j, key);
	add_site_keys(j, keys, count);
	json_object_end(j);
}

static void add_census(struct json *j)
{
	begin_type(j, "census", "`memwatch heap`: V8's live heap at a moment; its records follow");
	add_site_keys(j, census_record_keys, census_record_key_count);
	add_key_object(j, "isolates", census_isolate_keys, census_isolate_key_count);
	add_key_object(j, "lost", census_lost_keys, census_lost_key_count);
	end_type(j);
	begin_type(j, "constructor",
		   "live objects of one constructor, in an isolate; most bytes first, or with "
		   "delta_* what grew most");
	add_site_keys(j, constructor_record_keys, constructor_record_key_count);
	add_site_keys(j, diff_amount_keys, diff_amount_key_count);
	add_site_keys(j, diff_count_keys, diff_count_key_count);
	end_type(j);
	begin_type(j, "retainer", "who keeps the objects of a constructor alive");
	add_site_keys(j, retainer_record_keys, retainer_record_key_count);
	add_key_object(j, "path", retainer_step_keys, retainer_step_key_count);
	add_key_object(j, "owners", retainer_step_keys, retainer_step_key_count);
	end_type(j);
}

static void add_diff(struct json *j)
{
	begin_type(j, "diff",
		   "`memwatch diff` of two recordings, a and b: what processes of one name do in "
		   "both. Of those that grow in b only, constructor and site records follow, what "
		   "differs most first");
	add_site_keys(j, diff_record_keys, diff_record_key_count);
	add_site_keys(j, diff_change_keys, diff_change_key_count);
	add_key_object(j, "a", diff_side_keys, diff_side_key_count);
	add_key_object(j, "b", diff_side_keys, diff_side_key_count);
	json_object_begin(j, "kinds");
	add_site_keys(j, diff_kind_keys, diff_kind_key_count);
	add_site_keys(j, diff_change_keys, diff_change_key_count);
	json_object_end(j);
	add_key_object(j, "holder", diff_holder_keys, diff_holder_key_count);
	end_type(j);
}

static void add_end(struct json *j)
{
	begin_type(j, "lost", "a tick in which anything was lost: counts by cause");
	for (unsigned i = 0; i < LOST_MAX; i++)
		json_str(j, lost_name(i), lost_help(i));
	json_str(j, "shed", "what is given up to stay within the budget");
	end_type(j);
	begin_type(j, "end", "the last line");
	json_str(j, "ticks", "collections made; or");
	json_str(j, "censuses", "censuses taken; or");
	json_str(j, "recordings", "diff: recordings that were compared");
	json_object_begin(j, "self");
	json_str(j, "cpu_pct", "of one CPU, BPF time included where known");
	json_str(j, "once_pct",
		 "end: of that, what is spent once: reading the names of processes, "
		 "and what a census tells");
	json_str(j, "cpu_ns", "own CPU time, start included");
	json_str(j, "bpf_ns", "BPF programs in other processes' time (estimated from samples)");
	json_str(j, "rss_bytes", "own resident memory");
	json_str(j, "peak_rss_bytes", "after censuses: the most that it was");
	json_str(j, "map_bytes", "kernel memory of the BPF maps");
	json_object_end(j);
	json_str(j, "lost", "totals by cause; empty: nothing was lost");
	json_str(j, "cut", "report: true: the recording has no end");
	json_str(j, "thinned_ns", "report: not all ticks before it are there; absent: all are");
	json_str(j, "dropped_events",
		 "report: old ones that made room, new ones that could not be written");
	json_str(j, "dropped_sites", "report: for which there was no room");
	end_type(j);
}

static int opt_help(void *arg, const char *value)
{
	(void)value;
	*(bool *)arg = true;
	return 0;
}

static const struct opt table[] = {
	{'h', "help", NULL, "this text", opt_help},
	{0, NULL, NULL, NULL, NULL},
};

static int print_schema(void)
{
	struct strbuf out;
	struct json j;
	int err;

	strbuf_init(&out);
	json_begin(&j, &out);
	json_u64(&j, "schema", MEMWATCH_SCHEMA);
	json_str(&j, "version", MEMWATCH_VERSION);
	add_common(&j);
	json_object_begin(&j, "types");
	add_meta(&j);
	add_process(&j);
	add_site(&j);
	add_lifecycle(&j);
	add_gc(&j);
	add_verdict(&j);
	add_check(&j);
	add_census(&j);
	add_diff(&j);
	add_end(&j);
	json_object_end(&j);
	add_classes(&j);
	json_end(&j);
	err = sink_write(STDOUT_FILENO, &out);
	strbuf_release(&out);
	if (err && err != -EPIPE)
		return log_error_code(-EIO, "cannot write: %s", strerror(-err));
	return 0;
}

int cmd_schema(int argc, char **argv)
{
	bool help = false;
	int err = opts_parse(argc, argv, table, NULL, &help);

	if (!err && help) {
		puts("memwatch schema - the contract of --json, as one JSON object\n"
		     "\n"
		     "For each type of record its keys and what they mean. Bytes and nanoseconds\n"
		     "are integers. An absent key means unknown.\n");
		opts_print(stdout, table);
	} else if (!err) {
		err = print_schema();
	}
	return cmd_status(err);
}
