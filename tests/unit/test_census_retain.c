/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "census/retain.h"
#include "heap_build.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define WORDS(...) ((const uint64_t[]){__VA_ARGS__})
#define JOBS	   100

struct fixture {
	struct heap_build b;
	struct heap h;
	struct retain *r;
	struct retainer found;
	struct strbuf text;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	hb_init(&f->b);
	strbuf_init(&f->text);
	f->h.shapes = true;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	retain_free(f->r);
	heap_release(&f->h);
	intern_free(f->h.names);
	strbuf_release(&f->text);
	hb_release(&f->b);
	free(f);
	return 0;
}

/* Marks what was built. */
static void look(struct fixture *f)
{
	f->h.layout = &f->b.layout;
	f->h.names = intern_new(1 << 20);
	assert_int_equal(heap_init(&f->h, hb_capture(&f->b)), 0);
	assert_int_equal(heap_mark(&f->h), 0);
	assert_int_equal(heap_tally(&f->h), 0);
	f->r = retain_new(&f->h);
	assert_non_null(f->r);
}

static uint32_t group_named(const struct fixture *f, const char *name)
{
	for (uint32_t i = 0; i < heap_group_count(&f->h); i++) {
		if (!strcmp(heap_group(&f->h, i)->name, name))
			return i;
	}
	fail_msg("no group %s", name);
	return HEAP_NO_GROUP;
}

static void put_step(struct strbuf *b, const struct retainer_step *s)
{
	strbuf_addf(b, "%s of %s", s->edge, s->node);
	if (s->file && s->line)
		strbuf_addf(b, " (%s:%u)", s->file, s->line);
	else if (s->file)
		strbuf_addf(b, " (%s)", s->file);
}

/* "Map <- variable `m` of Context <- ..." */
static const char *kept_in(struct fixture *f, const char *name, unsigned isolate)
{
	struct strbuf *b = &f->text;

	assert_int_equal(retain_find(f->r, group_named(f, name), isolate, &f->found), 0);
	strbuf_clear(b);
	strbuf_adds(b, f->found.container ? f->found.container : "-");
	for (unsigned i = 0; i < f->found.step_count; i++) {
		strbuf_adds(b, " <- ");
		put_step(b, &f->found.steps[i]);
	}
	return b->s;
}

static const char *owners(struct fixture *f)
{
	strbuf_clear(&f->text);
	for (unsigned i = 0; i < f->found.owner_count; i++) {
		strbuf_adds(&f->text, i ? "; " : "");
		put_step(&f->text, &f->found.owners[i]);
	}
	return f->text.s;
}

/* --- heaps --- */

/* A class and its instances, each with a property `id` and one `link`. */
static void jobs_init(struct fixture *f, uint64_t jobs[JOBS], uint64_t *class)
{
	uint64_t map;

	*class = hb_function(&f->b, "Job", 4, 0);
	map = hb_class(&f->b, *class, NAMES("id", "link"), 2);
	for (unsigned i = 0; i < JOBS; i++)
		jobs[i] = hb_new(&f->b, map, WORDS(HB_SMI(i), f->b.undefined));
}

/* A global variable `app`: a function whose scope has @value in a variable @name. */
static uint64_t in_closure(struct fixture *f, const char *name, uint64_t value)
{
	struct heap_build *b = &f->b;
	uint64_t scope = hb_scope_info(b, "", 4, NAMES("other", name));
	uint64_t context =
		hb_context(b, scope, b->of[b->isolate].native_context, WORDS(b->undefined, value));
	uint64_t app = hb_function(b, "handle", 8, context);

	hb_global(b, "app", app);
	return context;
}

static void test_a_map_in_a_variable(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class;

	jobs_init(f, jobs, &class);
	in_closure(f, "pending", hb_js_map(&f->b, jobs, JOBS));
	look(f);
	assert_string_equal(
		kept_in(f, "Job", 0),
		"Map <- variable `pending` of Context (/srv/app.js:2) <- scope of function handle "
		"(/srv/app.js:3) <- .app of globalThis");
	assert_int_equal(f->found.instances, JOBS);
	assert_true(f->found.share == 1);
	/* Map, table, Jobs, keys: that is all */
	assert_int_equal(f->found.count, 2 + 2 * JOBS);
	assert_int_equal(f->found.bytes, 32 + 16 + 8 * (4 + 3 * JOBS) + JOBS * (40 + 24));
	assert_string_equal(owners(f), "variable `pending` of Context (/srv/app.js:2)");
}

