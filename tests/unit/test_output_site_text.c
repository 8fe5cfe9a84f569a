/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Growth sites for people: frames, chains, lines; that they fit, and that nothing raw gets out. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/fields.h"
#include "output/site_text.h"
#include "sample.h"

#define MIB	    (1024ULL * 1024)
#define REPLACEMENT "\xEF\xBF\xBD"

static int setup(void **state)
{
	*state = site_table_new();
	return *state && setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static int teardown(void **state)
{
	site_table_free(*state);
	return setlocale(LC_CTYPE, "C") ? 0 : -1;
}

/* ---- a frame ---- */

static void check_frame(struct frame f, const char *expected)
{
	struct strbuf out;

	strbuf_init(&out);
	frame_text_add(&out, &f);
	assert_int_equal(out.err, 0);
	assert_string_equal(out.s, expected);
	strbuf_release(&out);
}

static void test_js(void **state)
{
	struct frame f = sample_js(FRAME_USER, "saveContext", "/srv/app/handles.js", 12);

	(void)state;
	check_frame(f, "saveContext handles.js:12");
	f.is_approximate = true;
	check_frame(f, "~saveContext handles.js:12");
	f.line = 0;
	f.is_approximate = false;
	check_frame(f, "saveContext handles.js");
	f.file = NULL;
	check_frame(f, "saveContext");
	check_frame(sample_js(FRAME_USER, "run", "file:///srv/app/main.mjs", 3), "run main.mjs:3");
	check_frame(sample_js(FRAME_USER, "(anonymous)", "evalmachine.<anonymous>", 1),
		    "(anonymous) evalmachine.<anonymous>:1");
	check_frame(sample_js(FRAME_USER, "f", "/odd/", 1), "f /odd/:1");
	check_frame(sample_js(FRAME_RUNTIME, "emit", "node:events", 5), "node: emit");
	check_frame((struct frame){.kind = FRAME_JS, .origin = FRAME_USER}, "?");
	check_frame((struct frame){.fn = "Map.prototype.set",
				   .kind = FRAME_BUILTIN,
				   .origin = FRAME_RUNTIME},
		    "Map.prototype.set (builtin)");
}

static void test_package(void **state)
{
	(void)state;
	check_frame(sample_js(FRAME_DEPENDENCY, "set", "/srv/node_modules/lru-cache/index.js", 88),
		    "[lru-cache] set index.js:88");
	check_frame(sample_js(FRAME_DEPENDENCY, "set",
			      "/srv/node_modules/.pnpm/a@1/node_modules/@scope/b/lib/i.js", 8),
		    "[@scope/b] set i.js:8");
	check_frame(sample_js(FRAME_DEPENDENCY, "set", "/node_modules/@scope", 8),
		    "[@scope] set @scope:8");
	check_frame(sample_js(FRAME_DEPENDENCY, "set", "/vendor/x.js", 8), "set x.js:8");
	check_frame(sample_js(FRAME_USER, "set", "/node_modules/x/x.js", 8), "set x.js:8");
	check_frame(
		sample_native(FRAME_DEPENDENCY, "render", "/node_modules/canvas/b/canvas.node", 1),
		"[canvas] render (canvas.node)");
	check_frame(sample_native(FRAME_DEPENDENCY, "dot",
				  "/usr/lib/python3/dist-packages/numpy/core/m.so", 1),
		    "[numpy] dot (m.so)");
}

static void test_native(void **state)
{
	struct frame f = sample_native(FRAME_USER, "store_put", "/usr/bin/server", 1);

	(void)state;
	check_frame(f, "store_put (server)");
	f.file = "/src/store.c";
	check_frame(f, "store_put store.c");
	f.line = 40;
	check_frame(f, "store_put store.c:40");
	check_frame(sample_native(FRAME_USER, NULL, "/usr/bin/server", 0xabc), "0xabc (server)");
	check_frame(sample_native(FRAME_USER, NULL, NULL, 0), "?");
	check_frame(sample_native(FRAME_DEPENDENCY, "png_read", "/opt/libpng16.so.16", 1),
		    "png_read (libpng16.so.16)");
}

/* Parameters are left out, and arguments of templates where a name is long. */
static void test_cxx(void **state)
{
	static const struct {
		const char *fn, *shown;
	} cases[] = {
		{"f(int, char**)", "f"},
		{"ns::C::get(int) const", "ns::C::get"},
		{"(anonymous namespace)::run(std::function<void (int)>)",
		 "(anonymous namespace)::run"},
		{"C::operator()(int)", "C::operator()"},
		{"C::operator()", "C::operator()"},
		{"main::{lambda(int)#1}::operator()(int) const",
		 "main::{lambda(int)#1}::operator()"},
		{"f", "f"},
		{"f)", "f)"},
		{"(f)", "(f)"},
		{"", ""},
		{"std::vector<int>::push_back(int const&)", "std::vector<int>::push_back"},
		{"std::map<std::string, std::vector<unsigned long>>::emplace_hint(int)",
		 "std::map<>::emplace_hint"},
		{"std::ostream& operator<< <std::char_traits<char> >(std::ostream&, char const*)",
		 "std::ostream& operator<< <std::char_traits<> >"},
		{"<alloc::vec::Vec<store::Session> as core::ops::Drop<store::Session>>::drop",
		 "<alloc::vec::Vec<> as core::ops::Drop<>>::drop"},
		{"store::Registry::insert", "store::Registry::insert"},
		{"main.(*Registry).Insert", "main.(*Registry).Insert"},
		{"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg",
		 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffff.."},
		{"unbalanced<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<", "unbalanced<"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_frame((struct frame){.fn = cases[i].fn, .kind = FRAME_NATIVE},
			    cases[i].shown);
}

static void check_long(struct frame f, const char *expected)
{
	struct strbuf out;

	strbuf_init(&out);
	frame_text_add_long(&out, &f, "  ");
	assert_string_equal(out.s, expected);
	strbuf_release(&out);
}

static void test_long(void **state)
{
	struct frame f = sample_js(FRAME_USER, "save", "/srv/a.js", 12);

	(void)state;
	check_long(f, "save  /srv/a.js:12 (function at line 11, interpreted)");
	f.fn_line = 12;
	f.tier = TIER_NONE;
	check_long(f, "save  /srv/a.js:12");
	f.is_inlined = true;
	f.tier = TIER_TURBOFAN;
	check_long(f, "save  /srv/a.js:12 (turbofan, inlined)");
	f.is_inlined = false;
	f.is_approximate = true;
	f.origin = FRAME_DEPENDENCY;
	check_long(f, "~save  /srv/a.js:12 (dependency, turbofan, or one that is inlined into it)");
	check_long(sample_native(FRAME_RUNTIME, "f(int)", "/lib/libc.so.6", 1),
		   "f  libc.so.6 (runtime)");
	check_long(sample_native(FRAME_USER, NULL, "/srv/a", 255), "0xff  a");
	check_long((struct frame){.fn = "x", .kind = 99, .origin = 99, .tier = 99}, "x  ");
}

static void test_hostile(void **state)
{
	struct frame f = sample_js(FRAME_USER, "\033[2J\n# end", "/x/\r\xff.js", 1);

	(void)state;
	check_frame(f, REPLACEMENT "[2J" REPLACEMENT "# end " REPLACEMENT REPLACEMENT ".js:1");
	check_long(f, REPLACEMENT "[2J" REPLACEMENT "# end  /x/" REPLACEMENT REPLACEMENT
				  ".js:1 (interpreted)");
	check_frame(sample_js(FRAME_DEPENDENCY, "f", "/node_modules/\n/x.js", 1),
		    "[" REPLACEMENT "] f x.js:1");
	check_frame(sample_native(FRAME_USER, "f\033(\xff", "/\n", 1),
		    "f" REPLACEMENT "(" REPLACEMENT " (" REPLACEMENT ")");
}

/* ---- a site ---- */

static const struct site *a_site(struct site_table *t)
{
	const struct frame frames[] = {
		sample_native(FRAME_RUNTIME, "malloc", "/lib/libc.so.6", 1),
		sample_js(FRAME_USER, "saveContext", "/srv/handles.js", 12),
		sample_js(FRAME_RUNTIME, "emit", "node:events", 5),
		sample_js(FRAME_USER, "handleStatus", "/srv/status.js", 30),
		sample_js(FRAME_DEPENDENCY, "next", "/srv/node_modules/express/r.js", 7),
		sample_js(FRAME_USER, "main", "/srv/main.js", 1),
	};

	return sample_site(t, MW_SITE_V8_SURVIVED, frames, 6, 3 * MIB);
}

static void check_site(const struct site *s, int width, bool utf8, const char *expected)
{
	struct strbuf out;

	strbuf_init(&out);
	site_text_add(&out, s, width, utf8);
	assert_string_equal(out.s, expected);
	assert_true(!width || text_columns(out.s) <= width);
	strbuf_release(&out);
}

static void test_chain(void **state)
{
	const struct site *s = a_site(*state);

	check_site(s, 0, true,
		   "saveContext handles.js:12 ← handleStatus status.js:30 ← [express] next r.js:7");
	check_site(
		s, 0, false,
		"saveContext handles.js:12 <- handleStatus status.js:30 <- [express] next r.js:7");
	/* What does not fit is left out, whole. */
	check_site(s, 77, true,
		   "saveContext handles.js:12 ← handleStatus status.js:30 ← [express] next r.js:7");
	check_site(s, 76, true, "saveContext handles.js:12 ← handleStatus status.js:30");
	check_site(s, 52, true, "saveContext handles.js:12");
	check_site(s, 25, true, "saveContext handles.js:12");
	check_site(s, 24, true, "saveContext handles.js..");
}

static void test_special(void **state)
{
	struct frame gc = sample_native(FRAME_RUNTIME, "v8::internal::Sweeper::Sweep()", "/n", 2);

	check_site(sample_site(*state, MW_SITE_FAULT, &gc, 1, 1), 0, true, "GC worker");
	check_site(sample_site(*state, MW_SITE_FAULT, NULL, 0, 1), 0, true,
		   "(a stack that could not be read)");
}

static void test_line(void **state)
{
	struct site_table *t = *state;
	struct site_group g;
	struct strbuf out;

	strbuf_init(&out);
	a_site(t);
	t->begin_ns = SAMPLE_SECOND;
	site_table_finish_tick(t);
	assert_int_equal(site_groups(t, MW_SITE_V8_SURVIVED, SITE_BY_CHAIN, &g, 1), 1);
	site_line_add(&out, &g, 4 * SAMPLE_SECOND, 0, true);
	assert_string_equal(out.s,
			    "   3.0M   +1.0M/s  100% v8-survived  saveContext handles.js:12 ← "
			    "handleStatus status.js:30 ← [express] next r.js:7");
	g.chains = 3;
	strbuf_clear(&out);
	site_line_add(&out, &g, 4 * SAMPLE_SECOND, 70, true);
	assert_string_equal(out.s, "   3.0M   +1.0M/s  100% v8-survived  saveContext handles.js:12 "
				   "(+2)");
	for (int width = 57; width < 130; width++) {
		strbuf_clear(&out);
		site_line_add(&out, &g, 4 * SAMPLE_SECOND, width, true);
		assert_true(text_columns(out.s) <= width);
	}
	strbuf_clear(&out); /* titles stand above what they name */
	site_titles_add(&out);
	assert_string_equal(out.s, "  BYTES      RATE SHARE KIND         SITE");
	strbuf_release(&out);
}

/* Names as long as they may be, in any characters: a line is never wider than it may be. */
static void test_never_too_wide(void **state)
{
	static const char *const parts[] = {"日本", "a", "e\u0301", "\xff", "\033", "<", "(", ")"};
	struct strbuf out;

	strbuf_init(&out);
	srandom(1);
	for (int round = 0; round < 300; round++) {
		char fn[256] = "", file[256] = "/";
		struct frame frames[3];
		const struct site *s;

		for (int i = random() % 60; i > 0; i--)
			strcat(fn, parts[random() % 8]);
		for (int i = random() % 60; i > 0; i--)
			strcat(file, parts[random() % 8]);
		frames[0] = sample_js(FRAME_USER, fn, file, (uint32_t)random());
		frames[1] = sample_native(FRAME_USER, fn, file, 1);
		frames[2] = sample_js(FRAME_DEPENDENCY, fn, file, 2);
		s = sample_site(*state, MW_SITE_FAULT, frames, 3, 1);
		for (int width = 20; width < 120; width += 7) {
			strbuf_clear(&out);
			site_text_add(&out, s, width, round % 2);
			if (text_columns(out.s) > width)
				fail_msg("%d columns of %d: %s", text_columns(out.s), width, out.s);
			assert_null(strpbrk(out.s, "\n\033\xff"));
		}
	}
	strbuf_release(&out);
}

/* ---- what is not known ---- */

static void check_state(const struct site_table *t, const char *expected)
{
	struct strbuf out;

	strbuf_init(&out);
	assert_int_equal(site_state_add(&out, t), *expected != '\0');
	assert_string_equal(out.s, expected);
	strbuf_release(&out);
}

static void test_state(void **state)
{
	struct site_table *t = *state;

	check_state(NULL, "no stacks are taken of this process");
	site_table_finish_tick(t);
	check_state(t, "no growth was sampled yet");
	t->quality.level = "fault";
	t->quality.why = "this V8 has no symbols\n";
	check_state(t, "no growth was sampled yet; JavaScript by page faults: this V8 has no "
		       "symbols" REPLACEMENT);
	a_site(t);
	site_table_finish_tick(t);
	check_state(t, "JavaScript by page faults: this V8 has no symbols" REPLACEMENT);
	t->quality.why = NULL;
	check_state(t, "");
}

static void test_quality(void **state)
{
	struct site_table *t = *state;
	struct strbuf out;

	strbuf_init(&out);
	site_quality_add(&out, t);
	assert_string_equal(out.s, "0 stacks");
	strbuf_clear(&out);
	t->quality = (struct site_quality){NULL, NULL, 512, 3, 2, 1, 9000, 90};
	t->unnamed_bytes = 2 * MIB;
	t->dropped_bytes = MIB;
	site_quality_add(&out, t);
	assert_string_equal(out.s,
			    "512 stacks, 3 cut, 2 unreadable at the end, 1 from code without "
			    "frame pointers; 1.0 % of frames without a name; 2.0M could "
			    "not be named in time; 1.0M of sites past the limit");
	strbuf_release(&out);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TABLE(test_js),	 WITH_TABLE(test_package),
		WITH_TABLE(test_native), WITH_TABLE(test_cxx),
		WITH_TABLE(test_long),	 WITH_TABLE(test_hostile),
		WITH_TABLE(test_chain),	 WITH_TABLE(test_special),
		WITH_TABLE(test_line),	 WITH_TABLE(test_never_too_wide),
		WITH_TABLE(test_state),	 WITH_TABLE(test_quality),
	};

	return cmocka_run_group_tests_name("output/site_text", tests, NULL, NULL);
}
