/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Operands of USDT probes as compilers write them on both machines, and what is none of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sym/usdt_arg.h"

#define NO  MW_USDT_NO_REG
#define REG MW_USDT_REGISTER
#define MEM MW_USDT_MEMORY

struct known {
	const char *args;
	struct mw_usdt_arg arg;
};

#define ARG(kind_, size_, signed_, base_, index_, scale_, offset_)                                 \
	{                                                                                          \
		.kind = (kind_), .size = (size_), .is_signed = (signed_), .base = (base_),         \
		.index = (index_), .scale = (scale_), .offset = (offset_)                          \
	}

static void assert_known(const struct known *known, size_t count, enum usdt_machine machine)
{
	for (size_t i = 0; i < count; i++) {
		struct mw_usdt_arg arg;

		if (usdt_arg_parse(known[i].args, 0, machine, &arg))
			fail_msg("\"%s\" is not known", known[i].args);
		if (memcmp(&arg, &known[i].arg, sizeof(arg)) != 0)
			fail_msg("\"%s\": kind %u size %u signed %u base %u index %u scale %u "
				 "offset %d",
				 known[i].args, arg.kind, arg.size, arg.is_signed, arg.base,
				 arg.index, arg.scale, arg.offset);
	}
}

static void assert_unknown(const char *const *args, size_t count, enum usdt_machine machine)
{
	static const struct mw_usdt_arg none = {0};

	for (size_t i = 0; i < count; i++) {
		struct mw_usdt_arg arg;

		if (usdt_arg_parse(args[i], 0, machine, &arg) != -ENOTSUP)
			fail_msg("\"%s\" is known", args[i]);
		assert_memory_equal(&arg, &none, sizeof(none));
	}
}

static void test_x86(void **state)
{
	static const struct known known[] = {
		{"4@%edi", ARG(REG, 4, 0, MW_USDT_DI, NO, 0, 0)},
		{"-4@$3", ARG(MW_USDT_CONST, 4, 1, NO, NO, 0, 3)},
		{"-4@$-1", ARG(MW_USDT_CONST, 4, 1, NO, NO, 0, -1)},
		{"8@$0x7fffffff", ARG(MW_USDT_CONST, 8, 0, NO, NO, 0, 0x7fffffff)},
		{"8@-8(%rbp)", ARG(MEM, 8, 0, MW_USDT_BP, NO, 0, -8)},
		{"-2@112(%rsp)", ARG(MEM, 2, 1, MW_USDT_SP, NO, 0, 112)},
		{"8@(%r15)", ARG(MEM, 8, 0, MW_USDT_R15, NO, 0, 0)},
		{"8@8(%rax,%rdx,4)", ARG(MEM, 8, 0, MW_USDT_AX, MW_USDT_DX, 2, 8)},
		{"1@(%rax,%r9)", ARG(MEM, 1, 0, MW_USDT_AX, MW_USDT_R8 + 1, 0, 0)},
		{"1@(%rax, %r9, 8)", ARG(MEM, 1, 0, MW_USDT_AX, MW_USDT_R8 + 1, 3, 0)},
		{"4@-16(,%rcx,2)", ARG(MEM, 4, 0, NO, MW_USDT_CX, 1, -16)},
		{"8@4096(%rip)", ARG(MEM, 8, 0, MW_USDT_IP, NO, 0, 4096)},
		{"  8@%rax", ARG(REG, 8, 0, MW_USDT_AX, NO, 0, 0)},
	};

	(void)state;
	assert_known(known, sizeof(known) / sizeof(known[0]), USDT_X86_64);
}

static void assert_register(const char *name, unsigned reg, unsigned shift)
{
	struct mw_usdt_arg arg;
	char text[16];

	snprintf(text, sizeof(text), "1@%%%s", name);
	assert_int_equal(usdt_arg_parse(text, 0, USDT_X86_64, &arg), 0);
	assert_int_equal(arg.kind, REG);
	assert_int_equal(arg.base, reg);
	assert_int_equal(arg.shift, shift);
}

