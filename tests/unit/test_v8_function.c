/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * v8_function, v8_scope_info, v8_script: names, files and lines of functions of all layouts; that
 * no name outlives its function; and hostile heaps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "v8/v8_function.h"
#include "v8/v8_scope_info.h"
#include "v8_fake.h"

static const char source[] = "// one\n"		   /* 0 */
			     "function two() {\n"  /* 7 */
			     "\treturn three();\r" /* 24 */
			     "}\r\n"		   /* 41 */
			     "five\n"		   /* 44 */
			     "six";		   /* 49 */

struct fixture {
	struct fake_heap fake;
	struct v8_heap heap;
	struct intern *names;
	struct v8_functions functions;
};

static int setup_layout(void **state, void (*layout)(struct v8_layout *))
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fake_init(&fx->fake, layout);
	v8_heap_init(&fx->heap, &fx->fake.layout, &fx->fake.mem);
	fx->names = intern_new(1 << 20);
	*state = fx;
	return v8_functions_init(&fx->functions, &fx->heap, fx->names);
}

static int setup(void **state)
{
	return setup_layout(state, fake_layout_22);
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	v8_functions_release(&fx->functions);
	intern_free(fx->names);
	fake_release(&fx->fake);
	free(fx);
	return 0;
}

static uint64_t make_script(struct fixture *fx, int32_t id, const char *name)
{
	struct fake_heap *f = &fx->fake;

	return fake_script(f, id, name ? fake_string(f, name) : f->undefined,
			   fake_string(f, source));
}

/* ---- names and lines ---- */

static void check_layout(void (*layout)(struct v8_layout *))
{
	struct fixture *fx;
	struct v8_function *fn;
	uint64_t shared;

	assert_int_equal(setup_layout((void **)&fx, layout), 0);
	shared = fake_function(&fx->fake, "two", make_script(fx, 9, "/srv/app.js"), 3, 19);
	fn = v8_function_get(&fx->functions, shared, 9, 3);
	assert_non_null(fn);
	assert_string_equal(fn->name, "two");
	assert_string_equal(fn->script->file, "/srv/app.js");
	assert_int_equal(fn->script->origin, FRAME_USER);
	assert_int_equal(fn->position, 19);
	assert_int_equal(fn->line, 2);
	assert_int_equal(fn->script_id, 9);
	assert_int_equal(fn->literal_id, 3);
	teardown((void **)&fx);
}

static void test_layouts(void **state)
{
	(void)state;
	check_layout(fake_layout_12);
	check_layout(fake_layout_18);
	check_layout(fake_layout_22);
	check_layout(fake_layout_26);
}

static void test_names(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t script = make_script(fx, 1, "/a.js"), info;

	/* A plain name; none at all, and no script: builtins */
	assert_string_equal(
		v8_function_get(&fx->functions,
				fake_shared(f, fake_string(f, "push"), f->undefined, -1), 0, 0)
			->name,
		"push");
	assert_string_equal(
		v8_function_get(&fx->functions, fake_shared(f, SMI(0), f->undefined, -1), 0, 0)
			->name,
		"");
	/* No name, but an inferred one */
	info = fake_scope_info(f, SMI(0), 19);
	fake_set(f, info, 8 + 8 * 3 + 8, fake_string(f, "holder.member"));
	fake_set(f, info, 8 + 8 * 3 + 16, SMI(19));
	fake_set(f, info, 8 + 8 * 3 + 24, SMI(44));
	assert_string_equal(
		v8_function_get(&fx->functions, fake_shared(f, info, script, 4), 0, 0)->name,
		"holder.member");
	/* An empty one, then an inferred one */
	info = fake_scope_info(f, fake_string(f, ""), 19);
	fake_set(f, info, 8 + 8 * 3 + 16, fake_string(f, "inferred"));
	fake_set(f, info, 8 + 8 * 3 + 24, SMI(19));
	fake_set(f, info, 8 + 8 * 3 + 32, SMI(44));
	assert_string_equal(
		v8_function_get(&fx->functions, fake_shared(f, info, script, 5), 0, 0)->name,
		"inferred");
	/* A module's, with a variable that it exports: that is not its name */
	info = fake_scope_info(f, fake_string(f, ""), 0);
	fake_set(f, info, 8 + 8 * 3 + 16, fake_array(f, NULL, 0));
	fake_set(f, info, 8 + 8 * 3 + 24, fake_string(f, "exported"));
	assert_string_equal(
		v8_function_get(&fx->functions, fake_shared(f, info, script, 6), 0, 0)->name, "");
}

