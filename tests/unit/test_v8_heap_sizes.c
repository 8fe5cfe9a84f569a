/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where V8's Heap keeps its limit: the table against the code of V8's own function, and what is
 * read there, of memory that the test makes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/elf_build.h"
#include "v8/v8_heap_sizes.h"
#include "v8/v8_layout.h"

#define CODE_BYTES 128
#define FN_AT	   8 /* in .data: where the function is */
#define FN_BYTES   64
#define MIB	   (1ull << 20)

/* What the binaries have: read from the machine code of Node 12 to 26. */
static const struct {
	uint64_t version;
	uint16_t via, limit, external;
} measured[] = {
	{V8_VERSION(7, 8, 279), V8_NOT_THERE, 0x68, V8_NOT_THERE},
	{V8_VERSION(8, 4, 371), V8_NOT_THERE, 0x68, V8_NOT_THERE},
	{V8_VERSION(9, 4, 146), V8_NOT_THERE, 0x78, 0x38},
	{V8_VERSION(10, 2, 154), V8_NOT_THERE, 0xe0, 0x38},
	{V8_VERSION(11, 3, 244), V8_NOT_THERE, 0xe0, 0x38},
	{V8_VERSION(12, 4, 254), V8_NOT_THERE, 0x48, 0},
	{V8_VERSION(13, 6, 233), V8_NOT_THERE, 0x50, 0},
	{V8_VERSION(14, 6, 202), 0x7b8, 0x30, 0},
};
#define MEASURED (sizeof(measured) / sizeof(measured[0]))

/* ---- the table, and the code ---- */

enum opcode { LOAD = 0x8b, ADD = 0x03, STORE = 0x89, LEA = 0x8d };

/* @op, between %rax and @offset(%rdi): the displacement has 1 byte or 4. Returns its length. */
static size_t put(unsigned char *code, enum opcode op, uint32_t offset)
{
	bool is_short = offset < 0x80;

	code[0] = 0x48;
	code[1] = (unsigned char)op;
	code[2] = is_short ? 0x47 : 0x87;
	memcpy(code + 3, &offset, is_short ? 1 : 4);
	return is_short ? 4 : 7;
}

static struct v8_heap_sizes find_at(uint64_t version, const unsigned char code[CODE_BYTES],
				    uint64_t reader, uint64_t size)
{
	int32_t data[CODE_BYTES / 4];
	struct elf_build_spec spec = {.data = data, .data_count = CODE_BYTES / 4};
	struct v8_heap_sizes out = {.is_known = true, .limit = 77};
	unsigned char *bytes;
	struct elf_file *f;
	char path[32];
	size_t len;
	int fd;

	memcpy(data, code, sizeof(data));
	bytes = elf_build(&spec, &len);
	fd = elf_build_memfd(bytes, len, path);
	f = elf_file_open(path);
	assert_non_null(f);
	v8_heap_sizes_find(f, version, reader, size, &out);
	elf_file_free(f);
	close(fd);
	free(bytes);
	return out;
}

static struct v8_heap_sizes find_in(uint64_t version, const unsigned char code[CODE_BYTES])
{
	return find_at(version, code, ELF_BUILD_DATA + FN_AT, FN_BYTES);
}

/* As the compiler makes it: a semi-space is loaded, the limit added to it. */
static void put_reader(unsigned char code[CODE_BYTES], uint16_t via, uint16_t limit)
{
	size_t at = FN_AT;

	memset(code, 0x90, CODE_BYTES);
	if (via != V8_NOT_THERE)
		at += put(code + at, LOAD, via);
	at += put(code + at, LOAD, 0x10);
	put(code + at, ADD, limit);
}

static void test_each_version(void **state)
{
	unsigned char code[CODE_BYTES];

	(void)state;
	for (size_t i = 0; i < MEASURED; i++) {
		struct v8_heap_sizes s;

		put_reader(code, measured[i].via, measured[i].limit);
		s = find_in(measured[i].version, code);
		assert_true(s.is_known);
		assert_int_equal(s.via, measured[i].via);
		assert_int_equal(s.limit, measured[i].limit);
		assert_int_equal(s.external, measured[i].external);
	}
}

static void test_one_row_a_version(void **state)
{
	(void)state;
	for (unsigned i = 0; i < v8_heap_sizes_count; i++) {
		assert_true(v8_heap_sizes_table[i].sizes.is_known);
		for (unsigned j = 0; j < i; j++) {
			const struct v8_heap_sizes_row *a = &v8_heap_sizes_table[i],
						       *b = &v8_heap_sizes_table[j];

			assert_true((a->until && a->until <= b->since) ||
				    (b->until && b->until <= a->since));
		}
	}
}

