/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Instructions that are looked for in V8's code, of both machines, by bytes that an assembler
 * made; and the same in the official arm64 binaries of Node, on whatever machine this is.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "v8/v8_hooks.h"
#include "v8/v8_insn.h"
#include "v8/v8_layout.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One arm64 instruction, as bytes. */
struct arm {
	uint8_t bytes[4];
};

static struct arm arm(uint32_t word)
{
	struct arm a;

	memcpy(a.bytes, &word, sizeof(word));
	return a;
}

/* ---- references ---- */

static void test_arm64_reads(void **state)
{
	static const struct {
		uint32_t insn;
		uint16_t offset;
		bool reads, reads_word;
	} all[] = {
		{0xf9407000, 0xe0, true, true},	  /* ldr x0, [x0, #224] */
		{0xf943dc09, 0x7b8, true, true},  /* ldr x9, [x0, #1976] */
		{0xb9414040, 0x140, true, false}, /* ldr w0, [x2, #320] */
		{0x91038001, 0xe0, true, true},	  /* add x1, x0, #224 */
		{0x91400401, 0x1000, true, true}, /* add x1, x0, #1, lsl #12 */
		{0xf9407000, 0x1c, false, false}, /* the same: not by its bits */
		{0xf9407000, 0xe8, false, false},
		{0xf94073e0, 0xe0, false, false}, /* ldr x0, [sp, #224] */
		{0x910383e0, 0xe0, false, false}, /* add x0, sp, #224 */
		{0xf9007000, 0xe0, false, false}, /* str x0, [x0, #224] */
		{0x39438000, 0xe0, false, false}, /* ldrb w0, [x0, #224] */
		{0x11038001, 0xe0, false, false}, /* add w1, w0, #224 */
		{0xd1038001, 0xe0, false, false}, /* sub x1, x0, #224 */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct arm code[3] = {arm(0xd503233f), arm(all[i].insn), arm(0xd65f03c0)};
		const uint8_t *bytes = code[0].bytes;

		assert_int_equal(v8_insn_reads(EM_AARCH64, bytes, sizeof(code), all[i].offset),
				 all[i].reads);
		assert_int_equal(v8_insn_reads_word(EM_AARCH64, bytes, sizeof(code), all[i].offset),
				 all[i].reads_word);
		assert_false(v8_insn_reads(EM_AARCH64, bytes, 7, all[i].offset)); /* cut */
		assert_false(v8_insn_reads_word(EM_386, bytes, sizeof(code), all[i].offset));
	}
}

/* A mark is tested by any instruction, a word is loaded or added. */
static void test_x86_reads(void **state)
{
	static const uint8_t test[] = {0x85, 0x84, 0x88, 0x40, 1, 0, 0}; /* test %eax,0x140(..) */
	static const uint8_t load[] = {0x48, 0x8b, 0x47, 0x10};		 /* mov 0x10(%rdi),%rax */
	static const uint8_t stack[] = {0x48, 0x8b, 0x44, 0x10};	 /* of %rsp */

	(void)state;
	assert_true(v8_insn_reads(EM_X86_64, test, sizeof(test), 0x140));
	assert_false(v8_insn_reads(EM_X86_64, test, sizeof(test) - 1, 0x140));
	assert_false(v8_insn_reads_word(EM_X86_64, test, sizeof(test), 0x140));
	assert_true(v8_insn_reads(EM_X86_64, load, sizeof(load), 0x10));
	assert_true(v8_insn_reads_word(EM_X86_64, load, sizeof(load), 0x10));
	assert_false(v8_insn_reads_word(EM_X86_64, stack, sizeof(stack), 0x10));
}

static void test_returned_variable(void **state)
{
	/* Node 22: adrp x0; add x0, x0, #0xed8; ldr x0, [x0]; ret */
	struct arm by_address[] = {arm(0xd0029e20), arm(0x913b6000), arm(0xf9400000),
				   arm(0xd65f03c0)};
	/* Node 26: adrp x8; ldr x0, [x8, #3832]; ret */
	struct arm at_once[] = {arm(0xd503245f), arm(0x90031648), arm(0xf9477d00), arm(0xd65f03c0)};
	struct arm constant[] = {arm(0x90031648), arm(0xd2800000), arm(0xd65f03c0)};
	const uint8_t x86[] = {0x48, 0x8b, 0x05, 0x10, 0, 0, 0, 0xc3};

	(void)state;
	assert_int_equal(v8_insn_returned_variable(EM_AARCH64, 0x1346400, by_address[0].bytes,
						   sizeof(by_address)),
			 0x670ced8);
	assert_int_equal(v8_insn_returned_variable(EM_AARCH64, 0xe314dc - 4, at_once[0].bytes,
						   sizeof(at_once)),
			 0x70f9ef8);
	assert_int_equal(v8_insn_returned_variable(EM_AARCH64, 0, at_once[0].bytes, 8), 0);
	assert_int_equal(
		v8_insn_returned_variable(EM_AARCH64, 0x1000, constant[0].bytes, sizeof(constant)),
		0);
	assert_int_equal(v8_insn_returned_variable(EM_X86_64, 0x1000, x86, sizeof(x86)), 0x1017);
	assert_int_equal(v8_insn_returned_variable(EM_X86_64, 0x1000, x86 + 1, 7), 0x1017 - 1);
	assert_int_equal(v8_insn_returned_variable(EM_X86_64, 0x1000, x86, 6), 0);
	assert_int_equal(v8_insn_returned_variable(EM_386, 0x1000, x86, sizeof(x86)), 0);
}

