/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * v8_layout: the layouts of the official Node binaries and of Debian's, against what was measured
 * in running processes; and files that claim to hold a V8 and do not.
 *
 * LIMITATIONS: a binary that `make nodes` has not fetched is skipped, and said so.
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

#include "elf_build.h"
#include "v8/v8_layout.h"

#define DEBIAN "debian/usr/lib/x86_64-linux-gnu/libnode.so.108"

struct expected {
	const char *file; /* below the cache of Node binaries */
	int major, minor;
	int bytecode_offset, shared_offset, first, last, shared_type;
	int name, script, flags;
	int scope_slots, scope_first;
	int bytecode_data, bytecode_positions;
	int deopt_data, positions, start, size, code_flags;
	int count, literals, inlining;
	int bytecodes, deopt_opcodes;
	bool start_is_pointer, has_builtin_symbols;
};

static const struct expected all[] = {
	{
		.file = "12.22.12/bin/node",
		.major = 7,
		.minor = 8,
		.bytecode_offset = -32,
		.shared_offset = 24,
		.first = 1105,
		.last = 1105,
		.shared_type = 160,
		.name = 16,
		.script = 32,
		.flags = 48,
		.scope_slots = 16,
		.scope_first = 3,
		.bytecode_data = 54,
		.bytecode_positions = 32,
		.deopt_data = 16,
		.positions = 24,
		.start = 64,
		.size = 40,
		.code_flags = 44,
		.count = 1,
		.literals = 2,
		.inlining = 7,
		.bytecodes = 0,
		.deopt_opcodes = 0,
		.start_is_pointer = false,
		.has_builtin_symbols = true,
	},
	{
		.file = "14.21.3/bin/node",
		.major = 8,
		.minor = 4,
		.bytecode_offset = -32,
		.shared_offset = 24,
		.first = 1092,
		.last = 1092,
		.shared_type = 173,
		.name = 16,
		.script = 32,
		.flags = 48,
		.scope_slots = 16,
		.scope_first = 3,
		.bytecode_data = 54,
		.bytecode_positions = 32,
		.deopt_data = 16,
		.positions = 24,
		.start = 96,
		.size = 40,
		.code_flags = 44,
		.count = 1,
		.literals = 2,
		.inlining = 7,
		.bytecodes = 0,
		.deopt_opcodes = 0,
		.start_is_pointer = false,
		.has_builtin_symbols = true,
	},
	{
		.file = "16.20.2/bin/node",
		.major = 9,
		.minor = 4,
		.bytecode_offset = -40,
		.shared_offset = 24,
		.first = 1059,
		.last = 1075,
		.shared_type = 179,
		.name = 16,
		.script = 32,
		.flags = 48,
		.scope_slots = 8,
		.scope_first = 3,
		.bytecode_data = 54,
		.bytecode_positions = 32,
		.deopt_data = 16,
		.positions = 24,
		.start = 96,
		.size = 40,
		.code_flags = 48,
		.count = 1,
		.literals = 2,
		.inlining = 7,
		.bytecodes = 197,
		.deopt_opcodes = 28,
		.start_is_pointer = false,
		.has_builtin_symbols = true,
	},
	{
		.file = "18.20.8/bin/node",
		.major = 10,
		.minor = 2,
		.bytecode_offset = -40,
		.shared_offset = 24,
		.first = 2065,
		.last = 2081,
		.shared_type = 257,
		.name = 16,
		.script = 32,
		.flags = 48,
		.scope_slots = 8,
		.scope_first = 3,
		.bytecode_data = 56,
		.bytecode_positions = 32,
		.deopt_data = 16,
		.positions = 24,
		.start = 128,
		.size = 40,
		.code_flags = 48,
		.count = 1,
		.literals = 2,
		.inlining = 7,
		.bytecodes = 198,
		.deopt_opcodes = 28,
		.start_is_pointer = false,
		.has_builtin_symbols = true,
	},
	{
		.file = "20.20.2/bin/node",
		.major = 11,
		.minor = 3,
		.bytecode_offset = -40,
		.shared_offset = 24,
		.first = 2066,
		.last = 2082,
		.shared_type = 262,
		.name = 16,
		.script = 32,
		.flags = 48,
		.scope_slots = 8,
		.scope_first = 3,
		.bytecode_data = 54,
		.bytecode_positions = 32,
		.deopt_data = 16,
		.positions = 24,
		.start = 40,
		.size = 56,
		.code_flags = 48,
		.count = 1,
		.literals = 2,
		.inlining = 7,
		.bytecodes = 198,
		.deopt_opcodes = 36,
		.start_is_pointer = true,
		.has_builtin_symbols = true,
	},
	{
		.file = "22.23.3/bin/node",
		.major = 12,
		.minor = 4,
		.bytecode_offset = -40,
		.shared_offset = 32,
		.first = 2066,
		.last = 2082,
		.shared_type = 274,
		.name = 16,
		.script = 32,
		.flags = 48,
		.scope_slots = 8,
		.scope_first = 3,
		.bytecode_data = 64,
		.bytecode_positions = 24,
		.deopt_data = 8,
		.positions = 16,
		.start = 40,
		.size = 52,
		.code_flags = 48,
		.count = 1,
		.literals = 2,
		.inlining = 7,
		.bytecodes = 203,
		.deopt_opcodes = 40,
		.start_is_pointer = true,
		.has_builtin_symbols = true,
	},
	{
		.file = "24.9.0/bin/node",
		.major = 13,
		.minor = 6,
		.bytecode_offset = -40,
		.shared_offset = 32,
		.first = 2065,
		.last = 2081,
		.shared_type = 282,
		.name = 24,
		.script = 40,
		.flags = 56,
		.scope_slots = 8,
		.scope_first = 5,
		.bytecode_data = 64,
		.bytecode_positions = 24,
		.deopt_data = 8,
		.positions = 16,
		.start = 40,
		.size = 56,
		.code_flags = 52,
		.count = 1,
		.literals = 3,
		.inlining = 8,
		.bytecodes = 208,
		.deopt_opcodes = 45,
		.start_is_pointer = true,
		.has_builtin_symbols = true,
	},
	{
		.file = "26.10.0/bin/node",
		.major = 14,
		.minor = 6,
		.bytecode_offset = -40,
		.shared_offset = 32,
		.first = 2066,
		.last = 2082,
		.shared_type = 288,
		.name = 24,
		.script = 40,
		.flags = 56,
		.scope_slots = 8,
		.scope_first = 5,
		.bytecode_data = 64,
		.bytecode_positions = 24,
		.deopt_data = 8,
		.positions = 16,
		.start = 40,
		.size = 56,
		.code_flags = 52,
		.count = 1,
		.literals = 3,
		.inlining = 8,
		.bytecodes = 212,
		.deopt_opcodes = 45,
		.start_is_pointer = true,
		.has_builtin_symbols = true,
	},
	{
		.file = DEBIAN,
		.major = 10,
		.minor = 2,
		.bytecode_offset = -40,
		.shared_offset = 24,
		.first = 2065,
		.last = 2081,
		.shared_type = 257,
		.name = 16,
		.script = 32,
		.flags = 48,
		.scope_slots = 8,
		.scope_first = 3,
		.bytecode_data = 56,
		.bytecode_positions = 32,
		.deopt_data = 16,
		.positions = 24,
		.start = 128,
		.size = 40,
		.code_flags = 48,
		.count = 1,
		.literals = 2,
		.inlining = 7,
		.bytecodes = 198,
		.deopt_opcodes = 28,
		.start_is_pointer = false,
		.has_builtin_symbols = false,
	},
};

