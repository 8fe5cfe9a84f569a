/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stacks: what makes two of them the same, and the frame that one is known by. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/frame.h"
#include "sample.h"

#define LIBC "/usr/lib/x86_64-linux-gnu/libc.so.6"

static void test_copy(void **state)
{
	struct frame frames[] = {sample_native(FRAME_RUNTIME, "malloc", LIBC, 1),
				 sample_js(FRAME_USER, "f", "/a.js", 3)};
	struct stack *s = stack_new(frames, 2, true);

	(void)state;
	assert_non_null(s);
	assert_int_equal(s->count, 2);
	assert_true(s->is_cut);
	frames[1].line = 9; /* a copy, not these */
	assert_int_equal(s->frames[1].line, 3);
	assert_string_equal(s->frames[0].fn, "malloc");
	free(s);
	s = stack_new(NULL, 0, false);
	assert_non_null(s);
	assert_int_equal(s->count, 0);
	assert_false(s->is_cut);
	free(s);
	assert_null(stack_new(frames, UINT32_MAX, false));
	assert_int_equal(errno, EINVAL);
}

static const struct frame *one(void)
{
	static struct frame f = {.fn = "f",
				 .file = "/a.c",
				 .module = "/bin/a",
				 .ip = 1,
				 .line = 3,
				 .fn_line = 1,
				 .kind = FRAME_NATIVE,
				 .origin = FRAME_USER};

	return &f;
}

static void check_same(const struct frame *other)
{
	assert_true(frame_is_same(one(), other));
	assert_true(stack_hash(one(), 1) == stack_hash(other, 1));
}

static void check_differs(const struct frame *other)
{
	assert_false(frame_is_same(one(), other));
	assert_false(frame_is_same(other, one()));
	assert_false(stack_hash(one(), 1) == stack_hash(other, 1));
}

/* Names are compared by what they say: the same text at another address is the same. */
static void test_same(void **state)
{
	char fn[] = "f", file[] = "/a.c", module[] = "/bin/a";
	struct frame f = *one();

	(void)state;
	check_same(&f);
	f.fn = fn;
	f.file = file;
	f.module = module;
	f.ip = 2;
	f.fn_line = 2;
	f.tier = TIER_MAGLEV;
	f.is_inlined = true;
	check_same(&f);
}

static void test_differs(void **state)
{
	struct frame others[9];

	(void)state;
	for (size_t i = 0; i < 9; i++)
		others[i] = *one();
	others[0].fn = "g";
	others[1].file = "/b.c";
	others[2].module = "/bin/b";
	others[3].line = 4;
	others[4].kind = FRAME_JS;
	others[5].origin = FRAME_RUNTIME;
	others[6].is_approximate = true;
	others[7].file = NULL;
	others[8].fn = NULL;
	for (size_t i = 0; i < 9; i++)
		check_differs(&others[i]);
}

/* Without a name the address is all that is known. */
static void test_unnamed(void **state)
{
	struct frame a = sample_native(FRAME_USER, NULL, "/bin/a", 0x1000);
	struct frame b = a;

	(void)state;
	assert_true(frame_is_same(&a, &b));
	b.ip = 0x2000;
	assert_false(frame_is_same(&a, &b));
	assert_false(stack_hash(&a, 1) == stack_hash(&b, 1));
}

/* Texts do not run into each other; the order and the number of frames count. */
static void test_hash(void **state)
{
	struct frame ab = {.fn = "a", .file = "b"}, a_b = {.fn = "ab", .file = ""};
	struct frame none = {.fn = "a"}, empty = {.fn = "a", .file = ""};
	struct frame pair[] = {ab, none}, swapped[] = {none, ab};

	(void)state;
	assert_false(stack_hash(&ab, 1) == stack_hash(&a_b, 1));
	assert_false(stack_hash(&none, 1) == stack_hash(&empty, 1));
	assert_false(stack_hash(pair, 2) == stack_hash(swapped, 2));
	assert_false(stack_hash(pair, 2) == stack_hash(pair, 1));
	assert_true(stack_hash(pair, 2) == stack_hash(pair, 2));
	assert_true(stack_hash(NULL, 0) == stack_hash(NULL, 0));
}

static void check_site_frame(const struct frame *frames, unsigned count, unsigned expected)
{
	struct stack *s = stack_new(frames, count, false);

	assert_non_null(s);
	assert_int_equal(stack_site_frame(s), expected);
	free(s);
}