/* ---- jumps ---- */

static void test_arm64_jumps(void **state)
{
	static const struct {
		uint32_t insn;
		bool is_branch, is_jump;
		int64_t by;
	} all[] = {
		{0x54000102, true, false, 0x20},  /* b.hs +0x20 */
		{0x54ffffe1, true, false, -4},	  /* b.ne -4 */
		{0xb4000100, true, false, 0x20},  /* cbz x0 */
		{0x35ffff00, true, false, -0x20}, /* cbnz w0 */
		{0x36300104, true, false, 0x20},  /* tbz w4, #6 */
		{0xb7ffff04, true, false, -0x20}, /* tbnz x4, #62 */
		{0x14000008, false, true, 0x20},  /* b */
		{0x17fffff8, false, true, -0x20}, /* b */
		{0x94000008, false, false, 0},	  /* bl */
		{0xd61f0000, false, false, 0},	  /* br x0 */
		{0x54000112, false, false, 0},	  /* bc.hs: a hint */
		{0xd65f03c0, false, false, 0},	  /* ret */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct arm code[2] = {arm(0xd503201f), arm(all[i].insn)};
		const uint8_t *bytes = code[0].bytes;
		struct v8_insn_jump at = {0};

		assert_int_equal(v8_insn_branch(EM_AARCH64, bytes, 8, 4, &at), all[i].is_branch);
		assert_int_equal(v8_insn_jump(EM_AARCH64, bytes, 8, 4, &at), all[i].is_jump);
		if (all[i].is_branch || all[i].is_jump) {
			assert_int_equal(at.end, 8);
			assert_int_equal(at.target, 4 + all[i].by);
		}
		assert_false(v8_insn_branch(EM_AARCH64, bytes, 7, 4, &at));
		assert_false(v8_insn_jump(EM_AARCH64, bytes, 8, 3, &at));
		assert_false(v8_insn_branch(EM_386, bytes, 8, 4, &at));
		assert_false(v8_insn_jump(EM_386, bytes, 8, 4, &at));
	}
}

/* ---- real binaries ---- */

/* What is measured on x86-64 holds on arm64: the tables are the same, and the code agrees. */
static void test_node_arm64(void **state)
{
	const char *version = *state, *cache = getenv("MEMWATCH_NODES_ARM64"), *why = NULL;
	struct v8_layout layout;
	struct v8_hooks hooks;
	struct elf_file *f;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s/bin/node",
		 cache ? cache : "/var/cache/memwatch/node-arm64", version);
	f = elf_file_open(path);
	if (!f) {
		print_message("SKIP: %s: %s (ARCH=arm64 tests/node.sh)\n", path, strerror(errno));
		skip();
		return;
	}
	if (v8_layout_read(f, &layout, &why))
		fail_msg("%s: %s", path, why);
	assert_int_equal(layout.machine, EM_AARCH64);
	assert_int_not_equal(layout.frames.builtins[0].start, 0);
	assert_int_equal(v8_hooks_find(f, layout.version, &hooks), 0);
	if (hooks.missing)
		fail_msg("%s: %s", path, hooks.missing);
	assert_true(hooks.can_survive && hooks.can_keep && hooks.can_external);
	assert_true(hooks.sizes.is_known);
	elf_file_free(f);
}

#define NODE(version)                                                                              \
	{                                                                                          \
		"node " version ", arm64", test_node_arm64, NULL, NULL, version                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arm64_reads),
		cmocka_unit_test(test_x86_reads),
		cmocka_unit_test(test_returned_variable),
		cmocka_unit_test(test_arm64_jumps),
		NODE("14.21.3"),
		NODE("16.20.2"),
		NODE("18.20.8"),
		NODE("20.20.2"),
		NODE("22.23.3"),
		NODE("24.22.0"),
		NODE("26.10.0"),
	};

	return cmocka_run_group_tests_name("v8/insn", tests, NULL, NULL);
}
