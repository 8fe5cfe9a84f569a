/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The NDJSON sink of a test: what it wrote, line by line, and what a record has. */
#ifndef MEMWATCH_TESTS_NDJSON_OUTPUT_H
#define MEMWATCH_TESTS_NDJSON_OUTPUT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "output/sink.h"
#include "sample.h"

#define MAX_LINES   4096
#define MIB	    (1024ULL * 1024)
#define REPLACEMENT "\xEF\xBF\xBD"
#define WALL_NS	    1700000000123456789ULL /* 2023-11-14T22:13:20.123Z */
#define WALL_TEXT   "2023-11-14T22:13:20.123Z"

/* A sink, and what it wrote: one object a line. */
struct output {
	int fd;
	struct sink *sink;
	struct json_object *lines[MAX_LINES];
	size_t count;
};

static inline void output_clear(struct output *o)
{
	for (size_t i = 0; i < o->count; i++)
		json_object_put(o->lines[i]);
	o->count = 0;
}

/* Takes what was written; fails unless each line is exactly one JSON object. */
static inline void output_take(struct output *o)
{
	char *text = sample_read(o->fd), *line = text;

	output_clear(o);
	while (*line) {
		char *end = strchr(line, '\n');
		struct json_tokener *parser = json_tokener_new_ex(16);

		assert_non_null(end);
		assert_non_null(parser);
		json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		assert_true(o->count < MAX_LINES);
		*end = '\0'; /* the parser wants to see the end, too */
		o->lines[o->count] = json_tokener_parse_ex(parser, line, (int)(end - line) + 1);
		if (!o->lines[o->count])
			fail_msg("not JSON: %s", line);
		assert_int_equal(json_object_get_type(o->lines[o->count]), json_type_object);
		o->count++;
		json_tokener_free(parser);
		line = end + 1;
	}
	free(text);
}

static inline int output_setup(void **state)
{
	static struct output output;

	output = (struct output){.fd = sample_file()};
	output.sink = ndjson_sink_new(output.fd, SAMPLE_PAGE_SHIFT);
	*state = &output;
	return output.sink ? 0 : -1;
}

static inline int output_teardown(void **state)
{
	struct output *o = *state;

	output_clear(o);
	o->sink->ops->free(o->sink);
	close(o->fd);
	return 0;
}

/* ---- asking ---- */

static inline struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("no '%s' in %s", key, json_object_to_json_string(o));
	return value;
}

static inline bool has(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL);
}

static inline uint64_t get_u64(struct json_object *o, const char *key)
{
	assert_int_equal(json_object_get_type(get(o, key)), json_type_int);
	return json_object_get_uint64(get(o, key));
}

static inline int64_t get_i64(struct json_object *o, const char *key)
{
	assert_int_equal(json_object_get_type(get(o, key)), json_type_int);
	return json_object_get_int64(get(o, key));
}

static inline const char *get_str(struct json_object *o, const char *key)
{
	assert_int_equal(json_object_get_type(get(o, key)), json_type_string);
	return json_object_get_string(get(o, key));
}

static inline void assert_type(struct json_object *o, const char *type)
{
	assert_string_equal(get_str(o, "type"), type);
	get_u64(o, "ts_ns");
	assert_int_equal(strlen(get_str(o, "time")), strlen(WALL_TEXT));
}

/* ---- feeding ---- */

static inline struct tick a_tick(struct process **rows, size_t count)
{
	return (struct tick){
		.now_ns = 12 * SAMPLE_SECOND,
		.wall_ns = WALL_NS,
		.rows = rows,
		.count = count,
		.has_fault_places = true,
	};
}

/* Writes one event; returns its record. */
static inline struct json_object *event(struct output *o, const struct mw_event_header *h,
					const struct process *p)
{
	assert_int_equal(o->sink->ops->event(o->sink, h, p), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	return o->lines[0];
}

static inline struct mw_event_header header(enum mw_event_type type, const char *comm)
{
	struct mw_event_header h = {
		.type = type,
		.pid = 4711,
		.ts_ns = 9 * SAMPLE_SECOND,
		.start_ns = 2 * SAMPLE_SECOND,
		.ppid = 1234,
	};

	memcpy(h.comm, comm, strnlen(comm, MW_COMM_LEN));
	return h;
}

/* The sizes of @raw, as in sample_task(). */
static inline void assert_totals(struct json_object *o, const struct mw_task *raw)
{
	struct totals t;

	totals_from_raw(&t, raw, SAMPLE_PAGE_SHIFT);
	assert_int_equal(get_u64(o, "rss_bytes"), t.rss_bytes);
	assert_int_equal(get_u64(o, "anon_bytes"), t.anon_bytes);
	assert_int_equal(get_u64(o, "file_bytes"), t.file_bytes);
	assert_int_equal(get_u64(o, "shmem_bytes"), t.shmem_bytes);
	assert_int_equal(get_u64(o, "swap_bytes"), t.swap_bytes);
	assert_int_equal(get_u64(o, "pgtable_bytes"), t.pgtable_bytes);
	assert_int_equal(get_u64(o, "vm_bytes"), t.vm_bytes);
	assert_int_equal(get_u64(o, "data_bytes"), t.data_bytes);
	assert_int_equal(get_u64(o, "stack_bytes"), t.stack_bytes);
	assert_int_equal(get_u64(o, "heap_bytes"), t.heap_bytes);
	assert_int_equal(get_u64(o, "threads"), t.threads);
	assert_int_equal(get_u64(o, "minflt"), t.minflt);
	assert_int_equal(get_u64(o, "majflt"), t.majflt);
}

static inline struct process *second_tick(struct process_table *t)
{
	struct mw_task raw = sample_task(4711, 5, "node");

	sample_tick(t, SAMPLE_SECOND, &raw);
	raw.anon_pages += 100;
	raw.file_pages -= 50;
	raw.threads--;
	raw.minflt += 30;
	raw.growth.mmap_bytes = 8192;
	raw.growth.mmap_count = 2;
	raw.growth.fault_mmap = 61;
	return sample_tick(t, 2 * SAMPLE_SECOND, &raw);
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, output_setup, output_teardown)

#endif
