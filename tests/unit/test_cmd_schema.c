/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `memwatch schema` prints, held against what is written: no key is written that it does not
 * tell, and none is told that is never written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/clock.h"
#include "census_sample.h"
#include "cmd/cmd.h"
#include "kept_sample.h"
#include "ndjson_output.h"
#include "output/ndjson_census.h"
#include "output/ndjson_gate.h"
#include "output/ndjson_run_diff.h"
#include "output/report_json.h"
#include "run_diff_sample.h"
#include "verdict_sample.h"

/* What `memwatch schema` prints. */
static struct json_object *schema(void)
{
	char *argv[] = {(char *)"schema", NULL};
	int fd = sample_file(), saved;
	struct json_object *o;
	char *text;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_true(saved >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
	assert_int_equal(cmd_schema(1, argv), 0);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	text = sample_read(fd);
	o = json_tokener_parse(text);
	assert_non_null(o);
	free(text);
	close(fd);
	return o;
}

/* ---- what is written is told ---- */

static void check_inner_keys(struct json_object *documented, struct json_object *value,
			     const char *of)
{
	json_object_object_foreach(value, inner, unused)
	{
		(void)unused;
		if (!has(documented, inner))
			fail_msg("'%s.%s' is not in the schema", of, inner);
	}
}

/* Every key of @record is documented. */
static void check_keys(struct json_object *contract, struct json_object *record)
{
	struct json_object *types = get(contract, "types"), *common = get(contract, "common");
	struct json_object *keys = get(get(types, get_str(record, "type")), "keys");

	json_object_object_foreach(record, key, value)
	{
		struct json_object *documented = NULL;

		if (has(common, key) || (!strcmp(get_str(record, "type"), "oom") &&
					 has(get(get(types, "process"), "keys"), key)))
			continue;
		if (!json_object_object_get_ex(keys, key, &documented))
			fail_msg("'%s' of '%s' is not in the schema", key, get_str(record, "type"));
		if (json_object_get_type(documented) != json_type_object)
			continue;
		if (json_object_get_type(value) == json_type_object)
			check_inner_keys(documented, value, key);
		for (size_t i = 0; json_object_get_type(value) == json_type_array &&
				   i < json_object_array_length(value);
		     i++)
			check_inner_keys(documented, json_object_array_get_idx(value, i), key);
	}
}

/* ---- what is told is written ---- */

/* Every key that is documented was written in one of @records. */
static void check_written(struct json_object *keys, const char *type, struct output *o)
{
	json_object_object_foreach(keys, key, unused)
	{
		bool found = false;

		(void)unused;
		for (size_t i = 0; i < o->count && !found; i++)
			found = !strcmp(get_str(o->lines[i], "type"), type) &&
				has(o->lines[i], key);
		if (!found)
			fail_msg("'%s' of '%s' is documented and never written", key, type);
	}
}

/* Every key of a frame and of a process's "sites" that is documented was written. */
static void check_inner_written(struct json_object *contract, struct output *o)
{
	struct json_object *types = get(contract, "types"), *frames, *sites;

	frames = get(get(get(types, "site"), "keys"), "frames");
	json_object_object_foreach(frames, key, unused)
	{
		bool found = false;

		(void)unused;
		for (size_t i = 0; i < o->count && !found; i++) {
			struct json_object *list = NULL;

			if (!json_object_object_get_ex(o->lines[i], "frames", &list))
				continue;
			for (size_t at = 0; at < json_object_array_length(list) && !found; at++)
				found = has(json_object_array_get_idx(list, at), key);
		}
		if (!found)
			fail_msg("'%s' of a frame is documented and never written", key);
	}
	sites = get(get(get(types, "process"), "keys"), "sites");
	json_object_object_foreach(sites, quality, help)
	{
		struct json_object *written = NULL;

		(void)help;
		for (size_t i = 0; i < o->count && !written; i++)
			json_object_object_get_ex(o->lines[i], "sites", &written);
		assert_non_null(written);
		if (!has(written, quality))
			fail_msg("'sites.%s' is documented and never written", quality);
	}
}

static void check_kept_written(struct json_object *documented, struct json_object *verdict)
{
	struct json_object *c = json_object_array_get_idx(get(verdict, "constructors"), 0);

	check_inner_keys(c, documented, "documented constructors");
	check_inner_keys(documented, c, "constructors");
	check_inner_keys(get(c, "retainer"), get(documented, "retainer"), "documented retainer");
	check_inner_keys(get(documented, "retainer"), get(c, "retainer"), "retainer");
}

/* The same of the objects in a verdict and of the one in an OOM kill; and each class has its help.
 */
static void check_verdict_written(struct json_object *contract, struct output *o)
{
	struct json_object *types = get(contract, "types"), *documented;

	documented = get(get(types, "verdict"), "keys");
	for (size_t i = 0; i < o->count; i++) {
		struct json_object *sites;

		if (!strcmp(get_str(o->lines[i], "type"), "oom"))
			check_inner_keys(get(o->lines[i], "verdict"),
					 get(get(get(types, "oom"), "keys"), "verdict"),
					 "documented verdict");
		if (strcmp(get_str(o->lines[i], "type"), "verdict"))
			continue;
		check_inner_keys(get(o->lines[i], "limit"), get(documented, "limit"),
				 "documented limit");
		check_kept_written(get(documented, "constructors"), o->lines[i]);
		sites = get(o->lines[i], "sites");
		json_object_object_foreach(get(documented, "sites"), key, unused)
		{
			bool found = false;

			(void)unused;
			for (size_t at = 0; at < json_object_array_length(sites); at++)
				found |= has(json_object_array_get_idx(sites, at), key);
			if (!found)
				fail_msg("'sites.%s' is documented and never written", key);
		}
	}
	documented = get(contract, "classes");
	assert_int_equal(json_object_object_length(documented), VERDICT_CLASSES);
	for (int class = 0; class < VERDICT_CLASSES; class ++)
		assert_string_equal(get_str(documented, verdict_class_name(class)),
				    verdict_class_help(class));
}

/* ---- one of everything ---- */

/* One of everything that a site and a table of sites can say. */
static struct site_table *all_of_sites(void)
{
	struct site_table *t = site_table_new();
	struct frame unnamed = sample_native(FRAME_USER, NULL, "/a", 1);
	struct frame js = sample_js(FRAME_USER, "save", "/srv/a.js", 12);
	struct frame gc = sample_native(FRAME_RUNTIME, "v8::internal::Sweeper::Sweep()", "/n", 2);
	struct frame native = sample_native(FRAME_USER, "put", "/a.node", 3);