static void test_an_array_and_a_set(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class, plain, map;

	jobs_init(f, jobs, &class);
	map = hb_class(&f->b, 0, NAMES("list", "set"), 2);
	plain = hb_new(&f->b, map,
		       WORDS(hb_js_array(&f->b, jobs, 20), hb_js_set(&f->b, jobs + 20, 80)));
	hb_global(&f->b, "state", plain);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0),
			    "Set <- .set of {list, set} <- .state of globalThis");
	assert_true(f->found.share > 0.79 && f->found.share < 0.81);
}

/* None of three has half of them: what has the three is the container. */
static void test_a_third_is_no_container(void **state)
{
	struct fixture *f = *state;
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, map;

	jobs_init(f, jobs, &class);
	map = hb_class(b, 0, NAMES("a", "b", "c"), 3);
	hb_global(b, "state",
		  hb_new(b, map,
			 WORDS(hb_js_array(b, jobs, 36), hb_js_array(b, jobs + 36, 32),
			       hb_js_array(b, jobs + 68, 32))));
	look(f);
	assert_string_equal(kept_in(f, "Job", 0), "{a, b, c} <- .state of globalThis");
}

static void test_a_list(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class;

	jobs_init(f, jobs, &class);
	for (unsigned i = 0; i + 1 < JOBS; i++)
		hb_set(&f->b, jobs[i], 32, jobs[i + 1]);
	in_closure(f, "head", jobs[0]);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0), "list of Job <- variable `head` of Context "
						  "(/srv/app.js:2) <- scope of function handle "
						  "(/srv/app.js:3) <- .app of globalThis");
	assert_int_equal(f->found.count, JOBS);
}

/* What is held by the nodes of a list: the list's head is found, not its middle. */
static void test_held_by_nodes_of_a_list(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class, map, next = f->b.undefined;

	jobs_init(f, jobs, &class);
	map = hb_class(&f->b, hb_function(&f->b, "Node", 4, 0), NAMES("value", "next"), 2);
	for (unsigned i = JOBS; i-- > 0;)
		next = hb_new(&f->b, map, WORDS(jobs[i], next));
	in_closure(f, "first", next);
	look(f);
	assert_string_equal(
		kept_in(f, "Job", 0),
		"list of Node <- variable `first` of Context (/srv/app.js:2) <- scope of function "
		"handle (/srv/app.js:3) <- .app of globalThis");
	assert_true(f->found.share == 1);
}

/* Rows that repeat are one step. */
static void test_a_long_path_is_folded(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class, map, up;

	jobs_init(f, jobs, &class);
	map = hb_class(&f->b, hb_function(&f->b, "Scope", 4, 0), NAMES("jobs", "inner"), 2);
	up = hb_new(&f->b, map, WORDS(hb_js_array(&f->b, jobs, JOBS), f->b.undefined));
	for (unsigned i = 0; i < 5000; i++)
		up = hb_new(&f->b, map, WORDS(f->b.undefined, up));
	hb_global(&f->b, "outer", up);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0), "Array <- .jobs of Scope <- .inner × 5000 of "
						  "Scope <- .outer of globalThis");
	assert_int_equal(f->found.steps_left_out, 0);
}

static void test_a_path_without_a_pattern_is_cut(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class, up;

	jobs_init(f, jobs, &class);
	up = hb_js_array(&f->b, jobs, JOBS);
	for (unsigned i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "level%u", i);
		up = hb_new(&f->b, hb_class(&f->b, 0, NAMES(name), 1), &up);
	}
	hb_global(&f->b, "outer", up);
	look(f);
	kept_in(f, "Job", 0);
	assert_int_equal(f->found.step_count, CENSUS_STEPS_MAX);
	assert_int_equal(f->found.steps_left_out, 101 - CENSUS_STEPS_MAX);
	assert_string_equal(f->found.steps[0].edge, ".level0");
	assert_string_equal(f->found.steps[CENSUS_STEPS_MAX - 1].edge, ".outer");
}