/* Names of locals come before that of the function: in the object, or in a table of their own. */
static void test_locals(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	char name[64];
	int32_t position;

	for (int32_t locals = 1; locals < 200; locals += 37) {
		uint64_t info = fake_object(f, T_SCOPE_INFO, 16 * 200 + 200);
		int32_t at = 8;

		fake_set(f, info, at, SMI(0x40));
		fake_set(f, info, at + 8, SMI(2));
		fake_set(f, info, at + 16, SMI(locals));
		at += 24;
		if (locals >= 75) {
			fake_set(f, info, at, fake_object(f, T_WRAPPER, 64));
			at += 8;
		} else {
			for (int32_t i = 0; i < locals; i++, at += 8)
				fake_set(f, info, at, fake_string(f, "local"));
		}
		for (int32_t i = 0; i < locals; i++, at += 8)
			fake_set(f, info, at, SMI(1));
		fake_set(f, info, at, fake_string(f, "many"));
		fake_set(f, info, at + 8, SMI(5));
		fake_set(f, info, at + 16, f->undefined);
		fake_set(f, info, at + 24, SMI(700));
		fake_set(f, info, at + 32, SMI(900));
		fake_set(f, info, at + 40, f->undefined);
		assert_int_equal(v8_scope_info_read(&fx->heap, info, name, sizeof(name), &position),
				 0);
		assert_string_equal(name, "many");
		assert_int_equal(position, 700);
	}
}

static void test_lines(void **state)
{
	static const struct {
		int32_t position;
		uint32_t line;
	} wanted[] = {{0, 1},  {6, 1},	{7, 2},	 {23, 2}, {24, 3}, {40, 3}, {41, 4},	   {43, 4},
		      {44, 5}, {48, 5}, {49, 6}, {52, 6}, {53, 0}, {-1, 0}, {INT32_MAX, 0}};
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	struct v8_scripts *scripts = &fx->functions.scripts;
	uint64_t at = make_script(fx, 1, "/a.js");
	struct v8_script *script = v8_script_get(scripts, at);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(v8_script_line(scripts, script, wanted[i].position),
				 wanted[i].line);
	/* In a page, say */
	at = make_script(fx, 2, "/b.js");
	fake_set(f, at, 24, SMI(100));
	script = v8_script_get(scripts, at);
	assert_int_equal(v8_script_line(scripts, script, 7), 102);
}

/* V8's own line ends are believed, if it has any. */
/* A function that has not run is in no ScopeInfo: what it has in place of code says where it
   begins. That is in one of two words (V8 12 added the second) */
static void test_line_of_what_has_not_run(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t script = make_script(fx, 1, "/a.js");
	uint64_t shared = fake_shared(f, fake_string(f, "later"), script, 4);
	uint64_t data = fake_object(f, T_UNCOMPILED, 24);
	struct v8_function *fn;

	fake_set32(f, data, 16, 24);
	fake_set32(f, data, 20, 39);
	fake_set(f, shared, f->layout.offsets.shared_data, data);
	fn = v8_function_get(&fx->functions, shared, 0, 0);
	assert_string_equal(fn->name, "later");
	assert_int_equal(fn->line, 3);

	f->layout.offsets.shared_name = 24;
	shared = fake_shared(f, fake_string(f, "later"), script, 5);
	fake_set(f, shared, f->layout.offsets.shared_data + 8, data);
	assert_int_equal(v8_function_get(&fx->functions, shared, 0, 0)->line, 3);
	/* Of other data nothing is taken */
	shared = fake_shared(f, fake_string(f, "native"), script, 6);
	fake_set(f, shared, f->layout.offsets.shared_data, fake_object(f, T_WRAPPER, 24));
	assert_int_equal(v8_function_get(&fx->functions, shared, 0, 0)->line, 0);
}

static void test_line_ends(void **state)
{
	uint64_t ends[] = {SMI(10), SMI(20), SMI(30)};
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	struct v8_scripts *scripts = &fx->functions.scripts;
	uint64_t at = make_script(fx, 1, "/a.js");
	struct v8_script *script;

	fake_set(f, at, 56, fake_array(f, ends, 3));
	script = v8_script_get(scripts, at);
	assert_int_equal(v8_script_line(scripts, script, 10), 1);
	assert_int_equal(v8_script_line(scripts, script, 11), 2);
	assert_int_equal(v8_script_line(scripts, script, 30), 3);
	assert_int_equal(v8_script_line(scripts, script, 31), 0);
	/* With garbage among them, the search ends all the same */
	ends[1] = f->undefined;
	at = make_script(fx, 2, "/b.js");
	fake_set(f, at, 56, fake_array(f, ends, 3));
	script = v8_script_get(scripts, at);
	v8_script_line(scripts, script, 15);
}

