/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The NDJSON sink: growth sites, and how good they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "ndjson_output.h"

/* Ticks @p with its sites; what was written is in @o. Returns the process record. */
static struct json_object *take_sites(struct output *o, struct process *p, unsigned wanted)
{
	struct tick tick = a_tick(&p, 1);

	tick.sites_wanted = wanted;
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	output_take(o);
	assert_true(o->count > 0);
	assert_type(o->lines[0], "process");
	return o->lines[0];
}

static struct json_object *frame_at(struct json_object *site, size_t i)
{
	assert_int_equal(json_object_get_type(get(site, "frames")), json_type_array);
	assert_true(i < json_object_array_length(get(site, "frames")));
	return json_object_array_get_idx(get(site, "frames"), i);
}

static void test_no_sites(void **state)
{
	struct process p = {.pid = 1, .comm = "x"};

	assert_false(has(take_sites(*state, &p, 10), "sites"));
	assert_int_equal(((struct output *)*state)->count, 1);
	p.sites = site_table_new();
	site_table_finish_tick(p.sites);
	assert_true(has(take_sites(*state, &p, 10), "sites"));
	assert_int_equal(((struct output *)*state)->count, 1);
	site_table_free(p.sites);
}

static void test_site(void **state)
{
	struct output *o = *state;
	struct process p = {.pid = 4711, .start_ns = 3, .comm = "node"};
	struct frame frames[] = {
		sample_native(FRAME_RUNTIME, NULL, "/usr/bin/node", 0x1234),
		sample_js(FRAME_DEPENDENCY, "set", "/srv/node_modules/lru/index.js", 8),
		sample_js(FRAME_USER, "save", "/srv/a.js", 12),
		{.fn = "Array.push", .kind = FRAME_BUILTIN, .origin = FRAME_RUNTIME},
	};
	struct json_object *site, *frame;

	frames[0].build_id = frames[1].build_id = "ab12";
	frames[0].module_address = frames[1].module_address = 0x234;
	frames[1].is_inlined = true;
	frames[2].is_approximate = true;
	frames[2].tier = TIER_MAGLEV;
	p.sites = site_table_new();
	sample_site(p.sites, MW_SITE_FAULT, frames, 4, 3 * MIB);
	sample_site(p.sites, MW_SITE_FAULT, frames, 1, MIB)->stack->is_cut = true;
	site_table_finish_tick(p.sites);
	take_sites(o, &p, 10);
	assert_int_equal(o->count, 3);
	site = o->lines[1];
	assert_type(site, "site");
	assert_int_equal(get_u64(site, "ts_ns"), 12 * SAMPLE_SECOND);
	assert_int_equal(get_u64(site, "pid"), 4711);
	assert_int_equal(get_u64(site, "start_ns"), 3);
	assert_string_equal(get_str(site, "comm"), "node");
	assert_string_equal(get_str(site, "kind"), "fault");
	assert_int_equal(get_u64(site, "bytes"), 3 * MIB);
	assert_int_equal(get_i64(site, "delta_bytes"), 3 * MIB);
	assert_float_equal(json_object_get_double(get(site, "share")), 0.75, 1e-9);
	assert_int_equal(get_u64(site, "samples"), 1);
	assert_int_equal(get_u64(site, "stacks"), 1);
	assert_false(has(site, "note"));
	assert_false(has(site, "cut"));
	assert_int_equal(json_object_array_length(get(site, "frames")), 4);
	frame = frame_at(site, 0); /* leaf first */
	assert_string_equal(get_str(frame, "kind"), "unknown");
	assert_string_equal(get_str(frame, "origin"), "runtime");
	assert_string_equal(get_str(frame, "module"), "/usr/bin/node");
	assert_int_equal(get_u64(frame, "ip"), 0x1234);
	assert_string_equal(get_str(frame, "build_id"), "ab12");
	assert_int_equal(get_u64(frame, "module_address"), 0x234);
	assert_false(has(frame, "fn") || has(frame, "file") || has(frame, "line") ||
		     has(frame, "fn_line") || has(frame, "tier"));
	frame = frame_at(site, 1);
	assert_string_equal(get_str(frame, "origin"), "dependency");
	assert_string_equal(get_str(frame, "tier"), "interpreted");
	assert_true(json_object_get_boolean(get(frame, "inlined")));
	assert_false(has(frame, "approximate") || has(frame, "ip") || has(frame, "module") ||
		     has(frame, "build_id") || has(frame, "module_address"));
	frame = frame_at(site, 2);
	assert_string_equal(get_str(frame, "fn"), "save");
	assert_string_equal(get_str(frame, "file"), "/srv/a.js");
	assert_int_equal(get_u64(frame, "line"), 12);
	assert_int_equal(get_u64(frame, "fn_line"), 11);
	assert_string_equal(get_str(frame, "kind"), "js");
	assert_string_equal(get_str(frame, "origin"), "user");
	assert_string_equal(get_str(frame, "tier"), "maglev");
	assert_true(json_object_get_boolean(get(frame, "approximate")));
	assert_string_equal(get_str(frame_at(site, 3), "kind"), "builtin");
	assert_true(json_object_get_boolean(get(o->lines[2], "cut")));
	site_table_free(p.sites);
}