/* A WeakMap does not keep its keys: who does is named. */
static void test_a_weak_map(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class, map, pairs[2 * JOBS], keys[JOBS], both;

	jobs_init(f, jobs, &class);
	map = hb_class(&f->b, 0, NAMES("k"), 1);
	for (unsigned i = 0; i < JOBS; i++) {
		keys[i] = pairs[2 * i] = hb_new(&f->b, map, WORDS(HB_SMI(i)));
		pairs[2 * i + 1] = jobs[i];
	}
	map = hb_class(&f->b, 0, NAMES("keys", "meta"), 2);
	both = hb_new(&f->b, map,
		      WORDS(hb_js_array(&f->b, keys, JOBS), hb_js_weak_map(&f->b, pairs, JOBS)));
	hb_global(&f->b, "state", both);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0),
			    "Array, of keys of a WeakMap (.meta of {keys, meta}) <- .keys of "
			    "{keys, meta} <- .state of globalThis");
}

/* A key that lives for ever, as a Symbol that V8 has: the WeakMap keeps its value. */
static void test_a_weak_map_of_a_constant(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class, pair[2];

	jobs_init(f, jobs, &class);
	pair[0] = f->b.undefined;
	pair[1] = hb_js_array(&f->b, jobs, JOBS);
	hb_global(&f->b, "meta", hb_js_weak_map(&f->b, pair, 1));
	look(f);
	assert_string_equal(kept_in(f, "Job", 0),
			    "Array <- an entry of WeakMap <- .meta of globalThis");
}

/* Arrays in an Array are no list. */
static void test_held_by_one_of_them(void **state)
{
	struct fixture *f = *state;
	uint64_t rows[JOBS];

	for (unsigned i = 0; i < JOBS; i++)
		rows[i] = hb_js_array(&f->b, NULL, 1);
	hb_global(&f->b, "rows", hb_js_array(&f->b, rows, JOBS));
	look(f);
	assert_string_equal(kept_in(f, "Array", 0), "Array <- .rows of globalThis");
	assert_int_equal(f->found.instances, JOBS + 1);
}

static void test_keys_of_dictionaries_are_private(void **state)
{
	struct fixture *f = *state;
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, map, object, words[2];

	jobs_init(f, jobs, &class);
	words[0] = hb_string(b, "secret");
	words[1] = hb_js_array(b, jobs, JOBS);
	map = hb_class(b, 0, (const char *const[]){NULL}, 0);
	hb_map_bits(b, map, 1, HB_DICTIONARY);
	object = hb_new(b, map, NULL);
	hb_set(b, object, 8, hb_dictionary(b, HB_NAME_DICTIONARY, words, 1));
	hb_global(b, "cache", object);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0),
			    "Array <- a property of Object <- .cache of globalThis");
	f->h.show_values = true;
	assert_string_equal(kept_in(f, "Job", 0),
			    "Array <- .secret of Object <- .cache of globalThis");
}

/* "key0" of a function that has @count keys. */
static const char *kept_by_static(struct fixture *f, unsigned count)
{
	struct heap_build *b = &f->b;
	uint64_t words[2 * 300], jobs[JOBS], class, map, function;
	char key[16];

	jobs_init(f, jobs, &class);
	for (unsigned k = 0; k < count; k++) {
		snprintf(key, sizeof(key), "key%u", k);
		words[2 * k] = hb_string(b, key);
		words[2 * k + 1] = k ? HB_SMI(k) : hb_js_array(b, jobs, JOBS);
	}
	function = hb_function(b, "cache", 4, 0);
	map = hb_map(b, HB_T_FUNCTION, 8, 0);
	hb_map_bits(b, map, 1, HB_DICTIONARY);
	hb_set(b, function, 0, map);
	hb_set(b, function, 8, hb_dictionary(b, HB_NAME_DICTIONARY, words, count));
	hb_global(b, "cache", function);
	look(f);
	return kept_in(f, "Job", 0);
}