static void test_wide_source(void **state)
{
	static const uint16_t wide[] = {'/', '/', 0x201c, '\n', 'a', 0x2028, 'b', 0x2029, 'c'};
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	struct v8_scripts *scripts = &fx->functions.scripts;
	uint64_t at = fake_script(f, 1, fake_string(f, "file:///srv/a%20b/m.mjs"),
				  fake_string16(f, wide, 9));
	struct v8_script *script = v8_script_get(scripts, at);

	assert_string_equal(script->file, "/srv/a b/m.mjs");
	assert_int_equal(v8_script_line(scripts, script, 2), 1);
	assert_int_equal(v8_script_line(scripts, script, 4), 2);
	assert_int_equal(v8_script_line(scripts, script, 6), 3);
	assert_int_equal(v8_script_line(scripts, script, 8), 4);
}

/* Code of eval() has no file: it is known by the one that called. */
static void test_eval(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	struct v8_scripts *scripts = &fx->functions.scripts;
	uint64_t caller = fake_function(f, "f", make_script(fx, 1, "/x/node_modules/a/b.js"), 1, 7);
	uint64_t inner = make_script(fx, 2, NULL), loop = make_script(fx, 3, NULL);

	fake_set(f, inner, 72, caller);
	assert_string_equal(v8_script_get(scripts, inner)->file, "eval at /x/node_modules/a/b.js");
	assert_int_equal(v8_script_get(scripts, inner)->origin, FRAME_DEPENDENCY);
	assert_null(v8_script_get(scripts, loop)->file);
	fake_set(f, loop, 64, SMI(4));
	fake_set(f, loop, 72, fake_function(f, "g", loop, 1, 7)); /* called by itself */
	assert_null(v8_script_get(scripts, loop)->file);
}

static void test_debug_info(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t debug = fake_object(f, T_DEBUG_INFO, 64);
	struct v8_function *fn;

	fake_set(f, debug, 24, make_script(fx, 5, "/debugged.js"));
	fn = v8_function_get(&fx->functions, fake_function(f, "d", debug, 1, 7), 0, 0);
	assert_string_equal(fn->script->file, "/debugged.js");
}

static void test_bytecode_lines(void **state)
{
	static const uint8_t code[60];
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t shared = fake_function(f, "two", make_script(fx, 1, "/a.js"), 1, 19);
	struct fake_table t = {.len = 0};
	struct v8_function *fn;
	uint64_t array, data;

	fake_table_add(&f->layout, &t, -1, fake_raw_position(19, -1), false);
	fake_table_add(&f->layout, &t, 0, fake_raw_position(26, -1), true);
	fake_table_add(&f->layout, &t, 20, fake_raw_position(44, -1), true);
	array = fake_bytecode(f, shared, code, sizeof(code), &t);
	fn = v8_function_get(&fx->functions, shared, 0, 0);
	assert_int_equal(v8_function_line(&fx->functions, fn, 0), 3);
	assert_int_equal(v8_function_line(&fx->functions, fn, 19), 3);
	assert_int_equal(v8_function_line(&fx->functions, fn, 20), 5);
	assert_int_equal(v8_function_line(&fx->functions, fn, 59), 5);
	assert_int_equal(v8_function_line(&fx->functions, fn, 60), 0); /* not in it */
	assert_int_equal(v8_function_line(&fx->functions, fn, -1), 0);

	/* Behind an InterpreterData, a BaselineData, baseline code; or behind itself */
	for (int i = 0; i < 4; i++) {
		static const int types[] = {T_INTERPRETER_DATA, T_BASELINE_DATA, T_CODE,
					    T_INTERPRETER_DATA};

		shared = fake_function(f, "two", make_script(fx, 10 + i, "/a.js"), 1, 19);
		data = fake_object(f, types[i], 64);
		fake_set(f, data, types[i] == T_BASELINE_DATA ? 16 : 8, i == 3 ? data : array);
		fake_set(f, shared, 8, data);
		fn = v8_function_get(&fx->functions, shared, 0, 0);
		assert_int_equal(v8_function_line(&fx->functions, fn, 20), i == 3 ? 0 : 5);
	}
}

/* ---- the cache ---- */

