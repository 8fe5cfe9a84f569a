/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The NDJSON sink: collections of garbage, and verdicts with what they rest on. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "kept_sample.h"
#include "ndjson_output.h"
#include "verdict_sample.h"

/* ---- collections ---- */

static struct json_object *take_gc(struct output *o, const struct gc *gc)
{
	assert_int_equal(o->sink->ops->gc(o->sink, gc, NULL), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	assert_type(o->lines[0], "gc");
	return o->lines[0];
}

static void test_gc(void **state)
{
	struct gc gc = {
		.pid = 4711,
		.start_ns = 3,
		.comm = "no\nde",
		.ns = 9 * SAMPLE_SECOND,
		.tid = 4712,
		.kind = MW_GC_SCAVENGE,
		.via = MW_GC_VIA_UPROBE,
		.pause_ns = 1500000,
	};
	struct json_object *r = take_gc(*state, &gc);

	assert_int_equal(get_u64(r, "ts_ns"), 9 * SAMPLE_SECOND);
	assert_int_equal(get_u64(r, "pid"), 4711);
	assert_int_equal(get_u64(r, "start_ns"), 3);
	assert_string_equal(get_str(r, "comm"), "no" REPLACEMENT "de");
	assert_int_equal(get_u64(r, "tid"), 4712);
	assert_string_equal(get_str(r, "kind"), "scavenge");
	assert_string_equal(get_str(r, "via"), "uprobe");
	assert_int_equal(get_u64(r, "pause_ns"), 1500000);
	assert_false(has(r, "isolate") || has(r, "live_bytes") || has(r, "external_bytes") ||
		     has(r, "limit_bytes"));
	gc.isolate = 0xffff00001234ULL;
	gc.kind = MW_GC_MARK_COMPACT;
	gc.via = MW_GC_VIA_USDT;
	gc.live_bytes = 5 * MIB;
	gc.external_bytes = 6 * MIB;
	gc.limit_bytes = UINT64_MAX;
	r = take_gc(*state, &gc);
	assert_string_equal(get_str(r, "isolate"), "0xffff00001234");
	assert_string_equal(get_str(r, "kind"), "mark-compact");
	assert_string_equal(get_str(r, "via"), "usdt");
	assert_int_equal(get_u64(r, "live_bytes"), 5 * MIB);
	assert_int_equal(get_u64(r, "external_bytes"), 6 * MIB);
	assert_true(get_u64(r, "limit_bytes") == UINT64_MAX);
}

/* ---- verdicts ---- */

static struct json_object *take_verdict(struct output *o, const struct process *p, bool is_last)
{
	assert_int_equal(o->sink->ops->verdict(o->sink, p, 9 * SAMPLE_SECOND, is_last), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 1);
	assert_type(o->lines[0], "verdict");
	return o->lines[0];
}

static const char *sentence(struct json_object *r, size_t i)
{
	assert_true(i < json_object_array_length(get(r, "evidence")));
	return json_object_get_string(json_object_array_get_idx(get(r, "evidence"), i));
}

static void test_verdict(void **state)
{
	struct verdict v = sample_leak();
	struct process p = {.pid = 4711, .start_ns = 3, .comm = "node", .verdict = &v};
	struct json_object *r = take_verdict(*state, &p, false), *limit;

	assert_int_equal(get_u64(r, "ts_ns"), 9 * SAMPLE_SECOND);
	assert_int_equal(get_u64(r, "pid"), 4711);
	assert_int_equal(get_u64(r, "start_ns"), 3);
	assert_string_equal(get_str(r, "comm"), "node");
	assert_string_equal(get_str(r, "class"), "leak");
	assert_true(json_object_get_boolean(get(r, "leak")));
	assert_string_equal(json_object_to_json_string(get(r, "confidence")), "0.92");
	assert_int_equal(get_u64(r, "since_ns"), v.since_ns);
	assert_int_equal(get_i64(r, "slope_bytes_per_s"), 1258291);
	assert_int_equal(get_i64(r, "slope_low"), 1153434);
	assert_int_equal(get_i64(r, "slope_high"), 1363149);
	limit = get(r, "limit");
	assert_string_equal(get_str(limit, "kind"), "memory.max");
	assert_int_equal(get_u64(limit, "bytes"), 512 * MIB);
	assert_int_equal(get_u64(limit, "seconds"), 200);
	assert_string_equal(get_str(limit, "cgroup"), "/x");
	assert_int_equal(json_object_array_length(get(r, "evidence")), 2);
	assert_string_equal(sentence(r, 0), "it rises");
	assert_false(has(r, "sites") || has(r, "last"));
	r = take_verdict(*state, &p, true);
	assert_true(json_object_get_boolean(get(r, "last")));
}

/* What is not known is not there; no number is written that is none. */
static void test_verdict_unknown(void **state)
{
	struct output *o = *state;
	struct verdict v = sample_calm(VERDICT_EARLY, 0);
	struct process p = {.pid = 1};
	struct json_object *r;

	assert_int_equal(o->sink->ops->verdict(o->sink, &p, 5, true), 0); /* not judged */
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	output_take(o);
	assert_int_equal(o->count, 0);
	p.verdict = &v;
	r = take_verdict(o, &p, false);
	assert_string_equal(get_str(r, "class"), "too-early");
	assert_false(json_object_get_boolean(get(r, "leak")));
	assert_string_equal(json_object_to_json_string(get(r, "confidence")), "0.00");
	assert_false(has(r, "since_ns") || has(r, "slope_bytes_per_s") || has(r, "slope_low") ||
		     has(r, "slope_high") || has(r, "limit") || has(r, "sites"));
	v = sample_leak();
	v.trend.slope = -1e300;
	v.trend.low = -INFINITY;
	v.trend.high = NAN;
	v.limit = (struct limit){.kind = LIMIT_V8_HEAP, .bytes = 1};
	v.limit_seconds = INFINITY;
	v.evidence_count = 0;
	r = take_verdict(o, &p, false);
	assert_true(get_i64(r, "slope_bytes_per_s") == -(1LL << 62));
	assert_false(has(r, "slope_low") || has(r, "slope_high"));
	assert_string_equal(get_str(get(r, "limit"), "kind"), "v8-heap");
	assert_false(has(get(r, "limit"), "seconds") || has(get(r, "limit"), "cgroup"));
	assert_int_equal(json_object_array_length(get(r, "evidence")), 0);
}

/* The frame that the site is known by, not the leaf. */
static void test_verdict_sites(void **state)
{
	struct verdict v = sample_leak();
	struct process p = {.pid = 1, .comm = "node", .verdict = &v};
	const struct frame frames[] = {sample_native(FRAME_RUNTIME, "malloc", "/libc.so.6", 1),
				       sample_js(FRAME_USER, "sa\nve", "/srv/\"a.js", 12)};
	const struct frame native = sample_native(FRAME_USER, "put", "/usr/lib/store.so", 2);
	const struct frame unnamed = sample_native(FRAME_USER, NULL, NULL, 3);
	struct json_object *sites, *site;

	p.sites = site_table_new();
	sample_site(p.sites, MW_SITE_FAULT, frames, 2, 5 * MIB);
	sample_site(p.sites, MW_SITE_FAULT, &native, 1, 4 * MIB);
	sample_site(p.sites, MW_SITE_FAULT, &unnamed, 1, MIB);
	sample_site(p.sites, MW_SITE_MMAP, frames, 2, 50 * MIB);
	site_table_finish_tick(p.sites);
	sites = get(take_verdict(*state, &p, false), "sites");
	assert_int_equal(json_object_array_length(sites), 3);
	site = json_object_array_get_idx(sites, 0);
	assert_string_equal(get_str(site, "kind"), "fault");
	assert_float_equal(json_object_get_double(get(site, "share")), 0.5, 1e-9);
	assert_int_equal(get_u64(site, "bytes"), 5 * MIB);
	assert_string_equal(get_str(site, "fn"), "sa" REPLACEMENT "ve");
	assert_string_equal(get_str(site, "file"), "/srv/\"a.js");
	assert_int_equal(get_u64(site, "line"), 12);
	assert_false(has(site, "module"));
	site = json_object_array_get_idx(sites, 1);
	assert_string_equal(get_str(site, "fn"), "put");
	assert_string_equal(get_str(site, "module"), "/usr/lib/store.so");
	assert_false(has(site, "file") || has(site, "line"));
	site = json_object_array_get_idx(sites, 2);
	assert_false(has(site, "fn") || has(site, "file") || has(site, "line") ||
		     has(site, "module"));
	v = sample_calm(VERDICT_STEADY, 0.9);
	assert_false(has(take_verdict(*state, &p, false), "sites"));
	site_table_free(p.sites);
}

/* What it consists of, where it was looked into; hostile names. */
static void test_verdict_kept(void **state)
{
	struct verdict v = sample_leak();
	struct kept kept = sample_kept();
	struct process p = {.pid = 1, .comm = "node", .verdict = &v, .kept = &kept};
	struct json_object *list = get(take_verdict(*state, &p, false), "constructors"), *c, *by;

	assert_int_equal(json_object_array_length(list), 2);
	c = json_object_array_get_idx(list, 0);
	assert_string_equal(get_str(c, "name"), "StatusContext");
	assert_string_equal(get_str(c, "kind"), "object");
	assert_string_equal(get_str(c, "file"), "/app/handles.js");
	assert_int_equal(get_u64(c, "line"), 25);
	assert_int_equal(get_i64(c, "delta_count"), 2500);
	assert_int_equal(get_i64(c, "delta_bytes"), 160000);
	assert_int_equal(get_u64(c, "count"), 3000);
	assert_int_equal(get_u64(c, "bytes"), 192000);
	by = get(c, "retainer");
	assert_string_equal(get_str(by, "container"), "Map");
	assert_string_equal(get_str(by, "edge"), "variable `handleMap`");
	assert_string_equal(get_str(by, "node"), "Context");
	assert_string_equal(get_str(by, "file"), "/app/handles.js");
	assert_int_equal(get_u64(by, "line"), 12);
	assert_float_equal(json_object_get_double(get(by, "share")), 1, 1e-9);
	assert_int_equal(get_u64(by, "count"), 41007);
	assert_int_equal(get_u64(by, "bytes"), 2044723);
	c = json_object_array_get_idx(list, 1);
	assert_string_equal(get_str(c, "name"), "on" REPLACEMENT "\"Tick\"()");
	by = get(c, "retainer");
	assert_int_equal(json_object_object_length(by), 2); /* edge, node */
	kept.count = 0;
	list = get(take_verdict(*state, &p, false), "constructors");
	assert_int_equal(json_object_array_length(list), 0); /* looked, and nothing grew */
	p.kept = NULL;
	assert_false(has(take_verdict(*state, &p, false), "constructors"));
}

static void test_verdict_hostile(void **state)
{
	struct verdict v = sample_leak();
	struct process p = {.pid = 1, .comm = "\"\n", .verdict = &v};
	struct mw_event_oom oom = {.h = header(MW_EVENT_OOM, "x")};
	struct json_object *r;

	srandom(6);
	for (int run = 0; run < 200; run++) {
		char where[64];

		for (size_t i = 0; i < sizeof(where) - 1; i++)
			where[i] = (char)(random() % 255 + 1);
		where[sizeof(where) - 1] = '\0';
		v.limit.where = where;
		for (size_t i = 0; i < VERDICT_SENTENCE; i++) /* no NUL: cut at its size */
			v.evidence[0][i] = (char)(random() % 255 + 1);
		r = take_verdict(*state, &p, true);
		assert_null(strpbrk(sentence(r, 0), "\n\033"));
		assert_null(strpbrk(get_str(get(r, "limit"), "cgroup"), "\n\033"));
		event(*state, &oom.h, &p);
	}
}

static void test_verdict_of_oom(void **state)
{
	struct verdict v = sample_leak();
	struct process p = {.pid = 4711};
	struct mw_event_oom oom = {.h = header(MW_EVENT_OOM, "node")};
	struct json_object *verdict;

	assert_false(has(event(*state, &oom.h, NULL), "verdict"));
	assert_false(has(event(*state, &oom.h, &p), "verdict"));
	p.verdict = &v;
	verdict = get(event(*state, &oom.h, &p), "verdict");
	assert_int_equal(json_object_object_length(verdict), 4);
	assert_string_equal(get_str(verdict, "class"), "leak");
	assert_true(json_object_get_boolean(get(verdict, "leak")));
	assert_string_equal(json_object_to_json_string(get(verdict, "confidence")), "0.92");
	assert_string_equal(sentence(verdict, 0), "it rises");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SINK(test_gc),
		WITH_SINK(test_verdict),
		WITH_SINK(test_verdict_unknown),
		WITH_SINK(test_verdict_sites),
		WITH_SINK(test_verdict_kept),
		WITH_SINK(test_verdict_hostile),
		WITH_SINK(test_verdict_of_oom),
	};

	return cmocka_run_group_tests_name("output/ndjson-verdict", tests, NULL, NULL);
}