static void test_statics_are_told(void **state)
{
	assert_string_equal(kept_by_static(*state, 2),
			    "Array <- .key0 of function cache (/srv/app.js:2) <- .cache of "
			    "globalThis");
}

/* Nobody writes so many. */
static void test_keys_of_a_function_are_private(void **state)
{
	assert_string_equal(kept_by_static(*state, 300),
			    "Array <- a property of function cache (/srv/app.js:2) <- .cache of "
			    "globalThis");
}

/* Who else refers to the container; what it holds itself does not count. */
static void test_other_owners(void **state)
{
	struct fixture *f = *state;
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, array, context, map;

	jobs_init(f, jobs, &class);
	array = hb_js_array(b, jobs, JOBS);
	for (unsigned i = 0; i < JOBS; i++)
		hb_set(b, jobs[i], 32, array);
	hb_global(b, "jobs", array);
	map = hb_class(b, hb_function(b, "Queue", 4, 0), NAMES("jobs"), 1);
	for (unsigned i = 0; i < 3; i++)
		hb_root(b, hb_new(b, map, &array));
	context = hb_context(b, hb_scope_info(b, "", 8, NAMES("all")), b->of[0].native_context,
			     &array);
	hb_root(b, context);
	hb_root(b, hb_function(b, "each", 14, context));
	look(f);
	assert_string_equal(kept_in(f, "Job", 0), "Array <- .jobs of globalThis");
	assert_string_equal(owners(f), ".jobs of globalThis; .jobs of Queue; variable `all` of "
				       "scope of function each (/srv/app.js:4)");
	assert_int_equal(f->found.owners_left_out, 0);
}

/* In a variable `all` of a scope: functions of it, of which the first @inserters push into it. */
static const char *told_by(struct fixture *f, unsigned inserters)
{
	static const char *const fns[] = {"first", "second", "third", "fourth"};
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, array, context, asks;

	jobs_init(f, jobs, &class);
	array = hb_js_array(b, jobs, JOBS);
	hb_global(b, "jobs", array);
	context = hb_context(b, hb_scope_info(b, "", 8, NAMES("all")), b->of[0].native_context,
			     &array);
	hb_root(b, context);
	asks = hb_function(b, "asks", 14, context);
	hb_bytecode(b, asks, NAMES("all", "length"));
	hb_root(b, asks);
	for (unsigned i = 0; i < inserters; i++) {
		uint64_t fn = hb_function(b, fns[i], 14, context), again;

		hb_root(b, fn);
		hb_bytecode(b, fn, NAMES("then", "push"));
		again = hb_new(b, b->of[0].function_map, NULL); /* another closure of it */
		hb_set(b, again, 24, hb_get(b, fn, 24));
		hb_set(b, again, 32, context);
		hb_root(b, again);
	}
	look(f);
	kept_in(f, "Job", 0);
	return owners(f);
}

static void test_who_inserts(void **state)
{
	assert_string_equal(told_by(*state, 1), "variable `all` of scope of function first "
						"(/srv/app.js:4); .jobs of globalThis");
}

/* Which of them filled it, nobody knows. */
static void test_several_that_insert(void **state)
{
	assert_string_equal(told_by(*state, 2),
			    "variable `all` of scope of function first, function second "
			    "(/srv/app.js:4); .jobs of globalThis");
}

static void test_many_that_insert(void **state)
{
	assert_string_equal(told_by(*state, 4),
			    "variable `all` of scope of function first, function second, function "
			    "third (/srv/app.js:4); .jobs of globalThis");
}

/* Also where the path to a root leads through that scope, by another function. */
static void test_who_inserts_in_the_path(void **state)
{
	struct fixture *f = *state;
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, context, add;

	jobs_init(f, jobs, &class);
	context = in_closure(f, "pending", hb_js_map(b, jobs, JOBS));
	add = hb_function(b, "add", 14, context);
	hb_bytecode(b, add, NAMES("set"));
	hb_root(b, hb_array(b, &add, 1));
	look(f);
	assert_string_equal(
		kept_in(f, "Job", 0),
		"Map <- variable `pending` of scope of function add (/srv/app.js:4) <- scope of "
		"function handle (/srv/app.js:3) <- .app of globalThis");
	assert_string_equal(owners(f),
			    "variable `pending` of scope of function add (/srv/app.js:4)");
}