static void test_known_ids_need_no_read(void **state)
{
	struct fixture *fx = *state;
	uint64_t shared = fake_function(&fx->fake, "two", make_script(fx, 9, "/a.js"), 3, 19);
	struct v8_function *fn = v8_function_get(&fx->functions, shared, 9, 3);
	uint64_t reads = fx->fake.mem.reads;

	assert_ptr_equal(v8_function_get(&fx->functions, shared, 9, 3), fn);
	assert_int_equal(fx->fake.mem.reads, reads);
	assert_ptr_equal(v8_function_get(&fx->functions, shared, 0, 0), fn); /* reads, and is it */
	assert_true(fx->fake.mem.reads > reads);
	v8_functions_moved(&fx->functions);
	reads = fx->fake.mem.reads;
	assert_ptr_equal(v8_function_get(&fx->functions, shared, 9, 3), fn);
	assert_true(fx->fake.mem.reads > reads);
	reads = fx->fake.mem.reads;
	assert_ptr_equal(v8_function_get(&fx->functions, shared, 9, 3), fn);
	assert_int_equal(fx->fake.mem.reads, reads);
}

/* What a sample took for one function, and is another by now, gets no name at all. */
static void test_stale(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t shared = fake_function(f, "two", make_script(fx, 9, "/a.js"), 3, 19);

	assert_null(v8_function_get(&fx->functions, shared, 9, 4));
	assert_int_equal(errno, ESTALE);
	assert_null(v8_function_get(&fx->functions, shared, 8, 3));
	assert_int_equal(errno, ESTALE);
	assert_non_null(v8_function_get(&fx->functions, shared, 9, 3));
	/* Builtins have no script: what the kernel side took for its id says nothing */
	shared = fake_shared(f, fake_string(f, "push"), f->undefined, -1);
	assert_non_null(v8_function_get(&fx->functions, shared, 77, -1));
	assert_null(v8_function_get(&fx->functions, shared, 77, 5));
}

/* Another function in the same place: at once if its ids are other ones, else once V8 has moved. */
static void test_replaced(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t script = make_script(fx, 9, "/a.js"), other = make_script(fx, 10, "/b.js");
	uint64_t shared = fake_function(f, "two", script, 3, 19);
	struct v8_function *fn = v8_function_get(&fx->functions, shared, 9, 3);

	assert_string_equal(fn->name, "two");
	fake_set(f, shared, 16, fake_scope_info(f, fake_string(f, "other"), 44));
	fake_set(f, shared, 32, other);
	fake_set32(f, shared, 52, 8);
	fn = v8_function_get(&fx->functions, shared, 10, 8);
	assert_string_equal(fn->name, "other");
	assert_string_equal(fn->script->file, "/b.js");
	assert_int_equal(fn->line, 5);
	assert_null(v8_function_get(&fx->functions, shared, 9, 3));

	/* The same ids, in another isolate */
	fake_set(f, shared, 16, fake_scope_info(f, fake_string(f, "worker"), 44));
	v8_functions_moved(&fx->functions);
	assert_string_equal(v8_function_get(&fx->functions, shared, 10, 8)->name, "worker");
}

/* Another script where one was: functions that were of the first do not take lines of it. */
/* In the midst of a collection: where the source was there is a forwarding pointer. */
static void test_source_moves(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t script = make_script(fx, 7, "/srv/app.js");
	uint64_t shared = fake_function(f, "save", script, 3, 10), before, after;
	const struct v8_function *fn;

	memcpy(&before,
	       f->bytes + (script - 1 + (uint64_t)f->layout.offsets.script_source - FAKE_BASE),
	       sizeof(before));
	after = fake_string(f, source);
	fake_set(f, before, 0, after - 1);
	fn = v8_function_get(&fx->functions, shared, 7, 3);
	assert_non_null(fn);
	assert_string_equal(fn->name, "save");
	assert_int_equal(fn->line, 0);
	fake_set(f, script, f->layout.offsets.script_source, after);
	v8_functions_moved(&fx->functions);
	fn = v8_function_get(&fx->functions, shared, 7, 3);
	assert_int_equal(fn->line, 2);
	/* Its script was read anew on behalf of another */
	fake_set(f, script, f->layout.offsets.script_source, before);
	v8_functions_clear(&fx->functions);
	assert_int_equal(v8_function_get(&fx->functions, shared, 7, 3)->line, 0);
	fake_set(f, script, f->layout.offsets.script_source, after);
	assert_non_null(v8_script_get(&fx->functions.scripts, script));
	assert_int_equal(v8_function_get(&fx->functions, shared, 7, 3)->line, 2);
}

