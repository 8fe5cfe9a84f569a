/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Instructions by their bits. x86-64: Intel's manual, volume 2, "Instruction format"; bytes that
 * are within another instruction may look like one. arm64: Arm's Architecture Reference Manual,
 * C4.1 "A64 instruction set encoding"; each is a word.
 */
#include "v8/v8_insn.h"

#include <string.h>

/* ---- x86-64 ---- */

#define X86_JCC_BYTES 6

static int32_t distance(const uint8_t *at)
{
	int32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* mov or add @offset(register), register, of 8 bytes; the displacement has 1 byte or 4. */
static bool x86_reads_word(const uint8_t *code, size_t len, uint16_t offset)
{
	size_t wide = offset >= 0x80 ? 4 : 1;

	for (size_t i = 0; i + 3 + wide <= len; i++) {
		const uint8_t *at = code + i;
		uint8_t mode = at[2] >> 6, base = at[2] & 7;

		if (at[0] != 0x48 || (at[1] != 0x8b && at[1] != 0x03) || base == 4 ||
		    mode != (wide == 4 ? 2 : 1))
			continue;
		if (wide == 4 ? distance(at + 3) == offset : at[3] == offset)
			return true;
	}
	return false;
}

static bool x86_reads(const uint8_t *code, size_t len, uint16_t offset)
{
	const uint8_t le[] = {offset & 0xff, offset >> 8, 0, 0};

	if (offset >= 0x80)
		return memmem(code, len, le, sizeof(le)) != NULL;
	return x86_reads_word(code, len, offset);
}

/* mov disp32(%rip),%rax or ,%eax */
static uint64_t x86_returned_variable(uint64_t fn, const uint8_t *code, size_t len)
{
	size_t at = len && code[0] == 0x48;

	if (len < at + 6 || code[at] != 0x8b || code[at + 1] != 0x05)
		return 0;
	return fn + at + 6 + (uint64_t)(int64_t)distance(code + at + 2);
}

static bool x86_branch(const uint8_t *code, size_t len, size_t at, struct v8_insn_jump *out)
{
	if (at + X86_JCC_BYTES > len || code[at] != 0x0f || (code[at + 1] & 0xf0) != 0x80)
		return false;
	out->end = (int64_t)at + X86_JCC_BYTES;
	out->target = out->end + distance(code + at + 2);
	return true;
}

static bool x86_jump(const uint8_t *code, size_t len, size_t at, struct v8_insn_jump *out)
{
	if (at + 5 <= len && code[at] == 0xe9) {
		out->end = (int64_t)at + 5;
		out->target = out->end + distance(code + at + 1);
		return true;
	}
	if (at + 2 > len || code[at] != 0xeb)
		return false;
	out->end = (int64_t)at + 2;
	out->target = out->end + (int8_t)code[at + 1];
	return true;
}

/* ---- arm64 ---- */

#define ARM_SP 31u

static uint32_t arm_word(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static int64_t arm_signed(uint32_t insn, unsigned shift, unsigned bits)
{
	return (int64_t)((uint64_t)(insn >> shift) << (64 - bits)) >> (64 - bits);
}

static unsigned arm_base(uint32_t insn)
{
	return insn >> 5 & 31;
}

/* add x, x, #@offset */
static bool arm_adds(uint32_t insn, uint32_t *offset)
{
	*offset = (insn >> 10 & 0xfff) << (insn >> 22 & 1 ? 12 : 0);
	return (insn & 0xff800000) == 0x91000000;
}

/* ldr x or w, [x, #@offset], of @bytes */
static bool arm_loads(uint32_t insn, uint32_t *offset, unsigned *bytes)
{
	*bytes = 1u << (insn >> 30);
	*offset = (insn >> 10 & 0xfff) * *bytes;
	return (insn & 0xbfc00000) == 0xb9400000;
}

static bool arm_reads(const uint8_t *code, size_t len, uint16_t wanted, unsigned least_bytes)
{
	for (size_t i = 0; i + 4 <= len; i += 4) {
		uint32_t insn = arm_word(code + i), offset;
		unsigned bytes;

		if (arm_base(insn) == ARM_SP)
			continue;
		if (arm_adds(insn, &offset) && offset == wanted)
			return true;
		if (arm_loads(insn, &offset, &bytes) && offset == wanted && bytes >= least_bytes)
			return true;
	}
	return false;
}

/* adrp x, page; perhaps add x, x, #offset; ldr x0 or w0, [x, #offset] */
static uint64_t arm_returned_variable(uint64_t fn, const uint8_t *code, size_t len)
{
	uint64_t address = 0;

	for (size_t i = 0; i + 4 <= len; i += 4) {
		uint32_t insn = arm_word(code + i), offset;
		unsigned bytes;

		if ((insn & 0xfffff01f) == 0xd503201f) /* a hint: bti c, paciasp */
			continue;
		if ((insn & 0x9f000000) == 0x90000000 && !address) /* adrp */
			address = ((fn + i) & ~0xfffULL) +
				  (uint64_t)(arm_signed(insn, 5, 19) * 4 + (insn >> 29 & 3)) * 4096;
		else if (address && arm_adds(insn, &offset))
			address += offset;
		else
			return address && arm_loads(insn, &offset, &bytes) && !(insn & 31)
				       ? address + offset
				       : 0;
	}
	return 0;
}

static bool arm_branch(const uint8_t *code, size_t len, size_t at, struct v8_insn_jump *out)
{
	uint32_t insn;
	int64_t by;

	if (at % 4 || at + 4 > len)
		return false;
	insn = arm_word(code + at);
	if ((insn & 0xff000010) == 0x54000000 || (insn & 0x7e000000) == 0x34000000)
		by = arm_signed(insn, 5, 19); /* b.cond; cbz, cbnz */
	else if ((insn & 0x7e000000) == 0x36000000)
		by = arm_signed(insn, 5, 14); /* tbz, tbnz */
	else
		return false;
	out->end = (int64_t)at + 4;
	out->target = (int64_t)at + by * 4;
	return true;
}

static bool arm_jump(const uint8_t *code, size_t len, size_t at, struct v8_insn_jump *out)
{
	if (at % 4 || at + 4 > len || arm_word(code + at) >> 26 != 0x05) /* b */
		return false;
	out->end = (int64_t)at + 4;
	out->target = (int64_t)at + arm_signed(arm_word(code + at), 0, 26) * 4;
	return true;
}

/* ---- either ---- */

bool v8_insn_reads(uint16_t machine, const uint8_t *code, size_t len, uint16_t offset)
{
	if (machine == EM_AARCH64)
		return arm_reads(code, len, offset, 1);
	return machine == EM_X86_64 && x86_reads(code, len, offset);
}

bool v8_insn_reads_word(uint16_t machine, const uint8_t *code, size_t len, uint16_t offset)
{
	if (machine == EM_AARCH64)
		return arm_reads(code, len, offset, 8);
	return machine == EM_X86_64 && x86_reads_word(code, len, offset);
}

uint64_t v8_insn_returned_variable(uint16_t machine, uint64_t fn, const uint8_t *code, size_t len)
{
	if (machine == EM_AARCH64)
		return arm_returned_variable(fn, code, len);
	return machine == EM_X86_64 ? x86_returned_variable(fn, code, len) : 0;
}

unsigned v8_insn_step(uint16_t machine)
{
	return machine == EM_AARCH64 ? 4 : 1;
}

bool v8_insn_branch(uint16_t machine, const uint8_t *code, size_t len, size_t at,
		    struct v8_insn_jump *out)
{
	if (machine == EM_AARCH64)
		return arm_branch(code, len, at, out);
	return machine == EM_X86_64 && x86_branch(code, len, at, out);
}

bool v8_insn_jump(uint16_t machine, const uint8_t *code, size_t len, size_t at,
		  struct v8_insn_jump *out)
{
	if (machine == EM_AARCH64)
		return arm_jump(code, len, at, out);
	return machine == EM_X86_64 && x86_jump(code, len, at, out);
}