/* Half of its nodes are nearer to the holder by each end. */
static void test_a_ring(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], nodes[JOBS], class, map, holder;

	jobs_init(f, jobs, &class);
	map = hb_class(&f->b, hb_function(&f->b, "Timer", 4, 0), NAMES("job", "prev", "next"), 3);
	for (unsigned i = 0; i < JOBS; i++)
		nodes[i] = hb_new(&f->b, map, WORDS(jobs[i], f->b.undefined, f->b.undefined));
	map = hb_class(&f->b, hb_function(&f->b, "Timers", 4, 0), NAMES("last", "first"), 2);
	holder = hb_new(&f->b, map, WORDS(nodes[JOBS - 1], nodes[0]));
	/* The first ones have nothing: the deepest with half of all is not next to the holder */
	hb_set(&f->b, nodes[0], 24, f->b.undefined);
	hb_set(&f->b, nodes[JOBS - 1], 24, f->b.undefined);
	for (unsigned i = 0; i < JOBS; i++) {
		hb_set(&f->b, nodes[i], 32, i ? nodes[i - 1] : holder);
		hb_set(&f->b, nodes[i], 40, i + 1 < JOBS ? nodes[i + 1] : holder);
	}
	hb_global(&f->b, "timers", holder);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0), "Timers <- .timers of globalThis");
	assert_true(f->found.share == 1);
}

/* That a Map is in a Map makes no list of them. */
static void test_a_map_in_a_map(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class, map, inner;

	jobs_init(f, jobs, &class);
	map = hb_class(&f->b, hb_function(&f->b, "Tenant", 4, 0), NAMES("jobs"), 1);
	inner = hb_new(&f->b, map, WORDS(hb_js_map(&f->b, jobs, JOBS)));
	hb_global(&f->b, "tenants", hb_js_map(&f->b, &inner, 1));
	look(f);
	assert_string_equal(kept_in(f, "Job", 0), "Map <- .jobs of Tenant <- value of an entry of "
						  "Map <- .tenants of globalThis");
	f->h.show_values = true;
	assert_string_equal(kept_in(f, "Job", 0), "Map <- .jobs of Tenant <- value of `key0` of "
						  "Map <- .tenants of globalThis");
}

/* It is walked once, not once for each sample. */
static void test_a_list_of_many(void **state)
{
	enum { MANY = 100000 };
	struct fixture *f = *state;
	uint64_t map, next = f->b.undefined;

	map = hb_class(&f->b, hb_function(&f->b, "Node", 4, 0), NAMES("next"), 1);
	for (unsigned i = 0; i < MANY; i++)
		next = hb_new(&f->b, map, &next);
	hb_global(&f->b, "list", next);
	look(f);
	assert_string_equal(kept_in(f, "Node", 0), "list of Node <- .list of globalThis");
	assert_int_equal(f->found.instances, MANY);
	assert_int_equal(f->found.count, MANY);
}

static void test_properties_beyond_the_object(void **state)
{
	struct fixture *f = *state;
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, map, object, array, words[2];

	jobs_init(f, jobs, &class);
	map = hb_class(b, hb_function(b, "Cache", 4, 0), NAMES("size", "#store", "odd name"), 1);
	object = hb_new(b, map, WORDS(HB_SMI(1)));
	array = hb_js_array(b, jobs, JOBS);
	words[0] = b->undefined;
	words[1] = array;
	hb_set(b, object, 8, hb_array_of(b, HB_PROPERTY_ARRAY, words, 2));
	hb_global(b, "cache", object);
	words[0] = hb_js_set(b, &array, 1);
	words[1] = b->undefined;
	hb_set(b, object, 8, hb_array_of(b, HB_PROPERTY_ARRAY, words, 2));
	hb_set(b, hb_get(b, object, 8), 24, array);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0),
			    "Array <- [\"odd name\"] of Cache <- .cache of globalThis");
	assert_string_equal(owners(f), "[\"odd name\"] of Cache; an entry of Set");
}

