/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which runtime's USDT probes a file has, and what the kernel side is told of their arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/gc_usdt.h"
#include "unit/elf_build.h"
#include "v8/v8_layout.h"

/* The provider of what is found in a file with these probes; NULL: nothing is. */
static const char *found(const struct elf_build_usdt *probes)
{
	struct elf_build_spec spec = {.probes = probes};
	const struct gc_usdt_row *row;
	unsigned char *bytes;
	struct elf_file *f;
	char path[32];
	size_t len;
	int fd;

	bytes = elf_build(&spec, &len);
	fd = elf_build_memfd(bytes, len, path);
	f = elf_file_open(path);
	assert_non_null(f);
	row = gc_usdt_find(f);
	elf_file_free(f);
	close(fd);
	free(bytes);
	return row ? row->provider : NULL;
}

static const struct gc_usdt_row *row_of(const char *provider)
{
	for (unsigned i = 0; i < gc_usdt_count; i++) {
		if (!strcmp(gc_usdt_table[i].provider, provider))
			return &gc_usdt_table[i];
	}
	fail_msg("no row of %s", provider);
	return NULL;
}

static void test_each_runtime(void **state)
{
	(void)state;
	for (unsigned i = 0; i < gc_usdt_count; i++) {
		const struct gc_usdt_row *row = &gc_usdt_table[i];
		const struct elf_build_usdt probes[] = {
			{row->provider, "method__entry", 0x10000, ELF_BUILD_BASE, 0},
			{row->provider, row->begin, 0x10010, ELF_BUILD_BASE, 0},
			{row->provider, row->end, 0x10020, ELF_BUILD_BASE, 0},
			{NULL, NULL, 0, 0, 0},
		};

		assert_non_null(found(probes));
		assert_string_equal(found(probes), row->provider);
	}
}

static void test_half_of_them(void **state)
{
	(void)state;
	for (unsigned i = 0; i < gc_usdt_count; i++) {
		const struct gc_usdt_row *row = &gc_usdt_table[i];
		const struct elf_build_usdt begins[] = {
			{row->provider, row->begin, 0x10010, ELF_BUILD_BASE, 0},
			{row->provider, "thread__start", 0x10020, ELF_BUILD_BASE, 0},
			{NULL, NULL, 0, 0, 0},
		};
		const struct elf_build_usdt ends[] = {
			{row->provider, row->end, 0x10010, ELF_BUILD_BASE, 0},
			{"other", row->begin, 0x10020, ELF_BUILD_BASE, 0},
			{NULL, NULL, 0, 0, 0},
		};

		assert_null(found(begins));
		assert_null(found(ends));
	}
}

/* A begin of one and the end of another are no pair. */
static void test_of_two_providers(void **state)
{
	static const struct elf_build_usdt mixed[] = {
		{"node", "gc__start", 0x10010, ELF_BUILD_BASE, 0},
		{"python", "gc__done", 0x10020, ELF_BUILD_BASE, 0},
		{NULL, NULL, 0, 0, 0},
	};
	static const struct elf_build_usdt both[] = {
		{"python", "gc__start", 0x10010, ELF_BUILD_BASE, 0},
		{"python", "gc__done", 0x10020, ELF_BUILD_BASE, 0},
		{"node", "gc__done", 0x10030, ELF_BUILD_BASE, 0},
		{"node", "gc__start", 0x10040, ELF_BUILD_BASE, 0},
		{NULL, NULL, 0, 0, 0},
	};

	(void)state;
	assert_null(found(mixed));
	assert_string_equal(found(both), "node"); /* whose heap is the program's */
}

static void test_no_probes(void **state)
{
	static const struct elf_build_usdt others[] = {
		{"libc", "memory_heap_new", 0x10010, ELF_BUILD_BASE, 0},
		{NULL, NULL, 0, 0, 0},
	};

	(void)state;
	assert_null(found(NULL));
	assert_null(found(others));
}

static enum mw_gc_rule rule_of(uint64_t cookie)
{
	return cookie & MW_GC_COOKIE_RULE;
}

/* v8::GCType has other values since V8 10. */
static void test_cookies_of_node(void **state)
{
	const struct gc_usdt_row *node = row_of("node");

	(void)state;
	assert_int_equal(rule_of(gc_usdt_cookie(node, V8_VERSION(6, 8, 275), true)),
			 MW_GC_RULE_V8_OLD);
	assert_int_equal(rule_of(gc_usdt_cookie(node, V8_VERSION(9, 4, 146), true)),
			 MW_GC_RULE_V8_OLD);
	assert_int_equal(rule_of(gc_usdt_cookie(node, V8_VERSION(9, 999, 9999), true)),
			 MW_GC_RULE_V8_OLD);
	assert_int_equal(rule_of(gc_usdt_cookie(node, V8_VERSION(10, 0, 0), true)), MW_GC_RULE_V8);
	assert_int_equal(rule_of(gc_usdt_cookie(node, V8_VERSION(10, 2, 154), true)),
			 MW_GC_RULE_V8);
	assert_int_equal(rule_of(gc_usdt_cookie(node, 0, true)), MW_GC_RULE_V8);
	assert_true(gc_usdt_cookie(node, 0, true) & MW_GC_COOKIE_LIVE);
	assert_false(gc_usdt_cookie(node, 0, false) & MW_GC_COOKIE_LIVE);
	assert_true(gc_usdt_cookie(node, 0, false) & MW_GC_COOKIE_ISOLATE);
}

static void test_cookies_of_others(void **state)
{
	static const struct {
		const char *provider;
		enum mw_gc_rule rule;
		bool owns_heap;
	} others[] = {
		{"hotspot", MW_GC_RULE_FULL_IF, true},
		{"python", MW_GC_RULE_OLDEST_2, false},
		{"ruby", MW_GC_RULE_FULL, true},
		{"mono", MW_GC_RULE_FULL_IF, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct gc_usdt_row *row = row_of(others[i].provider);

		/* The rule and nothing else: a V8 version or heap address means nothing here. */
		assert_int_equal(gc_usdt_cookie(row, 0, false), others[i].rule);
		assert_int_equal(gc_usdt_cookie(row, V8_VERSION(9, 4, 146), false), others[i].rule);
		assert_int_equal(row->owns_heap, others[i].owns_heap);
	}
	assert_non_null(row_of("hotspot")->pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_runtime),	 cmocka_unit_test(test_half_of_them),
		cmocka_unit_test(test_of_two_providers), cmocka_unit_test(test_no_probes),
		cmocka_unit_test(test_cookies_of_node),	 cmocka_unit_test(test_cookies_of_others),
	};

	return cmocka_run_group_tests_name("collect/gc_usdt", tests, NULL, NULL);
}