/* The largest of each kind; what survives comes first. */
static void test_sites_wanted(void **state)
{
	struct output *o = *state;
	struct process p = {.pid = 1, .comm = "node"};
	struct frame f = sample_js(FRAME_USER, "save", "/srv/a.js", 0);

	p.sites = site_table_new();
	for (uint32_t line = 1; line <= 20; line++) {
		f.line = line;
		sample_site(p.sites, MW_SITE_FAULT, &f, 1, line * MIB);
		sample_site(p.sites, MW_SITE_V8_SURVIVED, &f, 1, line);
	}
	site_table_finish_tick(p.sites);
	take_sites(o, &p, 3);
	assert_int_equal(o->count, 1 + 2 * 3);
	for (size_t i = 1; i <= 6; i++) {
		assert_string_equal(get_str(o->lines[i], "kind"), i <= 3 ? "v8-survived" : "fault");
		assert_int_equal(get_u64(frame_at(o->lines[i], 0), "line"), 20 - (i - 1) % 3);
	}
	take_sites(o, &p, 0);
	assert_int_equal(o->count, 1);
	take_sites(o, &p, 1000);
	assert_int_equal(o->count, 1 + 40);
	site_table_free(p.sites);
}

static void test_sites_quality(void **state)
{
	struct output *o = *state;
	struct process p = {.pid = 1, .comm = "node"};
	struct frame f = sample_js(FRAME_USER, "save", "/srv/a.js", 3);
	struct json_object *sites;

	p.sites = site_table_new();
	p.sites->begin_ns = 7;
	site_table_finish_tick(p.sites);
	sites = get(take_sites(o, &p, 10), "sites");
	assert_false(has(sites, "level") || has(sites, "why") || has(sites, "scaled") ||
		     has(sites, "live_first_bytes") || has(sites, "live_last_bytes"));
	assert_int_equal(json_object_object_length(get(sites, "total_bytes")), 0);
	p.sites->quality = (struct site_quality){"v8-alloc", "no symbols", 100, 1, 2, 3, 900, 4};
	p.sites->unnamed_bytes = 5;
	p.sites->dropped_bytes = 6;
	p.sites->v8_live_first = 10 * MIB;
	p.sites->v8_live_last = 30 * MIB;
	for (int i = 0; i < 3; i++)
		sample_site(p.sites, MW_SITE_V8_SURVIVED, &f, 1, MIB);
	site_table_finish_tick(p.sites);
	sites = get(take_sites(o, &p, 10), "sites");
	assert_string_equal(get_str(sites, "level"), "v8-alloc");
	assert_string_equal(get_str(sites, "why"), "no symbols");
	assert_int_equal(get_u64(sites, "begin_ns"), 7);
	assert_int_equal(get_u64(get(sites, "total_bytes"), "v8-survived"), 20 * MIB);
	assert_true(json_object_get_boolean(get(sites, "scaled")));
	assert_int_equal(get_u64(sites, "live_first_bytes"), 10 * MIB);
	assert_int_equal(get_u64(sites, "live_last_bytes"), 30 * MIB);
	assert_int_equal(get_u64(sites, "stacks"), 100);
	assert_int_equal(get_u64(sites, "cut"), 1);
	assert_int_equal(get_u64(sites, "unreadable"), 2);
	assert_int_equal(get_u64(sites, "recovered"), 3);
	assert_int_equal(get_u64(sites, "frames"), 900);
	assert_int_equal(get_u64(sites, "unnamed_frames"), 4);
	assert_int_equal(get_u64(sites, "unnamed_bytes"), 5);
	assert_int_equal(get_u64(sites, "dropped_bytes"), 6);
	site_table_free(p.sites);
}

