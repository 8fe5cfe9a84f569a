/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few machine instructions that are looked for in V8's code, of x86-64 and arm64: by what
 * they do, without disassembling the rest. For a machine that is neither nothing is found.
 *
 * @machine: EM_X86_64 or EM_AARCH64, as in the ELF header of the file that the code is from, or
 * V8_THIS_MACHINE.
 */
#ifndef MEMWATCH_V8_V8_INSN_H
#define MEMWATCH_V8_V8_INSN_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__aarch64__)
#define V8_THIS_MACHINE EM_AARCH64
#else
#define V8_THIS_MACHINE EM_X86_64
#endif

/** v8_insn_reads - whether one of the instructions in @code refers to @offset from a register */
bool v8_insn_reads(uint16_t machine, const uint8_t *code, size_t len, uint16_t offset);
/** v8_insn_reads_word - the same of those that load or add the 8 bytes there; on arm64 also of
 *  those that make the address */
bool v8_insn_reads_word(uint16_t machine, const uint8_t *code, size_t len, uint16_t offset);

/** v8_insn_returned_variable - address of the variable that a function at @fn, which begins with
 *  @code, does nothing but return; 0: it is no such function */
uint64_t v8_insn_returned_variable(uint16_t machine, uint64_t fn, const uint8_t *code, size_t len);

/** v8_insn_step - how far apart instructions may begin */
unsigned v8_insn_step(uint16_t machine);

/* A jump, as bytes from the start of the code. */
struct v8_insn_jump {
	int64_t end, target; /* behind it, and where it goes */
};

/** v8_insn_branch - whether a conditional jump is at @at, one of those with a far reach */
bool v8_insn_branch(uint16_t machine, const uint8_t *code, size_t len, size_t at,
		    struct v8_insn_jump *out);
/** v8_insn_jump - whether an unconditional one is there */
bool v8_insn_jump(uint16_t machine, const uint8_t *code, size_t len, size_t at,
		  struct v8_insn_jump *out);

#endif
