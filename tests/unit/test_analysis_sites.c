/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth sites: which stacks are one line, and which lines lead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/sites.h"
#include "sample.h"

#define MIB  (1024ULL * 1024)
#define LIBC "/usr/lib/x86_64-linux-gnu/libc.so.6"
#define NODE "/usr/bin/node"

static struct frame malloc_, memset_, brk_, save_js, handle_js, other_js, promote, mark, addon, v8;

static int setup(void **state)
{
	malloc_ = sample_native(FRAME_RUNTIME, "malloc", LIBC, 1);
	memset_ = sample_native(FRAME_RUNTIME, "__memset_avx2", LIBC, 2);
	brk_ = sample_native(FRAME_RUNTIME, "brk", LIBC, 3);
	save_js = sample_js(FRAME_USER, "save", "/srv/a.js", 12);
	handle_js = sample_js(FRAME_USER, "handle", "/srv/a.js", 30);
	other_js = sample_js(FRAME_USER, "other", "/srv/b.js", 7);
	promote = sample_native(FRAME_RUNTIME, "v8::internal::Scavenger::Process()", NODE, 4);
	mark = sample_native(FRAME_RUNTIME, "v8::internal::Scavenger::Finalize()", NODE, 5);
	addon = sample_native(FRAME_DEPENDENCY, "render", "/node_modules/x/x.node", 6);
	v8 = sample_native(FRAME_RUNTIME, "v8::internal::Factory::NewFixedArray(int)", NODE, 7);
	*state = site_table_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	site_table_free(*state);
	return 0;
}

#define ADD(t, kind, bytes, ...)                                                                   \
	({                                                                                         \
		const struct frame f_[] = {__VA_ARGS__};                                           \
		sample_site(t, kind, f_, sizeof(f_) / sizeof(f_[0]), bytes);                       \
	})

/* ---- groups ---- */

/* The way below the site and above its callers does not count. */
static void test_together(void **state)
{
	struct site_table *t = *state;
	struct site_group g[4];
	const struct site *large;

	ADD(t, MW_SITE_FAULT, 2 * MIB, malloc_, save_js, handle_js);
	large = ADD(t, MW_SITE_FAULT, 3 * MIB, memset_, malloc_, save_js, brk_, handle_js);
	ADD(t, MW_SITE_FAULT, MIB, malloc_, other_js, handle_js);
	ADD(t, MW_SITE_BRK, 50 * MIB, brk_, malloc_, save_js, handle_js);
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, g, 4), 2);
	assert_ptr_equal(g[0].top, large);
	assert_int_equal(g[0].kind, MW_SITE_FAULT);
	assert_int_equal(g[0].stacks, 2);
	assert_int_equal(g[0].bytes, 5 * MIB);
	assert_int_equal(g[0].samples, 2);
	assert_int_equal(g[0].delta_bytes, 5 * MIB);
	assert_float_equal(g[0].share, 5.0 / 6, 1e-9);
	assert_int_equal(g[1].bytes, MIB);
	assert_int_equal(site_groups(t, MW_SITE_BRK, SITE_BY_CHAIN, g, 4), 1);
	assert_int_equal(site_groups(t, MW_SITE_MMAP, SITE_BY_CHAIN, g, 4), 0);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, g, 0), 0);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, g, 1), 1);
	assert_int_equal(g[0].bytes, 5 * MIB);
}

/* What is shown differs: another line, another caller, a frame that is marked. */
static void test_apart(void **state)
{
	struct site_table *t = *state;
	struct frame line = save_js, approximate = save_js;
	struct site_group g[8];

	line.line++;
	approximate.is_approximate = true;
	ADD(t, MW_SITE_V8_SURVIVED, 4 * MIB, save_js, handle_js);
	ADD(t, MW_SITE_V8_SURVIVED, 3 * MIB, line, handle_js);
	ADD(t, MW_SITE_V8_SURVIVED, 2 * MIB, save_js, other_js);
	ADD(t, MW_SITE_V8_SURVIVED, MIB, approximate, handle_js);
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_V8_SURVIVED, SITE_BY_CHAIN, g, 8), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(g[i].bytes, (4 - i) * MIB);
		assert_int_equal(g[i].stacks, 1);
	}
}