static void test_script_replaced(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t script = make_script(fx, 9, "/a.js");
	uint64_t shared = fake_function(f, "two", script, 3, 19);
	uint64_t younger = fake_function(f, "new", script, 3, 44);
	struct v8_function *fn = v8_function_get(&fx->functions, shared, 9, 3);

	assert_int_equal(v8_function_position_line(&fx->functions, fn, 44), 5);
	fake_set(f, script, 64, SMI(11));
	fake_set(f, script, 16, fake_string(f, "/new.js"));
	fake_set(f, script, 8, fake_string(f, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"));
	assert_string_equal(v8_function_get(&fx->functions, younger, 11, 3)->script->file,
			    "/new.js");
	assert_int_equal(v8_function_position_line(&fx->functions, fn, 44), 0);
	assert_null(v8_function_get(&fx->functions, shared, 9, 3));
}

static void test_bounded(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	uint64_t info = fake_scope_info(f, fake_string(f, "f"), 19);
	uint64_t script = make_script(fx, 9, "/a.js");

	for (int i = 0; i < 20000; i++) {
		size_t used = f->used;
		uint64_t shared;

		if (f->used + 128 > FAKE_BYTES)
			break;
		shared = fake_shared(f, info, script, i);
		v8_functions_trim(&fx->functions);
		assert_non_null(v8_function_get(&fx->functions, shared, 9, i));
		assert_in_range(fx->functions.all.count, 1, 8192);
		assert_true(f->used > used);
	}
	v8_functions_clear(&fx->functions);
	assert_int_equal(fx->functions.all.count, 0);
	assert_int_equal(fx->functions.bytes, 0);
	assert_int_equal(fx->functions.scripts.bytes, 0);
}

/* ---- hostile ---- */

static void test_no_function(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;

	assert_null(v8_function_get(&fx->functions, fake_string(f, "x"), 0, 0));
	assert_null(v8_function_get(&fx->functions, 0, 0, 0));
	assert_null(v8_function_get(&fx->functions, UINT64_MAX, 1, 1));
	assert_null(v8_function_get(&fx->functions, FAKE_BASE + FAKE_BYTES + 1, 1, 1));
	assert_int_equal(errno, EINVAL);
}

static void test_hostile_scope_info(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	static const int32_t locals[] = {-1, 74, 75, 99999, 100001, INT32_MAX, INT32_MIN};
	char name[32];
	int32_t position;

	for (size_t i = 0; i < sizeof(locals) / sizeof(locals[0]); i++) {
		uint64_t info = fake_scope_info(f, fake_string(f, "f"), 19);

		fake_set(f, info, 8 + 16, SMI(locals[i]));
		v8_scope_info_read(&fx->heap, info, name, sizeof(name), &position);
		assert_true(memchr(name, 0, sizeof(name)) != NULL);
	}
	assert_int_equal(v8_scope_info_read(&fx->heap, 1, name, sizeof(name), &position), -EFAULT);
	assert_string_equal(name, "");
	assert_int_equal(position, -1);
}

static void test_hostile_script(void **state)
{
	struct fixture *fx = *state;
	struct fake_heap *f = &fx->fake;
	struct v8_scripts *scripts = &fx->functions.scripts;
	uint64_t at = make_script(fx, 1, "/a.js"), cons = fake_made(f, T_CONS, 100, 0, 0);
	uint64_t huge = fake_array(f, NULL, 0);
	struct v8_script *script;

	fake_set(f, cons, 16, cons);
	fake_set(f, cons, 24, cons);
	fake_set(f, at, 8, cons);	      /* a source without an end */
	fake_set(f, huge, 8, SMI(INT32_MAX)); /* line ends without an end */
	fake_set(f, at, 56, huge);
	fake_set(f, at, 24, SMI(INT32_MIN));
	script = v8_script_get(scripts, at);
	assert_non_null(script);
	assert_int_equal(script->first_line, 0);
	assert_int_equal(v8_script_line(scripts, script, 5), 0);
	assert_null(v8_script_get(scripts, huge));
	assert_null(v8_script_get(scripts, 0x123));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		TEST(test_names),
		TEST(test_locals),
		TEST(test_lines),
		TEST(test_line_of_what_has_not_run),
		TEST(test_line_ends),
		TEST(test_wide_source),
		TEST(test_eval),
		TEST(test_debug_info),
		TEST(test_bytecode_lines),
		TEST(test_known_ids_need_no_read),
		TEST(test_stale),
		TEST(test_replaced),
		TEST(test_source_moves),
		TEST(test_script_replaced),
		TEST(test_bounded),
		TEST(test_no_function),
		TEST(test_hostile_scope_info),
		TEST(test_hostile_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