/* A version of the same range that has it elsewhere: nothing is known. */
static void test_code_reads_elsewhere(void **state)
{
	unsigned char code[CODE_BYTES];

	(void)state;
	for (size_t i = 0; i < MEASURED; i++) {
		put_reader(code, measured[i].via, measured[i].limit + 8);
		assert_false(find_in(measured[i].version, code).is_known);
		put_reader(code, measured[i].via, 0x120);
		assert_false(find_in(measured[i].version, code).is_known);
	}
	put_reader(code, 0x7b0, 0x30);
	assert_false(find_in(V8_VERSION(14, 6, 202), code).is_known);
	put_reader(code, V8_NOT_THERE, 0x30);
	assert_false(find_in(V8_VERSION(14, 6, 202), code).is_known);
}

/* The offset alone is no proof. */
static void test_offset_that_is_not_read(void **state)
{
	static const uint64_t narrow = V8_VERSION(9, 4, 146), wide = V8_VERSION(10, 2, 154);
	unsigned char code[CODE_BYTES] = {0};

	(void)state;
	put(code + FN_AT, STORE, 0x78);
	put(code + FN_AT + 16, LEA, 0x78);
	memcpy(code + FN_AT + 32, (unsigned char[]){0x48, 0x83, 0xc0, 0x78}, 4); /* add $, %rax */
	memcpy(code + FN_AT + 40, (unsigned char[]){0x48, 0x8b, 0x44, 0x78}, 4); /* an index */
	memcpy(code + FN_AT + 48, (unsigned char[]){0x48, 0x8b, 0x87, 0x78, 1}, 5);
	memcpy(code + FN_AT + 56, (unsigned char[]){0x8b, 0x47, 0x78}, 3); /* 4 bytes of it */
	assert_false(find_in(narrow, code).is_known);
	put(code + FN_AT, LOAD, 0x78);
	assert_true(find_in(narrow, code).is_known);
	memset(code, 0, sizeof(code));
	memcpy(code + FN_AT, (unsigned char[]){0x48, 0x8b, 0x47, 0xe0}, 4); /* -0x20(%rdi) */
	assert_false(find_in(wide, code).is_known);
	put(code + FN_AT, ADD, 0xe0);
	assert_true(find_in(wide, code).is_known);
}

static void test_truncated(void **state)
{
	static const uint64_t version = V8_VERSION(10, 2, 154);
	unsigned char code[CODE_BYTES] = {0};

	(void)state;
	put(code + FN_AT + FN_BYTES - 7, LOAD, 0xe0); /* the last that is in it */
	assert_true(find_in(version, code).is_known);
	memset(code, 0, sizeof(code));
	put(code + FN_AT + FN_BYTES - 6, LOAD, 0xe0); /* the next function's, in part */
	assert_false(find_in(version, code).is_known);
	memset(code, 0, sizeof(code));
	put(code + FN_AT, LOAD, 0xe0);
	assert_true(find_at(version, code, ELF_BUILD_DATA + FN_AT, 7).is_known);
	for (uint64_t size = 0; size < 7; size++)
		assert_false(find_at(version, code, ELF_BUILD_DATA + FN_AT, size).is_known);
}

/* What is found before is overwritten. */
static void test_no_reader(void **state)
{
	unsigned char code[CODE_BYTES];

	(void)state;
	put_reader(code, V8_NOT_THERE, 0x48);
	assert_false(find_at(V8_VERSION(12, 4, 254), code, 0, 0).is_known);
	assert_false(find_at(V8_VERSION(12, 4, 254), code, 0, FN_BYTES).is_known);
	assert_false(find_at(V8_VERSION(12, 4, 254), code, 0x900000, FN_BYTES).is_known);
	assert_int_equal(find_at(V8_VERSION(12, 4, 254), code, 0x900000, FN_BYTES).limit, 0);
}

static void test_name_of_the_reader(void **state)
{
	(void)state;
	assert_true(v8_heap_sizes_is_reader("_ZN2v88internal4Heap11MaxReservedEv"));
	assert_true(v8_heap_sizes_is_reader("_ZNK2v88internal4Heap11MaxReservedEv"));
	assert_false(v8_heap_sizes_is_reader("_ZN2v88internal4Heap11MaxReservedEv.cold"));
	assert_false(v8_heap_sizes_is_reader("_ZN2v88internal4Heap11MaxReserved"));
	assert_false(v8_heap_sizes_is_reader(""));
}

/* ---- reading ---- */

#define HEAP 0x10000ull /* the address of the memory */

struct memory {
	uint64_t words[512];
	uint64_t gone; /* this address cannot be read */
};

static int read_memory(void *arg, uint64_t addr, void *out, size_t len)
{
	const struct memory *m = arg;

	if (addr < HEAP || addr + len > HEAP + sizeof(m->words) ||
	    (m->gone && addr <= m->gone && m->gone < addr + len))
		return -EFAULT;
	memcpy(out, (const char *)m->words + (addr - HEAP), len);
	return 0;
}

static struct memory memory;
static uint64_t limit, external;

