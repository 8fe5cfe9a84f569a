/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The list of V8's functions that may be probed, and what is found of it in a file: an ELF file
 * with the symbols of one version, and code that reads mark bits as that version does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/elf_build.h"
#include "v8/v8_hooks.h"

#define CODE_WORDS   256 /* of .data, which stands for code */
#define FUNCTIONS    64
#define READER_AT    8	/* words: where the function that reads mark bits is */
#define SIZES_AT     40 /* and that which reads the heap's limit */
#define READER_BYTES 64

static const uint64_t versions[] = {
	V8_VERSION(7, 8, 279),	V8_VERSION(8, 4, 371),	V8_VERSION(9, 4, 146),
	V8_VERSION(10, 2, 154), V8_VERSION(11, 3, 244), V8_VERSION(12, 4, 254),
	V8_VERSION(13, 6, 233), V8_VERSION(14, 6, 202),
};
#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

static bool is_for(uint64_t since, uint64_t until, uint64_t version)
{
	return version >= since && (!until || version < until);
}

static const struct v8_mark_row *mark_row(uint64_t version)
{
	for (size_t i = 0; i < v8_mark_table_count; i++) {
		if (is_for(v8_mark_table[i].since, v8_mark_table[i].until, version))
			return &v8_mark_table[i];
	}
	fail();
	return NULL;
}

/* mov @offset(%rbx), %rax: the displacement has 1 byte or 4. */
static void put_read(unsigned char *code, uint32_t offset)
{
	bool is_short = offset < 0x80;

	code[0] = 0x48;
	code[1] = 0x8b;
	code[2] = is_short ? 0x43 : 0x83;
	memcpy(code + 3, &offset, is_short ? 1 : 4);
}

static const struct v8_heap_sizes_row *sizes_row(uint64_t version)
{
	for (unsigned i = 0; i < v8_heap_sizes_count; i++) {
		if (is_for(v8_heap_sizes_table[i].since, v8_heap_sizes_table[i].until, version))
			return &v8_heap_sizes_table[i];
	}
	fail();
	return NULL;
}

static void put_sizes_reader(unsigned char *code, uint64_t version)
{
	const struct v8_heap_sizes *sizes = &sizes_row(version)->sizes;

	put_read(code, sizes->limit);
	if (sizes->via != V8_NOT_THERE)
		put_read(code + 16, sizes->via);
}

/* A file as of @version, without hook @without (V8_HOOK_COUNT: with all), with that mark reader. */
static struct v8_hooks hooks_by(uint64_t version, enum v8_hook without, const unsigned char *reader,
				size_t reader_len)
{
	struct elf_build_sym syms[FUNCTIONS + 3] = {{0}};
	int32_t code[CODE_WORDS] = {0};
	struct elf_build_spec spec = {
		.syms = syms, .sym_bytes = READER_BYTES, .data = code, .data_count = CODE_WORDS};
	unsigned char *bytes;
	struct elf_file *f;
	struct v8_hooks out;
	size_t len, n = 0;
	char path[32];
	int fd;

	for (size_t i = 0; i < v8_hook_table_count; i++) {
		const struct v8_hook_row *row = &v8_hook_table[i];

		if (row->hook == without || !is_for(row->since, row->until, version))
			continue;
		assert_true(n < FUNCTIONS);
		syms[n].name = row->symbol;
		syms[n].value = ELF_BUILD_DATA + 512 + 4 * n;
		syms[n++].type = STT_FUNC;
	}
	syms[n++] = (struct elf_build_sym){v8_mark_reader, ELF_BUILD_DATA + 4 * READER_AT, STT_FUNC,
					   false};
	/* const since V8 11: the name differs */
	syms[n] = (struct elf_build_sym){version < V8_VERSION(11, 0, 0)
						 ? "_ZN2v88internal4Heap11MaxReservedEv"
						 : "_ZNK2v88internal4Heap11MaxReservedEv",
					 ELF_BUILD_DATA + 4 * SIZES_AT, STT_FUNC, false};
	put_sizes_reader((unsigned char *)&code[SIZES_AT], version);
	memcpy(&code[READER_AT], reader, reader_len);
	bytes = elf_build(&spec, &len);
	fd = elf_build_memfd(bytes, len, path);
	f = elf_file_open(path);
	assert_non_null(f);
	assert_int_equal(v8_hooks_find(f, version, &out), 0);
	elf_file_free(f);
	close(fd);
	free(bytes);
	return out;
}