static void test_site_frame(void **state)
{
	const struct frame libc = sample_native(FRAME_RUNTIME, "malloc", LIBC, 1);
	const struct frame unnamed = sample_native(FRAME_RUNTIME, NULL, LIBC, 2);
	const struct frame node = sample_js(FRAME_RUNTIME, "emit", "node:events", 5);
	const struct frame package =
		sample_js(FRAME_DEPENDENCY, "put", "/srv/node_modules/lru/index.js", 7);
	const struct frame user = sample_js(FRAME_USER, "save", "/srv/a.js", 9);
	const struct frame stripped = sample_native(FRAME_USER, NULL, "/srv/a", 3);
	const struct frame pair[] = {libc, user, user}, below[] = {libc, node, package, user};
	const struct frame dependency[] = {libc, node, package, package};
	const struct frame read = sample_native(FRAME_RUNTIME, "uv__read", "/usr/bin/node", 4);
	const struct frame native[] = {unnamed, libc, read, read};
	const struct frame lost[] = {{.ip = 5}, libc}; /* nothing is known of it */
	const struct frame runtime[] = {unnamed, libc, node}, nothing[] = {unnamed, unnamed};
	const struct frame strip[] = {libc, stripped, stripped}, main_known[] = {stripped, user};
	const struct frame odd[] = {{.fn = "x", .origin = 77}, libc}; /* as the runtime's */

	(void)state;
	check_site_frame(pair, 3, 1);
	check_site_frame(below, 4, 3);
	check_site_frame(dependency, 4, 2);
	check_site_frame(runtime, 3, 2);
	check_site_frame(native, 4, 2);
	check_site_frame(lost, 2, 1);
	check_site_frame(nothing, 2, 0);
	check_site_frame(strip, 3, 1);
	check_site_frame(main_known, 2, 1);
	check_site_frame(odd, 2, 0);
	check_site_frame(NULL, 0, 0);
}

/* ---- one line ---- */

static void check_chain(const struct frame *frames, unsigned count, const char *expected)
{
	struct stack *s = stack_new(frames, count, false);
	struct stack_chain chain;
	char text[64] = "";

	assert_non_null(s);
	stack_chain_of(s, &chain);
	for (unsigned i = 0; i < chain.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u ", chain.at[i]);
	assert_string_equal(text, expected);
	free(s);
}

static void test_chain(void **state)
{
	const struct frame libc = sample_native(FRAME_RUNTIME, "malloc", LIBC, 1);
	const struct frame node = sample_js(FRAME_RUNTIME, "emit", "node:events", 5);
	const struct frame package = sample_js(FRAME_DEPENDENCY, "put", "/node_modules/l/i.js", 7);
	const struct frame save = sample_js(FRAME_USER, "save", "/srv/a.js", 9);
	const struct frame again = sample_js(FRAME_USER, "save", "/srv/a.js", 11);
	const struct frame handle = sample_js(FRAME_USER, "handle", "/srv/a.js", 20);
	const struct frame main = sample_js(FRAME_USER, "main", "/srv/a.js", 30);
	const struct frame stripped = sample_native(FRAME_USER, NULL, "/srv/a", 3);
	const struct frame usual[] = {libc, package, save, node, handle, package, main};
	const struct frame recursive[] = {save, again, node, again, handle};
	const struct frame by_package[] = {libc, package, node, node};
	const struct frame read = sample_native(FRAME_RUNTIME, "uv__read", "/usr/bin/node", 4);
	const struct frame run = sample_native(FRAME_RUNTIME, "uv_run", "/usr/bin/node", 5);
	const struct frame native[] = {libc, libc, read, run};
	const struct frame runtime[] = {libc, node}, unnamed[] = {libc, stripped, stripped};

	(void)state;
	check_chain(usual, 7, "2 4 5 ");
	check_chain(recursive, 5, "0 4 ");
	check_chain(by_package, 4, "1 ");
	check_chain(runtime, 2, "1 ");
	check_chain(native, 4, "2 3 ");
	check_chain(unnamed, 3, "1 ");
	check_chain(NULL, 0, "");
}

static void test_chain_is_same(void **state)
{
	const struct frame libc = sample_native(FRAME_RUNTIME, "malloc", LIBC, 1);
	const struct frame save = sample_js(FRAME_USER, "save", "/srv/a.js", 9);
	const struct frame other = sample_js(FRAME_USER, "save", "/srv/a.js", 10);
	const struct frame below[] = {libc, libc, save}, at_once[] = {save}, line[] = {other};
	struct stack *a = stack_new(below, 3, false), *b = stack_new(at_once, 1, true);
	struct stack *c = stack_new(line, 1, false), *d = stack_new(NULL, 0, false);
	struct stack_chain ca, cb, cc, cd;

	(void)state;
	assert_true(a && b && c && d);
	stack_chain_of(a, &ca);
	stack_chain_of(b, &cb);
	stack_chain_of(c, &cc);
	stack_chain_of(d, &cd);
	assert_true(stack_chain_is_same(a, &ca, b, &cb));
	assert_true(stack_chain_hash(a, &ca) == stack_chain_hash(b, &cb));
	assert_false(stack_chain_is_same(a, &ca, c, &cc));
	assert_false(stack_chain_hash(a, &ca) == stack_chain_hash(c, &cc));
	assert_false(stack_chain_is_same(a, &ca, d, &cd));
	assert_true(stack_chain_is_same(d, &cd, d, &cd));
	free(a);
	free(b);
	free(c);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),	cmocka_unit_test(test_same),
		cmocka_unit_test(test_differs), cmocka_unit_test(test_unnamed),
		cmocka_unit_test(test_hash),	cmocka_unit_test(test_site_frame),
		cmocka_unit_test(test_chain),	cmocka_unit_test(test_chain_is_same),
	};

	return cmocka_run_group_tests_name("model/frame", tests, NULL, NULL);
}