/* All that V8 does for one purpose is one line, whatever its functions. */
static void test_notes(void **state)
{
	struct site_table *t = *state;
	struct site_group g[4];

	ADD(t, MW_SITE_FAULT, MIB, memset_, promote);
	ADD(t, MW_SITE_FAULT, 2 * MIB, mark);
	ADD(t, MW_SITE_FAULT, 2 * MIB, promote, save_js); /* a collection that began there */
	ADD(t, MW_SITE_FAULT, 4 * MIB, save_js);
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, g, 4), 2);
	assert_string_equal(g[0].top->note, "V8 promotion");
	assert_int_equal(g[0].bytes, 5 * MIB);
	assert_int_equal(g[0].stacks, 3);
	assert_null(g[1].top->note);
}

/* Equal hashes are not enough. */
static void test_shared_hash(void **state)
{
	struct site_table *t = *state;
	struct site *a = ADD(t, MW_SITE_FAULT, MIB, save_js);
	struct site *b = ADD(t, MW_SITE_FAULT, MIB, other_js);
	struct site_group g[4];

	a->chain_hash = b->chain_hash;
	a->function_hash = b->function_hash;
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_FUNCTION, g, 4), 2);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, g, 4), 2);
}

static void test_freed(void **state)
{
	struct site_table *t = *state;
	struct site *s = ADD(t, MW_SITE_EXTERNAL, MIB, save_js);
	struct site_group g[2];

	site_table_finish_tick(t);
	s->sampled_bytes = 0;
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_EXTERNAL, SITE_BY_CHAIN, g, 2),
			 1); /* it went just now */
	assert_int_equal(g[0].delta_bytes, -(int64_t)MIB);
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_EXTERNAL, SITE_BY_CHAIN, g, 2), 0);
}

static void test_many(void **state)
{
	struct site_table *t = *state;
	struct site_group g[SITES_MAX];
	uint64_t sum = 0;
	unsigned n;

	for (uint32_t i = 0; i < SITES_MAX; i++) { /* four stacks a line */
		struct frame f = save_js, way = malloc_;

		f.line = 1 + i / 4;
		way.fn = i % 4 == 0 ? "a" : i % 4 == 1 ? "b" : i % 4 == 2 ? "c" : "d";
		ADD(t, MW_SITE_FAULT, i + 1, way, f);
	}
	site_table_finish_tick(t);
	n = site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, g, SITES_MAX);
	assert_int_equal(n, SITES_MAX / 4);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(g[i].stacks, 4);
		assert_true(!i || g[i - 1].bytes >= g[i].bytes);
		sum += g[i].bytes;
	}
	assert_int_equal(sum, (uint64_t)SITES_MAX * (SITES_MAX + 1) / 2);
}

/* Equal ones do not change places from tick to tick. */
static void test_order_is_stable(void **state)
{
	struct site_table *t = *state;
	struct site_group before[20], after[20];
	struct frame f = save_js;

	for (f.line = 1; f.line <= 20; f.line++)
		ADD(t, MW_SITE_FAULT, MIB, f);
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, before, 20), 20);
	for (; f.line <= 200; f.line++) /* the map is laid out anew */
		ADD(t, MW_SITE_FAULT, 1, f);
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, after, 20), 20);
	for (unsigned i = 0; i < 20; i++)
		assert_ptr_equal(before[i].top, after[i].top);
}