/* The same; it reads marks at @mark_offset. */
static struct v8_hooks hooks_of(uint64_t version, enum v8_hook without, uint32_t mark_offset)
{
	unsigned char reader[READER_BYTES] = {0};

	put_read(reader + 21, mark_offset);
	return hooks_by(version, without, reader, sizeof(reader));
}

/* ---- the list ---- */

/*
 * JIT code and builtins call Runtime_ functions and builtins: V8 reads their return addresses,
 * which a return probe replaces. Whoever adds one crashes programs.
 */
static void test_nothing_that_jit_code_calls(void **state)
{
	(void)state;
	for (size_t i = 0; i < v8_hook_table_count; i++) {
		const struct v8_hook_row *row = &v8_hook_table[i];

		assert_null(strstr(row->symbol, "Runtime"));
		assert_null(strstr(row->symbol, "Builtin"));
		assert_null(strstr(row->symbol, "Stub"));
		assert_int_equal(strncmp(row->symbol, "_ZN", 3), 0);
		assert_non_null(row->why_safe);
		assert_true(strlen(row->why_safe) > 10);
	}
}

static void test_one_row_a_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < v8_hook_table_count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct v8_hook_row *a = &v8_hook_table[i], *b = &v8_hook_table[j];

			if (a->hook != b->hook)
				continue;
			assert_true((a->until && a->until <= b->since) ||
				    (b->until && b->until <= a->since));
		}
	}
	for (enum v8_hook hook = 0; hook < V8_HOOK_COUNT; hook++) {
		assert_non_null(v8_hook_name(hook));
		for (enum v8_hook other = 0; other < hook; other++)
			assert_string_not_equal(v8_hook_name(hook), v8_hook_name(other));
	}
}

/* ---- what is found ---- */

static void test_all_of_each_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSIONS; i++) {
		const struct v8_mark_row *marks = mark_row(versions[i]);
		struct v8_hooks h = hooks_of(versions[i], V8_HOOK_COUNT, marks->offset);

		assert_true(h.can_survive);
		assert_true(h.can_keep);
		assert_true(h.can_external);
		assert_null(h.missing);
		assert_int_equal(h.heap.mark, marks->mark);
		assert_int_equal(h.heap.mark_offset, marks->offset);
		assert_int_not_equal(h.heap.alloc, MW_V8_ALLOC_NONE);
		assert_int_not_equal(h.heap.old_alloc, MW_V8_ALLOC_NONE);
		assert_int_not_equal(h.heap.old_top_offset, 0);
		assert_int_equal(h.heap.large_arg, versions[i] < V8_VERSION(12, 0, 0) ? 2 : 3);
		for (enum v8_hook hook = 0; hook < V8_HOOK_COUNT; hook++) {
			bool needed =
				(hook != V8_HOOK_ALLOC_OLD || versions[i] < V8_VERSION(12, 0, 0)) &&
				(hook != V8_HOOK_SCAVENGE_MID ||
				 versions[i] >= V8_VERSION(11, 0, 0)) &&
				(hook != V8_HOOK_MINOR || versions[i] >= V8_VERSION(12, 0, 0));

			assert_int_equal(h.rows[hook] != NULL, needed);
		}
	}
}

static void test_sizes_of_each_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSIONS; i++) {
		const struct v8_heap_sizes *sizes = &sizes_row(versions[i])->sizes;
		struct v8_hooks h = hooks_of(versions[i], V8_HOOK_COUNT, 0);

		assert_true(h.sizes.is_known);
		assert_int_equal(h.sizes.limit, sizes->limit);
		assert_int_equal(h.sizes.via, sizes->via);
		assert_int_equal(h.sizes.external, sizes->external);
	}
}