static void read_at(const struct v8_heap_sizes *at, uint64_t heap)
{
	struct memreader mem = {.read = read_memory, .arg = &memory};

	limit = external = 77;
	v8_heap_sizes_read(at, &mem, heap, &limit, &external);
}

static int setup(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	return 0;
}

static const struct v8_heap_sizes plain = {V8_NOT_THERE, 0x48, 0x38, true};
static const struct v8_heap_sizes pointed = {0x7b8, 0x30, 0, true};

static void test_read(void **state)
{
	(void)state;
	memory.words[0x48 / 8] = 256 * MIB;
	memory.words[0x38 / 8] = 12345;
	read_at(&plain, HEAP);
	assert_int_equal(limit, 256 * MIB);
	assert_int_equal(external, 12345);
}

static void test_read_by_a_pointer(void **state)
{
	(void)state;
	memory.words[0] = 54321;
	memory.words[0x7b8 / 8] = HEAP + 0x100;
	memory.words[0x130 / 8] = 100 * MIB;
	read_at(&pointed, HEAP);
	assert_int_equal(limit, 100 * MIB);
	assert_int_equal(external, 54321);
	memory.words[0x7b8 / 8] = 0;
	read_at(&pointed, HEAP);
	assert_int_equal(limit, 0);
	assert_int_equal(external, 0);
	memory.words[0x7b8 / 8] = 0xdead0000;
	read_at(&pointed, HEAP);
	assert_int_equal(limit, 0);
	assert_int_equal(external, 0);
}

static void test_external_is_not_there(void **state)
{
	static const struct v8_heap_sizes old = {V8_NOT_THERE, 0x68, V8_NOT_THERE, true};

	(void)state;
	memory.words[0x68 / 8] = 64 * MIB;
	memset(memory.words + 256, 0xff, 256 * sizeof(memory.words[0]));
	read_at(&old, HEAP);
	assert_int_equal(limit, 64 * MIB);
	assert_int_equal(external, 0);
}

/* The Heap has gone: what is there now is anything. Neither figure is told. */
static void test_out_of_range(void **state)
{
	static const uint64_t bad[] = {
		0,
		1,
		MIB - 1,
		(1ull << 40) + 4096,
		UINT64_MAX,
		1ull << 63,
		50308208918729,
		0x0b7380a0, /* what malloc leaves in what was freed: pointers */
		0x7f29b2e60,
	};

	(void)state;
	memory.words[0x38 / 8] = 12345;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memory.words[0x48 / 8] = bad[i];
		read_at(&plain, HEAP);
		assert_int_equal(limit, 0);
		assert_int_equal(external, 0);
	}
	memory.words[0x48 / 8] = MIB;
	read_at(&plain, HEAP);
	assert_int_equal(limit, MIB);
	assert_int_equal(external, 12345);
	memory.words[0x48 / 8] = 1ull << 40;
	memory.words[0x38 / 8] = UINT64_MAX; /* a counter below nothing */
	read_at(&plain, HEAP);
	assert_int_equal(limit, 1ull << 40);
	assert_int_equal(external, 0);
}

static void test_unreadable(void **state)
{
	(void)state;
	memory.words[0x48 / 8] = 256 * MIB;
	memory.words[0x38 / 8] = 12345;
	memory.gone = HEAP + 0x48;
	read_at(&plain, HEAP);
	assert_int_equal(limit, 0);
	assert_int_equal(external, 0);
	memory.gone = HEAP + 0x38;
	read_at(&plain, HEAP);
	assert_int_equal(limit, 256 * MIB);
	assert_int_equal(external, 0);
	memory.gone = 0;
	read_at(&plain, HEAP + sizeof(memory.words));
	assert_int_equal(limit, 0);
	read_at(&plain, UINT64_MAX - 8);
	assert_int_equal(limit, 0);
	read_at(&plain, 0); /* a collection of which no heap is known */
	assert_int_equal(limit, 0);
	assert_int_equal(external, 0);
}

static void test_nothing_known(void **state)
{
	static const struct v8_heap_sizes unknown = {0};

	(void)state;
	memory.words[0] = 256 * MIB;
	read_at(&unknown, HEAP);
	assert_int_equal(limit, 0);
	assert_int_equal(external, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_version),
		cmocka_unit_test(test_one_row_a_version),
		cmocka_unit_test(test_code_reads_elsewhere),
		cmocka_unit_test(test_offset_that_is_not_read),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_no_reader),
		cmocka_unit_test(test_name_of_the_reader),
		cmocka_unit_test_setup(test_read, setup),
		cmocka_unit_test_setup(test_read_by_a_pointer, setup),
		cmocka_unit_test_setup(test_external_is_not_there, setup),
		cmocka_unit_test_setup(test_out_of_range, setup),
		cmocka_unit_test_setup(test_unreadable, setup),
		cmocka_unit_test_setup(test_nothing_known, setup),
	};

	return cmocka_run_group_tests_name("v8/heap_sizes", tests, NULL, NULL);
}