/* A function that waits keeps its variables: its scope's, and those in its registers. */
static void test_a_suspended_function(void **state)
{
	struct fixture *f = *state;
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, map, scope, context, generator;

	jobs_init(f, jobs, &class);
	scope = hb_scope_info(b, "poll", 4, NAMES("batch"));
	context = hb_context(b, scope, b->of[0].native_context, WORDS(hb_js_array(b, jobs, JOBS)));
	map = hb_map(b, HB_T_OBJECT, 8, 0);
	generator = hb_new(b, map, NULL);
	hb_set(b, generator, 24, hb_function(b, "poll", 4, context));
	hb_set(b, generator, 32, context);
	hb_root(b, generator);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0),
			    "Array <- variable `batch` of Context (/srv/app.js:2) <- scope of "
			    "suspended function poll (/srv/app.js:2) <- a handle of native code");
}

static void test_an_export(void **state)
{
	struct fixture *f = *state;
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, module, cell, words[5] = {0};

	jobs_init(f, jobs, &class);
	cell = hb_object(b, b->maps[HB_CELL], 2, hb_js_array(b, jobs, JOBS));
	words[3] = hb_string(b, "pending");
	words[4] = cell;
	module = hb_object(b, b->maps[HB_MODULE], 14, b->undefined);
	hb_set(b, module, 16, hb_array_of(b, HB_NUMBER_DICTIONARY, words, 5));
	hb_set(b, module, 24, hb_array(b, &cell, 1));
	hb_set(b, module, 64, hb_function(b, "", 0, 0));
	hb_root(b, module);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0), "Array <- export `pending` of module "
						  "(/srv/app.js) <- a handle of native code");
}

/* Scopes within scopes are one step. */
static void test_scopes_within_scopes(void **state)
{
	struct fixture *f = *state;
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, context;

	jobs_init(f, jobs, &class);
	context = hb_context(b, hb_scope_info(b, "", 8, NAMES("jobs")), b->of[0].native_context,
			     WORDS(hb_js_array(b, jobs, JOBS)));
	for (unsigned i = 0; i < 5; i++)
		context = hb_context(b, hb_scope_info(b, "", 14, NAMES("x")), context, NULL);
	hb_global(b, "app", hb_function(b, "inner", 14, context));
	look(f);
	assert_string_equal(kept_in(f, "Job", 0),
			    "Array <- variable `jobs` of Context (/srv/app.js:3) <- scope of "
			    "function inner (/srv/app.js:4) <- .app of globalThis");
}

/* What nothing but V8's bookkeeping leads to is found, too. */
static void test_held_by_a_prototype(void **state)
{
	struct fixture *f = *state;
	struct heap_build *b = &f->b;
	uint64_t jobs[JOBS], class, map, proto, array;

	jobs_init(f, jobs, &class);
	array = hb_js_array(b, jobs, JOBS);
	proto = hb_new(b, hb_class(b, 0, NAMES("jobs"), 1), &array);
	map = hb_class(b, hb_function(b, "Derived", 4, 0), NAMES("id"), 1);
	hb_set(b, map, 24, proto);
	hb_global(b, "d", hb_new(b, map, WORDS(HB_SMI(1))));
	look(f);
	assert_string_equal(kept_in(f, "Job", 0),
			    "Array <- .jobs of {jobs} <- prototype of Derived <- .d of globalThis");
}

static void test_isolates_are_apart(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], others[JOBS], class;

	jobs_init(f, jobs, &class);
	hb_global(&f->b, "here", hb_js_array(&f->b, jobs, 10));
	hb_isolate(&f->b, 1);
	jobs_init(f, others, &class);
	/* A stale word that looks like a reference into the other isolate does not keep anything */
	others[11] = jobs[11];
	hb_global(&f->b, "there", hb_js_array(&f->b, others, 12));
	look(f);
	assert_string_equal(kept_in(f, "Job", 0), "Array <- .here of globalThis");
	assert_int_equal(f->found.isolate, 0);
	assert_int_equal(f->found.instances, 11);
	assert_true(f->found.share == 1); /* of those that its own isolate keeps */
	assert_string_equal(kept_in(f, "Job", 1), "Array <- .there of globalThis");
	assert_int_equal(f->found.instances, 11);
}