/* Collections are seen without what only survival needs, and the other way round. */
static void test_collections_alone(void **state)
{
	struct v8_hooks h = hooks_of(V8_VERSION(12, 4, 254), V8_HOOK_ALLOC, 0);

	(void)state;
	assert_false(h.can_survive);
	assert_non_null(h.rows[V8_HOOK_SCAVENGE]);
	assert_non_null(h.rows[V8_HOOK_MINOR]);
	assert_non_null(h.rows[V8_HOOK_MARK_COMPACT]);
	assert_non_null(h.rows[V8_HOOK_LIVE]);
	assert_non_null(h.rows[V8_HOOK_HEAP_OUT]);
	assert_true(h.sizes.is_known);
	h = hooks_of(V8_VERSION(12, 4, 254), V8_HOOK_LIVE, 0x140);
	assert_null(h.rows[V8_HOOK_LIVE]);
	assert_true(h.can_survive);
	assert_true(h.can_keep);
}

static void test_without_one(void **state)
{
	uint64_t v = V8_VERSION(12, 4, 254);
	uint16_t marks = mark_row(v)->offset;

	(void)state;
	assert_false(hooks_of(v, V8_HOOK_ALLOC, marks).can_survive);
	assert_false(hooks_of(v, V8_HOOK_SCAVENGE, marks).can_survive);
	assert_false(hooks_of(v, V8_HOOK_SCAVENGE_MID, marks).can_survive);
	assert_non_null(hooks_of(v, V8_HOOK_SCAVENGE_MID, marks).missing);
	assert_true(hooks_of(V8_VERSION(10, 2, 154), V8_HOOK_SCAVENGE_MID, 0x128).can_survive);
	assert_false(hooks_of(v, V8_HOOK_EXT_FREE, marks).can_external);
	assert_true(hooks_of(v, V8_HOOK_EXT_FREE, marks).can_survive);
	assert_false(hooks_of(v, V8_HOOK_MC_MARKED, marks).can_keep);
	assert_true(hooks_of(v, V8_HOOK_MC_MARKED, marks).can_survive);
	assert_true(hooks_of(v, V8_HOOK_ALLOC_LARGE, marks).can_keep);
}

/* A version between those that were measured may have them elsewhere: its own code tells. */
static void test_marks_elsewhere(void **state)
{
	struct v8_hooks h = hooks_of(V8_VERSION(10, 8, 1), V8_HOOK_COUNT, 0x130);

	(void)state;
	assert_int_equal(h.heap.mark, MW_V8_MARK_NONE);
	assert_true(h.can_survive);
	assert_false(h.can_keep);
	assert_non_null(h.missing);
}

/* The offset alone is no proof: as another operand, as a part of a longer one, in the next
 * function. */
static void test_marks_not_read(void **state)
{
	static const uint64_t old = V8_VERSION(7, 8, 279), new = V8_VERSION(12, 4, 254);
	uint8_t offset = (uint8_t)mark_row(old)->offset;
	unsigned char code[2 * READER_BYTES] = {0};

	(void)state;
	assert_true(offset && offset < 0x80);
	memcpy(code + 8, (unsigned char[]){0x48, 0x83, 0xc3, offset}, 4); /* add $offset, %rbx */
	memcpy(code + 16, (unsigned char[]){0x48, 0x8b, 0x83, offset, 1}, 5);
	assert_false(hooks_by(old, V8_HOOK_COUNT, code, sizeof(code)).can_keep);
	put_read(code + READER_BYTES - 4, offset); /* the last that is in it */
	assert_true(hooks_by(old, V8_HOOK_COUNT, code, sizeof(code)).can_keep);
	memset(code, 0, sizeof(code));
	put_read(code + READER_BYTES - 3, offset);
	assert_false(hooks_by(old, V8_HOOK_COUNT, code, sizeof(code)).can_keep);
	memset(code, 0, sizeof(code));
	put_read(code + READER_BYTES - 6, mark_row(new)->offset);
	assert_false(hooks_by(new, V8_HOOK_COUNT, code, sizeof(code)).can_keep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_that_jit_code_calls),
		cmocka_unit_test(test_one_row_a_version),
		cmocka_unit_test(test_all_of_each_version),
		cmocka_unit_test(test_sizes_of_each_version),
		cmocka_unit_test(test_collections_alone),
		cmocka_unit_test(test_without_one),
		cmocka_unit_test(test_marks_elsewhere),
		cmocka_unit_test(test_marks_not_read),
	};

	return cmocka_run_group_tests_name("v8/hooks", tests, NULL, NULL);
}
