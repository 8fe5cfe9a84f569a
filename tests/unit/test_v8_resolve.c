/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * v8_resolve: frames of all kinds of a made-up program are named as they should be, on the layouts
 * of several versions; and whatever bytes there are, nothing breaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "v8_graph.h"

#define MAX 8

struct fixture {
	struct graph graph;
	struct intern *names;
	struct v8_resolver r;
	struct frame out[MAX];
};

static struct fixture *open_fixture(void (*layout)(struct v8_layout *))
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	graph_init(&fx->graph, layout);
	fx->names = intern_new(1 << 20);
	assert_int_equal(
		v8_resolver_init(&fx->r, &fx->graph.fake.layout, &fx->graph.fake.mem, fx->names),
		0);
	fx->r.copies[0] = (struct v8_builtins_copy){GRAPH_BUILTINS, GRAPH_BUILTINS + 4096, 0};
	fx->r.copy_count = 1;
	return fx;
}

static void close_fixture(struct fixture *fx)
{
	v8_resolver_release(&fx->r);
	intern_free(fx->names);
	graph_release(&fx->graph);
	free(fx);
}

static unsigned resolve(struct fixture *fx, const struct mw_frame *raw, bool is_return)
{
	return v8_resolver_frame(&fx->r, raw, is_return, fx->out, MAX);
}

static void assert_frame(const struct frame *f, const char *fn, const char *file, uint32_t fn_line,
			 uint32_t line, enum frame_tier tier)
{
	assert_string_equal(f->fn, fn);
	assert_string_equal(f->file, file);
	assert_int_equal(f->fn_line, fn_line);
	assert_int_equal(f->line, line);
	assert_int_equal(f->kind, FRAME_JS);
	assert_int_equal(f->tier, tier);
	assert_null(f->module);
}

static void check_tiers(void (*layout)(struct v8_layout *))
{
	struct fixture *fx = open_fixture(layout);
	struct graph *g = &fx->graph;
	struct mw_frame raw;

	/* Interpreted: the offset counts from the BytecodeArray's address */
	raw = graph_js(GRAPH_BUILTINS + 100, g->outer, 7, 1);
	raw.bytecode_offset = g->fake.layout.offsets.bytecode_data - 1 + 29;
	assert_int_equal(resolve(fx, &raw, true), 1);
	assert_frame(&fx->out[0], "outer", "/srv/app.js", 1, 2, TIER_INTERPRETED);
	assert_int_equal(fx->out[0].origin, FRAME_USER);
	raw.bytecode_offset++;
	assert_int_equal(resolve(fx, &raw, true), 1);
	assert_frame(&fx->out[0], "outer", "/srv/app.js", 1, 4, TIER_INTERPRETED);

	if (g->fake.layout.code_kind_baseline >= 0) {
		raw = graph_js(g->sparkplug.start + 20 + 300, g->baseline, 8, 3);
		assert_int_equal(resolve(fx, &raw, true), 1);
		assert_frame(&fx->out[0], "tick", "node:internal/timers", 2, 2, TIER_BASELINE);
		assert_int_equal(fx->out[0].origin, FRAME_RUNTIME);
		assert_int_equal(resolve(fx, &raw, false), 1); /* not yet behind the call */
		assert_int_equal(fx->out[0].line, 4);
	}

	raw = graph_js(g->turbofan.start + 100, g->outer, 7, 1);
	assert_int_equal(resolve(fx, &raw, true), 2);
	assert_frame(&fx->out[0], "inner", "/srv/app.js", 5, 7, TIER_TURBOFAN);
	assert_frame(&fx->out[1], "outer", "/srv/app.js", 1, 4, TIER_TURBOFAN);
	assert_true(fx->out[0].is_inlined && !fx->out[1].is_inlined);
	assert_false(fx->out[0].is_approximate || fx->out[1].is_approximate);
	raw.ip = g->turbofan.start + 200;
	assert_int_equal(resolve(fx, &raw, true), 1);
	assert_frame(&fx->out[0], "outer", "/srv/app.js", 1, 5, TIER_TURBOFAN);
	raw.ip = g->turbofan.start + 50; /* before anything that is known */
	assert_int_equal(resolve(fx, &raw, true), 1);
	assert_frame(&fx->out[0], "outer", "/srv/app.js", 1, 0, TIER_TURBOFAN);
	assert_true(fx->out[0].is_approximate);

	if (g->fake.layout.deopt_has_pcs) {
		raw = graph_js(g->maglev.start + 50, g->outer, 7, 1);
		assert_int_equal(resolve(fx, &raw, true), 1);
		assert_frame(&fx->out[0], "outer", "/srv/app.js", 1, 4, TIER_MAGLEV);
	}
	close_fixture(fx);
}