static void test_x86_registers(void **state)
{
	static const char *const old[] = {"ax", "bx", "cx", "dx", "si", "di", "bp", "sp"};
	char name[8];

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		assert_register(old[i], i, 0);
		snprintf(name, sizeof(name), "e%s", old[i]);
		assert_register(name, i, 0);
		snprintf(name, sizeof(name), "r%s", old[i]);
		assert_register(name, i, 0);
		snprintf(name, sizeof(name), i < 4 ? "%.1sl" : "%.2sl", old[i]);
		assert_register(name, i, 0);
		if (i < 4) {
			snprintf(name, sizeof(name), "%.1sh", old[i]);
			assert_register(name, i, 8);
		}
	}
	for (unsigned i = 8; i < 16; i++) {
		for (const char *suffix = "dwb"; *suffix; suffix++) {
			snprintf(name, sizeof(name), "r%u%c", i, *suffix);
			assert_register(name, MW_USDT_R8 + i - 8, 0);
		}
		snprintf(name, sizeof(name), "r%u", i);
		assert_register(name, MW_USDT_R8 + i - 8, 0);
	}
}

static void test_x86_unknown(void **state)
{
	static const char *const unknown[] = {
		"8f@%xmm0",
		"8@%xmm0",
		"8@%r16",
		"8@%r7",
		"8@%",
		"8@",
		"8",
		"@%rax",
		"3@%rax",
		"0@%rax",
		"16@%rax",
		"-9@%rax",
		"8@rax",
		"8@%raxx",
		"8@%rax,",
		"8@$",
		"8@$sym",
		"8@$4294967296",
		"8@$1x",
		"8@sym(%rip)",
		"8@sym+4(%rip)",
		"8@8",
		"8@8()",
		"8@()",
		"8@(,)",
		"8@8(%rax",
		"8@8(%eax)",
		"8@8(%al)",
		"8@8(%ah)",
		"8@8(%rax,4)",
		"8@(%rax,%rdx,3)",
		"8@(%rax,%rdx,16)",
		"8@(%rax,%rdx,)",
		"8@(%rax,%edx)",
		"8@-(%rax)",
		"8@--8(%rax)",
		"8@99999999999999999999(%rax)",
		"8@4294967296(%rax)",
		"8@%fs:8(%rax)",
		"8@%rax(%rbx)",
		"x@%rax",
		"8@@%rax",
		"8@x0",
		"8@[sp, 16]",
		"8@16",
		"8@%verylongname",
		"8@%eh",
		"8@%sih",
	};

	(void)state;
	assert_unknown(unknown, sizeof(unknown) / sizeof(unknown[0]), USDT_X86_64);
}

static void test_arm64(void **state)
{
	static const struct known known[] = {
		{"4@x0", ARG(REG, 4, 0, 0, NO, 0, 0)},
		{"-4@w30", ARG(REG, 4, 1, 30, NO, 0, 0)},
		{"8@sp", ARG(REG, 8, 0, MW_USDT_ARM_SP, NO, 0, 0)},
		{"4@5", ARG(MW_USDT_CONST, 4, 0, NO, NO, 0, 5)},
		{"-4@-1", ARG(MW_USDT_CONST, 4, 1, NO, NO, 0, -1)},
		{"8@[x1]", ARG(MEM, 8, 0, 1, NO, 0, 0)},
		{"8@[sp]", ARG(MEM, 8, 0, MW_USDT_ARM_SP, NO, 0, 0)},
		{"8@[sp, 16]", ARG(MEM, 8, 0, MW_USDT_ARM_SP, NO, 0, 16)},
		{"8@[x29, -8]", ARG(MEM, 8, 0, 29, NO, 0, -8)},
		{"8@[x29,#24]", ARG(MEM, 8, 0, 29, NO, 0, 24)},
		{"1@[x19, x2]", ARG(MEM, 1, 0, 19, 2, 0, 0)},
		{"8@[x19, x2, lsl 3]", ARG(MEM, 8, 0, 19, 2, 3, 0)},
		{"8@[x19, x2, lsl #3]", ARG(MEM, 8, 0, 19, 2, 3, 0)},
	};
	static const char *const unknown[] = {
		"8@x31",
		"8@w31",
		"8@d0",
		"8@%rax",
		"8@$1",
		"8@[x1",
		"8@[w1]",
		"8@[x1, ]",
		"8@[x1, w2]",
		"8@[x1, x2, lsl 4]",
		"8@[x1, x2, sxtw 2]",
		"8@[x1, 8]!",
		"8@[]",
		"8@x",
		"8@x1x",
		"8@[x1, #]",
		"8@x-1",
		"8@[x1, sym]",
		"4@99999999999",
		"8@x0x1",
	};

	(void)state;
	assert_known(known, sizeof(known) / sizeof(known[0]), USDT_ARM64);
	assert_unknown(unknown, sizeof(unknown) / sizeof(unknown[0]), USDT_ARM64);
}

