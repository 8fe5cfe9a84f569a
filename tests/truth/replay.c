/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * replay FILE - judges a process again that memwatch has recorded
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

#include "analysis/course.h"
#include "analysis/verdict.h"
#include "base/json.h"
#include "base/strbuf.h"

struct replay {
	struct course course;
	enum collector collector;
	bool has_course;
	struct verdict before, last; /* the tick before; that was written */
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
	struct process p = {
		.now_ns = number(record, "ts_ns"),
		.now =
			{
				.anon_bytes = number(record, "anon_bytes"),
				.swap_bytes = number(record, "swap_bytes"),
				.file_bytes = number(record, "file_bytes"),
				.shmem_bytes = number(record, "shmem_bytes"),
				.heap_bytes = number(record, "heap_bytes"),
				.vm_bytes = number(record, "vm_bytes"),
				.threads = number(record, "threads"),
			},
	};

	if (!r->has_course)
		course_init(&r->course, number(record, "start_ns"));
	r->has_course = true;
	course_add(&r->course, &p);
}

static enum mw_gc_kind gc_kind(const char *name)
{
	for (int kind = 0; kind < MW_GC_KINDS; kind++)
		if (!strcmp(gc_kind_name(kind), name))
			return kind;
	return MW_GC_OTHER;
}

static void add_gc(struct replay *r, struct json_object *record)
{
	struct gc gc = {
		.ns = number(record, "ts_ns"),
		.isolate = strtoull(text(record, "isolate"), NULL, 0),
		.kind = gc_kind(text(record, "kind")),
		.live_bytes = number(record, "live_bytes"),
		.external_bytes = number(record, "external_bytes"),
		.limit_bytes = number(record, "limit_bytes"),
	};

	course_gc(&r->course, &gc);
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
	const struct course_view view = {
		.now_ns = number(tick, "ts_ns"),
		.collector = r->collector,
		.called = r->before.is_leak ? r->before.class : VERDICT_EARLY,
	};
	struct verdict v;

	course_judge(&r->course, &view, &v);
	r->before = v;
	if (v.class == r->last.class && v.is_leak == r->last.is_leak &&
	    (int)(v.confidence * 10) == (int)(r->last.confidence * 10))
		return;
	r->last = v;
	write_verdict(tick, &v);
}

static int replay_record(struct replay *r, struct json_object *record, const char *line)
{
	const char *type = text(record, "type");

	if (strcmp(type, "verdict") != 0)
		fputs(line, stdout);
	if (!strcmp(type, "gc"))
		add_gc(r, record);
	if (!strcmp(type, "process")) {
		add_process(r, record);
		judge(r, record);
	}
	return 0;
}

/* It is known from the first tick on, but recorded only by what it does. */
static int look_for_collector(struct replay *r, struct json_object *record, const char *line)
{
	(void)line;
	if (strcmp(text(record, "type"), "gc") != 0)
		return 0;
	if (number(record, "live_bytes"))
		r->collector = COLLECTOR_LIVE;
	else if (r->collector == COLLECTOR_NONE)
		r->collector = COLLECTOR_SEEN;
	return 0;
}

static int for_each_record(FILE *file, struct replay *r,
			   int (*fn)(struct replay *, struct json_object *, const char *))
{
	char *line = NULL;
	size_t cap = 0;
	int err = 0;

	rewind(file);
	while (!err && getline(&line, &cap, file) > 0) {
		struct json_object *record = json_tokener_parse(line);

		err = record ? fn(r, record, line) : -EINVAL;
		json_object_put(record);
	}
	free(line);
	return err;
}

int main(int argc, char **argv)
{
	struct replay r = {.collector = COLLECTOR_NONE, .last.class = VERDICT_CLASSES};
	FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	int err;

	if (!file) {
		fprintf(stderr, "replay: %s\n", argc == 2 ? strerror(errno) : "one file is needed");
		return 1;
	}
	err = for_each_record(file, &r, look_for_collector);
	if (!err)
		err = for_each_record(file, &r, replay_record);
	if (err)
		fprintf(stderr, "replay: %s: a line is no JSON\n", argv[1]);
	course_release(&r.course);
	fclose(file);
	return err ? 1 : 0;
}