/* Names are the target's own: every one of them may be anything. */
static void test_sites_hostile(void **state)
{
	static const char *const names[] = {
		"",
		"\"},{\"type\":\"end\"}\n{\"a\":\"",
		"\n\r\t\b\f\033[2J\\",
		"\xff\xfe\xc0\x80\xed\xa0\x80",
		"\u202egnp.js\u2066",
		"日本語の関数",
	};
	struct output *o = *state;
	struct process p = {.pid = 1, .comm = "node"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct frame f = {.fn = names[i], .file = names[i], .module = names[i]};
		struct json_object *frame;

		f.kind = f.origin = f.tier = i % 2 ? 255 : 1; /* nor are these trusted */
		p.sites = site_table_new();
		sample_site(p.sites, MW_SITE_FAULT, &f, 1, MIB);
		p.sites->quality.why = names[i];
		site_table_finish_tick(p.sites);
		take_sites(o, &p, 10);
		assert_int_equal(o->count, 2);
		frame = frame_at(o->lines[1], 0);
		assert_null(strchr(get_str(frame, "fn"), '\n'));
		assert_null(strchr(get_str(frame, "fn"), '\033'));
		assert_string_equal(get_str(frame, "fn"), get_str(frame, "file"));
		assert_string_equal(get_str(frame, "fn"), get_str(frame, "module"));
		assert_int_equal(has(frame, "kind"), !(i % 2));
		assert_int_equal(has(frame, "origin"), !(i % 2));
		site_table_free(p.sites);
	}
}

static void test_sites_large(void **state)
{
	static char long_name[100000];
	struct output *o = *state;
	struct process p = {.pid = 1, .comm = "node"};
	struct frame frames[192];

	memset(long_name, 'n', sizeof(long_name) - 1);
	for (size_t i = 0; i < 192; i++)
		frames[i] = sample_native(FRAME_USER, i ? "f" : long_name, "/a", i);
	p.sites = site_table_new();
	sample_site(p.sites, MW_SITE_FAULT, frames, 192, MIB);
	site_table_finish_tick(p.sites);
	take_sites(o, &p, 10);
	assert_int_equal(o->count, 2);
	assert_int_equal(json_object_array_length(get(o->lines[1], "frames")), 192);
	assert_int_equal(strlen(get_str(frame_at(o->lines[1], 0), "fn")), sizeof(long_name) - 1);
	site_table_free(p.sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SINK(test_no_sites),      WITH_SINK(test_site),
		WITH_SINK(test_sites_wanted),  WITH_SINK(test_sites_quality),
		WITH_SINK(test_sites_hostile), WITH_SINK(test_sites_large),
	};

	return cmocka_run_group_tests_name("output/ndjson-site", tests, NULL, NULL);
}
