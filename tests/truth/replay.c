/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * replay [FILE] - judges a process again that memwatch has recorded
 *
 * Reads the NDJSON of `memwatch --json -p PID`, feeds the analysis of this build with it tick by
 * tick, and writes the same records with the verdicts that it gives now instead of those that were
 * given. So what is changed in user/analysis can be tried on real series without running them
 * again.
 *
 * LIMITATIONS: one process a file; limits are not recorded, so verdicts have none.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verdict.h"
#include "base/json.h"
#include "base/strbuf.h"

struct replay {
	struct series private_bytes, file, shmem, brk, vm, threads, external;
	struct live_heap v8;
	bool is_v8, is_collected;
	uint64_t start_ns;
	struct verdict last; /* that was written */
};

static uint64_t number(struct json_object *record, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(record, key, &value) ? json_object_get_uint64(value) : 0;
}

static const char *text(struct json_object *record, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(record, key, &value) ? json_object_get_string(value) : "";
}

static void add_process(struct replay *r, struct json_object *record)
{
	uint64_t ns = number(record, "ts_ns");
	const char *collector = text(record, "collector");

	r->start_ns = number(record, "start_ns");
	if (*collector)
		r->is_v8 = !strcmp(collector, "live");
	r->is_collected = *collector && strcmp(collector, "none") != 0 && !r->is_v8;
	series_add(&r->private_bytes, ns,
		   number(record, "anon_bytes") + number(record, "swap_bytes"));
	series_add(&r->file, ns, number(record, "file_bytes"));
	series_add(&r->shmem, ns, number(record, "shmem_bytes"));
	series_add(&r->brk, ns, number(record, "heap_bytes"));
	series_add(&r->vm, ns, number(record, "vm_bytes"));
	series_add(&r->threads, ns, number(record, "threads"));
}

static void add_gc(struct replay *r, struct json_object *record)
{
	uint64_t ns = number(record, "ts_ns"), external = number(record, "external_bytes");

	r->is_v8 = true;
	if (external)
		series_add(&r->external, ns, external);
	if (!strcmp(text(record, "kind"), "mark-compact") && number(record, "live_bytes"))
		live_heap_add(&r->v8, strtoull(text(record, "isolate"), NULL, 0), ns,
			      number(record, "live_bytes"), number(record, "limit_bytes"));
}

static void write_verdict(struct json_object *tick, const struct verdict *v)
{
	struct strbuf out;
	struct json j;

	strbuf_init(&out);
	json_begin(&j, &out);
	json_str(&j, "type", "verdict");
	json_u64(&j, "ts_ns", number(tick, "ts_ns"));
	json_u64(&j, "pid", number(tick, "pid"));
	json_u64(&j, "start_ns", number(tick, "start_ns"));
	json_str(&j, "class", verdict_class_name(v->class));
	json_flag(&j, "leak", v->is_leak);
	json_fixed(&j, "confidence", v->confidence, 2);
	json_fixed(&j, "slope_bytes_per_s", v->trend.slope, 0);
	json_array_begin(&j, "evidence");
	for (unsigned i = 0; i < v->evidence_count; i++)
		json_str(&j, NULL, v->evidence[i]);
	json_array_end(&j);
	json_end(&j);
	fwrite(out.s, 1, out.len, stdout);
	strbuf_release(&out);
}

static void judge(struct replay *r, struct json_object *tick)
{
	struct verdict_input in = {
		.now_ns = number(tick, "ts_ns"),
		.start_ns = r->start_ns,
		.private_bytes = &r->private_bytes,
		.file = &r->file,
		.shmem = &r->shmem,
		.brk = &r->brk,
		.vm = &r->vm,
		.threads = &r->threads,
		.external = r->external.count ? &r->external : NULL,
		.v8 = r->is_v8 ? &r->v8 : NULL,
		.is_collected = r->is_collected,
	};
	struct verdict v;

	verdict_give(&in, &v);
	if (v.class == r->last.class && v.is_leak == r->last.is_leak &&
	    (int)(v.confidence * 10) == (int)(r->last.confidence * 10))
		return;
	r->last = v;
	write_verdict(tick, &v);
}

static int replay_line(struct replay *r, const char *line)
{
	struct json_object *record = json_tokener_parse(line);
	const char *type;

	if (!record)
		return -EINVAL;
	type = text(record, "type");
	if (strcmp(type, "verdict") != 0)
		fputs(line, stdout);
	if (!strcmp(type, "gc"))
		add_gc(r, record);
	if (!strcmp(type, "process")) {
		add_process(r, record);
		judge(r, record);
	}
	json_object_put(record);
	return 0;
}

int main(int argc, char **argv)
{
	FILE *file = argc > 1 ? fopen(argv[1], "r") : stdin;
	static struct replay r = {.last.class = VERDICT_CLASSES};
	char *line = NULL;
	size_t cap = 0;
	int err = 0;

	if (!file) {
		fprintf(stderr, "replay: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	while (!err && getline(&line, &cap, file) > 0)
		err = replay_line(&r, line);
	free(line);
	if (err)
		fprintf(stderr, "replay: %s: a line is no JSON\n", argc > 1 ? argv[1] : "stdin");
	return err ? 1 : 0;
}