#define assert_field(got, wanted)                                                                  \
	do {                                                                                       \
		if ((long)(got) != (long)(wanted))                                                 \
			fail_msg("%s: %s is %ld and not %ld", e->file, #got, (long)(got),          \
				 (long)(wanted));                                                  \
	} while (0)

static void layout_check(const struct expected *e, const struct v8_layout *l)
{
	const struct v8_offsets *o = &l->offsets;

	assert_field(l->major, e->major);
	assert_field(l->minor, e->minor);
	assert_field(l->frames.shared_offset, e->shared_offset);
	assert_field(l->frames.map_type_offset, 12);
	assert_field(l->frames.function_type_first, e->first);
	assert_field(l->frames.function_type_last, e->last);
	assert_field(l->frames.shared_type, e->shared_type);
	assert_field(l->frames.bytecode_offset_fp, e->bytecode_offset);
	assert_field(l->frames.shared_script_offset, e->script);
	assert_field(l->frames.shared_literal_id_offset, e->flags + 4);
	assert_field(l->frames.script_id_offset, 64);
	assert_field(l->frames.enabled, 1);
	assert_field(o->shared_data, 8);
	assert_field(o->shared_name, e->name);
	assert_field(o->script_source, 8);
	assert_field(o->script_name, 16);
	assert_field(o->script_line_ends, 56);
	assert_field(o->scope_info_slots, e->scope_slots);
	assert_field(l->scope_info_first_vars, e->scope_first);
	assert_field(o->bytecode_data, e->bytecode_data);
	assert_field(o->bytecode_positions, e->bytecode_positions);
	assert_field(o->code_deopt_data, e->deopt_data);
	assert_field(o->code_positions, e->positions);
	assert_field(o->code_start, e->start);
	assert_field(o->code_size, e->size);
	assert_field(o->code_flags, e->code_flags);
	assert_field(l->deopt_inlined_count, e->count);
	assert_field(l->deopt_literals, e->literals);
	assert_field(l->deopt_inlining_positions, e->inlining);
	assert_field(l->bytecode_count, e->bytecodes);
	assert_field(l->deopt_opcode_count, e->deopt_opcodes);
	assert_field(l->code_start_is_pointer, e->start_is_pointer);
	assert_field(l->frames.builtins[0].start != 0, e->has_builtin_symbols);
	if (e->has_builtin_symbols)
		assert_in_range(l->frames.builtins[0].end - l->frames.builtins[0].start, 1 << 20,
				4 << 20);
	else
		assert_true(l->builtins_pointer && l->builtins_size);
}