static void test_tiers(void **state)
{
	(void)state;
	check_tiers(fake_layout_12);
	check_tiers(fake_layout_18);
	check_tiers(fake_layout_22);
	check_tiers(fake_layout_26);
}

static void test_builtin(void **state)
{
	struct fixture *fx = open_fixture(fake_layout_22);
	struct mw_frame raw = graph_js(GRAPH_BUILTINS + 5, fx->graph.push, 5, -1);

	(void)state;
	assert_int_equal(resolve(fx, &raw, true), 1);
	assert_string_equal(fx->out[0].fn, "push");
	assert_int_equal(fx->out[0].kind, FRAME_BUILTIN);
	assert_int_equal(fx->out[0].origin, FRAME_RUNTIME);
	assert_null(fx->out[0].file);
	/* Stubs, and native frames in builtins without symbols, are nothing of their own */
	raw = (struct mw_frame){.ip = GRAPH_BUILTINS + 5, .kind = MW_FRAME_STUB};
	assert_int_equal(resolve(fx, &raw, true), 0);
	raw.kind = MW_FRAME_NATIVE;
	assert_int_equal(resolve(fx, &raw, true), 0);
	raw.ip = 0x1234;
	assert_int_equal(resolve(fx, &raw, true), 0);
	close_fixture(fx);
}

/* A function that has just been called: the frame is its caller's. */
static void test_prologue(void **state)
{
	struct fixture *fx = open_fixture(fake_layout_22);
	struct graph *g = &fx->graph;
	struct mw_frame raw = graph_js(g->turbofan.start + 2, g->baseline, 8, 3);

	(void)state;
	assert_int_equal(resolve(fx, &raw, false), 2);
	assert_string_equal(fx->out[0].fn, "outer");
	assert_string_equal(fx->out[1].fn, "tick");
	assert_int_equal(fx->out[1].line, 0);
	/* With no frame at all */
	raw = (struct mw_frame){.ip = g->turbofan.start + 100, .kind = MW_FRAME_NATIVE};
	assert_int_equal(resolve(fx, &raw, true), 2);
	assert_string_equal(fx->out[0].fn, "inner");
	assert_string_equal(fx->out[1].fn, "outer");
	close_fixture(fx);
}

/* A function that has moved away meanwhile has no name; its code may still tell. */
static void test_moved_away(void **state)
{
	struct fixture *fx = open_fixture(fake_layout_22);
	struct graph *g = &fx->graph;
	struct mw_frame raw = graph_js(GRAPH_BUILTINS + 5, g->outer, 7, 99);

	(void)state;
	assert_int_equal(resolve(fx, &raw, true), 1);
	assert_int_equal(fx->out[0].kind, FRAME_UNKNOWN);
	assert_null(fx->out[0].fn);
	assert_int_equal(fx->r.stats.unreadable, 1);
	raw.ip = g->turbofan.start + 100;
	assert_int_equal(resolve(fx, &raw, true), 2);
	assert_string_equal(fx->out[1].fn, "outer");
	raw.function = 0;
	raw.ip = 0x1234;
	assert_int_equal(resolve(fx, &raw, true), 1);
	assert_int_equal(fx->out[0].kind, FRAME_UNKNOWN);
	close_fixture(fx);
}

/* As few frames as there is room for, the innermost first. */
static void test_room(void **state)
{
	struct fixture *fx = open_fixture(fake_layout_22);
	struct mw_frame raw = graph_js(fx->graph.turbofan.start + 100, fx->graph.outer, 7, 1);

	(void)state;
	assert_int_equal(v8_resolver_frame(&fx->r, &raw, true, fx->out, 1), 1);
	assert_string_equal(fx->out[0].fn, "inner");
	close_fixture(fx);
}