	unnamed.build_id = "ab12";
	unnamed.module_address = 1;
	js.is_inlined = js.is_approximate = true;
	const struct frame frames[] = {unnamed, js};

	assert_non_null(t);
	for (int i = 0; i < 3; i++)
		sample_site(t, MW_SITE_V8_SURVIVED, frames, 2, MIB)->stack->is_cut = true;
	for (int i = 0; i < 3; i++)
		sample_site(t, MW_SITE_V8_SURVIVED, &native, 1, MIB);
	sample_site(t, MW_SITE_FAULT, &gc, 1, MIB);
	t->quality = (struct site_quality){.level = "v8-alloc", .why = "x"};
	t->v8_live_first = 1;
	t->v8_live_last = 1 + 6 * MIB;
	site_table_finish_tick(t);
	return t;
}

static void write_check(struct output *o)
{
	const struct gate gate = {.max_growth = 1, .command = {.is_run = true, .has_ended = true}};
	struct strbuf out;

	strbuf_init(&out);
	ndjson_gate_add(&out, &gate, 5, 6);
	assert_int_equal(sink_write(o->fd, &out), 0);
	strbuf_release(&out);
}

/* Censuses of two isolates, with what can be absent, and the growth from the first to the third. */
static void write_censuses(struct output *o)
{
	struct census *c[3];
	struct census_diff *d;
	struct strbuf out;

	strbuf_init(&out);
	for (unsigned i = 0; i < 3; i++)
		c[i] = sample_service(i, 10 * i);
	c[0]->is_live = c[0]->in_gc = true;
	c[0]->lost = (struct census_lost){1, 1, 1, 1, 1};
	c[0]->gc_waits = 1;
	sample_retainer(c[2]);
	d = census_diff_new(c[0], c[1], c[2]);
	assert_non_null(d);
	ndjson_census_add(&out, c[0]);
	ndjson_census_add(&out, c[2]);
	ndjson_changes_add(&out, d);
	ndjson_retainers_add(&out, c[2]);
	ndjson_census_end_add(&out, 3);
	assert_int_equal(sink_write(o->fd, &out), 0);
	strbuf_release(&out);
	census_diff_free(d);
	for (unsigned i = 0; i < 3; i++)
		census_free(c[i]);
}

/* Two recordings compared: the second leaks, and what it has more of is listed. */
static void write_run_diff(struct output *o)
{
	struct recorded *a = run_sample_service("fixed.mw", 50, 0);
	struct recorded *b = run_sample_service("leaking.mw", 50, RUN_SAMPLE_REQUESTS);
	struct run_diff *d = run_sample_compare(a, b);
	struct strbuf out;

	strbuf_init(&out);
	ndjson_run_diff_add(&out, d);
	assert_int_equal(sink_write(o->fd, &out), 0);
	strbuf_release(&out);
	run_diff_free(d);
	recorded_free(a);
	recorded_free(b);
}

/* What only a report of a recording has: two ticks of old times, and collections put together. */
static void write_report(struct output *o)
{
	struct recorded_tick ticks[2] = {{.ns = 5}, {.ns = 6, .private_low = 1, .rss_high = 1}};
	struct recorded_gc gc = {.gc = {.ns = 6}, .count = 2, .pause_max_ns = 1};
	struct recorded_process p = {
		.is_loaded = true, .ticks = ticks, .tick_count = 2, .gcs = &gc, .gc_count = 1};
	const struct recorded r = {.processes = &p,
				   .process_count = 1,
				   .thinned_ns = 6,
				   .dropped_events = 1,
				   .dropped_sites = 1};
	struct strbuf out;

	strbuf_init(&out);
	assert_int_equal(report_json_add(&out, &r, &(struct report_json){.sites = 1}), 0);
	assert_int_equal(sink_write(o->fd, &out), 0);
	strbuf_release(&out);
}

static void write_everything(struct output *o, struct process *p)
{
	static const uint32_t pid = 1;
	struct run run = {
		.version = "x",
		.kernel = "x",
		.arch = "x",
		.interval_ns = NSEC_PER_SEC,
		.pids = &pid,
		.pid_count = 1,
		.comm = "x",
		.cgroup = "/x",
		.hooks = {{"totals", "x"}},
		.hook_count = 1,
	};
	const struct sink_ops *ops = o->sink->ops;
	struct mw_event_fork fork = {.h = header(MW_EVENT_FORK, "x")};
	struct mw_event_exec exec = {.h = header(MW_EVENT_EXEC, "x")};
	struct mw_event_exit exit = {.h = header(MW_EVENT_EXIT, "x"), .has_task = 1};
	struct mw_event_oom oom = {
		.h = header(MW_EVENT_OOM, "x"),
		.memcg_known = 1,
		.limit_cgroup_id = 1,
		.has_task = 1,
	};
	struct tick tick = a_tick(&p, 1);
	struct end end = {.cost = {.bpf_known = true}};
	const struct gc gc = {.isolate = 1, .live_bytes = 1, .external_bytes = 1, .limit_bytes = 1};

	for (unsigned i = 0; i < LOST_MAX; i++)
		end.lost_total.count[i] = tick.lost.count[i] = i + 1;
	tick.shed = "calls";
	tick.sites_wanted = 10;
	assert_int_equal(ops->begin(o->sink, &run), 0);
	assert_int_equal(ops->tick(o->sink, &tick), 0);
	assert_int_equal(ops->event(o->sink, &fork.h, p), 0);
	assert_int_equal(ops->event(o->sink, &exec.h, p), 0);
	assert_int_equal(ops->event(o->sink, &exit.h, p), 0);
	exit.code = 9;
	assert_int_equal(ops->event(o->sink, &exit.h, p), 0);
	assert_int_equal(ops->event(o->sink, &oom.h, p), 0);
	assert_int_equal(ops->vanished(o->sink, p, 5), 0);
	assert_int_equal(ops->gc(o->sink, &gc, p), 0);
	assert_int_equal(ops->verdict(o->sink, p, 5, true), 0);
	assert_int_equal(ops->flush(o->sink), 0);
	write_check(o);
	write_censuses(o);
	write_report(o);
	write_run_diff(o);
	assert_int_equal(ops->end(o->sink, &end), 0);
}

/* ---- both ---- */

static void test_schema_and_records_agree(void **state)
{
	struct output *o = *state;
	struct json_object *contract = schema();
	struct cgroup cgroup = {.path = (char *)"/x", .container = "x"};
	struct verdict verdict = sample_leak();
	struct kept kept = sample_kept();
	struct process_table t;
	struct process *p;

	assert_int_equal(get_u64(contract, "schema"), MEMWATCH_SCHEMA);
	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	p = second_tick(&t);
	p->cgroup = &cgroup;
	p->rss_approximate = p->faults_cut = true;
	p->sites = all_of_sites();
	p->verdict = &verdict;
	p->kept = &kept;
	write_everything(o, p);
	p->cgroup = NULL;
	output_take(o);
	assert_int_equal(o->count, 13 + 3 + 10 + 5 + 5);
	for (size_t i = 0; i < o->count; i++)
		check_keys(contract, o->lines[i]);
	json_object_object_foreach(get(contract, "types"), type, described)
	{
		check_written(get(described, "keys"), type, o);
	}
	check_inner_written(contract, o);
	check_verdict_written(contract, o);
	site_table_free(p->sites);
	process_table_release(&t);
	json_object_put(contract);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SINK(test_schema_and_records_agree),
	};

	return cmocka_run_group_tests_name("cmd/schema", tests, NULL, NULL);
}