static void test_many_holders_are_no_container(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class;

	jobs_init(f, jobs, &class);
	for (unsigned i = 0; i < JOBS; i++)
		hb_root(&f->b, hb_js_array(&f->b, &jobs[i], 1));
	look(f);
	/* How one of them is */
	assert_string_equal(kept_in(f, "Job", 0), "- <- [0] of Array <- a handle of native code");
	assert_true(f->found.share == 0);
}

static void test_one_is_told_by_itself(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class;

	jobs_init(f, jobs, &class);
	in_closure(f, "job", jobs[0]);
	look(f);
	assert_string_equal(kept_in(f, "Job", 0),
			    "- <- variable `job` of Context (/srv/app.js:2) <- scope of function "
			    "handle (/srv/app.js:3) <- .app of globalThis");
	assert_true(f->found.share == 0);
	assert_int_equal(f->found.instances, 1);
}

static void test_native_code_is_a_root(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class;

	jobs_init(f, jobs, &class);
	hb_root(&f->b, hb_js_array(&f->b, jobs, JOBS));
	look(f);
	assert_string_equal(kept_in(f, "Job", 0), "Array <- a handle of native code");
}

static void test_cycles_end(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class, array;

	jobs_init(f, jobs, &class);
	array = hb_js_array(&f->b, jobs, JOBS);
	for (unsigned i = 0; i < JOBS; i++) /* each refers back to what holds it */
		hb_set(&f->b, jobs[i], 32, array);
	hb_set(&f->b, array, 16, hb_get(&f->b, array, 16));
	in_closure(f, "all", array);
	look(f);
	assert_string_equal(
		kept_in(f, "Job", 0),
		"Array <- variable `all` of Context (/srv/app.js:2) <- scope of function handle "
		"(/srv/app.js:3) <- .app of globalThis");
	assert_string_equal(owners(f), "variable `all` of Context (/srv/app.js:2)");
}

static void test_of_none_there_is_an_error(void **state)
{
	struct fixture *f = *state;
	uint64_t jobs[JOBS], class;

	jobs_init(f, jobs, &class);
	hb_global(&f->b, "all", hb_js_array(&f->b, jobs, JOBS));
	look(f);
	assert_int_equal(retain_find(f->r, heap_group_count(&f->h), 0, &f->found), -ENOENT);
	assert_int_equal(retain_find(f->r, group_named(f, "Job"), 5, &f->found), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_a_map_in_a_variable),
		T(test_an_array_and_a_set),
		T(test_a_third_is_no_container),
		T(test_a_list),
		T(test_held_by_nodes_of_a_list),
		T(test_a_long_path_is_folded),
		T(test_a_path_without_a_pattern_is_cut),
		T(test_a_weak_map),
		T(test_a_weak_map_of_a_constant),
		T(test_held_by_one_of_them),
		T(test_keys_of_dictionaries_are_private),
		T(test_statics_are_told),
		T(test_keys_of_a_function_are_private),
		T(test_other_owners),
		T(test_who_inserts),
		T(test_several_that_insert),
		T(test_many_that_insert),
		T(test_who_inserts_in_the_path),
		T(test_a_ring),
		T(test_a_map_in_a_map),
		T(test_a_list_of_many),
		T(test_properties_beyond_the_object),
		T(test_a_suspended_function),
		T(test_an_export),
		T(test_scopes_within_scopes),
		T(test_held_by_a_prototype),
		T(test_isolates_are_apart),
		T(test_many_holders_are_no_container),
		T(test_one_is_told_by_itself),
		T(test_native_code_is_a_root),
		T(test_cycles_end),
		T(test_of_none_there_is_an_error),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
