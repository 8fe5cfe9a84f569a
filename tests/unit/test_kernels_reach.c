/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which poisoned instructions of a BPF program can be reached: tests/kernels/reach.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/reach.h"

#define MOV(dst, value)                                                                            \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (dst), .imm = (value)              \
	}
#define COPY(dst, src)                                                                             \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (dst), .src_reg = (src)            \
	}
#define AND(dst, value)                                                                            \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = (dst), .imm = (value)              \
	}
#define LOAD(dst, src)                                                                             \
	{                                                                                          \
		.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = (dst), .src_reg = (src)             \
	}
#define LOAD_AT(dst, src, at)                                                                      \
	{                                                                                          \
		.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = (dst), .src_reg = (src),            \
		.off = (at)                                                                        \
	}
#define JUMP_IF(dst, v, skip)                                                                      \
	{                                                                                          \
		.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = (dst), .imm = (v), .off = (skip)     \
	}
#define JUMP(skip)                                                                                 \
	{                                                                                          \
		.code = BPF_JMP | BPF_JA, .off = (skip)                                            \
	}
#define CALL(helper)                                                                               \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = (helper)                                        \
	}
#define CALL_LOCAL(skip)                                                                           \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = (skip)              \
	}
#define CALLBACK(dst, skip)                                                                        \
	{.code = BPF_LD | BPF_DW | BPF_IMM,                                                        \
	 .dst_reg = (dst),                                                                         \
	 .src_reg = BPF_PSEUDO_FUNC,                                                               \
	 .imm = (skip)},                                                                           \
	{                                                                                          \
		.code = 0                                                                          \
	}
#define POISON CALL(REACH_POISON)
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}

#define COUNT(program) (sizeof(program) / sizeof((program)[0]))

static unsigned arguments;

#define assert_reached(program, wanted)                                                            \
	assert_int_equal(reach_poisoned(program, COUNT(program), &arguments), wanted)

static void test_straight(void **state)
{
	const struct bpf_insn none[] = {MOV(0, 0), EXIT};
	const struct bpf_insn one[] = {MOV(0, 0), POISON, EXIT};
	const struct bpf_insn behind[] = {MOV(0, 0), EXIT, POISON, EXIT};

	(void)state;
	assert_reached(none, -1);
	assert_reached(one, 1);
	assert_reached(behind, -1);
}

/* bpf_core_type_exists() after relocation: a constant that a branch looks at. */
static void test_guard(void **state)
{
	const struct bpf_insn no[] = {MOV(1, 0), JUMP_IF(1, 0, 1), POISON, EXIT};
	const struct bpf_insn yes[] = {MOV(1, 1), JUMP_IF(1, 0, 1), POISON, EXIT};
	const struct bpf_insn copied[] = {MOV(1, 2),	    AND(1, 1), COPY(7, 1),
					  JUMP_IF(7, 0, 1), POISON,    EXIT};

	(void)state;
	assert_reached(no, -1);
	assert_reached(yes, 2);
	assert_reached(copied, -1);
}

/* What the program reads can be anything: both ways. */
static void test_unknown(void **state)
{
	const struct bpf_insn read[] = {MOV(2, 0), LOAD(2, 1), JUMP_IF(2, 0, 1), POISON, EXIT};
	const struct bpf_insn kept[] = {MOV(6, 0), CALL(5), JUMP_IF(6, 0, 1), POISON, EXIT};
	const struct bpf_insn clobbered[] = {MOV(3, 0), CALL(5), JUMP_IF(3, 0, 1), POISON, EXIT};

	(void)state;
	assert_reached(read, 3);
	assert_reached(kept, -1);
	assert_reached(clobbered, 3);
}

/* Two ways to one place, with another constant each. */
static void test_join(void **state)
{
	const struct bpf_insn differ[] = {
		LOAD(2, 1), MOV(3, 0), JUMP_IF(2, 0, 1), MOV(3, 1), JUMP_IF(3, 0, 1), POISON, EXIT};
	const struct bpf_insn agree[] = {
		LOAD(2, 1), MOV(3, 0), JUMP_IF(2, 0, 1), MOV(3, 0), JUMP_IF(3, 0, 1), POISON, EXIT};
	const struct bpf_insn loop[] = {MOV(3, 0), JUMP_IF(3, 1, 2), MOV(3, 1),
					JUMP(-3),  POISON,	     EXIT};

	(void)state;
	assert_reached(differ, 5);
	assert_reached(agree, -1);
	assert_reached(loop, 4);
}

/* Functions and callbacks are entered with anything; those nobody calls are not. */
static void test_functions(void **state)
{
	const struct bpf_insn called[] = {MOV(1, 0), CALL_LOCAL(1), EXIT, POISON, EXIT};
	const struct bpf_insn callback[] = {CALLBACK(2, 3), CALL(181), EXIT, POISON, EXIT};
	const struct bpf_insn guarded[] = {CALL_LOCAL(1),    EXIT,   MOV(1, 0),
					   JUMP_IF(1, 0, 1), POISON, EXIT};

	(void)state;
	assert_reached(called, 3);
	assert_reached(callback, 4);
	assert_reached(guarded, -1);
}

/* Of what the program is called with, by whatever register. */
static void test_arguments(void **state)
{
	const struct bpf_insn none[] = {MOV(0, 0), EXIT};
	const struct bpf_insn second[] = {COPY(6, 1), CALL(5), LOAD_AT(2, 6, 8), MOV(0, 0), EXIT};
	const struct bpf_insn other[] = {LOAD(2, 1), LOAD_AT(3, 2, 24), MOV(0, 0), EXIT};
	const struct bpf_insn lost[] = {MOV(1, 0), LOAD_AT(3, 1, 24), MOV(0, 0), EXIT};

	(void)state;
	assert_reached(none, -1);
	assert_int_equal(arguments, 0);
	assert_reached(second, -1);
	assert_int_equal(arguments, 2);
	assert_reached(other, -1);
	assert_int_equal(arguments, 1);
	assert_reached(lost, -1);
	assert_int_equal(arguments, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_straight),  cmocka_unit_test(test_guard),
		cmocka_unit_test(test_unknown),	  cmocka_unit_test(test_join),
		cmocka_unit_test(test_functions), cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
