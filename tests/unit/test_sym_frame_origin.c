/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose code: paths of modules, names of functions, files of sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sym/frame_origin.h"

static void test_modules(void **state)
{
	static const struct {
		const char *path;
		bool is_exe;
		enum frame_origin want;
	} cases[] = {
		{"/srv/app/server", true, FRAME_USER},
		{"/usr/bin/nginx", true, FRAME_USER},
		{"/usr/lib/postgresql/15/bin/postgres", true, FRAME_USER},
		{"/usr/bin/node", true, FRAME_RUNTIME},
		{"/opt/node-v22/bin/node (deleted)", true, FRAME_RUNTIME},
		{"/usr/bin/python3.11", true, FRAME_RUNTIME},
		{"/usr/bin/nodejs", true, FRAME_RUNTIME},
		{"/usr/bin/node_exporter", true, FRAME_USER},
		{"/usr/bin/perlbal", true, FRAME_USER},
		{"/usr/lib/x86_64-linux-gnu/libc.so.6", false, FRAME_RUNTIME},
		{"/lib64/ld-linux-x86-64.so.2", false, FRAME_RUNTIME},
		{"/srv/app/lib/libstore.so", false, FRAME_DEPENDENCY},
		{"/usr/local/lib/libstore.so", false, FRAME_DEPENDENCY},
		{"/usr/lib/node_modules/x/build/Release/x.node", false, FRAME_DEPENDENCY},
		{"/usr/lib/python3/dist-packages/numpy/core/a.so", false, FRAME_DEPENDENCY},
		{"[vdso]", false, FRAME_RUNTIME},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum frame_origin got = frame_origin_of_module(cases[i].path, cases[i].is_exe);

		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].path, got);
	}
}

static void test_functions(void **state)
{
	static const struct {
		const char *fn, *file;
		enum frame_origin want;
	} cases[] = {
		{"grow_malloc", NULL, FRAME_USER},
		{NULL, NULL, FRAME_USER},
		{"malloc", NULL, FRAME_RUNTIME}, /* linked statically */
		{"malloc_requests", NULL, FRAME_USER},
		{"operator new(unsigned long)", NULL, FRAME_RUNTIME},
		{"std::vector<int>::_M_realloc_insert(int)", NULL, FRAME_RUNTIME},
		{"app::std::f()", NULL, FRAME_USER},
		{"app::Store::keep(int)", "/usr/include/c++/12/bits/stl_vector.h", FRAME_RUNTIME},
		{"alloc::raw_vec::finish_grow", NULL, FRAME_RUNTIME},
		{"<alloc::vec::Vec<T> as core::clone::Clone>::clone", NULL, FRAME_RUNTIME},
		{"<app::store::Store as app::store::Grow>::grow", "/src/app/main.rs", FRAME_USER},
		{"serde_json::from_str", "/root/.cargo/registry/src/index/serde_json-1/a.rs",
		 FRAME_DEPENDENCY},
		{"app::main", "/rustc/1234/library/std/src/rt.rs", FRAME_RUNTIME},
		{"main.(*Store).Keep", "/src/app/main.go", FRAME_USER},
		{"runtime.mallocgc", NULL, FRAME_RUNTIME},
		{"net/http.(*conn).serve", NULL, FRAME_RUNTIME},
		{"network.Dial", NULL, FRAME_USER},
		{"github.com/acme/app/store.Keep", "github.com/acme/app/store/keep.go", FRAME_USER},
		{"github.com/lib/pq.parse", "/go/pkg/mod/github.com/lib/pq@v1.10.9/parse.go",
		 FRAME_DEPENDENCY},
		{"github.com/lib/pq.parse", "github.com/lib/pq@v1.10.9/parse.go", FRAME_DEPENDENCY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum frame_origin got =
			frame_origin_of_native(FRAME_USER, cases[i].fn, cases[i].file);

		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].fn, got);
	}
	/* a module of the system's stays that */
	assert_int_equal(frame_origin_of_native(FRAME_RUNTIME, "grow", "/src/app/main.c"),
			 FRAME_RUNTIME);
	assert_int_equal(frame_origin_of_native(FRAME_DEPENDENCY, "grow", NULL), FRAME_DEPENDENCY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_functions),
	};

	return cmocka_run_group_tests_name("sym/frame_origin", tests, NULL, NULL);
}