static void test_node(void **state)
{
	const struct expected *e = *state;
	const char *cache = getenv("MEMWATCH_NODES");
	const char *why = NULL;
	struct v8_layout layout;
	char path[512];
	struct elf_file *f;
	int err;

	snprintf(path, sizeof(path), "%s/%s", cache ? cache : "/var/cache/memwatch/node", e->file);
	f = elf_file_open(path);
	if (!f) {
		print_message("SKIP: %s: %s (make nodes)\n", path, strerror(errno));
		skip();
		return;
	}
	err = v8_layout_read(f, &layout, &why);
	elf_file_free(f);
	if (err)
		fail_msg("%s: %s", path, why);
	layout_check(e, &layout);
}

/* ---- what is no V8, or too little of one ---- */

static int read_built(const struct elf_build_spec *spec, const char **why)
{
	struct v8_layout layout;
	size_t len;
	unsigned char *bytes = elf_build(spec, &len);
	char path[32];
	int fd = elf_build_memfd(bytes, len, path);
	struct elf_file *f;
	int err;

	assert_true(fd >= 0);
	f = elf_file_open(path);
	assert_non_null(f);
	err = v8_layout_read(f, &layout, why);
	elf_file_free(f);
	close(fd);
	free(bytes);
	return err;
}

#define DATA(i) (ELF_BUILD_DATA + 4 * (i))

static void test_no_v8(void **state)
{
	static const struct elf_build_sym syms[] = {{"main", 0x400, STT_FUNC, false}, {0}};
	const char *why = NULL;

	(void)state;
	assert_int_equal(read_built(&(struct elf_build_spec){.syms = syms}, &why), -ENOENT);
	assert_non_null(why);
}

static void test_stripped(void **state)
{
	static const struct elf_build_sym syms[] = {
		{"_ZN2v88internal7Version6major_E", DATA(0), STT_OBJECT, false},
		{"_ZN2v88internal7Version6minor_E", DATA(1), STT_OBJECT, false},
		{"_ZN2v88internal7Version6build_E", DATA(2), STT_OBJECT, false},
		{0},
	};
	static const int32_t data[] = {12, 4, 254};
	const char *why = NULL;

	(void)state;
	assert_int_equal(
		read_built(&(struct elf_build_spec){.syms = syms, .data = data, .data_count = 3},
			   &why),
		-ENOTSUP);
	assert_non_null(strstr(why, "stripped"));
}

int main(void)
{
	enum { COUNT = sizeof(all) / sizeof(all[0]) };
	struct CMUnitTest tests[COUNT + 2] = {
		cmocka_unit_test(test_no_v8),
		cmocka_unit_test(test_stripped),
	};

	for (int i = 0; i < COUNT; i++)
		tests[i + 2] = (struct CMUnitTest){
			.name = all[i].file,
			.test_func = test_node,
			.initial_state = (void *)&all[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