/* A function's lines and callers, together. */
static void test_by_function(void **state)
{
	struct site_table *t = *state;
	struct frame line = save_js, elsewhere = save_js;
	struct site_group g[8];

	line.line++;
	elsewhere.file = "/srv/c.js";
	ADD(t, MW_SITE_V8_SURVIVED, 4 * MIB, save_js, handle_js);
	ADD(t, MW_SITE_V8_SURVIVED, 4 * MIB, malloc_, save_js, handle_js);
	ADD(t, MW_SITE_V8_SURVIVED, 3 * MIB, line, handle_js);
	ADD(t, MW_SITE_V8_SURVIVED, 2 * MIB, save_js, other_js);
	ADD(t, MW_SITE_V8_SURVIVED, 5 * MIB, elsewhere);
	ADD(t, MW_SITE_V8_SURVIVED, MIB, promote);
	ADD(t, MW_SITE_V8_SURVIVED, MIB, mark);
	site_table_finish_tick(t);
	t->v8_is_scaled = false;
	assert_int_equal(site_groups(t, MW_SITE_V8_SURVIVED, SITE_BY_FUNCTION, g, 8), 3);
	assert_int_equal(g[0].bytes, 13 * MIB);
	assert_int_equal(g[0].stacks, 4);
	assert_int_equal(g[0].chains, 3);
	assert_int_equal(g[0].top->sampled_bytes, 4 * MIB);
	assert_int_equal(g[1].bytes, 5 * MIB);
	assert_int_equal(g[1].chains, 1);
	assert_string_equal(g[2].top->note, "V8 promotion");
	assert_int_equal(site_groups(t, MW_SITE_V8_SURVIVED, SITE_BY_CHAIN, g, 8), 5);
	assert_int_equal(g[0].bytes, 8 * MIB);
	assert_int_equal(g[0].chains, 1);
}

/* ---- the leading ones ---- */

static void check_leading(const struct site_table *t, unsigned max, const char *const *expected)
{
	struct site_group g[8];
	unsigned n = site_groups_leading(t, g, max);

	for (unsigned i = 0; i < n; i++) {
		const struct site *s = g[i].top;
		char text[64];

		snprintf(text, sizeof(text), "%s %s", site_kind_name(g[i].kind),
			 s->note ? s->note : s->stack->frames[s->chain.at[0]].fn);
		assert_non_null(expected[i]);
		assert_string_equal(text, expected[i]);
	}
	assert_null(expected[n]);
}

#define LEADING(t, max, ...) check_leading(t, max, (const char *const[]){__VA_ARGS__, NULL})

static void test_leading_of_node(void **state)
{
	struct site_table *t = *state;

	ADD(t, MW_SITE_FAULT, 90 * MIB, memset_, promote);
	ADD(t, MW_SITE_FAULT, 80 * MIB, v8, other_js); /* young pages, touched first */
	ADD(t, MW_SITE_V8_ALLOC, 900 * MIB, other_js);
	ADD(t, MW_SITE_MMAP, 70 * MIB, other_js);
	ADD(t, MW_SITE_V8_SURVIVED, 20 * MIB, save_js);
	ADD(t, MW_SITE_EXTERNAL, 30 * MIB, handle_js);
	ADD(t, MW_SITE_FAULT, 25 * MIB, malloc_, addon);
	site_table_finish_tick(t);
	LEADING(t, 3, "external handle", "fault render", "v8-survived save");
	LEADING(t, 8, "external handle", "fault render", "v8-survived save", "fault other",
		"fault V8 promotion");
	LEADING(t, 1, "external handle");
}

/* Without survivors page faults are all there is. */
static void test_leading_by_faults(void **state)
{
	struct site_table *t = *state;

	ADD(t, MW_SITE_FAULT, 90 * MIB, promote);
	ADD(t, MW_SITE_FAULT, 20 * MIB, v8, save_js);
	ADD(t, MW_SITE_FAULT, 10 * MIB, malloc_, addon);
	ADD(t, MW_SITE_BRK, 99 * MIB, brk_, addon);
	site_table_finish_tick(t);
	LEADING(t, 3, "fault save", "fault render", "fault V8 promotion");
}

/* The same code twice is once. */
static void test_leading_without_echo(void **state)
{
	struct site_table *t = *state;

	ADD(t, MW_SITE_FAULT, 29 * MIB, memset_, malloc_, save_js);
	ADD(t, MW_SITE_EXTERNAL, 30 * MIB, save_js);
	site_table_finish_tick(t);
	LEADING(t, 3, "external save");
}