/* One of several: spaces within brackets are none between arguments. */
static void test_by_index(void **state)
{
	static const char x86[] = "4@%edi -4@$3  8@(%rax, %rdx, 4) 8f@%xmm0\t1@%al ";
	static const char arm64[] = "4@x0 8@[sp, 16] 8@[x1, x2, lsl 3] 4@5";
	struct mw_usdt_arg arg;

	(void)state;
	assert_int_equal(usdt_arg_parse(x86, 0, USDT_X86_64, &arg), 0);
	assert_int_equal(arg.base, MW_USDT_DI);
	assert_int_equal(usdt_arg_parse(x86, 1, USDT_X86_64, &arg), 0);
	assert_int_equal(arg.offset, 3);
	assert_int_equal(usdt_arg_parse(x86, 2, USDT_X86_64, &arg), 0);
	assert_int_equal(arg.index, MW_USDT_DX);
	assert_int_equal(usdt_arg_parse(x86, 3, USDT_X86_64, &arg), -ENOTSUP);
	assert_int_equal(usdt_arg_parse(x86, 4, USDT_X86_64, &arg), 0);
	assert_int_equal(arg.base, MW_USDT_AX);
	assert_int_equal(usdt_arg_parse(x86, 5, USDT_X86_64, &arg), -ENOENT);
	assert_int_equal(usdt_arg_parse(x86, ~0U, USDT_X86_64, &arg), -ENOENT);
	assert_int_equal(usdt_arg_parse("", 0, USDT_X86_64, &arg), -ENOENT);
	assert_int_equal(usdt_arg_parse(" \t", 0, USDT_X86_64, &arg), -ENOENT);
	assert_int_equal(usdt_arg_parse(arm64, 1, USDT_ARM64, &arg), 0);
	assert_int_equal(arg.offset, 16);
	assert_int_equal(usdt_arg_parse(arm64, 2, USDT_ARM64, &arg), 0);
	assert_int_equal(arg.scale, 3);
	assert_int_equal(usdt_arg_parse(arm64, 3, USDT_ARM64, &arg), 0);
	assert_int_equal(arg.offset, 5);
	assert_int_equal(usdt_arg_parse(arm64, 4, USDT_ARM64, &arg), -ENOENT);
}

static void test_too_long(void **state)
{
	char args[USDT_ARGS_BYTES + 2];
	struct mw_usdt_arg arg;

	(void)state;
	memset(args, ' ', sizeof(args));
	memcpy(args, "8@%rax", 6);
	args[USDT_ARGS_BYTES] = '\0';
	assert_int_equal(usdt_arg_parse(args, 0, USDT_X86_64, &arg), 0);
	args[USDT_ARGS_BYTES] = ' ';
	args[USDT_ARGS_BYTES + 1] = '\0';
	assert_int_equal(usdt_arg_parse(args, 0, USDT_X86_64, &arg), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86),	    cmocka_unit_test(test_x86_registers),
		cmocka_unit_test(test_x86_unknown), cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_by_index),    cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests_name("sym/usdt_arg", tests, NULL, NULL);
}
