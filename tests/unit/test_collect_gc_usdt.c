/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which runtime's USDT probes a file has, and what the kernel side is told of their arguments. */
#include <errno.h>
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
			{row->provider, "method__entry", 0x10000, ELF_BUILD_BASE, 0, NULL},
			{row->provider, row->begin, 0x10010, ELF_BUILD_BASE, 0, NULL},
			{row->provider, row->end, 0x10020, ELF_BUILD_BASE, 0, NULL},
			{NULL, NULL, 0, 0, 0, NULL},
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
			{row->provider, row->begin, 0x10010, ELF_BUILD_BASE, 0, NULL},
			{row->provider, "thread__start", 0x10020, ELF_BUILD_BASE, 0, NULL},
			{NULL, NULL, 0, 0, 0, NULL},
		};
		const struct elf_build_usdt ends[] = {
			{row->provider, row->end, 0x10010, ELF_BUILD_BASE, 0, NULL},
			{"other", row->begin, 0x10020, ELF_BUILD_BASE, 0, NULL},
			{NULL, NULL, 0, 0, 0, NULL},
		};

		assert_null(found(begins));
		assert_null(found(ends));
	}
}

/* A begin of one and the end of another are no pair. */
static void test_of_two_providers(void **state)
{
	static const struct elf_build_usdt mixed[] = {
		{"node", "gc__start", 0x10010, ELF_BUILD_BASE, 0, NULL},
		{"python", "gc__done", 0x10020, ELF_BUILD_BASE, 0, NULL},
		{NULL, NULL, 0, 0, 0, NULL},
	};
	static const struct elf_build_usdt both[] = {
		{"python", "gc__start", 0x10010, ELF_BUILD_BASE, 0, NULL},
		{"python", "gc__done", 0x10020, ELF_BUILD_BASE, 0, NULL},
		{"node", "gc__done", 0x10030, ELF_BUILD_BASE, 0, NULL},
		{"node", "gc__start", 0x10040, ELF_BUILD_BASE, 0, NULL},
		{NULL, NULL, 0, 0, 0, NULL},
	};

	(void)state;
	assert_null(found(mixed));
	assert_string_equal(found(both), "node"); /* whose heap is the program's */
}

static void test_no_probes(void **state)
{
	static const struct elf_build_usdt others[] = {
		{"libc", "memory_heap_new", 0x10010, ELF_BUILD_BASE, 0, NULL},
		{NULL, NULL, 0, 0, 0, NULL},
	};

	(void)state;
	assert_null(found(NULL));
	assert_null(found(others));
}

/* ---- places ---- */

#define PC(i) (ELF_BUILD_DATA + 4 * (i))

static const int32_t code[64] = {0};

/* What gc_usdt_read() says of a file with these probes. */
static int read_places(const char *provider, const struct elf_build_usdt *probes,
		       struct gc_usdt *out)
{
	struct elf_build_spec spec = {.probes = probes, .data = code, .data_count = 64};
	unsigned char *bytes;
	struct elf_file *f;
	char path[32];
	size_t len;
	int fd, err;

	bytes = elf_build(&spec, &len);
	fd = elf_build_memfd(bytes, len, path);
	f = elf_file_open(path);
	assert_non_null(f);
	err = gc_usdt_read(f, row_of(provider), out);
	elf_file_free(f);
	close(fd);
	free(bytes);
	return err;
}

#if defined(__aarch64__)
#define BYTE	"1@w0"
#define INT	"-4@w1"
#define POINTER "8@x2"
#define REG(i)	(i)
#else
#define BYTE	"1@%al"
#define INT	"-4@%ebx"
#define POINTER "8@%rcx"
#define REG(i)	(MW_USDT_AX + (i))
#endif
#define POOL_ARGS POINTER " " INT " " BYTE " " INT " " INT " " POINTER " " INT " " INT