/* A heap that does not grow is not what makes the process grow. */
static void test_leading_flat_heap(void **state)
{
	struct site_table *t = *state;

	for (int i = 0; i < 4; i++)
		ADD(t, MW_SITE_V8_SURVIVED, 20 * MIB, save_js);
	ADD(t, MW_SITE_FAULT, MIB, malloc_, addon);
	t->v8_live_first = t->v8_live_last = 30 * MIB;
	site_table_finish_tick(t);
	LEADING(t, 3, "fault render", "v8-survived save");
}

static void test_leading_asked_for(void **state)
{
	struct site_table *t = *state;
	struct site_group g[1];

	assert_int_equal(site_groups_leading(t, g, 1), 0);
	ADD(t, MW_SITE_MMAP, MIB, other_js);
	site_table_finish_tick(t);
	LEADING(t, 3, "mmap other");
	ADD(t, MW_SITE_BRK, 2 * MIB, save_js);
	site_table_finish_tick(t);
	LEADING(t, 3, "brk save");
}

static void test_rate(void **state)
{
	struct site_table *t = *state;
	struct site_group g;

	assert_true(t->begin_ns > 0);
	t->begin_ns = 10 * SAMPLE_SECOND;
	ADD(t, MW_SITE_FAULT, 6 * MIB, save_js);
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_FAULT, SITE_BY_CHAIN, &g, 1), 1);
	assert_float_equal(site_rate(&g, 13 * SAMPLE_SECOND), 2.0 * MIB, 1e-6);
	assert_float_equal(site_rate(&g, 10 * SAMPLE_SECOND), 0, 0);
	assert_float_equal(site_rate(&g, 9 * SAMPLE_SECOND), 0, 0);
}

/* Between collections nothing is known to grow: the rate does not sink for that. */
static void test_rate_of_survivors(void **state)
{
	struct site_table *t = *state;
	struct site_group g;

	t->begin_ns = 10 * SAMPLE_SECOND;
	for (int i = 0; i < 3; i++)
		ADD(t, MW_SITE_V8_SURVIVED, 5 * MIB, save_js);
	t->v8_live_first = 10 * MIB;
	t->v8_live_last = 22 * MIB;
	t->v8_live_span_ns = 4 * SAMPLE_SECOND;
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_V8_SURVIVED, SITE_BY_CHAIN, &g, 1), 1);
	assert_int_equal(g.bytes, 12 * MIB);
	assert_float_equal(site_rate(&g, 16 * SAMPLE_SECOND), 3.0 * MIB, 1e-6);
	assert_float_equal(site_rate(&g, 60 * SAMPLE_SECOND), 3.0 * MIB, 1e-6);
	t->v8_live_first = 0; /* not scaled: since the beginning */
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_V8_SURVIVED, SITE_BY_CHAIN, &g, 1), 1);
	assert_float_equal(site_rate(&g, 25 * SAMPLE_SECOND), 1.0 * MIB, 1e-6);
}

static void test_order_of_kinds(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < MW_SITE_KINDS - 1; i++)
		seen |= 1u << site_kinds_ordered[i];
	assert_int_equal(seen, (1u << MW_SITE_KINDS) - 2); /* each once */
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TABLE(test_together),
		WITH_TABLE(test_apart),
		WITH_TABLE(test_notes),
		WITH_TABLE(test_by_function),
		WITH_TABLE(test_shared_hash),
		WITH_TABLE(test_freed),
		WITH_TABLE(test_many),
		WITH_TABLE(test_order_is_stable),
		WITH_TABLE(test_leading_of_node),
		WITH_TABLE(test_leading_by_faults),
		WITH_TABLE(test_leading_without_echo),
		WITH_TABLE(test_leading_flat_heap),
		WITH_TABLE(test_leading_asked_for),
		WITH_TABLE(test_rate),
		WITH_TABLE(test_rate_of_survivors),
		cmocka_unit_test(test_order_of_kinds),
	};

	return cmocka_run_group_tests_name("analysis/sites", tests, NULL, NULL);
}
