/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * v8_builtins and v8_origin: what builtins and scripts are called, and whose they are; builtins by
 * address in this machine's Node.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "v8/v8_builtins.h"
#include "v8/v8_layout.h"
#include "v8/v8_origin.h"

static void test_names(void **state)
{
	static const char *const wanted[][2] = {
		{"MapPrototypeSet", "Map.prototype.set"},
		{"ArrayPrototypePush", "Array.prototype.push"},
		{"ArrayMap", "Array.prototype.map"},
		{"ArrayMapLoopContinuation", "Array.prototype.map"},
		{"ArrayReduceRightPreLoopEagerDeoptContinuation", "Array.prototype.reduceRight"},
		{"ArrayFindLoopAfterCallbackLazyDeoptContinuation", "Array.prototype.find"},
		{"ArrayIsArray", "Array.isArray"},
		{"ArrayTimSort", "Array.prototype.sort"},
		{"StringPrototypeToLowerCaseIntl", "String.prototype.toLowerCase"},
		{"RegExpPrototypeExecSlow", "RegExp.prototype.exec"},
		{"TypedArrayPrototypeSlice", "TypedArray.prototype.slice"},
		{"DatePrototypeToJSON", "Date.prototype.toJSON"},
		{"ObjectAssign", "Object.assign"},
		{"ObjectGetPrototypeOf", "Object.getPrototypeOf"},
		{"PromiseResolveTrampoline", "Promise.resolve"},
		{"PromiseConstructor", "Promise"},
		{"MathMax", "Math.max"},
		{"JsonParse", "JSON.parse"},
		{"ReflectOwnKeys", "Reflect.ownKeys"},
	};
	static const char *const none[] = {
		"RecordWriteSaveFP",
		"CEntry_Return1_ArgvOnStack_NoBuiltinExit",
		"InterpreterEntryTrampoline",
		"LdaNamedPropertyHandler",
		"StringAdd_CheckNone",
		"ObjectSetPrototype",
		"ReflectGetPrototypeOfX_",
		"Prototype",
		"MapPrototype",
		"ArrayConstructorImpl",
		"Array",
		"",
		"Math",
		"MapIteratorToList",
		"FastFunctionPrototypeBind",
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (!v8_builtin_name(wanted[i][0], name, sizeof(name)))
			fail_msg("%s has no name", wanted[i][0]);
		assert_string_equal(name, wanted[i][1]);
		assert_false(v8_builtin_is_interpreter(wanted[i][0]));
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		if (v8_builtin_name(none[i], name, sizeof(name)) &&
		    strcmp(none[i], "ReflectGetPrototypeOfX_") != 0)
			fail_msg("%s is called %s", none[i], name);
	}
	assert_false(v8_builtin_name("MapPrototypeSet", name, 10)); /* does not fit */
}

static void test_interpreter(void **state)
{
	(void)state;
	assert_true(v8_builtin_is_interpreter("LdaNamedPropertyHandler"));
	assert_true(v8_builtin_is_interpreter("CallUndefinedReceiver1WideHandler"));
	assert_true(v8_builtin_is_interpreter("InterpreterEntryTrampoline"));
	assert_true(v8_builtin_is_interpreter("InterpreterEnterAtBytecode"));
	assert_false(v8_builtin_is_interpreter("Handler"));
	assert_false(v8_builtin_is_interpreter("JSEntryTrampoline"));
	assert_false(v8_builtin_is_interpreter(""));
}

/* Every address in the builtins of this machine's Node has one, and they are in order. */
static void test_by_address(void **state)
{
	const char *why, *last = NULL;
	struct v8_layout l;
	struct v8_builtins *b;
	struct elf_file *f;
	char path[4096];
	unsigned distinct = 0, named = 0;
	FILE *which = popen("readlink -f \"$(command -v node)\"", "r");

	(void)state;
	assert_non_null(which);
	if (!fgets(path, sizeof(path), which))
		*path = '\0';
	pclose(which);
	path[strcspn(path, "\n")] = '\0';
	f = elf_file_open(path);
	if (!f || v8_layout_read(f, &l, &why) || !l.frames.builtins[0].start) {
		elf_file_free(f);
		print_message("SKIP: no node here with symbols for its builtins\n");
		skip();
	}
	b = v8_builtins_read(f);
	assert_non_null(b);
	elf_file_free(f);
	for (uint64_t at = l.frames.builtins[0].start; at < l.frames.builtins[0].end; at += 4) {
		const char *name = v8_builtins_find(b, at);
		char js[128];

		assert_non_null(name);
		if (name == last)
			continue;
		last = name;
		distinct++;
		named += v8_builtin_name(name, js, sizeof(js));
	}
	assert_in_range(distinct, 1000, 5000);
	assert_in_range(named, 300, 1500);
	assert_null(v8_builtins_find(b, l.frames.builtins[0].start - 1));
	assert_null(v8_builtins_find(b, l.frames.builtins[0].end + (1 << 20)));
	v8_builtins_free(b);
	v8_builtins_free(NULL);
}

static void test_origins(void **state)
{
	static const struct {
		const char *file;
		enum frame_origin origin, old;
	} wanted[] = {
		{"node:internal/timers", FRAME_RUNTIME, FRAME_RUNTIME},
		{"node:fs", FRAME_RUNTIME, FRAME_RUNTIME},
		{"internal/timers.js", FRAME_USER, FRAME_RUNTIME},
		{"events.js", FRAME_USER, FRAME_RUNTIME},
		{"_http_server.js", FRAME_USER, FRAME_RUNTIME},
		{"/srv/events.js", FRAME_USER, FRAME_USER},
		{"[eval]", FRAME_USER, FRAME_USER},
		{"[stdin]", FRAME_USER, FRAME_USER},
		{"evalmachine.<anonymous>", FRAME_USER, FRAME_USER},
		{"/srv/node_modules/express/index.js", FRAME_DEPENDENCY, FRAME_DEPENDENCY},
		{"/usr/share/nodejs/undici/index.js", FRAME_DEPENDENCY, FRAME_DEPENDENCY},
		{"/srv/my_node_modules/x.js", FRAME_USER, FRAME_USER},
		{"", FRAME_USER, FRAME_USER},
		{".js", FRAME_USER, FRAME_USER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_int_equal(v8_origin(wanted[i].file, false), wanted[i].origin);
		assert_int_equal(v8_origin(wanted[i].file, true), wanted[i].old);
	}
}

static void test_urls(void **state)
{
	static const char *const wanted[][2] = {
		{"file:///srv/app.mjs", "/srv/app.mjs"},
		{"file:///srv/a%20b%C3%A9.mjs", "/srv/a b\xc3\xa9.mjs"},
		{"file:///a%00b", "/a%00b"},
		{"file:///a%2", "/a%2"},
		{"file:///a%zz", "/a%zz"},
		{"file:///%", "/%"},
		{"file://host/a", "file://host/a"},
		{"node:fs", "node:fs"},
		{"/srv/a%20b", "/srv/a%20b"},
		{"file:///", "/"},
		{"", ""},
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		snprintf(name, sizeof(name), "%s", wanted[i][0]);
		v8_path_of_url(name);
		assert_string_equal(name, wanted[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	   cmocka_unit_test(test_interpreter),
		cmocka_unit_test(test_by_address), cmocka_unit_test(test_origins),
		cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