/* As in a Java VM: several places of one probe, and one that tells of pools. */
static void test_places(void **state)
{
	static const struct elf_build_usdt probes[] = {
		{"hotspot", "gc__begin", PC(1), ELF_BUILD_BASE, 0, BYTE},
		{"hotspot", "gc__end", PC(2), ELF_BUILD_BASE, 0, NULL},
		{"hotspot", "gc__begin", PC(3), ELF_BUILD_BASE, PC(9), BYTE},
		{"hotspot", "gc__end", PC(4), ELF_BUILD_BASE, 0, "8f@%xmm0"}, /* nobody wants it */
		{"hotspot", "gc__begin", PC(1), ELF_BUILD_BASE, 0, BYTE},     /* again */
		{"other", "gc__begin", PC(6), ELF_BUILD_BASE, 0, BYTE},
		{"hotspot", "mem__pool__gc__end", PC(5), ELF_BUILD_BASE, 0, POOL_ARGS},
		{NULL, NULL, 0, 0, 0, NULL},
	};
	static const struct {
		enum gc_usdt_probe probe;
		unsigned pc;
	} expected[] = {
		{GC_USDT_END, PC(2)},	{GC_USDT_END, PC(4)},	{GC_USDT_POOL, PC(5)},
		{GC_USDT_BEGIN, PC(1)}, {GC_USDT_BEGIN, PC(3)},
	};
	struct gc_usdt got;

	(void)state;
	assert_int_equal(read_places("hotspot", probes, &got), 0);
	assert_int_equal(got.count, 5);
	for (unsigned i = 0; i < got.count; i++) {
		assert_int_equal(got.sites[i].probe, expected[i].probe);
		assert_int_equal(got.sites[i].pc, expected[i].pc);
		assert_int_equal(got.sites[i].offset - got.sites[0].offset,
				 (uint64_t)expected[i].pc - expected[0].pc);
	}
	assert_int_equal(got.sites[0].args[0].kind, MW_USDT_NONE);
	assert_int_equal(got.sites[2].args[0].base, REG(2)); /* manager, name, used */
	assert_int_equal(got.sites[2].args[1].base, REG(0));
	assert_int_equal(got.sites[2].args[2].base, REG(2));
	assert_int_equal(got.sites[3].semaphore, 0);
	assert_int_equal(got.sites[3].args[0].base, REG(0));
	assert_int_equal(got.sites[3].args[0].size, 1);
	assert_int_equal(got.sites[3].args[1].kind, MW_USDT_NONE);
	assert_int_equal(got.sites[4].semaphore - got.sites[4].offset, (uint64_t)(PC(9) - PC(3)));
}

static int read_one(const char *provider, const char *begin, const char *end, uint64_t pc,
		    uint64_t semaphore, const char *args, struct gc_usdt *out)
{
	const struct elf_build_usdt probes[] = {
		{provider, begin, pc, ELF_BUILD_BASE, semaphore, args},
		{provider, end, PC(2), ELF_BUILD_BASE, 0, NULL},
		{NULL, NULL, 0, 0, 0, NULL},
	};

	return read_places(provider, probes, out);
}

static int read_node(const char *args, struct gc_usdt *out)
{
	return read_one("node", "gc__start", "gc__done", PC(1), 0, args, out);
}

static void test_arguments(void **state)
{
	struct gc_usdt got;

	(void)state;
	assert_int_equal(read_node(INT " " INT " " POINTER, &got), 0);
	assert_int_equal(got.sites[1].args[0].base, REG(1));
	assert_int_equal(got.sites[1].args[1].base, REG(2)); /* the third tells the heap */
	assert_int_equal(read_node(INT " 8@sym 8@sym", &got), -ENOTSUP);
	assert_int_equal(read_node(INT " 8@sym " POINTER, &got), 0);
	assert_int_equal(read_node("8@sym " INT " " POINTER, &got), -ENOTSUP);
	assert_int_equal(read_node(INT, &got), 0);
	assert_int_equal(got.sites[1].args[0].kind, MW_USDT_REGISTER);
	assert_int_equal(got.sites[1].args[1].kind, MW_USDT_NONE);
	assert_int_equal(read_node(NULL, &got), 0);
	assert_int_equal(got.sites[1].args[0].kind, MW_USDT_NONE);
	/* Each of these is full: nothing is asked for. */
	assert_int_equal(
		read_one("ruby", "gc__mark__begin", "gc__mark__end", PC(1), 0, "8@sym", &got), 0);
}

static void test_places_outside(void **state)
{
	struct gc_usdt got;

	(void)state;
	assert_int_equal(read_one("node", "gc__start", "gc__done", 0x700000, 0, NULL, &got),
			 -EFAULT);
	assert_int_equal(read_one("node", "gc__start", "gc__done", PC(1), 0x700000, NULL, &got),
			 -EFAULT);
	assert_int_equal(read_one("node", "gc__done", "gc__done", PC(1), 0, NULL, &got), -ENOENT);
}

static void test_many_places(void **state)
{
	struct elf_build_usdt probes[2 * GC_USDT_PLACES + 2] = {{0}};
	struct gc_usdt got;

	(void)state;
	for (unsigned i = 0; i < 2 * GC_USDT_PLACES; i++)
		probes[i] = (struct elf_build_usdt){
			"python", i % 2 ? "gc__start" : "gc__done", PC(i), ELF_BUILD_BASE, 0, INT};
	assert_int_equal(read_places("python", probes, &got), 0);
	assert_int_equal(got.count, 2 * GC_USDT_PLACES);
	probes[2 * GC_USDT_PLACES] =
		(struct elf_build_usdt){"python", "gc__start", PC(40), ELF_BUILD_BASE, 0, INT};
	assert_int_equal(read_places("python", probes, &got), -E2BIG);
}

/* ---- cookies ---- */

static enum mw_gc_rule rule_of(uint32_t cookie)
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
		cmocka_unit_test(test_places),		 cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_places_outside),	 cmocka_unit_test(test_many_places),
		cmocka_unit_test(test_cookies_of_node),	 cmocka_unit_test(test_cookies_of_others),
	};

	return cmocka_run_group_tests_name("collect/gc_usdt", tests, NULL, NULL);
}