static void test_warm_cost(void **state)
{
	struct fixture *fx = open_fixture(fake_layout_22);
	struct graph *g = &fx->graph;
	struct mw_frame interpreted = graph_js(GRAPH_BUILTINS + 100, g->outer, 7, 1);
	struct mw_frame optimised = graph_js(g->turbofan.start + 100, g->outer, 7, 1);
	uint64_t reads;

	(void)state;
	interpreted.bytecode_offset = 100;
	resolve(fx, &interpreted, true);
	resolve(fx, &optimised, true);
	reads = g->fake.mem.reads;
	resolve(fx, &interpreted, true);
	assert_int_equal(g->fake.mem.reads, reads);
	resolve(fx, &optimised, true);
	assert_in_range(g->fake.mem.reads - reads, 1, 10); /* compared, and one inlined */
	close_fixture(fx);
}

static void test_stats(void **state)
{
	struct fixture *fx = open_fixture(fake_layout_22);
	struct mw_frame raw = graph_js(fx->graph.turbofan.start + 100, fx->graph.outer, 7, 1);

	(void)state;
	resolve(fx, &raw, true);
	assert_int_equal(fx->r.stats.js_frames, 2);
	assert_int_equal(fx->r.stats.named, 2);
	assert_int_equal(fx->r.stats.with_file, 2);
	assert_int_equal(fx->r.stats.with_fn_line, 2);
	assert_int_equal(fx->r.stats.with_line, 2);
	assert_int_equal(fx->r.stats.turbofan, 2);
	assert_int_equal(fx->r.stats.inlined, 1);
	assert_int_equal(fx->r.stats.code_scans, 1);
	assert_int_equal(fx->r.stats.code_scan_failures, 0);
	close_fixture(fx);
}

/* Any word of the program's memory may be anything: named or not, it ends, and within bounds. */
static void test_mutations(void **state)
{
	static void (*const layouts[])(struct v8_layout *) = {fake_layout_12, fake_layout_18,
							      fake_layout_22, fake_layout_26};
	uint64_t seed = 99;

	(void)state;
	for (int round = 0; round < 400; round++) {
		struct fixture *fx = open_fixture(layouts[round % 4]);
		struct graph *g = &fx->graph;
		struct mw_frame raws[5] = {
			graph_js(GRAPH_BUILTINS + 100, g->outer, 0, 0),
			graph_js(g->sparkplug.start + 320, g->baseline, 0, 0),
			graph_js(g->turbofan.start + 100, g->outer, 0, 0),
			graph_js(g->maglev.start + 50, g->outer, 0, 0),
			{.ip = g->turbofan.start + 100, .kind = MW_FRAME_NATIVE},
		};
		size_t words = (g->fake.used - (1 << 16)) / 8;

		raws[0].bytecode_offset = 100;
		for (int i = 0; i < 5; i++)
			resolve(fx, &raws[i], round % 2);
		for (int mutation = 0; mutation < 40; mutation++) {
			uint64_t at, value;

			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			at = FAKE_BASE + (1 << 16) + (seed >> 20) % words * 8;
			value = seed % 5 == 0	? seed
				: seed % 5 == 1 ? SMI(seed >> 35)
				: seed % 5 == 2 ? SMI(-1)
				: seed % 5 == 3
					? 0
					: FAKE_BASE + (1 << 16) + (seed >> 30) % words * 8 + 1;
			fake_put(&g->fake, at, &value, sizeof(value));
			if (mutation % 8 == 0)
				v8_resolver_moved(&fx->r);
			for (int i = 0; i < 5; i++) {
				uint64_t reads = g->fake.mem.reads;

				assert_in_range(resolve(fx, &raws[i], mutation % 2), 0, MAX);
				assert_in_range(g->fake.mem.reads - reads, 0, 50000);
			}
		}
		close_fixture(fx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiers),	 cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_prologue), cmocka_unit_test(test_moved_away),
		cmocka_unit_test(test_room),	 cmocka_unit_test(test_warm_cost),
		cmocka_unit_test(test_stats),	 cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
